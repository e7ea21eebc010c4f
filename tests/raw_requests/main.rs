//! Bytes that the user wrote are sent unchanged, in a client context of their own, with everything
//! that can still be done for them.

#[path = "../scripted/mod.rs"]
mod scripted;
#[path = "../simulation/mod.rs"]
mod simulation;

mod invites;
mod unmatched;

use proptest::prelude::*;
use scripted::*;
use simulation::{FLOW, ms, response};
use sipboard::sip::{
    Cause, Fact, Method, RawMessage, Redirects, Settings, State, Transmit, Transport,
};

/// A request as somebody writes it by hand: odd header order and case, no cookie, a sent-by of its
/// own, and a Content-Length that lies.
fn by_hand(method: &str, branch: &str) -> String {
    format!(
        "{method} sip:bob@demo.test SIP/2.0\r\nto: <sip:bob@demo.test>\r\nCSEQ:   7 {method}\r\ni: hand-made\r\nv: SIP/2.0/UDP Elsewhere.test:5080;branch={branch};rport\r\nf: Me <sip:me@here.test>;tag=mine\r\nContent-Length: 4000\r\n\r\nshort"
    )
}

fn accepted() -> Vec<&'static str> {
    vec!["accepted 200", "ended Accepted"]
}

#[test]
fn the_bytes_go_out_unchanged_and_again_until_an_answer_comes() {
    let text = by_hand("OPTIONS", "my branch".replace(' ', "-").as_str());
    let mut call = Call::raw(Transport::Udp, &*text);
    assert_eq!(call.news(), ["created", "sent OPTIONS"]);
    call.wait(ms(1600));
    assert_eq!(call.news(), ["retransmitted OPTIONS 2", "retransmitted OPTIONS 3"]);
    assert_eq!(call.sim.sent.len(), 3);
    for (_, message) in &call.sim.sent {
        assert_eq!(&message.bytes()[..], text.as_bytes());
    }
    call.reply(200, "b");
    assert_eq!(call.news(), accepted());
}

#[test]
fn a_reliable_transport_carries_them_once() {
    let mut call = Call::raw(Transport::Tcp, by_hand("OPTIONS", "x"));
    call.wait(PATIENCE + ms(1));
    assert_eq!(call.sim.sent.len(), 1);
    assert_eq!(call.ended().unwrap().0, Cause::RequestTimeout);
    assert_eq!(call.sim.ua.contexts(), 0);
    assert_eq!(call.sim.ua.held(), Default::default());
}

#[test]
fn the_context_has_the_identities_that_were_written() {
    let call = Call::raw(Transport::Udp, by_hand("OPTIONS", "x"));
    let Fact::Created(created) = &call.sim.events[0].fact else { panic!() };
    assert_eq!(created.request_uri.as_str(), "sip:bob@demo.test");
    assert_eq!(&*created.local_identity, "Me <sip:me@here.test>;tag=mine");
    assert_eq!(&*created.remote_identity, "<sip:bob@demo.test>");
    assert_eq!(&*created.call_id, "hand-made");
}

/// RFC 3261 §17.1.3, §18.1.2: branch, sent-by and CSeq method; the host in any case.
#[test]
fn a_response_is_matched_by_branch_sent_by_and_cseq_method() {
    let good = |call: &Call| response(&call.last(), 200, "b");
    let changed = |call: &Call, from: &str, to: &str| {
        let text = String::from_utf8(good(call).to_vec()).unwrap();
        assert!(text.contains(from), "{text}");
        bytes::Bytes::from(text.replace(from, to))
    };
    for (from, to) in [
        ("branch=abc", "branch=ABC"),
        ("branch=abc", "branch=abcd"),
        ("Elsewhere.test:5080", "192.0.2.1:5060"),
        ("Elsewhere.test:5080", "Elsewhere.test"),
        ("7 OPTIONS", "7 INVITE"),
        ("7 OPTIONS", "7 CANCEL"),
    ] {
        let mut call = Call::raw(Transport::Udp, by_hand("OPTIONS", "abc")).looked();
        call.deliver(changed(&call, from, to));
        assert_eq!(call.news(), [""; 0], "{to}");
        assert_eq!(call.sim.strays.len(), 1, "{to}");
    }
    let mut call = Call::raw(Transport::Udp, by_hand("OPTIONS", "abc")).looked();
    call.deliver(changed(&call, "Elsewhere.test", "eLSEWHERE.test"));
    assert_eq!(call.news(), accepted());
}

#[test]
fn a_branch_that_looks_like_ours_is_nobody_elses() {
    let mut call =
        Call::raw(Transport::Udp, by_hand("OPTIONS", "z9hG4bK00000000deadbeef")).looked();
    call.reply(200, "b");
    assert_eq!(call.news(), accepted());
}

#[test]
fn a_cseq_that_contradicts_the_method_is_sent_and_its_answer_matched() {
    let text = by_hand("OPTIONS", "x").replace("7 OPTIONS", "7 INVITE");
    let mut call = Call::raw(Transport::Udp, text).looked();
    call.reply(400, "b");
    assert_eq!(
        call.news(),
        ["rejected 400 SIP Failure Code", "failed SIP Failure Code", "ended SIP Failure Code"]
    );
}

#[test]
fn several_vias_come_back_as_they_were_sent() {
    let below = "v: SIP/2.0/UDP below.test;branch=z9hG4bKbelow\r\nf:";
    let text = by_hand("OPTIONS", "x").replacen("f:", below, 1);
    let mut call = Call::raw(Transport::Udp, text).looked();
    let answer = String::from_utf8(response(&call.last(), 200, "b").to_vec()).unwrap();
    let fewer = answer.replace("v: SIP/2.0/UDP below.test;branch=z9hG4bKbelow\r\n", "");
    let more = answer.replacen("v: ", "Via: SIP/2.0/UDP Elsewhere.test:5080;branch=x\r\nv: ", 1);
    call.deliver(more.into());
    assert_eq!((call.news().len(), call.sim.strays.len()), (0, 1));
    call.deliver(answer.into());
    assert_eq!(call.news(), accepted());
    // One Via is never too many (§8.1.3.3).
    let mut call = Call::raw(Transport::Udp, by_hand("OPTIONS", "x")).looked();
    call.deliver(fewer.into());
    assert_eq!(call.news(), accepted());
}

#[test]
fn what_was_written_byte_for_byte_is_not_written_anew() {
    let settings = Settings { redirects: Redirects::All, ..Settings::default() };
    let mut call = Call::with(settings, Transport::Udp, simulation::invite()).looked();
    call.id = call.send_raw(by_hand("OPTIONS", "x"));
    call.look();
    call.reply(302, "b");
    assert_eq!(call.news()[0], "rejected 302 Redirected");
    call.id = call.send_raw(by_hand("OPTIONS", "y"));
    call.look();
    call.reply(401, "b");
    assert_eq!(call.ended().unwrap().0, Cause::AuthenticationError);
    assert_eq!(call.all_sent(Method::Options).len(), 2);
}

#[test]
fn s17_1_3_from_to_and_call_id_that_cannot_be_read_do_not_keep_an_answer_away() {
    for (right, wrong) in [
        ("i: hand-made\r\n", ""),
        ("f: Me <sip:me@here.test>;tag=mine", "f: <"),
        ("to: <sip:bob@demo.test>", "to: ???"),
    ] {
        for method in ["OPTIONS", "INVITE"] {
            let bytes = by_hand(method, "x");
            assert!(bytes.contains(right), "{bytes}");
            for (status, state) in [(400, State::Rejected), (200, State::Accepted)] {
                let mut call = Call::raw(Transport::Udp, bytes.replace(right, wrong));
                call.reply(status, "b");
                assert_eq!(call.state(), state, "{method} with {wrong:?}");
                if method == "INVITE" {
                    assert_eq!(call.all_sent(Method::Ack).len(), 1, "{wrong:?}");
                }
                call.sim.with(|ua, now| ua.shut_down(now));
                call.wait(PATIENCE * 3);
                assert_eq!(call.sim.ua.held(), Default::default(), "{method} with {wrong:?}");
            }
        }
    }
}

#[test]
fn s17_1_3_the_method_in_cseq_finds_the_transaction_whatever_its_number_is() {
    let bytes = by_hand("OPTIONS", "x").replace("   7 OPTIONS", " 36893488147419103232 OPTIONS");
    let mut call = Call::raw(Transport::Udp, bytes.clone());
    call.reply(400, "b");
    assert_eq!(call.state(), State::Rejected, "{bytes}");
    // The ACK of an INVITE has its number.
    let call = Call::raw(Transport::Udp, bytes.replace("OPTIONS", "INVITE"));
    assert_eq!(call.state(), State::Sent);
}

/// Though its Content-Length lies, it is known by what it says.
#[test]
fn a_raw_request_that_cannot_be_sent_fails_as_any_other() {
    let mut call = Call::raw(Transport::Udp, by_hand("OPTIONS", "x")).looked();
    let transmit = Transmit { flow: FLOW, to: None, bytes: call.last().bytes().clone() };
    call.sim.with(|ua, now| ua.transmit_failed(now, &transmit, "too large"));
    assert_eq!(call.news(), ["failed Connection Error", "ended Connection Error"]);
}

#[test]
fn raw_bytes_wait_for_their_flow() {
    let mut call = Call::options();
    let flow = sipboard::sip::FlowId(9);
    let text = by_hand("OPTIONS", "x");
    call.id = call.sim.with(|ua, now| {
        ua.flow_connecting(flow, Transport::Tcp);
        ua.send_raw(now, flow, RawMessage::new(text.clone().into()))
    });
    assert_eq!(call.state(), State::Waiting);
    call.look();
    call.sim.with(|ua, now| ua.flow_up(now, flow, "192.0.2.1:6000".parse().unwrap()));
    assert_eq!(call.news(), ["sent OPTIONS"]);
    assert_eq!(&call.last().bytes()[..], text.as_bytes());
}

/// RFC 3261 §17.2.3: to the peer it is a retransmission, which its transaction absorbs and answers
/// again; §17.1.3: the answer belongs to the transaction that has the branch.
#[test]
fn a_request_sent_again_by_hand_while_it_is_under_way_is_answered_where_it_began() {
    let mut call = Call::options();
    let bytes = call.last().bytes().clone();
    let again = call.send_raw(bytes.clone());
    assert_eq!(call.sim.story(again), ["created", "sent OPTIONS", "unmatched"]);
    let Fact::Unmatched { detail } = &call.sim.events.last().unwrap().fact else { panic!() };
    assert!(detail.contains("#1"), "{detail}");
    assert_eq!(call.last().bytes(), &bytes);
    call.look();
    call.reply(200, "b");
    assert_eq!(call.news()[..1], accepted()[..1]);
    // Its final response has come, and its transaction (Timer K) still has the branch.
    let third = call.send_raw(bytes.clone());
    call.look();
    call.reply(200, "b");
    assert_eq!(call.news(), ["absorbed 200"]);
    assert_eq!(call.sim.strays.len(), 0);
    call.wait(ms(6000));
    assert_eq!(call.sim.story(third).last().unwrap(), "ended Unmatched");
    // Timer K is over: the same bytes begin a transaction of their own.
    call.id = call.send_raw(bytes);
    call.look();
    call.reply(200, "b");
    assert_eq!(call.news(), accepted());
    call.wait(PATIENCE);
    assert_eq!(call.sim.ua.held(), Default::default());
}

#[test]
fn a_raw_request_sent_twice_is_one_transaction_and_two_contexts() {
    let mut call = Call::raw(Transport::Udp, by_hand("OPTIONS", "x"));
    let again = call.send_raw(by_hand("OPTIONS", "x"));
    call.look();
    call.reply(200, "b");
    assert_eq!(call.news()[..1], accepted()[..1]);
    assert_eq!(call.sim.story(again)[..3], ["created", "sent OPTIONS", "unmatched"]);
}

#[test]
fn one_raw_request_on_two_flows_is_two_transactions() {
    let mut call = Call::raw(Transport::Udp, by_hand("OPTIONS", "x"));
    let flow = sipboard::sip::FlowId(9);
    let other = call.sim.with(|ua, now| {
        ua.flow_connecting(flow, Transport::Tcp);
        ua.flow_up(now, flow, "192.0.2.1:6000".parse().unwrap());
        ua.send_raw(now, flow, RawMessage::new(by_hand("OPTIONS", "x").into()))
    });
    call.look();
    call.reply(200, "b");
    assert_eq!(call.news(), accepted());
    let answer = response(&call.last(), 200, "b");
    call.sim
        .with(|ua, now| ua.handle_message(now, flow, "192.0.2.2:5060".parse().unwrap(), answer));
    assert_eq!(call.sim.story(other)[2..], accepted());
}

#[test]
fn what_was_written_twice_may_come_back_twice() {
    let text = by_hand("OPTIONS", "x").replacen("f:", "t: <sip:again@demo.test>\r\nf:", 1);
    let mut call = Call::raw(Transport::Udp, text).looked();
    let answer = String::from_utf8(response(&call.last(), 200, "b").to_vec()).unwrap();
    call.deliver(answer.replacen("f:", "t: <sip:again@demo.test>\r\nf:", 1).into());
    assert_eq!(call.news(), accepted());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the bytes are and whatever answers them: they go out as they are, and what begins
    /// ends and leaves nothing.
    #[test]
    fn any_bytes_go_out_as_they_are_and_come_to_an_end(
        method in prop::sample::select(vec!["INVITE", "OPTIONS", "CANCEL", "ACK", "BYE", "SUBSCRIBE", "REFER", "PRACK", "invite"]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<Option<u8>>()), 0..4),
        statuses in prop::collection::vec(prop::sample::select(vec![100u16, 180, 183, 200, 302, 401, 486, 487, 600]), 0..6),
        cancels in any::<bool>(),
        transport in prop::sample::select(vec![Transport::Udp, Transport::Tcp, Transport::Ws]),
    ) {
        let mut bytes = by_hand(method, "x").into_bytes();
        for (place, change) in changes {
            let at = place.index(bytes.len());
            match change {
                Some(byte) => bytes[at] = byte,
                None => bytes.truncate(at.max(1)),
            }
        }
        let mut call = Call::raw(transport, bytes.clone());
        let first = call.sim.events.iter().find_map(|event| match &event.fact {
            Fact::Sent { message, .. } => Some(message.clone()),
            _ => None,
        });
        prop_assert_eq!(first.as_deref(), Some(&bytes[..]));
        let request = RawMessage::new(bytes.into());
        for (turn, status) in statuses.into_iter().enumerate() {
            if turn == 1 && cancels {
                let _ = call.cancel();
            }
            if let Ok(request) = request.matchable() {
                call.reply_to(request, status, "b");
            }
        }
        call.wait(PATIENCE * 3);
        call.sim.with(|ua, now| ua.shut_down(now));
        call.wait(PATIENCE * 3);
        prop_assert_eq!(call.sim.ua.held(), Default::default());
        let ends = call.sim.story(call.id).iter().filter(|line| line.starts_with("ended")).count();
        prop_assert_eq!(ends, 1);
    }
}

/// The ACK of a refused INVITE has its Request-URI (RFC 3261 §17.1.1.3), whatever that is.
#[test]
fn a_request_uri_that_is_no_text_is_answered_and_acked_like_any_other() {
    let mut bytes = by_hand("INVITE", "x").into_bytes();
    let uri = bytes.windows(3).position(|window| window == b"bob").unwrap();
    bytes[uri] = 0xe9;
    let line = bytes.split(|byte| *byte == b'\r').next().unwrap();
    let ack = [b"ACK", &line["INVITE".len()..]].concat();
    let mut call = Call::raw(Transport::Udp, bytes.clone());
    call.reply(400, "b");
    assert!(call.last().bytes().starts_with(&ack), "{:?}", call.last());
    let mut accepted = Call::raw(Transport::Udp, bytes);
    accepted.reply(200, "b");
    assert!(accepted.sim.story(accepted.id).contains(&"leg b Confirmed".to_owned()));
}
