//! The choice of how to send a request again.

use ratatui::{
    buffer::Buffer,
    layout::{Alignment, Rect},
    style::{Modifier, Style},
    text::Line,
};

use crate::ui::{
    bindings::{Action, Scope},
    model::Model,
    update::{self, How},
    view::{overlay, put, title},
};

/// The columns of the menu, where there is room.
const WIDTH: u16 = 70;

pub(super) fn draw(buffer: &mut Buffer, body: Rect, model: &Model, edits: bool, at: usize) {
    let theme = &model.theme;
    let width = body.width.min(WIDTH);
    let height = body.height.min(How::ALL.len() as u16 + 2);
    let area = Rect {
        x: body.x + (body.width - width) / 2,
        y: body.y + (body.height - height) / 2,
        width,
        height,
    };
    let what = match (model.table.marks.len(), model.browse.selected) {
        (0, Some(id)) => format!("#{id}"),
        (0, None) => String::new(),
        (count, _) => format!("{count} marked"),
    };
    let verb = if edits { "Edit and send" } else { "Send" };
    let heading =
        title(&format!("{verb} {what} once more"), theme.accent.add_modifier(Modifier::BOLD));
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
        // Of several that are marked, each may have a dialog or not.
        let lack = update::lack_of(model, Action::InDialog)
            .filter(|_| action == Action::AgainInDialog && model.table.marks.is_empty());
        match lack {
            Some(lack) => put(buffer, inner, 16, y, &format!("needs {lack}"), theme.dim),
            None => put(buffer, inner, 16, y, binding.help, style),
        };
    }
}
