//! Whether the terminal is ours, and the bytes that make it so and give it back. They go through the
//! one outlet of the process, as all that is drawn does, so that a terminal that takes none holds up
//! nothing.

use std::{
    io::{self, IsTerminal, Write},
    panic,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crossterm::{
    cursor::{Hide, Show},
    event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture},
    queue,
    terminal::{
        EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, SetTitle,
        disable_raw_mode, enable_raw_mode,
    },
};

use crate::outlet::{Outlet, Stream};

/// Whether the terminal is ours at the moment.
static TAKEN: Mutex<bool> = Mutex::new(false);

/// Keep the title that the terminal has, and give it back (xterm's window manipulation; terminals
/// that do not know it pass over it).
const KEEP_TITLE: &str = "\x1b[22;0t";
const RESTORE_TITLE: &str = "\x1b[23;0t";

/// How long a terminal may take to be given back before whoever waits for it goes on.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// The outlet that the terminal hangs on.
pub fn outlet() -> &'static Outlet {
    Outlet::standard()
}

/// Bytes for the terminal, gathered until a flush hands them over.
#[derive(Debug, Default)]
pub struct Bytes(Vec<u8>);

impl Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    /// Hands them over, where the terminal is ours and there.
    fn flush(&mut self) -> io::Result<()> {
        let taken = taken();
        if !*taken {
            // A panic in another task gave it back already.
            return Err(io::Error::other("the terminal was given back"));
        }
        if let Some(broken) = outlet().error(Stream::Out) {
            return Err(io::Error::new(broken.kind, broken.reason));
        }
        outlet().hand(Stream::Out, &self.0);
        self.0.clear();
        Ok(())
    }
}

/// Takes the terminal over: raw mode, alternate screen, title, mouse where it is wanted.
///
/// # Errors
///
/// Where it cannot be taken over.
pub fn take(mouse: bool) -> io::Result<()> {
    restore_before_panics();
    enable_raw_mode()?;
    *taken() = true;
    let enter = || {
        let mut bytes = Bytes::default();
        bytes.write_all(KEEP_TITLE.as_bytes())?;
        queue!(bytes, EnterAlternateScreen, SetTitle("sipboard"), EnableBracketedPaste, Hide)?;
        if mouse {
            queue!(bytes, EnableMouseCapture)?;
        }
        bytes.flush()
    };
    let entered = enter();
    if entered.is_err() {
        give_back(Instant::now());
    }
    entered
}

/// Gives the terminal back, once, and waits no longer than until then for it to take that; whether it
/// has. Errors have nowhere to go: the terminal is gone.
pub fn give_back(until: Instant) -> bool {
    let mut taken = taken();
    if !std::mem::take(&mut *taken) {
        return true;
    }
    // At once, whether the bytes go or not; who sees those has a terminal that is set right.
    let _ = disable_raw_mode();
    let mut bytes = Bytes::default();
    let _ = queue!(
        bytes,
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Show
    );
    let _ = bytes.write_all(RESTORE_TITLE.as_bytes());
    outlet().hand(Stream::Out, &bytes.0);
    drop(taken);
    outlet().wait(until)
}

fn taken() -> MutexGuard<'static, bool> {
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A panic is told on a terminal that can show it. One that takes nothing must not keep the process
/// from ending.
fn restore_before_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let is_written = give_back(Instant::now() + PATIENCE);
            if is_written || !io::stderr().is_terminal() {
                before(info);
            }
        }));
    });
}
