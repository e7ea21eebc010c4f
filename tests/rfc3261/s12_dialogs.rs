//! §12: dialogs, as the side sees them that sent the INVITE.

use sipboard::sip::{
    CSeqNumber, DialogError, DialogRequest, Fact, HangUpError, HeaderName, MessageBuilder, Method,
    Redirects, Settings, Transport,
};

use crate::{
    scripted::*,
    simulation::{invite, new_request},
};

const CONTACT: HeaderName = HeaderName::Contact;
const RECORD_ROUTE: HeaderName = HeaderName::RecordRoute;

fn routed(builder: MessageBuilder) -> MessageBuilder {
    builder
        .header(CONTACT, "<sip:bob@b.test>")
        .header(RECORD_ROUTE, "<sip:p2.test;lr>")
        .header(RECORD_ROUTE, "<sip:p1.test;lr>")
}

#[test]
fn s12_1_a_provisional_with_a_to_tag_makes_an_early_dialog() {
    let mut call = Call::invited();
    call.reply(183, "b");
    assert_eq!(call.news(), ["progress 183", "leg b Early"]);
}

#[test]
fn s12_1_a_100_makes_no_dialog_even_with_a_to_tag() {
    let mut call = Call::invited();
    call.reply(100, "b");
    assert_eq!(call.news(), ["progress 100"]);
}

#[test]
fn s12_1_a_provisional_without_a_to_tag_makes_no_dialog() {
    let mut call = Call::invited();
    call.reply(180, "");
    assert_eq!(call.news(), ["progress 180"]);
}

#[test]
fn s12_1_a_2xx_makes_a_confirmed_dialog() {
    let mut call = Call::invited();
    call.reply(200, "b");
    assert_eq!(call.news()[..2], ["accepted 200", "leg b Confirmed"]);
    assert_eq!(call.last_event().status.legs_up, 1);
}

#[test]
fn s12_1_only_an_invite_makes_a_dialog_of_its_response() {
    for method in [Method::Options, Method::Message, Method::Register] {
        let mut call = Call::udp(new_request(method, "sip:demo.test")).looked();
        call.reply(180, "b");
        call.reply(200, "b");
        assert_eq!(call.news(), ["progress 180", "accepted 200", "ended Accepted"]);
    }
}

#[test]
fn s12_1_2_the_route_set_is_the_record_route_reversed() {
    let mut call = Call::invited();
    call.reply_with(200, "b", routed);
    let ack = call.sent(Method::Ack);
    assert_eq!(list(&ack, HeaderName::Route), ["<sip:p1.test;lr>", "<sip:p2.test;lr>"]);
    call.hang_up();
    let bye = call.sent(Method::Bye);
    assert_eq!(list(&bye, HeaderName::Route), ["<sip:p1.test;lr>", "<sip:p2.test;lr>"]);
}

#[test]
fn s12_1_2_uri_parameters_in_the_route_set_are_kept() {
    let mut call = Call::invited();
    call.reply_with(200, "b", |builder| {
        routed(builder.header(RECORD_ROUTE, "<sip:p3.test;lr;transport=tcp;x=%41>;q=1"))
    });
    let routes = list(&call.sent(Method::Ack), HeaderName::Route);
    assert_eq!(routes[2], "<sip:p3.test;lr;transport=tcp;x=%41>;q=1");
}

#[test]
fn s12_1_2_without_record_route_the_route_set_is_empty_even_where_one_was_preloaded() {
    let mut request = invite();
    request.route_set = vec![uri("sip:preloaded.test;lr")];
    let mut call = Call::udp(request);
    call.reply(200, "b");
    assert!(!has(&call.sent(Method::Ack), HeaderName::Route));
}

#[test]
fn s12_1_2_the_remote_target_is_the_contact_of_the_response() {
    let mut call = Call::invited();
    call.reply_with(200, "b", |builder| builder.header(CONTACT, "\"Bob\" <sip:bob@b.test;x=1>"));
    assert_eq!(call.sent(Method::Ack).request_uri(), Some("sip:bob@b.test;x=1"));
}

#[test]
fn s12_1_2_a_dialog_is_known_by_call_id_and_both_tags() {
    let mut call = Call::up();
    call.peer(Method::Options, 1, &[]);
    assert_eq!(call.news(), ["received OPTIONS", "answered 200"]);
    call.deliver(call.peer_request("c", Method::Options, 2, &[]));
    assert_eq!(call.news(), [""; 0], "another remote tag");
    let other = call.peer_request("b", Method::Options, 3, &[]);
    let other = String::from_utf8(other.to_vec()).unwrap();
    let call_id = text(&call.sent(Method::Invite), HeaderName::CallId);
    call.deliver(other.replace(&call_id, "another").into());
    assert_eq!(call.news(), [""; 0], "another Call-ID");
}

#[test]
fn s12_2_1_1_from_to_and_call_id_of_a_request_are_the_dialogs() {
    let mut call = Call::up();
    call.in_dialog(Method::Info).unwrap();
    let (invite, info) = (call.sent(Method::Invite), call.sent(Method::Info));
    assert_eq!(text(&info, HeaderName::From), text(&invite, HeaderName::From));
    assert_eq!(text(&info, HeaderName::CallId), text(&invite, HeaderName::CallId));
    assert_eq!(info.to().unwrap().tag(), Some("b"));
    assert_eq!(info.to().unwrap().uri().as_str(), "sip:bob@demo.test");
}

#[test]
fn s12_2_1_1_the_local_cseq_counts_on_by_one_for_each_request() {
    let mut call = Call::up();
    let first = cseq(&call.sent(Method::Invite));
    let numbers: Vec<u32> = [Method::Info, Method::Options, Method::Message, Method::Bye]
        .map(|method| {
            call.in_dialog(method.clone()).unwrap();
            let request = call.sent(method);
            call.reply_to(&request, 200, "");
            cseq(&request) - first
        })
        .into();
    assert_eq!(numbers, [1, 2, 3, 4]);
}

#[test]
fn s12_2_1_1_a_strict_router_takes_the_request_line_and_the_target_ends_the_route() {
    let mut call = Call::invited();
    call.reply_with(200, "b", |builder| {
        builder
            .header(CONTACT, "<sip:bob@b.test>")
            .header(RECORD_ROUTE, "<sip:p2.test;lr>")
            .header(RECORD_ROUTE, "<sip:strict.test>")
    });
    call.hang_up();
    for method in [Method::Ack, Method::Bye] {
        let request = call.sent(method);
        assert_eq!(request.request_uri(), Some("sip:strict.test"));
        let routes = list(&request, HeaderName::Route);
        assert_eq!(routes, ["<sip:p2.test;lr>", "<sip:bob@b.test>"]);
    }
}

#[test]
fn s19_1_1_what_no_request_uri_has_is_taken_from_a_contact() {
    let contact = "<sip:bob@192.0.2.2:5060;method=MESSAGE;x=1?Subject=a&Route=%3Csip:evil%3E>";
    let mut call = Call::invited();
    call.reply_with(183, "b", |builder| {
        builder
            .header(CONTACT, contact)
            .header(HeaderName::Require, "100rel")
            .header(HeaderName::RSeq, 1)
    });
    call.reply_with(200, "b", |builder| builder.header(CONTACT, contact));
    call.in_dialog(Method::Info).unwrap();
    call.peer(Method::Update, 1, &[(CONTACT, contact)]);
    call.hang_up();
    for method in [Method::Prack, Method::Ack, Method::Info, Method::Bye] {
        let request = call.sent(method.clone());
        assert_eq!(request.request_uri(), Some("sip:bob@192.0.2.2:5060;x=1"), "{method}");
        assert!(!has(&request, HeaderName::Route) && !has(&request, HeaderName::Subject));
    }
}

#[test]
fn s12_2_1_1_a_strict_router_in_the_request_line_is_stripped_and_the_target_in_its_route_too() {
    let mut call = Call::invited();
    call.reply_with(200, "b", |builder| {
        builder
            .header(CONTACT, "<sip:bob@b.test;method=BYE?a=b>")
            .header(RECORD_ROUTE, "<sip:p2.test;lr;x=1?a=b>")
            .header(RECORD_ROUTE, "<sip:strict.test;Method=INVITE;x?Subject=a>")
    });
    call.hang_up();
    for method in [Method::Ack, Method::Bye] {
        let request = call.sent(method);
        assert_eq!(request.request_uri(), Some("sip:strict.test;x"));
        // What was recorded comes back as it was (RFC 3261 §12.1.2).
        let routes = list(&request, HeaderName::Route);
        assert_eq!(routes, ["<sip:p2.test;lr;x=1?a=b>", "<sip:bob@b.test>"]);
    }
}

#[test]
fn s12_2_1_1_a_target_refresh_names_our_target_and_a_bye_does_not() {
    let mut call = Call::up();
    call.in_dialog(Method::Invite).unwrap();
    let invites = call.all_sent(Method::Invite);
    assert_eq!(text(&invites[0], CONTACT), text(&invites[1], CONTACT));
    let mut call = Call::up();
    call.hang_up();
    assert!(!has(&call.sent(Method::Bye), CONTACT));
}

#[test]
fn s12_2_1_1_what_the_user_gives_stands_once_in_a_bye_too() {
    for method in [Method::Info, Method::Bye] {
        let mut call = Call::up();
        let given = ["Max-Forwards: 7", "User-Agent: lab", "Reason: SIP;cause=480"];
        let request = DialogRequest {
            headers: given.iter().map(|header| header.parse().unwrap()).collect(),
            ..DialogRequest::new(method.clone())
        };
        call.in_dialog_with(Some("b"), request).unwrap();
        let sent = call.sent(method);
        for header in given {
            let (name, value) = header.split_once(": ").unwrap();
            let values = sent.headers().filter(|header| header.name_text == name.as_bytes());
            let values: Vec<&[u8]> = values.map(|header| header.value).collect();
            assert_eq!(values, [value.as_bytes()], "{name}");
        }
    }
}

#[test]
fn s12_2_1_1_a_request_of_any_method_can_be_sent_with_headers_and_a_body() {
    let mut call = Call::up();
    let request = DialogRequest {
        method: "FROBNICATE".parse().unwrap(),
        headers: vec!["X-Note: 7".parse().unwrap()],
        content_type: Some("text/plain".to_owned()),
        body: "hello".into(),
        branch: None,
    };
    let method = request.method.clone();
    call.in_dialog_with(Some("b"), request).unwrap();
    let sent = call.sent(method);
    assert_eq!(text(&sent, HeaderName::ContentType), "text/plain");
    assert_eq!(
        (&*sent.body(), text(&sent, HeaderName::ContentLength)),
        (&b"hello"[..], "5".into())
    );
    assert!(sent.headers().any(|header| header.name_text == b"X-Note" && header.value == b"7"));
}

#[test]
fn s12_2_1_2_a_2xx_to_a_target_refresh_moves_the_target() {
    let mut call = Call::up();
    call.in_dialog(Method::Invite).unwrap();
    let reinvite = call.sent(Method::Invite);
    call.reply_to_with(&reinvite, 200, "", |builder| {
        builder.header(CONTACT, "<sip:bob@elsewhere.test>")
    });
    assert_eq!(call.sent(Method::Ack).request_uri(), Some("sip:bob@elsewhere.test"));
    call.hang_up();
    assert_eq!(call.sent(Method::Bye).request_uri(), Some("sip:bob@elsewhere.test"));
}

#[test]
fn s12_2_1_2_a_2xx_to_any_other_request_does_not() {
    let mut call = Call::up();
    call.in_dialog(Method::Info).unwrap();
    let info = call.sent(Method::Info);
    call.reply_to_with(&info, 200, "", |builder| {
        builder.header(CONTACT, "<sip:bob@elsewhere.test>")
    });
    call.hang_up();
    assert_eq!(call.sent(Method::Bye).request_uri(), Some("sip:bob@192.0.2.2:5060"));
}

#[test]
fn s12_2_1_2_the_route_set_does_not_change_again() {
    let mut call = Call::invited();
    call.reply_with(200, "b", routed);
    call.in_dialog(Method::Invite).unwrap();
    let reinvite = call.sent(Method::Invite);
    call.reply_to_with(&reinvite, 200, "", |builder| {
        builder.header(CONTACT, "<sip:bob@b.test>").header(RECORD_ROUTE, "<sip:other.test;lr>")
    });
    call.hang_up();
    let routes = list(&call.sent(Method::Bye), HeaderName::Route);
    assert_eq!(routes, ["<sip:p1.test;lr>", "<sip:p2.test;lr>"]);
}

#[test]
fn s12_2_1_2_481_ends_the_dialog() {
    let mut call = Call::up();
    call.in_dialog(Method::Info).unwrap();
    let info = call.sent(Method::Info);
    call.look();
    call.reply_to(&info, 481, "");
    assert!(call.news().contains(&"leg b ended by a 481".to_owned()));
    assert!(call.ended().is_some());
}

#[test]
fn s12_2_1_2_after_408_or_a_timeout_the_dialog_is_hung_up() {
    let mut refused = Call::up();
    refused.in_dialog(Method::Info).unwrap();
    let info = refused.sent(Method::Info);
    refused.reply_to(&info, 408, "");
    assert_eq!(refused.all_sent(Method::Bye).len(), 1);
    let mut silent = Call::up();
    silent.in_dialog(Method::Info).unwrap();
    silent.wait(PATIENCE);
    assert_eq!(silent.all_sent(Method::Bye).len(), 1);
}

#[test]
fn s12_2_1_2_any_other_rejection_leaves_the_dialog() {
    for status in [400, 403, 488, 500, 603] {
        let mut call = Call::up();
        call.in_dialog(Method::Info).unwrap();
        let info = call.sent(Method::Info);
        call.reply_to(&info, status, "");
        call.in_dialog(Method::Options).unwrap();
        assert_eq!(call.ended(), None, "{status}");
        assert!(call.all_sent(Method::Bye).is_empty());
    }
}

#[test]
fn s12_2_2_a_cseq_that_goes_back_gets_500_and_one_that_jumps_does_not() {
    let mut call = Call::up();
    let statuses: Vec<u16> = [(10, 200), (9, 500), (1000, 200), (999, 500)]
        .iter()
        .map(|(number, _)| code(&call.peer(Method::Options, *number, &[])))
        .collect();
    assert_eq!(statuses, [200, 500, 200, 500]);
}

#[test]
fn s12_2_2_the_first_remote_cseq_may_be_anything() {
    for first in [0, 1, 2_147_483_647] {
        let mut call = Call::up();
        assert_eq!(code(&call.peer(Method::Options, first, &[])), 200, "{first}");
    }
}

#[test]
fn s12_2_2_the_peers_target_refresh_moves_the_target() {
    let mut call = Call::up();
    call.peer(Method::Invite, 1, &[(CONTACT, "<sip:bob@moved.test>")]);
    call.deliver(call.peer_request("b", Method::Ack, 1, &[]));
    call.hang_up();
    assert_eq!(call.sent(Method::Bye).request_uri(), Some("sip:bob@moved.test"));
}

#[test]
fn s12_2_2_a_refused_target_refresh_does_not() {
    let mut call = Call::up();
    let headers = [(CONTACT, "<sip:bob@moved.test>"), (HeaderName::Require, "x-one")];
    assert_eq!(code(&call.peer(Method::Invite, 1, &headers)), 420);
    call.hang_up();
    assert_eq!(call.sent(Method::Bye).request_uri(), Some("sip:bob@192.0.2.2:5060"));
}

#[test]
fn s12_3_a_final_rejection_ends_every_early_dialog() {
    let mut call = Call::invited();
    call.reply(180, "b");
    call.reply(183, "c");
    call.look();
    call.reply(486, "d");
    let ends: Vec<String> =
        call.news().into_iter().filter(|word| word.starts_with("leg")).collect();
    let by = "ended by a 486";
    assert_eq!(ends, [format!("leg b {by}"), format!("leg c {by}")]);
}

#[test]
fn s12_a_request_in_a_dialog_names_its_leg_where_there_are_several() {
    let mut call = Call::up();
    call.reply(200, "c");
    let refused = call.in_dialog(Method::Info).unwrap_err();
    assert!(refused.to_string().contains("b, c"), "{refused}");
    call.in_dialog_with(Some("c"), DialogRequest::new(Method::Info)).unwrap();
    assert_eq!(call.sent(Method::Info).to().unwrap().tag(), Some("c"));
    assert!(call.in_dialog_with(Some("x"), DialogRequest::new(Method::Info)).is_err());
}

#[test]
fn s12_a_request_in_one_of_several_early_dialogs_names_it() {
    let mut call = Call::ringing();
    call.reply(180, "c");
    let refused = call.in_dialog(Method::Info);
    assert_eq!(refused, Err(DialogError::WhichLeg("b, c".to_owned())));
}

#[test]
fn s12_a_leg_that_is_not_there_is_named_and_those_that_are() {
    let mut call = Call::up();
    call.reply(200, "c");
    let id = call.id;
    let refused = call.sim.with(|ua, now| ua.hang_up_leg(now, id, "x")).unwrap_err();
    let sentence = "no leg has the tag \"x\", or it is over: there is b (up), c (up)";
    assert_eq!(refused.to_string(), sentence);
    let refused = call.in_dialog_with(Some("x"), DialogRequest::new(Method::Info)).unwrap_err();
    assert_eq!(refused.to_string(), sentence);
    let mut call = Call::ringing();
    let id = call.id;
    call.reply(180, "c");
    call.in_dialog_with(Some("c"), DialogRequest::new(Method::Bye)).unwrap();
    let refused = call.sim.with(|ua, now| ua.hang_up_leg(now, id, "x")).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "no leg has the tag \"x\", or it is over: there is b (early), c (being hung up)"
    );
    let refused = call.sim.with(|ua, now| ua.hang_up_leg(now, id, "c")).unwrap_err();
    assert_eq!(refused, HangUpError::HangingUp);
}

#[test]
fn s12_ack_cancel_and_prack_are_not_sent_by_hand() {
    let mut call = Call::up();
    for method in [Method::Ack, Method::Cancel, Method::Prack] {
        assert!(call.in_dialog(method).is_err());
    }
    assert_eq!(call.wire(), [""; 0]);
}

/// An accepted INVITE with that CSeq number.
fn up_with_cseq(number: u32) -> Call {
    let mut request = crate::simulation::invite();
    request.cseq = CSeqNumber::new(number);
    let mut call = Call::udp(request);
    call.reply(200, "b");
    call.looked()
}

#[test]
fn s8_1_1_5_a_dialog_whose_numbers_are_used_up_takes_no_further_request() {
    let mut call = up_with_cseq(i32::MAX as u32);
    assert_eq!(call.in_dialog(Method::Info), Err(DialogError::CSeqSpent));
    call.hang_up();
    assert_eq!(call.all_sent(Method::Bye).len(), 0);
    assert!(call.ended().is_some(), "what cannot be hung up is over all the same");
}

#[test]
fn s8_1_1_5_the_last_number_is_used() {
    let mut call = up_with_cseq(i32::MAX as u32 - 1);
    call.hang_up();
    assert_eq!(cseq(&call.sent(Method::Bye)), i32::MAX as u32);
}

#[test]
fn s8_1_1_5_a_retry_that_cannot_be_numbered_is_not_sent_and_explained() {
    let mut request = crate::simulation::invite();
    request.cseq = CSeqNumber::new(i32::MAX as u32);
    let settings = Settings { redirects: Redirects::Best, ..Settings::default() };
    let mut call = Call::with(settings, Transport::Udp, request);
    call.reply_with(302, "b", |b| b.header(HeaderName::Contact, "<sip:c@c.test>"));
    assert_eq!(call.all_sent(Method::Invite).len(), 1);
    let explained = call.sim.events.iter().any(
        |event| matches!(&event.fact, Fact::Failed { detail, .. } if detail.contains("2147483647")),
    );
    assert!(explained);
}
