//! Registrations whose UDP flow fails (RFC 5626 §4.4): tried again with back-off until a REGISTER is
//! answered, and never said to stand before.

use std::{net::SocketAddr, sync::Arc};

use sipboard::{
    engine::{Account, Command, Event, FlowEvent, FlowState, Register},
    sip::{self, HeaderName, Method, RegistrationState},
    transport::ServerUri,
};

use crate::{registrar::*, support::*};

/// A server that goes away: its address, and its name in a URI.
fn leaves(peer: UdpPeer) -> (SocketAddr, ServerUri) {
    (peer.socket.local_addr().unwrap(), peer.server.clone())
}

impl Front {
    /// A request finds out that nobody is there.
    async fn is_refused(&mut self, server: &ServerUri) {
        self.send(request(Method::Options), server).await;
        self.ended().await;
    }

    /// Waits until a flow is down; gives the event.
    async fn down(&mut self) -> FlowEvent {
        loop {
            let event = self.flow().await;
            if let FlowState::Down { .. } = event.state {
                return event;
            }
        }
    }

    /// What was told of registrations since that event, in short words.
    fn told_since(&self, event: &FlowEvent) -> Vec<String> {
        let since = self.log.iter().skip_while(|it| !matches!(it, Event::Flow(it) if it == event));
        let state = |event: &Event| match event {
            Event::Sip(sip::Event::Registration(event)) => {
                let state = format!("{:?}", event.state);
                let word = state.split([' ', '{']).next().unwrap().to_owned();
                Some(format!("{} {word}", event.account))
            }
            _ => None,
        };
        since.filter_map(state).collect()
    }
}

#[tokio::test]
async fn a_udp_account_is_registered_again_when_its_server_is_back_and_not_said_to_be_before() {
    let peer = UdpPeer::new().await;
    let mut front = Front::new();
    front.command(all([registered("alice", &peer.server)])).await;
    let first = peer.registrar().await;
    front.registration("alice", "Registered").await;
    let (address, server) = leaves(peer);
    front.is_refused(&server).await;
    let down = front.log.iter().rev().find_map(|event| match event {
        Event::Flow(event @ FlowEvent { state: FlowState::Down { .. }, .. }) => Some(event.clone()),
        _ => None,
    });
    let down = down.expect("the refusal took the flow down");
    let FlowState::Down { reason, retry_at: Some(at), .. } = &down.state else {
        panic!("{down:?}")
    };
    assert_eq!(*reason, format!("udp {address} cannot be reached: connection refused"));
    let wait = (*at - down.at).as_secs_f64();
    assert!((0.75..=1.0).contains(&wait), "{wait}");

    // Nobody is there at the first try either.
    let second = front.down().await;
    let FlowState::Down { retry_at: Some(at), .. } = &second.state else { panic!("{second:?}") };
    let wait = (*at - second.at).as_secs_f64();
    assert!((1.5..=2.0).contains(&wait), "{wait}");
    let peer = UdpPeer::at(address).await;
    let again = peer.registrar().await;
    assert_eq!(text(&first, HeaderName::CallId), text(&again, HeaderName::CallId));
    front.registration("alice", "Registered").await;
    let told = front.told_since(&down);
    let expected = ["Waiting", "Trying", "Waiting", "Trying", "Registered"];
    assert_eq!(told, expected.map(|word| format!("alice {word}")));
    let flows = front.story().into_iter().filter(|word| word.starts_with("flow"));
    assert_eq!(
        flows.collect::<Vec<_>>(),
        ["connecting", "up", "down", "down", "up"].map(|word| format!("flow 1 {word}"))
    );
    front.quit().await;
}

#[tokio::test]
async fn what_goes_through_before_the_retry_has_every_account_of_the_flow_registered_at_once() {
    let peer = UdpPeer::new().await;
    let mut front = Front::new();
    let quiet = Account { register: Register::No, ..registered("carol", &peer.server) };
    let accounts = ["alice", "bob"].map(|name| registered(name, &peer.server));
    front.command(all(accounts.into_iter().chain([quiet]))).await;
    peer.registrar().await;
    peer.registrar().await;
    front.registration("bob", "Registered").await;
    let (address, server) = leaves(peer);
    front.is_refused(&server).await;
    front.registration("alice", "Waiting").await;
    front.registration("bob", "Waiting").await;
    let peer = UdpPeer::at(address).await;
    front.send(request(Method::Options), &server).await;
    let (mut names, mut options) = (Vec::new(), 0);
    while names.len() < 2 || options < 1 {
        let (asked, from) = peer.take().await;
        let status = match asked.method() {
            Some(Method::Register) => {
                names.push(user(&asked));
                granted(&asked)
            }
            _ => {
                options += 1;
                "200 OK".to_owned()
            }
        };
        peer.socket.send_to(&response(&asked, &status), from).await.unwrap();
    }
    names.sort();
    assert_eq!(names, ["alice", "bob"], "and carol is not");
    front.registration("bob", "Registered").await;
    front.quit().await;
}

#[tokio::test]
async fn a_flow_that_nothing_is_registered_on_is_down_until_something_goes_through() {
    let peer = UdpPeer::new().await;
    let mut front = Front::new();
    let quiet = Account { register: Register::No, ..registered("alice", &peer.server) };
    front.command(all([quiet])).await;
    let (address, server) = leaves(peer);
    front.is_refused(&server).await;
    let peer = UdpPeer::at(address).await;
    front.send(request(Method::Options), &server).await;
    peer.answer("404 Not Found").await;
    front.ended().await;
    let states: Vec<&str> = front
        .log
        .iter()
        .filter_map(|event| match event {
            Event::Flow(FlowEvent { state, .. }) => Some(match state {
                FlowState::Connecting => "connecting",
                FlowState::Up { .. } => "up",
                FlowState::Down { retry_at: None, .. } => "down",
                FlowState::Down { .. } => "tried again",
                FlowState::Ended => "ended",
            }),
            _ => None,
        })
        .collect();
    assert_eq!(states, ["connecting", "up", "down", "up"]);
    front.quit().await;
}

#[tokio::test]
async fn who_registers_by_hand_does_not_wait_for_the_retry() {
    for server in ["udp", "tcp"] {
        let mut front = Front::new();
        // Nobody is there from the start.
        let gone = std::net::TcpListener::bind(LOOPBACK).unwrap();
        let address = gone.local_addr().unwrap();
        drop(gone);
        let server: ServerUri = format!("sip:{address};transport={server}").parse().unwrap();
        let alice = registered("alice", &server);
        front.command(all([alice.clone()])).await;
        // The waits grow, so that the next is long.
        let mut planned = None;
        for _ in 0..3 {
            if let FlowState::Down { retry_at, .. } = front.down().await.state {
                planned = retry_at;
            }
        }
        front.command(Command::Register(Arc::new(alice))).await;
        let tried = front.find("another try", |event| match event {
            Event::Flow(FlowEvent { at, state: FlowState::Connecting, .. }) => Some(*at),
            Event::Sip(sip::Event::Registration(event))
                if event.state == RegistrationState::Trying =>
            {
                Some(event.at)
            }
            _ => None,
        });
        assert!(tried.await < planned.expect("it was to be tried again"), "{server}");
        front.quit().await;
    }
}

#[tokio::test]
async fn what_is_registered_by_name_is_tried_again_as_well() {
    let peer = UdpPeer::new().await;
    let port = peer.socket.local_addr().unwrap().port();
    let name: ServerUri = format!("sip:localhost:{port};transport=udp").parse().unwrap();
    let mut front = Front::new();
    front.command(all([registered("alice", &name)])).await;
    peer.registrar().await;
    front.registration("alice", "Registered").await;
    let (address, server) = leaves(peer);
    front.is_refused(&server).await;
    front.registration("alice", "Waiting").await;
    front.registration("alice", "Trying").await;
    front.registration("alice", "Waiting").await;
    let peer = UdpPeer::at(address).await;
    peer.registrar().await;
    front.registration("alice", "Registered").await;
    front.quit().await;
}

#[tokio::test]
async fn an_account_that_goes_or_changes_while_its_flow_is_down_is_forgotten_or_made_anew() {
    let peer = UdpPeer::new().await;
    let mut front = Front::new();
    let accounts = ["alice", "bob"].map(|name| registered(name, &peer.server));
    front.command(all(accounts.clone())).await;
    peer.registrar().await;
    peer.registrar().await;
    front.registration("bob", "Registered").await;
    let (address, server) = leaves(peer);
    front.is_refused(&server).await;
    front.registration("bob", "Waiting").await;
    let [_, bob] = accounts;
    front.command(all([Account { expires: 120, ..bob }])).await;
    front.registration("alice", "Gone").await;
    front.registration("bob", "Waiting").await;
    let peer = UdpPeer::at(address).await;
    let register = peer.registrar().await;
    assert_eq!((user(&register), &*text(&register, HeaderName::Expires)), ("bob".into(), "120"));
    front.registration("bob", "Registered").await;
    front.quit().await;
}

#[tokio::test]
async fn leaving_while_the_flow_is_down_says_that_the_binding_was_not_removed() {
    let peer = UdpPeer::new().await;
    let mut front = Front::new();
    front.command(all([registered("alice", &peer.server)])).await;
    peer.registrar().await;
    front.registration("alice", "Registered").await;
    let (_, server) = leaves(peer);
    front.is_refused(&server).await;
    front.registration("alice", "Waiting").await;
    front.command(Command::Quit).await;
    let failed = front.registration("alice", "Failed").await;
    let RegistrationState::Failed { reason, retry_at: None, .. } = failed else {
        panic!("{failed:?}")
    };
    assert!(reason.starts_with("the binding was not removed, and ends by itself"), "{reason}");
    assert!(reason.contains("connection refused"), "{reason}");
    front.stopped().await;
}
