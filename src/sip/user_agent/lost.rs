//! Requests whose connection ends before they are answered: the transport error goes to the user
//! (RFC 3261 §17.1.4, §18.4), with what is known of them. Where nothing came back the peer may have
//! had them or not, and the decision is the user's. What goes out once more by itself stands in
//! `crossed`.
//!
//! An INVITE that had a provisional is with the peer, which goes on ringing and may answer by another
//! way (§18.2.2). It has failed; a CANCEL goes out on a new connection to the same server (§9.1: the
//! same address, port and transport), and a 2xx that comes all the same is ACKed and its dialog hung up
//! (§13.2.2.4). So its context ends with the final response, or 64·T1 after the CANCEL (§9.1).

use std::time::Instant;

use bytes::Bytes;

use super::{CancelError, Output, UserAgent, transactions::Key};
use crate::sip::{
    advice,
    context::{Cancel, ClientContext},
    event::{Advice, ContextId, Fact, FlowId, State},
    method::Method,
    request::CancelOptions,
    status::StatusCode,
};

impl UserAgent {
    /// The retry of a request that went out on a connection and was not answered there; the user
    /// decides, because the peer may do twice what it has had twice. `progress` is what came of it.
    pub(super) fn retry_of_lost(
        &self,
        id: ContextId,
        progress: Option<StatusCode>,
    ) -> Option<Box<Advice>> {
        let context = self.contexts.get(&id)?;
        let is_kept = self.registrations.is_served_by(id);
        if is_kept || context.is_cancelled() || context.method == Method::Bye {
            return None;
        }
        let request = context.message().filter(|_| self.was_lost(context))?;
        let method = &context.method;
        let sentence = match progress {
            None => format!(
                "whether the peer has had the {method} cannot be known: send it again where it does no harm twice (RFC 3261 §17.1.4)"
            ),
            Some(status) => {
                let reason = status.canonical_reason();
                let was_at =
                    format!("the peer has had the {method}: it answered {status} {reason}");
                let was_at = was_at.trim_end();
                match is_own_invite(context) {
                    true => format!(
                        "{was_at}, so a CANCEL follows on a new connection, and a 2xx that comes within 64·T1 is acknowledged and hung up as long as this program runs (RFC 3261 §9.1, §13.2.2.4)"
                    ),
                    false => format!(
                        "{was_at}, and what came of it cannot be heard any more: send it again where it does no harm twice (RFC 3261 §17.1.4)"
                    ),
                }
            }
        };
        let advice = Advice { sentence, retry: Some(advice::again(&request)?) };
        Some(Box::new(self.for_account_of(id, advice)))
    }

    /// Whether a request went out on a connection that is gone.
    fn was_lost(&self, context: &ClientContext) -> bool {
        let flow = self.flows.flow(context.flow);
        context.sent().is_some()
            && flow.is_some_and(|flow| flow.transport.is_reliable())
            && !self.flows.is_up(context.flow)
    }

    /// Whether a connection that was there is gone.
    pub(super) fn is_gone(&self, flow: FlowId) -> bool {
        self.flows.flow(flow).is_some_and(|it| it.transport.is_reliable())
            && !self.flows.is_up(flow)
    }

    /// A transport error ends the transaction of a context (RFC 3261 §17.1.4), but for that of an INVITE
    /// which the peer has: then the second is true. Gives its last provisional.
    pub(super) fn forsake(&mut self, now: Instant, id: ContextId) -> (Option<StatusCode>, bool) {
        let Some(context) = self.contexts.get(&id) else { return (None, false) };
        let Some(branch) = context.branch() else { return (None, false) };
        let (key, is_invite) = (Key { branch, is_cancel: false }, is_own_invite(context));
        let progress = self.transactions.entry(key).and_then(|entry| entry.transaction.progress());
        let is_forsaken =
            is_invite && self.transactions.update(key, |it| it.forsake(now)) == Some(true);
        if !is_forsaken {
            self.end_transaction(key);
        }
        (progress, is_forsaken)
    }

    /// Whether the context of an INVITE has failed with its connection and waits for the final response.
    pub(super) fn is_forsaken(&self, id: ContextId) -> bool {
        self.forsaken_key(id).is_some()
    }

    /// The transaction that waits for it.
    pub(super) fn forsaken_key(&self, id: ContextId) -> Option<Key> {
        let context = self.contexts.get(&id).filter(|context| context.state == State::Failed)?;
        let key = Key { branch: context.branch()?, is_cancel: false };
        self.transactions.entry(key)?.transaction.is_forsaken().then_some(key)
    }

    /// An INVITE that the peer has is over: whatever comes of it is hung up, and a CANCEL goes out on a
    /// new connection, where the one that is gone was one.
    pub(super) fn end_forsaken(&mut self, id: ContextId, cancel: Option<Bytes>) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        context.want_none();
        let flow = context.flow;
        // Who has answered a CANCEL needs no other.
        let is_owed = cancel.is_some() || !context.is_cancelled();
        if !is_owed {
            return;
        }
        if !self.is_gone(flow) {
            return self.may_be_cancelled_again(id, cancel);
        }
        if let Some(context) = self.contexts.get_mut(&id) {
            context.cancel = Cancel::Waiting(Box::default());
            self.forsaken.insert(id, cancel);
            self.output.push_back(Output::Reconnect(flow));
        }
    }

    /// Its CANCEL could not be sent, or has been lost: the user may try once more.
    pub(super) fn may_be_cancelled_again(&mut self, id: ContextId, cancel: Option<Bytes>) {
        if self.is_forsaken(id)
            && let Some(context) = self.contexts.get_mut(&id)
        {
            context.cancel = cancel.map_or(Cancel::No, |cancel| Cancel::Lost(Box::new(cancel)));
            self.forsaken.remove(&id);
        }
    }

    /// The user does. What went before goes again as it stands: with its branch it is no other request
    /// (RFC 3261 §17.2.3).
    pub(super) fn cancel_forsaken_again(
        &mut self,
        now: Instant,
        id: ContextId,
        options: CancelOptions,
    ) -> Result<(), CancelError> {
        let Some(context) = self.contexts.get_mut(&id) else {
            return Err(CancelError::Unknown(id));
        };
        let (cancel, options) = match &context.cancel {
            Cancel::No => (None, options),
            Cancel::Lost(cancel) => (Some((**cancel).clone()), CancelOptions::default()),
            Cancel::Waiting(_) | Cancel::Sent { .. } => return Err(CancelError::Forsaken),
        };
        context.cancel = Cancel::Waiting(Box::new(options.clone()));
        let flow = context.flow;
        self.forsaken.insert(id, cancel);
        self.tell(now, id, Method::Cancel, Fact::Cancel { options, waiting: false });
        match self.flows.is_up(flow) {
            true => self.cancel_forsaken(now, id),
            false => self.output.push_back(Output::Reconnect(flow)),
        }
        Ok(())
    }

    /// The peer has rejected it after all: no CANCEL is owed any more.
    pub(super) fn forsaken_is_rejected(&mut self, now: Instant, id: ContextId) {
        self.forsaken.remove(&id);
        self.wait_for_cancel_answer(now, id);
        self.end_if_done(now, id);
    }

    /// No final response has come.
    pub(super) fn forsaken_is_over(&mut self, now: Instant, id: ContextId) {
        let seconds = self.settings.timing.patience().as_secs_f64();
        let why = format!("no connection within {seconds} s (64·T1)");
        self.forsaken_cannot_be_cancelled(now, id, &why);
    }

    /// The connection is there again: the CANCEL goes out.
    pub(super) fn cancel_forsaken(&mut self, now: Instant, id: ContextId) {
        let Some(before) = self.forsaken.get_mut(&id).map(Option::take) else { return };
        let Some(branch) = self.contexts.get(&id).and_then(|context| context.branch()) else {
            return;
        };
        let entry = self.transactions.entry(Key { branch, is_cancel: false });
        match before {
            // It has been rejected meanwhile.
            _ if entry.is_none_or(|entry| !entry.transaction.is_forsaken()) => {
                self.forsaken.remove(&id);
            }
            Some(cancel) => self.cancel_with_bytes(now, id, branch, cancel),
            None => self.send_cancel(now, id),
        }
    }

    /// It could not be made again.
    pub(super) fn forsaken_cannot_be_cancelled(
        &mut self,
        now: Instant,
        id: ContextId,
        reason: &str,
    ) {
        let Some(cancel) = self.forsaken.remove(&id) else { return };
        let Some(context) = self.contexts.get_mut(&id) else { return };
        if let Cancel::Waiting(_) = context.cancel {
            context.cancel = cancel.map_or(Cancel::No, |cancel| Cancel::Lost(Box::new(cancel)));
            let detail = format!("{reason}, so no CANCEL was sent");
            self.tell(now, id, Method::Cancel, Fact::CancelFailed { detail });
        }
    }
}

/// Whether it is an INVITE that makes a dialog of its own.
fn is_own_invite(context: &ClientContext) -> bool {
    context.method == Method::Invite && context.parent.is_none()
}
