//! What the README shows of the command line is what it prints.
#![cfg(unix)]

#[path = "cli_support/mod.rs"]
mod cli_support;

use std::path::Path;

use regex::Regex;

use crate::cli_support::{Home, Serve, finish};

const README: &str = include_str!("../README.md");

/// What differs from run to run, and what stands in its place here.
const VARIES: [(&str, &str); 8] = [
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"\+\d+\.\d{3} ", "+TIME "),
    (r"[0-9a-f]{16}", "TAG"),
    (r#""t":[\d.]+,"time":"[^"]+""#, r#""t":TIME"#),
    (r"seed=\d+", "seed=SEED"),
    (r"\d+\.\d+ s, [\d.]+/s", "RATE"),
    (r"\d+\.\d+ ms", "RTT"),
    (r"no final response within [\d.]+ s", "no final response in time"),
];

/// A block of commands and what each prints.
struct Block {
    commands: Vec<String>,
    printed: Vec<String>,
}

/// The blocks, without the servers that they start and what those print.
fn blocks() -> Vec<Block> {
    let parts = README.split("```console\n").skip(1);
    let blocks = parts.map(|part| part.split("```").next().unwrap_or_default());
    let read = |text: &str| {
        let mut block = Block { commands: Vec::new(), printed: Vec::new() };
        let mut serves = false;
        for line in text.lines() {
            match line.strip_prefix("$ ") {
                Some(command) => {
                    serves = command.starts_with("sipboard serve");
                    block.commands.extend((!serves).then(|| command.to_owned()));
                }
                None if serves => {}
                None => block.printed.push(line.to_owned()),
            }
        }
        block
    };
    blocks.map(read).filter(|block| !block.commands.is_empty()).collect()
}

#[test]
fn its_commands_print_what_it_shows() {
    let server = Serve::start();
    let home = Home::new();
    let folder = home.config_file().parent().unwrap().to_owned();
    home.config("");
    let port = |uri: &str| uri.rsplit(':').find_map(|part| part.split(';').next()?.parse().ok());
    let ports = [
        ("5060", &server.udp),
        ("41234", &server.udp),
        ("5061", &server.tls),
        ("5066", &server.ws),
    ]
    .map(|(written, uri)| {
        let port: u16 = port(uri).expect("each server has a port");
        (format!("127.0.0.1:{written}"), format!("127.0.0.1:{port}"))
    });
    let varies = VARIES.map(|(pattern, mask)| (Regex::new(pattern).unwrap(), mask));
    let masked = |line: &str| {
        let mask = |line: String, (varies, mask): &(Regex, &str)| {
            varies.replace_all(&line, *mask).into_owned()
        };
        varies.iter().fold(line.to_owned(), mask)
    };
    let path = Path::new(env!("CARGO_BIN_EXE_sipboard")).parent().unwrap().display();
    let path = format!("{path}:{}", std::env::var("PATH").unwrap());
    let blocks = blocks();
    assert!(blocks.len() > 6, "the README has its examples");
    for Block { commands, printed } in blocks {
        let script = commands.join("\n");
        let script = ports.iter().fold(script, |script, (from, to)| script.replace(from, to));
        let mut shell = home.program("sh");
        shell.args(["-c", &format!("exec 2>&1\n{script}")]).env("PATH", &path).current_dir(&folder);
        let ran = finish(shell.spawn().expect("there is a shell"));
        let mask = |text: &str| text.lines().map(masked).collect::<Vec<_>>().join("\n");
        let (shown, prints) = (mask(&printed.join("\n")), mask(&ran.out));
        assert!(prints == shown, "{commands:#?} prints\n{}\nand not\n{shown}", ran.out);
    }
}
