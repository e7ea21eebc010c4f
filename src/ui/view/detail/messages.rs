//! One message: highlighted, explained, raw, as numbers, or as what differs from another.

use std::{borrow::Cow, ops::Range};

use bytes::Bytes;
use ratatui::style::{Modifier, Style};

use super::{
    Room, body, list,
    page::{Line, Page},
};
use crate::{
    sip::{
        Header, Message,
        lint::{Finding, Options, Severity, lint},
        secret,
    },
    ui::{
        bindings::{Action, Scope},
        detail::{
            Reading,
            diff::{BodyLine, Change, Diff, How, diff},
            explain,
        },
        view::{text::bytes_as_text, theme::Theme},
    },
};

/// The margin, in which the lint marks its lines.
const MARGIN: usize = 2;
/// How far an explanation is indented.
const INDENT: usize = 4;
/// How many bytes of a message are shown.
const MOST: usize = 128 * 1024;

pub(super) fn page(room: &Room<'_>) -> Page {
    let mut page = Page::default();
    let dim = room.model.theme.dim;
    let Some((number, message)) = list::chosen(room.model, room.row) else {
        page.sentence("No message yet: nothing was sent and nothing came.", 1, room.width, dim);
        return page;
    };
    let detail = &room.model.detail;
    if let Some(marked) = detail.marked.as_ref().filter(|_| detail.comparing) {
        let title =
            format!(" A: {} → this message, number {}", room.model.safe(&marked.name), number + 1);
        page.lines.extend(Line::of(title, dim).wrapped(room.width, INDENT));
        if marked.is(&message) {
            page.sentence(&itself(room), 1, room.width, dim);
        } else {
            compare(&mut page, room, &marked.message, message.bytes);
        }
        return page;
    }
    page.push(reading_line(room, message.bytes));
    let shown = Shown::new(room, message.bytes);
    match detail.reading {
        Reading::Highlighted | Reading::Explained => shown.read(&mut page),
        Reading::Raw => {
            shown.lines(&mut page, 0..shown.end(), |text| vec![(text, Style::new())], None)
        }
        Reading::Hex => shown.hex(&mut page, 0..shown.end()),
    }
    if shown.end() < message.bytes.len() {
        let rest = message.bytes.len() - shown.end();
        page.sentence(&format!("… {rest} more bytes are not shown"), MARGIN, room.width, dim);
    }
    page
}

/// What is said where the marked message itself is chosen, and so nothing is there to compare.
fn itself(room: &Room<'_>) -> String {
    let key = |action| {
        let key = room.model.bindings.key(Scope::Detail, action);
        key.map(|key| key.to_string()).unwrap_or_default()
    };
    format!(
        "This is A itself: {} and {} go to another message, which is compared with it; {} marks another.",
        key(Action::NextMessage),
        key(Action::PreviousMessage),
        key(Action::MarkMessage)
    )
}

/// How the message is read, and the keys that change it.
fn reading_line(room: &Room<'_>, bytes: &Bytes) -> Line {
    let (detail, theme) = (&room.model.detail, &room.model.theme);
    let words = format!(" {} · {} bytes", detail.reading.name(), bytes.len());
    let mut line = Line::of(words, theme.dim);
    let key = |action| room.model.bindings.key(Scope::Detail, action);
    for (action, does) in [
        (Action::NextReading, "reads otherwise"),
        (Action::MarkMessage, "marks"),
        (Action::CompareMessages, "compares"),
    ] {
        if let Some(key) = key(action)
            && line.width() + does.len() + 5 < room.width
        {
            line = line.with(" · ", theme.dim).with(key.to_string(), theme.accent);
            line = line.with(format!(" {does}"), theme.dim);
        }
    }
    line
}

/// A message that is being shown.
pub(super) struct Shown<'a> {
    room: &'a Room<'a>,
    bytes: &'a Bytes,
    secrets: Vec<Range<usize>>,
    message: Option<Message>,
    findings: Vec<Finding>,
}

impl<'a> Shown<'a> {
    fn new(room: &'a Room<'a>, bytes: &'a Bytes) -> Shown<'a> {
        let report = lint(bytes.clone(), &Options::default());
        Shown {
            room,
            bytes,
            secrets: secret::ranges(bytes, &room.model.book.passwords),
            message: report.message.ok(),
            findings: report.findings,
        }
    }

    /// Where what is shown ends.
    fn end(&self) -> usize {
        self.bytes.len().min(MOST)
    }

    fn theme(&self) -> &Theme {
        &self.room.model.theme
    }

    fn explains(&self) -> bool {
        self.room.model.detail.reading == Reading::Explained
    }

    /// A piece of the message as it may be seen.
    fn text(&self, piece: Range<usize>) -> String {
        bytes_as_text(&secret::masked(self.bytes, piece, &self.secrets))
    }

    /// What is said of the message, which may name a part of it.
    pub(super) fn hidden(&self, said: &str) -> String {
        self.room.model.safe(said).into_owned()
    }

    /// The message as what it is.
    fn read(&self, page: &mut Page) {
        let Some(message) = &self.message else {
            let plain = |text| vec![(text, Style::new())];
            return self.lines(page, 0..self.end(), plain, None);
        };
        let theme = self.theme();
        let start = message.start_line_range();
        if start.start > 0 {
            self.lines(page, 0..start.start, |text| vec![(text, theme.dim)], None);
        }
        let headers: Vec<Header<'_>> = message.headers().collect();
        let body = message.body_range();
        let first = headers.first().map_or(body.start, |header| header.line_offset);
        let bold = theme.accent.add_modifier(Modifier::BOLD);
        self.lines(page, start.start..first.max(start.end), |text| vec![(text, bold)], None);
        for (index, header) in headers.iter().enumerate() {
            let next = headers.get(index + 1).map(|next| next.line_offset);
            let end = next.unwrap_or_else(|| self.end_of_header(header, body.start));
            if header.line_offset >= self.end() {
                return;
            }
            self.header(page, header, header.line_offset..end.min(self.end()));
            if next.is_none() && end < body.start {
                // The empty line.
                self.lines(page, end..body.start, |text| vec![(text, Style::new())], None);
            }
        }
        body::show(page, self.room, self, message);
        // Bytes behind what Content-Length covers are no part of the message.
        if body.end < self.end() {
            let rest = format!("{} bytes behind the message:", self.bytes.len() - body.end);
            page.push(Line::of(format!("{:MARGIN$}{rest}", ""), theme.bad));
            self.lines(page, body.end..self.end(), |text| vec![(text, theme.dim)], None);
        }
    }

    /// Behind the line end of the last header.
    fn end_of_header(&self, header: &Header<'_>, body: usize) -> usize {
        let from = (header.offset + header.value.len()).min(body);
        memchr::memchr(b'\n', &self.bytes[from..body]).map_or(body, |at| from + at + 1)
    }

    fn header(&self, page: &mut Page, header: &Header<'_>, range: Range<usize>) {
        let theme = self.theme();
        let name = header.name_text.len();
        let copies = range.start..self.bytes[..range.end].trim_ascii_end().len().max(range.start);
        let mut first = true;
        let style = |text: String| {
            // The name stands in the first line only; it holds nothing that is escaped.
            let named = std::mem::take(&mut first) && text.is_char_boundary(name);
            if !named || name > text.len() {
                return vec![(text, Style::new())];
            }
            let (name, rest) = text.split_at(name);
            vec![(name.to_owned(), theme.accent), (rest.to_owned(), Style::new())]
        };
        self.lines(page, range, style, Some(copies));
        if self.explains() {
            self.explain(page, header);
        }
    }

    fn explain(&self, page: &mut Page, header: &Header<'_>) {
        let (width, theme) = (self.room.width, self.theme());
        if let Some(meaning) = explain::meaning(header.name) {
            let sentence = format!("{} ({})", meaning.sentence, meaning.section);
            page.sentence(&sentence, INDENT, width, theme.dim);
        }
        for said in explain::value(header.name, &header.unfolded()) {
            page.sentence(&format!("= {}", self.hidden(&said)), INDENT, width, theme.good);
        }
    }

    /// The lines of a piece of the message, with what the lint says of each.
    pub(super) fn lines(
        &self,
        page: &mut Page,
        range: Range<usize>,
        mut style: impl FnMut(String) -> Vec<(String, Style)>,
        header: Option<Range<usize>>,
    ) {
        let detail = &self.room.model.detail;
        let range = range.start..range.end.min(self.end());
        let mut at = range.start;
        while at < range.end {
            let rest = &self.bytes[at..range.end];
            let next = memchr::memchr(b'\n', rest).map_or(range.end, |found| at + found + 1);
            let end = next - line_end(&self.bytes[at..next]);
            let findings: Vec<&Finding> = self
                .findings
                .iter()
                .filter(|finding| (at..next).contains(&finding.offset))
                .collect();
            let worst = findings.iter().map(|finding| finding.severity()).max();
            let (mark, mark_style) = self.mark(worst);
            let mut line = Line::of(format!("{mark} "), mark_style);
            line.header.clone_from(&header);
            for (text, style) in style(self.text(at..end)) {
                line = line.with(text, style);
            }
            if detail.line_ends {
                line = line.with(self.text(end..next), self.theme().dim);
            }
            if detail.unwrapped {
                page.push(line);
            } else {
                page.lines.extend(line.wrapped(self.room.width, INDENT));
            }
            for finding in findings {
                self.finding(page, finding);
            }
            at = next;
        }
    }

    /// A piece of the message as numbers.
    pub(super) fn hex(&self, page: &mut Page, range: Range<usize>) {
        let range = range.start..range.end.min(self.end());
        body::hex(page, self.room, self.bytes, range, &self.secrets);
    }

    fn mark(&self, severity: Option<Severity>) -> (&'static str, Style) {
        match severity {
            None => (" ", Style::new()),
            Some(Severity::Note) => ("·", self.theme().dim),
            Some(Severity::Warning) => ("▲", self.theme().pending),
            Some(Severity::Error) => ("✖", self.theme().bad),
        }
    }

    fn finding(&self, page: &mut Page, finding: &Finding) {
        let (_, style) = self.mark(Some(finding.severity()));
        let (severity, section) = (finding.severity(), finding.rule.section());
        let sentence = format!("{severity}: {} ({section})", self.hidden(&finding.message));
        page.sentence(&sentence, INDENT, self.room.width, style);
    }
}

/// How long the line end of a line is.
fn line_end(line: &[u8]) -> usize {
    match line {
        [.., b'\r', b'\n'] => 2,
        [.., b'\n'] => 1,
        _ => 0,
    }
}

/// What differs between two messages.
fn compare(page: &mut Page, room: &Room<'_>, before: &Bytes, after: &Bytes) {
    let theme = &room.model.theme;
    let diff = match diff(before, after) {
        Ok(diff) => diff,
        Err(problem) => return page.sentence(&room.model.safe(&problem), 1, room.width, theme.bad),
    };
    let same = match &diff {
        Diff { identical: true, .. } => "The same, byte for byte: a retransmission.".to_owned(),
        Diff { headers, body, .. } if headers.is_empty() && body.is_empty() => {
            "Every header and the body say the same; they are only written otherwise.".to_owned()
        }
        Diff { same, .. } => format!("{same} headers are the same in both."),
    };
    page.sentence(&same, 1, room.width, theme.dim);
    for change in &diff.headers {
        differs(page, room, change);
    }
    if !diff.body.is_empty() {
        page.heading(" body", theme.accent);
    }
    for line in &diff.body {
        let (sign, text, style) = match line {
            BodyLine::Same(text) => (' ', text_of(room, text), theme.dim),
            BodyLine::Added(text) => ('+', text_of(room, text), theme.good),
            BodyLine::Removed(text) => ('-', text_of(room, text), theme.bad),
            BodyLine::Bytes(before, after) => {
                ('~', format!("{before} bytes, now {after}; they differ"), theme.pending)
            }
        };
        add(page, room, Line::of(format!(" {sign} {text}"), style));
    }
}

fn differs(page: &mut Page, room: &Room<'_>, change: &Change) {
    let theme = &room.model.theme;
    let name = room.model.safe(&change.name).into_owned();
    let whole = |sign, value: &str, style| {
        let text = value_of(room, &change.name, value);
        Line::of(format!(" {sign} {name}: "), style).with(text, style)
    };
    match &change.how {
        How::Added(value) => add(page, room, whole('+', value, theme.good)),
        How::Removed(value) => add(page, room, whole('-', value, theme.bad)),
        How::Parts(parts) => {
            page.push(Line::of(format!(" ~ {name}"), theme.pending));
            for part in parts {
                let name = if part.name.is_empty() { "value" } else { &part.name };
                let name = room.model.safe(name);
                let mut side = |sign, side: &Option<String>, style| {
                    if let Some(value) = side {
                        let text = value_of(room, &change.name, value);
                        add(page, room, Line::of(format!("   {sign} {name} {text}"), style));
                    }
                };
                side('-', &part.before, theme.bad);
                side('+', &part.after, theme.good);
            }
        }
    }
}

fn add(page: &mut Page, room: &Room<'_>, line: Line) {
    if room.model.detail.unwrapped {
        page.push(line);
    } else {
        page.lines.extend(line.wrapped(room.width, INDENT + 2));
    }
}

/// A header's value, its secrets masked.
fn value_of(room: &Room<'_>, name: &str, value: &str) -> String {
    let header = format!("{name}: {value}");
    let secrets = secret::ranges(header.as_bytes(), &room.model.book.passwords);
    let from = name.len() + 2;
    let shown = secret::masked(header.as_bytes(), from..header.len(), &secrets);
    bytes_as_text(&shown)
}

/// A line of a body, its secrets masked.
fn text_of(room: &Room<'_>, line: &str) -> String {
    let body = format!("x\n\n{line}");
    let secrets = secret::ranges(body.as_bytes(), &room.model.book.passwords);
    let shown: Cow<'_, [u8]> = secret::masked(body.as_bytes(), 3..body.len(), &secrets);
    bytes_as_text(&shown)
}
