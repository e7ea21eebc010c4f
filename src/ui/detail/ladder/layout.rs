//! A ladder as lines of text: where each lifeline stands, and what is drawn between them.
//!
//! ```text
//!            alice@demo.test      127.0.0.1:5066
//!            127.0.0.1:40000            ws
//!                   │                   │
//!  +0.000           │─── INVITE  SDP ──▶│
//!  +0.002           │◀─ 100 Trying ─────│
//! ```

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Ladder, Mood, What};
use crate::sip::escape::escape;

/// The least columns between two lifelines where there is room: an arrow with what it is, and with
/// what it carries.
const LEAST: usize = 26;
/// The least columns where there is not: an arrow with a method or a short status.
const TIGHT: usize = 19;
/// The fewest columns that a user can wish for.
const FEWEST: usize = 10;
/// How many columns one step of a user's wish is.
const STEP: usize = 6;
/// The most columns that the longest label makes it.
const MOST: usize = 64;
/// What an arrow needs besides its label: `── ` and ` ──▶`.
const SHAFT: usize = 7;
/// How many columns before its receiver an arrow ends that never got there.
const LOST: usize = 2;
/// What stands on an arrow of what went before, and where there is no room for it.
const AGAIN: &str = " again";
const AGAIN_SHORT: &str = " ↻";

/// Where the point of an arrow is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tip {
    /// On the left, at us mostly.
    Left,
    /// On the right.
    Right,
    /// On the left, before it gets there: what comes in was lost on its way.
    LostLeft,
    /// On the right, before it gets there.
    LostRight,
}

/// Where everything stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The column of each lifeline, counted behind the times.
    columns: Vec<usize>,
    /// Columns in all.
    width: usize,
    /// The column that no note is to pass; those that would stand left of their lifeline.
    limit: usize,
}

/// One line of a ladder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LadderLine {
    /// Its pieces from left to right; together they are the text.
    pub pieces: Vec<(String, Part)>,
    /// The index of the step that it draws; none for the heads.
    pub step: Option<usize>,
}

/// What a piece of a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Lifelines and the space between them.
    Lifelines,
    /// An arrow.
    Arrow(Mood),
    /// What stands on an arrow, or a note.
    Label(Mood),
    /// The name of a lifeline.
    Name,
    /// What it is besides.
    Role,
}

impl LadderLine {
    /// The line as text.
    pub fn text(&self) -> String {
        self.pieces.iter().map(|(text, _)| text.as_str()).collect()
    }
}

impl Ladder {
    /// The layout for a width: as wide as the labels want it and no wider than there is room, but
    /// never narrower than can be read; what does not fit is scrolled to. `None` takes the room
    /// that every label needs. `zoom` is how many steps wider than that it is to be.
    pub fn layout(&self, room: Option<usize>, zoom: i16) -> Layout {
        let spans = self.lifelines.len().saturating_sub(1).max(1);
        let wanted = self.steps.iter().map(|step| match &step.what {
            What::Arrow { from, to, label, count, again, lost } => {
                let hops = from.abs_diff(*to).max(1);
                let short = if *lost { LOST } else { 0 };
                let words = words(label, (*count, *again), usize::MAX);
                (words.width() + SHAFT + short + 1).div_ceil(hops)
            }
            What::Note { .. } | What::Gap(_) => 0,
        });
        let wanted = wanted.max().unwrap_or(0);
        let margin = self.lifelines.first().map_or(0, |us| half(us).min(LEAST / 2));
        let end = self.lifelines.last().map_or(0, |last| half(last).min(LEAST / 2)) + 1;
        let gap = match room {
            None => wanted.max(LEAST),
            Some(room) => {
                let fits = room.saturating_sub(margin + end) / spans;
                wanted.clamp(LEAST, MOST).min(fits.max(TIGHT))
            }
        };
        let by = STEP * usize::from(zoom.unsigned_abs());
        let gap = match zoom {
            ..0 => gap.saturating_sub(by).max(FEWEST),
            _ => gap + by,
        };
        let columns: Vec<usize> =
            (0..self.lifelines.len()).map(|index| margin + index * gap).collect();
        let least = columns.last().copied().unwrap_or(0) + end;
        let limit = room.map_or(usize::MAX, |room| room.max(least));
        let notes = self.steps.iter().map(|step| match &step.what {
            What::Note { over, text } => {
                let column = columns.get(*over).copied().unwrap_or(0);
                let note = escape(text).width();
                if is_left(column, note, limit) { 0 } else { column + 5 + note }
            }
            What::Gap(count) => margin + 25 + count.to_string().len(),
            What::Arrow { .. } => 0,
        });
        let width = notes.max().unwrap_or(0).max(least);
        Layout { columns, width, limit }
    }

    /// The names of the lifelines.
    pub fn heads(&self, layout: &Layout) -> Vec<LadderLine> {
        let gap = layout.columns.get(1).map_or(LEAST, |second| second - layout.columns[0]);
        let line = |text: fn(&super::Lifeline) -> &str, part| {
            let mut line = Line::default();
            for (lifeline, column) in self.lifelines.iter().zip(&layout.columns) {
                let text = escape(text(lifeline));
                let text = cut(&text, gap - 2);
                let from = column.saturating_sub(text.width() / 2);
                line.fill(from.max(line.at), |_| ' ', Part::Lifelines);
                line.put(&text, part);
            }
            line.done(None)
        };
        vec![
            line(|lifeline| &lifeline.name, Part::Name),
            line(|lifeline| &lifeline.role, Part::Role),
        ]
    }

    /// A line for each step.
    pub fn lines(&self, layout: &Layout) -> impl Iterator<Item = LadderLine> {
        (0..self.steps.len()).map(move |index| self.line(layout, index))
    }

    /// The line of a step.
    fn line(&self, layout: &Layout, index: usize) -> LadderLine {
        let step = &self.steps[index];
        let mut line = Line::default();
        let column = |index: usize| layout.columns.get(index).copied().unwrap_or(0);
        match &step.what {
            What::Arrow { from, to, label, count, again, lost } if from != to => {
                let (left, right) = (column(*from.min(to)), column(*from.max(to)));
                line.lifelines(left + 1, &layout.columns);
                let label: Vec<String> =
                    label.iter().map(|piece| escape(piece).into_owned()).collect();
                let words = |room| words(&label, (*count, *again), room);
                let tip = match (*lost, from < to) {
                    (true, true) => Tip::LostRight,
                    (true, false) => Tip::LostLeft,
                    (false, true) => Tip::Right,
                    (false, false) => Tip::Left,
                };
                line.arrow(right, words, tip, step.mood, &layout.columns);
            }
            What::Arrow { from, label, count, again, .. } => {
                line.lifelines(column(*from) + 2, &layout.columns);
                let words = words(label, (*count, *again), usize::MAX);
                line.put(&escape(&words), Part::Label(step.mood));
            }
            What::Note { over, text } => {
                let text = escape(text);
                let column = column(*over);
                if is_left(column, text.width(), layout.limit) {
                    line.lifelines(column - text.width() - 4, &layout.columns);
                    line.put(" ", Part::Lifelines);
                    line.put(&text, Part::Label(step.mood));
                    line.put(" ◆", Part::Arrow(step.mood));
                    line.put(" ", Part::Lifelines);
                } else {
                    line.lifelines(column + 2, &layout.columns);
                    line.put("◆ ", Part::Arrow(step.mood));
                    line.put(&text, Part::Label(step.mood));
                    line.put(" ", Part::Lifelines);
                }
            }
            What::Gap(count) => {
                line.lifelines(column(0) + 2, &layout.columns);
                line.put(&format!("… {count} entries left out "), Part::Label(step.mood));
            }
        }
        line.lifelines(layout.width, &layout.columns);
        line.done(Some(index))
    }
}

/// Whether a note so wide stands left of its lifeline: there is room there, and none on the right.
const fn is_left(column: usize, note: usize, limit: usize) -> bool {
    column + 5 + note > limit && column >= note + 4
}

/// What stands on an arrow, as much of it as fits: what comes last is left out first. How often it
/// went, and that it went before, always stands there.
fn words(label: &[String], (count, again): (u32, bool), room: usize) -> String {
    let first = label.first().map_or("", String::as_str);
    let mut mark = if count > 1 { format!(" ×{count}") } else { String::new() };
    if again {
        let long = first.width() + mark.width() + AGAIN.width() <= room;
        mark.push_str(if long { AGAIN } else { AGAIN_SHORT });
    }
    let mut words = format!("{}{mark}", cut(first, room.saturating_sub(mark.width())));
    for piece in label.iter().skip(1) {
        if words.width() + 2 + piece.width() > room {
            break;
        }
        words.push_str("  ");
        words.push_str(piece);
    }
    words
}

/// Half of what the head of a lifeline takes.
fn half(lifeline: &super::Lifeline) -> usize {
    lifeline.name.width().max(lifeline.role.width()).div_ceil(2)
}

/// A line that is being set from left to right.
#[derive(Default)]
struct Line {
    pieces: Vec<(String, Part)>,
    at: usize,
}

impl Line {
    fn put(&mut self, text: &str, part: Part) {
        self.at += text.width();
        match self.pieces.last_mut() {
            Some((last, kind)) if *kind == part => last.push_str(text),
            _ => self.pieces.push((text.to_owned(), part)),
        }
    }

    /// Up to a column, each column as it should be.
    fn fill(&mut self, end: usize, column: impl Fn(usize) -> char, part: Part) {
        if end > self.at {
            let text: String = (self.at..end).map(column).collect();
            self.put(&text, part);
        }
    }

    fn lifelines(&mut self, end: usize, columns: &[usize]) {
        let column = |at| if columns.contains(&at) { '│' } else { ' ' };
        self.fill(end, column, Part::Lifelines);
    }

    /// From here to the lifeline in a column, or nearly where it is lost, with the words in the
    /// middle.
    fn arrow(
        &mut self,
        end: usize,
        words: impl Fn(usize) -> String,
        tip: Tip,
        mood: Mood,
        columns: &[usize],
    ) {
        let end = if tip == Tip::LostRight { end.saturating_sub(LOST) } else { end };
        if tip == Tip::LostLeft {
            self.lifelines(self.at + LOST, columns);
        }
        let length = end.saturating_sub(self.at);
        let words = words(length.saturating_sub(SHAFT));
        let rest = length.saturating_sub(words.width() + 2);
        let before = self.at + rest / 2;
        let part = Part::Arrow(mood);
        let shaft = |at| if columns.contains(&at) { '┼' } else { '─' };
        let is_left = matches!(tip, Tip::Left | Tip::LostLeft);
        if is_left {
            self.put(if tip == Tip::Left { "◀" } else { "✖" }, part);
        }
        self.fill(before, shaft, part);
        self.put(&format!(" {words} "), Part::Label(mood));
        self.fill(if is_left { end } else { end - 1 }, shaft, part);
        match tip {
            Tip::Left | Tip::LostLeft => {}
            Tip::Right => self.put("▶", part),
            Tip::LostRight => self.put("✖", part),
        }
    }

    fn done(self, step: Option<usize>) -> LadderLine {
        LadderLine { pieces: self.pieces, step }
    }
}

/// The text in at most `width` columns, cut at its end with `…` where it is longer.
fn cut(text: &str, width: usize) -> Cow<'_, str> {
    if text.width() <= width {
        return Cow::Borrowed(text);
    }
    let mut used = 0;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used < width
    };
    let end: usize = text.chars().take_while(fits).map(char::len_utf8).sum();
    Cow::Owned(format!("{}…", &text[..end]))
}
