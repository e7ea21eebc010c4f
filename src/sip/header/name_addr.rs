//! `From`, `To`, `Contact`, `Route` and their kin: a `name-addr` or `addr-spec` with parameters.

use std::borrow::Cow;

use crate::sip::{
    header::{HeaderError, HeaderProblem, fail},
    name::HeaderName,
    params::Params,
    syntax,
    uri::Uri,
};

/// An address with an optional display name and header parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameAddr<'a> {
    display: &'a str,
    uri: Uri<'a>,
    params: Params<'a>,
}

impl<'a> NameAddr<'a> {
    /// Reads one address of the header `name`.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with its offset.
    #[inline]
    pub fn parse(name: HeaderName, value: &'a str) -> Result<NameAddr<'a>, HeaderError> {
        let bad = |problem, offset| fail(name, problem, offset);
        let start = value.len() - syntax::trim_start(value).len();
        let display_end = match value.as_bytes().get(start) {
            None => return bad(HeaderProblem::Empty, start),
            Some(b'"') => match syntax::quoted_end(value, start) {
                Some(end) => end,
                None => return bad(HeaderProblem::UnclosedQuote, start),
            },
            Some(_) => start,
        };
        let open =
            syntax::find_near(b'<', &value.as_bytes()[display_end..]).map(|at| display_end + at);
        let Some(open) = open else {
            if display_end > start {
                return bad(HeaderProblem::NeedsAngle, display_end);
            }
            return NameAddr::addr_spec(name, value, start);
        };
        let display = syntax::trim(&value[start..open]);
        if display_end == start {
            // RFC 3261 §25.1: display-name = *(token LWS) / quoted-string.
            if let Some(offset) = display
                .bytes()
                .position(|b| !(syntax::is_token_byte(b) || syntax::is_lws(b) || b >= 0x80))
            {
                return bad(HeaderProblem::BadToken, start + offset);
            }
        } else if !syntax::trim(&value[display_end..open]).is_empty() {
            return bad(HeaderProblem::Trailing, display_end);
        }
        let Some(close) = syntax::find_near(b'>', &value.as_bytes()[open..]).map(|at| open + at)
        else {
            return bad(HeaderProblem::UnclosedAngle, open);
        };
        let uri = match Uri::parse(&value[open + 1..close]) {
            Ok(uri) => uri,
            Err(error) => return bad(HeaderProblem::BadUri(error), open + 1 + error.offset),
        };
        let tail = syntax::trim(&value[close + 1..]);
        if !tail.is_empty() && !tail.starts_with(';') {
            return bad(HeaderProblem::Trailing, close + 1);
        }
        NameAddr { display, uri, params: Params::new(tail) }
            .with_a_tag_that_can_be_written(name, value)
    }

    /// A tag goes back to who made it (RFC 3261 §12.2.1.1): one in which a line would end, or a NUL
    /// stands, cannot.
    fn with_a_tag_that_can_be_written(
        self,
        name: HeaderName,
        value: &'a str,
    ) -> Result<NameAddr<'a>, HeaderError> {
        let unwritable = |text: &str| memchr::memchr3(b'\r', b'\n', 0, text.as_bytes());
        if unwritable(self.params.as_str()).is_some()
            && let Some(tag) = self.tag()
            && let Some(at) = unwritable(tag)
        {
            let offset = tag.as_ptr() as usize - value.as_ptr() as usize + at;
            return fail(name, HeaderProblem::BadToken, offset);
        }
        Ok(self)
    }

    /// Without angle brackets the parameters belong to the header, not to the URI (RFC 3261 §20).
    fn addr_spec(
        name: HeaderName,
        value: &'a str,
        start: usize,
    ) -> Result<NameAddr<'a>, HeaderError> {
        let text = syntax::trim(&value[start..]);
        let end = memchr::memchr(b';', text.as_bytes()).unwrap_or(text.len());
        if let Some(at) = memchr::memchr2(b',', b'?', &text.as_bytes()[..end]) {
            return fail(name, HeaderProblem::NeedsAngle, start + at);
        }
        match Uri::parse(syntax::trim(&text[..end])) {
            Ok(uri) => NameAddr { display: "", uri, params: Params::new(&text[end..]) }
                .with_a_tag_that_can_be_written(name, value),
            Err(error) => fail(name, HeaderProblem::BadUri(error), start + error.offset),
        }
    }

    /// The display name without quotes and escapes; empty where there is none.
    pub fn display_name(&self) -> Cow<'a, str> {
        syntax::unquote(self.display)
    }

    /// The display name as written.
    pub(crate) fn display(&self) -> &'a str {
        self.display
    }

    /// The URI.
    pub fn uri(&self) -> Uri<'a> {
        self.uri
    }

    /// The header's parameters.
    pub fn params(&self) -> Params<'a> {
        self.params
    }

    /// The `tag` parameter of From and To (RFC 3261 §19.3).
    pub fn tag(&self) -> Option<&'a str> {
        self.params.value("tag")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> Result<NameAddr<'_>, HeaderError> {
        NameAddr::parse(HeaderName::From, value)
    }

    #[test]
    fn a_tag_that_cannot_be_written_back_is_none() {
        for value in ["<sip:a@b>;x;tag=t\0", "sip:a@b;tag=t\r1"] {
            let error = parse(value).unwrap_err();
            assert_eq!(error.problem, HeaderProblem::BadToken);
            assert_eq!(value.as_bytes()[..error.offset].last(), Some(&b't'), "{error}");
        }
        assert_eq!(parse("<sip:a@b>;x\r\n ;tag=t").unwrap().tag(), Some("t"));
    }

    #[test]
    fn with_and_without_brackets() {
        let a = parse(r#" "A \"B\" <x>" <sip:a@b;transport=ws>;tag=1"#).unwrap();
        assert_eq!(a.display_name(), "A \"B\" <x>");
        assert_eq!(a.uri().as_str(), "sip:a@b;transport=ws");
        assert_eq!(a.tag(), Some("1"));
        let b = parse("sip:a@b;tag=2").unwrap();
        assert_eq!((b.uri().as_str(), b.tag()), ("sip:a@b", Some("2")));
        assert_eq!(parse("Bob Smith <sip:b@c>").unwrap().display_name(), "Bob Smith");
        assert_eq!(parse("\r\n <tel:+1>;tag=x").unwrap().uri().as_str(), "tel:+1");
    }

    #[test]
    fn bad_ones_name_the_problem() {
        for (value, problem) in [
            ("", HeaderProblem::Empty),
            ("\"x <sip:a@b>", HeaderProblem::UnclosedQuote),
            ("<sip:a@b", HeaderProblem::UnclosedAngle),
            ("sip:a@b?x=y", HeaderProblem::NeedsAngle),
            ("\"x\" sip:a@b", HeaderProblem::NeedsAngle),
            ("Bell, Alexander <sip:a@b>", HeaderProblem::BadToken),
            ("<sip:a@b> x", HeaderProblem::Trailing),
        ] {
            assert_eq!(parse(value).unwrap_err().problem, problem, "{value}");
        }
    }
}
