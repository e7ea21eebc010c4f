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
    sip::{FlowId, Transport},
    transport::{FlowFacts, FlowSettings, ServerUri},
};

/// How long the first retry waits; each further one waits twice as long.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// How long a retry waits at most. A flow that was up for as long begins anew.
const LAST_RETRY: Duration = Duration::from_secs(30);

/// Every flow of one engine, by id and by server.
#[derive(Debug, Default)]
pub(super) struct Flows {
    flows: HashMap<FlowId, Flow>,
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
///  Connecting ─► Up ◄─► Refused (UDP: ICMP, until something arrives)
///      ▲  ╲      │
///      │   ▼     ▼
///      └──── Down
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    Connecting,
    Up { since: Instant, ends: Ends },
    Refused { ends: Ends },
    Down { retry_at: Option<Instant> },
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

/// What must be done before a request can ride on a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing.
    Ready(FlowId),
    /// It must be connected.
    Connect(FlowId),
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
        if let Stage::Down { retry_at: Some(at) } = flow.stage {
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
        if let Stage::Up { since, .. } = flow.stage
            && now.saturating_duration_since(since) >= LAST_RETRY
        {
            flow.failures = 0;
        }
        flow.failures = flow.failures.saturating_add(1);
        let comes_back = flow.was_up || flow.way.server.address.is_none();
        let lasts = flow.way.server.transport != Transport::Udp && !flow.way.for_one;
        let is_kept = wanted || lasts;
        let retry_at = (is_kept && comes_back).then(|| now + back_off(flow.failures, jitter));
        flow.stage = Stage::Down { retry_at };
        if let Some(at) = retry_at {
            self.retries.insert((at, id));
        }
        retry_at
    }

    /// A datagram was refused. Gives whether that is news.
    pub(super) fn refused(&mut self, id: FlowId) -> bool {
        let Some(flow) = self.flows.get_mut(&id) else { return false };
        let Stage::Up { ends, .. } = &flow.stage else { return false };
        flow.stage = Stage::Refused { ends: ends.clone() };
        true
    }

    /// A message came. Gives the ends where a flow that was refused is up again by that.
    pub(super) fn heard(&mut self, now: Instant, id: FlowId) -> Option<Ends> {
        let flow = self.flows.get_mut(&id)?;
        let Stage::Refused { ends } = &flow.stage else { return None };
        let ends = ends.clone();
        flow.stage = Stage::Up { since: now, ends: ends.clone() };
        Some(ends)
    }

    /// When the next retry is due.
    pub(super) fn next_retry(&self) -> Option<Instant> {
        self.retries.first().map(|(at, _)| *at)
    }

    /// A flow whose retry is due; it is connecting from now on.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<FlowId> {
        let &(at, id) = self.retries.first()?;
        if at > now {
            return None;
        }
        self.retries.pop_first();
        let flow = self.flows.get_mut(&id).expect("retries name flows only");
        flow.stage = Stage::Connecting;
        Some(id)
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
mod tests {
    use super::*;
    use crate::sip::resolution::Candidate;

    fn server(text: &str) -> Way {
        Way::direct(text.parse().unwrap(), Arc::default())
    }

    fn ends() -> Ends {
        let address = "127.0.0.1:1".parse().unwrap();
        Ends { local: address, peer: address, facts: Arc::default() }
    }

    #[test]
    fn retries_double_from_one_second_to_thirty_less_a_quarter_at_most() {
        for (failures, seconds) in [(1, 1.0), (2, 2.0), (5, 16.0), (6, 30.0), (u32::MAX, 30.0)] {
            assert_eq!(back_off(failures, 0.0).as_secs_f64(), seconds);
            assert_eq!(back_off(failures, 1.0).as_secs_f64(), seconds * 0.75);
        }
    }

    #[test]
    fn one_flow_leads_to_each_server() {
        let mut flows = Flows::default();
        assert_eq!(flows.to(&server("ws://a")), Found::Connect(FlowId(1)));
        assert_eq!(flows.to(&server("ws://a")), Found::Ready(FlowId(1)));
        assert_eq!(flows.to(&server("ws://a/other")), Found::Connect(FlowId(2)));
        assert_eq!(flows.to(&server("sip:a")), Found::Connect(FlowId(3)));
        let by_tcp = server("sip:a").by_tcp(Some("192.0.2.1:5060".parse().unwrap()));
        assert_eq!(flows.to(&by_tcp), Found::Connect(FlowId(4)));
        assert_eq!(flows.to(&server("sip:192.0.2.1;transport=tcp")), Found::Ready(FlowId(4)));
    }

    #[test]
    fn names_of_one_address_share_a_flow_unless_the_name_is_asked_for() {
        let resolved = |text: &str| {
            let Way { asked, settings, .. } = server(text);
            let (transport, address) = (asked.transport, ends().peer);
            let source = crate::sip::resolution::Source::Address;
            let server = asked.resolved(&Candidate { transport, address, source });
            Way { asked, server, settings, for_one: false }
        };
        let mut flows = Flows::default();
        assert_eq!(flows.to(&resolved("sip:a")), Found::Connect(FlowId(1)));
        assert_eq!(flows.to(&resolved("sip:b")), Found::Ready(FlowId(1)));
        assert_eq!(flows.to(&server("sip:127.0.0.1:1")), Found::Ready(FlowId(1)));
        assert_eq!(flows.to(&resolved("ws://a")), Found::Connect(FlowId(2)));
        assert_eq!(flows.to(&resolved("ws://b")), Found::Connect(FlowId(3)));
        let now = Instant::now();
        assert_eq!(flows.down(now, FlowId(2), false, 0.0), None, "it was never there");
        flows.up(now, FlowId(3), ends());
        assert!(flows.down(now, FlowId(3), false, 0.0).is_some());
    }

    #[test]
    fn a_flow_that_only_a_long_request_wanted_is_not_made_again_until_something_else_wants_it() {
        let mut flows = Flows::default();
        let now = Instant::now();
        let udp = server("sip:192.0.2.1");
        let to = Some("192.0.2.1:5060".parse().unwrap());
        for way in [udp.by_tcp(to), udp.by_tcp(None)] {
            assert_eq!(flows.to(&way), Found::Connect(FlowId(1)));
            assert_eq!(flows.down(now, FlowId(1), false, 0.0), None);
        }
        assert_eq!(flows.next_retry(), None);
        flows.to(&udp.by_tcp(to));
        assert!(flows.down(now, FlowId(1), true, 0.0).is_some(), "a registration wants it");
        flows.to(&server("sip:192.0.2.1;transport=tcp"));
        assert!(flows.down(now, FlowId(1), false, 0.0).is_some(), "the user named it");
    }

    #[test]
    fn a_request_on_a_flow_that_is_down_does_not_wait_for_the_retry() {
        let mut flows = Flows::default();
        let now = Instant::now();
        flows.to(&server("ws://a"));
        let at = flows.down(now, FlowId(1), false, 0.0).unwrap();
        assert_eq!(flows.next_retry(), Some(at));
        assert_eq!(flows.take_due(now), None);
        assert_eq!(flows.to(&server("ws://a")), Found::Connect(FlowId(1)));
        assert_eq!(flows.next_retry(), None);
        let later = flows.down(now, FlowId(1), false, 0.0).unwrap();
        assert_eq!(later - now, FIRST_RETRY * 2);
        assert_eq!(flows.take_due(later), Some(FlowId(1)));
        assert_eq!(flows.take_due(later), None);
    }

    #[test]
    fn what_nobody_wants_can_be_forgotten_and_its_id_is_not_given_again() {
        let mut flows = Flows::default();
        let now = Instant::now();
        for text in ["ws://a", "ws://b", "ws://c"] {
            flows.to(&server(text));
        }
        flows.down(now, FlowId(2), false, 0.0).unwrap();
        flows.want(|way| *way == server("ws://a"));
        assert_eq!(flows.unwanted(), [FlowId(2), FlowId(3)]);
        assert_eq!(flows.to(&server("ws://c")), Found::Ready(FlowId(3)), "a new request wants it");
        assert_eq!(flows.unwanted(), [FlowId(2)]);
        flows.forget(FlowId(2));
        assert_eq!((flows.unwanted(), flows.next_retry()), (Vec::new(), None));
        assert_eq!(flows.to(&server("ws://b")), Found::Connect(FlowId(4)));
    }

    #[test]
    fn only_a_flow_that_lasted_begins_its_back_off_anew() {
        let mut flows = Flows::default();
        let now = Instant::now();
        flows.to(&server("ws://a"));
        flows.down(now, FlowId(1), false, 0.0);
        flows.up(now, FlowId(1), ends());
        assert_eq!(flows.down(now, FlowId(1), false, 0.0), Some(now + FIRST_RETRY * 2));
        flows.up(now, FlowId(1), ends());
        let later = now + LAST_RETRY;
        assert_eq!(flows.down(later, FlowId(1), false, 0.0), Some(later + FIRST_RETRY));
    }

    #[test]
    fn udp_is_tried_by_the_next_request_and_a_refusal_ends_when_something_arrives() {
        let mut flows = Flows::default();
        let now = Instant::now();
        flows.to(&server("sip:a"));
        assert_eq!(flows.down(now, FlowId(1), false, 0.0), None);
        assert_eq!(flows.to(&server("sip:a")), Found::Connect(FlowId(1)));
        flows.up(now, FlowId(1), ends());
        assert!(flows.refused(FlowId(1)));
        assert!(!flows.refused(FlowId(1)));
        assert_eq!(flows.to(&server("sip:a")), Found::Ready(FlowId(1)));
        assert_eq!(flows.heard(now, FlowId(1)), Some(ends()));
        assert_eq!(flows.heard(now, FlowId(1)), None);
    }
}
