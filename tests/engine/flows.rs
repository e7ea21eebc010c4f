//! Flows: made when they are needed, shared, shown when they go down, made again.

use std::time::Duration;

use sipboard::{
    engine::{Command, Event, FlowState, Submission},
    sip::{Fact, FlowId, Method},
};

use crate::support::*;

#[tokio::test]
async fn a_request_over_udp_is_told_from_the_flow_to_its_end_in_true_order() {
    let peer = UdpPeer::new().await;
    let mut front = Front::new();
    front.send(request(Method::Options), &peer.server).await;
    let (options, from) = peer.answer("200 OK").await;
    let via = options.essentials().unwrap().via;
    let via = format!("{}:{}", via.host(), via.port().unwrap());
    assert_eq!(via, from.to_string(), "Via names the address that the request came from");
    front.ended().await;
    assert_eq!(
        front.story(),
        [
            "flow 1 connecting",
            "#1 created",
            "flow 1 up",
            "#1 sent",
            "#1 accepted",
            "#1 ended Accepted"
        ]
    );
    front.quit().await;
}

#[tokio::test]
async fn requests_to_one_server_share_a_flow_and_its_connection() {
    let peer = WsPeer::new().await;
    let mut front = Front::new();
    front.send(request(Method::Options), &peer.server).await;
    front.send(request(Method::Message), &peer.server).await;
    let mut connection = peer.accept().await;
    let first = connection.answer("200 OK").await;
    assert_eq!(first.essentials().unwrap().via.transport(), "WS");
    connection.answer("200 OK").await;
    front.ended().await;
    front.ended().await;
    front.send(request(Method::Info), &peer.server).await;
    connection.answer("200 OK").await;
    front.ended().await;
    assert_eq!(front.story().iter().filter(|word| word.starts_with("flow")).count(), 2);
    front.quit().await;
}

#[tokio::test]
async fn a_sips_target_is_not_sent_in_the_clear() {
    let peer = UdpPeer::new().await;
    let mut front = Front::new();
    let mut secure = request(Method::Options);
    secure.request_uri = "sips:bob@demo.test".parse().unwrap();
    front.send(secure, &peer.server).await;
    let (context, reason) = front.refusal().await;
    assert_eq!(context, None, "nothing came of it");
    assert!(reason.starts_with("sips:bob@demo.test must go over TLS"), "{reason}");
    let mut routed = request(Method::Options);
    routed.route_set = vec!["sips:proxy.demo.test;lr".parse().unwrap()];
    front.send(routed, &peer.server).await;
    let (_, reason) = front.refusal().await;
    assert!(reason.starts_with("sips:proxy.demo.test;lr must go over TLS"), "{reason}");
    front.quit().await;
}

#[tokio::test]
async fn the_server_is_found_in_the_route_or_in_the_request_uri() {
    let peer = UdpPeer::new().await;
    let address = peer.socket.local_addr().unwrap();
    let mut front = Front::new();
    let mut by_uri = request(Method::Options);
    by_uri.request_uri = format!("sip:bob@{address}").parse().unwrap();
    let mut by_route = request(Method::Options);
    by_route.route_set = vec![format!("sip:{address};lr").parse().unwrap()];
    for request in [by_uri, by_route] {
        let submission =
            Submission { request, server: None, password_command: None, flow: Default::default() };
        front.command(Command::Send(Box::new(submission))).await;
        peer.answer("200 OK").await;
        front.ended().await;
    }
    front.quit().await;
}

#[tokio::test]
async fn a_request_without_a_usable_server_is_refused_with_what_is_possible() {
    let mut front = Front::new();
    let mut telephone = request(Method::Options);
    telephone.request_uri = "tel:+15551234".parse().unwrap();
    let submission = Submission {
        request: telephone,
        server: None,
        password_command: None,
        flow: Default::default(),
    };
    front.command(Command::Send(Box::new(submission))).await;
    let (context, reason) = front.refusal().await;
    assert_eq!(context, None);
    assert!(reason.contains("tel:+15551234") && reason.contains("ws://host"), "{reason}");
    assert_eq!(front.log.len(), 1, "nothing else came of them");
    front.quit().await;
}

#[tokio::test]
async fn a_udp_peer_that_refuses_fails_the_request_and_shows_until_something_arrives() {
    let gone = UdpPeer::new().await;
    let address = gone.socket.local_addr().unwrap();
    let server = gone.server.clone();
    drop(gone);
    let mut front = Front::new();
    front.send(request(Method::Options), &server).await;
    assert_eq!(front.flow().await.state, FlowState::Connecting);
    assert!(matches!(front.flow().await.state, FlowState::Up { .. }));
    let reason = format!("udp {address} cannot be reached: connection refused");
    let down =
        FlowState::Down { reason: reason.clone(), retry_at: None, refused: Default::default() };
    assert_eq!(front.flow().await.state, down);
    let detail = front
        .fact("failure", |_, fact| match fact {
            Fact::Failed { response: None, cause, detail, .. } => {
                Some((cause.as_str(), detail.to_string()))
            }
            _ => None,
        })
        .await;
    assert_eq!(detail, ("Connection Error", reason));

    let peer = UdpPeer::at(address).await;
    front.send(request(Method::Options), &server).await;
    peer.answer("200 OK").await;
    let up = front.flow().await;
    assert!(up.flow == FlowId(1) && matches!(up.state, FlowState::Up { .. }), "{up:?}");
    assert_eq!(front.ended().await.1, "Accepted");
    front.quit().await;
}

#[tokio::test]
async fn a_websocket_that_cannot_be_reached_fails_its_requests_and_is_made_again() {
    let gone = WsPeer::new().await;
    let (address, server) = (gone.address(), gone.server.clone());
    drop(gone);
    let mut front = Front::new();
    front.send(request(Method::Options), &server).await;
    assert_eq!(front.flow().await.state, FlowState::Connecting);
    let down = front.flow().await;
    let FlowState::Down { reason, retry_at: Some(retry_at), .. } = down.state else {
        panic!("{down:?}")
    };
    assert_eq!(reason, format!("{server} cannot be reached: connection refused"));
    let wait = retry_at - down.at;
    assert!((Duration::from_millis(750)..=Duration::from_secs(1)).contains(&wait), "{wait:?}");
    assert_eq!(front.ended().await.1, "Connection Error");

    let peer = WsPeer::at(address).await;
    let _connection = peer.accept().await;
    let again = front.flow().await;
    assert_eq!((again.flow, again.state), (FlowId(1), FlowState::Connecting));
    assert!(again.at >= retry_at, "not before it was said");
    assert!(matches!(front.flow().await.state, FlowState::Up { .. }));
    front.quit().await;
}

#[tokio::test]
async fn a_request_on_a_flow_that_is_down_tries_at_once() {
    let gone = WsPeer::new().await;
    let (address, server) = (gone.address(), gone.server.clone());
    drop(gone);
    let mut front = Front::new();
    front.send(request(Method::Options), &server).await;
    assert_eq!(front.ended().await.1, "Connection Error");
    let peer = WsPeer::at(address).await;
    front.send(request(Method::Options), &server).await;
    let again = front.flow().await;
    assert_eq!(again.state, FlowState::Connecting);
    peer.accept().await.answer("200 OK").await;
    assert_eq!(front.ended().await.1, "Accepted");
    front.quit().await;
}

#[tokio::test]
async fn a_websocket_that_breaks_fails_what_is_pending_and_comes_back() {
    let peer = WsPeer::new().await;
    let mut front = Front::new();
    front.send(request(Method::Invite), &peer.server).await;
    let mut connection = peer.accept().await;
    let invite = connection.answer("180 Ringing").await;
    front.fact("ringing", |_, fact| matches!(fact, Fact::Progress(_)).then_some(())).await;
    drop(connection);
    let FlowState::Down { reason, retry_at: Some(_), .. } = front.flow().await.state else {
        panic!()
    };
    assert!(reason.starts_with(&format!("the connection with {} broke", peer.server)), "{reason}");
    assert_eq!(front.failure().await, reason);
    let mut connection = peer.accept().await;
    assert_eq!(front.flow().await.state, FlowState::Connecting);
    assert!(matches!(front.flow().await.state, FlowState::Up { .. }));
    let cancel = connection.answer("200 OK").await;
    assert_eq!(cancel.method(), Some(Method::Cancel), "what rang is cancelled");
    connection.send(&response(&invite, "487 Request Terminated")).await;
    assert_eq!(connection.take().await.method(), Some(Method::Ack));
    assert_eq!(front.ended().await.1, "Connection Error");
    front.send(request(Method::Options), &peer.server).await;
    connection.answer("200 OK").await;
    assert_eq!(front.ended().await.1, "Accepted");
    front.quit().await;
}

#[tokio::test]
async fn nothing_is_made_again_while_leaving() {
    let gone = WsPeer::new().await;
    let (address, server) = (gone.address(), gone.server.clone());
    drop(gone);
    let mut front = Front::new();
    front.send(request(Method::Options), &server).await;
    front.ended().await;
    let peer = WsPeer::at(address).await;
    front.command(Command::Quit).await;
    front.stopped().await;
    // The engine is gone; what it had begun would be in the log, and in the queue of the listener.
    let told = front.log.iter().rposition(|event| matches!(event, Event::Flow(_)));
    let Some(Event::Flow(flow)) = told.map(|at| &front.log[at]) else { panic!() };
    assert!(matches!(flow.state, FlowState::Down { .. }), "{flow:?}");
    assert!(!peer.was_called().await);
}

#[tokio::test]
async fn a_burst_larger_than_every_queue_waits_for_the_connection_and_gets_through() {
    const COUNT: usize = 12_000;
    let peer = WsPeer::new().await;
    let mut front = Front::new();
    for _ in 0..COUNT {
        front.send(request(Method::Options), &peer.server).await;
    }
    let mut connection = peer.accept().await;
    let answers = tokio::spawn(async move {
        for _ in 0..COUNT {
            connection.answer("200 OK").await;
        }
        connection
    });
    for _ in 0..COUNT {
        assert_eq!(front.ended().await.1, "Accepted");
    }
    let _connection = answers.await.unwrap();
    front.quit().await;
}

#[tokio::test]
async fn a_peer_that_reads_nothing_fails_its_own_requests_and_holds_up_no_others() {
    let peer = WsPeer::new().await;
    let mut front = Front::new();
    let mut large = request(Method::Message);
    large.content_type = Some("text/plain".to_owned());
    large.body = vec![b'a'; 2048].into();
    front.send(large.clone(), &peer.server).await;
    let _deaf = peer.accept().await;

    let commands = front.engine.commands.clone();
    let submission = Submission {
        request: large,
        server: Some(peer.server.clone()),
        password_command: None,
        flow: Default::default(),
    };
    let flood = tokio::spawn(async move {
        while commands.send(Command::Send(Box::new(submission.clone()))).await.is_ok() {}
    });
    let detail = front
        .fact("failure", |_, fact| match fact {
            Fact::Failed { detail, .. } => Some(detail.to_string()),
            _ => None,
        })
        .await;
    flood.abort();
    let slow = format!("{} takes messages too slowly: ", peer.server);
    assert!(detail.starts_with(&slow), "{detail}");
    assert!(detail.ends_with(" wait to be sent already"), "{detail}");

    let other = UdpPeer::new().await;
    front.send(request(Method::Options), &other.server).await;
    other.answer("200 OK").await;
    front.fact("answer", |_, fact| matches!(fact, Fact::Accepted { .. }).then_some(())).await;
    front.quit().await;
}
