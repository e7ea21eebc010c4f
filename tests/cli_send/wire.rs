//! What the options say is what goes over the wire.

use super::*;

#[test]
fn a_cancel_reason_that_no_header_can_hold_is_refused_before_anything_is_sent() {
    let server = Serve::start();
    for reason in ["a\nb", "a\r\nVia: x", "\u{1b}[2J", "tab\t", "\u{85}"] {
        let args = ["INVITE", "ring", "--server", &server.udp, "--json"];
        let cancel = ["--cancel-after", "10ms", "--cancel-reason", reason];
        let ran = send(&[&args[..], &cancel].concat());
        assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{reason:?}: {}", ran.err);
        assert!(ran.err.starts_with("sipboard: --cancel-reason: "), "{}", ran.err);
    }
}

#[test]
fn what_the_options_say_is_what_goes_over_the_wire() {
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.set_read_timeout(Some(DEADLINE)).unwrap();
    let server = format!("sip:{};transport=udp", peer.local_addr().unwrap());
    let home = Home::new();
    let mut child = home
        .command(&[
            "send",
            "MESSAGE",
            "sip:bob@example.org",
            "--server",
            &server,
            "-H",
            "Subject: hi",
            "-H",
            "X-Trace:  1 ",
            "--from",
            "sip:carol@c.test",
            "--from-display-name",
            "Carol \"C\"",
            "--from-tag",
            "ft",
            "--to",
            "sip:dave@d.test",
            "--to-display-name",
            "Dave",
            "--to-tag",
            "tt",
            "--call-id",
            "call@id",
            "--cseq",
            "77",
            "--route",
            "<sip:p1.test;lr>",
            "--route",
            "sip:p2.test;lr",
            "--content-type",
            "text/x-test",
            "--body-file",
            "-",
            "--timeout",
            "20s",
        ])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all("grüße\r\n".as_bytes()).unwrap();
    let mut datagram = vec![0; 65536];
    let (length, source) = peer.recv_from(&mut datagram).expect("the request must come");
    let message = String::from_utf8(datagram[..length].to_vec()).unwrap();
    let lines: Vec<&str> = message.split("\r\n").collect();
    for line in [
        "MESSAGE sip:bob@example.org SIP/2.0",
        "From: \"Carol \\\"C\\\"\" <sip:carol@c.test>;tag=ft",
        "To: \"Dave\" <sip:dave@d.test>;tag=tt",
        "Call-ID: call@id",
        "CSeq: 77 MESSAGE",
        "Route: <sip:p1.test;lr>",
        "Route: <sip:p2.test;lr>",
        "Subject: hi",
        "X-Trace: 1",
        "Content-Type: text/x-test",
        "Content-Length: 9",
    ] {
        assert!(lines.contains(&line), "{line:?} in:\n{message}");
    }
    assert!(message.ends_with("\r\n\r\ngrüße\r\n"), "{message:?}");

    // A reason phrase that would steer a terminal comes back as visible escapes.
    let copied: Vec<&str> = lines
        .iter()
        .filter(|line| {
            ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].iter().any(|h| line.starts_with(h))
        })
        .copied()
        .collect();
    let response = format!(
        "SIP/2.0 200 \u{1b}]0;x\u{7}\u{202e}fine\r\n{}\r\nContent-Length: 0\r\n\r\n",
        copied.join("\r\n")
    );
    peer.send_to(response.as_bytes(), source).unwrap();
    let ran = finish(child);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains(r"← 200 \x1b]0;x\x07\u{202e}fine"), "{}", ran.out);
    assert!(!ran.out.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{:?}", ran.out);
}

#[test]
fn a_body_file_may_hold_any_bytes() {
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.set_read_timeout(Some(DEADLINE)).unwrap();
    let server = format!("sip:{};transport=udp", peer.local_addr().unwrap());
    let home = Home::new();
    let args = ["send", "MESSAGE", "sip:b@example.org", "--server", &server, "--body-file", "-"];
    let mut child = home.command(&args).stdin(Stdio::piped()).spawn().unwrap();
    let body = b"\x00\xff\x80\r\n\r\n\x1b".as_slice();
    child.stdin.take().unwrap().write_all(body).unwrap();
    let mut datagram = vec![0; 65536];
    let (length, _) = peer.recv_from(&mut datagram).expect("the request must come");
    let _ = child.kill();
    finish(child);
    let head = datagram[..length].strip_suffix(body).expect("the body must end the datagram");
    let head = std::str::from_utf8(head).unwrap();
    assert!(head.contains("\r\nContent-Type: application/octet-stream\r\n"), "{head}");
    assert!(head.ends_with("\r\nContent-Length: 8\r\n\r\n"), "{head}");
}
