//! Client contexts from the request to the end, in virtual time, on a network that behaves.

mod simulation;

use std::{
    cell::Cell,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use simulation::*;
use sipboard::sip::{
    CancelError, CancelOptions, Cause, ContextEvent, Fact, FlowId, HangUpError, HeaderName,
    Message, MessageBuilder, Method, State, Timer, Transport,
};

type Out = Vec<(Duration, Bytes)>;

fn silent() -> Script<impl FnMut(&Message, &mut Out)> {
    Script(|_: &Message, _: &mut Out| {})
}

/// Answers every request but ACK with these statuses, in order and at once.
fn answers(statuses: &'static [u16]) -> Script<impl FnMut(&Message, &mut Out)> {
    Script(move |request: &Message, out: &mut Out| {
        if request.method() == Some(Method::Ack) {
            return;
        }
        if request.method() != Some(Method::Invite) {
            return out.push((ms(0), response(request, 200, "b")));
        }
        for (i, status) in statuses.iter().enumerate() {
            let tag = if *status == 100 { "" } else { "b" };
            out.push((ms(i as u64), response(request, *status, tag)));
        }
    })
}

/// Rings, and answers a CANCEL with 200 and the INVITE with 487.
fn rings() -> Script<impl FnMut(&Message, &mut Out)> {
    let mut invite = None;
    Script(move |request: &Message, out: &mut Out| match request.method() {
        Some(Method::Invite) => {
            invite = Some(request.clone());
            out.push((ms(0), response(request, 180, "b")));
        }
        Some(Method::Cancel) => {
            out.push((ms(0), response(request, 200, "b")));
            out.push((ms(1), response(invite.as_ref().unwrap(), 487, "b")));
        }
        _ => {}
    })
}

fn udp<P: Peer>(peer: P) -> Simulation<P> {
    Simulation::new(Transport::Udp, Link::PERFECT, 1, peer)
}

fn ws<P: Peer>(peer: P) -> Simulation<P> {
    Simulation::new(Transport::Ws, Link::PERFECT, 1, peer)
}

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
fn the_status_counts_attempts_and_names_the_next_timer() {
    let mut sim = udp(silent());
    sim.request(invite());
    sim.run(ms(1500));
    let last = sim.events.last().unwrap();
    assert_eq!((last.status.attempts, last.status.attempts_max), (3, 7));
    let [next, then] = last.status.timers.map(Option::unwrap);
    assert_eq!((next.timer, next.at - sim.start), (Timer::A, ms(3500)));
    assert_eq!((then.timer, then.at - sim.start), (Timer::B, ms(32_000)));
}

#[test]
fn a_reliable_transport_sends_once_and_still_times_out() {
    let mut sim = ws(silent());
    let id = sim.request(new_request(Method::Options, "sip:demo.test"));
    sim.run(Duration::from_secs(60));
    assert_eq!(sim.wire(), ["0 OPTIONS"]);
    assert_eq!(
        sim.story(id),
        ["created", "sent OPTIONS", "failed Request Timeout", "ended Request Timeout"]
    );
}

#[test]
fn an_accepted_request_ends_at_once_and_its_transaction_lingers_for_timer_k() {
    let mut sim = udp(answers(&[]));
    let id = sim.request(new_request(Method::Message, "sip:bob@demo.test"));
    sim.run(ms(10));
    assert_eq!(sim.story(id), ["created", "sent MESSAGE", "accepted 200", "ended Accepted"]);
    assert_eq!(sim.ua.contexts(), 1);
    sim.run(Duration::from_secs(5));
    assert_eq!(sim.ua.contexts(), 0);
}

#[test]
fn an_invite_is_acked_and_hung_up() {
    let mut sim = udp(answers(&[100, 180, 200]));
    let id = sim.request(invite());
    sim.run(ms(100));
    assert_eq!(
        sim.story(id),
        [
            "created",
            "sent INVITE",
            "progress 100",
            "progress 180",
            "leg b Early",
            "accepted 200",
            "leg b Confirmed",
            "acked 200"
        ]
    );
    assert!(!sim.ua.is_idle());
    sim.with(|ua, now| ua.hang_up(now, id)).unwrap();
    assert_eq!(sim.with(|ua, now| ua.hang_up(now, id)), Err(HangUpError::HangingUp));
    sim.run(ms(100));
    assert_eq!(
        sim.story(id)[8..],
        ["leg b HangingUp { bye: ContextId(2) }", "leg b Terminated { by: Local }", "ended BYE"]
    );
    assert!(sim.ua.is_idle());
    let bye = &sim.sent.last().unwrap().1;
    assert_eq!(bye.method(), Some(Method::Bye));
    assert_eq!(bye.request_uri(), Some("sip:bob@192.0.2.2:5060"));
    let numbers: Vec<u32> = sim.sent.iter().map(|(_, m)| m.cseq().unwrap().number).collect();
    assert_eq!(numbers[0], numbers[1], "the ACK has the INVITE's number");
    assert_eq!(numbers[0] + 1, numbers[2], "the BYE counts on");
    assert_ne!(sim.sent[0].1.via().unwrap().branch(), sim.sent[1].1.via().unwrap().branch());
}

#[test]
fn a_rejection_is_rejected_then_failed_and_acked_in_the_transaction() {
    let mut sim = udp(answers(&[100, 486]));
    let id = sim.request(invite());
    sim.run(ms(100));
    assert_eq!(sim.story(id)[3..], ["rejected 486 Busy", "failed Busy", "acked 486", "ended Busy"]);
    let (invite, ack) = (&sim.sent[0].1, &sim.sent[1].1);
    assert_eq!(ack.method(), Some(Method::Ack));
    assert_eq!(ack.via(), invite.via());
    assert_eq!(ack.request_uri(), invite.request_uri());
    assert_eq!(ack.to().unwrap().tag(), Some("b"));
    assert_eq!(ack.cseq().unwrap().number, invite.cseq().unwrap().number);
}

#[test]
fn a_repeated_rejection_is_absorbed_and_acked_again() {
    let mut sim = udp(answers(&[486, 486, 486]));
    let id = sim.request(invite());
    sim.run(ms(100));
    assert_eq!(
        sim.story(id)[2..],
        [
            "rejected 486 Busy",
            "failed Busy",
            "acked 486",
            "ended Busy",
            "absorbed 486",
            "acked again 486",
            "absorbed 486",
            "acked again 486"
        ]
    );
}

#[test]
fn a_repeated_2xx_is_acked_again_with_the_same_ack() {
    let mut sim = udp(answers(&[200, 200, 200]));
    let id = sim.request(invite());
    sim.run(ms(100));
    assert_eq!(
        sim.story(id)[2..],
        [
            "accepted 200",
            "leg b Confirmed",
            "acked 200",
            "accepted again 200",
            "acked again 200",
            "accepted again 200",
            "acked again 200"
        ]
    );
    let acks: Vec<&Bytes> = sim.sent[1..].iter().map(|(_, m)| m.bytes()).collect();
    assert!(acks.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_ringing_invite_is_cancelled() {
    let mut sim = udp(rings());
    let id = sim.request(invite());
    sim.run(ms(1000));
    let options =
        CancelOptions { status_code: Some(480), reason_phrase: Some("gone \"out\"".into()) };
    sim.with(|ua, now| ua.cancel(now, id, options)).unwrap();
    sim.run(ms(100));
    assert_eq!(
        sim.story(id)[4..],
        [
            "cancel",
            "cancel sent",
            "cancel answered 200",
            "rejected 487 Canceled",
            "failed Canceled",
            "acked 487",
            "leg b Terminated { by: Response }",
            "ended Canceled"
        ]
    );
    let (invite, cancel) = (&sim.sent[0].1, &sim.sent[1].1);
    assert_eq!(cancel.via(), invite.via());
    assert_eq!(cancel.request_uri(), invite.request_uri());
    for name in [HeaderName::From, HeaderName::To, HeaderName::CallId] {
        assert_eq!(
            cancel.header(name).map(|h| h.value),
            invite.header(name).map(|h| h.value),
            "{name}"
        );
    }
    assert_eq!(cancel.cseq().unwrap().number, invite.cseq().unwrap().number);
    assert_eq!(cancel.cseq().unwrap().method, "CANCEL");
    assert_eq!(
        cancel.header(HeaderName::Reason).unwrap().text().unwrap(),
        r#"SIP;cause=480;text="gone \"out\"""#
    );
}

#[test]
fn cancel_waits_for_a_provisional() {
    let mut first = None;
    let mut sim = udp(Script(move |request: &Message, out: &mut Out| {
        if request.method() == Some(Method::Invite) && first.is_none() {
            first = Some(request.clone());
            out.push((ms(2000), response(request, 180, "b")));
        } else if request.method() == Some(Method::Cancel) {
            out.push((ms(0), response(first.as_ref().unwrap(), 487, "b")));
            out.push((ms(5), response(request, 200, "b")));
        }
    }));
    let id = sim.request(invite());
    sim.with(|ua, now| ua.cancel(now, id, CancelOptions::default())).unwrap();
    sim.run(ms(3000));
    assert_eq!(sim.wire(), ["0 INVITE", "0.5 INVITE", "1.5 INVITE", "2.002 CANCEL", "2.004 ACK"],);
    assert_eq!(
        sim.story(id)[2..],
        [
            "cancel, waiting",
            "retransmitted INVITE 2",
            "retransmitted INVITE 3",
            "progress 180",
            "leg b Early",
            "cancel sent",
            "rejected 487 Canceled",
            "failed Canceled",
            "acked 487",
            "leg b Terminated { by: Response }",
            "cancel answered 200",
            "ended Canceled"
        ]
    );
}

#[test]
fn a_cancel_that_never_gets_its_provisional_is_never_sent() {
    let mut sim = udp(silent());
    let id = sim.request(invite());
    sim.with(|ua, now| ua.cancel(now, id, CancelOptions::default())).unwrap();
    sim.run(Duration::from_secs(60));
    assert!(sim.wire().iter().all(|sent| sent.ends_with("INVITE")));
    assert_eq!(
        sim.story(id)[9..],
        ["cancel failed", "failed Request Timeout", "ended Request Timeout"]
    );
}

#[test]
fn a_cancel_is_retransmitted_and_the_context_ends_64_t1_after_it() {
    let mut sim = udp(Script(|request: &Message, out: &mut Out| {
        if request.method() == Some(Method::Invite) {
            out.push((ms(0), response(request, 180, "b")));
        }
    }));
    let id = sim.request(invite());
    sim.run(ms(1000));
    sim.with(|ua, now| ua.cancel(now, id, CancelOptions::default())).unwrap();
    sim.run(Duration::from_secs(60));
    let cancels = sim.wire().iter().filter(|sent| sent.ends_with("CANCEL")).count();
    assert_eq!(cancels, 11);
    let ended = sim.events.last().unwrap();
    assert_eq!(ended.fact, Fact::Ended { cause: Cause::Canceled });
    assert_eq!(ended.at - sim.start, ms(33_000));
    assert_eq!(sim.ua.contexts(), 0);
    assert!(sim.ua.is_idle());
}

#[test]
fn a_2xx_that_crosses_the_cancel_is_acked_and_hung_up() {
    let mut first = None;
    let mut sim = udp(Script(move |request: &Message, out: &mut Out| match request.method() {
        Some(Method::Invite) => {
            first = Some(request.clone());
            out.push((ms(0), response(request, 180, "b")));
        }
        Some(Method::Cancel) => {
            out.push((ms(0), response(first.as_ref().unwrap(), 200, "b")));
            out.push((ms(1), response(request, 200, "b")));
        }
        Some(Method::Bye) => out.push((ms(0), response(request, 200, "b"))),
        _ => {}
    }));
    let id = sim.request(invite());
    sim.run(ms(10));
    sim.with(|ua, now| ua.cancel(now, id, CancelOptions::default())).unwrap();
    sim.run(ms(100));
    assert_eq!(
        sim.story(id)[4..],
        [
            "cancel",
            "cancel sent",
            "accepted 200",
            "leg b Confirmed",
            "acked 200",
            "cancel crossed",
            "leg b HangingUp { bye: ContextId(2) }",
            "cancel answered 200",
            "leg b Terminated { by: Local }",
            "ended BYE"
        ]
    );
    assert_eq!(
        sim.wire().iter().map(|s| s.split(' ').nth(1).unwrap()).collect::<Vec<_>>(),
        ["INVITE", "CANCEL", "ACK", "BYE"]
    );
}

#[test]
fn what_cannot_be_cancelled_is_refused_with_the_reason() {
    let mut sim = udp(answers(&[200]));
    let cancel = |sim: &mut Simulation<_>, id, status_code| {
        let options = CancelOptions { status_code, reason_phrase: None };
        sim.with(|ua, now| ua.cancel(now, id, options))
    };
    let options = sim.request(new_request(Method::Options, "sip:demo.test"));
    let refused = cancel(&mut sim, options, None).unwrap_err();
    assert_eq!(refused.to_string(), "OPTIONS cannot be cancelled (RFC 3261 §9.1)");
    let accepted = sim.request(invite());
    assert_eq!(cancel(&mut sim, accepted, Some(199)), Err(CancelError::BadStatus(199)));
    assert_eq!(cancel(&mut sim, accepted, Some(700)), Err(CancelError::BadStatus(700)));
    sim.run(ms(100));
    assert_eq!(cancel(&mut sim, accepted, None), Err(CancelError::Accepted));
    sim.with(|ua, now| ua.hang_up(now, accepted)).unwrap();
    sim.run(Duration::from_secs(60));
    assert_eq!(cancel(&mut sim, accepted, None), Err(CancelError::Over("hung up")));
    assert_eq!(cancel(&mut sim, options, None), Err(CancelError::NotInvite(Method::Options)));

    let mut sim = udp(rings());
    let ringing = sim.request(invite());
    sim.run(ms(10));
    sim.with(|ua, now| ua.cancel(now, ringing, CancelOptions::default())).unwrap();
    let twice = sim.with(|ua, now| ua.cancel(now, ringing, CancelOptions::default()));
    assert_eq!(twice, Err(CancelError::Cancelled));
}

#[test]
fn each_fork_is_a_leg_and_each_2xx_is_acked_on_its_own() {
    let mut sim = udp(Script(|request: &Message, out: &mut Out| match request.method() {
        Some(Method::Invite) => {
            for (at, status, tag) in [(0, 180, "b"), (1, 180, "c"), (2, 200, "b"), (3, 200, "c")] {
                let contact = format!("<sip:{tag}@192.0.2.2>");
                let bytes = response_with(request, status, tag, |builder| {
                    builder
                        .header(HeaderName::Contact, contact)
                        .header(HeaderName::RecordRoute, format!("<sip:p2-{tag};lr>"))
                        .header(HeaderName::RecordRoute, "<sip:p1;lr>")
                });
                out.push((ms(at), bytes));
            }
        }
        Some(Method::Bye) => out.push((ms(0), response(request, 200, ""))),
        _ => {}
    }));
    let id = sim.request(invite());
    sim.run(ms(100));
    assert_eq!(sim.events.last().unwrap().status.legs_up, 2);
    let acks: Vec<&Message> = sim.sent[1..].iter().map(|(_, message)| message).collect();
    for (ack, tag) in acks.iter().zip(["b", "c"]) {
        assert_eq!(ack.request_uri(), Some(&*format!("sip:{tag}@192.0.2.2")));
        assert_eq!(ack.to().unwrap().tag(), Some(tag));
        let routes: Vec<&str> = ack.list(HeaderName::Route).collect();
        assert_eq!(routes, ["<sip:p1;lr>", &*format!("<sip:p2-{tag};lr>")]);
    }
    sim.with(|ua, now| ua.hang_up(now, id)).unwrap();
    sim.run(ms(100));
    assert_eq!(sim.story(id).last().unwrap(), "ended BYE");
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
            "received again BYE"
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
    sim.run(ms(10));
    sim.peer = answers(&[200]);
    let pending = sim.request(new_request(Method::Options, "sip:demo.test"));
    sim.with(|ua, now| ua.flow_down(now, FLOW, "ws://h is gone"));
    assert_eq!(
        sim.story(pending),
        ["created", "sent OPTIONS", "failed Connection Error", "ended Connection Error"]
    );
    assert_eq!(sim.story(up).last().unwrap(), "acked 200");
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
fn a_request_waits_for_its_flow_and_can_be_cancelled_there() {
    let mut sim = udp(silent());
    let flow = FlowId(2);
    sim.ua.flow_connecting(flow, Transport::Ws);
    let now = sim.now;
    let id = sim.with(|ua, _| ua.request(now, flow, invite()));
    sim.with(|ua, now| ua.cancel(now, id, CancelOptions::default())).unwrap();
    assert_eq!(sim.story(id), ["created", "cancel", "failed Canceled", "ended Canceled"]);
    assert!(sim.sent.is_empty());
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
fn a_late_provisional_or_final_is_shown_but_changes_nothing() {
    let mut sim = udp(answers(&[486, 180, 200]));
    let id = sim.request(invite());
    sim.run(ms(100));
    assert_eq!(sim.story(id)[6..], ["late 180", "late 200"]);
    assert_eq!(sim.events.last().unwrap().status.state, State::Rejected);
}

#[test]
fn shutting_down_cancels_what_rings_and_hangs_up_what_is_up() {
    let target = Rc::new(Cell::new(180));
    let status = target.clone();
    let mut ringing = None;
    let mut sim = udp(Script(move |request: &Message, out: &mut Out| match request.method() {
        Some(Method::Invite) => {
            if status.get() == 180 {
                ringing = Some(request.clone());
            }
            out.push((ms(0), response(request, status.get(), "b")));
        }
        Some(Method::Cancel) => {
            out.push((ms(0), response(request, 200, "b")));
            out.push((ms(0), response(ringing.as_ref().unwrap(), 487, "b")));
        }
        Some(Method::Bye) => out.push((ms(0), response(request, 200, "b"))),
        _ => {}
    }));
    let rings = sim.request(invite());
    sim.run(ms(10));
    target.set(200);
    let up = sim.request(invite());
    sim.run(ms(10));
    assert!(!sim.ua.is_idle());
    sim.with(|ua, now| ua.shut_down(now));
    sim.run(ms(100));
    assert!(sim.ua.is_idle());
    assert_eq!(sim.story(rings).last().unwrap(), "ended Canceled");
    assert_eq!(sim.story(up).last().unwrap(), "ended BYE");
}

#[test]
fn an_offer_in_the_2xx_is_answered_in_the_ack() {
    let mut sim = udp(Script(|request: &Message, out: &mut Out| {
        if request.method() == Some(Method::Invite) {
            let offer =
                "v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8\r\na=x\r\n";
            let bytes = String::from_utf8(response(request, 200, "b").to_vec()).unwrap();
            let with_offer = bytes.replace(
                "Content-Length: 0\r\n\r\n",
                &format!(
                    "Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{offer}",
                    offer.len()
                ),
            );
            out.push((ms(0), with_offer.into()));
        }
    }));
    sim.request(invite());
    sim.run(ms(10));
    let ack = &sim.sent[1].1;
    let body = String::from_utf8(ack.body().to_vec()).unwrap();
    assert!(body.ends_with("m=audio 0 RTP/AVP 0 8\r\n"), "{body}");
    assert_eq!(ack.header(HeaderName::ContentType).unwrap().value, b"application/sdp");
}

#[test]
fn a_request_in_a_dialog_goes_to_the_contact_on_udp() {
    let mut sim = udp(Script(|request: &Message, out: &mut Out| {
        if request.method() == Some(Method::Invite) {
            let contact = |builder: MessageBuilder| {
                builder.header(HeaderName::Contact, "<sip:bob@192.0.2.9:5090>")
            };
            out.push((ms(0), response_with(request, 200, "b", contact)));
        }
    }));
    sim.request(invite());
    let mut to: Vec<Option<SocketAddr>> = Vec::new();
    let source = "192.0.2.2:5060".parse().unwrap();
    let answer = response_with(&sim.sent[0].1, 200, "b", |builder| {
        builder.header(HeaderName::Contact, "<sip:bob@192.0.2.9:5090>")
    });
    sim.ua.handle_message(Instant::now(), FLOW, source, answer);
    while let Some(output) = sim.ua.poll_output() {
        if let sipboard::sip::Output::Transmit(transmit) = output {
            to.push(transmit.to);
        }
    }
    assert_eq!(to, [Some("192.0.2.9:5090".parse().unwrap())]);
}

#[test]
fn a_2xx_without_a_to_tag_is_acked_and_can_be_hung_up() {
    let mut sim = udp(Script(|request: &Message, out: &mut Out| match request.method() {
        Some(Method::Invite) => out.push((ms(0), response(request, 200, ""))),
        Some(Method::Bye) => out.push((ms(0), response(request, 200, ""))),
        _ => {}
    }));
    let id = sim.request(invite());
    sim.run(ms(10));
    sim.with(|ua, now| ua.hang_up(now, id)).unwrap();
    sim.run(ms(10));
    let methods: Vec<_> = sim.sent.iter().filter_map(|(_, message)| message.method()).collect();
    assert_eq!(methods, [Method::Invite, Method::Ack, Method::Bye]);
    assert_eq!(sim.sent[1].1.to().unwrap().tag(), None);
    assert_eq!(sim.story(id).last().unwrap(), "ended BYE");
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
fn a_fork_that_accepts_after_the_hang_up_is_hung_up_too() {
    let mut sim = udp(answers(&[200]));
    let id = sim.request(invite());
    sim.run(ms(10));
    sim.with(|ua, now| ua.hang_up(now, id)).unwrap();
    sim.run(ms(10));
    assert_eq!(sim.story(id).last().unwrap(), "ended BYE");
    let late = response(&sim.sent[0].1, 200, "c");
    sim.peer_sends(late);
    sim.run(ms(10));
    assert!(sim.story(id).iter().any(|word| word.starts_with("leg c HangingUp")));
    assert_eq!(sim.story(id).last().unwrap(), "ended BYE");
    assert!(sim.ua.is_idle());
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
fn an_abandoned_bye_was_cancelled_by_nobody() {
    let mut sim = udp(answers(&[200]));
    let id = sim.request(invite());
    sim.run(ms(10));
    sim.with(|ua, now| ua.shut_down(now));
    sim.with(|ua, now| ua.abandon(now));
    assert!(sim.events.iter().any(|e| e.method == Method::Bye));
    let canceled = |e: &&ContextEvent| matches!(e.fact, Fact::Ended { cause: Cause::Canceled });
    assert_eq!(sim.events.iter().find(canceled), None);
    assert_eq!(sim.story(id).last().unwrap(), "ended BYE");
    assert!(sim.ua.is_idle());
}

#[test]
fn a_cancelled_invite_always_has_a_countdown() {
    let mut sim = udp(Script(|request: &Message, out: &mut Out| match request.method() {
        Some(Method::Invite) => out.push((ms(0), response(request, 180, "b"))),
        Some(Method::Cancel) => out.push((ms(0), response(request, 481, "b"))),
        _ => {}
    }));
    let id = sim.request(invite());
    sim.run(ms(10));
    sim.with(|ua, now| ua.cancel(now, id, CancelOptions::default())).unwrap();
    sim.run(Duration::from_secs(10));
    let timers = sim.events.last().unwrap().status.timers;
    assert!(timers.iter().flatten().any(|timer| timer.timer == Timer::CancelWait), "{timers:?}");
}

#[test]
fn a_cancel_that_cannot_be_delivered_ends_the_invite() {
    let mut sim = udp(Script(|request: &Message, out: &mut Out| {
        if request.method() == Some(Method::Invite) {
            out.push((ms(0), response(request, 180, "b")));
        }
    }));
    let id = sim.request(invite());
    sim.run(ms(10));
    sim.with(|ua, now| ua.cancel(now, id, CancelOptions::default())).unwrap();
    sim.with(|ua, now| ua.flow_error(now, FLOW, "192.0.2.2:5060: connection refused"));
    assert_eq!(
        sim.story(id)[6..],
        [
            "cancel failed",
            "failed Connection Error",
            "leg b Terminated { by: Transport }",
            "ended Connection Error"
        ]
    );
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
