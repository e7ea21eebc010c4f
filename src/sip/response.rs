//! Responses to requests: what is copied, what is filled in, and where they go
//! (RFC 3261 §8.2.6, §18.2; RFC 3581 §4).

use std::{
    borrow::Cow,
    net::{IpAddr, SocketAddr},
};

use bytes::Bytes;

use crate::sip::{
    builder::MessageBuilder, header::Via, message::Message, name::HeaderName, status::StatusCode,
    syntax, transport::Transport,
};

/// Makes a correct response from the request that it answers.
#[derive(Clone, Debug)]
#[must_use = "a response is made by ResponseBuilder::build"]
pub struct ResponseBuilder<'a> {
    request: &'a Message,
    source: SocketAddr,
    status: StatusCode,
    reason: Cow<'a, str>,
    to_tag: Option<Cow<'a, str>>,
    headers: Vec<(Cow<'a, str>, String)>,
    body: Option<(&'a str, Bytes)>,
}

impl<'a> ResponseBuilder<'a> {
    /// A response to a request that came from `source`, with the status's own reason phrase.
    pub fn new(
        request: &'a Message,
        source: SocketAddr,
        status: StatusCode,
    ) -> ResponseBuilder<'a> {
        ResponseBuilder {
            request,
            source,
            status,
            reason: status.canonical_reason().into(),
            to_tag: None,
            headers: Vec::new(),
            body: None,
        }
    }

    /// Another reason phrase.
    pub fn reason(mut self, reason: impl Into<Cow<'a, str>>) -> Self {
        self.reason = reason.into();
        self
    }

    /// The tag that To gets where it has none yet; a 100 never gets one (RFC 3261 §8.2.6.2).
    pub fn to_tag(mut self, tag: impl Into<Cow<'a, str>>) -> Self {
        self.to_tag = Some(tag.into());
        self
    }

    /// As [`ResponseBuilder::to_tag`], where no tag was given before.
    pub fn to_tag_or(self, tag: impl FnOnce() -> String) -> Self {
        if self.to_tag.is_some() { self } else { self.to_tag(tag()) }
    }

    /// One header more.
    pub fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name.as_str().into(), value.into()));
        self
    }

    /// One header more, under any name.
    pub fn extension(mut self, name: impl Into<Cow<'a, str>>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// A body.
    pub fn body(mut self, content_type: &'a str, body: Bytes) -> Self {
        self.body = Some((content_type, body));
        self
    }

    /// The bytes.
    #[must_use]
    pub fn build(&self) -> Bytes {
        let request = self.request;
        let mut builder = MessageBuilder::response(self.status, &self.reason);
        for (index, via) in request.all(HeaderName::Via).enumerate() {
            let value = match via.text() {
                Ok(text) if index == 0 => fill_via(text, self.source).into(),
                _ => Cow::Borrowed(via.value),
            };
            builder = builder.copy_with(via, &value);
        }
        // RFC 3261 §12.1.1: a dialog's route set travels back in what makes the dialog.
        if self.status.code() > 100 && self.status.code() < 300 {
            for route in request.all(HeaderName::RecordRoute) {
                builder = builder.copy(route);
            }
        }
        for name in [HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq] {
            let Some(header) = request.header(name) else { continue };
            let value = match &self.to_tag {
                Some(tag) if name == HeaderName::To && self.needs_tag() => {
                    [header.value, b";tag=", tag.as_bytes()].concat().into()
                }
                _ => Cow::Borrowed(header.value),
            };
            builder = builder.copy_with(header, &value);
        }
        // RFC 3261 §8.2.6.1: a 100 carries the request's Timestamp.
        if self.status == StatusCode::TRYING
            && let Some(timestamp) = request.header(HeaderName::Timestamp)
        {
            builder = builder.copy(timestamp);
        }
        for (name, value) in &self.headers {
            builder = builder.extension(name, value);
        }
        match &self.body {
            Some((content_type, body)) => builder.body(Some(content_type), body),
            None => builder.body(None, b""),
        }
    }

    fn needs_tag(&self) -> bool {
        self.status != StatusCode::TRYING && self.request.to().is_ok_and(|to| to.tag().is_none())
    }
}

/// Where the response to a request goes: nowhere but back on its connection where the transport
/// has one, and on UDP to the address given.
pub fn response_destination(
    request: &Message,
    transport: Transport,
    source: SocketAddr,
) -> Option<SocketAddr> {
    if transport.is_reliable() {
        return None;
    }
    let Ok(via) = request.via() else { return Some(source) };
    let port = via.port().unwrap_or(transport.default_port());
    // RFC 3261 §18.2.2: maddr goes first.
    if let Some(address) = via.params().value("maddr").and_then(ip) {
        return Some(SocketAddr::new(address, port));
    }
    // RFC 3581 §4: with rport, to where it came from.
    if via.params().has("rport") {
        return Some(source);
    }
    // A sent-by port of 0 can be written but not be sent to.
    Some(SocketAddr::new(source.ip(), if port == 0 { source.port() } else { port }))
}

/// A Via field with `received` and `rport` in its first value; the rest as it was.
fn fill_via(field: &str, source: SocketAddr) -> Vec<u8> {
    let top = syntax::comma_list(field).next().unwrap_or("");
    let Ok(via) = Via::parse(top) else { return field.into() };
    let offset = |part: &str| part.as_ptr() as usize - field.as_ptr() as usize;
    let mut edits: Vec<(usize, usize, String)> = Vec::new();
    let mut received = false;
    let rport = via.params().has("rport");
    // RFC 3261 §18.2.1: received where the sent-by is not the source's own address; RFC 3581 §4:
    // wherever there is an rport.
    let wanted = rport || ip(via.host()) != Some(source.ip().to_canonical());
    for (name, value) in via.params().iter() {
        let (start, end) = match value {
            Some(value) => (offset(value), offset(value) + value.len()),
            None => (offset(name) + name.len(), offset(name) + name.len()),
        };
        let equals = if value.is_none() { "=" } else { "" };
        if name.eq_ignore_ascii_case("rport") {
            edits.push((start, end, format!("{equals}{}", source.port())));
        } else if name.eq_ignore_ascii_case("received") {
            received = true;
            edits.push((start, end, format!("{equals}{}", source.ip().to_canonical())));
        }
    }
    if wanted && !received {
        let end = offset(top) + top.len();
        edits.push((end, end, format!(";received={}", source.ip().to_canonical())));
    }
    let mut filled = Vec::with_capacity(field.len() + 64);
    let mut at = 0;
    for (start, end, text) in edits {
        filled.extend_from_slice(&field.as_bytes()[at..start]);
        filled.extend_from_slice(text.as_bytes());
        at = end;
    }
    filled.extend_from_slice(&field.as_bytes()[at..]);
    filled
}

/// An IP literal, an IPv6 one with or without its brackets.
fn ip(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(via: &str, more: &str) -> Message {
        Message::read(Bytes::from(format!(
            "INVITE sip:bob@b.test SIP/2.0\r\n{via}\r\nf:\"A\" <sip:a@a.test>;tag=f\r\n\
             To: <sip:bob@b.test>\r\ni: c@d\r\nCSeq:  1 \tINVITE\r\n{more}\r\n"
        )))
        .unwrap()
    }

    fn source() -> SocketAddr {
        "192.0.2.1:1234".parse().unwrap()
    }

    #[test]
    fn what_must_be_copied_is_copied_byte_for_byte() {
        let request = request(
            "v: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1 ,SIP/2.0/UDP  x;branch=z9hG4bK2\r\nVIA:SIP/2.0/TCP y;branch=z9",
            "Record-Route: <sip:p1;lr>,\r\n <sip:p2;lr>\r\nTimestamp: 5.5\r\nRoute: <sip:q;lr>\r\n",
        );
        let ok = ResponseBuilder::new(&request, source(), StatusCode::OK)
            .to_tag("t")
            .header(HeaderName::Contact, "<sip:demo@h>")
            .body("application/sdp", Bytes::from_static(b"v=0\r\n"))
            .build();
        assert_eq!(
            ok,
            "SIP/2.0 200 OK\r\n\
             v: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1 ,SIP/2.0/UDP  x;branch=z9hG4bK2\r\n\
             VIA: SIP/2.0/TCP y;branch=z9\r\n\
             Record-Route: <sip:p1;lr>,\r\n <sip:p2;lr>\r\n\
             f: \"A\" <sip:a@a.test>;tag=f\r\n\
             To: <sip:bob@b.test>;tag=t\r\n\
             i: c@d\r\n\
             CSeq: 1 \tINVITE\r\n\
             Contact: <sip:demo@h>\r\n\
             Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n"
        );
        let trying =
            ResponseBuilder::new(&request, source(), StatusCode::TRYING).to_tag("t").build();
        let trying = std::str::from_utf8(&trying).unwrap();
        assert!(trying.contains("\r\nTo: <sip:bob@b.test>\r\n"), "a 100 has no tag of ours");
        assert!(trying.contains("\r\nTimestamp: 5.5\r\n"));
        assert!(!trying.contains("Route"));
    }

    #[test]
    fn a_tag_that_is_there_stays() {
        let text =
            "BYE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nTo: sip:b@b;tag=x\r\n\r\n";
        let request = Message::read(Bytes::from_static(text.as_bytes())).unwrap();
        let bytes = ResponseBuilder::new(&request, source(), StatusCode::OK).to_tag("t").build();
        assert!(std::str::from_utf8(&bytes).unwrap().contains("\r\nTo: sip:b@b;tag=x\r\n"));
    }

    #[test]
    fn received_and_rport_are_filled_into_the_top_via() {
        for (via, filled) in [
            ("SIP/2.0/UDP 192.0.2.1;branch=z9", "SIP/2.0/UDP 192.0.2.1;branch=z9"),
            ("SIP/2.0/UDP h.test;branch=z9", "SIP/2.0/UDP h.test;branch=z9;received=192.0.2.1"),
            (
                "SIP/2.0/UDP 192.0.2.1;rport;branch=z9",
                "SIP/2.0/UDP 192.0.2.1;rport=1234;branch=z9;received=192.0.2.1",
            ),
            (
                "SIP/2.0/UDP h;RPORT = 9 ;received=8.8.8.8 ; branch=z9 , SIP/2.0/UDP i;rport",
                "SIP/2.0/UDP h;RPORT = 1234 ;received=192.0.2.1 ; branch=z9 , SIP/2.0/UDP i;rport",
            ),
            ("nonsense;rport", "nonsense;rport"),
            (
                "SIP/2.0/WS df7jal23ls0d.invalid;branch=z9",
                "SIP/2.0/WS df7jal23ls0d.invalid;branch=z9;received=192.0.2.1",
            ),
        ] {
            assert_eq!(String::from_utf8(fill_via(via, source())).unwrap(), filled);
        }
        let v6 = "[2001:db8::1]:7".parse().unwrap();
        assert_eq!(fill_via("SIP/2.0/UDP [2001:DB8:0::1]", v6), b"SIP/2.0/UDP [2001:DB8:0::1]");
    }

    #[test]
    fn on_udp_the_top_via_says_where_a_response_goes() {
        for (via, to) in [
            ("SIP/2.0/UDP h.test;branch=z9", "192.0.2.1:5060"),
            ("SIP/2.0/UDP h.test:5070;branch=z9", "192.0.2.1:5070"),
            ("SIP/2.0/UDP h.test:5070;rport;branch=z9", "192.0.2.1:1234"),
            ("SIP/2.0/UDP h.test:5070;rport;maddr=127.0.0.9", "127.0.0.9:5070"),
            ("SIP/2.0/UDP h.test:5070;maddr=name.test", "192.0.2.1:5070"),
            ("SIP/2.0/UDP h.test:0", "192.0.2.1:1234"),
        ] {
            let request = request(&format!("Via: {via}"), "");
            let destination = response_destination(&request, Transport::Udp, source());
            assert_eq!(destination, Some(to.parse().unwrap()), "{via}");
            assert_eq!(response_destination(&request, Transport::Ws, source()), None);
        }
    }
}
