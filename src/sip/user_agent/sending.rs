//! From a wish to a request on the wire.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use bytes::Bytes;
use smallvec::SmallVec;

use super::{
    Size, UserAgent,
    flows::FlowState,
    subscriptions,
    transactions::{Key, NewTransaction, Role},
};
use crate::sip::{
    auth::{AuthState, Credentials},
    compose::{self, Sender, Writing},
    context::{Cancel, ClientContext, Elsewhere, Request, Waiting, Wanted},
    event::{ContextId, Created, Fact, FlowId, State},
    method::Method,
    random::Branch,
    registration::{Profile, RegistrationId},
    request::NewRequest,
    transaction::{ClientTransaction, InviteClient, NonInviteClient},
    transport::Transport,
    uri::UriBuf,
};

impl UserAgent {
    /// Sends a request on a flow and makes its client context. Where the flow is still being made
    /// the request waits; where it is down the context fails at once.
    pub fn request(&mut self, now: Instant, flow: FlowId, request: NewRequest) -> ContextId {
        let transport = self.flows.flow(flow).map_or(Transport::Udp, |flow| flow.transport);
        self.create_new(now, Some(flow), transport, request, None)
    }

    /// Makes the context of a request outside any dialog, which may be the REGISTER of a registration
    /// that is kept.
    pub(super) fn create_new(
        &mut self,
        now: Instant,
        flow: Option<FlowId>,
        transport: Transport,
        request: NewRequest,
        registration: Option<RegistrationId>,
    ) -> ContextId {
        let mut request = Box::new(request);
        // What identifies the context is fixed now, though it may be sent later.
        if request.call_id.is_none() {
            request.call_id = self.identifiers.call_id().parse().ok();
        }
        request.route_set = self.routes(&request);
        let created = Created {
            request_uri: request.request_uri.clone(),
            local_identity: request.from.with_tag(request.from_tag.as_ref()),
            remote_identity: request.to.with_tag(request.to_tag.as_ref()),
            call_id: request.call_id.as_ref().map(|id| id.as_str()).unwrap_or_default().into(),
            flow,
            transport,
            parent: None,
            account: request.profile.as_ref().map(|profile| Arc::clone(&profile.name)),
            registration,
        };
        let sender = For {
            method: request.method.clone(),
            credentials: request.credentials.clone(),
            profile: request.profile.clone(),
        };
        self.create(now, created, sender, None, Waiting::New(request))
    }

    /// Makes a context and sends its request as soon as its flow allows.
    pub(super) fn create(
        &mut self,
        now: Instant,
        created: Created,
        sender: For,
        parent: Option<(ContextId, Box<str>)>,
        waiting: Waiting,
    ) -> ContextId {
        let For { method, credentials, profile } = sender;
        self.last_context += 1;
        let id = ContextId(self.last_context);
        let flow = created.flow;
        if super::is_call(&method) {
            self.open_calls += 1;
        }
        let context = ClientContext {
            method,
            flow: flow.unwrap_or(FlowId::NONE),
            parent,
            state: State::Waiting,
            request: Request::Waiting(waiting),
            route: None,
            size: Size::Unknown,
            cancel: Cancel::No,
            legs: SmallVec::new(),
            redirection: None,
            credentials,
            profile,
            auth: AuthState::default(),
            acks: Vec::new(),
            transactions: 0,
            wanted: Wanted::Yes,
            children: 0,
            deadline: None,
            ended: None,
            heard_on: None,
            cause: None,
        };
        if let Some((parent, _)) = &context.parent
            && let Some(parent) = self.contexts.get_mut(parent)
        {
            parent.children += 1;
        }
        self.contexts.insert(id, Box::new(context));
        if let Some(registration) = created.registration {
            self.registrations.serves(id, registration);
        }
        if let Some(flow) = flow {
            self.flows.join(flow, id);
        }
        self.tell_own(now, id, Fact::Created(Box::new(created)));
        if let Some(flow) = flow {
            self.send_or_wait(now, id, flow);
        }
        id
    }

    /// Writes a request and sends it for the first time.
    pub(super) fn send(&mut self, now: Instant, id: ContextId, mut waiting: Waiting) {
        let made_ahead = match &mut waiting {
            Waiting::New(request) => request.branch.take(),
            Waiting::InDialog(request) => request.branch.take(),
            Waiting::Elsewhere(elsewhere) => elsewhere.branch,
            _ => None,
        };
        let made_ahead = made_ahead.filter(|branch| !self.transactions.holds(*branch));
        let branch = made_ahead.unwrap_or_else(|| self.new_branch());
        match waiting {
            Waiting::New(mut request) => {
                let Some(context) = self.contexts.get(&id) else { return };
                let flow = context.flow;
                let Some((transport, sent_by)) = self.address(flow) else { return };
                let seen = self.seen(flow);
                let reached_at = compose::reached_at(&sent_by, seen);
                self.registrations.name_contact(id, &mut request, transport, &reached_at);
                let profile = request.profile.as_deref();
                // RFC 5627 §4.1: a GRUU is never registered.
                let profile_of_contact = profile.filter(|_| request.method != Method::Register);
                let contact = profile_of_contact.and_then(|it| self.registrations.contact(it));
                let ob = self.asks_for_flow(&request.method, profile, flow);
                let sender = Sender {
                    transport,
                    sent_by: &sent_by,
                    seen,
                    contact: contact.as_ref(),
                    ob,
                    keep: self.flows.flow(flow).is_some_and(|flow| flow.keeps_alive),
                    user_agent: self.settings.user_agent_of(profile),
                    reliable: self.settings.reliable_provisionals,
                };
                let bytes =
                    compose::first_request(&request, &sender, branch, &mut self.identifiers);
                let bytes = self.authorize_ahead(now, id, bytes);
                if !self.switch_to_tcp(now, id, bytes.len(), None, || Waiting::New(request)) {
                    self.start(now, id, branch, None, bytes);
                }
            }
            Waiting::InDialog(request) => self.send_in_dialog(now, id, branch, &request),
            Waiting::Raw(raw) => {
                // Another candidate needs another branch, and these bytes stay as they are.
                self.stay(id);
                let Some(flow) = self.contexts.get(&id).map(|context| context.flow) else { return };
                let Some((_, ours)) = self.address(flow) else { return };
                self.start_raw(now, id, branch, &raw.with_address(&ours));
            }
            Waiting::Elsewhere(elsewhere) => {
                self.send_elsewhere(now, id, branch, *elsewhere);
            }
        }
    }

    /// Starts the client transaction of a request that has been written, unless it is too large for
    /// its flow.
    pub(super) fn start_or_switch(
        &mut self,
        now: Instant,
        id: ContextId,
        branch: Branch,
        to: Option<SocketAddr>,
        bytes: Bytes,
    ) {
        // Its credentials are for the same server, whichever way it goes there.
        let flow = self.contexts.get(&id).map(|context| context.flow);
        let seen = flow.and_then(|flow| self.seen(flow));
        let waiting = || {
            let elsewhere =
                Elsewhere { bytes: bytes.clone(), signed: false, seen, to, branch: None };
            Waiting::Elsewhere(Box::new(elsewhere))
        };
        if !self.switch_to_tcp(now, id, bytes.len(), to, waiting) {
            self.start(now, id, branch, to, bytes);
        }
    }

    /// Starts the client transaction of a request that has been written.
    pub(super) fn start(
        &mut self,
        now: Instant,
        id: ContextId,
        branch: Branch,
        to: Option<SocketAddr>,
        bytes: Bytes,
    ) {
        let timing = Arc::clone(&self.timing);
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let flow = context.flow;
        let reliable = self.flows.flow(flow).is_some_and(|flow| flow.transport.is_reliable());
        let method = context.method.clone();
        let transaction = if method == Method::Invite {
            context.state = State::Calling;
            ClientTransaction::Invite(InviteClient::new(now, bytes.clone(), reliable, timing))
        } else {
            context.state = State::Trying;
            ClientTransaction::NonInvite(NonInviteClient::new(now, bytes.clone(), reliable, timing))
        };
        let attempts = transaction.attempts();
        self.replace_request(
            id,
            Request::Sent { branch, bytes: bytes.clone(), to: to.map(Box::new), attempts },
        );
        self.registrations.sent(id, flow, &bytes);
        let key = Key { branch, is_cancel: false };
        let new = NewTransaction {
            context: id,
            role: Role::Own,
            method,
            flow,
            to,
            auth: AuthState::default(),
            transaction,
        };
        self.begin_transaction(key, new);
        self.expect_notify(now, id);
        self.transmit(flow, to, bytes.clone());
        let destination = self.destination(flow, to);
        self.tell_own(now, id, Fact::Sent { message: bytes, destination });
    }

    /// A context gets another request, or waits to send one: what still runs of the one before is
    /// that of an earlier try.
    pub(super) fn replace_request(&mut self, id: ContextId, request: Request) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        if let Some(branch) = context.branch() {
            self.transactions.set_aside(Key { branch, is_cancel: false });
        }
        context.request = request;
        if context.method == Method::Invite {
            return self.begin_try(id);
        }
        // Only a CANCEL has another deadline, and that is kept.
        if subscriptions::subscribes(&context.method) {
            self.wait_for_notify(id, None);
        }
    }

    pub(super) fn begin_transaction(&mut self, key: Key, new: NewTransaction) {
        if let Some(context) = self.contexts.get_mut(&new.context) {
            context.transactions += 1;
        }
        self.transactions.insert(key, new);
    }

    /// Sends a request that belongs to a context beside its own, a CANCEL or PRACK, in a transaction
    /// of its own.
    pub(super) fn send_beside(
        &mut self,
        now: Instant,
        id: ContextId,
        key: Key,
        (role, method): (Role, Method),
        (flow, to): (FlowId, Option<SocketAddr>),
        (bytes, auth): (&Bytes, AuthState),
    ) {
        let reliable = self.flows.flow(flow).is_some_and(|flow| flow.transport.is_reliable());
        let timing = Arc::clone(&self.timing);
        let transaction = NonInviteClient::new(now, bytes.clone(), reliable, timing);
        let transaction = ClientTransaction::NonInvite(transaction);
        let new = NewTransaction { context: id, role, method, flow, to, auth, transaction };
        self.begin_transaction(key, new);
        self.transmit(flow, to, bytes.clone());
    }

    pub(super) fn end_transaction(&mut self, key: Key) {
        if let Some(entry) = self.transactions.remove(key)
            && let Some(context) = self.contexts.get_mut(&entry.context)
        {
            context.transactions -= 1;
        }
    }

    /// A branch that nothing else uses.
    pub(super) fn new_branch(&mut self) -> Branch {
        loop {
            let branch = self.identifiers.branch();
            if !self.transactions.holds(branch) {
                return branch;
            }
        }
    }

    /// How requests of an account are written on a flow, or on one that is still to be made; `None`
    /// where the flow is not up.
    pub fn writing(&self, flow: Option<FlowId>, profile: Option<&Arc<Profile>>) -> Option<Writing> {
        let of_account = Writing {
            contact: profile.and_then(|profile| self.registrations.contact(profile)),
            routes: profile.map(|profile| self.routes_of(profile, false)).unwrap_or_default(),
            ..Writing::unknown()
        };
        let Some(flow) = flow else { return Some(of_account) };
        let (_, sent_by) = self.address(flow)?;
        Some(Writing {
            sent_by,
            seen: self.seen(flow),
            ob: self.asks_for_flow(&Method::Invite, profile.map(|profile| &**profile), flow),
            keep: self.flows.flow(flow).is_some_and(|flow| flow.keeps_alive),
            is_challenged: self.auth.knows(flow),
            ..of_account
        })
    }

    /// A flow's transport and what Via says on it; `None` while it is not up.
    pub(super) fn address(&self, flow: FlowId) -> Option<(Transport, Box<str>)> {
        let flow = self.flows.flow(flow)?;
        match &flow.state {
            FlowState::Up { sent_by, .. } => Some((flow.transport, sent_by.clone())),
            FlowState::Connecting | FlowState::Down { .. } => None,
        }
    }

    /// Who writes a request that follows from the first one of a context.
    pub(super) fn sender<'a>(
        &'a self,
        context: &'a ClientContext,
        transport: Transport,
        sent_by: &'a str,
    ) -> Sender<'a> {
        self.sender_on(context, context.flow, transport, sent_by)
    }

    /// [`UserAgent::sender`] on another flow than the context's own.
    pub(super) fn sender_on<'a>(
        &'a self,
        context: &'a ClientContext,
        flow: FlowId,
        transport: Transport,
        sent_by: &'a str,
    ) -> Sender<'a> {
        let reliable = self.settings.reliable_provisionals;
        let user_agent = self.settings.user_agent_of(context.profile.as_deref());
        let seen = self.seen(flow);
        let ob = self.asks_for_flow(&context.method, context.profile.as_deref(), flow);
        let keep = self.flows.flow(flow).is_some_and(|flow| flow.keeps_alive);
        Sender { transport, sent_by, seen, contact: None, ob, keep, user_agent, reliable }
    }

    /// RFC 5626 §4.3: the requests of a dialog come on the flow that it was made on, where the
    /// registrar keeps that flow.
    fn asks_for_flow(&self, method: &Method, profile: Option<&Profile>, flow: FlowId) -> bool {
        compose::forms_dialog(method)
            && profile.is_some_and(|profile| self.registrations.is_outbound(profile, flow))
    }
}

/// What a context is sent with.
#[derive(Debug)]
pub(super) struct For {
    pub(super) method: Method,
    pub(super) credentials: Option<Arc<[Credentials]>>,
    pub(super) profile: Option<Arc<Profile>>,
}

/// The Request-URI as an event carries it.
pub(super) fn as_uri(text: &str) -> UriBuf {
    text.parse().unwrap_or_else(|_| {
        "sip:unreadable.invalid".parse().expect("this URI is written correctly")
    })
}
