//! [`Header`]: one header field as it stands in a message.

use std::borrow::Cow;

use crate::sip::{
    header::{HeaderError, HeaderProblem, fail},
    name::HeaderName,
    syntax, work,
};

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
    /// The byte offset of the name, which begins the line.
    pub line_offset: usize,
}

impl<'a> Header<'a> {
    /// The value as text.
    ///
    /// # Errors
    ///
    /// Where it is not UTF-8, with the offset of the first bad byte.
    pub fn text(&self) -> Result<&'a str, HeaderError> {
        work::look_at(self.value.len());
        text(self.name, self.value)
    }

    /// The value on one line: bad bytes replaced, each fold a single space (RFC 3261 §7.3.1).
    pub fn unfolded(&self) -> Cow<'a, str> {
        work::look_at(self.value.len());
        let text = String::from_utf8_lossy(self.value);
        if memchr::memchr(b'\n', self.value).is_none() {
            return text;
        }
        let lines: Vec<_> = text.split('\n').map(syntax::trim).collect();
        lines.join(" ").into()
    }
}

pub(super) fn text(name: HeaderName, value: &[u8]) -> Result<&str, HeaderError> {
    std::str::from_utf8(value)
        .or_else(|error| fail(name, HeaderProblem::NotUtf8, error.valid_up_to()))
}
