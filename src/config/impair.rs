//! `[impair]`: what is done to messages on purpose.

use toml::de::DeValue;

use crate::{
    config::{
        schema::Place,
        table::{Problems, Table, wrong_type},
    },
    engine::{Impairments, impair::ImpairError},
};

/// Reads the rules and the seed; none where the file says nothing of them.
pub(super) fn read(problems: &mut Problems<'_>, top: &Table<'_>) -> Impairments {
    let mut impairments = Impairments::default();
    let Some(value) = top.value("impair") else { return impairments };
    let start = value.span().start;
    let DeValue::Table(table) = value.get_ref() else {
        let what = "a table: write [impair] and its keys below";
        problems.note(start, wrong_type("impair", what, value.get_ref()));
        return impairments;
    };
    let table = Table::open(problems, table, start, Place::Impair);
    read_rules(problems, &table, &mut impairments);
    if let Some((seed, _)) = table.integer(problems, "seed", 0..=MAX_SEED, "your choice") {
        impairments.seed = Some(seed);
    }
    impairments
}

fn read_rules(problems: &mut Problems<'_>, table: &Table<'_>, impairments: &mut Impairments) {
    const WHAT: &str = "a list of rules such as [\"out drop 30%\"]";
    let Some(value) = table.value("rules") else { return };
    let DeValue::Array(list) = value.get_ref() else {
        return problems.note(value.span().start, wrong_type("rules", WHAT, value.get_ref()));
    };
    for value in list.iter() {
        let offset = value.span().start;
        let DeValue::String(text) = value.get_ref() else {
            problems.note(offset, wrong_type("rules", WHAT, value.get_ref()));
            continue;
        };
        match text.parse::<Impairments>() {
            Ok(rules) => impairments.extend(rules),
            Err(ImpairError { column, message }) => {
                problems.note(offset, format!("rules: {text:?}, column {column}: {message}"));
            }
        }
    }
}

/// As much as a TOML number holds.
const MAX_SEED: u64 = i64::MAX as u64;
