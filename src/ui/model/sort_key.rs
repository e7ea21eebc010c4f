//! [`Key`]: what a row is sorted by.

use std::{cmp::Ordering, time::Instant};

use super::{
    Last, RoundTrip, Row,
    columns::{Column, Sort},
};

/// What a row is sorted by. It changes with the row only, never with time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Number(u64),
    Moment(Instant),
    Text(Box<str>),
    /// What is still under way comes after what is over: since when.
    Since(Instant),
    /// There is nothing; it stands last, whichever way one sorts.
    Nothing,
}

impl Key {
    pub(super) fn of(row: &Row, column: Column) -> Key {
        let text = |text: &str| match text {
            "" => Key::Nothing,
            text => Key::Text(text.to_lowercase().into()),
        };
        let micros = |time: std::time::Duration| Key::Number(time.as_micros() as u64);
        match column {
            Column::Number => Key::Number(row.id.0),
            Column::Method => text(row.method.as_str()),
            Column::Target => text(&row.target().as_uri().short()),
            Column::State => Key::Number(row.status.state as u64),
            Column::Last => match (&row.last, row.code()) {
                (_, Some(code)) => Key::Number(code.into()),
                // Behind every code.
                (Last::Failed(cause), None) => Key::Number(1_000 + *cause as u64),
                _ => Key::Nothing,
            },
            Column::Cause => row.cause().map_or(Key::Nothing, |cause| text(cause.as_str())),
            Column::Rtt => match row.round_trip {
                RoundTrip::Took(took) => micros(took),
                _ => Key::Nothing,
            },
            // The youngest is the least: numbers rise with time.
            Column::Age => Key::Number(u64::MAX - row.id.0),
            Column::Duration => match row.ended_at() {
                Some(_) => micros(row.took(row.at)),
                None => Key::Since(row.at),
            },
            Column::Attempts => Key::Number(row.status.attempts.into()),
            Column::Timer => {
                row.status.timers.first().map_or(Key::Nothing, |timer| Key::Moment(timer.at))
            }
            Column::Flow => {
                row.created.flow.map_or(Key::Nothing, |flow| Key::Number(flow.0.into()))
            }
            Column::Account => text(row.account()),
            Column::CallId => text(&row.created.call_id),
            Column::Label => row.label().map_or(Key::Nothing, text),
        }
    }

    /// Which of two stands above the other.
    pub(super) fn compare(&self, other: &Key, sort: Sort) -> Ordering {
        match (self, other) {
            (Key::Nothing, Key::Nothing) => Ordering::Equal,
            (Key::Nothing, _) => Ordering::Greater,
            (_, Key::Nothing) => Ordering::Less,
            _ if sort.descending => self.ascending(other).reverse(),
            _ => self.ascending(other),
        }
    }

    /// What decides most comparisons without a look at the text. Where one weighs less than another it
    /// stands above it; where they weigh the same, [`compare`](Key::compare) decides.
    pub(super) fn weight(&self, sort: Sort) -> (u8, u64) {
        let weight = match self {
            Key::Nothing => return (u8::MAX, 0),
            Key::Number(number) => *number,
            Key::Text(text) => {
                let mut first = [0; 8];
                let length = text.len().min(8);
                first[..length].copy_from_slice(&text.as_bytes()[..length]);
                u64::from_be_bytes(first)
            }
            Key::Moment(_) | Key::Since(_) => 0,
        };
        match sort.descending {
            true => (Key::Nothing.rank() - self.rank(), !weight),
            false => (self.rank(), weight),
        }
    }

    fn ascending(&self, other: &Key) -> Ordering {
        match (self, other) {
            (Key::Number(a), Key::Number(b)) => a.cmp(b),
            (Key::Moment(a), Key::Moment(b)) => a.cmp(b),
            (Key::Text(a), Key::Text(b)) => a.cmp(b),
            // What began later has lasted less.
            (Key::Since(a), Key::Since(b)) => b.cmp(a),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Key::Number(_) => 0,
            Key::Moment(_) => 1,
            Key::Text(_) => 2,
            Key::Since(_) => 3,
            Key::Nothing => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_weight_never_contradicts_the_comparison() {
        let start = Instant::now();
        let text = |text: &str| Key::Text(text.into());
        let keys = [
            Key::Number(0),
            Key::Number(7),
            Key::Number(u64::MAX),
            Key::Moment(start),
            Key::Moment(start + Duration::from_secs(1)),
            text("a"),
            text("a\0"),
            text("ab"),
            text("bob12345@demo.test"),
            text("bob12346@demo.test"),
            text("äpfel"),
            Key::Since(start),
            Key::Since(start + Duration::from_secs(1)),
            Key::Nothing,
        ];
        for descending in [false, true] {
            let sort = Sort { column: Column::Number, descending };
            for one in &keys {
                for other in &keys {
                    let compared = one.compare(other, sort);
                    let weighed = one.weight(sort).cmp(&other.weight(sort));
                    assert!(weighed.is_eq() || weighed == compared, "{one:?} {other:?} {sort:?}");
                }
            }
        }
    }
}
