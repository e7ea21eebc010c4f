//! `sipboard send` and `sipboard serve` whose standard output is a pipe that nobody reads.
#![cfg(unix)]

mod answering;
mod cli_support;

use std::{
    io::{PipeReader, Read, Write},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use answering::Peer;
use cli_support::{DEADLINE, Home, signal};

/// Starts it with a pipe that is full, and stays so as long as the other end is not read.
fn start(home: &Home, args: &[&str]) -> (Child, PipeReader) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let mut command = home.command(args);
    command.stdout(writer.try_clone().unwrap()).stderr(Stdio::null());
    // Its end is an error, once nobody holds the other side.
    thread::spawn(move || while writer.write_all(&[b'\n'; 4096]).is_ok() {});
    (command.spawn().unwrap(), reader)
}

fn wait_for_end(child: &mut Child) -> Option<i32> {
    let until = Instant::now() + DEADLINE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if Instant::now() > until {
            child.kill().unwrap();
            panic!("it does not end");
        }
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_call_is_ended_though_nobody_reads_what_is_told_of_it() {
    for (target, ends) in [("sip:ring@a.test", "CANCEL"), ("sip:up@a.test", "BYE")] {
        for name in ["-INT", "-TERM", "-HUP"] {
            let (home, peer) = (Home::new(), Peer::start(true));
            let server = peer.server();
            let args = ["send", "INVITE", target, "--server", &server, "--hangup-after", "1h"];
            let (mut child, _unread) = start(&home, &args);
            peer.wait_for("INVITE");
            if ends == "BYE" {
                peer.wait_for("ACK");
            }
            signal(&child, name);
            peer.wait_for(ends);
            assert_eq!(wait_for_end(&mut child), Some(5), "{target} {name}");
        }
    }
}

#[test]
fn a_second_signal_ends_it_at_once_though_nobody_reads() {
    let (home, peer) = (Home::new(), Peer::start(false));
    let server = peer.server();
    let args = ["send", "INVITE", "sip:up@a.test", "--server", &server, "--hangup-after", "1h"];
    let (mut child, _unread) = start(&home, &args);
    peer.wait_for("ACK");
    let since = Instant::now();
    signal(&child, "-TERM");
    peer.wait_for("BYE");
    signal(&child, "-TERM");
    wait_for_end(&mut child);
    // One alone, with a peer that answers nothing, takes two seconds and more.
    assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
}

#[test]
fn who_reads_late_reads_all_of_it() {
    let (home, peer) = (Home::new(), Peer::start(true));
    let server = peer.server();
    let args = ["send", "OPTIONS", "sip:x@a.test", "--server", &server, "--json", "--events"];
    let mut command = home.command(&[&args[..], &["--count", "20000"]].concat());
    let mut child = command.spawn().unwrap();
    peer.wait_for("OPTIONS");
    thread::sleep(Duration::from_millis(300));
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(wait_for_end(&mut child), Some(0));
    assert_eq!(text.matches("\"event\":\"accepted\"").count(), 20_000);
    assert!(text.lines().last().is_some_and(|line| line.contains("\"summary\"")));
}

/// Whether it has a handler of its own for SIGTERM.
#[cfg(target_os = "linux")]
fn hears_sigterm(child: &Child) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    u64::from_str_radix(caught.trim(), 16).unwrap() & 1 << (15 - 1) != 0
}

#[cfg(target_os = "linux")]
#[test]
fn the_demo_server_leaves_though_nobody_reads_where_it_listens() {
    let home = Home::new();
    let (mut child, mut unread) = start(&home, &["serve", "--udp", "0"]);
    let until = Instant::now() + DEADLINE;
    while !hears_sigterm(&child) && Instant::now() < until {
        thread::sleep(Duration::from_millis(5));
    }
    signal(&child, "-TERM");
    assert_eq!(wait_for_end(&mut child), Some(0));
    let _ = unread.read(&mut [0; 1]);
}
