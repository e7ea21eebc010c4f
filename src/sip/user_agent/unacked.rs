//! 2xx answers to the peer's re-INVITEs, repeated until their ACK comes (RFC 3261 §13.3.1.4).

use std::{collections::BTreeMap, time::Instant};

use super::{UserAgent, peer::PeerRequest, repeated::Repeated, transactions::Due};
use crate::sip::{
    event::{ContextId, Fact, FlowId, Timer},
    message::Message,
    method::Method,
    sdp,
    status::StatusCode,
    transaction::ServerTransactionId,
};

/// Every 2xx that waits for its ACK: at most one for each leg (RFC 3261 §14.2).
#[derive(Debug, Default)]
pub(super) struct Unacked {
    answers: BTreeMap<(ContextId, Box<str>), Success>,
}

#[derive(Debug)]
struct Success {
    /// Of its INVITE.
    transaction: ServerTransactionId,
    cseq: u32,
    /// Whether it has an offer, because the INVITE had none.
    offers: bool,
    status: StatusCode,
    repeated: Repeated,
}

impl Unacked {
    pub(super) fn len(&self) -> usize {
        self.answers.len()
    }

    /// Whether an offer of ours waits for its answer in an ACK (RFC 3261 §13.3.1.4).
    pub(super) fn has_offered(&self, id: ContextId, tag: &str) -> bool {
        self.answers.get(&(id, tag.into())).is_some_and(|answer| answer.offers)
    }

    /// When the 2xx of a context are sent again, and when their ACKs are given up; each with the
    /// number of its INVITE and the tag of its leg.
    pub(super) fn timers(
        &self,
        id: ContextId,
    ) -> impl Iterator<Item = (Timer, Instant, u32, &str)> {
        let from = self.answers.range((id, Box::from(""))..);
        from.take_while(move |((of, _), _)| *of == id).flat_map(|((_, tag), answer)| {
            let timers = answer.repeated.timers(Timer::SuccessAgain, Timer::AckWait);
            timers.map(|(timer, at)| (timer, at, answer.cseq, &**tag))
        })
    }

    /// The 2xx of a transaction goes on another connection from now on.
    pub(super) fn move_to(
        &mut self,
        id: ContextId,
        tag: &str,
        transaction: ServerTransactionId,
        flow: FlowId,
    ) {
        if let Some(answer) = self.answers.get_mut(&(id, tag.into()))
            && answer.transaction == transaction
        {
            answer.repeated.move_to(flow);
        }
    }

    pub(super) fn contains(&self, id: ContextId, tag: &str) -> bool {
        self.answers.contains_key(&(id, tag.into()))
    }
}

impl UserAgent {
    pub(super) fn await_ack(
        &mut self,
        peer: &PeerRequest,
        (transaction, status): (ServerTransactionId, StatusCode),
        repeated: Repeated,
    ) {
        let at = repeated.at();
        let success = Success {
            transaction,
            cseq: peer.message.cseq().map_or(0, |cseq| cseq.number),
            offers: sdp::body(&peer.message).is_none(),
            status,
            repeated,
        };
        let key = (peer.context, peer.tag.clone());
        self.transactions.arm(at, Due::Answer(key.0, key.1.clone()));
        if let Some(before) = self.unacked.answers.insert(key.clone(), success) {
            self.transactions.disarm(before.repeated.at(), Due::Answer(key.0, key.1));
        }
    }

    /// An ACK for a 2xx came in a dialog.
    pub(super) fn ack_received(&mut self, now: Instant, id: ContextId, tag: &str, ack: &Message) {
        let key = (id, Box::<str>::from(tag));
        let number = ack.cseq().map(|cseq| cseq.number).ok();
        let waits = self.unacked.answers.get(&key).filter(|answer| Some(answer.cseq) == number);
        // Without a 2xx that waits for it, it is one that came before, or belongs to nothing.
        let again = waits.is_none() && number.is_some_and(|number| self.has_accepted(id, number));
        if waits.is_some()
            && let Some(answer) = self.unacked.answers.remove(&key)
        {
            self.transactions.disarm(answer.repeated.at(), Due::Answer(id, tag.into()));
        }
        self.tell_received(now, id, Method::Ack, ack, again);
    }

    /// Time to repeat a 2xx, or to give up: then the dialog is ended (RFC 3261 §13.3.1.4).
    pub(super) fn repeat_answer(&mut self, now: Instant, id: ContextId, tag: Box<str>) {
        let key = (id, tag);
        let Some(answer) = self.unacked.answers.get_mut(&key) else { return };
        let (transaction, status) = (answer.transaction, answer.status);
        let due = Due::Answer(id, key.1.clone());
        self.transactions.disarm(answer.repeated.at(), due.clone());
        if let Some(again) = answer.repeated.next(now) {
            self.transactions.arm(answer.repeated.at(), due);
            return self.repeat(now, id, (transaction, status), again);
        }
        self.unacked.answers.remove(&key);
        let why = format!("no ACK came for the {status} to the INVITE");
        let seconds = self.settings.timing.patience().as_secs_f64();
        let detail = format!("{why} within {seconds} s (64·T1, RFC 3261 §13.3.1.4)");
        self.tell(now, id, Method::Invite, Fact::NeverAcked { detail });
        // Refused where the leg is being hung up already.
        let _ = self.hang_up_leg_because(now, id, &key.1, &why);
    }

    /// A leg is over: nothing is repeated on it.
    pub(super) fn forget_answer(&mut self, id: ContextId, tag: &str) {
        if let Some(answer) = self.unacked.answers.remove(&(id, tag.into())) {
            self.transactions.disarm(answer.repeated.at(), Due::Answer(id, tag.into()));
        }
    }
}
