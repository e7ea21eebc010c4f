//! The run itself: requests in, facts out, until nothing is left to wait for.
//!
//! ```text
//!  fill ─► queue ─► engine ─► events ─► calls, reporter
//!    ▲                           │
//!    └────── alarms ◄────────────┘     all settled, or interrupted ─► Quit ─► Stopped
//! ```
//!
//! Commands wait in a queue of their own until the engine takes them, so that this side never
//! stops taking events: two full channels cannot wait for each other.

mod alarms;
mod ending;
mod filling;
mod impaired;
mod waiting;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, VecDeque},
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use self::alarms::Alarm;
use crate::{
    engine::{Command, Engine, Event},
    headless::{
        Outcome, Plan,
        call::{Call, Past},
        report::Reporter,
        totals::Totals,
    },
    sip::{self, Absorbed, ContextEvent, ContextId, Fact, IdMap, IdSet, State},
};

/// What the user broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Interrupt {
    None,
    /// Nothing but the wait for what may still come.
    Waiting,
    /// Requests that were not settled, or not sent.
    Working,
}

/// Why the run is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// All is done.
    ByItself,
    /// Somebody wished for it then, and it has ended gracefully.
    Interrupted { at: Instant },
    /// Somebody wished for it twice.
    AtOnce,
}

/// Where the run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Requests are sent and watched.
    Running,
    /// [`Command::Quit`] is on its way; the last events are waited for.
    Leaving,
}

pub(super) struct Run<'o> {
    plan: Plan,
    reporter: Reporter<'o>,
    phase: Phase,
    interrupt: Interrupt,
    /// Commands that the engine has not taken yet.
    queue: VecDeque<Command>,
    /// Requests put into the queue.
    submitted: u64,
    /// Requests put into the queue and not settled.
    open: usize,
    /// Settled, but something may still come for them: of a further fork, or of raw bytes to which
    /// nothing can be matched.
    lingering: IdSet<ContextId>,
    /// Whether the user knows what is waited for.
    told_of_wait: bool,
    calls: IdMap<ContextId, Call>,
    /// Contexts that have ended: something may still come for them.
    past: Past,
    alarms: BinaryHeap<Reverse<(Instant, ContextId, Alarm)>>,
    /// When the next request may be sent.
    next: Instant,
    started: Instant,
    totals: Totals,
    /// Cancels and hang-ups that were refused, where they are not told one by one.
    refused: u64,
    /// Calls and subscriptions that could not be ended, where they are not told one by one.
    unended: u64,
    /// The INVITEs that a peer has, and whose final response had no way to come; and 64·T1.
    unheard: BTreeMap<ContextId, Option<Duration>>,
    strays: u64,
    /// How often something was done to a message on purpose.
    impaired: u64,
}

impl<'o> Run<'o> {
    pub(super) fn new(plan: Plan, reporter: Reporter<'o>) -> Run<'o> {
        let now = Instant::now();
        Run {
            plan,
            reporter,
            phase: Phase::Running,
            interrupt: Interrupt::None,
            queue: VecDeque::new(),
            submitted: 0,
            open: 0,
            lingering: IdSet::default(),
            told_of_wait: false,
            calls: IdMap::default(),
            past: Past::default(),
            alarms: BinaryHeap::new(),
            next: now,
            started: now,
            totals: Totals::new(),
            refused: 0,
            unended: 0,
            unheard: BTreeMap::new(),
            strays: 0,
            impaired: 0,
        }
    }

    /// Runs to the end.
    pub(super) async fn run(
        mut self,
        engine: Engine,
        interrupts: &mut mpsc::Receiver<()>,
    ) -> (Outcome, Left) {
        let Engine { commands, mut events, task } = engine;
        let outlet = self.reporter.outlet();
        let mut left = Left::ByItself;
        loop {
            self.fill(Instant::now());
            self.hand_over(&commands);
            let rest = self.rest();
            let sleep = async {
                match rest.until {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                batch = events.recv() => {
                    let Some(batch) = batch else { break };
                    let mut stopped = false;
                    let mut notes = impaired::notes(&batch);
                    for (place, event) in batch.into_iter().enumerate() {
                        self.reporter.notes(notes.remove(&place).unwrap_or_default());
                        stopped |= self.event(event);
                    }
                    self.after_batch();
                    if stopped {
                        break;
                    }
                }
                permit = commands.reserve(), if !self.queue.is_empty() => {
                    match (permit, self.queue.pop_front()) {
                        (Ok(permit), Some(command)) => permit.send(command),
                        // The engine has gone; its last events say so.
                        _ => self.queue.clear(),
                    }
                }
                () = sleep => self.fire(Instant::now()),
                () = outlet.broke() => self.after_batch(),
                // There may be room for more requests.
                () = outlet.written(), if rest.is_crowded => {}
                Some(()) = interrupts.recv() => {
                    if self.interrupt != Interrupt::None {
                        task.abort();
                        left = Left::AtOnce;
                        break;
                    }
                    left = Left::Interrupted { at: Instant::now() };
                    self.interrupt = match self.is_settled() {
                        true => Interrupt::Waiting,
                        false => Interrupt::Working,
                    };
                    self.leave();
                }
            }
        }
        (self.finish(), left)
    }

    /// Takes one event; says whether it was the last.
    fn event(&mut self, event: Event) -> bool {
        match event {
            Event::Sip(sip::Event::Context(event)) => self.context_event(&event),
            // A plain run keeps no registration.
            Event::Sip(sip::Event::Registration(_)) => {}
            Event::Sip(sip::Event::Outside(outside)) if self.reporter.tells_events() => {
                self.reporter.outside(&outside);
            }
            Event::Sip(sip::Event::Outside(_)) => {}
            Event::Sip(sip::Event::Stray(stray)) if self.reporter.tells_events() => {
                self.reporter.stray(&stray);
            }
            Event::Sip(sip::Event::Stray(_)) => self.strays += 1,
            Event::Impaired { impaired, .. } => {
                self.impaired += 1;
                if self.reporter.tells_events() {
                    let (what, how) = (impaired.what(), impaired.how());
                    self.reporter.sentence(format_args!("{what} {how}; it belongs to no context"));
                }
            }
            Event::Impairing { impairments, .. } => {
                self.reporter.sentence(format_args!("messages are impaired: {impairments}"));
            }
            Event::Flow(event) => self.reporter.flow(&event),
            Event::PeerFlow(open) => self.reporter.peer_flow(&open),
            Event::Pong { .. }
            | Event::KeepAlive { .. }
            | Event::AsksPasswords(_)
            | Event::Password(_)
            | Event::Writing { .. }
            | Event::DialogWriting { .. } => {}
            Event::Refused(refusal) => self.refusal(&refusal),
            Event::Stopped => return true,
        }
        false
    }

    fn context_event(&mut self, event: &ContextEvent) {
        let id = event.context;
        if let Fact::Created(created) = &event.fact {
            self.calls.insert(id, Call::new(event.at, event.method.clone(), created));
            let alarms =
                [(self.plan.timeout, Alarm::GiveUp), (self.plan.cancel_after, Alarm::Cancel)];
            for (after, alarm) in alarms {
                if let (None, Some(after)) = (created.parent, after) {
                    self.alarms.push(Reverse((event.at + after, id, alarm)));
                }
            }
        }
        if matches!(event.fact, Fact::Absorbed { why: Absorbed::Late, .. }) && event.status.ended {
            self.totals.late += 1;
        }
        self.note_unheard(event);
        // Its own `Created` comes before everything else of a context.
        let Some(call) = self.calls.get_mut(&id) else { return self.past_event(event) };
        call.learn(event);
        self.reporter.event(event, call);
        self.reporter.beside_json(event);
        self.impaired += u64::from(matches!(event.fact, Fact::Impaired(_)));
        call.forget(event);
        match call.parent {
            None => self.root_event(event),
            Some(parent) => self.ends_not(parent, event),
        }
        if let Fact::Ended { .. } = event.fact
            && let Some(call) = self.calls.remove(&id)
            && self.reporter.tells_events()
        {
            self.past.keep(id, call);
        }
    }

    /// Something came for a context that has ended. It is told, and changes nothing, unless another
    /// fork accepts: that begins the context anew.
    fn past_event(&mut self, event: &ContextEvent) {
        let Some(call) = self.past.get_mut(event.context) else { return };
        call.learn(event);
        self.reporter.event(event, call);
        self.reporter.beside_json(event);
        if !event.status.ended
            && let Some(call) = self.past.take(event.context)
        {
            self.calls.insert(event.context, call);
            self.root_event(event);
        }
    }

    /// What an event means for a request that the user asked for.
    fn root_event(&mut self, event: &ContextEvent) {
        let (id, at) = (event.context, event.at);
        let Some(call) = self.calls.get_mut(&id) else { return };
        match &event.fact {
            Fact::Sent { .. } if call.sent.is_none() => {
                call.sent = Some(at);
                self.totals.sent += 1;
            }
            Fact::Unmatched { .. } => {
                call.unmatched = true;
                self.lingering.insert(id);
            }
            // Every leg that was up is over, and other forks still ring.
            Fact::Leg { .. } if event.status.state == State::HungUp && !call.early.is_empty() => {
                self.lingering.insert(id);
            }
            Fact::Cancel { .. } => call.cancelled = true,
            // The user agent hangs up by itself what nobody wants any more.
            Fact::Accepted { again: false, .. } | Fact::Leg { .. }
                if call.is_to_hang_up(event) && call.is_wanted() && !call.hang_up =>
            {
                call.hang_up = true;
                let after = self.plan.hangup_after.unwrap_or_default();
                self.alarms.push(Reverse((at + after, id, Alarm::HangUp)));
            }
            _ => {}
        }
        let Some(call) = self.calls.get_mut(&id) else { return };
        if let (Fact::Accepted { .. } | Fact::Rejected { .. }, Some(sent), false) =
            (&event.fact, call.sent, call.responded)
        {
            call.responded = true;
            self.totals.record(at.saturating_duration_since(sent));
        }
        if let (None, Some(outcome)) = (call.outcome, Outcome::of(&event.fact)) {
            call.outcome = Some(outcome);
            self.totals.count(outcome);
            self.totals.elapsed = at.saturating_duration_since(self.started);
        }
        let ends = matches!(event.fact, Fact::Ended { .. });
        if ends {
            self.lingering.remove(&id);
        }
        // The next one need not wait for what may never come.
        if ends || self.lingering.contains(&id) {
            self.settle(id);
        }
    }

    /// Whether every request is sent and has its outcome.
    fn is_settled(&self) -> bool {
        self.submitted == self.plan.count && self.open == 0
    }

    /// Nothing more is waited for on this context.
    fn settle(&mut self, id: ContextId) {
        if let Some(call) = self.calls.get_mut(&id)
            && !std::mem::replace(&mut call.settled, true)
        {
            self.open = self.open.saturating_sub(1);
        }
    }

    fn after_batch(&mut self) {
        self.reporter.flush();
        self.reporter.progress(Instant::now(), &self.totals, self.open, self.plan.count);
        let done = self.is_settled();
        let rests = done && self.lingering.is_empty() && !self.ends_a_leg();
        if rests || self.reporter.is_broken() {
            self.leave();
        } else if done && !std::mem::replace(&mut self.told_of_wait, true) {
            self.tell_of_wait();
        }
    }

    /// Whether a request that ends a leg waits for its own answer, or its own Timer F, though the
    /// leg is over: the peer has ended it at the same time.
    fn ends_a_leg(&self) -> bool {
        self.calls.values().any(|call| !call.is_root())
    }
}
