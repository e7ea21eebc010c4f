//! What is known of a flow's peer beyond its address.

use std::net::IpAddr;

use jiff::Timestamp;

/// What a flow's handshakes brought to light.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlowFacts {
    /// TLS, where there is any.
    pub tls: Option<TlsFacts>,
    /// The WebSocket subprotocol that the server selected.
    pub subprotocol: Option<String>,
}

/// What a TLS handshake agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFacts {
    /// Such as `TLS 1.3`.
    pub version: String,
    /// Such as `TLS_AES_256_GCM_SHA384`.
    pub cipher_suite: String,
    /// The peer's certificates, its own first.
    pub chain: Vec<Certificate>,
    /// Whether they were looked at: not with `insecure`.
    pub verified: bool,
}

/// What a certificate says. The texts are the peer's: they are to be escaped before they are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Whom it is about.
    pub subject: String,
    /// Who says so.
    pub issuer: String,
    /// From when on it is valid.
    pub not_before: Timestamp,
    /// Until when it is valid.
    pub not_after: Timestamp,
    /// The names that it is for.
    pub names: CertificateNames,
}

/// The names in a certificate that can be those of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateNames {
    /// Whether there is a subjectAltName at all; the others but `common_name` come from it.
    pub alternative: bool,
    /// Its URIs.
    pub uris: Vec<String>,
    /// Its DNS names.
    pub dns: Vec<String>,
    /// Its IP addresses.
    pub addresses: Vec<IpAddr>,
    /// The common names of the subject.
    pub common: Vec<String>,
}
