//! How requests come into the queue, and when the next may: no more than may be under way, than the
//! engine takes, than whoever reads keeps up with.

use std::{
    cmp::Reverse,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use super::{Phase, Run};
use crate::engine::{Command, Event, Refusal};

/// What the run waits for, if nothing happens before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rest {
    /// When there is something to do next.
    pub(super) until: Option<Instant>,
    /// Whether there may be room for more requests once all is written.
    pub(super) is_crowded: bool,
}

impl Run<'_> {
    /// Puts as many requests into the queue as may be under way now.
    pub(super) fn fill(&mut self, now: Instant) {
        while self.phase == Phase::Running
            && self.submitted < self.plan.count
            // What is refused here is told here.
            && self.has_room(self.reporter.is_crowded())
            && self.next <= now
        {
            self.submitted += 1;
            self.open += 1;
            match self.plan.sending.command() {
                Ok(command) => self.queue.push_back(command),
                Err(errors) => {
                    let reasons: Vec<String> = errors.iter().map(ToString::to_string).collect();
                    let reason = reasons.join("; ");
                    self.event(Event::Refused(Refusal {
                        at: now,
                        context: None,
                        is_request: true,
                        reason,
                    }));
                }
            }
            if let Some(rate) = self.plan.rate {
                // Who was held up may catch up, but not flood.
                let earliest = now.checked_sub(CATCH_UP).unwrap_or(now);
                self.next = self.next.max(earliest) + Duration::from_secs_f64(rate.recip());
            }
        }
    }

    /// Whether one more request may be under way, and the engine keeps up, and whoever reads.
    fn has_room(&self, is_crowded: bool) -> bool {
        let keeps_up = self.queue.len() < QUEUE && !is_crowded;
        self.open < self.plan.concurrency && keeps_up
    }

    /// Gives the engine what it takes at once.
    pub(super) fn hand_over(&mut self, commands: &mpsc::Sender<Command>) {
        while let Some(command) = self.queue.pop_front() {
            if let Err(error) = commands.try_send(command) {
                match error {
                    mpsc::error::TrySendError::Full(command) => self.queue.push_front(command),
                    mpsc::error::TrySendError::Closed(_) => self.queue.clear(),
                }
                return;
            }
        }
    }

    /// What there is to wait for.
    pub(super) fn rest(&self) -> Rest {
        // Once for both: another thread writes. Where it was crowded for the one and is not for the
        // other, nothing would ever go on.
        let is_crowded = self.reporter.is_crowded();
        let alarm = self.alarms.peek().map(|Reverse((at, ..))| *at);
        let more = self.submitted < self.plan.count && self.has_room(is_crowded);
        let send = (self.phase == Phase::Running && more).then_some(self.next);
        Rest { until: alarm.into_iter().chain(send).min(), is_crowded }
    }
}

/// How many commands may wait for the engine before no more requests are made.
const QUEUE: usize = 1024;

/// How much of a rate may be caught up at once.
const CATCH_UP: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Write},
        sync::{Arc, Mutex},
    };

    use super::*;
    use crate::{
        engine::{Account, Clock, Draft},
        headless::{Format, Plan, Sending, Style, report::Reporter},
        outlet::{Outlet, Stream},
        sip::CancelOptions,
    };

    /// A plan with one request to send.
    fn plan() -> Plan {
        let account = Account::new("alice", "sip:alice@demo.test".parse().unwrap());
        let (method, target) = ("OPTIONS".to_owned(), "bob".to_owned());
        let draft = Draft { method, target, ..Draft::default() };
        Plan {
            sending: Sending::Request(Box::new(draft.submit(&account).unwrap())),
            count: 1,
            concurrency: 1,
            rate: None,
            cancel_after: None,
            cancel: CancelOptions::default(),
            hangup_after: None,
            timeout: None,
        }
    }

    /// A stream that takes bytes while the test does not hold it.
    struct Gate(Arc<Mutex<()>>);

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            drop(self.0.lock());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn whoever_has_more_to_send_waits_for_its_time_or_for_what_is_to_be_written() {
        let gate = Arc::new(Mutex::new(()));
        let outlet = Outlet::new(Gate(Arc::clone(&gate)), io::sink());
        let format = Format::Timeline { colour: false };
        let style = Style { format, events: true, totals: true, progress: false };
        let run = Run::new(plan(), Reporter::new(style, Clock::now(), &outlet));
        let crowd = vec![b'x'; 2 << 20];
        for _ in 0..200 {
            let held = gate.lock().unwrap();
            outlet.hand(Stream::Out, &crowd);
            let rest = run.rest();
            assert!(rest.is_crowded && rest.until.is_none(), "{rest:?}");
            drop(held);
            // Another thread writes it in the middle of this.
            while !outlet.is_idle() {
                let rest = run.rest();
                assert!(rest.is_crowded != rest.until.is_some(), "{rest:?}");
            }
            assert!(run.rest().until.is_some());
        }
    }
}
