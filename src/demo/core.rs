//! [`Core`]: the demo server without its sockets. Messages and the time go in, messages and the
//! next deadline come out.
//!
//! This file holds the way of a message through it; `invite.rs` answers INVITEs, `in_dialog.rs`
//! what comes in their dialogs, `other.rs` and `subscriptions.rs` everything else.

mod kept;

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    net::{IpAddr, SocketAddr},
    time::Instant,
};

use bytes::Bytes;

use crate::sip::{
    Flaw, FlowId, HeaderName, Identifiers, Incoming, Message, Method, ResponseBuilder,
    ServerTransactionId, ServerTransactions, StatusCode, TimedOut, Transmit, Transport,
    response_destination,
};

use super::{
    Settings,
    behaviour::{Behaviour, status},
    check::{Refusal, check},
    dialogs::{DialogId, DialogKey, Dialogs},
    digest::Authenticator,
    garble::garbled,
    invite::Call,
    losses::Losses,
    outgoing::{Outgoing, Purpose},
    registrar::{Publications, Registrar},
    request::{FlowInfo, Request, redirect_target, refusal_response},
    schedule::Schedule,
};

/// The demo server without its sockets.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) settings: Settings,
    pub(super) identifiers: Identifiers,
    pub(super) transactions: ServerTransactions,
    pub(super) outgoing: Outgoing,
    pub(super) schedule: Schedule<Due>,
    pub(super) calls: HashMap<ServerTransactionId, Call>,
    pub(super) dialogs: Dialogs,
    pub(super) services: Services,
    flows: HashMap<FlowId, Flow>,
    losses: Losses,
    garbled: usize,
    output: VecDeque<Transmit>,
}

/// What outlives a request.
#[derive(Debug)]
pub(super) struct Services {
    pub(super) authenticator: Authenticator,
    pub(super) registrar: Registrar,
    pub(super) publications: Publications,
}

/// What is to be done later.
#[derive(Debug)]
pub(super) enum Due {
    /// The next step of a call.
    Step(ServerTransactionId),
    /// The Expires of an INVITE is over.
    Expired(ServerTransactionId),
    /// A reliable provisional is sent again (RFC 3262 §3).
    RepeatProvisional(DialogId),
    /// A 2xx is sent again (RFC 3261 §13.3.1.4).
    RepeatSuccess(DialogId),
    /// We end the call.
    HangUp(DialogId),
    /// A subscription has something to say, or is over.
    Subscription(DialogId, u64),
    /// A request that is no INVITE is answered late: with a 100, or for good.
    Answer(Box<Request>, StatusCode),
}

/// A flow, and what is lost with it. A UDP socket is one flow for all its peers, and never lost.
#[derive(Debug)]
struct Flow {
    info: FlowInfo,
    calls: BTreeSet<ServerTransactionId>,
    dialogs: BTreeSet<DialogId>,
}

impl Core {
    pub(super) fn new(now: Instant, settings: Settings, seed: u64) -> Core {
        let mut identifiers = Identifiers::new(seed);
        let limits = settings.limits;
        Core {
            services: Services {
                authenticator: Authenticator::new(
                    now,
                    identifiers.call_id(),
                    settings.pace.nonce_lifetime,
                ),
                registrar: Registrar::new(limits.records),
                publications: Publications::new(limits.records),
            },
            identifiers,
            transactions: ServerTransactions::new(settings.timing, limits.transactions),
            outgoing: Outgoing::new(settings.timing, limits.transactions),
            schedule: Schedule::new(),
            calls: HashMap::new(),
            dialogs: Dialogs::new(limits.dialogs),
            flows: HashMap::new(),
            losses: Losses::default(),
            garbled: 0,
            output: VecDeque::new(),
            settings,
        }
    }

    /// A socket was bound, or a peer connected.
    pub(super) fn flow_up(&mut self, flow: FlowId, transport: Transport, local: SocketAddr) {
        // RFC 4291 §2.5.5.2: an IPv4 peer of an IPv6 socket reaches an IPv4 address.
        let local = SocketAddr::new(local.ip().to_canonical(), local.port());
        let info = FlowInfo { id: flow, transport, local };
        let flow_state = Flow { info, calls: BTreeSet::new(), dialogs: BTreeSet::new() };
        self.flows.insert(flow, flow_state);
    }

    /// Whether a flow is there.
    pub(super) fn has_flow(&self, flow: FlowId) -> bool {
        self.flows.contains_key(&flow)
    }

    /// A connection is gone. So is everything on that of a WebSocket, to whose client nobody can
    /// connect; on any other, what was asked is answered on a new one (RFC 3261 §18.2.2), and the
    /// dialogs go on with what comes on it.
    pub(super) fn flow_down(&mut self, flow: FlowId) {
        let Some(flow) = self.flows.remove(&flow) else { return };
        if !flow.info.transport.is_websocket() {
            return;
        }
        for call in flow.calls {
            self.forget_call(call);
            self.transactions.forget(call);
        }
        for dialog in flow.dialogs {
            self.drop_dialog(dialog);
        }
    }

    /// Bytes came: one datagram, one WebSocket frame, or one framed message. `ours` is the address
    /// that its peer reaches, where the flow does not say.
    pub(super) fn handle_message(
        &mut self,
        now: Instant,
        flow: FlowId,
        ours: Option<IpAddr>,
        source: SocketAddr,
        bytes: Bytes,
    ) {
        let Some(mut info) = self.flows.get(&flow).map(|flow| flow.info) else { return };
        ours.into_iter().for_each(|ours| info.local.set_ip(ours));
        let limits = self.settings.messages;
        let large = bytes.len() > MAX_MESSAGE;
        let Ok((message, over)) = Message::read_to_answer(bytes, &limits) else { return };
        if !message.is_request() {
            if over.is_none()
                && let Some((purpose, status)) = self.outgoing.handle_response(now, &message)
            {
                self.on_answer(purpose, status);
            }
            return;
        }
        if self.misbehave(info, source, &message) {
            return;
        }
        match self.transaction_of(now, info, source, &message) {
            Incoming::New(id) => {
                let method = message.method().expect("only a request makes a transaction");
                let request = Request { id, flow: info, source, method, message };
                let checked = match over {
                    // What is kept of a request is bounded, and so is its size.
                    _ if large => Err(Refusal::new(513)),
                    Some(error) => Err(Flaw::over(&request.message, error).into()),
                    None => check(&request.message, &limits),
                };
                match checked {
                    Ok(()) => self.on_request(now, request),
                    Err(refusal) => self.refuse(now, &request, &refusal),
                }
            }
            Incoming::Retransmit(_, transmit) => self.output.push_back(transmit),
            Incoming::Ack => self.on_ack(now, &message),
            Incoming::Full if message.method() != Some(Method::Ack) => {
                let refusal = Refusal::with(503, HeaderName::RetryAfter, "5");
                self.refuse_untracked(info, source, &message, &refusal);
            }
            Incoming::Unusable
                if message.method() != Some(Method::Ack) && Flaw::is_answerable(&message) =>
            {
                let flaw = match over {
                    Some(error) => Some(Flaw::over(&message, error)),
                    None => Flaw::of(&message, &limits),
                };
                let refusal = match flaw {
                    _ if large => Refusal::new(513),
                    flaw => flaw.map_or_else(|| Refusal::new(400), Refusal::from),
                };
                self.refuse_untracked(info, source, &message, &refusal);
            }
            Incoming::Full | Incoming::Absorbed(_) | Incoming::Acked(_) | Incoming::Unusable => {}
        }
    }

    /// The transaction of a request. Where there are too many, an answered one makes room.
    fn transaction_of(
        &mut self,
        now: Instant,
        info: FlowInfo,
        source: SocketAddr,
        request: &Message,
    ) -> Incoming {
        loop {
            let incoming = self.transactions.receive(now, info.id, info.transport, source, request);
            if incoming != Incoming::Full || !self.transactions.forget_oldest_answered() {
                return incoming;
            }
        }
    }

    /// Refuses a request that no transaction is made for (RFC 3261 §8.2.7).
    fn refuse_untracked(
        &mut self,
        info: FlowInfo,
        source: SocketAddr,
        request: &Message,
        refusal: &Refusal,
    ) {
        let response = refusal_response(request, source, refusal);
        let bytes = response.to_tag(self.identifiers.tag()).build();
        let to = response_destination(request, info.transport, source);
        self.output.push_back(Transmit { flow: info.id, to, bytes });
    }

    /// The behaviours that act before any transaction does; `true` where the request is done with.
    fn misbehave(&mut self, info: FlowInfo, source: SocketAddr, request: &Message) -> bool {
        match Behaviour::of_request(request) {
            Behaviour::Silent => true,
            // What is never lost is never sent again: on a reliable transport nothing is ignored.
            Behaviour::Lossy if !info.transport.is_reliable() => self.losses.swallow(request),
            Behaviour::Garbled => {
                if request.method() != Some(Method::Ack) {
                    let bytes = garbled(request, self.garbled);
                    self.garbled += 1;
                    let to = response_destination(request, info.transport, source);
                    self.output.push_back(Transmit { flow: info.id, to, bytes });
                }
                true
            }
            _ => false,
        }
    }

    fn on_request(&mut self, now: Instant, request: Request) {
        if request.method == Method::Cancel {
            return self.on_cancel(now, &request);
        }
        if let Some(key) = DialogKey::of(&request.message) {
            return match self.dialogs.find(&key) {
                Some(dialog) => self.on_request_in_dialog(now, dialog, &request),
                // RFC 3261 §12.2.2.
                None => self.refuse(now, &request, &Refusal::new(481)),
            };
        }
        let behaviour = Behaviour::of_request(&request.message);
        if let Some(offered) = behaviour.challenge()
            && !self.authenticate(now, &request, offered)
        {
            return;
        }
        if let Some(status) = behaviour.rejection() {
            return self.reject(now, &request, status);
        }
        match request.method {
            Method::Invite => self.on_invite(now, request, behaviour),
            // RFC 3261 §15.1.2, RFC 3262 §3, RFC 3311 §5.2: these live in dialogs only.
            Method::Bye | Method::Prack | Method::Update => {
                self.refuse(now, &request, &Refusal::new(481));
            }
            _ if behaviour == Behaviour::Slow => self.answer_slowly(now, request),
            _ => self.on_other(now, &request),
        }
    }

    /// A final response to a request of ours came, or 408 where none did.
    fn on_answer(&mut self, purpose: Purpose, status: StatusCode) {
        match purpose {
            Purpose::HangUp => {}
            // RFC 6665 §4.2.2: a NOTIFY that fails ends its subscription.
            Purpose::Notify(dialog, subscription) if !status.is_success() => {
                self.end_subscription(dialog, subscription);
            }
            Purpose::Notify(..) => {}
        }
    }

    /// Sends a refusal.
    pub(super) fn refuse(&mut self, now: Instant, request: &Request, refusal: &Refusal) {
        let response = request.refusal(refusal);
        self.respond(now, request, refusal.status, response);
    }

    /// Sends a final response that refuses, with what its status needs.
    pub(super) fn reject(&mut self, now: Instant, request: &Request, status: StatusCode) {
        let mut response = request.response(status);
        if status.code() == 302 {
            response = response.header(HeaderName::Contact, redirect_target(&request.message));
        }
        self.respond(now, request, status, response);
    }

    /// Sends a response through the request's transaction. To gets a fresh tag where it has none
    /// and none was given.
    pub(super) fn respond(
        &mut self,
        now: Instant,
        request: &Request,
        status: StatusCode,
        response: ResponseBuilder<'_>,
    ) -> Option<Transmit> {
        let bytes = response.to_tag_or(|| self.identifiers.tag()).build();
        let transmit = self.transactions.respond(now, request.id, status, bytes)?;
        self.output.push_back(transmit.clone());
        Some(transmit)
    }

    /// Queues bytes to be sent.
    pub(super) fn transmit(&mut self, transmit: Transmit) {
        self.output.push_back(transmit);
    }

    /// Time has come to [`Core::next_timeout`].
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        while let Some(timed_out) = self.transactions.handle_timeout(now) {
            match timed_out {
                TimedOut::Retransmit(_, transmit) => self.output.push_back(transmit),
                TimedOut::NoAck(_) | TimedOut::Terminated(..) => {}
            }
        }
        while let Some(result) = self.outgoing.handle_timeout(now) {
            match result {
                Ok(transmit) => self.output.push_back(transmit),
                Err(purpose) => self.on_answer(purpose, status(408)),
            }
        }
        while let Some(due) = self.schedule.pop(now) {
            match due {
                Due::Step(call) => self.run_call(now, call),
                Due::Expired(call) => self.terminate_call(now, call),
                Due::RepeatProvisional(dialog) => self.repeat_provisional(now, dialog),
                Due::RepeatSuccess(dialog) => self.repeat_success(now, dialog),
                Due::HangUp(dialog) => self.hang_up(now, dialog),
                Due::Subscription(dialog, id) => self.on_subscription_due(now, dialog, id),
                Due::Answer(request, StatusCode::TRYING) => {
                    let response = request.response(StatusCode::TRYING);
                    self.respond(now, &request, StatusCode::TRYING, response);
                }
                Due::Answer(request, _) => self.on_other(now, &request),
            }
        }
    }

    /// When [`Core::handle_timeout`] must be called next.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let all = [
            self.transactions.next_timeout(),
            self.outgoing.next_timeout(),
            self.schedule.next_at(),
        ];
        all.into_iter().flatten().min()
    }

    /// What is to be sent next.
    pub(super) fn poll_transmit(&mut self) -> Option<Transmit> {
        self.output.pop_front()
    }

    /// The graceful end: pending calls are refused, calls that are up hung up, subscriptions ended.
    pub(super) fn shut_down(&mut self, now: Instant) {
        let calls: Vec<ServerTransactionId> = self.calls.keys().copied().collect();
        for call in calls {
            self.end_call(now, call, status(503));
        }
        for dialog in self.dialogs.ids() {
            self.end_subscriptions(now, dialog);
            self.hang_up(now, dialog);
        }
    }

    /// Whether no request of our own waits for an answer.
    pub(super) fn is_idle(&self) -> bool {
        !self.outgoing.is_pending()
    }
}

/// As much as a datagram can hold; more is answered 513.
const MAX_MESSAGE: usize = 65_535;

#[cfg(test)]
impl Core {
    /// Nothing is remembered of anybody.
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
            && self.dialogs.len() == 0
            && self.transactions.is_empty()
            && self.next_timeout().is_none()
            && self.flows.values().all(|flow| flow.calls.is_empty() && flow.dialogs.is_empty())
    }
}
