//! TCP flows and listeners on loopback (RFC 3261 §18, RFC 5626 §4.4.1).

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use sipboard::{
    sip::{FlowId, Limits, Transport},
    transport::{FlowSettings, GuestLimits, KeepAlive, Network, Room, ServerUri, Signal},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

const DEADLINE: Duration = Duration::from_secs(30);
const LOOPBACK: &str = "127.0.0.1:0";
const FLOW: FlowId = FlowId(1);
const OPTIONS: &str = "OPTIONS sip:a SIP/2.0\r\nContent-Length: 3\r\n\r\nabc";

async fn in_time<T>(what: impl Future<Output = T>) -> T {
    timeout(DEADLINE, what).await.expect("in time")
}

/// Signals, one after the other.
struct Ear {
    network: Network,
    heard: std::collections::VecDeque<Signal>,
}

impl Ear {
    fn new(network: Network) -> Ear {
        Ear { network, heard: Default::default() }
    }

    async fn next(&mut self) -> Signal {
        while self.heard.is_empty() {
            let mut signals = Vec::new();
            in_time(self.network.receive(&mut signals)).await;
            self.heard.extend(signals);
        }
        self.heard.pop_front().unwrap()
    }

    async fn message(&mut self) -> String {
        match self.next().await {
            Signal::Message { bytes, .. } => String::from_utf8(bytes.to_vec()).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    async fn down(&mut self) -> String {
        match self.next().await {
            Signal::Down { reason, .. } => reason,
            other => panic!("{other:?}"),
        }
    }

    async fn accepted(&mut self) -> FlowId {
        match self.next().await {
            Signal::Accepted { flow, transport: Transport::Tcp, .. } => flow,
            other => panic!("{other:?}"),
        }
    }
}

fn uri(address: SocketAddr) -> ServerUri {
    format!("sip:{address};transport=tcp").parse().unwrap()
}

/// A network with a flow to a server in the test's hands.
async fn pair() -> (Ear, TcpStream, ServerUri) {
    pair_with(FlowSettings::default()).await
}

async fn pair_with(settings: FlowSettings) -> (Ear, TcpStream, ServerUri) {
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let uri = uri(listener.local_addr().unwrap());
    let mut ear = Ear::new(Network::new());
    ear.network.connect(FLOW, &uri, &settings);
    let (stream, from) = in_time(listener.accept()).await.unwrap();
    match ear.next().await {
        Signal::Up { flow: FLOW, local, peer, .. } => {
            assert_eq!((local, peer.port()), (from, uri.port));
        }
        other => panic!("{other:?}"),
    }
    (ear, stream, uri)
}

/// A listening network, and a client in the test's hands.
async fn client() -> (Ear, TcpStream, FlowId) {
    let mut network = Network::new();
    let address = network.listen(Transport::Tcp, LOOPBACK.parse().unwrap()).unwrap();
    let mut ear = Ear::new(network);
    let stream = TcpStream::connect(address).await.unwrap();
    let flow = ear.accepted().await;
    (ear, stream, flow)
}

async fn expect(stream: &mut TcpStream, text: &str) {
    let mut read = vec![0; text.len()];
    in_time(stream.read_exact(&mut read)).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&read), text);
}

/// Reads until the peer ends its half.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut read = Vec::new();
    in_time(stream.read_to_end(&mut read)).await.unwrap();
    read
}

/// A network that listens, with so little patience, and its address.
fn impatient(guests: GuestLimits) -> (Network, SocketAddr) {
    let mut network = Network::new().with_guest_limits(guests);
    let address = network.listen(Transport::Tcp, LOOPBACK.parse().unwrap()).unwrap();
    (network, address)
}

/// Waits for the end of a flow and gives its reason.
async fn end(network: &mut Network) -> String {
    let mut signals = Vec::new();
    loop {
        in_time(network.receive(&mut signals)).await;
        let down = signals.drain(..).find_map(|signal| match signal {
            Signal::Down { reason, .. } => Some(reason),
            _ => None,
        });
        if let Some(reason) = down {
            return reason;
        }
    }
}

#[tokio::test]
async fn a_peer_that_connects_and_says_nothing_is_left() {
    let silence = Duration::from_millis(200);
    let (mut network, address) = impatient(GuestLimits { silence, ..GuestLimits::default() });
    let mut peer = TcpStream::connect(address).await.unwrap();
    let reason = end(&mut network).await;
    assert!(reason.ends_with("was closed: nothing came within 200ms of its opening"), "{reason}");
    assert_eq!(in_time(peer.read(&mut [0])).await.unwrap(), 0);
}

#[tokio::test]
async fn a_peer_that_never_ends_its_message_is_left() {
    let message = Duration::from_millis(200);
    let (mut network, address) = impatient(GuestLimits { message, ..GuestLimits::default() });
    let mut peer = TcpStream::connect(address).await.unwrap();
    peer.write_all(b"\r\n\r\nOPTIONS sip:a SIP/2.0\r\n").await.unwrap();
    let reason = end(&mut network).await;
    assert!(reason.ends_with("had begun was not whole within 200ms"), "{reason}");
    let mut answers = Vec::new();
    in_time(peer.read_to_end(&mut answers)).await.unwrap();
    assert_eq!(answers, b"\r\n", "the pong, and the end");
}

#[tokio::test]
async fn no_more_connections_are_taken_than_are_granted_and_one_that_ends_makes_room() {
    let (mut network, address) =
        impatient(GuestLimits { connections: 1, ..GuestLimits::default() });
    let first = TcpStream::connect(address).await.unwrap();
    let mut signals = Vec::new();
    in_time(network.receive(&mut signals)).await;
    assert!(matches!(*signals, [Signal::Accepted { .. }]), "{signals:?}");
    let mut second = TcpStream::connect(address).await.unwrap();
    assert_eq!(in_time(second.read(&mut [0])).await.unwrap_or(0), 0, "it is closed at once");
    drop(first);
    end(&mut network).await;
    loop {
        // The room is free once the last word was said on the first.
        let mut third = TcpStream::connect(address).await.unwrap();
        third.write_all(b"\r\n\r\n").await.unwrap();
        if in_time(third.read(&mut [0; 2])).await.is_ok_and(|length| length > 0) {
            break;
        }
    }
}

#[tokio::test]
async fn messages_are_framed_however_the_stream_is_cut() {
    let (mut ear, mut stream, _) = pair().await;
    stream.set_nodelay(true).unwrap();
    for piece in OPTIONS.repeat(3).as_bytes().chunks(7) {
        stream.write_all(piece).await.unwrap();
        tokio::task::yield_now().await;
    }
    for _ in 0..3 {
        assert_eq!(ear.message().await, OPTIONS);
    }
    stream.write_all(OPTIONS.repeat(500).as_bytes()).await.unwrap();
    for _ in 0..500 {
        assert_eq!(ear.message().await, OPTIONS);
    }
}

#[tokio::test]
async fn what_is_sent_arrives_in_its_order() {
    let (mut ear, mut stream, _) = pair().await;
    for number in 0..200 {
        ear.network.send(FLOW, None, format!("{number} ").into()).unwrap();
    }
    let expected: String = (0..200).map(|number| format!("{number} ")).collect();
    expect(&mut stream, &expected).await;
}

#[tokio::test]
async fn a_ping_is_answered_and_is_no_message() {
    let (mut ear, mut stream, _) = client().await;
    stream.write_all(b"\r\n\r\n").await.unwrap();
    expect(&mut stream, "\r\n").await;
    stream.write_all(OPTIONS.as_bytes()).await.unwrap();
    assert_eq!(ear.message().await, OPTIONS);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_with_the_reason() {
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let uri = uri(listener.local_addr().unwrap());
    drop(listener);
    let mut ear = Ear::new(Network::new());
    ear.network.connect(FLOW, &uri, &FlowSettings::default());
    assert_eq!(ear.down().await, format!("{uri} cannot be reached: connection refused"));
}

#[tokio::test]
async fn a_message_without_content_length_is_shown_and_ends_the_connection() {
    let (mut ear, mut stream, uri) = pair().await;
    let bare = "SIP/2.0 200 OK\r\nX: y\r\n\r\n";
    stream.write_all(bare.as_bytes()).await.unwrap();
    assert_eq!(ear.message().await, bare);
    assert_eq!(
        ear.down().await,
        format!(
            "the connection with {uri} was closed: a message has no Content-Length, so nobody knows where the next one begins (RFC 3261 §18.3)"
        )
    );
    assert_eq!(rest(&mut stream).await, b"");
}

#[tokio::test]
async fn a_message_that_cannot_be_followed_is_handed_on_for_an_answer_and_ends_the_connection() {
    for head in [
        "OPTIONS sip:a SIP/2.0\r\nContent-Length: 99999999999\r\n\r\n".to_owned(),
        "OPTIONS sip:a SIP/2.0\r\nContent-Length: x\r\n\r\n".to_owned(),
        "x".repeat(5 << 20),
    ] {
        let (mut ear, stream, _) = pair().await;
        let (mut input, mut output) = stream.into_split();
        // The connection may be closed before all is written.
        let length = head.len().min(Limits::default().message + 1);
        let write = async { drop(output.write_all(head.as_bytes()).await) };
        let answer = async {
            assert_eq!(ear.message().await, head[..length]);
            ear.network.send(FLOW, None, Bytes::from_static(b"no")).unwrap();
            let reason = ear.down().await;
            assert!(reason.contains("was closed: "), "{reason}");
        };
        let read = async {
            let mut all = Vec::new();
            in_time(input.read_to_end(&mut all)).await.expect("no reset");
            assert_eq!(all, b"no");
        };
        tokio::join!(write, answer, read);
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_passed_over_and_the_connection_goes_on() {
    let (mut ear, mut stream, _) = pair().await;
    let head = "OPTIONS sip:a SIP/2.0\r\nContent-Length: 5000000\r\n\r\n";
    let write = async {
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&vec![b'x'; 5_000_000]).await.unwrap();
        stream.write_all(OPTIONS.as_bytes()).await.unwrap();
    };
    let hear = async {
        assert_eq!(ear.message().await, head);
        assert_eq!(ear.message().await, OPTIONS);
    };
    in_time(async { tokio::join!(write, hear) }).await;
}

#[tokio::test]
async fn a_server_that_ends_its_half_gets_what_was_queued_and_the_flow_is_down() {
    let (mut ear, mut stream, uri) = pair().await;
    stream.write_all(OPTIONS.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(ear.message().await, OPTIONS);
    ear.network.send(FLOW, None, Bytes::from_static(b"answer")).unwrap();
    assert_eq!(rest(&mut stream).await, b"answer");
    assert_eq!(ear.down().await, format!("{uri} closed the connection"));
}

#[tokio::test]
async fn a_client_that_ends_its_half_still_gets_its_answer() {
    let (mut ear, mut stream, flow) = client().await;
    stream.write_all(OPTIONS.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(ear.message().await, OPTIONS);
    ear.network.send(flow, None, Bytes::from_static(b"answer")).unwrap();
    expect(&mut stream, "answer").await;
    drop(stream);
    // Writing to a peer that is gone altogether is what brings it to light before the wait is over.
    in_time(async {
        while ear.network.send(flow, None, Bytes::from_static(b"more")).is_ok() {
            let mut signals = Vec::new();
            let _ = timeout(Duration::from_millis(1), ear.network.receive(&mut signals)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_peer_that_leaves_inside_of_a_message_is_told() {
    let (mut ear, mut stream, _) = pair().await;
    stream.write_all(&OPTIONS.as_bytes()[..20]).await.unwrap();
    drop(stream);
    let reason = ear.down().await;
    let words = "broke: the peer ended it inside of a message, after 20 of its bytes";
    assert!(reason.ends_with(words), "{reason}");
}

#[tokio::test]
async fn closing_writes_what_was_queued_and_ends_the_connection() {
    let (mut ear, mut stream, _) = pair().await;
    ear.network.send(FLOW, None, Bytes::from_static(b"first")).unwrap();
    ear.network.close(FLOW);
    assert_eq!(rest(&mut stream).await, b"first");
    drop(stream);
    in_time(ear.network.shut_down()).await;
}

#[tokio::test]
async fn a_peer_that_reads_nothing_meets_a_bounded_queue() {
    let (mut ear, stream, uri) = pair().await;
    let message = Bytes::from(vec![b'a'; 900]);
    let error = in_time(async {
        loop {
            match ear.network.send(FLOW, None, message.clone()) {
                Ok(()) => tokio::task::yield_now().await,
                Err(error) => break error.to_string(),
            }
        }
    })
    .await;
    let words = format!("{uri} takes messages too slowly: 8192 wait to be sent already");
    assert_eq!(error, words);
    assert_eq!(ear.network.room(Instant::now(), FLOW), Room::Full);
    in_time(ear.network.shut_down()).await;
    drop(stream);
}

#[tokio::test]
async fn what_waits_for_a_peer_that_reads_nothing_is_bounded_in_bytes() {
    let (mut ear, stream, uri) = pair().await;
    let message = Bytes::from(vec![b'a'; 60_000]);
    let error = in_time(async {
        loop {
            match ear.network.send(FLOW, None, message.clone()) {
                Ok(()) => tokio::task::yield_now().await,
                Err(error) => break error.to_string(),
            }
        }
    })
    .await;
    assert_eq!(
        error,
        format!(
            "{uri} takes messages too slowly: 140 messages with 8400000 bytes wait to be sent already"
        )
    );
    assert_eq!(ear.network.room(Instant::now(), FLOW), Room::Full);
    in_time(ear.network.shut_down()).await;
    drop(stream);
}

#[tokio::test]
async fn a_peer_that_takes_nothing_for_too_long_is_dead() {
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let uri = uri(listener.local_addr().unwrap());
    let mut ear = Ear::new(Network::new());
    ear.network.set_write_timeout(Duration::from_millis(300));
    ear.network.connect(FLOW, &uri, &FlowSettings::default());
    let (stream, _) = in_time(listener.accept()).await.unwrap();
    assert!(matches!(ear.next().await, Signal::Up { .. }));
    let message = Bytes::from(vec![b'a'; 60_000]);
    while ear.network.send(FLOW, None, message.clone()).is_ok() {
        tokio::task::yield_now().await;
    }
    let why = "broke: the peer has taken nothing of what was sent for 300ms";
    assert_eq!(ear.down().await, format!("the connection with {uri} {why}"));
    drop(stream);
}

#[tokio::test]
async fn a_peer_that_takes_little_by_little_is_alive() {
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let uri = uri(listener.local_addr().unwrap());
    let mut ear = Ear::new(Network::new());
    ear.network.set_write_timeout(Duration::from_secs(2));
    ear.network.connect(FLOW, &uri, &FlowSettings::default());
    let (mut stream, _) = in_time(listener.accept()).await.unwrap();
    assert!(matches!(ear.next().await, Signal::Up { .. }));
    let message = Bytes::from(vec![b'a'; 60_000]);
    let mut sent = 0;
    while ear.network.send(FLOW, None, message.clone()).is_ok() {
        sent += message.len();
        tokio::task::yield_now().await;
    }
    let begun = Instant::now();
    let (mut came, mut buffer) = (0, vec![0; 64 << 10]);
    while came < sent {
        came += in_time(stream.read(&mut buffer)).await.unwrap();
        // It takes longer in all than it may take at once.
        if begun.elapsed() < Duration::from_secs(3) {
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    }
    assert!(begun.elapsed() > Duration::from_secs(3));
    ear.network.send(FLOW, None, Bytes::from_static(OPTIONS.as_bytes())).unwrap();
    expect(&mut stream, OPTIONS).await;
}

#[tokio::test]
async fn a_flow_leaves_from_the_address_that_it_is_bound_to() {
    let bound =
        |address: &str| FlowSettings { bind: Some(address.parse().unwrap()), ..Default::default() };
    for (host, bind) in [("127.0.0.1", "127.0.0.9"), ("::1", "::1")] {
        for transport in [Transport::Tcp, Transport::Udp] {
            let mut far = Network::new();
            let any = SocketAddr::new(host.parse().unwrap(), 0);
            let address = far.listen(transport, any).unwrap();
            let server = format!("sip:{address};transport={transport}").parse().unwrap();
            let mut ear = Ear::new(Network::new());
            ear.network.connect(FLOW, &server, &bound(bind));
            match ear.next().await {
                Signal::Up { local, .. } => assert_eq!(local.ip().to_string(), bind),
                other => panic!("{other:?}"),
            }
        }
    }
    let server: ServerUri = "sip:127.0.0.1:5060;transport=tcp".parse().unwrap();
    let mut ear = Ear::new(Network::new());
    ear.network.connect(FLOW, &server, &bound("::1"));
    let words = "the address to bind, ::1, is IPv6 and 127.0.0.1:5060 is IPv4";
    assert_eq!(ear.down().await, format!("{server} cannot be reached: {words}"));
    ear.network.connect(FLOW, &server, &bound("192.0.2.1"));
    let words =
        "the address to bind, 192.0.2.1, cannot be used: no network interface has that address";
    assert_eq!(ear.down().await, format!("{server} cannot be reached: {words}"));
}

#[tokio::test]
async fn a_port_that_is_in_use_cannot_be_listened_on() {
    let mut network = Network::new();
    let address = network.listen(Transport::Tcp, LOOPBACK.parse().unwrap()).unwrap();
    assert!(Network::new().listen(Transport::Tcp, address).is_err());
}

fn kept_alive(interval: Duration, must_answer: bool) -> FlowSettings {
    let keep_alive = KeepAlive { interval: Some(interval), must_answer };
    FlowSettings { keep_alive, ..FlowSettings::default() }
}

#[tokio::test]
async fn pings_are_sent_and_their_answers_measured() {
    let (mut ear, mut stream, _) = pair_with(kept_alive(Duration::from_millis(50), true)).await;
    for _ in 0..3 {
        expect(&mut stream, "\r\n\r\n").await;
        stream.write_all(b"\r\n").await.unwrap();
        match ear.next().await {
            Signal::Pong { flow: FLOW, rtt } => assert!(rtt < DEADLINE),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_peer_that_stops_answering_is_found_dead() {
    let (mut ear, mut stream, uri) = pair_with(kept_alive(Duration::from_millis(50), false)).await;
    expect(&mut stream, "\r\n\r\n").await;
    stream.write_all(b"\r\n").await.unwrap();
    let Signal::Pong { .. } = ear.next().await else { panic!() };
    let why = "broke: no answer to a keep-alive within 10 s (RFC 5626 §4.4.1)";
    assert_eq!(ear.down().await, format!("the connection with {uri} {why}"));
}

#[tokio::test]
async fn a_datagram_flow_is_kept_open_and_hears_that_nobody_is_there() {
    let peer = tokio::net::UdpSocket::bind(LOOPBACK).await.unwrap();
    let server = format!("sip:{};transport=udp", peer.local_addr().unwrap()).parse().unwrap();
    let mut ear = Ear::new(Network::new());
    ear.network.connect(FLOW, &server, &kept_alive(Duration::from_millis(50), false));
    let Signal::Up { .. } = ear.next().await else { panic!() };
    let mut read = [0; 16];
    for _ in 0..2 {
        let length = in_time(peer.recv(&mut read)).await.unwrap();
        assert_eq!(&read[..length], b"\r\n\r\n");
    }
    drop(peer);
    let Signal::Undelivered { reason, .. } = ear.next().await else { panic!() };
    assert!(reason.ends_with("cannot be reached: connection refused"), "{reason}");
}
