//! What ends the dashboard from outside. What differs between systems is here.

use std::io;

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
        use std::{io::IsTerminal, os::fd::AsFd};

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

    /// Waits for somebody who will not wait for the end that has begun. A hang-up is none: it comes
    /// more than once, from the kernel and the shell, and with the terminal that has gone. Cancel-safe.
    pub async fn wait_again(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
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

    /// Waits for somebody who will not wait for the end that has begun. Cancel-safe.
    pub async fn wait_again(&mut self) {
        self.wait().await
    }

    /// Waits for the end. Cancel-safe.
    pub async fn wait(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
