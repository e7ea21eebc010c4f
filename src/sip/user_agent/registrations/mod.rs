//! Registrations that are kept: made, refreshed in time, tried again, made again when their flow
//! comes back, and removed (RFC 3261 §10.2, RFC 5626 §4).
//!
//! Each REGISTER is a client context like any other. One registration has at most one under way
//! (RFC 3261 §10.2), all with the same Call-ID and rising CSeq numbers. `book` holds what is known
//! of each; `outcome` is what the registrar's answers make of it.

mod book;
mod outcome;

use std::{sync::Arc, time::Instant};

pub(super) use self::book::Registrations;
use self::book::{Failure, Registration, Stage, Wish};
use super::{Output, UserAgent, transactions::Due};
use crate::sip::{
    event::{Advice, ContextId, Event, FlowId},
    header::CSeq,
    method::Method,
    registration::{
        NewRegistration, Profile, RegistrationEvent, RegistrationId, RegistrationState, registrar,
        schedule,
    },
    request::{CSeqNumber, NewRequest},
    transport::Transport,
    uri::UriBuf,
};

/// A registrar that is known by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrarName {
    /// What is looked up.
    pub server: String,
    /// The transport that it will have unless DNS names another.
    pub transport: Transport,
}

/// Where a registrar is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrarAt {
    /// At the end of this flow.
    Flow(FlowId),
    /// Where DNS says: each REGISTER without a flow is the context of a request by name, as
    /// [`UserAgent::request_by_name`] makes one.
    Name(RegistrarName),
}

impl UserAgent {
    /// Makes a registration and keeps it: until [`UserAgent::unregister`], and through
    /// whatever becomes of the flow.
    pub fn register(
        &mut self,
        now: Instant,
        at: RegistrarAt,
        wanted: NewRegistration,
    ) -> RegistrationId {
        let (name, flow) = match at {
            RegistrarAt::Flow(flow) => (None, Some(flow)),
            RegistrarAt::Name(name) => (Some(name), None),
        };
        self.registrations.last += 1;
        let id = RegistrationId(self.registrations.last);
        let call_id = self.identifiers.call_id().parse().expect("what is made here is a Call-ID");
        let registration = Registration {
            name,
            flow,
            call_id,
            cseq: None,
            wish: Wish::Keep,
            stage: Stage::Idle,
            expires: wanted.expires,
            failures: 0,
            contact: "".into(),
            moved: false,
            stands: false,
            elsewhere_at: None,
            binding: None,
            grant: None,
            deadline: None,
            wanted,
        };
        self.registrations.all.insert(id, registration);
        self.pursue(now, id);
        id
    }

    /// Registers now: again where nothing is registered, or a refresh before its time. Where a
    /// REGISTER is under way already, its answer is waited for. Gives whether there is such a
    /// registration.
    pub fn register_now(&mut self, now: Instant, id: RegistrationId) -> bool {
        let Some(registration) = self.registrations.all.get_mut(&id) else { return false };
        registration.wish = Wish::Keep;
        if registration.stage.context().is_none() {
            let is_up = registration.flow.is_some_and(|flow| self.flows.is_up(flow));
            if registration.name.is_some() && !is_up {
                registration.flow = None;
            }
            self.pursue(now, id);
        }
        true
    }

    /// Changes what is wanted of a registration, but not its address of record or its flow, and
    /// registers anew with it. Gives whether there is such a registration.
    pub fn change_registration(
        &mut self,
        now: Instant,
        id: RegistrationId,
        wanted: NewRegistration,
    ) -> bool {
        if let Some(registration) = self.registrations.all.get_mut(&id) {
            registration.expires = wanted.expires;
            registration.wanted = wanted;
        }
        self.register_now(now, id)
    }

    /// Removes a binding, and makes it no more. Gives whether there is such a registration.
    pub fn unregister(&mut self, now: Instant, id: RegistrationId) -> bool {
        self.remove_registration(now, id, Wish::Remove)
    }

    /// [`UserAgent::unregister`], and forgets the registration once that is done.
    pub fn forget_registration(&mut self, now: Instant, id: RegistrationId) -> bool {
        self.remove_registration(now, id, Wish::Forget)
    }

    pub(super) fn unregister_all(&mut self, now: Instant) {
        let ids: Vec<RegistrationId> = self.registrations.all.keys().copied().collect();
        for id in ids {
            self.remove_registration(now, id, Wish::Remove);
        }
    }

    fn remove_registration(&mut self, now: Instant, id: RegistrationId, wish: Wish) -> bool {
        let Some(registration) = self.registrations.all.get_mut(&id) else { return false };
        registration.wish = wish;
        if registration.stage.context().is_none() {
            self.pursue(now, id);
        }
        true
    }

    /// Whether a registration is kept on a flow, which is so wanted without any request.
    pub fn keeps_registration(&self, flow: FlowId) -> bool {
        self.registrations.has(flow)
    }

    /// Whether something is registered on a flow that fails, once it is there again.
    pub fn comes_back_to(&self, flow: FlowId) -> bool {
        self.registrations.comes_back_to(flow)
    }

    /// The preloaded route set of a request: its own, else the way out of its account and the
    /// route that the account's registrar gave (RFC 3608 §5). REGISTER takes the way out only.
    pub fn routes(&self, request: &NewRequest) -> Vec<UriBuf> {
        let Some(profile) = request.profile.as_ref().filter(|_| request.route_set.is_empty())
        else {
            return request.route_set.clone();
        };
        self.routes_of(profile, request.method == Method::Register)
    }

    /// The preloaded route set that an account gives its requests.
    pub(in crate::sip::user_agent) fn routes_of(
        &self,
        profile: &Profile,
        is_register: bool,
    ) -> Vec<UriBuf> {
        let first = profile.ways_out.first().cloned().unwrap_or_default();
        if is_register {
            return first;
        }
        let is_up = |flow| self.flows.stands(flow);
        let Some(standing) = self.registrations.standing(profile, is_up) else { return first };
        let way = standing.wanted.profile.ways_out.first();
        // What the account has been told to go by since it was registered comes first.
        let mut routes = way.filter(|way| profile.ways_out.contains(way)).cloned().unwrap_or(first);
        if let Some(grant) = &standing.grant {
            // RFC 3608 §5: the outbound proxy may name itself first; once is enough.
            let known = |route: &&UriBuf| !routes.contains(route);
            let service_route: Vec<UriBuf> =
                grant.service_route.iter().filter(known).cloned().collect();
            routes.extend(service_route);
        }
        routes
    }

    /// A retry that the peer advises is sent for the same account.
    pub(super) fn for_account_of(&self, id: ContextId, mut advice: Advice) -> Advice {
        if let (Some(retry), Some(context)) = (&mut advice.retry, self.contexts.get(&id)) {
            retry.profile = context.profile.clone();
        }
        advice
    }

    /// Does what is wished, where nothing is under way that must be waited for.
    fn pursue(&mut self, now: Instant, id: RegistrationId) {
        let Some(registration) = self.registrations.all.get_mut(&id) else { return };
        let is_up = registration.flow.is_some_and(|flow| self.flows.is_up(flow));
        let is_to_find = registration.flow.is_none() && registration.name.is_some();
        // RFC 3261 §10.2.4: what is over needs no removing.
        let is_bound = registration.binding.as_ref().is_some_and(|binding| now < binding.until);
        // A 2xx that lists our binding otherwise than it was asked for may have made it all the same.
        let may_be_bound =
            matches!(&registration.stage, Stage::Failed(Failure { status: None, .. }))
                && registration.grant.as_ref().is_some_and(|grant| grant.granted == 0);
        match registration.wish {
            Wish::Keep if is_up || is_to_find => return self.send_register(now, id, false),
            Wish::Keep => registration.stage = Stage::Waiting,
            Wish::Remove | Wish::Forget if is_up && (is_bound || may_be_bound) => {
                return self.send_register(now, id, true);
            }
            // Nobody can be told, and the registrar holds it for as long as it granted.
            Wish::Remove if is_bound => {
                let reason = "the binding was not removed, and ends by itself: its flow is not up";
                registration.stage = Stage::Failed(Failure {
                    reason: reason.to_owned(),
                    status: None,
                    retry_at: None,
                });
            }
            Wish::Remove | Wish::Forget => {
                registration.binding = None;
                registration.stage = Stage::Idle;
            }
        }
        self.tell_registration(now, id);
    }

    fn send_register(&mut self, now: Instant, id: RegistrationId, removes: bool) {
        let Some(registration) = self.registrations.all.get_mut(&id) else { return };
        let wanted = &registration.wanted;
        let expires = if removes { 0 } else { registration.expires };
        let request = NewRequest {
            to: wanted.identity.clone(),
            call_id: Some(registration.call_id.clone()),
            // RFC 3261 §10.2: each REGISTER of a Call-ID counts on.
            cseq: registration.cseq.and_then(|last| CSeqNumber::new(last % CSeq::MAX + 1)),
            headers: registration.headers(expires),
            credentials: wanted.credentials.clone(),
            profile: Some(Arc::clone(&wanted.profile)),
            ..NewRequest::new(
                Method::Register,
                registrar(&wanted.identity.uri.as_uri()),
                wanted.identity.clone(),
            )
        };
        let context = ContextId(self.last_context + 1);
        registration.stage = match removes {
            true => Stage::Removing(context),
            false => Stage::Registering(context),
        };
        let (flow, name) = (registration.flow, registration.name.clone());
        self.tell_registration(now, id);
        let made = match (flow, name) {
            (None, Some(RegistrarName { server, transport })) => {
                self.request_by_name_for(now, &server, transport, request, Some(id))
            }
            (flow, _) => {
                let transport = flow.and_then(|flow| self.flows.flow(flow));
                let transport = transport.map_or(Transport::Udp, |flow| flow.transport);
                self.create_new(now, flow, transport, request, Some(id))
            }
        };
        debug_assert_eq!(made, context, "contexts count on by one");
    }

    /// The time has come to refresh, or to try again.
    pub(super) fn registration_due(&mut self, now: Instant, id: RegistrationId) {
        if let Some(registration) = self.registrations.all.get_mut(&id)
            && let Some(at) = registration.deadline.take()
        {
            self.transactions.disarm(at, Due::Registration(id));
            registration.moved = false;
            // A name may lead elsewhere by now.
            registration.elsewhere_at = None;
            if registration.name.is_some() && registration.stage == Stage::Waiting {
                registration.flow = None;
            }
        }
        self.pursue(now, id);
    }

    /// A flow is up: what waited for it is registered.
    pub(super) fn register_on(&mut self, now: Instant, flow: FlowId) {
        for id in self.registrations.on(flow) {
            let waits = |registration: &Registration| registration.stage == Stage::Waiting;
            if self.registrations.all.get(&id).is_some_and(waits) {
                self.pursue(now, id);
            }
        }
    }

    /// A flow is down, or has failed. What was registered over it is registered again when it is
    /// back, and is not said to stand before; a failure that only the user can help stays.
    pub(super) fn registrations_wait(&mut self, now: Instant, flow: FlowId) {
        for id in self.registrations.on(flow) {
            let Some(registration) = self.registrations.all.get_mut(&id) else { continue };
            let stood = std::mem::take(&mut registration.stands);
            let goes_on = match &registration.stage {
                Stage::Registered { .. } => true,
                Stage::Failed(failure) => failure.retry_at.is_some(),
                _ => false,
            };
            if goes_on {
                self.wait_for_flow(now, id);
            } else if stood {
                self.tell_registration(now, id);
            }
        }
    }

    /// The same flow may be made again; a server with a name may also be elsewhere.
    fn wait_for_flow(&mut self, now: Instant, id: RegistrationId) {
        let wait = schedule::back_off(1, self.identifiers.jitter());
        let Some(registration) = self.registrations.all.get_mut(&id) else { return };
        registration.stands = false;
        registration.stage = Stage::Waiting;
        if registration.name.is_some() && registration.elsewhere_at.is_none() {
            registration.elsewhere_at = Some(now + wait);
        }
        self.tell_registration(now, id);
    }

    /// Tells where a registration stands; its deadline follows.
    fn tell_registration(&mut self, now: Instant, id: RegistrationId) {
        let Some(registration) = self.registrations.all.get_mut(&id) else { return };
        let due = registration.due();
        let before = std::mem::replace(&mut registration.deadline, due);
        let state = registration.state();
        let event = RegistrationEvent {
            at: now,
            registration: id,
            account: Arc::clone(&registration.wanted.profile.name),
            reg_id: registration.wanted.reg_id,
            flow: registration.flow,
            state,
            grant: registration.grant.clone(),
        };
        if before != due {
            if let Some(at) = before {
                self.transactions.disarm(at, Due::Registration(id));
            }
            if let Some(at) = due {
                self.transactions.arm(at, Due::Registration(id));
            }
        }
        if event.state == RegistrationState::Gone {
            self.registrations.all.remove(&id);
        }
        self.output.push_back(Output::Event(Event::Registration(event)));
    }
}
