//! Flows as the user agent knows them: their state, their address, and who rides on them.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    time::{Duration, Instant},
};

use super::{UserAgent, errands::is_errand, next_hop::Peer};
use crate::sip::{
    IdMap,
    context::Request,
    event::{ContextId, Fact, FlowId, State, TerminatedBy},
    header::Via,
    transport::Transport,
};

/// All flows.
#[derive(Debug, Default)]
pub(super) struct Flows {
    flows: IdMap<FlowId, Flow>,
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
        /// Whether it has failed, as a flow of datagrams does that stays usable (RFC 5626 §4.4), and
        /// has not been tried since.
        refused: bool,
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

    /// Whether it is up, and has not failed.
    pub(super) fn stands(&self, flow: FlowId) -> bool {
        let state = self.flow(flow).map(|flow| &flow.state);
        matches!(state, Some(FlowState::Up { refused: false, .. }))
    }

    /// It has failed though it stays usable, or is tried again.
    pub(super) fn refuse(&mut self, flow: FlowId, is_refused: bool) {
        if let Some(Flow { state: FlowState::Up { refused, .. }, .. }) = self.flows.get_mut(&flow) {
            *refused = is_refused;
        }
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

    /// What rides on a flow: what acknowledges before what ends.
    fn riders(&self, flow: FlowId) -> Vec<ContextId> {
        let riders = self.flows.get(&flow).into_iter().flat_map(|flow| flow.riders.iter().copied());
        let (mut errands, contexts): (Vec<_>, Vec<_>) = riders.partition(|id| is_errand(*id));
        errands.extend(contexts);
        errands
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
        entry.state =
            FlowState::Up { since: now, sent_by: sent_by.into(), seen: None, refused: false };
        for rider in self.flows.riders(flow) {
            if is_errand(rider) {
                self.deliver(now, rider, flow);
                continue;
            }
            self.send_waiting(now, rider);
            self.cancel_forsaken(now, rider);
        }
        self.register_on(now, flow);
    }

    /// A flow that has failed and stayed usable is to be tried again: what waits for it is registered.
    pub fn try_flow(&mut self, now: Instant, flow: FlowId) {
        self.flows.refuse(flow, false);
        self.register_on(now, flow);
    }

    /// The flow could not be made or broke: what is pending on it fails with `Connection Error`
    /// (RFC 3261 §17.1.4, §18.4), except for what has crossed the end of a connection: that is sent
    /// once more ([`Output::Reconnect`](super::Output::Reconnect)). Dialogs outlive a flow. `reason`
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
            let cancel = self.cancel_transport_error(now, context, reason);
            self.forsaken_cannot_be_cancelled(now, context, reason);
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
                self.connection_error(now, context, reason, cancel);
            } else if is_up && stood.is_some() {
                self.connection_lost(now, context, reason);
            }
        }
        if let Some(stood) = &stood {
            self.acks_go_over(now, flow, stood, reason);
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
