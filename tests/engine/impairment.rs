//! Messages that are dropped, doubled, held back and corrupted on purpose, and how that is told.

use std::time::Duration;

use bytes::Bytes;
use sipboard::{
    engine::{Command, Event, Impairments},
    sip::{self, Deed, Direction, Fact, Impaired, Method, Timing},
};

use crate::support::{Front, UdpPeer, WsPeer, in_time, request, response};

fn quick() -> Timing {
    Timing { t1: Duration::from_millis(25), ..Timing::default() }
}

impl Front {
    /// Impairs, and waits until it holds.
    async fn impair(&mut self, rules: &str) {
        self.command(Command::Impair(rules.parse().unwrap())).await;
        self.impairing().await;
    }

    async fn impairing(&mut self) -> Impairments {
        self.find("impairments", |event| match event {
            Event::Impairing { impairments, .. } => Some(impairments.clone()),
            _ => None,
        })
        .await
    }

    async fn impaired(&mut self) -> Impaired {
        self.fact("mark", |_, fact| match fact {
            Fact::Impaired(impaired) => Some((**impaired).clone()),
            _ => None,
        })
        .await
    }

    /// What happened to contexts, in short words.
    fn facts(&self) -> Vec<String> {
        let word = |event: &Event| match event {
            Event::Sip(sip::Event::Context(event)) => match &event.fact {
                Fact::Impaired(impaired) => Some(impaired.what()),
                fact => fact.name().map(|name| format!("{} {name}", event.method)),
            },
            _ => None,
        };
        self.log.iter().filter_map(word).collect()
    }
}

#[tokio::test]
async fn what_is_dropped_on_its_way_out_is_sent_again_and_each_loss_is_told_behind_its_copy() {
    let (mut front, peer) = (Front::with(quick()), UdpPeer::new().await);
    front.impair("out drop first=3 method=OPTIONS").await;
    front.send(request(Method::Options), &peer.server).await;
    peer.answer("200 OK").await;
    front.ended().await;
    let facts = front.facts();
    let lost = ["OPTIONS retransmitted", "OPTIONS dropped"];
    let mut expected = vec!["OPTIONS sent", "OPTIONS dropped"];
    expected.extend(lost.iter().chain(&lost));
    expected.extend(["OPTIONS retransmitted", "OPTIONS accepted", "OPTIONS ended"]);
    assert_eq!(facts, expected);
    front.quit().await;
}

#[tokio::test]
async fn what_is_dropped_on_its_way_in_has_come_and_changed_nothing() {
    let (mut front, peer) = (Front::with(quick()), UdpPeer::new().await);
    front.impair("in drop status=1xx; seed=5").await;
    front.send(request(Method::Invite), &peer.server).await;
    let (invite, from) = peer.take().await;
    for status in ["180 Ringing", "486 Busy Here"] {
        peer.socket.send_to(&response(&invite, status), from).await.unwrap();
    }
    front.ended().await;
    let facts = front.facts();
    assert!(facts.contains(&"180 Ringing dropped".to_owned()), "{facts:?}");
    assert!(!facts.contains(&"INVITE progress".to_owned()), "{facts:?}");
    front.quit().await;
}

#[tokio::test]
async fn every_message_of_a_call_finds_its_context_the_acks_too() {
    for (status, of) in [("486 Busy Here", "a rejection"), ("200 OK", "a 2xx")] {
        let (mut front, peer) = (Front::with(quick()), UdpPeer::new().await);
        front.impair("out drop first=1 method=ACK").await;
        front.send(request(Method::Invite), &peer.server).await;
        let (invite, from) = peer.answer(status).await;
        let mark = front.impaired().await;
        assert_eq!((mark.what(), mark.deed), ("ACK dropped".to_owned(), Deed::Dropped), "{of}");
        assert_eq!(mark.direction, Direction::Out);
        // It comes again, as after any loss, and is acknowledged again.
        peer.socket.send_to(&response(&invite, status), from).await.unwrap();
        loop {
            let (message, _) = peer.take().await;
            if message.method() == Some(Method::Ack) {
                break;
            }
        }
        drop(front);
    }
}

#[tokio::test]
async fn on_a_connection_what_is_dropped_is_never_handed_to_it() {
    let (mut front, peer) = (Front::with(quick()), WsPeer::new().await);
    front.impair("out drop first=1 transport=ws").await;
    front.send(request(Method::Options), &peer.server).await;
    let mut connection = peer.accept().await;
    // WebSocket loses nothing, so nothing is sent again (RFC 3261 §17.1.2.2): Timer F ends it.
    assert_eq!(front.ended().await.1, "Request Timeout");
    front.send(request(Method::Message), &peer.server).await;
    let first = connection.answer("200 OK").await;
    assert_eq!(first.method(), Some(Method::Message));
    front.quit().await;
}

#[tokio::test]
async fn what_is_held_back_is_told_when_it_is_and_again_when_it_goes() {
    let (mut front, peer) = (Front::new(), UdpPeer::new().await);
    front.impair("out delay 50ms method=OPTIONS").await;
    front.send(request(Method::Options), &peer.server).await;
    let wanted = Duration::from_millis(50);
    assert_eq!(front.impaired().await.deed, Deed::Held(wanted));
    peer.answer("200 OK").await;
    let Deed::Left(after) = front.impaired().await.deed else { panic!("{:#?}", front.story()) };
    assert!(after >= wanted, "{after:?}");
    front.ended().await;
    front.quit().await;
}

#[tokio::test]
async fn a_doubled_response_comes_twice_and_a_doubled_request_goes_twice() {
    let (mut front, peer) = (Front::new(), UdpPeer::new().await);
    front.impair("duplicate").await;
    front.send(request(Method::Invite), &peer.server).await;
    let (first, _) = peer.take().await;
    let (second, from) = peer.take().await;
    assert_eq!(first.bytes(), second.bytes());
    peer.socket.send_to(&response(&first, "486 Busy Here"), from).await.unwrap();
    let count = front
        .fact("the second copy", |_, fact| match fact {
            Fact::Absorbed { count, .. } => Some(*count),
            _ => None,
        })
        .await;
    assert_eq!(count, 1);
    front.quit().await;
}

#[tokio::test]
async fn reordered_messages_swap_their_places() {
    let (mut front, peer) = (Front::new(), UdpPeer::new().await);
    front.impair("out reorder 20s first=1").await;
    front.send(request(Method::Options), &peer.server).await;
    front.impaired().await;
    front.send(request(Method::Message), &peer.server).await;
    let order = [peer.answer("200 OK").await.0, peer.answer("200 OK").await.0];
    assert_eq!(order.map(|m| m.method()), [Some(Method::Message), Some(Method::Options)]);
    front.ended().await;
    front.ended().await;
    front.quit().await;
}

#[tokio::test]
async fn a_corrupted_response_is_told_as_it_came_and_taken_as_it_was_made() {
    let (mut front, peer) = (Front::with(quick()), UdpPeer::new().await);
    front.impair("in corrupt first=1; seed=3").await;
    front.send(request(Method::Options), &peer.server).await;
    let (asked, from) = peer.take().await;
    let answer = response(&asked, "200 OK");
    peer.socket.send_to(&answer, from).await.unwrap();
    let mark = front.impaired().await;
    assert_eq!(mark.message, answer);
    let Deed::Corrupted { offset, from: was, to } = mark.deed else { panic!("{mark:?}") };
    assert_eq!(answer[offset], was);
    assert_ne!(was, to);
    front.quit().await;
}

#[tokio::test]
async fn what_belongs_to_no_context_is_told_all_the_same() {
    let (mut front, peer) = (Front::new(), UdpPeer::new().await);
    front.send(request(Method::Options), &peer.server).await;
    let (_, from) = peer.answer("200 OK").await;
    front.ended().await;
    front.impair("in drop").await;
    let stranger = Bytes::from_static(b"OPTIONS sip:x@y.test SIP/2.0\r\nCSeq: 1 OPTIONS\r\n\r\n");
    peer.socket.send_to(&stranger, from).await.unwrap();
    let told = front
        .find("the log's mark", |event| match event {
            Event::Impaired { impaired, .. } => Some(impaired.what()),
            _ => None,
        })
        .await;
    assert_eq!(told, "OPTIONS dropped");
    front.quit().await;
}

#[tokio::test]
async fn it_is_switched_on_and_off_and_told_with_its_seed() {
    let (mut front, peer) = (Front::with(quick()), UdpPeer::new().await);
    front.command(Command::Impair("out drop; seed=42".parse().unwrap())).await;
    assert_eq!(front.impairing().await.to_string(), "out drop; seed=42");
    front.send(request(Method::Options), &peer.server).await;
    assert_eq!(front.ended().await.1, "Request Timeout");
    front.command(Command::Impair("out drop".parse().unwrap())).await;
    assert!(front.impairing().await.seed.is_some(), "one is picked");
    front.command(Command::Impair(Impairments::default())).await;
    assert!(front.impairing().await.is_empty());
    front.send(request(Method::Message), &peer.server).await;
    assert_eq!(peer.answer("200 OK").await.0.method(), Some(Method::Message));
    front.ended().await;
    front.quit().await;
}

#[tokio::test]
async fn leaving_waits_for_what_is_held_back_but_not_for_long() {
    let (mut front, peer) = (Front::new(), UdpPeer::new().await);
    front.impair("out delay 300ms method=ACK").await;
    front.send(request(Method::Invite), &peer.server).await;
    peer.answer("486 Busy Here").await;
    front.ended().await;
    front.command(Command::Quit).await;
    let (last, _) = peer.take().await;
    assert_eq!(last.method(), Some(Method::Ack));
    in_time(front.stopped()).await;
}
