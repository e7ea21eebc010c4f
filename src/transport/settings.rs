//! How a flow is made, as far as its server's address does not say it.

use std::{fmt, net::IpAddr, path::PathBuf, sync::Arc};

/// How a flow is made. Part of its identity: two accounts that want different things of one server
/// have two flows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FlowSettings {
    /// Our own address; the system picks one where it is not set.
    pub bind: Option<IpAddr>,
    /// TLS, for `tls` and `wss`.
    pub tls: TlsSettings,
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
