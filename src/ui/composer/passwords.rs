//! No password of an account is sent by mistake: nobody could keep it from whoever sees the screen,
//! the log or the message. The dashboard answers challenges with it by itself.

use super::{Around, Composer, Shape, Slot, raw_text};
use crate::engine::password_in_message;

impl Composer {
    /// What is said of a raw message that holds the password of an account. It may be meant so: it is
    /// held back once, and goes out as it is when it is sent again.
    pub(super) fn password_in_raw(&self, around: &Around<'_>) -> Option<String> {
        let text = (self.shape == Shape::Raw).then(|| self.fields.text(Slot::Raw))?;
        let found = password_in_message(&raw_text::decode(&text), around.passwords)?;
        let then = match self.insists.as_ref() == Some(&text) {
            true => "it was held back: sent again, it goes out as it is",
            false => "sending it is refused once",
        };
        Some(format!("{found}: {then}"))
    }

    /// Whether a raw message with a password is held back, which is done once.
    pub(super) fn hold_back(&mut self, around: &Around<'_>) -> bool {
        let text = self.fields.text(Slot::Raw);
        if self.insists.as_ref() == Some(&text) || self.password_in_raw(around).is_none() {
            self.insists = None;
            return false;
        }
        self.insists = Some(text);
        self.outlook.advice = self.password_in_raw(around);
        true
    }
}
