//! Stopping, as a shell's Ctrl-z has it, and what is noticed of going on. What differs between
//! systems is here.

use std::io;

/// Notices that the process goes on after it was stopped, by whomever.
#[cfg(unix)]
#[derive(Debug)]
pub struct Continued(tokio::signal::unix::Signal);

#[cfg(unix)]
impl Continued {
    /// Begins to listen.
    ///
    /// # Errors
    ///
    /// Where signals cannot be listened to.
    pub fn new() -> io::Result<Continued> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Continued(signal(SignalKind::from_raw(signal_hook::consts::SIGCONT))?))
    }

    /// Waits until it goes on. Cancel-safe.
    pub async fn wait(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending().await
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

/// Notices that the process goes on after it was stopped, by whomever.
#[cfg(not(unix))]
#[derive(Debug)]
pub struct Continued;

#[cfg(not(unix))]
impl Continued {
    /// Begins to listen.
    ///
    /// # Errors
    ///
    /// None here.
    pub fn new() -> io::Result<Continued> {
        Ok(Continued)
    }

    /// Waits until it goes on. Cancel-safe.
    pub async fn wait(&mut self) {
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
