//! The other side: a socket that hears INVITEs and answers them.

use std::{
    net::{SocketAddr, UdpSocket},
    time::Instant,
};

use crate::program::DEADLINE;

pub struct Peer {
    socket: UdpSocket,
    /// The branch of the last INVITE, so that a copy of it is known.
    branch: String,
}

/// An INVITE, from whom, and when it arrived.
pub struct Invite {
    text: String,
    from: SocketAddr,
    pub at: Instant,
}

impl Peer {
    pub fn new() -> Peer {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.set_read_timeout(Some(DEADLINE)).expect("a deadline");
        Peer { socket, branch: String::new() }
    }

    pub fn port(&self) -> u16 {
        self.socket.local_addr().expect("an address").port()
    }

    /// The socket, for another thread.
    pub fn socket(&self) -> UdpSocket {
        self.socket.try_clone().expect("a handle more")
    }

    /// The next INVITE, no copy of the one before.
    pub fn invite(&mut self) -> Invite {
        let mut buffer = [0; 65_536];
        loop {
            let (length, from) = self.socket.recv_from(&mut buffer).expect("an INVITE");
            let at = Instant::now();
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let branch = line(&text, "Via:");
            if text.starts_with("INVITE") && branch != self.branch {
                self.branch = branch.to_owned();
                return Invite { text, from, at };
            }
        }
    }

    pub fn answer(&self, invite: &Invite, status: &str) {
        self.socket.send_to(&invite.response(status), invite.from).expect("the caller is there");
    }
}

impl Invite {
    pub fn response(&self, status: &str) -> Vec<u8> {
        let [via, from, to, call, cseq] =
            ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].map(|name| line(&self.text, name));
        format!(
            "SIP/2.0 {status}\r\n{via}\r\n{from}\r\n{to};tag=1\r\n{call}\r\n{cseq}\r\n\
             Content-Length: 0\r\n\r\n"
        )
        .into_bytes()
    }

    pub fn from(&self) -> SocketAddr {
        self.from
    }
}

fn line<'a>(text: &'a str, name: &str) -> &'a str {
    text.lines().find(|line| line.starts_with(name)).unwrap_or_default()
}
