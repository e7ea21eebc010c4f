//! URIs, wherever they stand.

use super::*;

/// The rule, the section, the URI that breaks it, what is to blame, and the URI put right.
const URIS: &[(Rule, &str, &str, &str, &str)] = {
    use Rule::*;
    const URI: &str = "RFC 3261 §19.1.1";
    const GRAMMAR: &str = "RFC 3261 §25.1";
    &[
        (ParameterRepeated, URI, "sip:a@b;x;X=1", "X=1", "sip:a@b;x;y=1"),
        (
            ParameterRepeated,
            URI,
            "sip:a@b;transport=udp;TRANSPORT=tcp",
            "TRANSPORT",
            "sip:a@b;transport=udp",
        ),
        (EmptyParameter, URI, "sip:a@b;;x", ";;", "sip:a@b;x"),
        (EmptyParameter, URI, "sip:a@b;x;", ";", "sip:a@b;x"),
        (UriParameter, URI, "sip:a@b;=x", "=x", "sip:a@b;x=x"),
        (UriParameter, URI, "sip:a@b;x=", "x=", "sip:a@b;x=y"),
        (UriParameter, URI, "sip:a@b;x=y=z", "y=z", "sip:a@b;x=y%3Dz"),
        (UriParameter, URI, "sip:a@b;transport=", "transport", "sip:a@b;transport=x"),
        (UriParameter, URI, "sip:a@b;transport", "transport", "sip:a@b;transport=ws"),
        (UriParameter, URI, "sip:a@b;ttl=256", "256", "sip:a@b;ttl=255"),
        (UriParameter, URI, "sip:a@b;maddr=a_b", "a_b", "sip:a@b;maddr=[::1]"),
        (UriParameter, URI, "sip:a@b;maddr=", "maddr", "sip:a@b;maddr=192.0.2.1"),
        (UriParameter, URI, "sip:a@b;method=[x]", "[x]", "sip:a@b;method=INVITE"),
        (UriParameter, URI, "sip:a@b;user=[x]", "[x]", "sip:a@b;user=phone"),
        (UriParameter, URI, "sip:a@b;lr=on", "on", "sip:a@b;lr"),
        (HostName, GRAMMAR, "sip:a@-b", "-b", "sip:a@b"),
        (HostName, GRAMMAR, "sip:a@b-", "b-", "sip:a@b-b"),
        (HostName, GRAMMAR, "sip:a@b_c", "b_c", "sip:a@b-c"),
        (HostName, GRAMMAR, "sip:a@b..c", "b..c", "sip:a@b.c."),
        (HostName, GRAMMAR, "sip:a@b.1c", "b.1c", "sip:a@b.c1"),
        (HostName, GRAMMAR, "sip:a@1.2.3.256", "1.2.3.256", "sip:a@1.2.3.25"),
        (UriMalformed, "RFC 9110 §4.2", "http:x", "x", "http://x"),
        (UriMalformed, GRAMMAR, "http://a/\u{e9}", "\u{e9}", "http://a/e"),
        (UriMalformed, GRAMMAR, "http://[", "[", "http://[::1]"),
        (UriMalformed, GRAMMAR, "urn:", ":", "urn:service:sos"),
        (UriMalformed, "RFC 8141 §2", "urn:service", "service", "urn:service:sos"),
        (UriMalformed, GRAMMAR, "mailto:a%zb", "%zb", "mailto:a%20b"),
        (EmptyParameter, "RFC 3966 §3", "tel:+1;;ext=2", ";;", "tel:+1;ext=2"),
        (ParameterRepeated, "RFC 3966 §3", "tel:+1;ext=2;ext=3", "ext=3", "tel:+1;ext=2;isub=3"),
    ]
};

/// What a URI behind a `?` may be, where it may stand.
const HEADERS: &[(&str, &str, &str)] = &[
    ("sip:a@b?", "?", "sip:a@b?x="),
    ("sip:a@b?x", "x", "sip:a@b?x=y"),
    ("sip:a@b?x=y&", "", "sip:a@b?x=y&z="),
    ("sip:a@b?x=y&&z=1", "&z", "sip:a@b?x=y&z=1"),
    ("sip:a@b?=y", "=y", "sip:a@b?x=y?z"),
    ("sip:a@b?x=y=z", "x=y=z", "sip:a@b?x=y%3Dz"),
];

pub(super) fn rules() -> impl Iterator<Item = Rule> {
    URIS.iter().map(|(rule, ..)| *rule).chain([Rule::UriHeaders])
}

/// The messages in which a URI stands, with the URI at the place of `%`.
fn places() -> Vec<String> {
    let mut places = vec![request("sip:bob@b.test SIP", "% SIP")];
    for name in ["From", "To", "Contact", "Reply-To", "Refer-To", "Route", "Call-Info"] {
        places.push(value(name, "<%>;tag=1").0);
    }
    places.push(request("<sip:alice@a.test:5062>", "\"x\" <sip:y@z>, <%>"));
    places
}

#[test]
fn each_uri_that_breaks_the_grammar_is_found_wherever_it_stands() {
    for &(rule, section, bad, culprit, good) in URIS {
        for place in places() {
            let text = place.replace('%', bad);
            let found = findings(text.as_bytes());
            let offset = place.find('%').unwrap() + bad.rfind(culprit).unwrap();
            let finding = found.iter().find(|finding| finding.rule == rule);
            let finding = finding.unwrap_or_else(|| panic!("{rule} misses {text}\n{found:#?}"));
            let place_of = (finding.offset, finding.section);
            assert_eq!(place_of, (offset, section), "{bad}: {}", finding.message);
            assert!(!trips(rule, place.replace('%', good)), "{rule} trips on {good}");
        }
    }
}

#[test]
fn each_uri_with_broken_headers_is_found() {
    for &(bad, culprit, good) in HEADERS {
        let text = |uri: &str| value("Contact", &format!("<{uri}>")).0;
        let found = findings(text(bad).as_bytes());
        let rules: Vec<_> = found.iter().map(|finding| finding.rule).collect();
        assert_eq!(rules, [Rule::UriHeaders], "{bad}: {found:#?}");
        let start = text(bad).find(bad).unwrap();
        assert_eq!(found[0].offset, start + bad.rfind(culprit).unwrap(), "{bad}");
        assert_eq!(findings(text(good).as_bytes()), [], "{good}");
    }
}

#[test]
fn a_port_out_of_range_is_an_error_wherever_it_stands() {
    for place in places() {
        let found = findings(place.replace('%', "sip:a@b:65536").as_bytes());
        assert!(found.iter().any(|f| f.message.contains("port is not a number")), "{found:#?}");
    }
}

#[test]
fn uris_that_are_right_have_no_finding() {
    for uri in [
        "sip:a;b=c:pw%20@[2001:db8::1]:5060;transport=ws;lr;p=[::1]:/+&$?a=b&c=",
        "sips:%61@1a.b2;gr=urn:uuid:f81d4fae",
        "sip:a/b?c@d",
        "sip:user=x&y,z$+@d",
        "tel:7042;phone-context=example.com",
        "im:fluffy@example.com",
        "cid:foo@bar",
        "soap.beep://192.0.2.103:3002",
    ] {
        let found = findings(value("Reply-To", &format!("<{uri}>")).0.as_bytes());
        let grave = found.iter().find(|finding| finding.severity() > Severity::Note);
        assert_eq!(grave, None, "{uri}");
    }
}

#[test]
fn a_uri_has_only_what_it_may_have_where_it_stands() {
    let columns = |name: &str, uri: &str| -> Vec<(Rule, usize)> {
        let (text, start) = value(name, &format!("<{uri}>;tag=1"));
        let found = findings(text.as_bytes()).into_iter();
        let of_rules = [Rule::UriComponent, Rule::UriPort];
        let found = found.filter(|finding| of_rules.contains(&finding.rule));
        found.map(|finding| (finding.rule, finding.offset - start - 1)).collect()
    };
    let all = "sip:a@[::1]:5060;user=ip;transport=tcp;method=BYE;lr;maddr=b;ttl=1;x?y=z";
    let at = |part: &str| all.find(part).unwrap();
    let component = |part: &str| (Rule::UriComponent, at(part));
    let mut expected = vec![(Rule::UriPort, at(":5060"))];
    expected.extend(["transport", "method", "lr", "maddr", "ttl", "?y"].map(component));
    for name in ["To", "From"] {
        assert_eq!(columns(name, all), expected, "{name}");
    }
    for name in ["Route", "Record-Route"] {
        assert_eq!(columns(name, all), ["method", "ttl", "?y"].map(component), "{name}");
    }
    for name in ["Contact", "Refer-To"] {
        assert_eq!(columns(name, all), [], "{name}");
    }
    assert_eq!(columns("To", "sip:a:b@c;user=phone;x=y"), []);
    assert_eq!(columns("To", "tel:+1;method=x"), []);
}
