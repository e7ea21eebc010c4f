//! `;name=value` parameters, read where they stand.

use std::borrow::Cow;

use crate::sip::{syntax, work};

/// The parameters behind a URI's host or a header's value.
///
/// Names compare without case (RFC 3261 §7.3.1); values are as written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Params<'a> {
    text: &'a str,
}

impl<'a> Params<'a> {
    /// `text` begins with the first `;`, or is empty.
    pub(crate) const fn new(text: &'a str) -> Params<'a> {
        Params { text }
    }

    /// The text as written, its first `;` included.
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// Each parameter in order: its name, and its value where it has one.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        let mut rest = self.text;
        std::iter::from_fn(move || {
            loop {
                rest = rest.strip_prefix(';').unwrap_or(rest);
                if rest.is_empty() {
                    return None;
                }
                let end = end_of_param(rest);
                let param = syntax::trim(&rest[..end]);
                rest = &rest[end..];
                if param.is_empty() {
                    continue;
                }
                return Some(match param.split_once('=') {
                    Some((name, value)) => (syntax::trim(name), Some(syntax::trim(value))),
                    None => (param, None),
                });
            }
        })
    }

    /// What begins with the first semicolon that no parameter follows; [`Params::iter`] passes over
    /// it.
    pub fn stray_semicolon(&self) -> Option<&'a str> {
        let mut rest = self.text;
        while let Some(param) = rest.strip_prefix(';') {
            let end = end_of_param(param);
            if syntax::trim(&param[..end]).is_empty() {
                return Some(rest);
            }
            rest = &param[end..];
        }
        None
    }

    /// Whether a parameter of that name is there, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.iter().any(|(n, _)| n.eq_ignore_ascii_case(name))
    }

    /// The value of the first parameter of that name, as written (quotes included).
    pub fn value(&self, name: &str) -> Option<&'a str> {
        self.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).and_then(|(_, value)| value)
    }

    /// The value of the first parameter of that name, without quotes and escapes.
    pub fn unquoted(&self, name: &str) -> Option<Cow<'a, str>> {
        self.value(name).map(syntax::unquote)
    }
}

/// A `;` inside a quoted value is part of the value.
fn end_of_param(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(found) = memchr::memchr2(b';', b'"', &bytes[at..]) {
        work::look_at(found + 1);
        at += found;
        if bytes[at] == b';' {
            return at;
        }
        match syntax::quoted_end(text, at) {
            Some(end) => at = end,
            None => break,
        }
    }
    work::look_at(text.len() - at);
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_may_be_quoted_and_hold_semicolons() {
        let params = Params::new(r#";a;b = 1 ;c="x;y\"z";;D="#);
        let all: Vec<_> = params.iter().collect();
        assert_eq!(
            all,
            [("a", None), ("b", Some("1")), ("c", Some(r#""x;y\"z""#)), ("D", Some(""))]
        );
        assert_eq!(params.unquoted("C").unwrap(), "x;y\"z");
        assert!(params.has("d"));
        assert_eq!(params.value("e"), None);
    }
}
