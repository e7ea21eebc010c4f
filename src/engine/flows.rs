//! The book of flows: which leads to which server, how each stands, and when one that went down
//! is made again.

use std::{
    collections::{BTreeSet, HashMap},
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    engine::FlowState,
    sip::{FlowId, IdMap, Transport},
    transport::{FlowFacts, FlowSettings, ServerUri},
};

/// How long the first retry waits; each further one waits twice as long.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// How long a retry waits at most. A flow that was up for as long begins anew.
const LAST_RETRY: Duration = Duration::from_secs(30);

/// Every flow of one engine, by id and by server.
#[derive(Debug, Default)]
pub(super) struct Flows {
    flows: IdMap<FlowId, Flow>,
    by_key: HashMap<Key, FlowId>,
    retries: BTreeSet<(Instant, FlowId)>,
    /// Those that no account leads to any more; each ends once nothing rides on it.
    unwanted: BTreeSet<FlowId>,
    /// The id that was given last; none is given twice.
    last: u32,
}

/// Where a flow leads, and how it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    /// The server as the user names it.
    pub(super) asked: Arc<ServerUri>,
    /// The server at its address.
    pub(super) server: ServerUri,
    /// How it is made.
    pub(super) settings: Arc<FlowSettings>,
    /// Whether only one request wants it, which was too long for UDP: it is made once, and not
    /// again until the next that is.
    pub(super) for_one: bool,
}

/// What a flow is: requests share it where all of this is the same. Two names of one address share
/// a UDP or TCP flow; where the name is checked or asked for, they do not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    transport: Transport,
    address: Option<SocketAddr>,
    /// Host, port and path.
    name: Option<(String, u16, String)>,
    settings: Arc<FlowSettings>,
}

impl Way {
    /// To a server that is named by its address.
    pub(super) fn direct(server: ServerUri, settings: Arc<FlowSettings>) -> Way {
        Way { asked: Arc::new(server.clone()), server, settings, for_one: false }
    }

    /// By TCP to the same address, or to another.
    pub(super) fn by_tcp(&self, to: Option<SocketAddr>) -> Way {
        if let Some(address) = to {
            let server = ServerUri::at(Transport::Tcp, address);
            return Way { for_one: true, ..Way::direct(server, self.settings.clone()) };
        }
        let mut way = Way { for_one: true, ..self.clone() };
        way.server.transport = Transport::Tcp;
        Arc::make_mut(&mut way.asked).transport = Transport::Tcp;
        way
    }

    fn key(&self) -> Key {
        let ServerUri { transport, host, port, path, .. } = &self.server;
        let address = self.server.socket_address();
        let is_bare = address.is_some() && matches!(transport, Transport::Udp | Transport::Tcp);
        let name = (!is_bare).then(|| (host.clone(), *port, path.clone()));
        Key { transport: *transport, address, name, settings: self.settings.clone() }
    }
}

/// One flow.
#[derive(Debug)]
struct Flow {
    way: Way,
    stage: Stage,
    /// How often it went down in a row.
    failures: u32,
    /// Whether it has ever been up.
    was_up: bool,
}

/// How a flow stands.
///
/// ```text
///  Connecting ─► Up ◄─► Refused (UDP: ICMP, until something arrives from the peer)
///      ▲  ╲      │
///      │   ▼     ▼
///      └──── Down
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    Connecting,
    Up {
        since: Instant,
        ends: Ends,
    },
    /// `retry_at` is when it is tried; none where nothing would be sent, or has been sent by now.
    Refused {
        ends: Ends,
        retry_at: Option<Instant>,
    },
    Down {
        retry_at: Option<Instant>,
    },
}

/// The two ends of a flow that is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) local: SocketAddr,
    pub(super) peer: SocketAddr,
    pub(super) facts: Arc<FlowFacts>,
}

impl From<Ends> for FlowState {
    fn from(Ends { local, peer, facts }: Ends) -> FlowState {
        FlowState::Up { local, peer, facts }
    }
}

/// How a flow that failed is made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// It is to be connected.
    Connect(FlowId),
    /// Its sockets are there: something is to be sent that the peer answers.
    Try(FlowId),
}

/// What must be done before a request can ride on a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing.
    Ready(FlowId),
    /// It must be connected.
    Connect(FlowId),
}

impl Stage {
    fn retry_at(&self) -> Option<Instant> {
        match self {
            Stage::Down { retry_at } | Stage::Refused { retry_at, .. } => *retry_at,
            Stage::Connecting | Stage::Up { .. } => None,
        }
    }
}

impl Flow {
    /// It failed once more. Gives how long to wait before it is made again; one that lasted begins
    /// anew.
    fn fail(&mut self, now: Instant, jitter: f64) -> Duration {
        if let Stage::Up { since, .. } = self.stage
            && now.saturating_duration_since(since) >= LAST_RETRY
        {
            self.failures = 0;
        }
        self.failures = self.failures.saturating_add(1);
        back_off(self.failures, jitter)
    }
}

impl Flows {
    /// The flow of that way, made where there is none. One that is down is to be connected now,
    /// whenever its retry was planned.
    pub(super) fn to(&mut self, way: &Way) -> Found {
        let key = way.key();
        let Some(&id) = self.by_key.get(&key) else {
            self.last += 1;
            let id = FlowId(self.last);
            let (way, stage) = (way.clone(), Stage::Connecting);
            let flow = Flow { way, stage, failures: 0, was_up: false };
            self.flows.insert(id, flow);
            self.by_key.insert(key, id);
            return Found::Connect(id);
        };
        self.unwanted.remove(&id);
        let flow = self.flows.get_mut(&id).expect("by_key names flows only");
        flow.way.for_one &= way.for_one;
        let Stage::Down { retry_at } = flow.stage else { return Found::Ready(id) };
        if let Some(at) = retry_at {
            self.retries.remove(&(at, id));
        }
        flow.stage = Stage::Connecting;
        Found::Connect(id)
    }

    /// These flows are wanted from now on; each other one ends once nothing rides on it, unless
    /// something asks for it before.
    pub(super) fn want(&mut self, is_wanted: impl Fn(&Way) -> bool) {
        let others = self.flows.iter().filter(|(_, flow)| !is_wanted(&flow.way));
        self.unwanted = others.map(|(id, _)| *id).collect();
    }

    /// The flows that nobody wants.
    pub(super) fn unwanted(&self) -> Vec<FlowId> {
        self.unwanted.iter().copied().collect()
    }

    /// Forgets a flow.
    pub(super) fn forget(&mut self, id: FlowId) {
        self.unwanted.remove(&id);
        let Some(flow) = self.flows.remove(&id) else { return };
        self.by_key.remove(&flow.way.key());
        if let Some(at) = flow.stage.retry_at() {
            self.retries.remove(&(at, id));
        }
    }

    /// Where a flow leads, and how it is made.
    pub(super) fn way(&self, id: FlowId) -> Option<&Way> {
        self.flows.get(&id).map(|flow| &flow.way)
    }

    /// The flow is up.
    pub(super) fn up(&mut self, now: Instant, id: FlowId, ends: Ends) {
        if let Some(flow) = self.flows.get_mut(&id) {
            flow.stage = Stage::Up { since: now, ends };
            flow.was_up = true;
        }
    }

    /// The flow could not be made or broke. Gives when it is made again: never for UDP, which has
    /// no connection that could come back, and for a server with a name that was never there, which
    /// may have others, and for one request that was too long for UDP; the next tries it. What is `wanted` without a request comes back.
    /// `jitter` is from 0 to 1.
    pub(super) fn down(
        &mut self,
        now: Instant,
        id: FlowId,
        wanted: bool,
        jitter: f64,
    ) -> Option<Instant> {
        let flow = self.flows.get_mut(&id)?;
        if let Some(at) = flow.stage.retry_at() {
            self.retries.remove(&(at, id));
        }
        let comes_back = flow.was_up || flow.way.server.address.is_none();
        let lasts = flow.way.server.transport != Transport::Udp && !flow.way.for_one;
        let wait = flow.fail(now, jitter);
        let retry_at = ((wanted || lasts) && comes_back).then(|| now + wait);
        flow.stage = Stage::Down { retry_at };
        self.retries.extend(retry_at.map(|at| (at, id)));
        retry_at
    }

    /// A datagram was refused: the flow has failed (RFC 5626 §4.4). Gives when it is tried again,
    /// which it is where it is `wanted` without a request; nothing where all that is known already.
    pub(super) fn refused(
        &mut self,
        now: Instant,
        id: FlowId,
        wanted: bool,
        jitter: f64,
    ) -> Option<Option<Instant>> {
        let flow = self.flows.get_mut(&id)?;
        let ends = match &flow.stage {
            Stage::Up { ends, .. } => ends.clone(),
            // It was tried, and has failed once more.
            Stage::Refused { ends, retry_at: None } if wanted => ends.clone(),
            _ => return None,
        };
        let wait = flow.fail(now, jitter);
        let retry_at = wanted.then(|| now + wait);
        flow.stage = Stage::Refused { ends, retry_at };
        self.retries.extend(retry_at.map(|at| (at, id)));
        Some(retry_at)
    }

    /// Whether a flow that was refused is heard of again by a message from `source`: by any of its
    /// peer's, and by an answer from another port of it.
    pub(super) fn is_heard(&self, id: FlowId, source: SocketAddr, bytes: &[u8]) -> bool {
        let stage = self.flows.get(&id).map(|flow| &flow.stage);
        let Some(Stage::Refused { ends: Ends { peer, .. }, .. }) = stage else { return false };
        source == *peer || (source.ip() == peer.ip() && bytes.starts_with(b"SIP/"))
    }

    /// Something went through. Gives the ends where a flow that was refused is up again by that.
    pub(super) fn went_through(&mut self, now: Instant, id: FlowId) -> Option<Ends> {
        let flow = self.flows.get_mut(&id)?;
        let Stage::Refused { ends, retry_at } = &flow.stage else { return None };
        let (ends, retry_at) = (ends.clone(), *retry_at);
        flow.stage = Stage::Up { since: now, ends: ends.clone() };
        if let Some(at) = retry_at {
            self.retries.remove(&(at, id));
        }
        Some(ends)
    }

    /// When the next retry is due.
    pub(super) fn next_retry(&self) -> Option<Instant> {
        self.retries.first().map(|(at, _)| *at)
    }

    /// A flow whose retry is due: connecting from now on, or being tried.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Again> {
        let &(at, id) = self.retries.first()?;
        if at > now {
            return None;
        }
        self.retries.pop_first();
        let flow = self.flows.get_mut(&id).expect("retries name flows only");
        if let Stage::Refused { retry_at, .. } = &mut flow.stage {
            *retry_at = None;
            return Some(Again::Try(id));
        }
        flow.stage = Stage::Connecting;
        Some(Again::Connect(id))
    }

    /// Nothing is made again from now on.
    pub(super) fn stop_retrying(&mut self) {
        self.retries.clear();
    }
}

/// How long to wait after so many failures in a row: doubling, and up to a quarter less by
/// `jitter`, so that not every client of a server that restarts comes back in the same moment.
fn back_off(failures: u32, jitter: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let whole = FIRST_RETRY.saturating_mul(1 << doublings).min(LAST_RETRY);
    whole.mul_f64(1.0 - 0.25 * jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests;
