//! Which headers are there, which are missing, and which are there too often.

use super::{Lint, Rule};
use crate::sip::{
    header::number,
    message::StartLine,
    name::HeaderName::{self as H, *},
};

pub(super) fn look(lint: &mut Lint<'_>) {
    let message = lint.message;
    // RFC 3261 §8.1.1: To, From, CSeq, Call-ID, Max-Forwards and Via are mandatory.
    for name in [Via, From, To, CallId, CSeq] {
        if message.header(name).is_none() {
            lint.missing(Rule::HeaderMissing, name, format_args!("{name} is missing"));
        }
    }
    let mut seen = 0u128;
    for header in message.headers() {
        let name = header.name;
        let again = seen >> name as u8 & 1 == 1;
        seen |= 1 << name as u8;
        if !again || name.is_list() {
            continue;
        }
        let rule = match name {
            From | To | CallId | CSeq | MaxForwards => Rule::HeaderRepeated,
            // The body's own rule says more.
            ContentLength if message.defect().is_some() => continue,
            _ => Rule::SingleHeaderRepeated,
        };
        lint.header(rule, header, 0, format_args!("{name} may stand there only once"));
    }
    match message.start_line() {
        StartLine::Request { .. } | StartLine::BadRequest { .. } => {
            look_max_forwards(lint);
            for name in RESPONSE_ONLY {
                if let Some(header) = message.header(name) {
                    let text = format_args!("{name} means nothing in a request and is ignored");
                    lint.header(Rule::ResponseOnly, header, 0, text);
                }
            }
        }
        StartLine::Status { .. } | StartLine::BadStatus { .. } => {
            for name in REQUEST_ONLY {
                if let Some(header) = message.header(name) {
                    let text = format_args!("{name} means nothing in a response and is ignored");
                    lint.header(Rule::RequestOnly, header, 0, text);
                }
            }
        }
    }
}

/// RFC 3261 §20, table 2 and 3, and the RFCs of the others.
const RESPONSE_ONLY: [H; 11] = [
    AuthenticationInfo,
    ErrorInfo,
    MinExpires,
    ProxyAuthenticate,
    ProxyAuthenticationInfo,
    RSeq,
    RetryAfter,
    ServiceRoute,
    Unsupported,
    Warning,
    WwwAuthenticate,
];

const REQUEST_ONLY: [H; 14] = [
    Authorization,
    InReplyTo,
    Join,
    MaxForwards,
    Priority,
    ProxyAuthorization,
    ProxyRequire,
    RAck,
    ReferTo,
    Replaces,
    Route,
    SipIfMatch,
    Subject,
    SubscriptionState,
];

fn look_max_forwards(lint: &mut Lint<'_>) {
    let Some(header) = lint.message.header(MaxForwards) else {
        lint.missing(
            Rule::MaxForwardsMissing,
            MaxForwards,
            "Max-Forwards is missing; a proxy adds 70",
        );
        return;
    };
    match header.text().and_then(|text| number(MaxForwards, text)) {
        Err(_) => lint.header(
            Rule::MaxForwardsRange,
            header,
            0,
            format_args!("Max-Forwards is a number from 0 to 255, not {}", header.unfolded()),
        ),
        Ok(0) => lint.header(
            Rule::MaxForwardsZero,
            header,
            0,
            "no proxy may forward this any further; it answers 483",
        ),
        Ok(_) => {}
    }
}
