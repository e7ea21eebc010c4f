//! What is remembered of one context while it is under way.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use crate::{
    headless::outcome::Outcome,
    sip::{
        Absorbed, ContextEvent, ContextId, Created, Fact, FlowId, IdMap, LegState, Method,
        RedirectTarget, State, Transport,
    },
};

/// A 3xx that is being followed.
#[derive(Debug)]
pub(super) struct Redirect {
    /// Its status; that of the rejection that sends the request on to a further contact.
    pub(super) status: u16,
    /// The contacts of the 3xx, the most wanted first.
    pub(super) contacts: Vec<RedirectTarget>,
}

/// A context that is under way.
#[derive(Debug)]
pub(super) struct Call {
    /// When it was created; the zero of its `t`.
    pub(super) created: Instant,
    /// Its own method, whatever its transactions' are.
    pub(super) method: Method,
    /// The flow that it rides on; none yet where its server is being looked up.
    pub(super) flow: Option<FlowId>,
    /// That flow's transport.
    pub(super) transport: Transport,
    /// For a BYE in another context's dialog: that context.
    pub(super) parent: Option<ContextId>,
    /// When its request was sent first.
    pub(super) sent: Option<Instant>,
    /// Whether a final response has come.
    pub(super) responded: bool,
    /// How it ended, once that is known.
    pub(super) outcome: Option<Outcome>,
    /// Whether nothing that comes back can be matched to it: it ends by itself.
    pub(super) unmatched: bool,
    /// Whether a cancel is under way.
    pub(super) cancelled: bool,
    /// Whether nothing more is waited for: it ended, or was given up.
    pub(super) settled: bool,
    /// The final status that answered its CANCEL.
    pub(super) cancel_status: Option<u16>,
    /// How many responses came too late to change anything.
    pub(super) late: u32,
    /// The redirect that its request is about to follow.
    pub(super) redirect: Option<Redirect>,
    /// Why each place that was tried before did not do, by the method that is to go elsewhere.
    pub(super) passed_over: Vec<(Method, Arc<str>)>,
    /// Whether its INVITE, as it was sent last, has got a provisional: the peer has it.
    pub(super) rang: bool,
    /// How many legs are up.
    pub(super) legs_up: u32,
    /// The To tags of the legs that are early.
    pub(super) early: Vec<Box<str>>,
    /// Whether a hang-up is scheduled or on its way: it takes every leg that is up by then.
    pub(super) hang_up: bool,
    /// The legs that are being ended.
    ending: Vec<Ending>,
}

/// A leg that is being ended.
#[derive(Debug)]
struct Ending {
    tag: Box<str>,
    /// The context of what ends it.
    by: ContextId,
    /// Whether it counts among those that are up.
    is_up: bool,
}

impl Call {
    pub(super) fn new(at: Instant, method: Method, created: &Created) -> Call {
        Call {
            created: at,
            method,
            flow: created.flow,
            transport: created.transport,
            parent: created.parent,
            sent: None,
            responded: false,
            outcome: None,
            unmatched: false,
            cancelled: false,
            settled: false,
            cancel_status: None,
            late: 0,
            redirect: None,
            passed_over: Vec::new(),
            rang: false,
            legs_up: 0,
            early: Vec::new(),
            hang_up: false,
            ending: Vec::new(),
        }
    }

    /// Takes what later events are told with.
    pub(super) fn learn(&mut self, event: &ContextEvent) {
        self.legs_up = event.status.legs_up;
        if let Fact::Leg { tag, state } = &event.fact {
            let is_up = !self.early.contains(tag);
            self.early.retain(|early| early != tag);
            self.ending.retain(|ending| ending.tag != *tag);
            match state {
                LegState::Early => self.early.push(tag.clone()),
                LegState::HangingUp { bye } => {
                    self.ending.push(Ending { tag: tag.clone(), by: *bye, is_up });
                }
                LegState::Confirmed | LegState::Terminated { .. } => {}
            }
        }
        match &event.fact {
            Fact::Redirected { response, followed } => {
                let status = response.status.code();
                self.redirect = Some(Redirect { status, contacts: followed.targets.clone() });
            }
            Fact::PassedOver { why, .. } => {
                self.passed_over.push((event.method.clone(), Arc::clone(why)));
            }
            Fact::Sent { .. } | Fact::Progress(_) if event.method == Method::Invite => {
                self.rang = matches!(event.fact, Fact::Progress(_));
            }
            Fact::CancelAnswered(response) => self.cancel_status = Some(response.status.code()),
            Fact::Absorbed { why: Absorbed::Late, .. } => self.late += 1,
            _ => {}
        }
        // An ACK or PRACK may go elsewhere.
        if let Fact::Trying(trial) = &event.fact
            && event.method == self.method
        {
            self.flow = Some(trial.flow);
            self.transport = trial.candidate().transport;
        }
    }

    /// What was told with this event is not told again.
    pub(super) fn forget(&mut self, event: &ContextEvent) {
        if matches!(event.fact, Fact::Sent { .. } | Fact::Acked { .. }) {
            self.passed_over.retain(|(method, _)| *method != event.method);
        }
        if matches!(event.fact, Fact::Sent { .. }) && event.method == self.method {
            self.redirect = None;
        }
    }

    /// Whether an event is the one that a call is hung up after: its 2xx, or of a subscription the leg
    /// that its 2xx announces.
    pub(super) fn is_to_hang_up(&self, event: &ContextEvent) -> bool {
        match event.fact {
            Fact::Accepted { again: false, .. } => event.status.legs_up > 0,
            Fact::Leg { .. } if self.method != Method::Invite => {
                event.status.state == State::Accepted && self.can_hang_up()
            }
            _ => false,
        }
    }

    /// Whether a call that comes up is the user's, and not one that was cancelled, or that had failed.
    pub(super) fn is_wanted(&self) -> bool {
        !self.cancelled && self.outcome.is_none_or(|outcome| outcome == Outcome::Accepted)
    }

    /// Whether it has a leg that is up and not being ended already, or a subscription that waits for its
    /// first NOTIFY.
    pub(super) fn can_hang_up(&self) -> bool {
        let ending = self.ending.iter().filter(|ending| ending.is_up).count();
        self.legs_up as usize > ending || (self.method != Method::Invite && !self.early.is_empty())
    }

    /// Whether one of its legs is over only with what that context sends: the peer has not ended it.
    pub(super) fn is_ended_by(&self, bye: ContextId) -> bool {
        self.ending.iter().any(|ending| ending.by == bye)
    }

    /// Whether the user asked for it, and not the end of another context's leg.
    pub(super) fn is_root(&self) -> bool {
        self.parent.is_none()
    }
}

/// The contexts that have ended, the latest of them: what still comes for them is told.
#[derive(Debug, Default)]
pub(super) struct Past {
    calls: IdMap<ContextId, Call>,
    order: VecDeque<ContextId>,
}

impl Past {
    pub(super) fn keep(&mut self, id: ContextId, call: Call) {
        if self.calls.insert(id, call).is_none() {
            self.order.push_back(id);
        }
        if self.order.len() > PAST
            && let Some(oldest) = self.order.pop_front()
        {
            self.calls.remove(&oldest);
        }
    }

    pub(super) fn get_mut(&mut self, id: ContextId) -> Option<&mut Call> {
        self.calls.get_mut(&id)
    }

    /// Its place in the order stays: it will come back.
    pub(super) fn take(&mut self, id: ContextId) -> Option<Call> {
        self.calls.remove(&id)
    }
}

/// How many contexts that have ended are remembered: at a thousand a second, longer than anything
/// that belongs to them can come.
const PAST: usize = 50_000;
