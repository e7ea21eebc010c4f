//! [`Network`]: every flow and listener of one program, behind one queue.

use std::{io, net::SocketAddr, time::Instant};

use bytes::Bytes;

use crate::{
    sip::{FlowId, Transport},
    transport::ServerUri,
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
    },
    /// A listener took a connection; bytes can be sent on this new flow.
    Accepted {
        /// The new flow.
        flow: FlowId,
        /// The transport of its listener.
        transport: Transport,
        /// Our address.
        local: SocketAddr,
        /// The peer's address.
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
    /// A datagram could not be delivered (ICMP); the flow stays usable.
    Undelivered {
        /// The flow.
        flow: FlowId,
        /// A sentence with the address.
        reason: String,
    },
    /// The flow could not be made or broke; it is gone.
    Down {
        /// The flow.
        flow: FlowId,
        /// A sentence with the address.
        reason: String,
    },
}

/// Why bytes were not sent at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SendError(
    /// A sentence with the address.
    pub String,
);

/// The flows and listeners of one program.
#[derive(Debug)]
pub struct Network {}

impl Network {
    /// An empty network.
    pub fn new() -> Network {
        todo!()
    }

    /// Begins to make a flow to a server, under an id of the caller's;
    /// [`Signal::Up`] or [`Signal::Down`] follows.
    pub fn connect(&mut self, flow: FlowId, server: &ServerUri) {
        todo!("{flow} {server}")
    }

    /// Listens; gives the address that the system picked. On UDP the socket is one flow, which
    /// [`Signal::Accepted`] names before the first message; on the others each connection is.
    ///
    /// # Errors
    ///
    /// Where the address cannot be bound.
    pub async fn listen(
        &mut self,
        transport: Transport,
        address: SocketAddr,
    ) -> io::Result<SocketAddr> {
        todo!("{transport} {address}")
    }

    /// Sends the bytes of one message; `to` is for flows of UDP listeners, and for datagrams to
    /// another address than the flow's peer.
    ///
    /// # Errors
    ///
    /// Where the flow is gone or its queue is full.
    pub fn send(
        &mut self,
        flow: FlowId,
        to: Option<SocketAddr>,
        bytes: Bytes,
    ) -> Result<(), SendError> {
        todo!("{flow} {to:?} {bytes:?}")
    }

    /// Closes a flow; nothing more is heard of it.
    pub fn close(&mut self, flow: FlowId) {
        todo!("{flow}")
    }

    /// Waits for at least one signal and appends what is there, at most a few hundred at once.
    /// Cancel-safe.
    pub async fn receive(&mut self, signals: &mut Vec<Signal>) {
        todo!("{signals:?}")
    }
}
