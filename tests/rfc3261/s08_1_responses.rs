//! §8.1.3: what responses mean to the one who asked.

use sipboard::sip::{
    Cause, Fact, HeaderName, MessageBuilder, Method, Redirects, Settings, State, Transport,
};

use crate::{
    scripted::*,
    simulation::{FLOW, invite, ms, new_request, response, response_with},
};

#[test]
fn s8_1_3_1_a_transport_error_fails_the_request() {
    let mut call = Call::options();
    call.sim.with(|ua, now| ua.flow_error(now, FLOW, "connection refused"));
    assert_eq!(call.news(), ["failed Connection Error", "ended Connection Error"]);
}

#[test]
fn s8_1_3_1_a_timeout_fails_the_request() {
    let mut call = Call::options();
    call.wait(PATIENCE);
    assert_eq!(call.ended(), Some((Cause::RequestTimeout, PATIENCE)));
}

#[test]
fn s8_1_3_2_an_unknown_final_is_taken_as_the_x00_of_its_class() {
    for (status, word) in [
        (299, "accepted 299"),
        (399, "rejected 399 SIP Failure Code"),
        (431, "rejected 431 SIP Failure Code"),
        (599, "rejected 599 SIP Failure Code"),
        (699, "rejected 699 SIP Failure Code"),
    ] {
        let mut call = Call::options();
        call.reply(status, "b");
        assert_eq!(call.news()[0], word);
        assert!(call.ended().is_some(), "{status}");
    }
}

#[test]
fn s8_1_3_2_an_unknown_provisional_is_taken_as_183() {
    let mut call = Call::invited();
    call.reply(185, "b");
    assert_eq!(call.news(), ["progress 185", "leg b Early"]);
    assert_eq!(call.state(), State::Proceeding);
}

#[test]
fn s8_1_3_3_a_response_with_two_vias_is_discarded() {
    let mut call = Call::invited();
    let right = String::from_utf8(response(&call.last(), 200, "b").to_vec()).unwrap();
    let wrong = right.replacen("Via:", "Via: SIP/2.0/UDP other;branch=z9hG4bKx\r\nVia:", 1);
    call.deliver(wrong.into());
    let below = right.replacen("From:", "Via: SIP/2.0/UDP other;branch=z9hG4bKx\r\nFrom:", 1);
    call.deliver(below.into());
    assert_eq!(call.news(), [""; 0]);
    assert_eq!(call.sim.strays.len(), 2);
    assert!(call.sim.strays[0].problem.contains("§8.1.3.3"), "{}", call.sim.strays[0].problem);
}

fn redirecting(redirects: Redirects) -> Call {
    let settings = Settings { redirects, ..Settings::default() };
    Call::with(settings, Transport::Udp, invite()).looked()
}

fn to(contacts: &'static str) -> impl FnOnce(MessageBuilder) -> MessageBuilder {
    move |builder| builder.header(HeaderName::Contact, contacts)
}

#[test]
fn s8_1_3_4_a_3xx_is_a_rejection_where_the_user_did_not_allow_more() {
    let mut call = redirecting(Redirects::None);
    call.reply_with(302, "b", to("<sip:c@c.test>"));
    assert_eq!(
        call.news(),
        ["rejected 302 Redirected", "failed Redirected", "acked 302", "ended Redirected"]
    );
}

#[test]
fn s8_1_3_4_a_redirected_request_keeps_to_from_and_call_id_and_has_a_new_branch() {
    let mut call = redirecting(Redirects::Best);
    let first = call.last();
    call.reply_with(302, "b", to("<sip:c@c.test>"));
    let second = call.last();
    assert_eq!(second.request_uri(), Some("sip:c@c.test"));
    for name in [HeaderName::To, HeaderName::From, HeaderName::CallId] {
        assert_eq!(text(&first, name), text(&second, name), "{name}");
    }
    assert_ne!(branch(&first), branch(&second));
    assert_eq!(cseq(&first) + 1, cseq(&second));
}

#[test]
fn s8_1_3_4_contacts_are_tried_by_their_q_until_one_does_not_fail() {
    let mut call = redirecting(Redirects::All);
    call.reply_with(302, "b", to("<sip:low@c.test>;q=0.2, <sip:high@c.test>;q=0.9"));
    assert_eq!(call.last().request_uri(), Some("sip:high@c.test"));
    call.reply(480, "b");
    assert_eq!(call.last().request_uri(), Some("sip:low@c.test"));
    call.reply(200, "b");
    assert_eq!(call.state(), State::Accepted);
}

#[test]
fn s8_1_3_4_no_target_is_tried_twice() {
    let mut call = redirecting(Redirects::All);
    call.reply_with(302, "b", to("<sip:c@c.test>"));
    call.reply_with(302, "b", to("<sip:bob@demo.test>, <sip:c@c.test>"));
    assert_eq!(call.last_event().fact, Fact::Ended { cause: Cause::Redirected });
}

#[test]
fn s8_1_3_4_a_sips_request_is_not_redirected_to_sip() {
    let settings = Settings { redirects: Redirects::All, ..Settings::default() };
    let request = new_request(Method::Invite, "sips:bob@demo.test");
    let mut call = Call::with(settings, Transport::Tls, request);
    call.reply_with(302, "b", to("<sip:c@c.test>"));
    assert_eq!(call.state(), State::Rejected);
}

#[test]
fn s8_1_3_4_headers_in_a_contact_uri_do_not_reach_the_request_line() {
    let mut call = redirecting(Redirects::Best);
    call.reply_with(302, "b", to("<sip:c@c.test?Subject=x>"));
    assert_eq!(call.last().request_uri(), Some("sip:c@c.test"));
}

#[test]
fn s8_1_3_4_a_redirection_of_any_method_is_followed() {
    let settings = Settings { redirects: Redirects::Best, ..Settings::default() };
    let options = new_request(Method::Options, "sip:demo.test");
    let mut call = Call::with(settings, Transport::Udp, options).looked();
    call.reply_with(301, "b", to("<sip:c@c.test>"));
    assert_eq!(call.wire(), ["OPTIONS"], "and no ACK");
}

#[test]
fn s8_1_3_5_a_retry_has_the_same_call_id_from_and_to_and_the_next_cseq() {
    let mut call = Call::options();
    let first = call.last();
    call.reply_with(415, "b", |builder| builder.header(HeaderName::Accept, "text/plain"));
    let (_, retry) = call.advice().unwrap();
    call.sim.request(retry.unwrap());
    let second = call.last();
    for name in [HeaderName::To, HeaderName::From, HeaderName::CallId] {
        assert_eq!(text(&first, name), text(&second, name), "{name}");
    }
    assert_eq!(cseq(&first) + 1, cseq(&second));
}

#[test]
fn s8_1_3_a_response_without_a_known_branch_is_a_stray() {
    let mut call = Call::invited();
    let right = String::from_utf8(response(&call.last(), 200, "b").to_vec()).unwrap();
    call.deliver(right.replace(&branch(&call.last()), "z9hG4bKother").into());
    assert_eq!(call.news(), [""; 0]);
    assert_eq!(call.sim.strays.len(), 1);
}

#[test]
fn s8_1_3_headers_in_compact_form_are_understood() {
    let mut call = Call::invited();
    let long = String::from_utf8(response(&call.last(), 200, "b").to_vec()).unwrap();
    let short = [("Via:", "v:"), ("From:", "f:"), ("To:", "t:"), ("Call-ID:", "i:")]
        .iter()
        .fold(long, |text, (long, short)| text.replacen(long, short, 1));
    call.deliver(short.into());
    assert_eq!(call.state(), State::Accepted);
}

#[test]
fn s8_1_3_the_response_may_come_from_anywhere() {
    let mut call = Call::options();
    let bytes = response_with(&call.last(), 200, "b", |builder| builder);
    call.sim.with(|ua, now| {
        ua.handle_message(now, FLOW, "203.0.113.9:9".parse().unwrap(), bytes);
    });
    call.wait(ms(1));
    assert_eq!(call.state(), State::Accepted);
}

#[test]
fn s7_1_a_response_of_another_version_is_a_stray() {
    let mut call = Call::invited();
    let right = String::from_utf8(response(&call.last(), 200, "b").to_vec()).unwrap();
    call.deliver(right.replacen("SIP/2.0 200", "SIP/3.0 200", 1).into());
    assert_eq!(call.news(), [""; 0]);
    assert!(call.sim.strays[0].problem.contains("SIP/3.0"), "{}", call.sim.strays[0].problem);
}
