//! `Date` (RFC 3261 §20.17): the one form of RFC 1123, always GMT.

use crate::sip::{
    header::{HeaderError, HeaderProblem, fail},
    name::HeaderName,
    syntax,
};

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    seconds: u64,
    weekday: u8,
}

impl Date {
    /// Reads a Date value.
    ///
    /// # Errors
    ///
    /// Where it has any other form than `Sat, 13 Nov 2010 23:29:00 GMT`, or is no date.
    pub fn parse(value: &str) -> Result<Date, HeaderError> {
        match date(syntax::trim(value)) {
            Some(date) => Ok(date),
            None => fail(HeaderName::Date, HeaderProblem::BadDate, 0),
        }
    }

    /// Seconds since 1970-01-01 00:00:00 GMT; the form has no earlier year that makes sense, so
    /// anything before is no date.
    pub fn unix_seconds(self) -> u64 {
        self.seconds
    }

    /// Whether the weekday that is written is the weekday of that day.
    pub fn weekday_agrees(self) -> bool {
        // 1970-01-01 was a Thursday.
        (self.seconds / DAY + 3) % 7 == u64::from(self.weekday)
    }
}

/// Whether the letters of a text that [`Date::parse`] has read stand in the case that they must:
/// RFC 3261 §20.17 has dates case-sensitive, and the reader takes any case.
pub(crate) fn has_case(text: &str) -> bool {
    let text = syntax::trim(text);
    let is = |words: &[&str], at: usize| words.contains(&&text[at..at + 3]);
    is(&WEEKDAYS, 0) && is(&MONTHS, 8) && text.ends_with("GMT")
}

const DAY: u64 = 24 * 60 * 60;
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn date(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    if bytes.len() != "Sat, 13 Nov 2010 23:29:00 GMT".len() || !text.is_ascii() {
        return None;
    }
    // RFC 3261 §7.3.1: words compare without case unless stated otherwise.
    let word = |names: &[&str], at: usize| {
        names.iter().position(|name| name.eq_ignore_ascii_case(&text[at..at + 3]))
    };
    let number = |at: usize, len: usize| crate::sip::header::digits(&bytes[at..at + len]);
    let weekday = word(&WEEKDAYS, 0)? as u8;
    let (day, month, year) = (number(5, 2)?, word(&MONTHS, 8)? as u64, number(12, 4)?);
    let (hour, minute, second) = (number(17, 2)?, number(20, 2)?, number(23, 2)?);
    let separators = [(3, ", "), (7, " "), (11, " "), (16, " "), (19, ":"), (22, ":"), (25, " ")];
    let shape = separators.iter().all(|(at, sep)| text[*at..].starts_with(sep))
        && text[26..].eq_ignore_ascii_case("GMT");
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let days_of_month = length[month as usize];
    // RFC 3261 §25.1: 00:00:00 to 23:59:59, so there is no leap second.
    if !shape || day == 0 || day > days_of_month || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let years = year.checked_sub(1970)?;
    let leaps = |year: u64| year / 4 - year / 100 + year / 400;
    let days = years * 365 + leaps(year - 1) - leaps(1969)
        + length[..month as usize].iter().sum::<u64>()
        + day
        - 1;
    Some(Date { seconds: days * DAY + hour * 3600 + minute * 60 + second, weekday })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_become_seconds() {
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Sat, 13 Nov 2010 23:29:00 GMT", 1_289_690_940),
            ("Thu, 29 Feb 2024 12:00:01 GMT", 1_709_208_001),
            ("fri, 31 dec 9999 23:59:59 gmt", 253_402_300_799),
        ] {
            let date = Date::parse(text).unwrap();
            assert_eq!(date.unix_seconds(), seconds, "{text}");
            assert!(date.weekday_agrees(), "{text}");
        }
        assert!(!Date::parse("Fri, 13 Nov 2010 23:29:00 GMT").unwrap().weekday_agrees());
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            "Fri, 01 Jan 2010 16:00:00 EST",
            "Fri, 1 Jan 2010 16:00:00 GMT",
            "Sat, 29 Feb 2025 12:00:00 GMT",
            "Thu, 01 Jan 1969 00:00:00 GMT",
            "Sat, 13 Nov 2010 24:00:00 GMT",
            "Sat, 13 Nov 2010 23:29:60 GMT",
            "Sat, 13-Nov-2010 23:29:00 GMT",
            "Sat, 13 Nov 2010 23:29:00  GMT",
            "Sät, 13 Nov 2010 23:29:00 GM",
            "1289690940",
        ] {
            assert!(Date::parse(text).is_err(), "{text}");
        }
    }
}
