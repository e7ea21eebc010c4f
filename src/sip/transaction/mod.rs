//! Transactions (RFC 3261 §17, RFC 6026): state machines that are told the time.

mod client;
mod client_invite;
mod client_non_invite;

pub use client::{ClientTransaction, ResponseOutcome, TimeoutOutcome, Timers};
pub use client_invite::InviteClient;
pub use client_non_invite::NonInviteClient;
