//! The three values that every transaction timer is made of.

use std::time::Duration;

/// T1, T2 and T4 (RFC 3261 §17.1.1.1, §17.1.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// The round-trip estimate.
    pub t1: Duration,
    /// The largest retransmission interval of non-INVITE requests and of responses to INVITEs.
    pub t2: Duration,
    /// How long a message stays in the network.
    pub t4: Duration,
}

impl Timing {
    /// 64·T1: how long Timers B, F, H, J, L and M run.
    pub fn patience(&self) -> Duration {
        self.t1.saturating_mul(64)
    }

    /// How often what is repeated will be, if nothing stops it: now for the first time, then after
    /// twice the `interval` before it, at most T2, until `left` is over.
    pub(crate) fn repeats(&self, interval: Duration, left: Duration) -> u32 {
        repeats(interval, self.t2, left)
    }

    /// The next retransmission interval: twice the last one, at most T2.
    pub fn back_off(&self, last: Duration) -> Duration {
        last.saturating_mul(2).min(self.t2)
    }
}

/// [`Timing::repeats`] with another cap: that of an INVITE grows without one (RFC 3261 §17.1.1.2).
pub(crate) fn repeats(mut interval: Duration, cap: Duration, left: Duration) -> u32 {
    let (mut at, mut count) = (Duration::ZERO, 0);
    while at < left && interval < cap {
        count += 1;
        interval = interval.saturating_mul(2).min(cap);
        at = at.saturating_add(interval);
    }
    // From here on every `cap`.
    let rest = left.saturating_sub(at).as_nanos().div_ceil(cap.as_nanos().max(1));
    u32::try_from(rest).map_or(u32::MAX, |rest| rest.saturating_add(count))
}

impl Default for Timing {
    /// The RFC's own: 500 ms, 4 s, 5 s.
    fn default() -> Timing {
        Timing {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
        }
    }
}
