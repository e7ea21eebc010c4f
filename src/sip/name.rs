//! Header field names: the known ones as an enum, compact forms and any case folded into it.
//!
//! A name that stands in no list is [`HeaderName::Extension`]; its text stays in the message.

use std::fmt;

macro_rules! header_names {
    ($($variant:ident $text:literal $($compact:literal)? in $section:literal,)*) => {
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

            /// The section that defines it: `RFC 3261 §20.42`; none for an extension.
            pub const fn section(self) -> Option<&'static str> {
                match self {
                    $(HeaderName::$variant => Some($section),)*
                    HeaderName::Extension | HeaderName::Malformed => None,
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
    Accept "Accept" in "RFC 3261 §20.1",
    AcceptContact "Accept-Contact" b'a' in "RFC 3841 §9.2",
    AcceptEncoding "Accept-Encoding" in "RFC 3261 §20.2",
    AcceptLanguage "Accept-Language" in "RFC 3261 §20.3",
    AlertInfo "Alert-Info" in "RFC 3261 §20.4",
    Allow "Allow" in "RFC 3261 §20.5",
    AllowEvents "Allow-Events" b'u' in "RFC 6665 §8.2.2",
    AuthenticationInfo "Authentication-Info" in "RFC 7616 §3.5",
    Authorization "Authorization" in "RFC 3261 §20.7",
    CallId "Call-ID" b'i' in "RFC 3261 §20.8",
    CallInfo "Call-Info" in "RFC 3261 §20.9",
    Contact "Contact" b'm' in "RFC 3261 §20.10",
    ContentDisposition "Content-Disposition" in "RFC 3261 §20.11",
    ContentEncoding "Content-Encoding" b'e' in "RFC 3261 §20.12",
    ContentLanguage "Content-Language" in "RFC 3261 §20.13",
    ContentLength "Content-Length" b'l' in "RFC 3261 §20.14",
    ContentType "Content-Type" b'c' in "RFC 3261 §20.15",
    CSeq "CSeq" in "RFC 3261 §20.16",
    Date "Date" in "RFC 3261 §20.17",
    Diversion "Diversion" in "RFC 5806 §4",
    ErrorInfo "Error-Info" in "RFC 3261 §20.18",
    Event "Event" b'o' in "RFC 6665 §8.2.1",
    Expires "Expires" in "RFC 3261 §20.19",
    FlowTimer "Flow-Timer" in "RFC 5626 §10",
    From "From" b'f' in "RFC 3261 §20.20",
    HistoryInfo "History-Info" in "RFC 7044 §5",
    Identity "Identity" b'y' in "RFC 8224 §4",
    InReplyTo "In-Reply-To" in "RFC 3261 §20.21",
    Join "Join" in "RFC 3911 §7",
    MaxForwards "Max-Forwards" in "RFC 3261 §20.22",
    MimeVersion "MIME-Version" in "RFC 3261 §20.24",
    MinExpires "Min-Expires" in "RFC 3261 §20.23",
    MinSe "Min-SE" in "RFC 4028 §5",
    Organization "Organization" in "RFC 3261 §20.25",
    PAssertedIdentity "P-Asserted-Identity" in "RFC 3325 §9.1",
    PPreferredIdentity "P-Preferred-Identity" in "RFC 3325 §9.2",
    Path "Path" in "RFC 3327 §4",
    Priority "Priority" in "RFC 3261 §20.26",
    Privacy "Privacy" in "RFC 3323 §4.2",
    ProxyAuthenticate "Proxy-Authenticate" in "RFC 3261 §20.27",
    ProxyAuthenticationInfo "Proxy-Authentication-Info" in "RFC 7615 §4",
    ProxyAuthorization "Proxy-Authorization" in "RFC 3261 §20.28",
    ProxyRequire "Proxy-Require" in "RFC 3261 §20.29",
    RAck "RAck" in "RFC 3262 §7.2",
    Reason "Reason" in "RFC 3326 §2",
    RecordRoute "Record-Route" in "RFC 3261 §20.30",
    ReferSub "Refer-Sub" in "RFC 4488 §4",
    ReferTo "Refer-To" b'r' in "RFC 3515 §2.1",
    ReferredBy "Referred-By" b'b' in "RFC 3892 §3",
    RejectContact "Reject-Contact" b'j' in "RFC 3841 §9.2",
    Replaces "Replaces" in "RFC 3891 §6.1",
    ReplyTo "Reply-To" in "RFC 3261 §20.31",
    RequestDisposition "Request-Disposition" b'd' in "RFC 3841 §9.1",
    Require "Require" in "RFC 3261 §20.32",
    RetryAfter "Retry-After" in "RFC 3261 §20.33",
    Route "Route" in "RFC 3261 §20.34",
    RSeq "RSeq" in "RFC 3262 §7.1",
    SecurityClient "Security-Client" in "RFC 3329 §2.2",
    SecurityServer "Security-Server" in "RFC 3329 §2.2",
    SecurityVerify "Security-Verify" in "RFC 3329 §2.2",
    Server "Server" in "RFC 3261 §20.35",
    ServiceRoute "Service-Route" in "RFC 3608 §5",
    SessionExpires "Session-Expires" b'x' in "RFC 4028 §4",
    SipEtag "SIP-ETag" in "RFC 3903 §11.3.1",
    SipIfMatch "SIP-If-Match" in "RFC 3903 §11.3.2",
    Subject "Subject" b's' in "RFC 3261 §20.36",
    SubscriptionState "Subscription-State" in "RFC 6665 §8.2.3",
    Supported "Supported" b'k' in "RFC 3261 §20.37",
    Timestamp "Timestamp" in "RFC 3261 §20.38",
    To "To" b't' in "RFC 3261 §20.39",
    Unsupported "Unsupported" in "RFC 3261 §20.40",
    UserAgent "User-Agent" in "RFC 3261 §20.41",
    Via "Via" b'v' in "RFC 3261 §20.42",
    Warning "Warning" in "RFC 3261 §20.43",
    WwwAuthenticate "WWW-Authenticate" in "RFC 3261 §20.44",
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
                | Privacy
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
