//! Subscriptions: the dialogs that SUBSCRIBE and REFER make, or are sent in, and the NOTIFYs in them
//! (RFC 6665 §4.1, RFC 3515 §2.4). How long each lasts stands in `lasting`.

use std::time::Instant;

use super::{
    UserAgent, dialog_index::DialogKey, lasting::never_notifies, legs::LEGS, peer::PeerRequest,
    transactions::Due,
};
use crate::sip::{
    cause::Cause,
    dialog::Leg,
    event::{ContextId, Fact, LegState, State, TerminatedBy, Timer},
    header::{Event, SubscriptionState},
    message::Message,
    method::Method,
    name::HeaderName,
    request::{DialogRequest, ExtraHeader},
};

/// Whether a method outside any dialog asks for notifications.
pub(super) fn subscribes(method: &Method) -> bool {
    matches!(method, Method::Subscribe | Method::Refer)
}

/// How a subscription stands by a NOTIFY.
pub(super) fn subscription_state(notify: &Message) -> Option<SubscriptionState<'_>> {
    SubscriptionState::parse(notify.header(HeaderName::SubscriptionState)?.text().ok()?).ok()
}

/// The package and the `id` that Event names.
fn event_of(message: &Message) -> Option<(String, Option<String>)> {
    let event = Event::parse(message.header(HeaderName::Event)?.text().ok()?).ok()?;
    Some((event.package.to_owned(), event.id().map(str::to_owned)))
}

/// The seconds that Expires names.
pub(super) fn expires(message: &Message) -> Option<u32> {
    message.header(HeaderName::Expires)?.text().ok()?.trim().parse().ok()
}

impl UserAgent {
    /// A SUBSCRIBE or REFER goes out. A NOTIFY may overtake its 2xx, so the dialog is looked for from
    /// the start, and Timer N runs (RFC 6665 §4.1.2.2, §4.1.2.4).
    pub(super) fn expect_notify(&mut self, now: Instant, id: ContextId) {
        let Some(context) = self.contexts.get(&id).filter(|c| subscribes(&c.method)) else {
            return;
        };
        let timer_n = now + self.settings.timing.patience();
        let Some((owner, tag)) = context.parent.clone() else {
            self.register_dialog(id);
            return self.wait_for_notify(id, Some(timer_n));
        };
        let by = self.subscription_of_ours(id, (owner, &tag)).unwrap_or(id);
        if self.subscription_mut(by, &tag).is_none()
            && let Some(leg) = self.leg_mut(owner, &tag).filter(|leg| !leg.is_terminated())
        {
            leg.subscribe(by);
        }
        self.set_subscription(by, &tag, Timer::N, Some(timer_n));
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
        let tag: Box<str> = message.to().ok()?.tag()?.into();
        if never_notifies(message) || context.leg_mut(&tag).is_some() {
            return None;
        }
        let request = context.message()?;
        let cseq = request.cseq().ok()?.number;
        let request_uri = String::from_utf8_lossy(request.request_uri_bytes());
        let mut leg = Leg::new(message, &request_uri, cseq)?;
        leg.subscribe(id);
        context.legs.push(leg);
        let until = context.deadline.unwrap_or(timer_n);
        self.wait_for_notify(id, Some(until));
        Some(tag)
    }

    /// A NOTIFY that comes before the 2xx, or from another fork, makes a leg of its own.
    pub(super) fn leg_of_notify(
        &mut self,
        now: Instant,
        request: &Message,
    ) -> Option<(ContextId, Box<str>)> {
        let id = self.subscription_of(request)?;
        let context = self.contexts.get_mut(&id)?;
        // RFC 6665 §4.1.2.4: until Timer N is over, each fork that notifies makes a dialog.
        let in_time = context.deadline.is_some_and(|timer_n| now < timer_n);
        if context.is_full() || !in_time || subscription_state(request).is_none() {
            return None;
        }
        let ours = context.message()?;
        let request_uri = String::from_utf8_lossy(ours.request_uri_bytes());
        let mut leg = Leg::of_peer(request, &request_uri, ours.cseq().ok()?.number)?;
        leg.subscribe(id);
        let tag = leg.tag.clone();
        context.legs.push(leg);
        self.tell_own(now, id, Fact::Leg { tag: tag.clone(), state: LegState::Confirmed });
        Some((id, tag))
    }

    /// The subscription in the dialog of a leg that a NOTIFY is about (RFC 6665 §4.1.3).
    pub(super) fn subscription_for(
        &self,
        (owner, tag): (ContextId, &str),
        notify: &Message,
    ) -> Option<ContextId> {
        let leg = self.contexts.get(&owner)?.legs.iter().find(|leg| &*leg.tag == tag)?;
        let mut all = leg.subscriptions().iter().map(|subscription| subscription.by);
        let of_event = |by: &ContextId| self.names_event(*by) && self.is_about(*by, notify);
        // What says no Event of its own has those that nothing else has subscribed to.
        all.clone().find(of_event).or_else(|| all.find(|by| self.is_about(*by, notify)))
    }

    /// The subscription that a SUBSCRIBE or REFER of ours in the dialog of a leg is for: another one's,
    /// which it refreshes or ends, or its own (RFC 6665 §4.1.2.2).
    pub(super) fn subscription_of_ours(
        &self,
        id: ContextId,
        (owner, tag): (ContextId, &str),
    ) -> Option<ContextId> {
        let context = self.contexts.get(&id)?;
        let leg = self.contexts.get(&owner)?.legs.iter().find(|leg| &*leg.tag == tag)?;
        let mut all = leg.subscriptions().iter().map(|subscription| subscription.by);
        if let Some(own) = all.clone().find(|by| *by == id) {
            return Some(own);
        }
        let request = context.message().filter(|_| context.method == Method::Subscribe)?;
        all.find(|by| match event_of(&request) {
            Some(event) => self.names_event(*by) && self.is_of_event(*by, &event),
            None => !self.names_event(*by),
        })
    }

    /// Whether a message is about what a context has subscribed to: its Event names the same package,
    /// and the same `id` (RFC 6665 §4.1.2.2, §8.2.1).
    fn is_about(&self, by: ContextId, message: &Message) -> bool {
        event_of(message).is_some_and(|event| self.is_of_event(by, &event))
    }

    /// Whether it is known which event a context has subscribed to: a SUBSCRIBE may lack its Event.
    fn names_event(&self, by: ContextId) -> bool {
        let request = self.contexts.get(&by).and_then(|context| context.message());
        request.is_some_and(|it| it.method() == Some(Method::Refer) || event_of(&it).is_some())
    }

    /// Whether a package and an `id` are those of what a context has subscribed to.
    fn is_of_event(&self, by: ContextId, theirs: &(String, Option<String>)) -> bool {
        let request = self.contexts.get(&by).and_then(|context| context.message());
        let Some(request) = request else { return false };
        match (request.method(), event_of(&request)) {
            // RFC 3515 §2.4.6: the id is the CSeq number of the REFER, and may be left out of the first.
            (Some(Method::Refer), _) => {
                let cseq = request.cseq().ok().map(|cseq| cseq.number.to_string());
                theirs.0 == "refer" && (theirs.1.is_none() || theirs.1 == cseq)
            }
            (_, Some(ours)) => ours == *theirs,
            // A raw SUBSCRIBE need not have one.
            (_, None) => true,
        }
    }

    /// Whether a request that the user writes refreshes or ends what lives on in the dialog of a leg
    /// (RFC 6665 §4.1.2.2, §4.1.2.3).
    pub(super) fn renews(&self, leg: &Leg, request: &DialogRequest) -> bool {
        let event = request.headers.iter().find(|header| header.is_named(HeaderName::Event));
        let event = event.and_then(|header| Event::parse(header.value()).ok());
        event.is_some_and(|event| {
            let event = (event.package.to_owned(), event.id().map(str::to_owned));
            leg.subscriptions().iter().any(|it| self.is_of_event(it.by, &event))
        })
    }

    /// The subscription that a NOTIFY is for, whichever fork sends it.
    fn subscription_of(&self, request: &Message) -> Option<ContextId> {
        let key =
            DialogKey::of_theirs(request).filter(|_| request.method() == Some(Method::Notify));
        self.dialogs.contexts(&key?).find(|id| {
            let context = self.contexts.get(id);
            let is_open = context.is_some_and(|c| subscribes(&c.method) && c.ended.is_none());
            is_open && self.is_about(*id, request)
        })
    }

    /// The subscription that a NOTIFY outside its dialogs is for, where it makes no dialog for it: the
    /// tag that it has, and why.
    pub(super) fn makes_no_leg(
        &self,
        now: Instant,
        request: &Message,
    ) -> Option<(ContextId, Box<str>, String)> {
        let id = self.subscription_of(request)?;
        let context = self.contexts.get(&id)?;
        let tag = request.from().ok()?.tag()?.into();
        let is_late = context.deadline.is_none_or(|timer_n| now >= timer_n);
        let why = match context.is_full() {
            true => format!("{LEGS} legs are kept already"),
            false if is_late => {
                "it comes from another fork after Timer N (64·T1, RFC 6665 §4.1.2.4)".to_owned()
            }
            false => return None,
        };
        Some((id, tag, why))
    }

    /// What a NOTIFY that was taken says of its subscription (RFC 6665 §4.1.3).
    pub(super) fn notified(&mut self, now: Instant, peer: &PeerRequest) {
        let Some(state) = subscription_state(&peer.message) else { return };
        let (id, tag) = (peer.context, &*peer.tag);
        let Some(by) = self.subscription_for((id, tag), &peer.message) else { return };
        let is_root = by == id;
        let ends = self.leg_mut(id, tag).is_some_and(|leg| leg.is_hanging_up());
        // What is being ended waits for the NOTIFY that says so.
        if !(is_root && ends) || state.is_terminated() {
            self.set_subscription(by, tag, Timer::N, None);
        }
        if is_root {
            self.leg_is_notified(now, id, tag);
        }
        match (state.is_terminated(), is_root) {
            (true, true) => self.terminate_leg(now, id, tag, TerminatedBy::Peer),
            // Whatever else has made the dialog goes on.
            (true, false) => self.end_subscription(now, (id, tag), by),
            (false, _) => {
                let has_end = self.subscription_mut(by, tag).is_some_and(|it| it.expiry.is_some());
                // RFC 6665 §4.1.2.1: what we asked for is the most that a fork can have granted.
                let asked = || expires(&self.contexts.get(&by)?.message()?).filter(|_| !has_end);
                let seconds = state.expires().or_else(asked);
                self.subscription_lasts(now, by, tag, seconds);
                self.bound_subscriptions(now, id, tag);
            }
        }
    }

    /// A NOTIFY makes the dialog that a 2xx has announced (RFC 6665 §4.4.1). Once no leg waits for one,
    /// Timer N fails nothing any more; it only says how long forks may come.
    fn leg_is_notified(&mut self, now: Instant, id: ContextId, tag: &str) {
        let is_news = self.leg_mut(id, tag).is_some_and(|leg| leg.notified());
        if let Some(context) = self.contexts.get(&id)
            && !context.awaits_notify()
            && let Some(timer_n) = context.deadline
        {
            self.transactions.disarm(timer_n, Due::Context(id));
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
}
