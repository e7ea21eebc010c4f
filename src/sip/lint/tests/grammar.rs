//! What RFC 3261 §25.1 and its kin say of single values, each with its nearest neighbour.

use super::*;

/// The header, the rule, the section, the value that breaks it, what is to blame, and the value
/// put right.
type Line = (&'static str, Rule, &'static str, &'static str, &'static str, &'static str);

const GRAMMAR: &str = "RFC 3261 §25.1";

const VIAS: &[Line] = {
    use Rule::*;
    const V: &str = "Via";
    &[
        (
            V,
            BranchMalformed,
            "RFC 3261 §8.1.1.7",
            "SIP/2.0/UDP a;branch=z9hG4bK1@x",
            "z9hG4bK1@x",
            "SIP/2.0/UDP a;branch=z9hG4bK1.x",
        ),
        (
            V,
            BranchMalformed,
            "RFC 3261 §8.1.1.7",
            "SIP/2.0/UDP a;branch=z9hG4bK\u{e9}",
            "z9hG4bK\u{e9}",
            "SIP/2.0/UDP a;branch=z9hG4bKe",
        ),
        (
            V,
            SentBy,
            "RFC 3261 §18.1.1",
            "SIP/2.0/UDP a..b;branch=z9hG4bK1",
            "a..b",
            "SIP/2.0/UDP a.b.;branch=z9hG4bK1",
        ),
        (
            V,
            SentBy,
            "RFC 3261 §18.1.1",
            "SIP/2.0/UDP -a;branch=z9hG4bK1",
            "-a",
            "SIP/2.0/UDP a-a;branch=z9hG4bK1",
        ),
        (
            V,
            SentBy,
            "RFC 3261 §18.1.1",
            "SIP/2.0/UDP a_b;branch=z9hG4bK1",
            "a_b",
            "SIP/2.0/UDP a-b;branch=z9hG4bK1",
        ),
        (
            V,
            SentBy,
            "RFC 3261 §18.1.1",
            "SIP/2.0/UDP 1.2.3.256;branch=z9hG4bK1",
            "1.2.3.256",
            "SIP/2.0/UDP 1.2.3.255;branch=z9hG4bK1",
        ),
        (
            V,
            ParameterValue,
            "RFC 3261 §18.1.1",
            "SIP/2.0/UDP a;branch=z9hG4bK1;maddr=a_b!",
            "a_b!",
            "SIP/2.0/UDP a;branch=z9hG4bK1;maddr=[::1]",
        ),
        (
            V,
            ParameterValue,
            "RFC 3261 §18.1.1",
            "SIP/2.0/UDP a;branch=z9hG4bK1;maddr",
            "maddr",
            "SIP/2.0/UDP a;branch=z9hG4bK1;maddr=224.0.1.75",
        ),
        (
            V,
            ReceivedInvalid,
            "RFC 3261 §18.2.1",
            "SIP/2.0/UDP a;branch=z9hG4bK1;received=a.b",
            "a.b",
            "SIP/2.0/UDP a;branch=z9hG4bK1;received=::1",
        ),
        (
            V,
            ReceivedInvalid,
            "RFC 3261 §18.2.1",
            "SIP/2.0/UDP a;branch=z9hG4bK1;received",
            "received",
            "SIP/2.0/UDP a;branch=z9hG4bK1;received=192.0.2.1",
        ),
        (
            V,
            RportInvalid,
            "RFC 3581 §3",
            "SIP/2.0/UDP a;branch=z9hG4bK1;rport=x",
            "x",
            "SIP/2.0/UDP a;branch=z9hG4bK1;rport=9",
        ),
        (
            V,
            TtlInvalid,
            "RFC 3261 §18.1.1",
            "SIP/2.0/UDP a;branch=z9hG4bK1;ttl=256",
            "256",
            "SIP/2.0/UDP a;branch=z9hG4bK1;ttl=255",
        ),
        (
            V,
            ParameterMalformed,
            GRAMMAR,
            "SIP/2.0/UDP a;branch=z9hG4bK1;x=a:b",
            "x=",
            "SIP/2.0/UDP a;branch=z9hG4bK1;x=[::1]",
        ),
    ]
};

const ADDRESSES: &[Line] = {
    use Rule::*;
    &[
        (
            "To",
            DisplayName,
            GRAMMAR,
            "Bob \u{411} <sip:b@c.d>",
            "\u{411}",
            "\"Bob \u{411}\" <sip:b@c.d>",
        ),
        ("To", TagMalformed, "RFC 3261 §19.3", "<sip:b@c.d>;tag", "tag", "<sip:b@c.d>;tag=1"),
        ("From", TagMalformed, "RFC 3261 §19.3", "<sip:b@c.d>;tag", "tag", "<sip:b@c.d>;tag=1"),
        (
            "From",
            TagMalformed,
            "RFC 3261 §19.3",
            "<sip:b@c.d>;tag=\"q\"",
            "\"q",
            "<sip:b@c.d>;tag=q",
        ),
        ("Contact", ContactQ, "RFC 3261 §20.10", "<sip:b@c.d>;q", "q", "<sip:b@c.d>;q=0"),
        (
            "Contact",
            ContactQ,
            "RFC 3261 §20.10",
            "<sip:b@c.d>;q=\"0.5\"",
            "\"0",
            "<sip:b@c.d>;q=0.5",
        ),
        (
            "Contact",
            ContactExpires,
            "RFC 3261 §10.2.1.1",
            "<sip:b@c.d>;expires",
            "expires",
            "<sip:b@c.d>;expires=0",
        ),
        (
            "Contact",
            ParameterValue,
            "RFC 5626 §10",
            "<sip:b@c.d>;reg-id=x",
            "x",
            "<sip:b@c.d>;reg-id=1",
        ),
        (
            "Contact",
            ParameterValue,
            "RFC 5626 §10",
            "<sip:b@c.d>;+sip.instance=x",
            "x",
            "<sip:b@c.d>;+sip.instance=\"<urn:x>\"",
        ),
        (
            "Contact",
            ParameterMalformed,
            GRAMMAR,
            "<sip:b@c.d>;x=<y>",
            "x=",
            "<sip:b@c.d>;x=\"<y>\"",
        ),
        ("Contact", EmptyParameter, GRAMMAR, "<sip:b@c.d>;x=1;;y", ";;", "<sip:b@c.d>;x=1;y"),
        ("Contact", EmptyParameter, GRAMMAR, "<sip:b@c.d>;", ";", "<sip:b@c.d>"),
        (
            "Contact",
            ParameterRepeated,
            "RFC 3261 §7.3.1",
            "<sip:b@c.d>;x;X=1",
            "X",
            "<sip:b@c.d>;x;y=1",
        ),
        (
            "Referred-By",
            ParameterValue,
            "RFC 3892 §3",
            "<sip:b@c.d>;cid=a@b",
            "a@b",
            "<sip:b@c.d>;cid=\"a@b\"",
        ),
        (
            "History-Info",
            ParameterValue,
            "RFC 7044 §5",
            "<sip:b@c.d>;index=a",
            "a",
            "<sip:b@c.d>;index=1.1",
        ),
    ]
};

const VALUES: &[Line] = {
    use Rule::*;
    &[
        (
            "Identity",
            ParameterValue,
            "RFC 8224 §4",
            "eyJ==;info=http://a.b;alg=x",
            "http",
            "eyJ==;info=<http://a.b>;alg=x",
        ),
        (
            "Identity",
            EmptyParameter,
            GRAMMAR,
            "eyJ==;;info=<http://a.b>",
            ";;",
            "eyJ==;info=<http://a.b>",
        ),
        ("Require", HeaderUnreadable, "RFC 3261 §20.32", "", "", "timer"),
        ("Proxy-Require", HeaderUnreadable, "RFC 3261 §20.29", "", "", "timer"),
        ("Unsupported", HeaderUnreadable, "RFC 3261 §20.40", "", "", "x"),
        ("Allow-Events", HeaderUnreadable, "RFC 6665 §8.2.2", "", "", "presence.winfo"),
        ("Allow-Events", HeaderUnreadable, "RFC 6665 §8.2.2", "a, b..c", "b", "a, b.c"),
        ("Accept", HeaderUnreadable, "RFC 3261 §20.1", "a/b, text", "text", "a/b, text/*"),
        ("Accept", ParameterValue, "RFC 3261 §20.1", "a/b;q=2", "2", "a/b;q=1.0"),
        ("Accept-Encoding", ParameterValue, "RFC 3261 §20.2", "gzip;q", "q", "gzip;q=0.1"),
        (
            "Accept-Language",
            HeaderUnreadable,
            "RFC 3261 §20.3",
            "12345678901",
            "12345678901",
            "en, *",
        ),
        ("Accept-Language", ParameterValue, "RFC 3261 §20.3", "en;q=x", "x", "en;q=0.3"),
        ("Content-Language", HeaderUnreadable, "RFC 3261 §20.13", "1 2", "1", "fr"),
        ("Content-Encoding", HeaderUnreadable, "RFC 3261 §20.12", "", "", "gzip"),
        ("Content-Disposition", HeaderUnreadable, "RFC 3261 §20.11", "", "", "session"),
        ("Content-Disposition", HeaderUnreadable, "RFC 3261 §20.11", "a b", "a b", "a;b"),
        (
            "Content-Disposition",
            ParameterValue,
            "RFC 3261 §20.11",
            "session;handling=\"x\"",
            "\"x",
            "session;handling=optional",
        ),
        (
            "Content-Type",
            ParameterMalformed,
            GRAMMAR,
            "application/sdp;charset",
            "charset",
            "application/sdp;charset=x",
        ),
        (
            "Date",
            DateCase,
            "RFC 3261 §20.17",
            "Sat, 13 nov 2010 23:29:00 GMT",
            "Sat",
            "Sat, 13 Nov 2010 23:29:00 GMT",
        ),
        (
            "Date",
            DateInvalid,
            "RFC 3261 §20.17",
            "Sat, 13 Nov 2010 23:29:60 GMT",
            "Sat",
            "Sat, 13 Nov 2010 23:29:59 GMT",
        ),
        ("Event", HeaderUnreadable, "RFC 6665 §8.2.1", "a..b;id=1", "a", "a.b;id=1"),
        ("Event", ParameterValue, "RFC 6665 §8.2.1", "a;id", "id", "a;id=1"),
        (
            "Subscription-State",
            ParameterValue,
            "RFC 6665 §8.2.3",
            "active;expires=x",
            "x",
            "active;expires=1",
        ),
        (
            "Session-Expires",
            ParameterValue,
            "RFC 4028 §4",
            "1800;refresher=me",
            "me",
            "1800;refresher=UAC",
        ),
        ("Reason", ParameterValue, "RFC 3326 §2", "SIP;cause=abc", "abc", "SIP;cause=200"),
        ("Reason", ParameterValue, "RFC 3326 §2", "SIP;text=gone", "gone", "SIP;text=\"gone\""),
        (
            "Replaces",
            ParameterValue,
            "RFC 3891 §6.1",
            "a;to-tag=1;from-tag=\"2\"",
            "\"2",
            "a;to-tag=1;from-tag=2",
        ),
        (
            "Replaces",
            ParameterValue,
            "RFC 3891 §6.1",
            "a;to-tag=1;from-tag=2;early-only=y",
            "y",
            "a;to-tag=1;from-tag=2;early-only",
        ),
        (
            "Join",
            ParameterValue,
            "RFC 3911 §7.1",
            "a<;to-tag=1;from-tag=@",
            "@",
            "a;to-tag=1;from-tag=2",
        ),
        ("SIP-If-Match", HeaderUnreadable, "RFC 3903 §11.3.2", "a b", "a b", "ab"),
        ("SIP-ETag", HeaderUnreadable, "RFC 3903 §11.3.1", "a b", "a b", "ab"),
        ("MIME-Version", HeaderUnreadable, "RFC 3261 §20.24", "x", "x", "1.0"),
        ("Priority", HeaderUnreadable, "RFC 3261 §20.26", "a b", "a b", "emergency"),
        ("Timestamp", HeaderUnreadable, "RFC 3261 §20.38", "x", "x", "54. 0.3"),
        (
            "Retry-After",
            ParameterValue,
            "RFC 3261 §20.33",
            "5 (a;b);duration=x",
            "x",
            "5 (a;b);duration=6",
        ),
        ("Retry-After", EmptyParameter, GRAMMAR, "5;", ";", "5"),
        ("Alert-Info", HeaderUnreadable, "RFC 3261 §20.4", "", "", "<urn:a1:b>"),
        (
            "Call-Info",
            ParameterValue,
            "RFC 3261 §20.9",
            "<http://a.b>;purpose=\"x\"",
            "\"x",
            "<http://a.b>;purpose=icon",
        ),
        ("Error-Info", EmptyParameter, GRAMMAR, "<sip:a@b>;", ";", "<sip:a@b>;x"),
        ("In-Reply-To", HeaderUnreadable, "RFC 3261 §20.21", "a@b, c d", "c", "a@b, c@d"),
        ("Server", HeaderUnreadable, "RFC 3261 §20.35", "", "", "a"),
        ("Server", HeaderUnreadable, "RFC 3261 §20.35", "a /", "", "a / 1"),
        ("User-Agent", HeaderUnreadable, "RFC 3261 §20.41", "a (unclosed", "(", "a (closed)"),
        ("User-Agent", HeaderUnreadable, "RFC 3261 §20.41", "/x", "/x", "x/1 (y)"),
        ("Accept-Contact", HeaderUnreadable, "RFC 3841 §9.2", "audio", "audio", "*;audio"),
        ("Security-Client", HeaderUnreadable, "RFC 3329 §2.2", ";x", ";x", "x"),
        ("Security-Client", ParameterValue, "RFC 3329 §2.2", "tls;q=2", "2", "tls;q=0.2"),
        (
            "Warning",
            HeaderUnreadable,
            "RFC 3261 §20.43",
            "307 a@b \"x\"",
            "a@b",
            "307 a.b:5060 \"x\"",
        ),
    ]
};

fn lines() -> impl Iterator<Item = (&'static str, Row)> {
    let all = [VIAS, ADDRESSES, VALUES].into_iter().flatten();
    all.map(|&(header, rule, section, bad, culprit, good)| {
        (header, Row { rule, section, bad, culprit, good })
    })
}

pub(super) fn rules() -> impl Iterator<Item = Rule> {
    lines().map(|(_, row)| row.rule)
}

#[test]
fn each_value_that_breaks_the_grammar_has_one_finding_at_its_culprit() {
    for (header, row) in lines() {
        holds(header, &row);
    }
}

#[test]
fn values_that_may_be_empty_may_be() {
    for header in [
        "Supported",
        "Allow",
        "Accept",
        "Accept-Encoding",
        "Accept-Language",
        "Subject",
        "Organization",
    ] {
        let found = findings(value(header, "").0.as_bytes());
        assert_eq!(found, [], "{header}");
    }
}

#[test]
fn a_parameter_that_is_wrong_is_wrong_in_every_via() {
    let text = request(";rport", ";rport, SIP/2.0/TCP b;ttl=999, SIP/2.0/TCP -c");
    let rules: Vec<_> = findings(text.as_bytes()).iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, [Rule::TtlInvalid, Rule::SentBy]);
}
