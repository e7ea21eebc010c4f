//! [`Key`]: a key with its modifiers, as the config file writes it and as the screen shows it.

use std::{fmt, str::FromStr};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key with its modifiers, as the table and the config file write it: `c`, `G`, `ctrl-s`,
/// `shift-tab`, `pgdn`, `f1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    modifiers: KeyModifiers,
}

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Key {
        let mut modifiers =
            event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        // Shift is part of the character already, and of what terminals call «back tab».
        if matches!(event.code, KeyCode::Char(_) | KeyCode::BackTab) {
            modifiers -= KeyModifiers::SHIFT;
        }
        Key { code: event.code, modifiers }
    }
}

impl From<Key> for KeyEvent {
    fn from(Key { code, modifiers }: Key) -> KeyEvent {
        KeyEvent::new(code, modifiers)
    }
}

/// Why a text is no [`Key`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a key: write one character, or esc, enter, tab, space, backspace, delete, up, down, left, right, home, end, pgup, pgdn or f1 to f12, with ctrl-, alt- or shift- before it"
)]
pub struct KeyError(String);

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Key, KeyError> {
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = text;
        for (prefix, modifier) in [
            ("ctrl-", KeyModifiers::CONTROL),
            ("alt-", KeyModifiers::ALT),
            ("shift-", KeyModifiers::SHIFT),
        ] {
            if let Some(stripped) = rest.strip_prefix(prefix) {
                modifiers |= modifier;
                rest = stripped;
            }
        }
        let mut chars = rest.chars();
        let code = match (chars.next(), chars.next()) {
            (Some(c), None) => KeyCode::Char(c),
            _ => NAMES
                .iter()
                .find(|(name, ..)| *name == rest)
                .map(|&(_, code, _)| code)
                .or_else(|| match rest.strip_prefix('f')?.parse() {
                    Ok(number @ 1..=12) => Some(KeyCode::F(number)),
                    _ => None,
                })
                .ok_or_else(|| KeyError(text.to_owned()))?,
        };
        if let (KeyCode::Char(c), true) = (code, modifiers.contains(KeyModifiers::SHIFT)) {
            let code = KeyCode::Char(c.to_ascii_uppercase());
            return Ok(Key { code, modifiers: modifiers - KeyModifiers::SHIFT });
        }
        if code == KeyCode::Tab && modifiers.contains(KeyModifiers::SHIFT) {
            return Ok(Key { code: KeyCode::BackTab, modifiers: modifiers - KeyModifiers::SHIFT });
        }
        Ok(Key { code, modifiers })
    }
}

impl Key {
    /// Whether it types a character where text is written.
    pub fn is_text(self) -> bool {
        matches!(self.code, KeyCode::Char(_))
            && !self.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT)
    }

    /// As the config file writes it: `ctrl-s`, `down`, `esc`.
    pub fn written(self) -> String {
        let mut text = String::new();
        for (modifier, name) in [
            (KeyModifiers::CONTROL, "ctrl-"),
            (KeyModifiers::ALT, "alt-"),
            (KeyModifiers::SHIFT, "shift-"),
        ] {
            if self.modifiers.contains(modifier) {
                text.push_str(name);
            }
        }
        match self.code {
            KeyCode::Char(c) if c != ' ' => text.push(c),
            KeyCode::F(number) => text.push_str(&format!("f{number}")),
            KeyCode::BackTab => text.push_str("shift-tab"),
            code => match NAMES.iter().find(|&&(_, known, _)| known == code) {
                Some((name, ..)) => text.push_str(name),
                None => text.push_str(&code.to_string()),
            },
        }
        text
    }
}

impl fmt::Display for Key {
    /// As the screen shows it: `Ctrl-s`, `↓`, `Esc`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (modifier, name) in [
            (KeyModifiers::CONTROL, "Ctrl-"),
            (KeyModifiers::ALT, "Alt-"),
            (KeyModifiers::SHIFT, "Shift-"),
        ] {
            if self.modifiers.contains(modifier) {
                f.write_str(name)?;
            }
        }
        match self.code {
            KeyCode::F(number) => write!(f, "F{number}"),
            KeyCode::BackTab => f.write_str("Shift-Tab"),
            code => match NAMES.iter().find(|&&(_, known, _)| known == code) {
                Some((_, _, shown)) => f.write_str(shown),
                None => write!(f, "{code}"),
            },
        }
    }
}

/// Keys with names: as the config file writes them, and as the screen shows them.
const NAMES: &[(&str, KeyCode, &str)] = &[
    ("space", KeyCode::Char(' '), "Space"),
    ("backspace", KeyCode::Backspace, "Backspace"),
    ("delete", KeyCode::Delete, "Del"),
    ("down", KeyCode::Down, "Down"),
    ("end", KeyCode::End, "End"),
    ("enter", KeyCode::Enter, "Enter"),
    ("esc", KeyCode::Esc, "Esc"),
    ("home", KeyCode::Home, "Home"),
    ("left", KeyCode::Left, "Left"),
    ("pgdn", KeyCode::PageDown, "PgDn"),
    ("pgup", KeyCode::PageUp, "PgUp"),
    ("right", KeyCode::Right, "Right"),
    ("tab", KeyCode::Tab, "Tab"),
    ("up", KeyCode::Up, "Up"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_and_shown() {
        for (text, shown) in [
            ("n", "n"),
            ("G", "G"),
            ("ctrl-s", "Ctrl-s"),
            ("alt-x", "Alt-x"),
            ("shift-tab", "Shift-Tab"),
            ("pgdn", "PgDn"),
            ("space", "Space"),
            ("down", "Down"),
            ("f12", "F12"),
            ("-", "-"),
        ] {
            let key: Key = text.parse().unwrap();
            assert_eq!((key.to_string(), key.written()), (shown.to_owned(), text.to_owned()));
        }
        for bad in ["", "nn", "f13", "ctrl-", "hyper-x"] {
            assert!(bad.parse::<Key>().unwrap_err().to_string().contains("not a key"), "{bad}");
        }
    }
}
