//! Identifiers never collide, however many requests one user agent sends (RFC 3261 §8.1.1.7,
//! §19.3).

use std::{collections::HashSet, net::SocketAddr, time::Instant};

use bytes::Bytes;
use sipboard::sip::{
    Event, Fact, FlowId, HeaderName, Identity, Message, Method, NewRequest, Output,
    ResponseBuilder, Settings, StatusCode, Transport, UserAgent,
};

const FLOW: FlowId = FlowId(1);
/// How many requests wait for their answer at once.
const IN_FLIGHT: usize = 10_000;
/// Unoptimised a million take too long.
const REQUESTS: usize = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };

fn user_agent(now: Instant, seed: u64) -> UserAgent {
    let mut ua = UserAgent::new(Settings::default(), seed);
    ua.flow_connecting(FLOW, Transport::Ws);
    ua.flow_up(now, FLOW, source());
    ua
}

fn source() -> SocketAddr {
    "192.0.2.2:5060".parse().unwrap()
}

fn options() -> NewRequest {
    let from =
        Identity { display_name: String::new(), uri: "sip:alice@demo.test".parse().unwrap() };
    NewRequest::new(Method::Options, "sip:demo.test".parse().unwrap(), from)
}

/// Takes what was sent; counts what was accepted and ended.
fn drain(ua: &mut UserAgent, sent: &mut Vec<Bytes>) -> (usize, usize) {
    let (mut accepted, mut ended) = (0, 0);
    while let Some(output) = ua.poll_output() {
        match output {
            Output::Transmit(transmit) => sent.push(transmit.bytes),
            Output::Event(Event::Context(event)) => match event.fact {
                Fact::Accepted { again: false, .. } => accepted += 1,
                Fact::Ended { .. } => ended += 1,
                _ => {}
            },
            Output::Connect(connect) => panic!("nothing is looked up here: {connect:?}"),
            Output::Switch(switch) => panic!("nothing is that large here: {switch:?}"),
            Output::Follow(follow) => panic!("nothing goes elsewhere here: {follow:?}"),
            Output::Settled(id) => panic!("nothing goes elsewhere here: {id:?}"),
            Output::Reconnect(flow) => panic!("no dialog here: {flow:?}"),
            Output::KeepAlive(_) => {}
            Output::Event(Event::Registration(_)) => {}
            Output::Event(Event::Outside(outside)) => panic!("nobody asks: {outside:?}"),
            Output::Event(Event::Stray(stray)) => panic!("a response is lost: {}", stray.problem),
        }
    }
    (accepted, ended)
}

#[test]
fn with_ten_thousand_requests_in_flight_no_response_is_lost() {
    let now = Instant::now();
    let mut ua = user_agent(now, 1);
    let (mut accepted, mut ended) = (0, 0);
    for _ in 0..REQUESTS / IN_FLIGHT {
        let mut sent = Vec::with_capacity(IN_FLIGHT);
        for _ in 0..IN_FLIGHT {
            ua.request(now, FLOW, options());
            drain(&mut ua, &mut sent);
        }
        assert_eq!(sent.len(), IN_FLIGHT);
        for request in sent {
            let request = Message::read(request).unwrap();
            let answer = ResponseBuilder::new(&request, source(), StatusCode::OK).to_tag("b");
            ua.handle_message(now, FLOW, source(), answer.build());
            let (more, over) = drain(&mut ua, &mut Vec::new());
            (accepted, ended) = (accepted + more, ended + over);
        }
    }
    assert_eq!((accepted, ended), (REQUESTS, REQUESTS));
    assert_eq!(ua.contexts(), 0);
}

/// The hexadecimal digits that the identifiers of `count` requests are made of.
fn identifiers(seed: u64, count: usize) -> Vec<[String; 3]> {
    let now = Instant::now();
    let mut ua = user_agent(now, seed);
    let mut sent = Vec::new();
    for _ in 0..count {
        ua.request(now, FLOW, options());
        drain(&mut ua, &mut sent);
    }
    let identifiers = sent.into_iter().map(|bytes| {
        let message = Message::read(bytes).unwrap();
        let branch = message.via().unwrap().branch().unwrap().to_owned();
        let tag = message.from().unwrap().tag().unwrap().to_owned();
        let call_id = message.header(HeaderName::CallId).unwrap().text().unwrap().to_owned();
        [branch.strip_prefix("z9hG4bK").unwrap().to_owned(), tag, call_id]
    });
    identifiers.collect()
}

#[test]
fn branches_tags_and_call_ids_have_at_least_64_random_bits() {
    let count = 4_000;
    let all = identifiers(7, count);
    for (kind, name) in ["branch", "tag", "Call-ID"].into_iter().enumerate() {
        let values: Vec<&str> = all.iter().map(|three| &*three[kind]).collect();
        let distinct: HashSet<&str> = values.iter().copied().collect();
        assert_eq!(distinct.len(), count, "{name}");
        let digits = values[0].len();
        assert!(digits * 4 >= 64, "{name} has {digits} digits");
        // Each bit is one in about half of them: four standard deviations and more are left.
        for bit in 0..digits * 4 {
            let ones = values
                .iter()
                .filter(|value| {
                    let digit = value.as_bytes()[bit / 4] as char;
                    digit.to_digit(16).unwrap() >> (bit % 4) & 1 == 1
                })
                .count();
            assert!((count * 45 / 100..=count * 55 / 100).contains(&ones), "bit {bit} of {name}");
        }
    }
}

#[test]
fn another_seed_gives_other_identifiers_and_the_same_the_same() {
    assert_eq!(identifiers(1, 10), identifiers(1, 10));
    let (one, other) = (identifiers(1, 10), identifiers(2, 10));
    let shared = one.iter().flatten().filter(|value| other.iter().flatten().any(|v| v == *value));
    assert_eq!(shared.count(), 0);
}
