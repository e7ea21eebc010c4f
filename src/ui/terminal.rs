//! The terminal: taken over, drawn on, and given back whatever happens.

use std::{
    io::{self, IsTerminal, Stdout, Write},
    panic,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crossterm::{
    clipboard::CopyToClipboard,
    cursor::{Hide, MoveTo, Show},
    event::{
        DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture, Event,
    },
    execute, queue,
    terminal::{
        BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
        SetTitle, disable_raw_mode, enable_raw_mode,
    },
};
use ratatui::{
    Terminal, TerminalOptions,
    backend::{Backend, CrosstermBackend},
    buffer::Buffer,
    layout::{Position, Size},
};
use tokio::sync::mpsc;

use crate::ui::{
    model::Model,
    view::{self, Drawn},
};

/// Whether the terminal is ours at the moment.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Keep the title that the terminal has, and give it back (xterm's window manipulation; terminals
/// that do not know it pass over it).
const KEEP_TITLE: &str = "\x1b[22;0t";
const RESTORE_TITLE: &str = "\x1b[23;0t";

/// The terminal while it is ours. Dropping it gives it back.
#[derive(Debug)]
pub struct Screen {
    terminal: Terminal<CrosstermBackend<io::BufWriter<Stdout>>>,
    shown: Option<(Buffer, Option<Position>)>,
}

impl Screen {
    /// Takes the terminal over: raw mode, alternate screen, title, mouse where it is wanted.
    ///
    /// # Errors
    ///
    /// Where it cannot be taken over.
    pub fn take(mouse: bool) -> io::Result<Screen> {
        restore_before_panics();
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        // From here on, an error gives back what was taken.
        let taken = Taken;
        let mut out = io::stdout();
        out.write_all(KEEP_TITLE.as_bytes())?;
        execute!(out, EnterAlternateScreen, SetTitle("sipboard"), EnableBracketedPaste, Hide)?;
        if mouse {
            execute!(out, EnableMouseCapture)?;
        }
        let backend = CrosstermBackend::new(io::BufWriter::with_capacity(64 * 1024, io::stdout()));
        let terminal = Terminal::with_options(backend, TerminalOptions::default())?;
        std::mem::forget(taken);
        Ok(Screen { terminal, shown: None })
    }

    /// Listens to the mouse from now on, or no longer.
    ///
    /// # Errors
    ///
    /// Where the terminal is gone.
    pub fn listen_to_mouse(&mut self, listens: bool) -> io::Result<()> {
        let out = self.terminal.backend_mut();
        match listens {
            true => execute!(out, EnableMouseCapture),
            false => execute!(out, DisableMouseCapture),
        }
    }

    /// The size now.
    ///
    /// # Errors
    ///
    /// Where the terminal is gone.
    pub fn size(&self) -> io::Result<Size> {
        self.terminal.size()
    }

    /// Hands bytes to the terminal's clipboard (OSC 52), over SSH as well. Whether the terminal
    /// takes them nobody says.
    ///
    /// # Errors
    ///
    /// Where the terminal is gone.
    pub fn copy(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut sequence = String::new();
        crossterm::Command::write_ansi(&CopyToClipboard::to_clipboard_from(bytes), &mut sequence)
            .map_err(io::Error::other)?;
        let out = self.terminal.backend_mut();
        out.write_all(sequence.as_bytes())?;
        // tmux takes it where set-clipboard is on, and hands it on wrapped where allow-passthrough
        // is; what it does not take it passes over.
        if std::env::var_os("TMUX").is_some() {
            let doubled = sequence.replace('\x1b', "\x1b\x1b");
            write!(out, "\x1bPtmux;{doubled}\x1b\\")?;
        }
        Write::flush(out)
    }

    /// Draws the model. Where nothing visible changed, not a byte is written.
    ///
    /// # Errors
    ///
    /// Where the terminal is gone.
    pub fn draw(&mut self, model: &Model, now: Instant) -> io::Result<Drawn> {
        if !TAKEN.load(Ordering::SeqCst) {
            // A panic in another task gave it back already.
            return Err(io::Error::other("the terminal was given back"));
        }
        let area = self.terminal.get_frame().area();
        if self.terminal.size()? != area.as_size() {
            self.terminal.autoresize()?;
            self.shown = None;
        }
        let mut frame = self.terminal.get_frame();
        let drawn = view::draw(&mut frame, model, now);
        let picture = frame.buffer_mut();
        if self.shown.as_ref().is_some_and(|(last, at)| last == picture && *at == drawn.cursor) {
            picture.reset();
            return Ok(drawn);
        }
        let picture = picture.clone();
        let out = self.terminal.backend_mut();
        queue!(out, BeginSynchronizedUpdate, Hide)?;
        self.terminal.flush()?;
        self.terminal.swap_buffers();
        let out = self.terminal.backend_mut();
        if let Some(Position { x, y }) = drawn.cursor {
            queue!(out, MoveTo(x, y), Show)?;
        }
        queue!(out, EndSynchronizedUpdate)?;
        Backend::flush(out)?;
        self.shown = Some((picture, drawn.cursor));
        Ok(drawn)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back when it is dropped.
struct Taken;

impl Drop for Taken {
    fn drop(&mut self) {
        restore();
    }
}

/// Whether both ends of the terminal are there.
pub fn is_present() -> bool {
    io::stdout().is_terminal()
}

/// Gives the terminal back, once. Errors have nowhere to go: the terminal is gone.
fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = execute!(
        out,
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Show
    );
    let _ = out.write_all(RESTORE_TITLE.as_bytes());
    let _ = out.flush();
    let _ = disable_raw_mode();
}

/// A panic is told on a terminal that can show it.
fn restore_before_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            restore();
            before(info);
        }));
    });
}

/// What the terminal says, read by a thread of its own: crossterm's reader spins where a terminal
/// has gone, and must not take the dashboard's task with it.
#[derive(Debug)]
pub struct Input {
    /// The events; closed when there are no more.
    pub events: mpsc::Receiver<Event>,
    gate: Arc<Gate>,
}

/// Whether the thread may read: while an editor has the terminal, its keys are the editor's.
#[derive(Debug, Default)]
struct Gate {
    reading: Mutex<Reading>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reading {
    #[default]
    Reads,
    /// It is to stop.
    Stops,
    /// It has stopped.
    Stopped,
    /// The thread is gone.
    Gone,
}

/// How often the thread looks whether it may still read.
const LOOK: Duration = Duration::from_millis(100);
/// How long it may take to stop.
const STOP: Duration = Duration::from_secs(2);

impl Input {
    /// Begins to read.
    pub fn start() -> Input {
        let (sender, events) = mpsc::channel(256);
        let gate = Arc::new(Gate::default());
        let thread = Arc::clone(&gate);
        std::thread::spawn(move || {
            while thread.may_read() {
                let event = match crossterm::event::poll(LOOK) {
                    Ok(true) => crossterm::event::read(),
                    Ok(false) => continue,
                    Err(error) => Err(error),
                };
                let Ok(event) = event else { break };
                if sender.blocking_send(event).is_err() {
                    break;
                }
            }
            thread.set(Reading::Gone);
        });
        Input { events, gate }
    }

    /// Leaves the terminal's keys to somebody else; whether that could be done.
    pub fn pause(&self) -> bool {
        let mut reading = self.gate.lock();
        if *reading == Reading::Gone {
            return false;
        }
        *reading = Reading::Stops;
        let waits = |reading: &mut Reading| *reading == Reading::Stops;
        let (mut reading, _) = self
            .gate
            .changed
            .wait_timeout_while(reading, STOP, waits)
            .unwrap_or_else(PoisonError::into_inner);
        if *reading == Reading::Stops {
            *reading = Reading::Reads;
        }
        *reading == Reading::Stopped
    }

    /// Reads again.
    pub fn resume(&self) {
        let mut reading = self.gate.lock();
        if *reading != Reading::Gone {
            *reading = Reading::Reads;
        }
        self.gate.changed.notify_all();
    }
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, Reading> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, now: Reading) {
        *self.lock() = now;
        self.changed.notify_all();
    }

    /// Waits where it must not be read; whether anybody still wants to read at all.
    fn may_read(&self) -> bool {
        let mut reading = self.lock();
        if *reading == Reading::Stops {
            *reading = Reading::Stopped;
            self.changed.notify_all();
        }
        let waits = |reading: &mut Reading| *reading == Reading::Stopped;
        let reading =
            self.changed.wait_while(reading, waits).unwrap_or_else(PoisonError::into_inner);
        *reading != Reading::Gone
    }
}

/// What ends the dashboard from outside: a signal, or a terminal that hangs up.
#[cfg(unix)]
#[derive(Debug)]
pub struct Farewell {
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    terminal: Option<tokio::io::unix::AsyncFd<std::fs::File>>,
}

#[cfg(unix)]
impl Farewell {
    /// Begins to listen.
    ///
    /// # Errors
    ///
    /// Where signals cannot be listened to.
    pub fn new() -> io::Result<Farewell> {
        use std::os::fd::AsFd;

        use tokio::{
            io::{Interest, unix::AsyncFd},
            signal::unix::{SignalKind, signal},
        };

        // Only watched for the hang-up; nothing is read from it.
        let terminal = if io::stdin().is_terminal() {
            io::stdin().as_fd().try_clone_to_owned().map(std::fs::File::from)
        } else {
            std::fs::File::open("/dev/tty")
        };
        #[expect(
            deprecated,
            reason = "unsound only for types that do not own their descriptor; a File does"
        )]
        let terminal =
            terminal.and_then(|terminal| AsyncFd::with_interest(terminal, Interest::READABLE)).ok();
        Ok(Farewell {
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminal,
        })
    }

    /// Waits for the end, while an editor has the terminal: an interrupt is for the editor.
    /// Cancel-safe.
    pub async fn wait_beside_editor(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.hang_up.recv() => return,
                _ = self.interrupt.recv() => {}
            }
        }
    }

    /// Waits for the end. Cancel-safe.
    pub async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
            _ = self.interrupt.recv() => {}
            () = gone(self.terminal.as_ref()) => {}
        }
    }
}

/// Waits until the terminal's other end has gone.
#[cfg(unix)]
async fn gone(terminal: Option<&tokio::io::unix::AsyncFd<std::fs::File>>) {
    let Some(terminal) = terminal else { return std::future::pending().await };
    loop {
        match terminal.ready(tokio::io::Interest::READABLE).await {
            Ok(mut guard) if !guard.ready().is_read_closed() => guard.clear_ready(),
            _ => return,
        }
    }
}

/// What ends the dashboard from outside.
#[cfg(not(unix))]
#[derive(Debug)]
pub struct Farewell;

#[cfg(not(unix))]
impl Farewell {
    /// Begins to listen.
    ///
    /// # Errors
    ///
    /// None here.
    pub fn new() -> io::Result<Farewell> {
        Ok(Farewell)
    }

    /// Waits for the end, while an editor has the terminal: an interrupt is for the editor.
    pub async fn wait_beside_editor(&mut self) {
        std::future::pending().await
    }

    /// Waits for the end. Cancel-safe.
    pub async fn wait(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
