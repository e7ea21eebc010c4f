//! Where a 3xx sends a request (RFC 3261 §8.1.3.4): its contacts, in the order of their q, and what
//! their URIs ask the request to be.

use crate::sip::{
    header::NameAddr,
    message::Message,
    name::HeaderName,
    request::ExtraHeader,
    uri::{UriBuf, escaped_byte},
};

/// One contact of a 3xx.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectTarget {
    /// Its URI, without the headers and the method parameter that a Request-URI cannot have
    /// (RFC 3261 §19.1.1).
    pub uri: UriBuf,
    /// Its preference in thousandths, 1000 where none is given (RFC 3261 §20.10).
    pub q: u16,
    /// A q that is none, as it came: it counts as not given, and the contact is tried all the same.
    pub bad_q: Option<String>,
    /// The header fields that its URI wants the request to have, in place of what it has.
    pub headers: Vec<ExtraHeader>,
    /// The names of those that are not safe to honour or cannot be written (RFC 3261 §19.1.5).
    pub skipped: Vec<String>,
}

impl RedirectTarget {
    fn new(contact: &NameAddr<'_>) -> Option<RedirectTarget> {
        let given = contact.params().value("q");
        let q = given.and_then(thousandths);
        let uri = contact.uri();
        let mut target = RedirectTarget {
            uri: uri.for_request_line().parse().ok()?,
            q: q.unwrap_or(1000),
            bad_q: given.filter(|_| q.is_none()).map(str::to_owned),
            headers: Vec::new(),
            skipped: Vec::new(),
        };
        for field in uri.headers().split('&').filter(|field| !field.is_empty()) {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            match header(name, value) {
                Some(header) => target.headers.push(header),
                None => target.skipped.push(name.to_owned()),
            }
        }
        Some(target)
    }

    /// The URI, and the preference where it is not the only possible one or cannot be read.
    pub fn described(&self) -> String {
        match (&self.bad_q, self.q) {
            (Some(bad), _) => {
                format!("{} (q={bad} is no number from 0 to 1, and counts as not given)", self.uri)
            }
            (None, 1000) => self.uri.to_string(),
            (None, q) => format!("{} (q={})", self.uri, qvalue(q)),
        }
    }
}

/// The contacts of a 3xx, the most wanted first; equal ones in their order.
pub(crate) fn targets(response: &Message) -> Vec<RedirectTarget> {
    let mut targets: Vec<RedirectTarget> = response
        .list(HeaderName::Contact)
        .filter_map(|value| NameAddr::parse(HeaderName::Contact, value).ok())
        .filter_map(|contact| RedirectTarget::new(&contact))
        .collect();
    targets.sort_by_key(|target| std::cmp::Reverse(target.q));
    targets
}

/// Targets as a sentence lists them.
pub(crate) fn described(targets: &[RedirectTarget]) -> String {
    let described: Vec<String> = targets.iter().map(RedirectTarget::described).collect();
    described.join(", ")
}

/// A header of a URI as a header field, where it is safe to honour and can be written.
fn header(name: &str, value: &str) -> Option<ExtraHeader> {
    let (name, value) = (unescaped(name)?, unescaped(value)?);
    if !is_safe(&name) {
        return None;
    }
    ExtraHeader::new(&name, &value).ok()
}

/// RFC 3261 §19.1.5: who sends the request, how it travels, what its sender can do and what its
/// body is are not a stranger's to say; nor are credentials.
fn is_safe(name: &str) -> bool {
    let known = HeaderName::from_bytes(name.as_bytes());
    !name.eq_ignore_ascii_case("body")
        && !matches!(
            known,
            HeaderName::Accept
                | HeaderName::AcceptEncoding
                | HeaderName::AcceptLanguage
                | HeaderName::Allow
                | HeaderName::Authorization
                | HeaderName::CallId
                | HeaderName::Contact
                | HeaderName::ContentDisposition
                | HeaderName::ContentEncoding
                | HeaderName::ContentLanguage
                | HeaderName::ContentLength
                | HeaderName::ContentType
                | HeaderName::CSeq
                | HeaderName::Date
                | HeaderName::From
                | HeaderName::MaxForwards
                | HeaderName::MimeVersion
                | HeaderName::Organization
                | HeaderName::ProxyAuthorization
                | HeaderName::RecordRoute
                | HeaderName::Route
                | HeaderName::Supported
                | HeaderName::Timestamp
                | HeaderName::To
                | HeaderName::UserAgent
                | HeaderName::Via
        )
}

/// A part of a URI without its escapes; `None` where that is no text.
fn unescaped(text: &str) -> Option<String> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, ..] = rest {
        match escaped_byte(rest) {
            Some(byte) => {
                plain.push(byte);
                rest = &rest[3..];
            }
            None => {
                plain.push(*first);
                rest = &rest[1..];
            }
        }
    }
    String::from_utf8(plain).ok()
}

/// A qvalue: `0` to `1` with at most three decimals (RFC 3261 §25.1).
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(fraction),
        "1" if fraction == 0 => Some(1000),
        _ => None,
    }
}

/// Thousandths as a qvalue.
fn qvalue(thousandths: u16) -> String {
    let text = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn target(contact: &str) -> RedirectTarget {
        let response = format!("SIP/2.0 302 R\r\nContact: {contact}\r\n\r\n");
        targets(&Message::read(Bytes::from(response)).unwrap()).remove(0)
    }

    #[test]
    fn a_qvalue_is_0_to_1_with_three_decimals() {
        for (text, q) in [
            ("0", Some(0)),
            ("1", Some(1000)),
            ("1.000", Some(1000)),
            ("0.5", Some(500)),
            ("0.123", Some(123)),
            ("1.1", None),
            ("0.1234", None),
            ("2", None),
            ("-1", None),
            ("", None),
        ] {
            assert_eq!(thousandths(text), q, "{text:?}");
        }
        assert_eq!([0, 500, 123, 1000].map(qvalue), ["0", "0.5", "0.123", "1"]);
    }

    #[test]
    fn a_contact_whose_q_is_none_stays_with_its_flaw_told() {
        let response =
            "SIP/2.0 302 R\r\nContact: <sip:a@a>;q=0.9, <sip:b@b>;q=2, <sip:c@c>;q\r\n\r\n";
        let targets = targets(&Message::read(Bytes::from(response)).unwrap());
        assert_eq!(
            described(&targets),
            "sip:b@b (q=2 is no number from 0 to 1, and counts as not given), sip:c@c, sip:a@a (q=0.9)"
        );
    }

    #[test]
    fn the_method_parameter_is_dropped_and_the_others_stay() {
        let uri = |contact| target(contact).uri.as_str().to_owned();
        assert_eq!(
            uri("<sip:c@c.test:5070;method=MESSAGE;transport=tcp;lr?a=b>"),
            "sip:c@c.test:5070;transport=tcp;lr"
        );
        assert_eq!(uri("<sip:c@c.test;transport=tcp>"), "sip:c@c.test;transport=tcp");
    }

    #[test]
    fn headers_that_are_safe_are_honoured_and_the_others_named() {
        let target = target(
            "<sip:c@c.test?Subject=a%20b&Route=%3Csip:x%3E&X-A=a%0D%0Ab&Priority=urgent&body=x>",
        );
        let headers: Vec<(&str, &str)> =
            target.headers.iter().map(|header| (header.name(), header.value())).collect();
        assert_eq!(headers, [("Subject", "a b"), ("Priority", "urgent")]);
        assert_eq!(target.skipped, ["Route", "X-A", "body"]);
    }
}
