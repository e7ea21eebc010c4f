//! The palette: every action by its name, and what one lacks that cannot act now.

use std::time::Instant;

use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{CaseMatching, Normalization, Pattern},
};

use crate::{
    engine::Command,
    ui::{
        bindings::{Action, Binding, Scope},
        model::{Mode, Model, Pane, Prompt, Purpose, Row},
        update::{
            self,
            table::{key, open_prompt, say},
        },
    },
};

/// What a match in the name counts more than one in the sentence.
const NAME: u32 = 10_000;

/// Opens it, with every action.
pub(super) fn open(model: &mut Model) {
    let composing = model.mode == Mode::Compose;
    open_prompt(model, Prompt::palette(composing));
    find(model);
}

/// Looks for the actions that are meant: the best first, and what can act now before what cannot
/// where nothing is typed.
pub(super) fn find(model: &mut Model) {
    let wanted = model.prompt.input.value().trim().to_owned();
    let pattern = Pattern::parse(&wanted, CaseMatching::Ignore, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut buffer = Vec::new();
    let mut score = |text: &str| pattern.score(Utf32Str::new(text, &mut buffer), &mut matcher);
    let mut best: Vec<(u32, Scope, Action)> = Vec::new();
    for binding in model.bindings.all().iter().filter(|binding| is_offered(binding)) {
        let name = binding.action.name().replace('-', " ");
        let of_name = score(&name).map(|score| score + NAME);
        let Some(mut score) = of_name.or_else(|| score(binding.help)) else { continue };
        if wanted.is_empty() {
            score = u32::from(lacks(model, binding.scope, binding.action).is_none());
        }
        best.push((score, binding.scope, binding.action));
    }
    best.sort_by_key(|(score, ..)| std::cmp::Reverse(*score));
    if let Purpose::Palette { found, chosen, .. } = &mut model.prompt.purpose {
        *found = best.into_iter().map(|(_, scope, action)| (scope, action)).collect();
        *chosen = 0;
    }
}

/// Whether it can be meant by name: not what only moves or types.
fn is_offered(binding: &Binding) -> bool {
    let types = matches!(binding.scope, Scope::Find | Scope::Prompt | Scope::Quitting);
    let elsewhere =
        !matches!(binding.scope, Scope::Browse | Scope::Table | Scope::Detail | Scope::Found)
            && (update::is_move(binding.action)
                || matches!(
                    binding.action,
                    Action::Accept | Action::Back | Action::Quit | Action::Help
                ));
    !types && !elsewhere && binding.action != Action::Palette
}

/// Does what is chosen; where it cannot be done, says what it lacks.
pub(super) fn accept(model: &mut Model, now: Instant) -> Option<Command> {
    let Purpose::Palette { found, chosen, .. } = &model.prompt.purpose else { return None };
    let Some(&(scope, action)) = found.get(*chosen) else {
        say(model, now, "nothing is called like that: type less, or leave with Esc");
        return None;
    };
    let lack = lacks(model, scope, action);
    model.mode = match (scope, &lack) {
        (Scope::Compose, _) | (_, Some(_)) => model.prompt.beneath(),
        _ => Mode::Browse,
    };
    if let Some(lack) = lack {
        say(model, now, format!("{} needs {lack}", action.name()));
        return None;
    }
    match scope {
        Scope::Table => model.browse.pane = Pane::Table,
        Scope::Detail | Scope::Found => model.browse.pane = Pane::Detail,
        // What is chosen in a menu can be chosen without it.
        Scope::Copy => model.mode = Mode::Copy,
        Scope::Again => model.mode = Mode::Again { edits: false, at: 0 },
        _ => {}
    }
    update::update(model, action, now)
}

/// What an action of a scope would need to act now, as far as the screen can know.
pub fn lacks(model: &Model, scope: Scope, action: Action) -> Option<String> {
    let open = |what: &str, action| {
        Some(format!("{what} to be open: {} opens it", key(model, Scope::Browse, action)))
    };
    match scope {
        Scope::Browse | Scope::Table | Scope::Everywhere => lack_of(model, action),
        Scope::Detail if model.selected().is_none() => Some("a chosen context".to_owned()),
        Scope::Found if model.detail.wanted().is_none() => {
            Some(format!("a search in the detail: {}", key(model, Scope::Detail, Action::Search)))
        }
        Scope::Detail | Scope::Found => None,
        Scope::Accounts => open("the list of accounts", Action::Accounts),
        Scope::Copy => lack_of(model, Action::Copy),
        Scope::Again => lack_of(model, Action::Resend),
        Scope::Compose if model.mode == Mode::Prompt && model.prompt.is_over_form() => None,
        Scope::Compose => open("the form", Action::Compose),
        Scope::Columns => {
            let key = key(model, Scope::Table, Action::Columns);
            Some(format!("the choice of columns to be open: {key} opens it"))
        }
        Scope::Log | Scope::Overlay => open("the log", Action::Log),
        Scope::Find | Scope::Prompt | Scope::Quitting => Some("another moment".to_owned()),
    }
}

/// What an action lacks in the table and the detail.
pub fn lack_of(model: &Model, action: Action) -> Option<String> {
    let chosen = model.selected().is_some();
    let row_has = |of: fn(&Row) -> bool| model.selected().is_some_and(of);
    let marked = !model.table.marks.is_empty();
    let lack = match action {
        Action::Cancel if !marked && !model.can_cancel() => "a chosen INVITE that is pending",
        Action::HangUp if !marked && !model.can_hang_up() => {
            "a chosen INVITE with a leg that is up"
        }
        Action::Resend | Action::Label | Action::Drop if !chosen && !marked => "a chosen context",
        Action::NextPane | Action::Mark | Action::Copy | Action::EditAgain if !chosen => {
            "a chosen context"
        }
        Action::InDialog
            if !row_has(|row| !update::open_legs(row).is_empty() || update::is_subscribed(row)) =>
        {
            "a chosen context with an open dialog"
        }
        Action::Advice if !row_has(|row| update::advice(row).is_some()) => {
            "a chosen context whose answer advises something"
        }
        Action::Answer if !row_has(|row| update::waiting(row).is_some()) => {
            "a request of the peer that waits for an answer"
        }
        Action::Filter | Action::Jump | Action::SortNext if model.facts.contexts.is_empty() => {
            "a context in the table"
        }
        _ => return None,
    };
    Some(lack.to_owned())
}
