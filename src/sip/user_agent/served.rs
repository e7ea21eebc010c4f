//! The peer's requests whose server transactions are open: whose each is, and what its timers and
//! its repetitions do (RFC 3261 §17.2). What goes out again is told as what went out first was.

use std::{
    collections::{BTreeSet, HashMap},
    net::SocketAddr,
    time::Instant,
};

use super::{Output, Transmit, UserAgent};
use crate::sip::{
    event::{ContextId, Event, Fact, FlowId, Outside, OutsideFact, Response, TimerAt},
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
    /// What it was answered with last.
    pub(super) status: Option<StatusCode>,
}

/// Every such request: as many as there are server transactions.
#[derive(Debug, Default)]
pub(super) struct Served {
    requests: HashMap<ServerTransactionId, Request>,
    of_context: BTreeSet<(ContextId, ServerTransactionId)>,
}

impl Served {
    pub(super) fn len(&self) -> usize {
        self.requests.len()
    }

    pub(super) fn begin(&mut self, transaction: ServerTransactionId, request: Request) {
        if let Some((context, _)) = &request.dialog {
            self.of_context.insert((*context, transaction));
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

    pub(super) fn answered(&mut self, transaction: ServerTransactionId, status: StatusCode) {
        if let Some(request) = self.requests.get_mut(&transaction) {
            request.status = Some(status);
        }
    }

    fn end(&mut self, transaction: ServerTransactionId) -> Option<Request> {
        let request = self.requests.remove(&transaction)?;
        if let Some((context, _)) = &request.dialog {
            self.of_context.remove(&(*context, transaction));
        }
        Some(request)
    }

    /// The open transactions of a context, the oldest first.
    pub(super) fn of(&self, id: ContextId) -> impl Iterator<Item = ServerTransactionId> {
        let from = self.of_context.range((id, ServerTransactionId::FIRST)..);
        from.take_while(move |(of, _)| *of == id).map(|(_, transaction)| *transaction)
    }

    pub(super) fn serves(&self, id: ContextId) -> bool {
        self.of(id).next().is_some()
    }
}

impl UserAgent {
    /// The timers of the server transactions of a context (G, H, I, J, L).
    pub(super) fn served_timers(&self, id: ContextId) -> impl Iterator<Item = TimerAt> {
        let transactions = self.served.of(id).filter_map(|id| self.servers.transaction(id));
        transactions.flat_map(|transaction| transaction.timers().into_iter().flatten())
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
        let (flow, source) = (*flow, *source);
        let method = request.method().unwrap_or_else(|| method.clone());
        match dialog.clone() {
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
        if !self.transmit_again(transmit) {
            return;
        }
        let Some(open) = self.servers.transaction(transaction) else { return };
        let (attempt, left) = (open.attempts(), open.attempts_left());
        let Some(request) = self.served.get(transaction) else { return };
        let Some(status) = request.status else { return };
        let Request { dialog, method, flow, source, .. } = request.clone();
        let response = Response { status, message };
        match dialog {
            Some((id, _)) => {
                self.tell(now, id, method, Fact::Answered { response, attempt, left });
            }
            None => {
                let fact = OutsideFact::Answered { response, attempt, left };
                self.tell_outside(Outside { at: now, flow, source, method, fact });
            }
        }
    }

    pub(super) fn server_timed_out(&mut self, now: Instant, timed_out: TimedOut) {
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
                    self.tell(now, id, method, Fact::TimerFired { timer });
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

    fn tell_outside(&mut self, outside: Outside) {
        self.output.push_back(Output::Event(Event::Outside(outside)));
    }
}
