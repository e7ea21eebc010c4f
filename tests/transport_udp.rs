//! UDP flows and listeners on loopback.

use std::{
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

use bytes::Bytes;
use sipboard::{
    sip::{FlowId, Transport},
    transport::{FlowSettings, Network, ServerUri, Signal},
};
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_secs(10);
const LOOPBACK: &str = "127.0.0.1:0";

fn peer() -> (UdpSocket, ServerUri) {
    let socket = UdpSocket::bind(LOOPBACK).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    let server = server(socket.local_addr().unwrap());
    (socket, server)
}

fn server(address: SocketAddr) -> ServerUri {
    format!("sip:{address};transport=udp").parse().unwrap()
}

fn take(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = vec![0; 65_535];
    let (length, from) = socket.recv_from(&mut buffer).unwrap();
    buffer.truncate(length);
    (buffer, from)
}

/// The next signals, at least one.
async fn receive(network: &mut Network) -> Vec<Signal> {
    let mut signals = Vec::new();
    timeout(DEADLINE, network.receive(&mut signals)).await.expect("a signal in time");
    signals
}

async fn one(network: &mut Network) -> Signal {
    let mut signals = receive(network).await;
    assert_eq!(signals.len(), 1, "{signals:?}");
    signals.remove(0)
}

async fn connect(network: &mut Network, flow: FlowId, server: &ServerUri) -> SocketAddr {
    network.connect(flow, server, &FlowSettings::default());
    match one(network).await {
        Signal::Up { flow: up, local, peer, .. } if up == flow => {
            assert_eq!(peer.port(), server.port);
            assert!(!local.ip().is_unspecified() && local.port() != 0, "{local}");
            local
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn datagrams_go_both_ways_and_keep_every_byte() {
    let (socket, server) = peer();
    let mut network = Network::new();
    let local = connect(&mut network, FlowId(1), &server).await;
    let messages: [&[u8]; 4] = [b"", b"\r\n\r\n", b"OPTIONS \0\xff", &[b'a'; 60_000]];
    for bytes in messages {
        network.send(FlowId(1), None, Bytes::copy_from_slice(bytes)).unwrap();
        let (taken, from) = take(&socket);
        assert_eq!((&*taken, from), (bytes, local));
        socket.send_to(bytes, local).unwrap();
        match one(&mut network).await {
            Signal::Message { flow, source, bytes: taken, .. } => {
                assert_eq!((flow, source), (FlowId(1), socket.local_addr().unwrap()));
                assert_eq!(taken, bytes);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_refused_datagram_is_told_with_address_and_reason_and_the_flow_stays_usable() {
    let (socket, server) = peer();
    let address = socket.local_addr().unwrap();
    drop(socket);
    let mut network = Network::new();
    let local = connect(&mut network, FlowId(1), &server).await;
    network.send(FlowId(1), None, Bytes::from_static(b"x")).unwrap();
    let reason = format!("udp {address} cannot be reached: connection refused");
    assert_eq!(one(&mut network).await, Signal::Undelivered { flow: FlowId(1), to: None, reason });

    let socket = UdpSocket::bind(address).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    network.send(FlowId(1), None, Bytes::from_static(b"y")).unwrap();
    assert_eq!(take(&socket), (b"y".to_vec(), local));
}

#[tokio::test]
async fn an_earlier_refusal_does_not_swallow_the_next_datagram() {
    let (socket, server) = peer();
    let address = socket.local_addr().unwrap();
    drop(socket);
    let mut network = Network::new();
    connect(&mut network, FlowId(1), &server).await;
    // On one thread nobody reads between the two: the second send meets the ICMP error of the
    // first.
    network.send(FlowId(1), None, Bytes::from_static(b"x")).unwrap();
    let socket = UdpSocket::bind(address).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    network.send(FlowId(1), None, Bytes::from_static(b"y")).unwrap();
    assert_eq!(take(&socket).0, b"y");
    assert!(matches!(one(&mut network).await, Signal::Undelivered { .. }));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_peer_may_answer_from_another_port_and_be_answered_there() {
    let (_socket, server) = peer();
    let (other, _) = peer();
    let mut network = Network::new();
    let local = connect(&mut network, FlowId(1), &server).await;
    other.send_to(b"from elsewhere", local).unwrap();
    let there = other.local_addr().unwrap();
    match one(&mut network).await {
        Signal::Message { source, bytes, .. } => {
            assert_eq!((source, &*bytes), (there, &b"from elsewhere"[..]));
        }
        other => panic!("{other:?}"),
    }
    network.send(FlowId(1), Some(there), Bytes::from_static(b"answer")).unwrap();
    assert_eq!(take(&other), (b"answer".to_vec(), local));
}

#[tokio::test]
async fn flows_to_one_peer_have_ports_of_their_own() {
    let (_socket, server) = peer();
    let mut network = Network::new();
    let first = connect(&mut network, FlowId(1), &server).await;
    let second = connect(&mut network, FlowId(2), &server).await;
    assert_ne!(first, second);
}

#[tokio::test]
async fn a_listener_is_one_flow_that_answers_whoever_wrote() {
    let mut network = Network::new();
    let address = network.listen(Transport::Udp, LOOPBACK.parse().unwrap()).unwrap();
    let Signal::Accepted { flow, transport, local, .. } = one(&mut network).await else { panic!() };
    assert_eq!((transport, local), (Transport::Udp, address));
    for _ in 0..2 {
        let (socket, _) = peer();
        socket.send_to(b"hello", address).unwrap();
        let Signal::Message { flow: came, source, .. } = one(&mut network).await else { panic!() };
        assert_eq!((came, source), (flow, socket.local_addr().unwrap()));
        network.send(flow, Some(source), Bytes::from_static(b"answer")).unwrap();
        assert_eq!(take(&socket), (b"answer".to_vec(), address));
    }
    let error = network.send(flow, None, Bytes::from_static(b"x")).unwrap_err();
    assert!(error.to_string().contains("needs an address"), "{error}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_datagram_to_another_than_the_peer_that_is_refused_is_told_with_its_address() {
    let (socket, server) = peer();
    let (other, _) = peer();
    let there = other.local_addr().unwrap();
    drop(other);
    let mut network = Network::new();
    let local = connect(&mut network, FlowId(1), &server).await;
    for _ in 0..3 {
        network.send(FlowId(1), Some(there), Bytes::from_static(b"x")).unwrap();
        let reason = format!("udp {there} cannot be reached: connection refused");
        let told = Signal::Undelivered { flow: FlowId(1), to: Some(there), reason };
        assert_eq!(one(&mut network).await, told);
    }
    // On one thread nobody reads between the two: the refusal of the first holds up no other.
    network.send(FlowId(1), Some(there), Bytes::from_static(b"x")).unwrap();
    let (third, _) = peer();
    let third_address = third.local_addr().unwrap();
    network.send(FlowId(1), Some(third_address), Bytes::from_static(b"y")).unwrap();
    assert_eq!(take(&third), (b"y".to_vec(), local));
    network.send(FlowId(1), None, Bytes::from_static(b"z")).unwrap();
    assert_eq!(take(&socket), (b"z".to_vec(), local));
    assert!(matches!(one(&mut network).await, Signal::Undelivered { to: Some(_), .. }));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_listener_on_every_address_answers_from_the_one_that_was_asked() {
    for (everywhere, asked) in [
        ("0.0.0.0:0", &["127.0.0.1", "127.0.0.5", "127.0.0.9", "127.0.0.5"][..]),
        ("[::]:0", &["127.0.0.5", "::1", "127.0.0.1", "127.0.0.5"]),
    ] {
        let mut network = Network::new();
        let port = network.listen(Transport::Udp, everywhere.parse().unwrap()).unwrap().port();
        let Signal::Accepted { flow: any, .. } = one(&mut network).await else { panic!() };
        let mut known = std::collections::HashMap::new();
        for (nth, asked) in asked.iter().enumerate() {
            let asked = SocketAddr::new(asked.parse().unwrap(), port);
            let ours = if asked.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
            let client = UdpSocket::bind(ours).unwrap();
            client.set_read_timeout(Some(DEADLINE)).unwrap();
            client.send_to(b"hello", asked).unwrap();
            let mut signals = receive(&mut network).await;
            let is_new = !known.contains_key(&asked);
            while signals.len() < 1 + usize::from(is_new) {
                signals.extend(receive(&mut network).await);
            }
            if is_new {
                let Signal::Accepted { flow, local, .. } = signals.remove(0) else { panic!() };
                assert_eq!(local, asked);
                assert_ne!(flow, any);
                known.insert(asked, flow);
            }
            let Signal::Message { flow, source, .. } = signals.remove(0) else { panic!() };
            assert_eq!(flow, known[&asked], "{nth}");
            network.send(flow, Some(source), Bytes::from_static(b"answer")).unwrap();
            assert_eq!(take(&client), (b"answer".to_vec(), asked));
        }
    }
}

#[tokio::test]
async fn a_closed_flow_is_not_heard_of_again_and_its_id_can_be_used_anew() {
    let (socket, server) = peer();
    let mut network = Network::new();
    let first = connect(&mut network, FlowId(1), &server).await;
    socket.send_to(b"too late", first).unwrap();
    network.close(FlowId(1));
    let error = network.send(FlowId(1), None, Bytes::from_static(b"x")).unwrap_err();
    assert_eq!(error.to_string(), "flow 1 is closed");
    let second = connect(&mut network, FlowId(1), &server).await;
    socket.send_to(b"in time", second).unwrap();
    let Signal::Message { bytes, .. } = one(&mut network).await else { panic!() };
    assert_eq!(bytes, "in time");
}

#[tokio::test]
async fn a_listener_ends_with_its_network() {
    let mut network = Network::new();
    let address = network.listen(Transport::Udp, LOOPBACK.parse().unwrap()).unwrap();
    one(&mut network).await;
    drop(network);
    timeout(DEADLINE, async {
        while UdpSocket::bind(address).is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the port is free again");
}

#[tokio::test]
async fn an_address_in_use_cannot_be_listened_on() {
    let (socket, _) = peer();
    let mut network = Network::new();
    let error = network.listen(Transport::Udp, socket.local_addr().unwrap()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}

#[tokio::test]
async fn a_datagram_that_is_too_large_is_refused_with_a_sentence() {
    let (_socket, server) = peer();
    let mut network = Network::new();
    connect(&mut network, FlowId(1), &server).await;
    let large = Bytes::from(vec![b'a'; 70_000]);
    let error = network.send(FlowId(1), None, large).unwrap_err().to_string();
    assert!(error.starts_with("70000 bytes are too large for one datagram to udp 127."), "{error}");
    assert!(error.contains("use WebSocket"), "{error}");
}

#[tokio::test]
async fn a_name_that_was_not_looked_up_cannot_be_reached() {
    let mut network = Network::new();
    network.connect(
        FlowId(1),
        &"sip:nobody.invalid;transport=udp".parse().unwrap(),
        &FlowSettings::default(),
    );
    let Signal::Down { reason, .. } = one(&mut network).await else { panic!() };
    assert_eq!(
        reason,
        "sip:nobody.invalid;transport=udp cannot be reached: its name has not been looked up"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_comes_through_whole_and_in_order() {
    const COUNT: u32 = 20_000;
    const WINDOW: u32 = 64;
    let mut listening = Network::new();
    let address = listening.listen(Transport::Udp, LOOPBACK.parse().unwrap()).unwrap();
    let echo = tokio::spawn(async move {
        let mut signals = Vec::new();
        loop {
            listening.receive(&mut signals).await;
            for signal in signals.drain(..) {
                if let Signal::Message { flow, source, bytes, .. } = signal {
                    listening.send(flow, Some(source), bytes).unwrap();
                }
            }
        }
    });
    let mut network = Network::new();
    connect(&mut network, FlowId(1), &server(address)).await;
    // No more than a window is on its way, so the kernel drops nothing.
    let (mut sent, mut came) = (0, 0);
    while came < COUNT {
        while sent < COUNT && sent - came < WINDOW {
            network.send(FlowId(1), None, Bytes::copy_from_slice(&sent.to_be_bytes())).unwrap();
            sent += 1;
        }
        for signal in receive(&mut network).await {
            let Signal::Message { bytes, .. } = signal else { panic!("{signal:?}") };
            assert_eq!(&*bytes, came.to_be_bytes());
            came += 1;
        }
    }
    echo.abort();
}

#[tokio::test]
async fn a_link_local_server_without_its_zone_says_what_is_missing() {
    for transport in ["udp", "tcp"] {
        let server: ServerUri =
            format!("sip:[fe80::1]:5060;transport={transport}").parse().unwrap();
        let mut network = Network::new();
        network.connect(FlowId(1), &server, &FlowSettings::default());
        let Signal::Down { reason, .. } = one(&mut network).await else { panic!("it is not up") };
        let words =
            format!("{server} cannot be reached: fe80::1 is link-local and may be on any link");
        assert!(reason.starts_with(&words) && reason.contains("sip:[fe80::1%25eth0]"), "{reason}");
    }
}
