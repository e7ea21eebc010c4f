//! URIs of other schemes than SIP's own: what RFC 3261 §25.1 calls `absoluteURI`.

use crate::sip::{header::grammar, uri::escaped_byte};

/// A section, a byte offset in the URI, and what is wrong there.
type Fault = (&'static str, usize, &'static str);

/// Looks at a URI that begins with a scheme and a colon.
///
/// # Errors
///
/// The first thing that is wrong.
pub(super) fn look(uri: &str) -> Result<(), Fault> {
    let colon = uri.find(':').unwrap_or(uri.len() - 1);
    let (scheme, rest) = (&uri[..colon], &uri[colon + 1..]);
    let start = colon + 1;
    if rest.is_empty() {
        return Err((GRAMMAR, start - 1, "nothing follows the scheme"));
    }
    let is = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(scheme));
    let brackets = match rest.strip_prefix("//") {
        Some(behind) => authority(behind, is(&["http", "https"]))
            .map_err(|(section, at, what)| (section, start + 2 + at, what))?,
        None if is(&["http", "https"]) => {
            return Err((HTTP, start, "an http URI goes on with // and a host"));
        }
        None => 0,
    };
    if is(&["urn"]) && !is_urn(rest) {
        return Err((URN, start, "a URN is urn:namespace:name"));
    }
    let tail = if brackets > 0 { start + 2 + brackets } else { start };
    match uri.as_bytes()[tail..]
        .iter()
        .enumerate()
        .find(|(at, _)| !is_uric(&uri.as_bytes()[tail + at..]))
    {
        None => Ok(()),
        Some((at, b'%')) => {
            Err((GRAMMAR, tail + at, "% in a URI must be followed by two hexadecimal digits"))
        }
        Some((at, _)) => Err((GRAMMAR, tail + at, "this character must be escaped in a URI")),
    }
}

const GRAMMAR: &str = "RFC 3261 §25.1";
const HTTP: &str = "RFC 9110 §4.2";
const URN: &str = "RFC 8141 §2";

/// `[ [ userinfo "@" ] hostport ]` at the start of the text, or a registered name; how much of it
/// has an IPv6 address in brackets, whose characters stand nowhere else.
fn authority(text: &str, needs_host: bool) -> Result<usize, Fault> {
    let authority = &text[..text.find(['/', '?']).unwrap_or(text.len())];
    let start = authority.rfind('@').map_or(0, |at| at + 1);
    let host = &authority[start..];
    if needs_host && (host.is_empty() || host.starts_with(':')) {
        return Err((HTTP, start, "the host is missing"));
    }
    if !host.starts_with('[') {
        return Ok(0);
    }
    match grammar::is_host_port(host) {
        true => Ok(authority.len()),
        false => Err((GRAMMAR, start, "an IPv6 address stands in [ and ], and a port behind it")),
    }
}

/// `NID ":" NSS` (RFC 8141 §2): the namespace has 2 to 32 letters, digits and hyphens, with no
/// hyphen at its ends.
fn is_urn(text: &str) -> bool {
    text.split_once(':').is_some_and(|(namespace, name)| {
        let bytes = namespace.as_bytes();
        (2..=32).contains(&bytes.len())
            && bytes.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
            && bytes[0] != b'-'
            && bytes[bytes.len() - 1] != b'-'
            && !name.is_empty()
    })
}

/// Whether the bytes begin with `uric = reserved / unreserved / escaped`.
fn is_uric(bytes: &[u8]) -> bool {
    match bytes[0] {
        b'%' => escaped_byte(bytes).is_some(),
        b => b.is_ascii_alphanumeric() || b"-_.!~*'();/?:@&=+$,".contains(&b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_schemes_have_a_grammar_too() {
        for good in [
            "http://a/b?c=d;e,f",
            "https://u:p@[2001:db8::1]:8443/x",
            "http://a_b",
            "urn:service:sos",
            "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            "mailto:bob@example.com",
            "cid:foo@bar",
            "file://ring.wav",
            "file:///ring.wav",
            "data:,x%20y",
            "soap.beep://192.0.2.103:3002",
        ] {
            assert_eq!(look(good), Ok(()), "{good}");
        }
        for (bad, at) in [
            ("http:", 4),
            ("http:x", 5),
            ("http://", 7),
            ("http:///x", 7),
            ("http://u@:80/", 9),
            ("http://[", 7),
            ("http://[::1]x/", 7),
            ("http://a/é", 9),
            ("http://a/b#c", 10),
            ("http://a/%2", 9),
            ("urn:", 3),
            ("urn:x", 4),
            ("urn:x:y", 4),
            ("urn:-ab:y", 4),
            ("urn:ab:", 4),
            ("x:a\"b", 3),
        ] {
            assert_eq!(look(bad).map_err(|(_, at, _)| at), Err(at), "{bad}");
        }
    }
}
