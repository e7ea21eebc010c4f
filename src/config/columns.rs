//! `[table]`: the columns of the dashboard's table.

use toml::de::DeValue;

use crate::config::{
    schema::{self, Place},
    table::{Problems, Table, wrong_type},
};

/// A column of the table, as the file names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// One of [`NAMES`].
    pub name: &'static str,
    /// How many characters wide; `None` leaves it to the table.
    pub width: Option<u16>,
}

/// The columns that there are.
pub const NAMES: [&str; 15] = [
    "number", "method", "target", "state", "last", "attempts", "age", "cause", "rtt", "duration",
    "timer", "flow", "account", "call-id", "label",
];

/// The widest that a column can be.
pub const WIDEST: u16 = 120;

/// Reads the columns; none where the file says nothing of them.
pub(super) fn read(problems: &mut Problems<'_>, top: &Table<'_>) -> Vec<Column> {
    let Some(value) = top.value("table") else { return Vec::new() };
    let start = value.span().start;
    let DeValue::Table(table) = value.get_ref() else {
        let what = "a table: write [table] and its keys below";
        problems.note(start, wrong_type("table", what, value.get_ref()));
        return Vec::new();
    };
    let table = Table::open(problems, table, start, Place::Table);
    let Some(value) = table.value("columns") else { return Vec::new() };
    let what = "a list of columns such as [\"number\", \"target:30\"]";
    let DeValue::Array(list) = value.get_ref() else {
        problems.note(value.span().start, wrong_type("columns", what, value.get_ref()));
        return Vec::new();
    };
    if list.is_empty() {
        let what = "columns: the list is empty: name a column, or leave the key out";
        problems.note(value.span().start, what.to_owned());
    }
    let mut columns: Vec<Column> = Vec::new();
    for value in list.iter() {
        let DeValue::String(text) = value.get_ref() else {
            problems.note(value.span().start, wrong_type("columns", what, value.get_ref()));
            continue;
        };
        match column(text) {
            Ok(column) if columns.iter().any(|known| known.name == column.name) => problems.note(
                value.span().start,
                format!("columns: {} is there twice: leave one out", column.name),
            ),
            Ok(column) => columns.push(column),
            Err(message) => problems.note(value.span().start, format!("columns: {message}")),
        }
    }
    columns
}

/// What is meant by a column and a number without a colon between, as in `target 40`.
fn width_hint(text: &str) -> Option<String> {
    let digits = text.len() - text.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (name, width) = text.split_at(text.len() - digits);
    let name = name.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
    let known = NAMES.into_iter().find(|known| *known == name)?;
    (digits > 0).then(|| format!(": a width stands behind a colon, \"{known}:{width}\""))
}

/// `target`, or `target:30`.
fn column(text: &str) -> Result<Column, String> {
    let (name, width) = match text.split_once(':') {
        Some((name, width)) => (name, Some(width)),
        None => (text, None),
    };
    let Some(name) = NAMES.into_iter().find(|known| *known == name) else {
        let hint = width_hint(name).unwrap_or_else(|| schema::hint(name, NAMES));
        return Err(format!(
            "there is no column {name:?}{hint}; the columns are {}",
            NAMES.join(", ")
        ));
    };
    let read = |text: &str| match text.parse() {
        Ok(width @ 2..=WIDEST) => Ok(width),
        _ => Err(format!("{name}:{text}: a width is a number from 2 to {WIDEST}")),
    };
    Ok(Column { name, width: width.map(read).transpose()? })
}
