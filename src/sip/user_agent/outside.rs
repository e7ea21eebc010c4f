//! What peers send outside every dialog of ours: requests, each told with what it was answered, and
//! messages over a limit.

use std::{net::SocketAddr, time::Instant};

use super::{UserAgent, verdict::Verdict};
use crate::sip::{
    event::{Asked, FlowId},
    flaw::Flaw,
    message::{Message, ReadError},
    method::Method,
    response::response_destination,
    status::StatusCode,
    transaction::ServerTransactionId,
    transport::Transport,
};

impl UserAgent {
    /// RFC 3261 §12.2.2: a To tag names a dialog, and there is none. A CANCEL names no request that
    /// is known here.
    pub(super) fn out_of_dialog(
        &mut self,
        now: Instant,
        transaction: ServerTransactionId,
        request: &Message,
    ) {
        let method = request.method().unwrap_or(Method::Extension("".into()));
        let verdict = match self.servers.is_merged(transaction, request) {
            true => Verdict::loop_detected(),
            false if self.says_no_state(request) => Verdict::no_state(),
            false => {
                let reliable = self.settings.reliable_provisionals;
                Verdict::out_of_dialog(&method, request, &self.settings.limits, reliable)
            }
        };
        self.answer_at_once(now, transaction, request, verdict);
    }

    /// A request outside every dialog of ours: it is told, with what it got.
    pub(super) fn log_asked(
        &mut self,
        now: Instant,
        (flow, source): (FlowId, SocketAddr),
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
        let refused = match message.is_request() {
            true => self.refuse_unread(flow, source, message, Some(error)),
            false => String::new(),
        };
        let problem = format!("{source} sent a {what} that is not taken in: {error}{refused}");
        self.stray(now, flow, message.bytes().clone(), problem);
    }

    /// RFC 7118 §5: a frame holds one message. Of another behind it nothing is done, and it is told.
    pub(super) fn tell_second(
        &mut self,
        now: Instant,
        flow: FlowId,
        source: SocketAddr,
        first: &Message,
    ) {
        let is_websocket = |transport: Transport| transport.is_websocket();
        if !self.transport_of(flow).is_some_and(is_websocket) || first.behind().is_empty() {
            return;
        }
        let behind = first.behind();
        let Ok((second, _)) = Message::read_to_answer(behind.clone(), &self.settings.limits) else {
            return;
        };
        let what = match (second.method(), second.status()) {
            (Some(method), _) => method.to_string(),
            (None, Some(status)) => format!("{status} {}", status.canonical_reason()),
            (None, None) => "response".to_owned(),
        };
        let problem = format!(
            "{source} sent two SIP messages in one WebSocket frame: the first was read, and the {what} behind it, {} bytes, was not (RFC 7118 §5)",
            behind.len()
        );
        self.stray_request(now, flow, behind, problem, None);
    }

    /// RFC 3261 §8.2.7, §21.5.4: no transaction is made for what there is no room for. It is refused,
    /// and no state is kept of it.
    pub(super) fn refuse_overload(
        &mut self,
        now: Instant,
        flow: FlowId,
        source: SocketAddr,
        request: &Message,
    ) {
        let method = request.method().unwrap_or(Method::Extension("".into()));
        let transport = self.flows.flow(flow).map_or(Transport::Udp, |flow| flow.transport);
        let retry_after = 1 + self.identifiers.cseq() % 10;
        let bytes = self.write_answer(request, source, Verdict::overloaded(retry_after));
        let to = response_destination(request, transport, source);
        let refused = match self.transmit(flow, to, bytes) {
            true => ", and refused with 503",
            false => "",
        };
        let problem = format!(
            "{source} sent a {method} that was not taken in{refused}: too many requests of peers are open"
        );
        self.stray(now, flow, request.bytes().clone(), problem);
    }

    /// RFC 3261 §8.2, §18.3: what can be answered is refused, though no transaction can be made for
    /// it; there is no answer to an ACK. Gives the end of a sentence that says what was done.
    pub(super) fn refuse_unread(
        &mut self,
        flow: FlowId,
        source: SocketAddr,
        request: &Message,
        over: Option<ReadError>,
    ) -> String {
        if request.method() == Some(Method::Ack) || !Flaw::is_answerable(request) {
            return String::new();
        }
        let flaw = match over {
            Some(error) => Some(Flaw::over(request, error)),
            None => Flaw::of(request, &self.settings.limits),
        };
        let transport = self.flows.flow(flow).map_or(Transport::Udp, |flow| flow.transport);
        let verdict = Verdict::refusal(flaw);
        let status = verdict.status;
        let bytes = self.write_answer(request, source, verdict);
        match self.transmit(flow, response_destination(request, transport, source), bytes) {
            true => format!("; it was refused with {status}"),
            false => String::new(),
        }
    }
}
