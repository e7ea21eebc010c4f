//! `Reason` (RFC 3326).

use std::fmt;

use crate::sip::syntax;

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
        write!(f, "SIP;cause={};text={}", self.cause, syntax::quote(&self.text))
    }
}
