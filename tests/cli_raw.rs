//! `sipboard send --raw`: bytes that go out as they are, over real sockets.

mod cli_support;

use std::{
    io::Write,
    net::{SocketAddr, UdpSocket},
    process::{Child, Stdio},
};

use cli_support::{DEADLINE, Home, Ran, Serve, finish, sipboard};

/// Starts `send --raw -` with bytes on its standard input.
fn start(home: &Home, bytes: &[u8], args: &[&str]) -> Child {
    let all: Vec<&str> = ["send", "--raw", "-"].iter().chain(args).copied().collect();
    let mut child = home.command(&all).stdin(Stdio::piped()).spawn().expect("it can be started");
    let mut stdin = child.stdin.take().expect("its standard input is piped");
    // One that refuses its options reads nothing.
    let _ = stdin.write_all(bytes);
    child
}

fn send(bytes: impl AsRef<[u8]>, args: &[&str]) -> Ran {
    finish(start(&Home::new(), bytes.as_ref(), args))
}

/// A request by hand whose answer finds its way back to any port, over UDP.
fn by_hand(method: &str, user: &str) -> String {
    format!(
        "{method} sip:{user}@demo.test SIP/2.0\r\nv: SIP/2.0/UDP by-hand.invalid;branch=no-cookie;rport\r\nf: <sip:me@here.test>;tag=mine\r\nt: <sip:{user}@demo.test>\r\ni: hand-made\r\nCSeq: 7 {method}\r\nm: <sip:me@127.0.0.1:9>\r\nl: 0\r\n\r\n"
    )
}

/// A peer of this test's own, and how it is named.
fn peer() -> (UdpSocket, String) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    let server = format!("sip:{};transport=udp", socket.local_addr().unwrap());
    (socket, server)
}

fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = vec![0; 65_536];
    let (length, from) = socket.recv_from(&mut buffer).expect("a datagram comes");
    buffer.truncate(length);
    (buffer, from)
}

/// What a peer answers: the headers of the request that must come back.
fn answer(request: &[u8], status: &str) -> Vec<u8> {
    let request = String::from_utf8(request.to_vec()).unwrap();
    let echoed = ["v:", "f:", "t:", "i:", "CSeq:", "Via:"];
    let lines: Vec<&str> = request
        .split("\r\n")
        .filter(|line| echoed.iter().any(|name| line.starts_with(name)))
        .collect();
    let head = lines.join("\r\n").replace("t: <sip:bob@demo.test>", "t: <sip:bob@demo.test>;tag=b");
    format!("SIP/2.0 {status}\r\n{head}\r\nl: 0\r\n\r\n").into_bytes()
}

#[test]
fn a_peer_gets_the_very_bytes_again_and_again_until_it_answers() {
    let (socket, server) = peer();
    // A Content-Length that lies, a bare LF, and bytes that are not UTF-8.
    let mut bytes =
        by_hand("OPTIONS", "bob").replace("l: 0", "l: 4000\nX-Odd: \u{1b}[31m").into_bytes();
    bytes.extend(b"\xff\0short");
    let home = Home::new();
    let child = start(&home, &bytes, &["--server", &server, "--json", "--t1-ms", "50"]);
    for _ in 0..2 {
        assert_eq!(receive(&socket).0, bytes);
    }
    let (last, from) = receive(&socket);
    let text = String::from_utf8_lossy(&last).into_owned();
    socket.send_to(&answer(text.as_bytes(), "200 OK"), from).unwrap();
    let ran = finish(child);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let events = ran.events();
    assert_eq!(events[..3], ["sent", "retransmitted", "retransmitted"]);
    assert_eq!(events[events.len() - 2..], ["accepted", "ended"]);
    assert_eq!(ran.json()[0]["method"], "OPTIONS");
}

#[test]
fn invites_by_hand_are_acked_cancelled_and_hung_up() {
    let server = Serve::start();
    for (user, args, code, events) in [
        ("busy", &[][..], 1, &["sent", "rejected", "failed", "acked", "ended"][..]),
        (
            "ring",
            &["--cancel-after", "200ms"],
            5,
            &["sent", "cancel_sent", "rejected", "acked", "ended"],
        ),
        ("answer", &[], 0, &["sent", "accepted", "leg", "acked", "sent", "ended"]),
    ] {
        let args = [&["--server", &*server.udp, "--json"], args].concat();
        let ran = send(by_hand("INVITE", user), &args);
        assert_eq!(ran.code, Some(code), "{user}: {}{}", ran.out, ran.err);
        let told = ran.events();
        let mut rest = told.iter();
        for event in events {
            assert!(rest.any(|told| told == event), "{user}: no {event} in order in {told:?}");
        }
    }
}

#[test]
fn bytes_that_are_no_request_are_sent_once_and_what_answers_is_told() {
    let (socket, server) = peer();
    let home = Home::new();
    let bytes = by_hand("OPTIONS", "bob").replace(";branch=no-cookie", "").into_bytes();
    let child = start(&home, &bytes, &["--server", &server, "--timeout", "2s"]);
    let (got, from) = receive(&socket);
    assert_eq!(got, bytes);
    socket.send_to(&answer(&got, "400 Bad Request"), from).unwrap();
    let ran = finish(child);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("unmatched") && ran.out.contains("no branch"), "{}", ran.out);
    let beside = ran.out.lines().find(|line| line.contains("belongs to nothing"));
    assert!(beside.is_some_and(|line| line.contains("#1 ← 400")), "{}", ran.out);
    socket.set_nonblocking(true).unwrap();
    assert!(socket.recv_from(&mut [0; 1]).is_err(), "they were sent once");
}

#[test]
fn why_nothing_can_be_matched_stands_beside_the_json() {
    let (socket, server) = peer();
    let ran = send("hello \x1b[31m", &["--server", &server, "--json", "--t1-ms", "1"]);
    assert_eq!(receive(&socket).0, b"hello \x1b[31m");
    assert_eq!((ran.code, ran.events()), (Some(0), vec!["sent".to_owned(), "ended".to_owned()]));
    assert_eq!(
        (&ran.json()[0]["method"], &ran.json()[1]["cause"]),
        (&"raw".into(), &"Unmatched".into())
    );
    assert!(ran.err.contains("no SIP message can be read"), "{}", ran.err);
}

#[test]
fn the_summary_counts_what_nothing_can_be_matched_to_and_no_copy_waits_for_another() {
    let (socket, server) = peer();
    let args = ["--server", &server, "--json", "--count", "20", "--timeout", "3s"];
    let ran = send("hello", &args);
    assert_eq!((ran.code, &*ran.err), (Some(0), ""), "{}", ran.out);
    let summary = ran.json().pop().unwrap();
    assert_eq!((&summary["sent"], &summary["unmatched"]), (&20.into(), &20.into()), "{summary}");
    (0..20).for_each(|_| assert_eq!(receive(&socket).0, b"hello"));
}

#[test]
fn bytes_that_cannot_go_out_fail() {
    let (_socket, server) = peer();
    let ran = send(vec![b'x'; 70_000], &["--server", &server, "--json"]);
    assert_eq!(ran.code, Some(4), "{}{}", ran.out, ran.err);
    assert_eq!(ran.events().last().unwrap(), "ended");
}

#[test]
fn a_stream_and_a_websocket_carry_them_too() {
    let server = Serve::start();
    let bytes = by_hand("OPTIONS", "answer").replace("UDP", "WS");
    let ran = send(bytes, &["--server", &server.ws, "--json"]);
    assert_eq!(
        (ran.code, ran.events()),
        (Some(0), ["sent", "accepted", "ended"].map(String::from).to_vec())
    );
}

#[test]
fn a_request_sent_again_by_hand_is_one_transaction_to_the_peer() {
    let server = Serve::start();
    let args = ["--server", &*server.udp, "--json", "--events", "--count", "2"];
    let ran = send(by_hand("OPTIONS", "answer"), &args);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let causes: Vec<String> = ran
        .json()
        .iter()
        .filter(|line| line["event"] == "ended")
        .map(|line| line["cause"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(causes, ["Accepted", "Unmatched"]);
    assert!(ran.err.contains("#2: its branch is that of #1"), "{}", ran.err);
    let summary = ran.json().pop().unwrap();
    assert_eq!((&summary["sent"], &summary["accepted"]), (&2.into(), &1.into()));
}

#[test]
fn lf_becomes_cr_lf_where_it_is_wanted_and_only_there() {
    let (socket, server) = peer();
    let lf = by_hand("ACK", "bob").replace("\r\n", "\n");
    for (args, wanted) in [(&["--crlf"][..], by_hand("ACK", "bob")), (&[], lf.clone())] {
        let ran = send(&lf, &[&["--server", &*server], args].concat());
        assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
        assert_eq!(receive(&socket).0, wanted.as_bytes());
    }
}

#[test]
fn options_that_would_write_the_request_are_refused_by_name() {
    let home = Home::new();
    let with = |args: &[&str]| {
        let all: Vec<&str> = ["send", "--raw", "x.sip"].iter().chain(args).copied().collect();
        sipboard(&home, &all)
    };
    for (args, name) in [
        (&["OPTIONS"][..], "METHOD"),
        (&["OPTIONS", "bob"], "METHOD"),
        (&["-H", "X: y"], "--header"),
        (&["--body", "x"], "--body"),
        (&["--body-file", "x"], "--body-file"),
        (&["--content-type", "a/b"], "--content-type"),
        (&["--from", "sip:a@b"], "--from"),
        (&["--from-display-name", "a"], "--from-display-name"),
        (&["--from-tag", "a"], "--from-tag"),
        (&["--to", "sip:a@b"], "--to"),
        (&["--to-display-name", "a"], "--to-display-name"),
        (&["--to-tag", "a"], "--to-tag"),
        (&["--call-id", "a"], "--call-id"),
        (&["--cseq", "1"], "--cseq"),
        (&["--route", "sip:p"], "--route"),
        (&["--user", "a", "--password-env", "A"], "--user"),
    ] {
        let ran = with(args);
        assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{args:?}");
        assert!(ran.err.contains("--raw") && ran.err.contains(name), "{args:?}: {}", ran.err);
    }
    let ran = sipboard(&home, &["send", "OPTIONS", "bob", "--crlf"]);
    assert!(ran.code == Some(2) && ran.err.contains("--crlf"), "{}", ran.err);
    let ran = with(&[]);
    assert!(ran.code == Some(2) && ran.err.contains("--raw x.sip"), "{}", ran.err);
}

#[test]
fn raw_bytes_that_make_no_sense_here_are_refused_before_anything_is_sent() {
    for (bytes, args, word) in [
        ("", &["--server", "sip:127.0.0.1:9;transport=udp"][..], "empty"),
        ("hello", &[], "no server"),
        ("hello", &["--server", "http://x"], "--server"),
        (&by_hand("OPTIONS", "bob"), &["--cancel-after", "1s"], "--cancel-after"),
    ] {
        let ran = send(bytes, args);
        assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{bytes:?}: {}", ran.err);
        assert!(ran.err.contains(word), "{word}: {}", ran.err);
    }
}

#[test]
fn without_a_config_file_raw_requests_reach_the_demo_server() {
    let bytes = by_hand("INVITE", "busy").replace("UDP", "WS");
    let ran = send(bytes, &["--json"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("demo server"), "{}", ran.err);
}
