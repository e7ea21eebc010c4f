//! Requests whose next hop is not where their flow leads: what a 3xx sends elsewhere
//! (RFC 3261 §8.1.3.4), and what a dialog's route set or remote target does (§12.2.1.1). Their server
//! is found by the URI of that hop (RFC 3263), and they ride on a flow of their own.

use std::{
    net::{IpAddr, SocketAddr},
    time::Instant,
};

use super::{DialogKey, Output, Size, UserAgent, address::uri_destination, errands::is_errand};
use crate::sip::{
    auth::AuthState,
    cause::Cause,
    context::{ClientContext, Elsewhere, Request, Waiting},
    dialog::{Leg, Routing},
    event::{ContextId, Fact, FlowId, State},
    header::NameAddr,
    message::Message,
    name::HeaderName,
    status::StatusCode,
    transport::Transport,
    uri::{Scheme, Uri, UriBuf},
};

/// A context whose request goes to another server than its flow leads to, or the ACK or PRACK of one. The URI is to be looked up
/// for it, as for any request by name: [`UserAgent::resolved`] answers, or
/// [`UserAgent::unreachable`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follow {
    /// The context. An ACK or PRACK has an id of its own, until [`Output::Settled`].
    pub context: ContextId,
    /// The flow that it leaves; how that is made says how the other one is.
    pub from: FlowId,
    /// Where it goes.
    pub next_hop: UriBuf,
}

/// Where a flow leads.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    /// The host that the user, or a URI, named.
    host: Box<str>,
    port: u16,
    address: SocketAddr,
}

impl Peer {
    /// The address.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether a URI names this host and port; `usual` is the port of one that names none.
    fn is_named_by(&self, uri: &Uri<'_>, usual: u16) -> bool {
        let host = bare(uri.params().value("maddr").unwrap_or(uri.host()));
        match (host.parse::<IpAddr>(), uri.port()) {
            (Ok(ip), port) => self.address == SocketAddr::new(ip, port.unwrap_or(usual)),
            (Err(_), Some(port)) => host.eq_ignore_ascii_case(&self.host) && port == self.port,
            // Which port a name has, DNS says: the one that was found before.
            (Err(_), None) => host.eq_ignore_ascii_case(&self.host),
        }
    }
}

impl UserAgent {
    /// Says where a flow leads: the host and port that it was made for, and the address that they
    /// stand for. What goes elsewhere leaves a flow of which this is known.
    pub fn flow_leads_to(&mut self, flow: FlowId, host: &str, port: u16, address: SocketAddr) {
        self.flows.leads_to(flow, Peer { host: host.into(), port, address });
    }

    /// Whether a request to that hop has to leave a flow.
    pub(super) fn leads_elsewhere(&self, flow: FlowId, hop: &Uri<'_>) -> bool {
        let Some(flow) = self.flows.flow(flow) else { return false };
        // RFC 7118 §5: the server of a WebSocket is its client's only way out.
        if flow.transport.is_websocket() {
            return false;
        }
        let Some(peer) = &flow.peer else { return false };
        match transport_of(hop) {
            Named::Nothing => false,
            Named::Transport(transport) => {
                transport != flow.transport || !peer.is_named_by(hop, transport.default_port())
            }
            // Deviation: where the address is that of the connection, a peer that forgets to name
            // its transport is not asked over UDP, and not in the clear.
            Named::Address => !peer.is_named_by(hop, Transport::Udp.default_port()),
        }
    }

    /// The next hop of requests in the dialog of a leg, where a flow does not reach it: on UDP it
    /// reaches every address. `owner` is the context that made the dialog.
    ///
    /// # Errors
    ///
    /// Where the dialog is secure and that hop is not.
    pub(super) fn hop_of_leg(
        &self,
        owner: &ClientContext,
        flow: FlowId,
        leg: &Leg,
    ) -> Result<Option<UriBuf>, InTheClear> {
        let routing = Routing::new(&leg.remote_target, &leg.route_set);
        let (Some(hop), Some(to)) = (routing.next_hop(), self.flows.flow(flow)) else {
            return Ok(None);
        };
        if uri_destination(to.transport, &hop).is_some() || !self.leads_elsewhere(flow, &hop) {
            return Ok(None);
        }
        if self.is_secure(owner) && !is_secured(&hop) {
            // Its peer wrote itself wrong; the connection to it is what it should be.
            if to.peer.as_ref().is_some_and(|peer| peer.is_named_by(&hop, peer.port)) {
                return Ok(None);
            }
            let header = if leg.route_set.is_empty() { "Contact" } else { "Record-Route" };
            return Err(InTheClear { header, uri: hop.as_str().into() });
        }
        Ok(hop.as_str().parse().ok())
    }

    /// Whether the dialogs of a context are secure: it was sent to a sips URI over TLS
    /// (RFC 3261 §12.1.2).
    pub(super) fn is_secure(&self, owner: &ClientContext) -> bool {
        let flow = self.flows.flow(owner.flow);
        flow.is_some_and(|flow| flow.transport.is_secure())
            && owner.message().is_some_and(|request| {
                let uri = request.request_uri().and_then(|uri| Uri::parse(uri).ok());
                uri.is_some_and(|uri| uri.is_sips())
            })
    }

    /// A message refreshes the target of a dialog (RFC 3261 §12.2.1.2, §12.2.2), unless that would
    /// lead a secure one into the clear (§26.2.2): then it keeps its target.
    pub(super) fn refresh_target(&mut self, (owner, tag): (ContextId, &str), message: &Message) {
        let Some(leg) = self.leg_mut(owner, tag) else { return };
        let before = leg.remote_target.clone();
        leg.refresh(message);
        let Some(context) = self.contexts.get(&owner) else { return };
        let Some(leg) = context.legs.iter().find(|leg| &*leg.tag == tag) else { return };
        if self.hop_of_leg(context, context.flow, leg).is_err()
            && let Some(leg) = self.leg_mut(owner, tag)
        {
            leg.remote_target = before;
        }
    }

    /// Tells what is wrong with a message that makes a secure dialog, or refreshes its target: a
    /// hop that it names is no sips URI (RFC 3261 §12.1.1, §16.6).
    pub(super) fn look_at_hops(
        &mut self,
        now: Instant,
        id: ContextId,
        (owner, tag): (ContextId, &str),
        message: &Message,
    ) {
        let Some(context) = self.contexts.get(&owner) else { return };
        let Some(leg) = context.legs.iter().find(|leg| &*leg.tag == tag) else { return };
        let in_the_clear = |name: &HeaderName| {
            let uri = |value| NameAddr::parse(*name, value).ok().map(|address| address.uri());
            message.list(*name).filter_map(uri).find(|uri| uri.scheme() == Scheme::Sip)
        };
        let names = [HeaderName::Contact, HeaderName::RecordRoute];
        let wrong = names.iter().find_map(|name| Some((name, in_the_clear(name)?)));
        let Some((name, uri)) = wrong.filter(|_| self.is_secure(context)) else { return };
        let what = match (message.status(), message.method()) {
            (Some(status), _) => status.to_string(),
            (None, method) => method.map(|method| method.to_string()).unwrap_or_default(),
        };
        let is_kept = *name == HeaderName::Contact && *uri.for_request_line() != *leg.remote_target;
        let follows = match self.hop_of_leg(context, context.flow, leg) {
            Ok(_) if is_kept => {
                ": the dialog keeps its target, for a request to this one would go in the clear"
            }
            Ok(_) => "",
            Err(_) => ": no request is sent there, for it would go in the clear",
        };
        let detail = format!(
            "the {name} {uri} of the {what} is not sips, as it must be in a dialog that a sips URI has made over TLS (RFC 3261 §12.1.1){follows}"
        );
        self.tell_own(now, id, Fact::NotSecure { detail });
    }

    /// Lets a context look for the flow to another hop. What it has to send waits.
    pub(super) fn follow(&mut self, now: Instant, id: ContextId, waiting: Waiting, hop: UriBuf) {
        self.leave_dialogs(id);
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let from = std::mem::replace(&mut context.flow, FlowId::NONE);
        context.state = State::Waiting;
        context.route = None;
        context.size = Size::Unknown;
        // Another server is another protection space.
        context.auth = AuthState::default();
        self.replace_request(id, Request::Waiting(waiting));
        self.flows.leave(from, id);
        self.ask_to_follow(now, id, from, hop);
    }

    /// What a context sends anew makes its own dialogs; until then, nobody has any.
    pub(super) fn leave_dialogs(&mut self, id: ContextId) {
        let sent = self.contexts.get(&id).and_then(|context| context.message());
        if let Some(key) = sent.as_ref().and_then(DialogKey::of_ours) {
            self.dialogs.remove(key, id);
        }
    }

    /// Asks for the flow to a hop, for a context that has none.
    pub(super) fn ask_to_follow(
        &mut self,
        now: Instant,
        id: ContextId,
        from: FlowId,
        next_hop: UriBuf,
    ) {
        if !is_address(&next_hop) {
            self.tell_own(now, id, Fact::Resolving { server: next_hop.as_str().into() });
        }
        self.output.push_back(Output::Follow(Follow { context: id, from, next_hop }));
    }

    /// Answers [`Output::Follow`] where nothing can be reached by that URI; `why` is a sentence.
    pub fn unreachable(&mut self, now: Instant, id: ContextId, why: &str) {
        if is_errand(id) {
            return self.errand_unreachable(now, id, why);
        }
        let waits = |state: State| state == State::Waiting;
        if !self.contexts.get(&id).is_some_and(|context| waits(context.state)) {
            return;
        }
        // Deviation: where a peer's Contact or Record-Route names nobody, what belongs to the dialog
        // still has the way that made it.
        if !self.back_to_dialog(now, id, why) && !self.next_target_after(now, id, why) {
            self.fail(now, id, State::Failed, Cause::ConnectionError, why.to_owned());
            self.forget_if_over(id);
        }
    }
}

impl UserAgent {
    /// What could not be sent to the hop of its dialog, as [`UserAgent::goes_with_dialog`].
    pub(super) fn back_to_dialog(&mut self, now: Instant, id: ContextId, why: &str) -> bool {
        let Some(context) = self.contexts.get(&id) else { return false };
        let parent = context.parent.as_ref().and_then(|(parent, _)| self.contexts.get(parent));
        let flow = parent.map(|parent| parent.flow);
        // What was sent before is sent again only where it went: the peer may have it already.
        let was_sent = matches!(&context.request,
            Request::Waiting(Waiting::Elsewhere(again)) if again.branch.is_some());
        let waits = context.state == State::Waiting && !was_sent;
        let other = flow.filter(|flow| waits && *flow != context.flow && self.flows.is_up(*flow));
        if let Some(flow) = other {
            self.goes_with_dialog(now, id, flow, why);
        }
        other.is_some()
    }

    /// A datagram in a dialog that was refused (ICMP) where the peer's Contact or Record-Route leads has
    /// reached nobody: it goes as [`UserAgent::goes_with_dialog`], as its ACK does. What was sent more
    /// than once, or has got a provisional, may have arrived, and does not.
    pub(super) fn refused_goes_with_dialog(
        &mut self,
        now: Instant,
        id: ContextId,
        why: &str,
        progress: Option<StatusCode>,
    ) -> bool {
        let Some(context) = self.contexts.get(&id) else { return false };
        if progress.is_some() || context.is_cancelled() {
            return false;
        }
        if !matches!(context.request, Request::Sent { attempts: ..=1, .. }) {
            return false;
        }
        let parent = context.parent.as_ref().and_then(|(parent, _)| self.contexts.get(parent));
        let Some(flow) = parent.map(|parent| parent.flow) else { return false };
        let from = context.flow;
        let is_datagram = self.flows.flow(from).is_some_and(|it| it.transport == Transport::Udp);
        let is_elsewhere = from != flow || self.elsewhere(from, context.destination()).is_some();
        let (Some(bytes), true) = (context.sent().cloned(), is_datagram && is_elsewhere) else {
            return false;
        };
        if !self.flows.is_up(flow) {
            return false;
        }
        let elsewhere =
            Elsewhere { bytes, signed: false, seen: self.seen(from), to: None, branch: None };
        self.leave_dialogs(id);
        self.replace_request(id, Request::Waiting(Waiting::Elsewhere(Box::new(elsewhere))));
        if let Some(context) = self.contexts.get_mut(&id) {
            context.state = State::Waiting;
            context.leave_server();
        }
        self.goes_with_dialog(now, id, flow, why);
        true
    }

    /// A request in a dialog that waits for its way takes that of the request which made the dialog.
    pub(super) fn goes_with_dialog(
        &mut self,
        now: Instant,
        id: ContextId,
        flow: FlowId,
        why: &str,
    ) {
        let why = format!("{why}; it goes the way of the request that made the dialog");
        self.tell_own(now, id, Fact::PassedOver { response: None, why: why.into() });
        self.stay(id);
        // RFC 3263 §4.3: another way is another transaction.
        if let Some(context) = self.contexts.get_mut(&id)
            && let Request::Waiting(Waiting::Elsewhere(again)) = &mut context.request
        {
            again.branch = None;
        }
        self.ride(now, id, flow);
    }
}

/// A hop of a secure dialog that nothing secures: what goes there would go in the clear.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not sent: the dialog was made by a sips URI over TLS, and the {header} of its peer, {uri}, would have it go on in the clear; a sips URI there would be right (RFC 3261 §12.1.1, §26.2.2)"
)]
pub struct InTheClear {
    /// The header that names the hop.
    pub header: &'static str,
    /// The hop.
    pub uri: Box<str>,
}

/// Whether a hop is reached by TLS alone, or by the connection that there is.
fn is_secured(hop: &Uri<'_>) -> bool {
    match transport_of(hop) {
        Named::Transport(transport) => transport.is_secure(),
        Named::Address => false,
        Named::Nothing => true,
    }
}

/// What a URI says of its transport.
enum Named {
    Transport(Transport),
    /// Nothing; so it is UDP, unless DNS says otherwise (RFC 3263 §4.1).
    Address,
    /// It is no SIP URI, or names a transport that is not known.
    Nothing,
}

fn transport_of(uri: &Uri<'_>) -> Named {
    let secure = match uri.scheme() {
        Scheme::Sip => false,
        Scheme::Sips => true,
        Scheme::Other(_) => return Named::Nothing,
    };
    match (uri.params().value("transport").map(str::parse), secure) {
        (None, false) => Named::Address,
        // RFC 3261 §26.2.2: sips over TCP means TLS.
        (None | Some(Ok(Transport::Tcp)), true) => Named::Transport(Transport::Tls),
        (Some(Ok(Transport::Ws)), true) => Named::Transport(Transport::Wss),
        (Some(Ok(transport)), _) => Named::Transport(transport),
        (Some(Err(())), _) => Named::Nothing,
    }
}

/// The transport to a hop that leaves a flow of another, unless DNS names one.
pub(super) fn transport_to(hop: &Uri<'_>, own: Transport) -> Transport {
    match transport_of(hop) {
        Named::Transport(transport) => transport,
        Named::Address => Transport::Udp,
        Named::Nothing => own,
    }
}

/// Whether two URIs lead to the same server: by host, port and transport.
pub(super) fn is_same_hop(one: &Uri<'_>, other: &Uri<'_>) -> bool {
    let named = |uri: &Uri<'_>, name| uri.params().value(name).map(str::to_ascii_lowercase);
    one.host().eq_ignore_ascii_case(other.host())
        && one.port() == other.port()
        && one.is_sips() == other.is_sips()
        && named(one, "transport") == named(other, "transport")
        && named(one, "maddr") == named(other, "maddr")
}

/// Whether a URI names an address, which is not looked up.
pub(super) fn is_address(uri: &UriBuf) -> bool {
    bare(uri.as_uri().host()).parse::<IpAddr>().is_ok()
}

fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}
