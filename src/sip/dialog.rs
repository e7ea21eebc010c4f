//! Legs: the early and confirmed dialogs that an INVITE makes, one for each To tag
//! (RFC 3261 §12).

use std::{num::NonZeroU32, time::Instant};

use crate::sip::{
    event::{ContextId, LegState, TerminatedBy, Timer},
    header::{CSeq, NameAddr},
    message::Message,
    name::HeaderName,
    random::Branch,
    sdp::Described,
    uri::Uri,
};

/// One leg, seen from the side that sent the INVITE.
#[derive(Debug)]
pub(crate) struct Leg {
    /// The remote tag.
    pub(crate) tag: Box<str>,
    /// Where it stands.
    pub(crate) state: LegState,
    /// Whether a 2xx has made or confirmed it; else it is early until it is over, though our BYE may
    /// be on its way already (RFC 3261 §15).
    confirmed: bool,
    /// To as the peer wrote it, with its tag.
    pub(crate) remote_identity: Box<str>,
    /// Where requests in the dialog are sent to: the peer's Contact, as it may stand in a Request-URI
    /// (RFC 3261 §19.1.1).
    pub(crate) remote_target: Box<str>,
    /// The members of the Route header, in order.
    pub(crate) route_set: Box<[Box<str>]>,
    /// The last CSeq number that we used.
    pub(crate) local_cseq: u32,
    /// The last CSeq number that the peer used.
    pub(crate) remote_cseq: Option<u32>,
    /// The last RSeq of the INVITE under way that was acknowledged (RFC 3262 §4).
    pub(crate) rseq: Option<NonZeroU32>,
    /// Whether the first offer has its answer, in a reliable provisional or in its PRACK.
    pub(crate) offer_answered: bool,
    /// What SUBSCRIBEs and REFERs of ours have notifications coming on it (RFC 6665, RFC 3515): the one
    /// that made the dialog, or those that were sent in it, the oldest first. They may outlive a call
    /// (RFC 5057 §3.1). Boxed: most legs have none.
    subscriptions: Option<Box<Subscriptions>>,
    /// Our side of the session, once somebody has changed it or may.
    pub(crate) described: Option<Box<Described>>,
    /// The last re-INVITE of ours that was accepted: its 2xx may come again as long as the leg is up
    /// (RFC 3261 §13.2.2.4).
    pub(crate) reinvite: Option<ContextId>,
    /// Whether a try of the INVITE that is over has made it, and ended it: with that tag the next one
    /// makes another.
    pub(crate) of_earlier_try: bool,
    /// Whether a re-INVITE of ours is under way (RFC 3261 §14.1).
    pub(crate) invite_pending: bool,
    /// Whether an UPDATE of ours with an offer is under way (RFC 3311 §5.2).
    pub(crate) update_pending: bool,
    /// Whether a re-INVITE or UPDATE of the peer waits for an answer by hand (RFC 3261 §14.2,
    /// RFC 3311 §5.2).
    pub(crate) peer_offer_pending: bool,
    /// The last context that there was before it, where it has taken the place of the leg of an earlier
    /// try: what was sent in that one's dialog is not of this.
    pub(crate) after: ContextId,
    /// The PRACKs that were sent on it. Boxed: most legs have none.
    pracks: Option<Box<Pracks>>,
}

/// The PRACKs of a leg: whose INVITE's, and their branches.
#[derive(Debug, Default)]
struct Pracks(Vec<(ContextId, Branch)>);

impl Leg {
    /// The leg that a response to an INVITE makes. A provisional without a To tag makes none
    /// (RFC 3261 §12.1); in a 2xx a missing tag is a null tag, for the peers of RFC 2543 (§12.1.2),
    /// and so is that of a To which cannot be read because a raw INVITE had it so.
    pub(crate) fn new(response: &Message, request_uri: &str, invite_cseq: u32) -> Option<Leg> {
        let to = response.to().ok();
        let tag = match to.as_ref().and_then(|to| to.tag()) {
            Some(tag) => tag,
            None if response.status()?.is_success() => "",
            None => return None,
        };
        let mut leg = Leg {
            tag: tag.into(),
            state: LegState::Early,
            confirmed: false,
            remote_identity: "".into(),
            remote_target: request_uri.into(),
            route_set: Box::default(),
            local_cseq: invite_cseq,
            remote_cseq: None,
            rseq: None,
            offer_answered: false,
            subscriptions: None,
            described: None,
            reinvite: None,
            of_earlier_try: false,
            invite_pending: false,
            update_pending: false,
            peer_offer_pending: false,
            after: ContextId(0),
            pracks: None,
        };
        leg.learn(response);
        Some(leg)
    }

    /// The leg that a NOTIFY makes before the response does (RFC 6665 §4.1.2.4). What comes from the
    /// peer names its tag in From, and its route set the other way round (RFC 3261 §12.1.1).
    pub(crate) fn of_peer(request: &Message, request_uri: &str, cseq: u32) -> Option<Leg> {
        Some(Leg {
            tag: request.from().ok()?.tag()?.into(),
            state: LegState::Confirmed,
            confirmed: true,
            remote_identity: request.header(HeaderName::From)?.text().ok()?.into(),
            remote_target: match request.contact() {
                Ok(contact) => contact.uri().for_request_line().into(),
                Err(_) => request_uri.into(),
            },
            route_set: request.list(HeaderName::RecordRoute).map(Box::from).collect(),
            local_cseq: cseq,
            remote_cseq: None,
            rseq: None,
            offer_answered: false,
            subscriptions: None,
            described: None,
            reinvite: None,
            of_earlier_try: false,
            invite_pending: false,
            update_pending: false,
            peer_offer_pending: false,
            after: ContextId(0),
            pracks: None,
        })
    }

    /// Takes route set and remote target from a response (RFC 3261 §12.1.2, and again from the 2xx
    /// by §13.2.2.4).
    pub(crate) fn learn(&mut self, response: &Message) {
        if let Some(Ok(to)) = response.header(HeaderName::To).map(|header| header.text()) {
            self.remote_identity = to.into();
        }
        // Deviation: a 2xx without the Contact that it must have leaves the Request-URI as target,
        // so that it can still be ACKed and hung up.
        if let Ok(contact) = response.contact() {
            self.remote_target = contact.uri().for_request_line().into();
        }
        let mut recorded: Vec<_> = response.list(HeaderName::RecordRoute).map(Box::from).collect();
        recorded.reverse();
        self.route_set = recorded.into();
    }

    /// Takes a new remote target from a message that refreshes it (RFC 3261 §12.2.1.2, §12.2.2;
    /// RFC 3311 §5.1). The route set never changes again.
    pub(crate) fn refresh(&mut self, message: &Message) {
        if let Ok(contact) = message.contact() {
            self.remote_target = contact.uri().for_request_line().into();
        }
    }

    /// The CSeq number of the next request (RFC 3261 §12.2.1.1); `None` where it can grow no more.
    pub(crate) fn count(&mut self) -> Option<u32> {
        self.local_cseq = next_cseq(self.local_cseq)?;
        Some(self.local_cseq)
    }

    /// A 2xx confirms the dialog, or has made it.
    pub(crate) fn confirm(&mut self) {
        self.state = LegState::Confirmed;
        self.confirmed = true;
    }

    /// A NOTIFY confirms the dialog of a subscription (RFC 6665 §4.4.1), unless that is being ended
    /// already. Gives whether it does.
    pub(crate) fn notified(&mut self) -> bool {
        let was_early = self.state == LegState::Early;
        if was_early {
            self.confirm();
        }
        was_early
    }

    /// Whether the dialog is confirmed and not over.
    pub(crate) fn is_up(&self) -> bool {
        self.confirmed && !self.is_terminated()
    }

    /// Whether the dialog was up, and its BYE has not reached the peer as far as is known.
    pub(crate) fn is_lost(&self) -> bool {
        self.confirmed && self.state == LegState::Terminated { by: TerminatedBy::Transport }
    }

    /// Whether no 2xx has confirmed the dialog, and it is not over.
    pub(crate) fn is_early(&self) -> bool {
        !self.confirmed && !self.is_terminated()
    }

    /// What has notifications coming on it.
    pub(crate) fn subscriptions(&self) -> &[Subscription] {
        self.subscriptions.as_ref().map_or(&[], |all| &all.0)
    }

    /// What that context has subscribed to on it.
    pub(crate) fn subscription_mut(&mut self, by: ContextId) -> Option<&mut Subscription> {
        self.subscriptions.as_mut()?.0.iter_mut().find(|subscription| subscription.by == by)
    }

    /// That context has subscribed to something on it, or is about to.
    pub(crate) fn subscribe(&mut self, by: ContextId) {
        self.subscriptions.get_or_insert_default().0.push(Subscription::new(by));
    }

    /// What that context has subscribed to is over.
    pub(crate) fn unsubscribe(&mut self, by: ContextId) {
        let Some(all) = &mut self.subscriptions else { return };
        all.0.retain(|subscription| subscription.by != by);
        if all.0.is_empty() {
            self.subscriptions = None;
        }
    }

    /// A PRACK is sent on it, for the INVITE of that context; of those before, those are kept that hold.
    pub(crate) fn add_prack(
        &mut self,
        of: ContextId,
        branch: Branch,
        holds: impl Fn(Branch) -> bool,
    ) {
        let Pracks(all) = &mut **self.pracks.get_or_insert_default();
        all.retain(|(_, branch)| holds(*branch));
        all.push((of, branch));
    }

    /// The PRACKs that were sent on it for the INVITEs of such contexts; they are not known any more.
    pub(crate) fn take_pracks(
        &mut self,
        of: impl Fn(ContextId) -> bool,
    ) -> Vec<(ContextId, Branch)> {
        let Some(Pracks(all)) = self.pracks.as_deref_mut() else { return Vec::new() };
        all.extract_if(.., |(id, _)| of(*id)).collect()
    }

    /// Whether what ends the dialog is on its way.
    pub(crate) fn is_hanging_up(&self) -> bool {
        matches!(self.state, LegState::HangingUp { .. })
    }

    /// Whether the dialog is over.
    pub(crate) fn is_terminated(&self) -> bool {
        matches!(self.state, LegState::Terminated { .. })
    }
}

/// The subscriptions of a leg.
#[derive(Debug, Default)]
struct Subscriptions(Vec<Subscription>);

/// A subscription in the dialog of a leg, and how long it lasts.
#[derive(Debug)]
pub(crate) struct Subscription {
    /// The SUBSCRIBE or REFER that made it: the context that has the leg, or a request in its dialog.
    pub(crate) by: ContextId,
    /// When it is over, as far as that is known.
    pub(crate) expiry: Option<Instant>,
    /// Timer N: when a NOTIFY must have come (RFC 6665 §4.1.2).
    pub(crate) notify_by: Option<Instant>,
}

impl Subscription {
    /// One of which nothing is known so far.
    fn new(by: ContextId) -> Subscription {
        Subscription { by, expiry: None, notify_by: None }
    }

    /// The place of one of its two deadlines.
    pub(crate) fn deadline_mut(&mut self, timer: Timer) -> &mut Option<Instant> {
        match timer {
            Timer::N => &mut self.notify_by,
            _ => &mut self.expiry,
        }
    }

    /// Its deadlines.
    pub(crate) fn deadlines(&self) -> impl Iterator<Item = (Timer, Instant)> {
        let both = [(Timer::Expiry, self.expiry), (Timer::N, self.notify_by)];
        both.into_iter().filter_map(|(timer, at)| Some((timer, at?)))
    }
}

/// The number after this one; `None` after the last (RFC 3261 §8.1.1.5).
pub(crate) fn next_cseq(number: u32) -> Option<u32> {
    (number < CSeq::MAX).then(|| number + 1)
}

/// Why a request cannot be sent any more.
pub(crate) const CSEQ_SPENT: &str =
    "the CSeq number cannot grow beyond 2147483647 (RFC 3261 §8.1.1.5)";

/// The way of a request with a route set (RFC 3261 §12.2.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Routing {
    /// The Request-URI.
    pub(crate) request_uri: String,
    /// The members of the Route header, in order.
    pub(crate) routes: Vec<String>,
    /// Whether the first hop is a strict router, which has taken the Request-URI.
    is_strict: bool,
}

impl Routing {
    /// The way to a target through a route set.
    pub(crate) fn new(target: &str, route_set: &[Box<str>]) -> Routing {
        let mut routes: Vec<String> = route_set.iter().map(|route| route.to_string()).collect();
        match route_set.first().and_then(|first| route_uri(first)) {
            Some(first) if !first.params().has("lr") => {
                // Stripped of what a Request-URI cannot have (RFC 3261 §12.2.1.1).
                let request_uri = first.for_request_line().into_owned();
                routes.remove(0);
                routes.push(format!("<{target}>"));
                Routing { request_uri, routes, is_strict: true }
            }
            _ => Routing { request_uri: target.to_owned(), routes, is_strict: false },
        }
    }

    /// The URI that the first hop is found by (RFC 3261 §8.1.2): a strict router is the Request-URI
    /// itself, a loose one the first Route, and without a route set it is the target.
    pub(crate) fn next_hop(&self) -> Option<Uri<'_>> {
        match self.routes.first().filter(|_| !self.is_strict) {
            Some(route) => route_uri(route),
            None => Uri::parse(&self.request_uri).ok(),
        }
    }
}

fn route_uri(route: &str) -> Option<Uri<'_>> {
    NameAddr::parse(HeaderName::Route, route).ok().map(|address| address.uri())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(set: &[&str]) -> (String, Vec<String>, String) {
        let set: Vec<Box<str>> = set.iter().map(|route| Box::from(*route)).collect();
        let routing = Routing::new("sip:bob@b", &set);
        let next = routing.next_hop().unwrap().as_str().to_owned();
        (routing.request_uri, routing.routes, next)
    }

    #[test]
    fn a_loose_route_set_leaves_the_target_in_the_request_line() {
        let (uri, routes, next) = way(&["<sip:p1;lr>", "<sip:p2>"]);
        assert_eq!((&*uri, &*next), ("sip:bob@b", "sip:p1;lr"));
        assert_eq!(routes, ["<sip:p1;lr>", "<sip:p2>"]);
        assert_eq!(way(&[]), ("sip:bob@b".into(), vec![], "sip:bob@b".into()));
    }

    #[test]
    fn a_strict_router_takes_the_request_line_and_is_the_next_hop() {
        let (uri, routes, next) = way(&["<sip:p1>", "<sip:p2;lr>"]);
        assert_eq!((&*uri, &*next), ("sip:p1", "sip:p1"));
        assert_eq!(routes, ["<sip:p2;lr>", "<sip:bob@b>"]);
    }
}
