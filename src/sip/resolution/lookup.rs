//! What DNS is asked, and what it says.

use std::{fmt, net::IpAddr};

use crate::sip::escape;

/// A question to DNS.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// The name.
    pub name: String,
    /// The type of its records.
    pub kind: Kind,
}

/// A type of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Services (RFC 3403).
    Naptr,
    /// Servers of a service (RFC 2782).
    Srv,
}

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A or AAAA.
    Address(IpAddr),
    /// NAPTR
    Naptr(Naptr),
    /// SRV
    Srv(Srv),
}

/// A NAPTR record, as far as RFC 3263 reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naptr {
    /// The lower one first, and nothing of a higher one.
    pub order: u16,
    /// The lower one first.
    pub preference: u16,
    /// `s` where the replacement has SRV records.
    pub flags: String,
    /// Such as `SIP+D2U`.
    pub service: String,
    /// The name to ask next.
    pub replacement: String,
}

/// An SRV record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Srv {
    /// The lower one first.
    pub priority: u16,
    /// Its share among those of one priority.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The host; `.` where there is no such service.
    pub target: String,
}

/// What a question brought.
pub type Answer = Result<Vec<Record>, LookupFailure>;

/// Why a question brought no records: words that go on from the name of the server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupFailure {
    /// The name has other records, but none of that type.
    #[error("has no such records")]
    NoRecords,
    /// NXDOMAIN
    #[error("says that there is no such name (NXDOMAIN)")]
    NoSuchName,
    /// The server answered that it cannot or will not: `SERVFAIL`, `REFUSED`, with what they mean.
    #[error("could not answer: {}", escape(.0))]
    Error(String),
    /// The server could not be asked.
    #[error("could not be asked: {}", escape(.0))]
    Unreachable(String),
    /// Nobody answered in time.
    #[error("did not answer in time")]
    TimedOut,
}

/// A question and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// What was asked.
    pub question: Question,
    /// What came of it.
    pub answer: Answer,
}

impl Question {
    pub(super) fn new(name: &str, kind: Kind) -> Question {
        Question { name: name.to_owned(), kind }
    }
}

impl LookupFailure {
    /// Whether the server said nothing of the name: it may have such records.
    pub(super) fn is_silence(&self) -> bool {
        match self {
            LookupFailure::NoRecords | LookupFailure::NoSuchName => false,
            LookupFailure::Error(_) | LookupFailure::Unreachable(_) | LookupFailure::TimedOut => {
                true
            }
        }
    }

    /// The more it says about why nothing was found, the higher.
    pub(super) fn weight(&self) -> u8 {
        match self {
            LookupFailure::NoRecords => 1,
            LookupFailure::NoSuchName => 0,
            LookupFailure::Error(_) => 2,
            LookupFailure::Unreachable(_) => 4,
            LookupFailure::TimedOut => 3,
        }
    }
}

impl Lookup {
    fn records(&self) -> impl Iterator<Item = &Record> {
        self.answer.iter().flatten()
    }

    pub(super) fn naptr(&self) -> impl Iterator<Item = &Naptr> {
        self.records().filter_map(|record| match record {
            Record::Naptr(naptr) => Some(naptr),
            _ => None,
        })
    }

    pub(super) fn srv(&self) -> impl Iterator<Item = &Srv> {
        self.records().filter_map(|record| match record {
            Record::Srv(srv) => Some(srv),
            _ => None,
        })
    }

    pub(super) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.records().filter_map(|record| match record {
            Record::Address(address) => Some(*address),
            _ => None,
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::A => "A",
            Kind::Aaaa => "AAAA",
            Kind::Naptr => "NAPTR",
            Kind::Srv => "SRV",
        })
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, escape(&self.name))
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Record::Address(address) => address.fmt(f),
            Record::Naptr(Naptr { order, preference, flags, service, replacement }) => write!(
                f,
                "{order} {preference} {} {} {}",
                escape(flags),
                escape(service),
                escape(replacement)
            ),
            Record::Srv(Srv { priority, weight, port, target }) => {
                write!(f, "{priority} {weight} {port} {}", escape(target))
            }
        }
    }
}

/// `SRV _sip._udp.example.org: 10 60 5060 a.example.org, 20 0 5060 b.example.org`
impl fmt::Display for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.question)?;
        match &self.answer {
            Ok(records) if records.is_empty() => f.write_str("none"),
            Ok(records) => {
                for (n, record) in records.iter().enumerate() {
                    let comma = if n == 0 { "" } else { ", " };
                    write!(f, "{comma}{record}")?;
                }
                Ok(())
            }
            Err(LookupFailure::NoRecords) => f.write_str("none"),
            Err(LookupFailure::NoSuchName) => f.write_str("no such name"),
            Err(LookupFailure::Error(code)) => f.write_str(&escape(code)),
            Err(LookupFailure::Unreachable(why)) => f.write_str(&escape(why)),
            Err(LookupFailure::TimedOut) => f.write_str("no answer in time"),
        }
    }
}
