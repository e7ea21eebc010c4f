//! What every peer needs: a folder, ports, a process with a log, and `sipboard send` as a story.

mod baresip;
mod kamailio;
mod node;
mod process;
mod registered;
mod sipp;
mod story;

use std::{
    fs,
    net::{Ipv4Addr, TcpListener, UdpSocket},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

pub use baresip::Baresip;
pub use kamailio::{Kamailio, Lab, Way};
pub use node::Node;
pub use process::Peer;
pub use registered::Registered;
pub use sipp::Sipp;
pub use story::Story;

/// Where the files of these tests are.
pub fn source(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(file)
}

/// A folder and a loopback address that no other test has; the folder is removed at the end.
pub struct Place {
    pub folder: PathBuf,
    pub host: Ipv4Addr,
}

impl Place {
    pub fn new() -> Place {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        let folder = std::env::temp_dir().join(format!("sipboard-peers-{process}-{number}"));
        fs::create_dir_all(&folder).expect("the temporary folder can be written");
        // 127.0.0.0/8 is all loopback, and few programs use more of it than 127.0.0.1.
        let octet = |number: u32| (1 + number % 250) as u8;
        let host = Ipv4Addr::new(127, octet(process / 250), octet(process), octet(number));
        Place { folder, host }
    }

    /// Ports of the host that are free on UDP and TCP, all different.
    pub fn ports<const N: usize>(&self) -> [u16; N] {
        let mut held = Vec::new();
        while held.len() < N {
            let tcp = TcpListener::bind((self.host, 0)).expect("a port is free");
            let port = tcp.local_addr().expect("it is bound").port();
            if let Ok(udp) = UdpSocket::bind((self.host, port)) {
                held.push((port, tcp, udp));
            }
        }
        std::array::from_fn(|index| held[index].0)
    }

    /// Writes a file into the folder, with each `@NAME@` filled in.
    pub fn fill_in(&self, name: &str, text: &str, values: &[(&str, String)]) -> PathBuf {
        let mut text = text.to_owned();
        for (key, value) in values {
            text = text.replace(&format!("@{key}@"), value);
        }
        let path = self.folder.join(name);
        fs::write(&path, text).expect("the temporary folder can be written");
        path
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// An offer.
pub const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                       m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";
