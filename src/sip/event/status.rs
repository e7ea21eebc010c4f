//! [`Status`]: a context as it is after an event, and the states of its legs.

use std::{fmt, time::Instant};

use super::ContextId;
use crate::sip::{method::Method, status::StatusCode};

/// Where a context stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The state.
    pub state: State,
    /// The timers of all its transactions, the soonest first. There are 16 at most: those that only
    /// wait for what may be repeated give way to the others, and then the later to the sooner.
    pub timers: Box<[TimerAt]>,
    /// How many more run.
    pub more_timers: u32,
    /// How often the request has been sent.
    pub attempts: u32,
    /// How often it will have been sent at most, if nothing more comes.
    pub attempts_max: u32,
    /// How many legs are up (confirmed and not terminated).
    pub legs_up: u32,
    /// Whether [`Fact::Ended`](super::Fact::Ended) has come.
    pub ended: bool,
}

/// A timer and when it fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimerAt {
    /// Which.
    pub timer: Timer,
    /// When it fires.
    pub at: Instant,
    /// What it belongs to, where that is not the context's own request. Boxed: most are.
    pub of: Option<Box<TimerOf>>,
}

impl TimerAt {
    /// A timer of the context's own request.
    pub const fn own(timer: Timer, at: Instant) -> TimerAt {
        TimerAt { timer, at, of: None }
    }
}

/// What a timer belongs to; shown as `PRACK 2`, `CANCEL`, `INFO 3 of the peer`,
/// `INFO 3 of the peer on leg a8f2` or `leg a8f2`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimerOf {
    /// The subscription of the leg with that tag.
    Leg(Box<str>),
    /// A request.
    Request {
        /// Its method.
        method: Method,
        /// Its CSeq number, where there can be several of that method.
        cseq: Option<u32>,
        /// Whether the peer sent it.
        of_peer: bool,
        /// The leg that it is in the dialog of, where the context has several.
        leg: Option<Box<str>>,
    },
}

impl fmt::Display for TimerOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (method, cseq, of_peer, leg) = match self {
            TimerOf::Leg(tag) => return write!(f, "leg {tag}"),
            TimerOf::Request { method, cseq, of_peer, leg } => (method, cseq, of_peer, leg),
        };
        f.write_str(method.as_str())?;
        if let Some(cseq) = cseq {
            write!(f, " {cseq}")?;
        }
        f.write_str(if *of_peer { " of the peer" } else { "" })?;
        leg.as_ref().map_or(Ok(()), |tag| write!(f, " on leg {tag}"))
    }
}

/// The timers of RFC 3261 §17 and RFC 6026, by their letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Timer {
    /// INVITE retransmission.
    A,
    /// INVITE timeout.
    B,
    /// Wait for retransmitted non-2xx finals to an INVITE.
    D,
    /// Non-INVITE retransmission.
    E,
    /// Non-INVITE timeout.
    F,
    /// Retransmission of a non-2xx final to an INVITE.
    G,
    /// Wait for the ACK.
    H,
    /// Wait for retransmitted ACKs.
    I,
    /// Wait for retransmitted non-INVITE requests.
    J,
    /// Wait for retransmitted responses to a non-INVITE.
    K,
    /// Wait for retransmitted INVITEs after a 2xx (RFC 6026).
    L,
    /// Wait for retransmitted 2xx (RFC 6026).
    M,
    /// Wait for the NOTIFY of a SUBSCRIBE or REFER (RFC 6665 §4.1.2.4).
    N,
    /// Wait for what a CANCEL should bring; it has no letter (RFC 3261 §9.1).
    CancelWait,
    /// The retransmission of a 2xx to the peer's INVITE; it has no letter (RFC 3261 §13.3.1.4).
    SuccessAgain,
    /// Wait for the ACK of that 2xx; it has no letter either.
    AckWait,
    /// The retransmission of a reliable provisional to the peer's INVITE; it has no letter
    /// (RFC 3262 §3).
    ProvisionalAgain,
    /// Wait for the PRACK of that provisional; it has no letter either.
    PrackWait,
    /// The end of a leg's subscription (RFC 6665).
    Expiry,
}

impl Timer {
    /// Whether nothing happens when it fires: it only ends a wait for what may be repeated.
    pub const fn is_silent(self) -> bool {
        matches!(self, Timer::D | Timer::I | Timer::J | Timer::K | Timer::L | Timer::M)
    }
}

impl Status {
    /// The timers that still run: what fires without a word is not told, and nothing is once the
    /// context has ended.
    pub fn running(&self, now: Instant) -> impl Iterator<Item = &TimerAt> {
        let ended = self.ended;
        let runs = move |timer: &&TimerAt| timer.at > now || !(ended || timer.timer.is_silent());
        self.timers.iter().filter(runs)
    }
}

impl fmt::Display for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Timer::CancelWait => f.pad("64·T1"),
            Timer::SuccessAgain => f.pad("2xx"),
            Timer::AckWait => f.pad("ACK"),
            Timer::ProvisionalAgain => f.pad("1xx"),
            Timer::PrackWait => f.pad("PRACK"),
            Timer::Expiry => f.pad("expiry"),
            letter => f.pad(&format!("{letter:?}")),
        }
    }
}

/// The state of a client context.
///
/// ```text
///  Waiting ─► Calling/Trying ─► Proceeding ─► Accepted ─► HungUp (INVITE whose legs are over)
///                   │     ╲________│________╱
///                   │      ╲ Rejected (300–699)
///                   │       ╲ Failed   (timeout, transport, internal)
///                   └► Cancelling (INVITE only) ─► Canceled (487, or 64·T1 after the CANCEL)
///  Waiting ─► Sent (raw bytes that no transaction can carry)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// The flow is not up yet.
    Waiting,
    /// An INVITE was sent; nothing came.
    Calling,
    /// Another request was sent; nothing came.
    Trying,
    /// A 1xx came.
    Proceeding,
    /// The user cancelled; the end is not known yet.
    Cancelling,
    /// Raw bytes were sent, and nothing can be matched to them: there is nothing to wait for.
    Sent,
    /// A 2xx came.
    Accepted,
    /// A 2xx came, and every leg is over by now.
    HungUp,
    /// The cancel was successful.
    Canceled,
    /// A 300–699 came.
    Rejected,
    /// It failed without a response.
    Failed,
}

impl State {
    /// The state in one word, as the screen shows it.
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Waiting => "connecting",
            State::Calling => "calling",
            State::Trying => "trying",
            State::Proceeding => "proceeding",
            State::Cancelling => "cancelling",
            State::Sent => "sent",
            State::Accepted => "accepted",
            State::HungUp => "hung up",
            State::Canceled => "canceled",
            State::Rejected => "rejected",
            State::Failed => "failed",
        }
    }

    /// Whether no final outcome is known yet.
    pub const fn is_pending(self) -> bool {
        matches!(
            self,
            State::Waiting | State::Calling | State::Trying | State::Proceeding | State::Cancelling
        )
    }
}

/// The state of a leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LegState {
    /// A provisional with its To tag came: an early dialog.
    Early,
    /// A 2xx came: a confirmed dialog.
    Confirmed,
    /// We sent a BYE, as the context of its own that is named. The state before comes back where that has
    /// ended nothing ([`Fact::StillUp`](super::Fact::StillUp)).
    HangingUp {
        /// The BYE.
        bye: ContextId,
    },
    /// The dialog is over.
    Terminated {
        /// Who ended it.
        by: TerminatedBy,
    },
}

/// Who ended a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminatedBy {
    /// Our BYE was answered, or timed out.
    Local,
    /// The peer's BYE.
    Peer,
    /// A response: a final one to the INVITE or a 199 (RFC 6228) ended an early dialog, or a 481 to
    /// a request in the dialog said that the peer knows it no more.
    Response(StatusCode),
    /// The subscription's time was over (RFC 6665).
    Expiry,
    /// Nobody waits for it any more: the INVITE was given up without a final response, 64·T1 have
    /// passed since another fork accepted, or no BYE could be sent.
    GivenUp,
    /// The flow broke, for an early dialog or under its BYE.
    Transport,
}
