//! Subscriptions: the dialogs that SUBSCRIBE and REFER make, and the NOTIFYs in them
//! (RFC 6665 §4.1, RFC 3515 §2.4).

use std::time::{Duration, Instant};

use super::{UserAgent, dialog_index::DialogKey, peer::PeerRequest, transactions::Due};
use crate::sip::{
    cause::Cause,
    dialog::Leg,
    event::{ContextId, Fact, LegState, State, TerminatedBy, Timer},
    header::{Event, SubscriptionState},
    message::Message,
    method::Method,
    name::HeaderName,
    request::{DialogRequest, ExtraHeader},
    status::StatusCode,
};

/// Whether a method outside any dialog asks for notifications.
pub(super) fn subscribes(method: &Method) -> bool {
    matches!(method, Method::Subscribe | Method::Refer)
}

/// How a subscription stands by a NOTIFY.
pub(super) fn subscription_state(notify: &Message) -> Option<SubscriptionState<'_>> {
    SubscriptionState::parse(notify.header(HeaderName::SubscriptionState)?.text().ok()?).ok()
}

/// The seconds that Expires names.
fn expires(message: &Message) -> Option<u32> {
    message.header(HeaderName::Expires)?.text().ok()?.trim().parse().ok()
}

impl UserAgent {
    /// A NOTIFY may overtake the 2xx, so the dialog is looked for from the start, and Timer N runs
    /// (RFC 6665 §4.1.2.4).
    pub(super) fn expect_notify(&mut self, now: Instant, id: ContextId) {
        if self.is_subscription(id) {
            self.register_dialog(id);
            self.wait_for_notify(id, Some(now + self.settings.timing.patience()));
        }
    }

    /// Moves Timer N.
    pub(super) fn wait_for_notify(&mut self, id: ContextId, until: Option<Instant>) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let before = std::mem::replace(&mut context.deadline, until);
        self.transactions.arm_context(id, before, until);
    }

    /// Whether a context has made a subscription, or tries to.
    pub(super) fn is_subscription(&self, id: ContextId) -> bool {
        self.contexts.get(&id).is_some_and(|c| subscribes(&c.method) && c.parent.is_none())
    }

    /// Timer N: without any NOTIFY the subscription has failed; where a fork has sent one, those that
    /// have not are over (RFC 6665 §4.1.2.4).
    pub(super) fn never_notified(&mut self, now: Instant, id: ContextId) {
        let Some(context) = self.contexts.get(&id) else { return };
        if context.state != State::Accepted {
            return;
        }
        if !context.legs.iter().all(|leg| leg.is_early()) {
            return self.end_early_legs(now, id, TerminatedBy::GivenUp);
        }
        let seconds = self.settings.timing.patience().as_secs_f64();
        let detail = format!(
            "no NOTIFY came within {seconds} s of the {} (Timer N, 64·T1, RFC 6665 §4.1.2.4)",
            context.method
        );
        self.fail(now, id, State::Failed, Cause::RequestTimeout, detail);
    }

    /// A 2xx to a SUBSCRIBE or REFER outside a dialog makes a subscription; its dialog is early until
    /// the NOTIFY that makes it (RFC 6665 §4.4.1).
    pub(super) fn subscribed(
        &mut self,
        now: Instant,
        id: ContextId,
        message: &Message,
    ) -> Option<Box<str>> {
        if !self.is_subscription(id) {
            return None;
        }
        let timer_n = now + self.settings.timing.patience();
        let context = self.contexts.get_mut(&id)?;
        // RFC 4488 §4: the peer will not notify.
        let refused = message.header(HeaderName::ReferSub).is_some_and(|header| {
            header
                .text()
                .is_ok_and(|text| text.trim_start().to_ascii_lowercase().starts_with("false"))
        });
        let tag: Box<str> = message.to().ok()?.tag()?.into();
        if refused || context.leg_mut(&tag).is_some() {
            return None;
        }
        let request = context.message()?;
        let cseq = request.cseq().ok()?.number;
        let request_uri = String::from_utf8_lossy(request.request_uri_bytes());
        let mut leg = Leg::new(message, &request_uri, cseq)?;
        leg.subscribed = true;
        context.legs.push(leg);
        // Another fork may have ended it.
        let until = context.deadline.unwrap_or(timer_n);
        self.wait_for_notify(id, Some(until));
        Some(tag)
    }

    /// A 2xx came to what has made a subscription: how long its leg lasts, where no NOTIFY has said
    /// so before.
    pub(super) fn subscription_granted(&mut self, now: Instant, id: ContextId, message: &Message) {
        let tag = message.to().ok().and_then(|to| to.tag().map(Box::<str>::from));
        let Some(tag) = tag.filter(|_| self.is_subscription(id)) else { return };
        if self.leg_mut(id, &tag).is_some_and(|leg| leg.until.is_none()) {
            self.subscription_lasts(now, id, &tag, expires(message));
        }
    }

    /// A 2xx came to a SUBSCRIBE of ours in the dialog of a leg: where it refreshes the subscription
    /// that made the dialog, that lasts as long as it says (RFC 6665 §4.1.2.2).
    pub(super) fn subscription_refreshed(
        &mut self,
        now: Instant,
        refresh: ContextId,
        (id, tag): (ContextId, &str),
        message: &Message,
    ) {
        let sent = self.contexts.get(&refresh).and_then(|context| context.message());
        let is_root = self.contexts.get(&id).is_some_and(|c| subscribes(&c.method));
        if is_root && sent.is_some_and(|sent| self.is_subscribed_to(id, &sent)) {
            self.subscription_lasts(now, id, tag, expires(message));
        }
    }

    /// How long the subscription of a leg lasts from now on; a fetch, or one that was ended, only
    /// until the last NOTIFY should have come (RFC 6665 §4.1.2.3). What ends already gets no more time.
    fn subscription_lasts(&mut self, now: Instant, id: ContextId, tag: &str, seconds: Option<u32>) {
        let is_notified = self.leg_mut(id, tag).is_some_and(|leg| leg.is_up());
        let until = match seconds {
            None => return,
            // Timer N runs already.
            Some(0) if !is_notified => return,
            Some(0) => (Timer::N, now + self.settings.timing.patience()),
            Some(seconds) => (Timer::Expiry, now + Duration::from_secs(seconds.into())),
        };
        let ends = |leg: &Leg| matches!(leg.state, LegState::HangingUp { .. });
        if !self.leg_mut(id, tag).is_some_and(|leg| ends(leg)) {
            self.subscription_until(id, tag, Some(until));
        }
    }

    /// Moves the deadline of a leg's subscription.
    pub(super) fn subscription_until(
        &mut self,
        id: ContextId,
        tag: &str,
        until: Option<(Timer, Instant)>,
    ) {
        let Some(leg) = self.leg_mut(id, tag).filter(|leg| !leg.is_terminated()) else { return };
        let before = std::mem::replace(&mut leg.until, until.map(Box::new));
        if let Some((_, at)) = before.as_deref() {
            self.transactions.disarm(*at, Due::Subscription(id, tag.into()));
        }
        if let Some((_, at)) = until {
            self.transactions.arm(at, Due::Subscription(id, tag.into()));
        }
    }

    /// The time of a leg's subscription is over.
    pub(super) fn subscription_expired(&mut self, now: Instant, id: ContextId, tag: &str) {
        self.subscription_until(id, tag, None);
        self.terminate_leg(now, id, tag, TerminatedBy::Expiry);
    }

    /// A NOTIFY that comes before the 2xx, or from another fork, makes a leg of its own.
    pub(super) fn leg_of_notify(
        &mut self,
        now: Instant,
        request: &Message,
    ) -> Option<(ContextId, Box<str>)> {
        let id = self.subscription_of(request)?;
        let context = self.contexts.get_mut(&id)?;
        if context.is_full() || subscription_state(request).is_none() {
            return None;
        }
        let ours = context.message()?;
        let request_uri = String::from_utf8_lossy(ours.request_uri_bytes());
        let leg = Leg::of_peer(request, &request_uri, ours.cseq().ok()?.number)?;
        let tag = leg.tag.clone();
        context.legs.push(leg);
        self.tell_own(now, id, Fact::Leg { tag: tag.clone(), state: LegState::Confirmed });
        Some((id, tag))
    }

    /// Whether a NOTIFY is about what a context has subscribed to: its Event names the same package,
    /// and the same `id` (RFC 6665 §4.1.2.2, §8.2.1). Which subscription in the dialog of an INVITE
    /// is meant is not looked at.
    pub(super) fn is_subscribed_to(&self, id: ContextId, notify: &Message) -> bool {
        let Some(context) = self.contexts.get(&id) else { return false };
        let request = match context.method {
            Method::Subscribe | Method::Refer => context.message(),
            _ => return true,
        };
        let event = |message: &Message| -> Option<(String, Option<String>)> {
            let event = Event::parse(message.header(HeaderName::Event)?.text().ok()?).ok()?;
            Some((event.package.to_owned(), event.id().map(str::to_owned)))
        };
        let Some(theirs) = event(notify) else { return false };
        match (&context.method, request.as_ref().and_then(event)) {
            // RFC 3515 §2.4.6: the id is the CSeq of the REFER, or is left out.
            (Method::Refer, _) => theirs.0 == "refer",
            (_, Some(ours)) => ours == theirs,
            // A raw SUBSCRIBE need not have one.
            (_, None) => true,
        }
    }

    /// The subscription that a NOTIFY is for, whichever fork sends it.
    fn subscription_of(&self, request: &Message) -> Option<ContextId> {
        let key =
            DialogKey::of_theirs(request).filter(|_| request.method() == Some(Method::Notify));
        self.dialogs.contexts(&key?).find(|id| {
            let context = self.contexts.get(id);
            let is_open = context.is_some_and(|c| subscribes(&c.method) && c.ended.is_none());
            is_open && self.is_subscribed_to(*id, request)
        })
    }

    /// The subscription that a NOTIFY outside its dialogs is for, where it has too many of them, and
    /// the tag that the NOTIFY has.
    pub(super) fn full_subscription(&self, request: &Message) -> Option<(ContextId, Box<str>)> {
        let id = self.subscription_of(request)?;
        self.contexts.get(&id).filter(|context| context.is_full())?;
        Some((id, request.from().ok()?.tag()?.into()))
    }

    /// What a NOTIFY that was taken says of its subscription (RFC 6665 §4.1.3).
    pub(super) fn notified(&mut self, now: Instant, peer: &PeerRequest) {
        let Some(state) = subscription_state(&peer.message) else { return };
        let is_root = self.is_subscription(peer.context);
        if is_root {
            self.leg_is_notified(now, peer.context, &peer.tag);
        }
        if state.is_terminated() {
            match is_root {
                true => self.terminate_leg(now, peer.context, &peer.tag, TerminatedBy::Peer),
                // In the dialog of an INVITE only the subscription is over.
                false => {
                    if let Some(leg) = self.leg_mut(peer.context, &peer.tag) {
                        leg.subscribed = false;
                    }
                }
            }
        } else if is_root {
            let (id, tag) = (peer.context, &*peer.tag);
            let has_end = self.leg_mut(id, tag).is_some_and(|leg| leg.until.is_some());
            // RFC 6665 §4.1.2.1: what we asked for is the most that a fork can have granted.
            let asked = || expires(&self.contexts.get(&id)?.message()?).filter(|_| !has_end);
            let seconds = state.expires().or_else(asked);
            self.subscription_lasts(now, id, tag, seconds);
        }
    }

    /// A NOTIFY makes the dialog that a 2xx has announced (RFC 6665 §4.4.1); once no leg waits for one,
    /// Timer N has no more to do.
    fn leg_is_notified(&mut self, now: Instant, id: ContextId, tag: &str) {
        let is_news = self.leg_mut(id, tag).is_some_and(|leg| leg.notified());
        let waits = |leg: &Leg| leg.state == LegState::Early;
        if self.contexts.get(&id).is_some_and(|context| !context.legs.iter().any(waits)) {
            self.wait_for_notify(id, None);
        }
        if is_news {
            self.tell_own(now, id, Fact::Leg { tag: tag.into(), state: LegState::Confirmed });
        }
    }

    /// Whether a NOTIFY outside every leg is for a subscription, and does not say how that stands.
    pub(super) fn says_no_state(&self, request: &Message) -> bool {
        subscription_state(request).is_none() && self.subscription_of(request).is_some()
    }

    /// What ends a subscription: a SUBSCRIBE in its dialog that expires at once (RFC 6665 §4.1.2.3).
    pub(super) fn unsubscribe(&self, id: ContextId) -> DialogRequest {
        let request = self.contexts.get(&id).and_then(|context| context.message());
        let event = request.as_ref().and_then(|request| {
            let text = request.header(HeaderName::Event)?.text().ok()?;
            Event::parse(text).ok().map(|_| text.to_owned())
        });
        // The Event of the subscription: a REFER's is implied, a SUBSCRIBE without one keeps none
        // (RFC 3515 §2.4.4, RFC 6665 §4.1.2.3).
        let is_refer = self.contexts.get(&id).is_some_and(|c| c.method == Method::Refer);
        let event = event.or_else(|| is_refer.then(|| "refer".to_owned()));
        let headers = event.as_deref().map(|event| ("Event", event)).into_iter();
        let headers = headers.chain([("Expires", "0")]);
        DialogRequest {
            headers: headers.flat_map(|(n, v)| ExtraHeader::new(n, v)).collect(),
            ..DialogRequest::new(Method::Subscribe)
        }
    }

    /// The SUBSCRIBE that ends a subscription has its outcome: the last NOTIFY is waited for, but
    /// not for ever.
    pub(super) fn unsubscribed(
        &mut self,
        now: Instant,
        id: ContextId,
        tag: &str,
        outcome: Option<StatusCode>,
    ) {
        match outcome {
            Some(status) if status.is_success() => {
                let until = now + self.settings.timing.patience();
                self.subscription_until(id, tag, Some((Timer::N, until)));
            }
            _ => self.terminate_leg(now, id, tag, TerminatedBy::Local),
        }
    }
}
