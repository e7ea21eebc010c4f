//! Where requests are sent: `--server`, an account's `server`.

use std::{
    borrow::Cow,
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use crate::{
    sip::{
        Scheme, Transport, Uri, UriError,
        resolution::{Candidate, Discovery, Target},
        secret::MASK,
    },
    transport::zone::{self, Zone, ZoneError},
};

/// A server: a transport, a host and a port, and a path for WebSocket.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ServerUri {
    /// The transport.
    pub transport: Transport,
    /// A name, an IPv4 address, or an IPv6 address without its brackets. It is what a TLS
    /// certificate must name (RFC 5922 §7) and what a WebSocket handshake asks for.
    pub host: String,
    /// The port, the transport's own where none was written.
    pub port: u16,
    /// The path of a WebSocket URL, from its `/` on; `/` for the others.
    pub path: String,
    /// What is looked up in place of the host (RFC 3261 §19.1.1).
    pub maddr: Option<String>,
    /// The zone of a link-local address: on which link the server is. It is ours alone to know.
    pub zone: Option<Zone>,
    /// How much of transport and port is still to be found (RFC 3263 §4).
    pub discovery: Discovery,
    /// The address at which it is reached, once its name has been looked up.
    pub address: Option<SocketAddr>,
}

/// Why a text is no [`ServerUri`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerUriError {
    /// An unknown scheme, or none.
    #[error(
        "{0:?} is not a server: write ws://host:port/path, wss://…, sip:host:port;transport=udp, sip:host:port;transport=tcp or sips:host:port"
    )]
    Scheme(String),
    /// The SIP URI is wrong.
    #[error("{text:?} is not a server: {error}")]
    Uri {
        /// As written.
        text: String,
        /// What is wrong.
        error: UriError,
    },
    /// The `maddr` parameter is wrong.
    #[error(
        "maddr={0:?} is no host: write a name or an address, and the port behind the host of the URI (RFC 3261 §19.1.1)"
    )]
    Maddr(String),
    /// `sips` and UDP (RFC 3261 §26.2.2).
    #[error(
        "a sips URI cannot go over udp, which is not encrypted: write transport=tls or leave the parameter out, or write sip (RFC 3261 §26.2.2)"
    )]
    Insecure,
    /// A user or password before the host of a WebSocket URL.
    #[error(
        "a WebSocket URL has no user and password before its host: an Authorization header in ws_headers says who asks"
    )]
    UserInfo,
    /// A fragment (RFC 6455 §3).
    #[error(
        "a WebSocket URL has no #fragment: write a # that belongs to the path as %23 (RFC 6455 §3)"
    )]
    Fragment,
    /// What cannot stand in the path or query of a URL (RFC 3986 §3.3).
    #[error(
        "{0:?} cannot stand in a WebSocket URL as it is: write its bytes as %XX (RFC 3986 §2.1)"
    )]
    Path(char),
    /// The zone of its address is unknown.
    #[error(transparent)]
    Zone(#[from] ZoneError),
    /// The `transport` parameter is wrong.
    #[error("{0:?} is not a transport: write udp, tcp, tls, ws or wss")]
    Transport(String),
}

impl ServerUri {
    /// A server at an address.
    pub fn at(transport: Transport, address: SocketAddr) -> ServerUri {
        ServerUri {
            transport,
            host: address.ip().to_string(),
            port: address.port(),
            path: "/".to_owned(),
            maddr: None,
            zone: None,
            discovery: Discovery::Address,
            address: None,
        }
    }

    /// The same server, as a look-up found it.
    pub fn resolved(&self, candidate: &Candidate) -> ServerUri {
        ServerUri {
            transport: candidate.transport,
            port: candidate.address.port(),
            discovery: Discovery::Address,
            address: Some(candidate.address),
            ..self.clone()
        }
    }

    /// Whether the port is known: DNS does not name it.
    pub fn has_port(&self) -> bool {
        self.discovery == Discovery::Address || self.address.is_some()
    }

    /// What is to be looked up.
    pub fn target(&self) -> Target {
        Target {
            host: self.maddr.as_ref().unwrap_or(&self.host).clone(),
            port: self.port,
            transport: self.transport,
            discovery: self.discovery,
        }
    }

    /// What is to be looked up for a request that is too large for UDP (RFC 3261 §18.1.1); `None`
    /// where host and port are given, which TCP then has too.
    pub fn tcp_target(&self) -> Option<Target> {
        let discovery = match self.discovery {
            Discovery::Address => return None,
            Discovery::Service => Discovery::Service,
            Discovery::Services | Discovery::ServicesOf => Discovery::ServicesOf,
        };
        let transport = Transport::Tcp;
        Some(Target { transport, port: transport.default_port(), discovery, ..self.target() })
    }

    /// The address to connect to; `None` for a name that has not been looked up.
    pub fn socket_address(&self) -> Option<SocketAddr> {
        let literal = || self.maddr.as_ref().unwrap_or(&self.host).parse::<IpAddr>().ok();
        let in_zone = |ip| Zone::of(self.zone.as_ref(), SocketAddr::new(ip, self.port));
        self.address.or_else(|| literal().map(in_zone))
    }

    /// The server as a URI: what a WebSocket handshake asks for, without its zone (RFC 6874 §3). It may
    /// hold a secret in its query.
    pub fn url(&self) -> String {
        let mut url = String::new();
        ServerUri { address: None, zone: None, ..self.clone() }
            .write(&mut url, &self.path)
            .expect("a String takes everything");
        url
    }

    fn write(&self, f: &mut impl fmt::Write, path: &str) -> fmt::Result {
        // The zone is that of the address that is reached.
        let (of_host, of_maddr) = match self.maddr {
            None => (self.zone.as_ref(), None),
            Some(_) => (None, self.zone.as_ref()),
        };
        let authority = bracketed(&self.host, of_host);
        let authority = match self.discovery {
            Discovery::Address => format!("{authority}:{}", self.port).into(),
            _ => authority,
        };
        match self.transport {
            Transport::Ws | Transport::Wss => {
                write!(f, "{}://{authority}", self.transport)?;
                if path != "/" {
                    f.write_str(path)?;
                }
            }
            Transport::Tls => write!(f, "sips:{authority}")?,
            _ if self.discovery == Discovery::Services => write!(f, "sip:{authority}")?,
            transport => write!(f, "sip:{authority};transport={transport}")?,
        }
        if let Some(maddr) = &self.maddr {
            write!(f, ";maddr={}", bracketed(maddr, of_maddr))?;
        }
        match self.address.filter(|address| address.ip().to_string() != self.host) {
            Some(address) => write!(f, " ({address})"),
            None => Ok(()),
        }
    }

    /// The server that a SIP URI itself names, by its `transport` and `maddr` parameters, host and
    /// port (RFC 3263 §4 without the look-ups).
    ///
    /// # Errors
    ///
    /// A scheme that is not `sip` or `sips`, or an unknown transport.
    pub fn from_uri(uri: &Uri<'_>) -> Result<ServerUri, ServerUriError> {
        let secure = match uri.scheme() {
            Scheme::Sip => false,
            Scheme::Sips => true,
            Scheme::Other(_) => return Err(ServerUriError::Scheme(uri.as_str().to_owned())),
        };
        let transport = match uri.params().value("transport") {
            None if secure => Transport::Tls,
            None => Transport::Udp,
            Some(name) => match name.parse() {
                // RFC 3261 §26.2.2: sips over TCP means TLS.
                Ok(Transport::Tcp) if secure => Transport::Tls,
                Ok(Transport::Ws) if secure => Transport::Wss,
                Ok(Transport::Udp) if secure => {
                    return Err(ServerUriError::Insecure);
                }
                Ok(transport) => transport,
                Err(()) => return Err(ServerUriError::Transport(name.to_owned())),
            },
        };
        let is_address = |host: &str| bare(host).parse::<IpAddr>().is_ok();
        let maddr = uri.params().value("maddr").map(maddr).transpose()?;
        let discovery = match (uri.port(), uri.params().value("transport")) {
            _ if is_address(maddr.as_deref().unwrap_or(uri.host())) => Discovery::Address,
            (Some(_), _) => Discovery::Address,
            (None, Some(_)) => Discovery::Service,
            (None, None) => Discovery::Services,
        };
        Ok(ServerUri {
            transport,
            host: bare(uri.host()).to_owned(),
            port: uri.port().unwrap_or(transport.default_port()),
            path: "/".to_owned(),
            maddr,
            zone: None,
            discovery,
            address: None,
        })
    }
}

impl FromStr for ServerUri {
    type Err = ServerUriError;

    fn from_str(text: &str) -> Result<ServerUri, ServerUriError> {
        let text = text.trim();
        // RFC 6874 §2: what SIP's own grammar does not have.
        if let Some((before, host, zone, behind)) = zoned(text) {
            let server: ServerUri = format!("{before}{host}{behind}").parse()?;
            return Ok(ServerUri { zone: Some(zone.parse()?), ..server });
        }
        let wrong = |error| ServerUriError::Uri { text: text.to_owned(), error };
        let scheme = |prefix: &str| {
            text.get(..prefix.len())
                .filter(|p| p.eq_ignore_ascii_case(prefix))
                .map(|_| &text[prefix.len()..])
        };
        let (transport, rest) = if let Some(rest) = scheme("ws://") {
            (Transport::Ws, rest)
        } else if let Some(rest) = scheme("wss://") {
            (Transport::Wss, rest)
        } else if scheme("sip:").is_some() || scheme("sips:").is_some() {
            return ServerUri::from_uri(&Uri::parse(text).map_err(wrong)?);
        } else {
            return Err(ServerUriError::Scheme(text.to_owned()));
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        if rest[..end].contains('@') {
            return Err(ServerUriError::UserInfo);
        }
        if rest.contains('#') {
            return Err(ServerUriError::Fragment);
        }
        let can_stand = |c: char| c.is_ascii_graphic() && !r#""<>\^`{|}"#.contains(c);
        if let Some(c) = rest[end..].chars().find(|c| !can_stand(*c)) {
            return Err(ServerUriError::Path(c));
        }
        let authority = format!("sip:{}", &rest[..end]);
        let uri = Uri::parse(&authority).map_err(wrong)?;
        let mut path = rest[end..].to_owned();
        if !path.starts_with('/') {
            path.insert(0, '/');
        }
        Ok(ServerUri {
            transport,
            host: bare(uri.host()).to_owned(),
            port: uri.port().unwrap_or(transport.default_port()),
            path,
            maddr: None,
            zone: None,
            // RFC 7118 §8: a URL is resolved as HTTP does.
            discovery: Discovery::Address,
            address: None,
        })
    }
}

/// The host that `maddr` names.
fn maddr(text: &str) -> Result<String, ServerUriError> {
    let authority = format!("sip:{text}");
    let is_host = |uri: &Uri<'_>| uri.host() == text && uri.port().is_none();
    match Uri::parse(&authority).ok().filter(is_host) {
        Some(_) => Ok(bare(text).to_owned()),
        None if text.parse::<IpAddr>().is_ok() => Ok(text.to_owned()),
        None => Err(ServerUriError::Maddr(text.to_owned())),
    }
}

/// A host as a URI has it: an IPv6 address in brackets (RFC 3261 §25.1), with its zone as RFC 6874 §2
/// has it.
fn bracketed<'a>(host: &'a str, zone: Option<&Zone>) -> Cow<'a, str> {
    match zone {
        _ if !host.contains(':') => host.into(),
        None => format!("[{host}]").into(),
        Some(zone) => format!("[{host}%25{zone}]").into(),
    }
}

/// What stands before the first address in brackets that has a zone, the address, the zone, and the
/// rest; nothing where there is none. Brackets in the path or query of a URL, or in the headers of a
/// SIP URI, hold no address.
fn zoned(text: &str) -> Option<(&str, &str, &str, &str)> {
    let hosts_end = match text.find("://") {
        Some(colon) => {
            let authority = colon + "://".len();
            text[authority..].find(['/', '?', '#']).map(|end| authority + end)
        }
        None => text.find('?'),
    };
    let hosts = &text[..hosts_end.unwrap_or(text.len())];
    let begin = hosts.find('[')? + 1;
    let end = begin + hosts[begin..].find(']')?;
    let (host, zone) = zone::split_in_uri(&text[begin..end]);
    Some((&text[..begin], host, zone?, &text[end..]))
}

/// A host without the brackets of an IPv6 address.
fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// As one writes it: what was left open stays open. A name that was looked up is followed by its
/// address in parentheses. The query of a WebSocket URL, where tokens stand, is masked.
impl fmt::Display for ServerUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.split_once('?') {
            Some((path, _)) => self.write(f, &format!("{path}?{MASK}")),
            None => self.write(f, &self.path),
        }
    }
}

/// As it is shown: without its secrets.
impl fmt::Debug for ServerUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerUri({self})")
    }
}

#[cfg(test)]
mod tests;
