//! What the far side writes, and what it reads of messages.

use bytes::Bytes;
use rand::{RngExt, rngs::StdRng};
use sipboard::sip::{HeaderName, Message, MessageBuilder, StatusCode};

pub const SDP: &[u8] =
    b"v=0\r\no=- 2 2 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 5000 RTP/AVP 0\r\n";

pub fn damaged(bytes: &Bytes, rng: &mut StdRng) -> Bytes {
    let mut bytes = bytes.to_vec();
    match rng.random_range(0..5) {
        0 => bytes.truncate(rng.random_range(0..bytes.len())),
        1 => {
            for _ in 0..rng.random_range(1..6) {
                let at = rng.random_range(0..bytes.len());
                bytes[at] = rng.random();
            }
        }
        2 | 3 => {
            // A line is lost, or comes twice.
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let mut lines: Vec<&str> = text.split("\r\n").collect();
            let at = rng.random_range(0..lines.len());
            match rng.random_bool(0.5) {
                true => _ = lines.remove(at),
                false => lines.insert(at, lines[at]),
            }
            bytes = lines.join("\r\n").into_bytes();
        }
        _ => bytes = (0..rng.random_range(1..200)).map(|_| rng.random()).collect(),
    }
    bytes.into()
}

pub fn agent_of(request: &Message) -> Option<usize> {
    request.request_uri()?.strip_prefix("sip:agent")?.get(..1)?.parse().ok()
}

pub fn tag_of(message: &Message) -> String {
    message.to().ok().and_then(|to| to.tag().map(str::to_owned)).unwrap_or_default()
}

pub fn response(
    request: &Message,
    status: u16,
    tag: &str,
    more: impl FnOnce(MessageBuilder) -> MessageBuilder,
) -> Bytes {
    more(start(request, status, tag)).body(None, b"")
}

pub fn start(request: &Message, status: u16, tag: &str) -> MessageBuilder {
    let status = StatusCode::new(status).expect("a status code");
    let mut builder = MessageBuilder::response(status, status.canonical_reason());
    for via in request.all(HeaderName::Via) {
        builder = builder.copy(via);
    }
    let to = request.header(HeaderName::To).expect("a request has To");
    builder = builder.copy(request.header(HeaderName::From).expect("a request has From"));
    builder = match to.text().expect("To is text") {
        text if tag.is_empty() || text.contains(";tag=") => {
            let _ = text;
            builder.copy(to)
        }
        text => builder.header(HeaderName::To, format_args!("{text};tag={tag}")),
    };
    builder
        .copy(request.header(HeaderName::CallId).expect("a request has a Call-ID"))
        .copy(request.header(HeaderName::CSeq).expect("a request has a CSeq"))
}
