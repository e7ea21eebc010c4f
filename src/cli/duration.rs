//! Durations and rates as a user writes them.

use std::time::Duration;

/// `1.5s`, `200ms`, `2m`, `1h`; a plain number means seconds.
///
/// # Errors
///
/// Anything else, and more than a day; the sentence says what to write.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!("{text:?} is not a duration: write 1.5s, 200ms or 2m; a plain number means seconds")
    };
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let seconds = match unit.trim() {
        "ms" => number / 1e3,
        "" | "s" => number,
        "m" | "min" => number * 60.0,
        "h" => number * 3600.0,
        _ => return Err(wrong()),
    };
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|duration| *duration <= LONGEST)
        .ok_or_else(|| format!("{text:?} is too long: write at most 24h"))
}

/// `50/s`, `600/m`; a plain number means a second. Gives how many a second.
///
/// # Errors
///
/// Anything else, 0, and more than a million a second; the sentence says what to write.
pub(super) fn parse_rate(text: &str) -> Result<f64, String> {
    let (number, unit) = text.split_once('/').unwrap_or((text, "s"));
    let plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let number = number.parse::<f64>().ok().filter(|_| plain);
    let rate = match unit {
        "s" => number,
        "m" | "min" => number.map(|number| number / 60.0),
        "h" => number.map(|number| number / 3600.0),
        _ => None,
    };
    rate.filter(|rate| (SLOWEST..=FASTEST).contains(rate)).ok_or_else(|| {
        format!("{text:?} is not a rate: write 50/s or 600/m, from one a day to 1000000/s")
    })
}

/// A day.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
const SLOWEST: f64 = 1.0 / (24.0 * 3600.0);
const FASTEST: f64 = 1e6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        for (text, ms) in [
            ("1.5s", 1500),
            ("200ms", 200),
            ("2m", 120_000),
            ("3", 3000),
            ("0.25", 250),
            ("0", 0),
            ("1h", 3_600_000),
            (".5s", 500),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for wrong in
            ["", "s", "1.5.5s", "-1s", "1x", "1 s s", "inf", "NaN", "1e9", "2d", "25h", "."]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rates_have_units() {
        for (text, rate) in [("50/s", 50.0), ("600/m", 10.0), ("5", 5.0), ("0.5/s", 0.5)] {
            assert_eq!(parse_rate(text), Ok(rate), "{text}");
        }
        for wrong in ["", "0/s", "-1/s", "5/x", "inf/s", "NaN", "1e3/s", "2000000/s", "/s"] {
            assert!(parse_rate(wrong).is_err(), "{wrong}");
        }
    }
}
