//! SIPp with a scenario of ours.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use super::{Peer, Place, Story, source};

/// A SIPp that waits for calls.
pub struct Sipp {
    peer: Peer,
    pub port: u16,
}

impl Sipp {
    /// Plays the scenario `sipp/NAME.xml` once, over `udp` or `tcp`.
    pub fn callee(place: &Place, scenario: &str, transport: &str) -> Sipp {
        // These wait for the copies of a request one by one, and SIPp else sees to them by itself.
        let counts_copies = ["lossy", "repeated"].contains(&scenario);
        let each_for_itself = if counts_copies { &["-nr"][..] } else { &[] };
        Sipp::start(place, scenario, transport, &[&["-m", "1"], each_for_itself].concat())
    }

    /// Plays it for whoever calls, over UDP, until the test ends.
    pub fn busy(place: &Place, scenario: &str, args: &[&str]) -> Sipp {
        Sipp::start(place, scenario, "udp", args)
    }

    fn start(place: &Place, scenario: &str, transport: &str, args: &[&str]) -> Sipp {
        let [port] = place.ports();
        let mut command = Command::new("sipp");
        let mode = if transport == "tcp" { "t1" } else { "u1" };
        command.arg("-sf").arg(source("sipp").join(format!("{scenario}.xml")));
        command.args(["-t", mode, "-i", &place.host.to_string(), "-p", &port.to_string()]);
        command.args(["-timeout", "60s", "-timeout_error", "-nostdin"]);
        command.args(["-trace_err", "-error_file", ERRORS]).args(args);
        let mut peer = Peer::start(place, &format!("sipp-{scenario}"), &mut command);
        let address = SocketAddr::from((place.host, port));
        peer.wait_until("it listens", |_| listens(transport, address));
        Sipp { peer, port }
    }

    /// Calls a user at an address: with a scenario of SIPp's own (`uac`), or one of ours. Each of the
    /// calls must go as it is written.
    #[track_caller]
    pub fn calls(scenario: &str, transport: &str, address: &str, user: &str, count: u32) {
        let place = Place::new();
        let [port] = place.ports();
        let mut command = Command::new("sipp");
        match scenario {
            "uac" => command.args(["-sn", "uac"]),
            ours => command.arg("-sf").arg(source("sipp").join(format!("{ours}.xml"))),
        };
        let mode = if transport == "tcp" { "t1" } else { "u1" };
        command.args([address, "-s", user, "-t", mode, "-m", &count.to_string(), "-r", "50"]);
        command.args(["-i", &place.host.to_string(), "-p", &port.to_string()]);
        command.args(["-timeout", "20s", "-timeout_error", "-nostdin"]);
        command.args(["-trace_err", "-error_file", ERRORS]);
        let mut peer = Peer::start(&place, &format!("sipp-{scenario}"), &mut command);
        let code = peer.finish();
        let errors = fs::read_to_string(place.folder.join(ERRORS)).unwrap_or_default();
        assert_eq!(code, Some(0), "SIPp is not content: {errors}");
    }

    /// Where it is, as `--server` takes it.
    pub fn server(&self, place: &Place, transport: &str) -> String {
        format!("sip:{}:{};transport={transport}", place.host, self.port)
    }

    /// It played its scenario as that is written, when this was told.
    #[track_caller]
    pub fn succeeded(mut self, place: &Place, story: &Story) {
        let code = self.peer.finish();
        let errors = fs::read_to_string(place.folder.join(ERRORS)).unwrap_or_default();
        assert_eq!(code, Some(0), "SIPp is not content: {errors}\n{}", story.text());
    }
}

/// Whether a socket is bound to an address of IPv4, as the kernel lists them.
fn listens(transport: &str, address: SocketAddr) -> bool {
    let SocketAddr::V4(address) = address else { panic!("IPv4 alone is looked for") };
    let ip = u32::from_le_bytes(address.ip().octets());
    let wanted = format!(" {ip:08X}:{:04X} ", address.port());
    let list = Path::new("/proc/net").join(transport);
    fs::read_to_string(list).expect("the kernel lists its sockets").contains(&wanted)
}

const ERRORS: &str = "sipp-errors.log";
