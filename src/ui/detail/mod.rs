//! The detail of the chosen context: which tab, where in it, and what its tabs are made of.
//!
//! All in here is free of the terminal: [`ladder`] lays out a sequence diagram as text and as
//! Mermaid, [`diff`] compares two messages by header and parameter, [`explain`] says what a header
//! and its value mean, [`sdp`] the same of a session description, [`resend`] writes the command
//! that sends a request again, and `sip::secret` masks what must not be seen. The pictures are made
//! from them in `view::detail`.

pub mod diff;
pub mod explain;
pub mod ladder;
pub mod resend;
pub mod sdp;

use bytes::Bytes;
use tui_input::Input;

use crate::{
    sip::{Direction, Fact},
    ui::model::{Entry, Row},
};

/// A tab of the detail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tab {
    /// What happened, in its true order.
    #[default]
    Timeline,
    /// The same as a sequence diagram.
    Ladder,
    /// Each message, read and compared.
    Messages,
    /// The dialogs.
    Legs,
    /// Challenges and what answered them.
    Auth,
    /// The connection below.
    Flow,
}

impl Tab {
    /// Every tab, in the order of the screen.
    pub const ALL: [Tab; 6] =
        [Tab::Timeline, Tab::Ladder, Tab::Messages, Tab::Legs, Tab::Auth, Tab::Flow];

    /// Its name on the screen.
    pub const fn name(self) -> &'static str {
        match self {
            Tab::Timeline => "Timeline",
            Tab::Ladder => "Ladder",
            Tab::Messages => "Messages",
            Tab::Legs => "Legs",
            Tab::Auth => "Auth",
            Tab::Flow => "Flow",
        }
    }

    /// Whether it stays at its end, where things happen, until the user moves.
    pub const fn follows(self) -> bool {
        matches!(self, Tab::Timeline | Tab::Ladder)
    }

    /// The tab a step away, round the ends.
    pub fn step(self, forward: bool) -> Tab {
        let count = Tab::ALL.len();
        Tab::ALL[(self as usize + if forward { 1 } else { count - 1 }) % count]
    }
}

/// How the timeline tells the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Times {
    /// Since the context was made.
    #[default]
    SinceStart,
    /// Since the line above.
    SincePrevious,
    /// The time of day.
    OfDay,
}

impl Times {
    /// The next way, round the end.
    pub const fn next(self) -> Times {
        match self {
            Times::SinceStart => Times::SincePrevious,
            Times::SincePrevious => Times::OfDay,
            Times::OfDay => Times::SinceStart,
        }
    }

    /// What the times are, in words.
    pub const fn name(self) -> &'static str {
        match self {
            Times::SinceStart => "times count from the start",
            Times::SincePrevious => "times count from the line above",
            Times::OfDay => "times of day",
        }
    }
}

/// How a message is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// Highlighted, with what the lint says at its lines.
    #[default]
    Highlighted,
    /// Each header and its value explained as well.
    Explained,
    /// As it is, byte for byte.
    Raw,
    /// Its bytes as numbers.
    Hex,
}

impl Reading {
    /// The next reading, round the end.
    pub const fn next(self) -> Reading {
        match self {
            Reading::Highlighted => Reading::Explained,
            Reading::Explained => Reading::Raw,
            Reading::Raw => Reading::Hex,
            Reading::Hex => Reading::Highlighted,
        }
    }

    /// Its name on the screen.
    pub const fn name(self) -> &'static str {
        match self {
            Reading::Highlighted => "highlighted",
            Reading::Explained => "explained",
            Reading::Raw => "raw",
            Reading::Hex => "hex",
        }
    }
}

/// Where one stands in a tab.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spot {
    /// The chosen line; `None` at the natural place: the end of what [follows](Tab::follows), else
    /// the beginning.
    pub line: Option<usize>,
    /// The line on top.
    pub top: usize,
    /// How many columns are scrolled out on the left.
    pub left: usize,
}

impl Spot {
    /// The chosen line of a page of so many lines.
    pub fn line(&self, tab: Tab, lines: usize) -> usize {
        let last = lines.saturating_sub(1);
        match self.line {
            Some(line) => line.min(last),
            None if tab.follows() => last,
            None => 0,
        }
    }

    /// The line on top of a window of that height, moved so that the chosen line is inside.
    pub fn top(&self, tab: Tab, lines: usize, height: usize) -> usize {
        let line = self.line(tab, lines);
        let most = lines.saturating_sub(height);
        let least = (line + 1).saturating_sub(height);
        match self.line {
            None if tab.follows() => most,
            None => 0,
            Some(_) => self.top.clamp(least, line.max(least)).min(most),
        }
    }
}

/// A message that another is compared with.
#[derive(Clone, Debug)]
pub struct Marked {
    /// Its bytes, shared with the timeline.
    pub message: Bytes,
    /// Its place in the timeline.
    pub place: usize,
    /// What it is, in a few words.
    pub name: String,
}

impl Marked {
    /// Whether it is this one, and not only one with the same bytes.
    pub fn is(&self, message: &Carried<'_>) -> bool {
        self.place == message.place && self.message.as_ptr() == message.bytes.as_ptr()
    }
}

/// What is chosen, opened and scrolled to in the detail.
#[derive(Debug, Default)]
pub struct Detail {
    /// The tab.
    pub tab: Tab,
    /// Where one stands in each.
    spots: [Spot; Tab::ALL.len()],
    /// How the timeline tells the time.
    pub times: Times,
    /// How many steps wider than usual the ladder is drawn.
    pub zoom: i16,
    /// How a message is read.
    pub reading: Reading,
    /// Whether long lines go on to the right instead of below.
    pub unwrapped: bool,
    /// Whether line ends are shown.
    pub line_ends: bool,
    /// The place of the chosen message in the timeline; `None` for the first one.
    pub message: Option<usize>,
    /// The message to compare with.
    pub marked: Option<Marked>,
    /// Whether the chosen message is shown as what differs from the marked one.
    pub comparing: bool,
    /// What is searched for.
    pub find: Option<Input>,
}

impl Detail {
    /// Where one stands in the open tab.
    pub fn spot(&self) -> Spot {
        self.spots[self.tab as usize]
    }

    /// The same, to change it.
    pub fn spot_mut(&mut self) -> &mut Spot {
        &mut self.spots[self.tab as usize]
    }

    /// Back to the natural places: another context is chosen.
    pub fn reset(&mut self) {
        self.spots = Default::default();
        self.message = None;
        self.comparing = false;
    }

    /// Opens a message, from its beginning.
    pub fn open(&mut self, place: usize) {
        self.tab = Tab::Messages;
        if self.message != Some(place) {
            self.message = Some(place);
            *self.spot_mut() = Spot::default();
        }
    }

    /// The text that is searched for, where there is one.
    pub fn wanted(&self) -> Option<&str> {
        self.find.as_ref().map(Input::value).filter(|text| !text.is_empty())
    }
}

/// One message of a context.
#[derive(Clone, Copy, Debug)]
pub struct Carried<'a> {
    /// Its place in the timeline.
    pub place: usize,
    /// The entry.
    pub entry: &'a Entry,
    /// The bytes.
    pub bytes: &'a Bytes,
    /// Whether we sent it.
    pub ours: bool,
}

/// The messages of a context, in order.
pub fn messages(row: &Row) -> impl Iterator<Item = Carried<'_>> {
    row.timeline.iter().enumerate().filter_map(|(place, entry)| carried(place, entry))
}

/// The message of an entry, where it has one.
pub fn carried(place: usize, entry: &Entry) -> Option<Carried<'_>> {
    let (bytes, ours) = match &entry.fact {
        Fact::Impaired(impaired) if impaired.has_bytes_of_its_own() => {
            (&impaired.message, impaired.direction == Direction::Out)
        }
        fact => (fact.message()?, fact.is_ours()),
    };
    Some(Carried { place, entry, bytes, ours })
}

/// Where a text stands in another, whatever the case of its ASCII letters.
pub fn occurrences(text: &str, wanted: &str) -> Vec<usize> {
    let (text, wanted) = (text.as_bytes(), wanted.as_bytes());
    let mut found = Vec::new();
    let mut at = 0;
    while !wanted.is_empty() && at + wanted.len() <= text.len() {
        if text[at..at + wanted.len()].eq_ignore_ascii_case(wanted) {
            found.push(at);
            at += wanted.len();
        } else {
            at += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spot_keeps_the_chosen_line_in_the_window() {
        let spot = |line, top| Spot { line, top, left: 0 };
        for (spot, tab, lines, height, line, top) in [
            (spot(None, 0), Tab::Timeline, 100, 10, 99, 90),
            (spot(None, 50), Tab::Messages, 100, 10, 0, 0),
            (spot(Some(5), 0), Tab::Timeline, 100, 10, 5, 0),
            (spot(Some(12), 0), Tab::Messages, 100, 10, 12, 3),
            (spot(Some(2), 8), Tab::Messages, 100, 10, 2, 2),
            (spot(Some(500), 499), Tab::Messages, 100, 10, 99, 90),
            (spot(Some(3), 3), Tab::Messages, 5, 10, 3, 0),
            (spot(None, 0), Tab::Timeline, 0, 0, 0, 0),
            (spot(Some(7), 0), Tab::Legs, 9, 0, 7, 8),
        ] {
            assert_eq!(spot.line(tab, lines), line, "{spot:?}");
            assert_eq!(spot.top(tab, lines, height), top, "{spot:?}");
        }
    }

    #[test]
    fn a_text_is_found_whatever_its_case() {
        assert_eq!(occurrences("Via: SIP/2.0/UDP via", "VIA"), [0, 17]);
        assert_eq!(occurrences("aaaa", "aa"), [0, 2]);
        assert_eq!(occurrences("Grüße", "ü"), [2]);
        assert!(occurrences("abc", "").is_empty() && occurrences("", "a").is_empty());
    }

    #[test]
    fn tabs_go_round() {
        assert_eq!(Tab::Flow.step(true), Tab::Timeline);
        assert_eq!(Tab::Timeline.step(false), Tab::Flow);
    }
}
