//! A setting takes 100rel away.

use super::*;

#[test]
fn s3_a_setting_takes_100rel_away() {
    let settings = Settings { reliable_provisionals: false, ..Settings::default() };
    let call = Call::with(settings, Transport::Udp, invite());
    let supported = list(&call.last(), HeaderName::Supported);
    assert!(!supported.contains(&"100rel".to_owned()));
}

fn switched_off() -> Settings {
    Settings { reliable_provisionals: false, ..Settings::default() }
}

#[test]
fn rfc3261_s8_2_2_3_what_requires_100rel_is_420_where_that_is_switched_off() {
    for (method, status) in [(Method::Invite, 420), (Method::Options, 420)] {
        let mut call = Call::up_with(switched_off(), Transport::Udp);
        let answer = call.peer(method, 1, &[(REQUIRE, "100rel")]);
        assert_eq!(code(&answer), status);
        assert_eq!(text(&answer, HeaderName::Unsupported), "100rel");
        let answer = call.peer(Method::Options, 2, &[]);
        assert_eq!(code(&answer), 200);
        assert!(!has(&answer, HeaderName::Supported), "{answer:?}");
    }
    let mut call = Call::up();
    assert_eq!(code(&call.peer(Method::Invite, 1, &[(REQUIRE, "100rel")])), 200);
    assert_eq!(text(&call.peer(Method::Options, 2, &[]), HeaderName::Supported), "100rel");
}

#[test]
fn s3_a_reliable_provisional_that_nobody_has_offered_gets_no_prack_and_is_told_as_that() {
    let mut call = Call::with(switched_off(), Transport::Udp, invite()).looked();
    call.reply_reliably(183, "b", 7);
    assert_eq!(call.wire(), [""; 0]);
    assert_eq!(call.news(), ["progress 183", "leg b Early", "prack failed"]);
    let why = call.sim.events.iter().find_map(|event| match &event.fact {
        Fact::PrackFailed { detail } => Some(detail.clone()),
        _ => None,
    });
    assert!(why.as_deref().is_some_and(|why| why.contains("has not offered")), "{why:?}");
    call.reply(200, "b");
    assert_eq!(call.wire(), ["ACK"]);
}

#[test]
fn s4_who_offers_it_by_hand_acknowledges_though_it_is_switched_off() {
    let mut request = invite();
    request.headers.push(sipboard::sip::ExtraHeader::new("Supported", "100rel").unwrap());
    let mut call = Call::with(switched_off(), Transport::Udp, request).looked();
    call.reply_reliably(183, "b", 7);
    assert_eq!(call.wire(), ["PRACK"]);
}
