//! Bodies of several parts (RFC 2046 §5.1, RFC 5621).

use std::ops::Range;

use crate::sip::{header::MediaType, name::HeaderName, syntax};

/// One part of a multipart body: offsets in that body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The part's own headers, with their line ends.
    pub head: Range<usize>,
    /// What follows the empty line.
    pub body: Range<usize>,
    /// How deep it stands: 1 for the parts of the message's own body.
    pub depth: usize,
}

impl Part {
    /// The value of a header of the part; `body` is the body that the part stands in.
    pub fn header<'a>(&self, body: &'a [u8], name: HeaderName) -> Option<&'a str> {
        header_lines(&body[self.head.clone()])
            .find(|(found, _)| *found == name)
            .and_then(|(_, value)| std::str::from_utf8(value).ok())
    }
}

/// The lines of a part's head that are headers: their names, and what stands behind the colon.
fn header_lines(head: &[u8]) -> impl Iterator<Item = (HeaderName, &[u8])> {
    head.split(|byte| *byte == b'\n').filter_map(|line| {
        let line = syntax::trim_end_bytes(line);
        let colon = memchr::memchr(b':', line)?;
        let name = HeaderName::from_bytes(syntax::trim_end_bytes(&line[..colon]));
        Some((name, syntax::trim_start_bytes(&line[colon + 1..])))
    })
}

/// Why a multipart body cannot be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartsError {
    /// Content-Type has no `boundary`.
    #[error("a multipart Content-Type needs a boundary parameter")]
    NoBoundary,
    /// The boundary stands nowhere in the body.
    #[error("the boundary that Content-Type names stands nowhere in the body")]
    BoundaryNotFound,
    /// The boundary with `--` behind it is missing.
    #[error("the last boundary, with -- behind it, is missing")]
    Unterminated,
    /// More multipart bodies in each other than the limit.
    #[error("multipart bodies stand in each other more than {limit} deep")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
}

/// Splits a multipart body into its parts, and the parts of its parts; each stands behind the one
/// that holds it. At most `nesting` levels are entered, and each byte is looked at once a level.
///
/// # Errors
///
/// Where the body or a multipart part of it is not what its type says.
pub fn parts(media: MediaType<'_>, body: &[u8], nesting: usize) -> Result<Vec<Part>, PartsError> {
    let mut all = Vec::new();
    split(media, body, 0..body.len(), 1, nesting, &mut all)?;
    Ok(all)
}

fn split(
    media: MediaType<'_>,
    bytes: &[u8],
    range: Range<usize>,
    depth: usize,
    nesting: usize,
    all: &mut Vec<Part>,
) -> Result<(), PartsError> {
    if depth > nesting {
        return Err(PartsError::TooDeep { limit: nesting });
    }
    let boundary = media.boundary().ok_or(PartsError::NoBoundary)?;
    let mut open: Option<usize> = None;
    let mut at = range.start;
    while at < range.end {
        let next = memchr::memchr(b'\n', &bytes[at..range.end]).map_or(range.end, |lf| at + lf + 1);
        let line = syntax::trim_end_bytes(&bytes[at..next]);
        if let Some(tail) = delimiter(line, boundary.as_bytes()) {
            if let Some(start) = open {
                // The line end before a boundary belongs to the boundary.
                let end = at - if bytes[..at].ends_with(b"\r\n") { 2 } else { 1 };
                part(bytes, start..end.max(start), depth, nesting, all)?;
            }
            if tail == b"--" {
                return Ok(());
            }
            open = Some(next);
        }
        at = next;
    }
    Err(if open.is_some() { PartsError::Unterminated } else { PartsError::BoundaryNotFound })
}

/// What stands behind `--boundary` on a line that is a delimiter: nothing, or `--`.
fn delimiter<'a>(line: &'a [u8], boundary: &[u8]) -> Option<&'a [u8]> {
    let tail = line.strip_prefix(b"--")?.strip_prefix(boundary)?;
    matches!(tail, b"" | b"--").then_some(tail)
}

fn part(
    bytes: &[u8],
    range: Range<usize>,
    depth: usize,
    nesting: usize,
    all: &mut Vec<Part>,
) -> Result<(), PartsError> {
    let mut at = range.start;
    // A part may begin with its empty line, and may have no empty line at all.
    let mut head = range.clone();
    let mut body = range.end..range.end;
    while at < range.end {
        let next = memchr::memchr(b'\n', &bytes[at..range.end]).map_or(range.end, |lf| at + lf + 1);
        let line = syntax::trim_end_bytes(&bytes[at..next]);
        if line.is_empty() {
            (head, body) = (range.start..at, next..range.end);
            break;
        }
        at = next;
    }
    let part = Part { head, body: body.clone(), depth };
    let media = part.header(bytes, HeaderName::ContentType);
    all.push(part);
    match media.and_then(|text| MediaType::parse(text).ok()) {
        Some(media) if media.is_multipart() => split(media, bytes, body, depth + 1, nesting, all),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIXED: MediaType<'_> = MediaType { kind: "multipart", subtype: "mixed", params: PARAMS };
    const PARAMS: crate::sip::Params<'_> = crate::sip::Params::new(";boundary=\"b 1\"");

    fn texts<'a>(body: &'a str, parts: &[Part]) -> Vec<(&'a str, &'a str, usize)> {
        parts
            .iter()
            .map(|part| (&body[part.head.clone()], &body[part.body.clone()], part.depth))
            .collect()
    }

    #[test]
    fn parts_have_heads_and_bodies() {
        let body = "preamble\r\n--b 1\r\nContent-Type: text/plain\r\n\r\nhello\r\n\r\n--b 1  \r\n\r\n--b 1x\r\n--b 1--\r\nrest";
        let parts = parts(MIXED, body.as_bytes(), 1).unwrap();
        assert_eq!(
            texts(body, &parts),
            [("Content-Type: text/plain\r\n", "hello\r\n", 1), ("", "--b 1x", 1)]
        );
    }

    #[test]
    fn parts_stand_in_each_other_up_to_the_limit() {
        let body = "--b 1\r\nContent-Type: multipart/mixed;boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n--b 1--";
        let all = parts(MIXED, body.as_bytes(), 2).unwrap();
        assert_eq!(all.iter().map(|part| part.depth).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(parts(MIXED, body.as_bytes(), 1), Err(PartsError::TooDeep { limit: 1 }));
    }

    #[test]
    fn what_cannot_be_split_says_why() {
        let plain = MediaType::parse("multipart/mixed").unwrap();
        assert_eq!(parts(plain, b"--x", 1), Err(PartsError::NoBoundary));
        assert_eq!(parts(MIXED, b"--x--", 1), Err(PartsError::BoundaryNotFound));
        assert_eq!(parts(MIXED, b"--b 1\r\n\r\nx", 1), Err(PartsError::Unterminated));
        assert_eq!(parts(MIXED, b"--b 1\n--b 1--", 1).unwrap().len(), 1);
    }
}
