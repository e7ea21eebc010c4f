//! `Content-Type` (RFC 3261 §20.15): a media type.

use std::borrow::Cow;

use crate::sip::{
    header::{HeaderError, HeaderProblem, fail},
    name::HeaderName,
    params::Params,
    syntax,
};

/// A media type with its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaType<'a> {
    /// What stands before the slash, as written.
    pub kind: &'a str,
    /// What stands behind it.
    pub subtype: &'a str,
    /// The parameters.
    pub params: Params<'a>,
}

impl<'a> MediaType<'a> {
    /// Reads a Content-Type value.
    ///
    /// # Errors
    ///
    /// Where it is not two tokens with a slash between.
    pub fn parse(value: &'a str) -> Result<MediaType<'a>, HeaderError> {
        let end = memchr::memchr(b';', value.as_bytes()).unwrap_or(value.len());
        let (kind, subtype) = value[..end].split_once('/').unwrap_or(("", ""));
        let (kind, subtype) = (syntax::trim(kind), syntax::trim(subtype));
        if !syntax::is_token(kind) || !syntax::is_token(subtype) {
            return fail(HeaderName::ContentType, HeaderProblem::BadMediaType, 0);
        }
        Ok(MediaType { kind, subtype, params: Params::new(&value[end..]) })
    }

    /// Whether it is `kind/subtype`, in any case.
    pub fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind) && self.subtype.eq_ignore_ascii_case(subtype)
    }

    /// Whether it is `multipart/` anything.
    pub fn is_multipart(&self) -> bool {
        self.kind.eq_ignore_ascii_case("multipart")
    }

    /// The `boundary` of a multipart body, without quotes.
    pub fn boundary(&self) -> Option<Cow<'a, str>> {
        self.params.unquoted("boundary").filter(|boundary| !boundary.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_compare_without_case() {
        let plain = MediaType::parse(" Application / SDP ; charset=utf-8").unwrap();
        assert!(plain.is("application", "sdp") && !plain.is_multipart());
        let mixed = MediaType::parse("multipart/mixed;boundary=\"a;b\"").unwrap();
        assert_eq!(mixed.boundary().unwrap(), "a;b");
        for bad in ["", "sdp", "application/", "/sdp", "a b/c", "application/sdp,x/y"] {
            assert!(MediaType::parse(bad).is_err(), "{bad}");
        }
    }
}
