//! One SIP message: its bytes as they came, and an index of where everything stands.
//!
//! [`Message::read`] makes one pass over the head and keeps offsets; a header is parsed when it is
//! asked for. The bytes are never changed, so what came in can be shown and sent as it was.

mod header;
mod limits;
mod names;
mod read;
mod start;
#[cfg(test)]
mod tests;
mod typed;

use std::ops::Range;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::sip::{
    header::{HeaderError, HeaderProblem, fail},
    method::Method,
    name::HeaderName,
    status::StatusCode,
    syntax, work,
};

use header::text;
use names::{NameSet, Places};

pub use header::Header;
pub use limits::{Limits, ReadError};
pub use start::{RequestLineError, RequestLineProblem};
pub use typed::Essentials;

/// A message that has been indexed.
///
/// Cloning shares the bytes and copies the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    bytes: Bytes,
    start: Start,
    fields: SmallVec<[Field; INLINE_FIELDS]>,
    seen: NameSet,
    places: Places,
    body: Span,
    defect: Option<HeaderError>,
}

/// Messages with no more header fields than this are indexed without an allocation.
const INLINE_FIELDS: usize = 24;

/// The start line (RFC 3261 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartLine<'a> {
    /// `METHOD Request-URI SIP/2.0`, or what was meant as one: see
    /// [`Message::check_request_line`].
    Request {
        /// The method, as written.
        method: &'a str,
        /// The Request-URI, as written; empty where there is none.
        uri: &'a str,
        /// The version, as written; empty where there is none.
        version: &'a str,
    },
    /// A request line that is not UTF-8.
    BadRequest {
        /// The method, as written.
        method: &'a [u8],
        /// The Request-URI, as written.
        uri: &'a [u8],
        /// The version, as written.
        version: &'a [u8],
    },
    /// `SIP/2.0 code reason`
    Status {
        /// The version, as written.
        version: &'a str,
        /// The status code.
        status: StatusCode,
        /// The reason phrase, as written (not always UTF-8).
        reason: &'a [u8],
    },
    /// `SIP/2.0` and then no status code behind one space. No transaction can act on it.
    BadStatus {
        /// The version, as written (not always UTF-8).
        version: &'a [u8],
        /// What stands where the status code should (not always UTF-8).
        code: &'a [u8],
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    start: u32,
    end: u32,
}

impl Span {
    fn new(start: usize, end: usize) -> Span {
        // Limits keep every offset far below 4 GiB.
        Span { start: start as u32, end: end as u32 }
    }

    fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Field {
    name: HeaderName,
    name_len: u16,
    /// The line begins here, and so does the name.
    line: u32,
    value: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    Request { method: Span, uri: Span, version: Span },
    BadRequest { method: Span, uri: Span, version: Span },
    Status { version: Span, status: StatusCode, reason: Span },
    BadStatus { version: Span, code: Span },
}

impl Start {
    /// Stands there until the start line has been read.
    const NONE: Start = {
        let none = Span { start: 0, end: 0 };
        Start::Request { method: none, uri: none, version: none }
    };
}

impl Message {
    /// Indexes one message that a datagram or a WebSocket frame brought (RFC 3261 §18.3): without
    /// a Content-Length the body is the rest; bytes behind the Content-Length are no part of it.
    ///
    /// # Errors
    ///
    /// Where there is no line that can be a start line, or over one of the default [`Limits`].
    /// Anything else that is wrong is kept: see [`Message::defect`] and
    /// [`Message::check_request_line`].
    pub fn read(bytes: Bytes) -> Result<Message, ReadError> {
        Message::read_with(bytes, &Limits::default())
    }

    /// [`Message::read`] with limits of one's own.
    ///
    /// # Errors
    ///
    /// As [`Message::read`].
    pub fn read_with(bytes: Bytes, limits: &Limits) -> Result<Message, ReadError> {
        let mut message = Message::unread(bytes);
        read::index(&mut message, limits, Err)?;
        Ok(message)
    }

    /// [`Message::read_with`] for who answers: of a message over one of the limits what fits is
    /// indexed, with the first limit that it is over. No more than a refusal should be made of it.
    ///
    /// # Errors
    ///
    /// Where there is no line that can be a start line.
    pub fn read_to_answer(
        bytes: Bytes,
        limits: &Limits,
    ) -> Result<(Message, Option<ReadError>), ReadError> {
        let mut message = Message::unread(bytes);
        let mut first = None;
        read::index(&mut message, limits, |error| {
            first.get_or_insert(error);
            Ok(())
        })?;
        Ok((message, first))
    }

    fn unread(bytes: Bytes) -> Message {
        Message {
            bytes,
            start: Start::NONE,
            fields: SmallVec::new(),
            seen: NameSet::default(),
            places: Places::NONE,
            body: Span::new(0, 0),
            defect: None,
        }
    }

    /// The bytes as they came.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// What stands behind the Content-Length and the line ends that may follow, where that is shorter
    /// than what came (RFC 3261 §18.3 has it discarded).
    pub fn behind(&self) -> Bytes {
        let behind = &self.bytes[self.body.range().end..];
        let ends = behind.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.bytes.slice(self.bytes.len() - behind.len() + ends..)
    }

    /// Writes the bytes as they came behind what `out` holds.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bytes);
    }

    /// The start line.
    pub fn start_line(&self) -> StartLine<'_> {
        match self.start {
            Start::Request { method, uri, version } => StartLine::Request {
                method: self.str(method),
                uri: self.str(uri),
                version: self.str(version),
            },
            Start::BadRequest { method, uri, version } => StartLine::BadRequest {
                method: &self.bytes[method.range()],
                uri: &self.bytes[uri.range()],
                version: &self.bytes[version.range()],
            },
            Start::Status { version, status, reason } => StartLine::Status {
                version: self.str(version),
                status,
                reason: &self.bytes[reason.range()],
            },
            Start::BadStatus { version, code } => StartLine::BadStatus {
                version: &self.bytes[version.range()],
                code: &self.bytes[code.range()],
            },
        }
    }

    /// Where the start line stands in [`Message::bytes`], without its line end.
    pub fn start_line_range(&self) -> Range<usize> {
        let start = self.start_offset();
        let rest = &self.bytes[start..];
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let end = if rest[..end].ends_with(b"\r") { end - 1 } else { end };
        start..start + end
    }

    /// Where the start line begins: behind the line ends that may precede it (RFC 3261 §7.5), and
    /// behind white space, which may not.
    pub fn start_offset(&self) -> usize {
        match self.start {
            Start::Request { method, .. } | Start::BadRequest { method, .. } => {
                method.start as usize
            }
            Start::Status { version, .. } | Start::BadStatus { version, .. } => {
                version.start as usize
            }
        }
    }

    /// Whether this is a request; a response otherwise.
    pub fn is_request(&self) -> bool {
        matches!(self.start, Start::Request { .. } | Start::BadRequest { .. })
    }

    /// The method, where this is a request; bad bytes replaced.
    pub fn method(&self) -> Option<Method> {
        match self.start_line() {
            StartLine::Request { method, .. } => Some(Method::from(method)),
            StartLine::BadRequest { method, .. } => {
                Some(Method::from(&*String::from_utf8_lossy(method)))
            }
            StartLine::Status { .. } | StartLine::BadStatus { .. } => None,
        }
    }

    /// The Request-URI as written, where this is a request whose start line is UTF-8.
    pub fn request_uri(&self) -> Option<&str> {
        match self.start_line() {
            StartLine::Request { uri, .. } => Some(uri),
            _ => None,
        }
    }

    /// The Request-URI byte for byte; empty where this is a response.
    pub fn request_uri_bytes(&self) -> &[u8] {
        match self.start {
            Start::Request { uri, .. } | Start::BadRequest { uri, .. } => &self.bytes[uri.range()],
            Start::Status { .. } | Start::BadStatus { .. } => b"",
        }
    }

    /// The status code, where this is a response that has one.
    pub fn status(&self) -> Option<StatusCode> {
        match self.start {
            Start::Status { status, .. } => Some(status),
            _ => None,
        }
    }

    /// The reason phrase, bad bytes replaced; empty where this is a request.
    pub fn reason_phrase(&self) -> String {
        match self.start_line() {
            StartLine::Status { reason, .. } => String::from_utf8_lossy(reason).into_owned(),
            _ => String::new(),
        }
    }

    /// The header fields, in order.
    pub fn headers(&self) -> impl DoubleEndedIterator<Item = Header<'_>> + ExactSizeIterator {
        work::look_at(self.fields.len());
        self.fields.iter().map(|field| self.view(field))
    }

    /// The first header field of that name.
    pub fn header(&self, name: HeaderName) -> Option<Header<'_>> {
        self.field(name).map(|field| self.view(field))
    }

    /// Every header field of that name, in order.
    pub fn all(&self, name: HeaderName) -> impl Iterator<Item = Header<'_>> {
        work::look_at(self.fields.len());
        self.fields.iter().filter(move |field| field.name == name).map(|field| self.view(field))
    }

    /// Every member of every comma-separated field of that name, in order; a field that is not
    /// UTF-8 is passed over.
    pub fn list(&self, name: HeaderName) -> impl Iterator<Item = &str> {
        self.all(name)
            .filter_map(|header| header.text().ok())
            .flat_map(syntax::comma_list)
            .filter(|member| !member.is_empty())
    }

    /// The body: what Content-Length covers, or the rest of the datagram.
    pub fn body(&self) -> Bytes {
        self.bytes.slice(self.body.range())
    }

    /// Where the body stands in [`Message::bytes`].
    pub fn body_range(&self) -> Range<usize> {
        self.body.range()
    }

    /// Whether more than one header field has that name.
    pub fn repeats(&self, name: HeaderName) -> bool {
        self.seen.repeats(name)
    }

    /// What makes the extent of the message doubtful: headers that never end, or a Content-Length
    /// that is no number, repeats itself differently or promises more than came.
    ///
    /// The body is all that came then, and [`Message::essentials`] fails; a server can still refuse
    /// the request (see [`Message::transaction_parts`]).
    pub fn defect(&self) -> Option<HeaderError> {
        self.defect
    }

    #[inline]
    fn field(&self, name: HeaderName) -> Option<&Field> {
        if let Some(place) = self.places.of(name) {
            return self.fields.get(place);
        }
        if !self.seen.contains(name) {
            return None;
        }
        let place = self.fields.iter().position(|field| field.name == name)?;
        work::look_at(place);
        self.fields.get(place)
    }

    #[inline]
    fn required(&self, name: HeaderName) -> Result<&str, HeaderError> {
        let Some(field) = self.field(name) else { return fail(name, HeaderProblem::Missing, 0) };
        text(name, &self.bytes[field.value.range()])
    }

    fn view(&self, field: &Field) -> Header<'_> {
        let line = field.line as usize;
        Header {
            name: field.name,
            name_text: &self.bytes[line..line + field.name_len as usize],
            value: &self.bytes[field.value.range()],
            offset: field.value.start as usize,
            line_offset: line,
        }
    }

    /// Start line parts are only kept where they are UTF-8.
    fn str(&self, span: Span) -> &str {
        std::str::from_utf8(&self.bytes[span.range()]).unwrap_or("")
    }
}
