//! A program in a pseudo-terminal.

use std::{
    env, fs,
    io::{Read, Write},
    num::NonZeroU16,
    path::PathBuf,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, PtySize, native_pty_system};

/// How long anything may take.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// A program that runs in a terminal of its own.
pub struct Program {
    child: Box<dyn Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    output: mpsc::Receiver<(Instant, Vec<u8>)>,
    seen: Vec<u8>,
    screen: vt100::Parser,
}

/// The screen's lines and columns.
const SIZE: (u16, u16) = (45, 160);

impl Program {
    /// Starts it.
    pub fn start(mut command: CommandBuilder) -> Program {
        let (rows, cols) = SIZE;
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a terminal");
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command).expect("the program starts");
        let writer = pair.master.take_writer().expect("its keys");
        let mut reader = pair.master.try_clone_reader().expect("its screen");
        let (sender, output) = mpsc::channel();
        thread::spawn(move || {
            // Both ends of the terminal stay as long as somebody reads.
            let _pair = pair;
            let mut buffer = [0; 65_536];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send((Instant::now(), buffer[..count].to_vec())).is_err() {
                    break;
                }
            }
        });
        let [lines, columns] = [rows, cols].map(|it| NonZeroU16::new(it).expect("it is not 0"));
        let screen = vt100::Parser::new(lines, columns, 0);
        Program { child, writer, output, seen: Vec::new(), screen }
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.process_id().expect("it runs")
    }

    pub fn press(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).expect("the terminal is there");
        self.writer.flush().expect("the terminal is there");
    }

    /// Waits until it writes that; gives when it did.
    pub fn writes(&mut self, text: &str) -> Instant {
        self.wait(text, |program, bytes| {
            // The text may have begun in what came before.
            let old = program.seen.len().saturating_sub(text.len());
            program.seen.drain(..old);
            program.seen.extend_from_slice(bytes);
            let found = program.seen.windows(text.len()).any(|window| window == text.as_bytes());
            if found {
                program.seen.clear();
            }
            found
        })
    }

    /// Waits until that stands on its screen; gives when what put it there came. A program that draws
    /// writes only what differs, and rarely a text as a whole.
    pub fn shows(&mut self, text: &str) -> Instant {
        self.wait(text, |program, bytes| {
            program.screen.process(bytes);
            program.screen.screen().contents().contains(text)
        })
    }

    fn wait(
        &mut self,
        text: &str,
        mut is_there: impl FnMut(&mut Program, &[u8]) -> bool,
    ) -> Instant {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let (at, bytes) = self.output.recv_timeout(left).expect(text);
            if is_there(self, &bytes) {
                return at;
            }
        }
    }

    /// Has it leave with a key; one that does not is ended.
    pub fn end(mut self, key: &str) {
        self.press(key);
        let deadline = Instant::now() + DEADLINE;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder with files of ours, removed at the end.
pub struct Home(PathBuf);

impl Home {
    pub fn new(name: &str, files: &[(&str, &str)]) -> Home {
        let home = env::temp_dir().join(format!("sipboard-bench-{name}-{}", std::process::id()));
        fs::create_dir_all(&home).expect("a folder");
        for (name, text) in files {
            fs::write(home.join(name), text).expect("a file");
        }
        Home(home)
    }

    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("a path of ours").to_owned()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
