//! The INVITE client transaction (RFC 3261 §17.1.1 with RFC 6026).

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;

use crate::sip::{
    event::Timer,
    status::StatusCode,
    transaction::{
        ResponseOutcome, TimeoutOutcome, Timing,
        client::{Retransmit, running},
    },
};

/// An INVITE on its way.
#[derive(Debug)]
pub struct InviteClient {
    request: Bytes,
    attempts: u32,
    reliable: bool,
    /// The code of the last provisional; 0 before the first. Small: very many wait.
    progress: u16,
    /// Shared: it is the same for very many.
    timing: Arc<Timing>,
    state: State,
}

/// ```text
///             ┌── A: send again ──┐
///             ▼                   │
///          Calling ───────────────┘
///     1xx ╱   │  ╲ B, transport error
///        ╱    │   ╲──────────────────────────► Terminated
///  Proceeding │                                 ▲  ▲
///       │  ╲  │ 300–699: ACK                    │  │
///   2xx │   ╲─┴────────► Completed ── D ────────┘  │
///       ▼                (absorbs and ACKs again)  │
///    Accepted ── M ────────────────────────────────┘
///    (every 2xx goes up)
///
///  Proceeding ── its connection is gone ─► Forsaken ── 64·T1 ─► Terminated
///                                              ├─ 300–699: ACK ─► Completed
///                                              └─ 2xx ─► Accepted
/// ```
#[derive(Debug)]
enum State {
    Calling {
        retransmit: Option<Retransmit>,
        timeout: Instant,
    },
    Proceeding,
    /// It has failed, but the peer has it: a final response may still come (RFC 3261 §13.2.2.4).
    Forsaken {
        until: Instant,
    },
    Completed {
        until: Instant,
    },
    Accepted {
        until: Instant,
    },
    Terminated,
}

impl InviteClient {
    /// A transaction whose request is sent for the first time at `now`.
    pub fn new(
        now: Instant,
        request: Bytes,
        reliable: bool,
        timing: impl Into<Arc<Timing>>,
    ) -> InviteClient {
        // RFC 3261 §17.1.1.2: Timer A is for unreliable transports, Timer B for all.
        let timing = timing.into();
        let retransmit = Retransmit::start(now, reliable, &timing);
        let timeout = now + timing.patience();
        InviteClient {
            request,
            attempts: 1,
            reliable,
            progress: 0,
            timing,
            state: State::Calling { retransmit, timeout },
        }
    }

    /// The request as it was sent.
    pub fn request(&self) -> &Bytes {
        &self.request
    }

    /// How often it has been sent.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How often it will be sent again, if nothing comes. Timer A doubles without a cap, so the
    /// INVITE goes out at (2^k − 1)·T1 until Timer B at 64·T1: seven times in all. A provisional
    /// stops it.
    pub fn attempts_left(&self) -> u32 {
        match self.state {
            State::Calling { retransmit: Some(retransmit), timeout } => {
                retransmit.left(Duration::MAX, timeout)
            }
            _ => 0,
        }
    }

    /// A response with this branch and CSeq method came.
    pub fn handle_response(&mut self, now: Instant, status: StatusCode) -> ResponseOutcome {
        match self.state {
            State::Calling { .. } | State::Proceeding => self.respond_while_pending(now, status),
            State::Forsaken { .. } if status.is_final() => {
                let outcome = self.respond_while_pending(now, status);
                if status.is_success() { outcome } else { ResponseOutcome::Absorb }
            }
            State::Completed { .. } if status.is_final() && !status.is_success() => {
                ResponseOutcome::Absorb
            }
            // RFC 6026 §8.4: every 2xx goes up, from every fork.
            State::Accepted { .. } if status.is_success() => ResponseOutcome::Deliver,
            State::Completed { .. }
            | State::Forsaken { .. }
            | State::Accepted { .. }
            | State::Terminated => ResponseOutcome::Ignore,
        }
    }

    /// Its connection is gone, or its CANCEL goes out after that: the final response of the peer, who
    /// has it, is waited for, for 64·T1 from now (RFC 3261 §9.1). Gives whether the peer has it.
    pub fn forsake(&mut self, now: Instant) -> bool {
        let has_it = matches!(self.state, State::Proceeding | State::Forsaken { .. });
        if has_it {
            self.state = State::Forsaken { until: now + self.timing.patience() };
        }
        has_it
    }

    /// Whether it has failed with its connection, and its final response is waited for.
    pub fn is_forsaken(&self) -> bool {
        matches!(self.state, State::Forsaken { .. })
    }

    /// The last provisional, where that is all that has come.
    pub fn progress(&self) -> Option<StatusCode> {
        let is_pending = matches!(self.state, State::Proceeding | State::Forsaken { .. });
        StatusCode::new(self.progress).filter(|_| is_pending)
    }

    fn respond_while_pending(&mut self, now: Instant, status: StatusCode) -> ResponseOutcome {
        self.state = if status.is_provisional() {
            self.progress = status.code();
            State::Proceeding
        } else if status.is_success() {
            // RFC 6026 §7.1: Timer M is 64·T1.
            State::Accepted { until: now + self.timing.patience() }
        } else if self.reliable {
            // RFC 3261 §17.1.1.2: Timer D is zero on reliable transports.
            State::Terminated
        } else {
            State::Completed { until: now + self.timer_d() }
        };
        ResponseOutcome::Deliver
    }

    /// At least 32 s, and as long as the peer's Timer H (RFC 3261 §17.1.1.2).
    fn timer_d(&self) -> Duration {
        self.timing.patience().max(Duration::from_secs(32))
    }

    /// Time has come to one of [`InviteClient::timers`].
    pub fn handle_timeout(&mut self, now: Instant) -> TimeoutOutcome {
        match &mut self.state {
            State::Calling { timeout, .. } if *timeout <= now => {
                self.state = State::Terminated;
                TimeoutOutcome::TimedOut(Timer::B)
            }
            State::Calling { retransmit: Some(retransmit), .. } if retransmit.at <= now => {
                // RFC 3261 §17.1.1.2: Timer A doubles each time, measured from when it fired.
                retransmit.again(now, retransmit.interval.saturating_mul(2));
                self.attempts += 1;
                TimeoutOutcome::Retransmit
            }
            State::Completed { until } if *until <= now => {
                self.state = State::Terminated;
                TimeoutOutcome::Terminated(Timer::D)
            }
            State::Accepted { until } if *until <= now => {
                self.state = State::Terminated;
                TimeoutOutcome::Terminated(Timer::M)
            }
            State::Forsaken { until } if *until <= now => {
                self.state = State::Terminated;
                TimeoutOutcome::Terminated(Timer::CancelWait)
            }
            _ => TimeoutOutcome::Nothing,
        }
    }

    /// The timers that run, the next one first.
    pub fn timers(&self) -> [Option<(Timer, Instant)>; 2] {
        match self.state {
            State::Calling { retransmit, timeout } => {
                running(retransmit.map(|retransmit| (Timer::A, retransmit.at)), (Timer::B, timeout))
            }
            State::Completed { until } => [Some((Timer::D, until)), None],
            State::Accepted { until } => [Some((Timer::M, until)), None],
            State::Forsaken { until } => [Some((Timer::CancelWait, until)), None],
            State::Proceeding | State::Terminated => [None, None],
        }
    }

    /// Whether nothing has come yet.
    pub fn is_calling(&self) -> bool {
        matches!(self.state, State::Calling { .. })
    }

    /// When it was begun, as long as nothing has come.
    pub fn unanswered_since(&self) -> Option<Instant> {
        match self.state {
            State::Calling { timeout, .. } => timeout.checked_sub(self.timing.patience()),
            _ => None,
        }
    }

    /// Whether it has done its work.
    pub fn is_terminated(&self) -> bool {
        matches!(self.state, State::Terminated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Timing = Timing {
        t1: Duration::from_millis(500),
        t2: Duration::from_secs(4),
        t4: Duration::from_secs(5),
    };

    fn status(code: u16) -> StatusCode {
        StatusCode::new(code).unwrap()
    }

    #[test]
    fn timer_a_doubles_without_cap_until_timer_b() {
        let start = Instant::now();
        let mut invite = InviteClient::new(start, Bytes::new(), false, T);
        let mut sent = vec![0.0];
        loop {
            let (_, at) = invite.timers()[0].unwrap();
            assert_eq!(sent.len() as u32 + invite.attempts_left(), 7);
            match invite.handle_timeout(at) {
                TimeoutOutcome::Retransmit => sent.push((at - start).as_secs_f64()),
                TimeoutOutcome::TimedOut(Timer::B) => {
                    assert_eq!(at - start, Duration::from_secs(32));
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(sent, [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]);
        assert_eq!((invite.attempts(), invite.attempts_left()), (7, 0));
        assert!(invite.is_terminated());
    }

    #[test]
    fn a_reliable_transport_has_timer_b_but_no_a_and_no_d() {
        let start = Instant::now();
        let mut invite = InviteClient::new(start, Bytes::new(), true, T);
        assert_eq!(invite.timers(), [Some((Timer::B, start + Duration::from_secs(32))), None]);
        assert_eq!(invite.handle_response(start, status(486)), ResponseOutcome::Deliver);
        assert!(invite.is_terminated());
    }

    #[test]
    fn a_provisional_stops_both_timers() {
        let start = Instant::now();
        let mut invite = InviteClient::new(start, Bytes::new(), false, T);
        assert_eq!(invite.handle_response(start, status(180)), ResponseOutcome::Deliver);
        assert_eq!((invite.timers(), invite.attempts_left()), ([None, None], 0));
        assert_eq!(invite.handle_response(start, status(180)), ResponseOutcome::Deliver);
    }

    #[test]
    fn a_repeated_final_is_absorbed_for_timer_d() {
        let start = Instant::now();
        let mut invite = InviteClient::new(start, Bytes::new(), false, T);
        assert_eq!(invite.handle_response(start, status(486)), ResponseOutcome::Deliver);
        assert_eq!(invite.handle_response(start, status(486)), ResponseOutcome::Absorb);
        assert_eq!(invite.handle_response(start, status(200)), ResponseOutcome::Ignore);
        assert_eq!(invite.handle_response(start, status(180)), ResponseOutcome::Ignore);
        let d = start + Duration::from_secs(32);
        assert_eq!(invite.timers()[0], Some((Timer::D, d)));
        assert_eq!(invite.handle_timeout(d), TimeoutOutcome::Terminated(Timer::D));
    }

    #[test]
    fn every_2xx_goes_up_for_timer_m() {
        let start = Instant::now();
        for reliable in [false, true] {
            let mut invite = InviteClient::new(start, Bytes::new(), reliable, T);
            for _ in 0..3 {
                assert_eq!(invite.handle_response(start, status(200)), ResponseOutcome::Deliver);
            }
            assert_eq!(invite.handle_response(start, status(486)), ResponseOutcome::Ignore);
            let m = start + Duration::from_secs(32);
            assert_eq!(invite.timers()[0], Some((Timer::M, m)));
            assert_eq!(invite.handle_timeout(m), TimeoutOutcome::Terminated(Timer::M));
        }
    }

    #[test]
    fn what_is_forsaken_still_takes_its_final_response_for_64_t1() {
        let start = Instant::now();
        let later = start + Duration::from_secs(3);
        let end = later + T.patience();
        for reliable in [false, true] {
            let new = || InviteClient::new(start, Bytes::new(), reliable, T);
            let mut unheard = new();
            assert!(!unheard.forsake(start), "nobody may have it");
            assert_eq!(unheard.progress(), None);
            let d = (!reliable).then_some(Timer::D);
            for (code, outcome, timer) in [
                (200, ResponseOutcome::Deliver, Some(Timer::M)),
                (183, ResponseOutcome::Ignore, Some(Timer::CancelWait)),
                (487, ResponseOutcome::Absorb, d),
            ] {
                let mut ringing = new();
                ringing.handle_response(start, status(180));
                assert_eq!(ringing.progress(), Some(status(180)));
                assert!(ringing.forsake(start));
                assert_eq!(ringing.timers()[0], Some((Timer::CancelWait, start + T.patience())));
                assert!(ringing.forsake(later), "its CANCEL goes out");
                assert!(!ringing.is_calling(), "no transport error fails it once more");
                assert_eq!(ringing.timers()[0], Some((Timer::CancelWait, end)));
                assert_eq!(ringing.handle_response(later, status(code)), outcome);
                assert_eq!(ringing.timers()[0].map(|(timer, _)| timer), timer, "{code}");
                assert_eq!(ringing.is_forsaken(), code == 183);
                let expected = match timer {
                    None => TimeoutOutcome::Nothing,
                    Some(timer) => TimeoutOutcome::Terminated(timer),
                };
                assert_eq!(ringing.handle_timeout(end), expected);
                assert!(ringing.is_terminated());
            }
        }
    }
}
