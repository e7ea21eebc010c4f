//! What the transports share: the way from a flow's task to the [`Network`](super::Network).
//!
//! Every flow has a task of its own that reads and hands on [`Batch`]es through one bounded
//! channel: a burst costs one wake-up, and a reader waits where its owner is behind.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc};

use crate::{
    sip::{FlowId, Limits},
    transport::{
        Certificate, GuestLimits, LocalAddress, SendError, ServerUri, Signal, guests::Patience,
        keep_alive::Pulse, reason, stall::STALL, stream, udp, zone,
    },
};

/// How long it may take to make a flow: connection and handshake, unless the owner says
/// otherwise.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How many batches may wait for the network's owner; the readers wait then.
pub(super) const BATCHES: usize = 64;

/// How many signals and bytes a batch may have before it is handed on. With [`BATCHES`] this
/// bounds the memory that unread messages take.
const BATCH_SIGNALS: usize = 128;
const BATCH_BYTES: usize = 256 << 10;

/// The way out for one program's flows; the same channel for all.
#[derive(Clone, Debug)]
pub(super) struct Hub {
    sender: mpsc::Sender<Batch>,
    accepted: Arc<AtomicU32>,
    /// What is taken from a peer.
    pub(super) limits: Limits,
    /// What is granted to those that connect to us.
    pub(super) guests: GuestLimits,
    /// One permit for each connection that may still be opened to us.
    pub(super) room: Arc<Semaphore>,
    /// How long a peer may take nothing of what is sent to it.
    pub(super) stall: Duration,
}

impl Hub {
    pub(super) fn new() -> (Hub, mpsc::Receiver<Batch>) {
        let (sender, receiver) = mpsc::channel(BATCHES);
        let accepted = Arc::new(AtomicU32::new(FlowId::FIRST_ACCEPTED.0));
        let guests = GuestLimits::default();
        let room = Arc::new(Semaphore::new(guests.connections));
        (Hub { sender, accepted, limits: Limits::default(), guests, room, stall: STALL }, receiver)
    }

    /// The outlet of a flow that the owner named. `generation` tells apart flows that had the
    /// same name one after the other.
    pub(super) fn outlet(&self, flow: FlowId, generation: u32) -> Outlet {
        Outlet {
            flow,
            generation,
            sender: self.sender.clone(),
            limits: self.limits,
            guests: self.guests,
            stall: self.stall,
        }
    }

    /// The outlet of a flow that a listener took.
    pub(super) fn accept(&self) -> Outlet {
        self.outlet(FlowId(self.accepted.fetch_add(1, Ordering::Relaxed)), 0)
    }

    /// Waits until the network is gone.
    pub(super) async fn closed(&self) {
        self.sender.closed().await;
    }
}

/// What a flow's task hands on at once.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) flow: FlowId,
    pub(super) generation: u32,
    /// The way to send, where the flow has just come up.
    pub(super) link: Option<(Link, String)>,
    pub(super) signals: Vec<Signal>,
}

/// The network has gone: the flow's task ends.
#[derive(Debug)]
pub(super) struct Gone;

/// The way from a flow's task to the network.
#[derive(Debug)]
pub(super) struct Outlet {
    flow: FlowId,
    generation: u32,
    sender: mpsc::Sender<Batch>,
    limits: Limits,
    guests: GuestLimits,
    stall: Duration,
}

impl Outlet {
    /// What is taken from the peer.
    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// How long the peer may take nothing of what is sent to it.
    pub(super) fn stall(&self) -> Duration {
        self.stall
    }

    /// The patience with a peer that has connected to us now.
    pub(super) fn patience(&self) -> Patience {
        Patience::new(self.guests, Instant::now())
    }

    pub(super) fn flow(&self) -> FlowId {
        self.flow
    }

    /// Announces the flow with [`Signal::Up`] or [`Signal::Accepted`]. `name` is the flow in a
    /// sentence.
    pub(super) async fn open(&self, link: Link, name: &str, signal: Signal) -> Result<(), Gone> {
        self.hand_on(Some((link, name.to_owned())), vec![signal]).await
    }

    pub(super) async fn send(&self, signals: Vec<Signal>) -> Result<(), Gone> {
        self.hand_on(None, signals).await
    }

    /// The last word of a flow's task.
    pub(super) fn is_down(&self, reason: String) -> Signal {
        Signal::Down { flow: self.flow, reason, refused: Arc::default() }
    }

    /// Says that the flow was not made because of the server's certificates.
    pub(super) async fn refused(self, reason: String, refused: Arc<[Certificate]>) {
        let down = Signal::Down { flow: self.flow, reason, refused };
        // Where the network has gone, nobody wants to know.
        let _ = self.send(vec![down]).await;
    }

    /// Says that the flow is gone, and nothing more.
    pub(super) async fn down(self, reason: String) {
        // Where the network has gone, nobody wants to know.
        let _ = self.send(vec![self.is_down(reason)]).await;
    }

    async fn hand_on(
        &self,
        link: Option<(Link, String)>,
        signals: Vec<Signal>,
    ) -> Result<(), Gone> {
        let batch = Batch { flow: self.flow, generation: self.generation, link, signals };
        self.sender.send(batch).await.map_err(|_| Gone)
    }
}

/// Signals that are being gathered for one batch.
#[derive(Debug)]
pub(super) struct Gather {
    flow: FlowId,
    signals: Vec<Signal>,
    bytes: usize,
}

impl Gather {
    pub(super) fn new(flow: FlowId) -> Gather {
        Gather { flow, signals: Vec::new(), bytes: 0 }
    }

    /// Copies a message out of a read buffer. A copy of its exact size, because messages are kept
    /// for long and must not keep the whole buffer with them.
    pub(super) fn message(&mut self, source: SocketAddr, bytes: &[u8]) {
        self.bytes += bytes.len();
        self.signals.push(Signal::Message {
            at: Instant::now(),
            flow: self.flow,
            source,
            bytes: Bytes::copy_from_slice(bytes),
        });
    }

    /// An answer to a keep-alive came, after that time.
    pub(super) fn pong(&mut self, rtt: Duration) {
        self.signals.push(Signal::Pong { flow: self.flow, rtt });
    }

    /// A datagram was not delivered, which went `to` another than the flow's peer or to that.
    pub(super) fn undelivered(&mut self, to: Option<SocketAddr>, reason: String) {
        self.signals.push(Signal::Undelivered { flow: self.flow, to, reason });
    }

    pub(super) fn is_full(&self) -> bool {
        self.signals.len() >= BATCH_SIGNALS || self.bytes >= BATCH_BYTES
    }

    pub(super) fn is_empty(&self) -> bool {
        self.signals.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.signals.len()
    }

    pub(super) fn take(&mut self) -> Vec<Signal> {
        self.bytes = 0;
        std::mem::take(&mut self.signals)
    }
}

/// The way from the network to a flow that is up. Dropping it closes the flow.
#[derive(Debug)]
pub(super) enum Link {
    Udp(udp::Link),
    /// Everything over TCP.
    Stream(stream::Queue),
}

impl Link {
    /// Whether as much waits to be sent as may.
    pub(super) fn is_full(&self) -> bool {
        match self {
            Link::Udp(link) => link.is_full(),
            Link::Stream(queue) => queue.messages.is_full(),
        }
    }

    /// Its keep-alives.
    pub(super) fn pulse(&self) -> &Pulse {
        match self {
            Link::Udp(link) => &link.pulse,
            Link::Stream(queue) => &queue.pulse,
        }
    }

    /// Sends or queues the bytes of one message; never waits. What the attempt brings to light
    /// about earlier datagrams goes to `undelivered`, as sentences.
    pub(super) fn send(
        &self,
        name: &str,
        to: Option<SocketAddr>,
        bytes: Bytes,
        undelivered: &mut Vec<String>,
    ) -> Result<(), SendError> {
        match self {
            Link::Udp(link) => link.send(to, bytes, undelivered),
            Link::Stream(queue) => queue.messages.put(bytes).map_err(|waits| {
                SendError(format!(
                    "{name} takes messages too slowly: {waits} wait to be sent already"
                ))
            }),
        }
    }
}

/// The address of a server, whose name was looked up before.
///
/// # Errors
///
/// A sentence, where it was not.
pub(super) fn address(server: &ServerUri) -> Result<SocketAddr, String> {
    server
        .socket_address()
        .ok_or_else(|| reason::unreachable(server, "its name has not been looked up"))
}

/// The address of the peer's as an address of ours reaches it, whose zone it is in where it names none;
/// a sentence where that cannot be.
pub(super) fn reached_from(
    ours: Option<&LocalAddress>,
    peer: SocketAddr,
) -> Result<SocketAddr, String> {
    let zone = ours.map_or(0, |ours| zone::index(ours.with_port(0)));
    let reached = zone::in_zone(peer, zone);
    let Some(ours) = ours.filter(|ours| ours.ip.is_ipv4() != peer.is_ipv4()) else {
        return zone::check(reached).map(|()| reached).map_err(|missing| missing.to_string());
    };
    let version = |is_ipv4: bool| if is_ipv4 { "IPv4" } else { "IPv6" };
    Err(format!(
        "the address to bind, {ours}, is {} and {peer} is {}",
        version(ours.ip.is_ipv4()),
        version(peer.is_ipv4())
    ))
}
