//! Flows of accounts that are gone: what is under way finishes, then they end.

use std::sync::Arc;

use sipboard::{
    engine::{Account, Command, FlowState},
    sip::{FlowId, Method},
    transport::ServerUri,
};
use tokio::{io::AsyncReadExt, net::TcpListener};

use crate::support::*;

fn accounts<'a>(servers: impl IntoIterator<Item = &'a ServerUri>) -> Command {
    let account = |server: &ServerUri| {
        let account = Account::new(server.to_string(), "sip:alice@a.test".parse().unwrap());
        Arc::new(Account { servers: vec![server.clone()], ..account })
    };
    Command::Accounts(servers.into_iter().map(account).collect())
}

/// Waits until a flow of that server is in such a state.
async fn flow(front: &mut Front, server: &ServerUri, is_so: impl Fn(&FlowState) -> bool) -> FlowId {
    loop {
        let event = front.flow().await;
        if *event.asked == *server && is_so(&event.state) {
            return event.flow;
        }
    }
}

fn is_up(state: &FlowState) -> bool {
    matches!(state, FlowState::Up { .. })
}

#[tokio::test]
async fn a_flow_of_an_account_that_is_gone_ends_once_what_is_under_way_has_finished() {
    let mut front = Front::new();
    let mut peers = Vec::new();
    for _ in 0..2 {
        let listener = TcpListener::bind(LOOPBACK).await.unwrap();
        let server: ServerUri =
            format!("sip:{};transport=tcp", listener.local_addr().unwrap()).parse().unwrap();
        front.send(request(Method::Options), &server).await;
        let connection = TcpPeer::new(in_time(listener.accept()).await.unwrap().0);
        let flow = flow(&mut front, &server, is_up).await;
        peers.push((listener, server, connection, flow));
    }
    let (listener, gone, mut second, id) = peers.pop().unwrap();
    let (_, stays, mut first, _) = peers.pop().unwrap();

    front.command(accounts([&stays, &gone])).await;
    front.command(accounts([&stays])).await;
    second.answer("200 OK").await;
    assert_eq!(front.ended().await.1, "Accepted", "it was let finish");
    let ended = flow(&mut front, &gone, |state| *state == FlowState::Ended).await;
    assert_eq!(ended, id);
    assert_eq!(in_time(second.stream.read(&mut [0])).await.unwrap(), 0, "with its connection");

    first.answer("200 OK").await;
    assert_eq!(front.ended().await.1, "Accepted");
    front.send(request(Method::Options), &stays).await;
    first.answer("200 OK").await;
    assert_eq!(front.ended().await.1, "Accepted", "the other one goes on");

    // It comes back as another one.
    front.send(request(Method::Options), &gone).await;
    let mut again = TcpPeer::new(in_time(listener.accept()).await.unwrap().0);
    again.answer("200 OK").await;
    assert!(flow(&mut front, &gone, is_up).await > id);
    front.quit().await;
}
