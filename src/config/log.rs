//! `[log]`: how much of the dashboard's log is shown at first, and the file that it is written to.

use std::path::{Path, PathBuf};

use toml::de::DeValue;

use crate::config::{
    schema::{self, Place},
    table::{Problems, Table, wrong_type},
};

/// What becomes of the log; what is left out has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// Up to which level entries are shown at first and written, one of [`LEVELS`].
    pub level: Option<&'static str>,
    /// The file that it is written to; `None` is none.
    pub file: Option<PathBuf>,
}

/// How much an entry can matter, what matters most first.
pub const LEVELS: [&str; 4] = ["error", "warning", "info", "debug"];

pub(super) fn read(problems: &mut Problems<'_>, top: &Table<'_>) -> Log {
    let Some(value) = top.value("log") else { return Log::default() };
    let start = value.span().start;
    let DeValue::Table(table) = value.get_ref() else {
        let what = "a table: write [log] and its keys below";
        problems.note(start, wrong_type("log", what, value.get_ref()));
        return Log::default();
    };
    let table = Table::open(problems, table, start, Place::Log);
    let file = table.string(problems, "file", "the name of a file").and_then(|(name, span)| {
        if name.is_empty() {
            problems.note(span.start, "file must be the name of a file, not \"\"".to_owned());
            return None;
        }
        Some(PathBuf::from(name))
    });
    let level = schema::read_choice(problems, &table, "level", &LEVELS.map(|word| (word, word)));
    Log { level, file }
}

/// Takes a file that is named without a folder from the root to be in that of the config file.
pub(super) fn relative_to(log: &mut Log, folder: &Path) {
    if let Some(file) = &mut log.file {
        *file = folder.join(&file);
    }
}
