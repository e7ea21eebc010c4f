//! The real binary in a real pseudo-terminal, and what its screen shows.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{
    fs,
    io::{Read, Write},
    num::NonZeroU16,
    path::PathBuf,
    process::Command,
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};

/// How long anything may take on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// A running dashboard. Dropping it ends it.
pub struct Dashboard {
    child: Box<dyn Child + Send + Sync>,
    master: Option<Box<dyn MasterPty + Send>>,
    slave: Option<Box<dyn SlavePty + Send>>,
    writer: Option<Box<dyn Write + Send>>,
    output: Arc<Output>,
    reading: Option<thread::JoinHandle<()>>,
    termios: String,
    home: PathBuf,
}

struct Output {
    seen: Mutex<Seen>,
    changed: Condvar,
}

struct Seen {
    bytes: Vec<u8>,
    parser: vt100::Parser,
    /// Whether the reader is to let go of the terminal.
    ends: bool,
    /// Whether it is to read nothing at the moment.
    holds: bool,
}

impl Dashboard {
    /// Starts it on the demo server in a terminal of a size, and waits until its account is
    /// registered: that is the first context.
    pub fn start(columns: u16, rows: u16) -> Dashboard {
        Dashboard::start_with(columns, rows, &[])
    }

    /// The same, with these environment variables.
    pub fn start_with(columns: u16, rows: u16, environment: &[(&str, &str)]) -> Dashboard {
        let home = home();
        let dashboard = Dashboard::open(columns, rows, home, &["--demo"], environment);
        dashboard.wait_for("reg ✔");
        dashboard
    }

    /// Starts it with a config file of that text; gives the file too.
    pub fn with_config(columns: u16, rows: u16, text: &str) -> (Dashboard, PathBuf) {
        let home = home();
        let file = home.join("config.toml");
        fs::write(&file, text).unwrap();
        let path = file.to_str().expect("a path of ours").to_owned();
        (Dashboard::open(columns, rows, home, &["--config", &path], &[]), file)
    }

    /// Starts it with a config file of that text and these environment variables.
    pub fn with_config_in(
        columns: u16,
        rows: u16,
        text: &str,
        environment: &[(&str, &str)],
    ) -> Dashboard {
        let home = home();
        let file = home.join("config.toml");
        fs::write(&file, text).unwrap();
        let path = file.to_str().expect("a path of ours").to_owned();
        Dashboard::open(columns, rows, home, &["--config", &path], environment)
    }

    /// Starts it on the demo server as a job of a shell that, once it has stopped, says so and waits
    /// for a line before it lets it go on.
    pub fn start_in_shell(columns: u16, rows: u16) -> Dashboard {
        let script = format!(
            "{} --demo; echo back in the shell; read line; fg",
            env!("CARGO_BIN_EXE_sipboard")
        );
        let arguments = ["-mc", &script];
        let dashboard = Dashboard::open_program("/bin/sh", columns, rows, home(), &arguments, &[]);
        dashboard.wait_for("reg ✔");
        dashboard
    }

    fn open(
        columns: u16,
        rows: u16,
        home: PathBuf,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Dashboard {
        let program = env!("CARGO_BIN_EXE_sipboard");
        Dashboard::open_program(program, columns, rows, home, arguments, environment)
    }

    fn open_program(
        program: &str,
        columns: u16,
        rows: u16,
        home: PathBuf,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Dashboard {
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let termios = format!("{:?}", pair.master.get_termios());
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_clear();
        command.env("TERM", "xterm-256color");
        command.env("HOME", &home);
        environment.iter().for_each(|(name, value)| command.env(name, value));
        command.cwd(&home);
        let child = pair.slave.spawn_command(command).unwrap();
        let writer = pair.master.take_writer().unwrap();
        let output = Arc::new(Output {
            seen: Mutex::new(Seen {
                bytes: Vec::new(),
                parser: vt100::Parser::new(cells(rows), cells(columns), 0),
                ends: false,
                holds: false,
            }),
            changed: Condvar::new(),
        });
        let mut reader = pair.master.try_clone_reader().unwrap();
        let sink = Arc::clone(&output);
        let reading = thread::spawn(move || {
            let mut buffer = [0; 65_536];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                let mut seen = sink.seen.lock().unwrap();
                seen.bytes.extend_from_slice(&buffer[..count]);
                seen.parser.process(&buffer[..count]);
                sink.changed.notify_all();
                if seen.ends {
                    break;
                }
                let _seen = sink.changed.wait_while(seen, |seen| seen.holds).unwrap();
            }
        });
        Dashboard {
            child,
            master: Some(pair.master),
            slave: Some(pair.slave),
            writer: Some(writer),
            output,
            reading: Some(reading),
            termios,
            home,
        }
    }

    /// Types.
    pub fn type_keys(&mut self, keys: &str) {
        let writer = self.writer.as_mut().expect("the terminal is there");
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    /// Writes a request to a target and sends it.
    pub fn send(&mut self, target: &str) {
        self.type_keys("n");
        self.wait_for("New request");
        self.type_keys(target);
        self.wait_for(target);
        self.type_keys("\r");
        self.wait_until("the form has closed", |screen| !screen.contains("New request"));
    }

    /// Waits until the screen shows a text.
    pub fn wait_for(&self, text: &str) {
        self.wait_until(text, |screen| screen.contains(text));
    }

    /// Waits until the screen is as wished.
    pub fn wait_until(&self, what: &str, wished: impl Fn(&str) -> bool) {
        self.wait(what, |seen| wished(&seen.parser.screen().contents()));
    }

    fn wait(&self, what: &str, wished: impl Fn(&Seen) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        let mut seen = self.output.seen.lock().unwrap();
        while !wished(&seen) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "waited in vain for {what:?}:\n{}",
                seen.parser.screen().contents()
            );
            seen = self.output.changed.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// Reads nothing of what is written to the terminal from now on, or everything again. What was
    /// written before may still be read.
    pub fn hold(&self, holds: bool) {
        self.output.seen.lock().unwrap().holds = holds;
        self.output.changed.notify_all();
    }

    /// Stops the terminal's output, as XOFF does, or lets it go on.
    pub fn flow(&self, flows: bool) {
        use nix::sys::termios::{FlowArg, tcflow};

        let name = self.master.as_ref().and_then(|master| master.tty_name());
        let mut options = fs::OpenOptions::new();
        let terminal = options.read(true).write(true).open(name.expect("it has a name")).unwrap();
        tcflow(terminal, if flows { FlowArg::TCOON } else { FlowArg::TCOOFF }).unwrap();
    }

    /// Has more drawn than a terminal holds that nobody reads.
    pub fn flood(&mut self) {
        for _ in 0..150 {
            self.type_keys("?");
            thread::sleep(Duration::from_millis(12));
        }
    }

    /// Every byte written to the terminal.
    pub fn bytes(&self) -> Vec<u8> {
        self.output.seen.lock().unwrap().bytes.clone()
    }

    /// Changes the size of the terminal.
    pub fn resize(&self, columns: u16, rows: u16) {
        let mut seen = self.output.seen.lock().unwrap();
        seen.parser.screen_mut().set_size(cells(rows), cells(columns));
        drop(seen);
        self.master.as_ref().expect("the terminal is there").resize(size(columns, rows)).unwrap();
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let id = self.child.process_id().expect("the dashboard runs").to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Sends a signal by its name to the dashboard that the shell has started as its foreground job.
    pub fn signal_job(&self, name: &str) {
        let terminal = self.master.as_ref().expect("the terminal is there");
        let id = terminal.process_group_leader().expect("a job is in the foreground").to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Takes the terminal away.
    pub fn hang_up(&mut self) {
        // The reader holds the terminal too: it lets go after the next bytes, which the help makes.
        self.output.seen.lock().unwrap().ends = true;
        self.type_keys("?");
        self.reading.take().expect("it was read").join().unwrap();
        drop(self.writer.take());
        drop(self.slave.take());
        drop(self.master.take());
    }

    /// The directory that it runs in.
    pub fn home(&self) -> &std::path::Path {
        &self.home
    }

    /// The exit status, where it has ended.
    pub fn ended(&mut self) -> Option<u32> {
        self.child.try_wait().unwrap().map(|status| status.exit_code())
    }

    /// What the screen shows now.
    pub fn screen(&self) -> String {
        self.output.seen.lock().unwrap().parser.screen().contents()
    }

    /// Waits for the end; gives the exit status.
    pub fn wait_for_end(&mut self) -> u32 {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(Instant::now() < deadline, "the dashboard does not end");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// That the terminal is another program's: no alternate screen, a cursor, and it echoes.
    pub fn assert_given_back(&self) {
        self.wait("the terminal as it was", |seen| !seen.parser.screen().alternate_screen());
        let termios = self.master.as_ref().map(|master| format!("{:?}", master.get_termios()));
        assert_eq!(termios.as_deref(), Some(self.termios.as_str()));
    }

    /// That the terminal is as it was before: screen, cursor, modes.
    pub fn assert_restored(&self) {
        self.wait("the terminal as it was", |seen| {
            let screen = seen.parser.screen();
            !screen.alternate_screen()
                && !screen.hide_cursor()
                && !screen.bracketed_paste()
                && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
        });
        let termios = self.master.as_ref().map(|master| format!("{:?}", master.get_termios()));
        assert_eq!(termios.as_deref(), Some(self.termios.as_str()));
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        // An ended child cannot be killed, and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.home);
    }
}

/// An empty home, so that nobody's config file is read.
fn home() -> PathBuf {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name =
        format!("sipboard-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let home = std::env::temp_dir().join(name);
    fs::create_dir_all(&home).unwrap();
    home
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a terminal has at least one cell")
}
