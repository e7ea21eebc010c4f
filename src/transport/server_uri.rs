//! Where requests are sent: `--server`, an account's `server`.

use std::{fmt, str::FromStr};

use crate::sip::{Scheme, Transport, Uri, UriError};

/// A server: a transport, a host and a port, and a path for WebSocket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerUri {
    /// The transport.
    pub transport: Transport,
    /// A name, an IPv4 address, or an IPv6 address without its brackets.
    pub host: String,
    /// The port, the transport's own where none was written.
    pub port: u16,
    /// The path of a WebSocket URL, from its `/` on; `/` for the others.
    pub path: String,
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
    /// The `transport` parameter is wrong.
    #[error("{0:?} is not a transport: write udp, tcp, tls, ws or wss")]
    Transport(String),
}

impl ServerUri {
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
                    return Err(ServerUriError::Transport("udp with sips".to_owned()));
                }
                Ok(transport) => transport,
                Err(()) => return Err(ServerUriError::Transport(name.to_owned())),
            },
        };
        let host = uri.params().value("maddr").unwrap_or(uri.host());
        Ok(ServerUri {
            transport,
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: uri.port().unwrap_or(transport.default_port()),
            path: "/".to_owned(),
        })
    }
}

impl FromStr for ServerUri {
    type Err = ServerUriError;

    fn from_str(text: &str) -> Result<ServerUri, ServerUriError> {
        let text = text.trim();
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
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let authority = format!("sip:{}", &rest[..end]);
        let uri = Uri::parse(&authority).map_err(wrong)?;
        let mut path = rest[end..].to_owned();
        if !path.starts_with('/') {
            path.insert(0, '/');
        }
        Ok(ServerUri {
            transport,
            host: uri.host().trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: uri.port().unwrap_or(transport.default_port()),
            path,
        })
    }
}

impl fmt::Display for ServerUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        let authority = format_args!("{open}{}{close}:{}", self.host, self.port);
        match self.transport {
            Transport::Ws | Transport::Wss => {
                write!(f, "{}://{authority}", self.transport)?;
                if self.path == "/" { Ok(()) } else { f.write_str(&self.path) }
            }
            Transport::Tls => write!(f, "sips:{authority}"),
            transport => write!(f, "sip:{authority};transport={transport}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_written_back() {
        for (text, transport, host, port, written) in [
            ("ws://127.0.0.1:5066", Transport::Ws, "127.0.0.1", 5066, "ws://127.0.0.1:5066"),
            ("WSS://edge.test/ws", Transport::Wss, "edge.test", 443, "wss://edge.test:443/ws"),
            ("ws://[::1]:80/a?b", Transport::Ws, "::1", 80, "ws://[::1]:80/a?b"),
            ("sip:10.0.0.1", Transport::Udp, "10.0.0.1", 5060, "sip:10.0.0.1:5060;transport=udp"),
            ("sip:h:5070;transport=TCP", Transport::Tcp, "h", 5070, "sip:h:5070;transport=tcp"),
            ("sips:h", Transport::Tls, "h", 5061, "sips:h:5061"),
            (
                "sip:[2001:db8::1]",
                Transport::Udp,
                "2001:db8::1",
                5060,
                "sip:[2001:db8::1]:5060;transport=udp",
            ),
        ] {
            let server: ServerUri = text.parse().unwrap();
            assert_eq!(
                (server.transport, &*server.host, server.port),
                (transport, host, port),
                "{text}"
            );
            assert_eq!(server.to_string(), written);
        }
    }

    #[test]
    fn the_refusal_says_what_to_write() {
        for text in ["", "host", "http://x", "sip:", "sip:h;transport=sctp", "ws://", "sip:h:0x1"] {
            let error = text.parse::<ServerUri>().unwrap_err().to_string();
            assert!(error.contains("not a"), "{text}: {error}");
        }
    }
}
