//! Offers and answers in reliable provisionals and in their PRACKs (§5).

use super::*;

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
