//! The productions of RFC 3261 §25.1 that several headers share, each in one place: whether a text
//! is one. The typed readers take more than these; [`check`](mod@super::check) and the lint hold a
//! message against them.

use crate::sip::{syntax, uri};

/// `quoted-string`, its quotes included.
pub(crate) fn is_quoted(text: &str) -> bool {
    text.starts_with('"') && syntax::quoted_end(text, 0) == Some(text.len())
}

/// `gen-value = token / host / quoted-string`.
pub(crate) fn is_gen_value(text: &str) -> bool {
    syntax::is_token(text) || is_quoted(text) || is_host(text)
}

/// `host = hostname / IPv4address / IPv6reference`.
pub(crate) fn is_host(text: &str) -> bool {
    if text.starts_with('[') {
        return uri::host_end(text) == Ok(text.len());
    }
    is_ipv4(text) || is_hostname(text)
}

/// `IPv4address`, each of its numbers one that a byte can hold.
fn is_ipv4(text: &str) -> bool {
    let mut parts = 0;
    text.split('.').all(|part| {
        parts += 1;
        part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit()) && part.parse::<u8>().is_ok()
    }) && parts == 4
}

/// `hostname = *( domainlabel "." ) toplabel [ "." ]`: no label begins or ends with a hyphen, and
/// the last begins with a letter.
fn is_hostname(text: &str) -> bool {
    let mut last = "";
    text.strip_suffix('.').unwrap_or(text).split('.').all(|label| {
        last = label;
        let is_end = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
        is_end(label.as_bytes().first())
            && is_end(label.as_bytes().last())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    }) && last.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// `hostport = host [ ":" port ]`.
pub(crate) fn is_host_port(text: &str) -> bool {
    let end = match text.rfind(':') {
        Some(colon) if !text[colon..].contains(']') => colon,
        _ => return is_host(text),
    };
    let port = &text.as_bytes()[end + 1..];
    is_host(&text[..end]) && uri::port(port).is_some_and(|(_, digits)| digits == port.len())
}

/// `qvalue` in thousandths: `0` or `1` with three decimals at most, `1` with zeros only.
pub(crate) fn qvalue(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let small = decimals.bytes().fold(0, |small, digit| small * 10 + u16::from(digit - b'0'));
    let small = small * 10u16.pow(3 - decimals.len() as u32);
    match (whole, small) {
        ("0", _) => Some(small),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

/// `*LHEX`.
pub(crate) fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// `language-tag`. RFC 5646 §2.1 gave subtags digits, which RFC 3261 had not.
pub(crate) fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let is_part = |part: &str, of: fn(&u8) -> bool| {
        (1..=8).contains(&part.len()) && part.as_bytes().iter().all(of)
    };
    parts.next().is_some_and(|primary| is_part(primary, u8::is_ascii_alphabetic))
        && parts.all(|subtag| is_part(subtag, u8::is_ascii_alphanumeric))
}

/// `*/*`, `m-type/*` or `m-type/m-subtype`; white space may stand around the slash.
pub(crate) fn is_media_range(text: &str) -> bool {
    text.split_once('/').is_some_and(|(kind, subtype)| {
        let (kind, subtype) = (syntax::trim(kind), syntax::trim(subtype));
        syntax::is_token(kind) && syntax::is_token(subtype) && (kind != "*" || subtype == "*")
    })
}

/// `event-type`: a package and its templates, dots between (RFC 6665 §8.4).
pub(crate) fn is_event_type(text: &str) -> bool {
    syntax::is_token(text) && text.split('.').all(|part| !part.is_empty())
}

/// `server-val *( LWS server-val )`: products and comments, at least one.
///
/// # Errors
///
/// Where it stops being one.
pub(crate) fn products(text: &str) -> Result<(), usize> {
    let mut rest = syntax::trim(text);
    if rest.is_empty() {
        return Err(text.len());
    }
    while !rest.is_empty() {
        let at = rest.as_ptr() as usize - text.as_ptr() as usize;
        if rest.starts_with('(') {
            rest = &rest[syntax::comment_end(rest, 0).ok_or(at)?..];
        } else {
            rest = behind_token(rest).ok_or(at)?;
            if let Some(version) = syntax::trim_start(rest).strip_prefix('/') {
                let version = syntax::trim_start(version);
                let at = version.as_ptr() as usize - text.as_ptr() as usize;
                rest = behind_token(version).ok_or(at)?;
            }
        }
        rest = syntax::trim_start(rest);
    }
    Ok(())
}

/// What follows the token at the start of the text, where there is one.
fn behind_token(text: &str) -> Option<&str> {
    let token = text.bytes().take_while(|b| syntax::is_token_byte(*b)).count();
    (token > 0).then(|| &text[token..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses() {
        for good in [
            "a",
            "a.",
            "a-b.c-d",
            "1a.b2",
            "1.b",
            "192.0.2.1",
            "010.001.000.255",
            "[::1]",
            "[::ffff:192.0.2.1]",
            "xn--bcher-kva.example",
        ] {
            assert!(is_host(good), "{good}");
        }
        for bad in [
            "",
            ".",
            "-a",
            "a-",
            "a..b",
            ".a",
            "a_b",
            "1.2.3.256",
            "1.2.3",
            "1.2.3.4.5",
            "a.1c",
            "[1.2.3.4]",
            "[::1",
            "[::1]x",
            "::1",
            "é",
            "a b",
            "1.2.3.0004",
        ] {
            assert!(!is_host(bad), "{bad}");
        }
        assert!(is_host_port("a:1") && is_host_port("[::1]") && is_host_port("[::1]:65535"));
        assert!(!is_host_port("a:") && !is_host_port("a:65536") && !is_host_port("a:1x"));
    }

    #[test]
    fn languages_are_letters_in_parts() {
        for good in ["en", "en-GB", "i-navajo", "es-419", "x-abcdefgh"] {
            assert!(is_language(good), "{good}");
        }
        for bad in ["", "*", "12345678901", "1", "en-", "-en", "en_GB", "abcdefghi", "en GB"] {
            assert!(!is_language(bad), "{bad}");
        }
    }

    #[test]
    fn software_is_named_by_products_and_comments() {
        for good in
            ["a", "a/1", "a / 1 b (c (d \\) e) f)g", "HomeServer v2", "(x)", " Phone Beta1.5 "]
        {
            assert_eq!(products(good), Ok(()), "{good}");
        }
        for (bad, at) in
            [("", 0), ("/x", 0), ("a (b", 2), ("a/b/c", 3), ("a/", 2), ("a \"b\"", 2), ("a,b", 1)]
        {
            assert_eq!(products(bad), Err(at), "{bad}");
        }
    }

    #[test]
    fn quality_is_from_0_to_1() {
        for (text, value) in [("0", 0), ("0.", 0), ("0.05", 50), ("1", 1000), ("1.000", 1000)] {
            assert_eq!(qvalue(text), Some(value), "{text}");
        }
        for bad in ["", ".5", "1.001", "0.1234", "0.x", "+0", "2", "\"0.5\""] {
            assert_eq!(qvalue(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_accepted_is_a_range() {
        for good in ["application/sdp", "*/*", "text / *"] {
            assert!(is_media_range(good), "{good}");
        }
        for bad in ["", "text", "*/sdp", "a/b/c", "/x", "x/", "a b/c"] {
            assert!(!is_media_range(bad), "{bad}");
        }
        assert!(is_event_type("presence.winfo") && !is_event_type("a..b") && !is_event_type(".a"));
        assert!(is_lower_hex("0af9") && !is_lower_hex("0AF9") && !is_lower_hex("0ag"));
    }
}
