//! [`Limits`] on what is read, and [`ReadError`]: why bytes are not read as a message at all.

/// Bounds on what a message may hold. A message over one of them is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The whole message, in bytes.
    pub message: usize,
    /// The number of header fields.
    pub headers: usize,
    /// One header field or the start line, folded lines included, in bytes.
    pub line: usize,
    /// The parameters of one header field: its `;`, wherever they stand.
    pub parameters: usize,
    /// How deep multipart bodies may stand in each other.
    pub nesting: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { message: 4 << 20, headers: 1024, line: 64 << 10, parameters: 1024, nesting: 8 }
    }
}

impl Limits {
    /// No bounds but those of the index itself (offsets of 32 bits).
    pub const NONE: Limits = Limits {
        message: usize::MAX,
        headers: usize::MAX,
        line: usize::MAX,
        parameters: usize::MAX,
        nesting: 64,
    };
}

/// Why bytes cannot be indexed as a message at all.
///
/// A message that merely breaks the grammar is kept; what is wrong with it is told by
/// [`Message::defect`](crate::sip::Message::defect) and the [lint](crate::sip::lint).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Nothing, or only line ends.
    #[error("the message is empty")]
    Empty,
    /// The first line is neither a request line nor a status line.
    #[error(
        "the first line is neither a request line (METHOD URI SIP/2.0) nor a status line (SIP/2.0 200 OK)"
    )]
    BadStartLine {
        /// The byte offset of the line.
        offset: usize,
    },
    /// Larger than [`Limits::message`].
    #[error("the message has more than {limit} bytes, which is the limit")]
    TooLarge {
        /// Its size in bytes, as far as it was read.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// More headers than [`Limits::headers`].
    #[error("the message has more than {limit} headers")]
    TooManyHeaders {
        /// Where the first header over the limit begins.
        offset: usize,
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
    /// More parameters than [`Limits::parameters`].
    #[error("the header at offset {offset} has more than {limit} parameters")]
    TooManyParameters {
        /// Where the line begins.
        offset: usize,
        /// The limit.
        limit: usize,
    },
}

impl ReadError {
    /// The byte offset that it speaks of.
    pub fn offset(&self) -> usize {
        match *self {
            ReadError::Empty | ReadError::TooLarge { .. } => 0,
            ReadError::BadStartLine { offset }
            | ReadError::TooManyHeaders { offset, .. }
            | ReadError::LineTooLong { offset, .. }
            | ReadError::TooManyParameters { offset, .. } => offset,
        }
    }
}
