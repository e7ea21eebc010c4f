//! Which contexts a dialog may belong to, by Call-ID and local tag.

use std::collections::{BTreeSet, HashMap, hash_map::Entry};

use crate::sip::{event::ContextId, message::Message};

/// The half of a dialog's identity that all legs of an INVITE share (RFC 3261 §12).
/// One text, because many are kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct DialogKey(Box<str>);

impl DialogKey {
    /// With the length of the tag no two pairs make the same text.
    fn new(call_id: &str, local_tag: &str) -> DialogKey {
        DialogKey(format!("{}:{local_tag}{call_id}", local_tag.len()).into())
    }

    /// From a request that we sent: the local tag is in From.
    pub(super) fn of_ours(message: &Message) -> Option<DialogKey> {
        Some(DialogKey::new(message.call_id().ok()?, message.from().ok()?.tag()?))
    }

    /// From a request that the peer sent: the local tag is in To.
    pub(super) fn of_theirs(message: &Message) -> Option<DialogKey> {
        Some(DialogKey::new(message.call_id().ok()?, message.to().ok()?.tag()?))
    }
}

/// Each key has one context, unless the user wrote Call-ID and tag by hand more than once.
#[derive(Debug, Default)]
pub(super) struct DialogIndex {
    first: HashMap<DialogKey, ContextId>,
    further: BTreeSet<(DialogKey, ContextId)>,
}

impl DialogIndex {
    pub(super) fn len(&self) -> usize {
        self.first.len() + self.further.len()
    }

    pub(super) fn insert(&mut self, key: DialogKey, id: ContextId) {
        match self.first.entry(key) {
            Entry::Vacant(place) => _ = place.insert(id),
            Entry::Occupied(place) if *place.get() == id => {}
            Entry::Occupied(place) => _ = self.further.insert((place.key().clone(), id)),
        }
    }

    pub(super) fn remove(&mut self, key: DialogKey, id: ContextId) {
        if self.first.get(&key) != Some(&id) {
            self.further.remove(&(key, id));
            return;
        }
        let next = self.further_of(&key).next();
        match next {
            Some(next) => {
                self.first.insert(key.clone(), next);
                self.further.remove(&(key, next));
            }
            None => _ = self.first.remove(&key),
        }
    }

    /// The contexts of a key.
    pub(super) fn contexts(&self, key: &DialogKey) -> impl Iterator<Item = ContextId> {
        self.first.get(key).copied().into_iter().chain(self.further_of(key))
    }

    fn further_of(&self, key: &DialogKey) -> impl Iterator<Item = ContextId> {
        let none = self.further.is_empty();
        let from = (!none).then(|| self.further.range((key.clone(), ContextId(0))..));
        from.into_iter().flatten().take_while(move |(of, _)| of == key).map(|(_, id)| *id)
    }
}
