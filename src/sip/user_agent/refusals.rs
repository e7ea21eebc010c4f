//! Datagrams that the system reported as refused after they had gone (ICMP). A request fails by that
//! or goes on at once (RFC 3261 §18.4). An ACK has no response and no transaction: one that has just
//! gone is looked for here, and goes to the next candidate (RFC 3263 §4.3); of an older one, the 2xx
//! that is repeated finds here that it did not arrive. A PRACK that was refused goes on too. Nor does
//! anything say whether an ACK arrived whose connection ended as it went: it goes again on the next.

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::Arc,
    time::Instant,
};

use bytes::Bytes;

use super::{
    UserAgent,
    errands::{Carries, OfLeg},
    flows::Stood,
    transactions::Key,
};
use crate::sip::{
    context::Ack,
    event::{ContextId, Fact, FlowId},
    message::Message,
    method::Method,
    status::StatusCode,
    transport::Transport,
};

/// Where a datagram was refused and nothing came from since.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    places: HashMap<Place, (Instant, Arc<str>)>,
    /// The ACKs that went last on connections, or to where their dialog has them go, the oldest first.
    acks: VecDeque<Acked>,
}

/// The ACK of a 2xx that went.
#[derive(Debug)]
struct Acked {
    at: Instant,
    place: Place,
    context: ContextId,
    status: StatusCode,
    /// What it acknowledges.
    response: Bytes,
}

/// A flow, and an address where that is not its peer.
type Place = (FlowId, Option<SocketAddr>);

/// How many places are remembered at most: all are forgotten then.
const MOST: usize = 1_000;

/// How many ACKs are remembered at most.
const ACKS: usize = 100;

impl Refusals {
    pub(super) fn note(&mut self, now: Instant, place: Place, why: &str) {
        if self.places.len() >= MOST {
            self.places.clear();
        }
        self.places.insert(place, (now, why.into()));
    }

    /// Something came on a flow.
    pub(super) fn heard(&mut self, flow: FlowId, source: SocketAddr) {
        if !self.places.is_empty() {
            self.places.remove(&(flow, None));
            self.places.remove(&(flow, Some(source)));
        }
    }

    /// A flow is gone.
    pub(super) fn forget(&mut self, flow: FlowId) {
        self.acks.retain(|ack| ack.place.0 != flow);
        self.places.retain(|(of, _), _| *of != flow);
    }

    /// Why the last datagram was refused, where that was then or later.
    pub(super) fn since(&self, then: Instant, place: Place) -> Option<&Arc<str>> {
        self.places.get(&place).filter(|(at, _)| *at >= then).map(|(_, why)| why)
    }
}

impl UserAgent {
    /// An ACK went: on a connection, which may end as it goes, or another way than its INVITE, from
    /// where it may go on to the next place.
    pub(super) fn ack_went(
        &mut self,
        now: Instant,
        id: ContextId,
        ack: &Ack,
        (status, response): (StatusCode, &Message),
    ) {
        let is_reliable = self.transport_of(ack.flow).is_some_and(Transport::is_reliable);
        let place = (ack.flow, self.elsewhere(ack.flow, ack.to));
        let own = self.contexts.get(&id).map(|context| (context.flow, None));
        if !is_reliable && own == Some(place) {
            return;
        }
        let is_old = |ack: &Acked| ack.at + self.settings.timing.t1 < now;
        let acks = &mut self.refusals.acks;
        while acks.len() >= ACKS || acks.front().is_some_and(is_old) {
            acks.pop_front();
        }
        // A copy: what was read with it is not held.
        let response = Bytes::copy_from_slice(response.bytes());
        acks.push_back(Acked { at: now, place, context: id, status, response });
    }

    /// Something was refused: the ACKs that went there within T1, the estimate of the round trip
    /// (RFC 3261 §17.1.1.1), go on to the next place.
    pub(super) fn acks_go_on(&mut self, now: Instant, place: Place) {
        if self.transport_of(place.0).is_some_and(Transport::is_reliable) {
            return;
        }
        for (id, status, response) in self.acks_within_t1(now, |ack| ack.place == place) {
            if let Some(ack) = self.ack_of(id, &response) {
                self.ack_again(now, id, ack, status, &response);
            }
        }
    }

    /// A connection is down: the ACKs that went on it within T1 may have crossed its end, as requests do
    /// (`crossed`), and go again on the next one. Without that the peer ends a call that it has never
    /// heard to be acknowledged (RFC 3261 §13.3.1.4); and an ACK that comes twice does no harm.
    pub(super) fn acks_go_over(&mut self, now: Instant, flow: FlowId, stood: &Stood, reason: &str) {
        // What went as the connection came up did not cross its end: nothing goes round in circles.
        let crosses = |ack: &Acked| ack.place.0 == flow && ack.at > stood.since;
        for (id, status, response) in self.acks_within_t1(now, crosses) {
            let Some(ack) = self.ack_of(id, &response) else { continue };
            let owner = self.contexts.get(&id).map(|context| context.owner(id));
            let leg = owner.and_then(|owner| self.leg_mut(owner, &ack.tag));
            if ack.flow != flow || ack.waits || leg.is_none_or(|leg| !leg.is_up()) {
                continue;
            }
            let why = format!(
                "{reason} as the ACK went out: it is sent again on a new connection (RFC 3261 §13.2.2.4)"
            );
            self.tell(now, id, Method::Ack, Fact::PassedOver { response: None, why: why.into() });
            self.ack_again(now, id, ack, status, &response);
        }
    }

    /// Such of the ACKs that went last within T1, the estimate of the round trip, and what they
    /// acknowledge; none of them is remembered any more.
    fn acks_within_t1(
        &mut self,
        now: Instant,
        is_it: impl Fn(&Acked) -> bool,
    ) -> Vec<(ContextId, StatusCode, Message)> {
        let t1 = self.settings.timing.t1;
        let all = std::mem::take(&mut self.refusals.acks);
        let (found, others): (VecDeque<_>, _) = all.into_iter().partition(is_it);
        self.refusals.acks = others;
        let found = found.into_iter().filter(|ack| now <= ack.at + t1);
        let read = found.filter_map(|Acked { context, status, response, .. }| {
            let read = Message::read_to_answer(response, &self.settings.limits);
            Some((context, status, read.ok()?.0))
        });
        read.collect()
    }

    /// The ACK of that response, as it is now.
    fn ack_of(&self, id: ContextId, response: &Message) -> Option<Ack> {
        let tag = response.to().ok().and_then(|to| to.tag()).unwrap_or_default();
        let context = self.contexts.get(&id)?;
        let tag = context.parent.as_ref().map_or(tag, |(_, leg)| leg);
        context.acks.iter().find(|ack| *ack.tag == *tag).cloned()
    }

    /// Why a flow is passed over by what was refused somewhere before: it refused something itself,
    /// within the time that a 2xx is repeated (RFC 3261 §13.3.1.4).
    pub(super) fn refused_lately(&self, now: Instant, flow: FlowId) -> Option<Arc<str>> {
        let lately = now.checked_sub(self.settings.timing.patience()).unwrap_or(now);
        self.refusals.since(lately, (flow, None)).cloned()
    }

    /// Whether an ACK was refused where it went last: it did not arrive, and the next candidate is
    /// tried (RFC 3263 §4.3). Where a peer's Contact is an address, there is none: the ACK goes the
    /// way of the INVITE, as what could not be sent to the hop of its dialog at all.
    pub(super) fn ack_was_refused(&mut self, now: Instant, id: ContextId, ack: &mut Ack) -> bool {
        let address = self.elsewhere(ack.flow, ack.to);
        let Some(why) = self.refusals.since(ack.at, (ack.flow, address)) else { return false };
        if address.is_some() {
            let why = format!("{why}; the ACK goes the way of the INVITE");
            let fact = Fact::PassedOver { response: None, why: why.into() };
            self.tell(now, id, Method::Ack, fact);
            ack.to = None;
        }
        true
    }

    /// A PRACK was refused where its dialog has it go: the next place that its hop stands for is
    /// tried. Gives whether there is one to look for.
    pub(super) fn prack_elsewhere(&mut self, now: Instant, id: ContextId, key: Key) -> bool {
        let Some((flow, prack)) = self
            .transactions
            .entry(key)
            .map(|entry| (entry.flow, entry.transaction.request().clone()))
        else {
            return false;
        };
        let Some(context) = self.contexts.get(&id) else { return false };
        // The way of the INVITE is the last one.
        if context.ended.is_some() || flow == context.flow {
            return false;
        }
        let (from, owner) = (context.flow, context.owner(id));
        let Some(tag) = tag_of(&prack) else { return false };
        let of = OfLeg { context: id, owner, tag };
        let Some(hop) = self.hop_of(&of) else { return false };
        self.end_transaction(key);
        self.run_errand_again(now, from, Carries::PrackAgain { of, prack }, hop);
        true
    }
}

fn tag_of(prack: &Bytes) -> Option<Box<str>> {
    let prack = Message::read(prack.clone()).ok()?;
    Some(prack.to().ok()?.tag()?.into())
}
