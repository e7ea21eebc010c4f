//! What keys do in the table: moving in it, looking at it otherwise, and marking.

use std::time::Instant;

use ratatui::layout::{Position, Rect};

use crate::ui::{
    bindings::{Action, Scope},
    model::{Column, Cursor, Fold, Mode, Model, Notice, Prompt, Sort},
    update::{act::refuse_without_row, scrolled, table_height},
    view::{self, Regions},
};

/// How many characters one step sideways is.
const SIDEWAYS: usize = 8;

/// Carries out a wish that is about how the table is looked at.
pub(super) fn look(model: &mut Model, action: Action, now: Instant) {
    match action {
        Action::Filter => open_prompt(model, Prompt::filter(model.table.list.filter())),
        Action::Jump if model.table.list.rows() == 0 => refuse_without_row(model, action, now),
        Action::Jump => open_prompt(model, Prompt::jump()),
        Action::Columns => model.mode = Mode::Columns { at: 0 },
        Action::SortNext => sort_by_next(model, now),
        Action::SortReverse => {
            let Sort { column, descending } = model.table.list.sort();
            set_sort(model, Sort { column, descending: !descending }, now);
        }
        Action::Fold => fold(model, now),
        Action::HideEnded => {
            let hide = !model.table.list.hides_ended();
            model.table.list.hide_ended(&model.facts.contexts, hide);
            let text = if hide { "what has ended is hidden" } else { "what has ended is shown" };
            model.notice = Some(Notice::info(now, text));
        }
        Action::Follow => {
            model.table.follow = !model.table.follow;
            let newest = model.facts.contexts.iter().next_back().map(|row| row.id);
            if let (true, Some(context)) = (model.table.follow, newest) {
                model.choose(Cursor { context, leg: None });
            }
        }
        Action::ScrollRight | Action::ScrollLeft => sideways(model, action, now),
        Action::OpenRow | Action::CloseRow => open(model, action == Action::OpenRow, now),
        Action::Mark | Action::MarkAll | Action::InvertMarks | Action::ClearMarks => {
            mark(model, action, now);
        }
        _ => {}
    }
}

/// Scrolls long texts, no further than the longest on the screen goes.
fn sideways(model: &mut Model, action: Action, now: Instant) {
    let screen = Rect::from((Position::ORIGIN, model.size));
    let table = Regions::of(screen, &model.browse).and_then(|regions| regions.table);
    let excess = table.map_or(0, |table| view::table_excess(model, table, now));
    // Rows that were longer may have gone meanwhile.
    let shift = model.table.shift.min(excess);
    model.table.shift = match action {
        _ if excess == 0 => {
            model.table.shift = 0;
            return say(model, now, "every text that is shown fits already");
        }
        Action::ScrollRight if shift == excess => {
            return say(model, now, "long texts are scrolled to their end already");
        }
        Action::ScrollRight => (shift + SIDEWAYS).min(excess),
        _ if shift == 0 => {
            return say(model, now, "long texts are shown from their beginning already");
        }
        _ => shift.saturating_sub(SIDEWAYS),
    };
}

pub(super) fn open_prompt(model: &mut Model, prompt: Prompt) {
    model.prompt = prompt;
    model.mode = Mode::Prompt;
    model.notice = None;
}

pub(super) fn say(model: &mut Model, now: Instant, text: impl Into<String>) {
    model.notice = Some(Notice::error(now, text));
}

/// Moves the cursor.
pub(super) fn go(model: &mut Model, action: Action, page: usize, now: Instant) {
    model.table.follow = false;
    let height = table_height(model);
    model.settle_table(height, now);
    let Some(line) = model.cursor_line() else { return };
    model.go_to_line(scrolled(line, action, page), height.unwrap_or(1));
}

fn sort_by_next(model: &mut Model, now: Instant) {
    let shown: Vec<Column> = model.table.columns.shown().iter().map(|it| it.column).collect();
    let sorted = model.table.list.sort().column;
    let next = shown.iter().position(|column| *column == sorted).map_or(0, |at| at + 1);
    if let Some(column) = shown.get(next % shown.len().max(1)) {
        set_sort(model, Sort::by(*column), now);
    }
}

/// How wide a column is on the screen, where it is there.
pub(super) fn width_on_screen(model: &Model, column: Column) -> Option<u16> {
    let area = Rect::from((Position::ORIGIN, model.size));
    let table = Regions::of(area, &model.browse)?.table?;
    view::column_width(model, table, column)
}

/// Sorts by a column; where it is sorted by it already, the other way.
pub(super) fn sort_by(model: &mut Model, column: Column, now: Instant) {
    let known = model.table.list.sort();
    let sort = match known.column == column {
        true => Sort { column, descending: !known.descending },
        false => Sort::by(column),
    };
    set_sort(model, sort, now);
}

fn set_sort(model: &mut Model, sort: Sort, now: Instant) {
    model.table.list.set_sort(&model.facts.contexts, sort);
    let way = if sort.descending { "descending" } else { "ascending" };
    let text = format!("sorted by {}, {way}", sort.column.name());
    model.notice = Some(Notice::info(now, text));
}

fn fold(model: &mut Model, now: Instant) {
    let fold = model.table.list.fold().next();
    model.table.list.set_fold(&model.facts.contexts, fold);
    let text = match fold {
        Fold::Registrations => "the REGISTERs of a registration are one row, its last",
        Fold::Dialogs => "the requests of a dialog are one row too, its first",
        Fold::Nothing => "every request has a row of its own",
    };
    model.notice = Some(Notice::info(now, text));
}

fn open(model: &mut Model, opens: bool, now: Instant) {
    let contexts = &model.facts.contexts;
    let Some(place) = model.selected().and_then(|row| contexts.place(row.id)) else {
        let action = if opens { Action::OpenRow } else { Action::CloseRow };
        return refuse_without_row(model, action, now);
    };
    let list = &model.table.list;
    let head = list.head(contexts, place);
    let Some(id) = contexts.row(head).map(|row| row.id) else { return };
    if opens && !list.can_open(contexts, head) {
        let fold = key(model, Scope::Table, Action::Fold);
        return say(
            model,
            now,
            format!(
                "nothing to open: #{id} has no second leg and nothing is folded into it ({fold} folds)"
            ),
        );
    }
    if !opens && !list.is_open(id) {
        let key = key(model, Scope::Table, Action::OpenRow);
        return say(model, now, format!("#{id} is closed already: {key} opens it"));
    }
    model.table.list.set_open(id, opens);
    if !opens {
        model.choose(Cursor { context: id, leg: None });
    }
}

fn mark(model: &mut Model, action: Action, now: Instant) {
    let marks = &mut model.table.marks;
    match action {
        Action::Mark => {
            let Some(id) = model.browse.selected else {
                return refuse_without_row(model, action, now);
            };
            if !marks.remove(&id) {
                marks.insert(id);
            }
            // So that one key after the other marks row after row.
            let follow = model.table.follow;
            go(model, Action::Down, 1, now);
            model.table.follow = follow;
        }
        Action::ClearMarks if marks.is_empty() => {
            let key = key(model, Scope::Table, Action::Mark);
            say(model, now, format!("nothing is marked: mark a row with {key}"));
        }
        Action::ClearMarks => marks.clear(),
        _ if model.table.list.rows() == 0 => refuse_without_row(model, action, now),
        _ => {
            let before = marks.len();
            let contexts = &model.facts.contexts;
            for id in model.table.list.iter().filter_map(|place| Some(contexts.row(place)?.id)) {
                if action == Action::MarkAll || !marks.remove(&id) {
                    marks.insert(id);
                }
            }
            if action == Action::MarkAll && marks.len() == before {
                let key = key(model, Scope::Table, Action::ClearMarks);
                say(model, now, format!("every row that is shown is marked: {key} unmarks all"));
            }
        }
    }
}

/// How a key is called; nothing where an action has none.
pub(super) fn key(model: &Model, scope: Scope, action: Action) -> String {
    model.bindings.key(scope, action).map(|key| key.to_string()).unwrap_or_default()
}
