//! The demo server on every transport, as `sipboard send` uses it.
#![cfg(unix)]

mod cli_support;

use cli_support::{Home, Ran, Serve, sipboard};

fn send(server: &str, args: &[&str]) -> Ran {
    let all = [&["send", "--server", server, "--json"], args].concat();
    sipboard(&Home::new(), &all)
}

/// What every transport must be able to do.
fn all_goes_through(server: &str) {
    let ran = send(server, &["OPTIONS", "sip:demo.test"]);
    assert_eq!(
        (ran.code, ran.events()),
        (Some(0), ["sent", "accepted", "ended"].map(String::from).to_vec())
    );

    let ran = send(server, &["MESSAGE", "sip:bob@demo.test", "--body", &"x".repeat(1000)]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);

    let ran = send(server, &["INVITE", "answer"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let events = ran.events();
    for event in ["progress", "accepted", "acked", "leg", "ended"] {
        assert!(events.iter().any(|name| name == event), "{event} is missing in {events:?}");
    }

    let ran = send(server, &["INVITE", "busy"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);

    let ran = send(server, &["INVITE", "ring", "--cancel-after", "100ms"]);
    assert_eq!(ran.code, Some(5), "{}{}", ran.out, ran.err);
    assert!(ran.events().iter().any(|name| name == "cancel_sent"), "{}", ran.out);

    let many = ["OPTIONS", "sip:demo.test", "--count", "200", "--concurrency", "20"];
    let ran = send(server, &many);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    assert_eq!(ran.json()[0]["accepted"], 200);
}

#[test]
fn udp() {
    all_goes_through(&Serve::start().udp);
}

#[test]
fn tcp() {
    all_goes_through(&Serve::start().tcp);
}

#[test]
fn ws() {
    all_goes_through(&Serve::start().ws);
}
