//! UDP: a flow to one peer, and a listener that is one flow with many peers.

mod sockets;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    ptr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use bytes::Bytes;
use tokio::{sync::mpsc, task::AbortHandle};

pub(super) use self::sockets::Sockets;
use self::sockets::{is_icmp, pending_error};

use crate::{
    sip::Transport,
    transport::{
        FlowSettings, SendError, ServerUri, Signal, datagram, everywhere,
        flow::{self, Gather, Gone, Hub, Outlet},
        keep_alive::{Beat, Pulse},
        reason, zone,
    },
};

/// The largest datagram that UDP can carry, and more.
const LARGEST: usize = 65_535;

/// How many datagrams may wait where the kernel, or the peer, takes no more at the moment.
const QUEUE: usize = 4096;

/// How many of them wait for the peer at most: more than that go as fast as the kernel takes them.
const PATIENT: usize = 1536;

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
        let to = to.map(|to| zone::in_zone(to, sockets.zone()));
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
    let sockets = Sockets::to_peer(peer, settings.bind.as_ref()).map_err(failed)?;
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
