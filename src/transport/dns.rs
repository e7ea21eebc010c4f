//! DNS: [`Resolver`] fetches the records that [`Resolution`] asks for.
//!
//! The hosts file comes first: a name that stands there is not asked for. What was answered is kept
//! as long as its TTL says.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Duration,
};

use futures_util::future::join_all;
use hickory_resolver::{
    Hosts, TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ProtocolConfig, ResolverConfig, ResolverOpts},
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::{
        op::{Query, ResponseCode},
        rr::{Name, RData, RecordType},
    },
    system_conf,
};
use tokio::{
    net::{TcpStream, UdpSocket},
    time::{sleep, timeout},
};

use crate::{
    sip::{
        Transport,
        resolution::{
            Answer, Kind, LookupFailure, Naptr, Question, Record, Resolution, Resolved, Srv, Target,
        },
    },
    transport::reason,
};

/// The port of DNS where none is named.
const DNS_PORT: u16 = 53;

/// How long a server has for one answer. A question that goes by UDP is sent again meanwhile, and an
/// answer to any of its copies counts.
const PATIENCE: Duration = Duration::from_secs(4);

/// How long an answer is waited for before it is looked whether anybody is there.
const PAUSE: Duration = Duration::from_millis(300);

/// How long all look-ups of one resolution may take together: three rounds of questions that
/// nobody answers.
const LIMIT: Duration = Duration::from_secs(13);

/// Looks names up.
#[derive(Clone, Debug)]
pub struct Resolver {
    servers: Arc<[SocketAddr]>,
    /// Set up when the first name is looked up: addresses need none of it.
    inner: Arc<OnceLock<Inner>>,
}

struct Inner {
    hosts: Hosts,
    /// Who is asked, as a sentence names it.
    server: String,
    dns: Result<TokioResolver, String>,
    /// Asks the same servers over TCP alone, where what came in a datagram cannot be read.
    by_tcp: Option<TokioResolver>,
    servers: Vec<SocketAddr>,
}

impl Resolver {
    /// A resolver that asks these DNS servers; the system's, where there are none.
    pub fn new(servers: &[SocketAddr]) -> Resolver {
        Resolver { servers: servers.into(), inner: Arc::default() }
    }

    /// Looks up where requests for the target may go; takes 13 seconds at most. Must be called on
    /// a tokio runtime.
    pub async fn resolve(&self, target: Target) -> Resolved {
        let inner = self.inner.get_or_init(|| Inner::new(&self.servers));
        if let Some(addresses) = inner.hosts_file(&target.host) {
            return Resolved::from_hosts_file(&target, addresses).ordered(&source_towards);
        }
        let mut resolution = Resolution::new(target, &Transport::ALL, &inner.server);
        tokio::select! {
            // What is not answered by then never was.
            _ = timeout(LIMIT, inner.ask(&mut resolution)) => {}
            why = inner.nobody_there() => {
                while let count @ 1.. = resolution.questions().len() {
                    resolution.answer(vec![Err(LookupFailure::Unreachable(why.clone())); count]);
                }
            }
        }
        resolution.finish().ordered(&source_towards)
    }
}

/// The address of a DNS server as a user writes it: an address, or an address and a port.
///
/// # Errors
///
/// Words that say what to write.
pub fn dns_server(text: &str) -> Result<SocketAddr, String> {
    let bare = |text: &str| text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let text = text.trim();
    let server = text.parse().or_else(|_| bare(text).map(|ip| SocketAddr::new(ip, DNS_PORT)));
    server.map_err(|_| {
        format!(
            "{text:?} is not the address of a DNS server: write an IP address, with a port where it is not {DNS_PORT}, such as 127.0.0.1:5353 or [::1]:5353"
        )
    })
}

impl Inner {
    fn new(servers: &[SocketAddr]) -> Inner {
        let (config, mut options) = match configuration(servers) {
            Ok(configuration) => configuration,
            Err(why) => {
                let server = "the system's DNS".to_owned();
                let (dns, servers) = (Err(why), Vec::new());
                return Inner { hosts: hosts(), server, dns, by_tcp: None, servers };
            }
        };
        options.timeout = PATIENCE;
        options.attempts = 0;
        let servers = addresses(config.name_servers());
        let server = describe(&servers);
        let resolver = |config| {
            let runtime = TokioRuntimeProvider::default();
            TokioResolver::builder_with_config(config, runtime)
                .with_options(options.clone())
                .build()
        };
        let by_tcp = resolver(by_tcp(&config)).ok();
        let dns = resolver(config).map_err(|error| error.to_string());
        Inner { hosts: hosts(), server, dns, by_tcp, servers }
    }

    /// The addresses of a name that needs no DNS: of the hosts file, and of localhost in any case
    /// (RFC 6761 §6.3).
    fn hosts_file(&self, host: &str) -> Option<Vec<IpAddr>> {
        let name = Name::from_utf8(host).ok()?;
        let found = [RecordType::A, RecordType::AAAA]
            .into_iter()
            .filter_map(|kind| self.hosts.lookup_static_host(&Query::query(name.clone(), kind)));
        let addresses: Vec<IpAddr> = found
            .flat_map(|lookup| {
                let records = lookup.answers().iter();
                records.filter_map(|record| record.data.ip_addr()).collect::<Vec<_>>()
            })
            .collect();
        if !addresses.is_empty() {
            return Some(addresses);
        }
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        (host == "localhost" || host.ends_with(".localhost"))
            .then(|| vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()])
    }

    /// Ends where every server refuses UDP and TCP: what is asked there never comes back, and waiting
    /// for it would only tell less.
    async fn nobody_there(&self) -> String {
        sleep(PAUSE).await;
        let refused = join_all(self.servers.iter().map(|server| refusal(*server))).await;
        match refused
            .into_iter()
            .collect::<Option<Vec<String>>>()
            .and_then(|all| all.into_iter().next())
        {
            Some(why) => why,
            None => std::future::pending().await,
        }
    }

    async fn ask(&self, resolution: &mut Resolution) {
        loop {
            let questions = resolution.questions();
            if questions.is_empty() {
                return;
            }
            let answers = join_all(questions.iter().map(|question| self.look_up(question))).await;
            resolution.answer(answers);
        }
    }

    async fn look_up(&self, question: &Question) -> Answer {
        let dns = self.dns.as_ref().map_err(|why| LookupFailure::Unreachable(why.clone()))?;
        let mut name = Name::from_utf8(&question.name).map_err(|_| LookupFailure::NoSuchName)?;
        // A name with a dot is whole; one without is completed by the system's search list.
        name.set_fqdn(question.name.contains('.'));
        let kind = match question.kind {
            Kind::A => RecordType::A,
            Kind::Aaaa => RecordType::AAAA,
            Kind::Naptr => RecordType::NAPTR,
            Kind::Srv => RecordType::SRV,
        };
        let lookup = match (dns.lookup(name.clone(), kind).await, &self.by_tcp) {
            // A datagram that is damaged, or was cut short on its way, may come whole on a stream.
            (Err(NetError::Proto(_)), Some(by_tcp)) => by_tcp.lookup(name, kind).await,
            (lookup, _) => lookup,
        };
        let lookup = lookup.map_err(|error| failure(&error))?;
        let answers = lookup.answers().iter().filter(|record| record.record_type() == kind);
        let records: Vec<Record> =
            answers.filter_map(|answer| self::record(&answer.data)).collect();
        if records.is_empty() { Err(LookupFailure::NoRecords) } else { Ok(records) }
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("server", &self.server).finish_non_exhaustive()
    }
}

/// The servers named, or the system's.
fn configuration(servers: &[SocketAddr]) -> Result<(ResolverConfig, ResolverOpts), String> {
    if !servers.is_empty() {
        let servers = servers.iter().map(|server| {
            let mut config = NameServerConfig::udp_and_tcp(server.ip());
            let at_port = |connection: &mut ConnectionConfig| connection.port = server.port();
            config.connections.iter_mut().for_each(at_port);
            config
        });
        let config = ResolverConfig::from_name_servers(servers.collect());
        return Ok((config, ResolverOpts::default()));
    }
    let (config, options) = system_conf::read_system_conf()
        .map_err(|error| format!("the system's settings cannot be read: {error}"))?;
    if config.name_servers().is_empty() {
        return Err("the system's settings name no DNS server".to_owned());
    }
    Ok((config, options))
}

/// The same servers, each asked over TCP alone.
fn by_tcp(config: &ResolverConfig) -> ResolverConfig {
    let mut servers = config.name_servers().to_vec();
    for server in &mut servers {
        server.connections.retain(|way| matches!(way.protocol, ProtocolConfig::Tcp));
    }
    servers.retain(|server| !server.connections.is_empty());
    ResolverConfig::from_parts(config.domain().cloned(), config.search().to_vec(), servers)
}

/// The servers' addresses, each once.
fn addresses(servers: &[NameServerConfig]) -> Vec<SocketAddr> {
    let mut addresses = Vec::new();
    for server in servers {
        let port = server.connections.first().map_or(DNS_PORT, |connection| connection.port);
        let address = SocketAddr::new(server.ip, port);
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

/// `DNS at 10.0.0.1:53 and 10.0.0.2:53`
fn describe(servers: &[SocketAddr]) -> String {
    let names: Vec<String> = servers.iter().map(ToString::to_string).collect();
    format!("DNS at {}", names.join(" and "))
}

/// The address that we would have towards another one; `None` where there is no way to it. Nothing
/// is sent.
fn source_towards(address: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = std::net::UdpSocket::bind((any, 0)).ok()?;
    socket.connect((address, SIP_PORT)).ok()?;
    socket.local_addr().ok().map(|local| local.ip())
}

/// The port that [`source_towards`] names; which one it is makes no difference.
const SIP_PORT: u16 = 5060;

/// Why nobody can be asked there, where neither a datagram nor a connection is taken.
async fn refusal(server: SocketAddr) -> Option<String> {
    let by_tcp = timeout(PATIENCE, TcpStream::connect(server)).await.ok()?.err()?;
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let datagrams = async {
        let socket = UdpSocket::bind((any, 0)).await?;
        socket.connect(server).await?;
        socket.send(&ROOT).await?;
        socket.recv(&mut [0; 512]).await
    };
    timeout(PATIENCE, datagrams).await.ok()?.err()?;
    Some(reason::words(&by_tcp))
}

/// A question that any DNS server can answer: which are the root's name servers (RFC 1035 §4.1).
const ROOT: [u8; 17] = [0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1];

fn hosts() -> Hosts {
    // A system without the file has no names in it.
    Hosts::from_system().unwrap_or_default()
}

fn record(data: &RData) -> Option<Record> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(match data {
        RData::NAPTR(naptr) => Record::Naptr(Naptr {
            order: naptr.order,
            preference: naptr.preference,
            flags: text(&naptr.flags),
            service: text(&naptr.services),
            replacement: host(&naptr.replacement),
        }),
        RData::SRV(srv) => Record::Srv(Srv {
            priority: srv.priority,
            weight: srv.weight,
            port: srv.port,
            target: host(&srv.target),
        }),
        other => Record::Address(other.ip_addr()?),
    })
}

/// A name as one writes it, without the dot at its end; the root is `.`.
fn host(name: &Name) -> String {
    let text = name.to_ascii();
    match text.strip_suffix('.') {
        Some(host) if !host.is_empty() => host.to_owned(),
        _ => text,
    }
}

fn failure(error: &NetError) -> LookupFailure {
    match error {
        NetError::Timeout => LookupFailure::TimedOut,
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NoError => LookupFailure::NoRecords,
            ResponseCode::NXDomain => LookupFailure::NoSuchName,
            code => LookupFailure::Error(code_words(code)),
        },
        NetError::Dns(DnsError::ResponseCode(code)) => LookupFailure::Error(code_words(*code)),
        NetError::Io(error) => LookupFailure::Unreachable(reason::words(error)),
        NetError::Proto(error) => {
            LookupFailure::Error(format!("with an answer that cannot be read: {error}"))
        }
        NetError::NoConnections => LookupFailure::Unreachable("no connection".to_owned()),
        other => LookupFailure::Error(other.to_string()),
    }
}

/// A response code by its name (RFC 1035 §4.1.1), and what it means.
fn code_words(code: ResponseCode) -> String {
    let name = match code {
        ResponseCode::FormErr => "FORMERR",
        ResponseCode::NotImp => "NOTIMP",
        ResponseCode::Refused => "REFUSED",
        ResponseCode::ServFail => "SERVFAIL",
        other => return format!("RCODE {} ({})", u16::from(other), other.to_str().to_lowercase()),
    };
    format!("{name} ({})", code.to_str().to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dns_server_is_an_address_with_or_without_a_port() {
        for (text, expected) in [
            ("127.0.0.1", "127.0.0.1:53"),
            ("127.0.0.1:5353", "127.0.0.1:5353"),
            ("::1", "[::1]:53"),
            ("[::1]", "[::1]:53"),
            (" [::1]:5353 ", "[::1]:5353"),
        ] {
            assert_eq!(dns_server(text).unwrap().to_string(), expected, "{text}");
        }
        for text in ["", "localhost", "127.0.0.1:x", "127.0.0.1:70000"] {
            assert!(dns_server(text).unwrap_err().contains("write an IP address"), "{text}");
        }
    }
}
