//! What a rejection asks for, as one sentence, and as the request that would answer it
//! (RFC 3261 §8.1.3.4, §8.1.3.5, §21).

#[cfg(test)]
mod tests;

use bytes::Bytes;

use crate::sip::{
    compose::supported,
    event::Advice,
    header::{CSeq, NameAddr},
    message::Message,
    name::HeaderName,
    redirect::{RedirectTarget, described, targets},
    request::{CSeqNumber, ExtraHeader, Identity, NewRequest},
    syntax,
    uri::{Scheme, UriBuf},
};

/// Reads what the peer wants out of its rejection of a request of ours.
pub(crate) fn advise(request: &Message, response: &Message) -> Option<Advice> {
    let again = || again(request);
    let (sentence, retry) = match response.status()?.code() {
        300..=304 => redirected(response, again())?,
        305 => use_proxy(response, again())?,
        401 | 407 => (challenge(response)?, None),
        405 => match list(response, HeaderName::Allow) {
            Some(methods) => (format!("the peer allows {methods}"), None),
            None => (unnamed("refuse the method", HeaderName::Allow), None),
        },
        406 => (
            "the peer cannot answer with what Accept asks for: accept anything".to_owned(),
            again().map(|retry| with(retry, HeaderName::Accept, "*/*")),
        ),
        415 => unsupported_body(response, again())?,
        416 => unsupported_scheme(request, again())?,
        420 => bad_extension(request, response, again())?,
        421 => {
            let Some(options) = list(response, HeaderName::Require) else {
                return told(unnamed("need an extension", HeaderName::Require));
            };
            let sentence = match response.list(HeaderName::Require).count() {
                1 => format!("the peer needs the extension {options}: say that it is supported"),
                _ => {
                    format!("the peer needs the extensions {options}: say that they are supported")
                }
            };
            (sentence, again().map(|retry| supporting(retry, request, &options)))
        }
        422 => {
            let Some(seconds) = number(response, HeaderName::MinSe) else {
                return told(unnamed("want a longer session timer", HeaderName::MinSe));
            };
            let sentence =
                format!("the session timer is too short: the peer wants at least {seconds} s");
            let longer = |retry| {
                let retry = with(retry, HeaderName::SessionExpires, &seconds.to_string());
                let retry = with(retry, HeaderName::MinSe, &seconds.to_string());
                // RFC 4028 §7.1: a request that uses the extension says so.
                supporting(retry, request, "timer")
            };
            (sentence, again().map(longer))
        }
        423 => {
            let Some(seconds) = number(response, HeaderName::MinExpires) else {
                return told(unnamed("want a longer expiry", HeaderName::MinExpires));
            };
            let sentence = format!("the expiry is too short: the peer wants at least {seconds} s");
            (sentence, again().map(|retry| with(retry, HeaderName::Expires, &seconds.to_string())))
        }
        491 => (
            "another request is under way in the dialog: try again in 2.1 to 4 s (RFC 3261 §14.1)"
                .to_owned(),
            again(),
        ),
        503 => match number(response, HeaderName::RetryAfter) {
            Some(seconds) => (retry_after(seconds), again()),
            None => (
                "the server is overloaded or under maintenance: try another one".to_owned(),
                again(),
            ),
        },
        404 | 413 | 480 | 486 | 500 | 600 | 603 => {
            (retry_after(number(response, HeaderName::RetryAfter)?), again())
        }
        _ => return None,
    };
    Some(Advice { sentence, retry })
}

impl NewRequest {
    /// The request that would be written as this message, without what is filled in when it is
    /// sent; `None` where the message is no request or has no usable From and To.
    pub fn from_message(message: &Message) -> Option<NewRequest> {
        let essentials = message.essentials().ok()?;
        let identity = |address: &NameAddr<'_>| Identity {
            display_name: address.display_name().into_owned(),
            uri: address.uri().to_owned(),
        };
        let sent_by = essentials.via.host();
        let text = |name| message.header(name).and_then(|header| header.text().ok());
        let mut headers = Vec::new();
        for header in message.headers() {
            let is_ours = match header.name {
                // A Contact that names the sender of the Via is written anew.
                HeaderName::Contact => {
                    message.contact().is_ok_and(|contact| contact.uri().host() == sent_by)
                }
                HeaderName::MaxForwards => header.value == b"70",
                HeaderName::Supported => is_default_supported(header.value),
                HeaderName::Allow => header.value == crate::sip::compose::ALLOW.as_bytes(),
                HeaderName::UserAgent
                | HeaderName::Authorization
                | HeaderName::ProxyAuthorization => true,
                _ => false,
            };
            let (Ok(name), Ok(value)) = (std::str::from_utf8(header.name_text), header.text())
            else {
                continue;
            };
            // What a header of its own stands for is refused, and so left out.
            if !is_ours && let Ok(header) = ExtraHeader::new(name, value) {
                headers.push(header);
            }
        }
        Some(NewRequest {
            method: message.method()?,
            request_uri: message.request_uri()?.parse().ok()?,
            from: identity(&essentials.from),
            from_tag: essentials.from.tag().and_then(|tag| tag.parse().ok()),
            to: identity(&essentials.to),
            to_tag: essentials.to.tag().and_then(|tag| tag.parse().ok()),
            call_id: essentials.call_id.parse().ok(),
            cseq: CSeqNumber::new(essentials.cseq.number),
            branch: None,
            route_set: message
                .list(HeaderName::Route)
                .filter_map(|route| NameAddr::parse(HeaderName::Route, route).ok())
                .map(|route| route.uri().to_owned())
                .collect(),
            headers,
            content_type: text(HeaderName::ContentType).map(str::to_owned),
            body: message.body(),
            credentials: None,
            profile: None,
        })
    }
}

/// RFC 3261 §8.1.3.5: the same Call-ID, From and To, and the next CSeq number.
pub(crate) fn again(request: &Message) -> Option<NewRequest> {
    let mut retry = NewRequest::from_message(request)?;
    retry.cseq = CSeqNumber::new(retry.cseq.map_or(1, |cseq| cseq.number() % CSeq::MAX + 1));
    Some(retry)
}

fn redirected(
    response: &Message,
    retry: Option<NewRequest>,
) -> Option<(String, Option<NewRequest>)> {
    let targets = targets(response);
    let sentence = format!("the peer is to be found at {}", described(&targets));
    let RedirectTarget { uri, headers, .. } = targets.into_iter().next()?;
    let retry = retry.map(|retry| {
        let retry = NewRequest { request_uri: uri, ..retry };
        headers.iter().fold(retry, |retry, wanted| {
            let mut retry = without_named(retry, wanted.name());
            retry.headers.push(wanted.clone());
            retry
        })
    });
    Some((sentence, retry))
}

fn use_proxy(
    response: &Message,
    retry: Option<NewRequest>,
) -> Option<(String, Option<NewRequest>)> {
    let Some(target) = targets(response).into_iter().next() else {
        return Some((unnamed("want a proxy to be used", HeaderName::Contact), None));
    };
    let proxy = target.uri;
    let sentence = format!("the request must go through the proxy {proxy}");
    let uri = proxy.as_uri();
    let route = if uri.params().has("lr") { proxy } else { format!("{proxy};lr").parse().ok()? };
    Some((sentence, retry.map(|retry| NewRequest { route_set: vec![route], ..retry })))
}

fn challenge(response: &Message) -> Option<String> {
    let name = match response.status()?.code() {
        401 => HeaderName::WwwAuthenticate,
        _ => HeaderName::ProxyAuthenticate,
    };
    let value = response.header(name)?.text().ok()?;
    let start = value.find("realm=")? + "realm=".len();
    let end = match value[start..].starts_with('"') {
        true => syntax::quoted_end(value, start)?,
        false => value[start..].find(',').map_or(value.len(), |comma| start + comma),
    };
    let realm = syntax::unquote(&value[start..end]);
    Some(format!("a user name and a password for the realm {realm:?} are needed"))
}

fn unsupported_body(
    response: &Message,
    retry: Option<NewRequest>,
) -> Option<(String, Option<NewRequest>)> {
    if let Some(encodings) = list(response, HeaderName::AcceptEncoding) {
        let sentence = format!("the peer reads bodies only in the encodings {encodings}");
        return Some((sentence, None));
    }
    if let Some(languages) = list(response, HeaderName::AcceptLanguage) {
        let sentence = format!("the peer reads bodies only in the languages {languages}");
        return Some((sentence, None));
    }
    let accept = response.header(HeaderName::Accept).and_then(|header| header.text().ok());
    let sentence = match (list(response, HeaderName::Accept), accept) {
        (Some(types), _) => {
            format!("the peer takes only bodies of the types {types}: send one of these, or none")
        }
        // RFC 3261 §20.1: an empty Accept means that no type is acceptable.
        (None, Some(text)) if text.trim().is_empty() => {
            "the peer takes no body at all: send none (RFC 3261 §20.1)".to_owned()
        }
        _ => return Some((unnamed("take another body", HeaderName::Accept), None)),
    };
    let bare = |retry| NewRequest { content_type: None, body: Bytes::new(), ..retry };
    Some((sentence, retry.map(bare)))
}

fn unsupported_scheme(
    request: &Message,
    retry: Option<NewRequest>,
) -> Option<(String, Option<NewRequest>)> {
    let target: UriBuf = request.request_uri()?.parse().ok()?;
    let from = request.from().ok()?;
    let sip = match target.as_uri().scheme() {
        // RFC 3261 §19.1.6.
        Scheme::Other(scheme) if scheme.eq_ignore_ascii_case("tel") => {
            let number = target.as_str().split_once(':')?.1;
            Some(format!("sip:{number}@{};user=phone", from.uri().host()))
        }
        Scheme::Sips => Some(target.as_str().replacen("sips:", "sip:", 1)),
        Scheme::Sip | Scheme::Other(_) => None,
    };
    let sentence = match &sip {
        Some(uri) => format!("the peer does not know the URI scheme of {target}: try {uri}"),
        None => format!("the peer does not know the URI scheme of {target}"),
    };
    let request_uri: Option<UriBuf> = sip.and_then(|uri| uri.parse().ok());
    let retry = request_uri.and_then(|request_uri| Some(NewRequest { request_uri, ..retry? }));
    Some((sentence, retry))
}

fn bad_extension(
    request: &Message,
    response: &Message,
    retry: Option<NewRequest>,
) -> Option<(String, Option<NewRequest>)> {
    let Some(unknown) = list(response, HeaderName::Unsupported) else {
        return Some((unnamed("know fewer extensions", HeaderName::Unsupported), None));
    };
    let sentence = match response.list(HeaderName::Unsupported).count() {
        1 => format!("the peer does not know the extension {unknown}: do not require it"),
        _ => format!("the peer does not know the extensions {unknown}: do not require them"),
    };
    let dropped = |option: &str| {
        response.list(HeaderName::Unsupported).any(|unknown| unknown.eq_ignore_ascii_case(option))
    };
    let retry = retry.map(|mut retry| {
        for name in [HeaderName::Require, HeaderName::ProxyRequire] {
            let kept: Vec<&str> = request.list(name).filter(|option| !dropped(option)).collect();
            retry = match kept.is_empty() {
                true => without(retry, name),
                false => with(retry, name, &kept.join(", ")),
            };
        }
        // RFC 3261 §8.1.3.5: nothing that is listed is named again. An empty Supported is one.
        if request.list(HeaderName::Supported).any(dropped) {
            let kept = request.list(HeaderName::Supported).filter(|option| !dropped(option));
            retry = with(retry, HeaderName::Supported, &kept.collect::<Vec<_>>().join(", "));
        }
        retry
    });
    Some((sentence, retry))
}

/// The peer's answer lacks the header that would say what to do.
fn unnamed(wish: &str, header: HeaderName) -> String {
    format!("the peer seems to {wish}, but its answer has no usable {header} to say more")
}

/// Advice that only a user can follow.
fn told(sentence: String) -> Option<Advice> {
    Some(Advice { sentence, retry: None })
}

fn retry_after(seconds: u64) -> String {
    format!("the peer asks to be tried again after {seconds} s")
}

fn list(response: &Message, name: HeaderName) -> Option<String> {
    let members: Vec<&str> = response.list(name).collect();
    (!members.is_empty()).then(|| members.join(", "))
}

/// The number at the start of a header: `Retry-After: 18000;duration=3600`, `Min-SE: 90`.
fn number(response: &Message, name: HeaderName) -> Option<u64> {
    let text = response.header(name)?.text().ok()?;
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    text[..digits].parse().ok()
}

fn without(mut retry: NewRequest, name: HeaderName) -> NewRequest {
    retry.headers.retain(|header| HeaderName::from_bytes(header.name().as_bytes()) != name);
    retry
}

/// Without the headers of that name, which may be none that is known.
fn without_named(mut retry: NewRequest, name: &str) -> NewRequest {
    let known = |name: &str| HeaderName::from_bytes(name.as_bytes());
    retry.headers.retain(|header| match known(name) {
        HeaderName::Extension => !header.name().eq_ignore_ascii_case(name),
        same => known(header.name()) != same,
    });
    retry
}

fn with(retry: NewRequest, name: HeaderName, value: &str) -> NewRequest {
    let mut retry = without(retry, name);
    retry.headers.extend(ExtraHeader::new(name.as_str(), value));
    retry
}

/// What was supported before, and these options too.
fn supporting(retry: NewRequest, request: &Message, options: &str) -> NewRequest {
    let mut all: Vec<&str> = request.list(HeaderName::Supported).collect();
    for option in options.split(',').map(str::trim) {
        if !all.iter().any(|known| known.eq_ignore_ascii_case(option)) {
            all.push(option);
        }
    }
    with(retry, HeaderName::Supported, &all.join(", "))
}

fn is_default_supported(value: &[u8]) -> bool {
    [false, true].map(supported).iter().any(|default| default.as_bytes() == value)
}
