//! The ACK of a 2xx and the PRACK, where the next hop of their dialog is not where the INVITE went
//! (RFC 3261 §12.2.1.1, §13.2.2.4; RFC 3262 §4). Neither is a context, so each has an errand that
//! looks for the flow: the server is found by the URI of the hop (RFC 3263), candidate by candidate,
//! and what is carried is written once its flow is up.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
    sync::Arc,
    time::Instant,
};

use bytes::Bytes;

use super::{Connect, Follow, Output, Route, UserAgent, flows::FlowState};
use crate::sip::{
    event::{ContextId, Fact, FlowId},
    message::Message,
    method::Method,
    resolution::Resolved,
    status::StatusCode,
    uri::UriBuf,
};

/// The id of the first errand; no context has one as high.
const FIRST: u64 = 1 << 63;

/// The errands that are under way: for each leg the ACK of one INVITE and as many PRACKs as a context
/// may have transactions.
#[derive(Debug, Default)]
pub(super) struct Errands {
    open: BTreeMap<ContextId, Errand>,
    /// Each behind the context whose leg it is for.
    by_owner: BTreeSet<(ContextId, ContextId)>,
    begun: u64,
}

/// One of them.
#[derive(Debug)]
struct Errand {
    of: OfLeg,
    carries: Carries,
    flow: FlowId,
    route: Route,
}

/// Whose ACK or PRACK it is.
#[derive(Clone, Debug)]
pub(super) struct OfLeg {
    /// The context of the INVITE.
    pub(super) context: ContextId,
    /// The context that has the leg.
    pub(super) owner: ContextId,
    /// The leg.
    pub(super) tag: Box<str>,
}

/// What an errand is for; `response` is what it acknowledges.
#[derive(Clone, Debug)]
pub(super) enum Carries {
    Ack { status: StatusCode, response: Bytes },
    Prack { rseq: NonZeroU32, response: Bytes },
}

impl Carries {
    fn method(&self) -> Method {
        match self {
            Carries::Ack { .. } => Method::Ack,
            Carries::Prack { .. } => Method::Prack,
        }
    }
}

/// Whether an id is an errand's.
pub(super) fn is_errand(id: ContextId) -> bool {
    id.0 >= FIRST
}

impl UserAgent {
    /// Looks for the flow to a hop, for an ACK or a PRACK.
    pub(super) fn run_errand(&mut self, of: OfLeg, carries: Carries, next_hop: UriBuf) {
        let Some(context) = self.contexts.get_mut(&of.context) else { return };
        // A context is held as long as it has an errand.
        context.transactions += 1;
        let from = context.flow;
        let id = ContextId(FIRST + self.errands.begun);
        self.errands.begun += 1;
        self.errands.by_owner.insert((of.owner, id));
        let errand = Errand { of, carries, flow: FlowId::NONE, route: Route::default() };
        self.errands.open.insert(id, errand);
        self.output.push_back(Output::Follow(Follow { context: id, from, next_hop }));
    }

    /// [`UserAgent::resolved`] for an errand.
    pub(super) fn errand_resolved(&mut self, now: Instant, id: ContextId, resolved: &Resolved) {
        let Some(errand) = self.errands.open.get_mut(&id) else { return };
        match resolved.candidates(self.identifiers.seed()) {
            Ok(candidates) => {
                let (candidates, _) = self.unavailable.last(now, candidates);
                errand.route = Route::of(candidates);
                self.errand_asks_for_flow(id);
            }
            Err(error) => self.errand_unreachable(now, id, &error.to_string()),
        }
    }

    fn errand_asks_for_flow(&mut self, id: ContextId) {
        let errand = self.errands.open.get(&id);
        if let Some(candidate) = errand.and_then(|errand| errand.route.current()).cloned() {
            self.output.push_back(Output::Connect(Connect { context: id, candidate }));
        }
    }

    /// [`UserAgent::unreachable`] for an errand.
    pub(super) fn errand_unreachable(&mut self, now: Instant, id: ContextId, why: &str) {
        let Some(errand) = self.errands.open.get(&id) else { return };
        let (context, method) = (errand.of.context, errand.carries.method());
        let flow = self.contexts.get(&context).map(|context| context.flow);
        // Deviation: where a peer's Contact or Record-Route names nobody, what belongs to the dialog
        // still has the way that made it.
        if let Some(flow) = flow.filter(|flow| self.flows.is_up(*flow)) {
            let why = format!("{why}; the {method} goes the way of the INVITE");
            self.tell(now, context, method, Fact::PassedOver { response: None, why: why.into() });
            return self.deliver(now, id, flow);
        }
        self.errand_is_lost(now, id, why);
    }

    /// [`UserAgent::ride`] for an errand.
    pub(super) fn errand_rides(&mut self, now: Instant, id: ContextId, flow: FlowId) {
        let Some(errand) = self.errands.open.get_mut(&id) else { return };
        let before = std::mem::replace(&mut errand.flow, flow);
        self.flows.leave(before, id);
        self.flows.join(flow, id);
        match self.flows.flow(flow).map(|flow| &flow.state) {
            Some(FlowState::Up { .. }) => self.deliver(now, id, flow),
            Some(FlowState::Connecting) => {}
            Some(FlowState::Down { reason }) => {
                let reason = reason.to_string();
                self.errand_failed(now, id, &reason);
            }
            None => self.errand_is_lost(now, id, &format!("flow {flow} does not exist")),
        }
    }

    /// The flow of an errand is not to be had: the next candidate is tried (RFC 3263 §4.3).
    pub(super) fn errand_failed(&mut self, now: Instant, id: ContextId, why: &str) {
        let Some(errand) = self.errands.open.get_mut(&id) else { return };
        if !errand.route.has_more() {
            return self.errand_is_lost(now, id, why);
        }
        errand.route.has_failed(Arc::from(why));
        let flow = std::mem::replace(&mut errand.flow, FlowId::NONE);
        self.flows.leave(flow, id);
        self.errand_asks_for_flow(id);
    }

    /// The flow is up: what the errand carries is written for it and sent.
    pub(super) fn deliver(&mut self, now: Instant, id: ContextId, flow: FlowId) {
        let Some(Errand { of, carries, .. }) = self.end_errand(id) else { return };
        let context = of.context;
        match carries {
            // What was read before can be read.
            Carries::Ack { status, response } => {
                if let Ok(response) = Message::read_to_answer(response, &self.settings.limits) {
                    self.write_ack(now, of, flow, status, &response.0);
                }
            }
            Carries::Prack { rseq, response } => {
                if let Ok(response) = Message::read_to_answer(response, &self.settings.limits) {
                    self.write_prack(now, of, flow, rseq, &response.0);
                }
            }
        }
        self.forget_if_over(context);
    }

    /// Nothing leads to the hop: it is told, and a leg that cannot be acknowledged is hung up
    /// (RFC 3261 §13.3.1.4: its peer would do it too).
    fn errand_is_lost(&mut self, now: Instant, id: ContextId, why: &str) {
        let Some(Errand { of, carries, .. }) = self.end_errand(id) else { return };
        let OfLeg { context, owner, tag } = of;
        self.tell_lost(now, context, &carries, why);
        if let Carries::Ack { .. } = carries {
            // Refused where it is being hung up already.
            let _ = self.hang_up_leg(now, owner, &tag);
        }
        self.forget_if_over(context);
    }

    /// A leg is over: what is on its way for it is not sent any more.
    pub(super) fn end_errands_of(&mut self, now: Instant, owner: ContextId, tag: &str) {
        let of_owner = self.errands.by_owner.range((owner, ContextId(0))..);
        let of_owner = of_owner.take_while(|(of, _)| *of == owner).map(|(_, id)| *id);
        let is_of_leg =
            |id: &ContextId| self.errands.open.get(id).is_some_and(|errand| *errand.of.tag == *tag);
        for id in of_owner.filter(is_of_leg).collect::<Vec<_>>() {
            let Some(Errand { of, carries, .. }) = self.end_errand(id) else { continue };
            self.tell_lost(now, of.context, &carries, "its leg is over");
            if of.context != owner {
                self.forget_if_over(of.context);
            }
        }
    }

    fn tell_lost(&mut self, now: Instant, context: ContextId, carries: &Carries, why: &str) {
        match carries {
            Carries::Ack { .. } => {
                let detail = format!("the ACK could not be sent: {why}");
                self.tell(now, context, Method::Ack, Fact::AckFailed { detail });
            }
            Carries::Prack { .. } => self.prack_failed(now, context, format!("not sent: {why}")),
        }
    }

    fn end_errand(&mut self, id: ContextId) -> Option<Errand> {
        let errand = self.errands.open.remove(&id)?;
        self.errands.by_owner.remove(&(errand.of.owner, id));
        self.flows.leave(errand.flow, id);
        if let Some(context) = self.contexts.get_mut(&errand.of.context) {
            context.transactions -= 1;
            if let Carries::Ack { .. } = errand.carries
                && let Some(ack) = context.acks.iter_mut().find(|ack| ack.tag == errand.of.tag)
            {
                ack.waits = false;
            }
        }
        self.output.push_back(Output::Settled(id));
        Some(errand)
    }
}
