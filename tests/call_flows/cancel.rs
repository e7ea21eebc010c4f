//! Cancelling, and what crosses it.

use super::*;

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
            "leg b ended by a 487",
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
            "leg b ended by a 487",
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
    let timers = &sim.events.last().unwrap().status.timers;
    assert!(timers.iter().any(|timer| timer.timer == Timer::CancelWait), "{timers:?}");
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
        ["cancel failed", "failed Connection Error", "leg b Terminated { by: Transport }"]
    );
    // Until then the peer may accept all the same (RFC 3261 §9.1, §13.2.2.4).
    sim.run(ms(33_000));
    assert_eq!(sim.story(id).last().unwrap(), "ended Connection Error");
}
