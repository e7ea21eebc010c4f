//! What will be sent, with what the lint says at its lines.

use ratatui::{
    buffer::Buffer,
    layout::{Alignment, Rect},
    style::{Modifier, Style},
    text::Line,
};

use crate::{
    sip::{escape::escape, lint::Severity, secret::without_passwords_so_far},
    ui::{
        bindings::{Action, Scope},
        composer::{Composer, Slot},
        model::Model,
        view::{
            composer::inside,
            overlay, put,
            table::scroll_bar,
            text::{broken, wrap},
            title,
        },
    },
};

pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model) {
    let theme = &model.theme;
    let composer = model.drafts.open();
    let preview = composer.preview();
    let stale = composer.is_wrong() && !preview.bytes.is_empty();
    let heading = match stale {
        true => "What was right last",
        false => "What will be sent",
    };
    let scroll = model.bindings.key(Scope::Compose, Action::PageDown);
    let scroll = scroll.filter(|_| end(model, inside(area)) > 0);
    let scroll = scroll.map(|key| format!(" · {key} scrolls")).unwrap_or_default();
    let size = match preview.bytes.len() {
        0 => String::new(),
        size => format!(" {size} bytes{scroll} "),
    };
    let size = Line::styled(size, theme.dim).alignment(Alignment::Right);
    let heading = title(heading, theme.accent.add_modifier(Modifier::BOLD));
    let inner = overlay(buffer, area, heading, size, theme);
    let lines = lines(model, composer, usize::from(inner.width));
    let height = usize::from(inner.height);
    let top = composer.preview_top.min(lines.len().saturating_sub(height));
    for (y, (text, style)) in lines.iter().skip(top).take(height).enumerate() {
        put(buffer, inner, 0, y as u16, text, *style);
    }
    scroll_bar(buffer, area, top, height, lines.len(), model);
}

/// The furthest that it can be scrolled in an area.
pub(super) fn end(model: &Model, inner: Rect) -> usize {
    let lines = lines(model, model.drafts.open(), usize::from(inner.width));
    lines.len().saturating_sub(usize::from(inner.height))
}

/// Why the texts make no request, and where that stands.
fn wrong(composer: &Composer) -> String {
    let label = |slot: Slot| slot.label(composer.purpose());
    let mut wrong: Vec<(&str, Option<&str>)> =
        composer.mistakes().map(|(slot, why)| (label(slot), why)).collect();
    let labels: Vec<&str> = wrong.iter().map(|(label, _)| *label).collect();
    let where_ = match &labels[..] {
        [] => "see the fields".to_owned(),
        labels => format!("see {}", labels.join(", ")),
    };
    wrong.retain(|(_, why)| why.is_some());
    match wrong.first() {
        // A field that is still to be written says for itself what it needs.
        None => format!("✖ this makes no request yet: {where_}"),
        Some((label, why)) => {
            let why = without_passwords_so_far(why.unwrap_or_default());
            let others = if labels.len() > 1 { format!("; {where_}") } else { String::new() };
            format!("✖ this makes no request yet: {label}: {why}{others}")
        }
    }
}

/// The notes, then the message, each finding below the line that it stands on.
fn lines(model: &Model, composer: &Composer, width: usize) -> Vec<(String, Style)> {
    let theme = &model.theme;
    let (preview, known) = (composer.preview(), &model.book.passwords);
    let mut lines: Vec<(String, Style)> = Vec::new();
    let told = |text: &str, style: Style, lines: &mut Vec<(String, Style)>| {
        lines.extend(wrap(&escape(&known.hide(text)), width).into_iter().map(|line| (line, style)));
    };
    if composer.is_wrong() {
        told(&wrong(composer), theme.bad, &mut lines);
    }
    for warning in &preview.warnings {
        told(&format!("▲ {}", without_passwords_so_far(warning)), theme.pending, &mut lines);
    }
    let style = if composer.is_wrong() { theme.dim } else { Style::new() };
    for (n, line) in preview.lines(known).iter().enumerate() {
        lines.extend(broken(line, width, 2).into_iter().map(|line| (line, style)));
        for finding in preview.findings.iter().filter(|finding| finding.line == n + 1) {
            let (shape, style) = match finding.severity() {
                Severity::Error => ("✖", theme.bad),
                Severity::Warning => ("▲", theme.pending),
                Severity::Note => ("·", theme.dim),
            };
            let text = format!("  {shape} {} ({})", finding.message, finding.rule.section());
            told(&text, style, &mut lines);
        }
    }
    for note in &preview.notes {
        told(&format!("· {note}"), theme.dim, &mut lines);
    }
    lines
}
