//! A request that is too large for a datagram looks for the TCP service of its server (RFC 3261
//! §18.1.1, RFC 3263 §4.1, §4.2): the real program, a DNS server, and peers on loopback.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, UdpSocket},
    thread,
};

mod cli_support;
mod dns_server;

use cli_support::{Home, Ran, sipboard};
use dns_server::DnsServer;

/// A 200 to a request.
fn answer(request: &[u8]) -> Vec<u8> {
    let request = String::from_utf8_lossy(request).into_owned();
    let copied = ["Via:", "From:", "Call-ID:", "CSeq:"];
    let lines = request.lines().filter(|line| copied.iter().any(|name| line.starts_with(name)));
    let mut response = "SIP/2.0 200 OK\r\n".to_owned();
    lines.for_each(|line| response += &format!("{line}\r\n"));
    response += "To: <sip:bob@b.test>;tag=b\r\nContent-Length: 0\r\n\r\n";
    response.into_bytes()
}

/// A peer on UDP that answers everything; it ends with the program.
fn udp_peer() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut buffer = vec![0; 65_535];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let _ = socket.send_to(&answer(&buffer[..length]), from);
        }
    });
    address
}

/// A peer on TCP that answers the first request of each connection once it has its body.
fn tcp_peer() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
            while !request.ends_with(BODY_END.as_bytes()) {
                match stream.read(&mut buffer) {
                    Ok(length @ 1..) => request.extend_from_slice(&buffer[..length]),
                    _ => break,
                }
            }
            let _ = stream.write_all(&answer(&request));
            let _ = stream.read(&mut buffer);
        }
    });
    address
}

/// Nobody listens there on TCP; the socket keeps the port.
fn refusing() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

const BODY_END: &str = "the end";

async fn message(zone: &str, arguments: &[&str]) -> Ran {
    let dns = DnsServer::new(60, zone).await;
    let home = Home::new();
    let (body, resolver) = (format!("{}{BODY_END}", "x".repeat(1500)), dns.text());
    let mut args = vec!["send", "MESSAGE"];
    args.extend(arguments);
    args.extend(["--body", &body, "--resolver", &resolver, "--timeout", "20s"]);
    tokio::task::block_in_place(|| sipboard(&home, &args))
}

/// The lines of the timeline that say where the request goes.
fn ways(ran: &Ran) -> Vec<String> {
    let way = |line: &str| {
        let at = line.find("candidate ")?;
        Some(line[at + "candidate ".len()..].trim().to_owned())
    };
    ran.out.lines().filter_map(way).collect()
}

fn zone(udp: SocketAddr, tcp: SocketAddr) -> String {
    format!(
        "big.test NAPTR 10 10 s SIP+D2U _sip._udp.big.test
         big.test NAPTR 20 10 s SIP+D2T _sip._tcp.elsewhere.test
         _sip._udp.big.test SRV 10 0 {} h1.test
         _sip._tcp.big.test SRV 10 0 {} h3.test
         _sip._tcp.elsewhere.test SRV 10 0 {} h2.test
         h1.test A 127.0.0.1
         h2.test A 127.0.0.1
         h3.test A 127.0.0.1",
        udp.port(),
        tcp.port(),
        tcp.port()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tcp_service_that_naptr_names_is_tried_before_udp() {
    let (udp, tcp) = (udp_peer(), tcp_peer());
    let ran = message(&zone(udp, tcp), &["sip:bob@big.test"]).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let ways = ways(&ran);
    assert_eq!(
        ways,
        [format!("udp {udp} (SRV 10 0 h1.test)"), format!("tcp {tcp} (SRV 10 0 h2.test), 1 of 2")],
        "{}",
        ran.out
    );
    assert!(ran.out.contains("TCP is tried (RFC 3261 §18.1.1)"), "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn transport_udp_in_the_uri_gives_way_and_the_srv_records_of_tcp_are_asked() {
    let (udp, tcp) = (udp_peer(), tcp_peer());
    for arguments in [
        &["sip:bob@big.test;transport=udp"][..],
        &["sip:bob@b.test", "--server", "sip:big.test;transport=udp"],
    ] {
        let ran = message(&zone(udp, tcp), arguments).await;
        assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
        let last = ways(&ran).pop();
        assert_eq!(last, Some(format!("tcp {tcp} (SRV 10 0 h3.test), 1 of 2")), "{}", ran.out);
        assert!(ran.out.contains("also where transport=udp is asked for"), "{}", ran.out);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tcp_that_was_found_with_udp_is_not_asked_for_again() {
    let (udp, tcp) = (udp_peer(), tcp_peer());
    let zone = format!(
        "_sip._udp.big.test SRV 10 0 {} h1.test
         _sip._tcp.big.test SRV 10 0 {} h2.test
         h1.test A 127.0.0.1
         h2.test A 127.0.0.1",
        udp.port(),
        tcp.port()
    );
    let ran = message(&zone, &["sip:bob@big.test"]).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let last = ways(&ran).pop();
    assert_eq!(last, Some(format!("tcp {tcp} (SRV 10 0 h2.test), 1 of 2")), "{}", ran.out);
    assert_eq!(ran.out.matches("resolving").count(), 1, "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn udp_has_the_request_where_every_tcp_refuses_or_none_is_offered() {
    let udp = udp_peer();
    let (_socket, nobody) = refusing();
    let ran = message(&zone(udp, nobody), &["sip:bob@big.test"]).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let ways_of = ways(&ran);
    let expected = [
        format!("tcp {nobody} (SRV 10 0 h2.test), 1 of 2"),
        format!("udp {udp} (SRV 10 0 h1.test), 2 of 2"),
    ];
    assert_eq!(ways_of[1..], expected, "{}", ran.out);

    let only_udp = |rest: &str| {
        format!("_sip._udp.o.test SRV 10 0 {} h1.test\nh1.test A 127.0.0.1\n{rest}", udp.port())
    };
    let ran = message(&only_udp(""), &["sip:bob@o.test"]).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let guessed = [
        format!("tcp {udp} (where UDP is), 1 of 2"),
        format!("udp {udp} (SRV 10 0 h1.test), 2 of 2"),
    ];
    assert_eq!(ways(&ran)[1..], guessed, "{}", ran.out);

    let denied = only_udp("_sip._tcp.o.test SRV 0 0 0 .");
    let ran = message(&denied, &["sip:bob@o.test;transport=udp"]).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("it has no such service"), "{}", ran.out);
    assert!(!ran.out.contains("candidate tcp"), "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_given_is_the_port_of_tcp_too() {
    let tcp = tcp_peer();
    let target = format!("sip:bob@h.test:{}", tcp.port());
    let ran = message("h.test A 127.0.0.1", &[&target]).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    assert_eq!(ways(&ran)[1..], [format!("tcp {tcp} (address), 1 of 2")], "{}", ran.out);
}

/// A peer on TCP that takes every connection and answers each request with a 503, or with nothing.
fn unwilling(answers: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut mute = Vec::new();
        while let Ok((mut stream, _)) = listener.accept() {
            let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
            while answers && !request.ends_with(BODY_END.as_bytes()) {
                match stream.read(&mut buffer) {
                    Ok(length @ 1..) => request.extend_from_slice(&buffer[..length]),
                    _ => break,
                }
            }
            if answers {
                let text = String::from_utf8(answer(&request)).unwrap();
                let _ = stream.write_all(text.replace("200 OK", "503 No").as_bytes());
            }
            mute.push(stream);
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn udp_does_not_get_what_a_connection_has_taken() {
    let udp = udp_peer();
    for (answers, code, why) in [(true, 1, "503 No"), (false, 3, "no final response")] {
        let zone = zone(udp, unwilling(answers));
        let ran = message(&zone, &["sip:bob@big.test", "--t1-ms", "20"]).await;
        assert_eq!(ran.code, Some(code), "{}{}", ran.out, ran.err);
        assert!(ran.out.contains("it does not go by UDP"), "{}", ran.out);
        assert!(ran.out.contains(why), "{}", ran.out);
        assert_eq!(ways(&ran).len(), 2, "{}", ran.out);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_says_why_a_request_goes_on_to_the_next_place() {
    let udp = udp_peer();
    let (_socket, nobody) = refusing();
    let ran = message(&zone(udp, nobody), &["sip:bob@big.test", "--json"]).await;
    let sent = |line: &&str| line.contains(r#""event":"sent""#);
    let sent: Vec<&str> = ran.out.lines().filter(sent).collect();
    let [sent] = &*sent else { panic!("{}", ran.out) };
    assert!(sent.contains(r#""passed_over":["the request has "#), "{sent}");
    assert!(sent.contains("cannot be reached: connection refused\"]"), "{sent}");
}
