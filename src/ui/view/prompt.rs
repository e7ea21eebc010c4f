//! The line that is typed at the bottom, with what is wrong with it below; and what it found.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::{Modifier, Style},
    text::Line,
    widgets::{Clear, Widget},
};

use crate::ui::{
    bindings::{Action, Scope},
    model::{Model, Purpose},
    view::{Regions, overlay, palette, put, put_in, theme::shape, title},
};

/// What the filter understands, in a line.
const LANGUAGE: &str = "words · method:invite · code:4xx · age>10s · !not · ~regex · \"quotes\"";

/// What impairments are written with, in a line.
const IMPAIRMENTS: &str = "out drop 30% · in delay 200ms..1s method=INVITE · duplicate first=3 · reorder · corrupt status=1xx · transport=udp · flow=1 · seed=42";

/// Draws it over the two lines at the bottom; gives where the cursor stands.
pub(super) fn draw(buffer: &mut Buffer, regions: &Regions, model: &Model) -> Option<Position> {
    let theme = &model.theme;
    let prompt = &model.prompt;
    let below = regions.footer;
    let line = Rect { y: below.y.checked_sub(1)?, ..below };
    Clear.render(line, buffer);
    let (before, hint) = match &prompt.purpose {
        Purpose::Filter { error: None } if prompt.input.value().is_empty() => {
            let key = model.bindings.key(Scope::Prompt, Action::Help);
            let help = key.map(|key| format!("{key} explains · ")).unwrap_or_default();
            ("/", Some((format!("{help}{LANGUAGE}"), theme.dim)))
        }
        Purpose::Filter { error } => {
            let told = error
                .as_ref()
                .map(|error| (format!("✖ {}", model.safe_so_far(&error.to_string())), theme.bad));
            ("/", told)
        }
        Purpose::Impair { error: Some(error) } => {
            ("impair: ", Some((format!("✖ {}", model.safe_so_far(&error.to_string())), theme.bad)))
        }
        Purpose::Impair { error: None } if prompt.input.value().trim().is_empty() => {
            ("impair: ", Some((format!("nothing: off · {IMPAIRMENTS}"), theme.dim)))
        }
        Purpose::Impair { error: None } => ("impair: ", Some((IMPAIRMENTS.to_owned(), theme.dim))),
        Purpose::Label { contexts } if contexts.len() > 1 => {
            let told = format!("for all {} that are marked", contexts.len());
            ("label: ", Some((told, theme.dim)))
        }
        Purpose::Label { .. } => ("label: ", None),
        Purpose::Palette { found, chosen, .. } => {
            palette::draw(buffer, regions, model, found, *chosen);
            (":", None)
        }
        Purpose::Jump { found, chosen } => {
            draw_found(buffer, regions, model, found, *chosen);
            let none = found.is_empty() && !prompt.input.value().is_empty();
            ("find: ", none.then(|| ("no row is like that".to_owned(), theme.bad)))
        }
    };
    if let Some((text, style)) = hint {
        Clear.render(below, buffer);
        put(buffer, below, 1, 0, &text, style);
    }
    let x = 1 + put(buffer, line, 1, 0, before, theme.accent.add_modifier(Modifier::BOLD));
    let room = usize::from(line.width.saturating_sub(x + 1));
    let scroll = prompt.input.visual_scroll(room);
    let text: String = skip_columns(prompt.input.value(), scroll);
    put(buffer, line, x, 0, &model.safe_so_far(&text), Style::new());
    let column = prompt.input.visual_cursor().saturating_sub(scroll).min(room) as u16;
    Some(Position { x: line.x + x + column, y: line.y })
}

fn skip_columns(text: &str, columns: usize) -> String {
    let mut skipped = 0;
    text.chars()
        .skip_while(|c| {
            let before = skipped;
            skipped += unicode_width::UnicodeWidthChar::width(*c).unwrap_or(0);
            before < columns
        })
        .collect()
}

/// The best matches, in a box above the line.
fn draw_found(
    buffer: &mut Buffer,
    regions: &Regions,
    model: &Model,
    found: &[crate::sip::ContextId],
    chosen: usize,
) {
    if found.is_empty() {
        return;
    }
    let theme = &model.theme;
    let bottom = regions.footer.y.saturating_sub(1);
    let height = (found.len() as u16 + 2).min(bottom.saturating_sub(regions.body.y));
    let area =
        Rect { y: bottom - height, height, width: regions.body.width.min(72), ..regions.body };
    let inner = overlay(buffer, area, title("Best matches", theme.accent), Line::default(), theme);
    for (y, id) in found.iter().take(usize::from(inner.height)).enumerate() {
        let Some(row) = model.facts.contexts.find(*id) else { continue };
        let line = Rect { y: inner.y + y as u16, height: 1, ..inner };
        let state = row.status.state;
        let number = format!("{:>4} {}", row.id, model.safe(row.method.as_str()));
        let word = format!("{} {}", shape(state), row.standing().as_str());
        put_in(buffer, line, 2, 0, 14, &number, Style::new());
        put_in(buffer, line, 17, 0, 28, &model.safe(&row.target().as_uri().short()), Style::new());
        put_in(buffer, line, 46, 0, 12, &word, theme.state(state));
        let label = model.safe(row.label().unwrap_or_default());
        put(buffer, line, 59, 0, &label, theme.dim);
        if y == chosen {
            put(buffer, line, 0, 0, "▸", theme.accent);
            buffer.set_style(line, theme.selected);
        }
    }
}
