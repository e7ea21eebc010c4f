//! §18.4 with RFC 3263 §4.3: an ACK of a 2xx, or a PRACK, that went and was refused goes to the next
//! place that the hop of its dialog stands for.

use sipboard::sip::{
    CancelOptions, Fact, FlowId, HeaderName, Method, Transport,
    resolution::{Discovery, Kind, LookupFailure, Record, Resolution, Resolved, Target},
};

use crate::{
    s13_2_2_4_next_hop::{CONTACT, invited},
    scripted::*,
    simulation::FLOW,
};

/// Two addresses of one name, by UDP.
pub fn two_addresses() -> Resolved {
    let target = Target {
        host: "b.test".into(),
        port: 5070,
        transport: Transport::Udp,
        discovery: Discovery::Address,
    };
    let mut resolution = Resolution::new(target, &Transport::ALL, "DNS at 192.0.2.53:53");
    while !resolution.questions().is_empty() {
        let address = |text: &str| Record::Address(text.parse().unwrap());
        let records = |kind| match kind {
            Kind::A => Ok(vec![address("192.0.2.8"), address("192.0.2.9")]),
            _ => Err(LookupFailure::NoRecords),
        };
        let answers = resolution.questions().iter().map(|asked| records(asked.kind)).collect();
        resolution.answer(answers);
    }
    resolution.finish()
}

/// The flows to the two addresses, of which nobody knows at first who is there.
const TWO: [FlowId; 2] = [FlowId(8), FlowId(9)];

/// The hop of an errand is looked up, and each candidate that it asks for has its flow.
fn find_way(call: &mut Call, nth: usize) {
    let errand = call.sim.follows[nth].context;
    call.sim.with(|ua, now| ua.resolved(now, errand, &two_addresses()));
    while let Some(connect) = call.sim.connects.pop() {
        if call.sim.settled.contains(&connect.context) {
            continue;
        }
        let address = connect.candidate.address;
        let flow = TWO[usize::from(address.ip().to_string().ends_with('9'))];
        call.sim.with(|ua, now| {
            if ua.transport_of(flow).is_none() {
                ua.flow_connecting(flow, Transport::Udp);
                ua.flow_up(now, flow, "192.0.2.1:5071".parse().unwrap());
                ua.flow_leads_to(flow, "b.test", 5070, address);
            }
            ua.ride(now, connect.context, flow);
        });
    }
}

fn accept_by_name(call: &mut Call) {
    call.reply_with(200, "b", |builder| {
        builder.header(CONTACT, "<sip:bob@b.test:5070;transport=udp>")
    });
}

/// The flow that the last of that method went on.
fn went_on(call: &Call, method: Method) -> FlowId {
    let of_it = call.sim.events.iter().rev().filter(|event| event.method == method);
    let mut flows = of_it.filter_map(|event| match &event.fact {
        Fact::Acked { destination, .. } | Fact::Sent { destination, .. } => Some(destination.flow),
        _ => None,
    });
    flows.next().unwrap()
}

#[test]
fn s18_4_an_ack_that_is_refused_goes_to_the_next_candidate_at_once() {
    let mut call = invited();
    accept_by_name(&mut call);
    find_way(&mut call, 0);
    assert_eq!((call.wire(), went_on(&call, Method::Ack)), (vec!["ACK".to_owned()], TWO[0]));
    call.look();
    call.sim.with(|ua, now| ua.flow_error(now, TWO[0], "connection refused"));
    // Meanwhile it waits.
    accept_by_name(&mut call);
    find_way(&mut call, 1);
    assert_eq!((call.wire(), went_on(&call, Method::Ack)), (vec!["ACK".to_owned()], TWO[1]));
    let news = call.news();
    assert!(news.contains(&"passed over: connection refused".to_owned()), "{news:?}");
    accept_by_name(&mut call);
    assert_eq!((call.wire(), went_on(&call, Method::Ack)), (vec!["ACK".to_owned()], TWO[1]));
    assert_eq!(call.sim.follows.len(), 2, "it arrives there");
    // The second refuses too: the way of the INVITE is left, and it is not left again.
    call.sim.with(|ua, now| ua.flow_error(now, TWO[1], "connection refused"));
    find_way(&mut call, 2);
    assert_eq!((call.wire(), went_on(&call, Method::Ack)), (vec!["ACK".to_owned()], FLOW));
    call.sim.with(|ua, now| ua.flow_error(now, FLOW, "connection refused"));
    assert_eq!(call.wire(), [""; 0]);
    accept_by_name(&mut call);
    assert_eq!((call.wire(), went_on(&call, Method::Ack)), (vec!["ACK".to_owned()], FLOW));
    assert_eq!(call.sim.follows.len(), 3);
}

#[test]
fn s18_4_a_refusal_long_after_an_ack_may_be_of_something_else_until_the_2xx_comes_again() {
    let mut call = invited();
    accept_by_name(&mut call);
    find_way(&mut call, 0);
    call.sim.run(std::time::Duration::from_secs(2));
    call.look();
    call.sim.with(|ua, now| ua.flow_error(now, TWO[0], "connection refused"));
    assert_eq!((call.wire(), call.sim.follows.len()), (vec![], 1));
    accept_by_name(&mut call);
    find_way(&mut call, 1);
    assert_eq!((call.wire(), went_on(&call, Method::Ack)), (vec!["ACK".to_owned()], TWO[1]));
}

#[test]
fn s18_4_an_ack_goes_again_where_something_was_heard_after_the_refusal() {
    let mut call = invited();
    accept_by_name(&mut call);
    find_way(&mut call, 0);
    call.sim.run(std::time::Duration::from_secs(2));
    call.sim.with(|ua, now| ua.flow_error(now, TWO[0], "connection refused"));
    let source = "192.0.2.8:5070".parse().unwrap();
    call.sim.with(|ua, now| ua.handle_message(now, TWO[0], source, "\r\n\r\n".into()));
    call.look();
    accept_by_name(&mut call);
    assert_eq!((call.wire(), went_on(&call, Method::Ack)), (vec!["ACK".to_owned()], TWO[0]));
}

#[test]
fn s18_4_a_prack_that_is_refused_goes_to_the_next_candidate_and_at_last_the_way_of_its_invite() {
    let mut call = invited();
    call.reply_with(183, "b", |builder| {
        builder
            .header(CONTACT, "<sip:bob@b.test:5070;transport=udp>")
            .header(HeaderName::Require, "100rel")
            .header(HeaderName::RSeq, "1")
    });
    find_way(&mut call, 0);
    for (nth, next) in [(1, TWO[1]), (2, FLOW)] {
        call.look();
        let before = call.last();
        let at = went_on(&call, Method::Prack);
        call.sim.with(|ua, now| ua.flow_error(now, at, "connection refused"));
        find_way(&mut call, nth);
        assert_eq!((call.wire(), went_on(&call, Method::Prack)), (vec!["PRACK".to_owned()], next));
        let (before, after) = (before.cseq().unwrap().number, call.last().cseq().unwrap().number);
        assert_eq!(before, after, "the same request");
    }
    call.look();
    call.sim.with(|ua, now| ua.flow_error(now, FLOW, "connection refused"));
    assert_eq!(call.news().first().unwrap(), "prack failed");
}

/// Where a numeric Contact leads, which no flow of its own leads to.
const NUMERIC: &str = "192.0.2.9:5070";

fn numeric() -> Call {
    let mut call = invited();
    accept_at_number(&mut call);
    call.look();
    call
}

fn accept_at_number(call: &mut Call) {
    call.reply_with(200, "b", |builder| builder.header(CONTACT, format!("<sip:bob@{NUMERIC}>")));
}

/// Where the last ACK went, if not where the flow leads.
fn ack_went_to(call: &Call) -> Option<String> {
    let acked = call.sim.events.iter().rev().find_map(|event| match &event.fact {
        Fact::Acked { destination, .. } => Some(destination.clone()),
        _ => None,
    });
    acked.unwrap().to.map(|to| to.to_string())
}

#[test]
fn s18_4_a_bye_that_a_numeric_contact_refuses_goes_the_way_of_the_invite_as_its_ack_does() {
    let mut call = numeric();
    call.wire();
    call.hang_up();
    assert_eq!(call.wire(), ["BYE"]);
    let (there, another) = (NUMERIC.parse().unwrap(), "192.0.2.7:5070".parse().unwrap());
    call.look();
    call.sim.with(|ua, now| ua.datagram_refused(now, FLOW, another, "connection refused"));
    call.sim.with(|ua, now| ua.flow_error(now, FLOW, "connection refused"));
    assert_eq!(call.news(), [""; 0], "the BYE went to neither");
    call.sim.with(|ua, now| ua.datagram_refused(now, FLOW, there, "connection refused"));
    let passed = "#2 passed over: connection refused; it goes the way of the request that made the";
    let news = call.news();
    assert!(news.iter().any(|told| told.starts_with(passed)), "{news:?}");
    assert_eq!(call.wire(), ["ACK", "BYE"]);
    let byes = call.all_sent(Method::Bye);
    assert_ne!(branch(&byes[0]), branch(&byes[1]));
    assert_eq!(cseq(&byes[0]), cseq(&byes[1]));
    // What refuses it there too ends it.
    call.sim.with(|ua, now| ua.flow_error(now, FLOW, "connection refused"));
    let news = call.news();
    assert!(news.iter().any(|told| told.starts_with("#2 failed")), "{news:?}");
    assert_eq!(call.wire(), [""; 0]);
}

#[test]
fn s18_4_what_a_numeric_contact_refuses_after_a_provisional_is_not_sent_elsewhere() {
    let mut call = numeric();
    call.in_dialog(Method::Info).unwrap();
    let info = call.last();
    call.reply_to(&info, 100, "");
    call.wire();
    call.look();
    let there = NUMERIC.parse().unwrap();
    call.sim.with(|ua, now| ua.datagram_refused(now, FLOW, there, "connection refused"));
    assert_eq!(call.all_sent(Method::Info).len(), 1);
    let news = call.news();
    assert!(news.iter().any(|told| told.starts_with("#2 failed")), "{news:?}");
}

#[test]
fn s9_1_what_the_user_has_cancelled_is_not_sent_elsewhere() {
    let mut call = numeric();
    let reinvite = call.in_dialog(Method::Invite).unwrap();
    call.wire();
    call.sim.with(|ua, now| ua.cancel(now, reinvite, CancelOptions::default())).unwrap();
    let there = NUMERIC.parse().unwrap();
    call.sim.with(|ua, now| ua.datagram_refused(now, FLOW, there, "connection refused"));
    assert!(!call.wire().contains(&"INVITE".to_owned()));
    let story = call.sim.story(reinvite);
    assert!(story.last().unwrap().starts_with("ended"), "{story:?}");
}

#[test]
fn s18_4_an_ack_that_a_numeric_contact_refuses_goes_the_way_of_the_invite() {
    let mut call = numeric();
    assert_eq!(ack_went_to(&call).as_deref(), Some(NUMERIC));
    let there = NUMERIC.parse().unwrap();
    for again in [false, true] {
        call.look();
        match again {
            false => call.sim.with(|ua, now| {
                ua.datagram_refused(now, FLOW, there, "connection refused");
            }),
            true => accept_at_number(&mut call),
        }
        assert_eq!((call.wire(), ack_went_to(&call)), (vec!["ACK".to_owned()], None));
    }
    let passed = "passed over: connection refused; the ACK goes the way of the INVITE".to_owned();
    let word = |event| crate::simulation::word(event);
    let news: Vec<String> = call.sim.events.iter().map(word).collect();
    assert_eq!(news.iter().filter(|told| **told == passed).count(), 1, "{news:?}");
}
