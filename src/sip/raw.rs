//! [`RawMessage`]: bytes that the user wrote, which are sent as they are, and what can be read of
//! them. Nothing here refuses anything: being wrong on purpose is what raw bytes are for.

use std::time::Duration;

use bytes::Bytes;

use crate::sip::{
    compose::PREVIEW_HOST,
    header::HeaderError,
    message::{Message, ReadError},
    method::Method,
    name::HeaderName,
    syntax,
    uri::UriBuf,
};

/// Bytes to be sent unchanged, malformed or not; our own address alone may be left open.
///
/// Where they are a request with a readable top Via that has a branch, and a readable method in
/// CSeq, a client transaction carries them like any other request; else [`Unmatched`] says why
/// nothing that comes back can be matched to them. From, To or Call-ID that cannot be read, a
/// Content-Length that lies, a method that CSeq contradicts, or a header that stands there twice is
/// no reason, nor is a CSeq number that is none, unless the request makes a dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawMessage {
    bytes: Bytes,
    message: Result<Message, ReadError>,
    wait: Option<Duration>,
    lacks_address: bool,
}

/// Why nothing that comes back can be matched to raw bytes: each a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unmatched {
    /// They are no SIP message at all.
    #[error("no SIP message can be read in these bytes ({0}), so nothing can be matched to them")]
    Unreadable(ReadError),
    /// They are a response.
    #[error(
        "these bytes are a response, which nothing answers; the ACK of a 2xx comes as a request"
    )]
    Response,
    /// They are an ACK.
    #[error("nothing answers an ACK (RFC 3261 §17.1)")]
    Ack,
    /// A header that a transaction needs is missing or cannot be read.
    #[error("{0}, so no response can be matched to this request (RFC 3261 §17.1.3)")]
    Header(HeaderError),
    /// The top Via has no branch.
    #[error(
        "the top Via has no branch, so no response can be matched to this request (RFC 3261 §17.1.3)"
    )]
    NoBranch,
    /// The branch belongs to a request whose transaction is not over.
    #[error(
        "its branch is that of #{0}, whose transaction is not over: this sends that request once more by hand, and what answers it is told there (RFC 3261 §17.1.3)"
    )]
    Repeats(crate::sip::ContextId),
}

impl Unmatched {
    /// Whether a peer may answer the bytes all the same.
    pub(crate) const fn is_answerable(&self) -> bool {
        match self {
            Unmatched::Unreadable(_) | Unmatched::Header(_) | Unmatched::NoBranch => true,
            Unmatched::Response | Unmatched::Ack | Unmatched::Repeats(_) => false,
        }
    }
}

impl RawMessage {
    /// Takes any bytes.
    pub fn new(bytes: Bytes) -> RawMessage {
        let message = Message::read(bytes.clone());
        RawMessage { message, bytes, wait: None, lacks_address: false }
    }

    /// How long what comes is listened for where nothing can be matched to them; without it
    /// 64·T1, or 2·T1 for what nobody answers.
    pub fn waiting(self, wait: Duration) -> RawMessage {
        RawMessage { wait: Some(wait), ..self }
    }

    /// [`RawMessage::waiting`].
    pub(crate) fn wait(&self) -> Option<Duration> {
        self.wait
    }

    /// Wherever its head says [`PREVIEW_HOST`], our own address takes its place as the message is
    /// sent: it was begun before that was known.
    pub fn lacking_address(self) -> RawMessage {
        RawMessage { lacks_address: true, ..self }
    }

    /// Whether our own address is left open in it.
    pub fn lacks_address(&self) -> bool {
        self.lacks_address
    }

    /// The same with our own address (`host:port`, as Via has it), where it lacks that.
    pub(crate) fn with_address(self, ours: &str) -> RawMessage {
        if !self.lacks_address {
            return self;
        }
        // What a body says is the user's, and Content-Length counts it.
        let end = head_end(&self.bytes);
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let mut at = 0;
        for found in memchr::memmem::find_iter(&self.bytes[..end], PREVIEW_HOST) {
            bytes.extend_from_slice(&self.bytes[at..found]);
            bytes.extend_from_slice(ours.as_bytes());
            at = found + PREVIEW_HOST.len();
        }
        bytes.extend_from_slice(&self.bytes[at..]);
        RawMessage { wait: self.wait, ..RawMessage::new(bytes.into()) }
    }

    /// The bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// What could be read of them.
    pub fn message(&self) -> Option<&Message> {
        self.message.as_ref().ok()
    }

    /// The method as it stands in the request line; else `raw`, which no RFC calls a method: a
    /// response is no request of the method that its CSeq names.
    pub fn method(&self) -> Method {
        let method = self.message().and_then(|message| message.method());
        method.unwrap_or_else(|| Method::from("raw"))
    }

    /// The Request-URI, where it can be read.
    pub fn request_uri(&self) -> Option<UriBuf> {
        self.message()?.request_uri()?.parse().ok()
    }

    /// The URI of the first Route, where there is one that can be read.
    pub fn first_route(&self) -> Option<UriBuf> {
        let route = self.message()?.list(HeaderName::Route).next()?;
        let uri = syntax::trim(route).strip_prefix('<')?.split('>').next()?;
        uri.parse().ok()
    }

    /// Whether a client transaction can carry them.
    ///
    /// # Errors
    ///
    /// Why nothing that comes back can be matched.
    pub fn matchable(&self) -> Result<&Message, Unmatched> {
        let message = self.message.as_ref().map_err(|error| Unmatched::Unreadable(*error))?;
        let method = message.method().ok_or(Unmatched::Response)?;
        if method == Method::Ack {
            return Err(Unmatched::Ack);
        }
        let via = message.via().map_err(Unmatched::Header)?;
        match method {
            // The ACK, or what follows in the dialog, counts on from the number.
            Method::Invite | Method::Subscribe | Method::Refer => message.cseq().map(drop),
            _ => cseq_method(message).map(drop),
        }
        .map_err(Unmatched::Header)?;
        match via.branch() {
            Some(branch) if !branch.is_empty() => Ok(message),
            _ => Err(Unmatched::NoBranch),
        }
    }

    /// A header value on one line; empty where there is none.
    pub(crate) fn value(&self, name: HeaderName) -> Box<str> {
        let header = self.message().and_then(|message| message.header(name));
        header.map(|header| header.unfolded().into()).unwrap_or_default()
    }
}

/// Where the head of a message ends, whatever stands in it: at the first empty line.
pub fn head_end(bytes: &[u8]) -> usize {
    memchr::memmem::find(bytes, b"\r\n\r\n").map_or(bytes.len(), |end| end + 2)
}

/// The method in CSeq, which finds a transaction (RFC 3261 §17.1.3), though no number can be read
/// before it.
///
/// # Errors
///
/// Where CSeq is missing, or cannot be read that far.
pub(crate) fn cseq_method(message: &Message) -> Result<&str, HeaderError> {
    let error = match message.cseq() {
        Ok(cseq) => return Ok(cseq.method),
        Err(error) => error,
    };
    let text = message.header(HeaderName::CSeq).and_then(|header| header.text().ok());
    let method = text.and_then(|text| text.split_ascii_whitespace().nth(1));
    method.filter(|method| method.parse::<Method>().is_ok()).ok_or(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &str = "OPTIONS sip:b@b.test SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=1\r\nFrom: <sip:a@a.test>\r\nTo: <sip:b@b.test>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n";

    fn raw(text: impl Into<Vec<u8>>) -> RawMessage {
        RawMessage::new(Bytes::from(text.into()))
    }

    #[test]
    fn a_request_with_the_essentials_can_be_matched_however_wrong_the_rest_is() {
        for wrong in
            ["", "Content-Length: 9999\r\n", "Content-Length: -1\r\n", "no colon\r\n", "To: x\r\n"]
        {
            let raw = raw(format!("{OPTIONS}{wrong}\r\n"));
            assert!(raw.matchable().is_ok(), "{wrong:?}: {:?}", raw.matchable());
            assert_eq!(raw.method(), Method::Options);
        }
        assert!(raw(OPTIONS).matchable().is_ok(), "even without the empty line");
        for (right, wrong) in [
            ("Call-ID: x", "Call-ID:"),
            ("From: <sip:a@a.test>", "From: <"),
            ("To: <sip:b@b.test>\r\n", ""),
            ("CSeq: 1 ", "CSeq: 36893488147419103232 "),
        ] {
            let raw = raw(OPTIONS.replace(right, wrong) + "\r\n");
            assert!(raw.matchable().is_ok(), "{wrong:?}: {:?}", raw.matchable());
        }
    }

    #[test]
    fn our_address_takes_its_place_in_the_head_alone_and_only_where_it_is_left_open() {
        let text =
            format!("{}\r\n{PREVIEW_HOST}", OPTIONS.replace("UDP h", "UDP our-address.invalid"));
        let kept = raw(text.clone()).with_address("192.0.2.1:5060");
        assert_eq!(kept.bytes(), text.as_bytes());
        let filled = raw(text.clone()).lacking_address().with_address("192.0.2.1:5060");
        let expected = text.replacen(PREVIEW_HOST, "192.0.2.1:5060", 1);
        assert_eq!(filled.bytes(), expected.as_bytes());
        assert_eq!(filled, raw(expected));
    }

    #[test]
    fn why_nothing_can_be_matched_is_a_sentence() {
        for (text, word) in [
            (String::new(), "no SIP message"),
            ("hello".to_owned(), "no SIP message"),
            ("SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n\r\n".to_owned(), "response"),
            (OPTIONS.replace("OPTIONS", "ACK") + "\r\n", "ACK"),
            (OPTIONS.replace(";branch=1", "") + "\r\n", "branch"),
            (OPTIONS.replace(";branch=1", ";branch=") + "\r\n", "branch"),
            (OPTIONS.replace("Via", "X-Via") + "\r\n", "Via"),
            (OPTIONS.replace("CSeq: 1 OPTIONS", "CSeq: 1") + "\r\n", "CSeq"),
            (
                OPTIONS.replace("OPTIONS sip", "INVITE sip").replace("1 OPT", "x OPT") + "\r\n",
                "CSeq",
            ),
        ] {
            let why = raw(text.clone()).matchable().expect_err(&text).to_string();
            assert!(why.contains(word), "{word}: {why}");
        }
    }

    #[test]
    fn the_method_is_what_can_be_read_of_it() {
        assert_eq!(raw("x").method().as_str(), "raw");
        assert_eq!(raw("SIP/2.0 200 OK\r\nCSeq: 1 BYE\r\n\r\n").method().as_str(), "raw");
        assert_eq!(raw("invite sip:b SIP/2.0\r\n\r\n").method(), Method::from("invite"));
    }

    #[test]
    fn the_way_stands_in_the_first_route_or_the_request_uri() {
        let routed = raw(format!("{OPTIONS}Route: <sip:p.test;lr>, <sip:q.test>\r\n\r\n"));
        assert_eq!(routed.first_route().unwrap().as_str(), "sip:p.test;lr");
        assert_eq!(routed.request_uri().unwrap().as_str(), "sip:b@b.test");
        assert_eq!(raw("x").request_uri(), None);
    }
}
