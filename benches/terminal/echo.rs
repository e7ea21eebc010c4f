//! The least that a program can do: a datagram for a key, and what comes to the screen. What it takes
//! the machine, the kernel and the terminal take.

use std::{
    env,
    io::{self, Read, Write},
    net::UdpSocket,
    thread,
    time::Instant,
};

use crossterm::terminal::enable_raw_mode;
use portable_pty::CommandBuilder;

use crate::{
    program::{DEADLINE, Program},
    unix::{Caller, QUIET, Took},
};

/// What tells this program that it is the echo, and where its datagrams go.
pub const ADDRESS: &str = "SIPBOARD_BENCH_ECHO";
/// What it says once it listens.
const READY: &str = "ready";

/// The echo itself. Ends at a `q`.
pub fn run(address: &str) {
    enable_raw_mode().expect("a terminal");
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.connect(address).expect("an address");
    let screen = socket.try_clone().expect("a handle more");
    thread::spawn(move || {
        let mut buffer = [0; 1_500];
        while let Ok(length) = screen.recv(&mut buffer) {
            let mut out = io::stdout().lock();
            out.write_all(&buffer[..length]).and_then(|()| out.flush()).expect("a terminal");
        }
    });
    print!("{READY}");
    io::stdout().flush().expect("a terminal");
    let mut key = [0];
    while let Ok(1) = io::stdin().read(&mut key)
        && key != *b"q"
    {
        socket.send(&key).expect("a peer");
    }
}

pub struct Echo {
    program: Program,
    peer: UdpSocket,
}

impl Echo {
    pub fn start() -> Echo {
        let peer = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        peer.set_read_timeout(Some(DEADLINE)).expect("a deadline");
        let mut command = CommandBuilder::new(env::current_exe().expect("this program"));
        command.env(ADDRESS, peer.local_addr().expect("an address").to_string());
        let mut program = Program::start(command);
        program.writes(READY);
        Echo { program, peer }
    }

    pub fn end(self) {
        self.program.end("q");
    }
}

impl Caller for Echo {
    fn name(&self) -> &'static str {
        "bare echo"
    }

    fn call(&mut self, word: &str) -> Took {
        thread::sleep(QUIET);
        let pressed = Instant::now();
        self.program.press("n");
        let (_, from) = self.peer.recv_from(&mut [0; 8]).expect("a datagram");
        let arrived = Instant::now();
        thread::sleep(QUIET);
        let answered = Instant::now();
        self.peer.send_to(word.as_bytes(), from).expect("the echo is there");
        let shown = self.program.writes(word);
        Took { key: arrived - pressed, screen: shown - answered }
    }
}
