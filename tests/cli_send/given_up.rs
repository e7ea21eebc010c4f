//! Nobody answers, or the user does not wait any longer.

use super::*;

#[test]
fn nobody_answers_and_the_timers_say_so() {
    let server = Serve::start();
    let ran = send(&["INVITE", "silent", "--server", &server.udp, "--t1-ms", "10", "--json"]);
    assert_eq!(ran.code, Some(3), "{}{}", ran.out, ran.err);
    let lines = ran.json();
    // When exactly each goes out is for the tests in virtual time: a busy machine may let Timer A
    // fire late, and Timer B before the last one.
    let attempts: Vec<u64> = lines.iter().filter_map(|line| line["attempt"].as_u64()).collect();
    assert!((2..=6).contains(&attempts.len()), "{attempts:?}");
    assert!(attempts.iter().copied().eq((2..).take(attempts.len())), "{attempts:?}");
    let failed = lines.iter().find(|line| line["event"] == "failed").unwrap();
    assert_eq!(failed["cause"], "Request Timeout");
    assert!(failed["t"].as_f64().unwrap() >= 0.64, "{failed}");
    assert!(failed.get("status").is_none(), "{failed}");
}

#[test]
fn a_timeout_of_ones_own_ends_it_sooner() {
    let server = Serve::start();
    let ran = send(&["INVITE", "ring", "--server", &server.ws, "--timeout", "200ms", "--json"]);
    assert_eq!(ran.code, Some(3), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("given up after 200ms"), "{}", ran.err);
    assert_in_order(&ran.events(), &["sent", "progress", "cancel", "cancel_sent", "ended"], &ran);
}

#[test]
fn a_silent_peer_given_up_leaves_a_stream_that_ends() {
    let server = Serve::start();
    for method in ["INVITE", "OPTIONS"] {
        let args = [method, "silent", "--server", &server.udp, "--timeout", "100ms", "--json"];
        let ran = send(&args);
        assert_eq!(ran.code, Some(3), "{}{}", ran.out, ran.err);
        assert_eq!(ran.events().last().unwrap(), "ended", "{}", ran.out);
        let lines = ran.json();
        let failed = lines.iter().find(|line| line["event"] == "failed").expect(&ran.out);
        assert_eq!(failed["cause"], "Request Timeout", "{failed}");
        assert_eq!(failed["detail"], "given up after 100ms", "{failed}");
        assert_eq!(ran.err, "sipboard: #1: given up after 100ms\n");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_on_a_silent_peer_leaves_a_stream_that_ends() {
    use cli_support::signal;

    let server = Serve::start();
    for name in ["-INT", "-TERM"] {
        let home = Home::new();
        let args = ["send", "OPTIONS", "silent", "--server", &server.udp, "--json"];
        let mut child = home.command(&args).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut told = String::new();
        assert!(out.read_line(&mut told).unwrap() > 0);
        signal(&child, name);
        std::io::Read::read_to_string(&mut out, &mut told).unwrap();
        let ran = Ran { out: told, ..finish(child) };
        assert_eq!((ran.code, &*ran.err), (Some(5), ""), "{}", ran.out);
        assert_in_order(&ran.events(), &["sent", "failed", "ended"], &ran);
    }
}

#[test]
fn a_connection_that_cannot_be_made_is_a_transport_error() {
    // A port that was free a moment ago, and that nobody listens on.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for uri in [format!("ws://127.0.0.1:{port}"), format!("sip:127.0.0.1:{port};transport=udp")] {
        let ran = send(&["OPTIONS", "sip:demo.test", "--server", &uri, "--json"]);
        assert_eq!(ran.code, Some(4), "{}{}", ran.out, ran.err);
        let lines = ran.json();
        let failed = lines.iter().find(|line| line["event"] == "failed").unwrap();
        assert_eq!(failed["cause"], "Connection Error");
        assert!(failed["detail"].as_str().unwrap().contains(&port.to_string()), "{failed}");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_cancels_what_is_pending_and_ends_with_5() {
    use cli_support::signal;

    let server = Serve::start();
    for name in ["-INT", "-TERM", "-HUP"] {
        let home = Home::new();
        let mut child = home
            .command(&["send", "INVITE", "ring", "--server", &server.ws, "--json"])
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut told = String::new();
        while !told.contains("\"status\":180") {
            assert!(out.read_line(&mut told).unwrap() > 0, "it ended too soon: {told}");
        }
        signal(&child, name);
        child.stdout = None;
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut out, &mut rest).unwrap();
        let ran = finish(child);
        assert_eq!(ran.code, Some(5), "{rest}{}", ran.err);
        let ran = Ran { out: rest, ..ran };
        assert_in_order(&ran.events(), &["cancel", "cancel_sent", "rejected", "ended"], &ran);
    }
}
