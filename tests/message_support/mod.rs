//! What must hold for any bytes: shared by the property tests and the fuzz targets.
#![allow(dead_code, reason = "each program uses a part of it")]

use bytes::Bytes;
use sipboard::sip::{
    Frame, FrameError, Framer, HeaderName, Limits, Message, MessageBuilder, Method, Uri,
    escape::is_unsafe,
    header::{self, MediaType, NameAddr, Via},
    lint::{self, Severity},
    multipart, syntax,
};

/// Whatever is read goes out as it came in, every part stands where it says, and headers that are
/// copied into another message are read there as they were.
pub fn reading(bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    let Ok(message) = Message::read(bytes.clone()) else { return };
    assert_eq!(message.bytes(), &bytes);
    assert_eq!(Message::read(message.bytes().clone()).as_ref(), Ok(&message));
    assert!(message.body_range().end <= bytes.len());
    assert_eq!(message.body(), bytes[message.body_range()]);
    assert!(message.method().is_some() == message.is_request());
    assert!(message.status().is_none() || !message.is_request());
    let _ = message.check_request_line();
    let mut builder = MessageBuilder::request(&Method::Options, "sip:a");
    let mut at = message.start_line_range().end;
    for header in message.headers() {
        assert!(header.line_offset >= at && header.offset >= header.line_offset);
        at = header.offset + header.value.len();
        assert_eq!(&bytes[header.offset..at], header.value);
        let _ = (header.text(), header.unfolded());
        if header.name != HeaderName::Malformed {
            builder = builder.copy(header);
        }
    }
    assert!(at <= message.body_range().start);
    let copy = Message::read_with(builder.body(None, b""), &Limits::NONE).expect("it was built");
    let of = |message: &Message| -> Vec<_> {
        message
            .headers()
            .filter(|header| header.name != HeaderName::Malformed)
            .map(|header| (header.name, header.name_text.to_vec(), header.value.to_vec()))
            .collect()
    };
    let (mut copied, original) = (of(&copy), of(&message));
    assert_eq!(copied.pop().map(|(name, ..)| name), Some(HeaderName::ContentLength));
    assert_eq!(copied, original);
    typed(&message);
}

fn typed(message: &Message) {
    let essentials = message.essentials();
    if let Ok(essentials) = essentials {
        assert_eq!(message.via(), Ok(essentials.via));
        assert_eq!(message.defect(), None);
    }
    let _ = (message.contact(), message.reason_phrase());
    for &name in HeaderName::KNOWN {
        assert_eq!(message.header(name).is_some(), message.all(name).count() > 0);
        assert_eq!(message.repeats(name), message.all(name).count() > 1);
        assert!(message.list(name).all(|member| !member.is_empty()));
    }
    if let Some(header) = message.header(HeaderName::ContentType)
        && let Ok(text) = header.text()
        && let Ok(media) = MediaType::parse(text)
        && let Ok(parts) = multipart::parts(media, &message.body(), 8)
    {
        let body = message.body();
        for part in parts {
            assert!(body.get(part.head.clone()).is_some() && body.get(part.body.clone()).is_some());
        }
    }
}

/// The lint finds an error in what cannot be acted on, says where, and is safe to print.
pub fn linting(bytes: &[u8]) {
    let options = lint::Options { now: Some(1_700_000_000), ..lint::Options::default() };
    let report = lint::lint(Bytes::copy_from_slice(bytes), &options);
    if !report.is_usable() {
        assert_eq!(report.worst(), Some(Severity::Error));
    }
    let mut last = 0;
    for finding in &report.findings {
        assert!(finding.offset >= last && finding.offset <= bytes.len());
        last = finding.offset;
        assert!(finding.line >= 1 && finding.column >= 1);
        assert!(!finding.message.contains(is_unsafe), "{finding:?}");
        assert!(!finding.header.as_deref().unwrap_or("").contains(is_unsafe), "{finding:?}");
    }
}

/// A stream gives the same frames wherever it is cut, and each message is exactly its own bytes.
pub fn framing(bytes: &[u8], cuts: impl IntoIterator<Item = usize>) {
    let whole = frames([bytes]);
    let mut pieces = Vec::new();
    let mut rest = bytes;
    for cut in cuts {
        let (piece, tail) = rest.split_at(cut.min(rest.len()));
        pieces.push(piece);
        rest = tail;
    }
    pieces.push(rest);
    assert_eq!(frames(pieces), whole);
    assert_eq!(frames(bytes.chunks(1)), whole);
    for frame in whole.0 {
        let Frame::Message(bytes) = frame else { continue };
        if let Ok(message) = Message::read(bytes.clone()) {
            assert_eq!(message.body_range().end, bytes.len());
        }
    }
}

fn frames<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Frame>, Option<FrameError>) {
    let mut framer = Framer::new(Limits { message: 2000, ..Limits::default() });
    let mut all = Vec::new();
    for piece in pieces {
        framer.push(piece);
        loop {
            match framer.frame() {
                Ok(Some(frame)) => all.push(frame),
                Ok(None) => break,
                Err(error) => return (all, Some(error)),
            }
        }
    }
    (all, None)
}

/// A header as it stands in a message: its name, if that is a known one, and its value.
pub fn header_line(bytes: &[u8]) -> Option<(HeaderName, &str)> {
    let (name, value) = std::str::from_utf8(bytes).ok()?.split_once(':')?;
    let name = HeaderName::from_bytes(name.as_bytes());
    HeaderName::KNOWN.contains(&name).then_some((name, syntax::trim(value)))
}

/// Any typed header reads any text, and says the same of it twice; so does the lint.
pub fn header(name: HeaderName, text: &str) {
    linting(format!("OPTIONS sip:a@b SIP/2.0\r\n{name}: {text}\r\n\r\n").as_bytes());
    assert_eq!(header::check(name, text), header::check(name, text));
    if let Err(error) = header::check(name, text) {
        assert!(error.offset <= text.len(), "{error:?}");
        assert!(!error.to_string().is_empty());
    }
    if let Ok(address) = NameAddr::parse(name, text) {
        assert!(text.contains(address.uri().as_str()));
        let _ = (address.display_name(), address.tag(), address.q(), address.expires());
        assert!(address.uri().is_equivalent(&address.uri()));
        for (name, value) in address.params().iter() {
            assert!(text.contains(name) && value.is_none_or(|value| text.contains(value)));
        }
    }
    if let Ok(via) = Via::parse(text) {
        assert!(!via.host().is_empty() && !via.transport().is_empty());
        let _ = (via.branch(), via.received());
    }
    if let Ok(uri) = Uri::parse(text) {
        assert_eq!(uri.as_str(), text);
        assert!(uri.password().is_some() || text.contains(&*uri.short()));
        let _ = uri.tel().map(|tel| tel.is_valid());
    }
    for member in syntax::comma_list(text) {
        assert!(text.contains(member));
    }
    assert_eq!(syntax::first_member(text), syntax::comma_list(text).next().unwrap_or(""));
    assert_eq!(syntax::unquote(&syntax::quote(text)), text);
}

/// Any challenge reads any text; its parameters are parts of it.
pub fn challenge(text: &str) {
    for challenge in header::challenges(HeaderName::WwwAuthenticate, text).flatten() {
        assert!(syntax::is_token(challenge.scheme()));
        let _ = (challenge.realm(), challenge.nonce(), challenge.opaque(), challenge.algorithm());
        let _ = (challenge.stale(), challenge.offers_qop("auth"));
        for (name, value) in challenge.params().iter() {
            assert!(text.contains(name) && value.is_none_or(|value| text.contains(value)));
        }
    }
    let _ = header::Credentials::parse(HeaderName::Authorization, text);
}
