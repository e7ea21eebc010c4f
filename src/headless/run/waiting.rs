//! What is waited for though every request has its outcome: the forks of a call that still ring, and
//! what becomes of an INVITE that rang when its connection failed.

use super::Run;
use crate::{
    headless::Outcome,
    sip::{Cause, ContextEvent, ContextId, Fact, Method, Timer},
};

impl Run<'_> {
    /// An INVITE fails with its connection though the peer has it: until its final response comes all the
    /// same, its call may still come up there (RFC 3261 §9.1, §13.2.2.4), and that is waited for.
    pub(super) fn note_unheard(&mut self, event: &ContextEvent) {
        if event.method != Method::Invite {
            return;
        }
        let id = event.context;
        match &event.fact {
            Fact::Failed { response: None, cause: Cause::ConnectionError, .. }
                if self.calls.get(&id).is_some_and(|call| call.is_root() && call.rang) =>
            {
                let wait = event.status.timers.iter().find(|it| it.timer == Timer::CancelWait);
                self.unheard.insert(id, wait.map(|it| it.at.saturating_duration_since(event.at)));
                self.lingering.insert(id);
            }
            Fact::Accepted { response, .. } | Fact::Absorbed { response, .. }
                if response.status.is_final() =>
            {
                self.unheard.remove(&id);
            }
            _ => {}
        }
    }

    pub(super) fn tell_unheard(&mut self) {
        if !self.reporter.tells_events() && !self.unheard.is_empty() {
            let calls = self.unheard.len();
            self.reporter.sentence(format_args!(
                "{calls} calls may still come up at the peer: their INVITEs rang when their connection failed"
            ));
            return;
        }
        for id in self.unheard.keys() {
            self.reporter.sentence(format_args!(
                "#{id}: the call may still come up at the peer: no final response to its INVITE came before this run ended"
            ));
        }
    }

    /// Why the run goes on though every request has its outcome.
    pub(super) fn tell_of_wait(&mut self) {
        let forked = |id: &&ContextId| {
            let call = self.calls.get(id).filter(|call| !call.unmatched);
            call.is_some_and(|call| call.outcome != Some(Outcome::Transport))
        };
        let forked = self.lingering.iter().filter(forked).count();
        if forked > 0 {
            let whose = match self.plan.count {
                1 => String::new(),
                all => format!(", of {forked} of the {all} INVITEs"),
            };
            self.reporter.sentence(format_args!(
                "waiting for forks that still ring{whose}: until 64·T1 after the first 2xx (RFC 3261 §13.2.2.4), or Ctrl-C"
            ));
        }
        let waits = |(id, _): &(&ContextId, _)| self.lingering.contains(id);
        let unheard = self.unheard.iter().filter(waits).count();
        if unheard > 0 {
            let whose = match self.plan.count {
                1 => "the INVITE, which".to_owned(),
                all => format!("{unheard} of the {all} INVITEs, which"),
            };
            let seconds = self.unheard.values().flatten().max();
            let seconds = seconds.map(|time| format!(" ({time:?})")).unwrap_or_default();
            self.reporter.sentence(format_args!(
                "waiting for the final response to {whose} rang when the connection failed: until 64·T1{seconds} after its CANCEL (RFC 3261 §9.1), or Ctrl-C"
            ));
        }
    }
}
