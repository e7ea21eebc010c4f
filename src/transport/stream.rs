//! What the transports over TCP share: how a connection is made and taken, and the queue of what is
//! to be written on it.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{Semaphore, oneshot},
    task::AbortHandle,
    time::{Instant, sleep, timeout_at},
};

use crate::{
    sip::Transport,
    transport::{
        Certificate, FlowFacts, FlowSettings, LocalAddress, ServerIdentity, ServerUri, Signal,
        flow::{self, Hub, Link, Outlet},
        keep_alive::Pulse,
        queue, reason,
        stall::Stalled,
        tcp, tls,
        ws::{self, Manner},
    },
};

/// How many of them are written before the connection is flushed.
pub(super) const WRITES: usize = 64;

/// How long a peer has to take the last messages and to answer our goodbye.
pub(super) const LINGER: Duration = Duration::from_secs(1);

/// How many clients may be at their handshake at once.
const HANDSHAKES: usize = 1024;

/// How many connections may wait to be taken.
const BACKLOG: u32 = 1024;

/// Messages that wait to be written. Dropping it closes the connection: what waits is written, then
/// a goodbye, but a peer that takes them too slowly is left after [`LINGER`].
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) messages: queue::In,
    pub(super) pulse: Arc<Pulse>,
    /// Tells the connection's task of the end while it waits for its peer.
    _open: oneshot::Sender<()>,
}

/// A connection that is up, and its peer.
#[derive(Debug)]
pub(super) struct Connection<S> {
    pub(super) stream: S,
    pub(super) local: SocketAddr,
    pub(super) peer: SocketAddr,
    pub(super) facts: FlowFacts,
}

/// What a connection is made of, below TLS and WebSocket.
pub(super) type Tcp = Stalled<TcpStream>;

impl Connection<Tcp> {
    fn new(stream: TcpStream, stall: Duration) -> io::Result<Connection<Tcp>> {
        stream.set_nodelay(true)?;
        let (local, peer) = (stream.local_addr()?, stream.peer_addr()?);
        let stream = Stalled::new(stream, stall);
        Ok(Connection { stream, local, peer, facts: FlowFacts::default() })
    }
}

/// Who made a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// We did.
    Dialed,
    /// The peer did.
    Accepted,
}

/// The task of a flow to a server.
pub(super) async fn connect(
    server: ServerUri,
    settings: FlowSettings,
    outlet: Outlet,
    limit: Duration,
) {
    let call = Call { server, settings, limit, until: Instant::now() + limit };
    if let Err((Unmade { reason, refused }, outlet)) = call.make(outlet).await {
        outlet.refused(reason, refused).await;
    }
}

/// A flow to a server that is being made.
struct Call {
    server: ServerUri,
    settings: FlowSettings,
    limit: Duration,
    until: Instant,
}

/// Why no flow was made, and the outlet that it is to be told on.
type Failed = (Unmade, Outlet);

/// Why no flow was made.
#[derive(Debug)]
pub(super) struct Unmade {
    /// A sentence with the address.
    pub(super) reason: String,
    /// The server's certificates, where they were refused.
    pub(super) refused: Arc<[Certificate]>,
}

impl From<String> for Unmade {
    fn from(reason: String) -> Unmade {
        Unmade { reason, refused: Arc::default() }
    }
}

impl Call {
    /// Connects, shakes hands where that is due, and talks until the flow is over.
    async fn make(&self, outlet: Outlet) -> Result<(), Failed> {
        let Call { server, settings, .. } = self;
        let connection = match self.in_time("", dial(server, settings, outlet.stall())).await {
            Ok(connection) => connection,
            Err(reason) => return Err((reason, outlet)),
        };
        if !server.transport.is_secure() {
            return self.talk(connection, outlet).await;
        }
        let shaken = tls::dial(server, &settings.tls, connection);
        match self.in_time(" to the TLS handshake", shaken).await {
            Ok(connection) => self.talk(connection, outlet).await,
            Err(reason) => Err((reason, outlet)),
        }
    }

    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        connection: Connection<S>,
        outlet: Outlet,
    ) -> Result<(), Failed> {
        let name = self.server.to_string();
        let (settings, transport) = (&self.settings.keep_alive, self.server.transport);
        let pulse = Arc::new(Pulse::of_client(settings, transport, Instant::now().into()));
        let up = |flow, local, peer, facts| Signal::Up { flow, local, peer, facts };
        if self.server.transport.is_websocket() {
            let shaken = {
                let largest = outlet.limits().message;
                ws::dial(&self.server, &self.settings.websocket, largest, connection)
            };
            match self.in_time(" to the WebSocket handshake", shaken).await {
                Ok((connection, watch)) => {
                    let binary = self.settings.websocket.binary;
                    let manner = Manner { binary, pulse, watch, is_guest: false };
                    ws::run(connection, &name, manner, up, outlet).await;
                }
                Err(reason) => return Err((reason, outlet)),
            }
        } else {
            tcp::run(connection, &name, Side::Dialed, pulse, up, outlet).await;
        }
        Ok(())
    }

    /// Waits for a step as long as the flow may take in all. `what` says what is not answered.
    async fn in_time<T, E: Into<Unmade>>(
        &self,
        what: &str,
        step: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Unmade> {
        match timeout_at(self.until, step).await {
            Ok(made) => made.map_err(Into::into),
            Err(_) => {
                let why = format_args!("no answer{what} within {:?}", self.limit);
                Err(reason::unreachable(&self.server, why).into())
            }
        }
    }
}

/// Connects to the server's address; a sentence where that fails.
async fn dial(
    server: &ServerUri,
    settings: &FlowSettings,
    stall: Duration,
) -> Result<Connection<Tcp>, String> {
    let connection = dial_address(flow::address(server)?, settings.bind.as_ref(), stall).await;
    connection.map_err(|why| reason::unreachable(server, why))
}

async fn dial_address(
    address: SocketAddr,
    bind: Option<&LocalAddress>,
    stall: Duration,
) -> Result<Connection<Tcp>, String> {
    let words = |error: io::Error| reason::words(&error);
    let address = flow::reached_from(bind, address)?;
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    };
    let socket = socket.map_err(words)?;
    if let Some(bind) = bind {
        socket.bind(bind.with_port(0)).map_err(|error| reason::unbound(bind, &error))?;
    }
    let stream = socket.connect(address).await.map_err(words)?;
    Connection::new(stream, stall).map_err(words)
}

/// Binds a listener and starts its task.
pub(super) fn listen(
    transport: Transport,
    identity: Option<&ServerIdentity>,
    address: SocketAddr,
    hub: &Hub,
    limit: Duration,
) -> io::Result<(SocketAddr, AbortHandle)> {
    let listener = bind(address)?;
    let local = listener.local_addr()?;
    let door = Door { transport, identity: identity.cloned(), hub: hub.clone(), limit };
    let task = tokio::spawn(accept(listener, door));
    Ok((local, task.abort_handle()))
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A port that was just left can be taken again at once. On Windows it would share the port.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// What a listener's connections go through.
#[derive(Clone, Debug)]
struct Door {
    transport: Transport,
    /// What is shown to its clients, over TLS.
    identity: Option<ServerIdentity>,
    hub: Hub,
    /// How long a handshake may take.
    limit: Duration,
}

/// Takes connections for ever; each shakes hands in a task of its own, so that a slow one holds up
/// nobody.
async fn accept(listener: TcpListener, door: Door) {
    let slots = Arc::new(Semaphore::new(HANDSHAKES));
    loop {
        let slot = slots.clone().acquire_owned().await.expect("the semaphore is never closed");
        match listener.accept().await {
            Ok((stream, _)) => {
                // Where there are too many, this one is closed at once.
                let Ok(room) = door.hub.room.clone().try_acquire_owned() else { continue };
                let door = door.clone();
                tokio::spawn(async move {
                    // A connection that is gone already tells nobody anything.
                    if let Ok(connection) = Connection::new(stream, door.hub.stall) {
                        door.take(connection, slot).await;
                    }
                    drop(room);
                });
            }
            // The client went away, or we are out of file descriptors for the moment.
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

impl Door {
    /// Shakes hands where that is due, and talks. `slot` is held until the handshakes are over.
    async fn take<T>(self, connection: Connection<Tcp>, slot: T) {
        let until = Instant::now() + self.limit;
        match self.identity.clone() {
            None => self.greet(connection, until, slot).await,
            Some(identity) => {
                if let Some(connection) = self.in_time(until, identity.accept(connection)).await {
                    self.greet(connection, until, slot).await;
                }
            }
        }
    }

    async fn greet<S: AsyncRead + AsyncWrite + Unpin, T>(
        self,
        connection: Connection<S>,
        until: Instant,
        slot: T,
    ) {
        let transport = self.transport;
        let accepted = |flow, local, peer, _| Signal::Accepted { flow, transport, local, peer };
        let peer = connection.peer;
        if transport.is_websocket() {
            let accepted_by =
                async { ws::accept(connection, self.hub.limits.message).await.ok_or(()) };
            if let Some((connection, watch)) = self.in_time(until, accepted_by).await {
                drop(slot);
                let name = format!("the WebSocket client {peer}");
                let pulse = Arc::new(Pulse::of_server());
                let manner = Manner { binary: false, pulse, watch, is_guest: true };
                ws::run(connection, &name, manner, accepted, self.hub.accept()).await;
            }
        } else {
            drop(slot);
            let name = format!("the {} client {peer}", transport.via());
            let (side, pulse) = (Side::Accepted, Arc::new(Pulse::of_server()));
            tcp::run(connection, &name, side, pulse, accepted, self.hub.accept()).await;
        }
    }

    /// A handshake that succeeds in time, while anyone wants it.
    async fn in_time<T, E>(
        &self,
        until: Instant,
        handshake: impl Future<Output = Result<T, E>>,
    ) -> Option<T> {
        tokio::select! {
            shaken = timeout_at(until, handshake) => shaken.ok()?.ok(),
            () = self.hub.closed() => None,
        }
    }
}

/// Announces the flow, and talks until it is over or the queue has been dropped for [`LINGER`].
pub(super) async fn run<F: Future<Output = ()>>(
    name: &str,
    signal: Signal,
    pulse: Arc<Pulse>,
    outlet: Outlet,
    talk: impl FnOnce(queue::Out, Outlet) -> F,
) {
    let (put, messages) = queue::queue();
    let (open, dropped) = oneshot::channel();
    let queue = Queue { messages: put, pulse, _open: open };
    if outlet.open(Link::Stream(queue), name, signal).await.is_err() {
        return;
    }
    let overdue = async {
        // Nothing is ever sent on it.
        let _ = dropped.await;
        sleep(LINGER).await;
    };
    tokio::select! {
        () = talk(messages, outlet) => {}
        () = overdue => {}
    }
}
