//! UDP: a flow to one peer, and a listener that is one flow with many peers.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    ptr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use bytes::Bytes;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{io::Interest, net::UdpSocket, sync::mpsc, task::AbortHandle};

use crate::{
    sip::Transport,
    transport::{
        FlowSettings, SendError, ServerUri, Signal, datagram, everywhere,
        flow::{self, Gather, Gone, Hub, Outlet},
        keep_alive::{Beat, Pulse},
        pace::Pace,
        reason,
    },
};

/// The largest datagram that UDP can carry, and more.
const LARGEST: usize = 65_535;

/// What the kernel is asked to hold for us while we are busy; it gives what it allows.
const KERNEL_BUFFER: usize = 4 << 20;

/// How many datagrams may wait where the kernel, or the peer, takes no more at the moment.
const QUEUE: usize = 4096;

/// How many of them wait for the peer at most: more than that go as fast as the kernel takes them.
const PATIENT: usize = 1536;

/// The two sockets of a flow, on one port.
///
/// A connected socket is the only one that hears of ICMP errors, and knows our address; it gets
/// nothing from anyone but the peer, though. So a second one on the same port takes what comes
/// from elsewhere: a peer that answers from another port, a request from another host. Datagrams
/// of the peer go to the connected one, because it matches them better.
#[derive(Debug)]
pub(super) struct Sockets {
    /// The flow in a sentence.
    name: String,
    peer: Option<SocketAddr>,
    connected: Option<UdpSocket>,
    open: Option<UdpSocket>,
    /// A listener has many peers, and mostly answers them.
    pace: Option<Pace>,
}

impl Sockets {
    /// The sockets of a flow to one peer; a few words where they cannot be made.
    fn to_peer(peer: SocketAddr, ours: Option<IpAddr>) -> Result<Sockets, String> {
        let any = match peer {
            SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
        };
        if let Some(ours) = ours {
            flow::same_family(ours, peer)?;
        }
        let words = |error: io::Error| reason::words(&error);
        let from = SocketAddr::new(ours.unwrap_or(any), 0);
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
    fn listening(address: SocketAddr) -> io::Result<Sockets> {
        let socket = bind(address, false)?;
        if address.ip().is_unspecified() {
            // Where the system does not tell, it picks the address that an answer leaves from.
            let _ = datagram::tell_local(&socket, address.ip());
        }
        let open = UdpSocket::from_std(socket.into())?;
        let name = format!("udp {}", open.local_addr()?);
        Ok(Sockets { name, peer: None, connected: None, open: Some(open), pace: None })
    }

    pub(super) fn local(&self) -> io::Result<SocketAddr> {
        self.connected.as_ref().or(self.open.as_ref()).expect("a flow has a socket").local_addr()
    }

    /// Which socket a datagram leaves by, and its address where that socket has no peer.
    fn way(&self, to: Option<SocketAddr>) -> io::Result<(&UdpSocket, Option<SocketAddr>)> {
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
    fn try_send(
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
    fn unsent(&self, to: Option<SocketAddr>, error: &io::Error, size: usize) -> String {
        match to {
            _ if !reason::is_too_large(error) => self.sentence(to, error),
            Some(to) => reason::too_large(&format_args!("udp {to}"), size),
            None => reason::too_large(&self.name, size),
        }
    }

    fn sentence(&self, to: Option<SocketAddr>, error: &io::Error) -> String {
        match to {
            Some(to) => reason::unreachable(&format_args!("udp {to}"), reason::words(error)),
            None => reason::unreachable(&self.name, reason::words(error)),
        }
    }

    /// The socket that takes what comes from anywhere.
    pub(super) fn open(&self) -> Option<&UdpSocket> {
        self.open.as_ref()
    }

    /// Waits for a datagram or an error.
    pub(super) async fn readable(&self) {
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

/// The way from the network to a UDP flow.
#[derive(Clone, Debug)]
pub(super) struct Link {
    sockets: Arc<Sockets>,
    /// Which address of ours it leaves from, where that is to be said.
    ours: Option<IpAddr>,
    queue: mpsc::Sender<Datagram>,
    /// How many datagrams wait in the queue or are being sent from it.
    waiting: Arc<AtomicUsize>,
    pub(super) pulse: Arc<Pulse>,
}

/// Where a datagram goes, where that is not the flow's peer, and which address of ours it leaves
/// from, where that is to be said.
type Ends = (Option<SocketAddr>, Option<IpAddr>);

type Datagram = (Ends, Bytes);

impl Link {
    /// The same from that address of ours.
    pub(super) fn at_ours(&self, ours: IpAddr) -> Link {
        Link { ours: Some(ours), ..self.clone() }
    }

    pub(super) fn is_full(&self) -> bool {
        self.queue.capacity() == 0
    }

    /// Sends at once, or in its turn where the kernel takes no more now.
    pub(super) fn send(
        &self,
        to: Option<SocketAddr>,
        bytes: Bytes,
        undelivered: &mut Vec<String>,
    ) -> Result<(), SendError> {
        let sockets = &*self.sockets;
        let may_go = || match &sockets.pace {
            Some(pace) => pace.take(Instant::now(), bytes.len()).is_ok(),
            None => true,
        };
        // What waits goes first.
        if self.waiting.load(Ordering::Acquire) == 0 && may_go() {
            match sockets.try_send((to, self.ours), &bytes, undelivered) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    // Nobody can be reached there at all, whatever the datagram.
                    if is_icmp(&error) && to.is_none_or(|to| Some(to) == sockets.peer) {
                        undelivered.push(sockets.sentence(None, &error));
                    }
                    return Err(SendError(sockets.unsent(to, &error, bytes.len())));
                }
                Ok(()) => return Ok(()),
            }
        }
        self.waiting.fetch_add(1, Ordering::AcqRel);
        self.queue.try_send(((to, self.ours), bytes)).map_err(|_| {
            self.waiting.fetch_sub(1, Ordering::AcqRel);
            let busy = format!("{QUEUE} datagrams wait to be sent already");
            SendError(sockets.sentence(to, &io::Error::other(busy)))
        })
    }
}

/// The task of a flow to a server.
pub(super) async fn connect(server: ServerUri, settings: FlowSettings, outlet: Outlet) {
    match open(&server, &settings) {
        Ok((sockets, local, peer)) => {
            let up = Signal::Up { flow: outlet.flow(), local, peer, facts: Arc::default() };
            let name = sockets.name.clone();
            let pulse = Pulse::of_client(&settings.keep_alive, Transport::Udp, Instant::now());
            run(sockets, &name, pulse, up, outlet, None).await;
        }
        Err(reason) => outlet.down(reason).await,
    }
}

/// The sockets, our address and the peer's; a sentence where there can be none.
fn open(
    server: &ServerUri,
    settings: &FlowSettings,
) -> Result<(Sockets, SocketAddr, SocketAddr), String> {
    let peer = flow::address(server)?;
    let failed = |why: String| reason::unreachable(server, why);
    let sockets = Sockets::to_peer(peer, settings.bind).map_err(failed)?;
    let local = sockets.local().map_err(|error| failed(reason::words(&error)))?;
    Ok((sockets, local, peer))
}

/// Binds a listener and starts its task.
pub(super) fn listen(address: SocketAddr, hub: &Hub) -> io::Result<(SocketAddr, AbortHandle)> {
    let sockets = Sockets::listening(address)?;
    let local = sockets.local()?;
    let outlet = hub.accept();
    let signal =
        Signal::Accepted { flow: outlet.flow(), transport: Transport::Udp, local, peer: local };
    let hub = local.ip().is_unspecified().then(|| hub.clone());
    let task = tokio::spawn(async move {
        let name = sockets.name.clone();
        run(sockets, &name, Pulse::of_server(), signal, outlet, hub).await;
    });
    Ok((local, task.abort_handle()))
}

/// Announces the flow, then reads and writes until its [`Link`] or the network is dropped. A socket
/// that listens on every address has a `hub`, for the flows of each.
async fn run(
    sockets: Sockets,
    name: &str,
    pulse: Pulse,
    signal: Signal,
    outlet: Outlet,
    hub: Option<Hub>,
) {
    // A fresh socket counts as busy until the runtime has looked at it once.
    for socket in [&sockets.connected, &sockets.open].into_iter().flatten() {
        let _ = socket.writable().await;
    }
    let sockets = Arc::new(sockets);
    let waiting = Arc::new(AtomicUsize::new(0));
    let (queue, datagrams) = mpsc::channel(QUEUE);
    let pulse = Arc::new(pulse);
    let link = Link {
        sockets: sockets.clone(),
        ours: None,
        queue,
        waiting: waiting.clone(),
        pulse: pulse.clone(),
    };
    let everywhere = hub.map(|hub| (hub, link.clone()));
    if outlet.open(flow::Link::Udp(link), name, signal).await.is_err() {
        return;
    }
    let reader = async {
        match everywhere {
            Some((hub, link)) => everywhere::read(&sockets, &hub, &link, &outlet).await,
            None => read(&sockets, &outlet).await,
        }
    };
    tokio::select! {
        Gone = reader => {}
        () = write(&sockets, datagrams, &waiting, &outlet) => {}
        Gone = keep_alive(&sockets, &pulse, &outlet) => {}
    }
}

/// Keeps the way to the peer open (RFC 5626 §3.5.1): a double CRLF, which nobody answers, and which
/// brings an ICMP error to light where the peer is gone.
async fn keep_alive(sockets: &Sockets, pulse: &Pulse, outlet: &Outlet) -> Gone {
    loop {
        if pulse.beat().await != Beat::Ping {
            continue;
        }
        let mut undelivered = Vec::new();
        match sockets.try_send((None, None), b"\r\n\r\n", &mut undelivered) {
            // Where so much is sent that the kernel takes no more, the way is open.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => undelivered.push(sockets.sentence(None, &error)),
            Ok(()) => {}
        }
        let mut gather = Gather::new(outlet.flow());
        undelivered.into_iter().for_each(|reason| gather.undelivered(None, reason));
        if !gather.is_empty()
            && let Err(gone) = outlet.send(gather.take()).await
        {
            return gone;
        }
    }
}

/// Reads all there is before it waits again.
async fn read(sockets: &Sockets, outlet: &Outlet) -> Gone {
    let mut buffer = vec![0; LARGEST];
    let mut gather = Gather::new(outlet.flow());
    loop {
        sockets.readable().await;
        for socket in [&sockets.connected, &sockets.open].into_iter().flatten() {
            let is_connected = sockets.connected.as_ref().is_some_and(|it| ptr::eq(it, socket));
            while !gather.is_full() {
                match socket.try_recv_from(&mut buffer) {
                    Ok((length, source)) => gather.message(source, &buffer[..length]),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    // It speaks of a datagram that is read below with its address, or of nobody's.
                    Err(error) if !is_connected && is_icmp(&error) => {}
                    Err(error) => gather.undelivered(None, sockets.sentence(None, &error)),
                }
            }
            while !gather.is_full()
                && let Some((to, error)) = match is_connected {
                    true => pending_error(socket).map(|error| (None, error)),
                    false => datagram::refused(socket).map(|(to, error)| (Some(to), error)),
                }
            {
                gather.undelivered(to, sockets.sentence(to, &error));
            }
            if gather.is_empty() {
                continue;
            }
            if let Some(pace) = &sockets.pace {
                pace.heard(gather.len());
            }
            if let Err(gone) = outlet.send(gather.take()).await {
                return gone;
            }
        }
    }
}

/// Sends what had to wait, as soon as the kernel takes it. Ends when the link is dropped.
async fn write(
    sockets: &Sockets,
    mut datagrams: mpsc::Receiver<Datagram>,
    waiting: &AtomicUsize,
    outlet: &Outlet,
) {
    while let Some((ends @ (to, _), bytes)) = datagrams.recv().await {
        if let Some(pace) = &sockets.pace {
            pace.wait(bytes.len(), || waiting.load(Ordering::Acquire) < PATIENT).await;
        }
        let mut undelivered = Vec::new();
        let sent = loop {
            match sockets.try_send(ends, &bytes, &mut undelivered) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => match sockets.way(to) {
                    Ok((socket, _)) => drop(socket.writable().await),
                    Err(error) => break Err(error),
                },
                result => break result,
            }
        };
        waiting.fetch_sub(1, Ordering::AcqRel);
        let mut gather = Gather::new(outlet.flow());
        undelivered.into_iter().for_each(|reason| gather.undelivered(None, reason));
        if let Err(error) = sent {
            let elsewhere = to.filter(|to| Some(*to) != sockets.peer);
            gather.undelivered(elsewhere, sockets.unsent(to, &error, bytes.len()));
        }
        if gather.is_empty() {
            continue;
        }
        if outlet.send(gather.take()).await.is_err() {
            return;
        }
    }
}

/// The ICMP error that waits on a socket, if one does.
fn pending_error(socket: &UdpSocket) -> Option<io::Error> {
    let take = || socket.take_error()?.ok_or_else(|| io::ErrorKind::WouldBlock.into());
    socket.try_io(Interest::ERROR, take).ok()
}

/// Whether an error on a connected socket may speak of an earlier datagram.
fn is_icmp(error: &io::Error) -> bool {
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
