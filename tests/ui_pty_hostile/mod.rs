//! A peer that means ill, and the terminal.

use std::{
    net::UdpSocket,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use super::ui_terminal::Dashboard;

#[test]
fn a_hostile_peer_cannot_steer_the_terminal() {
    let peer = HostilePeer::start();
    let mut dashboard = Dashboard::start(160, 40);
    dashboard.wait_for("n new");
    dashboard.type_keys("n");
    dashboard.wait_for("New request");
    dashboard.type_keys(&format!("sip:x@127.0.0.1:{}", peer.port));
    dashboard.type_keys("\t\x1b[D");
    dashboard.wait_for("‹ the target's own address ›");
    dashboard.type_keys("\r");
    dashboard.wait_for(r"486 \x1b]0;x\x07Busy");
    dashboard.wait_for("stray");
    dashboard.type_keys("L");
    dashboard.wait_for(r"\x1b]0;x\x07 is no SIP");
    dashboard.type_keys("qq");
    dashboard.wait_for_end();
    let bytes = dashboard.bytes();
    assert!(!contains(&bytes, b"\x1b]0;x"), "the escape sequence reached the terminal");
    assert!(contains(&bytes, b"\x1b]0;sipboard"), "the title is set with the same sequence");
}

/// A SIP peer whose words are escape sequences.
struct HostilePeer {
    port: u16,
    ended: Arc<AtomicBool>,
}

impl HostilePeer {
    fn start() -> HostilePeer {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let port = socket.local_addr().unwrap().port();
        let ended = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&ended);
        thread::spawn(move || {
            let mut buffer = [0; 65_536];
            while !stop.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
                let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
                if !request.starts_with("INVITE") {
                    continue;
                }
                let copied: String = request
                    .lines()
                    .filter(|line| {
                        ["Via:", "From:", "Call-ID:", "CSeq:"].iter().any(|h| line.starts_with(h))
                    })
                    .map(|line| format!("{line}\r\n"))
                    .collect();
                let response = format!(
                    "SIP/2.0 486 \x1b]0;x\x07Busy\r\n{copied}\
                     To: \"\x1b]0;x\x07\" <sip:x@127.0.0.1>;tag=1\r\n\
                     Contact: \"\x1b]0;x\x07\" <sip:x@127.0.0.1>\r\nContent-Length: 0\r\n\r\n"
                );
                socket.send_to(b"\x1b]0;x\x07 is no SIP", from).unwrap();
                socket.send_to(response.as_bytes(), from).unwrap();
            }
        });
        HostilePeer { port, ended }
    }
}

impl Drop for HostilePeer {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}
