//! The list of a context's messages, above the chosen one.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::story;
use crate::ui::{
    detail::{self, Carried, Tab},
    model::{Model, Row},
    view::{put, put_in, time::delta},
};

/// How many messages the list has; none in other tabs.
pub(super) fn count(model: &Model, row: &Row) -> usize {
    if model.detail.tab == Tab::Messages { detail::messages(row).count() } else { 0 }
}

/// The chosen message: the one that was opened, else the first.
pub(super) fn chosen<'a>(model: &Model, row: &'a Row) -> Option<(usize, Carried<'a>)> {
    let wanted = model.detail.message;
    let mut messages = detail::messages(row).enumerate();
    let first = messages.next()?;
    match wanted {
        Some(place) if first.1.place < place => {
            Some(messages.take_while(|(_, message)| message.place <= place).last().unwrap_or(first))
        }
        _ => Some(first),
    }
}

/// The first message in a list of so many lines.
fn top(chosen: usize, count: usize, height: u16) -> usize {
    let height = usize::from(height);
    chosen.saturating_sub(height / 2).min(count.saturating_sub(height))
}

/// The place of the message at a line of the list.
pub(super) fn message_at(model: &Model, row: &Row, height: u16, line: usize) -> Option<usize> {
    let (chosen, _) = chosen(model, row)?;
    let top = top(chosen, count(model, row), height);
    detail::messages(row).nth(top + line).map(|message| message.place)
}

pub(super) fn draw(buffer: &mut Buffer, area: Rect, row: &Row, model: &Model) {
    let theme = &model.theme;
    let Some((chosen, _)) = chosen(model, row).filter(|_| area.height > 0) else { return };
    let count = count(model, row);
    let top = top(chosen, count, area.height);
    let digits = count.to_string().len() as u16;
    for (y, (index, message)) in
        detail::messages(row).enumerate().skip(top).take(area.height.into()).enumerate()
    {
        let y = y as u16;
        let told = story::tell(message.entry, message.place, row, model);
        let mark = if is_marked(model, &message) { "A" } else { " " };
        let style = if index == chosen { theme.chosen } else { Style::new() };
        if index == chosen {
            put(buffer, area, 0, y, "▸", theme.accent);
        }
        put(buffer, area, 1, y, mark, theme.accent);
        let number = format!("{:>width$}", index + 1, width = digits.into());
        let when = format!("{:>8}", delta(message.entry.at.saturating_duration_since(row.at)));
        let mut x = 3;
        x += put(buffer, area, x, y, &number, theme.dim) + 1;
        x += put(buffer, area, x, y, &when, theme.dim) + 1;
        put_in(buffer, area, x, y, 2, told.shape, told.style);
        let size = format!("{} B", message.bytes.len());
        let end = area.width.saturating_sub(size.len() as u16 + 1);
        put_in(buffer, area, x + 2, y, end.saturating_sub(x + 3), &told.what, style);
        put(buffer, area, end, y, &size, theme.dim);
    }
}

/// Whether this is the message to compare with.
fn is_marked(model: &Model, message: &Carried<'_>) -> bool {
    // The same bytes in the same place of memory are the same entry.
    model.detail.marked.as_ref().is_some_and(|marked| {
        marked.message.as_ptr() == message.bytes.as_ptr() && marked.place == message.place
    })
}
