//! Hanging up: a BYE for each leg that is up, each a context of its own (RFC 3261 §15).

use std::time::Instant;

use super::{
    HangUpError, UserAgent,
    sending::{as_uri, destination},
};
use crate::sip::{
    cause::Cause,
    compose::InDialog,
    context::{ClientContext, Waiting},
    dialog::Leg,
    event::{ContextId, Created, Fact, LegState, State, TerminatedBy},
    message::Message,
    method::Method,
    random::Branch,
    transport::Transport,
};

impl UserAgent {
    /// Sends a BYE on every leg that is up; each BYE is a context of its own.
    ///
    /// # Errors
    ///
    /// Where no leg is up; a sentence says why.
    pub fn hang_up(&mut self, now: Instant, id: ContextId) -> Result<(), HangUpError> {
        let Some(context) = self.contexts.get(&id) else {
            return Err(match self.remembered.get(&id) {
                Some((Method::Invite, state)) => HangUpError::NoLeg(state.as_str()),
                Some((method, _)) => HangUpError::NotInvite(method.clone()),
                None => HangUpError::Unknown(id),
            });
        };
        if context.method != Method::Invite {
            return Err(HangUpError::NotInvite(context.method.clone()));
        }
        if context.state.is_pending() {
            return Err(HangUpError::Pending);
        }
        let tags = context.confirmed_tags();
        if tags.is_empty() {
            return Err(match context.legs_up() {
                0 => HangUpError::NoLeg(context.state.as_str()),
                _ => HangUpError::HangingUp,
            });
        }
        for tag in tags {
            self.hang_up_leg(now, id, &tag);
        }
        Ok(())
    }

    fn hang_up_leg(&mut self, now: Instant, id: ContextId, tag: &str) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let flow = context.flow;
        let Some(invite) = context.message() else { return };
        let Some(leg) = context.leg_mut(tag) else { return };
        // RFC 3261 §12.2.1.1: each request in the dialog counts on.
        leg.local_cseq += 1;
        let bye = ContextId(self.last_context + 1);
        leg.state = LegState::HangingUp { bye };
        let text = |value: Option<&[u8]>| {
            value.map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
        };
        let created = Created {
            request_uri: as_uri(&leg.remote_target),
            local_identity: text(invite.header(crate::sip::HeaderName::From).map(|h| h.value))
                .into(),
            remote_identity: leg.remote_identity.clone(),
            call_id: invite.call_id().unwrap_or_default().into(),
            flow,
            transport: self.flows.flow(flow).map_or(Transport::Udp, |flow| flow.transport),
            parent: Some(id),
        };
        let state = leg.state.clone();
        self.tell_own(now, id, Fact::Leg { tag: tag.into(), state });
        self.create(now, Method::Bye, created, Some((id, tag.into())), Waiting::Bye);
    }

    /// Writes and sends the BYE of a leg.
    pub(super) fn send_bye(&mut self, now: Instant, id: ContextId, branch: Branch) {
        let Some((parent, tag)) = self.contexts.get(&id).and_then(|bye| bye.parent.clone()) else {
            return;
        };
        let Some(context) = self.contexts.get(&parent) else { return };
        let Some((transport, sent_by)) = self.address(context.flow) else { return };
        let Some((leg, invite)) = leg_and_invite(context, &tag) else { return };
        let route = InDialog::new(leg);
        let bytes = route.bye(leg, &invite, &self.sender(transport, &sent_by), branch);
        let to = destination(transport, &route);
        self.start(now, id, branch, to, bytes);
    }

    /// A BYE has its outcome, whatever it is: the leg is over (RFC 3261 §15.1.1).
    pub(super) fn bye_is_over(&mut self, now: Instant, id: ContextId, tag: &str) {
        self.terminate_leg(now, id, tag, TerminatedBy::Local);
    }

    /// A leg is over; the context with it, where it was the last one.
    pub(super) fn terminate_leg(
        &mut self,
        now: Instant,
        id: ContextId,
        tag: &str,
        by: TerminatedBy,
    ) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let Some(leg) = context.leg_mut(tag).filter(|leg| !leg.is_terminated()) else { return };
        leg.state = LegState::Terminated { by };
        let state = leg.state.clone();
        if context.state == State::Accepted && context.legs_up() == 0 {
            context.state = State::HungUp;
            context.cause = Some(Cause::Bye);
        }
        self.tell_own(now, id, Fact::Leg { tag: tag.into(), state });
        self.end_if_done(now, id);
        self.forget_if_over(id);
    }

    /// The early dialogs of an INVITE end with it (RFC 3261 §12.3, §13.2.2.3).
    pub(super) fn end_early_legs(&mut self, now: Instant, id: ContextId) {
        let Some(context) = self.contexts.get(&id) else { return };
        let early: Vec<Box<str>> = context
            .legs
            .iter()
            .filter(|leg| leg.state == LegState::Early)
            .map(|leg| leg.tag.clone())
            .collect();
        for tag in early {
            self.terminate_leg(now, id, &tag, TerminatedBy::Response);
        }
    }
}

/// A leg, and the INVITE that made it.
pub(super) fn leg_and_invite<'a>(
    context: &'a ClientContext,
    tag: &str,
) -> Option<(&'a Leg, Message)> {
    let leg = context.legs.iter().find(|leg| &*leg.tag == tag)?;
    Some((leg, context.message()?))
}
