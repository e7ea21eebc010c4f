//! The demo server as the callee of SIPp, sipsak and baresip.

use std::process::Command;

use crate::{
    cli_support::Serve,
    support::{Baresip, Peer, Place, Sipp},
};

/// `host:port` of a server's URI.
fn address(server: &str) -> &str {
    server.trim_start_matches("sip:").split(';').next().unwrap_or_default()
}

#[test]
fn sipp_calls_it_over_udp_and_tcp() {
    let server = Serve::start();
    Sipp::calls("uac", "udp", address(&server.udp), "answer", 50);
    Sipp::calls("uac", "tcp", address(&server.tcp), "answer", 50);
}

#[test]
fn sipp_cancels_a_call_that_rings() {
    let server = Serve::start();
    Sipp::calls("caller-cancels", "udp", address(&server.udp), "ring", 5);
    Sipp::calls("caller-cancels", "tcp", address(&server.tcp), "ring", 5);
}

#[test]
fn sipp_answers_its_challenge() {
    let server = Serve::start();
    Sipp::calls("caller-authenticates", "udp", address(&server.udp), "auth", 5);
    Sipp::calls("caller-authenticates", "tcp", address(&server.tcp), "auth", 5);
    Sipp::calls("caller-authenticates", "udp", address(&server.udp), "md5", 5);
}

/// Runs sipsak on a user of the server; gives its exit status, and what it said.
fn sipsak(server: &Serve, user: &str, args: &[&str]) -> (Option<i32>, String) {
    let place = Place::new();
    let mut command = Command::new("sipsak");
    command.args(args).args(["-vv", "-s", &format!("sip:{user}@{}", address(&server.udp))]);
    let mut peer = Peer::start(&place, "sipsak", &mut command);
    (peer.finish(), peer.said())
}

#[test]
fn sipsak_gets_answers_registers_and_authenticates() {
    let server = Serve::start();
    for (user, args, code, words) in [
        ("answer", &[][..], 0, "SIP/2.0 200 OK"),
        ("busy", &[], 1, "SIP/2.0 486 Busy Here"),
        ("auth", &["-u", "demo", "-a", "demo"], 0, "SIP/2.0 200 OK"),
        ("auth", &["-u", "demo", "-a", "guess"], 2, "SIP/2.0 407 Proxy Authentication Required"),
        ("bob", &["-U", "-i", "-C", "sip:bob@192.0.2.1", "-x", "60"], 0, "completed successful"),
        ("answer", &["-T"], 0, "200 OK"),
    ] {
        let (ended, said) = sipsak(&server, user, args);
        assert_eq!(ended, Some(code), "{user} {args:?}: {said}");
        assert!(said.contains(words), "{user} {args:?}: {words:?} is not in {said}");
    }
}

#[test]
fn baresip_calls_it_and_is_told_how_that_went() {
    let server = Serve::start();
    let call = |user: &str| Baresip::calls(&format!("sip:{user}@{}", address(&server.udp)));

    let mut answered = call("answer");
    answered.says("180 Ringing");
    answered.says("Call established");

    let mut early = call("early");
    early.says("183 Session Progress");
    early.says("Call established");

    call("busy").says("session closed: 486 Busy Here");

    // It does not pass over the algorithms that it does not know.
    let mut challenged = call("md5");
    challenged.says("Call established");

    let mut hung_up = call("hangup");
    hung_up.says("Call established");
    hung_up.says("session closed: Connection reset by peer");
}
