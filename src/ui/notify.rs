//! [`Notify`]: a bell or a notification of the terminal where something happened that the user may
//! wait for while looking elsewhere.

use crate::sip::escape;

/// How it is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum How {
    /// Not at all.
    #[default]
    Off,
    /// The terminal's bell.
    Bell,
    /// A notification by OSC 9 (iTerm2, kitty, WezTerm, Windows Terminal, Ghostty).
    Osc9,
    /// A notification by OSC 777 (urxvt, VTE, foot, Ghostty).
    Osc777,
}

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// A request was accepted.
    Accepted,
    /// A request failed.
    Failed,
    /// The peer sent a request.
    Received,
}

/// What is told, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notify {
    /// How.
    pub how: How,
    /// On which occasions.
    pub on: Vec<Occasion>,
}

/// What is still to be told: the first, and how many more came since.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alert {
    first: Option<String>,
    more: usize,
}

/// The most characters of a notification.
const LONGEST: usize = 120;

impl How {
    /// Every way, as the config file names it.
    pub const ALL: [(&str, How); 4] =
        [("off", How::Off), ("bell", How::Bell), ("osc9", How::Osc9), ("osc777", How::Osc777)];

    /// What the terminal is to be sent; empty where it is told nothing.
    pub fn sequence(self, text: &str) -> String {
        // Nothing that could end the sequence, or begin another field of it.
        let text: String = escape(text).chars().take(LONGEST).collect();
        let text = text.replace(';', ",");
        match self {
            How::Off => String::new(),
            How::Bell => "\x07".to_owned(),
            How::Osc9 => format!("\x1b]9;sipboard: {text}\x1b\\"),
            How::Osc777 => format!("\x1b]777;notify;sipboard;{text}\x1b\\"),
        }
    }
}

impl Occasion {
    /// Every occasion, as the config file names it.
    pub const ALL: [(&str, Occasion); 3] = [
        ("accepted", Occasion::Accepted),
        ("failed", Occasion::Failed),
        ("received", Occasion::Received),
    ];
}

impl Notify {
    /// Whether an occasion is told.
    pub fn tells(&self, occasion: Occasion) -> bool {
        self.how != How::Off && self.on.contains(&occasion)
    }
}

impl Alert {
    /// Something more to be told.
    pub fn add(&mut self, text: impl FnOnce() -> String) {
        match self.first {
            None => self.first = Some(text()),
            Some(_) => self.more += 1,
        }
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// The whole as one sentence; from now on there is nothing any more.
    pub fn take(&mut self) -> Option<String> {
        let Alert { first, more } = std::mem::take(self);
        let first = first?;
        Some(match more {
            0 => first,
            more => format!("{first}, and {more} more"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_end_the_sequence_that_carries_it() {
        for (_, how) in How::ALL {
            let sequence = how.sequence("#1 a\x07\x1b]0;x\x07\u{9c};b\n");
            let body = sequence.trim_start_matches('\x1b').trim_end_matches("\x1b\\");
            let body = if how == How::Bell { "" } else { body };
            assert!(!body.chars().any(char::is_control), "{sequence:?}");
            assert_eq!(how == How::Off, sequence.is_empty());
        }
        assert_eq!(How::Osc777.sequence("a;b"), "\x1b]777;notify;sipboard;a,b\x1b\\");
    }

    #[test]
    fn many_alerts_are_one_sentence() {
        let mut alert = Alert::default();
        assert_eq!(alert.take(), None);
        for n in 1..4 {
            alert.add(|| format!("#{n}"));
        }
        assert_eq!(alert.take().as_deref(), Some("#1, and 2 more"));
        assert!(alert.is_empty());
    }
}
