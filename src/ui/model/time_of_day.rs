//! [`TimeOfDay`]: instants as people say them.

use std::time::Instant;

use jiff::tz::TimeZone;

use crate::engine::Clock;

/// Instants as time of day.
#[derive(Clone, Debug)]
pub struct TimeOfDay {
    /// Ties the clocks.
    pub clock: Clock,
    /// Where.
    pub zone: TimeZone,
}

impl TimeOfDay {
    /// The clocks as they stand now, in the system's time zone.
    pub fn system() -> TimeOfDay {
        TimeOfDay { clock: Clock::now(), zone: TimeZone::system() }
    }

    /// The time of day of an instant: `15:04:05.123`.
    pub fn format(&self, at: Instant) -> String {
        let time = self.clock.wall(at).to_zoned(self.zone.clone());
        format!(
            "{:02}:{:02}:{:02}.{:03}",
            time.hour(),
            time.minute(),
            time.second(),
            time.millisecond()
        )
    }
}
