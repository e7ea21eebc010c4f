//! Which provisionals get a PRACK, each once and in order (§3, §4).

use super::*;

#[test]
fn s3_an_invite_supports_100rel() {
    let supported = list(&Call::invited().last(), HeaderName::Supported);
    assert!(supported.contains(&"100rel".to_owned()));
}

#[test]
fn s3_a_reinvite_supports_100rel_too() {
    let mut call = Call::up();
    call.in_dialog(Method::Invite).unwrap();
    let supported = list(&call.sent(Method::Invite), HeaderName::Supported);
    assert!(supported.contains(&"100rel".to_owned()));
}

#[test]
fn s4_a_reliable_provisional_is_told_makes_its_leg_and_gets_a_prack() {
    let mut call = reliable();
    assert_eq!(call.news(), ["progress 183", "leg b Early", "sent PRACK"]);
    assert_eq!(call.wire(), ["PRACK"]);
}

#[test]
fn s4_rack_names_rseq_cseq_and_method() {
    let call = reliable();
    let number = cseq(&call.sent(Method::Invite));
    assert_eq!(racks(&call), [format!("10 {number} INVITE")]);
}

#[test]
fn s4_the_prack_is_a_request_of_the_early_dialog() {
    let mut call = Call::invited();
    call.reply_with(183, "b", |builder| {
        builder
            .header(CONTACT, "<sip:early@b.test>")
            .header(HeaderName::RecordRoute, "<sip:p2.test;lr>")
            .header(HeaderName::RecordRoute, "<sip:p1.test;lr>")
            .header(REQUIRE, "100rel")
            .header(RSEQ, 1)
    });
    let (invite, prack) = (call.sent(Method::Invite), call.sent(Method::Prack));
    assert_eq!(prack.request_uri(), Some("sip:early@b.test"));
    assert_eq!(list(&prack, HeaderName::Route), ["<sip:p1.test;lr>", "<sip:p2.test;lr>"]);
    assert_eq!(prack.to().unwrap().tag(), Some("b"));
    assert_eq!(text(&prack, HeaderName::From), text(&invite, HeaderName::From));
    assert_eq!(text(&prack, HeaderName::CallId), text(&invite, HeaderName::CallId));
    assert_ne!(branch(&prack), branch(&invite));
    assert_eq!(cseq(&prack), cseq(&invite) + 1);
}

#[test]
fn s4_a_retransmitted_provisional_is_absorbed_and_gets_no_second_prack() {
    let mut call = reliable();
    call.look();
    call.reply_reliably(183, "b", 10);
    assert_eq!(call.news(), ["absorbed 183"]);
    assert_eq!(call.wire(), [""; 0]);
}

#[test]
fn s4_each_next_provisional_gets_a_prack_with_the_next_cseq() {
    let mut call = reliable();
    call.reply_reliably(180, "b", 11);
    call.reply_reliably(180, "b", 12);
    let number = cseq(&call.sent(Method::Invite));
    let expected: Vec<String> = (10..13).map(|rseq| format!("{rseq} {number} INVITE")).collect();
    assert_eq!(racks(&call), expected);
    let numbers: Vec<u32> = call.all_sent(Method::Prack).iter().map(cseq).collect();
    assert_eq!(numbers, [number + 1, number + 2, number + 3]);
}

#[test]
fn s4_one_after_a_gap_is_neither_processed_nor_acknowledged() {
    let mut call = reliable();
    call.look();
    call.reply_reliably(180, "b", 12);
    assert_eq!(call.news(), ["absorbed 180"]);
    assert_eq!(call.wire(), [""; 0]);
    call.reply_reliably(182, "b", 11);
    call.reply_reliably(180, "b", 12);
    assert_eq!(call.news(), ["progress 182", "sent PRACK", "progress 180", "sent PRACK"]);
}

#[test]
fn s4_an_older_one_is_absorbed() {
    let mut call = reliable();
    call.look();
    call.reply_reliably(183, "b", 9);
    assert_eq!((call.news(), call.wire()), (vec!["absorbed 183".to_owned()], vec![]));
}

#[test]
fn s4_the_first_rseq_may_be_anything() {
    for first in [1, 2, 4_294_967_295] {
        let mut call = Call::invited();
        call.reply_reliably(183, "b", first);
        assert_eq!(call.all_sent(Method::Prack).len(), 1, "{first}");
    }
}

#[test]
fn s4_each_leg_has_a_sequence_of_its_own() {
    let mut call = reliable();
    call.reply_reliably(183, "c", 500);
    call.reply_reliably(180, "b", 11);
    call.reply_reliably(180, "c", 501);
    let pracks = call.all_sent(Method::Prack);
    let tags: Vec<Option<&str>> = pracks.iter().map(|prack| prack.from().ok()?.tag()).collect();
    assert!(tags.windows(2).all(|pair| pair[0] == pair[1]), "one From tag");
    let to = |index: usize| pracks[index].to().unwrap().tag().unwrap().to_owned();
    assert_eq!([to(0), to(1), to(2), to(3)], ["b", "c", "b", "c"]);
    let number = cseq(&call.sent(Method::Invite));
    let numbers: Vec<u32> = pracks.iter().map(|prack| cseq(prack) - number).collect();
    assert_eq!(numbers, [1, 1, 2, 2]);
}

#[test]
fn s3_an_unreliable_provisional_gets_no_prack() {
    let mut call = Call::invited();
    call.reply(180, "b");
    call.reply_with(183, "b", |builder| builder.header(RSEQ, 1));
    call.reply_with(183, "b", |builder| builder.header(REQUIRE, "100rel"));
    assert!(call.all_sent(Method::Prack).is_empty());
    assert_eq!(call.state(), State::Proceeding);
}

#[test]
fn s3_unreliable_ones_among_reliable_ones_are_told_and_disturb_nothing() {
    let mut call = reliable();
    call.look();
    call.reply(180, "b");
    call.reply_reliably(183, "b", 11);
    assert_eq!(call.news(), ["progress 180", "progress 183", "sent PRACK"]);
}

#[test]
fn s4_the_option_tag_compares_without_case() {
    let mut call = Call::invited();
    call.reply_with(183, "b", |builder| {
        builder.header(CONTACT, "<sip:b@b>").header(REQUIRE, "x, 100REL").header(RSEQ, 1)
    });
    assert_eq!(call.all_sent(Method::Prack).len(), 1);
}

#[test]
fn s4_the_answer_to_the_prack_is_told_and_ends_its_retransmissions() {
    let mut call = reliable();
    let prack = call.sent(Method::Prack);
    call.look();
    call.reply_to(&prack, 200, "");
    assert_eq!(call.news(), ["prack answered 200"]);
    call.wait(PATIENCE);
    assert_eq!(call.wire(), [""; 0]);
}

#[test]
fn s4_a_refused_prack_does_not_touch_the_invite() {
    let mut call = reliable();
    let prack = call.sent(Method::Prack);
    call.reply_to(&prack, 481, "");
    assert!(call.news().ends_with(&["prack answered 481".into(), "prack failed".into()]));
    assert_eq!((call.ended(), call.state()), (None, State::Proceeding));
}

#[test]
fn s4_a_prack_is_sent_again_as_any_request_until_timer_f() {
    let mut call = reliable();
    let first = call.times(Method::Prack)[0];
    call.wait(PATIENCE);
    let times: Vec<u128> = call.times(Method::Prack).iter().map(|at| at - first).collect();
    assert_eq!(times[..5], [0, 500, 1500, 3500, 7500]);
    assert_eq!(call.news().last().unwrap(), "prack failed");
    assert_eq!((call.ended(), call.state()), (None, State::Proceeding));
}

#[test]
fn s4_the_ack_of_the_2xx_has_the_cseq_of_the_invite_whatever_was_pracked() {
    let mut call = reliable();
    call.reply_reliably(180, "b", 11);
    call.reply(200, "b");
    assert_eq!(cseq(&call.sent(Method::Ack)), cseq(&call.sent(Method::Invite)));
    call.hang_up();
    assert_eq!(cseq(&call.sent(Method::Bye)), cseq(&call.sent(Method::Invite)) + 3);
}

#[test]
fn s4_after_the_final_response_a_reliable_provisional_is_not_acknowledged() {
    let mut call = reliable();
    call.reply(200, "b");
    call.look();
    call.reply_reliably(180, "b", 11);
    assert_eq!(call.wire(), [""; 0]);
}

#[test]
fn s3_a_reliable_provisional_without_a_to_tag_gets_no_prack_and_a_sentence() {
    let mut call = Call::invited();
    call.reply_with(183, "", |builder| builder.header(REQUIRE, "100rel").header(RSEQ, 1));
    assert_eq!(call.news(), ["progress 183", "prack failed"]);
    assert_eq!(call.wire(), [""; 0]);
    let Fact::PrackFailed { detail } = &call.last_event().fact else { panic!("no sentence") };
    assert!(detail.contains("its To has no tag"), "{detail}");
}

#[test]
fn s4_in_a_100_the_option_tag_is_ignored() {
    let mut call = Call::ringing();
    call.look();
    call.reply_with(100, "b", |builder| builder.header(REQUIRE, "100rel").header(RSEQ, 1));
    call.reply_with(100, "", |builder| builder.header(REQUIRE, "100rel"));
    assert_eq!((call.news(), call.wire()), (vec!["progress 100".to_owned(); 2], vec![]));
}

#[test]
fn s3_a_peer_that_requires_it_gets_it_by_the_retry_after_421() {
    let settings = Settings { reliable_provisionals: false, ..Settings::default() };
    let mut call = Call::with(settings, Transport::Udp, invite());
    call.reply_with(421, "b", |builder| builder.header(REQUIRE, "100rel"));
    let (sentence, retry) = call.advice().unwrap();
    assert!(sentence.contains("100rel"), "{sentence}");
    call.sim.request(retry.unwrap());
    assert!(list(&call.last(), HeaderName::Supported).contains(&"100rel".to_owned()));
}

#[test]
fn s3_a_peer_that_does_not_know_what_is_required_gets_a_retry_without_it() {
    let mut request = invite();
    request.headers = vec!["Require: 100rel".parse().unwrap()];
    let mut call = Call::udp(request);
    assert_eq!(list(&call.last(), REQUIRE), ["100rel"]);
    call.reply_with(420, "b", |builder| builder.header(HeaderName::Unsupported, "100rel"));
    let (_, retry) = call.advice().unwrap();
    call.sim.request(retry.unwrap());
    assert!(!has(&call.last(), REQUIRE));
}

#[test]
fn s4_a_reliable_provisional_to_a_reinvite_gets_its_prack() {
    let mut call = reliable();
    call.reply(200, "b");
    call.in_dialog_with(None, DialogRequest::new(Method::Invite)).unwrap();
    let reinvite = call.sent(Method::Invite);
    call.look();
    let reliably = |call: &mut Call, rseq: u32| {
        call.reply_to_with(&reinvite, 183, "", |builder| {
            builder.header(CONTACT, "<sip:b@b>").header(REQUIRE, "100rel").header(RSEQ, rseq)
        });
    };
    reliably(&mut call, 77);
    reliably(&mut call, 77);
    reliably(&mut call, 78);
    assert_eq!(call.wire(), ["PRACK", "PRACK"]);
    let prack = call.sent(Method::Prack);
    assert_eq!(text(&prack, HeaderName::RAck), format!("78 {} INVITE", cseq(&reinvite)));
    assert_eq!(cseq(&prack), cseq(&reinvite) + 2);
}

#[test]
fn rfc6141_s4_7_a_reliable_provisional_to_a_reinvite_refreshes_the_target_and_the_prack_goes_there()
{
    let mut call = reliable();
    call.reply(200, "b");
    call.in_dialog_with(None, DialogRequest::new(Method::Invite)).unwrap();
    let reinvite = call.sent(Method::Invite);
    call.reply_to_with(&reinvite, 183, "", |builder| {
        builder.header(CONTACT, "<sip:moved@192.0.2.2>").header(REQUIRE, "100rel").header(RSEQ, 7)
    });
    assert_eq!(call.sent(Method::Prack).request_uri(), Some("sip:moved@192.0.2.2"));
    call.reply_to(&reinvite, 488, "");
    call.hang_up();
    assert_eq!(call.sent(Method::Bye).request_uri(), Some("sip:moved@192.0.2.2"));
}

#[test]
fn s3_a_prack_of_the_peer_matches_nothing_here_and_gets_481() {
    let mut call = Call::up();
    let answer = call.peer(Method::Prack, 1, &[(HeaderName::RAck, "1 1 INVITE")]);
    assert_eq!(code(&answer), 481);
}

#[test]
fn s7_1_a_reliable_provisional_without_a_number_gets_no_prack_and_is_told() {
    for rseq in ["", "0", "x", "4294967296"] {
        let mut call = Call::invited();
        call.reply_with(183, "b", |builder| {
            let builder = builder.header(REQUIRE, "100rel");
            if rseq.is_empty() { builder } else { builder.header(RSEQ, rseq) }
        });
        assert_eq!(call.news(), ["progress 183", "leg b Early", "prack failed"], "{rseq:?}");
        assert_eq!(call.wire(), ["INVITE"; 0]);
    }
}

#[test]
fn s3_a_peer_that_waits_for_no_prack_is_not_followed_for_ever() {
    let mut call = Call::invited();
    (1..=200).for_each(|rseq| call.reply_reliably(183, "b", rseq));
    let sent = |word: &&String| *word == "sent PRACK";
    assert_eq!(call.news().iter().filter(sent).count(), 127);
    let failed = call.sim.events.iter().find_map(|event| match &event.fact {
        Fact::PrackFailed { detail } => Some(&**detail),
        _ => None,
    });
    let told = "not sent: 128 requests of this context wait for an answer already";
    assert_eq!(failed, Some(told));
    // What was not acknowledged is repeated, and acknowledged where there is room again.
    let last = call.sent(Method::Prack);
    call.reply_to(&last, 200, "");
    call.wait(std::time::Duration::from_secs(6));
    call.reply_reliably(183, "b", 128);
    let rack = format!("128 {} INVITE", cseq(&call.sent(Method::Invite)));
    assert_eq!(text(&call.last(), HeaderName::RAck), rack);
}
