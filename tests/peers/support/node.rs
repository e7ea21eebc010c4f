//! SIP.js and JsSIP in node.

use std::process::Command;

use super::{Kamailio, Peer, Way, source};

/// A library in node that is registered at Kamailio over WebSocket as bob.
pub struct Node {
    peer: Peer,
}

impl Node {
    /// `sipjs` or `jssip`, over WS or WSS, doing with each call what the action says.
    pub fn callee(kamailio: &mut Kamailio, library: &str, way: Way, action: &str) -> Node {
        let scripts = source("node");
        let modules = scripts.join("node_modules");
        assert!(modules.exists(), "{} is missing: tests/peers/install makes it", modules.display());
        let mut command = Command::new("node");
        command.arg(scripts.join("callee.mjs"));
        command.args([library, &kamailio.server(way), "bob", action]);
        command.env("NODE_EXTRA_CA_CERTS", kamailio.ca_file());
        let mut peer = Peer::start(&kamailio.place, library, &mut command);
        peer.wait_for("registered\n");
        assert_eq!(kamailio.contacts("bob").len(), 1, "Kamailio knows of another number of bobs");
        Node { peer }
    }

    /// Waits until it says that line.
    pub fn says(&mut self, line: &str) {
        self.peer.wait_for(&format!("{line}\n"));
    }

    /// Whether it has said something with that text.
    pub fn has_said(&self, text: &str) -> bool {
        self.peer.said().contains(text)
    }
}
