//! A client transaction of either kind, behind one face.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::sip::{
    event::Timer,
    status::StatusCode,
    transaction::{InviteClient, NonInviteClient, Timing, timing::repeats},
};

/// What a client transaction makes of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseOutcome {
    /// It is news: the user hears of it.
    Deliver,
    /// It repeats a final response that came before; for a non-2xx to an INVITE the ACK goes again.
    Absorb,
    /// It makes no sense in this state and changes nothing.
    Ignore,
}

/// What became of a transaction whose time had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeoutOutcome {
    /// Nothing was due.
    Nothing,
    /// The request is to be sent again.
    Retransmit,
    /// Nobody answered: Timer B or F fired. The transaction is over.
    TimedOut(Timer),
    /// Timer D, K or M fired, or 64·T1 are over (RFC 3261 §9.1): the transaction has done its work and
    /// is over.
    Terminated(Timer),
}

/// One client transaction (RFC 3261 §17.1).
#[derive(Debug)]
pub enum ClientTransaction {
    /// For an INVITE.
    Invite(InviteClient),
    /// For anything else.
    NonInvite(NonInviteClient),
}

impl ClientTransaction {
    /// The request as it was sent.
    pub fn request(&self) -> &Bytes {
        match self {
            ClientTransaction::Invite(invite) => invite.request(),
            ClientTransaction::NonInvite(other) => other.request(),
        }
    }

    /// How often it has been sent.
    pub fn attempts(&self) -> u32 {
        match self {
            ClientTransaction::Invite(invite) => invite.attempts(),
            ClientTransaction::NonInvite(other) => other.attempts(),
        }
    }

    /// How often it will be sent again by itself, if nothing more comes.
    pub fn attempts_left(&self) -> u32 {
        match self {
            ClientTransaction::Invite(invite) => invite.attempts_left(),
            ClientTransaction::NonInvite(other) => other.attempts_left(),
        }
    }

    /// A response with this transaction's branch and CSeq method came.
    pub fn handle_response(&mut self, now: Instant, status: StatusCode) -> ResponseOutcome {
        match self {
            ClientTransaction::Invite(invite) => invite.handle_response(now, status),
            ClientTransaction::NonInvite(other) => other.handle_response(now, status),
        }
    }

    /// Time has come to one of [`ClientTransaction::timers`].
    pub fn handle_timeout(&mut self, now: Instant) -> TimeoutOutcome {
        match self {
            ClientTransaction::Invite(invite) => invite.handle_timeout(now),
            ClientTransaction::NonInvite(other) => other.handle_timeout(now),
        }
    }

    /// The timers that run, the next one first.
    pub fn timers(&self) -> [Option<(Timer, Instant)>; 2] {
        match self {
            ClientTransaction::Invite(invite) => invite.timers(),
            ClientTransaction::NonInvite(other) => other.timers(),
        }
    }

    /// Whether it has done its work.
    pub fn is_terminated(&self) -> bool {
        match self {
            ClientTransaction::Invite(invite) => invite.is_terminated(),
            ClientTransaction::NonInvite(other) => other.is_terminated(),
        }
    }

    /// When it was begun, as long as nothing has come.
    pub fn unanswered_since(&self) -> Option<Instant> {
        match self {
            ClientTransaction::Invite(invite) => invite.unanswered_since(),
            ClientTransaction::NonInvite(other) => other.unanswered_since(),
        }
    }

    /// The last provisional, where that is all that has come.
    pub fn progress(&self) -> Option<StatusCode> {
        match self {
            ClientTransaction::Invite(invite) => invite.progress(),
            ClientTransaction::NonInvite(other) => other.progress(),
        }
    }

    /// [`InviteClient::forsake`]; nothing else can be accepted later.
    pub fn forsake(&mut self, now: Instant) -> bool {
        match self {
            ClientTransaction::Invite(invite) => invite.forsake(now),
            ClientTransaction::NonInvite(_) => false,
        }
    }

    /// [`InviteClient::is_forsaken`].
    pub fn is_forsaken(&self) -> bool {
        match self {
            ClientTransaction::Invite(invite) => invite.is_forsaken(),
            ClientTransaction::NonInvite(_) => false,
        }
    }

    /// Whether a request is under way for which nothing at all has come yet, or (non-INVITE) no
    /// final response: a transport error now is this request's failure (RFC 3261 §17.1.4).
    pub fn is_sending(&self) -> bool {
        match self {
            ClientTransaction::Invite(invite) => invite.is_calling(),
            ClientTransaction::NonInvite(other) => other.is_pending(),
        }
    }
}

/// Timer A or E.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retransmit {
    pub(super) at: Instant,
    pub(super) interval: Duration,
}

impl Retransmit {
    /// As it starts: it is for unreliable transports only.
    pub(super) fn start(now: Instant, reliable: bool, timing: &Timing) -> Option<Retransmit> {
        (!reliable).then(|| Retransmit { at: now + timing.t1, interval: timing.t1 })
    }

    /// Sets it again, measured from when it should have fired; where that is over too, from now.
    pub(super) fn again(&mut self, now: Instant, interval: Duration) {
        let due = self.at + interval;
        *self = Retransmit { at: if due > now { due } else { now + interval }, interval };
    }

    /// How often it fires before the timeout, where its interval grows up to `cap`.
    pub(super) fn left(&self, cap: Duration, timeout: Instant) -> u32 {
        repeats(self.interval, cap, timeout.saturating_duration_since(self.at))
    }
}

/// The retransmission timer and the timeout of a request that nobody has answered, in order. Once
/// the request has gone out for the last time the timeout is all that will fire.
pub(super) fn running(
    retransmit: Option<(Timer, Instant)>,
    timeout: (Timer, Instant),
) -> [Option<(Timer, Instant)>; 2] {
    match retransmit.filter(|(_, at)| *at < timeout.1) {
        Some(retransmit) => [Some(retransmit), Some(timeout)],
        None => [Some(timeout), None],
    }
}
