//! Over real sockets: whatever can be answered is answered, and a stream ends only where nobody
//! knows where its next message begins.

use std::time::Duration;

use sipboard::demo::{self, Demo};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    time::timeout,
};

const DEADLINE: Duration = Duration::from_secs(30);

async fn in_time<T>(what: impl Future<Output = T>) -> T {
    timeout(DEADLINE, what).await.expect("in time")
}

async fn start() -> Demo {
    demo::start(demo::Config::default()).await.expect("it listens")
}

/// An OPTIONS with that request line and these headers more.
fn request(branch: u32, line: &[u8], headers: &str, length: &str) -> Vec<u8> {
    let rest = format!(
        "\r\nVia: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK{branch}\r\nMax-Forwards: 70\r\n\
         From: <sip:a@b.test>;tag=1\r\nTo: <sip:x@demo.test>\r\nCall-ID: {branch}\r\n\
         CSeq: {branch} OPTIONS\r\n{headers}Content-Length: {length}\r\n\r\n"
    );
    [line, rest.as_bytes()].concat()
}

const LINE: &[u8] = b"OPTIONS sip:x@demo.test SIP/2.0";

/// What is wrong, the status that it gets, and whether a stream goes on behind it.
fn flawed() -> Vec<(&'static str, Vec<u8>, &'static str, bool)> {
    let many = "X: y\r\n".repeat(2000);
    let long = format!("X: {}\r\n", "y".repeat(65_000));
    let tabbed = b"OPTIONS\tsip:x@demo.test SIP/2.0";
    let no_version = b"OPTIONS sip:x@demo.test";
    vec![
        ("a byte", request(1, b"OPTIONS sip:\xe9@demo.test SIP/2.0", "", "0"), "400", true),
        ("a tab", request(2, tabbed, "", "0"), "400", true),
        ("no version", request(3, no_version, "", "0"), "400", true),
        ("a version", request(4, b"OPTIONS sip:x@demo.test SIP/7.0", "", "0"), "505", true),
        ("a scheme", request(5, b"OPTIONS nobody:x SIP/2.0", "", "0"), "416", true),
        ("2,000 headers", request(6, LINE, &many, "0"), "400", true),
        (
            "a parameter too many",
            request(7, LINE, &format!("X: {}\r\n", ";y".repeat(2000)), "0"),
            "400",
            true,
        ),
        ("nothing but length", request(8, LINE, &long, "0"), "200", true),
        ("a length that is none", request(9, LINE, "", "-5"), "400", false),
        ("two lengths", request(10, LINE, "l: 4\r\n", "0"), "400", false),
        ("a length beyond all", request(11, LINE, "", "18446744073709551615"), "513", false),
    ]
}

#[tokio::test]
async fn on_udp_every_flaw_gets_its_answer() {
    let demo = start().await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(demo.addresses().udp.unwrap()).await.unwrap();
    for (what, bytes, status, _) in flawed() {
        if bytes.len() > 65_000 {
            continue;
        }
        in_time(socket.send(&bytes)).await.unwrap();
        let mut answer = vec![0; 65_536];
        let length = in_time(socket.recv(&mut answer)).await.unwrap();
        let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
        assert!(answer.starts_with(&format!("SIP/2.0 {status} ")), "{what}: {answer}");
    }
    demo.stop().await;
}

#[tokio::test]
async fn on_a_stream_every_flaw_gets_its_answer_and_only_a_lost_end_closes() {
    let demo = start().await;
    for (what, bytes, status, goes_on) in flawed() {
        let mut stream = TcpStream::connect(demo.addresses().tcp.unwrap()).await.unwrap();
        in_time(stream.write_all(&bytes)).await.unwrap();
        in_time(stream.write_all(&request(99, LINE, "", "0"))).await.unwrap();
        let mut all = Vec::new();
        let next = "CSeq: 99 OPTIONS";
        while !String::from_utf8_lossy(&all).contains(next) {
            let mut piece = vec![0; 65_536];
            match in_time(stream.read(&mut piece)).await.expect("no reset") {
                0 => break,
                length => all.extend_from_slice(&piece[..length]),
            }
        }
        let answers = String::from_utf8_lossy(&all).into_owned();
        assert!(answers.starts_with(&format!("SIP/2.0 {status} ")), "{what}: {answers}");
        assert_eq!(answers.contains(next), goes_on, "{what}: {answers}");
    }
    demo.stop().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_it_has_come_and_then_passed_over() {
    let demo = start().await;
    let mut stream = TcpStream::connect(demo.addresses().tcp.unwrap()).await.unwrap();
    in_time(stream.write_all(&request(1, LINE, "", "5000000"))).await.unwrap();
    let mut answer = [0; 12];
    in_time(stream.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"SIP/2.0 513 ");
    let (mut input, mut output) = stream.split();
    let write = async {
        output.write_all(&vec![b'x'; 5_000_000]).await.unwrap();
        output.write_all(&request(2, LINE, "", "0")).await.unwrap();
    };
    let read = async {
        let mut all = Vec::new();
        while !String::from_utf8_lossy(&all).contains("SIP/2.0 200 OK") {
            let mut piece = [0; 4096];
            let length = input.read(&mut piece).await.unwrap();
            assert!(length > 0, "the connection goes on");
            all.extend_from_slice(&piece[..length]);
        }
    };
    in_time(async { tokio::join!(write, read) }).await;
    demo.stop().await;
}

#[tokio::test]
async fn an_answer_whose_connection_is_gone_comes_on_a_new_one_to_the_port_of_the_via() {
    let pace = demo::Pace { slow: Duration::from_secs(3), ..demo::Pace::default() };
    let settings = demo::Settings { pace, ..demo::Settings::default() };
    let config = demo::Config { settings, ..demo::Config::default() };
    let demo = demo::start(config).await.expect("it listens");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut first = TcpStream::connect(demo.addresses().tcp.unwrap()).await.unwrap();
    let invite = format!(
        "INVITE sip:slow@demo.test SIP/2.0\r\nVia: SIP/2.0/TCP a.test:{port};branch=z9hG4bK1\r\n\
         Max-Forwards: 70\r\nFrom: <sip:a@a.test>;tag=f\r\nTo: <sip:slow@demo.test>\r\n\
         Call-ID: c\r\nCSeq: 1 INVITE\r\nContact: <sip:a@127.0.0.1:{port};transport=tcp>\r\n\
         Content-Length: 0\r\n\r\n"
    );
    first.write_all(invite.as_bytes()).await.unwrap();
    let mut trying = [0; 15];
    in_time(first.read_exact(&mut trying)).await.unwrap();
    assert_eq!(&trying, b"SIP/2.0 100 Try");
    // With a reset, so that the server knows that nobody listens any more.
    first.set_zero_linger().unwrap();
    drop(first);
    let (mut second, _) = in_time(listener.accept()).await.unwrap();
    let mut ok = [0; 14];
    in_time(second.read_exact(&mut ok)).await.unwrap();
    assert_eq!(&ok, b"SIP/2.0 200 OK");
    demo.stop().await;
}
