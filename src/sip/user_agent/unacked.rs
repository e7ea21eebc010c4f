//! 2xx answers to the peer's re-INVITEs, repeated until their ACK comes (RFC 3261 §13.3.1.4).

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::{Transmit, UserAgent, peer::PeerRequest, transactions::Due};
use crate::sip::{
    event::{ContextId, Fact, Response},
    message::Message,
    method::Method,
    status::StatusCode,
    transaction::Timing,
};

/// Every 2xx that waits for its ACK: at most one for each leg (RFC 3261 §14.2).
#[derive(Debug, Default)]
pub(super) struct Unacked {
    answers: HashMap<(ContextId, Box<str>), Repeated>,
}

#[derive(Debug)]
struct Repeated {
    cseq: u32,
    transmit: Transmit,
    at: Instant,
    interval: Duration,
    until: Instant,
}

impl Unacked {
    pub(super) fn len(&self) -> usize {
        self.answers.len()
    }

    pub(super) fn contains(&self, id: ContextId, tag: &str) -> bool {
        self.answers.contains_key(&(id, tag.into()))
    }
}

impl UserAgent {
    pub(super) fn await_ack(&mut self, now: Instant, peer: &PeerRequest, transmit: Transmit) {
        let Timing { t1, .. } = self.settings.timing;
        let repeated = Repeated {
            cseq: peer.message.cseq().map_or(0, |cseq| cseq.number),
            transmit,
            at: now + t1,
            interval: t1,
            until: now + self.settings.timing.patience(),
        };
        let key = (peer.context, peer.tag.clone());
        self.transactions.arm(repeated.at, Due::Answer(key.0, key.1.clone()));
        if let Some(before) = self.unacked.answers.insert(key.clone(), repeated) {
            self.transactions.disarm(before.at, Due::Answer(key.0, key.1));
        }
    }

    /// An ACK for a 2xx came in a dialog.
    pub(super) fn ack_received(&mut self, now: Instant, id: ContextId, tag: &str, ack: &Message) {
        let key = (id, Box::<str>::from(tag));
        let number = ack.cseq().map(|cseq| cseq.number).ok();
        let waits = self.unacked.answers.get(&key).filter(|answer| Some(answer.cseq) == number);
        let again = waits.is_none();
        if !again && let Some(answer) = self.unacked.answers.remove(&key) {
            self.transactions.disarm(answer.at, Due::Answer(id, tag.into()));
        }
        self.tell_received(now, Some(key), Method::Ack, ack, again);
    }

    /// Time to repeat a 2xx, or to give up: then the dialog is ended (RFC 3261 §13.3.1.4).
    pub(super) fn repeat_answer(&mut self, now: Instant, id: ContextId, tag: Box<str>) {
        let t2 = self.settings.timing.t2;
        let key = (id, tag);
        let Some(answer) = self.unacked.answers.get_mut(&key) else { return };
        let before = answer.at;
        let due = Due::Answer(id, key.1.clone());
        self.transactions.disarm(before, due.clone());
        if answer.until <= now {
            self.unacked.answers.remove(&key);
            let why = "no ACK came for the 200 to the INVITE";
            // Refused where the leg is being hung up already.
            let _ = self.hang_up_leg_because(now, id, &key.1, why);
            return;
        }
        answer.interval = answer.interval.saturating_mul(2).min(t2);
        answer.at = (now + answer.interval).min(answer.until);
        let (at, transmit) = (answer.at, answer.transmit.clone());
        self.transactions.arm(at, due);
        let response = Response { status: StatusCode::OK, message: transmit.bytes.clone() };
        if self.transmit_again(transmit) {
            self.tell(now, id, Method::Invite, Fact::Answered(response));
        }
    }

    /// A leg is over: nothing is repeated on it.
    pub(super) fn forget_answer(&mut self, id: ContextId, tag: &str) {
        if let Some(answer) = self.unacked.answers.remove(&(id, tag.into())) {
            self.transactions.disarm(answer.at, Due::Answer(id, tag.into()));
        }
    }
}
