//! §8.2, §21.4.1: a request that is answerable and wrong is refused in words that name the flaw.

use sipboard::sip::{FlowId, HeaderName, Limits, Message, Settings, Transport, UserAgent};

use crate::scripted::*;

const OPTIONS: &str = "OPTIONS sip:alice@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK1\r\n\
    Max-Forwards: 70\r\nFrom: <sip:carol@demo.test>;tag=c\r\nTo: <sip:alice@demo.test>\r\n\
    Call-ID: outside\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

/// Status and reason phrase of the answer.
fn answer(bytes: impl Into<Vec<u8>>) -> (u16, String) {
    let mut call = Call::invited();
    call.deliver(bytes.into().into());
    let answer = call.last();
    (code(&answer), answer.reason_phrase())
}

#[test]
fn a_flaw_of_the_request_line_is_named() {
    let line = OPTIONS.split_once("\r\n").unwrap().0;
    let cases: [(&[u8], u16, &str); 10] = [
        (b"OPTIONS sip:al\xe9@192.0.2.1 SIP/2.0", 400, "UTF-8"),
        (b"OPTIONS\tsip:alice@192.0.2.1 SIP/2.0", 400, "White space too much"),
        (b"OPTIONS  sip:alice@192.0.2.1 SIP/2.0", 400, "White space too much"),
        (b"OPTIONS sip:alice@192.0.2.1; lr SIP/2.0", 400, "White space stands in the Request-URI"),
        (b"OPTIONS <sip:alice@192.0.2.1> SIP/2.0", 400, "angle brackets"),
        (b"OPTIONS sip:alice@192.0.2.1?Route=x SIP/2.0", 400, "headers"),
        (b"OPTIONS sip:alice@2001:db8::1 SIP/2.0", 400, "port"),
        (b"OPTIONS sip:alice@192.0.2.1", 400, "SIP/2.0"),
        (b"OPTIONS sip:alice@192.0.2.1 SIP/7.0", 505, "SIP/2.0"),
        (b"OPTIONS nobodyknows:alice SIP/2.0", 416, "Unsupported URI Scheme"),
    ];
    for (flawed, status, words) in cases {
        let (code, reason) = answer([flawed, &OPTIONS.as_bytes()[line.len()..]].concat());
        assert_eq!(code, status, "{}", String::from_utf8_lossy(flawed));
        assert!(reason.contains(words), "{reason} does not say {words}");
    }
}

#[test]
fn a_flaw_of_a_header_is_named() {
    for (from, to, words) in [
        ("1 OPTIONS", "1 INVITE", "The CSeq names another method"),
        ("Length: 0", "Length: 7", "Content-Length: it says 7 bytes, but only 0 follow"),
        ("Forwards: 70", "Forwards: 256", "Max-Forwards: a number from 0 to 255"),
        ("CSeq: 1", "CSeq: x", "CSeq: a number from 0 to 2147483647"),
        ("Call-ID", "Call-ID: other\r\nCall-ID", "Several Call-ID headers"),
    ] {
        let (code, reason) = answer(OPTIONS.replace(from, to));
        assert_eq!(code, 400, "{to}");
        assert!(reason.contains(words), "{reason} does not say {words}");
    }
}

/// RFC 4475 §3.3.1, whether the branch alone finds a transaction or not.
#[test]
fn s8_2_a_request_without_what_a_response_copies_is_refused_by_the_name_of_it() {
    for branch in ["branch=z9hG4bK1", "branch=1", "rport"] {
        for missing in ["From", "To", "Call-ID", "CSeq"] {
            let is_kept = |line: &&str| !line.starts_with(&format!("{missing}:"));
            let lines: Vec<&str> = OPTIONS.split("\r\n").filter(is_kept).collect();
            let request = lines.join("\r\n").replace("branch=z9hG4bK1", branch);
            let mut call = Call::invited();
            call.look();
            call.deliver(request.into());
            let answer = call.last();
            assert_eq!(code(&answer), 400, "{missing}");
            assert_eq!(answer.reason_phrase(), format!("{missing}: the header is missing"));
            for name in [HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq] {
                assert_eq!(answer.header(name).is_none(), name.as_str() == missing, "{name}");
            }
            let strays: Vec<&str> = call.sim.strays.iter().map(|stray| &*stray.problem).collect();
            let told = format!("{missing}: the header is missing; it was refused with 400");
            assert!(strays.len() == 1 && strays[0].ends_with(&told), "{strays:?}");
        }
    }
}

#[test]
fn s8_2_a_request_without_a_via_is_told_and_not_answered() {
    let mut call = Call::invited();
    call.look();
    let is_kept = |line: &&str| !line.starts_with("Via:");
    let lines: Vec<&str> = OPTIONS.split("\r\n").filter(is_kept).collect();
    call.deliver(lines.join("\r\n").into());
    assert_eq!(call.wire(), [""; 0]);
    let strays: Vec<&str> = call.sim.strays.iter().map(|stray| &*stray.problem).collect();
    assert!(strays.len() == 1 && strays[0].ends_with("Via: the header is missing"), "{strays:?}");
}

#[test]
fn a_flawed_ack_is_never_answered() {
    let mut call = Call::invited();
    call.look();
    call.deliver(OPTIONS.replace("OPTIONS", "ACK").replace("ACK sip", "ACK  sip").into());
    assert_eq!(call.wire(), [""; 0]);
}

#[test]
fn a_message_over_a_limit_is_refused_by_the_name_of_the_limit() {
    let limits = Limits { message: 2000, headers: 12, line: 400, parameters: 5, nesting: 2 };
    let with = |line: String| OPTIONS.replace("Max-F", &format!("{line}Max-F"));
    for (request, status, words) in [
        (with("X: y\r\n".repeat(30)), 400, "more than 12 headers"),
        (with(format!("X: {}\r\n", "y".repeat(500))), 400, "longer than 400 bytes"),
        (with(format!("X: {}\r\n", ";y".repeat(9))), 400, "more than 5 parameters"),
        (OPTIONS.replacen("alice@", &"a".repeat(500), 1), 414, "longer than 400 bytes"),
        (OPTIONS.to_owned() + &"b".repeat(2000), 513, "more than 2000 bytes"),
        (OPTIONS.replace("Length: 0", "Length: 2001"), 513, "more than 2000 bytes"),
        (OPTIONS.replace("Length: 0", "Length: 1999"), 513, "more than 2000 bytes"),
    ] {
        let mut agent = UserAgent::new(Settings { limits, ..Settings::default() }, 7);
        let (now, peer) = (std::time::Instant::now(), "192.0.2.2:5060".parse().unwrap());
        agent.flow_connecting(FlowId(1), Transport::Udp);
        agent.flow_up(now, FlowId(1), "192.0.2.1:5060".parse().unwrap());
        agent.handle_message(now, FlowId(1), peer, request.clone().into());
        let (mut answers, mut told) = (Vec::new(), Vec::new());
        while let Some(output) = agent.poll_output() {
            match output {
                sipboard::sip::Output::Transmit(transmit) => {
                    answers.push(Message::read(transmit.bytes).unwrap());
                }
                sipboard::sip::Output::Event(sipboard::sip::Event::Stray(stray)) => {
                    assert_eq!(stray.bytes, request);
                    told.push(stray.problem);
                }
                _ => {}
            }
        }
        assert_eq!((answers.len(), told.len()), (1, 1), "{words}: {told:?}");
        let reason = answers[0].reason_phrase();
        assert_eq!(code(&answers[0]), status, "{reason}");
        assert!(reason.contains(words), "{reason} does not say {words}");
        assert!(status == 513 || told[0].contains(words), "{told:?}");
    }
}
