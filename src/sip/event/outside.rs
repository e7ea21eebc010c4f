//! What belongs to no context: messages that none can claim, and peers' requests outside every
//! dialog of ours.

use std::{net::SocketAddr, time::Instant};

use bytes::Bytes;

use super::{FlowId, Response};
use crate::sip::{method::Method, status::StatusCode};

/// A message that no context can claim: malformed, a response to nothing that was sent, or a
/// request that belongs to no dialog of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// When it came.
    pub at: Instant,
    /// The flow that it came on.
    pub flow: FlowId,
    /// The bytes as they came.
    pub bytes: Bytes,
    /// Why nobody can claim it, as a sentence.
    pub problem: String,
    /// Where it is a request that was understood: what was asked, and what it got.
    pub asked: Option<Asked>,
}

/// A request of a peer outside every dialog of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The method.
    pub method: Method,
    /// Who sent it.
    pub source: SocketAddr,
    /// Whether it is a retransmission.
    pub again: bool,
    /// What it was answered with, once; an ACK and a retransmission have none of their own.
    pub answer: Option<StatusCode>,
}

/// Something that happened to a peer's request outside every dialog of ours.
#[derive(Clone, Debug, PartialEq)]
pub struct Outside {
    /// When.
    pub at: Instant,
    /// The flow that the request came on.
    pub flow: FlowId,
    /// Who sent it.
    pub source: SocketAddr,
    /// Its method.
    pub method: Method,
    /// What.
    pub fact: OutsideFact,
}

/// What can happen to a peer's request outside every dialog of ours.
#[derive(Clone, Debug, PartialEq)]
pub enum OutsideFact {
    /// Its answer went out again, as [`Fact::Answered`](super::Fact::Answered) has it.
    Answered {
        /// The answer.
        response: Response,
        /// How often it has been sent now: 2 for the first retransmission.
        attempt: u32,
        /// How often it will be sent again by itself, if no ACK comes.
        left: u32,
    },
    /// It came on a connection that is gone, and no other carries its answer (RFC 3261 §18.2.2).
    AnswerFailed {
        /// What happened, as a sentence.
        detail: String,
    },
    /// The ACK of a rejected INVITE never came.
    NeverAcked {
        /// What happened, as a sentence.
        detail: String,
    },
}
