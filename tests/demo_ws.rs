//! The demo server on a real WebSocket, against a client that is nothing but one.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use sipboard::{
    demo::{self, Config, Demo},
    sip::{HeaderName, Message},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        Message as Frame,
        client::IntoClientRequest,
        http::{HeaderValue, header::SEC_WEBSOCKET_PROTOCOL},
    },
};

const DEADLINE: Duration = Duration::from_secs(10);

struct Peer(WebSocketStream<TcpStream>);

impl Peer {
    async fn start() -> (Demo, Peer) {
        let ws = Some("127.0.0.1:0".parse().unwrap());
        let demo = demo::start(Config { ws, ..Config::nowhere() }).await.unwrap();
        let peer = Peer::connect(&demo).await;
        (demo, peer)
    }

    async fn connect(demo: &Demo) -> Peer {
        let server = demo.addresses().servers().remove(0);
        let mut request = server.to_string().into_client_request().unwrap();
        let sip = HeaderValue::from_static("sip");
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, sip);
        let address = demo.addresses().ws.expect("it listens there");
        let stream = TcpStream::connect(address).await.unwrap();
        let shaken = client_async(request, stream);
        let (stream, _) = timeout(DEADLINE, shaken).await.unwrap().unwrap();
        Peer(stream)
    }

    async fn send(&mut self, method: &str, user: &str, branch: &str, to_tag: &str, more: &str) {
        let to_tag = if to_tag.is_empty() { String::new() } else { format!(";tag={to_tag}") };
        let text = format!(
            "{method} sip:{user}@demo.test SIP/2.0\r\nVia: SIP/2.0/WS x7.invalid;branch=z9hG4bK{branch}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:al@demo.test>;tag=me\r\nTo: <sip:{user}@demo.test>{to_tag}\r\n\
             Call-ID: {user}\r\nCSeq: 1 {method}\r\nContact: <sip:al@x7.invalid;transport=ws>\r\n{more}\
             Content-Length: 0\r\n\r\n"
        );
        self.0.send(Frame::text(text)).await.unwrap();
    }

    async fn next(&mut self) -> (String, Message) {
        loop {
            let frame = timeout(DEADLINE, self.0.next()).await.unwrap().unwrap().unwrap();
            if !(frame.is_text() || frame.is_binary()) {
                continue;
            }
            let message = Message::read(frame.into_data()).unwrap();
            let short = match message.status() {
                Some(status) => format!("{status} {}", message.cseq().unwrap().method),
                None => message.method().unwrap().to_string(),
            };
            return (short, message);
        }
    }

    async fn expect(&mut self, wanted: &str) -> Message {
        let (short, message) = self.next().await;
        assert_eq!(short, wanted);
        message
    }
}

#[tokio::test]
async fn responses_and_requests_come_over_the_clients_own_connection() {
    let (demo, mut peer) = Peer::start().await;
    peer.send("SUBSCRIBE", "bob", "1", "", "Event: presence\r\n").await;
    let ok = peer.expect("200 SUBSCRIBE").await;
    let via = ok.header(HeaderName::Via).unwrap().text().unwrap();
    assert!(via.starts_with("SIP/2.0/WS x7.invalid;"), "{via}");
    assert!(ok.contact().unwrap().uri().as_str().ends_with(";transport=ws"));
    let notify = peer.expect("NOTIFY").await;
    assert_eq!(notify.request_uri(), Some("sip:al@x7.invalid;transport=ws"));
    assert!(notify.via().unwrap().transport() == "WS");
    demo.stop().await;
}

#[tokio::test]
async fn a_cancel_crosses_the_answer_of_late() {
    let (demo, mut peer) = Peer::start().await;
    peer.send("INVITE", "late", "1", "", "").await;
    let ringing = peer.expect("180 INVITE").await;
    peer.send("CANCEL", "late", "1", "", "").await;
    let ok = peer.expect("200 INVITE").await;
    peer.expect("200 CANCEL").await;
    let tag = ok.to().unwrap().tag().unwrap().to_owned();
    assert_eq!(ringing.to().unwrap().tag(), Some(&*tag));
    peer.send("ACK", "late", "2", &tag, "").await;
    demo.stop().await;
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_the_others_alone() {
    let (demo, mut first) = Peer::start().await;
    let mut second = Peer::connect(&demo).await;
    first.send("INVITE", "ring", "1", "", "").await;
    first.expect("180 INVITE").await;
    drop(first);
    second.send("OPTIONS", "answer", "2", "", "").await;
    second.expect("200 OPTIONS").await;
    demo.stop().await;
}

#[tokio::test]
async fn a_client_that_never_reads_is_dropped_and_holds_up_the_others_only_for_a_while() {
    let (demo, mut deaf) = Peer::start().await;
    let mut other = Peer::connect(&demo).await;
    // Each answer copies the Via, so that what nobody reads is soon more than sockets hold.
    let padding = "x".repeat(2000);
    let flood = async {
        for number in 0.. {
            let text = format!(
                "OPTIONS sip:answer@demo.test SIP/2.0\r\nVia: SIP/2.0/WS x7.invalid;branch=z9hG4bK{number};p={padding}\r\n\
                 Max-Forwards: 70\r\nFrom: <sip:al@demo.test>;tag=me\r\nTo: <sip:answer@demo.test>\r\n\
                 Call-ID: {number}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
            );
            if deaf.0.send(Frame::text(text)).await.is_err() {
                break;
            }
        }
    };
    timeout(3 * DEADLINE, flood).await.expect("the demo server drops who never reads");
    other.send("OPTIONS", "answer", "2", "", "").await;
    other.expect("200 OPTIONS").await;
    demo.stop().await;
}
