//! A UDP socket that listens on every address of the host: each address that is asked is a flow of
//! its own. So an answer leaves from where its request went (RFC 3261 §18.2.2, RFC 3581 §4), and
//! whoever names us knows by which address (§8.1.1.8).

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
};

use tokio::net::UdpSocket;

use crate::{
    sip::Transport,
    transport::{
        Signal, datagram,
        flow::{self, Gather, Gone, Hub, Outlet},
        udp::{Link, Sockets},
    },
};

/// How many addresses have a flow of their own: more than a host has. What comes to the others
/// belongs to the socket's own flow, and the system picks the address that is answered from.
const ADDRESSES: usize = 256;

/// The largest datagram that UDP can carry, and more.
const LARGEST: usize = 65_535;

/// The flows of one socket.
struct Doors<'a> {
    sockets: &'a Sockets,
    hub: &'a Hub,
    link: &'a Link,
    by_address: HashMap<IpAddr, Outlet>,
    /// That of the socket itself.
    any: &'a Outlet,
}

/// Reads all there is before it waits again.
pub(super) async fn read(sockets: &Sockets, hub: &Hub, link: &Link, any: &Outlet) -> Gone {
    let mut doors = Doors { sockets, hub, link, by_address: HashMap::new(), any };
    let mut buffer = vec![0; LARGEST];
    let Some(socket) = sockets.open() else { return Gone };
    loop {
        sockets.readable().await;
        if let Err(gone) = doors.take(socket, &mut buffer).await {
            return gone;
        }
    }
}

impl Doors<'_> {
    /// Hands on what is there, what came to one address together.
    async fn take(&mut self, socket: &UdpSocket, buffer: &mut [u8]) -> Result<(), Gone> {
        let mut at = None;
        let mut gather = Gather::new(self.any.flow());
        // An error says that there is nothing more, or speaks of something that was sent, which
        // timers see to.
        while let Ok((length, source, ours)) = datagram::receive(socket, buffer) {
            let ours = ours.filter(|ours| !ours.is_multicast() && !ours.is_unspecified());
            if ours != at || gather.is_full() {
                self.hand_on(at, &mut gather).await?;
                at = ours;
                gather = Gather::new(self.door(ours).await?.flow());
            }
            gather.message(source, &buffer[..length]);
        }
        self.hand_on(at, &mut gather).await
    }

    async fn hand_on(&mut self, at: Option<IpAddr>, gather: &mut Gather) -> Result<(), Gone> {
        if gather.is_empty() {
            return Ok(());
        }
        self.door(at).await?.send(gather.take()).await
    }

    /// The way on for what came to an address of ours; announced when it is asked for first.
    async fn door(&mut self, ours: Option<IpAddr>) -> Result<&Outlet, Gone> {
        let Some(ours) = ours else { return Ok(self.any) };
        if !self.by_address.contains_key(&ours) {
            if self.by_address.len() >= ADDRESSES {
                return Ok(self.any);
            }
            let outlet = self.hub.accept();
            let port = self.sockets.local().map_or(0, |local| local.port());
            // RFC 4291 §2.5.5.2: an IPv4 peer of an IPv6 socket has come to an IPv4 address.
            let local = SocketAddr::new(ours.to_canonical(), port);
            let (flow, transport) = (outlet.flow(), Transport::Udp);
            let accepted = Signal::Accepted { flow, transport, local, peer: local };
            let link = flow::Link::Udp(self.link.at_ours(ours));
            outlet.open(link, &format!("udp {local}"), accepted).await?;
            self.by_address.insert(ours, outlet);
        }
        Ok(&self.by_address[&ours])
    }
}
