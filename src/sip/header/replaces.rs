//! `Replaces` (RFC 3891 §6.1): the dialog that an INVITE takes the place of.

use crate::sip::{
    header::{HeaderError, HeaderProblem, fail},
    name::HeaderName,
    params::Params,
    syntax,
};

/// A Replaces value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaces<'a> {
    /// The Call-ID, as written.
    pub call_id: &'a str,
    /// The tag that is the local tag of the one who receives it.
    pub to_tag: &'a str,
    /// The remote tag of the one who receives it.
    pub from_tag: &'a str,
    /// Whether only an early dialog may be replaced.
    pub early_only: bool,
}

impl<'a> Replaces<'a> {
    /// Reads a Replaces value.
    ///
    /// # Errors
    ///
    /// Where the Call-ID or one of the tags is missing.
    pub fn parse(value: &'a str) -> Result<Replaces<'a>, HeaderError> {
        let name = HeaderName::Replaces;
        let end = memchr::memchr(b';', value.as_bytes()).unwrap_or(value.len());
        let call_id = syntax::trim(&value[..end]);
        if !syntax::is_call_id(call_id) {
            return fail(name, HeaderProblem::BadToken, 0);
        }
        let params = Params::new(&value[end..]);
        let tag = |param: &'static str| match params.value(param) {
            Some(tag) => Ok(tag),
            None => fail(name, HeaderProblem::MissingParam(param), end),
        };
        Ok(Replaces {
            call_id,
            to_tag: tag("to-tag")?,
            from_tag: tag("from-tag")?,
            early_only: params.has("early-only"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_id_and_two_tags() {
        let replaces = Replaces::parse("a@b;from-tag=1;To-Tag=2;early-only").unwrap();
        assert_eq!(
            (replaces.call_id, replaces.to_tag, replaces.from_tag, replaces.early_only),
            ("a@b", "2", "1", true)
        );
        for bad in ["", "a@b", "a@b;to-tag=1", "a b;to-tag=1;from-tag=2"] {
            assert!(Replaces::parse(bad).is_err(), "{bad}");
        }
    }
}
