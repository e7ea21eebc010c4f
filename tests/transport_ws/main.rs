//! WebSocket flows and listeners on loopback (RFC 6455, RFC 7118).

mod handshake;

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use sipboard::{
    sip::{FlowId, Transport},
    transport::{
        FlowSettings, GuestLimits, KeepAlive, Network, Room, ServerUri, Signal, WebSocketSettings,
    },
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async, client_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        handshake::server::{ErrorResponse, Request, Response},
        http::HeaderValue,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

const DEADLINE: Duration = Duration::from_secs(10);
const LOOPBACK: &str = "127.0.0.1:0";
const FLOW: FlowId = FlowId(1);

async fn in_time<T>(what: impl Future<Output = T>) -> T {
    timeout(DEADLINE, what).await.expect("in time")
}

async fn one(network: &mut Network) -> Signal {
    let mut signals = Vec::new();
    in_time(network.receive(&mut signals)).await;
    assert_eq!(signals.len(), 1, "{signals:?}");
    signals.remove(0)
}

async fn down(network: &mut Network) -> String {
    match one(network).await {
        Signal::Down { flow: FLOW, reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

async fn bytes(network: &mut Network) -> Bytes {
    match one(network).await {
        Signal::Message { bytes, .. } => bytes,
        other => panic!("{other:?}"),
    }
}

fn uri(address: SocketAddr) -> ServerUri {
    format!("ws://{address}/sip").parse().unwrap()
}

/// A server in the test's own hands.
async fn server() -> (TcpListener, ServerUri) {
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let uri = uri(listener.local_addr().unwrap());
    (listener, uri)
}

#[expect(clippy::result_large_err, reason = "the library's signature")]
fn select_sip(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    assert_eq!(request.uri().path(), "/sip");
    assert_eq!(request.headers()["Sec-WebSocket-Protocol"], "sip");
    response.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("sip"));
    Ok(response)
}

/// A network with a flow to a server in the test's hands.
async fn pair() -> (Network, WebSocketStream<TcpStream>) {
    let (listener, uri) = server().await;
    let mut network = Network::new();
    network.connect(FLOW, &uri, &FlowSettings::default());
    let (stream, from) = in_time(listener.accept()).await.unwrap();
    let socket = in_time(accept_hdr_async(stream, select_sip)).await.unwrap();
    match one(&mut network).await {
        Signal::Up { flow: FLOW, local, peer, .. } => {
            assert_eq!((local, peer.port()), (from, uri.port));
        }
        other => panic!("{other:?}"),
    }
    (network, socket)
}

/// A listening network and its address.
async fn listening() -> (Network, SocketAddr) {
    let mut network = Network::new();
    let address = network.listen(Transport::Ws, LOOPBACK.parse().unwrap()).unwrap();
    (network, address)
}

/// A client in the test's hands.
async fn client(
    address: SocketAddr,
    protocols: Option<&'static str>,
) -> Result<WebSocketStream<TcpStream>, Error> {
    let stream = TcpStream::connect(address).await?;
    let mut request = format!("ws://{address}/").into_client_request()?;
    if let Some(protocols) = protocols {
        request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static(protocols));
    }
    in_time(client_async(request, stream)).await.map(|(socket, _)| socket)
}

#[tokio::test]
async fn text_and_binary_frames_are_taken_and_text_is_sent_where_it_is_utf8() {
    let (mut network, mut socket) = pair().await;
    for message in [
        Message::text("OPTIONS sip:a SIP/2.0\r\n\r\n"),
        Message::binary(&b"\xff\0"[..]),
        Message::text(""),
        Message::text("\r\n\r\n"),
    ] {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(bytes(&mut network).await, message.clone().into_data());
        network.send(FLOW, None, message.clone().into_data()).unwrap();
        assert_eq!(in_time(socket.next()).await.unwrap().unwrap(), message);
    }
}

#[tokio::test]
async fn a_ping_is_answered_at_once() {
    let (_network, mut socket) = pair().await;
    socket.send(Message::Ping(Bytes::from_static(b"42"))).await.unwrap();
    let pong = in_time(socket.next()).await.unwrap().unwrap();
    assert_eq!(pong, Message::Pong(Bytes::from_static(b"42")));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_with_the_reason() {
    let (listener, uri) = server().await;
    drop(listener);
    let mut network = Network::new();
    network.connect(FLOW, &uri, &FlowSettings::default());
    assert_eq!(down(&mut network).await, format!("{uri} cannot be reached: connection refused"));
    let error = network.send(FLOW, None, Bytes::new()).unwrap_err();
    assert_eq!(error.to_string(), "flow 1 is closed");
}

#[tokio::test]
async fn a_close_frame_is_shown_with_code_and_escaped_reason_and_answered() {
    let (mut network, mut socket) = pair().await;
    socket.send(Message::text("last words")).await.unwrap();
    let frame = CloseFrame { code: CloseCode::Away, reason: "bye\x1b]0;x\x07".into() };
    socket.close(Some(frame)).await.unwrap();
    let mut signals = Vec::new();
    while !matches!(signals.last(), Some(Signal::Down { .. })) {
        in_time(network.receive(&mut signals)).await;
    }
    let [Signal::Message { bytes, .. }, Signal::Down { reason, .. }] = &*signals else {
        panic!("{signals:?}")
    };
    assert_eq!(bytes, "last words");
    assert!(
        reason.ends_with(r"/sip closed the connection with code 1001: bye\x1b]0;x\x07"),
        "{reason}"
    );
    assert!(matches!(in_time(socket.next()).await, Some(Ok(Message::Close(_)))));
}

#[tokio::test]
async fn a_close_code_that_must_not_be_sent_is_said_to_be_that() {
    let (mut network, mut socket) = pair().await;
    socket.get_mut().write_all(&[0x88, 0x03, 0x03, 0xed, b'x']).await.unwrap();
    let reason = down(&mut network).await;
    assert!(reason.contains(" with code 1005, which must not be sent"), "{reason}");
    assert!(reason.ends_with("which must not be sent (RFC 6455 §7.4)"), "{reason}");
}

#[tokio::test]
async fn a_connection_that_breaks_is_named_with_the_reason() {
    let (mut network, socket) = pair().await;
    drop(socket);
    let reason = down(&mut network).await;
    assert!(reason.starts_with("the connection with ws://127.0.0.1:"), "{reason}");
    assert!(reason.ends_with("broke: the peer ended it without a close frame"), "{reason}");
}

#[tokio::test]
async fn a_message_over_the_limit_ends_the_connection() {
    let (mut network, mut socket) = pair().await;
    let large = "a".repeat((4 << 20) + 1);
    socket.send(Message::text(large)).await.unwrap();
    let reason = down(&mut network).await;
    assert!(
        reason.ends_with(
            "/sip was closed with code 1009: the peer sent a message of 4194305 bytes; at most 4194304 are taken"
        ),
        "{reason}"
    );
    assert_eq!(close_code(&mut socket).await, CloseCode::Size);
}

#[tokio::test]
async fn a_client_that_says_nothing_is_left_with_a_code() {
    let silence = Duration::from_millis(200);
    let mut network =
        Network::new().with_guest_limits(GuestLimits { silence, ..GuestLimits::default() });
    let address = network.listen(Transport::Ws, LOOPBACK.parse().unwrap()).unwrap();
    let mut request = format!("ws://{address}/").into_client_request().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("sip"));
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut socket, _) = in_time(client_async(request, stream)).await.unwrap();
    let reason = loop {
        if let Signal::Down { reason, .. } = one(&mut network).await {
            break reason;
        }
    };
    assert!(
        reason.ends_with("was closed with code 1008: nothing came within 200ms of its opening"),
        "{reason}"
    );
    assert_eq!(close_code(&mut socket).await, CloseCode::Policy);
}

#[tokio::test]
async fn a_client_whose_frame_trickles_is_left_though_it_was_heard_before() {
    let message = Duration::from_millis(400);
    let mut network =
        Network::new().with_guest_limits(GuestLimits { message, ..GuestLimits::default() });
    let address = network.listen(Transport::Ws, LOOPBACK.parse().unwrap()).unwrap();
    // The first byte of a frame; and a message whose first frame is not its last.
    for begun in [&b"\x81"[..], b"\x01\x82mask\x01\x02"] {
        let mut socket = client(address, Some("sip")).await.unwrap();
        socket.send(Message::text("whole")).await.unwrap();
        assert!(matches!(one(&mut network).await, Signal::Accepted { .. }));
        assert_eq!(bytes(&mut network).await, "whole");
        let mut stream = socket.into_inner();
        stream.write_all(begun).await.unwrap();
        let trickle = async {
            // More of it comes all the while: a ping, which is whole itself.
            loop {
                tokio::time::sleep(message / 8).await;
                if begun.len() > 1 {
                    let _ = stream.write_all(b"\x89\x80mask").await;
                }
            }
        };
        let ended = async {
            loop {
                if let Signal::Down { reason, .. } = one(&mut network).await {
                    return reason;
                }
            }
        };
        let reason = tokio::select! {
            reason = ended => reason,
            () = trickle => unreachable!("it never ends"),
        };
        let why = "code 1008: a message that had begun was not whole within 400ms";
        assert!(reason.ends_with(why), "{reason}");
    }
}

/// The code with which the other side closes.
async fn close_code<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
) -> CloseCode {
    match in_time(socket.next()).await.unwrap().unwrap() {
        Message::Close(Some(frame)) => frame.code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_no_websocket_frame_ends_the_connection_with_its_code() {
    for (bytes, code, word) in [
        // A text frame that is not UTF-8, one with a reserved bit, and one that goes on with nothing.
        (&[0x81, 0x01, 0xff][..], CloseCode::Invalid, "1007: the peer sent a text frame"),
        (&[0xc1, 0x01, b'a'], CloseCode::Protocol, "1002: "),
        (&[0x80, 0x01, b'a'], CloseCode::Protocol, "1002: "),
    ] {
        let (mut network, mut socket) = pair().await;
        socket.get_mut().write_all(bytes).await.unwrap();
        let reason = down(&mut network).await;
        assert!(reason.contains("was closed with code ") && reason.contains(word), "{reason}");
        assert_eq!(close_code(&mut socket).await, code);
    }
}

#[tokio::test]
async fn closing_says_goodbye_with_a_close_frame_after_what_was_queued() {
    let (mut network, mut socket) = pair().await;
    network.send(FLOW, None, Bytes::from_static(b"first")).unwrap();
    network.close(FLOW);
    assert_eq!(in_time(socket.next()).await.unwrap().unwrap(), Message::text("first"));
    match in_time(socket.next()).await.unwrap().unwrap() {
        Message::Close(Some(frame)) => assert_eq!(frame.code, CloseCode::Normal),
        other => panic!("{other:?}"),
    }
    assert!(in_time(socket.next()).await.is_none());
}

#[tokio::test]
async fn a_peer_that_reads_nothing_meets_a_bounded_queue() {
    let (mut network, socket) = pair().await;
    let message = Bytes::from(vec![b'a'; 900]);
    let error = in_time(async {
        loop {
            match network.send(FLOW, None, message.clone()) {
                Ok(()) => tokio::task::yield_now().await,
                Err(error) => break error.to_string(),
            }
        }
    })
    .await;
    assert!(error.starts_with("ws://127.0.0.1:"), "{error}");
    assert!(error.ends_with("too slowly: 8192 wait to be sent already"), "{error}");
    assert_eq!(network.room(Instant::now(), FLOW), Room::Full);
    let later = Instant::now() + Duration::from_secs(1);
    assert_eq!(network.room(later, FLOW), Room::Stuck);
    // Closing does not wait for it for ever, though it never reads.
    in_time(network.shut_down()).await;
    drop(socket);
}

#[tokio::test]
async fn a_listener_selects_sip_among_the_offered_and_passes_messages() {
    let (mut network, address) = listening().await;
    let mut socket = client(address, Some("chat, sip")).await.unwrap();
    let Signal::Accepted { flow, transport, local, .. } = one(&mut network).await else { panic!() };
    assert_eq!((transport, local), (Transport::Ws, address));
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(bytes(&mut network).await, "hello");
    network.send(flow, None, Bytes::from_static(b"answer")).unwrap();
    assert_eq!(in_time(socket.next()).await.unwrap().unwrap(), Message::text("answer"));
}

#[tokio::test]
async fn dropping_the_network_closes_its_connections_and_its_listener() {
    let (mut network, address) = listening().await;
    let mut socket = client(address, Some("sip")).await.unwrap();
    assert!(matches!(one(&mut network).await, Signal::Accepted { .. }));
    drop(network);
    assert!(matches!(in_time(socket.next()).await, Some(Ok(Message::Close(_)))));
    in_time(async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_ends_that_flood_each_other_do_not_lock_up() {
    const COUNT: u32 = 20_000;
    let (mut listener, address) = listening().await;
    let mut network = Network::new();
    network.connect(FLOW, &uri(address), &FlowSettings::default());
    let Signal::Up { .. } = one(&mut network).await else { panic!() };
    let Signal::Accepted { flow, .. } = one(&mut listener).await else { panic!() };

    async fn flood(mut network: Network, flow: FlowId) -> Network {
        let padding = vec![b'x'; 1000];
        let (mut sent, mut came) = (0_u32, 0_u32);
        let mut signals = Vec::new();
        while came < COUNT || sent < COUNT {
            while sent < COUNT {
                let bytes = [&sent.to_be_bytes()[..], &padding].concat();
                if network.send(flow, None, bytes.into()).is_err() {
                    break;
                }
                sent += 1;
            }
            if came == COUNT {
                tokio::task::yield_now().await;
                continue;
            }
            network.receive(&mut signals).await;
            for signal in signals.drain(..) {
                let Signal::Message { bytes, .. } = signal else { panic!("{signal:?}") };
                assert_eq!(bytes[..4], came.to_be_bytes());
                came += 1;
            }
        }
        network
    }
    let ends = async { tokio::join!(flood(network, FLOW), flood(listener, flow)) };
    drop(timeout(Duration::from_secs(60), ends).await.expect("in time"));
}

#[tokio::test]
async fn pings_are_sent_and_their_answers_measured() {
    let (mut listener, address) = listening().await;
    let mut network = Network::new();
    let interval = Some(Duration::from_millis(50));
    let keep_alive = KeepAlive { interval, must_answer: true };
    network.connect(FLOW, &uri(address), &FlowSettings { keep_alive, ..FlowSettings::default() });
    let answering = async {
        let mut signals = Vec::new();
        loop {
            listener.receive(&mut signals).await;
        }
    };
    let measured = async {
        let Signal::Up { .. } = one(&mut network).await else { panic!() };
        for _ in 0..3 {
            match one(&mut network).await {
                Signal::Pong { flow: FLOW, rtt } => assert!(rtt < DEADLINE),
                other => panic!("{other:?}"),
            }
        }
    };
    tokio::select! {
        () = in_time(measured) => {}
        () = answering => {}
    }
}

#[tokio::test]
async fn whoever_asks_a_listener_for_no_upgrade_gets_an_answer_of_http() {
    use tokio::io::AsyncReadExt;
    let (_network, address) = listening().await;
    let upgrade = "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\n";
    for (request, expected) in [
        (format!("GET / HTTP/1.1\r\n{upgrade}Sec-WebSocket-Version: 8\r\n\r\n"), "426"),
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), "426"),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab".to_owned(), "405"),
        ("OPTIONS sip:x SIP/2.0\r\n\r\n".to_owned(), "400"),
    ] {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        in_time(stream.read_to_string(&mut answer)).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected} ")), "{request}: {answer}");
        let has_version = answer.contains("\r\nSec-WebSocket-Version: 13\r\n");
        assert_eq!(has_version, expected == "426", "{answer}");
    }
    // The same client with the right version behind its refusal.
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET / HTTP/1.1\r\n{upgrade}Sec-WebSocket-Version: 13\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    in_time(stream.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 101");
}
