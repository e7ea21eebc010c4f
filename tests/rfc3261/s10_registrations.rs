//! §10: registrations, as a user agent makes them.

use sipboard::sip::{
    FlowId, HeaderName, Method, NewRegistration, RegistrarAt, RegistrationState, Timing, Transport,
};

use crate::{
    registering::{HOUR, Registering, contact, wanted},
    scripted::{cseq, has, list, text},
    simulation::{FLOW, ms, new_request},
};

#[test]
fn s10_2_the_request_uri_names_the_domain_without_a_user() {
    assert_eq!(Registering::new().last().request_uri(), Some("sip:demo.test"));
}

#[test]
fn s10_2_to_and_from_are_the_address_of_record() {
    let register = Registering::new().last();
    assert_eq!(text(&register, HeaderName::To), "\"Alice\" <sip:alice@demo.test>");
    let from = text(&register, HeaderName::From);
    assert!(from.starts_with("\"Alice\" <sip:alice@demo.test>;tag="), "{from}");
}

#[test]
fn s10_2_all_registers_have_the_same_call_id_and_count_on_by_one() {
    let mut it = Registering::registered();
    for _ in 0..3 {
        it.refresh();
        it.grant(HOUR, &[]);
    }
    it.unregister();
    let all = it.registers();
    let first = &all[0];
    for (place, register) in all.iter().enumerate() {
        assert_eq!(text(register, HeaderName::CallId), text(first, HeaderName::CallId));
        assert_eq!(cseq(register), cseq(first) + place as u32);
    }
}

#[test]
fn s10_2_no_new_register_before_the_last_one_is_answered_or_timed_out() {
    let mut it = Registering::with(Transport::Tcp, wanted());
    it.refresh();
    it.unregister();
    it.refresh();
    it.wait(31.0);
    assert_eq!(it.registers().len(), 1);
}

#[test]
fn s10_2_1_the_contact_is_where_the_user_can_be_reached_on_the_flow() {
    for (transport, expected) in [
        (Transport::Udp, "<sip:alice@192.0.2.1:5060>;"),
        (Transport::Tcp, "<sip:alice@192.0.2.1:5060;transport=tcp>;"),
        (Transport::Tls, "<sip:alice@192.0.2.1:5060;transport=tls>;"),
    ] {
        let contact = contact(&Registering::with(transport, wanted()).last());
        assert!(contact.starts_with(expected), "{contact}");
    }
}

#[test]
fn s10_2_1_an_address_of_record_of_sips_has_a_contact_of_sips() {
    let mut wanted = wanted();
    wanted.identity.uri = "sips:alice@demo.test".parse().unwrap();
    let register = Registering::with(Transport::Tls, wanted).last();
    assert_eq!(register.request_uri(), Some("sips:demo.test"));
    assert!(contact(&register).starts_with("<sips:alice@"));
}

#[test]
fn s10_2_1_1_the_register_says_how_long_the_binding_should_last() {
    let register =
        Registering::with(Transport::Udp, NewRegistration { expires: 120, ..wanted() }).last();
    assert_eq!(text(&register, HeaderName::Expires), "120");
}

#[test]
fn s10_2_2_a_binding_is_removed_by_an_expiry_of_0_for_our_own_contact_only() {
    let mut it = Registering::registered();
    let registered = contact(&it.last());
    it.unregister();
    let register = it.last();
    assert_eq!(text(&register, HeaderName::Expires), "0");
    assert_eq!(contact(&register), registered);
    assert_eq!(list(&register, HeaderName::Contact).len(), 1);
}

#[test]
fn s10_2_3_the_bindings_of_others_are_told_with_ours_marked() {
    let mut it = Registering::new();
    let ours = format!("{};expires=100", contact(&it.last()));
    it.answer(
        200,
        &[
            (HeaderName::Contact, "<sip:alice@desk.test>;expires=50;q=0.5"),
            (HeaderName::Contact, &ours),
        ],
    );
    let grant = it.granted();
    let told: Vec<_> = grant
        .bindings
        .iter()
        .map(|binding| {
            let left = binding.until.unwrap() - it.sim.now;
            (&*binding.uri, binding.ours, left.as_secs_f64().round() as u64, binding.q)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("sip:alice@desk.test", false, 50, Some(500)),
            ("sip:alice@192.0.2.1:5060", true, 100, None)
        ]
    );
}

#[test]
fn s10_2_4_the_time_granted_to_our_contact_is_what_counts() {
    let mut it = Registering::new();
    let ours = format!("{};expires=100", contact(&it.last()));
    it.answer(
        200,
        &[
            (HeaderName::Contact, "<sip:alice@desk.test>;expires=9"),
            (HeaderName::Contact, &ours),
            (HeaderName::Expires, "1000"),
        ],
    );
    assert_eq!(it.told(), ("registered", Some(100)));
}

#[test]
fn s10_2_4_without_a_time_of_its_own_expires_is_what_counts() {
    let mut it = Registering::new();
    let ours = contact(&it.last());
    it.answer(200, &[(HeaderName::Contact, &ours), (HeaderName::Expires, "1000")]);
    assert_eq!(it.told(), ("registered", Some(1000)));
}

#[test]
fn s10_2_4_without_any_time_what_was_asked_for_is_what_counts() {
    let mut it = Registering::new();
    let ours = contact(&it.last());
    it.answer(200, &[(HeaderName::Contact, &ours)]);
    assert_eq!(it.told(), ("registered", Some(HOUR)));
}

#[test]
fn s10_2_4_the_binding_is_refreshed_before_it_ends() {
    for (granted, at) in [(3600, 3240.0), (600, 536.0), (60, 30.0), (2, 1.0)] {
        let mut it = Registering::new();
        it.grant(granted, &[]);
        it.wait(at - 0.1);
        assert_eq!(it.registers().len(), 1, "{granted}");
        it.wait(0.2);
        assert_eq!(it.registers().len(), 2, "{granted}");
        it.grant(granted, &[]);
        assert_eq!(it.told(), ("registered", Some(granted)));
    }
}

#[test]
fn s10_2_6_a_registrar_is_reached_as_any_other_request_is() {
    let mut it = Registering::new();
    it.add_flow(FlowId(2), Transport::Tcp, "192.0.2.1:40000");
    it.sim.with(|ua, now| ua.register(now, RegistrarAt::Flow(FlowId(2)), wanted()));
    let via = text(&it.last(), HeaderName::Via);
    assert!(via.starts_with("SIP/2.0/TCP 192.0.2.1:40000"), "{via}");
}

#[test]
fn s10_2_7_a_register_without_an_answer_times_out() {
    let mut it = Registering::new();
    it.wait(Timing::default().patience().as_secs_f64() + 1.0);
    let RegistrationState::Failed { reason, .. } = it.state() else { panic!() };
    assert!(reason.contains("within 32 s"), "{reason}");
}

#[test]
fn s10_2_7_a_register_is_repeated_like_any_request_but_invite() {
    let mut it = Registering::new();
    it.sim.run(ms(8_000));
    assert_eq!(it.times(), [0.0, 0.5, 1.5, 3.5, 7.5]);
}

#[test]
fn s10_2_8_a_423_is_answered_by_asking_for_min_expires() {
    let mut it = Registering::with(Transport::Udp, NewRegistration { expires: 60, ..wanted() });
    it.answer(423, &[(HeaderName::MinExpires, "300")]);
    assert_eq!(text(&it.last(), HeaderName::Expires), "300");
    it.grant(300, &[]);
    assert_eq!(it.told(), ("registered", Some(300)));
    it.refresh();
    assert_eq!(text(&it.last(), HeaderName::Expires), "300", "it is remembered");
}

#[test]
fn s10_2_8_a_423_that_asks_for_no_more_than_was_asked_for_is_a_failure() {
    for least in ["3600", "0", "x", "4294967296"] {
        let mut it = Registering::new();
        it.answer(423, &[(HeaderName::MinExpires, least)]);
        assert_eq!((it.registers().len(), it.told().0), (1, "failed"), "{least}");
    }
}

#[test]
fn s20_33_retry_after_is_waited_for() {
    let mut it = Registering::with(Transport::Tcp, wanted());
    it.answer(503, &[(HeaderName::RetryAfter, "300 (maintenance);duration=60")]);
    it.wait(299.0);
    assert_eq!(it.registers().len(), 1);
    it.wait(32.0);
    assert_eq!(it.registers().len(), 2);
}

#[test]
fn s8_1_2_the_outbound_proxies_are_the_preloaded_route_of_every_request() {
    let mut wanted = wanted();
    let proxies = ["sip:p1.test;lr", "sip:p2.test;lr"].map(|text| text.parse().unwrap());
    let profile = std::sync::Arc::make_mut(&mut wanted.profile);
    profile.ways_out = vec![proxies.to_vec()];
    let profile = wanted.profile.clone();
    let mut it = Registering::with(Transport::Udp, wanted);
    let routes = ["<sip:p1.test;lr>", "<sip:p2.test;lr>"];
    assert_eq!(list(&it.last(), HeaderName::Route), routes);
    assert_eq!(it.last().request_uri(), Some("sip:demo.test"));
    let mut request = new_request(Method::Options, "sip:bob@demo.test");
    request.profile = Some(profile);
    it.sim.with(|ua, now| ua.request(now, FLOW, request.clone()));
    assert_eq!(list(&it.sim.sent.last().unwrap().1, HeaderName::Route), routes);
    // What the user names is what counts.
    request.route_set = vec!["sip:other.test;lr".parse().unwrap()];
    it.sim.with(|ua, now| ua.request(now, FLOW, request));
    assert_eq!(list(&it.sim.sent.last().unwrap().1, HeaderName::Route), ["<sip:other.test;lr>"]);
}

#[test]
fn s10_3_a_register_by_hand_is_a_plain_request() {
    let mut it = Registering::registered();
    let request = new_request(Method::Register, "sip:demo.test");
    it.sim.with(|ua, now| ua.request(now, FLOW, request));
    let by_hand = it.last();
    assert!(!has(&by_hand, HeaderName::Expires));
    it.answer(403, &[]);
    assert_eq!(it.told(), ("registered", Some(HOUR)), "it is no business of what is kept");
}
