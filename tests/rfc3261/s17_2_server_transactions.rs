//! §17.2: server transactions, every timer on both kinds of transport.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use sipboard::sip::{
    Incoming, Message, ServerTransactionId, ServerTransactions, StatusCode, TimedOut, Timer,
    Timing, Transport,
};

use crate::{
    scripted::PATIENCE,
    simulation::{FLOW, ms},
};

const RELIABLE: Transport = Transport::Tcp;
const UNRELIABLE: Transport = Transport::Udp;

/// The server transactions of one user agent and the time.
struct Server {
    set: ServerTransactions,
    transport: Transport,
    start: Instant,
    now: Instant,
}

impl Server {
    fn new(transport: Transport) -> Server {
        let now = Instant::now();
        let set = ServerTransactions::new(Timing::default(), 100);
        Server { set, transport, start: now, now }
    }

    fn receive(&mut self, method: &str, branch: &str) -> Incoming {
        self.receive_from(method, &format!("192.0.2.2:5060;branch={branch}"), "<sip:b@b>")
    }

    fn receive_from(&mut self, method: &str, via: &str, to: &str) -> Incoming {
        let text = format!(
            "{method} sip:b@b SIP/2.0\r\nVia: SIP/2.0/UDP {via}\r\nFrom: <sip:a@a>;tag=f\r\n\
             To: {to}\r\nCall-ID: c\r\nCSeq: 1 {method}\r\n\r\n"
        );
        let source: SocketAddr = "192.0.2.2:5060".parse().unwrap();
        let message = Message::read(Bytes::from(text)).unwrap();
        self.set.receive(self.now, FLOW, self.transport, source, &message)
    }

    /// A new request.
    fn begun(transport: Transport, method: &str) -> (Server, ServerTransactionId) {
        let mut server = Server::new(transport);
        match server.receive(method, "z9hG4bK1") {
            Incoming::New(id) => (server, id),
            other => panic!("{other:?}"),
        }
    }

    /// A request that was answered.
    fn answered(transport: Transport, method: &str, status: u16) -> (Server, ServerTransactionId) {
        let (mut server, id) = Server::begun(transport, method);
        assert!(server.respond(id, status));
        (server, id)
    }

    /// Whether the response goes out.
    fn respond(&mut self, id: ServerTransactionId, status: u16) -> bool {
        let status = StatusCode::new(status).unwrap();
        let bytes = Bytes::from(status.to_string());
        self.set.respond(self.now, id, status, bytes).is_some()
    }

    /// Lets time go on; what the timers did, and when in milliseconds from the start.
    fn run(&mut self, time: Duration) -> Vec<(u128, &'static str)> {
        let end = self.now + time;
        let mut done = Vec::new();
        while let Some(at) = self.set.next_timeout().filter(|at| *at <= end) {
            self.now = at;
            while let Some(timed_out) = self.set.handle_timeout(at) {
                let what = match timed_out {
                    TimedOut::Retransmit(..) => "again",
                    TimedOut::NoAck(_) => "no ACK",
                    TimedOut::Terminated(..) => "over",
                };
                done.push(((at - self.start).as_millis(), what));
            }
        }
        self.now = end;
        done
    }

    fn timers(&self, id: ServerTransactionId) -> Vec<Timer> {
        let timers = self.set.transaction(id).map(|transaction| transaction.timers());
        timers.into_iter().flatten().flatten().map(|(timer, _)| timer).collect()
    }
}

#[test]
fn s17_2_1_a_retransmitted_invite_gets_the_last_provisional_again() {
    let (mut server, id) = Server::begun(UNRELIABLE, "INVITE");
    assert_eq!(server.receive("INVITE", "z9hG4bK1"), Incoming::Absorbed(id));
    server.respond(id, 100);
    server.respond(id, 180);
    match server.receive("INVITE", "z9hG4bK1") {
        Incoming::Retransmit(_, transmit) => assert_eq!(transmit.bytes, "180"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn s17_2_1_timer_g_repeats_a_rejection_at_t1_doubled_up_to_t2() {
    let (mut server, id) = Server::answered(UNRELIABLE, "INVITE", 486);
    assert_eq!(server.timers(id), [Timer::G, Timer::H]);
    let times: Vec<u128> = server.run(Duration::from_secs(16)).iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [500, 1500, 3500, 7500, 11_500, 15_500]);
}

#[test]
fn s17_2_1_timer_g_does_not_run_on_a_reliable_transport() {
    let (mut server, id) = Server::answered(RELIABLE, "INVITE", 486);
    assert_eq!(server.timers(id), [Timer::H]);
    assert_eq!(server.run(PATIENCE), [(32_000, "no ACK")]);
}

#[test]
fn s17_2_1_timer_h_ends_the_wait_for_the_ack_after_64_t1() {
    let (mut server, _) = Server::answered(UNRELIABLE, "INVITE", 486);
    assert_eq!(server.run(PATIENCE).last(), Some(&(32_000, "no ACK")));
    assert!(server.set.is_empty());
}

#[test]
fn s17_2_1_the_ack_stops_timer_g_and_timer_i_absorbs_further_acks_for_t4() {
    let (mut server, id) = Server::answered(UNRELIABLE, "INVITE", 486);
    assert_eq!(server.receive("ACK", "z9hG4bK1"), Incoming::Acked(id));
    assert_eq!(server.timers(id), [Timer::I]);
    assert_eq!(server.receive("ACK", "z9hG4bK1"), Incoming::Absorbed(id));
    assert_eq!(server.run(PATIENCE), [(5000, "over")]);
}

#[test]
fn s17_2_1_timer_i_is_zero_on_a_reliable_transport() {
    let (mut server, _) = Server::answered(RELIABLE, "INVITE", 486);
    server.receive("ACK", "z9hG4bK1");
    assert!(server.set.is_empty());
}

#[test]
fn s17_2_1_a_retransmitted_invite_gets_the_rejection_again() {
    let (mut server, _) = Server::answered(UNRELIABLE, "INVITE", 486);
    let again = server.receive("INVITE", "z9hG4bK1");
    assert!(matches!(again, Incoming::Retransmit(_, transmit) if transmit.bytes == "486"));
}

#[test]
fn s17_2_1_after_a_rejection_no_other_response_goes_out() {
    let (mut server, id) = Server::answered(UNRELIABLE, "INVITE", 486);
    for status in [180, 200, 486] {
        assert!(!server.respond(id, status), "{status}");
    }
}

#[test]
fn s17_2_2_a_retransmitted_request_in_trying_is_discarded() {
    let (mut server, id) = Server::begun(UNRELIABLE, "OPTIONS");
    assert_eq!(server.receive("OPTIONS", "z9hG4bK1"), Incoming::Absorbed(id));
}

#[test]
fn s17_2_2_a_retransmitted_request_gets_the_last_response_again() {
    let (mut server, id) = Server::answered(UNRELIABLE, "OPTIONS", 100);
    for status in ["100", "200"] {
        server.respond(id, status.parse().unwrap());
        let again = server.receive("OPTIONS", "z9hG4bK1");
        assert!(matches!(again, Incoming::Retransmit(_, transmit) if transmit.bytes == status));
    }
}

#[test]
fn s17_2_2_timer_j_holds_the_response_64_t1_on_udp() {
    let (mut server, id) = Server::answered(UNRELIABLE, "OPTIONS", 200);
    assert_eq!(server.timers(id), [Timer::J]);
    assert_eq!(server.run(PATIENCE), [(32_000, "over")]);
}

#[test]
fn s17_2_2_timer_j_is_zero_on_a_reliable_transport() {
    let (server, _) = Server::answered(RELIABLE, "OPTIONS", 200);
    assert!(server.set.is_empty());
}

#[test]
fn s17_2_2_after_the_final_response_no_other_goes_out() {
    let (mut server, id) = Server::answered(UNRELIABLE, "OPTIONS", 200);
    for status in [100, 200, 486] {
        assert!(!server.respond(id, status), "{status}");
    }
}

#[test]
fn s17_2_3_branch_sent_by_and_method_make_the_transaction() {
    let (mut server, id) = Server::begun(UNRELIABLE, "OPTIONS");
    assert_eq!(server.receive("OPTIONS", "z9hG4bK1"), Incoming::Absorbed(id));
    assert!(matches!(server.receive("OPTIONS", "z9hG4bK2"), Incoming::New(_)));
    assert!(matches!(server.receive("INFO", "z9hG4bK1"), Incoming::New(_)));
    let other = server.receive_from("OPTIONS", "192.0.2.9:5060;branch=z9hG4bK1", "<sip:b@b>");
    assert!(matches!(other, Incoming::New(_)), "another sent-by");
}

#[test]
fn s17_2_3_an_ack_has_the_method_of_its_invite() {
    let (mut server, id) = Server::answered(UNRELIABLE, "INVITE", 486);
    let via = "192.0.2.2:5060;branch=z9hG4bK1";
    assert_eq!(server.receive_from("ACK", via, "<sip:b@b>;tag=t"), Incoming::Acked(id));
}

#[test]
fn s17_2_3_a_branch_without_the_magic_cookie_is_not_enough() {
    let mut server = Server::new(UNRELIABLE);
    let via = "192.0.2.2:5060;branch=1";
    let Incoming::New(id) = server.receive_from("BYE", via, "<sip:b@b>;tag=t") else { panic!() };
    assert_eq!(server.receive_from("BYE", via, "<sip:b@b>;tag=t"), Incoming::Absorbed(id));
    assert!(matches!(server.receive_from("BYE", via, "<sip:b@b>;tag=u"), Incoming::New(_)));
}

#[test]
fn s17_2_3_an_ack_without_the_magic_cookie_finds_its_invite() {
    let mut server = Server::new(UNRELIABLE);
    let via = "192.0.2.2:5060;branch=1";
    let Incoming::New(id) = server.receive_from("INVITE", via, "<sip:b@b>") else { panic!() };
    server.respond(id, 486);
    assert_eq!(server.receive_from("ACK", via, "<sip:b@b>;tag=t"), Incoming::Acked(id));
}

#[test]
fn s17_2_4_a_transaction_that_is_given_up_leaves_nothing() {
    let (mut server, id) = Server::answered(UNRELIABLE, "INVITE", 486);
    server.set.forget(id);
    assert_eq!((server.set.len(), server.set.next_timeout()), (0, None));
    assert_eq!(server.run(ms(100_000)), []);
}
