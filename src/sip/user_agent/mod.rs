//! [`UserAgent`]: the one door into `sip`.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;

use crate::sip::{
    event::{ContextId, Event, FlowId},
    message::Limits,
    method::Method,
    request::{CancelOptions, NewRequest},
    transport::Transport,
};

/// What a user agent can be told at its start.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The round-trip estimate, T1 (RFC 3261 §17.1.1.1); 500 ms.
    pub t1: Duration,
    /// The largest retransmission interval for non-INVITE requests, T2; 4 s.
    pub t2: Duration,
    /// How long a message stays in the network, T4; 5 s.
    pub t4: Duration,
    /// The `User-Agent` and `Server` header.
    pub user_agent: String,
    /// Bounds on what is read from the network.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            user_agent: concat!("sipboard/", env!("CARGO_PKG_VERSION")).to_owned(),
            limits: Limits::default(),
        }
    }
}

/// Something for the driver of the user agent to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send these bytes.
    Transmit(Transmit),
    /// Tell the user.
    Event(Event),
}

/// Bytes to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// The flow.
    pub flow: FlowId,
    /// The address, where it is not the flow's own peer (a response on UDP, RFC 3581 §4).
    pub to: Option<SocketAddr>,
    /// The bytes of one message.
    pub bytes: Bytes,
}

/// Why a cancel is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CancelError {
    /// Only an INVITE can be cancelled.
    #[error("{0} cannot be cancelled, only an INVITE can (RFC 3261 §9.1)")]
    NotInvite(Method),
    /// A 2xx came already.
    #[error("already accepted: hang up with BYE instead (RFC 3261 §9.1)")]
    Accepted,
    /// A final response or a failure came already.
    #[error("already {0}: nothing is pending (RFC 3261 §9.1)")]
    Over(&'static str),
    /// It was cancelled before.
    #[error("already cancelled: the CANCEL is on its way")]
    Cancelled,
    /// The status code is out of range.
    #[error("{0} is not a status code for Reason: write 200 to 699 (RFC 3326)")]
    BadStatus(u16),
    /// There is no such context.
    #[error("there is no context #{0}")]
    Unknown(ContextId),
}

/// Why hanging up is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HangUpError {
    /// Only an INVITE makes a dialog to hang up.
    #[error("{0} has no leg to hang up, only an accepted INVITE has (RFC 3261 §15)")]
    NotInvite(Method),
    /// Not accepted yet.
    #[error("not accepted yet: cancel it instead (RFC 3261 §15)")]
    Pending,
    /// No leg is up.
    #[error("no leg is up: there is nothing to hang up (RFC 3261 §15)")]
    NoLeg,
    /// There is no such context.
    #[error("there is no context #{0}")]
    Unknown(ContextId),
}

/// Sends requests and follows each through its whole life.
#[derive(Debug)]
pub struct UserAgent {
    settings: Settings,
}

impl UserAgent {
    /// A user agent; `seed` is where all its randomness comes from.
    pub fn new(settings: Settings, _seed: u64) -> UserAgent {
        UserAgent { settings }
    }

    /// Its settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A flow that is being made. Requests on it wait in [`State::Waiting`](crate::sip::State)
    /// until [`UserAgent::flow_up`] or [`UserAgent::flow_down`]. Naming a flow again after it went
    /// down makes it wait again.
    pub fn flow_connecting(&mut self, _flow: FlowId, _transport: Transport) {
        todo!()
    }

    /// The flow is up: what waits on it is sent. `local` goes into Via and Contact on UDP and TCP.
    pub fn flow_up(&mut self, _now: Instant, _flow: FlowId, _local: SocketAddr) {
        todo!()
    }

    /// The flow could not be made or broke: what rides on it fails with `Connection Error`.
    /// `reason` is a sentence with the address.
    pub fn flow_down(&mut self, _now: Instant, _flow: FlowId, _reason: &str) {
        todo!()
    }

    /// A datagram could not be sent, or an ICMP error came for the flow (RFC 3261 §18.4): same as
    /// [`UserAgent::flow_down`] for what is under way, but the flow stays usable.
    pub fn flow_error(&mut self, _now: Instant, _flow: FlowId, _reason: &str) {
        todo!()
    }

    /// Sends a request on a flow and makes its client context.
    pub fn request(&mut self, _now: Instant, _flow: FlowId, _request: NewRequest) -> ContextId {
        todo!()
    }

    /// Cancels a pending INVITE.
    ///
    /// # Errors
    ///
    /// Where there is nothing to cancel; a sentence says why.
    pub fn cancel(
        &mut self,
        _now: Instant,
        _context: ContextId,
        _options: CancelOptions,
    ) -> Result<(), CancelError> {
        todo!()
    }

    /// Sends a BYE on every leg that is up; each is a context of its own.
    ///
    /// # Errors
    ///
    /// Where no leg is up; a sentence says why.
    pub fn hang_up(&mut self, _now: Instant, _context: ContextId) -> Result<(), HangUpError> {
        todo!()
    }

    /// Cancels every pending INVITE and hangs up every leg: the graceful end.
    pub fn shut_down(&mut self, _now: Instant) {
        todo!()
    }

    /// Whether no context is pending and no leg is up.
    pub fn is_idle(&self) -> bool {
        todo!()
    }

    /// Bytes came on a flow: one datagram, one WebSocket frame, or one framed message.
    pub fn handle_message(
        &mut self,
        _now: Instant,
        _flow: FlowId,
        _source: SocketAddr,
        _bytes: Bytes,
    ) {
        todo!()
    }

    /// Time has come to [`UserAgent::poll_timeout`].
    pub fn handle_timeout(&mut self, _now: Instant) {
        todo!()
    }

    /// What is to be done next; one queue, in the order in which it happened.
    pub fn poll_output(&mut self) -> Option<Output> {
        todo!()
    }

    /// When [`UserAgent::handle_timeout`] must be called next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }
}
