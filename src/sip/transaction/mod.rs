//! Transactions (RFC 3261 §17): state machines that are handed the time and hand back bytes.

mod server;
mod server_key;
mod server_set;
mod timing;

pub use server::{ServerReceived, ServerTimeout, ServerTransaction};
pub use server_key::ServerKey;
pub use server_set::{Incoming, ServerTransactionId, ServerTransactions, TimedOut};
pub use timing::Timing;
