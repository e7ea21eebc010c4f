//! The body: its length, its type, and its parts.

use super::{Lint, Rule};
use crate::sip::{
    header::{HeaderProblem, MediaType},
    multipart::{self, PartsError},
    name::HeaderName,
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
        match multipart::parts(media, bytes, lint.options.limits.nesting) {
            Ok(_) => {}
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
