//! The character classes and small scanners of RFC 3261 §25.1 that the typed headers share.

/// Whether `byte` may stand in a `token`.
pub const fn is_token_byte(byte: u8) -> bool {
    TOKEN[byte as usize]
}

const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut i = 0;
    while i < 256 {
        let b = i as u8;
        table[i] = b.is_ascii_alphanumeric()
            || matches!(b, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~');
        i += 1;
    }
    table
};

/// Whether `text` is a `token`: at least one token character and nothing else.
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// Whether `byte` is linear white space, the CR and LF of a folded line included.
pub const fn is_lws(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// `text` without the linear white space around it.
pub fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

/// `bytes` without the linear white space around them.
pub fn trim_bytes(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && is_lws(*first)
    {
        bytes = rest;
    }
    while let [rest @ .., last] = bytes
        && is_lws(*last)
    {
        bytes = rest;
    }
    bytes
}

/// The end of the quoted string that opens at `start` (where the `"` stands): the offset behind
/// its closing quote, or `None` where it is never closed.
pub fn quoted_end(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = start + 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        match bytes[at] {
            b'"' => return Some(at + 1),
            _ => at += 2,
        }
    }
}

/// The offset of the first byte of `wanted` that stands outside quoted strings and angle
/// brackets, from `start` on; `None` where there is none. A quote that never closes runs to the
/// end of the text.
pub fn find_outside(text: &str, start: usize, wanted: &[u8]) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = start;
    let mut in_angle = false;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at = quoted_end(text, at)?;
                continue;
            }
            b'<' if !in_angle => in_angle = true,
            b'>' if in_angle => in_angle = false,
            byte if !in_angle && wanted.contains(&byte) => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// The members of a comma-separated header value, trimmed, quotes and angle brackets respected
/// (RFC 3261 §7.3.1). Empty members are given as empty texts.
pub fn comma_list(value: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let text = rest?;
        match find_outside(text, 0, b",") {
            Some(comma) => {
                rest = Some(&text[comma + 1..]);
                Some(trim(&text[..comma]))
            }
            None => {
                rest = None;
                Some(trim(text))
            }
        }
    })
}

/// The text of a quoted string without its quotes and escapes; other text as it is.
pub fn unquote(text: &str) -> std::borrow::Cow<'_, str> {
    let Some(inner) =
        text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).filter(|_| text.len() >= 2)
    else {
        return text.into();
    };
    if !inner.contains('\\') {
        return inner.into();
    }
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        plain.push(if c == '\\' { chars.next().unwrap_or('\\') } else { c });
    }
    plain.into()
}

/// `text` as a quoted string, quotes and backslashes escaped.
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_respect_quotes_and_brackets() {
        let list: Vec<_> = comma_list(r#" "a, b" <sip:x@y;p=1,2> ;q=1 , <sip:c> ,, d"#).collect();
        assert_eq!(list, [r#""a, b" <sip:x@y;p=1,2> ;q=1"#, "<sip:c>", "", "d"]);
    }

    #[test]
    fn quotes_open_and_close() {
        assert_eq!(quoted_end(r#""a\"b" c"#, 0), Some(6));
        assert_eq!(quoted_end(r#""a\"#, 0), None);
        assert_eq!(unquote(r#""a\"b\\""#), r#"a"b\"#);
        assert_eq!(quote(r#"a"b\"#), r#""a\"b\\""#);
        assert_eq!(unquote(&quote("日本語")), "日本語");
    }
}
