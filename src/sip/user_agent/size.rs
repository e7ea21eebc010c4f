//! Requests that are too large for a datagram go by TCP (RFC 3261 §18.1.1).
//!
//! Whatever a context sends first on a flow of datagrams may move: its first request, the same with
//! credentials or to another target, and a request in a dialog.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use super::{Output, UserAgent};
use crate::sip::{
    context::{Request, Waiting},
    event::{ContextId, Fact, FlowId, Trial},
    resolution::{Candidate, Source},
    transport::Transport,
};

/// A context that wants to leave a flow of datagrams for a connection with the same address. It is
/// given one with [`UserAgent::switched`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switch {
    /// The context.
    pub context: ContextId,
    /// The flow that it leaves; TCP to where that leads, or to `to`, is what it wants.
    pub from: FlowId,
    /// Where the request would go by UDP, where that is not the flow's peer.
    pub to: Option<SocketAddr>,
}

/// Whether a context has left its flow because of its size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Size {
    /// Not so far.
    #[default]
    Unknown,
    /// It tries TCP instead of that flow. The two ways are known once TCP is on its way.
    OnTcp { udp: FlowId, ways: Arc<[Candidate]> },
    /// It stays where it is.
    Settled,
}

impl UserAgent {
    /// Whether a request of that size, which would go `to` an address, has to leave its flow for
    /// TCP; it waits for its new flow then.
    pub(super) fn switch_to_tcp(
        &mut self,
        now: Instant,
        id: ContextId,
        size: usize,
        to: Option<SocketAddr>,
        waiting: impl FnOnce() -> Waiting,
    ) -> bool {
        let Some(limit) = self.settings.udp_max_bytes.filter(|limit| size > *limit) else {
            return false;
        };
        let Some(context) = self.contexts.get_mut(&id) else { return false };
        let from = context.flow;
        let is_udp = self.flows.flow(from).is_some_and(|flow| flow.transport == Transport::Udp);
        if !is_udp || context.size != Size::Unknown {
            return false;
        }
        context.size = Size::OnTcp { udp: from, ways: Arc::default() };
        context.request = Request::Waiting(waiting());
        context.flow = FlowId::NONE;
        self.flows.leave(from, id);
        let why = format!(
            "the request has {size} bytes, and a datagram should have no more than {limit}: TCP is tried (RFC 3261 §18.1.1)"
        );
        self.tell_own(now, id, Fact::PassedOver { response: None, why: why.into() });
        self.output.push_back(Output::Switch(Switch { context: id, from, to }));
        true
    }

    /// Answers [`Output::Switch`]: the context rides on this flow, which leads by TCP to the address
    /// that [`Switch`] asks for.
    pub fn switched(&mut self, now: Instant, id: ContextId, flow: FlowId, address: SocketAddr) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        if let Size::OnTcp { ways, .. } = &mut context.size {
            let way = |transport| Candidate { transport, address, source: Source::Given };
            *ways = Arc::from([way(Transport::Tcp), way(Transport::Udp)]);
        }
        self.ride_instead(now, id, flow, None);
    }

    /// RFC 3261 §18.1.1: where TCP cannot be had, the request goes by UDP after all.
    pub(super) fn back_to_udp(&mut self, now: Instant, id: ContextId, why: &str) -> bool {
        let Some(context) = self.contexts.get(&id) else { return false };
        let (Size::OnTcp { udp, .. }, Request::Waiting(_)) = (&context.size, &context.request)
        else {
            return false;
        };
        let udp = *udp;
        self.tell_own(now, id, Fact::PassedOver { response: None, why: why.into() });
        self.ride_instead(now, id, udp, Some(why));
        true
    }

    fn ride_instead(&mut self, now: Instant, id: ContextId, flow: FlowId, failure: Option<&str>) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let before = std::mem::replace(&mut context.flow, flow);
        if let Size::OnTcp { ways, .. } = &mut context.size {
            let failures = failure.into_iter().map(Arc::from).collect();
            let trial = Trial { flow, candidates: ways.clone(), failures };
            if failure.is_some() {
                context.size = Size::Settled;
            }
            self.tell_own(now, id, Fact::Trying(Box::new(trial)));
        }
        self.flows.leave(before, id);
        self.flows.join(flow, id);
        self.send_or_wait(now, id, flow);
    }
}
