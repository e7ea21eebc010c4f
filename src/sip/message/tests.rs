use super::*;

fn read(text: &str) -> Result<Message, ReadError> {
    Message::read(Bytes::copy_from_slice(text.as_bytes()))
}

#[test]
fn a_request_is_indexed_and_kept() {
    let text = "INVITE sip:bob@b.test SIP/2.0\r\nv: SIP/2.0/UDP h;branch=z9hG4bK1\r\nVia: SIP/2.0/UDP i\r\n\
                FROM : <sip:a@a>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: x@y\r\nCSeq: 1\r\n INVITE\r\n\
                Subject:\r\nl: 3\r\n\r\nabcdef";
    let message = read(text).unwrap();
    assert_eq!(message.bytes(), text.as_bytes());
    assert_eq!(message.method(), Some(Method::Invite));
    assert_eq!(message.request_uri(), Some("sip:bob@b.test"));
    let essentials = message.essentials().unwrap();
    assert_eq!(essentials.via.branch(), Some("z9hG4bK1"));
    assert_eq!(essentials.from.tag(), Some("1"));
    assert_eq!(essentials.cseq.number, 1);
    assert_eq!(message.list(HeaderName::Via).count(), 2);
    assert_eq!(message.header(HeaderName::Subject).unwrap().value, b"");
    assert_eq!(&message.body()[..], b"abc");
}

#[test]
fn a_response_without_content_length_has_the_rest_as_its_body() {
    let message = read("SIP/2.0 200 OK\r\nVia: SIP/2.0/WS h\r\n\r\nv=0\r\n").unwrap();
    assert_eq!(message.status(), Some(StatusCode::OK));
    assert_eq!(message.reason_phrase(), "OK");
    assert_eq!(&message.body()[..], b"v=0\r\n");
}

#[test]
fn what_cannot_be_read_says_why() {
    for (text, error) in [
        ("", ReadError::Empty),
        ("\r\n\r\n", ReadError::Empty),
        ("\0", ReadError::BadStartLine { offset: 0 }),
        ("\r\nhello\r\n\r\n", ReadError::BadStartLine { offset: 2 }),
    ] {
        assert_eq!(read(text).unwrap_err(), error, "{text:?}");
    }
}

#[test]
fn a_doubtful_extent_is_kept_with_its_defect() {
    let length = HeaderName::ContentLength;
    for (text, name, problem) in [
        (
            "OPTIONS sip:a SIP/2.0\r\nTo: x\r\n",
            HeaderName::Malformed,
            HeaderProblem::NoEndOfHeaders,
        ),
        (
            "OPTIONS sip:a SIP/2.0\r\nl: 5\r\n\r\nabc",
            length,
            HeaderProblem::BodyTooShort { expected: 5, found: 3 },
        ),
        (
            "OPTIONS sip:a SIP/2.0\r\nl: 18446744073709551615\r\n\r\n",
            length,
            HeaderProblem::BodyTooShort { expected: u64::MAX, found: 0 },
        ),
        (
            "OPTIONS sip:a SIP/2.0\r\nl: -1\r\n\r\n",
            length,
            HeaderProblem::BadNumber { max: u64::MAX },
        ),
        (
            "OPTIONS sip:a SIP/2.0\r\nl: 1\r\nContent-Length: 2\r\n\r\nab",
            length,
            HeaderProblem::Repeated,
        ),
    ] {
        let message = read(text).unwrap();
        assert_eq!(message.bytes(), text, "{text:?}");
        let defect = message.defect().unwrap();
        assert_eq!((defect.name, defect.problem), (name, problem), "{text:?}");
        assert_eq!(message.essentials().unwrap_err(), defect);
    }
    assert_eq!(read("OPTIONS sip:a SIP/2.0\r\nl: 1\r\nl:01\r\n\r\na").unwrap().defect(), None);
    let open = read("OPTIONS sip:a SIP/2.0\r\nTo: x\r\n").unwrap();
    let sentence = open.defect().unwrap().to_string();
    assert_eq!(sentence, "no empty line ends the headers (at offset 30 of the message)");
}

#[test]
fn two_call_ids_cannot_be_acted_on() {
    let message = read(
        "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@a>\r\nTo: <sip:b@b>\r\n\
         CSeq: 1 OPTIONS\r\nCall-ID: a\r\ni: b\r\n\r\n",
    )
    .unwrap();
    assert_eq!(message.essentials().unwrap_err().problem, HeaderProblem::Repeated);
    assert_eq!(message.call_id(), Ok("a"));
}

#[test]
fn folds_are_kept_and_can_be_unfolded() {
    let message = read("OPTIONS sip:a SIP/2.0\r\nSubject: a\r\n  b \n\tc\r\n\r\n").unwrap();
    let subject = message.header(HeaderName::Subject).unwrap();
    assert_eq!(subject.value, b"a\r\n  b \n\tc");
    assert_eq!(subject.unfolded(), "a b c");
}

#[test]
fn a_fold_before_the_colon_makes_no_name() {
    let message = read("OPTIONS sip:a SIP/2.0\r\nTo\r\n : <sip:b@b>\r\nFrom: <sip:a@a>\r\n\r\n");
    let names: Vec<HeaderName> = message.unwrap().headers().map(|header| header.name).collect();
    assert_eq!(names, [HeaderName::Malformed, HeaderName::From]);
}

#[test]
fn one_bad_header_costs_that_header_only() {
    let message = Message::read(Bytes::from_static(
        b"OPTIONS sip:a SIP/2.0\r\nno colon here\r\nSubject: \xff\r\n: x\r\nTo: <sip:b@b>\r\n\r\n",
    ))
    .unwrap();
    assert_eq!(message.headers().next().unwrap().name, HeaderName::Malformed);
    assert!(message.header(HeaderName::Subject).unwrap().text().is_err());
    assert_eq!(message.to().unwrap().uri().as_str(), "sip:b@b");
}

/// A stream was framed without a length that the reader then saw: only blanks may stand
/// before the colon.
#[test]
fn a_bare_cr_before_the_colon_is_part_of_the_name() {
    let message = read("OPTIONS sip:a SIP/2.0\nl\r: 3\r\nl \t: 0\r\n x: y\r\n\r\n").unwrap();
    let names: Vec<_> = message.headers().map(|header| header.name).collect();
    assert_eq!(names, [HeaderName::Extension, HeaderName::ContentLength]);
    let first = read("OPTIONS sip:a SIP/2.0\r\n l: 3\r\n\r\n").unwrap();
    assert_eq!(first.headers().next().unwrap().name, HeaderName::Malformed);
}

#[test]
fn limits_are_named() {
    let limits = Limits { message: 100, headers: 2, line: 40, parameters: 3, ..Limits::default() };
    let read = |text: &str| Message::read_with(Bytes::copy_from_slice(text.as_bytes()), &limits);
    let many = "OPTIONS sip:a SIP/2.0\r\na: 1\r\na: 1\r\na: 1\r\n\r\n";
    assert_eq!(read(many).unwrap_err(), ReadError::TooManyHeaders { offset: 35, limit: 2 });
    let long = format!("OPTIONS sip:a SIP/2.0\r\na: {}\r\n\r\n", "x".repeat(50));
    assert_eq!(read(&long).unwrap_err(), ReadError::LineTooLong { offset: 23, limit: 40 });
    let params = "OPTIONS sip:a SIP/2.0\r\na: ;;;\r\nb: ;;;;\r\n\r\n";
    assert_eq!(read(params).unwrap_err(), ReadError::TooManyParameters { offset: 31, limit: 3 });
    let large = "x".repeat(101);
    assert_eq!(read(&large).unwrap_err(), ReadError::TooLarge { size: 101, limit: 100 });
}
