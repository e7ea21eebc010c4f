//! `send` and a call that could not be hung up: the run has not come out well then.

mod cli_script;
mod cli_support;

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, UdpSocket},
};

use cli_script::*;
use cli_support::{DEADLINE as PATIENCE, Home, sipboard};
use sipboard::{
    engine::Command,
    headless::Outcome,
    sip::{Absorbed, Cause, ContextId, Fact, LegState, Method, TerminatedBy},
};

/// A peer on UDP that accepts a call and answers its BYE with that status, or not at all; it ends with
/// the BYE, or with the program.
fn peer(bye: Option<&'static str>) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("it is bound");
    socket.set_read_timeout(Some(PATIENCE)).expect("it takes a time");
    std::thread::spawn(move || {
        let mut buffer = vec![0; 65_535];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let status = match request.split(' ').next() {
                Some("INVITE") => "200 OK",
                Some("BYE") => match bye {
                    Some(status) => status,
                    None => continue,
                },
                _ => continue,
            };
            let _ = socket.send_to(answer(&request, status, "b", address).as_bytes(), from);
        }
    });
    address
}

#[test]
fn the_exit_status_says_whether_the_call_could_be_hung_up() {
    for (bye, code, says) in [
        (Some("200 OK"), 0, ""),
        // RFC 3261 §15.1.1: there is no such call any more.
        (Some("481 Call/Transaction Does Not Exist"), 0, ""),
        (
            Some("403 Forbidden"),
            1,
            "#1: the call may still be up at the peer: its BYE failed (Rejected)",
        ),
        (None, 3, "#1: the call may still be up at the peer: its BYE failed (Request Timeout)"),
    ] {
        let server = format!("sip:{};transport=udp", peer(bye));
        let home = Home::new();
        let args = ["send", "INVITE", "sip:b@b.test", "--server", &server, "--t1-ms", "20"];
        let ran = sipboard(&home, &[&args[..], &["--hangup-after", "0s"]].concat());
        assert_eq!(ran.code, Some(code), "{bye:?} {}{}", ran.out, ran.err);
        assert!(ran.err.contains(says), "{bye:?} {}", ran.err);
        assert_eq!(ran.err.contains("may still be up"), !says.is_empty(), "{}", ran.err);
    }
}

/// An answer to a request: what it copies, and a Contact.
fn answer(request: &str, status: &str, tag: &str, contact: SocketAddr) -> String {
    let copied = ["Via:", "From:", "Call-ID:", "CSeq:"];
    let lines = request.lines().filter(|line| copied.iter().any(|it| line.starts_with(it)));
    let lines: String = lines.map(|line| format!("{line}\r\n")).collect();
    format!(
        "SIP/2.0 {status}\r\n{lines}To: <sip:b@b.test>;tag={tag}\r\n\
         Contact: <sip:b@{contact}>\r\nContent-Length: 0\r\n\r\n"
    )
}

/// The next request, without its body: that is read too, for what is left unread resets a connection
/// which is closed.
fn head(stream: &mut impl BufRead) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        stream.read_line(&mut head).ok().filter(|length| *length > 0)?;
    }
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    let length = length.and_then(|length| length.parse().ok()).expect("it says how long it is");
    stream.read_exact(&mut vec![0; length]).ok()?;
    Some(head)
}

/// A peer on TCP that closes the connection of an INVITE which rings, and accepts it all the same on the
/// next one, with two forks; it ends with the program.
fn closing_peer() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        let mut invite = String::new();
        for stream in listener.incoming() {
            let stream = stream.expect("a connection");
            stream.set_read_timeout(Some(PATIENCE)).expect("it takes a time");
            let say = |text: String| (&stream).write_all(text.as_bytes());
            let mut lines = BufReader::new(stream.try_clone().expect("a second handle"));
            while let Some(request) = head(&mut lines) {
                let said = match request.split(' ').next() {
                    Some("INVITE") => {
                        let _ = say(answer(&request, "180 Ringing", "b", address));
                        invite = request;
                        break;
                    }
                    Some("CANCEL") => {
                        let accepted =
                            ["b", "c"].map(|tag| answer(&invite, "200 OK", tag, address));
                        say(answer(&request, "200 OK", "b", address) + &accepted.concat())
                    }
                    Some("BYE") => say(answer(&request, "200 OK", "x", address)),
                    _ => Ok(()),
                };
                said.expect("the program must still be there");
            }
        }
    });
    address
}

#[test]
fn a_call_that_is_being_hung_up_already_is_not_hung_up_once_more() {
    let server = format!("sip:{};transport=tcp", closing_peer());
    let home = Home::new();
    let ran = sipboard(&home, &["send", "INVITE", "sip:b@b.test", "--server", &server]);
    assert_eq!(ran.code, Some(4), "{}{}", ran.out, ran.err);
    assert_eq!(ran.out.matches("→ ACK").count(), 2, "{}{}", ran.out, ran.err);
    assert!(!ran.err.contains("already hanging up"), "{}{}", ran.out, ran.err);
}

/// A call whose BYE finds no connection, and which the peer ends before that or not.
async fn no_connection(peer_ends: bool) -> Ran {
    let leg = |state: LegState| Fact::Leg { tag: "a8f2".into(), state };
    run(plan(Method::Invite), READABLE, async |script| {
        let id = script.request().await;
        script.tell(id, Method::Invite, vec![sent(), accepted()]).await;
        let command = script.command().await;
        assert!(matches!(command, Command::HangUp { .. }), "{command:?}");
        let bye = ContextId(script.next);
        script.tell(id, Method::Invite, vec![leg(LegState::HangingUp { bye })]).await;
        script.tell(bye, Method::Bye, vec![created(Some(id))]).await;
        let over = |by| leg(LegState::Terminated { by });
        if peer_ends {
            script.tell(id, Method::Invite, vec![over(TerminatedBy::Peer)]).await;
        }
        script.tell(bye, Method::Bye, failed(Cause::ConnectionError, "refused")).await;
        if !peer_ends {
            script.tell(id, Method::Invite, vec![over(TerminatedBy::Transport)]).await;
        }
        script.tell(id, Method::Invite, vec![Fact::Ended { cause: Cause::Bye }]).await;
        script.quit().await;
    })
    .await
}

#[tokio::test]
async fn a_bye_that_finds_no_connection_ends_with_4_unless_the_peer_has_hung_up() {
    let ran = no_connection(false).await;
    assert_eq!(ran.outcome, Outcome::Transport, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("its BYE failed (Connection Error)"), "{}", ran.err);
    let ran = no_connection(true).await;
    assert_eq!((ran.outcome, &*ran.err), (Outcome::Accepted, ""), "{}", ran.out);
}

#[tokio::test]
async fn an_invite_that_rang_when_its_connection_failed_may_come_up_until_its_final_response() {
    let late = |status| Fact::Absorbed {
        response: response(status, "Late"),
        why: Absorbed::Late,
        count: 1,
    };
    let rang = || Fact::Progress(response(180, "Ringing"));
    for (before, after, may_come_up) in [
        (Some(rang()), None, true),
        (Some(rang()), Some(late(180)), true),
        (Some(rang()), Some(late(487)), false),
        (None, None, false),
    ] {
        let said = format!("{before:?} {after:?}");
        let ran = run(plan(Method::Invite), READABLE, async |script| {
            let id = script.request().await;
            let mut facts = vec![sent()];
            facts.extend(before.clone());
            facts.extend(failed(Cause::ConnectionError, "refused"));
            facts.extend(after.clone());
            script.tell(id, Method::Invite, facts).await;
            script.quit().await;
        })
        .await;
        assert_eq!(ran.outcome, Outcome::Transport, "{said}: {}{}", ran.out, ran.err);
        let told = ran.err.matches("#1: the call may still come up at the peer").count();
        assert_eq!(told, usize::from(may_come_up), "{said}: {}", ran.err);
    }
}
