//! How a filter is read.

use std::time::Duration;

use super::{NumberField, Pattern, Side, Term, Test, TextField, TimeField};

/// A mistake in a filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at {at}: {message}")]
pub struct FilterError {
    /// The character at which it stands, from 1 on.
    pub at: usize,
    /// What is wrong, and what would be right.
    pub message: String,
    /// The byte at which the condition with the mistake begins: what stands before it is good.
    pub term: usize,
}

/// Reads every term.
pub(super) fn terms(text: &str) -> Result<Vec<Term>, FilterError> {
    let mut reader = Reader { text, at: 0 };
    let mut terms = Vec::new();
    loop {
        reader.skip(char::is_whitespace);
        if reader.rest().is_empty() {
            return Ok(terms);
        }
        let term = reader.at;
        terms.push(reader.term().map_err(|error| FilterError { term, ..error })?);
    }
}

struct Reader<'t> {
    text: &'t str,
    /// The byte that is read next.
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn skip(&mut self, wanted: impl Fn(char) -> bool) {
        self.at = self.text.len() - self.rest().trim_start_matches(wanted).len();
    }

    fn take(&mut self, wanted: &str) -> bool {
        let found = self.rest().starts_with(wanted);
        self.at += if found { wanted.len() } else { 0 };
        found
    }

    fn error<T>(&self, at: usize, message: impl Into<String>) -> Result<T, FilterError> {
        let at = self.text[..at].chars().count() + 1;
        Err(FilterError { at, message: message.into(), term: 0 })
    }

    fn term(&mut self) -> Result<Term, FilterError> {
        let mut negated = false;
        while self.take("!") {
            negated = !negated;
        }
        let start = self.at;
        let name: &str = {
            let rest = self.rest();
            let is_name = |c: char| c.is_ascii_alphabetic() || c == '-';
            &rest[..rest.len() - rest.trim_start_matches(is_name).len()]
        };
        let sign = self.rest()[name.len()..].chars().next();
        let is_scheme =
            ["sip", "sips", "tel"].iter().any(|scheme| name.eq_ignore_ascii_case(scheme));
        let test = match sign {
            Some(':' | '<' | '>' | '=') if !name.is_empty() && !is_scheme => {
                self.at += name.len();
                self.field(start, name)?
            }
            _ => Test::Anywhere(self.pattern("a word")?),
        };
        Ok(Term { negated, test })
    }

    /// What stands after a field's name.
    fn field(&mut self, start: usize, name: &str) -> Result<Test, FilterError> {
        let name = &*name.to_ascii_lowercase();
        if let Some(field) = find(&TextField::ALL, name) {
            if !self.take(":") && !self.take("=") {
                return self.error(self.at, format!("{name} is text: write {name}:… "));
            }
            return Ok(Test::Field(field, self.pattern(&format!("{name}: and what to look for"))?));
        }
        if let Some(field) = find(&NumberField::ALL, name) {
            return self.number(field, name);
        }
        if let Some(field) = find(&TimeField::ALL, name) {
            return self.time(field, name);
        }
        let hint = nearest(name).map(|near| format!(": did you mean {near}?"));
        let hint = hint.unwrap_or_else(|| {
            ": put it in quotes to look for it as it is, or name one of ".to_owned()
                + &names().collect::<Vec<_>>().join(", ")
        });
        self.error(start, format!("{name:?} is no field{hint}"))
    }

    fn number(&mut self, field: NumberField, name: &str) -> Result<Test, FilterError> {
        let sign = self.sign();
        let start = self.at;
        let value = self.word();
        let code = field == NumberField::Code;
        let wanted = if code { "a code such as 486, or 4xx" } else { "a whole number" };
        if code
            && matches!(sign, ":" | "=")
            && let [class @ b'1'..=b'6', b'x' | b'X', b'x' | b'X'] = value.as_bytes()
        {
            let first = u64::from(class - b'0') * 100;
            return Ok(Test::Number(field, first, first + 99));
        }
        let Ok(number) = value.parse::<u64>() else {
            return self
                .error(start, format!("{name} needs {wanted}: {name}{sign}{}", example(field)));
        };
        let (low, high) = match sign {
            "<" => match number.checked_sub(1) {
                Some(high) => (0, high),
                None => return self.error(start, "nothing is less than 0"),
            },
            "<=" => (0, number),
            ">" => (number.saturating_add(1), u64::MAX),
            ">=" => (number, u64::MAX),
            _ => (number, number),
        };
        Ok(Test::Number(field, low, high))
    }

    fn time(&mut self, field: TimeField, name: &str) -> Result<Test, FilterError> {
        let at = self.at;
        let side = match self.sign() {
            "<" | "<=" => Side::Below,
            ">" | ">=" => Side::Above,
            _ => {
                return self.error(at, format!("{name} is a time: write {name}>10s or {name}<10s"));
            }
        };
        let start = self.at;
        match duration(self.word()) {
            Some(bound) => Ok(Test::Time(field, side, bound)),
            None => self.error(
                start,
                format!("{name} needs a time with its unit, such as 10s, 5ms, 1.5m or 2h"),
            ),
        }
    }

    fn sign(&mut self) -> &'static str {
        let signs = ["<=", ">=", "<", ">", ":", "="];
        signs.into_iter().find(|sign| self.take(sign)).unwrap_or_default()
    }

    /// A plain text, a quoted one, or `~` and a regular expression.
    fn pattern(&mut self, what: &str) -> Result<Pattern, FilterError> {
        let start = self.at;
        if self.take("~") {
            let at = self.at;
            let text = self.value()?;
            if text.is_empty() {
                return self.error(start, "~ needs a regular expression after it");
            }
            let regex = Pattern::regex(&text);
            return regex.or_else(|why| self.error(at, format!("not a regular expression: {why}")));
        }
        let text = self.value()?;
        if text.is_empty() {
            return self.error(start, format!("{what} is missing here"));
        }
        Ok(Pattern::plain(&text))
    }

    fn value(&mut self) -> Result<String, FilterError> {
        let start = self.at;
        if !self.take("\"") {
            return Ok(self.word().to_owned());
        }
        let mut text = String::new();
        let mut escaped = false;
        for (at, c) in self.rest().char_indices() {
            match c {
                '"' if !escaped => {
                    self.at += at + 1;
                    return Ok(text);
                }
                '\\' if !escaped => escaped = true,
                c => {
                    // Only a quote is escaped; a regular expression keeps its backslashes.
                    text.extend((escaped && c != '"').then_some('\\'));
                    text.push(c);
                    escaped = false;
                }
            }
        }
        self.error(start, "the quote that begins here does not end")
    }

    /// All up to the next space.
    fn word(&mut self) -> &'t str {
        let rest = self.rest();
        let word = &rest[..rest.find(char::is_whitespace).unwrap_or(rest.len())];
        self.at += word.len();
        word
    }
}

const fn example(field: NumberField) -> &'static str {
    match field {
        NumberField::Attempts => "3",
        NumberField::Code => "486",
        NumberField::Number => "12",
    }
}

/// `10s`, `5ms`, `1.5m`.
fn duration(text: &str) -> Option<Duration> {
    let digits =
        text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * unit).ok()
}

fn find<T: Copy>(fields: &[(&str, T)], name: &str) -> Option<T> {
    fields.iter().find(|(known, _)| *known == name).map(|(_, field)| *field)
}

fn names() -> impl Iterator<Item = &'static str> {
    let text = TextField::ALL.iter().map(|(name, _)| *name).filter(|name| *name != "callid");
    let numbers = NumberField::ALL.iter().map(|(name, _)| *name);
    text.chain(numbers).chain(TimeField::ALL.iter().map(|(name, _)| *name))
}

fn nearest(name: &str) -> Option<&'static str> {
    // A long word is not measured: the distance takes time quadratic in its length.
    if name.len() > 20 {
        return None;
    }
    let near = |known: &&str| {
        let distance = strsim::damerau_levenshtein(name, known);
        distance <= 2 || (name.len() >= 2 && known.starts_with(name))
    };
    names().filter(near).min_by_key(|known| strsim::damerau_levenshtein(name, known))
}
