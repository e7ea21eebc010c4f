//! [`Schedule`]: things to do later, the next one first.

use std::{collections::BTreeMap, time::Instant};

/// Things to do at a time, in the order of their times and, at one time, of their coming.
#[derive(Debug)]
pub(super) struct Schedule<T> {
    items: BTreeMap<(Instant, u64), T>,
    count: u64,
}

/// Names one thing of a [`Schedule`], to call it off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scheduled(Instant, u64);

impl<T> Schedule<T> {
    pub(super) fn new() -> Schedule<T> {
        Schedule { items: BTreeMap::new(), count: 0 }
    }

    pub(super) fn add(&mut self, at: Instant, item: T) -> Scheduled {
        self.count += 1;
        self.items.insert((at, self.count), item);
        Scheduled(at, self.count)
    }

    /// Calls a thing off; nothing happens where it was done already.
    pub(super) fn cancel(&mut self, Scheduled(at, count): Scheduled) {
        self.items.remove(&(at, count));
    }

    pub(super) fn next_at(&self) -> Option<Instant> {
        self.items.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes the next thing that is due.
    pub(super) fn pop(&mut self, now: Instant) -> Option<T> {
        let entry = self.items.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_due_comes_in_order_and_what_was_called_off_does_not() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let mut schedule = Schedule::new();
        schedule.add(later, 'c');
        schedule.add(now, 'a');
        let off = schedule.add(now, 'x');
        schedule.add(now, 'b');
        schedule.cancel(off);
        assert_eq!(
            [schedule.pop(now), schedule.pop(now), schedule.pop(now)],
            [Some('a'), Some('b'), None]
        );
        assert_eq!(schedule.next_at(), Some(later));
        assert_eq!(schedule.pop(later), Some('c'));
        schedule.cancel(off);
    }
}
