//! §21: what statuses mean, as the context says it, and the retry that it offers.

use sipboard::sip::{Cause, HeaderName, Method, NewRequest, StatusCode};

use crate::{
    scripted::*,
    simulation::{invite, new_request},
};

const EXTRA: [&str; 2] = ["Require: x-one, x-two", "Expires: 10"];

/// What is advised after a rejection with these headers: the sentence, and the retry.
fn rejected(status: u16, headers: &[(HeaderName, &str)]) -> (String, Option<NewRequest>) {
    let mut request = invite();
    request.headers = EXTRA.iter().map(|line| line.parse().unwrap()).collect();
    request.content_type = Some("application/sdp".to_owned());
    request.body = SDP.into();
    let mut call = Call::udp(request);
    call.reply_with(status, "b", |builder| {
        headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, value))
    });
    call.advice().unwrap_or_else(|| panic!("{status} advises something"))
}

fn sentence(status: u16, headers: &[(HeaderName, &str)]) -> String {
    rejected(status, headers).0
}

/// The values of a header in the retry, once it is sent.
fn resent(status: u16, headers: &[(HeaderName, &str)], name: HeaderName) -> Vec<String> {
    let retry = rejected(status, headers).1.expect("a retry is offered");
    list(&Call::udp(retry).last(), name)
}

#[test]
fn s21_3_a_redirection_names_where_the_peer_is_and_offers_the_best() {
    let contacts = [(HeaderName::Contact, "<sip:low@c.test>;q=0.1, <sip:high@c.test>;q=0.7")];
    for status in [300, 301, 302] {
        let (sentence, retry) = rejected(status, &contacts);
        assert!(sentence.contains("sip:high@c.test (q=0.7), sip:low@c.test (q=0.1)"), "{sentence}");
        assert_eq!(retry.unwrap().request_uri.as_str(), "sip:high@c.test");
    }
}

#[test]
fn s21_3_4_305_offers_the_request_through_the_proxy() {
    let contact = [(HeaderName::Contact, "<sip:proxy.test>")];
    let (sentence, retry) = rejected(305, &contact);
    assert!(sentence.contains("sip:proxy.test"), "{sentence}");
    let sent = Call::udp(retry.unwrap()).last();
    assert_eq!(sent.request_uri(), Some("sip:bob@demo.test"));
    assert_eq!(list(&sent, HeaderName::Route), ["<sip:proxy.test;lr>"]);
}

#[test]
fn s21_4_2_401_and_s21_4_8_407_name_the_realm() {
    let digest = "Digest realm=\"the realm\", nonce=\"n\"";
    assert!(sentence(401, &[(HeaderName::WwwAuthenticate, digest)]).contains("the realm"));
    assert!(sentence(407, &[(HeaderName::ProxyAuthenticate, digest)]).contains("the realm"));
}

#[test]
fn s21_4_6_405_says_what_is_allowed() {
    assert!(sentence(405, &[(HeaderName::Allow, "OPTIONS, BYE")]).contains("OPTIONS, BYE"));
}

#[test]
fn s21_4_7_406_offers_to_accept_anything() {
    assert_eq!(resent(406, &[], HeaderName::Accept), ["*/*"]);
}

#[test]
fn s21_4_11_413_with_retry_after_says_when() {
    assert!(sentence(413, &[(HeaderName::RetryAfter, "60")]).contains("60 s"));
}

#[test]
fn s21_4_13_415_says_which_types_and_offers_none() {
    let accept = [(HeaderName::Accept, "text/plain, text/html")];
    let (sentence, retry) = rejected(415, &accept);
    assert!(sentence.contains("text/plain, text/html"), "{sentence}");
    assert!(Call::udp(retry.unwrap()).last().body().is_empty());
}

#[test]
fn s21_4_13_415_says_which_encodings() {
    assert!(sentence(415, &[(HeaderName::AcceptEncoding, "gzip")]).contains("gzip"));
}

#[test]
fn s21_4_14_416_offers_a_sip_uri_for_a_telephone_number() {
    let mut call = Call::udp(new_request(Method::Options, "tel:+15550123"));
    call.reply(416, "b");
    let (_, retry) = call.advice().unwrap();
    let uri = retry.unwrap().request_uri;
    assert_eq!(uri.as_str(), "sip:+15550123@demo.test;user=phone");
}

#[test]
fn s21_4_15_420_offers_the_request_without_what_is_unknown() {
    let unknown = [(HeaderName::Unsupported, "x-one")];
    assert_eq!(resent(420, &unknown, HeaderName::Require), ["x-two"]);
    let both = [(HeaderName::Unsupported, "x-one, X-TWO")];
    assert_eq!(resent(420, &both, HeaderName::Require), [""; 0]);
}

#[test]
fn s21_4_16_421_offers_to_support_what_is_required() {
    let supported = resent(421, &[(HeaderName::Require, "timer")], HeaderName::Supported);
    assert_eq!(supported, ["100rel", "199", "timer"]);
}

#[test]
fn s21_4_17_423_offers_the_shortest_expiry_that_is_taken() {
    assert_eq!(resent(423, &[(HeaderName::MinExpires, "3600")], HeaderName::Expires), ["3600"]);
}

#[test]
fn rfc4028_s6_422_offers_the_shortest_session_that_is_taken() {
    let min = [(HeaderName::MinSe, "120")];
    assert_eq!(resent(422, &min, HeaderName::SessionExpires), ["120"]);
    assert_eq!(resent(422, &min, HeaderName::MinSe), ["120"]);
}

#[test]
fn s21_4_18_480_and_others_with_retry_after_say_when() {
    for status in [404, 480, 486, 500, 503, 600, 603] {
        let after = [(HeaderName::RetryAfter, "18 (in a meeting);duration=3600")];
        assert!(sentence(status, &after).contains("18 s"), "{status}");
    }
}

#[test]
fn s21_4_27_491_says_when_to_try_again() {
    assert!(sentence(491, &[]).contains("2.1 to 4 s"));
}

#[test]
fn s21_5_4_503_without_retry_after_says_to_try_another_server() {
    assert!(sentence(503, &[]).contains("another"));
}

#[test]
fn s21_a_retry_is_a_request_that_goes_through() {
    for (status, name, value) in [
        (302, HeaderName::Contact, "<sip:c@c.test>"),
        (420, HeaderName::Unsupported, "x-one"),
        (423, HeaderName::MinExpires, "60"),
        (503, HeaderName::RetryAfter, "1"),
    ] {
        let retry = rejected(status, &[(name, value)]).1.expect("a retry");
        let mut call = Call::udp(retry);
        call.reply(200, "b");
        assert_eq!(call.last_event().status.legs_up, 1, "{status}");
    }
}

#[test]
fn s21_what_says_nothing_more_advises_nothing() {
    for status in [400, 403, 410, 487, 488, 501, 505, 604, 606] {
        let mut call = Call::udp(invite());
        call.reply(status, "b");
        assert!(call.advice().is_none(), "{status}");
    }
}

#[test]
fn s21_each_status_has_its_own_reason_phrase() {
    for (status, phrase) in [
        (100, "Trying"),
        (180, "Ringing"),
        (183, "Session Progress"),
        (200, "OK"),
        (302, "Moved Temporarily"),
        (404, "Not Found"),
        (481, "Call/Transaction Does Not Exist"),
        (486, "Busy Here"),
        (487, "Request Terminated"),
        (488, "Not Acceptable Here"),
        (503, "Service Unavailable"),
        (603, "Decline"),
    ] {
        assert_eq!(StatusCode::new(status).unwrap().canonical_reason(), phrase);
    }
}

#[test]
fn s21_a_status_outside_100_to_699_is_none() {
    let mut call = Call::invited();
    assert_eq!(StatusCode::new(99).or(StatusCode::new(700)), None);
    let right = crate::simulation::response(&call.last(), 200, "b");
    let right = String::from_utf8(right.to_vec()).unwrap();
    for line in ["SIP/2.0 700 X", "SIP/2.0 099 X", "SIP/2.0 20 X", "SIP/2.0 2000 X"] {
        call.deliver(right.replace("SIP/2.0 200 OK", line).into());
    }
    assert_eq!((call.news(), call.sim.strays.len()), (vec![], 4));
}

#[test]
fn s21_the_reason_phrase_does_not_matter() {
    let mut call = Call::invited();
    let right = crate::simulation::response(&call.last(), 486, "b");
    let right = String::from_utf8(right.to_vec()).unwrap();
    call.deliver(right.replace("486 Busy Here", "486 OK all is fine").into());
    assert_eq!(call.ended().unwrap().0, Cause::Busy);
}

#[test]
fn s21_4_where_the_peer_names_nothing_the_sentence_says_what_is_missing() {
    for (status, missing) in [
        (305, "Contact"),
        (405, "Allow"),
        (415, "Accept"),
        (420, "Unsupported"),
        (421, "Require"),
        (422, "Min-SE"),
        (423, "Min-Expires"),
    ] {
        let (sentence, retry) = rejected(status, &[]);
        assert!(sentence.contains(&format!("no usable {missing}")), "{status}: {sentence}");
        assert_eq!(retry, None, "{status}");
    }
    let languages = sentence(415, &[(HeaderName::AcceptLanguage, "en")]);
    assert!(languages.contains("languages en"), "{languages}");
}
