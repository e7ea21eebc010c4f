//! RFC 5626, SIP Outbound: instances and flows. One test a requirement.

#[path = "registering/mod.rs"]
mod registering;
#[path = "scripted/mod.rs"]
mod scripted;
#[path = "simulation/mod.rs"]
mod simulation;

use std::{num::NonZeroU32, sync::Arc};

use sipboard::sip::{
    Credentials, FlowId, HeaderName, Method, NewRegistration, Profile, RegistrarAt,
    RegistrationState, Transport,
};

use crate::{
    registering::{INSTANCE, Registering, contact, wanted},
    scripted::{list, text},
    simulation::{FLOW, ms, new_request, response_with},
};

#[test]
fn s4_1_the_contact_has_the_instance_as_a_urn_in_angle_brackets_and_quotes() {
    let contact = contact(&Registering::new().last());
    assert!(contact.contains(&format!(";+sip.instance=\"<{INSTANCE}>\"")), "{contact}");
}

#[test]
fn s4_1_the_instance_stays_the_same_through_a_reconnect() {
    let mut it = Registering::registered_with(Transport::Ws, wanted(), &[]);
    it.flow_down();
    it.flow_up(Transport::Ws);
    for register in it.registers() {
        assert!(contact(&register).contains(INSTANCE));
    }
}

#[test]
fn s4_2_1_the_first_flow_has_the_reg_id_1_and_supports_path_and_outbound() {
    let register = Registering::new().last();
    assert!(contact(&register).ends_with(";reg-id=1"), "{}", contact(&register));
    assert_eq!(list(&register, HeaderName::Supported), ["path", "outbound", "gruu"]);
}

#[test]
fn s4_2_1_each_flow_has_a_reg_id_and_a_call_id_of_its_own_and_the_same_instance() {
    let mut it = Registering::new();
    it.add_flow(FlowId(2), Transport::Tcp, "192.0.2.1:40000");
    let second = NewRegistration { reg_id: NonZeroU32::new(2).unwrap(), ..wanted() };
    it.sim.with(|ua, now| ua.register(now, RegistrarAt::Flow(FlowId(2)), second));
    let [one, two] = &it.registers()[..] else { panic!("two REGISTERs") };
    assert!(contact(two).ends_with(";reg-id=2") && contact(two).contains(INSTANCE));
    assert_ne!(text(one, HeaderName::CallId), text(two, HeaderName::CallId));
}

#[test]
fn s4_2_1_a_registration_without_an_instance_has_no_reg_id() {
    let it = Registering::with(Transport::Udp, NewRegistration { instance: None, ..wanted() });
    assert_eq!(contact(&it.last()), "<sip:alice@192.0.2.1:5060>");
}

#[test]
fn s4_2_1_no_register_has_more_than_one_contact() {
    let mut it = Registering::registered();
    it.refresh();
    it.grant(60, &[]);
    it.unregister();
    for register in it.registers() {
        assert_eq!(list(&register, HeaderName::Contact).len(), 1);
    }
}

#[test]
fn s4_3_a_request_that_makes_a_dialog_asks_for_its_flow_where_the_registrar_keeps_it() {
    for (headers, expected) in [
        (&[(HeaderName::Require, "outbound")][..], "<sip:alice@192.0.2.1:5060;ob>"),
        (&[], "<sip:alice@192.0.2.1:5060>"),
    ] {
        let mut it = Registering::registered_with(Transport::Udp, wanted(), headers);
        let mut send = |method: Method, profile: &str| {
            let mut request = new_request(method, "sip:bob@demo.test");
            request.profile = Some(Arc::new(Profile::new(profile)));
            it.sim.with(|ua, now| ua.request(now, FLOW, request));
            contact(&it.sim.sent.last().unwrap().1)
        };
        for method in [Method::Invite, Method::Subscribe, Method::Refer] {
            assert_eq!(send(method, "alice"), expected);
        }
        // Neither what makes no dialog, nor another account, nor a REGISTER.
        assert_eq!(send(Method::Options, "alice"), "<sip:alice@192.0.2.1:5060>");
        assert_eq!(send(Method::Invite, "bob"), "<sip:alice@192.0.2.1:5060>");
        it.refresh();
        assert!(!contact(&it.last()).contains(";ob"));
    }
}

#[test]
fn s4_3_the_same_request_sent_again_asks_for_its_flow_once_more() {
    let mut it = Registering::registered_with(
        Transport::Udp,
        wanted(),
        &[(HeaderName::Require, "outbound")],
    );
    let mut request = new_request(Method::Invite, "sip:bob@demo.test");
    request.profile = Some(wanted().profile);
    request.credentials = Some([Credentials::new("alice", "secret")].into());
    it.sim.with(|ua, now| ua.request(now, FLOW, request));
    let invite = it.sim.sent.last().unwrap().1.clone();
    let challenge = response_with(&invite, 401, "b", |builder| {
        builder.header(HeaderName::WwwAuthenticate, "Digest realm=\"b.test\", nonce=\"n\"")
    });
    it.sim.peer_sends(challenge);
    it.sim.run(ms(5));
    let again = it.sim.sent.iter().rev().find(|(_, message)| {
        message.method() == Some(Method::Invite)
            && message.header(HeaderName::Authorization).is_some()
    });
    assert_eq!(contact(&again.unwrap().1), "<sip:alice@192.0.2.1:5060;ob>");
}

#[test]
fn s4_5_a_failed_flow_waits_for_30_to_1800_seconds_and_at_least_half_of_that() {
    let mut it = Registering::new();
    it.answer(503, &[]);
    let RegistrationState::Failed { retry_at: Some(at), .. } = it.state() else { panic!() };
    let wait = (at - it.sim.now).as_secs_f64();
    assert!((14.9..=30.0).contains(&wait), "{wait}");
}

#[test]
fn s6_a_registrar_that_keeps_flows_says_so_by_requiring_outbound() {
    let with = [(HeaderName::Require, "outbound")];
    assert!(Registering::registered_with(Transport::Tcp, wanted(), &with).granted().outbound);
    assert!(!Registering::registered().granted().outbound);
}

#[test]
fn s4_4_a_flow_of_datagrams_that_was_refused_has_failed_and_its_binding_stands_no_more() {
    let mut it = Registering::registered();
    it.wait(100.0);
    it.refused();
    assert_eq!(it.told(), ("waiting", Some(3500)));
    it.wait(3000.0);
    assert_eq!(it.registers().len(), 1, "it is tried when whoever keeps the flow says so");
    it.sim.with(|ua, now| ua.try_flow(now, FLOW));
    assert_eq!((it.registers().len(), it.told().0), (2, "trying"));
    it.refused();
    assert_eq!(it.told().0, "waiting");
    it.sim.with(|ua, now| ua.try_flow(now, FLOW));
    it.grant(3600, &[]);
    assert_eq!((it.registers().len(), it.told()), (3, ("registered", Some(3600))));
    it.sim.with(|ua, now| ua.try_flow(now, FLOW));
    assert_eq!(it.registers().len(), 3, "nothing waits for it");
}

#[test]
fn s4_4_a_refusal_while_a_refresh_is_under_way_takes_the_tick_away() {
    let mut it = Registering::registered();
    it.refresh();
    assert_eq!(it.told().0, "refreshing");
    it.refused();
    assert_eq!(it.told().0, "waiting");
    assert!(it.sim.ua.comes_back_to(FLOW));
    // One that nobody answers leaves the back-off to the registration (RFC 5626 §4.5).
    it.sim.with(|ua, now| ua.try_flow(now, FLOW));
    it.wait(33.0);
    assert_eq!(it.told().0, "failed");
    it.wait(31.0);
    assert_eq!((it.told().0, it.registers().len() > 3), ("trying", true));
}

#[test]
fn s4_4_what_was_refused_elsewhere_leaves_the_registration_as_it_is() {
    let mut it = Registering::registered();
    let elsewhere = "192.0.2.99:5060".parse().unwrap();
    it.sim.with(|ua, now| ua.datagram_refused(now, FLOW, elsewhere, "connection refused"));
    assert_eq!(it.told().0, "registered");
}

#[test]
fn s4_4_a_registration_that_was_forbidden_does_not_come_back_with_its_flow() {
    let mut it = Registering::new();
    it.answer(403, &[]);
    it.refused();
    assert!(!it.sim.ua.comes_back_to(FLOW));
    it.sim.with(|ua, now| ua.try_flow(now, FLOW));
    assert_eq!((it.registers().len(), it.told().0), (1, "failed"));
}

#[test]
fn s4_5_a_connection_that_is_back_is_not_registered_on_before_its_register_is_answered() {
    let mut it = Registering::registered_with(Transport::Tcp, wanted(), &[]);
    it.flow_down();
    it.flow_up(Transport::Tcp);
    assert_eq!((it.registers().len(), it.told().0), (2, "trying"));
    it.grant(3600, &[]);
    assert_eq!(it.told().0, "registered");
}

#[test]
fn s4_3_an_account_goes_out_by_the_flow_that_has_not_failed() {
    let mut it = Registering::registered();
    it.add_flow(FlowId(2), Transport::Udp, "192.0.2.1:40000");
    let way = "sip:edge2.demo.test;lr".parse().unwrap();
    let profile = Arc::new(Profile { ways_out: vec![vec![way]], ..Profile::new("alice") });
    let second = NewRegistration { reg_id: NonZeroU32::new(2).unwrap(), profile, ..wanted() };
    it.id = it.sim.with(|ua, now| ua.register(now, RegistrarAt::Flow(FlowId(2)), second.clone()));
    let granted = contact(&it.last()) + ";expires=3600";
    let ok = response_with(&it.last(), 200, "r", |builder| {
        let builder = builder.header(HeaderName::Contact, &granted);
        builder.header(HeaderName::ServiceRoute, "<sip:second.demo.test;lr>")
    });
    let from = "192.0.2.2:5060".parse().unwrap();
    it.sim.with(|ua, now| ua.handle_message(now, FlowId(2), from, ok));
    let mut request = new_request(Method::Options, "sip:bob@demo.test");
    request.profile = Some(second.profile);
    assert_eq!(it.told().0, "registered");
    assert_eq!(it.sim.ua.routes(&request).len(), 1, "the first flow gave no route");
    it.refused();
    assert_eq!(it.sim.ua.routes(&request).len(), 2);
}
