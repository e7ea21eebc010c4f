//! Link-local IPv6 addresses, and the zone that each is in: which link it is meant on (RFC 4007 §6).
//!
//! A zone means something on this host alone. It stands in what the user writes, as RFC 4007 §11 has it
//! and in a URI as RFC 6874 §2 does, and in the addresses that the system takes; SIP's grammar has none
//! (RFC 3261 §25.1), so that no message names one.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

/// A zone: a network interface, by its name or its number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Zone {
    name: String,
    index: u32,
}

/// Why a text is no [`Zone`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no network interface is called {0:?}: write the name of one behind the %")]
pub struct ZoneError(String);

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Zone, ZoneError> {
        let number = text.parse().ok().filter(|number| *number > 0);
        let index = number.or_else(|| interface(text)).ok_or_else(|| ZoneError(text.to_owned()))?;
        Ok(Zone { name: text.to_owned(), index })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(unix)]
fn interface(name: &str) -> Option<u32> {
    nix::net::if_::if_nametoindex(name).ok()
}

/// Elsewhere interfaces go by their numbers.
#[cfg(not(unix))]
fn interface(_name: &str) -> Option<u32> {
    None
}

impl Zone {
    /// The same address in this zone, where it is in one.
    pub(super) fn of(zone: Option<&Zone>, address: SocketAddr) -> SocketAddr {
        in_zone(address, zone.map_or(0, |zone| zone.index))
    }
}

/// An address of ours to send from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LocalAddress {
    /// The address.
    pub ip: IpAddr,
    zone: Option<Zone>,
}

/// Why a text is no [`LocalAddress`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocalAddressError {
    /// It is no address at all.
    #[error("{0:?} is no IP address of ours such as 192.0.2.1, 2001:db8::1 or fe80::1%eth0")]
    NoAddress(String),
    /// It is link-local, on a link that is not said.
    #[error(transparent)]
    NoZone(NoZone),
    /// The zone is unknown.
    #[error(transparent)]
    Zone(#[from] ZoneError),
}

/// A link-local address whose zone is missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} is link-local and may be on any link: say on which with its zone, the network interface, as in fe80::1%eth0 or sip:[fe80::1%25eth0] (RFC 4007 §11, RFC 6874 §2)"
)]
pub struct NoZone(IpAddr);

impl LocalAddress {
    /// The address with that port.
    pub(super) fn with_port(&self, port: u16) -> SocketAddr {
        Zone::of(self.zone.as_ref(), SocketAddr::new(self.ip, port))
    }
}

impl FromStr for LocalAddress {
    type Err = LocalAddressError;

    /// With or without the brackets that a URI needs.
    fn from_str(text: &str) -> Result<LocalAddress, LocalAddressError> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let (address, zone) = bare.map_or_else(|| split(text), split_in_uri);
        let no_address = |_| LocalAddressError::NoAddress(text.to_owned());
        let ip: IpAddr = address.parse().map_err(no_address)?;
        if bare.is_some() && ip.is_ipv4() {
            return Err(LocalAddressError::NoAddress(text.to_owned()));
        }
        let address = LocalAddress { ip, zone: zone.map(str::parse).transpose()? };
        check(address.with_port(0)).map_err(LocalAddressError::NoZone)?;
        Ok(address)
    }
}

impl fmt::Display for LocalAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.zone {
            None => write!(f, "{}", self.ip),
            Some(zone) => write!(f, "{}%{zone}", self.ip),
        }
    }
}

/// An address and its zone, which stands behind a `%` (RFC 4007 §11).
fn split(address: &str) -> (&str, Option<&str>) {
    match address.split_once('%') {
        None => (address, None),
        Some((address, zone)) => (address, Some(zone)),
    }
}

/// The same of the host of a URI, which stands in brackets: a `%` is written `%25` there (RFC 6874 §2).
/// The bare `%` that people write is understood too.
pub(super) fn split_in_uri(host: &str) -> (&str, Option<&str>) {
    let (address, zone) = split(host);
    (address, zone.map(|zone| zone.strip_prefix("25").unwrap_or(zone)))
}

/// Whether an address says all that is needed to reach it.
pub(super) fn check(address: SocketAddr) -> Result<(), NoZone> {
    match address {
        SocketAddr::V6(six) if six.ip().is_unicast_link_local() && six.scope_id() == 0 => {
            Err(NoZone(address.ip()))
        }
        _ => Ok(()),
    }
}

/// A link-local address that names no zone, in the one of that number.
pub(super) fn in_zone(mut address: SocketAddr, index: u32) -> SocketAddr {
    if check(address).is_err()
        && let SocketAddr::V6(six) = &mut address
    {
        six.set_scope_id(index);
    }
    address
}

/// The number of the zone that an address names; 0 for none.
pub(super) fn index(address: SocketAddr) -> u32 {
    match address {
        SocketAddr::V4(_) => 0,
        SocketAddr::V6(six) => six.scope_id(),
    }
}

/// An address as messages name it.
pub fn without_zone(mut address: SocketAddr) -> SocketAddr {
    if let SocketAddr::V6(six) = &mut address {
        six.set_scope_id(0);
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(text: &str) -> Result<LocalAddress, String> {
        text.parse().map_err(|error: LocalAddressError| error.to_string())
    }

    #[test]
    fn an_address_of_ours_is_read_with_its_zone_and_with_or_without_brackets() {
        for (text, written, bound) in [
            ("192.0.2.1", "192.0.2.1", "192.0.2.1:7"),
            ("::", "::", "[::]:7"),
            ("[::]", "::", "[::]:7"),
            ("fe80::1%3", "fe80::1%3", "[fe80::1%3]:7"),
            ("[fe80::1%3]", "fe80::1%3", "[fe80::1%3]:7"),
            ("[fe80::1%253]", "fe80::1%3", "[fe80::1%3]:7"),
            // Only a URI has an escape: here the zone is all that stands behind the %.
            ("fe80::1%25", "fe80::1%25", "[fe80::1%25]:7"),
            ("fe80::1%251", "fe80::1%251", "[fe80::1%251]:7"),
        ] {
            let address = local(text).unwrap();
            assert_eq!(address.to_string(), written);
            assert_eq!(address.with_port(7).to_string(), bound, "{text}");
        }
        for text in ["", "localhost", "[192.0.2.1]", "192.0.2.1:5060", "[::", "::1]"] {
            assert!(local(text).unwrap_err().contains("is no IP address of ours"), "{text}");
        }
    }

    #[test]
    fn a_zone_that_is_missing_or_unknown_is_named() {
        let error = local("fe80::1").unwrap_err();
        assert!(error.starts_with("fe80::1 is link-local") && error.contains("%25eth0"), "{error}");
        for text in ["fe80::1%", "fe80::1%no such", "fe80::1%0", "[fe80::1%25]"] {
            let error = local(text).unwrap_err();
            assert!(error.starts_with("no network interface is called"), "{text}: {error}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_interface_goes_by_its_name() {
        assert_eq!(local("fe80::1%lo").unwrap().with_port(7).to_string(), "[fe80::1%1]:7");
    }

    #[test]
    fn only_a_link_local_address_without_a_zone_is_put_into_one() {
        for (address, expected) in [
            ("[fe80::1]:7", "[fe80::1%5]:7"),
            ("[fe80::1%2]:7", "[fe80::1%2]:7"),
            ("[::1]:7", "[::1]:7"),
            ("127.0.0.1:7", "127.0.0.1:7"),
        ] {
            let address: SocketAddr = address.parse().unwrap();
            assert_eq!(in_zone(address, 5).to_string(), expected);
            assert_eq!(index(without_zone(address)), 0);
        }
    }
}
