//! What keys and the mouse do in the detail: all of it is about looking, nothing about SIP. What is
//! copied is in `copy`.

use std::time::Instant;

use crossterm::event::{Event as Input, KeyEvent};
use ratatui::layout::Position;
use tui_input::backend::crossterm::EventHandler;

use super::act::refuse_without_row;
use crate::ui::{
    bindings::{Action, Scope},
    detail::{Carried, Marked, Tab, messages},
    model::{Mode, Model, Notice, Pane, Row},
    view::{
        Regions,
        detail::{Target, Window, at, chosen_message, left, window},
    },
};

/// How many columns one step sideways is.
const SIDEWAYS: usize = 8;

/// How many steps wider or narrower than usual a ladder can be drawn.
const WIDEST: i16 = 9;

/// Carries out a wish that is about the detail; whether it was one.
pub(super) fn act(model: &mut Model, action: Action, now: Instant) -> bool {
    let detail = &mut model.detail;
    match action {
        Action::Show(tab) => show(model, tab),
        Action::NextTab => show(model, model.detail.tab.step(true)),
        Action::PreviousTab => show(model, model.detail.tab.step(false)),
        Action::Open => open(model, now),
        Action::NextMessage => step_message(model, true, now),
        Action::PreviousMessage => step_message(model, false, now),
        Action::NextReading => in_messages(model, now, |model| {
            model.detail.reading = model.detail.reading.next();
            model.detail.comparing = false;
        }),
        Action::LineEnds => in_messages(model, now, |model| model.detail.line_ends ^= true),
        Action::MarkMessage => mark(model, now),
        Action::CompareMessages => compare(model, now),
        Action::Wrap => {
            detail.unwrapped ^= true;
            let says = if detail.unwrapped { "run on to the right" } else { "are wrapped" };
            model.notice = Some(Notice::info(now, format!("long lines {says}")));
        }
        Action::Times => {
            detail.times = detail.times.next();
            model.notice = Some(Notice::info(now, detail.times.name()));
        }
        Action::Wider | Action::Narrower | Action::UsualWidth => zoom(model, action, now),
        Action::Left => sideways(model, now, |left| left.saturating_sub(SIDEWAYS)),
        Action::Right => sideways(model, now, |left| left.saturating_add(SIDEWAYS)),
        Action::Search => {
            detail.find = Some(tui_input::Input::default());
            model.mode = Mode::Find;
        }
        Action::EndSearch => detail.find = None,
        Action::NextMatch => step_match(model, now, true),
        Action::PreviousMatch => step_match(model, now, false),
        Action::Copy if model.selected().is_none() => refuse_without_row(model, action, now),
        Action::Copy => model.mode = Mode::Copy,
        _ => return false,
    }
    true
}

/// Moves the chosen line.
pub(super) fn move_line(model: &mut Model, action: Action, now: Instant) {
    let Some(window) = window(model, now) else { return };
    let count = window.page.lines.len();
    let tab = model.detail.tab;
    let spot = model.detail.spot_mut();
    let line = spot.line(tab, count);
    let line = super::scrolled(line, action, window.height.saturating_sub(1).max(1));
    go_to(model, line, count);
}

fn go_to(model: &mut Model, line: usize, count: usize) {
    let tab = model.detail.tab;
    let spot = model.detail.spot_mut();
    // At its end, what follows follows again.
    let line = line.min(count.saturating_sub(1));
    spot.line = (line + 1 < count || !tab.follows()).then_some(line);
}

/// Keeps the chosen line inside the window, which it gives. Called before every frame.
pub(super) fn settle(model: &mut Model, now: Instant) -> Option<Window> {
    let window = window(model, now)?;
    let tab = model.detail.tab;
    let left = left(model, &window.page, window.width);
    let spot = model.detail.spot_mut();
    spot.left = left;
    spot.top = spot.top(tab, window.page.lines.len(), window.height);
    Some(window)
}

/// Opens a tab; where the detail is not on screen, it comes on screen.
fn show(model: &mut Model, tab: Tab) {
    model.detail.tab = tab;
    let screen = ratatui::layout::Rect::from((Position::ORIGIN, model.size));
    let is_seen = Regions::of(screen, &model.browse).is_some_and(|it| it.detail.is_some());
    if !is_seen {
        model.browse.pane = Pane::Detail;
    }
}

/// Opens the message of the chosen line.
fn open(model: &mut Model, now: Instant) {
    let Some(window) = window(model, now) else {
        return refuse_without_row(model, Action::Open, now);
    };
    let line = model.detail.spot().line(model.detail.tab, window.page.lines.len());
    match window.page.lines.get(line).and_then(|line| line.opens) {
        Some(place) => model.detail.open(place),
        None if model.detail.tab == Tab::Messages => {
            let key = key(model, Action::NextMessage);
            refuse(model, now, format!("this is the message already: {key} goes to the next"));
        }
        None => refuse(model, now, "this line has no message to open: one with an arrow has"),
    }
}

/// Does something to the chosen message, in whose tab it is seen.
fn in_messages(model: &mut Model, now: Instant, change: impl FnOnce(&mut Model)) {
    if model.detail.tab == Tab::Messages {
        change(model);
    } else {
        let key = key(model, Action::Show(Tab::Messages));
        refuse(model, now, format!("that is for a message: open the messages with {key}"));
    }
}

fn step_message(model: &mut Model, forward: bool, now: Instant) {
    let Some(chosen) = chosen_message(model).map(|message| message.place) else {
        return match model.selected() {
            Some(row) => {
                let text = format!("#{} has no message yet", row.id);
                refuse(model, now, text);
            }
            None => refuse_without_row(model, Action::Open, now),
        };
    };
    let Some(row) = model.selected() else { return };
    let next = if forward {
        messages(row).find(|message| message.place > chosen)
    } else {
        messages(row).take_while(|message| message.place < chosen).last()
    };
    match next.map(|message| message.place) {
        Some(place) => model.detail.open(place),
        None if model.detail.tab != Tab::Messages => model.detail.open(chosen),
        None if forward => refuse(model, now, "this is the last message already"),
        None => refuse(model, now, "this is the first message already"),
    }
}

/// What is to be marked or compared: in the messages the chosen one, elsewhere the line's.
pub(super) fn meant<'a>(model: &'a Model, now: Instant) -> Option<(&'a Row, Carried<'a>)> {
    let row = model.selected()?;
    if model.detail.tab == Tab::Messages {
        return Some((row, chosen_message(model)?));
    }
    let window = window(model, now)?;
    let line = model.detail.spot().line(model.detail.tab, window.page.lines.len());
    let place = window.page.lines.get(line)?.opens?;
    messages(row).find(|message| message.place == place).map(|message| (row, message))
}

/// A message in a few words: `#7 INVITE`, `#7 180 to INVITE`.
pub(super) fn name(row: &Row, message: &Carried<'_>) -> String {
    let method = &message.entry.method;
    match message.entry.fact.response() {
        Some(response) => format!("#{} {} to {method}", row.id, response.status),
        None => format!("#{} {method}", row.id),
    }
}

fn mark(model: &mut Model, now: Instant) {
    let Some((row, message)) = meant(model, now) else {
        if model.selected().is_none() {
            return refuse_without_row(model, Action::Mark, now);
        }
        return refuse(model, now, "this line has no message to mark: one with an arrow has");
    };
    let bytes = message.bytes.clone();
    let marked = Marked { message: bytes, place: message.place, name: name(row, &message) };
    let compare = key(model, Action::CompareMessages);
    let says = format!("{} is A: choose another message, {compare} compares them", marked.name);
    model.detail.marked = Some(marked);
    model.detail.comparing = false;
    model.notice = Some(Notice::info(now, says));
}

fn compare(model: &mut Model, now: Instant) {
    if model.detail.comparing && model.detail.tab == Tab::Messages {
        model.detail.comparing = false;
        return;
    }
    let place = meant(model, now).map(|(_, message)| message.place);
    match (&model.detail.marked, place) {
        (None, _) => {
            let key = key(model, Action::MarkMessage);
            refuse(model, now, format!("nothing to compare with: {key} marks a message first"));
        }
        (_, None) => {
            refuse(model, now, "this line has no message to compare: one with an arrow has")
        }
        (Some(_), Some(place)) => {
            model.detail.open(place);
            model.detail.comparing = true;
        }
    }
}

/// Draws the ladder wider or narrower.
fn zoom(model: &mut Model, action: Action, now: Instant) {
    if model.detail.tab != Tab::Ladder {
        let key = key(model, Action::Show(Tab::Ladder));
        return refuse(model, now, format!("that is for the ladder: {key} opens it"));
    }
    let zoom = model.detail.zoom;
    let (wanted, already) = match action {
        Action::Wider => ((zoom + 1).min(WIDEST), "as wide as it goes"),
        Action::Narrower => ((zoom - 1).max(-WIDEST), "as narrow as it goes"),
        _ => (0, "as wide as it needs"),
    };
    if wanted == zoom {
        return refuse(model, now, format!("the ladder is drawn {already} already"));
    }
    model.detail.zoom = wanted;
}

fn sideways(model: &mut Model, now: Instant, step: impl FnOnce(usize) -> usize) {
    let Some(window) = window(model, now) else {
        return refuse_without_row(model, Action::Open, now);
    };
    let widest = window.page.width();
    if widest <= window.width {
        let wrap = key(model, Action::Wrap);
        let text = match model.detail.tab {
            Tab::Messages if !model.detail.unwrapped => {
                format!("everything fits, as lines are wrapped: {wrap} lets them run on")
            }
            _ => "everything fits already".to_owned(),
        };
        return refuse(model, now, text);
    }
    let spot = model.detail.spot_mut();
    spot.left = step(spot.left).min(widest - window.width);
}

/// Goes to the next line in which the searched text stands, round the ends.
fn step_match(model: &mut Model, now: Instant, forward: bool) {
    let (Some(window), Some(wanted)) = (window(model, now), model.detail.wanted()) else {
        return refuse_without_row(model, Action::Open, now);
    };
    let lines = window.page.matches(wanted);
    let count = window.page.lines.len();
    let line = model.detail.spot().line(model.detail.tab, count);
    let next = if forward {
        lines.iter().find(|&&found| found > line).or(lines.first())
    } else {
        lines.iter().rev().find(|&&found| found < line).or(lines.last())
    };
    match next {
        Some(&next) if next == line => {
            let text = format!("{wanted:?} stands in this line only");
            refuse(model, now, text);
        }
        Some(&next) => go_to(model, next, count),
        None => {
            let search = key(model, Action::Search);
            let text = format!(
                "{wanted:?} stands nowhere in this tab: {search} searches for another text"
            );
            refuse(model, now, text);
        }
    }
}

/// A key while a search is typed.
pub(super) fn typed(model: &mut Model, event: KeyEvent, now: Instant) {
    let Some(find) = &mut model.detail.find else { return };
    find.handle_event(&Input::Key(event));
    // The first place from here on; what has been found so far may still be right.
    let (Some(window), Some(wanted)) = (window(model, now), model.detail.wanted()) else { return };
    let count = window.page.lines.len();
    let line = model.detail.spot().line(model.detail.tab, count);
    let lines = window.page.matches(wanted);
    if let Some(&next) = lines.iter().find(|&&found| found >= line).or(lines.first()) {
        go_to(model, next, count);
    }
}

/// The end of typing a search.
pub(super) fn find(model: &mut Model, action: Action) {
    match action {
        Action::Back => model.detail.find = None,
        Action::SearchDone if model.detail.wanted().is_none() => model.detail.find = None,
        Action::SearchDone => {}
        _ => return,
    }
    model.mode = Mode::Browse;
}

/// A click, or the wheel by so many lines.
pub(super) fn mouse(model: &mut Model, position: Position, turn: isize, now: Instant) {
    let target = at(model, position, now);
    match (target, turn) {
        (Some(Target::Message(_)), turn) if turn != 0 => step_message(model, turn > 0, now),
        (_, turn) if turn != 0 => {
            super::turn_by(turn, |action| move_line(model, action, now));
        }
        (Some(Target::Tab(tab)), _) => model.detail.tab = tab,
        (Some(Target::Message(place)), _) => model.detail.open(place),
        (Some(Target::Line(line)), _) => {
            if let Some(window) = window(model, now) {
                let count = window.page.lines.len();
                let line = model.detail.spot().top(model.detail.tab, count, window.height) + line;
                if line < count {
                    // A click keeps the window where it is.
                    settle(model, now);
                    go_to(model, line, count);
                }
            }
        }
        (None, _) => {}
    }
}

pub(super) fn refuse(model: &mut Model, now: Instant, text: impl Into<String>) {
    model.notice = Some(Notice::error(now, text));
}

/// The key of an action, to name it in a sentence.
pub(super) fn key(model: &Model, action: Action) -> String {
    [Scope::Detail, Scope::Browse]
        .into_iter()
        .find_map(|scope| model.bindings.key(scope, action))
        .map_or_else(|| "the palette".to_owned(), |key| key.to_string())
}
