//! [`ClientContext`]: one request that the user sent, and everything that belongs to it.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use bytes::Bytes;
use smallvec::SmallVec;

use crate::sip::{
    auth::{AuthState, Credentials},
    cause::Cause,
    dialog::Leg,
    event::{ContextId, FlowId, LegState, State},
    message::Message,
    method::Method,
    random::Branch,
    raw::RawMessage,
    registration::Profile,
    request::{CancelOptions, DialogRequest, NewRequest},
    user_agent::{Redirection, Route, Size},
};

/// One client context. It outlives its transactions.
#[derive(Debug)]
pub(crate) struct ClientContext {
    pub(crate) method: Method,
    /// The flow that it rides on; [`FlowId::NONE`] while it looks for one.
    pub(crate) flow: FlowId,
    /// Where the peer was heard last, where that is another flow.
    pub(crate) heard_on: Option<FlowId>,
    /// The INVITE whose leg this request belongs to, and that leg's tag.
    pub(crate) parent: Option<(ContextId, Box<str>)>,
    pub(crate) state: State,
    pub(crate) request: Request,
    pub(crate) cancel: Cancel,
    pub(crate) legs: SmallVec<[Leg; 1]>,
    /// The candidates that its server's name stands for (RFC 3263).
    pub(crate) route: Option<Box<Route>>,
    /// Whether its size has made it leave its flow.
    pub(crate) size: Size,
    /// Where a 3xx has sent it, and may still send it.
    pub(crate) redirection: Option<Box<Redirection>>,
    /// What answers a challenge.
    pub(crate) credentials: Option<Arc<[Credentials]>>,
    /// The account that it is sent for.
    pub(crate) profile: Option<Arc<Profile>>,
    /// What was tried of it.
    pub(crate) auth: AuthState,
    /// The ACKs of its 2xx, one for each To tag, sent again for each retransmission of the 2xx
    /// (RFC 3261 §13.2.2.4).
    pub(crate) acks: Vec<Ack>,
    /// How many client transactions still serve it, those of earlier tries included.
    pub(crate) transactions: u32,
    /// Whether the user wants its legs.
    pub(crate) wanted: Wanted,
    /// How many contexts of requests in its dialogs are held: the ACK of a re-INVITE needs the leg.
    pub(crate) children: u32,
    /// When to stop waiting for what a CANCEL should bring.
    pub(crate) deadline: Option<Instant>,
    /// How it ended, once it has.
    pub(crate) ended: Option<Cause>,
    /// The cause of the final outcome, once there is one.
    pub(crate) cause: Option<Cause>,
}

/// The ACK of a 2xx.
#[derive(Clone, Debug)]
pub(crate) struct Ack {
    /// The To tag of the 2xx.
    pub(crate) tag: Box<str>,
    /// The bytes, once it is written.
    pub(crate) bytes: Option<Bytes>,
    /// The flow that it went on.
    pub(crate) flow: FlowId,
    /// The address, where it is not the flow's peer.
    pub(crate) to: Option<SocketAddr>,
    /// Whether it waits for a flow to be made.
    pub(crate) waits: bool,
    /// When it went last, or was to.
    pub(crate) at: Instant,
}

/// The request of a context.
#[derive(Debug)]
pub(crate) enum Request {
    /// It waits for its flow: what is in Via and Contact is not known yet.
    Waiting(Waiting),
    /// It was sent under this branch.
    Sent {
        /// The branch of its client transaction.
        branch: Branch,
        /// The bytes.
        bytes: Bytes,
        /// The address, where it is not the flow's peer. Boxed: mostly it is.
        to: Option<Box<SocketAddr>>,
        /// How often it was sent.
        attempts: u32,
    },
    /// It was never sent.
    Never,
}

/// What waits for a flow.
#[derive(Debug)]
pub(crate) enum Waiting {
    /// A request that the user made.
    New(Box<NewRequest>),
    /// A request in a dialog; it is written when it can be sent.
    InDialog(Box<DialogRequest>),
    /// Bytes that the user wrote.
    Raw(Box<RawMessage>),
    /// A request that another candidate of its server did not take, or that leaves its flow.
    Elsewhere(Box<Elsewhere>),
}

/// What goes to another candidate, or by another transport.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    /// As it was written for there.
    pub(crate) bytes: Bytes,
    /// Whether its credentials are ours, and not written by the user.
    pub(crate) signed: bool,
    /// Where the peer had seen us there.
    pub(crate) seen: Option<SocketAddr>,
    /// Where it goes by UDP, where that is not the flow's peer.
    pub(crate) to: Option<SocketAddr>,
    /// The branch that it had, where it keeps that.
    pub(crate) branch: Option<Branch>,
}

/// Whether the user wants the legs of a context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// As far as is known.
    Yes,
    /// Every leg was hung up, and none is wanted that comes later.
    No,
    /// The user leaves: none is wanted, and nobody hangs a leg up again whose BYE has failed.
    Left,
}

/// How far a cancel has come (RFC 3261 §9.1).
#[derive(Debug)]
pub(crate) enum Cancel {
    /// Nobody asked for it.
    No,
    /// It waits for a provisional.
    Waiting(Box<CancelOptions>),
    /// It went, and was lost, though its INVITE is still waited for: it may go again as it stands. Boxed:
    /// nearly none is.
    Lost(Box<Bytes>),
    /// The CANCEL is on its way, or was answered.
    Sent {
        /// Whether a final response to it, its Timer F or a broken flow has ended its transaction.
        over: bool,
    },
}

impl ClientContext {
    /// The INVITE (or other request) as it was sent.
    pub(crate) fn sent(&self) -> Option<&Bytes> {
        match &self.request {
            Request::Sent { bytes, .. } => Some(bytes),
            Request::Waiting(_) | Request::Never => None,
        }
    }

    /// The branch of its client transaction.
    pub(crate) fn branch(&self) -> Option<Branch> {
        match self.request {
            Request::Sent { branch, .. } => Some(branch),
            Request::Waiting(_) | Request::Never => None,
        }
    }

    /// The address that it was sent to, where that is not the flow's peer.
    pub(crate) fn destination(&self) -> Option<SocketAddr> {
        match &self.request {
            Request::Sent { to, .. } => to.as_deref().copied(),
            Request::Waiting(_) | Request::Never => None,
        }
    }

    /// The request as it was sent, indexed.
    pub(crate) fn message(&self) -> Option<Message> {
        // What we wrote ourselves can be read, and raw bytes where a transaction has them.
        self.sent().and_then(|bytes| Message::read(bytes.clone()).ok())
    }

    /// The request as it was written last, though it may wait for a flow to somewhere else.
    pub(crate) fn written(&self) -> Option<Message> {
        match &self.request {
            Request::Waiting(Waiting::Elsewhere(elsewhere)) => {
                Message::read(elsewhere.bytes.clone()).ok()
            }
            _ => self.message(),
        }
    }

    /// What waits goes to another server: without the credentials that were for the one before, and
    /// under a branch of its own.
    pub(crate) fn leave_server(&mut self) {
        let has_sent = std::mem::take(&mut self.auth).has_sent();
        if let Request::Waiting(Waiting::Elsewhere(elsewhere)) = &mut self.request {
            elsewhere.signed |= has_sent;
            elsewhere.branch = None;
        }
    }

    /// No further leg is wanted.
    pub(crate) fn want_none(&mut self) {
        if self.wanted == Wanted::Yes {
            self.wanted = Wanted::No;
        }
    }

    /// Whether the user asked for a cancel.
    pub(crate) fn is_cancelled(&self) -> bool {
        !matches!(self.cancel, Cancel::No)
    }

    /// Whether a CANCEL is on its way and nothing final is known of it.
    pub(crate) fn is_cancel_pending(&self) -> bool {
        matches!(self.cancel, Cancel::Sent { over: false })
    }

    /// The context whose legs this request concerns: the INVITE's that it is in the dialog of, or
    /// its own, `id`.
    pub(crate) fn owner(&self, id: ContextId) -> ContextId {
        self.parent.as_ref().map_or(id, |(parent, _)| *parent)
    }

    /// The leg of that tag.
    pub(crate) fn leg_mut(&mut self, tag: &str) -> Option<&mut Leg> {
        self.legs.iter_mut().find(|leg| &*leg.tag == tag)
    }

    /// Whether a leg is early.
    pub(crate) fn has_early_legs(&self) -> bool {
        self.legs.iter().any(|leg| leg.is_early())
    }

    /// Whether a leg waits for the NOTIFY that makes its dialog (RFC 6665 §4.4.1).
    pub(crate) fn awaits_notify(&self) -> bool {
        self.legs.iter().any(|leg| leg.state == LegState::Early)
    }

    /// Whether something that was subscribed to in a dialog of its own, be it a call's, a SUBSCRIBE's or a
    /// REFER's, has outlived what made that (RFC 5057 §4.1, §4.2).
    pub(crate) fn is_outlived(&self) -> bool {
        self.legs.iter().any(|leg| leg.is_terminated() && !leg.subscriptions().is_empty())
    }

    /// How many legs are up.
    pub(crate) fn legs_up(&self) -> usize {
        self.legs.iter().filter(|leg| leg.is_up()).count()
    }

    /// The tags of the legs that are up and not being hung up; of a subscription those also that have
    /// only been announced by its 2xx.
    pub(crate) fn confirmed_tags(&self) -> Vec<Box<str>> {
        let announced = self.method != Method::Invite && self.state == State::Accepted;
        let confirmed = self.legs.iter().filter(|leg| match leg.state {
            LegState::Confirmed => true,
            LegState::Early => announced,
            LegState::HangingUp { .. } | LegState::Terminated { .. } => false,
        });
        confirmed.map(|leg| leg.tag.clone()).collect()
    }
}
