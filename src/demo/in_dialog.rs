//! Requests in a dialog: re-INVITE, UPDATE, PRACK, BYE and the rest (RFC 3261 §12.2.2).

use std::time::Instant;

use crate::sip::{HeaderName, Message, Method, ServerTransactionId, StatusCode};

use super::{
    check::Refusal,
    core::Core,
    dialogs::{CallUsage, DialogId},
    request::Request,
    sdp::SDP,
};

/// Where the call of a dialog stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CallState {
    None,
    Early(ServerTransactionId),
    /// Its 2xx has not been acknowledged yet.
    Unacknowledged,
    Up,
}

impl Core {
    pub(super) fn on_request_in_dialog(&mut self, now: Instant, id: DialogId, request: &Request) {
        let Ok(cseq) = request.message.cseq().map(|cseq| cseq.number) else { return };
        let Some(dialog) = self.dialogs.by_id(id) else { return };
        let call = match &dialog.call {
            CallUsage::None => CallState::None,
            CallUsage::Early { call, .. } => CallState::Early(*call),
            CallUsage::Confirmed { success: Some(_), .. } => CallState::Unacknowledged,
            CallUsage::Confirmed { success: None, .. } => CallState::Up,
        };
        if !dialog.advance(cseq) {
            let refusal = Refusal::because(500, "The CSeq number is not higher than the last one");
            return self.refuse(now, request, &refusal);
        }
        match (&request.method, call) {
            (Method::Invite | Method::Update | Method::Prack | Method::Bye, CallState::None) => {
                self.refuse(now, request, &Refusal::new(481));
            }
            (Method::Bye, _) => self.on_bye(now, id, request, call),
            (Method::Invite, CallState::Up) => self.on_reinvite(now, id, request),
            // RFC 3261 §14.2.
            (Method::Invite, CallState::Early(_)) => {
                self.refuse(now, request, &Refusal::with(500, HeaderName::RetryAfter, "2"));
            }
            (Method::Invite, _) => self.refuse(now, request, &Refusal::new(491)),
            (Method::Update, _) => self.on_update(now, id, request, call),
            (Method::Prack, CallState::Early(call)) => self.on_prack(now, id, request, call),
            (Method::Prack, _) => self.refuse(now, request, &Refusal::new(481)),
            (Method::Subscribe, _) => self.on_subscribe(now, request, Some(id)),
            (Method::Refer, _) => self.on_refer(now, request, Some(id)),
            _ => self.on_other(now, request),
        }
    }

    fn on_bye(&mut self, now: Instant, id: DialogId, request: &Request, call: CallState) {
        self.respond(now, request, StatusCode::OK, request.response(StatusCode::OK));
        match call {
            // RFC 3261 §15: the caller may end an early dialog so.
            CallState::Early(call) => self.end_leg(now, call, id),
            _ => self.end_call_usage(id),
        }
    }

    fn on_reinvite(&mut self, now: Instant, id: DialogId, request: &Request) {
        let offer = match self.read_offer(request) {
            Ok(offer) => offer,
            Err(refusal) => return self.refuse(now, request, &refusal),
        };
        let Some(dialog) = self.dialogs.by_id(id) else { return };
        dialog.refresh(request);
        dialog.descriptions += 1;
        let session = dialog.session();
        let description = match offer {
            Some(offer) => offer.answer(&session),
            None => Some(session.offer()),
        };
        self.succeed(now, request, id, description, None);
    }

    /// RFC 3311 §5.2.
    fn on_update(&mut self, now: Instant, id: DialogId, request: &Request, call: CallState) {
        let offer = match self.read_offer(request) {
            Ok(offer) => offer,
            Err(refusal) => return self.refuse(now, request, &refusal),
        };
        // An offer cannot overtake the one of the INVITE, nor ours.
        if offer.is_some()
            && let CallState::Early(call) = call
            && !self.has_negotiated(call, id)
        {
            return self.refuse(now, request, &Refusal::with(500, HeaderName::RetryAfter, "2"));
        }
        let Some(dialog) = self.dialogs.by_id(id) else { return };
        dialog.refresh(request);
        let mut response =
            request.success(StatusCode::OK).header(HeaderName::Contact, dialog.contact.clone());
        if let Some(offer) = offer {
            dialog.descriptions += 1;
            if let Some(answer) = offer.answer(&dialog.session()) {
                response = response.body(SDP, answer);
            }
        }
        self.respond(now, request, StatusCode::OK, response);
    }

    /// RFC 3262 §3.
    fn on_prack(
        &mut self,
        now: Instant,
        id: DialogId,
        request: &Request,
        call: ServerTransactionId,
    ) {
        let Some(rack) = rack(&request.message) else {
            return self.refuse(now, request, &Refusal::because(400, "The RAck cannot be read"));
        };
        let Some(dialog) = self.dialogs.by_id(id) else { return };
        let CallUsage::Early { rseq, reliable, .. } = &mut dialog.call else { return };
        let rseq = *rseq;
        let matching = |cseq: u32| rack == (rseq, cseq, "INVITE");
        let Some(repeat) = reliable.take_if(|repeat| matching(repeat.cseq)) else {
            return self.refuse(now, request, &Refusal::new(481));
        };
        self.schedule.cancel(repeat.timer);
        let response = match self.new_answer(id, request, call) {
            Ok(Some(answer)) => request.success(StatusCode::OK).body(SDP, answer),
            Ok(None) => request.success(StatusCode::OK),
            Err(refusal) => return self.refuse(now, request, &refusal),
        };
        self.respond(now, request, StatusCode::OK, response);
        self.run_call(now, call);
    }

    /// The answer to an offer in a PRACK: where the INVITE brought the first one, a session
    /// description in the PRACK is another offer; else it is the answer to ours (RFC 3262 §5).
    fn new_answer(
        &mut self,
        id: DialogId,
        request: &Request,
        call: ServerTransactionId,
    ) -> Result<Option<bytes::Bytes>, Refusal> {
        if !self.calls.get(&call).is_some_and(|call| call.has_offer()) {
            return Ok(None);
        }
        let offer = self.read_offer(request)?;
        let Some(dialog) = self.dialogs.by_id(id) else { return Ok(None) };
        Ok(offer.and_then(|offer| {
            dialog.descriptions += 1;
            offer.answer(&dialog.session())
        }))
    }
}

/// `RAck: rseq cseq METHOD` (RFC 3262 §7.2).
fn rack(prack: &Message) -> Option<(u32, u32, &str)> {
    let mut words = prack.header(HeaderName::RAck)?.text().ok()?.split_ascii_whitespace();
    let mut number = || words.next()?.parse().ok();
    let (rseq, cseq) = (number()?, number()?);
    let method = words.next()?;
    words.next().is_none().then_some((rseq, cseq, method))
}
