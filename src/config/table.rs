//! Typed reading of one TOML table, noting every mistake instead of stopping at the first.

use std::ops::{Range, RangeInclusive};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::config::{problem::Problem, schema};

/// A value, and where it stands in the text.
pub(super) type At<T> = (T, Range<usize>);

/// The mistakes found so far.
pub(super) struct Problems<'t> {
    text: &'t str,
    found: Vec<(usize, Problem)>,
}

impl<'t> Problems<'t> {
    pub(super) fn new(text: &'t str) -> Problems<'t> {
        Problems { text, found: Vec::new() }
    }

    /// Notes a mistake.
    pub(super) fn note(&mut self, offset: usize, message: String) {
        self.found.push((offset, Problem::at(self.text, offset, message)));
    }

    /// The line on which an offset stands.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.place(offset).line
    }

    /// Where an offset stands, for a mistake that is found later.
    pub(super) fn place(&self, offset: usize) -> Problem {
        Problem::at(self.text, offset, String::new())
    }

    /// Every mistake, in the order of the text.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        self.found.sort_by_key(|(offset, _)| *offset);
        self.found.into_iter().map(|(_, problem)| problem).collect()
    }
}

/// One table of the file.
pub(super) struct Table<'a> {
    table: &'a DeTable<'a>,
    /// Where it begins.
    pub(super) start: usize,
}

impl<'a> Table<'a> {
    /// Takes a table, and notes each key that it must not have.
    pub(super) fn open(
        problems: &mut Problems<'_>,
        table: &'a DeTable<'a>,
        start: usize,
        place: schema::Place,
    ) -> Table<'a> {
        for key in table.keys() {
            if let Some(message) = schema::unknown(key.get_ref(), place) {
                problems.note(key.span().start, message);
            }
        }
        Table { table, start }
    }

    /// A value of any type.
    pub(super) fn value(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.get(key)
    }

    /// A string.
    pub(super) fn string(
        &self,
        problems: &mut Problems<'_>,
        key: &str,
        what: &str,
    ) -> Option<At<&'a str>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some((text, value.span())),
            other => {
                problems.note(value.span().start, wrong_type(key, what, other));
                None
            }
        }
    }

    /// A string, or a list of them; `what` says both.
    pub(super) fn strings(
        &self,
        problems: &mut Problems<'_>,
        key: &str,
        what: &str,
    ) -> Vec<At<&'a str>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let members = match value.get_ref() {
            DeValue::Array(list) => list.iter().collect(),
            _ => vec![value],
        };
        let mut texts = Vec::new();
        for member in members {
            match member.get_ref() {
                DeValue::String(text) => texts.push((&**text, member.span())),
                other => problems.note(member.span().start, wrong_type(key, what, other)),
            }
        }
        texts
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self, problems: &mut Problems<'_>, key: &str) -> Option<bool> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Boolean(value) => Some(*value),
            other => {
                problems.note(value.span().start, wrong_type(key, "true or false", other));
                None
            }
        }
    }

    /// A whole number within bounds.
    pub(super) fn integer(
        &self,
        problems: &mut Problems<'_>,
        key: &str,
        allowed: RangeInclusive<u64>,
        unit: &str,
    ) -> Option<At<u64>> {
        let value = self.value(key)?;
        let (low, high) = (allowed.start(), allowed.end());
        let what = format!("a whole number of {unit} from {low} to {high}");
        match value.get_ref() {
            DeValue::Integer(number) => {
                let parsed = u64::from_str_radix(number.as_str(), number.radix()).ok();
                let Some(parsed) = parsed.filter(|parsed| allowed.contains(parsed)) else {
                    problems
                        .note(value.span().start, format!("{key} must be {what}, not {number}"));
                    return None;
                };
                Some((parsed, value.span()))
            }
            other => {
                problems.note(value.span().start, wrong_type(key, &what, other));
                None
            }
        }
    }
}

/// `key must be X, not a Y`; of a secret not even what it looks like is shown.
pub(super) fn wrong_type(key: &str, what: &str, got: &DeValue<'_>) -> String {
    let got = match got {
        // Whatever stands there may be the secret itself, and goes to a terminal or a log.
        _ if schema::is_secret(key) => "what stands there".to_owned(),
        DeValue::String(text) => format!("the string {text:?}"),
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Float(number) => format!("the number {number}"),
        DeValue::Boolean(value) => format!("{value}"),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    };
    format!("{key} must be {what}, not {got}")
}
