//! Where a request may go, and in which order (RFC 3263): NAPTR, then SRV, then A and AAAA.
//!
//! [`Resolution`] asks [`Question`]s in at most three rounds and is told the answers; who asks a
//! DNS server is none of its business. What it found is a [`Resolved`], which puts its
//! [`Candidate`]s in order as often as one likes, with another draw of the weights each time.

mod address;
mod candidate;
mod lookup;
mod order;
#[cfg(test)]
mod tests;

use std::{net::IpAddr, sync::Arc};

pub use candidate::{Candidate, Resolved, Source};
use candidate::{Found, Hop};
pub use lookup::{Answer, Kind, Lookup, LookupFailure, Naptr, Question, Record, Srv};

use crate::sip::{escape, transport::Transport};

/// How many records of one answer count; more would only cost time.
const MOST_RECORDS: usize = 32;

/// How far the look-ups go (RFC 3263 §4.1, §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Discovery {
    /// Neither transport nor port is given: NAPTR, SRV, then addresses.
    Services,
    /// The same, but what is sought is one transport alone, the target's: a request that is too
    /// large for another one looks for it (RFC 3261 §18.1.1).
    ServicesOf,
    /// The transport is given and the port is not: SRV, then addresses.
    Service,
    /// The port is given, or the host is an address, or it is no SIP URI: addresses alone.
    Address,
}

/// What is looked up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// A name, or an address without brackets: `maddr` where there is one, else the host
    /// (RFC 3263 §4).
    pub host: String,
    /// The port, where SRV names none.
    pub port: u16,
    /// The transport, where NAPTR and SRV name none. A secure one keeps the others out.
    pub transport: Transport,
    /// How far the look-ups go.
    pub discovery: Discovery,
}

/// Why there is no candidate: a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolutionError {
    /// NAPTR names only services that cannot be used.
    #[error(
        "{} cannot be resolved: its NAPTR records offer only {offered}, and what can be used is {usable} (RFC 3263 §4.1)",
        escape(host)
    )]
    Unusable {
        /// What was looked up.
        host: String,
        /// The services that it has.
        offered: String,
        /// The transports that could be used.
        usable: String,
    },
    /// SRV says that there is no such service (RFC 2782: a target of `.`).
    #[error(
        "{} cannot be resolved: its SRV records say that it has no such service ({services}, RFC 2782)",
        escape(host)
    )]
    NotOffered {
        /// What was looked up.
        host: String,
        /// The services that were asked for.
        services: String,
    },
    /// No question brought an address.
    #[error("{} cannot be resolved: {server} {why} (asked for {asked}){}", escape(host), beside(.unanswered))]
    Unknown {
        /// What was looked up.
        host: String,
        /// Who was asked.
        server: Box<str>,
        /// What came of the last questions.
        why: String,
        /// What else came of questions before them that brought no answer, and which these are.
        unanswered: Vec<(String, Vec<String>)>,
        /// The questions, in short.
        asked: String,
    },
}

/// A resolution under way.
#[derive(Debug)]
pub struct Resolution {
    target: Target,
    usable: Vec<Transport>,
    /// Who is asked, as a sentence names it.
    server: Box<str>,
    stage: Stage,
    lookups: Vec<Lookup>,
}

/// What is asked now.
#[derive(Debug)]
enum Stage {
    Naptr,
    Srv(Vec<Service>),
    Addresses(Vec<Hop>),
    Done(Result<Vec<Found>, ResolutionError>),
}

/// A service of a domain and the name that its SRV records have.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Service {
    transport: Transport,
    name: String,
}

impl Resolution {
    /// Begins. `usable` are the transports that can be used, the preferred ones first; `server` is
    /// who is asked, for the sentences.
    pub fn new(target: Target, usable: &[Transport], server: &str) -> Resolution {
        let usable = usable.to_vec();
        let mut resolution = Resolution {
            stage: Stage::Naptr,
            usable,
            server: server.into(),
            lookups: Vec::new(),
            target,
        };
        let target = &resolution.target;
        resolution.stage = match (target.host.parse::<IpAddr>(), target.discovery) {
            (Ok(address), _) => {
                let hop = Hop::plain(target);
                Stage::Done(Ok(vec![Found {
                    hop,
                    addresses: vec![address],
                    source: Source::Given,
                }]))
            }
            (Err(_), Discovery::Services | Discovery::ServicesOf) => Stage::Naptr,
            (Err(_), Discovery::Service) => {
                Stage::Srv(vec![service(target.transport, &target.host)])
            }
            (Err(_), Discovery::Address) => Stage::Addresses(vec![Hop::plain(target)]),
        };
        resolution
    }

    /// What is to be asked now, all of it at once; nothing where it is done.
    pub fn questions(&self) -> Vec<Question> {
        match &self.stage {
            Stage::Naptr => vec![Question::new(&self.target.host, Kind::Naptr)],
            Stage::Srv(services) => {
                services.iter().map(|service| Question::new(&service.name, Kind::Srv)).collect()
            }
            Stage::Addresses(hops) => {
                let mut hosts: Vec<&str> = Vec::new();
                for hop in hops {
                    if !hosts.contains(&&*hop.host) {
                        hosts.push(&hop.host);
                    }
                }
                let both = |host| [Kind::A, Kind::Aaaa].map(|kind| Question::new(host, kind));
                hosts.into_iter().flat_map(both).collect()
            }
            Stage::Done(_) => Vec::new(),
        }
    }

    /// The answers, in the order of [`Resolution::questions`].
    pub fn answer(&mut self, answers: Vec<Answer>) {
        let lookups: Vec<Lookup> = self
            .questions()
            .into_iter()
            .zip(answers)
            .map(|(question, answer)| Lookup { question, answer: bounded(answer) })
            .collect();
        let stage = std::mem::replace(&mut self.stage, Stage::Naptr);
        // A question without an answer is one without records: some servers never answer what they
        // do not know, and the next question may be of another kind.
        let stage = match stage {
            Stage::Naptr => self.after_naptr(&lookups),
            Stage::Srv(services) => self.after_srv(&services, &lookups),
            Stage::Addresses(hops) => self.after_addresses(hops, &lookups),
            done @ Stage::Done(_) => done,
        };
        self.stage = stage;
        self.lookups.extend(lookups);
    }

    /// What was found, once nothing more is to be asked; an answer that never came counts as
    /// timed out.
    pub fn finish(mut self) -> Resolved {
        while !matches!(self.stage, Stage::Done(_)) {
            let count = self.questions().len();
            self.answer(vec![Err(LookupFailure::TimedOut); count]);
        }
        let Stage::Done(found) = self.stage else { unreachable!("the loop ends with it") };
        Resolved { lookups: self.lookups.into(), found: found.map(Arc::from) }
    }

    /// RFC 3263 §4.1: the services of the lowest order, the preferred ones first.
    fn after_naptr(&self, lookups: &[Lookup]) -> Stage {
        let mut records: Vec<&Naptr> = lookups.iter().flat_map(Lookup::naptr).collect();
        records.sort_by_key(|record| (record.order, record.preference));
        let services: Vec<(u16, Service)> = records
            .iter()
            .filter(|record| record.flags.eq_ignore_ascii_case("s") && record.replacement != ".")
            .filter_map(|record| {
                let transport = naptr_transport(&record.service)?;
                let name = record.replacement.clone();
                self.is_usable(transport).then_some((record.order, Service { transport, name }))
            })
            .collect();
        let of_sip = |record: &&&Naptr| is_of_sip(&record.service);
        match services.first() {
            // RFC 3403 §4.1: a higher order counts only where the lower one has nothing.
            Some(&(order, _)) => {
                let first = services.into_iter().take_while(|(other, _)| *other == order);
                Stage::Srv(first.map(|(_, service)| service).collect())
            }
            None if records.iter().any(|record| of_sip(&record)) => {
                let offered: Vec<String> =
                    records.iter().filter(of_sip).map(|record| offer(record)).collect();
                Stage::Done(Err(ResolutionError::Unusable {
                    host: self.target.host.clone(),
                    offered: escape(&offered.join(", ")).into_owned(),
                    usable: names(self.usable.iter().filter(|t| self.is_usable(**t))),
                }))
            }
            None => Stage::Srv(self.usual_services()),
        }
    }

    /// RFC 3263 §4.1: without NAPTR, SRV for every transport that can be used. WebSocket is found
    /// by NAPTR alone or named (RFC 7118 §8).
    fn usual_services(&self) -> Vec<Service> {
        let usual =
            |transport: &&Transport| self.is_usable(**transport) && !transport.is_websocket();
        // A plain sip URI is not made a secure one by guessing.
        let meant =
            |transport: &&Transport| transport.is_secure() == self.target.transport.is_secure();
        let transports = self.usable.iter().filter(usual).filter(meant);
        transports.map(|transport| service(*transport, &self.target.host)).collect()
    }

    /// RFC 3261 §26.2.2: sips goes over TLS alone.
    fn is_usable(&self, transport: Transport) -> bool {
        let Target { transport: meant, discovery, .. } = self.target;
        self.usable.contains(&transport)
            && (transport.is_secure() || !meant.is_secure())
            && (transport == meant || discovery != Discovery::ServicesOf)
    }

    fn after_srv(&self, services: &[Service], lookups: &[Lookup]) -> Stage {
        let mut hops: Vec<Hop> = Vec::new();
        let mut refused = Vec::new();
        for (service, lookup) in services.iter().zip(lookups) {
            for srv in lookup.srv() {
                // RFC 2782: a target of «.» says that there is no such service.
                if srv.target == "." {
                    refused.push(escape(&service.name).into_owned());
                    continue;
                }
                hops.push(Hop {
                    transport: service.transport,
                    host: srv.target.as_str().into(),
                    port: srv.port,
                    srv: Some((srv.priority, srv.weight)),
                });
            }
        }
        if !hops.is_empty() {
            hops.truncate(MOST_RECORDS);
            return Stage::Addresses(hops);
        }
        // Another service of the host may be reached, but not by guessing where DNS has said no.
        if !refused.is_empty() {
            let host = self.target.host.clone();
            let services = refused.join(", ");
            return Stage::Done(Err(ResolutionError::NotOffered { host, services }));
        }
        // RFC 3263 §4.2: without SRV, the addresses of the host itself.
        Stage::Addresses(vec![Hop::plain(&self.target)])
    }

    fn after_addresses(&self, hops: Vec<Hop>, lookups: &[Lookup]) -> Stage {
        let found: Vec<Found> = hops
            .into_iter()
            .filter_map(|hop| {
                let of_host = lookups
                    .iter()
                    .filter(|lookup| lookup.question.name.eq_ignore_ascii_case(&hop.host));
                let addresses: Vec<IpAddr> = of_host.flat_map(Lookup::addresses).collect();
                let source = match hop.srv {
                    Some((priority, weight)) => {
                        Source::Srv { priority, weight, host: hop.host.clone() }
                    }
                    None => Source::Address,
                };
                (!addresses.is_empty()).then_some(Found { hop, addresses, source })
            })
            .collect();
        match found.is_empty() {
            false => Stage::Done(Ok(found)),
            true => Stage::Done(Err(self.unknown(lookups))),
        }
    }

    /// Nothing was found; these were the last questions.
    fn unknown(&self, last: &[Lookup]) -> ResolutionError {
        let failures = || last.iter().filter_map(|lookup| lookup.answer.as_ref().err());
        // What a server could not do says more than what it does not have.
        let worst = failures().max_by_key(|failure| failure.weight());
        let why = match worst {
            Some(failure) => failure.to_string(),
            None => LookupFailure::NoRecords.to_string(),
        };
        let mut unanswered: Vec<(String, Vec<String>)> = Vec::new();
        for lookup in &self.lookups {
            let Err(failure) = &lookup.answer else { continue };
            let (failure, is_silence) = (failure.to_string(), failure.is_silence());
            let question = lookup.question.to_string();
            match unanswered.iter_mut().find(|(known, _)| *known == failure) {
                Some((_, questions)) => questions.push(question),
                None if is_silence && failure != why => unanswered.push((failure, vec![question])),
                None => {}
            }
        }
        let asked = self.lookups.iter().chain(last).map(|lookup| lookup.question.to_string());
        ResolutionError::Unknown {
            host: self.target.host.clone(),
            server: self.server.clone(),
            why,
            unanswered,
            asked: asked.collect::<Vec<_>>().join(", "),
        }
    }
}

/// What else is to be known of why nothing was found.
fn beside(unanswered: &[(String, Vec<String>)]) -> String {
    let told =
        |(why, asked): &(String, Vec<String>)| format!("; for {} it {why}", asked.join(", "));
    unanswered.iter().map(told).collect()
}

fn bounded(answer: Answer) -> Answer {
    answer.map(|mut records| {
        records.truncate(MOST_RECORDS);
        records
    })
}

/// RFC 3263 §4.1, RFC 7118 §8: the services of the «SIP» application.
const SERVICES: [(&str, Transport); 5] = [
    ("SIP+D2U", Transport::Udp),
    ("SIP+D2T", Transport::Tcp),
    ("SIPS+D2T", Transport::Tls),
    ("SIP+D2W", Transport::Ws),
    ("SIPS+D2W", Transport::Wss),
];

fn naptr_transport(service: &str) -> Option<Transport> {
    let known = SERVICES.iter().find(|(name, _)| name.eq_ignore_ascii_case(service));
    known.map(|(_, transport)| *transport)
}

/// A service as it is told where it is of no use, with what makes it so.
fn offer(record: &Naptr) -> String {
    match record.flags.eq_ignore_ascii_case("s") {
        true => record.service.clone(),
        // RFC 3263 §4.1: the replacement is looked up for SRV records.
        false => format!("{} with the flags {:?} and not \"s\"", record.service, record.flags),
    }
}

fn is_of_sip(service: &str) -> bool {
    let protocol = service.split('+').next().unwrap_or_default();
    ["SIP", "SIPS"].iter().any(|name| name.eq_ignore_ascii_case(protocol))
}

/// The name that the SRV records of a transport have (RFC 3263 §4.1, RFC 7118 §8).
fn service(transport: Transport, host: &str) -> Service {
    let prefix = match transport {
        Transport::Udp => "_sip._udp",
        Transport::Tcp => "_sip._tcp",
        Transport::Tls => "_sips._tcp",
        Transport::Ws => "_sip._ws",
        Transport::Wss => "_sips._ws",
    };
    Service { transport, name: format!("{prefix}.{host}") }
}

fn names<'t>(transports: impl Iterator<Item = &'t Transport>) -> String {
    transports.map(|transport| transport.name()).collect::<Vec<_>>().join(", ")
}
