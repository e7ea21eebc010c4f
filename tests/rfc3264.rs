//! RFC 3264: how the peer's offers are answered, with what we described ourselves.

mod scripted;
mod simulation;

use scripted::*;
use sipboard::sip::{DialogRequest, HeaderName, Message, Method};

const OURS: &str = "v=0\r\no=me 7 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
                    m=audio 6000 RTP/AVP 0 8 101\r\n";

/// A session in which we have described one audio stream.
fn session() -> Call {
    let mut request = simulation::invite();
    request.content_type = Some("application/sdp".to_owned());
    request.body = OURS.into();
    let mut call = Call::udp(request);
    call.reply_sdp(200, "b", &[]);
    call.looked()
}

fn offered(call: &mut Call, cseq: u32, media: &str) -> String {
    let head = "v=0\r\no=- 1 2 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n";
    let sdp = [(HeaderName::ContentType, "application/sdp")];
    let answer = call.peer_body(Method::Invite, cseq, &sdp, &format!("{head}{media}"));
    assert_eq!(code(&answer), 200);
    call.deliver(call.peer_request("b", Method::Ack, cseq, &[]));
    body(&answer)
}

fn body(message: &Message) -> String {
    String::from_utf8(message.body().to_vec()).unwrap()
}

fn media(sdp: &str) -> Vec<&str> {
    sdp.lines().filter(|line| line.starts_with("m=")).collect()
}

#[test]
fn s6_an_answer_has_as_many_media_as_the_offer_in_its_order() {
    let offer = "m=audio 4000 RTP/AVP 0\r\nm=video 4002 RTP/AVP 31\r\nm=audio 4004 RTP/AVP 8\r\n";
    let answer = offered(&mut session(), 1, offer);
    let kinds: Vec<&str> = media(&answer).iter().map(|line| &line[..7]).collect();
    assert_eq!(kinds, ["m=audio", "m=video", "m=audio"]);
}

#[test]
fn s6_a_stream_that_is_not_wanted_has_port_zero() {
    let offer = "m=audio 4000 RTP/AVP 0\r\nm=video 4002 RTP/AVP 31\r\n";
    assert_eq!(media(&offered(&mut session(), 1, offer))[1], "m=video 0 RTP/AVP 31");
}

#[test]
fn s6_a_stream_that_is_taken_has_our_port_and_the_formats_of_both() {
    let answer = offered(&mut session(), 1, "m=audio 4000 RTP/AVP 18 8 0\r\n");
    assert_eq!(media(&answer), ["m=audio 6000 RTP/AVP 8 0"]);
    assert!(answer.contains("c=IN IP4 192.0.2.1\r\n"), "{answer}");
}

#[test]
fn s6_a_stream_without_a_common_format_has_port_zero() {
    let answer = offered(&mut session(), 1, "m=audio 4000 RTP/AVP 9 18\r\n");
    assert_eq!(media(&answer), ["m=audio 0 RTP/AVP 9 18"]);
}

#[test]
fn s6_a_stream_that_the_offer_ends_stays_ended() {
    let answer = offered(&mut session(), 1, "m=audio 0 RTP/AVP 0\r\n");
    assert_eq!(media(&answer), ["m=audio 0 RTP/AVP 0"]);
}

#[test]
fn s6_1_the_direction_of_a_stream_is_mirrored() {
    for (offered_as, answered_as) in [
        ("sendonly", "recvonly"),
        ("recvonly", "sendonly"),
        ("inactive", "inactive"),
        ("sendrecv", "sendrecv"),
    ] {
        let offer = format!("m=audio 4000 RTP/AVP 0\r\na={offered_as}\r\n");
        let answer = offered(&mut session(), 1, &offer);
        assert!(answer.contains(&format!("a={answered_as}\r\n")), "{offered_as}: {answer}");
    }
}

#[test]
fn s8_each_new_description_counts_its_version_on() {
    let mut call = session();
    let version = |sdp: &str| -> u32 {
        let origin = sdp.lines().find_map(|line| line.strip_prefix("o=")).unwrap();
        origin.split(' ').nth(2).unwrap().parse().unwrap()
    };
    let first = offered(&mut call, 1, "m=audio 4000 RTP/AVP 0\r\n");
    let second = offered(&mut call, 2, "m=audio 4000 RTP/AVP 8\r\n");
    assert_eq!(version(&first) + 1, version(&second));
}

#[test]
fn s4_an_invite_without_an_offer_is_answered_with_ours() {
    let mut call = session();
    let answer = call.peer(Method::Invite, 1, &[]);
    assert_eq!(media(&body(&answer)), ["m=audio 6000 RTP/AVP 0 8 101"]);
}

#[test]
fn s5_every_answer_is_a_whole_session_description() {
    let answer = offered(&mut session(), 1, "m=audio 4000 RTP/AVP 0\r\n");
    let first: Vec<&str> = answer.lines().map(|line| &line[..2]).take(5).collect();
    assert_eq!(first, ["v=", "o=", "s=", "c=", "t="]);
    assert!(answer.ends_with("\r\n"));
}

#[test]
fn s4_an_offer_across_ours_is_refused() {
    let mut call = session();
    let request = DialogRequest {
        content_type: Some("application/sdp".to_owned()),
        body: OURS.into(),
        ..DialogRequest::new(Method::Invite)
    };
    call.in_dialog_with(None, request).unwrap();
    let sdp = [(HeaderName::ContentType, "application/sdp")];
    assert_eq!(code(&call.peer_body(Method::Invite, 1, &sdp, SDP)), 491);
}

fn origin(sdp: &str) -> &str {
    sdp.lines().find(|line| line.starts_with("o=")).unwrap()
}

#[test]
fn s8_only_the_version_of_our_origin_ever_changes() {
    let mut call = session();
    let first = offered(&mut call, 1, "m=audio 4000 RTP/AVP 0\r\n");
    assert_eq!(origin(&first), "o=me 7 2 IN IP4 192.0.2.1");
    let same = offered(&mut call, 2, "m=audio 4000 RTP/AVP 0\r\n");
    assert_eq!(same, first, "what says the same is the same");
    let third = offered(&mut call, 3, "m=audio 4000 RTP/AVP 8\r\n");
    assert_eq!(origin(&third), "o=me 7 3 IN IP4 192.0.2.1");
}

#[test]
fn s8_an_offer_that_is_asked_for_repeats_every_medium_that_there_is() {
    let mut call = session();
    let media_of_both = "m=audio 4000 RTP/AVP 8\r\nm=video 4002 RTP/AVP 31\r\n";
    let first = offered(&mut call, 1, media_of_both);
    assert_eq!(body(&call.peer(Method::Invite, 2, &[])), first);
}

#[test]
fn s8_an_offer_with_fewer_media_than_before_is_refused() {
    let mut call = session();
    offered(&mut call, 1, "m=audio 4000 RTP/AVP 8\r\nm=video 4002 RTP/AVP 31\r\n");
    let sdp = [(HeaderName::ContentType, "application/sdp")];
    let answer = call.peer_body(Method::Invite, 2, &sdp, SDP);
    assert_eq!(code(&answer), 488);
    assert!(text(&answer, HeaderName::Warning).contains("fewer media"));
}

#[test]
fn s5_a_description_that_cannot_be_read_gets_488_and_says_why() {
    let mut call = session();
    let sdp = [(HeaderName::ContentType, "application/sdp")];
    for (cseq, garbage) in
        ["garbage", "v=0\r\nm=audio x RTP/AVP 0\r\n", "v=1\r\n"].iter().enumerate()
    {
        let answer = call.peer_body(Method::Update, cseq as u32 + 1, &sdp, garbage);
        assert_eq!(code(&answer), 488, "{garbage:?}");
        assert!(text(&answer, HeaderName::Warning).starts_with("399 "), "{garbage:?}");
    }
}
