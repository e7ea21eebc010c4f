//! The terminal: taken over, drawn on, and given back whatever happens.

mod farewell;
mod input;
mod modes;
mod pause;
mod taken;
#[cfg(all(test, unix))]
mod tests;

use std::{
    io::{self, IsTerminal, Write},
    time::Instant,
};

use crossterm::{
    clipboard::CopyToClipboard,
    cursor::{Hide, MoveTo, Show},
    event::{DisableMouseCapture, EnableMouseCapture},
    queue,
    terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate},
};
use ratatui::{
    Terminal, TerminalOptions,
    backend::CrosstermBackend,
    buffer::Buffer,
    layout::{Position, Rect, Size},
};

pub use farewell::Farewell;
pub use input::Input;
pub use modes::{Modes, forget_typed};
pub use pause::{Disturbance, Disturbances, stop};
pub use taken::PATIENCE;

use taken::{Bytes, outlet};

use crate::ui::{
    model::Model,
    notify::How,
    view::{self, Drawn, Settled},
};

/// So much may wait for a terminal that takes nothing before a copy for it is refused.
const CROWDED: usize = 256 * 1024;

/// The terminal while it is ours. Dropping it gives it back.
///
/// What is drawn and told goes through an outlet and never waits: who draws asks before whether the
/// last picture is there ([`is_idle`]), so that there is never more than one on its way.
#[derive(Debug)]
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Bytes>>,
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
        taken::take(mouse)?;
        let backend = CrosstermBackend::new(Bytes::default());
        match Terminal::with_options(backend, TerminalOptions::default()) {
            Ok(terminal) => Ok(Screen { terminal, shown: None, is_forgotten: false }),
            Err(error) => {
                taken::give_back(Instant::now() + PATIENCE);
                Err(error)
            }
        }
    }

    /// Gives the terminal back, and waits no longer than until then for it to take that; whether it
    /// has.
    pub fn give_back(self, until: Instant) -> bool {
        taken::give_back(until)
    }

    /// Listens to the mouse from now on, or no longer.
    ///
    /// # Errors
    ///
    /// Where the terminal is gone.
    pub fn listen_to_mouse(&mut self, listens: bool) -> io::Result<()> {
        let out = self.terminal.backend_mut();
        match listens {
            true => queue!(out, EnableMouseCapture)?,
            false => queue!(out, DisableMouseCapture)?,
        }
        Write::flush(out)
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
    /// Where the terminal is gone, or takes nothing.
    pub fn copy(&mut self, bytes: &[u8]) -> io::Result<()> {
        if outlet().waiting() > CROWDED {
            return Err(io::Error::other("the terminal takes nothing at the moment"));
        }
        let mut sequence = String::new();
        crossterm::Command::write_ansi(&CopyToClipboard::to_clipboard_from(bytes), &mut sequence)
            .map_err(io::Error::other)?;
        pass(self.terminal.backend_mut(), &sequence)
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
        Write::flush(out)?;
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
        taken::give_back(Instant::now() + PATIENCE);
    }
}

/// Waits until the terminal has taken all that was for it, or is gone. Cancel-safe.
pub async fn written() {
    outlet().written().await;
}

/// Whether the terminal has taken all that was for it.
pub fn is_idle() -> bool {
    outlet().is_idle()
}

/// Since when the terminal has not taken what was for it.
pub fn held_since() -> Option<Instant> {
    outlet().held_since()
}

/// The process ends without what the terminal has not taken.
pub fn abandon() {
    outlet().abandon();
}

/// Whether both ends of the terminal are there.
pub fn is_present() -> bool {
    io::stdout().is_terminal()
}
