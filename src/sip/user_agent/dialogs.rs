//! Requests in the dialog of a leg, each a client context of its own: the BYE that hangs up
//! (RFC 3261 §15), and whatever else the user sends there (§12.2).

use std::time::Instant;

use super::{
    FailedByes, HangUpError, UserAgent,
    address::destination,
    legs::{LEGS, leg_and_invite},
    sending::{For, as_uri},
    subscriptions::subscribes,
};
use crate::sip::{
    cause::Cause,
    compose::InDialog,
    context::{Waiting, Wanted},
    dialog::{CSEQ_SPENT, Leg},
    event::{ContextId, Created, Fact, LegState, State, TerminatedBy},
    header::Reason,
    method::Method,
    name::HeaderName,
    random::Branch,
    request::{DialogRequest, ExtraHeader},
    status::StatusCode,
    transport::Transport,
};

impl UserAgent {
    /// Sends a BYE on every leg that is up; each BYE is a context of its own.
    ///
    /// # Errors
    ///
    /// Where no leg is up; a sentence says why.
    pub fn hang_up(&mut self, now: Instant, id: ContextId) -> Result<(), HangUpError> {
        let tags = self.confirmed_legs(id)?;
        if let Some(context) = self.contexts.get_mut(&id) {
            context.want_none();
        }
        for tag in tags {
            self.hang_up_leg_now(now, id, &tag, DialogRequest::new(Method::Bye));
        }
        Ok(())
    }

    /// [`UserAgent::hang_up_leg`] for the peer's silence, which the BYE names (RFC 3326).
    pub(super) fn hang_up_leg_because(
        &mut self,
        now: Instant,
        id: ContextId,
        tag: &str,
        why: &str,
    ) -> Result<(), HangUpError> {
        self.confirmed_leg(id, tag)?;
        let reason = Reason { cause: 408, text: why.to_owned() }.to_string();
        let headers = ExtraHeader::new(HeaderName::Reason.as_str(), &reason).into_iter().collect();
        let bye = DialogRequest { headers, ..DialogRequest::new(Method::Bye) };
        self.hang_up_leg_now(now, id, tag, bye);
        Ok(())
    }

    /// Sends a BYE on the leg with that To tag. On an early leg it ends that one dialog, and the INVITE
    /// goes on (RFC 3261 §15).
    ///
    /// # Errors
    ///
    /// Where that leg is neither early nor up; a sentence says why.
    pub fn hang_up_leg(
        &mut self,
        now: Instant,
        id: ContextId,
        tag: &str,
    ) -> Result<(), HangUpError> {
        if self.early_leg_of(id, Some(tag)).is_none() {
            self.confirmed_leg(id, tag)?;
        }
        self.hang_up_leg_now(now, id, tag, DialogRequest::new(Method::Bye));
        Ok(())
    }

    /// The leg of that tag, where it is up and not being hung up.
    pub(super) fn confirmed_leg(&self, id: ContextId, tag: &str) -> Result<Box<str>, HangUpError> {
        let tags = match self.confirmed_legs(id) {
            Err(HangUpError::Pending) => Vec::new(),
            tags => tags?,
        };
        let found = tags.into_iter().find(|confirmed| &**confirmed == tag);
        found.ok_or_else(|| self.no_such_leg(id, tag))
    }

    fn no_such_leg(&self, id: ContextId, tag: &str) -> HangUpError {
        let legs = self.contexts.get(&id).into_iter().flat_map(|context| &context.legs);
        let mut there = Vec::new();
        for leg in legs {
            let stands = match leg.state {
                LegState::Early => "early",
                LegState::Confirmed => "up",
                LegState::HangingUp { .. } if &*leg.tag == tag => return HangUpError::HangingUp,
                LegState::HangingUp { .. } => "being hung up",
                LegState::Terminated { .. } => continue,
            };
            there.push(format!("{} ({stands})", leg.tag));
        }
        match there.is_empty() {
            true => HangUpError::Pending,
            false => HangUpError::NoSuchLeg { tag: tag.to_owned(), there: there.join(", ") },
        }
    }

    pub(super) fn confirmed_legs(&self, id: ContextId) -> Result<Vec<Box<str>>, HangUpError> {
        let Some(context) = self.contexts.get(&id) else {
            return Err(match self.remembered.get(&id) {
                Some((Method::Invite | Method::Subscribe | Method::Refer, state)) => {
                    HangUpError::NoLeg(state.as_str())
                }
                Some((method, _)) => HangUpError::NotInvite(method.clone()),
                None => HangUpError::Unknown(id),
            });
        };
        let makes_dialogs = context.method == Method::Invite || subscribes(&context.method);
        if !makes_dialogs || context.parent.is_some() {
            return Err(HangUpError::NotInvite(context.method.clone()));
        }
        if context.state.is_pending() {
            return Err(HangUpError::Pending);
        }
        let tags = context.confirmed_tags();
        let is_ending = |leg: &Leg| matches!(leg.state, LegState::HangingUp { .. });
        match tags.is_empty() {
            false => Ok(tags),
            true if context.legs.iter().any(is_ending) => Err(HangUpError::HangingUp),
            true if self.is_forsaken(id) => Err(HangUpError::Forsaken),
            true => Err(HangUpError::NoLeg(context.state.as_str())),
        }
    }

    /// What ends the dialog of a leg: the BYE, or for a subscription what ends that, with the headers
    /// of the BYE.
    pub(super) fn hang_up_leg_now(
        &mut self,
        now: Instant,
        id: ContextId,
        tag: &str,
        bye: DialogRequest,
    ) {
        let child = ContextId(self.last_context + 1);
        let Some(leg) = self.leg_mut(id, tag) else { return };
        leg.state = LegState::HangingUp { bye: child };
        let state = leg.state.clone();
        self.tell_own(now, id, Fact::Leg { tag: tag.into(), state });
        let request = match self.ending_of(id) {
            None => bye,
            Some(mut ending) => {
                ending.headers.extend(bye.headers);
                DialogRequest { branch: bye.branch, ..ending }
            }
        };
        self.create_in_dialog(now, id, tag, request);
    }

    /// What ends a dialog that no INVITE has made, instead of a BYE.
    pub(super) fn ending_of(&self, id: ContextId) -> Option<DialogRequest> {
        let is_invite = self.contexts.get(&id).is_some_and(|c| c.method == Method::Invite);
        (!is_invite).then(|| self.unsubscribe(id))
    }

    pub(super) fn create_in_dialog(
        &mut self,
        now: Instant,
        id: ContextId,
        tag: &str,
        request: DialogRequest,
    ) -> ContextId {
        let method = request.method.clone();
        if let Some(leg) = self.leg_mut(id, tag) {
            leg.invite_pending |= method == Method::Invite;
            leg.update_pending |= method == Method::Update && !request.body.is_empty();
        }
        let Some(context) = self.contexts.get(&id) else { return id };
        let flow = context.flow;
        let sender = For {
            method,
            credentials: context.credentials.clone(),
            profile: context.profile.clone(),
        };
        let Some((leg, invite)) = leg_and_invite(context, tag) else { return id };
        // RFC 3261 §12.2.1.1: the route set, or else the remote target, says where it goes.
        let hop = match self.hop_of_leg(context, flow, leg) {
            // RFC 3261 §13.2.2.4, §15: what has been acknowledged must be ended, and where its hop is in
            // the clear the INVITE's own flow is the way that the ACK took.
            Err(_) if matches!(leg.state, LegState::HangingUp { .. }) => Ok(None),
            hop => hop,
        };
        let from = invite.header(HeaderName::From).map(|header| header.value);
        let created = Created {
            request_uri: as_uri(&leg.remote_target),
            local_identity: String::from_utf8_lossy(from.unwrap_or_default()).into(),
            remote_identity: leg.remote_identity.clone(),
            call_id: invite.call_id().unwrap_or_default().into(),
            flow: matches!(hop, Ok(None)).then_some(flow),
            transport: self.flows.flow(flow).map_or(Transport::Udp, |flow| flow.transport),
            parent: Some(id),
            account: sender.profile.as_ref().map(|profile| profile.name.clone()),
            registration: None,
        };
        let waiting = Waiting::InDialog(Box::new(request));
        let child = self.create(now, created, sender, Some((id, tag.into())), waiting);
        match hop {
            Ok(None) => {}
            Ok(Some(hop)) => self.ask_to_follow(now, child, flow, hop),
            Err(error) => {
                let detail = error.to_string();
                self.fail(now, child, State::Failed, Cause::InternalError, detail);
                self.forget_if_over(child);
            }
        }
        child
    }

    /// Writes and sends a request in the dialog of a leg.
    pub(super) fn send_in_dialog(
        &mut self,
        now: Instant,
        id: ContextId,
        branch: Branch,
        request: &DialogRequest,
    ) {
        let Some(child) = self.contexts.get(&id) else { return };
        let (flow, parent) = (child.flow, child.parent.clone());
        let Some((parent, tag)) = parent else { return };
        if self.leg_mut(parent, &tag).is_some_and(|leg| leg.count().is_none()) {
            let detail = format!("not sent: {CSEQ_SPENT}");
            return self.fail(now, id, State::Failed, Cause::InternalError, detail);
        }
        let Some(context) = self.contexts.get(&parent) else { return };
        let Some((transport, sent_by)) = self.address(flow) else { return };
        let Some((leg, invite)) = leg_and_invite(context, &tag) else { return };
        let route = InDialog::new(leg);
        let sender = self.sender(context, transport, &sent_by);
        let place = (&*leg.remote_identity, leg.local_cseq);
        let bytes = route.request(place, &invite, &sender, branch, request);
        // A flow of its own leads there already.
        let to = destination(transport, &route).filter(|_| flow == context.flow);
        let bytes = self.authorize_ahead(now, id, bytes);
        self.start_or_switch(now, id, branch, to, bytes);
    }

    /// A request in a dialog has its outcome: what that means for the dialog.
    pub(super) fn in_dialog_is_over(
        &mut self,
        now: Instant,
        id: ContextId,
        (parent, tag): (ContextId, Box<str>),
        method: &Method,
        outcome: Option<StatusCode>,
        unanswered: Option<Unanswered>,
    ) {
        if !self.is_of_leg(id, (parent, &tag)) {
            return;
        }
        if let Some(leg) = self.leg_mut(parent, &tag) {
            leg.invite_pending &= *method != Method::Invite;
            leg.update_pending &= *method != Method::Update;
        }
        if *method == Method::Subscribe && self.is_hung_up_by(id, parent, &tag) {
            return self.unsubscribed(now, parent, &tag, outcome);
        }
        if subscribes(method) && !outcome.is_some_and(|status| status.is_success()) {
            self.subscription_refused(now, id, (parent, &tag));
        }
        match (method, outcome) {
            // It was for an early dialog, whose 2xx has crossed it, or whose INVITE has gone out again.
            (Method::Bye, _) if !self.is_hung_up_by(id, parent, &tag) => {}
            (Method::Bye, _) => self.bye_is_over(now, (parent, &tag), outcome, unanswered),
            // RFC 3261 §12.2.1.2: the peer knows no such dialog.
            (_, Some(status)) if status.code() == 481 => {
                self.terminate_leg(now, parent, &tag, TerminatedBy::Response(status));
            }
            // RFC 5057 §5.2: it is over, or never came to be, what they are for: that is nothing to what
            // else the dialog is used for, as RFC 3261 §12.2.1.2 would have it of every request.
            (Method::Subscribe | Method::Refer, None) => {}
            (Method::Subscribe | Method::Refer, Some(status)) if status.code() == 408 => {}
            // RFC 3261 §8.1.3.1: as a 503, which ends a request and not its dialog (RFC 5057 §5.1).
            (_, None) if unanswered == Some(Unanswered::Undelivered(Cause::ConnectionError)) => {}
            // RFC 3261 §12.2.1.2: nobody answers, so the dialog should be ended.
            (_, Some(status)) if status.code() == 408 => _ = self.hang_up_leg(now, parent, &tag),
            (_, None) if unanswered.is_some() => _ = self.hang_up_leg(now, parent, &tag),
            _ => {}
        }
    }

    /// What a BYE has come to.
    fn bye_is_over(
        &mut self,
        now: Instant,
        (id, tag): (ContextId, &str),
        outcome: Option<StatusCode>,
        unanswered: Option<Unanswered>,
    ) {
        // RFC 3261 §15.1.1: the session is over for us since the BYE went to its client transaction,
        // whatever becomes of that; a 481, a 408 or no answer ends the dialog too, as a 2xx does. Any
        // other answer leaves the dialog there, and so does a BYE that could not be delivered: that is as
        // a 503 (§8.1.3.1).
        let why = match (outcome, unanswered) {
            (Some(status), _) if !status.is_success() && !matches!(status.code(), 408 | 481) => {
                Some(format!("a {status} has refused its BYE"))
            }
            (None, Some(Unanswered::Undelivered(Cause::ConnectionError))) => {
                Some("its BYE could not be delivered".to_owned())
            }
            _ => None,
        };
        if let Some(why) = why
            && self.is_kept_after_bye(id, tag)
        {
            return self.leg_stays(now, id, tag, &why);
        }
        match unanswered {
            Some(Unanswered::Undelivered(cause)) => {
                let by = match cause {
                    Cause::ConnectionError => TerminatedBy::Transport,
                    _ => TerminatedBy::GivenUp,
                };
                self.terminate_leg_because(now, id, tag, by, cause);
            }
            Some(Unanswered::TimedOut) | None => {
                self.terminate_leg(now, id, tag, TerminatedBy::Local);
            }
        }
    }

    /// Whether a leg that its BYE has not ended waits for another one: where somebody can send that, and
    /// there is room for the leg.
    fn is_kept_after_bye(&self, id: ContextId, tag: &str) -> bool {
        let Some(context) = self.contexts.get(&id) else { return false };
        let leg = context.legs.iter().find(|leg| &*leg.tag == tag);
        self.settings.failed_byes == FailedByes::KeepLeg
            && context.wanted != Wanted::Left
            && context.legs.len() <= LEGS
            // An early dialog ends with its INVITE.
            && leg.is_some_and(|leg| leg.is_up() || context.state.is_pending())
    }

    fn leg_stays(&mut self, now: Instant, id: ContextId, tag: &str, why: &str) {
        let Some(leg) = self.leg_mut(id, tag) else { return };
        leg.state = if leg.is_up() { LegState::Confirmed } else { LegState::Early };
        let state = leg.state.clone();
        let detail = format!("{why}: its dialog is still there, until another BYE ends it");
        self.tell_own(now, id, Fact::StillUp { tag: tag.into(), detail });
        self.tell_own(now, id, Fact::Leg { tag: tag.into(), state });
    }

    pub(super) fn is_hung_up_by(&mut self, id: ContextId, parent: ContextId, tag: &str) -> bool {
        self.leg_mut(parent, tag).is_some_and(|leg| leg.state == LegState::HangingUp { bye: id })
    }
}

/// How a request in a dialog failed without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// It went out, and nobody answered in time.
    TimedOut,
    /// It never went to its flow, or its flow broke; and why.
    Undelivered(Cause),
}
