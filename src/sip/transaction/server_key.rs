//! Which server transaction a request belongs to (RFC 3261 §17.2.3).

use crate::sip::{
    header::Via,
    message::{Message, StartLine},
    method::Method,
    name::HeaderName,
    syntax,
};

/// What a request must have in common with the one that made a server transaction.
///
/// An ACK has the key of its INVITE.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerKey(Kind);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// The branch has the magic cookie: it, the sent-by and the method are enough.
    Branch { branch: Box<str>, host: Box<str>, port: Option<u16>, method: Method },
    /// The peer speaks RFC 2543: everything that identifies its request.
    Legacy(Box<Legacy>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Legacy {
    request_uri: Box<str>,
    from_tag: Option<Box<str>>,
    /// Kept out of the key of an INVITE, whose ACK carries the tag of the response.
    to_tag: Option<Box<str>>,
    call_id: Box<str>,
    cseq: u32,
    via: Box<str>,
    method: Method,
}

impl ServerKey {
    /// The key of a request; `None` for a response, and for a request whose Via (or, without the
    /// magic cookie, whose From, To, Call-ID or CSeq) cannot be read.
    pub fn of(request: &Message) -> Option<ServerKey> {
        let method = match request.method()? {
            Method::Ack => Method::Invite,
            method => method,
        };
        ServerKey::with(request, method)
    }

    /// The key of the request that a CANCEL names, where that has this method (RFC 3261 §9.2).
    pub fn cancelled_by(cancel: &Message, method: Method) -> Option<ServerKey> {
        ServerKey::with(cancel, method)
    }

    fn with(request: &Message, method: Method) -> Option<ServerKey> {
        let via = request.via().ok()?;
        let kind = match via.branch() {
            Some(branch) if branch.starts_with(Via::MAGIC_COOKIE) => Kind::Branch {
                branch: branch.into(),
                host: via.host().to_ascii_lowercase().into(),
                port: via.port(),
                method,
            },
            _ => Kind::Legacy(Box::new(Legacy {
                request_uri: match request.start_line() {
                    StartLine::Request { uri, .. } => uri.into(),
                    StartLine::BadRequest { uri, .. } => String::from_utf8_lossy(uri).into(),
                    StartLine::Status { .. } | StartLine::BadStatus { .. } => return None,
                },
                from_tag: request.from().ok()?.tag().map(Into::into),
                to_tag: match method {
                    Method::Invite => None,
                    _ => request.to().ok()?.tag().map(Into::into),
                },
                call_id: request.call_id().ok()?.into(),
                cseq: request.cseq().ok()?.number,
                via: top_via(request)?.into(),
                method,
            })),
        };
        Some(ServerKey(kind))
    }
}

/// The text of the top Via, without white space around it.
pub(crate) fn top_via(message: &Message) -> Option<&str> {
    syntax::comma_list(message.header(HeaderName::Via)?.text().ok()?).next()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn request(method: &str, via: &str, to: &str, cseq: &str) -> Message {
        Message::read(Bytes::from(format!(
            "{method} sip:bob@b.test SIP/2.0\r\nVia: {via}\r\nFrom: <sip:a@a.test>;tag=f\r\n\
             To: {to}\r\nCall-ID: c\r\nCSeq: {cseq}\r\n\r\n"
        )))
        .unwrap()
    }

    #[test]
    fn requests_share_a_key_where_the_rfc_says_so() {
        const NEW: &str = "SIP/2.0/UDP H.test:5060;branch=z9hG4bK1";
        const OLD: &str = "SIP/2.0/UDP h.test;branch=1";
        let bob = "<sip:bob@b.test>";
        let bob_tag = "<sip:bob@b.test>;tag=t";
        for (same, a, b) in [
            // The host compares without case; everything else in the message may differ.
            (
                true,
                ("INVITE", NEW, bob, "1 INVITE"),
                ("ACK", &*NEW.to_lowercase(), bob_tag, "1 ACK"),
            ),
            (true, ("INVITE", NEW, bob, "1 INVITE"), ("INVITE", NEW, bob_tag, "7 INVITE")),
            (false, ("INVITE", NEW, bob, "1 INVITE"), ("CANCEL", NEW, bob, "1 CANCEL")),
            (
                false,
                ("BYE", NEW, bob, "1 BYE"),
                ("BYE", "SIP/2.0/UDP h.test;branch=z9hG4bK1", bob, "1 BYE"),
            ),
            (
                false,
                ("BYE", NEW, bob, "1 BYE"),
                ("BYE", "SIP/2.0/UDP h.test:5060;branch=z9hG4bK2", bob, "1 BYE"),
            ),
            (true, ("INVITE", OLD, bob, "1 INVITE"), ("ACK", OLD, bob_tag, "1 ACK")),
            (false, ("INVITE", OLD, bob, "1 INVITE"), ("INVITE", OLD, bob, "2 INVITE")),
            (false, ("BYE", OLD, bob, "1 BYE"), ("BYE", OLD, bob_tag, "1 BYE")),
            (true, ("BYE", "SIP/2.0/UDP h", bob, "1 BYE"), ("BYE", "SIP/2.0/UDP h", bob, "1 BYE")),
        ] {
            let key = |(method, via, to, cseq): (&str, &str, &str, &str)| {
                // Lower case must not reach the cookie and the protocol.
                let via = via.replace("sip/2.0/udp", "SIP/2.0/UDP").replace("z9hg4bk", "z9hG4bK");
                ServerKey::of(&request(method, &via, to, cseq)).unwrap()
            };
            assert_eq!(key(a) == key(b), same, "{a:?} {b:?}");
        }
    }

    #[test]
    fn a_cancel_names_its_invite() {
        for via in ["SIP/2.0/WS x.invalid;branch=z9hG4bK1", "SIP/2.0/UDP h"] {
            let invite = request("INVITE", via, "<sip:b@b>", "1 INVITE");
            let cancel = request("CANCEL", via, "<sip:b@b>", "1 CANCEL");
            assert_eq!(
                ServerKey::cancelled_by(&cancel, Method::Invite),
                ServerKey::of(&invite),
                "{via}"
            );
        }
    }

    #[test]
    fn without_a_via_there_is_no_key() {
        let text = "OPTIONS sip:a SIP/2.0\r\nCall-ID: c\r\n\r\n";
        let message = Message::read(Bytes::from_static(text.as_bytes())).unwrap();
        assert_eq!(ServerKey::of(&message), None);
    }
}
