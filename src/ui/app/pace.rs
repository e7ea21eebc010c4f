//! [`Pace`]: when the next picture is drawn.
//!
//! ```text
//!  something happens  ─┬──────┬─┬┬─┬┬───────────┬────►
//!                      ▼      ▼    ▼            ▼
//!  pictures            █▒▒▒▒▒ █▒▒▒▒█▒▒▒▒▒       █▒▒▒▒▒
//! ```
//!
//! What happens in quiet is drawn at once. After a picture comes a rest, at the end of which all is
//! drawn that happened during it: nothing waits longer than one rest, and there are never more
//! pictures than rests. A terminal that is slow to take a picture is waited for beside that: until it
//! has, the loop draws no other.

use std::time::{Duration, Instant};

/// The least time from one picture to the next.
const FRAME: Duration = Duration::from_millis(10);
/// The longest rest, after a picture that took long.
const REST: Duration = Duration::from_millis(33);
/// So many times as long as a picture took is rested: however slow the machine is,
/// most of the time is there for what happens.
const SHARE: u32 = 4;

/// When the next picture is drawn.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Whether something happened that no picture shows yet.
    is_changed: bool,
    /// When what time alone changes is to be drawn.
    due_at: Option<Instant>,
    /// Until then it rests.
    rests_until: Option<Instant>,
}

impl Pace {
    /// Something happened.
    pub(super) fn changed(&mut self) {
        self.is_changed = true;
    }

    /// When the next picture is to be drawn; `None` where nothing changes.
    pub(super) fn next(&self, now: Instant) -> Option<Instant> {
        let wanted = if self.is_changed { Some(now) } else { self.due_at };
        wanted.map(|at| self.rests_until.map_or(at, |rested| at.max(rested)))
    }

    /// Until when it rests. Nobody need look before at what happens.
    pub(super) fn rests_until(&self, now: Instant) -> Option<Instant> {
        self.rests_until.filter(|until| *until > now)
    }

    /// A picture was drawn, from one moment to the other, and says when time will have changed it.
    pub(super) fn drawn(&mut self, from: Instant, to: Instant, due_at: Option<Instant>) {
        let took = to.saturating_duration_since(from);
        let rest = (took * SHARE).min(REST).max(FRAME.saturating_sub(took));
        *self = Pace { is_changed: false, due_at, rests_until: Some(to + rest) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn what_happens_in_quiet_is_drawn_at_once_and_the_rest_at_the_end_of_a_rest() {
        let start = Instant::now();
        let mut pace = Pace::default();
        assert_eq!(pace.next(start), None, "nothing changes");
        pace.changed();
        assert_eq!(pace.next(start), Some(start));
        pace.drawn(start, start + ms(1), None);
        assert_eq!(pace.next(start + ms(1)), None);
        assert_eq!(pace.rests_until(start + ms(1)), Some(start + FRAME));
        pace.changed();
        assert_eq!(pace.next(start + ms(2)), Some(start + FRAME));
        assert_eq!(pace.next(start + ms(70)), Some(start + ms(70)));
        assert_eq!(pace.rests_until(start + ms(70)), None);
    }

    #[test]
    fn a_slow_picture_is_followed_by_a_longer_rest_that_has_an_end() {
        let start = Instant::now();
        for (took, rest) in [(0, 10), (1, 9), (2, 8), (3, 12), (8, 32), (9, 33), (500, 33)] {
            let mut pace = Pace::default();
            let end = start + ms(took);
            pace.drawn(start, end, None);
            pace.changed();
            assert_eq!(pace.next(end), Some(end + ms(rest)), "{took} ms");
        }
    }

    #[test]
    fn what_time_changes_is_drawn_in_its_time() {
        let start = Instant::now();
        let mut pace = Pace::default();
        pace.drawn(start, start, Some(start + ms(100)));
        assert_eq!(pace.next(start), Some(start + ms(100)));
        pace.drawn(start, start, Some(start + ms(4)));
        assert_eq!(pace.next(start), Some(start + FRAME), "not before the rest is over");
    }
}
