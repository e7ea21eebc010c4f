//! Sockets: URIs become flows, bytes become messages.

mod network;
mod server_uri;

pub use network::{Network, SendError, Signal};
pub use server_uri::{ServerUri, ServerUriError};
