//! How a request of the peer is answered where nobody answers it by hand (RFC 3261 §8.2, §12.2.2).

use super::{UserAgent, peer::PeerRequest, subscriptions::subscription_state};
use crate::sip::{
    compose,
    event::ContextId,
    flaw::Flaw,
    message::{Limits, Message},
    method::Method,
    name::HeaderName,
    sdp,
    status::StatusCode,
    syntax,
    uri::{Scheme, Uri},
};

/// An answer to be written.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) status: StatusCode,
    /// Where the status's own phrase says too little (RFC 3261 §21.4.1).
    pub(super) reason: Option<String>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) sdp: Option<String>,
    /// Whether it is only what nobody has said otherwise, so that a user may.
    pub(super) is_choice: bool,
}

impl Verdict {
    fn new(code: u16) -> Verdict {
        let status = StatusCode::new(code).unwrap_or(StatusCode::OK);
        let is_choice = status.is_success();
        Verdict { status, reason: None, headers: Vec::new(), sdp: None, is_choice }
    }

    fn with(self, name: HeaderName, value: impl Into<String>) -> Verdict {
        self.with_extension(name.as_str(), value)
    }

    fn with_extension(mut self, name: &'static str, value: impl Into<String>) -> Verdict {
        self.headers.push((name, value.into()));
        self
    }

    /// A session description that cannot be answered, and why (RFC 3261 §21.4.26).
    fn not_acceptable(why: &str) -> Verdict {
        let warning = format!("399 sipboard {}", syntax::quote(why));
        Verdict::new(488).with(HeaderName::Warning, warning)
    }

    /// A request that no server takes, whatever it asks for.
    pub(super) fn refusal(flaw: Option<Flaw>) -> Verdict {
        match flaw {
            Some(Flaw { status, reason }) => {
                Verdict { status, reason: Some(reason), ..Verdict::new(400) }
            }
            None => Verdict::new(400),
        }
    }

    fn not_allowed() -> Verdict {
        Verdict::new(405).with(HeaderName::Allow, compose::ALLOW)
    }

    /// What this user agent does not do of itself, and a user may: a refusal by policy.
    fn unless_by_hand(self) -> Verdict {
        Verdict { is_choice: true, ..self }
    }

    /// Too many requests are open (RFC 3261 §21.5.4).
    pub(super) fn overloaded(retry_after: u32) -> Verdict {
        Verdict::new(503).with(HeaderName::RetryAfter, retry_after.to_string())
    }

    /// The same request came another way before (RFC 3261 §8.2.2.2).
    pub(super) fn loop_detected() -> Verdict {
        Verdict::new(482)
    }

    /// What answers a NOTIFY that does not say how its subscription stands (RFC 6665 §8.2.3).
    pub(super) fn no_state() -> Verdict {
        let reason = "A NOTIFY needs one readable Subscription-State header".to_owned();
        Verdict { reason: Some(reason), ..Verdict::new(400) }
    }

    /// What answers OPTIONS (RFC 3261 §11.2).
    fn capabilities(reliable: bool) -> Verdict {
        let verdict = Verdict::new(200)
            .with(HeaderName::Allow, compose::ALLOW)
            .with(HeaderName::Accept, format!("{}, text/plain", sdp::SDP))
            .with(HeaderName::AcceptEncoding, "identity")
            .with(HeaderName::AcceptLanguage, "*");
        match reliable {
            true => verdict.with(HeaderName::Supported, "100rel"),
            false => verdict,
        }
    }

    /// What answers a CANCEL of a request that is known, answered or not (RFC 3261 §9.2).
    pub(super) fn cancel_taken() -> Verdict {
        Verdict::new(200)
    }

    /// What answers a BYE whose dialog has ended while it waited (RFC 3261 §15.1.2).
    pub(super) fn bye_taken() -> Verdict {
        Verdict::new(200)
    }

    /// What answers an INVITE whose reliable provisional nobody has acknowledged (RFC 3262 §3).
    pub(super) fn never_acknowledged(provisional: StatusCode) -> Verdict {
        let reason = Some(format!("No PRACK for the {provisional}"));
        Verdict { reason, ..Verdict::new(500) }
    }

    /// What answers a PRACK that acknowledges something, with the answer to its offer.
    pub(super) fn acknowledged(sdp: Option<String>) -> Verdict {
        Verdict { sdp, ..Verdict::new(200) }
    }

    /// What answers a request that is given up: its CANCEL or a BYE came (RFC 3261 §9.2, §15.1.2).
    pub(super) fn terminated() -> Verdict {
        Verdict::new(487)
    }

    /// What tells the peer of an INVITE that somebody is asked (RFC 3261 §17.2.1).
    pub(super) fn trying() -> Verdict {
        Verdict::new(100)
    }

    /// The answer to a request that belongs to no dialog.
    pub(super) fn out_of_dialog(
        method: &Method,
        request: &Message,
        limits: &Limits,
        reliable: bool,
    ) -> Verdict {
        if let Some(refusal) = malformed(request, limits) {
            return refusal;
        }
        let is_lost = request.to().is_ok_and(|to| to.tag().is_some())
            || matches!(
                method,
                Method::Bye
                    | Method::Cancel
                    | Method::Info
                    | Method::Notify
                    | Method::Prack
                    | Method::Update
            );
        if is_lost {
            return Verdict::new(481);
        }
        if let Some(refusal) = unsupported(request, reliable) {
            return refusal;
        }
        match method {
            // Deviation: RFC 3261 §11.2 has it answered as an INVITE would be, by 480. What asks is mostly
            // a registrar that wants to know whether the phone is there, and it is.
            Method::Options => Verdict::capabilities(reliable),
            // RFC 3428 §7: it is shown as it came, whatever it holds; the 200 has no body.
            Method::Message => Verdict::new(200),
            // RFC 3261 §21.4.18: understood (there are re-INVITEs), but nobody takes calls here.
            Method::Invite => Verdict::new(480),
            // RFC 3261 §8.2.1, §20.5: what this user agent supports, in a dialog or outside.
            _ => Verdict::not_allowed(),
        }
    }
}

impl UserAgent {
    /// The answer to a request in a dialog.
    pub(super) fn judge(&mut self, peer: &PeerRequest) -> Verdict {
        let number = peer.message.cseq().map_or(0, |cseq| cseq.number);
        let retry_after = 1 + self.identifiers.cseq() % 10;
        let limits = self.settings.limits;
        let unacked = self.unacked.contains(peer.context, &peer.tag);
        let unanswered_offer = self.unacked.has_offered(peer.context, &peer.tag);
        let context = self.contexts.get(&peer.context);
        let calling = context.is_some_and(|context| context.state.is_pending());
        let Some(leg) = self.leg_mut(peer.context, &peer.tag) else { return Verdict::new(481) };
        let (is_over, subscribed) = (leg.is_terminated(), !leg.subscriptions().is_empty());
        let is_notify = peer.method == Method::Notify;
        let is_notified =
            is_notify && self.subscription_for((peer.context, &peer.tag), &peer.message).is_some();
        // RFC 5057 §4.1, §4.2: what was subscribed to in a call outlives its BYE, and so does the dialog. What
        // is of the call itself finds nothing there any more.
        if is_over && (!subscribed || is_of_call(&peer.method) || is_notify && !is_notified) {
            return Verdict::new(481);
        }
        if let Some(refusal) = malformed(&peer.message, &limits) {
            return refusal;
        }
        // RFC 3261 §9.2: it names no request that is known, so its number counts for nothing.
        if peer.method == Method::Cancel {
            return Verdict::new(481);
        }
        let Some(leg) = self.leg_mut(peer.context, &peer.tag) else { return Verdict::new(481) };
        // RFC 3261 §12.2.2: a CSeq number that goes back is out of order.
        if leg.remote_cseq.is_some_and(|last| number < last) {
            return Verdict::new(500);
        }
        leg.remote_cseq = Some(number);
        let ours_pending = leg.invite_pending || leg.update_pending;
        let is_calling = leg.is_early() && calling;
        let unanswered = leg.peer_offer_pending;
        let is_early = leg.is_early() && !leg.offer_answered;
        // RFC 3311 §5.2: with an offer or without.
        let update_waits = peer.method == Method::Update
            && self.by_hand.values().any(|waiting| {
                waiting.method == Method::Update
                    && (waiting.context, &waiting.tag) == (peer.context, &peer.tag)
            });
        let reliable = self.settings.reliable_provisionals;
        if let Some(refusal) = unsupported(&peer.message, reliable) {
            return refusal;
        }
        match peer.method {
            // RFC 6086 §4.2.2: no Info Package is known here, and one without is as it always was.
            Method::Info if has_info_package(&peer.message) => {
                Verdict::new(469).with_extension("Recv-Info", "").unless_by_hand()
            }
            Method::Bye | Method::Info | Method::Message => Verdict::new(200),
            Method::Options => Verdict::capabilities(reliable),
            // RFC 3261 §14.2, RFC 3311 §5.2: one offer after the other, and none across ours.
            Method::Invite if unacked => {
                Verdict::new(500).with(HeaderName::RetryAfter, retry_after.to_string())
            }
            Method::Invite | Method::Update if unanswered && peer.offers() || update_waits => {
                Verdict::new(500).with(HeaderName::RetryAfter, retry_after.to_string())
            }
            // RFC 3261 §14.2: an INVITE of ours is in progress on that dialog; RFC 3311 §5.2.
            Method::Invite if is_calling => Verdict::new(491),
            Method::Invite | Method::Update if ours_pending && peer.offers() => Verdict::new(491),
            // RFC 3311 §5.2: our offer in the 2xx of a re-INVITE waits for its answer in the ACK.
            Method::Update if unanswered_offer && peer.offers() => Verdict::new(491),
            Method::Update if is_early && self.offers_cross(peer) => Verdict::new(491),
            Method::Invite | Method::Update => self.session_change(peer),
            // RFC 6665 §4.1.3: only what was subscribed to is taken, and it says how that stands (§8.2.3).
            Method::Notify if subscription_state(&peer.message).is_none() && subscribed => {
                Verdict::no_state()
            }
            Method::Notify if is_notified => Verdict::new(200),
            // RFC 3262 §3: 481 where nothing waits for it.
            Method::Prack => self.prack_received(peer).unwrap_or_else(|| Verdict::new(481)),
            Method::Notify => Verdict::new(481),
            // RFC 3515 §2.4.2.
            Method::Refer if refer_targets(&peer.message) != 1 => {
                let reason = "A REFER has one Refer-To".to_owned();
                Verdict { reason: Some(reason), ..Verdict::new(400) }
            }
            // RFC 3515 §2.4.2: understood, and not followed without the user.
            Method::Refer => Verdict::new(603).unless_by_hand(),
            // RFC 3261 §8.2.1: no event package is served here, so SUBSCRIBE is not among what Allow names,
            // and a 489 would have to name one (RFC 6665 §8.4).
            _ => Verdict::not_allowed().unless_by_hand(),
        }
    }

    /// Whether a request makes an offer while the one in our INVITE waits for its answer.
    fn offers_cross(&self, peer: &PeerRequest) -> bool {
        let context = self.contexts.get(&peer.context);
        let invite = context.and_then(|context| context.message());
        sdp::body(&peer.message).is_some()
            && invite.is_some_and(|invite| sdp::body(&invite).is_some())
    }

    /// A re-INVITE or UPDATE: its offer is answered with what we described ourselves.
    fn session_change(&mut self, peer: &PeerRequest) -> Verdict {
        let is_invite = peer.method == Method::Invite;
        let offer = sdp::body(&peer.message);
        if offer.is_none() && !peer.message.body().is_empty() && !is_optional(&peer.message) {
            return Verdict::new(415).with(HeaderName::Accept, sdp::SDP);
        }
        let described = self.described(peer.context, &peer.tag);
        if offer.as_ref().is_some_and(|offer| !sdp::is_readable(offer)) {
            return Verdict::not_acceptable("the session description cannot be read");
        }
        if offer.as_ref().is_some_and(|offer| described.loses_media(offer)) {
            return Verdict::not_acceptable("the offer has fewer media than before");
        }
        let mut verdict = Verdict::new(200).with(HeaderName::Allow, compose::ALLOW);
        verdict.sdp = match offer {
            Some(offer) => Some(described.answer(&offer)),
            None if is_invite => Some(described.offer_again()),
            None => None,
        };
        if let Some(contact) = self.contact_of(peer.context) {
            verdict = verdict.with(HeaderName::Contact, contact);
        }
        verdict
    }

    /// Our side of a leg's session; the INVITE is the first to describe it.
    pub(super) fn described(&mut self, id: ContextId, tag: &str) -> &mut sdp::Described {
        let context = self.contexts.get_mut(&id);
        let invite = context.as_ref().and_then(|context| context.message());
        let leg = context.and_then(|context| context.leg_mut(tag));
        let Some(leg) = leg else { return &mut self.no_session };
        let by = |invite: Message| Box::new(sdp::Described::by(&invite));
        leg.described.get_or_insert_with(|| invite.map(by).unwrap_or_default())
    }
}

/// What no server takes, or a Request-URI of a scheme that is unknown here (RFC 3261 §8.2.2.1).
fn malformed(request: &Message, limits: &Limits) -> Option<Verdict> {
    if let Some(flaw) = Flaw::of(request, limits) {
        return Some(Verdict::refusal(Some(flaw)));
    }
    let uri = request.request_uri().and_then(|uri| Uri::parse(uri).ok());
    let is_known = uri.is_some_and(|uri| match uri.scheme() {
        Scheme::Sip | Scheme::Sips => true,
        Scheme::Other(scheme) => scheme.eq_ignore_ascii_case("tel"),
    });
    (!is_known).then(|| Verdict::new(416))
}

/// What cannot be understood of a request, whatever its method; `reliable` says whether 100rel is
/// switched on.
fn unsupported(request: &Message, reliable: bool) -> Option<Verdict> {
    let unknown: Vec<&str> = request
        .list(HeaderName::Require)
        .filter(|option| !(reliable && option.eq_ignore_ascii_case("100rel")))
        .collect();
    // RFC 3261 §8.2.2.3: extensions that are required and not known here.
    if !unknown.is_empty() {
        return Some(Verdict::new(420).with(HeaderName::Unsupported, unknown.join(", ")));
    }
    // RFC 3261 §8.2.3: a body that cannot be decoded, unless it may be left alone.
    let is_encoded = request
        .list(HeaderName::ContentEncoding)
        .any(|encoding| !encoding.eq_ignore_ascii_case("identity"));
    (is_encoded && !request.body().is_empty() && !is_optional(request))
        .then(|| Verdict::new(415).with(HeaderName::AcceptEncoding, "identity"))
}

/// Whether a request belongs to the session that an INVITE has made, and not to its dialog alone
/// (RFC 5057 §5.3).
const fn is_of_call(method: &Method) -> bool {
    matches!(method, Method::Invite | Method::Bye | Method::Update | Method::Info | Method::Prack)
}

fn refer_targets(request: &Message) -> usize {
    request.all(HeaderName::ReferTo).count()
}

fn has_info_package(request: &Message) -> bool {
    request.headers().any(|header| header.name_text.eq_ignore_ascii_case(b"Info-Package"))
}

/// RFC 3261 §20.11: whether a body may be ignored by who does not understand it.
fn is_optional(request: &Message) -> bool {
    let disposition = request.header(HeaderName::ContentDisposition);
    let Some(Ok(text)) = disposition.map(|header| header.text()) else { return false };
    text.split(';').skip(1).filter_map(|param| param.split_once('=')).any(|(name, value)| {
        syntax::trim(name).eq_ignore_ascii_case("handling")
            && syntax::trim(value).eq_ignore_ascii_case("optional")
    })
}
