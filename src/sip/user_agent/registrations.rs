//! Registrations that are kept: made, refreshed in time, tried again, made again when their flow
//! comes back, and removed (RFC 3261 §10.2, RFC 5626 §4).
//!
//! Each REGISTER is a client context like any other. One registration has at most one under way
//! (RFC 3261 §10.2), all with the same Call-ID and rising CSeq numbers.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{UserAgent, transactions::Due};
use crate::sip::{
    compose,
    event::{Advice, ContextId, Event, FlowId},
    header::{CSeq, NameAddr, RetryAfter, number},
    message::Message,
    method::Method,
    name::HeaderName,
    registration::{
        Grant, Gruu, NewRegistration, Ours, Profile, RegistrationEvent, RegistrationId,
        RegistrationState, registrar, schedule,
    },
    request::{CSeqNumber, CallId, ExtraHeader, NewRequest},
    status::StatusCode,
    transport::Transport,
    uri::UriBuf,
};

use super::Output;

/// Every registration, and which context serves which.
#[derive(Debug, Default)]
pub(super) struct Registrations {
    all: BTreeMap<RegistrationId, Registration>,
    by_context: HashMap<ContextId, RegistrationId>,
    last: u32,
}

/// One registration.
#[derive(Debug)]
struct Registration {
    wanted: NewRegistration,
    /// Where the registrar is, where that is a name: looked up for each try without a flow.
    name: Option<RegistrarName>,
    /// The flow of the last REGISTER, once there is one.
    flow: Option<FlowId>,
    call_id: CallId,
    /// The CSeq number of the last REGISTER.
    cseq: Option<u32>,
    wish: Wish,
    stage: Stage,
    /// How many seconds are asked for: what the user wants, or what a 423 wanted.
    expires: u32,
    /// How many REGISTERs failed in a row.
    failures: u32,
    /// The Contact URI of the last REGISTER.
    contact: Box<str>,
    /// Whether it has followed our address since it was last made or refreshed: once is enough, so
    /// that a NAT that changes it all the time does not make a loop.
    moved: bool,
    binding: Option<Binding>,
    /// What the last 2xx said.
    grant: Option<Arc<Grant>>,
    deadline: Option<Instant>,
}

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

/// Our binding at the registrar.
#[derive(Clone, Debug)]
struct Binding {
    until: Instant,
    /// The Contact URI that it was made with.
    contact: Box<str>,
}

/// What the user wants of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Keep,
    Remove,
    /// Removed, and then forgotten.
    Forget,
}

/// What is being done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    Idle,
    /// The flow is not up.
    Waiting {
        /// When it is waited for no longer, and another one is looked up.
        until: Option<Instant>,
    },
    Registering(ContextId),
    Removing(ContextId),
    Registered {
        refresh_at: Instant,
    },
    Failed(Failure),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Failure {
    reason: String,
    status: Option<StatusCode>,
    retry_at: Option<Instant>,
}

impl Registrations {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// A context was made for a registration.
    pub(super) fn serves(&mut self, context: ContextId, registration: RegistrationId) {
        self.by_context.insert(context, registration);
    }

    /// Whether a context is a REGISTER of a registration.
    pub(super) fn is_served_by(&self, context: ContextId) -> bool {
        self.by_context.contains_key(&context)
    }

    /// A request was sent: where it is a REGISTER of ours, the next one counts on from it.
    pub(super) fn sent(&mut self, context: ContextId, flow: FlowId, bytes: &Bytes) {
        let Some(id) = self.by_context.get(&context) else { return };
        let Some(registration) = self.all.get_mut(id) else { return };
        registration.flow = Some(flow);
        let Ok(register) = Message::read(bytes.clone()) else { return };
        registration.cseq = register.cseq().ok().map(|cseq| cseq.number).or(registration.cseq);
        let contact = register.list(HeaderName::Contact).next().and_then(|value| {
            let address = NameAddr::parse(HeaderName::Contact, value).ok()?;
            Some(address.uri().as_str().into())
        });
        registration.contact = contact.unwrap_or_default();
    }

    /// Names in a REGISTER where we can be reached on the flow that it goes out on; what removes a
    /// binding names the one that was made.
    pub(super) fn name_contact(
        &self,
        context: ContextId,
        register: &mut NewRequest,
        transport: Transport,
        reached_at: &str,
    ) {
        let Some(id) = self.by_context.get(&context) else { return };
        let Some(registration) = self.all.get(id) else { return };
        let removes = matches!(registration.stage, Stage::Removing(_));
        let address = registration.wanted.identity.uri.as_uri();
        let uri = match removes {
            true => registration.bound_to().to_owned(),
            false => compose::contact_uri(transport, reached_at, &address, address.is_sips()),
        };
        // RFC 5626 §4.2: a flow is told from others by instance and reg-id.
        let outbound =
            registration.wanted.instance.as_ref().map(|urn| {
                format!(";+sip.instance=\"<{urn}>\";reg-id={}", registration.wanted.reg_id)
            });
        let contact = format!("<{uri}>{}", outbound.unwrap_or_default());
        // Written once already where the request has changed its transport since.
        register.headers.retain(|header| !header.is_named(HeaderName::Contact));
        register.headers.insert(0, header(HeaderName::Contact, &contact));
        // RFC 3261 §10.2.2: where we are no longer reached, nobody shall call us.
        let bound_to = registration.bound_to();
        if transport == Transport::Udp && registration.binding.is_some() && bound_to != uri {
            let gone = format!("<{bound_to}>;expires=0");
            register.headers.insert(1, header(HeaderName::Contact, &gone));
        }
    }

    /// Whether a registration is kept on a flow.
    pub(super) fn has(&self, flow: FlowId) -> bool {
        self.all.values().any(|registration| registration.flow == Some(flow))
    }

    /// Whether a graceful end still waits for a registrar.
    pub(super) fn is_removing(&self) -> bool {
        self.all.values().any(|registration| {
            registration.wish != Wish::Keep && registration.stage.context().is_some()
        })
    }

    /// What the registrar granted an account that is registered: on its first flow, where it has
    /// several.
    fn granted(&self, profile: &Profile) -> Option<&Grant> {
        let mut of_account = self.all.values().filter(|registration| {
            registration.binding.is_some() && registration.wanted.profile.name == profile.name
        });
        of_account.find_map(|registration| registration.grant.as_deref())
    }

    /// The GRUU that an account's requests name as their Contact.
    pub(super) fn contact(&self, profile: &Profile) -> Option<UriBuf> {
        let grant = self.granted(profile)?;
        match profile.gruu {
            Gruu::Off => None,
            Gruu::Public => grant.pub_gruu.clone(),
            Gruu::Temporary => grant.temp_gruu.clone().or_else(|| grant.pub_gruu.clone()),
        }
    }

    fn on(&self, flow: FlowId) -> Vec<RegistrationId> {
        let on = self.all.iter().filter(|(_, registration)| registration.flow == Some(flow));
        on.map(|(id, _)| *id).collect()
    }
}

impl Stage {
    /// The REGISTER that is under way.
    fn context(&self) -> Option<ContextId> {
        match self {
            Stage::Registering(context) | Stage::Removing(context) => Some(*context),
            _ => None,
        }
    }
}

impl Registration {
    fn state(&self) -> RegistrationState {
        let until = self.binding.as_ref().map(|binding| binding.until);
        match (&self.stage, until) {
            (Stage::Idle, _) if self.wish == Wish::Forget => RegistrationState::Gone,
            (Stage::Idle, _) => RegistrationState::Off,
            (Stage::Waiting { .. }, _) => RegistrationState::Waiting,
            (Stage::Registering(_), None) => RegistrationState::Trying,
            (Stage::Registering(_), Some(until)) => RegistrationState::Refreshing { until },
            (Stage::Removing(_), _) => RegistrationState::Removing,
            (Stage::Registered { refresh_at }, until) => RegistrationState::Registered {
                until: until.unwrap_or(*refresh_at),
                refresh_at: *refresh_at,
            },
            (Stage::Failed(failure), until) => RegistrationState::Failed {
                reason: failure.reason.clone(),
                status: failure.status,
                retry_at: failure.retry_at,
                until,
            },
        }
    }

    /// The Contact URI of our binding, or what is to be one.
    fn bound_to(&self) -> &str {
        self.binding.as_ref().map_or(&self.contact, |binding| &binding.contact)
    }

    /// When something is to be done without anyone asking.
    fn due(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Registered { refresh_at } => Some(*refresh_at),
            Stage::Failed(Failure { retry_at, .. }) => *retry_at,
            Stage::Waiting { until } => *until,
            _ => None,
        }
    }

    /// The headers of a REGISTER that only a registration gives it, but for its Contact.
    fn headers(&self, expires: u32) -> Vec<ExtraHeader> {
        // RFC 3327 §5.1, RFC 5626 §4.2.1, RFC 5627 §4.1: offered, never required.
        vec![
            header(HeaderName::Expires, &expires.to_string()),
            header(HeaderName::Supported, "path, outbound, gruu"),
            header(HeaderName::Allow, compose::ALLOW),
        ]
    }
}

fn header(name: HeaderName, value: &str) -> ExtraHeader {
    ExtraHeader::new(name.as_str(), value).expect("these headers may be added")
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

    /// The preloaded route set of a request: its own, else the outbound proxies of its account and
    /// the route that the account's registrar gave (RFC 3608 §5). REGISTER takes the proxies only.
    pub fn routes(&self, request: &NewRequest) -> Vec<UriBuf> {
        let Some(profile) = request.profile.as_ref().filter(|_| request.route_set.is_empty())
        else {
            return request.route_set.clone();
        };
        let mut routes = profile.outbound_proxies.clone();
        if request.method != Method::Register
            && let Some(grant) = self.registrations.granted(profile)
        {
            // RFC 3608 §5: the outbound proxy may name itself first; once is enough.
            let known = |route: &&UriBuf| !profile.outbound_proxies.contains(route);
            routes.extend(grant.service_route.iter().filter(known).cloned());
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
        match registration.wish {
            Wish::Keep if is_up || is_to_find => return self.send_register(now, id, false),
            Wish::Keep => registration.stage = Stage::Waiting { until: None },
            Wish::Remove | Wish::Forget if is_up && is_bound => {
                return self.send_register(now, id, true);
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

    /// A 2xx came to a REGISTER.
    pub(super) fn register_accepted(
        &mut self,
        now: Instant,
        context: ContextId,
        message: &Message,
    ) {
        let Some(id) = self.registrations.by_context.remove(&context) else { return };
        let jitter = self.identifiers.jitter();
        let Some(registration) = self.registrations.all.get_mut(&id) else { return };
        let removes = matches!(registration.stage, Stage::Removing(_));
        let ours = Ours {
            contact: &registration.contact,
            instance: registration.wanted.instance.as_deref(),
            reg_id: registration.wanted.reg_id,
            expires: if removes { 0 } else { registration.expires },
        };
        let grant = Grant::read(now, message, &ours);
        let granted = if removes { 0 } else { grant.granted };
        registration.failures = 0;
        registration.binding = None;
        if removes {
            registration.stage = Stage::Idle;
        } else if granted == 0 {
            registration.failures = 1;
            registration.stage = Stage::Failed(Failure {
                reason: "the registrar accepted the REGISTER, but holds no binding of ours (it granted 0 seconds)".to_owned(),
                status: None,
                retry_at: Some(now + schedule::back_off(1, jitter)),
            });
        } else {
            let until = now + Duration::from_secs(granted.into());
            let refresh_at = now + schedule::refresh_after(granted);
            let contact = registration.contact.clone();
            registration.binding = Some(Binding { until, contact });
            registration.stage = Stage::Registered { refresh_at };
        }
        registration.grant = Some(Arc::new(grant));
        self.go_on(now, id, removes);
        self.move_binding(now, id);
    }

    /// A peer sees us elsewhere: what is registered on its flow is registered there.
    pub(super) fn move_bindings(&mut self, now: Instant, flow: FlowId) {
        for id in self.registrations.on(flow) {
            self.move_binding(now, id);
        }
    }

    /// Registers anew where the binding is not what Contact says by now.
    fn move_binding(&mut self, now: Instant, id: RegistrationId) {
        let Some(registration) = self.registrations.all.get(&id) else { return };
        let is_kept = registration.wish == Wish::Keep && !registration.moved;
        let is_bound = matches!(registration.stage, Stage::Registered { .. });
        let Some(flow) = registration.flow.filter(|_| is_kept && is_bound) else { return };
        let Some((transport @ Transport::Udp, sent_by)) = self.address(flow) else { return };
        let address = registration.wanted.identity.uri.as_uri();
        let reached_at = compose::reached_at(&sent_by, self.seen(flow));
        let contact = compose::contact_uri(transport, &reached_at, &address, address.is_sips());
        if registration.bound_to() == contact {
            return;
        }
        if let Some(registration) = self.registrations.all.get_mut(&id) {
            registration.moved = true;
        }
        self.send_register(now, id, false);
    }

    /// A REGISTER was refused.
    pub(super) fn register_rejected(
        &mut self,
        now: Instant,
        context: ContextId,
        status: StatusCode,
        message: &Message,
    ) {
        let Some(id) = self.registrations.by_context.remove(&context) else { return };
        let jitter = self.identifiers.jitter();
        let Some(registration) = self.registrations.all.get_mut(&id) else { return };
        let removes = matches!(registration.stage, Stage::Removing(_));
        let value = |name| message.header(name).and_then(|header| header.text().ok());
        let least = value(HeaderName::MinExpires)
            .and_then(|text| number(HeaderName::MinExpires, text).ok())
            .and_then(|seconds| u32::try_from(seconds).ok());
        // RFC 3261 §10.2.8: a 423 is answered by asking for at least Min-Expires.
        if let Some(least) = least.filter(|_| status.code() == 423 && !removes)
            && least > registration.expires
        {
            registration.expires = least;
            registration.stage = Stage::Idle;
            return self.go_on(now, id, true);
        }
        let retry_after = value(HeaderName::RetryAfter)
            .and_then(|text| Some(RetryAfter::parse(text).ok()?.seconds));
        registration.failures = registration.failures.saturating_add(1);
        let wait = match retry_after {
            Some(seconds) => Some(schedule::asked_for(seconds, jitter)),
            None => schedule::may_pass(status)
                .then(|| schedule::back_off(registration.failures, jitter)),
        };
        let reason = format!("{status} {}", message.reason_phrase()).trim_end().to_owned();
        self.fail_registration(now, id, reason, Some(status), wait);
    }

    /// A REGISTER was never answered, or could not be sent.
    pub(super) fn register_failed(&mut self, now: Instant, context: ContextId, reason: String) {
        let Some(id) = self.registrations.by_context.remove(&context) else { return };
        let jitter = self.identifiers.jitter();
        let Some(registration) = self.registrations.all.get_mut(&id) else { return };
        let is_up = registration.flow.is_some_and(|flow| self.flows.is_up(flow));
        if registration.wish == Wish::Keep && registration.name.is_some() {
            // The next try looks the name up again.
            registration.flow = None;
        } else if registration.wish == Wish::Keep && !is_up {
            registration.stage = Stage::Waiting { until: None };
            return self.tell_registration(now, id);
        }
        registration.failures = registration.failures.saturating_add(1);
        let wait = schedule::back_off(registration.failures, jitter);
        self.fail_registration(now, id, reason, None, Some(wait));
    }

    fn fail_registration(
        &mut self,
        now: Instant,
        id: RegistrationId,
        reason: String,
        status: Option<StatusCode>,
        wait: Option<Duration>,
    ) {
        let Some(registration) = self.registrations.all.get_mut(&id) else { return };
        let removes = matches!(registration.stage, Stage::Removing(_));
        // A binding that could not be removed ends by itself; nobody asks again.
        let retry_at = wait.filter(|_| !removes).and_then(|wait| now.checked_add(wait));
        let reason = match removes {
            true => format!("the binding was not removed, and ends by itself: {reason}"),
            false => reason,
        };
        registration.binding = registration.binding.take().filter(|binding| now < binding.until);
        registration.stage = Stage::Failed(Failure { reason, status, retry_at });
        self.go_on(now, id, removes);
    }

    /// A REGISTER is over: what it came to is told, and what was wished meanwhile is done. `again`
    /// is whether the registration, where it is wanted, is not made by this.
    fn go_on(&mut self, now: Instant, id: RegistrationId, again: bool) {
        let Some(registration) = self.registrations.all.get(&id) else { return };
        let is_done = match registration.wish {
            Wish::Keep => !again,
            // One that failed to go is not asked to go again.
            Wish::Remove => again,
            Wish::Forget => false,
        };
        if is_done {
            return self.tell_registration(now, id);
        }
        if again && registration.wish == Wish::Forget {
            // Whatever came of the removal, it is forgotten.
            if let Some(registration) = self.registrations.all.get_mut(&id) {
                registration.binding = None;
            }
        }
        self.pursue(now, id);
    }

    /// The time has come to refresh, or to try again.
    pub(super) fn registration_due(&mut self, now: Instant, id: RegistrationId) {
        if let Some(registration) = self.registrations.all.get_mut(&id)
            && let Some(at) = registration.deadline.take()
        {
            self.transactions.disarm(at, Due::Registration(id));
            registration.moved = false;
            // A name may lead elsewhere by now.
            if registration.name.is_some() && matches!(registration.stage, Stage::Waiting { .. }) {
                registration.flow = None;
            }
        }
        self.pursue(now, id);
    }

    /// A flow is up: what waited for it is registered.
    pub(super) fn register_on(&mut self, now: Instant, flow: FlowId) {
        for id in self.registrations.on(flow) {
            let waits =
                |registration: &Registration| matches!(registration.stage, Stage::Waiting { .. });
            if self.registrations.all.get(&id).is_some_and(waits) {
                self.pursue(now, id);
            }
        }
    }

    /// A flow is down. What was registered over it is registered again when it is back; a failure
    /// that only the user can help stays.
    pub(super) fn registrations_wait(&mut self, now: Instant, flow: FlowId) {
        for id in self.registrations.on(flow) {
            let jitter = self.identifiers.jitter();
            let Some(registration) = self.registrations.all.get_mut(&id) else { continue };
            let goes_on = match &registration.stage {
                Stage::Registered { .. } => true,
                Stage::Failed(failure) => failure.retry_at.is_some(),
                _ => false,
            };
            if goes_on {
                // The same connection may be made again; a server with a name may also be elsewhere.
                let wait = registration.name.is_some().then(|| schedule::back_off(1, jitter));
                registration.stage = Stage::Waiting { until: wait.map(|wait| now + wait) };
                self.tell_registration(now, id);
            }
        }
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
