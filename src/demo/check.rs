//! What every request is checked for before anything is done with it (RFC 3261 §8.2).

use crate::sip::{
    Flaw, HeaderName, Limits, Message, Method, Scheme, StatusCode, Uri,
    header::{self, Via},
    syntax,
};

use super::behaviour::status;

/// The methods that the demo server knows; any other is answered 405.
pub(super) const ALLOW: &str = "INVITE, ACK, BYE, CANCEL, OPTIONS, MESSAGE, INFO, REGISTER, \
                                SUBSCRIBE, NOTIFY, PUBLISH, REFER, UPDATE, PRACK";

/// The extensions that it knows.
pub(super) const SUPPORTED: &str = "100rel, norefersub";

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    /// Where the status's own phrase says too little (RFC 3261 §21.4.1).
    pub(super) reason: Option<String>,
    pub(super) header: Option<(HeaderName, String)>,
}

impl Refusal {
    pub(super) fn new(code: u16) -> Refusal {
        Refusal { status: status(code), reason: None, header: None }
    }

    pub(super) fn because(code: u16, reason: impl Into<String>) -> Refusal {
        Refusal { reason: Some(reason.into()), ..Refusal::new(code) }
    }

    pub(super) fn with(code: u16, name: HeaderName, value: impl Into<String>) -> Refusal {
        Refusal { header: Some((name, value.into())), ..Refusal::new(code) }
    }
}

impl From<Flaw> for Refusal {
    fn from(flaw: Flaw) -> Refusal {
        Refusal { status: flaw.status, reason: Some(flaw.reason), header: None }
    }
}

/// Looks for what a user agent server must refuse.
pub(super) fn check(request: &Message, limits: &Limits) -> Result<(), Refusal> {
    if let Some(flaw) = Flaw::of(request, limits) {
        return Err(flaw.into());
    }
    let method = request.method().unwrap_or(Method::Options);
    let uri = request.request_uri().and_then(|uri| Uri::parse(uri).ok());
    match uri.map(|uri| uri.scheme()) {
        Some(Scheme::Sip | Scheme::Sips) => {}
        Some(Scheme::Other(scheme)) if scheme.eq_ignore_ascii_case("tel") => {}
        _ => return Err(Refusal::new(416)),
    }
    // RFC 4475 §3.1.2.12 lets a server refuse a Date that is none; whoever tests with this one
    // wants to know.
    for date in request.all(HeaderName::Date) {
        let date = date.text().and_then(|text| header::check(HeaderName::Date, text));
        date.map_err(|error| Refusal::because(400, error.to_string()))?;
    }
    // RFC 3261 §8.2.2.3: Require is not looked at in a CANCEL or ACK.
    if !matches!(method, Method::Cancel | Method::Ack) {
        let unknown: Vec<&str> = request
            .list(HeaderName::Require)
            .filter(|tag| !syntax::comma_list(SUPPORTED).any(|s| s.eq_ignore_ascii_case(tag)))
            .collect();
        if !unknown.is_empty() {
            return Err(Refusal::with(420, HeaderName::Unsupported, unknown.join(", ")));
        }
    }
    if matches!(method, Method::Invite | Method::Subscribe | Method::Refer) {
        match request.contact() {
            // RFC 4475 §3.4.1: peers of before have none, and are called back at From.
            Err(_) if is_of_before(request) && request.header(HeaderName::Contact).is_none() => {}
            Err(error) => return Err(Refusal::because(400, error.to_string())),
            Ok(contact) if matches!(contact.uri().scheme(), Scheme::Other(_)) => {
                return Err(Refusal::because(400, "The Contact is no SIP URI"));
            }
            Ok(_) => {}
        }
    }
    // RFC 3261 §21.4.6: the answer to an INVITE holds SDP or nothing.
    match method == Method::Invite && !takes_sdp(request) {
        true => Err(Refusal::new(406)),
        false => Ok(()),
    }
}

/// Whether the peer speaks RFC 2543: its branch has no magic cookie (RFC 3261 §17.2.3).
fn is_of_before(request: &Message) -> bool {
    let branch = request.via().ok().and_then(|via| via.branch());
    !branch.is_some_and(|branch| branch.starts_with(Via::MAGIC_COOKIE))
}

/// Whether Accept, where it is there, names SDP (RFC 3261 §20.1).
fn takes_sdp(request: &Message) -> bool {
    let ranges = ["application/sdp", "application/*", "*/*"];
    request.header(HeaderName::Accept).is_none()
        || request.list(HeaderName::Accept).any(|range| {
            let range = syntax::trim(range.split(';').next().unwrap_or(range));
            ranges.iter().any(|taken| taken.eq_ignore_ascii_case(range))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Message {
        Message::read(text.to_owned().into()).unwrap()
    }

    fn check_it(request: &Message) -> Result<(), Refusal> {
        check(request, &Limits::default())
    }

    const GOOD: &str = "INVITE sip:bob@b.test SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\
        Max-Forwards: 70\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: c\r\n\
        CSeq: 1 INVITE\r\nContact: <sip:a@h>\r\nRequire: 100REL\r\n\r\n";

    #[test]
    fn what_is_wrong_with_a_request_decides_the_status() {
        assert_eq!(check_it(&read(GOOD)), Ok(()));
        for (from, to, code) in [
            ("Max-Forwards: 70", "Max-Forwards: 0", 0),
            ("Max-Forwards: 70", "Max-Forwards: 256", 400),
            ("Max-Forwards: 70", "Max-Forwards: x", 400),
            ("sip:bob@b.test SIP/2.0", "sip:bob@b.test SIP/7.0", 505),
            ("sip:bob@b.test ", "soap.beep://192.0.2.103:3002 ", 416),
            ("sip:bob@b.test ", "tel:+1555 ", 0),
            ("sip:bob@b.test ", "<sip:bob@b.test> ", 400),
            ("sip:bob@b.test ", "sip:bob@b.test: ", 400),
            ("branch=z9hG4bK1", "branch=z9hG4bK1;;", 400),
            ("branch=z9hG4bK1", "branch=z9hG4bK1,;", 400),
            ("branch=z9hG4bK1", "branch=z9hG4bK1 ,SIP/2.0/TCP h ; x", 0),
            ("CSeq: 1 INVITE", "CSeq: 1 OPTIONS", 400),
            ("CSeq: 1 INVITE", "CSeq: 4294967296 INVITE", 400),
            ("CSeq: 1 INVITE", "CSeq: 1 INVITE\r\nCSeq: 2 INVITE", 400),
            ("Call-ID: c\r\n", "", 400),
            ("To: <sip:b@b>", "To: \"b <sip:b@b>", 400),
            ("Contact: <sip:a@h>\r\n", "", 400),
            ("Contact: <sip:a@h>", "Contact: <sip:a@h>\r\nAccept: text/plain", 406),
            ("Contact: <sip:a@h>", "Contact: <sip:a@h>\r\nAccept:", 406),
            ("Contact: <sip:a@h>", "Contact: <sip:a@h>\r\nAccept: a/b, Application/SDP;level=1", 0),
            ("Contact: <sip:a@h>", "Contact: <tel:1>", 400),
            ("100REL", "100rel, nothingSupportsThis", 420),
            ("INVITE sip", "IN/VITE sip", 400),
            ("INVITE sip", "INVITE  sip", 400),
            ("INVITE sip", "INVITE\tsip", 400),
            (" SIP/2.0\r\nVia", "\r\nVia", 400),
            ("b.test SIP", "b.test?Route=x SIP", 400),
            ("Max-F", "Date: Fri, 01 Jan 2010 16:00:00 EST\r\nMax-F", 400),
            ("Max-F", "Date: Fri, 01 Jan 2010 16:00:00 GMT\r\nMax-F", 0),
        ] {
            let message = read(&GOOD.replacen(from, to, 1));
            let found = check_it(&message).map_or_else(|refusal| refusal.status.code(), |()| 0);
            assert_eq!(found, code, "{to}");
        }
        let before = GOOD.replace("z9hG4bK1", "1").replace("Contact: <sip:a@h>\r\n", "");
        assert_eq!(check_it(&read(&before)), Ok(()));
        let refusal = check_it(&read(&GOOD.replace("100REL", "a, 100rel, b"))).unwrap_err();
        assert_eq!(refusal.header, Some((HeaderName::Unsupported, "a, b".into())));
    }

    #[test]
    fn a_wrong_content_length_is_refused() {
        for length in ["Content-Length: 10", "l : -1", "CONTENT-LENGTH: 99999999999999999999"] {
            let text = GOOD.replace("\r\n\r\n", &format!("\r\n{length}\r\n\r\nabc"));
            assert_eq!(check_it(&read(&text)).unwrap_err().status, status(400), "{length}");
        }
    }
}
