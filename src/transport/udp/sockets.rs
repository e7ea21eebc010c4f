//! The sockets of a UDP flow.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::{io::Interest, net::UdpSocket};

use super::Ends;
use crate::transport::{LocalAddress, datagram, flow, pace::Pace, reason, zone};

/// What the kernel is asked to hold for us while we are busy; it gives what it allows.
const KERNEL_BUFFER: usize = 4 << 20;

/// The two sockets of a flow, on one port.
///
/// A connected socket is the only one that hears of ICMP errors, and knows our address; it gets
/// nothing from anyone but the peer, though. So a second one on the same port takes what comes
/// from elsewhere: a peer that answers from another port, a request from another host. Datagrams
/// of the peer go to the connected one, because it matches them better.
#[derive(Debug)]
pub(in crate::transport) struct Sockets {
    /// The flow in a sentence.
    pub(super) name: String,
    pub(super) peer: Option<SocketAddr>,
    pub(super) connected: Option<UdpSocket>,
    pub(super) open: Option<UdpSocket>,
    /// A listener has many peers, and mostly answers them.
    pub(super) pace: Option<Pace>,
}

impl Sockets {
    /// The sockets of a flow to one peer; a few words where they cannot be made.
    pub(super) fn to_peer(
        peer: SocketAddr,
        ours: Option<&LocalAddress>,
    ) -> Result<Sockets, String> {
        let peer = flow::reached_from(ours, peer)?;
        let any = match peer {
            SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
        };
        let words = |error: io::Error| reason::words(&error);
        let from = ours.map_or(SocketAddr::new(any, 0), |ours| ours.with_port(0));
        let connected = bind(from, false).map_err(|error| match ours {
            Some(ours) => reason::unbound(ours, &error),
            None => reason::words(&error),
        })?;
        let connect = || {
            connected.connect(&peer.into())?;
            open_beside(&connected)
        };
        let open = connect().map_err(words)?;
        Ok(Sockets {
            name: format!("udp {peer}"),
            peer: Some(peer),
            connected: Some(UdpSocket::from_std(connected.into()).map_err(words)?),
            open: open
                .map(|socket| UdpSocket::from_std(socket.into()))
                .transpose()
                .map_err(words)?,
            pace: Some(Pace::default()),
        })
    }

    /// The socket of a listener.
    pub(super) fn listening(address: SocketAddr) -> io::Result<Sockets> {
        let socket = bind(address, false)?;
        if address.ip().is_unspecified() {
            // Where the system does not tell, it picks the address that an answer leaves from.
            let _ = datagram::tell_local(&socket, address.ip());
        }
        let open = UdpSocket::from_std(socket.into())?;
        let name = format!("udp {}", open.local_addr()?);
        Ok(Sockets { name, peer: None, connected: None, open: Some(open), pace: None })
    }

    pub(in crate::transport) fn local(&self) -> io::Result<SocketAddr> {
        self.connected.as_ref().or(self.open.as_ref()).expect("a flow has a socket").local_addr()
    }

    /// The zone of its peer, where that is link-local.
    pub(super) fn zone(&self) -> u32 {
        self.peer.map_or(0, zone::index)
    }

    /// Which socket a datagram leaves by, and its address where that socket has no peer.
    pub(super) fn way(
        &self,
        to: Option<SocketAddr>,
    ) -> io::Result<(&UdpSocket, Option<SocketAddr>)> {
        match (&self.connected, &self.open) {
            (Some(connected), _) if to.is_none() || to == self.peer => Ok((connected, None)),
            (_, Some(open)) if to.is_some() => Ok((open, to)),
            (None, _) => Err(io::Error::other("a listener's datagram needs an address")),
            (Some(_), _) => Err(io::Error::other(
                "this system does not let the flow send to another address than its peer's",
            )),
        }
    }

    /// Sends now or says `WouldBlock`. The system reports the ICMP error of an earlier datagram in
    /// place of sending this one, so it is sent again then. A listener says which address of `ours`
    /// it leaves from.
    pub(super) fn try_send(
        &self,
        (to, ours): Ends,
        bytes: &[u8],
        undelivered: &mut Vec<String>,
    ) -> io::Result<()> {
        let (socket, address) = self.way(to)?;
        let send = || match (address, ours) {
            (Some(address), Some(ours)) => datagram::send_from(socket, ours, address, bytes),
            (Some(address), None) => socket.try_send_to(bytes, address).map(drop),
            (None, _) => socket.try_send(bytes).map(drop),
        };
        match send() {
            Err(earlier) if is_icmp(&earlier) => {
                let result = send();
                if result.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::WouldBlock) {
                    return result;
                }
                // What went to another than the peer is read with its address.
                if address.is_none() {
                    undelivered.push(self.sentence(None, &earlier));
                }
                result
            }
            result => result,
        }
    }

    /// Why a datagram of that size could not be sent.
    pub(super) fn unsent(&self, to: Option<SocketAddr>, error: &io::Error, size: usize) -> String {
        match to {
            _ if !reason::is_too_large(error) => self.sentence(to, error),
            Some(to) => reason::too_large(&format_args!("udp {to}"), size),
            None => reason::too_large(&self.name, size),
        }
    }

    pub(super) fn sentence(&self, to: Option<SocketAddr>, error: &io::Error) -> String {
        match to {
            Some(to) => reason::unreachable(&format_args!("udp {to}"), reason::words(error)),
            None => reason::unreachable(&self.name, reason::words(error)),
        }
    }

    /// The socket that takes what comes from anywhere.
    pub(in crate::transport) fn open(&self) -> Option<&UdpSocket> {
        self.open.as_ref()
    }

    /// Waits for a datagram or an error.
    pub(in crate::transport) async fn readable(&self) {
        let ready = async |socket: &Option<UdpSocket>| match socket {
            // An ICMP error alone makes a socket not readable, only erroneous. What comes of
            // either is seen by the reads that follow.
            Some(socket) => drop(socket.ready(Interest::READABLE | Interest::ERROR).await),
            None => std::future::pending().await,
        };
        tokio::select! {
            () = ready(&self.connected) => {}
            () = ready(&self.open) => {}
        }
    }
}

/// The ICMP error that waits on a socket, if one does.
pub(super) fn pending_error(socket: &UdpSocket) -> Option<io::Error> {
    let take = || socket.take_error()?.ok_or_else(|| io::ErrorKind::WouldBlock.into());
    socket.try_io(Interest::ERROR, take).ok()
}

/// Whether an error on a connected socket may speak of an earlier datagram.
pub(super) fn is_icmp(error: &io::Error) -> bool {
    use io::ErrorKind::*;
    matches!(
        error.kind(),
        ConnectionRefused | ConnectionReset | HostUnreachable | NetworkUnreachable
    )
}

fn bind(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    if shared {
        socket.set_reuse_address(true)?;
    }
    // The system caps the size; a smaller buffer is still a buffer.
    let _ = socket.set_recv_buffer_size(KERNEL_BUFFER);
    let _ = socket.set_send_buffer_size(KERNEL_BUFFER);
    socket.bind(&address.into())?;
    Ok(socket)
}

/// The second socket on a connected one's port. The first was bound alone, so the port is ours;
/// only then are both told to share it.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn open_beside(connected: &Socket) -> io::Result<Option<Socket>> {
    connected.set_reuse_address(true)?;
    let local = connected.local_addr()?.as_socket().expect("the socket was made for IP");
    let open = bind(local, true)?;
    // Where it cannot, what is refused is found by no answer.
    let _ = datagram::tell_refused(&open, local.ip());
    Ok(Some(open))
}

/// Elsewhere it is not certain which of two sockets on a port gets a datagram: only the peer's own
/// datagrams are read.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn open_beside(_connected: &Socket) -> io::Result<Option<Socket>> {
    Ok(None)
}
