//! SIP.js and JsSIP as callees behind Kamailio's WebSocket.

use crate::support::{Lab, Node, SDP, Way};

macro_rules! with_each_library {
    ($($test:ident)*) => {
        with_each_library! { @ sipjs $($test)* }
        with_each_library! { @ jssip $($test)* }
    };
    (@ $library:ident $($test:ident)*) => {
        mod $library {
            $(
                #[test]
                fn $test() {
                    super::$test(stringify!($library));
                }
            )*
        }
    };
}

with_each_library! {
    it_answers_and_is_hung_up
    it_is_called_over_tls_on_both_sides
    it_rings_until_the_cancel
    it_rejects
    it_gets_a_message
}

const BOB: &str = "sip:bob@lab.test";

fn it_answers_and_is_hung_up(library: &str) {
    for way in [Way::Udp, Way::Ws] {
        answered(Lab::new(way), library, Way::Ws);
    }
}

fn it_is_called_over_tls_on_both_sides(library: &str) {
    answered(Lab::new(Way::Wss), library, Way::Wss);
}

fn answered(mut lab: Lab, library: &str, callee: Way) {
    let mut callee = Node::callee(&mut lab.kamailio, library, callee, "answer");
    lab.send(&["INVITE", BOB, "--body", SDP, "--hangup-after", "200ms"]).is(
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
    for line in ["invite", "confirmed", "bye"] {
        callee.says(line);
    }
}

fn it_rings_until_the_cancel(library: &str) {
    let mut lab = Lab::new(Way::Ws);
    let mut callee = Node::callee(&mut lab.kamailio, library, Way::Ws, "ring");
    let cancel = ["--cancel-after", "1s", "--cancel-status", "480", "--cancel-reason", "Gone"];
    lab.send(&[&["INVITE", BOB, "--body", SDP][..], &cancel].concat()).is(
        5,
        &[
            "sent INVITE",
            "progress INVITE 180",
            "cancel CANCEL 480",
            "cancel_sent CANCEL",
            "rejected INVITE 487 Canceled",
            "failed INVITE 487 Canceled",
            "acked ACK 487",
            "ended INVITE Canceled",
        ],
    );
    callee.says("cancelled SIP;cause=480;text=\"Gone\"");
    assert!(!callee.has_said("confirmed"));
}

fn it_rejects(library: &str) {
    let mut lab = Lab::new(Way::Ws);
    let mut callee = Node::callee(&mut lab.kamailio, library, Way::Ws, "reject");
    lab.send(&["INVITE", BOB, "--body", SDP]).is(
        1,
        &[
            "sent INVITE",
            "rejected INVITE 486 Busy",
            "failed INVITE 486 Busy",
            "acked ACK 486",
            "ended INVITE Busy",
        ],
    );
    callee.says("invite");
}

fn it_gets_a_message(library: &str) {
    let mut lab = Lab::new(Way::Ws);
    let mut callee = Node::callee(&mut lab.kamailio, library, Way::Ws, "answer");
    let message = ["MESSAGE", BOB, "--body", "hello, \u{221e}"];
    lab.send(&message).is(0, &["sent MESSAGE", "accepted MESSAGE 200"]);
    callee.says("message hello, \u{221e}");
}
