//! `sipboard serve`: the demo server alone.

use std::net::SocketAddr;

use anyhow::Context as _;
use serde::Serialize;

use crate::{
    cli::{args::Serve, print, runtime, signals},
    demo,
};

pub(super) fn run(args: &Serve) -> anyhow::Result<u8> {
    let config = match (args.udp, args.tcp, args.ws) {
        (None, None, None) => demo::Config::default(),
        (udp, tcp, ws) => demo::Config { udp, tcp, ws, ..demo::Config::nowhere() },
    };
    runtime()?.block_on(async {
        // Before the addresses are told: whoever reads them may end it at once.
        let mut interrupts = signals::interrupts().context("signals cannot be heard")?;
        let demo = demo::start(config).await?;
        let addresses = demo.addresses();
        let text = if args.json { json(&addresses)? } else { readable(&addresses) };
        let printed = print(text.as_bytes());
        if printed.is_ok() {
            interrupts.recv().await;
        }
        demo.stop().await;
        printed?;
        Ok(0)
    })
}

fn readable(addresses: &demo::Addresses) -> String {
    let udp = addresses.udp.map(|address| format!("udp {address}\n"));
    let tcp = addresses.tcp.map(|address| format!("tcp {address}\n"));
    let ws = addresses.ws.map(|address| format!("ws ws://{address}\n"));
    [udp, tcp, ws].into_iter().flatten().collect()
}

/// The line that says that everything listens; the field names are an interface.
#[derive(Serialize)]
#[serde(tag = "event", rename = "listening")]
struct Listening {
    #[serde(skip_serializing_if = "Option::is_none")]
    udp: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ws: Option<String>,
}

fn json(addresses: &demo::Addresses) -> anyhow::Result<String> {
    let ws = addresses.ws.map(|address| format!("ws://{address}"));
    let demo::Addresses { udp, tcp, .. } = *addresses;
    Ok(serde_json::to_string(&Listening { udp, tcp, ws })? + "\n")
}
