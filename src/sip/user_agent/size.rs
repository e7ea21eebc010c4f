//! Requests that are too large for a datagram go by TCP (RFC 3261 §18.1.1).
//!
//! Whatever a context sends first on a flow of datagrams may move: its first request, the same with
//! credentials or to another target, and a request in a dialog; so may an ACK of a 2xx and a PRACK. A
//! CANCEL and the ACK of any other final are bound to their INVITE. Where its server is known by name,
//! its TCP is a service of its own (RFC 3263 §4.1, §4.2): the candidates of that come first, and
//! those of UDP after them. Else TCP has the same address and port.

use std::{fmt, net::SocketAddr, sync::Arc, time::Instant};

use super::{Output, UserAgent, route::Known};
use crate::sip::{
    context::{Request, Waiting},
    event::{ContextId, Fact, FlowId, Resolution, State, Trial},
    header::NameAddr,
    message::Message,
    method::Method,
    name::HeaderName,
    resolution::{Candidate, Resolved, Source},
    transport::Transport,
    uri::{Uri, UriBuf},
};

/// A context that wants to leave a flow of datagrams for a connection. It is given one with
/// [`UserAgent::switched`], or, where its server is known by name, with
/// [`UserAgent::looks_for_tcp`] and [`UserAgent::resolved`], or [`UserAgent::tcp_in_place`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switch {
    /// The context.
    pub context: ContextId,
    /// The flow that it leaves; TCP to where that leads, or to `to`, is what it wants.
    pub from: FlowId,
    /// Where the request would go by UDP, where that is not the flow's peer.
    pub to: Option<SocketAddr>,
    /// Whether the next hop of a request in a dialog names its port, which TCP then has too.
    pub has_port: bool,
}

/// Whether a context has left its flow because of its size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Size {
    /// Not so far.
    #[default]
    Unknown,
    /// It tries TCP instead of that flow. The two ways are known once TCP is on its way.
    OnTcp { udp: FlowId, ways: Arc<[Candidate]> },
    /// It left that flow, and the TCP of its server is being looked up.
    Looking { udp: FlowId },
    /// It stays where it is, or where its candidates lead.
    Settled,
}

/// Whether it has been looked at that an ACK or PRACK fits its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fits {
    Unknown,
    /// It goes there, whatever its size.
    Settled,
}

impl UserAgent {
    /// Where an ACK of a 2xx or a PRACK goes by TCP that is too large for its flow: the same address and
    /// port, as without any look-up (RFC 3261 §18.1.1).
    pub(super) fn tcp_hop(
        &mut self,
        now: Instant,
        (id, method): (ContextId, Method),
        (flow, fits): (FlowId, Fits),
        to: Option<SocketAddr>,
        size: usize,
    ) -> Option<UriBuf> {
        let limit = self.settings.udp_max_bytes.filter(|limit| size > *limit)?;
        let known = self.flows.flow(flow).filter(|flow| flow.transport == Transport::Udp)?;
        if fits == Fits::Settled {
            return None;
        }
        let address = to.or_else(|| known.peer.as_ref().map(|peer| peer.address()))?;
        let why = format!("{}: TCP is tried (RFC 3261 §18.1.1)", too_large(&method, size, limit));
        self.tell(now, id, method, Fact::PassedOver { response: None, why: why.into() });
        format!("sip:{address};transport=tcp").parse().ok()
    }

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
        let too_large = too_large(&"request", size, limit);
        let known = context.route.as_ref().filter(|_| to.is_none()).map(|route| route.tcp());
        if let Some(Known::Tried) = known {
            context.size = Size::Settled;
            let why = format!(
                "{too_large}: TCP could not be had before, so it goes by UDP (RFC 3261 §18.1.1)"
            );
            self.tell_own(now, id, Fact::PassedOver { response: None, why: why.into() });
            return false;
        }
        context.size = Size::OnTcp { udp: from, ways: Arc::default() };
        context.flow = FlowId::NONE;
        self.replace_request(id, Request::Waiting(waiting()));
        self.flows.leave(from, id);
        let why = format!(
            "{too_large}: TCP is tried (RFC 3261 §18.1.1), also where transport=udp is asked for"
        );
        self.tell_own(now, id, Fact::PassedOver { response: None, why: why.into() });
        match known {
            Some(Known::Candidates(tcp)) => self.tcp_first(id, from, tcp),
            _ => {
                let has_port = self.contexts.get(&id).is_some_and(|context| {
                    context.parent.is_some() && context.written().is_some_and(|m| names_port(&m))
                });
                self.output.push_back(Output::Switch(Switch { context: id, from, to, has_port }));
            }
        }
        true
    }

    /// Answers [`Output::Switch`]: the TCP of the server is being looked up, and
    /// [`UserAgent::resolved`] will say what was found. `server` is what is looked up.
    pub fn looks_for_tcp(&mut self, now: Instant, id: ContextId, server: &str) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let Size::OnTcp { udp, .. } = context.size else { return };
        context.size = Size::Looking { udp };
        context.state = State::Waiting;
        self.tell_own(now, id, Fact::Resolving { server: server.into() });
    }

    /// Answers [`Output::Switch`]: host and port of the server are given, so TCP has them too.
    pub fn tcp_in_place(&mut self, now: Instant, id: ContextId) {
        let Some(context) = self.contexts.get(&id) else { return };
        let Size::OnTcp { udp, .. } = context.size else { return };
        let tcp = self.left(id, udp).iter().map(Candidate::by_tcp).collect();
        self.try_tcp(now, id, udp, tcp);
    }

    /// The look-up of TCP has ended.
    pub(super) fn tcp_resolved(
        &mut self,
        now: Instant,
        id: ContextId,
        udp: FlowId,
        resolved: &Resolved,
    ) {
        let found = resolved.candidates(self.identifiers.seed());
        let lookups = resolved.lookups.clone();
        let candidates = found.as_ref().map(Arc::clone).unwrap_or_default();
        let resolution = Arc::new(Resolution { lookups, candidates });
        self.tell_own(now, id, Fact::Resolved(resolution));
        let tcp = match found {
            Ok(candidates) => candidates.to_vec(),
            Err(error) => {
                let why = error.to_string().into();
                self.tell_own(now, id, Fact::PassedOver { response: None, why });
                let left = self.left(id, udp);
                let guess = |candidate: &Candidate| Candidate {
                    source: Source::WhereUdpIs,
                    ..candidate.by_tcp()
                };
                // What DNS denies is not guessed.
                if resolved.is_denied() { Vec::new() } else { left.iter().map(guess).collect() }
            }
        };
        self.try_tcp(now, id, udp, tcp);
    }

    /// Where the context would go by UDP, and has not been yet.
    fn left(&self, id: ContextId, udp: FlowId) -> Vec<Candidate> {
        let route = self.contexts.get(&id).and_then(|context| context.route.as_ref());
        let peer = || self.flows.flow(udp)?.peer.as_ref().map(|peer| peer.address());
        match route {
            Some(route) => route.left().to_vec(),
            None => {
                let candidate = |address| Candidate {
                    transport: Transport::Udp,
                    address,
                    source: Source::Address,
                };
                peer().map(candidate).into_iter().collect()
            }
        }
    }

    fn try_tcp(&mut self, now: Instant, id: ContextId, udp: FlowId, tcp: Vec<Candidate>) {
        let (tcp, avoided) = self.unavailable.last(now, tcp.into());
        for why in avoided {
            self.tell_own(now, id, Fact::PassedOver { response: None, why });
        }
        self.tcp_first(id, udp, tcp.to_vec());
    }

    /// Lets a context go to these places by TCP, and then to those that it had.
    fn tcp_first(&mut self, id: ContextId, udp: FlowId, tcp: Vec<Candidate>) {
        let left = self.left(id, udp);
        let peer = self.flows.flow(udp).and_then(|flow| flow.peer.as_ref());
        let peer = peer.map(|peer| peer.address().ip());
        let first = tcp.first().map(|candidate| candidate.address.ip());
        let Some(context) = self.contexts.get_mut(&id) else { return };
        context.size = Size::Settled;
        context.state = State::Waiting;
        context.route.get_or_insert_default().put_first(tcp, left);
        // Another server's challenges are its own.
        if first.is_some() && first != peer {
            context.leave_server();
        }
        self.ask_for_flow(id);
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

    /// A request that is too large for a datagram was sent on a connection: only where no connection
    /// is to be had may it go by UDP (RFC 3261 §18.1.1), and this one's peer may have it already.
    pub(super) fn keep_from_datagrams(&mut self, now: Instant, id: ContextId, why: &str) {
        let Some(limit) = self.settings.udp_max_bytes else { return };
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let Some(size) = context.sent().map(|sent| sent.len()).filter(|size| *size > limit) else {
            return;
        };
        let had_connection =
            self.flows.flow(context.flow).is_some_and(|flow| flow.transport.is_reliable());
        let route = context.route.as_mut().filter(|_| had_connection);
        if route.is_some_and(|route| route.leave_out_udp()) {
            let why = format!(
                "{why}: a connection took the request, which has {size} bytes, and a datagram should have no more than {limit}: it does not go by UDP (RFC 3261 §18.1.1)"
            );
            self.tell_own(now, id, Fact::PassedOver { response: None, why: why.into() });
        }
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

fn too_large(what: &dyn fmt::Display, size: usize, limit: usize) -> String {
    format!("the {what} has {size} bytes, and a datagram should have no more than {limit}")
}

/// Whether the next hop of a request that was written names its port (RFC 3261 §8.1.2).
fn names_port(request: &Message) -> bool {
    let route = request.list(HeaderName::Route).next();
    let route = route.and_then(|route| NameAddr::parse(HeaderName::Route, route).ok());
    let target = || request.request_uri().and_then(|uri| Uri::parse(uri).ok());
    route.map(|route| route.uri()).or_else(target).is_some_and(|uri| uri.port().is_some())
}
