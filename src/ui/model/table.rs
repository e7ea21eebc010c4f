//! [`Table`]: how the contexts are looked at, and how the cursor keeps its place in them.

use std::{collections::HashSet, time::Instant};

use super::{Columns, Cursor, Line, List, Model, Tally};
use crate::sip::ContextId;

/// How the contexts are looked at.
#[derive(Debug, Default)]
pub struct Table {
    /// Which rows are shown, in which order.
    pub list: List,
    /// The columns.
    pub columns: Columns,
    /// The marked contexts.
    pub marks: HashSet<ContextId>,
    /// What becomes of the last wish for many of them.
    pub tally: Option<Tally>,
    /// Whether the cursor goes to each new row.
    pub follow: bool,
    /// How many characters long texts are scrolled to the left.
    pub shift: usize,
    /// The line of the window that the cursor is on, and stays on.
    line: usize,
    /// Where the cursor was before what it was on went out of sight.
    home: Option<Cursor>,
}

impl Model {
    /// How many of the marked contexts have no line in the table: the filter hides them, or they are
    /// folded into another.
    pub fn marks_not_shown(&self) -> usize {
        let contexts = &self.facts.contexts;
        let is_shown = |id: &&ContextId| {
            contexts.place(**id).is_some_and(|place| self.table.list.has_line(contexts, place))
        };
        self.table.marks.len() - self.table.marks.iter().filter(is_shown).count()
    }

    /// `3 marked (2 not shown)`
    pub fn marks_told(&self) -> String {
        let marked = format!("{} marked", self.table.marks.len());
        match self.marks_not_shown() {
            0 => marked,
            hidden if hidden == self.table.marks.len() => format!("{marked} (none shown)"),
            hidden => format!("{marked} ({hidden} not shown)"),
        }
    }

    /// Where the cursor is.
    pub fn cursor(&self) -> Option<Cursor> {
        Some(Cursor { context: self.browse.selected?, leg: self.browse.leg })
    }

    /// Puts the cursor on a context, or on one of its legs.
    pub fn choose(&mut self, cursor: Cursor) {
        self.table.home = None;
        self.put_cursor(cursor);
    }

    fn put_cursor(&mut self, cursor: Cursor) {
        if self.browse.selected != Some(cursor.context) {
            self.detail.reset();
        }
        self.browse.selected = Some(cursor.context);
        self.browse.leg = cursor.leg;
    }

    /// What is on a line of the table.
    pub fn cursor_at(&self, line: usize) -> Option<Cursor> {
        let contexts = &self.facts.contexts;
        let at = self.table.list.window(contexts, line, 1).first().copied()?;
        let (row, leg) = match at {
            Line::Row(row) | Line::Member(row) => (row, None),
            Line::Leg { row, leg } => (row, Some(leg)),
        };
        Some(Cursor { context: contexts.row(row)?.id, leg })
    }

    /// Puts the cursor on a line of a table that shows so many lines; the window moves as little
    /// as it can.
    pub fn go_to_line(&mut self, line: usize, height: usize) {
        let last = self.table.list.lines(&self.facts.contexts).saturating_sub(1);
        let line = line.min(last);
        let Some(cursor) = self.cursor_at(line) else { return };
        let top = self.browse.top;
        self.table.line = line.saturating_sub(top).min(height.saturating_sub(1));
        self.choose(cursor);
        self.hold(line, height);
    }

    /// The line that the cursor is on.
    pub fn cursor_line(&self) -> Option<usize> {
        self.table.list.line_of(&self.facts.contexts, self.cursor()?)
    }

    /// Keeps the cursor on its line of the window, whatever came and went around it. `height` is
    /// how many rows the window has; `None` where the table is not on the screen.
    pub fn settle_table(&mut self, height: Option<usize>, now: Instant) {
        self.table.list.advance(&self.facts.contexts, now);
        match (self.find_cursor(), height) {
            (Some(line), Some(height)) => self.hold(line, height),
            (Some(_), None) => {}
            (None, _) => self.browse.top = 0,
        }
    }

    fn hold(&mut self, line: usize, height: usize) {
        let count = self.table.list.lines(&self.facts.contexts);
        let top = line.saturating_sub(self.table.line);
        let top = top.min(count.saturating_sub(height)).max((line + 1).saturating_sub(height));
        self.browse.top = top;
        self.table.line = line - top.min(line);
    }

    /// The cursor's line. Where what it was on is out of sight, it goes to what shows that, or to
    /// what is in its place; and back as soon as it is shown again.
    fn find_cursor(&mut self) -> Option<usize> {
        let list = &self.table.list;
        let contexts = &self.facts.contexts;
        if let Some(home) = self.table.home
            && let Some(line) = list.line_of(contexts, home)
        {
            self.choose(home);
            return Some(line);
        }
        if let Some(line) = self.cursor_line() {
            return Some(line);
        }
        let lost = self.cursor();
        let head = lost.and_then(|cursor| contexts.place(cursor.context)).map(|place| {
            let head = list.head(contexts, place);
            contexts.row(head).map(|row| Cursor { context: row.id, leg: None })
        });
        if let Some(head) = head.flatten()
            && let Some(line) = list.line_of(contexts, head)
        {
            self.put_cursor(head);
            return Some(line);
        }
        let last = list.lines(contexts).checked_sub(1);
        self.table.home = self.table.home.or(lost);
        let Some(line) = last.map(|last| (self.browse.top + self.table.line).min(last)) else {
            // Nothing is shown: no key may act on what cannot be seen.
            self.browse.selected = None;
            self.browse.leg = None;
            return None;
        };
        let cursor = self.cursor_at(line)?;
        self.put_cursor(cursor);
        Some(line)
    }
}
