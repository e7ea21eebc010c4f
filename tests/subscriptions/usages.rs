//! What is subscribed to in the dialog of a subscription: each usage of the dialog ends by itself, and
//! the dialog with the last (RFC 6665 §4.4.1, RFC 5057 §4.2, RFC 3515 §2.4.4).

use super::*;

/// A subscription to presence that is up, whose peer takes whatever comes with this status; and the
/// CSeq number of the peer's last request.
pub struct Usages<P> {
    pub sim: Simulation<P>,
    pub id: ContextId,
    pub cseq: u32,
}

/// Takes SUBSCRIBE and REFER, those in the dialog with this status; notifies of nothing by itself.
pub fn up(status: impl Fn(&Message) -> u16) -> Usages<impl Peer> {
    up_with(subscribe("600"), status)
}

fn up_with(request: NewRequest, status: impl Fn(&Message) -> u16) -> Usages<impl Peer> {
    let peer = Script(move |request: &Message, out: &mut Out| {
        let status = match request.to().unwrap().tag() {
            None => 200,
            Some(_) => status(request),
        };
        let expires = |b: MessageBuilder| match request.header(HeaderName::Expires) {
            Some(expires) => b.copy(expires),
            None => b,
        };
        // Nobody answers with 0.
        if status != 0 {
            out.push((ms(0), response_with(request, status, "b", expires)));
        }
    });
    let mut sim = Simulation::new(Transport::Tcp, Link::PERFECT, 5, peer);
    let id = sim.request(request);
    sim.run(ms(100));
    let mut usages = Usages { sim, id, cseq: 0 };
    assert_eq!(usages.notifies("presence", "active;expires=600"), 200);
    usages
}

impl<P: Peer> Usages<P> {
    /// Sends a request in the dialog; gives its CSeq number.
    pub fn sends(&mut self, method: Method, headers: &[(&str, &str)]) -> u32 {
        let headers =
            headers.iter().map(|(name, value)| ExtraHeader::new(name, value).unwrap()).collect();
        let request = DialogRequest { headers, ..DialogRequest::new(method.clone()) };
        let id = self.id;
        self.sim.with(|ua, now| ua.request_in_dialog(now, id, Some("b"), request)).unwrap();
        self.sim.run(ms(10));
        self.last_of(method).cseq().unwrap().number
    }

    pub fn refers(&mut self) -> u32 {
        self.sends(Method::Refer, &[("Refer-To", "<sip:carol@demo.test>")])
    }

    pub fn refreshes(&mut self) -> u32 {
        self.sends(Method::Subscribe, &[("Event", "presence"), ("Expires", "600")])
    }

    pub fn last_of(&self, method: Method) -> &Message {
        let is_it = |message: &&Message| message.method().as_ref() == Some(&method);
        self.sim.sent.iter().rev().map(|(_, message)| message).find(is_it).unwrap()
    }

    /// How often that method was sent.
    pub fn sent_of(&self, method: Method) -> usize {
        let is_it = |message: &Message| message.method().as_ref() == Some(&method);
        self.sim.sent.iter().filter(|(_, message)| is_it(message)).count()
    }

    /// What the peer's NOTIFY is answered with.
    pub fn notifies(&mut self, event: &str, state: &str) -> u16 {
        self.cseq += 1;
        let notify = notify_of(event, &self.sim.sent[0].1.clone(), self.cseq, state);
        self.sim.peer_sends(notify);
        self.sim.run(ms(10));
        self.sim.sent.last().unwrap().1.status().map_or(0, |status| status.code())
    }

    pub fn hangs_up(&mut self) {
        let id = self.id;
        self.sim.with(|ua, now| ua.hang_up(now, id)).unwrap();
        self.sim.run(ms(100));
    }

    pub fn told(&self, what: &str) -> bool {
        self.sim.story(self.id).iter().any(|line| line.contains(what))
    }

    pub fn last(&self) -> String {
        self.sim.story(self.id).pop().unwrap()
    }

    /// Its timers but for those of server transactions and of what was answered.
    pub fn timers(&self) -> Vec<String> {
        let all = timers(&self.sim, self.id).into_iter();
        all.filter(|told| !told.starts_with(['J', 'K', 'F'])).collect()
    }

    pub fn holds_nothing_later(mut self) {
        self.sim.run(Duration::from_secs(40));
        assert_eq!(self.sim.ua.held(), sipboard::sip::Held::default());
        assert!(self.sim.ua.is_idle());
    }
}

#[test]
fn rfc5057_s4_2_a_refer_outlives_the_subscription_in_whose_dialog_it_was_sent() {
    let mut usages = up(|_| 200);
    let cseq = usages.refers();
    assert_eq!(usages.notifies("refer", "active;expires=60"), 200);
    usages.hangs_up();
    assert_eq!(usages.notifies("presence", "terminated;reason=timeout"), 200);
    assert!(usages.told("leg b Terminated { by: Peer }"));
    assert!(usages.told(&format!("the subscription of REFER {cseq} outlives that of SUBSCRIBE")));
    assert!(!usages.told("ended"));
    assert_eq!(usages.timers(), [format!("expiry REFER {cseq} 60")]);
    assert_eq!(usages.notifies("presence", "active"), 481, "that one is over");
    assert_eq!(usages.notifies("refer", "active;expires=50"), 200);
    assert_eq!(usages.notifies("refer", "terminated;reason=noresource"), 200);
    assert_eq!(usages.last(), "ended Accepted");
    assert_eq!(usages.notifies("refer", "active"), 481);
    usages.holds_nothing_later();
}

#[test]
fn rfc5057_s4_2_the_subscription_goes_on_when_the_refer_in_its_dialog_is_over() {
    let mut usages = up(|_| 200);
    let cseq = usages.refers();
    assert_eq!(usages.notifies(&format!("refer;id={cseq}"), "terminated;reason=noresource"), 200);
    assert!(!usages.told("Terminated"));
    assert_eq!(usages.notifies("refer", "active"), 481);
    assert_eq!(usages.notifies("presence", "active;expires=500"), 200);
    usages.hangs_up();
    assert_eq!(usages.notifies("presence", "terminated"), 200);
    assert_eq!(usages.last(), "ended Accepted");
    usages.holds_nothing_later();
}

#[test]
fn rfc5057_s4_2_every_usage_of_a_dialog_ends_by_itself() {
    // However the first ends.
    for how in ["notify", "expiry", "481"] {
        let mut usages = up(move |request| match request.method() {
            Some(Method::Subscribe) if how == "481" => 481,
            _ => 200,
        });
        let first = usages.refers();
        let second = usages.refers();
        for cseq in [first, second] {
            assert_eq!(usages.notifies(&format!("refer;id={cseq}"), "active;expires=3000"), 200);
        }
        match how {
            "notify" => assert_eq!(usages.notifies("presence", "terminated"), 200),
            "expiry" => usages.sim.run(Duration::from_secs(601)),
            _ => _ = usages.refreshes(),
        }
        let over = match how {
            "notify" => "leg b Terminated { by: Peer }",
            "expiry" => "leg b Terminated { by: Expiry }",
            _ => "leg b ended by a 481",
        };
        assert!(usages.told(over), "{how}: {:?}", usages.sim.story(usages.id));
        assert_eq!(usages.notifies(&format!("refer;id={first}"), "terminated"), 200, "{how}");
        assert!(!usages.told("ended Accepted"), "{how}: one is left");
        assert_eq!(usages.notifies(&format!("refer;id={first}"), "active"), 481, "{how}");
        assert_eq!(usages.notifies(&format!("refer;id={second}"), "terminated"), 200, "{how}");
        assert_eq!(usages.last(), "ended Accepted", "{how}");
        usages.holds_nothing_later();
    }
}

#[test]
fn rfc3515_s2_4_4_what_outlives_a_subscription_has_an_end() {
    let mut usages = up(|_| 200);
    let cseq = usages.refers();
    assert_eq!(usages.notifies("refer", "active"), 200);
    assert_eq!(usages.notifies("presence", "terminated"), 200);
    assert_eq!(usages.timers(), [format!("N REFER {cseq} 32")]);
    usages.sim.run(Duration::from_secs(33));
    assert_eq!(usages.last(), "ended Accepted");
    usages.holds_nothing_later();
}

#[test]
fn leaving_waits_for_no_usage_in_the_dialog_of_a_subscription() {
    for first_is_over in [true, false] {
        let mut usages = up(|_| 200);
        usages.refers();
        assert_eq!(usages.notifies("refer", "active;expires=600"), 200);
        if first_is_over {
            assert_eq!(usages.notifies("presence", "terminated"), 200);
        }
        usages.sim.with(|ua, now| ua.shut_down(now));
        usages.sim.run(ms(10));
        if !first_is_over {
            assert_eq!(usages.notifies("presence", "terminated"), 200);
        }
        assert_eq!(usages.last(), "ended Accepted", "{first_is_over}");
        usages.holds_nothing_later();
    }
    let mut usages = up(|_| 200);
    usages.refers();
    assert_eq!(usages.notifies("presence", "terminated"), 200);
    usages.sim.with(|ua, now| ua.abandon(now));
    assert_eq!(usages.last(), "ended Accepted");
    usages.holds_nothing_later();
}

#[test]
fn rfc3515_s2_4_6_a_notify_whose_id_is_no_refers_cseq_is_481() {
    let mut usages = up(|_| 200);
    let cseq = usages.refers();
    assert_eq!(usages.notifies(&format!("refer;id={}", cseq + 70), "active"), 481);
    assert_eq!(usages.notifies("refer;id=x", "active"), 481);
    assert_eq!(usages.notifies(&format!("refer;id={cseq}"), "active"), 200);
    assert_eq!(usages.notifies("refer", "active"), 200, "it may be left out of the first");
    assert_eq!(usages.notifies("Refer", "active"), 481);
}

#[test]
fn s4_1_3_a_subscription_without_an_event_has_the_notifys_that_are_of_no_other() {
    let mut without = subscribe("600");
    without.headers.retain(|header| header.name() != "Event");
    let mut usages = up_with(without, |_| 200);
    usages.sends(Method::Subscribe, &[("Event", "dialog"), ("Expires", "60")]);
    assert_eq!(usages.notifies("dialog", "active"), 200);
    assert_eq!(usages.notifies("dialog", "terminated;reason=noresource"), 200);
    assert_eq!(usages.notifies("presence", "active"), 200);
    assert!(!usages.told("Terminated"), "the first one goes on");
    assert_eq!(usages.notifies("presence", "terminated"), 200);
    assert_eq!(usages.last(), "ended Accepted");
    usages.holds_nothing_later();
}
