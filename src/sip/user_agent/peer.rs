//! What the peer's own requests do. Each is told as received and answered as RFC 3261 wants it
//! answered; the user may answer some by hand instead.

use std::{net::SocketAddr, time::Instant};

use bytes::Bytes;

use super::{DialogKey, Transmit, UserAgent, served, verdict::Verdict};
use crate::sip::{
    event::{ContextId, Fact, FlowId, Response},
    message::Message,
    method::Method,
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
            let refused = self.refuse_unread(flow, source, request, None);
            let problem = format!("{source} sent a request that cannot be used: {error}{refused}");
            return self.stray(now, flow, request.bytes().clone(), problem);
        }
        let dialog = self.find_dialog(request).or_else(|| self.leg_of_notify(now, request));
        if let Some((id, _)) = &dialog {
            self.heard_on(now, *id, flow);
        }
        match self.servers.receive(now, flow, transport, source, request) {
            Incoming::New(transaction) => {
                let open = served::Request {
                    dialog: dialog.clone(),
                    method: method.clone(),
                    flow,
                    source,
                    cseq: request.cseq().map_or(0, |cseq| cseq.number),
                    status: None,
                    armed: None,
                    timers: 0,
                };
                self.served.begin(transaction, open);
                match (self.cancelled_by(&method, request), dialog) {
                    (Some(invite), _) => {
                        self.cancelled_by_peer(now, transaction, invite, request);
                    }
                    (None, Some((context, tag))) => {
                        let message = request.clone();
                        let peer = PeerRequest { context, tag, method, message, source };
                        self.in_dialog(now, transaction, peer);
                    }
                    (None, None) => self.out_of_dialog(now, transaction, request),
                }
                self.settle_served(transaction);
            }
            Incoming::Retransmit(transaction, transmit) => {
                self.came_again_on(transaction, flow);
                let flow = self.servers.flow(transaction).unwrap_or(transmit.flow);
                let transmit = Transmit { flow, ..transmit };
                self.received_again(now, transaction, request, true);
                self.answer_again(now, transaction, transmit);
            }
            Incoming::Absorbed(transaction) => {
                self.came_again_on(transaction, flow);
                self.received_again(now, transaction, request, true);
            }
            Incoming::Acked(transaction) => {
                self.received_again(now, transaction, request, false);
                self.settle_served(transaction);
            }
            Incoming::Ack => match dialog {
                Some((context, tag)) => self.ack_received(now, context, &tag, request),
                None => {
                    let problem =
                        format!("{source} sent an ACK for nothing that was answered here");
                    self.stray(now, flow, request.bytes().clone(), problem);
                }
            },
            Incoming::Full => self.refuse_overload(now, flow, source, request),
            // It was looked at before; a response does not get here.
            Incoming::Unusable => {}
        }
    }

    /// The request that a CANCEL names, where it is known (RFC 3261 §9.2).
    fn cancelled_by(&self, method: &Method, cancel: &Message) -> Option<ServerTransactionId> {
        (*method == Method::Cancel).then(|| self.servers.cancelled_by(cancel)).flatten()
    }

    /// RFC 3261 §9.2: a CANCEL of a request that is known is answered with 200, and ends what waits
    /// for an answer by hand. It belongs to the dialog of what it cancels.
    fn cancelled_by_peer(
        &mut self,
        now: Instant,
        transaction: ServerTransactionId,
        cancelled: ServerTransactionId,
        cancel: &Message,
    ) {
        let request = self.served.get(cancelled);
        // RFC 3261 §9.2: of any other method it has no effect.
        let is_invite = request.is_some_and(|request| request.method == Method::Invite);
        let dialog = request.and_then(|request| request.dialog.clone());
        self.served.belongs_to(transaction, dialog);
        self.answer_at_once(now, transaction, cancel, Verdict::cancel_taken());
        if is_invite {
            self.terminate_request(now, cancelled);
        }
    }

    /// Answers what means nothing for a dialog, and tells both.
    pub(super) fn answer_at_once(
        &mut self,
        now: Instant,
        transaction: ServerTransactionId,
        request: &Message,
        verdict: Verdict,
    ) {
        let Some(open) = self.served.get(transaction).cloned() else { return };
        let status = verdict.status;
        if let Some((id, _)) = &open.dialog {
            let (message, answer) = (request.bytes().clone(), Some(status));
            let fact =
                Fact::Received { message, again: false, transaction: None, session: None, answer };
            self.tell(now, *id, open.method.clone(), fact);
        }
        let bytes = self.write_answer(request, open.source, verdict);
        let transmit = self.servers.respond(now, transaction, status, bytes.clone());
        self.note_answer(transaction, status);
        let sent = transmit
            .and_then(|transmit| self.transmit_answer(now, transmit, transaction, status, (1, 0)));
        let is_sent = sent.is_some();
        match (open.dialog, sent) {
            (Some((id, _)), Some(destination)) => {
                let response = Box::new(Response { status, message: bytes });
                let fact = Fact::Answered { response, attempt: 1, left: 0, destination };
                self.tell(now, id, open.method, fact);
            }
            (Some(_), None) => {}
            (None, _) => {
                // RFC 6665 §4.2.2: a 481 ends what the peer notifies of.
                let refused = self.makes_no_leg(now, request).filter(|_| status.code() == 481);
                if let Some((id, tag, why)) = refused {
                    let detail = format!("{why}: the NOTIFY is answered {status}");
                    self.tell(now, id, Method::Notify, Fact::NoLeg { tag, detail });
                }
                let answer = is_sent.then_some(status);
                self.log_asked(now, (open.flow, open.source), request, false, answer);
            }
        }
    }

    fn in_dialog(&mut self, now: Instant, transaction: ServerTransactionId, peer: PeerRequest) {
        let by_hand = self.settings.by_hand.contains(&peer.method);
        let message = peer.message.bytes().clone();
        let verdict = self.judge(&peer);
        // What is wrong is refused, whoever answers the rest.
        let asks = by_hand && verdict.is_choice;
        let answer = (!asks).then_some(verdict.status);
        let waits = asks.then_some(transaction);
        let session =
            verdict.sdp.as_ref().filter(|_| asks).map(|text| Box::new(Bytes::from(text.clone())));
        let fact = Fact::Received { message, again: false, transaction: waits, session, answer };
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
        id: ContextId,
        method: Method,
        request: &Message,
        again: bool,
    ) {
        let message = request.bytes().clone();
        let fact =
            Fact::Received { message, again, transaction: None, session: None, answer: None };
        self.tell(now, id, method, fact);
    }
}
