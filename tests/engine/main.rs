//! The engine on real loopback sockets, against peers in the test's own hands.

mod connections;
mod flows;
mod life;
mod support;
