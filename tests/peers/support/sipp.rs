//! SIPp with a scenario of ours.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use super::{Peer, Place, source};

/// A SIPp that waits for calls.
pub struct Sipp {
    peer: Peer,
    pub port: u16,
}

impl Sipp {
    /// Plays the scenario `sipp/NAME.xml` once, over `udp` or `tcp`.
    pub fn callee(place: &Place, scenario: &str, transport: &str) -> Sipp {
        let [port] = place.ports();
        let mut command = Command::new("sipp");
        let mode = if transport == "tcp" { "t1" } else { "u1" };
        command.arg("-sf").arg(source("sipp").join(format!("{scenario}.xml")));
        command.args(["-t", mode, "-i", &place.host.to_string(), "-p", &port.to_string()]);
        command.args(["-m", "1", "-timeout", "60s", "-timeout_error", "-nostdin"]);
        command.args(["-trace_err", "-error_file", "sipp-errors.log"]);
        let mut peer = Peer::start(place, &format!("sipp-{scenario}"), &mut command);
        let address = SocketAddr::from((place.host, port));
        peer.wait_until("it listens", |_| listens(transport, address));
        Sipp { peer, port }
    }

    /// The scenario went as it is written.
    #[track_caller]
    pub fn succeeded(mut self, place: &Place) {
        let code = self.peer.finish();
        let errors = fs::read_to_string(place.folder.join("sipp-errors.log")).unwrap_or_default();
        assert_eq!(code, Some(0), "SIPp is not content: {errors}");
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
