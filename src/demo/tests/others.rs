//! Everything that is no INVITE.

use std::time::Duration;

use md5::{Digest, Md5};

use super::bench::{Bench, Spec, log};
use crate::sip::{HeaderName, Transport};

#[test]
fn plain_requests_are_answered_200_with_what_belongs_to_them() {
    let mut bench = Bench::new(Transport::Udp);
    for (branch, method) in ["MESSAGE", "INFO", "NOTIFY"].iter().enumerate() {
        let branch = branch.to_string();
        let sent = bench.send(&Spec { user: "bob", ..Spec::new(method, &branch) });
        assert_eq!(log(&sent), [format!("0 200 {method}")]);
        assert_eq!(sent[0].header(HeaderName::Contact), "");
        assert!(sent[0].header(HeaderName::Server).starts_with("sipboard"));
    }
    for method in ["X-ANY", "invite"] {
        let sent = bench.send(&Spec { user: "bob", ..Spec::new(method, method) });
        assert_eq!(sent[0].short(), format!("405 {method}"), "RFC 3261 §8.2.1");
        assert!(sent[0].header(HeaderName::Allow).starts_with("INVITE, ACK"));
    }
    let options = bench.send(&Spec::new("OPTIONS", "o"));
    assert_eq!(options[0].header(HeaderName::Accept), "application/sdp");
    assert!(options[0].header(HeaderName::Supported).contains("100rel"));
    for method in ["BYE", "PRACK", "UPDATE"] {
        assert_eq!(bench.send(&Spec::new(method, method))[0].short(), format!("481 {method}"));
    }
}

#[test]
fn register_gives_the_bindings_back() {
    let mut bench = Bench::new(Transport::Ws);
    let more = "Expires: 600\r\n";
    let sent = bench.send(&Spec { user: "alice", more, ..Spec::new("REGISTER", "1") });
    assert_eq!(sent[0].short(), "200 REGISTER");
    let contact = sent[0].header(HeaderName::Contact);
    assert_eq!(contact, "<sip:al@x.invalid;transport=ws>;expires=600");
}

#[test]
fn publish_gives_an_entity_tag() {
    let mut bench = Bench::new(Transport::Ws);
    let more = "Event: presence\r\n";
    let first = bench.send(&Spec { more, body: "x", ..Spec::new("PUBLISH", "1") });
    let etag = first[0].header(HeaderName::SipEtag);
    assert!(first[0].short() == "200 PUBLISH" && !etag.is_empty());
    let more = format!("Event: presence\r\nSIP-If-Match: {etag}\r\n");
    let again = bench.send(&Spec { more: &more, ..Spec::new("PUBLISH", "2") });
    assert_eq!(again[0].short(), "200 PUBLISH");
    assert_eq!(
        bench.send(&Spec { more: &more, ..Spec::new("PUBLISH", "3") })[0].short(),
        "412 PUBLISH"
    );
}

#[test]
fn subscribe_notifies_at_once_is_refreshed_and_ends() {
    let mut bench = Bench::new(Transport::Udp);
    let more = "Event: presence\r\nExpires: 100\r\n";
    let sent = bench.send(&Spec { more, ..Spec::new("SUBSCRIBE", "1") });
    assert_eq!(log(&sent), ["0 200 SUBSCRIBE", "0 NOTIFY"]);
    let (ok, notify) = (&sent[0], &sent[1]);
    assert_eq!(ok.header(HeaderName::Expires), "100");
    assert_eq!(notify.to, Some(Bench::source()), "the Contact");
    assert_eq!(notify.header(HeaderName::SubscriptionState), "active;expires=100");
    assert_eq!(notify.header(HeaderName::Event), "presence");
    assert!(notify.body().contains("entity=\"sip:answer@demo.test\""));
    assert_eq!(notify.message().from().unwrap().tag(), Some(&*ok.tag()));
    bench.answer(notify, "200 OK");
    bench.pass_ms(50_000);

    let tag = ok.tag();
    let refresh = Spec { to_tag: &tag, more, cseq: 2, ..Spec::new("SUBSCRIBE", "2") };
    let refreshed = bench.send(&refresh);
    assert_eq!(log(&refreshed), ["50000 200 SUBSCRIBE", "50000 NOTIFY"]);
    bench.answer(&refreshed[1], "200 OK");
    // Nobody refreshes again.
    let ended = bench.pass_ms(100_000);
    assert_eq!(log(&ended), ["150000 NOTIFY"]);
    assert_eq!(ended[0].header(HeaderName::SubscriptionState), "terminated;reason=timeout");
    bench.answer(&ended[0], "200 OK");
    bench.pass(Duration::from_secs(40));
    assert!(bench.core.is_empty());
}

#[test]
fn unsubscribing_and_a_refused_notify_end_a_subscription() {
    let mut bench = Bench::new(Transport::Ws);
    let fetch =
        Spec { more: "Event: dialog;id=1\r\nExpires: 0\r\n", ..Spec::new("SUBSCRIBE", "1") };
    let sent = bench.send(&fetch);
    assert_eq!(log(&sent), ["0 200 SUBSCRIBE", "0 NOTIFY"]);
    assert_eq!(sent[1].header(HeaderName::SubscriptionState), "terminated;reason=timeout");
    bench.answer(&sent[1], "200 OK");
    let sent = bench.send(&Spec { more: "Event: dialog\r\n", ..Spec::new("SUBSCRIBE", "2") });
    assert_eq!(sent[1].header(HeaderName::SubscriptionState), "active;expires=3600");
    bench.answer(&sent[1], "481 Gone");
    let unknown = Spec { more: "Event: x.y\r\n", ..Spec::new("SUBSCRIBE", "3") };
    assert_eq!(bench.send(&unknown)[0].short(), "489 SUBSCRIBE");
    bench.pass(Duration::from_secs(40));
    assert!(bench.core.is_empty());
}

#[test]
fn refer_reports_what_the_user_that_is_named_would_answer() {
    for (target, outcome) in
        [("answer", "SIP/2.0 200 OK\r\n"), ("busy", "SIP/2.0 486 Busy Here\r\n")]
    {
        let mut bench = Bench::new(Transport::Udp);
        let more = format!("Refer-To: <sip:{target}@demo.test>\r\n");
        let sent = bench.send(&Spec { more: &more, ..Spec::new("REFER", "1") });
        assert_eq!(log(&sent), ["0 202 REFER", "0 NOTIFY"]);
        assert_eq!(sent[1].body(), "SIP/2.0 100 Trying\r\n");
        assert_eq!(sent[1].header(HeaderName::Event), "refer;id=1");
        assert_eq!(sent[1].header(HeaderName::SubscriptionState), "active;expires=60");
        bench.answer(&sent[1], "200 OK");
        let last = bench.pass_ms(200);
        assert_eq!(last[0].body(), outcome);
        assert_eq!(last[0].header(HeaderName::SubscriptionState), "terminated;reason=noresource");
        bench.answer(&last[0], "200 OK");
        bench.pass(Duration::from_secs(40));
        assert!(bench.core.is_empty());
    }
    let mut bench = Bench::new(Transport::Udp);
    let more = "Refer-To: <sip:b@h>, <sip:c@h>\r\n";
    assert_eq!(bench.send(&Spec { more, ..Spec::new("REFER", "1") })[0].short(), "400 REFER");
    let more = "Refer-To: <sip:b@h>\r\nRefer-Sub: false\r\n";
    let quiet = bench.send(&Spec { more, ..Spec::new("REFER", "2") });
    assert_eq!(log(&quiet), ["0 202 REFER"]);
}

#[test]
fn a_method_that_is_only_tried_out_needs_no_headers_of_its_own() {
    let mut bench = Bench::new(Transport::Udp);
    let sent = bench.send(&Spec::new("SUBSCRIBE", "1"));
    assert_eq!(log(&sent), ["0 200 SUBSCRIBE", "0 NOTIFY"]);
    assert_eq!(sent[1].header(HeaderName::Event), "presence");
    bench.answer(&sent[1], "481 Gone");
    let sent = bench.send(&Spec::new("PUBLISH", "2"));
    assert_eq!(log(&sent), ["0 200 PUBLISH"]);
    assert!(!sent[0].header(HeaderName::SipEtag).is_empty());
    let sent = bench.send(&Spec::new("REFER", "3"));
    assert_eq!(log(&sent), ["0 202 REFER", "0 NOTIFY"]);
    bench.answer(&sent[1], "200 OK");
    let last = bench.pass_ms(200);
    assert_eq!(last[0].body(), "SIP/2.0 200 OK\r\n");
}

#[test]
fn every_response_but_a_100_says_what_is_answered() {
    for (user, statuses) in [
        ("answer", &["180 INVITE", "200 INVITE"][..]),
        ("slow", &["100 INVITE"]),
        ("busy", &["486 INVITE"]),
        ("auth", &["407 INVITE"]),
        ("redirect", &["302 INVITE"]),
    ] {
        let mut bench = Bench::new(Transport::Ws);
        let mut sent = bench.invite(user);
        sent.extend(bench.pass_ms(200));
        assert_eq!(sent.iter().map(|sent| sent.short()).collect::<Vec<_>>(), statuses);
        for sent in sent {
            let all = sent.message().all(HeaderName::Allow).count();
            assert_eq!(all, usize::from(sent.short() != "100 INVITE"), "{}", sent.short());
        }
    }
    let mut bench = Bench::new(Transport::Udp);
    let allow = bench.send(&Spec::new("OPTIONS", "o"))[0].header(HeaderName::Allow);
    assert!(allow.contains("PUBLISH") && allow.contains("REFER"), "{allow}");
    assert!(bench.send(&Spec::new("BYE", "b"))[0].header(HeaderName::Allow).contains("BYE"));
}

#[test]
fn md5_offers_that_alone_and_refused_credentials_are_told_why() {
    let mut bench = Bench::new(Transport::Udp);
    let challenged = bench.send(&Spec { user: "md5", ..Spec::new("OPTIONS", "1") });
    let message = challenged[0].message();
    assert_eq!(message.all(HeaderName::ProxyAuthenticate).count(), 1);
    assert!(challenged[0].header(HeaderName::ProxyAuthenticate).contains("algorithm=MD5"));
    assert_eq!(message.all(HeaderName::Warning).count(), 0, "nothing was given");
    let more = "Proxy-Authorization: Digest username=\"demo\", realm=\"elsewhere\", nonce=\"n\", \
                uri=\"sip:md5@demo.test\", response=\"00\"\r\n";
    let refused = bench.send(&Spec { user: "md5", more, ..Spec::new("OPTIONS", "2") });
    assert_eq!(refused[0].short(), "407 OPTIONS");
    let warning = refused[0].header(HeaderName::Warning);
    assert_eq!(warning, "399 sipboard \"there are no Digest credentials for this realm\"");
}

#[test]
fn auth_lets_in_who_knows_the_password() {
    let mut bench = Bench::new(Transport::Udp);
    let challenged = bench.invite("auth");
    assert_eq!(log(&challenged), ["0 407 INVITE"]);
    bench.ack("auth", "1", &challenged[0].tag());
    let message = challenged[0].message();
    let challenges: Vec<&str> =
        message.all(HeaderName::ProxyAuthenticate).map(|h| h.text().unwrap()).collect();
    assert_eq!(challenges.len(), 2);
    assert!(challenges[0].contains("MD5") && challenges[1].contains("SHA-256"));
    assert!(challenges.iter().all(|challenge| !challenge.contains("stale")));
    let nonce = challenges[1].split("nonce=\"").nth(1).unwrap().split('"').next().unwrap();

    let md5 = |text: String| {
        Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let credentials = |password: &str, count: &str| {
        let a1 = md5(format!("demo:sipboard demo:{password}"));
        let a2 = md5("INVITE:sip:auth@demo.test".into());
        let response = md5(format!("{a1}:{nonce}:{count}:c:auth:{a2}"));
        format!(
            "Proxy-Authorization: Digest username=\"demo\", realm=\"sipboard demo\", \
             nonce=\"{nonce}\", uri=\"sip:auth@demo.test\", response=\"{response}\", \
             algorithm=MD5, qop=auth, nc={count}, cnonce=\"c\"\r\n"
        )
    };
    let mut attempt = |branch: &str, more: &str| {
        let sent = bench.send(&Spec { user: "auth", more, ..Spec::new("INVITE", branch) });
        (sent[0].short(), sent[0].header(HeaderName::ProxyAuthenticate).contains("stale=true"))
    };
    assert_eq!(attempt("2", &credentials("guess", "00000001")), ("407 INVITE".into(), false));
    assert_eq!(attempt("3", &credentials("demo", "00000001")), ("180 INVITE".into(), false));
    assert_eq!(attempt("4", &credentials("demo", "00000001")), ("407 INVITE".into(), true));
    assert_eq!(attempt("5", &credentials("demo", "00000002")), ("180 INVITE".into(), false));
}
