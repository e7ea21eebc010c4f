//! Any bytes as a text that can be edited, and back, without losing one.
//!
//! A line of the text ends in CR LF, as those of a message do. `\n`, `\r`, `\\` and `\x00` stand
//! for single bytes; a line that ends in a single `\` has no line end in the message.

/// The text of some bytes: [`decode`] makes the same bytes of it.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 16);
    let mut rest = bytes;
    while !rest.is_empty() {
        let good = match std::str::from_utf8(rest) {
            Ok(good) => good,
            Err(error) => std::str::from_utf8(&rest[..error.valid_up_to()]).unwrap_or_default(),
        };
        encode_text(good, &mut text);
        rest = &rest[good.len()..];
        if let Some((byte, after)) = rest.split_first() {
            text.push_str(&format!("\\x{byte:02x}"));
            rest = after;
        }
    }
    text
}

fn encode_text(good: &str, text: &mut String) {
    let mut chars = good.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {
                chars.next();
                text.push('\n');
            }
            '\r' => text.push_str("\\r"),
            // A bare LF still begins a line of the text.
            '\n' => text.push_str("\\n\\\n"),
            '\\' => text.push_str("\\\\"),
            '\t' => text.push('\t'),
            c if c.is_ascii_control() => text.push_str(&format!("\\x{:02x}", c as u32)),
            c => text.push(c),
        }
    }
}

/// The text that an editor has left in a file. What is no text there stands as an escape, so that
/// no byte is lost. Lines that end in a line feed alone, as editors write them, are lines of the
/// message and end in CR LF; but where the file has CR LF too, each line end is what it is.
pub fn of_file(bytes: &[u8]) -> String {
    let mixed = memchr::memmem::find(bytes, b"\r\n").is_some();
    let mut text = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        let mut chars = chunk.valid().chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\r' if chars.peek() == Some(&'\n') => {
                    chars.next();
                    text.push('\n');
                }
                '\n' if mixed => text.push_str("\\n\\\n"),
                '\n' | '\t' => text.push(c),
                '\r' => text.push_str("\\r"),
                c if c.is_ascii_control() => text.push_str(&format!("\\x{:02x}", c as u32)),
                c => text.push(c),
            }
        }
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
    }
    text
}

/// The bytes of a text. A `\` before anything else stands for itself.
pub fn decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\n' => bytes.extend(b"\r\n"),
            '\\' => rest = escaped(rest, &mut bytes),
            c => bytes.extend(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

/// What follows a backslash; gives what comes after it.
fn escaped<'a>(rest: &'a str, bytes: &mut Vec<u8>) -> &'a str {
    let hex = || {
        let digits = rest.strip_prefix('x')?.get(..2)?;
        let is_hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
        is_hex.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
    };
    let (byte, length) = match rest.as_bytes().first() {
        Some(b'n') => (b'\n', 1),
        Some(b'r') => (b'\r', 1),
        Some(b'\\') => (b'\\', 1),
        Some(b'\n') => return &rest[1..],
        _ => match hex() {
            Some(byte) => (byte, 3),
            None => (b'\\', 0),
        },
    };
    bytes.push(byte);
    &rest[length..]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_is_a_line_and_the_rest_can_be_seen() {
        for (bytes, text) in [
            (&b"A\r\nB\r\n\r\n"[..], "A\nB\n\n"),
            (b"A\nB", "A\\n\\\nB"),
            (b"A\rB", "A\\rB"),
            (b"\xff\0\x1b", "\\xff\\x00\\x1b"),
            (b"\\x41", "\\\\x41"),
            ("ü\t".as_bytes(), "ü\t"),
        ] {
            assert_eq!(encode(bytes), text);
            assert_eq!(decode(text), bytes);
        }
        assert_eq!(decode("\\q \\x4 \\xg1 \\"), b"\\q \\x4 \\xg1 \\");
        assert_eq!(decode("\\xé"), "\\xé".as_bytes());
    }

    #[test]
    fn a_file_of_an_editor_keeps_its_bytes_and_the_line_ends_that_it_tells_apart() {
        for (file, bytes) in [
            (&b"A\nB\n\n"[..], &b"A\r\nB\r\n\r\n"[..]),
            (b"A\r\nB\r\n", b"A\r\nB\r\n"),
            (b"A\r\nB\nC\r\n", b"A\r\nB\nC\r\n"),
            (b"X: \xff\x00\xc3\n", b"X: \xff\x00\xc3\r\n"),
            (b"A\rB", b"A\rB"),
            (b"\\xff\\n", b"\xff\n"),
        ] {
            assert_eq!(decode(&of_file(file)), bytes, "{file:?}");
        }
    }

    proptest! {
        #[test]
        fn what_an_editor_left_is_sent_where_it_has_no_escapes(bytes: Vec<u8>) {
            let plain: Vec<u8> = bytes.into_iter().filter(|byte| *byte != b'\\').collect();
            let file = [&plain[..], b"\r\n"].concat();
            prop_assert_eq!(decode(&of_file(&file)), file);
        }

        #[test]
        fn no_byte_is_lost(bytes: Vec<u8>) {
            prop_assert_eq!(decode(&encode(&bytes)), bytes);
        }

        #[test]
        fn any_text_can_be_read(text: String) {
            decode(&text);
        }
    }
}
