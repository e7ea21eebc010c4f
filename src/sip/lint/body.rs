//! The body: its length, its type, and its parts.

use super::{Lint, Rule};
use crate::sip::{
    header::{HeaderProblem, MediaType},
    multipart::{self, Part, PartsError},
    name::HeaderName,
    syntax,
};

pub(super) fn look(lint: &mut Lint<'_>) {
    look_length(lint);
    let message = lint.message;
    let body = message.body_range();
    let header = message.header(HeaderName::ContentType);
    if body.is_empty() {
        if let Some(header) = header {
            lint.header(Rule::ContentTypeUnused, header, 0, "there is no body");
        }
        return;
    }
    let Some(header) = header else {
        lint.missing(
            Rule::ContentTypeMissing,
            HeaderName::ContentType,
            format_args!("a body of {} bytes needs a Content-Type", body.len()),
        );
        return;
    };
    let Some(media) = header.text().ok().and_then(|text| MediaType::parse(text).ok()) else {
        return;
    };
    let bytes = &message.bytes()[body.clone()];
    if media.is("application", "sdp")
        && !bytes.starts_with(b"v=0\r")
        && !bytes.starts_with(b"v=0\n")
    {
        lint.at(Rule::SdpVersion, body.start, "SDP begins with a line v=0");
    }
    if media.is_multipart() {
        if let Some(boundary) = media.boundary().filter(|boundary| !is_boundary(boundary)) {
            let text = format_args!(
                "the boundary has {} characters; it is 1 to 70 letters, digits, spaces and \
                 '()+_,-./:=?, and ends in no space",
                boundary.chars().count()
            );
            lint.header(Rule::MultipartBoundary, header, 0, text);
        }
        match multipart::parts(media, bytes, lint.options.limits.nesting) {
            Ok(parts) => {
                for part in parts {
                    look_part(lint, &part, body.start);
                }
            }
            Err(error @ (PartsError::NoBoundary | PartsError::BoundaryNotFound)) => {
                lint.header(Rule::MultipartBoundary, header, 0, error.to_string());
            }
            Err(error @ PartsError::Unterminated) => {
                lint.at(Rule::MultipartUnterminated, body.end, error.to_string());
            }
            Err(error @ PartsError::TooDeep { .. }) => {
                lint.at(Rule::MultipartNesting, body.start, error.to_string());
            }
        }
    }
}

/// RFC 2046 §5.1.1: `boundary := 0*69<bchars> bcharsnospace`.
fn is_boundary(text: &str) -> bool {
    let is_bchar = |b: u8| b.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&b);
    (1..=70).contains(&text.len()) && text.bytes().all(is_bchar) && !text.ends_with(' ')
}

/// RFC 2046 §5.1: a part is its headers, which may be none, an empty line and its body.
fn look_part(lint: &mut Lint<'_>, part: &Part, start: usize) {
    let message = lint.message;
    let range = start + part.head.start..start + part.head.end;
    let head = &message.bytes()[range.clone()];
    // The line end before a boundary belongs to the boundary: each header has one of its own.
    if !head.is_empty() && !head.ends_with(b"\n") {
        let text = "no empty line stands between the headers of this part and its body";
        return lint.at(Rule::MultipartPart, range.start, text);
    }
    let is_name = |name: &[u8]| !name.is_empty() && name.iter().all(|b| syntax::is_token_byte(*b));
    let mut at = range.start;
    for line in head.split_inclusive(|byte| *byte == b'\n') {
        let folds = at > range.start && matches!(line[0], b' ' | b'\t');
        let name = memchr::memchr(b':', line).map(|colon| syntax::trim_end_bytes(&line[..colon]));
        if !folds && !name.is_some_and(is_name) {
            let text = "a header of a part is a name, a colon and a value";
            lint.at(Rule::MultipartPart, at, text);
        }
        at += line.len();
    }
}

fn look_length(lint: &mut Lint<'_>) {
    let message = lint.message;
    let Some(header) = message.header(HeaderName::ContentLength) else {
        lint.missing(
            Rule::ContentLengthMissing,
            HeaderName::ContentLength,
            "no Content-Length: the body is the rest of the datagram; on a stream it must be there",
        );
        return;
    };
    match message.defect().map(|defect| defect.problem) {
        Some(HeaderProblem::BodyTooShort { expected, found }) => lint.header(
            Rule::ContentLengthTooLong,
            header,
            0,
            format_args!(
                "Content-Length says {expected} bytes, but only {found} follow the headers"
            ),
        ),
        Some(HeaderProblem::Repeated) => {
            let last = message.all(HeaderName::ContentLength).last().unwrap_or(header);
            lint.header(Rule::ContentLengthConflict, last, 0, "two Content-Lengths disagree");
        }
        Some(HeaderProblem::BadNumber { .. }) => lint.header(
            Rule::ContentLengthInvalid,
            header,
            0,
            format_args!("Content-Length is one number, not {}", header.unfolded()),
        ),
        _ => {
            let end = message.body_range().end;
            let more = message.bytes().len() - end;
            if more > 0 {
                let text =
                    format_args!("{more} bytes follow the body, and are no part of the message");
                lint.at(Rule::BytesAfterBody, end, text);
            }
        }
    }
}
