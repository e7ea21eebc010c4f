//! The help: the table of keys as text, and what the shapes mean.

use ratatui::{
    buffer::Buffer,
    layout::{Alignment, Rect},
    style::{Modifier, Style},
    text::Line,
};

use crate::{
    sip::State,
    ui::{
        bindings::{Action, Scope},
        filter::LANGUAGE,
        model::Model,
        view::{overlay, put, put_in, table::scroll_bar, theme::shape, title},
    },
};

const SCOPES: [(Scope, &str); 15] = [
    (Scope::Browse, "Table and detail"),
    (Scope::Table, "Table"),
    (Scope::Prompt, "Filter, label, find"),
    (Scope::Columns, "Columns"),
    (Scope::Detail, "Detail"),
    (Scope::Found, "Detail, while a search is on"),
    (Scope::Find, "Typing a search"),
    (Scope::Copy, "Copying"),
    (Scope::Accounts, "Accounts"),
    (Scope::Compose, "Writing a request"),
    (Scope::Again, "Sending again"),
    (Scope::Overlay, "Log, statistics and help"),
    (Scope::Log, "Log"),
    (Scope::Everywhere, "Everywhere"),
    (Scope::Quitting, "While closing"),
];

/// Each state once, those with one shape together.
const SHAPES: [&[State]; 7] = [
    &[State::Waiting, State::Calling, State::Trying],
    &[State::Proceeding],
    &[State::Cancelling],
    &[State::Accepted],
    &[State::Sent, State::HungUp],
    &[State::Canceled],
    &[State::Rejected, State::Failed],
];

/// The columns of the keys.
const KEYS: u16 = 20;

enum Item<'a> {
    Heading(&'a str),
    Keys(String, &'a str),
    Shape(&'static str, State, String),
    Blank,
}

/// How many lines it has.
pub fn lines(model: &Model) -> usize {
    items(model).len()
}

pub(super) fn draw(buffer: &mut Buffer, body: Rect, model: &Model, top: usize) {
    let theme = &model.theme;
    let items = items(model);
    let width = body.width.min(88);
    let height = body.height.min(items.len() as u16 + 2);
    let area = Rect {
        x: body.x + (body.width - width) / 2,
        y: body.y + (body.height - height) / 2,
        width,
        height,
    };
    let close = model.bindings.key(Scope::Overlay, Action::Back);
    let close = close.map(|key| format!(" {key} closes ")).unwrap_or_default();
    let hint = Line::styled(close, theme.dim).alignment(Alignment::Right);
    let inner = overlay(
        buffer,
        area,
        title("Keys", theme.accent.add_modifier(Modifier::BOLD)),
        hint,
        theme,
    );
    let height = usize::from(inner.height);
    let top = top.min(items.len().saturating_sub(height));
    for (y, item) in items[top..].iter().take(height).enumerate() {
        let y = y as u16;
        match item {
            Item::Heading(text) => {
                put(buffer, inner, 1, y, text, Style::new().add_modifier(Modifier::BOLD));
            }
            Item::Keys(keys, help) => {
                put_in(buffer, inner, 2, y, KEYS, keys, theme.accent);
                put(buffer, inner, 3 + KEYS, y, help, Style::new());
            }
            Item::Shape(shape, state, words) => {
                put(buffer, inner, 2, y, shape, theme.state(*state));
                put(buffer, inner, 4, y, words, Style::new());
            }
            Item::Blank => {}
        }
    }
    scroll_bar(buffer, area, top, height, items.len(), model);
}

fn items(model: &Model) -> Vec<Item<'static>> {
    let mut items = Vec::new();
    for (scope, heading) in SCOPES {
        if model.bindings.scope(scope).next().is_none() {
            continue;
        }
        items.push(Item::Heading(heading));
        for binding in model.bindings.scope(scope) {
            let keys: Vec<String> = binding.keys.iter().map(ToString::to_string).collect();
            items.push(Item::Keys(keys.join(" "), binding.help));
        }
        items.push(Item::Blank);
    }
    items.push(Item::Heading("The filter's language"));
    items.extend(LANGUAGE.iter().map(|(text, help)| Item::Keys((*text).to_owned(), help)));
    items.push(Item::Blank);
    items.push(Item::Heading("States"));
    for states in SHAPES {
        let words: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
        items.push(Item::Shape(shape(states[0]), states[0], words.join(", ")));
    }
    items
}
