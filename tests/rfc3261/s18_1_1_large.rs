//! §18.1.1: an ACK of a 2xx and a PRACK that are too large for a datagram go by TCP, as every request
//! does; only a CANCEL and the ACK of any other final are bound to their INVITE.

use sipboard::sip::{FlowId, HeaderName, Method, Settings, Transport};

use crate::{
    scripted::*,
    simulation::{FLOW, TCP_FLOW, invite},
};

/// Where the peer takes connections.
const TCP: FlowId = TCP_FLOW;

/// An INVITE over UDP to an address.
fn invited(settings: Settings) -> Call {
    let mut call = Call::with(settings, Transport::Udp, invite());
    let peer = "192.0.2.2:5060".parse().unwrap();
    call.sim.ua.flow_leads_to(FLOW, "192.0.2.2", 5060, peer);
    call.looked()
}

/// A response whose route set fills a datagram by itself; a provisional is reliable.
fn reply(call: &mut Call, status: u16) {
    call.reply_with(status, "b", |builder| {
        let route = format!("<sip:192.0.2.2:5060;lr;p={}>", "x".repeat(1_300));
        let builder = builder
            .header(HeaderName::Contact, "<sip:bob@192.0.2.2:5060>")
            .header(HeaderName::RecordRoute, route);
        match status {
            200 => builder,
            _ => builder.header(HeaderName::Require, "100rel").header(HeaderName::RSeq, 7),
        }
    });
}

fn connect(call: &mut Call, nth: usize, is_up: bool) {
    let errand = call.sim.follows[nth].context;
    call.sim.with(|ua, now| {
        ua.flow_connecting(TCP, Transport::Tcp);
        ua.ride(now, errand, TCP);
        match is_up {
            true => ua.flow_up(now, TCP, "192.0.2.1:5070".parse().unwrap()),
            false => ua.flow_down(now, TCP, "connection refused"),
        }
    });
}

fn transport(call: &Call) -> String {
    call.last().via().unwrap().transport().to_owned()
}

#[test]
fn s18_1_1_a_large_ack_of_a_2xx_goes_by_tcp_to_the_same_place() {
    let mut call = invited(Settings::default());
    reply(&mut call, 200);
    let news = call.news();
    assert_eq!(news[..2], ["accepted 200", "leg b Confirmed"]);
    assert!(
        news[2].starts_with("passed over: the ACK has ")
            && news[2].ends_with("no more than 1300: TCP is tried (RFC 3261 §18.1.1)"),
        "{news:?}"
    );
    assert_eq!(call.wire(), [""; 0]);
    assert_eq!(call.sim.follows[0].next_hop.as_str(), "sip:192.0.2.2:5060;transport=tcp");
    // One that comes again meanwhile changes nothing.
    reply(&mut call, 200);
    assert_eq!(call.sim.follows.len(), 1);
    call.look();
    connect(&mut call, 0, true);
    assert_eq!((call.news(), call.wire()), (vec!["acked 200".to_owned()], vec!["ACK".to_owned()]));
    assert_eq!(transport(&call), "TCP");
    assert!(has(&call.last(), HeaderName::Route));
    reply(&mut call, 200);
    assert_eq!(call.news(), ["accepted again 200", "acked again 200"]);
    assert_eq!((transport(&call), call.sim.follows.len()), ("TCP".to_owned(), 1));
    // Where that connection is gone, another one is asked for.
    call.sim.with(|ua, now| ua.flow_down(now, TCP, "closed"));
    call.look();
    reply(&mut call, 200);
    assert_eq!((call.wire(), call.sim.follows.len()), (vec![], 2));
    connect(&mut call, 1, true);
    assert_eq!(call.news().last().unwrap(), "acked again 200");
}

#[test]
fn s18_1_1_without_tcp_there_the_ack_goes_by_udp_after_all() {
    let mut call = invited(Settings::default());
    reply(&mut call, 200);
    call.look();
    connect(&mut call, 0, false);
    let news = call.news();
    assert!(
        news[0].ends_with("connection refused: the ACK goes by UDP after all (RFC 3261 §18.1.1)"),
        "{news:?}"
    );
    assert_eq!(news[1..], ["acked 200"]);
    assert_eq!(transport(&call), "UDP");
    reply(&mut call, 200);
    assert_eq!(call.news(), ["accepted again 200", "acked again 200"]);
    assert_eq!((transport(&call), call.sim.follows.len()), ("UDP".to_owned(), 1));
}

#[test]
fn s18_1_1_a_large_prack_goes_by_tcp_with_the_number_that_it_has() {
    for is_up in [true, false] {
        let mut call = invited(Settings::default());
        let number = cseq(&call.sent(Method::Invite));
        reply(&mut call, 183);
        assert_eq!(call.wire(), [""; 0]);
        let news = call.news();
        assert!(news[2].starts_with("passed over: the PRACK has "), "{news:?}");
        connect(&mut call, 0, is_up);
        assert_eq!(call.wire(), ["PRACK"]);
        assert_eq!(transport(&call), if is_up { "TCP" } else { "UDP" });
        let prack = call.last();
        assert_eq!(cseq(&prack), number + 1);
        assert_eq!(text(&prack, HeaderName::RAck), format!("7 {number} INVITE"));
        call.reply_to(&prack, 200, "");
        assert_eq!(call.news().last().unwrap(), "prack answered 200");
    }
}

#[test]
fn s18_1_1_a_large_ack_goes_by_udp_where_the_user_wants_no_limit() {
    let mut call = invited(Settings { udp_max_bytes: None, ..Settings::default() });
    reply(&mut call, 200);
    assert_eq!((call.wire(), transport(&call)), (vec!["ACK".to_owned()], "UDP".to_owned()));
}

#[test]
fn s18_1_1_who_leaves_while_tcp_is_tried_sends_by_udp() {
    let mut call = invited(Settings::default());
    reply(&mut call, 200);
    call.sim.with(|ua, now| ua.shut_down(now));
    assert_eq!(call.wire()[0], "ACK");
}
