//! [`Notice`]: a sentence for the user; and [`Clip`], what the terminal's clipboard is to get.

use std::time::{Duration, Instant};

/// How long a notice stays.
const NOTICE: Duration = Duration::from_secs(8);

/// A sentence for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The sentence. May hold text from the network.
    pub text: String,
    /// Whether something went wrong.
    pub severity: Severity,
    /// When it goes; `None` stays until another comes.
    pub until: Option<Instant>,
}

/// How a notice is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// For information.
    Info,
    /// Something went wrong or was refused.
    Error,
}

impl Notice {
    /// Something went wrong or was refused.
    pub fn error(now: Instant, text: impl Into<String>) -> Notice {
        Notice { text: text.into(), severity: Severity::Error, until: Some(now + NOTICE) }
    }

    /// For information.
    pub fn info(now: Instant, text: impl Into<String>) -> Notice {
        Notice { text: text.into(), severity: Severity::Info, until: Some(now + NOTICE) }
    }

    /// For information, until another comes.
    pub fn lasting(text: impl Into<String>) -> Notice {
        Notice { text: text.into(), severity: Severity::Info, until: None }
    }
}

/// What is to be copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clip {
    /// What it is, in words.
    pub what: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Clip {
    /// Something to be copied.
    pub fn new(what: impl Into<String>, bytes: Vec<u8>) -> Clip {
        Clip { what: what.into(), bytes }
    }
}
