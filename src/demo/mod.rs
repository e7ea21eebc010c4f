//! The demo server: a real SIP user agent server on real sockets, for whoever has none at hand.
//!
//! The user part of a request's URI says how it behaves ([`Behaviour`]). All that it does is
//! decided in `core.rs`, which has no sockets and no clock, and is tested so; this file is the
//! task around it.
//!
//! # Layout
//!
//! - `core.rs`: the way of a message; `invite.rs`, `answered.rs`, `in_dialog.rs`,
//!   `subscriptions.rs`, `other.rs`: what is answered to what.
//! - `dialogs.rs`, `outgoing.rs`, `registrar.rs`, `digest.rs`, `losses.rs`: what is
//!   remembered.
//! - `returns.rs`: the way of an answer whose connection is gone.
//! - `certificate.rs`: what TLS clients see.
//! - `behaviour.rs`, `check.rs`, `sdp.rs`, `garble.rs`, `request.rs`: what an answer is made of.

mod answered;
mod behaviour;
mod certificate;
mod check;
mod core;
mod dialogs;
mod digest;
mod garble;
mod in_dialog;
mod invite;
mod losses;
mod other;
mod outgoing;
mod reached;
mod registrar;
mod request;
mod returns;
mod schedule;
mod sdp;
mod subscriptions;
#[cfg(test)]
mod tests;

use std::{
    future::pending,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

pub use behaviour::Behaviour;
use tokio::{sync::oneshot, task::JoinHandle, time::sleep_until};

use self::{core::Core, reached::Reached, returns::Returns};
use crate::{
    sip::{self, Timing, Transmit, Transport},
    transport::{FlowSettings, Network, RELIEF, Room, ServerUri, Signal, TlsSettings, Trust},
};

/// Where a demo server listens, and how it behaves. A port 0 lets the system pick one; `None` turns
/// a transport off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The UDP address.
    pub udp: Option<SocketAddr>,
    /// The TCP address.
    pub tcp: Option<SocketAddr>,
    /// The WebSocket address.
    pub ws: Option<SocketAddr>,
    /// The TLS address.
    pub tls: Option<SocketAddr>,
    /// The address of WebSocket over TLS.
    pub wss: Option<SocketAddr>,
    /// Timers, waits and bounds.
    pub settings: Settings,
}

impl Default for Config {
    /// Every transport on loopback, on ports that the system picks.
    fn default() -> Config {
        let any = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        Config { udp: any, tcp: any, ws: any, tls: any, wss: any, settings: Settings::default() }
    }
}

impl Config {
    /// No transport yet.
    pub fn nowhere() -> Config {
        let Addresses { udp, tcp, ws, tls, wss } = Addresses::default();
        Config { udp, tcp, ws, tls, wss, settings: Settings::default() }
    }

    fn addresses(&self) -> impl Iterator<Item = (Transport, SocketAddr)> {
        let Config { udp, tcp, ws, tls, wss, .. } = *self;
        Addresses { udp, tcp, ws, tls, wss }.each()
    }
}

/// Timers, waits and bounds of a demo server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// T1, T2 and T4.
    pub timing: Timing,
    /// How fast the users are.
    pub pace: Pace,
    /// How much is remembered.
    pub limits: Limits,
    /// How much a message may hold.
    pub messages: sip::Limits,
}

/// How fast the demo server's users are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// From the 180 to the 200; 200 ms.
    pub answer: Duration,
    /// From the request to the 200 of `slow`; 8 s.
    pub slow: Duration,
    /// From the ACK to the BYE of `hangup`; 3 s.
    pub hang_up: Duration,
    /// How long `ring` and `late` ring where nobody cancels, before they refuse with 480; 1 h.
    pub ring: Duration,
    /// How long a nonce of `auth` is good; 5 min.
    pub nonce_lifetime: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            answer: Duration::from_millis(200),
            slow: Duration::from_secs(8),
            hang_up: Duration::from_secs(3),
            ring: Duration::from_secs(3600),
            nonce_lifetime: Duration::from_secs(300),
        }
    }
}

/// How much a demo server remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Server transactions (and client transactions); beyond it the answered ones make room, and
    /// where all are open a request is answered 503.
    pub transactions: usize,
    /// Dialogs; the oldest is forgotten first.
    pub dialogs: usize,
    /// Addresses of record, and published states; one more is answered 503.
    pub records: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { transactions: 250_000, dialogs: 150_000, records: 50_000 }
    }
}

/// A running demo server. Dropping it ends it at once; [`Demo::stop`] ends it gracefully.
#[derive(Debug)]
pub struct Demo {
    addresses: Addresses,
    ca_pem: Option<Arc<str>>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Where a demo server listens; a transport that is off has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// UDP.
    pub udp: Option<SocketAddr>,
    /// TCP.
    pub tcp: Option<SocketAddr>,
    /// WebSocket.
    pub ws: Option<SocketAddr>,
    /// TLS.
    pub tls: Option<SocketAddr>,
    /// WebSocket over TLS.
    pub wss: Option<SocketAddr>,
}

impl Addresses {
    /// The servers that a client can be told to use, WebSocket first.
    pub fn servers(&self) -> Vec<ServerUri> {
        let server = |(transport, address)| ServerUri::at(transport, address);
        self.each().map(server).collect()
    }

    fn each(self) -> impl Iterator<Item = (Transport, SocketAddr)> {
        [
            (Transport::Ws, self.ws),
            (Transport::Udp, self.udp),
            (Transport::Tcp, self.tcp),
            (Transport::Tls, self.tls),
            (Transport::Wss, self.wss),
        ]
        .into_iter()
        .filter_map(|(transport, address)| Some((transport, address?)))
    }

    fn place(&mut self, transport: Transport) -> &mut Option<SocketAddr> {
        match transport {
            Transport::Udp => &mut self.udp,
            Transport::Tcp => &mut self.tcp,
            Transport::Tls => &mut self.tls,
            Transport::Ws => &mut self.ws,
            Transport::Wss => &mut self.wss,
        }
    }
}

/// Starts a demo server on the current tokio runtime. It listens when this returns.
///
/// # Errors
///
/// Where an address cannot be bound, with the transport and the address in the message.
pub async fn start(config: Config) -> io::Result<Demo> {
    let mut network = Network::new().with_limits(config.settings.messages);
    let mut addresses = Addresses::default();
    let secure = config.addresses().filter(|(transport, _)| transport.is_secure());
    let mut secure = secure.map(|(_, address)| address).peekable();
    let identity = match secure.peek() {
        Some(_) => Some(certificate::make(secure)?),
        None => None,
    };
    for (transport, address) in config.addresses() {
        let listening = match &identity {
            Some((identity, _)) if transport.is_secure() => {
                network.listen_secure(transport, address, identity)
            }
            _ => network.listen(transport, address),
        };
        let bound = listening.map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("the demo server cannot listen on {transport} {address}: {error}"),
            )
        })?;
        *addresses.place(transport) = Some(bound);
    }
    let core = Core::new(Instant::now(), config.settings, rand::random());
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(run(network, core, stopped));
    let ca_pem = identity.map(|(_, ca_pem)| ca_pem);
    Ok(Demo { addresses, ca_pem, stop, task })
}

impl Demo {
    /// Where it listens.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// The certificate of whoever issued the server's, in PEM: what a client must trust. None where
    /// it listens neither on TLS nor on WSS.
    pub fn ca_pem(&self) -> Option<&Arc<str>> {
        self.ca_pem.as_ref()
    }

    /// How a client that trusts this server makes its flows.
    pub fn flow_settings(&self) -> FlowSettings {
        let trust = self.ca_pem.clone().map_or(Trust::System, Trust::Pem);
        FlowSettings {
            tls: TlsSettings { trust, ..TlsSettings::default() },
            ..FlowSettings::default()
        }
    }

    /// Ends it: pending calls are refused, calls that are up hung up, and the answers awaited for
    /// at most a second.
    pub async fn stop(self) {
        // An error means that the task has ended already.
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

/// How long a graceful end may take.
const GRACE: Duration = Duration::from_secs(1);

/// The server's life: what came goes into the core, what the core wants sent goes out. While a
/// client takes its answers too slowly, nothing more is read: it is slowed down, and not forgotten.
async fn run(mut network: Network, mut core: Core, mut stopped: oneshot::Receiver<()>) {
    let mut signals = Vec::new();
    let mut reached = Reached::default();
    let mut held = None;
    let mut returns = Returns::default();
    let mut end: Option<Instant> = None;
    loop {
        send(&mut network, &mut core, &mut returns, &mut held);
        if end.is_some_and(|end| core.is_idle() && held.is_none() || end <= Instant::now()) {
            return;
        }
        let relief = held.is_some().then(|| Instant::now() + RELIEF);
        let next = [core.next_timeout(), end, relief].into_iter().flatten().min();
        tokio::select! {
            () = network.receive(&mut signals), if held.is_none() => {
                for signal in signals.drain(..) {
                    handle_signal(&mut network, &mut core, &mut returns, &mut reached, signal);
                }
            }
            () = wait(next) => core.handle_timeout(Instant::now()),
            stop = &mut stopped, if end.is_none() => {
                // A handle that was dropped waits for nothing.
                if stop.is_err() {
                    return;
                }
                let now = Instant::now();
                core.shut_down(now);
                end = Some(now + GRACE);
            }
        }
    }
}

/// Sends what is due, in its order, until a flow is full: then its message is held.
fn send(
    network: &mut Network,
    core: &mut Core,
    returns: &mut Returns,
    held: &mut Option<Transmit>,
) {
    while let Some(transmit) = held.take().or_else(|| core.poll_transmit()) {
        if !core.has_flow(transmit.flow) {
            returns.carry(network, transmit.bytes);
            continue;
        }
        match network.room(Instant::now(), transmit.flow) {
            Room::Free => {
                // What cannot be sent is lost as on any network: timers send it again.
                let _ = network.send(transmit.flow, transmit.to, transmit.bytes);
            }
            Room::Full => {
                *held = Some(transmit);
                return;
            }
            // Nobody would send an answer again on a connection: its client must not wait for it.
            Room::Stuck => {
                network.close(transmit.flow);
                core.flow_down(transmit.flow);
            }
        }
    }
}

fn handle_signal(
    network: &mut Network,
    core: &mut Core,
    returns: &mut Returns,
    reached: &mut Reached,
    signal: Signal,
) {
    match signal {
        Signal::Accepted { flow, transport, local, .. } => {
            reached.flow_up(flow, transport, local);
            core.flow_up(flow, transport, local);
        }
        Signal::Message { flow, source, bytes, .. } => {
            let ours = reached.by(flow, source);
            core.handle_message(Instant::now(), flow, ours, source, bytes);
        }
        Signal::Down { flow, .. } => {
            core.flow_down(flow);
            returns.down(flow);
        }
        // Its peer may use it as any other.
        Signal::Up { flow, local, .. } => {
            if let Some(transport) = returns.up(network, flow) {
                core.flow_up(flow, transport, local);
            }
        }
        // Timers see to lost datagrams.
        Signal::Pong { .. } | Signal::Undelivered { .. } => {}
    }
}

async fn wait(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until.into()).await,
        None => pending().await,
    }
}
