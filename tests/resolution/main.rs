//! Names: a DNS server of the tests' own, the resolver that asks it, and requests that go where it
//! says.

#[path = "../cli_support/mod.rs"]
mod cli_support;
#[path = "../dns_server/mod.rs"]
mod dns_server;

mod command_line;
mod engine;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use dns_server::{DnsServer, silent};
use sipboard::{
    sip::{
        Transport,
        resolution::{Discovery, Resolved, Target},
    },
    transport::{Resolver, ServerUri},
};
use tokio::{
    net::UdpSocket,
    time::{Instant, timeout},
};

const DEADLINE: Duration = Duration::from_secs(30);

async fn resolve(dns: &[SocketAddr], server: &str) -> Resolved {
    let target = server.parse::<ServerUri>().unwrap().target();
    timeout(DEADLINE, Resolver::new(dns).resolve(target)).await.expect("in time")
}

/// The candidates in words, or the sentence.
async fn found(dns: &[SocketAddr], server: &str) -> String {
    words(&resolve(dns, server).await)
}

fn words(resolved: &Resolved) -> String {
    match resolved.candidates(1) {
        Ok(list) => list.iter().map(|c| c.to_string()).collect::<Vec<_>>().join(", "),
        Err(error) => error.to_string(),
    }
}

const ZONE: &str = "
    a.test NAPTR 10 10 s SIP+D2T _sip._tcp.a.test
    a.test NAPTR 10 20 s SIP+D2U _sip._udp.a.test
    _sip._tcp.a.test SRV 10 0 5070 h1.test
    _sip._udp.a.test SRV 20 0 5061 h2.test
    _sip._udp.a.test SRV 10 0 5060 h1.test
    h1.test A 127.0.0.1
    h1.test AAAA ::1
    h2.test A 127.0.0.2
    plain.test A 127.0.0.3
    alias.test CNAME plain.test
    round.test CNAME about.test
    about.test CNAME round.test
    six.test AAAA ::1
";

#[tokio::test]
async fn a_real_server_is_asked_for_naptr_srv_and_addresses() {
    let dns = DnsServer::new(60, ZONE).await;
    for (server, expected) in [
        (
            "sip:a.test",
            "tcp [::1]:5070 (SRV 10 0 h1.test), tcp 127.0.0.1:5070 (SRV 10 0 h1.test), \
             udp [::1]:5060 (SRV 10 0 h1.test), udp 127.0.0.1:5060 (SRV 10 0 h1.test), \
             udp 127.0.0.2:5061 (SRV 20 0 h2.test)",
        ),
        (
            "sip:a.test;transport=udp",
            "udp [::1]:5060 (SRV 10 0 h1.test), udp 127.0.0.1:5060 (SRV 10 0 h1.test), \
             udp 127.0.0.2:5061 (SRV 20 0 h2.test)",
        ),
        ("sip:plain.test", "udp 127.0.0.3:5060 (address)"),
        ("sip:plain.test:5099;transport=tcp", "tcp 127.0.0.3:5099 (address)"),
        ("ws://plain.test:8080/ws", "ws 127.0.0.3:8080 (address)"),
        ("sip:alias.test", "udp 127.0.0.3:5060 (address)"),
        ("sip:six.test", "udp [::1]:5060 (address)"),
        ("sip:a.test;maddr=plain.test", "udp 127.0.0.3:5060 (address)"),
        ("sip:a.test;maddr=127.0.0.9", "udp 127.0.0.9:5060 (as given)"),
        ("sip:[::1]:5090", "udp [::1]:5090 (as given)"),
    ] {
        assert_eq!(found(&[dns.address], server).await, expected, "{server}");
    }
}

#[tokio::test]
async fn what_dns_said_is_kept_in_order() {
    let dns = DnsServer::new(60, ZONE).await;
    let resolved = resolve(&[dns.address], "sip:plain.test").await;
    let lookups: Vec<String> = resolved.lookups.iter().map(|lookup| lookup.to_string()).collect();
    assert_eq!(
        lookups,
        [
            "NAPTR plain.test: none",
            "SRV _sip._udp.plain.test: no such name",
            "SRV _sip._tcp.plain.test: no such name",
            "A plain.test: 127.0.0.3",
            "AAAA plain.test: none"
        ]
    );
}

#[tokio::test]
async fn localhost_and_the_hosts_file_need_no_dns() {
    let (_socket, nobody) = silent().await;
    let found = found(&[nobody], "sip:localhost:5070").await;
    assert!(found.starts_with("udp 127.0.0.1:5070 (hosts file)"), "{found}");
    let found = self::found(&[nobody], "sip:sub.localhost").await;
    assert!(found.starts_with("udp 127.0.0.1:5060 (hosts file)"), "{found}");
}

#[tokio::test]
async fn every_failure_is_a_sentence_with_the_question_and_the_server() {
    let dns = DnsServer::new(60, ZONE).await;
    let address = dns.address;
    for (server, expected) in [
        (
            "udp:no.test",
            format!(
                "no.test cannot be resolved: DNS at {address} says that there is no such name (NXDOMAIN) (asked for A no.test, AAAA no.test)"
            ),
        ),
        (
            "udp:_sip._udp.a.test",
            format!(
                "_sip._udp.a.test cannot be resolved: DNS at {address} has no such records (asked for A _sip._udp.a.test, AAAA _sip._udp.a.test)"
            ),
        ),
        (
            "udp:elsewhere.example",
            format!(
                "elsewhere.example cannot be resolved: DNS at {address} could not answer: REFUSED (query refused) (asked for A elsewhere.example, AAAA elsewhere.example)"
            ),
        ),
    ] {
        let host = server.strip_prefix("udp:").unwrap().to_owned();
        let target =
            Target { host, port: 5060, transport: Transport::Udp, discovery: Discovery::Address };
        let resolved = timeout(DEADLINE, Resolver::new(&[address]).resolve(target)).await.unwrap();
        assert_eq!(words(&resolved), expected);
    }
}

#[tokio::test]
async fn aliases_in_a_circle_come_to_an_end() {
    let dns = DnsServer::new(60, ZONE).await;
    let found = found(&[dns.address], "sip:round.test:5060").await;
    assert!(found.starts_with("round.test cannot be resolved: DNS at"), "{found}");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_waited_for_a_bounded_time() {
    let (_socket, nobody) = silent().await;
    let found = found(&[nobody], "sip:a.test").await;
    assert_eq!(
        found,
        format!(
            "a.test cannot be resolved: DNS at {nobody} did not answer in time (asked for NAPTR a.test, SRV _sip._udp.a.test, SRV _sip._tcp.a.test, A a.test, AAAA a.test)"
        )
    );
}

/// Hands questions on to a DNS server, each after that time, and the answers back.
async fn late(server: SocketAddr, after: Duration) -> SocketAddr {
    let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let (question, socket) = (buffer[..length].to_vec(), socket.clone());
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                let front = UdpSocket::bind("127.0.0.1:0").await.unwrap();
                front.send_to(&question, server).await.unwrap();
                let mut answer = [0; 4096];
                let length = front.recv(&mut answer).await.unwrap();
                let _ = socket.send_to(&answer[..length], from).await;
            });
        }
    });
    address
}

#[tokio::test]
async fn an_answer_after_three_seconds_is_taken() {
    let dns = DnsServer::new(60, ZONE).await;
    let slow = late(dns.address, Duration::from_secs(3)).await;
    assert_eq!(found(&[slow], "sip:plain.test:5070").await, "udp 127.0.0.3:5070 (address)");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let (socket, nobody) = silent().await;
    drop(socket);
    assert_eq!(
        found(&[nobody], "sip:a.test:5060").await,
        format!(
            "a.test cannot be resolved: DNS at {nobody} could not be asked: connection refused (asked for A a.test, AAAA a.test)"
        )
    );
}

#[tokio::test]
async fn a_server_that_fails_at_everything_is_told_with_its_code() {
    let (socket, broken) = silent().await;
    let server = tokio::spawn(async move {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            // SERVFAIL to whatever was asked.
            (buffer[2], buffer[3]) = (0x81, 0x82);
            let _ = socket.send_to(&buffer[..length], from).await;
        }
    });
    let found = found(&[broken], "sip:a.test").await;
    assert!(
        found.starts_with(&format!(
            "a.test cannot be resolved: DNS at {broken} could not answer: SERVFAIL (server failure)"
        )),
        "{found}"
    );
    server.abort();
}

#[tokio::test]
async fn an_answer_that_no_datagram_holds_comes_by_tcp() {
    let label = "a-label-that-is-as-long-as-it-may-be-for-a-name-of-this-kind";
    let mut zone = String::new();
    for n in 0..30 {
        zone += &format!("_sip._udp.many.test SRV {n} 0 5060 h{n}.{label}.test\n");
        zone += &format!("h{n}.{label}.test A 127.0.1.{n}\n");
    }
    let dns = DnsServer::new(60, &zone).await;
    let resolved = resolve(&[dns.address], "sip:many.test;transport=udp").await;
    assert_eq!(resolved.candidates(1).unwrap().len(), 30);
}

/// A DNS server whose datagrams hold nothing but the number of the question and garbage; what comes
/// by TCP goes on to a server, where there is one.
async fn garbled(good: Option<SocketAddr>) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let (socket, listener) = dns_server::both().await;
    let address = socket.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let mut buffer = [0; 512];
        loop {
            tokio::select! {
                datagram = socket.recv_from(&mut buffer) => {
                    let Ok((_, from)) = datagram else { continue };
                    let answer = [buffer[0], buffer[1], 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, 63, 1];
                    let _ = socket.send_to(&answer, from).await;
                }
                stream = listener.accept() => {
                    let (Ok((mut stream, _)), Some(good)) = (stream, good) else { continue };
                    tokio::spawn(async move {
                        let mut server = tokio::net::TcpStream::connect(good).await.unwrap();
                        let _ = tokio::io::copy_bidirectional(&mut stream, &mut server).await;
                    });
                }
            }
        }
    });
    (address, task)
}

#[tokio::test]
async fn a_datagram_that_cannot_be_read_is_asked_for_again_by_tcp_or_told() {
    let dns = DnsServer::new(60, ZONE).await;
    let (server, task) = garbled(Some(dns.address)).await;
    assert_eq!(found(&[server], "sip:plain.test:5060").await, "udp 127.0.0.3:5060 (address)");
    task.abort();
    let (server, task) = garbled(None).await;
    let found = found(&[server], "sip:plain.test:5060").await;
    assert!(found.contains(&format!("DNS at {server} could not")), "{found}");
    task.abort();
}

#[tokio::test]
async fn a_second_server_answers_where_the_first_does_not() {
    let (_socket, nobody) = silent().await;
    let dns = DnsServer::new(60, ZONE).await;
    let found = found(&[nobody, dns.address], "sip:plain.test:5060").await;
    assert_eq!(found, "udp 127.0.0.3:5060 (address)");
}

#[tokio::test]
async fn an_answer_is_kept_as_long_as_its_ttl_says() {
    let mut dns = DnsServer::new(2, "moving.test A 127.0.0.1").await;
    let resolver = Resolver::new(&[dns.address]);
    let target = || "sip:moving.test:5060".parse::<ServerUri>().unwrap().target();
    let begun = Instant::now();
    let first = words(&resolver.resolve(target()).await);
    assert_eq!(first, "udp 127.0.0.1:5060 (address)");
    dns.remove("moving.test").await;
    dns.write(2, "moving.test A 127.0.0.2").await;
    let second = words(&resolver.resolve(target()).await);
    // A machine that slept in between has nothing to keep any more.
    assert!(second == first || begun.elapsed() >= Duration::from_secs(1), "{second}");
    let changed = async {
        while words(&resolver.resolve(target()).await) == first {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(DEADLINE, changed).await.expect("the answer does not outlive its TTL");
    assert_eq!(words(&resolver.resolve(target()).await), "udp 127.0.0.2:5060 (address)");
}
