//! The same request once more, in the same context: to another target after a 3xx
//! (RFC 3261 §8.1.3.4), or with credentials after a 401 or 407 (§22.2).

use std::{collections::VecDeque, time::Instant};

use super::{Redirects, UserAgent, address::uri_destination, next_hop::is_same_hop};
use crate::sip::{
    compose::{self, Sender},
    context::{ClientContext, Elsewhere, Request, Waiting},
    dialog::{CSEQ_SPENT, next_cseq},
    event::{ContextId, Fact, FlowId, Followed, TerminatedBy},
    header::NameAddr,
    message::Message,
    method::Method,
    name::HeaderName,
    redirect::{RedirectTarget, targets},
    status::StatusCode,
    uri::{Scheme, UriBuf},
};

/// What comes of a rejection.
#[derive(Debug)]
pub(super) enum Next {
    /// The request has gone out again.
    Again,
    /// The rejection stands; the sentence says why credentials did not help, where some were tried.
    Stands(Option<String>),
}

/// Where a request has been and may still go.
#[derive(Debug, Default)]
pub(crate) struct Redirection {
    /// What has been tried, the first Request-URI included: no target twice.
    tried: Vec<UriBuf>,
    /// What is left to try, the most wanted first.
    left: VecDeque<RedirectTarget>,
    /// How often it went on to another target.
    followed: u8,
}

impl Redirection {
    /// Takes the contacts of a 3xx, the best one or `all` of them, for a request that has a route of
    /// its own or not, and belongs to a secure dialog or not. Gives a sentence for each that must not be tried.
    fn learn(
        &mut self,
        current: &UriBuf,
        targets: &[RedirectTarget],
        (all, is_routed, is_secure): (bool, bool, bool),
    ) -> Vec<String> {
        if !self.tried.contains(current) {
            self.tried.push(current.clone());
        }
        let (mut fresh, mut refused) = (Vec::new(), Vec::new());
        for target in targets {
            let uri = &target.uri;
            // RFC 3261 §8.1.3.4: not in circles, and not back from sips to sip (§26.2.2).
            if self.tried.contains(uri) {
                refused.push(format!("{uri} was tried before, a loop (RFC 3261 §8.1.3.4)"));
            } else if (is_secure || current.as_uri().is_sips()) && !uri.as_uri().is_sips() {
                refused.push(format!(
                    "{uri} is less secure than {current}: sips must not become sip (RFC 3261 §8.1.3.4)"
                ));
            } else if let (Scheme::Other(scheme), false) = (uri.as_uri().scheme(), is_routed) {
                refused.push(format!(
                    "{uri} names no SIP server, and the request has no Route to one that knows {scheme} URIs"
                ));
            } else if !self.left.iter().any(|left| left.uri == *uri) {
                fresh.push(target.clone());
            }
        }
        fresh.truncate(if all { usize::from(MAX_REDIRECTS) } else { 1 });
        for target in fresh.into_iter().rev() {
            self.left.push_front(target);
        }
        self.left.truncate(usize::from(MAX_REDIRECTS));
        refused
    }
}

impl ClientContext {
    /// The last CSeq number of a request outside any dialog, or of what its early dialogs have sent
    /// since: the next try counts on from there, for its peer may make the same dialog again.
    fn last_cseq(&self) -> Option<u32> {
        let own = self.written()?.cseq().ok()?.number;
        Some(self.legs.iter().map(|leg| leg.local_cseq).fold(own, u32::max))
    }

    /// Whether a rejection with that status is answered by another try.
    pub(crate) fn would_go_on(&self, status: StatusCode) -> bool {
        let has_targets = || self.redirection.as_ref().is_some_and(|it| !it.left.is_empty());
        matches!(status.code(), 300..=399 | 401 | 407 | 503)
            || (matches!(status.code(), 400..=599) && has_targets())
    }
}

impl UserAgent {
    /// Answers a rejection by another try, where settings and credentials allow.
    pub(super) fn goes_on(
        &mut self,
        now: Instant,
        id: ContextId,
        status: StatusCode,
        message: &Message,
    ) -> Next {
        let Some(context) = self.contexts.get(&id) else { return Next::Stands(None) };
        // What the user wrote byte for byte is not written anew.
        let is_raw = context.branch().is_some_and(|branch| self.transactions.is_foreign(branch));
        if is_raw {
            return Next::Stands(None);
        }
        if context.is_cancelled() {
            return Next::Stands(self.withheld(context, status));
        }
        if self.fail_over_response(now, id, status, message) {
            return Next::Again;
        }
        let mut refused = None;
        if matches!(status.code(), 401 | 407) {
            match self.answer_challenge(now, id, status, message) {
                Next::Again => return Next::Again,
                Next::Stands(why) => refused = why,
            }
        }
        match status.code() {
            300..=399 => self.follow_redirect(now, id, status, message),
            // RFC 3261 §16.7: a 6xx speaks for every target.
            400..=599 => match self.try_next_target(now, id, status, message) {
                Next::Stands(why) => Next::Stands(refused.or(why)),
                Next::Again => Next::Again,
            },
            _ => Next::Stands(refused),
        }
    }

    /// What is not done because the user cancelled.
    fn withheld(&self, context: &ClientContext, status: StatusCode) -> Option<String> {
        let what = match status.code() {
            401 | 407 if context.credentials.is_some() => "not sent again with credentials",
            300..=399 if self.settings.redirects != Redirects::None => "not followed",
            _ => return None,
        };
        Some(format!("{what}: the {} was cancelled", context.method))
    }

    /// Whether the request can be numbered once more.
    pub(super) fn can_go_again(&self, id: ContextId) -> bool {
        let Some(context) = self.contexts.get(&id) else { return false };
        let last = match &context.parent {
            Some((parent, tag)) => {
                let parent = self.contexts.get(parent);
                let mut legs = parent.into_iter().flat_map(|parent| &parent.legs);
                legs.find(|leg| leg.tag == *tag).map(|leg| leg.local_cseq)
            }
            None => context.last_cseq(),
        };
        last.is_some_and(|last| next_cseq(last).is_some())
    }

    fn follow_redirect(
        &mut self,
        now: Instant,
        id: ContextId,
        status: StatusCode,
        message: &Message,
    ) -> Next {
        if self.settings.redirects == Redirects::None {
            return Next::Stands(None);
        }
        match status.code() {
            305 => return Next::Stands(Some(
                "not followed: a 305 names a proxy to go through, and no other target (RFC 3261 §21.3.4)".to_owned(),
            )),
            380 => return Next::Stands(Some(
                "not followed: a 380 names another service in its body, and no other target (RFC 3261 §21.3.5)".to_owned(),
            )),
            _ => {}
        }
        let all = self.settings.redirects == Redirects::All;
        let parent = self.contexts.get(&id).and_then(|context| context.parent.as_ref());
        let owner = parent.and_then(|(parent, _)| self.contexts.get(parent));
        let is_secure = owner.is_some_and(|owner| self.is_secure(owner));
        let Some(context) = self.contexts.get_mut(&id) else { return Next::Stands(None) };
        let Some(request) = context.message() else { return Next::Stands(None) };
        let Some(current) = request.request_uri().and_then(|uri| uri.parse::<UriBuf>().ok()) else {
            return Next::Stands(None);
        };
        let is_routed = request.header(HeaderName::Route).is_some();
        let targets = targets(message);
        let redirection = context.redirection.get_or_insert_default();
        let refused = redirection.learn(&current, &targets, (all, is_routed, is_secure));
        if redirection.left.is_empty() {
            return Next::Stands(Some(not_followed(&refused)));
        }
        self.go_to_next_target(now, id, status, message, targets)
    }

    fn try_next_target(
        &mut self,
        now: Instant,
        id: ContextId,
        status: StatusCode,
        message: &Message,
    ) -> Next {
        let has_more = |context: &ClientContext| {
            context.redirection.as_ref().is_some_and(|redirection| !redirection.left.is_empty())
        };
        if !self.contexts.get(&id).is_some_and(|context| has_more(context)) {
            return Next::Stands(None);
        }
        self.go_to_next_target(now, id, status, message, Vec::new())
    }

    fn go_to_next_target(
        &mut self,
        now: Instant,
        id: ContextId,
        status: StatusCode,
        message: &Message,
        targets: Vec<RedirectTarget>,
    ) -> Next {
        let can_go_again = self.can_go_again(id);
        let Some(context) = self.contexts.get_mut(&id) else { return Next::Stands(None) };
        let Some(redirection) = &mut context.redirection else { return Next::Stands(None) };
        if !can_go_again {
            return Next::Stands(Some(format!("not followed: {CSEQ_SPENT}")));
        }
        if redirection.followed == MAX_REDIRECTS {
            return Next::Stands(Some(format!(
                "stopped after {MAX_REDIRECTS} redirects: the peer goes on naming others"
            )));
        }
        let Some(next) = redirection.left.pop_front() else { return Next::Stands(None) };
        redirection.followed += 1;
        redirection.tried.push(next.uri.clone());
        let response = compose::response(message, status);
        let (uri, skipped) = (next.uri.clone(), next.skipped.clone());
        let fact = Fact::Redirected {
            response,
            followed: Box::new(Followed { targets, next: uri, skipped }),
        };
        self.tell_own(now, id, fact);
        self.ack_before_again(now, id, status, message);
        self.go_to_target(now, id, &next);
        Next::Again
    }

    /// A target that could not be reached, or said nothing, is one that failed (RFC 3261 §8.1.3.1):
    /// the request goes on to the next one.
    pub(super) fn next_target_after(&mut self, now: Instant, id: ContextId, why: &str) -> bool {
        let can_go_again = self.can_go_again(id);
        let Some(context) = self.contexts.get_mut(&id) else { return false };
        let is_cancelled = context.is_cancelled();
        let is_raw = context.branch().is_some_and(|branch| self.transactions.is_foreign(branch));
        let Some(redirection) = &mut context.redirection else { return false };
        if is_cancelled || is_raw || !can_go_again || redirection.followed == MAX_REDIRECTS {
            return false;
        }
        let Some(next) = redirection.left.pop_front() else { return false };
        redirection.followed += 1;
        redirection.tried.push(next.uri.clone());
        let why = format!("{why}; the next contact of the redirect is {}", next.described());
        self.tell_own(now, id, Fact::PassedOver { response: None, why: why.into() });
        self.end_early_legs(now, id, TerminatedBy::GivenUp);
        self.go_to_target(now, id, &next);
        true
    }

    /// A rejected INVITE is ACKed before it goes out again, and its early dialogs are over.
    pub(super) fn ack_before_again(
        &mut self,
        now: Instant,
        id: ContextId,
        status: StatusCode,
        message: &Message,
    ) {
        if self.contexts.get(&id).is_some_and(|context| context.method == Method::Invite) {
            self.ack_own_rejection(now, id, status, message);
            self.end_prack_errands(now, id);
            self.end_early_legs(now, id, TerminatedBy::Response(status));
        }
    }

    /// A new client transaction in the same context, for the same target.
    pub(super) fn send_again(
        &mut self,
        now: Instant,
        id: ContextId,
        credentials: &[(HeaderName, String)],
    ) {
        let branch = self.new_branch();
        let Some(cseq) = self.next_cseq_of(id) else { return };
        let Some(context) = self.contexts.get(&id) else { return };
        let Some(old) = context.message() else { return };
        let Some((transport, sent_by)) = self.address(context.flow) else { return };
        let to = context.destination();
        let request_uri = old.request_uri().unwrap_or_default();
        let sender = self.sender(context, transport, &sent_by);
        let again = compose::Again { request_uri, cseq, credentials, wanted: &[] };
        let bytes = compose::again(&old, &sender, branch, &again);
        self.start_or_switch(now, id, branch, to, bytes);
    }

    /// The same for another target: on the flow that it has, or on the one that leads there.
    fn go_to_target(&mut self, now: Instant, id: ContextId, target: &RedirectTarget) {
        let branch = self.new_branch();
        let Some(cseq) = self.next_cseq_of(id) else { return };
        let Some(context) = self.contexts.get(&id) else { return };
        let Some(old) = context.written() else { return };
        let hop = self.hop_elsewhere(context.flow, &old, &target.uri);
        let (request_uri, wanted) = (target.uri.as_str(), &*target.headers);
        let again = compose::Again { request_uri, cseq, credentials: &[], wanted };
        if let Some(hop) = hop {
            let seen = match &context.request {
                Request::Waiting(Waiting::Elsewhere(elsewhere)) => elsewhere.seen,
                _ => self.seen(context.flow),
            };
            // What names us is written anew once the flow is known.
            let Some((transport, sent_by)) = compose::sent_by(&old) else { return };
            let sender = Sender { seen, ..self.sender(context, transport, &sent_by) };
            let bytes = compose::again(&old, &sender, branch, &again);
            let elsewhere = Elsewhere { bytes, signed: false, seen, to: None, branch: None };
            return self.follow(now, id, Waiting::Elsewhere(Box::new(elsewhere)), hop);
        }
        let Some((transport, sent_by)) = self.address(context.flow) else { return };
        let to = uri_destination(transport, &target.uri.as_uri());
        let sender = self.sender(context, transport, &sent_by);
        let bytes = compose::again(&old, &sender, branch, &again);
        // Another target is another protection space, maybe.
        let bytes = self.authorize_ahead(now, id, bytes);
        self.start_or_switch(now, id, branch, to, bytes);
    }

    /// The next hop of a request to another target (RFC 3261 §8.1.2), where that is not at the end of
    /// its flow. A route set leads where it did before, and so does the domain that was asked before:
    /// its server need not be the one that DNS names.
    fn hop_elsewhere(&self, flow: FlowId, old: &Message, target: &UriBuf) -> Option<UriBuf> {
        let route = old.list(HeaderName::Route).next();
        let route = route.and_then(|route| NameAddr::parse(HeaderName::Route, route).ok());
        let current = old.request_uri().and_then(|uri| uri.parse::<UriBuf>().ok());
        let is_same = |current: UriBuf| is_same_hop(&current.as_uri(), &target.as_uri());
        let stays = route.is_some()
            || current.is_some_and(is_same)
            || !self.leads_elsewhere(flow, &target.as_uri());
        if stays && self.flows.is_up(flow) {
            return None;
        }
        route.and_then(|route| route.uri().as_str().parse().ok()).or_else(|| Some(target.clone()))
    }

    /// The CSeq number of the next try; who asks for one has seen that there is one.
    fn next_cseq_of(&mut self, id: ContextId) -> Option<u32> {
        let context = self.contexts.get(&id)?;
        match context.parent.clone() {
            Some((parent, tag)) => self.leg_mut(parent, &tag)?.count(),
            None => next_cseq(context.last_cseq()?),
        }
    }

    /// The number of a request that is written once more for another way: its own, or the next one
    /// where the dialog of its leg has sent others since (RFC 3261 §12.2.1.1).
    pub(super) fn number_again(
        &mut self,
        leg: Option<(ContextId, Box<str>)>,
        old: &Message,
    ) -> Option<u32> {
        let number = old.cseq().ok()?.number;
        match leg.and_then(|(owner, tag)| self.leg_mut(owner, &tag)) {
            Some(leg) if leg.local_cseq > number => leg.count(),
            _ => Some(number),
        }
    }
}

/// Why a redirect is not followed: each contact that is none to go to.
fn not_followed(refused: &[String]) -> String {
    match refused {
        [] => "not followed: it names no contact that can be tried (RFC 3261 §8.1.3.4)".to_owned(),
        refused => format!("not followed: {}", refused.join("; ")),
    }
}

/// How often one request goes on to another target, whatever the peers say.
const MAX_REDIRECTS: u8 = 10;
