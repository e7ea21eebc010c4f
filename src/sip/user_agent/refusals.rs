//! Datagrams that the system reported as refused after they had gone (ICMP). A request fails by that
//! or goes on at once (RFC 3261 §18.4); an ACK has no response, so what it is told by comes too late:
//! the 2xx that is repeated finds here that the ACK did not arrive, and the next one goes to the next
//! candidate (RFC 3263 §4.3). So does a PRACK that was refused.

use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Instant};

use bytes::Bytes;

use super::{
    UserAgent,
    errands::{Carries, OfLeg},
    transactions::Key,
};
use crate::sip::{
    context::Ack,
    event::{ContextId, Fact, FlowId},
    message::Message,
    method::Method,
};

/// Where a datagram was refused and nothing came from since.
#[derive(Debug, Default)]
pub(super) struct Refusals(HashMap<Place, (Instant, Arc<str>)>);

/// A flow, and an address where that is not its peer.
type Place = (FlowId, Option<SocketAddr>);

/// How many are remembered at most: all are forgotten then.
const MOST: usize = 1_000;

impl Refusals {
    pub(super) fn note(&mut self, now: Instant, place: Place, why: &str) {
        if self.0.len() >= MOST {
            self.0.clear();
        }
        self.0.insert(place, (now, why.into()));
    }

    /// Something came on a flow.
    pub(super) fn heard(&mut self, flow: FlowId, source: SocketAddr) {
        if !self.0.is_empty() {
            self.0.remove(&(flow, None));
            self.0.remove(&(flow, Some(source)));
        }
    }

    /// A flow is gone.
    pub(super) fn forget(&mut self, flow: FlowId) {
        self.0.retain(|(of, _), _| *of != flow);
    }

    /// Why the last datagram was refused, where that was then or later.
    pub(super) fn since(&self, then: Instant, place: Place) -> Option<&Arc<str>> {
        self.0.get(&place).filter(|(at, _)| *at >= then).map(|(_, why)| why)
    }
}

impl UserAgent {
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
