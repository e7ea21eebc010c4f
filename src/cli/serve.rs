//! `sipboard serve`: the demo server alone.

use anyhow::Context as _;

use crate::{
    cli::{args::Serve, print, runtime, signals},
    demo,
};

pub(super) fn run(args: &Serve) -> anyhow::Result<u8> {
    let config = match (args.udp, args.ws) {
        (None, None) => demo::Config::default(),
        (udp, ws) => demo::Config { udp, ws, ..demo::Config::nowhere() },
    };
    runtime()?.block_on(async {
        // Before the addresses are told: whoever reads them may end it at once.
        let mut interrupts = signals::interrupts().context("signals cannot be heard")?;
        let demo = demo::start(config).await?;
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
