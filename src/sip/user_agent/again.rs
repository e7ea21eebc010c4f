//! The same request once more, in the same context: to another target after a 3xx
//! (RFC 3261 §8.1.3.4), or with credentials after a 401 or 407 (§22.2).

use std::{collections::VecDeque, time::Instant};

use super::{Redirects, UserAgent, sending::uri_destination};
use crate::sip::{
    compose,
    context::ClientContext,
    event::{ContextId, Fact, RedirectTarget, TerminatedBy},
    header::{CSeq, NameAddr},
    message::Message,
    method::Method,
    name::HeaderName,
    status::StatusCode,
    uri::{Uri, UriBuf},
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
    left: VecDeque<UriBuf>,
}

impl ClientContext {
    /// Whether a rejection with that status is answered by another try.
    pub(crate) fn would_go_on(&self, status: StatusCode) -> bool {
        matches!(status.code(), 300..=399 | 401 | 407)
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
        if context.is_cancelled() || is_raw {
            return Next::Stands(None);
        }
        let mut refused = None;
        if matches!(status.code(), 401 | 407) {
            match self.answer_challenge(now, id, status, message) {
                Next::Again => return Next::Again,
                Next::Stands(why) => refused = why,
            }
        }
        let again = match status.code() {
            300..=399 => self.follow_redirect(now, id, status, message),
            // RFC 3261 §16.7: a 6xx speaks for every target.
            400..=599 => self.try_next_target(now, id, status, message),
            _ => false,
        };
        if again { Next::Again } else { Next::Stands(refused) }
    }

    fn follow_redirect(
        &mut self,
        now: Instant,
        id: ContextId,
        status: StatusCode,
        message: &Message,
    ) -> bool {
        // RFC 3261 §21.3.4: 305 names a proxy and 380 a service, neither a target.
        if self.settings.redirects == Redirects::None || matches!(status.code(), 305 | 380) {
            return false;
        }
        let Some(context) = self.contexts.get_mut(&id) else { return false };
        let Some(current) = context
            .message()
            .and_then(|request| request.request_uri().and_then(|uri| uri.parse::<UriBuf>().ok()))
        else {
            return false;
        };
        let targets = targets(message);
        let redirection = context.redirection.get_or_insert_default();
        if !redirection.tried.contains(&current) {
            redirection.tried.push(current.clone());
        }
        let usable = targets.iter().map(|target| &target.uri).filter(|uri| {
            // RFC 3261 §8.1.3.4: not back from sips to sip, and not in circles.
            (uri.as_uri().is_sips() || !current.as_uri().is_sips())
                && !redirection.tried.contains(uri)
                && !redirection.left.contains(uri)
        });
        let fresh: Vec<UriBuf> = match self.settings.redirects {
            Redirects::None => Vec::new(),
            Redirects::Best => usable.take(1).cloned().collect(),
            Redirects::All => usable.cloned().collect(),
        };
        for uri in fresh.into_iter().rev() {
            redirection.left.push_front(uri);
        }
        self.go_to_next_target(now, id, status, message, targets)
    }

    fn try_next_target(
        &mut self,
        now: Instant,
        id: ContextId,
        status: StatusCode,
        message: &Message,
    ) -> bool {
        let has_more = |context: &ClientContext| {
            context.redirection.as_ref().is_some_and(|redirection| !redirection.left.is_empty())
        };
        self.contexts.get(&id).is_some_and(|context| has_more(context))
            && self.go_to_next_target(now, id, status, message, Vec::new())
    }

    fn go_to_next_target(
        &mut self,
        now: Instant,
        id: ContextId,
        status: StatusCode,
        message: &Message,
        targets: Vec<RedirectTarget>,
    ) -> bool {
        let Some(context) = self.contexts.get_mut(&id) else { return false };
        let Some(redirection) = &mut context.redirection else { return false };
        let Some(next) = redirection.left.pop_front() else { return false };
        redirection.tried.push(next.clone());
        let response = compose::response(message, status);
        let fact = Fact::Redirected { response, targets, next: next.clone() };
        self.tell_own(now, id, fact);
        self.ack_before_again(now, id, status, message);
        self.send_again(now, id, Some(next), &[]);
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
            self.end_early_legs(now, id, TerminatedBy::Response);
        }
    }

    /// A new client transaction in the same context.
    pub(super) fn send_again(
        &mut self,
        now: Instant,
        id: ContextId,
        target: Option<UriBuf>,
        headers: &[(HeaderName, String)],
    ) {
        let branch = self.new_branch();
        let Some(context) = self.contexts.get(&id) else { return };
        let Some(old) = context.message() else { return };
        let parent = context.parent.clone();
        let cseq = match parent.and_then(|(parent, tag)| self.leg_mut(parent, &tag)) {
            Some(leg) => {
                leg.local_cseq += 1;
                leg.local_cseq
            }
            // A number that cannot grow starts again; nobody has counted on it yet.
            None => old.cseq().map_or(1, |cseq| cseq.number % CSeq::MAX + 1),
        };
        let Some(context) = self.contexts.get(&id) else { return };
        let Some((transport, sent_by)) = self.address(context.flow) else { return };
        let request_uri = match &target {
            Some(target) => target.as_str(),
            None => old.request_uri().unwrap_or_default(),
        };
        let to = match &target {
            Some(target) => uri_destination(transport, &target.as_uri()),
            None => context.destination(),
        };
        let sender = self.sender(transport, &sent_by);
        let bytes = compose::again(&old, &sender, branch, request_uri, cseq, headers);
        let bytes = match target {
            // Another target is another protection space, maybe.
            Some(_) => self.authorize_ahead(now, id, bytes),
            None => bytes,
        };
        self.start(now, id, branch, to, bytes);
    }
}

/// The contacts of a 3xx, the most wanted first; equal ones in their order.
fn targets(message: &Message) -> Vec<RedirectTarget> {
    let mut targets: Vec<RedirectTarget> = message
        .list(HeaderName::Contact)
        .filter_map(|value| NameAddr::parse(HeaderName::Contact, value).ok())
        .filter_map(|contact| {
            let q = contact.params().value("q").map_or(Some(1000), thousandths)?;
            Some(RedirectTarget { uri: without_headers(&contact.uri())?, q })
        })
        .collect();
    targets.sort_by_key(|target| std::cmp::Reverse(target.q));
    targets
}

/// RFC 3261 §19.1.1: a Request-URI has no headers and no method parameter.
fn without_headers(uri: &Uri<'_>) -> Option<UriBuf> {
    let text = uri.as_str();
    let end = text.find('?').unwrap_or(text.len());
    text[..end].parse().ok()
}

/// A qvalue: `0` to `1` with at most three decimals (RFC 3261 §25.1).
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(fraction),
        "1" if fraction == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qvalue_is_0_to_1_with_three_decimals() {
        for (text, q) in [
            ("0", Some(0)),
            ("1", Some(1000)),
            ("1.000", Some(1000)),
            ("0.5", Some(500)),
            ("0.123", Some(123)),
            ("1.1", None),
            ("0.1234", None),
            ("2", None),
            ("-1", None),
            ("", None),
        ] {
            assert_eq!(thousandths(text), q, "{text:?}");
        }
    }
}
