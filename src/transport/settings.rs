//! How a flow is made, as far as its server's address does not say it.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use crate::{
    sip::Transport,
    transport::{HttpHeader, LocalAddress},
};

/// How a flow is made. Part of its identity: two accounts that want different things of one server
/// have two flows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FlowSettings {
    /// Our own address; the system picks one where it is not set.
    pub bind: Option<LocalAddress>,
    /// How it is kept alive.
    pub keep_alive: KeepAlive,
    /// TLS, for `tls` and `wss`.
    pub tls: TlsSettings,
    /// WebSocket, for `ws` and `wss`.
    pub websocket: WebSocketSettings,
}

impl FlowSettings {
    /// The same for a flow to another server, to which the first one sends us: what was for that one
    /// alone stays behind, as the name that its certificate has, and the headers of its handshake.
    pub fn for_another(&self) -> Arc<FlowSettings> {
        let mut settings = self.clone();
        settings.tls.server_name = None;
        settings.websocket.headers.clear();
        Arc::new(settings)
    }
}

/// How a flow is kept alive (RFC 5626 §3.5.1): a double CRLF on UDP, and on TCP and TLS, where a
/// CRLF answers it; a ping frame on WebSocket, which a pong frame answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct KeepAlive {
    /// How often, less up to a fifth by chance; zero for never. Where it is not set, 29 s on UDP,
    /// before a NAT forgets, and 120 s on the others (RFC 5626 §4.4).
    pub interval: Option<Duration>,
    /// Whether a peer that does not answer within 10 s is dead though it has never answered before.
    /// Once it has, that goes without saying. Not on UDP, where nobody answers.
    pub must_answer: bool,
}

impl KeepAlive {
    /// How often, on a flow of that transport; `None` for never.
    pub fn interval_on(&self, transport: Transport) -> Option<Duration> {
        let usual = if transport == Transport::Udp { USUAL_ON_UDP } else { USUAL };
        let interval = self.interval.unwrap_or(usual);
        (!interval.is_zero()).then_some(interval)
    }
}

/// How often a connection is kept alive where nothing else is set (RFC 5626 §4.4.1).
const USUAL: Duration = Duration::from_secs(120);

/// How often the way to a peer is kept open on UDP where nothing else is set: more often than a NAT
/// forgets it (RFC 5626 §4.4.2).
const USUAL_ON_UDP: Duration = Duration::from_secs(29);

/// What is asked of a WebSocket server, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct WebSocketSettings {
    /// Headers of the handshake.
    pub headers: Vec<HttpHeader>,
    /// Whether messages go in binary frames. They go in text frames otherwise, as long as they are
    /// UTF-8 (RFC 7118 §5).
    pub binary: bool,
}

/// What is asked of a server's certificate, and what is shown of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TlsSettings {
    /// Whom the server's certificate must come from.
    pub trust: Trust,
    /// The certificate that is shown to a server that asks for one.
    pub identity: Option<ClientIdentity>,
    /// The name that the server's certificate must be for, where it is not the server's host; it is
    /// also what the server is told that it was asked for (SNI, RFC 6066 §3).
    pub server_name: Option<String>,
    /// Take any certificate, of anyone, for any name: whoever is in between reads everything.
    pub insecure: bool,
}

/// Whom a server's certificate must come from.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub enum Trust {
    /// From someone whom this system trusts.
    #[default]
    System,
    /// From one of the certificates in a PEM file, and from nobody else.
    File(PathBuf),
    /// From one of the certificates in a PEM text, and from nobody else.
    Pem(Arc<str>),
}

/// A client certificate: two PEM files.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientIdentity {
    /// The certificate and the intermediate ones, in the order in which they are sent.
    pub cert_file: PathBuf,
    /// Its private key.
    pub key_file: PathBuf,
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trust::System => f.write_str("System"),
            Trust::File(path) => f.debug_tuple("File").field(path).finish(),
            Trust::Pem(_) => f.write_str("Pem"),
        }
    }
}
