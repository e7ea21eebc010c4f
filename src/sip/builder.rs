//! [`MessageBuilder`]: correct messages, one header after the other, into one buffer.
//!
//! Whatever is handed in, a line can only end where the builder ends it: CR, LF and NUL inside a
//! value become spaces. Messages that are wrong on purpose need no builder, only bytes.

use std::fmt::{self, Display, Write};

use bytes::Bytes;

use crate::sip::{
    message::{Header, Message},
    method::Method,
    name::HeaderName,
    status::StatusCode,
    syntax,
};

/// Writes a request or a response.
///
/// ```
/// use sipboard::sip::{HeaderName, MessageBuilder, Method};
///
/// let bytes = MessageBuilder::request(&Method::Options, "sip:demo.test")
///     .header(HeaderName::CSeq, "1 OPTIONS")
///     .body(None, b"");
/// assert_eq!(
///     bytes,
///     "OPTIONS sip:demo.test SIP/2.0\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
/// );
/// ```
#[derive(Clone, Debug)]
#[must_use = "a message is made by MessageBuilder::body"]
pub struct MessageBuilder {
    bytes: Vec<u8>,
}

impl MessageBuilder {
    /// Begins a request.
    pub fn request(method: &Method, uri: &str) -> MessageBuilder {
        let mut builder = MessageBuilder { bytes: Vec::with_capacity(CAPACITY) };
        builder.value(method);
        builder.bytes.push(b' ');
        builder.value(&uri);
        builder.bytes.extend_from_slice(b" SIP/2.0\r\n");
        builder
    }

    /// Begins a request that has the Request-URI of another message byte for byte, which may not be
    /// UTF-8. It was read, so no line ends in it.
    pub(crate) fn request_like(method: &Method, other: &Message) -> MessageBuilder {
        let mut builder = MessageBuilder { bytes: Vec::with_capacity(CAPACITY) };
        builder.value(method);
        builder.bytes.push(b' ');
        builder.bytes.extend_from_slice(other.request_uri_bytes());
        builder.bytes.extend_from_slice(b" SIP/2.0\r\n");
        builder
    }

    /// Begins a response; an empty reason phrase is allowed (RFC 3261 §25.1).
    pub fn response(status: StatusCode, reason: &str) -> MessageBuilder {
        let mut builder = MessageBuilder { bytes: Vec::with_capacity(CAPACITY) };
        builder.bytes.extend_from_slice(b"SIP/2.0 ");
        builder.value(&status);
        builder.bytes.push(b' ');
        builder.value(&reason);
        builder.bytes.extend_from_slice(b"\r\n");
        builder
    }

    /// Adds a header under its own name. Content-Type and Content-Length belong to
    /// [`MessageBuilder::body`].
    pub fn header(self, name: HeaderName, value: impl Display) -> MessageBuilder {
        debug_assert!(!name.as_str().is_empty(), "{name:?} has no name of its own");
        self.extension(name.as_str(), value)
    }

    /// Adds a header under any name; what cannot stand in a name is left out of it.
    pub fn extension(mut self, name: &str, value: impl Display) -> MessageBuilder {
        self.bytes.extend(name.bytes().filter(|b| syntax::is_token_byte(*b)));
        self.bytes.extend_from_slice(b": ");
        self.value(&value);
        self.bytes.extend_from_slice(b"\r\n");
        self
    }

    /// Adds a header of another message: its name and value byte for byte, folds included.
    pub fn copy(mut self, header: Header<'_>) -> MessageBuilder {
        if header.name != HeaderName::Malformed {
            self.bytes.extend_from_slice(header.name_text);
            self.bytes.extend_from_slice(b": ");
        }
        self.bytes.extend_from_slice(header.value);
        self.bytes.extend_from_slice(b"\r\n");
        self
    }

    /// Adds a header of another message with its name as written there and another value, which
    /// is made from one that was read and so holds no line ends but folds.
    pub(crate) fn copy_with(mut self, header: Header<'_>, value: &[u8]) -> MessageBuilder {
        self.bytes.extend_from_slice(header.name_text);
        self.bytes.extend_from_slice(b": ");
        self.bytes.extend_from_slice(value);
        self.bytes.extend_from_slice(b"\r\n");
        self
    }

    /// Ends the message: Content-Type where it is given, a counted Content-Length, the empty line
    /// and the body.
    #[must_use]
    pub fn body(self, content_type: Option<&str>, body: &[u8]) -> Bytes {
        let builder = match content_type {
            Some(text) => self.header(HeaderName::ContentType, text),
            None => self,
        };
        let mut bytes = builder.header(HeaderName::ContentLength, body.len()).bytes;
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body);
        // Messages are kept for as long as a context is, so they take no more than their length. A
        // copy costs less than cutting the buffer, whose rest the allocator would have to file away.
        Bytes::copy_from_slice(&bytes)
    }

    fn value(&mut self, value: &dyn Display) {
        // Writing into a Vec cannot fail; a Display that fails leaves what it wrote so far.
        let _ = write!(OneLine(&mut self.bytes), "{value}");
    }
}

/// Most messages are written without growing the buffer.
const CAPACITY: usize = 1024;

/// Text in which no line ends.
struct OneLine<'a>(&'a mut Vec<u8>);

impl Write for OneLine<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if memchr::memchr3(b'\r', b'\n', 0, text.as_bytes()).is_none() {
            self.0.extend_from_slice(text.as_bytes());
        } else {
            self.0.extend(
                text.bytes().map(|b| if matches!(b, b'\r' | b'\n' | 0) { b' ' } else { b }),
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let request = Message::read(
            MessageBuilder::request(&Method::Invite, "sip:bob@b.test")
                .header(HeaderName::Via, "SIP/2.0/UDP h;branch=z9hG4bK1")
                .header(HeaderName::From, "<sip:a@a>;tag=1")
                .extension("X-Note", 7)
                .body(Some("application/sdp"), b"v=0\r\n"),
        )
        .unwrap();
        assert_eq!(request.header(HeaderName::ContentLength).unwrap().value, b"5");
        assert_eq!(&request.body()[..], b"v=0\r\n");
        let response = MessageBuilder::response(StatusCode::OK, "OK")
            .copy(request.header(HeaderName::Via).unwrap())
            .body(None, b"");
        assert_eq!(
            response,
            "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nContent-Length: 0\r\n\r\n"
        );
    }

    #[test]
    fn a_value_cannot_begin_another_header() {
        let bytes = MessageBuilder::request(&Method::from("X\r\nY: z"), "sip:a\r\nA: b")
            .header(HeaderName::Subject, "a\r\nEvil: 1\0")
            .extension("Na\r\nme: ", "x\ny")
            .body(Some("a/b\r\n\r\n"), b"");
        let text = std::str::from_utf8(&bytes).unwrap();
        assert_eq!(text.matches("\r\n").count(), text.matches('\n').count());
        assert_eq!(text.lines().count(), 6, "{text}");
        assert!(text.contains("\r\nName: x y\r\n"));
    }
}
