//! What a header's value says: numbers with their units, addresses taken apart, parameters named.

use super::codes::{option_tag, q850};
use crate::sip::{
    HeaderName, Params, StatusCode, Uri,
    header::{
        AuthParams, CSeq, Contact, Credentials, Event, MediaType, NameAddr, RAck, ReasonValue,
        Refresher, RetryAfter, SessionExpires, SubscriptionState, Via, Warning, challenges, check,
        number,
    },
    syntax,
};

/// How many lines a value is explained in at most; a list may have thousands of members.
const MOST: usize = 40;

/// What a value says, a line for each thing; where it cannot be read, why. Nothing for a value
/// that says itself. The value has no folds.
pub fn value(name: HeaderName, text: &str) -> Vec<String> {
    use HeaderName as H;
    let mut lines = match name {
        H::Via => list(text, via),
        H::CSeq => {
            one(CSeq::parse(text), |cseq| format!("number {}, method {}", cseq.number, cseq.method))
        }
        H::From | H::To | H::ReplyTo | H::ReferTo | H::ReferredBy => {
            one(NameAddr::parse(name, text), address_words)
        }
        H::RecordRoute
        | H::Route
        | H::Path
        | H::ServiceRoute
        | H::PAssertedIdentity
        | H::PPreferredIdentity => list(text, |member| {
            NameAddr::parse(name, member).map(|address| address_words(&address))
        }),
        H::Contact => list(text, contact),
        H::Expires | H::MinExpires | H::FlowTimer => {
            one(number(name, text), |seconds| duration(*seconds))
        }
        H::MinSe | H::SessionExpires => one(SessionExpires::parse(name, text), session),
        H::RetryAfter => one(RetryAfter::parse(text), |after| {
            format!("in {}", duration(u64::from(after.seconds)))
        }),
        H::ContentLength => one(number(name, text), |bytes| match bytes {
            0 => "no body".to_owned(),
            1 => "1 byte".to_owned(),
            bytes => format!("{bytes} bytes"),
        }),
        H::MaxForwards => one(number(name, text), |hops| format!("{hops} more hops")),
        H::ContentType => one(MediaType::parse(text), media_type),
        H::WwwAuthenticate | H::ProxyAuthenticate => challenges(name, text)
            .map(|challenge| match challenge {
                Ok(challenge) => auth(challenge.scheme(), challenge.params()),
                Err(error) => error.to_string(),
            })
            .take(MOST)
            .collect(),
        H::Authorization | H::ProxyAuthorization => {
            one(Credentials::parse(name, text), credentials)
        }
        H::AuthenticationInfo | H::ProxyAuthenticationInfo => vec![auth("", AuthParams::new(text))],
        H::Event => one(Event::parse(text), |event| {
            with_params(format!("package {}", event.package), event.params)
        }),
        H::SubscriptionState => one(SubscriptionState::parse(text), |state| {
            let left = state.expires().map(|left| format!(", {} left", duration(left.into())));
            let why = state.reason().map(|why| format!(", because {why}"));
            format!("{}{}{}", state.state, left.unwrap_or_default(), why.unwrap_or_default())
        }),
        H::RAck => one(RAck::parse(text), |rack| {
            format!("response {} of request {} {}", rack.rseq, rack.cseq.number, rack.cseq.method)
        }),
        H::Reason => {
            list(text, |member| ReasonValue::parse(member).map(|reason| reason_words(&reason)))
        }
        H::Warning => list(text, |member| {
            Warning::parse(member)
                .map(|warning| format!("{} by {}: {}", warning.code, warning.agent, warning.text()))
        }),
        H::Supported | H::Require | H::ProxyRequire | H::Unsupported => {
            syntax::comma_list(text).filter_map(option_tag).take(MOST).collect()
        }
        other => match check(other, text) {
            Ok(()) => Vec::new(),
            Err(error) => vec![error.to_string()],
        },
    };
    lines.retain(|line| !line.is_empty());
    lines
}

fn one<T, E: std::fmt::Display>(read: Result<T, E>, tell: impl Fn(&T) -> String) -> Vec<String> {
    vec![match read {
        Ok(value) => tell(&value),
        Err(error) => error.to_string(),
    }]
}

fn list<E: std::fmt::Display>(text: &str, tell: impl Fn(&str) -> Result<String, E>) -> Vec<String> {
    let told = |member| tell(member).unwrap_or_else(|error| error.to_string());
    syntax::comma_list(text).filter(|member| !member.is_empty()).map(told).take(MOST).collect()
}

fn via(member: &str) -> Result<String, crate::sip::header::HeaderError> {
    let via = Via::parse(member)?;
    let port = via.port().map(|port| format!(":{port}")).unwrap_or_default();
    let mut words = format!("sent over {} by {}{port}", via.transport(), via.host());
    for (name, value) in via.params().iter() {
        let value = value.unwrap_or_default();
        let said = match name.to_ascii_lowercase().as_str() {
            "branch" if value.starts_with(Via::MAGIC_COOKIE) => format!("transaction {value}"),
            "branch" => format!("transaction {value} (not RFC 3261's: no z9hG4bK)"),
            "received" => format!("came from {value}"),
            "rport" if value.is_empty() => "wants to know its port (RFC 3581)".to_owned(),
            "rport" => format!("from port {value}"),
            "keep" => keep(value),
            _ => parameter(name, Some(value).filter(|value| !value.is_empty())),
        };
        words.push_str(", ");
        words.push_str(&said);
    }
    Ok(words)
}

/// What `keep` says, which is offered without a value and accepted with one (RFC 6223 §4).
fn keep(value: &str) -> String {
    match value.parse::<u64>() {
        Ok(0) => "wants to be kept alive, as often as one likes (RFC 6223)".to_owned(),
        Ok(seconds) => format!("wants to be kept alive every {seconds} s (RFC 6223)"),
        Err(_) if value.is_empty() => "offers to keep the flow alive (RFC 6223)".to_owned(),
        Err(_) => parameter("keep", Some(value)),
    }
}

fn contact(member: &str) -> Result<String, crate::sip::header::HeaderError> {
    let contact = Contact::parse(member)?;
    let Some(address) = contact.address() else {
        return Ok("every binding (RFC 3261 §10.2.2)".to_owned());
    };
    let mut words = address_words(&address);
    if let Some(seconds) = address.expires() {
        words.push_str(&format!(" ({})", duration(seconds.into())));
    }
    Ok(words)
}

/// An address taken apart.
fn address_words(address: &NameAddr<'_>) -> String {
    let mut words = String::new();
    let name = address.display_name();
    if !name.is_empty() {
        words.push_str(&format!("name {name}, "));
    }
    words.push_str(&uri(&address.uri()));
    with_params(words, address.params())
}

fn uri(uri: &Uri<'_>) -> String {
    if !matches!(uri.scheme(), crate::sip::Scheme::Sip | crate::sip::Scheme::Sips) {
        return uri.as_str().to_owned();
    }
    let mut words = String::new();
    if let Some(user) = uri.user() {
        // A password may stand behind the user's name.
        let user = user.split_once(':').map_or(user, |(user, _)| user);
        words.push_str(&format!("user {user}, "));
    }
    words.push_str(&format!("host {}", uri.host()));
    if let Some(port) = uri.port() {
        words.push_str(&format!(", port {port}"));
    }
    if uri.is_sips() {
        words.push_str(", TLS on every hop");
    }
    for (name, value) in uri.params().iter() {
        words.push_str(", ");
        words.push_str(&match name.to_ascii_lowercase().as_str() {
            "lr" => "loose router".to_owned(),
            _ => parameter(name, value),
        });
    }
    words
}

fn with_params(mut words: String, params: Params<'_>) -> String {
    for (name, value) in params.iter() {
        words.push_str(", ");
        words.push_str(&parameter(name, value));
    }
    words
}

fn parameter(name: &str, value: Option<&str>) -> String {
    match value {
        Some(value) => format!("{name} {value}"),
        None => name.to_owned(),
    }
}

fn session(session: &SessionExpires<'_>) -> String {
    let refresher = match session.refresher {
        None => "",
        Some(Refresher::Uac) => ", who called refreshes",
        Some(Refresher::Uas) => ", who was called refreshes",
    };
    format!("{}{refresher}", duration(u64::from(session.seconds)))
}

fn media_type(media: &MediaType<'_>) -> String {
    let known = match (media.kind, media.subtype) {
        ("application", "sdp") => "a session description (SDP, RFC 8866)",
        ("multipart", _) => "several parts",
        ("message", "sipfrag") => "a piece of a SIP message (RFC 3420)",
        ("application", "pidf+xml") => "presence (RFC 3863)",
        ("application", "dtmf-relay") => "a key that was pressed",
        ("text", "plain") => "plain text",
        _ => "",
    };
    with_params(known.to_owned(), media.params).trim_start_matches(", ").to_owned()
}

/// The parameters that matter, in the order that one reads them; a Digest response is no secret.
fn auth(scheme: &str, params: AuthParams<'_>) -> String {
    let mut words = scheme.to_owned();
    for (name, value) in params.iter() {
        let value = value.map(syntax::unquote).unwrap_or_default();
        if !words.is_empty() {
            words.push_str(", ");
        }
        words.push_str(&match name.to_ascii_lowercase().as_str() {
            "nc" => match u32::from_str_radix(&value, 16) {
                Ok(count) => format!("nonce used {count}×"),
                Err(_) => format!("nc {value} is no hexadecimal number"),
            },
            "stale" if value.eq_ignore_ascii_case("true") => {
                "the nonce was only too old".to_owned()
            }
            _ => format!("{name} {value}"),
        });
    }
    words
}

fn credentials(credentials: &Credentials<'_>) -> String {
    if credentials.is_digest() {
        auth(credentials.scheme(), credentials.params())
    } else {
        format!("{}: the password itself is in it, so it is masked", credentials.scheme())
    }
}

fn reason_words(reason: &ReasonValue<'_>) -> String {
    let cause = reason.cause().map(|cause| {
        let phrase = match (reason.protocol, u16::try_from(cause)) {
            ("SIP", Ok(code)) => StatusCode::new(code).map_or("", StatusCode::canonical_reason),
            ("Q.850", Ok(code)) => q850(code),
            _ => "",
        };
        format!(" {cause} {phrase}").trim_end().to_owned()
    });
    let text = reason.text().map(|text| format!(": {text}"));
    format!("{}{}{}", reason.protocol, cause.unwrap_or_default(), text.unwrap_or_default())
}

/// A number of seconds as one says it: `3600 s, an hour`.
fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    let mut words = Vec::new();
    for (count, unit) in [(days, "d"), (hours, "h"), (minutes, "min"), (seconds % 60, "s")] {
        if count > 0 {
            words.push(format!("{count} {unit}"));
        }
    }
    match words.len() {
        0 => "0 s".to_owned(),
        _ => words.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded() {
        use HeaderName::*;
        for (name, text, expected) in [
            (CSeq, "7 INVITE", "number 7, method INVITE"),
            (Expires, "3600", "1 h"),
            (Expires, "3661", "1 h 1 min 1 s"),
            (ContentLength, "0", "no body"),
            (MaxForwards, "70", "70 more hops"),
            (
                Via,
                "SIP/2.0/UDP h:5061;branch=z9hG4bKx;received=192.0.2.1;rport=9",
                "sent over UDP by h:5061, transaction z9hG4bKx, came from 192.0.2.1, from port 9",
            ),
            (
                Via,
                "SIP/2.0/UDP h;branch=1;rport",
                "sent over UDP by h, transaction 1 (not RFC 3261's: no z9hG4bK), wants to know its port (RFC 3581)",
            ),
            (
                Via,
                "SIP/2.0/TCP h;branch=z9hG4bKx;keep=30",
                "sent over TCP by h, transaction z9hG4bKx, wants to be kept alive every 30 s (RFC 6223)",
            ),
            (
                Via,
                "SIP/2.0/TCP h;branch=z9hG4bKx;keep",
                "sent over TCP by h, transaction z9hG4bKx, offers to keep the flow alive (RFC 6223)",
            ),
            (
                From,
                "\"A B\" <sip:a:secret@h;transport=tcp>;tag=1",
                "name A B, user a, host h, transport tcp, tag 1",
            ),
            (Route, "<sips:p.example;lr>", "host p.example, TLS on every hop, loose router"),
            (Contact, "*", "every binding (RFC 3261 §10.2.2)"),
            (Contact, "<sip:a@h:5070>;expires=60", "user a, host h, port 5070, expires 60 (1 min)"),
            (SessionExpires, "1800;refresher=uas", "30 min, who was called refreshes"),
            (Reason, "SIP;cause=486", "SIP 486 Busy Here"),
            (Reason, "Q.850;cause=16;text=\"bye\"", "Q.850 16 normal call clearing: bye"),
            (Supported, "100rel, x-own", "100rel: reliable provisional responses (RFC 3262)"),
            (ContentType, "application/sdp", "a session description (SDP, RFC 8866)"),
            (ContentType, "text/plain;charset=utf-8", "plain text, charset utf-8"),
            (
                Authorization,
                "Digest username=\"a\", nc=0000000a, response=\"ff\"",
                "Digest, username a, nonce used 10×, response ff",
            ),
            (
                Authorization,
                "Basic c2VjcmV0",
                "Basic: the password itself is in it, so it is masked",
            ),
            (
                WwwAuthenticate,
                "Digest realm=\"r\", stale=TRUE",
                "Digest, realm r, the nonce was only too old",
            ),
            (SubscriptionState, "active;expires=60", "active, 1 min left"),
            (RAck, "1 2 INVITE", "response 1 of request 2 INVITE"),
            (Subject, "hello", ""),
        ] {
            assert_eq!(value(name, text).join("|"), expected, "{name}: {text}");
        }
    }

    #[test]
    fn a_list_is_explained_member_by_member_and_not_for_ever() {
        assert_eq!(value(HeaderName::Via, "SIP/2.0/UDP a, SIP/2.0/TCP b").len(), 2);
        assert_eq!(value(HeaderName::Route, &"<sip:a>,".repeat(9_999)).len(), MOST);
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        for (name, text) in [
            (HeaderName::CSeq, "INVITE"),
            (HeaderName::Via, "x"),
            (HeaderName::From, "<sip:a@b"),
            (HeaderName::Expires, "soon"),
            (HeaderName::ContentType, "sdp"),
        ] {
            let lines = value(name, text);
            assert!(lines[0].contains("offset"), "{name}: {lines:?}");
        }
    }
}
