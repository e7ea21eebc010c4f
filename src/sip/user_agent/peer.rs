//! What the peer's own requests do: BYE ends its leg, and anything else is answered as RFC 3261
//! wants it answered.

use std::{net::SocketAddr, time::Instant};

use super::{DialogKey, Output, UserAgent};
use crate::sip::{
    compose,
    event::{ContextId, Fact, FlowId, TerminatedBy},
    message::Message,
    method::Method,
    name::HeaderName,
    response::ResponseBuilder,
    status::StatusCode,
    transaction::{Incoming, ServerTransactionId},
    transport::Transport,
};

impl UserAgent {
    pub(super) fn handle_request(
        &mut self,
        now: Instant,
        flow: FlowId,
        source: SocketAddr,
        request: &Message,
    ) {
        let method = request.method().unwrap_or(Method::Extension("".into()));
        if let Err(error) = request.essentials() {
            let problem = format!("{source} sent a request that cannot be used: {error}");
            return self.stray(now, flow, request.bytes().clone(), problem);
        }
        let transport = self.flows.flow(flow).map_or(Transport::Udp, |flow| flow.transport);
        let dialog = self.find_dialog(request);
        match self.servers.receive(now, flow, transport, source, request) {
            Incoming::New(transaction) => {
                self.new_request(now, flow, source, request, method, dialog, transaction);
            }
            Incoming::Retransmit(_, transmit) => {
                self.output.push_back(Output::Transmit(transmit));
                self.tell_received(now, dialog, method, request, true);
            }
            Incoming::Absorbed(_) => self.tell_received(now, dialog, method, request, true),
            Incoming::Acked(_) => self.tell_received(now, dialog, method, request, false),
            Incoming::Ack => {
                let problem = format!("{source} sent an ACK for nothing that was answered here");
                self.stray(now, flow, request.bytes().clone(), problem);
            }
            Incoming::Full | Incoming::Unusable => {
                let problem = format!(
                    "{source} sent a {method} that could not be taken in: too many requests are open already"
                );
                self.stray(now, flow, request.bytes().clone(), problem);
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one request, and all that is known of it")]
    fn new_request(
        &mut self,
        now: Instant,
        flow: FlowId,
        source: SocketAddr,
        request: &Message,
        method: Method,
        dialog: Option<(ContextId, Box<str>)>,
        transaction: ServerTransactionId,
    ) {
        let code = self.judge(&method, request, dialog.as_ref());
        let status = StatusCode::new(code).unwrap_or(StatusCode::OK);
        let tag = self.identifiers.tag();
        let mut response = ResponseBuilder::new(request, source, status).to_tag(tag);
        if code == 405 || method == Method::Options {
            response = response.header(HeaderName::Allow, compose::ALLOW);
        }
        let bytes = response.header(HeaderName::Server, self.settings.user_agent.clone()).build();
        self.tell_received(now, dialog.clone(), method.clone(), request, false);
        if let Some(transmit) = self.servers.respond(now, transaction, status, bytes.clone()) {
            self.output.push_back(Output::Transmit(transmit));
        }
        let Some((id, tag)) = dialog else {
            let problem = format!(
                "{source} sent {method} {}, which belongs to nothing here: answered {status} {}",
                request.request_uri().unwrap_or_default(),
                status.canonical_reason()
            );
            return self.stray(now, flow, request.bytes().clone(), problem);
        };
        let answer = crate::sip::event::Response { status, message: bytes };
        self.tell(now, id, method.clone(), Fact::Answered(answer));
        if method == Method::Bye && status.is_success() {
            self.terminate_leg(now, id, &tag, TerminatedBy::Peer);
        }
    }

    /// The status that answers a new request.
    fn judge(
        &mut self,
        method: &Method,
        request: &Message,
        dialog: Option<&(ContextId, Box<str>)>,
    ) -> u16 {
        let Some((id, tag)) = dialog else {
            // RFC 3261 §12.2.2: a To tag names a dialog. A BYE or NOTIFY without one has none, and
            // a CANCEL matches no INVITE that is still unanswered here.
            let is_lost = request.to().is_ok_and(|to| to.tag().is_some())
                || matches!(method, Method::Bye | Method::Notify | Method::Cancel);
            return match method {
                _ if is_lost => 481,
                Method::Options => 200,
                _ => 405,
            };
        };
        let number = request.cseq().map_or(0, |cseq| cseq.number);
        let Some(leg) = self.contexts.get_mut(id).and_then(|context| context.leg_mut(tag)) else {
            return 481;
        };
        if leg.is_terminated() {
            return 481;
        }
        // RFC 3261 §12.2.2: out of order is 500.
        if leg.remote_cseq.is_some_and(|last| number < last) {
            return 500;
        }
        leg.remote_cseq = Some(number);
        match method {
            Method::Bye | Method::Options => 200,
            Method::Cancel => 481,
            _ => 405,
        }
    }

    /// The leg that a request of the peer belongs to: Call-ID and both tags (RFC 3261 §12.2.2).
    fn find_dialog(&self, request: &Message) -> Option<(ContextId, Box<str>)> {
        let id = *self.dialogs.get(&DialogKey::of_theirs(request)?)?;
        let from = request.from().ok()?;
        let tag = from.tag()?;
        let context = self.contexts.get(&id)?;
        context.legs.iter().find(|leg| &*leg.tag == tag).map(|leg| (id, leg.tag.clone()))
    }

    fn tell_received(
        &mut self,
        now: Instant,
        dialog: Option<(ContextId, Box<str>)>,
        method: Method,
        request: &Message,
        again: bool,
    ) {
        if let Some((id, _)) = dialog {
            let message = request.bytes().clone();
            self.tell(now, id, method, Fact::Received { message, again, transaction: None });
        }
    }
}
