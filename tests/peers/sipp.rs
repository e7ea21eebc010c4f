//! SIPp as the other side, on UDP and TCP, with the scenarios of `sipp/`.

use serde_json::json;

use crate::support::{Place, Sipp, Story};

macro_rules! on_udp_and_tcp {
    ($($test:ident)*) => {
        on_udp_and_tcp! { @ udp $($test)* }
        on_udp_and_tcp! { @ tcp $($test)* }
    };
    (@ $transport:ident $($test:ident)*) => {
        mod $transport {
            $(
                #[test]
                fn $test() {
                    super::$test(stringify!($transport));
                }
            )*
        }
    };
}

on_udp_and_tcp! {
    it_rings_and_answers_and_is_hung_up
    it_rings_until_the_cancel
    its_200_crosses_the_cancel
    it_is_busy
    its_challenge_as_a_proxy_is_answered
    its_challenge_is_answered_with_the_right_password
    each_copy_of_its_200_gets_an_ack
    two_forks_answer_and_both_are_hung_up
    its_reliable_183_gets_a_prack
    it_hangs_up
}

fn it_rings_and_answers_and_is_hung_up(transport: &str) {
    call("answer", transport, &["--hangup-after", "100ms"]).is(
        0,
        &[
            "sent INVITE",
            "progress INVITE 180",
            "accepted INVITE 200",
            "acked ACK 200",
            "sent BYE",
            "accepted BYE 200",
            "ended INVITE BYE",
        ],
    );
}

fn it_rings_until_the_cancel(transport: &str) {
    // The 487 and the 200 to the CANCEL come in any order.
    call("ring", transport, &["--cancel-after", "100ms"]).is(
        5,
        &[
            "sent INVITE",
            "progress INVITE 180",
            "cancel CANCEL",
            "cancel_sent CANCEL",
            "rejected INVITE 487 Canceled",
            "failed INVITE 487 Canceled",
            "acked ACK 487",
            "ended INVITE Canceled",
        ],
    );
}

fn its_200_crosses_the_cancel(transport: &str) {
    call("late", transport, &["--cancel-after", "100ms"]).is(
        0,
        &[
            "sent INVITE",
            "progress INVITE 180",
            "cancel_sent CANCEL",
            "accepted INVITE 200",
            "acked ACK 200",
            "sent BYE",
            "accepted BYE 200",
        ],
    );
}

fn it_is_busy(transport: &str) {
    call("busy", transport, &[]).is(
        1,
        &[
            "sent INVITE",
            "rejected INVITE 486 Busy",
            "failed INVITE 486 Busy",
            "acked ACK 486",
            "ended INVITE Busy",
        ],
    );
}

fn its_challenge_as_a_proxy_is_answered(transport: &str) {
    let known = ["--user", "alice", "--password-env", "PEER_PASSWORD"];
    call("proxy-challenge", transport, &known).is(
        0,
        &[
            "sent INVITE",
            "challenged INVITE 407",
            "acked ACK 407",
            "sent INVITE",
            "accepted INVITE 200",
            "acked ACK 200",
            "accepted BYE 200",
        ],
    );
}

fn its_challenge_is_answered_with_the_right_password(transport: &str) {
    let known = ["--user", "alice", "--password-env", "PEER_PASSWORD"];
    let accepted = ["challenged INVITE 401", "acked ACK 401", "sent INVITE", "accepted INVITE 200"];
    call("challenge", transport, &known).is(0, &accepted);
    // That SIPp looks is seen from one who has another name.
    let unknown = ["--user", "mallory", "--password-env", "PEER_PASSWORD"];
    call("challenge", transport, &unknown).is(1, &["challenged INVITE 401", "rejected INVITE 403"]);
}

fn each_copy_of_its_200_gets_an_ack(transport: &str) {
    let copy = ["accepted INVITE 200", "acked ACK 200"];
    let story = call("repeated", transport, &["--hangup-after", "1s", "--t1-ms", "4000"]);
    story.is(0, &[&copy[..], &copy, &copy, &["accepted BYE 200"]].concat());
    let first = story.events("accepted").filter(|line| line["method"] == "INVITE");
    assert_eq!(first.filter(|line| line["again"] != true).count(), 1, "{}", story.text());
}

fn two_forks_answer_and_both_are_hung_up(transport: &str) {
    let story = call("fork", transport, &["--hangup-after", "500ms"]);
    story.is(0, &["progress INVITE 180", "progress INVITE 180", "accepted", "acked", "acked"]);
    for leg in ["one-1", "two-1"] {
        let states = story.events("leg").filter(|line| line["leg"] == leg);
        let states: Vec<_> = states.map(|line| line["state"].clone()).collect();
        assert_eq!(
            states,
            ["early", "confirmed", "hanging_up", "terminated"].map(|state| json!(state))
        );
    }
    assert_eq!(story.count("accepted BYE 200"), 2, "{}", story.text());
}

fn its_reliable_183_gets_a_prack(transport: &str) {
    // SIPp refuses a PRACK whose RAck is another, and answers once it has come.
    call("prack", transport, &["--hangup-after", "100ms"]).is(
        0,
        &["progress INVITE 183", "accepted INVITE 200", "acked ACK 200", "accepted BYE 200"],
    );
}

fn it_hangs_up(transport: &str) {
    let story = call("hang-up", transport, &["--hangup-after", "20s"]);
    story.is(0, &["accepted INVITE 200", "acked ACK 200", "received BYE", "ended INVITE"]);
    assert_eq!(story.count("sent BYE"), 0, "{}", story.text());
}

/// Loses 5 % of what comes and of what goes. With the seven copies of an OPTIONS that there is
/// time for, that fails one of ten millions.
const LOSSY: [&str; 2] = ["-lost", "5"];

#[test]
fn requests_and_responses_that_are_lost_come_again() {
    let place = Place::new();
    let sipp = Sipp::busy(&place, "options", &LOSSY);
    let server = sipp.server(&place, "udp");
    let many = ["--count", "300", "--concurrency", "20", "--t1-ms", "100", "--events"];
    let story =
        Story::of(&[&["OPTIONS", "sip:sipp@lab.test", "--server", &server], &many[..]].concat());
    story.is(0, &["retransmitted OPTIONS", "summary"]);
    let summary = story.events("summary").next().unwrap();
    assert_eq!((&summary["sent"], &summary["accepted"]), (&json!(300), &json!(300)));
}

#[test]
fn a_call_whose_messages_are_lost_is_answered_and_hung_up() {
    let story = call("lossy", "udp", &["--hangup-after", "500ms"]);
    let (invite, bye) = ("retransmitted INVITE", "retransmitted BYE");
    story.is(
        0,
        &[
            "sent INVITE",
            invite,
            invite,
            "progress INVITE 180",
            "accepted INVITE 200",
            "acked ACK 200",
            "accepted INVITE 200",
            "acked ACK 200",
            "sent BYE",
            bye,
            "accepted BYE 200",
        ],
    );
    assert_eq!((story.count(invite), story.count(bye)), (2, 1), "{}", story.text());
}

/// Calls a SIPp with that scenario; it must go as written.
#[track_caller]
fn call(scenario: &str, transport: &str, args: &[&str]) -> Story {
    let place = Place::new();
    let sipp = Sipp::callee(&place, scenario, transport);
    let server = sipp.server(&place, transport);
    let to = ["INVITE", "sip:sipp@lab.test", "--from", "sip:alice@lab.test", "--server", &server];
    let story = Story::of(&[&to, args].concat());
    sipp.succeeded(&place, &story);
    story
}
