//! [`UserAgent`]: the one door into `sip`.
//!
//! Time, bytes and wishes go in; [`Output`]s come out of one queue, in their true order. What a
//! response belongs to stands in `matching`, what it does in `responses`, `accepted`, `acks`, `reliable`
//! and `again`, what the user's wishes do in `sending`, `raw`, `cancel` and `dialogs`, how many legs
//! there are in `legs`, how a context stands in `standing`, what the peer's own requests do in
//! `peer` and `outside`, how they are answered in `answers` and what repeats the answers in `served`,
//! `repeated`, `unacked` and `unpracked`, what time does in `timeouts`, and how contexts end in `ending`.

mod accepted;
mod acks;
mod address;
mod again;
mod answers;
mod authenticate;
mod cancel;
mod crossed;
mod dialog_index;
mod dialogs;
mod ending;
mod errands;
mod error;
mod flows;
mod foreign;
mod held;
mod impaired;
mod in_dialog;
mod keep_alive;
mod lasting;
mod legs;
mod lost;
mod matching;
mod next_hop;
mod outside;
mod peer;
mod raw;
mod refusals;
mod registrations;
mod reliable;
mod repeated;
mod responses;
mod returning;
mod route;
mod seen;
mod sending;
mod served;
mod settings;
mod size;
mod standing;
mod subscriptions;
mod timeouts;
mod transactions;
mod unacked;
mod unpracked;
mod unsent;
mod verdict;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::SocketAddr,
    sync::Arc,
    time::Instant,
};

use bytes::Bytes;

pub(crate) use self::again::Redirection;
pub use self::answers::Answer;
pub use self::error::{AnswerError, CancelError, DialogError, HangUpError};
pub use self::held::Held;
pub(crate) use self::keep_alive::asks_to_keep;
pub use self::keep_alive::{KeepAlive, KeepAliveBy};
pub use self::next_hop::{Follow, InTheClear};
pub use self::registrations::{RegistrarAt, RegistrarName};
pub(crate) use self::route::Route;
pub use self::settings::{ExtraLegs, FailedByes, Redirects, Settings};
pub(crate) use self::size::Size;
pub use self::size::Switch;
use self::{
    dialog_index::{DialogIndex, DialogKey},
    errands::Errands,
    flows::Flows,
    peer::PeerRequest,
    refusals::Refusals,
    registrations::Registrations,
    served::Served,
    transactions::Transactions,
    unacked::Unacked,
    unpracked::Unpracked,
};
use crate::sip::{
    IdMap,
    auth::AuthSessions,
    context::ClientContext,
    event::{Asked, ContextEvent, ContextId, Destination, Event, Fact, FlowId, State, Stray},
    message::Message,
    method::Method,
    random::Identifiers,
    resolution::Candidate,
    sdp,
    transaction::{ServerTransactionId, ServerTransactions, Timing},
    transport::Transport,
};

/// How many server transactions may be open at once.
const SERVER_TRANSACTIONS: usize = 10_000;

/// How many outputs have room for good.
const OUTPUT: usize = 256;

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
    /// Find the server that a URI names, for a context that goes there; the answer is
    /// [`UserAgent::resolved`] or [`UserAgent::unreachable`].
    Follow(Follow),
    /// What has asked for a flow under this id, and is no context, asks for nothing more.
    Settled(ContextId),
    /// Make a flow that is down again, now: a request waits for it. As for any flow,
    /// [`UserAgent::flow_connecting`] and then its end follow; where it cannot be made, at once
    /// [`UserAgent::flow_down`].
    Reconnect(FlowId),
    /// Keep a flow alive as often as its peer wants.
    KeepAlive(KeepAlive),
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
    /// That of the settings, as client transactions share it.
    timing: Arc<Timing>,
    identifiers: Identifiers,
    flows: Flows,
    refusals: Refusals,
    /// Boxed: a table is never full, and its empty places should cost little.
    contexts: IdMap<ContextId, Box<ClientContext>>,
    /// The contexts that are gone, by their last state.
    remembered: BTreeMap<ContextId, (Method, State)>,
    last_context: u64,
    /// Which INVITE a dialog belongs to.
    dialogs: DialogIndex,
    transactions: Transactions,
    errands: Errands,
    /// Contexts that have sent what nothing can be matched to, until they end.
    unmatched: BTreeSet<(FlowId, ContextId)>,
    auth: AuthSessions,
    servers: ServerTransactions,
    /// Whose each of them is.
    served: Served,
    /// Requests of the peer that the user answers by hand.
    by_hand: IdMap<ServerTransactionId, PeerRequest>,
    unacked: Unacked,
    unpracked: Unpracked,
    /// What a leg that is gone has described: nothing.
    no_session: sdp::Described,
    /// Servers that are not to be asked for a while.
    unavailable: route::Unavailable,
    registrations: Registrations,
    /// INVITEs, BYEs and subscriptions that have not ended: what a graceful end waits for.
    open_calls: usize,
    /// The INVITEs whose connection has ended before their outcome, as long as a CANCEL is owed to them;
    /// and the CANCEL, where it was on that connection.
    forsaken: BTreeMap<ContextId, Option<Bytes>>,
    output: VecDeque<Output>,
    /// When something happened last.
    latest: Option<Instant>,
}

impl UserAgent {
    /// A user agent; `seed` is where all its randomness comes from.
    pub fn new(settings: Settings, seed: u64) -> UserAgent {
        UserAgent {
            identifiers: Identifiers::new(seed),
            flows: Flows::default(),
            refusals: Refusals::default(),
            contexts: IdMap::default(),
            remembered: BTreeMap::new(),
            last_context: 0,
            dialogs: DialogIndex::default(),
            transactions: Transactions::default(),
            errands: Errands::default(),
            unmatched: BTreeSet::new(),
            auth: AuthSessions::new(),
            servers: ServerTransactions::new(settings.timing, SERVER_TRANSACTIONS),
            served: Served::default(),
            by_hand: IdMap::default(),
            unacked: Unacked::default(),
            unpracked: Unpracked::default(),
            no_session: sdp::Described::default(),
            unavailable: route::Unavailable::default(),
            registrations: Registrations::default(),
            open_calls: 0,
            forsaken: BTreeMap::new(),
            output: VecDeque::new(),
            latest: None,
            timing: Arc::new(settings.timing),
            settings,
        }
    }

    /// Its settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Other settings, for what is begun from now on; the bounds on what is read stay.
    pub fn change_settings(&mut self, settings: Settings) {
        self.timing = Arc::new(settings.timing);
        self.settings = Settings { limits: self.settings.limits, ..settings };
    }

    /// Whether no INVITE is pending or still to be cancelled, no leg is up, and no binding is being
    /// removed.
    pub fn is_idle(&self) -> bool {
        self.open_calls == 0 && self.forsaken.is_empty() && !self.registrations.is_removing()
    }

    /// How many contexts are held, those included that only absorb retransmissions.
    pub fn contexts(&self) -> usize {
        self.contexts.len()
    }

    /// Bytes came on a flow: one datagram, one WebSocket frame, or one framed message.
    pub fn handle_message(&mut self, now: Instant, flow: FlowId, source: SocketAddr, bytes: Bytes) {
        self.latest = Some(now);
        self.refusals.heard(flow, source);
        // RFC 5626 §3.5.1: line ends alone keep a flow alive and say nothing.
        if !bytes.is_empty() && bytes.iter().all(|b| matches!(b, b'\r' | b'\n')) {
            return;
        }
        match Message::read_to_answer(bytes.clone(), &self.settings.limits) {
            Ok((message, Some(error))) => self.too_much(now, flow, source, &message, error),
            Ok((message, None)) => {
                match message.is_request() {
                    true => self.handle_request(now, flow, source, &message),
                    false => self.handle_response(now, flow, source, &message),
                }
                self.tell_second(now, flow, source, &message);
            }
            Err(error) => {
                let problem = format!("{source} sent what is no SIP message: {error}");
                self.stray(now, flow, bytes, problem);
            }
        }
    }

    /// What is to be done next; one queue, in the order in which it happened.
    pub fn poll_output(&mut self) -> Option<Output> {
        if self.output.is_empty() {
            self.tell_timers();
        }
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

    /// Where [`UserAgent::transmit`] sends, for the user.
    fn destination(&self, flow: FlowId, to: Option<SocketAddr>) -> Destination {
        let known = self.flows.flow(flow);
        let own = known.and_then(|flow| flow.peer.as_ref()).map(|peer| peer.address());
        Destination {
            flow,
            transport: known.map_or(Transport::Udp, |flow| flow.transport),
            to: to.filter(|to| own != Some(*to)).map(Box::new),
        }
    }

    fn stray(&mut self, now: Instant, flow: FlowId, bytes: Bytes, problem: String) {
        match self.find_beside(flow, &bytes) {
            Some(id) => {
                self.tell_own(now, id, Fact::Beside { message: bytes, detail: problem.into() })
            }
            None => self.stray_request(now, flow, bytes, problem, None),
        }
    }

    fn stray_request(
        &mut self,
        now: Instant,
        flow: FlowId,
        bytes: Bytes,
        problem: String,
        asked: Option<Asked>,
    ) {
        let stray = Stray { at: now, flow, bytes, problem, asked };
        self.output.push_back(Output::Event(Event::Stray(stray)));
    }

    /// Tells the user, with the context as it is now.
    fn tell(&mut self, now: Instant, id: ContextId, method: Method, fact: Fact) {
        let Some(context) = self.contexts.get(&id) else { return };
        let status = self.status(id, context);
        self.transactions.was_told(id);
        self.latest = Some(now);
        let event = ContextEvent { at: now, context: id, method, fact, status };
        self.output.push_back(Output::Event(Event::Context(event)));
    }

    /// What has changed a timer and told nothing since is told now, so that no countdown stays as it
    /// was.
    fn tell_timers(&mut self) {
        while let Some(id) = self.transactions.untold() {
            if let Some(now) = self.latest {
                self.tell_own(now, id, Fact::TimersChanged);
            }
        }
    }

    /// [`UserAgent::tell`] about the context's own request.
    fn tell_own(&mut self, now: Instant, id: ContextId, fact: Fact) {
        let Some(context) = self.contexts.get(&id) else { return };
        let method = context.method.clone();
        self.tell(now, id, method, fact);
    }
}

/// Whether a graceful end waits for requests of that method.
fn is_call(method: &Method) -> bool {
    matches!(method, Method::Invite | Method::Bye) || subscriptions::subscribes(method)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::dialog::Leg;

    /// 100,000 INVITEs may be pending at once, and each is held as one of these: a field more is 8
    /// bytes for every one of them. What few have belongs in a box.
    #[test]
    fn what_is_held_for_a_pending_invite_stays_small() {
        let sizes = [
            ("a context, with one leg", size_of::<ClientContext>(), 424),
            ("a leg", size_of::<Leg>(), 160),
            ("a client transaction", size_of::<transactions::Entry>(), 184),
            ("a dialog's key", size_of::<DialogKey>(), 16),
        ];
        for (what, size, most) in sizes {
            assert!(size <= most, "{what} has {size} bytes, and may have {most}");
        }
    }
}
