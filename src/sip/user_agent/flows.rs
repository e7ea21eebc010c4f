//! Flows as the user agent knows them: their state, their address, and who rides on them.

use std::{
    collections::{BTreeSet, HashMap},
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{
    Output, Transmit, UserAgent,
    errands::is_errand,
    next_hop::Peer,
    transactions::{Key, Role},
};
use crate::sip::{
    cause::Cause,
    context::{Cancel, Request},
    event::{ContextId, Event, Fact, FlowId, State, TerminatedBy},
    header::Via,
    message::Message,
    method::Method,
    transport::Transport,
};

/// All flows.
#[derive(Debug, Default)]
pub(super) struct Flows {
    flows: HashMap<FlowId, Flow>,
}

/// One flow.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) transport: Transport,
    pub(super) state: FlowState,
    /// Where it leads, where that is known.
    pub(super) peer: Option<Peer>,
    pub(super) keeps_alive: bool,
    /// How often the peer wants it to be kept alive.
    interval: Option<Duration>,
    /// The contexts that ride on it, in the order in which they came.
    riders: BTreeSet<ContextId>,
}

/// Its state.
#[derive(Debug)]
pub(super) enum FlowState {
    Connecting,
    Up {
        since: Instant,
        /// What Via says.
        sent_by: Box<str>,
        /// Where the peer has seen us, where that is somewhere else (RFC 3581 §4).
        seen: Option<SocketAddr>,
    },
    Down {
        reason: Box<str>,
    },
}

/// How a flow stood before it went down.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stood {
    pub(super) since: Instant,
    /// Where the peer had seen us.
    pub(super) seen: Option<SocketAddr>,
}

impl Flows {
    pub(super) fn flow(&self, flow: FlowId) -> Option<&Flow> {
        self.flows.get(&flow)
    }

    /// The state of a flow of that transport.
    pub(super) fn state_mut(
        &mut self,
        flow: FlowId,
        transport: Transport,
    ) -> Option<&mut FlowState> {
        let flow = self.flows.get_mut(&flow).filter(|flow| flow.transport == transport)?;
        Some(&mut flow.state)
    }

    pub(super) fn is_up(&self, flow: FlowId) -> bool {
        self.flow(flow).is_some_and(|flow| matches!(flow.state, FlowState::Up { .. }))
    }

    pub(super) fn leads_to(&mut self, flow: FlowId, peer: Peer) {
        if let Some(flow) = self.flows.get_mut(&flow) {
            flow.peer = Some(peer);
        }
    }

    pub(super) fn keeps_alive(&mut self, flow: FlowId, keeps_alive: bool) {
        if let Some(flow) = self.flows.get_mut(&flow) {
            flow.keeps_alive = keeps_alive;
        }
    }

    /// The peer wants that interval. Gives whether that is news for a flow that is kept alive.
    pub(super) fn learn_interval(&mut self, flow: FlowId, interval: Duration) -> bool {
        let Some(flow) = self.flows.get_mut(&flow).filter(|flow| flow.keeps_alive) else {
            return false;
        };
        flow.interval.replace(interval) != Some(interval)
    }

    pub(super) fn join(&mut self, flow: FlowId, context: ContextId) {
        if let Some(flow) = self.flows.get_mut(&flow) {
            flow.riders.insert(context);
        }
    }

    pub(super) fn leave(&mut self, flow: FlowId, context: ContextId) {
        if let Some(flow) = self.flows.get_mut(&flow) {
            flow.riders.remove(&context);
        }
    }

    /// Whether a Via names us on that flow.
    pub(super) fn is_sent_by(&self, flow: FlowId, via: &Via<'_>) -> bool {
        let Some(Flow { state: FlowState::Up { sent_by, .. }, .. }) = self.flows.get(&flow) else {
            return false;
        };
        match (sent_by.strip_prefix(via.host()), via.port()) {
            (Some(""), None) => true,
            (Some(rest), Some(port)) => {
                rest.strip_prefix(':').is_some_and(|ours| ours.parse() == Ok(port))
            }
            _ => false,
        }
    }

    pub(super) fn riders_len(&self) -> usize {
        self.flows.values().map(|flow| flow.riders.len()).sum()
    }

    fn has_riders(&self, flow: FlowId) -> bool {
        self.flows.get(&flow).is_some_and(|flow| !flow.riders.is_empty())
    }

    fn riders(&self, flow: FlowId) -> Vec<ContextId> {
        self.flows.get(&flow).map(|flow| flow.riders.iter().copied().collect()).unwrap_or_default()
    }
}

impl UserAgent {
    /// A flow is being made. Requests on it wait in [`State::Waiting`](crate::sip::State) until
    /// [`UserAgent::flow_up`] or [`UserAgent::flow_down`]. Naming a flow again after it went down
    /// makes its new requests wait again.
    pub fn flow_connecting(&mut self, flow: FlowId, transport: Transport) {
        let flow = self.flows.flows.entry(flow).or_insert_with(|| Flow {
            transport,
            state: FlowState::Connecting,
            peer: None,
            keeps_alive: false,
            interval: None,
            riders: BTreeSet::new(),
        });
        flow.state = FlowState::Connecting;
        flow.interval = None;
    }

    /// The flow is up: what waits on it is sent. `local` goes into Via and Contact, except on
    /// WebSocket, where a browser-like client has no address to name (RFC 7118 §5.2.1).
    pub fn flow_up(&mut self, now: Instant, flow: FlowId, local: SocketAddr) {
        let host = self.identifiers.invalid_host();
        let Some(entry) = self.flows.flows.get_mut(&flow) else { return };
        let sent_by = if entry.transport.is_websocket() { host } else { local.to_string() };
        entry.state = FlowState::Up { since: now, sent_by: sent_by.into(), seen: None };
        // What acknowledges comes before what ends.
        let (errands, contexts): (Vec<_>, Vec<_>) =
            self.flows.riders(flow).into_iter().partition(|id| is_errand(*id));
        errands.into_iter().for_each(|errand| self.deliver(now, errand, flow));
        contexts.into_iter().for_each(|context| self.send_waiting(now, context));
        self.register_on(now, flow);
    }

    /// The flow could not be made or broke: what is pending on it fails with `Connection Error`
    /// (RFC 3261 §17.1.4, §18.4), except for what has crossed the end of a connection: that is sent
    /// once more ([`Output::Reconnect`]). Dialogs outlive a flow. `reason`
    /// is a sentence with the address.
    pub fn flow_down(&mut self, now: Instant, flow: FlowId, reason: &str) {
        let seen = self.seen(flow);
        let Some(entry) = self.flows.flows.get_mut(&flow) else { return };
        let down = FlowState::Down { reason: reason.into() };
        let stood = match std::mem::replace(&mut entry.state, down) {
            FlowState::Up { since, .. } => Some(Stood { since, seen }),
            FlowState::Connecting | FlowState::Down { .. } => None,
        };
        self.auth.forget(flow);
        for context in self.flows.riders(flow) {
            if is_errand(context) {
                self.errand_failed(now, context, reason);
                continue;
            }
            if stood.is_some_and(|stood| self.send_over(now, flow, &stood, context, reason)) {
                continue;
            }
            self.cancel_transport_error(now, context, reason);
            // No further fork can be heard of.
            if self.contexts.get(&context).is_some_and(|c| c.state == State::HungUp) {
                self.end_early_legs(now, context, TerminatedBy::Transport);
            }
            let fails = |state: State| state.is_pending() || state == State::Sent;
            let open = self.contexts.get(&context).filter(|context| context.ended.is_none());
            let Some((fails, is_up)) = open.map(|it| (fails(it.state), it.legs_up() > 0)) else {
                continue;
            };
            if fails {
                self.transport_error(now, context, reason);
            } else if is_up && stood.is_some() {
                self.connection_lost(now, context, reason);
            }
        }
        self.pracks_fail(now, flow, reason);
        self.registrations_wait(now, flow);
    }

    /// RFC 3261 §12, §18.1.1: a dialog has no connection of its own, and its next request opens one.
    fn connection_lost(&mut self, now: Instant, id: ContextId, reason: &str) {
        let detail = format!(
            "{reason}; the dialog is not over by that, its next request opens another (RFC 3261 §18.1.1)"
        );
        self.tell_own(now, id, Fact::ConnectionLost { detail });
    }

    /// A connection that a peer made is over and will not come again: nothing is kept of it.
    pub fn forget_flow(&mut self, flow: FlowId) {
        if !self.flows.has_riders(flow) {
            self.flows.flows.remove(&flow);
            self.refusals.forget(flow);
        }
    }

    /// Something of a context came on a flow: told where that is another than its own, and than the
    /// one before.
    pub(super) fn heard_on(&mut self, now: Instant, id: ContextId, flow: FlowId) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let other = (flow != context.flow).then_some(flow);
        if std::mem::replace(&mut context.heard_on, other) != other && other.is_some() {
            self.tell_own(now, id, Fact::CameOver { flow });
        }
    }

    /// Forgets a flow that nothing rides on, and no registration is kept on; gives whether it is so.
    pub fn end_flow(&mut self, flow: FlowId) -> bool {
        if self.flows.has_riders(flow) || self.registrations.has(flow) {
            return false;
        }
        self.flows.flows.remove(&flow);
        self.refusals.forget(flow);
        self.auth.forget(flow);
        true
    }

    /// The transport of a flow that has been named.
    pub fn transport_of(&self, flow: FlowId) -> Option<Transport> {
        self.flows.flow(flow).map(|flow| flow.transport)
    }

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
    /// that are being sent fail, and those that wait for a peer that has them do not.
    pub fn flow_error(&mut self, now: Instant, flow: FlowId, reason: &str) {
        self.sendings_fail(now, flow, None, reason);
        for id in self.unmatched_on(flow) {
            self.transport_error(now, id, reason);
        }
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
            let told = self.transactions.entry(key).map(|entry| (entry.context, entry.role));
            if let Some((id, Role::Prack)) = told
                && self.prack_elsewhere(now, id, key)
            {
                continue;
            }
            self.sending_failed(now, key, reason);
            // Who cannot be told of the CANCEL cannot be heard either.
            if let Some((id, Role::Cancel)) = told
                && self.contexts.get(&id).is_some_and(|context| context.state.is_pending())
            {
                self.transport_error(now, id, reason);
            }
        }
    }

    /// The PRACKs whose INVITE rides on another flow fail with their own.
    fn pracks_fail(&mut self, now: Instant, flow: FlowId, reason: &str) {
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
            Role::Cancel => self.cancel_transport_error(now, id, reason),
            Role::Prack => {
                self.end_transaction(key);
                self.prack_failed(now, id, reason.to_owned());
                // The INVITE may have ended before, and have waited for this alone.
                self.forget_if_over(id);
            }
        }
    }

    pub(super) fn transport_error(&mut self, now: Instant, id: ContextId, reason: &str) {
        if let Some(branch) = self.contexts.get(&id).and_then(|context| context.branch()) {
            self.end_transaction(Key { branch, is_cancel: false });
        }
        if !self.back_to_udp(now, id, reason)
            && !self.fail_over(now, id, reason)
            && !self.next_target_after(now, id, reason)
            && !self.back_to_dialog(now, id, reason)
        {
            self.fail(now, id, State::Failed, Cause::ConnectionError, reason.to_owned());
            self.forget_if_over(id);
        }
    }

    /// The CANCEL cannot arrive any more; the INVITE may still be answered.
    fn cancel_transport_error(&mut self, now: Instant, id: ContextId, reason: &str) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let Some(branch) = context.branch().filter(|_| context.is_cancel_pending()) else {
            return;
        };
        context.cancel = Cancel::Sent { over: true };
        self.end_transaction(Key { branch, is_cancel: true });
        let fact = Fact::CancelFailed { detail: reason.to_owned() };
        self.tell(now, id, Method::Cancel, fact);
        self.end_if_done(now, id);
    }

    pub(super) fn send_waiting(&mut self, now: Instant, id: ContextId) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        if matches!(context.request, Request::Waiting(_))
            && let Request::Waiting(waiting) =
                std::mem::replace(&mut context.request, Request::Never)
        {
            self.send(now, id, waiting);
        }
    }
}
