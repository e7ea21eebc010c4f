//! The palette's list, above the line that is typed: name, key, and what it does or lacks.

use ratatui::{buffer::Buffer, layout::Rect, style::Style, text::Line};

use crate::ui::{
    bindings::{Action, Scope},
    model::Model,
    update,
    view::{Regions, overlay, put, put_in, table::scroll_bar, title},
};

/// The most actions that are seen at once.
const LINES: u16 = 14;
/// The columns of the names and of the keys.
const NAME: u16 = 20;
const KEY: u16 = 10;

pub(super) fn draw(
    buffer: &mut Buffer,
    regions: &Regions,
    model: &Model,
    found: &[(Scope, Action)],
    chosen: usize,
) {
    let theme = &model.theme;
    let bottom = regions.footer.y.saturating_sub(1);
    let count = u16::try_from(found.len()).unwrap_or(LINES).clamp(1, LINES);
    let height = (count + 2).min(bottom.saturating_sub(regions.body.y));
    let width = regions.body.width.min(96);
    let area = Rect { y: bottom - height, height, width, ..regions.body };
    let inner = overlay(buffer, area, title("Commands", theme.accent), Line::default(), theme);
    if found.is_empty() {
        put(buffer, inner, 2, 0, "nothing is called like that", theme.bad);
        return;
    }
    let lines = usize::from(inner.height);
    let top = (chosen + 1).saturating_sub(lines);
    for (y, &(scope, action)) in found[top..].iter().take(lines).enumerate() {
        let line = Rect { y: inner.y + y as u16, height: 1, ..inner };
        let mut of_scope = model.bindings.scope(scope);
        let Some(binding) = of_scope.find(|binding| binding.action == action) else { continue };
        let lack = update::lacks(model, scope, action);
        let (text, style) = match lack {
            Some(lack) => (format!("needs {lack}"), theme.dim),
            None => (binding.help.to_owned(), Style::new()),
        };
        let opens = match scope {
            Scope::Copy => model.bindings.key(Scope::Browse, Action::Copy),
            Scope::Again => model.bindings.key(Scope::Browse, Action::Resend),
            _ => None,
        };
        // What stands in a menu takes two keys.
        let keys = opens.iter().chain(binding.keys.first()).map(ToString::to_string);
        let key = keys.collect::<Vec<_>>().join(" ");
        put_in(buffer, line, 2, 0, NAME, &action.name(), style);
        put_in(buffer, line, 3 + NAME, 0, KEY, &key, theme.accent);
        put(buffer, line, 4 + NAME + KEY, 0, &text, style);
        if top + y == chosen {
            put(buffer, line, 0, 0, "▸", theme.accent);
            buffer.set_style(line, theme.selected);
        }
    }
    scroll_bar(buffer, area, top, lines, found.len(), model);
}
