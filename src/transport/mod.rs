//! Sockets: URIs become flows, bytes become messages.
//!
//! [`Network`] is the one door. Behind it, every transport is one small file that knows how a flow
//! is made, how it reads and how it writes; `flow` holds what they share. Nothing in here knows
//! what a message means.

mod flow;
mod network;
mod reason;
mod server_uri;
mod settings;
mod signal;
mod stream;
mod tcp;
mod udp;
mod ws;

pub use network::{Network, RELIEF, Room};
pub use server_uri::{ServerUri, ServerUriError};
pub use settings::FlowSettings;
pub use signal::{SendError, Signal};
