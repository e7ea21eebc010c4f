//! The composer's form.

use ratatui::{
    buffer::Buffer,
    layout::{Alignment, Position, Rect},
    style::{Modifier, Style},
    text::Line,
};
use ratatui_textarea::TextArea;
use tui_input::Input;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::{
    sip::escape::escape,
    ui::{
        composer::{Composer, Slot, split_at},
        model::Model,
        view::{
            overlay, put,
            text::{address, wrap},
            title,
        },
    },
};

/// The columns of the labels.
const LABEL: u16 = 16;
/// The columns of the form, where there is room.
const WIDTH: u16 = 84;
/// The most lines that a message takes.
const MESSAGE: u16 = 3;

/// A field's place: the field, and the message below it.
#[derive(Clone, Copy, Debug)]
struct Place {
    slot: Slot,
    field: Rect,
    message: Rect,
}

/// The field under the mouse.
pub fn slot_at(model: &Model, body: Rect, at: Position) -> Option<Slot> {
    let places = places(model, inside(outside(&model.composer, body)));
    places.into_iter().find(|place| place.field.contains(at)).map(|place| place.slot)
}

/// Draws the form; gives the place of the cursor.
pub(super) fn draw(buffer: &mut Buffer, body: Rect, model: &Model) -> Option<Position> {
    let theme = &model.theme;
    let composer = &model.composer;
    let area = outside(composer, body);
    let account = model.accounts.get(composer.account());
    let from = account.map(|account| format!(" from {} ", escape(account.uri.as_str())));
    let hint = Line::styled(from.unwrap_or_default(), theme.dim).alignment(Alignment::Right);
    let heading = title("New request", theme.accent.add_modifier(Modifier::BOLD));
    let inner = overlay(buffer, area, heading, hint, theme);
    let mut cursor = None;
    for place in places(model, inner) {
        let focus = composer.focus() == place.slot;
        let error = composer.error(place.slot);
        let label = if focus { theme.accent.add_modifier(Modifier::BOLD) } else { theme.dim };
        let row = Rect { x: inner.x, width: inner.width, ..place.field };
        if focus {
            put(buffer, row, 0, 0, "▸", theme.accent);
        }
        put(buffer, row, 2, 0, place.slot.label(), label);
        if error.is_some() {
            put(buffer, row, LABEL - 2, 0, "✖", theme.bad);
        }
        let at = draw_field(buffer, place.field, place.slot, model);
        if focus {
            cursor = at;
        }
        draw_message(buffer, place, model);
    }
    cursor
}

fn draw_message(buffer: &mut Buffer, place: Place, model: &Model) {
    let width = place.message.width;
    let (lines, style) = match (message(model, place.slot, width), hint(model, place.slot, width)) {
        (Some(message), _) => message,
        (None, Some(hint)) => (hint, model.theme.dim),
        (None, None) => return,
    };
    for (y, line) in lines.iter().enumerate() {
        put(buffer, place.message, 0, y as u16, line, style);
    }
}

/// What must be said below a field: what is wrong with it, or advice.
fn message(model: &Model, slot: Slot, width: u16) -> Option<(Vec<String>, Style)> {
    let (theme, composer) = (&model.theme, &model.composer);
    let (text, style) = match composer.error(slot) {
        Some(error) => (error.to_owned(), theme.bad),
        None => (composer.advice(slot)?, theme.pending),
    };
    Some((wrap(&escape(&text), usize::from(width)), style))
}

/// What can be said below a field, where there is room.
fn hint(model: &Model, slot: Slot, width: u16) -> Option<Vec<String>> {
    let is_empty = slot == Slot::Target && model.composer.line(slot)?.value().is_empty();
    let hint = model.hint.as_ref().filter(|_| is_empty)?;
    Some(wrap(&escape(hint), usize::from(width)))
}

fn draw_field(buffer: &mut Buffer, area: Rect, slot: Slot, model: &Model) -> Option<Position> {
    let theme = &model.theme;
    let composer = &model.composer;
    let focus = composer.focus() == slot;
    let chooses = |text: &str| if focus { format!("‹ {text} ›") } else { text.to_owned() };
    match slot {
        Slot::Account | Slot::Server => {
            let text = match slot {
                Slot::Server => match composer.server(&model.accounts) {
                    Some(server) => format!("{} {}", server.transport, address(server)),
                    None => "the target's own address".to_owned(),
                },
                _ => model.accounts.get(composer.account()).map_or_else(String::new, |account| {
                    format!("{}  {}", account.name, account.uri)
                }),
            };
            put(buffer, area, 0, 0, &chooses(&escape(&text)), Style::new());
            focus.then_some(area.as_position())
        }
        Slot::Headers | Slot::Body => {
            let text = composer.area(slot)?;
            draw_area(buffer, area, text, placeholder(slot, model), theme.dim)
        }
        Slot::Method | Slot::Target | Slot::ContentType => {
            let input = composer.line(slot)?;
            if input.value().is_empty() {
                put(buffer, area, 0, 0, placeholder(slot, model), theme.dim);
            }
            let style = if focus && composer.replaces() { theme.selected } else { Style::new() };
            let at = draw_line(buffer, area, input, style);
            if focus && slot == Slot::Method {
                let end = escape(input.value()).width() as u16 + 2;
                put(buffer, area, end, 0, "‹ › chooses", theme.dim);
            }
            Some(at)
        }
    }
}

fn placeholder(slot: Slot, model: &Model) -> &'static str {
    let has_body = model.composer.area(Slot::Body).is_some_and(|body| !body.is_empty());
    match slot {
        Slot::Target => "sip:user@host, or a user of the account's domain",
        Slot::Headers => "Name: value, one a line",
        Slot::ContentType if has_body => "by the body's look",
        Slot::ContentType => "type/subtype, where there is a body",
        Slot::Body => "text",
        Slot::Method => "a token, such as OPTIONS",
        Slot::Account | Slot::Server => "",
    }
}

/// A single line, scrolled so that the cursor is inside.
fn draw_line(buffer: &mut Buffer, area: Rect, input: &Input, style: Style) -> Position {
    let (before, after) = split_at(input);
    let column = escape(before).width();
    let text = format!("{}{}", escape(before), escape(after));
    let width = usize::from(area.width).max(1);
    let skip = (column + 1).saturating_sub(width);
    put(buffer, area, 0, 0, skipped(&text, skip), style);
    Position { x: area.x + (column - skip) as u16, y: area.y }
}

/// Several lines, scrolled so that the cursor is inside. The editor's own widget would write
/// invisible characters as they are.
fn draw_area(
    buffer: &mut Buffer,
    area: Rect,
    text: &TextArea<'_>,
    placeholder: &str,
    dim: Style,
) -> Option<Position> {
    let cursor = text.cursor();
    let (row, column) = (cursor.0, cursor.1);
    let bar = Rect { x: area.x.saturating_sub(1), width: 1, ..area };
    for y in 0..bar.height {
        put(buffer, bar, 0, y, "│", dim);
    }
    if text.is_empty() {
        put(buffer, area, 0, 0, placeholder, dim);
    }
    let height = usize::from(area.height).max(1);
    let top = (row + 1).saturating_sub(height);
    let line = text.lines().get(row)?;
    let end = line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
    let column = escape(&line[..end]).width();
    let skip = (column + 1).saturating_sub(usize::from(area.width).max(1));
    for (y, line) in text.lines().iter().skip(top).take(height).enumerate() {
        put(buffer, area, 0, y as u16, skipped(&escape(line), skip), Style::new());
    }
    Some(Position { x: area.x + (column - skip) as u16, y: area.y + (row - top) as u16 })
}

/// What is left of a text after so many columns.
fn skipped(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        if used >= columns {
            return &text[at..];
        }
        used += c.width().unwrap_or(0);
    }
    ""
}

/// The form's frame: as high as it wants to be, in the middle of the body.
fn outside(composer: &Composer, body: Rect) -> Rect {
    let width = body.width.min(WIDTH);
    let wanted: u16 = composer.slots().map(|slot| height(slot) + 1).sum::<u16>() + 2;
    let height = body.height.min(wanted);
    Rect {
        x: body.x + (body.width - width) / 2,
        y: body.y + (body.height - height) / 2,
        width,
        height,
    }
}

fn inside(area: Rect) -> Rect {
    Rect {
        x: area.x + 1,
        y: area.y + 1,
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(2),
    }
}

/// How many lines a field wants.
const fn height(slot: Slot) -> u16 {
    match slot {
        Slot::Headers => 3,
        Slot::Body => 6,
        _ => 1,
    }
}

/// The places of the fields. Where there is little room, long fields shrink first, then the lines
/// for messages go except those that are needed, then the fields far from the cursor.
fn places(model: &Model, inner: Rect) -> Vec<Place> {
    let composer = &model.composer;
    let width = inner.width.saturating_sub(LABEL + 1);
    let message =
        |slot| message(model, slot, width).map_or(0, |(lines, _)| lines.len() as u16).min(MESSAGE);
    let hint = |slot| hint(model, slot, width).map_or(1, |lines| lines.len() as u16).min(MESSAGE);
    let mut lines: Vec<(Slot, u16, u16)> =
        composer.slots().map(|slot| (slot, height(slot), message(slot).max(hint(slot)))).collect();
    let total = |lines: &[(Slot, u16, u16)]| lines.iter().map(|(_, f, m)| f + m).sum::<u16>();
    for slot in [Slot::Body, Slot::Headers] {
        let over = total(&lines).saturating_sub(inner.height);
        if let Some((_, field, _)) = lines.iter_mut().find(|line| line.0 == slot) {
            *field -= over.min(*field - 1);
        }
    }
    // From the bottom up, so that the first fields keep their air.
    for n in (0..lines.len()).rev() {
        if total(&lines) > inner.height {
            lines[n].2 = message(lines[n].0);
        }
    }
    let focus = lines.iter().position(|line| line.0 == composer.focus()).unwrap_or(0);
    let first = (0..focus).find(|first| total(&lines[*first..=focus]) <= inner.height);
    places_from(inner, &lines[first.unwrap_or(focus)..])
}

fn places_from(inner: Rect, lines: &[(Slot, u16, u16)]) -> Vec<Place> {
    let mut places = Vec::new();
    let mut y = inner.y;
    for &(slot, field, message) in lines {
        let line = |y: u16, height: u16| {
            let width = inner.width.saturating_sub(LABEL + 1);
            let height = height.min(inner.bottom().saturating_sub(y));
            Rect { x: inner.x + LABEL, y, width, height }
        };
        if y >= inner.bottom() {
            break;
        }
        places.push(Place { slot, field: line(y, field), message: line(y + field, message) });
        y += field + message;
    }
    places
}
