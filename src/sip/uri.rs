//! URIs (RFC 3261 §19.1): `sip:` and `sips:` with all their parts, any other scheme as text.

mod allowed;
mod compare;
mod host;
mod tel;

use std::{borrow::Cow, fmt, str::FromStr};

use crate::sip::{params::Params, syntax, work};

pub(crate) use compare::escaped_byte;
pub(crate) use host::{host_end, port};
pub use tel::Tel;

/// A URI that borrows its text.
///
/// The parts are slices of the text as it came; nothing is decoded and nothing rewritten.
///
/// Only offsets are kept: a URI is copied often, and small copies are quick ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uri<'a> {
    text: &'a str,
    kind: Kind,
    port: Option<u16>,
    /// The colon behind the scheme.
    colon: u32,
    /// The end of the user part; equal to `colon` where there is none.
    user_end: u32,
    /// Where the host begins: behind the `@`, or behind the colon.
    host: u32,
    host_end: u32,
    /// Where the parameters begin: the first `;` behind the host, or the end of what precedes `?`.
    params: u32,
    /// The `?`, or the end of the text.
    question: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sip,
    Sips,
    Other,
}

/// The scheme of a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme<'a> {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// Any other, as written; only [`Uri::as_str`], [`Uri::scheme`] and [`Uri::tel`] say anything
    /// then.
    Other(&'a str),
}

/// What is wrong with a URI, and where in its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} (at offset {offset} of the URI)")]
pub struct UriError {
    /// What is wrong.
    pub problem: UriProblem,
    /// The byte offset in the URI's text.
    pub offset: usize,
}

/// The ways in which a URI can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UriProblem {
    /// Nothing, or no `scheme:` at the start.
    #[error("a URI begins with a scheme, such as sip:")]
    NoScheme,
    /// Nothing where the host should be.
    #[error("the host is missing")]
    NoHost,
    /// An `@` with nothing before it.
    #[error("the user before @ is empty")]
    EmptyUser,
    /// A byte that a host cannot hold.
    #[error("that character cannot stand in a host")]
    BadHost,
    /// `[` without `]`, or something in between that is no IPv6 address.
    #[error("an IPv6 address stands in [ and ]")]
    BadIpv6,
    /// An IPv6 address with a zone, as RFC 6874 has it for the URIs of RFC 3986.
    #[error(
        "a SIP URI cannot carry the zone of an address (RFC 3261 §25.1; RFC 6874 is for other URIs)"
    )]
    Zone,
    /// A port that is no number of 0 to 65535.
    #[error("the port is not a number from 0 to 65535")]
    BadPort,
    /// More than 4 GiB.
    #[error("no URI has more than 4 GiB")]
    TooLong,
    /// White space or a control character.
    #[error("white space and control characters cannot stand in a URI")]
    BadCharacter,
}

impl<'a> Uri<'a> {
    /// Reads a URI.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with its offset.
    #[inline]
    pub fn parse(text: &'a str) -> Result<Uri<'a>, UriError> {
        Uri::parts(text).map_err(|error| match text.bytes().position(is_bad) {
            // A byte that can stand nowhere is worth more words than what came of it.
            Some(offset) => UriError { problem: UriProblem::BadCharacter, offset },
            None => error,
        })
    }

    /// Looks at each byte once, but for a search for the `@`.
    #[inline]
    fn parts(text: &'a str) -> Result<Uri<'a>, UriError> {
        let fail = |problem, offset| Err(UriError { problem, offset });
        let bytes = text.as_bytes();
        work::look_at(bytes.len());
        let Ok(length) = u32::try_from(text.len()) else { return fail(UriProblem::TooLong, 0) };
        let (kind, colon) = match bytes {
            [b's' | b'S', b'i' | b'I', b'p' | b'P', b':', ..] => (Kind::Sip, 3),
            [b's' | b'S', b'i' | b'I', b'p' | b'P', b's' | b'S', b':', ..] => (Kind::Sips, 4),
            bytes => match memchr::memchr(b':', bytes) {
                Some(colon) if is_scheme(&text[..colon]) => (Kind::Other, colon),
                _ => return fail(UriProblem::NoScheme, 0),
            },
        };
        // Every offset is at most `length`.
        let mut uri = Uri {
            text,
            kind,
            port: None,
            colon: colon as u32,
            user_end: colon as u32,
            host: length,
            host_end: length,
            params: length,
            question: length,
        };
        if kind == Kind::Other {
            return if any_bad(bytes) { fail(UriProblem::BadCharacter, 0) } else { Ok(uri) };
        }

        let rest = &bytes[colon + 1..];
        let mut host_start = colon + 1;
        if let Some(at) = syntax::find_near(b'@', rest) {
            let mut user = 0;
            while user < at && rest[user] != b':' && !is_bad(rest[user]) {
                user += 1;
            }
            if user == 0 {
                return fail(UriProblem::EmptyUser, colon + 1);
            }
            if user < at && any_bad(&rest[user..at]) {
                return fail(UriProblem::BadCharacter, colon + 1 + user);
            }
            uri.user_end = (colon + 1 + user) as u32;
            host_start += at + 1;
        }
        let host_end = host_start
            + host_end(&text[host_start..])
                .map_err(|error| UriError { offset: host_start + error.offset, ..error })?;
        uri.host = host_start as u32;
        uri.host_end = host_end as u32;
        let mut tail = host_end;
        if let Some(b':') = bytes.get(host_end) {
            let Some((number, digits)) = port(&bytes[host_end + 1..]) else {
                return fail(UriProblem::BadPort, host_end + 1);
            };
            uri.port = Some(number);
            tail += 1 + digits;
        }
        uri.params = tail as u32;
        match bytes.get(tail) {
            None => return Ok(uri),
            Some(b';' | b'?') => {}
            Some(_) if uri.port.is_some() => return fail(UriProblem::BadPort, tail),
            Some(_) => return fail(UriProblem::BadHost, tail),
        }
        if any_bad(&bytes[tail..]) {
            return fail(UriProblem::BadCharacter, tail);
        }
        if let Some(question) = syntax::find_near(b'?', &bytes[tail..]) {
            uri.question = uri.params + question as u32;
        }
        Ok(uri)
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme<'a> {
        match self.kind {
            Kind::Sip => Scheme::Sip,
            Kind::Sips => Scheme::Sips,
            Kind::Other => Scheme::Other(&self.text[..self.colon as usize]),
        }
    }

    /// Whether the scheme is `sips`.
    pub fn is_sips(&self) -> bool {
        self.kind == Kind::Sips
    }

    /// The user part, escapes as written.
    pub fn user(&self) -> Option<&'a str> {
        (self.user_end > self.colon).then(|| self.part(self.colon + 1, self.user_end))
    }

    /// The password part, which RFC 3261 §19.1.1 advises against.
    pub fn password(&self) -> Option<&'a str> {
        // A user ends at the @, which the host follows, or at the colon before a password.
        let end = self.host.checked_sub(1)?;
        (self.user_end > self.colon && self.user_end < end)
            .then(|| self.part(self.user_end + 1, end))
    }

    /// The host: a name, an IPv4 address, or an IPv6 address with its brackets.
    pub fn host(&self) -> &'a str {
        self.part(self.host, self.host_end)
    }

    /// The port, where one is written.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The parameters after the host (`;transport=ws`).
    pub fn params(&self) -> Params<'a> {
        Params::new(self.part(self.params, self.question))
    }

    /// The headers after the `?`, as written.
    pub fn headers(&self) -> &'a str {
        self.text.get(self.question as usize + 1..).unwrap_or("")
    }

    /// What begins with the `?`; `None` where there is none.
    pub(crate) fn question(&self) -> Option<&'a str> {
        self.text.get(self.question as usize..).filter(|rest| !rest.is_empty())
    }

    /// `user@host:port` without scheme, password, parameters and headers: what a table shows.
    pub fn short(&self) -> Cow<'a, str> {
        if self.kind == Kind::Other {
            return self.text.into();
        }
        let rest = self.part(self.colon + 1, self.params);
        match (self.user(), self.password()) {
            (Some(user), Some(_)) => format!("{user}@{}", self.part(self.host, self.params)).into(),
            _ => rest.into(),
        }
    }

    fn part(&self, start: u32, end: u32) -> &'a str {
        &self.text[start as usize..end as usize]
    }

    /// An owned copy.
    pub fn to_owned(&self) -> UriBuf {
        UriBuf { text: self.text.into() }
    }
}

impl fmt::Display for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text)
    }
}

fn is_scheme(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

/// Whether a byte can stand nowhere in a URI: white space and control characters.
const fn is_bad(byte: u8) -> bool {
    byte <= b' ' || byte == 0x7f
}

/// Without an early end the compiler looks at many bytes at once.
#[inline]
fn any_bad(bytes: &[u8]) -> bool {
    bytes.iter().fold(false, |bad, byte| bad | is_bad(*byte))
}

/// A URI that owns its text and has been checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UriBuf {
    text: Box<str>,
}

impl UriBuf {
    /// The URI, its parts ready to read.
    pub fn as_uri(&self) -> Uri<'_> {
        Uri::parse(&self.text).expect("a UriBuf is only made from a text that parses")
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for UriBuf {
    type Err = UriError;

    fn from_str(text: &str) -> Result<UriBuf, UriError> {
        Uri::parse(syntax::trim(text)).map(|uri| uri.to_owned())
    }
}

impl fmt::Display for UriBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_slices_of_the_text() {
        let uri =
            Uri::parse("sips:user;par=u%40example.net:pw@[2001:db8::9]:5061;transport=ws;lr?a=b")
                .unwrap();
        assert!(uri.is_sips());
        assert_eq!(uri.user(), Some("user;par=u%40example.net"));
        assert_eq!(uri.password(), Some("pw"));
        assert_eq!(uri.host(), "[2001:db8::9]");
        assert_eq!(uri.port(), Some(5061));
        assert_eq!(uri.params().value("transport"), Some("ws"));
        assert!(uri.params().has("LR"));
        assert_eq!(uri.headers(), "a=b");
    }

    #[test]
    fn the_port_inside_brackets_is_part_of_the_address() {
        let uri = Uri::parse("sip:[2001:db8::10:5070]").unwrap();
        assert_eq!((uri.host(), uri.port()), ("[2001:db8::10:5070]", None));
        assert!(Uri::parse("sip:u@2001:db8::10").is_err());
    }

    #[test]
    fn bad_ones_name_the_problem_and_the_place() {
        for (text, problem, offset) in [
            ("", UriProblem::NoScheme, 0),
            ("bob", UriProblem::NoScheme, 0),
            ("sip:", UriProblem::NoHost, 4),
            ("sip:@a", UriProblem::EmptyUser, 4),
            ("sip:a b@c", UriProblem::BadCharacter, 5),
            ("sip:b@c:x", UriProblem::BadPort, 8),
            ("sip:b@c:65536", UriProblem::BadPort, 8),
            ("sip:b@c,d", UriProblem::BadHost, 7),
            ("sip:b@[::1", UriProblem::BadIpv6, 6),
            ("sip:b@[::g%eth0]", UriProblem::BadIpv6, 7),
            ("sip:b@[fe80::1%eth0]", UriProblem::Zone, 14),
            ("sips:[fe80::1%25eth0]:5061", UriProblem::Zone, 13),
        ] {
            assert_eq!(Uri::parse(text), Err(UriError { problem, offset }), "{text}");
        }
    }

    #[test]
    fn short_is_what_a_table_shows() {
        for (text, short) in [
            ("sip:bob@demo.test;transport=ws", "bob@demo.test"),
            ("sip:demo.test:5070?x=y", "demo.test:5070"),
            ("tel:+15551234", "tel:+15551234"),
            ("sip:a;b=c@d;e", "a;b=c@d"),
            ("sip:a:secret@d:5070;e", "a@d:5070"),
            ("sip:a:@d", "a@d"),
        ] {
            assert_eq!(Uri::parse(text).unwrap().short(), short);
        }
    }
}
