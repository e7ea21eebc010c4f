//! A network on which everything goes wrong, in virtual time: user agents, users who change their
//! minds, a forking proxy with the peers behind it, and datagrams that get lost, doubled,
//! overtaken and damaged. `check` holds what must be true after every step.
#![allow(dead_code, reason = "each test file uses the part that it needs")]

pub mod check;
mod far;
mod flows;
mod kind;
mod same;
mod user;
mod write;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sipboard::sip::{
    Event, ExtraLegs, FlowId, Held, Method, Output, Redirects, Settings, Transmit, UserAgent,
};

use self::{check::Check, far::Far, flows::transport};

/// How many user agents share the network.
const AGENTS: usize = 2;
/// UDP, on which everything can happen to a datagram.
const UDP: FlowId = FlowId(1);
/// WebSocket: in order and complete, until it breaks.
const WS: FlowId = FlowId(2);
/// TCP to another server, where a Record-Route on UDP may lead.
const ELSEWHERE: FlowId = FlowId(3);
const FLOWS: [FlowId; 3] = [UDP, WS, ELSEWHERE];
/// How many contexts each user tries to keep under way.
const BUSY: usize = 25;

/// Where a message comes from or goes to: a user agent and one of its flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    pub agent: usize,
    pub flow: FlowId,
}

/// What is still to happen.
#[derive(Debug)]
pub enum Happening {
    /// The far side gets bytes.
    ToFar(Line, Bytes),
    /// A user agent gets bytes.
    ToAgent(Line, Bytes),
    /// The far side does something of its own.
    Far(far::Plan),
    /// A user does something.
    User(usize),
    /// A flow comes up again.
    FlowUp(Line),
}

/// A user agent with its user and its flows.
struct Agent {
    ua: UserAgent,
    check: Check,
    /// Which flows are up.
    up: BTreeMap<FlowId, bool>,
    /// The latest arrival on each way of each connection, which keeps the order.
    order: BTreeMap<(FlowId, bool), Instant>,
}

/// The whole simulation.
pub struct World {
    now: Instant,
    rng: StdRng,
    agents: Vec<Agent>,
    far: Far,
    queue: BTreeMap<(Instant, u64), Happening>,
    sequence: u64,
    /// Steps at the same instant, to notice when time does not go on any more.
    still: u32,
    quiet: bool,
    pub steps: u64,
}

impl World {
    pub fn new(seed: u64) -> World {
        let now = Instant::now();
        let mut rng = StdRng::seed_from_u64(seed);
        let agents = (0..AGENTS).map(|_| Agent::new(now, &mut rng)).collect();
        let far = Far::new(rng.random());
        let mut world = World {
            now,
            rng,
            agents,
            far,
            queue: BTreeMap::new(),
            sequence: 0,
            still: 0,
            quiet: false,
            steps: 0,
        };
        for agent in 0..AGENTS {
            for flow in FLOWS {
                world.flow_up(Line { agent, flow });
            }
            world.put(Duration::ZERO, Happening::User(agent));
        }
        world
    }

    /// The next thing happens.
    pub fn step(&mut self) -> bool {
        let Some(at) = self.next() else { return false };
        assert!(at >= self.now, "a deadline {:?} in the past", self.now - at);
        self.still = if at == self.now { self.still + 1 } else { 0 };
        assert!(self.still < 20_000, "time stands still");
        self.now = at;
        self.steps += 1;
        if self.queue.first_key_value().is_some_and(|((first, _), _)| *first <= at) {
            let (_, happening) = self.queue.pop_first().expect("it has a first");
            self.happen(happening);
        } else {
            for agent in 0..AGENTS {
                if self.agents[agent].ua.poll_timeout().is_some_and(|due| due <= at) {
                    self.timeout(agent);
                }
            }
        }
        true
    }

    fn next(&self) -> Option<Instant> {
        let queue = self.queue.first_key_value().map(|((at, _), _)| *at);
        let timers = self.agents.iter().map(|agent| agent.ua.poll_timeout());
        timers.chain([queue]).flatten().min()
    }

    /// Users and peers come to rest, and everything runs down. What is held then is given back.
    pub fn wind_down(&mut self) -> Vec<Held> {
        self.quiet = true;
        for agent in 0..AGENTS {
            self.with(agent, |ua, now| ua.shut_down(now));
        }
        let end = self.now + Duration::from_secs(600);
        while self.next().is_some_and(|at| at <= end) {
            self.step();
        }
        // A 2xx that came after all has made a leg that the user must hang up; what waits for a
        // flow, or for an answer by hand, waits for ever.
        for agent in 0..AGENTS {
            self.with(agent, |ua, now| ua.shut_down(now));
            self.answer_all(agent);
            for flow in FLOWS {
                self.flow_down(Line { agent, flow });
            }
        }
        let end = self.now + Duration::from_secs(600);
        while self.next().is_some_and(|at| at <= end) {
            self.step();
        }
        assert_eq!(self.next(), None, "something goes on for ever");
        for agent in &mut self.agents {
            assert!(agent.ua.is_idle(), "a call is still open");
            agent.check.at_the_end(&agent.ua);
        }
        self.agents.iter().map(|agent| agent.ua.held()).collect()
    }

    /// How many contexts there have been.
    pub fn contexts(&self) -> usize {
        self.agents.iter().map(|agent| agent.check.contexts()).sum()
    }

    /// How many contexts are held.
    pub fn agents_hold(&self) -> usize {
        self.agents.iter().map(|agent| agent.ua.contexts()).sum()
    }

    /// The user agents alone: what the simulation itself has kept is gone.
    pub fn into_agents(self) -> Vec<UserAgent> {
        self.agents.into_iter().map(|agent| agent.ua).collect()
    }

    /// How often which fact was told.
    pub fn tally(&self) -> BTreeMap<&'static str, u64> {
        let mut sum = BTreeMap::new();
        for (kind, count) in self.agents.iter().flat_map(|agent| &agent.check.tally) {
            *sum.entry(*kind).or_default() += count;
        }
        sum
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::ToFar(line, bytes) => {
                let mut out = Vec::new();
                self.far.receive(line, bytes, &mut out);
                self.put_all(out);
            }
            Happening::ToAgent(line, bytes) => self.deliver(line, bytes),
            Happening::Far(_) if self.quiet => {}
            Happening::Far(plan) => {
                let mut out = Vec::new();
                self.far.go_on(plan, &mut out);
                self.put_all(out);
            }
            Happening::User(_) if self.quiet => {}
            Happening::User(agent) => self.user(agent),
            Happening::FlowUp(line) => self.flow_up(line),
        }
    }

    fn deliver(&mut self, line: Line, bytes: Bytes) {
        if !self.agents[line.agent].up[&line.flow] {
            return;
        }
        let source: SocketAddr = "192.0.2.2:5060".parse().expect("an address");
        self.agents[line.agent].check.message_comes(&bytes);
        self.with(line.agent, |ua, now| ua.handle_message(now, line.flow, source, bytes));
    }

    fn timeout(&mut self, agent: usize) {
        self.with(agent, |ua, now| ua.handle_timeout(now));
        let next = self.agents[agent].ua.poll_timeout();
        assert!(next.is_none_or(|at| at > self.now), "handle_timeout leaves what is due");
    }

    /// Does something with a user agent, and takes what comes of it.
    fn with<T>(&mut self, agent: usize, act: impl FnOnce(&mut UserAgent, Instant) -> T) -> T {
        let now = self.now;
        let it = &mut self.agents[agent];
        let result = act(&mut it.ua, now);
        let (mut transmits, mut follows, mut made) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(output) = it.ua.poll_output() {
            match output {
                Output::Transmit(transmit) => {
                    assert!(
                        it.up[&transmit.flow],
                        "sent on a flow that is down: {:?}",
                        transmit.bytes
                    );
                    it.check.transmit(&transmit);
                    transmits.push(transmit);
                }
                Output::Connect(connect) => panic!("nothing is looked up here: {connect:?}"),
                Output::Switch(switch) => panic!("nothing is that large here: {switch:?}"),
                Output::Follow(follow) if far::is_elsewhere(&follow.next_hop) => {
                    follows.push(follow.context);
                }
                // There is nowhere else to go.
                Output::Follow(follow) => {
                    it.ua.unreachable(now, follow.context, "nobody else is there")
                }
                Output::Settled(_) => {}
                // It is there soon, or still gone.
                Output::Reconnect(flow) if self.rng.random_bool(0.5) => {
                    it.ua.flow_connecting(flow, transport(flow));
                    made.push(flow);
                }
                Output::Reconnect(flow) => {
                    it.ua.flow_down(now, flow, "192.0.2.2:5060 is still gone");
                }
                Output::KeepAlive(_) => {}
                Output::Event(Event::Context(event)) => it.check.event(now, event),
                Output::Event(Event::Registration(event)) => panic!("nobody registers: {event:?}"),
                Output::Event(Event::Outside(outside)) => assert_eq!(outside.at, now),
                Output::Event(Event::Stray(stray)) => {
                    assert_eq!(stray.at, now);
                    assert!(!stray.problem.is_empty());
                }
            }
        }
        it.check.settle(&it.ua);
        for transmit in transmits {
            self.carry(agent, transmit);
        }
        follows.into_iter().for_each(|context| self.goes_elsewhere(agent, context));
        made.into_iter().for_each(|flow| self.flow_is_made(Line { agent, flow }));
        result
    }

    /// A user agent sends: the network does its worst.
    fn carry(&mut self, agent: usize, transmit: Transmit) {
        let line = Line { agent, flow: transmit.flow };
        if self.rng.random_ratio(1, 2000) {
            self.with(agent, |ua, now| ua.transmit_failed(now, &transmit, "too large to send"));
            return;
        }
        self.cross(line, Duration::ZERO, true, transmit.bytes);
    }

    fn cross(&mut self, line: Line, delay: Duration, to_far: bool, bytes: Bytes) {
        let happening = |bytes| match to_far {
            true => Happening::ToFar(line, bytes),
            false => Happening::ToAgent(line, bytes),
        };
        let jitter = match self.rng.random_range(0..10) {
            0 => self.rng.random_range(0..3_000_000),
            _ => self.rng.random_range(100..50_000),
        };
        let at = self.now + delay + Duration::from_micros(jitter);
        if line.flow != UDP {
            let order = &mut self.agents[line.agent].order;
            let latest = order.entry((line.flow, to_far)).or_insert(at);
            *latest = at.max(*latest);
            let at = *latest;
            return self.put_at(at, happening(bytes));
        }
        if self.rng.random_ratio(8, 100) {
            return;
        }
        if self.rng.random_ratio(5, 100) {
            let again = Duration::from_micros(self.rng.random_range(0..2_000_000));
            self.put_at(at + again, happening(bytes.clone()));
        }
        self.put_at(at, happening(bytes));
    }

    fn put_all(&mut self, out: Vec<(Duration, far::Out)>) {
        for (delay, out) in out {
            match out {
                far::Out::Send(line, bytes) => self.cross(line, delay, false, bytes),
                far::Out::Later(plan) => self.put(delay, Happening::Far(plan)),
            }
        }
    }

    fn put(&mut self, delay: Duration, happening: Happening) {
        self.put_at(self.now + delay, happening);
    }

    fn put_at(&mut self, at: Instant, happening: Happening) {
        self.sequence += 1;
        self.queue.insert((at, self.sequence), happening);
    }
}

impl Agent {
    fn new(now: Instant, rng: &mut StdRng) -> Agent {
        let by_hand = match rng.random_range(0..3) {
            0 => vec![Method::Info, Method::Invite, Method::Notify],
            _ => Vec::new(),
        };
        let settings = Settings {
            // Every flow is there from the beginning.
            udp_max_bytes: None,
            redirects: match rng.random_range(0..3) {
                0 => Redirects::None,
                1 => Redirects::Best,
                _ => Redirects::All,
            },
            extra_legs: match rng.random_bool(0.5) {
                true => ExtraLegs::Keep,
                false => ExtraLegs::HangUp,
            },
            reliable_provisionals: rng.random_bool(0.8),
            by_hand,
            ..Settings::default()
        };
        let mut ua = UserAgent::new(settings, rng.random());
        for flow in FLOWS {
            ua.flow_connecting(flow, transport(flow));
        }
        let up = FLOWS.map(|flow| (flow, false)).into();
        Agent { ua, check: Check::new(now), up, order: BTreeMap::new() }
    }
}
