//! §19: tags, Call-IDs and URIs.

use std::collections::HashSet;

use sipboard::sip::{HeaderName, Method};

use crate::{scripted::*, simulation::invite};

#[test]
fn s19_3_a_tag_has_at_least_64_random_bits() {
    let mut call = Call::invited();
    let mut tags = HashSet::new();
    let (mut ones, mut bits) = (0, 0);
    for _ in 0..200 {
        call.sim.request(invite());
        let tag = call.last().from().unwrap().tag().unwrap().to_owned();
        let value = u64::from_str_radix(&tag, 16).expect("hex digits");
        assert_eq!(tag.len(), 16);
        ones += value.count_ones();
        bits += 64;
        tags.insert(value);
    }
    assert_eq!(tags.len(), 200);
    assert!((bits * 45 / 100..=bits * 55 / 100).contains(&ones), "{ones} of {bits} bits are set");
}

#[test]
fn s19_3_two_user_agents_share_no_identifier() {
    let identifiers = |seed| {
        let mut ua = sipboard::sip::UserAgent::new(Default::default(), seed);
        let flow = crate::simulation::FLOW;
        let now = std::time::Instant::now();
        ua.flow_connecting(flow, sipboard::sip::Transport::Udp);
        ua.flow_up(now, flow, "192.0.2.1:5060".parse().unwrap());
        ua.request(now, flow, invite());
        std::iter::from_fn(|| ua.poll_output())
            .find_map(|output| match output {
                sipboard::sip::Output::Transmit(transmit) => Some(transmit.bytes),
                _ => None,
            })
            .map(|bytes| {
                let message = sipboard::sip::Message::read(bytes).unwrap();
                let tag = message.from().unwrap().tag().unwrap().to_owned();
                [branch(&message), tag, text(&message, HeaderName::CallId)]
            })
            .unwrap()
    };
    let (one, other) = (identifiers(1), identifiers(2));
    assert!(one.iter().all(|identifier| !other.contains(identifier)));
    assert_eq!(identifiers(1), one, "a seed is a seed");
}

#[test]
fn s19_3_the_tag_of_our_answers_is_the_same_for_one_request_and_new_for_another() {
    let mut call = Call::up();
    let ask = |call: &mut Call, cseq| {
        call.deliver(call.peer_request("stranger", Method::Options, cseq, &[]));
        call.last()
    };
    let tagless = |call: &mut Call, cseq: u32| {
        let text = String::from_utf8(call.peer_request("x", Method::Options, cseq, &[]).to_vec());
        let text = text.unwrap();
        let tag = call.sent(Method::Invite).from().unwrap().tag().unwrap().to_owned();
        let text = text.replace(&format!(";tag={tag}"), "");
        call.deliver(text.into());
        call.last().to().unwrap().tag().unwrap().to_owned()
    };
    let (one, other) = (tagless(&mut call, 1), tagless(&mut call, 2));
    assert_ne!(one, other);
    assert_eq!(tagless(&mut call, 1), one);
    assert_eq!(code(&ask(&mut call, 3)), 481);
}

#[test]
fn s19_1_1_a_request_uri_goes_out_as_it_was_written() {
    for target in [
        "sip:bob@demo.test;transport=tcp;user=phone",
        "sip:%62ob:secret@demo.test:5070",
        "sip:[2001:db8::1]:5060;lr",
        "tel:+1-201-555-0123;phone-context=example.com",
    ] {
        let request = crate::simulation::new_request(Method::Options, target);
        assert_eq!(Call::udp(request).last().request_uri(), Some(target));
    }
}

#[test]
fn s20_8_call_ids_are_long_and_never_repeat() {
    let mut call = Call::invited();
    let mut all = HashSet::new();
    for _ in 0..1000 {
        call.sim.request(invite());
        let call_id = text(&call.last(), HeaderName::CallId);
        assert!(call_id.len() >= 32);
        all.insert(call_id);
    }
    assert_eq!(all.len(), 1000);
}
