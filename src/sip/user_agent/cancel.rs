//! Cancelling a pending INVITE (RFC 3261 §9.1, RFC 3326).

use std::time::Instant;

use bytes::Bytes;

use super::{
    CancelError, Size, UserAgent,
    transactions::{Key, Role},
};
use crate::sip::{
    auth::AuthState,
    cause::Cause,
    compose,
    context::{Cancel, ClientContext, Request, Waiting},
    event::{ContextId, Fact, FlowId, State},
    message::Message,
    method::Method,
    random::Branch,
    request::CancelOptions,
    status::StatusCode,
};

impl UserAgent {
    /// Cancels a pending INVITE.
    ///
    /// # Errors
    ///
    /// Where there is nothing to cancel; a sentence says why.
    pub fn cancel(
        &mut self,
        now: Instant,
        id: ContextId,
        options: CancelOptions,
    ) -> Result<(), CancelError> {
        if let Some(status) = options.status_code
            && !(200..=699).contains(&status)
        {
            return Err(CancelError::BadStatus(status));
        }
        if options.reason_phrase.as_ref().is_some_and(|text| text.chars().any(char::is_control)) {
            return Err(CancelError::BadReason);
        }
        let (method, state, is_cancelled) = match self.contexts.get(&id) {
            Some(context) => (context.method.clone(), context.state, context.is_cancelled()),
            None => match self.remembered.get(&id) {
                Some((method, state)) => (method.clone(), *state, false),
                None => return Err(CancelError::Unknown(id)),
            },
        };
        if method != Method::Invite {
            return Err(CancelError::NotInvite(method));
        }
        match state {
            State::Accepted => return Err(CancelError::Accepted),
            State::Failed if self.is_forsaken(id) => {
                return self.cancel_forsaken_again(now, id, options);
            }
            State::Sent | State::HungUp | State::Canceled | State::Rejected | State::Failed => {
                return Err(CancelError::Over(state.as_str()));
            }
            State::Cancelling => return Err(CancelError::Cancelled),
            _ if is_cancelled => return Err(CancelError::Cancelled),
            State::Waiting | State::Calling | State::Trying | State::Proceeding => {}
        }
        self.begin_cancel(now, id, state, options);
        Ok(())
    }

    fn begin_cancel(&mut self, now: Instant, id: ContextId, state: State, options: CancelOptions) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        // RFC 3261 §9.1: no CANCEL before a provisional.
        let waiting = state == State::Calling;
        context.state = State::Cancelling;
        context.cancel = match state {
            State::Waiting => Cancel::Sent { over: true },
            _ => Cancel::Waiting(Box::new(options.clone())),
        };
        let unsent = before_it_was_sent(context);
        self.tell(now, id, Method::Cancel, Fact::Cancel { options, waiting });
        match state {
            State::Waiting => {
                self.fail(now, id, State::Canceled, Cause::Canceled, unsent.to_owned());
            }
            State::Proceeding => self.send_cancel(now, id),
            _ => {}
        }
    }

    /// Sends the CANCEL that a provisional has made possible.
    pub(super) fn send_cancel(&mut self, now: Instant, id: ContextId) {
        let Some(context) = self.contexts.get(&id) else { return };
        let (Cancel::Waiting(options), Some(branch)) = (&context.cancel, context.branch()) else {
            return;
        };
        let Some(invite) = context.message() else { return };
        let name = self.settings.user_agent_of(context.profile.as_deref());
        let bytes = compose::cancel(&invite, options, name);
        self.cancel_with_bytes(now, id, branch, bytes);
    }

    /// Sends a CANCEL as it stands.
    pub(super) fn cancel_with_bytes(
        &mut self,
        now: Instant,
        id: ContextId,
        branch: Branch,
        bytes: Bytes,
    ) {
        let timing = self.settings.timing;
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let (flow, to) = (context.flow, context.destination());
        context.cancel = Cancel::Sent { over: false };
        // RFC 3261 §9.1: without a final response within 64·T1 the INVITE counts as cancelled.
        if context.state.is_pending() {
            let deadline = now + timing.patience();
            let before = context.deadline.replace(deadline);
            self.transactions.arm_context(id, before, Some(deadline));
        } else {
            self.transactions.update(Key { branch, is_cancel: false }, |it| it.forsake(now));
        }
        let key = Key { branch, is_cancel: true };
        self.send_beside(
            now,
            id,
            key,
            (Role::Cancel, Method::Cancel),
            (flow, to),
            (&bytes, AuthState::default()),
        );
        let destination = self.destination(flow, to);
        self.tell(now, id, Method::Cancel, Fact::CancelSent { message: bytes, destination });
    }

    /// The INVITE is over, and the CANCEL still waited for a provisional: it is not sent any more.
    pub(super) fn never_cancelled(
        &mut self,
        now: Instant,
        id: ContextId,
        why: impl FnOnce() -> String,
    ) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        if let Cancel::Waiting(_) = context.cancel {
            context.cancel = Cancel::Sent { over: true };
            let detail = format!("{}, so no CANCEL was sent (RFC 3261 §9.1)", why());
            self.tell(now, id, Method::Cancel, Fact::CancelFailed { detail });
        }
    }

    /// A response to the CANCEL.
    pub(super) fn cancel_response(
        &mut self,
        now: Instant,
        id: ContextId,
        status: StatusCode,
        message: &Message,
    ) {
        let response = compose::response(message, status);
        if status.is_provisional() {
            return self.tell(now, id, Method::Cancel, Fact::Progress(response));
        }
        if let Some(context) = self.contexts.get_mut(&id) {
            context.cancel = Cancel::Sent { over: true };
        }
        self.forsaken.remove(&id);
        self.tell(now, id, Method::Cancel, Fact::CancelAnswered(response));
        self.end_if_done(now, id);
    }

    /// A 2xx came although the user had cancelled: it must be ACKed, and the leg hung up
    /// (RFC 3261 §9.1, §15).
    pub(super) fn cancel_was_crossed(&mut self, now: Instant, id: ContextId, status: StatusCode) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let detail = match context.cancel {
            Cancel::No => return,
            Cancel::Waiting(_) => {
                context.cancel = Cancel::Sent { over: true };
                format!(
                    "a {status} came before any provisional response, so no CANCEL was sent: hanging up with BYE (RFC 3261 §9.1)"
                )
            }
            Cancel::Lost(_) | Cancel::Sent { .. } => {
                format!("a {status} crossed the CANCEL: hanging up with BYE (RFC 3261 §9.1)")
            }
        };
        let before = context.deadline.take();
        self.transactions.arm_context(id, before, None);
        self.tell(now, id, Method::Cancel, Fact::CancelCrossed { detail });
        let _ = self.hang_up(now, id);
    }
}

/// Why the cancel of an INVITE that waits for a flow needs no CANCEL.
fn before_it_was_sent(context: &ClientContext) -> &'static str {
    match &context.request {
        _ if matches!(context.size, Size::OnTcp { .. }) => {
            "cancelled before it was sent by TCP: the connection was not up yet"
        }
        _ if matches!(context.size, Size::Looking { .. }) => {
            "cancelled before it was sent: the TCP of its server was still being looked up"
        }
        Request::Waiting(Waiting::Elsewhere(_)) => {
            "cancelled before the next candidate of its server had it: the one before did not take it"
        }
        _ if context.flow == FlowId::NONE => {
            "cancelled before it was sent: its server was still being looked up"
        }
        _ => "cancelled before it was sent: the flow was not up yet",
    }
}
