//! `[limits]`: how much a message may hold.

use std::ops::RangeInclusive;

use toml::de::DeValue;

use crate::{
    config::{
        schema::Place,
        table::{Problems, Table, wrong_type},
    },
    sip::Limits,
};

/// The most bytes that a message or a line may be allowed.
pub const BYTES: RangeInclusive<u64> = 1..=1 << 30;
/// The most headers, and parameters of one, that may be allowed.
pub const COUNT: RangeInclusive<u64> = 1..=1_000_000;
/// How deep multipart bodies may be allowed to stand in each other.
pub const DEPTH: RangeInclusive<u64> = 1..=64;

/// Reads the table; what it leaves out has its default.
pub(super) fn read(problems: &mut Problems<'_>, top: &Table<'_>) -> Limits {
    let mut limits = Limits::default();
    let Some(value) = top.value("limits") else { return limits };
    let offset = value.span().start;
    let DeValue::Table(table) = value.get_ref() else {
        let what = "a table: write [limits] and its keys below";
        problems.note(offset, wrong_type("limits", what, value.get_ref()));
        return limits;
    };
    let table = Table::open(problems, table, offset, Place::Limits);
    for (key, range, unit, field) in [
        ("max_message_bytes", BYTES, "bytes", &mut limits.message),
        ("max_headers", COUNT, "headers", &mut limits.headers),
        ("max_line_bytes", BYTES, "bytes", &mut limits.line),
        ("max_parameters", COUNT, "parameters", &mut limits.parameters),
        ("max_nesting", DEPTH, "levels", &mut limits.nesting),
    ] {
        if let Some((number, _)) = table.integer(problems, key, range, unit) {
            // The range fits any usize.
            *field = number as usize;
        }
    }
    limits
}
