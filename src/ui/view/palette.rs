//! The palette's list, above the line that is typed: name, key, and what it does or lacks. Where
//! that has no room beside the key, the chosen one's stands below the list.

use std::borrow::Cow;

use ratatui::{buffer::Buffer, layout::Rect, style::Style, text::Line};
use unicode_width::UnicodeWidthStr;

use crate::ui::{
    bindings::{Action, Binding, Scope},
    model::Model,
    update,
    view::{Regions, overlay, put, put_in, table::scroll_bar, text::wrap, title},
};

/// The most actions that are seen at once.
const LINES: u16 = 14;
/// The columns of the names and of the keys.
const NAME: u16 = 20;
const KEY: u16 = 10;
/// So much of a sentence is worth to be seen.
const WORTH: u16 = 24;
/// Where the sentences begin.
const WORDS: u16 = 4 + NAME + KEY;

pub(super) fn draw(
    buffer: &mut Buffer,
    regions: &Regions,
    model: &Model,
    found: &[(Scope, Action)],
    chosen: usize,
) {
    let theme = &model.theme;
    let entries: Vec<Entry<'_>> = found.iter().filter_map(|it| entry(model, *it)).collect();
    // A strip beside it would show nothing that can be read.
    let width = if regions.body.width < 116 { regions.body.width } else { 96 };
    let bottom = regions.footer.y.saturating_sub(1);
    let room = bottom.saturating_sub(regions.body.y);
    let foot = foot(&entries, usize::from(width.saturating_sub(2))).min(room.saturating_sub(3));
    let count = u16::try_from(entries.len()).unwrap_or(LINES).clamp(1, LINES);
    let height = (count + foot + 2).min(room);
    let area = Rect { y: bottom - height, height, width, ..regions.body };
    let inner = overlay(buffer, area, title("Commands", theme.accent), Line::default(), theme);
    if entries.is_empty() {
        put(buffer, inner, 2, 0, "nothing is called like that", theme.bad);
        return;
    }
    let list = Rect { height: inner.height - foot.min(inner.height), ..inner };
    let lines = usize::from(list.height);
    let top = (chosen + 1).saturating_sub(lines);
    for (y, entry) in entries[top.min(entries.len())..].iter().take(lines).enumerate() {
        let line = Rect { y: list.y + y as u16, height: 1, ..list };
        let style = if entry.lacks { theme.dim } else { Style::new() };
        put_in(buffer, line, 2, 0, NAME, &entry.name, style);
        put_in(buffer, line, 3 + NAME, 0, KEY, &entry.key, theme.accent);
        if inner.width >= WORDS + WORTH {
            put(buffer, line, WORDS, 0, &entry.text, style);
        }
        if top + y == chosen {
            put(buffer, line, 0, 0, "▸", theme.accent);
            buffer.set_style(line, theme.selected);
        }
    }
    if let Some(entry) = entries.get(chosen) {
        let below = Rect { y: list.bottom(), height: foot, ..inner };
        let words = wrap(&entry.text, usize::from(inner.width.saturating_sub(4)));
        for (y, line) in (0..foot).zip(&words) {
            put(buffer, below, 3, y, line, Style::new());
        }
    }
    scroll_bar(buffer, Rect { height: area.height - foot, ..area }, top, lines, found.len(), model);
}

struct Entry<'a> {
    name: String,
    key: String,
    text: Cow<'a, str>,
    /// Whether it cannot act now, and the text says why.
    lacks: bool,
}

fn entry(model: &Model, (scope, action): (Scope, Action)) -> Option<Entry<'_>> {
    let binding: &Binding = model.bindings.scope(scope).find(|binding| binding.action == action)?;
    let lack = update::lacks(model, scope, action);
    let opens = match scope {
        Scope::Copy => model.bindings.key(Scope::Browse, Action::Copy),
        Scope::Again => model.bindings.key(Scope::Browse, Action::Resend),
        _ => None,
    };
    // What stands in a menu takes two keys.
    let keys = opens.iter().chain(binding.keys.first()).map(ToString::to_string);
    Some(Entry {
        name: action.name(),
        key: keys.collect::<Vec<_>>().join(" "),
        lacks: lack.is_some(),
        text: lack.map_or(Cow::Borrowed(binding.help), |lack| Cow::Owned(format!("needs {lack}"))),
    })
}

/// How many lines are kept below the list for the sentence of the chosen entry: none where each
/// has room beside its key, else as many as the longest takes, so that the list keeps its place.
fn foot(entries: &[Entry<'_>], width: usize) -> u16 {
    let beside = width.saturating_sub(usize::from(WORDS));
    if entries.iter().all(|entry| entry.text.width() <= beside) {
        return 0;
    }
    let lines = |entry: &Entry<'_>| wrap(&entry.text, width.saturating_sub(4)).len();
    entries.iter().map(lines).max().and_then(|most| u16::try_from(most).ok()).unwrap_or(1)
}
