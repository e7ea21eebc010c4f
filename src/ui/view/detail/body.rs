//! A body: text, a session description, several parts, or bytes as numbers.

use std::ops::Range;

use bytes::Bytes;
use ratatui::style::Style;

use super::{
    Room,
    messages::Shown,
    page::{Line, Page},
};
use crate::{
    sip::{
        HeaderName, Message,
        header::MediaType,
        multipart::{Part, parts},
        syntax,
    },
    ui::detail::{Reading, sdp},
};

/// How deep parts may stand in each other.
const NESTING: usize = 8;
/// How many parts are shown.
const MOST_PARTS: usize = 64;

/// Shows the body of a message.
pub(super) fn show(page: &mut Page, room: &Room<'_>, shown: &Shown<'_>, message: &Message) {
    let range = message.body_range();
    if range.is_empty() {
        return;
    }
    let kind = message.header(HeaderName::ContentType).map(|header| header.unfolded().into_owned());
    let media = kind.as_deref().and_then(|kind| MediaType::parse(kind).ok());
    let body = message.body();
    match media {
        Some(media) if media.is_multipart() => match parts(media, &body, NESTING) {
            Ok(parts) => several(page, room, shown, &body, range.start, &parts),
            Err(problem) => {
                problem_line(page, room, &problem.to_string());
                one(page, room, shown, &body, range.start, None);
            }
        },
        media => one(page, room, shown, &body, range.start, media),
    }
}

/// The parts of a body, each with its own headers.
fn several(
    page: &mut Page,
    room: &Room<'_>,
    shown: &Shown<'_>,
    body: &Bytes,
    start: usize,
    parts: &[Part],
) {
    let theme = &room.model.theme;
    for (index, part) in parts.iter().take(MOST_PARTS).enumerate() {
        let head = &body[part.head.clone()];
        let kind = content_type(head);
        let media = kind.as_deref().and_then(|kind| MediaType::parse(kind).ok());
        let within = if part.depth > 1 { format!(", {} deep", part.depth) } else { String::new() };
        let title =
            format!("part {} of {}{within}, {} bytes", index + 1, parts.len(), part.body.len());
        page.heading(format!("  ── {title} ──"), theme.accent);
        let at = |range: &Range<usize>| start + range.start..start + range.end;
        shown.lines(page, at(&part.head), |text| vec![(text, theme.dim)], None);
        // What holds other parts is shown by them.
        if media.is_none_or(|media| !media.is_multipart()) {
            let piece = body.slice(part.body.clone());
            one(page, room, shown, &piece, start + part.body.start, media);
        }
    }
    if parts.len() > MOST_PARTS {
        let more = format!("… {} more parts are not shown", parts.len() - MOST_PARTS);
        page.sentence(&more, 2, room.width, theme.dim);
    }
}

/// The Content-Type among a part's headers.
fn content_type(head: &[u8]) -> Option<String> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let colon = memchr::memchr(b':', line)?;
        let name = HeaderName::from_bytes(syntax::trim_end_bytes(&line[..colon]));
        let value = std::str::from_utf8(&line[colon + 1..]).ok()?;
        (name == HeaderName::ContentType).then(|| syntax::trim(value).to_owned())
    })
}

/// A body, or a part of one, that stands at an offset of the message.
fn one(
    page: &mut Page,
    room: &Room<'_>,
    shown: &Shown<'_>,
    body: &Bytes,
    start: usize,
    media: Option<MediaType<'_>>,
) {
    let end = start + body.len();
    let plain = |text| vec![(text, Style::new())];
    let Some(text) = std::str::from_utf8(body).ok().filter(|text| is_text(text)) else {
        return shown.hex(page, start..end);
    };
    if !media.is_some_and(|media| media.is("application", "sdp")) {
        return shown.lines(page, start..end, plain, None);
    }
    if let Some(problem) = sdp::problem(body) {
        problem_line(page, room, &format!("not a session description (RFC 8866): {problem}"));
    }
    let explains = room.model.detail.reading == Reading::Explained;
    let said = if explains { sdp::explain(text) } else { Vec::new() };
    let theme = &room.model.theme;
    let mut said = said.into_iter();
    let mut at = start;
    while at < end {
        let next = memchr::memchr(b'\n', &body[at - start..]).map_or(end, |found| at + found + 1);
        let medium = body[at - start..].starts_with(b"m=");
        let style = if medium { theme.accent } else { Style::new() };
        shown.lines(page, at..next, |text| vec![(text, style)], None);
        if let Some(said) = said.next().filter(|said| !said.is_empty()) {
            page.sentence(&format!("= {}", shown.hidden(&said)), 4, room.width, theme.good);
        }
        at = next;
    }
}

fn problem_line(page: &mut Page, room: &Room<'_>, problem: &str) {
    page.sentence(
        &format!("▲ {}", room.model.safe(problem)),
        0,
        room.width,
        room.model.theme.pending,
    );
}

/// Whether a text is one that people read.
fn is_text(text: &str) -> bool {
    !text.contains(|c: char| c.is_control() && !matches!(c, '\r' | '\n' | '\t' | '\x0c'))
}

/// Bytes as numbers and as characters, as many in a line as there is room for.
pub(super) fn hex(
    page: &mut Page,
    room: &Room<'_>,
    bytes: &Bytes,
    range: Range<usize>,
    secrets: &[Range<usize>],
) {
    let theme = &room.model.theme;
    // An offset of five digits and its margin, then three columns a byte, then one.
    let fits = room.width.saturating_sub(11) / 4;
    let count = [16, 8, 4].into_iter().find(|count| *count <= fits).unwrap_or(2);
    let is_secret = |at: usize| secrets.iter().any(|secret| secret.contains(&at));
    for from in range.clone().step_by(count) {
        let line = from..(from + count).min(range.end);
        let mut numbers = String::new();
        let mut characters = String::new();
        for at in line {
            let byte = bytes[at];
            match is_secret(at) {
                true => numbers.push_str("** "),
                false => numbers.push_str(&format!("{byte:02x} ")),
            }
            let shows = !is_secret(at) && (b' '..=b'~').contains(&byte);
            characters.push(if shows { char::from(byte) } else { '·' });
        }
        let line = Line::of(format!("  {from:05x}  "), theme.dim)
            .with(format!("{numbers:<width$} ", width = 3 * count), Style::new())
            .with(characters, theme.good);
        page.push(line);
    }
}
