//! The client transactions of a user agent and the one set of deadlines.

use std::{collections::BTreeSet, net::SocketAddr, time::Instant};

use super::foreign::{Foreign, ForeignBranches};
use crate::sip::{
    IdMap,
    auth::AuthState,
    event::{Absorbed, ContextId, FlowId, Timer},
    method::Method,
    random::Branch,
    registration::RegistrationId,
    status::StatusCode,
    transaction::ClientTransaction,
};

/// Finds a client transaction: branch and CSeq method (RFC 3261 §17.1.3). A CANCEL has the branch
/// of its INVITE. Where the user wrote the branch, a number of ours stands for it
/// ([`ForeignBranches`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) branch: Branch,
    pub(super) is_cancel: bool,
}

impl Key {
    /// No key sorts before it.
    const FIRST: Key = Key { branch: Branch::FIRST, is_cancel: false };
}

/// A client transaction and the context that it serves.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) transaction: ClientTransaction,
    pub(super) context: ContextId,
    pub(super) method: Method,
    pub(super) role: Role,
    /// What was tried to authorize a request beside the context's own.
    auth: AuthState,
    /// Boxed: as long as it is pending there is mostly nothing in it.
    heard: Option<Box<Heard>>,
    /// Whether it is in [`Transactions::sending`].
    sending: bool,
    /// The flow that it began on, which its context may have left.
    pub(super) flow: FlowId,
    /// The address, where it is not the flow's peer. Boxed: mostly it is.
    to: Option<Box<SocketAddr>>,
    armed: Option<Instant>,
}

impl Entry {
    /// The address, where it is not the flow's peer.
    pub(super) fn to(&self) -> Option<SocketAddr> {
        self.to.as_deref().copied()
    }
}

/// What is known of the responses to a request.
#[derive(Debug, Default)]
struct Heard {
    /// The first final one that was news: its status and To tag.
    last: Option<(StatusCode, Box<str>)>,
    /// Those that have changed nothing, each with how often it came.
    absorbed: Vec<(Absorbed, StatusCode, Box<str>, u32)>,
}

/// How many different responses that change nothing are counted for one transaction; the oldest
/// gives way.
const ABSORBED: usize = 32;

/// A client transaction that is about to begin.
#[derive(Debug)]
pub(super) struct NewTransaction {
    pub(super) context: ContextId,
    pub(super) role: Role,
    pub(super) method: Method,
    pub(super) flow: FlowId,
    pub(super) to: Option<SocketAddr>,
    pub(super) auth: AuthState,
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
    /// A reliable provisional of ours on a leg that waits for its PRACK.
    Provisional(ContextId, Box<str>),
    /// A deadline of the subscription that a context has made in the dialog of a leg.
    Subscription(ContextId, Box<str>, Timer),
    /// A registration is to be refreshed, or tried again.
    Registration(RegistrationId),
}

impl Due {
    /// The context whose timer it is; a transaction's is known by its entry, a subscription's by its
    /// leg.
    fn context(&self) -> Option<ContextId> {
        match self {
            Due::Context(id) | Due::Answer(id, _) | Due::Provisional(id, _) => Some(*id),
            Due::Transaction(_) | Due::Subscription(..) | Due::Registration(_) => None,
        }
    }
}

/// All client transactions, and every deadline in order: no scan anywhere.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    /// Boxed: a table is never full, and its empty places should cost little.
    entries: IdMap<Key, Box<Entry>>,
    deadlines: BTreeSet<(Instant, Due)>,
    /// Those that a transport error fails (RFC 3261 §17.1.4): they are being sent.
    sending: BTreeSet<(FlowId, ContextId, Key)>,
    /// What a context has beside its request and the CANCEL, whose keys follow from its branch: its
    /// PRACKs, and its earlier tries.
    aside: BTreeSet<(ContextId, Key)>,
    foreign: ForeignBranches,
    /// The contexts of which a timer has changed since they were told last.
    untold: BTreeSet<ContextId>,
}

impl Transactions {
    pub(super) fn insert(&mut self, key: Key, new: NewTransaction) {
        let NewTransaction { context, role, method, flow, to, auth, transaction } = new;
        let entry = Entry {
            transaction,
            context,
            method,
            role,
            auth,
            heard: None,
            sending: false,
            flow,
            to: to.map(Box::new),
            armed: None,
        };
        self.entries.insert(key, Box::new(entry));
        if role == Role::Prack {
            self.set_aside(key);
        }
        self.rearm(key);
    }

    /// From now on `branch` stands for the branch that the user wrote into a request.
    pub(super) fn stand_for(&mut self, branch: Branch, foreign: Foreign) {
        self.foreign.insert(branch, foreign);
    }

    /// The transaction of a request that the user wrote, or of its CANCEL.
    pub(super) fn find_foreign(&self, sought: impl FnOnce() -> Option<Foreign>) -> Option<Key> {
        if self.foreign.is_empty() {
            return None;
        }
        let sought = sought()?;
        let held = |branch, is_cancel| {
            let key = Key { branch, is_cancel };
            self.entries.contains_key(&key).then_some(key)
        };
        let own = self.foreign.get(&sought).and_then(|branch| held(branch, false));
        own.or_else(|| {
            // RFC 3261 §9.1: the CANCEL that was made for it has its branch.
            held(self.foreign.get(&sought.cancelled()?)?, true)
        })
    }

    /// Whether the user wrote the branch that this one stands for.
    pub(super) fn is_foreign(&self, branch: Branch) -> bool {
        self.foreign.contains(branch)
    }

    /// The transactions on a flow that a transport error fails, in the order of their contexts.
    pub(super) fn sending(&self, flow: FlowId) -> Vec<Key> {
        let first = (flow, ContextId(0), Key::FIRST);
        let of_flow = self.sending.range(first..).take_while(|(of, ..)| *of == flow);
        of_flow.map(|(_, _, key)| *key).collect()
    }

    /// Whether a request with that branch, or its CANCEL, is under way.
    pub(super) fn holds(&self, branch: Branch) -> bool {
        [false, true].iter().any(|&is_cancel| self.entries.contains_key(&Key { branch, is_cancel }))
    }

    pub(super) fn entry(&self, key: Key) -> Option<&Entry> {
        self.entries.get(&key).map(Box::as_ref)
    }

    /// Keeps what its final response was, to know it again.
    pub(super) fn hear(&mut self, key: Key, status: StatusCode, tag: &str) {
        if let Some(entry) = self.entries.get_mut(&key) {
            let last = &mut entry.heard.get_or_insert_default().last;
            last.get_or_insert_with(|| (status, tag.into()));
        }
    }

    /// Whether the final response was this one.
    pub(super) fn has_heard(&self, key: Key, status: StatusCode, tag: &str) -> bool {
        let heard = self.entry(key).and_then(|entry| entry.heard.as_ref()?.last.as_ref());
        heard.is_some_and(|(heard, of)| *heard == status && **of == *tag)
    }

    /// Counts a response that changes nothing; gives how often this one has come so.
    pub(super) fn absorb(&mut self, key: Key, why: Absorbed, what: (StatusCode, &str)) -> u32 {
        let Some(entry) = self.entries.get_mut(&key) else { return 1 };
        let counts = &mut entry.heard.get_or_insert_default().absorbed;
        let (status, tag) = what;
        let same = |(of, code, its, _): &&mut (Absorbed, StatusCode, Box<str>, u32)| {
            (*of, *code, &**its) == (why, status, tag)
        };
        if let Some((.., count)) = counts.iter_mut().find(same) {
            *count = count.saturating_add(1);
            return *count;
        }
        if counts.len() == ABSORBED {
            counts.remove(0);
        }
        counts.push((why, status, tag.into(), 1));
        1
    }

    /// What was tried to authorize its request; it is not kept any longer.
    pub(super) fn take_auth(&mut self, key: Key) -> AuthState {
        self.entries.get_mut(&key).map(|entry| std::mem::take(&mut entry.auth)).unwrap_or_default()
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
            self.untold.insert(entry.context);
        }
        if entry.sending {
            self.sending.remove(&(entry.flow, entry.context, key));
        }
        self.aside.remove(&(entry.context, key));
        if !self.foreign.is_empty() && !self.holds(key.branch) {
            self.foreign.remove(key.branch);
        }
        Some(*entry)
    }

    fn rearm(&mut self, key: Key) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        let sending = entry.transaction.is_sending();
        if sending != entry.sending {
            entry.sending = sending;
            let place = (entry.flow, entry.context, key);
            _ = if sending { self.sending.insert(place) } else { self.sending.remove(&place) };
        }
        let next = entry.transaction.timers()[0].map(|(_, at)| at);
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
        self.untold.insert(entry.context);
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
        self.untold.extend(due.context());
        self.deadlines.insert((at, due));
    }

    pub(super) fn disarm(&mut self, at: Instant, due: Due) {
        self.untold.extend(due.context());
        self.deadlines.remove(&(at, due));
    }

    /// A timer of a context has changed that is kept elsewhere.
    pub(super) fn has_changed(&mut self, id: ContextId) {
        self.untold.insert(id);
    }

    /// A context was told, with its timers.
    pub(super) fn was_told(&mut self, id: ContextId) {
        self.untold.remove(&id);
    }

    /// One of the contexts whose timers have changed without a word.
    pub(super) fn untold(&mut self) -> Option<ContextId> {
        self.untold.pop_first()
    }

    /// The first deadline.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn foreign_len(&self) -> usize {
        self.foreign.len()
    }

    pub(super) fn deadlines_len(&self) -> usize {
        self.deadlines.len()
    }

    /// Whose deadline has come; it stays armed until it is handled.
    pub(super) fn due(&self, now: Instant) -> Option<Due> {
        self.deadlines.first().filter(|(at, _)| *at <= now).map(|(_, due)| due.clone())
    }

    /// The transactions of a context beside that of its request and the CANCEL.
    pub(super) fn aside(&self, id: ContextId) -> impl Iterator<Item = Key> {
        let of_context = self.aside.range((id, Key::FIRST)..);
        of_context.take_while(move |(of, _)| *of == id).map(|(_, key)| *key)
    }

    /// The request of that transaction is not its context's own any more.
    pub(super) fn set_aside(&mut self, key: Key) {
        if let Some(entry) = self.entries.get(&key) {
            self.aside.insert((entry.context, key));
        }
    }
}
