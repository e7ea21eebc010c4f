//! The one table of keys: what the keyboard does, what the footer and the help say.

use std::{fmt, str::FromStr};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A wish of the user that a key can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Close what is open, or dismiss the notice.
    Back,
    /// To the last line.
    Bottom,
    /// Cancel the chosen INVITE.
    Cancel,
    /// Empty the field.
    ClearField,
    /// Write a request.
    Compose,
    /// One line down.
    Down,
    /// Send a BYE on the legs of the chosen INVITE.
    HangUp,
    /// Show the keys.
    Help,
    /// Show the log.
    Log,
    /// The next value of a field with a choice.
    NextChoice,
    /// To the next field.
    NextField,
    /// To the next pane.
    NextPane,
    /// One page down.
    PageDown,
    /// One page up.
    PageUp,
    /// The previous value of a field with a choice.
    PreviousChoice,
    /// To the previous field.
    PreviousField,
    /// Leave.
    Quit,
    /// Send the request that is being written.
    Send,
    /// To the first line.
    Top,
    /// One line up.
    Up,
}

/// Where a binding holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The table and the timeline.
    Browse,
    /// The composer.
    Compose,
    /// The log and the help.
    Overlay,
    /// While the engine ends.
    Quitting,
}

/// What one or more keys do in a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Where it holds.
    pub scope: Scope,
    /// What it does.
    pub action: Action,
    /// The keys, the one to show first.
    pub keys: Vec<Key>,
    /// One or two words for the footer; empty where it stands in the help only.
    pub label: &'static str,
    /// A line for the help.
    pub help: &'static str,
}

/// Every binding.
#[derive(Clone, Debug)]
pub struct Bindings(Vec<Binding>);

/// The table. The order is the footer's and the help's.
const DEFAULT: &[(Scope, Action, &str, &str, &str)] = &[
    (Scope::Browse, Action::Compose, "n", "new", "write a request and send it"),
    (Scope::Browse, Action::Cancel, "c", "cancel", "cancel the chosen INVITE while it is pending"),
    (
        Scope::Browse,
        Action::HangUp,
        "b",
        "bye",
        "hang up: send BYE on every leg of the chosen INVITE",
    ),
    (Scope::Browse, Action::Down, "j down", "", "one line down"),
    (Scope::Browse, Action::Up, "k up", "", "one line up"),
    (Scope::Browse, Action::PageDown, "pgdn ctrl-d space", "", "one page down"),
    (Scope::Browse, Action::PageUp, "pgup ctrl-u", "", "one page up"),
    (
        Scope::Browse,
        Action::Top,
        "g home",
        "",
        "to the newest context, or the start of the timeline",
    ),
    (
        Scope::Browse,
        Action::Bottom,
        "G end",
        "",
        "to the oldest context, or the end of the timeline",
    ),
    (Scope::Browse, Action::NextPane, "tab shift-tab enter", "pane", "to the other pane"),
    (Scope::Browse, Action::Log, "L", "log", "the log: strays, broken flows, refusals"),
    (Scope::Browse, Action::Help, "? f1", "help", "every key"),
    (Scope::Browse, Action::Back, "esc", "", "dismiss the notice, then back to the table"),
    (
        Scope::Browse,
        Action::Quit,
        "q ctrl-c",
        "quit",
        "close what is open and leave; twice: leave at once",
    ),
    (
        Scope::Compose,
        Action::Send,
        "enter ctrl-s",
        "send",
        "send (Enter begins a new line in headers and body)",
    ),
    (Scope::Compose, Action::NextField, "tab down", "next", "to the next field"),
    (Scope::Compose, Action::PreviousField, "shift-tab up", "", "to the previous field"),
    (Scope::Compose, Action::NextChoice, "right", "choose", "the next method, server or account"),
    (Scope::Compose, Action::PreviousChoice, "left", "", "the previous method, server or account"),
    (Scope::Compose, Action::ClearField, "ctrl-u", "clear", "empty the field"),
    (Scope::Compose, Action::Back, "esc", "close", "close; the draft stays for the next time"),
    (Scope::Compose, Action::Help, "f1", "help", "every key"),
    (Scope::Compose, Action::Quit, "ctrl-c", "", "leave"),
    (Scope::Overlay, Action::Down, "j down", "scroll", "one line down"),
    (Scope::Overlay, Action::Up, "k up", "", "one line up"),
    (Scope::Overlay, Action::PageDown, "pgdn ctrl-d space", "", "one page down"),
    (Scope::Overlay, Action::PageUp, "pgup ctrl-u", "", "one page up"),
    (Scope::Overlay, Action::Top, "g home", "", "to the first line"),
    (Scope::Overlay, Action::Bottom, "G end", "", "to the last line"),
    (Scope::Overlay, Action::Back, "esc q L ? f1", "close", "close"),
    (Scope::Overlay, Action::Quit, "ctrl-c", "", "leave"),
    (Scope::Quitting, Action::Quit, "q ctrl-c", "leave at once", "leave at once"),
];

impl Default for Bindings {
    fn default() -> Bindings {
        let binding = |&(scope, action, keys, label, help): &_| Binding {
            scope,
            action,
            keys: str::split(keys, ' ')
                .map(|key| key.parse().expect("the table holds keys only"))
                .collect(),
            label,
            help,
        };
        Bindings(DEFAULT.iter().map(binding).collect())
    }
}

impl Bindings {
    /// What a key does in a scope.
    pub fn action(&self, scope: Scope, key: Key) -> Option<Action> {
        self.scope(scope).find(|binding| binding.keys.contains(&key)).map(|found| found.action)
    }

    /// The bindings of a scope, in the order of the table.
    pub fn scope(&self, scope: Scope) -> impl Iterator<Item = &Binding> {
        self.0.iter().filter(move |binding| binding.scope == scope)
    }

    /// The key to show for an action.
    pub fn key(&self, scope: Scope, action: Action) -> Option<Key> {
        self.scope(scope).find(|binding| binding.action == action)?.keys.first().copied()
    }
}

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
        if code == KeyCode::Tab && modifiers.contains(KeyModifiers::SHIFT) {
            return Ok(Key { code: KeyCode::BackTab, modifiers: modifiers - KeyModifiers::SHIFT });
        }
        Ok(Key { code, modifiers })
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
    ("down", KeyCode::Down, "↓"),
    ("end", KeyCode::End, "End"),
    ("enter", KeyCode::Enter, "Enter"),
    ("esc", KeyCode::Esc, "Esc"),
    ("home", KeyCode::Home, "Home"),
    ("left", KeyCode::Left, "←"),
    ("pgdn", KeyCode::PageDown, "PgDn"),
    ("pgup", KeyCode::PageUp, "PgUp"),
    ("right", KeyCode::Right, "→"),
    ("tab", KeyCode::Tab, "Tab"),
    ("up", KeyCode::Up, "↑"),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_key_means_two_things_in_one_scope() {
        let bindings = Bindings::default();
        let mut seen = HashSet::new();
        for binding in &bindings.0 {
            assert!(!binding.keys.is_empty() && !binding.help.is_empty());
            for key in &binding.keys {
                assert!(seen.insert((binding.scope, *key)), "{key} twice in {:?}", binding.scope);
            }
        }
    }

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
            ("down", "↓"),
            ("f12", "F12"),
            ("-", "-"),
        ] {
            assert_eq!(text.parse::<Key>().unwrap().to_string(), shown);
        }
        for bad in ["", "nn", "f13", "ctrl-", "hyper-x"] {
            assert!(bad.parse::<Key>().unwrap_err().to_string().contains("not a key"), "{bad}");
        }
    }

    #[test]
    fn a_key_from_the_terminal_finds_its_action() {
        let bindings = Bindings::default();
        for (code, modifiers, action) in [
            (KeyCode::Char('G'), KeyModifiers::SHIFT, Some(Action::Bottom)),
            (KeyCode::Char('g'), KeyModifiers::NONE, Some(Action::Top)),
            (KeyCode::BackTab, KeyModifiers::SHIFT, Some(Action::NextPane)),
            (KeyCode::Char('c'), KeyModifiers::CONTROL, Some(Action::Quit)),
            (KeyCode::Char('c'), KeyModifiers::NONE, Some(Action::Cancel)),
            (KeyCode::Char('?'), KeyModifiers::SHIFT, Some(Action::Help)),
            (KeyCode::Char('z'), KeyModifiers::NONE, None),
        ] {
            let key = Key::from(KeyEvent::new(code, modifiers));
            assert_eq!(bindings.action(Scope::Browse, key), action, "{key}");
        }
    }
}
