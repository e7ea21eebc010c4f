//! The ACK of a 2xx and the PRACK, where the next hop of their dialog is not where the INVITE went
//! (RFC 3261 §12.2.1.1, §13.2.2.4; RFC 3262 §4); and the answer whose connection is gone (§18.2.2,
//! `returning`). None is a context, so each has an errand that looks for the flow: the server is
//! found by the URI of the hop (RFC 3263), candidate by candidate, and what is carried is sent once
//! its flow is up.

mod book;

use std::{sync::Arc, time::Instant};

pub(super) use self::book::{Carries, Errands, OfLeg, is_errand};
use self::book::{Errand, FIRST};
use super::{
    Connect, Follow, Output, Route, UserAgent, flows::FlowState, next_hop::is_address, size::Fits,
};
use crate::sip::{
    event::{ContextId, Fact, FlowId, Resolution},
    message::Message,
    method::Method,
    resolution::Resolved,
    uri::UriBuf,
};

/// Why what ends a dialog, or comes before that, waits for no other way.
pub(super) const LEAVING: &str = "leaving, and its own way is not found yet";

impl UserAgent {
    /// Looks for the flow to a hop; `from` is the one that is left.
    pub(super) fn run_errand(
        &mut self,
        now: Instant,
        from: FlowId,
        carries: Carries,
        next_hop: UriBuf,
    ) {
        let id = self.begin_errand(carries, (false, None));
        self.errand_follows(now, id, from, next_hop);
    }

    /// [`UserAgent::run_errand`] for what went before, and was refused.
    pub(super) fn run_errand_again(
        &mut self,
        now: Instant,
        from: FlowId,
        carries: Carries,
        next_hop: UriBuf,
    ) {
        let id = self.begin_errand(carries, (true, None));
        self.errand_follows(now, id, from, next_hop);
    }

    /// [`UserAgent::run_errand`] for what is too large for a flow of datagrams, and goes there where it
    /// cannot go by TCP.
    pub(super) fn run_errand_by_tcp(
        &mut self,
        now: Instant,
        udp: FlowId,
        carries: Carries,
        next_hop: UriBuf,
    ) {
        let id = self.begin_errand(carries, (false, Some(udp)));
        self.errand_follows(now, id, udp, next_hop);
    }

    /// [`UserAgent::run_errand`] for what goes the way of its INVITE, whose connection is gone: on a
    /// new one.
    pub(super) fn run_errand_over(&mut self, flow: FlowId, carries: Carries) {
        let id = self.begin_errand(carries, (false, None));
        if let Some(errand) = self.errands.open.get_mut(&id) {
            errand.flow = flow;
        }
        self.flows.join(flow, id);
        self.output.push_back(Output::Reconnect(flow));
    }

    fn begin_errand(
        &mut self,
        carries: Carries,
        (again, instead): (bool, Option<FlowId>),
    ) -> ContextId {
        // A context is held as long as it has an errand.
        let owner = carries.context().and_then(|id| self.contexts.get_mut(&id));
        if let Some(context) = owner {
            context.transactions += 1;
        }
        let id = ContextId(FIRST + self.errands.begun);
        self.errands.begun += 1;
        if let Some(of) = carries.of() {
            self.errands.by_owner.insert((of.owner, id));
        }
        if let Carries::Answer(answer) = &carries {
            self.errands.answers.insert(answer.transaction, id);
        }
        let errand =
            Errand { carries, flow: FlowId::NONE, route: Route::default(), again, instead };
        self.errands.open.insert(id, errand);
        id
    }

    /// Asks for the flow to a hop.
    fn errand_follows(&mut self, now: Instant, id: ContextId, from: FlowId, next_hop: UriBuf) {
        if !is_address(&next_hop) {
            let fact = Fact::Resolving { server: next_hop.as_str().into() };
            self.tell_of_errand(now, id, fact);
        }
        self.output.push_back(Output::Follow(Follow { context: id, from, next_hop }));
    }

    /// [`UserAgent::resolved`] for an errand.
    pub(super) fn errand_resolved(&mut self, now: Instant, id: ContextId, resolved: &Resolved) {
        if !self.errands.open.contains_key(&id) {
            return;
        }
        let (found, avoided) = match resolved.candidates(self.identifiers.seed()) {
            Ok(candidates) => {
                let (candidates, avoided) = self.unavailable.last(now, candidates);
                (Ok(candidates), avoided)
            }
            Err(error) => (Err(error.to_string()), Vec::new()),
        };
        let lookups = resolved.lookups.clone();
        // An address that stands for itself was not looked up.
        if !lookups.is_empty() || found.is_err() {
            let candidates = found.clone().unwrap_or_default();
            let resolution = Arc::new(Resolution { lookups, candidates });
            self.tell_of_errand(now, id, Fact::Resolved(resolution));
        }
        for why in avoided {
            self.tell_of_errand(now, id, Fact::PassedOver { response: None, why });
        }
        match found {
            Ok(candidates) => {
                if let Some(errand) = self.errands.open.get_mut(&id) {
                    errand.route = Route::of(candidates);
                }
                self.errand_asks_for_flow(id);
            }
            Err(why) => self.errand_unreachable(now, id, &why),
        }
    }

    fn tell_of_errand(&mut self, now: Instant, id: ContextId, fact: Fact) {
        let Some(errand) = self.errands.open.get(&id) else { return };
        let Some(context) = errand.carries.context() else { return };
        let method = errand.carries.method();
        self.tell(now, context, method, fact);
    }

    fn errand_asks_for_flow(&mut self, id: ContextId) {
        let errand = self.errands.open.get(&id);
        if let Some(candidate) = errand.and_then(|errand| errand.route.current()).cloned() {
            self.output.push_back(Output::Connect(Connect { context: id, candidate }));
        }
    }

    /// [`UserAgent::unreachable`] for an errand.
    pub(super) fn errand_unreachable(&mut self, now: Instant, id: ContextId, why: &str) {
        self.errand_is_lost(now, id, why);
    }

    /// Sends an ACK or PRACK on the flow that it has left, or on that of its INVITE, where that is up;
    /// gives whether it was.
    ///
    /// Deviation: where a peer's Contact or Record-Route leads to nobody, what belongs to the dialog
    /// still has the way that made it.
    fn goes_with_invite(&mut self, now: Instant, id: ContextId, why: &str) -> bool {
        let Some(errand) = self.errands.open.get(&id) else { return false };
        let Some(OfLeg { context, .. }) = errand.carries.of() else { return false };
        let (context, method) = (*context, errand.carries.method());
        let is_up = |flow: &FlowId| self.flows.is_up(*flow);
        let udp = errand.instead.filter(is_up);
        let of_invite = self.contexts.get(&context).map(|context| context.flow).filter(is_up);
        let Some(flow) = udp.or(of_invite) else { return false };
        let why = match udp {
            Some(_) => format!("{why}: the {method} goes by UDP after all (RFC 3261 §18.1.1)"),
            None => format!("{why}; the {method} goes the way of the INVITE"),
        };
        if let Some(errand) = self.errands.open.get_mut(&id) {
            errand.instead = Some(flow);
        }
        self.tell(now, context, method, Fact::PassedOver { response: None, why: why.into() });
        self.deliver(now, id, flow);
        true
    }

    /// What waits for its way waits no longer: every ACK and PRACK goes the way of its INVITE. Gives
    /// the legs that they were for.
    pub(super) fn hurry_errands(&mut self, now: Instant) -> Vec<(ContextId, Box<str>)> {
        let waiting: Vec<_> = self.errands.by_owner.iter().map(|(_, id)| *id).collect();
        let mut legs = Vec::new();
        for id in waiting {
            let of = self.errands.open.get(&id).and_then(|errand| errand.carries.of()).cloned();
            if let Some(of) = of
                && self.goes_with_invite(now, id, LEAVING)
            {
                legs.push((of.owner, of.tag));
            }
        }
        legs
    }

    /// [`UserAgent::ride`] for an errand.
    pub(super) fn errand_rides(&mut self, now: Instant, id: ContextId, flow: FlowId) {
        let Some(errand) = self.errands.open.get_mut(&id) else { return };
        let before = std::mem::replace(&mut errand.flow, flow);
        let (trial, again) = (errand.route.trial(flow), errand.again);
        self.flows.leave(before, id);
        self.flows.join(flow, id);
        if let Some(trial) = trial {
            self.tell_of_errand(now, id, Fact::Trying(Box::new(trial)));
        }
        let refused = self.refused_lately(now, flow).filter(|_| again);
        match self.flows.flow(flow).map(|flow| &flow.state) {
            Some(FlowState::Up { .. }) if let Some(why) = &refused => {
                self.errand_failed(now, id, why);
            }
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
        let why: Arc<str> = why.into();
        errand.route.has_failed(why.clone());
        let flow = std::mem::replace(&mut errand.flow, FlowId::NONE);
        self.flows.leave(flow, id);
        self.tell_of_errand(now, id, Fact::PassedOver { response: None, why });
        self.errand_asks_for_flow(id);
    }

    /// The flow is up: what the errand carries is written for it and sent.
    pub(super) fn deliver(&mut self, now: Instant, id: ContextId, flow: FlowId) {
        let Some(Errand { carries, instead, .. }) = self.end_errand(id) else { return };
        let context = carries.context();
        let on = (flow, if instead.is_some() { Fits::Settled } else { Fits::Unknown });
        match carries {
            // What was read before can be read.
            Carries::Ack { of, status, response } => {
                if let Ok(response) = Message::read_to_answer(response, &self.settings.limits) {
                    self.write_ack(now, of, on, status, &response.0);
                }
            }
            Carries::Prack { of, rseq, response } => {
                if let Ok(response) = Message::read_to_answer(response, &self.settings.limits) {
                    self.write_prack(now, of, on, rseq, &response.0);
                }
            }
            Carries::PrackAgain { of, prack } => self.write_prack_again(now, of, on, prack),
            Carries::Answer(answer) => self.answer_returns(now, flow, *answer),
        }
        context.into_iter().for_each(|context| self.forget_if_over(context));
    }

    /// Nothing leads to the hop: it is told, and a leg that cannot be acknowledged is hung up
    /// (RFC 3261 §13.3.1.4: its peer would do it too). One whose ACK may have gone before, on a connection
    /// that ended, is left to its peer, which says with its next 2xx that it did not come. An answer may
    /// have another way.
    fn errand_is_lost(&mut self, now: Instant, id: ContextId, why: &str) {
        if self.goes_with_invite(now, id, why) {
            return;
        }
        if let Some(errand) = self.errands.open.get_mut(&id)
            && let Carries::Answer(answer) = &mut errand.carries
            && let Some(next) = answer.then.take()
        {
            let from = answer.request.flow;
            errand.route = Route::default();
            let flow = std::mem::replace(&mut errand.flow, FlowId::NONE);
            self.flows.leave(flow, id);
            self.tell_of_errand(now, id, Fact::PassedOver { response: None, why: why.into() });
            return self.errand_follows(now, id, from, next);
        }
        let Some(Errand { carries, .. }) = self.end_errand(id) else { return };
        let context = carries.context();
        if let Carries::Ack { of, .. } = &carries {
            let OfLeg { context, owner, tag } = of.clone();
            self.tell_lost(now, carries, why);
            let acks = self.contexts.get(&context).into_iter().flat_map(|context| &context.acks);
            let mut sent = acks.filter(|ack| ack.tag == tag && ack.bytes.is_some());
            if !sent.any(|ack| self.is_gone(ack.flow)) {
                // Refused where it is being hung up already.
                let _ = self.hang_up_leg(now, owner, &tag);
            }
        } else {
            self.tell_lost(now, carries, why);
        }
        context.into_iter().for_each(|context| self.forget_if_over(context));
    }

    /// A leg is over: what is on its way for it is not sent any more.
    pub(super) fn end_errands_of(&mut self, now: Instant, owner: ContextId, tag: &str) {
        let is_of_leg = |carries: &Carries| carries.of().is_some_and(|of| *of.tag == *tag);
        self.end_errands(now, owner, "its leg is over", is_of_leg);
    }

    /// An INVITE in a dialog was rejected, and goes out again: what its provisionals wanted is not sent
    /// any more (RFC 3262 §4: RAck names the INVITE that is over).
    pub(super) fn end_prack_errands(&mut self, now: Instant, id: ContextId) {
        let Some(context) = self.contexts.get(&id) else { return };
        let owner = context.owner(id);
        self.end_errands(now, owner, "its INVITE was rejected", |carries| match carries {
            Carries::Prack { of, .. } | Carries::PrackAgain { of, .. } => of.context == id,
            Carries::Ack { .. } | Carries::Answer(_) => false,
        });
    }

    fn end_errands(
        &mut self,
        now: Instant,
        owner: ContextId,
        why: &str,
        ends: impl Fn(&Carries) -> bool,
    ) {
        let of_owner = self.errands.by_owner.range((owner, ContextId(0))..);
        let of_owner = of_owner.take_while(|(of, _)| *of == owner).map(|(_, id)| *id);
        let is_over =
            |id: &ContextId| self.errands.open.get(id).is_some_and(|errand| ends(&errand.carries));
        for id in of_owner.filter(is_over).collect::<Vec<_>>() {
            let Some(Errand { carries, .. }) = self.end_errand(id) else { continue };
            let context = carries.context();
            self.tell_lost(now, carries, why);
            if let Some(context) = context.filter(|context| *context != owner) {
                self.forget_if_over(context);
            }
        }
    }

    fn tell_lost(&mut self, now: Instant, carries: Carries, why: &str) {
        match carries {
            Carries::Ack { of, .. } => {
                let detail = format!("the ACK could not be sent: {why}");
                self.tell(now, of.context, Method::Ack, Fact::AckFailed { detail });
            }
            Carries::Prack { of, .. } | Carries::PrackAgain { of, .. } => {
                self.prack_failed(now, of.context, format!("not sent: {why}"));
            }
            Carries::Answer(answer) => self.answer_failed(now, *answer, why),
        }
    }

    fn end_errand(&mut self, id: ContextId) -> Option<Errand> {
        let errand = self.errands.open.remove(&id)?;
        match &errand.carries {
            Carries::Answer(answer) => _ = self.errands.answers.remove(&answer.transaction),
            of_leg => {
                let owner = of_leg.of().map(|of| of.owner);
                owner.map(|owner| self.errands.by_owner.remove(&(owner, id)));
            }
        }
        self.flows.leave(errand.flow, id);
        let context = errand.carries.context().and_then(|id| self.contexts.get_mut(&id));
        if let Some(context) = context {
            context.transactions -= 1;
            if let Carries::Ack { of, .. } = &errand.carries
                && let Some(ack) = context.acks.iter_mut().find(|ack| ack.tag == of.tag)
            {
                ack.waits = false;
            }
        }
        self.output.push_back(Output::Settled(id));
        Some(errand)
    }
}
