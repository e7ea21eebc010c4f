//! What of a field's text is shown: its secrets stand as a mask. The one that the cursor is in has a
//! sign for each of its characters, so that it can be edited; the password of an account never has.
//! The field itself keeps every byte.

use std::ops::Range;

use unicode_width::UnicodeWidthStr;

use crate::{
    sip::{KnownPasswords, escape::escape, secret},
    ui::composer::Slot,
};

/// A line as it is shown, and the column of the cursor where that is on it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) text: String,
    pub(super) column: usize,
}

/// What of a line is a secret.
#[derive(Clone, Debug, Default)]
pub(super) struct Secrets {
    /// What protects.
    own: Vec<Range<usize>>,
    /// The passwords of accounts.
    known: Vec<Range<usize>>,
}

/// The secrets of each of the lines of a field.
pub(super) fn secrets(slot: Slot, lines: &[String], known: &KnownPasswords) -> Vec<Secrets> {
    let none = KnownPasswords::default();
    let own: Vec<Vec<Range<usize>>> = match slot {
        Slot::Raw => by_line(lines, |text| secret::ranges_so_far(text, &none)),
        Slot::Body => by_line(lines, |text| secret::ranges_in_body(text, &none)),
        // One that is switched off may be switched on.
        Slot::Headers => lines
            .iter()
            .map(|line| {
                let on = line.trim_start_matches(['#', ' ']);
                let before = line.len() - on.len();
                let found = secret::ranges_so_far(on.as_bytes(), &none);
                found.into_iter().map(|at| at.start + before..at.end + before).collect()
            })
            .collect(),
        Slot::Target => lines.iter().map(|line| secret::passwords_in_target(line)).collect(),
        _ => lines.iter().map(|line| secret::passwords_so_far(line.as_bytes())).collect(),
    };
    let known = lines.iter().map(|line| known.find(line.as_bytes()));
    own.into_iter().zip(known).map(|(own, known)| Secrets { own, known }).collect()
}

/// The secrets of a text of several lines; none crosses a line end.
fn by_line(lines: &[String], find: impl Fn(&[u8]) -> Vec<Range<usize>>) -> Vec<Vec<Range<usize>>> {
    let text = lines.join("\n");
    let mut found = find(text.as_bytes()).into_iter().peekable();
    let mut start = 0;
    let of_line = |line: &String| {
        let end = start + line.len();
        let mut own = Vec::new();
        while let Some(at) = found.next_if(|at| at.start < end) {
            own.push(at.start - start..at.end.min(end) - start);
        }
        start = end + 1;
        own
    };
    lines.iter().map(of_line).collect()
}

/// A line with its secrets masked. `cursor` is a byte offset in it.
pub(super) fn show(line: &str, secrets: &Secrets, cursor: Option<usize>) -> Shown {
    let is_open = |secret: &Range<usize>| {
        let meets = |known: &Range<usize>| known.start < secret.end && secret.start < known.end;
        cursor.is_some_and(|cursor| (secret.start..=secret.end).contains(&cursor))
            && !secrets.known.iter().any(meets)
    };
    let mut shown = Shown { text: String::new(), column: 0 };
    let mut put = |piece: Range<usize>, how: fn(&str) -> String| {
        let text = how(&line[piece.clone()]);
        let before = match cursor {
            Some(cursor) if cursor >= piece.end => text.width(),
            // In a mask of its own length nothing tells where it is.
            Some(cursor) if cursor > piece.start && how("") != secret::MASK => {
                how(&line[piece.start..cursor]).width()
            }
            _ => 0,
        };
        shown.column += before;
        shown.text.push_str(&text);
    };
    let mut at = 0;
    for secret in secret::apart(secrets.own.iter().chain(&secrets.known).cloned().collect()) {
        put(at..secret.start, clear);
        at = secret.end;
        put(secret.clone(), if is_open(&secret) { sign_by_sign } else { masked });
    }
    put(at..line.len(), clear);
    shown
}

fn clear(text: &str) -> String {
    escape(text).into_owned()
}

fn masked(_: &str) -> String {
    secret::MASK.to_owned()
}

fn sign_by_sign(text: &str) -> String {
    "*".repeat(text.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn veiled(slot: Slot, text: &str) -> Vec<String> {
        let lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
        let secrets = secrets(slot, &lines, &KnownPasswords::default());
        lines.iter().zip(&secrets).map(|(line, at)| show(line, at, None).text).collect()
    }

    #[test]
    fn secrets_are_masked_in_the_lines_of_each_kind_of_field() {
        let raw = "INVITE sip:a:pw@h SIP/2.0\nAuthorization: Basic c2VjcmV0\nTo: <sip:b:pw@h>\n\nv=0\na=ice-pwd:hush\n";
        assert_eq!(
            veiled(Slot::Raw, raw).join("|"),
            "INVITE sip:a:***@h SIP/2.0|Authorization: Basic ***|To: <sip:b:***@h>||v=0|a=ice-pwd:***|"
        );
        assert_eq!(
            veiled(Slot::Headers, "# Authorization: Basic c2VjcmV0\n\nX: <sip:a:pw@h>").join("|"),
            "# Authorization: Basic ***||X: <sip:a:***@h>"
        );
        assert_eq!(veiled(Slot::Body, "v=0\na=ice-pwd:hush").join("|"), "v=0|a=ice-pwd:***");
        assert_eq!(veiled(Slot::Target, "sip:a:pw@h"), ["sip:a:***@h"]);
        assert_eq!(veiled(Slot::Target, "a:pw"), ["a:***"]);
        for slot in [Slot::Headers, Slot::Raw, Slot::Routes] {
            assert_eq!(veiled(slot, "X: <sip:a:pw"), ["X: <sip:a:***"], "{slot:?}");
        }
    }

    #[test]
    fn what_is_being_written_is_masked_sign_by_sign_and_the_cursor_stands_where_it_is() {
        let line = "<sip:a:pw@h>, <sip:b:secret@h>";
        let secrets =
            secrets(Slot::Routes, &[line.to_owned()], &KnownPasswords::default()).remove(0);
        for (cursor, text, column) in [
            (0, "<sip:a:***@h>, <sip:b:***@h>", 0),
            (7, "<sip:a:**@h>, <sip:b:***@h>", 7),
            (9, "<sip:a:**@h>, <sip:b:***@h>", 9),
            (10, "<sip:a:***@h>, <sip:b:***@h>", 11),
            (25, "<sip:a:***@h>, <sip:b:******@h>", 26),
            (line.len(), "<sip:a:***@h>, <sip:b:***@h>", 28),
        ] {
            let shown = show(line, &secrets, Some(cursor));
            assert_eq!((shown.text.as_str(), shown.column), (text, column), "{cursor}");
        }
        assert_eq!(
            show("a\u{1b}b", &Secrets::default(), Some(2)),
            Shown { text: "a\\x1bb".into(), column: 5 }
        );
    }
}
