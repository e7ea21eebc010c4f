//! Texts that fit their place, and texts from the network that are safe to show.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::{
    sip::{KnownPasswords, escape::escape, secret},
    transport::ServerUri,
    ui::Model,
};

/// No line of the screen is longer than this; what comes after it need not be looked at.
const LONGEST: usize = 1_000;

impl Model {
    /// A text of a peer, the user or the config file, escaped, and without the passwords of its URIs
    /// and those of the accounts; only as much of it as a line can hold. Every text that is not our
    /// own comes to the screen through it.
    pub(in crate::ui) fn safe<'t>(&self, text: &'t str) -> Cow<'t, str> {
        safe(text, &self.book.passwords, secret::without_passwords)
    }

    /// The same of a text that is, or names, what is still being written.
    pub(in crate::ui) fn safe_so_far<'t>(&self, text: &'t str) -> Cow<'t, str> {
        safe(text, &self.book.passwords, secret::without_passwords_so_far)
    }

    /// [`Model::safe`] of a text that may be made anew.
    pub(in crate::ui) fn safe_cow<'t>(&self, text: Cow<'t, str>) -> Cow<'t, str> {
        match text {
            Cow::Borrowed(text) => self.safe(text),
            Cow::Owned(text) => Cow::Owned(self.safe(&text).into_owned()),
        }
    }
}

fn safe<'t>(
    text: &'t str,
    known: &KnownPasswords,
    without_passwords: impl Fn(&str) -> Cow<'_, str>,
) -> Cow<'t, str> {
    let end = text.char_indices().nth(LONGEST).map(|(end, _)| end);
    let shown = &text[..end.unwrap_or(text.len())];
    // The host of what is cut off may be what makes a password of its end.
    let shown = match end {
        None => and_then(known.cover(shown), without_passwords),
        Some(_) => and_then(known.cover(shown), secret::without_passwords_so_far),
    };
    let shown = and_then(shown, escape);
    if end.is_none() { shown } else { Cow::Owned(format!("{shown}…")) }
}

/// What a step makes of a text that another may have made anew.
fn and_then<'t>(text: Cow<'t, str>, step: impl Fn(&str) -> Cow<'_, str>) -> Cow<'t, str> {
    match text {
        Cow::Borrowed(text) => step(text),
        Cow::Owned(text) => Cow::Owned(step(&text).into_owned()),
    }
}

/// Bytes as text: what is no UTF-8 as `\xNN`, what would steer a terminal as an escape.
pub fn bytes_as_text(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(&escape(chunk.valid()));
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// The host of a server, and its port where that is known before the host is looked up.
pub fn address(server: &ServerUri) -> String {
    let host = match server.host.contains(':') {
        true => format!("[{}]", server.host),
        false => escape(&server.host).into_owned(),
    };
    if server.has_port() { format!("{host}:{}", server.port) } else { host }
}

/// A flow: its transport, and the address that it leads to.
pub fn flow_text(server: &ServerUri) -> String {
    format!("{} {}", server.transport, address(server))
}

/// The text in at most `width` columns, without so many at its beginning as there are to scroll
/// and as are too many.
pub fn scrolled(text: &str, width: usize, columns: usize) -> Cow<'_, str> {
    let excess = text.width().saturating_sub(width);
    let columns = columns.min(excess);
    if columns == 0 || width < 2 {
        return cut(text, width);
    }
    // The sign for what is left out takes one of the columns.
    let mut skipped = 0;
    let skip = |c: &char| {
        let skips = skipped <= columns;
        skipped += c.width().unwrap_or(0);
        skips
    };
    let start: usize = text.chars().take_while(skip).map(char::len_utf8).sum();
    Cow::Owned(format!("…{}", cut(&text[start..], width - 1)))
}

/// The text in at most `width` columns, cut at its end with `…` where it is longer.
pub fn cut(text: &str, width: usize) -> Cow<'_, str> {
    if text.width() <= width {
        return Cow::Borrowed(text);
    }
    if width == 0 {
        return Cow::Borrowed("");
    }
    let mut used = 0;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used < width
    };
    let end: usize = text.chars().take_while(fits).map(char::len_utf8).sum();
    Cow::Owned(format!("{}…", &text[..end]))
}

/// The text as lines of at most `width` columns, broken between words where it can be.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let gap = usize::from(!line.is_empty());
        if line.width() + gap + word.width() <= width {
            line.extend(std::iter::repeat_n(' ', gap));
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for c in word.chars() {
            if line.width() + c.width().unwrap_or(0) > width && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            line.push(c);
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// The text as lines of at most `width` columns that are about as long as each other: no word
/// stands alone at the end.
pub fn balanced(text: &str, width: usize) -> Vec<String> {
    let lines = wrap(text, width);
    let least = text.width().div_ceil(lines.len().max(1));
    let fits = |width: &usize| wrap(text, *width).len() == lines.len();
    (least..width).find(fits).map_or(lines, |width| wrap(text, width))
}

/// How many bytes of a text that is too long stand before the best place to break it: within
/// `width` columns, behind white space or what separates parts, unless that leaves half of the
/// line empty.
pub fn break_at(text: &str, width: usize) -> usize {
    let (mut used, mut end, mut best) = (0, 0, None);
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        end = at + c.len_utf8();
        // A blank that follows belongs to the same line: the next one does not begin with it.
        let is_followed = c != ' ' && text[end..].starts_with(' ');
        if matches!(c, ' ' | '\t' | ',' | ';' | '>' | '&') && used * 2 > width && !is_followed {
            best = Some(end);
        }
    }
    if end == text.len() { end } else { best.unwrap_or(end) }
}

/// A line as lines of at most `width` columns, broken where it can best be, those after the first
/// indented. Nothing of it is lost.
pub fn broken(text: &str, width: usize, indent: usize) -> Vec<String> {
    let indent = if indent * 2 < width { indent } else { 0 };
    let mut lines = Vec::new();
    let mut rest = text;
    while lines.is_empty() || !rest.is_empty() {
        let before = if lines.is_empty() { 0 } else { indent };
        // A character that is wider than the line stands on one all the same.
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let end = break_at(rest, width.saturating_sub(before)).max(first);
        lines.push(format!("{:before$}{}", "", &rest[..end]));
        rest = &rest[end..];
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Cow<'_, str> {
        safe(text, &KnownPasswords::default(), secret::without_passwords)
    }

    #[test]
    fn texts_are_cut_at_their_end() {
        for (text, width, cut_text) in [
            ("ring@demo.test", 14, "ring@demo.test"),
            ("ring@demo.test", 8, "ring@de…"),
            ("電話電話", 8, "電話電話"),
            ("電話電話", 7, "電話電…"),
            ("電話電話", 6, "電話…"),
            ("abc", 1, "…"),
            ("abc", 0, ""),
            ("", 0, ""),
        ] {
            assert_eq!(cut(text, width), cut_text, "{text} in {width}");
            assert!(cut(text, width).width() <= width);
        }
    }

    #[test]
    fn texts_are_scrolled_to_their_end_and_no_further() {
        for (text, width, columns, shown) in [
            ("ring@demo.test", 14, 8, "ring@demo.test"),
            ("ring@demo.test", 8, 0, "ring@de…"),
            ("ring@demo.test", 8, 3, "…@demo.…"),
            ("ring@demo.test", 8, 8, "…mo.test"),
            ("電話電話", 6, 8, "…電話"),
            ("ab", 1, 8, "…"),
        ] {
            assert_eq!(scrolled(text, width, columns), shown, "{text} in {width}");
            assert!(scrolled(text, width, columns).width() <= width);
        }
    }

    #[test]
    fn texts_are_wrapped_between_words_where_that_is_possible() {
        assert_eq!(wrap("no answer in 32 s", 9), ["no answer", "in 32 s"]);
        assert_eq!(wrap("aaaaaaaaaa b", 4), ["aaaa", "aaaa", "aa b"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("電話", 1), ["電", "話"]);
    }

    #[test]
    fn a_line_is_broken_behind_what_separates_its_parts_and_nothing_of_it_is_lost() {
        for (text, width, lines) in [
            ("INVITE, ACK, NOTIFY", 15, &["INVITE, ACK, ", "  NOTIFY"][..]),
            // There is no room for the blank behind the second comma.
            ("INVITE, ACK, BYE", 12, &["INVITE, ", "  ACK, BYE"]),
            ("<sip:a@h>;tag=12345", 12, &["<sip:a@h>;", "  tag=12345"]),
            ("aaaaaaaaaaaaaa", 8, &["aaaaaaaa", "  aaaaaa"]),
            // A break that leaves half of the line empty is none.
            ("a bbbbbbbbbbbb", 8, &["a bbbbbb", "  bbbbbb"]),
            ("電話電話", 3, &["電", "  電", "  話", "  電", "  話"][..0]),
            ("", 8, &[""]),
        ] {
            let broken = broken(text, width, 2);
            let whole: String = broken.iter().map(|line| line.trim_start()).collect();
            assert_eq!(whole.replace(' ', ""), text.replace(' ', ""), "{broken:?}");
            assert!(broken.iter().all(|line| line.width() <= width.max(4)), "{broken:?}");
            assert!(lines.is_empty() || broken == lines, "{broken:?}");
        }
    }

    #[test]
    fn no_word_stands_alone_on_the_last_line() {
        assert_eq!(balanced("one two three four five", 19), ["one two three", "four five"]);
        assert_eq!(balanced("one two", 19), ["one two"]);
        assert_eq!(balanced("", 5), [""]);
    }

    #[test]
    fn a_long_text_is_not_escaped_to_its_end() {
        let text = "\x1b".repeat(70_000);
        assert!(shown(&text).len() < 5 * LONGEST);
        assert_eq!(shown("\x1b]0;x\x07"), r"\x1b]0;x\x07");
    }

    #[test]
    fn the_password_of_a_uri_is_not_shown() {
        assert_eq!(shown("INVITE sip:bob:pw@lab.test"), "INVITE sip:bob:***@lab.test");
        assert_eq!(shown("<sip:a:pw@b>, <sips:c:pw@d>"), "<sip:a:***@b>, <sips:c:***@d>");
        let cut = format!("{} sip:a:secret@b", "x".repeat(LONGEST - "sip:a:secret".len()));
        assert!(shown(&cut).ends_with(" sip:a:***…"), "{}", shown(&cut));
    }
}
