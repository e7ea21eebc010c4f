//! [`Held`]: what a user agent holds at the moment, counted. What ends, ends: once every flow is
//! down and every timer has fired, it is nothing.

use super::UserAgent;
use crate::sip::event::ContextId;

/// How much of everything a user agent holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Client contexts, those included that have ended and only absorb what is repeated.
    pub contexts: usize,
    /// Client transactions.
    pub client_transactions: usize,
    /// Server transactions.
    pub server_transactions: usize,
    /// Requests of the peer whose server transactions are open.
    pub served: usize,
    /// Dialogs that the peer's requests can find.
    pub dialogs: usize,
    /// Requests of the peer that wait for an answer by hand.
    pub unanswered: usize,
    /// 2xx answers of ours that wait for their ACK, and the last reliable provisional of each leg.
    pub unacked: usize,
    /// ACKs, PRACKs and answers that look for a flow.
    pub errands: usize,
    /// Digest sessions.
    pub auth_sessions: usize,
    /// Contexts as the flows know them.
    pub riders: usize,
    /// Branches of raw requests, and contexts whose raw bytes nothing can be matched to.
    pub raw: usize,
    /// Registrations.
    pub registrations: usize,
    /// Deadlines.
    pub deadlines: usize,
}

impl UserAgent {
    /// Counts what is held.
    pub fn held(&self) -> Held {
        Held {
            contexts: self.contexts.len(),
            client_transactions: self.transactions.len(),
            server_transactions: self.servers.len(),
            served: self.served.len(),
            dialogs: self.dialogs.len(),
            unanswered: self.by_hand.len(),
            unacked: self.unacked.len() + self.unpracked.len(),
            errands: self.errands.len(),
            auth_sessions: self.auth.len(),
            riders: self.flows.riders_len(),
            raw: self.transactions.foreign_len() + self.unmatched.len(),
            registrations: self.registrations.len(),
            deadlines: self.transactions.deadlines_len() + self.servers.deadlines_len(),
        }
    }

    /// Whether a context is held: it has not ended, or still absorbs what is repeated.
    pub fn holds(&self, id: ContextId) -> bool {
        self.contexts.contains_key(&id)
    }
}
