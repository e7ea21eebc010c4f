//! [`Order`]: row places in a sorted order that is kept, not made anew.
//!
//! The places stand in chunks of bounded length. To put one in or to take one out moves a part of
//! one chunk; to count to one adds up the lengths of the chunks before it.

use std::cmp::Ordering;

/// How long a chunk becomes before it is halved.
const CHUNK: usize = 512;

/// Places of rows, sorted by a comparison that the caller gives, and that must not change for the
/// places inside.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    /// None is empty.
    chunks: Vec<Vec<u32>>,
    len: usize,
}

impl Order {
    /// The order of what is sorted already.
    pub(super) fn of(sorted: &[u32]) -> Order {
        let chunks = sorted.chunks(CHUNK / 2).map(<[u32]>::to_vec).collect();
        Order { chunks, len: sorted.len() }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The places from a position on.
    pub(super) fn from(&self, position: usize) -> impl Iterator<Item = u32> {
        let mut before = 0;
        let mut chunks = self.chunks.iter();
        let mut first: &[u32] = &[];
        for chunk in chunks.by_ref() {
            if position < before + chunk.len() {
                first = &chunk[position - before..];
                break;
            }
            before += chunk.len();
        }
        first.iter().chain(chunks.flatten()).copied()
    }

    /// Puts a place in. `compare` says how one of those inside stands to it.
    pub(super) fn insert(&mut self, place: u32, compare: impl Fn(u32) -> Ordering) {
        self.len += 1;
        let chunk = self.chunk(&compare);
        let Some(at) = chunk.or_else(|| self.chunks.len().checked_sub(1)) else {
            self.chunks.push(vec![place]);
            return;
        };
        let chunk = &mut self.chunks[at];
        let within = chunk.partition_point(|&other| compare(other).is_lt());
        chunk.insert(within, place);
        if chunk.len() > CHUNK {
            let half = chunk.split_off(CHUNK / 2);
            self.chunks.insert(at + 1, half);
        }
    }

    /// Takes a place out.
    pub(super) fn remove(&mut self, place: u32, compare: impl Fn(u32) -> Ordering) {
        let Some((at, within)) = self.find(place, &compare) else { return };
        self.len -= 1;
        self.chunks[at].remove(within);
        if self.chunks[at].is_empty() {
            self.chunks.remove(at);
        }
    }

    /// At which position a place stands.
    pub(super) fn position(&self, place: u32, compare: impl Fn(u32) -> Ordering) -> Option<usize> {
        let (at, within) = self.find(place, &compare)?;
        Some(self.chunks[..at].iter().map(Vec::len).sum::<usize>() + within)
    }

    fn find(&self, place: u32, compare: &impl Fn(u32) -> Ordering) -> Option<(usize, usize)> {
        let at = self.chunk(compare)?;
        let within = self.chunks[at].partition_point(|&other| compare(other).is_lt());
        (self.chunks[at].get(within) == Some(&place)).then_some((at, within))
    }

    /// The first chunk whose last place does not stand before what is compared with.
    fn chunk(&self, compare: &impl Fn(u32) -> Ordering) -> Option<usize> {
        let is_before = |chunk: &Vec<u32>| chunk.last().is_some_and(|&last| compare(last).is_lt());
        let at = self.chunks.partition_point(is_before);
        (at < self.chunks.len()).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_sorted_list_whatever_comes_and_goes(steps in prop::collection::vec((any::<bool>(), 0..2_000_u32), 0..3_000)) {
            let mut order = Order::default();
            let mut model: Vec<u32> = Vec::new();
            for (put, place) in steps {
                match (put, model.binary_search(&place)) {
                    (true, Err(at)) => {
                        model.insert(at, place);
                        order.insert(place, |other| other.cmp(&place));
                    }
                    (false, Ok(at)) => {
                        model.remove(at);
                        order.remove(place, |other| other.cmp(&place));
                    }
                    _ => {}
                }
            }
            prop_assert_eq!(order.len(), model.len());
            prop_assert_eq!(order.from(0).collect::<Vec<_>>(), model.clone());
            for (position, &place) in model.iter().enumerate().step_by(37) {
                prop_assert_eq!(order.from(position).next(), Some(place));
                prop_assert_eq!(order.position(place, |other| other.cmp(&place)), Some(position));
            }
            prop_assert_eq!(order.from(model.len()).next(), None);
        }
    }
}
