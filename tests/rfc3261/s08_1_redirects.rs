//! §8.1.3.4: what a redirect may and may not make of a request.

use sipboard::sip::{Cause, Fact, HeaderName, Method, Redirects, Settings, State, Transport};

use crate::{
    scripted::*,
    simulation::{invite, new_request},
};

fn redirecting(redirects: Redirects, transport: Transport, target: &str) -> Call {
    let settings = Settings { redirects, ..Settings::default() };
    Call::with(settings, transport, new_request(Method::Invite, target)).looked()
}

fn redirect(call: &mut Call, contacts: &str) {
    call.reply_with(302, "b", |builder| builder.header(HeaderName::Contact, contacts));
}

/// The sentence of the last failure.
fn detail(call: &Call) -> String {
    let failed = call.sim.events.iter().rev().find_map(|event| match &event.fact {
        Fact::Failed { detail, .. } => Some(detail.to_string()),
        _ => None,
    });
    failed.expect("it failed")
}

#[test]
fn a_peer_that_names_a_fresh_contact_each_time_is_followed_ten_times() {
    for redirects in [Redirects::Best, Redirects::All] {
        let mut call = redirecting(redirects, Transport::Udp, "sip:bob@demo.test");
        for hop in 0..50 {
            if call.state() == State::Rejected {
                break;
            }
            redirect(&mut call, &format!("<sip:b{hop}@c.test>, <sip:c{hop}@c.test>;q=0.5"));
        }
        assert_eq!(call.all_sent(Method::Invite).len(), 11);
        assert_eq!(call.ended().unwrap().0, Cause::Redirected);
        assert!(detail(&call).contains("stopped after 10 redirects"), "{}", detail(&call));
        assert_eq!(call.advice(), None);
    }
}

#[test]
fn a_loop_is_told_and_not_advised() {
    let mut call = redirecting(Redirects::Best, Transport::Udp, "sip:bob@demo.test");
    redirect(&mut call, "<sip:c@c.test>");
    redirect(&mut call, "<sip:bob@demo.test>");
    assert!(detail(&call).contains("sip:bob@demo.test was tried before, a loop"));
    assert_eq!(call.advice(), None);
}

#[test]
fn s8_1_1_8_who_follows_to_a_sips_uri_is_reached_by_one() {
    for method in [Method::Invite, Method::Subscribe] {
        let settings = Settings { redirects: Redirects::Best, ..Settings::default() };
        let request = new_request(method, "sip:bob@demo.test");
        let mut call = Call::with(settings, Transport::Tls, request).looked();
        redirect(&mut call, "<sips:bob@demo.test>");
        let contact = text(&call.last(), HeaderName::Contact);
        assert!(contact.starts_with("<sips:") && !contact.contains("transport"), "{contact}");
    }
}

#[test]
fn a_downgrade_from_sips_is_told_and_not_advised() {
    let mut call = redirecting(Redirects::All, Transport::Tls, "sips:bob@demo.test");
    redirect(&mut call, "<sip:c@c.test>");
    assert_eq!(call.state(), State::Rejected);
    assert!(detail(&call).contains("sips must not become sip"), "{}", detail(&call));
    assert_eq!(call.advice(), None);
}

#[test]
fn a_3xx_without_a_contact_says_that_it_has_none() {
    let mut call = redirecting(Redirects::Best, Transport::Udp, "sip:bob@demo.test");
    call.reply_with(302, "b", |builder| builder);
    assert!(detail(&call).contains("names no contact"), "{}", detail(&call));
}

#[test]
fn s19_1_5_headers_of_a_contact_become_header_fields_where_that_is_safe() {
    let mut call = redirecting(Redirects::Best, Transport::Udp, "sip:bob@demo.test");
    redirect(&mut call, "<sip:c@c.test;method=BYE?Subject=hello%20you&Route=%3Csip:evil%3E>");
    let second = call.last();
    assert_eq!(second.request_uri(), Some("sip:c@c.test"));
    assert_eq!(second.method(), Some(Method::Invite));
    assert_eq!(text(&second, HeaderName::Subject), "hello you");
    assert!(!has(&second, HeaderName::Route));
    let skipped = call.sim.events.iter().find_map(|event| match &event.fact {
        Fact::Redirected { followed, .. } => Some(followed.skipped.clone()),
        _ => None,
    });
    assert_eq!(skipped.unwrap(), ["Route"]);
}

#[test]
fn s19_1_5_a_header_of_a_contact_takes_the_place_of_the_one_that_was() {
    let mut request = invite();
    request.headers.push("Subject: old".parse().unwrap());
    request.headers.push("X-Own: kept".parse().unwrap());
    let settings = Settings { redirects: Redirects::Best, ..Settings::default() };
    let mut call = Call::with(settings, Transport::Udp, request);
    redirect(&mut call, "<sip:c@c.test?s=new>");
    assert_eq!(lines(&call.last(), HeaderName::Subject), ["new"]);
    assert!(String::from_utf8_lossy(call.last().bytes()).contains("X-Own: kept"));
}

#[test]
fn s21_3_4_a_305_and_a_380_are_no_targets_and_that_is_said() {
    for (status, word) in [(305, "proxy"), (380, "service")] {
        let mut call = redirecting(Redirects::All, Transport::Udp, "sip:bob@b.test");
        call.reply_with(status, "b", |builder| builder.header(HeaderName::Contact, "<sip:p.test>"));
        assert_eq!(call.all_sent(Method::Invite).len(), 1);
        let why = detail(&call);
        assert!(why.contains("not followed") && why.contains(word), "{why}");
    }
}

#[test]
fn a_contact_of_another_scheme_is_followed_only_along_a_route() {
    let mut call = redirecting(Redirects::All, Transport::Udp, "sip:bob@b.test");
    redirect(&mut call, "<tel:+15551234>, <mailto:bob@b.test>");
    assert_eq!(call.all_sent(Method::Invite).len(), 1);
    let why = detail(&call);
    assert!(why.contains("tel:+15551234 names no SIP server"), "{why}");
    assert!(why.contains("mailto:bob@b.test"), "{why}");

    let mut request = new_request(Method::Invite, "sip:bob@b.test");
    request.route_set = vec![uri("sip:p.test;lr")];
    let settings = Settings { redirects: Redirects::All, ..Settings::default() };
    let mut call = Call::with(settings, Transport::Udp, request);
    redirect(&mut call, "<tel:+15551234>");
    assert_eq!(call.last().request_uri(), Some("tel:+15551234"));
}
