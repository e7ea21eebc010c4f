//! `sipboard serve`: the demo server alone.

use std::net::SocketAddr;

use anyhow::Context as _;

use crate::cli::{args::Serve, print, runtime, shim::demo, signals};

pub(super) fn run(args: &Serve) -> anyhow::Result<u8> {
    let any_port = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let config = match (args.udp, args.ws) {
        (None, None) => demo::Config { udp: any_port, ws: any_port },
        (udp, ws) => demo::Config { udp, ws },
    };
    runtime()?.block_on(async {
        // Before the addresses are told: whoever reads them may end it at once.
        let mut interrupts = signals::interrupts().context("signals cannot be heard")?;
        let demo = demo::start(config).await.context("the demo server cannot listen")?;
        let addresses = demo.addresses();
        let text = if args.json { json(&addresses) } else { readable(&addresses) };
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
    let ws = addresses.ws.map(|address| format!("ws ws://{address}\n"));
    udp.into_iter().chain(ws).collect()
}

fn json(addresses: &demo::Addresses) -> String {
    let udp = addresses.udp.map(|address| format!(",\"udp\":\"{address}\""));
    let ws = addresses.ws.map(|address| format!(",\"ws\":\"ws://{address}\""));
    let fields: String = udp.into_iter().chain(ws).collect();
    format!("{{\"event\":\"listening\"{fields}}}\n")
}
