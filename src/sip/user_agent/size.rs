//! Requests that are too large for a datagram go by TCP (RFC 3261 §18.1.1).
//!
//! Deviation: only the first request of a context moves. What is sent again with credentials, and
//! what is sent in a dialog, keeps the flow that it has.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use super::{Output, UserAgent};
use crate::sip::{
    context::{Request, Waiting},
    event::{ContextId, Fact, FlowId, Trial},
    request::NewRequest,
    resolution::{Candidate, Source},
    transport::Transport,
};

/// A context that wants to leave a flow of datagrams for a connection with the same peer. It is
/// given one with [`UserAgent::switched`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switch {
    /// The context.
    pub context: ContextId,
    /// The flow that it leaves; TCP to the same address is what it wants.
    pub from: FlowId,
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
    /// Whether a request of that size has to leave its flow for TCP; it waits for its new flow then.
    pub(super) fn switch_to_tcp(
        &mut self,
        now: Instant,
        id: ContextId,
        request: &NewRequest,
        size: usize,
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
        context.request = Request::Waiting(Waiting::New(Box::new(request.clone())));
        context.flow = FlowId::NONE;
        self.flows.leave(from, id);
        let why = format!(
            "the request has {size} bytes, and a datagram should have no more than {limit}: TCP is tried (RFC 3261 §18.1.1)"
        );
        self.tell_own(now, id, Fact::PassedOver { response: None, why: why.into() });
        self.output.push_back(Output::Switch(Switch { context: id, from }));
        true
    }

    /// Answers [`Output::Switch`]: the context rides on this flow, which leads by TCP to the address
    /// that the one which it has left leads to.
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
