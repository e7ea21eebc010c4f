//! SUBSCRIBE, REFER and their NOTIFYs, in virtual time (RFC 6665, RFC 3515).

mod simulation;

use std::time::Duration;

use bytes::Bytes;
use simulation::*;
use sipboard::sip::{
    ContextId, DialogRequest, ExtraHeader, Fact, HeaderName, Message, MessageBuilder, Method,
    NewRequest, Transport,
};

type Out = Vec<(Duration, Bytes)>;

fn subscribe(expires: &str) -> NewRequest {
    let mut request = new_request(Method::Subscribe, "sip:bob@demo.test");
    for (name, value) in [("Event", "presence"), ("Expires", expires)] {
        request.headers.push(ExtraHeader::new(name, value).unwrap());
    }
    request
}

fn notify(subscribe: &Message, cseq: u32, state: &str) -> Bytes {
    notify_of("presence", subscribe, cseq, state)
}

fn notify_of(event: &str, subscribe: &Message, cseq: u32, state: &str) -> Bytes {
    let to = subscribe.to().unwrap().uri().to_owned();
    MessageBuilder::request(&Method::Notify, "sip:alice@192.0.2.1")
        .header(HeaderName::Via, format_args!("SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKn{cseq};rport"))
        .header(HeaderName::From, format_args!("<{to}>;tag=b"))
        .header(HeaderName::To, subscribe.header(HeaderName::From).unwrap().text().unwrap())
        .copy(subscribe.header(HeaderName::CallId).unwrap())
        .header(HeaderName::CSeq, format_args!("{cseq} NOTIFY"))
        .header(HeaderName::Contact, "<sip:bob@192.0.2.2:5060>")
        .header(HeaderName::Event, event)
        .header(HeaderName::SubscriptionState, state)
        .body(None, b"")
}

/// Accepts with this Expires and notifies at once; the first NOTIFY overtakes the 2xx.
fn notifier() -> Script<impl FnMut(&Message, &mut Out)> {
    let mut cseq = 0;
    Script(move |request: &Message, out: &mut Out| {
        if request.method() != Some(Method::Subscribe) {
            return;
        }
        cseq += 1;
        let expires = request.header(HeaderName::Expires).unwrap().text().unwrap().to_owned();
        let state = match &*expires {
            "0" => "terminated;reason=timeout".to_owned(),
            seconds => format!("active;expires={seconds}"),
        };
        out.push((ms(0), notify(request, cseq, &state)));
        out.push((
            ms(1),
            response_with(request, 200, "b", |builder| {
                builder
                    .header(HeaderName::Contact, "<sip:bob@192.0.2.2:5060>")
                    .header(HeaderName::Expires, expires)
            }),
        ));
    })
}

fn simulation<P: Peer>(peer: P) -> Simulation<P> {
    Simulation::new(Transport::Udp, Link::PERFECT, 5, peer)
}

#[test]
fn s4_1_2_4_a_notify_may_overtake_the_2xx() {
    let mut sim = simulation(notifier());
    let id = sim.request(subscribe("60"));
    sim.run(ms(100));
    assert_eq!(
        sim.story(id),
        [
            "created",
            "sent SUBSCRIBE",
            "leg b Confirmed",
            "received NOTIFY",
            "answered 200",
            "accepted 200"
        ]
    );
    assert_eq!(timers(&sim, id), ["K 5", "J NOTIFY 1 of the peer 32", "expiry leg b 60"]);
    assert!(!sim.ua.is_idle());
    assert!(sim.strays.is_empty());
}

#[test]
fn s4_1_2_3_hanging_up_unsubscribes_and_waits_for_the_last_notify() {
    let mut sim = simulation(notifier());
    let id = sim.request(subscribe("60"));
    sim.run(ms(100));
    sim.with(|ua, now| ua.hang_up(now, id)).unwrap();
    sim.run(ms(100));
    let unsubscribe =
        sim.sent.iter().rfind(|(_, m)| m.method() == Some(Method::Subscribe)).unwrap();
    let text = |name| unsubscribe.1.header(name).unwrap().text().unwrap();
    assert_eq!((text(HeaderName::Expires), text(HeaderName::Event)), ("0", "presence"));
    assert_eq!(unsubscribe.1.to().unwrap().tag(), Some("b"));
    assert_eq!(
        sim.story(id)[6..],
        [
            "leg b HangingUp { bye: ContextId(2) }",
            "received NOTIFY",
            "answered 200",
            "leg b Terminated { by: Peer }",
            "ended Accepted"
        ]
    );
    assert!(sim.ua.is_idle());
}

/// A REFER whose last NOTIFY crosses what would have ended its subscription from here.
fn crossed() -> (Simulation<impl Peer>, ContextId) {
    let mut sim = simulation(Script(|request: &Message, out: &mut Out| {
        if request.method() == Some(Method::Refer) {
            out.push((ms(0), response(request, 202, "b")));
            let state = "terminated;reason=noresource";
            out.push((ms(100), notify_of("refer", request, 1, state)));
        }
    }));
    let id = sim.request(new_request(Method::Refer, "sip:bob@demo.test"));
    sim.run(ms(50));
    sim.with(|ua, now| ua.hang_up(now, id)).unwrap();
    sim.run(ms(200));
    assert_eq!(sim.story(id).last().unwrap(), "ended Accepted");
    (sim, ContextId(2))
}

#[test]
fn s4_1_2_3_what_would_have_ended_a_subscription_ends_by_its_own_answer_or_timer() {
    let (mut sim, child) = crossed();
    assert!(!sim.ua.is_idle());
    sim.run(Duration::from_secs(40));
    let story = sim.story(child);
    assert_eq!(story[story.len() - 2..], ["failed Request Timeout", "ended Request Timeout"]);
    let (mut sim, child) = crossed();
    let unsubscribe = sim.sent.iter().rfind(|(_, m)| m.method() == Some(Method::Subscribe));
    let answer = response(&unsubscribe.unwrap().1.clone(), 481, "b");
    sim.peer_sends(answer);
    sim.run(ms(100));
    let story = sim.story(child);
    assert_eq!(
        story[story.len() - 3..][..2],
        ["rejected 481 SIP Failure Code", "failed SIP Failure Code"]
    );
    assert!(sim.ua.is_idle());
}

#[test]
fn s4_1_2_3_a_subscription_without_an_event_is_ended_without_one() {
    let mut sim = simulation(notifier());
    let mut request = subscribe("60");
    request.headers.retain(|header| header.name() != "Event");
    let id = sim.request(request);
    sim.run(ms(100));
    sim.with(|ua, now| ua.hang_up(now, id)).unwrap();
    sim.run(ms(100));
    let unsubscribe =
        sim.sent.iter().rfind(|(_, m)| m.method() == Some(Method::Subscribe)).unwrap();
    assert_eq!(unsubscribe.1.header(HeaderName::Expires).unwrap().text().unwrap(), "0");
    assert!(unsubscribe.1.header(HeaderName::Event).is_none());
}

#[test]
fn a_subscription_ends_by_itself_when_its_time_is_over() {
    let mut sim = simulation(notifier());
    let id = sim.request(subscribe("60"));
    sim.run(Duration::from_secs(59));
    assert_eq!(sim.story(id).last().unwrap(), "accepted 200");
    sim.run(Duration::from_secs(60));
    assert_eq!(sim.story(id)[6..], ["leg b Terminated { by: Expiry }", "ended Accepted"]);
    assert_eq!(sim.ua.contexts(), 0);
}

#[test]
fn a_fetch_ends_with_its_only_notify() {
    let mut sim = simulation(notifier());
    let id = sim.request(subscribe("0"));
    sim.run(Duration::from_secs(60));
    assert_eq!(sim.story(id).last().unwrap(), "ended Accepted");
    assert_eq!(sim.ua.contexts(), 0);
}

#[test]
fn a_notify_for_nothing_is_481() {
    let mut sim = simulation(notifier());
    sim.request(new_request(Method::Options, "sip:bob@demo.test"));
    let options = sim.sent[0].1.clone();
    sim.peer_sends(notify(&options, 1, "active"));
    sim.run(ms(100));
    assert_eq!(sim.sent.last().unwrap().1.status().unwrap().code(), 481);
}

#[test]
fn a_refer_that_nobody_notifies_of_ends_with_its_2xx() {
    let mut sim = simulation(Script(|request: &Message, out: &mut Out| {
        let refused = |builder: MessageBuilder| builder.header(HeaderName::ReferSub, "false");
        out.push((ms(0), response_with(request, 202, "b", refused)));
    }));
    let id = sim.request(new_request(Method::Refer, "sip:bob@demo.test"));
    sim.run(ms(100));
    assert_eq!(sim.story(id)[2..], ["accepted 202", "ended Accepted"]);
    assert!(!sim.events.iter().any(|event| matches!(event.fact, Fact::Leg { .. })));
}

#[test]
fn s4_1_3_a_notify_of_another_event_is_of_no_subscription() {
    let mut sim = simulation(notifier());
    let id = sim.request(subscribe("60"));
    sim.run(ms(100));
    let subscribe = sim.sent[0].1.clone();
    for (cseq, event, expected) in [
        (11, "dialog", 481),
        (12, "Presence", 481),
        (13, "presence;id=2", 481),
        (14, "presence", 200),
    ] {
        sim.peer_sends(notify_of(event, &subscribe, cseq, "active"));
        sim.run(ms(10));
        let status = sim.sent.last().unwrap().1.status().unwrap().code();
        assert_eq!(status, expected, "{event}");
    }
    // It ends nothing either.
    sim.peer_sends(notify_of("dialog", &subscribe, 15, "terminated"));
    sim.run(ms(10));
    assert!(sim.events.iter().rfind(|event| event.context == id).unwrap().status.legs_up == 1);
}

#[test]
fn rfc3515_s2_4_2_a_refer_without_one_refer_to_is_400() {
    let mut sim = simulation(Script(|request: &Message, out: &mut Out| {
        if request.method() == Some(Method::Invite) {
            out.push((ms(0), response(request, 200, "b")));
        }
    }));
    sim.request(invite());
    sim.run(ms(100));
    let ours = sim.sent[0].1.clone();
    let refer = |cseq: u32, targets: &[&str]| {
        let builder = MessageBuilder::request(&Method::Refer, "sip:alice@192.0.2.1")
            .header(
                HeaderName::Via,
                format_args!("SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKr{cseq};rport"),
            )
            .header(HeaderName::From, "<sip:bob@demo.test>;tag=b")
            .header(HeaderName::To, ours.header(HeaderName::From).unwrap().text().unwrap())
            .copy(ours.header(HeaderName::CallId).unwrap())
            .header(HeaderName::CSeq, format_args!("{cseq} REFER"));
        let add = |builder: MessageBuilder, to: &&str| builder.header(HeaderName::ReferTo, to);
        targets.iter().fold(builder, add).body(None, b"")
    };
    for (cseq, targets, expected) in
        [(1, &[][..], 400), (2, &["<sip:c@d>", "<sip:e@d>"], 400), (3, &["<sip:c@d>"], 603)]
    {
        sim.peer_sends(refer(cseq, targets));
        sim.run(ms(10));
        assert_eq!(sim.sent.last().unwrap().1.status().unwrap().code(), expected, "{targets:?}");
    }
}

#[test]
fn s4_4_1_a_notify_of_one_fork_too_many_is_refused_and_that_is_told() {
    let mut sim = simulation(Script(|_: &Message, _: &mut Out| {}));
    let id = sim.request(subscribe("60"));
    let sent = sim.sent[0].1.clone();
    let fork = |tag: u32| notify_from(&format!("f{tag}"), &sent);
    for tag in 0..65 {
        sim.peer_sends(fork(tag));
        sim.run(ms(5));
    }
    assert_eq!(sim.story(id)[2..5], ["leg f0 Confirmed", "received NOTIFY", "answered 200"]);
    let Fact::NoLeg { tag, detail } = &sim.events.last().unwrap().fact else { panic!() };
    assert_eq!(
        (&**tag, &**detail),
        ("f64", "64 legs are kept already: the NOTIFY is answered 481")
    );
    assert_eq!(sim.sent.last().unwrap().1.status().unwrap().code(), 481);
    // What it repeats gets the same answer.
    sim.peer_sends(fork(64));
    sim.run(ms(5));
    assert_eq!(sim.sent.last().unwrap().1.status().unwrap().code(), 481);
}

/// The timers that were told last of a context, each with the seconds that are left: `expiry leg b 60`.
fn timers(sim: &Simulation<impl Peer>, id: ContextId) -> Vec<String> {
    let last = sim.events.iter().rfind(|event| event.context == id).expect("it was told");
    let told = last.status.timers.iter().map(|timer| {
        let of = timer.of.as_ref().map(|of| format!(" {of}")).unwrap_or_default();
        let left = timer.at.saturating_duration_since(sim.now).as_secs_f64().round();
        format!("{}{of} {left}", timer.timer)
    });
    told.collect()
}

/// A SUBSCRIBE in the dialog of a leg, as it refreshes the subscription.
fn refresh(sim: &mut Simulation<impl Peer>, id: ContextId, event: &str, expires: &str) {
    let headers = [("Event", event), ("Expires", expires)];
    let headers = headers.map(|(name, value)| ExtraHeader::new(name, value).unwrap()).to_vec();
    let request = DialogRequest { headers, ..DialogRequest::new(Method::Subscribe) };
    sim.with(|ua, now| ua.request_in_dialog(now, id, Some("b"), request)).unwrap();
}

/// Notifies once, and takes every later SUBSCRIBE without a NOTIFY.
fn notifies_once(transport: Transport) -> Simulation<impl Peer> {
    let mut cseq = 0;
    let peer = Script(move |request: &Message, out: &mut Out| {
        if request.method() != Some(Method::Subscribe) {
            return;
        }
        cseq += 1;
        let expires = request.header(HeaderName::Expires).unwrap().text().unwrap().to_owned();
        let answer = |builder: MessageBuilder| builder.header(HeaderName::Expires, expires);
        out.push((ms(0), response_with(request, 202, "b", answer)));
        if cseq == 1 {
            out.push((ms(1), notify(request, 1, "active")));
        }
    });
    Simulation::new(transport, Link::PERFECT, 5, peer)
}

#[test]
fn s4_1_2_2_a_refresh_moves_the_countdown_as_soon_as_its_2xx_is_there() {
    let mut sim = notifies_once(Transport::Tcp);
    let id = sim.request(subscribe("20"));
    sim.run(ms(100));
    assert_eq!(timers(&sim, id), ["expiry leg b 20"]);
    sim.run(Duration::from_secs(3));
    refresh(&mut sim, id, "presence", "600");
    sim.run(ms(100));
    assert_eq!(timers(&sim, id), ["N leg b 32", "expiry leg b 600"]);
    let first = sim.sent[0].1.clone();
    sim.peer_sends(notify(&first, 2, "active"));
    sim.run(ms(10));
    assert_eq!(timers(&sim, id), ["expiry leg b 600"]);
    // One of another package is of another subscription.
    refresh(&mut sim, id, "dialog", "5");
    sim.run(ms(1_000));
    let other = sim.sent.iter().rfind(|(_, m)| m.method() == Some(Method::Subscribe)).unwrap();
    let other = other.1.cseq().unwrap().number;
    assert_eq!(
        timers(&sim, id),
        [
            format!("expiry SUBSCRIBE {other} 4"),
            format!("N SUBSCRIBE {other} 31"),
            "expiry leg b 599".to_owned()
        ]
    );
    sim.run(Duration::from_secs(580));
    assert!(!sim.ua.is_idle());
    sim.run(Duration::from_secs(30));
    assert_eq!(
        sim.story(id)[sim.story(id).len() - 2..],
        ["leg b Terminated { by: Expiry }", "ended Accepted"]
    );
}

#[test]
fn s4_1_3_a_notify_moves_the_countdown_without_any_further_event() {
    let mut sim = notifies_once(Transport::Tcp);
    let id = sim.request(subscribe("20"));
    sim.run(ms(100));
    let subscribe = sim.sent[0].1.clone();
    sim.peer_sends(notify(&subscribe, 2, "active;expires=1000"));
    sim.run(ms(10));
    assert_eq!(timers(&sim, id), ["expiry leg b 1000"]);
    // What it unsubscribes from is waited for no longer, though a NOTIFY of before says so.
    sim.with(|ua, now| ua.hang_up(now, id)).unwrap();
    sim.run(ms(10));
    assert_eq!(timers(&sim, id), ["N leg b 32"]);
    sim.peer_sends(notify(&subscribe, 3, "active;expires=1000"));
    sim.run(ms(10));
    assert_eq!(timers(&sim, id), ["N leg b 32"]);
    sim.run(Duration::from_secs(33));
    assert!(sim.ua.is_idle());
}

#[test]
fn s4_4_1_each_fork_of_a_subscription_ends_in_its_own_time() {
    let mut sim = simulation(Script(|_: &Message, _: &mut Out| {}));
    let id = sim.request(subscribe("60"));
    let sent = sim.sent[0].1.clone();
    for (tag, seconds) in [("x", 20), ("y", 40)] {
        let state = format!("Subscription-State: active;expires={seconds}");
        let notify = String::from_utf8(notify_from(tag, &sent).to_vec()).unwrap();
        sim.peer_sends(notify.replace("Subscription-State: active", &state).into());
        sim.run(ms(1));
    }
    let expires = |builder: MessageBuilder| builder.header(HeaderName::Expires, "30");
    sim.peer_sends(response_with(&sent, 200, "z", expires));
    sim.peer_sends(notify_from("z", &sent));
    sim.run(ms(10));
    let told = timers(&sim, id);
    let told: Vec<_> = told.iter().filter(|told| told.starts_with("expiry")).collect();
    assert_eq!(told, ["expiry leg x 20", "expiry leg z 30", "expiry leg y 40"]);
    sim.run(Duration::from_secs(60));
    let story = sim.story(id);
    let ended: Vec<_> = story.iter().filter(|told| told.contains("Expiry")).collect();
    assert_eq!(
        ended,
        ["x", "z", "y"]
            .map(|tag| format!("leg {tag} Terminated {{ by: Expiry }}"))
            .iter()
            .collect::<Vec<_>>()
    );
    assert_eq!(sim.ua.held().deadlines, 0);
}

/// The first NOTIFY of the fork with that tag, which does not say how long it lasts.
fn notify_from(tag: &str, subscribe: &Message) -> Bytes {
    let notify = String::from_utf8(notify(subscribe, 1, "active").to_vec()).unwrap();
    let notify = notify.replace("branch=z9hG4bKn1;", &format!("branch=z9hG4bKf{tag};"));
    Bytes::from(notify.replace(";tag=b\r", &format!(";tag={tag}\r")))
}

/// Accepts with this status and says nothing more.
fn without_notify(status: u16) -> Simulation<impl Peer> {
    without_notify_over(Transport::Tcp, status)
}

fn without_notify_over(transport: Transport, status: u16) -> Simulation<impl Peer> {
    let peer = Script(move |request: &Message, out: &mut Out| {
        let expires = |builder: MessageBuilder| builder.header(HeaderName::Expires, "600");
        out.push((ms(0), response_with(request, status, "b", expires)));
    });
    Simulation::new(transport, Link::PERFECT, 5, peer)
}

#[test]
fn s4_1_2_4_timer_k_does_not_end_the_wait_for_a_notify() {
    for comes in [true, false] {
        let mut sim = without_notify_over(Transport::Udp, 202);
        let id = sim.request(subscribe("600"));
        sim.run(Duration::from_secs(7));
        assert!(!sim.story(id).iter().any(|line| line.contains("Terminated")));
        let sent = sim.sent[0].1.clone();
        if comes {
            sim.peer_sends(notify(&sent, 1, "active;expires=300"));
        }
        sim.run(Duration::from_secs(26));
        let story = sim.story(id);
        match comes {
            true => assert_eq!(story.last().unwrap(), "leg b Confirmed"),
            false => assert_eq!(story.last().unwrap(), "ended Request Timeout"),
        }
    }
}

#[test]
fn s4_1_2_4_without_a_notify_a_subscription_fails_with_timer_n() {
    for request in [subscribe("600"), new_request(Method::Refer, "sip:bob@demo.test")] {
        let mut sim = without_notify(202);
        let id = sim.request(request);
        sim.run(ms(100));
        let (told, is_subscribe) =
            (timers(&sim, id), sim.sent[0].1.method() == Some(Method::Subscribe));
        assert_eq!(told[..], ["N 32", "expiry leg b 600"], "{is_subscribe}");
        let told = sim.events.last().unwrap();
        assert_eq!(told.status.legs_up, 0, "RFC 6665 §4.4.1: its NOTIFY makes the dialog");
        sim.run(Duration::from_secs(31));
        assert_eq!(sim.story(id)[2..], ["accepted 202", "leg b Early"]);
        assert!(!sim.ua.is_idle());
        sim.run(Duration::from_secs(2));
        assert_eq!(
            sim.story(id)[4..],
            ["failed Request Timeout", "leg b Terminated { by: GivenUp }", "ended Request Timeout"]
        );
        let why = sim.events.iter().find_map(|event| match &event.fact {
            Fact::Failed { detail, .. } => Some(detail.clone()),
            _ => None,
        });
        assert!(why.as_deref().is_some_and(|why| why.contains("Timer N")), "{why:?}");
        assert_eq!((sim.ua.contexts(), sim.ua.held().deadlines), (0, 0));
    }
}

#[test]
fn s4_4_1_the_notify_makes_the_dialog_that_the_2xx_announces() {
    let mut sim = without_notify(200);
    let id = sim.request(subscribe("600"));
    sim.run(ms(100));
    let sent = sim.sent[0].1.clone();
    sim.peer_sends(notify(&sent, 1, "active;expires=300"));
    sim.run(ms(10));
    assert_eq!(
        sim.story(id)[2..],
        ["accepted 200", "leg b Early", "received NOTIFY", "answered 200", "leg b Confirmed"]
    );
    assert!(!timers(&sim, id).iter().any(|timer| timer.starts_with("N ")));
    sim.run(Duration::from_secs(60));
    assert_eq!(timers(&sim, id), ["expiry leg b 240"]);
}

#[test]
fn s4_1_2_4_where_one_fork_notifies_the_other_that_does_not_is_over_alone() {
    let mut sim = without_notify(200);
    let id = sim.request(subscribe("600"));
    sim.peer_sends(notify_from("x", &sim.sent[0].1.clone()));
    sim.run(Duration::from_secs(40));
    let story = sim.story(id);
    assert_eq!(story.last().unwrap(), "leg b Terminated { by: GivenUp }");
    assert_eq!(sim.events.last().unwrap().status.legs_up, 1);
}

#[test]
fn s4_1_2_3_what_only_its_2xx_has_announced_can_be_ended() {
    let mut sim = without_notify(200);
    let id = sim.request(subscribe("600"));
    sim.run(ms(100));
    sim.with(|ua, now| ua.shut_down(now));
    sim.run(ms(100));
    let last = &sim.sent.last().unwrap().1;
    assert_eq!(last.header(HeaderName::Expires).unwrap().text().unwrap(), "0");
    sim.run(Duration::from_secs(40));
    assert_eq!(sim.story(id).last().unwrap(), "ended Request Timeout");
    assert!(sim.ua.is_idle());
}

#[test]
fn s8_2_3_a_notify_without_a_subscription_state_is_refused_and_changes_nothing() {
    let mut sim = simulation(notifier());
    let id = sim.request(subscribe("60"));
    sim.run(ms(100));
    let sent = sim.sent[0].1.clone();
    for (tag, state) in [("b", ""), ("b", "Subscription-State: ;\r\n"), ("x", "")] {
        let bad = String::from_utf8(notify(&sent, 20, "active").to_vec()).unwrap();
        let bad = bad.replace("Subscription-State: active\r\n", state);
        let bad = bad.replace("z9hG4bKn20", &format!("z9hG4bK{tag}{}", state.len()));
        let told = sim.events.len();
        sim.peer_sends(Bytes::from(bad.replace(";tag=b\r", &format!(";tag={tag}\r"))));
        sim.run(ms(10));
        let answer = &sim.sent.last().unwrap().1;
        assert_eq!(answer.status().unwrap().code(), 400, "{tag} {state}");
        assert!(answer.reason_phrase().contains("Subscription-State"), "{answer:?}");
        let legs = |event: &&sipboard::sip::ContextEvent| matches!(event.fact, Fact::Leg { .. });
        assert!(sim.events[told..].iter().find(legs).is_none());
    }
    assert_eq!(sim.events.iter().rfind(|event| event.context == id).unwrap().status.legs_up, 1);
}

#[test]
fn s4_1_2_2_a_refresh_that_no_notify_follows_ends_the_subscription_with_timer_n() {
    let mut sim = notifies_once(Transport::Tcp);
    let id = sim.request(subscribe("600"));
    sim.run(Duration::from_secs(10));
    refresh(&mut sim, id, "presence", "600");
    sim.run(Duration::from_secs(31));
    assert_eq!(sim.events.iter().rfind(|event| event.context == id).unwrap().status.legs_up, 1);
    sim.run(Duration::from_secs(2));
    let story = sim.story(id);
    let [why, leg, ended] = &story[story.len() - 3..] else { panic!() };
    assert!(why.contains("no NOTIFY came within 32 s (Timer N"), "{why}");
    assert_eq!([leg, ended], ["leg b Terminated { by: Expiry }", "ended Accepted"]);
    assert_eq!((sim.ua.contexts(), sim.ua.held().deadlines), (0, 0));
}

#[test]
fn s4_1_2_2_a_refresh_that_is_refused_leaves_the_subscription_as_it_was() {
    let mut refused = false;
    let peer = Script(move |request: &Message, out: &mut Out| {
        if std::mem::replace(&mut refused, true) {
            return out.push((ms(0), response(request, 500, "b")));
        }
        out.push((ms(0), notify(request, 1, "active;expires=100")));
        out.push((ms(1), response(request, 200, "b")));
    });
    let mut sim = Simulation::new(Transport::Tcp, Link::PERFECT, 5, peer);
    let id = sim.request(subscribe("100"));
    sim.run(Duration::from_secs(10));
    refresh(&mut sim, id, "presence", "600");
    sim.run(ms(100));
    assert_eq!(timers(&sim, id), ["expiry leg b 90"]);
    sim.run(Duration::from_secs(80));
    assert!(!sim.ua.is_idle());
    sim.run(Duration::from_secs(10));
    assert_eq!(sim.story(id).last().unwrap(), "ended Accepted");
}

#[test]
fn s4_1_2_4_a_fork_makes_a_dialog_until_timer_n_is_over_and_none_after_it() {
    let mut sim = without_notify(200);
    let id = sim.request(subscribe("600"));
    let sent = sim.sent[0].1.clone();
    sim.run(ms(100));
    sim.peer_sends(notify(&sent, 1, "active;expires=600"));
    sim.run(Duration::from_secs(30));
    sim.peer_sends(notify_from("early", &sent));
    sim.run(Duration::from_secs(3));
    assert_eq!(sim.sent.last().unwrap().1.status().unwrap().code(), 200);
    sim.peer_sends(notify_from("late", &sent));
    sim.run(ms(10));
    assert_eq!(sim.sent.last().unwrap().1.status().unwrap().code(), 481);
    let last = sim.events.iter().rfind(|event| event.context == id).unwrap();
    let Fact::NoLeg { tag, detail } = &last.fact else { panic!("{last:?}") };
    assert_eq!(&**tag, "late");
    assert!(detail.contains("Timer N") && detail.ends_with("answered 481"), "{detail}");
    assert_eq!(last.status.legs_up, 2);
}

#[test]
fn the_timers_of_requests_on_several_legs_name_the_leg() {
    let mut sim = simulation(Script(|_: &Message, _: &mut Out| {}));
    let id = sim.request(subscribe("60"));
    let sent = sim.sent[0].1.clone();
    for tag in ["x", "y"] {
        sim.peer_sends(notify_from(tag, &sent));
        sim.run(ms(1));
    }
    let told: Vec<_> = timers(&sim, id).into_iter().filter(|told| told.starts_with('J')).collect();
    assert_eq!(told, ["J NOTIFY 1 of the peer on leg x 32", "J NOTIFY 1 of the peer on leg y 32"]);
}
