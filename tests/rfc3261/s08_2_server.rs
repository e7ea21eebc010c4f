//! §8.2 and §11: what the peer's requests are answered with.

use sipboard::sip::{HeaderName, Message, MessageBuilder, Method};

use crate::scripted::*;

/// A request of the peer that belongs to no dialog.
fn outside(method: &Method, id: &str, headers: &[(HeaderName, &str)]) -> MessageBuilder {
    let builder = MessageBuilder::request(method, "sip:alice@192.0.2.1")
        .header(HeaderName::Via, format_args!("SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK{id}"))
        .header(HeaderName::MaxForwards, 70)
        .header(HeaderName::From, "<sip:carol@demo.test>;tag=c")
        .header(HeaderName::To, "<sip:alice@demo.test>")
        .header(HeaderName::CallId, "outside")
        .header(HeaderName::CSeq, format_args!("1 {method}"));
    headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, value))
}

fn ask(call: &mut Call, method: Method, headers: &[(HeaderName, &str)]) -> Message {
    call.deliver(outside(&method, "1", headers).body(None, b""));
    call.last()
}

#[test]
fn s8_2_1_an_unsupported_method_gets_405_with_allow() {
    let mut call = Call::invited();
    let answer = ask(&mut call, Method::Register, &[]);
    assert_eq!(code(&answer), 405);
    assert!(!list(&answer, HeaderName::Allow).iter().any(|method| method == "REGISTER"));
    assert!(has(&answer, HeaderName::Allow));
    let answer = ask(&mut call, "FROBNICATE".parse().unwrap(), &[]);
    assert_eq!(code(&answer), 405);
}

#[test]
fn s8_2_1_a_405_does_not_allow_the_method_that_it_refuses() {
    for method in [Method::Invite, Method::Message, Method::Register, Method::Publish] {
        let mut call = Call::invited();
        let answer = ask(&mut call, method.clone(), &[]);
        let allowed = list(&answer, HeaderName::Allow).contains(&method.to_string());
        assert!(code(&answer) != 405 || !allowed, "{method}");
    }
}

#[test]
fn s8_2_2_2_the_same_request_another_way_gets_482() {
    let mut call = Call::invited();
    ask(&mut call, Method::Options, &[]);
    call.deliver(outside(&Method::Options, "2", &[]).body(None, b""));
    assert_eq!(code(&call.last()), 482);
}

#[test]
fn s8_2_2_2_a_request_with_a_to_tag_is_never_merged() {
    let mut call = Call::up();
    let first = call.peer(Method::Options, 1, &[]);
    let again = call.peer_request("b", Method::Options, 1, &[]);
    let other = String::from_utf8(again.to_vec()).unwrap().replace("z9hG4bKp", "z9hG4bKq");
    call.deliver(other.into());
    assert_eq!((code(&first), code(&call.last())), (200, 200));
}

#[test]
fn s8_2_2_3_an_unknown_required_extension_gets_420_with_unsupported() {
    let mut call = Call::up();
    let required = [(HeaderName::Require, "100rel, x-one"), (HeaderName::Require, "x-two")];
    let answer = call.peer(Method::Options, 1, &required);
    assert_eq!(code(&answer), 420);
    assert_eq!(list(&answer, HeaderName::Unsupported), ["x-one", "x-two"]);
}

#[test]
fn s8_2_2_3_require_is_ignored_in_ack() {
    let mut call = Call::up();
    call.peer(Method::Invite, 1, &[]);
    call.look();
    call.deliver(call.peer_request("b", Method::Ack, 1, &[(HeaderName::Require, "x-one")]));
    assert_eq!(call.news(), ["received ACK"]);
    assert_eq!(call.wire(), [""; 0]);
}

#[test]
fn s8_2_3_a_body_of_an_unknown_type_gets_415_with_accept() {
    let mut call = Call::up();
    let answer =
        call.peer_body(Method::Invite, 1, &[(HeaderName::ContentType, "text/x-odd")], "hello");
    assert_eq!(code(&answer), 415);
    assert_eq!(list(&answer, HeaderName::Accept), ["application/sdp"]);
}

#[test]
fn s8_2_3_a_body_in_an_unknown_encoding_gets_415_with_accept_encoding() {
    let mut call = Call::up();
    let headers =
        [(HeaderName::ContentType, "application/sdp"), (HeaderName::ContentEncoding, "gzip")];
    let answer = call.peer_body(Method::Invite, 1, &headers, "packed");
    assert_eq!(code(&answer), 415);
    assert!(has(&answer, HeaderName::AcceptEncoding));
}

#[test]
fn s8_2_3_an_optional_body_of_an_unknown_type_is_ignored() {
    let mut call = Call::up();
    let headers = [
        (HeaderName::ContentType, "text/x-odd"),
        (HeaderName::ContentDisposition, "session;handling=optional"),
    ];
    assert_eq!(code(&call.peer_body(Method::Invite, 1, &headers, "hello")), 200);
}

#[test]
fn s8_2_6_2_a_response_copies_via_from_call_id_and_cseq() {
    let mut call = Call::invited();
    let answer = ask(&mut call, Method::Options, &[]);
    assert_eq!(text(&answer, HeaderName::From), "<sip:carol@demo.test>;tag=c");
    assert_eq!(text(&answer, HeaderName::CallId), "outside");
    assert_eq!(text(&answer, HeaderName::CSeq), "1 OPTIONS");
    assert!(text(&answer, HeaderName::Via).starts_with("SIP/2.0/UDP 192.0.2.2:5060;branch="));
}

#[test]
fn s8_2_6_2_every_via_is_copied_in_order() {
    let mut call = Call::invited();
    let below = "SIP/2.0/UDP p1.test;branch=z9hG4bKa, SIP/2.0/TCP p0.test;branch=z9hG4bKb";
    let answer = ask(&mut call, Method::Options, &[(HeaderName::Via, below)]);
    let vias = list(&answer, HeaderName::Via);
    assert_eq!(vias.len(), 3);
    assert_eq!(vias[1..].join(", "), below);
}

#[test]
fn s8_2_6_2_to_gets_a_tag_and_copies_of_the_response_the_same_one() {
    let mut call = Call::invited();
    let first = ask(&mut call, Method::Options, &[]);
    let again = ask(&mut call, Method::Options, &[]);
    assert!(first.to().unwrap().tag().is_some());
    assert_eq!(first.bytes(), again.bytes());
}

#[test]
fn s8_2_6_2_a_to_tag_that_is_there_is_kept() {
    let mut call = Call::up();
    let answer = call.peer(Method::Options, 1, &[]);
    assert_eq!(answer.to().unwrap().tag(), call.sent(Method::Invite).from().unwrap().tag());
}

#[test]
fn s8_2_7_a_request_with_a_to_tag_of_no_dialog_gets_481() {
    let mut call = Call::up();
    for method in [Method::Bye, Method::Info, Method::Invite, Method::Update, Method::Options] {
        call.deliver(call.peer_request("stranger", method.clone(), 1, &[]));
        assert_eq!(code(&call.last()), 481, "{method}");
    }
}

#[test]
fn s8_2_a_request_in_a_dialog_without_its_dialog_gets_481() {
    for method in [Method::Bye, Method::Notify, Method::Info, Method::Update, Method::Prack] {
        let mut call = Call::invited();
        assert_eq!(code(&ask(&mut call, method.clone(), &[])), 481, "{method}");
    }
}

#[test]
fn s11_2_options_says_what_is_supported() {
    let mut call = Call::invited();
    let answer = ask(&mut call, Method::Options, &[]);
    assert_eq!(code(&answer), 200);
    assert!(list(&answer, HeaderName::Allow).contains(&"OPTIONS".to_owned()));
    assert_eq!(list(&answer, HeaderName::Accept), ["application/sdp", "text/plain"]);
    assert_eq!(list(&answer, HeaderName::Supported), ["100rel"]);
    for name in [HeaderName::AcceptEncoding, HeaderName::AcceptLanguage] {
        assert!(has(&answer, name), "{name}");
    }
}

#[test]
fn s11_2_options_in_a_dialog_is_answered_as_outside() {
    let mut call = Call::up();
    let inside = call.peer(Method::Options, 1, &[]);
    let outside = ask(&mut call, Method::Options, &[]);
    for name in [HeaderName::Allow, HeaderName::Accept, HeaderName::Supported] {
        assert_eq!(text(&inside, name), text(&outside, name), "{name}");
    }
}

#[test]
fn s11_1_options_asks_with_a_contact_and_does_not_make_a_leg() {
    let mut call = Call::options();
    assert!(has(&call.last(), HeaderName::Contact));
    call.reply(200, "b");
    assert_eq!(call.news(), ["accepted 200", "ended Accepted"]);
    assert_eq!(call.last_event().status.legs_up, 0);
}

#[test]
fn s20_35_server_names_the_program_in_an_answer() {
    let mut call = Call::invited();
    let answer = ask(&mut call, Method::Options, &[]);
    assert!(text(&answer, HeaderName::Server).starts_with("sipboard/"));
}

#[test]
fn rfc6086_s4_2_2_an_unknown_info_package_gets_469_with_what_is_received() {
    let mut call = Call::up();
    let bytes = call.peer_request("b", Method::Info, 1, &[]);
    let bytes = String::from_utf8(bytes.to_vec()).unwrap();
    call.deliver(bytes.replacen("Max-Forwards", "Info-Package: dtmf\r\nMax-Forwards", 1).into());
    assert_eq!(code(&call.last()), 469);
    assert!(String::from_utf8_lossy(call.last().bytes()).contains("Recv-Info:"));
    assert_eq!(code(&call.peer(Method::Info, 2, &[])), 200, "without a package as ever");
}

#[test]
fn s20_5_allow_is_one_list_outside_a_dialog_and_in_what_we_send() {
    let mut call = Call::up();
    let sent = list(&call.sent(Method::Invite), HeaderName::Allow);
    let answer = ask(&mut call, Method::Options, &[]);
    assert_eq!(list(&answer, HeaderName::Allow), sent);
}

#[test]
fn s8_2_what_comes_outside_a_dialog_is_answered_and_told_with_its_answer() {
    for (method, status) in [
        (Method::Options, 200),
        (Method::Message, 200),
        (Method::Invite, 480),
        (Method::Info, 481),
        (Method::Notify, 481),
        (Method::Publish, 405),
    ] {
        let mut call = Call::invited();
        let bytes = outside(&method, "1", &[]).body(None, b"");
        call.deliver(bytes.clone());
        assert_eq!(code(&call.last()), status, "{method}");
        call.deliver(bytes.clone());
        assert_eq!(code(&call.last()), status, "{method}");
        let told = |again| {
            let stray = &call.sim.strays[usize::from(again)];
            let asked = stray.asked.as_ref().expect("a request");
            assert_eq!((&stray.bytes, &asked.method, asked.again), (&bytes, &method, again));
            asked.answer.map(|answer| answer.code())
        };
        assert_eq!((told(false), told(true)), (Some(status), None), "{method}");
        assert_eq!(call.sim.strays.len(), 2, "{method}");
    }
}
