//! Authentication over several responses and requests (RFC 3261 §22, RFC 7616 §3.3 to §3.6): when
//! to go on, when to stop, and what later requests carry unasked.

mod digest_client;

use digest_client::*;
use proptest::prelude::*;
use sipboard::sip::{
    FlowId, HeaderName,
    auth::{AuthKind, Credentials, Decision, GiveUp, PassedOver, RspAuth},
};

fn asks(realm: &str, nonce: &str, more: &str) -> String {
    format!(r#"realm="{realm}", nonce="{nonce}", qop="auth", algorithm=SHA-256{more}"#)
}

fn www_asks(realm: &str, nonce: &str) -> sipboard::sip::Message {
    www(&[&asks(realm, nonce, "")])
}

fn proxy_asks(realm: &str, nonce: &str) -> sipboard::sip::Message {
    proxy(&[&asks(realm, nonce, "")])
}

/// Header, realm, nonce and nonce count of each.
fn summary(headers: &[(HeaderName, String)]) -> Vec<(HeaderName, String, String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let part = |name| raw(value, name).unwrap_or_default().trim_matches('"').to_owned();
            (*name, part("realm"), part("nonce"), part("nc"))
        })
        .collect()
}

fn line(
    name: HeaderName,
    realm: &str,
    nonce: &str,
    nc: u32,
) -> (HeaderName, String, String, String) {
    (name, realm.into(), nonce.into(), format!("{nc:08x}"))
}

const SERVER: HeaderName = HeaderName::Authorization;
const PROXY: HeaderName = HeaderName::ProxyAuthorization;

#[test]
fn s22_2_a_wrong_password_ends_the_context_after_one_try() {
    let (mut client, mut context) = (Client::alice(), invite());
    client.retry(&mut context, &www_asks("demo.test", "n1"));
    let (reason, record) = client.give_up(&mut context, &www_asks("demo.test", "n2"));
    assert_eq!(
        reason.to_string(),
        "wrong password: demo.test challenged again with a fresh nonce that is not stale"
    );
    assert_eq!(passed_over(&record), [Some(&PassedOver::GaveUp)]);
    assert_eq!(context.state.rounds(), 1);
    // Once more, and the answer is the same.
    client.give_up(&mut context, &www_asks("demo.test", "n3"));
}

#[test]
fn s22_2_the_same_nonce_once_more_ends_the_context_too() {
    let (mut client, mut context) = (Client::alice(), invite());
    client.retry(&mut context, &www_asks("demo.test", "n1"));
    let (reason, _) = client.give_up(&mut context, &www_asks("demo.test", "n1"));
    assert_eq!(
        reason.to_string(),
        "wrong password: demo.test challenged again with a nonce that is not stale"
    );
    let (mut client, mut context) = (Client::alice(), invite());
    client.retry(&mut context, &www_asks("demo.test", "n1"));
    let stale = www(&[&asks("demo.test", "n1", ", stale=true")]);
    let (reason, _) = client.give_up(&mut context, &stale);
    assert_eq!(reason, GiveUp::SameNonce { realm: "demo.test".into() });
}

#[test]
fn rfc7616_s3_3_a_stale_nonce_gets_the_same_password_with_the_new_one() {
    let (mut client, mut context) = (Client::alice(), invite());
    client.retry(&mut context, &proxy_asks("demo.test", "n1"));
    let stale = proxy(&[&asks("demo.test", "n2", ", stale=TRUE")]);
    let answer = client.retry(&mut context, &stale);
    assert_eq!(summary(&answer.headers), [line(PROXY, "demo.test", "n2", 1)]);
    // The next one that is not stale means the password.
    let (reason, _) = client.give_up(&mut context, &proxy_asks("demo.test", "n3"));
    assert!(matches!(reason, GiveUp::WrongPassword { .. }), "{reason}");
}

#[test]
fn a_server_that_calls_every_nonce_stale_is_answered_five_times() {
    let (mut client, mut context) = (Client::alice(), invite());
    let stale = |n: u32| www(&[&asks("demo.test", &format!("n{n}"), ", stale=true")]);
    for n in 1..=5 {
        client.retry(&mut context, &stale(n));
    }
    let (reason, _) = client.give_up(&mut context, &stale(6));
    assert_eq!(reason, GiveUp::TooManyRounds(5));
    assert_eq!(context.state.rounds(), 5);
}

#[test]
fn a_server_that_asks_for_another_realm_each_time_is_answered_five_times() {
    let (mut client, mut context) = (Client::alice(), invite());
    for n in 1..=5 {
        client.retry(&mut context, &www_asks(&format!("realm {n}"), "n"));
    }
    let (reason, _) = client.give_up(&mut context, &www_asks("realm 6", "n"));
    assert_eq!(reason, GiveUp::TooManyRounds(5));
}

#[test]
fn s22_3_a_401_after_a_407_is_answered_with_both() {
    let (mut client, mut context) = (Client::alice(), invite());
    client.retry(&mut context, &proxy_asks("proxy", "p1"));
    let answer = client.retry(&mut context, &www_asks("server", "s1"));
    assert_eq!(
        summary(&answer.headers),
        [line(PROXY, "proxy", "p1", 2), line(SERVER, "server", "s1", 1)]
    );
    assert_eq!(answer.record.carried.len(), 1);
    // A second proxy on the way.
    let answer = client.retry(&mut context, &proxy_asks("second", "q1"));
    assert_eq!(
        summary(&answer.headers),
        [
            line(PROXY, "proxy", "p1", 3),
            line(SERVER, "server", "s1", 2),
            line(PROXY, "second", "q1", 1)
        ]
    );
    // The server's nonce is stale by now: the others stay.
    let answer = client.retry(&mut context, &www(&[&asks("server", "s2", ", stale=true")]));
    assert_eq!(
        summary(&answer.headers),
        [
            line(PROXY, "proxy", "p1", 4),
            line(PROXY, "second", "q1", 2),
            line(SERVER, "server", "s2", 1)
        ]
    );
}

#[test]
fn s16_7_challenges_of_both_kinds_in_one_response_are_all_answered() {
    let asked = response(
        407,
        &[
            &format!("Proxy-Authenticate: Digest {}", asks("one", "p1", "")),
            &format!("WWW-Authenticate: Digest {}", asks("two", "s1", "")),
            &format!("proxy-authenticate: Digest {}", asks("three", "p2", "")),
        ],
        "",
    );
    let answer = Client::alice().retry(&mut invite(), &asked);
    assert_eq!(
        summary(&answer.headers),
        [line(SERVER, "two", "s1", 1), line(PROXY, "one", "p1", 1), line(PROXY, "three", "p2", 1)]
    );
}

#[test]
fn s22_3_of_sixty_challenges_sixteen_are_answered_and_the_record_tells_of_the_others() {
    let challenges: Vec<String> = (0..60).map(|n| asks(&format!("r{n}"), "n", "")).collect();
    let challenges: Vec<&str> = challenges.iter().map(String::as_str).collect();
    let answer = Client::alice().retry(&mut invite(), &proxy(&challenges));
    assert_eq!(answer.headers.len(), 16);
    assert_eq!((answer.record.challenges.len(), answer.record.left_out), (16, 44));
    let told = answer.record.to_string();
    let omission = "44 more challenges are left out: the first 16 of a response are looked at";
    assert!(told.ends_with(&format!("; {omission}")), "{told}");
    let mut stranger = Client::alice();
    stranger.credentials = vec![Credentials::new("bob", "builder").for_realm("elsewhere")];
    let (_, record) = stranger.give_up(&mut invite(), &proxy(&challenges));
    assert_eq!(record.omission().as_deref(), Some(omission));
    let answer = Client::alice().retry(&mut invite(), &proxy(&challenges[..16]));
    assert_eq!(answer.record.omission(), None);
}

#[test]
fn s22_3_proxies_of_one_realm_behind_a_fork_each_get_their_nonce() {
    let asked = proxy(&[
        &asks("demo.test", "n1", ""),
        &asks("demo.test", "n2", ""),
        &asks("demo.test", "n1", ""),
        r#"realm="demo.test", nonce="n3", qop="auth", algorithm=MD5"#,
    ]);
    let (mut client, mut context) = (Client::alice(), invite());
    let answer = client.succeed(&mut context, &asked);
    let both = |nc| [line(PROXY, "demo.test", "n1", nc), line(PROXY, "demo.test", "n2", nc)];
    assert_eq!(summary(&answer.headers), both(1));
    assert_eq!(passed_over(&answer.record)[2], Some(&PassedOver::Repeated));
    assert_eq!(summary(&client.ahead(&mut invite())), both(2));
}

#[test]
fn each_realm_has_its_own_credentials() {
    let mut client = Client::alice();
    client.credentials = vec![
        Credentials::new("bob", "builder").for_realm("proxy"),
        Credentials::new("carol", "x").for_realm("other"),
    ];
    let asked = response(
        401,
        &[
            &format!("Proxy-Authenticate: Digest {}", asks("proxy", "n", "")),
            &format!("WWW-Authenticate: Digest {}", asks("server", "n", "")),
        ],
        "",
    );
    let answer = client.retry(&mut invite(), &asked);
    assert_eq!(only(&answer, "username").unwrap(), "\"bob\"");
    assert_eq!(passed_over(&answer.record), [Some(&PassedOver::NoCredentials), None]);
    let (reason, _) = client.give_up(&mut invite(), &www_asks("server", "n"));
    assert_eq!(
        reason.to_string(),
        "credentials needed: server asks for a user name and a password"
    );
    client.credentials.clear();
    client.give_up(&mut invite(), &www_asks("proxy", "n"));
}

#[test]
fn s22_2_credentials_that_were_good_are_sent_ahead_on_the_same_flow() {
    let mut client = Client::alice();
    client.succeed(&mut invite(), &www_asks("demo.test", "n0nce"));
    let mut bye = context("BYE", "sip:carol@demo.test");
    let ahead = client.ahead(&mut bye);
    assert_eq!(summary(&ahead), [line(SERVER, "demo.test", "n0nce", 2)]);
    // The new method and URI are hashed.
    assert_eq!(
        unquoted(raw(&ahead[0].1, "response")),
        "ec595c4a89cc6fcb4024246bb2778fc85b1084add16cdefe433b64598e6a679f"
    );
    assert_eq!(client.ahead(&mut context("BYE", "sip:x@DEMO.test;p=1")).len(), 1);
    for elsewhere in ["sip:bob@other.test", "sip:bob@demo.test:5070", "sips:bob@demo.test", "tel:1"]
    {
        assert!(client.ahead(&mut context("BYE", elsewhere)).is_empty(), "{elsewhere}");
    }
    client.flow = FlowId(2);
    assert!(client.ahead(&mut invite()).is_empty(), "another flow");
    client.flow = FlowId(1);
    client.sessions.forget(FlowId(1));
    assert!(client.ahead(&mut invite()).is_empty(), "the flow is gone");
}

#[test]
fn rfc7616_s3_3_a_domain_names_the_protection_space() {
    let mut client = Client::alice();
    let domain = r#", domain="/ sip:demo.test sip:bob@other.test""#;
    client.succeed(&mut invite(), &www(&[&asks("demo.test", "n1", domain)]));
    for (uri, inside) in [
        ("sip:anyone@demo.test", true),
        ("sip:bob@other.test;transport=tcp", true),
        ("sip:carol@other.test", false),
        ("sip:other.test", false),
        ("sip:third.test", false),
    ] {
        assert_eq!(!client.ahead(&mut context("MESSAGE", uri)).is_empty(), inside, "{uri}");
    }
}

#[test]
fn rfc7616_s3_3_a_proxy_protects_all_that_goes_through_it() {
    let mut client = Client::alice();
    let domain = r#", domain="sip:nowhere.test""#;
    client.succeed(&mut invite(), &proxy(&[&asks("proxy", "n1", domain)]));
    for uri in ["sip:bob@demo.test", "sips:x@third.test:99", "tel:+15551234"] {
        let ahead = client.ahead(&mut context("OPTIONS", uri));
        assert_eq!(summary(&ahead)[0].0, PROXY, "{uri}");
    }
}

#[test]
fn nothing_is_sent_ahead_before_it_was_good_or_after_it_was_bad() {
    let (mut client, mut first) = (Client::alice(), invite());
    client.retry(&mut first, &www_asks("demo.test", "n1"));
    assert!(client.ahead(&mut invite()).is_empty(), "not known to be good");
    for status in [100, 403, 500] {
        client.learn(&mut first, &response(status, &[], ""));
        assert!(client.ahead(&mut invite()).is_empty(), "{status} proves nothing");
    }
    client.learn(&mut first, &response(180, &[], ""));
    assert_eq!(client.ahead(&mut invite()).len(), 1);
    client.give_up(&mut first, &www_asks("demo.test", "n2"));
    assert!(client.ahead(&mut invite()).is_empty(), "known to be bad");
}

#[test]
fn s22_1_an_ack_and_a_cancel_are_left_alone() {
    let mut client = Client::alice();
    client.succeed(&mut invite(), &proxy_asks("proxy", "n1"));
    for method in ["ACK", "CANCEL"] {
        assert!(client.ahead(&mut context(method, "sip:bob@demo.test")).is_empty());
    }
}

#[test]
fn another_user_does_not_use_the_session() {
    let mut client = Client::alice();
    client.succeed(&mut invite(), &proxy_asks("proxy", "n1"));
    client.credentials = vec![Credentials::new("bob", "builder")];
    assert!(client.ahead(&mut invite()).is_empty());
}

#[test]
fn a_server_that_forgot_the_nonce_sent_ahead_gets_one_answer() {
    let mut client = Client::alice();
    client.succeed(&mut invite(), &www_asks("demo.test", "n1"));
    let mut second = invite();
    assert_eq!(client.ahead(&mut second).len(), 1);
    let answer = client.retry(&mut second, &www_asks("demo.test", "n2"));
    assert_eq!(summary(&answer.headers), [line(SERVER, "demo.test", "n2", 1)]);
    let (reason, _) = client.give_up(&mut second, &www_asks("demo.test", "n3"));
    assert!(matches!(reason, GiveUp::WrongPassword { .. }), "{reason}");
    // With the nonce that was refused there is no second try.
    let mut client = Client::alice();
    client.succeed(&mut invite(), &www_asks("demo.test", "n1"));
    let mut second = invite();
    client.ahead(&mut second);
    client.give_up(&mut second, &www_asks("demo.test", "n1"));
}

#[test]
fn rfc7616_s3_4_the_count_goes_on_over_contexts_that_share_a_nonce() {
    let mut client = Client::alice();
    let counts: Vec<_> = (0..3)
        .map(|_| only(&client.succeed(&mut invite(), &www_asks("demo.test", "n1")), "nc").unwrap())
        .collect();
    assert_eq!(counts, ["00000001", "00000002", "00000003"]);
    let other = client.succeed(&mut invite(), &www_asks("demo.test", "n2"));
    assert_eq!(only(&other, "nc").unwrap(), "00000001");
    // The newest nonce is the one that goes ahead.
    assert_eq!(summary(&client.ahead(&mut invite())), [line(SERVER, "demo.test", "n2", 2)]);
}

#[test]
fn contexts_side_by_side_keep_their_proxies_credentials() {
    let mut client = Client::alice();
    let mut contexts: Vec<_> = (0..100).map(|_| invite()).collect();
    for (n, context) in contexts.iter_mut().enumerate() {
        client.retry(context, &proxy_asks("proxy", &format!("p{n}")));
    }
    for (n, context) in contexts.iter_mut().enumerate() {
        let answer = client.retry(context, &www_asks("server", &format!("s{n}")));
        assert_eq!(answer.headers.len(), 2, "context {n}");
    }
}

#[test]
fn rfc7616_s3_4_2_a_session_keeps_its_first_nonce_and_cnonce_in_a1() {
    let sess = r#"realm="demo.test", nonce="n0nce", qop="auth", algorithm=SHA-256-sess"#;
    let mut client = Client::alice();
    let mut first = invite();
    let answer = client.retry(&mut first, &www(&[sess]));
    assert_eq!(digest(&answer), "1bd02ed71bc6ac23d34162d3b72f4da860e29e871bafaaced8bd5b2b0c821f6d");
    let mut other = Client::alice();
    let mut its_first = invite();
    other.succeed(&mut its_first, &www(&[sess]));

    let response_of = |headers: Vec<(HeaderName, String)>| unquoted(raw(&headers[0].1, "response"));
    client.learn(&mut first, &ok(&[]));
    let ahead = client.ahead(&mut context("BYE", "sip:bob@demo.test"));
    assert_eq!(raw(&ahead[0].1, "cnonce").unwrap(), "\"c1\"");
    assert_eq!(
        response_of(ahead),
        "fed2db2c1ee391db0af37dad9a8f316726e3e80307ea1afffa7f94a402ed805d"
    );
    other.learn(&mut its_first, &ok(&["Authentication-Info: nextnonce=\"n2\""]));
    let ahead = other.ahead(&mut context("BYE", "sip:bob@demo.test"));
    assert_eq!(
        response_of(ahead),
        "86cc74d416f7698fe1b1c2bfd14086cddfe1c1f019b2dab45a485a05665d2f1d"
    );
}

#[test]
fn rfc7616_s3_5_nextnonce_is_used_from_then_on_and_counts_anew() {
    let (mut client, mut first) = (Client::alice(), invite());
    client.retry(&mut first, &www_asks("demo.test", "n1"));
    let done = ok(&["Authentication-Info: nextnonce=\"n2\", qop=auth"]);
    let infos = client.learn(&mut first, &done);
    assert_eq!(infos.len(), 1);
    assert_eq!(infos[0].kind, AuthKind::Server);
    assert_eq!(infos[0].realm.as_deref(), Some("demo.test"));
    assert_eq!(infos[0].next_nonce.as_deref(), Some("n2"));
    assert_eq!(infos[0].rspauth, RspAuth::Absent);
    assert_eq!(summary(&client.ahead(&mut invite())), [line(SERVER, "demo.test", "n2", 1)]);
    // The 2xx comes again: the count does not begin anew.
    client.learn(&mut first, &done);
    let mut third = invite();
    assert_eq!(summary(&client.ahead(&mut third)), [line(SERVER, "demo.test", "n2", 2)]);
    client.learn(&mut third, &ok(&["Authentication-Info: nextnonce=\"n3\""]));
    // Nor does the old nonce come back.
    client.learn(&mut first, &done);
    assert_eq!(summary(&client.ahead(&mut invite())), [line(SERVER, "demo.test", "n3", 1)]);
}

#[test]
fn rfc7616_s3_5_the_servers_own_proof_is_checked() {
    let good = "aa6bb818552a5dc50ee874b1eca44986b8dd2d8ed0c10b962dff7d5244359581";
    let of_body = "2f266da87fe80f0a32f5c02cafe804edd7099f1d219014e89f692430834f9f61";
    for (info, expected) in [
        (format!(r#"rspauth="{good}", qop=auth, cnonce="c1", nc=00000001"#), RspAuth::Verified),
        (format!(r#"rspauth="{}""#, good.to_uppercase()), RspAuth::Verified),
        (format!(r#"rspauth="{of_body}", qop="auth-int", cnonce="c1""#), RspAuth::Verified),
        (format!(r#"rspauth="{good}", cnonce="c2""#), RspAuth::Wrong),
        (format!(r#"rspauth="{good}", nc=00000002"#), RspAuth::Wrong),
        (format!(r#"rspauth="{of_body}", qop=auth"#), RspAuth::Wrong),
        (r#"rspauth="""#.to_owned(), RspAuth::Wrong),
        (r#"nextnonce="n2""#.to_owned(), RspAuth::Absent),
    ] {
        let (mut client, mut first) = (Client::alice(), invite());
        client.retry(&mut first, &proxy_asks("demo.test", "n0nce"));
        let header = format!("Proxy-Authentication-Info: {info}, nextnonce=\"n2\"");
        let infos = client.learn(&mut first, &response(200, &[&header], "ok"));
        assert_eq!(infos[0].rspauth, expected, "{info}");
        // Who cannot prove itself hands out no nonce.
        let nonce = if expected == RspAuth::Wrong { "n0nce" } else { "n2" };
        assert_eq!(summary(&client.ahead(&mut invite()))[0].2, nonce, "{info}");
    }
}

#[test]
fn a_proof_that_nobody_asked_for_is_not_believed() {
    let (mut client, mut first) = (Client::alice(), invite());
    let header = r#"Authentication-Info: rspauth="00", nextnonce="n2""#;
    let infos = client.learn(&mut first, &ok(&[header]));
    assert!(matches!(infos[0].rspauth, RspAuth::Unverifiable(_)), "{infos:?}");
    assert_eq!(infos[0].realm, None);
    assert!(client.ahead(&mut invite()).is_empty());
}

#[test]
fn a_redirected_request_answers_its_new_server_as_well() {
    let (mut client, mut context) = (Client::alice(), invite());
    client.retry(&mut context, &www_asks("demo.test", "n1"));
    // To another host: nothing is carried, and so nothing was refused there.
    context.uri = "sip:bob@other.test";
    assert!(client.ahead(&mut context).is_empty());
    client.retry(&mut context, &www_asks("demo.test", "n2"));
    assert_eq!(context.state.rounds(), 2);
}

proptest! {
    #[test]
    fn no_server_can_make_a_context_go_round_for_ever(
        rounds in prop::collection::vec((0u8..3, 0u8..3, any::<bool>(), any::<bool>()), 1..40),
    ) {
        let (mut client, mut context) = (Client::alice(), invite());
        let mut retries = 0;
        for (realm, nonce, stale, by_proxy) in rounds {
            let stale = if stale { ", stale=true" } else { "" };
            let params = asks(&format!("r{realm}"), &format!("n{nonce}"), stale);
            let asked = if by_proxy { proxy(&[&params]) } else { www(&[&params]) };
            client.learn(&mut context, &asked);
            match client.answer(&mut context, &asked) {
                Decision::Retry(answer) => {
                    retries += 1;
                    let mut keys: Vec<_> = summary(&answer.headers);
                    keys.iter_mut().for_each(|key| key.3.clear());
                    keys.sort();
                    let count = keys.len();
                    keys.dedup();
                    prop_assert_eq!(keys.len(), count, "one answer for each challenge");
                }
                Decision::GiveUp { .. } => break,
            }
        }
        prop_assert!(retries <= 5);
    }
}
