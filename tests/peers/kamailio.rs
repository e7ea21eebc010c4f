//! Kamailio as registrar and proxy, on each of the five transports.

use sipboard::sip::RegistrationState;

use crate::support::{Kamailio, Lab, Registered, SDP, Sipp, Way};

/// One test for each of the transports.
macro_rules! on_each_transport {
    ($($test:ident)*) => {
        on_each_transport! { @ udp Udp $($test)* }
        on_each_transport! { @ tcp Tcp $($test)* }
        on_each_transport! { @ tls Tls $($test)* }
        on_each_transport! { @ ws Ws $($test)* }
        on_each_transport! { @ wss Wss $($test)* }
    };
    (@ $module:ident $way:ident $($test:ident)*) => {
        mod $module {
            use super::*;

            $(
                #[test]
                fn $test() {
                    super::$test(Lab::new(Way::$way));
                }
            )*
        }
    };
}

on_each_transport! {
    a_registration_by_hand_is_challenged_refreshed_and_taken_back
    an_account_is_kept_registered_reached_and_unregistered_at_the_end
    options_and_a_message_are_accepted
    a_challenge_is_answered
    an_invite_is_rejected_as_the_callee_says
    a_ringing_invite_is_cancelled
    an_invite_is_answered_through_the_proxy_and_hung_up
}

fn a_registration_by_hand_is_challenged_refreshed_and_taken_back(mut lab: Lab) {
    let register = ["REGISTER", "sip:lab.test"];
    let accepted = ["sent REGISTER", "challenged REGISTER 401", "accepted REGISTER 200", "ended"];

    let with = |more: &[&'static str]| [&register, more].concat();
    let contact = "Contact: <sip:alice@192.0.2.1>";
    let first = ["-H", contact, "-H", "Expires: 60", "--call-id", "registration", "--cseq", "1"];
    lab.send(&with(&first)).is(0, &accepted);
    assert_eq!(lab.kamailio.contacts("alice"), ["sip:alice@192.0.2.1"]);

    // RFC 3261 §10.2.4: a refresh has the same Call-ID, and a CSeq that is higher.
    let again = ["-H", contact, "-H", "Expires: 60", "--call-id", "registration", "--cseq", "9"];
    lab.send(&with(&again)).is(0, &accepted);
    assert_eq!(lab.kamailio.contacts("alice"), ["sip:alice@192.0.2.1"]);

    let over = ["-H", contact, "-H", "Expires: 0", "--call-id", "registration", "--cseq", "19"];
    lab.send(&with(&over)).is(0, &accepted);
    assert_eq!(lab.kamailio.contacts("alice"), [""; 0]);
}

fn an_account_is_kept_registered_reached_and_unregistered_at_the_end(mut lab: Lab) {
    let mut alice = Registered::start(&lab, 4);
    alice.granted(1);
    let contacts = lab.kamailio.contacts("alice");
    assert_eq!(contacts.len(), 1);

    // Her contact can be reached on the flow that the registration came on.
    lab.send(&["OPTIONS", "sip:alice@lab.test"]).is(0, &["accepted OPTIONS 200"]);

    alice.granted(3);
    assert_eq!(lab.kamailio.contacts("alice"), contacts);

    alice.quit();
    assert_eq!(alice.states.last(), Some(&RegistrationState::Off), "{:#?}", alice.states);
    assert_eq!(lab.kamailio.contacts("alice"), [""; 0]);
}

fn options_and_a_message_are_accepted(lab: Lab) {
    lab.send(&["OPTIONS", "sip:lab.test"]).is(0, &["sent OPTIONS", "accepted OPTIONS 200"]);
    let message = ["MESSAGE", "sip:ok@lab.test", "--body", "hello"];
    lab.send(&message).is(0, &["sent MESSAGE", "accepted MESSAGE 200", "ended"]);
}

fn a_challenge_is_answered(lab: Lab) {
    let message = ["MESSAGE", "sip:auth@lab.test", "--body", "hello"];
    lab.send(&message).is(0, &["sent", "challenged MESSAGE 407", "sent", "accepted MESSAGE 200"]);
    lab.send(&["INVITE", "sip:auth@lab.test"]).is(
        1,
        &[
            "sent INVITE",
            "challenged INVITE 407",
            "acked ACK 407",
            "sent INVITE",
            "rejected INVITE 488 Incompatible SDP",
            "failed INVITE 488",
            "acked ACK 488",
            "ended INVITE Incompatible SDP",
        ],
    );
}

fn an_invite_is_rejected_as_the_callee_says(lab: Lab) {
    for (target, status, cause) in [
        ("sip:busy@lab.test", 486, "Busy"),
        ("sip:decline@lab.test", 603, "Rejected"),
        ("sip:unknown@lab.test", 404, "Not Found"),
        ("sip:busy@elsewhere.test", 403, "Rejected"),
    ] {
        lab.send(&["INVITE", target]).is(
            1,
            &[
                "sent INVITE",
                &format!("rejected INVITE {status} {cause}"),
                &format!("failed INVITE {status} {cause}"),
                &format!("acked ACK {status}"),
                &format!("ended INVITE {cause}"),
            ],
        );
    }
}

fn a_ringing_invite_is_cancelled(lab: Lab) {
    let cancelled = ["INVITE", "sip:ring@lab.test", "--cancel-after", "200ms"];
    lab.send(&cancelled).is(
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

fn an_invite_is_answered_through_the_proxy_and_hung_up(lab: Lab) {
    let place = &lab.kamailio.place;
    let callee = Sipp::callee(place, "answer", "udp");
    let target = format!("sip:udp{}@lab.test", callee.port);
    let story = lab.send(&["INVITE", &target, "--body", SDP, "--hangup-after", "100ms"]);
    story.is(
        0,
        &[
            "sent INVITE",
            "progress INVITE 180",
            "accepted INVITE 200",
            "acked ACK",
            "sent BYE",
            "accepted BYE 200",
            "ended INVITE",
        ],
    );
    callee.succeeded(place, &story);
}

#[test]
fn a_challenge_for_sha_256_is_answered() {
    let lab = Lab { kamailio: Kamailio::with(&["WITH_SHA256"]), way: Way::Udp };
    let message = ["MESSAGE", "sip:auth@lab.test", "--body", "hello"];
    lab.send(&message).is(0, &["challenged MESSAGE 407", "accepted MESSAGE 200"]);
    lab.send(&["REGISTER", "sip:lab.test", "--to", "sip:alice@lab.test"])
        .is(0, &["challenged REGISTER 401", "accepted REGISTER 200"]);
}

#[test]
fn a_wrong_password_is_refused() {
    let lab = Lab::new(Way::Tcp);
    let mallory = ["MESSAGE", "sip:auth@lab.test", "--body", "hello", "--user", "bob"];
    lab.send(&mallory).is(1, &["challenged MESSAGE 407", "rejected MESSAGE 407"]);
}
