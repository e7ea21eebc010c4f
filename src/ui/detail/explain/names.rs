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
    let (sentence, section) = match name {
        Accept => ("the body types that the sender reads", "RFC 3261 §20.1"),
        AcceptContact => ("which of the callee's devices should be reached", "RFC 3841 §9.2"),
        AcceptEncoding => ("the body encodings that the sender reads", "RFC 3261 §20.2"),
        AcceptLanguage => ("the languages that the sender reads", "RFC 3261 §20.3"),
        AlertInfo => ("another ring tone", "RFC 3261 §20.4"),
        Allow => ("the methods that the sender takes", "RFC 3261 §20.5"),
        AllowEvents => ("the event packages that the sender knows", "RFC 6665 §8.2.2"),
        AuthenticationInfo => ("the server's own proof, and the next nonce", "RFC 7616 §3.5"),
        Authorization => ("credentials for the server that asked with a 401", "RFC 3261 §20.7"),
        CallId => ("names the call: the same in all its requests and responses", "RFC 3261 §20.8"),
        CallInfo => ("more about the caller or the callee: an icon, a card", "RFC 3261 §20.9"),
        Contact => ("where the sender can be reached directly from now on", "RFC 3261 §20.10"),
        ContentDisposition => ("what the body is for", "RFC 3261 §20.11"),
        ContentEncoding => ("how the body was packed", "RFC 3261 §20.12"),
        ContentLanguage => ("the language of the body", "RFC 3261 §20.13"),
        ContentLength => ("how many bytes the body has", "RFC 3261 §20.14"),
        ContentType => ("what the body is", "RFC 3261 §20.15"),
        CSeq => {
            ("orders the requests of a dialog, and pairs responses with them", "RFC 3261 §20.16")
        }
        Date => ("when it was sent", "RFC 3261 §20.17"),
        Diversion => ("who sent the call on to somebody else, and why", "RFC 5806 §4"),
        ErrorInfo => ("where to learn more about the error", "RFC 3261 §20.18"),
        Event => ("what the subscription is about", "RFC 6665 §8.2.1"),
        Expires => ("how long it holds", "RFC 3261 §20.19"),
        FlowTimer => ("how often the connection must be kept alive", "RFC 5626 §10"),
        From => ("who sent the request, as they call themselves", "RFC 3261 §20.20"),
        HistoryInfo => ("the way that the request took to its target", "RFC 7044 §5"),
        Identity => ("a signature over who called", "RFC 8224 §4"),
        InReplyTo => ("the calls that this one returns", "RFC 3261 §20.21"),
        Join => ("the dialog that this call should join", "RFC 3911 §7"),
        MaxForwards => ("how many proxies may still hand it on", "RFC 3261 §20.22"),
        MimeVersion => ("the version of MIME", "RFC 3261 §20.24"),
        MinExpires => ("the shortest time that the server takes", "RFC 3261 §20.23"),
        MinSe => ("the shortest session interval that is taken", "RFC 4028 §5"),
        Organization => ("the sender's organization", "RFC 3261 §20.25"),
        PAssertedIdentity => ("who the caller is, as a trusted proxy vouches", "RFC 3325 §9.1"),
        PPreferredIdentity => {
            ("which of their identities the caller wants vouched", "RFC 3325 §9.2")
        }
        Path => ("the proxies through which the registered contact is reached", "RFC 3327 §4"),
        Priority => ("how urgent the request is", "RFC 3261 §20.26"),
        Privacy => ("what of the caller must not be passed on", "RFC 3323 §4.2"),
        ProxyAuthenticate => ("a proxy's challenge: it wants credentials", "RFC 3261 §20.27"),
        ProxyAuthenticationInfo => ("the proxy's own proof, and the next nonce", "RFC 7615 §4"),
        ProxyAuthorization => {
            ("credentials for the proxy that asked with a 407", "RFC 3261 §20.28")
        }
        ProxyRequire => ("extensions that proxies must know", "RFC 3261 §20.29"),
        RAck => ("which reliable provisional response is acknowledged", "RFC 3262 §7.2"),
        Reason => ("why it was sent", "RFC 3326 §2"),
        RecordRoute => ("a proxy that stays in the path of the dialog", "RFC 3261 §20.30"),
        ReferSub => ("whether a REFER makes a subscription", "RFC 4488 §4"),
        ReferTo => ("where the receiver should send a request", "RFC 3515 §2.1"),
        ReferredBy => ("who asked for the transfer", "RFC 3892 §3"),
        RejectContact => ("which of the callee's devices must not be reached", "RFC 3841 §9.2"),
        Replaces => ("the dialog that this call takes the place of", "RFC 3891 §6.1"),
        ReplyTo => ("where to call back", "RFC 3261 §20.31"),
        RequestDisposition => ("how proxies should treat the request", "RFC 3841 §9.1"),
        Require => ("extensions that the receiver must know", "RFC 3261 §20.32"),
        RetryAfter => ("when to try again", "RFC 3261 §20.33"),
        Route => ("the proxies that the request must pass", "RFC 3261 §20.34"),
        RSeq => ("the number of a reliable provisional response", "RFC 3262 §7.1"),
        SecurityClient => ("the security mechanisms that the client has", "RFC 3329 §2.2"),
        SecurityServer => ("the security mechanisms that the server has", "RFC 3329 §2.2"),
        SecurityVerify => ("the server's list of mechanisms, given back", "RFC 3329 §2.2"),
        Server => ("the software that answered", "RFC 3261 §20.35"),
        ServiceRoute => ("the way that later requests should take", "RFC 3608 §5"),
        SessionExpires => ("how long the session lasts without a refresh", "RFC 4028 §4"),
        SipEtag => ("names the state that was published", "RFC 3903 §11.3.1"),
        SipIfMatch => ("the published state that this changes", "RFC 3903 §11.3.2"),
        Subject => ("what the call is about", "RFC 3261 §20.36"),
        SubscriptionState => ("where the subscription stands", "RFC 6665 §8.2.3"),
        Supported => ("extensions that the sender knows", "RFC 3261 §20.37"),
        Timestamp => ("when the request was sent, to be given back", "RFC 3261 §20.38"),
        To => ("who is meant; a tag comes with the first answer", "RFC 3261 §20.39"),
        Unsupported => ("extensions that the receiver does not know", "RFC 3261 §20.40"),
        UserAgent => ("the software that sent it", "RFC 3261 §20.41"),
        Via => ("the way that the responses take back", "RFC 3261 §20.42"),
        Warning => ("more about what went wrong", "RFC 3261 §20.43"),
        WwwAuthenticate => ("the server's challenge: it wants credentials", "RFC 3261 §20.44"),
        Extension | Malformed => return None,
    };
    Some(Meaning { sentence, section })
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
