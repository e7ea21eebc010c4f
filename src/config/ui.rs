//! `[ui]`: how the dashboard looks. Which themes there are the dashboard knows: here a theme is a
//! name, with its place in the file.

use toml::de::DeValue;

use crate::config::{
    Problem,
    schema::Place,
    table::{Problems, Table, wrong_type},
};

/// How the dashboard looks; what is left out has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ui {
    /// Whether its own signs are ASCII; `None` leaves it to the locale.
    pub ascii: Option<bool>,
    /// The name of the theme, and where it stands; that message is empty.
    pub theme: Option<(String, Problem)>,
}

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
        theme: theme.map(|(name, span)| (name.to_owned(), problems.place(span.start))),
    }
}
