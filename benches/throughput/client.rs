//! The programs that are measured: how each is told what to do, and what it says it did.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::Value;

use crate::{
    FOLDER, SIPBOARD, file,
    peer::{Peer, Transport},
    process::{Finished, run},
    table::Table,
};

/// What one sample does.
pub(crate) struct Work<'p> {
    pub(crate) peer: &'p Peer,
    pub(crate) transport: Transport,
    pub(crate) depth: u64,
    pub(crate) count: u64,
}

/// What came of it, by the program's own clock: neither its start nor its end counts.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) per_second: f64,
    /// Transactions without a 2xx.
    pub(crate) lost: u64,
    /// Round trips in milliseconds, half of them and 99 of 100, where the program tells them.
    pub(crate) rtt: Option<(f64, f64)>,
    pub(crate) peak_kib: u64,
}

/// A program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    Sipboard,
    Sipp,
    /// A script for node, and what it is called.
    Node(&'static str, &'static str),
}

impl Client {
    /// All that are there; the others are told as missing.
    pub(crate) fn available(scratch: &Path, table: &mut Table) -> Vec<Client> {
        let mut clients = vec![Client::Sipboard];
        match in_path("sipp") {
            true => clients.push(Client::Sipp),
            false => table.missing("SIPp: it is not installed".to_owned()),
        }
        table.missing("pjsip-perf: Debian has no package of it".to_owned());
        match install(scratch) {
            Ok(()) => clients.extend(NODE.map(|(script, name)| Client::Node(script, name))),
            Err(error) => table.missing(format!("SIP.js, JsSIP and the bare loop: {error}")),
        }
        clients
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Client::Sipboard => "sipboard",
            Client::Sipp => "SIPp",
            Client::Node(_, name) => name,
        }
    }

    pub(crate) fn speaks(&self, transport: Transport) -> bool {
        match self {
            Client::Sipboard => true,
            Client::Sipp => matches!(transport, Transport::Udp | Transport::Tcp),
            Client::Node(..) => transport == Transport::Ws,
        }
    }

    /// Runs it once.
    pub(crate) fn sample(&self, work: &Work, scratch: &Path) -> io::Result<Sample> {
        let folder = scratch.join("sample");
        fs::create_dir_all(&folder)?;
        let finished = run(self.command(work, scratch)?.current_dir(&folder), LIMIT)?;
        let sample = match self {
            Client::Sipp => sipp(&finished, work, &folder),
            Client::Sipboard | Client::Node(..) => summary(&finished, work),
        };
        fs::remove_dir_all(&folder)?;
        sample.ok_or_else(|| {
            let Finished { status, stdout, stderr, .. } = finished;
            let said = [stderr, stdout].concat();
            let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
            io::Error::other(format!("it ended with {status} and no totals: {last}"))
        })
    }

    fn command(&self, work: &Work, scratch: &Path) -> io::Result<Command> {
        let Work { peer, transport, depth, count } = *work;
        let (depth, count) = (depth.to_string(), count.to_string());
        let mut command;
        match self {
            Client::Sipboard => {
                command = Command::new(SIPBOARD);
                // Whoever runs this may have a config file; it has no part in it.
                command.env("HOME", scratch).env("XDG_CONFIG_HOME", scratch);
                command.args(["send", "OPTIONS", "sip:bench.test", "--json"]);
                command.args(["--server", &peer.uri(transport)]);
                command.args(["--count", &count, "--concurrency", &depth]);
                if matches!(transport, Transport::Tls | Transport::Wss) {
                    command.arg("--ca-file").arg(&peer.ca_file);
                }
            }
            Client::Sipp => {
                let scenario = scratch.join("options.xml");
                fs::write(&scenario, file("options.xml")?)?;
                command = Command::new("sipp");
                command.arg(peer.address(transport).to_string()).arg("-sf").arg(scenario);
                command.args(["-m", &count, "-l", &depth, "-i", "127.0.0.1", "-nostdin"]);
                command.args(["-t", if transport == Transport::Udp { "u1" } else { "t1" }]);
                // As fast as it can: the depth alone holds it back.
                command.args(["-r", "1000000", "-rp", "1000", "-timer_resol", "1"]);
                command.args(["-max_socket", "1024", "-buff_size", "4194304"]);
                command.args(["-trace_stat", "-stf", "stat.csv", "-fd", "1"]);
            }
            Client::Node(script, _) => {
                command = Command::new("node");
                command.arg(scratch.join("node").join(script));
                command.args([&peer.uri(transport), &count, &depth]);
            }
        }
        Ok(command)
    }
}

/// Lays out what runs in node, with its packages.
fn install(scratch: &Path) -> io::Result<()> {
    let folder = scratch.join("node");
    fs::create_dir_all(&folder)?;
    for entry in fs::read_dir(Path::new(FOLDER).join("node"))? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), folder.join(entry.file_name()))?;
        }
    }
    let npm = run(Command::new("npm").args(["ci", "--silent"]).current_dir(&folder), LIMIT)?;
    if !npm.status.success() {
        let why = npm.stderr.lines().next().unwrap_or("npm ci failed").to_owned();
        return Err(io::Error::other(why));
    }
    Ok(())
}

fn in_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder: PathBuf| folder.join(program).is_file())
}

/// One line of JSON at the end: `sipboard send`'s, which our scripts for node print too.
fn summary(finished: &Finished, work: &Work) -> Option<Sample> {
    let line = finished.stdout.lines().last()?;
    let totals: Value = serde_json::from_str(line).ok()?;
    let accepted = totals["accepted"].as_u64()?;
    let rtt = &totals["rtt_ms"];
    Some(Sample {
        per_second: accepted as f64 / totals["seconds"].as_f64()?,
        lost: work.count.saturating_sub(accepted),
        rtt: rtt["p50"].as_f64().zip(rtt["p99"].as_f64()),
        peak_kib: finished.peak_kib,
    })
}

/// SIPp's last line of statistics. Its clock for round trips counts whole milliseconds.
fn sipp(finished: &Finished, work: &Work, folder: &Path) -> Option<Sample> {
    let stat = fs::read_to_string(folder.join("stat.csv")).ok()?;
    let names = stat.lines().next()?.split(';');
    let values: Vec<&str> = stat.lines().last()?.split(';').collect();
    let of = |name: &str| -> Option<f64> {
        values.get(names.clone().position(|found| found == name)?)?.parse().ok()
    };
    let succeeded = of("SuccessfulCall(C)")?;
    // Calls begun a second: all of them, since it ends with the last.
    let per_second = of("CallRate(C)")? * succeeded / work.count as f64;
    let lost = work.count.saturating_sub(succeeded as u64);
    Some(Sample { per_second, lost, rtt: None, peak_kib: finished.peak_kib })
}

/// What runs in node.
const NODE: [(&str, &str); 3] =
    [("sipjs.mjs", "SIP.js"), ("jssip.mjs", "JsSIP"), ("bare.mjs", "bare loop")];

/// How long one sample may take.
const LIMIT: Duration = Duration::from_secs(120);
