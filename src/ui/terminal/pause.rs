//! Stopping, as a shell's Ctrl-z has it, and what is noticed of what befell the terminal meanwhile.
//! What differs between systems is here.

use std::io;

/// What befell the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturbance {
    /// The process goes on after it was stopped, by whomever: another had the terminal.
    Continued,
    /// Somebody wants the process to stop, from outside: the terminal is to be given back first.
    Stopping,
    /// It changed its size, and may have lost what it showed even where it has the old size again.
    Resized,
}

/// Notices what befalls the terminal. Beside the events of the terminal's reader, which passes over
/// a change of size that comes together with a key.
#[cfg(unix)]
#[derive(Debug)]
pub struct Disturbances {
    continued: tokio::signal::unix::Signal,
    stopping: tokio::signal::unix::Signal,
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
        use signal_hook::consts::{SIGCONT, SIGTSTP};
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Disturbances {
            continued: signal(SignalKind::from_raw(SIGCONT))?,
            stopping: signal(SignalKind::from_raw(SIGTSTP))?,
            resized: signal(SignalKind::window_change())?,
        })
    }

    /// Waits for the next one. Cancel-safe.
    pub async fn next(&mut self) -> Disturbance {
        tokio::select! {
            Some(()) = self.continued.recv() => Disturbance::Continued,
            Some(()) = self.stopping.recv() => Disturbance::Stopping,
            Some(()) = self.resized.recv() => Disturbance::Resized,
            else => std::future::pending().await,
        }
    }

    /// Waits until somebody wants the process to stop. Cancel-safe.
    pub async fn stopping(&mut self) {
        if self.stopping.recv().await.is_none() {
            std::future::pending().await
        }
    }
}

/// Stops the process until somebody lets it go on.
///
/// # Errors
///
/// Where it cannot be stopped, or nobody could let it go on again.
#[cfg(unix)]
pub fn stop() -> io::Result<()> {
    if !is_job()? {
        return Err(io::Error::other("no shell started it as a job that it could let go on again"));
    }
    signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)
}

/// Whether a shell has started us as a job: our parent is in our session, in another process group.
/// POSIX calls a group without such a parent orphaned, and no SIGTSTP stops it by default; ours,
/// which is handled, ends in SIGSTOP, which would. In a container the parent, its session or its
/// group may be outside and have no number: that is 0.
#[cfg(unix)]
fn is_job() -> io::Result<bool> {
    use nix::unistd::{Pid, getpgid, getpgrp, getppid, getsid};

    let parent = getppid();
    if parent == Pid::from_raw(0) {
        return Ok(false);
    }
    Ok(getsid(Some(parent))? == getsid(None)? && getpgid(Some(parent))? != getpgrp())
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

    /// Waits until somebody wants the process to stop: nobody can here.
    pub async fn stopping(&mut self) {
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
