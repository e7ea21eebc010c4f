//! What each header is for, and where that is written.

use crate::sip::HeaderName;

/// What a header is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// A sentence without its full stop.
    pub sentence: &'static str,
    /// The section that says so: `RFC 3261 §20.42`.
    pub section: &'static str,
}

/// What a header is for; `None` for a name that no list has.
pub const fn meaning(name: HeaderName) -> Option<Meaning> {
    use HeaderName::*;
    let sentence = match name {
        Accept => "the body types that the sender reads",
        AcceptContact => "which of the callee's devices should be reached",
        AcceptEncoding => "the body encodings that the sender reads",
        AcceptLanguage => "the languages that the sender reads",
        AlertInfo => "another ring tone",
        Allow => "the methods that the sender takes",
        AllowEvents => "the event packages that the sender knows",
        AuthenticationInfo => "the server's own proof, and the next nonce",
        Authorization => "credentials for the server that asked with a 401",
        CallId => "names the call: the same in all its requests and responses",
        CallInfo => "more about the caller or the callee: an icon, a card",
        Contact => "where the sender can be reached directly from now on",
        ContentDisposition => "what the body is for",
        ContentEncoding => "how the body was packed",
        ContentLanguage => "the language of the body",
        ContentLength => "how many bytes the body has",
        ContentType => "what the body is",
        CSeq => "orders the requests of a dialog, and pairs responses with them",
        Date => "when it was sent",
        Diversion => "who sent the call on to somebody else, and why",
        ErrorInfo => "where to learn more about the error",
        Event => "what the subscription is about",
        Expires => "how long it holds",
        FlowTimer => "how often the connection must be kept alive",
        From => "who sent the request, as they call themselves",
        HistoryInfo => "the way that the request took to its target",
        Identity => "a signature over who called",
        InReplyTo => "the calls that this one returns",
        Join => "the dialog that this call should join",
        MaxForwards => "how many proxies may still hand it on",
        MimeVersion => "the version of MIME",
        MinExpires => "the shortest time that the server takes",
        MinSe => "the shortest session interval that is taken",
        Organization => "the sender's organization",
        PAssertedIdentity => "who the caller is, as a trusted proxy vouches",
        PPreferredIdentity => "which of their identities the caller wants vouched",
        Path => "the proxies through which the registered contact is reached",
        Priority => "how urgent the request is",
        Privacy => "what of the caller must not be passed on",
        ProxyAuthenticate => "a proxy's challenge: it wants credentials",
        ProxyAuthenticationInfo => "the proxy's own proof, and the next nonce",
        ProxyAuthorization => "credentials for the proxy that asked with a 407",
        ProxyRequire => "extensions that proxies must know",
        RAck => "which reliable provisional response is acknowledged",
        Reason => "why it was sent",
        RecordRoute => "a proxy that stays in the path of the dialog",
        ReferSub => "whether a REFER makes a subscription",
        ReferTo => "where the receiver should send a request",
        ReferredBy => "who asked for the transfer",
        RejectContact => "which of the callee's devices must not be reached",
        Replaces => "the dialog that this call takes the place of",
        ReplyTo => "where to call back",
        RequestDisposition => "how proxies should treat the request",
        Require => "extensions that the receiver must know",
        RetryAfter => "when to try again",
        Route => "the proxies that the request must pass",
        RSeq => "the number of a reliable provisional response",
        SecurityClient => "the security mechanisms that the client has",
        SecurityServer => "the security mechanisms that the server has",
        SecurityVerify => "the server's list of mechanisms, given back",
        Server => "the software that answered",
        ServiceRoute => "the way that later requests should take",
        SessionExpires => "how long the session lasts without a refresh",
        SipEtag => "names the state that was published",
        SipIfMatch => "the published state that this changes",
        Subject => "what the call is about",
        SubscriptionState => "where the subscription stands",
        Supported => "extensions that the sender knows",
        Timestamp => "when the request was sent, to be given back",
        To => "who is meant; a tag comes with the first answer",
        Unsupported => "extensions that the receiver does not know",
        UserAgent => "the software that sent it",
        Via => "the way that the responses take back",
        Warning => "more about what went wrong",
        WwwAuthenticate => "the server's challenge: it wants credentials",
        Extension | Malformed => return None,
    };
    match name.section() {
        Some(section) => Some(Meaning { sentence, section }),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_has_a_sentence_and_a_section() {
        for &name in HeaderName::KNOWN {
            let meaning = meaning(name).unwrap();
            assert!(!meaning.sentence.is_empty() && !meaning.sentence.ends_with('.'), "{name}");
            let section = meaning.section.strip_prefix("RFC ").unwrap();
            let (number, place) = section.split_once(" §").unwrap();
            assert!(
                number.parse::<u16>().is_ok() && place.starts_with(|c: char| c.is_ascii_digit())
            );
        }
        assert_eq!(meaning(HeaderName::Extension), None);
        assert_eq!(meaning(HeaderName::Malformed), None);
    }
}
