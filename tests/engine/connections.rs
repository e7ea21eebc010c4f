//! TCP connections: one for all requests to a peer, and those that peers make to us.

use std::time::Duration;

use bytes::Bytes;
use sipboard::{
    engine::{Command, Event, FlowState, Settings},
    sip::{Fact, HeaderName, LegState, Message, Method, Timing, Transport, Uri},
    transport::ServerUri,
};
use tokio::net::{TcpListener, TcpStream};

use crate::support::*;

fn text(message: &Message, name: HeaderName) -> String {
    message.header(name).unwrap().text().unwrap().to_owned()
}

#[tokio::test]
async fn all_requests_to_a_tcp_peer_ride_on_one_connection() {
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let server = format!("sip:{};transport=tcp", listener.local_addr().unwrap()).parse().unwrap();
    let mut front = Front::new();
    for _ in 0..3 {
        front.send(request(Method::Options), &server).await;
    }
    let mut peer = TcpPeer::new(in_time(listener.accept()).await.unwrap().0);
    for _ in 0..3 {
        peer.answer("200 OK").await;
        assert_eq!(front.ended().await.1, "Accepted");
    }
    front.quit().await;
}

#[tokio::test]
async fn what_is_pending_fails_with_its_connection_which_is_made_again() {
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let server = format!("sip:{};transport=tcp", listener.local_addr().unwrap()).parse().unwrap();
    let mut front = Front::new();
    front.send(request(Method::Options), &server).await;
    let mut peer = TcpPeer::new(in_time(listener.accept()).await.unwrap().0);
    peer.take().await;
    drop(peer);
    assert_eq!(front.ended().await.1, "Connection Error");
    // After its back-off, without anybody asking for it.
    let mut peer = TcpPeer::new(in_time(listener.accept()).await.unwrap().0);
    while !matches!(front.flow().await.state, FlowState::Up { .. }) {}
    front.send(request(Method::Options), &server).await;
    peer.answer("200 OK").await;
    assert_eq!(front.ended().await.1, "Accepted");
    front.quit().await;
}

/// A request is resent where its connection ends within T1 of it, which a busy machine may need.
fn unhurried() -> Timing {
    Timing { t1: Duration::from_secs(5), ..Timing::default() }
}

#[tokio::test]
async fn a_request_that_crosses_the_end_of_its_connection_goes_by_a_new_one() {
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let server = format!("sip:{};transport=tcp", listener.local_addr().unwrap()).parse().unwrap();
    let mut front = Front::with(unhurried());
    front.send(request(Method::Options), &server).await;
    for round in 0..10 {
        let mut peer = TcpPeer::new(in_time(listener.accept()).await.unwrap().0);
        peer.answer("200 OK").await;
        assert_eq!(front.ended().await.1, "Accepted", "{round}: {:#?}", front.story());
        drop(peer);
        // At once: whether the end of the connection has been seen by now is up to chance.
        front.send(request(Method::Options), &server).await;
    }
    let mut peer = TcpPeer::new(in_time(listener.accept()).await.unwrap().0);
    peer.answer("200 OK").await;
    assert_eq!(front.ended().await.1, "Accepted");
    front.quit().await;
}

#[tokio::test]
async fn the_same_holds_for_websocket_and_for_an_invite() {
    let peer = WsPeer::new().await;
    let mut front = Front::with(unhurried());
    front.send(request(Method::Options), &peer.server).await;
    for round in 0..10 {
        let mut connection = peer.accept().await;
        connection.answer("486 Busy Here").await;
        assert_eq!(front.ended().await.1, "Busy", "{round}: {:#?}", front.story());
        drop(connection);
        front.send(request(Method::Invite), &peer.server).await;
    }
    let mut connection = peer.accept().await;
    connection.answer("486 Busy Here").await;
    assert_eq!(front.ended().await.1, "Busy");
    front.quit().await;
}

/// A peer whose connection has carried one request and its answer already.
async fn served() -> (Front, TcpListener, ServerUri, TcpPeer) {
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let server = format!("sip:{};transport=tcp", listener.local_addr().unwrap())
        .parse::<ServerUri>()
        .unwrap();
    let mut front = Front::with(unhurried());
    front.send(request(Method::Options), &server).await;
    let mut peer = TcpPeer::new(in_time(listener.accept()).await.unwrap().0);
    peer.answer("200 OK").await;
    assert_eq!(front.ended().await.1, "Accepted");
    (front, listener, server, peer)
}

#[tokio::test]
async fn a_request_that_was_read_is_sent_again_under_its_branch_and_only_once() {
    let (mut front, listener, server, mut peer) = served().await;

    front.send(request(Method::Options), &server).await;
    let first = peer.take().await;
    drop(peer);
    let mut peer = TcpPeer::new(in_time(listener.accept()).await.unwrap().0);
    let again = peer.take().await;
    assert_eq!(again.bytes(), first.bytes(), "the same request, branch and all");
    let why = front
        .fact("a word of it", |_, fact| match fact {
            Fact::PassedOver { why, .. } => Some(why.to_string()),
            _ => None,
        })
        .await;
    assert!(why.contains("closed the connection") && why.contains("sent again"), "{why}");
    drop(peer);
    assert_eq!(front.ended().await.1, "Connection Error");
    front.quit().await;
}

#[tokio::test]
async fn a_message_that_was_read_is_not_sent_again_by_itself() {
    let (mut front, _listener, server, mut peer) = served().await;

    // Served twice it would be two messages (RFC 3261 §17.1.4).
    front.send(request(Method::Message), &server).await;
    peer.take().await;
    drop(peer);
    assert_eq!(front.ended().await.1, "Connection Error");
    front.quit().await;
}

#[tokio::test]
async fn a_peer_that_connects_to_our_contact_is_served_there() {
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let server = format!("sip:{};transport=tcp", listener.local_addr().unwrap()).parse().unwrap();
    let mut front = Front::new();
    front.send(request(Method::Invite), &server).await;
    let (stream, from) = in_time(listener.accept()).await.unwrap();
    let mut peer = TcpPeer::new(stream);
    let invite = peer.answer("200 OK").await;
    assert_eq!(peer.take().await.method(), Some(Method::Ack));

    let contact = text(&invite, HeaderName::Contact);
    let uri = contact.split(['<', '>']).nth(1).unwrap();
    let uri = Uri::parse(uri).unwrap();
    assert_ne!(uri.port(), Some(from.port()), "nobody can connect to where a connection leaves");
    let via = invite.via().unwrap();
    assert_eq!((via.host(), via.port()), (uri.host(), uri.port()));
    let address = format!("{}:{}", uri.host(), uri.port().unwrap());
    let mut other = TcpPeer::new(in_time(TcpStream::connect(address)).await.unwrap());
    let (our_tag, call_id) = (text(&invite, HeaderName::From), text(&invite, HeaderName::CallId));
    let bye = format!(
        "BYE {} SIP/2.0\r\nVia: SIP/2.0/TCP b.test;branch=z9hG4bKbye\r\nMax-Forwards: 70\r\n\
         From: <sip:bob@b.test>;tag=b\r\nTo: {our_tag}\r\nCall-ID: {call_id}\r\nCSeq: 1 BYE\r\n\
         Content-Length: 0\r\n\r\n",
        uri.as_str()
    );
    other.send(&bye.into()).await;
    let ok = other.take().await;
    assert_eq!(ok.status().map(|status| status.code()), Some(200));
    front
        .fact("terminated leg", |_, fact| match fact {
            sipboard::sip::Fact::Leg { state: LegState::Terminated { .. }, .. } => Some(()),
            _ => None,
        })
        .await;

    let (opened, heard) = (front.log.clone(), other.stream.local_addr().unwrap());
    let opened = opened.iter().find_map(|event| match event {
        Event::PeerFlow(open) => Some(open.clone()),
        _ => None,
    });
    let opened = opened.expect("the connection is told");
    assert_eq!((opened.transport, opened.peer, &opened.ended), (Transport::Tcp, heard, &None));
    assert_eq!(opened.local, other.stream.peer_addr().unwrap());
    let came = |event: &Event| match event {
        Event::Sip(sipboard::sip::Event::Context(event)) => match event.fact {
            Fact::CameOver { flow } => Some(flow),
            _ => None,
        },
        _ => None,
    };
    let came: Vec<_> = front.log.iter().filter_map(came).collect();
    assert_eq!(came, [opened.flow], "once, before the BYE: {:#?}", front.story());

    // A stranger is answered too, and nothing is kept of a connection that is over.
    let options = "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP b.test;branch=z9hG4bKo\r\n\
                   From: <sip:b@b.test>;tag=f\r\nTo: <sip:a@a.test>\r\nCall-ID: o\r\n\
                   CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
    other.send(&Bytes::from_static(options.as_bytes())).await;
    assert_eq!(other.take().await.status().map(|status| status.code()), Some(200));
    drop(other);
    let ended = front
        .find("end of the peer's connection", |event| match event {
            Event::PeerFlow(told) => told.ended.clone().map(|why| (told.flow, why)),
            _ => None,
        })
        .await;
    assert_eq!(ended.0, opened.flow);
    assert!(ended.1.contains(&heard.to_string()), "{}", ended.1);
    let is_stray = |event: &Event| match event {
        Event::Sip(sipboard::sip::Event::Stray(stray)) => stray.asked.is_none(),
        _ => false,
    };
    assert!(!front.log.iter().any(is_stray), "{:#?}", front.story());
    front.quit().await;
}

#[tokio::test]
async fn a_request_too_large_for_a_datagram_goes_by_tcp_and_comes_back_where_nobody_takes_it() {
    let mut large = request(Method::Message);
    large.content_type = Some("text/plain".to_owned());
    large.body = "x".repeat(3000).into();
    let by_udp = UdpPeer::new().await;
    let mut front = Front::new();
    front.send(large.clone(), &by_udp.server).await;
    let (message, _) = by_udp.answer("200 OK").await;
    assert_eq!(message.via().unwrap().transport(), "UDP");
    assert_eq!(front.ended().await.1, "Accepted");

    // The same, with somebody at the TCP port.
    let listener = TcpListener::bind(by_udp.socket.local_addr().unwrap()).await.unwrap();
    front.send(large, &by_udp.server).await;
    let mut peer = TcpPeer::new(in_time(listener.accept()).await.unwrap().0);
    assert_eq!(peer.answer("200 OK").await.via().unwrap().transport(), "TCP");
    assert_eq!(front.ended().await.1, "Accepted");
    front.quit().await;
}

#[tokio::test]
async fn an_answer_whose_connection_is_gone_goes_on_a_new_one_to_the_port_of_the_via() {
    let sip = sipboard::sip::Settings {
        by_hand: vec![Method::Info],
        ..sipboard::sip::Settings::default()
    };
    let mut front = Front::of(Settings { sip, ..Settings::default() });
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let server = format!("sip:{};transport=tcp", listener.local_addr().unwrap()).parse().unwrap();
    front.send(request(Method::Invite), &server).await;
    let mut peer = TcpPeer::new(in_time(listener.accept()).await.unwrap().0);
    let invite = peer.answer("200 OK").await;
    assert_eq!(peer.take().await.method(), Some(Method::Ack));
    // The answer goes where the peer takes connections, which is somewhere else.
    let back = TcpListener::bind(LOOPBACK).await.unwrap();
    let info = format!(
        "INFO sip:alice@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP {};branch=z9hG4bKinfo\r\n\
         Max-Forwards: 70\r\nFrom: <sip:bob@b.test>;tag=b\r\nTo: {}\r\nCall-ID: {}\r\n\
         CSeq: 1 INFO\r\nContent-Length: 0\r\n\r\n",
        back.local_addr().unwrap(),
        text(&invite, HeaderName::From),
        text(&invite, HeaderName::CallId)
    );
    peer.send(&info.into()).await;
    let (context, transaction) = front
        .fact("INFO", |context, fact| match fact {
            Fact::Received { transaction, .. } => transaction.map(|it| (context, it)),
            _ => None,
        })
        .await;
    drop((peer, listener));
    front
        .fact("the end of the connection", |_, fact| {
            matches!(fact, Fact::ConnectionLost { .. }).then_some(())
        })
        .await;
    let answer = Box::new(sipboard::sip::Answer {
        status: sipboard::sip::StatusCode::OK,
        reason: String::new(),
        headers: Vec::new(),
        content_type: None,
        body: Bytes::new(),
    });
    front.command(Command::Answer { context, transaction, answer }).await;
    let mut peer = TcpPeer::new(in_time(back.accept()).await.unwrap().0);
    let ok = peer.take().await;
    assert_eq!(ok.status().map(|status| status.code()), Some(200));
    assert_eq!(ok.via().unwrap().branch(), Some("z9hG4bKinfo"));
    front.fact("the answer", |_, fact| matches!(fact, Fact::Answered { .. }).then_some(())).await;
    front.quit().await;
}

#[tokio::test]
async fn what_rang_when_its_connection_ended_is_cancelled_and_its_late_2xx_hung_up() {
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = format!("sip:{address};transport=tcp").parse().unwrap();
    let mut front = Front::new();
    front.send(request(Method::Invite), &server).await;
    let mut peer = TcpPeer::new(in_time(listener.accept()).await.unwrap().0);
    let invite = peer.answer("180 Ringing").await;
    front.fact("ringing", |_, fact| matches!(fact, Fact::Progress(_)).then_some(())).await;
    drop(peer);
    front.failure().await;
    let mut peer = TcpPeer::new(in_time(listener.accept()).await.unwrap().0);
    assert_eq!(peer.answer("200 OK").await.method(), Some(Method::Cancel));

    // The 200 has crossed the CANCEL, and comes to our Via on a connection of the peer's.
    let (host, port) = {
        let via = invite.via().unwrap();
        (via.host().to_owned(), via.port().unwrap())
    };
    let mut own = TcpPeer::new(in_time(TcpStream::connect((&*host, port))).await.unwrap());
    let contact = format!("<sip:bob@{address};transport=tcp>");
    own.send(&response_with_contact(&invite, "200 OK", &contact)).await;
    assert_eq!(peer.take().await.method(), Some(Method::Ack));
    assert_eq!(peer.answer("200 OK").await.method(), Some(Method::Bye));
    let (mut causes, mut reason) = (Vec::new(), None);
    while causes.len() < 2 {
        let cause = front.fact("end", |context, fact| match fact {
            Fact::Ended { cause } => Some(Some((context.0, cause.to_string()))),
            Fact::Unwanted { detail, .. } => {
                reason = Some(detail.clone());
                Some(None)
            }
            _ => None,
        });
        causes.extend(cause.await);
    }
    assert_eq!(causes, [(2, "Accepted".to_owned()), (1, "BYE".to_owned())], "each has one end");
    assert!(reason.unwrap().starts_with("the INVITE had failed with its connection before"));
    front.quit().await;
}

/// Whether it arrived nobody can say, so it goes again; with a T1 that no busy machine outlasts.
#[tokio::test]
async fn an_ack_whose_connection_ends_as_it_goes_out_goes_again_on_the_next() {
    let t1 = Duration::from_secs(30);
    let mut front = Front::with(Timing { t1, t2: t1, t4: t1 });
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = format!("sip:{address};transport=tcp").parse().unwrap();
    front.send(request(Method::Invite), &server).await;
    let mut peer = TcpPeer::new(in_time(listener.accept()).await.unwrap().0);
    let invite = peer.take().await;
    let contact = format!("<sip:bob@{address};transport=tcp>");
    peer.send(&response_with_contact(&invite, "200 OK", &contact)).await;
    let first = peer.take().await;
    assert_eq!(first.method(), Some(Method::Ack));
    drop(peer);
    let mut peer = TcpPeer::new(in_time(listener.accept()).await.unwrap().0);
    let again = peer.take().await;
    assert_eq!(again.method(), Some(Method::Ack));
    assert_eq!(again.cseq().unwrap().number, first.cseq().unwrap().number);
    front.command(Command::Quit).await;
    assert_eq!(peer.answer("200 OK").await.method(), Some(Method::Bye));
    front.stopped().await;
}
