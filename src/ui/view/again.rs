//! The choice of how to send a request again.

use ratatui::{
    buffer::Buffer,
    layout::{Alignment, Rect},
    style::{Modifier, Style},
    text::Line,
};
use unicode_width::UnicodeWidthStr;

use crate::ui::{
    bindings::{Action, Scope},
    model::Model,
    update::{self, How},
    view::{overlay, put, text::wrap, title},
};

/// The columns of the menu, where there is room.
const WIDTH: u16 = 70;
/// Where the sentences begin.
const WORDS: u16 = 16;

pub(super) fn draw(buffer: &mut Buffer, body: Rect, model: &Model, edits: bool, at: usize) {
    let theme = &model.theme;
    let width = body.width.min(WIDTH);
    let told = |action| told(model, action);
    let below = below(How::ALL.iter().map(|(_, action)| told(*action).0), width);
    let height = body.height.min(How::ALL.len() as u16 + 2 + below);
    let area = Rect {
        x: body.x + (body.width - width) / 2,
        y: body.y + (body.height - height) / 2,
        width,
        height,
    };
    let what = match (model.table.marks.len(), model.browse.selected) {
        (0, Some(id)) => format!("#{id}"),
        (0, None) => String::new(),
        _ => model.marks_told(),
    };
    let verb = if edits { "Edit and send" } else { "Send" };
    let heading = title(&format!("{verb} {what} again"), theme.accent.add_modifier(Modifier::BOLD));
    let hint = match edits {
        true => " nothing is sent yet ",
        false => " what was sent stays as it was ",
    };
    let hint = Line::styled(hint, theme.dim).alignment(Alignment::Right);
    let inner = overlay(buffer, area, heading, hint, theme);
    let bindings =
        |action| model.bindings.scope(Scope::Again).find(move |binding| binding.action == action);
    for (y, (_, action)) in How::ALL.into_iter().enumerate() {
        let Some(binding) = bindings(action) else { continue };
        let y = y as u16;
        let chosen = usize::from(y) == at;
        let style = if chosen { theme.selected } else { Style::new() };
        if chosen {
            buffer
                .set_style(Rect { y: inner.y + y, height: 1, ..inner }.intersection(inner), style);
            put(buffer, inner, 0, y, "▸", theme.accent);
        }
        let key = binding.keys.first().map(|key| key.to_string()).unwrap_or_default();
        put(buffer, inner, 2, y, &key, theme.accent);
        put(buffer, inner, 5, y, binding.label, style.add_modifier(Modifier::BOLD));
        let (text, lacks) = told(action);
        put(buffer, inner, WORDS, y, &text, if lacks { theme.dim } else { style });
    }
    let chosen = How::ALL.get(at).filter(|_| below > 0).map(|(_, action)| told(*action).0);
    let lines = chosen.map(|text| wrap(&text, usize::from(width.saturating_sub(6))));
    for (y, line) in lines.iter().flatten().enumerate() {
        put(buffer, inner, 3, How::ALL.len() as u16 + y as u16, line, Style::new());
    }
}

/// What a way does, or what it lacks; whether it lacks something.
fn told(model: &Model, action: Action) -> (String, bool) {
    // Of several that are marked, each may have a dialog or not.
    let lack = update::lack_of(model, Action::InDialog)
        .filter(|_| action == Action::AgainInDialog && model.table.marks.is_empty());
    let mut of_scope = model.bindings.scope(Scope::Again);
    match (lack, of_scope.find(|binding| binding.action == action)) {
        (Some(lack), _) => (format!("needs {lack}"), true),
        (None, Some(binding)) => (binding.help.to_owned(), false),
        (None, None) => (String::new(), false),
    }
}

/// How many lines there are below the menu for the sentence of what is chosen: none where each has
/// room beside its name.
fn below(texts: impl Iterator<Item = String>, width: u16) -> u16 {
    let beside = usize::from(width.saturating_sub(WORDS + 2));
    let texts: Vec<String> = texts.collect();
    if texts.iter().all(|text| text.width() <= beside) {
        return 0;
    }
    let lines = |text: &String| wrap(text, usize::from(width.saturating_sub(6))).len();
    texts.iter().map(lines).max().and_then(|most| u16::try_from(most).ok()).unwrap_or(1)
}
