//! What the keys of the form do beside writing: choices, headers off and on, templates, more
//! fields, raw mode, and texts that go to an editor.

use ratatui_textarea::CursorMove;

use super::{Composer, Purpose, Shape, Slot, raw_text, templates};
use crate::{
    engine::Account,
    sip::{Method, secret::without_passwords_so_far},
};

impl Composer {
    /// The next value of a field with a choice, or the previous.
    pub fn choose(&mut self, forward: bool, accounts: &[Account]) {
        let turn = |place: usize, count: usize| {
            (place + if forward { 1 } else { count - 1 }) % count.max(1)
        };
        match self.focus {
            Slot::Method if !matches!(self.purpose, Purpose::Answer { .. }) => {
                let method = self.next_method(forward);
                self.fields.set(Slot::Method, &method);
                if !self.replaces() {
                    self.given.push(Slot::Method);
                }
            }
            Slot::Account if self.sender.accounts > 1 => {
                self.sender.account = turn(self.sender.account, self.sender.accounts);
                self.sender.server = None;
            }
            Slot::Server => {
                let servers = self.servers(accounts);
                let place = self.server_place(accounts, &servers);
                self.sender.server = Some(turn(place, servers.len()));
            }
            _ => return,
        }
        self.touch(self.focus);
    }

    /// Empties the field with the cursor.
    pub fn clear(&mut self) {
        self.fields.set(self.focus, "");
        self.given.retain(|slot| *slot != self.focus);
        self.chosen = 0;
    }

    /// Switches the header under the cursor on or off; a sentence where there is none.
    pub fn toggle_header(&mut self) -> Result<(), &'static str> {
        let focus = self.focus;
        let Some(area) = self.fields.area_mut(Slot::Headers).filter(|_| focus == Slot::Headers)
        else {
            return Err("only a header can be switched off: go to one first");
        };
        let cursor = area.cursor();
        let line = area.lines().get(cursor.0).cloned().unwrap_or_default();
        if line.trim().is_empty() {
            return Err("there is no header on this line");
        }
        area.move_cursor(CursorMove::Head);
        match line.strip_prefix("# ").or_else(|| line.strip_prefix('#')) {
            Some(on) => drop(area.delete_str(line.chars().count() - on.chars().count())),
            None => drop(area.insert_str("# ")),
        }
        area.move_cursor(CursorMove::End);
        Ok(())
    }

    /// The next template for the body; its name. `session` is what is changed, where the request
    /// changes a session.
    pub fn next_template(&mut self, session: Option<&str>) -> Result<String, &'static str> {
        if !self.slots().any(|slot| slot == Slot::Body) {
            return Err("a raw message has no templates: leave raw mode first");
        }
        let next = templates::next(&self.fields.text(Slot::Body), session)
            .ok_or("the body is your own: empty it first, then a template takes its place")?;
        self.fields.set(Slot::Body, next.as_ref().map_or("", |template| &template.text));
        self.focus_on(Slot::Body);
        // Where there is little room, its beginning says most.
        if let Some(area) = self.fields.area_mut(Slot::Body) {
            area.move_cursor(CursorMove::Jump(0, 0));
        }
        if next.is_some() && self.fields.is_empty(Slot::ContentType) {
            self.fields.set(Slot::ContentType, "application/sdp");
        }
        Ok(next.map_or("no body".to_owned(), |template| template.name.to_owned()))
    }

    /// Shows the advanced fields, or hides them.
    pub fn unfold(&mut self) -> Result<(), &'static str> {
        self.shape = match self.shape {
            Shape::Form => Shape::Unfolded,
            Shape::Unfolded => Shape::Form,
            Shape::Raw => return Err("a raw message has no other fields: leave raw mode first"),
        };
        self.unfolds = Some(self.shape == Shape::Unfolded);
        self.keep_focus();
        Ok(())
    }

    /// To the whole message as a text, or back to the form. A raw message that is empty begins with
    /// what the form would send; where that is nothing, because of what stands in its fields, it is left as
    /// it is, and a sentence says why.
    pub fn toggle_raw(&mut self) -> Result<(), String> {
        if let Purpose::InDialog { .. } | Purpose::Answer { .. } = self.purpose {
            let why = "what the dialog gives is known only when it is sent: it cannot be raw";
            return Err(why.to_owned());
        }
        let begins = self.shape != Shape::Raw && self.fields.is_empty(Slot::Raw);
        if begins && let Some(why) = self.first_mistake() {
            return Err(format!("raw mode begins with what the form would send: {why}"));
        }
        // Of a form that only lacks something nothing is sent: what was right before is no beginning.
        let is_sent = !self.is_wrong();
        self.shape = match self.shape {
            Shape::Raw if self.unfolds == Some(true) => Shape::Unfolded,
            Shape::Raw => Shape::Form,
            Shape::Form | Shape::Unfolded => Shape::Raw,
        };
        if begins && is_sent {
            let text = raw_text::encode(&self.outlook.preview.bytes);
            self.fields.set(Slot::Raw, &text);
            self.unplaced = self.outlook.preview.lacks_address().then_some(text);
            if let Some(area) = self.fields.area_mut(Slot::Raw) {
                area.move_cursor(CursorMove::Jump(0, 0));
            }
        }
        self.focus = if self.shape == Shape::Raw { Slot::Raw } else { Slot::Target };
        Ok(())
    }

    /// The first of the fields that hold what makes no request, with the reason.
    fn first_mistake(&self) -> Option<String> {
        let mut wrong = self.mistakes().filter_map(|(slot, why)| Some((slot, why?)));
        let (slot, why) = wrong.next()?;
        Some(format!("{}: {}", slot.label(&self.purpose), without_passwords_so_far(why)))
    }

    /// The text that an editor is to have: the raw message, the headers where the cursor is there,
    /// else the body.
    pub fn for_editor(&self) -> (Slot, String) {
        let slot = match (self.shape, self.focus) {
            (Shape::Raw, _) => Slot::Raw,
            (_, Slot::Headers) => Slot::Headers,
            _ => Slot::Body,
        };
        (slot, self.fields.text(slot))
    }

    /// A text comes back from an editor.
    pub fn edited(&mut self, slot: Slot, text: &str) {
        self.fields.set(slot, text);
        self.given.retain(|given| *given != slot);
        self.focus_on(slot);
        self.chosen = 0;
    }

    /// Completes what is typed, or goes on from a known method.
    fn next_method(&self, forward: bool) -> String {
        let known: Vec<&str> = Method::KNOWN
            .iter()
            .filter(|method| !matches!(method, Method::Ack | Method::Cancel | Method::Prack))
            .map(Method::as_str)
            .collect();
        let typed = self.fields.text(Slot::Method);
        let typed = typed.trim();
        let place = match known.iter().position(|method| *method == typed) {
            Some(place) if forward => (place + 1) % known.len(),
            Some(place) => (place + known.len() - 1) % known.len(),
            None => known
                .iter()
                .position(|method| {
                    method.get(..typed.len()).is_some_and(|s| s.eq_ignore_ascii_case(typed))
                })
                .unwrap_or(0),
        };
        known[place].to_owned()
    }
}
