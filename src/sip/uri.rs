//! URIs (RFC 3261 §19.1): `sip:` and `sips:` with all their parts, any other scheme as text.

mod compare;
mod tel;

use std::{fmt, str::FromStr};

use crate::sip::{params::Params, syntax};

pub(crate) use compare::escaped_byte;
pub use tel::Tel;

/// A URI that borrows its text.
///
/// The parts are slices of the text as it came; nothing is decoded and nothing rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uri<'a> {
    text: &'a str,
    scheme: Scheme<'a>,
    user: Option<&'a str>,
    password: Option<&'a str>,
    host: &'a str,
    port: Option<u16>,
    params: Params<'a>,
    headers: &'a str,
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
    /// A port that is no number of 0 to 65535.
    #[error("the port is not a number from 0 to 65535")]
    BadPort,
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
    pub fn parse(text: &'a str) -> Result<Uri<'a>, UriError> {
        let fail = |problem, offset| Err(UriError { problem, offset });
        // Without an early end the compiler looks at many bytes at once.
        let is_bad = |b: u8| b <= b' ' || b == 0x7f;
        if text.bytes().fold(false, |bad, b| bad | is_bad(b)) {
            let offset = text.bytes().position(is_bad).unwrap_or(0);
            return fail(UriProblem::BadCharacter, offset);
        }
        let (scheme, colon) = match text.as_bytes() {
            [b's' | b'S', b'i' | b'I', b'p' | b'P', b':', ..] => (Scheme::Sip, 3),
            [b's' | b'S', b'i' | b'I', b'p' | b'P', b's' | b'S', b':', ..] => (Scheme::Sips, 4),
            bytes => match memchr::memchr(b':', bytes) {
                Some(colon) if is_scheme(&text[..colon]) => (Scheme::Other(&text[..colon]), colon),
                _ => return fail(UriProblem::NoScheme, 0),
            },
        };
        let mut uri = Uri {
            text,
            scheme,
            user: None,
            password: None,
            host: "",
            port: None,
            params: Params::default(),
            headers: "",
        };
        if matches!(scheme, Scheme::Other(_)) {
            return Ok(uri);
        }

        let rest = &text[colon + 1..];
        let at = memchr::memchr(b'@', rest.as_bytes());
        if let Some(at) = at {
            let userinfo = &rest[..at];
            let (user, password) = match userinfo.bytes().position(|b| b == b':') {
                Some(colon) => (&userinfo[..colon], Some(&userinfo[colon + 1..])),
                None => (userinfo, None),
            };
            if user.is_empty() {
                return fail(UriProblem::EmptyUser, colon + 1);
            }
            uri.user = Some(user);
            uri.password = password;
        }
        let host_start = colon + 1 + at.map_or(0, |at| at + 1);
        let hostport = &text[host_start..];
        let in_text = |e: UriError| UriError { offset: host_start + e.offset, ..e };
        let (host, port, tail) = HostPort::read(hostport).map_err(in_text)?;
        uri.host = host;
        uri.port = port;
        if tail.is_empty() {
            return Ok(uri);
        }
        if !tail.starts_with([';', '?']) {
            let problem = if port.is_some() { UriProblem::BadPort } else { UriProblem::BadHost };
            return fail(problem, text.len() - tail.len());
        }
        let (params, headers) = match memchr::memchr(b'?', tail.as_bytes()) {
            Some(question) => (&tail[..question], &tail[question + 1..]),
            None => (tail, ""),
        };
        uri.params = Params::new(params);
        uri.headers = headers;
        Ok(uri)
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme<'a> {
        self.scheme
    }

    /// Whether the scheme is `sips`.
    pub fn is_sips(&self) -> bool {
        self.scheme == Scheme::Sips
    }

    /// The user part, escapes as written.
    pub fn user(&self) -> Option<&'a str> {
        self.user
    }

    /// The password part, which RFC 3261 §19.1.1 advises against.
    pub fn password(&self) -> Option<&'a str> {
        self.password
    }

    /// The host: a name, an IPv4 address, or an IPv6 address with its brackets.
    pub fn host(&self) -> &'a str {
        self.host
    }

    /// The port, where one is written.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The parameters after the host (`;transport=ws`).
    pub fn params(&self) -> Params<'a> {
        self.params
    }

    /// The headers after the `?`, as written.
    pub fn headers(&self) -> &'a str {
        self.headers
    }

    /// `user@host:port` without scheme, password, parameters and headers: what a table shows.
    pub fn short(&self) -> &'a str {
        if matches!(self.scheme, Scheme::Other(_)) {
            return self.text;
        }
        let start = self.text.find(':').map_or(0, |colon| colon + 1);
        let rest = &self.text[start..];
        let host_start = rest.find('@').map_or(0, |at| at + 1);
        let end = rest[host_start..].find([';', '?']).map_or(rest.len(), |end| host_start + end);
        &rest[..end]
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

/// The `host [":" port]` of URIs, and the host of Via.
pub(crate) struct HostPort;

impl HostPort {
    /// Reads `host[:port]`; what follows is given back.
    pub(crate) fn read(text: &str) -> Result<(&str, Option<u16>, &str), UriError> {
        let fail = |problem, offset| Err(UriError { problem, offset });
        let (host, rest) = HostPort::host(text)?;
        let Some(behind) = rest.strip_prefix(':') else { return Ok((host, None, rest)) };
        let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
        match behind[..digits].parse() {
            Ok(port) => Ok((host, Some(port), &behind[digits..])),
            Err(_) => fail(UriProblem::BadPort, host.len() + 1),
        }
    }

    /// Reads a host; what follows is given back.
    pub(crate) fn host(text: &str) -> Result<(&str, &str), UriError> {
        let fail = |problem, offset| Err(UriError { problem, offset });
        if text.starts_with('[') {
            let Some(close) = memchr::memchr(b']', text.as_bytes()) else {
                return fail(UriProblem::BadIpv6, 0);
            };
            if !is_ipv6(&text[1..close]) {
                return fail(UriProblem::BadIpv6, 1);
            }
            return Ok(text.split_at(close + 1));
        }
        let end = text.bytes().take_while(|b| HOST[*b as usize]).count();
        if end == 0 {
            let nothing = matches!(text.as_bytes().first(), None | Some(b':' | b';' | b'?'));
            return fail(if nothing { UriProblem::NoHost } else { UriProblem::BadHost }, 0);
        }
        Ok(text.split_at(end))
    }
}

/// What stands in host names and IPv4 addresses.
///
/// Deviation: RFC 3261's hostname has no underscore; names in the field do.
const HOST: [bool; 256] = {
    let mut table = [false; 256];
    let mut i = 0;
    while i < 256 {
        let b = i as u8;
        table[i] = b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        i += 1;
    }
    table
};

/// RFC 5118 §4.10 has receivers tolerate three colons before an embedded IPv4 address.
fn is_ipv6(text: &str) -> bool {
    text.parse::<std::net::Ipv6Addr>().is_ok()
        || (text.contains(":::")
            && text.replacen(":::", "::", 1).parse::<std::net::Ipv6Addr>().is_ok())
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
        ] {
            assert_eq!(Uri::parse(text).unwrap().short(), short);
        }
    }
}
