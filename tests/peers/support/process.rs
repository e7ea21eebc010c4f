//! A peer's process and its log.

use std::{
    fs::{self, File},
    io::ErrorKind,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::Place;
use crate::cli_support::{DEADLINE, signal};

/// A process that ends with this value, by its own pid. A test that panics shows its log's tail.
pub struct Peer {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Peer {
    /// Starts it with its output in a log file of the folder.
    pub fn start(place: &Place, name: &str, command: &mut Command) -> Peer {
        let log = place.folder.join(format!("{name}.log"));
        let out = File::create(&log).expect("the temporary folder can be written");
        let err = out.try_clone().expect("a file handle can be cloned");
        command.current_dir(&place.folder).stdin(Stdio::null()).stdout(out).stderr(err);
        let child = command.spawn().unwrap_or_else(|error| {
            let hint = match error.kind() {
                ErrorKind::NotFound => ": tests/peers/install installs it",
                _ => "",
            };
            panic!("{:?} cannot be started: {error}{hint}", command.get_program())
        });
        Peer { name: name.to_owned(), child, log }
    }

    /// Waits until something holds; panics when the process ends before, or it takes too long.
    pub fn wait_until(&mut self, what: &str, mut holds: impl FnMut(&Peer) -> bool) {
        let begun = Instant::now();
        while !holds(self) {
            let ended = self.child.try_wait().expect("the process can be waited for");
            assert!(ended.is_none(), "{} ended with {} before {what}", self.name, ended.unwrap());
            assert!(begun.elapsed() < DEADLINE, "{}: no {what} in {DEADLINE:?}", self.name);
            thread::sleep(POLL);
        }
    }

    /// Waits until its log holds a text.
    pub fn wait_for(&mut self, text: &str) {
        self.wait_until(&format!("it said {text:?}"), |peer| peer.said().contains(text));
    }

    /// What it has said so far.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits for its end; gives its exit status.
    pub fn finish(&mut self) -> Option<i32> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the process can be waited for") {
                return status.code();
            }
            assert!(begun.elapsed() < DEADLINE, "{} runs after {DEADLINE:?} still", self.name);
            thread::sleep(POLL);
        }
    }

    /// Asks it to end, and waits for that; kills it when that takes too long, its workers first,
    /// which would outlive it.
    fn end(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            signal(&self.child, "-TERM");
            let begun = Instant::now();
            while matches!(self.child.try_wait(), Ok(None)) && begun.elapsed() < GRACE {
                thread::sleep(POLL);
            }
        }
        if matches!(self.child.try_wait(), Ok(None)) {
            eprintln!("{} had to be killed {GRACE:?} after it was asked to end", self.name);
            let parent = self.child.id().to_string();
            // It fails where there are none.
            let _ = Command::new("pkill").args(["-KILL", "-P", &parent]).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.end();
        if thread::panicking() {
            let said = self.said();
            let lines: Vec<&str> = said.lines().collect();
            let tail = lines[lines.len().saturating_sub(TAIL)..].join("\n");
            eprintln!("---- the end of what {} said:\n{tail}\n----", self.name);
        }
    }
}

const POLL: Duration = Duration::from_millis(5);
/// How long a process may take to end when asked to.
const GRACE: Duration = Duration::from_secs(10);
/// How many lines of a log are shown.
const TAIL: usize = 60;
