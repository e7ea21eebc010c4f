//! The end: the engine's first, then the terminal's, and neither is waited for without a limit.

use std::time::{Duration, Instant};

use super::{App, Quit};
use crate::{
    engine::Command,
    ui::{
        model::{GRACE, Mode},
        terminal,
    },
};

/// How long all of it may take, the engine's end and a terminal that takes nothing.
const WHOLE: Duration = Duration::from_secs(2);

/// Wishes to end that come so close together are one: who ends a process and its group sends it two.
const ONE: Duration = Duration::from_millis(50);

/// How long a terminal still has that has taken nothing for long.
const LAST: Duration = Duration::from_millis(20);

impl App {
    /// Somebody wants us to end: gracefully at first, and then at once.
    pub(super) fn farewell(&mut self) {
        match self.model.mode {
            Mode::Quitting { since } if since.elapsed() >= ONE => self.model.mode = Mode::Left,
            _ => self.leave(),
        }
    }

    /// Ends gracefully, once.
    pub(super) fn leave(&mut self) {
        if !matches!(self.model.mode, Mode::Quitting { .. } | Mode::Left) {
            self.model.mode = Mode::Quitting { since: Instant::now() };
            self.send(Command::Quit);
        }
    }

    /// When nothing is waited for any longer: neither the engine nor, once that has ended, a terminal
    /// that does not take what is for it.
    pub(super) fn leaves_at(&self) -> Option<Instant> {
        match self.model.mode {
            Mode::Quitting { since } if self.has_ended => Some(since + WHOLE),
            Mode::Quitting { since } => Some(since + GRACE),
            _ => None,
        }
    }

    /// Tries a quit again that found the queue full, and leaves when all is done or the time is over.
    pub(super) fn keep_time(&mut self) {
        if self.quit == Quit::Unsent {
            self.send(Command::Quit);
        }
        let is_done = self.has_ended && (self.screen.is_none() || terminal::is_idle());
        if is_done || self.leaves_at().is_some_and(|at| at <= Instant::now()) {
            self.model.mode = Mode::Left;
        }
    }

    /// Gives the terminal back; one that does not take that is left as it is.
    pub(super) fn give_back(&mut self) {
        let now = Instant::now();
        // One that is only slow is read in a moment.
        let until = terminal::held_since().unwrap_or(now) + terminal::PATIENCE;
        if let Some(screen) = self.screen.take()
            && !screen.give_back(until.max(now + LAST))
        {
            terminal::abandon();
        }
    }
}
