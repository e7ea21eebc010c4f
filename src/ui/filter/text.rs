//! A text or a regular expression that is looked for, whatever the case.

use regex::{Regex, RegexBuilder};

/// How many bytes a compiled expression may take.
const COMPILED: usize = 1 << 20;

#[derive(Clone, Debug)]
pub(super) enum Pattern {
    /// In lower case.
    Plain(Box<str>),
    Regex(Regex),
}

impl Pattern {
    pub(super) fn plain(text: &str) -> Pattern {
        Pattern::Plain(text.to_lowercase().into())
    }

    /// The expression; or what is wrong with it, in a few words.
    pub(super) fn regex(text: &str) -> Result<Pattern, String> {
        match RegexBuilder::new(text).case_insensitive(true).size_limit(COMPILED).build() {
            Ok(regex) => Ok(Pattern::Regex(regex)),
            Err(regex::Error::CompiledTooBig(_)) => Err("it would need too much memory".to_owned()),
            // The last line says what it is; those before draw where.
            Err(error) => {
                let text = error.to_string();
                let last = text.lines().last().unwrap_or_default().trim();
                Err(last.strip_prefix("error: ").unwrap_or(last).to_owned())
            }
        }
    }

    pub(super) fn is_in(&self, text: &str) -> bool {
        match self {
            Pattern::Plain(wanted) => contains(text, wanted),
            Pattern::Regex(regex) => regex.is_match(text),
        }
    }

    /// Whether it cannot be in any part of a text, whatever the part. Says no where only a look at the
    /// part can tell.
    pub(super) fn is_out(&self, text: Option<&str>) -> bool {
        match (self, text) {
            (Pattern::Plain(_), Some(text)) => !self.is_in(text),
            (Pattern::Regex(_), Some(_)) => false,
            (_, None) => true,
        }
    }

    /// Whether it can hold what is no word of a reason phrase: digits of a code, a space, anything.
    pub(super) fn may_span(&self) -> bool {
        match self {
            Pattern::Plain(wanted) => wanted.bytes().any(|b| b.is_ascii_digit()),
            Pattern::Regex(_) => true,
        }
    }

    /// Whether a URI's scheme is part of what is looked for.
    pub(super) fn names_a_scheme(&self) -> bool {
        match self {
            Pattern::Plain(wanted) => {
                ["sip:", "sips:", "tel:"].iter().any(|scheme| wanted.starts_with(scheme))
            }
            Pattern::Regex(_) => false,
        }
    }
}

/// Whether a text holds another, which is in lower case already.
fn contains(text: &str, wanted: &str) -> bool {
    if !wanted.is_ascii() || !text.is_ascii() {
        return text.to_lowercase().contains(wanted);
    }
    let (text, wanted) = (text.as_bytes(), wanted.as_bytes());
    let Some((&first, rest)) = wanted.split_first() else { return true };
    let Some(last) = text.len().checked_sub(wanted.len()) else { return false };
    memchr::memchr2_iter(first, first.to_ascii_uppercase(), &text[..=last])
        .any(|at| text[at + 1..at + wanted.len()].eq_ignore_ascii_case(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_whatever_its_case() {
        for (text, wanted, found) in [
            ("Ring@Demo.test", "ring@demo", true),
            ("Ring", "ring@demo", false),
            ("rring", "ring", true),
            ("", "", true),
            ("", "x", false),
            ("ÄPFEL", "äpfel", true),
            ("abc", "bc", true),
            ("abc", "cd", false),
        ] {
            assert_eq!(contains(text, wanted), found, "{wanted} in {text}");
        }
    }
}
