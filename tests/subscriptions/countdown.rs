//! Refreshes, and the countdown to the end of a subscription as it is told.

use super::*;

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
