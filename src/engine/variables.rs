//! `{{…}}` in the texts of a request: what stands for a value that is made when the request is.
//!
//! | written | stands for |
//! |---|---|
//! | `{{uuid}}` | a random UUID (version 4) |
//! | `{{random 8}}` | so many random letters and digits, at most 256 |
//! | `{{seq}}` | the number of the request, counted from 1 |
//! | `{{now}}` | the time, as RFC 3339 writes it in UTC |
//! | `{{now seconds}}` | the time in seconds since 1970 |
//! | `{{env NAME}}` | an environment variable |
//! | `{{name}}` | the config file's own, `[variables] name = "value"` |
//! | `{{{{` | two braces |
//!
//! A value is taken once per request: what is shown of it before is what is sent, and the same
//! words mean the same value wherever they stand in one request.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
};

use jiff::Timestamp;
use rand::{Rng, RngExt, SeedableRng, distr::Alphanumeric, rngs::StdRng};

use crate::engine::{Draft, DraftError, Field};

/// The most characters that `{{random N}}` makes.
const LONGEST: usize = 256;

/// The names that always mean something, each with a word of help.
pub const BUILT_IN: [(&str, &str); 6] = [
    ("uuid", "a random UUID"),
    ("random 8", "random letters and digits, so many"),
    ("seq", "the number of the request"),
    ("now", "the time, RFC 3339 in UTC"),
    ("now seconds", "the time in seconds since 1970"),
    ("env NAME", "an environment variable"),
];

/// The variables that the config file names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables {
    own: BTreeMap<String, String>,
    /// The names of the environment variables that hold passwords: no text shows their values.
    passwords: BTreeSet<String>,
}

/// The values that the variables of one request have.
#[derive(Clone, Debug)]
pub struct Values {
    taken: HashMap<String, String>,
    sequence: u64,
    seed: u64,
}

/// Why a text cannot be written out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    /// There is no such variable.
    #[error(
        "at {place}: there is no variable {name:?}; there are uuid, random N, seq, now, now seconds, env NAME{own}, and {{{{{{{{ writes two braces"
    )]
    Unknown {
        /// Where it stands.
        place: Place,
        /// What was written.
        name: String,
        /// Those of the config file, each after a comma.
        own: String,
    },
    /// The environment has no such variable.
    #[error("at {place}: the environment variable {name:?} is not set, or is no text")]
    Unset {
        /// Where it stands.
        place: Place,
        /// Its name.
        name: String,
    },
    /// The environment variable holds the password of an account.
    #[error(
        "at {place}: the environment variable {name:?} is the password of an account (password_env), which no text may show: take another variable"
    )]
    Password {
        /// Where it stands.
        place: Place,
        /// Its name.
        name: String,
    },
    /// The braces are never closed.
    #[error(
        "at {place}: this {{{{ is never closed: write }}}} after the name, or {{{{{{{{ for two braces"
    )]
    Open {
        /// Where it stands.
        place: Place,
    },
    /// The count of `random` is none.
    #[error("at {place}: random needs a number from 1 to 256, such as {{{{random 8}}}}")]
    BadCount {
        /// Where it stands.
        place: Place,
    },
}

/// Where something stands in a text: line and column in characters, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    line: usize,
    column: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            1 => write!(f, "{}", self.column),
            line => write!(f, "line {line}, {}", self.column),
        }
    }
}

impl Place {
    fn of(text: &str, offset: usize) -> Place {
        let before = &text[..offset];
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        Place {
            line: before.matches('\n').count() + 1,
            column: before[start..].chars().count() + 1,
        }
    }
}

impl Values {
    /// The values of the first request; `seed` is where all randomness comes from.
    pub fn new(seed: u64) -> Values {
        Values { taken: HashMap::new(), sequence: 1, seed }
    }

    /// The request was sent: the next one has values of its own.
    pub fn next_request(&mut self) {
        self.taken.clear();
        self.sequence += 1;
    }

    /// The request is that one, counted from 1.
    pub fn set_number(&mut self, number: u64) {
        if self.sequence != number {
            self.sequence = number;
            self.taken.remove("seq");
        }
    }

    /// Randomness for one value.
    fn random(&self, key: &str) -> StdRng {
        let mut hasher = DefaultHasher::new();
        (self.seed, self.sequence, key).hash(&mut hasher);
        StdRng::seed_from_u64(hasher.finish())
    }
}

impl Variables {
    /// The config file's own.
    pub fn new(own: BTreeMap<String, String>) -> Variables {
        Variables { own, passwords: BTreeSet::new() }
    }

    /// With environment variables whose values no text may show.
    #[must_use]
    pub fn without_passwords(self, passwords: BTreeSet<String>) -> Variables {
        Variables { passwords, ..self }
    }

    /// The names of the config file's own.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.own.keys().map(String::as_str)
    }

    /// Writes a text out.
    ///
    /// # Errors
    ///
    /// Every variable that has no value, with where it stands.
    pub fn expand(&self, text: &str, values: &mut Values) -> Result<String, Vec<VariableError>> {
        let mut out = String::with_capacity(text.len());
        let mut errors = Vec::new();
        let mut at = 0;
        while let Some(open) = text[at..].find("{{").map(|open| at + open) {
            out.push_str(&text[at..open]);
            let inside = open + 2;
            if text[inside..].starts_with("{{") {
                out.push_str("{{");
                at = inside + 2;
                continue;
            }
            let Some(close) = text[inside..].find("}}").map(|close| inside + close) else {
                errors.push(VariableError::Open { place: Place::of(text, open) });
                at = text.len();
                break;
            };
            match self.value(text[inside..close].trim(), Place::of(text, open), values) {
                Ok(value) => out.push_str(&value),
                Err(error) => errors.push(error),
            }
            at = close + 2;
        }
        out.push_str(&text[at..]);
        if errors.is_empty() { Ok(out) } else { Err(errors) }
    }

    fn value(
        &self,
        name: &str,
        place: Place,
        values: &mut Values,
    ) -> Result<String, VariableError> {
        let key = name.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(taken) = values.taken.get(&key) {
            return Ok(taken.clone());
        }
        let value = match key.split_once(' ') {
            Some(("env", name)) if self.passwords.contains(name) => {
                return Err(VariableError::Password { place, name: name.to_owned() });
            }
            Some(("env", name)) => std::env::var(name)
                .map_err(|_| VariableError::Unset { place, name: name.to_owned() })?,
            Some(("random", count)) => match count.parse::<usize>() {
                Ok(count @ 1..=LONGEST) => {
                    let random = values.random(&key);
                    random.sample_iter(Alphanumeric).take(count).map(char::from).collect()
                }
                _ => return Err(VariableError::BadCount { place }),
            },
            _ => match key.as_str() {
                own if self.own.contains_key(own) => self.own[own].clone(),
                "uuid" => uuid(&mut values.random(&key)),
                "random" => return Err(VariableError::BadCount { place }),
                "seq" => values.sequence.to_string(),
                "now" => format!("{:.0}", Timestamp::now()),
                "now seconds" => Timestamp::now().as_second().to_string(),
                _ => {
                    let own = self.names().map(|name| format!(", {name}")).collect();
                    return Err(VariableError::Unknown { place, name: name.to_owned(), own });
                }
            },
        };
        values.taken.insert(key, value.clone());
        Ok(value)
    }

    /// Writes every text of a draft out.
    ///
    /// # Errors
    ///
    /// Every variable that has no value, each with its field.
    pub fn expand_draft(
        &self,
        draft: &Draft,
        values: &mut Values,
    ) -> Result<Draft, Vec<DraftError>> {
        let mut errors = Vec::new();
        let mut out = draft.clone();
        let mut write = |field: Field, text: &mut String| match self.expand(text, values) {
            Ok(written) => *text = written,
            Err(found) => errors.extend(
                found.into_iter().map(|error| DraftError { field, message: error.to_string() }),
            ),
        };
        write(Field::Method, &mut out.method);
        write(Field::Target, &mut out.target);
        write(Field::Server, &mut out.server);
        write(Field::From, &mut out.from);
        write(Field::FromDisplayName, &mut out.from_display_name);
        write(Field::FromTag, &mut out.from_tag);
        write(Field::To, &mut out.to);
        write(Field::ToDisplayName, &mut out.to_display_name);
        write(Field::ToTag, &mut out.to_tag);
        write(Field::CallId, &mut out.call_id);
        write(Field::CSeq, &mut out.cseq);
        out.routes.iter_mut().for_each(|route| write(Field::Routes, route));
        out.headers.iter_mut().for_each(|header| write(Field::Headers, header));
        write(Field::ContentType, &mut out.content_type);
        // A body that is no text has no variables.
        if let Ok(mut body) = String::from_utf8(std::mem::take(&mut out.body)) {
            write(Field::Body, &mut body);
            out.body = body.into_bytes();
        } else {
            out.body.clone_from(&draft.body);
        }
        if errors.is_empty() { Ok(out) } else { Err(errors) }
    }
}

/// A text that [`Variables::expand`] gives back as it is.
pub fn literal(text: &str) -> String {
    text.replace("{{", "{{{{")
}

/// The same for bytes; what is no text has no variables.
pub fn literal_bytes(bytes: Vec<u8>) -> Vec<u8> {
    match String::from_utf8(bytes) {
        Ok(text) => literal(&text).into_bytes(),
        Err(error) => error.into_bytes(),
    }
}

/// RFC 9562 §5.4: 122 random bits.
fn uuid(random: &mut impl Rng) -> String {
    let (high, low) = (random.next_u64(), random.next_u64());
    let high = high & !0xf000 | 0x4000;
    let low = low & !(0b11 << 62) | (0b10 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}
