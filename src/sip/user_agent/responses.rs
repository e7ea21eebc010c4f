//! What a response does to the context whose request it answers.

use std::{net::SocketAddr, time::Instant};

use super::{
    DialogKey, Redirects, UserAgent,
    again::Next,
    reliable::Reliability,
    transactions::{Key, Role},
};
use crate::sip::{
    advice::advise,
    cause::Cause,
    compose,
    context::Cancel,
    event::{Absorbed, ContextId, Fact, FlowId, State, TerminatedBy},
    message::Message,
    method::Method,
    status::StatusCode,
    transaction::ResponseOutcome,
};

impl UserAgent {
    /// A response came: to its transaction by branch and CSeq method, and nothing else
    /// (RFC 3261 §17.1.3).
    pub(super) fn handle_response(
        &mut self,
        now: Instant,
        flow: FlowId,
        source: SocketAddr,
        message: &Message,
    ) {
        let Some(status) = message.status() else {
            let problem = format!(
                "{source} sent a response without a status code from 100 to 699 (RFC 3261 §7.2)"
            );
            return self.stray(now, flow, message.bytes().clone(), problem);
        };
        let key = match self.find_transaction(flow, message) {
            Ok(key) => key,
            Err(_) if self.is_2xx_of_a_leg(now, flow, status, message) => return,
            Err(why) => {
                let problem = format!("{source} sent a {status} response that is not ours: {why}");
                return self.stray(now, flow, message.bytes().clone(), problem);
            }
        };
        let Some(entry) = self.transactions.entry(key) else { return };
        let (id, role) = (entry.context, entry.role);
        let was_forsaken = entry.transaction.is_forsaken();
        self.heard_on(now, id, flow);
        let is_seen_elsewhere = self.learn_address(now, key, message);
        self.learn_keep_alive(key, status, message);
        let outcome = self.transactions.update(key, |t| t.handle_response(now, status));
        if outcome == Some(ResponseOutcome::Deliver) && status.is_final() {
            self.transactions.hear(key, status, to_tag(message));
        }
        match outcome {
            Some(ResponseOutcome::Deliver) => match role {
                Role::Own => self.own_response(now, id, status, message),
                Role::Cancel => self.cancel_response(now, id, status, message),
                Role::Prack => self.prack_response(now, id, key, (status, message)),
            },
            Some(ResponseOutcome::Absorb) => {
                self.absorb(now, id, key, status, message, true);
                if was_forsaken {
                    self.transactions.hear(key, status, to_tag(message));
                    self.forsaken_is_rejected(now, id);
                }
            }
            Some(ResponseOutcome::Ignore) => self.absorb(now, id, key, status, message, false),
            None => {}
        }
        self.drop_if_terminated(key, id);
        if is_seen_elsewhere {
            self.move_bindings(now, flow);
        }
    }

    /// A response that changes nothing. A repeated rejection of an INVITE is ACKed again
    /// (RFC 3261 §17.1.1.2).
    fn absorb(
        &mut self,
        now: Instant,
        id: ContextId,
        key: Key,
        status: StatusCode,
        message: &Message,
        repeats_final: bool,
    ) {
        let Some(entry) = self.transactions.entry(key) else { return };
        let method = entry.method.clone();
        // Of an earlier try, maybe: its own INVITE is what the ACK is made of.
        let request = entry.transaction.request().clone();
        let way = (entry.flow, entry.to());
        if self.is_of_another_fork(id, key, status, message) {
            return self.progress(now, id, status, message);
        }
        let why = match self.transactions.has_heard(key, status, to_tag(message)) {
            true => Absorbed::Repeated,
            false => Absorbed::Late,
        };
        let count = self.transactions.absorb(key, why, (status, to_tag(message)));
        let response = compose::response(message, status);
        self.tell(now, id, method.clone(), Fact::Absorbed { response, why, count });
        if repeats_final && method == Method::Invite {
            // Of another fork, or of an INVITE that had failed before, it is the first to come.
            let again = why == Absorbed::Repeated || count > 1;
            self.ack_rejection(now, id, (request, way), status, message, again);
        }
    }

    /// Whether a provisional is news though a fork has accepted: another one still rings, which is
    /// waited for (RFC 3261 §13.2.2.4: early dialogs last until 64·T1 after the first 2xx), or is over
    /// (RFC 6228 §5).
    fn is_of_another_fork(
        &self,
        id: ContextId,
        key: Key,
        status: StatusCode,
        message: &Message,
    ) -> bool {
        let Some(context) = self.contexts.get(&id) else { return false };
        // What has rejected the INVITE, or an earlier try of it, has spoken for all its forks.
        let is_waited_for = context.method == Method::Invite
            && context.parent.is_none()
            && context.branch() == Some(key.branch)
            && !key.is_cancel
            && context.ended.is_none()
            && matches!(context.state, State::Accepted | State::HungUp);
        let tag = to_tag(message);
        if !is_waited_for || !status.is_provisional() || tag.is_empty() {
            return false;
        }
        let leg = context.legs.iter().find(|leg| &*leg.tag == tag && !leg.of_earlier_try);
        match leg {
            Some(leg) => leg.is_early(),
            None => !matches!(status, StatusCode::TRYING | StatusCode::EARLY_DIALOG_TERMINATED),
        }
    }

    fn drop_if_terminated(&mut self, key: Key, id: ContextId) {
        if self.transactions.entry(key).is_some_and(|entry| entry.transaction.is_terminated()) {
            self.end_transaction(key);
            self.forget_if_over(id);
        }
    }

    /// News for a context's own request.
    fn own_response(&mut self, now: Instant, id: ContextId, status: StatusCode, message: &Message) {
        self.learn_credentials(now, id, message);
        let Some(context) = self.contexts.get(&id) else { return };
        let is_invite = context.method == Method::Invite;
        if status.is_provisional() {
            self.progress(now, id, status, message);
        } else if !status.is_success() {
            self.rejected(now, id, status, message);
        } else if is_invite {
            self.invite_accepted(now, id, status, message);
        } else {
            self.accepted(now, id, status, message);
        }
    }

    fn progress(&mut self, now: Instant, id: ContextId, status: StatusCode, message: &Message) {
        let reliability = self.reliability(id, message);
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let why = match reliability {
            Reliability::Repeated => Some(Absorbed::Repeated),
            Reliability::Early { .. } => Some(Absorbed::OutOfOrder),
            Reliability::Next(_) | Reliability::Unreliable | Reliability::Broken(_) => None,
        };
        if let (Some(why), Some(branch)) = (why, context.branch()) {
            let key = Key { branch, is_cancel: false };
            let count = self.transactions.absorb(key, why, (status, to_tag(message)));
            let response = compose::response(message, status);
            return self.tell_own(now, id, Fact::Absorbed { response, why, count });
        }
        if context.state.is_pending() && context.state != State::Cancelling {
            context.state = State::Proceeding;
        }
        self.tell_own(now, id, Fact::Progress(compose::response(message, status)));
        // RFC 3261 §12.1: a provisional other than 100 with a To tag makes an early dialog;
        // RFC 6228 §4: a 199 makes none, unless its PRACK needs one.
        let ends_a_leg = status == StatusCode::EARLY_DIALOG_TERMINATED;
        let is_acknowledged = matches!(reliability, Reliability::Next(_));
        if status != StatusCode::TRYING && (!ends_a_leg || is_acknowledged) {
            self.early_leg(now, id, status, message);
        }
        // RFC 6228 §5: this leg is over, the INVITE is not.
        if ends_a_leg && let Some(tag) = message.to().ok().and_then(|to| to.tag()) {
            self.terminate_leg(now, id, tag, TerminatedBy::Response(status));
        }
        if let Reliability::Next(rseq) = reliability {
            self.refreshed_reliably(now, id, message);
            self.send_prack(now, id, rseq, message);
        }
        if let Reliability::Broken(why) = reliability {
            let detail = format!("not sent: the {status} requires 100rel, but {why}");
            self.prack_failed(now, id, detail);
        }
        let waits = |cancel: &Cancel| matches!(cancel, Cancel::Waiting(_));
        if self.contexts.get(&id).is_some_and(|context| waits(&context.cancel)) {
            self.send_cancel(now, id);
        }
    }

    /// From now on requests of the peer can find the context.
    pub(super) fn register_dialog(&mut self, id: ContextId) {
        let message = self.contexts.get(&id).and_then(|context| context.message());
        if let Some(key) = message.as_ref().and_then(DialogKey::of_ours) {
            self.dialogs.insert(key, id);
        }
    }

    fn rejected(&mut self, now: Instant, id: ContextId, status: StatusCode, message: &Message) {
        let refused = match self.goes_on(now, id, status, message) {
            Next::Again => return,
            Next::Stands(refused) => refused,
        };
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let is_invite = context.method == Method::Invite;
        // RFC 3261 §9.1: 487 is what a cancelled INVITE is answered with, and whatever else comes
        // after the CANCEL ends it as the user wished. Where none went out the cancel still keeps
        // credentials and other targets from being tried.
        let cancelled = match context.cancel {
            Cancel::No => false,
            Cancel::Waiting(_) => {
                status == StatusCode::REQUEST_TERMINATED || context.would_go_on(status)
            }
            Cancel::Lost(_) | Cancel::Sent { .. } => true,
        };
        let (state, cause) = if cancelled {
            (State::Canceled, Cause::Canceled)
        } else {
            (State::Rejected, Cause::of(status))
        };
        context.state = state;
        context.cause = Some(cause);
        let response = compose::response(message, status);
        self.tell_own(now, id, Fact::Rejected { response: response.clone(), cause });
        // Why credentials did not help says more than that they are needed; who has cancelled wants
        // no other way.
        let request = self
            .contexts
            .get(&id)
            .filter(|it| refused.is_none() && !it.is_cancelled())
            .and_then(|it| it.message());
        let advice = request.and_then(|request| advise(&request, message));
        let mut advice = advice.map(|advice| Box::new(self.for_account_of(id, advice)));
        let detail: Box<str> = refused.unwrap_or_default().into();
        let mut of_registration = detail.clone();
        if let (300..=304, Redirects::None, Some(advice)) =
            (status.code(), self.settings.redirects, &mut advice)
        {
            advice.sentence.push_str(GOES_THERE);
            of_registration = advice.sentence.as_str().into();
        }
        let failed = Fact::Failed {
            response: Some(Box::new(response)),
            cause,
            detail: detail.clone(),
            advice,
        };
        self.tell_own(now, id, failed);
        self.never_cancelled(now, id, || {
            format!("a {status} came before any provisional response")
        });
        if is_invite {
            self.ack_own_rejection(now, id, status, message);
            self.end_early_legs(now, id, TerminatedBy::Response(status));
            self.wait_for_cancel_answer(now, id);
        }
        self.finish(now, id, Some(status));
        self.register_rejected(now, id, (status, message), &of_registration);
    }

    /// The final response may overtake the answer to the CANCEL, which is worth waiting for, but
    /// not long.
    pub(super) fn wait_for_cancel_answer(&mut self, now: Instant, id: ContextId) {
        let grace = self.settings.timing.t1.saturating_mul(2);
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let after = context.is_cancel_pending().then(|| now + grace);
        let before = std::mem::replace(&mut context.deadline, after);
        self.transactions.arm_context(id, before, after);
    }

    pub(super) fn ack_own_rejection(
        &mut self,
        now: Instant,
        id: ContextId,
        status: StatusCode,
        message: &Message,
    ) {
        let Some(context) = self.contexts.get(&id) else { return };
        let way = (context.flow, context.destination());
        if let Some(request) = context.sent().cloned() {
            self.ack_rejection(now, id, (request, way), status, message, false);
        }
    }

    /// The ACK of a 300–699 belongs to the INVITE's transaction (RFC 3261 §17.1.1.3).
    fn ack_rejection(
        &mut self,
        now: Instant,
        id: ContextId,
        (invite, (flow, to)): (bytes::Bytes, (FlowId, Option<SocketAddr>)),
        status: StatusCode,
        message: &Message,
        again: bool,
    ) {
        let Ok(invite) = Message::read(invite) else { return };
        let profile = self.contexts.get(&id).and_then(|context| context.profile.as_deref());
        let name = self.settings.user_agent_of(profile);
        let bytes = compose::ack_non_2xx(&invite, message, name);
        if self.transmit(flow, to, bytes.clone()) {
            let destination = self.destination(flow, to);
            let fact = Fact::Acked { message: bytes, status, again, destination };
            self.tell(now, id, Method::Ack, fact);
        }
    }
}

/// How a redirection is followed.
const GOES_THERE: &str = "; redirects = \"best\" in the config file goes there by itself";

fn to_tag(message: &Message) -> &str {
    message.to().ok().and_then(|to| to.tag()).unwrap_or_default()
}
