//! Round-trip times: quantiles, and the last seconds as bars.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

/// How many seconds with samples the bars show.
const BARS: usize = 8;

/// The round-trip times of all requests that were sent once before they were answered.
#[derive(Debug)]
pub struct Rtt {
    histogram: Histogram<u64>,
    begun: Option<Instant>,
    /// The longest of each second that had any; the second counts from the first sample.
    seconds: VecDeque<(u64, Duration)>,
}

impl Default for Rtt {
    fn default() -> Rtt {
        Rtt {
            histogram: Histogram::new_with_bounds(1, 60_000_000, 2)
                .expect("one microsecond to a minute with two digits is a valid range"),
            begun: None,
            seconds: VecDeque::with_capacity(BARS),
        }
    }
}

impl Rtt {
    /// Adds one.
    pub fn record(&mut self, at: Instant, took: Duration) {
        self.histogram.saturating_record(took.as_micros().clamp(1, 60_000_000) as u64);
        let begun = *self.begun.get_or_insert(at);
        let second = at.saturating_duration_since(begun).as_secs();
        match self.seconds.back_mut() {
            Some((last, longest)) if *last == second => *longest = took.max(*longest),
            _ => {
                if self.seconds.len() == BARS {
                    self.seconds.pop_front();
                }
                self.seconds.push_back((second, took));
            }
        }
    }

    /// The time within which a part of all answers came, for a part from 0 to 1; `None` before the
    /// first.
    pub fn quantile(&self, part: f64) -> Option<Duration> {
        (!self.histogram.is_empty())
            .then(|| Duration::from_micros(self.histogram.value_at_quantile(part)))
    }

    /// How many took less than each of the steps and no less than the one before it, and how many
    /// took longer than all.
    pub fn counts(&self, steps: &[Duration]) -> Vec<u64> {
        let mut counts = vec![0; steps.len() + 1];
        for value in self.histogram.iter_recorded() {
            let took = Duration::from_micros(value.value_iterated_to());
            counts[steps.partition_point(|step| *step <= took)] += value.count_at_value();
        }
        counts
    }

    /// The longest of each of the last seconds that had any, as parts of the longest of them.
    pub fn bars(&self) -> impl Iterator<Item = f64> {
        let longest = self.seconds.iter().map(|&(_, took)| took).max().unwrap_or_default();
        self.seconds.iter().map(move |&(_, took)| {
            if longest.is_zero() { 0.0 } else { took.as_secs_f64() / longest.as_secs_f64() }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_and_bars_follow_the_samples() {
        let start = Instant::now();
        let mut rtt = Rtt::default();
        assert_eq!(rtt.quantile(0.5), None);
        for second in 0..20 {
            rtt.record(start + Duration::from_secs(second), Duration::from_millis(second + 1));
        }
        let steps = [Duration::from_millis(5), Duration::from_millis(15)];
        assert_eq!(rtt.counts(&steps), [4, 10, 6]);
        assert_eq!(rtt.bars().count(), BARS);
        assert_eq!(rtt.bars().last(), Some(1.0));
        let p50 = rtt.quantile(0.5).unwrap();
        assert!((Duration::from_millis(9)..Duration::from_millis(11)).contains(&p50), "{p50:?}");
        rtt.record(start, Duration::from_secs(3_600));
        assert!(rtt.quantile(1.0).unwrap() >= Duration::from_secs(59));
    }
}
