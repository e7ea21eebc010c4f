//! [`Network`]: every flow and listener of one program, behind one queue.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::{
    sync::{Semaphore, mpsc},
    task::AbortHandle,
};

use crate::{
    sip::{FlowId, IdMap, Limits, Transport},
    transport::{
        FlowSettings, GuestLimits, SendError, ServerIdentity, ServerUri, Signal,
        flow::{Batch, CONNECT_TIMEOUT, Hub, Link},
        stream, udp,
    },
};

/// How many signals [`Network::receive`] gives at once, about.
const AT_ONCE: usize = 512;

/// The flows and listeners of one program.
///
/// Each flow is a task that reads and hands on what came; the channel between is bounded, so a
/// reader waits where the owner is behind. Dropping the network closes everything.
#[derive(Debug)]
pub struct Network {
    hub: Hub,
    batches: mpsc::Receiver<Batch>,
    flows: IdMap<FlowId, Flow>,
    /// Signals that came to light outside of a flow's task.
    pending: Vec<Signal>,
    listeners: Vec<Listener>,
    /// Flows that are down, and were told to be: what their owner makes of it, and of the messages
    /// before, may still be sent until it asks for more.
    ended: Vec<(FlowId, u32)>,
    generation: u32,
    /// How long it may take to make a flow.
    limit: Duration,
}

#[derive(Debug)]
struct Flow {
    generation: u32,
    /// The flow in a sentence.
    name: String,
    stage: Stage,
    /// Since when its queue has been seen full and nothing else.
    full_since: Option<Instant>,
}

/// Whether a flow takes another message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// It is worth a try.
    Free,
    /// As much waits to be sent as may: hold the message back, with all that comes after it, and
    /// look again after [`RELIEF`].
    Full,
    /// A connection whose peer has taken nothing for a second. What is sent is refused.
    Stuck,
}

/// How soon to look again whether a flow that was full takes another message.
pub const RELIEF: Duration = Duration::from_millis(5);

/// How long a flow may be full before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug)]
enum Stage {
    Connecting(AbortHandle),
    Up(Link),
}

impl Drop for Flow {
    fn drop(&mut self) {
        // A flow that is up ends by itself, in its transport's own way, once its link is dropped.
        if let Stage::Connecting(task) = &self.stage {
            task.abort();
        }
    }
}

impl Network {
    /// An empty network.
    pub fn new() -> Network {
        let (hub, batches) = Hub::new();
        Network {
            hub,
            batches,
            flows: IdMap::default(),
            pending: Vec::new(),
            listeners: Vec::new(),
            ended: Vec::new(),
            generation: 0,
            limit: CONNECT_TIMEOUT,
        }
    }

    /// Sets how long connection and handshake of a flow may take together; 10 s where it
    /// is not set.
    pub fn with_connect_timeout(self, limit: Duration) -> Network {
        Network { limit, ..self }
    }

    /// Sets how long a peer may take nothing of what is sent to it before its connection counts as
    /// dead, for connections that are made from now on; 32 s where it is not set.
    pub fn set_write_timeout(&mut self, limit: Duration) {
        self.hub.stall = limit;
    }

    /// Sets how much is taken from a peer at once: a larger message is not waited for. On a stream
    /// its head is still handed on, to be refused.
    pub fn with_limits(mut self, limits: Limits) -> Network {
        self.hub.limits = limits;
        self
    }

    /// Sets what is granted to the connections that peers open to us; to be set before listening.
    pub fn with_guest_limits(mut self, guests: GuestLimits) -> Network {
        self.hub.guests = guests;
        self.hub.room = Arc::new(Semaphore::new(guests.connections));
        self
    }

    /// Begins to make a flow to a server, under an id of the caller's below 2^31;
    /// [`Signal::Up`] or [`Signal::Down`] follows. A flow that had the id before is closed.
    /// A server with a name must have been looked up ([`ServerUri::resolved`]). Must be called on a
    /// tokio runtime.
    pub fn connect(&mut self, flow: FlowId, server: &ServerUri, settings: &FlowSettings) {
        self.generation += 1;
        let outlet = self.hub.outlet(flow, self.generation);
        let (server_uri, settings) = (server.clone(), settings.clone());
        let task = match server.transport {
            Transport::Udp => tokio::spawn(udp::connect(server_uri, settings, outlet)),
            Transport::Tcp | Transport::Tls | Transport::Ws | Transport::Wss => {
                tokio::spawn(stream::connect(server_uri, settings, outlet, self.limit))
            }
        };
        let stage = Stage::Connecting(task.abort_handle());
        let name = server.to_string();
        self.flows
            .insert(flow, Flow { generation: self.generation, name, stage, full_since: None });
    }

    /// Listens; gives the address that the system picked. On UDP the socket is one flow, which
    /// [`Signal::Accepted`] names before the first message; on the others each connection is.
    /// Must be called on a tokio runtime.
    ///
    /// # Errors
    ///
    /// Where the address cannot be bound, and for TLS and WSS, which [`Network::listen_secure`] is
    /// for.
    pub fn listen(&mut self, transport: Transport, address: SocketAddr) -> io::Result<SocketAddr> {
        if transport.is_secure() {
            let why = format!("{transport} needs a certificate to listen with");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        self.open(transport, None, address)
    }

    /// Listens on TLS or WSS as [`Network::listen`] does, and shows clients the certificate.
    ///
    /// # Errors
    ///
    /// Where the address cannot be bound.
    pub fn listen_secure(
        &mut self,
        transport: Transport,
        address: SocketAddr,
        identity: &ServerIdentity,
    ) -> io::Result<SocketAddr> {
        self.open(transport, Some(identity), address)
    }

    fn open(
        &mut self,
        transport: Transport,
        identity: Option<&ServerIdentity>,
        address: SocketAddr,
    ) -> io::Result<SocketAddr> {
        let (local, task) = match transport {
            Transport::Udp => udp::listen(address, &self.hub)?,
            _ => stream::listen(transport, identity, address, &self.hub, self.limit)?,
        };
        self.listeners.push(Listener(task));
        Ok(local)
    }

    /// Sends the bytes of one message, or queues them where the socket is busy; never waits. What is
    /// still queued when a connection ends is lost with it: [`Signal::Down`] says so.
    /// `to` is for flows of UDP listeners, and for datagrams to another address than the flow's
    /// peer.
    ///
    /// # Errors
    ///
    /// Where the flow is not up, its queue is full, or the system refuses the datagram.
    pub fn send(
        &mut self,
        flow: FlowId,
        to: Option<SocketAddr>,
        bytes: Bytes,
    ) -> Result<(), SendError> {
        let Some(Flow { name, stage, .. }) = self.flows.get(&flow) else {
            return Err(SendError(format!("flow {flow} is closed")));
        };
        let Stage::Up(link) = stage else {
            return Err(SendError(format!("{name} is not connected yet")));
        };
        let mut undelivered = Vec::new();
        let result = link.send(name, to, bytes, &mut undelivered);
        let signals = undelivered.into_iter().map(|reason| {
            let to = None;
            Signal::Undelivered { flow, to, reason }
        });
        self.pending.extend(signals);
        result
    }

    /// Whether the flow takes another message. Datagrams are not waited for longer than a
    /// connection is, and then tried: they have many peers, and none of them is stuck.
    pub fn room(&mut self, now: Instant, flow: FlowId) -> Room {
        let Some(Flow { stage: Stage::Up(link), full_since, .. }) = self.flows.get_mut(&flow)
        else {
            return Room::Free;
        };
        if !link.is_full() {
            *full_since = None;
            return Room::Free;
        }
        let since = *full_since.get_or_insert(now);
        match link {
            _ if now.saturating_duration_since(since) < PATIENCE => Room::Full,
            Link::Stream(_) => Room::Stuck,
            Link::Udp(_) => Room::Free,
        }
    }

    /// Keeps a flow alive as often as its peer wants (RFC 6223, RFC 5626 §4.4). Gives how often that
    /// is from now on: what the user has set is the most seldom; `None` where it is not up, or not
    /// kept alive.
    pub fn keep_alive(&mut self, flow: FlowId, interval: Duration) -> Option<Duration> {
        match &self.flows.get(&flow)?.stage {
            Stage::Up(link) => link.pulse().ask(interval, Instant::now()),
            Stage::Connecting(_) => None,
        }
    }

    /// Closes a flow; nothing more is heard of it.
    pub fn close(&mut self, flow: FlowId) {
        self.flows.remove(&flow);
    }

    /// Waits for at least one signal and appends what is there, at most a few hundred at once.
    /// Cancel-safe.
    pub async fn receive(&mut self, signals: &mut Vec<Signal>) {
        for (flow, generation) in self.ended.drain(..) {
            if self.flows.get(&flow).is_some_and(|known| known.generation == generation) {
                self.flows.remove(&flow);
            }
        }
        let before = signals.len();
        loop {
            signals.append(&mut self.pending);
            while signals.len() - before < AT_ONCE
                && let Ok(batch) = self.batches.try_recv()
            {
                self.take(batch, signals);
            }
            if signals.len() > before {
                return;
            }
            if let Some(batch) = self.batches.recv().await {
                self.take(batch, signals);
            }
        }
    }

    /// Closes everything and waits until the last connection has said goodbye, which takes a
    /// peer that does not answer about a second.
    pub async fn shut_down(self) {
        let Network { hub, mut batches, flows, listeners, .. } = self;
        drop((hub, flows, listeners));
        // Every task holds a sender; the channel ends with the last of them.
        while batches.recv().await.is_some() {}
    }

    /// Keeps the books for a batch; drops what comes from a flow that was closed.
    fn take(&mut self, batch: Batch, signals: &mut Vec<Signal>) {
        let Batch { flow, generation, link, signals: batch } = batch;
        if let Some((link, name)) = link {
            let accepted = matches!(batch.first(), Some(Signal::Accepted { .. }));
            match self.flows.get_mut(&flow) {
                Some(known) if known.generation == generation => known.stage = Stage::Up(link),
                None if accepted => {
                    self.flows.insert(
                        flow,
                        Flow { generation, name, stage: Stage::Up(link), full_since: None },
                    );
                }
                _ => {}
            }
        }
        if self.flows.get(&flow).is_none_or(|known| known.generation != generation) {
            return;
        }
        if let Some(Signal::Down { .. }) = batch.last() {
            match self.flows.get(&flow).map(|known| &known.stage) {
                Some(Stage::Up(_)) => self.ended.push((flow, generation)),
                _ => _ = self.flows.remove(&flow),
            }
        }
        signals.extend(batch);
    }
}

impl Default for Network {
    fn default() -> Network {
        Network::new()
    }
}

/// A listener's task, which ends with it.
#[derive(Debug)]
struct Listener(AbortHandle);

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.abort();
    }
}
