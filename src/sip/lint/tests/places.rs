//! Findings point at what is to blame, in characters.

use super::*;

/// Asserts that the rule is tripped once, right where `culprit` stands for the last time.
fn points_at(rule: Rule, text: &str, culprit: &str) {
    let found = findings(text.as_bytes());
    let of_rule: Vec<_> = found.iter().filter(|finding| finding.rule == rule).collect();
    assert_eq!(of_rule.len(), 1, "{found:?}");
    let offset = text.rfind(culprit).expect("the culprit is in the text");
    assert_eq!(&text[of_rule[0].offset..][..culprit.len()], culprit, "{rule}");
    assert_eq!(of_rule[0].offset, offset, "{rule}");
    let line = &text[..offset].rsplit('\n').next().unwrap();
    assert_eq!(of_rule[0].column, line.chars().count() + 1, "{rule}");
}

#[test]
fn a_finding_inside_a_value_points_at_the_culprit() {
    for (rule, text, culprit) in [
        (Rule::ContactQ, request(":5062>", ":5062>;expires=1;q=1.5"), "1.5"),
        (Rule::ContactQ, request(":5062>", ":5062>;q"), "q\r\n"),
        (Rule::ContactExpires, request(":5062>", ":5062>;expires=soon"), "soon"),
        (Rule::TagMalformed, request(";tag=1", ";x=1;tag=[1]"), "[1]"),
        (Rule::TagMalformed, request(";tag=1", ";tag="), "\r\nTo:"),
        (Rule::ReceivedInvalid, request(";rport", ";received=h.test"), "h.test"),
        (Rule::ReceivedBrackets, request(";rport", ";received=[::1]"), "[::1]"),
        (Rule::RportInvalid, request(";rport", ";rport=70000"), "70000"),
        (Rule::TtlInvalid, request(";rport", ";ttl=256"), "256"),
        (Rule::TtlInvalid, request(";rport", ";ttl"), "ttl"),
        (Rule::BranchCookie, request("z9hG4bKx1", "x1"), "x1;rport"),
        (Rule::TransportUnknown, request("2.0/UDP", "2.0/CAT"), "CAT"),
        (Rule::ViaBroadcast, request("UDP a.test", "UDP 255.255.255.255"), "255.255.255.255"),
        (Rule::EssentialUnreadable, request("UDP a.test", "UDP a.test:99999"), "99999"),
        (Rule::EssentialUnreadable, request("UDP a.test", "UDP a.test : x"), "x;branch"),
        (Rule::EssentialUnreadable, request("7 INVITE", "7 <INVITE>"), "<INVITE>"),
        (Rule::CSeqMethod, request("7 INVITE", "7 BYE"), "BYE"),
        (Rule::ContactCount, request("<sip:alice@a.test:5062>", "<sip:a@b>, <sip:c@b>"), "<sip:c"),
        (Rule::ViaSeparators, request(";rport", ";rport;;x"), ";;x"),
    ] {
        points_at(rule, &text, culprit);
    }
}

#[test]
fn a_value_that_cannot_be_read_is_told_the_section_of_its_header() {
    for (line, section) in [
        ("Session-Expires: soon", "RFC 4028 §4"),
        ("Privacy: id, user", "RFC 3323 §4.2"),
        ("RAck: 1", "RFC 3262 §7.2"),
        ("Event: ", "RFC 6665 §8.2.1"),
        ("Replaces: a@b", "RFC 3891 §6.1"),
        ("Reason: ;cause=1", "RFC 3326 §2"),
        ("Refer-To: <sip:a@b", "RFC 3515 §2.1"),
        ("Path: <sip:a@b", "RFC 3327 §4"),
        ("Route: <sip:a@b", "RFC 3261 §20.34"),
    ] {
        let found = findings(with(line).as_bytes());
        let unreadable = [Rule::EssentialUnreadable, Rule::HeaderUnreadable];
        let found: Vec<_> = found.iter().filter(|f| unreadable.contains(&f.rule)).collect();
        assert_eq!(found.len(), 1, "{line}");
        assert_eq!(found[0].section, section, "{line}");
    }
}

#[test]
fn an_empty_contact_is_wrong_in_one_way() {
    let found = findings(request("Contact: <sip:alice@a.test:5062>", "Contact:").as_bytes());
    let rules: Vec<_> = found.iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, [Rule::EssentialUnreadable]);
}

#[test]
fn an_ack_may_bring_what_the_invite_required() {
    let text = method("ACK").replace("Max-F", "Require: uui\r\nMax-F");
    assert!(!trips(Rule::RequireMisplaced, &text) && !trips(Rule::OptionTagUnknown, &text));
}

#[test]
fn a_via_that_is_right_has_no_finding_for_its_port_and_ttl() {
    for via in ["UDP a.test:65535;branch=z9hG4bK1;ttl=255", "UDP a.test : 1;branch=z9hG4bK1;ttl=0"]
    {
        let found = findings(request("UDP a.test;branch=z9hG4bKx1", via).as_bytes());
        assert_eq!(found, [], "{via}");
    }
}

#[test]
fn columns_count_characters_and_not_bytes() {
    points_at(Rule::TagMalformed, &request("\"Alice\"", "\"日本語\"").replace("=1\r", "=[\r"), "[");
    points_at(
        Rule::ContactQ,
        &request("<sip:alice@", "\"é\" <sip:alice@").replace("62>", "62>;q=2"),
        "2",
    );
    let plain = findings(request(";tag=1", ";tag=[").as_bytes());
    assert_eq!(plain[0].column, "From: \"Alice\" <sip:alice@a.test>;tag=".len() + 1);
}

#[test]
fn several_findings_of_one_line_each_have_their_column() {
    let line = with("Require: foo, bar").replace(":5062>", ":5062>;q=2;x=äö;expires=z");
    let found = findings(line.as_bytes());
    let places: Vec<_> = found.iter().map(|finding| (finding.line, finding.column)).collect();
    assert_eq!(places, [(4, 10), (4, 15), (9, 36), (9, 38), (9, 51)], "{found:?}");
}

#[test]
fn what_is_no_utf_8_counts_as_what_is_shown_for_it() {
    let mut text = with("Subject: ab??c\u{7}").into_bytes();
    for byte in text.iter_mut().filter(|byte| **byte == b'?') {
        *byte = 0xff;
    }
    let found = findings(&text);
    let at = |rule| found.iter().find(|finding| finding.rule == rule).unwrap().column;
    assert_eq!((at(Rule::NotUtf8), at(Rule::ControlCharacter)), (12, 15));
}

#[test]
fn a_request_within_a_dialog_without_a_to_tag_is_told_the_section() {
    for (name, section) in [
        ("ACK", "RFC 3261 §17.1.1.3"),
        ("BYE", "RFC 3261 §15.1.1"),
        ("INFO", "RFC 6086 §4"),
        ("NOTIFY", "RFC 6665 §4.4.1"),
        ("PRACK", "RFC 3262 §4"),
        ("UPDATE", "RFC 3311 §5.1"),
    ] {
        let text = method(name);
        let found = findings(text.as_bytes());
        let finding = found.iter().find(|finding| finding.rule == Rule::DialogTagMissing);
        let finding = finding.unwrap_or_else(|| panic!("{name}: {found:?}"));
        assert_eq!(finding.section, section, "{}", finding.message);
        let tagged = text.replace("<sip:bob@b.test>\r\n", "<sip:bob@b.test>;tag=2\r\n");
        assert!(!trips(Rule::DialogTagMissing, tagged), "{name}");
    }
    for name in ["INVITE", "SUBSCRIBE", "MESSAGE", "CANCEL", "OPTIONS"] {
        assert!(!trips(Rule::DialogTagMissing, method(name)), "{name}");
    }
}

#[test]
fn values_of_headers_that_are_seldom_are_looked_at() {
    for (bad, good) in [
        ("Alert-Info: ring", "Alert-Info: <urn:alert:ring>"),
        ("Diversion: <sip:a@b.test", "Diversion: <sip:a@b.test>;reason=no-answer"),
        ("Join: a@b;to-tag=1", "Join: a@b;to-tag=1;from-tag=2"),
        ("MIME-Version: one", "MIME-Version: 1.0"),
        ("Priority: not so urgent", "Priority: non-urgent"),
        ("Privacy: id,user", "Privacy: id;user"),
        ("Timestamp: now", "Timestamp: 54.21"),
    ] {
        assert!(trips(Rule::HeaderUnreadable, with(bad)), "{bad}");
        assert_eq!(findings(with(good).as_bytes()), [], "{good}");
    }
}

#[test]
fn each_semicolon_too_many_has_its_place() {
    let (text, start) = value("To", "<sip:a@b>;a;;b;;c;");
    let found = findings(text.as_bytes());
    let places: Vec<_> = found.iter().map(|found| (found.rule, found.offset - start)).collect();
    assert_eq!(places, [11, 14, 17].map(|at| (Rule::EmptyParameter, at)));
    assert_eq!(findings(value("To", "<sip:a@b>;a;b;c").0.as_bytes()), []);
}

#[test]
fn a_line_that_begins_with_its_colon_is_no_header_from_there_on() {
    let found = findings(with(": novalue").as_bytes());
    assert_eq!((found[0].rule, found[0].line, found[0].column), (Rule::NotAHeader, 4, 1));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(findings(with("X-A: novalue").as_bytes()), []);
}

#[test]
fn a_finding_cites_the_section_that_it_stands_on() {
    let section = |text: String, rule| {
        let found = findings(text.as_bytes());
        let finding = found.iter().find(|finding| finding.rule == rule);
        finding.unwrap_or_else(|| panic!("{rule}: {found:?}")).section
    };
    let nameless = |text: &str| text.replace("Contact: ", "X: ");
    assert_eq!(section(nameless(RESPONSE), Rule::ContactMissingInAccept), "RFC 3261 §12.1.1");
    assert_eq!(section(nameless(REQUEST), Rule::ContactMissing), "RFC 3261 §8.1.1.8");
    for protocol in ["HTTP/1.1/TCP", "SIP/3.0/UDP"] {
        let text = request("SIP/2.0/UDP", protocol);
        assert_eq!(section(text, Rule::EssentialUnreadable), "RFC 3261 §8.1.1.7", "{protocol}");
    }
    let many = with(&["X: y"; 2_000].join("\r\n"));
    let long = with(&format!("X: {}", "y".repeat(70_000)));
    for text in [many, long] {
        assert_eq!(section(text, Rule::OverLimit), "RFC 3261 §21.4.1");
    }
    let uri = request("sip:bob", &format!("sip:{}", "b".repeat(70_000)));
    assert_eq!(section(uri, Rule::OverLimit), "RFC 3261 §21.4.12");
    let limits = Limits { message: 100, ..Limits::default() };
    let options = Options { limits, now: None };
    let found = lint(REQUEST.into(), &options).findings;
    assert_eq!((found[0].rule, found[0].section), (Rule::OverLimit, "RFC 3261 §21.5.7"));
}

#[test]
fn what_is_said_is_said_right() {
    let found = findings(request("UDP a.test", "UDP [::1").as_bytes());
    assert_eq!(found[0].rule, Rule::EssentialUnreadable);
    assert!(!found[0].message.contains("URI"), "{}", found[0].message);
    let text = status(407).replace("Contact", "Proxy-Authenticate:\r\nContact");
    let found = findings(text.as_bytes());
    let missing = found.iter().find(|f| f.rule == Rule::ChallengeMissing).expect("it is empty");
    assert!(missing.message.ends_with("and not an empty one"), "{}", missing.message);
    for (name, article) in [("ACK", "an "), ("INFO", "an "), ("UPDATE", "an "), ("BYE", "a ")] {
        let found = findings(method(name).as_bytes());
        let tag = found.iter().find(|f| f.rule == Rule::DialogTagMissing).expect("it has no tag");
        assert!(tag.message.starts_with(article), "{}", tag.message);
    }
}

#[test]
fn a_reason_phrase_is_blamed_for_the_first_character_that_must_be_escaped() {
    for (reason, column) in [
        ("100%", 16),
        ("a%2", 14),
        ("\"OK\"", 13),
        ("<OK>", 13),
        ("a\\b", 14),
        ("{x}", 13),
        ("[x]", 13),
        ("\u{e9}#b", 14),
        ("a `", 15),
        ("a^", 14),
        ("a|", 14),
    ] {
        let found = findings(response("200 OK", &format!("200 {reason}")).as_bytes());
        assert_eq!(found.len(), 1, "{reason}: {found:?}");
        let place = (found[0].rule, found[0].line, found[0].column);
        assert_eq!(place, (Rule::ReasonPhraseCharacter, 1, column), "{reason}");
    }
}
