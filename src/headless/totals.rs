//! What became of all requests of one run.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::headless::outcome::Outcome;

/// The totals of a run. Every request that was asked for is counted in one of them at its end.
#[derive(Debug)]
pub(super) struct Totals {
    /// Requests that went to their flow.
    pub(super) sent: u64,
    /// Requests that got a 2xx.
    pub(super) accepted: u64,
    /// Requests that got a 300–699 which was not the cancel's 487.
    pub(super) rejected: u64,
    /// Requests that failed without a response: timeouts and connections.
    pub(super) failed: u64,
    /// Requests that were cancelled.
    pub(super) cancelled: u64,
    /// Raw bytes that went out, and to which nothing can be matched.
    pub(super) unmatched: u64,
    /// Responses that came after the end of their context.
    pub(super) late: u64,
    /// What went most wrong.
    pub(super) worst: Option<Outcome>,
    /// From the start to the last outcome.
    pub(super) elapsed: Duration,
    /// From `sent` to the first final response, in microseconds.
    rtt: Histogram<u64>,
    rtt_max: Duration,
}

/// Round-trip times, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rtt {
    pub(super) p50: f64,
    pub(super) p90: f64,
    pub(super) p99: f64,
    pub(super) max: f64,
}

impl Totals {
    pub(super) fn new() -> Totals {
        Totals {
            sent: 0,
            accepted: 0,
            rejected: 0,
            failed: 0,
            cancelled: 0,
            unmatched: 0,
            late: 0,
            worst: None,
            elapsed: Duration::ZERO,
            rtt: Histogram::new_with_bounds(1, LONGEST_US, 3)
                .expect("the bounds are constant and in range"),
            rtt_max: Duration::ZERO,
        }
    }

    /// A request ended.
    pub(super) fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Accepted => self.accepted += 1,
            Outcome::Rejected => self.rejected += 1,
            Outcome::Cancelled => self.cancelled += 1,
            Outcome::Unmatched => self.unmatched += 1,
            Outcome::TimedOut | Outcome::Transport | Outcome::Refused => self.failed += 1,
        }
        self.worst = self.worst.max(Some(outcome));
    }

    /// The first final response came so long after the request was sent.
    pub(super) fn record(&mut self, rtt: Duration) {
        self.rtt.saturating_record(u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX));
        self.rtt_max = self.rtt_max.max(rtt);
    }

    /// How many requests have an outcome.
    pub(super) fn ended(&self) -> u64 {
        self.accepted + self.rejected + self.failed + self.cancelled + self.unmatched
    }

    /// Outcomes a second.
    pub(super) fn per_second(&self) -> f64 {
        match self.elapsed.as_secs_f64() {
            seconds if seconds > 0.0 => self.ended() as f64 / seconds,
            _ => 0.0,
        }
    }

    /// The round-trip times, where there was one.
    pub(super) fn rtt(&self) -> Option<Rtt> {
        let max = self.rtt_max.as_secs_f64() * 1e3;
        let quantile = |q| (self.rtt.value_at_quantile(q) as f64 / 1e3).min(max);
        (!self.rtt.is_empty()).then(|| Rtt {
            p50: quantile(0.5),
            p90: quantile(0.9),
            p99: quantile(0.99),
            max,
        })
    }
}

/// An hour: longer round trips are counted as one.
const LONGEST_US: u64 = 3_600_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_thousandth_and_never_above_the_maximum() {
        let mut totals = Totals::new();
        assert_eq!(totals.rtt(), None);
        for ms in 1..=1000 {
            totals.record(Duration::from_millis(ms));
        }
        let rtt = totals.rtt().unwrap();
        for (got, want) in [(rtt.p50, 500.0), (rtt.p90, 900.0), (rtt.p99, 990.0)] {
            assert!((got - want).abs() <= want / 500.0, "{got} for {want}");
        }
        assert_eq!(rtt.max, 1000.0);
        totals.record(Duration::from_secs(1_000_000));
        assert_eq!(totals.rtt().unwrap().max, 1e9);
    }

    #[test]
    fn what_went_most_wrong_counts() {
        let mut totals = Totals::new();
        for (outcome, code) in [
            (Outcome::Accepted, 0),
            (Outcome::Cancelled, 5),
            (Outcome::Rejected, 1),
            (Outcome::Cancelled, 1),
            (Outcome::TimedOut, 3),
            (Outcome::Accepted, 3),
            (Outcome::Transport, 4),
            (Outcome::Rejected, 4),
        ] {
            totals.count(outcome);
            assert_eq!(totals.worst.map(Outcome::code), Some(code));
        }
        assert_eq!(
            (totals.accepted, totals.rejected, totals.failed, totals.cancelled),
            (2, 2, 2, 2)
        );
    }
}
