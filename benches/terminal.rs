//! The real binary in a pseudo-terminal: from a key to the datagram that it sends, from a datagram
//! to the screen, and what it costs when nothing happens.
//!
//! `cargo bench --bench terminal`, or `-- 1000` for another number of times. Nothing is asserted.

#[cfg(unix)]
mod unix {
    use std::{
        env, fs,
        io::{Read, Write},
        net::{SocketAddr, UdpSocket},
        sync::mpsc,
        thread,
        time::{Duration, Instant},
    };

    use portable_pty::{CommandBuilder, PtySize, native_pty_system};

    /// How long anything may take.
    const DEADLINE: Duration = Duration::from_secs(30);
    /// So long nothing happens before each measurement, as when a human looks at the screen.
    const QUIET: Duration = Duration::from_millis(80);
    /// How long it is left alone.
    const IDLE: Duration = Duration::from_secs(10);
    /// What these may take, of a hundred the slowest but one.
    const KEY: Duration = Duration::from_millis(3);
    const SCREEN: Duration = Duration::from_millis(20);

    /// A dashboard whose server is a socket of ours.
    struct Bench {
        child: Box<dyn portable_pty::Child + Send + Sync>,
        writer: Box<dyn Write + Send>,
        output: mpsc::Receiver<(Instant, Vec<u8>)>,
        seen: Vec<u8>,
        peer: UdpSocket,
    }

    pub fn main() {
        let times = env::args().find_map(|argument| argument.parse().ok()).unwrap_or(200);
        let mut bench = Bench::start();
        println!("idle for {IDLE:?}: {:.2} % of a core", bench.idle());
        let (mut keys, mut screens) = (Vec::new(), Vec::new());
        bench.open_form();
        for n in 0..times {
            let (key, screen) = bench.call(n);
            keys.push(key);
            screens.push(screen);
        }
        println!("{:<20} {:>10} {:>10} {:>10} {:>10}", "", "p50", "p99", "max", "bar p99");
        report("key to datagram", keys, KEY);
        report("datagram to screen", screens, SCREEN);
        bench.end();
    }

    fn report(name: &str, mut took: Vec<Duration>, bar: Duration) {
        took.sort_unstable();
        let at = |part: usize| took[(took.len() - 1) * part / 100];
        let text = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1e3);
        println!(
            "{name:<20} {:>10} {:>10} {:>10} {:>10}",
            text(at(50)),
            text(at(99)),
            text(at(100)),
            text(bar)
        );
    }

    /// A word with no letter where the word before it has the same one: a terminal is sent only what
    /// differs, and the word must come whole to be found.
    fn word(n: usize) -> String {
        let first = if n.is_multiple_of(2) { b'A' } else { b'a' };
        format!("{n:05}").bytes().map(|digit| char::from(first + digit - b'0')).collect()
    }

    impl Bench {
        fn start() -> Bench {
            let peer = UdpSocket::bind("127.0.0.1:0").expect("a socket");
            peer.set_read_timeout(Some(DEADLINE)).expect("a deadline");
            let port = peer.local_addr().expect("an address").port();
            let home = env::temp_dir().join(format!("sipboard-bench-{}", std::process::id()));
            fs::create_dir_all(&home).expect("a folder");
            let file = home.join("config.toml");
            let config = format!(
                "[[account]]\nname = \"a\"\nuri = \"sip:a@a.test\"\n\
                 server = \"sip:127.0.0.1:{port};transport=udp\"\nkeep_alive = 0\n"
            );
            fs::write(&file, config).expect("a file");
            let size = PtySize { rows: 45, cols: 160, pixel_width: 0, pixel_height: 0 };
            let pair = native_pty_system().openpty(size).expect("a terminal");
            let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_sipboard"));
            command.env_clear();
            command.env("TERM", "xterm-256color");
            command.env("HOME", &home);
            command.args(["--config", file.to_str().expect("a path of ours")]);
            let child = pair.slave.spawn_command(command).expect("the dashboard starts");
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
            let mut bench = Bench { child, writer, output, seen: Vec::new(), peer };
            bench.shows("quit");
            bench
        }

        /// How much of a core it takes when nobody does anything, in percent.
        fn idle(&mut self) -> f64 {
            let before = self.ticks();
            thread::sleep(IDLE);
            let ticks = self.ticks() - before;
            // Linux counts a hundredth of a second each (USER_HZ).
            ticks as f64 / IDLE.as_secs_f64()
        }

        /// How long it has run, in the kernel too. Known on Linux only.
        fn ticks(&self) -> u64 {
            let id = self.child.process_id().expect("it runs");
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
            fields.split_whitespace().skip(11).take(2).filter_map(|it| it.parse::<u64>().ok()).sum()
        }

        /// The first request, which the others repeat.
        fn open_form(&mut self) {
            self.press("n");
            self.shows("New request");
            self.press("bob\r");
            let (request, from, _) = self.request();
            self.reply(&request, from, "486 First");
            self.shows("First");
        }

        /// Sends one more: from the key to its datagram, and from the answer to the screen.
        fn call(&mut self, n: usize) -> (Duration, Duration) {
            self.press("r");
            self.shows("once more");
            thread::sleep(QUIET);
            let pressed = Instant::now();
            self.press("n");
            let (request, from, arrived) = self.request();
            thread::sleep(QUIET);
            let reason = word(n);
            let answered = Instant::now();
            self.reply(&request, from, &format!("486 {reason}"));
            let shown = self.shows(&reason);
            (arrived - pressed, shown - answered)
        }

        fn press(&mut self, keys: &str) {
            self.writer.write_all(keys.as_bytes()).expect("the terminal is there");
            self.writer.flush().expect("the terminal is there");
        }

        /// Waits until the dashboard writes that; gives when it did.
        fn shows(&mut self, text: &str) -> Instant {
            loop {
                let (at, bytes) = self.output.recv_timeout(DEADLINE).expect(text);
                self.seen.extend_from_slice(&bytes);
                if self.seen.windows(text.len()).any(|window| window == text.as_bytes()) {
                    self.seen.clear();
                    return at;
                }
            }
        }

        /// The next INVITE for the first time.
        fn request(&mut self) -> (String, SocketAddr, Instant) {
            let mut buffer = [0; 65_536];
            loop {
                let (length, from) = self.peer.recv_from(&mut buffer).expect("an INVITE");
                let at = Instant::now();
                let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                if text.starts_with("INVITE") {
                    return (text, from, at);
                }
            }
        }

        fn reply(&self, request: &str, to: SocketAddr, status: &str) {
            let copied = |name: &str| {
                let line = request.lines().find(|line| line.starts_with(name));
                line.unwrap_or_default().to_owned()
            };
            let response = format!(
                "SIP/2.0 {status}\r\n{}\r\n{}\r\n{};tag=1\r\n{}\r\n{}\r\nContent-Length: 0\r\n\r\n",
                copied("Via:"),
                copied("From:"),
                copied("To:"),
                copied("Call-ID:"),
                copied("CSeq:")
            );
            self.peer.send_to(response.as_bytes(), to).expect("the dashboard is there");
        }

        fn end(mut self) {
            self.press("q");
            let _ = self.child.wait();
        }
    }
}

#[cfg(unix)]
fn main() {
    unix::main();
}

#[cfg(not(unix))]
fn main() {
    println!("this needs a pseudo-terminal");
}
