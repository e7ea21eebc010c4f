//! What a tab is made of: lines with what they open and what of them can be copied.
//!
//! Every tab makes a [`Page`] and nothing else, so that scrolling, choosing a line, searching and
//! copying are the same in all of them.

use std::{cell::OnceCell, ops::Range};

use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::ui::{
    detail,
    view::text::{break_at, wrap},
};

/// The lines of a tab.
#[derive(Debug, Default)]
pub(in crate::ui) struct Page {
    /// Lines that stay above the others.
    pub(super) head: Vec<Line>,
    /// The lines that scroll.
    pub(in crate::ui) lines: Vec<Line>,
    /// The columns of the widest line, once somebody has asked: then it is complete.
    pub(super) widest: OnceCell<usize>,
}

/// One line of a tab. Its texts are safe to show.
#[derive(Clone, Debug, Default)]
pub(in crate::ui) struct Line {
    /// Its pieces, from left to right.
    pub(super) pieces: Vec<(String, Style)>,
    /// The place in the timeline of the message that it opens.
    pub(in crate::ui) opens: Option<usize>,
    /// Where the header that it shows stands in the chosen message.
    pub(in crate::ui) header: Option<Range<usize>>,
}

impl Line {
    /// An empty line.
    pub(super) fn new() -> Line {
        Line::default()
    }

    /// A line of one piece.
    pub(super) fn of(text: impl Into<String>, style: Style) -> Line {
        Line::new().with(text, style)
    }

    /// The line with one more piece.
    pub(super) fn with(mut self, text: impl Into<String>, style: Style) -> Line {
        self.pieces.push((text.into(), style));
        self
    }

    /// The line, which opens a message.
    pub(super) fn opening(mut self, place: Option<usize>) -> Line {
        self.opens = place;
        self
    }

    /// The line with spaces up to a column.
    pub(super) fn padded(mut self, column: usize) -> Line {
        let width = self.width();
        if width < column {
            self.pieces.push((" ".repeat(column - width), Style::new()));
        }
        self
    }

    /// Its columns.
    pub(super) fn width(&self) -> usize {
        self.pieces.iter().map(|(text, _)| columns(text)).sum()
    }

    /// Its text.
    pub(in crate::ui) fn text(&self) -> String {
        self.pieces.iter().map(|(text, _)| text.as_str()).collect()
    }

    /// The line as lines of at most `width` columns, those after the first indented.
    pub(super) fn wrapped(self, width: usize, indent: usize) -> Vec<Line> {
        if self.width() <= width || width == 0 {
            return vec![self];
        }
        let indent = if indent * 2 < width { indent } else { 0 };
        let text = self.text();
        let (mut breaks, mut at) = (Vec::new(), 0);
        while at < text.len() {
            let room = if at == 0 { width } else { width - indent };
            // A character that is wider than the line stands on one all the same.
            let first = text[at..].chars().next().map_or(1, char::len_utf8);
            at += break_at(&text[at..], room).max(first);
            breaks.push(at);
        }
        let empty = Line { opens: self.opens, header: self.header.clone(), pieces: Vec::new() };
        let mut lines = Vec::new();
        let mut line = empty.clone();
        let mut breaks = breaks.into_iter();
        let (mut at, mut end) = (0, breaks.next().unwrap_or(text.len()));
        for (text, style) in &self.pieces {
            let mut rest = text.as_str();
            while !rest.is_empty() {
                let (piece, behind) = rest.split_at(rest.len().min(end - at));
                at += piece.len();
                line.pieces.push((piece.to_owned(), *style));
                rest = behind;
                if at == end
                    && let Some(next) = breaks.next()
                {
                    end = next;
                    lines.push(std::mem::replace(&mut line, empty.clone()));
                    line.pieces.push((" ".repeat(indent), Style::new()));
                }
            }
        }
        lines.push(line);
        lines
    }
}

impl Page {
    /// A line at the end.
    pub(super) fn push(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// A sentence at the end, over as many lines as it takes, each behind an indent.
    pub(super) fn sentence(&mut self, text: &str, indent: usize, width: usize, style: Style) {
        let room = width.saturating_sub(indent).max(1);
        for line in wrap(text, room) {
            self.push(Line::of(" ".repeat(indent), style).with(line, style));
        }
    }

    /// A name and what belongs to it, the latter wrapped below itself.
    pub(super) fn fact(
        &mut self,
        (name, dim): (&str, Style),
        value: &str,
        width: usize,
        style: Style,
    ) {
        const NAMES: usize = 16;
        let indent = if width >= 40 { NAMES } else { 3 };
        let mut values = wrap_hard(value, width.saturating_sub(indent).max(1)).into_iter();
        let first = Line::of(format!(" {name} "), dim);
        if first.width() <= indent {
            let value = values.next().unwrap_or_default();
            self.push(first.padded(indent).with(value, style));
        } else {
            self.push(first);
        }
        for value in values {
            self.push(Line::new().padded(indent).with(value, style));
        }
    }

    /// A heading, with an empty line before it where something stands there.
    pub(super) fn heading(&mut self, text: impl Into<String>, style: Style) {
        if !self.lines.is_empty() {
            self.push(Line::new());
        }
        self.push(Line::of(text, style));
    }

    /// The columns of its widest line.
    pub(in crate::ui) fn width(&self) -> usize {
        let widest = || self.head.iter().chain(&self.lines).map(Line::width).max().unwrap_or(0);
        *self.widest.get_or_init(widest)
    }

    /// The lines in which a text stands.
    pub(in crate::ui) fn matches(&self, wanted: &str) -> Vec<usize> {
        let found = |line: &Line| !detail::occurrences(&line.text(), wanted).is_empty();
        (0..self.lines.len()).filter(|&index| found(&self.lines[index])).collect()
    }
}

/// The columns of a text. Most texts are such that each byte is one.
fn columns(text: &str) -> usize {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) { text.len() } else { text.width() }
}

/// The text as lines of at most `width` columns: between words where that is possible, and white
/// space kept where all of it fits on one line.
fn wrap_hard(text: &str, width: usize) -> Vec<String> {
    if text.width() <= width { vec![text.to_owned()] } else { wrap(text, width) }
}

/// Draws a line, scrolled to the left by so many columns.
pub(super) fn draw_line(
    buffer: &mut Buffer,
    area: Rect,
    line: &Line,
    left: usize,
    wanted: Option<(&str, Style)>,
) {
    let mut skip = left;
    let mut x = area.x;
    let end = area.right();
    let mut place = |text: &str, style: Style| {
        let mut rest = text;
        while skip > 0
            && let Some(c) = rest.chars().next()
        {
            let wide = c.width().unwrap_or(0);
            rest = &rest[c.len_utf8()..];
            if wide > skip {
                // Half of a wide character is out: the other half is a space.
                x = buffer.set_stringn(x, area.y, " ", usize::from(end - x), style).0;
                skip = 0;
            } else {
                skip -= wide;
            }
        }
        // What combines with a character that is out goes with it.
        if left > 0 && x == area.x {
            rest = rest.trim_start_matches(|c: char| c.width() == Some(0));
        }
        if x < end {
            x = buffer.set_stringn(x, area.y, rest, usize::from(end - x), style).0;
        }
    };
    let text = line.text();
    let found = wanted.map_or_else(Vec::new, |(wanted, _)| detail::occurrences(&text, wanted));
    let length = wanted.map_or(0, |(wanted, _)| wanted.len());
    let mut at = 0;
    for (piece, style) in &line.pieces {
        let mut from = at;
        let until = at + piece.len();
        for &start in &found {
            let (start, stop) = (start.max(from), (start + length).min(until));
            if start < stop {
                place(&text[from..start], *style);
                place(&text[start..stop], style.patch(wanted.map_or(*style, |(_, style)| style)));
                from = stop;
            }
        }
        place(&text[from..until], *style);
        at = until;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(line: &Line, left: usize, width: u16) -> String {
        let area = Rect { width, height: 1, ..Rect::default() };
        let mut buffer = Buffer::empty(area);
        draw_line(&mut buffer, area, line, left, Some(("b", Style::new())));
        (0..width).map(|x| buffer[(x, 0)].symbol()).collect()
    }

    #[test]
    fn a_line_is_scrolled_sideways() {
        let line = Line::of("abc", Style::new()).with("電話def", Style::new());
        for (left, expected) in [
            (0, "abc電 話 d"),
            (1, "bc電 話 de"),
            (3, "電 話 def "),
            (4, " 話 def  "),
            (9, "f       "),
            (99, "        "),
        ] {
            assert_eq!(drawn(&line, left, 8), expected, "{left}");
        }
    }

    #[test]
    fn a_line_is_wrapped_with_an_indent_and_keeps_what_it_opens() {
        let line = Line::of("abcdef", Style::new()).with("ghij", Style::new()).opening(Some(3));
        let texts: Vec<String> = line.clone().wrapped(5, 1).iter().map(Line::text).collect();
        assert_eq!(texts, ["abcde", " fghi", " j"]);
        assert!(line.clone().wrapped(5, 1).iter().all(|line| line.opens == Some(3)));
        assert_eq!(line.wrapped(10, 1).len(), 1);
        let wide: Vec<String> =
            Line::of("電話電", Style::new()).wrapped(3, 1).iter().map(Line::text).collect();
        assert_eq!(wide, ["電", " 話", " 電"]);
    }
}
