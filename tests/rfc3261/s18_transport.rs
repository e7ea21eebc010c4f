//! §18: Via on the way out, and where answers go.

use sipboard::sip::{
    DialogRequest, Fact, HeaderName, Message, Method, NewRequest, Output, Settings, Transport,
};

use crate::{
    scripted::*,
    simulation::{FLOW, Link, Simulation, invite, ms, new_request, response},
};

#[test]
fn s18_1_1_via_names_the_transport_of_the_flow() {
    for (transport, name) in [
        (Transport::Udp, "UDP"),
        (Transport::Tcp, "TCP"),
        (Transport::Tls, "TLS"),
        (Transport::Ws, "WS"),
        (Transport::Wss, "WSS"),
    ] {
        let call = Call::with(Settings::default(), transport, invite());
        assert_eq!(call.last().via().unwrap().transport(), name);
    }
}

#[test]
fn s18_1_1_via_names_the_address_that_the_request_leaves_from() {
    let call = Call::invited();
    let message = call.last();
    let via = message.via().unwrap();
    assert_eq!((via.host(), via.port()), ("192.0.2.1", Some(5060)));
}

#[test]
fn s18_1_1_a_websocket_names_no_address() {
    let call = Call::with(Settings::default(), Transport::Ws, invite());
    assert!(call.last().via().unwrap().host().ends_with(".invalid"));
}

#[test]
fn rfc3581_s3_a_request_on_udp_asks_for_rport() {
    assert!(Call::invited().last().via().unwrap().params().has("rport"));
}

#[test]
fn s18_1_2_a_response_that_nobody_waits_for_is_dropped_and_shown() {
    let mut call = Call::options();
    let options = call.last();
    call.reply(200, "b");
    call.wait(PATIENCE);
    call.look();
    call.reply_to(&options, 200, "b");
    assert_eq!(call.news(), [""; 0]);
    assert!(call.sim.strays[0].problem.contains("§17.1.3"), "{}", call.sim.strays[0].problem);
}

#[test]
fn s18_1_2_a_response_with_another_sent_by_is_discarded() {
    let mut call = Call::invited();
    let right = String::from_utf8(response(&call.last(), 200, "b").to_vec()).unwrap();
    call.deliver(right.replace("192.0.2.1:5060;branch", "203.0.113.9:5060;branch").into());
    assert_eq!(call.news(), [""; 0]);
}

/// An INVITE that is too large for a datagram.
fn large() -> NewRequest {
    let mut request = invite();
    request.content_type = Some("text/plain".to_owned());
    request.body = "x".repeat(2000).into();
    request
}

#[test]
fn s18_1_1_a_request_over_1300_bytes_leaves_udp_for_tcp() {
    let call = Call::udp(large());
    assert_eq!(call.last().via().unwrap().transport(), "TCP");
    assert_eq!(call.sim.sent.len(), 1, "nothing went by UDP");
    let why = call.sim.events.iter().find_map(|event| match &event.fact {
        Fact::PassedOver { why, .. } => Some(why.to_string()),
        _ => None,
    });
    assert!(why.as_ref().is_some_and(|why| why.contains("no more than 1300")), "{why:?}");
    assert_eq!(Call::invited().last().via().unwrap().transport(), "UDP");
}

#[test]
fn s18_1_1_a_large_request_in_a_dialog_leaves_udp_and_the_next_small_one_does_not() {
    for takes_tcp in [true, false] {
        let mut call = Call::up();
        call.sim.peer_takes_tcp = takes_tcp;
        let request = DialogRequest {
            content_type: Some("text/plain".to_owned()),
            body: "x".repeat(2000).into(),
            ..DialogRequest::new(Method::Info)
        };
        call.in_dialog_with(None, request).unwrap();
        let info = call.sent(Method::Info);
        let transport = |message: &Message| message.via().unwrap().transport().to_owned();
        assert_eq!(transport(&info), if takes_tcp { "TCP" } else { "UDP" });
        assert_eq!(cseq(&info), cseq(&call.sent(Method::Invite)) + 1);
        assert_eq!(call.all_sent(Method::Info).len(), 1);
        call.hang_up();
        let bye = call.sent(Method::Bye);
        assert_eq!((transport(&bye).as_str(), cseq(&bye)), ("UDP", cseq(&info) + 1));
    }
}

#[test]
fn s18_1_1_it_goes_by_udp_where_tcp_cannot_be_had_and_stays_where_the_user_wants_it() {
    let udp = |sim: &mut Simulation<Silent>| {
        let id = sim.with(|ua, now| ua.request(now, FLOW, large()));
        let sent: Vec<_> =
            sim.sent.iter().map(|(_, m)| m.via().unwrap().transport().to_owned()).collect();
        assert_eq!(sent, ["UDP"], "{:?}", sim.story(id));
    };
    let make =
        |settings| Simulation::with_settings(settings, Transport::Udp, Link::PERFECT, 1, Silent);
    let mut refused = make(Settings::default());
    refused.peer_takes_tcp = false;
    udp(&mut refused);
    udp(&mut make(Settings { udp_max_bytes: None, ..Settings::default() }));
}

/// Where the answer to an OPTIONS with that Via goes on a flow of that transport.
fn answered_to(transport: Transport, via: &str) -> (String, Option<String>) {
    let link = Link::PERFECT;
    let mut sim = Simulation::with_settings(Settings::default(), transport, link, 1, Silent);
    let text = format!(
        "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP {via}\r\nFrom: <sip:b@b>;tag=f\r\n\
         To: <sip:a@a>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n"
    );
    sim.ua.handle_message(sim.now, FLOW, "192.0.2.7:1234".parse().unwrap(), text.into());
    let Some(Output::Transmit(transmit)) = sim.ua.poll_output() else { panic!("no answer") };
    let message = Message::read(transmit.bytes).unwrap();
    (crate::scripted::text(&message, HeaderName::Via), transmit.to.map(|to| to.to_string()))
}

#[test]
fn s18_2_1_received_is_added_where_the_sent_by_is_not_the_source() {
    let (via, _) = answered_to(Transport::Udp, "host.test:5070;branch=z9hG4bK1");
    assert_eq!(via, "SIP/2.0/UDP host.test:5070;branch=z9hG4bK1;received=192.0.2.7");
    let (via, _) = answered_to(Transport::Udp, "192.0.2.7:5070;branch=z9hG4bK1");
    assert_eq!(via, "SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bK1");
}

#[test]
fn s18_2_2_on_udp_the_answer_goes_to_the_source_address_and_the_sent_by_port() {
    let (_, to) = answered_to(Transport::Udp, "host.test:5070;branch=z9hG4bK1");
    assert_eq!(to.as_deref(), Some("192.0.2.7:5070"));
    let (_, to) = answered_to(Transport::Udp, "host.test;branch=z9hG4bK1");
    assert_eq!(to.as_deref(), Some("192.0.2.7:5060"));
}

#[test]
fn s18_2_2_maddr_says_where_the_answer_goes() {
    let (_, to) = answered_to(Transport::Udp, "host.test:5070;maddr=192.0.2.99;branch=z9hG4bK1");
    assert_eq!(to.as_deref(), Some("192.0.2.99:5070"));
}

#[test]
fn rfc3581_s4_with_rport_the_answer_goes_to_the_source_port() {
    let (via, to) = answered_to(Transport::Udp, "host.test:5070;rport;branch=z9hG4bK1");
    assert_eq!(to.as_deref(), Some("192.0.2.7:1234"));
    assert!(via.contains(";rport=1234") && via.ends_with(";received=192.0.2.7"), "{via}");
}

#[test]
fn s18_2_2_on_a_connection_the_answer_goes_back_on_it() {
    for transport in [Transport::Tcp, Transport::Ws] {
        assert_eq!(answered_to(transport, "host.test:5070;branch=z9hG4bK1").1, None);
    }
}

#[test]
fn s18_3_a_body_longer_than_its_content_length_is_cut() {
    let mut call = Call::up();
    let bytes = call.peer_request("b", Method::Info, 1, &[]);
    let longer = [&*bytes, b"and some more"].concat();
    call.deliver(longer.into());
    assert_eq!(code(&call.last()), 200);
}

#[test]
fn s18_3_a_datagram_shorter_than_its_content_length_is_not_taken() {
    let mut call = Call::up();
    let bytes = call.peer_request("b", Method::Info, 1, &[]);
    let shorter = String::from_utf8(bytes.to_vec()).unwrap();
    call.look();
    call.deliver(shorter.replace("Content-Length: 0", "Content-Length: 10").into());
    assert_eq!(call.news(), [""; 0]);
    assert_eq!(call.sim.strays.len(), 1);
}

#[test]
fn s18_4_a_transport_error_is_told_as_connection_error_with_its_reason() {
    let mut call = Call::options();
    call.sim.with(|ua, now| ua.flow_down(now, FLOW, "192.0.2.2:5060 refused the connection"));
    let details = call.sim.events.iter().find_map(|event| match &event.fact {
        sipboard::sip::Fact::Failed { detail, .. } => Some(detail.clone()),
        _ => None,
    });
    assert_eq!(details.as_deref(), Some("192.0.2.2:5060 refused the connection"));
}

#[test]
fn s18_3_a_request_that_is_cut_short_gets_400() {
    let mut call = Call::up();
    let bytes = call.peer_request("b", Method::Info, 1, &[]);
    let bytes = String::from_utf8(bytes.to_vec()).unwrap();
    call.look();
    call.deliver(bytes.replace("Content-Length: 0", "Content-Length: 50").into());
    assert_eq!(call.wire(), ["400"]);
    assert_eq!(call.sim.strays.len(), 1, "and it is told");
}

#[test]
fn s18_1_1_the_end_of_a_connection_is_told_to_a_call_that_waits_for_nothing() {
    let mut call = Call::up_with(Settings::default(), Transport::Tcp);
    call.wait(ms(600));
    call.sim.with(|ua, now| ua.flow_down(now, FLOW, "192.0.2.2:5060 closed the connection"));
    let news = call.news();
    assert_eq!(news.len(), 1, "{news:?}");
    let told = "connection lost: 192.0.2.2:5060 closed the connection; the dialog is not over";
    assert!(news[0].starts_with(told), "{news:?}");
    assert_eq!((call.ended(), call.last_event().status.legs_up), (None, 1));
    // Once, and not for what has ended, or fails by it.
    call.sim.with(|ua, now| ua.flow_down(now, FLOW, "192.0.2.2:5060 refuses"));
    assert_eq!(call.news(), [""; 0]);
    let mut ringing = Call::with(Settings::default(), Transport::Tcp, invite());
    ringing.reply(180, "b");
    ringing.look();
    ringing.sim.with(|ua, now| ua.flow_down(now, FLOW, "gone"));
    assert!(!ringing.news().iter().any(|told| told.starts_with("connection lost")));
}

#[test]
fn s18_4_what_a_dead_connection_may_have_carried_is_not_repeated_but_ready_to_be() {
    let gone = |call: &mut Call, method: &Method| {
        call.sim.peer_comes_back = true;
        call.wait(ms(1));
        call.sim.with(|ua, now| ua.flow_down(now, FLOW, "the peer closed it"));
        assert_eq!(call.all_sent(method.clone()).len(), 1, "it does not go again by itself");
    };
    for method in [Method::Message, Method::Info, Method::Publish] {
        let mut call = Call::tcp(new_request(method.clone(), "sip:bob@demo.test"));
        gone(&mut call, &method);
        let (sentence, retry) = call.advice().expect("a sentence");
        assert!(sentence.starts_with("whether the peer has had the"), "{sentence}");
        let retry = retry.expect("ready to be sent");
        let first = call.last();
        assert_eq!(retry.method, method);
        assert_eq!(retry.request_uri.as_str(), first.request_uri().unwrap());
    }
    let mut call = Call::up_with(Settings::default(), Transport::Tcp);
    call.in_dialog(Method::Info).unwrap();
    gone(&mut call, &Method::Info);
    let (_, retry) = call.advice().expect("a sentence");
    assert_eq!(retry.map(|retry| retry.method), Some(Method::Info));
}

#[test]
fn rfc7118_s5_of_two_messages_in_one_frame_the_first_is_read_and_the_second_told() {
    let mut call = Call::with(Settings::default(), Transport::Ws, invite()).looked();
    let invite = call.sent(Method::Invite);
    let (ringing, ok) = (response(&invite, 180, "b"), response(&invite, 200, "b"));
    call.deliver([&ringing[..], b"\r\n", &ok].concat().into());
    assert_eq!(call.news(), ["progress 180", "leg b Early"]);
    let told = &call.sim.strays[0];
    let words = "sent two SIP messages in one WebSocket frame: the first was read, and the 200 OK behind it";
    assert!(told.problem.contains(words) && told.problem.contains("was not"), "{}", told.problem);
    assert_eq!(told.bytes, ok);
    // In a datagram it is nothing (RFC 3261 §18.3), and line ends are nothing anywhere.
    call.deliver([&ringing[..], b"\r\n\r\n"].concat().into());
    let mut udp = Call::invited();
    let invite = udp.sent(Method::Invite);
    udp.deliver([response(&invite, 180, "b"), response(&invite, 200, "b")].concat().into());
    assert_eq!((call.sim.strays.len(), udp.sim.strays.len()), (1, 0));
}
