//! Reliable provisional responses (RFC 3262): each acknowledged by a PRACK, once and in order.

use std::time::Instant;

use super::{
    UserAgent,
    dialogs::leg_and_invite,
    sending::destination,
    transactions::{Key, Role},
};
use crate::sip::{
    compose::{self, InDialog},
    event::{ContextId, Fact},
    message::Message,
    method::Method,
    name::HeaderName,
    status::StatusCode,
    syntax,
};

/// What a provisional is to the sequence of its leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reliability {
    /// It is not reliable, or starts no leg: take it as it is.
    Unreliable,
    /// It is the next of its leg, and wants a PRACK.
    Next(u32),
    /// It came before: its PRACK is on its way.
    Repeated,
    /// One before it is missing: it must be neither processed nor acknowledged (§4).
    Early {
        /// The RSeq that would be next.
        expected: u32,
    },
}

impl UserAgent {
    /// Places a provisional in the sequence of its leg (RFC 3262 §4).
    pub(super) fn reliability(&self, id: ContextId, message: &Message) -> Reliability {
        let requires =
            message.list(HeaderName::Require).any(|option| option.eq_ignore_ascii_case("100rel"));
        let rseq = message
            .header(HeaderName::RSeq)
            .and_then(|header| header.text().ok())
            .and_then(|text| syntax::trim(text).parse::<u32>().ok());
        let (Some(rseq), true) = (rseq, requires) else { return Reliability::Unreliable };
        let Some(context) = self.contexts.get(&id) else { return Reliability::Unreliable };
        let to = message.to();
        let Some(tag) = to.ok().and_then(|to| to.tag()) else { return Reliability::Unreliable };
        let owner = self.contexts.get(&context.owner(id));
        let legs = owner.into_iter().flat_map(|owner| &owner.legs);
        let last = legs.into_iter().find(|leg| &*leg.tag == tag).and_then(|leg| leg.rseq);
        match last {
            None => Reliability::Next(rseq),
            Some(last) if rseq == last.wrapping_add(1) => Reliability::Next(rseq),
            Some(last) if rseq <= last => Reliability::Repeated,
            Some(last) => Reliability::Early { expected: last.wrapping_add(1) },
        }
    }

    /// Acknowledges a reliable provisional: a request in its early dialog, with a transaction of
    /// its own inside the context.
    pub(super) fn send_prack(&mut self, now: Instant, id: ContextId, rseq: u32, message: &Message) {
        let branch = self.new_branch();
        let Some(tag) = message.to().ok().and_then(|to| to.tag().map(str::to_owned)) else {
            return;
        };
        let Some(context) = self.contexts.get(&id) else { return };
        let (flow, owner) = (context.flow, context.owner(id));
        let Some(leg) = self.leg_mut(owner, &tag) else { return };
        leg.rseq = Some(rseq);
        // RFC 3261 §12.2.1.1: a request in the dialog counts on.
        leg.local_cseq += 1;
        let Some((transport, sent_by)) = self.address(flow) else { return };
        let Some(context) = self.contexts.get(&id) else { return };
        let Some(invite) = context.message() else { return };
        let owned = self.contexts.get(&owner);
        let Some((leg, _)) = owned.and_then(|owned| leg_and_invite(owned, &tag)) else { return };
        let Ok(invite_cseq) = invite.cseq().map(|cseq| cseq.number) else { return };
        let route = InDialog::new(leg);
        let rack = format!("{rseq} {invite_cseq} INVITE");
        let sender = self.sender(transport, &sent_by);
        let (bytes, answers) = route.prack(leg, &invite, &sender, branch, &rack, message);
        let to = destination(transport, &route);
        if let Some(leg) = self.leg_mut(owner, &tag) {
            leg.offer_answered |= answers;
        }
        let key = Key { branch, is_cancel: false };
        self.send_beside(now, id, key, (Role::Prack, Method::Prack), (flow, to), &bytes);
        self.tell(now, id, Method::Prack, Fact::Sent { message: bytes });
    }

    /// A response to a PRACK.
    pub(super) fn prack_response(
        &mut self,
        now: Instant,
        id: ContextId,
        status: StatusCode,
        message: &Message,
    ) {
        let response = compose::response(message, status);
        let fact = if status.is_provisional() {
            Fact::Progress(response)
        } else {
            Fact::PrackAnswered(response)
        };
        self.tell(now, id, Method::Prack, fact);
    }

    /// Nobody answered a PRACK. The provisional's retransmissions have ended long ago, and what
    /// becomes of the INVITE is the peer's to say (RFC 3262 §3).
    pub(super) fn prack_failed(&mut self, now: Instant, id: ContextId, detail: String) {
        self.tell(now, id, Method::Prack, Fact::PrackFailed { detail });
    }
}
