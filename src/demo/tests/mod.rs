//! The demo server in virtual time, without a socket.

mod bench;
mod calls;
mod faults;
mod others;
mod torture;
mod with_user_agent;
