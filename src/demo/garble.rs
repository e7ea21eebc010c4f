//! Answers that are none: what the user `garbled` sends back.

use bytes::Bytes;

use crate::sip::{HeaderName, Message};

/// How many kinds there are.
pub(super) const KINDS: usize = 12;

/// The malformed answer of one kind. Each lacks something that a transaction cannot do without.
pub(super) fn garbled(request: &Message, kind: usize) -> Bytes {
    let value = |name| {
        let value = request.header(name).map(|header| header.value).unwrap_or(b"");
        String::from_utf8_lossy(value).into_owned()
    };
    let (via, from, to, call_id, cseq) = (
        value(HeaderName::Via),
        value(HeaderName::From),
        value(HeaderName::To),
        value(HeaderName::CallId),
        value(HeaderName::CSeq),
    );
    let rest = format!("From: {from}\r\nTo: {to};tag=garbled\r\nCall-ID: {call_id}\r\n");
    let head = format!("Via: {via}\r\n{rest}CSeq: {cseq}\r\n");
    let text = match kind % KINDS {
        // No empty line ends the headers.
        0 => format!("SIP/2.0 200 OK\r\n{head}"),
        // The body is shorter than promised.
        1 => format!("SIP/2.0 200 OK\r\n{head}Content-Length: 4000\r\n\r\nv=0\r\n"),
        // No Via.
        2 => format!("SIP/2.0 200 OK\r\n{rest}CSeq: {cseq}\r\nContent-Length: 0\r\n\r\n"),
        // A status code that is none (RFC 4475 §3.1.2.19).
        3 => format!("SIP/2.0 4294967301 better not break the receiver\r\n{head}\r\n"),
        // A CSeq that no number can hold.
        4 => format!("SIP/2.0 200 OK\r\nVia: {via}\r\n{rest}CSeq: 36893488147419103232 X\r\n\r\n"),
        // Somebody else's branch.
        5 => format!("SIP/2.0 200 OK\r\n{}\r\n", head.replace("z9hG4bK", "z9hG4bKnot-yours-")),
        // Another protocol.
        6 => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned(),
        // An escape sequence that would set a terminal's title.
        7 => "\x1b]0;garbled\x07\x1b[2J\r\n\r\n".to_owned(),
        8 => "\0".repeat(64),
        9 => "a".repeat(8 * 1024),
        // Cut off in the middle.
        10 => {
            let whole = format!("SIP/2.0 200 OK\r\n{head}");
            whole.chars().take(whole.chars().count() / 2).collect()
        }
        // A Content-Length below zero.
        _ => format!("SIP/2.0 200 OK\r\n{head}Content-Length: -999\r\n\r\n"),
    };
    Bytes::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_kind_is_an_answer_that_a_transaction_could_take() {
        let request = Message::read(Bytes::from_static(
            b"INVITE sip:garbled@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\
              From: <sip:a@a>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\r\n",
        ))
        .unwrap();
        let mut kinds = std::collections::HashSet::new();
        for kind in 0..KINDS {
            let bytes = garbled(&request, kind);
            assert!(kinds.insert(bytes.clone()), "kind {kind} is new");
            let usable = Message::read(bytes).is_ok_and(|message| {
                message.status().is_some()
                    && message
                        .essentials()
                        .is_ok_and(|essentials| essentials.via.branch() == Some("z9hG4bK1"))
            });
            assert!(!usable, "kind {kind}");
        }
        assert_eq!(garbled(&request, 0), garbled(&request, KINDS));
    }
}
