//! Times as text, each of which says when it will read differently.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

/// How late a text may be drawn that counts tenths of a second.
const TENTHS: Duration = Duration::from_millis(40);
/// How late a text may be drawn that counts seconds: the ages of many rows, each of which changes at
/// a moment of its own, are a few pictures a second and not one for each row.
const SECONDS: Duration = Duration::from_millis(500);

/// The moment that is drawn. It remembers when the first of the texts that it gave out changes, so
/// that a screen without moving parts is not drawn again.
#[derive(Debug)]
pub struct Moment {
    now: Instant,
    changes_at: Cell<Option<Instant>>,
    due_at: Cell<Option<Instant>>,
}

impl Moment {
    /// The moment.
    pub fn new(now: Instant) -> Moment {
        Moment { now, changes_at: Cell::new(None), due_at: Cell::new(None) }
    }

    /// When the first of the texts changes; `None` where none does.
    pub fn changes_at(&self) -> Option<Instant> {
        self.changes_at.get()
    }

    /// When the texts that change are to be drawn anew: as late as each of them bears, so that one
    /// picture serves many. `None` where none changes.
    pub fn due_at(&self) -> Option<Instant> {
        self.due_at.get()
    }

    /// The instant.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Says that something on screen changes then.
    pub fn changes(&self, at: Instant) {
        self.changes_within(at, TENTHS);
    }

    /// What another drawing at this moment remembered is remembered here too.
    pub(super) fn joins(&self, other: &Moment) {
        first(&self.changes_at, other.changes_at());
        first(&self.due_at, other.due_at());
    }

    /// Says that something on screen changes then, and how late it may be drawn.
    fn changes_within(&self, at: Instant, slack: Duration) {
        if at > self.now {
            first(&self.changes_at, Some(at));
            first(&self.due_at, Some(at + slack));
        }
    }

    /// How long until then: `2.1s`, `28s`, `14m`; always four columns.
    pub fn until(&self, at: Instant) -> String {
        const TENTH: u128 = 100_000;
        const SECOND: u128 = 1_000_000;
        let left = at.saturating_duration_since(self.now).as_nanos().div_ceil(1_000);
        // The unit, and where the next smaller one begins to be read.
        let (text, unit, least) = match left.div_ceil(TENTH) {
            tenths @ 0..100 => (format!("{}.{}s", tenths / 10, tenths % 10), TENTH, 0),
            _ => match left.div_ceil(SECOND) {
                seconds @ 0..600 => (format!("{seconds}s"), SECOND, 99 * TENTH),
                seconds => (format!("{}m", seconds.div_ceil(60)), 60 * SECOND, 599 * SECOND),
            },
        };
        // It reads one less as soon as what is left is a whole number of units.
        let whole = (left.saturating_sub(1) / unit * unit).max(least);
        if let Some(then) = at.checked_sub(Duration::from_micros(whole as u64)) {
            self.changes_within(then, if unit == TENTH { TENTHS } else { SECONDS });
        }
        format!("{text:<4}")
    }

    /// How many whole seconds until then: `3571s`.
    pub fn seconds_until(&self, at: Instant) -> String {
        let left = at.saturating_duration_since(self.now);
        // It reads one less as soon as what is left is a whole number of seconds.
        let whole = left.saturating_sub(Duration::from_nanos(1)).as_secs();
        if !left.is_zero()
            && let Some(then) = at.checked_sub(Duration::from_secs(whole))
        {
            self.changes_within(then, SECONDS);
        }
        format!("{}s", if left.is_zero() { 0 } else { whole + 1 })
    }

    /// How long since then: `12s`, `4m`, `3h`, `2d`; at most four columns for years.
    pub fn since(&self, at: Instant) -> String {
        let seconds = self.now.saturating_duration_since(at).as_secs();
        let (unit, letter) = match seconds {
            0..60 => (1, 's'),
            60..3_600 => (60, 'm'),
            3_600..86_400 => (3_600, 'h'),
            _ => (86_400, 'd'),
        };
        self.changes_within(at + Duration::from_secs((seconds / unit + 1) * unit), SECONDS);
        format!("{}{letter}", seconds / unit)
    }
}

/// Keeps the earlier one.
fn first(known: &Cell<Option<Instant>>, at: Option<Instant>) {
    known.set([known.get(), at].into_iter().flatten().min());
}

/// How long after the beginning: `+0.004`, `+32.001`, `+1234.567`.
pub fn delta(since: Duration) -> String {
    format!("+{}.{:03}", since.as_secs(), since.subsec_millis())
}

/// A short time, rounded: `210µs`, `2.1ms`, `142ms`, `1.4s`, `32s`; at most five columns.
pub fn short(time: Duration) -> String {
    let micros = time.as_micros();
    let tenths = |unit: u128| (micros * 10 + unit / 2) / unit;
    let (in_ms, in_s) = (tenths(1_000), tenths(1_000_000));
    // What is rounded up to the next unit is read in that.
    match micros {
        0..1_000 => format!("{micros}µs"),
        1_000..999_500 if in_ms < 100 => format!("{}.{}ms", in_ms / 10, in_ms % 10),
        1_000..999_500 => format!("{}ms", (micros + 500) / 1_000),
        _ if in_s < 100 => format!("{}.{}s", in_s / 10, in_s % 10),
        _ => format!("{}s", (micros + 500_000) / 1_000_000),
    }
}

/// The time between two copies of a request, to a hundredth of a second: a timer that fired a
/// little late makes the next wait look a little short.
pub fn interval(time: Duration) -> String {
    let hundredths = (time.as_micros() + 5_000) / 10_000;
    match hundredths {
        0 => short(time),
        _ => short(Duration::from_millis(hundredths as u64 * 10)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_countdown_says_when_it_reads_differently() {
        let start = Instant::now();
        for (left, text, changes) in [
            (2_130, "2.2s", 30),
            (2_100, "2.1s", 100),
            (9_900, "9.9s", 100),
            (9_901, "10s ", 1),
            (599_500, "10m ", 500),
            (28_400, "29s ", 400),
            (100, "0.1s", 100),
            (0, "0.0s", 0),
        ] {
            let moment = Moment::new(start);
            assert_eq!(moment.until(start + Duration::from_millis(left)), text, "{left}");
            let expected = (changes > 0).then(|| start + Duration::from_millis(changes));
            assert_eq!(moment.changes_at(), expected, "{left}");
        }
    }

    #[test]
    fn a_countdown_and_an_age_change_exactly_when_they_said() {
        let start = Instant::now();
        let end = start + Duration::from_secs(12);
        let mut now = start;
        let mut texts = Vec::new();
        while now < end {
            let moment = Moment::new(now);
            texts.push(moment.until(end));
            let next = moment.changes_at().expect("a countdown changes until it ends");
            let before = Moment::new(next - Duration::from_millis(1)).until(end);
            assert_eq!(&before, texts.last().unwrap());
            now = next;
        }
        texts.dedup();
        assert_eq!(texts.len(), 2 + 100, "12 s, 11 s, then each tenth: {texts:?}");

        let moment = Moment::new(start + Duration::from_millis(59_400));
        assert_eq!(moment.since(start), "59s");
        assert_eq!(moment.changes_at(), Some(start + Duration::from_secs(60)));
        let moment = Moment::new(start + Duration::from_secs(7_300));
        assert_eq!(moment.since(start), "2h");
        assert_eq!(moment.changes_at(), Some(start + Duration::from_secs(10_800)));
    }

    #[test]
    fn many_ages_are_a_few_pictures_a_second() {
        let start = Instant::now();
        let rows: Vec<Instant> = (0..40).map(|n| start + Duration::from_millis(23 * n)).collect();
        let end = start + Duration::from_secs(12);
        let mut now = start + Duration::from_secs(2);
        let mut pictures = 0;
        while now < end {
            let moment = Moment::new(now);
            rows.iter().for_each(|at| drop(moment.since(*at)));
            let (changes, due) = (moment.changes_at().unwrap(), moment.due_at().unwrap());
            assert!(now < changes && changes < due && due <= changes + SECONDS);
            now = due;
            pictures += 1;
        }
        assert!((10..=40).contains(&pictures), "{pictures} in ten seconds");
        let moment = Moment::new(start);
        rows.iter().for_each(|at| drop((moment.since(*at), moment.until(end))));
        assert_eq!(moment.due_at(), moment.changes_at().map(|at| at + SECONDS));
        moment.until(start + Duration::from_millis(2_130));
        assert_eq!(moment.due_at(), Some(start + Duration::from_millis(30) + TENTHS));
    }

    #[test]
    fn short_times_are_rounded_and_take_five_columns() {
        for (micros, text) in [
            (0, "0µs"),
            (210, "210µs"),
            (2_149, "2.1ms"),
            (142_000, "142ms"),
            (9_960, "10ms"),
            (999_400, "999ms"),
            (999_700, "1.0s"),
            (1_449_000, "1.4s"),
            (1_999_200, "2.0s"),
            (9_949_999, "9.9s"),
            (9_970_000, "10s"),
            (31_999_000, "32s"),
        ] {
            assert_eq!(short(Duration::from_micros(micros)), text, "{micros}");
        }
        for (micros, text) in [
            (400, "400µs"),
            (4_900, "4.9ms"),
            (500_900, "500ms"),
            (998_400, "1.0s"),
            (1_997_000, "2.0s"),
            (3_996_000, "4.0s"),
        ] {
            assert_eq!(interval(Duration::from_micros(micros)), text, "{micros}");
        }
        assert_eq!(delta(Duration::from_millis(32_004)), "+32.004");
    }
}
