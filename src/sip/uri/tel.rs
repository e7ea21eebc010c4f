//! `tel:` URIs (RFC 3966).

use super::{Scheme, Uri};
use crate::sip::params::Params;

/// The parts of a `tel:` URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tel<'a> {
    /// The number, as written, visual separators included.
    pub number: &'a str,
    /// The parameters.
    pub params: Params<'a>,
}

impl<'a> Uri<'a> {
    /// The parts, where this is a `tel:` URI.
    pub fn tel(&self) -> Option<Tel<'a>> {
        match self.scheme() {
            Scheme::Other(name) if name.eq_ignore_ascii_case("tel") => {
                let rest = &self.text[name.len() + 1..];
                let end = rest.find(';').unwrap_or(rest.len());
                Some(Tel { number: &rest[..end], params: Params::new(&rest[end..]) })
            }
            _ => None,
        }
    }
}

impl Tel<'_> {
    /// Whether the number means the same everywhere.
    pub fn is_global(&self) -> bool {
        self.number.starts_with('+')
    }

    /// Whether the number is one: a global one of digits, or a local one that says where it
    /// counts (RFC 3966 §5.1.5), visual separators aside.
    pub fn is_valid(&self) -> bool {
        let digits = |text: &str, more: &[u8]| {
            text.bytes().any(|b| b.is_ascii_hexdigit() || more.contains(&b))
                && text
                    .bytes()
                    .all(|b| b.is_ascii_digit() || b"-.()".contains(&b) || more.contains(&b))
        };
        match self.number.strip_prefix('+') {
            Some(global) => digits(global, b""),
            None => {
                digits(self.number, b"ABCDEFabcdef*#")
                    && self.params.value("phone-context").is_some()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_global_or_say_where_they_count() {
        let tel = |text| Uri::parse(text).unwrap().tel();
        let global = tel("tel:+1-201-555-0123;ext=7").unwrap();
        assert_eq!((global.number, global.params.value("ext")), ("+1-201-555-0123", Some("7")));
        assert!(global.is_global() && global.is_valid());
        assert!(tel("TEL:7042;phone-context=lab.test").unwrap().is_valid());
        for bad in ["tel:7042", "tel:+", "tel:+1a", "tel:", "tel:-;phone-context=x"] {
            assert!(!tel(bad).unwrap().is_valid(), "{bad}");
        }
        assert_eq!(tel("sip:a@b"), None);
    }
}
