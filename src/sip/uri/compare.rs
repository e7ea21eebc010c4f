//! When two URIs mean the same (RFC 3261 §19.1.4).

use std::{borrow::Cow, collections::HashMap};

use super::{Scheme, Uri};

impl Uri<'_> {
    /// Whether both URIs are equivalent (RFC 3261 §19.1.4). The relation is not transitive.
    ///
    /// The order of parameters and headers does not count; the user part compares by case, the
    /// rest does not; an escape equals what it stands for, unless that is a reserved character.
    /// URIs of other schemes compare byte for byte, their scheme without case.
    pub fn is_equivalent(&self, other: &Uri<'_>) -> bool {
        match (self.scheme(), other.scheme()) {
            (Scheme::Other(a), Scheme::Other(b)) => {
                return a.eq_ignore_ascii_case(b) && self.text[a.len()..] == other.text[b.len()..];
            }
            (a, b) if a != b => return false,
            _ => {}
        }
        self.user().map(unescape) == other.user().map(unescape)
            && self.password().map(unescape) == other.password().map(unescape)
            && self.port == other.port
            && same_host(self.host(), other.host())
            && same_params(self, other)
            && same_headers(self.headers(), other.headers())
    }
}

/// RFC 3261 §19.1.4: these never match where only one URI has them. For `transport` the section's
/// own examples say so.
const NEVER_IGNORED: [&str; 5] = ["transport", "user", "ttl", "method", "maddr"];

fn same_host(a: &str, b: &str) -> bool {
    // Two spellings of one IPv6 address are one address.
    let ipv6 =
        |host: &str| host.strip_prefix('[')?.strip_suffix(']')?.parse::<std::net::Ipv6Addr>().ok();
    match (ipv6(a), ipv6(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a.eq_ignore_ascii_case(b),
    }
}

fn same_params(a: &Uri<'_>, b: &Uri<'_>) -> bool {
    let (left, right) = (fold_all(a.params().iter()), fold_all(b.params().iter()));
    let one_way = |from: &HashMap<String, Option<String>>, to: &HashMap<_, _>| {
        from.iter().all(|(name, value)| match to.get(name) {
            Some(other) => value == other,
            None => !NEVER_IGNORED.contains(&name.as_str()),
        })
    };
    one_way(&left, &right) && one_way(&right, &left)
}

fn same_headers(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let split = |text| {
        let mut all: Vec<_> = str::split(text, '&')
            .filter(|header| !header.is_empty())
            .map(|header| match header.split_once('=') {
                Some((name, value)) => (fold(name), unescape(value).into_owned()),
                None => (fold(header), String::new()),
            })
            .collect();
        all.sort_unstable();
        all
    };
    split(a) == split(b)
}

fn fold_all<'a>(
    params: impl Iterator<Item = (&'a str, Option<&'a str>)>,
) -> HashMap<String, Option<String>> {
    let mut all = HashMap::new();
    for (name, value) in params {
        // The first of a repeated parameter counts.
        all.entry(fold(name)).or_insert_with(|| value.map(fold));
    }
    all
}

fn fold(text: &str) -> String {
    unescape(text).to_ascii_lowercase()
}

/// `text` with the escapes of unreserved characters resolved and the others in upper case.
///
/// RFC 3261 §19.1.4: characters other than those in the reserved set equal their encoding.
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        match escaped_byte(rest.as_bytes()) {
            Some(byte) if is_unreserved(byte) => plain.push(byte.into()),
            Some(_) => plain.extend(rest[..3].chars().map(|c| c.to_ascii_uppercase())),
            None => {
                plain.push('%');
                rest = &rest[1..];
                continue;
            }
        }
        rest = &rest[3..];
    }
    plain.push_str(rest);
    plain.into()
}

/// The byte that `%XX` at the start of `text` stands for.
pub(crate) fn escaped_byte(text: &[u8]) -> Option<u8> {
    let hex = |byte: u8| char::from(byte).to_digit(16);
    match text {
        [b'%', high, low, ..] => Some((hex(*high)? * 16 + hex(*low)?) as u8),
        _ => None,
    }
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) -> bool {
        let (a, b) = (Uri::parse(a).unwrap(), Uri::parse(b).unwrap());
        assert_eq!(a.is_equivalent(&b), b.is_equivalent(&a), "{a} {b}");
        a.is_equivalent(&b)
    }

    #[test]
    fn equivalent_ones() {
        for (a, b) in [
            ("sip:%61da@Wonder.Test;transport=TCP", "SIP:ada@wonder.test;Transport=tcp"),
            ("sip:kim@lab.test", "sip:kim@lab.test;newparam=5"),
            ("sip:kim@lab.test;lr", "sip:kim@lab.test;security=on"),
            (
                "sip:lab.test;transport=tcp;method=REGISTER?to=sip:b%40lab.test",
                "sip:lab.test;method=REGISTER;transport=tcp?to=sip:b%40lab.test",
            ),
            ("sip:a@b?subject=x%20y&priority=urgent", "sip:a@b?Priority=urgent&Subject=x%20y"),
            ("sip:a%3bb@c", "sip:a%3Bb@c"),
            ("sip:[2001:db8:0::1]", "sip:[2001:DB8::1]"),
            ("TEL:+1234", "tel:+1234"),
        ] {
            assert!(same(a, b), "{a} {b}");
        }
    }

    #[test]
    fn different_ones() {
        for (a, b) in [
            ("SIP:ADA@wonder.test", "sip:ada@wonder.test"),
            ("sip:a@b", "sips:a@b"),
            ("sip:a@b", "sip:a@b:5060"),
            ("sip:a@b", "sip:a@b;transport=udp"),
            ("sip:a@b;transport=udp", "sip:a@b;transport=tcp"),
            ("sip:a@b", "sip:a@b;maddr=192.0.2.1"),
            ("sip:a@b", "sip:a@b;user=phone"),
            ("sip:a@b", "sip:a@b?Subject=x"),
            ("sip:a@b;x=1", "sip:a@b;x=2"),
            ("sip:a@b;lr", "sip:a@b;lr=true"),
            ("sip:a:pw@b", "sip:a@b"),
            ("sip:a%3Bb@c", "sip:a;b@c"),
            ("sip:a@b", "sip:b"),
            ("sip:a@phone.test", "sip:a@192.0.2.4"),
            ("tel:+1", "tel:+2"),
        ] {
            assert!(!same(a, b), "{a} {b}");
        }
    }

    #[test]
    fn equivalence_is_not_transitive() {
        let (a, b, c) = ("sip:k@l.test;security=on", "sip:k@l.test", "sip:k@l.test;security=off");
        assert!(same(a, b) && same(b, c) && !same(a, c));
    }

    #[test]
    fn odd_escapes_stay_as_they_are() {
        assert_eq!(unescape("%zz%4%é%41%"), "%zz%4%éA%");
        assert_eq!(unescape("%00"), "%00");
    }
}
