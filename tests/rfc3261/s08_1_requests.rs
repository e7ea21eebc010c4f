//! §8.1.1: what a request is made of.

use sipboard::sip::{HeaderName, Method, Settings, Transport};

use crate::{
    scripted::*,
    simulation::{invite, new_request},
};

/// Every method that a user may send first.
const METHODS: [Method; 9] = [
    Method::Invite,
    Method::Options,
    Method::Register,
    Method::Message,
    Method::Subscribe,
    Method::Publish,
    Method::Refer,
    Method::Info,
    Method::Bye,
];

#[test]
fn s8_1_1_every_request_has_to_from_cseq_call_id_max_forwards_and_via() {
    use HeaderName::{CSeq, CallId, From, MaxForwards, To, Via};
    for method in METHODS {
        let call = Call::udp(new_request(method.clone(), "sip:bob@demo.test"));
        for name in [To, From, CSeq, CallId, MaxForwards, Via] {
            assert_eq!(call.last().all(name).count(), 1, "{name} of {method}");
        }
    }
}

#[test]
fn s8_1_1_1_the_request_uri_is_the_to_uri_without_a_route_set() {
    let call = Call::invited();
    assert_eq!(call.last().request_uri(), Some("sip:bob@demo.test"));
    assert_eq!(call.last().to().unwrap().uri().as_str(), "sip:bob@demo.test");
}

#[test]
fn s8_1_1_2_a_request_outside_a_dialog_has_no_to_tag() {
    assert_eq!(Call::invited().last().to().unwrap().tag(), None);
}

#[test]
fn s8_1_1_3_from_has_a_new_tag_each_time() {
    let mut call = Call::invited();
    let first = call.last().from().unwrap().tag().unwrap().to_owned();
    call.sim.request(invite());
    assert_ne!(call.last().from().unwrap().tag(), Some(&*first));
}

#[test]
fn s8_1_1_3_from_names_the_user_with_the_display_name() {
    let from = text(&Call::invited().last(), HeaderName::From);
    assert!(from.starts_with("\"Alice\" <sip:alice@demo.test>;tag="), "{from}");
}

#[test]
fn s8_1_1_4_each_new_request_outside_a_dialog_has_a_call_id_of_its_own() {
    let mut call = Call::invited();
    let first = text(&call.last(), HeaderName::CallId);
    call.sim.request(invite());
    assert_ne!(text(&call.last(), HeaderName::CallId), first);
}

#[test]
fn s8_1_1_5_the_cseq_method_is_the_method_of_the_request() {
    for method in METHODS {
        let call = Call::udp(new_request(method.clone(), "sip:bob@demo.test"));
        assert_eq!(call.last().cseq().unwrap().method, method.as_str());
    }
}

#[test]
fn s8_1_1_5_the_cseq_number_is_less_than_2_to_31_and_leaves_room() {
    let mut call = Call::invited();
    for _ in 0..100 {
        call.sim.request(invite());
        assert!(cseq(&call.last()) <= 1 << 30);
    }
}

#[test]
fn s8_1_1_6_max_forwards_is_70() {
    assert_eq!(text(&Call::invited().last(), HeaderName::MaxForwards), "70");
}

#[test]
fn s8_1_1_7_via_names_protocol_transport_and_sender() {
    for (transport, name) in [(Transport::Udp, "UDP"), (Transport::Tcp, "TCP")] {
        let call = Call::with(Settings::default(), transport, invite());
        let via = text(&call.last(), HeaderName::Via);
        assert!(via.starts_with(&format!("SIP/2.0/{name} 192.0.2.1:5060;branch=")), "{via}");
    }
}

#[test]
fn s8_1_1_7_the_branch_begins_with_the_magic_cookie() {
    assert!(branch(&Call::invited().last()).starts_with("z9hG4bK"));
}

#[test]
fn s8_1_1_7_the_branch_is_unique_for_every_request() {
    let mut call = Call::invited();
    let mut branches = vec![branch(&call.last())];
    for _ in 0..1000 {
        call.sim.request(invite());
        branches.push(branch(&call.last()));
    }
    branches.sort_unstable();
    branches.dedup();
    assert_eq!(branches.len(), 1001);
}

#[test]
fn s8_1_1_8_an_invite_has_exactly_one_contact_with_one_uri() {
    let invite = Call::invited().last();
    assert_eq!(list(&invite, HeaderName::Contact), ["<sip:alice@192.0.2.1:5060>"]);
}

#[test]
fn s8_1_1_8_a_sips_request_uri_has_a_sips_contact() {
    let call = Call::with(
        Settings::default(),
        Transport::Tls,
        new_request(Method::Invite, "sips:bob@demo.test"),
    );
    assert!(call.last().contact().unwrap().uri().is_sips());
}

#[test]
fn s8_1_1_8_a_sips_top_route_has_a_sips_contact() {
    let mut request = invite();
    request.route_set = vec![uri("sips:proxy.test;lr")];
    let call = Call::with(Settings::default(), Transport::Tls, request);
    assert!(call.last().contact().unwrap().uri().is_sips());
}

#[test]
fn s8_1_1_9_supported_lists_what_is_understood() {
    let supported = list(&Call::invited().last(), HeaderName::Supported);
    assert!(supported.iter().any(|option| option == "100rel"), "{supported:?}");
}

#[test]
fn s8_1_1_9_nothing_is_required_that_the_user_did_not_ask_for() {
    let invite = Call::invited().last();
    assert!(!has(&invite, HeaderName::Require) && !has(&invite, HeaderName::ProxyRequire));
}

#[test]
fn s8_1_2_a_preloaded_route_set_is_sent_in_order() {
    let mut request = invite();
    request.route_set = vec![uri("sip:p1.test;lr"), uri("sip:p2.test;lr")];
    let call = Call::udp(request);
    assert_eq!(list(&call.last(), HeaderName::Route), ["<sip:p1.test;lr>", "<sip:p2.test;lr>"]);
    assert_eq!(call.last().request_uri(), Some("sip:bob@demo.test"));
}

#[test]
fn s8_1_2_a_preloaded_strict_router_takes_the_request_line() {
    let mut request = invite();
    request.route_set = vec![uri("sip:p1.test"), uri("sip:p2.test;lr")];
    let call = Call::udp(request);
    assert_eq!(call.last().request_uri(), Some("sip:p1.test"));
    let routes = list(&call.last(), HeaderName::Route);
    assert_eq!(routes, ["<sip:p2.test;lr>", "<sip:bob@demo.test>"]);
}

#[test]
fn s20_5_allow_lists_every_method_that_is_taken_in_a_dialog() {
    let mut call = Call::up();
    let allow = list(&call.sent(Method::Invite), HeaderName::Allow);
    for (cseq, method) in (1..).zip([
        Method::Options,
        Method::Info,
        Method::Message,
        Method::Update,
        Method::Invite,
        Method::Bye,
    ]) {
        let answer = call.peer(method.clone(), cseq, &[]);
        assert_ne!(code(&answer), 405, "{method}");
        assert!(allow.iter().any(|allowed| allowed == method.as_str()), "{method}: {allow:?}");
        if method == Method::Invite {
            call.deliver(call.peer_request("b", Method::Ack, cseq, &[]));
        }
    }
    assert!(["ACK", "CANCEL"].iter().all(|method| allow.iter().any(|allowed| allowed == method)));
}

#[test]
fn s20_14_content_length_is_the_number_of_bytes_of_the_body() {
    let mut request = new_request(Method::Message, "sip:bob@demo.test");
    request.content_type = Some("text/plain".to_owned());
    request.body = "naïve".into();
    assert_eq!(text(&Call::udp(request).last(), HeaderName::ContentLength), "6");
    assert_eq!(text(&Call::invited().last(), HeaderName::ContentLength), "0");
}

#[test]
fn s20_41_user_agent_names_the_program_on_every_request() {
    let mut call = Call::up();
    call.hang_up();
    let names = [Method::Invite, Method::Ack, Method::Bye]
        .map(|method| text(&call.sent(method), HeaderName::UserAgent));
    assert!(names.iter().all(|name| name.starts_with("sipboard/")), "{names:?}");
}
