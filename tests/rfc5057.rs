//! What is subscribed to in the dialog of a call, in virtual time: a REFER or SUBSCRIBE there has
//! notifications of its own, which outlive the call (RFC 5057, RFC 3515 §2.4, RFC 6665 §4).

mod simulation;

use std::time::Duration;

use bytes::Bytes;
use simulation::*;
use sipboard::sip::{
    ContextId, DialogRequest, ExtraHeader, Fact, HeaderName, Held, Message, MessageBuilder, Method,
    State, Transport,
};

type Out = Vec<(Duration, Bytes)>;

/// A call that is up.
struct Call<P> {
    sim: Simulation<P>,
    id: ContextId,
    cseq: u32,
}

/// Takes a call and whatever comes in it: INVITE and BYE with 200, a REFER or SUBSCRIBE with this
/// status, 0 for no answer.
fn call(status: u16) -> Call<impl Peer> {
    let peer = Script(move |request: &Message, out: &mut Out| match request.method() {
        Some(Method::Ack) | None => {}
        Some(Method::Refer | Method::Subscribe) if status == 0 => {}
        Some(Method::Refer | Method::Subscribe) => {
            out.push((ms(1), response(request, status, "b")));
        }
        _ => out.push((ms(1), response(request, 200, "b"))),
    });
    let mut sim = Simulation::new(Transport::Tcp, Link::PERFECT, 5, peer);
    let id = sim.request(invite());
    sim.run(ms(100));
    Call { sim, id, cseq: 0 }
}

impl<P: Peer> Call<P> {
    /// Sends a request in the call; gives its context and its CSeq number.
    fn sends(&mut self, method: Method, headers: &[(&str, &str)]) -> (ContextId, u32) {
        let headers =
            headers.iter().map(|(name, value)| ExtraHeader::new(name, value).unwrap()).collect();
        let request = DialogRequest { headers, ..DialogRequest::new(method.clone()) };
        let id = self.id;
        let sent = self.sim.with(|ua, now| ua.request_in_dialog(now, id, Some("b"), request));
        let is_it = |message: &Message| message.method() == Some(method.clone());
        let message = self.sim.sent.iter().rfind(|(_, message)| is_it(message));
        let cseq = message.unwrap().1.cseq().unwrap().number;
        self.sim.run(ms(100));
        (sent.unwrap(), cseq)
    }

    fn refers(&mut self) -> (ContextId, u32) {
        self.sends(Method::Refer, &[("Refer-To", "<sip:carol@demo.test>")])
    }

    /// The peer sends a request in the call; gives what it is answered with.
    fn receives(&mut self, method: Method, headers: &[(&str, &str)], body: &[u8]) -> u16 {
        self.cseq += 1;
        let invite = &self.sim.sent[0].1;
        let mut builder = MessageBuilder::request(&method, "sip:alice@192.0.2.1")
            .header(
                HeaderName::Via,
                format_args!("SIP/2.0/TCP 192.0.2.2;branch=z9hG4bKp{}", self.cseq),
            )
            .header(HeaderName::From, "<sip:bob@demo.test>;tag=b")
            .header(HeaderName::To, invite.header(HeaderName::From).unwrap().text().unwrap())
            .copy(invite.header(HeaderName::CallId).unwrap())
            .header(HeaderName::CSeq, format_args!("{} {method}", self.cseq));
        for (name, value) in headers {
            let name = match *name {
                "Event" => HeaderName::Event,
                "Subscription-State" => HeaderName::SubscriptionState,
                name => panic!("{name}"),
            };
            builder = builder.header(name, value);
        }
        let content_type = (!body.is_empty()).then_some("message/sipfrag");
        self.sim.peer_sends(builder.body(content_type, body));
        self.sim.run(ms(10));
        self.sim.sent.last().unwrap().1.status().map_or(0, |status| status.code())
    }

    fn notifies(&mut self, event: &str, state: &str) -> u16 {
        let headers = [("Event", event), ("Subscription-State", state)];
        self.receives(Method::Notify, &headers, b"SIP/2.0 200 OK\r\n")
    }

    fn hangs_up(&mut self) {
        let id = self.id;
        self.sim.with(|ua, now| ua.hang_up(now, id)).unwrap();
        self.sim.run(ms(100));
    }

    fn last(&self) -> &sipboard::sip::ContextEvent {
        self.sim.events.iter().rfind(|event| event.context == self.id).unwrap()
    }

    /// Its timers, each with the seconds that are left.
    fn timers(&self) -> Vec<String> {
        let told = self.last().status.timers.iter().map(|timer| {
            let of = timer.of.as_ref().map(|of| format!(" {of}")).unwrap_or_default();
            let left = timer.at.saturating_duration_since(self.sim.now).as_secs_f64().round();
            format!("{}{of} {left}", timer.timer)
        });
        told.filter(|told| !told.starts_with(['J', 'K', 'M'])).collect()
    }

    fn holds_nothing_later(mut self) {
        self.sim.run(Duration::from_secs(40));
        assert_eq!(self.sim.ua.held(), Held::default());
    }
}

#[test]
fn s4_1_the_notify_of_a_refer_comes_after_our_bye_and_the_call_ends_with_it() {
    let mut call = call(202);
    let (_, cseq) = call.refers();
    assert_eq!(call.notifies("refer", "active;expires=60"), 200);
    call.hangs_up();
    let told = call.last();
    assert_eq!((told.status.state, told.status.legs_up), (State::HungUp, 0));
    assert!(!told.status.ended);
    assert_eq!(call.timers(), [format!("expiry REFER {cseq} 60")]);
    let story = call.sim.story(call.id);
    let [leg, outlives] = &story[story.len() - 2..] else { panic!() };
    assert_eq!(leg, "leg b Terminated { by: Local }");
    assert!(outlives.contains("RFC 5057 §4.1"), "{outlives}");
    assert_eq!(call.notifies("refer", "active;expires=50"), 200);
    assert_eq!(call.notifies("refer", "terminated;reason=noresource"), 200);
    let story = call.sim.story(call.id);
    assert_eq!(
        story[story.len() - 5..],
        ["received NOTIFY", "answered 200", "received NOTIFY", "answered 200", "ended BYE"]
    );
    // It is over now, and so is the dialog.
    assert_eq!(call.notifies("refer", "active"), 481);
    assert!(call.sim.ua.is_idle());
    call.holds_nothing_later();
}

#[test]
fn s4_2_it_comes_after_the_peers_bye_too_and_nothing_else_does() {
    let mut call = call(202);
    call.refers();
    assert_eq!(call.notifies("refer;id=77", "active;expires=60"), 481, "no REFER had that number");
    assert_eq!(call.notifies("refer", "active;expires=60"), 200);
    assert_eq!(call.receives(Method::Bye, &[], b""), 200);
    for method in [Method::Info, Method::Invite, Method::Update, Method::Bye, Method::Prack] {
        assert_eq!(call.receives(method.clone(), &[], b""), 481, "{method}");
    }
    assert_eq!(call.notifies("presence", "active"), 481);
    let id = call.id;
    let refused = call.sim.with(|ua, now| ua.hang_up(now, id)).unwrap_err();
    assert!(refused.to_string().contains("hung up"), "{refused}");
    assert_eq!(call.notifies("refer", "terminated"), 200);
    assert_eq!(call.sim.story(id).last().unwrap(), "ended BYE");
    call.holds_nothing_later();
}

#[test]
fn s4_1_a_dialog_in_which_only_a_subscription_lives_on_is_there_for_what_is_of_no_call() {
    let mut call = call(202);
    call.refers();
    assert_eq!(call.notifies("refer", "active;expires=60"), 200);
    call.hangs_up();
    // RFC 3261 §11.2: as if it came outside of a dialog; RFC 3515 §2.4.2: a REFER is asked of the user.
    for (method, status) in [(Method::Options, 200), (Method::Message, 200), (Method::Refer, 400)] {
        assert_eq!(call.receives(method.clone(), &[], b""), status, "{method}");
    }
    let headers = &call.sim.sent[call.sim.sent.len() - 3].1;
    assert!(headers.header(HeaderName::Allow).is_some(), "{headers:?}");
    assert_eq!(call.notifies("refer", "terminated"), 200);
    assert_eq!(call.receives(Method::Options, &[], b""), 481);
    call.holds_nothing_later();
}

#[test]
fn s5_2_a_refer_that_nobody_answers_leaves_the_call_up() {
    for status in [0, 408] {
        let mut call = call(status);
        call.refers();
        call.sim.run(Duration::from_secs(40));
        assert_eq!((call.last().status.state, call.timers()), (State::Accepted, vec![]));
        assert_eq!(call.last().status.legs_up, 1, "{status}");
        assert_eq!(call.notifies("refer", "active"), 481, "{status}");
        call.hangs_up();
        assert_eq!(call.sim.story(call.id).last().unwrap(), "ended BYE", "{status}");
        call.holds_nothing_later();
    }
}

#[test]
fn s4_1_a_refer_that_nobody_notifies_of_keeps_the_call_no_longer_than_timer_n() {
    let mut call = call(202);
    let (_, cseq) = call.refers();
    assert_eq!(call.timers(), [format!("N REFER {cseq} 32")]);
    call.hangs_up();
    call.sim.run(Duration::from_secs(31));
    assert!(!call.last().status.ended);
    call.sim.run(Duration::from_secs(1));
    let story = call.sim.story(call.id);
    let [why, ended] = &story[story.len() - 2..] else { panic!() };
    assert!(why.contains(&format!("the subscription of REFER {cseq} is over")), "{why}");
    assert_eq!(ended, "ended BYE");
    call.holds_nothing_later();
}

#[test]
fn s4_1_a_subscription_without_an_expiry_lasts_64_t1_after_the_bye() {
    let mut call = call(202);
    let (_, cseq) = call.refers();
    assert_eq!(call.notifies("refer", "active"), 200);
    call.sim.run(Duration::from_secs(100));
    assert_eq!(call.timers(), [""; 0]);
    call.hangs_up();
    assert_eq!(call.timers(), [format!("N REFER {cseq} 32")]);
    call.sim.run(Duration::from_secs(20));
    assert_eq!(call.notifies("refer", "active"), 200);
    assert_eq!(call.timers(), [format!("N REFER {cseq} 32")]);
    call.sim.run(Duration::from_secs(33));
    assert_eq!(call.sim.story(call.id).last().unwrap(), "ended BYE");
    call.holds_nothing_later();
}

#[test]
fn s4_1_the_subscription_expires_while_the_call_goes_on() {
    let mut call = call(202);
    call.refers();
    call.notifies("refer", "active;expires=5");
    call.sim.run(Duration::from_secs(6));
    assert!(call.sim.story(call.id).last().unwrap().contains("it has expired"));
    assert_eq!(call.last().status.legs_up, 1);
    assert_eq!(call.notifies("refer", "active"), 481);
    call.hangs_up();
    assert_eq!(call.sim.story(call.id).last().unwrap(), "ended BYE");
    call.holds_nothing_later();
}

#[test]
fn rfc3515_s2_4_6_each_of_two_refers_is_known_by_its_id() {
    let mut call = call(202);
    let (_, first) = call.refers();
    let (_, second) = call.refers();
    assert_eq!(call.notifies(&format!("refer;id={second}"), "terminated"), 200);
    assert_eq!(call.notifies(&format!("refer;id={second}"), "active"), 481, "that one is over");
    assert_eq!(call.notifies("refer", "terminated"), 200);
    assert_eq!(call.notifies(&format!("refer;id={first}"), "active"), 481);
    call.hangs_up();
    assert_eq!(call.sim.story(call.id).last().unwrap(), "ended BYE");
    call.holds_nothing_later();
}

#[test]
fn rfc4488_s4_a_refer_that_was_refused_or_is_not_notified_of_is_waited_for_by_nobody() {
    for status in [603, 404] {
        let mut call = call(status);
        call.refers();
        assert_eq!(call.timers(), [""; 0], "{status}");
        assert_eq!(call.notifies("refer", "active"), 481);
        call.hangs_up();
        assert_eq!(call.sim.story(call.id).last().unwrap(), "ended BYE");
        call.holds_nothing_later();
    }
}

#[test]
fn rfc6665_s4_1_2_a_subscribe_in_a_call_is_notified_of_refreshed_and_ended() {
    let mut call = call(200);
    let event = ("Event", "dialog");
    let (_, cseq) = call.sends(Method::Subscribe, &[event, ("Expires", "90")]);
    assert_eq!(call.timers(), [format!("N SUBSCRIBE {cseq} 32")]);
    assert_eq!(call.notifies("dialog", "active;expires=90"), 200);
    assert_eq!(call.notifies("dialog;id=1", "active"), 481);
    assert_eq!(call.timers(), [format!("expiry SUBSCRIBE {cseq} 90")]);
    call.sends(Method::Subscribe, &[event, ("Expires", "600")]);
    assert_eq!(
        call.timers(),
        [format!("N SUBSCRIBE {cseq} 32"), format!("expiry SUBSCRIBE {cseq} 90")]
    );
    assert_eq!(call.notifies("dialog", "active;expires=600"), 200);
    assert_eq!(call.timers(), [format!("expiry SUBSCRIBE {cseq} 600")]);
    call.sends(Method::Subscribe, &[event, ("Expires", "0")]);
    assert_eq!(call.notifies("dialog", "terminated;reason=timeout"), 200);
    assert_eq!(call.timers(), [""; 0]);
    assert_eq!(call.last().status.legs_up, 1, "the call goes on");
    call.hangs_up();
    assert_eq!(call.sim.story(call.id).last().unwrap(), "ended BYE");
    call.holds_nothing_later();
}

#[test]
fn leaving_waits_for_no_notify_of_a_call() {
    // Hung up before, or only now.
    for before in [true, false] {
        let mut call = call(202);
        call.refers();
        call.notifies("refer", "active;expires=600");
        if before {
            call.hangs_up();
            assert!(!call.sim.ua.is_idle());
        }
        call.sim.with(|ua, now| ua.shut_down(now));
        call.sim.run(ms(100));
        assert!(call.sim.ua.is_idle(), "{before}");
        assert_eq!(call.sim.story(call.id).last().unwrap(), "ended BYE");
        call.holds_nothing_later();
    }
    let mut call = call(202);
    call.refers();
    call.hangs_up();
    call.sim.with(|ua, now| ua.abandon(now));
    assert!(call.sim.ua.is_idle());
    assert_eq!(call.sim.story(call.id).last().unwrap(), "ended BYE");
    call.holds_nothing_later();
}

#[test]
fn a_notify_after_the_bye_may_be_answered_by_hand() {
    let mut call = call(202);
    call.refers();
    let settings = call.sim.ua.settings().clone();
    let by_hand = [Method::Notify].into_iter().collect();
    call.sim.with(|ua, _| ua.change_settings(sipboard::sip::Settings { by_hand, ..settings }));
    call.notifies("refer", "terminated;reason=noresource");
    call.hangs_up();
    assert!(!call.sim.story(call.id).iter().any(|line| line == "answered 487"));
    let waits = call.sim.events.iter().find_map(|event| match &event.fact {
        Fact::Received { transaction, .. } => *transaction,
        _ => None,
    });
    let answer = sipboard::sip::Answer {
        status: sipboard::sip::StatusCode::new(200).unwrap(),
        reason: String::new(),
        headers: Vec::new(),
        content_type: None,
        body: Bytes::new(),
    };
    call.sim.with(|ua, now| ua.answer(now, waits.unwrap(), answer)).unwrap();
    let story = call.sim.story(call.id);
    assert_eq!(story[story.len() - 2..], ["answered 200", "ended BYE"]);
    call.holds_nothing_later();
}

#[test]
fn s4_1_what_outlives_a_call_is_ended_by_a_subscribe_and_nothing_else_goes_in_its_dialog() {
    let mut call = call(200);
    let (_, cseq) = call.refers();
    assert_eq!(call.notifies("refer", "active;expires=3600"), 200);
    call.hangs_up();
    let id = call.id;
    let refuses = |call: &mut Call<_>, method: Method, headers: &[(&str, &str)]| {
        let headers = headers.iter().map(|(n, v)| ExtraHeader::new(n, v).unwrap()).collect();
        let request = DialogRequest { headers, ..DialogRequest::new(method) };
        let sent = call.sim.with(|ua, now| ua.request_in_dialog(now, id, None, request));
        sent.unwrap_err().to_string()
    };
    for method in [Method::Info, Method::Invite, Method::Refer, Method::Bye, Method::Update] {
        let refused = refuses(&mut call, method.clone(), &[]);
        let lives = format!("nothing lives on in it but the subscription of REFER {cseq}");
        assert!(refused.contains(&lives), "{method}: {refused}");
        assert!(call.sim.ua.dialog_writing(id, None, &method).is_err(), "{method}");
    }
    let other = [("Event", "presence"), ("Expires", "0")];
    assert!(refuses(&mut call, Method::Subscribe, &other).contains("lives on"));
    assert!(refuses(&mut call, Method::Subscribe, &[]).contains("lives on"));
    assert!(call.sim.ua.dialog_writing(id, None, &Method::Subscribe).is_ok());
    let event = format!("refer;id={cseq}");
    call.sends(Method::Subscribe, &[("Event", &event), ("Expires", "600")]);
    assert_eq!(call.notifies("refer", "active;expires=600"), 200);
    assert_eq!(call.timers(), [format!("expiry REFER {cseq} 600")]);
    call.sends(Method::Subscribe, &[("Event", "refer"), ("Expires", "0")]);
    assert_eq!(call.notifies("refer", "terminated;reason=timeout"), 200);
    assert_eq!(call.sim.story(id).last().unwrap(), "ended BYE");
    assert!(refuses(&mut call, Method::Subscribe, &other).contains("hung up"));
    call.holds_nothing_later();
}

#[test]
fn rfc6665_s4_1_2_2_what_a_481_ends_of_it_ends_the_wait() {
    let peer = Script(move |request: &Message, out: &mut Out| match request.method() {
        Some(Method::Ack) | None => {}
        Some(Method::Subscribe) => out.push((ms(1), response(request, 481, "b"))),
        _ => out.push((ms(1), response(request, 200, "b"))),
    });
    let mut sim = Simulation::new(Transport::Tcp, Link::PERFECT, 5, peer);
    let id = sim.request(invite());
    sim.run(ms(100));
    let mut call = Call { sim, id, cseq: 0 };
    call.refers();
    assert_eq!(call.notifies("refer", "active;expires=3600"), 200);
    call.hangs_up();
    call.sends(Method::Subscribe, &[("Event", "refer"), ("Expires", "0")]);
    assert_eq!(call.sim.story(id).last().unwrap(), "ended BYE");
    call.holds_nothing_later();
}
