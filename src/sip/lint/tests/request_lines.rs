//! Request lines that no server takes: the rest of the message is looked at all the same.

use super::*;

/// What is found in the request with another request line: rule and column.
fn found(line: &[u8]) -> Vec<(Rule, usize, usize)> {
    let rest = REQUEST.split_once("\r\n").expect("a request has lines").1;
    let bytes = [line, b"\r\n", rest.as_bytes()].concat();
    let report = lint(bytes.into(), &Options::default());
    assert!(report.is_usable(), "{}", String::from_utf8_lossy(line));
    assert!(report.message.is_ok_and(|message| message.headers().len() > 5));
    report.findings.iter().map(|found| (found.rule, found.line, found.column)).collect()
}

#[test]
fn a_flaw_in_the_request_line_is_an_error_at_its_place() {
    let cases: [(&[u8], Rule, usize); 14] = [
        (b"INVITE sip:\xe9@b.test SIP/2.0", Rule::RequestUri, 12),
        (b"INVITE sip:b.test SIP/2.0\xff", Rule::Version, 26),
        (b"INVITE\tsip:b.test SIP/2.0", Rule::StartLineSpaces, 7),
        (b"INVITE sip:b.test\tSIP/2.0", Rule::StartLineSpaces, 18),
        (b"INVITE sip:b.test SIP/2.0\t", Rule::StartLineSpaces, 26),
        (b"  INVITE sip:b.test SIP/2.0", Rule::StartLineSpaces, 1),
        (b"INVITE sip:b.test; lr SIP/2.0", Rule::RequestUri, 19),
        (b"INVITE SIP/2.0", Rule::RequestUri, 8),
        (b"INVITE sip:b.test", Rule::Version, 18),
        (b"INVITE sip:b.test HTTP/1.1", Rule::Version, 19),
        (b"INVITE sip:b.test SIP/7.0", Rule::Version, 19),
        (b"INVITE sip:2001:db8::10 SIP/2.0", Rule::UriHost, 12),
        (b"INVITE sip:b@2001:db8::10;lr SIP/2.0", Rule::UriHost, 14),
        (b"INVITE sip:b.test?Route=x SIP/2.0", Rule::RequestUriHeaders, 18),
    ];
    for (line, rule, column) in cases {
        assert_eq!(found(line), [(rule, 1, column)], "{}", String::from_utf8_lossy(line));
    }
    assert_eq!(found(b"INVITE sip:b.test SIP/2.0"), []);
}

#[test]
fn a_method_that_is_not_utf_8_is_no_token_and_no_method_of_a_cseq() {
    let found = found(b"INV\xc3\xa9\xffITE sip:b.test SIP/2.0");
    assert_eq!(found, [(Rule::MethodToken, 1, 5), (Rule::CSeqMethod, 7, 9)]);
}
