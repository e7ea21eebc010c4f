//! The client transactions of a user agent and the one set of deadlines.

use std::{
    collections::{BTreeSet, HashMap},
    net::SocketAddr,
    time::Instant,
};

use crate::sip::{
    event::{ContextId, TimerAt},
    method::Method,
    random::Branch,
    transaction::ClientTransaction,
};

/// Finds a client transaction: branch and CSeq method (RFC 3261 §17.1.3). A CANCEL has the branch
/// of its INVITE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) branch: Branch,
    pub(super) is_cancel: bool,
}

/// A client transaction and the context that it serves.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) transaction: ClientTransaction,
    pub(super) context: ContextId,
    pub(super) method: Method,
    pub(super) role: Role,
    /// The address, where it is not the flow's peer.
    pub(super) to: Option<SocketAddr>,
    armed: Option<Instant>,
}

/// A client transaction that is about to begin.
#[derive(Debug)]
pub(super) struct NewTransaction {
    pub(super) context: ContextId,
    pub(super) role: Role,
    pub(super) method: Method,
    pub(super) to: Option<SocketAddr>,
    pub(super) transaction: ClientTransaction,
}

/// What a transaction is to its context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It carries the context's own request.
    Own,
    /// It carries the CANCEL.
    Cancel,
    /// It carries a PRACK (RFC 3262).
    Prack,
}

/// Whose time has come.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    Transaction(Key),
    Context(ContextId),
    /// A 2xx of ours on a leg that waits for its ACK.
    Answer(ContextId, Box<str>),
}

/// All client transactions, and every deadline in order: no scan anywhere.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    entries: HashMap<Key, Entry>,
    deadlines: BTreeSet<(Instant, Due)>,
}

impl Transactions {
    pub(super) fn insert(&mut self, key: Key, new: NewTransaction) {
        let NewTransaction { context, role, method, to, transaction } = new;
        self.entries.insert(key, Entry { transaction, context, method, role, to, armed: None });
        self.rearm(key);
    }

    /// Whether a request with that branch, or its CANCEL, is under way.
    pub(super) fn holds(&self, branch: Branch) -> bool {
        [false, true].iter().any(|&is_cancel| self.entries.contains_key(&Key { branch, is_cancel }))
    }

    pub(super) fn entry(&self, key: Key) -> Option<&Entry> {
        self.entries.get(&key)
    }

    /// Changes a transaction; its deadline follows.
    pub(super) fn update<T>(
        &mut self,
        key: Key,
        change: impl FnOnce(&mut ClientTransaction) -> T,
    ) -> Option<T> {
        let result = change(&mut self.entries.get_mut(&key)?.transaction);
        self.rearm(key);
        Some(result)
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<Entry> {
        let entry = self.entries.remove(&key)?;
        if let Some(at) = entry.armed {
            self.deadlines.remove(&(at, Due::Transaction(key)));
        }
        Some(entry)
    }

    fn rearm(&mut self, key: Key) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        let next = entry.transaction.timers()[0].map(|timer| timer.at);
        if next == entry.armed {
            return;
        }
        if let Some(at) = entry.armed {
            self.deadlines.remove(&(at, Due::Transaction(key)));
        }
        if let Some(at) = next {
            self.deadlines.insert((at, Due::Transaction(key)));
        }
        entry.armed = next;
    }

    /// Moves a context's own deadline.
    pub(super) fn arm_context(
        &mut self,
        context: ContextId,
        before: Option<Instant>,
        after: Option<Instant>,
    ) {
        if let Some(at) = before {
            self.disarm(at, Due::Context(context));
        }
        if let Some(at) = after {
            self.arm(at, Due::Context(context));
        }
    }

    pub(super) fn arm(&mut self, at: Instant, due: Due) {
        self.deadlines.insert((at, due));
    }

    pub(super) fn disarm(&mut self, at: Instant, due: Due) {
        self.deadlines.remove(&(at, due));
    }

    /// The first deadline.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Whose deadline has come; it stays armed until it is handled.
    pub(super) fn due(&self, now: Instant) -> Option<Due> {
        self.deadlines.first().filter(|(at, _)| *at <= now).map(|(_, due)| due.clone())
    }

    /// The timers of the transactions named and the context's own, the next two first.
    pub(super) fn timers(
        &self,
        keys: impl Iterator<Item = Key>,
        own: Option<TimerAt>,
    ) -> [Option<TimerAt>; 2] {
        let mut first: [Option<TimerAt>; 2] = [None, None];
        let timers = keys
            .filter_map(|key| self.entry(key))
            .flat_map(|entry| entry.transaction.timers().into_iter().flatten());
        for timer in timers.chain(own) {
            match first {
                [Some(next), _] if timer.at < next.at => first = [Some(timer), Some(next)],
                [Some(_), Some(second)] if second.at <= timer.at => {}
                [Some(_), _] => first[1] = Some(timer),
                [None, _] => first[0] = Some(timer),
            }
        }
        first
    }
}
