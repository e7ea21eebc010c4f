//! The menu of what can be copied, from the table of keys.

use ratatui::{
    buffer::Buffer,
    layout::{Alignment, Rect},
    style::{Modifier, Style},
    text::Line,
};

use crate::ui::{
    bindings::{Action, Scope},
    model::Model,
    view::{overlay, put, put_in, title},
};

pub(in crate::ui::view) fn draw(buffer: &mut Buffer, body: Rect, model: &Model) {
    let theme = &model.theme;
    let items: Vec<_> = model
        .bindings
        .scope(Scope::Copy)
        .filter(|binding| !matches!(binding.action, Action::Back | Action::Help | Action::Quit))
        .collect();
    let width = body.width.min(56);
    let height = body.height.min(items.len() as u16 + 2);
    let area = Rect {
        x: body.x + (body.width - width) / 2,
        y: body.y + (body.height - height) / 2,
        width,
        height,
    };
    let close = model.bindings.key(Scope::Copy, Action::Back);
    let close = close.map(|key| format!(" {key} closes ")).unwrap_or_default();
    let hint = Line::styled(close, theme.dim).alignment(Alignment::Right);
    let style = theme.accent.add_modifier(Modifier::BOLD);
    let inner = overlay(buffer, area, title("Copy", style), hint, theme);
    for (y, binding) in (0..inner.height).zip(items) {
        let key = binding.keys.first().map(ToString::to_string).unwrap_or_default();
        put_in(buffer, inner, 2, y, 3, &key, theme.accent);
        put(buffer, inner, 6, y, binding.help, Style::new());
    }
}
