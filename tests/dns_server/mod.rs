//! A DNS server on loopback, with a zone that a test writes.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use hickory_server::{
    Server,
    net::runtime::TokioRuntimeProvider,
    proto::rr::{
        Name, RData, Record,
        rdata::{A, AAAA, CNAME, NAPTR, SOA, SRV},
    },
    store::in_memory::InMemoryZoneHandler,
    zone_handler::{AxfrPolicy, Catalog, ZoneType},
};
use tokio::net::{TcpListener, UdpSocket};

/// The zone `test.`; anything else is refused.
pub struct DnsServer {
    pub address: SocketAddr,
    zone: Arc<InMemoryZoneHandler>,
    _server: Server<Catalog>,
    serial: u32,
}

impl DnsServer {
    /// Serves a zone that has one record a line, as `NAME KIND DATA`; each is good for `ttl`
    /// seconds.
    pub async fn new(ttl: u32, zone: &str) -> DnsServer {
        let origin = name("test");
        let handler = InMemoryZoneHandler::<TokioRuntimeProvider>::empty(
            origin.clone(),
            ZoneType::Primary,
            AxfrPolicy::Deny,
        );
        let handler = Arc::new(handler);
        // What is not there is so for a second.
        let soa = SOA::new(name("ns.test"), name("admin.test"), 1, 1, 1, 1, 1);
        handler.upsert(Record::from_rdata(origin.clone(), 1, RData::SOA(soa)), 1).await;
        let mut catalog = Catalog::new();
        catalog.upsert(origin.into(), vec![handler.clone()]);
        let (socket, listener) = both().await;
        let address = socket.local_addr().unwrap();
        let mut server = Server::new(catalog);
        server.register_socket(socket);
        server.register_listener(listener, Duration::from_secs(10), 16);
        let mut dns = DnsServer { address, zone: handler, _server: server, serial: 1 };
        dns.write(ttl, zone).await;
        dns
    }

    /// Adds records, or replaces the addresses of a name.
    pub async fn write(&mut self, ttl: u32, zone: &str) {
        for line in zone.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (owner, rest) = line.split_once(' ').unwrap();
            let (kind, data) = rest.split_once(' ').unwrap();
            self.serial += 1;
            let record = Record::from_rdata(name(owner), ttl, rdata(kind, data));
            assert!(self.zone.upsert(record, self.serial).await, "{line}");
        }
    }

    /// Takes every record of a name away.
    pub async fn remove(&self, owner: &str) {
        let owner = name(owner);
        self.zone.records_mut().await.retain(|key, _| *key.name() != (&owner).into());
    }

    pub fn text(&self) -> String {
        self.address.to_string()
    }
}

/// A port that is free for datagrams and for connections.
pub async fn both() -> (UdpSocket, TcpListener) {
    for _ in 0..100 {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        if let Ok(listener) = TcpListener::bind(socket.local_addr().unwrap()).await {
            return (socket, listener);
        }
    }
    panic!("no port is free for both");
}

fn name(text: &str) -> Name {
    let mut name = Name::from_ascii(text).unwrap();
    name.set_fqdn(true);
    name
}

fn rdata(kind: &str, data: &str) -> RData {
    let words: Vec<&str> = data.split(' ').collect();
    let number = |place: usize| words[place].parse::<u16>().unwrap();
    let bytes = |place: usize| words[place].as_bytes().into();
    match kind {
        "A" => RData::A(A(data.parse().unwrap())),
        "AAAA" => RData::AAAA(AAAA(data.parse().unwrap())),
        "CNAME" => RData::CNAME(CNAME(name(data))),
        "SRV" => RData::SRV(SRV::new(number(0), number(1), number(2), name(words[3]))),
        "NAPTR" => RData::NAPTR(NAPTR::new(
            number(0),
            number(1),
            bytes(2),
            bytes(3),
            [].into(),
            name(words[4]),
        )),
        _ => panic!("{kind}"),
    }
}

/// A place where a DNS server could be, and nothing answers.
pub async fn silent() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}
