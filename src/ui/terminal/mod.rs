//! The terminal: taken over, drawn on, and given back whatever happens.

mod farewell;
mod input;
mod modes;
mod pause;
#[cfg(all(test, unix))]
mod tests;

use std::{
    io::{self, IsTerminal, Stdout, Write},
    panic,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use crossterm::{
    clipboard::CopyToClipboard,
    cursor::{Hide, MoveTo, Show},
    event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture},
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
    layout::{Position, Rect, Size},
};

pub use farewell::Farewell;
pub use input::Input;
pub use modes::{Modes, forget_typed};
pub use pause::{Disturbance, Disturbances, stop};

use crate::ui::{
    model::Model,
    notify::How,
    view::{self, Drawn, Settled},
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
    is_forgotten: bool,
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
        Ok(Screen { terminal, shown: None, is_forgotten: false })
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
        pass(out, &sequence)
    }

    /// Draws every cell anew the next time: the terminal changed its size, and may have lost some
    /// even where it has the old size again.
    pub fn forget(&mut self) {
        self.is_forgotten = true;
    }

    /// Tells who looks elsewhere.
    ///
    /// # Errors
    ///
    /// Where the terminal is gone.
    pub fn notify(&mut self, how: How, text: &str) -> io::Result<()> {
        pass(self.terminal.backend_mut(), &how.sequence(text))
    }

    /// Draws the model, which was settled for this moment. Where nothing visible changed, not a byte is written.
    ///
    /// # Errors
    ///
    /// Where the terminal is gone.
    pub fn draw(&mut self, model: &Model, now: Instant, settled: Settled) -> io::Result<Drawn> {
        if !TAKEN.load(Ordering::SeqCst) {
            // A panic in another task gave it back already.
            return Err(io::Error::other("the terminal was given back"));
        }
        let area = self.terminal.get_frame().area();
        let size = self.terminal.size()?;
        if std::mem::take(&mut self.is_forgotten) || size != area.as_size() {
            // Not `clear`, which asks the terminal where its cursor is and waits for the answer.
            self.terminal.resize(Rect::from((Position::ORIGIN, size)))?;
            self.shown = None;
        }
        let mut frame = self.terminal.get_frame();
        let drawn = view::draw_settled(&mut frame, model, now, settled);
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

/// Sends the terminal a sequence that is for it, through tmux as well.
fn pass(out: &mut impl Write, sequence: &str) -> io::Result<()> {
    out.write_all(sequence.as_bytes())?;
    // tmux takes a copy where set-clipboard is on, and hands any sequence on wrapped where
    // allow-passthrough is; what it does not take it passes over.
    if sequence.starts_with('\x1b') && std::env::var_os("TMUX").is_some() {
        let doubled = sequence.replace('\x1b', "\x1b\x1b");
        write!(out, "\x1bPtmux;{doubled}\x1b\\")?;
    }
    out.flush()
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
