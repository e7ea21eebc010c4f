//! A peer of a few lines over UDP that notes what comes.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How long anything may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

/// Answers an INVITE of `up` with a 200, of `ring` with a 180, and of others with nothing; what ends
/// them only where it is to; and all else with a 200.
pub struct Peer {
    pub address: SocketAddr,
    came: Arc<(Mutex<Vec<String>>, Condvar)>,
    is_over: Arc<AtomicBool>,
}

impl Peer {
    /// `ends`: whether a CANCEL and a BYE are answered, and the INVITE that was cancelled.
    pub fn start(ends: bool) -> Peer {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let address = socket.local_addr().unwrap();
        let came = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let is_over = Arc::new(AtomicBool::new(false));
        let (notes, over) = (Arc::clone(&came), Arc::clone(&is_over));
        thread::spawn(move || {
            let mut buffer = [0; 65_536];
            while !over.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
                let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
                for status in answers(&request, ends) {
                    socket.send_to(response(&request, status, address).as_bytes(), from).unwrap();
                }
                if ends && request.starts_with("CANCEL") {
                    let invite = request.replace("CANCEL", "INVITE");
                    let gone = response(&invite, "487 Request Terminated", address);
                    socket.send_to(gone.as_bytes(), from).unwrap();
                }
                notes.0.lock().unwrap().push(request);
                notes.1.notify_all();
            }
        });
        Peer { address, came, is_over }
    }

    /// Its address as a server.
    pub fn server(&self) -> String {
        format!("sip:{};transport=udp", self.address)
    }

    /// Whether a message came that begins so.
    pub fn has(&self, start: &str) -> bool {
        self.came.0.lock().unwrap().iter().any(|message| message.starts_with(start))
    }

    /// Waits until a message came that begins so.
    pub fn wait_for(&self, start: &str) {
        let until = Instant::now() + DEADLINE;
        let mut came = self.came.0.lock().unwrap();
        while !came.iter().any(|message| message.starts_with(start)) {
            let left = until.saturating_duration_since(Instant::now());
            let lines: Vec<&str> =
                came.iter().filter_map(|message| message.lines().next()).collect();
            assert!(!left.is_zero(), "{start} has not come: {lines:?}");
            came = self.came.1.wait_timeout(came, left).unwrap().0;
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

fn answers(request: &str, ends: bool) -> &'static [&'static str] {
    let is = |start: &str| request.starts_with(start);
    if is("ACK") || (is("CANCEL") || is("BYE")) && !ends {
        &[]
    } else if is("INVITE sip:ring") {
        &["180 Ringing"]
    } else if is("INVITE") && !is("INVITE sip:up") {
        &[]
    } else {
        &["200 OK"]
    }
}

fn response(request: &str, status: &str, from: SocketAddr) -> String {
    let copied: String = request
        .lines()
        .filter(|line| ["Via:", "From:", "Call-ID:", "CSeq:"].iter().any(|it| line.starts_with(it)))
        .map(|line| format!("{line}\r\n"))
        .collect();
    let to = request.lines().find(|line| line.starts_with("To:")).unwrap_or("To: <sip:x>");
    let tag = if to.contains(";tag=") { "" } else { ";tag=peer" };
    format!(
        "SIP/2.0 {status}\r\n{copied}{to}{tag}\r\nContact: <sip:{from}>\r\nContent-Length: 0\r\n\r\n"
    )
}
