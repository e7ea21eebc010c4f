//! How a request of the peer is answered where nobody answers it by hand (RFC 3261 §8.2, §12.2.2).

use super::{UserAgent, peer::PeerRequest};
use crate::sip::{
    compose,
    message::{Message, StartLine},
    method::Method,
    name::HeaderName,
    sdp,
    status::StatusCode,
};

/// An answer to be written.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) sdp: Option<String>,
}

impl Verdict {
    fn new(code: u16) -> Verdict {
        let status = StatusCode::new(code).unwrap_or(StatusCode::OK);
        Verdict { status, headers: Vec::new(), sdp: None }
    }

    fn with(mut self, name: HeaderName, value: impl Into<String>) -> Verdict {
        self.headers.push((name, value.into()));
        self
    }

    fn not_allowed() -> Verdict {
        Verdict::new(405).with(HeaderName::Allow, compose::ALLOW)
    }

    /// The same request came another way before (RFC 3261 §8.2.2.2).
    pub(super) fn loop_detected() -> Verdict {
        Verdict::new(482)
    }

    /// What answers OPTIONS (RFC 3261 §11.2).
    fn capabilities() -> Verdict {
        Verdict::new(200)
            .with(HeaderName::Allow, compose::ALLOW)
            .with(HeaderName::Accept, sdp::SDP)
            .with(HeaderName::Supported, "100rel")
    }

    /// The answer to a request that belongs to no dialog.
    pub(super) fn out_of_dialog(method: &Method, request: &Message) -> Verdict {
        if let Some(refusal) = malformed(request) {
            return refusal;
        }
        let is_lost = request.to().is_ok_and(|to| to.tag().is_some())
            || matches!(method, Method::Bye | Method::Notify | Method::Cancel);
        if is_lost {
            return Verdict::new(481);
        }
        if let Some(refusal) = unsupported(request) {
            return refusal;
        }
        match method {
            Method::Options => Verdict::capabilities(),
            // RFC 3261 §21.4.6: what is allowed here, where no dialog is.
            _ => Verdict::new(405).with(HeaderName::Allow, "OPTIONS"),
        }
    }
}

impl UserAgent {
    /// The answer to a request in a dialog.
    pub(super) fn judge(&mut self, peer: &PeerRequest) -> Verdict {
        let number = peer.message.cseq().map_or(0, |cseq| cseq.number);
        let retry_after = 1 + self.identifiers.cseq() % 10;
        let unacked = self.unacked.contains(peer.context, &peer.tag);
        let Some(leg) = self.leg_mut(peer.context, &peer.tag) else { return Verdict::new(481) };
        if leg.is_terminated() {
            return Verdict::new(481);
        }
        if let Some(refusal) = malformed(&peer.message) {
            return refusal;
        }
        let Some(leg) = self.leg_mut(peer.context, &peer.tag) else { return Verdict::new(481) };
        // RFC 3261 §12.2.2: a CSeq number that goes back is out of order.
        if leg.remote_cseq.is_some_and(|last| number < last) {
            return Verdict::new(500);
        }
        leg.remote_cseq = Some(number);
        let (invite_pending, subscribed) = (leg.invite_pending, leg.subscribed);
        if let Some(refusal) = unsupported(&peer.message) {
            return refusal;
        }
        match peer.method {
            Method::Bye | Method::Info | Method::Message => Verdict::new(200),
            Method::Options => Verdict::capabilities(),
            // RFC 3261 §14.2: one INVITE after the other, and none across ours.
            Method::Invite if unacked => {
                Verdict::new(500).with(HeaderName::RetryAfter, retry_after.to_string())
            }
            Method::Invite | Method::Update if invite_pending => Verdict::new(491),
            Method::Invite | Method::Update => self.session_change(peer),
            // RFC 6665 §4.1.3: only what was subscribed to is taken.
            Method::Notify if subscribed => Verdict::new(200),
            Method::Notify | Method::Cancel | Method::Prack => Verdict::new(481),
            // RFC 3515 §2.4.2: understood, and not followed without the user.
            Method::Refer => Verdict::new(603),
            // RFC 6665 §8.3.2: no event package is served here.
            Method::Subscribe => Verdict::new(489).with(HeaderName::AllowEvents, ""),
            _ => Verdict::not_allowed(),
        }
    }

    /// A re-INVITE or UPDATE: its offer is answered with what we described ourselves.
    fn session_change(&mut self, peer: &PeerRequest) -> Verdict {
        let is_invite = peer.method == Method::Invite;
        let offer = sdp::body(&peer.message);
        if offer.is_none() && !peer.message.body().is_empty() {
            return Verdict::new(415).with(HeaderName::Accept, sdp::SDP);
        }
        let ours = self.contexts.get(&peer.context).and_then(|context| context.message());
        let ours = ours.as_ref().and_then(sdp::body);
        let Some(leg) = self.leg_mut(peer.context, &peer.tag) else { return Verdict::new(481) };
        leg.sdp_version += 1;
        let version = leg.sdp_version;
        let mut verdict = Verdict::new(200).with(HeaderName::Allow, compose::ALLOW);
        if let Some(contact) = self.contact_of(peer.context) {
            verdict = verdict.with(HeaderName::Contact, contact);
        }
        verdict.sdp = match offer {
            Some(offer) => Some(sdp::answer(&offer, ours.as_deref(), version)),
            None if is_invite => Some(sdp::offer_again(ours.as_deref(), version)),
            None => None,
        };
        verdict
    }
}

/// Another version (RFC 3261 §21.5.6), or a CSeq that is another method's (§8.1.1.5).
fn malformed(request: &Message) -> Option<Verdict> {
    let StartLine::Request { method, version, .. } = request.start_line() else { return None };
    if !version.eq_ignore_ascii_case("SIP/2.0") {
        return Some(Verdict::new(505));
    }
    let fits = request.cseq().is_ok_and(|cseq| cseq.method == method);
    (!fits).then(|| Verdict::new(400))
}

/// RFC 3261 §8.2.2.3: extensions that are required and not known here.
fn unsupported(request: &Message) -> Option<Verdict> {
    let unknown: Vec<&str> = request
        .list(HeaderName::Require)
        .filter(|option| !option.eq_ignore_ascii_case("100rel"))
        .collect();
    (!unknown.is_empty())
        .then(|| Verdict::new(420).with(HeaderName::Unsupported, unknown.join(", ")))
}
