//! `Reason` (RFC 3326).

use std::{borrow::Cow, fmt};

use crate::sip::{
    header::{HeaderError, HeaderProblem, digits, event::token_and_params, fail},
    name::HeaderName,
    params::Params,
    syntax,
};

/// A Reason value as this program writes it into a CANCEL or BYE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The SIP status code that stands for the reason.
    pub cause: u16,
    /// The text.
    pub text: String,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIP;cause={}", self.cause)?;
        match &*self.text {
            "" => Ok(()),
            text => write!(f, ";text={}", syntax::quote(text)),
        }
    }
}

/// A Reason value as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReasonValue<'a> {
    /// Whose causes they are, as written: `SIP`, `Q.850` …
    pub protocol: &'a str,
    /// The parameters.
    pub params: Params<'a>,
}

impl<'a> ReasonValue<'a> {
    /// Reads one Reason value (no comma list).
    ///
    /// # Errors
    ///
    /// Where the protocol is no token, or the cause no number.
    pub fn parse(value: &'a str) -> Result<ReasonValue<'a>, HeaderError> {
        let (protocol, params) = token_and_params(HeaderName::Reason, value)?;
        let reason = ReasonValue { protocol, params };
        if params.has("cause") && reason.cause().is_none() {
            return fail(HeaderName::Reason, HeaderProblem::BadParam("cause"), protocol.len());
        }
        Ok(reason)
    }

    /// The cause.
    pub fn cause(&self) -> Option<u32> {
        u32::try_from(digits(self.params.value("cause")?.as_bytes())?).ok()
    }

    /// The text without quotes and escapes.
    pub fn text(&self) -> Option<Cow<'a, str>> {
        self.params.unquoted("text")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let written = Reason { cause: 480, text: "gone; \"home\"".into() }.to_string();
        let read = ReasonValue::parse(&written).unwrap();
        assert_eq!((read.protocol, read.cause()), ("SIP", Some(480)));
        assert_eq!(read.text().unwrap(), "gone; \"home\"");
        assert_eq!(ReasonValue::parse("Q.850 ;cause=16").unwrap().protocol, "Q.850");
        for bad in ["", "SIP cause=1", "SIP;cause=x"] {
            assert!(ReasonValue::parse(bad).is_err(), "{bad}");
        }
    }
}
