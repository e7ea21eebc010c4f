//! What could not be sent: a message that the system refused, a datagram that nobody took (ICMP), and
//! what fails by it (RFC 3261 §17.1.4, §18.4).

use std::{net::SocketAddr, time::Instant};

use bytes::Bytes;

use super::{
    Output, Transmit, UserAgent,
    next_hop::Peer,
    transactions::{Key, Role},
};
use crate::sip::{
    cause::Cause,
    context::{Cancel, Request},
    event::{ContextId, Event, Fact, FlowId, State},
    message::Message,
    method::Method,
};

impl UserAgent {
    /// Bytes that [`UserAgent::poll_output`] gave out could not be sent (too large, or nowhere to
    /// put them): the request that they are fails, and no other (RFC 3261 §18.4). Called before more
    /// output is taken, so that nothing says that they went. `reason` is a sentence.
    pub fn transmit_failed(&mut self, now: Instant, transmit: &Transmit, reason: &str) {
        self.take_back(now, &transmit.bytes, reason);
        if let Some(id) = self.find_unmatched(transmit.flow, &transmit.bytes) {
            return self.transport_error(now, id, reason);
        }
        let Ok(message) = Message::read(transmit.bytes.clone()) else { return };
        if let Ok(key) = self.find_transaction(transmit.flow, &message) {
            self.sending_failed(now, key, reason);
        }
    }

    /// What would be told next, that these bytes went, is not told: they did not.
    fn take_back(&mut self, now: Instant, bytes: &Bytes, reason: &str) {
        let is_it = |output: &Output| match output {
            Output::Event(Event::Context(event)) => {
                event.fact.is_ours() && event.fact.message() == Some(bytes)
            }
            _ => false,
        };
        // It is told before anything else is sent.
        let next = self.output.iter().take_while(|it| !matches!(it, Output::Transmit(_)));
        let Some(place) = next.into_iter().position(is_it) else { return };
        let Some(Output::Event(Event::Context(event))) = self.output.remove(place) else { return };
        let detail = reason.to_owned();
        match event.fact {
            Fact::Sent { .. } | Fact::Retransmitted { .. } => {
                if let Some(context) = self.contexts.get_mut(&event.context)
                    && let Request::Sent { bytes: own, attempts, .. } = &mut context.request
                    && own == bytes
                {
                    *attempts = attempts.saturating_sub(1);
                }
            }
            Fact::Acked { .. } => {
                self.tell(now, event.context, Method::Ack, Fact::AckFailed { detail });
            }
            Fact::Answered { .. } => {
                self.tell(now, event.context, event.method, Fact::AnswerFailed { detail });
            }
            _ => {}
        }
    }

    /// A datagram could not be sent, or an ICMP error came for it (RFC 3261 §18.4): the requests
    /// that are being sent fail, and those that wait for a peer that has them do not. The flow has
    /// failed (RFC 5626 §4.4): what is registered on it waits for [`UserAgent::try_flow`].
    pub fn flow_error(&mut self, now: Instant, flow: FlowId, reason: &str) {
        self.flows.refuse(flow, true);
        self.sendings_fail(now, flow, None, reason);
        for id in self.unmatched_on(flow) {
            self.transport_error(now, id, reason);
        }
        self.registrations_wait(now, flow);
    }

    /// [`UserAgent::flow_error`] for what went to an address that is not the flow's peer: nothing
    /// else fails.
    pub fn datagram_refused(&mut self, now: Instant, flow: FlowId, to: SocketAddr, reason: &str) {
        self.sendings_fail(now, flow, Some(to), reason);
    }

    /// Where a datagram goes that is sent `to` an address on a flow; `None` for the flow's peer, and
    /// where that is not known.
    pub(super) fn elsewhere(&self, flow: FlowId, to: Option<SocketAddr>) -> Option<SocketAddr> {
        let peer = self.flows.flow(flow).and_then(|flow| flow.peer.as_ref()).map(Peer::address);
        to.filter(|to| peer.is_some_and(|peer| peer != *to))
    }

    fn sendings_fail(&mut self, now: Instant, flow: FlowId, to: Option<SocketAddr>, reason: &str) {
        self.refusals.note(now, (flow, to), reason);
        self.acks_go_on(now, (flow, to));
        for key in self.transactions.sending(flow) {
            let went = self.transactions.entry(key).and_then(|entry| entry.to());
            if self.elsewhere(flow, went) != to {
                continue;
            }
            let Some(entry) = self.transactions.entry(key) else { continue };
            let (id, role, request) =
                (entry.context, entry.role, entry.transaction.request().clone());
            if role == Role::Prack && self.prack_elsewhere(now, id, key) {
                continue;
            }
            self.sending_failed(now, key, reason);
            // RFC 3261 §18.4, §17.1.4: an ICMP error ends the transaction of the CANCEL, and Timer E with
            // it. Who cannot be told of the CANCEL mostly cannot be heard either: the INVITE has failed
            // too, and its final response is waited for, for 64·T1 (§9.1).
            if role == Role::Cancel
                && self.contexts.get(&id).is_some_and(|context| context.state.is_pending())
            {
                self.connection_error(now, id, reason, Some(request));
            }
        }
    }

    /// The PRACKs whose INVITE rides on another flow fail with their own.
    pub(super) fn pracks_fail(&mut self, now: Instant, flow: FlowId, reason: &str) {
        for key in self.transactions.sending(flow) {
            let entry = self.transactions.entry(key).filter(|entry| entry.role == Role::Prack);
            let context = entry.and_then(|entry| self.contexts.get(&entry.context));
            if context.is_some_and(|context| context.flow != flow) {
                self.sending_failed(now, key, reason);
            }
        }
    }

    /// A transport error fails a request that is being sent (RFC 3261 §17.1.4).
    fn sending_failed(&mut self, now: Instant, key: Key, reason: &str) {
        let Some(entry) = self.transactions.entry(key).filter(|e| e.transaction.is_sending())
        else {
            return;
        };
        let id = entry.context;
        match entry.role {
            Role::Own => self.transport_error(now, id, reason),
            Role::Cancel => drop(self.cancel_transport_error(now, id, reason)),
            Role::Prack => {
                self.end_transaction(key);
                self.prack_failed(now, id, reason.to_owned());
                // The INVITE may have ended before, and have waited for this alone.
                self.forget_if_over(id);
            }
        }
    }

    pub(super) fn transport_error(&mut self, now: Instant, id: ContextId, reason: &str) {
        self.connection_error(now, id, reason, None);
    }

    /// The connection of a request is gone, or it could not be sent; `cancel` is the CANCEL that may
    /// have been lost with it.
    pub(super) fn connection_error(
        &mut self,
        now: Instant,
        id: ContextId,
        reason: &str,
        cancel: Option<Bytes>,
    ) {
        let (progress, is_forsaken) = self.forsake(now, id);
        // Where an INVITE is with its peer already, no other peer is to ring beside it.
        let goes_on = !is_forsaken
            && (self.back_to_udp(now, id, reason)
                || self.fail_over(now, id, reason)
                || self.next_target_after(now, id, reason)
                || self.refused_goes_with_dialog(now, id, reason, progress)
                || self.back_to_dialog(now, id, reason));
        if !goes_on {
            let advice = self.retry_of_lost(id, progress);
            let failed = (State::Failed, Cause::ConnectionError, reason.to_owned());
            self.fail_with(now, id, failed, advice);
            if is_forsaken {
                self.end_forsaken(id, cancel);
            }
            self.forget_if_over(id);
        }
    }

    /// The CANCEL cannot arrive any more; the INVITE may still be answered. Gives it, where it was on
    /// its way.
    pub(super) fn cancel_transport_error(
        &mut self,
        now: Instant,
        id: ContextId,
        reason: &str,
    ) -> Option<Bytes> {
        let context = self.contexts.get_mut(&id).filter(|context| context.is_cancel_pending())?;
        let key = Key { branch: context.branch()?, is_cancel: true };
        context.cancel = Cancel::Sent { over: true };
        let cancel = self.transactions.entry(key).map(|entry| entry.transaction.request().clone());
        self.end_transaction(key);
        let fact = Fact::CancelFailed { detail: reason.to_owned() };
        self.tell(now, id, Method::Cancel, fact);
        self.may_be_cancelled_again(id, cancel.clone());
        self.end_if_done(now, id);
        // It may have ended before, and have waited for this alone.
        self.forget_if_over(id);
        cancel
    }
}
