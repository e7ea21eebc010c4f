//! RFC 3262: reliable provisional responses, each acknowledged by a PRACK.

mod scripted;
mod simulation;

use std::sync::Arc;

use scripted::*;
use simulation::{FLOW, invite, ms};
use sipboard::sip::{
    Credentials, DialogRequest, Fact, HeaderName, Message, Method, NewRequest, Settings, State,
    Transport,
};

const CONTACT: HeaderName = HeaderName::Contact;
const REQUIRE: HeaderName = HeaderName::Require;
const RSEQ: HeaderName = HeaderName::RSeq;

/// An INVITE whose 183 was reliable, with RSeq 10.
fn reliable() -> Call {
    let mut call = Call::invited();
    call.reply_reliably(183, "b", 10);
    call
}

/// The RAck of every PRACK that was sent for the first time.
fn racks(call: &Call) -> Vec<String> {
    let mut racks: Vec<String> =
        call.all_sent(Method::Prack).iter().map(|prack| text(prack, HeaderName::RAck)).collect();
    racks.dedup();
    racks
}

#[test]
fn s3_an_invite_supports_100rel() {
    let supported = list(&Call::invited().last(), HeaderName::Supported);
    assert!(supported.contains(&"100rel".to_owned()));
}

#[test]
fn s3_a_setting_takes_100rel_away() {
    let settings = Settings { reliable_provisionals: false, ..Settings::default() };
    let call = Call::with(settings, Transport::Udp, invite());
    let supported = list(&call.last(), HeaderName::Supported);
    assert!(!supported.contains(&"100rel".to_owned()));
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

fn offered() -> Call {
    let mut call = Call::invited();
    call.reply_sdp(183, "b", &[(REQUIRE, "100rel"), (RSEQ, "1")]);
    call
}

#[test]
fn s5_an_offer_in_a_reliable_provisional_is_answered_in_its_prack() {
    let prack = offered().sent(Method::Prack);
    assert_eq!(text(&prack, HeaderName::ContentType), "application/sdp");
    assert!(prack.body().ends_with(b"m=audio 0 RTP/AVP 0\r\n"));
}

#[test]
fn s5_what_was_answered_in_a_prack_is_not_answered_again() {
    let mut call = offered();
    call.reply_sdp(180, "b", &[(REQUIRE, "100rel"), (RSEQ, "2")]);
    assert!(call.sent(Method::Prack).body().is_empty());
    call.reply_sdp(200, "b", &[]);
    assert!(call.sent(Method::Ack).body().is_empty());
}

#[test]
fn s5_each_leg_answers_its_own_offer() {
    let mut call = offered();
    call.reply_sdp(183, "c", &[(REQUIRE, "100rel"), (RSEQ, "1")]);
    let pracks = call.all_sent(Method::Prack);
    assert!(pracks.iter().all(|prack| !prack.body().is_empty()));
    assert_eq!(pracks.len(), 2);
}

#[test]
fn s5_an_offer_in_an_unreliable_provisional_waits_for_the_2xx() {
    let mut call = Call::invited();
    call.reply_sdp(183, "b", &[]);
    call.reply_sdp(200, "b", &[]);
    assert!(!call.sent(Method::Ack).body().is_empty());
}

#[test]
fn s5_an_answer_in_a_reliable_provisional_gets_a_prack_without_a_body() {
    let mut request = invite();
    request.content_type = Some("application/sdp".to_owned());
    request.body = SDP.into();
    let mut call = Call::udp(request);
    call.reply_sdp(183, "b", &[(REQUIRE, "100rel"), (RSEQ, "1")]);
    assert!(call.sent(Method::Prack).body().is_empty());
}

#[test]
fn s5_a_reinvite_without_an_offer_is_answered_anew_after_a_pracked_offer() {
    let mut call = offered();
    call.reply(200, "b");
    call.in_dialog(Method::Invite).unwrap();
    let reinvite = call.sent(Method::Invite);
    let bytes = simulation::response_with(&reinvite, 200, "", |builder| {
        builder.header(HeaderName::ContentType, "application/sdp")
    });
    call.deliver(with_body(&bytes, SDP));
    assert!(!call.sent(Method::Ack).body().is_empty());
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
fn s4_a_prack_whose_datagram_fails_is_told_and_the_invite_goes_on() {
    let mut call = reliable();
    let transmit = sipboard::sip::Transmit {
        flow: FLOW,
        to: None,
        bytes: call.sent(Method::Prack).bytes().clone(),
    };
    call.sim.with(|ua, now| ua.transmit_failed(now, &transmit, "unreachable"));
    assert_eq!(call.news().last().unwrap(), "prack failed");
    call.wait(ms(100));
    assert_eq!(call.state(), State::Proceeding);
}

#[test]
fn s4_a_prack_that_is_being_sent_fails_with_an_error_of_its_flow_and_the_invite_goes_on() {
    let mut call = reliable();
    let peer = "192.0.2.2:5060".parse().unwrap();
    call.sim.ua.flow_leads_to(FLOW, "192.0.2.2", 5060, peer);
    call.sim.with(|ua, now| ua.flow_error(now, FLOW, "port unreachable"));
    assert_eq!(call.news().last().unwrap(), "prack failed");
    call.wait(ms(100));
    assert_eq!(call.state(), State::Proceeding);
    call.sim.with(|ua, now| ua.flow_error(now, FLOW, "port unreachable"));
    assert_eq!(call.news(), [""; 0], "nothing is being sent any more");
}

/// What went out and was told later than a moment after now.
fn later(call: &mut Call) -> (Vec<String>, Vec<String>) {
    call.wait(ms(10));
    call.look();
    call.wait(PATIENCE * 2);
    let news = call.news();
    (call.wire(), news.into_iter().filter(|word| !word.contains("timer")).collect())
}

#[test]
fn s4_a_prack_that_nobody_has_answered_ends_with_its_invite() {
    for status in [486, 487] {
        let mut call = reliable();
        call.reply(status, "b");
        assert!(call.news().last().unwrap().starts_with("ended"), "{status}");
        assert_eq!(later(&mut call), (vec![], vec![]), "{status}");
        assert_eq!(call.sim.ua.held(), Default::default());
    }
}

#[test]
fn s4_nothing_keeps_an_invite_that_has_ended_on_a_connection() {
    // On TCP a rejected INVITE has no Timer D.
    let mut call = Call::tcp(simulation::invite());
    call.reply_reliably(183, "b", 1);
    call.reply(486, "b");
    assert_eq!(call.sim.ua.held(), Default::default());
}

#[test]
fn s4_a_prack_ends_with_its_leg_and_those_of_other_legs_go_on() {
    let mut call = reliable();
    call.reply_reliably(183, "c", 1);
    call.reply(199, "b");
    call.look();
    call.wait(ms(1600));
    let to = |(_, m): &(std::time::Duration, Message)| m.to().unwrap().tag().unwrap().to_owned();
    let sent: Vec<String> = call.sim.sent.iter().filter(|(at, _)| *at > ms(400)).map(to).collect();
    assert_eq!(sent, ["c", "c"], "sent again after 0.5 and 1.5 s");
}

#[test]
fn s4_a_prack_ends_with_the_leg_that_the_user_hangs_up() {
    let mut call = reliable();
    call.in_dialog_with(Some("b"), DialogRequest::new(Method::Bye)).unwrap();
    let bye = call.sent(Method::Bye);
    call.reply_to(&bye, 200, "");
    call.look();
    call.wait(ms(5000));
    assert_eq!(call.wire(), [""; 0]);
    assert_eq!(call.state(), State::Proceeding);
}

#[test]
fn s4_a_prack_that_was_answered_absorbs_what_is_repeated_after_the_end() {
    let mut call = reliable();
    let prack = call.sent(Method::Prack);
    call.reply_to(&prack, 200, "");
    call.reply(486, "b");
    call.reply_to(&prack, 200, "");
    assert!(call.sim.strays.is_empty());
}

#[test]
fn s4_a_reliable_provisional_of_a_leg_that_is_over_gets_no_prack() {
    let mut call = reliable();
    call.reply(199, "b");
    call.look();
    call.reply_reliably(183, "b", 11);
    assert_eq!((call.wire(), call.news()), (vec![], vec!["progress 183".to_owned()]));
}

#[test]
fn s4_the_prack_of_a_reinvite_ends_with_it() {
    let mut call = Call::up();
    call.in_dialog(Method::Invite).unwrap();
    let reinvite = call.sent(Method::Invite);
    call.reply_to_with(&reinvite, 183, "", |builder| {
        builder.header(REQUIRE, "100rel").header(RSEQ, 7).header(CONTACT, "<sip:bob@192.0.2.2>")
    });
    assert_eq!(call.sent(Method::Prack).to().unwrap().tag(), Some("b"));
    call.reply_to(&reinvite, 488, "");
    assert_eq!(later(&mut call), (vec![], vec![]));
    assert_eq!(call.ended(), None, "the dialog goes on");
}

fn with_password() -> Call {
    let credentials = Arc::from([Credentials::new("alice", "s3cret")]);
    let request = NewRequest { credentials: Some(credentials), ..invite() };
    Call::udp(request).looked()
}

const PROXY: HeaderName = HeaderName::ProxyAuthorization;

fn challenge(call: &mut Call, request: &Message, nonce: &str, more: &str) {
    let digest =
        format!("Digest realm=\"demo.test\", nonce=\"{nonce}\", qop=\"auth\", algorithm=MD5{more}");
    call.reply_to_with(request, 407, "b", |b| b.header(HeaderName::ProxyAuthenticate, digest));
}

#[test]
fn s4_a_challenged_prack_is_sent_again_with_credentials_and_the_next_cseq() {
    let mut call = with_password();
    call.reply_reliably(183, "b", 10);
    let first = call.sent(Method::Prack);
    call.look();
    challenge(&mut call, &first, "n1", "");
    assert_eq!(call.news(), ["challenged 407", "sent PRACK"]);
    let second = call.sent(Method::Prack);
    assert!(text(&second, PROXY).contains("nonce=\"n1\""));
    assert_eq!(cseq(&second), cseq(&first) + 1);
    assert_ne!(branch(&second), branch(&first));
    assert_eq!(text(&second, HeaderName::RAck), text(&first, HeaderName::RAck));
    challenge(&mut call, &second, "n2", ", stale=true");
    let third = call.sent(Method::Prack);
    assert!(text(&third, PROXY).contains("nonce=\"n2\""), "a stale nonce is answered anew");
    call.reply_to(&third, 200, "");
    assert_eq!(call.news().last().unwrap(), "prack answered 200");
}

#[test]
fn s4_a_prack_that_is_challenged_twice_is_explained_and_not_sent_again() {
    let mut call = with_password();
    call.reply_reliably(183, "b", 10);
    for nonce in ["n1", "n2", "n3"] {
        let prack = call.sent(Method::Prack);
        challenge(&mut call, &prack, nonce, "");
    }
    assert_eq!(racks(&call).len(), 1);
    assert_eq!(call.all_sent(Method::Prack).len(), 2);
    let detail = call.sim.events.iter().find_map(|event| match &event.fact {
        Fact::PrackFailed { detail } => Some(detail.clone()),
        _ => None,
    });
    assert!(detail.as_ref().is_some_and(|detail| detail.contains("wrong password")), "{detail:?}");
}

#[test]
fn s4_a_prack_carries_the_credentials_that_the_invite_was_let_through_with() {
    let mut call = with_password();
    let first = call.sent(Method::Invite);
    challenge(&mut call, &first, "n1", "");
    call.reply_reliably(183, "b", 10);
    assert!(text(&call.sent(Method::Prack), PROXY).contains("nonce=\"n1\""));
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

mod by_hand {
    //! What we answer the peer's INVITE with, by hand (§3).

    use sipboard::sip::{Answer, AnswerError, ServerTransactionId, StatusCode, Timer};

    use super::*;

    /// A call whose peer sends a re-INVITE that waits for the user, and requires 100rel or not.
    fn reinvited(required: &str) -> (Call, ServerTransactionId) {
        let settings = Settings { by_hand: vec![Method::Invite], ..Settings::default() };
        let mut call = Call::up_with(settings, Transport::Udp);
        let headers = [(REQUIRE, required), (HeaderName::ContentType, "application/sdp")];
        call.peer_body(Method::Invite, 1, &headers[usize::from(required.is_empty())..], SDP);
        let waiting = call.sim.events.iter().rev().find_map(|event| match event.fact {
            Fact::Received { transaction, .. } => transaction,
            _ => None,
        });
        call.look();
        (call, waiting.expect("it waits for the user"))
    }

    fn answer(
        call: &mut Call,
        transaction: ServerTransactionId,
        status: u16,
        body: &'static str,
    ) -> Result<(), AnswerError> {
        let answer = Answer {
            status: StatusCode::new(status).unwrap(),
            reason: String::new(),
            headers: Vec::new(),
            content_type: (!body.is_empty()).then(|| "application/sdp".to_owned()),
            body: body.into(),
        };
        let result = call.sim.with(|ua, now| ua.answer(now, transaction, answer));
        call.wait(ms(3));
        result
    }

    fn rseq(message: &Message) -> u32 {
        text(message, RSEQ).parse().unwrap()
    }

    fn prack(call: &mut Call, cseq: u32, rack: &str) -> u16 {
        code(&call.peer(Method::Prack, cseq, &[(HeaderName::RAck, rack)]))
    }

    #[test]
    fn s3_a_provisional_that_the_peer_requires_to_be_reliable_is_repeated_until_its_prack() {
        let (mut call, transaction) = reinvited("100rel");
        answer(&mut call, transaction, 183, "").unwrap();
        let provisional = call.last();
        assert_eq!(list(&provisional, REQUIRE), ["100rel"]);
        assert!((1..=0x7fff_ffff).contains(&rseq(&provisional)));
        assert_eq!(call.timers()[0].0, Timer::ProvisionalAgain);
        call.wait(ms(1600));
        assert_eq!(call.wire(), ["183", "183", "183"], "after 0.5 and 1.5 s");
        assert_eq!(call.last().bytes(), provisional.bytes());
        let again = ["answered 183", "answered again 183", "answered again 183"];
        assert_eq!(call.news(), again);
        assert_eq!(prack(&mut call, 2, &format!("{} 1 INVITE", rseq(&provisional))), 200);
        assert_eq!(call.news(), ["received PRACK", "answered 200"]);
        call.look();
        call.wait(PATIENCE * 2);
        assert_eq!(call.wire(), [""; 0]);
        assert!(call.last_event().status.legs_up == 1 && call.ended().is_none());
    }

    #[test]
    fn s3_one_that_nobody_requires_to_be_reliable_goes_once_and_so_does_a_100() {
        let (mut call, transaction) = reinvited("");
        answer(&mut call, transaction, 183, "").unwrap();
        assert!(!has(&call.last(), RSEQ) && !has(&call.last(), REQUIRE));
        call.look();
        call.wait(PATIENCE);
        assert_eq!(call.wire(), [""; 0]);
        let (mut call, transaction) = reinvited("100rel");
        answer(&mut call, transaction, 100, "").unwrap();
        assert!(!has(&call.last(), RSEQ));
    }

    #[test]
    fn s3_without_a_prack_the_invite_is_refused_after_64_t1() {
        let (mut call, transaction) = reinvited("100rel");
        answer(&mut call, transaction, 180, "").unwrap();
        call.look();
        call.wait(PATIENCE - ms(100));
        assert_eq!(call.wire(), ["180"; 6], "after 1, 3, 7, 15, 31 and 63 times T1");
        call.look();
        call.wait(ms(200));
        assert_eq!(
            call.news()[1..],
            ["never acked", "answered 500"],
            "after Timer M of our INVITE"
        );
        assert_eq!(answer(&mut call, transaction, 200, ""), Err(AnswerError::Gone));
        assert_eq!(call.ended(), None, "the dialog goes on");
    }

    #[test]
    fn s3_a_second_one_waits_for_the_prack_of_the_first_and_counts_on() {
        let (mut call, transaction) = reinvited("100rel");
        answer(&mut call, transaction, 180, "").unwrap();
        let first = rseq(&call.last());
        let waits = AnswerError::Unacknowledged(StatusCode::new(180).unwrap());
        assert_eq!(answer(&mut call, transaction, 183, ""), Err(waits));
        assert_eq!(prack(&mut call, 2, &format!("{first} 1 INVITE")), 200);
        answer(&mut call, transaction, 183, "").unwrap();
        assert_eq!(rseq(&call.last()), first + 1);
    }

    #[test]
    fn s3_a_prack_that_names_nothing_that_waits_gets_481() {
        let (mut call, transaction) = reinvited("100rel");
        answer(&mut call, transaction, 180, "").unwrap();
        let rseq = rseq(&call.last());
        for (cseq, rack) in [
            (2, format!("{} 1 INVITE", rseq + 1)),
            (3, format!("{rseq} 2 INVITE")),
            (4, format!("{rseq} 1 UPDATE")),
            (5, "nonsense".to_owned()),
        ] {
            assert_eq!(prack(&mut call, cseq, &rack), 481, "{rack}");
        }
        assert_eq!(prack(&mut call, 6, &format!("{rseq} 1 INVITE")), 200);
        assert_eq!(prack(&mut call, 7, &format!("{rseq} 1 INVITE")), 481, "once");
    }

    #[test]
    fn s3_a_final_answer_ends_the_repeats_and_a_prack_may_still_come() {
        for status in [200, 486] {
            let (mut call, transaction) = reinvited("100rel");
            answer(&mut call, transaction, 180, "").unwrap();
            let rseq = rseq(&call.last());
            answer(&mut call, transaction, status, "").unwrap();
            call.deliver(call.peer_request("b", Method::Ack, 1, &[]));
            assert_eq!(prack(&mut call, 2, &format!("{rseq} 1 INVITE")), 200, "{status}");
            call.look();
            call.wait(ms(5000));
            assert!(!call.wire().contains(&"180".to_owned()));
        }
    }

    #[test]
    fn s5_a_2xx_waits_for_the_prack_of_what_describes_the_session() {
        let (mut call, transaction) = reinvited("100rel");
        answer(&mut call, transaction, 183, SDP).unwrap();
        let rseq = rseq(&call.last());
        let waits = AnswerError::Unacknowledged(StatusCode::new(183).unwrap());
        assert_eq!(answer(&mut call, transaction, 200, ""), Err(waits));
        // The INVITE's offer is answered: the PRACK makes another, which its 200 answers (§5).
        let headers = [
            (HeaderName::ContentType, "application/sdp"),
            (HeaderName::RAck, &*format!("{rseq} 1 INVITE")),
        ];
        let ok = call.peer_body(Method::Prack, 2, &headers, SDP);
        assert_eq!((code(&ok), ok.body().starts_with(b"v=0")), (200, true));
        answer(&mut call, transaction, 200, "").unwrap();
        assert_eq!(code(&call.last()), 200);
    }

    #[test]
    fn s3_with_its_leg_everything_about_it_is_over() {
        let (mut call, transaction) = reinvited("100rel");
        answer(&mut call, transaction, 180, "").unwrap();
        call.peer(Method::Bye, 2, &[]);
        assert!(call.ended().is_some());
        call.look();
        call.wait(PATIENCE * 2);
        assert!(!call.wire().contains(&"180".to_owned()));
        assert_eq!(call.sim.ua.held(), Default::default());
        let (mut call, transaction) = reinvited("100rel");
        answer(&mut call, transaction, 180, "").unwrap();
        let cancel = call.peer_request("b", Method::Cancel, 1, &[]);
        call.deliver(cancel);
        call.look();
        call.wait(ms(5000));
        assert!(!call.wire().contains(&"180".to_owned()), "the CANCEL has ended it");
    }
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
