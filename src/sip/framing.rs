//! Messages from a byte stream (RFC 3261 §18.3): TCP and TLS give bytes, split anywhere.
//!
//! [`Framer::push`] takes what came, [`Framer::frame`] gives what is complete. No byte is looked
//! at twice for the same purpose, however small the pieces are, and no more than
//! [`Limits::message`] bytes are ever kept.

use bytes::{Buf, Bytes, BytesMut};

use crate::sip::{header, message::Limits, name::HeaderName, syntax, work};

/// Finds the messages and keep-alives of one stream, in order.
#[derive(Debug)]
pub struct Framer {
    buffer: BytesMut,
    limits: Limits,
    state: State,
    failed: Option<FrameError>,
}

/// Something that a stream brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The bytes of one message, for [`Message::read`](crate::sip::Message::read).
    Message(Bytes),
    /// A double CRLF between messages, to be answered with one CRLF (RFC 5626 §4.4.1).
    Ping,
    /// A single CRLF between messages: the answer to a ping, or the first half of one. It is told
    /// at once, so that a stream says the same however it is split.
    Pong,
}

/// Why a stream cannot be followed any further: nobody knows where the next message begins. The
/// connection must be closed. What came of the message is given first, for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A Content-Length that is no number, or two that disagree.
    #[error("the Content-Length at offset {offset} of a message cannot be read (RFC 3261 §18.3)")]
    BadContentLength {
        /// The byte offset in the message.
        offset: usize,
    },
    /// A message without a Content-Length. It was given as a message without a body.
    #[error(
        "a message has no Content-Length, so nobody knows where the next one begins (RFC 3261 §18.3)"
    )]
    NoContentLength,
    /// A head larger than [`Limits::message`], or a message that says that it has more than 4 GiB.
    /// Any other that is too large is passed over: its head is given, and the stream goes on.
    #[error("a message has more than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Between messages; `line_ends` CRLFs came since the last ping or message.
    Between { line_ends: u8 },
    /// In the head of a message, which has no end before `searched`.
    Head { searched: usize },
    /// The message has this many bytes.
    Body { length: usize },
    /// So many bytes of a message are all that is given of it; the stream cannot be followed behind.
    Last { length: usize, why: FrameError },
    /// A head, and then a body that is too large to be kept.
    Large { head: usize, body: u64 },
    /// So many bytes of a body that is too large are still to be passed over.
    Skip { left: u64 },
}

impl Framer {
    /// A framer for a new stream.
    pub fn new(limits: Limits) -> Framer {
        Framer {
            buffer: BytesMut::new(),
            limits,
            state: State::Between { line_ends: 0 },
            failed: None,
        }
    }

    /// Takes the next bytes of the stream. Call [`Framer::frame`] until it gives nothing before
    /// more is pushed: what is not taken out is kept.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// What is complete; `None` where more bytes are needed.
    ///
    /// # Errors
    ///
    /// Where the stream cannot be followed any further; the same error again from then on.
    pub fn frame(&mut self) -> Result<Option<Frame>, FrameError> {
        match self.failed {
            Some(error) => Err(error),
            None => {
                let frame = self.next();
                if let Err(error) = frame {
                    self.fail(error);
                }
                frame
            }
        }
    }

    fn fail(&mut self, error: FrameError) {
        self.failed = Some(error);
        self.buffer = BytesMut::new();
    }

    /// How many bytes of an unfinished message are kept.
    pub fn pending(&self) -> usize {
        self.buffer.len()
    }

    fn next(&mut self) -> Result<Option<Frame>, FrameError> {
        loop {
            match self.state {
                State::Between { line_ends } => match self.buffer[..] {
                    [] | [b'\r'] => return Ok(None),
                    [b'\r', b'\n', ..] => {
                        self.buffer.advance(2);
                        let ping = line_ends == 1;
                        self.state = State::Between { line_ends: u8::from(!ping) };
                        return Ok(Some(if ping { Frame::Ping } else { Frame::Pong }));
                    }
                    // RFC 3261 §7.5: any line end before a message is passed over.
                    [b'\r' | b'\n', ..] => self.buffer.advance(1),
                    _ => self.state = State::Head { searched: 0 },
                },
                State::Head { searched } => match end_of_head(&self.buffer, searched) {
                    Ok(head) => self.state = self.behind(head),
                    Err(_) if self.buffer.len() > self.limits.message => {
                        self.state = self.endless();
                    }
                    Err(searched) => {
                        self.state = State::Head { searched };
                        return Ok(None);
                    }
                },
                State::Last { length, why } => {
                    let head = self.buffer.split_to(length).freeze();
                    self.fail(why);
                    return Ok(Some(Frame::Message(head)));
                }
                State::Skip { left } => {
                    let length = self.buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    self.buffer.advance(length);
                    let left = left - length as u64;
                    if left > 0 {
                        self.state = State::Skip { left };
                        return Ok(None);
                    }
                    self.state = State::Between { line_ends: 0 };
                }
                State::Large { head, body } => {
                    self.state = State::Skip { left: body };
                    return Ok(Some(Frame::Message(self.buffer.split_to(head).freeze())));
                }
                State::Body { length } if self.buffer.len() < length => return Ok(None),
                State::Body { length } => {
                    self.state = State::Between { line_ends: 0 };
                    return Ok(Some(Frame::Message(self.buffer.split_to(length).freeze())));
                }
            }
        }
    }

    /// What follows from a head of that length.
    fn behind(&self, head: usize) -> State {
        if head > self.limits.message {
            return self.endless();
        }
        let body = match body_length(&self.buffer[..head]) {
            Ok(Some(body)) => body,
            Ok(None) => return State::Last { length: head, why: FrameError::NoContentLength },
            Err(why) => return State::Last { length: head, why },
        };
        match usize::try_from(body).map(|body| head.saturating_add(body)) {
            Ok(length) if length <= self.limits.message => State::Body { length },
            // RFC 3261 §21.5.7: the request is refused, and where the next one begins is known.
            _ if body <= u32::MAX.into() => State::Large { head, body },
            _ => State::Last { length: head, why: self.too_large() },
        }
    }

    /// A head over the limit: as much of it as shows that it is.
    fn endless(&self) -> State {
        State::Last { length: self.limits.message + 1, why: self.too_large() }
    }

    fn too_large(&self) -> FrameError {
        FrameError::TooLarge { limit: self.limits.message }
    }
}

/// The end of the head (behind its empty line), or where to go on searching once more has come.
fn end_of_head(bytes: &[u8], searched: usize) -> Result<usize, usize> {
    let mut at = searched;
    work::look_at(bytes.len() - searched);
    while let Some(found) = memchr::memchr(b'\n', &bytes[at..]) {
        let newline = at + found;
        match bytes[newline + 1..] {
            [b'\n', ..] => return Ok(newline + 2),
            [b'\r', b'\n', ..] => return Ok(newline + 3),
            // Whether the next line is empty is not known yet.
            [] | [b'\r'] => return Err(newline),
            _ => at = newline + 1,
        }
    }
    Err(bytes.len())
}

/// What Content-Length says, where there is one.
fn body_length(head: &[u8]) -> Result<Option<u64>, FrameError> {
    let mut length = None;
    let mut at = 0;
    work::look_at(head.len());
    while let Some(found) = memchr::memchr(b'\n', &head[at..]) {
        at += found + 1;
        // 'l', 'L', 'C' and 'c' are all that it can begin with.
        if !matches!(head.get(at), Some(b'l' | b'L' | b'c' | b'C')) {
            continue;
        }
        let line = &head[at..];
        let name = line.iter().take_while(|b| syntax::is_token_byte(**b)).count();
        if HeaderName::from_bytes(&line[..name]) != HeaderName::ContentLength {
            continue;
        }
        let Some(value) = value(&line[name..]) else { continue };
        let bad = FrameError::BadContentLength { offset: at };
        let this = header::content_length(value).map_err(|_| bad)?;
        if length.is_some_and(|length| length != this) {
            return Err(bad);
        }
        length = Some(this);
    }
    Ok(length)
}

/// The value of a header whose name ends where `rest` begins, its folded lines included.
fn value(rest: &[u8]) -> Option<&[u8]> {
    let colon = rest.iter().position(|b| !matches!(b, b' ' | b'\t'))?;
    let rest = &rest[colon..];
    let rest = rest.strip_prefix(b":")?;
    let mut end = 0;
    loop {
        end += memchr::memchr(b'\n', &rest[end..])? + 1;
        if !matches!(rest.get(end), Some(b' ' | b'\t')) {
            return Some(&rest[..end]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(framer: &mut Framer) -> Vec<Frame> {
        std::iter::from_fn(|| framer.frame().unwrap()).collect()
    }

    const STREAM: &str = "OPTIONS sip:a SIP/2.0\r\nl : 3\r\n\r\nabc\r\n\r\nSIP/2.0 200 OK\r\nl:0\r\n\r\n\r\n\
        MESSAGE sip:b SIP/2.0\r\nContent-Length:\r\n 4\r\ncall-id: l: 9\r\n\r\n\r\n\r\nOPTIONS";

    fn expected() -> Vec<Frame> {
        vec![
            Frame::Message("OPTIONS sip:a SIP/2.0\r\nl : 3\r\n\r\nabc".into()),
            Frame::Pong,
            Frame::Ping,
            Frame::Message("SIP/2.0 200 OK\r\nl:0\r\n\r\n".into()),
            Frame::Pong,
            Frame::Message(
                "MESSAGE sip:b SIP/2.0\r\nContent-Length:\r\n 4\r\ncall-id: l: 9\r\n\r\n\r\n\r\n"
                    .into(),
            ),
        ]
    }

    #[test]
    fn a_stream_is_split_into_messages_and_keep_alives() {
        let mut framer = Framer::new(Limits::default());
        framer.push(STREAM.as_bytes());
        assert_eq!(all(&mut framer), expected());
        assert_eq!(framer.pending(), "OPTIONS".len());
    }

    #[test]
    fn it_makes_no_difference_where_the_stream_is_cut() {
        for size in 1..STREAM.len() {
            let mut framer = Framer::new(Limits::default());
            let mut frames = Vec::new();
            for piece in STREAM.as_bytes().chunks(size) {
                framer.push(piece);
                frames.extend(all(&mut framer));
            }
            assert_eq!(frames, expected(), "pieces of {size}");
        }
    }

    #[test]
    fn a_stream_without_a_way_on_gives_the_head_and_says_so_for_good() {
        let huge = "X sip:a SIP/2.0\r\nl: 18446744073709551615\r\n\r\n";
        for (head, error) in [
            ("X sip:a SIP/2.0\r\nl: -1\r\n\r\n", FrameError::BadContentLength { offset: 17 }),
            (
                "X sip:a SIP/2.0\r\nl: 1\r\nL: 2\r\n\r\n",
                FrameError::BadContentLength { offset: 23 },
            ),
            (huge, FrameError::TooLarge { limit: 100 }),
        ] {
            let mut framer = Framer::new(Limits { message: 100, ..Limits::default() });
            framer.push(head.as_bytes());
            assert_eq!(framer.frame(), Ok(Some(Frame::Message(head.into()))));
            assert_eq!(framer.frame(), Err(error), "{head:?}");
            framer.push(b"\r\n\r\n");
            assert_eq!((framer.frame(), framer.pending()), (Err(error), 0));
        }
    }

    #[test]
    fn a_body_that_is_too_large_is_passed_over_and_never_kept() {
        let head = "X sip:a SIP/2.0\r\nl: 1000\r\n\r\n";
        let next = "Y sip:a SIP/2.0\r\nl: 0\r\n\r\n";
        let stream = [head, &"x".repeat(1000), next].concat();
        for size in [1, 7, 64, stream.len()] {
            let mut framer = Framer::new(Limits { message: 100, ..Limits::default() });
            let mut frames = Vec::new();
            for piece in stream.as_bytes().chunks(size) {
                framer.push(piece);
                frames.extend(all(&mut framer));
                assert!(framer.pending() <= 100);
            }
            let messages = [head, next].map(|text| Frame::Message(text.into()));
            assert_eq!(frames, messages, "pieces of {size}");
        }
    }

    #[test]
    fn a_message_without_a_content_length_is_the_last_one() {
        let mut framer = Framer::new(Limits::default());
        framer.push(b"SIP/2.0 200 OK\r\nX: y\r\n\r\nv=0\r\n");
        let head = Frame::Message("SIP/2.0 200 OK\r\nX: y\r\n\r\n".into());
        assert_eq!(framer.frame(), Ok(Some(head)));
        for _ in 0..2 {
            assert_eq!(framer.frame(), Err(FrameError::NoContentLength));
            assert_eq!(framer.pending(), 0);
        }
    }

    #[test]
    fn a_head_without_an_end_is_not_kept_for_ever() {
        let mut framer = Framer::new(Limits { message: 100, ..Limits::default() });
        framer.push(&[b'x'; 100]);
        assert_eq!(framer.frame(), Ok(None));
        framer.push(b"x");
        assert_eq!(framer.frame(), Ok(Some(Frame::Message([b'x'; 101].to_vec().into()))));
        assert_eq!(framer.frame(), Err(FrameError::TooLarge { limit: 100 }));
    }
}
