//! What the network tells its owner.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;

use crate::{
    sip::{FlowId, Transport},
    transport::{Certificate, FlowFacts},
};

/// What the network tells its owner, in the order in which it happened on each flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A connection that was asked for is made; bytes can be sent.
    Up {
        /// The flow.
        flow: FlowId,
        /// Our address.
        local: SocketAddr,
        /// The peer's address.
        peer: SocketAddr,
        /// What its handshakes brought to light.
        facts: Arc<FlowFacts>,
    },
    /// A listener took a connection; bytes can be sent on this new flow.
    Accepted {
        /// The new flow.
        flow: FlowId,
        /// The transport of its listener.
        transport: Transport,
        /// Our address.
        local: SocketAddr,
        /// The peer's address; on UDP, where one flow has many peers, our own.
        peer: SocketAddr,
    },
    /// One datagram, one WebSocket frame, or one framed message.
    Message {
        /// When it came.
        at: Instant,
        /// The flow.
        flow: FlowId,
        /// Who sent it.
        source: SocketAddr,
        /// The bytes.
        bytes: Bytes,
    },
    /// The peer answered a keep-alive.
    Pong {
        /// The flow.
        flow: FlowId,
        /// How long that took.
        rtt: Duration,
    },
    /// A datagram could not be delivered (ICMP); the flow stays usable.
    Undelivered {
        /// The flow.
        flow: FlowId,
        /// Where it went, where that is not the flow's peer.
        to: Option<SocketAddr>,
        /// A sentence with the address.
        reason: String,
    },
    /// The flow could not be made or broke; it is gone.
    Down {
        /// The flow.
        flow: FlowId,
        /// A sentence with the address.
        reason: String,
        /// The server's certificates, its own first, where they were refused.
        refused: Arc<[Certificate]>,
    },
}

/// Why bytes were not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SendError(
    /// A sentence with the address.
    pub String,
);
