//! SUBSCRIBE, REFER and their NOTIFYs, in virtual time (RFC 6665, RFC 3515).

#[path = "../simulation/mod.rs"]
mod simulation;

mod countdown;
mod no_notify;
mod refreshes;
mod usages;

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

/// The first NOTIFY of the fork with that tag, which does not say how long it lasts.
fn notify_from(tag: &str, subscribe: &Message) -> Bytes {
    let notify = String::from_utf8(notify(subscribe, 1, "active").to_vec()).unwrap();
    let notify = notify.replace("branch=z9hG4bKn1;", &format!("branch=z9hG4bKf{tag};"));
    Bytes::from(notify.replace(";tag=b\r", &format!(";tag={tag}\r")))
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
