//! A request that was sent before, written once more: with credentials, to another target, or for
//! another candidate of its server.

use std::net::SocketAddr;

use bytes::Bytes;

use super::Sender;
use crate::sip::{
    builder::MessageBuilder,
    message::{Header, Message},
    method::Method,
    name::HeaderName,
    random::Branch,
    request::ExtraHeader,
    transport::Transport,
    uri::Uri,
};

/// A request of ours with credentials, in place of any that it has.
pub(crate) fn with_credentials(request: &Message, headers: &[(HeaderName, String)]) -> Bytes {
    let method = request.method().unwrap_or(Method::Options);
    let mut builder = MessageBuilder::request_like(&method, request);
    for header in request.headers() {
        if !is_replaced(header.name) {
            builder = builder.copy(header);
        }
    }
    for (name, value) in headers {
        builder = builder.header(*name, value);
    }
    builder.body(None, &request.body())
}

/// What each try has of its own, or what the builder writes.
fn is_replaced(name: HeaderName) -> bool {
    matches!(
        name,
        HeaderName::Authorization
            | HeaderName::ProxyAuthorization
            | HeaderName::ContentLength
            | HeaderName::Malformed
    )
}

/// What a request has of its own when it goes out once more.
pub(crate) struct Again<'a> {
    pub(crate) request_uri: &'a str,
    pub(crate) cseq: u32,
    /// In place of those of the try before.
    pub(crate) credentials: &'a [(HeaderName, String)],
    /// In place of those of the same name (RFC 3261 §8.1.3.4).
    pub(crate) wanted: &'a [ExtraHeader],
}

/// A request once more in the same context: a new branch, the next CSeq number, and what else is
/// to be changed (RFC 3261 §8.1.3.4, §22.2). All other headers stay, and so does the body.
pub(crate) fn again(
    old: &Message,
    sender: &Sender<'_>,
    branch: Branch,
    again: &Again<'_>,
) -> Bytes {
    let method = old.method().unwrap_or(Method::Options);
    let mut builder = MessageBuilder::request(&method, again.request_uri)
        .header(HeaderName::Via, sender.via(branch, &method));
    let is_overwritten = |header: &Header<'_>| {
        let name = |wanted: &ExtraHeader| HeaderName::from_bytes(wanted.name().as_bytes());
        again.wanted.iter().any(|wanted| match name(wanted) {
            HeaderName::Extension => {
                header.name_text.eq_ignore_ascii_case(wanted.name().as_bytes())
            }
            known => known == header.name,
        })
    };
    // RFC 3261 §8.1.1.8: who goes on to a sips URI is reached by one.
    let secure = Uri::parse(again.request_uri).is_ok_and(|uri| uri.is_sips());
    let mut contact = renamed_contact(old, None, sender, secure);
    for header in old.headers() {
        match header.name {
            HeaderName::Via => {}
            name if is_replaced(name) || is_overwritten(&header) => {}
            HeaderName::Contact if contact.is_some() => {
                builder = builder.header(HeaderName::Contact, contact.take().unwrap_or_default());
            }
            HeaderName::CSeq => {
                let cseq = again.cseq;
                builder = builder.header(HeaderName::CSeq, format_args!("{cseq} {method}"));
            }
            _ => builder = builder.copy(header),
        }
    }
    for header in again.wanted {
        builder = builder.extension(header.name(), header.value());
    }
    for (name, value) in again.credentials {
        builder = builder.header(*name, value);
    }
    builder.body(None, &old.body())
}

/// A request of ours for another server of the same name: the same but for its branch and what names
/// us (RFC 3263 §4.3), and for its CSeq number where its dialog has gone on since. Credentials that the
/// user wrote stay; where they are `signed` by us, they were for the other server. `seen` is where the
/// other server had seen us.
pub(crate) fn elsewhere(
    old: &Message,
    sender: &Sender<'_>,
    (branch, cseq): (Branch, u32),
    signed: bool,
    seen: Option<SocketAddr>,
) -> Bytes {
    let method = old.method().unwrap_or(Method::Options);
    let mut builder = MessageBuilder::request_like(&method, old)
        .header(HeaderName::Via, sender.via(branch, &method));
    let mut contact = renamed_contact(old, seen, sender, false);
    for header in old.headers() {
        match header.name {
            HeaderName::Via => {}
            HeaderName::Authorization | HeaderName::ProxyAuthorization if !signed => {
                builder = builder.copy(header);
            }
            name if is_replaced(name) => {}
            HeaderName::Contact if contact.is_some() => {
                builder = builder.header(HeaderName::Contact, contact.take().unwrap_or_default());
            }
            HeaderName::CSeq => {
                builder = builder.header(HeaderName::CSeq, format_args!("{cseq} {method}"));
            }
            _ => builder = builder.copy(header),
        }
    }
    builder.body(None, &old.body())
}

/// The first Contact of a request that goes out anew, maybe on another flow, where the old one named
/// us by its flow and not in the user's own words. `seen` is where we had been seen then; what was a
/// sips URI stays one, and what goes to one from now on is `secure` too.
fn renamed_contact(
    old: &Message,
    seen: Option<SocketAddr>,
    sender: &Sender<'_>,
    secure: bool,
) -> Option<String> {
    // RFC 3261 §10.2.2: what removes a binding names the one that was made.
    let expires = old.header(HeaderName::Expires).and_then(|header| header.text().ok());
    if old.method() == Some(Method::Register) && expires == Some("0") {
        return None;
    }
    let (transport, sent_by) = sent_by(old)?;
    let written = old.header(HeaderName::Contact)?.text().ok()?;
    let from = old.from().ok()?;
    let from = from.uri();
    // Parameters behind it, as those of a binding, stay.
    let forms = [(false, false), (false, true), (true, false), (true, true)];
    let (was_secure, params) = forms.into_iter().find_map(|(was_secure, ob)| {
        let before = Sender { transport, sent_by: &sent_by, seen, ob, ..sender.clone() };
        let params = written.strip_prefix(&*before.contact(&from, was_secure))?;
        (params.is_empty() || params.starts_with(';')).then_some((was_secure, params))
    })?;
    Some(format!("{}{params}", sender.contact(&from, was_secure || secure)))
}

/// The transport and our address in the Via of a request of ours.
pub(crate) fn sent_by(request: &Message) -> Option<(Transport, String)> {
    let via = request.essentials().ok()?.via;
    let transport = Transport::ALL.into_iter().find(|known| known.via() == via.transport())?;
    let port = via.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some((transport, format!("{}{port}", via.host())))
}
