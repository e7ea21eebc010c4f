//! The engine's own life: commands that are refused, bad input, timers, and leaving.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use sipboard::{
    engine::{Command, Event},
    sip::{self, CancelOptions, ContextId, Fact, Method, Timing},
};
use tokio_tungstenite::tungstenite;

use crate::support::*;

#[tokio::test]
async fn a_cancel_that_cannot_be_is_refused_with_context_and_reason() {
    let peer = UdpPeer::new().await;
    let mut front = Front::new();
    front.send(request(Method::Options), &peer.server).await;
    let context = ContextId(1);
    let options = CancelOptions::default();
    front.command(Command::Cancel { context, options: options.clone() }).await;
    let (refused, reason) = front.refusal().await;
    assert_eq!(refused, Some(context));
    assert!(reason.contains("OPTIONS cannot be cancelled"), "{reason}");
    front.command(Command::HangUp { context }).await;
    assert!(front.refusal().await.1.contains("OPTIONS has no leg to hang up"));
    front.command(Command::Cancel { context: ContextId(99), options }).await;
    assert_eq!(front.refusal().await.0, Some(ContextId(99)));
    peer.answer("200 OK").await;
    assert_eq!(front.ended().await.1, "Accepted");
    front.quit().await;
}

#[tokio::test]
async fn many_commands_at_once_are_each_carried_out_or_refused_in_their_order() {
    let peer = UdpPeer::new().await;
    let mut front = Front::new();
    front.send(request(Method::Options), &peer.server).await;
    let options = CancelOptions::default();
    let cancel = |id| Command::Cancel { context: ContextId(id), options: options.clone() };
    let leg = Command::HangUpLeg { context: ContextId(1), tag: "x".into() };
    front.command(Command::Many(vec![cancel(7), leg, cancel(1)])).await;
    for (context, told) in [(7, ""), (1, "has no leg to hang up"), (1, "cannot be cancelled")] {
        let (refused, reason) = front.refusal().await;
        assert_eq!(refused, Some(ContextId(context)));
        assert!(reason.contains(told), "{reason}");
    }
    peer.answer("200 OK").await;
    assert_eq!(front.ended().await.1, "Accepted");
    front.quit().await;
}

#[tokio::test]
async fn malformed_datagrams_are_strays_and_hang_up_nothing() {
    let peer = UdpPeer::new().await;
    let mut front = Front::new();
    front.send(request(Method::Options), &peer.server).await;
    let (options, from) = peer.take().await;
    let alien = response(&options, "200 OK");
    let alien =
        String::from_utf8(alien.to_vec()).unwrap().replace("branch=z9hG4bK", "branch=z9hG4bKx");
    let bad: [&[u8]; 7] = [
        b"",
        b"\0",
        &[b'a'; 60_000],
        b"OPTIONS sip:a SIP/2.0\r\nTo: x\r\n",
        b"SIP/2.0 200 OK\r\nContent-Length: 5\r\n\r\n",
        b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        alien.as_bytes(),
    ];
    for bytes in bad {
        peer.socket.send_to(bytes, from).await.unwrap();
        let stray = front
            .find("stray", |event| match event {
                Event::Sip(sip::Event::Stray(stray)) => Some(stray.clone()),
                _ => None,
            })
            .await;
        assert_eq!(stray.bytes, bytes);
        assert!(!stray.problem.is_empty());
    }
    peer.socket.send_to(&response(&options, "200 OK"), from).await.unwrap();
    assert_eq!(front.ended().await.1, "Accepted");
    front.quit().await;
}

#[tokio::test]
async fn timers_fire_without_anything_else_happening() {
    let t1 = Duration::from_millis(50);
    let peer = UdpPeer::new().await;
    let mut front = Front::with(Timing { t1, t2: t1 * 8, t4: t1 * 10 });
    front.send(request(Method::Invite), &peer.server).await;
    for _ in 0..7 {
        assert_eq!(peer.take().await.0.method(), Some(Method::Invite));
    }
    assert_eq!(front.ended().await.1, "Request Timeout");
    let story = front.story();
    assert_eq!(story.iter().filter(|word| word.ends_with("retransmitted")).count(), 6, "{story:?}");
    front.quit().await;
}

#[tokio::test]
async fn sip_does_not_wait_for_a_front_end_that_takes_no_events() {
    const COUNT: usize = 2000;
    let peer = UdpPeer::new().await;
    let mut front = Front::new();
    // One at a time, so that there are more batches than the channel holds.
    for _ in 0..COUNT {
        front.send(request(Method::Options), &peer.server).await;
        peer.answer("200 OK").await;
    }
    for _ in 0..COUNT {
        assert_eq!(front.ended().await.1, "Accepted");
    }
    let strays = front.story().iter().filter(|word| word.starts_with("stray")).count();
    assert_eq!(strays, 0);
    front.quit().await;
}

#[tokio::test]
async fn time_in_the_events_never_runs_backwards() {
    let peer = UdpPeer::new().await;
    let mut front = Front::new();
    for _ in 0..50 {
        front.send(request(Method::Options), &peer.server).await;
    }
    for _ in 0..50 {
        peer.answer("200 OK").await;
    }
    for _ in 0..50 {
        front.ended().await;
    }
    let times: Vec<Instant> = front
        .log
        .iter()
        .filter_map(|event| match event {
            Event::Sip(sip::Event::Context(event)) => Some(event.at),
            Event::Flow(event) => Some(event.at),
            _ => None,
        })
        .collect();
    assert!(times.is_sorted());
    front.quit().await;
}

#[tokio::test]
async fn quitting_cancels_what_rings_and_waits_for_its_end() {
    let peer = WsPeer::new().await;
    let mut front = Front::new();
    front.send(request(Method::Invite), &peer.server).await;
    let mut connection = peer.accept().await;
    let invite = connection.answer("180 Ringing").await;
    front.fact("ringing", |_, fact| matches!(fact, Fact::Progress(_)).then_some(())).await;
    front.command(Command::Quit).await;
    let cancel = connection.answer("200 OK").await;
    assert_eq!(cancel.method(), Some(Method::Cancel));
    let terminated = response(&invite, "487 Request Terminated");
    futures_util::SinkExt::send(&mut connection.0, tungstenite::Message::binary(terminated))
        .await
        .unwrap();
    assert_eq!(connection.take().await.method(), Some(Method::Ack));
    let last = in_time(connection.0.next()).await.unwrap().unwrap();
    assert!(last.is_close(), "the ACK goes out before the connection is closed: {last}");
    drop(connection);
    front.stopped().await;
    let story = front.story();
    assert_eq!(story[story.len() - 2..], ["#1 ended Canceled", "stopped"]);
}

#[tokio::test]
async fn quitting_hangs_up_what_was_answered() {
    let peer = UdpPeer::new().await;
    let mut front = Front::new();
    let mut invite = request(Method::Invite);
    invite.request_uri = format!("sip:bob@{}", peer.socket.local_addr().unwrap()).parse().unwrap();
    front.send(invite, &peer.server).await;
    peer.answer("200 OK").await;
    assert_eq!(peer.take().await.0.method(), Some(Method::Ack));
    front.command(Command::Quit).await;
    assert_eq!(peer.answer("200 OK").await.0.method(), Some(Method::Bye));
    front.stopped().await;
    assert!(front.story().contains(&"#1 ended BYE".to_owned()), "{:#?}", front.story());
}

/// It failed when its connection ended, and its peer still rings.
#[tokio::test]
async fn quitting_ends_what_rang_when_its_connection_ended() {
    for accepts in [false, true] {
        let peer = WsPeer::new().await;
        let mut front = Front::new();
        front.send(request(Method::Invite), &peer.server).await;
        let mut connection = peer.accept().await;
        let invite = connection.answer("180 Ringing").await;
        front.fact("ringing", |_, fact| matches!(fact, Fact::Progress(_)).then_some(())).await;
        drop(connection);
        front.failure().await;
        front.command(Command::Quit).await;
        let mut connection = peer.accept().await;
        assert_eq!(connection.answer("200 OK").await.method(), Some(Method::Cancel));
        let status = if accepts { "200 OK" } else { "487 Request Terminated" };
        connection.send(&response(&invite, status)).await;
        assert_eq!(connection.take().await.method(), Some(Method::Ack));
        if accepts {
            assert_eq!(connection.answer("200 OK").await.method(), Some(Method::Bye));
        }
        front.stopped().await;
        let story = front.story();
        let ends: Vec<_> = story.iter().filter(|line| line.starts_with("#1 ended")).collect();
        let cause = if accepts { "BYE" } else { "Connection Error" };
        assert_eq!(ends, [&format!("#1 ended {cause}")], "{story:#?}");
    }
}

#[tokio::test]
async fn quitting_does_not_wait_for_a_silent_peer_for_longer_than_two_seconds() {
    let udp = UdpPeer::new().await;
    let ws = WsPeer::new().await;
    let mut front = Front::new();
    front.send(request(Method::Invite), &udp.server).await;
    front.send(request(Method::Invite), &ws.server).await;
    let mut connection = ws.accept().await;
    connection.answer("180 Ringing").await;
    udp.answer("180 Ringing").await;
    for _ in 0..2 {
        front.fact("ringing", |_, fact| matches!(fact, Fact::Progress(_)).then_some(())).await;
    }
    let begun = Instant::now();
    front.command(Command::Quit).await;
    front.stopped().await;
    let took = begun.elapsed();
    assert!(took > Duration::from_millis(1500), "it gave the peers a chance: {took:?}");
    assert!(took < Duration::from_secs(4), "it is bounded: {took:?}");
}

#[tokio::test]
async fn what_is_wished_after_quit_is_refused() {
    let peer = UdpPeer::new().await;
    let mut front = Front::new();
    front.send(request(Method::Invite), &peer.server).await;
    peer.answer("180 Ringing").await;
    front.fact("ringing", |_, fact| matches!(fact, Fact::Progress(_)).then_some(())).await;
    front.command(Command::Quit).await;
    front.send(request(Method::Options), &peer.server).await;
    assert_eq!(front.refusal().await, (None, "sipboard is leaving: nothing new is sent".into()));
    front.stopped().await;
}

#[tokio::test]
async fn the_engine_ends_with_its_front_end() {
    let peer = UdpPeer::new().await;
    for drops_events in [false, true] {
        let mut front = Front::new();
        front.send(request(Method::Invite), &peer.server).await;
        peer.answer("180 Ringing").await;
        front.fact("ringing", |_, fact| matches!(fact, Fact::Progress(_)).then_some(())).await;
        let sipboard::engine::Engine { commands, mut events, task } = front.engine;
        if drops_events {
            drop(events);
            // The commands are still held: it is the events that nobody takes.
            assert_eq!(peer.answer("200 OK").await.0.method(), Some(Method::Cancel));
            in_time(task).await.unwrap();
            drop(commands);
        } else {
            drop(commands);
            assert_eq!(peer.answer("200 OK").await.0.method(), Some(Method::Cancel));
            let mut last = None;
            while let Some(batch) = in_time(events.recv()).await {
                last = batch.last().cloned();
            }
            assert_eq!(last, Some(Event::Stopped));
            in_time(task).await.unwrap();
        }
    }
}
