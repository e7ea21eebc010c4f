//! What time does.

use std::time::Instant;

use super::{
    UserAgent,
    transactions::{Due, Key, Role},
};
use crate::sip::{
    cause::Cause,
    context::{Cancel, Request},
    event::{ContextId, Fact, State, TerminatedBy, Timer, TimerOf},
    method::Method,
    transaction::TimeoutOutcome,
};

impl UserAgent {
    /// Time has come to [`UserAgent::poll_timeout`].
    pub fn handle_timeout(&mut self, now: Instant) {
        self.latest = Some(now);
        while let Some(due) = self.transactions.due(now) {
            match due {
                Due::Transaction(key) => self.transaction_timeout(now, key),
                Due::Context(id) => self.context_deadline(now, id),
                Due::Answer(id, tag) => self.repeat_answer(now, id, tag),
                Due::Provisional(id, tag) => self.repeat_provisional(now, id, tag),
                Due::Subscription(by, tag, timer) => self.subscription_due(now, by, &tag, timer),
                Due::Registration(id) => self.registration_due(now, id),
            }
        }
        while let Some(timed_out) = self.servers.handle_timeout(now) {
            self.server_timed_out(now, timed_out);
        }
    }

    fn transaction_timeout(&mut self, now: Instant, key: Key) {
        let outcome = self.transactions.update(key, |t| t.handle_timeout(now));
        let Some(entry) = self.transactions.entry(key) else { return };
        let (id, role) = (entry.context, entry.role);
        match outcome {
            Some(TimeoutOutcome::Retransmit) => self.retransmit(now, key),
            Some(TimeoutOutcome::TimedOut(timer)) => {
                let of = self.timer_of(key);
                self.end_transaction(key);
                match role {
                    Role::Own => self.request_timed_out(now, id, timer),
                    Role::Cancel => self.cancel_timed_out(now, id, timer),
                    Role::Prack => self.prack_timed_out(now, id, timer, of.as_deref()),
                }
            }
            Some(TimeoutOutcome::Terminated(timer)) => {
                let method = entry.method.clone();
                let is_invite = method == Method::Invite;
                let of = self.timer_of(key);
                self.end_transaction(key);
                self.tell(now, id, method, Fact::TimerFired { timer, of });
                // RFC 3261 §13.2.2.4: early dialogs that 64·T1 have not confirmed are over. Those
                // of a later try are not, nor is a leg that waits for its NOTIFY (RFC 6665 §4.1.2.4).
                let own = self.contexts.get(&id).and_then(|context| context.branch());
                if is_invite && own == Some(key.branch) {
                    self.end_early_legs(now, id, TerminatedBy::GivenUp);
                    if timer == Timer::CancelWait {
                        self.forsaken_is_over(now, id);
                    }
                    self.end_if_done(now, id);
                }
            }
            Some(TimeoutOutcome::Nothing) | None => {}
        }
        self.forget_if_over(id);
    }

    fn retransmit(&mut self, now: Instant, key: Key) {
        let Some(entry) = self.transactions.entry(key) else { return };
        let message = entry.transaction.request().clone();
        let (attempt, left) = (entry.transaction.attempts(), entry.transaction.attempts_left());
        let (id, flow, to) = (entry.context, entry.flow, entry.to());
        let (method, role) = (entry.method.clone(), entry.role);
        let Some(context) = self.contexts.get_mut(&id) else { return };
        if let Request::Sent { attempts, .. } = &mut context.request
            && role == Role::Own
        {
            *attempts = attempt;
        }
        if self.transmit(flow, to, message.clone()) {
            self.tell(now, id, method, Fact::Retransmitted { message, attempt, left });
        }
    }

    fn prack_timed_out(&mut self, now: Instant, id: ContextId, timer: Timer, of: Option<&TimerOf>) {
        let seconds = self.settings.timing.patience().as_secs_f64();
        let prack = of.map_or("PRACK".to_owned(), TimerOf::to_string);
        let detail =
            format!("nobody answered the {prack} within {seconds} s (Timer {timer}, 64·T1)");
        self.prack_failed(now, id, detail);
    }

    fn request_timed_out(&mut self, now: Instant, id: ContextId, timer: Timer) {
        let seconds = self.settings.timing.patience().as_secs_f64();
        let detail = format!("no final response within {seconds} s (Timer {timer}, 64·T1)");
        if self.fail_over(now, id, &detail) || self.next_target_after(now, id, &detail) {
            return;
        }
        self.fail(now, id, State::Failed, Cause::RequestTimeout, detail);
    }

    fn cancel_timed_out(&mut self, now: Instant, id: ContextId, timer: Timer) {
        if let Some(context) = self.contexts.get_mut(&id) {
            context.cancel = Cancel::Sent { over: true };
        }
        self.forsaken.remove(&id);
        let seconds = self.settings.timing.patience().as_secs_f64();
        let detail =
            format!("nobody answered the CANCEL within {seconds} s (Timer {timer}, 64·T1)");
        self.tell(now, id, Method::Cancel, Fact::CancelFailed { detail });
        self.end_if_done(now, id);
    }

    /// A context has waited long enough: for what its CANCEL should bring, mostly.
    pub(super) fn context_deadline(&mut self, now: Instant, id: ContextId) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let before = context.deadline.take();
        let branch = context.branch();
        let (is_pending, is_sent) = (context.state.is_pending(), context.state == State::Sent);
        self.transactions.arm_context(id, before, None);
        if self.is_subscription(id) && !is_sent {
            self.never_notified(now, id);
            return self.forget_if_over(id);
        }
        if let Some(context) = self.contexts.get_mut(&id).filter(|c| c.is_cancelled()) {
            context.cancel = Cancel::Sent { over: true };
        }
        if is_pending {
            // RFC 3261 §9.1: the INVITE counts as cancelled and its transaction is destroyed.
            if let Some(branch) = branch {
                self.end_transaction(Key { branch, is_cancel: false });
                self.end_transaction(Key { branch, is_cancel: true });
            }
            let seconds = self.settings.timing.patience().as_secs_f64();
            let detail = format!(
                "no final response to the INVITE within {seconds} s of the CANCEL (64·T1, RFC 3261 §9.1)"
            );
            self.fail(now, id, State::Canceled, Cause::Canceled, detail);
        } else {
            self.end_if_done(now, id);
        }
        self.forget_if_over(id);
    }
}
