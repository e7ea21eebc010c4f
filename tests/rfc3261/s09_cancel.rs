//! §9: cancelling.

use std::time::Duration;

use sipboard::sip::{
    Answer, CancelError, Cause, ContextId, Fact, HeaderName, Message, Method, Redirects, Settings,
    State, StatusCode, Transport,
};

use crate::{
    scripted::*,
    simulation::{FLOW, invite, ms, new_request},
};

#[test]
fn s9_1_no_cancel_is_sent_before_a_provisional() {
    let mut call = Call::invited();
    call.cancel().unwrap();
    call.wait(Duration::from_secs(10));
    assert!(call.all_sent(Method::Cancel).is_empty());
    assert_eq!(call.state(), State::Cancelling);
}

#[test]
fn s9_1_the_first_provisional_lets_the_waiting_cancel_go() {
    let mut call = Call::invited();
    call.cancel().unwrap();
    call.reply(100, "");
    assert_eq!(call.news(), ["cancel, waiting", "progress 100", "cancel sent"]);
}

#[test]
fn s9_1_after_a_provisional_the_cancel_goes_at_once() {
    let mut call = Call::ringing();
    call.cancel().unwrap();
    assert_eq!(call.news(), ["cancel", "cancel sent"]);
    assert_eq!(call.wire(), ["CANCEL"]);
}

fn cancelled() -> (Call, Message, Message) {
    let mut request = invite();
    request.route_set = vec![uri("sip:p1.test;lr"), uri("sip:p2.test;lr")];
    request.headers = vec!["Require: x-one".parse().unwrap(), "Proxy-Require: y".parse().unwrap()];
    let mut call = Call::udp(request);
    call.reply(180, "b");
    call.cancel().unwrap();
    let (invite, cancel) = (call.sent(Method::Invite), call.sent(Method::Cancel));
    (call, invite, cancel)
}

#[test]
fn s9_1_request_uri_call_id_from_and_to_are_those_of_the_invite() {
    let (_, invite, cancel) = cancelled();
    assert_eq!(invite.request_uri(), cancel.request_uri());
    for name in [HeaderName::CallId, HeaderName::From, HeaderName::To] {
        assert_eq!(text(&invite, name), text(&cancel, name), "{name}");
    }
    assert_eq!(cancel.to().unwrap().tag(), None, "not that of the 180");
}

#[test]
fn s9_1_the_cseq_number_is_that_of_the_invite_with_the_method_cancel() {
    let (_, invite, cancel) = cancelled();
    assert_eq!(cseq(&invite), cseq(&cancel));
    assert_eq!(cancel.cseq().unwrap().method, "CANCEL");
}

#[test]
fn s9_1_the_only_via_is_the_top_via_of_the_invite() {
    let (_, invite, cancel) = cancelled();
    assert_eq!(lines(&cancel, HeaderName::Via), lines(&invite, HeaderName::Via));
    assert_eq!(lines(&cancel, HeaderName::Via).len(), 1);
}

#[test]
fn s9_1_the_route_is_that_of_the_invite() {
    let (_, invite, cancel) = cancelled();
    assert_eq!(list(&cancel, HeaderName::Route), list(&invite, HeaderName::Route));
    assert_eq!(list(&cancel, HeaderName::Route).len(), 2);
}

#[test]
fn s9_1_nothing_is_required_in_a_cancel() {
    let (_, invite, cancel) = cancelled();
    assert!(has(&invite, HeaderName::Require));
    assert!(!has(&cancel, HeaderName::Require) && !has(&cancel, HeaderName::ProxyRequire));
}

#[test]
fn s9_1_200_to_the_cancel_and_487_to_the_invite_end_the_context_cancelled() {
    let (mut call, _, cancel) = cancelled();
    call.look();
    call.reply_to(&cancel, 200, "x");
    call.reply(487, "b");
    assert_eq!(
        call.news(),
        [
            "cancel answered 200",
            "rejected 487 Canceled",
            "failed Canceled",
            "acked 487",
            "leg b ended by a 487",
            "ended Canceled"
        ]
    );
    assert_eq!(call.state(), State::Canceled);
}

#[test]
fn s9_1_the_487_may_overtake_the_200() {
    let (mut call, _, cancel) = cancelled();
    call.reply(487, "b");
    assert_eq!(call.ended(), None, "the CANCEL is still under way");
    call.reply_to(&cancel, 200, "x");
    assert_eq!(call.ended().unwrap().0, Cause::Canceled);
}

#[test]
fn s9_1_a_refused_cancel_does_not_end_the_invite() {
    let (mut call, _, cancel) = cancelled();
    call.reply_to(&cancel, 481, "x");
    assert_eq!(call.ended(), None);
    call.look();
    call.reply(486, "b");
    assert_eq!(call.news()[0], "rejected 486 Canceled", "as the user wished, whatever did it");
    assert_eq!(call.ended().unwrap().0, Cause::Canceled);
}

#[test]
fn s9_1_after_the_final_response_a_cancel_is_refused_with_the_reason() {
    let mut call = Call::invited();
    call.reply(486, "b");
    assert_eq!(call.cancel(), Err(CancelError::Over("rejected")));
    assert_eq!(Call::up().cancel(), Err(CancelError::Accepted));
    let mut failed = Call::invited();
    failed.wait(PATIENCE);
    assert_eq!(failed.cancel(), Err(CancelError::Over("failed")));
}

#[test]
fn s9_1_a_second_cancel_is_refused() {
    let mut waiting = Call::invited();
    waiting.cancel().unwrap();
    assert_eq!(waiting.cancel(), Err(CancelError::Cancelled));
    let mut call = Call::ringing();
    call.cancel().unwrap();
    assert_eq!(call.cancel(), Err(CancelError::Cancelled));
    assert_eq!(call.wire(), ["CANCEL"]);
}

#[test]
fn s9_1_what_is_no_invite_cannot_be_cancelled() {
    for method in [Method::Options, Method::Register, Method::Message, Method::Bye] {
        let mut call = Call::udp(new_request(method.clone(), "sip:demo.test"));
        assert_eq!(call.cancel(), Err(CancelError::NotInvite(method)));
    }
}

#[test]
fn s9_1_an_unknown_context_cannot_be_cancelled() {
    let mut call = Call::invited();
    let unknown = ContextId(99);
    let refused = call.sim.with(|ua, now| ua.cancel(now, unknown, Default::default()));
    assert_eq!(refused, Err(CancelError::Unknown(unknown)));
}

#[test]
fn s9_1_a_cancel_that_is_never_answered_is_sent_again_as_any_request() {
    let mut call = Call::ringing();
    call.cancel().unwrap();
    call.wait(Duration::from_secs(8));
    let first = call.times(Method::Cancel)[0];
    let times: Vec<u128> = call.times(Method::Cancel).iter().map(|at| at - first).collect();
    assert_eq!(times, [0, 500, 1500, 3500, 7500]);
}

#[test]
fn s9_1_without_a_487_the_context_ends_cancelled_64_t1_after_the_cancel() {
    let (mut call, _, cancel) = cancelled();
    call.reply_to(&cancel, 200, "x");
    call.wait(PATIENCE - ms(10));
    assert_eq!(call.ended(), None);
    call.wait(ms(10));
    assert_eq!(call.ended().unwrap().0, Cause::Canceled);
    call.wait(PATIENCE);
    assert_eq!((call.sim.ua.contexts(), call.sim.ua.poll_timeout()), (0, None));
}

#[test]
fn s9_1_a_late_487_after_that_is_a_stray() {
    let (mut call, invite, cancel) = cancelled();
    call.reply_to(&cancel, 200, "x");
    call.wait(PATIENCE);
    call.look();
    call.reply_to(&invite, 487, "b");
    assert_eq!(call.news(), [""; 0]);
    assert_eq!(call.sim.strays.len(), 1);
}

#[test]
fn s9_1_a_2xx_that_crosses_the_cancel_is_acked_and_hung_up() {
    let mut call = Call::ringing();
    call.cancel().unwrap();
    call.reply(200, "b");
    assert_eq!(call.wire(), ["CANCEL", "ACK", "BYE"]);
    assert!(call.news().contains(&"cancel crossed".to_owned()));
}

#[test]
fn s9_1_a_2xx_before_any_provisional_is_acked_and_hung_up_and_nothing_cancelled() {
    let mut call = Call::invited();
    call.cancel().unwrap();
    call.reply(200, "b");
    assert_eq!(call.wire(), ["ACK", "BYE"]);
    assert!(call.all_sent(Method::Cancel).is_empty());
}

#[test]
fn s9_1_a_rejection_before_any_provisional_ends_it_and_nothing_is_cancelled() {
    let mut call = Call::invited();
    call.cancel().unwrap();
    call.reply(486, "b");
    assert_eq!(call.ended().unwrap().0, Cause::Busy);
    assert_eq!(call.wire(), ["ACK"]);
}

#[test]
fn s9_1_a_cancel_before_the_challenge_keeps_the_credentials_from_being_tried() {
    let mut request = invite();
    let password = sipboard::sip::Password::new("secret");
    request.credentials = Some(vec![sipboard::sip::Credentials::new("alice", password)].into());
    let mut call = Call::udp(request).looked();
    call.cancel().unwrap();
    call.reply_with(407, "b", |builder| {
        builder.header(HeaderName::ProxyAuthenticate, r#"Digest realm="d", nonce="n", qop="auth""#)
    });
    assert_eq!(call.wire(), ["ACK"]);
    assert_eq!(call.ended().unwrap().0, Cause::Canceled);
}

#[test]
fn s9_1_a_transport_that_breaks_ends_the_context_and_says_that_the_cancel_failed() {
    let mut call = Call::ringing();
    call.cancel().unwrap();
    call.look();
    call.sim.with(|ua, now| ua.flow_down(now, FLOW, "the connection broke"));
    let news = call.news();
    assert_eq!(news[0], "cancel failed");
    // The peer rings, and may accept by another way (RFC 3261 §18.2.2): the end comes with 64·T1.
    assert!(!news.iter().any(|told| told.starts_with("ended")), "{news:?}");
    call.wait(PATIENCE * 2);
    assert!(matches!(call.last_event().fact, Fact::Ended { .. }));
    assert_eq!((call.sim.ua.contexts(), call.sim.ua.poll_timeout()), (0, None));
}

#[test]
fn s9_1_a_reinvite_can_be_cancelled_and_the_session_stays() {
    let mut call = Call::up();
    let id = call.in_dialog(Method::Invite).unwrap();
    let reinvite = call.sent(Method::Invite);
    call.reply_to(&reinvite, 100, "");
    call.sim.with(|ua, now| ua.cancel(now, id, Default::default())).unwrap();
    let cancel = call.sent(Method::Cancel);
    call.reply_to(&cancel, 200, "");
    call.reply_to(&reinvite, 487, "");
    call.wait(ms(3));
    assert_eq!(branch(&cancel), branch(&reinvite));
    assert_eq!(call.state(), State::Accepted);
    assert_eq!(call.last_event().status.legs_up, 1);
}

fn by_hand() -> Call {
    let settings = Settings { by_hand: vec![Method::Invite], ..Settings::default() };
    Call::up_with(settings, Transport::Udp)
}

#[test]
fn s9_2_the_peers_cancel_gets_200_and_its_pending_invite_487() {
    let mut call = by_hand();
    call.deliver(call.peer_request("b", Method::Invite, 1, &[]));
    call.look();
    call.deliver(call.peer_request("b", Method::Cancel, 1, &[]));
    assert_eq!(call.wire(), ["200", "487"]);
    let answers: Vec<String> =
        call.sim.sent.iter().rev().take(2).map(|(_, m)| text(m, HeaderName::CSeq)).collect();
    assert_eq!(answers, ["1 INVITE", "1 CANCEL"]);
    assert_eq!(call.state(), State::Accepted, "the dialog stays");
}

#[test]
fn s9_2_the_peers_cancel_of_what_is_answered_gets_200_and_changes_nothing() {
    let mut call = Call::up();
    call.peer(Method::Invite, 1, &[]);
    call.look();
    call.deliver(call.peer_request("b", Method::Cancel, 1, &[(HeaderName::Require, "x-one")]));
    assert_eq!(call.wire(), ["200"]);
    assert_eq!(call.last_event().status.legs_up, 1);
}

#[test]
fn s9_2_the_peers_cancel_of_nothing_gets_481() {
    let mut call = Call::up();
    call.deliver(call.peer_request("b", Method::Cancel, 1, &[]));
    assert_eq!(code(&call.last()), 481);
}

#[test]
fn s9_1_whatever_rejects_the_invite_after_the_cancel_ends_it_cancelled_and_without_advice() {
    for status in [302, 401, 408, 481, 486, 503, 600] {
        let mut call = Call::ringing();
        call.cancel().unwrap();
        let cancel = call.sent(Method::Cancel);
        call.reply_to(&cancel, 200, "");
        call.look();
        call.reply_with(status, "b", |builder| {
            builder.header(HeaderName::Contact, "<sip:c@c.test>").header(HeaderName::RetryAfter, 5)
        });
        assert_eq!(call.ended().unwrap().0, Cause::Canceled, "{status}");
        assert_eq!((call.state(), call.advice()), (State::Canceled, None), "{status}");
        assert_eq!(call.news()[0], format!("rejected {status} Canceled"), "the true status");
    }
}

#[test]
fn s9_1_what_would_be_tried_again_ends_cancelled_before_any_provisional_too_and_without_advice() {
    for (status, cause) in [
        (302, Cause::Canceled),
        (401, Cause::Canceled),
        (407, Cause::Canceled),
        (487, Cause::Canceled),
        (503, Cause::Canceled),
        // These are no way to go on, and nobody was told of the cancel.
        (480, Cause::Unavailable),
        (486, Cause::Busy),
    ] {
        let mut call = Call::invited();
        call.cancel().unwrap();
        call.reply_with(status, "b", |builder| {
            builder.header(HeaderName::Contact, "<sip:c@c.test>").header(HeaderName::RetryAfter, 5)
        });
        assert_eq!(call.ended().unwrap().0, cause, "{status}");
        assert_eq!(call.advice(), None, "{status}");
        assert_eq!(call.wire(), ["ACK"], "{status}");
    }
}

#[test]
fn s9_1_a_target_that_fails_after_the_cancel_is_the_last_one() {
    let settings = Settings { redirects: Redirects::All, ..Settings::default() };
    let mut call = Call::with(settings, Transport::Udp, invite());
    call.reply_with(302, "b", |builder| {
        builder.header(HeaderName::Contact, "<sip:c@c.test>, <sip:d@d.test>;q=0.5")
    });
    call.cancel().unwrap();
    call.reply(404, "c");
    assert_eq!(call.all_sent(Method::Invite).len(), 2);
    assert_eq!(call.ended().unwrap().0, Cause::Canceled);
}

#[test]
fn s9_2_the_peers_cancel_of_what_is_no_invite_gets_200_and_changes_nothing() {
    let settings = Settings { by_hand: vec![Method::Info], ..Settings::default() };
    let mut call = Call::up_with(settings, Transport::Udp);
    call.peer(Method::Info, 7, &[]);
    call.look();
    let cancel = call.peer_request("b", Method::Cancel, 7, &[]);
    let cancel = String::from_utf8(cancel.to_vec()).unwrap();
    call.deliver(cancel.replace("z9hG4bKp7INVITE", "z9hG4bKp7INFO").into());
    assert_eq!(call.wire(), ["200"]);
    let waiting = call.sim.events.iter().find_map(|event| match event.fact {
        Fact::Received { transaction, .. } => transaction,
        _ => None,
    });
    let answer = Answer {
        status: StatusCode::OK,
        reason: String::new(),
        headers: Vec::new(),
        content_type: None,
        body: Default::default(),
    };
    let answered = call.sim.with(|ua, now| ua.answer(now, waiting.unwrap(), answer));
    assert_eq!(answered, Ok(()), "the INFO still waits");
}
