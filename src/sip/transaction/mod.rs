//! Transactions (RFC 3261 §17, RFC 6026): state machines that are handed the time.

mod client;
mod client_invite;
mod client_non_invite;
mod server;
mod server_key;
mod server_set;
mod timing;

pub(crate) use client::{ClientTransaction, ResponseOutcome, TimeoutOutcome};
pub(crate) use client_invite::InviteClient;
pub(crate) use client_non_invite::NonInviteClient;
pub use server::{ServerReceived, ServerTimeout, ServerTransaction};
pub use server_key::ServerKey;
pub use server_set::{Incoming, ServerTransactionId, ServerTransactions, TimedOut};
pub use timing::Timing;
pub(crate) use timing::repeats;
