//! The demo server inside this process, and the way to it.

use std::net::SocketAddr;

use anyhow::Context as _;

use crate::{
    cli::shim::demo::{self, Addresses, Demo},
    sip::Transport,
    transport::ServerUri,
};

/// Starts it on ports of the loopback address that the system picks.
pub(super) async fn start() -> anyhow::Result<Demo> {
    let any_port = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    demo::start(demo::Config { udp: any_port, ws: any_port })
        .await
        .context("the built-in demo server cannot be started")
}

/// The servers that lead to it, the preferred one first.
pub(super) fn servers(addresses: &Addresses) -> Vec<ServerUri> {
    let server = |transport, address: Option<SocketAddr>| {
        address.map(|address| ServerUri {
            transport,
            host: address.ip().to_string(),
            port: address.port(),
            path: "/".to_owned(),
        })
    };
    let ws = server(Transport::Ws, addresses.ws);
    ws.into_iter().chain(server(Transport::Udp, addresses.udp)).collect()
}
