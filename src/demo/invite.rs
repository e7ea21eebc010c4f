//! INVITEs outside of dialogs: provisionals, reliable ones too (RFC 3262), finals, 2xx until their
//! ACK (RFC 3261 §13.3.1.4), and CANCEL (§9.2).

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::sip::{HeaderName, ServerTransactionId, StatusCode};

use super::{
    behaviour::{Behaviour, Step, names_option, status},
    check::Refusal,
    core::{Core, Due},
    dialogs::{CallUsage, Dialog, DialogId, HangUp},
    registrar::expires,
    request::Request,
    schedule::Scheduled,
    sdp::{Offer, SDP, Session},
};

/// An INVITE that has not got all its final responses yet.
#[derive(Debug)]
pub(super) struct Call {
    request: Request,
    behaviour: Behaviour,
    began: Instant,
    steps: VecDeque<Step>,
    legs: Vec<Leg>,
    offer: Option<Offer>,
    timer: Option<Scheduled>,
    expires: Option<Scheduled>,
    /// Whether a 2xx went out: a CANCEL comes too late.
    accepted: bool,
}

#[derive(Debug)]
struct Leg {
    tag: String,
    /// From the first response with a tag on.
    dialog: Option<DialogId>,
    /// The offer or answer that went out reliably, after which a 2xx carries none.
    described: bool,
    /// The caller ended it with a BYE.
    over: bool,
}

impl Core {
    pub(super) fn on_invite(&mut self, now: Instant, request: Request, behaviour: Behaviour) {
        let offer = match self.read_offer(&request) {
            Ok(offer) => offer,
            Err(refusal) => return self.refuse(now, &request, &refusal),
        };
        let id = request.id;
        let legs = (0..behaviour.legs())
            .map(|_| Leg {
                tag: self.identifiers.tag(),
                dialog: None,
                described: false,
                over: false,
            })
            .collect();
        // RFC 3261 §13.3.1: the invitation is over with its Expires.
        let seconds = expires(&request.message).filter(|seconds| *seconds <= MAX_EXPIRES);
        let expires = seconds.map(|seconds| {
            let at = now + Duration::from_secs(seconds.into());
            self.schedule.add(at, Due::Expired(id))
        });
        self.watch_call(request.flow, id);
        let call = Call {
            steps: behaviour.script(&self.settings.pace).into(),
            request,
            behaviour,
            began: now,
            legs,
            offer,
            timer: None,
            expires,
            accepted: false,
        };
        self.calls.insert(id, call);
        self.run_call(now, id);
    }

    /// The offer of an INVITE, where it can be answered.
    pub(super) fn read_offer(&mut self, request: &Request) -> Result<Option<Offer>, Refusal> {
        let offer = Offer::of(&request.message)?;
        let session =
            Session { id: 1, version: 1, address: request.media_address(), port: MEDIA_PORT };
        match offer {
            // RFC 3261 §13.3.1.3.
            Some(offer) if offer.answer(&session).is_none() => Err(Refusal::with(
                488,
                HeaderName::Warning,
                "305 demo.test \"only RTP audio with PCMU, PCMA, G722 or opus is taken here\"",
            )),
            offer => Ok(offer),
        }
    }

    /// Takes every step of a call that is due, and schedules the next one.
    pub(super) fn run_call(&mut self, now: Instant, id: ServerTransactionId) {
        loop {
            let Some(call) = self.calls.get_mut(&id) else { return };
            if let Some(timer) = call.timer.take() {
                self.schedule.cancel(timer);
            }
            let Some(step) = call.steps.front().copied() else {
                if call.behaviour.rings_on() && !call.accepted {
                    self.ring_on(now, id);
                } else {
                    self.forget_call(id);
                }
                return;
            };
            let at = call.began + step.after;
            if at > now {
                call.timer = Some(self.schedule.add(at, Due::Step(id)));
                return;
            }
            if call.legs[step.leg].over {
                call.steps.pop_front();
                continue;
            }
            let dialog = call.legs[step.leg].dialog;
            if self.waits_for_prack(dialog) {
                // The PRACK, or its absence, takes the call on.
                return;
            }
            if let Some(call) = self.calls.get_mut(&id) {
                call.steps.pop_front();
            }
            self.take_step(now, id, step);
        }
    }

    /// RFC 3262 §3: one unacknowledged reliable provisional at a time. A 2xx may only overtake one
    /// without a session description; ours overtakes none.
    fn waits_for_prack(&mut self, dialog: Option<DialogId>) -> bool {
        let dialog = dialog.and_then(|id| self.dialogs.by_id(id));
        dialog
            .is_some_and(|dialog| matches!(dialog.call, CallUsage::Early { reliable: Some(_), .. }))
    }

    /// RFC 3261 §13.3.1.1: a provisional every minute keeps proxies from giving up.
    fn ring_on(&mut self, now: Instant, id: ServerTransactionId) {
        let limit = self.settings.pace.ring;
        let Some(call) = self.calls.get_mut(&id) else { return };
        let after = now.duration_since(call.began) + EVERY_MINUTE;
        if after > limit {
            return self.end_call(now, id, status(480));
        }
        call.steps.push_back(Step { after, leg: 0, status: StatusCode::RINGING });
        let at = call.began + after;
        call.timer = Some(self.schedule.add(at, Due::Step(id)));
    }

    fn take_step(&mut self, now: Instant, id: ServerTransactionId, step: Step) {
        if step.status == StatusCode::TRYING {
            if let Some(call) = self.calls.get(&id) {
                let request = call.request.clone();
                let response = request.response(StatusCode::TRYING);
                self.respond(now, &request, StatusCode::TRYING, response);
            }
        } else if step.status.is_provisional() {
            self.progress(now, id, step);
        } else {
            self.accept(now, id, step.leg);
        }
    }

    /// Sends a provisional that makes, or belongs to, an early dialog.
    fn progress(&mut self, now: Instant, id: ServerTransactionId, step: Step) {
        let Some(dialog_id) = self.early_dialog(id, step.leg) else { return };
        let (Some(call), Some(dialog)) = (self.calls.get_mut(&id), self.dialogs.by_id(dialog_id))
        else {
            return;
        };
        let early = call.behaviour == Behaviour::Early;
        let message = &call.request.message;
        // RFC 3262 §3: reliably where the caller requires it, and where it may be and we want to.
        let reliable = names_option(message, HeaderName::Require, "100rel")
            || early && names_option(message, HeaderName::Supported, "100rel");
        let leg = &mut call.legs[step.leg];
        let description = match (early && !leg.described, &call.offer) {
            (true, Some(offer)) => offer.answer(&dialog.session()),
            // RFC 3261 §13.2.1: an offer of ours stands in the first reliable response.
            (true, None) if reliable => Some(dialog.session().offer()),
            _ => None,
        };
        leg.described |= reliable && description.is_some();
        let request = call.request.clone();
        let mut response = request
            .success(step.status)
            .to_tag(leg.tag.clone())
            .header(HeaderName::Contact, dialog.contact.clone());
        if let Some(description) = description {
            response = response.body(SDP, description);
        }
        if !reliable {
            self.respond(now, &request, step.status, response);
            return;
        }
        let CallUsage::Early { rseq, .. } = &mut dialog.call else { return };
        *rseq += 1;
        let response = response
            .header(HeaderName::Require, "100rel")
            .header(HeaderName::RSeq, rseq.to_string());
        let Some(transmit) = self.respond(now, &request, step.status, response) else { return };
        let due = Due::RepeatProvisional(dialog_id);
        let repeat = self.repeat(now, &request.message, transmit, due);
        if let Some(dialog) = self.dialogs.by_id(dialog_id)
            && let CallUsage::Early { reliable, .. } = &mut dialog.call
        {
            *reliable = repeat;
        }
    }

    /// The dialog of a leg, made where it is not there yet.
    fn early_dialog(&mut self, id: ServerTransactionId, leg: usize) -> Option<DialogId> {
        let call = self.calls.get(&id)?;
        if let Some(dialog) = call.legs[leg].dialog {
            return Some(dialog);
        }
        let usage = CallUsage::Early { call: id, rseq: FIRST_RSEQ, reliable: None };
        let dialog = Dialog::new(&call.request, &call.legs[leg].tag, usage)?;
        let dialog = self.add_dialog(dialog);
        self.calls.get_mut(&id)?.legs[leg].dialog = Some(dialog);
        Some(dialog)
    }

    /// Answers one leg with a 200.
    fn accept(&mut self, now: Instant, id: ServerTransactionId, leg: usize) {
        let Some(dialog_id) = self.early_dialog(id, leg) else { return };
        let (Some(call), Some(dialog)) = (self.calls.get_mut(&id), self.dialogs.by_id(dialog_id))
        else {
            return;
        };
        call.accepted = true;
        if let Some(expires) = call.expires.take() {
            self.schedule.cancel(expires);
        }
        let session = dialog.session();
        let description = match &call.offer {
            _ if call.legs[leg].described => None,
            Some(offer) => offer.answer(&session),
            None => Some(session.offer()),
        };
        let hang_up = match call.behaviour {
            Behaviour::Hangup => HangUp::AfterAck,
            _ => HangUp::Never,
        };
        let old =
            std::mem::replace(&mut dialog.call, CallUsage::Confirmed { success: None, hang_up });
        if let CallUsage::Early { reliable: Some(repeat), .. } = old {
            self.schedule.cancel(repeat.timer);
        }
        let tag = call.legs[leg].tag.clone();
        let request = call.request.clone();
        self.succeed(now, &request, dialog_id, description, Some(tag));
    }

    /// RFC 3262 §3: the interval doubles; after 64·T1 the INVITE is refused with a 5xx.
    pub(super) fn repeat_provisional(&mut self, now: Instant, id: DialogId) {
        let Some(dialog) = self.dialogs.by_id(id) else { return };
        let CallUsage::Early { call, reliable: Some(repeat), .. } = &mut dialog.call else {
            return;
        };
        if now >= repeat.give_up {
            let call = *call;
            return self.end_call(now, call, status(504));
        }
        repeat.interval = repeat.interval.saturating_mul(2);
        let at = (now + repeat.interval).min(repeat.give_up);
        repeat.timer = self.schedule.add(at, Due::RepeatProvisional(id));
        let transmit = repeat.transmit.clone();
        self.transmit(transmit);
    }

    /// RFC 3261 §9.2.
    pub(super) fn on_cancel(&mut self, now: Instant, cancel: &Request) {
        let Some(id) = self.transactions.cancelled_by(&cancel.message) else {
            return self.refuse(now, cancel, &Refusal::new(481));
        };
        let mut response = cancel.response(StatusCode::OK);
        let pending = self.calls.get(&id).filter(|call| !call.accepted);
        if let Some(call) = pending {
            // RFC 3261 §9.2: the same To tag as in the answer to the INVITE.
            response = response.to_tag(call.legs[0].tag.clone());
        }
        match pending.map(|call| call.behaviour) {
            Some(Behaviour::Late) => {
                // The call is answered just before the CANCEL comes.
                self.accept(now, id, 0);
                self.forget_call(id);
                self.respond(now, cancel, StatusCode::OK, response);
            }
            Some(_) => {
                self.respond(now, cancel, StatusCode::OK, response);
                self.terminate_call(now, id);
            }
            None => {
                self.respond(now, cancel, StatusCode::OK, response);
            }
        }
    }

    /// Ends a pending call with 487.
    pub(super) fn terminate_call(&mut self, now: Instant, id: ServerTransactionId) {
        self.end_call(now, id, StatusCode::REQUEST_TERMINATED);
    }

    /// Refuses a pending call; where a 2xx went out on one leg already, only stops the others.
    pub(super) fn end_call(&mut self, now: Instant, id: ServerTransactionId, status: StatusCode) {
        let Some(call) = self.calls.get(&id) else { return };
        if !call.accepted {
            let request = call.request.clone();
            let response = request.response(status).to_tag(call.legs[0].tag.clone());
            self.respond(now, &request, status, response);
        }
        self.forget_call(id);
    }

    /// Forgets a call, and the early dialogs that it leaves behind.
    pub(super) fn forget_call(&mut self, id: ServerTransactionId) {
        let Some(call) = self.calls.remove(&id) else { return };
        for scheduled in call.timer.into_iter().chain(call.expires) {
            self.schedule.cancel(scheduled);
        }
        self.unwatch_call(call.request.flow, id);
        for dialog in call.legs.into_iter().filter_map(|leg| leg.dialog) {
            let early = self
                .dialogs
                .by_id(dialog)
                .is_some_and(|dialog| matches!(dialog.call, CallUsage::Early { .. }));
            if early {
                self.end_call_usage(dialog);
            }
        }
    }

    /// Whether offer and answer of the INVITE have gone both ways on this leg.
    pub(super) fn has_negotiated(&mut self, id: ServerTransactionId, dialog: DialogId) -> bool {
        let Some(call) = self.calls.get(&id) else { return true };
        let described = call.legs.iter().any(|leg| leg.dialog == Some(dialog) && leg.described);
        let open = self.dialogs.by_id(dialog).is_some_and(|dialog| {
            matches!(dialog.call, CallUsage::Early { reliable: Some(_), .. })
        });
        described && !open
    }

    /// The caller ended one early dialog with a BYE (RFC 3261 §15); without any left the call is
    /// over.
    pub(super) fn end_leg(&mut self, now: Instant, id: ServerTransactionId, dialog: DialogId) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        for leg in call.legs.iter_mut().filter(|leg| leg.dialog == Some(dialog)) {
            leg.over = true;
        }
        if call.legs.iter().all(|leg| leg.over) {
            self.terminate_call(now, id);
        } else {
            self.end_call_usage(dialog);
        }
    }
}

impl Call {
    /// Whether the INVITE brought an offer.
    pub(super) fn has_offer(&self) -> bool {
        self.offer.is_some()
    }
}

/// Where our media would be. Nothing listens there.
pub(super) const MEDIA_PORT: u32 = 40_000;

/// RFC 3262 §3: from 1 to 2^31 - 1; the number before the first.
const FIRST_RSEQ: u32 = 1000;

const EVERY_MINUTE: Duration = Duration::from_secs(60);

/// A longer Expires than a day means none here.
const MAX_EXPIRES: u32 = 86_400;
