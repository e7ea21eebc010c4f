//! RFC 6223: keep-alives that are negotiated in Via, and RFC 5626 §4.4 in Flow-Timer.

#[path = "registering/mod.rs"]
mod registering;
#[path = "scripted/mod.rs"]
mod scripted;
#[path = "simulation/mod.rs"]
mod simulation;

use std::time::Duration;

use sipboard::sip::{
    HeaderName, KeepAliveBy, Message, MessageBuilder, Method, Settings, Transport,
};

use crate::{
    registering::{HOUR, Registering, contact, wanted},
    scripted::{Call, Silent, text},
    simulation::{FLOW, Link, Simulation, ms, new_request, response_with},
};

/// A flow that is kept alive.
fn kept(transport: Transport) -> Simulation<Silent> {
    let settings = Settings::default();
    let mut sim = Simulation::with_settings(settings, transport, Link::PERFECT, 1, Silent);
    sim.ua.flow_keeps_alive(FLOW, true);
    sim
}

fn via(message: &Message) -> String {
    text(message, HeaderName::Via).to_owned()
}

/// The top Via of the last request with a value for `keep`.
fn granting(sim: &mut Simulation<Silent>, status: u16, seconds: &str) {
    let (_, request) = sim.sent.last().expect("a request was sent").clone();
    let bytes = response_with(&request, status, "b", |builder: MessageBuilder| builder);
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    sim.peer_sends(text.replacen(";keep", &format!(";keep={seconds}"), 1).into());
    sim.run(ms(5));
}

#[test]
fn s4_2_what_makes_a_binding_or_a_dialog_asks_and_nothing_else_does() {
    for (method, asks) in [
        (Method::Invite, true),
        (Method::Subscribe, true),
        (Method::Register, true),
        (Method::Options, false),
        (Method::Message, false),
    ] {
        let mut sim = kept(Transport::Tcp);
        sim.with(|ua, now| ua.request(now, FLOW, new_request(method.clone(), "sip:b@demo.test")));
        let via = via(&sim.sent.last().unwrap().1);
        assert_eq!(via.ends_with(";keep"), asks, "{method}: {via}");
    }
}

#[test]
fn s4_2_a_flow_that_is_not_kept_alive_does_not_ask() {
    let call = Call::with(
        Settings::default(),
        Transport::Tcp,
        new_request(Method::Invite, "sip:b@demo.test"),
    );
    assert!(!via(&call.last()).contains("keep"));
}

#[test]
fn s4_3_the_value_in_a_2xx_or_18x_is_the_interval_and_is_told_once() {
    for (status, told) in [(200, true), (180, true), (100, false), (486, false)] {
        let mut sim = kept(Transport::Ws);
        sim.with(|ua, now| ua.request(now, FLOW, new_request(Method::Invite, "sip:b@demo.test")));
        granting(&mut sim, status, "30");
        granting(&mut sim, status, "30");
        let asked: Vec<_> = sim.kept_alive.iter().map(|it| (it.interval, it.by)).collect();
        let expected = [(Duration::from_secs(30), KeepAliveBy::Keep)];
        assert_eq!(asked, expected[..usize::from(told)], "{status}");
    }
}

#[test]
fn s4_3_zero_recommends_nothing_and_a_value_that_is_no_number_says_nothing() {
    for value in ["0", "soon", "-1"] {
        let mut sim = kept(Transport::Udp);
        sim.with(|ua, now| ua.request(now, FLOW, new_request(Method::Invite, "sip:b@demo.test")));
        granting(&mut sim, 200, value);
        assert_eq!(sim.kept_alive, [], "{value}");
    }
}

#[test]
fn rfc5626_s4_4_the_flow_timer_of_a_registrar_goes_before_keep() {
    let mut it = Registering::with(Transport::Tcp, wanted());
    it.sim.ua.flow_keeps_alive(FLOW, true);
    it.grant(HOUR, &[(HeaderName::FlowTimer, "90")]);
    let asked: Vec<_> = it.sim.kept_alive.iter().map(|it| (it.interval, it.by)).collect();
    assert_eq!(asked, [(Duration::from_secs(90), KeepAliveBy::FlowTimer)]);
    it.refresh();
    assert!(via(&it.last()).ends_with(";keep"));
    let binding = format!("{};expires=60", contact(&it.last()));
    it.answer(403, &[(HeaderName::FlowTimer, "5"), (HeaderName::Contact, &binding)]);
    assert_eq!(it.sim.kept_alive.len(), 1, "a rejection grants no flow");
}
