//! `sipboard` itself.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use portable_pty::CommandBuilder;

use crate::{
    peer::Peer,
    program::{Home, Program},
    unix::{Caller, QUIET, Took},
};

pub const NAME: &str = "sipboard";

/// A dashboard whose server is a socket of ours.
pub struct Dashboard {
    program: Program,
    peer: Peer,
    _home: Home,
}

impl Dashboard {
    /// Starts it, and sends the request that all others repeat.
    pub fn start() -> Dashboard {
        let peer = Peer::new();
        let config = format!(
            "[[account]]\nname = \"a\"\nuri = \"sip:a@a.test\"\n\
             server = \"sip:127.0.0.1:{};transport=udp\"\nkeep_alive = 0\n",
            peer.port()
        );
        let home = Home::new("dashboard", &[("config.toml", &config)]);
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_sipboard"));
        command.env_clear();
        command.env("HOME", home.path(""));
        command.args(["--config", &home.path("config.toml")]);
        let mut program = Program::start(command);
        program.shows("quit");
        let mut dashboard = Dashboard { program, peer, _home: home };
        dashboard.program.press("n");
        dashboard.program.shows("New request");
        dashboard.program.press("bob\r");
        let invite = dashboard.peer.invite();
        dashboard.peer.answer(&invite, "486 First");
        dashboard.program.shows("First");
        // The newest is chosen and on the screen, whatever else happens.
        dashboard.program.press("F");
        dashboard
    }

    /// How long it has run, in the kernel too, in hundredths of a second. Known on Linux only.
    pub fn ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.program.id()));
        let stat = stat.unwrap_or_default();
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        fields.split_whitespace().skip(11).take(2).filter_map(|it| it.parse::<u64>().ok()).sum()
    }

    /// Sends one more INVITE, which from now on is answered all the time.
    pub fn storm(&mut self, a_second: u32) -> Storm {
        self.program.press("r");
        self.program.shows("stays as it was");
        self.program.press("n");
        let invite = self.peer.invite();
        let socket = self.peer.socket();
        let goes_on = Arc::new(AtomicBool::new(true));
        let is_on = Arc::clone(&goes_on);
        let thread = thread::spawn(move || {
            let begun = Instant::now();
            let mut sent = 0;
            while is_on.load(Ordering::Relaxed) {
                // Those that a sleep was too long for come at once.
                while sent < (begun.elapsed().as_secs_f64() * f64::from(a_second)) as u64 {
                    let ringing = invite.response(&format!("180 Storm {sent}"));
                    socket.send_to(&ringing, invite.from()).expect("the dashboard is there");
                    sent += 1;
                }
                thread::sleep(Duration::from_millis(1));
            }
            let busy = invite.response("486 Over");
            socket.send_to(&busy, invite.from()).expect("the dashboard is there");
        });
        Storm { goes_on, thread }
    }

    pub fn end(self) {
        self.program.end("q");
    }
}

impl Caller for Dashboard {
    fn name(&self) -> &'static str {
        NAME
    }

    fn call(&mut self, word: &str) -> Took {
        self.program.press("r");
        self.program.shows("stays as it was");
        thread::sleep(QUIET);
        let pressed = Instant::now();
        self.program.press("n");
        let invite = self.peer.invite();
        thread::sleep(QUIET);
        let answered = Instant::now();
        self.peer.answer(&invite, &format!("486 {word}"));
        let shown = self.program.shows(word);
        Took { key: invite.at - pressed, screen: shown - answered }
    }
}

/// Responses that come all the time.
pub struct Storm {
    goes_on: Arc<AtomicBool>,
    thread: thread::JoinHandle<()>,
}

impl Storm {
    pub fn end(self) {
        self.goes_on.store(false, Ordering::Relaxed);
        self.thread.join().expect("it ends");
    }
}
