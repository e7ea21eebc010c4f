//! Legs: how they come to be, how many of them are kept, and how they end (RFC 3261 §12).

use std::time::Instant;

use super::UserAgent;
use crate::sip::{
    cause::Cause,
    context::ClientContext,
    dialog::Leg,
    event::{ContextId, Fact, LegState, State, TerminatedBy},
    message::Message,
    method::Method,
    status::StatusCode,
};

/// How many legs of one context are kept, those included that are over. A proxy that forks calls a
/// handful of telephones, a hunt group some tens of them; a peer that makes up tags would go on for
/// ever, and every leg is found by going through all.
pub(super) const LEGS: usize = 64;

/// How many legs more are there for a moment: a 2xx beyond [`LEGS`] is ACKed and hung up, and its leg
/// forgotten after its BYE.
const SURPLUS: usize = 16;

/// What is to become of the leg that a 2xx of a new To tag makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// It stays.
    Kept,
    /// It is hung up at once.
    Surplus,
    /// So many are being hung up that this 2xx has to wait for its retransmission.
    None,
}

impl ClientContext {
    /// Whether no further early dialog, nor one that a NOTIFY makes, is kept.
    pub(super) fn is_full(&self) -> bool {
        self.legs.len() >= LEGS
    }

    /// The leg of that tag that the INVITE under way has made.
    pub(super) fn leg_of_try(&mut self, tag: &str) -> Option<&mut Leg> {
        self.leg_mut(tag).filter(|leg| !leg.of_earlier_try)
    }

    /// Has a leg from now on, in the place of the one that an earlier try has left with its tag. There
    /// the CSeq numbers go on, for a peer that keeps its tag may keep its dialog too. `last` is the last
    /// context that there is.
    pub(super) fn begin_leg(&mut self, mut new: Leg, last: ContextId) {
        match self.leg_mut(&new.tag) {
            Some(leg) => {
                new.local_cseq = new.local_cseq.max(leg.local_cseq);
                new.after = last;
                *leg = new;
            }
            None => self.legs.push(new),
        }
    }

    /// What is to become of one leg more.
    pub(super) fn room(&self) -> Room {
        let most = LEGS + SURPLUS;
        if !self.is_full() {
            Room::Kept
        } else if self.legs.len() < most && (self.children as usize) < most {
            Room::Surplus
        } else {
            Room::None
        }
    }
}

impl UserAgent {
    pub(super) fn leg_mut(&mut self, id: ContextId, tag: &str) -> Option<&mut Leg> {
        self.contexts.get_mut(&id)?.leg_mut(tag)
    }

    /// Whether the request of a context is in the dialog of the leg that has that tag now, and not in
    /// the one that an earlier try of the INVITE had made with it.
    pub(super) fn is_of_leg(&mut self, id: ContextId, (owner, tag): (ContextId, &str)) -> bool {
        self.leg_mut(owner, tag).is_some_and(|leg| leg.after < id)
    }

    /// A provisional with a To tag makes an early dialog, or belongs to one (RFC 3261 §12.1).
    pub(super) fn early_leg(
        &mut self,
        now: Instant,
        id: ContextId,
        status: StatusCode,
        message: &Message,
    ) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        if context.method != Method::Invite || context.parent.is_some() {
            return;
        }
        let Some(new) = new_leg(context.message().as_ref(), message) else { return };
        if let Some(leg) = context.leg_of_try(&new.tag) {
            if leg.is_early() {
                leg.learn(message);
            }
            return;
        }
        let tag = new.tag.clone();
        if context.is_full() && context.leg_mut(&tag).is_none() {
            let detail = format!("{LEGS} legs are kept already: the {status} makes none");
            return self.tell_own(now, id, Fact::NoLeg { tag, detail });
        }
        context.begin_leg(new, ContextId(self.last_context));
        self.register_dialog(id);
        self.tell_own(now, id, Fact::Leg { tag, state: LegState::Early });
    }

    /// An INVITE goes out, maybe not for the first time: what counts for one transaction is counted anew
    /// (RFC 3262 §3: its sequence of RSeqs; §5: its offer and answer).
    pub(super) fn begin_try(&mut self, id: ContextId) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        match context.parent.clone() {
            Some((owner, tag)) => {
                if let Some(leg) = self.leg_mut(owner, &tag) {
                    leg.rseq = None;
                    leg.offer_answered = false;
                }
            }
            // RFC 3261 §12.1: its responses make dialogs of their own, whatever tags they have.
            None => {
                context.legs.iter_mut().for_each(|leg| leg.of_earlier_try |= leg.is_terminated());
            }
        }
    }

    /// A leg is over; the context with it, where it was the last one.
    pub(super) fn terminate_leg(
        &mut self,
        now: Instant,
        id: ContextId,
        tag: &str,
        by: TerminatedBy,
    ) {
        self.terminate_leg_because(now, id, tag, by, cause_of(by));
    }

    pub(super) fn terminate_leg_because(
        &mut self,
        now: Instant,
        id: ContextId,
        tag: &str,
        by: TerminatedBy,
        cause: Cause,
    ) {
        self.leg_is_over(now, id, tag, by, cause);
        self.end_if_done(now, id);
        self.forget_if_over(id);
    }

    /// Tells that a leg is over, and leaves the context be.
    fn leg_is_over(
        &mut self,
        now: Instant,
        id: ContextId,
        tag: &str,
        by: TerminatedBy,
        cause: Cause,
    ) {
        if self.leg_mut(id, tag).is_none_or(|leg| leg.is_terminated()) {
            return;
        }
        self.end_errands_of(now, id, tag);
        self.end_pracks(now, (id, tag), |_| true, "its leg is over");
        self.give_up_leg(now, id, tag);
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let is_room = context.legs.len() <= LEGS;
        let Some(leg) = context.leg_mut(tag) else { return };
        // RFC 5057 §4.2: what has made the dialog is over, and may not have been its only usage.
        let outlived = is_room && leg.is_up() && leg.subscriptions().iter().any(|it| it.by != id);
        match outlived {
            true => self.forget_subscription((id, tag), id),
            false => self.forget_subscriptions_of(id, tag),
        }
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let Some(leg) = context.leg_mut(tag) else { return };
        leg.state = LegState::Terminated { by };
        let state = leg.state.clone();
        let was_last = context.state == State::Accepted && context.legs_up() == 0;
        self.forget_answer(id, tag);
        self.forget_provisional(id, tag);
        let Some(context) = self.contexts.get_mut(&id) else { return };
        if was_last && context.method == Method::Invite {
            context.state = State::HungUp;
            // One that the peer may still hold says more than those which are over.
            let is_lost = context.legs.iter().any(Leg::is_lost);
            context.cause = Some(if is_lost { Cause::ConnectionError } else { cause });
        }
        let reinvite = context.leg_mut(tag).and_then(|leg| leg.reinvite.take());
        // What is kept of a leg that is over, so that nothing brings it back, is bounded too.
        if context.legs.len() > LEGS {
            context.legs.retain(|leg| &*leg.tag != tag);
            context.acks.retain(|ack| &*ack.tag != tag);
        }
        self.tell_own(now, id, Fact::Leg { tag: tag.into(), state });
        if outlived {
            self.subscriptions_outlive(now, id, tag);
        }
        reinvite.into_iter().for_each(|reinvite| self.forget_if_over(reinvite));
    }

    /// The early dialogs of an INVITE end with it (RFC 3261 §12.3, §13.2.2.3): every one of them is
    /// told before the end of the context is.
    pub(super) fn end_early_legs(&mut self, now: Instant, id: ContextId, by: TerminatedBy) {
        let Some(context) = self.contexts.get(&id) else { return };
        let early: Vec<Box<str>> =
            context.legs.iter().filter(|leg| leg.is_early()).map(|leg| leg.tag.clone()).collect();
        let none = early.is_empty();
        for tag in early {
            self.leg_is_over(now, id, &tag, by, cause_of(by));
        }
        if !none {
            self.end_if_done(now, id);
            self.forget_if_over(id);
        }
    }
}

/// The cause of a context whose last leg ended so: a dialog that no BYE has ended did not end with
/// one.
fn cause_of(by: TerminatedBy) -> Cause {
    match by {
        TerminatedBy::Local | TerminatedBy::Peer => Cause::Bye,
        TerminatedBy::Response(_) => Cause::SipFailureCode,
        TerminatedBy::Transport => Cause::ConnectionError,
        TerminatedBy::GivenUp | TerminatedBy::Expiry => Cause::RequestTimeout,
    }
}

/// The leg that a response to an INVITE makes.
pub(super) fn new_leg(invite: Option<&Message>, response: &Message) -> Option<Leg> {
    let invite = invite?;
    let request_uri = String::from_utf8_lossy(invite.request_uri_bytes());
    Leg::new(response, &request_uri, invite.cseq().ok()?.number)
}

/// A leg, and the INVITE that made it.
pub(super) fn leg_and_invite<'a>(
    context: &'a ClientContext,
    tag: &str,
) -> Option<(&'a Leg, Message)> {
    let leg = context.legs.iter().find(|leg| &*leg.tag == tag)?;
    Some((leg, context.message()?))
}
