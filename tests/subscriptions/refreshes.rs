//! Refreshes that fail: which leave the subscription as it was, and which end it (RFC 6665 §4.1.2.2).

use super::{usages::*, *};

#[test]
fn s4_1_2_2_a_refresh_that_fails_otherwise_leaves_the_subscription_until_its_expiry() {
    for status in [408, 400, 403, 423, 500, 503, 603] {
        let mut usages = up(move |_| status);
        let cseq = usages.refreshes();
        let says = format!("lasts as before: a {status} answered SUBSCRIBE {cseq}");
        assert!(usages.told(&says), "{status}: {:?}", usages.sim.story(usages.id));
        usages.sim.run(Duration::from_secs(40));
        assert_eq!(usages.timers(), ["expiry leg b 560"], "{status}");
        assert_eq!(usages.sent_of(Method::Subscribe), 2, "{status}: nothing ends it");
        assert_eq!(usages.notifies("presence", "active"), 200, "{status}");
        usages.sim.run(Duration::from_secs(561));
        assert!(usages.told("leg b Terminated { by: Expiry }"), "{status}");
        assert_eq!(usages.last(), "ended Accepted", "{status}");
        usages.holds_nothing_later();
    }
}

#[test]
fn s4_1_2_2_a_refresh_that_nobody_answers_leaves_it_too() {
    let mut usages = up(|_| 0);
    let cseq = usages.refreshes();
    usages.sim.run(Duration::from_secs(33));
    let says = format!("lasts as before: SUBSCRIBE {cseq} has no answer");
    assert!(usages.told(&says), "{:?}", usages.sim.story(usages.id));
    assert_eq!(usages.timers(), ["expiry leg b 567"]);
    assert_eq!(usages.sent_of(Method::Subscribe), 2);
    assert_eq!(usages.notifies("presence", "terminated"), 200);
    assert_eq!(usages.last(), "ended Accepted");
    usages.holds_nothing_later();
}

#[test]
fn s4_1_2_2_these_answers_to_a_refresh_end_it() {
    for status in [404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604] {
        let mut usages = up(move |_| status);
        let cseq = usages.refreshes();
        let says = format!("is over: a {status} answered SUBSCRIBE {cseq}");
        assert!(usages.told(&says), "{status}: {:?}", usages.sim.story(usages.id));
        assert!(usages.told(&format!("leg b ended by a {status}")), "{status}");
        assert_eq!(usages.last(), "ended Accepted", "{status}");
        usages.holds_nothing_later();
    }
}

#[test]
fn rfc5057_s5_1_what_ends_a_subscription_in_a_call_leaves_the_call() {
    for status in [481, 408, 500, 489] {
        let mut subscribes = 0;
        let peer = Script(move |request: &Message, out: &mut Out| match request.method() {
            Some(Method::Ack) | None => {}
            Some(Method::Subscribe) => {
                subscribes += 1;
                let status = if subscribes == 1 { 200 } else { status };
                out.push((ms(0), response(request, status, "b")));
            }
            _ => out.push((ms(0), response(request, 200, "b"))),
        });
        let mut sim = Simulation::new(Transport::Tcp, Link::PERFECT, 5, peer);
        let id = sim.request(invite());
        sim.run(ms(100));
        let mut usages = Usages { sim, id, cseq: 0 };
        usages.refreshes();
        assert_eq!(usages.notifies("presence", "active;expires=600"), 200);
        usages.refreshes();
        usages.sim.run(Duration::from_secs(40));
        let stays = matches!(status, 408 | 500);
        assert_eq!(usages.timers().len(), usize::from(stays), "{status}");
        assert_eq!(usages.notifies("presence", "active"), if stays { 200 } else { 481 });
        let told = usages.sim.events.iter().rfind(|event| event.context == id).unwrap();
        assert_eq!(told.status.legs_up, 1, "{status}: the call goes on");
    }
}

#[test]
fn rfc5057_s5_2_a_second_subscription_that_nobody_answers_ends_nothing_else() {
    for status in [0, 408] {
        let mut usages = up(move |_| status);
        usages.sends(Method::Subscribe, &[("Event", "dialog"), ("Expires", "60")]);
        usages.sim.run(Duration::from_secs(40));
        assert_eq!(usages.sent_of(Method::Subscribe), 2, "{status}");
        assert_eq!(usages.timers(), ["expiry leg b 560"], "{status}");
        assert_eq!(usages.notifies("dialog", "active"), 481, "{status}");
        assert_eq!(usages.notifies("presence", "terminated"), 200, "{status}");
        assert_eq!(usages.last(), "ended Accepted", "{status}");
        usages.holds_nothing_later();
    }
}
