//! What is said of a key that does nothing where one is.

use std::time::Instant;

use super::{lacks, scopes, table};
use crate::ui::{
    bindings::{Action, Key, Scope},
    model::{Mode, Model, Notice, Pane},
};

/// Says what there is to say of a key that does nothing.
pub(super) fn unbound(model: &mut Model, key: Key, now: Instant) {
    if let Mode::Quitting { .. } | Mode::Left = model.mode {
        return;
    }
    if model.mode == Mode::Browse
        && let Some(text) = elsewhere(model, key)
    {
        model.notice = Some(Notice::error(now, text));
        return;
    }
    let help = scopes(model).iter().find_map(|scope| model.bindings.key(*scope, Action::Help));
    let text = match help {
        Some(help) => format!("{key} does nothing here: {help} for help"),
        None => format!("{key} does nothing here"),
    };
    model.notice = Some(Notice::info(now, text));
}

/// Where a key acts that does not where the focus is, as a sentence.
fn elsewhere(model: &Model, key: Key) -> Option<String> {
    let (scope, place) = match model.browse.pane {
        Pane::Table => (Scope::Detail, "the detail"),
        Pane::Detail => (Scope::Table, "the table"),
    };
    let of = |scope| model.bindings.scope(scope).find(|binding| binding.keys.contains(&key));
    Some(if let Some(binding) = of(scope) {
        let does = binding.help.split([':', ';']).next().unwrap_or_default();
        let pane = table::key(model, Scope::Browse, Action::NextPane);
        format!("{key} is for {place} ({does}): {pane} goes there")
    } else if let Some(binding) = of(Scope::Found)
        && let Some(lack) = lacks(model, Scope::Found, binding.action)
    {
        format!("{key} ({}) needs {lack}", binding.help)
    } else if of(Scope::Found).is_some() {
        let pane = table::key(model, Scope::Browse, Action::NextPane);
        format!("{key} is for the search in the detail: {pane} goes there")
    } else {
        return None;
    })
}
