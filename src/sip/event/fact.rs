//! [`Fact`]: what can happen to a client context.

mod about;

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;

pub use self::about::answer_attempts;
use super::{
    Advice, Created, Destination, FlowId, Followed, LegState, Resolution, Response, Timer, TimerOf,
    Trial,
};
use crate::sip::{
    auth::{AuthRecord, InfoRecord},
    cause::Cause,
    impaired::Impaired,
    request::CancelOptions,
    status::StatusCode,
    transaction::ServerTransactionId,
};

/// What can happen to a client context. Many are kept for each: what is rare and large is boxed.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// The context exists; nothing has been sent yet. Always the first of a context's events.
    Created(Box<Created>),
    /// The server is being looked up (RFC 3263); [`Fact::Resolved`] follows.
    Resolving {
        /// What is looked up.
        server: Box<str>,
    },
    /// What the look-up found. [`Fact::Trying`] follows, or [`Fact::Failed`] where there is nothing.
    Resolved(Arc<Resolution>),
    /// A candidate of the server is tried: its flow is made, and the request sent on it.
    Trying(Box<Trial>),
    /// The candidate that was tried cannot be reached, says nothing, or answered 503; the next one
    /// is tried (RFC 3263 §4.3).
    PassedOver {
        /// The 503, where that was it.
        response: Option<Box<Response>>,
        /// Why, as a sentence or a status line.
        why: Arc<str>,
    },
    /// The peer sees us elsewhere than before (RFC 3581 §4); the response that says so follows.
    SeenAs {
        /// What we had called ourselves in Via.
        local: Box<str>,
        /// Where the peer sees us.
        seen: SocketAddr,
        /// Whether Contact says so from now on.
        in_contact: bool,
    },
    /// What the peer says of it comes on another flow than the context's own: a connection that the
    /// peer has opened to us, mostly. What came follows.
    CameOver {
        /// The other flow.
        flow: FlowId,
    },
    /// A request went to its flow for the first time.
    Sent {
        /// Its bytes.
        message: Bytes,
        /// Where it went.
        destination: Destination,
    },
    /// A request went to its flow again (Timer A, E), where it went before.
    Retransmitted {
        /// Its bytes.
        message: Bytes,
        /// How often it has been sent now: 2 for the first retransmission.
        attempt: u32,
        /// How often it will be sent again by itself, if nothing more comes.
        left: u32,
    },
    /// A 1xx arrived.
    Progress(Response),
    /// A 2xx arrived. A forked INVITE has several; so has one whose 2xx is repeated.
    Accepted {
        /// The response.
        response: Response,
        /// Whether this is a retransmission of a 2xx that came before on the same leg.
        again: bool,
    },
    /// A 300–699 arrived. [`Fact::Failed`] follows.
    Rejected {
        /// The response.
        response: Response,
        /// Why, in SIP.js's words.
        cause: Cause,
    },
    /// The request failed.
    Failed {
        /// The response that did it; none for a timeout, a transport or an internal error.
        response: Option<Box<Response>>,
        /// Why, in SIP.js's words.
        cause: Cause,
        /// The same as a sentence, where there is more to say (an address, a timer).
        detail: Box<str>,
        /// What would answer the response, where something would.
        advice: Option<Box<Advice>>,
    },
    /// The user cancelled.
    Cancel {
        /// As the user gave them.
        options: CancelOptions,
        /// Whether the CANCEL must wait for a provisional first (RFC 3261 §9.1).
        waiting: bool,
    },
    /// The CANCEL went to the flow for the first time.
    CancelSent {
        /// Its bytes.
        message: Bytes,
        /// Where it went.
        destination: Destination,
    },
    /// A 401 or 407 arrived, and the request goes out again with credentials.
    Challenged {
        /// The response.
        response: Response,
        /// What was challenged, chosen and computed; no secret is in it.
        record: Box<AuthRecord>,
    },
    /// A 401 or 407 arrived that cannot be answered, or not once more. [`Fact::Rejected`] follows.
    AuthGivenUp {
        /// What was challenged, and why nothing answers it.
        record: Box<AuthRecord>,
    },
    /// The request carries credentials that nobody asked this request for: the flow's servers did
    /// before (RFC 3261 §22.2).
    AuthAhead {
        /// What was computed; no secret is in it.
        record: Box<AuthRecord>,
    },
    /// A response said how it took the credentials (RFC 7616 §3.5).
    AuthInfo(Box<InfoRecord>),
    /// A 3xx arrived, and the request goes out again to one of its contacts.
    Redirected {
        /// The response.
        response: Response,
        /// Where that leads.
        followed: Box<Followed>,
    },
    /// One of its messages was dropped, doubled, held back or corrupted, as the user wished.
    Impaired(Box<Impaired>),
    /// Raw bytes went out that nothing which comes back can be matched to.
    Unmatched {
        /// Why, as a sentence.
        detail: String,
    },
    /// The connection is gone that made a dialog which is up; nothing of the context waits on it.
    ConnectionLost {
        /// How it ended, and what that means for the dialog, as a sentence.
        detail: String,
    },
    /// Something came on the flow of raw bytes that nothing can be matched to, while they waited, and
    /// belongs to nothing else: an answer, maybe.
    Beside {
        /// Its bytes.
        message: Bytes,
        /// Who sent it, and why it belongs to nothing, as a sentence.
        detail: Box<str>,
    },
    /// A final response to a PRACK arrived.
    PrackAnswered(Response),
    /// A PRACK was never answered: its Timer F fired, or its flow broke.
    PrackFailed {
        /// What happened, as a sentence.
        detail: String,
    },
    /// A final response to the CANCEL arrived.
    CancelAnswered(Response),
    /// A 2xx to the INVITE came although the user had cancelled: it is ACKed and hung up
    /// (RFC 3261 §9.1, §15).
    CancelCrossed {
        /// What happened, as a sentence.
        detail: String,
    },
    /// The CANCEL was never answered: its Timer F fired, or its flow broke.
    CancelFailed {
        /// What happened, as a sentence.
        detail: String,
    },
    /// An ACK went to the flow.
    Acked {
        /// Its bytes.
        message: Bytes,
        /// The status that it acknowledges.
        status: StatusCode,
        /// Whether the same ACK went before, for a response that is repeated.
        again: bool,
        /// Where it went.
        destination: Destination,
    },
    /// The ACK of a 2xx could not be sent: nothing leads to where it has to go. Its leg is hung up.
    AckFailed {
        /// What happened, as a sentence.
        detail: String,
    },
    /// A message makes a secure dialog, or refreshes its target, and names a hop that is no sips URI.
    NotSecure {
        /// Which, and what follows, as a sentence.
        detail: String,
    },
    /// A response came that changes nothing.
    Absorbed {
        /// The response.
        response: Response,
        /// Why it changes nothing.
        why: Absorbed,
        /// How many such responses have come for its transaction, this one included.
        count: u32,
    },
    /// A leg came into being or changed.
    Leg {
        /// The To tag.
        tag: Box<str>,
        /// Its state now.
        state: LegState,
    },
    /// A leg is still there though its BYE is over; its state as it is again follows.
    StillUp {
        /// The To tag.
        tag: Box<str>,
        /// Why, as a sentence.
        detail: String,
    },
    /// A leg that a 2xx has made is acknowledged and hung up at once: nobody waits for it any more, or
    /// the context has as many as are kept.
    Unwanted {
        /// The To tag.
        tag: Box<str>,
        /// Why, as a sentence.
        detail: String,
    },
    /// A message came with a tag that makes no leg: the context has as many as are kept, or it answers
    /// a request in a dialog of another tag.
    NoLeg {
        /// The tag that it would have had.
        tag: Box<str>,
        /// What becomes of the message, as a sentence.
        detail: String,
    },
    /// What a SUBSCRIBE or REFER in one of the context's dialogs has subscribed to has outlived the
    /// call, or is over without a NOTIFY that says so.
    Subscription {
        /// What happened, as a sentence.
        detail: String,
    },
    /// The peer sent a request in one of the context's dialogs.
    Received {
        /// Its bytes.
        message: Bytes,
        /// Whether it is a retransmission, answered with the same response again.
        again: bool,
        /// Its server transaction, where it waits for an answer by hand.
        transaction: Option<ServerTransactionId>,
        /// Where it waits: the session description that an automatic 200 would have had, an answer
        /// to its offer or an offer of ours (RFC 3261 §13.2.1, §14.2).
        session: Option<Box<Bytes>>,
        /// What it is answered with at once; [`Fact::Answered`] follows.
        answer: Option<StatusCode>,
    },
    /// The peer's request was answered, or its answer went out again: by Timer G, because no ACK
    /// came for a 2xx, or because the peer repeated its request.
    Answered {
        /// The answer.
        response: Box<Response>,
        /// How often it has been sent now: 1 for the first time.
        attempt: u32,
        /// How often it will be sent again by itself, if no ACK comes.
        left: u32,
        /// Where it went.
        destination: Destination,
    },
    /// An answer to the peer's request could not be sent: its connection is gone, and no other is to
    /// be had (RFC 3261 §18.2.2).
    AnswerFailed {
        /// What happened, as a sentence.
        detail: String,
    },
    /// The ACK of our final answer to the peer's INVITE never came, or the PRACK of a reliable
    /// provisional.
    NeverAcked {
        /// What happened, as a sentence.
        detail: String,
    },
    /// Nothing more is waited for that could repeat what came or what was asked: Timer D, K or M of
    /// a request of ours, or I, J or L of one of the peer's. It may come after [`Fact::Ended`], and
    /// not at all where the transport repeats nothing.
    TimerFired {
        /// Which timer.
        timer: Timer,
        /// The request that it belonged to, where that is not the context's own.
        of: Option<Box<TimerOf>>,
    },
    /// Its timers are others now, and nothing else has happened that could say so.
    TimersChanged,
    /// The outcome is final and nothing is left to do: no leg is up, no cancel is under way.
    Ended {
        /// How it ended.
        cause: Cause,
    },
}

/// Why a response changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absorbed {
    /// The same response came before.
    Repeated,
    /// The final response had come before it (RFC 3261 §17.1).
    Late,
    /// A reliable provisional before it is missing (RFC 3262 §4).
    OutOfOrder,
}

impl Absorbed {
    /// As a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Absorbed::Repeated => "repeated",
            Absorbed::Late => "late",
            Absorbed::OutOfOrder => "out of order",
        }
    }
}
