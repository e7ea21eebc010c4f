use std::time::Duration;

use super::*;

const FLOW: FlowId = FlowId(7);

fn source() -> SocketAddr {
    "127.0.0.1:40000".parse().unwrap()
}

fn request(method: &str, branch: u32) -> Message {
    Message::read(Bytes::from(format!(
        "{method} sip:bob@b.test SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5062;branch=z9hG4bK{branch}\r\n\
         From: <sip:a@a.test>;tag=f\r\nTo: <sip:bob@b.test>\r\nCall-ID: c\r\nCSeq: 1 {method}\r\n\r\n"
    )))
    .unwrap()
}

fn receive(set: &mut ServerTransactions, now: Instant, request: &Message) -> Incoming {
    set.receive(now, FLOW, Transport::Udp, source(), request)
}

#[test]
fn a_request_is_new_once_and_its_copies_get_its_answer() {
    let now = Instant::now();
    let mut set = ServerTransactions::new(Timing::default(), 10);
    let options = request("OPTIONS", 1);
    let Incoming::New(id) = receive(&mut set, now, &options) else { panic!() };
    assert_eq!(receive(&mut set, now, &options), Incoming::Absorbed(id));
    let answer = set.respond(now, id, StatusCode::OK, Bytes::from_static(b"200")).unwrap();
    // No rport: the port of the sent-by (RFC 3261 §18.2.2).
    assert_eq!(answer.to, Some("127.0.0.1:5062".parse().unwrap()));
    assert_eq!(receive(&mut set, now, &options), Incoming::Retransmit(id, answer));
    let end = set.next_timeout().unwrap();
    assert_eq!(set.handle_timeout(end), Some(TimedOut::Terminated(id, Timer::J)));
    assert_eq!((set.handle_timeout(end), set.next_timeout()), (None, None));
    assert!(set.is_empty() && set.by_key.is_empty());
}

#[test]
fn a_request_that_came_two_ways_is_merged_until_the_first_is_over() {
    let now = Instant::now();
    let mut set = ServerTransactions::new(Timing::default(), 10);
    let (one, other) = (request("OPTIONS", 1), request("OPTIONS", 2));
    let Incoming::New(first) = receive(&mut set, now, &one) else { panic!() };
    let Incoming::New(second) = receive(&mut set, now, &other) else { panic!() };
    assert!(!set.is_merged(first, &one));
    assert!(set.is_merged(second, &other));
    set.forget(first);
    assert!(!set.is_merged(second, &other));
    set.forget(second);
    assert!(set.by_origin.is_empty());
}

#[test]
fn ack_and_cancel_find_their_invite() {
    let now = Instant::now();
    let mut set = ServerTransactions::new(Timing::default(), 10);
    let Incoming::New(id) = receive(&mut set, now, &request("INVITE", 1)) else { panic!() };
    let cancel = request("CANCEL", 1);
    assert!(matches!(receive(&mut set, now, &cancel), Incoming::New(_)));
    assert_eq!(set.cancelled_by(&cancel), Some(id));
    assert_eq!(set.cancelled_by(&request("CANCEL", 2)), None);
    set.respond(now, id, StatusCode::REQUEST_TERMINATED, Bytes::from_static(b"487")).unwrap();
    let later = now + Duration::from_millis(600);
    assert!(matches!(set.handle_timeout(later), Some(TimedOut::Retransmit(i, _)) if i == id));
    assert_eq!(receive(&mut set, later, &request("ACK", 1)), Incoming::Acked(id));
    assert_eq!(receive(&mut set, later, &request("ACK", 2)), Incoming::Ack);
}

#[test]
fn an_answered_request_makes_room_and_an_open_one_does_not() {
    let now = Instant::now();
    let mut set = ServerTransactions::new(Timing::default(), 2);
    let Incoming::New(_) = receive(&mut set, now, &request("OPTIONS", 1)) else { panic!() };
    let Incoming::New(id) = receive(&mut set, now, &request("OPTIONS", 2)) else { panic!() };
    assert!(!set.forget_oldest_answered());
    set.respond(now, id, StatusCode::OK, Bytes::new()).unwrap();
    assert!(set.forget_oldest_answered());
    assert!(set.transaction(id).is_none() && set.answered.is_empty());
    assert_eq!(set.next_timeout(), None);
}

#[test]
fn the_limit_holds_and_deadlines_come_in_order() {
    let now = Instant::now();
    let mut set = ServerTransactions::new(Timing::default(), 3);
    let mut ids = Vec::new();
    for branch in 1..=3 {
        let at = now + Duration::from_millis(branch.into());
        let Incoming::New(id) = receive(&mut set, at, &request("OPTIONS", branch)) else {
            panic!()
        };
        set.respond(at, id, StatusCode::OK, Bytes::new()).unwrap();
        ids.push(id);
    }
    assert_eq!(receive(&mut set, now, &request("OPTIONS", 4)), Incoming::Full);
    assert_eq!(set.answered, ids);
    let end = now + Duration::from_secs(40);
    let gone: Vec<_> = std::iter::from_fn(|| set.handle_timeout(end)).collect();
    assert_eq!(gone, ids.iter().map(|id| TimedOut::Terminated(*id, Timer::J)).collect::<Vec<_>>());
    assert!(matches!(receive(&mut set, end, &request("OPTIONS", 4)), Incoming::New(_)));
}
