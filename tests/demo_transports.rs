//! The demo server on every transport, as `sipboard send` uses it.
#![cfg(unix)]

mod cli_support;

use cli_support::{Home, Ran, Serve, sipboard};

fn send(server: &[&str], args: &[&str]) -> Ran {
    let all = [&["send", "--json", "--server"], server, args].concat();
    sipboard(&Home::new(), &all)
}

/// What every transport must be able to do.
fn all_goes_through(server: &[&str]) {
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
    all_goes_through(&[&Serve::start().udp]);
}

#[test]
fn tcp() {
    all_goes_through(&[&Serve::start().tcp]);
}

#[test]
fn ws() {
    all_goes_through(&[&Serve::start().ws]);
}

#[test]
fn tls() {
    let serve = Serve::start();
    all_goes_through(&[&serve.tls, "--ca-file", &serve.ca_file]);
}

#[test]
fn wss() {
    let serve = Serve::start();
    all_goes_through(&[&serve.wss, "--ca-file", &serve.ca_file]);
}

#[test]
fn a_certificate_that_nobody_trusts_is_a_transport_error_and_insecure_takes_it() {
    let serve = Serve::start();
    for server in [&serve.tls, &serve.wss] {
        let ran = send(&[server], &["OPTIONS", "sip:demo.test"]);
        assert_eq!(ran.code, Some(4), "{}{}", ran.out, ran.err);
        assert!(ran.out.contains("sipboard demo issuer"), "{}", ran.out);
        let ran = send(&[server, "--insecure"], &["OPTIONS", "sip:demo.test"]);
        assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    }
    let trust = ["--ca-file", &serve.ca_file, "--server-name"];
    for (name, code) in [("demo.test", 0), ("other.test", 4)] {
        let server = [&[&*serve.tls], &trust[..], &[name]].concat();
        let ran = send(&server, &["OPTIONS", "sip:demo.test"]);
        assert_eq!(ran.code, Some(code), "{}{}", ran.out, ran.err);
    }
}

#[test]
fn the_certificate_is_gone_when_the_server_has_ended() {
    let mut serve = Serve::start();
    assert!(std::fs::read_to_string(&serve.ca_file).unwrap().contains("BEGIN CERTIFICATE"));
    cli_support::signal(&serve.child, "-TERM");
    assert!(serve.child.wait().unwrap().success());
    assert!(!std::path::Path::new(&serve.ca_file).exists());
}

#[test]
fn an_account_says_whom_it_trusts() {
    let serve = Serve::start();
    let home = Home::new();
    let account = |name: &str, more: &str| {
        let server = &serve.tls;
        format!(
            "[[account]]\nname = {name:?}\nuri = \"sip:a@demo.test\"\nserver = {server:?}\n{more}\n"
        )
    };
    let trust = format!("ca_file = {:?}", serve.ca_file);
    home.config(
        &[account("a", &trust), account("b", ""), account("c", "insecure = true")].concat(),
    );
    for (name, code) in [("a", 0), ("b", 4), ("c", 0)] {
        let ran = sipboard(&home, &["send", "OPTIONS", "sip:demo.test", "--account", name]);
        assert_eq!(ran.code, Some(code), "{name}: {}{}", ran.out, ran.err);
    }
}
