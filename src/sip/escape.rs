//! Bytes from the network as text that is safe to print: what would steer a terminal, or reorder
//! the line that it stands in, is shown as a visible escape instead.

use std::{borrow::Cow, fmt::Write};

/// The text with every character that could steer a terminal written as a visible escape.
///
/// Control characters (C0, DEL, C1) become `\n`, `\r`, `\t` or `\xNN`; bidirectional controls,
/// invisible format characters and line separators become `\u{NNNN}`. A backslash becomes `\\`
/// only where something else was escaped too, so that ordinary text stays as it is.
///
/// The result holds no line end: escape line by line what is to stay on lines of its own.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            '\\' => escaped.push_str("\\\\"),
            c if !is_unsafe(c) => escaped.push(c),
            c if u32::from(c) < 0x100 => write(&mut escaped, format_args!("\\x{:02x}", c as u32)),
            c => write(&mut escaped, format_args!("\\u{{{:x}}}", c as u32)),
        }
    }
    Cow::Owned(escaped)
}

/// JSON with every character that could steer a terminal written as a `\u` escape: a reader gets
/// the same text back. JSON itself demands that only of C0, and its own syntax has none of the
/// others, so they can stand in strings only.
pub fn escape_json(json: &str) -> Cow<'_, str> {
    if !json.chars().any(is_unsafe) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if is_unsafe(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write(&mut escaped, format_args!("\\u{unit:04x}"));
            }
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// Whether a character must not reach a terminal as it is.
pub fn is_unsafe(c: char) -> bool {
    // C0, DEL and C1 are what `char::is_control` names.
    c.is_control()
        || matches!(
            c,
            // Soft hyphen, Arabic letter mark, Mongolian vowel separator: invisible.
            '\u{ad}' | '\u{61c}' | '\u{180e}'
            // Zero-width characters, and the left-to-right and right-to-left marks.
            | '\u{200b}'..='\u{200f}'
            // Line and paragraph separators; embeddings and overrides.
            | '\u{2028}'..='\u{202e}'
            // Invisible operators, isolates, deprecated format characters.
            | '\u{2060}'..='\u{206f}'
            // Byte order mark and interlinear annotations.
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            // Tags: text that nobody sees.
            | '\u{e0000}'..='\u{e007f}'
        )
}

fn write(text: &mut String, escape: std::fmt::Arguments<'_>) {
    text.write_fmt(escape).expect("writing to a String cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_steer_a_terminal_is_shown_as_an_escape() {
        for (text, shown) in [
            ("Busy Here", "Busy Here"),
            ("Grüße \u{1f4de} 電話", "Grüße \u{1f4de} 電話"),
            (r"C:\temp", r"C:\temp"),
            ("\x1b]0;x\x07", r"\x1b]0;x\x07"),
            ("a\r\nb\tc", r"a\r\nb\tc"),
            ("\u{9b}31m", r"\x9b31m"),
            ("\x7f\0", r"\x7f\x00"),
            ("user\u{202e}gnp.exe", r"user\u{202e}gnp.exe"),
            ("a\u{2066}b\u{2069}", r"a\u{2066}b\u{2069}"),
            ("zero\u{200b}width\u{feff}", r"zero\u{200b}width\u{feff}"),
            ("line\u{2028}end", r"line\u{2028}end"),
            ("\\x1b and \x1b", r"\\x1b and \x1b"),
        ] {
            assert_eq!(escape(text), shown, "{text:?}");
            assert!(!escape(text).chars().any(is_unsafe), "{text:?}");
        }
    }

    #[test]
    fn json_keeps_its_text_and_steers_no_terminal() {
        for text in [
            "Busy Here",
            "\"quoted\" \\ back\\slash",
            "\x1b]0;x\x07",
            "a\r\nb\0\x7f\u{9b}2J",
            "\u{202e}gnp \u{e0041}\u{2028}",
            "Grüße 電話 📞",
        ] {
            let json = serde_json::to_string(text).unwrap();
            let escaped = escape_json(&json);
            assert!(!escaped.contains(is_unsafe), "{escaped:?}");
            assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
        }
    }

    #[test]
    fn ordinary_text_is_not_copied() {
        assert!(matches!(escape("180 Ringing"), Cow::Borrowed(_)));
        assert!(matches!(escape_json("\"180 Ringing\""), Cow::Borrowed(_)));
    }
}
