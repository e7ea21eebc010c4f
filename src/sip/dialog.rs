//! Legs: the early and confirmed dialogs that an INVITE makes, one for each To tag
//! (RFC 3261 §12).

use crate::sip::{event::LegState, header::NameAddr, message::Message, name::HeaderName, uri::Uri};

/// One leg, seen from the side that sent the INVITE.
#[derive(Debug)]
pub(crate) struct Leg {
    /// The remote tag.
    pub(crate) tag: Box<str>,
    /// Where it stands.
    pub(crate) state: LegState,
    /// To as the peer wrote it, with its tag.
    pub(crate) remote_identity: Box<str>,
    /// Where requests in the dialog are sent to: the peer's Contact.
    pub(crate) remote_target: Box<str>,
    /// The members of the Route header, in order.
    pub(crate) route_set: Vec<Box<str>>,
    /// The last CSeq number that we used.
    pub(crate) local_cseq: u32,
    /// The last CSeq number that the peer used.
    pub(crate) remote_cseq: Option<u32>,
    /// The last RSeq that was acknowledged (RFC 3262 §4).
    pub(crate) rseq: Option<u32>,
    /// Whether the first offer has its answer, in a reliable provisional or in its PRACK.
    pub(crate) offer_answered: bool,
    /// Whether a SUBSCRIBE or REFER of ours on it has notifications coming (RFC 6665, RFC 3515).
    pub(crate) subscribed: bool,
    /// How often we have described the session anew (RFC 3264 §8).
    pub(crate) sdp_version: u32,
    /// Whether a re-INVITE of ours is under way (RFC 3261 §14.1).
    pub(crate) invite_pending: bool,
    /// Whether a re-INVITE or UPDATE of the peer waits for an answer by hand (RFC 3261 §14.2,
    /// RFC 3311 §5.2).
    pub(crate) peer_offer_pending: bool,
}

impl Leg {
    /// The leg that a response to an INVITE makes; `None` where it has no To tag, and so makes
    /// none (RFC 3261 §12.1).
    pub(crate) fn new(response: &Message, request_uri: &str, invite_cseq: u32) -> Option<Leg> {
        let mut leg = Leg {
            tag: response.to().ok()?.tag()?.into(),
            state: LegState::Early,
            remote_identity: "".into(),
            remote_target: request_uri.into(),
            route_set: Vec::new(),
            local_cseq: invite_cseq,
            remote_cseq: None,
            rseq: None,
            offer_answered: false,
            subscribed: false,
            sdp_version: 0,
            invite_pending: false,
            peer_offer_pending: false,
        };
        leg.learn(response);
        Some(leg)
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
            self.remote_target = contact.uri().as_str().into();
        }
        self.route_set = response.list(HeaderName::RecordRoute).map(Box::from).collect();
        self.route_set.reverse();
    }

    /// Takes a new remote target from a message that refreshes it (RFC 3261 §12.2.1.2, §12.2.2;
    /// RFC 3311 §5.1). The route set never changes again.
    pub(crate) fn refresh(&mut self, message: &Message) {
        if let Ok(contact) = message.contact() {
            self.remote_target = contact.uri().as_str().into();
        }
    }

    /// Whether the dialog is confirmed and not over.
    pub(crate) fn is_up(&self) -> bool {
        matches!(self.state, LegState::Confirmed | LegState::HangingUp { .. })
    }

    /// Whether the dialog is over.
    pub(crate) fn is_terminated(&self) -> bool {
        matches!(self.state, LegState::Terminated { .. })
    }
}

/// Request-URI and Route header members of a request with a route set (RFC 3261 §12.2.1.1).
pub(crate) fn apply_route_set(target: &str, route_set: &[Box<str>]) -> (String, Vec<String>) {
    let mut routes: Vec<String> = route_set.iter().map(|route| route.to_string()).collect();
    let Some(first) = route_set.first() else {
        return (target.to_owned(), routes);
    };
    match route_uri(first) {
        Some(uri) if !uri.params().has("lr") => {
            // A strict router: it becomes the Request-URI, and the target the last route.
            let strict = uri.as_str().to_owned();
            routes.remove(0);
            routes.push(format!("<{target}>"));
            (strict, routes)
        }
        _ => (target.to_owned(), routes),
    }
}

/// The URI that the first hop of a request is found by: the first Route, else the Request-URI
/// (RFC 3261 §8.1.2, §12.2.1.1).
pub(crate) fn next_hop<'a>(request_uri: &'a str, routes: &'a [String]) -> Option<Uri<'a>> {
    match routes.first() {
        Some(route) => route_uri(route).filter(|uri| uri.params().has("lr")),
        None => None,
    }
    .or_else(|| Uri::parse(request_uri).ok())
}

fn route_uri(route: &str) -> Option<Uri<'_>> {
    NameAddr::parse(HeaderName::Route, route).ok().map(|address| address.uri())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(set: &[&str]) -> Vec<Box<str>> {
        set.iter().map(|route| Box::from(*route)).collect()
    }

    #[test]
    fn a_loose_route_set_leaves_the_target_in_the_request_line() {
        let set = routes(&["<sip:p1;lr>", "<sip:p2;lr>"]);
        let (uri, routes) = apply_route_set("sip:bob@b", &set);
        assert_eq!(
            (&*uri, &*routes),
            ("sip:bob@b", &["<sip:p1;lr>".to_owned(), "<sip:p2;lr>".to_owned()][..])
        );
        assert_eq!(next_hop(&uri, &routes).unwrap().host(), "p1");
    }

    #[test]
    fn a_strict_router_takes_the_request_line() {
        let set = routes(&["<sip:p1>", "<sip:p2;lr>"]);
        let (uri, routes) = apply_route_set("sip:bob@b", &set);
        assert_eq!(
            (&*uri, &*routes),
            ("sip:p1", &["<sip:p2;lr>".to_owned(), "<sip:bob@b>".to_owned()][..])
        );
    }
}
