//! What is done with a request when its time has come.

use std::{cmp::Reverse, time::Instant};

use super::Run;
use crate::{engine::Command, headless::Outcome, sip::ContextId};

/// Something that is to be done with a context when its time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Alarm {
    Cancel,
    HangUp,
    GiveUp,
}

impl Run<'_> {
    /// Does what has come due.
    pub(super) fn fire(&mut self, now: Instant) {
        while let Some(&Reverse((at, id, alarm))) = self.alarms.peek()
            && at <= now
        {
            self.alarms.pop();
            let Some(call) = self.calls.get_mut(&id) else { continue };
            match alarm {
                Alarm::Cancel if call.unmatched || self.unheard.contains_key(&id) => {}
                Alarm::Cancel => {
                    let options = self.plan.cancel.clone();
                    self.queue.push_back(Command::Cancel { context: id, options });
                }
                // The peer may have hung up before.
                Alarm::HangUp if !call.can_hang_up() => call.hang_up = false,
                Alarm::HangUp => self.queue.push_back(Command::HangUp { context: id }),
                Alarm::GiveUp if self.unheard.contains_key(&id) => self.wait_no_longer(id),
                Alarm::GiveUp if call.outcome.is_some() || call.unmatched => {}
                Alarm::GiveUp => self.give_up(now, id),
            }
        }
    }

    /// The user's own time is over before the transaction's.
    fn give_up(&mut self, now: Instant, id: ContextId) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.outcome = Some(Outcome::TimedOut);
        self.totals.count(Outcome::TimedOut);
        self.totals.elapsed = now.saturating_duration_since(self.started);
        let after = self.plan.timeout.unwrap_or_default();
        let detail = format!("given up after {after:?}");
        if self.reporter.tells_events() {
            self.reporter.sentence(format_args!("#{id}: {detail}"));
        }
        self.queue.push_back(Command::GiveUp { context: id, detail });
        self.settle(id);
        self.leave_if_over();
    }

    /// The user's own time is over, and what may still come of a request that has failed is not waited
    /// for.
    fn wait_no_longer(&mut self, id: ContextId) {
        self.lingering.remove(&id);
        self.leave_if_over();
    }

    fn leave_if_over(&mut self) {
        if self.is_settled() && self.lingering.is_empty() {
            self.leave();
        }
    }
}
