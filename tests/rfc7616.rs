//! Digest as RFC 7616, RFC 2617, RFC 3261 §22.4 and RFC 8760 compute it: vectors of the RFCs, and
//! others that were computed with Python's hashlib from the inputs that stand here.

mod digest_client;

use digest_client::*;
use proptest::prelude::*;
use sipboard::sip::{
    HeaderName,
    auth::{
        Algorithm, AuthKind, ChallengeOutcome, Choice, Decision, GiveUp, PassedOver, Qop, RspAuth,
        UsernameForm,
    },
    header::{HeaderError, HeaderProblem},
};

#[test]
fn s3_9_1_md5_and_sha_256_of_the_rfc() {
    let params = r#"realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#;
    for (algorithm, expected) in [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ] {
        let mut client = Client::new("Mufasa", "Circle of Life")
            .with_cnonce("f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ");
        let challenge = www(&[&format!("{params}, algorithm={algorithm}")]);
        let answer = client.retry(&mut context("GET", "/dir/index.html"), &challenge);
        assert_eq!(digest(&answer), expected);
        assert_eq!(answer.headers[0].0, HeaderName::Authorization);
        assert_eq!(only(&answer, "username").unwrap(), r#""Mufasa""#);
        assert_eq!(only(&answer, "uri").unwrap(), r#""/dir/index.html""#);
        assert_eq!(only(&answer, "qop").unwrap(), "auth");
        assert_eq!(only(&answer, "nc").unwrap(), "00000001");
        assert_eq!(only(&answer, "algorithm").unwrap(), algorithm);
        let opaque = "\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
        assert_eq!(only(&answer, "opaque").unwrap(), opaque);
    }
}

/// The RFC's own values come from a SHA-512 that was cut; erratum 4897 has the right ones.
#[test]
fn s3_9_2_sha_512_256_with_charset_and_userhash() {
    let mut client = Client::new("Jäsøn Doe", "Secret, or not?")
        .with_cnonce("NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v");
    let challenge = www(&[
        r#"realm="api@example.org", qop="auth", algorithm=SHA-512-256, nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true"#,
    ]);
    let answer = client.retry(&mut context("GET", "/doe.json"), &challenge);
    assert_eq!(
        only(&answer, "username").unwrap(),
        r#""793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b""#
    );
    assert_eq!(digest(&answer), "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5");
    assert_eq!(only(&answer, "userhash").unwrap(), "true");
    assert_eq!(only(&answer, "username*"), None);
}

#[test]
fn rfc2617_s3_5_md5_without_an_algorithm() {
    let mut client = Client::new("Mufasa", "Circle Of Life").with_cnonce("0a4f113b");
    let challenge = www(&[
        r#"realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41""#,
    ]);
    let answer = client.retry(&mut context("GET", "/dir/index.html"), &challenge);
    assert_eq!(digest(&answer), "6629fae49393a05397450978507c4ef1");
    assert_eq!(only(&answer, "algorithm"), None, "what was not offered is not sent");
}

/// The value that the erratum of RFC 2069 gives.
#[test]
fn rfc2069_s2_4_without_a_qop() {
    let mut client = Client::new("Mufasa", "CircleOfLife");
    let challenge = www(&[
        r#"realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41""#,
    ]);
    let answer = client.retry(&mut context("GET", "/dir/index.html"), &challenge);
    assert_eq!(digest(&answer), "1949323746fe6a43ef61f9606e7febea");
    for absent in ["qop", "nc", "cnonce"] {
        assert_eq!(only(&answer, absent), None, "{absent}");
    }
}

/// alice:demo.test:wonderland, nonce n0nce, cnonce c1, INVITE sip:bob@demo.test, body `v=0\r\n`.
#[test]
fn s3_4_every_algorithm_with_every_qop() {
    let table = [
        ("MD5", "", "96fc507e68f5de3217a5b9c588d717ce"),
        ("md5", "auth", "9fab9e621c898138487f04b23a05b1f3"),
        ("MD5", "auth-int", "c0b6fab8676c6bfcd330f403c6dcb58e"),
        ("MD5-sess", "auth", "5e99311a08adda288c8a3c38e1c29beb"),
        ("SHA-256", "", "4e455f1ed8f65a5da71d05a96f897382a82e2470b1449b7afea9cf1356c106d0"),
        ("SHA-256", "auth", "d3a538cfc1629f861537909faecb5a4392f1e9fa9c3edbf5f54fa91c7aaa7250"),
        ("SHA-256", "auth-int", "1d1c7d072225915ab45c76db33f4bf6ecb423592a95b3a16ce56b120a387b5a5"),
        (
            "SHA-256-sess",
            "auth",
            "1bd02ed71bc6ac23d34162d3b72f4da860e29e871bafaaced8bd5b2b0c821f6d",
        ),
        ("SHA-512-256", "", "fb41e3aad8916285f10a7d85c8cef75010ef0d66e60d5e2dfe185f3109c4b9d5"),
        ("sha-512-256", "auth", "bf7f6e177919e078b811a5d0ab96bb1d5612a43cf8420901aafd8d38bfe26a9d"),
        (
            "SHA-512-256",
            "auth-int",
            "49709d60773ff6b768b0c59e507dad8ac70f1dfde67d92fc802fbd5ce7c88254",
        ),
        (
            "SHA-512-256-SESS",
            "auth",
            "1232f2728ff7150a1a5b630efe6cd4fb407e64e4992d968f1fa0516164d8167f",
        ),
    ];
    for (algorithm, qop, expected) in table {
        for written in [algorithm.to_owned(), format!("\"{algorithm}\"")] {
            let params =
                format!(r#"realm="demo.test", nonce="n0nce", qop="{qop}", algorithm={written}"#);
            let answer = Client::alice().retry(&mut invite(), &www(&[&params]));
            assert_eq!(digest(&answer), expected, "{params}");
            // RFC 3261 §25.1: without quotes, whatever the challenge did.
            assert_eq!(only(&answer, "algorithm").unwrap(), algorithm);
            let qop = Some(qop.to_owned()).filter(|qop| !qop.is_empty());
            assert_eq!(only(&answer, "qop"), qop);
        }
    }
}

#[test]
fn s3_4_3_auth_int_hashes_the_body_even_an_empty_one() {
    let challenge = www(&[r#"realm="demo.test", nonce="n0nce", qop="auth-int", algorithm=MD5"#]);
    let mut empty = context("INVITE", "sip:bob@demo.test");
    let answer = Client::alice().retry(&mut empty, &challenge);
    assert_eq!(digest(&answer), "0a0ee43c61af11ec4c0b06a47172c4ba");
}

#[test]
fn s3_4_auth_goes_before_auth_int() {
    for qop in ["auth,auth-int", "auth-int,auth", "AUTH-INT , Auth", "x,auth"] {
        let params = format!(r#"realm="demo.test", nonce="n0nce", qop="{qop}", algorithm=MD5"#);
        let answer = Client::alice().retry(&mut invite(), &www(&[&params]));
        assert_eq!(digest(&answer), "9fab9e621c898138487f04b23a05b1f3", "{qop}");
    }
}

#[test]
fn s3_4_realms_with_quotes_and_utf_8_are_hashed_plain_and_sent_as_they_came() {
    for (realm, expected) in [
        ("日本語", "b70465dda667cabdea10290935d79e18"),
        (r#"the \"a\\b\" realm"#, "aad4ede1d62aa007288f2df08ddc43b8"),
    ] {
        let params = format!(r#"nonce="n0nce",realm="{realm}",qop="auth",algorithm=MD5"#);
        let answer = Client::alice().retry(&mut invite(), &www(&[&params]));
        assert_eq!(digest(&answer), expected, "{realm}");
        assert_eq!(only(&answer, "realm").unwrap(), format!("\"{realm}\""));
    }
}

#[test]
fn s3_4_a_user_name_outside_ascii_is_extended_where_the_server_knows_utf_8() {
    let expected = "6ff2e19f83af6599a6dd01e0edbd5e71581a0c709aaf6699bf3098e067484c94";
    let params = r#"realm="demo.test", nonce="n0nce", qop="auth", algorithm=SHA-256"#;
    let mut client = Client::new("jäs ön", "wonderland").with_cnonce("c1");
    let plain = client.retry(&mut invite(), &www(&[params]));
    assert_eq!(only(&plain, "username").unwrap(), "\"jäs ön\"");
    assert_eq!(digest(&plain), expected);
    let mut client = Client::new("jäs ön", "wonderland").with_cnonce("c1");
    let extended = client.retry(&mut invite(), &www(&[&format!("{params}, charset=utf-8")]));
    assert_eq!(only(&extended, "username*").unwrap(), "UTF-8''j%C3%A4s%20%C3%B6n");
    assert_eq!(only(&extended, "username"), None, "never both");
    assert_eq!(digest(&extended), expected);
    let ascii = Client::alice().retry(&mut invite(), &www(&[&format!("{params}, charset=UTF-8")]));
    assert_eq!(only(&ascii, "username").unwrap(), "\"alice\"");
}

#[test]
fn s3_4_a_user_name_is_quoted_and_cannot_begin_a_header() {
    let params = r#"realm="demo.test", nonce="n0nce""#;
    let answer = Client::new(r#"a"\b"#, "p").retry(&mut invite(), &www(&[params]));
    assert_eq!(only(&answer, "username").unwrap(), r#""a\"\\b""#);
    let answer = Client::new("a\r\nEvil: 1", "p").retry(&mut invite(), &www(&[params]));
    assert_eq!(only(&answer, "username*").unwrap(), "UTF-8''a%0D%0AEvil%3A%201");
    assert!(!answer.headers[0].1.contains('\n'));
}

#[test]
fn rfc3261_s25_1_each_parameter_has_its_quotes() {
    let params =
        r#"realm=demo.test, nonce=n0nce, opaque=, qop=auth, algorithm="MD5", stale="FALSE""#;
    let answer = Client::alice().retry(&mut invite(), &proxy(&[params]));
    assert_eq!(
        answer.headers,
        [(
            HeaderName::ProxyAuthorization,
            r#"Digest username="alice", realm="demo.test", nonce="n0nce", uri="sip:bob@demo.test", response="9fab9e621c898138487f04b23a05b1f3", algorithm=MD5, cnonce="c1", qop=auth, nc=00000001, opaque="""#
                .to_owned()
        )]
    );
}

/// As Asterisk's res_pjsip and chan_sip write them, and FreeSWITCH.
#[test]
fn challenges_of_other_servers_are_answered() {
    let asterisk = r#"realm="asterisk",nonce="1594205362/4d54a68f",opaque="58a4d8a2154a9a5d",algorithm=md5,qop="auth""#;
    let mut register = context("REGISTER", "sip:192.0.2.1");
    let answer = Client::new("6001", "6001").retry(&mut register, &www(&[asterisk]));
    assert_eq!(digest(&answer), "c43163b7ca21ed45f8945b34e4269fe3");
    assert_eq!(only(&answer, "algorithm").unwrap(), "md5");

    let chan_sip = r#"algorithm=MD5, realm="asterisk", nonce="1b02d4d6""#;
    let mut register = context("REGISTER", "sip:192.0.2.1");
    let answer = Client::new("6001", "6001").retry(&mut register, &www(&[chan_sip]));
    assert_eq!(digest(&answer), "79c46e5c36f298f17c92a228c9ee0a1f");

    let freeswitch = "realm=\"demo.test\",\r\n nonce=\"n0nce\", algorithm=MD5, qop=\"auth\"";
    let answer = Client::alice().retry(&mut invite(), &proxy(&[freeswitch]));
    assert_eq!(digest(&answer), "9fab9e621c898138487f04b23a05b1f3");
}

/// A real exchange with Kamailio 5.6 (auth module, SHA-256, nonce_count and add_authinfo_hdr on):
/// a proxy's challenge, a server's behind it, then a second request ahead.
#[test]
fn an_exchange_with_kamailio() {
    let mut client = Client::new("alice", "alice-pw");
    let mut first = context("OPTIONS", "sip:lab.test");
    let lab = "awMueWsDLU2/bKb5P9v6vsvzb3utCJAUGWQ13YA=";
    let uas = "awMueWsDLU1coG9WABvPF2E2KXnoWdrrGWQ23oA=";
    let info = |nonce: &str, rspauth: &str, cnonce: &str, nc: &str| {
        format!(
            r#"Authentication-Info: nextnonce="{nonce}", qop=auth, rspauth="{rspauth}", cnonce="{cnonce}", nc={nc}"#
        )
    };
    let challenge = |name: &str, realm: &str, nonce: &str| {
        format!(r#"{name}: Digest realm="{realm}", nonce="{nonce}", qop="auth", algorithm=SHA-256"#)
    };
    let responses = |headers: &[(HeaderName, String)]| -> Vec<String> {
        headers.iter().map(|(_, value)| unquoted(raw(value, "response"))).collect()
    };
    let verified = |infos: Vec<sipboard::sip::auth::InfoRecord>| {
        infos.iter().map(|info| (info.realm.clone().unwrap(), info.rspauth)).collect::<Vec<_>>()
    };

    let asked = response(407, &[&challenge("Proxy-Authenticate", "lab.test", lab)], "");
    let answer = client.retry(&mut first, &asked);
    assert_eq!(
        responses(&answer.headers),
        ["043ca6234f09130e41c401e6c8e74c956a2a199fcb29a1268351c87af05425d3"]
    );

    // The proxy lets it through and says so, in Authentication-Info; the server challenges.
    let rspauth = "aa912789afa0aef0fea0a091efa233c1db10f69e5533a1c29e3b52341cc15780";
    let asked = response(
        401,
        &[&info(lab, rspauth, "c1", "00000001"), &challenge("WWW-Authenticate", "uas.test", uas)],
        "",
    );
    let infos = client.learn(&mut first, &asked);
    assert_eq!(verified(infos), [("lab.test".into(), RspAuth::Verified)]);
    let answer = client.retry(&mut first, &asked);
    assert_eq!(
        responses(&answer.headers),
        [
            "06e422b531f1567f75758a1af9c2d1d3dcba334203af157230d667bd34b0cf56",
            "e78de6b425f361a4b4d9a795c448c727be0c4a2279e5582249f946a9c5534f38"
        ]
    );
    let done = ok(&[
        &info(
            lab,
            "d2f0aa5f124af11bf5e4c9ca1e2f9e0c1962efbc25fae811035d22262390fd66",
            "c2",
            "00000002",
        ),
        &info(
            uas,
            "0d685549b00c145e0a3ab44151a6e47f5fa357bf154318786e6d74ca62c16202",
            "c3",
            "00000001",
        ),
    ]);
    let infos = client.learn(&mut first, &done);
    assert_eq!(
        verified(infos),
        [("lab.test".into(), RspAuth::Verified), ("uas.test".into(), RspAuth::Verified)]
    );

    let ahead = client.ahead(&mut context("OPTIONS", "sip:lab.test"));
    assert_eq!(
        responses(&ahead),
        [
            "c6f63b377ba9d53459985eeb0d3f8d94df527ee2196fc4f729ffcfed0a52c7d2",
            "664210ef0b80d70fccf97ce6b3c2f1fdffcc17c772da6d1242a988422cd0f4a7"
        ]
    );
    let names: Vec<_> = ahead.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, [HeaderName::ProxyAuthorization, HeaderName::Authorization]);
    assert_eq!(raw(&ahead[0].1, "nc").unwrap(), "00000003");
}

#[test]
fn rfc8760_s2_4_the_strongest_of_a_realm_is_chosen_in_any_order() {
    let md5 = r#"realm="demo.test", nonce="n0nce", qop="auth", algorithm=MD5"#;
    let sess = r#"realm="demo.test", nonce="n0nce", qop="auth", algorithm=SHA-512-256-sess"#;
    let sha = r#"realm="demo.test", nonce="n0nce", qop="auth", algorithm=SHA-256"#;
    let new = r#"realm="demo.test", nonce="n0nce", qop="auth", algorithm=SHA3-512"#;
    let answer = Client::alice().retry(&mut invite(), &www(&[md5, new, sess, sha]));
    assert_eq!(digest(&answer), "1232f2728ff7150a1a5b630efe6cd4fb407e64e4992d968f1fa0516164d8167f");
    let weaker = PassedOver::Weaker(Algorithm::Sha512T256Sess);
    let unknown = PassedOver::UnknownAlgorithm("SHA3-512".into());
    assert_eq!(passed_over(&answer.record), [Some(&weaker), Some(&unknown), None, Some(&weaker)]);
    let ChallengeOutcome::Answered { why, .. } = &answer.record.challenges[2].outcome else {
        panic!("{:?}", answer.record);
    };
    assert_eq!(*why, Choice::Strongest { of: 3 });
    // All in one header line.
    let line = format!("{md5}, Digest {sha}, Basic realm=\"demo.test\"");
    let answer = Client::alice().retry(&mut invite(), &www(&[&line]));
    assert_eq!(
        passed_over(&answer.record),
        [
            Some(&PassedOver::Weaker(Algorithm::Sha256)),
            None,
            Some(&PassedOver::UnknownScheme("Basic".into()))
        ]
    );
}

#[test]
fn a_stronger_challenge_that_cannot_be_answered_leaves_the_weaker_one() {
    let sha = r#"realm="demo.test", nonce="n0nce", qop="auth-conf", algorithm=SHA-256"#;
    let md5 = r#"realm="demo.test", nonce="n0nce", qop="auth", algorithm=MD5"#;
    let answer = Client::alice().retry(&mut invite(), &www(&[sha, md5]));
    assert_eq!(
        passed_over(&answer.record),
        [Some(&PassedOver::UnknownQop("auth-conf".into())), None]
    );
}

#[test]
fn what_cannot_be_answered_is_explained() {
    let unreadable = HeaderError {
        name: HeaderName::WwwAuthenticate,
        problem: HeaderProblem::UnclosedQuote,
        offset: 13,
    };
    for (value, expected) in [
        ("Negotiate", PassedOver::UnknownScheme("Negotiate".into())),
        (
            r#"Digest realm="r", nonce="n", algorithm=AKAv1-MD5"#,
            PassedOver::UnknownAlgorithm("AKAv1-MD5".into()),
        ),
        (
            r#"Digest realm="r", nonce="n", qop="auth-conf, x""#,
            PassedOver::UnknownQop("auth-conf, x".into()),
        ),
        (
            r#"Digest realm="r", nonce="n", algorithm=MD5-sess"#,
            PassedOver::SessionWithoutQop(Algorithm::Md5Sess),
        ),
        (r#"Digest realm="r""#, PassedOver::Missing("nonce")),
        (r#"Digest nonce="n""#, PassedOver::Missing("realm")),
        ("Digest realm=\"r\u{1}\", nonce=\"n\"", PassedOver::ControlCharacter("realm")),
        ("Digest realm=\"r", PassedOver::Unreadable(unreadable)),
    ] {
        let asked = response(401, &[&format!("WWW-Authenticate: {value}")], "");
        let (reason, record) = Client::alice().give_up(&mut invite(), &asked);
        assert_eq!(reason, GiveUp::Unsupported(vec![expected.clone()]), "{value}");
        assert_eq!(passed_over(&record), [Some(&expected)]);
    }
    let (reason, record) = Client::alice().give_up(&mut invite(), &response(407, &[], ""));
    assert_eq!(reason, GiveUp::NoChallenge(status(407)));
    assert!(record.challenges.is_empty());
}

#[test]
fn the_record_shows_what_was_computed_and_no_secret() {
    let mut client = Client::new("alice", "open sesame");
    let challenge = proxy(&[
        r#"realm="demo.test", nonce="n0nce", qop="auth-int", algorithm=SHA-256-sess, stale=true"#,
    ]);
    let mut context = invite();
    let Decision::Retry(answer) = client.answer(&mut context, &challenge) else { panic!() };
    let challenge = &answer.record.challenges[0];
    assert_eq!(answer.record.status, Some(status(407)));
    assert_eq!((challenge.kind, challenge.stale), (AuthKind::Proxy, true));
    assert_eq!(challenge.qop, ["auth-int"]);
    let ChallengeOutcome::Answered { answer: shown, why } = &challenge.outcome else { panic!() };
    assert_eq!(*why, Choice::Only);
    assert_eq!(shown.a1, "SHA-256(SHA-256(alice:demo.test:••••):n0nce:c1)");
    assert_eq!(shown.a2, "SHA-256(INVITE:sip:bob@demo.test:SHA-256(body of 5 bytes))");
    assert_eq!(shown.username_form, UsernameForm::Plain);
    let qop = shown.qop.as_ref().unwrap();
    assert_eq!((qop.qop, qop.count, qop.cnonce.as_str()), (Qop::AuthInt, 1, "c1"));
    let whole = digest(&answer);
    assert_eq!(shown.response, format!("{}…", &whole[..6]));
    let text = format!(
        "{:?} {:?} {:?} {:?}",
        answer.record, client.sessions, context.state, client.credentials
    );
    assert!(!text.contains("sesame") && !text.contains(&whole), "{text}");
}

fn param() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just("realm"),
        Just("nonce"),
        Just("qop"),
        Just("algorithm"),
        Just("opaque"),
        Just("stale"),
        Just("domain"),
        Just("userhash"),
        Just("charset"),
        Just("x"),
    ];
    let value = prop_oneof![
        Just("\"auth,auth-int\"".to_owned()),
        Just("SHA-256-sess".to_owned()),
        Just("true".to_owned()),
        "\"[^\r\n\"\\\\]{0,8}\"",
        "\\PC{0,8}",
    ];
    (name, value).prop_map(|(name, value)| format!("{name}={value}"))
}

proptest! {
    #[test]
    fn no_challenge_can_break_anything(
        values in prop::collection::vec(prop::collection::vec(param(), 0..8), 1..4),
        noise in "[^\r\n]{0,40}",
    ) {
        let mut headers: Vec<_> = values
            .iter()
            .map(|params| format!("WWW-Authenticate: Digest {}", params.join(", ")))
            .collect();
        headers.push(format!("Proxy-Authenticate: {noise}"));
        headers.push(format!("Authentication-Info: {noise}"));
        let headers: Vec<_> = headers.iter().map(String::as_str).collect();
        let asked = response(401, &headers, "x");
        let (mut client, mut context) = (Client::alice(), invite());
        client.learn(&mut context, &asked);
        if let Decision::Retry(answer) = client.answer(&mut context, &asked) {
            for (_, value) in &answer.headers {
                prop_assert!(!value.contains(['\r', '\n', '\0']), "{value:?}");
                prop_assert_eq!(unquoted(raw(value, "uri")), "sip:bob@demo.test");
                let digits = unquoted(raw(value, "response"));
                prop_assert!(matches!(digits.len(), 32 | 64));
            }
        }
        client.learn(&mut context, &asked);
        client.ahead(&mut context);
    }
}
