//! Answered calls: a 2xx until its ACK (RFC 3261 §13.3.1.4), and the end of a call.

use std::time::Instant;

use bytes::Bytes;

use crate::sip::{HeaderName, Message, Method, ResponseBuilder, StatusCode, Transmit};

use super::{
    core::{Core, Due},
    dialogs::{CallUsage, Dialog, DialogId, DialogKey, HangUp, Repeat},
    invite::MEDIA_PORT,
    outgoing::Purpose,
    request::Request,
    sdp::{SDP, Session},
};

impl Core {
    /// Sends a 200 to an INVITE, in or outside of a dialog, and repeats it until its ACK.
    pub(super) fn succeed(
        &mut self,
        now: Instant,
        request: &Request,
        dialog_id: DialogId,
        description: Option<Bytes>,
        tag: Option<String>,
    ) {
        let Some(dialog) = self.dialogs.by_id(dialog_id) else { return };
        let mut response: ResponseBuilder<'_> =
            request.success(StatusCode::OK).header(HeaderName::Contact, dialog.contact.clone());
        if let Some(tag) = tag {
            response = response.to_tag(tag);
        }
        if let Some(description) = description {
            response = response.body(SDP, description);
        }
        let Some(transmit) = self.respond(now, request, StatusCode::OK, response) else { return };
        let due = Due::RepeatSuccess(dialog_id);
        let repeat = self.repeat(now, &request.message, transmit, due);
        if let Some(dialog) = self.dialogs.by_id(dialog_id)
            && let CallUsage::Confirmed { success, .. } = &mut dialog.call
        {
            *success = repeat;
        }
    }

    /// RFC 3261 §13.3.1.4: the interval doubles up to T2; after 64·T1 without an ACK the dialog is
    /// confirmed and ended with a BYE.
    pub(super) fn repeat_success(&mut self, now: Instant, id: DialogId) {
        let timing = self.settings.timing;
        let Some(dialog) = self.dialogs.by_id(id) else { return };
        let CallUsage::Confirmed { success: Some(repeat), .. } = &mut dialog.call else { return };
        if now >= repeat.give_up {
            return self.hang_up(now, id);
        }
        repeat.interval = timing.back_off(repeat.interval);
        let at = (now + repeat.interval).min(repeat.give_up);
        repeat.timer = self.schedule.add(at, Due::RepeatSuccess(id));
        let transmit = repeat.transmit.clone();
        self.transmit(transmit);
    }

    /// An ACK that no rejection waited for: for a 2xx, or for nothing that is known.
    pub(super) fn on_ack(&mut self, now: Instant, ack: &Message) {
        let Some(id) = DialogKey::of(ack).and_then(|key| self.dialogs.find(&key)) else { return };
        let Ok(cseq) = ack.cseq() else { return };
        let Some(dialog) = self.dialogs.by_id(id) else { return };
        let CallUsage::Confirmed { success, hang_up } = &mut dialog.call else { return };
        // RFC 3261 §13.2.2.4: the ACK has the number of its INVITE.
        let Some(repeat) = success.take_if(|repeat| repeat.cseq == cseq.number) else { return };
        self.schedule.cancel(repeat.timer);
        if *hang_up == HangUp::AfterAck {
            let at = now + self.settings.pace.hang_up;
            *hang_up = HangUp::At(self.schedule.add(at, Due::HangUp(id)));
        }
    }

    /// Ends a confirmed call with a BYE of ours.
    pub(super) fn hang_up(&mut self, now: Instant, id: DialogId) {
        let branch = self.identifiers.branch();
        let Some(dialog) = self.dialogs.by_id(id) else { return };
        if !matches!(dialog.call, CallUsage::Confirmed { .. }) {
            return;
        }
        let flow = dialog.flow;
        let (bytes, to) = dialog.request(&Method::Bye, branch, &[], None);
        let request = Transmit { flow: flow.id, to, bytes };
        let reliable = flow.transport.is_reliable();
        let transmit = self.outgoing.send(now, branch, reliable, request, Purpose::HangUp);
        self.transmit(transmit);
        self.end_call_usage(id);
    }

    /// The call of a dialog is over; so is the dialog where nothing else uses it.
    pub(super) fn end_call_usage(&mut self, id: DialogId) {
        let Some(dialog) = self.dialogs.by_id(id) else { return };
        let scheduled = match std::mem::replace(&mut dialog.call, CallUsage::None) {
            CallUsage::None => [None, None],
            CallUsage::Early { reliable, .. } => [reliable.map(|repeat| repeat.timer), None],
            CallUsage::Confirmed { success, hang_up } => {
                let hang_up = match hang_up {
                    HangUp::At(timer) => Some(timer),
                    HangUp::Never | HangUp::AfterAck => None,
                };
                [success.map(|repeat| repeat.timer), hang_up]
            }
        };
        let unused = dialog.is_unused();
        for scheduled in scheduled.into_iter().flatten() {
            self.schedule.cancel(scheduled);
        }
        if unused {
            self.drop_dialog(id);
        }
    }

    /// Begins to repeat a response that was just sent.
    pub(super) fn repeat(
        &mut self,
        now: Instant,
        invite: &Message,
        transmit: Transmit,
        due: Due,
    ) -> Option<Repeat> {
        let timing = self.settings.timing;
        Some(Repeat {
            cseq: invite.cseq().ok()?.number,
            transmit,
            interval: timing.t1,
            give_up: now + timing.patience(),
            timer: self.schedule.add(now + timing.t1, due),
        })
    }
}

impl Dialog {
    /// What our session descriptions say of us now.
    pub(super) fn session(&self) -> Session {
        Session {
            id: self.session_id(),
            version: self.descriptions,
            address: self.media_address,
            port: MEDIA_PORT,
        }
    }
}
