//! How a context stands: its [`Status`], made anew for every event. Nothing of it is kept, so a
//! context that waits costs no memory for its timers.

use std::time::Instant;

use smallvec::SmallVec;

use super::{UserAgent, subscriptions, transactions::Key};
use crate::sip::{
    context::{ClientContext, Request},
    event::{ContextId, State, Status, Timer, TimerAt, TimerOf},
    message::Message,
    method::Method,
    transaction::ServerTransactionId,
};

/// How many timers a status names: a peer can make many run.
const TIMERS: usize = 16;

/// A timer that runs, and whose it is.
type Running = (Timer, Instant, Whose);

/// What a timer belongs to; it is named only where the timer is told.
#[derive(Clone, Copy, Debug)]
enum Whose {
    /// The context's own request, or the context itself.
    Own,
    /// Another request of ours.
    Ours(Key),
    /// A request of the peer.
    Served(ServerTransactionId),
    /// An INVITE of the peer with that number, whose answer is repeated by itself, on the leg with that
    /// place.
    Answered(u32, usize),
    /// What that context has subscribed to, on the leg with that place.
    Subscription(ContextId, usize),
}

impl UserAgent {
    pub(super) fn status(&self, id: ContextId, context: &ClientContext) -> Status {
        let own = context.branch().map(|branch| Key { branch, is_cancel: false });
        let attempts = match &context.request {
            Request::Sent { attempts, .. } => *attempts,
            Request::Waiting(_) | Request::Never => 0,
        };
        let entry = own.and_then(|key| self.transactions.entry(key));
        let left = entry.map_or(0, |entry| entry.transaction.attempts_left());
        let (timers, more_timers) = self.timers(id, context, own);
        Status {
            state: context.state,
            timers,
            more_timers,
            attempts,
            attempts_max: attempts.saturating_add(left),
            legs_up: u32::try_from(context.legs_up()).unwrap_or(u32::MAX),
            ended: context.ended.is_some(),
        }
    }

    /// The timers of all the transactions of a context, as [`Status::timers`] has them, and how many
    /// more there are.
    fn timers(
        &self,
        id: ContextId,
        context: &ClientContext,
        own: Option<Key>,
    ) -> (Box<[TimerAt]>, u32) {
        let cancel = own.map(|key| Key { is_cancel: true, ..key });
        let ours = own.into_iter().chain(cancel).chain(self.transactions.aside(id));
        let ours = ours.filter_map(|key| Some((key, self.transactions.entry(key)?)));
        let ours = ours.flat_map(|(key, entry)| {
            let whose = if Some(key) == own { Whose::Own } else { Whose::Ours(key) };
            let timers = entry.transaction.timers().into_iter().flatten();
            timers.map(move |(timer, at)| (timer, at, whose))
        });
        let waits = match context.state {
            State::Sent => None,
            // Once every leg is notified of, it fails nothing any more.
            _ if subscriptions::subscribes(&context.method) => {
                (context.legs.is_empty() || context.awaits_notify()).then_some(Timer::N)
            }
            State::Cancelling => Some(Timer::CancelWait),
            _ => None,
        };
        let waits = context.deadline.zip(waits).map(|(at, timer)| (timer, at, Whose::Own));
        let unacked = self.unacked.timers(id).chain(self.unpracked.timers(id));
        let place = |tag: &str| context.legs.iter().position(|leg| &*leg.tag == tag);
        let unacked = unacked.map(|(timer, at, cseq, tag)| {
            (timer, at, Whose::Answered(cseq, place(tag).unwrap_or(usize::MAX)))
        });
        let subscribed = context.legs.iter().enumerate().flat_map(|(place, leg)| {
            leg.subscriptions().iter().flat_map(move |it| {
                let whose = Whose::Subscription(it.by, place);
                it.deadlines().map(move |(timer, at)| (timer, at, whose))
            })
        });
        let mut running: SmallVec<[Running; 4]> =
            ours.chain(waits).chain(unacked).chain(subscribed).collect();
        // The peer decides how many there are of these: only the first can be among the named.
        let (served, all) = self.served_timers(id, TIMERS);
        let unseen = all - served.len();
        running
            .extend(served.into_iter().map(|(timer, at, whose)| (timer, at, Whose::Served(whose))));
        let more = running.len().saturating_sub(TIMERS);
        if more > 0 {
            running.sort_by_key(|(timer, at, _)| (timer.is_silent(), *at));
            running.truncate(TIMERS);
        }
        running.sort_by_key(|(_, at, _)| *at);
        let named = running.into_iter().map(|(timer, at, whose)| TimerAt {
            timer,
            at,
            of: self.name_of(id, whose).map(Box::new),
        });
        (named.collect(), u32::try_from(more + unseen).unwrap_or(u32::MAX))
    }

    /// The request of a client transaction, where that is not its context's own.
    pub(super) fn timer_of(&self, key: Key) -> Option<Box<TimerOf>> {
        let id = self.transactions.entry(key)?.context;
        let is_own = !key.is_cancel && self.contexts.get(&id)?.branch() == Some(key.branch);
        let whose = if is_own { Whose::Own } else { Whose::Ours(key) };
        self.name_of(id, whose).map(Box::new)
    }

    /// The request of a server transaction.
    pub(super) fn timer_of_served(&self, transaction: ServerTransactionId) -> Option<Box<TimerOf>> {
        let (id, _) = self.served.get(transaction)?.dialog.as_ref()?;
        self.name_of(*id, Whose::Served(transaction)).map(Box::new)
    }

    fn name_of(&self, id: ContextId, whose: Whose) -> Option<TimerOf> {
        let (method, cseq, of_peer, tag) = match whose {
            Whose::Own => return None,
            Whose::Ours(key) => {
                let entry = self.transactions.entry(key)?;
                let request = Message::read(entry.transaction.request().clone()).ok();
                // RFC 3261 §9.1: there is one CANCEL, with the number of its INVITE.
                let request = request.filter(|_| !key.is_cancel);
                let cseq = request.as_ref().and_then(|it| it.cseq().ok().map(|cseq| cseq.number));
                let to = request.as_ref().and_then(|it| it.to().ok());
                let tag = to.and_then(|to| to.tag().map(Box::from));
                (entry.method.clone(), cseq, false, tag)
            }
            Whose::Served(transaction) => {
                let request = self.served.get(transaction)?;
                let tag = request.dialog.as_ref().map(|(_, tag)| tag.clone());
                (request.method.clone(), Some(request.cseq), true, tag)
            }
            Whose::Answered(cseq, place) => {
                let tag = self.contexts.get(&id)?.legs.get(place).map(|leg| leg.tag.clone());
                (Method::Invite, Some(cseq), true, tag)
            }
            Whose::Subscription(by, place) => {
                let tag = self.contexts.get(&id)?.legs.get(place)?.tag.clone();
                if by == id {
                    return Some(TimerOf::Leg(tag));
                }
                let request = self.contexts.get(&by)?.message()?;
                (request.method()?, Some(request.cseq().ok()?.number), false, Some(tag))
            }
        };
        // With one leg there is nothing to tell apart.
        let leg = tag.filter(|_| self.contexts.get(&id).is_some_and(|it| it.legs.len() > 1));
        Some(TimerOf::Request { method, cseq, of_peer, leg })
    }
}
