//! What random steps on a simulated network have found, each told once more in order.

mod simulation;

use std::time::Duration;

use simulation::*;
use sipboard::sip::{
    DialogRequest, HeaderName, Message, MessageBuilder, Method, Redirects, Settings, Transport,
};

type Out = Vec<(Duration, bytes::Bytes)>;

/// A re-INVITE was accepted after its dialog was over and the first INVITE forgotten with it: there
/// was no leg left to make the ACK from, and the peer would have repeated its 2xx for 32 s.
#[test]
fn a_reinvite_that_outlives_its_dialog_is_acked_all_the_same() {
    let mut reinvite = None;
    let mut sim = Simulation::new(
        Transport::Udp,
        Link::PERFECT,
        1,
        Script(move |request: &Message, out: &mut Out| match request.method() {
            Some(Method::Invite) if request.to().unwrap().tag().is_some() => {
                let is_new = reinvite.replace(request.clone()).is_none();
                let answers = [(ms(1), 180), (ms(60_000), 200)].into_iter().filter(|_| is_new);
                out.extend(answers.map(|(at, status)| (at, response(request, status, "b"))));
            }
            Some(Method::Invite | Method::Bye) => out.push((ms(1), response(request, 200, "b"))),
            _ => {}
        }),
    );
    let first = sim.request(invite());
    sim.run(ms(100));
    let second = sim.with(|ua, now| {
        ua.request_in_dialog(now, first, None, DialogRequest::new(Method::Invite)).unwrap()
    });
    sim.run(ms(100));
    sim.with(|ua, now| ua.hang_up(now, first)).unwrap();
    sim.run(Duration::from_secs(50));
    assert_eq!(sim.story(first).last().unwrap(), "ended BYE");
    sim.run(Duration::from_secs(20));
    let story = sim.story(second);
    assert!(story.ends_with(&["accepted 200", "acked 200", "ended Accepted"].map(str::to_owned)));
    sim.run(Duration::from_secs(60));
    assert_eq!(sim.ua.held().contexts, 0);
}

/// A leg without a tag, and a re-INVITE on it whose 2xx had one: the ACK was kept under the leg's
/// tag and looked for under the other, so each repetition of the 2xx was told as the first.
#[test]
fn a_repeated_2xx_of_a_reinvite_on_a_leg_without_a_tag_is_a_repetition() {
    let mut sim = Simulation::new(
        Transport::Udp,
        Link::PERFECT,
        1,
        Script(|request: &Message, out: &mut Out| {
            if request.method() == Some(Method::Invite) {
                let is_first = request.header(HeaderName::Contact).is_some()
                    && request.request_uri() == Some("sip:bob@demo.test");
                let tag = if is_first { "" } else { "t" };
                out.push((ms(1), response(request, 200, tag)));
                out.push((ms(500), response(request, 200, tag)));
            }
        }),
    );
    let first = sim.request(invite());
    sim.run(ms(1000));
    let second = sim.with(|ua, now| {
        ua.request_in_dialog(now, first, None, DialogRequest::new(Method::Invite)).unwrap()
    });
    sim.run(ms(1000));
    let story = sim.story(second);
    let count = |word: &str| story.iter().filter(|told| *told == word).count();
    assert_eq!((count("accepted 200"), count("accepted again 200")), (1, 1), "{story:?}");
}

/// A redirected request in a dialog kept the number that it had when it began to wait for its new flow,
/// and went out with it after a BYE that has the next one (RFC 3261 §12.2.1.1).
#[test]
fn what_has_waited_for_its_flow_is_numbered_after_what_its_dialog_sent_since() {
    let mut sim = Simulation::with_settings(
        Settings { redirects: Redirects::Best, ..Settings::default() },
        Transport::Udp,
        Link::PERFECT,
        1,
        Script(|request: &Message, out: &mut Out| match request.method() {
            Some(Method::Info) => {
                let elsewhere = |builder: MessageBuilder| {
                    builder.header(HeaderName::Contact, "<sip:bob@192.0.2.9;transport=tcp>")
                };
                out.push((ms(1), response_with(request, 302, "b", elsewhere)));
            }
            Some(Method::Invite | Method::Bye) => out.push((ms(1), response(request, 200, "b"))),
            _ => {}
        }),
    );
    sim.ua.flow_leads_to(FLOW, "demo.test", 5060, "192.0.2.2:5060".parse().unwrap());
    let call = sim.request(invite());
    sim.run(ms(100));
    let info = sim.with(|ua, now| {
        ua.request_in_dialog(now, call, None, DialogRequest::new(Method::Info)).unwrap()
    });
    sim.run(ms(100));
    assert_eq!(sim.follows[0].context, info);
    sim.with(|ua, now| ua.hang_up(now, call)).unwrap();
    sim.run(ms(100));
    sim.with(|ua, now| {
        ua.flow_connecting(TCP_FLOW, Transport::Tcp);
        ua.flow_up(now, TCP_FLOW, "192.0.2.1:5062".parse().unwrap());
        ua.ride(now, info, TCP_FLOW);
    });
    let numbers: Vec<_> = sim
        .sent
        .iter()
        .filter(|(_, message)| message.status().is_none() && message.method() != Some(Method::Ack))
        .map(|(_, message)| message.cseq().unwrap().number)
        .collect();
    assert!(numbers.len() == 4 && numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
}

/// The PRACK of a re-INVITE on a leg without a tag, whose provisional had the tag of another leg, went in
/// that one's dialog, with the numbers of that one; it did not end with the re-INVITE, which was kept for
/// ever.
#[test]
fn a_prack_goes_in_the_dialog_of_its_reinvite_and_ends_with_it() {
    let mut sim = Simulation::new(
        Transport::Tcp,
        Link::PERFECT,
        1,
        Script(|request: &Message, out: &mut Out| {
            if request.method() != Some(Method::Invite) {
                return;
            }
            if request.header(HeaderName::Subject).is_none() {
                out.push((ms(1), response(request, 200, "b")));
                out.push((ms(2), response(request, 200, "")));
                return;
            }
            let reliable = |builder: MessageBuilder| {
                builder.header(HeaderName::Require, "100rel").header(HeaderName::RSeq, "7")
            };
            out.push((ms(1), response_with(request, 180, "b", reliable)));
        }),
    );
    let call = sim.request(invite());
    sim.run(ms(100));
    let mut again = DialogRequest::new(Method::Invite);
    again.headers.push("Subject: again".parse().unwrap());
    let reinvite = sim.with(|ua, now| ua.request_in_dialog(now, call, Some(""), again).unwrap());
    sim.run(ms(100));
    assert!(sim.wire().last().unwrap().ends_with("PRACK"), "{:?}", sim.wire());
    let (_, prack) = sim.sent.last().unwrap();
    assert_eq!(prack.to().unwrap().tag(), None);
    sim.with(|ua, now| ua.flow_down(now, FLOW, "the flow is gone"));
    assert!(sim.story(reinvite).contains(&"ended Connection Error".to_owned()));
    sim.with(|ua, now| ua.shut_down(now));
    sim.run(Duration::from_secs(300));
    assert_eq!(sim.ua.held(), Default::default());
}

/// An answer to the peer was repeated (Timer G) on a flow that had gone down.
#[test]
fn nothing_is_sent_on_a_flow_that_is_down() {
    let mut sim =
        Simulation::new(Transport::Udp, Link::PERFECT, 1, Script(|_: &Message, _: &mut Out| {}));
    sim.peer_sends(
        "INVITE sip:alice@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK1\r\n\
         From: <sip:bob@demo.test>;tag=b\r\nTo: <sip:alice@demo.test>\r\nCall-ID: c\r\n\
         CSeq: 1 INVITE\r\nContact: <sip:bob@192.0.2.2>\r\nContent-Length: 0\r\n\r\n"
            .into(),
    );
    sim.run(ms(600));
    assert_eq!(sim.wire(), ["0.001 480", "0.501 480"]);
    sim.with(|ua, now| ua.flow_down(now, FLOW, "the flow is gone"));
    sim.run(Duration::from_secs(60));
    assert_eq!(sim.wire().len(), 2);
    assert_eq!(sim.ua.held(), Default::default());
}
