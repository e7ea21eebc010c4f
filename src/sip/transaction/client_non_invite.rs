//! The non-INVITE client transaction (RFC 3261 §17.1.2).

use std::{sync::Arc, time::Instant};

use bytes::Bytes;

use crate::sip::{
    event::Timer,
    status::StatusCode,
    transaction::{
        ResponseOutcome, TimeoutOutcome, Timing,
        client::{Retransmit, running},
    },
};

/// A request other than INVITE and ACK on its way.
#[derive(Debug)]
pub struct NonInviteClient {
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
///              ┌── E: send again, interval doubles up to T2 ──┐
///              ▼                                              │
///           Trying ───────────────────────────────────────────┘
///      1xx ╱  │  ╲ F, transport error
///         ╱   │   ╲────────────────────────────► Terminated
///  Proceeding │                                       ▲
///  (E is T2)  │ 200–699                               │
///         ╲───┴──────────► Completed ── K ────────────┘
/// ```
#[derive(Debug)]
enum State {
    Trying { retransmit: Option<Retransmit>, timeout: Instant },
    Proceeding { retransmit: Option<Retransmit>, timeout: Instant },
    Completed { until: Instant },
    Terminated,
}

impl NonInviteClient {
    /// A transaction whose request is sent for the first time at `now`.
    pub fn new(
        now: Instant,
        request: Bytes,
        reliable: bool,
        timing: impl Into<Arc<Timing>>,
    ) -> NonInviteClient {
        // RFC 3261 §17.1.2.2: Timer E is for unreliable transports, Timer F for all.
        let timing = timing.into();
        let retransmit = Retransmit::start(now, reliable, &timing);
        let timeout = now + timing.patience();
        NonInviteClient {
            request,
            attempts: 1,
            reliable,
            progress: 0,
            timing,
            state: State::Trying { retransmit, timeout },
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

    /// How often it will be sent again, if nothing more comes. Timer E doubles from T1 up to T2 until
    /// Timer F at 64·T1: eleven times in all with the usual values; less where a provisional has
    /// made it T2 before.
    pub fn attempts_left(&self) -> u32 {
        match self.state {
            State::Trying { retransmit: Some(retransmit), timeout } => {
                retransmit.left(self.timing.t2, timeout)
            }
            State::Proceeding { retransmit: Some(retransmit), timeout } => {
                Retransmit { interval: self.timing.t2, ..retransmit }.left(self.timing.t2, timeout)
            }
            _ => 0,
        }
    }

    /// The last provisional, where that is all that has come.
    pub fn progress(&self) -> Option<StatusCode> {
        StatusCode::new(self.progress).filter(|_| matches!(self.state, State::Proceeding { .. }))
    }

    /// A response with this branch and CSeq method came.
    pub fn handle_response(&mut self, now: Instant, status: StatusCode) -> ResponseOutcome {
        match self.state {
            State::Trying { retransmit, timeout } | State::Proceeding { retransmit, timeout } => {
                self.state = if status.is_provisional() {
                    self.progress = status.code();
                    State::Proceeding { retransmit, timeout }
                } else if self.reliable {
                    // RFC 3261 §17.1.2.2: Timer K is zero on reliable transports.
                    State::Terminated
                } else {
                    State::Completed { until: now + self.timing.t4 }
                };
                ResponseOutcome::Deliver
            }
            State::Completed { .. } if status.is_final() => ResponseOutcome::Absorb,
            State::Completed { .. } | State::Terminated => ResponseOutcome::Ignore,
        }
    }

    /// Time has come to one of [`NonInviteClient::timers`].
    pub fn handle_timeout(&mut self, now: Instant) -> TimeoutOutcome {
        let timing = &self.timing;
        match &mut self.state {
            State::Trying { timeout, .. } | State::Proceeding { timeout, .. }
                if *timeout <= now =>
            {
                self.state = State::Terminated;
                TimeoutOutcome::TimedOut(Timer::F)
            }
            // RFC 3261 §17.1.2.2: MIN(2·interval, T2) while Trying …
            State::Trying { retransmit: Some(retransmit), .. } if retransmit.at <= now => {
                retransmit.again(now, timing.back_off(retransmit.interval));
                self.attempts += 1;
                TimeoutOutcome::Retransmit
            }
            // … and T2 while Proceeding.
            State::Proceeding { retransmit: Some(retransmit), .. } if retransmit.at <= now => {
                retransmit.again(now, timing.t2);
                self.attempts += 1;
                TimeoutOutcome::Retransmit
            }
            State::Completed { until } if *until <= now => {
                self.state = State::Terminated;
                TimeoutOutcome::Terminated(Timer::K)
            }
            _ => TimeoutOutcome::Nothing,
        }
    }

    /// The timers that run, the next one first.
    pub fn timers(&self) -> [Option<(Timer, Instant)>; 2] {
        match self.state {
            State::Trying { retransmit, timeout } | State::Proceeding { retransmit, timeout } => {
                running(retransmit.map(|retransmit| (Timer::E, retransmit.at)), (Timer::F, timeout))
            }
            State::Completed { until } => [Some((Timer::K, until)), None],
            State::Terminated => [None, None],
        }
    }

    /// Whether no final response has come yet.
    pub fn is_pending(&self) -> bool {
        matches!(self.state, State::Trying { .. } | State::Proceeding { .. })
    }

    /// When it was begun, as long as nothing has come.
    pub fn unanswered_since(&self) -> Option<Instant> {
        match self.state {
            State::Trying { timeout, .. } => timeout.checked_sub(self.timing.patience()),
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
    use std::time::Duration;

    use super::*;

    const T: Timing = Timing {
        t1: Duration::from_millis(500),
        t2: Duration::from_secs(4),
        t4: Duration::from_secs(5),
    };

    fn run_out(mut options: NonInviteClient, start: Instant) -> (Vec<f64>, Duration, u32) {
        let mut sent = vec![0.0];
        let mut most = None;
        loop {
            let (_, at) = options.timers()[0].unwrap();
            let all = options.attempts() + options.attempts_left();
            assert_eq!(*most.get_or_insert(all), all);
            match options.handle_timeout(at) {
                TimeoutOutcome::Retransmit => sent.push((at - start).as_secs_f64()),
                TimeoutOutcome::TimedOut(Timer::F) => {
                    return (sent, at - start, options.attempts());
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn timer_e_doubles_up_to_t2_until_timer_f() {
        let start = Instant::now();
        let options = NonInviteClient::new(start, Bytes::new(), false, T);
        let max = 1 + options.attempts_left();
        let (sent, end, attempts) = run_out(options, start);
        assert_eq!(sent, [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]);
        assert_eq!(end, Duration::from_secs(32));
        assert_eq!(attempts, max);
    }

    #[test]
    fn the_count_to_come_is_right_for_other_settings() {
        let start = Instant::now();
        for (t1, t2) in [(100, 4000), (500, 500), (500, 100), (1, 3), (250, 1000)] {
            let timing =
                Timing { t1: Duration::from_millis(t1), t2: Duration::from_millis(t2), ..T };
            let options = NonInviteClient::new(start, Bytes::new(), false, timing);
            let max = 1 + options.attempts_left();
            assert_eq!(run_out(options, start).2, max, "T1 {t1} ms, T2 {t2} ms");
        }
    }

    #[test]
    fn in_proceeding_timer_e_is_t2() {
        let start = Instant::now();
        let mut options = NonInviteClient::new(start, Bytes::new(), false, T);
        let trying = StatusCode::TRYING;
        assert_eq!(options.handle_response(start, trying), ResponseOutcome::Deliver);
        assert_eq!(options.attempts_left(), 8);
        let (sent, end, _) = run_out(options, start);
        assert_eq!(sent, [0.0, 0.5, 4.5, 8.5, 12.5, 16.5, 20.5, 24.5, 28.5]);
        assert_eq!(end, Duration::from_secs(32));
    }

    #[test]
    fn a_repeated_final_is_absorbed_for_timer_k() {
        let start = Instant::now();
        let mut options = NonInviteClient::new(start, Bytes::new(), false, T);
        assert_eq!(options.handle_response(start, StatusCode::OK), ResponseOutcome::Deliver);
        assert_eq!(options.handle_response(start, StatusCode::OK), ResponseOutcome::Absorb);
        let k = start + T.t4;
        assert_eq!(options.timers()[0], Some((Timer::K, k)));
        assert_eq!(options.handle_timeout(k), TimeoutOutcome::Terminated(Timer::K));

        let mut reliable = NonInviteClient::new(start, Bytes::new(), true, T);
        assert_eq!(reliable.handle_response(start, StatusCode::OK), ResponseOutcome::Deliver);
        assert!(reliable.is_terminated());
    }
}
