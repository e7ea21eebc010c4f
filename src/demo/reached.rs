//! [`Reached`]: which of our addresses a peer reaches, where a UDP socket listens on all of them.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr, UdpSocket},
};

use crate::sip::{FlowId, Transport};

/// How many peers are remembered before all are asked for again.
const PEERS: usize = 4096;

/// The address that the system sends from to each peer: answers come from there, so a Contact and a
/// session description name it too (RFC 3261 §8.1.1.8).
#[derive(Debug, Default)]
pub(super) struct Reached {
    /// The sockets that listen on every address.
    everywhere: Vec<FlowId>,
    by_peer: HashMap<IpAddr, Option<IpAddr>>,
}

impl Reached {
    /// A socket was bound, or a peer connected.
    pub(super) fn flow_up(&mut self, flow: FlowId, transport: Transport, local: SocketAddr) {
        // A connection has an address of its own.
        if transport == Transport::Udp && local.ip().is_unspecified() {
            self.everywhere.push(flow);
        }
    }

    /// Our address for a peer; `None` where the flow has one of its own, or the system knows none.
    pub(super) fn by(&mut self, flow: FlowId, peer: SocketAddr) -> Option<IpAddr> {
        if !self.everywhere.contains(&flow) {
            return None;
        }
        if self.by_peer.len() >= PEERS {
            self.by_peer.clear();
        }
        *self.by_peer.entry(peer.ip()).or_insert_with(|| source_for(peer))
    }
}

/// The address that a datagram to a peer would have. Connecting a UDP socket sends nothing.
fn source_for(peer: SocketAddr) -> Option<IpAddr> {
    let any: SocketAddr = if peer.is_ipv4() { ([0; 4], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(peer).ok()?;
    let ours = socket.local_addr().ok()?.ip();
    (!ours.is_unspecified()).then(|| ours.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_socket_that_listens_everywhere_is_reached_by_the_peers_route() {
        let mut reached = Reached::default();
        let peer = "127.0.0.1:5070".parse().unwrap();
        for (flow, transport, local) in [
            (FlowId(1), Transport::Udp, "0.0.0.0:5060"),
            (FlowId(2), Transport::Udp, "127.0.0.7:5060"),
            (FlowId(3), Transport::Tcp, "0.0.0.0:5060"),
        ] {
            reached.flow_up(flow, transport, local.parse().unwrap());
        }
        assert_eq!(reached.by(FlowId(1), peer), Some("127.0.0.1".parse().unwrap()));
        assert_eq!(reached.by(FlowId(2), peer), None);
        assert_eq!(reached.by(FlowId(3), peer), None);
    }
}
