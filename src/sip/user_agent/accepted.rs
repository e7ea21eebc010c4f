//! What a 2xx does: to any request, and to an INVITE, whose every 2xx is ACKed on its own leg
//! (RFC 3261 §13.2.2.4).

use std::time::Instant;

use super::{
    DialogKey, ExtraLegs, UserAgent,
    legs::{LEGS, Room, new_leg},
};
use crate::sip::{
    cause::Cause,
    compose,
    context::{Cancel, Wanted},
    event::{ContextId, Fact, FlowId, LegState, State, TerminatedBy},
    message::{Essentials, Message},
    method::Method,
    name::HeaderName,
    sdp::{self, Described},
    status::StatusCode,
};

impl UserAgent {
    pub(super) fn accepted(
        &mut self,
        now: Instant,
        id: ContextId,
        status: StatusCode,
        message: &Message,
    ) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        context.state = State::Accepted;
        context.cause = Some(Cause::Accepted);
        let (method, parent) = (context.method.clone(), context.parent.clone());
        let response = compose::response(message, status);
        let subscription = self.subscribed(now, id, message);
        self.subscription_granted(now, id, message);
        self.tell_own(now, id, Fact::Accepted { response, again: false });
        if let Some(tag) = subscription {
            self.tell_own(now, id, Fact::Leg { tag: tag.clone(), state: LegState::Early });
            self.look_at_hops(now, id, (id, &tag), message);
        }
        // RFC 3311 §5.1, RFC 6665 §4.4.1: these refresh the target.
        if let Some((parent, tag)) = parent
            && self.is_of_leg(id, (parent, &tag))
        {
            if matches!(method, Method::Update | Method::Subscribe) {
                self.refresh_target((parent, &tag), message);
                self.look_at_hops(now, id, (parent, &tag), message);
                self.offer_was_taken(id, parent, &tag);
            }
            self.subscription_refreshed(now, id, (parent, &tag), message);
        }
        self.finish(now, id, Some(status));
        self.register_accepted(now, id, message);
    }

    /// Each 2xx, from every fork, and each of its retransmissions is ACKed (RFC 3261 §13.2.2.4).
    pub(super) fn invite_accepted(
        &mut self,
        now: Instant,
        id: ContextId,
        status: StatusCode,
        message: &Message,
    ) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        // RFC 3261 §12.1.2: a missing tag is a null tag.
        // A re-INVITE belongs to one leg, whatever tag its 2xx has.
        let tag: Box<str> = match &context.parent {
            Some((_, leg)) => leg.clone(),
            None => message.to().ok().and_then(|to| to.tag()).unwrap_or_default().into(),
        };
        if let Some(ack) = context.acks.iter().find(|ack| ack.tag == tag).cloned() {
            let response = compose::response(message, status);
            self.tell_own(now, id, Fact::Accepted { response, again: true });
            return self.ack_again(now, id, ack, status, message);
        }
        match context.parent.clone() {
            None => self.leg_accepted(now, id, &tag, status, message),
            Some((parent, leg)) => {
                self.reinvite_accepted(now, id, (parent, &leg), status, message);
            }
        }
    }

    /// A 2xx that is repeated after Timer M has ended its transaction: as long as its leg is up, the
    /// UAC core ACKs it all the same (RFC 3261 §13.2.2.4). Gives whether it is one.
    pub(super) fn is_2xx_of_a_leg(
        &mut self,
        now: Instant,
        flow: FlowId,
        status: StatusCode,
        message: &Message,
    ) -> bool {
        let Ok(Essentials { via, cseq, .. }) = message.essentials() else { return false };
        if !status.is_success()
            || cseq.method != "INVITE"
            || !self.flows.is_sent_by(flow, &via)
            || message.list(HeaderName::Via).nth(1).is_some()
            || message
                .bytes()
                .get(..8)
                .is_none_or(|version| !version.eq_ignore_ascii_case(b"SIP/2.0 "))
        {
            return false;
        }
        let Some(key) = DialogKey::of_ours(message) else { return false };
        let tag = message.to().ok().and_then(|to| to.tag().map(Box::<str>::from));
        let tag = tag.unwrap_or_default();
        let answers = |id: &ContextId| {
            let Some(context) = self.contexts.get(id) else { return false };
            let invite = context.message().filter(|_| context.method == Method::Invite);
            invite.is_some_and(|invite| {
                let same_try = invite.cseq().is_ok_and(|sent| sent.number == cseq.number);
                let sent = invite.via().ok().and_then(|via| via.branch().map(str::to_owned));
                same_try && sent.as_deref() == via.branch()
            })
        };
        // Of the INVITE that made the leg, or of the last one in its dialog.
        let of_leg = |id: ContextId| {
            let legs = self.contexts.get(&id).into_iter().flat_map(|context| &context.legs);
            let leg = legs.into_iter().find(|leg| leg.tag == tag && leg.is_up())?;
            [Some(id), leg.reinvite].into_iter().flatten().find(answers)
        };
        let Some(id) = self.dialogs.contexts(&key).find_map(of_leg) else { return false };
        self.invite_accepted(now, id, status, message);
        true
    }

    /// The first 2xx of a To tag makes its leg, or confirms it.
    fn leg_accepted(
        &mut self,
        now: Instant,
        id: ContextId,
        tag: &str,
        status: StatusCode,
        message: &Message,
    ) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let Some(mut new) = new_leg(context.message().as_ref(), message) else { return };
        let room = match context.legs.iter().any(|leg| &*leg.tag == tag) {
            true => Room::Kept,
            false => context.room(),
        };
        if room == Room::None && !context.state.is_pending() {
            let flow = context.flow;
            let problem = format!(
                "a {status} to the INVITE of #{id} from one fork more is not ACKed now: {LEGS} legs are kept, and others are being hung up"
            );
            return self.stray(now, flow, message.bytes().clone(), problem);
        }
        let mut was_hung_up = false;
        match context.leg_of_try(tag) {
            Some(leg) => {
                // RFC 3261 §15: what either side has hung up while it was early is not wanted.
                was_hung_up = matches!(
                    leg.state,
                    LegState::HangingUp { .. }
                        | LegState::Terminated { by: TerminatedBy::Peer | TerminatedBy::Local }
                );
                leg.learn(message);
                leg.confirm();
            }
            None => {
                new.confirm();
                context.begin_leg(new, ContextId(self.last_context));
            }
        }
        if let (Some(invite), Some(leg)) = (context.message(), context.leg_mut(tag)) {
            leg.described.get_or_insert_with(|| Box::new(Described::by(&invite)));
        }
        let is_extra = context.legs_up() > 1;
        // Nobody but its connection had ended the INVITE: what was cancelled was not the call.
        let was_forsaken =
            context.state == State::Failed && context.cause == Some(Cause::ConnectionError);
        if was_forsaken {
            context.cancel = Cancel::No;
            self.forsaken.remove(&id);
        }
        context.cause = Some(Cause::Accepted);
        context.state = State::Accepted;
        // A late fork brings a context back that had ended with its other legs.
        if context.ended.take().is_some() {
            self.open_calls += 1;
        }
        self.register_dialog(id);
        let response = compose::response(message, status);
        self.tell_own(now, id, Fact::Accepted { response, again: false });
        self.tell_own(now, id, Fact::Leg { tag: tag.into(), state: LegState::Confirmed });
        self.look_at_hops(now, id, (id, tag), message);
        self.ack_2xx(now, id, (id, tag), status, message);
        self.cancel_was_crossed(now, id, status);
        let unwanted = self.contexts.get(&id).is_some_and(|context| context.wanted != Wanted::Yes);
        if was_forsaken {
            let detail = format!(
                "the INVITE had failed with its connection before the {status} came: it is to be acknowledged and hung up (RFC 3261 §13.2.2.4)"
            );
            self.tell_own(now, id, Fact::Unwanted { tag: tag.into(), detail });
        }
        if room != Room::Kept && !unwanted {
            let detail = format!("{LEGS} legs are kept already: this one is hung up");
            self.tell_own(now, id, Fact::Unwanted { tag: tag.into(), detail });
        }
        if unwanted
            || room != Room::Kept
            || was_hung_up
            || (is_extra && self.settings.extra_legs == ExtraLegs::HangUp)
        {
            // Refused where the cancel has hung it up already.
            let _ = self.hang_up_leg(now, id, tag);
        }
    }

    /// A 2xx to a re-INVITE changes the session and refreshes the target (RFC 3261 §14.1).
    fn reinvite_accepted(
        &mut self,
        now: Instant,
        id: ContextId,
        (parent, tag): (ContextId, &str),
        status: StatusCode,
        message: &Message,
    ) {
        self.refresh_target((parent, tag), message);
        self.offer_was_taken(id, parent, tag);
        let Some(context) = self.contexts.get_mut(&id) else { return };
        context.state = State::Accepted;
        context.cause = Some(Cause::Accepted);
        let crossed = context.is_cancelled();
        if crossed {
            context.cancel = Cancel::Sent { over: true };
        }
        let response = compose::response(message, status);
        self.tell_own(now, id, Fact::Accepted { response, again: false });
        self.tell_foreign_tag(now, id, tag, status, message);
        self.look_at_hops(now, id, (parent, tag), message);
        self.ack_2xx(now, id, (parent, tag), status, message);
        if let Some(leg) = self.leg_mut(parent, tag).filter(|leg| leg.is_up()) {
            let before = leg.reinvite.replace(id);
            before.into_iter().for_each(|before| self.forget_if_over(before));
        }
        if crossed {
            let detail =
                format!("a {status} crossed the CANCEL: the session has changed all the same");
            self.tell(now, id, Method::Cancel, Fact::CancelCrossed { detail });
        }
        self.finish(now, id, Some(status));
    }

    /// A 2xx in a dialog that names another To tag than the dialog has, or none: its branch says what it
    /// answers, and it makes no dialog.
    fn tell_foreign_tag(
        &mut self,
        now: Instant,
        id: ContextId,
        tag: &str,
        status: StatusCode,
        message: &Message,
    ) {
        let theirs = message.to().ok().and_then(|to| to.tag().map(Box::<str>::from));
        let theirs = theirs.unwrap_or_default();
        // A dialog of RFC 2543 has none, and the 2xx to a request without one gets one (§8.2.6.2).
        if *theirs != *tag && !tag.is_empty() {
            let names = match theirs.is_empty() {
                true => "has no To tag and ",
                false => "",
            };
            let detail = format!(
                "the {status} {names}answers a request in the dialog with the tag {tag}, which it should name (RFC 3261 §8.2.6.2, §12.2.1.2): the dialog keeps its own"
            );
            self.tell_own(now, id, Fact::NoLeg { tag: theirs, detail });
        }
    }

    /// What a request of ours in the dialog has described is our side of the session now.
    fn offer_was_taken(&mut self, id: ContextId, owner: ContextId, tag: &str) {
        let sent = self.contexts.get(&id).and_then(|context| context.message());
        if let Some(sent) = sent.filter(|sent| sdp::body(sent).is_some()) {
            self.described(owner, tag).offer(&sent);
        }
    }
}
