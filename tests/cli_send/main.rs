//! `sipboard send` and `sipboard serve` as two processes on real sockets.

#[path = "../cli_support/mod.rs"]
mod cli_support;

mod given_up;
mod lost;
mod wire;

use std::{
    io::{BufRead, BufReader, Write},
    net::UdpSocket,
    process::Stdio,
};

use cli_support::{DEADLINE, Home, Ran, Serve, finish, sipboard};

fn send(args: &[&str]) -> Ran {
    let mut all = vec!["send"];
    all.extend(args);
    sipboard(&Home::new(), &all)
}

/// The wanted words stand in the texts, in this order, one each.
fn assert_in_order(found: &[String], wanted: &[&str], ran: &Ran) {
    let mut rest = found.iter();
    for want in wanted {
        assert!(rest.any(|word| word == want), "{want} in {wanted:?}:\n{}{}", ran.out, ran.err);
    }
}

#[test]
fn insecure_is_said_on_standard_error() {
    let home = Home::new();
    let args = ["send", "OPTIONS", "sips:127.0.0.1:1"];
    let plain = sipboard(&home, &args);
    assert!(!plain.err.contains("INSECURE"), "{}", plain.err);
    let ran = sipboard(&home, &[&args[..], &["--insecure"]].concat());
    assert_eq!(ran.code, Some(4), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("INSECURE: no TLS certificate is looked at"), "{}", ran.err);
}

#[test]
fn over_udp_and_ws_the_exit_status_says_how_it_ended() {
    let server = Serve::start();
    for uri in [&*server.udp, &*server.ws] {
        for (args, code, events) in [
            (&["OPTIONS", "sip:demo.test"][..], 0, &["sent", "accepted", "ended"][..]),
            (
                &["MESSAGE", "sip:answer@demo.test", "--body", "hello"],
                0,
                &["sent", "accepted", "ended"],
            ),
            (
                &["INVITE", "sip:answer@demo.test", "--hangup-after", "100ms"],
                0,
                &["sent", "progress", "accepted", "acked", "sent", "accepted", "ended", "ended"],
            ),
            (
                &["INVITE", "sip:busy@demo.test"],
                1,
                &["sent", "rejected", "failed", "acked", "ended"],
            ),
            // The 2xx crosses the CANCEL: accepted, and hung up.
            (
                &["INVITE", "late", "--cancel-after", "200ms"],
                0,
                &["sent", "cancel_sent", "accepted", "acked", "sent", "ended", "ended"],
            ),
            (&["INVITE", "notfound"], 1, &["sent", "rejected", "failed", "ended"]),
            (
                &[
                    "INVITE",
                    "sip:ring@demo.test",
                    "--cancel-after",
                    "200ms",
                    "--cancel-status",
                    "480",
                ],
                5,
                &[
                    "sent",
                    "progress",
                    "cancel",
                    "cancel_sent",
                    "rejected",
                    "failed",
                    "acked",
                    "ended",
                ],
            ),
        ] {
            let mut args = args.to_vec();
            args.extend(["--server", uri, "--json"]);
            let ran = send(&args);
            assert_eq!(ran.code, Some(code), "{args:?}:\n{}{}", ran.out, ran.err);
            assert_in_order(&ran.events(), events, &ran);
            assert_eq!(ran.events().last().map(String::as_str), Some("ended"), "{args:?}");
            assert_eq!(ran.err, "", "{args:?}");
        }
    }
}

#[test]
fn an_accepted_invite_is_hung_up_without_being_asked() {
    let server = Serve::start();
    let ran = send(&["INVITE", "answer", "--server", &server.udp, "--json"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let lines = ran.json();
    let bye = lines.iter().find(|line| line["method"] == "BYE" && line["event"] == "accepted");
    assert!(bye.is_some(), "{}", ran.out);
    assert_eq!(ran.events().iter().filter(|event| *event == "ended").count(), 2, "{}", ran.out);
}

#[test]
fn the_legs_of_a_forked_invite_are_hung_up_without_a_complaint() {
    let server = Serve::start();
    let args = ["INVITE", "fork", "--server", &server.udp, "--json", "--hangup-after", "300ms"];
    let ran = send(&args);
    assert_eq!((ran.code, &*ran.err), (Some(0), ""), "{}", ran.out);
    let lines = ran.json();
    let byes = lines.iter().filter(|line| line["method"] == "BYE" && line["event"] == "accepted");
    assert_eq!(byes.count(), 2, "{}", ran.out);
}

#[test]
fn a_fork_that_accepts_after_the_hang_up_is_acked_and_hung_up_too() {
    let server = Serve::start();
    for address in [&server.udp, &server.ws] {
        let ran = send(&["INVITE", "fork", "--server", address, "--json"]);
        assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
        let count = |event: &str, method: &str| {
            let is = |line: &&serde_json::Value| line["event"] == event && line["method"] == method;
            ran.json().iter().filter(is).count()
        };
        assert_eq!((count("acked", "ACK"), count("sent", "BYE")), (2, 2), "{}", ran.out);
        assert_eq!(count("ended", "INVITE"), 1, "{}", ran.out);
    }
}

#[test]
fn a_wrong_password_is_called_one() {
    let server = Serve::start();
    let home = Home::new();
    let args = ["send", "MESSAGE", "auth", "--server", &server.udp, "--json", "--user", "demo"];
    let mut command = home.command(&args);
    command.args(["--password-env", "SIPBOARD_TEST_PASSWORD"]);
    let output = command.env("SIPBOARD_TEST_PASSWORD", "wr0ng").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("wrong password") && !text.contains("wr0ng"), "{text}");
}

#[test]
fn a_request_outside_every_dialog_is_a_received_event_with_its_answer() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    socket.set_read_timeout(Some(DEADLINE)).expect("it can be set");
    let server = format!("sip:{};transport=udp", socket.local_addr().expect("it is bound"));
    let peer = std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        let (length, from) = socket.recv_from(&mut buffer).expect("the OPTIONS comes");
        let options = String::from_utf8(buffer[..length].to_vec()).expect("it is text");
        let message = "MESSAGE sip:a@a.test SIP/2.0\r\nVia: SIP/2.0/UDP b.test;rport;branch=z9hG4bKm\r\n\
                       Max-Forwards: 70\r\nFrom: <sip:b@b.test>;tag=f\r\nTo: <sip:a@a.test>\r\n\
                       Call-ID: m\r\nCSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\n\
                       Content-Length: 2\r\n\r\nhi";
        socket.send_to(message.as_bytes(), from).expect("it can be sent");
        loop {
            let (length, _) = socket.recv_from(&mut buffer).expect("the answer comes");
            if buffer[..length].starts_with(b"SIP/2.0 200 ") {
                break;
            }
        }
        let name = |name: &str| {
            options.lines().find(|line| line.starts_with(name)).expect("the header is there")
        };
        let headers = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].map(name).join("\r\n");
        let ok = format!("SIP/2.0 200 OK\r\n{headers}\r\nContent-Length: 0\r\n\r\n");
        socket.send_to(ok.as_bytes(), from).expect("it can be sent");
    });
    let ran = send(&["OPTIONS", "sip:a@a.test", "--server", &server, "--json"]);
    peer.join().expect("the peer has done its part");
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let lines = ran.json();
    let received = lines.iter().find(|line| line["event"] == "received").expect(&ran.out);
    assert_eq!(received["method"], "MESSAGE");
    assert_eq!((&received["status"], &received["leg"]), (&200.into(), &"f".into()));
    assert!(received.get("context").is_none(), "{received}");
}

#[test]
fn without_a_server_a_target_at_the_demo_goes_to_one_inside() {
    // RFC 3261 §26.2.2: a sips target goes to one that is encrypted.
    let targets = [
        ("busy", "ws", "ws://127.0.0.1:"),
        ("sip:busy@demo.test", "ws", "ws://127.0.0.1:"),
        ("sips:busy@DEMO.test", "tls", "sips:127.0.0.1:"),
    ];
    for (target, transport, server) in targets {
        let ran = send(&["INVITE", target, "--json"]);
        assert_eq!(ran.code, Some(1), "{target}: {}{}", ran.out, ran.err);
        let told = format!("built-in demo server at {server}");
        assert!(ran.err.contains(&told), "{}", ran.err);
        let lines = ran.json();
        let sent = (&lines[0]["event"], &lines[0]["transport"]);
        assert_eq!(sent, (&"sent".into(), &transport.into()));
    }
}

#[test]
fn of_many_the_last_line_holds_the_totals() {
    let server = Serve::start();
    let many = ["--count", "40", "--concurrency", "8", "--server", &server.udp];
    let mut args = vec!["OPTIONS", "sip:demo.test", "--json"];
    args.extend(many);
    let ran = send(&args);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let lines = ran.json();
    assert_eq!(lines.len(), 1, "{}", ran.out);
    for (field, count) in
        [("sent", 40), ("accepted", 40), ("rejected", 0), ("failed", 0), ("cancelled", 0)]
    {
        assert_eq!(lines[0][field], count, "{field}: {}", ran.out);
    }
    assert!(lines[0]["rtt_ms"]["max"].as_f64().unwrap() > 0.0, "{}", ran.out);

    args.push("--events");
    let ran = send(&args);
    let events = ran.events();
    assert_eq!(events.iter().filter(|event| *event == "ended").count(), 40, "{}", ran.out);
    assert_eq!(events.last().map(String::as_str), Some("summary"));

    let mut args = vec!["INVITE", "busy"];
    args.extend(many);
    let ran = send(&args);
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    assert!(
        ran.out.starts_with("40 sent: 0 accepted, 40 rejected, 0 failed, 0 cancelled · "),
        "{}",
        ran.out
    );
    assert_eq!(ran.out.lines().count(), 1, "{}", ran.out);
}

#[test]
fn a_flood_of_cancelled_invites_over_ws_loses_none_of_its_487s() {
    let server = Serve::start();
    let ran = send(&[
        "INVITE",
        "ring",
        "--server",
        &server.ws,
        "--count",
        "5000",
        "--concurrency",
        "5000",
        "--cancel-after",
        "2s",
        "--json",
        "--events",
    ]);
    assert_eq!(ran.code, Some(5), "{}", ran.err);
    let lines = ran.json();
    assert_eq!(lines.last().unwrap()["cancelled"], 5000);
    let count = |is_it: &dyn Fn(&serde_json::Value) -> bool| {
        lines.iter().filter(|line| is_it(line)).count()
    };
    // What waits for its connection until the user cancels is never sent.
    let sent = count(&|line| line["event"] == "sent" && line["method"] == "INVITE");
    assert!(sent > 0, "no connection within 2 s");
    assert_eq!(count(&|line| line["event"] == "rejected" && line["status"] == 487), sent);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_mistake() {
    let server = Serve::start();
    let home = Home::new();
    let args = ["send", "OPTIONS", "sip:demo.test", "--server", &server.udp, "--json", "--events"];
    let many = ["--count", "2000", "--concurrency", "4"];
    let mut child = home.command(&[&args[..], &many].concat()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("\"sent\""), "{line}");
    let ran = finish(child);
    assert_eq!(ran.err, "");
}

#[cfg(unix)]
#[test]
fn serve_tells_its_addresses_and_ends_cleanly_on_a_signal() {
    use cli_support::signal;

    for name in ["-INT", "-TERM", "-HUP"] {
        let mut server = Serve::start();
        assert!(server.ws.starts_with("ws://127.0.0.1:"), "{}", server.ws);
        signal(&server.child, name);
        let status = server.child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{name}");
    }

    // Only what is named is on, at the port that is named.
    let home = Home::new();
    let mut child = home.command(&["serve", "--udp", "0"]).spawn().unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    let port: u16 = line.trim_end().strip_prefix("udp 127.0.0.1:").unwrap().parse().unwrap();
    assert_ne!(port, 0);
    signal(&child, "-TERM");
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut out, &mut rest).unwrap();
    assert_eq!(rest, "", "only UDP was asked for");
    assert_eq!(finish(child).code, Some(0));
}

#[test]
fn what_waits_for_the_user_in_the_dashboard_is_answered_at_once_in_send() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    socket.set_read_timeout(Some(DEADLINE)).expect("it can be set");
    let at = socket.local_addr().expect("it is bound");
    let peer = std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        let (length, from) = socket.recv_from(&mut buffer).expect("the INVITE comes");
        let invite = String::from_utf8(buffer[..length].to_vec()).expect("it is text");
        let header = |name: &str| {
            let line = invite.lines().find(|line| line.starts_with(name));
            line.expect("the header is there").split_once(": ").expect("it has a value").1
        };
        let [via, us, peer, call, cseq] = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].map(header);
        let ok = format!(
            "SIP/2.0 200 OK\r\nVia: {via}\r\nFrom: {us}\r\nTo: {peer};tag=t\r\nCall-ID: {call}\r\n\
             CSeq: {cseq}\r\nContact: <sip:{at}>\r\nContent-Length: 0\r\n\r\n"
        );
        socket.send_to(ok.as_bytes(), from).expect("it can be sent");
        loop {
            let (length, _) = socket.recv_from(&mut buffer).expect("the ACK comes");
            if buffer[..length].starts_with(b"ACK ") {
                break;
            }
        }
        let bye = format!(
            "BYE sip:a@{from} SIP/2.0\r\nVia: SIP/2.0/UDP {at};rport;branch=z9hG4bKbye\r\n\
             Max-Forwards: 70\r\nFrom: {peer};tag=t\r\nTo: {us}\r\nCall-ID: {call}\r\n\
             CSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n"
        );
        socket.send_to(bye.as_bytes(), from).expect("it can be sent");
        let (length, _) = socket.recv_from(&mut buffer).expect("the answer comes");
        String::from_utf8_lossy(&buffer[..length]).lines().next().unwrap_or_default().to_owned()
    });
    let home = Home::new();
    home.config("answer_by_hand = [\"BYE\"]\n");
    let server = format!("sip:{at};transport=udp");
    let ran = sipboard(
        &home,
        &["send", "INVITE", "sip:b@b.test", "--server", &server, "--hangup-after", "20s"],
    );
    assert_eq!(peer.join().expect("the peer has done its part"), "SIP/2.0 200 OK", "{}", ran.out);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
}
