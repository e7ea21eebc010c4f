//! Answers to the peer's requests in our dialogs: the user's own, the automatic ones, and what each
//! means for its dialog.

use std::{
    net::SocketAddr,
    num::NonZeroU32,
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{AnswerError, UserAgent, peer::PeerRequest, repeated::Repeated, verdict::Verdict};
use crate::sip::{
    event::{ContextId, Fact, Response, TerminatedBy},
    message::Message,
    method::Method,
    name::HeaderName,
    request::ExtraHeader,
    response::ResponseBuilder,
    sdp,
    status::StatusCode,
    transaction::ServerTransactionId,
};

/// An answer that the user gives by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status, provisional or final.
    pub status: StatusCode,
    /// The reason phrase; empty for the status's own.
    pub reason: String,
    /// Further headers, in order.
    pub headers: Vec<ExtraHeader>,
    /// The Content-Type; needed where there is a body.
    pub content_type: Option<String>,
    /// The body.
    pub body: Bytes,
}

impl UserAgent {
    /// Answers a request of the peer that waits for it; a provisional may come before the final.
    ///
    /// # Errors
    ///
    /// Where no request waits under that name: it was answered, or has timed out. Where a reliable
    /// provisional must have its PRACK first.
    pub fn answer(
        &mut self,
        now: Instant,
        transaction: ServerTransactionId,
        answer: Answer,
    ) -> Result<(), AnswerError> {
        let waits = self.by_hand.get(&transaction).ok_or(AnswerError::Gone)?;
        if let Some(status) = self.waits_for_prack(waits, answer.status) {
            return Err(AnswerError::Unacknowledged(status));
        }
        let Some(peer) = self.by_hand.remove(&transaction) else { return Err(AnswerError::Gone) };
        // Who writes an RSeq looks after it.
        let reliable = self.must_be_reliable(&peer, answer.status)
            && !answer.headers.iter().any(|header| header.name().eq_ignore_ascii_case("RSeq"));
        let rseq = reliable.then(|| self.next_rseq(transaction, &peer));
        let mut response = ResponseBuilder::new(&peer.message, peer.source, answer.status);
        if !answer.reason.is_empty() {
            response = response.reason(answer.reason);
        }
        if let Some(contact) = self.contact_of(peer.context) {
            response = response.header(HeaderName::Contact, contact);
        }
        if let Some(rseq) = rseq {
            response = response.header(HeaderName::Require, "100rel");
            response = response.header(HeaderName::RSeq, rseq.to_string());
        }
        for header in &answer.headers {
            response = response.extension(header.name(), header.value());
        }
        if let Some(content_type) = &answer.content_type {
            response = response.body(content_type, answer.body);
        }
        let bytes = response.build();
        let description = Message::read(bytes.clone()).ok().as_ref().and_then(sdp::body);
        if let Some(text) = description.filter(|_| answer.status.is_success() || rseq.is_some()) {
            self.described(peer.context, &peer.tag).describe(&text);
        }
        match rseq {
            None => self.respond(now, transaction, &peer, answer.status, bytes),
            Some(_) => self.send_answer(now, transaction, &peer, (answer.status, rseq), bytes),
        }
        if !answer.status.is_final() {
            self.by_hand.insert(transaction, peer);
        }
        self.settle_served(transaction);
        Ok(())
    }

    /// Sends an answer, and does what it means.
    pub(super) fn respond(
        &mut self,
        now: Instant,
        transaction: ServerTransactionId,
        peer: &PeerRequest,
        status: StatusCode,
        bytes: Bytes,
    ) {
        self.send_answer(now, transaction, peer, (status, None), bytes);
        if !status.is_success() {
            return;
        }
        match peer.method {
            Method::Bye => {
                self.terminate_leg(now, peer.context, &peer.tag, TerminatedBy::Peer);
            }
            Method::Notify => self.notified(now, peer),
            Method::Invite | Method::Update => {
                self.refresh_target((peer.context, &peer.tag), &peer.message);
                self.look_at_hops(now, peer.context, (peer.context, &peer.tag), &peer.message);
            }
            _ => {}
        }
    }

    /// Sends an answer; a provisional that has an RSeq is repeated until its PRACK comes.
    fn send_answer(
        &mut self,
        now: Instant,
        transaction: ServerTransactionId,
        peer: &PeerRequest,
        (status, rseq): (StatusCode, Option<NonZeroU32>),
        bytes: Bytes,
    ) {
        let transmit = self.servers.respond(now, transaction, status, bytes.clone());
        self.note_answer(transaction, status);
        let timing = self.settings.timing;
        let cap = match rseq {
            // RFC 3262 §3: the interval of a reliable provisional doubles without a cap.
            Some(_) => Some(Duration::MAX),
            // RFC 3261 §13.3.1.4.
            None => (peer.method == Method::Invite && status.is_success()).then_some(timing.t2),
        };
        let repeated = transmit.clone().zip(cap);
        let repeated = repeated.map(|(transmit, cap)| Repeated::new(now, transmit, timing, cap));
        let left = match &repeated {
            Some(repeated) => repeated.left(),
            None => self.servers.transaction(transaction).map_or(0, |it| it.attempts_left()),
        };
        let sent = transmit.and_then(|transmit| {
            self.transmit_answer(now, transmit, transaction, status, (1, left))
        });
        match (repeated, rseq) {
            (Some(repeated), Some(rseq)) => {
                self.await_prack(peer, transaction, (status, rseq), repeated);
            }
            (Some(repeated), None) => self.await_ack(peer, (transaction, status), repeated),
            (None, _) => {}
        }
        if peer.method == Method::Invite && status.is_final() {
            self.leave_provisional(peer);
        }
        if let Some(destination) = sent {
            let response = Box::new(Response { status, message: bytes });
            let fact = Fact::Answered { response, attempt: 1, left, destination };
            self.tell(now, peer.context, peer.method.clone(), fact);
        }
        if peer.offers()
            && status.is_final()
            && let Some(leg) = self.leg_mut(peer.context, &peer.tag)
        {
            leg.peer_offer_pending = false;
        }
    }

    /// Answers a request that waits for an answer by hand and gets none any more: a BYE with 200, all
    /// others with 487 (RFC 3261 §15.1.2). Nothing where none waits.
    pub(super) fn terminate_request(&mut self, now: Instant, transaction: ServerTransactionId) {
        let Some(peer) = self.by_hand.get(&transaction) else { return };
        let verdict = match peer.method {
            Method::Bye => Verdict::bye_taken(),
            _ => Verdict::terminated(),
        };
        self.answer_instead(now, transaction, verdict);
    }

    /// Answers a request that waits for an answer by hand, and gets this one.
    pub(super) fn answer_instead(
        &mut self,
        now: Instant,
        transaction: ServerTransactionId,
        verdict: Verdict,
    ) {
        let Some(peer) = self.by_hand.remove(&transaction) else { return };
        let status = verdict.status;
        let bytes = self.write_answer(&peer.message, peer.source, verdict);
        // What ends it tells so itself, where its dialog is over.
        self.send_answer(now, transaction, &peer, (status, None), bytes);
        self.settle_served(transaction);
    }

    /// RFC 3261 §15.1.2: what is pending in a dialog when its BYE comes is answered; so it is when a
    /// dialog ends in another way. A NOTIFY is of another usage of it (RFC 5057 §4.2).
    pub(super) fn give_up_leg(&mut self, now: Instant, id: ContextId, tag: &str) {
        let outlives = self.contexts.get(&id).is_some_and(|it| it.method == Method::Invite);
        let is_of_leg = |transaction: &ServerTransactionId| {
            let waits = self.by_hand.get(transaction).filter(|peer| &*peer.tag == tag);
            waits.is_some_and(|peer| peer.method != Method::Notify || !outlives)
        };
        let pending: Vec<ServerTransactionId> = self.served.of(id).filter(is_of_leg).collect();
        for transaction in pending {
            self.terminate_request(now, transaction);
        }
    }

    pub(super) fn write_answer(
        &mut self,
        request: &Message,
        source: SocketAddr,
        verdict: Verdict,
    ) -> Bytes {
        let tag = self.identifiers.tag();
        let mut response = ResponseBuilder::new(request, source, verdict.status).to_tag(tag);
        if let Some(reason) = verdict.reason {
            response = response.reason(reason);
        }
        for (name, value) in verdict.headers {
            response = response.extension(name, &value);
        }
        response = response.header(HeaderName::Server, self.settings.user_agent.clone());
        if let Some(sdp) = verdict.sdp {
            response = response.body(crate::sip::sdp::SDP, sdp.into());
        }
        response.build()
    }

    /// Our Contact in the dialogs of an INVITE.
    pub(super) fn contact_of(&self, id: ContextId) -> Option<String> {
        let invite = self.contexts.get(&id)?.message()?;
        Some(invite.header(HeaderName::Contact)?.text().ok()?.to_owned())
    }
}
