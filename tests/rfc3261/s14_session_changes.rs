//! §14: changing a session that stands.

use sipboard::sip::{
    Answer, DialogError, DialogRequest, Fact, HeaderName, Method, ServerTransactionId, Settings,
    StatusCode, Transport,
};

use crate::{scripted::*, simulation::response_with};

fn reinvited() -> Call {
    let mut call = Call::up();
    let request = DialogRequest {
        content_type: Some("application/sdp".to_owned()),
        body: SDP.into(),
        ..DialogRequest::new(Method::Invite)
    };
    call.in_dialog_with(None, request).unwrap();
    call.looked()
}

#[test]
fn s14_1_a_reinvite_keeps_the_dialog_and_counts_on() {
    let call = reinvited();
    let invites = call.all_sent(Method::Invite);
    assert_eq!(cseq(&invites[1]), cseq(&invites[0]) + 1);
    assert_eq!(invites[1].to().unwrap().tag(), Some("b"));
    assert_eq!(invites[1].request_uri(), Some("sip:bob@192.0.2.2:5060"));
    assert_eq!(&*invites[1].body(), SDP.as_bytes());
}

#[test]
fn s14_1_a_2xx_to_a_reinvite_is_acked_with_its_cseq_and_makes_no_leg() {
    let mut call = reinvited();
    let reinvite = call.sent(Method::Invite);
    call.reply_to(&reinvite, 200, "");
    assert_eq!(call.news(), ["#2 accepted 200", "#2 acked 200", "#2 ended Accepted"]);
    assert_eq!(cseq(&call.sent(Method::Ack)), cseq(&reinvite));
    call.reply_to(&reinvite, 200, "");
    assert_eq!(call.news(), ["#2 accepted again 200", "#2 acked again 200"]);
}

#[test]
fn s8_2_6_2_a_2xx_to_a_reinvite_with_another_to_tag_or_none_is_told_and_the_dialog_keeps_its_own() {
    for (written, named) in [(";tag=zzz", "zzz"), ("", "")] {
        let mut call = reinvited();
        let reinvite = call.sent(Method::Invite);
        let contact = |builder: sipboard::sip::MessageBuilder| {
            builder.header(HeaderName::Contact, "<sip:bob@192.0.2.2:5060>")
        };
        let accepted = response_with(&reinvite, 200, "", contact);
        let accepted = String::from_utf8(accepted.to_vec()).unwrap().replace(";tag=b", written);
        call.deliver(accepted.into());
        let of_tag = call.sim.events.iter().find_map(|event| match &event.fact {
            Fact::NoLeg { tag, detail } => Some((tag.to_string(), detail.clone())),
            _ => None,
        });
        let (tag, detail) = of_tag.expect("it is told");
        assert_eq!(tag, named);
        assert!(detail.contains("the dialog with the tag b"), "{detail}");
        assert_eq!(detail.contains("has no To tag"), named.is_empty(), "{detail}");
        assert_eq!(call.sent(Method::Ack).to().unwrap().tag(), Some("b"));
        call.hang_up();
        assert_eq!(call.sent(Method::Bye).to().unwrap().tag(), Some("b"));
    }
}

#[test]
fn s14_1_a_rejected_reinvite_leaves_the_session_as_it_was() {
    let mut call = reinvited();
    let reinvite = call.sent(Method::Invite);
    call.reply_to(&reinvite, 488, "");
    let ack = call.sent(Method::Ack);
    assert_eq!(branch(&ack), branch(&reinvite));
    assert_eq!((call.ended(), call.last_event().status.legs_up), (None, 1));
}

#[test]
fn s14_1_no_invite_is_sent_while_one_is_in_progress() {
    let mut call = reinvited();
    assert_eq!(call.in_dialog(Method::Invite), Err(DialogError::InvitePending));
    let reinvite = call.sent(Method::Invite);
    call.reply_to(&reinvite, 200, "");
    call.in_dialog(Method::Invite).unwrap();
}

#[test]
fn s14_1_no_invite_is_sent_until_the_peers_is_acked() {
    let mut call = Call::up();
    call.peer(Method::Invite, 1, &[]);
    assert_eq!(call.in_dialog(Method::Invite), Err(DialogError::InvitePending));
    call.deliver(call.peer_request("b", Method::Ack, 1, &[]));
    call.in_dialog(Method::Invite).unwrap();
}

#[test]
fn s14_1_491_advises_to_try_again_after_2_1_to_4_s() {
    let mut call = reinvited();
    let reinvite = call.sent(Method::Invite);
    call.reply_to(&reinvite, 491, "");
    let (sentence, _) = call.advice().unwrap();
    assert!(sentence.contains("2.1 to 4 s"), "{sentence}");
    call.in_dialog(Method::Invite).unwrap();
}

#[test]
fn s14_1_481_to_a_reinvite_ends_the_dialog() {
    let mut call = reinvited();
    let reinvite = call.sent(Method::Invite);
    call.reply_to(&reinvite, 481, "");
    assert!(call.ended().is_some());
}

#[test]
fn s14_1_408_or_a_timeout_of_a_reinvite_hangs_up() {
    let mut call = reinvited();
    let reinvite = call.sent(Method::Invite);
    call.reply_to(&reinvite, 408, "");
    assert_eq!(call.all_sent(Method::Bye).len(), 1);
    let mut silent = reinvited();
    silent.wait(PATIENCE);
    assert_eq!(silent.all_sent(Method::Bye).len(), 1);
}

#[test]
fn s14_1_a_reinvite_without_an_offer_has_the_offer_of_its_2xx_answered_in_the_ack() {
    let mut call = Call::up();
    call.in_dialog(Method::Invite).unwrap();
    let reinvite = call.sent(Method::Invite);
    let bytes = crate::simulation::response_with(&reinvite, 200, "", |builder| {
        builder.header(HeaderName::ContentType, "application/sdp")
    });
    call.deliver(with_body(&bytes, SDP));
    assert!(call.sent(Method::Ack).body().ends_with(b"m=audio 0 RTP/AVP 0\r\n"));
}

#[test]
fn s14_2_a_reinvite_of_the_peer_with_an_offer_gets_200_with_an_answer() {
    let mut call = Call::up();
    let sdp = [(HeaderName::ContentType, "application/sdp")];
    let answer = call.peer_body(Method::Invite, 1, &sdp, SDP);
    assert_eq!(code(&answer), 200);
    assert!(answer.body().ends_with(b"m=audio 0 RTP/AVP 0\r\n"));
    for name in [HeaderName::Contact, HeaderName::Allow, HeaderName::ContentType] {
        assert!(has(&answer, name), "{name}");
    }
}

#[test]
fn s14_2_a_reinvite_of_the_peer_without_an_offer_gets_one() {
    let mut call = Call::up();
    let answer = call.peer(Method::Invite, 1, &[]);
    assert_eq!(code(&answer), 200);
    assert!(answer.body().starts_with(b"v=0\r\n"));
}

#[test]
fn s14_2_a_reinvite_across_ours_gets_491() {
    let mut call = reinvited();
    assert_eq!(code(&call.peer(Method::Invite, 1, &[])), 491);
}

#[test]
fn s14_2_a_second_reinvite_before_the_ack_gets_500_with_retry_after() {
    let mut call = Call::up();
    call.peer(Method::Invite, 1, &[]);
    let second = call.peer(Method::Invite, 2, &[]);
    assert_eq!(code(&second), 500);
    let seconds: u32 = text(&second, HeaderName::RetryAfter).parse().unwrap();
    assert!(seconds <= 10);
}

fn by_hand() -> (Call, ServerTransactionId) {
    let settings = Settings { by_hand: vec![Method::Invite], ..Settings::default() };
    let mut call = Call::up_with(settings, Transport::Udp);
    call.deliver(call.peer_request("b", Method::Invite, 1, &[]));
    let waits = call.sim.events.iter().find_map(|event| match event.fact {
        Fact::Received { transaction, .. } => transaction,
        _ => None,
    });
    (call, waits.expect("it waits for the user"))
}

fn answer(status: u16) -> Answer {
    Answer {
        status: StatusCode::new(status).unwrap(),
        reason: String::new(),
        headers: Vec::new(),
        content_type: None,
        body: bytes::Bytes::new(),
    }
}

#[test]
fn s14_2_a_second_reinvite_before_the_answer_by_hand_gets_500_with_retry_after() {
    let (mut call, _) = by_hand();
    let second = call.peer(Method::Invite, 2, &[]);
    assert_eq!(code(&second), 500);
    assert!(has(&second, HeaderName::RetryAfter));
}

#[test]
fn s14_2_a_reinvite_that_waits_for_the_user_gets_100_and_then_what_the_user_says() {
    let (mut call, transaction) = by_hand();
    assert_eq!(code(&call.last()), 100);
    assert_eq!(call.in_dialog(Method::Invite), Err(DialogError::InvitePending));
    call.sim.with(|ua, now| ua.answer(now, transaction, answer(180))).unwrap();
    assert_eq!(code(&call.last()), 180);
    call.sim.with(|ua, now| ua.answer(now, transaction, answer(488))).unwrap();
    assert_eq!(code(&call.last()), 488);
    assert!(call.sim.with(|ua, now| ua.answer(now, transaction, answer(200))).is_err());
    call.in_dialog(Method::Invite).unwrap();
}

#[test]
fn s15_1_2_a_reinvite_that_waits_for_the_user_gets_487_when_the_bye_comes() {
    let (mut call, transaction) = by_hand();
    call.look();
    call.peer(Method::Bye, 2, &[]);
    let mut wire = call.wire();
    wire.sort_unstable();
    assert_eq!(wire, ["200", "487"]);
    assert!(call.sim.with(|ua, now| ua.answer(now, transaction, answer(200))).is_err());
    assert!(call.ended().is_some());
}

#[test]
fn s14_2_an_invite_of_the_peer_while_ours_rings_gets_491() {
    let mut call = Call::ringing();
    let answer =
        call.peer_body(Method::Invite, 1, &[(HeaderName::ContentType, "application/sdp")], SDP);
    assert_eq!(code(&answer), 491);
}

#[test]
fn rfc3311_s5_2_an_offer_of_the_peer_while_ours_in_an_update_is_open_gets_491() {
    let mut call = Call::up();
    let request = DialogRequest {
        content_type: Some("application/sdp".to_owned()),
        body: SDP.into(),
        ..DialogRequest::new(Method::Update)
    };
    call.in_dialog_with(None, request).unwrap();
    let update = call.sent(Method::Update);
    let sdp = [(HeaderName::ContentType, "application/sdp")];
    assert_eq!(code(&call.peer_body(Method::Update, 1, &sdp, SDP)), 491);
    assert_eq!(code(&call.peer_body(Method::Invite, 2, &sdp, SDP)), 491);
    call.reply_to(&update, 200, "");
    assert_eq!(code(&call.peer_body(Method::Update, 3, &sdp, SDP)), 200);
}

#[test]
fn s13_3_1_4_the_bye_for_a_missing_ack_says_so() {
    let mut call = Call::up();
    call.peer(Method::Invite, 1, &[]);
    call.wait(PATIENCE);
    let reason = text(&call.sent(Method::Bye), HeaderName::Reason);
    assert!(reason.contains("408") && reason.contains("no ACK"), "{reason}");
}

#[test]
fn s14_2_an_update_without_an_offer_is_taken_while_a_reinvite_waits_by_hand() {
    let (mut call, waits) = by_hand();
    assert_eq!(code(&call.peer(Method::Update, 2, &[])), 200);
    let third = call.peer(Method::Invite, 3, &[]);
    assert_eq!(code(&third), 500, "the re-INVITE still waits");
    call.sim.with(|ua, now| ua.answer(now, waits, answer(488))).unwrap();
    assert_eq!(code(&call.last()), 488);
}
