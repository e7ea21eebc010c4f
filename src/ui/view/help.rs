//! The help: the table of keys as text, what holds where one is first; and what the shapes mean.

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
        update,
        view::{overlay, put, put_in, table::scroll_bar, text::wrap, theme::shape, title},
    },
};

const SCOPES: [(Scope, &str); 15] = [
    (Scope::Browse, "Table and detail"),
    (Scope::Table, "Table"),
    (Scope::Prompt, "Typing a line"),
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

/// The columns of the keys, and on a narrow screen.
const KEYS: u16 = 20;
const FEW: u16 = 11;
/// The widest that it is.
const WIDTH: u16 = 88;

enum Item {
    Heading(&'static str),
    /// A line of keys and of what they do.
    Keys(String, String),
    Shape(&'static str, State, String),
    Blank,
}

/// How many lines it has.
pub fn lines(model: &Model) -> usize {
    let width = super::body(model).map_or(WIDTH, |body| body.width.min(WIDTH));
    items(model, width).len()
}

/// How many columns the keys have.
const fn keys_width(width: u16) -> u16 {
    if width < 60 { FEW } else { KEYS }
}

pub(super) fn draw(buffer: &mut Buffer, body: Rect, model: &Model, top: usize) {
    let theme = &model.theme;
    let width = body.width.min(WIDTH);
    let items = items(model, width);
    let column = keys_width(width);
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
                put_in(buffer, inner, 2, y, column, keys, theme.accent);
                put(buffer, inner, 3 + column, y, help, Style::new());
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

fn language(items: &mut Vec<Item>, width: u16) {
    items.push(Item::Heading("The filter's language"));
    for (text, help) in LANGUAGE {
        keys(items, width, text, help);
    }
    items.push(Item::Blank);
}

/// Keys and what they do, each broken into lines where it is too long.
fn keys(items: &mut Vec<Item>, width: u16, keys: &str, help: &str) {
    let column = keys_width(width);
    let keys = wrap(keys, usize::from(column));
    let help = wrap(help, usize::from(width.saturating_sub(column + 6)));
    let piece = |of: &[String], line| of.get(line).cloned().unwrap_or_default();
    for line in 0..keys.len().max(help.len()) {
        items.push(Item::Keys(piece(&keys, line), piece(&help, line)));
    }
}

fn items(model: &Model, width: u16) -> Vec<Item> {
    let mut items = Vec::new();
    let here = update::scopes_in(model, model.beneath);
    let mut scopes = SCOPES;
    scopes.sort_by_key(|(scope, _)| here.iter().position(|it| it == scope).unwrap_or(here.len()));
    let filters = here.contains(&Scope::Prompt) && model.prompt.is_filter();
    if filters {
        language(&mut items, width);
    }
    for (scope, heading) in scopes {
        if model.bindings.scope(scope).next().is_none() {
            continue;
        }
        items.push(Item::Heading(heading));
        for binding in model.bindings.scope(scope) {
            let names: Vec<String> = binding.keys.iter().map(ToString::to_string).collect();
            keys(&mut items, width, &names.join(" "), binding.help);
        }
        items.push(Item::Blank);
    }
    if !filters {
        language(&mut items, width);
    }
    items.push(Item::Heading("States"));
    for states in SHAPES {
        let words: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
        items.push(Item::Shape(shape(states[0]), states[0], words.join(", ")));
    }
    items
}
