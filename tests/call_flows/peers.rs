//! What the peer and the network do by themselves, and the end of the user agent.

use super::*;

#[test]
fn a_silent_peer_gets_seven_invites_and_then_the_request_times_out() {
    let mut sim = udp(silent());
    let id = sim.request(invite());
    sim.run(Duration::from_secs(60));
    assert_eq!(
        sim.wire(),
        [
            "0 INVITE",
            "0.5 INVITE",
            "1.5 INVITE",
            "3.5 INVITE",
            "7.5 INVITE",
            "15.5 INVITE",
            "31.5 INVITE"
        ]
    );
    let failed = sim.events.iter().find(|e| matches!(e.fact, Fact::Failed { .. })).unwrap();
    assert_eq!(failed.at - sim.start, Duration::from_secs(32));
    assert_eq!(failed.status.state, State::Failed);
    assert_eq!(sim.story(id).last().unwrap(), "ended Request Timeout");
    assert_eq!(sim.ua.contexts(), 0);
    assert_eq!(sim.ua.poll_timeout(), None);
}

#[test]
fn the_peers_bye_is_answered_and_its_copies_get_the_same_answer() {
    let mut sim = udp(answers(&[200]));
    let id = sim.request(invite());
    sim.run(ms(10));
    let bye = bye_from_peer(&sim.sent[0].1, "b", 7);
    sim.peer_sends(bye.clone());
    sim.run(ms(10));
    sim.peer_sends(bye);
    sim.run(ms(10));
    assert_eq!(
        sim.story(id)[5..],
        [
            "received BYE",
            "answered 200",
            "leg b Terminated { by: Peer }",
            "ended BYE",
            "received again BYE",
            "answered again 200"
        ]
    );
    let answers: Vec<&Bytes> = sim.sent[2..].iter().map(|(_, message)| message.bytes()).collect();
    assert_eq!(answers.len(), 2);
    assert_eq!(answers[0], answers[1]);
}

fn bye_from_peer(invite: &Message, tag: &str, cseq: u32) -> Bytes {
    from_peer(Method::Bye, invite, tag, cseq)
}

fn from_peer(method: Method, invite: &Message, tag: &str, cseq: u32) -> Bytes {
    let to = invite.header(HeaderName::To).unwrap().text().unwrap();
    MessageBuilder::request(&method, "sip:alice@192.0.2.1")
        .header(
            HeaderName::Via,
            format_args!("SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKp{cseq}{method};rport"),
        )
        .header(HeaderName::From, format_args!("{to};tag={tag}"))
        .header(HeaderName::To, invite.header(HeaderName::From).unwrap().text().unwrap())
        .copy(invite.header(HeaderName::CallId).unwrap())
        .header(HeaderName::CSeq, format_args!("{cseq} {method}"))
        .body(None, b"")
}

#[test]
fn what_the_peer_should_not_send_gets_481_or_405() {
    let mut sim = udp(answers(&[200]));
    let id = sim.request(invite());
    sim.run(ms(10));
    let invite = sim.sent[0].1.clone();
    let status = |sim: &Simulation<_>| sim.sent.last().unwrap().1.status().unwrap().code();

    sim.peer_sends(bye_from_peer(&invite, "other", 1));
    sim.run(ms(10));
    assert_eq!(status(&sim), 481);
    sim.peer_sends(from_peer(Method::Publish, &invite, "b", 2));
    sim.run(ms(10));
    assert_eq!(status(&sim), 405);
    assert!(sim.sent.last().unwrap().1.header(HeaderName::Allow).is_some());
    sim.peer_sends(from_peer(Method::Options, &invite, "b", 1));
    sim.run(ms(10));
    assert_eq!(status(&sim), 500, "a CSeq that goes back");
    assert_eq!(sim.strays.len(), 1);
    assert_eq!(sim.story(id)[5..].len(), 4);
}

#[test]
fn a_broken_flow_fails_what_is_pending_and_spares_dialogs() {
    let mut sim = ws(answers(&[200]));
    let up = sim.request(invite());
    // Nothing says after T1 that the ACK has crossed the end of the connection.
    sim.run(ms(600));
    sim.peer = answers(&[200]);
    let pending = sim.request(new_request(Method::Options, "sip:demo.test"));
    sim.with(|ua, now| ua.flow_down(now, FLOW, "ws://h is gone"));
    assert_eq!(
        sim.story(pending),
        [
            "created",
            "sent OPTIONS",
            "passed over: ws://h is gone as the request went out: it is sent again on a new connection (RFC 3261 §18.1.1)",
            "failed Connection Error",
            "ended Connection Error"
        ]
    );
    let told = sim.story(up).last().unwrap().clone();
    assert!(told.starts_with("connection lost: ws://h is gone; "), "{told}");
    let refused = sim.request(new_request(Method::Options, "sip:demo.test"));
    assert_eq!(
        sim.story(refused),
        ["created", "failed Connection Error", "ended Connection Error"]
    );
    sim.ua.flow_connecting(FLOW, Transport::Ws);
    let waiting = sim.request(new_request(Method::Options, "sip:demo.test"));
    assert_eq!(sim.story(waiting), ["created"]);
    sim.with(|ua, now| ua.flow_up(now, FLOW, "192.0.2.1:1".parse().unwrap()));
    sim.run(ms(10));
    assert_eq!(sim.story(waiting).last().unwrap(), "ended Accepted");
}

#[test]
fn an_undelivered_datagram_fails_what_is_being_sent_but_not_what_rings() {
    let mut sim = udp(rings());
    let ringing = sim.request(invite());
    sim.run(ms(10));
    let sending = sim.request(new_request(Method::Options, "sip:demo.test"));
    sim.with(|ua, now| ua.flow_error(now, FLOW, "192.0.2.2:5060: connection refused"));
    assert_eq!(sim.story(sending).last().unwrap(), "ended Connection Error");
    assert_eq!(sim.story(ringing).last().unwrap(), "leg b Early");
}

#[test]
fn websocket_requests_name_no_address() {
    let mut sim = ws(silent());
    sim.request(invite());
    let message = &sim.sent[0].1;
    let via = message.via().unwrap();
    assert_eq!(via.transport(), "WS");
    assert!(via.host().ends_with(".invalid"));
    let contact = message.contact().unwrap();
    assert_eq!(contact.uri().host(), via.host());
    assert_eq!(contact.uri().params().value("transport"), Some("ws"));
}

#[test]
fn responses_that_are_not_ours_are_strays_and_change_nothing() {
    let mut sim = udp(silent());
    let id = sim.request(invite());
    let invite = sim.sent[0].1.clone();
    let right = response(&invite, 200, "b");
    let text = String::from_utf8(right.to_vec()).unwrap();
    let branch = invite.via().unwrap().branch().unwrap().to_owned();
    let cseq = invite.cseq().unwrap().number;
    for wrong in [
        text.replace(&branch, "z9hG4bK0000000000000000"),
        text.replace(&branch, "x"),
        text.replace(&format!("{cseq} INVITE"), &format!("{cseq} OPTIONS")),
        text.replace(&format!("{cseq} INVITE"), &format!("{cseq} CANCEL")),
        text.replacen("Via:", "X:", 1),
        text.replacen("Via:", "Via: SIP/2.0/UDP other;branch=z9hG4bKx\r\nVia:", 1),
        text.replacen("From:", "X:", 1),
        String::from("\0"),
        "a".repeat(65_000),
        String::new(),
    ] {
        sim.peer_sends(Bytes::from(wrong));
        sim.run(ms(10));
    }
    assert_eq!(sim.strays.len(), 10);
    assert_eq!(sim.story(id), ["created", "sent INVITE"]);
    sim.peer_sends(right);
    sim.run(ms(10));
    assert_eq!(sim.story(id)[2], "accepted 200");
}

#[test]
fn keep_alives_are_no_messages() {
    let mut sim = udp(silent());
    sim.peer_sends(Bytes::from_static(b"\r\n\r\n"));
    sim.peer_sends(Bytes::from_static(b"\r\n"));
    sim.run(ms(10));
    assert!(sim.strays.is_empty());
}

#[test]
fn a_response_to_somebody_elses_sent_by_is_a_stray() {
    let mut sim = udp(silent());
    let id = sim.request(invite());
    let right = String::from_utf8(response(&sim.sent[0].1, 200, "b").to_vec()).unwrap();
    for wrong in ["10.9.9.9:5060", "192.0.2.1:5061", "192.0.2.1"] {
        sim.peer_sends(right.replace("192.0.2.1:5060;branch", &format!("{wrong};branch")).into());
        sim.run(ms(10));
    }
    assert_eq!(sim.strays.len(), 3);
    assert!(sim.strays[0].problem.contains("10.9.9.9:5060"), "{}", sim.strays[0].problem);
    assert_eq!(sim.story(id), ["created", "sent INVITE"]);
}

#[test]
fn abandoning_ends_whatever_has_not_ended() {
    let mut sim = udp(rings());
    let ringing = sim.request(invite());
    sim.run(ms(10));
    let silent = sim.request(new_request(Method::Options, "sip:demo.test"));
    sim.with(|ua, now| ua.abandon(now));
    for id in [ringing, silent] {
        let story = sim.story(id);
        assert_eq!(story.last().unwrap(), "ended Canceled");
        assert!(story.contains(&"failed Canceled".to_owned()), "{story:?}");
    }
    assert!(sim.ua.is_idle());
}

#[test]
fn a_message_that_cannot_be_sent_fails_alone() {
    let mut sim = udp(silent());
    let one = sim.request(new_request(Method::Message, "sip:bob@demo.test"));
    let other = sim.request(invite());
    let transmit =
        sipboard::sip::Transmit { flow: FLOW, to: None, bytes: sim.sent[0].1.bytes().clone() };
    sim.with(|ua, now| ua.transmit_failed(now, &transmit, "too large for a datagram"));
    assert_eq!(sim.story(one).last().unwrap(), "ended Connection Error");
    assert_eq!(sim.story(other), ["created", "sent INVITE"]);
}
