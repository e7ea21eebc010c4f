//! The whole way: a name, DNS, sockets.

use sipboard::{
    engine::{Command, Engine, Event, FlowState, Settings, Submission},
    sip::{self, Fact, Identity, Method, NewRequest, Timing},
};
use tokio::net::TcpListener;

use super::*;

struct Front {
    engine: Engine,
    story: Vec<String>,
}

impl Front {
    fn new(dns: SocketAddr) -> Front {
        let mut settings = Settings { resolver: vec![dns], ..Settings::default() };
        // Timer F after 3.2 s.
        settings.sip.timing = Timing { t1: Duration::from_millis(50), ..Timing::default() };
        Front { engine: Engine::start(settings), story: Vec::new() }
    }

    async fn send(&self, server: &str) {
        let from = Identity { display_name: String::new(), uri: "sip:me@a.test".parse().unwrap() };
        let request = NewRequest::new(Method::Options, "sip:bob@b.test".parse().unwrap(), from);
        let server = Some(server.parse().unwrap());
        let submission =
            Submission { request, server, password_command: None, flow: Default::default() };
        let command = Command::Send(Box::new(submission));
        self.engine.commands.send(command).await.expect("the engine takes commands");
    }

    /// What is told until the context ends.
    async fn until_it_ends(&mut self) -> Vec<String> {
        let told = async {
            while let Some(batch) = self.engine.events.recv().await {
                for event in batch {
                    self.story.extend(word(&event));
                }
                if self.story.iter().any(|word| word.starts_with("ended")) {
                    return;
                }
            }
        };
        timeout(DEADLINE, told).await.expect("it ends in time");
        self.story.clone()
    }
}

fn word(event: &Event) -> Option<String> {
    Some(match event {
        Event::Flow(flow) => match &flow.state {
            FlowState::Connecting => format!("connecting {}", flow.server),
            FlowState::Up { peer, .. } => format!("up {peer}"),
            FlowState::Down { .. } => "down".to_owned(),
            FlowState::Ended => "ended".to_owned(),
        },
        Event::Sip(sip::Event::Context(event)) => match &event.fact {
            Fact::Created(_) => "created".to_owned(),
            Fact::Resolving { server } => format!("resolving {server}"),
            Fact::Resolved(found) => format!("resolved {}", found.candidates.len()),
            Fact::Trying(trial) => format!("{} {trial}", trial.label()),
            Fact::PassedOver { why, .. } => format!("passed over: {why}"),
            Fact::Sent { .. } => "sent".to_owned(),
            Fact::Ended { cause } => format!("ended {cause}"),
            Fact::Failed { detail, .. } => format!("failed: {detail}"),
            _ => return None,
        },
        _ => return None,
    })
}

/// A server that answers every request on UDP with one status.
async fn udp_server(ip: &str, status: &'static str) -> SocketAddr {
    let socket = UdpSocket::bind((ip, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = vec![0; 65_535];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let copied = request.lines().filter(|line| {
                ["Via:", "From:", "Call-ID:", "CSeq:"].iter().any(|n| line.starts_with(n))
            });
            let mut response = format!("SIP/2.0 {status}\r\n");
            copied.for_each(|line| response += &format!("{line}\r\n"));
            response += "To: <sip:bob@b.test>;tag=b\r\nContent-Length: 0\r\n\r\n";
            let _ = socket.send_to(response.as_bytes(), from).await;
        }
    });
    address
}

/// An address that refuses.
async fn refusing() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

async fn zone(servers: &[SocketAddr]) -> DnsServer {
    let mut zone = String::from("p.test NAPTR 10 10 s SIP+D2U _sip._udp.p.test\n");
    for (place, server) in servers.iter().enumerate() {
        zone += &format!("_sip._udp.p.test SRV {place} 0 {} h{place}.test\n", server.port());
        let kind = if server.is_ipv4() { "A" } else { "AAAA" };
        zone += &format!("h{place}.test {kind} {}\n", server.ip());
    }
    DnsServer::new(60, &zone).await
}

#[tokio::test]
async fn a_request_goes_where_dns_says() {
    let server = udp_server("127.0.0.1", "200 OK").await;
    let dns = zone(&[server]).await;
    let mut front = Front::new(dns.address);
    front.send("sip:p.test").await;
    assert_eq!(
        front.until_it_ends().await,
        [
            "created".to_owned(),
            "resolving sip:p.test".to_owned(),
            "resolved 1".to_owned(),
            format!("connecting sip:p.test:{};transport=udp ({server})", server.port()),
            format!("candidate udp {server} (SRV 0 0 h0.test)"),
            format!("up {server}"),
            "sent".to_owned(),
            "ended Accepted".to_owned()
        ]
    );
}

#[tokio::test]
async fn refused_silent_and_unavailable_servers_are_passed_over_for_one_that_answers() {
    let (_silent, silent) = silent().await;
    let busy = udp_server("127.0.0.1", "503 Service Unavailable").await;
    let good = udp_server("::1", "200 OK").await;
    let servers = [refusing().await, silent, busy, good];
    let dns = zone(&servers).await;
    let mut front = Front::new(dns.address);
    front.send("sip:p.test").await;
    let story = front.until_it_ends().await;
    let passed: Vec<&str> =
        story.iter().filter_map(|word| word.strip_prefix("passed over: ")).collect();
    assert_eq!(
        passed,
        [
            &*format!("udp {} cannot be reached: connection refused", servers[0]),
            "no final response within 3.2 s (Timer F, 64·T1)",
            "503 Service Unavailable"
        ],
        "{story:#?}"
    );
    assert!(story.contains(&format!("next candidate udp {good} (SRV 3 0 h3.test), 4 of 4")));
    assert_eq!(story.last().unwrap(), "ended Accepted");
}

#[tokio::test]
async fn a_resolver_that_is_down_fails_the_request_with_a_sentence() {
    let (_socket, nobody) = silent().await;
    let mut front = Front::new(nobody);
    front.send("sip:p.test;transport=udp").await;
    let story = front.until_it_ends().await;
    let failed = format!(
        "failed: p.test cannot be resolved: DNS at {nobody} did not answer in time (asked for SRV _sip._udp.p.test, A p.test, AAAA p.test)"
    );
    assert!(story.contains(&failed), "{story:#?}");
    assert_eq!(story.last().unwrap(), "ended Connection Error");
}

#[tokio::test]
async fn a_name_with_a_dead_and_a_live_address_is_reached_over_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let dns = DnsServer::new(60, "two.test A 127.0.0.1\ntwo.test AAAA ::1").await;
    let mut front = Front::new(dns.address);
    front.send(&format!("sip:two.test:{port};transport=tcp")).await;
    let (_connection, _) = timeout(DEADLINE, listener.accept()).await.unwrap().unwrap();
    let story = front.until_it_ends().await;
    assert!(
        story.contains(&format!("next candidate tcp 127.0.0.1:{port} (address), 2 of 2")),
        "{story:#?}"
    );
    assert!(story.contains(&"sent".to_owned()));
    assert_eq!(story.last().unwrap(), "ended Request Timeout");
}

#[tokio::test]
async fn a_connection_that_dies_before_any_response_gives_way_to_the_next_candidate() {
    let (dying, living) = loop {
        let living = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = living.local_addr().unwrap().port();
        // Somebody else may have that port on the other address.
        if let Ok(dying) = TcpListener::bind(("::1", port)).await {
            break (dying, living);
        }
    };
    let port = living.local_addr().unwrap().port();
    let dns = DnsServer::new(60, "two.test A 127.0.0.1\ntwo.test AAAA ::1").await;
    let mut front = Front::new(dns.address);
    front.send(&format!("sip:two.test:{port};transport=tcp")).await;
    let (first, _) = timeout(DEADLINE, dying.accept()).await.unwrap().unwrap();
    timeout(DEADLINE, first.readable()).await.unwrap().unwrap();
    // Unread bytes make this a reset.
    drop((first, dying));
    let (second, _) = timeout(DEADLINE, living.accept()).await.unwrap().unwrap();
    timeout(DEADLINE, second.readable()).await.unwrap().unwrap();
    drop((second, living));
    let story = front.until_it_ends().await;
    let position = |wanted: &str| story.iter().position(|word| word.starts_with(wanted));
    let passed =
        position(&format!("passed over: sip:two.test:{port};transport=tcp ([::1]:{port})"));
    let next = position(&format!("next candidate tcp 127.0.0.1:{port} (address), 2 of 2"));
    assert!(passed.is_some() && passed < next, "{story:#?}");
    assert_eq!(story.iter().filter(|word| *word == "sent").count(), 2, "{story:#?}");
    assert_eq!(story.last().unwrap(), "ended Connection Error");
}

#[tokio::test]
async fn two_names_of_one_address_share_a_udp_flow() {
    let server = udp_server("127.0.0.1", "200 OK").await;
    let dns = DnsServer::new(60, "one.test A 127.0.0.1\nother.test CNAME one.test").await;
    let mut front = Front::new(dns.address);
    for name in ["one.test", "other.test"] {
        front.story.retain(|word| word.starts_with("connecting"));
        front.send(&format!("sip:{name}:{}", server.port())).await;
        assert_eq!(front.until_it_ends().await.last().unwrap(), "ended Accepted");
    }
    let made = front.story.iter().filter(|word| word.starts_with("connecting")).count();
    assert_eq!(made, 1);
}
