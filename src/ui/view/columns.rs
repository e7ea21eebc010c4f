//! The choice of columns.

use ratatui::{
    buffer::Buffer,
    layout::{Alignment, Rect},
    style::{Modifier, Style},
    text::Line,
};

use crate::ui::{
    bindings::{Action, Scope},
    model::{Column, Model},
    view::{overlay, put, table, title},
};

/// The columns of the picker, where there is room.
const WIDTH: u16 = 68;

pub(super) fn draw(buffer: &mut Buffer, body: Rect, table: Option<Rect>, model: &Model, at: usize) {
    let theme = &model.theme;
    let offered = model.table.columns.offered();
    let width = body.width.min(WIDTH);
    // Where there is no room beside them, what the chosen column is stands below them all.
    let below = u16::from(width < WIDTH);
    let height = body.height.min(offered.len() as u16 + 2 + below);
    let area = Rect {
        x: body.x + (body.width - width) / 2,
        y: body.y + (body.height - height) / 2,
        width,
        height,
    };
    let close = model.bindings.key(Scope::Columns, Action::Back);
    let close = close.map(|key| format!(" {key} closes ")).unwrap_or_default();
    let hint = Line::styled(close, theme.dim).alignment(Alignment::Right);
    let heading = title("Columns", theme.accent.add_modifier(Modifier::BOLD));
    let inner = overlay(buffer, area, heading, hint, theme);
    let height = usize::from(inner.height.saturating_sub(below));
    let top = (at + 1).saturating_sub(height);
    for (y, column) in offered.iter().enumerate().skip(top).take(height) {
        let line = Rect { y: inner.y + (y - top) as u16, height: 1, ..inner };
        draw_column(buffer, line, *column, table, model);
        if y == at {
            put(buffer, line, 0, 0, "▸", theme.accent);
            buffer.set_style(line, theme.selected);
        }
    }
    if let Some(column) = offered.get(at).filter(|_| below > 0) {
        put(buffer, inner, 2, inner.height.saturating_sub(1), column.help(), theme.dim);
    }
    table::scroll_bar(buffer, area, top, height, offered.len(), model);
}

fn draw_column(
    buffer: &mut Buffer,
    line: Rect,
    column: Column,
    table: Option<Rect>,
    model: &Model,
) {
    let theme = &model.theme;
    let columns = &model.table.columns;
    let is_shown = columns.has(column);
    let sort = model.table.list.sort();
    let style = if is_shown { Style::new() } else { theme.dim };
    put(buffer, line, 2, 0, if is_shown { "[x]" } else { "[ ]" }, style);
    put(buffer, line, 6, 0, column.name(), style);
    if sort.column == column {
        put(buffer, line, 15, 0, if sort.descending { "▼" } else { "▲" }, theme.accent);
    }
    let chosen = columns.shown().iter().find(|shown| shown.column == column);
    let on_screen = table.and_then(|table| table::column_width(model, table, column));
    let width = match (chosen.and_then(|shown| shown.width), on_screen) {
        (Some(width), Some(_)) => format!("={width}"),
        (None, Some(width)) => width.to_string(),
        // There is no table to see at this moment, or no room in it.
        (_, None) if is_shown && table.is_some() => "no room".to_owned(),
        _ => String::new(),
    };
    put(buffer, line, 17, 0, &width, theme.dim);
    if line.width + 2 >= WIDTH {
        put(buffer, line, 25, 0, column.help(), style);
    }
}
