//! Instants as wall-clock time.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

/// Ties the monotonic clock of the events to the wall clock, once, so that time on screen never
/// runs backwards.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    instant: Instant,
    wall: Timestamp,
}

impl Clock {
    /// A clock that ties the two as they stand now.
    pub fn now() -> Clock {
        Clock { instant: Instant::now(), wall: Timestamp::now() }
    }

    /// A clock that ties the two as given (for tests and pictures).
    pub fn fixed(instant: Instant, wall: Timestamp) -> Clock {
        Clock { instant, wall }
    }

    /// The wall-clock time of an instant.
    pub fn wall(&self, at: Instant) -> Timestamp {
        let since = match at.checked_duration_since(self.instant) {
            Some(after) => SignedDuration::try_from(after),
            None => SignedDuration::try_from(self.instant - at).map(|before| -before),
        };
        since.ok().and_then(|since| self.wall.checked_add(since).ok()).unwrap_or(self.wall)
    }
}
