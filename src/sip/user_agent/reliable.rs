//! Reliable provisional responses (RFC 3262): each acknowledged by a PRACK, once and in order.

use std::{net::SocketAddr, num::NonZeroU32, time::Instant};

use bytes::Bytes;

use super::{
    UserAgent,
    address::destination,
    again::Next,
    errands::{Carries, OfLeg},
    legs::leg_and_invite,
    size::Fits,
    transactions::{Key, Role},
};
use crate::sip::{
    auth::{AuthState, Decision},
    compose::{self, InDialog},
    dialog::{CSEQ_SPENT, Leg},
    event::{ContextId, Fact, FlowId},
    message::Message,
    method::Method,
    name::HeaderName,
    random::Branch,
    status::StatusCode,
    syntax,
};

/// How many transactions one context may have when it begins that of a PRACK. A peer waits for the
/// first PRACK of a leg before it goes on (RFC 3262 §3); one that does not would have no end.
const TRANSACTIONS: u32 = 128;

const NO_RSEQ: &str =
    "its RSeq is missing or no number from 1 to 4294967295: no PRACK can name it (RFC 3262 §7.1)";
const NO_TAG: &str =
    "its To has no tag: it names no dialog that a PRACK could be sent in (RFC 3262 §3, §4)";

const NOT_OFFERED: &str =
    "the INVITE has not offered that: a peer may require it of no other (RFC 3262 §3)";

/// What a provisional is to the sequence of its leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reliability {
    /// It is not reliable, starts no leg, or its leg is over: take it as it is.
    Unreliable,
    /// It is the next of its leg, and wants a PRACK.
    Next(NonZeroU32),
    /// It says that it is reliable, but nothing can acknowledge it; a clause says why.
    Broken(&'static str),
    /// It came before: its PRACK is on its way.
    Repeated,
    /// One before it is missing: it must be neither processed nor acknowledged (§4).
    Early {
        /// The RSeq that would be next.
        expected: NonZeroU32,
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
            .and_then(|text| syntax::trim(text).parse::<NonZeroU32>().ok());
        // RFC 3262 §4: in a 100 the option tag is ignored.
        if !requires || message.status() == Some(StatusCode::TRYING) {
            return Reliability::Unreliable;
        }
        let Some(context) = self.contexts.get(&id) else { return Reliability::Unreliable };
        let offers = |invite: Message| {
            let offered = [HeaderName::Supported, HeaderName::Require];
            offered
                .iter()
                .any(|name| invite.list(*name).any(|it| it.eq_ignore_ascii_case("100rel")))
        };
        if !context.message().is_some_and(offers) {
            return Reliability::Broken(NOT_OFFERED);
        }
        // RFC 3262 §7.1: from 1.
        let Some(rseq) = rseq else { return Reliability::Broken(NO_RSEQ) };
        let Some(OfLeg { owner, tag, .. }) = self.leg_of_provisional(id, message) else {
            return Reliability::Broken(NO_TAG);
        };
        let owner = self.contexts.get(&owner);
        let is_its = |leg: &&Leg| leg.tag == tag && !leg.of_earlier_try;
        let leg = owner.and_then(|owner| owner.legs.iter().find(is_its));
        match leg.and_then(|leg| leg.rseq) {
            Some(last) if rseq <= last => Reliability::Repeated,
            // Nothing is acknowledged any more on a leg that is over.
            _ if leg.is_some_and(|leg| leg.is_terminated()) => Reliability::Unreliable,
            None => Reliability::Next(rseq),
            Some(last) if last.checked_add(1) == Some(rseq) => Reliability::Next(rseq),
            Some(last) => Reliability::Early { expected: last.saturating_add(1) },
        }
    }

    /// The leg that a provisional belongs to: that of its To tag, or that of the dialog in which the
    /// INVITE was sent, whatever tag it has (RFC 3261 §12.2.1.2).
    fn leg_of_provisional(&self, id: ContextId, message: &Message) -> Option<OfLeg> {
        let (owner, tag) = match &self.contexts.get(&id)?.parent {
            Some((owner, tag)) => (*owner, tag.clone()),
            None => (id, message.to().ok()?.tag()?.into()),
        };
        Some(OfLeg { context: id, owner, tag })
    }

    /// A reliable provisional to a re-INVITE refreshes the target of its dialog, which stays so though
    /// the re-INVITE is rejected (RFC 6141 §4).
    pub(super) fn refreshed_reliably(&mut self, now: Instant, id: ContextId, message: &Message) {
        let Some(context) = self.contexts.get(&id) else { return };
        let Some((parent, leg)) = context.parent.clone() else {
            // The first of a leg says where its PRACKs go.
            let tag = message.to().ok().and_then(|to| to.tag().map(Box::<str>::from));
            let is_first = |leg: &&Leg| leg.rseq.is_none() && Some(&leg.tag) == tag.as_ref();
            if let Some(leg) = context.legs.iter().find(is_first).map(|leg| leg.tag.clone()) {
                self.look_at_hops(now, id, (id, &leg), message);
            }
            return;
        };
        let is_of_leg = message.to().is_ok_and(|to| to.tag() == Some(&*leg));
        if is_of_leg && message.contact().is_ok() {
            self.refresh_target((parent, &leg), message);
            self.look_at_hops(now, id, (parent, &leg), message);
        }
    }

    /// Acknowledges a reliable provisional: a request in its early dialog, with a transaction of
    /// its own inside the context.
    pub(super) fn send_prack(
        &mut self,
        now: Instant,
        id: ContextId,
        rseq: NonZeroU32,
        message: &Message,
    ) {
        let Some(of) = self.leg_of_provisional(id, message) else { return };
        let Some(context) = self.contexts.get(&id) else { return };
        if context.transactions >= TRANSACTIONS {
            let detail = format!(
                "not sent: {TRANSACTIONS} requests of this context wait for an answer already"
            );
            return self.prack_failed(now, id, detail);
        }
        let flow = context.flow;
        let leg = self.leg_mut(of.owner, &of.tag).filter(|leg| !leg.of_earlier_try);
        let Some(leg) = leg else { return };
        leg.rseq = Some(rseq);
        match self.hop_of(&of) {
            None => self.write_prack(now, of, (flow, Fits::Unknown), rseq, message),
            Some(hop) => {
                let response = message.bytes().clone();
                self.run_errand(now, flow, Carries::Prack { of, rseq, response }, hop);
            }
        }
    }

    /// Writes a PRACK for a flow, and sends it there, or by TCP where it is too large.
    pub(super) fn write_prack(
        &mut self,
        now: Instant,
        of: OfLeg,
        (flow, fits): (FlowId, Fits),
        rseq: NonZeroU32,
        message: &Message,
    ) {
        let branch = self.new_branch();
        let OfLeg { context: id, owner, tag } = of;
        // Its flow took longer than the INVITE.
        if self.contexts.get(&id).is_none_or(|context| context.ended.is_some()) {
            return;
        }
        let Some(leg) = self.leg_mut(owner, &tag) else { return };
        // RFC 3261 §12.2.1.1: a request in the dialog counts on.
        if leg.count().is_none() {
            return self.prack_failed(now, id, format!("not sent: {CSEQ_SPENT}"));
        }
        let Some((transport, sent_by)) = self.address(flow) else { return };
        let Some(context) = self.contexts.get(&id) else { return };
        let Some(invite) = context.message() else { return };
        let owned = self.contexts.get(&owner);
        let Some((leg, _)) = owned.and_then(|owned| leg_and_invite(owned, &tag)) else { return };
        let Ok(invite_cseq) = invite.cseq().map(|cseq| cseq.number) else { return };
        let route = InDialog::new(leg);
        let rack = format!("{rseq} {invite_cseq} INVITE");
        let sender = self.sender_on(context, flow, transport, &sent_by);
        let (bytes, answers) = route.prack(leg, &invite, &sender, branch, &rack, message);
        // A flow of its own leads there already.
        let to = destination(transport, &route).filter(|_| flow == context.flow);
        if let Some(leg) = self.leg_mut(owner, &tag) {
            leg.offer_answered |= answers;
        }
        let mut auth = AuthState::default();
        let bytes = self.sign_ahead(now, (id, Method::Prack), flow, &mut auth, bytes);
        let of = OfLeg { context: id, owner, tag };
        self.start_or_switch_prack(now, of, branch, (flow, fits, to), (bytes, auth));
    }

    fn start_or_switch_prack(
        &mut self,
        now: Instant,
        of: OfLeg,
        branch: Branch,
        (flow, fits, to): (FlowId, Fits, Option<SocketAddr>),
        (bytes, auth): (Bytes, AuthState),
    ) {
        let id = of.context;
        match self.tcp_hop(now, (id, Method::Prack), (flow, fits), to, bytes.len()) {
            Some(hop) => {
                self.run_errand_by_tcp(now, flow, Carries::PrackAgain { of, prack: bytes }, hop);
            }
            None => {
                self.start_prack(now, id, (of.owner, &of.tag), branch, (flow, to), (bytes, auth));
            }
        }
    }

    /// Sends a PRACK that was refused elsewhere, or too large for there: the same but for its branch and
    /// what names us (RFC 3263 §4.3).
    pub(super) fn write_prack_again(
        &mut self,
        now: Instant,
        of: OfLeg,
        (flow, fits): (FlowId, Fits),
        prack: Bytes,
    ) {
        let OfLeg { context: id, owner, tag } = of;
        // What we wrote ourselves can be read.
        let Ok(prack) = Message::read(prack) else { return };
        let Some((transport, sent_by)) = self.address(flow) else { return };
        let branch = self.new_branch();
        if self.contexts.get(&id).is_none_or(|it| it.ended.is_some()) {
            return;
        }
        let Some(cseq) = self.number_again(Some((owner, tag.clone())), &prack) else {
            return self.prack_failed(now, id, format!("not sent: {CSEQ_SPENT}"));
        };
        let Some(context) = self.contexts.get(&id) else { return };
        let sender = self.sender_on(context, flow, transport, &sent_by);
        let bytes = compose::elsewhere(&prack, &sender, (branch, cseq), true, None);
        let owned = self.contexts.get(&owner);
        let Some((leg, _)) = owned.and_then(|owned| leg_and_invite(owned, &tag)) else { return };
        // A flow of its own leads there already.
        let to = destination(transport, &InDialog::new(leg)).filter(|_| flow == context.flow);
        let mut auth = AuthState::default();
        let bytes = self.sign_ahead(now, (id, Method::Prack), flow, &mut auth, bytes);
        let of = OfLeg { context: id, owner, tag };
        self.start_or_switch_prack(now, of, branch, (flow, fits, to), (bytes, auth));
    }

    fn start_prack(
        &mut self,
        now: Instant,
        id: ContextId,
        (owner, tag): (ContextId, &str),
        branch: Branch,
        way: (FlowId, Option<SocketAddr>),
        (bytes, auth): (Bytes, AuthState),
    ) {
        let (transactions, contexts) = (&self.transactions, &mut self.contexts);
        if let Some(leg) = contexts.get_mut(&owner).and_then(|owner| owner.leg_mut(tag)) {
            leg.add_prack(id, branch, |branch| transactions.holds(branch));
        }
        let key = Key { branch, is_cancel: false };
        let destination = self.destination(way.0, way.1);
        self.send_beside(now, id, key, (Role::Prack, Method::Prack), way, (&bytes, auth));
        self.tell(now, id, Method::Prack, Fact::Sent { message: bytes, destination });
    }

    /// A response to a PRACK.
    pub(super) fn prack_response(
        &mut self,
        now: Instant,
        id: ContextId,
        key: Key,
        (status, message): (StatusCode, &Message),
    ) {
        let response = compose::response(message, status);
        if status.is_provisional() {
            return self.tell(now, id, Method::Prack, Fact::Progress(response));
        }
        let mut auth = self.transactions.take_auth(key);
        let Some(flow) = self.transactions.entry(key).map(|entry| entry.flow) else { return };
        self.learn_from(now, (id, Method::Prack), flow, &mut auth, message);
        let mut refused = None;
        if matches!(status.code(), 401 | 407) {
            match self.prack_again(now, id, key, auth, (status, message)) {
                Next::Again => return,
                Next::Stands(why) => refused = why,
            }
        }
        self.tell(now, id, Method::Prack, Fact::PrackAnswered(response));
        if !status.is_success() {
            let why = refused.map(|why| format!(": {why}")).unwrap_or_default();
            let detail = format!(
                "the PRACK was refused with {status}{why}; what becomes of the INVITE is the peer's to say (RFC 3262 §3)"
            );
            self.prack_failed(now, id, detail);
        }
    }

    /// The PRACK once more with credentials (RFC 3261 §22.2, RFC 3262 §4): the next CSeq number of
    /// the dialog, and a new branch.
    fn prack_again(
        &mut self,
        now: Instant,
        id: ContextId,
        key: Key,
        mut auth: AuthState,
        (status, challenge): (StatusCode, &Message),
    ) -> Next {
        let Some(entry) = self.transactions.entry(key) else { return Next::Stands(None) };
        let (flow, to, sent) = (entry.flow, entry.to(), entry.transaction.request().clone());
        let Ok(sent) = Message::read(sent) else { return Next::Stands(None) };
        let authorized = match self.decide(id, flow, &sent, &mut auth, challenge) {
            Some(Decision::Retry(authorized)) => authorized,
            Some(Decision::GiveUp { record, reason }) => {
                let fact = Fact::AuthGivenUp { record: Box::new(record) };
                self.tell(now, id, Method::Prack, fact);
                return Next::Stands(Some(reason.to_string()));
            }
            None => return Next::Stands(None),
        };
        let branch = self.new_branch();
        let Some(context) = self.contexts.get(&id) else { return Next::Stands(None) };
        let owner = context.owner(id);
        let Some((transport, sent_by)) = self.address(flow) else { return Next::Stands(None) };
        let tag = sent.to().ok().and_then(|to| to.tag()).unwrap_or_default();
        let leg = self.leg_mut(owner, tag).filter(|leg| !leg.is_terminated());
        let Some(leg) = leg else { return Next::Stands(Some("its dialog is over".to_owned())) };
        let Some(cseq) = leg.count() else {
            return Next::Stands(Some(format!("not sent again: {CSEQ_SPENT}")));
        };
        let response = compose::response(challenge, status);
        let fact = Fact::Challenged { response, record: Box::new(authorized.record) };
        self.tell(now, id, Method::Prack, fact);
        let request_uri = sent.request_uri().unwrap_or_default();
        let again =
            compose::Again { request_uri, cseq, credentials: &authorized.headers, wanted: &[] };
        let Some(context) = self.contexts.get(&id) else { return Next::Stands(None) };
        let sender = self.sender_on(context, flow, transport, &sent_by);
        let bytes = compose::again(&sent, &sender, branch, &again);
        let of = OfLeg { context: id, owner, tag: tag.into() };
        self.start_or_switch_prack(now, of, branch, (flow, Fits::Unknown, to), (bytes, auth));
        Next::Again
    }

    /// An INVITE has ended, and with it the PRACKs that nobody has answered yet.
    pub(super) fn end_pracks_of(&mut self, now: Instant, id: ContextId) {
        let Some(context) = self.contexts.get(&id) else { return };
        if context.method != Method::Invite {
            return;
        }
        let legs: Vec<Box<str>> = match &context.parent {
            Some((_, tag)) => vec![tag.clone()],
            None => context.legs.iter().map(|leg| leg.tag.clone()).collect(),
        };
        let owner = context.owner(id);
        let why = "its INVITE is over";
        legs.iter().for_each(|tag| self.end_pracks(now, (owner, tag), |of| of == id, why));
    }

    /// The PRACKs of a leg that nobody has answered yet are not sent again: what they acknowledge is
    /// over.
    pub(super) fn end_pracks(
        &mut self,
        now: Instant,
        (owner, tag): (ContextId, &str),
        ends: impl Fn(ContextId) -> bool,
        why: &str,
    ) {
        let Some(leg) = self.leg_mut(owner, tag) else { return };
        for (id, branch) in leg.take_pracks(ends) {
            let key = Key { branch, is_cancel: false };
            let entry = self.transactions.entry(key);
            // One that was answered absorbs what is repeated.
            if entry.is_some_and(|entry| entry.transaction.is_sending()) {
                let prack = self.timer_of(key).map_or("PRACK".to_owned(), |of| of.to_string());
                self.end_transaction(key);
                let detail =
                    format!("{why}: the {prack}, which nobody answered, is not sent again");
                self.prack_failed(now, id, detail);
            }
        }
    }

    /// Nobody answered a PRACK. The provisional's retransmissions have ended long ago, and what
    /// becomes of the INVITE is the peer's to say (RFC 3262 §3).
    pub(super) fn prack_failed(&mut self, now: Instant, id: ContextId, detail: String) {
        self.tell(now, id, Method::Prack, Fact::PrackFailed { detail });
    }
}
