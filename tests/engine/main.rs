//! The engine on real loopback sockets, against peers in the test's own hands.

mod accounts;
mod connections;
mod flows;
mod impairment;
mod life;
mod support;
