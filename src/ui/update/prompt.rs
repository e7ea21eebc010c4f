//! What is typed at the bottom: a filter, a label, where to jump to; and the choice of columns.

use std::time::Instant;

use crossterm::event::{Event as Input, KeyEvent};
use tui_input::backend::crossterm::EventHandler;

use crate::{
    engine::{Command, Impairments},
    ui::{
        bindings::Action,
        filter::Filter,
        model::{Column, Cursor, Mode, Model, Notice, Prompt, Purpose, Shown},
        update::{palette, scrolled, table},
    },
};

/// How many characters a line can hold.
const LONGEST: usize = 500;

/// A key that means no action is text.
pub(super) fn edit(model: &mut Model, event: KeyEvent, now: Instant) {
    let before = model.prompt.input.value().to_owned();
    model.prompt.input.handle_event(&Input::Key(event));
    if model.prompt.input.value().chars().count() > LONGEST {
        model.prompt.input = before.clone().into();
    }
    if model.prompt.input.value() != before {
        changed(model, now);
    }
}

/// A paste goes into the line, without what would end it.
pub(super) fn paste(model: &mut Model, text: &str, now: Instant) {
    for c in text.trim().chars().filter(|c| !c.is_control()).take(LONGEST) {
        if model.prompt.input.value().chars().count() < LONGEST {
            model.prompt.input.handle(tui_input::InputRequest::InsertChar(c));
        }
    }
    changed(model, now);
}

/// What is typed holds at once.
fn changed(model: &mut Model, now: Instant) {
    match &mut model.prompt.purpose {
        Purpose::Filter { error } => match Filter::parse(model.prompt.input.value()) {
            Ok(filter) => {
                *error = None;
                model.table.list.set_filter(&model.facts.contexts, filter, now);
            }
            Err(mistake) => {
                // The last good one holds, but not where it is a half of what is being typed: the
                // `age` of `age>10s` is a word that no row has.
                let good = &model.prompt.input.value()[..mistake.term];
                let held = model.table.list.filter().text();
                if held.len() > good.trim().len() && model.prompt.input.value().starts_with(held) {
                    let filter = Filter::parse(good).unwrap_or_default();
                    model.table.list.set_filter(&model.facts.contexts, filter, now);
                }
                *error = Some(mistake);
            }
        },
        Purpose::Jump { .. } => {
            model.prompt.find(&model.facts.contexts, model.table.list.iter());
        }
        Purpose::Impair { error } => {
            *error = model.prompt.input.value().parse::<Impairments>().err();
        }
        Purpose::Palette { .. } => palette::find(model),
        Purpose::Label { .. } => {}
    }
}

/// Carries out a wish while a line is typed; gives what the engine is to do.
pub(super) fn update(model: &mut Model, action: Action, now: Instant) -> Option<Command> {
    match action {
        Action::Accept if matches!(model.prompt.purpose, Purpose::Palette { .. }) => {
            return palette::accept(model, now);
        }
        Action::Accept if matches!(model.prompt.purpose, Purpose::Impair { .. }) => {
            // What cannot be read cannot be taken.
            let rules = model.prompt.input.value().parse().ok()?;
            model.mode = Mode::Browse;
            return Some(Command::Impair(rules));
        }
        Action::Accept => accept(model, now),
        Action::ClearField => {
            model.prompt.input.reset();
            changed(model, now);
        }
        Action::Back => {
            if matches!(model.prompt.purpose, Purpose::Filter { .. }) {
                clear_filter(model, now);
            }
            model.mode = model.prompt.beneath();
        }
        Action::Up | Action::Down => match &mut model.prompt.purpose {
            Purpose::Jump { found, chosen } => {
                let last = found.len().saturating_sub(1);
                *chosen = scrolled(*chosen, action, 1).min(last);
            }
            Purpose::Palette { found, chosen, .. } => {
                let last = found.len().saturating_sub(1);
                *chosen = scrolled(*chosen, action, 1).min(last);
            }
            _ => table::go(model, action, 1, now),
        },
        _ => {}
    }
    None
}

/// Begins to type how messages are impaired: with the rules that hold, or held last.
pub(super) fn impair(model: &mut Model) {
    let prompt = Prompt::impair(&model.rules);
    table::open_prompt(model, prompt);
}

/// Shows every row again.
pub(super) fn clear_filter(model: &mut Model, now: Instant) {
    model.table.list.set_filter(&model.facts.contexts, Filter::default(), now);
}

fn accept(model: &mut Model, now: Instant) {
    match &model.prompt.purpose {
        // What cannot be read does not hold, and cannot be taken.
        Purpose::Filter { error: Some(_) } | Purpose::Palette { .. } => return,
        Purpose::Filter { error: None } | Purpose::Impair { .. } => {}
        Purpose::Label { contexts } => {
            let label = model.prompt.input.value().trim().to_owned();
            let count = contexts.len();
            for &id in contexts {
                model.facts.contexts.set_data(id, &label);
                if let Some(place) = model.facts.contexts.place(id) {
                    model.table.list.refresh(&model.facts.contexts, place);
                }
            }
            let what =
                if count == 1 { "1 request".to_owned() } else { format!("{count} requests") };
            let text = match label.as_str() {
                "" => format!("{what} without a label now"),
                label => format!("{what} labelled {label}"),
            };
            model.notice = Some(Notice::info(now, text));
        }
        Purpose::Jump { found, chosen } => match found.get(*chosen) {
            Some(&context) => {
                model.table.follow = false;
                model.choose(Cursor { context, leg: None });
            }
            None => {
                let text = "no row is like that: type a part of what one shows, or leave with Esc";
                model.notice = Some(Notice::error(now, text));
                return;
            }
        },
    }
    model.mode = Mode::Browse;
}

/// Carries out a wish in the choice of columns.
pub(super) fn columns(model: &mut Model, action: Action, at: usize, now: Instant) {
    let offered = model.table.columns.offered();
    let Some(&column) = offered.get(at) else { return };
    let columns = &mut model.table.columns;
    let is_shown = columns.has(column);
    let mut at = at;
    let told = match action {
        Action::Back => return model.mode = Mode::Browse,
        Action::Toggle if columns.toggle(column) => None,
        Action::Toggle => Some("one column has to stay".to_owned()),
        Action::SortBy => {
            table::sort_by(model, column, now);
            return;
        }
        _ if !is_shown && changes_place(action) => {
            Some(format!("{} is not shown: show it first", column.name()))
        }
        Action::MoveLeft | Action::MoveRight => {
            let before = columns.clone();
            columns.shift(column, action == Action::MoveRight);
            let way = if action == Action::MoveLeft { "first" } else { "last" };
            (*columns == before).then(|| format!("{} is the {way} column already", column.name()))
        }
        Action::UsualWidth => {
            let before = columns.clone();
            columns.set_width(column, None);
            let text = || format!("{} is as wide as it needs already", column.name());
            (*columns == before).then(text)
        }
        Action::Wider | Action::Narrower => {
            let before = columns.clone();
            resize(model, column, action == Action::Wider);
            let way = if action == Action::Wider { "wide" } else { "narrow" };
            let text = || format!("{} is as {way} as it goes already", column.name());
            (model.table.columns == before).then(text)
        }
        action => {
            at = scrolled(at, action, 5).min(offered.len() - 1);
            model.mode = Mode::Columns { at };
            return;
        }
    };
    // The cursor stays on its column.
    let offered = model.table.columns.offered();
    at = offered.iter().position(|it| *it == column).unwrap_or(at);
    model.mode = Mode::Columns { at };
    model.notice = told.map(|text| Notice::error(now, text));
}

const fn changes_place(action: Action) -> bool {
    matches!(
        action,
        Action::MoveLeft
            | Action::MoveRight
            | Action::Wider
            | Action::Narrower
            | Action::UsualWidth
    )
}

/// Makes a column wider or narrower than it is on the screen.
fn resize(model: &mut Model, column: Column, wider: bool) {
    let shown = model.table.columns.shown().iter().find(|shown| shown.column == column);
    let now = shown.and_then(|shown| shown.width).or_else(|| table::width_on_screen(model, column));
    let now = now.unwrap_or(8);
    let width = if wider { now.saturating_add(1) } else { now.saturating_sub(1) };
    model.table.columns.set_width(column, Some(width.min(Shown::WIDEST)));
}
