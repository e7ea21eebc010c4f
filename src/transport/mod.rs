//! Sockets: URIs become flows, bytes become messages.
//!
//! [`Network`] is the one door. Behind it, every transport is one small file that knows how a flow
//! is made, how it reads and how it writes; `flow` holds what they share. Nothing in here knows
//! what a message means.

mod datagram;
mod dns;
mod everywhere;
mod facts;
mod flow;
mod guests;
mod http_header;
mod keep_alive;
mod network;
mod pace;
mod queue;
mod reason;
mod server_uri;
mod settings;
mod signal;
mod stall;
mod stream;
mod tcp;
mod tls;
mod udp;
mod ws;
mod zone;

pub use dns::{Resolver, dns_server};
pub use facts::{Certificate, CertificateNames, FlowFacts, TlsFacts};
pub use guests::GuestLimits;
pub use http_header::{HttpHeader, HttpHeaderError};
pub use network::{Network, RELIEF, Room};
pub use server_uri::{ServerUri, ServerUriError};
pub use settings::{
    ClientIdentity, FlowSettings, KeepAlive, TlsSettings, Trust, WebSocketSettings,
};
pub use signal::{SendError, Signal};
pub use tls::{ServerIdentity, broken_files, is_server_name, key_log_problem};
pub use zone::{LocalAddress, LocalAddressError, NoZone, Zone, ZoneError, without_zone};
