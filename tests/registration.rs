//! Registrations that are kept, as a user sees them.

#[path = "registering/mod.rs"]
mod registering;
#[path = "scripted/mod.rs"]
mod scripted;
#[path = "simulation/mod.rs"]
mod simulation;

use std::sync::Arc;

use sipboard::sip::{
    Credentials, Fact, HeaderName, Method, NewRegistration, Profile, RegistrationState, State,
    Transport,
};

use crate::{
    registering::{HOUR, Registering, wanted},
    scripted::{cseq, text},
    simulation::{FLOW, new_request},
};

#[test]
fn a_registration_is_told_at_every_step() {
    let mut it = Registering::registered();
    it.wait(3241.0);
    it.grant(HOUR, &[]);
    it.unregister();
    it.answer(200, &[]);
    let words: Vec<String> = it
        .sim
        .registrations
        .iter()
        .map(|event| format!("{:?}", event.state))
        .map(|state| state.split([' ', '{']).next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(words, ["Trying", "Registered", "Refreshing", "Registered", "Removing", "Off"]);
    assert!(it.sim.registrations.iter().all(|event| &*event.account == "alice"));
}

#[test]
fn each_register_is_a_context_of_its_account() {
    let mut it = Registering::registered();
    it.refresh();
    it.grant(HOUR, &[]);
    let created: Vec<_> = it
        .sim
        .events
        .iter()
        .filter_map(|event| match &event.fact {
            Fact::Created(created) => Some((event.context.0, created.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(created.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1, 2]);
    for (_, created) in created {
        assert_eq!(created.account.as_deref(), Some("alice"));
        assert_eq!(created.registration, Some(it.id));
    }
}

#[test]
fn a_refresh_now_does_not_wait_for_its_time_and_nothing_is_sent_twice() {
    let mut it = Registering::registered();
    it.refresh();
    it.refresh();
    assert_eq!(it.registers().len(), 2);
    assert_eq!(it.told(), ("refreshing", Some(HOUR)));
    it.grant(60, &[]);
    assert_eq!(it.told(), ("registered", Some(60)));
}

#[test]
fn a_refusal_that_will_not_pass_is_not_repeated_until_the_user_asks() {
    let mut it = Registering::new();
    it.answer(403, &[]);
    let RegistrationState::Failed { reason, status, retry_at, until } = it.state() else {
        panic!("{:?}", it.state());
    };
    assert_eq!(reason, "403 Forbidden");
    assert_eq!((status.unwrap().code(), retry_at, until), (403, None, None));
    it.wait(100_000.0);
    assert_eq!(it.registers().len(), 1);
    it.refresh();
    it.grant(HOUR, &[]);
    assert_eq!(it.told().0, "registered");
}

#[test]
fn a_failed_refresh_leaves_the_binding_for_as_long_as_it_was_granted() {
    let mut it = Registering::registered();
    it.wait(1000.0);
    it.refresh();
    it.answer(503, &[]);
    assert_eq!(it.told(), ("failed", Some(HOUR - 1000)));
}

#[test]
fn failures_back_off_with_jitter_and_a_success_ends_it() {
    let mut it = Registering::new();
    let mut waits = Vec::new();
    for _ in 0..8 {
        it.answer(500, &[]);
        let sent = it.times().len();
        let from = it.sim.now;
        while it.times().len() == sent {
            it.wait(1.0);
        }
        waits.push((it.sim.now - from).as_secs_f64());
    }
    for (wait, whole) in waits.iter().zip([30.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1800.0, 1800.0])
    {
        assert!((whole / 2.0..=whole + 1.0).contains(wait), "{waits:?}");
    }
    it.grant(HOUR, &[]);
    it.refresh();
    it.answer(500, &[]);
    let RegistrationState::Failed { retry_at: Some(at), .. } = it.state() else { panic!() };
    assert!((at - it.sim.now).as_secs_f64() <= 30.0);
}

#[test]
fn a_silent_registrar_is_asked_again() {
    let mut it = Registering::with(Transport::Tcp, wanted());
    it.wait(33.0);
    let RegistrationState::Failed { reason, status: None, retry_at: Some(_), .. } = it.state()
    else {
        panic!("{:?}", it.state());
    };
    assert!(reason.contains("Timer F"), "{reason}");
    it.wait(31.0);
    assert_eq!(it.registers().len(), 2);
}

#[test]
fn a_password_answers_the_challenge_and_the_numbers_count_on() {
    let credentials = Some(Arc::from([Credentials::new("alice", "secret")]));
    let mut it = Registering::with(Transport::Udp, NewRegistration { credentials, ..wanted() });
    it.answer(
        401,
        &[(HeaderName::WwwAuthenticate, "Digest realm=\"r\", nonce=\"1\", qop=\"auth\"")],
    );
    let second = it.last();
    assert!(text(&second, HeaderName::Authorization).contains("uri=\"sip:demo.test\""));
    it.grant(HOUR, &[]);
    it.refresh();
    let numbers: Vec<u32> = it.registers().iter().map(cseq).collect();
    assert_eq!(numbers, [numbers[0], numbers[0] + 1, numbers[0] + 2]);
    // The same nonce, ahead of any challenge, with its count.
    assert!(text(&it.last(), HeaderName::Authorization).contains("nc=00000002"));
    it.answer(
        401,
        &[(
            HeaderName::WwwAuthenticate,
            "Digest realm=\"r\", nonce=\"2\", qop=\"auth\", stale=true",
        )],
    );
    assert!(text(&it.last(), HeaderName::Authorization).contains("nonce=\"2\""));
    it.grant(HOUR, &[]);
    assert_eq!(it.told(), ("registered", Some(HOUR)));
}

#[test]
fn a_wrong_password_is_tried_once_and_said() {
    let credentials = Some(Arc::from([Credentials::new("alice", "wrong")]));
    let mut it = Registering::with(Transport::Udp, NewRegistration { credentials, ..wanted() });
    for nonce in ["1", "2"] {
        let challenge = format!("Digest realm=\"r\", nonce=\"{nonce}\"");
        it.answer(401, &[(HeaderName::WwwAuthenticate, &challenge)]);
    }
    it.wait(10_000.0);
    assert_eq!(it.registers().len(), 2);
    assert_eq!(it.told().0, "failed");
}

#[test]
fn the_graceful_end_waits_for_the_binding_to_be_removed() {
    let mut it = Registering::registered();
    assert!(it.sim.ua.is_idle());
    it.sim.with(|ua, now| ua.shut_down(now));
    assert!(!it.sim.ua.is_idle());
    assert_eq!(text(&it.last(), HeaderName::Expires), "0");
    it.answer(200, &[]);
    assert!(it.sim.ua.is_idle());
    assert_eq!(it.told().0, "off");
}

#[test]
fn an_end_that_waits_for_nobody_leaves_nothing_behind() {
    let mut it = Registering::registered();
    it.sim.with(|ua, now| {
        ua.shut_down(now);
        ua.abandon(now);
    });
    assert!(it.sim.ua.is_idle());
    it.wait(100_000.0);
    let held = it.sim.ua.held();
    assert_eq!((held.contexts, held.client_transactions, held.deadlines), (0, 0, 0));
}

#[test]
fn without_a_binding_nothing_is_removed() {
    let mut it = Registering::new();
    it.answer(403, &[]);
    it.unregister();
    assert_eq!(it.registers().len(), 1);
    assert_eq!(it.told().0, "off");
}

#[test]
fn a_binding_that_comes_while_it_is_unwanted_is_removed_at_once() {
    let mut it = Registering::new();
    it.unregister();
    assert_eq!(it.registers().len(), 1);
    it.grant(HOUR, &[]);
    assert_eq!(text(&it.last(), HeaderName::Expires), "0");
    it.answer(200, &[]);
    assert_eq!(it.told().0, "off");
}

#[test]
fn a_forgotten_registration_is_removed_and_then_gone() {
    let mut it = Registering::registered();
    let id = it.id;
    it.sim.with(|ua, now| ua.forget_registration(now, id));
    assert_eq!(text(&it.last(), HeaderName::Expires), "0");
    it.answer(500, &[]);
    assert_eq!(it.told().0, "gone");
    assert_eq!(it.sim.ua.held().registrations, 0);
    assert!(!it.sim.with(|ua, now| ua.register_now(now, id)));
}

#[test]
fn a_flow_that_is_not_up_is_waited_for() {
    let mut it = Registering::registered_with(Transport::Ws, wanted(), &[]);
    let first = registering::contact(&it.last());
    it.flow_down();
    assert_eq!(it.told().0, "waiting");
    it.wait(10_000.0);
    assert_eq!(it.registers().len(), 1);
    it.flow_up(Transport::Ws);
    assert_eq!(it.registers().len(), 2);
    // On WebSocket each connection has a name of its own (RFC 7118 §5.2.1).
    assert_ne!(registering::contact(&it.last()), first);
    it.grant(HOUR, &[]);
    assert_eq!(it.told(), ("registered", Some(HOUR)));
}

#[test]
fn a_register_whose_flow_breaks_is_sent_again_when_it_is_back() {
    let mut it = Registering::with(Transport::Tcp, wanted());
    it.flow_down();
    assert_eq!(it.told().0, "waiting");
    assert_eq!(it.sim.events.last().unwrap().status.state, State::Failed);
    it.flow_up(Transport::Tcp);
    assert_eq!(it.registers().len(), 2);
}

#[test]
fn a_refusal_is_not_repeated_by_a_reconnect() {
    let mut it = Registering::with(Transport::Tcp, wanted());
    it.answer(403, &[]);
    it.flow_down();
    it.flow_up(Transport::Tcp);
    assert_eq!(it.registers().len(), 1);
    assert_eq!(it.told().0, "failed");
}

#[test]
fn a_200_that_does_not_list_our_contact_is_no_registration_and_is_tried_again_with_back_off() {
    let mut it = Registering::new();
    let mut waits = Vec::new();
    for contact in ["<sip:alice@desk.test>;expires=60", "<sip:alice@192.0.2.9:5060>;expires=60"] {
        it.answer(200, &[(HeaderName::Contact, contact)]);
        let RegistrationState::Failed { reason, status: None, retry_at: Some(at), until: None } =
            it.state()
        else {
            panic!("{:?}", it.state());
        };
        assert!(
            reason.contains("our sip:alice@192.0.2.1:5060 is not among the 1 that it lists"),
            "{reason}"
        );
        waits.push((at - it.sim.now).as_secs_f64());
        it.wait(waits.last().unwrap() + 0.1);
    }
    assert!((14.9..=30.0).contains(&waits[0]) && (29.9..=60.0).contains(&waits[1]), "{waits:?}");
    it.answer(200, &[(HeaderName::Expires, "60")]);
    let RegistrationState::Failed { reason, .. } = it.state() else { panic!("{:?}", it.state()) };
    assert!(reason.contains("lists no Contact"), "{reason}");
    it.refresh();
    it.grant(HOUR, &[]);
    assert_eq!(it.told(), ("registered", Some(HOUR)));
}

#[test]
fn what_a_200_may_have_bound_in_other_words_is_removed_in_the_end() {
    let mut it = Registering::new();
    let contact = registering::contact(&it.last()).replace(":5060", ":5060;transport=udp");
    it.answer(200, &[(HeaderName::Contact, &contact.replace("+sip.instance", "x"))]);
    assert_eq!(it.told().0, "failed");
    let before = it.registers().len();
    it.unregister();
    assert_eq!(it.registers().len(), before + 1);
    assert_eq!(text(&it.last(), HeaderName::Expires), "0");
    it.answer(200, &[]);
    assert_eq!(it.told().0, "off");
    it.unregister();
    assert_eq!(it.registers().len(), before + 1);
}

#[test]
fn a_refresh_whose_200_has_lost_our_contact_ends_the_binding() {
    let mut it = Registering::registered();
    it.refresh();
    it.answer(200, &[]);
    assert_eq!(it.told(), ("failed", None));
}

#[test]
fn a_removal_whose_200_still_lists_our_contact_is_said_not_to_have_removed_it() {
    let mut it = Registering::registered();
    it.unregister();
    it.grant(100, &[]);
    let RegistrationState::Failed { reason, retry_at: None, until: Some(_), .. } = it.state()
    else {
        panic!("{:?}", it.state());
    };
    assert!(reason.contains("still lists it"), "{reason}");
    it.wait(1000.0);
    assert_eq!(it.registers().len(), 2);
}

#[test]
fn a_grant_of_a_second_is_refreshed_before_it_is_over() {
    let mut it = Registering::new();
    it.grant(1, &[]);
    let RegistrationState::Registered { until, refresh_at } = it.state() else { panic!() };
    assert!(refresh_at < until);
    it.wait(0.6);
    assert_eq!((it.registers().len(), it.told().0), (2, "refreshing"));
}

#[test]
fn what_a_423_asks_for_is_asked_for_once_and_then_with_back_off() {
    let mut it = Registering::new();
    it.answer(423, &[(HeaderName::MinExpires, "7200")]);
    assert_eq!(text(&it.last(), HeaderName::Expires), "7200");
    it.answer(423, &[(HeaderName::MinExpires, "7300")]);
    assert_eq!(it.registers().len(), 2);
    let RegistrationState::Failed { retry_at: Some(_), .. } = it.state() else {
        panic!("{:?}", it.state());
    };
    it.wait(61.0);
    assert_eq!(text(&it.last(), HeaderName::Expires), "7300");
}

#[test]
fn a_423_that_asks_for_what_cannot_be_asked_for_is_explained() {
    for (least, expected) in [
        ("99999999999", "its Min-Expires \"99999999999\" is no number of seconds"),
        ("soon", "its Min-Expires \"soon\" is no number"),
        ("60", "its Min-Expires is 60, and 3600 seconds were asked for"),
    ] {
        let mut it = Registering::new();
        it.answer(423, &[(HeaderName::MinExpires, least)]);
        let RegistrationState::Failed { reason, retry_at: None, .. } = it.state() else {
            panic!("{:?}", it.state());
        };
        assert!(reason.contains(expected), "{reason}");
    }
    let mut it = Registering::new();
    it.answer(423, &[]);
    let RegistrationState::Failed { reason, .. } = it.state() else { panic!() };
    assert!(reason.contains("no Min-Expires"), "{reason}");
    let mut it = Registering::new();
    it.answer(423, &[(HeaderName::MinExpires, "4294967295")]);
    it.grant(4_294_967_295, &[]);
    assert_eq!(it.told(), ("registered", Some(4_294_967_295)));
}

#[test]
fn a_flow_that_is_waited_for_tells_how_long_the_binding_is_held() {
    let mut it = Registering::registered();
    it.wait(1000.0);
    it.flow_down();
    assert_eq!(it.told(), ("waiting", Some(HOUR - 1000)));
    it.unregister();
    let RegistrationState::Failed { reason, retry_at: None, until: Some(_), .. } = it.state()
    else {
        panic!("{:?}", it.state());
    };
    assert!(reason.contains("was not removed") && reason.contains("flow is not up"), "{reason}");
}

#[test]
fn a_grant_of_nothing_is_a_failure_and_not_a_registration() {
    let mut it = Registering::new();
    it.grant(0, &[]);
    let RegistrationState::Failed { reason, retry_at: Some(_), .. } = it.state() else {
        panic!("{:?}", it.state());
    };
    assert!(reason.contains("0 seconds"), "{reason}");
}

#[test]
fn the_shortest_grant_makes_no_flood() {
    let mut it = Registering::new();
    for _ in 0..20 {
        it.grant(1, &[]);
        it.wait(1.0);
    }
    // Each half-way: twice a second, and no more.
    assert!(it.registers().len() <= 41, "{:?}", it.times());
}

#[test]
fn the_accounts_user_agent_and_headers_are_on_every_request_and_the_users_own_win() {
    let profile = Arc::new(Profile {
        user_agent: Some("my phone".into()),
        headers: vec!["X-Team: red".parse().unwrap(), "Subject: default".parse().unwrap()],
        ..Profile::new("alice")
    });
    let mut it = Registering::with(
        Transport::Udp,
        NewRegistration { profile: Arc::clone(&profile), ..wanted() },
    );
    let mut request = new_request(Method::Invite, "sip:bob@demo.test");
    request.profile = Some(profile);
    request.headers.push("s: mine".parse().unwrap());
    it.sim.with(|ua, now| ua.request(now, FLOW, request));
    let registers = it.last();
    let invite = it.sim.sent.last().unwrap().1.clone();
    for message in [&registers, &invite] {
        assert_eq!(text(message, HeaderName::UserAgent), "my phone");
        assert!(String::from_utf8_lossy(message.bytes()).contains("\r\nX-Team: red\r\n"));
    }
    assert_eq!(text(&registers, HeaderName::Subject), "default");
    assert_eq!(scripted::lines(&invite, HeaderName::Subject), ["mine"]);
}
