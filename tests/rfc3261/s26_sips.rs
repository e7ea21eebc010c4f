//! §26.2.2, §12.1: a dialog that a sips URI has made over TLS goes on over TLS.

use sipboard::sip::{
    Cause, DialogRequest, HeaderName, Method, Redirects, Settings, State, Transport,
};

use crate::{
    scripted::*,
    simulation::{FLOW, new_request},
};

const CONTACT: HeaderName = HeaderName::Contact;
const RECORD_ROUTE: HeaderName = HeaderName::RecordRoute;

const CLEAR: &str = "<sip:bob@192.0.2.9:5060>";

/// A request to a sips URI over a connection to 192.0.2.2:5061.
fn secure(method: Method, transport: Transport) -> Call {
    let settings = Settings { redirects: Redirects::Best, ..Settings::default() };
    let mut call = Call::with(settings, transport, new_request(method, "sips:bob@demo.test"));
    let peer = "192.0.2.2:5061".parse().unwrap();
    call.sim.ua.flow_leads_to(FLOW, "192.0.2.2", 5061, peer);
    call.looked()
}

fn accepted(contact: &str, routes: &[&str]) -> Call {
    let mut call = secure(Method::Invite, Transport::Tls);
    call.reply_with(200, "b", |builder| {
        let builder = builder.header(CONTACT, contact);
        routes.iter().fold(builder, |builder, route| builder.header(RECORD_ROUTE, route))
    });
    call
}

#[test]
fn s12_1_1_a_sip_contact_in_a_secure_dialog_is_told_and_the_2xx_acked_on_the_invites_connection() {
    for (contact, routes, header) in [
        (CLEAR, &[][..], "Contact sip:bob@192.0.2.9:5060"),
        ("<sips:bob@192.0.2.9>", &["<sip:192.0.2.8;lr>"], "Record-Route sip:192.0.2.8;lr"),
        ("<sip:bob@192.0.2.9;transport=udp>", &[], "Contact sip:bob@192.0.2.9;transport=udp"),
        (
            "<sips:bob@192.0.2.9>",
            &["<sips:p.test;lr>", "<sip:192.0.2.8>"],
            "Record-Route sip:192.0.2.8",
        ),
    ] {
        let mut call = accepted(contact, routes);
        let news = call.news();
        let told = format!(
            "not secure: the {header} of the 200 is not sips, as it must be in a dialog that a sips URI has made over TLS (RFC 3261 §12.1.1): no request is sent there, for it would go in the clear"
        );
        assert_eq!(news[1..], ["leg b Confirmed", &*told, "acked 200"]);
        assert_eq!((call.wire(), call.sim.follows.len()), (vec!["ACK".to_owned()], 0));
    }
}

#[test]
fn s15_a_bye_whose_hop_is_in_the_clear_takes_the_connection_that_its_ack_took() {
    for (contact, routes) in
        [(CLEAR, &[][..]), ("<sips:bob@192.0.2.9>", &["<sip:192.0.2.8;lr>"][..])]
    {
        let mut call = accepted(contact, routes);
        call.look();
        call.hang_up();
        assert_eq!((call.wire(), call.sim.follows.len()), (vec!["BYE".to_owned()], 0));
        let bye = call.sent(Method::Bye);
        assert_eq!(bye.essentials().unwrap().via.transport(), "TLS");
        call.reply_to(&bye, 200, "b");
        assert!(call.news().contains(&"leg b Terminated { by: Local }".to_owned()));
        assert_eq!(call.ended().unwrap().0, Cause::Bye);
        call.wait(PATIENCE * 2);
        assert_eq!(call.sim.ua.held(), Default::default());
    }
}

#[test]
fn s26_2_2_a_bye_whose_hop_is_in_the_clear_waits_for_the_connection_to_come_back_and_goes_no_other_way()
 {
    let mut call = accepted(CLEAR, &[]);
    call.sim.with(|ua, now| ua.flow_down(now, FLOW, "tls 192.0.2.2:5061: closed"));
    call.look();
    call.hang_up();
    assert_eq!((call.wire(), call.sim.follows.len()), (vec![], 0));
    call.sim.with(|ua, now| ua.flow_down(now, FLOW, "tls 192.0.2.2:5061: connection refused"));
    assert_eq!(call.wire(), [""; 0]);
    assert!(call.news().contains(&"leg b not hung up".to_owned()));
    assert_eq!(call.ended(), None);
}

#[test]
fn s26_2_2_what_the_user_would_send_in_the_clear_is_refused() {
    let mut call = accepted("<sips:bob@192.0.2.9>", &["<sip:192.0.2.8;lr>"]);
    call.look();
    for method in [Method::Info, Method::Invite, Method::Update] {
        let refused = call.in_dialog(method).unwrap_err().to_string();
        assert!(refused.contains("the Record-Route of its peer, sip:192.0.2.8;lr,"), "{refused}");
    }
    assert_eq!((call.wire(), call.news()), (vec![], vec![]));
    assert_eq!(call.state(), State::Accepted, "the leg is up still");
}

#[test]
fn s26_2_2_where_the_sip_uri_is_that_of_the_connections_own_peer_the_connection_is_used() {
    for contact in [
        "<sip:bob@192.0.2.2:5061>",
        "<sip:bob@192.0.2.2>",
        "<sip:bob@192.0.2.2:5061;transport=tcp>",
    ] {
        let mut call = accepted(contact, &[]);
        let news = call.news();
        assert!(news[2].starts_with("not secure: the Contact sip:bob@192.0.2.2"), "{news:?}");
        assert!(news[2].ends_with("(RFC 3261 §12.1.1)"), "{news:?}");
        call.in_dialog(Method::Info).unwrap();
        call.hang_up();
        assert_eq!(call.wire(), ["ACK", "INFO", "BYE"], "{contact}");
        assert_eq!(call.sent(Method::Bye).essentials().unwrap().via.transport(), "TLS");
        assert_eq!(call.sim.follows.len(), 0);
    }
}

#[test]
fn s26_2_2_a_sips_hop_elsewhere_is_looked_for_as_such() {
    let mut call = accepted("<sips:bob@192.0.2.9>", &[]);
    assert!(!call.news().iter().any(|word| word.starts_with("not secure")));
    assert_eq!(call.sim.follows[0].next_hop.as_str(), "sips:bob@192.0.2.9");
    call.hang_up();
    assert_eq!(call.sim.follows[1].next_hop.as_str(), "sips:bob@192.0.2.9");
    assert_eq!(call.wire(), [""; 0], "nothing goes out before");
}

#[test]
fn s26_2_2_a_websocket_server_is_the_only_way_and_secure() {
    let mut call = secure(Method::Invite, Transport::Wss);
    call.reply_with(200, "b", |builder| builder.header(CONTACT, CLEAR));
    call.hang_up();
    assert_eq!(call.wire(), ["ACK", "BYE"]);
}

#[test]
fn s12_1_2_a_sip_uri_over_tls_makes_no_secure_dialog() {
    let request = new_request(Method::Invite, "sip:bob@demo.test");
    let mut call = Call::with(Settings::default(), Transport::Tls, request);
    let peer = "192.0.2.2:5061".parse().unwrap();
    call.sim.ua.flow_leads_to(FLOW, "192.0.2.2", 5061, peer);
    call.look();
    call.reply_with(200, "b", |builder| builder.header(CONTACT, CLEAR));
    assert_eq!(call.news(), ["accepted 200", "leg b Confirmed"]);
    assert_eq!(call.sim.follows[0].next_hop.as_str(), "sip:bob@192.0.2.9:5060");
}

#[test]
fn s26_2_2_a_prack_goes_on_the_invites_connection_and_a_request_in_the_early_dialog_is_refused() {
    let mut call = secure(Method::Invite, Transport::Tls);
    call.reply_with(183, "b", |builder| {
        builder
            .header(CONTACT, CLEAR)
            .header(HeaderName::Require, "100rel")
            .header(HeaderName::RSeq, 1)
    });
    assert_eq!(call.wire(), ["PRACK"]);
    let told = "not secure: the Contact sip:bob@192.0.2.9:5060 of the 183 is not sips";
    assert!(call.news().iter().any(|word| word.starts_with(told)));
    call.reply_with(180, "b", |builder| {
        builder
            .header(CONTACT, CLEAR)
            .header(HeaderName::Require, "100rel")
            .header(HeaderName::RSeq, 2)
    });
    assert_eq!(call.news(), ["progress 180", "sent PRACK"], "that is told once of a leg");
    call.look();
    let update = DialogRequest::new(Method::Update);
    assert!(call.in_dialog_with(Some("b"), update).is_err());
    assert_eq!((call.wire(), call.sim.follows.len()), (vec![], 0));
}

#[test]
fn s12_2_2_a_target_that_is_refreshed_into_the_clear_is_told_and_not_used() {
    let mut call = accepted("<sips:bob@192.0.2.2:5061>", &[]);
    call.look();
    call.peer(Method::Update, 1, &[(CONTACT, CLEAR)]);
    let news = call.news();
    let told = "not secure: the Contact sip:bob@192.0.2.9:5060 of the UPDATE is not sips";
    assert!(news.iter().any(|word| word.starts_with(told)), "{news:?}");
    assert!(news.iter().any(|word| word.contains("the dialog keeps its target")), "{news:?}");
    call.look();
    call.in_dialog(Method::Info).unwrap();
    call.hang_up();
    assert_eq!(call.wire(), ["INFO", "BYE"]);
    assert_eq!(call.sent(Method::Bye).request_uri(), Some("sips:bob@192.0.2.2:5061"));
}

#[test]
fn s26_2_2_a_subscription_of_a_sips_uri_is_ended_on_its_own_connection() {
    for method in [Method::Subscribe, Method::Refer] {
        let mut call = secure(method, Transport::Tls);
        call.reply_with(202, "b", |builder| builder.header(CONTACT, CLEAR));
        assert!(call.news().iter().any(|word| word.starts_with("not secure: the Contact")));
        call.look();
        call.hang_up();
        assert_eq!((call.wire(), call.sim.follows.len()), (vec!["SUBSCRIBE".to_owned()], 0));
        assert_eq!(call.last().essentials().unwrap().via.transport(), "TLS");
    }
}

#[test]
fn s8_1_3_4_a_redirect_in_a_secure_dialog_does_not_lead_into_the_clear() {
    let mut call = accepted("<sip:bob@192.0.2.2:5061>", &[]);
    call.in_dialog(Method::Info).unwrap();
    let info = call.sent(Method::Info);
    call.look();
    call.reply_to_with(&info, 302, "", |builder| builder.header(CONTACT, CLEAR));
    assert_eq!((call.wire(), call.sim.follows.len()), (vec![], 0));
    assert_eq!(call.news().last().unwrap(), "#2 ended Redirected");
}
