//! The wait for the NOTIFY that a 2xx has announced (RFC 6665 §4.1.2.4), and what it makes.

use super::*;

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
