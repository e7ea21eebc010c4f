//! What the transports over TCP share: how a connection is made and taken, and the queue of what is
//! to be written on it.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{Semaphore, mpsc, oneshot},
    task::AbortHandle,
    time::{sleep, timeout},
};

use tokio_tungstenite::WebSocketStream;

use crate::{
    sip::{FlowId, Transport},
    transport::{
        FlowSettings, ServerUri, Signal,
        flow::{self, Hub, Link, Outlet},
        reason, tcp, ws,
    },
};

/// The largest message that is taken from a peer, in bytes; a larger one ends the connection.
pub(super) const LARGEST: usize = 1 << 20;

/// How many messages may wait to be written.
const QUEUE: usize = 8 << 10;

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
    pub(super) messages: mpsc::Sender<Bytes>,
    /// Tells the connection's task of the end while it waits for its peer.
    _open: oneshot::Sender<()>,
}

/// A connection that is up, and its peer.
#[derive(Debug)]
pub(super) struct Connection<S> {
    pub(super) stream: S,
    pub(super) local: SocketAddr,
    pub(super) peer: SocketAddr,
}

impl Connection<TcpStream> {
    fn new(stream: TcpStream) -> io::Result<Connection<TcpStream>> {
        stream.set_nodelay(true)?;
        let (local, peer) = (stream.local_addr()?, stream.peer_addr()?);
        Ok(Connection { stream, local, peer })
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

/// The task of a flow to a server: connects, shakes hands where that is due, and talks.
pub(super) async fn connect(
    server: ServerUri,
    settings: FlowSettings,
    outlet: Outlet,
    limit: Duration,
) {
    let name = server.to_string();
    let dialed = async {
        let connection = dial(&server, &settings).await?;
        Ok(match server.transport.is_websocket() {
            true => Talker::WebSocket(Box::new(ws::dial(&server, connection).await?)),
            false => Talker::Stream(connection),
        })
    };
    let dialed = timeout(limit, dialed).await.unwrap_or_else(|_| {
        Err(reason::unreachable(&server, format_args!("no answer within {limit:?}")))
    });
    match dialed {
        Ok(Talker::Stream(connection)) => {
            tcp::run(connection, &name, Side::Dialed, up, outlet).await;
        }
        Ok(Talker::WebSocket(connection)) => ws::run(*connection, &name, up, outlet).await,
        Err(reason) => outlet.down(reason).await,
    }
}

/// A connection that has shaken hands.
enum Talker {
    Stream(Connection<TcpStream>),
    WebSocket(Box<Connection<WebSocketStream<TcpStream>>>),
}

fn up(flow: FlowId, local: SocketAddr, peer: SocketAddr) -> Signal {
    Signal::Up { flow, local, peer }
}

/// Connects to the first of the server's addresses that takes us; a sentence where none does.
async fn dial(
    server: &ServerUri,
    settings: &FlowSettings,
) -> Result<Connection<TcpStream>, String> {
    let addresses = flow::resolve(server).await?;
    let mut failed = None;
    for address in addresses {
        match dial_one(address, settings.bind).await {
            Ok(connection) => return Ok(connection),
            Err(why) => failed = Some(why),
        }
    }
    let why = failed.expect("a server has an address");
    Err(reason::unreachable(server, why))
}

async fn dial_one(
    address: SocketAddr,
    bind: Option<IpAddr>,
) -> Result<Connection<TcpStream>, String> {
    let words = |error: io::Error| reason::words(&error);
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    };
    let socket = socket.map_err(words)?;
    if let Some(bind) = bind {
        flow::same_family(bind, address)?;
        let from = SocketAddr::new(bind, 0);
        socket.bind(from).map_err(|error| reason::unbound(bind, &error))?;
    }
    let stream = socket.connect(address).await.map_err(words)?;
    Connection::new(stream).map_err(words)
}

/// Binds a listener and starts its task.
pub(super) fn listen(
    transport: Transport,
    address: SocketAddr,
    hub: &Hub,
    limit: Duration,
) -> io::Result<(SocketAddr, AbortHandle)> {
    let listener = bind(address)?;
    let local = listener.local_addr()?;
    let task = tokio::spawn(accept(listener, Door { transport, hub: hub.clone(), limit }));
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
                let door = door.clone();
                tokio::spawn(async move {
                    // A connection that is gone already tells nobody anything.
                    if let Ok(connection) = Connection::new(stream) {
                        door.take(connection, slot).await;
                    }
                });
            }
            // The client went away, or we are out of file descriptors for the moment.
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

impl Door {
    /// Shakes hands where that is due, and talks. `slot` is held until the handshake is over.
    async fn take<T>(self, connection: Connection<TcpStream>, slot: T) {
        let Door { transport, hub, limit } = self;
        let accepted = |flow, local, peer| Signal::Accepted { flow, transport, local, peer };
        let peer = connection.peer;
        if transport.is_websocket() {
            let shaken = tokio::select! {
                shaken = timeout(limit, ws::shake(connection)) => shaken,
                () = hub.closed() => return,
            };
            drop(slot);
            if let Ok(Ok(connection)) = shaken {
                let name = format!("the WebSocket client {peer}");
                ws::run(connection, &name, accepted, hub.accept()).await;
            }
        } else {
            drop(slot);
            let name = format!("the {} client {peer}", transport.via());
            tcp::run(connection, &name, Side::Accepted, accepted, hub.accept()).await;
        }
    }
}

/// Announces the flow, and talks until it is over or the queue has been dropped for [`LINGER`].
pub(super) async fn run<F: Future<Output = ()>>(
    name: &str,
    signal: Signal,
    outlet: Outlet,
    talk: impl FnOnce(mpsc::Receiver<Bytes>, Outlet) -> F,
) {
    let (sender, messages) = mpsc::channel(QUEUE);
    let (open, dropped) = oneshot::channel();
    let queue = Queue { messages: sender, _open: open };
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
