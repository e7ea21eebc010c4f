//! What one client context tried, so that no challenge can make it go round for ever.

use crate::sip::auth::{
    AuthKind, GiveUp,
    offer::{Candidate, Offer},
    session::Sent,
};

/// A context that went on after this many challenges gives up, whatever the server says.
pub(super) const MAX_ROUNDS: u8 = 5;

/// What a client context has sent to prove who it is. One a context, kept for its whole life.
///
/// Empty until something is sent, and then one allocation.
#[derive(Clone, Debug, Default)]
pub struct AuthState(Option<Box<Inner>>);

#[derive(Clone, Debug, Default)]
struct Inner {
    rounds: u8,
    /// Exactly what the request under way carries.
    sent: Vec<Sent>,
}

impl AuthState {
    /// How many challenges have been answered.
    pub fn rounds(&self) -> u8 {
        self.0.as_ref().map_or(0, |inner| inner.rounds)
    }

    /// Whether credentials were sent at all.
    pub fn has_sent(&self) -> bool {
        !self.sent().is_empty()
    }

    pub(super) fn sent(&self) -> &[Sent] {
        self.0.as_ref().map_or(&[], |inner| &inner.sent)
    }

    pub(super) fn sent_mut(&mut self) -> &mut [Sent] {
        self.0.as_mut().map_or(&mut [], |inner| &mut inner.sent)
    }

    /// A request goes out unasked.
    pub(super) fn start(&mut self, sent: Vec<Sent>) {
        if !sent.is_empty() || self.0.is_some() {
            self.0.get_or_insert_default().sent = sent;
        }
    }

    /// A request goes out in answer to a challenge.
    pub(super) fn answer(&mut self, sent: Vec<Sent>) {
        let inner = self.0.get_or_insert_default();
        inner.rounds += 1;
        inner.sent = sent;
    }

    /// Why the context must not go on with what it would answer.
    pub(super) fn refuse(&self, candidates: &[Candidate]) -> Option<GiveUp> {
        let offers = candidates.iter().filter_map(|(_, offer)| Some(&offer.as_ref().ok()?.0));
        for offer in offers {
            let stale = candidates.iter().any(|(record, _)| {
                record.kind == offer.kind
                    && record.realm.as_deref() == Some(&*offer.realm.text)
                    && record.stale
            });
            if let Some(reason) = self.refuse_one(offer, stale) {
                return Some(reason);
            }
        }
        (self.rounds() >= MAX_ROUNDS).then_some(GiveUp::TooManyRounds(MAX_ROUNDS))
    }

    fn refuse_one(&self, offer: &Offer, stale: bool) -> Option<GiveUp> {
        let realm = || offer.realm.text.to_string();
        let mut tried =
            self.sent().iter().filter(|sent| sent.is_for(offer.kind, &offer.realm.text));
        let same_nonce = tried.clone().any(|sent| sent.nonce == offer.nonce.text);
        match (same_nonce, stale) {
            (true, true) => Some(GiveUp::SameNonce { realm: realm() }),
            (true, false) => Some(GiveUp::WrongPassword { realm: realm(), nonce: "nonce" }),
            (false, true) => None,
            // What was sent ahead answered no challenge of this context: a server that forgot its
            // nonces and does not call them stale gets one answer.
            (false, false) => tried
                .any(|sent| !sent.ahead)
                .then(|| GiveUp::WrongPassword { realm: realm(), nonce: "fresh nonce" }),
        }
    }
}

impl Sent {
    pub(super) fn is_for(&self, kind: AuthKind, realm: &str) -> bool {
        self.kind == kind && &*self.realm == realm
    }
}
