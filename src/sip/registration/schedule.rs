//! When a registration is refreshed, and when a failed one is tried again.

use std::time::Duration;

use crate::sip::status::StatusCode;

/// How long before its end a binding is refreshed: a tenth of what was granted, and at least as
/// long as two tries that nobody answers take (64·T1 each), but never more than half.
const REFRESH_BEFORE_END: Duration = Duration::from_secs(64);

/// The least time before another try, however soon it may be made.
const LEAST: Duration = Duration::from_secs(1);

/// The first back-off and the longest (RFC 5626 §4.5).
const FIRST_RETRY: Duration = Duration::from_secs(30);
const LAST_RETRY: Duration = Duration::from_secs(1800);

/// How long after a 2xx that granted so many seconds the binding is refreshed.
pub(crate) fn refresh_after(granted: u32) -> Duration {
    let granted = Duration::from_secs(granted.into());
    let before_end = (granted / 10).max(REFRESH_BEFORE_END).min(granted / 2);
    granted - before_end
}

/// How long to wait after so many failures in a row: from 30 seconds doubling to half an hour, and
/// up to half less by `jitter` (0 to 1), so that not every client of a registrar that restarts
/// comes back in the same moment (RFC 5626 §4.5).
pub(crate) fn back_off(failures: u32, jitter: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let whole = FIRST_RETRY.saturating_mul(1 << doublings).min(LAST_RETRY);
    whole.mul_f64(1.0 - 0.5 * jitter.clamp(0.0, 1.0))
}

/// The wait that a Retry-After asks for, and up to a tenth more by `jitter` (0 to 1).
pub(crate) fn asked_for(seconds: u32, jitter: f64) -> Duration {
    let asked = Duration::from_secs(seconds.into()).max(LEAST);
    asked.mul_f64(1.0 + 0.1 * jitter.clamp(0.0, 1.0))
}

/// Whether the same REGISTER may succeed later without anyone changing anything. RFC 3261 §8.1.3.5
/// and §21.4.4: a request that was refused for what it is should not be repeated.
pub(crate) fn may_pass(status: StatusCode) -> bool {
    match status.code() {
        408 | 480 | 491 => true,
        501 | 505 | 513 => false,
        code => (500..=600).contains(&code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_leaves_time_for_two_tries_where_the_grant_does() {
        for (granted, seconds) in [
            (1, 0.5),
            (2, 1.0),
            (3, 1.5),
            (60, 30.0),
            (128, 64.0),
            (300, 236.0),
            (640, 576.0),
            (3600, 3240.0),
            (u32::MAX, f64::from(u32::MAX) * 0.9),
        ] {
            let after = refresh_after(granted).as_secs_f64();
            assert!((after - seconds).abs() < 0.001, "{granted}: {after}");
        }
    }

    #[test]
    fn the_back_off_doubles_from_half_a_minute_to_half_an_hour_less_a_half_at_most() {
        for (failures, seconds) in
            [(0, 30.0), (1, 30.0), (2, 60.0), (6, 960.0), (7, 1800.0), (u32::MAX, 1800.0)]
        {
            assert_eq!(back_off(failures, 0.0).as_secs_f64(), seconds);
            assert_eq!(back_off(failures, 1.0).as_secs_f64(), seconds / 2.0);
        }
        assert_eq!(asked_for(0, 0.0), LEAST);
        assert_eq!(asked_for(100, 1.0), Duration::from_secs(110));
    }

    #[test]
    fn what_was_refused_for_what_it_is_is_not_repeated() {
        for (code, expected) in [
            (400, false),
            (401, false),
            (403, false),
            (404, false),
            (408, true),
            (480, true),
            (500, true),
            (501, false),
            (503, true),
            (600, true),
            (603, false),
        ] {
            assert_eq!(may_pass(StatusCode::new(code).unwrap()), expected, "{code}");
        }
    }
}
