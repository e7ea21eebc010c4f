//! One SIP message: its bytes as they came, and an index of where everything stands.
//!
//! [`Message::read`] makes one pass over the head and keeps offsets; a header is parsed when it is
//! asked for. The bytes are never changed, so what came in can be shown and sent as it was.

use std::ops::Range;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::sip::{
    header::{CSeq, HeaderError, HeaderProblem, NameAddr, Via, fail},
    method::Method,
    name::HeaderName,
    status::StatusCode,
    syntax,
};

/// A message that has been indexed.
///
/// Cloning shares the bytes and copies the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    bytes: Bytes,
    start: Start,
    fields: SmallVec<[Field; 16]>,
    body: Span,
}

/// The start line (RFC 3261 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartLine<'a> {
    /// `METHOD Request-URI SIP/2.0`
    Request {
        /// The method, as written.
        method: &'a str,
        /// The Request-URI, as written.
        uri: &'a str,
        /// The version, as written.
        version: &'a str,
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
}

/// One header field as it stands in the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Which header it is.
    pub name: HeaderName,
    /// The name as written.
    pub name_text: &'a [u8],
    /// The value as written, without the white space around it; a folded value holds its CRLF.
    pub value: &'a [u8],
    /// The byte offset of the value in the message.
    pub offset: usize,
}

impl<'a> Header<'a> {
    /// The value as text.
    ///
    /// # Errors
    ///
    /// Where it is not UTF-8, with the offset of the first bad byte.
    pub fn text(&self) -> Result<&'a str, HeaderError> {
        std::str::from_utf8(self.value)
            .or_else(|error| fail(self.name, HeaderProblem::NotUtf8, error.valid_up_to()))
    }
}

/// What a transaction must have to act on a message (RFC 3261 §8.1.1).
#[derive(Clone, Copy, Debug)]
pub struct Essentials<'a> {
    /// The top Via.
    pub via: Via<'a>,
    /// From.
    pub from: NameAddr<'a>,
    /// To.
    pub to: NameAddr<'a>,
    /// Call-ID, as written; it compares byte for byte.
    pub call_id: &'a str,
    /// CSeq.
    pub cseq: CSeq<'a>,
}

/// Bounds on what a message may hold. A message over one of them is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The whole message, in bytes.
    pub message: usize,
    /// The number of header fields.
    pub headers: usize,
    /// One header field or the start line, folded lines included, in bytes.
    pub line: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { message: 4 << 20, headers: 1024, line: 64 << 10 }
    }
}

/// Why bytes cannot be indexed as a message at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Nothing, or only line ends.
    #[error("the message is empty")]
    Empty,
    /// The first line is neither a request line nor a status line.
    #[error(
        "the first line is neither a request line (METHOD URI SIP/2.0) nor a status line (SIP/2.0 200 OK)"
    )]
    BadStartLine,
    /// No empty line ends the headers.
    #[error("no empty line ends the headers, which run to offset {offset} (RFC 3261 §7)")]
    NoEndOfHeaders {
        /// The length of the input.
        offset: usize,
    },
    /// A Content-Length that is no number.
    #[error("the Content-Length at offset {offset} is not one number (RFC 3261 §20.14)")]
    BadContentLength {
        /// The byte offset of the value.
        offset: usize,
    },
    /// Fewer bytes follow than Content-Length says.
    #[error(
        "the Content-Length says {expected} bytes, but only {found} follow the headers (RFC 3261 §18.3)"
    )]
    BodyTooShort {
        /// What Content-Length says.
        expected: u64,
        /// What is there.
        found: usize,
    },
    /// Larger than [`Limits::message`].
    #[error("the message has {size} bytes; the limit is {limit}")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// More headers than [`Limits::headers`].
    #[error("the message has more than {limit} headers")]
    TooManyHeaders {
        /// The limit.
        limit: usize,
    },
    /// A line longer than [`Limits::line`].
    #[error("the line at offset {offset} is longer than {limit} bytes")]
    LineTooLong {
        /// Where the line begins.
        offset: usize,
        /// The limit in bytes.
        limit: usize,
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
    Status { version: Span, status: StatusCode, reason: Span },
}

impl Message {
    /// Indexes one message that a datagram or a WebSocket frame brought (RFC 3261 §18.3): without
    /// a Content-Length the body is the rest; bytes behind the Content-Length are no part of it.
    ///
    /// # Errors
    ///
    /// Where not even the start line and the end of the headers can be found, where the body is
    /// shorter than promised, or over one of the default [`Limits`].
    pub fn read(bytes: Bytes) -> Result<Message, ReadError> {
        Message::read_with(bytes, &Limits::default())
    }

    /// [`Message::read`] with limits of one's own.
    ///
    /// # Errors
    ///
    /// As [`Message::read`].
    pub fn read_with(bytes: Bytes, limits: &Limits) -> Result<Message, ReadError> {
        let size = bytes.len();
        if size > limits.message || size > u32::MAX as usize {
            return Err(ReadError::TooLarge { size, limit: limits.message });
        }
        // RFC 3261 §7.5: line ends before the start line are ignored.
        let first =
            bytes.iter().position(|b| !matches!(b, b'\r' | b'\n')).ok_or(ReadError::Empty)?;
        let (line, mut at) = next_line(&bytes, first).unwrap_or((first..size, size));
        if line.len() > limits.line {
            return Err(ReadError::LineTooLong { offset: first, limit: limits.line });
        }
        let start = read_start(&bytes, line).ok_or(ReadError::BadStartLine)?;
        let mut fields = SmallVec::new();
        loop {
            let Some((line, next)) = next_line(&bytes, at) else {
                return Err(ReadError::NoEndOfHeaders { offset: size });
            };
            if line.is_empty() {
                at = next;
                break;
            }
            let mut end = line.end;
            let mut after = next;
            // RFC 3261 §7.3.1: a line that begins with white space continues the one before.
            while let Some(b' ' | b'\t') = bytes.get(after) {
                let Some((more, next)) = next_line(&bytes, after) else { break };
                end = more.end;
                after = next;
            }
            if end - at > limits.line {
                return Err(ReadError::LineTooLong { offset: at, limit: limits.line });
            }
            if fields.len() == limits.headers {
                return Err(ReadError::TooManyHeaders { limit: limits.headers });
            }
            fields.push(read_field(&bytes, at, end));
            at = after;
        }
        let mut message = Message { start, fields, body: Span::new(at, size), bytes };
        message.body = message.find_body(at)?;
        Ok(message)
    }

    fn find_body(&self, at: usize) -> Result<Span, ReadError> {
        let size = self.bytes.len();
        let Some(header) = self.header(HeaderName::ContentLength) else {
            return Ok(Span::new(at, size));
        };
        let expected = content_length(header.value)
            .ok_or(ReadError::BadContentLength { offset: header.offset })?;
        let found = size - at;
        match usize::try_from(expected) {
            Ok(length) if length <= found => Ok(Span::new(at, at + length)),
            _ => Err(ReadError::BodyTooShort { expected, found }),
        }
    }

    /// The bytes as they came.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The start line.
    pub fn start_line(&self) -> StartLine<'_> {
        match self.start {
            Start::Request { method, uri, version } => StartLine::Request {
                method: self.str(method),
                uri: self.str(uri),
                version: self.str(version),
            },
            Start::Status { version, status, reason } => StartLine::Status {
                version: self.str(version),
                status,
                reason: &self.bytes[reason.range()],
            },
        }
    }

    /// The method, where this is a request.
    pub fn method(&self) -> Option<Method> {
        match self.start_line() {
            StartLine::Request { method, .. } => Some(Method::from(method)),
            StartLine::Status { .. } => None,
        }
    }

    /// The Request-URI as written, where this is a request.
    pub fn request_uri(&self) -> Option<&str> {
        match self.start_line() {
            StartLine::Request { uri, .. } => Some(uri),
            StartLine::Status { .. } => None,
        }
    }

    /// The status code, where this is a response.
    pub fn status(&self) -> Option<StatusCode> {
        match self.start {
            Start::Request { .. } => None,
            Start::Status { status, .. } => Some(status),
        }
    }

    /// The reason phrase, bad bytes replaced; empty where this is a request.
    pub fn reason_phrase(&self) -> String {
        match self.start_line() {
            StartLine::Request { .. } => String::new(),
            StartLine::Status { reason, .. } => String::from_utf8_lossy(reason).into_owned(),
        }
    }

    /// The header fields, in order.
    pub fn headers(&self) -> impl DoubleEndedIterator<Item = Header<'_>> + ExactSizeIterator {
        self.fields.iter().map(|field| self.view(field))
    }

    /// The first header field of that name.
    pub fn header(&self, name: HeaderName) -> Option<Header<'_>> {
        self.fields.iter().find(|field| field.name == name).map(|field| self.view(field))
    }

    /// Every header field of that name, in order.
    pub fn all(&self, name: HeaderName) -> impl Iterator<Item = Header<'_>> {
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

    /// The top Via.
    ///
    /// # Errors
    ///
    /// Where it is missing or cannot be read.
    pub fn via(&self) -> Result<Via<'_>, HeaderError> {
        let value = self.required(HeaderName::Via)?;
        Via::parse(syntax::comma_list(value).next().unwrap_or(""))
    }

    /// From.
    ///
    /// # Errors
    ///
    /// Where it is missing or cannot be read.
    pub fn from(&self) -> Result<NameAddr<'_>, HeaderError> {
        NameAddr::parse(HeaderName::From, self.required(HeaderName::From)?)
    }

    /// To.
    ///
    /// # Errors
    ///
    /// Where it is missing or cannot be read.
    pub fn to(&self) -> Result<NameAddr<'_>, HeaderError> {
        NameAddr::parse(HeaderName::To, self.required(HeaderName::To)?)
    }

    /// CSeq.
    ///
    /// # Errors
    ///
    /// Where it is missing or cannot be read.
    pub fn cseq(&self) -> Result<CSeq<'_>, HeaderError> {
        CSeq::parse(self.required(HeaderName::CSeq)?)
    }

    /// Call-ID, as written.
    ///
    /// # Errors
    ///
    /// Where it is missing, empty or not UTF-8.
    pub fn call_id(&self) -> Result<&str, HeaderError> {
        match self.required(HeaderName::CallId)? {
            "" => fail(HeaderName::CallId, HeaderProblem::Empty, 0),
            text => Ok(text),
        }
    }

    /// The first Contact.
    ///
    /// # Errors
    ///
    /// Where it is missing or cannot be read.
    pub fn contact(&self) -> Result<NameAddr<'_>, HeaderError> {
        let value = self.required(HeaderName::Contact)?;
        NameAddr::parse(HeaderName::Contact, syntax::comma_list(value).next().unwrap_or(""))
    }

    /// What a transaction needs of any message.
    ///
    /// # Errors
    ///
    /// The first header that is missing or cannot be read.
    pub fn essentials(&self) -> Result<Essentials<'_>, HeaderError> {
        Ok(Essentials {
            via: self.via()?,
            from: self.from()?,
            to: self.to()?,
            call_id: self.call_id()?,
            cseq: self.cseq()?,
        })
    }

    fn required(&self, name: HeaderName) -> Result<&str, HeaderError> {
        match self.header(name) {
            Some(header) => header.text(),
            None => fail(name, HeaderProblem::Missing, 0),
        }
    }

    fn view(&self, field: &Field) -> Header<'_> {
        let line = field.line as usize;
        Header {
            name: field.name,
            name_text: &self.bytes[line..line + field.name_len as usize],
            value: &self.bytes[field.value.range()],
            offset: field.value.start as usize,
        }
    }

    /// Start line parts are only kept where they are UTF-8.
    fn str(&self, span: Span) -> &str {
        std::str::from_utf8(&self.bytes[span.range()]).unwrap_or("")
    }
}

/// The line at `at` without its line end, and where the next one begins; `None` where no line end
/// follows. A bare LF ends a line too; the lint reports it.
fn next_line(bytes: &[u8], at: usize) -> Option<(Range<usize>, usize)> {
    let newline = at + memchr::memchr(b'\n', bytes.get(at..)?)?;
    let end = if newline > at && bytes[newline - 1] == b'\r' { newline - 1 } else { newline };
    Some((at..end, newline + 1))
}

fn read_start(bytes: &[u8], line: Range<usize>) -> Option<Start> {
    let text = &bytes[line.clone()];
    let utf8 = |span: Span| std::str::from_utf8(&bytes[span.range()]).is_ok().then_some(span);
    let first = memchr::memchr(b' ', text)?;
    if text.get(..4).is_some_and(|p| p.eq_ignore_ascii_case(b"SIP/")) {
        let rest = &text[first + 1..];
        let digits = memchr::memchr(b' ', rest).unwrap_or(rest.len());
        let status = StatusCode::from_bytes(&rest[..digits])?;
        let reason = (first + 1 + digits + 1).min(text.len());
        return Some(Start::Status {
            version: utf8(Span::new(line.start, line.start + first))?,
            status,
            reason: Span::new(line.start + reason, line.end),
        });
    }
    let trimmed = text.len() - text.iter().rev().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let last = memchr::memrchr(b' ', &text[..trimmed])?;
    let version = &text[last + 1..trimmed];
    if first == 0
        || last <= first
        || !version.get(..4).is_some_and(|p| p.eq_ignore_ascii_case(b"SIP/"))
    {
        return None;
    }
    Some(Start::Request {
        method: utf8(Span::new(line.start, line.start + first))?,
        uri: utf8(Span::new(line.start + first + 1, line.start + last))?,
        version: utf8(Span::new(line.start + last + 1, line.start + trimmed))?,
    })
}

fn read_field(bytes: &[u8], start: usize, end: usize) -> Field {
    let line = &bytes[start..end];
    let malformed = Field {
        name: HeaderName::Malformed,
        name_len: 0,
        line: start as u32,
        value: Span::new(start, end),
    };
    let Some(colon) = memchr::memchr(b':', line) else { return malformed };
    let name = &line[..colon];
    // RFC 3261 §7.3.1 allows white space before the colon.
    let name_len = name.len() - name.iter().rev().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let Ok(short) = u16::try_from(name_len) else { return malformed };
    let value = syntax::trim_bytes(&line[colon + 1..]);
    // An empty value stands at the end of its line.
    let value_start = if value.is_empty() {
        end
    } else {
        start + colon + 1 + line[colon + 1..].iter().take_while(|b| syntax::is_lws(**b)).count()
    };
    Field {
        name: HeaderName::from_bytes(&name[..name_len]),
        name_len: short,
        line: start as u32,
        value: Span::new(value_start, value_start + value.len()),
    }
}

/// A Content-Length: digits and nothing else, at most 2^64-1.
fn content_length(value: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(value).ok()?;
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Message, ReadError> {
        Message::read(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn a_request_is_indexed_and_kept() {
        let text = "INVITE sip:bob@b.test SIP/2.0\r\nv: SIP/2.0/UDP h;branch=z9hG4bK1\r\nVia: SIP/2.0/UDP i\r\n\
                    FROM : <sip:a@a>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: x@y\r\nCSeq: 1\r\n INVITE\r\n\
                    Subject:\r\nl: 3\r\n\r\nabcdef";
        let message = read(text).unwrap();
        assert_eq!(message.bytes(), text.as_bytes());
        assert_eq!(message.method(), Some(Method::Invite));
        assert_eq!(message.request_uri(), Some("sip:bob@b.test"));
        let essentials = message.essentials().unwrap();
        assert_eq!(essentials.via.branch(), Some("z9hG4bK1"));
        assert_eq!(essentials.from.tag(), Some("1"));
        assert_eq!(essentials.cseq.number, 1);
        assert_eq!(message.list(HeaderName::Via).count(), 2);
        assert_eq!(message.header(HeaderName::Subject).unwrap().value, b"");
        assert_eq!(&message.body()[..], b"abc");
    }

    #[test]
    fn a_response_without_content_length_has_the_rest_as_its_body() {
        let message = read("SIP/2.0 200 OK\r\nVia: SIP/2.0/WS h\r\n\r\nv=0\r\n").unwrap();
        assert_eq!(message.status(), Some(StatusCode::OK));
        assert_eq!(message.reason_phrase(), "OK");
        assert_eq!(&message.body()[..], b"v=0\r\n");
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        for (text, error) in [
            ("", ReadError::Empty),
            ("\r\n\r\n", ReadError::Empty),
            ("\0", ReadError::BadStartLine),
            ("hello\r\n\r\n", ReadError::BadStartLine),
            ("SIP/2.0 4294967301 OK\r\n\r\n", ReadError::BadStartLine),
            ("OPTIONS sip:a SIP/2.0\r\nTo: x\r\n", ReadError::NoEndOfHeaders { offset: 30 }),
            (
                "OPTIONS sip:a SIP/2.0\r\nl: 5\r\n\r\nabc",
                ReadError::BodyTooShort { expected: 5, found: 3 },
            ),
            (
                "OPTIONS sip:a SIP/2.0\r\nl: 18446744073709551615\r\n\r\n",
                ReadError::BodyTooShort { expected: u64::MAX, found: 0 },
            ),
            ("OPTIONS sip:a SIP/2.0\r\nl: -1\r\n\r\n", ReadError::BadContentLength { offset: 26 }),
        ] {
            assert_eq!(read(text).unwrap_err(), error, "{text:?}");
        }
    }

    #[test]
    fn one_bad_header_costs_that_header_only() {
        let message = Message::read(Bytes::from_static(
            b"OPTIONS sip:a SIP/2.0\r\nno colon here\r\nSubject: \xff\r\n: x\r\nTo: <sip:b@b>\r\n\r\n",
        ))
        .unwrap();
        assert_eq!(message.headers().next().unwrap().name, HeaderName::Malformed);
        assert!(message.header(HeaderName::Subject).unwrap().text().is_err());
        assert_eq!(message.to().unwrap().uri().as_str(), "sip:b@b");
    }

    #[test]
    fn limits_are_named() {
        let limits = Limits { message: 100, headers: 2, line: 40 };
        let read =
            |text: &str| Message::read_with(Bytes::copy_from_slice(text.as_bytes()), &limits);
        let many = "OPTIONS sip:a SIP/2.0\r\na: 1\r\na: 1\r\na: 1\r\n\r\n";
        assert_eq!(read(many).unwrap_err(), ReadError::TooManyHeaders { limit: 2 });
        let long = format!("OPTIONS sip:a SIP/2.0\r\na: {}\r\n\r\n", "x".repeat(50));
        assert_eq!(read(&long).unwrap_err(), ReadError::LineTooLong { offset: 23, limit: 40 });
        let large = "x".repeat(101);
        assert_eq!(read(&large).unwrap_err(), ReadError::TooLarge { size: 101, limit: 100 });
    }
}
