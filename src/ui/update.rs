//! What a key, a paste or the mouse does: to the model at once where it is only about looking, as
//! a [`Command`] to the engine where it is about SIP.

mod accounts;
mod act;
mod again;
mod anew;
mod compose;
mod copy;
mod detail;
mod dialog;
mod palette;
mod prompt;
mod table;
mod unbound;

use std::time::Instant;

use crossterm::event::{
    Event as Input, KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::layout::{Position, Rect, Size};

use crate::{
    engine::Command,
    ui::{
        bindings::{Action, Key, Scope, held},
        composer::Asks,
        model::{Mode, Model, Notice, Pane},
        view::{self, Regions, Settled},
    },
};

pub use again::{How, advice, waiting};
pub use dialog::{is_subscribed, open_legs};
pub use palette::{lack_of, lacks};

/// How many lines one notch of the mouse wheel is.
const WHEEL: isize = 3;

/// Takes in what the terminal says; gives what the engine is to do.
pub fn input(model: &mut Model, input: Input, now: Instant) -> Option<Command> {
    let command = match input {
        Input::Key(event) if event.kind != KeyEventKind::Release => key(model, event, now),
        Input::Paste(text) if model.mode == Mode::Compose => {
            compose::paste(model, &text);
            None
        }
        Input::Paste(text) if model.mode == Mode::Prompt => {
            prompt::paste(model, &text, now);
            None
        }
        Input::Mouse(event) => {
            mouse(model, event, now);
            None
        }
        Input::Resize(width, height) => {
            model.size = Size { width, height };
            None
        }
        _ => None,
    };
    command.or_else(|| asks(model))
}

/// What the form must know of the engine to show what will be sent.
pub fn asks(model: &Model) -> Option<Command> {
    let asks = model.drafts.open().preview().asks.as_ref()?;
    (model.mode == Mode::Compose).then(|| match asks.clone() {
        Asks::Writing { flow, profile } => Command::Writing { flow, profile },
        Asks::InDialog(of) => Command::DialogWriting(of),
    })
}

/// What the keyboard means now, as the table of keys calls it: the scopes that hold, those whose
/// keys come first first.
pub fn scopes(model: &Model) -> &'static [Scope] {
    scopes_in(model, model.mode)
}

/// The same in another mode.
pub fn scopes_in(model: &Model, mode: Mode) -> &'static [Scope] {
    match mode {
        Mode::Browse => match model.browse.pane {
            Pane::Table => held::TABLE,
            Pane::Detail if model.detail.wanted().is_some() => held::FOUND,
            Pane::Detail => held::DETAIL,
        },
        Mode::Find => held::FIND,
        Mode::Copy => held::COPY,
        Mode::Accounts { .. } => held::ACCOUNTS,
        Mode::Compose => held::COMPOSE,
        Mode::Again { .. } => held::AGAIN,
        Mode::Columns { .. } => held::COLUMNS,
        Mode::Prompt => held::PROMPT,
        Mode::Log { .. } => held::LOG,
        Mode::Statistics { .. } | Mode::Help { .. } => held::OVERLAY,
        Mode::Quitting { .. } => held::QUITTING,
        Mode::Left => &[],
    }
}

fn key(model: &mut Model, event: KeyEvent, now: Instant) -> Option<Command> {
    // Whoever presses a key has seen it.
    if model.trouble.take().is_some()
        && model.bindings.action(scopes(model), Key::from(event)) == Some(Action::Back)
    {
        return None;
    }
    let composing = model.mode == Mode::Compose;
    if composing && model.drafts.open().wants(event) {
        compose::edit(model, event);
        return None;
    }
    match model.bindings.action(scopes(model), Key::from(event)) {
        Some(action) => update(model, action, now),
        None if model.mode == Mode::Find => {
            detail::typed(model, event, now);
            None
        }
        None if composing => {
            compose::edit(model, event);
            None
        }
        None if model.mode == Mode::Prompt => {
            prompt::edit(model, event, now);
            None
        }
        None => {
            unbound::unbound(model, Key::from(event), now);
            None
        }
    }
}

/// Carries out a wish.
pub fn update(model: &mut Model, action: Action, now: Instant) -> Option<Command> {
    match (model.mode, action) {
        (Mode::Quitting { .. } | Mode::Left, Action::Quit) => model.mode = Mode::Left,
        (Mode::Quitting { .. } | Mode::Left, _) => {}
        (_, Action::Quit) => {
            model.mode = Mode::Quitting { since: now };
            return Some(Command::Quit);
        }
        (_, Action::Suspend) => model.suspends = true,
        (Mode::Help { .. }, Action::Back | Action::Help) => model.mode = model.beneath,
        (beneath, Action::Help) => {
            model.beneath = beneath;
            model.mode = Mode::Help { top: 0 };
        }
        (Mode::Accounts { chosen }, action) => {
            return accounts::overlay(model, action, chosen, now);
        }
        (Mode::Compose, action) => return compose::update(model, action, now),
        (Mode::Again { edits, at }, action) => return again::update(model, action, edits, at, now),
        (Mode::Prompt, action) => return prompt::update(model, action, now),
        (Mode::Columns { at }, action) => prompt::columns(model, action, at, now),
        (Mode::Log { .. } | Mode::Statistics { .. }, Action::Back) => {
            model.mode = Mode::Browse;
        }
        (Mode::Log { .. }, Action::LogLess | Action::LogMore) => {
            let level = model.facts.log.level().step(action == Action::LogMore);
            model.facts.log.set_level(level);
            model.mode = Mode::Log { top: 0 };
        }
        (Mode::Log { top }, action) => {
            let top = scrolled(top, action, page(model));
            model.mode = Mode::Log { top: top.min(model.facts.log.len().saturating_sub(1)) };
        }
        (Mode::Statistics { top }, action) => {
            let last = view::statistics_lines(model, now).saturating_sub(page(model));
            model.mode = Mode::Statistics { top: scrolled(top, action, page(model)).min(last) };
        }
        (Mode::Help { top }, action) => {
            let last = view::help_lines(model).saturating_sub(page(model));
            model.mode = Mode::Help { top: scrolled(top, action, page(model)).min(last) };
        }
        (Mode::Find, action) => detail::find(model, action),
        (Mode::Copy, action) => copy::update(model, action, now),
        (Mode::Browse, action) if detail::act(model, action, now) => {}
        (Mode::Browse, action) => return browse(model, action, now),
    }
    None
}

fn browse(model: &mut Model, action: Action, now: Instant) -> Option<Command> {
    match action {
        Action::Compose => compose::begin_new(model),
        Action::Resend | Action::EditAgain | Action::InDialog | Action::Advice | Action::Answer => {
            again::act(model, action, now);
        }
        Action::Accounts => model.mode = Mode::Accounts { chosen: model.account },
        Action::NextAccount => accounts::next(model, now),
        Action::Reload => model.reload = true,
        Action::Palette => palette::open(model),
        Action::Log => model.mode = Mode::Log { top: 0 },
        Action::Statistics => model.mode = Mode::Statistics { top: 0 },
        Action::Impair => prompt::impair(model),
        Action::Theme => next_theme(model, now),
        Action::NextPane => {
            model.browse.pane = match model.browse.pane {
                Pane::Table => Pane::Detail,
                Pane::Detail => Pane::Table,
            }
        }
        Action::Alone => alone(model, now),
        Action::Back if model.notice(now).is_some() => model.notice = None,
        Action::Back if model.browse.pane != Pane::Table => model.browse.pane = Pane::Table,
        Action::Back => prompt::clear_filter(model, now),
        Action::Cancel | Action::HangUp | Action::Label | Action::Drop | Action::DropEnded => {
            return act::act(model, action, now);
        }
        action if !is_move(action) => table::look(model, action, now),
        action => match model.browse.pane {
            Pane::Table => table::go(model, action, page(model), now),
            Pane::Detail => detail::move_line(model, action, now),
        },
    }
    None
}

/// Gives the pane with the focus the screen alone, or both a part of it.
fn alone(model: &mut Model, now: Instant) {
    let screen = Rect::from((Position::ORIGIN, model.size));
    if Regions::has_both(screen) {
        model.browse.alone = !model.browse.alone;
    } else {
        let key = table::key(model, Scope::Browse, Action::NextPane);
        let text = format!("one pane has this small screen already: {key} goes to the other");
        model.notice = Some(Notice::error(now, text));
    }
}

/// Takes the next theme, and says what it is called. One that is broken changes nothing.
fn next_theme(model: &mut Model, now: Instant) {
    model.notice = Some(match model.themes.choose_next() {
        Ok(theme) => {
            model.theme = theme;
            let lack = model.themes.lack().map(|lack| format!(", {lack}")).unwrap_or_default();
            Notice::info(now, format!("theme {}{lack}", model.themes.name()))
        }
        Err(error) => Notice::error(now, format!("the theme stays as it was: {error}")),
    });
}

const fn is_move(action: Action) -> bool {
    matches!(
        action,
        Action::Up
            | Action::Down
            | Action::PageUp
            | Action::PageDown
            | Action::Top
            | Action::Bottom
    )
}

fn scrolled(line: usize, action: Action, page: usize) -> usize {
    match action {
        Action::Down => line.saturating_add(1),
        Action::Up => line.saturating_sub(1),
        Action::PageDown => line.saturating_add(page),
        Action::PageUp => line.saturating_sub(page),
        Action::Top => 0,
        Action::Bottom => usize::MAX,
        _ => line,
    }
}

/// How many lines a page is in what has the focus.
fn page(model: &Model) -> usize {
    let area = Rect::from((Position::ORIGIN, model.size));
    let Some(regions) = Regions::of(area, &model.browse) else { return 1 };
    let height = match (model.mode, model.browse.pane) {
        (Mode::Browse, Pane::Table) => {
            regions.table.map_or(0, |table| table.height.saturating_sub(1))
        }
        (Mode::Browse, Pane::Detail) => regions.detail.map_or(0, |detail| detail.height),
        _ => regions.body.height,
    };
    usize::from(height.saturating_sub(2).max(1))
}

/// How many lines the table has for its rows; `None` where it is not on the screen.
fn table_height(model: &Model) -> Option<usize> {
    let area = Rect::from((Position::ORIGIN, model.size));
    let table = Regions::of(area, &model.browse)?.table?;
    Some(usize::from(table.height.saturating_sub(3).max(1)))
}

/// Keeps the chosen row on its line of the window, the chosen line of the detail inside its own, and
/// as much of the form on the screen as there is room for. Called before every frame, which takes what
/// was made for it.
pub fn settle(model: &mut Model, now: Instant) -> Settled {
    model.settle_table(table_height(model), now);
    let window = detail::settle(model, now);
    if model.mode == Mode::Compose {
        let has_room = view::composer_has_room(model);
        model.drafts.open_mut().fit(has_room);
    }
    Settled(window)
}

fn mouse(model: &mut Model, event: MouseEvent, now: Instant) {
    let area = Rect::from((Position::ORIGIN, model.size));
    let at = Position { x: event.column, y: event.row };
    let Some(regions) = Regions::of(area, &model.browse) else { return };
    let turn = match event.kind {
        MouseEventKind::ScrollDown => WHEEL,
        MouseEventKind::ScrollUp => -WHEEL,
        MouseEventKind::Down(MouseButton::Left) => 0,
        _ => return,
    };
    match model.mode {
        Mode::Browse if regions.table.is_some_and(|table| table.contains(at)) => {
            if turn == 0 {
                model.browse.pane = Pane::Table;
                click(model, regions.table.unwrap_or_default(), at, now);
            } else {
                turn_by(turn, |action| table::go(model, action, 1, now));
            }
        }
        Mode::Browse if regions.detail.is_some_and(|detail| detail.contains(at)) => {
            model.browse.pane = Pane::Detail;
            detail::mouse(model, at, turn, now);
        }
        Mode::Compose if turn == 0 => {
            if let Some(slot) = view::composer_slot_at(model, regions.body, at) {
                compose::focus_on(model, slot);
            }
        }
        Mode::Log { .. } | Mode::Statistics { .. } | Mode::Help { .. } => {
            turn_by(turn, |action| drop(update(model, action, now)));
        }
        _ => {}
    }
}

fn turn_by(turn: isize, mut step: impl FnMut(Action)) {
    let action = if turn > 0 { Action::Down } else { Action::Up };
    for _ in 0..turn.unsigned_abs() {
        step(action);
    }
}

/// Chooses the row under the mouse, or sorts by the column whose title is there.
fn click(model: &mut Model, table: Rect, at: Position, now: Instant) {
    if at.y == table.y + 1 {
        if let Some(column) = view::heading_at(model, table, at.x) {
            table::sort_by(model, column, now);
        }
        return;
    }
    let Some(line) = at.y.checked_sub(table.y + 2) else { return };
    let line = model.browse.top + usize::from(line);
    if at.y + 1 < table.bottom() && line < model.table.list.lines(&model.facts.contexts) {
        model.table.follow = false;
        model.go_to_line(line, table_height(model).unwrap_or(1));
    }
}
