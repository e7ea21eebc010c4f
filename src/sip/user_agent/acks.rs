//! The ACK of a 2xx, one for each leg: it follows the dialog (RFC 3261 §13.2.2.4, §12.2.1.1), on a flow
//! of its own where that leads elsewhere or it is too large for a datagram.

use std::time::Instant;

use super::{
    UserAgent,
    address::destination,
    errands::{Carries, OfLeg},
    legs::leg_and_invite,
    size::Fits,
};
use crate::sip::{
    compose::{self, InDialog},
    context::{Ack, Wanted},
    event::{ContextId, Fact, FlowId, LegState},
    message::Message,
    method::Method,
    sdp,
    status::StatusCode,
    uri::UriBuf,
};

impl UserAgent {
    /// ACKs a 2xx along the leg, which is another context's where a re-INVITE was accepted.
    pub(super) fn ack_2xx(
        &mut self,
        now: Instant,
        id: ContextId,
        (owner, tag): (ContextId, &str),
        status: StatusCode,
        message: &Message,
    ) {
        let of = OfLeg { context: id, owner, tag: tag.into() };
        let Some(context) = self.contexts.get(&id) else { return };
        let flow = context.flow;
        let hop = self.hop_of(&of);
        if hop.is_none() && !self.is_gone(flow) {
            return self.write_ack(now, of, (flow, Fits::Unknown), status, message);
        }
        let ack = Ack {
            tag: tag.into(),
            bytes: None,
            flow: FlowId::NONE,
            to: None,
            waits: true,
            at: now,
        };
        if let Some(context) = self.contexts.get_mut(&id) {
            context.acks.push(ack);
        }
        let carries = Carries::Ack { of, status, response: message.bytes().clone() };
        match hop {
            Some(hop) => self.run_errand(now, flow, carries, hop),
            None => self.run_errand_over(flow, carries),
        }
    }

    /// Where an ACK or PRACK has to leave the flow of its INVITE to (RFC 3261 §12.2.1.1).
    pub(super) fn hop_of(&self, of: &OfLeg) -> Option<UriBuf> {
        let flow = self.contexts.get(&of.context)?.flow;
        let owner = self.contexts.get(&of.owner)?;
        let leg = owner.legs.iter().find(|leg| leg.tag == of.tag)?;
        // What would go in the clear goes the way of its INVITE, so that the peer stops repeating
        // what it acknowledges.
        self.hop_of_leg(owner, flow, leg).ok()?
    }

    /// Writes the ACK of a 2xx for a flow, unless it was before, and sends it there, or by TCP where it
    /// is too large.
    pub(super) fn write_ack(
        &mut self,
        now: Instant,
        of: OfLeg,
        (flow, fits): (FlowId, Fits),
        status: StatusCode,
        message: &Message,
    ) {
        // RFC 3261 §13.2.2.4: the ACK is a transaction of its own, so it has a branch of its own.
        let branch = self.new_branch();
        let OfLeg { context: id, owner: owner_id, tag } = of;
        let Some(context) = self.contexts.get(&id) else { return };
        // Where the flow broke in between, the peer's next retransmission brings another chance.
        let Some((transport, sent_by)) = self.address(flow) else { return };
        let Some(invite) = context.message() else { return };
        let owner = self.contexts.get(&owner_id);
        let Some((leg, _)) = owner.and_then(|owner| leg_and_invite(owner, &tag)) else { return };
        let route = InDialog::new(leg);
        let sender = self.sender_on(context, flow, transport, &sent_by);
        let before = context.acks.iter().find(|ack| ack.tag == tag);
        let again = before.is_some_and(|ack| ack.bytes.is_some() && ack.flow != FlowId::NONE);
        let before = before.and_then(|ack| Message::read(ack.bytes.clone()?).ok());
        let is_written = before.is_some();
        let bytes = match before {
            Some(before) => {
                let Ok(cseq) = before.cseq() else { return };
                compose::elsewhere(&before, &sender, (branch, cseq.number), false, None)
            }
            None => route.ack(leg, &invite, &sender, branch, message),
        };
        // A flow of its own leads there already.
        let to = destination(transport, &route).filter(|_| flow == context.flow);
        let answer = Message::read(bytes.clone()).ok().as_ref().and_then(sdp::body);
        if let Some(answer) = answer.filter(|_| !is_written) {
            self.described(owner_id, &tag).describe(&answer);
        }
        let tcp = self.tcp_hop(now, (id, Method::Ack), (flow, fits), to, bytes.len());
        // Until it has gone anywhere it has no flow.
        let on = if tcp.is_some() && !again { FlowId::NONE } else { flow };
        let of = OfLeg { context: id, owner: owner_id, tag };
        let (tag, waits) = (of.tag.clone(), tcp.is_some());
        let ack = Ack { tag, bytes: Some(bytes), flow: on, to, waits, at: now };
        if let Some(context) = self.contexts.get_mut(&id) {
            context.acks.retain(|before| before.tag != ack.tag);
            context.acks.push(ack.clone());
        }
        let Some(hop) = tcp else {
            return self.transmit_ack(now, id, ack, (status, message), again);
        };
        let carries = Carries::Ack { of, status, response: message.bytes().clone() };
        self.run_errand_by_tcp(now, flow, carries, hop);
    }

    /// A 2xx came again, or its ACK was refused. The ACK goes again, once it has gone: where its flow
    /// is gone, on another.
    pub(super) fn ack_again(
        &mut self,
        now: Instant,
        id: ContextId,
        mut ack: Ack,
        status: StatusCode,
        message: &Message,
    ) {
        if ack.waits {
            return;
        }
        if ack.bytes.is_none() {
            return self.ack_at_last(now, id, &ack.tag, status, message);
        }
        let was_refused = self.ack_was_refused(now, id, &mut ack);
        let Some(context) = self.contexts.get(&id) else { return };
        let stays = ack.flow == context.flow && !self.is_gone(ack.flow);
        if stays || (self.flows.is_up(ack.flow) && !was_refused) {
            let acks = self.contexts.get_mut(&id).into_iter().flat_map(|context| &mut context.acks);
            acks.filter(|sent| sent.tag == ack.tag).for_each(|sent| {
                sent.at = now;
                sent.to = ack.to;
            });
            return self.transmit_ack(now, id, ack, (status, message), true);
        }
        let of = OfLeg { context: id, owner: context.owner(id), tag: ack.tag };
        let is_up = self.leg_mut(of.owner, &of.tag).is_some_and(|leg| leg.is_up());
        if !is_up {
            return;
        }
        let Some(from) = self.contexts.get(&id).map(|context| context.flow) else { return };
        let hop = self.hop_of(&of);
        if hop.is_none() && !self.is_gone(from) {
            // It was too large for the flow of its INVITE.
            return self.write_ack(now, of, (from, Fits::Unknown), status, message);
        }
        let acks = self.contexts.get_mut(&id).into_iter().flat_map(|context| &mut context.acks);
        acks.filter(|ack| ack.tag == of.tag).for_each(|ack| ack.waits = true);
        let carries = Carries::Ack { of, status, response: message.bytes().clone() };
        match hop {
            None => self.run_errand_over(from, carries),
            Some(hop) if was_refused => self.run_errand_again(now, from, carries, hop),
            Some(hop) => self.run_errand(now, from, carries, hop),
        }
    }

    /// Nothing led to where the first ACK had to go, nor its BYE, and the 2xx comes again. A leg that
    /// nobody wants is hung up once more.
    fn ack_at_last(
        &mut self,
        now: Instant,
        id: ContextId,
        tag: &str,
        status: StatusCode,
        message: &Message,
    ) {
        let Some(context) = self.contexts.get(&id) else { return };
        let owner = context.owner(id);
        if self.leg_mut(owner, tag).is_none_or(|leg| leg.state != LegState::Confirmed) {
            return;
        }
        if let Some(context) = self.contexts.get_mut(&id) {
            context.acks.retain(|ack| &*ack.tag != tag);
        }
        self.ack_2xx(now, id, (owner, tag), status, message);
        if self.contexts.get(&owner).is_some_and(|owner| owner.wanted != Wanted::Yes) {
            // Refused where it is being hung up already.
            let _ = self.hang_up_leg(now, owner, tag);
        }
    }

    fn transmit_ack(
        &mut self,
        now: Instant,
        id: ContextId,
        ack: Ack,
        (status, response): (StatusCode, &Message),
        again: bool,
    ) {
        let Some(message) = ack.bytes.clone() else { return };
        if self.transmit(ack.flow, ack.to, message.clone()) {
            let destination = self.destination(ack.flow, ack.to);
            let fact = Fact::Acked { message, status, again, destination };
            self.tell(now, id, Method::Ack, fact);
            self.ack_went(now, id, &ack, (status, response));
        }
    }
}
