//! §18.2.2: an answer whose connection is gone goes on a new one to where its request came from.

use sipboard::sip::{
    Answer, Fact, FlowId, Method, Outside, OutsideFact, ServerTransactionId, Settings, StatusCode,
    Timer, Transport,
};

use crate::{
    scripted::*,
    simulation::{FLOW, ms},
};

/// The connection that an answer gets.
const OTHER: FlowId = FlowId(7);

/// A call on a connection, whose user answers INFO and INVITE by hand.
fn call(transport: Transport) -> Call {
    let by_hand = vec![Method::Info, Method::Invite];
    let mut call = Call::up_with(Settings { by_hand, ..Settings::default() }, transport);
    // The ACK has arrived by then.
    call.wait(ms(600));
    call.looked()
}

/// The bytes of a request of the peer, sent by that.
fn request(call: &Call, method: Method, via: &str) -> String {
    let request = call.peer_request("b", method, 1, &[]);
    String::from_utf8(request.to_vec()).unwrap().replacen("UDP 192.0.2.2:5060", via, 1)
}

/// The peer asks on the connection, and that is gone.
fn asked(call: &mut Call, method: Method, via: &str) -> ServerTransactionId {
    call.deliver(request(call, method, via).into());
    let waits = call.sim.events.iter().rev().find_map(|event| match event.fact {
        Fact::Received { transaction, .. } => transaction,
        _ => None,
    });
    call.sim.with(|ua, now| ua.flow_down(now, FLOW, "the peer closed it"));
    call.look();
    waits.expect("it waits for the user")
}

fn answer(call: &mut Call, transaction: ServerTransactionId) {
    let answer = Answer {
        status: StatusCode::OK,
        reason: String::new(),
        headers: Vec::new(),
        content_type: None,
        body: bytes::Bytes::new(),
    };
    call.sim.with(|ua, now| ua.answer(now, transaction, answer)).unwrap();
}

/// Another connection is being made for what looks for one.
fn connecting(call: &mut Call, nth: usize, transport: Transport) {
    let errand = call.sim.follows[nth].context;
    call.sim.with(|ua, now| {
        ua.flow_connecting(OTHER, transport);
        ua.ride(now, errand, OTHER);
    });
}

fn up(call: &mut Call) {
    call.sim.with(|ua, now| ua.flow_up(now, OTHER, "192.0.2.1:5070".parse().unwrap()));
}

#[test]
fn s18_2_2_an_answer_goes_to_received_and_the_port_of_the_sent_by() {
    for (transport, via, hop) in [
        (Transport::Tcp, "TCP 192.0.2.2:5070", "sip:192.0.2.2:5070;transport=tcp"),
        (Transport::Tcp, "TCP 192.0.2.2", "sip:192.0.2.2:5060;transport=tcp"),
        (Transport::Tcp, "TCP b.test:5070", "sip:192.0.2.2:5070;transport=tcp"),
        (Transport::Tls, "TLS 192.0.2.2", "sips:192.0.2.2:5061;transport=tcp"),
    ] {
        let mut call = call(transport);
        let transaction = asked(&mut call, Method::Info, via);
        answer(&mut call, transaction);
        assert_eq!(call.wire(), [""; 0], "{via}");
        let follow = call.sim.follows[0].clone();
        assert_eq!((follow.from, follow.next_hop.as_str()), (FLOW, hop), "{via}");
        let news = call.news();
        assert!(
            news.len() == 1 && news[0].starts_with("passed over: the connection that the INFO"),
            "{news:?}"
        );
        connecting(&mut call, 0, transport);
        up(&mut call);
        assert_eq!((call.wire(), call.news()), (vec!["200".into()], vec!["answered 200".into()]));
        assert_eq!(call.sim.settled, [follow.context]);
        assert_eq!(call.sim.ua.held().errands, 0);
    }
}

#[test]
fn s18_2_2_where_nobody_takes_that_connection_the_name_of_the_sent_by_is_looked_up() {
    let mut call = call(Transport::Tcp);
    let transaction = asked(&mut call, Method::Info, "TCP b.test");
    answer(&mut call, transaction);
    connecting(&mut call, 0, Transport::Tcp);
    call.sim.with(|ua, now| ua.flow_down(now, OTHER, "connection refused"));
    assert_eq!(call.sim.follows[1].next_hop.as_str(), "sip:b.test;transport=tcp");
    assert_eq!(
        call.news()[1..],
        ["passed over: connection refused", "resolving sip:b.test;transport=tcp"]
    );
    let errand = call.sim.follows[1].context;
    call.sim.with(|ua, now| ua.unreachable(now, errand, "no such name"));
    let told = call.news().join("|");
    assert_eq!(
        told,
        "answer failed: the 200 to the INFO could not be sent: its connection is gone, and no such name"
    );
    assert_eq!((call.wire(), call.sim.ua.held().errands), (vec![], 0));
}

#[test]
fn s18_2_2_nobody_can_connect_to_the_client_of_a_websocket() {
    let mut call = call(Transport::Ws);
    let transaction = asked(&mut call, Method::Info, "WS x.invalid");
    answer(&mut call, transaction);
    let news = call.news();
    assert!(
        news.len() == 1 && news[0].ends_with("client of a WebSocket (RFC 7118 §5)"),
        "{news:?}"
    );
    assert!(call.sim.follows.is_empty());
}

#[test]
fn s18_2_2_what_is_repeated_until_its_ack_comes_goes_the_same_way() {
    let mut call = call(Transport::Tcp);
    let transaction = asked(&mut call, Method::Invite, "TCP 192.0.2.2:5070");
    answer(&mut call, transaction);
    // The repeats of the 2xx wait with it, and are one.
    call.wait(ms(1600));
    assert_eq!((call.sim.follows.len(), call.wire().len()), (1, 0));
    connecting(&mut call, 0, Transport::Tcp);
    up(&mut call);
    assert_eq!(call.wire(), ["200"]);
    call.wait(ms(5000));
    assert_eq!((call.sim.follows.len(), call.wire().is_empty()), (1, false));
    assert!(call.timers().iter().any(|(timer, _)| *timer == Timer::AckWait));
}

#[test]
fn s18_2_2_a_request_that_comes_again_on_another_connection_is_answered_there() {
    let mut call = call(Transport::Tcp);
    let invite = request(&call, Method::Invite, "TCP 192.0.2.2:5070");
    let transaction = asked(&mut call, Method::Invite, "TCP 192.0.2.2:5070");
    call.sim.with(|ua, now| {
        ua.flow_connecting(OTHER, Transport::Tcp);
        ua.flow_up(now, OTHER, "192.0.2.1:5070".parse().unwrap());
        ua.handle_message(now, OTHER, "192.0.2.2:4242".parse().unwrap(), invite.into());
    });
    assert_eq!(call.wire(), ["100"]);
    answer(&mut call, transaction);
    assert_eq!((call.wire(), call.sim.follows.len()), (vec!["200".into()], 0));
}

#[test]
fn s18_2_2_the_answer_outside_every_dialog_is_told_as_well() {
    // What waits for its ACK is all that is kept of such a request.
    let mut call = call(Transport::Tcp);
    let invite = request(&call, Method::Invite, "TCP 192.0.2.2:5070");
    let invite = invite.replace(";tag=b", ";tag=stranger");
    call.deliver(invite.clone().into());
    assert_eq!(code(&call.last()), 481);
    call.sim.with(|ua, now| {
        ua.flow_down(now, FLOW, "the peer closed it");
        ua.flow_connecting(OTHER, Transport::Tcp);
        ua.flow_up(now, OTHER, "192.0.2.1:5070".parse().unwrap());
    });
    call.look();
    call.sim.with(|ua, now| {
        ua.handle_message(now, OTHER, "192.0.2.2:4242".parse().unwrap(), invite.into());
    });
    assert_eq!(call.wire(), ["481"]);
    let told = call.sim.outside.last();
    let is_answer = |told: &Outside| matches!(told.fact, OutsideFact::Answered { .. });
    assert!(told.is_some_and(is_answer), "{told:?}");
}
