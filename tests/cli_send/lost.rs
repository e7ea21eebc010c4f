//! An INVITE that rings when its connection fails: its peer rings on, and may accept.

use std::{
    io::Read,
    net::{SocketAddr, TcpListener, TcpStream},
    thread::JoinHandle,
};

use super::*;

/// One connection of the peer's.
struct Connection(TcpStream, String);

impl Connection {
    fn accept(listener: &TcpListener) -> Connection {
        let (stream, _) = listener.accept().expect("a connection");
        stream.set_read_timeout(Some(DEADLINE)).expect("it takes a time");
        Connection(stream, String::new())
    }

    /// The next message, which has no body.
    fn take(&mut self, method: &str) -> String {
        let mut buffer = [0; 4096];
        loop {
            if let Some(end) = self.1.find("\r\n\r\n") {
                let rest = self.1.split_off(end + 4);
                let message = std::mem::replace(&mut self.1, rest);
                assert!(message.starts_with(method), "{method}: {message}");
                return message;
            }
            let length = self.0.read(&mut buffer).expect("a message in time");
            assert!(length > 0, "the connection was closed before {method}");
            self.1.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
    }

    fn answer(&mut self, request: &str, status: &str, contact: SocketAddr) {
        let copied = ["Via:", "From:", "Call-ID:", "CSeq:"];
        let lines = request.lines().filter(|line| copied.iter().any(|it| line.starts_with(it)));
        let lines: String = lines.map(|line| format!("{line}\r\n")).collect();
        let answer = format!(
            "SIP/2.0 {status}\r\n{lines}To: <sip:b@b.test>;tag=b\r\n\
             Contact: <sip:b@{contact};transport=tcp>\r\nContent-Length: 0\r\n\r\n"
        );
        self.0.write_all(answer.as_bytes()).expect("it is taken");
    }
}

/// A peer whose connection breaks while it rings. On the next one it answers the CANCEL, and then the
/// INVITE with that status, or not at all; it takes what follows.
fn peer(status: Option<&'static str>) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let peer = std::thread::spawn(move || {
        let mut first = Connection::accept(&listener);
        let invite = first.take("INVITE ");
        first.answer(&invite, "180 Ringing", address);
        drop(first);
        let mut second = Connection::accept(&listener);
        let cancel = second.take("CANCEL ");
        second.answer(&cancel, "200 OK", address);
        let Some(status) = status else {
            // Until the program ends.
            let _ = second.0.read_to_end(&mut Vec::new());
            return;
        };
        second.answer(&invite, status, address);
        second.take("ACK ");
        if status.starts_with('2') {
            let bye = second.take("BYE ");
            second.answer(&bye, "200 OK", address);
        }
    });
    (format!("sip:{address};transport=tcp"), peer)
}

fn invite(server: &str, more: &[&str]) -> Ran {
    send(&[&["INVITE", "sip:b@b.test", "--server", server, "--json"][..], more].concat())
}

const WAITS: &str = "waiting for the final response to the INVITE, which rang when the connection \
                     failed: until 64·T1";

/// The one end of the call, the last of its context.
fn ended(ran: &Ran) -> String {
    let lines = ran.json();
    let own: Vec<_> = lines.iter().filter(|line| line["context"] == 1).collect();
    let ends = own.iter().filter(|line| line["event"] == "ended").count();
    assert_eq!(ends, 1, "{}", ran.out);
    let last = own.last().unwrap();
    assert_eq!(last["event"], "ended", "{}", ran.out);
    last["cause"].as_str().unwrap().to_owned()
}

#[test]
fn what_is_rejected_then_ends_the_wait() {
    let (server, peer) = peer(Some("487 Request Terminated"));
    let ran = invite(&server, &[]);
    peer.join().unwrap();
    assert_eq!(ran.code, Some(4), "{}{}", ran.out, ran.err);
    assert!(!ran.err.contains("may still come up"), "{}", ran.err);
    assert_eq!(ended(&ran), "Connection Error");
    assert_in_order(&ran.events(), &["progress", "failed", "cancel_sent", "acked", "ended"], &ran);
}

#[test]
fn a_call_that_comes_up_then_is_hung_up() {
    let (server, peer) = peer(Some("200 OK"));
    let ran = invite(&server, &["--hangup-after", "1h"]);
    peer.join().unwrap();
    assert_eq!(ran.code, Some(4), "{}{}", ran.out, ran.err);
    assert!(!ran.err.contains("may still come up"), "{}", ran.err);
    assert_eq!(ended(&ran), "BYE");
    let events = ["failed", "cancel_sent", "accepted", "acked", "sent", "accepted", "ended"];
    assert_in_order(&ran.events(), &events, &ran);
}

#[test]
fn a_silent_peer_is_waited_for_no_longer_than_64_t1() {
    let (server, peer) = peer(None);
    let ran = invite(&server, &["--t1-ms", "50"]);
    peer.join().unwrap();
    assert_eq!(ran.code, Some(4), "{}{}", ran.out, ran.err);
    assert_eq!(ended(&ran), "Connection Error");
    assert!(ran.err.contains(WAITS) && ran.err.contains("(3.2s) after its CANCEL"), "{}", ran.err);
    assert!(ran.err.contains("#1: the call may still come up at the peer"), "{}", ran.err);
    let end = ran.json().last().unwrap()["t"].as_f64().unwrap();
    assert!(end >= 3.2, "{}", ran.out);
}

#[test]
fn the_users_own_time_ends_the_wait() {
    let (server, peer) = peer(None);
    let began = std::time::Instant::now();
    let ran = invite(&server, &["--timeout", "3s"]);
    let took = began.elapsed();
    peer.join().unwrap();
    assert_eq!(ran.code, Some(4), "{}{}", ran.out, ran.err);
    assert!(took.as_secs() < 20, "not 64·T1: {took:?}");
    assert_eq!(ended(&ran), "Connection Error");
    assert!(ran.err.contains(WAITS) && ran.err.contains("(32s) after its CANCEL"), "{}", ran.err);
    assert!(ran.err.contains("#1: the call may still come up at the peer"), "{}", ran.err);
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_the_wait_and_not_the_outcome() {
    use cli_support::signal;

    let (server, peer) = peer(None);
    let home = Home::new();
    let args = ["send", "INVITE", "sip:b@b.test", "--server", &server, "--json"];
    let mut child = home.command(&args).spawn().unwrap();
    let mut err = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    assert!(err.read_line(&mut said).unwrap() > 0);
    assert!(said.contains(WAITS), "{said}");
    signal(&child, "-INT");
    err.read_to_string(&mut said).unwrap();
    assert!(said.contains("may still come up"), "{said}");
    let ran = finish(child);
    peer.join().unwrap();
    assert_eq!(ran.code, Some(4), "{}{said}", ran.out);
    assert_eq!(ended(&ran), "Connection Error");
}
