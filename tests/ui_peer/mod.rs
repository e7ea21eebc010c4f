//! What a peer asks of us within a call, and how it is answered, in the detail.

use bytes::Bytes;
use crossterm::event::{KeyCode, KeyModifiers};
use sipboard::{
    sip::{
        Fact, FlowId, Incoming, Message, Method, Response, ServerTransactions, State, StatusCode,
        Timer, Timing, Transport,
    },
    ui::view::Colours,
};

use super::{
    answer, call,
    ui_script::{Script, along, status, timers},
};

#[test]
fn a_reinvite_of_the_peer_leaves_the_route_set_as_it_was() {
    let mut script = call(Colours::Many);
    let up = sipboard::sip::Status { legs_up: 1, ..status(State::Accepted, true) };
    let dialog = "From: <sip:auth@demo.test>;tag=a8f2\r\n\
        To: \"Alice\" <sip:alice@demo.test>;tag=1928301774\r\n\
        Call-ID: a84b4c76e66710\r\nCSeq: 1 INVITE\r\n";
    let request =
        format!("INVITE sip:alice@127.0.0.1:40000 SIP/2.0\r\n{dialog}Contact: <sip:new@h>\r\n\r\n");
    let received = Fact::Received {
        message: request.into(),
        again: false,
        transaction: None,
        session: None,
        answer: StatusCode::new(200),
    };
    script.fact(1, Method::Invite, received, up.clone());
    let message = format!("SIP/2.0 200 OK\r\n{dialog}Contact: <sip:alice@127.0.0.1:40000>\r\n\r\n");
    let status = StatusCode::new(200).unwrap();
    let answered = Fact::Answered {
        response: Response { status, message: message.into() }.into(),
        attempt: 1,
        left: 0,
        destination: along(),
    };
    script.fact(1, Method::Invite, answered, up);
    script.type_text("4");
    let text = script.text(140, 40);
    assert!(text.contains("route set  ") && text.contains("<sip:p.demo.test;lr>"), "{text}");
    assert!(text.contains("sip:new@h"), "{text}");
}

#[test]
fn our_answers_that_go_out_again_stand_in_the_timeline_with_their_timers() {
    let mut script = call(Colours::Many);
    let up = status(State::Accepted, true);
    let at = |script: &Script, millis| script.now + std::time::Duration::from_millis(millis);
    let refusal = |attempt| Fact::Answered {
        response: answer(488, "Not Acceptable Here", 7, "ours", "").into(),
        attempt,
        left: 11 - attempt,
        destination: along(),
    };
    let running =
        timers(up.clone(), &[(Timer::G, at(&script, 500)), (Timer::H, at(&script, 32_000))]);
    script.fact(1, Method::Invite, refusal(1), running);
    let text = script.text(160, 50);
    assert!(text.contains("488 Not Acceptable Here to INVITE"), "{text}");
    assert!(text.contains("Timer G") && text.contains("sends the final again"), "{text}");
    assert!(text.contains("Timer H"), "{text}");
    script.wait(500);
    let waits = timers(up.clone(), &[(Timer::H, at(&script, 31_500))]);
    script.fact(1, Method::Invite, refusal(2), waits);
    let text = script.text(160, 50);
    assert!(text.contains("488 Not Acceptable Here to INVITE again"), "{text}");
    assert!(text.contains("2 of 11 after 500ms"), "{text}");
    script.wait(31_500);
    let detail = "no ACK came for the 488".to_owned();
    let silent = timers(up, &[(Timer::J, at(&script, 2_000))]);
    script.fact(1, Method::Invite, Fact::NeverAcked { detail }, silent);
    let text = script.text(160, 50);
    assert!(text.contains("never ACKed") && text.contains("no ACK came for the 488"), "{text}");
    assert!(text.contains("Timer J"), "{text}");
    // It fires without a word, and is gone then.
    script.wait(2_001);
    let text = script.text(160, 50);
    assert!(!text.contains("Timer J"), "{text}");
}

#[test]
fn what_is_refused_leaves_the_request_that_waits() {
    let mut script = call(Colours::Many);
    let up = sipboard::sip::Status { legs_up: 1, ..status(State::Accepted, true) };
    let message = |start: &str, cseq: u32| {
        let text = format!(
            "{start}\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKp{cseq}\r\n\
             From: <sip:auth@demo.test>;tag=a8f2\r\nTo: <sip:alice@demo.test>;tag=1928301774\r\n\
             Call-ID: a84b4c76e66710\r\nCSeq: {cseq} INVITE\r\n\r\n"
        );
        Bytes::from(text)
    };
    let invite = |cseq| message("INVITE sip:alice@127.0.0.1:40000 SIP/2.0", cseq);
    let mut servers = ServerTransactions::new(Timing::default(), 1);
    let (source, first) = ("127.0.0.1:5060".parse().unwrap(), Message::read(invite(10)).unwrap());
    let Incoming::New(waits) =
        servers.receive(script.now, FlowId(2), Transport::Udp, source, &first)
    else {
        panic!()
    };
    let session = Some(Box::new(Bytes::from_static(b"v=0\r\ns=our side\r\n")));
    for (cseq, transaction, session) in [(10, Some(waits), session), (11, None, None)] {
        let message = invite(cseq);
        let received = Fact::Received { message, again: false, transaction, session, answer: None };
        script.fact(1, Method::Invite, received, up.clone());
    }
    let message = message("SIP/2.0 500 Server Internal Error", 11);
    let response = Response { status: StatusCode::new(500).unwrap(), message };
    script.fact(
        1,
        Method::Invite,
        Fact::Answered { response: response.into(), attempt: 1, left: 0, destination: along() },
        up,
    );
    script.press(KeyCode::Tab, KeyModifiers::NONE);
    assert!(script.text(160, 40).contains("p answer"), "{}", script.text(160, 40));
    // The form begins with what the automatic answer would be.
    script.type_text("p");
    let Some(sipboard::engine::Command::Answer { transaction, answer, .. }) =
        script.press(KeyCode::Char('s'), KeyModifiers::CONTROL)
    else {
        panic!("{}", script.text(160, 40))
    };
    assert_eq!((transaction, answer.status.code()), (waits, 200));
    assert_eq!(answer.content_type.as_deref(), Some("application/sdp"));
    assert_eq!(answer.body, "v=0\r\ns=our side\r\n");
}
