//! Facts: what happened to a client context, in the order in which it happened.
//!
//! A wish of the user is a command to the [`UserAgent`](crate::sip::UserAgent); what comes of it
//! comes back from here. Every event carries the context's [`Status`] after it, so a screen needs
//! no memory of its own to be right.

mod destination;
mod fact;
mod outside;
mod response;
mod status;
mod trial;

use std::{fmt, sync::Arc, time::Instant};

pub use self::{
    destination::Destination,
    fact::{Absorbed, Fact, answer_attempts},
    outside::{Asked, Outside, OutsideFact, Stray},
    response::Response,
    status::{LegState, State, Status, TerminatedBy, Timer, TimerAt, TimerOf},
    trial::{Resolution, Trial, TrialState},
};
use crate::sip::{
    method::Method,
    redirect::RedirectTarget,
    registration::{RegistrationEvent, RegistrationId},
    request::NewRequest,
    transport::Transport,
    uri::UriBuf,
};

/// Names one client context for as long as the program runs; counts from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContextId(pub u64);

impl fmt::Display for ContextId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names one flow for as long as the program runs; counts from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId(pub u32);

impl FlowId {
    /// No flow: nothing ever rides on it.
    pub(crate) const NONE: FlowId = FlowId(0);

    /// The first of the connections that peers open; what we make ourselves stays below.
    pub const FIRST_ACCEPTED: FlowId = FlowId(1 << 31);

    /// Whether a peer opened it.
    pub fn is_accepted(self) -> bool {
        self >= FlowId::FIRST_ACCEPTED
    }
}

impl fmt::Display for FlowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// To a client context.
    Context(ContextEvent),
    /// To a registration that is kept.
    Registration(RegistrationEvent),
    /// To a peer's request outside every dialog, after it was told as a [`Stray`].
    Outside(Outside),
    /// To nobody: a message came that no context can claim.
    Stray(Stray),
}

/// Something that happened to a client context.
#[derive(Clone, Debug, PartialEq)]
pub struct ContextEvent {
    /// When.
    pub at: Instant,
    /// To which context.
    pub context: ContextId,
    /// The method of the transaction that it happened to: the context's own, or `CANCEL` for what
    /// happens to its CANCEL, or the peer's method for what the peer sent.
    pub method: Method,
    /// What.
    pub fact: Fact,
    /// The context after it.
    pub status: Status,
}

/// What would answer a rejection, as the peer itself has said.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// What it wants, as a sentence.
    pub sentence: String,
    /// The request that would do it, ready to send; none where only waiting or the user can help.
    pub retry: Option<NewRequest>,
}

/// The attributes of a context that never change (SIP.js's `ua`, `method`, `localIdentity` …).
#[derive(Clone, Debug, PartialEq)]
pub struct Created {
    /// The Request-URI.
    pub request_uri: UriBuf,
    /// From, as written, without the tag.
    pub local_identity: Box<str>,
    /// To, as written, without the tag.
    pub remote_identity: Box<str>,
    /// The Call-ID.
    pub call_id: Box<str>,
    /// The flow that it rides on; none yet where its server is still being looked up.
    /// [`Fact::Trying`] names it then.
    pub flow: Option<FlowId>,
    /// That flow's transport, or the one that it will have unless a look-up finds another.
    pub transport: Transport,
    /// For a request in the dialog of another context (a BYE): that context.
    pub parent: Option<ContextId>,
    /// The name of the account that it is sent for (SIP.js's `ua`).
    pub account: Option<Arc<str>>,
    /// The registration that it makes, refreshes or removes, where the user agent keeps one.
    pub registration: Option<RegistrationId>,
}

/// A redirection that is followed.
#[derive(Clone, Debug, PartialEq)]
pub struct Followed {
    /// The contacts of the 3xx, the most wanted first.
    pub targets: Vec<RedirectTarget>,
    /// Where the request goes now.
    pub next: UriBuf,
    /// The names of the headers in its URI that were not honoured (RFC 3261 §19.1.5).
    pub skipped: Vec<String>,
}
