//! Reliable provisionals of ours to the peer's INVITEs, repeated until their PRACK comes
//! (RFC 3262 §3). Only a user answers with a provisional, so each belongs to an INVITE that is
//! answered by hand.

use std::{collections::BTreeMap, num::NonZeroU32, time::Instant};

use super::{
    UserAgent, peer::PeerRequest, repeated::Repeated, transactions::Due, verdict::Verdict,
};
use crate::sip::{
    event::{ContextId, Fact, FlowId, Timer},
    header::RAck,
    message::Message,
    method::Method,
    name::HeaderName,
    sdp,
    status::StatusCode,
    transaction::ServerTransactionId,
};

/// The last reliable provisional of each leg: no two of them wait for a PRACK at once.
#[derive(Debug, Default)]
pub(super) struct Unpracked {
    last: BTreeMap<(ContextId, Box<str>), Provisional>,
}

#[derive(Debug)]
struct Provisional {
    /// Of its INVITE.
    transaction: ServerTransactionId,
    cseq: u32,
    rseq: NonZeroU32,
    status: StatusCode,
    describes: Describes,
    stands: Stands,
}

/// What its body does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Describes {
    Nothing,
    /// It offers: the answer is in the PRACK.
    Offer,
    /// It answers the offer of the INVITE: the PRACK may make another.
    Answer,
}

#[derive(Debug)]
enum Stands {
    Repeated(Repeated),
    /// The INVITE has its final answer; a PRACK may still come.
    Left,
    Acknowledged,
}

impl Unpracked {
    pub(super) fn len(&self) -> usize {
        self.last.len()
    }

    /// When those of a context are sent again, and when their PRACKs are given up; each with the
    /// number of its INVITE and the tag of its leg.
    pub(super) fn timers(
        &self,
        id: ContextId,
    ) -> impl Iterator<Item = (Timer, Instant, u32, &str)> {
        let from = self.last.range((id, Box::from(""))..);
        let of_context = from.take_while(move |((of, _), _)| *of == id);
        let repeated =
            of_context.filter_map(|((_, tag), last)| Some((&**tag, last.cseq, last.repeated()?)));
        repeated.flat_map(|(tag, cseq, repeated)| {
            let timers = repeated.timers(Timer::ProvisionalAgain, Timer::PrackWait);
            timers.map(move |(timer, at)| (timer, at, cseq, tag))
        })
    }

    /// That of a transaction goes on another connection from now on.
    pub(super) fn move_to(
        &mut self,
        id: ContextId,
        tag: &str,
        transaction: ServerTransactionId,
        flow: FlowId,
    ) {
        if let Some(last) = self.last.get_mut(&(id, tag.into()))
            && last.transaction == transaction
            && let Stands::Repeated(repeated) = &mut last.stands
        {
            repeated.move_to(flow);
        }
    }

    fn of(&self, id: ContextId, tag: &str) -> Option<&Provisional> {
        self.last.get(&(id, tag.into()))
    }
}

impl Provisional {
    fn repeated(&self) -> Option<&Repeated> {
        match &self.stands {
            Stands::Repeated(repeated) => Some(repeated),
            Stands::Left | Stands::Acknowledged => None,
        }
    }
}

impl UserAgent {
    /// The provisional that still waits for its PRACK where an answer must not go out before that:
    /// no second reliable one, and no 2xx where the first describes the session (RFC 3262 §3, §5).
    pub(super) fn waits_for_prack(
        &self,
        peer: &PeerRequest,
        status: StatusCode,
    ) -> Option<StatusCode> {
        let last = self.unpracked.of(peer.context, &peer.tag)?;
        last.repeated()?;
        let waits = self.must_be_reliable(peer, status)
            || (status.is_success() && last.describes != Describes::Nothing);
        waits.then_some(last.status)
    }

    /// Whether a provisional to an INVITE goes out reliably: its peer requires it (RFC 3262 §3).
    pub(super) fn must_be_reliable(&self, peer: &PeerRequest, status: StatusCode) -> bool {
        let mut required = peer.message.list(HeaderName::Require);
        peer.method == Method::Invite
            && status.is_provisional()
            && status != StatusCode::TRYING
            && required.any(|option| option.eq_ignore_ascii_case("100rel"))
    }

    /// The RSeq of the next reliable provisional to an INVITE: by chance for the first one, with room
    /// to count on (RFC 3262 §3).
    pub(super) fn next_rseq(
        &mut self,
        transaction: ServerTransactionId,
        peer: &PeerRequest,
    ) -> NonZeroU32 {
        let last = self.unpracked.of(peer.context, &peer.tag);
        match last.filter(|last| last.transaction == transaction) {
            Some(last) => last.rseq.saturating_add(1),
            None => NonZeroU32::MIN.saturating_add(self.identifiers.rseq()),
        }
    }

    pub(super) fn await_prack(
        &mut self,
        peer: &PeerRequest,
        transaction: ServerTransactionId,
        (status, rseq): (StatusCode, NonZeroU32),
        repeated: Repeated,
    ) {
        let written = Message::read(repeated.bytes().clone()).ok();
        let describes = match (written.as_ref().and_then(sdp::body), sdp::body(&peer.message)) {
            (None, _) => Describes::Nothing,
            (Some(_), None) => Describes::Offer,
            (Some(_), Some(_)) => Describes::Answer,
        };
        self.forget_provisional(peer.context, &peer.tag);
        let due = Due::Provisional(peer.context, peer.tag.clone());
        self.transactions.arm(repeated.at(), due);
        let last = Provisional {
            transaction,
            cseq: peer.message.cseq().map_or(0, |cseq| cseq.number),
            rseq,
            status,
            describes,
            stands: Stands::Repeated(repeated),
        };
        self.unpracked.last.insert((peer.context, peer.tag.clone()), last);
    }

    /// Time to repeat a reliable provisional, or to give up: then its INVITE is refused
    /// (RFC 3262 §3).
    pub(super) fn repeat_provisional(&mut self, now: Instant, id: ContextId, tag: Box<str>) {
        let key = (id, tag);
        let Some(last) = self.unpracked.last.get_mut(&key) else { return };
        let (status, transaction) = (last.status, last.transaction);
        let Stands::Repeated(repeated) = &mut last.stands else { return };
        let due = Due::Provisional(id, key.1.clone());
        self.transactions.disarm(repeated.at(), due.clone());
        if let Some(again) = repeated.next(now) {
            self.transactions.arm(repeated.at(), due);
            return self.repeat(now, id, (transaction, status), again);
        }
        last.stands = Stands::Left;
        let seconds = self.settings.timing.patience().as_secs_f64();
        let detail = format!(
            "no PRACK came for the {status} to the INVITE within {seconds} s: it is refused (64·T1, RFC 3262 §3)"
        );
        self.tell(now, id, Method::Invite, Fact::NeverAcked { detail });
        self.answer_instead(now, transaction, Verdict::never_acknowledged(status));
    }

    /// How a PRACK of the peer is answered that acknowledges what waits for it; nothing where it
    /// acknowledges nothing (RFC 3262 §3).
    pub(super) fn prack_received(&mut self, peer: &PeerRequest) -> Option<Verdict> {
        let rack = peer.message.header(HeaderName::RAck)?.text().ok()?;
        let rack = RAck::parse(rack).ok()?;
        let last = self.unpracked.last.get_mut(&(peer.context, peer.tag.clone()))?;
        let named = (rack.rseq, rack.cseq.number, rack.cseq.method);
        if named != (last.rseq.get(), last.cseq, "INVITE") {
            return None;
        }
        let before = match std::mem::replace(&mut last.stands, Stands::Acknowledged) {
            Stands::Repeated(repeated) => Some(repeated.at()),
            Stands::Left => None,
            Stands::Acknowledged => return None,
        };
        let answers = last.describes == Describes::Answer;
        if let Some(at) = before {
            self.transactions.disarm(at, Due::Provisional(peer.context, peer.tag.clone()));
        }
        let offer = sdp::body(&peer.message).filter(|_| answers);
        let offer = offer.filter(|offer| sdp::is_readable(offer));
        let answer = offer.map(|offer| self.described(peer.context, &peer.tag).answer(&offer));
        Some(Verdict::acknowledged(answer))
    }

    /// An INVITE has its final answer: nothing is repeated for it, though a PRACK may still come.
    pub(super) fn leave_provisional(&mut self, peer: &PeerRequest) {
        let key = (peer.context, peer.tag.clone());
        let Some(last) = self.unpracked.last.get_mut(&key) else { return };
        if let Stands::Repeated(repeated) = &last.stands {
            let at = repeated.at();
            last.stands = Stands::Left;
            self.transactions.disarm(at, Due::Provisional(key.0, key.1));
        }
    }

    /// A leg is over, or has another provisional.
    pub(super) fn forget_provisional(&mut self, id: ContextId, tag: &str) {
        let last = self.unpracked.last.remove(&(id, tag.into()));
        if let Some(at) = last.as_ref().and_then(|last| last.repeated()).map(|it| it.at()) {
            self.transactions.disarm(at, Due::Provisional(id, tag.into()));
        }
    }
}
