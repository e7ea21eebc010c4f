//! RFC 3311: UPDATE.

mod scripted;
mod simulation;

use scripted::*;
use simulation::invite;
use sipboard::sip::{
    DialogError, DialogRequest, HangUpError, HeaderName, Method, Settings, Transport,
};

const SDP_TYPE: [(HeaderName, &str); 1] = [(HeaderName::ContentType, "application/sdp")];

#[test]
fn s4_update_is_allowed_in_every_invite_and_in_its_answers() {
    let mut call = Call::up();
    let answer = call.peer(Method::Invite, 1, &[]);
    for message in [call.sent(Method::Invite), answer] {
        assert!(list(&message, HeaderName::Allow).contains(&"UPDATE".to_owned()));
    }
}

#[test]
fn s5_1_an_update_is_a_request_of_the_dialog_with_a_contact() {
    let mut call = Call::up();
    call.in_dialog(Method::Update).unwrap();
    let (invite, update) = (call.sent(Method::Invite), call.sent(Method::Update));
    assert_eq!(cseq(&update), cseq(&invite) + 1);
    assert_eq!(update.to().unwrap().tag(), Some("b"));
    assert_eq!(text(&update, HeaderName::Contact), text(&invite, HeaderName::Contact));
}

#[test]
fn s5_1_an_update_goes_out_on_an_early_dialog() {
    let mut call = Call::ringing();
    let update = call.in_dialog(Method::Update).unwrap();
    let request = call.sent(Method::Update);
    assert_eq!(request.to().unwrap().tag(), Some("b"));
    assert_eq!(request.request_uri(), Some("sip:bob@192.0.2.2:5060"));
    call.reply_to(&request, 200, "");
    assert_eq!(call.sim.story(update).last().unwrap(), "ended Accepted");
    assert_eq!(call.ended(), None);
}

#[test]
fn s5_1_on_one_of_several_early_dialogs_it_names_its_leg() {
    let mut call = Call::ringing();
    call.reply(183, "c");
    assert!(call.in_dialog(Method::Update).is_err());
    call.in_dialog_with(Some("c"), DialogRequest::new(Method::Update)).unwrap();
    assert_eq!(call.sent(Method::Update).to().unwrap().tag(), Some("c"));
}

#[test]
fn s5_1_without_any_dialog_there_is_no_update() {
    let mut call = Call::invited();
    let refused = call.in_dialog(Method::Update);
    assert_eq!(refused, Err(DialogError::HangUp(HangUpError::Pending)));
}

#[test]
fn s5_1_a_2xx_to_an_update_moves_the_target() {
    let mut call = Call::up();
    call.in_dialog(Method::Update).unwrap();
    let update = call.sent(Method::Update);
    call.reply_to_with(&update, 200, "", |builder| {
        builder.header(HeaderName::Contact, "<sip:bob@moved.test>")
    });
    call.hang_up();
    assert_eq!(call.sent(Method::Bye).request_uri(), Some("sip:bob@moved.test"));
}

#[test]
fn s5_1_an_update_is_not_acked() {
    let mut call = Call::up();
    call.in_dialog(Method::Update).unwrap();
    let update = call.sent(Method::Update);
    call.look();
    call.reply_to(&update, 200, "");
    assert_eq!(call.wire(), [""; 0]);
}

#[test]
fn s5_1_a_refused_update_leaves_the_session() {
    let mut call = Call::up();
    call.in_dialog(Method::Update).unwrap();
    let update = call.sent(Method::Update);
    call.reply_to(&update, 488, "");
    assert_eq!((call.ended(), call.last_event().status.legs_up), (None, 1));
}

#[test]
fn s5_2_an_update_of_the_peer_with_an_offer_gets_200_with_an_answer() {
    let mut call = Call::up();
    let answer = call.peer_body(Method::Update, 1, &SDP_TYPE, SDP);
    assert_eq!(code(&answer), 200);
    assert!(answer.body().ends_with(b"m=audio 0 RTP/AVP 0\r\n"));
    assert!(has(&answer, HeaderName::Contact));
}

#[test]
fn s5_2_an_update_of_the_peer_without_an_offer_gets_200_without_a_body() {
    let mut call = Call::up();
    let answer = call.peer(Method::Update, 1, &[]);
    assert_eq!((code(&answer), answer.body().len()), (200, 0));
}

#[test]
fn s5_2_an_update_of_the_peer_moves_the_target() {
    let mut call = Call::up();
    call.peer(Method::Update, 1, &[(HeaderName::Contact, "<sip:bob@moved.test>")]);
    call.hang_up();
    assert_eq!(call.sent(Method::Bye).request_uri(), Some("sip:bob@moved.test"));
}

#[test]
fn s5_2_an_update_across_our_reinvite_gets_491() {
    let mut call = Call::up();
    call.in_dialog(Method::Invite).unwrap();
    assert_eq!(code(&call.peer_body(Method::Update, 1, &SDP_TYPE, SDP)), 491);
}

/// An INVITE with an offer that rings.
fn offered() -> Call {
    let mut request = simulation::invite();
    request.content_type = Some("application/sdp".to_owned());
    request.body = SDP.into();
    Call::udp(request)
}

#[test]
fn s5_2_an_offer_in_an_early_update_before_the_answer_to_ours_gets_491() {
    let mut call = offered();
    call.reply(180, "b");
    assert_eq!(code(&call.peer_body(Method::Update, 1, &SDP_TYPE, SDP)), 491);
    assert_eq!(code(&call.peer(Method::Update, 2, &[])), 200, "without an offer it may come");
}

#[test]
fn s5_2_after_the_answer_in_a_reliable_provisional_an_early_update_is_taken() {
    let mut call = offered();
    call.reply_sdp(183, "b", &[(HeaderName::Require, "100rel"), (HeaderName::RSeq, "1")]);
    assert_eq!(code(&call.peer_body(Method::Update, 1, &SDP_TYPE, SDP)), 200);
}

#[test]
fn s5_2_a_second_update_before_the_answer_to_the_first_gets_500_with_retry_after() {
    let settings = Settings { by_hand: vec![Method::Update], ..Settings::default() };
    let mut call = Call::up_with(settings, Transport::Udp);
    call.deliver(call.peer_request("b", Method::Update, 1, &[]));
    let second = call.peer(Method::Update, 2, &[]);
    assert_eq!(code(&second), 500);
    assert!(text(&second, HeaderName::RetryAfter).parse::<u32>().unwrap() <= 10);
}

#[test]
fn s5_2_an_update_while_our_offer_in_a_2xx_waits_for_its_answer_gets_491() {
    let mut call = Call::up();
    // Without an offer: ours is in the 200.
    let accepted = call.peer(Method::Invite, 1, &[]);
    assert!(code(&accepted) == 200 && !accepted.body().is_empty());
    assert_eq!(code(&call.peer_body(Method::Update, 2, &SDP_TYPE, SDP)), 491);
    assert_eq!(code(&call.peer(Method::Update, 3, &[])), 200, "without an offer it may come");
    call.deliver(call.peer_request("b", Method::Ack, 1, &[]));
    assert_eq!(code(&call.peer_body(Method::Update, 4, &SDP_TYPE, SDP)), 200);
}

#[test]
fn s5_1_no_update_makes_an_offer_across_another_one() {
    let offer = || DialogRequest {
        content_type: Some("application/sdp".to_owned()),
        body: SDP.into(),
        ..DialogRequest::new(Method::Update)
    };
    // Ours, in an UPDATE.
    let mut call = Call::up();
    call.in_dialog_with(None, offer()).unwrap();
    assert_eq!(call.in_dialog_with(None, offer()), Err(DialogError::OfferPending));
    call.in_dialog(Method::Update).unwrap();
    let update = call.all_sent(Method::Update).remove(0);
    call.reply_to(&update, 488, "");
    call.in_dialog_with(None, offer()).unwrap();
    // Ours, in a re-INVITE.
    let mut call = Call::up();
    call.in_dialog(Method::Invite).unwrap();
    assert_eq!(call.in_dialog_with(None, offer()), Err(DialogError::OfferPending));
    // That of the INVITE, until a reliable provisional has answered it.
    let mut request = invite();
    request.content_type = Some("application/sdp".to_owned());
    request.body = SDP.into();
    let mut call = Call::udp(request);
    call.reply(180, "b");
    assert_eq!(call.in_dialog_with(None, offer()), Err(DialogError::OfferPending));
    call.reply_sdp(183, "b", &[(HeaderName::Require, "100rel"), (HeaderName::RSeq, "1")]);
    call.in_dialog_with(None, offer()).unwrap();
    // The peer's.
    let by_hand = [Method::Update].into_iter().collect();
    let settings = Settings { by_hand, ..Settings::default() };
    let mut call = Call::up_with(settings, Transport::Udp);
    call.peer_body(Method::Update, 1, &SDP_TYPE, SDP);
    assert_eq!(call.in_dialog_with(None, offer()), Err(DialogError::OfferPending));
}
