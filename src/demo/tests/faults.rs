//! The users that misbehave, bad input, and bounds.

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::bench::{Bench, OFFER, Spec, log};
use crate::{
    demo::{Limits, Settings, garble},
    sip::{HeaderName, Message, Transport},
};

#[test]
fn each_user_refuses_in_its_own_way_whatever_the_method() {
    for (user, status) in
        [("busy", 486), ("notfound", 404), ("decline", 603), ("redirect", 302), ("auth", 407)]
    {
        for method in ["INVITE", "MESSAGE", "OPTIONS", "SUBSCRIBE", "REGISTER", "X-ANY"] {
            let mut bench = Bench::new(Transport::Udp);
            let sent = bench.send(&Spec { user, ..Spec::new(method, "1") });
            assert_eq!(log(&sent), [format!("0 {status} {method}")], "{user}");
            assert!(!sent[0].tag().is_empty());
            if user == "redirect" {
                assert_eq!(sent[0].header(HeaderName::Contact), "<sip:answer@demo.test>");
            }
            if method == "INVITE" {
                bench.ack(user, "1", &sent[0].tag());
            }
            assert!(bench.pass(Duration::from_secs(40)).is_empty());
            assert!(bench.core.is_empty());
        }
    }
}

#[test]
fn silent_says_nothing_and_remembers_nothing() {
    for method in ["INVITE", "CANCEL", "OPTIONS", "MESSAGE", "ACK", "BYE"] {
        let mut bench = Bench::new(Transport::Udp);
        for to_tag in ["", "", "x"] {
            let request = Spec { user: "silent", to_tag, ..Spec::new(method, "1") };
            assert!(bench.send(&request).is_empty());
        }
        assert!(bench.core.is_empty());
    }
}

#[test]
fn lossy_ignores_the_first_two_copies_of_each_request() {
    let mut bench = Bench::new(Transport::Udp);
    let user = "lossy";
    let mut third = |spec: &Spec<'_>| {
        assert!(bench.send(spec).is_empty());
        assert!(bench.send(spec).is_empty());
        bench.send(spec)
    };
    let invite = Spec { user, body: OFFER, ..Spec::new("INVITE", "1") };
    let ringing = third(&invite);
    assert_eq!(log(&ringing), ["0 180 INVITE"]);
    let tag = ringing[0].tag();
    assert_eq!(third(&Spec { user, ..Spec::new("MESSAGE", "2") })[0].short(), "200 MESSAGE");
    assert_eq!(bench.pass_ms(200)[0].short(), "200 INVITE");
    for (copy, sent) in [(1, 1), (2, 1), (3, 0)] {
        bench.ack(user, "3", &tag);
        let repeats = bench.pass_ms(1000).len();
        assert_eq!(repeats, sent, "after copy {copy} of the ACK");
    }
    let bye = Spec { user, to_tag: &tag, cseq: 2, ..Spec::new("BYE", "4") };
    assert!(bench.send(&bye).is_empty() && bench.send(&bye).is_empty());
    assert_eq!(bench.send(&bye)[0].short(), "200 BYE");

    let mut reliable = Bench::new(Transport::Ws);
    assert_eq!(log(&reliable.invite(user)), ["0 180 INVITE"], "nothing is lost on a stream");
}

#[test]
fn lossy_loses_a_cancel_and_the_ack_of_a_rejection_too() {
    let mut bench = Bench::new(Transport::Udp);
    let user = "lossy";
    (0..3).for_each(|_| drop(bench.invite(user)));
    let cancel = Spec { user, ..Spec::new("CANCEL", "1") };
    assert!(bench.send(&cancel).is_empty() && bench.send(&cancel).is_empty());
    let ended = bench.send(&cancel);
    assert_eq!(log(&ended), ["0 200 CANCEL", "0 487 INVITE"]);
    (0..2).for_each(|_| drop(bench.ack(user, "1", &ended[1].tag())));
    assert_eq!(log(&bench.pass_ms(500)), ["500 487 INVITE"]);
    bench.ack(user, "1", &ended[1].tag());
    assert!(bench.pass_ms(10_000).is_empty());
}

#[test]
fn slow_answers_after_eight_seconds() {
    for (transport, method, expected) in [
        (Transport::Udp, "INVITE", ["0 100 INVITE", "8000 200 INVITE"]),
        // RFC 4320 §4.1: over UDP a 100 to another request waits until Timer E is at T2.
        (Transport::Udp, "MESSAGE", ["7550 100 MESSAGE", "8000 200 MESSAGE"]),
        (Transport::Ws, "MESSAGE", ["0 100 MESSAGE", "8000 200 MESSAGE"]),
    ] {
        let mut bench = Bench::new(transport);
        let mut sent = bench.send(&Spec { user: "slow", ..Spec::new(method, "1") });
        sent.extend(bench.pass_ms(8000));
        assert_eq!(log(&sent), expected);
        assert_eq!(sent[0].tag(), "", "a 100 has no tag of ours");
    }
    // A peer that sends it again as RFC 3261 §17.1.2.2 says.
    let mut bench = Bench::new(Transport::Udp);
    let message = Spec { user: "slow", ..Spec::new("MESSAGE", "1") };
    let mut sent = bench.send(&message);
    for wait in [500, 1_000, 2_000, 4_001] {
        sent.extend(bench.pass_ms(wait));
        sent.extend(bench.send(&message));
    }
    sent.extend(bench.pass_ms(499));
    assert_eq!(log(&sent), ["7550 100 MESSAGE", "8000 200 MESSAGE"]);
    let mut bench = Bench::new(Transport::Udp);
    bench.invite("slow");
    bench.pass_ms(3000);
    let cancelled = bench.send(&Spec { user: "slow", ..Spec::new("CANCEL", "1") });
    assert_eq!(log(&cancelled), ["3000 200 CANCEL", "3000 487 INVITE"]);
}

#[test]
fn garbled_answers_each_copy_with_the_next_kind_of_nonsense() {
    let mut bench = Bench::new(Transport::Udp);
    let request = bench.request(&Spec { user: "garbled", ..Spec::new("INVITE", "1") });
    let message = Message::read(Bytes::from(request.clone())).unwrap();
    for kind in 0..garble::KINDS + 1 {
        let sent = bench.receive(request.clone());
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0].bytes, garble::garbled(&message, kind));
    }
    assert!(bench.core.is_empty());
}

#[test]
fn what_cannot_be_obeyed_is_refused_and_an_ack_never_is() {
    for (from, to, expected) in [
        ("Max-Forwards: 70", "Max-Forwards: 0", Some("200 OPTIONS")),
        ("SIP/2.0\r\nVia", "SIP/3.0\r\nVia", Some("505 OPTIONS")),
        ("Content-Length: 0", "Content-Length: 9", Some("400 OPTIONS")),
        ("sip:answer@demo.test SIP", "urn:x SIP", Some("416 OPTIONS")),
        ("CSeq: 1 OPTIONS", "CSeq: 1 INVITE", Some("400 INVITE")),
        // RFC 4475 §3.3.1: also where nothing but the branch, or not even that, finds a transaction.
        ("CSeq: 1 OPTIONS\r\n", "", Some("400")),
        ("Call-ID: call\r\n", "", Some("400")),
        (";branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom:", "\r\nX-From:", Some("400")),
        ("Via: SIP", "Vai: SIP", None),
        ("OPTIONS sip", "ACK sip", None),
    ] {
        let mut bench = Bench::new(Transport::Udp);
        let text = bench.request(&Spec::new("OPTIONS", "1"));
        assert!(text.contains(from));
        let sent = bench.receive(text.replacen(from, to, 1));
        let first = sent.first().map(|sent| sent.short());
        assert_eq!(first.as_deref(), expected, "{from} for {to}");
    }
}

#[test]
fn a_message_that_is_too_large_is_refused() {
    let mut bench = Bench::new(Transport::Ws);
    let body = "x".repeat(66_000);
    assert_eq!(
        bench.send(&Spec { body: &body, ..Spec::new("MESSAGE", "1") })[0].short(),
        "513 MESSAGE"
    );
    // Whatever else is wrong with it.
    let mut bench = Bench::new(Transport::Ws);
    let text = bench.request(&Spec { body: &body, ..Spec::new("MESSAGE", "1") });
    let long = format!("MESSAGE sip:{}@demo.test", "a".repeat(60_000));
    for (from, to) in
        [("Max-Forwards: 70", "Max-Forwards: x"), ("MESSAGE sip:answer@demo.test", &*long)]
    {
        assert!(text.contains(from), "{text}");
        let sent = bench.receive(text.replacen(from, to, 1).replacen("bK", "bK2", 1));
        assert_eq!(sent[0].short(), "513 MESSAGE", "{from}");
    }
}

#[test]
fn there_are_bounds() {
    let limits = Limits { transactions: 3, ..Limits::default() };
    let settings = Settings { limits, ..Settings::default() };
    let mut bench = Bench::with(Transport::Udp, settings);
    let ring = |branch| Spec { user: "ring", ..Spec::new("INVITE", branch) };
    for branch in ["1", "2", "3"] {
        assert_eq!(bench.send(&ring(branch))[0].short(), "180 INVITE");
    }
    let full = bench.send(&Spec::new("OPTIONS", "4"));
    assert_eq!(full[0].short(), "503 OPTIONS");
    assert_eq!(full[0].header(HeaderName::RetryAfter), "5");
    assert!(bench.ack("answer", "5", "x").is_empty());
}

#[test]
fn the_oldest_answered_request_makes_room() {
    let limits = Limits { transactions: 2, ..Limits::default() };
    let mut bench = Bench::with(Transport::Udp, Settings { limits, ..Settings::default() });
    let answers = ["1", "2", "3"].map(|branch| {
        let answer = &bench.send(&Spec::new("OPTIONS", branch))[0];
        assert_eq!(answer.short(), "200 OPTIONS");
        answer.tag()
    });
    // What is kept answers a copy with its own tag; what made room is answered anew.
    assert_eq!(bench.send(&Spec::new("OPTIONS", "3"))[0].tag(), answers[2]);
    assert_ne!(bench.send(&Spec::new("OPTIONS", "1"))[0].tag(), answers[0]);
    bench.pass(Duration::from_secs(40));
    assert!(bench.core.is_empty());
}

#[test]
fn where_there_are_too_many_dialogs_the_oldest_goes() {
    let limits = Limits { dialogs: 2, ..Limits::default() };
    let mut bench = Bench::with(Transport::Udp, Settings { limits, ..Settings::default() });
    let tags = ["1", "2", "3"]
        .map(|branch| bench.send(&Spec { user: "ring", ..Spec::new("INVITE", branch) })[0].tag());
    for (branch, to_tag, status) in
        [("4", &tags[0], 481), ("5", &tags[1], 200), ("6", &tags[2], 200)]
    {
        let info = Spec { to_tag, cseq: 2, ..Spec::new("INFO", branch) };
        assert_eq!(bench.send(&info)[0].short(), format!("{status} INFO"));
    }
    let cancelled = bench.send(&Spec { user: "ring", ..Spec::new("CANCEL", "1") });
    assert_eq!(log(&cancelled), ["0 200 CANCEL", "0 487 INVITE"], "its INVITE is still known");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut bench = Bench::new(Transport::Udp);
        bench.core.handle_message(std::time::Instant::now(), super::bench::FLOW, None, Bench::source(), bytes.into());
    }

    #[test]
    fn no_damaged_request_makes_it_panic(
        method in prop::sample::select(vec![
            "INVITE", "ACK", "CANCEL", "BYE", "PRACK", "UPDATE", "SUBSCRIBE", "REFER", "REGISTER",
            "PUBLISH", "MESSAGE", "NOTIFY",
        ]),
        user in prop::sample::select(vec!["answer", "early", "auth", "lossy", "garbled", "fork"]),
        tagged in any::<bool>(),
        at in 0_usize..600,
        cut in 0_usize..40,
        junk in "\\PC{0,8}",
    ) {
        let mut bench = Bench::new(Transport::Ws);
        let tag = bench.establish("answer");
        let to_tag = if tagged { &*tag } else { "" };
        let more = "Event: presence\r\nRefer-To: <sip:b@b>\r\nRAck: 1 1 INVITE\r\nExpires: 5\r\n\
                    Proxy-Authorization: Digest realm=\"sipboard demo\", nonce=\"0\"\r\n";
        let spec = Spec { user, to_tag, more, body: OFFER, cseq: 2, ..Spec::new(method, "9") };
        let mut text = bench.request(&spec).into_bytes();
        let at = at.min(text.len());
        let end = (at + cut).min(text.len());
        text.splice(at..end, junk.into_bytes());
        bench.core.handle_message(std::time::Instant::now(), super::bench::FLOW, None, Bench::source(), text.into());
        while bench.core.poll_transmit().is_some() {}
        for _ in 0..50 {
            let Some(at) = bench.core.next_timeout() else { break };
            bench.core.handle_timeout(at);
        }
    }
}
