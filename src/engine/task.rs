//! The one task of the engine.
//!
//! ```text
//!  commands ─►┐                        ┌─► Impairer ─► network.send
//!  signals ──►├─ UserAgent, Flows ─────┤
//!  deadline ─►┘   (one FIFO of output) └─► batch of events ─► front end
//!
//!  A message among the signals goes through the Impairer too, which mostly does nothing.
//! ```
//!
//! Whatever comes in is worked off as a batch, then the output is drawn. An event of the engine's
//! own is told only after the output before it was drawn, so that the order stays the true one.

mod impaired;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::{
    sync::mpsc,
    time::{sleep_until, timeout, timeout_at},
};

use crate::{
    engine::{
        Command, Event, FlowEvent, FlowState, Instance, RawSubmission, Refusal, Settings,
        Submission,
        draft::next_hop,
        flows::{Ends, Flows, Found, Way},
        impair::{Impairer, Mark, Packet},
        names::Names,
        passwords::Passwords,
        registrations::Registrations,
        wishes::Wish,
    },
    sip::{
        Connect, ContextId, FlowId, Output, Switch, Transmit, Transport, UserAgent,
        resolution::Resolved,
    },
    transport::{FlowSettings, Network, RELIEF, Room, ServerUri, Signal},
};

/// How many commands are worked off before their output is drawn.
const COMMANDS_AT_ONCE: usize = 256;

/// How many events may wait for a front end that does not take them. Above that nothing more is
/// read, from the network or from the user; timers go on.
const EVENTS_WAITING: usize = 1 << 18;

/// How long leaving may take: what is under way gets the first part, the flows' goodbyes the rest.
const LEAVE: Duration = Duration::from_millis(1750);
const GOODBYES: Duration = Duration::from_millis(250);

/// Why nothing new is begun while it leaves.
const LEAVING: &str = "sipboard is leaving: nothing new is sent";

/// One thing that is to be done, in its turn.
enum Step {
    Tell(Event),
    /// The user agent wants it to be sent.
    Transmit(Transmit),
    /// It is to be sent as it is, and then the mark told.
    Send(Transmit, Option<Box<Mark>>),
    /// Something was done to a message.
    Mark(Box<Mark>),
    Connect(Connect),
    Switch(Switch),
}

/// How a request gets to its server.
pub(super) enum Lead {
    /// On this flow.
    Flow(FlowId),
    /// By this name.
    Name(ServerUri, Arc<FlowSettings>),
}

/// The state of the task.
pub(super) struct Task {
    pub(super) user_agent: UserAgent,
    pub(super) registrations: Registrations,
    /// The passwords that commands print, and the wishes that wait for one.
    pub(super) passwords: Passwords<Wish>,
    pub(super) instance: Instance,
    network: Network,
    flows: Flows,
    impairer: Impairer,
    /// Where we take TCP connections, by our address.
    listening: HashMap<IpAddr, SocketAddr>,
    /// The connections that peers made to us.
    accepted: HashSet<FlowId>,
    pub(super) names: Names,
    /// Events that have not gone out yet.
    batch: Vec<Event>,
    events: mpsc::Sender<Vec<Event>>,
    /// The latest instant that was told to anyone: time in the events never runs backwards.
    latest: Instant,
    /// Output that waits because a flow's queue is full, and new commands with it; nearly always
    /// empty.
    held: VecDeque<Step>,
    /// While it leaves: until when at most.
    pub(super) leaving: Option<Instant>,
}

impl Task {
    pub(super) fn new(settings: Settings, events: mpsc::Sender<Vec<Event>>) -> Task {
        let mut task = Task {
            user_agent: UserAgent::new(settings.sip, rand::random()),
            registrations: Registrations::default(),
            passwords: Passwords::default(),
            instance: settings.instance.unwrap_or_else(Instance::random),
            network: Network::new(),
            flows: Flows::default(),
            impairer: Impairer::new(),
            listening: HashMap::new(),
            accepted: HashSet::new(),
            names: Names::new(&settings.resolver),
            batch: Vec::new(),
            events,
            latest: Instant::now(),
            held: VecDeque::new(),
            leaving: None,
        };
        if !settings.impair.is_empty() {
            task.impair(settings.impair);
        }
        task
    }

    /// Runs until [`Command::Quit`], or until the front end has gone.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut wishes = Vec::with_capacity(COMMANDS_AT_ONCE);
        let mut signals = Vec::new();
        let mut orphaned = false;
        while !self.has_left() {
            let deadline = self.deadline();
            let reads = self.batch.len() < EVENTS_WAITING;
            tokio::select! {
                count = commands.recv_many(&mut wishes, COMMANDS_AT_ONCE), if reads && self.held.is_empty() && !orphaned => {
                    if count == 0 {
                        orphaned = true;
                        self.leave();
                    }
                    wishes.drain(..).for_each(|command| self.command(command));
                }
                () = self.network.receive(&mut signals), if reads => {
                    signals.drain(..).for_each(|signal| self.signal(signal));
                }
                looked_up = self.names.next(), if !self.names.is_idle() => self.looked_up(looked_up),
                answer = self.passwords.answer() => self.password(answer),
                () = sleep_until(deadline.unwrap_or(self.latest).into()), if deadline.is_some() => {}
                () = async { drop(self.events.reserve().await) }, if !self.batch.is_empty() => {}
                () = self.events.closed(), if self.leaving.is_none() => self.leave(),
            }
            self.timeouts();
            self.draw();
            self.hand_over();
        }
        self.stop().await;
    }

    /// When something must be done without anyone asking for it.
    fn deadline(&self) -> Option<Instant> {
        let relief = (!self.held.is_empty()).then(|| self.latest + RELIEF);
        let held_back = self.impairer.poll_timeout();
        let user_agent = self.user_agent.poll_timeout();
        let deadlines = [user_agent, self.flows.next_retry(), held_back, self.leaving, relief];
        deadlines.into_iter().flatten().min()
    }

    /// The time as it is, or as it was when something came.
    fn clock(&mut self, at: Instant) -> Instant {
        self.latest = self.latest.max(at);
        self.latest
    }

    pub(super) fn now(&mut self) -> Instant {
        self.clock(Instant::now())
    }

    fn timeouts(&mut self) {
        let now = self.now();
        if self.user_agent.poll_timeout().is_some_and(|at| at <= now) {
            self.user_agent.handle_timeout(now);
        }
        while let Some(flow) = self.flows.take_due(now) {
            self.connect(now, flow);
        }
        self.let_go(now);
    }

    /// Carries out what the user agent wants to be done.
    fn draw(&mut self) {
        while let Some(step) = self.held.pop_front().or_else(|| self.poll_step()) {
            let Some((transmit, mark)) = self.take(step) else { continue };
            if self.is_full(transmit.flow) {
                self.held.push_front(Step::Send(transmit, mark));
                return;
            }
            self.send_now(transmit, mark);
        }
    }

    /// Carries out a step; one that is to be sent as it stands is given back.
    fn take(&mut self, step: Step) -> Option<(Transmit, Option<Box<Mark>>)> {
        match step {
            Step::Tell(event) => {
                self.names.follow(&event);
                self.find_registrar(&event);
                self.batch.push(event);
            }
            Step::Mark(mark) => self.tell_mark(*mark),
            Step::Connect(connect) => {
                if let Some(way) = self.names.way(&connect) {
                    let (now, flow) = self.find_flow(&way);
                    self.user_agent.ride(now, connect.context, flow);
                }
            }
            Step::Switch(Switch { context, from, to }) => {
                if let Some(way) = self.flows.way(from).map(|way| way.by_tcp(to))
                    && let Some(address) = way.server.socket_address()
                {
                    let (now, flow) = self.find_flow(&way);
                    self.user_agent.switched(now, context, flow, address);
                }
            }
            Step::Transmit(transmit) if self.impairer.is_at_work() => self.judge(transmit),
            Step::Transmit(transmit) => return Some((transmit, None)),
            Step::Send(transmit, mark) => return Some((transmit, mark)),
        }
        None
    }

    fn poll_step(&mut self) -> Option<Step> {
        Some(match self.user_agent.poll_output()? {
            Output::Event(event) => Step::Tell(Event::Sip(event)),
            Output::Transmit(transmit) => Step::Transmit(transmit),
            Output::Connect(connect) => Step::Connect(connect),
            Output::Switch(switch) => Step::Switch(switch),
        })
    }

    /// Whether a message waits for room in its flow's queue. A peer that reads nothing is waited
    /// for once; from then on its messages are refused.
    fn is_full(&mut self, flow: FlowId) -> bool {
        let now = self.now();
        self.network.room(now, flow) == Room::Full
    }

    /// Gives the events to the front end where there is room; else they wait and gather.
    fn hand_over(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        match self.events.try_reserve() {
            Ok(permit) => permit.send(std::mem::take(&mut self.batch)),
            Err(mpsc::error::TrySendError::Full(())) => {}
            // The front end has gone: nobody wants them.
            Err(mpsc::error::TrySendError::Closed(())) => self.batch.clear(),
        }
    }

    /// Tells an event of the engine's own, after what the user agent had to tell before.
    fn tell(&mut self, event: Event) {
        self.draw();
        if self.held.is_empty() {
            self.batch.push(event);
        } else {
            while let Some(step) = self.poll_step() {
                self.held.push_back(step);
            }
            self.held.push_back(Step::Tell(event));
        }
    }

    fn command(&mut self, command: Command) {
        let now = self.now();
        let result = match command {
            Command::Quit => {
                self.leave();
                return;
            }
            Command::Cancel { context, options } => self
                .user_agent
                .cancel(now, context, options)
                .map_err(|error| (Some(context), error.to_string())),
            Command::HangUp { context } => self
                .user_agent
                .hang_up(now, context)
                .map_err(|error| (Some(context), error.to_string())),
            Command::HangUpLeg { context, tag } => self
                .user_agent
                .hang_up_leg(now, context, &tag)
                .map_err(|error| (Some(context), error.to_string())),
            Command::SendInDialog { context, tag, request } => self
                .user_agent
                .request_in_dialog(now, context, tag.as_deref(), *request)
                .map(drop)
                .map_err(|error| (Some(context), error.to_string())),
            Command::Answer { context, transaction, answer } => self
                .user_agent
                .answer(now, transaction, *answer)
                .map_err(|error| (Some(context), error.to_string())),
            Command::Many(commands) => {
                commands.into_iter().for_each(|command| self.command(command));
                Ok(())
            }
            Command::Resolver(servers) => {
                self.names.ask(&servers);
                Ok(())
            }
            Command::Impair(impairments) => {
                self.impair(impairments);
                Ok(())
            }
            Command::GiveUp { context, detail } => {
                self.user_agent.give_up(now, context, &detail);
                Ok(())
            }
            Command::Send(_) | Command::SendRaw(_) if self.leaving.is_some() => {
                Err((None, LEAVING.to_owned()))
            }
            Command::Send(submission) => {
                self.send_or_refuse(now, submission);
                Ok(())
            }
            Command::SendRaw(submission) => {
                self.send_raw(now, *submission).map_err(|why| (None, why))
            }
            Command::Accounts(_) | Command::Register(_) if self.leaving.is_some() => Ok(()),
            Command::Accounts(accounts) => {
                self.accounts(now, accounts);
                Ok(())
            }
            Command::Register(account) => {
                self.register(now, account);
                Ok(())
            }
            Command::Unregister { account } => {
                if let Err(why) = self.unregister(now, &account) {
                    self.refuse_account(now, why);
                }
                Ok(())
            }
            Command::Settings(settings) => {
                self.user_agent.change_settings(*settings);
                Ok(())
            }
        };
        if let Err((context, reason)) = result {
            self.refuse(now, context, reason);
        }
    }

    pub(super) fn refuse(&mut self, at: Instant, context: Option<ContextId>, reason: String) {
        self.tell(Event::Refused(Refusal { at, context, is_request: true, reason }));
    }

    /// Says why an account is not registered or unregistered.
    pub(super) fn refuse_account(&mut self, at: Instant, reason: String) {
        let refusal = Refusal { at, context: None, is_request: false, reason };
        self.tell(Event::Refused(refusal));
    }

    /// Sends a request; a sentence where no flow can be found for it.
    pub(super) fn send(&mut self, now: Instant, submission: Submission) -> Result<(), String> {
        let Submission { mut request, server, flow: settings, .. } = submission;
        request.route_set = self.user_agent.routes(&request);
        let server = match server {
            Some(server) => server,
            None => next_hop(request.route_set.first(), Some(&request.request_uri))?,
        };
        // RFC 3261 §26.2.2, §8.1.2: each hop towards a sips URI is secured, of a Route too.
        let hops = [request.route_set.first(), Some(&request.request_uri)];
        let sips = hops.into_iter().flatten().find(|uri| uri.as_uri().is_sips());
        if let Some(sips) = sips
            && !server.transport.is_secure()
        {
            return Err(format!(
                "{sips} must go over TLS (RFC 3261 §26.2.2), and {server} is not encrypted: name a sips: or wss:// server, or a sip: URI"
            ));
        }
        match self.lead(now, server, settings) {
            Lead::Flow(flow) => _ = self.user_agent.request(now, flow, request),
            Lead::Name(server, settings) => {
                let (name, transport) = (server.to_string(), server.transport);
                let id = self.user_agent.request_by_name(now, &name, transport, request);
                self.names.look_up(id, server, settings);
            }
        }
        Ok(())
    }

    /// Sends bytes as they are; a sentence where no flow can be found for them.
    fn send_raw(&mut self, now: Instant, submission: RawSubmission) -> Result<(), String> {
        let RawSubmission { message, server, flow: settings } = submission;
        let server = match server {
            Some(server) => server,
            None => next_hop(message.first_route().as_ref(), message.request_uri().as_ref())?,
        };
        match self.lead(now, server, settings) {
            Lead::Flow(flow) => _ = self.user_agent.send_raw(now, flow, message),
            Lead::Name(server, settings) => {
                let (name, transport) = (server.to_string(), server.transport);
                let id = self.user_agent.send_raw_by_name(now, &name, transport, message);
                self.names.look_up(id, server, settings);
            }
        }
        Ok(())
    }

    /// The flow that leads to a server, which is made where there is none yet; a server with a name
    /// must be looked up first.
    pub(super) fn lead(
        &mut self,
        now: Instant,
        server: ServerUri,
        settings: Arc<FlowSettings>,
    ) -> Lead {
        if server.socket_address().is_none() {
            return Lead::Name(server, settings);
        }
        Lead::Flow(match self.flows.to(&Way::direct(server, settings)) {
            Found::Ready(flow) => flow,
            Found::Connect(flow) => {
                self.connect(now, flow);
                flow
            }
        })
    }

    /// A look-up has ended.
    fn looked_up(&mut self, (resolved, contexts): (Resolved, Vec<ContextId>)) {
        let now = self.now();
        for context in contexts {
            self.user_agent.resolved(now, context, &resolved);
        }
    }

    /// The flow that leads that way, for a context that asks for it. All that was told before has
    /// been drawn already.
    fn find_flow(&mut self, way: &Way) -> (Instant, FlowId) {
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

    /// Begins to make a flow, for the first time or again.
    fn connect(&mut self, now: Instant, flow: FlowId) {
        self.begin_to_connect(flow);
        self.tell_flow(now, flow, FlowState::Connecting);
    }

    fn begin_to_connect(&mut self, flow: FlowId) {
        let Some(Way { server, settings, .. }) = self.flows.way(flow) else { return };
        self.user_agent.flow_connecting(flow, server.transport);
        self.network.connect(flow, server, settings);
    }

    fn tell_flow(&mut self, at: Instant, flow: FlowId, state: FlowState) {
        if let Some(event) = self.flow_event(at, flow, state) {
            self.tell(event);
        }
    }

    fn flow_event(&self, at: Instant, flow: FlowId, state: FlowState) -> Option<Event> {
        let Way { asked, server, settings } = self.flows.way(flow)?.clone();
        Some(Event::Flow(FlowEvent { at, flow, asked, server, settings, state }))
    }

    fn signal(&mut self, signal: Signal) {
        match signal {
            Signal::Message { at, flow, source, bytes } => self.message(at, flow, source, bytes),
            Signal::Up { flow, local, peer, facts } => {
                let now = self.now();
                let ends = Ends { local, peer, facts };
                self.flows.up(now, flow, ends.clone());
                self.tell_flow(now, flow, ends.into());
                let contact = self.contact(flow, local);
                self.user_agent.flow_up(now, flow, contact);
            }
            Signal::Down { flow, reason } if self.accepted.remove(&flow) => {
                let now = self.now();
                self.user_agent.flow_down(now, flow, &reason);
                self.user_agent.forget_flow(flow);
            }
            Signal::Down { flow, reason } => {
                let now = self.now();
                let mut retry_at = {
                    let wanted = self.user_agent.keeps_registration(flow);
                    self.flows.down(now, flow, wanted, rand::random())
                };
                if self.leaving.is_some() {
                    self.flows.stop_retrying();
                    retry_at = None;
                }
                let state = FlowState::Down { reason: reason.clone(), retry_at };
                self.tell_flow(now, flow, state);
                self.user_agent.flow_down(now, flow, &reason);
            }
            Signal::Pong { flow, rtt } => {
                let at = self.now();
                self.tell(Event::Pong { at, flow, rtt });
            }
            Signal::Undelivered { flow, reason } => {
                let now = self.now();
                // The socket stays usable, but nobody is there: that is down to a user, until
                // something arrives.
                if self.flows.refused(flow) {
                    let state = FlowState::Down { reason: reason.clone(), retry_at: None };
                    self.tell_flow(now, flow, state);
                }
                self.user_agent.flow_error(now, flow, &reason);
            }
            Signal::Accepted { flow, transport, local, .. } => {
                let now = self.now();
                self.accepted.insert(flow);
                self.user_agent.flow_connecting(flow, transport);
                self.user_agent.flow_up(now, flow, local);
            }
        }
    }

    /// The address that Via and Contact name on a flow: where the peer can reach us. Nobody can
    /// connect to the port that a TCP connection leaves from, so there is a listener beside it
    /// (RFC 3261 §18.1.1: sent-by is where we take connections).
    fn contact(&mut self, flow: FlowId, local: SocketAddr) -> SocketAddr {
        let transport = self.flows.way(flow).map(|way| way.server.transport);
        if transport != Some(Transport::Tcp) {
            return local;
        }
        if let Some(listening) = self.listening.get(&local.ip()) {
            return *listening;
        }
        // Without a listener the connection itself is the only way to us, as behind a NAT.
        let Ok(listening) = self.network.listen(Transport::Tcp, SocketAddr::new(local.ip(), 0))
        else {
            return local;
        };
        self.listening.insert(local.ip(), listening);
        listening
    }

    fn message(&mut self, at: Instant, flow: FlowId, source: SocketAddr, bytes: Bytes) {
        let now = self.clock(at);
        if let Some(ends) = self.flows.heard(now, flow) {
            self.tell_flow(now, flow, ends.into());
        }
        if self.impairer.is_at_work() {
            return self.judge_received(now, flow, source, bytes);
        }
        self.user_agent.handle_message(now, flow, source, bytes);
    }

    /// Begins to leave.
    fn leave(&mut self) {
        if self.leaving.is_none() {
            let now = self.now();
            self.leaving = Some(now + LEAVE);
            self.flows.stop_retrying();
            for wish in self.passwords.forget() {
                if let Wish::Send(_) = wish {
                    self.refuse(now, None, LEAVING.to_owned());
                }
            }
            self.user_agent.shut_down(now);
        }
    }

    /// Whether nothing is left to wait for.
    fn has_left(&self) -> bool {
        let is_done =
            self.user_agent.is_idle() && self.held.is_empty() && !self.impairer.holds_ours();
        self.leaving.is_some_and(|until| is_done || Instant::now() >= until)
    }

    /// Closes the flows and says that it is over; bounded.
    async fn stop(mut self) {
        let now = self.now();
        self.user_agent.abandon(now);
        self.draw();
        let until = tokio::time::Instant::now() + GOODBYES;
        // What was queued is written before a flow closes.
        let _ = timeout_at(until, self.network.shut_down()).await;
        self.batch.push(Event::Stopped);
        let _ = timeout(GOODBYES, self.events.send(self.batch)).await;
    }
}
