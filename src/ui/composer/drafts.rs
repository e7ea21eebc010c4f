//! [`Drafts`]: what was written and not sent, one draft for each purpose. Nothing typed is lost
//! because something else is written in between.

use super::{Composer, Purpose, Shape};
use crate::engine::Account;

/// How many drafts are kept beside the open one.
const KEPT: usize = 32;

/// The open draft, and the others.
#[derive(Debug)]
pub struct Drafts {
    open: Composer,
    others: Vec<Composer>,
    /// What was sent last, until it is known that the engine took it.
    sent: Option<Composer>,
}

impl Drafts {
    /// Nothing but an open draft.
    pub fn new(open: Composer) -> Drafts {
        Drafts { open, others: Vec::new(), sent: None }
    }

    /// The open draft.
    pub fn open(&self) -> &Composer {
        &self.open
    }

    /// The open draft.
    pub fn open_mut(&mut self) -> &mut Composer {
        &mut self.open
    }

    /// Opens the draft of a purpose that was set aside; whether there is one.
    pub fn resume(&mut self, purpose: &Purpose, shape: Shape) -> bool {
        let is_it = |draft: &Composer| draft.is_for(purpose, shape);
        if is_it(&self.open) {
            return true;
        }
        let Some(place) = self.others.iter().position(is_it) else { return false };
        let draft = self.others.remove(place);
        self.set_aside(draft);
        true
    }

    /// Opens a new draft.
    pub fn begin(&mut self, draft: Composer) {
        self.set_aside(draft);
    }

    /// New requests are sent from another account; or the accounts have changed.
    pub fn use_account(&mut self, accounts: &[Account], account: usize) {
        for draft in self.others.iter_mut().chain([&mut self.open]) {
            draft.use_account(accounts, account);
        }
    }

    /// The open draft was sent: what it was for is done. A new request goes on with its texts.
    pub fn sent(&mut self) {
        if self.open.purpose != Purpose::New
            && let Some(place) = self.others.iter().position(|it| it.purpose == Purpose::New)
        {
            let new = self.others.remove(place);
            self.sent = Some(std::mem::replace(&mut self.open, new));
        }
    }

    /// The engine did not take what was sent last: its draft comes back.
    pub fn take_back(&mut self) {
        if let Some(sent) = self.sent.take() {
            self.set_aside(sent);
        }
    }

    fn set_aside(&mut self, draft: Composer) {
        let before = std::mem::replace(&mut self.open, draft);
        if self.others.len() == KEPT {
            // The oldest goes, but never the one that `n` opens.
            let oldest = self.others.iter().position(|it| it.purpose != Purpose::New);
            self.others.remove(oldest.unwrap_or(0));
        }
        self.others.push(before);
    }
}

impl Composer {
    /// Whether this is the draft for a purpose; a raw message and a form are different drafts.
    fn is_for(&self, purpose: &Purpose, shape: Shape) -> bool {
        let raw = |shape| shape == Shape::Raw;
        self.purpose == *purpose && (*purpose == Purpose::New || raw(self.shape) == raw(shape))
    }
}
