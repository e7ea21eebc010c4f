//! Requests and their answers, legs among them.

use super::*;

#[test]
fn the_status_counts_attempts_and_names_the_next_timer() {
    let mut sim = udp(silent());
    sim.request(invite());
    sim.run(ms(1500));
    let last = sim.events.last().unwrap();
    assert_eq!((last.status.attempts, last.status.attempts_max), (3, 7));
    let [next, then] = &last.status.timers[..] else { panic!("{:?}", last.status) };
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
fn a_late_provisional_or_final_is_shown_but_changes_nothing() {
    let mut sim = udp(answers(&[486, 180, 200]));
    let id = sim.request(invite());
    sim.run(ms(100));
    assert_eq!(sim.story(id)[6..], ["late 180", "late 200"]);
    assert_eq!(sim.events.last().unwrap().status.state, State::Rejected);
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
