//! [`Request`]: a request that came, and what is needed to answer it.

use std::net::{IpAddr, SocketAddr};

use crate::sip::{
    FlowId, HeaderName, Message, Method, ResponseBuilder, Scheme, ServerTransactionId, StatusCode,
    Transport, Uri, transport_param,
};

use super::check::{ALLOW, Refusal, SUPPORTED};

/// The `Server` header.
pub(super) const SERVER: &str = concat!("sipboard-demo/", env!("CARGO_PKG_VERSION"));

/// A flow on which requests come.
#[derive(Clone, Copy, Debug)]
pub(super) struct FlowInfo {
    pub(super) id: FlowId,
    pub(super) transport: Transport,
    pub(super) local: SocketAddr,
}

/// A request that came.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) id: ServerTransactionId,
    pub(super) flow: FlowInfo,
    pub(super) source: SocketAddr,
    pub(super) method: Method,
    pub(super) message: Message,
}

impl Request {
    /// A response with what all of ours carry.
    pub(super) fn response(&self, status: StatusCode) -> ResponseBuilder<'_> {
        bare_response(&self.message, self.source, status)
    }

    /// A 2xx with what the peer may want to know of us (RFC 3261 §13.3.1.4, §20.5).
    pub(super) fn success(&self, status: StatusCode) -> ResponseBuilder<'_> {
        self.response(status).header(HeaderName::Supported, SUPPORTED)
    }

    pub(super) fn refusal(&self, refusal: &Refusal) -> ResponseBuilder<'_> {
        refusal_response(&self.message, self.source, refusal)
    }

    /// Our Contact in a dialog that this request makes: the user that was called, at the address
    /// that was reached.
    pub(super) fn contact(&self) -> String {
        let uri = self.message.request_uri().and_then(|uri| Uri::parse(uri).ok());
        let user = match uri.and_then(|uri| uri.user()) {
            Some(user) => escape_user(user),
            None => "demo".to_owned(),
        };
        // RFC 3261 §12.1.1: sips is answered with sips.
        let secure = uri.is_some_and(|uri| uri.is_sips());
        let scheme = if secure { "sips" } else { "sip" };
        let transport = transport_param(self.flow.transport, secure);
        format!("<{scheme}:{user}@{}{transport}>", self.flow.local)
    }

    /// The address in our session descriptions.
    pub(super) fn media_address(&self) -> IpAddr {
        self.flow.local.ip()
    }
}

/// A response with what all of ours carry.
pub(super) fn bare_response(
    request: &Message,
    source: SocketAddr,
    status: StatusCode,
) -> ResponseBuilder<'_> {
    let response = ResponseBuilder::new(request, source, status).header(HeaderName::Server, SERVER);
    match status {
        // It is hop by hop, and says nothing of who answers.
        StatusCode::TRYING => response,
        _ => response.header(HeaderName::Allow, ALLOW),
    }
}

pub(super) fn refusal_response<'a>(
    request: &'a Message,
    source: SocketAddr,
    refusal: &Refusal,
) -> ResponseBuilder<'a> {
    let mut response = bare_response(request, source, refusal.status);
    if let Some(reason) = &refusal.reason {
        response = response.reason(reason.clone());
    }
    if let Some((name, value)) = &refusal.header {
        response = response.header(*name, value.clone());
    }
    response
}

/// `answer` at the host that was asked (RFC 3261 §8.1.3.4).
pub(super) fn redirect_target(request: &Message) -> String {
    let uri = request.request_uri().and_then(|uri| Uri::parse(uri).ok());
    match uri {
        Some(uri) if !matches!(uri.scheme(), Scheme::Other(_)) => {
            let scheme = if uri.is_sips() { "sips" } else { "sip" };
            let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
            let transport = uri.params().value("transport");
            let transport: Option<Transport> = transport.and_then(|name| name.parse().ok());
            let transport = transport.map(|t| format!(";transport={t}")).unwrap_or_default();
            format!("<{scheme}:answer@{}{port}{transport}>", uri.host())
        }
        _ => "<sip:answer@demo.test>".to_owned(),
    }
}

/// A user part from a Request-URI can hold what would end a Contact's brackets.
fn escape_user(user: &str) -> String {
    let mut escaped = String::with_capacity(user.len());
    for byte in user.bytes() {
        // RFC 3261 §25.1: unreserved and user-unreserved; % keeps escapes as they are.
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/%".contains(&byte) {
            escaped.push(byte.into());
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_cannot_leave_the_contact() {
        assert_eq!(escape_user("al%20ice;x=1"), "al%20ice;x=1");
        assert_eq!(escape_user("a>b\"<é"), "a%3Eb%22%3C%C3%A9");
    }
}
