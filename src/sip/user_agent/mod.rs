//! [`UserAgent`]: the one door into `sip`.
//!
//! Time, bytes and wishes go in; [`Output`]s come out of one queue, in their true order. What a
//! response belongs to stands in `matching`, what it does in `responses`, `reliable` and `again`,
//! what the user's wishes do in `sending`, `raw`, `cancel` and `dialogs`, what the peer's own
//! requests do in `peer`, and what time does in `timeouts`.

mod again;
mod authenticate;
mod cancel;
mod dialog_index;
mod dialogs;
mod error;
mod flows;
mod foreign;
mod held;
mod impaired;
mod matching;
mod peer;
mod raw;
mod registrations;
mod reliable;
mod responses;
mod route;
mod seen;
mod sending;
mod size;
mod subscriptions;
mod timeouts;
mod transactions;
mod unacked;
mod verdict;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    net::SocketAddr,
    time::Instant,
};

use bytes::Bytes;

pub(crate) use self::again::Redirection;
pub use self::error::{AnswerError, CancelError, DialogError, HangUpError};
pub use self::held::Held;
pub use self::peer::Answer;
pub use self::registrations::{RegistrarAt, RegistrarName};
pub(crate) use self::route::Route;
pub(crate) use self::size::Size;
pub use self::size::Switch;
use self::{
    dialog_index::{DialogIndex, DialogKey},
    dialogs::Unanswered,
    flows::Flows,
    peer::PeerRequest,
    registrations::Registrations,
    transactions::{Key, Transactions},
    unacked::Unacked,
};
use crate::sip::{
    auth::AuthSessions,
    cause::Cause,
    context::{Cancel, ClientContext, Request},
    event::{
        ContextEvent, ContextId, Event, Fact, FlowId, LegState, State, Status, Stray, TerminatedBy,
        Timer, TimerAt,
    },
    message::{Limits, Message},
    method::Method,
    random::Identifiers,
    resolution::Candidate,
    sdp,
    status::StatusCode,
    transaction::{ServerTransactionId, ServerTransactions, Timing},
};

/// How many server transactions may be open at once.
const SERVER_TRANSACTIONS: usize = 10_000;

/// How many contexts that are over and done with are remembered by their last state, so that a
/// wish that comes too late is refused with the right reason.
const REMEMBERED: usize = 100_000;

/// How many outputs have room for good.
const OUTPUT: usize = 256;

/// What a user agent can be told at its start.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// T1, T2 and T4.
    pub timing: Timing,
    /// The `User-Agent` and `Server` header.
    pub user_agent: String,
    /// Whether INVITEs say `Supported: 100rel` (RFC 3262).
    pub reliable_provisionals: bool,
    /// Whether Contact says where the peer has seen us, where that is not our own address: behind a
    /// NAT, on UDP (RFC 3581 §4). What is registered by then is registered anew.
    pub contact_as_seen: bool,
    /// Which contacts of a 3xx are tried.
    pub redirects: Redirects,
    /// What becomes of the further legs of a forked INVITE.
    pub extra_legs: ExtraLegs,
    /// The peer's methods that the user answers by hand; all others are answered at once.
    pub by_hand: Vec<Method>,
    /// The size from which on a request goes by TCP and not by UDP, in bytes (RFC 3261 §18.1.1 has
    /// 1300 where the path's MTU is unknown); `None` leaves it where it is.
    pub udp_max_bytes: Option<usize>,
    /// Bounds on what is read from the network.
    pub limits: Limits,
}

/// What becomes of further legs when several forks accept an INVITE (RFC 3261 §13.2.2.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExtraLegs {
    /// They stay up.
    #[default]
    Keep,
    /// Each but the first is hung up with BYE.
    HangUp,
}

/// Which contacts of a 3xx are tried (RFC 3261 §8.1.3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Redirects {
    /// None: a 3xx is a rejection.
    #[default]
    None,
    /// The one with the highest q.
    Best,
    /// One after the other, the highest q first, until one does not fail.
    All,
}

impl Settings {
    /// The `User-Agent` of requests: the account's own, else everybody's.
    pub(crate) fn user_agent_of<'a>(&'a self, profile: Option<&'a crate::sip::Profile>) -> &'a str {
        profile.and_then(|profile| profile.user_agent.as_deref()).unwrap_or(&self.user_agent)
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            timing: Timing::default(),
            user_agent: concat!("sipboard/", env!("CARGO_PKG_VERSION")).to_owned(),
            reliable_provisionals: true,
            contact_as_seen: true,
            redirects: Redirects::None,
            extra_legs: ExtraLegs::Keep,
            by_hand: Vec::new(),
            udp_max_bytes: Some(1300),
            limits: Limits::default(),
        }
    }
}

/// Something for the driver of the user agent to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send these bytes.
    Transmit(Transmit),
    /// Tell the user.
    Event(Event),
    /// Find or make a flow for a context, and name it with [`UserAgent::ride`].
    Connect(Connect),
    /// The same, for a context that is too large for its flow.
    Switch(Switch),
}

/// A context that needs a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connect {
    /// The context.
    pub context: ContextId,
    /// Where it wants to go.
    pub candidate: Candidate,
}

/// Bytes to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// The flow.
    pub flow: FlowId,
    /// The address, where it is not the flow's own peer: a response on UDP (RFC 3581 §4), or a
    /// request in a dialog whose route set or Contact leads elsewhere.
    pub to: Option<SocketAddr>,
    /// The bytes of one message.
    pub bytes: Bytes,
}

/// Sends requests and follows each through its whole life.
#[derive(Debug)]
pub struct UserAgent {
    settings: Settings,
    identifiers: Identifiers,
    flows: Flows,
    /// Boxed: a table is never full, and its empty places should cost little.
    contexts: HashMap<ContextId, Box<ClientContext>>,
    /// The contexts that are gone, by their last state.
    remembered: BTreeMap<ContextId, (Method, State)>,
    last_context: u64,
    /// Which INVITE a dialog belongs to.
    dialogs: DialogIndex,
    transactions: Transactions,
    /// Contexts that have sent what nothing can be matched to, until they end.
    unmatched: BTreeSet<(FlowId, ContextId)>,
    auth: AuthSessions,
    servers: ServerTransactions,
    /// Requests of the peer that the user answers by hand.
    by_hand: HashMap<ServerTransactionId, PeerRequest>,
    unacked: Unacked,
    /// What a leg that is gone has described: nothing.
    no_session: sdp::Described,
    registrations: Registrations,
    /// INVITEs, BYEs and subscriptions that have not ended: what a graceful end waits for.
    open_calls: usize,
    output: VecDeque<Output>,
}

impl UserAgent {
    /// A user agent; `seed` is where all its randomness comes from.
    pub fn new(settings: Settings, seed: u64) -> UserAgent {
        UserAgent {
            identifiers: Identifiers::new(seed),
            flows: Flows::default(),
            contexts: HashMap::new(),
            remembered: BTreeMap::new(),
            last_context: 0,
            dialogs: DialogIndex::default(),
            transactions: Transactions::default(),
            unmatched: BTreeSet::new(),
            auth: AuthSessions::new(),
            servers: ServerTransactions::new(settings.timing, SERVER_TRANSACTIONS),
            by_hand: HashMap::new(),
            unacked: Unacked::default(),
            no_session: sdp::Described::default(),
            registrations: Registrations::default(),
            open_calls: 0,
            output: VecDeque::new(),
            settings,
        }
    }

    /// Its settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Other settings, for what is begun from now on; the bounds on what is read stay.
    pub fn change_settings(&mut self, settings: Settings) {
        self.settings = Settings { limits: self.settings.limits, ..settings };
    }

    /// Cancels every pending INVITE, hangs up every leg, ends every subscription and removes every
    /// binding: the graceful end.
    pub fn shut_down(&mut self, now: Instant) {
        let mut open: Vec<ContextId> = self
            .contexts
            .iter()
            .filter(|(_, context)| context.ended.is_none() && is_call(&context.method))
            .map(|(id, _)| *id)
            .collect();
        open.sort_unstable();
        for context in open {
            // Each is one or the other, or on its way out already: a refusal says nothing new.
            if self.cancel(now, context, Default::default()).is_err() {
                let _ = self.hang_up(now, context);
            }
        }
        self.unregister_all(now);
    }

    /// The end that waits for nobody: whatever has not ended fails, as abandoned by the user.
    pub fn abandon(&mut self, now: Instant) {
        let open = |context: &ClientContext| context.ended.is_none();
        let mut left: Vec<ContextId> =
            self.contexts.iter().filter(|(_, context)| open(context)).map(|(id, _)| *id).collect();
        left.sort_unstable();
        for id in left {
            let Some(context) = self.contexts.get_mut(&id).filter(|context| open(context)) else {
                continue;
            };
            if context.state.is_pending() {
                // A request that ends a leg is none that anybody has cancelled.
                let (state, cause, what) = match context.parent {
                    None => (State::Canceled, Cause::Canceled, "left before an outcome was known"),
                    Some(_) => {
                        (State::Failed, Cause::RequestTimeout, "left before it was answered")
                    }
                };
                self.fail(now, id, state, cause, what.to_owned());
            }
            self.leave_legs(now, id);
        }
    }

    /// The user waits no longer for an outcome: a request that nobody has answered fails with
    /// `Request Timeout` now, and an INVITE that rings is cancelled. `detail` is a sentence.
    pub fn give_up(&mut self, now: Instant, id: ContextId, detail: &str) {
        let Some(context) = self.contexts.get(&id) else { return };
        let rings = context.method == Method::Invite && context.state == State::Proceeding;
        if rings {
            // An INVITE that rings can be cancelled.
            let _ = self.cancel(now, id, Default::default());
        } else if context.state.is_pending() && context.state != State::Cancelling {
            if let Some(branch) = context.branch() {
                self.end_transaction(Key { branch, is_cancel: false });
            }
            self.fail(now, id, State::Failed, Cause::RequestTimeout, detail.to_owned());
            self.forget_if_over(id);
        }
    }

    /// What is still up or awaited of a context is given up.
    fn leave_legs(&mut self, now: Instant, id: ContextId) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        if let Cancel::Sent { over } = &mut context.cancel {
            *over = true;
        }
        let open = context.legs.iter().filter(|leg| !leg.is_terminated());
        let open: Vec<(Box<str>, LegState)> =
            open.map(|leg| (leg.tag.clone(), leg.state.clone())).collect();
        for (tag, state) in open {
            let by = match state {
                LegState::HangingUp { bye } if self.is_sent(bye) => TerminatedBy::Local,
                _ => TerminatedBy::GivenUp,
            };
            self.terminate_leg(now, id, &tag, by);
        }
        if self.contexts.get(&id).is_some_and(|context| context.state == State::Sent) {
            return self.context_deadline(now, id);
        }
        self.end_if_done(now, id);
    }

    fn is_sent(&self, id: ContextId) -> bool {
        self.contexts.get(&id).is_some_and(|context| context.sent().is_some())
    }

    /// Whether no INVITE is pending, no leg is up, and no binding is being removed.
    pub fn is_idle(&self) -> bool {
        self.open_calls == 0 && !self.registrations.is_removing()
    }

    /// How many contexts are held, those included that only absorb retransmissions.
    pub fn contexts(&self) -> usize {
        self.contexts.len()
    }

    /// Bytes came on a flow: one datagram, one WebSocket frame, or one framed message.
    pub fn handle_message(&mut self, now: Instant, flow: FlowId, source: SocketAddr, bytes: Bytes) {
        // RFC 5626 §3.5.1: line ends alone keep a flow alive and say nothing.
        if !bytes.is_empty() && bytes.iter().all(|b| matches!(b, b'\r' | b'\n')) {
            return;
        }
        let message = match Message::read_with(bytes.clone(), &self.settings.limits) {
            Ok(message) => message,
            Err(error) => {
                return self.stray(
                    now,
                    flow,
                    bytes,
                    format!("{source} sent what is no SIP message: {error}"),
                );
            }
        };
        if message.status().is_some() {
            self.handle_response(now, flow, source, &message);
        } else {
            self.handle_request(now, flow, source, &message);
        }
    }

    /// What is to be done next; one queue, in the order in which it happened.
    pub fn poll_output(&mut self) -> Option<Output> {
        let output = self.output.pop_front();
        // A burst is over: its room is given back.
        if output.is_none() && self.output.capacity() > OUTPUT {
            self.output.shrink_to(OUTPUT);
        }
        output
    }

    /// When [`UserAgent::handle_timeout`] must be called next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        [self.transactions.next_deadline(), self.servers.next_timeout()].into_iter().flatten().min()
    }

    /// Hands bytes to a flow, and says whether it could: what repeats itself may find it down.
    fn transmit(&mut self, flow: FlowId, to: Option<SocketAddr>, bytes: Bytes) -> bool {
        self.transmit_again(Transmit { flow, to, bytes })
    }

    /// [`UserAgent::transmit`] of what was put together before.
    fn transmit_again(&mut self, transmit: Transmit) -> bool {
        let is_up = self.flows.is_up(transmit.flow);
        if is_up {
            self.output.push_back(Output::Transmit(transmit));
        }
        is_up
    }

    fn stray(&mut self, now: Instant, flow: FlowId, bytes: Bytes, problem: String) {
        let stray = Stray { at: now, flow, bytes, problem };
        self.output.push_back(Output::Event(Event::Stray(stray)));
    }

    /// Tells the user, with the context as it is now.
    fn tell(&mut self, now: Instant, id: ContextId, method: Method, fact: Fact) {
        let Some(context) = self.contexts.get(&id) else { return };
        let status = self.status(context);
        let event = ContextEvent { at: now, context: id, method, fact, status };
        self.output.push_back(Output::Event(Event::Context(event)));
    }

    /// [`UserAgent::tell`] about the context's own request.
    fn tell_own(&mut self, now: Instant, id: ContextId, fact: Fact) {
        let Some(context) = self.contexts.get(&id) else { return };
        let method = context.method.clone();
        self.tell(now, id, method, fact);
    }

    fn status(&self, context: &ClientContext) -> Status {
        let (attempts, attempts_max) = match &context.request {
            Request::Sent { attempts, .. } => *attempts,
            Request::Waiting(_) | Request::Never => (0, 0),
        };
        // Once the CANCEL is answered its own transaction says nothing more of what comes.
        let cancel = context.is_cancel_pending().then_some(true);
        let keys = context.branch().into_iter().flat_map(|branch| {
            [Some(false), cancel]
                .into_iter()
                .flatten()
                .map(move |is_cancel| Key { branch, is_cancel })
        });
        let timer = match context.state {
            State::Sent => None,
            _ if subscriptions::subscribes(&context.method) => Some(Timer::Expiry),
            State::Cancelling => Some(Timer::CancelWait),
            _ => None,
        };
        let own = context.deadline.zip(timer).map(|(at, timer)| TimerAt { timer, at });
        let timers = self.transactions.timers(keys, own);
        Status {
            state: context.state,
            timers,
            attempts,
            attempts_max,
            legs_up: u32::try_from(context.legs_up()).unwrap_or(u32::MAX),
            ended: context.ended.is_some(),
        }
    }

    /// Ends a context where nothing is left to do: a final outcome is known, no leg is up, and no
    /// CANCEL waits for its answer.
    fn end_if_done(&mut self, now: Instant, id: ContextId) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let waits = context.state.is_pending()
            || context.legs_up() > 0
            || context.is_cancel_pending()
            || (context.state == State::Sent && context.deadline.is_some())
            || context.ended.is_some();
        let Some(cause) = context.cause.filter(|_| !waits) else { return };
        // RFC 3261 §13.2.2.4: another fork may still accept, and its 2xx must be ACKed and its leg hung
        // up too: until 64·T1 after the first 2xx, when Timer M ends the early dialogs.
        if context.has_early_legs()
            && context.state == State::HungUp
            && context.branch().is_some_and(|branch| self.transactions.holds(branch))
        {
            return;
        }
        let Some(context) = self.contexts.get_mut(&id) else { return };
        context.ended = Some(cause);
        let before = context.deadline.take();
        if is_call(&context.method) {
            self.open_calls -= 1;
        }
        self.transactions.arm_context(id, before, None);
        self.tell_own(now, id, Fact::Ended { cause });
        self.forget_if_over(id);
    }

    /// Drops a context that has ended and whose transactions have done their work.
    fn forget_if_over(&mut self, id: ContextId) {
        let is_over = |context: &ClientContext| {
            context.ended.is_some() && context.transactions == 0 && context.children == 0
        };
        if !self.contexts.get(&id).is_some_and(|context| is_over(context)) {
            return;
        }
        let Some(context) = self.contexts.remove(&id) else { return };
        self.flows.leave(context.flow, id);
        self.unmatched.remove(&(context.flow, id));
        if (!context.legs.is_empty() || subscriptions::subscribes(&context.method))
            && let Some(message) = context.message()
            && let Some(key) = DialogKey::of_ours(&message)
        {
            self.dialogs.remove(key, id);
        }
        self.remembered.insert(id, (context.method, context.state));
        if self.remembered.len() > REMEMBERED {
            self.remembered.pop_first();
        }
        if let Some((parent, _)) = context.parent {
            if let Some(parent) = self.contexts.get_mut(&parent) {
                parent.children -= 1;
            }
            self.forget_if_over(parent);
        }
    }

    /// The final outcome of a context whose request failed without a response.
    fn fail(&mut self, now: Instant, id: ContextId, state: State, cause: Cause, detail: String) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        context.state = state;
        context.cause = Some(cause);
        if matches!(context.request, Request::Waiting(_)) {
            context.request = Request::Never;
        }
        let registers = self.registrations.is_served_by(id).then(|| detail.clone());
        self.tell_own(
            now,
            id,
            Fact::Failed { response: None, cause, detail: detail.into(), advice: None },
        );
        let by = match cause {
            Cause::ConnectionError => TerminatedBy::Transport,
            _ => TerminatedBy::GivenUp,
        };
        self.end_early_legs(now, id, by);
        self.finish(now, id, None);
        if let Some(reason) = registers {
            self.register_failed(now, id, reason);
        }
    }

    /// After a final outcome: what hangs on it follows.
    fn finish(&mut self, now: Instant, id: ContextId, outcome: Option<StatusCode>) {
        let Some(context) = self.contexts.get(&id) else { return };
        let (parent, method) = (context.parent.clone(), context.method.clone());
        let is_sent = context.sent().is_some();
        let unanswered = match (context.state, outcome, context.cause) {
            (State::Failed, None, Some(Cause::RequestTimeout)) if is_sent => {
                Some(Unanswered::TimedOut)
            }
            (State::Failed, None, Some(cause)) => Some(Unanswered::Undelivered(cause)),
            _ => None,
        };
        self.end_if_done(now, id);
        if let Some(parent) = parent {
            self.in_dialog_is_over(now, parent, &method, outcome, unanswered);
        }
    }
}

/// Whether a graceful end waits for requests of that method.
fn is_call(method: &Method) -> bool {
    matches!(method, Method::Invite | Method::Bye) || subscriptions::subscribes(method)
}
