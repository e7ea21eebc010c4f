//! `sipboard serve`: the demo server alone.

use std::{
    env, fs,
    io::{self, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use serde::Serialize;

use crate::{
    cli::{args::Serve, runtime, signals, tell},
    demo,
    outlet::{Outlet, Stream},
    transport::key_log_problem,
};

pub(super) fn run(args: &Serve) -> anyhow::Result<u8> {
    let Serve { udp, tcp, ws, tls, wss, json: _, limits } = *args;
    let mut config = match [udp, tcp, ws, tls, wss] {
        [None, None, None, None, None] => demo::Config::default(),
        _ => demo::Config { udp, tcp, ws, tls, wss, ..demo::Config::nowhere() },
    };
    config.settings.messages = limits.limits();
    if (config.tls, config.wss) != (None, None) {
        key_log_problem().into_iter().for_each(|problem| tell(&problem));
    }
    runtime()?.block_on(async {
        // Before the addresses are told: whoever reads them may end it at once.
        let mut interrupts = signals::interrupts().context("signals cannot be heard")?;
        let demo = demo::start(config).await?;
        let ca_file = demo.ca_pem().map(|pem| TemporaryFile::new(pem)).transpose()?;
        let ca_file = ca_file.as_ref().map(|file| &*file.0);
        let addresses = demo.addresses();
        let text =
            if args.json { json(&addresses, ca_file)? } else { readable(&addresses, ca_file) };
        let outlet = Outlet::standard();
        outlet.hand(Stream::Out, text.as_bytes());
        tokio::select! {
            _ = interrupts.recv() => {}
            // A reader that has seen enough is no mistake.
            broken = broken(outlet) => {
                demo.stop().await;
                anyhow::bail!("standard output takes no more: {broken}");
            }
        }
        demo.stop().await;
        if !outlet.wait(Instant::now() + PATIENCE) {
            outlet.abandon();
        }
        Ok(0)
    })
}

/// Waits until the addresses cannot be told, for another reason than that nobody wants to know.
async fn broken(outlet: &Outlet) -> String {
    loop {
        outlet.broke().await;
        match outlet.error(Stream::Out) {
            Some(broken) if broken.kind != io::ErrorKind::BrokenPipe => return broken.reason,
            _ => {}
        }
    }
}

/// How long at the end whoever reads the addresses may take.
const PATIENCE: Duration = Duration::from_millis(50);

/// A file that nobody else can write, for as long as this value lives.
struct TemporaryFile(PathBuf);

impl TemporaryFile {
    /// Makes one with that text.
    fn new(text: &str) -> anyhow::Result<TemporaryFile> {
        let name = format!("sipboard-demo-{}-{:08x}.pem", process::id(), rand::random::<u32>());
        let path = env::temp_dir().join(name);
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let context = || format!("the certificate cannot be written to {}", path.display());
        let mut file = options.open(&path).with_context(context)?;
        // From here on it is ours to remove.
        let temporary = TemporaryFile(path.clone());
        file.write_all(text.as_bytes()).with_context(context)?;
        Ok(temporary)
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // Whoever has removed it before us has done our work.
        let _ = fs::remove_file(&self.0);
    }
}

fn readable(addresses: &demo::Addresses, ca_file: Option<&Path>) -> String {
    let demo::Addresses { udp, tcp, ws, tls, wss } = addresses;
    let line = |name, scheme, address: &Option<SocketAddr>| {
        address.map(|address| format!("{name} {scheme}{address}\n"))
    };
    [
        line("udp", "", udp),
        line("tcp", "", tcp),
        line("ws", "ws://", ws),
        line("tls", "", tls),
        line("wss", "wss://", wss),
        ca_file.map(|path| format!("ca-file {}\n", path.display())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The line that says that everything listens; the field names are an interface.
#[derive(Serialize)]
#[serde(tag = "event", rename = "listening")]
struct Listening<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    udp: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ws: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_file: Option<&'a Path>,
}

fn json(addresses: &demo::Addresses, ca_file: Option<&Path>) -> anyhow::Result<String> {
    let demo::Addresses { udp, tcp, ws, tls, wss } = *addresses;
    let ws = ws.map(|address| format!("ws://{address}"));
    let wss = wss.map(|address| format!("wss://{address}"));
    Ok(serde_json::to_string(&Listening { udp, tcp, ws, tls, wss, ca_file })? + "\n")
}
