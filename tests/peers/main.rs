//! `sipboard` and SIP programs of others, each a real process on loopback.
//!
//! `cargo test` leaves these out. `tests/peers/install` installs the programs, and
//! `cargo test --test peers` runs the tests: whatever a peer cannot be started with fails them, and
//! nothing is skipped. Each test has processes of its own, on ports that were free, on a loopback
//! address that no other test uses; it ends them by their own pids.

mod browsers;
#[path = "../certificates/mod.rs"]
mod certificates;
#[path = "../cli_support/mod.rs"]
mod cli_support;
mod demo_server;
mod kamailio;
mod sipp;
mod support;
