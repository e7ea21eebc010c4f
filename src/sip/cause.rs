//! Why a context ended, in SIP.js's words.

use std::fmt;

use crate::sip::status::StatusCode;

/// The causes of SIP.js's `SIP.C.causes` that a client context knows, and the good ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// A 2xx, and no dialog to end.
    Accepted,
    /// A dialog that came to be was ended by a BYE.
    Bye,
    /// 486, 600
    Busy,
    /// 403, 603
    Rejected,
    /// 300, 301, 302, 305, 380
    Redirected,
    /// 480, 410, 408, 430
    Unavailable,
    /// 404, 604
    NotFound,
    /// 484
    AddressIncomplete,
    /// 488, 606
    IncompatibleSdp,
    /// 401, 407
    AuthenticationError,
    /// The user cancelled.
    Canceled,
    /// Timer B or F fired.
    RequestTimeout,
    /// The flow could not be made, or broke.
    ConnectionError,
    /// A defect of this program.
    InternalError,
    /// Any other 300–699.
    SipFailureCode,
    /// Raw bytes went out that nothing can be matched to; not one of SIP.js's.
    Unmatched,
}

impl Cause {
    /// The cause of a 300–699 (SIP.js's `SIP_ERROR_CAUSES`).
    pub fn of(status: StatusCode) -> Cause {
        match status.code() {
            486 | 600 => Cause::Busy,
            403 | 603 => Cause::Rejected,
            300 | 301 | 302 | 305 | 380 => Cause::Redirected,
            480 | 410 | 408 | 430 => Cause::Unavailable,
            404 | 604 => Cause::NotFound,
            484 => Cause::AddressIncomplete,
            488 | 606 => Cause::IncompatibleSdp,
            401 | 407 => Cause::AuthenticationError,
            _ => Cause::SipFailureCode,
        }
    }

    /// SIP.js's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Cause::Accepted => "Accepted",
            Cause::Bye => "BYE",
            Cause::Busy => "Busy",
            Cause::Rejected => "Rejected",
            Cause::Redirected => "Redirected",
            Cause::Unavailable => "Unavailable",
            Cause::NotFound => "Not Found",
            Cause::AddressIncomplete => "Address Incomplete",
            Cause::IncompatibleSdp => "Incompatible SDP",
            Cause::AuthenticationError => "Authentication Error",
            Cause::Canceled => "Canceled",
            Cause::RequestTimeout => "Request Timeout",
            Cause::ConnectionError => "Connection Error",
            Cause::InternalError => "Internal Error",
            Cause::SipFailureCode => "SIP Failure Code",
            Cause::Unmatched => "Unmatched",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_sip_js_word() {
        for (code, word) in [
            (486, "Busy"),
            (600, "Busy"),
            (403, "Rejected"),
            (603, "Rejected"),
            (300, "Redirected"),
            (301, "Redirected"),
            (302, "Redirected"),
            (305, "Redirected"),
            (380, "Redirected"),
            (480, "Unavailable"),
            (410, "Unavailable"),
            (408, "Unavailable"),
            (430, "Unavailable"),
            (404, "Not Found"),
            (604, "Not Found"),
            (484, "Address Incomplete"),
            (488, "Incompatible SDP"),
            (606, "Incompatible SDP"),
            (401, "Authentication Error"),
            (407, "Authentication Error"),
            (500, "SIP Failure Code"),
            (487, "SIP Failure Code"),
            (699, "SIP Failure Code"),
        ] {
            assert_eq!(Cause::of(StatusCode::new(code).unwrap()).as_str(), word, "{code}");
        }
    }
}
