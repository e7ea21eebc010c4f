//! A panic in a real terminal, and in one that takes nothing.

use std::{
    io::Read,
    thread,
    time::{Duration, Instant},
};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use super::Screen;

/// How long anything may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);
/// Says to the test that it is the one in the terminal.
const INSIDE: &str = "SIPBOARD_TEST_PANICS";

#[test]
fn a_panic_is_told_on_a_terminal_that_was_given_back() {
    if std::env::var_os(INSIDE).is_some() {
        let _screen = Screen::take(true).expect("a terminal of its own");
        panic!("this is told to the user");
    }
    let pair = native_pty_system().openpty(PtySize { rows: 24, cols: 80, ..PtySize::default() });
    let pair = pair.unwrap();
    let before = format!("{:?}", pair.master.get_termios());
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    let name = "ui::terminal::tests::a_panic_is_told_on_a_terminal_that_was_given_back";
    command.args(["--exact", name, "--nocapture"]);
    command.env(INSIDE, "yes");
    command.env("RUST_BACKTRACE", "0");
    let mut child = pair.slave.spawn_command(command).unwrap();
    let mut reader = pair.master.try_clone_reader().unwrap();
    let reading = thread::spawn(move || {
        let (mut written, mut buffer) = (Vec::new(), [0; 4096]);
        // Its end is an error where nobody has the other side any more.
        while let Ok(count @ 1..) = reader.read(&mut buffer) {
            written.extend_from_slice(&buffer[..count]);
        }
        written
    });
    let since = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if since.elapsed() > DEADLINE {
            child.kill().unwrap();
            panic!("it has not ended");
        }
        thread::sleep(Duration::from_millis(5));
    }
    let after = format!("{:?}", pair.master.get_termios());
    drop(pair.slave);
    let written = String::from_utf8_lossy(&reading.join().unwrap()).into_owned();
    let place = |text: &str| {
        written.rfind(text).unwrap_or_else(|| panic!("{text:?} is not in {written:?}"))
    };
    assert!(place("\x1b[?1049h") < place("\x1b[?1049l"), "{written:?}");
    assert!(place("\x1b[?1000l") < place("this is told to the user"), "{written:?}");
    assert!(place("\x1b[?1049l") < place("this is told to the user"), "{written:?}");
    assert!(place("\x1b[?25h") < place("this is told to the user"), "{written:?}");
    assert_eq!(after, before, "the modes of the terminal");
}

#[test]
fn a_panic_ends_the_process_though_the_terminal_takes_nothing() {
    if std::env::var_os(INSIDE).is_some() {
        let screen = Screen::take(true).expect("a terminal of its own");
        // More than any terminal holds that nobody reads.
        super::outlet().hand(crate::outlet::Stream::Out, &vec![b' '; 4 << 20]);
        let panicked = std::panic::catch_unwind(|| panic!("nobody can be told"));
        drop(screen);
        // The test's own words would have no place either.
        std::process::exit(if panicked.is_err() { 7 } else { 1 });
    }
    let pair = native_pty_system().openpty(PtySize { rows: 24, cols: 80, ..PtySize::default() });
    let pair = pair.unwrap();
    let before = format!("{:?}", pair.master.get_termios());
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    let name = "ui::terminal::tests::a_panic_ends_the_process_though_the_terminal_takes_nothing";
    command.args(["--exact", name, "--nocapture"]);
    command.env(INSIDE, "yes");
    let mut child = pair.slave.spawn_command(command).unwrap();
    let since = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if since.elapsed() > DEADLINE {
            child.kill().unwrap();
            panic!("it has not ended");
        }
        thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(status.exit_code(), 7);
    assert_eq!(format!("{:?}", pair.master.get_termios()), before, "the modes of the terminal");
}
