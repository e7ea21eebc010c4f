//! Requests that leave the flow of the one before: where a redirect sends them, and where a dialog
//! does.

use std::net::SocketAddr;

use sipboard::{
    engine::{Command, Event, Settings},
    sip::{self, ContextId, DialogRequest, Fact, HeaderName, Method, Redirects, Transport},
};
use tokio::net::TcpListener;

use crate::{dns_server::DnsServer, support::*};

fn redirecting(redirects: Redirects) -> Settings {
    let sip = sip::Settings { redirects, ..sip::Settings::default() };
    Settings { sip, ..Settings::default() }
}

impl UdpPeer {
    async fn redirect(&self, contact: &str) {
        let (request, from) = self.take().await;
        let response = response_with_contact(&request, "302 Moved Temporarily", contact);
        self.socket.send_to(&response, from).await.unwrap();
    }
}

/// The story of the one context, each fact in a word or two.
fn words(front: &Front) -> Vec<String> {
    let bare = |told: String| {
        let told = told.strip_prefix("#1 ").unwrap_or(&told);
        let first = told.split([' ', '(']).next().unwrap_or_default();
        let is_fact = first.starts_with(char::is_uppercase);
        if is_fact { first.to_owned() } else { told.to_owned() }
    };
    front.story().into_iter().map(bare).collect()
}

#[tokio::test]
async fn a_redirect_to_another_address_gets_a_flow_of_its_own() {
    let (first, second) = (UdpPeer::new().await, UdpPeer::new().await);
    let mut front = Front::of(redirecting(Redirects::Best));
    front.send(request(Method::Options), &first.server).await;
    let address = second.socket.local_addr().unwrap();
    first.redirect(&format!("<sip:carol@{address}>")).await;
    let (options, from) = second.answer("200 OK").await;
    assert_eq!(options.request_uri(), Some(&*format!("sip:carol@{address}")));
    let via = options.essentials().unwrap().via;
    assert_eq!(via.port(), Some(from.port()), "Via names the new flow");
    front.ended().await;
    assert_eq!(
        words(&front)[3..],
        [
            "sent",
            "Redirected",
            "flow 2 connecting",
            "Trying",
            "flow 2 up",
            "sent",
            "accepted",
            "ended Accepted",
        ]
    );
    front.quit().await;
}

#[tokio::test]
async fn a_redirect_goes_by_the_transport_that_its_contact_names() {
    let first = UdpPeer::new().await;
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let mut front = Front::of(redirecting(Redirects::Best));
    front.send(request(Method::Invite), &first.server).await;
    let contact = format!("<sip:carol@{};transport=tcp>", listener.local_addr().unwrap());
    first.redirect(&contact).await;
    let (ack, _) = first.take().await;
    assert_eq!(ack.method(), Some(Method::Ack), "the 302 is acknowledged where it came from");
    let (stream, _) = in_time(listener.accept()).await.unwrap();
    let invite = TcpPeer::new(stream).answer("486 Busy Here").await;
    assert_eq!(invite.essentials().unwrap().via.transport(), "TCP");
    let contact = invite.header(HeaderName::Contact).unwrap().text().unwrap();
    assert!(contact.ends_with(";transport=tcp>"), "{contact}");
    assert_eq!(front.ended().await.1, "Busy");
    front.quit().await;
}

#[tokio::test]
async fn a_redirect_to_a_name_is_looked_up() {
    let (first, second) = (UdpPeer::new().await, UdpPeer::new().await);
    let port = second.socket.local_addr().unwrap().port();
    let zone = format!("_sip._udp.c.test SRV 1 1 {port} host.test\nhost.test A 127.0.0.1");
    let dns = DnsServer::new(60, &zone).await;
    let settings = Settings { resolver: vec![dns.address], ..redirecting(Redirects::Best) };
    let mut front = Front::of(settings);
    front.send(request(Method::Options), &first.server).await;
    first.redirect("<sip:carol@c.test>").await;
    let (options, _) = second.answer("200 OK").await;
    assert_eq!(options.request_uri(), Some("sip:carol@c.test"));
    front.ended().await;
    let story = words(&front);
    for word in ["Resolving", "Resolved", "Trying"] {
        assert!(story.iter().any(|told| told == word), "{word}: {story:#?}");
    }
    front.quit().await;
}

#[tokio::test]
async fn a_contact_in_the_domain_that_was_asked_stays_with_its_server() {
    let first = UdpPeer::new().await;
    let mut front = Front::of(redirecting(Redirects::Best));
    front.send(request(Method::Options), &first.server).await;
    first.redirect("<sip:carol@b.test>").await;
    let (options, _) = first.answer("200 OK").await;
    assert_eq!(options.request_uri(), Some("sip:carol@b.test"));
    assert_eq!(front.ended().await.1, "Accepted");
    front.quit().await;
}

#[tokio::test]
async fn a_contact_that_cannot_be_reached_gives_way_to_the_next_one() {
    let (first, last) = (UdpPeer::new().await, UdpPeer::new().await);
    let closed = TcpListener::bind(LOOPBACK).await.unwrap();
    let nobody = closed.local_addr().unwrap();
    drop(closed);
    let mut front = Front::of(redirecting(Redirects::All));
    front.send(request(Method::Options), &first.server).await;
    let address = last.socket.local_addr().unwrap();
    let contacts = format!("<sip:a@{nobody};transport=tcp>;q=0.9, <sip:b@{address}>;q=0.5");
    first.redirect(&contacts).await;
    let (options, _) = last.answer("200 OK").await;
    assert_eq!(options.request_uri(), Some(&*format!("sip:b@{address}")));
    assert_eq!(front.ended().await.1, "Accepted");
    let why = front.log.iter().find_map(|event| match event {
        Event::Sip(sip::Event::Context(event)) => match &event.fact {
            Fact::PassedOver { why, .. } => Some(why.to_string()),
            _ => None,
        },
        _ => None,
    });
    let why = why.expect("the first contact is passed over");
    assert!(why.contains("connection refused") && why.contains("sip:b@"), "{why}");
    front.quit().await;
}

#[tokio::test]
async fn a_contact_with_an_unknown_transport_is_refused_by_name() {
    let first = UdpPeer::new().await;
    let mut front = Front::of(redirecting(Redirects::Best));
    front.send(request(Method::Options), &first.server).await;
    first.redirect("<sip:carol@127.0.0.1:5;transport=ws>, <sip:x@y>;q=0.1").await;
    let (_, cause) = front.ended().await;
    assert_eq!(cause, "Connection Error");
    front.quit().await;
}

/// An INVITE that a UDP peer answers with that Contact, and is ACKed.
async fn call(front: &mut Front, peer: &UdpPeer, contact: &str) -> ContextId {
    front.send(request(Method::Invite), &peer.server).await;
    let (invite, from) = peer.take().await;
    let accepted = response_with_contact(&invite, "200 OK", contact);
    peer.socket.send_to(&accepted, from).await.unwrap();
    let acked =
        front.fact("ACK", |context, fact| matches!(fact, Fact::Acked { .. }).then_some(context));
    acked.await
}

async fn hang_up(front: &mut Front, context: ContextId) {
    front.command(Command::HangUp { context }).await;
}

#[tokio::test]
async fn ack_and_bye_go_by_the_transport_of_the_remote_target() {
    let peer = UdpPeer::new().await;
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let mut front = Front::new();
    let contact = format!("<sip:bob@{};transport=tcp>", listener.local_addr().unwrap());
    let context = call(&mut front, &peer, &contact).await;
    let (stream, _) = in_time(listener.accept()).await.unwrap();
    let mut bob = TcpPeer::new(stream);
    let ack = bob.take().await;
    assert_eq!(ack.method(), Some(Method::Ack));
    assert_eq!(ack.essentials().unwrap().via.transport(), "TCP");
    hang_up(&mut front, context).await;
    let bye = bob.answer("200 OK").await;
    assert_eq!(bye.method(), Some(Method::Bye));
    assert_eq!(bye.essentials().unwrap().via.transport(), "TCP");
    front.ended().await;
    front.quit().await;
}

#[tokio::test]
async fn what_goes_to_the_address_of_a_contact_is_told_with_that_address() {
    let (peer, other) = (UdpPeer::new().await, UdpPeer::new().await);
    let elsewhere = other.socket.local_addr().unwrap();
    let mut front = Front::new();
    let context = call(&mut front, &peer, &format!("<sip:bob@{elsewhere}>")).await;
    assert_eq!(other.take().await.0.method(), Some(Method::Ack));
    hang_up(&mut front, context).await;
    other.answer("200 OK").await;
    front.ended().await;
    let told: Vec<(Method, Option<SocketAddr>)> = front
        .log
        .iter()
        .filter_map(|event| match event {
            Event::Sip(sip::Event::Context(event)) => {
                let destination = event.fact.destination()?;
                assert_eq!(destination.transport, Transport::Udp);
                Some((event.method.clone(), destination.to.as_deref().copied()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        told,
        [(Method::Invite, None), (Method::Ack, Some(elsewhere)), (Method::Bye, Some(elsewhere))]
    );
    front.quit().await;
}

#[tokio::test]
async fn ack_and_bye_to_a_closed_port_take_the_way_of_the_invite() {
    let peer = UdpPeer::new().await;
    let closed = TcpListener::bind(LOOPBACK).await.unwrap();
    let nobody = closed.local_addr().unwrap();
    drop(closed);
    let mut front = Front::new();
    let context = call(&mut front, &peer, &format!("<sip:bob@{nobody};transport=tcp>")).await;
    assert_eq!(peer.take().await.0.method(), Some(Method::Ack));
    hang_up(&mut front, context).await;
    let (bye, _) = peer.answer("200 OK").await;
    assert_eq!(bye.method(), Some(Method::Bye));
    front.ended().await;
    front.ended().await;
    front.quit().await;
}

#[tokio::test]
async fn ack_and_bye_to_a_name_are_looked_up_and_where_that_fails_take_the_way_of_the_invite() {
    let (peer, other) = (UdpPeer::new().await, UdpPeer::new().await);
    let port = other.socket.local_addr().unwrap().port();
    let dns = DnsServer::new(60, "host.test A 127.0.0.1").await;
    let mut front = Front::of(Settings { resolver: vec![dns.address], ..Settings::default() });
    let context = call(&mut front, &peer, &format!("<sip:bob@host.test:{port}>")).await;
    assert_eq!(other.take().await.0.method(), Some(Method::Ack));
    hang_up(&mut front, context).await;
    let (bye, _) = other.answer("200 OK").await;
    assert_eq!(bye.method(), Some(Method::Bye));
    front.ended().await;
    front.ended().await;
    let context = call(&mut front, &peer, "<sip:bob@nobody.test:5060>").await;
    assert_eq!(peer.take().await.0.method(), Some(Method::Ack));
    hang_up(&mut front, context).await;
    let (bye, _) = peer.answer("200 OK").await;
    assert_eq!(bye.method(), Some(Method::Bye));
    front.ended().await;
    front.quit().await;
}

#[tokio::test]
async fn a_large_request_in_a_dialog_finds_the_tcp_of_a_name_and_where_a_port_is_named_that_port() {
    let (peer, beside) = loop {
        let peer = UdpPeer::new().await;
        // Somebody else may have that port for TCP.
        if let Ok(beside) = TcpListener::bind(peer.socket.local_addr().unwrap()).await {
            break (peer, beside);
        }
    };
    let udp = peer.socket.local_addr().unwrap();
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let tcp = listener.local_addr().unwrap();
    let zone = format!(
        "_sip._udp.d.test SRV 1 1 {} host.test\n_sip._tcp.d.test SRV 1 1 {} host.test\n\
         host.test A 127.0.0.1",
        udp.port(),
        tcp.port()
    );
    let dns = DnsServer::new(60, &zone).await;
    let mut front = Front::of(Settings { resolver: vec![dns.address], ..Settings::default() });
    let by_port = format!("<sip:bob@d.test:{}>", udp.port());
    for (contact, listener) in [("<sip:bob@d.test>", &listener), (&*by_port, &beside)] {
        front.send(request(Method::Invite), &"sip:d.test".parse().unwrap()).await;
        let (invite, from) = peer.take().await;
        let accepted = response_with_contact(&invite, "200 OK", contact);
        peer.socket.send_to(&accepted, from).await.unwrap();
        let acked = |context, fact: &Fact| matches!(fact, Fact::Acked { .. }).then_some(context);
        let context = front.fact("2xx", acked).await;
        assert_eq!(peer.take().await.0.method(), Some(Method::Ack));
        let request = Box::new(DialogRequest {
            content_type: Some("text/plain".to_owned()),
            body: "x".repeat(1500).into(),
            ..DialogRequest::new(Method::Info)
        });
        front.command(Command::SendInDialog { context, tag: None, request }).await;
        let (stream, _) = in_time(listener.accept()).await.unwrap();
        let info = TcpPeer::new(stream).answer("200 OK").await;
        assert_eq!((info.method(), info.body().len()), (Some(Method::Info), 1500));
        assert_eq!(info.essentials().unwrap().via.transport(), "TCP");
    }
}
