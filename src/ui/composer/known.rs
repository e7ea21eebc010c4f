//! What the composer knows of SIP: methods with a word for each, and the values that headers have
//! where the set is known.

use crate::sip::{HeaderName, Method};

/// What a method is for; `None` for one that no RFC has.
pub const fn method(method: &Method) -> Option<&'static str> {
    Some(match method {
        Method::Invite => "begin a call, or change it in its dialog (RFC 3261 §13)",
        Method::Ack => "sent by itself: confirms the final answer to an INVITE (RFC 3261 §13)",
        Method::Bye => "end a call (RFC 3261 §15)",
        Method::Cancel => "sent by itself: gives a pending INVITE up (RFC 3261 §9)",
        Method::Options => "ask what the other side can do (RFC 3261 §11)",
        Method::Register => "say where an address can be reached (RFC 3261 §10)",
        Method::Message => "send a short text (RFC 3428)",
        Method::Info => "send something within a call (RFC 6086)",
        Method::Subscribe => "ask to be told of events (RFC 6665)",
        Method::Notify => "tell of an event (RFC 6665)",
        Method::Publish => "publish an event state (RFC 3903)",
        Method::Refer => "ask the other side to call somebody (RFC 3515)",
        Method::Update => "change a session before it is answered (RFC 3311)",
        Method::Prack => "sent by itself: confirms a reliable provisional (RFC 3262)",
        Method::Extension(_) => return None,
    })
}

/// The headers that are offered, those that are written most often first.
pub const HEADERS: &[HeaderName] = &[
    HeaderName::Subject,
    HeaderName::Contact,
    HeaderName::Expires,
    HeaderName::Event,
    HeaderName::Accept,
    HeaderName::Allow,
    HeaderName::Supported,
    HeaderName::Require,
    HeaderName::ReferTo,
    HeaderName::ReferredBy,
    HeaderName::Replaces,
    HeaderName::PPreferredIdentity,
    HeaderName::PAssertedIdentity,
    HeaderName::Privacy,
    HeaderName::UserAgent,
    HeaderName::MaxForwards,
    HeaderName::SessionExpires,
    HeaderName::MinSe,
    HeaderName::Priority,
    HeaderName::CallInfo,
    HeaderName::AlertInfo,
    HeaderName::Date,
    HeaderName::Diversion,
    HeaderName::HistoryInfo,
    HeaderName::AcceptContact,
    HeaderName::AcceptEncoding,
    HeaderName::AcceptLanguage,
    HeaderName::AllowEvents,
    HeaderName::Authorization,
    HeaderName::ContentDisposition,
    HeaderName::ContentEncoding,
    HeaderName::ContentLanguage,
    HeaderName::InReplyTo,
    HeaderName::Join,
    HeaderName::Organization,
    HeaderName::Path,
    HeaderName::ProxyAuthorization,
    HeaderName::ProxyRequire,
    HeaderName::Reason,
    HeaderName::ReferSub,
    HeaderName::RejectContact,
    HeaderName::ReplyTo,
    HeaderName::RequestDisposition,
    HeaderName::SipIfMatch,
    HeaderName::SubscriptionState,
    HeaderName::Timestamp,
];

/// The option tags of the IANA registry that a user agent is likely to name.
const OPTIONS: &[&str] = &[
    "100rel",
    "timer",
    "replaces",
    "path",
    "outbound",
    "gruu",
    "norefersub",
    "199",
    "join",
    "precondition",
    "pref",
    "privacy",
    "histinfo",
    "from-change",
    "eventlist",
    "tdialog",
    "sec-agree",
    "trickle-ice",
    "resource-priority",
];
const METHODS: &[&str] = &[
    "INVITE",
    "ACK",
    "CANCEL",
    "BYE",
    "OPTIONS",
    "UPDATE",
    "INFO",
    "MESSAGE",
    "NOTIFY",
    "REFER",
    "SUBSCRIBE",
    "PRACK",
    "PUBLISH",
    "REGISTER",
];
const EVENTS: &[&str] = &[
    "presence",
    "message-summary",
    "dialog",
    "reg",
    "refer",
    "conference",
    "presence.winfo",
    "call-completion",
    "ua-profile",
    "kpml",
    "as-feature-event",
];
const TYPES: &[&str] = &[
    "application/sdp",
    "text/plain",
    "application/pidf+xml",
    "application/dtmf-relay",
    "application/simple-message-summary",
    "application/dialog-info+xml",
    "message/sipfrag",
    "application/reginfo+xml",
    "application/resource-lists+xml",
    "application/trickle-ice-sdpfrag",
    "multipart/mixed",
    "message/cpim",
    "application/im-iscomposing+xml",
    "application/json",
    "application/xml",
    "text/html",
];

/// The values that a header can have, the usual ones first; none where the set is not known.
pub const fn values(name: HeaderName) -> &'static [&'static str] {
    match name {
        HeaderName::Accept | HeaderName::ContentType => TYPES,
        HeaderName::Allow => METHODS,
        HeaderName::Event | HeaderName::AllowEvents => EVENTS,
        HeaderName::Supported
        | HeaderName::Require
        | HeaderName::ProxyRequire
        | HeaderName::Unsupported => OPTIONS,
        HeaderName::Privacy => &["id", "header", "session", "user", "none", "critical", "history"],
        HeaderName::Expires => &["3600", "600", "60", "0"],
        HeaderName::SessionExpires => &["1800", "1800;refresher=uac", "1800;refresher=uas", "90"],
        HeaderName::MinSe => &["90"],
        HeaderName::MaxForwards => &["70", "1", "0"],
        HeaderName::Priority => &["normal", "urgent", "emergency", "non-urgent"],
        HeaderName::ContentDisposition => {
            &["session", "render", "session;handling=optional", "icon", "alert"]
        }
        HeaderName::ContentEncoding | HeaderName::AcceptEncoding => {
            &["gzip", "deflate", "identity"]
        }
        HeaderName::SubscriptionState => {
            &["active;expires=3600", "pending", "terminated;reason=timeout"]
        }
        HeaderName::ReferSub => &["false", "true"],
        HeaderName::RequestDisposition => &["no-fork", "proxy", "redirect", "sequential", "queue"],
        HeaderName::Reason => &["SIP;cause=487;text=\"Request Terminated\"", "Q.850;cause=16"],
        HeaderName::AcceptLanguage | HeaderName::ContentLanguage => &["en", "de", "fr", "es"],
        _ => &[],
    }
}

/// Whether a header's value is a list, so that another may follow after a comma.
pub const fn is_list(name: HeaderName) -> bool {
    matches!(
        name,
        HeaderName::Accept
            | HeaderName::AcceptEncoding
            | HeaderName::AcceptLanguage
            | HeaderName::Allow
            | HeaderName::AllowEvents
            | HeaderName::ProxyRequire
            | HeaderName::Require
            | HeaderName::Supported
            | HeaderName::Unsupported
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::ExtraHeader;

    #[test]
    fn every_header_and_value_that_is_offered_can_be_sent() {
        for name in HEADERS {
            let any = values(*name).is_empty().then_some("x");
            for value in values(*name).iter().copied().chain(any) {
                assert!(ExtraHeader::new(name.as_str(), value).is_ok(), "{name}: {value}");
            }
        }
    }

    #[test]
    fn every_method_has_a_word() {
        assert!(Method::KNOWN.iter().all(|known| method(known).is_some()));
    }
}
