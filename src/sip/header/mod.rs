//! Typed header values: each parsed when asked, from the text where it stands.

mod auth;
mod check;
mod contact;
mod cseq;
mod date;
mod event;
pub(crate) mod grammar;
mod media_type;
mod name_addr;
mod number;
mod rack;
mod reason;
mod replaces;
mod retry_after;
mod session_expires;
mod tokens;
mod via;
mod warning;

pub use auth::{AuthParams, Challenge, Credentials, challenges};
pub use check::check;
pub use contact::Contact;
pub use cseq::CSeq;
pub use date::Date;
pub(crate) use date::has_case as date_has_case;
pub use event::{Event, SubscriptionState};
pub use media_type::MediaType;
pub use name_addr::NameAddr;
pub use number::number;
pub(crate) use number::{content_length, digits};
pub use rack::RAck;
pub use reason::{Reason, ReasonValue};
pub use replaces::Replaces;
pub use retry_after::RetryAfter;
pub use session_expires::{Refresher, SessionExpires};
pub use tokens::tokens;
pub use via::Via;
pub use warning::Warning;

use crate::sip::{name::HeaderName, uri::UriError};

/// Why a header value cannot be read, and where in the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}{}", Prefix(*name), Place(*problem, *offset))]
pub struct HeaderError {
    /// The header; [`HeaderName::Malformed`] for [`HeaderProblem::NoEndOfHeaders`].
    pub name: HeaderName,
    /// What is wrong.
    pub problem: HeaderProblem,
    /// The byte offset in the header's value; in the message for [`HeaderProblem::NoEndOfHeaders`].
    pub offset: usize,
}

/// The name and a colon, where there is a name.
struct Prefix(HeaderName);

impl std::fmt::Display for Prefix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.as_str() {
            "" => Ok(()),
            name => write!(f, "{name}: "),
        }
    }
}

/// Where the problem is, where it is in one place.
struct Place(HeaderProblem, usize);

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let whole = match self.0 {
            HeaderProblem::Missing
            | HeaderProblem::Repeated
            | HeaderProblem::BodyTooShort { .. } => return Ok(()),
            HeaderProblem::NoEndOfHeaders => "message",
            _ => "value",
        };
        write!(f, " (at offset {} of the {whole})", self.1)
    }
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
    /// A semicolon with no parameter behind it.
    #[error("no parameter follows this semicolon")]
    StraySemicolon,
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
    /// The header may stand there only once, or its values disagree.
    #[error("the header stands there more than once, and only one value can count")]
    Repeated,
    /// Fewer bytes follow the headers than Content-Length says.
    #[error("it says {expected} bytes, but only {found} follow the headers")]
    BodyTooShort {
        /// What Content-Length says.
        expected: u64,
        /// What is there.
        found: usize,
    },
    /// The input ends before the empty line that ends the headers.
    #[error("no empty line ends the headers")]
    NoEndOfHeaders,
    /// A parameter that must be there.
    #[error("the parameter {0} is missing")]
    MissingParam(&'static str),
    /// A parameter whose value cannot be read.
    #[error("the value of the parameter {0} cannot be read")]
    BadParam(&'static str),
    /// No date of the one form that SIP has.
    #[error("a date should look like Sat, 13 Nov 2010 23:29:00 GMT")]
    BadDate,
    /// No timestamp.
    #[error("a timestamp should look like 54.21, with a delay behind it or without")]
    BadTimestamp,
    /// No version of MIME.
    #[error("a version should look like 1.0")]
    BadVersion,
    /// A URI that does not stand in angle brackets, where no other may.
    #[error("a URI in < and > should stand here")]
    NoAngle,
    /// No media type.
    #[error("a media type should look like application/sdp")]
    BadMediaType,
    /// A parenthesis that never closes.
    #[error("the comment is never closed with )")]
    UnclosedComment,
    /// A quoted string is missing.
    #[error("a quoted string should stand here")]
    NoQuotedString,
    /// Something else than what the grammar has in that place.
    #[error("{0} should stand here")]
    Expected(&'static str),
    /// Something between two commas is missing.
    #[error("a member of the list is empty")]
    EmptyMember,
}

pub(crate) fn fail<T>(
    name: HeaderName,
    problem: HeaderProblem,
    offset: usize,
) -> Result<T, HeaderError> {
    Err(HeaderError { name, problem, offset })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_where_unless_it_is_nowhere() {
        for (problem, text) in [
            (HeaderProblem::Missing, "To: the header is missing"),
            (
                HeaderProblem::Repeated,
                "To: the header stands there more than once, and only one value can count",
            ),
            (HeaderProblem::Trailing, "To: nothing should follow here (at offset 7 of the value)"),
        ] {
            let error = HeaderError { name: HeaderName::To, problem, offset: 7 };
            assert_eq!(error.to_string(), text);
        }
    }
}
