//! Datagrams that the system reported as refused after they had gone (ICMP). A request fails by that
//! or goes on at once (RFC 3261 §18.4); an ACK has no response, so what it is told by comes too late:
//! the 2xx that is repeated finds here that the ACK did not arrive, and the next one goes to the next
//! candidate (RFC 3263 §4.3). So does a PRACK that was refused.

use std::{collections::HashMap, sync::Arc, time::Instant};

use bytes::Bytes;

use super::{
    UserAgent,
    errands::{Carries, OfLeg},
    transactions::Key,
};
use crate::sip::{
    event::{ContextId, FlowId},
    message::Message,
};

/// The flows on which a datagram was refused and nothing came since.
#[derive(Debug, Default)]
pub(super) struct Refusals(HashMap<FlowId, (Instant, Arc<str>)>);

impl Refusals {
    pub(super) fn note(&mut self, now: Instant, flow: FlowId, why: &str) {
        self.0.insert(flow, (now, why.into()));
    }

    /// Something came on a flow, or it is gone.
    pub(super) fn clear(&mut self, flow: FlowId) {
        if !self.0.is_empty() {
            self.0.remove(&flow);
        }
    }

    /// Why the last datagram was refused, where that was then or later.
    pub(super) fn since(&self, then: Instant, flow: FlowId) -> Option<&Arc<str>> {
        self.0.get(&flow).filter(|(at, _)| *at >= then).map(|(_, why)| why)
    }
}

impl UserAgent {
    /// Why a flow is passed over by what was refused somewhere before: it refused something itself,
    /// within the time that a 2xx is repeated (RFC 3261 §13.3.1.4).
    pub(super) fn refused_lately(&self, now: Instant, flow: FlowId) -> Option<Arc<str>> {
        let lately = now.checked_sub(self.settings.timing.patience()).unwrap_or(now);
        self.refusals.since(lately, flow).cloned()
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
