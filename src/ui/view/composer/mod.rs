//! The composer's form, and beside it what will be sent.

mod layout;
mod preview;
mod veil;

use ratatui::{
    buffer::Buffer,
    layout::{Alignment, Position, Rect},
    style::{Modifier, Style},
    text::Line,
};
use ratatui_textarea::TextArea;
use tui_input::Input;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub(super) use self::layout::BOTH;
pub use self::layout::{has_room, preview_end, slot_at};
use self::{
    layout::{LABEL, MESSAGE, Place, inside, outside, places, regions},
    veil::Shown,
};
use crate::{
    sip::{KnownPasswords, Method, escape::escape},
    ui::{
        composer::{Composer, Kind, Purpose, Shape, Slot, meaning, split_at},
        model::Model,
        view::{
            overlay, put,
            text::{address, wrap},
            title,
        },
    },
};

/// Draws the form; gives the place of the cursor.
pub(super) fn draw(buffer: &mut Buffer, body: Rect, model: &Model) -> Option<Position> {
    let (form, preview) = regions(model, body);
    if let Some(area) = preview {
        preview::draw(buffer, area, model);
    }
    form.and_then(|area| draw_form(buffer, area, body.width >= BOTH, model))
}

fn draw_form(buffer: &mut Buffer, body: Rect, full: bool, model: &Model) -> Option<Position> {
    let theme = &model.theme;
    let composer = model.drafts.open();
    let area = if full { body } else { outside(composer, body) };
    let places = places(model, inside(area));
    let account = model.accounts.get(composer.account());
    let from = account.map(|account| format!("from {}", model.safe(account.uri.as_str())));
    let more = match composer.slots().count() - places.len() {
        0 => None,
        1 => Some("1 more field".to_owned()),
        more => Some(format!("{more} more fields")),
    };
    let mut hint: Vec<String> = [more, from].into_iter().flatten().collect();
    if hint.join(" · ").width() + 4 > usize::from(area.width) {
        hint.truncate(1);
    }
    let hint = Line::styled(format!(" {} ", hint.join(" · ")), theme.dim);
    let hint = hint.alignment(Alignment::Right);
    let heading = title(&heading(composer), theme.accent.add_modifier(Modifier::BOLD));
    let inner = overlay(buffer, area, heading, hint, theme);
    let mut cursor = None;
    for place in places {
        let focus = composer.focus() == place.slot;
        let error = composer.error(place.slot);
        let label = if focus { theme.accent.add_modifier(Modifier::BOLD) } else { theme.dim };
        let row = Rect { x: inner.x, width: inner.width, ..place.field };
        if focus {
            put(buffer, row, 0, 0, "▸", theme.accent);
        }
        put(buffer, row, 2, 0, place.slot.label(composer.purpose()), label);
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

/// What is being written.
fn heading(composer: &Composer) -> String {
    let raw = if composer.shape() == Shape::Raw { ", raw" } else { "" };
    match composer.purpose() {
        Purpose::New => format!("New request{raw}"),
        Purpose::Retry(context) => format!("What would help #{context}{raw}"),
        Purpose::Like(context) => format!("New request like #{context}{raw}"),
        Purpose::InDialog { context, tag: None } => format!("In the dialog of #{context}"),
        Purpose::InDialog { context, tag: Some(tag) } => {
            format!("In the dialog of #{context}, leg {}", escape(tag))
        }
        Purpose::Answer { context, method, .. } => {
            format!("Answer to {} in #{context}", escape(method.as_str()))
        }
    }
}

fn draw_message(buffer: &mut Buffer, place: Place, model: &Model) {
    let lines = below(model, place.slot, place.message.width);
    for (y, (line, style)) in lines.iter().take(usize::from(place.message.height)).enumerate() {
        put(buffer, place.message, 0, y as u16, line, *style);
    }
}

/// What stands below a field: what must be said, and what can be said; a mistake does not hide what
/// would mend it.
fn below(model: &Model, slot: Slot, width: u16) -> Vec<(String, Style)> {
    let mut lines = message(model, slot, width);
    lines.truncate(usize::from(MESSAGE));
    let composer = model.drafts.open();
    let hint = match lines.is_empty() {
        true => hint(model, slot, width),
        false if composer.focus() == slot => candidates(model, usize::from(width)),
        false => None,
    };
    lines.extend(hint.into_iter().flatten().map(|line| (line, model.theme.dim)));
    lines
}

/// What must be said below a field: what is wrong with it, or advice.
fn message(model: &Model, slot: Slot, width: u16) -> Vec<(String, Style)> {
    let (theme, composer) = (&model.theme, model.drafts.open());
    let text = match (composer.error(slot), composer.advice(slot)) {
        (Some(error), _) => (error.to_owned(), theme.bad),
        (None, Some(advice)) => (advice, theme.pending),
        (None, None) => return Vec::new(),
    };
    let lines = wrap(&model.safe_so_far(&text.0), usize::from(width));
    lines.into_iter().map(|line| (line, text.1)).collect()
}

/// What can be said below a field, where there is room.
fn hint(model: &Model, slot: Slot, width: u16) -> Option<Vec<String>> {
    let composer = model.drafts.open();
    if composer.focus() == slot
        && let Some(lines) = candidates(model, usize::from(width))
    {
        return Some(lines);
    }
    if slot == Slot::Method && composer.focus() == slot {
        let meaning = meaning(composer.line(slot)?.value())?;
        return Some(wrap(meaning, usize::from(width)));
    }
    let is_empty = slot == Slot::Target && composer.line(slot)?.value().is_empty();
    let hint = model.hint.as_ref().filter(|_| is_empty)?;
    Some(wrap(&escape(hint), usize::from(width)))
}

/// What Tab completes to, what that is, and what else there is.
fn candidates(model: &Model, width: usize) -> Option<Vec<String>> {
    let composer = model.drafts.open();
    let (candidates, chosen) = composer.candidates();
    let candidate = candidates.get(chosen)?;
    // Nothing typed yet: the help of the field says more.
    if candidate.replaces == 0 && composer.focus() != Slot::Headers && candidate.meaning.is_empty()
        || composer.replaces()
    {
        return None;
    }
    let mut first = format!("⇥ {}", model.safe(candidate.text.trim_end()));
    if !candidate.meaning.is_empty() {
        first.push_str(&format!("  {}", candidate.meaning));
    }
    let others = (1..candidates.len()).map(|n| &candidates[(chosen + n) % candidates.len()]);
    let others: Vec<_> = others.map(|other| model.safe(other.text.trim_end())).collect();
    let mut lines = vec![first];
    if !others.is_empty() {
        lines.push(format!("  {}", others.join(" · ")));
    }
    Some(lines.iter().map(|line| super::text::cut(line, width).into_owned()).collect())
}

fn draw_field(buffer: &mut Buffer, area: Rect, slot: Slot, model: &Model) -> Option<Position> {
    let theme = &model.theme;
    let composer = model.drafts.open();
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
            put(buffer, area, 0, 0, &chooses(&model.safe(&text)), Style::new());
            focus.then_some(area.as_position())
        }
        slot if slot.kind() == Kind::Area => {
            let text = composer.area(slot)?;
            let off = |line: &str| slot == Slot::Headers && line.trim_start().starts_with('#');
            draw_area(
                buffer,
                area,
                (slot, text, focus, &model.book.passwords),
                placeholder(slot, model),
                theme.dim,
                off,
            )
        }
        slot => {
            let input = composer.line(slot)?;
            if input.value().is_empty() {
                put(buffer, area, 0, 0, placeholder(slot, model), theme.dim);
            }
            let style = if focus && composer.replaces() { theme.selected } else { Style::new() };
            let known = &model.book.passwords;
            let at = draw_line(buffer, area, (slot, input, focus, known), style);
            if focus
                && slot == Slot::Method
                && !matches!(composer.purpose(), Purpose::Answer { .. })
            {
                let end = escape(input.value()).width() as u16 + 2;
                put(buffer, area, end, 0, "‹ › chooses", theme.dim);
            }
            Some(at)
        }
    }
}

fn placeholder(slot: Slot, model: &Model) -> &'static str {
    let has_body = model.drafts.open().area(Slot::Body).is_some_and(|body| !body.is_empty());
    match slot {
        Slot::Target => "sip:user@host, or a user of the account's domain",
        Slot::Method if matches!(model.drafts.open().purpose(), Purpose::Answer { .. }) => {
            "a status, such as 486 Busy Here"
        }
        Slot::Headers => "Name: value, one a line; # before it switches it off",
        Slot::Routes => "a URI a line, the first hop first",
        Slot::ToDisplayName => "none",
        // Where the target names no user: with one, it is the address.
        Slot::To if registers(model) => "the address of record, of From or target (§10.2)",
        Slot::To => "the target",
        Slot::ToTag => "none: this begins a dialog",
        Slot::FromDisplayName | Slot::From => "the account's",
        Slot::FromTag | Slot::CallId | Slot::CSeq => "a fresh one",
        Slot::Raw => "a whole message, sent byte for byte",
        Slot::ContentType if has_body => "by the body's look",
        Slot::ContentType => "type/subtype, where there is a body",
        Slot::Body => "text",
        Slot::Method => "a token, such as OPTIONS",
        Slot::Account | Slot::Server => "",
    }
}

/// Whether the request is to be a REGISTER.
fn registers(model: &Model) -> bool {
    let method = model.drafts.open().line(Slot::Method);
    method.is_some_and(|method| method.value().trim() == Method::Register.as_str())
}

/// A single line, scrolled so that the cursor is inside.
fn draw_line(
    buffer: &mut Buffer,
    area: Rect,
    (slot, input, focus, known): (Slot, &Input, bool, &KnownPasswords),
    style: Style,
) -> Position {
    let cursor = split_at(input).0.len();
    let line = input.value().to_owned();
    let secrets = veil::secrets(slot, std::slice::from_ref(&line), known).remove(0);
    let Shown { text, column } = veil::show(&line, &secrets, focus.then_some(cursor));
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
    (slot, text, focus, known): (Slot, &TextArea<'_>, bool, &KnownPasswords),
    placeholder: &str,
    dim: Style,
    is_off: impl Fn(&str) -> bool,
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
    let secrets = veil::secrets(slot, text.lines(), known);
    let column = veil::show(line, &secrets[row], Some(end)).column;
    let skip = (column + 1).saturating_sub(usize::from(area.width).max(1));
    let lines = text.lines().iter().zip(&secrets).enumerate();
    for (y, (number, (line, secrets))) in lines.skip(top).take(height).enumerate() {
        let style = if is_off(line) { dim } else { Style::new() };
        let cursor = (focus && number == row).then_some(end);
        let shown = veil::show(line, secrets, cursor);
        put(buffer, area, 0, y as u16, skipped(&shown.text, skip), style);
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
