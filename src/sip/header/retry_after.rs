//! `Retry-After` (RFC 3261 §20.33).

use crate::sip::{
    header::{HeaderError, HeaderProblem, digits, fail},
    name::HeaderName,
    params::Params,
    syntax,
};

/// A Retry-After value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter<'a> {
    /// After how many seconds to try again.
    pub seconds: u32,
    /// What stands in the parentheses, as written.
    pub comment: Option<&'a str>,
    /// The parameters.
    pub params: Params<'a>,
}

impl<'a> RetryAfter<'a> {
    /// Reads a Retry-After value.
    ///
    /// # Errors
    ///
    /// Where it does not begin with a number, or a comment never closes.
    pub fn parse(value: &'a str) -> Result<RetryAfter<'a>, HeaderError> {
        let bad = |problem, offset| fail(HeaderName::RetryAfter, problem, offset);
        let text = syntax::trim(value);
        let count = text.bytes().take_while(u8::is_ascii_digit).count();
        let number = digits(&text.as_bytes()[..count]).and_then(|n| u32::try_from(n).ok());
        let Some(seconds) = number else {
            return bad(HeaderProblem::BadNumber { max: u32::MAX.into() }, 0);
        };
        let mut rest = syntax::trim(&text[count..]);
        let mut comment = None;
        if rest.starts_with('(') {
            let Some(end) = syntax::comment_end(rest, 0) else {
                return bad(HeaderProblem::UnclosedComment, text.len() - rest.len());
            };
            comment = Some(&rest[1..end - 1]);
            rest = syntax::trim(&rest[end..]);
        }
        if !rest.is_empty() && !rest.starts_with(';') {
            return bad(HeaderProblem::Trailing, text.len() - rest.len());
        }
        Ok(RetryAfter { seconds, comment, params: Params::new(rest) })
    }

    /// How long the callee will be there, in seconds.
    pub fn duration(&self) -> Option<u32> {
        u32::try_from(digits(self.params.value("duration")?.as_bytes())?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_with_a_comment_and_parameters() {
        let after = RetryAfter::parse(r"120 (I'm in a \) (nested) meeting);duration=3600").unwrap();
        assert_eq!(after.seconds, 120);
        assert_eq!(after.comment, Some(r"I'm in a \) (nested) meeting"));
        assert_eq!(after.duration(), Some(3600));
        assert_eq!(RetryAfter::parse("18000").unwrap().comment, None);
        for bad in ["", "soon", "1 (", "1 x", "949302838503028349304023988"] {
            assert!(RetryAfter::parse(bad).is_err(), "{bad}");
        }
    }
}
