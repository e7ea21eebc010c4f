//! [`Outgoing`]: the requests that the demo server sends itself (BYE, NOTIFY), each a real client
//! transaction.

use std::{collections::HashMap, net::SocketAddr, time::Instant};

use bytes::Bytes;

use crate::sip::{
    Branch, FlowId, Message, NonInviteClient, ResponseOutcome, StatusCode, TimeoutOutcome, Timing,
    Transmit,
};

use super::{
    dialogs::DialogId,
    schedule::{Schedule, Scheduled},
};

/// What a request was sent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A BYE: its dialog is over already, whatever the answer.
    HangUp,
    /// A NOTIFY of the subscription with that number.
    Notify(DialogId, u64),
}

#[derive(Debug)]
pub(super) struct Outgoing {
    timing: Timing,
    limit: usize,
    requests: HashMap<Branch, Entry>,
    deadlines: Schedule<Branch>,
}

#[derive(Debug)]
struct Entry {
    transaction: NonInviteClient,
    flow: FlowId,
    to: Option<SocketAddr>,
    purpose: Purpose,
    timer: Option<Scheduled>,
}

impl Outgoing {
    pub(super) fn new(timing: Timing, limit: usize) -> Outgoing {
        Outgoing { timing, limit, requests: HashMap::new(), deadlines: Schedule::new() }
    }

    /// Begins a transaction; gives what is to be sent. Where there are too many it is sent once,
    /// and its answer will be nobody's.
    pub(super) fn send(
        &mut self,
        now: Instant,
        branch: Branch,
        reliable: bool,
        request: Transmit,
        purpose: Purpose,
    ) -> Transmit {
        if self.requests.len() >= self.limit {
            return request;
        }
        let Transmit { flow, to, bytes } = request.clone();
        let transaction = NonInviteClient::new(now, bytes, reliable, self.timing);
        self.requests.insert(branch, Entry { transaction, flow, to, purpose, timer: None });
        self.settle(branch);
        request
    }

    /// A response came. Gives what the request was for, where this is its first final response.
    pub(super) fn handle_response(
        &mut self,
        now: Instant,
        response: &Message,
    ) -> Option<(Purpose, StatusCode)> {
        let status = response.status()?;
        let branch = Branch::parse(response.via().ok()?.branch()?)?;
        let entry = self.requests.get_mut(&branch)?;
        // RFC 3261 §17.1.3: the method in the CSeq must match too.
        let method = Message::read(entry.transaction.request().clone()).ok()?.method()?;
        if response.cseq().ok()?.method != method.as_str() {
            return None;
        }
        let outcome = entry.transaction.handle_response(now, status);
        let purpose = entry.purpose;
        self.settle(branch);
        (outcome == ResponseOutcome::Deliver && status.is_final()).then_some((purpose, status))
    }

    /// Does the work of one timer that is due: what to send again, or what got no answer.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Option<Result<Transmit, Purpose>> {
        loop {
            let branch = self.deadlines.pop(now)?;
            let entry = self.requests.get_mut(&branch)?;
            entry.timer = None;
            let result = match entry.transaction.handle_timeout(now) {
                TimeoutOutcome::Retransmit => {
                    let bytes: Bytes = entry.transaction.request().clone();
                    Some(Ok(Transmit { flow: entry.flow, to: entry.to, bytes }))
                }
                TimeoutOutcome::TimedOut(_) => Some(Err(entry.purpose)),
                TimeoutOutcome::Nothing | TimeoutOutcome::Terminated(_) => None,
            };
            self.settle(branch);
            if result.is_some() {
                return result;
            }
        }
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.deadlines.next_at()
    }

    /// Whether a request still waits for its final response.
    pub(super) fn is_pending(&self) -> bool {
        self.requests.values().any(|entry| entry.transaction.is_pending())
    }

    fn settle(&mut self, branch: Branch) {
        let Some(entry) = self.requests.get_mut(&branch) else { return };
        if let Some(timer) = entry.timer.take() {
            self.deadlines.cancel(timer);
        }
        match entry.transaction.timers()[0] {
            Some((_, at)) if !entry.transaction.is_terminated() => {
                entry.timer = Some(self.deadlines.add(at, branch));
            }
            _ => {
                self.requests.remove(&branch);
            }
        }
    }
}
