//! Answers whose connection is gone: each goes on a new one to where its request came from, at the
//! port at which the peer takes connections (RFC 3261 §18.2.2). A request that comes again on another
//! connection is answered there.

use std::time::Instant;

use super::{Transmit, UserAgent, errands::Carries, served};
use crate::sip::{
    event::{Destination, Fact, FlowId, Outside, OutsideFact, Response},
    message::Message,
    status::StatusCode,
    transaction::ServerTransactionId,
    uri::UriBuf,
    way_back::WayBack,
};

/// An answer that waits for another connection.
#[derive(Clone, Debug)]
pub(super) struct Returning {
    pub(super) transaction: ServerTransactionId,
    /// What it answers.
    pub(super) request: served::Request,
    response: Response,
    /// How often it will have been sent, and be sent again by itself.
    attempt: u32,
    left: u32,
    /// Where to look, should nobody take a connection.
    pub(super) then: Option<UriBuf>,
}

impl UserAgent {
    /// Hands an answer to its connection, and says where that leads. Where it is gone, the answer is
    /// told once another one carries it.
    pub(super) fn transmit_answer(
        &mut self,
        now: Instant,
        transmit: Transmit,
        transaction: ServerTransactionId,
        status: StatusCode,
        (attempt, left): (u32, u32),
    ) -> Option<Destination> {
        let message = transmit.bytes.clone();
        let destination = self.destination(transmit.flow, transmit.to);
        if self.transmit_again(transmit) {
            return Some(destination);
        }
        let request = self.served.get(transaction)?.clone();
        let response = Response { status, message };
        let answer = Returning { transaction, request, response, attempt, left, then: None };
        self.find_way_back(now, answer);
        None
    }

    fn find_way_back(&mut self, now: Instant, answer: Returning) {
        // What is newer takes the place of what has not gone yet.
        if let Some(waiting) = self.errands.answer_mut(answer.transaction) {
            waiting.response = answer.response;
            (waiting.attempt, waiting.left) = (answer.attempt, answer.left);
            return;
        }
        // We have written it.
        let Ok(message) = Message::read(answer.response.message.clone()) else { return };
        let way = match WayBack::of(&message) {
            Ok(way) => way,
            Err(error) => return self.answer_failed(now, answer, &error.to_string()),
        };
        let Some(uri) = way.uri() else { return };
        if let Some((id, _)) = &answer.request.dialog {
            let served::Request { method, .. } = &answer.request;
            let why = format!(
                "the connection that the {method} came on is gone: the {} goes on a new one to {} (RFC 3261 §18.2.2)",
                answer.response.status, way.address
            );
            let fact = Fact::PassedOver { response: None, why: why.into() };
            self.tell(now, *id, method.clone(), fact);
        }
        let from = answer.request.flow;
        let answer = Returning { then: way.then, ..answer };
        self.run_errand(now, from, Carries::Answer(Box::new(answer)), uri);
    }

    /// The new connection is there; what follows for the same request goes on it too.
    pub(super) fn answer_returns(&mut self, now: Instant, flow: FlowId, answer: Returning) {
        let Returning { transaction, request, response, attempt, left, .. } = answer;
        self.move_answers(transaction, &request, flow);
        if !self.transmit(flow, None, response.message.clone()) {
            return;
        }
        let destination = self.destination(flow, None);
        let request = served::Request { flow, ..request };
        self.tell_answered(now, request, response, (attempt, left), destination);
    }

    /// No connection carries an answer.
    pub(super) fn answer_failed(&mut self, now: Instant, answer: Returning, why: &str) {
        let served::Request { dialog, method, flow, source, .. } = answer.request;
        let detail = format!(
            "the {} to the {method} could not be sent: its connection is gone, and {why}",
            answer.response.status
        );
        match dialog {
            Some((id, _)) => self.tell(now, id, method, Fact::AnswerFailed { detail }),
            None => {
                let fact = OutsideFact::AnswerFailed { detail };
                self.tell_outside(Outside { at: now, flow, source, method, fact });
            }
        }
    }

    /// A request came again; where its own connection is gone, it is answered on this one.
    pub(super) fn came_again_on(&mut self, transaction: ServerTransactionId, flow: FlowId) {
        let Some(before) = self.servers.flow(transaction) else { return };
        if before == flow || self.flows.is_up(before) {
            return;
        }
        if let Some(request) = self.served.get(transaction).cloned() {
            self.move_answers(transaction, &request, flow);
        }
    }

    fn move_answers(
        &mut self,
        transaction: ServerTransactionId,
        request: &served::Request,
        flow: FlowId,
    ) {
        self.servers.move_to(transaction, flow);
        if let Some((id, tag)) = &request.dialog {
            self.unacked.move_to(*id, tag, transaction, flow);
            self.unpracked.move_to(*id, tag, transaction, flow);
        }
    }
}
