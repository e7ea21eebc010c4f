//! The order of SRV records (RFC 2782).

use rand::{Rng, RngExt};

/// The places of the records, given as priority and weight, in the order in which they are tried:
/// the lower priority first, and within one priority drawn by weight.
pub(super) fn order(records: &[(u16, u16)], rng: &mut impl Rng) -> Vec<usize> {
    let mut places: Vec<usize> = (0..records.len()).collect();
    places.sort_by_key(|&place| records[place].0);
    let mut ordered = Vec::with_capacity(records.len());
    for group in places.chunk_by(|&a, &b| records[a].0 == records[b].0) {
        let mut left = group.to_vec();
        // RFC 2782: those of weight 0 stand first, so that they have a very small chance.
        left.sort_by_key(|&place| records[place].1 != 0);
        while !left.is_empty() {
            let total: u32 = left.iter().map(|&place| u32::from(records[place].1)).sum();
            let drawn = rng.random_range(0..=total);
            let mut sum = 0;
            let chosen = left.iter().position(|&place| {
                sum += u32::from(records[place].1);
                sum >= drawn
            });
            ordered.push(left.remove(chosen.expect("the running sum reaches the total")));
        }
    }
    ordered
}
