//! `RAck` (RFC 3262 §7.2): which reliable provisional a PRACK acknowledges.

use crate::sip::{
    header::{CSeq, HeaderError, HeaderProblem, digits, fail},
    name::HeaderName,
    syntax,
};

/// A RAck value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RAck<'a> {
    /// The RSeq of the provisional.
    pub rseq: u32,
    /// Its CSeq.
    pub cseq: CSeq<'a>,
}

impl<'a> RAck<'a> {
    /// Reads a RAck value.
    ///
    /// # Errors
    ///
    /// Where it is not two numbers and a method.
    pub fn parse(value: &'a str) -> Result<RAck<'a>, HeaderError> {
        let text = syntax::trim(value);
        let end = text.bytes().position(syntax::is_lws).unwrap_or(text.len());
        let max = u64::from(u32::MAX);
        let rseq = digits(&text.as_bytes()[..end]).and_then(|number| u32::try_from(number).ok());
        let Some(rseq) = rseq else {
            return fail(HeaderName::RAck, HeaderProblem::BadNumber { max }, 0);
        };
        let cseq = CSeq::parse(&text[end..]).map_err(|error| HeaderError {
            name: HeaderName::RAck,
            offset: end + error.offset,
            ..error
        })?;
        Ok(RAck { rseq, cseq })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_numbers_and_a_method() {
        let rack = RAck::parse("776656  1\r\n INVITE").unwrap();
        assert_eq!((rack.rseq, rack.cseq), (776_656, CSeq { number: 1, method: "INVITE" }));
        for bad in ["", "1", "1 2", "1 INVITE", "x 1 INVITE", "4294967296 1 INVITE"] {
            assert!(RAck::parse(bad).is_err(), "{bad}");
        }
    }
}
