//! OPTIONS in a closed loop, over each transport, beside other programs that do the same.
//!
//! `cargo bench --bench throughput` measures `sipboard send` and prints a table in markdown:
//! transactions a second, round trips and peak memory at 1, 10, 100 and 1,000 in flight, against
//! Kamailio with two workers and against `sipboard serve`. Each other program is measured on the
//! same peer right after it, round after round, so that a busy machine slows all of them. The exit
//! status is 1 where `sipboard send` lost a transaction.
//!
//! `-- ws udp` measures these transports only, `kamailio` or `demo` this peer, `10` this depth,
//! `rounds=9` so many samples of `seconds=0.5` each.

mod client;
mod peer;
mod process;
mod table;

use std::{env, fs, io, path::Path, process::ExitCode};

use client::{Client, Sample, Work};
use peer::{Peer, Transport};
use process::Scratch;
use table::{Cell, Table};

/// What is to be measured.
struct Plan {
    transports: Vec<Transport>,
    peers: Vec<&'static str>,
    depths: Vec<u64>,
    rounds: usize,
    /// How long a sample takes, about.
    seconds: f64,
}

fn main() -> ExitCode {
    let plan = match Plan::parse(env::args().skip(1).filter(|word| word != "--bench")) {
        Ok(plan) => plan,
        Err(word) => {
            eprintln!("{word} is no transport, peer, depth, rounds=N or seconds=N");
            return ExitCode::from(2);
        }
    };
    match measure(&plan) {
        Ok(table) => {
            print!("{table}");
            ExitCode::from(u8::from(table.has_losses()))
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

impl Plan {
    /// The words choose; of what none names, everything is measured. The word that says nothing is
    /// the error.
    fn parse(words: impl Iterator<Item = String>) -> Result<Plan, String> {
        let mut plan =
            Plan { transports: vec![], peers: vec![], depths: vec![], rounds: 5, seconds: 2.0 };
        for word in words {
            let transport = Transport::ALL.into_iter().find(|transport| transport.name() == word);
            let peer = PEERS.into_iter().find(|peer| *peer == word);
            if let Some(transport) = transport {
                plan.transports.push(transport);
            } else if let Some(peer) = peer {
                plan.peers.push(peer);
            } else if let Some(Ok(rounds)) = word.strip_prefix("rounds=").map(str::parse) {
                plan.rounds = rounds;
            } else if let Some(Ok(seconds)) = word.strip_prefix("seconds=").map(str::parse) {
                plan.seconds = seconds;
            } else {
                plan.depths.push(word.parse().ok().filter(|depth| *depth > 0).ok_or(word)?);
            }
        }
        if plan.transports.is_empty() {
            plan.transports = Transport::ALL.to_vec();
        }
        if plan.peers.is_empty() {
            plan.peers = PEERS.to_vec();
        }
        if plan.depths.is_empty() {
            plan.depths = DEPTHS.to_vec();
        }
        Ok(plan)
    }
}

fn measure(plan: &Plan) -> io::Result<Table> {
    let scratch = Scratch::new()?;
    let mut table = Table::default();
    let clients = Client::available(scratch.path(), &mut table);
    for name in &plan.peers {
        let peer = match *name {
            KAMAILIO => Peer::kamailio(scratch.path()),
            _ => Peer::demo(SIPBOARD),
        };
        match peer {
            Ok(peer) => measure_peer(plan, &peer, &clients, scratch.path(), &mut table),
            Err(error) => table.missing(format!("{name} as a peer: {error}")),
        }
    }
    Ok(table)
}

fn measure_peer(plan: &Plan, peer: &Peer, clients: &[Client], scratch: &Path, table: &mut Table) {
    for &transport in &plan.transports {
        for &depth in &plan.depths {
            let able = clients.iter().filter(|client| client.speaks(transport));
            let mut row: Vec<(&Client, Vec<Sample>, f64)> =
                able.map(|client| (client, Vec::new(), FIRST_GUESS)).collect();
            // One round more: the first one finds out how many transactions a sample takes.
            for round in 0..=plan.rounds {
                for (client, samples, rate) in &mut row {
                    let seconds = if round == 0 { plan.seconds / 4.0 } else { plan.seconds };
                    let count = ((*rate * seconds) as u64).max(depth * 2).max(20);
                    eprint!(
                        "\r{} {} {depth} {}: {round}   ",
                        peer.name,
                        transport.name(),
                        client.name()
                    );
                    // Deeper, a sample of that length may be little else than datagrams that the
                    // peer has dropped and that wait to be sent again.
                    let depth = if round == 0 { depth.min(100) } else { depth };
                    let work = Work { peer, transport, depth, count };
                    match client.sample(&work, scratch) {
                        Ok(sample) => {
                            if round == 0 {
                                *rate = sample.per_second;
                            }
                            if round > 0 || sample.lost > 0 {
                                samples.push(sample);
                            }
                        }
                        Err(error) => table.missing(format!(
                            "{} on {} over {} at {depth}: {error}",
                            client.name(),
                            peer.name,
                            transport.name()
                        )),
                    }
                }
            }
            for (client, samples, _) in row {
                let client = client.name();
                table.push(Cell { peer: peer.name, transport, depth, client, samples });
            }
        }
    }
    eprintln!();
}

/// The program that is measured: as it is built for the user.
const SIPBOARD: &str = env!("CARGO_BIN_EXE_sipboard");

const KAMAILIO: &str = "kamailio";
const PEERS: [&str; 2] = [KAMAILIO, "demo"];

/// How many transactions are under way at once.
const DEPTHS: [u64; 4] = [1, 10, 100, 1000];

/// Transactions a second of a client that has not been measured yet.
const FIRST_GUESS: f64 = 1000.0;

/// A file of this bench.
fn file(name: &str) -> io::Result<String> {
    let path = Path::new(FOLDER).join(name);
    fs::read_to_string(&path)
        .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))
}

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/throughput");
