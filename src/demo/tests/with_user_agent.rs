//! The program's own user agent against the demo server, in virtual time, over a network that may
//! lose and repeat datagrams.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::{
    demo::{Settings, core::Core},
    sip::{
        self, CancelOptions, ContextId, Event, FlowId, Identity, Method, NewRequest, Output, State,
        Status, Transport, UserAgent,
    },
};

const FLOW: FlowId = FlowId(1);
const LATENCY: Duration = Duration::from_millis(3);

#[derive(Clone, Copy)]
enum Way {
    ToServer,
    ToClient,
}

struct Pair {
    client: UserAgent,
    server: Core,
    start: Instant,
    now: Instant,
    flying: BTreeMap<(Instant, u64), (Way, Bytes)>,
    count: u64,
    rng: StdRng,
    /// Of 100 datagrams, how many are lost, and how many come twice.
    faults: u32,
    last: Option<Status>,
}

impl Pair {
    fn new(transport: Transport, faults: u32, seed: u64) -> Pair {
        let start = Instant::now();
        let mut client = UserAgent::new(sip::Settings::default(), seed);
        client.flow_connecting(FLOW, transport);
        client.flow_up(start, FLOW, Pair::client_address());
        let mut server = Core::new(start, Settings::default(), seed + 1);
        server.flow_up(FLOW, transport, "127.0.0.1:5060".parse().unwrap());
        Pair {
            client,
            server,
            start,
            now: start,
            flying: BTreeMap::new(),
            count: 0,
            rng: StdRng::seed_from_u64(seed),
            faults,
            last: None,
        }
    }

    fn client_address() -> SocketAddr {
        "127.0.0.1:40001".parse().unwrap()
    }

    fn request(&mut self, method: Method, user: &str) -> ContextId {
        let from =
            Identity { display_name: String::new(), uri: "sip:al@demo.test".parse().unwrap() };
        let target = format!("sip:{user}@demo.test").parse().unwrap();
        let id = self.client.request(self.now, FLOW, NewRequest::new(method, target, from));
        self.collect();
        id
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let flight = self.flying.first_key_value().map(|((at, _), _)| *at);
            let all = [flight, self.client.poll_timeout(), self.server.next_timeout()];
            let Some(at) = all.into_iter().flatten().min().filter(|at| *at <= end) else { break };
            self.now = self.now.max(at);
            if flight == Some(at) {
                let (_, (way, bytes)) = self.flying.pop_first().unwrap();
                match way {
                    Way::ToServer => {
                        self.server.handle_message(
                            self.now,
                            FLOW,
                            None,
                            Pair::client_address(),
                            bytes,
                        );
                    }
                    Way::ToClient => {
                        let source = "127.0.0.1:5060".parse().unwrap();
                        self.client.handle_message(self.now, FLOW, source, bytes);
                    }
                }
            } else if self.server.next_timeout() == Some(at) {
                self.server.handle_timeout(self.now);
            } else {
                self.client.handle_timeout(self.now);
            }
            self.collect();
        }
        self.now = end;
    }

    fn collect(&mut self) {
        while let Some(output) = self.client.poll_output() {
            match output {
                Output::Transmit(transmit) => self.fly(Way::ToServer, transmit.bytes),
                Output::Event(Event::Context(event)) if event.context == ContextId(1) => {
                    self.last = Some(event.status);
                }
                Output::Event(_)
                | Output::Connect(_)
                | Output::Switch(_)
                | Output::Follow(_)
                | Output::Settled(_)
                | Output::Reconnect(_)
                | Output::KeepAlive(_) => {}
            }
        }
        while let Some(transmit) = self.server.poll_transmit() {
            self.fly(Way::ToClient, transmit.bytes);
        }
    }

    fn fly(&mut self, way: Way, bytes: Bytes) {
        let draw = self.rng.random_range(0..100);
        let copies = if draw < self.faults {
            0
        } else if draw < 2 * self.faults {
            2
        } else {
            1
        };
        for _ in 0..copies {
            self.count += 1;
            self.flying.insert((self.now + LATENCY, self.count), (way, bytes.clone()));
        }
    }

    fn status(&self) -> Status {
        self.last.clone().expect("a context has events")
    }

    fn seconds(&self) -> u64 {
        (self.now - self.start).as_secs()
    }
}

/// A second at a time until the context is in that state.
fn wait_for(pair: &mut Pair, state: State, limit: u64) {
    while pair.status().state != state {
        assert!(pair.seconds() < limit, "{:?} after {limit} s", pair.status());
        pair.run(Duration::from_secs(1));
    }
}

#[test]
fn every_user_leads_an_invite_to_its_own_end_and_leaves_nothing_behind() {
    use State::{Accepted, Canceled, Failed, HungUp, Rejected};
    for (user, state, seconds) in [
        ("answer", Accepted, 1),
        ("auth", Rejected, 1),
        ("busy", Rejected, 1),
        ("decline", Rejected, 1),
        ("early", Accepted, 1),
        ("fork", Accepted, 1),
        ("garbled", Failed, 33),
        ("hangup", HungUp, 5),
        ("late", Canceled, 10),
        ("lossy", Accepted, 3),
        ("notfound", Rejected, 1),
        ("redirect", Rejected, 1),
        ("ring", Canceled, 10),
        ("silent", Failed, 33),
        ("slow", Accepted, 9),
    ] {
        for transport in [Transport::Udp, Transport::Ws] {
            let mut pair = Pair::new(transport, 0, 1);
            let id = pair.request(Method::Invite, user);
            pair.run(Duration::from_millis(900));
            if matches!(user, "ring" | "late") {
                assert_eq!(pair.status().state, State::Proceeding);
                pair.client.cancel(pair.now, id, CancelOptions::default()).unwrap();
                pair.collect();
                // `late` was answered: ACK and BYE, and the user's wish was granted all the same.
                pair.run(Duration::from_secs(1));
                assert!(pair.status().ended, "{user} {transport}: {:?}", pair.status());
            } else {
                wait_for(&mut pair, state, seconds);
            }
            if state == Accepted {
                let legs = if user == "fork" { 2 } else { 1 };
                pair.run(Duration::from_secs(1));
                assert_eq!(pair.status().legs_up, legs, "{user} {transport}");
                pair.client.hang_up(pair.now, id).unwrap();
                pair.collect();
                // A lossy user loses the ACK and the BYE twice, too.
                wait_for(&mut pair, HungUp, 20);
            }
            pair.run(Duration::from_secs(150));
            assert!(pair.status().ended, "{user} {transport}");
            assert!(pair.client.is_idle() && pair.server.is_empty(), "{user} {transport}");
        }
    }
}

#[test]
fn every_user_answers_an_options() {
    for (user, state) in [
        ("answer", State::Accepted),
        ("busy", State::Rejected),
        ("lossy", State::Accepted),
        ("slow", State::Accepted),
        ("silent", State::Failed),
        ("garbled", State::Failed),
    ] {
        for transport in [Transport::Udp, Transport::Ws] {
            let mut pair = Pair::new(transport, 0, 1);
            pair.request(Method::Options, user);
            wait_for(&mut pair, state, 40);
            pair.run(Duration::from_secs(60));
            assert!(pair.server.is_empty());
        }
    }
}

#[test]
fn calls_come_to_an_end_on_both_sides_whatever_the_network_loses() {
    for seed in 0..30 {
        for user in ["answer", "hangup", "early", "fork", "ring"] {
            let mut pair = Pair::new(Transport::Udp, 20, seed);
            let id = pair.request(Method::Invite, user);
            pair.run(Duration::from_secs(5));
            // Refusals are fine here: the call may have failed by now.
            let _ = pair.client.cancel(pair.now, id, CancelOptions::default());
            let _ = pair.client.hang_up(pair.now, id);
            pair.collect();
            pair.run(Duration::from_secs(300));
            assert!(pair.client.is_idle(), "{user} seed {seed}");
            assert!(pair.server.is_empty(), "{user} seed {seed}");
        }
    }
}
