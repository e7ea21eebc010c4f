//! §12.2.2, §9.2, §13.3.1.4: what a peer sends in a dialog of ours, out of order and out of place.

use sipboard::sip::{Answer, Fact, HeaderName, Method, Settings, StatusCode, Transport};

use crate::scripted::*;

#[test]
fn s9_2_a_cancel_of_nothing_gets_481_and_its_number_counts_for_nothing() {
    let mut call = Call::up();
    assert_eq!(code(&call.peer(Method::Options, 10, &[])), 200);
    assert_eq!(code(&call.peer(Method::Cancel, 2, &[])), 481, "not 500 for its number");
    assert_eq!(code(&call.peer(Method::Cancel, 4000, &[])), 481);
    assert_eq!(code(&call.peer(Method::Options, 11, &[])), 200, "11 is no number that goes back");
}

#[test]
fn s13_3_1_4_only_an_ack_that_came_before_is_told_as_repeated() {
    let mut call = Call::up();
    call.peer(Method::Invite, 1, &[]);
    call.look();
    let ack = |call: &mut Call, cseq| {
        call.deliver(call.peer_request("b", Method::Ack, cseq, &[]));
        call.news()
    };
    assert_eq!(ack(&mut call, 7), ["received ACK"], "of nothing: the 2xx goes on waiting");
    assert_eq!(ack(&mut call, 1), ["received ACK"]);
    assert_eq!(ack(&mut call, 1), ["received again ACK"]);
    call.wait(PATIENCE);
    assert_eq!(call.ended(), None, "the 2xx has its ACK");
}

#[test]
fn s14_2_what_waits_for_the_user_comes_with_the_session_that_would_answer_it() {
    let settings = Settings { by_hand: vec![Method::Invite], ..Settings::default() };
    for offer in [true, false] {
        let mut call = Call::up_with(settings.clone(), Transport::Udp);
        let (body, headers) = match offer {
            true => (SDP, &[(HeaderName::ContentType, "application/sdp")][..]),
            false => ("", &[][..]),
        };
        call.peer_body(Method::Invite, 1, headers, body);
        let session = call.sim.events.iter().find_map(|event| match &event.fact {
            Fact::Received { session, transaction: Some(_), .. } => session.clone(),
            _ => None,
        });
        let session = session.expect("an answer, or an offer of ours");
        assert!(session.starts_with(b"v=0\r\n"), "{session:?}");
    }
}

#[test]
fn s8_2_1_what_is_refused_by_choice_the_user_may_take_over() {
    let methods = [
        (Method::Refer, &[(HeaderName::ReferTo, "<sip:c@d>")][..], 603),
        (Method::Subscribe, &[(HeaderName::Event, "presence")], 405),
        (Method::Extension("FOO".into()), &[], 405),
    ];
    for (method, headers, refused) in methods {
        let mut call = Call::up();
        assert_eq!(code(&call.peer(method.clone(), 1, headers)), refused, "{method}");

        let settings = Settings { by_hand: vec![method.clone()], ..Settings::default() };
        let mut call = Call::up_with(settings, Transport::Udp);
        call.deliver(call.peer_request("b", method.clone(), 1, headers));
        let Fact::Received { transaction: Some(waits), answer: None, .. } = call.last_event().fact
        else {
            panic!("{method} does not wait for the user: {:?}", call.last_event());
        };
        let answer = Answer {
            status: StatusCode::new(202).unwrap(),
            reason: String::new(),
            headers: Vec::new(),
            content_type: None,
            body: bytes::Bytes::new(),
        };
        call.sim.with(|ua, now| ua.answer(now, waits, answer)).unwrap();
        assert_eq!(code(&call.last()), 202, "{method}");
    }
}

#[test]
fn s8_2_what_is_wrong_is_refused_though_the_user_answers_the_rest() {
    let settings = Settings { by_hand: vec![Method::Info], ..Settings::default() };
    let mut call = Call::up_with(settings, Transport::Udp);
    assert_eq!(code(&call.peer(Method::Info, 1, &[(HeaderName::Require, "foo")])), 420);
    let received = call.sim.events.iter().rev().find_map(|event| match &event.fact {
        Fact::Received { transaction, answer, .. } => Some((*transaction, answer.is_some())),
        _ => None,
    });
    assert_eq!(received, Some((None, true)), "nothing waits for the user");
}

#[test]
fn s12_3_what_waits_for_the_user_gets_487_when_the_dialog_ends_otherwise() {
    let settings = Settings { by_hand: vec![Method::Info], ..Settings::default() };
    let mut call = Call::up_with(settings, Transport::Udp);
    call.deliver(call.peer_request("b", Method::Info, 1, &[]));
    call.look();
    call.hang_up();
    let bye = call.sent(Method::Bye);
    call.reply_to(&bye, 200, "");
    assert!(call.wire().contains(&"487".to_owned()));
    call.wait(PATIENCE * 2);
    assert_eq!(call.sim.ua.held(), Default::default());
}

#[test]
fn s21_5_4_too_many_open_requests_are_refused_with_503_and_retry_after() {
    let settings = Settings { by_hand: vec![Method::Info], ..Settings::default() };
    let mut call = Call::up_with(settings, Transport::Tcp);
    for cseq in 1..=10_000 {
        call.sim.peer_sends(call.peer_request("b", Method::Info, cseq, &[]));
    }
    call.wait(crate::simulation::ms(10));
    assert_eq!(call.sim.ua.held().server_transactions, 10_000);
    call.look();
    let refusal = call.peer(Method::Info, 10_001, &[]);
    assert_eq!(code(&refusal), 503);
    assert!(text(&refusal, HeaderName::RetryAfter).parse::<u32>().unwrap() <= 10);
    assert!(call.sim.strays.last().unwrap().problem.contains("refused with 503"));
    assert_eq!(call.sim.ua.held().server_transactions, 10_000, "nothing is kept of it");
}

/// §8.1.1.8, §12.2.1.1: what refreshes the target names one, and nothing says which of two it would be.
#[test]
fn s8_1_1_8_a_request_with_two_contacts_is_refused_and_the_target_stays() {
    let methods = [Method::Invite, Method::Update, Method::Refer, Method::Notify];
    for (nth, method) in methods.into_iter().enumerate() {
        let contacts = [
            &[(HeaderName::Contact, "<sip:a@b>"), (HeaderName::Contact, "<sip:c@d>")][..],
            &[(HeaderName::Contact, "<sip:a@b>, <sip:c@d>")],
        ];
        let mut call = Call::up();
        let target = "sip:bob@192.0.2.2:5060";
        for (other, headers) in contacts.into_iter().enumerate() {
            let answer = call.peer(method.clone(), (nth * 2 + other) as u32 + 1, headers);
            assert_eq!(code(&answer), 400, "{method}");
            assert_eq!(answer.reason_phrase(), format!("More than one Contact in the {method}"));
        }
        call.hang_up();
        assert_eq!(call.sent(Method::Bye).request_uri(), Some(target), "{method}");
    }
    // What makes no dialog may name several (§10.2.1 has them in a REGISTER).
    let mut call = Call::up();
    assert_eq!(
        code(&call.peer(Method::Info, 1, &[(HeaderName::Contact, "<sip:a@b>, <sip:c@d>")])),
        200
    );
}

/// §8.2.1: a method that is not supported, in a dialog as outside; a 489 would have to name an event
/// (RFC 6665 §8.4).
#[test]
fn s8_2_1_a_subscribe_of_the_peer_is_405_with_what_is_allowed() {
    let mut call = Call::up();
    let answer = call.peer(Method::Subscribe, 1, &[(HeaderName::Event, "presence")]);
    assert_eq!(code(&answer), 405);
    assert!(!list(&answer, HeaderName::Allow).contains(&"SUBSCRIBE".to_owned()));
    assert!(has(&answer, HeaderName::Allow) && !has(&answer, HeaderName::AllowEvents));
}
