//! [`KnownPasswords`]: the passwords of the accounts, looked for by their letters in whatever is
//! composed or shown. Nothing gives one out.

use std::{borrow::Cow, fmt, ops::Range};

use super::Credentials;
use crate::sip::{escape::escape, secret};

/// How many characters a password has that is looked for: any number or word may be the same as a
/// shorter one.
const SHORTEST: usize = 6;

/// Passwords that must not be seen.
#[derive(Clone, Default)]
pub struct KnownPasswords {
    /// The longest first: one that holds another is masked as a whole.
    all: Vec<Known>,
}

#[derive(Clone, PartialEq, Eq)]
struct Known {
    /// The account that it is of.
    of: Box<str>,
    text: Box<str>,
}

impl KnownPasswords {
    /// Adds those of an account. Not one that stands in what of the account may be seen, such as the
    /// user name: masked there, it would be given away everywhere else.
    pub fn add(&mut self, account: &str, seen: &str, credentials: &[Credentials]) {
        for Credentials { username, password, .. } in credentials {
            let Some(text) = password.text() else { continue };
            let may_be_seen = [seen, username].iter().any(|seen| seen.contains(text));
            let known = Known { of: account.into(), text: text.into() };
            if text.chars().count() >= SHORTEST && !may_be_seen && !self.all.contains(&known) {
                self.all.push(known);
            }
        }
        self.all.sort_by_key(|known| std::cmp::Reverse(known.text.len()));
    }

    /// Where they stand, in order and apart.
    pub fn find(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let found = self.all.iter().flat_map(|known| {
            let text = known.text.as_bytes();
            memchr::memmem::find_iter(bytes, text).map(|at| at..at + text.len())
        });
        secret::apart(found.collect())
    }

    /// The account whose password stands there.
    pub fn whose(&self, bytes: &[u8]) -> Option<&str> {
        let stands = |known: &&Known| memchr::memmem::find(bytes, known.text.as_bytes()).is_some();
        self.all.iter().find(stands).map(|known| &*known.of)
    }

    /// The text without them.
    pub fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        secret::hide(text, &self.find(text.as_bytes()))
    }

    /// The text with a sign for each character of them, so that nothing beside them moves.
    pub(crate) fn cover<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let found = self.find(text.as_bytes());
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut covered = String::with_capacity(text.len());
        let mut at = 0;
        for secret in found {
            covered.push_str(&text[at..secret.start]);
            covered.extend(text[secret.clone()].chars().map(|_| '*'));
            at = secret.end;
        }
        covered.push_str(&text[at..]);
        Cow::Owned(covered)
    }

    /// Those that cannot be taken for a word, as a screen shows them: for a last look at all of it. A
    /// plain word stands in our own sentences too, and there it would be given away by its mask; it
    /// is covered in every text that is not ours.
    pub(crate) fn on_screen(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let is_word = |text: &str| {
            let mut chars = text.chars();
            chars.next().is_some_and(char::is_alphabetic) && chars.all(char::is_lowercase)
        };
        self.all.iter().filter(move |known| !is_word(&known.text)).map(|known| escape(&known.text))
    }
}

impl fmt::Debug for KnownPasswords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KnownPasswords({})", self.all.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(passwords: &[&str]) -> KnownPasswords {
        let mut known = KnownPasswords::default();
        for password in passwords {
            let credentials = [Credentials::new("alice", *password)];
            known.add("lab", "Alice <sip:alice@kitchen.test>", &credentials);
        }
        known
    }

    #[test]
    fn they_are_found_wherever_they_stand() {
        let known = known(&["open sesame", "open sesame 2", "hunter2", "über-42"]);
        for (text, hidden) in [
            ("X: open sesame", "X: ***"),
            ("xhunter2y", "x***y"),
            ("hunter2hunter2", "***"),
            ("open sesame 2", "***"),
            ("sip:über-42@h", "sip:***@h"),
            ("Hunter2", "Hunter2"),
        ] {
            assert_eq!(known.hide(text), hidden);
            assert_eq!(known.whose(text.as_bytes()).is_some(), text != hidden, "{text}");
        }
        assert_eq!(known.whose(b"hunter2"), Some("lab"));
    }

    #[test]
    fn what_may_be_seen_or_could_be_anything_is_not_looked_for() {
        let mut known = known(&["12345", "kitchen", "alice"]);
        known.add("lab", "", &[Credentials::new("alice-in-the-lab", "in-the-lab")]);
        let text = "12345 kitchen alice in-the-lab";
        assert_eq!(known.hide(text), text);
    }

    #[test]
    fn a_plain_word_is_left_on_a_screen_and_no_password_is_in_debug() {
        let known = known(&["dialog", "Dialog", "dial0g", "di al og"]);
        let seen: Vec<_> = known.on_screen().collect();
        assert_eq!(seen, ["di al og", "dial0g"]);
        assert_eq!(format!("{known:?}"), "KnownPasswords(4)");
    }
}
