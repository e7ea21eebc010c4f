//! The servers that answer.

use std::{
    fs,
    io::{self, BufRead, BufReader},
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rcgen::{CertificateParams, KeyPair, SanType};
use serde_json::Value;

use crate::{KAMAILIO, file, process::Running};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
    Tls,
    Ws,
    Wss,
}

impl Transport {
    pub(crate) const ALL: [Transport; 5] =
        [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
            Transport::Ws => "ws",
            Transport::Wss => "wss",
        }
    }
}

/// A server that runs as long as this lives.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    addresses: [SocketAddr; 5],
    /// The certificate to trust.
    pub(crate) ca_file: PathBuf,
    _process: Running,
}

impl Peer {
    pub(crate) fn address(&self, transport: Transport) -> SocketAddr {
        self.addresses[transport as usize]
    }

    /// The server as `sipboard send --server` takes it; over WS and WSS also its URL.
    pub(crate) fn uri(&self, transport: Transport) -> String {
        let (name, address) = (transport.name(), self.address(transport));
        match transport {
            Transport::Ws | Transport::Wss => format!("{name}://{address}"),
            _ => format!("sip:{address};transport={name}"),
        }
    }

    /// Kamailio with two workers, on ports that were free a moment ago.
    pub(crate) fn kamailio(scratch: &Path) -> io::Result<Peer> {
        let ca_file = certificate(scratch)?;
        let [plain, secure, ws, wss] = free_ports()?;
        let config = file("kamailio.cfg")?
            .replace("@PLAIN@", &plain.port().to_string())
            .replace("@SECURE@", &secure.port().to_string())
            .replace("@WS@", &ws.port().to_string())
            .replace("@WSS@", &wss.port().to_string())
            .replace("@FOLDER@", &scratch.display().to_string());
        let config_file = scratch.join("kamailio.cfg");
        fs::write(&config_file, config)?;
        let log = scratch.join("kamailio.log");
        let mut command = Command::new(KAMAILIO);
        command.arg("-f").arg(&config_file).arg("-Y").arg(scratch).arg("-w").arg(scratch);
        command.args(["-m", "256", "-M", "32", "-DD", "-E"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(&log)?);
        let mut process = Running(command.spawn()?);
        for address in [plain, secure, ws, wss] {
            if !listens(address, &mut process) {
                let log = fs::read_to_string(&log).unwrap_or_default();
                let last = log.lines().rfind(|line| line.contains("ERROR")).unwrap_or("no error");
                return Err(io::Error::other(format!("it does not listen: {last}")));
            }
        }
        let addresses = [plain, plain, secure, ws, wss];
        Ok(Peer { name: KAMAILIO, addresses, ca_file, _process: process })
    }

    /// The demo server, as its user starts it.
    pub(crate) fn demo(sipboard: &str) -> io::Result<Peer> {
        let mut command = Command::new(sipboard);
        command.args(["serve", "--json"]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = Running(command.spawn()?);
        let stdout = process.0.stdout.take().expect("it was asked for");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let listening: Value = serde_json::from_str(&line)?;
        let text = |key: &str| listening[key].as_str().unwrap_or_default().to_owned();
        let mut addresses = Vec::new();
        for transport in Transport::ALL {
            let said = text(transport.name());
            let address = said.rsplit('/').next().unwrap_or_default();
            let no = |_| io::Error::other(format!("it listens at {said:?}"));
            addresses.push(address.parse().map_err(no)?);
        }
        let addresses = addresses.try_into().expect("there is one for each transport");
        Ok(Peer { name: "demo", addresses, ca_file: text("ca_file").into(), _process: process })
    }
}

/// Makes the server's certificate, which vouches for itself; gives the file to trust.
fn certificate(scratch: &Path) -> io::Result<PathBuf> {
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let mut params = CertificateParams::default();
    params.subject_alt_names.push(SanType::IpAddress([127, 0, 0, 1].into()));
    let certificate = params.self_signed(&key).map_err(io::Error::other)?;
    fs::write(scratch.join("server.key"), key.serialize_pem())?;
    let file = scratch.join("server.pem");
    fs::write(&file, certificate.pem())?;
    Ok(file)
}

/// Four addresses whose ports nobody has, neither for TCP nor for UDP.
fn free_ports() -> io::Result<[SocketAddr; 4]> {
    let mut held = Vec::new();
    while held.len() < 4 {
        let tcp = TcpListener::bind(("127.0.0.1", 0))?;
        if let Ok(udp) = UdpSocket::bind(tcp.local_addr()?) {
            held.push((tcp, udp));
        }
    }
    let mut addresses = held.iter().map(|(tcp, _)| tcp.local_addr());
    let mut next = || addresses.next().expect("four are held");
    Ok([next()?, next()?, next()?, next()?])
}

/// Waits until the process listens there; whether it does.
fn listens(address: SocketAddr, process: &mut Running) -> bool {
    let deadline = Instant::now() + START;
    while Instant::now() < deadline && matches!(process.0.try_wait(), Ok(None)) {
        if TcpStream::connect(address).is_ok() {
            return true;
        }
        thread::sleep(Duration::from_millis(50));
    }
    false
}

/// How long a server may take to listen.
const START: Duration = Duration::from_secs(30);
