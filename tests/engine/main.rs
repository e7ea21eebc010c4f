//! The engine on real loopback sockets, against peers in the test's own hands.

mod accounts;
#[path = "../certificates/mod.rs"]
mod certificates;
mod connections;
#[path = "../dns_server/mod.rs"]
mod dns_server;
mod failed_flows;
mod flows;
mod impairment;
mod life;
mod next_hop;
mod registrar;
mod reload;
mod secure;
mod support;
