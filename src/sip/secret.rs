//! What of a message must not be seen: passwords, credentials that hold one, and keys of media.
//!
//! A Digest response is no password and stays: it went over the wire to be compared. Basic and
//! Bearer credentials, the password of a URI, SDES and ICE keys are what they protect. So is the
//! password of an account, wherever it stands.

use std::{borrow::Cow, ops::Range};

use crate::sip::{HeaderName, KnownPasswords, syntax};

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// Where the secrets of a message stand, in order and apart.
pub fn ranges(bytes: &[u8], known: &KnownPasswords) -> Vec<Range<usize>> {
    ranges_by(passwords, bytes, known)
}

/// The same of a message that is still being written.
pub fn ranges_so_far(bytes: &[u8], known: &KnownPasswords) -> Vec<Range<usize>> {
    ranges_by(passwords_so_far, bytes, known)
}

fn ranges_by(rule: Rule, bytes: &[u8], known: &KnownPasswords) -> Vec<Range<usize>> {
    // Empty lines may stand before the start line (RFC 3261 §7.5).
    let at = bytes.len() - syntax::trim_start_bytes(bytes).len();
    let mut found = ranges_from(rule, bytes, at, false);
    found.extend(known.find(bytes));
    apart(found)
}

/// Where the secrets of a body stand, in order and apart.
pub fn ranges_in_body(body: &[u8], known: &KnownPasswords) -> Vec<Range<usize>> {
    let mut found = ranges_from(passwords, body, 0, true);
    found.extend(known.find(body));
    apart(found)
}

/// The same in order, where they meet as one.
pub fn apart(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    found.sort_by_key(|at| at.start);
    found.dedup_by(|next, before| {
        let meets = next.start <= before.end;
        if meets {
            before.end = before.end.max(next.end);
        }
        meets
    });
    found
}

/// Where the passwords of URIs stand in a line.
type Rule = fn(&[u8]) -> Vec<Range<usize>>;

fn ranges_from(rule: Rule, bytes: &[u8], mut at: usize, mut in_body: bool) -> Vec<Range<usize>> {
    let mut secrets = Vec::new();
    while at < bytes.len() {
        let next = line_end(bytes, at);
        let line = syntax::trim_end_bytes(&bytes[at..next]);
        if in_body {
            body_line(line, at, &mut secrets);
        } else if line.is_empty() {
            in_body = true;
        } else if let Some(kind) = kind(line) {
            at = value(bytes, at, kind, &mut secrets);
            continue;
        } else {
            let shift = |secret: Range<usize>| at + secret.start..at + secret.end;
            secrets.extend(rule(line).into_iter().map(shift));
        }
        at = next;
    }
    secrets
}

/// Behind the end of the line at an offset.
fn line_end(bytes: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |found| at + found + 1)
}

/// What a header protects by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A scheme, and what it asks for.
    Credentials,
    /// All of its value. SIP has no cookies; a WebSocket handshake does (RFC 7118 §7), and whoever
    /// tests one writes them here too.
    Cookie,
}

fn kind(line: &[u8]) -> Option<Kind> {
    let name = syntax::trim_end_bytes(&line[..memchr::memchr(b':', line)?]);
    let cookies = [&b"Cookie"[..], b"Set-Cookie"];
    match HeaderName::from_bytes(name) {
        HeaderName::Authorization | HeaderName::ProxyAuthorization => Some(Kind::Credentials),
        _ if cookies.iter().any(|known| name.eq_ignore_ascii_case(known)) => Some(Kind::Cookie),
        _ => None,
    }
}

/// What the header at an offset protects, with the lines that it is folded into: credentials unless
/// they are Digest, or a cookie; gives its end.
fn value(bytes: &[u8], at: usize, kind: Kind, secrets: &mut Vec<Range<usize>>) -> usize {
    let mut end = line_end(bytes, at);
    while matches!(bytes.get(end), Some(b' ' | b'\t')) {
        end = line_end(bytes, end);
    }
    let value = at + memchr::memchr(b':', &bytes[at..end]).map_or(0, |colon| colon + 1);
    let text = syntax::trim_start_bytes(&bytes[value..end]);
    let scheme = match kind {
        Kind::Credentials => text.iter().take_while(|b| syntax::is_token_byte(**b)).count(),
        Kind::Cookie => 0,
    };
    if text[..scheme].eq_ignore_ascii_case(b"Digest") {
        return end;
    }
    let mut from = end - text.len() + scheme;
    while from < end {
        let next = line_end(bytes, from).min(end);
        let rest = syntax::trim_start_bytes(&bytes[from..next]);
        let start = next - rest.len();
        let length = syntax::trim_end_bytes(rest).len();
        if length > 0 {
            secrets.push(start..start + length);
        }
        from = next;
    }
    end
}

/// Where the passwords of SIP URIs stand in a line: `sip:user:password@host` (RFC 3261 §19.1.1).
/// Without the `@` there is none: whatever a peer writes for a port is to be seen.
pub fn passwords(line: &[u8]) -> Vec<Range<usize>> {
    passwords_by(|_| None, line)
}

/// The same of a line that is still being written, with what can only become a password there, because
/// its host is still to come: behind the colon of a host stands a port, and that has digits alone
/// (RFC 3261 §25.1).
pub fn passwords_so_far(line: &[u8]) -> Vec<Range<usize>> {
    passwords_by(no_port, line)
}

/// `without_user` says where in what has no `@` a password begins.
fn passwords_by(without_user: fn(&[u8]) -> Option<usize>, line: &[u8]) -> Vec<Range<usize>> {
    let mut secrets = Vec::new();
    let mut from = 0;
    while let Some(found) = memchr::memchr(b':', &line[from..]) {
        let colon = from + found;
        from = colon + 1;
        let is_scheme = |scheme: &[u8]| {
            colon >= scheme.len() && line[colon - scheme.len()..colon].eq_ignore_ascii_case(scheme)
        };
        if !is_scheme(b"sip") && !is_scheme(b"sips") {
            continue;
        }
        let rest = &line[from..];
        let ends = |b: &u8| matches!(b, b'@' | b'>' | b'<' | b'"' | b' ' | b'\t');
        let end = rest.iter().position(ends).unwrap_or(rest.len());
        let begins = match rest.get(end) {
            Some(b'@') => memchr::memchr(b':', &rest[..end]).map(|second| second + 1),
            _ => without_user(&rest[..end]),
        };
        if let Some(begins) = begins.filter(|begins| *begins < end) {
            secrets.push(from + begins..from + end);
        }
        from += end;
    }
    secrets
}

/// The schemes by which the target of a request is known to be a whole URI.
pub const SCHEMES: [&str; 5] = ["sip", "sips", "tel", "urn", "mailto"];

/// [`passwords_so_far`] of what is written for a target, where `sip:` may be left out.
pub fn passwords_in_target(text: &str) -> Vec<Range<usize>> {
    let target = text.trim_start();
    let scheme = target.split_once(':').map_or("", |(scheme, _)| scheme);
    if SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return passwords_so_far(text.as_bytes());
    }
    let shift = |offset: usize| offset + text.len() - target.len() - SIP.len();
    let found = passwords_so_far(format!("{SIP}{target}").as_bytes());
    found.into_iter().map(|at| shift(at.start)..shift(at.end)).collect()
}

const SIP: &str = "sip:";

/// Behind the colon of a host that something follows which cannot be a port.
fn no_port(host: &[u8]) -> Option<usize> {
    let colon = host.iter().position(|b| matches!(b, b':' | b';' | b'?' | b'['))?;
    let begins = (host[colon] == b':').then_some(colon + 1)?;
    let digits = host[begins..].iter().take_while(|b| b.is_ascii_digit()).count();
    let next = &host[begins + digits..];
    // Behind a port a sentence may end; what was cut ends so too, and a variable may be a port.
    let is_password = |b: &u8| match b {
        b'.' | b',' | b'(' | b')' => digits == 0,
        b'-' | b'_' | b'!' | b'~' | b'*' | b'\'' | b'&' | b'=' | b'+' | b'$' | b'%' => true,
        other => other.is_ascii_alphanumeric() || !other.is_ascii(),
    };
    (next.first().is_some_and(is_password) && !next.starts_with("…".as_bytes())).then_some(begins)
}

/// A text whose SIP URIs show no password.
pub fn without_passwords(text: &str) -> Cow<'_, str> {
    hide(text, &passwords(text.as_bytes()))
}

/// The same of a text that may be, or name, what is still being written.
pub fn without_passwords_so_far(text: &str) -> Cow<'_, str> {
    hide(text, &passwords_so_far(text.as_bytes()))
}

/// A text with its secrets masked, which stand in order and apart.
pub fn hide<'t>(text: &'t str, secrets: &[Range<usize>]) -> Cow<'t, str> {
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut at = 0;
    for secret in secrets {
        shown.push_str(&text[at..secret.start]);
        shown.push_str(MASK);
        at = secret.end;
    }
    shown.push_str(&text[at..]);
    Cow::Owned(shown)
}

/// The keys that a session description carries: SDES (RFC 4568 §9.2), ICE (RFC 8839 §5.4) and the
/// old `k=` (RFC 4566 §5.12).
fn body_line(line: &[u8], at: usize, secrets: &mut Vec<Range<usize>>) {
    let mut rest_of = |prefix: &[u8]| {
        if line.starts_with(prefix) && line.len() > prefix.len() {
            secrets.push(at + prefix.len()..at + line.len());
        }
    };
    for prefix in [&b"a=ice-pwd:"[..], b"k=clear:", b"k=base64:"] {
        rest_of(prefix);
    }
    if line.starts_with(b"a=crypto:") {
        for found in memchr::memmem::find_iter(line, b"inline:") {
            let from = found + b"inline:".len();
            let length =
                line[from..].iter().take_while(|b| !matches!(b, b'|' | b' ' | b';')).count();
            if length > 0 {
                secrets.push(at + from..at + from + length);
            }
        }
    }
}

/// A piece of a message with its secrets masked.
pub fn masked<'a>(bytes: &'a [u8], piece: Range<usize>, secrets: &[Range<usize>]) -> Cow<'a, [u8]> {
    let inside =
        secrets.iter().filter(|secret| secret.start < piece.end && piece.start < secret.end);
    let mut text = Vec::new();
    let mut at = piece.start;
    for secret in inside {
        text.extend_from_slice(&bytes[at..secret.start.max(at)]);
        text.extend_from_slice(MASK.as_bytes());
        at = secret.end.min(piece.end);
    }
    if text.is_empty() && at == piece.start {
        return Cow::Borrowed(&bytes[piece]);
    }
    text.extend_from_slice(&bytes[at..piece.end]);
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(message: &str) -> String {
        let bytes = message.as_bytes();
        let text = masked(bytes, 0..bytes.len(), &ranges(bytes, &KnownPasswords::default()));
        String::from_utf8(text.into_owned()).unwrap()
    }

    #[test]
    fn what_protects_is_masked_and_nothing_else() {
        for (line, expected) in [
            ("Authorization: Basic YWxpY2U6c2VjcmV0", "Authorization: Basic ***"),
            ("Proxy-Authorization: Bearer abc.def", "Proxy-Authorization: Bearer ***"),
            ("Cookie: session=hush; theme=dark", "Cookie: ***"),
            ("set-cookie: a=b;\r\n c=d", "set-cookie: ***\r\n ***"),
            ("Authorization: Basic\r\n YWxpY2U6c2VjcmV0", "Authorization: Basic\r\n ***"),
            (
                "Authorization: Digest username=\"a\", response=\"0f\"",
                "Authorization: Digest username=\"a\", response=\"0f\"",
            ),
            (
                "Authorization: Digest username=\"a\",\r\n response=\"0f\", nc=1",
                "Authorization: Digest username=\"a\",\r\n response=\"0f\", nc=1",
            ),
            ("To: <sip:bob:secret@h>;tag=1", "To: <sip:bob:***@h>;tag=1"),
            ("Contact: <sip:a@h:5060>, <SIPS:b:pw@h>", "Contact: <sip:a@h:5060>, <SIPS:b:***@h>"),
            ("Via: SIP/2.0/UDP h:5060;branch=z", "Via: SIP/2.0/UDP h:5060;branch=z"),
        ] {
            let message =
                |line: &str| format!("OPTIONS sip:x@y SIP/2.0\r\n{line}\r\n\r\nbody: k=clear:x");
            assert_eq!(shown(&message(line)), message(expected));
        }
        assert_eq!(shown("INVITE sip:a:b@c SIP/2.0\r\n"), "INVITE sip:a:***@c SIP/2.0\r\n");
    }

    #[test]
    fn what_can_only_become_a_password_is_masked_before_its_host_is_written() {
        for (text, expected) in [
            ("sip:bob", "sip:bob"),
            ("sip:bob:", "sip:bob:"),
            ("sip:bob:5060", "sip:bob:5060"),
            ("sip:bob:12a", "sip:bob:***"),
            ("sip:bob:S", "sip:bob:***"),
            ("sips:bob:SECRET and more", "sips:bob:*** and more"),
            ("<sip:bob:12345-6>", "<sip:bob:***>"),
            ("sip:bob:p%40ss", "sip:bob:***"),
            ("sip:h:5060;transport=tcp", "sip:h:5060;transport=tcp"),
            ("sip:h;x=a:b?y=c:d", "sip:h;x=a:b?y=c:d"),
            ("sip:[2001:db8::1]:5060", "sip:[2001:db8::1]:5060"),
            ("sip:127.0.0.1:5060: nobody, sip:h:5061.", "sip:127.0.0.1:5060: nobody, sip:h:5061."),
            ("(sip:h:5060), sip:h:50…", "(sip:h:5060), sip:h:50…"),
            ("sip:h:{{port}}", "sip:h:{{port}}"),
            ("sip:bob:pw@h", "sip:bob:***@h"),
            ("sip:bob@h:5060", "sip:bob@h:5060"),
        ] {
            assert_eq!(without_passwords_so_far(text), expected);
        }
    }

    #[test]
    fn what_a_peer_writes_for_a_port_is_shown() {
        for line in [
            "Record-Route: <sip:10.0.0.1:$rp;lr>",
            "X: <sip:h:50x60>",
            "Contact: 'sip:h:5060', <sips:h:p%40ss>",
            "Route: <sip:h:{port}>;x=\"sip:h:-1\"",
        ] {
            let message = format!("OPTIONS sip:h:50x60 SIP/2.0\r\n{line}\r\n\r\n");
            assert_eq!(shown(&message), message);
            assert_eq!(without_passwords(line), line);
        }
        let typed = ranges_so_far(b"X: <sip:h:50x60>", &KnownPasswords::default());
        assert_eq!(typed.first(), Some(&(10..15)));
    }

    #[test]
    fn a_target_without_its_scheme_shows_no_password_either() {
        for (text, expected) in [
            ("bob:5060", "bob:5060"),
            ("bob:50a", "bob:***"),
            (" bob:SECRET", " bob:***"),
            ("bob:pw@h:5060", "bob:***@h:5060"),
            ("h:5060;transport=tcp", "h:5060;transport=tcp"),
            ("[2001:db8::1]:5060", "[2001:db8::1]:5060"),
            ("{{host}}:{{port}}", "{{host}}:{{port}}"),
            ("sips:bob:pw@h", "sips:bob:***@h"),
            ("tel:+1555", "tel:+1555"),
            ("urn:service:sos", "urn:service:sos"),
            ("bob", "bob"),
        ] {
            assert_eq!(hide(text, &passwords_in_target(text)), expected);
        }
    }

    #[test]
    fn keys_of_media_are_masked() {
        let sdp = |crypto: &str, pwd: &str| {
            format!(
                "\r\nINVITE sip:a@b SIP/2.0\r\nTo: x\r\n\r\nv=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{crypto}|2^20|1:4\r\na=ice-ufrag:u\r\na=ice-pwd:{pwd}\r\n"
            )
        };
        assert_eq!(shown(&sdp("abc+/=", "hello")), sdp("***", "***"));
    }

    #[test]
    fn a_piece_shows_no_part_of_a_secret() {
        let bytes = b"To: <sip:bob:secret@h>";
        let secrets = ranges(bytes, &KnownPasswords::default());
        assert_eq!(&*masked(bytes, 0..15, &secrets), b"To: <sip:bob:***");
        assert_eq!(&*masked(bytes, 15..22, &secrets), b"***@h>");
        assert_eq!(&*masked(bytes, 0..4, &secrets), b"To: ");
    }
}
