//! Header field names: the known ones as an enum, compact forms and any case folded into it.
//!
//! A name that stands in no list is [`HeaderName::Extension`]; its text stays in the message.

use std::fmt;

macro_rules! header_names {
    ($($variant:ident $text:literal $($compact:literal)?,)*) => {
        /// A header field name (RFC 3261 §20 and the IANA registry), independent of case and
        /// of compact forms (RFC 3261 §7.3.3).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum HeaderName {
            $(#[doc = concat!("`", $text, "`")] $variant,)*
            /// A name that is in none of the lists; the text is in the message.
            Extension,
            /// A line that is no header field at all (no colon, or no name before it).
            Malformed,
        }

        impl HeaderName {
            /// Every known name, in alphabetical order.
            pub const KNOWN: &'static [HeaderName] = &[$(HeaderName::$variant,)*];

            /// The name as the RFCs write it; empty for an extension.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(HeaderName::$variant => $text,)*
                    HeaderName::Extension | HeaderName::Malformed => "",
                }
            }

            /// The one-letter compact form, where there is one (RFC 3261 §7.3.3).
            pub const fn compact(self) -> Option<u8> {
                match self {
                    $($(HeaderName::$variant => Some($compact),)?)*
                    _ => None,
                }
            }
        }
    };
}

header_names! {
    Accept "Accept",
    AcceptContact "Accept-Contact" b'a',
    AcceptEncoding "Accept-Encoding",
    AcceptLanguage "Accept-Language",
    AlertInfo "Alert-Info",
    Allow "Allow",
    AllowEvents "Allow-Events" b'u',
    AuthenticationInfo "Authentication-Info",
    Authorization "Authorization",
    CallId "Call-ID" b'i',
    CallInfo "Call-Info",
    Contact "Contact" b'm',
    ContentDisposition "Content-Disposition",
    ContentEncoding "Content-Encoding" b'e',
    ContentLanguage "Content-Language",
    ContentLength "Content-Length" b'l',
    ContentType "Content-Type" b'c',
    CSeq "CSeq",
    Date "Date",
    Diversion "Diversion",
    ErrorInfo "Error-Info",
    Event "Event" b'o',
    Expires "Expires",
    FlowTimer "Flow-Timer",
    From "From" b'f',
    HistoryInfo "History-Info",
    Identity "Identity" b'y',
    InReplyTo "In-Reply-To",
    Join "Join",
    MaxForwards "Max-Forwards",
    MimeVersion "MIME-Version",
    MinExpires "Min-Expires",
    MinSe "Min-SE",
    Organization "Organization",
    PAssertedIdentity "P-Asserted-Identity",
    PPreferredIdentity "P-Preferred-Identity",
    Path "Path",
    Priority "Priority",
    Privacy "Privacy",
    ProxyAuthenticate "Proxy-Authenticate",
    ProxyAuthenticationInfo "Proxy-Authentication-Info",
    ProxyAuthorization "Proxy-Authorization",
    ProxyRequire "Proxy-Require",
    RAck "RAck",
    Reason "Reason",
    RecordRoute "Record-Route",
    ReferSub "Refer-Sub",
    ReferTo "Refer-To" b'r',
    ReferredBy "Referred-By" b'b',
    RejectContact "Reject-Contact" b'j',
    Replaces "Replaces",
    ReplyTo "Reply-To",
    RequestDisposition "Request-Disposition" b'd',
    Require "Require",
    RetryAfter "Retry-After",
    Route "Route",
    RSeq "RSeq",
    SecurityClient "Security-Client",
    SecurityServer "Security-Server",
    SecurityVerify "Security-Verify",
    Server "Server",
    ServiceRoute "Service-Route",
    SessionExpires "Session-Expires" b'x',
    SipEtag "SIP-ETag",
    SipIfMatch "SIP-If-Match",
    Subject "Subject" b's',
    SubscriptionState "Subscription-State",
    Supported "Supported" b'k',
    Timestamp "Timestamp",
    To "To" b't',
    Unsupported "Unsupported",
    UserAgent "User-Agent",
    Via "Via" b'v',
    Warning "Warning",
    WwwAuthenticate "WWW-Authenticate",
}

/// Known names by a few of their bytes, each in a slot of its own, so that a look-up compares one
/// candidate. [`HeaderName::Extension`] stands where there is none.
static SLOTS: [HeaderName; 1 << SLOT_BITS] = match slots(MULTIPLIER) {
    Some(slots) => slots,
    None => panic!("the multiplier was chosen because no two names share a slot"),
};

const SLOT_BITS: u32 = 10;

/// The first that gives each name a slot of its own.
const MULTIPLIER: u32 = {
    let mut multiplier = 1;
    while slots(multiplier).is_none() {
        multiplier += 2;
    }
    multiplier
};

const fn slots(multiplier: u32) -> Option<[HeaderName; 1 << SLOT_BITS]> {
    let mut slots = [HeaderName::Extension; 1 << SLOT_BITS];
    let mut i = 0;
    while i < HeaderName::KNOWN.len() {
        let slot = slot(HeaderName::KNOWN[i].as_str().as_bytes(), multiplier);
        if !matches!(slots[slot], HeaderName::Extension) {
            return None;
        }
        slots[slot] = HeaderName::KNOWN[i];
        i += 1;
    }
    Some(slots)
}

/// The slot of a name that is not empty, the same in any case. Length, first, middle and last
/// byte tell all known names apart.
#[inline]
const fn slot(text: &[u8], multiplier: u32) -> usize {
    let (len, last) = (text.len(), text.len() - 1);
    let key = u32::from_le_bytes([len as u8, text[0], text[len / 2], text[last]]);
    let key = key | u32::from_le_bytes([b' '; 4]);
    (key.wrapping_mul(multiplier.wrapping_mul(0x9E37_79B1)) >> (u32::BITS - SLOT_BITS)) as usize
}

/// The text of each name, found by its number; empty for what is not known.
static NAMES: [&str; HeaderName::KNOWN.len() + 2] = {
    let mut names = [""; HeaderName::KNOWN.len() + 2];
    let mut i = 0;
    while i < HeaderName::KNOWN.len() {
        names[i] = HeaderName::KNOWN[i].as_str();
        i += 1;
    }
    names
};

const COMPACT: [HeaderName; 26] = {
    let mut letters = [HeaderName::Extension; 26];
    let mut i = 0;
    while i < HeaderName::KNOWN.len() {
        if let Some(letter) = HeaderName::KNOWN[i].compact() {
            letters[(letter - b'a') as usize] = HeaderName::KNOWN[i];
        }
        i += 1;
    }
    letters
};

/// `a == b` for texts that are as short as names: their ends are compared a word at a time, and
/// nothing is called.
#[inline]
fn same(a: &[u8], b: &[u8]) -> bool {
    #[inline]
    fn ends<const N: usize>(a: &[u8], b: &[u8]) -> bool {
        a.first_chunk::<N>() == b.first_chunk::<N>() && a.last_chunk::<N>() == b.last_chunk::<N>()
    }
    a.len() == b.len()
        && match a.len() {
            2..=4 => ends::<2>(a, b),
            5..=8 => ends::<4>(a, b),
            9..=16 => ends::<8>(a, b),
            17..=32 => ends::<16>(a, b),
            _ => a == b,
        }
}

impl HeaderName {
    /// The name that `text` spells, in any case, long or compact.
    #[inline(always)]
    pub fn from_bytes(text: &[u8]) -> HeaderName {
        match text {
            [] => HeaderName::Malformed,
            [letter] if letter.is_ascii_alphabetic() => {
                COMPACT[(letter.to_ascii_lowercase() - b'a') as usize]
            }
            _ => {
                let name = SLOTS[slot(text, MULTIPLIER)];
                let known = NAMES[name as usize].as_bytes();
                // Nearly always the case is the RFC's own, and that is quicker to compare.
                if same(known, text) || known.eq_ignore_ascii_case(text) {
                    name
                } else {
                    HeaderName::Extension
                }
            }
        }
    }
}

impl HeaderName {
    /// Whether the value is a comma-separated list, so that several fields of that name say the
    /// same as one (RFC 3261 §7.3.1). Extensions count as lists: nobody knows.
    ///
    /// The four authentication headers have commas inside each value; they may be repeated, but
    /// must not be joined.
    pub const fn is_list(self) -> bool {
        use HeaderName::*;
        !matches!(
            self,
            AuthenticationInfo
                | CSeq
                | CallId
                | ContentDisposition
                | ContentLength
                | ContentType
                | Date
                | Event
                | Expires
                | FlowTimer
                | From
                | Join
                | MaxForwards
                | MimeVersion
                | MinExpires
                | MinSe
                | Organization
                | Priority
                | RAck
                | RSeq
                | ReferSub
                | ReferTo
                | ReferredBy
                | Replaces
                | ReplyTo
                | RetryAfter
                | Server
                | SessionExpires
                | SipEtag
                | SipIfMatch
                | Subject
                | SubscriptionState
                | Timestamp
                | To
                | UserAgent
        )
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_is_found_in_any_case_and_by_its_compact_form() {
        for &name in HeaderName::KNOWN {
            let text = name.as_str();
            assert_eq!(HeaderName::from_bytes(text.as_bytes()), name);
            assert_eq!(HeaderName::from_bytes(text.to_uppercase().as_bytes()), name);
            assert_eq!(HeaderName::from_bytes(text.to_lowercase().as_bytes()), name);
            if let Some(letter) = name.compact() {
                assert_eq!(HeaderName::from_bytes(&[letter]), name);
                assert_eq!(HeaderName::from_bytes(&[letter.to_ascii_uppercase()]), name);
            }
        }
    }

    #[test]
    fn other_names_are_extensions() {
        for text in ["X-Foo", "Vias", "z", "1", "From-", "ToTo"] {
            assert_eq!(HeaderName::from_bytes(text.as_bytes()), HeaderName::Extension, "{text}");
        }
        assert_eq!(HeaderName::from_bytes(b""), HeaderName::Malformed);
    }
}
