//! Kamailio as registrar and proxy.

use std::{fs, process::Command};

use super::{Peer, Place, Story, source};
use crate::certificates::{Authority, dns, ip};

/// A transport to Kamailio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Udp,
    Tcp,
    Tls,
    Ws,
    Wss,
}

/// A running Kamailio; its users are `alice` with `alice-pw` and `bob` with `bob-pw`.
pub struct Kamailio {
    peer: Peer,
    sip: u16,
    tls: u16,
    ws: u16,
    wss: u16,
    pub place: Place,
}

impl Kamailio {
    pub fn start() -> Kamailio {
        Kamailio::with(&[])
    }

    /// With names that its config looks at: `WITH_SHA256` challenges for that instead of MD5.
    pub fn with(names: &[&str]) -> Kamailio {
        let place = Place::new();
        let [sip, tls, ws, wss] = place.ports();
        let host = place.host.to_string();
        let authority = Authority::new("peers");
        let issued = authority.issue(&[dns("lab.test"), ip(&host)], |_| {});
        let pem = issued.certificate.pem();
        for (name, text) in [
            ("ca.pem", authority.certificate.pem()),
            ("server.pem", pem),
            ("server.key", issued.key.serialize_pem()),
        ] {
            fs::write(place.folder.join(name), text).expect("the folder can be written");
        }
        let values = [
            ("HOST", host),
            ("SIP", sip.to_string()),
            ("TLS", tls.to_string()),
            ("WS", ws.to_string()),
            ("WSS", wss.to_string()),
            ("FOLDER", place.folder.display().to_string()),
        ];
        let [config, _] = ["kamailio.cfg", "tls.cfg"].map(|name| {
            let text = fs::read_to_string(source("kamailio").join(name)).expect(name);
            place.fill_in(name, &text, &values)
        });
        let mut command = Command::new("kamailio");
        // In the foreground, its log on standard error, with little memory.
        command.args(["-DD", "-E", "-m", "64", "-M", "8", "-f"]).arg(config);
        command.arg("-w").arg(&place.folder).arg("-Y").arg(&place.folder);
        for name in names {
            command.args(["-A", name]);
        }
        let mut peer = Peer::start(&place, "kamailio", &mut command);
        peer.wait_until("it listens", |_| ask(&place, &["core.uptime"]).is_some());
        Kamailio { peer, sip, tls, ws, wss, place }
    }

    /// The server as `--server` takes it.
    pub fn server(&self, way: Way) -> String {
        let Kamailio { sip, tls, ws, wss, .. } = self;
        let host = self.place.host;
        match way {
            Way::Udp => format!("sip:{host}:{sip};transport=udp"),
            Way::Tcp => format!("sip:{host}:{sip};transport=tcp"),
            Way::Tls => format!("sips:{host}:{tls}"),
            Way::Ws => format!("ws://{host}:{ws}"),
            Way::Wss => format!("wss://{host}:{wss}"),
        }
    }

    /// The file with the certificate that its TLS clients must trust.
    pub fn ca_file(&self) -> String {
        self.place.folder.join("ca.pem").display().to_string()
    }

    /// The contacts registered for a user, as Kamailio's own command line lists them.
    pub fn contacts(&mut self, user: &str) -> Vec<String> {
        let listed = ask(&self.place, &["ul.dump"]);
        let listed = listed.unwrap_or_else(|| panic!("kamcmd failed: {}", self.peer.said()));
        let mut whose = "";
        let mut contacts = Vec::new();
        for line in listed.lines().map(str::trim) {
            if let Some(aor) = line.strip_prefix("AoR: ") {
                whose = aor;
            } else if let Some(contact) = line.strip_prefix("Address: ")
                && (whose == user || whose.starts_with(&format!("{user}@")))
            {
                contacts.push(contact.to_owned());
            }
        }
        contacts
    }
}

/// What Kamailio's own command line says; none where nobody answers it.
fn ask(place: &Place, args: &[&str]) -> Option<String> {
    let socket = format!("unix:{}", place.folder.join("ctl").display());
    let output = Command::new("kamcmd").args(["-s", &socket]).args(args).output();
    let output = output.expect("kamcmd can be started: tests/peers/install installs it");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A Kamailio, and the transport by which `sipboard` reaches it.
pub struct Lab {
    pub kamailio: Kamailio,
    pub way: Way,
}

impl Lab {
    pub fn new(way: Way) -> Lab {
        Lab { kamailio: Kamailio::start(), way }
    }

    /// `sipboard send` as alice, who knows her password.
    pub fn send(&self, args: &[&str]) -> Story {
        let server = self.kamailio.server(self.way);
        let ca_file = self.kamailio.ca_file();
        let mut all = args.to_vec();
        all.extend(["--server", &server, "--from", "sip:alice@lab.test"]);
        if !args.contains(&"--user") {
            all.extend(["--user", "alice"]);
        }
        all.extend(["--password-env", "PEER_PASSWORD"]);
        if matches!(self.way, Way::Tls | Way::Wss) {
            all.extend(["--ca-file", &ca_file]);
        }
        Story::of(&all)
    }
}
