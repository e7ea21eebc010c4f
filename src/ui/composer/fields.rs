//! [`Fields`]: the texts of the form, and the cursor in each.

use std::collections::BTreeMap;

use crossterm::event::{Event, KeyEvent};
use ratatui_textarea::{CursorMove, TextArea};
use tui_input::{Input, InputRequest, backend::crossterm::EventHandler};

use super::slot::{Kind, Slot};

/// How many characters a paste into a line may have.
const PASTE: usize = 4_096;

/// The texts.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    lines: BTreeMap<Slot, Input>,
    areas: BTreeMap<Slot, TextArea<'static>>,
}

impl Fields {
    /// Every field, empty.
    pub(super) fn new() -> Fields {
        let mut fields = Fields::default();
        let all = [Slot::Method, Slot::Target, Slot::Headers, Slot::ContentType, Slot::Body];
        for slot in all.into_iter().chain(Slot::ADVANCED).chain([Slot::Raw]) {
            match slot.kind() {
                Kind::Line => drop(fields.lines.insert(slot, Input::default())),
                Kind::Area => drop(fields.areas.insert(slot, TextArea::default())),
                Kind::Choice => {}
            }
        }
        fields
    }

    pub(super) fn line(&self, slot: Slot) -> Option<&Input> {
        self.lines.get(&slot)
    }

    pub(super) fn area(&self, slot: Slot) -> Option<&TextArea<'static>> {
        self.areas.get(&slot)
    }

    pub(super) fn area_mut(&mut self, slot: Slot) -> Option<&mut TextArea<'static>> {
        self.areas.get_mut(&slot)
    }

    /// The text, its lines with a line feed between.
    pub(super) fn text(&self, slot: Slot) -> String {
        match (self.lines.get(&slot), self.areas.get(&slot)) {
            (Some(line), _) => line.value().to_owned(),
            (_, Some(area)) => area.lines().join("\n"),
            (None, None) => String::new(),
        }
    }

    pub(super) fn is_empty(&self, slot: Slot) -> bool {
        self.lines.get(&slot).is_none_or(|line| line.value().is_empty())
            && self.areas.get(&slot).is_none_or(TextArea::is_empty)
    }

    /// Puts a text in the place of what is there, with the cursor behind it.
    pub(super) fn set(&mut self, slot: Slot, text: &str) {
        if let Some(line) = self.lines.get_mut(&slot) {
            *line = Input::new(text.to_owned());
        } else if let Some(area) = self.areas.get_mut(&slot) {
            *area = TextArea::new(text.split('\n').map(str::to_owned).collect());
            area.move_cursor(CursorMove::Bottom);
            area.move_cursor(CursorMove::End);
        }
    }

    /// Puts a text of several lines in the place of what is there, with the cursor where it was.
    pub(super) fn put_in_place(&mut self, slot: Slot, text: &str) {
        let Some(area) = self.areas.get_mut(&slot) else { return };
        let cursor = area.cursor();
        *area = TextArea::new(text.split('\n').map(str::to_owned).collect());
        let place = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
        area.move_cursor(CursorMove::Jump(place(cursor.0), place(cursor.1)));
    }

    /// The cursor to the end of a line.
    pub(super) fn end_of(&mut self, slot: Slot) {
        if let Some(line) = self.lines.get_mut(&slot) {
            line.handle(InputRequest::GoToEnd);
        }
    }

    /// A key for a field.
    pub(super) fn edit(&mut self, slot: Slot, key: KeyEvent) {
        if let Some(line) = self.lines.get_mut(&slot) {
            line.handle_event(&Event::Key(key));
        } else if let Some(area) = self.areas.get_mut(&slot) {
            area.input(key);
        }
    }

    /// Pasted text for a field. A single-line field takes no control characters.
    pub(super) fn paste(&mut self, slot: Slot, text: &str) {
        if let Some(area) = self.areas.get_mut(&slot) {
            area.insert_str(text.replace("\r\n", "\n").replace('\r', "\n"));
        } else if let Some(line) = self.lines.get_mut(&slot) {
            // One new value rather than a request a character: a paste can be long.
            let (before, after) = split_at(line);
            let clean: String =
                text.trim().chars().filter(|c| !c.is_control()).take(PASTE).collect();
            let cursor = before.chars().count() + clean.chars().count();
            *line = Input::new(format!("{before}{clean}{after}")).with_cursor(cursor);
        }
    }

    /// What stands before the cursor on its line, and behind it.
    pub(super) fn around_cursor(&self, slot: Slot) -> Option<(&str, &str)> {
        if let Some(line) = self.lines.get(&slot) {
            return Some(split_at(line));
        }
        let area = self.areas.get(&slot)?;
        let cursor = area.cursor();
        let line = area.lines().get(cursor.0)?;
        let at = line.char_indices().nth(cursor.1).map_or(line.len(), |(at, _)| at);
        Some(line.split_at(at))
    }

    /// Puts a text in the place of so many characters before the cursor.
    pub(super) fn replace_before(&mut self, slot: Slot, characters: usize, text: &str) {
        if let Some(line) = self.lines.get_mut(&slot) {
            let (before, after) = split_at(line);
            let kept = before.chars().count().saturating_sub(characters);
            let before: String = before.chars().take(kept).chain(text.chars()).collect();
            let cursor = before.chars().count();
            *line = Input::new(format!("{before}{after}")).with_cursor(cursor);
        } else if let Some(area) = self.areas.get_mut(&slot) {
            for _ in 0..characters {
                area.delete_char();
            }
            area.insert_str(text);
        }
    }
}

/// What stands before and after the cursor.
pub fn split_at(input: &Input) -> (&str, &str) {
    let value = input.value();
    let at = value.char_indices().nth(input.cursor()).map_or(value.len(), |(at, _)| at);
    value.split_at(at)
}
