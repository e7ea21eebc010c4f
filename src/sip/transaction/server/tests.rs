//! Server transactions in virtual time.

use super::*;

const TRYING: StatusCode = StatusCode::TRYING;
const OK: StatusCode = StatusCode::OK;
const TERMINATED: StatusCode = StatusCode::REQUEST_TERMINATED;

fn bytes(status: StatusCode) -> Bytes {
    Bytes::from(status.to_string())
}

/// A transaction and its virtual time.
struct Bench {
    start: Instant,
    now: Instant,
    transaction: ServerTransaction,
}

impl Bench {
    fn new(method: Method, reliable: bool) -> Bench {
        let start = Instant::now();
        let transaction = ServerTransaction::new(&method, reliable, Timing::default());
        Bench { start, now: start, transaction }
    }

    fn respond(&mut self, status: StatusCode) -> bool {
        let sent = self.transaction.respond(self.now, status, bytes(status));
        assert!(sent.is_none() || sent == Some(bytes(status)));
        sent.is_some()
    }

    fn receive(&mut self, method: Method) -> ServerReceived {
        self.transaction.handle_request(self.now, &method)
    }

    /// Runs until no timer is left; what happened, in milliseconds from the start.
    fn run(&mut self) -> Vec<(u128, ServerTimeout)> {
        let mut log = Vec::new();
        while let Some(at) = self.transaction.next_timeout() {
            assert!(at >= self.now, "a deadline in the past");
            self.now = at;
            match self.transaction.handle_timeout(at) {
                ServerTimeout::Nothing => panic!("woken for nothing"),
                fired => log.push(((at - self.start).as_millis(), fired)),
            }
        }
        assert!(self.transaction.is_terminated());
        log
    }
}

#[test]
fn a_rejection_is_repeated_by_timer_g_until_timer_h_gives_up() {
    let mut bench = Bench::new(Method::Invite, false);
    assert!(bench.respond(TERMINATED));
    let log = bench.run();
    let times: Vec<u128> = log.iter().map(|(at, _)| *at).collect();
    // Doubled from T1 up to T2, then every T2 (RFC 3261 §17.2.1).
    assert_eq!(times, [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500, 32000]);
    let (last, repeats) = log.split_last().unwrap();
    assert_eq!(last.1, ServerTimeout::NoAck);
    assert!(repeats.iter().all(|(_, what)| *what == ServerTimeout::Retransmit(bytes(TERMINATED))));
}

#[test]
fn on_a_reliable_transport_a_rejection_is_sent_once() {
    let mut bench = Bench::new(Method::Invite, true);
    assert!(bench.respond(TERMINATED));
    assert_eq!(bench.run(), [(32_000, ServerTimeout::NoAck)]);
}

#[test]
fn the_ack_ends_the_repeats_and_timer_i_absorbs_its_copies() {
    let mut bench = Bench::new(Method::Invite, false);
    bench.respond(TERMINATED);
    bench.now += Duration::from_millis(100);
    assert_eq!(bench.receive(Method::Ack), ServerReceived::Acked);
    assert_eq!(bench.receive(Method::Ack), ServerReceived::Absorbed);
    assert_eq!(bench.receive(Method::Invite), ServerReceived::Absorbed);
    assert_eq!(bench.transaction.timers()[0].unwrap().0, Timer::I);
    assert_eq!(bench.run(), [(5_100, ServerTimeout::Terminated(Timer::I))]);

    let mut reliable = Bench::new(Method::Invite, true);
    reliable.respond(TERMINATED);
    assert_eq!(reliable.receive(Method::Ack), ServerReceived::Acked);
    assert!(reliable.transaction.is_terminated());
}

#[test]
fn a_repeated_invite_gets_the_last_provisional_again() {
    let mut bench = Bench::new(Method::Invite, false);
    assert_eq!(bench.receive(Method::Invite), ServerReceived::Absorbed);
    for status in [TRYING, StatusCode::RINGING] {
        assert!(bench.respond(status));
        assert_eq!(bench.receive(Method::Invite), ServerReceived::Retransmit(bytes(status)));
    }
    assert_eq!(bench.transaction.timers(), [None, None]);
    assert_eq!(bench.receive(Method::Ack), ServerReceived::Absorbed);
}

#[test]
fn a_repeated_invite_gets_the_rejection_again_before_the_ack() {
    let mut bench = Bench::new(Method::Invite, false);
    bench.respond(TERMINATED);
    assert_eq!(bench.receive(Method::Invite), ServerReceived::Retransmit(bytes(TERMINATED)));
}

#[test]
fn after_a_2xx_further_2xx_pass_and_invites_are_absorbed_until_timer_l() {
    for reliable in [false, true] {
        let mut bench = Bench::new(Method::Invite, reliable);
        assert!(bench.respond(OK));
        assert!(!bench.transaction.is_pending());
        assert!(bench.respond(OK), "a retransmission or another leg passes");
        assert!(!bench.respond(TERMINATED), "the outcome stands");
        assert!(!bench.respond(StatusCode::RINGING));
        assert_eq!(bench.receive(Method::Invite), ServerReceived::Absorbed);
        assert_eq!(bench.receive(Method::Ack), ServerReceived::AckForSuccess);
        assert_eq!(bench.transaction.timers()[0].unwrap().0, Timer::L);
        assert_eq!(bench.run(), [(32_000, ServerTimeout::Terminated(Timer::L))]);
    }
}

#[test]
fn a_non_invite_answers_copies_with_its_last_response_until_timer_j() {
    let mut bench = Bench::new(Method::Options, false);
    assert_eq!(bench.receive(Method::Options), ServerReceived::Absorbed);
    assert!(bench.respond(TRYING));
    assert_eq!(bench.receive(Method::Options), ServerReceived::Retransmit(bytes(TRYING)));
    assert!(bench.respond(OK));
    assert!(!bench.respond(TERMINATED), "RFC 3261 §17.2.2: later finals are discarded");
    assert_eq!(bench.receive(Method::Options), ServerReceived::Retransmit(bytes(OK)));
    assert_eq!(bench.transaction.timers()[0].unwrap().0, Timer::J);
    assert_eq!(bench.run(), [(32_000, ServerTimeout::Terminated(Timer::J))]);
}

#[test]
fn on_a_reliable_transport_a_non_invite_is_over_with_its_final_response() {
    let mut bench = Bench::new(Method::Message, true);
    assert!(bench.respond(OK));
    assert!(bench.transaction.is_terminated());
    assert!(!bench.respond(OK));
}

#[test]
fn a_late_wake_up_does_not_make_a_burst() {
    let mut bench = Bench::new(Method::Invite, false);
    bench.respond(TERMINATED);
    let late = bench.now + Duration::from_secs(10);
    assert!(matches!(bench.transaction.handle_timeout(late), ServerTimeout::Retransmit(_)));
    assert_eq!(bench.transaction.handle_timeout(late), ServerTimeout::Nothing);
}
