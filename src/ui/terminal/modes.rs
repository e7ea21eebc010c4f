//! What the terminal itself does with what is typed, while somebody else has it. What differs between
//! systems is here.

/// How the terminal's line discipline was set.
#[derive(Debug)]
#[cfg(unix)]
pub struct Modes(Option<nix::sys::termios::Termios>);

#[cfg(unix)]
impl Modes {
    /// How it is set; unknown where there is no terminal.
    pub fn now() -> Modes {
        let modes = terminal().and_then(|terminal| nix::sys::termios::tcgetattr(terminal).ok());
        Modes(modes)
    }

    /// Sets it so again. Where the terminal is gone, that is noticed elsewhere.
    pub fn set(&self) {
        if let (Some(modes), Some(terminal)) = (&self.0, terminal()) {
            let when = nix::sys::termios::SetArg::TCSANOW;
            let _ = nix::sys::termios::tcsetattr(terminal, when, modes);
        }
    }
}

/// Forgets what was typed and not read: it was meant for who had the terminal, and the line
/// discipline may have cut it, a key's sequence in its middle.
#[cfg(unix)]
pub fn forget_typed() {
    if let Some(terminal) = terminal() {
        let _ = nix::sys::termios::tcflush(terminal, nix::sys::termios::FlushArg::TCIFLUSH);
    }
}

/// Where keys come from.
#[cfg(unix)]
fn terminal() -> Option<std::fs::File> {
    use std::{
        io::{self, IsTerminal},
        os::fd::AsFd,
    };

    if io::stdin().is_terminal() {
        return io::stdin().as_fd().try_clone_to_owned().map(std::fs::File::from).ok();
    }
    std::fs::File::open("/dev/tty").ok()
}

/// How the terminal's line discipline was set.
#[cfg(not(unix))]
#[derive(Debug)]
pub struct Modes;

#[cfg(not(unix))]
impl Modes {
    /// Nothing that is to be known.
    pub fn now() -> Modes {
        Modes
    }

    /// Nothing to set.
    pub fn set(&self) {}
}

/// Nothing is cut here.
#[cfg(not(unix))]
pub fn forget_typed() {}
