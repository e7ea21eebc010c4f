//! Each rule with a message that trips it and one, as close as can be, that does not.

mod cases;
mod credentials;
mod grammar;
mod places;
mod request_lines;
mod uris;

use super::*;
use crate::sip::MessageBuilder;
use cases::cases;

/// 2010-11-13 23:29:00 GMT.
const NOW: u64 = 1_289_690_940;

fn findings(text: &[u8]) -> Vec<Finding> {
    let options = Options { now: Some(NOW), limits: Limits { nesting: 2, ..Limits::default() } };
    lint(Bytes::copy_from_slice(text), &options).findings
}

fn trips(rule: Rule, text: impl AsRef<[u8]>) -> bool {
    findings(text.as_ref()).iter().any(|finding| finding.rule == rule)
}

/// A request in which nothing is wrong.
const REQUEST: &str = "INVITE sip:bob@b.test SIP/2.0\r\n\
    Via: SIP/2.0/UDP a.test;branch=z9hG4bKx1;rport\r\n\
    Max-Forwards: 70\r\n\
    From: \"Alice\" <sip:alice@a.test>;tag=1\r\n\
    To: <sip:bob@b.test>\r\n\
    Call-ID: 1@a.test\r\n\
    CSeq: 7 INVITE\r\n\
    Contact: <sip:alice@a.test:5062>\r\n\
    Content-Type: application/sdp\r\n\
    Content-Length: 5\r\n\
    \r\n\
    v=0\r\n";

/// A response in which nothing is wrong.
const RESPONSE: &str = "SIP/2.0 200 OK\r\n\
    Via: SIP/2.0/UDP a.test;branch=z9hG4bKx1;received=192.0.2.1;rport=5062\r\n\
    From: <sip:alice@a.test>;tag=1\r\n\
    To: <sip:bob@b.test>;tag=2\r\n\
    Call-ID: 1@a.test\r\n\
    CSeq: 7 INVITE\r\n\
    Contact: <sip:bob@b.test>\r\n\
    Content-Length: 0\r\n\
    \r\n";

/// The request with one piece of its text exchanged.
fn request(from: &str, to: &str) -> String {
    assert!(REQUEST.contains(from), "{from:?} is not in the request");
    REQUEST.replacen(from, to, 1)
}

fn response(from: &str, to: &str) -> String {
    assert!(RESPONSE.contains(from), "{from:?} is not in the response");
    RESPONSE.replacen(from, to, 1)
}

/// The request with one more header.
fn with(line: &str) -> String {
    request("Max-Forwards: 70\r\n", &format!("Max-Forwards: 70\r\n{line}\r\n"))
}

/// The response with one more header.
fn response_with(line: &str) -> String {
    response("Contact:", &format!("{line}\r\nContact:"))
}

/// The request with another value of that header, and where the value begins.
fn value(name: &str, value: &str) -> (String, usize) {
    let head = format!("\r\n{name}: ");
    let text = match REQUEST.find(&head) {
        Some(start) => {
            let start = start + head.len();
            let end = start + REQUEST[start..].find("\r\n").expect("lines end");
            format!("{}{value}{}", &REQUEST[..start], &REQUEST[end..])
        }
        None => with(&format!("{name}: {value}")),
    };
    let offset = text.find(&head).expect("it was put in") + head.len();
    (text, offset)
}

/// A value of a header that breaks a rule, what is to blame, and the same value put right.
struct Row {
    rule: Rule,
    section: &'static str,
    bad: &'static str,
    culprit: &'static str,
    good: &'static str,
}

/// Asserts that the bad value has that one finding above a note, at its culprit, and the good one
/// has none.
fn holds(header: &str, row: &Row) {
    let grave = |text: &str| -> Vec<Finding> {
        let all = findings(text.as_bytes()).into_iter();
        all.filter(|finding| finding.severity() > Severity::Note).collect()
    };
    let (text, start) = value(header, row.bad);
    let found = grave(&text);
    let rules: Vec<_> = found.iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, [row.rule], "{header}: {}\n{found:#?}", row.bad);
    let within = row.bad.rfind(row.culprit).expect("the culprit is in the value");
    assert_eq!(found[0].offset, start + within, "{header}: {}\n{found:#?}", row.bad);
    assert_eq!(found[0].section, row.section, "{header}: {}", row.bad);
    assert_eq!(found[0].header.as_deref(), Some(header), "{}", row.bad);
    let line = text[..start + within].rsplit('\n').next().expect("a line");
    assert_eq!(found[0].column, line.chars().count() + 1, "{header}: {}", row.bad);
    assert_eq!(grave(&value(header, row.good).0), [], "{header}: {}", row.good);
}

/// The request as another method.
fn method(name: &str) -> String {
    REQUEST.replace("INVITE", name)
}

/// The response with another status.
fn status(code: u16) -> String {
    response("200 OK", &format!("{code} X"))
}

/// The request with another type and body.
fn body(media: &str, body: &str) -> String {
    request("application/sdp", media)
        .replace("Content-Length: 5", &format!("Content-Length: {}", body.len()))
        .replace("v=0\r\n", body)
}

#[test]
fn each_rule_trips_on_the_message_that_breaks_it_and_not_on_its_neighbour() {
    for (rule, bad, good) in cases() {
        assert!(trips(rule, &bad), "{rule} misses\n{}", String::from_utf8_lossy(&bad));
        assert!(!trips(rule, &good), "{rule} trips on\n{}", String::from_utf8_lossy(&good));
    }
}

#[test]
fn every_rule_has_a_case_and_a_name_of_its_own() {
    let elsewhere = grammar::rules().chain(uris::rules()).chain(credentials::rules());
    let cases: Vec<_> = cases().into_iter().map(|(rule, ..)| rule).chain(elsewhere).collect();
    let mut names = std::collections::HashSet::new();
    for &rule in Rule::ALL {
        assert!(cases.contains(&rule), "{rule} has no case");
        assert!(names.insert(rule.name()), "{rule} is there twice");
        assert!(rule.section().starts_with("RFC "), "{rule}");
        assert!(rule.summary().ends_with('.'), "{rule}");
    }
    assert!(names.len() >= 40);
}

#[test]
fn nothing_is_wrong_with_what_is_right() {
    assert_eq!(findings(REQUEST.as_bytes()), []);
    assert_eq!(findings(RESPONSE.as_bytes()), []);
    let built = MessageBuilder::request(&"OPTIONS".parse().unwrap(), "sip:b.test")
        .header(HeaderName::Via, "SIP/2.0/WS x.invalid;branch=z9hG4bK1")
        .header(HeaderName::MaxForwards, 70)
        .header(HeaderName::From, "<sip:a@b>;tag=1")
        .header(HeaderName::To, "<sip:b.test>")
        .header(HeaderName::CallId, "x")
        .header(HeaderName::CSeq, "1 OPTIONS")
        .body(None, b"");
    assert_eq!(findings(&built), []);
}

#[test]
fn a_finding_says_where() {
    let text = with("Subject: fine\r\nExpires:\r\n  soon");
    let found = findings(text.as_bytes());
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].rule, Rule::HeaderUnreadable);
    assert_eq!(found[0].header.as_deref(), Some("Expires"));
    assert_eq!((found[0].line, found[0].column), (6, 3));
    assert_eq!(found[0].offset, text.find("soon").unwrap());

    let text = request("Length: 5", "Length: 50");
    let found = findings(text.as_bytes());
    assert_eq!(found[0].rule.name(), "content-length-too-long");
    assert_eq!((found[0].line, found[0].column), (10, 17));
    assert_eq!(found[0].offset, text.find("50\r\n\r\n").unwrap());
}

#[test]
fn what_cannot_be_read_has_a_place_too() {
    let long = with(&format!("X-A: {}", "x".repeat(70_000)));
    let found = findings(long.as_bytes());
    assert_eq!((found[0].rule, found[0].line, found[0].column), (Rule::OverLimit, 4, 1));
    let found = findings(b"\r\n\r\nhello\r\n");
    assert_eq!((found[0].rule, found[0].line, found[0].offset), (Rule::Unreadable, 3, 4));
}

#[test]
fn what_is_said_is_safe_to_print() {
    let text = method("JU\u{1b}[2JMP").replace("Max-F", "X\u{202e}Y: z\r\nMax-F");
    let found = findings(text.as_bytes());
    assert!(found.len() >= 2);
    for finding in found {
        let all = format!("{}{}", finding.message, finding.header.unwrap_or_default());
        assert!(!all.chars().any(crate::sip::escape::is_unsafe), "{all:?}");
    }
}

#[test]
fn a_message_that_is_unusable_has_an_error() {
    for (_, bad, _) in cases() {
        let report = lint(bad.clone().into(), &Options::default());
        if !report.is_usable() {
            assert_eq!(report.worst(), Some(Severity::Error), "{}", String::from_utf8_lossy(&bad));
        }
    }
}

#[test]
fn what_a_rule_finds_too_often_is_counted_and_not_written_out() {
    let line = format!("Require: {}", ["x"; 500].join(","));
    let found = findings(with(&[line.as_str(); 4].join("\r\n")).as_bytes());
    assert_eq!(found.len(), MAX_FINDINGS + 1);
    assert!(found.iter().all(|finding| finding.rule == Rule::OptionTagUnknown));
    assert_eq!(found[MAX_FINDINGS].message, "and 1980 more of the same");
    assert_eq!(found.iter().map(|finding| finding.count).sum::<usize>(), 2000);
    assert!(found.is_sorted_by_key(|finding| finding.offset));

    let exactly = with(&format!("Require: {}", ["x"; MAX_FINDINGS].join(",")));
    assert_eq!(findings(exactly.as_bytes()).len(), MAX_FINDINGS);
}

#[test]
fn the_blank_that_is_too_many_is_what_is_pointed_at() {
    for (line, column) in [
        ("INVITE  sip:bob@b.test SIP/2.0", 8),
        ("INVITE sip:bob@b.test  SIP/2.0", 23),
        ("INVITE sip:bob@b.test SIP/2.0 ", 30),
    ] {
        let found = findings(request("INVITE sip:bob@b.test SIP/2.0", line).as_bytes());
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].rule, found[0].column), (Rule::StartLineSpaces, column), "{line:?}");
    }
}

#[test]
fn an_empty_tag_is_one_finding() {
    let found = findings(request(";tag=1", ";tag=").as_bytes());
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (found[0].rule, found[0].message.as_str()),
        (
            Rule::TagMalformed,
            "tag must be a token (letters, digits and -.!%*_+`'~), and is empty here"
        )
    );
}

#[test]
fn a_control_character_is_told_what_would_help_where_it_stands() {
    for (value, what) in [("a\u{7}", "has no place here"), ("\"a\u{7}\"", "a backslash before it")]
    {
        let found = findings(with(&format!("Subject: {value}")).as_bytes());
        assert!(found[0].message.contains(what), "{found:?}");
    }
}

#[test]
fn a_response_with_a_bad_status_code_is_read_but_nobody_acts_on_it() {
    for (line, column) in
        [("700 x", 9), ("99", 9), ("2000", 9), ("+20", 9), (" 200 OK", 10), ("", 9)]
    {
        let text = response_with("Expires: soon").replace("200 OK", line);
        let report = lint(text.clone().into(), &Options::default());
        let rules: Vec<_> = report.findings.iter().map(|finding| finding.rule).collect();
        assert_eq!(rules, [Rule::StatusCode, Rule::HeaderUnreadable], "{line:?}");
        assert_eq!(report.findings[0].column, column, "{line:?}");
        assert!(!report.is_usable());
        let message = report.message.unwrap();
        assert_eq!((message.status(), message.method()), (None, None));
        assert!(message.essentials().is_err(), "{line:?}");
    }
}

#[test]
fn what_stands_in_a_line_that_is_no_header_names_none() {
    let found = findings(with("no header \u{7}").as_bytes());
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|finding| finding.header.is_none()), "{found:?}");
}
