//! What the peer's own requests do. Each is told as received and answered as RFC 3261 wants it
//! answered; the user may answer some by hand instead.

use std::{net::SocketAddr, time::Instant};

use bytes::Bytes;

use super::{DialogKey, UserAgent, verdict::Verdict};
use crate::sip::{
    event::{Asked, ContextId, Fact, FlowId, Response, TerminatedBy},
    flaw::Flaw,
    message::{Message, ReadError},
    method::Method,
    name::HeaderName,
    request::ExtraHeader,
    response::{ResponseBuilder, response_destination},
    sdp,
    status::StatusCode,
    transaction::{Incoming, ServerTransactionId},
    transport::Transport,
};

/// A request of the peer in a dialog of ours.
#[derive(Debug)]
pub(super) struct PeerRequest {
    /// The INVITE whose leg it belongs to.
    pub(super) context: ContextId,
    /// That leg.
    pub(super) tag: Box<str>,
    pub(super) method: Method,
    pub(super) message: Message,
    pub(super) source: SocketAddr,
}

impl PeerRequest {
    /// Whether it opens an offer and answer: an INVITE always does, an UPDATE with a body.
    pub(super) fn offers(&self) -> bool {
        match self.method {
            Method::Invite => true,
            Method::Update => !self.message.body().is_empty(),
            _ => false,
        }
    }
}

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
    pub(super) fn handle_request(
        &mut self,
        now: Instant,
        flow: FlowId,
        source: SocketAddr,
        request: &Message,
    ) {
        let method = request.method().unwrap_or(Method::Extension("".into()));
        let transport = self.flows.flow(flow).map_or(Transport::Udp, |flow| flow.transport);
        let essentials = request.essentials().map(drop);
        if let Err(error) = essentials.and_then(|()| request.check_vias()) {
            self.refuse_unread(flow, source, request, None);
            let problem = format!("{source} sent a request that cannot be used: {error}");
            return self.stray(now, flow, request.bytes().clone(), problem);
        }
        let dialog = self.find_dialog(request).or_else(|| self.leg_of_notify(now, request));
        if let Some((id, _)) = &dialog {
            self.heard_on(now, *id, flow);
        }
        match self.servers.receive(now, flow, transport, source, request) {
            Incoming::New(transaction)
                if method == Method::Cancel && self.servers.cancelled_by(request).is_some() =>
            {
                self.cancelled_by_peer(now, flow, transaction, dialog, request, source);
            }
            Incoming::New(transaction) => match dialog {
                Some((context, tag)) => {
                    let message = request.clone();
                    let peer = PeerRequest { context, tag, method, message, source };
                    self.in_dialog(now, transaction, peer);
                }
                None => self.out_of_dialog(now, flow, transaction, &method, request, source),
            },
            Incoming::Retransmit(_, transmit) => {
                self.transmit_again(transmit);
                self.tell_or_log(now, flow, source, dialog, request, true);
            }
            Incoming::Absorbed(_) => self.tell_or_log(now, flow, source, dialog, request, true),
            Incoming::Acked(_) => self.tell_or_log(now, flow, source, dialog, request, false),
            Incoming::Ack => match dialog {
                Some((context, tag)) => self.ack_received(now, context, &tag, request),
                None => {
                    let problem =
                        format!("{source} sent an ACK for nothing that was answered here");
                    self.stray(now, flow, request.bytes().clone(), problem);
                }
            },
            Incoming::Full | Incoming::Unusable => {
                let problem = format!(
                    "{source} sent a {method} that was not taken in: too many requests of peers are open"
                );
                self.stray(now, flow, request.bytes().clone(), problem);
            }
        }
    }

    /// A message over one of the limits came: it is shown, and refused where it is a request.
    pub(super) fn too_much(
        &mut self,
        now: Instant,
        flow: FlowId,
        source: SocketAddr,
        message: &Message,
        error: ReadError,
    ) {
        let what = match message.is_request() {
            true => "request",
            false => "response",
        };
        if message.is_request() {
            self.refuse_unread(flow, source, message, Some(error));
        }
        let problem = format!("{source} sent a {what} that is not taken in: {error}");
        self.stray(now, flow, message.bytes().clone(), problem);
    }

    /// RFC 3261 §8.2, §18.3: what can be answered is refused, though no transaction can be made for
    /// it; there is no answer to an ACK.
    fn refuse_unread(
        &mut self,
        flow: FlowId,
        source: SocketAddr,
        request: &Message,
        over: Option<ReadError>,
    ) {
        if request.method() == Some(Method::Ack) || !Flaw::is_answerable(request) {
            return;
        }
        let flaw = match over {
            Some(error) => Some(Flaw::over(request, error)),
            None => Flaw::of(request, &self.settings.limits),
        };
        let transport = self.flows.flow(flow).map_or(Transport::Udp, |flow| flow.transport);
        let bytes = self.write_answer(request, source, Verdict::refusal(flaw));
        self.transmit(flow, response_destination(request, transport, source), bytes);
    }

    /// RFC 3261 §9.2: a CANCEL of a request that is known is answered with 200, and ends what waits
    /// for an answer by hand.
    fn cancelled_by_peer(
        &mut self,
        now: Instant,
        flow: FlowId,
        transaction: ServerTransactionId,
        dialog: Option<(ContextId, Box<str>)>,
        cancel: &Message,
        source: SocketAddr,
    ) {
        let verdict = Verdict::cancel_taken();
        let status = verdict.status;
        if let Some((id, _)) = dialog {
            let message = cancel.bytes().clone();
            let fact =
                Fact::Received { message, again: false, transaction: None, answer: Some(status) };
            self.tell(now, id, Method::Cancel, fact);
        }
        let bytes = self.write_answer(cancel, source, verdict);
        if let Some(transmit) = self.servers.respond(now, transaction, status, bytes.clone()) {
            self.transmit_again(transmit);
        }
        match dialog {
            Some((id, _)) => {
                let fact = Fact::Answered(Response { status, message: bytes });
                self.tell(now, id, Method::Cancel, fact);
            }
            None => self.log_asked(now, flow, source, cancel, false, Some(status)),
        }
        if let Some(invite) = self.servers.cancelled_by(cancel) {
            self.terminate_request(now, invite);
        }
    }

    /// Answers 487 to a request that waits for an answer by hand; nothing where none does.
    fn terminate_request(&mut self, now: Instant, transaction: ServerTransactionId) {
        let Some(peer) = self.by_hand.remove(&transaction) else { return };
        let verdict = Verdict::terminated();
        let status = verdict.status;
        let bytes = self.write_answer(&peer.message, peer.source, verdict);
        self.respond(now, transaction, &peer, status, bytes);
    }

    /// RFC 3261 §12.2.2: a To tag names a dialog, and there is none. A CANCEL names no request that
    /// is known here.
    fn out_of_dialog(
        &mut self,
        now: Instant,
        flow: FlowId,
        transaction: ServerTransactionId,
        method: &Method,
        request: &Message,
        source: SocketAddr,
    ) {
        let verdict = match self.servers.is_merged(transaction, request) {
            true => Verdict::loop_detected(),
            false => Verdict::out_of_dialog(method, request, &self.settings.limits),
        };
        let status = verdict.status;
        let bytes = self.write_answer(request, source, verdict);
        if let Some(transmit) = self.servers.respond(now, transaction, status, bytes) {
            self.transmit_again(transmit);
        }
        self.log_asked(now, flow, source, request, false, Some(status));
    }

    /// A request outside every dialog of ours: it is told, with what it got.
    fn log_asked(
        &mut self,
        now: Instant,
        flow: FlowId,
        source: SocketAddr,
        request: &Message,
        again: bool,
        answer: Option<StatusCode>,
    ) {
        let method = request.method().unwrap_or(Method::Extension("".into()));
        let outcome = match answer {
            Some(status) => format!(": answered {status} {}", status.canonical_reason()),
            None if again => ", again".to_owned(),
            None => String::new(),
        };
        let uri = request.request_uri().unwrap_or_default();
        let problem = format!("{source} sent {method} {uri}, outside every dialog{outcome}");
        let asked = Asked { method, source, again, answer };
        self.stray_request(now, flow, request.bytes().clone(), problem, Some(asked));
    }

    /// What changes nothing is told to its context, or as a request outside every dialog.
    fn tell_or_log(
        &mut self,
        now: Instant,
        flow: FlowId,
        source: SocketAddr,
        dialog: Option<(ContextId, Box<str>)>,
        request: &Message,
        again: bool,
    ) {
        match (dialog, request.method()) {
            (None, _) | (_, None) => self.log_asked(now, flow, source, request, again, None),
            (dialog, Some(method)) => self.tell_received(now, dialog, method, request, again),
        }
    }

    fn in_dialog(&mut self, now: Instant, transaction: ServerTransactionId, peer: PeerRequest) {
        let by_hand = self.settings.by_hand.contains(&peer.method);
        let message = peer.message.bytes().clone();
        let waits = by_hand.then_some(transaction);
        let verdict = self.judge(&peer);
        // What is wrong is refused, whoever answers the rest.
        let asks = by_hand && verdict.status.is_success();
        let answer = (!asks).then_some(verdict.status);
        let fact = Fact::Received { message, again: false, transaction: waits, answer };
        self.tell(now, peer.context, peer.method.clone(), fact);
        if asks {
            self.ask_user(now, transaction, peer);
            return;
        }
        let status = verdict.status;
        if let Some(text) = &verdict.sdp {
            self.described(peer.context, &peer.tag).describe(text);
        }
        let bytes = self.write_answer(&peer.message, peer.source, verdict);
        self.respond(now, transaction, &peer, status, bytes);
    }

    fn ask_user(&mut self, now: Instant, transaction: ServerTransactionId, peer: PeerRequest) {
        if peer.offers()
            && let Some(leg) = self.leg_mut(peer.context, &peer.tag)
        {
            leg.peer_offer_pending = true;
        }
        if peer.method == Method::Invite {
            // RFC 3261 §17.2.1: a user takes longer than 200 ms.
            let verdict = Verdict::trying();
            let status = verdict.status;
            let bytes = self.write_answer(&peer.message, peer.source, verdict);
            self.respond(now, transaction, &peer, status, bytes);
        }
        self.by_hand.insert(transaction, peer);
    }

    /// Answers a request of the peer that waits for it; a provisional may come before the final.
    ///
    /// # Errors
    ///
    /// Where no request waits under that name: it was answered, or has timed out.
    pub fn answer(
        &mut self,
        now: Instant,
        transaction: ServerTransactionId,
        answer: Answer,
    ) -> Result<(), super::AnswerError> {
        let Some(peer) = self.by_hand.remove(&transaction) else {
            return Err(super::AnswerError);
        };
        let mut response = ResponseBuilder::new(&peer.message, peer.source, answer.status);
        if !answer.reason.is_empty() {
            response = response.reason(answer.reason);
        }
        if let Some(contact) = self.contact_of(peer.context) {
            response = response.header(HeaderName::Contact, contact);
        }
        for header in &answer.headers {
            response = response.extension(header.name(), header.value());
        }
        if let Some(content_type) = &answer.content_type {
            response = response.body(content_type, answer.body);
        }
        let bytes = response.build();
        let description = Message::read(bytes.clone()).ok().as_ref().and_then(sdp::body);
        if let Some(text) = description.filter(|_| answer.status.is_success()) {
            self.described(peer.context, &peer.tag).describe(&text);
        }
        self.respond(now, transaction, &peer, answer.status, bytes);
        if !answer.status.is_final() {
            self.by_hand.insert(transaction, peer);
        }
        Ok(())
    }

    /// Sends an answer, and does what it means.
    fn respond(
        &mut self,
        now: Instant,
        transaction: ServerTransactionId,
        peer: &PeerRequest,
        status: StatusCode,
        bytes: Bytes,
    ) {
        let transmit = self.servers.respond(now, transaction, status, bytes.clone());
        let mut is_sent = false;
        if let Some(transmit) = transmit {
            is_sent = self.transmit_again(transmit.clone());
            if peer.method == Method::Invite && status.is_success() {
                self.await_ack(now, peer, transmit);
            }
        }
        if is_sent {
            let fact = Fact::Answered(Response { status, message: bytes });
            self.tell(now, peer.context, peer.method.clone(), fact);
        }
        if peer.offers()
            && status.is_final()
            && let Some(leg) = self.leg_mut(peer.context, &peer.tag)
        {
            leg.peer_offer_pending = false;
        }
        if !status.is_success() {
            return;
        }
        match peer.method {
            Method::Bye => {
                self.give_up_leg(now, peer.context, &peer.tag);
                self.terminate_leg(now, peer.context, &peer.tag, TerminatedBy::Peer);
            }
            Method::Notify => self.notified(now, peer),
            Method::Invite | Method::Update => {
                if let Some(leg) = self.leg_mut(peer.context, &peer.tag) {
                    leg.refresh(&peer.message);
                }
            }
            _ => {}
        }
    }

    /// RFC 3261 §15.1.2: what is pending in a dialog when its BYE comes is answered with 487.
    fn give_up_leg(&mut self, now: Instant, id: ContextId, tag: &str) {
        let is_of_leg = |peer: &PeerRequest| peer.context == id && &*peer.tag == tag;
        let mut pending: Vec<ServerTransactionId> =
            self.by_hand.iter().filter(|(_, p)| is_of_leg(p)).map(|(id, _)| *id).collect();
        pending.sort_unstable();
        for transaction in pending {
            self.terminate_request(now, transaction);
        }
    }

    fn write_answer(&mut self, request: &Message, source: SocketAddr, verdict: Verdict) -> Bytes {
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

    /// The leg that a request of the peer belongs to: Call-ID and both tags (RFC 3261 §12.2.2).
    pub(super) fn find_dialog(&self, request: &Message) -> Option<(ContextId, Box<str>)> {
        let key = DialogKey::of_theirs(request)?;
        let from = request.from().ok()?;
        let tag = from.tag()?;
        self.dialogs.contexts(&key).find_map(|id| {
            let mut legs = self.contexts.get(&id)?.legs.iter();
            legs.find(|leg| &*leg.tag == tag).map(|leg| (id, leg.tag.clone()))
        })
    }

    pub(super) fn tell_received(
        &mut self,
        now: Instant,
        dialog: Option<(ContextId, Box<str>)>,
        method: Method,
        request: &Message,
        again: bool,
    ) {
        if let Some((id, _)) = dialog {
            let message = request.bytes().clone();
            self.tell(
                now,
                id,
                method,
                Fact::Received { message, again, transaction: None, answer: None },
            );
        }
    }
}
