//! The lines of a [`List`]: its rows, and below an open one its legs and what is folded into it.

use super::{Contexts, List};
use crate::sip::ContextId;

/// A line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// A row.
    Row(usize),
    /// A leg of an open row.
    Leg {
        /// The row.
        row: usize,
        /// Which of its legs.
        leg: usize,
    },
    /// A row that is folded into an open one.
    Member(usize),
}

/// What the cursor is on: it stays there, wherever that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The context.
    pub context: ContextId,
    /// One of its legs.
    pub leg: Option<usize>,
}

impl List {
    /// Whether a row is open.
    pub fn is_open(&self, id: ContextId) -> bool {
        self.open.contains(&id)
    }

    /// Opens or closes a row.
    pub fn set_open(&mut self, id: ContextId, open: bool) {
        if open {
            self.open.insert(id);
        } else {
            self.open.remove(&id);
        }
    }

    /// How many lines it is long.
    pub fn lines(&self, contexts: &Contexts) -> usize {
        let below: usize = self.openings(contexts).iter().map(|opening| opening.lines).sum();
        self.order.len() + below
    }

    /// The lines of a window.
    pub fn window(&self, contexts: &Contexts, top: usize, height: usize) -> Vec<Line> {
        let openings = self.openings(contexts);
        // The row that the window begins with or in, and how many lines of it are above.
        let (mut position, mut skip) = (top, 0);
        for opening in &openings {
            if position <= opening.position {
                break;
            }
            let inside = (position - opening.position).min(opening.lines);
            if position - opening.position <= opening.lines {
                (position, skip) = (opening.position, inside);
                break;
            }
            position -= opening.lines;
        }
        let mut lines = Vec::with_capacity(height + skip);
        for place in self.order.from(position) {
            if lines.len() >= height + skip {
                break;
            }
            let place = place as usize;
            lines.push(Line::Row(place));
            if contexts.row(place).is_some_and(|row| self.open.contains(&row.id)) {
                lines.extend(self.below(contexts, place));
            }
        }
        lines.drain(..skip.min(lines.len()));
        lines.truncate(height);
        lines
    }

    /// The line that the cursor is on; `None` where that is not shown.
    pub fn line_of(&self, contexts: &Contexts, cursor: Cursor) -> Option<usize> {
        let place = contexts.place(cursor.context)?;
        let head = self.head(contexts, place);
        let position = self.position(head)?;
        let openings = self.openings(contexts);
        let above = openings.iter().take_while(|opening| opening.position < position);
        let line = position + above.map(|opening| opening.lines).sum::<usize>();
        if head == place && cursor.leg.is_none() {
            return Some(line);
        }
        let id = contexts.row(head)?.id;
        let wanted = match cursor.leg {
            Some(leg) => Line::Leg { row: place, leg },
            None => Line::Member(place),
        };
        let below = self.open.contains(&id).then(|| self.below(contexts, head))?;
        Some(line + 1 + below.iter().position(|it| *it == wanted)?)
    }

    /// What the lines are below an open row.
    fn below(&self, contexts: &Contexts, head: usize) -> Vec<Line> {
        let legs = contexts.row(head).map_or(0, |row| row.legs().len());
        let legs = (0..legs).map(|leg| Line::Leg { row: head, leg });
        legs.chain(self.members(contexts, head).map(Line::Member)).collect()
    }

    /// Whether there is something to open a row for: several legs, or rows folded into it.
    pub fn can_open(&self, contexts: &Contexts, place: usize) -> bool {
        contexts.row(place).is_some_and(|row| row.legs().len() > 1)
            || self.members(contexts, place).next().is_some()
    }

    fn openings(&self, contexts: &Contexts) -> Vec<Opening> {
        let opening = |id: &ContextId| {
            let place = contexts.place(*id)?;
            let lines = self.below(contexts, place).len();
            Some(Opening { position: self.position(place)?, lines })
        };
        let mut openings: Vec<Opening> = self.open.iter().filter_map(opening).collect();
        openings.sort_unstable_by_key(|opening| opening.position);
        openings
    }
}

/// An open row, and how many lines are below it.
#[derive(Clone, Copy, Debug)]
struct Opening {
    position: usize,
    lines: usize,
}
