//! The character classes and small scanners of RFC 3261 §25.1 that the typed headers share.

use crate::sip::work::look_at;

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
    look_at(text.len());
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// Whether `byte` is linear white space, the CR and LF of a folded line included.
pub const fn is_lws(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// `text` without the linear white space around it.
#[inline]
pub fn trim(text: &str) -> &str {
    trim_end(trim_start(text))
}

/// `text` without the linear white space before it.
#[inline]
pub fn trim_start(text: &str) -> &str {
    &text[text.len() - trim_start_bytes(text.as_bytes()).len()..]
}

/// `text` without the linear white space behind it.
#[inline]
pub fn trim_end(text: &str) -> &str {
    &text[..trim_end_bytes(text.as_bytes()).len()]
}

/// `bytes` without the linear white space around them.
#[inline]
pub fn trim_bytes(bytes: &[u8]) -> &[u8] {
    trim_end_bytes(trim_start_bytes(bytes))
}

/// `bytes` without the linear white space before them.
#[inline]
pub fn trim_start_bytes(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && is_lws(*first)
    {
        look_at(1);
        bytes = rest;
    }
    bytes
}

/// `bytes` without the linear white space behind them.
#[inline]
pub fn trim_end_bytes(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., last] = bytes
        && is_lws(*last)
    {
        look_at(1);
        bytes = rest;
    }
    bytes
}

/// The offset of the first `wanted`, which is expected to stand near the start: the first bytes
/// are looked at some at a time, without a call.
#[inline]
pub fn find_near(wanted: u8, bytes: &[u8]) -> Option<usize> {
    const NEAR: usize = 64;
    let mut at = 0;
    while at < NEAR {
        look_at(16);
        let Some(block) = bytes[at..].first_chunk::<16>() else {
            return find_in_last_block(wanted, bytes);
        };
        // Without an early end the compiler looks at the whole block at once.
        if block.iter().fold(false, |found, byte| found | (*byte == wanted)) {
            return find_in_first_words(wanted, block).map(|found| at + found);
        }
        at += block.len();
    }
    let found = memchr::memchr(wanted, &bytes[at..]).map(|found| at + found);
    look_at(found.unwrap_or(bytes.len()) - at);
    found
}

/// The offset of the first `wanted`, which does not stand before the last block of 16 bytes.
fn find_in_last_block(wanted: u8, bytes: &[u8]) -> Option<usize> {
    if let Some(block) = bytes.last_chunk::<16>() {
        return find_in_first_words(wanted, block).map(|found| bytes.len() - block.len() + found);
    }
    find_in_first_words(wanted, bytes).or_else(|| {
        let at = bytes.len() / 8 * 8;
        bytes[at..].iter().position(|byte| *byte == wanted).map(|found| at + found)
    })
}

/// The offset of the first `wanted` in the first 32 bytes, looked at in whole words of eight; what
/// stands behind those is not looked at.
#[inline]
pub fn find_in_first_words(wanted: u8, bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    look_at(8);
    let mut at = 0;
    while at < 32
        && let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>)
    {
        // A byte that is wanted becomes zero; the lowest zero byte borrows first.
        let word = u64::from_le_bytes(*word) ^ (ONES * u64::from(wanted));
        let zeros = word.wrapping_sub(ONES) & !word & (ONES << 7);
        if zeros != 0 {
            return Some(at + zeros.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    None
}

/// The end of the quoted string that opens at `start` (where the `"` stands): the offset behind
/// its closing quote, or `None` where it is never closed.
pub fn quoted_end(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = start + 1;
    // Most are short and without an escape.
    let near = find_in_first_words(b'"', bytes.get(at..)?).map(|near| at + near);
    if let Some(near) = near
        && !bytes[at..near].contains(&b'\\')
    {
        return Some(near + 1);
    }
    loop {
        let rest = bytes.get(at..)?;
        let found = memchr::memchr2(b'"', b'\\', rest);
        look_at(found.unwrap_or(rest.len()) + 1);
        at += found?;
        match bytes[at] {
            b'"' => return Some(at + 1),
            _ => at += 2,
        }
    }
}

/// The end of the comment that opens at `start` (where the `(` stands): the offset behind the
/// parenthesis that closes it, or `None` where it is never closed. Comments stand in each other.
pub fn comment_end(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0usize;
    let mut at = start;
    loop {
        let rest = bytes.get(at..)?;
        let found = memchr::memchr3(b'(', b')', b'\\', rest);
        look_at(found.unwrap_or(rest.len()) + 1);
        at += found?;
        match bytes[at] {
            b'(' => depth += 1,
            b')' => depth = depth.checked_sub(1)?,
            _ => at += 1,
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

/// Whether `text` is a Call-ID: a word, or two with an @ between (RFC 3261 §25.1).
pub fn is_call_id(text: &str) -> bool {
    look_at(text.len());
    let word = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|b| is_token_byte(b) || b"()<>:\\\"/[]?{}".contains(&b))
    };
    match text.split_once('@') {
        Some((left, right)) => word(left) && word(right),
        None => word(text),
    }
}

/// The offset of the first `wanted` that stands outside quoted strings and angle brackets, from
/// `start` on; `None` where there is none. A quote or bracket that never closes runs to the end of
/// the text.
pub fn find_outside(text: &str, start: usize, wanted: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = start;
    loop {
        let rest = bytes.get(at..)?;
        let found = memchr::memchr3(b'"', b'<', wanted, rest);
        look_at(found.unwrap_or(rest.len()) + 1);
        at += found?;
        at = match bytes[at] {
            b'"' => quoted_end(text, at)?,
            b'<' => {
                let close = memchr::memchr(b'>', &bytes[at..]);
                look_at(close.unwrap_or(bytes.len() - at));
                at + close? + 1
            }
            _ => return Some(at),
        };
    }
}

/// The first member of a comma-separated header value, trimmed.
pub fn first_member(value: &str) -> &str {
    if find_near(b',', value.as_bytes()).is_none() {
        return trim(value);
    }
    trim(&value[..find_outside(value, 0, b',').unwrap_or(value.len())])
}

/// The members of a comma-separated header value, trimmed, quotes and angle brackets respected
/// (RFC 3261 §7.3.1). Empty members are given as empty texts.
pub fn comma_list(value: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let text = rest?;
        match find_outside(text, 0, b',') {
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
    look_at(text.len());
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
    fn what_is_near_and_what_is_far_is_found() {
        for length in 0..80 {
            let mut bytes = vec![b'9'; length];
            assert_eq!(find_near(b':', &bytes), None);
            for at in (0..length).rev() {
                bytes[at] = b':';
                assert_eq!(find_near(b':', &bytes), Some(at));
            }
        }
        assert_eq!(find_near(b':', b"\x3b\x39\xba\0\xff;9:"), Some(7));
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
