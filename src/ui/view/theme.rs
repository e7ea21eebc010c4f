//! Colours. Each is an addition: shape, word and position say the same without it.

use ratatui::style::{Color, Modifier, Style};

use crate::sip::State;

/// The styles of the screen.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
    /// What is as any other text, also on a border.
    pub plain: Style,
    /// The one accent: what has the focus, and the keys.
    pub accent: Style,
    /// What is good.
    pub good: Style,
    /// What is under way.
    pub pending: Style,
    /// What is bad.
    pub bad: Style,
    /// What stands back.
    pub dim: Style,
    /// Borders without the focus.
    pub border: Style,
    /// The chosen line of the pane with the focus.
    pub selected: Style,
    /// The chosen line of the other pane.
    pub chosen: Style,
}

/// How many colours a terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// None, or the user wants none.
    None,
    /// The sixteen of the user's palette.
    Sixteen,
    /// 256 and more.
    Many,
}

impl Colours {
    /// What the environment says. `NO_COLOR` wins (no-color.org).
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Colours {
        let set = |name| variable(name).is_some_and(|value| !value.is_empty());
        let term = variable("TERM").unwrap_or_default();
        if set("NO_COLOR") || term == "dumb" || term.ends_with("-m") || term.ends_with("-mono") {
            Colours::None
        } else if set("COLORTERM")
            || ["256color", "truecolor", "direct", "kitty", "alacritty", "ghostty"]
                .iter()
                .any(|many| term.contains(many))
            || (cfg!(windows) && set("WT_SESSION"))
        {
            Colours::Many
        } else {
            Colours::Sixteen
        }
    }
}

impl Theme {
    /// The styles for a number of colours.
    pub const fn new(colours: Colours) -> Theme {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        let over = Style::new().fg(Color::Reset).remove_modifier(Modifier::DIM);
        let dim = plain.add_modifier(Modifier::DIM);
        match colours {
            Colours::None => Theme {
                plain: over,
                accent: bold,
                good: plain,
                pending: plain,
                bad: bold,
                dim,
                border: dim,
                selected: plain.add_modifier(Modifier::REVERSED),
                chosen: bold,
            },
            Colours::Sixteen => Theme {
                plain: over,
                accent: plain.fg(Color::Cyan),
                good: plain.fg(Color::Green),
                pending: plain.fg(Color::Yellow),
                bad: plain.fg(Color::Red),
                dim,
                border: dim,
                selected: plain.add_modifier(Modifier::REVERSED),
                chosen: bold,
            },
            // The greys of the 256 are the same on every palette, and legible on black and white.
            Colours::Many => Theme {
                plain: over,
                accent: plain.fg(Color::Cyan),
                good: plain.fg(Color::Green),
                pending: plain.fg(Color::Yellow),
                bad: plain.fg(Color::Red),
                dim: plain.fg(Color::Indexed(245)),
                border: plain.fg(Color::Indexed(240)),
                selected: plain
                    .fg(Color::Indexed(255))
                    .bg(Color::Indexed(24))
                    .add_modifier(Modifier::BOLD),
                chosen: bold,
            },
        }
    }

    /// The style of a state.
    pub const fn state(&self, state: State) -> Style {
        match state {
            State::Waiting | State::Sent | State::Canceled | State::HungUp => self.dim,
            State::Calling | State::Trying | State::Proceeding | State::Cancelling => self.pending,
            State::Accepted => self.good,
            State::Rejected | State::Failed => self.bad,
        }
    }
}

/// The shape of a state: one column, each different from what else can stand beside its word.
pub const fn shape(state: State) -> &'static str {
    match state {
        State::Waiting | State::Calling | State::Trying => "◌",
        State::Proceeding => "◐",
        State::Cancelling => "◑",
        State::Accepted => "●",
        State::Sent | State::HungUp => "○",
        State::Canceled => "⊘",
        State::Rejected | State::Failed => "✖",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides_on_colours() {
        for (set, colours) in [
            (&[("TERM", "xterm-256color"), ("NO_COLOR", "1")][..], Colours::None),
            (&[("TERM", "xterm-256color"), ("NO_COLOR", "")], Colours::Many),
            (&[("TERM", "vt100")], Colours::Sixteen),
            (&[("TERM", "dumb")], Colours::None),
            (&[("TERM", "xterm"), ("COLORTERM", "truecolor")], Colours::Many),
            (&[("TERM", "linux")], Colours::Sixteen),
        ] {
            let variable = |name: &str| {
                set.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(Colours::of(variable), colours, "{set:?}");
        }
    }
}
