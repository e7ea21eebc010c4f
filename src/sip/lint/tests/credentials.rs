//! Digest challenges, credentials and what follows them.

use super::*;

/// The header, the rule, the section, what is exchanged in the right value, for what, and what is
/// to blame.
type Line = (&'static str, Rule, &'static str, &'static str, &'static str, &'static str);

const CHALLENGE: &str = "Digest realm=\"r\", domain=\"sip:a sip:b\", nonce=\"n\", opaque=\"\", \
    stale=FALSE, algorithm=MD5, qop=\"auth,auth-int\", x=y";
const CREDENTIALS: &str = "Digest username=\"u\", realm=\"r\", nonce=\"n\", \
    uri=\"sip:bob@b.test\", response=\"0123456789abcdef0123456789abcdef\", algorithm=MD5, \
    cnonce=\"c\", opaque=\"o\", qop=auth, nc=00000001, auth-param=\"x\"";
const INFO: &str = "nextnonce=\"n\", qop=auth, rspauth=\"0af9\", cnonce=\"c\", nc=0000000a";

const LINES: &[Line] = {
    use Rule::*;
    const A: &str = "Authorization";
    const W: &str = "WWW-Authenticate";
    const I: &str = "Authentication-Info";
    const CHALLENGED: &str = "RFC 7616 §3.3";
    const ANSWERED: &str = "RFC 7616 §3.4";
    const INFORMED: &str = "RFC 7616 §3.5";
    const GRAMMAR: &str = "RFC 3261 §25.1";
    const INCOMPLETE: &str = "RFC 3261 §22.4";
    &[
        (W, AuthParameter, CHALLENGED, "realm=\"r\"", "realm=r", "r,"),
        (W, AuthParameter, CHALLENGED, "nonce=\"n\"", "nonce=n", "n,"),
        (W, AuthParameter, CHALLENGED, "opaque=\"\"", "opaque=", ", stale"),
        (W, AuthParameter, CHALLENGED, "stale=FALSE", "stale=no", "no,"),
        (W, AuthParameter, CHALLENGED, "stale=FALSE", "stale=\"false\"", "\"false"),
        (W, AuthParameter, CHALLENGED, "algorithm=MD5", "algorithm=\"MD5\"", "\"MD5"),
        (W, AuthParameter, CHALLENGED, "qop=\"auth,auth-int\"", "qop=auth", "auth, x"),
        (W, AuthParameter, CHALLENGED, "qop=\"auth,auth-int\"", "qop=\"auth,\"", "\"auth"),
        (W, AuthParameter, GRAMMAR, "\"r\", domain", "\"r\" domain", "domain"),
        (W, AuthParameter, GRAMMAR, "\"r\", domain", "\"r\",, domain", ", domain"),
        (W, AuthParameter, GRAMMAR, "x=y", "x=[y]", "[y]"),
        (A, AuthParameter, GRAMMAR, "auth-param=\"x\"", "auth-param", "auth-param"),
        (W, AuthParameter, GRAMMAR, "x=y", "=y", "=y"),
        (W, ParameterRepeated, "RFC 9110 §11.2", "x=y", "Nonce=\"z\"", "Nonce"),
        (W, ChallengeIncomplete, INCOMPLETE, "nonce=\"n\", ", "", "Digest"),
        (W, ChallengeIncomplete, INCOMPLETE, "realm=\"r\", ", "", "Digest"),
        (A, AuthParameter, ANSWERED, "username=\"u\"", "username=u", "u,"),
        (A, AuthParameter, ANSWERED, "realm=\"r\"", "realm=r", "r,"),
        (A, AuthParameter, ANSWERED, "nonce=\"n\"", "nonce=n", "n,"),
        (A, AuthParameter, ANSWERED, "uri=\"sip:bob@b.test\"", "uri=sip:bob@b.test", "sip:"),
        (
            A,
            AuthParameter,
            ANSWERED,
            "\"0123456789abcdef0123456789abcdef\"",
            "0123456789abcdef0123456789abcdef",
            "0123",
        ),
        (A, AuthParameter, ANSWERED, "\"0123456789abcdef", "\"0123456789ABCDEF", "\"0123"),
        (A, AuthParameter, "RFC 8760 §2.2", "\"0123456789abcdef", "\"123456789abcdef", "\"1234"),
        (A, AuthParameter, "RFC 8760 §2.2", "algorithm=MD5", "algorithm=SHA-256", "\"0123"),
        (A, AuthParameter, ANSWERED, "algorithm=MD5", "algorithm=\"MD5\"", "\"MD5"),
        (A, AuthParameter, ANSWERED, "cnonce=\"c\"", "cnonce=c", "c, o"),
        (A, AuthParameter, ANSWERED, "opaque=\"o\"", "opaque=o", "o, q"),
        (A, AuthParameter, ANSWERED, "qop=auth", "qop=\"auth\"", "\"auth\""),
        (A, AuthParameter, ANSWERED, "nc=00000001", "nc=\"00000001\"", "\"00000001"),
        (A, AuthParameter, ANSWERED, "nc=00000001", "nc=1", "1, auth"),
        (A, AuthParameter, ANSWERED, "nc=00000001", "nc=0000000A", "0000000A"),
        (A, AuthParameter, GRAMMAR, "00000001, auth", "00000001 auth", "auth-"),
        (A, ParameterRepeated, "RFC 9110 §11.2", "auth-param=\"x\"", "NC=00000001", "NC"),
        (A, CredentialsIncomplete, INCOMPLETE, "username=\"u\", ", "", "Digest"),
        (A, CredentialsIncomplete, INCOMPLETE, "nonce=\"n\", ", "", "Digest"),
        (A, CredentialsIncomplete, ANSWERED, "nc=00000001, ", "", "Digest"),
        (A, CredentialsIncomplete, ANSWERED, "cnonce=\"c\", ", "", "Digest"),
        (I, AuthParameter, INFORMED, "nextnonce=\"n\"", "nextnonce=n", "n, q"),
        (I, AuthParameter, INFORMED, "qop=auth", "qop=\"auth\"", "\"auth"),
        (I, AuthParameter, INFORMED, "rspauth=\"0af9\"", "rspauth=0af9", "0af9"),
        (I, AuthParameter, INFORMED, "nc=0000000a", "nc=a", "a"),
        (I, AuthParameter, GRAMMAR, ", qop=auth", ", ,qop=auth", ",qop"),
        (I, HeaderUnreadable, "RFC 7616 §3.5", INFO, "", ""),
    ]
};

pub(super) fn rules() -> impl Iterator<Item = Rule> {
    LINES.iter().map(|(_, rule, ..)| *rule)
}

fn grave(text: &str) -> Vec<Finding> {
    let all = findings(text.as_bytes()).into_iter();
    all.filter(|finding| finding.severity() > Severity::Note).collect()
}

#[test]
fn each_parameter_that_is_wrong_has_one_finding_at_its_culprit() {
    for &(header, rule, section, from, to, culprit) in LINES {
        let good = match header {
            "Authorization" => CREDENTIALS,
            "WWW-Authenticate" => CHALLENGE,
            _ => INFO,
        };
        assert!(good.contains(from), "{from} is not in {good}");
        assert_eq!(grave(&value(header, good).0), []);
        let bad = good.replacen(from, to, 1);
        let (text, start) = value(header, &bad);
        let found = grave(&text);
        let rules: Vec<_> = found.iter().map(|finding| finding.rule).collect();
        assert_eq!(rules, [rule], "{bad}\n{found:#?}");
        assert_eq!(found[0].section, section, "{bad}");
        let changed = good.find(from).unwrap();
        let from_there = bad.get(changed..).and_then(|rest| rest.find(culprit));
        let within = from_there.map_or_else(|| bad.find(culprit).unwrap(), |at| changed + at);
        assert_eq!(found[0].offset, start + within, "{bad}\n{found:#?}");
    }
}

#[test]
fn without_qop_there_is_neither_a_count_nor_a_client_nonce() {
    let old = CREDENTIALS.replace(", qop=auth, nc=00000001", "").replace("cnonce=\"c\", ", "");
    assert_eq!(grave(&value("Authorization", &old).0), []);
    let session = CREDENTIALS.replace(", qop=auth, nc=00000001", "").replace("=MD5", "=MD5-sess");
    assert_eq!(grave(&value("Authorization", &session).0), []);
    for surplus in ["nc=00000001", "cnonce=\"c\""] {
        let found = grave(&value("Authorization", &format!("{old}, {surplus}")).0);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!(found[0].rule, Rule::CredentialsIncomplete);
    }
}

#[test]
fn other_schemes_have_parameters_or_one_token() {
    for good in [
        "NoOneKnowsThisScheme opaque-data=here",
        "Bearer eyJhbGciOi.J9_-abc~+/==",
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        "Negotiate",
    ] {
        assert_eq!(grave(&value("Authorization", good).0), [], "{good}");
    }
    let several = "Digest realm=\"\u{65e5}\", nonce=\"a\\\"b,\", Basic realm=\"x\", New a=b";
    assert_eq!(grave(&value("WWW-Authenticate", several).0), []);
    for bad in ["New a=[b]", "New a=b,", "New a=b, a=c"] {
        assert_eq!(grave(&value("Authorization", bad).0).len(), 1, "{bad}");
    }
}
