//! The demo server on a real UDP socket, against a peer that is nothing but a socket.

use std::{net::SocketAddr, time::Duration};

use sipboard::{
    demo::{self, Config, Demo, Pace, Settings},
    sip::{HeaderName, Message, Timing},
};
use tokio::{net::UdpSocket, time::timeout};

const DEADLINE: Duration = Duration::from_secs(10);

/// T1 of 20 ms, so that what is repeated is repeated soon.
fn quick() -> Settings {
    Settings {
        timing: Timing { t1: Duration::from_millis(20), ..Timing::default() },
        pace: Pace {
            answer: Duration::from_millis(20),
            hang_up: Duration::from_millis(20),
            slow: Duration::from_millis(60),
            ..Pace::default()
        },
        ..Settings::default()
    }
}

struct Peer {
    socket: UdpSocket,
    local: SocketAddr,
}

impl Peer {
    async fn start() -> (Demo, Peer) {
        Peer::of("127.0.0.1:0").await
    }

    /// With a server that listens there.
    async fn of(listens: &str) -> (Demo, Peer) {
        Peer::that_asks("127.0.0.1", listens).await
    }

    /// With a server that listens there, of which this address is asked.
    async fn that_asks(asked: &str, listens: &str) -> (Demo, Peer) {
        let config =
            Config { udp: Some(listens.parse().unwrap()), settings: quick(), ..Config::nowhere() };
        let demo = demo::start(config).await.unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let addresses = demo.addresses();
        assert_eq!(addresses.ws, None);
        let port = addresses.udp.unwrap().port();
        socket.connect((asked, port)).await.unwrap();
        let local = socket.local_addr().unwrap();
        (demo, Peer { socket, local })
    }

    async fn send(&self, method: &str, user: &str, branch: &str, to_tag: &str, cseq: u32) {
        let local = self.local;
        let to_tag = if to_tag.is_empty() { String::new() } else { format!(";tag={to_tag}") };
        let text = format!(
            "{method} sip:{user}@demo.test SIP/2.0\r\nVia: SIP/2.0/UDP {local};rport;branch=z9hG4bK{branch}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:al@demo.test>;tag=me\r\nTo: <sip:{user}@demo.test>{to_tag}\r\n\
             Call-ID: {user}\r\nCSeq: {cseq} {method}\r\nContact: <sip:al@{local}>\r\nContent-Length: 0\r\n\r\n"
        );
        self.socket.send(text.as_bytes()).await.unwrap();
    }

    async fn raw(&self) -> Vec<u8> {
        let mut buffer = vec![0; 65_536];
        let length = timeout(DEADLINE, self.socket.recv(&mut buffer)).await.unwrap().unwrap();
        buffer.truncate(length);
        buffer
    }

    /// The next message, as `BYE` or `200 INVITE`.
    async fn next(&self) -> (String, Message) {
        let message = Message::read(self.raw().await.into()).unwrap();
        let short = match message.status() {
            Some(status) => format!("{status} {}", message.cseq().unwrap().method),
            None => message.method().unwrap().to_string(),
        };
        (short, message)
    }

    /// Waits for a message, passing over copies of the ones before.
    async fn until(&self, wanted: &str, passing: &[&str]) -> Message {
        loop {
            let (short, message) = self.next().await;
            if short == wanted {
                return message;
            }
            assert!(passing.contains(&&*short), "{short} came before {wanted}");
        }
    }
}

fn tag(message: &Message) -> String {
    message.to().unwrap().tag().unwrap().to_owned()
}

#[tokio::test]
async fn a_server_that_listens_everywhere_says_where_it_is_reached() {
    for everywhere in ["0.0.0.0:0", "[::]:0"] {
        is_reached("127.0.0.1", everywhere).await;
        #[cfg(target_os = "linux")]
        is_reached("127.0.0.5", everywhere).await;
    }
}

/// A connected socket takes nothing from another address than the one that it asks.
async fn is_reached(asked: &str, everywhere: &str) {
    let (demo, peer) = Peer::that_asks(asked, everywhere).await;
    peer.send("INVITE", "answer", "1", "", 1).await;
    let ok = peer.until("200 INVITE", &["180 INVITE"]).await;
    let port = demo.addresses().udp.unwrap().port();
    let contact = format!("sip:answer@{asked}:{port}");
    assert_eq!(ok.contact().unwrap().uri().as_str(), contact);
    let body = ok.body();
    let body = String::from_utf8_lossy(&body);
    assert!(body.contains(&format!("c=IN IP4 {asked}\r\n")), "{body}");
    peer.send("ACK", "answer", "2", &tag(&ok), 1).await;
    peer.send("BYE", "answer", "3", &tag(&ok), 2).await;
    peer.until("200 BYE", &["200 INVITE"]).await;
    demo.stop().await;
}

#[tokio::test]
async fn a_call_is_answered_acknowledged_and_hung_up_by_the_server() {
    let (demo, peer) = Peer::start().await;
    peer.send("INVITE", "hangup", "1", "", 1).await;
    let ringing = peer.until("180 INVITE", &[]).await;
    let ok = peer.until("200 INVITE", &[]).await;
    assert_eq!(tag(&ringing), tag(&ok));
    let server = demo.addresses().udp.unwrap();
    let contact = format!("sip:hangup@{server}");
    assert_eq!(ok.contact().unwrap().uri().as_str(), contact);
    let via = ok.header(HeaderName::Via).unwrap().text().unwrap();
    assert!(
        via.contains(&format!("rport={};", peer.local.port()))
            && via.ends_with("received=127.0.0.1")
    );
    // No ACK yet: the 200 comes again, byte for byte.
    assert_eq!(peer.until("200 INVITE", &[]).await.bytes(), ok.bytes());
    peer.send("ACK", "hangup", "2", &tag(&ok), 1).await;
    let bye = peer.until("BYE", &["200 INVITE"]).await;
    assert_eq!(bye.request_uri().unwrap(), format!("sip:al@{}", peer.local));
    let again = peer.until("BYE", &[]).await;
    assert_eq!(again.bytes(), bye.bytes(), "repeated by its client transaction");
    demo.stop().await;
}

#[tokio::test]
async fn a_ringing_call_is_cancelled() {
    let (demo, peer) = Peer::start().await;
    peer.send("INVITE", "ring", "1", "", 1).await;
    peer.until("180 INVITE", &[]).await;
    peer.send("CANCEL", "ring", "1", "", 1).await;
    peer.until("200 CANCEL", &[]).await;
    let ended = peer.until("487 INVITE", &[]).await;
    peer.until("487 INVITE", &[]).await;
    peer.send("ACK", "ring", "1", &tag(&ended), 1).await;
    peer.send("OPTIONS", "ring", "2", "", 2).await;
    peer.until("200 OPTIONS", &["487 INVITE"]).await;
    demo.stop().await;
}

#[tokio::test]
async fn a_lossy_user_answers_the_third_copy() {
    let (demo, peer) = Peer::start().await;
    for _ in 0..2 {
        peer.send("MESSAGE", "lossy", "1", "", 1).await;
    }
    // Something that is answered, to know that the two were seen.
    peer.send("OPTIONS", "answer", "2", "", 1).await;
    peer.until("200 OPTIONS", &[]).await;
    peer.send("MESSAGE", "lossy", "1", "", 1).await;
    peer.until("200 MESSAGE", &[]).await;
    demo.stop().await;
}

#[tokio::test]
async fn garbled_bytes_reach_the_peer_as_they_are() {
    let (demo, peer) = Peer::start().await;
    for wrong in ["SIP/2.0 200 OK\r\n", "Content-Length: 4000", "SIP/2.0 200 OK\r\nFrom"] {
        peer.send("INVITE", "garbled", "1", "", 1).await;
        let text = String::from_utf8(peer.raw().await).unwrap();
        assert!(text.contains(wrong), "{text}");
    }
    demo.stop().await;
}

#[tokio::test]
async fn nonsense_is_passed_over_and_the_next_request_answered() {
    let (demo, peer) = Peer::start().await;
    let large = "a".repeat(60_000);
    for nonsense in ["", "\0", "\r\n\r\n", "INVITE\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n", &large] {
        peer.socket.send(nonsense.as_bytes()).await.unwrap();
    }
    peer.send("OPTIONS", "answer", "1", "", 1).await;
    assert_eq!(peer.next().await.0, "200 OPTIONS");
    demo.stop().await;
}

#[tokio::test]
async fn stopping_hangs_up_and_waits_for_the_answer() {
    let (demo, peer) = Peer::start().await;
    peer.send("INVITE", "answer", "1", "", 1).await;
    let ok = peer.until("200 INVITE", &["180 INVITE"]).await;
    peer.send("ACK", "answer", "2", &tag(&ok), 1).await;
    peer.send("OPTIONS", "answer", "3", "", 1).await;
    peer.until("200 OPTIONS", &["200 INVITE"]).await;
    let server = demo.addresses().udp.unwrap();
    let stopping = tokio::spawn(demo.stop());
    let bye = peer.until("BYE", &["200 INVITE"]).await;
    let text = String::from_utf8(bye.bytes().to_vec()).unwrap();
    let (_, rest) = text.split_once("\r\n").unwrap();
    peer.socket.send(format!("SIP/2.0 200 OK\r\n{rest}").as_bytes()).await.unwrap();
    timeout(DEADLINE, stopping).await.unwrap().unwrap();
    // The socket is free again.
    UdpSocket::bind(server).await.unwrap();
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let taken = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let udp = taken.local_addr().unwrap();
    let error = demo::start(Config { udp: Some(udp), ..Config::nowhere() }).await.unwrap_err();
    assert!(error.to_string().contains(&format!("udp {udp}")), "{error}");
}
