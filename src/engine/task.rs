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

mod commands;
mod impaired;
mod signals;

use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::mpsc,
    time::{sleep_until, timeout, timeout_at},
};

use crate::{
    engine::{
        Command, Event, Instance, PeerFlow, Settings,
        flows::Flows,
        impair::{Impairer, Mark, Packet},
        names::Names,
        passwords::Passwords,
        registrations::Registrations,
        wishes::Wish,
    },
    sip::{
        self, Connect, ContextId, FlowId, Follow, KeepAlive, Output, RegistrationState, Switch,
        Transmit, UserAgent,
    },
    transport::{FlowSettings, Network, RELIEF, Room, ServerUri},
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

/// How long a peer may take nothing before its connection is dead: as long as a transaction waits
/// for an answer (RFC 3261 §17.1.1.2), and long enough for a machine that is busy.
pub(super) fn write_timeout(settings: &sip::Settings) -> Duration {
    settings.timing.patience().max(Duration::from_secs(2))
}

/// The flow on which a registrar has just accepted a REGISTER.
fn registered_on(event: &Event) -> Option<(Instant, FlowId)> {
    let Event::Sip(sip::Event::Registration(event)) = event else { return None };
    let is_registered = matches!(event.state, RegistrationState::Registered { .. });
    Some((event.at, event.flow.filter(|_| is_registered)?))
}

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
    Follow(Follow),
    Settled(ContextId),
    Reconnect(FlowId),
    KeepAlive(KeepAlive),
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
    pub(super) flows: Flows,
    impairer: Impairer,
    /// Where we take TCP connections, by our address.
    listening: HashMap<IpAddr, SocketAddr>,
    /// The connections that peers made to us.
    accepted: HashMap<FlowId, PeerFlow>,
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
        let limits = settings.sip.limits;
        let stall = write_timeout(&settings.sip);
        let mut task = Task {
            user_agent: UserAgent::new(settings.sip, rand::random()),
            registrations: Registrations::default(),
            passwords: Passwords::default(),
            instance: settings.instance.unwrap_or_else(Instance::random),
            network: Network::new().with_limits(limits),
            flows: Flows::default(),
            impairer: Impairer::new(),
            listening: HashMap::new(),
            accepted: HashMap::new(),
            names: Names::new(&settings.resolver),
            batch: Vec::new(),
            events,
            latest: Instant::now(),
            held: VecDeque::new(),
            leaving: None,
        };
        task.network.set_write_timeout(stall);
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
            if let Some(running) = self.passwords.news() {
                self.tell(Event::AsksPasswords(running));
            }
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
        while let Some(again) = self.flows.take_due(now) {
            self.make_again(now, again);
        }
        self.let_go(now);
        self.end_unwanted(now);
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
                let answered = registered_on(&event);
                self.batch.push(event);
                if let Some((at, flow)) = answered {
                    self.is_back(at, flow);
                }
            }
            Step::Mark(mark) => self.tell_mark(*mark),
            Step::Connect(connect) => {
                if let Some(way) = self.names.way(&connect) {
                    let (now, flow) = self.find_flow(&way);
                    self.user_agent.ride(now, connect.context, flow);
                }
            }
            Step::Switch(switch) => self.switch(switch),
            Step::Follow(follow) => self.follow(follow),
            Step::Settled(id) => self.names.forget(id),
            Step::Reconnect(flow) => self.reconnect(flow),
            Step::KeepAlive(keep_alive) => self.keep_alive(keep_alive),
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
            Output::Follow(follow) => Step::Follow(follow),
            Output::Settled(id) => Step::Settled(id),
            Output::Reconnect(flow) => Step::Reconnect(flow),
            Output::KeepAlive(keep_alive) => Step::KeepAlive(keep_alive),
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
    pub(super) fn tell(&mut self, event: Event) {
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
