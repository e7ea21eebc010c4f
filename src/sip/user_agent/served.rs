//! The peer's requests whose server transactions are open: whose each is, and what its timers and
//! its repetitions do (RFC 3261 §17.2). What goes out again is told as what went out first was.

use std::{collections::BTreeSet, net::SocketAddr, time::Instant};

use super::{Output, Transmit, UserAgent};
use crate::sip::{
    IdMap,
    event::{ContextId, Destination, Event, Fact, FlowId, Outside, OutsideFact, Response, Timer},
    message::Message,
    method::Method,
    status::StatusCode,
    transaction::{ServerTransactionId, TimedOut},
};

/// A request of the peer whose server transaction is open.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// The context and the leg that it belongs to; none outside every dialog.
    pub(super) dialog: Option<(ContextId, Box<str>)>,
    pub(super) method: Method,
    pub(super) flow: FlowId,
    pub(super) source: SocketAddr,
    pub(super) cseq: u32,
    /// What it was answered with last.
    pub(super) status: Option<StatusCode>,
    /// As it stands among the deadlines of its context.
    pub(super) armed: Option<Instant>,
    /// How many timers it has there.
    pub(super) timers: usize,
}

impl Request {
    fn context(&self) -> Option<ContextId> {
        self.dialog.as_ref().map(|(id, _)| *id)
    }
}

/// Every such request: as many as there are server transactions.
#[derive(Debug, Default)]
pub(super) struct Served {
    requests: IdMap<ServerTransactionId, Request>,
    contexts: IdMap<ContextId, OfContext>,
}

/// A timer of one of them.
type ServedTimer = (Timer, Instant, ServerTransactionId);

/// Those of one context.
#[derive(Debug, Default)]
struct OfContext {
    /// Each, the oldest first.
    open: BTreeSet<ServerTransactionId>,
    /// The next timer of each: a peer can open many, and the first are asked for at every event.
    deadlines: BTreeSet<(Instant, ServerTransactionId)>,
    /// How many timers they all have.
    timers: usize,
    /// The numbers of the INVITEs that got a 2xx.
    accepted: BTreeSet<u32>,
}

impl Served {
    pub(super) fn len(&self) -> usize {
        self.requests.len()
    }

    pub(super) fn begin(&mut self, transaction: ServerTransactionId, request: Request) {
        if let Some((context, _)) = &request.dialog {
            self.contexts.entry(*context).or_default().open.insert(transaction);
        }
        self.requests.insert(transaction, request);
    }

    pub(super) fn get(&self, transaction: ServerTransactionId) -> Option<&Request> {
        self.requests.get(&transaction)
    }

    /// What is known of it only after it was looked at.
    pub(super) fn belongs_to(
        &mut self,
        transaction: ServerTransactionId,
        dialog: Option<(ContextId, Box<str>)>,
    ) {
        if let Some(request) = self.end(transaction) {
            self.begin(transaction, Request { dialog, ..request });
        }
    }

    fn answered(&mut self, transaction: ServerTransactionId, status: StatusCode) {
        let Some(request) = self.requests.get_mut(&transaction) else { return };
        request.status = Some(status);
        if let Some((context, _)) = &request.dialog
            && request.method == Method::Invite
            && status.is_success()
        {
            self.contexts.entry(*context).or_default().accepted.insert(request.cseq);
        }
    }

    /// Its timers may be others now: when the next one fires, and how many there are. Gives whether
    /// they are.
    fn arm(
        &mut self,
        transaction: ServerTransactionId,
        (next, timers): (Option<Instant>, usize),
    ) -> bool {
        let Some(request) = self.requests.get_mut(&transaction) else { return false };
        let before = std::mem::replace(&mut request.armed, next);
        let many = std::mem::replace(&mut request.timers, timers);
        let is_news = (before, many) != (next, timers);
        let Some((context, _)) = &request.dialog else { return is_news };
        let Some(of) = self.contexts.get_mut(context) else { return is_news };
        of.timers = of.timers - many + timers;
        if let Some(at) = before {
            of.deadlines.remove(&(at, transaction));
        }
        if let Some(at) = next {
            of.deadlines.insert((at, transaction));
        }
        is_news
    }

    fn end(&mut self, transaction: ServerTransactionId) -> Option<Request> {
        let request = self.requests.remove(&transaction)?;
        if let Some((context, _)) = &request.dialog
            && let Some(of) = self.contexts.get_mut(context)
        {
            of.open.remove(&transaction);
            of.timers -= request.timers;
            if let Some(at) = request.armed {
                of.deadlines.remove(&(at, transaction));
            }
            if request.method == Method::Invite {
                of.accepted.remove(&request.cseq);
            }
            if of.open.is_empty() {
                self.contexts.remove(context);
            }
        }
        Some(Request { armed: None, timers: 0, ..request })
    }

    /// The open transactions of a context, the oldest first.
    pub(super) fn of(&self, id: ContextId) -> impl Iterator<Item = ServerTransactionId> {
        self.contexts.get(&id).into_iter().flat_map(|of| of.open.iter().copied())
    }

    /// Those of a context whose timers fire next, and how many timers there are in all.
    fn next(
        &self,
        id: ContextId,
        most: usize,
    ) -> (impl Iterator<Item = ServerTransactionId>, usize) {
        let of = self.contexts.get(&id);
        let deadlines = of.into_iter().flat_map(|of| of.deadlines.iter());
        let next = deadlines.take(most).map(|(_, transaction)| *transaction);
        (next, of.map_or(0, |of| of.timers))
    }

    fn has_accepted(&self, id: ContextId, cseq: u32) -> bool {
        self.contexts.get(&id).is_some_and(|of| of.accepted.contains(&cseq))
    }

    pub(super) fn serves(&self, id: ContextId) -> bool {
        self.contexts.contains_key(&id)
    }
}

impl UserAgent {
    /// The timers of the server transactions of a context (G, H, I, J, L): of as many as are asked
    /// for, those that fire next; and how many there are.
    pub(super) fn served_timers(&self, id: ContextId, most: usize) -> (Vec<ServedTimer>, usize) {
        let (next, all) = self.served.next(id, most);
        let open = next.filter_map(|id| Some((id, self.servers.transaction(id)?)));
        let timers = open.flat_map(|(id, transaction)| {
            let timers = transaction.timers().into_iter().flatten();
            timers.map(move |(timer, at)| (timer, at, id))
        });
        (timers.collect(), all)
    }

    /// Whether an INVITE of the peer with that number has got a 2xx not long ago.
    pub(super) fn has_accepted(&self, id: ContextId, cseq: u32) -> bool {
        self.served.has_accepted(id, cseq)
    }

    /// A request has got an answer.
    pub(super) fn note_answer(&mut self, transaction: ServerTransactionId, status: StatusCode) {
        self.served.answered(transaction, status);
        self.arm_served(transaction);
    }

    fn arm_served(&mut self, transaction: ServerTransactionId) {
        let timers = self.servers.transaction(transaction).map(|open| open.timers());
        let mut timers = timers.into_iter().flatten().flatten();
        let next = timers.next().map(|(_, at)| at);
        let count = timers.count() + usize::from(next.is_some());
        if self.served.arm(transaction, (next, count))
            && let Some(id) = self.served.get(transaction).and_then(|open| open.context())
        {
            self.transactions.has_changed(id);
        }
    }

    /// A server transaction may be over: then nothing is kept of it.
    pub(super) fn settle_served(&mut self, transaction: ServerTransactionId) {
        if self.servers.transaction(transaction).is_none() {
            self.end_served(transaction);
        }
    }

    fn end_served(&mut self, transaction: ServerTransactionId) {
        self.by_hand.remove(&transaction);
        let ended = self.served.end(transaction);
        if let Some((id, _)) = ended.and_then(|request| request.dialog) {
            self.transactions.has_changed(id);
            self.forget_if_over(id);
        }
    }

    /// A request that is known came again, or the ACK of its rejection did.
    pub(super) fn received_again(
        &mut self,
        now: Instant,
        transaction: ServerTransactionId,
        request: &Message,
        again: bool,
    ) {
        let Some(Request { dialog, method, flow, source, .. }) = self.served.get(transaction)
        else {
            return;
        };
        let (flow, source, dialog) = (*flow, *source, dialog.clone());
        let method = request.method().unwrap_or_else(|| method.clone());
        self.arm_served(transaction);
        match dialog {
            Some((id, _)) => self.tell_received(now, id, method, request, again),
            None => self.log_asked(now, (flow, source), request, again, None),
        }
    }

    /// The answer of a server transaction goes out once more.
    pub(super) fn answer_again(
        &mut self,
        now: Instant,
        transaction: ServerTransactionId,
        transmit: Transmit,
    ) {
        let message = transmit.bytes.clone();
        let Some(open) = self.servers.transaction(transaction) else { return };
        let (attempt, left) = (open.attempts(), open.attempts_left());
        let Some(request) = self.served.get(transaction) else { return };
        let Some(status) = request.status else { return };
        let request = request.clone();
        let sent = self.transmit_answer(now, transmit, transaction, status, (attempt, left));
        let Some(destination) = sent else { return };
        self.tell_answered(
            now,
            request,
            Response { status, message },
            (attempt, left),
            destination,
        );
    }

    /// Tells an answer that has gone out where its request belongs: in its dialog's context, or
    /// outside of all.
    pub(super) fn tell_answered(
        &mut self,
        now: Instant,
        request: Request,
        response: Response,
        (attempt, left): (u32, u32),
        destination: Destination,
    ) {
        let Request { dialog, method, flow, source, .. } = request;
        match dialog {
            Some((id, _)) => {
                let response = Box::new(response);
                let fact = Fact::Answered { response, attempt, left, destination };
                self.tell(now, id, method, fact);
            }
            None => {
                let fact = OutsideFact::Answered { response, attempt, left };
                self.tell_outside(Outside { at: now, flow, source, method, fact });
            }
        }
    }

    pub(super) fn server_timed_out(&mut self, now: Instant, timed_out: TimedOut) {
        // What has fired runs no more when it is told.
        match &timed_out {
            TimedOut::Retransmit(transaction, _)
            | TimedOut::NoAck(transaction)
            | TimedOut::Terminated(transaction, _) => self.arm_served(*transaction),
        }
        match timed_out {
            TimedOut::Retransmit(transaction, transmit) => {
                self.answer_again(now, transaction, transmit);
            }
            TimedOut::NoAck(transaction) => {
                self.rejection_unacked(now, transaction);
                self.end_served(transaction);
            }
            TimedOut::Terminated(transaction, timer) => {
                let request = self.served.get(transaction);
                let dialog = request
                    .and_then(|request| Some((request.dialog.as_ref()?.0, request.method.clone())));
                if let Some((id, method)) = dialog {
                    let of = self.timer_of_served(transaction);
                    self.tell(now, id, method, Fact::TimerFired { timer, of });
                }
                self.end_served(transaction);
            }
        }
    }

    /// Timer H: the user is told that the ACK never came (RFC 3261 §17.2.1).
    fn rejection_unacked(&mut self, now: Instant, transaction: ServerTransactionId) {
        let Some(request) = self.served.get(transaction) else { return };
        let Some(status) = request.status else { return };
        let Request { dialog, method, flow, source, .. } = request.clone();
        let seconds = self.settings.timing.patience().as_secs_f64();
        let detail = format!(
            "no ACK came for the {status} to the {method} within {seconds} s (Timer H, 64·T1)"
        );
        match dialog {
            Some((id, _)) => self.tell(now, id, method, Fact::NeverAcked { detail }),
            None => {
                let fact = OutsideFact::NeverAcked { detail };
                self.tell_outside(Outside { at: now, flow, source, method, fact });
            }
        }
    }

    pub(super) fn tell_outside(&mut self, outside: Outside) {
        self.output.push_back(Output::Event(Event::Outside(outside)));
    }
}
