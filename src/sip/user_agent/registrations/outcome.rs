//! What becomes of a REGISTER: accepted, refused, or never answered.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Stage, Wish,
    book::{Binding, Failure},
};
use crate::sip::{
    compose,
    event::{ContextId, FlowId},
    header::{RetryAfter, number},
    message::Message,
    name::HeaderName,
    registration::{Grant, Ours, RegistrationId, schedule},
    status::StatusCode,
    transport::Transport,
    user_agent::UserAgent,
};

impl UserAgent {
    /// A 2xx came to a REGISTER.
    pub(in crate::sip::user_agent) fn register_accepted(
        &mut self,
        now: Instant,
        context: ContextId,
        message: &Message,
    ) {
        let Some(id) = self.registrations.by_context.remove(&context) else { return };
        let jitter = self.identifiers.jitter();
        let Some(registration) = self.registrations.all.get(&id) else { return };
        let removes = matches!(registration.stage, Stage::Removing(_));
        let seen = registration.flow.and_then(|flow| self.seen(flow));
        let ours = Ours {
            contact: &registration.contact,
            instance: registration.wanted.instance.as_deref(),
            reg_id: registration.wanted.reg_id,
            seen,
            expires: if removes { 0 } else { registration.expires },
        };
        let grant = Grant::read(now, message, &ours);
        let missing = grant.missing(&ours);
        let Some(registration) = self.registrations.all.get_mut(&id) else { return };
        let bound = (grant.granted > 0).then(|| Binding {
            until: now + Duration::from_secs(grant.granted.into()),
            contact: registration.contact.clone(),
        });
        // What a removal leaves ends by itself, and nobody asks again.
        let (failure, retry_at) = match (&bound, removes) {
            (Some(_), true) => (Some(STILL_BOUND.to_owned()), None),
            (None, false) => {
                registration.failures = registration.failures.saturating_add(1);
                let wait = schedule::back_off(registration.failures, jitter);
                (Some(missing), Some(now + wait))
            }
            _ => (None, None),
        };
        registration.stage = match failure {
            Some(reason) => Stage::Failed(Failure { reason, status: None, retry_at }),
            None if removes => Stage::Idle,
            None => Stage::Registered { refresh_at: now + schedule::refresh_after(grant.granted) },
        };
        registration.stands = bound.is_some();
        registration.elsewhere_at = None;
        if bound.is_some() {
            registration.failures = 0;
        }
        registration.binding = bound;
        registration.grant = Some(Arc::new(grant));
        self.go_on(now, id, removes);
        self.move_binding(now, id);
    }

    /// A peer sees us elsewhere: what is registered on its flow is registered there.
    pub(in crate::sip::user_agent) fn move_bindings(&mut self, now: Instant, flow: FlowId) {
        for id in self.registrations.on(flow) {
            self.move_binding(now, id);
        }
    }

    /// Registers anew where the binding is not what Contact says by now.
    fn move_binding(&mut self, now: Instant, id: RegistrationId) {
        let Some(registration) = self.registrations.all.get(&id) else { return };
        let is_kept = registration.wish == Wish::Keep && !registration.moved;
        let is_bound = matches!(registration.stage, Stage::Registered { .. });
        let Some(flow) = registration.flow.filter(|_| is_kept && is_bound) else { return };
        let Some((transport @ Transport::Udp, sent_by)) = self.address(flow) else { return };
        let address = registration.wanted.identity.uri.as_uri();
        let reached_at = compose::reached_at(&sent_by, self.seen(flow));
        let contact = compose::contact_uri(transport, &reached_at, &address, address.is_sips());
        if registration.bound_to() == contact {
            return;
        }
        if let Some(registration) = self.registrations.all.get_mut(&id) {
            registration.moved = true;
        }
        self.send_register(now, id, false);
    }

    /// A REGISTER was refused; `detail` says why nothing was done about it, where there is more to
    /// say than the response does.
    pub(in crate::sip::user_agent) fn register_rejected(
        &mut self,
        now: Instant,
        context: ContextId,
        (status, message): (StatusCode, &Message),
        detail: &str,
    ) {
        let Some(id) = self.registrations.by_context.remove(&context) else { return };
        let jitter = self.identifiers.jitter();
        let Some(registration) = self.registrations.all.get_mut(&id) else { return };
        let removes = matches!(registration.stage, Stage::Removing(_));
        let value = |name| message.header(name).and_then(|header| header.text().ok());
        let too_brief = (status == StatusCode::INTERVAL_TOO_BRIEF && !removes)
            .then(|| longer(value(HeaderName::MinExpires), registration.expires));
        // RFC 3261 §10.2.8: a 423 is answered by asking for at least Min-Expires; at once, but not
        // in circles.
        if let Some(Ok(least)) = too_brief {
            registration.expires = least;
            if registration.failures == 0 {
                registration.failures = 1;
                registration.stage = Stage::Idle;
                return self.go_on(now, id, true);
            }
        }
        let retry_after = value(HeaderName::RetryAfter)
            .and_then(|text| Some(RetryAfter::parse(text).ok()?.seconds));
        registration.failures = registration.failures.saturating_add(1);
        let wait = match retry_after {
            Some(seconds) => Some(schedule::asked_for(seconds, jitter)),
            None => (schedule::may_pass(status) || matches!(too_brief, Some(Ok(_))))
                .then(|| schedule::back_off(registration.failures, jitter)),
        };
        let mut reason = format!("{status} {}", message.reason_phrase()).trim_end().to_owned();
        let why = too_brief.and_then(Result::err).unwrap_or_else(|| detail.to_owned());
        if !why.is_empty() {
            reason = format!("{reason}: {why}");
        }
        self.fail_registration(now, id, reason, Some(status), wait);
    }

    /// A REGISTER was never answered, or could not be sent.
    pub(in crate::sip::user_agent) fn register_failed(
        &mut self,
        now: Instant,
        context: ContextId,
        reason: String,
    ) {
        let Some(id) = self.registrations.by_context.remove(&context) else { return };
        let jitter = self.identifiers.jitter();
        let Some(registration) = self.registrations.all.get_mut(&id) else { return };
        let stands = registration.flow.is_some_and(|flow| self.flows.stands(flow));
        if registration.wish == Wish::Keep && !stands && registration.waits_for_its_flow() {
            return self.wait_for_flow(now, id);
        }
        if registration.wish == Wish::Keep && registration.name.is_some() {
            // The next try looks the name up again.
            registration.flow = None;
        }
        registration.failures = registration.failures.saturating_add(1);
        let wait = schedule::back_off(registration.failures, jitter);
        self.fail_registration(now, id, reason, None, Some(wait));
    }

    fn fail_registration(
        &mut self,
        now: Instant,
        id: RegistrationId,
        reason: String,
        status: Option<StatusCode>,
        wait: Option<Duration>,
    ) {
        let Some(registration) = self.registrations.all.get_mut(&id) else { return };
        let removes = matches!(registration.stage, Stage::Removing(_));
        // A binding that could not be removed ends by itself; nobody asks again.
        let retry_at = wait.filter(|_| !removes).and_then(|wait| now.checked_add(wait));
        let reason = match removes {
            true => format!("the binding was not removed, and ends by itself: {reason}"),
            false => reason,
        };
        registration.stands = false;
        registration.elsewhere_at = None;
        registration.binding = registration.binding.take().filter(|binding| now < binding.until);
        registration.stage = Stage::Failed(Failure { reason, status, retry_at });
        self.go_on(now, id, removes);
    }

    /// A REGISTER is over: what it came to is told, and what was wished meanwhile is done. `again`
    /// is whether the registration, where it is wanted, is not made by this.
    fn go_on(&mut self, now: Instant, id: RegistrationId, again: bool) {
        let Some(registration) = self.registrations.all.get(&id) else { return };
        let is_done = match registration.wish {
            Wish::Keep => !again,
            // One that failed to go is not asked to go again.
            Wish::Remove => again,
            Wish::Forget => false,
        };
        if is_done {
            return self.tell_registration(now, id);
        }
        if again && registration.wish == Wish::Forget {
            // Whatever came of the removal, it is forgotten.
            if let Some(registration) = self.registrations.all.get_mut(&id) {
                registration.binding = None;
            }
        }
        self.pursue(now, id);
    }
}

/// What a removal that removed nothing comes to.
const STILL_BOUND: &str =
    "the binding was not removed, and ends by itself: the registrar still lists it in its 200";

/// How many seconds a 423 asks for, where that is more than was asked for and can be asked for; else
/// why nothing better can be asked for.
fn longer(least: Option<&str>, asked: u32) -> Result<u32, String> {
    let Some(text) = least else {
        return Err("it has no Min-Expires that says how long would do (RFC 3261 §10.3)".to_owned());
    };
    let least = number(HeaderName::MinExpires, text).ok().and_then(|it| u32::try_from(it).ok());
    match least {
        None => Err(format!(
            "its Min-Expires {:?} is no number of seconds that can be asked for, at most {} (RFC 3261 §20.19)",
            text.trim(),
            u32::MAX
        )),
        Some(least) if least <= asked => {
            Err(format!("its Min-Expires is {least}, and {asked} seconds were asked for"))
        }
        Some(least) => Ok(least),
    }
}
