//! What a response does to the context whose request it answers.

use std::{net::SocketAddr, time::Instant};

use super::{
    DialogKey, UserAgent, hang_up::leg_and_invite, sending::destination, transactions::Key,
};
use crate::sip::{
    cause::Cause,
    compose::{self, InDialog},
    context::Cancel,
    dialog::Leg,
    event::{ContextId, Fact, FlowId, LegState, State},
    header::HeaderError,
    message::{Essentials, Message},
    method::Method,
    name::HeaderName,
    random::Branch,
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
        let Some(status) = message.status() else { return };
        let key = match self.find_transaction(message) {
            Ok(key) => key,
            Err(why) => {
                let problem = format!("{source} sent a {status} response that is not ours: {why}");
                return self.stray(now, flow, message.bytes().clone(), problem);
            }
        };
        let Some(entry) = self.transactions.entry(key) else { return };
        let id = entry.context;
        let outcome = self.transactions.update(key, |t| t.handle_response(now, status));
        match outcome {
            Some(ResponseOutcome::Deliver) if key.is_cancel => {
                self.cancel_response(now, id, status, message);
            }
            Some(ResponseOutcome::Deliver) => self.own_response(now, id, status, message),
            Some(ResponseOutcome::Absorb) => self.absorb(now, id, key, status, message, true),
            Some(ResponseOutcome::Ignore) => self.absorb(now, id, key, status, message, false),
            None => {}
        }
        self.drop_if_terminated(key, id);
    }

    fn find_transaction(&self, message: &Message) -> Result<Key, String> {
        let Essentials { via, cseq, .. } =
            message.essentials().map_err(|error: HeaderError| error.to_string())?;
        // RFC 3261 §8.1.3.3: more than one Via means that it was meant for somebody else.
        if message.list(HeaderName::Via).nth(1).is_some() {
            return Err("it has more than one Via (RFC 3261 §8.1.3.3)".to_owned());
        }
        let Some(branch) = via.branch() else {
            return Err("its top Via has no branch".to_owned());
        };
        let key = Branch::parse(branch)
            .map(|branch| Key { branch, is_cancel: cseq.method == "CANCEL" })
            .filter(|key| {
                let entry = self.transactions.entry(*key);
                entry.is_some_and(|entry| entry.method.as_str() == cseq.method)
            });
        key.ok_or_else(|| {
            format!("no {} with the branch {branch} is under way (RFC 3261 §17.1.3)", cseq.method)
        })
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
        let fact = Fact::Absorbed(compose::response(message, status));
        self.tell(now, id, method.clone(), fact);
        if repeats_final && method == Method::Invite {
            self.ack_rejection(now, id, status, message, true);
        }
    }

    fn drop_if_terminated(&mut self, key: Key, id: ContextId) {
        if self.transactions.entry(key).is_some_and(|entry| entry.transaction.is_terminated()) {
            self.transactions.remove(key);
            self.forget_if_over(id);
        }
    }

    /// News for a context's own request.
    fn own_response(&mut self, now: Instant, id: ContextId, status: StatusCode, message: &Message) {
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
        let Some(context) = self.contexts.get_mut(&id) else { return };
        if context.state != State::Cancelling {
            context.state = State::Proceeding;
        }
        self.tell_own(now, id, Fact::Progress(compose::response(message, status)));
        // RFC 3261 §12.1: a provisional other than 100 with a To tag makes an early dialog.
        if status != StatusCode::TRYING {
            self.early_leg(now, id, message);
        }
        let waits = |cancel: &Cancel| matches!(cancel, Cancel::Waiting(_));
        if self.contexts.get(&id).is_some_and(|context| waits(&context.cancel)) {
            self.send_cancel(now, id);
        }
    }

    fn early_leg(&mut self, now: Instant, id: ContextId, message: &Message) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        if context.method != Method::Invite {
            return;
        }
        let Some(new) = new_leg(context.message().as_ref(), message) else { return };
        if let Some(leg) = context.leg_mut(&new.tag) {
            if leg.state == LegState::Early {
                leg.learn(message);
            }
            return;
        }
        let tag = new.tag.clone();
        context.legs.push(new);
        self.register_dialog(id);
        self.tell_own(now, id, Fact::Leg { tag, state: LegState::Early });
    }

    /// From now on requests of the peer can find the context.
    fn register_dialog(&mut self, id: ContextId) {
        let message = self.contexts.get(&id).and_then(|context| context.message());
        if let Some(key) = message.as_ref().and_then(DialogKey::of_ours) {
            self.dialogs.insert(key, id);
        }
    }

    fn rejected(&mut self, now: Instant, id: ContextId, status: StatusCode, message: &Message) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let is_invite = context.method == Method::Invite;
        // RFC 3261 §9.1: 487 is what a cancelled INVITE is answered with.
        let cancelled = context.is_cancelled() && status == StatusCode::REQUEST_TERMINATED;
        let (state, cause) = if cancelled {
            (State::Canceled, Cause::Canceled)
        } else {
            (State::Rejected, Cause::of(status))
        };
        context.state = state;
        context.cause = Some(cause);
        if let Cancel::Waiting(_) = context.cancel {
            context.cancel = Cancel::Sent { over: true };
        }
        let response = compose::response(message, status);
        self.tell_own(now, id, Fact::Rejected { response: response.clone(), cause });
        let detail = format!("{status} {}", response.reason());
        self.tell_own(now, id, Fact::Failed { response: Some(response), cause, detail });
        if is_invite {
            self.ack_rejection(now, id, status, message, false);
            self.end_early_legs(now, id);
            self.wait_for_cancel_answer(now, id);
        }
        self.finish(now, id);
    }

    /// The final response may overtake the answer to the CANCEL, which is worth waiting for, but
    /// not long.
    fn wait_for_cancel_answer(&mut self, now: Instant, id: ContextId) {
        let grace = self.settings.timing.t1.saturating_mul(2);
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let after = context.is_cancel_pending().then(|| now + grace);
        let before = std::mem::replace(&mut context.deadline, after);
        self.transactions.arm_context(id, before, after);
    }

    /// The ACK of a 300–699 belongs to the INVITE's transaction (RFC 3261 §17.1.1.3).
    fn ack_rejection(
        &mut self,
        now: Instant,
        id: ContextId,
        status: StatusCode,
        message: &Message,
        again: bool,
    ) {
        let Some(context) = self.contexts.get(&id) else { return };
        let Some(invite) = context.message() else { return };
        let (flow, to) = (context.flow, context.destination());
        let bytes = compose::ack_non_2xx(&invite, message, &self.settings.user_agent);
        self.transmit(flow, to, bytes.clone());
        self.tell(now, id, Method::Ack, Fact::Acked { message: bytes, status, again });
    }

    fn accepted(&mut self, now: Instant, id: ContextId, status: StatusCode, message: &Message) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        context.state = State::Accepted;
        context.cause = Some(Cause::Accepted);
        let response = compose::response(message, status);
        self.tell_own(now, id, Fact::Accepted { response, again: false });
        self.finish(now, id);
    }

    /// Each 2xx, from every fork, and each of its retransmissions is ACKed (RFC 3261 §13.2.2.4).
    fn invite_accepted(
        &mut self,
        now: Instant,
        id: ContextId,
        status: StatusCode,
        message: &Message,
    ) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let invite = context.message();
        let Some(new) = new_leg(invite.as_ref(), message) else {
            return self.tagless_2xx(now, id, status, message);
        };
        let tag = new.tag.clone();
        let response = compose::response(message, status);
        let known = context.leg_mut(&tag);
        if let Some(ack) = known.as_ref().and_then(|leg| leg.ack.clone()) {
            self.tell_own(now, id, Fact::Accepted { response, again: true });
            return self.transmit_ack(now, id, ack, status, true);
        }
        match known {
            Some(leg) => {
                leg.learn(message);
                leg.state = LegState::Confirmed;
            }
            None => context.legs.push(Leg { state: LegState::Confirmed, ..new }),
        }
        context.cause = Some(Cause::Accepted);
        context.state = State::Accepted;
        // A late fork brings a context back that had ended with its other legs.
        if context.ended.take().is_some() {
            self.open_calls += 1;
        }
        self.register_dialog(id);
        self.tell_own(now, id, Fact::Accepted { response, again: false });
        self.tell_own(now, id, Fact::Leg { tag: tag.clone(), state: LegState::Confirmed });
        self.ack_2xx(now, id, &tag, status, message);
        self.cancel_was_crossed(now, id, status);
    }

    /// A 2xx without a To tag makes no dialog (RFC 3261 §12.1): there is nothing to ACK or hang up.
    fn tagless_2xx(&mut self, now: Instant, id: ContextId, status: StatusCode, message: &Message) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let again = context.state == State::Accepted;
        if !again {
            context.state = State::Accepted;
            context.cause = Some(Cause::Accepted);
        }
        let response = compose::response(message, status);
        self.tell_own(now, id, Fact::Accepted { response, again });
        self.end_if_done(now, id);
    }

    fn ack_2xx(
        &mut self,
        now: Instant,
        id: ContextId,
        tag: &str,
        status: StatusCode,
        message: &Message,
    ) {
        // RFC 3261 §13.2.2.4: the ACK is a transaction of its own, so it has a branch of its own.
        let branch = self.new_branch();
        let Some(context) = self.contexts.get(&id) else { return };
        // Where the flow broke in between, the peer's next retransmission brings another chance.
        let Some((transport, sent_by)) = self.address(context.flow) else { return };
        let Some((leg, invite)) = leg_and_invite(context, tag) else { return };
        let route = InDialog::new(leg);
        let sender = self.sender(transport, &sent_by);
        let bytes = route.ack(leg, &invite, &sender, branch, message);
        let to = destination(transport, &route);
        if let Some(leg) = self.contexts.get_mut(&id).and_then(|context| context.leg_mut(tag)) {
            leg.ack = Some((bytes.clone(), to));
        }
        self.transmit_ack(now, id, (bytes, to), status, false);
    }

    fn transmit_ack(
        &mut self,
        now: Instant,
        id: ContextId,
        (message, to): (bytes::Bytes, Option<SocketAddr>),
        status: StatusCode,
        again: bool,
    ) {
        let Some(context) = self.contexts.get(&id) else { return };
        self.transmit(context.flow, to, message.clone());
        self.tell(now, id, Method::Ack, Fact::Acked { message, status, again });
    }
}

fn new_leg(invite: Option<&Message>, response: &Message) -> Option<Leg> {
    let invite = invite?;
    Leg::new(response, invite.request_uri()?, invite.cseq().ok()?.number)
}
