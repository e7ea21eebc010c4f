//! What a NOTIFY says in a few words, for a timeline.

use crate::sip::{
    header::MediaType, message::Message, method::Method, name::HeaderName,
    secret::without_passwords,
};

/// How many characters are told of each part.
const CHARS: usize = 120;

/// How its subscription stands, and the status line of a `message/sipfrag` body, which is how the
/// request that a REFER asked for goes on (RFC 6665 §8.2.3, RFC 3515 §2.4.5):
/// `active;expires=60 · SIP/2.0 180 Ringing`. The peer wrote it: it is to be escaped. `None` where the
/// message is no NOTIFY or says neither.
pub fn notification(message: &Message) -> Option<String> {
    if message.method() != Some(Method::Notify) {
        return None;
    }
    let state = message.header(HeaderName::SubscriptionState);
    let state = state.map(|header| String::from_utf8_lossy(header.value).trim().to_owned());
    let said: Vec<String> = [state, status_line(message)]
        .into_iter()
        .flatten()
        .map(|text| without_passwords(&text).chars().take(CHARS).collect())
        .filter(|text: &String| !text.is_empty())
        .collect();
    (!said.is_empty()).then(|| said.join(" · "))
}

/// The first line of a `message/sipfrag` body, where it is one of a response.
fn status_line(message: &Message) -> Option<String> {
    let text = message.header(HeaderName::ContentType)?.text().ok()?;
    let media = MediaType::parse(text).ok()?;
    let is_fragment =
        media.kind.eq_ignore_ascii_case("message") && media.subtype.eq_ignore_ascii_case("sipfrag");
    let body = message.body();
    let line = body.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    let is_status = line.get(..8).is_some_and(|version| version.eq_ignore_ascii_case(b"SIP/2.0 "));
    (is_fragment && is_status).then(|| String::from_utf8_lossy(line).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(headers: &str, body: &str) -> Option<String> {
        let notify = format!(
            "NOTIFY sip:a@b SIP/2.0\r\nCSeq: 1 NOTIFY\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        notification(&Message::read(notify.into()).expect("it can be read"))
    }

    #[test]
    fn a_notify_says_how_its_subscription_and_the_transfer_stand() {
        let state = "Subscription-State: terminated;reason=noresource\r\n";
        let fragment = "Content-Type: message/SIPfrag;version=2.0\r\n";
        assert_eq!(said(state, "").as_deref(), Some("terminated;reason=noresource"));
        assert_eq!(
            said(&format!("{state}{fragment}"), "SIP/2.0 200 OK\r\nVia: x").as_deref(),
            Some("terminated;reason=noresource · SIP/2.0 200 OK")
        );
        assert_eq!(said(fragment, "SIP/2.0 603 Declined").as_deref(), Some("SIP/2.0 603 Declined"));
        assert_eq!(said(fragment, "INVITE sip:a@b SIP/2.0"), None);
        assert_eq!(said("Content-Type: text/plain\r\n", "SIP/2.0 200 OK"), None);
        let long = format!("{fragment}Subscription-State: {}\r\n", "x".repeat(10_000));
        assert!(said(&long, "").is_some_and(|said| said.len() == CHARS));
    }
}
