//! Typed header values: each parsed when asked, from the text where it stands.

mod cseq;
mod name_addr;
mod reason;
mod via;

pub use cseq::CSeq;
pub use name_addr::NameAddr;
pub use reason::Reason;
pub use via::Via;

use crate::sip::{name::HeaderName, uri::UriError};

/// Why a header value cannot be read, and where in the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {problem} (at offset {offset} of the value)")]
pub struct HeaderError {
    /// The header.
    pub name: HeaderName,
    /// What is wrong.
    pub problem: HeaderProblem,
    /// The byte offset in the header's value.
    pub offset: usize,
}

/// The ways in which a header value can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderProblem {
    /// The header is not in the message.
    #[error("the header is missing")]
    Missing,
    /// Bytes that are not UTF-8.
    #[error("the value is not UTF-8")]
    NotUtf8,
    /// Nothing where a value is needed.
    #[error("the value is empty")]
    Empty,
    /// A number that is missing, has other characters in it or is too large.
    #[error("a number from 0 to {max} should stand here")]
    BadNumber {
        /// The largest number allowed.
        max: u64,
    },
    /// A token is missing or has other characters in it.
    #[error("a token (letters, digits and -.!%*_+`'~) should stand here")]
    BadToken,
    /// `SIP/2.0/UDP` is missing or has another shape.
    #[error("the sent-protocol should look like SIP/2.0/UDP")]
    BadProtocol,
    /// A quote that never closes.
    #[error("the quoted string is never closed")]
    UnclosedQuote,
    /// A `<` that never closes.
    #[error("the < is never closed with >")]
    UnclosedAngle,
    /// A URI that cannot be read.
    #[error("{0}")]
    BadUri(UriError),
    /// A URI outside angle brackets that holds a comma or question mark (RFC 3261 §20).
    #[error("a URI with a comma or question mark must stand in < and >")]
    NeedsAngle,
    /// Something behind the end of the value.
    #[error("nothing should follow here")]
    Trailing,
}

pub(crate) fn fail<T>(
    name: HeaderName,
    problem: HeaderProblem,
    offset: usize,
) -> Result<T, HeaderError> {
    Err(HeaderError { name, problem, offset })
}
