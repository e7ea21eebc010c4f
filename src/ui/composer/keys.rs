//! What the field with the cursor does with keys and pastes, and how the cursor goes from field to
//! field.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{Candidate, Composer, Kind, Slot};

impl Composer {
    /// To the next field, or the previous.
    pub fn step(&mut self, forward: bool) {
        let slots: Vec<Slot> = self.slots().collect();
        let place = slots.iter().position(|slot| *slot == self.focus).unwrap_or(0);
        let by = if forward { 1 } else { slots.len() - 1 };
        self.focus_on(slots[(place + by) % slots.len()]);
    }

    /// To a field.
    pub fn focus_on(&mut self, slot: Slot) {
        if slot != self.focus {
            self.touch(self.focus);
            self.focus = slot;
        }
    }

    /// Whether the field with the cursor wants a key for itself, whatever else is bound to it.
    pub fn wants(&self, key: KeyEvent) -> bool {
        if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
            return false;
        }
        let kind = self.focus.kind();
        match key.code {
            KeyCode::Tab => self.takes_candidate(),
            KeyCode::Enter | KeyCode::Up | KeyCode::Down => kind == Kind::Area,
            KeyCode::Left | KeyCode::Right => {
                kind == Kind::Area || (kind == Kind::Line && self.focus != Slot::Method)
            }
            KeyCode::Char(_) => true,
            _ => false,
        }
    }

    /// Whether Tab completes what is typed rather than going on: something is typed, and it could
    /// go on.
    pub fn takes_candidate(&self) -> bool {
        let is_begun = |candidate: &Candidate| candidate.replaces > 0;
        !self.replaces() && self.outlook.candidates.get(self.chosen).is_some_and(is_begun)
    }

    /// A key for the field with the cursor.
    pub fn edit(&mut self, key: KeyEvent) {
        let plain = !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        if plain
            && (key.code == KeyCode::Tab || (key.code == KeyCode::Right && self.takes_candidate()))
        {
            return self.complete();
        }
        if self.replaces() {
            let types = matches!(key.code, KeyCode::Char(_)) && plain;
            if types || matches!(key.code, KeyCode::Backspace | KeyCode::Delete) {
                self.fields.set(self.focus, "");
            }
            self.given.retain(|slot| *slot != self.focus);
        }
        self.fields.edit(self.focus, key);
        self.chosen = 0;
    }

    /// Pasted text for the field with the cursor.
    pub fn paste(&mut self, text: &str) {
        if self.replaces() {
            self.clear();
        }
        self.fields.paste(self.focus, text);
        self.chosen = 0;
    }

    /// Takes the candidate.
    fn complete(&mut self) {
        let Some(candidate) = self.outlook.candidates.get(self.chosen).cloned() else { return };
        self.fields.replace_before(self.focus, candidate.replaces, &candidate.text);
        self.chosen = 0;
    }

    /// To the next candidate.
    pub fn next_candidate(&mut self) {
        self.chosen = (self.chosen + 1) % self.outlook.candidates.len().max(1);
    }
}
