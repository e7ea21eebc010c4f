//! The engine: one task that owns the [`UserAgent`](crate::sip::UserAgent) and the network.
//!
//! Wishes come in as [`Command`]s over a bounded channel; facts go out as batches of [`Event`]s,
//! so that a front end wakes once for a burst and SIP timers never wait for a terminal. A front
//! end that drops its [`Engine`] handle ends the task, as gracefully as [`Command::Quit`] does.
//!
//! `task` is the one task with its one `select!`; `flows` is its book of flows and their retries,
//! `names` its look-ups; `impair` drops, doubles, holds back and corrupts messages where the user wishes it.

mod account;
mod clock;
mod draft;
mod flows;
pub mod impair;
mod instance;
mod names;
mod passwords;
mod registrations;
mod task;
mod variables;
mod wishes;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

pub use account::{Account, PasswordCommand, Register, server_for};
pub use clock::Clock;
pub use draft::{Draft, DraftError, Field, next_hop, password_in_message, secured};
pub use impair::Impairments;
pub use instance::Instance;
use tokio::{sync::mpsc, task::JoinHandle};
pub use variables::{BUILT_IN, Values, VariableError, Variables, literal, literal_bytes};

use crate::{
    engine::task::Task,
    sip::{
        self, Answer, CancelOptions, ContextId, Credentials, DialogRequest, DialogWriting, FlowId,
        Impaired, KeepAliveBy, Method, NewRequest, Profile, RawMessage, ServerTransactionId,
        Transport, Writing,
    },
    transport::{Certificate, FlowFacts, FlowSettings, ServerUri},
};

/// A wish of the user.
#[derive(Clone, Debug)]
pub enum Command {
    /// Send a request.
    Send(Box<Submission>),
    /// Send bytes as they are.
    SendRaw(Box<RawSubmission>),
    /// Cancel a pending INVITE.
    Cancel {
        /// The INVITE.
        context: ContextId,
        /// What goes into its Reason.
        options: CancelOptions,
    },
    /// Send a BYE on every leg of an accepted INVITE.
    HangUp {
        /// The INVITE.
        context: ContextId,
    },
    /// Send a BYE on one leg of an accepted INVITE.
    HangUpLeg {
        /// The INVITE.
        context: ContextId,
        /// The leg's To tag.
        tag: Box<str>,
    },
    /// Send a request in the dialog of a leg; it is a context of its own.
    SendInDialog {
        /// The context whose dialog it is: an INVITE, SUBSCRIBE or REFER.
        context: ContextId,
        /// The leg's To tag; `None` is the only leg that is up.
        tag: Option<Box<str>>,
        /// The request.
        request: Box<DialogRequest>,
    },
    /// Answer a request of the peer that waits for it ([`sip::Settings::by_hand`]).
    Answer {
        /// The context in whose dialog it came.
        context: ContextId,
        /// The request.
        transaction: ServerTransactionId,
        /// The answer.
        answer: Box<Answer>,
    },
    /// All of these, one after the other. Each is carried out or refused by itself.
    Many(Vec<Command>),
    /// Wait no longer for an outcome: what nobody has answered fails with `Request Timeout`, and an
    /// INVITE that rings is cancelled.
    GiveUp {
        /// The request.
        context: ContextId,
        /// Why, as a sentence.
        detail: String,
    },
    /// These are the accounts from now on: each that is to be registered is kept so, and what is
    /// registered of one that has gone or changed is removed. A flow to a server that none of them
    /// has ends once nothing rides on it any more: what is under way is let finish.
    Accounts(Vec<Arc<Account>>),
    /// Register an account now, or refresh what is registered before its time.
    Register(Arc<Account>),
    /// Remove the binding of an account, until it is registered again.
    Unregister {
        /// The account's name.
        account: String,
    },
    /// Other settings of the user agent, for what is begun from now on.
    Settings(Box<sip::Settings>),
    /// Look names up with these DNS servers from now on; the system's where there are none.
    Resolver(Vec<SocketAddr>),
    /// Impair messages in this way from now on, and no longer in any other; without a rule, in none.
    /// [`Event::Impairing`] follows.
    Impair(Impairments),
    /// Say how a request in a dialog is written: [`Event::DialogWriting`] follows.
    DialogWriting(InDialog),
    /// Say how requests of an account are written on a flow: [`Event::Writing`] follows.
    Writing {
        /// The flow; none for one that is still to be made.
        flow: Option<FlowId>,
        /// The account.
        profile: Option<Arc<Profile>>,
    },
    /// Leave gracefully: cancel pending INVITEs, hang up established legs, wait for the answers
    /// for at most two seconds. [`Event::Stopped`] is the last event.
    Quit,
}

/// A request, and where to send it.
#[derive(Clone, Debug, PartialEq)]
pub struct Submission {
    /// The request.
    pub request: NewRequest,
    /// The server; `None` finds it from the first Route or the Request-URI.
    pub server: Option<ServerUri>,
    /// What prints the password, where the request has no credentials of its own.
    pub password_command: Option<Arc<PasswordCommand>>,
    /// How the flow to it is made. Requests to one server whose settings differ ride on different
    /// flows.
    pub flow: Arc<FlowSettings>,
}

/// Bytes that the user wrote, and where to send them.
#[derive(Clone, Debug, PartialEq)]
pub struct RawSubmission {
    /// The bytes, and what can be read of them.
    pub message: RawMessage,
    /// The server; `None` finds it from the first Route or the Request-URI, where they can be read.
    pub server: Option<ServerUri>,
    /// How the flow to it is made.
    pub flow: Arc<FlowSettings>,
}

/// A dialog, and what is to be sent in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InDialog {
    /// The context that made it.
    pub context: ContextId,
    /// The To tag of its leg; `None` is the only one that is up.
    pub tag: Option<Box<str>>,
    /// The method.
    pub method: Method,
}

/// A fact.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// From the user agent: about a context, a registration, or a stray message.
    Sip(sip::Event),
    /// A flow came into being or changed.
    Flow(FlowEvent),
    /// A peer has opened a connection to us, or such a connection has ended.
    PeerFlow(PeerFlow),
    /// A peer answered a keep-alive.
    Pong {
        /// When.
        at: Instant,
        /// On which flow.
        flow: FlowId,
        /// How long that took.
        rtt: Duration,
    },
    /// A flow is kept alive this often from now on, because its peer wants it.
    KeepAlive {
        /// When.
        at: Instant,
        /// Which flow.
        flow: FlowId,
        /// How often, less up to a fifth by chance.
        interval: Duration,
        /// How the peer said so.
        by: KeepAliveBy,
    },
    /// Something was done on purpose to a message that no context claims.
    Impaired {
        /// When.
        at: Instant,
        /// The flow of the message.
        flow: FlowId,
        /// What was done.
        impaired: Box<Impaired>,
    },
    /// From now on messages are impaired in this way; without a rule, they are not. The seed is the
    /// one that is used.
    Impairing {
        /// When.
        at: Instant,
        /// In which way.
        impairments: Impairments,
    },
    /// How a request in a dialog is written, as [`Command::DialogWriting`] asked.
    DialogWriting {
        /// The dialog, and what is to be sent there.
        of: InDialog,
        /// How; or why it would be refused.
        writing: Result<Box<DialogWriting>, String>,
    },
    /// How requests of an account are written on a flow, as [`Command::Writing`] asked.
    Writing {
        /// The flow; none for one that is still to be made.
        flow: Option<FlowId>,
        /// The account's name.
        account: Option<Arc<str>>,
        /// How; `None` where the flow is not up.
        writing: Option<Box<Writing>>,
    },
    /// These password commands run now, and something waits for each.
    AsksPasswords(Vec<Arc<PasswordCommand>>),
    /// A password command has printed one: whoever shows or writes anything must keep it out.
    Password(Arc<[Credentials]>),
    /// A command could not be carried out. Nothing else came of it.
    Refused(Refusal),
    /// The engine has ended after [`Command::Quit`]. Always the last event.
    Stopped,
}

/// A change of a flow.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowEvent {
    /// When.
    pub at: Instant,
    /// Which flow.
    pub flow: FlowId,
    /// The server that it was made for, as the user names it.
    pub asked: Arc<ServerUri>,
    /// The server that it leads to; of a name, at the address that was found.
    pub server: ServerUri,
    /// How it is made.
    pub settings: Arc<FlowSettings>,
    /// Its state now.
    pub state: FlowState,
}

/// A connection that a peer has opened to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerFlow {
    /// When it was opened, or ended.
    pub at: Instant,
    /// Which flow.
    pub flow: FlowId,
    /// Its transport.
    pub transport: Transport,
    /// Our address: the one that Via and Contact name.
    pub local: SocketAddr,
    /// The peer's address.
    pub peer: SocketAddr,
    /// Why it is over, as a sentence, once it is.
    pub ended: Option<String>,
}

/// The state of a flow.
#[derive(Clone, Debug, PartialEq)]
pub enum FlowState {
    /// Its connection is being made (for the first time, or again).
    Connecting,
    /// Requests can be sent on it.
    Up {
        /// Our address.
        local: SocketAddr,
        /// The peer's address.
        peer: SocketAddr,
        /// What else is known of the peer: TLS, the WebSocket subprotocol.
        facts: Arc<FlowFacts>,
    },
    /// It could not be made, or it broke.
    Down {
        /// Why: a sentence with the address.
        reason: String,
        /// When it is tried again; `None` when the next request tries it.
        retry_at: Option<Instant>,
        /// The server's certificates, its own first, where they were refused.
        refused: Arc<[Certificate]>,
    },
    /// It has ended for good: no account leads there any more, and nothing rode on it.
    Ended,
}

/// Why a command was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// When.
    pub at: Instant,
    /// The context that the command named; none for a request that could not be sent, or for an
    /// account.
    pub context: Option<ContextId>,
    /// Whether a request was to be sent, or something done with one.
    pub is_request: bool,
    /// Why: a sentence that says what would be right.
    pub reason: String,
}

/// A running engine, as a front end holds it.
#[derive(Debug)]
pub struct Engine {
    /// Wishes go in here.
    pub commands: mpsc::Sender<Command>,
    /// Facts come out here, in their true order.
    pub events: mpsc::Receiver<Vec<Event>>,
    /// Ends after [`Event::Stopped`], or when the front end has gone.
    pub task: JoinHandle<()>,
}

/// What an engine can be told at its start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// The user agent's settings: timers and names.
    pub sip: sip::Settings,
    /// The DNS servers that names are looked up with; the system's where there are none.
    pub resolver: Vec<SocketAddr>,
    /// What the accounts' instances are made from; one for this run where it is `None`.
    pub instance: Option<Instance>,
    /// What is done to messages on purpose, from the start.
    pub impair: Impairments,
}

impl Engine {
    /// Starts an engine on the current tokio runtime.
    pub fn start(settings: Settings) -> Engine {
        let (commands, wishes) = mpsc::channel(COMMANDS);
        let (facts, events) = mpsc::channel(BATCHES);
        let task = tokio::spawn(Task::new(settings, facts).run(wishes));
        Engine { commands, events, task }
    }
}

/// How many commands may wait for the engine.
const COMMANDS: usize = 1024;

/// How many batches of events may wait for the front end; then they grow instead.
const BATCHES: usize = 64;
