//! `[ui]`: how the dashboard looks. Which themes there are the dashboard knows: here a theme is a
//! name, with its place in the file.

use toml::de::DeValue;

use crate::config::{
    Problem,
    schema::{self, Place},
    table::{Problems, Table, wrong_type},
};

/// How the dashboard looks; what is left out has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ui {
    /// Whether its own signs are ASCII; `None` leaves it to the locale.
    pub ascii: Option<bool>,
    /// How the terminal tells what happened, one of [`NOTIFY`]; `None` is not at all.
    pub notify: Option<&'static str>,
    /// On which occasions, each one of [`OCCASIONS`]; `None` is on all.
    pub notify_on: Option<Vec<&'static str>>,
    /// The name of the theme, and where it stands; that message is empty.
    pub theme: Option<(String, Problem)>,
}

/// How the terminal can tell what happened.
pub const NOTIFY: [&str; 4] = ["off", "bell", "osc9", "osc777"];
/// On which occasions.
pub const OCCASIONS: [&str; 3] = ["accepted", "failed", "received"];

pub(super) fn read(problems: &mut Problems<'_>, top: &Table<'_>) -> Ui {
    let Some(value) = top.value("ui") else { return Ui::default() };
    let start = value.span().start;
    let DeValue::Table(table) = value.get_ref() else {
        let what = "a table: write [ui] and its keys below";
        problems.note(start, wrong_type("ui", what, value.get_ref()));
        return Ui::default();
    };
    let table = Table::open(problems, table, start, Place::Ui);
    let theme = table.string(problems, "theme", "the name of a theme such as \"dark\"");
    Ui {
        ascii: table.boolean(problems, "ascii"),
        notify: schema::read_choice(problems, &table, "notify", &NOTIFY.map(|word| (word, word))),
        notify_on: table.value("notify_on").map(|_| occasions(problems, &table)),
        theme: theme.map(|(name, span)| (name.to_owned(), problems.place(span.start))),
    }
}

fn occasions(problems: &mut Problems<'_>, table: &Table<'_>) -> Vec<&'static str> {
    let what = "one of accepted, failed and received, or a list of them";
    let mut occasions = Vec::new();
    for (text, span) in table.strings(problems, "notify_on", what) {
        match OCCASIONS.into_iter().find(|known| *known == text) {
            Some(known) => occasions.push(known),
            None => {
                let hint = schema::hint(text, OCCASIONS);
                problems.note(span.start, format!("notify_on must be {what}, not {text:?}{hint}"));
            }
        }
    }
    occasions
}
