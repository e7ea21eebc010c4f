//! INVITEs and what follows in their dialogs.

use std::time::Duration;

use super::bench::{Bench, OFFER, Sent, Spec, log};
use crate::sip::{HeaderName, Transport};

const LONG: Duration = Duration::from_secs(120);

#[test]
fn answer_rings_then_answers_and_repeats_the_200_until_the_ack() {
    let mut bench = Bench::new(Transport::Udp);
    let ringing = bench.invite("answer");
    assert_eq!(log(&ringing), ["0 180 INVITE"]);
    assert_eq!(ringing[0].to, Some(Bench::source()), "rport");
    let answered = bench.pass_ms(1000);
    assert_eq!(log(&answered), ["200 200 INVITE", "700 200 INVITE"]);
    assert_eq!(answered[0].bytes, answered[1].bytes);
    let ok = &answered[0];
    assert_eq!(ok.tag(), ringing[0].tag());
    assert_eq!(ok.header(HeaderName::Contact), "<sip:answer@127.0.0.1:5060>");
    assert_eq!(ok.header(HeaderName::ContentType), "application/sdp");
    assert!(ok.body().contains("m=audio 40000 RTP/AVP 0\r\n"));
    assert!(ok.header(HeaderName::Allow).contains("PRACK"));

    assert!(bench.ack("answer", "2", "another").is_empty());
    assert_eq!(bench.pass_ms(800).len(), 1, "an ACK with another tag changes nothing");
    assert!(bench.ack("answer", "2", &ok.tag()).is_empty());
    assert!(bench.pass_ms(20_000).is_empty());

    let tag = ok.tag();
    let bye = Spec { to_tag: &tag, cseq: 2, ..Spec::new("BYE", "3") };
    assert_eq!(log(&bench.send(&bye)), ["21800 200 BYE"]);
    assert_eq!(log(&bench.send(&bye)), ["21800 200 BYE"], "a copy gets the same answer");
    let again = Spec { branch: "4", cseq: 3, ..bye };
    assert_eq!(log(&bench.send(&again)), ["21800 481 BYE"], "the dialog is over");
    bench.pass(LONG);
    assert!(bench.core.is_empty());
}

#[test]
fn a_200_that_is_never_acknowledged_ends_in_a_bye() {
    for transport in [Transport::Udp, Transport::Ws] {
        let mut bench = Bench::new(transport);
        bench.invite("answer");
        let sent = bench.pass_ms(32_200);
        let times: Vec<u128> =
            sent.iter().filter(|sent| sent.short() == "200 INVITE").map(|sent| sent.at).collect();
        // From the 200 at 0.2 s on: doubled from T1 up to T2, on every transport.
        assert_eq!(times, [200, 700, 1700, 3700, 7700, 11700, 15700, 19700, 23700, 27700, 31700]);
        let bye = sent.last().unwrap();
        assert_eq!((bye.at, bye.short()), (32_200, "BYE".into()));
        assert!(bye.message().request_uri().unwrap().starts_with("sip:al@"));
        let repeats = bench.pass_ms(2000);
        let expected: &[&str] =
            if transport == Transport::Udp { &["32700 BYE", "33700 BYE"] } else { &[] };
        assert_eq!(log(&repeats), expected);
        assert!(bench.answer(bye, "200 OK").is_empty());
        assert!(bench.pass(LONG).is_empty());
        assert!(bench.core.is_empty());
    }
}

#[test]
fn ring_rings_until_the_cancel_and_then_terminates() {
    let mut bench = Bench::new(Transport::Udp);
    let ringing = bench.invite("ring");
    assert_eq!(log(&bench.pass_ms(130_000)), ["60000 180 INVITE", "120000 180 INVITE"]);
    let cancel = Spec { user: "ring", ..Spec::new("CANCEL", "1") };
    let ended = bench.send(&cancel);
    assert_eq!(log(&ended), ["130000 200 CANCEL", "130000 487 INVITE"]);
    assert!(ended.iter().all(|sent| sent.tag() == ringing[0].tag()), "one tag for all");
    assert_eq!(log(&bench.pass_ms(1000)), ["130500 487 INVITE"]);
    assert_eq!(log(&bench.send(&cancel)), ["131000 200 CANCEL"], "a copy of the CANCEL");
    bench.ack("ring", "1", &ended[1].tag());
    assert!(bench.pass(LONG).is_empty());
    assert!(bench.core.is_empty());
}

#[test]
fn a_cancel_that_matches_nothing_is_481_and_one_that_comes_late_changes_nothing() {
    let mut bench = Bench::new(Transport::Udp);
    assert_eq!(log(&bench.send(&Spec::new("CANCEL", "9"))), ["0 481 CANCEL"]);
    bench.establish("answer");
    assert_eq!(log(&bench.send(&Spec::new("CANCEL", "1"))), ["200 200 CANCEL"]);
    let dialogs = bench.pass_ms(1000);
    assert!(dialogs.is_empty());
}

#[test]
fn late_answers_the_invite_before_the_cancel() {
    let mut bench = Bench::new(Transport::Ws);
    bench.invite("late");
    bench.pass_ms(1000);
    let crossed = bench.send(&Spec { user: "late", ..Spec::new("CANCEL", "1") });
    assert_eq!(log(&crossed), ["1000 200 INVITE", "1000 200 CANCEL"]);
    assert!(crossed[0].body().starts_with("v=0"));
    bench.ack("late", "2", &crossed[0].tag());
    let tag = crossed[0].tag();
    let bye = Spec { user: "late", to_tag: &tag, cseq: 2, ..Spec::new("BYE", "3") };
    assert_eq!(log(&bench.send(&bye)), ["1000 200 BYE"]);
    bench.pass(LONG);
    assert!(bench.core.is_empty());
}

#[test]
fn fork_has_two_legs_and_each_wants_its_own_ack() {
    let mut bench = Bench::new(Transport::Udp);
    let ringing = bench.invite("fork");
    assert_eq!(log(&ringing), ["0 180 INVITE", "0 180 INVITE"]);
    let tags: Vec<String> = ringing.iter().map(Sent::tag).collect();
    assert_ne!(tags[0], tags[1]);
    let answered = bench.pass_ms(450);
    assert_eq!(log(&answered), ["200 200 INVITE", "400 200 INVITE"]);
    assert_eq!(answered.iter().map(Sent::tag).collect::<Vec<_>>(), tags);
    bench.ack("fork", "2", &tags[0]);
    let repeats = bench.pass_ms(1000);
    assert_eq!(repeats.iter().map(Sent::tag).collect::<Vec<_>>(), [&*tags[1]]);
    bench.ack("fork", "3", &tags[1]);
    assert!(bench.pass_ms(10_000).is_empty());
    for (branch, to_tag) in [("4", &tags[0]), ("5", &tags[1])] {
        let bye = Spec { user: "fork", to_tag, cseq: 2, ..Spec::new("BYE", branch) };
        assert_eq!(bench.send(&bye)[0].short(), "200 BYE");
    }
    bench.pass(LONG);
    assert!(bench.core.is_empty());
}

#[test]
fn early_sends_a_reliable_183_and_waits_for_its_prack() {
    let mut bench = Bench::new(Transport::Udp);
    let supported = Spec {
        user: "early",
        more: "Supported: timer, 100rel\r\n",
        body: OFFER,
        ..Spec::new("INVITE", "1")
    };
    let early = bench.send(&supported);
    assert_eq!(log(&early), ["0 183 INVITE"]);
    assert_eq!(early[0].header(HeaderName::Require), "100rel");
    assert!(early[0].body().contains("m=audio 40000"));
    let rseq = early[0].header(HeaderName::RSeq);
    // RFC 3262 §3: the interval doubles, and the 200 waits for the PRACK.
    assert_eq!(
        log(&bench.pass_ms(8000)),
        ["500 183 INVITE", "1500 183 INVITE", "3500 183 INVITE", "7500 183 INVITE"]
    );
    let tag = early[0].tag();
    let prack = Spec { user: "early", to_tag: &tag, ..Spec::new("PRACK", "2") };
    let wrong = format!("RAck: {rseq} 7 INVITE\r\n");
    let refused = bench.send(&Spec { more: &wrong, cseq: 2, ..prack });
    assert_eq!(log(&refused), ["8000 481 PRACK"]);
    let right = format!("RAck: {rseq} 1 INVITE\r\n");
    let answered = bench.send(&Spec { more: &right, cseq: 3, branch: "3", ..prack });
    assert_eq!(log(&answered), ["8000 200 PRACK", "8000 200 INVITE"]);
    assert_eq!(answered[1].body(), "", "the answer went in the 183");
    bench.ack("early", "4", &tag);
    assert!(bench.pass_ms(1000).is_empty());
}

#[test]
fn early_without_100rel_sends_the_same_answer_twice() {
    let mut bench = Bench::new(Transport::Ws);
    let early = bench.invite("early");
    assert_eq!(log(&early), ["0 183 INVITE"]);
    assert_eq!(early[0].header(HeaderName::RSeq), "");
    let answered = bench.pass_ms(200);
    assert_eq!(answered[0].body(), early[0].body());
}

#[test]
fn a_reliable_provisional_that_is_never_acknowledged_ends_the_call() {
    let mut bench = Bench::new(Transport::Udp);
    // Whoever requires 100rel gets it from every user.
    let invite = Spec { more: "Require: 100rel\r\n", ..Spec::new("INVITE", "1") };
    assert_eq!(bench.send(&invite)[0].header(HeaderName::Require), "100rel");
    let sent = bench.pass_ms(32_000);
    let last = sent.last().unwrap();
    assert_eq!((last.at, last.short()), (32_000, "504 INVITE".into()));
    bench.ack("answer", "1", &last.tag());
    bench.pass(LONG);
    assert!(bench.core.is_empty());
}

#[test]
fn hangup_sends_a_bye_three_seconds_after_the_ack() {
    let mut bench = Bench::new(Transport::Udp);
    let record = "Record-Route: <sip:127.0.0.1:7000;lr>, <sip:p2.test;lr>\r\n";
    bench.send(&Spec { user: "hangup", more: record, ..Spec::new("INVITE", "1") });
    let ok = bench.pass_ms(10_000).into_iter().next().unwrap();
    assert!(ok.body().contains("m=audio"), "an INVITE without an offer gets one");
    assert_eq!(ok.header(HeaderName::RecordRoute), "<sip:127.0.0.1:7000;lr>, <sip:p2.test;lr>");
    bench.ack("hangup", "2", &ok.tag());
    assert!(bench.pass_ms(2999).is_empty());
    let bye = bench.pass_ms(1);
    assert_eq!(log(&bye), ["13000 BYE"]);
    let bye = &bye[0];
    assert_eq!(bye.to, Some("127.0.0.1:7000".parse().unwrap()), "the first route");
    assert_eq!(bye.header(HeaderName::Route), "<sip:127.0.0.1:7000;lr>, <sip:p2.test;lr>");
    assert_eq!(bye.message().request_uri(), Some("sip:al@127.0.0.1:40001"));
    assert_eq!(bye.header(HeaderName::To), "<sip:al@demo.test>;tag=me");
    assert_eq!(bye.message().from().unwrap().tag(), Some(&*ok.tag()));
    assert_eq!(log(&bench.pass_ms(1500)), ["13500 BYE", "14500 BYE"]);
    bench.answer(bye, "200 OK");
    assert!(bench.pass(LONG).is_empty());
    assert!(bench.core.is_empty());
}

#[test]
fn requests_in_the_dialog_are_answered_properly() {
    let mut bench = Bench::new(Transport::Udp);
    let tag = bench.establish("answer");
    let hold = OFFER.to_owned() + "a=sendonly\r\n";
    let spec = |method, branch, cseq| Spec { to_tag: &tag, cseq, ..Spec::new(method, branch) };
    let reinvite = bench.send(&Spec { body: &hold, ..spec("INVITE", "i2", 2) });
    assert_eq!(log(&reinvite), ["200 200 INVITE"]);
    assert!(reinvite[0].body().contains("a=recvonly") && reinvite[0].body().contains(" 2 IN IP4"));
    assert_eq!(reinvite[0].tag(), tag);
    assert_eq!(bench.send(&spec("INVITE", "i3", 3))[0].short(), "491 INVITE", "no ACK yet");
    bench.ack("answer", "i3", &tag);
    bench.pass_ms(600);
    bench.send(&Spec { cseq: 2, ..spec("ACK", "a2", 2) });
    assert!(bench.pass_ms(5000).is_empty());
    for (method, branch, cseq, expected) in [
        ("INFO", "b1", 4, "200 INFO"),
        ("OPTIONS", "b2", 5, "200 OPTIONS"),
        ("MESSAGE", "b3", 6, "200 MESSAGE"),
        ("NOTIFY", "b4", 7, "200 NOTIFY"),
        ("X-OTHER", "b5", 8, "405 X-OTHER"),
        ("INFO", "b6", 8, "500 INFO"),
        ("INFO", "b7", 3, "500 INFO"),
        ("PRACK", "b8", 9, "481 PRACK"),
    ] {
        assert_eq!(bench.send(&spec(method, branch, cseq))[0].short(), expected, "{branch}");
    }
    let update = bench.send(&Spec { body: OFFER, ..spec("UPDATE", "u1", 10) });
    assert_eq!(update[0].short(), "200 UPDATE");
    assert!(update[0].body().contains("m=audio"));
    assert!(update[0].header(HeaderName::Contact).contains("answer@"));
    for method in ["INVITE", "INFO", "UPDATE", "BYE", "PRACK", "SUBSCRIBE"] {
        let unknown = Spec { to_tag: "nobody", ..Spec::new(method, method) };
        assert_eq!(bench.send(&unknown)[0].short(), format!("481 {method}"));
    }
}

#[test]
fn a_bye_ends_an_early_dialog_too() {
    let mut bench = Bench::new(Transport::Ws);
    let tag = bench.invite("ring")[0].tag();
    let bye = Spec { user: "ring", to_tag: &tag, cseq: 2, ..Spec::new("BYE", "2") };
    assert_eq!(log(&bench.send(&bye)), ["0 200 BYE", "0 487 INVITE"]);
    bench.ack("ring", "1", &tag);
    bench.pass(LONG);
    assert!(bench.core.is_empty());
}

#[test]
fn an_invite_ends_with_its_expires() {
    let mut bench = Bench::new(Transport::Udp);
    let invite = Spec { user: "ring", more: "Expires: 10\r\n", ..Spec::new("INVITE", "1") };
    bench.send(&invite);
    assert_eq!(log(&bench.pass_ms(10_000)), ["10000 487 INVITE"]);
}

#[test]
fn offers_that_cannot_be_answered_are_refused() {
    for (more, body, expected) in [
        ("", "v=0\r\nm=video 5006 RTP/AVP 31\r\n", "488 INVITE"),
        ("", "x=0\r\n", "400 INVITE"),
        ("Content-Encoding: gzip\r\n", OFFER, "415 INVITE"),
        ("Require: nothing\r\n", OFFER, "420 INVITE"),
    ] {
        let mut bench = Bench::new(Transport::Udp);
        let invite = Spec { more, body, ..Spec::new("INVITE", "1") };
        assert_eq!(log(&bench.send(&invite)), [format!("0 {expected}")]);
    }
}

#[test]
fn stopping_refuses_what_rings_and_hangs_up_what_is_up() {
    let mut bench = Bench::new(Transport::Udp);
    bench.establish("answer");
    let ring = Spec { user: "ring", body: OFFER, ..Spec::new("INVITE", "r1") };
    bench.send(&ring);
    let sent = bench.shut_down();
    let mut short: Vec<String> = sent.iter().map(Sent::short).collect();
    short.sort();
    assert_eq!(short, ["503 INVITE", "BYE"]);
    assert!(!bench.core.is_idle());
    let bye = sent.iter().find(|sent| sent.short() == "BYE").unwrap();
    bench.answer(bye, "200 OK");
    assert!(bench.core.is_idle());
}

#[test]
fn a_connection_takes_its_calls_and_dialogs_with_it() {
    let mut bench = Bench::new(Transport::Ws);
    bench.establish("answer");
    bench.send(&Spec { user: "ring", ..Spec::new("INVITE", "r1") });
    bench.core.flow_down(super::bench::FLOW);
    assert!(bench.pass(LONG).is_empty());
    assert!(bench.core.is_empty());
}
