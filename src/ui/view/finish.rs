//! The last touch to a picture: no password of an account on it, the theme's own ground, and signs
//! that every terminal has.

use ratatui::{buffer::Buffer, style::Color};
use unicode_width::UnicodeWidthStr;

use crate::{sip::KnownPasswords, ui::view::Theme};

/// Which signs the screen is drawn with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signs {
    /// Unicode's.
    #[default]
    Unicode,
    /// ASCII alone. Only our own signs: what a peer wrote is shown as it wrote it.
    Ascii,
}

impl Signs {
    /// What the environment says of the terminal: ASCII where the locale names a character set
    /// that is not UTF-8. A locale that names none says nothing of the terminal.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Signs {
        // POSIX XBD §8.2: the first that is set and not empty counts.
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find_map(|name| variable(name).filter(|value| !value.is_empty()));
        let charset = locale.as_deref().and_then(|locale| locale.split_once('.'));
        let charset = charset.map(|(_, charset)| charset.split('@').next().unwrap_or_default());
        match charset.map(|name| name.replace('-', "").to_ascii_lowercase()) {
            Some(name) if name != "utf8" => Signs::Ascii,
            _ => Signs::Unicode,
        }
    }
}

/// Masks the passwords of accounts wherever a view shows one. Messages and what is composed come
/// without them; this is for whatever is told of those, and for views that nobody has thought of.
pub(super) fn veil(buffer: &mut Buffer, known: &KnownPasswords) {
    let known: Vec<_> = known.on_screen().collect();
    let width = usize::from(buffer.area.width).max(1);
    for row in buffer.content.chunks_mut(width).filter(|_| !known.is_empty()) {
        let mut text = String::new();
        // For each byte of the text, the cell that it stands in.
        let mut cells = Vec::new();
        let mut at = 0;
        while let Some(cell) = row.get(at) {
            text.push_str(cell.symbol());
            cells.resize(text.len(), at);
            // A wide character has the next cell too.
            at += cell.symbol().width().max(1);
        }
        for password in &known {
            for (start, found) in text.match_indices(&**password) {
                let end = cells.get(start + found.len()).copied().unwrap_or(at);
                for cell in &mut row[cells[start]..end.min(width)] {
                    cell.set_char('*');
                }
            }
        }
    }
}

pub(super) fn finish(buffer: &mut Buffer, theme: &Theme, signs: Signs) {
    let ground = theme.screen;
    let paints = ground.fg.is_some() || ground.bg.is_some();
    if !paints && signs == Signs::Unicode {
        return;
    }
    for cell in &mut buffer.content {
        if cell.fg == Color::Reset {
            cell.fg = ground.fg.unwrap_or(Color::Reset);
        }
        if cell.bg == Color::Reset {
            cell.bg = ground.bg.unwrap_or(Color::Reset);
        }
        if signs == Signs::Ascii
            && !cell.symbol().is_ascii()
            && let Some(c) = ascii(cell.symbol())
        {
            cell.set_char(c);
        }
    }
}

/// What stands for one of our signs, in one column like itself; those of the states differ from
/// each other.
fn ascii(sign: &str) -> Option<char> {
    Some(match sign {
        "╭" | "╮" | "╰" | "╯" | "├" | "┤" | "┼" | "└" => '+',
        "─" | "–" | "·" => '-',
        "│" => '|',
        "┃" | "█" | "◆" => '#',
        "▇" => '*',
        "▆" => '+',
        "▅" | "■" => '=',
        "▄" => '-',
        "▃" | "◐" => ':',
        "▂" | "◌" => '.',
        "▁" => '_',
        "◑" => '%',
        "●" | "•" => '*',
        "○" => 'o',
        "⊘" => '/',
        "✖" | "×" => 'x',
        "✔" => '+',
        "▸" | "▷" | "▶" | "→" | "›" | "»" | "⇥" => '>',
        "◀" | "←" | "‹" | "«" => '<',
        "▲" => '^',
        "▼" => 'v',
        "≠" => '!',
        "↻" => '^',
        "…" => '~',
        "§" => 's',
        "µ" => 'u',
        "“" | "”" => '"',
        "◇" => '?',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::{sip::State, ui::view::theme::shape};

    #[test]
    fn the_locale_decides_where_it_names_a_character_set() {
        for (set, signs) in [
            (&[][..], Signs::Unicode),
            (&[("LANG", "C")], Signs::Unicode),
            (&[("LANG", "de_DE.UTF-8")], Signs::Unicode),
            (&[("LANG", "de_DE.utf8@euro")], Signs::Unicode),
            (&[("LANG", "de_DE.ISO-8859-1")], Signs::Ascii),
            (&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "de_DE.ISO-8859-15@euro")], Signs::Ascii),
            (&[("LANG", "de_DE.ISO-8859-1"), ("LC_CTYPE", "C.UTF-8")], Signs::Unicode),
        ] {
            let variable = |name: &str| {
                set.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(Signs::of(variable), signs, "{set:?}");
        }
    }

    #[test]
    fn shapes_differ_in_ascii_where_they_differ_in_unicode() {
        let states = [
            State::Calling,
            State::Proceeding,
            State::Cancelling,
            State::Accepted,
            State::Sent,
            State::Canceled,
            State::Failed,
        ];
        let signs: HashSet<_> = states.iter().map(|state| ascii(shape(*state)).unwrap()).collect();
        assert_eq!(signs.len(), states.len());
    }

    /// The signs beyond ASCII in the texts of a source file, without its comments and tests.
    fn signs(source: &str) -> String {
        let own = source.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = own.lines().map(|line| line.split_once("// ").map_or(line, |(code, _)| code));
        let lines = lines.filter(|line| !line.trim_start().starts_with("//"));
        lines.flat_map(str::chars).filter(|c| !c.is_ascii()).collect()
    }

    #[test]
    fn every_sign_in_a_text_of_ours_has_one_in_ascii() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut folders: Vec<_> = ["sip", "transport", "engine", "config", "demo", "ui", "cli"]
            .iter()
            .map(|it| root.join(it))
            .collect();
        let mut found = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.ends_with("tests") {
                    folders.push(path);
                } else if path.extension().is_some_and(|it| it == "rs")
                    && !path.ends_with("tests.rs")
                {
                    for c in signs(&std::fs::read_to_string(&path).unwrap()).chars() {
                        found += 1;
                        assert!(ascii(&c.to_string()).is_some(), "{c:?} of {}", path.display());
                    }
                }
            }
        }
        assert!(found > 100, "nothing was looked at");
    }
}
