//! A user agent, a peer and the network between them, in virtual time.
#![allow(dead_code, reason = "each test file uses the part that it needs")]

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use sipboard::sip::{
    Absorbed, Connect, ContextEvent, ContextId, Event, Fact, FlowId, Follow, HeaderName, Identity,
    KeepAlive, LegState, Message, MessageBuilder, Method, NewRequest, Output, Outside,
    RegistrationEvent, Settings, StatusCode, Stray, TerminatedBy, Transport, UserAgent,
};

pub const FLOW: FlowId = FlowId(1);

/// Where the same peer is reached by TCP.
pub const TCP_FLOW: FlowId = FlowId(77);

/// What the network does to datagrams.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    pub latency: Duration,
    /// Up to this much more, drawn for each datagram: what reorders them.
    pub jitter: Duration,
    /// Of 1000 datagrams, how many are lost …
    pub loss: u32,
    /// … and how many arrive twice.
    pub duplication: u32,
}

impl Link {
    pub const PERFECT: Link =
        Link { latency: Duration::from_millis(1), jitter: Duration::ZERO, loss: 0, duplication: 0 };
}

/// The other side.
pub trait Peer {
    /// A datagram came; answer by pushing what goes out, and after how long.
    fn receive(&mut self, now: Instant, bytes: Bytes, out: &mut Vec<(Duration, Bytes)>);

    /// When [`Peer::handle_timeout`] is to be called.
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    fn handle_timeout(&mut self, _now: Instant, _out: &mut Vec<(Duration, Bytes)>) {}
}

/// A peer that is a function of what it is sent.
pub struct Script<F>(pub F);

impl<F: FnMut(&Message, &mut Vec<(Duration, Bytes)>)> Peer for Script<F> {
    fn receive(&mut self, _now: Instant, bytes: Bytes, out: &mut Vec<(Duration, Bytes)>) {
        let message = Message::read(bytes).expect("the user agent writes what can be read");
        if message.status().is_none() {
            (self.0)(&message, out);
        }
    }
}

/// Which way a datagram goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    ToPeer,
    FromPeer,
}

pub struct Simulation<P> {
    pub ua: UserAgent,
    pub peer: P,
    pub now: Instant,
    pub start: Instant,
    pub link: Link,
    pub events: Vec<ContextEvent>,
    pub strays: Vec<Stray>,
    pub outside: Vec<Outside>,
    pub kept_alive: Vec<KeepAlive>,
    /// What looks for another server, what it wants of it, and what wants nothing more.
    pub follows: Vec<Follow>,
    pub connects: Vec<Connect>,
    pub settled: Vec<ContextId>,
    pub registrations: Vec<RegistrationEvent>,
    /// Everything that the user agent sent: when, and what.
    pub sent: Vec<(Duration, Message)>,
    /// What it sent that nobody can read: raw bytes only.
    pub unreadable: Vec<Bytes>,
    rng: StdRng,
    in_flight: BTreeMap<(Instant, u64), (Way, Bytes)>,
    sequence: u64,
    /// Whether a request that is too large for UDP finds a TCP port.
    pub peer_takes_tcp: bool,
    /// Whether a flow that broke can be made again.
    pub peer_comes_back: bool,
}

impl<P: Peer> Simulation<P> {
    pub fn new(transport: Transport, link: Link, seed: u64, peer: P) -> Simulation<P> {
        Simulation::with_settings(Settings::default(), transport, link, seed, peer)
    }

    pub fn with_settings(
        settings: Settings,
        transport: Transport,
        link: Link,
        seed: u64,
        peer: P,
    ) -> Simulation<P> {
        let start = Instant::now();
        let mut ua = UserAgent::new(settings, seed);
        ua.flow_connecting(FLOW, transport);
        ua.flow_up(start, FLOW, "192.0.2.1:5060".parse().unwrap());
        Simulation {
            ua,
            peer,
            now: start,
            start,
            link,
            events: Vec::new(),
            strays: Vec::new(),
            outside: Vec::new(),
            kept_alive: Vec::new(),
            follows: Vec::new(),
            connects: Vec::new(),
            settled: Vec::new(),
            registrations: Vec::new(),
            sent: Vec::new(),
            unreadable: Vec::new(),
            rng: StdRng::seed_from_u64(seed),
            in_flight: BTreeMap::new(),
            sequence: 0,
            peer_takes_tcp: true,
            peer_comes_back: false,
        }
    }

    pub fn request(&mut self, request: NewRequest) -> ContextId {
        let id = self.ua.request(self.now, FLOW, request);
        self.drain();
        id
    }

    /// Does something with the user agent and takes what comes of it.
    pub fn with<T>(&mut self, act: impl FnOnce(&mut UserAgent, Instant) -> T) -> T {
        let result = act(&mut self.ua, self.now);
        self.drain();
        result
    }

    /// Lets the peer send something of its own.
    pub fn peer_sends(&mut self, bytes: Bytes) {
        self.put(Way::FromPeer, Duration::ZERO, bytes);
    }

    /// Goes on for as long as it takes until nothing is in flight and no timer runs, or the time is
    /// up.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.next().filter(|at| *at <= end) {
            assert!(at >= self.now, "a deadline in the past");
            self.now = at;
            self.step();
        }
        self.now = end;
    }

    /// Goes on until something has happened that the test waits for.
    pub fn run_until(&mut self, what: &str, mut done: impl FnMut(&ContextEvent) -> bool) {
        let mut seen = 0;
        loop {
            if let Some(at) = self.events[seen..].iter().position(&mut done) {
                let _ = at;
                return;
            }
            seen = self.events.len();
            let at = self.next().unwrap_or_else(|| panic!("nothing happens any more; no {what}"));
            self.now = at;
            self.step();
        }
    }

    fn next(&self) -> Option<Instant> {
        let network = self.in_flight.first_key_value().map(|((at, _), _)| *at);
        [network, self.ua.poll_timeout(), self.peer.poll_timeout()].into_iter().flatten().min()
    }

    fn step(&mut self) {
        let now = self.now;
        if self.in_flight.first_key_value().is_some_and(|((at, _), _)| *at <= now) {
            let (_, (way, bytes)) = self.in_flight.pop_first().unwrap();
            match way {
                Way::ToPeer => {
                    let mut out = Vec::new();
                    self.peer.receive(now, bytes, &mut out);
                    self.put_all(out);
                }
                Way::FromPeer => {
                    let source: SocketAddr = "192.0.2.2:5060".parse().unwrap();
                    // The answer to what has left UDP comes by TCP (RFC 3261 §18.2.2).
                    let is_udp = self.ua.transport_of(FLOW) == Some(Transport::Udp);
                    let by_tcp = Message::read(bytes.clone())
                        .is_ok_and(|m| m.via().is_ok_and(|via| via.transport() == "TCP"));
                    let flow = if is_udp && by_tcp { TCP_FLOW } else { FLOW };
                    self.ua.handle_message(now, flow, source, bytes);
                }
            }
        } else if self.peer.poll_timeout().is_some_and(|at| at <= now) {
            let mut out = Vec::new();
            self.peer.handle_timeout(now, &mut out);
            self.put_all(out);
        } else {
            self.ua.handle_timeout(now);
        }
        self.drain();
    }

    fn put_all(&mut self, out: Vec<(Duration, Bytes)>) {
        for (delay, bytes) in out {
            self.put(Way::FromPeer, delay, bytes);
        }
    }

    fn put(&mut self, way: Way, delay: Duration, bytes: Bytes) {
        if self.rng.random_range(0..1000) < self.link.loss {
            return;
        }
        let copies = if self.rng.random_range(0..1000) < self.link.duplication { 2 } else { 1 };
        for _ in 0..copies {
            let jitter = match self.link.jitter.as_micros() as u64 {
                0 => 0,
                most => self.rng.next_u64() % most,
            };
            let at = self.now + delay + self.link.latency + Duration::from_micros(jitter);
            self.sequence += 1;
            self.in_flight.insert((at, self.sequence), (way, bytes.clone()));
        }
    }

    pub fn drain(&mut self) {
        while let Some(output) = self.ua.poll_output() {
            match output {
                Output::Transmit(transmit) => {
                    match Message::read(transmit.bytes.clone()) {
                        Ok(message) => self.sent.push((self.now - self.start, message)),
                        Err(_) => self.unreadable.push(transmit.bytes.clone()),
                    }
                    self.put(Way::ToPeer, Duration::ZERO, transmit.bytes);
                }
                // The peer has a TCP port too.
                Output::Switch(switch) => {
                    self.ua.flow_connecting(TCP_FLOW, Transport::Tcp);
                    let peer = "192.0.2.2:5060".parse().unwrap();
                    self.ua.switched(self.now, switch.context, TCP_FLOW, peer);
                    if self.peer_takes_tcp {
                        self.ua.flow_up(self.now, TCP_FLOW, "192.0.2.1:5062".parse().unwrap());
                    } else {
                        self.ua.flow_down(self.now, TCP_FLOW, "connection refused");
                    }
                }
                Output::Connect(connect) => self.connects.push(connect),
                Output::Follow(follow) => self.follows.push(follow),
                Output::Settled(id) => self.settled.push(id),
                Output::Reconnect(flow) => {
                    let transport = self.ua.transport_of(flow).expect("a flow that it knows");
                    self.ua.flow_connecting(flow, transport);
                    if self.peer_comes_back {
                        self.ua.flow_up(self.now, flow, "192.0.2.1:5064".parse().unwrap());
                    } else {
                        self.ua.flow_down(self.now, flow, "connection refused");
                    }
                }
                Output::KeepAlive(asked) => self.kept_alive.push(asked),
                Output::Event(Event::Context(event)) => self.events.push(event),
                Output::Event(Event::Registration(event)) => self.registrations.push(event),
                Output::Event(Event::Stray(stray)) => self.strays.push(stray),
                Output::Event(Event::Outside(outside)) => self.outside.push(outside),
            }
        }
    }

    /// The events of a context as words: `sent INVITE`, `progress 180`, `failed Busy` … The ends of
    /// what waited for repeats are left out.
    pub fn story(&self, id: ContextId) -> Vec<String> {
        let is_silent = |fact: &Fact| matches!(fact, Fact::TimerFired { .. } | Fact::TimersChanged);
        let tells = |e: &&ContextEvent| e.context == id && !is_silent(&e.fact);
        self.events.iter().filter(tells).map(word).collect()
    }

    /// What the user agent sent, as words with the time in seconds: `0.5 INVITE`.
    pub fn wire(&self) -> Vec<String> {
        self.sent
            .iter()
            .map(|(at, message)| {
                let what = match (message.method(), message.status()) {
                    (Some(method), _) => method.to_string(),
                    (None, status) => status.unwrap().to_string(),
                };
                format!("{} {what}", at.as_millis() as f64 / 1000.0)
            })
            .collect()
    }
}

pub fn word(event: &ContextEvent) -> String {
    let method = &event.method;
    match &event.fact {
        Fact::Created(_) => "created".to_owned(),
        Fact::Resolving { server } => format!("resolving {server}"),
        Fact::Resolved(resolution) => format!("resolved {resolution}"),
        Fact::Trying(trial) => format!("trying {trial}"),
        Fact::PassedOver { why, .. } => format!("passed over: {why}"),
        Fact::SeenAs { seen, .. } => format!("seen as {seen}"),
        Fact::CameOver { flow } => format!("comes over {flow}"),
        Fact::Sent { .. } => format!("sent {method}"),
        Fact::Retransmitted { attempt, .. } => format!("retransmitted {method} {attempt}"),
        Fact::Progress(response) => format!("progress {}", response.status),
        Fact::Accepted { response, again: false } => format!("accepted {}", response.status),
        Fact::Accepted { response, again: true } => format!("accepted again {}", response.status),
        Fact::Rejected { response, cause } => format!("rejected {} {cause}", response.status),
        Fact::Failed { cause, .. } => format!("failed {cause}"),
        Fact::Cancel { waiting: true, .. } => "cancel, waiting".to_owned(),
        Fact::Cancel { waiting: false, .. } => "cancel".to_owned(),
        Fact::CancelSent { .. } => "cancel sent".to_owned(),
        Fact::Challenged { response, .. } => format!("challenged {}", response.status),
        Fact::AuthGivenUp { .. } => "auth given up".to_owned(),
        Fact::AuthAhead { .. } => "auth ahead".to_owned(),
        Fact::Impaired(impaired) => impaired.what(),
        Fact::AuthInfo(info) => format!("auth info {:?}", info.rspauth),
        Fact::Redirected { response, followed } => {
            format!("redirected {} {}", response.status, followed.next)
        }
        Fact::PrackAnswered(response) => format!("prack answered {}", response.status),
        Fact::PrackFailed { .. } => "prack failed".to_owned(),
        Fact::NotSecure { detail } => format!("not secure: {detail}"),
        Fact::AckFailed { detail } => format!("ack failed: {detail}"),
        Fact::CancelAnswered(response) => format!("cancel answered {}", response.status),
        Fact::CancelFailed { .. } => "cancel failed".to_owned(),
        Fact::CancelCrossed { .. } => "cancel crossed".to_owned(),
        Fact::Unmatched { .. } => "unmatched".to_owned(),
        Fact::Acked { status, again: false, .. } => format!("acked {status}"),
        Fact::Acked { status, again: true, .. } => format!("acked again {status}"),
        Fact::Absorbed { response, why: Absorbed::Late, .. } => format!("late {}", response.status),
        Fact::Absorbed { response, .. } => format!("absorbed {}", response.status),
        Fact::Leg { tag, state: LegState::Terminated { by: TerminatedBy::Response(status) } } => {
            format!("leg {tag} ended by a {status}")
        }
        Fact::Leg { tag, state } => format!("leg {tag} {state:?}"),
        Fact::Subscription { detail } => format!("subscription: {detail}"),
        Fact::Unwanted { tag, .. } => format!("leg {tag} not wanted"),
        Fact::StillUp { tag, .. } => format!("leg {tag} not hung up"),
        Fact::NoLeg { tag, .. } => format!("no leg {tag}"),
        Fact::Received { again: false, .. } => format!("received {method}"),
        Fact::Received { again: true, .. } => format!("received again {method}"),
        Fact::Answered { response, attempt: 1, .. } => format!("answered {}", response.status),
        Fact::Answered { response, .. } => format!("answered again {}", response.status),
        Fact::NeverAcked { .. } => "never acked".to_owned(),
        Fact::TimerFired { timer, .. } => format!("timer {timer}"),
        Fact::TimersChanged => "timers changed".to_owned(),
        Fact::Beside { .. } => "beside".to_owned(),
        Fact::ConnectionLost { detail } => format!("connection lost: {detail}"),
        Fact::AnswerFailed { detail } => format!("answer failed: {detail}"),
        Fact::Ended { cause } => format!("ended {cause}"),
    }
}

pub fn new_request(method: Method, target: &str) -> NewRequest {
    let from =
        Identity { display_name: "Alice".to_owned(), uri: "sip:alice@demo.test".parse().unwrap() };
    NewRequest::new(method, target.parse().unwrap(), from)
}

pub fn invite() -> NewRequest {
    new_request(Method::Invite, "sip:bob@demo.test")
}

/// A response to a request, with a To tag and a Contact.
pub fn response(request: &Message, status: u16, tag: &str) -> Bytes {
    response_with(request, status, tag, |builder| {
        builder.header(HeaderName::Contact, "<sip:bob@192.0.2.2:5060>")
    })
}

pub fn response_with(
    request: &Message,
    status: u16,
    tag: &str,
    more: impl FnOnce(MessageBuilder) -> MessageBuilder,
) -> Bytes {
    let status = StatusCode::new(status).unwrap();
    let mut builder = MessageBuilder::response(status, status.canonical_reason());
    for via in request.all(HeaderName::Via) {
        builder = builder.copy(via);
    }
    // What a raw request lacks, or has unreadable, comes back so.
    let copied = [HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq];
    for header in copied.into_iter().filter_map(|name| request.header(name)) {
        builder = match header.text() {
            Ok(text)
                if header.name == HeaderName::To && !tag.is_empty() && !text.contains(";tag=") =>
            {
                builder.header(HeaderName::To, format_args!("{text};tag={tag}"))
            }
            _ => builder.copy(header),
        };
    }
    more(builder).body(None, b"")
}

/// After so many milliseconds.
pub fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}
