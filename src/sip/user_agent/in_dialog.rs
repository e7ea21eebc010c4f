//! What the user sends in the dialog of a leg (RFC 3261 §12.2), and how that will be written.

use std::time::Instant;

use super::{DialogError, HangUpError, UserAgent, legs::leg_and_invite, next_hop::transport_to};
use crate::sip::{
    compose::DialogWriting,
    dialog::{Leg, next_cseq},
    event::{ContextId, LegState},
    method::Method,
    request::DialogRequest,
    sdp,
    transport::Transport,
};

impl UserAgent {
    /// Sends a request of the user's in the dialog of a leg; `None` is the only leg that is up.
    /// A BYE hangs the leg up.
    ///
    /// # Errors
    ///
    /// Where there is no such leg, or where the request cannot be sent in a dialog now; a sentence
    /// says why.
    pub fn request_in_dialog(
        &mut self,
        now: Instant,
        id: ContextId,
        tag: Option<&str>,
        request: DialogRequest,
    ) -> Result<ContextId, DialogError> {
        let tag = self.leg_for(id, tag, &request.method)?;
        if let Some(leg) = self.outlived_leg(id, Some(&tag))
            && !self.renews(leg, &request)
        {
            return Err(self.only_subscriptions(leg));
        }
        let offers = request.method == Method::Update && !request.body.is_empty();
        if offers && self.waits_for_answer(id, &tag) {
            return Err(DialogError::OfferPending);
        }
        // Where a BYE cannot go, its own context says so.
        if request.method == Method::Bye {
            self.hang_up_leg_now(now, id, &tag, request);
            return Ok(ContextId(self.last_context));
        }
        if let Some((owner, (leg, _))) =
            self.contexts.get(&id).and_then(|owner| Some((owner, leg_and_invite(owner, &tag)?)))
        {
            self.hop_of_leg(owner, owner.flow, leg)?;
        }
        Ok(self.create_in_dialog(now, id, &tag, request))
    }

    /// How a request would be written that [`UserAgent::request_in_dialog`] is given.
    ///
    /// # Errors
    ///
    /// Where it would be refused.
    pub fn dialog_writing(
        &self,
        id: ContextId,
        tag: Option<&str>,
        method: &Method,
    ) -> Result<DialogWriting, DialogError> {
        let tag = self.leg_for(id, tag, method)?;
        let context = self.contexts.get(&id).ok_or(HangUpError::Unknown(id))?;
        let (leg, invite) = leg_and_invite(context, &tag).ok_or(HangUpError::Unknown(id))?;
        let flow = context.flow;
        let hop = self.hop_of_leg(context, flow, leg)?;
        let own = self.flows.flow(flow).map_or(Transport::Udp, |flow| flow.transport);
        let sent_by = self.address(flow).filter(|_| hop.is_none()).map(|(_, sent_by)| sent_by);
        Ok(DialogWriting {
            transport: hop.map_or(own, |hop| transport_to(&hop.as_uri(), own)),
            sent_by,
            session: match &leg.described {
                Some(described) => described.current().map(Into::into),
                None => sdp::body(&invite).map(Into::into),
            },
            is_challenged: context.credentials.is_some() && self.auth.knows(flow),
            ending: self.ending_of(id),
            target: leg.remote_target.clone(),
            route_set: leg.route_set.to_vec(),
            remote_identity: leg.remote_identity.clone(),
            cseq: next_cseq(leg.local_cseq).ok_or(DialogError::CSeqSpent)?,
            invite: invite.bytes().clone(),
            keep: self.flows.flow(flow).is_some_and(|flow| flow.keeps_alive),
            user_agent: self.settings.user_agent_of(context.profile.as_deref()).into(),
            reliable: self.settings.reliable_provisionals,
            tag,
        })
    }

    /// Whether an offer on a leg has no answer, from either side (RFC 3264 §4, RFC 3311 §5.1).
    fn waits_for_answer(&self, id: ContextId, tag: &str) -> bool {
        let Some(context) = self.contexts.get(&id) else { return false };
        let Some(leg) = context.legs.iter().find(|leg| &*leg.tag == tag) else { return false };
        let of_invite = (leg.is_early() || leg.invite_pending) && !leg.offer_answered;
        let of_peer = leg.peer_offer_pending || self.unacked.has_offered(id, tag);
        of_invite || leg.update_pending || of_peer
    }

    /// The leg in whose dialog a request can be sent now.
    fn leg_for(
        &self,
        id: ContextId,
        tag: Option<&str>,
        method: &Method,
    ) -> Result<Box<str>, DialogError> {
        if matches!(method, Method::Ack | Method::Cancel | Method::Prack) {
            return Err(DialogError::Automatic(method.clone()));
        }
        if let Some(leg) = self.outlived_leg(id, tag) {
            return match method {
                Method::Subscribe => Ok(leg.tag.clone()),
                _ => Err(self.only_subscriptions(leg)),
            };
        }
        if let Some(early) = self.early_leg_of(id, tag) {
            // RFC 3261 §14.1: the INVITE that made it is in progress.
            return match method {
                Method::Invite => Err(DialogError::InvitePending),
                _ => Ok(early),
            };
        }
        let tag = match tag {
            Some(tag) => self.confirmed_leg(id, tag)?,
            None => match (self.confirmed_legs(id), self.early_tags(id)) {
                (Err(HangUpError::Pending), early) if early.len() > 1 => {
                    return Err(DialogError::WhichLeg(early.join(", ")));
                }
                (tags, _) => match &*tags? {
                    [only] => only.clone(),
                    tags => return Err(DialogError::WhichLeg(tags.join(", "))),
                },
            },
        };
        let mut legs = self.contexts.get(&id).into_iter().flat_map(|context| &context.legs);
        let leg = legs.find(|leg| leg.tag == tag);
        // RFC 3261 §14.1: no INVITE while another is in progress in the dialog, either way.
        let in_progress = self.unacked.contains(id, &tag)
            || leg.is_some_and(|leg| leg.invite_pending || leg.peer_offer_pending);
        if *method == Method::Invite && in_progress {
            return Err(DialogError::InvitePending);
        }
        let is_spent = leg.is_some_and(|leg| next_cseq(leg.local_cseq).is_none());
        if *method != Method::Bye && is_spent {
            return Err(DialogError::CSeqSpent);
        }
        Ok(tag)
    }

    /// The leg in whose dialog a subscription lives on, though what made the dialog is over
    /// (RFC 5057 §4.1): the one that is named, or the only one.
    fn outlived_leg(&self, id: ContextId, tag: Option<&str>) -> Option<&Leg> {
        let legs = &self.contexts.get(&id)?.legs;
        let is_it = |leg: &&Leg| match tag {
            Some(tag) => &*leg.tag == tag,
            None => !leg.is_terminated() || !leg.subscriptions().is_empty(),
        };
        let mut candidates = legs.iter().filter(is_it);
        let only = candidates.next().filter(|_| candidates.next().is_none())?;
        (only.is_terminated() && !only.subscriptions().is_empty()).then_some(only)
    }

    fn only_subscriptions(&self, leg: &Leg) -> DialogError {
        let all = leg.subscriptions().iter().map(|it| self.subscription_name(it.by));
        DialogError::OnlySubscriptions(all.collect::<Vec<_>>().join(" and "))
    }

    /// The early leg that a request can be sent on while the INVITE is pending (RFC 3261 §12.2, §15,
    /// RFC 3311 §5.1): the one that is named, or the only one.
    pub(super) fn early_leg_of(&self, id: ContextId, tag: Option<&str>) -> Option<Box<str>> {
        self.contexts.get(&id).filter(|context| context.state.is_pending())?;
        let mut early = self.early_tags(id);
        early.retain(|early| tag.is_none_or(|tag| &**early == tag));
        early.pop().filter(|_| early.is_empty())
    }

    fn early_tags(&self, id: ContextId) -> Vec<Box<str>> {
        let legs = self.contexts.get(&id).into_iter().flat_map(|context| &context.legs);
        legs.filter(|leg| leg.state == LegState::Early).map(|leg| leg.tag.clone()).collect()
    }
}
