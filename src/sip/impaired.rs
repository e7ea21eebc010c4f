//! What was done to a message on purpose, between the user agent and the network.
//!
//! Nothing here does it: the driver of the [`UserAgent`](crate::sip::UserAgent) drops, doubles,
//! holds back or corrupts what it carries, and says so with
//! [`UserAgent::impaired`](crate::sip::UserAgent::impaired), so that it stands in the context that
//! the message belongs to.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;

use crate::sip::message::Message;

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// From the network to us.
    In,
    /// From us to the network.
    Out,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Direction::In => "in",
            Direction::Out => "out",
        })
    }
}

/// Something that was done to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impaired {
    /// Which way the message went.
    pub direction: Direction,
    /// What was done to it.
    pub deed: Deed,
    /// The user's rule that asked for it.
    pub rule: Arc<str>,
    /// The bytes as the wire had them: as they came, or as they went. Of what was dropped on its
    /// way out, as they would have gone.
    pub message: Bytes,
}

/// What can be done to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It was thrown away.
    Dropped,
    /// It went, or came, twice.
    Duplicated,
    /// It is held back for that long.
    Held(Duration),
    /// It is held back until the next message of its flow and direction has overtaken it, or for
    /// that long at most.
    HeldForNext(Duration),
    /// What was held back on its way out went to the network, after that long.
    Left(Duration),
    /// One byte of it was changed.
    Corrupted {
        /// Where, counted from 0.
        offset: usize,
        /// What it was.
        from: u8,
        /// What it is.
        to: u8,
    },
}

impl Impaired {
    /// The message and the deed in a few words: `180 Ringing dropped`. May hold text from the
    /// network.
    pub fn what(&self) -> String {
        let deed = match self.deed {
            Deed::Dropped => "dropped",
            Deed::Duplicated => "doubled",
            Deed::Held(_) | Deed::HeldForNext(_) => "held back",
            Deed::Left(_) => "let go",
            Deed::Corrupted { .. } => "corrupted",
        };
        format!("{} {deed}", self.name())
    }

    /// How it was done: `on its way in, by the rule «in drop 30%»`.
    pub fn how(&self) -> String {
        let way = match self.direction {
            Direction::In => "on its way in",
            Direction::Out => "on its way out",
        };
        let more = match self.deed {
            Deed::Dropped => String::new(),
            Deed::Duplicated => ", it goes twice".to_owned(),
            Deed::Held(time) => format!(", for {} ms", time.as_millis()),
            Deed::HeldForNext(time) => {
                format!(", until another overtakes it, {} ms at most", time.as_millis())
            }
            // That it was held back, and why, was told then.
            Deed::Left(after) => return format!("after {} ms", after.as_millis()),
            Deed::Corrupted { offset, from, to } => {
                let (from, to) = (from.escape_ascii(), to.escape_ascii());
                format!(", byte {offset} was '{from}' and is '{to}'")
            }
        };
        format!("{way}{more}, by the rule «{}»", self.rule)
    }

    /// Whether no other fact has these bytes: what was dropped on its way in, and what was changed.
    pub fn has_bytes_of_its_own(&self) -> bool {
        match self.deed {
            Deed::Dropped => self.direction == Direction::In,
            Deed::Corrupted { .. } => true,
            Deed::Duplicated | Deed::Held(_) | Deed::HeldForNext(_) | Deed::Left(_) => false,
        }
    }

    /// The method of a request, the status line of a response. May hold text from the network.
    pub fn name(&self) -> String {
        let unreadable = || format!("{} bytes", self.message.len());
        let Ok(message) = Message::read(self.message.clone()) else { return unreadable() };
        match (message.status(), message.method()) {
            (Some(status), _) => {
                format!("{status} {}", message.reason_phrase()).trim_end().to_owned()
            }
            (None, Some(method)) => method.to_string(),
            (None, None) => unreadable(),
        }
    }
}
