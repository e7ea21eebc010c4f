//! Stopping, as a shell's Ctrl-z has it, and what is noticed of what befell the terminal meanwhile.
//! What differs between systems is here.

use std::io;

/// What befell the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturbance {
    /// The process goes on after it was stopped, by whomever: another had the terminal.
    Continued,
    /// It changed its size, and may have lost what it showed even where it has the old size again.
    Resized,
}

/// Notices what befalls the terminal. Beside the events of the terminal's reader, which passes over
/// a change of size that comes together with a key.
#[cfg(unix)]
#[derive(Debug)]
pub struct Disturbances {
    continued: tokio::signal::unix::Signal,
    resized: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Disturbances {
    /// Begins to listen.
    ///
    /// # Errors
    ///
    /// Where signals cannot be listened to.
    pub fn new() -> io::Result<Disturbances> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Disturbances {
            continued: signal(SignalKind::from_raw(signal_hook::consts::SIGCONT))?,
            resized: signal(SignalKind::window_change())?,
        })
    }

    /// Waits for the next one. Cancel-safe.
    pub async fn next(&mut self) -> Disturbance {
        tokio::select! {
            Some(()) = self.continued.recv() => Disturbance::Continued,
            Some(()) = self.resized.recv() => Disturbance::Resized,
            else => std::future::pending().await,
        }
    }
}

/// Stops the process until somebody lets it go on. Where no shell could (POSIX: an orphaned
/// process group), the system goes on at once.
///
/// # Errors
///
/// Where it cannot be stopped.
#[cfg(unix)]
pub fn stop() -> io::Result<()> {
    signal_hook::low_level::raise(signal_hook::consts::SIGTSTP)
}

/// Notices what befalls the terminal: here its own events say it.
#[cfg(not(unix))]
#[derive(Debug)]
pub struct Disturbances;

#[cfg(not(unix))]
impl Disturbances {
    /// Begins to listen.
    ///
    /// # Errors
    ///
    /// None here.
    pub fn new() -> io::Result<Disturbances> {
        Ok(Disturbances)
    }

    /// Waits for the next one. Cancel-safe.
    pub async fn next(&mut self) -> Disturbance {
        std::future::pending().await
    }
}

/// Stops the process until somebody lets it go on.
///
/// # Errors
///
/// Always: this system has no such thing.
#[cfg(not(unix))]
pub fn stop() -> io::Result<()> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}
