//! What a resolution found: the places that a request may go to.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use rand::{SeedableRng, rngs::StdRng};

use super::{Lookup, ResolutionError, Target, address, order};
use crate::sip::{escape, transport::Transport};

/// A place that a request may go to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// The transport.
    pub transport: Transport,
    /// The address and port.
    pub address: SocketAddr,
    /// The record that named it.
    pub source: Source,
}

impl Candidate {
    /// The same place by TCP.
    pub(crate) fn by_tcp(&self) -> Candidate {
        Candidate { transport: Transport::Tcp, ..self.clone() }
    }
}

/// What named a [`Candidate`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The host is an address itself.
    Given,
    /// The host's own A or AAAA record.
    Address,
    /// The hosts file of the system.
    HostsFile,
    /// An SRV record.
    Srv {
        /// The lower one first.
        priority: u16,
        /// Its share among those of one priority.
        weight: u16,
        /// The host that it names.
        host: Box<str>,
    },
    /// Nothing: TCP is tried where the domain has UDP, because nothing says where else.
    WhereUdpIs,
}

/// The end of a resolution.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// What was asked, in order.
    pub lookups: Arc<[Lookup]>,
    pub(super) found: Result<Arc<[Found]>, ResolutionError>,
}

/// A host that a service, or the target itself, names.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Hop {
    pub(super) transport: Transport,
    pub(super) host: Box<str>,
    pub(super) port: u16,
    /// Priority and weight, where SRV names it.
    pub(super) srv: Option<(u16, u16)>,
}

impl Hop {
    /// The host itself, at the transport and port that the target has.
    pub(super) fn plain(target: &Target) -> Hop {
        let Target { host, port, transport, .. } = target;
        Hop { transport: *transport, host: host.as_str().into(), port: *port, srv: None }
    }
}

/// A hop with its addresses.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    pub(super) hop: Hop,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) source: Source,
}

impl Resolved {
    /// What the hosts file says, which leaves nothing to ask.
    ///
    /// Deviation: IPv4 before IPv6. These names are mostly of this machine, where most SIP servers
    /// listen on IPv4 alone.
    pub fn from_hosts_file(target: &Target, mut addresses: Vec<IpAddr>) -> Resolved {
        addresses.sort_by_key(IpAddr::is_ipv6);
        let found = Found { hop: Hop::plain(target), addresses, source: Source::HostsFile };
        Resolved { lookups: Arc::default(), found: Ok(Arc::from([found])) }
    }

    /// With the addresses of each host in the order in which they are tried (RFC 6724, RFC 7984 §4);
    /// those that cannot be reached from here come last. `source` gives the address that we would
    /// have towards one, where there is a way to it.
    pub fn ordered(self, source: &dyn Fn(IpAddr) -> Option<IpAddr>) -> Resolved {
        let order = |found: &Found| {
            let mut found = found.clone();
            match found.source {
                _ if found.addresses.len() < 2 => {}
                Source::HostsFile => found.addresses.sort_by_cached_key(|to| source(*to).is_none()),
                _ => address::order(&mut found.addresses, source),
            }
            found
        };
        let found = self.found.map(|found| found.iter().map(order).collect());
        Resolved { found, ..self }
    }

    /// Whether DNS says outright that there is no such service (RFC 2782: a target of `.`).
    pub(crate) fn is_denied(&self) -> bool {
        matches!(self.found, Err(ResolutionError::NotOffered { .. }))
    }

    /// The candidates in the order in which they are tried, each once. The weights are drawn from
    /// `seed` (RFC 2782).
    ///
    /// # Errors
    ///
    /// Where nothing was found; a sentence says who was asked for what.
    pub fn candidates(&self, seed: u64) -> Result<Arc<[Candidate]>, ResolutionError> {
        let found = self.found.as_ref().map_err(Clone::clone)?;
        let mut rng = StdRng::seed_from_u64(seed);
        let mut candidates: Vec<Candidate> = Vec::new();
        // Services stand in their order; the records of one belong together.
        for service in found.chunk_by(|a, b| a.hop.transport == b.hop.transport) {
            let weights: Vec<(u16, u16)> =
                service.iter().map(|found| found.hop.srv.unwrap_or_default()).collect();
            for index in order::order(&weights, &mut rng) {
                let Found { hop, addresses, source } = &service[index];
                for address in addresses {
                    let address = SocketAddr::new(*address, hop.port);
                    let is_known = |known: &Candidate| {
                        (known.transport, known.address) == (hop.transport, address)
                    };
                    if !candidates.iter().any(is_known) {
                        let (transport, source) = (hop.transport, source.clone());
                        candidates.push(Candidate { transport, address, source });
                    }
                }
            }
        }
        Ok(candidates.into())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Given => f.write_str("as given"),
            Source::Address => f.write_str("address"),
            Source::HostsFile => f.write_str("hosts file"),
            Source::Srv { priority, weight, .. } => write!(f, "SRV {priority} {weight}"),
            Source::WhereUdpIs => f.write_str("where UDP is"),
        }
    }
}

/// `udp 127.0.0.2:5060 (SRV 20 0 b.example.org)`
impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Candidate { transport, address, source } = self;
        write!(f, "{transport} {address} ({source}")?;
        match source {
            Source::Srv { host, .. } => write!(f, " {})", escape(host)),
            _ => f.write_str(")"),
        }
    }
}
