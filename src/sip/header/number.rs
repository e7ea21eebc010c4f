//! Headers that are one number: `Content-Length`, `Max-Forwards`, `Expires` and their kin.

use crate::sip::{
    header::{HeaderError, HeaderProblem, fail},
    name::HeaderName,
    syntax,
};

/// Reads a value that is one number and nothing else.
///
/// The largest number is 2^64-1 for Content-Length (RFC 3261 §20.14 names no bound), 255 for
/// Max-Forwards (§20.22), and 2^32-1 for seconds and for RSeq (§20.19, RFC 3262 §7.1).
///
/// # Errors
///
/// Where it is no number, or too large.
pub fn number(name: HeaderName, value: &str) -> Result<u64, HeaderError> {
    let max = match name {
        HeaderName::ContentLength => u64::MAX,
        HeaderName::MaxForwards => 255,
        _ => u32::MAX.into(),
    };
    match digits(syntax::trim(value).as_bytes()) {
        Some(number) if number <= max => Ok(number),
        _ => fail(name, HeaderProblem::BadNumber { max }, 0),
    }
}

pub(crate) fn content_length(value: &[u8]) -> Result<u64, HeaderError> {
    digits(syntax::trim_bytes(value)).ok_or(HeaderError {
        name: HeaderName::ContentLength,
        problem: HeaderProblem::BadNumber { max: u64::MAX },
        offset: 0,
    })
}

/// Digits and nothing else, no sign, at most 2^64-1; leading zeros count for nothing.
pub(crate) fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_and_never_an_overflow() {
        assert_eq!(digits(b"18446744073709551615"), Some(u64::MAX));
        for bad in ["", "18446744073709551616", "-1", "+1", "1 2", "0x1", "1.0"] {
            assert_eq!(digits(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(digits(b"000000000000000000000000000007"), Some(7));
    }

    #[test]
    fn each_header_has_its_bound() {
        assert_eq!(number(HeaderName::MaxForwards, " 0068 "), Ok(68));
        assert_eq!(number(HeaderName::MaxForwards, "255"), Ok(255));
        assert!(number(HeaderName::MaxForwards, "256").is_err());
        assert_eq!(number(HeaderName::Expires, "4294967295"), Ok(u32::MAX.into()));
        assert!(number(HeaderName::Expires, "4294967296").is_err());
        assert_eq!(number(HeaderName::ContentLength, "4294967296"), Ok(1 << 32));
        assert!(number(HeaderName::MinExpires, "").is_err());
    }
}
