//! [`ServerTransactions`]: every server transaction of one user agent, found by key and by id,
//! with one ordered set of deadlines.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    net::SocketAddr,
    num::NonZeroU64,
    sync::Arc,
    time::Instant,
};

use bytes::Bytes;

use crate::sip::{
    IdMap,
    event::{FlowId, Timer},
    message::Message,
    method::Method,
    response::response_destination,
    status::StatusCode,
    transaction::{ServerKey, ServerReceived, ServerTimeout, ServerTransaction, Timing},
    transport::Transport,
    user_agent::Transmit,
};

/// Names one server transaction of a [`ServerTransactions`]; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerTransactionId(NonZeroU64);

/// What a request turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A new request, for the user to answer.
    New(ServerTransactionId),
    /// A copy of one that is known. Nothing is to be done.
    Absorbed(ServerTransactionId),
    /// A copy of one that is known: send its response again.
    Retransmit(ServerTransactionId, Transmit),
    /// The ACK for a 300–699: the transaction has what it wanted.
    Acked(ServerTransactionId),
    /// An ACK that no rejection waits for: it acknowledges a 2xx, or nothing. Look for its dialog.
    Ack,
    /// New, but there are too many already.
    Full,
    /// It has no Via, or nothing else to know it by; or it is a response.
    Unusable,
}

/// What a timer did, and to which transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimedOut {
    /// Timer G: send this.
    Retransmit(ServerTransactionId, Transmit),
    /// Timer H: the ACK never came. The transaction is gone.
    NoAck(ServerTransactionId),
    /// Timer I, J or L. The transaction is gone.
    Terminated(ServerTransactionId, Timer),
}

/// The server transactions of one user agent.
#[derive(Debug)]
pub struct ServerTransactions {
    timing: Timing,
    limit: usize,
    next_id: NonZeroU64,
    by_key: HashMap<Arc<ServerKey>, ServerTransactionId>,
    by_id: IdMap<ServerTransactionId, Entry>,
    /// Which transaction a request without a To tag began: what a copy that took another way is
    /// known by.
    by_origin: HashMap<Origin, ServerTransactionId>,
    deadlines: BTreeSet<(Instant, ServerTransactionId)>,
    /// Those that have their final answer and keep it for copies alone, in the order of their Timer J.
    answered: VecDeque<ServerTransactionId>,
}

/// From tag, Call-ID and CSeq (RFC 3261 §8.2.2.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Origin {
    from_tag: Box<str>,
    call_id: Box<str>,
    cseq: (u32, Box<str>),
}

impl Origin {
    fn of(request: &Message) -> Option<Origin> {
        let essentials = request.essentials().ok().filter(|e| e.to.tag().is_none())?;
        Some(Origin {
            from_tag: essentials.from.tag()?.into(),
            call_id: essentials.call_id.into(),
            cseq: (essentials.cseq.number, essentials.cseq.method.into()),
        })
    }
}

#[derive(Debug)]
struct Entry {
    key: Arc<ServerKey>,
    /// Where it is the first of its kind.
    origin: Option<Origin>,
    transaction: ServerTransaction,
    flow: FlowId,
    to: Option<SocketAddr>,
    /// As it stands in the set of deadlines.
    deadline: Option<Instant>,
}

impl Entry {
    fn transmit(&self, bytes: Bytes) -> Transmit {
        Transmit { flow: self.flow, to: self.to, bytes }
    }
}

impl ServerTransactions {
    /// An empty set that holds at most `limit` transactions.
    pub fn new(timing: Timing, limit: usize) -> ServerTransactions {
        ServerTransactions {
            timing,
            limit,
            next_id: NonZeroU64::MIN,
            by_key: HashMap::new(),
            by_id: IdMap::default(),
            by_origin: HashMap::new(),
            deadlines: BTreeSet::new(),
            answered: VecDeque::new(),
        }
    }

    /// Takes a request: finds its transaction, or makes one.
    pub fn receive(
        &mut self,
        now: Instant,
        flow: FlowId,
        transport: Transport,
        source: SocketAddr,
        request: &Message,
    ) -> Incoming {
        let (Some(key), Some(method)) = (ServerKey::of(request), request.method()) else {
            return Incoming::Unusable;
        };
        if let Some(&id) = self.by_key.get(&key) {
            return self.receive_again(now, id, &method);
        }
        if method == Method::Ack {
            return Incoming::Ack;
        }
        if self.by_id.len() >= self.limit {
            return Incoming::Full;
        }
        let id = ServerTransactionId(self.next_id);
        self.next_id = self.next_id.saturating_add(1);
        let key = Arc::new(key);
        let origin = Origin::of(request).filter(|origin| !self.by_origin.contains_key(origin));
        if let Some(origin) = &origin {
            self.by_origin.insert(origin.clone(), id);
        }
        let entry = Entry {
            key: key.clone(),
            origin,
            transaction: ServerTransaction::new(&method, transport.is_reliable(), self.timing),
            flow,
            to: response_destination(request, transport, source),
            deadline: None,
        };
        self.by_key.insert(key, id);
        self.by_id.insert(id, entry);
        Incoming::New(id)
    }

    fn receive_again(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        method: &Method,
    ) -> Incoming {
        let entry = self.by_id.get_mut(&id).expect("every key names an entry");
        let incoming = match entry.transaction.handle_request(now, method) {
            ServerReceived::Absorbed => Incoming::Absorbed(id),
            ServerReceived::Retransmit(bytes) => Incoming::Retransmit(id, entry.transmit(bytes)),
            ServerReceived::Acked => Incoming::Acked(id),
            ServerReceived::AckForSuccess => Incoming::Ack,
        };
        self.settle(id);
        incoming
    }

    /// The request that a CANCEL names, where it is still known (RFC 3261 §9.2): an INVITE, unless
    /// its sender cancels what nobody should (§9.1).
    pub fn cancelled_by(&self, cancel: &Message) -> Option<ServerTransactionId> {
        let methods = Method::KNOWN.iter();
        methods
            .filter(|method| !matches!(method, Method::Ack | Method::Cancel))
            .filter_map(|method| ServerKey::cancelled_by(cancel, method.clone()))
            .find_map(|key| self.by_key.get(&key).copied())
    }

    /// Whether a new request is a copy of one that is still open and came another way, to be
    /// answered 482 (RFC 3261 §8.2.2.2).
    pub fn is_merged(&self, id: ServerTransactionId, request: &Message) -> bool {
        let first = Origin::of(request).and_then(|origin| self.by_origin.get(&origin).copied());
        first.is_some_and(|first| first != id)
    }

    /// Gives a response to a transaction; what comes back is to be sent now. Nothing comes back
    /// where the transaction is gone or its state forbids the response.
    pub fn respond(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        status: StatusCode,
        response: Bytes,
    ) -> Option<Transmit> {
        let entry = self.by_id.get_mut(&id)?;
        let bytes = entry.transaction.respond(now, status, response)?;
        let transmit = entry.transmit(bytes);
        if entry.transaction.keeps_its_answer() {
            self.answered.push_back(id);
        }
        self.settle(id);
        Some(transmit)
    }

    /// Makes room: drops the request that was answered first, INVITEs excepted, though Timer J still
    /// runs. A copy of it is answered anew, as by a stateless server (RFC 3261 §8.2.7). `false` where
    /// no request is answered.
    pub fn forget_oldest_answered(&mut self) -> bool {
        let Some(&id) = self.answered.front() else { return false };
        self.forget(id);
        true
    }

    /// Drops a transaction without an answer: what its peer repeats is new again.
    pub fn forget(&mut self, id: ServerTransactionId) {
        if let Some(entry) = self.by_id.remove(&id) {
            self.by_key.remove(&entry.key);
            if let Some(origin) = &entry.origin {
                self.by_origin.remove(origin);
            }
            if let Some(at) = entry.deadline {
                self.deadlines.remove(&(at, id));
            }
        }
        while self.answered.front().is_some_and(|id| !self.by_id.contains_key(id)) {
            self.answered.pop_front();
        }
    }

    /// Does the work of one timer that is due; call it until it gives nothing.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<TimedOut> {
        loop {
            let &(at, id) = self.deadlines.first()?;
            if at > now {
                return None;
            }
            let entry = self.by_id.get_mut(&id).expect("every deadline names an entry");
            let timed_out = match entry.transaction.handle_timeout(now) {
                ServerTimeout::Nothing => None,
                ServerTimeout::Retransmit(bytes) => {
                    Some(TimedOut::Retransmit(id, entry.transmit(bytes)))
                }
                ServerTimeout::NoAck => Some(TimedOut::NoAck(id)),
                ServerTimeout::Terminated(timer) => Some(TimedOut::Terminated(id, timer)),
            };
            self.settle(id);
            if timed_out.is_some() {
                return timed_out;
            }
        }
    }

    /// When [`ServerTransactions::handle_timeout`] must be called next.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// The flow that a transaction is answered on.
    pub fn flow(&self, id: ServerTransactionId) -> Option<FlowId> {
        self.by_id.get(&id).map(|entry| entry.flow)
    }

    /// A transaction is answered on another connection from now on: its own is gone.
    pub fn move_to(&mut self, id: ServerTransactionId, flow: FlowId) {
        if let Some(entry) = self.by_id.get_mut(&id) {
            entry.flow = flow;
        }
    }

    /// A transaction, to look at.
    pub fn transaction(&self, id: ServerTransactionId) -> Option<&ServerTransaction> {
        self.by_id.get(&id).map(|entry| &entry.transaction)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    pub(crate) fn deadlines_len(&self) -> usize {
        self.deadlines.len()
    }

    /// Brings the deadlines up to date with a transaction, and drops it where it is over.
    fn settle(&mut self, id: ServerTransactionId) {
        let Some(entry) = self.by_id.get_mut(&id) else { return };
        if entry.transaction.is_terminated() {
            self.forget(id);
            return;
        }
        let next = entry.transaction.next_timeout();
        if next != entry.deadline {
            if let Some(at) = entry.deadline {
                self.deadlines.remove(&(at, id));
            }
            if let Some(at) = next {
                self.deadlines.insert((at, id));
            }
            entry.deadline = next;
        }
    }
}
