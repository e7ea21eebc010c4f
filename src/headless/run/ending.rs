//! How a run comes to its end: what was refused, what is given up, and what is told at last.

use std::time::Instant;

use super::{Interrupt, Phase, Run};
use crate::{
    engine::{Command, Refusal},
    headless::Outcome,
    sip::{ContextEvent, ContextId, Fact, Method},
};

impl Run<'_> {
    pub(super) fn refusal(&mut self, refusal: &Refusal) {
        match refusal.context {
            // The next one would be refused for the same reason.
            None => {
                self.reporter.sentence(format_args!("not sent: {}", refusal.reason));
                self.totals.count(Outcome::Refused);
                self.open = self.open.saturating_sub(1);
                self.leave();
            }
            Some(context) => {
                if self.reporter.tells_events() {
                    self.reporter.sentence(format_args!("#{context}: {}", refusal.reason));
                } else {
                    self.refused += 1;
                }
                self.never_cancelled(refusal.at, context);
            }
        }
    }

    /// A cancel was refused. One that comes too late finds the outcome, or another cancel, told
    /// before; where neither was, nothing would ever end the INVITE, nor the ones after it.
    fn never_cancelled(&mut self, at: Instant, id: ContextId) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.method != Method::Invite || call.cancelled || call.outcome.is_some() {
            return;
        }
        call.outcome = Some(Outcome::Refused);
        self.totals.count(Outcome::Refused);
        self.totals.elapsed = at.saturating_duration_since(self.started);
        self.settle(id);
        self.leave();
    }

    /// What should have ended a leg has failed, and the peer has not ended it either: it may still be
    /// up there, so the run has not come out well, whatever its request got.
    pub(super) fn ends_not(&mut self, parent: ContextId, event: &ContextEvent) {
        let Fact::Failed { response, cause, .. } = &event.fact else { return };
        // RFC 3261 §15.1.1: there is no such dialog any more.
        let is_gone = response.as_ref().is_some_and(|response| response.status.code() == 481);
        let call = self.calls.get(&parent).filter(|call| call.is_ended_by(event.context));
        let Some(call) = call.filter(|_| !is_gone) else { return };
        self.totals.worst = self.totals.worst.max(Outcome::of(&event.fact));
        if !self.reporter.tells_events() {
            self.unended += 1;
            return;
        }
        let what = match call.method {
            Method::Invite => "the call may still be up at the peer",
            _ => "the subscription may still be open at the peer",
        };
        let method = &event.method;
        self.reporter.sentence(format_args!("#{parent}: {what}: its {method} failed ({cause})"));
    }

    /// Ends gracefully: what is pending is cancelled, what is up is hung up.
    pub(super) fn leave(&mut self) {
        if self.phase == Phase::Leaving {
            return;
        }
        self.phase = Phase::Leaving;
        let is_unsent = |c: &&Command| matches!(c, Command::Send(_) | Command::SendRaw(_));
        let unsent = self.queue.iter().filter(is_unsent).count();
        self.open = self.open.saturating_sub(unsent);
        self.queue.retain(|command| matches!(command, Command::GiveUp { .. }));
        self.alarms.clear();
        self.queue.push_back(Command::Quit);
    }

    /// Tells the totals, and gives the outcome.
    pub(super) fn finish(mut self) -> Outcome {
        let undecided: Vec<ContextId> = self
            .calls
            .iter()
            .filter_map(|(id, call)| (call.is_root() && call.outcome.is_none()).then_some(*id))
            .collect();
        for id in undecided {
            // Only an end at once leaves a request undecided: by a second interrupt, or a defect.
            let wished = self.interrupt != Interrupt::None || self.reporter.is_broken();
            self.totals.count(if wished { Outcome::Cancelled } else { Outcome::Transport });
            self.totals.elapsed = self.started.elapsed();
            if self.reporter.tells_events() && !self.reporter.is_broken() {
                self.reporter.sentence(format_args!("#{id}: left without a final response"));
            }
        }
        if self.refused > 0 {
            let refused = self.refused;
            self.reporter.sentence(format_args!("{refused} cancels or hang-ups were refused"));
        }
        if self.unended > 0 {
            let unended = self.unended;
            self.reporter.sentence(format_args!(
                "{unended} calls or subscriptions may still be up at the peer: what should have ended them failed"
            ));
        }
        self.tell_unheard();
        if self.strays > 0 {
            let strays = self.strays;
            self.reporter.sentence(format_args!("{strays} messages came that belong to nothing"));
        }
        if self.impaired > 0 && !self.reporter.tells_events() {
            let impaired = self.impaired;
            self.reporter.sentence(format_args!("messages were impaired {impaired} times"));
        }
        self.reporter.totals(&self.totals);
        match self.totals.worst {
            _ if self.interrupt == Interrupt::Working => Outcome::Cancelled,
            Some(outcome) => outcome,
            None if self.reporter.is_broken() => Outcome::Cancelled,
            None => Outcome::Transport,
        }
    }
}
