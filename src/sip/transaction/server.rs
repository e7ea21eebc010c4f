//! [`ServerTransaction`]: one request of a peer, from its arrival to the last retransmission of
//! its answer (RFC 3261 §17.2, RFC 6026 §7.1).
//!
//! It repeats what must be repeated and absorbs what must be absorbed. What to answer, and the
//! retransmission of a 2xx to an INVITE (RFC 3261 §13.3.1.4), is its user's business. Several of
//! them, with their deadlines, live in [`ServerTransactions`](crate::sip::ServerTransactions).

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::sip::{event::Timer, method::Method, status::StatusCode, transaction::Timing};

/// A server transaction.
///
/// ```text
///  INVITE                                          any other method
///    │                                               │
///    ▼             2xx                               ▼
///  Proceeding ───────────────► Accepted            Trying
///    │ 300–699                    │ L                │ 1xx     ╲ 200–699
///    ▼                            │                  ▼          ╲
///  Completed (G repeats) ──┐ H    │                Proceeding    │
///    │ ACK                 │      │                  │ 200–699   │
///    ▼                     │      │                  ▼           │
///  Confirmed               │      │                Completed ◄───┘
///    │ I                   │      │                  │ J
///    ▼                     ▼      ▼                  ▼
///  Terminated ◄────────────┴──────┘                Terminated
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTransaction {
    timing: Timing,
    reliable: bool,
    state: State,
    /// How often the last response was sent.
    attempts: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    InviteProceeding { last: Option<Bytes> },
    InviteAccepted { l: Instant },
    InviteCompleted { last: Bytes, g: Option<TimerG>, h: Instant },
    InviteConfirmed { i: Instant },
    Trying,
    Proceeding { last: Bytes },
    Completed { last: Bytes, j: Instant },
    Terminated,
}

/// Timer G runs on unreliable transports only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TimerG {
    at: Instant,
    interval: Duration,
}

/// What a request means to the transaction that it matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerReceived {
    /// Nothing is to be done.
    Absorbed,
    /// A retransmission: send the last response again.
    Retransmit(Bytes),
    /// The ACK for a 300–699. Nothing else is to be done.
    Acked,
    /// An ACK that belongs to a 2xx (RFC 6026 §7.1 has it passed on).
    AckForSuccess,
}

/// What a timer did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerTimeout {
    /// Nothing was due.
    Nothing,
    /// Timer G: send the response again.
    Retransmit(Bytes),
    /// Timer H: the ACK never came. The transaction is over.
    NoAck,
    /// Timer I, J or L: the transaction is over.
    Terminated(Timer),
}

impl ServerTransaction {
    /// A transaction for a request that just came; `reliable` is its transport.
    pub fn new(method: &Method, reliable: bool, timing: Timing) -> ServerTransaction {
        let state = match method {
            Method::Invite => State::InviteProceeding { last: None },
            _ => State::Trying,
        };
        ServerTransaction { timing, reliable, state, attempts: 0 }
    }

    /// Takes a response; gives it back where it is to be sent now, and nothing where the
    /// transaction's state forbids it.
    pub fn respond(&mut self, now: Instant, status: StatusCode, response: Bytes) -> Option<Bytes> {
        let bytes = response.clone();
        self.state = match self.state {
            State::InviteProceeding { .. } if status.is_provisional() => {
                State::InviteProceeding { last: Some(response) }
            }
            // RFC 6026 §7.1: a 2xx leads to Accepted, on every transport.
            State::InviteProceeding { .. } if status.is_success() => {
                State::InviteAccepted { l: now + self.timing.patience() }
            }
            State::InviteProceeding { .. } => {
                let interval = self.timing.t1;
                let g = (!self.reliable).then(|| TimerG { at: now + interval, interval });
                State::InviteCompleted { last: response, g, h: now + self.timing.patience() }
            }
            // RFC 6026 §7.1: further 2xx (its retransmissions, other legs) pass through.
            State::InviteAccepted { l } if status.is_success() => State::InviteAccepted { l },
            State::Trying | State::Proceeding { .. } if status.is_provisional() => {
                State::Proceeding { last: response }
            }
            // RFC 3261 §17.2.2: Timer J is zero on reliable transports.
            State::Trying | State::Proceeding { .. } if self.reliable => State::Terminated,
            State::Trying | State::Proceeding { .. } => {
                State::Completed { last: response, j: now + self.timing.patience() }
            }
            _ => return None,
        };
        self.attempts = 1;
        Some(bytes)
    }

    /// Whether all that is left of a request other than INVITE is its answer, for copies of it.
    pub(super) fn keeps_its_answer(&self) -> bool {
        matches!(self.state, State::Completed { .. })
    }

    /// A request that matches came again, or (`Method::Ack`) its ACK came.
    pub fn handle_request(&mut self, now: Instant, method: &Method) -> ServerReceived {
        let ack = *method == Method::Ack;
        match &self.state {
            State::InviteCompleted { .. } if ack => {
                // RFC 3261 §17.2.1: Timer I is zero on reliable transports.
                self.state = if self.reliable {
                    State::Terminated
                } else {
                    State::InviteConfirmed { i: now + self.timing.t4 }
                };
                ServerReceived::Acked
            }
            State::InviteAccepted { .. } if ack => ServerReceived::AckForSuccess,
            _ if ack => ServerReceived::Absorbed,
            State::InviteProceeding { last: Some(last) }
            | State::InviteCompleted { last, .. }
            | State::Proceeding { last }
            | State::Completed { last, .. } => {
                self.attempts = self.attempts.saturating_add(1);
                ServerReceived::Retransmit(last.clone())
            }
            State::InviteProceeding { last: None }
            | State::InviteAccepted { .. }
            | State::InviteConfirmed { .. }
            | State::Trying
            | State::Terminated => ServerReceived::Absorbed,
        }
    }

    /// Time has come to [`ServerTransaction::next_timeout`]. Does one timer's work; call it until
    /// nothing is due.
    pub fn handle_timeout(&mut self, now: Instant) -> ServerTimeout {
        match &mut self.state {
            State::InviteCompleted { h, .. } if *h <= now => {
                self.state = State::Terminated;
                ServerTimeout::NoAck
            }
            State::InviteCompleted { last, g: Some(g), .. } if g.at <= now => {
                g.interval = self.timing.back_off(g.interval);
                g.at = now + g.interval;
                self.attempts = self.attempts.saturating_add(1);
                ServerTimeout::Retransmit(last.clone())
            }
            State::InviteAccepted { l: at }
            | State::InviteConfirmed { i: at }
            | State::Completed { j: at, .. }
                if *at <= now =>
            {
                let timer = match self.state {
                    State::InviteAccepted { .. } => Timer::L,
                    State::InviteConfirmed { .. } => Timer::I,
                    _ => Timer::J,
                };
                self.state = State::Terminated;
                ServerTimeout::Terminated(timer)
            }
            _ => ServerTimeout::Nothing,
        }
    }

    /// When [`ServerTransaction::handle_timeout`] must be called next.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.timers()[0].map(|(_, at)| at)
    }

    /// The timers that run, the one that fires next first.
    pub fn timers(&self) -> [Option<(Timer, Instant)>; 2] {
        let one = |timer, at| [Some((timer, at)), None];
        match self.state {
            // A G behind H never fires.
            State::InviteCompleted { g: Some(g), h, .. } if g.at < h => {
                [Some((Timer::G, g.at)), Some((Timer::H, h))]
            }
            State::InviteCompleted { h, .. } => one(Timer::H, h),
            State::InviteConfirmed { i } => one(Timer::I, i),
            State::Completed { j, .. } => one(Timer::J, j),
            State::InviteAccepted { l } => one(Timer::L, l),
            State::InviteProceeding { .. }
            | State::Trying
            | State::Proceeding { .. }
            | State::Terminated => [None, None],
        }
    }

    /// How often the last response was sent: by itself, by Timer G, and because the peer repeated
    /// its request.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How often Timer G will send it again before Timer H, if no ACK comes.
    pub fn attempts_left(&self) -> u32 {
        match self.state {
            State::InviteCompleted { g: Some(g), h, .. } => {
                self.timing.repeats(g.interval, h.saturating_duration_since(g.at))
            }
            _ => 0,
        }
    }

    /// Whether a final response can still be given.
    pub fn is_pending(&self) -> bool {
        matches!(
            self.state,
            State::InviteProceeding { .. } | State::Trying | State::Proceeding { .. }
        )
    }

    /// Whether it is over and can be forgotten.
    pub fn is_terminated(&self) -> bool {
        self.state == State::Terminated
    }
}

#[cfg(test)]
mod tests;
