//! [`Repeated`]: an answer of ours to the peer's INVITE that goes out again and again, until the peer
//! acknowledges it or 64·T1 are over: a 2xx until its ACK (RFC 3261 §13.3.1.4), a reliable
//! provisional until its PRACK (RFC 3262 §3). Whose they are stands in `unacked` and `unpracked`.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{Transmit, UserAgent};
use crate::sip::{
    event::{ContextId, Fact, FlowId, Response, Timer},
    method::Method,
    status::StatusCode,
    transaction::{ServerTransactionId, Timing, repeats},
};

/// An answer that goes out again and again.
#[derive(Debug)]
pub(super) struct Repeated {
    transmit: Transmit,
    /// How often it was sent.
    attempt: u32,
    at: Instant,
    interval: Duration,
    /// So far the interval doubles.
    cap: Duration,
    until: Instant,
}

/// An answer that is to go out once more.
#[derive(Debug)]
pub(super) struct Again {
    transmit: Transmit,
    /// How often it will have been sent then.
    attempt: u32,
    /// How often it will be sent after that, if nothing comes.
    left: u32,
}

impl Repeated {
    /// What goes out now for the first time. After T1 it does again, and the interval doubles up to
    /// the `cap`.
    pub(super) fn new(now: Instant, transmit: Transmit, timing: Timing, cap: Duration) -> Repeated {
        Repeated {
            transmit,
            attempt: 1,
            at: now + timing.t1,
            interval: timing.t1,
            cap,
            until: now + timing.patience(),
        }
    }

    /// When there is something to do with it: it goes out again, or is given up.
    pub(super) fn at(&self) -> Instant {
        self.at
    }

    /// Its bytes.
    pub(super) fn bytes(&self) -> &Bytes {
        &self.transmit.bytes
    }

    /// How often it will be sent again, if nothing comes.
    pub(super) fn left(&self) -> u32 {
        repeats(self.interval, self.cap, self.until.saturating_duration_since(self.at))
    }

    /// The timer of its repetition, as long as there is one to come, and that of the wait for what
    /// acknowledges it.
    pub(super) fn timers(
        &self,
        again: Timer,
        wait: Timer,
    ) -> impl Iterator<Item = (Timer, Instant)> + use<> {
        let again = (self.at < self.until).then_some((again, self.at));
        again.into_iter().chain([(wait, self.until)])
    }

    /// It goes on another connection from now on.
    pub(super) fn move_to(&mut self, flow: FlowId) {
        self.transmit.flow = flow;
    }

    /// Its time has come: it is to go out again; `None` where it is given up.
    pub(super) fn next(&mut self, now: Instant) -> Option<Again> {
        if self.until <= now {
            return None;
        }
        self.interval = self.interval.saturating_mul(2).min(self.cap);
        self.at = (now + self.interval).min(self.until);
        self.attempt += 1;
        Some(Again { transmit: self.transmit.clone(), attempt: self.attempt, left: self.left() })
    }
}

impl UserAgent {
    /// Sends an answer to an INVITE of the peer once more, and tells it.
    pub(super) fn repeat(
        &mut self,
        now: Instant,
        id: ContextId,
        (transaction, status): (ServerTransactionId, StatusCode),
        again: Again,
    ) {
        let Again { transmit, attempt, left } = again;
        let response = Box::new(Response { status, message: transmit.bytes.clone() });
        let sent = self.transmit_answer(now, transmit, transaction, status, (attempt, left));
        if let Some(destination) = sent {
            let fact = Fact::Answered { response, attempt, left, destination };
            self.tell(now, id, Method::Invite, fact);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When it goes out, in T1s, and how often it still would after each time.
    fn run_out(cap: u32) -> (Vec<u128>, Vec<u32>) {
        let (start, timing) = (Instant::now(), Timing::default());
        let transmit = Transmit { flow: FlowId(1), to: None, bytes: Bytes::new() };
        let mut repeated = Repeated::new(start, transmit, timing, timing.t1 * cap);
        let (mut sent, mut left) = (vec![0], vec![repeated.left()]);
        loop {
            let at = repeated.at();
            let Some(again) = repeated.next(at) else {
                assert_eq!(at, start + timing.patience());
                return (sent, left);
            };
            sent.push((at - start).as_millis() / timing.t1.as_millis());
            left.push(again.left);
            assert_eq!(again.attempt as usize, sent.len());
        }
    }

    #[test]
    fn what_is_left_is_what_is_sent_until_64_t1_are_over() {
        let (sent, left) = run_out(u32::MAX);
        assert_eq!(sent, [0, 1, 3, 7, 15, 31, 63]);
        assert_eq!(left, [6, 5, 4, 3, 2, 1, 0]);
        let (sent, left) = run_out(8);
        assert_eq!(sent, [0, 1, 3, 7, 15, 23, 31, 39, 47, 55, 63]);
        assert_eq!(left, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    }
}
