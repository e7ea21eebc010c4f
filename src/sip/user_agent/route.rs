//! Where a request goes that names its server: the candidates that a look-up found, one after the
//! other until one takes it (RFC 3263 §4.3).
//!
//! ```text
//!  request_by_name ─► resolved ─► Output::Connect ─► ride ─► sent
//!                                      ▲                      │ no connection, no response, 503
//!                                      └──── next candidate ──┘
//! ```

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Connect, Output, Size, UserAgent, errands::is_errand, flows::FlowState};
use crate::sip::{
    cause::Cause,
    compose,
    context::{Elsewhere, Request, Waiting},
    dialog::CSEQ_SPENT,
    event::{ContextId, Fact, FlowId, Resolution, State, Trial},
    header::RetryAfter,
    message::Message,
    name::HeaderName,
    random::Branch,
    registration::RegistrationId,
    request::NewRequest,
    resolution::{Candidate, Resolved},
    status::StatusCode,
    transport::Transport,
};

/// The candidates of a context, and how far it has come with them.
#[derive(Debug, Default)]
pub(crate) struct Route {
    /// In the order in which they are tried.
    candidates: Arc<[Candidate]>,
    /// Why each of those before the one in use did not do.
    failures: Vec<Arc<str>>,
}

impl Route {
    /// These, and none has failed.
    pub(super) fn of(candidates: Arc<[Candidate]>) -> Route {
        Route { candidates, failures: Vec::new() }
    }

    /// The present candidate does not do.
    pub(super) fn has_failed(&mut self, why: Arc<str>) {
        self.failures.push(why);
    }

    pub(super) fn current(&self) -> Option<&Candidate> {
        self.candidates.get(self.failures.len())
    }

    /// The present candidate beside all others; `None` where there are none.
    pub(super) fn trial(&self, flow: FlowId) -> Option<Trial> {
        self.current().map(|_| Trial {
            flow,
            candidates: self.candidates.clone(),
            failures: self.failures.clone().into(),
        })
    }

    pub(super) fn has_more(&self) -> bool {
        self.failures.len() + 1 < self.candidates.len()
    }

    /// Those that have not failed.
    pub(super) fn left(&self) -> &[Candidate] {
        self.candidates.get(self.failures.len()..).unwrap_or_default()
    }

    /// What is known of TCP without another look-up.
    pub(super) fn tcp(&self) -> Known {
        let is_tcp = |candidate: &&Candidate| candidate.transport == Transport::Tcp;
        let (failed, left) = self.candidates.split_at(self.candidates.len() - self.left().len());
        let tcp: Vec<Candidate> = left.iter().filter(is_tcp).cloned().collect();
        match (tcp.is_empty(), failed.iter().any(|candidate| is_tcp(&candidate))) {
            (false, _) => Known::Candidates(tcp),
            (true, true) => Known::Tried,
            (true, false) => Known::Nothing,
        }
    }

    /// What is left by UDP is not tried. Gives whether that was anything.
    pub(super) fn leave_out_udp(&mut self) -> bool {
        let tried = self.failures.len() + 1;
        let stays = |(place, candidate): &(usize, &Candidate)| {
            *place < tried || candidate.transport != Transport::Udp
        };
        let stay = self.candidates.iter().enumerate().filter(stays);
        let stay: Arc<[Candidate]> = stay.map(|(_, candidate)| candidate.clone()).collect();
        let all = std::mem::replace(&mut self.candidates, stay);
        all.len() > self.candidates.len()
    }

    /// Puts candidates before those that are left, each once.
    pub(super) fn put_first(&mut self, first: Vec<Candidate>, left: Vec<Candidate>) {
        let is_new = |candidate: &Candidate| !first.contains(candidate);
        let left: Vec<Candidate> = left.into_iter().filter(is_new).collect();
        let failed = self.candidates.iter().take(self.failures.len()).cloned();
        self.candidates = failed.chain(first).chain(left).collect();
    }
}

/// What the candidates of a request say of TCP.
#[derive(Debug)]
pub(super) enum Known {
    /// They are all of another transport.
    Nothing,
    /// It was tried, and failed.
    Tried,
    /// These are left to be tried.
    Candidates(Vec<Candidate>),
}

/// Servers that have asked to be left alone, and until when (RFC 3261 §21.5.4).
#[derive(Debug, Default)]
pub(super) struct Unavailable(HashMap<(Transport, SocketAddr), Instant>);

impl Unavailable {
    /// How many servers are remembered at most.
    const MOST: usize = 1_000;

    fn avoid(&mut self, now: Instant, candidate: &Candidate, until: Instant) {
        self.0.retain(|_, until| now < *until);
        if self.0.len() < Self::MOST {
            self.0.insert((candidate.transport, candidate.address), until);
        }
    }

    /// The same candidates, those that are to be left alone last; and a sentence for each of these,
    /// where there is another.
    pub(super) fn last(
        &self,
        now: Instant,
        candidates: Arc<[Candidate]>,
    ) -> (Arc<[Candidate]>, Vec<Arc<str>>) {
        if self.0.is_empty() {
            return (candidates, Vec::new());
        }
        let until = |candidate: &Candidate| {
            let until = self.0.get(&(candidate.transport, candidate.address)).copied();
            until.filter(|until| now < *until)
        };
        let sentences: Vec<Arc<str>> = candidates
            .iter()
            .filter_map(|candidate| {
                let left = (until(candidate)? - now).as_secs_f64().ceil();
                Some(format!(
                    "{} {} is tried last: it answered 503 and asked to be left alone, for {left} s more (RFC 3261 §21.5.4)",
                    candidate.transport, candidate.address
                ).into())
            })
            .collect();
        if sentences.is_empty() || sentences.len() == candidates.len() {
            return (candidates, Vec::new());
        }
        let mut ordered = candidates.to_vec();
        ordered.sort_by_key(|candidate| until(candidate).is_some());
        (ordered.into(), sentences)
    }
}

impl UserAgent {
    /// Makes the client context of a request whose server is still being looked up; it waits for
    /// [`UserAgent::resolved`]. `server` is what is looked up, `transport` the one that it will have
    /// unless DNS names another.
    pub fn request_by_name(
        &mut self,
        now: Instant,
        server: &str,
        transport: Transport,
        request: NewRequest,
    ) -> ContextId {
        self.request_by_name_for(now, server, transport, request, None)
    }

    /// [`UserAgent::request_by_name`], where it may be the REGISTER of a registration that is kept.
    pub(super) fn request_by_name_for(
        &mut self,
        now: Instant,
        server: &str,
        transport: Transport,
        request: NewRequest,
        registration: Option<RegistrationId>,
    ) -> ContextId {
        let id = self.create_new(now, None, transport, request, registration);
        self.tell_own(now, id, Fact::Resolving { server: server.into() });
        id
    }

    /// The look-up for a context has ended. Its first candidate is asked for by
    /// [`Output::Connect`]; without one the context fails.
    pub fn resolved(&mut self, now: Instant, id: ContextId, resolved: &Resolved) {
        if is_errand(id) {
            return self.errand_resolved(now, id, resolved);
        }
        let waits = |state: State| state == State::Waiting;
        let Some(context) = self.contexts.get_mut(&id).filter(|c| waits(c.state)) else { return };
        if let Size::Looking { udp } = context.size {
            return self.tcp_resolved(now, id, udp, resolved);
        }
        let seed = self.identifiers.seed();
        let lookups = resolved.lookups.clone();
        match resolved.candidates(seed) {
            Ok(candidates) => {
                let (candidates, avoided) = self.unavailable.last(now, candidates);
                let route = Route::of(candidates.clone());
                context.route = Some(Box::new(route));
                // An address that stands for itself was not looked up.
                if !lookups.is_empty() {
                    let resolution = Arc::new(Resolution { lookups, candidates });
                    self.tell_own(now, id, Fact::Resolved(resolution));
                }
                for why in avoided {
                    self.tell_own(now, id, Fact::PassedOver { response: None, why });
                }
                self.ask_for_flow(id);
            }
            Err(error) => {
                let resolution = Arc::new(Resolution { lookups, candidates: Arc::default() });
                self.tell_own(now, id, Fact::Resolved(resolution));
                self.unreachable(now, id, &error.to_string());
            }
        }
    }

    /// Answers [`Output::Connect`]: the context rides on this flow from now on.
    pub fn ride(&mut self, now: Instant, id: ContextId, flow: FlowId) {
        if is_errand(id) {
            return self.errand_rides(now, id, flow);
        }
        let waits = |state: State| state == State::Waiting;
        let Some(context) = self.contexts.get_mut(&id).filter(|c| waits(c.state)) else { return };
        let before = std::mem::replace(&mut context.flow, flow);
        let trial = context.route.as_ref().and_then(|route| route.trial(flow));
        self.flows.leave(before, id);
        self.flows.join(flow, id);
        if let Some(trial) = trial {
            self.tell_own(now, id, Fact::Trying(Box::new(trial)));
        }
        self.send_or_wait(now, id, flow);
    }

    /// Sends what waits, where the flow is up.
    pub(super) fn send_or_wait(&mut self, now: Instant, id: ContextId, flow: FlowId) {
        let is_in_dialog = self.contexts.get(&id).is_some_and(|context| context.parent.is_some());
        match self.flows.flow(flow).map(|flow| &flow.state) {
            Some(FlowState::Up { .. }) => self.send_waiting(now, id),
            Some(FlowState::Connecting) => {}
            // RFC 3261 §18.1.1: a dialog outlives its connection, and its next request opens another.
            Some(FlowState::Down { .. }) if is_in_dialog => {
                self.output.push_back(Output::Reconnect(flow));
            }
            Some(FlowState::Down { reason }) => {
                let reason = reason.to_string();
                self.transport_error(now, id, &reason);
            }
            None => {
                let reason = format!("flow {flow} does not exist");
                self.fail(now, id, State::Failed, Cause::InternalError, reason);
            }
        }
    }

    pub(super) fn ask_for_flow(&mut self, id: ContextId) {
        let route = self.contexts.get(&id).and_then(|context| context.route.as_ref());
        if let Some(candidate) = route.and_then(|route| route.current()).cloned() {
            self.output.push_back(Output::Connect(Connect { context: id, candidate }));
        }
    }

    /// Goes on with the next candidate where the present one could not be reached or said nothing
    /// (RFC 3263 §4.3). Whoever has sent a provisional has the request, and is not left for that.
    pub(super) fn fail_over(&mut self, now: Instant, id: ContextId, why: &str) -> bool {
        let is_unheard = self.contexts.get(&id).is_some_and(|context| {
            matches!(context.state, State::Waiting | State::Calling | State::Trying)
        });
        if is_unheard {
            self.keep_from_datagrams(now, id, why);
        }
        if !is_unheard || !self.has_next_candidate(id) {
            return false;
        }
        let fact = Fact::PassedOver { response: None, why: why.into() };
        self.tell_own(now, id, fact);
        self.take_next_candidate(id, why.into());
        true
    }

    /// The same after a 503.
    pub(super) fn fail_over_response(
        &mut self,
        now: Instant,
        id: ContextId,
        status: StatusCode,
        message: &Message,
    ) -> bool {
        if status != StatusCode::SERVICE_UNAVAILABLE {
            return false;
        }
        self.leave_alone(now, id, message);
        let response = compose::response(message, status);
        let why: Arc<str> = format!("{status} {}", response.reason()).trim_end().into();
        self.keep_from_datagrams(now, id, &why);
        if !self.has_next_candidate(id) {
            return false;
        }
        let fact = Fact::PassedOver { response: Some(Box::new(response)), why: why.clone() };
        self.tell_own(now, id, fact);
        self.ack_before_again(now, id, status, message);
        self.take_next_candidate(id, why);
        true
    }

    /// RFC 3261 §21.5.4, RFC 3263 §4.3: a server that says how long is not asked again before, where
    /// there is another.
    fn leave_alone(&mut self, now: Instant, id: ContextId, message: &Message) {
        let seconds = message
            .header(HeaderName::RetryAfter)
            .and_then(|header| Some(RetryAfter::parse(header.text().ok()?).ok()?.seconds));
        let route = self.contexts.get(&id).and_then(|context| context.route.as_ref());
        let until = seconds.and_then(|s| now.checked_add(Duration::from_secs(s.into())));
        if let (Some(candidate), Some(until)) = (route.and_then(|route| route.current()), until) {
            self.unavailable.avoid(now, candidate, until);
        }
    }

    /// Lets a context go nowhere else from now on.
    pub(super) fn stay(&mut self, id: ContextId) {
        if let Some(context) = self.contexts.get_mut(&id) {
            context.route = None;
        }
    }

    fn has_next_candidate(&self, id: ContextId) -> bool {
        self.contexts.get(&id).is_some_and(|context| {
            !context.is_cancelled() && context.route.as_ref().is_some_and(|route| route.has_more())
        })
    }

    fn take_next_candidate(&mut self, id: ContextId, why: Arc<str>) {
        let Some(flow) = self.contexts.get(&id).map(|context| context.flow) else { return };
        let seen = self.seen(flow);
        self.leave_dialogs(id);
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let Some(route) = &mut context.route else { return };
        route.has_failed(why);
        context.state = State::Waiting;
        if let Some(bytes) = context.sent().cloned() {
            let elsewhere = Elsewhere { bytes, signed: false, seen, to: None, branch: None };
            let waiting = Waiting::Elsewhere(Box::new(elsewhere));
            self.replace_request(id, Request::Waiting(waiting));
        }
        let Some(context) = self.contexts.get_mut(&id) else { return };
        // The other server's challenges are its own.
        context.leave_server();
        let flow = std::mem::replace(&mut context.flow, FlowId::NONE);
        self.flows.leave(flow, id);
        self.ask_for_flow(id);
    }

    /// Sends the request that another candidate did not take: the same but for its branch and what
    /// names us (RFC 3263 §4.3).
    pub(super) fn send_elsewhere(
        &mut self,
        now: Instant,
        id: ContextId,
        branch: Branch,
        elsewhere: Elsewhere,
    ) {
        let Elsewhere { bytes, signed, seen, to, branch: kept } = elsewhere;
        let Some(context) = self.contexts.get(&id) else { return };
        let Some((transport, sent_by)) = self.address(context.flow) else { return };
        // What we wrote ourselves can be read.
        let Ok(old) = Message::read(bytes) else { return };
        let leg = context.parent.clone().filter(|_| kept != Some(branch));
        let Some(cseq) = self.number_again(leg, &old) else {
            let detail = format!("not sent: {CSEQ_SPENT}");
            return self.fail(now, id, State::Failed, Cause::InternalError, detail);
        };
        let Some(context) = self.contexts.get(&id) else { return };
        let sender = self.sender(context, transport, &sent_by);
        let bytes = compose::elsewhere(&old, &sender, (branch, cseq), signed, seen);
        let bytes = self.authorize_ahead(now, id, bytes);
        // A connection leads to one address only.
        let to = to.filter(|_| transport == Transport::Udp);
        self.start_or_switch(now, id, branch, to, bytes);
    }
}
