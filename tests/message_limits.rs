//! Hostile input: every bound has a name, and work grows with the input and not with its square.
//!
//! How often each byte is looked at is counted in the crate's own tests (`sip::work`). Here the
//! inputs are so large that who goes through them again and again does not come to an end.

use bytes::Bytes;
use sipboard::sip::{
    Frame, Framer, HeaderName, Limits, Message, ReadError, Uri,
    header::{self, MediaType},
    lint, multipart, syntax,
};

/// Reads, lints, frames and writes, without any bound but time.
fn work(what: &str, bytes: impl Into<Bytes>) -> Option<Message> {
    let bytes = bytes.into();
    let options = lint::Options { limits: Limits::NONE, now: Some(1_700_000_000) };
    let report = lint::lint(bytes.clone(), &options);
    let mut framer = Framer::new(Limits::NONE);
    for piece in bytes.chunks(7) {
        framer.push(piece);
        while let Ok(Some(_)) = framer.frame() {}
    }
    let message = report.message.ok()?;
    assert_eq!(message.bytes(), &bytes, "{what}");
    Some(message)
}

fn with(header: &str, value: &str) -> String {
    format!("INVITE sip:a@b SIP/2.0\r\n{header}: {value}\r\n\r\n")
}

#[test]
fn a_megabyte_in_one_header_is_linear() {
    let message = work("one header", with("Subject", &"x".repeat(1 << 20))).unwrap();
    assert_eq!(message.header(HeaderName::Subject).unwrap().value.len(), 1 << 20);
}

#[test]
fn a_hundred_thousand_headers_are_linear() {
    for header in [
        "a: b\r\n",
        "Via: SIP/2.0/UDP h\r\n",
        "l: 1\r\n",
        "no colon\r\n",
        "t: sip:a@b\r\n",
        ":\r\n",
    ] {
        let text = format!("INVITE sip:a@b SIP/2.0\r\n{}\r\n", header.repeat(100_000));
        assert_eq!(work(header, text).unwrap().headers().len(), 100_000, "{header}");
    }
}

#[test]
fn a_hundred_thousand_parameters_are_linear() {
    let params: String = (0..100_000).map(|i| format!(";p{i}=v")).collect();
    for (header, start) in
        [("From", "<sip:a@b>"), ("From", "sip:a@b"), ("Via", "SIP/2.0/UDP h"), ("Event", "x")]
    {
        let message = work(header, with(header, &format!("{start}{params};tag=last"))).unwrap();
        if header == "From" {
            assert_eq!(message.from().unwrap().tag(), Some("last"));
        }
    }
    let uri = format!("sip:a@b{params}");
    work("Request-URI", format!("INVITE {uri} SIP/2.0\r\n\r\n"));
    let uri = Uri::parse(&uri).unwrap();
    assert!(uri.is_equivalent(&uri));
    let digest: String = (0..100_000).map(|i| format!(", p{i}=\"v\"")).collect();
    work("challenge", with("WWW-Authenticate", &format!("Digest realm=\"x\"{digest}")));
    work("challenges", with("WWW-Authenticate", &"Digest a=b, ".repeat(100_000)));
}

/// Two parts that are long each, where one must not be read again for every piece of the other.
#[test]
fn two_long_parts_do_not_multiply() {
    let long = "x".repeat(1 << 20);
    let zeros = "0".repeat(1 << 20);
    let lines = |line: &str| line.repeat(50_000);
    let stars = "*,".repeat(50_000);
    for (what, method, uri, headers) in [
        ("Contacts", "INVITE", &*long, format!("m: {}<sip:a@b>\r\n", "<sip:a@b>,".repeat(50_000))),
        ("Contact lines", "INVITE", &long, lines("m: <sip:a@b>\r\n")),
        ("* and Request-URI", "REGISTER", &long, format!("m: {stars}*\r\nExpires: 0\r\n")),
        ("* and Expires", "REGISTER", "b", format!("m: {stars}*\r\nExpires: {zeros}\r\n")),
        ("* lines", "REGISTER", &long, format!("Expires: {zeros}\r\n{}", lines("m: *\r\n"))),
        ("From lines", "BYE", &long, lines("f: <sip:a@b>\r\n")),
        ("To lines", "BYE", &long, lines("t: <sip:a@b>\r\n")),
        ("Vias", "INVITE", &long, lines("v: SIP/2.0/UDP a;branch=x,SIP/2.0/UDP b\r\n")),
        ("routes", "INVITE", &long, lines("Route: <sip:a@b>, sip:c\r\n")),
        ("credentials", "INVITE", &long, lines("Authorization: Digest uri=\"sip:a\"\r\n")),
        ("Dates", "INVITE", &long, {
            let dates = lines("Date: Sat, 13 Nov 2010 23:29:00 GMT\r\n");
            format!("{dates}Identity: {long}\r\n")
        }),
        ("lengths", "INVITE", &long, lines("l: 0\r\n")),
        ("option tags", "INVITE", &long, lines("Require: a, b\r\n")),
    ] {
        work(what, format!("{method} sips:{uri} SIP/2.0\r\n{headers}\r\n"));
    }
}

#[test]
fn a_megabyte_of_folds_is_linear() {
    for fold in ["\r\n ", "\r\n x", "\n\t"] {
        let message = work("folds", with("Subject", &fold.repeat((1 << 20) / fold.len()))).unwrap();
        assert_eq!(message.headers().len(), 1);
    }
    work("a folded list", with("Via", &"SIP/2.0/UDP\r\n h,\r\n ".repeat(50_000)));
}

#[test]
fn nothing_that_opens_or_repeats_without_end_is_quadratic() {
    let names = [
        "Accept",
        "Authorization",
        "Call-ID",
        "Contact",
        "Content-Length",
        "Content-Type",
        "CSeq",
        "Date",
        "Event",
        "From",
        "In-Reply-To",
        "Reason",
        "Replaces",
        "Require",
        "Retry-After",
        "Route",
        "Session-Expires",
        "Subscription-State",
        "Via",
        "Warning",
        "WWW-Authenticate",
    ];
    let pieces = [
        "\"",
        "\\\"",
        "\"\\",
        "(",
        "()",
        "<",
        "<>",
        ",",
        ", ",
        ";",
        ";\"",
        "=",
        "%",
        "a ",
        "a=\"b,",
        "<sip:a@b>,",
        "sip:",
        "@",
        "[",
        ":",
        "\"a\" ",
        "1",
    ];
    for name in names {
        for piece in pieces {
            let value = piece.repeat(30_000 / piece.len());
            work(&format!("{name}: {piece}…"), with(name, &value));
            if piece == "\"" {
                work(&format!("{name}: \"…"), with(name, &format!("\"{}", "\\\"".repeat(15_000))));
            }
        }
    }
    for piece in pieces {
        let value = piece.repeat(30_000 / piece.len());
        work(piece, format!("INVITE sip:{value} SIP/2.0\r\n\r\n"));
        work(piece, format!("INVITE sip:a@b SIP/2.0\r\n{value}\r\n\r\n"));
        assert_eq!(syntax::unquote(&syntax::quote(&value)), value);
    }
    for piece in ["\r\n", "\n", "\r", "\r\n\r\n", "--b\r\n", "\0"] {
        work(piece, piece.repeat(100_000));
        work(piece, with("c", "multipart/mixed;boundary=b") + &piece.repeat(100_000));
    }
}

#[test]
fn multipart_bodies_are_entered_as_deep_as_the_limit() {
    let mut body = String::from("x");
    for depth in 0..200 {
        body = format!(
            "--b{depth}\r\nContent-Type: multipart/x;boundary=b{}\r\n\r\n{body}\r\n--b{depth}--",
            depth - 1
        );
    }
    let media = MediaType::parse("multipart/x;boundary=b199").unwrap();
    let error = multipart::parts(media, body.as_bytes(), 8).unwrap_err();
    assert_eq!(error, multipart::PartsError::TooDeep { limit: 8 });
    work("nesting", with("c", "multipart/x;boundary=b199") + &body);
}

#[test]
fn a_stream_of_single_bytes_is_not_searched_again_and_again() {
    let head = with("l: 0\r\nSubject", &"x\r\n ".repeat(500_000));
    let text = head + "\r\n\r\n";
    let mut framer = Framer::new(Limits::NONE);
    let mut frames = Vec::new();
    for byte in text.as_bytes() {
        framer.push(&[*byte]);
        while let Some(frame) = framer.frame().unwrap() {
            frames.push(frame);
        }
    }
    assert_eq!(frames.len(), 3);
    assert!(matches!(&frames[0], Frame::Message(bytes) if bytes.len() == text.len() - 4));
}

#[test]
fn each_limit_has_an_error_of_its_own() {
    let read = |text: String| Message::read(text.into()).map(drop).unwrap_err();
    let start = "INVITE sip:a@b SIP/2.0\r\n".len();
    assert_eq!(
        read(with("Subject", &"x".repeat(5 << 20))),
        ReadError::TooLarge { size: (5 << 20) + start + 13, limit: 4 << 20 }
    );
    assert_eq!(
        read(with("Subject", &"x".repeat(1 << 20))),
        ReadError::LineTooLong { offset: start, limit: 64 << 10 }
    );
    assert_eq!(
        read(with("Subject", &"x\r\n ".repeat(1 << 18))),
        ReadError::LineTooLong { offset: start, limit: 64 << 10 }
    );
    assert_eq!(
        read(format!("INVITE sip:{} SIP/2.0\r\n\r\n", "x".repeat(70_000))),
        ReadError::LineTooLong { offset: 0, limit: 64 << 10 }
    );
    assert_eq!(
        read(format!("INVITE sip:a@b SIP/2.0\r\n{}\r\n", "a: b\r\n".repeat(1025))),
        ReadError::TooManyHeaders { offset: start + 6 * 1024, limit: 1024 }
    );
    assert_eq!(
        read(with("Via", &";a".repeat(2000))),
        ReadError::TooManyParameters { offset: start, limit: 1024 }
    );
    assert!(Message::read(with("Via", &";a".repeat(1024)).into()).is_ok());
}

#[test]
fn numbers_never_overflow() {
    for digits in
        ["18446744073709551616", "99999999999999999999999999", "-1", "+1", "0x10", "1e9", ""]
    {
        for name in [
            "Content-Length",
            "CSeq",
            "Max-Forwards",
            "Expires",
            "Min-Expires",
            "RSeq",
            "RAck",
            "Retry-After",
            "Session-Expires",
            "Min-SE",
            "Warning",
            "Flow-Timer",
        ] {
            let known = HeaderName::from_bytes(name.as_bytes());
            let mut values = vec![digits.to_owned()];
            if !digits.is_empty() {
                values.extend([format!("{digits} INVITE"), format!("1 {digits} INVITE")]);
            }
            for value in values {
                assert!(header::check(known, &value).is_err(), "{name}: {value}");
                work(name, with(name, &value));
            }
        }
    }
}
