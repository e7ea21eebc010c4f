//! How contexts end: by themselves once nothing is left to do, and all together where the user
//! leaves, gracefully or not.

use std::time::Instant;

use super::{
    UserAgent,
    dialog_index::DialogKey,
    dialogs::Unanswered,
    errands::LEAVING,
    is_call, subscriptions,
    transactions::{Due, Key},
};
use crate::sip::{
    cause::Cause,
    context::{Cancel, ClientContext, Request, Wanted},
    event::{Advice, ContextId, Fact, FlowId, LegState, State, TerminatedBy},
    method::Method,
    status::StatusCode,
};

impl UserAgent {
    /// Cancels every pending INVITE, hangs up every leg, ends every subscription and removes every
    /// binding: the graceful end.
    pub fn shut_down(&mut self, now: Instant) {
        self.latest = Some(now);
        let mut open = Vec::new();
        for (id, context) in &mut self.contexts {
            if is_call(&context.method) {
                // A fork that accepts from now on is not wanted, whatever has ended the others.
                context.wanted = Wanted::Left;
                open.extend(context.ended.is_none().then_some(*id));
            }
        }
        open.sort_unstable();
        // What is to be ended already, and an ACK before its BYE, wait for no name server.
        let legs = self.hurry_errands(now);
        self.hurry_byes(now, |_| true);
        for context in open {
            self.end_subscriptions_in(now, context);
            // Each is one or the other, or on its way out already: a refusal says nothing new.
            if self.cancel(now, context, Default::default()).is_err() {
                let _ = self.hang_up(now, context);
            }
        }
        // Where the ACK found no other way in time, the BYE looks for none.
        self.hurry_byes(now, |leg| legs.contains(leg));
        self.unregister_all(now);
    }

    /// What waits for a way to end the dialog of one of those legs goes that of the request which made
    /// the dialog, where that flow is up.
    fn hurry_byes(&mut self, now: Instant, of: impl Fn(&(ContextId, Box<str>)) -> bool) {
        let mut waiting: Vec<(ContextId, FlowId)> = Vec::new();
        for (id, context) in &self.contexts {
            let Some(parent) = context.parent.as_ref() else { continue };
            let Some(made) = self.contexts.get(&parent.0) else { continue };
            let mut legs = made.legs.iter().filter(|leg| leg.tag == parent.1);
            let ends = legs.any(|leg| leg.state == LegState::HangingUp { bye: *id });
            let elsewhere = context.state == State::Waiting && context.flow != made.flow;
            if ends && elsewhere && self.flows.is_up(made.flow) && of(parent) {
                waiting.push((*id, made.flow));
            }
        }
        waiting.sort_unstable();
        for (id, flow) in waiting {
            self.goes_with_dialog(now, id, flow, LEAVING);
        }
    }

    /// The end that waits for nobody: whatever has not ended fails, as abandoned by the user.
    pub fn abandon(&mut self, now: Instant) {
        self.latest = Some(now);
        self.hurry_errands(now);
        self.hurry_byes(now, |_| true);
        let open = |context: &ClientContext| context.ended.is_none();
        let mut left: Vec<ContextId> =
            self.contexts.iter().filter(|(_, context)| open(context)).map(|(id, _)| *id).collect();
        left.sort_unstable();
        for id in left {
            let Some(context) = self.contexts.get_mut(&id).filter(|context| open(context)) else {
                continue;
            };
            if context.state.is_pending() {
                // A request that ends a leg is none that anybody has cancelled.
                let (state, cause, what) = match context.parent {
                    None => (State::Canceled, Cause::Canceled, "left before an outcome was known"),
                    Some(_) => {
                        (State::Failed, Cause::RequestTimeout, "left before it was answered")
                    }
                };
                self.fail(now, id, state, cause, what.to_owned());
            }
            self.leave_legs(now, id);
        }
    }

    /// The user waits no longer for an outcome: a request that nobody has answered fails with
    /// `Request Timeout` now, and an INVITE that rings is cancelled. `detail` is a sentence.
    pub fn give_up(&mut self, now: Instant, id: ContextId, detail: &str) {
        let Some(context) = self.contexts.get(&id) else { return };
        let rings = context.method == Method::Invite && context.state == State::Proceeding;
        if rings {
            // An INVITE that rings can be cancelled.
            let _ = self.cancel(now, id, Default::default());
        } else if context.state.is_pending() && context.state != State::Cancelling {
            if let Some(branch) = context.branch() {
                self.end_transaction(Key { branch, is_cancel: false });
            }
            self.fail(now, id, State::Failed, Cause::RequestTimeout, detail.to_owned());
            self.forget_if_over(id);
        }
    }

    /// What is still up or awaited of a context is given up.
    fn leave_legs(&mut self, now: Instant, id: ContextId) {
        self.end_subscriptions_in(now, id);
        let Some(context) = self.contexts.get_mut(&id) else { return };
        if let Cancel::Sent { over } = &mut context.cancel {
            *over = true;
        }
        let open = context.legs.iter().filter(|leg| !leg.is_terminated());
        let open: Vec<(Box<str>, LegState)> =
            open.map(|leg| (leg.tag.clone(), leg.state.clone())).collect();
        for (tag, state) in open {
            let by = match state {
                LegState::HangingUp { bye } if self.is_sent(bye) => TerminatedBy::Local,
                _ => TerminatedBy::GivenUp,
            };
            self.terminate_leg(now, id, &tag, by);
        }
        if self.contexts.get(&id).is_some_and(|context| context.state == State::Sent) {
            return self.context_deadline(now, id);
        }
        if let Some(key) = self.forsaken_key(id) {
            self.end_transaction(key);
        }
        self.end_if_done(now, id);
    }

    fn is_sent(&self, id: ContextId) -> bool {
        self.contexts.get(&id).is_some_and(|context| context.sent().is_some())
    }

    /// Ends a context where nothing is left to do: a final outcome is known, no leg is up, and no
    /// CANCEL waits for its answer.
    pub(super) fn end_if_done(&mut self, now: Instant, id: ContextId) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        if context.state == State::HungUp && context.is_cancel_pending() && context.legs_up() == 0 {
            // A 2xx has crossed the CANCEL, and its leg is over: what the CANCEL is answered with, a
            // round trip after the BYE was, changes nothing.
            context.cancel = Cancel::Sent { over: true };
        }
        // RFC 6665 §4.1.2.4: the NOTIFY of what a 2xx has announced.
        let awaits_notify = context.method != Method::Invite
            && context.state == State::Accepted
            && context.has_early_legs();
        let waits = context.state.is_pending()
            || awaits_notify
            || context.legs_up() > 0
            || context.is_outlived()
            || context.is_cancel_pending()
            || (context.state == State::Sent && context.deadline.is_some())
            || context.ended.is_some();
        let Some(cause) = context.cause.filter(|_| !waits) else { return };
        if self.is_forsaken(id) {
            return;
        }
        let Some(context) = self.contexts.get(&id) else { return };
        // RFC 3261 §13.2.2.4: another fork may still accept, and its 2xx must be ACKed and its leg hung
        // up too: until 64·T1 after the first 2xx, when Timer M ends the early dialogs.
        if context.has_early_legs()
            && context.state == State::HungUp
            && context.branch().is_some_and(|branch| self.transactions.holds(branch))
        {
            return;
        }
        self.end_pracks_of(now, id);
        self.end_unanswered_cancel(id);
        let Some(context) = self.contexts.get_mut(&id) else { return };
        context.ended = Some(cause);
        let before = context.deadline.take();
        if is_call(&context.method) {
            self.open_calls -= 1;
        }
        self.transactions.arm_context(id, before, None);
        self.tell_own(now, id, Fact::Ended { cause });
        self.forget_if_over(id);
    }

    /// What a CANCEL should end is over: it is not sent again.
    fn end_unanswered_cancel(&mut self, id: ContextId) {
        let branch = self.contexts.get(&id).and_then(|context| context.branch());
        let Some(branch) = branch else { return };
        let key = Key { branch, is_cancel: true };
        // One that was answered absorbs what is repeated.
        if self.transactions.entry(key).is_some_and(|entry| entry.transaction.is_sending()) {
            self.end_transaction(key);
        }
    }

    /// Drops a context that has ended and whose transactions have done their work.
    pub(super) fn forget_if_over(&mut self, id: ContextId) {
        let is_over = |context: &ClientContext| {
            context.ended.is_some() && context.transactions == 0 && context.children == 0
        };
        if !self.contexts.get(&id).is_some_and(|context| is_over(context))
            // What the peer repeats of its own requests is answered again until their timers are out.
            || self.served.serves(id)
            || self.is_kept_by_leg(id)
        {
            return;
        }
        let Some(context) = self.contexts.remove(&id) else { return };
        for leg in &context.legs {
            for subscription in leg.subscriptions() {
                for (timer, at) in subscription.deadlines() {
                    let due = Due::Subscription(subscription.by, leg.tag.clone(), timer);
                    self.transactions.disarm(at, due);
                }
            }
        }
        self.flows.leave(context.flow, id);
        self.forsaken.remove(&id);
        self.unmatched.remove(&(context.flow, id));
        if (!context.legs.is_empty() || subscriptions::subscribes(&context.method))
            && let Some(message) = context.message()
            && let Some(key) = DialogKey::of_ours(&message)
        {
            self.dialogs.remove(key, id);
        }
        self.remembered.insert(id, (context.method, context.state));
        if self.remembered.len() > REMEMBERED {
            self.remembered.pop_first();
        }
        if let Some((parent, _)) = context.parent {
            if let Some(parent) = self.contexts.get_mut(&parent) {
                parent.children -= 1;
            }
            self.forget_if_over(parent);
        }
    }

    /// Whether the 2xx of a re-INVITE may still come again, or a subscription lasts.
    fn is_kept_by_leg(&self, id: ContextId) -> bool {
        let parent = self.contexts.get(&id).and_then(|context| context.parent.as_ref());
        parent.is_some_and(|(parent, tag)| {
            let legs = self.contexts.get(parent).into_iter().flat_map(|parent| &parent.legs);
            legs.into_iter().filter(|leg| leg.tag == *tag).any(|leg| {
                leg.reinvite == Some(id) || leg.subscriptions().iter().any(|it| it.by == id)
            })
        })
    }

    /// The final outcome of a context whose request failed without a response.
    pub(super) fn fail(
        &mut self,
        now: Instant,
        id: ContextId,
        state: State,
        cause: Cause,
        detail: String,
    ) {
        self.fail_with(now, id, (state, cause, detail), None);
    }

    /// [`UserAgent::fail`], with what may be done about it.
    pub(super) fn fail_with(
        &mut self,
        now: Instant,
        id: ContextId,
        (state, cause, detail): (State, Cause, String),
        advice: Option<Box<Advice>>,
    ) {
        self.never_cancelled(now, id, || "no provisional response ever came".to_owned());
        let Some(context) = self.contexts.get_mut(&id) else { return };
        context.state = state;
        context.cause = Some(cause);
        if matches!(context.request, Request::Waiting(_)) {
            context.request = Request::Never;
        }
        let registers = self.registrations.is_served_by(id).then(|| detail.clone());
        self.tell_own(
            now,
            id,
            Fact::Failed { response: None, cause, detail: detail.into(), advice },
        );
        let by = match cause {
            Cause::ConnectionError => TerminatedBy::Transport,
            _ => TerminatedBy::GivenUp,
        };
        self.end_early_legs(now, id, by);
        self.finish(now, id, None);
        if let Some(reason) = registers {
            self.register_failed(now, id, reason);
        }
    }

    /// After a final outcome: what hangs on it follows.
    pub(super) fn finish(&mut self, now: Instant, id: ContextId, outcome: Option<StatusCode>) {
        let Some(context) = self.contexts.get(&id) else { return };
        let (parent, method) = (context.parent.clone(), context.method.clone());
        let is_sent = context.sent().is_some();
        let unanswered = match (context.state, outcome, context.cause) {
            (State::Failed, None, Some(Cause::RequestTimeout)) if is_sent => {
                Some(Unanswered::TimedOut)
            }
            (State::Failed, None, Some(cause)) => Some(Unanswered::Undelivered(cause)),
            _ => None,
        };
        // Once it has ended, what it was for is not known any more.
        let has_failed = !outcome.is_some_and(|status| status.is_success());
        let refresh = if has_failed { self.refresh_of(id) } else { None };
        self.end_if_done(now, id);
        if let Some(refresh) = refresh {
            return self.refresh_failed(now, refresh, outcome);
        }
        if let Some(parent) = parent {
            self.in_dialog_is_over(now, id, parent, &method, outcome, unanswered);
        }
    }
}

/// How many contexts that are over and done with are remembered by their last state, so that a
/// wish that comes too late is refused with the right reason.
const REMEMBERED: usize = 100_000;
