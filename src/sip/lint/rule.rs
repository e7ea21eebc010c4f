//! The rules: each with its name, how grave it is, and the section that it stands on.

use std::fmt;

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; the message is right.
    Note,
    /// Against a rule, but a receiver can act on the message.
    Warning,
    /// A receiver must refuse the message.
    Error,
}

impl Severity {
    /// `note`, `warning` or `error`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

macro_rules! rules {
    ($($variant:ident $name:literal $severity:ident $section:literal $summary:literal,)*) => {
        /// A rule of the lint.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $(#[doc = $summary] $variant,)*
        }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Rule] = &[$(Rule::$variant,)*];

            /// The name that stands in the output: a stable interface.
            pub const fn name(self) -> &'static str {
                match self { $(Rule::$variant => $name,)* }
            }

            /// How grave it is.
            pub const fn severity(self) -> Severity {
                match self { $(Rule::$variant => Severity::$severity,)* }
            }

            /// The section that it stands on: `RFC 3261 §20.14`.
            pub const fn section(self) -> &'static str {
                match self { $(Rule::$variant => $section,)* }
            }

            /// What it finds, in one sentence.
            pub const fn summary(self) -> &'static str {
                match self { $(Rule::$variant => $summary,)* }
            }
        }
    };
}

rules! {
    // The start line.
    Unreadable "unreadable" Error "RFC 3261 §7"
        "There is no start line, so there is no message.",
    OverLimit "over-limit" Error "RFC 3261 §21.5.7"
        "The message is over one of the limits.",
    StartLineSpaces "start-line-spaces" Error "RFC 3261 §7.1"
        "White space in the request line that is none of the two spaces between its parts.",
    Version "sip-version" Error "RFC 3261 §7.1"
        "The version is not SIP/2.0.",
    VersionCase "sip-version-case" Warning "RFC 3261 §7.1"
        "SIP/2.0 is to be sent in upper case.",
    MethodToken "method-token" Error "RFC 3261 §25.1"
        "The method is no token.",
    MethodCase "method-case" Warning "RFC 3261 §7.1"
        "Methods are case-sensitive, and this one differs from a known one in case only.",
    MethodUnknown "method-unknown" Note "RFC 3261 §8.2.1"
        "The method is in no RFC.",
    RequestUri "request-uri" Error "RFC 3261 §25.1"
        "The Request-URI cannot be read.",
    RequestUriHeaders "request-uri-headers" Error "RFC 3261 §19.1.1"
        "A Request-URI must not hold headers.",
    RegisterUri "register-uri" Warning "RFC 3261 §10.2"
        "The Request-URI of a REGISTER has a user part.",
    SchemeUnknown "scheme-unknown" Note "RFC 3261 §21.4.14"
        "The Request-URI's scheme is neither sip, sips nor tel.",
    ReasonPhraseSpace "reason-phrase-space" Warning "RFC 3261 §7.2"
        "The space behind the status code is missing.",
    ReasonPhraseUtf8 "reason-phrase-utf8" Warning "RFC 3261 §25.1"
        "The reason phrase is not UTF-8, or holds control characters.",
    ReasonPhraseCharacter "reason-phrase-character" Warning "RFC 3261 §25.1"
        "The reason phrase holds a character that must be escaped in it.",
    StatusCode "status-code" Error "RFC 3261 §7.2"
        "A status line without a status code from 100 to 699 behind one space.",
    StatusUnknown "status-unknown" Note "RFC 3261 §8.1.3.2"
        "The status code is in no RFC.",

    // Lines.
    BareLf "bare-lf" Warning "RFC 3261 §7"
        "A line ends in LF alone.",
    BareCr "bare-cr" Warning "RFC 3261 §25.1"
        "A CR that no LF follows.",
    LeadingLineEnds "leading-line-ends" Note "RFC 3261 §7.5"
        "Line ends before the start line.",
    NoEndOfHeaders "no-end-of-headers" Error "RFC 3261 §7"
        "No empty line ends the headers.",
    NotAHeader "not-a-header" Warning "RFC 3261 §7.3.1"
        "A line among the headers that is none.",
    HeaderName "header-name" Warning "RFC 3261 §7.3.1"
        "A header name that is no token.",
    HeaderNameEscaped "header-name-escaped" Note "RFC 4475 §3.1.1.5"
        "Escapes in a header name stand for nothing.",
    NotUtf8 "not-utf8" Warning "RFC 3261 §7.3.1"
        "A header value that is not UTF-8.",
    ControlCharacter "control-character" Warning "RFC 3261 §25.1"
        "A control character in a header value that is not escaped in a quoted string.",

    // Which headers are there.
    HeaderMissing "header-missing" Error "RFC 3261 §8.1.1"
        "A header that every message must have is missing.",
    HeaderRepeated "header-repeated" Error "RFC 3261 §7.3.1"
        "A header on which a transaction depends stands there more than once.",
    SingleHeaderRepeated "single-header-repeated" Warning "RFC 3261 §7.3.1"
        "A header that is no list stands there more than once.",
    MaxForwardsMissing "max-forwards-missing" Warning "RFC 3261 §8.1.1.6"
        "A request without Max-Forwards.",
    MaxForwardsRange "max-forwards-range" Error "RFC 3261 §20.22"
        "Max-Forwards is not a number from 0 to 255.",
    MaxForwardsZero "max-forwards-zero" Note "RFC 3261 §16.3"
        "No proxy may forward the request any further.",
    ResponseOnly "response-only-header" Note "RFC 3261 §20"
        "A header that means nothing in a request.",
    RequestOnly "request-only-header" Note "RFC 3261 §20"
        "A header that means nothing in a response.",

    // Values.
    EssentialUnreadable "essential-unreadable" Error "RFC 3261 §8.1.1"
        "A header on which a transaction or a dialog depends cannot be read.",
    HeaderUnreadable "header-unreadable" Warning "RFC 3261 §25.1"
        "A header cannot be read.",
    EmptyParameter "empty-parameter" Warning "RFC 3261 §25.1"
        "A semicolon with no parameter behind it.",
    ParameterRepeated "parameter-repeated" Warning "RFC 3261 §7.3.1"
        "A parameter stands there more than once.",
    ParameterMalformed "parameter-malformed" Warning "RFC 3261 §25.1"
        "A parameter whose name is no token, or whose value is no token, host or quoted string.",
    DateInvalid "date-invalid" Error "RFC 3261 §20.17"
        "The Date has another form than the one that SIP has, which is always GMT.",
    ParameterValue "parameter-value" Warning "RFC 3261 §25.1"
        "A parameter whose value is not what the section that defines it says.",
    DisplayName "display-name" Warning "RFC 3261 §25.1"
        "A display name that needs quotes around it.",
    DateCase "date-case" Warning "RFC 3261 §20.17"
        "The letters of the Date do not stand in the case that they must.",
    DateWeekday "date-weekday" Warning "RFC 3261 §20.17"
        "The weekday of the Date is not the weekday of that day.",
    DateExpired "date-expired" Note "RFC 3261 §20.17"
        "The Date is more than ten minutes away from now.",
    IdentityStale "identity-stale" Note "RFC 8224 §6.2"
        "A signed request whose Date is more than a minute away from now.",
    OptionTagUnknown "option-tag-unknown" Warning "RFC 3261 §8.2.2.3"
        "Require or Proxy-Require names an extension that is in no RFC.",

    // URIs.
    UriHost "uri-unbracketed-ipv6" Error "RFC 3261 §25.1"
        "An IPv6 address in a URI without brackets around it.",
    HostName "uri-host-name" Warning "RFC 3261 §25.1"
        "A host in a URI that is neither an address nor a name as names are made.",
    UriThreeColons "ipv6-three-colons" Warning "RFC 5118 §4.10"
        "Three colons in an IPv6 address.",
    UriEscape "uri-escape" Warning "RFC 3261 §25.1"
        "A percent sign in a URI without two hexadecimal digits behind it.",
    UriReserved "uri-reserved" Warning "RFC 3261 §25.1"
        "A character in a URI that must be escaped where it stands.",
    UriParameter "uri-parameter" Warning "RFC 3261 §19.1.1"
        "A URI parameter without a name, or whose value is not what its definition says.",
    UriHeaders "uri-headers" Warning "RFC 3261 §19.1.1"
        "What stands behind the ? of a URI is not name=value with & between.",
    UriMalformed "uri-malformed" Warning "RFC 3261 §25.1"
        "A URI of another scheme that is not made as such URIs are.",
    UriComponent "uri-component" Warning "RFC 3261 §19.1.1"
        "A parameter or headers in a URI that must not have them where it stands.",
    UriPort "uri-port" Note "RFC 3261 §19.1.1"
        "A port in the URI of To or From, which is to have none.",
    UriPassword "uri-password" Note "RFC 3261 §19.1.1"
        "A password in a URI, where everyone can read it.",
    TelInvalid "tel-invalid" Warning "RFC 3966 §5.1"
        "A tel: URI whose number is neither global nor says where it counts.",

    // Via.
    ViaSeparators "via-separators" Error "RFC 3261 §20.42"
        "A Via with a semicolon or comma too many.",
    BranchMissing "branch-missing" Warning "RFC 3261 §8.1.1.7"
        "The top Via has no branch.",
    BranchCookie "branch-cookie" Warning "RFC 3261 §8.1.1.7"
        "The top Via's branch does not begin with z9hG4bK.",
    BranchEmpty "branch-empty" Warning "RFC 3261 §8.1.1.7"
        "The top Via's branch is z9hG4bK and nothing else, which cannot be unique.",
    BranchMalformed "branch-malformed" Warning "RFC 3261 §8.1.1.7"
        "A branch that is no token.",
    SentBy "via-sent-by" Warning "RFC 3261 §18.1.1"
        "A Via whose sent-by is neither an address nor a name as names are made.",
    TransportUnknown "via-transport-unknown" Note "RFC 3261 §25.1"
        "A Via names a transport that is in no RFC.",
    ReceivedInvalid "received-invalid" Warning "RFC 3261 §18.2.1"
        "The received parameter is no IP address.",
    ReceivedBrackets "received-brackets" Note "RFC 5118 §4.5"
        "The received parameter has brackets around its IPv6 address.",
    RportInvalid "rport-invalid" Warning "RFC 3581 §3"
        "The rport parameter is no port.",
    TtlInvalid "ttl-invalid" Warning "RFC 3261 §18.1.1"
        "The ttl parameter is no number from 0 to 255.",
    SeveralVias "response-vias" Warning "RFC 3261 §8.1.3.3"
        "A response with more than one Via has not reached the one that it is for.",
    ViaBroadcast "via-broadcast" Warning "RFC 4475 §3.3.10"
        "A Via whose sent-by is a broadcast address.",

    // Who and where.
    FromTagMissing "from-tag-missing" Warning "RFC 3261 §8.1.1.3"
        "From has no tag.",
    ToTagMissing "to-tag-missing" Warning "RFC 3261 §8.2.6.2"
        "A response above 100 without a To tag.",
    DialogTagMissing "dialog-tag-missing" Warning "RFC 3261 §12.2.1.1"
        "A request that belongs into a dialog has no To tag.",
    TagMalformed "tag-malformed" Warning "RFC 3261 §19.3"
        "A tag that is no token.",
    CallIdMalformed "call-id-malformed" Warning "RFC 3261 §20.8"
        "A Call-ID with characters that it cannot hold.",
    CSeqMethod "cseq-method" Error "RFC 3261 §8.1.1.5"
        "CSeq's method is not the request's.",
    ContactMissing "contact-missing" Warning "RFC 3261 §8.1.1.8"
        "A request that makes a dialog has no Contact.",
    ContactMissingInAccept "contact-missing-in-accept" Error "RFC 3261 §12.1.1"
        "A 2xx to an INVITE has no Contact.",
    ContactCount "contact-count" Warning "RFC 3261 §8.1.1.8"
        "A message that makes a dialog has more than one Contact.",
    ContactScheme "contact-scheme" Warning "RFC 3261 §8.1.1.8"
        "The Contact of a message that makes a dialog is neither a sip nor a sips URI.",
    ContactStar "contact-star" Error "RFC 3261 §10.2.2"
        "A Contact of * outside of a REGISTER that expires everything.",
    ContactSips "contact-sips" Warning "RFC 3261 §8.1.1.8"
        "Contact is not sips, though the Request-URI is, or the dialog of a 2xx is secure.",
    ContactQ "contact-q" Warning "RFC 3261 §20.10"
        "A q parameter that is not a number from 0 to 1 with three decimals at most.",
    ContactExpires "contact-expires" Warning "RFC 3261 §10.2.1.1"
        "An expires parameter that is no number of seconds, and counts as 3600.",
    RouteStrict "route-strict" Warning "RFC 3261 §16.12.1.1"
        "A route without lr names a strict router, as RFC 2543 had them.",
    RouteBrackets "route-brackets" Warning "RFC 3261 §25.1"
        "A route without < and >, whose parameters are then the header's and not the URI's.",
    RequireMisplaced "require-misplaced" Warning "RFC 3261 §9.1"
        "Require has no place in a CANCEL.",

    // The body.
    ContentLengthInvalid "content-length-invalid" Error "RFC 3261 §20.14"
        "Content-Length is no number.",
    ContentLengthConflict "content-length-conflict" Error "RFC 3261 §20.14"
        "Two Content-Lengths disagree.",
    ContentLengthTooLong "content-length-too-long" Error "RFC 3261 §20.14"
        "Content-Length says more than there is.",
    BytesAfterBody "bytes-after-body" Warning "RFC 3261 §18.3"
        "Bytes follow what Content-Length covers; in a datagram they are dropped.",
    ContentLengthMissing "content-length-missing" Note "RFC 3261 §20.14"
        "No Content-Length: the body is the rest of the datagram.",
    ContentTypeMissing "content-type-missing" Warning "RFC 3261 §20.15"
        "A body without a Content-Type.",
    ContentTypeUnused "content-type-unused" Note "RFC 3261 §20.15"
        "A Content-Type without a body.",
    MultipartBoundary "multipart-boundary" Warning "RFC 2046 §5.1.1"
        "A multipart body whose boundary is not named, cannot be one, or stands nowhere in it.",
    MultipartPart "multipart-part" Warning "RFC 2046 §5.1"
        "A part of a multipart body with a line in its head that is no header, or without an empty line behind it.",
    MultipartUnterminated "multipart-unterminated" Warning "RFC 2046 §5.1.1"
        "A multipart body without its last boundary.",
    MultipartNesting "multipart-nesting" Warning "RFC 5621 §4.2"
        "Multipart bodies stand in each other deeper than the limit.",
    SdpVersion "sdp-version" Warning "RFC 8866 §5.1"
        "A body that says it is SDP does not begin with v=0.",
    TransferEncoding "transfer-encoding" Warning "RFC 3261 §7.4.2"
        "Chunked transfer encoding, which SIP must not use.",

    // What a response must bring.
    ChallengeMissing "challenge-missing" Warning "RFC 3261 §22.1"
        "A 401 without a challenge in WWW-Authenticate, or a 407 without one in Proxy-Authenticate.",
    ChallengeIncomplete "challenge-incomplete" Warning "RFC 3261 §22.4"
        "A Digest challenge without a realm or a nonce.",
    CredentialsIncomplete "credentials-incomplete" Warning "RFC 3261 §22.4"
        "Digest credentials without one of the parameters that they must have.",
    AuthParameter "auth-parameter" Warning "RFC 3261 §25.1"
        "A parameter of a challenge or of credentials that is not what its definition says.",
    CredentialsUri "credentials-uri" Note "RFC 3261 §22.4"
        "The credentials' uri is not the Request-URI.",
    AllowMissing "allow-missing" Warning "RFC 3261 §21.4.6"
        "A 405 must say in Allow what is allowed.",
    UnsupportedMissing "unsupported-missing" Warning "RFC 3261 §21.4.15"
        "A 420 must say in Unsupported what is not supported.",
    MinExpiresMissing "min-expires-missing" Warning "RFC 3261 §21.4.17"
        "A 423 must say in Min-Expires what would be long enough.",
    MinSeMissing "min-se-missing" Warning "RFC 4028 §6"
        "A 422 must say in Min-SE what would be long enough.",
    RSeqMissing "rseq-missing" Warning "RFC 3262 §3"
        "A provisional that requires 100rel has no RSeq.",
    RSeqUnrequired "rseq-unrequired" Warning "RFC 3262 §3"
        "A provisional with RSeq does not require 100rel.",
    RSeqZero "rseq-zero" Warning "RFC 3262 §7.1"
        "RSeq is 0, but counts from 1.",

    // What a request must bring.
    RAckMissing "rack-missing" Error "RFC 3262 §7.2"
        "A PRACK without RAck acknowledges nothing.",
    EventMissing "event-missing" Error "RFC 6665 §8.2.1"
        "A SUBSCRIBE, NOTIFY or PUBLISH without Event.",
    SubscriptionStateMissing "subscription-state-missing" Error "RFC 6665 §8.2.3"
        "A NOTIFY without Subscription-State.",
    ReferToCount "refer-to-count" Error "RFC 3515 §2.4.2"
        "A REFER without Refer-To, or with more than one.",
    SessionExpiresSmall "session-expires-small" Warning "RFC 4028 §4"
        "A session interval of less than 90 seconds.",
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
