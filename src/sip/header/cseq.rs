//! `CSeq` (RFC 3261 §20.16).

use crate::sip::{
    header::{HeaderError, HeaderProblem, fail},
    name::HeaderName,
    syntax,
};

/// A CSeq value: a sequence number and the method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// The sequence number, at most [`CSeq::MAX`].
    pub number: u32,
    /// The method, as written.
    pub method: &'a str,
}

impl<'a> CSeq<'a> {
    /// RFC 3261 §8.1.1.5: the number must be less than 2^31.
    pub const MAX: u32 = (1 << 31) - 1;

    /// Reads a CSeq value.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with its offset.
    #[inline]
    pub fn parse(value: &'a str) -> Result<CSeq<'a>, HeaderError> {
        let bad = |problem, offset| fail(HeaderName::CSeq, problem, offset);
        let text = syntax::trim(value);
        let bytes = text.as_bytes();
        let mut number = 0u32;
        let mut digits = 0;
        while let Some(digit @ b'0'..=b'9') = bytes.get(digits) {
            // Ten times a number below 2^28 fits, and a greater one is too large already.
            number = number.min(1 << 28) * 10 + u32::from(digit - b'0');
            digits += 1;
        }
        if digits == 0 || number > CSeq::MAX {
            return bad(HeaderProblem::BadNumber { max: CSeq::MAX.into() }, 0);
        }
        let rest = &text[digits..];
        let method = syntax::trim_start(rest);
        if rest.len() == method.len() || !syntax::is_token(method) {
            return bad(HeaderProblem::BadToken, text.len() - method.len());
        }
        Ok(CSeq { number, method })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_up_to_2_31_minus_1() {
        assert_eq!(CSeq::parse("0009\r\n  INVITE"), Ok(CSeq { number: 9, method: "INVITE" }));
        assert_eq!(CSeq::parse("2147483647 X").unwrap().number, CSeq::MAX);
        for bad in
            ["2147483648 INVITE", "-1 INVITE", "+1 INVITE", "INVITE", "1", "1INVITE", "1 A B", ""]
        {
            assert!(CSeq::parse(bad).is_err(), "{bad}");
        }
    }
}
