//! The one pass over a message's head.
//!
//! It finds the lines, folds and names, and the body; it judges nothing but what the index itself
//! needs. Its time is linear in the input, its memory in the number of header fields.

use std::ops::Range;

use super::{Essentials, Field, Limits, Message, ReadError, Span, start};
use crate::sip::{
    header::{self, HeaderError, HeaderProblem},
    name::HeaderName,
    syntax, work,
};

/// Fills the index of `message` from its bytes. `over` says what is done about each limit that is
/// passed: it is an error, or what is over it is left out.
pub(super) fn index(
    message: &mut Message,
    limits: &Limits,
    mut over: impl FnMut(ReadError) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let mut bytes = &message.bytes[..];
    let mut size = bytes.len();
    if size > limits.message || size > u32::MAX as usize {
        let limit = limits.message.min(u32::MAX as usize);
        over(ReadError::TooLarge { size, limit })?;
        size = limit;
        bytes = &bytes[..size];
    }
    // RFC 3261 §7.5: line ends before the start line are ignored.
    let first = bytes.iter().position(|b| !matches!(b, b'\r' | b'\n')).ok_or(ReadError::Empty)?;
    let (line, mut at) = next_line(bytes, first).unwrap_or((first..size, size));
    if line.len() > limits.line {
        over(ReadError::LineTooLong { offset: first, limit: limits.line })?;
    }
    message.start = start::read(bytes, line).ok_or(ReadError::BadStartLine { offset: first })?;
    let mut ended = false;
    while at < size {
        let (field, end, after) = match usual_field(bytes, at) {
            Some((field, end)) => (field, end, end + 2),
            None => {
                let (line, mut after) = next_line(bytes, at).unwrap_or((at..size, size));
                if line.is_empty() {
                    at = after;
                    ended = true;
                    break;
                }
                let mut end = line.end;
                // RFC 3261 §7.3.1: a line that begins with white space continues the one before.
                while let Some(b' ' | b'\t') = bytes.get(after) {
                    let (more, next) = next_line(bytes, after).unwrap_or((after..size, size));
                    end = more.end;
                    after = next;
                }
                (field(bytes, at, line.end, end), end, after)
            }
        };
        if end - at > limits.line {
            over(ReadError::LineTooLong { offset: at, limit: limits.line })?;
            at = after;
            continue;
        }
        // A parameter takes two bytes at least, so most lines need no count.
        if end - at > limits.parameters
            && memchr::memchr_iter(b';', &bytes[at..end]).nth(limits.parameters).is_some()
        {
            over(ReadError::TooManyParameters { offset: at, limit: limits.parameters })?;
            at = after;
            continue;
        }
        if message.fields.len() >= limits.headers {
            over(ReadError::TooManyHeaders { offset: at, limit: limits.headers })?;
            // What an answer is made from is worth a few more.
            if message.seen.contains(field.name) || !Essentials::NAMES.contains(&field.name) {
                at = after;
                continue;
            }
        }
        message.seen.insert(field.name);
        message.places.note(field.name, message.fields.len());
        message.fields.push(field);
        at = after;
    }
    message.body = Span::new(at, size);
    if !ended {
        message.defect = Some(HeaderError {
            name: HeaderName::Malformed,
            problem: HeaderProblem::NoEndOfHeaders,
            offset: size,
        });
    } else if message.seen.contains(HeaderName::ContentLength) {
        body(message, at);
    }
    Ok(())
}

/// RFC 3261 §18.3: the body is what Content-Length covers. Where it cannot be believed, the body
/// is the rest and the message has a defect.
fn body(message: &mut Message, at: usize) {
    let found = message.bytes.len() - at;
    let mut length = None;
    let mut defect = None;
    // Nearly always there is one, and no search.
    let again = message.repeats(HeaderName::ContentLength);
    let first = message.header(HeaderName::ContentLength).into_iter();
    let others = again.then(|| message.all(HeaderName::ContentLength)).into_iter().flatten();
    for header in first.chain(others) {
        match header::content_length(header.value) {
            Err(error) => defect = defect.or(Some(error)),
            Ok(value) if length.is_some_and(|length| length != value) => {
                defect = defect.or(Some(HeaderError {
                    name: HeaderName::ContentLength,
                    problem: HeaderProblem::Repeated,
                    offset: 0,
                }));
            }
            Ok(value) => length = Some(value),
        }
    }
    if let (None, Some(expected)) = (defect, length) {
        match usize::try_from(expected) {
            Ok(length) if length <= found => message.body = Span::new(at, at + length),
            _ => {
                defect = Some(HeaderError {
                    name: HeaderName::ContentLength,
                    problem: HeaderProblem::BodyTooShort { expected, found },
                    offset: 0,
                });
            }
        }
    }
    message.defect = defect;
}

/// The line at `at` without its line end, and where the next one begins; `None` where no line end
/// follows. A bare LF ends a line too; the lint reports it.
#[inline]
fn next_line(bytes: &[u8], at: usize) -> Option<(Range<usize>, usize)> {
    let rest = bytes.get(at..)?;
    let found = memchr::memchr(b'\n', rest);
    work::look_at(found.unwrap_or(rest.len()));
    let newline = at + found?;
    let end = if newline > at && bytes[newline - 1] == b'\r' { newline - 1 } else { newline };
    Some((at..end, newline + 1))
}

/// The field at `start` and where its line ends, where it is as nearly all are: `Name: value` with
/// a known name, on one line that CRLF ends. Others are [`field`]'s.
#[inline(always)]
fn usual_field(bytes: &[u8], start: usize) -> Option<(Field, usize)> {
    let line = bytes.get(start..)?;
    let colon = syntax::find_in_first_words(b':', line)?;
    let (name, rest) = line.split_at_checked(colon)?;
    // A known name holds neither line end nor white space.
    let name = HeaderName::from_bytes(name);
    let [b':', b' ', rest @ ..] = rest else { return None };
    let newline = syntax::find_near(b'\n', rest)?;
    let (value, behind) = rest.split_at_checked(newline)?;
    let [value @ .., b'\r'] = value else { return None };
    let (&first, &last) = (value.first()?, value.last()?);
    let spaced = first <= b' ' || last <= b' ' || matches!(behind, [_, b' ' | b'\t', ..]);
    if spaced || matches!(name, HeaderName::Extension | HeaderName::Malformed) {
        return None;
    }
    let from = start + colon + 2;
    let value = Span::new(from, from + value.len());
    Some((Field { name, name_len: colon as u16, line: start as u32, value }, from + newline - 1))
}

/// The field from `start` to `end`, whose first line ends at `first`.
#[inline]
fn field(bytes: &[u8], start: usize, first: usize, end: usize) -> Field {
    let line = &bytes[start..end];
    let malformed = || {
        let value = start + line.len() - syntax::trim_start_bytes(line).len();
        Field {
            name: HeaderName::Malformed,
            name_len: 0,
            line: value as u32,
            value: Span::new(value, end),
        }
    };
    // A fold stands in a value, never before the colon (RFC 3261 §25.1, HCOLON).
    let Some(colon) = syntax::find_near(b':', &bytes[start..first]) else { return malformed() };
    // White space at the start continues a line, but the start line has no more lines.
    if is_blank(line[0]) {
        return malformed();
    }
    // RFC 3261 §7.3.1 allows white space before the colon; anything else is for the lint.
    let name_len = colon - line[..colon].iter().rev().take_while(|b| is_blank(**b)).count();
    let Ok(short) = u16::try_from(name_len) else { return malformed() };
    let after = &line[colon + 1..];
    let tail = syntax::trim_start_bytes(after);
    // An empty value stands at the end of its line.
    let value_start = end - tail.len();
    Field {
        name: HeaderName::from_bytes(&line[..name_len]),
        name_len: short,
        line: start as u32,
        value: Span::new(value_start, value_start + syntax::trim_end_bytes(tail).len()),
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}
