//! [`GuestLimits`]: what is granted to the connections that peers open to us, so that one that opens
//! them and says nothing, or never ends what it says, holds neither memory nor file descriptors for
//! ever.

use std::time::{Duration, Instant};

use tokio::time::timeout_at;

/// What is granted to the connections that peers open to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuestLimits {
    /// How many may be open at once, of all listeners together. One more is closed at once.
    pub connections: usize,
    /// How long one may be open before anything whole comes on it, a message or a keep-alive.
    pub silence: Duration,
    /// How long a message on a stream or in WebSocket frames may take to come, once it has begun.
    pub message: Duration,
}

impl Default for GuestLimits {
    /// 1,000 connections, which a process may usually have; 150 s of silence, because a peer that
    /// keeps its connection alive pings it within 120 s (RFC 5626 §4.4.1); 32 s for a message, after
    /// which its transaction has timed out (RFC 3261 §17.1.2.2).
    fn default() -> GuestLimits {
        GuestLimits {
            connections: 1_000,
            silence: Duration::from_secs(150),
            message: Duration::from_secs(32),
        }
    }
}

/// Waits for something until then; `None` where it takes longer.
pub(super) async fn before<T>(until: Option<Instant>, what: impl Future<Output = T>) -> Option<T> {
    match until {
        Some(at) => timeout_at(at.into(), what).await.ok(),
        None => Some(what.await),
    }
}

/// Until when a peer must have said something whole.
#[derive(Debug)]
pub(super) struct Patience {
    limits: GuestLimits,
    waits: Waits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waits {
    /// For the first message.
    First(Instant),
    /// For the end of one.
    Rest(Instant),
    /// For nothing.
    No,
}

impl Patience {
    /// With a connection that was opened now.
    pub(super) fn new(limits: GuestLimits, now: Instant) -> Patience {
        Patience { limits, waits: Waits::First(now + limits.silence) }
    }

    /// When it ends.
    pub(super) fn until(&self) -> Option<Instant> {
        match self.waits {
            Waits::First(at) | Waits::Rest(at) => Some(at),
            Waits::No => None,
        }
    }

    /// Something whole has come, or not, and there is more of something or not.
    pub(super) fn heard(&mut self, now: Instant, is_whole: bool, has_more: bool) {
        self.waits = match self.waits {
            _ if is_whole && !has_more => Waits::No,
            Waits::Rest(at) if !is_whole && has_more => Waits::Rest(at),
            _ if has_more => Waits::Rest(now + self.limits.message),
            waits => waits,
        };
    }

    /// Why it has ended.
    pub(super) fn words(&self) -> String {
        match self.waits {
            Waits::First(_) | Waits::No => {
                format!("nothing came within {:?} of its opening", self.limits.silence)
            }
            Waits::Rest(_) => {
                format!("a message that had begun was not whole within {:?}", self.limits.message)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lasts_until_something_whole_has_come_and_is_not_renewed_by_drops() {
        let (begin, limits) = (Instant::now(), GuestLimits::default());
        let mut patience = Patience::new(limits, begin);
        assert_eq!(patience.until(), Some(begin + limits.silence));
        patience.heard(begin, true, false);
        assert_eq!(patience.until(), None);
        let second = Duration::from_secs(1);
        for n in 1..40 {
            patience.heard(begin + second * n, false, true);
            assert_eq!(patience.until(), Some(begin + second + limits.message));
        }
        patience.heard(begin + second * 40, true, true);
        assert_eq!(patience.until(), Some(begin + second * 40 + limits.message), "the next one");
        assert!(patience.words().contains("was not whole within 32s"));
        patience.heard(begin + second * 41, true, false);
        assert_eq!(patience.until(), None);
    }

    #[test]
    fn what_begins_late_in_the_silence_has_the_time_of_a_message() {
        let (begin, limits) = (Instant::now(), GuestLimits::default());
        let mut patience = Patience::new(limits, begin);
        let late = begin + limits.silence - Duration::from_secs(1);
        patience.heard(late, false, true);
        assert_eq!(patience.until(), Some(late + limits.message));
    }
}
