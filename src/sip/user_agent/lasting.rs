//! How long the subscriptions in the dialogs of legs last: their expiry and Timer N
//! (RFC 6665 §4.1.2), and what is left of them after a call (RFC 5057 §3.1, §4.1).

use std::time::{Duration, Instant};

use super::{UserAgent, subscriptions::expires, transactions::Due};
use crate::sip::{
    dialog::Subscription,
    event::{ContextId, Fact, TerminatedBy, Timer},
    message::Message,
    method::Method,
    name::HeaderName,
    status::StatusCode,
};

/// A SUBSCRIBE that is to refresh or to end what is subscribed to.
#[derive(Debug)]
pub(super) struct Refresh {
    owner: ContextId,
    tag: Box<str>,
    /// What has made the subscription.
    by: ContextId,
    /// The CSeq number.
    number: u32,
}

impl UserAgent {
    /// What a context has subscribed to in the dialog of a leg.
    pub(super) fn subscription_mut(
        &mut self,
        by: ContextId,
        tag: &str,
    ) -> Option<&mut Subscription> {
        let owner = self.contexts.get(&by)?.owner(by);
        self.leg_mut(owner, tag)?.subscription_mut(by)
    }

    /// Moves one of the two deadlines of a subscription.
    pub(super) fn set_subscription(
        &mut self,
        by: ContextId,
        tag: &str,
        timer: Timer,
        at: Option<Instant>,
    ) {
        let Some(subscription) = self.subscription_mut(by, tag) else { return };
        let before = std::mem::replace(subscription.deadline_mut(timer), at);
        if before == at {
            return;
        }
        let due = Due::Subscription(by, tag.into(), timer);
        if let Some(before) = before {
            self.transactions.disarm(before, due.clone());
        }
        if let Some(at) = at {
            self.transactions.arm(at, due);
        }
        if let Some(owner) = self.contexts.get(&by).map(|context| context.owner(by)) {
            self.transactions.has_changed(owner);
        }
    }

    /// A 2xx came to what has made a subscription outside any dialog: how long its leg lasts, where no
    /// NOTIFY has said so before.
    pub(super) fn subscription_granted(&mut self, now: Instant, id: ContextId, message: &Message) {
        let tag = message.to().ok().and_then(|to| to.tag().map(Box::<str>::from));
        let Some(tag) = tag.filter(|_| self.is_subscription(id)) else { return };
        if self.subscription_mut(id, &tag).is_some_and(|it| it.expiry.is_none()) {
            self.subscription_lasts(now, id, &tag, expires(message));
        }
    }

    /// A 2xx came to a SUBSCRIBE or REFER of ours in the dialog of a leg: its subscription, or the one
    /// that it refreshes, lasts as long as it says (RFC 6665 §4.1.2.1, §4.1.2.2).
    pub(super) fn subscription_refreshed(
        &mut self,
        now: Instant,
        id: ContextId,
        (owner, tag): (ContextId, &str),
        message: &Message,
    ) {
        let Some(by) = self.subscription_of_ours(id, (owner, tag)) else { return };
        // RFC 5839 §7.1, RFC 4488 §4: no NOTIFY will come.
        if message.status().is_some_and(|status| status.code() == 204) {
            self.set_subscription(by, tag, Timer::N, None);
        }
        if never_notifies(message) && by == id {
            return self.end_subscription(now, (owner, tag), by);
        }
        self.subscription_lasts(now, by, tag, expires(message));
    }

    /// A SUBSCRIBE or REFER of ours in the dialog of a leg has failed: what it should have made is not
    /// there.
    pub(super) fn subscription_refused(
        &mut self,
        now: Instant,
        id: ContextId,
        (owner, tag): (ContextId, &str),
    ) {
        if self.leg_mut(owner, tag).is_some_and(|leg| leg.subscription_mut(id).is_some()) {
            self.end_subscription(now, (owner, tag), id);
        }
    }

    /// What a SUBSCRIBE of ours in a dialog is to refresh or to end, unless it hangs up with that.
    pub(super) fn refresh_of(&mut self, id: ContextId) -> Option<Refresh> {
        let context = self.contexts.get(&id).filter(|it| it.method == Method::Subscribe)?;
        let (owner, tag) = context.parent.clone()?;
        let number = context.message()?.cseq().ok()?.number;
        let is_hung_up = self.is_hung_up_by(id, owner, &tag);
        let by = self.subscription_of_ours(id, (owner, &tag)).filter(|by| *by != id)?;
        (!is_hung_up).then_some(Refresh { owner, tag, by, number })
    }

    /// A refresh has failed: the subscription is over where the answer says so, and else lasts as it did
    /// (RFC 6665 §4.1.2.2). Either way that is nothing to the rest of the dialog (RFC 5057 §5).
    pub(super) fn refresh_failed(
        &mut self,
        now: Instant,
        refresh: Refresh,
        outcome: Option<StatusCode>,
    ) {
        let Refresh { owner, tag, by, number } = refresh;
        let why = match outcome {
            Some(status) => format!("a {status} answered SUBSCRIBE {number}"),
            None => format!("SUBSCRIBE {number} has no answer"),
        };
        let what = self.subscription_name(by);
        let over = outcome.filter(|status| ends_subscription(*status));
        let becomes = if over.is_some() { "is over" } else { "lasts as before" };
        let detail = format!("{what} {becomes}: {why} (RFC 6665 §4.1.2.2)");
        self.tell_own(now, owner, Fact::Subscription { detail });
        match over {
            Some(status) if by == owner => {
                self.terminate_leg(now, owner, &tag, TerminatedBy::Response(status));
            }
            Some(_) => self.end_subscription(now, (owner, &tag), by),
            None => {
                // No NOTIFY follows.
                self.set_subscription(by, &tag, Timer::N, None);
                self.bound_subscriptions(now, owner, &tag);
            }
        }
    }

    /// How long a subscription lasts from now on; a fetch, or one that was ended, only until the last
    /// NOTIFY should have come (RFC 6665 §4.1.2.3). What ends already gets no more time.
    pub(super) fn subscription_lasts(
        &mut self,
        now: Instant,
        by: ContextId,
        tag: &str,
        seconds: Option<u32>,
    ) {
        let Some(owner) = self.contexts.get(&by).map(|context| context.owner(by)) else { return };
        let Some(leg) = self.leg_mut(owner, tag) else { return };
        let ends = by == owner && leg.is_hanging_up();
        // Timer N of the whole context runs already; it ends no leg that is being ended.
        let is_awaited = by == owner && !leg.is_up() && !ends;
        match seconds {
            Some(0) if !is_awaited => {
                self.set_subscription(by, tag, Timer::Expiry, None);
                let waits = |it: &mut Subscription| it.notify_by.is_some();
                if !self.subscription_mut(by, tag).is_some_and(waits) {
                    let timer_n = now + self.settings.timing.patience();
                    self.set_subscription(by, tag, Timer::N, Some(timer_n));
                }
            }
            None | Some(0) => {}
            Some(_) if ends => {}
            Some(seconds) => {
                let expiry = now + Duration::from_secs(seconds.into());
                self.set_subscription(by, tag, Timer::Expiry, Some(expiry));
            }
        }
    }

    /// Time is up for a subscription: without the NOTIFY that it needed (Timer N), or because it has
    /// expired.
    pub(super) fn subscription_due(
        &mut self,
        now: Instant,
        by: ContextId,
        tag: &str,
        timer: Timer,
    ) {
        self.set_subscription(by, tag, timer, None);
        let Some(owner) = self.contexts.get(&by).map(|context| context.owner(by)) else { return };
        let what = self.subscription_name(by);
        let detail = match timer {
            Timer::N => {
                let seconds = self.settings.timing.patience().as_secs_f64();
                format!(
                    "{what} is over: no NOTIFY came within {seconds} s (Timer N, 64·T1, RFC 6665 §4.1.2)"
                )
            }
            _ => format!("{what} is over: it has expired (RFC 6665 §4.1.2)"),
        };
        match by == owner {
            true => {
                if timer == Timer::N {
                    self.tell_own(now, owner, Fact::Subscription { detail });
                }
                self.terminate_leg(now, owner, tag, TerminatedBy::Expiry);
            }
            false => {
                self.tell_own(now, owner, Fact::Subscription { detail });
                self.end_subscription(now, (owner, tag), by);
            }
        }
    }

    pub(super) fn subscription_name(&self, by: ContextId) -> String {
        let request = self.contexts.get(&by).and_then(|context| context.message());
        let cseq = request.and_then(|request| {
            Some(format!("{} {}", request.method()?, request.cseq().ok()?.number))
        });
        match cseq {
            Some(request) => format!("the subscription of {request}"),
            None => "the subscription".to_owned(),
        }
    }

    /// One subscription in a dialog, of a call or of another subscription, is over, and maybe the context
    /// that waited for it.
    pub(super) fn end_subscription(&mut self, now: Instant, leg: (ContextId, &str), by: ContextId) {
        self.forget_subscription(leg, by);
        self.end_if_done(now, leg.0);
        self.forget_if_over(leg.0);
    }

    pub(super) fn forget_subscription(&mut self, (owner, tag): (ContextId, &str), by: ContextId) {
        for timer in [Timer::N, Timer::Expiry] {
            self.set_subscription(by, tag, timer, None);
        }
        if let Some(leg) = self.leg_mut(owner, tag) {
            leg.unsubscribe(by);
        }
        if by != owner {
            self.forget_if_over(by);
        }
    }

    /// Every subscription of a leg is over with it.
    pub(super) fn forget_subscriptions_of(&mut self, owner: ContextId, tag: &str) {
        let Some(leg) = self.leg_mut(owner, tag) else { return };
        let all: Vec<ContextId> = leg.subscriptions().iter().map(|it| it.by).collect();
        for by in all {
            self.forget_subscription((owner, tag), by);
        }
    }

    /// What was subscribed to in the dialogs of a context is waited for no longer: the user leaves.
    pub(super) fn end_subscriptions_in(&mut self, now: Instant, id: ContextId) {
        let Some(context) = self.contexts.get(&id) else { return };
        let mut inside: Vec<(Box<str>, ContextId)> = Vec::new();
        for leg in &context.legs {
            let others = leg.subscriptions().iter().filter(|it| it.by != id);
            inside.extend(others.map(|it| (leg.tag.clone(), it.by)));
        }
        for (tag, by) in inside {
            self.forget_subscription((id, &tag), by);
        }
        self.end_if_done(now, id);
    }

    /// BYE ends a call, and a NOTIFY or its expiry one subscription, but not what else was subscribed to
    /// in the dialog: that lasts until its own NOTIFY says so, or its time is over (RFC 5057 §4.1, §4.2,
    /// RFC 6665 §4.4.1). Where nothing says how long, Timer N does.
    pub(super) fn subscriptions_outlive(&mut self, now: Instant, owner: ContextId, tag: &str) {
        self.bound_subscriptions(now, owner, tag);
        let Some(leg) = self.leg_mut(owner, tag) else { return };
        let all: Vec<ContextId> = leg.subscriptions().iter().map(|it| it.by).collect();
        let ended = match self.is_subscription(owner) {
            true => self.subscription_name(owner).replace("the subscription", "that"),
            false => "the call".to_owned(),
        };
        for by in all {
            let what = self.subscription_name(by);
            let detail = format!(
                "{what} outlives {ended}: the NOTIFY that ends it is waited for (RFC 5057 §4.1, §4.2)"
            );
            self.tell_own(now, owner, Fact::Subscription { detail });
        }
    }

    /// Whatever is left of a leg that is over has an end.
    pub(super) fn bound_subscriptions(&mut self, now: Instant, owner: ContextId, tag: &str) {
        let Some(leg) = self.leg_mut(owner, tag).filter(|leg| leg.is_terminated()) else { return };
        let endless = leg.subscriptions().iter().filter(|it| it.deadlines().next().is_none());
        let endless: Vec<ContextId> = endless.map(|it| it.by).collect();
        let timer_n = now + self.settings.timing.patience();
        for by in endless {
            self.set_subscription(by, tag, Timer::N, Some(timer_n));
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
                self.subscription_lasts(now, id, tag, Some(0));
                self.set_subscription(id, tag, Timer::Expiry, None);
            }
            _ => self.terminate_leg(now, id, tag, TerminatedBy::Local),
        }
    }
}

/// Whether a status of a refresh says that the subscription is over (RFC 6665 §4.1.2.2).
fn ends_subscription(status: StatusCode) -> bool {
    matches!(status.code(), 404 | 405 | 410 | 416 | 480..=485 | 489 | 501 | 604)
}

/// RFC 4488 §4: whether the peer says in its 2xx to a REFER that it will not notify.
pub(super) fn never_notifies(message: &Message) -> bool {
    message.header(HeaderName::ReferSub).is_some_and(|header| {
        header.text().is_ok_and(|text| text.trim_start().to_ascii_lowercase().starts_with("false"))
    })
}
