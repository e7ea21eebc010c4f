//! What will be sent, with what the lint says at its lines.

use ratatui::{
    buffer::Buffer,
    layout::{Alignment, Rect},
    style::{Modifier, Style},
    text::Line,
};

use crate::{
    sip::{escape::escape, lint::Severity},
    ui::{
        composer::Composer,
        model::Model,
        view::{overlay, put, text::wrap, title},
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
    let size = match preview.bytes.len() {
        0 => String::new(),
        size => format!(" {size} bytes "),
    };
    let size = Line::styled(size, theme.dim).alignment(Alignment::Right);
    let heading = title(heading, theme.accent.add_modifier(Modifier::BOLD));
    let inner = overlay(buffer, area, heading, size, theme);
    let lines = lines(model, composer, usize::from(inner.width));
    for (y, (text, style)) in lines.iter().take(usize::from(inner.height)).enumerate() {
        put(buffer, inner, 0, y as u16, text, *style);
    }
    let more = lines.len().saturating_sub(usize::from(inner.height));
    if more > 0 && inner.height > 0 {
        let text = format!("… {} lines more", more + 1);
        let last = Rect { y: inner.bottom() - 1, height: 1, ..inner };
        buffer.set_style(last, Style::new());
        put(buffer, last, 0, 0, &" ".repeat(usize::from(last.width)), Style::new());
        put(buffer, last, 0, 0, &text, theme.dim);
    }
}

/// The notes, then the message, each finding below the line that it stands on.
fn lines(model: &Model, composer: &Composer, width: usize) -> Vec<(String, Style)> {
    let theme = &model.theme;
    let preview = composer.preview();
    let mut lines: Vec<(String, Style)> = Vec::new();
    let told = |text: &str, style: Style, lines: &mut Vec<(String, Style)>| {
        lines.extend(wrap(&escape(text), width).into_iter().map(|line| (line, style)));
    };
    if composer.is_wrong() {
        told("✖ this makes no request yet: see the fields", theme.bad, &mut lines);
    }
    let style = if composer.is_wrong() { theme.dim } else { Style::new() };
    for (n, line) in preview.lines().iter().enumerate() {
        lines.extend(wrap(line, width).into_iter().map(|line| (line, style)));
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
