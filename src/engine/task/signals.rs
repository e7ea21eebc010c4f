//! What the network and the look-ups tell, and the flows that are made by it.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use bytes::Bytes;

use super::Task;
use crate::{
    engine::{
        Event, FlowEvent, FlowState, PeerFlow,
        flows::{Again, Ends, Found, Way},
    },
    sip::{
        ContextId, FlowId, Follow, KeepAlive, Switch, Transport,
        resolution::{Resolution, Resolved},
    },
    transport::{ServerUri, Signal, without_zone},
};

impl Task {
    /// A look-up has ended.
    pub(super) fn looked_up(&mut self, (resolved, contexts): (Resolved, Vec<ContextId>)) {
        let now = self.now();
        for context in contexts {
            self.user_agent.resolved(now, context, &resolved);
        }
    }

    /// Looks for the server of a context that leaves its flow for another one.
    pub(super) fn follow(&mut self, Follow { context, from, next_hop }: Follow) {
        let now = self.now();
        let server = match ServerUri::from_uri(&next_hop.as_uri()) {
            Ok(server) => server,
            Err(error) => {
                let why = format!("{next_hop} names no server: {error}");
                return self.user_agent.unreachable(now, context, &why);
            }
        };
        let before = self.flows.way(from).map(|way| &way.settings);
        let before = before.or_else(|| self.names.settings(context));
        let settings = before.map(|settings| settings.for_another()).unwrap_or_default();
        if server.socket_address().is_none() {
            return self.names.look_up(context, server, settings);
        }
        let resolved = Resolution::new(server.target(), &[], "").finish();
        self.names.remember(context, server, settings);
        self.user_agent.resolved(now, context, &resolved);
    }

    /// Looks for the TCP of a server whose UDP is too small for a request (RFC 3261 §18.1.1): its
    /// own service where it is known by name, else the same host and port.
    pub(super) fn switch(&mut self, Switch { context, from, to, has_port }: Switch) {
        let now = self.now();
        let Some(way) = self.flows.way(from) else { return };
        let is_known = self.names.server(context).is_some();
        let is_by_name = to.is_none() && (is_known || !has_port);
        if is_by_name && !is_known && way.asked.tcp_target().is_some() {
            let (asked, settings) = ((*way.asked).clone(), way.settings.clone());
            self.names.remember(context, asked, settings);
        }
        let asked = self.names.server(context).filter(|_| is_by_name);
        if let Some(target) = asked.and_then(ServerUri::tcp_target) {
            let server = format!("sip:{};transport=tcp", target.host);
            self.user_agent.looks_for_tcp(now, context, &server);
            return self.names.look_up_for(context, target);
        }
        if asked.is_some() {
            return self.user_agent.tcp_in_place(now, context);
        }
        let way = way.by_tcp(to);
        if let Some(address) = way.server.socket_address() {
            let (now, flow) = self.find_flow(&way);
            self.user_agent.switched(now, context, flow, address);
        }
    }

    /// A flow is to be kept alive more or less often; all before it has been drawn.
    pub(super) fn keep_alive(&mut self, KeepAlive { flow, interval, by }: KeepAlive) {
        let at = self.now();
        if let Some(interval) = self.network.keep_alive(flow, interval) {
            self.batch.push(Event::KeepAlive { at, flow, interval, by });
        }
    }

    /// The flow that leads that way, for a context that asks for it. All that was told before has
    /// been drawn already.
    pub(super) fn find_flow(&mut self, way: &Way) -> (Instant, FlowId) {
        let now = self.now();
        let flow = match self.flows.to(way) {
            Found::Ready(flow) => flow,
            Found::Connect(flow) => {
                self.begin_to_connect(flow);
                let event = self.flow_event(now, flow, FlowState::Connecting);
                self.batch.extend(event);
                flow
            }
        };
        (now, flow)
    }

    /// Makes a flow again for a request of a dialog, whenever its retry was planned.
    pub(super) fn reconnect(&mut self, flow: FlowId) {
        match self.flows.way(flow).cloned() {
            Some(way) => _ = self.find_flow(&way),
            None => {
                let now = self.now();
                let why = "the peer's own connection is gone, and nothing says how to make another";
                self.user_agent.flow_down(now, flow, why);
            }
        }
    }

    /// Makes a flow that failed again.
    pub(super) fn make_again(&mut self, now: Instant, again: Again) {
        match again {
            Again::Connect(flow) => self.connect(now, flow),
            Again::Try(flow) => self.user_agent.try_flow(now, flow),
        }
    }

    /// A registrar has answered on a flow, which may have failed before; all that was told before
    /// has been drawn already.
    pub(super) fn is_back(&mut self, now: Instant, flow: FlowId) {
        if let Some(ends) = self.flows.went_through(now, flow) {
            let event = self.flow_event(now, flow, ends.into());
            self.batch.extend(event);
            self.user_agent.try_flow(now, flow);
        }
    }

    /// Begins to make a flow, for the first time or again.
    pub(super) fn connect(&mut self, now: Instant, flow: FlowId) {
        self.begin_to_connect(flow);
        self.tell_flow(now, flow, FlowState::Connecting);
    }

    fn begin_to_connect(&mut self, flow: FlowId) {
        let Some(Way { server, settings, .. }) = self.flows.way(flow) else { return };
        self.user_agent.flow_connecting(flow, server.transport);
        let is_kept = settings.keep_alive.interval_on(server.transport).is_some();
        self.user_agent.flow_keeps_alive(flow, is_kept);
        self.network.connect(flow, server, settings);
    }

    /// Ends what no account leads to any more, and nothing rides on.
    pub(super) fn end_unwanted(&mut self, now: Instant) {
        for flow in self.flows.unwanted() {
            if self.user_agent.end_flow(flow) {
                self.network.close(flow);
                self.tell_flow(now, flow, FlowState::Ended);
                self.flows.forget(flow);
            }
        }
    }

    fn tell_flow(&mut self, at: Instant, flow: FlowId, state: FlowState) {
        if let Some(event) = self.flow_event(at, flow, state) {
            self.tell(event);
        }
    }

    fn flow_event(&self, at: Instant, flow: FlowId, state: FlowState) -> Option<Event> {
        let Way { asked, server, settings, .. } = self.flows.way(flow)?.clone();
        Some(Event::Flow(FlowEvent { at, flow, asked, server, settings, state }))
    }

    pub(super) fn signal(&mut self, signal: Signal) {
        match signal {
            Signal::Message { at, flow, source, bytes } => {
                self.message(at, flow, without_zone(source), bytes);
            }
            Signal::Up { flow, local, peer, facts } => {
                let now = self.now();
                let contact = self.contact(flow, local);
                let peer = without_zone(peer);
                let ends = Ends { local: without_zone(local), peer, facts };
                self.flows.up(now, flow, ends.clone());
                self.tell_flow(now, flow, ends.into());
                if let Some(Way { server, .. }) = self.flows.way(flow) {
                    self.user_agent.flow_leads_to(flow, &server.host, server.port, peer);
                }
                self.user_agent.flow_up(now, flow, contact);
            }
            Signal::Down { flow, reason, refused } => {
                if let Some(open) = self.accepted.remove(&flow) {
                    return self.peer_has_left(open, reason);
                }
                let now = self.now();
                let mut retry_at = {
                    let wanted = self.user_agent.keeps_registration(flow);
                    self.flows.down(now, flow, wanted, rand::random())
                };
                if self.leaving.is_some() {
                    self.flows.stop_retrying();
                    retry_at = None;
                }
                let state = FlowState::Down { reason: reason.clone(), retry_at, refused };
                self.tell_flow(now, flow, state);
                self.user_agent.flow_down(now, flow, &reason);
            }
            Signal::Pong { flow, rtt } => {
                let at = self.now();
                self.tell(Event::Pong { at, flow, rtt });
            }
            Signal::Undelivered { flow, to: Some(to), reason } => {
                let now = self.now();
                self.user_agent.datagram_refused(now, flow, without_zone(to), &reason);
            }
            Signal::Undelivered { flow, to: None, reason } => {
                let now = self.now();
                // The sockets stay usable, but nobody is there: that is down to a user, until
                // something goes through.
                let wanted = self.leaving.is_none() && self.user_agent.comes_back_to(flow);
                if let Some(retry_at) = self.flows.refused(now, flow, wanted, rand::random()) {
                    let (reason, refused) = (reason.clone(), Arc::default());
                    self.tell_flow(now, flow, FlowState::Down { reason, retry_at, refused });
                }
                self.user_agent.flow_error(now, flow, &reason);
            }
            Signal::Accepted { flow, transport, local, peer } => {
                let at = self.now();
                let (local, peer) = (without_zone(local), without_zone(peer));
                let open = PeerFlow { at, flow, transport, local, peer, ended: None };
                self.tell(Event::PeerFlow(open.clone()));
                self.accepted.insert(flow, open);
                self.user_agent.flow_connecting(flow, transport);
                self.user_agent.flow_up(at, flow, local);
            }
        }
    }

    /// A connection that a peer had opened to us is over.
    fn peer_has_left(&mut self, open: PeerFlow, reason: String) {
        let (at, flow) = (self.now(), open.flow);
        let ended = Some(reason.clone());
        self.tell(Event::PeerFlow(PeerFlow { at, ended, ..open }));
        self.user_agent.flow_down(at, flow, &reason);
        self.user_agent.forget_flow(flow);
    }

    /// The address that Via and Contact name on a flow: where the peer can reach us. Nobody can
    /// connect to the port that a TCP connection leaves from, so there is a listener beside it
    /// (RFC 3261 §18.1.1: sent-by is where we take connections).
    fn contact(&mut self, flow: FlowId, local: SocketAddr) -> SocketAddr {
        let transport = self.flows.way(flow).map(|way| way.server.transport);
        let ours = without_zone(local);
        if transport != Some(Transport::Tcp) {
            return ours;
        }
        if let Some(listening) = self.listening.get(&local.ip()) {
            return *listening;
        }
        // Without a listener the connection itself is the only way to us, as behind a NAT.
        let mut any_port = local;
        any_port.set_port(0);
        let Ok(listening) = self.network.listen(Transport::Tcp, any_port) else { return ours };
        let listening = without_zone(listening);
        self.listening.insert(local.ip(), listening);
        listening
    }

    fn message(&mut self, at: Instant, flow: FlowId, source: SocketAddr, bytes: Bytes) {
        let now = self.clock(at);
        if self.flows.is_heard(flow, source, &bytes)
            && let Some(ends) = self.flows.went_through(now, flow)
        {
            self.tell_flow(now, flow, ends.into());
            self.user_agent.try_flow(now, flow);
        }
        if self.impairer.is_at_work() {
            return self.judge_received(now, flow, source, bytes);
        }
        self.user_agent.handle_message(now, flow, source, bytes);
    }
}
