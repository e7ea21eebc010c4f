//! baresip, a softphone.

use std::{fs, path::Path, process::Command};

use super::{Peer, Place};

/// A baresip that is in a call, or was.
pub struct Baresip {
    peer: Peer,
    _place: Place,
}

impl Baresip {
    /// Calls an address. It has no sound.
    pub fn calls(address: &str) -> Baresip {
        let place = Place::new();
        let [port] = place.ports();
        let host = place.host;
        let config = format!(
            "module_path {}\nmodule g711.so\nmodule_tmp account.so\nmodule_app menu.so\n\
             net_interface {host}\nsip_listen {host}:{port}\n",
            modules().display()
        );
        let account =
            format!("<sip:baresip@{host}:{port}>;regint=0;auth_user=demo;auth_pass=demo\n");
        for (name, text) in [("config", &*config), ("accounts", &account), ("contacts", "")] {
            fs::write(place.folder.join(name), text).expect("the folder can be written");
        }
        let mut command = Command::new("baresip");
        command.arg("-f").arg(&place.folder).args(["-e", &format!("d {address}")]);
        Baresip { peer: Peer::start(&place, "baresip", &mut command), _place: place }
    }

    /// Waits until it says that.
    pub fn says(&mut self, text: &str) {
        self.peer.wait_for(text);
    }
}

/// Where Debian keeps baresip's modules.
fn modules() -> &'static Path {
    let folders = ["/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules"].map(Path::new);
    let found = folders.into_iter().find(|folder| folder.exists());
    found.expect("baresip's modules are there: tests/peers/install installs it")
}
