//! Requests in a dialog.

use bytes::Bytes;

use super::{ALLOW, MAX_FORWARDS, Sender, given, supported, wants_contact};
use crate::sip::{
    builder::MessageBuilder,
    dialog::{Leg, Routing},
    message::Message,
    method::Method,
    name::HeaderName,
    random::Branch,
    request::DialogRequest,
    sdp,
};

/// Requests in the dialog of a leg (RFC 3261 §12.2.1.1).
pub(crate) struct InDialog {
    /// The way that they take.
    pub(crate) routing: Routing,
}

impl InDialog {
    pub(crate) fn new(leg: &Leg) -> InDialog {
        InDialog { routing: Routing::new(&leg.remote_target, &leg.route_set) }
    }

    fn start(
        &self,
        leg: &Leg,
        invite: &Message,
        sender: &Sender<'_>,
        branch: Branch,
        method: &Method,
        cseq: u32,
    ) -> MessageBuilder {
        let mut builder = MessageBuilder::request(method, &self.routing.request_uri)
            .header(HeaderName::Via, sender.via(branch, method))
            .header(HeaderName::MaxForwards, MAX_FORWARDS);
        for route in &self.routing.routes {
            builder = builder.header(HeaderName::Route, route);
        }
        if let Some(from) = invite.header(HeaderName::From) {
            builder = builder.copy(from);
        }
        builder = builder.header(HeaderName::To, &leg.remote_identity);
        if let Some(call_id) = invite.header(HeaderName::CallId) {
            builder = builder.copy(call_id);
        }
        builder
            .header(HeaderName::CSeq, format_args!("{cseq} {method}"))
            .header(HeaderName::UserAgent, sender.user_agent)
    }

    /// The ACK of a 2xx (RFC 3261 §13.2.2.4): a request of the dialog with the INVITE's CSeq number
    /// and a branch of its own. Where the 2xx makes the offer, the ACK must answer it
    /// (RFC 3264 §6).
    pub(crate) fn ack(
        &self,
        leg: &Leg,
        invite: &Message,
        sender: &Sender<'_>,
        branch: Branch,
        response: &Message,
    ) -> Bytes {
        // `invite` is the one that the 2xx answers, which in a dialog need not be the first.
        let cseq = invite.cseq().map_or(0, |cseq| cseq.number);
        let mut builder = self.start(leg, invite, sender, branch, &Method::Ack, cseq);
        // RFC 3261 §22.1: it carries the credentials of its INVITE.
        for header in invite.headers() {
            if matches!(header.name, HeaderName::Authorization | HeaderName::ProxyAuthorization) {
                builder = builder.copy(header);
            }
        }
        match late_answer(leg, invite, response).filter(|_| !leg.offer_answered) {
            Some(answer) => builder.body(Some("application/sdp"), answer.as_bytes()),
            None => builder.body(None, b""),
        }
    }

    /// The PRACK of a reliable provisional, and whether the first offer has its answer with it: the
    /// provisional answers ours, or the PRACK answers the peer's (RFC 3262 §5, §7.2).
    pub(crate) fn prack(
        &self,
        leg: &Leg,
        invite: &Message,
        sender: &Sender<'_>,
        branch: Branch,
        rack: &str,
        response: &Message,
    ) -> (Bytes, bool) {
        let builder = self
            .start(leg, invite, sender, branch, &Method::Prack, leg.local_cseq)
            .header(HeaderName::RAck, rack);
        match late_answer(leg, invite, response).filter(|_| !leg.offer_answered) {
            Some(answer) => (builder.body(Some("application/sdp"), answer.as_bytes()), true),
            None => {
                let answers = !invite.body().is_empty() && !response.body().is_empty();
                (builder.body(None, b""), answers)
            }
        }
    }

    /// Any other request (RFC 3261 §12.2.1.1), with the leg's last CSeq number.
    pub(crate) fn request(
        &self,
        leg: &Leg,
        invite: &Message,
        sender: &Sender<'_>,
        branch: Branch,
        request: &DialogRequest,
    ) -> Bytes {
        let given = |name| given(&request.headers, name);
        let mut builder = self.start(leg, invite, sender, branch, &request.method, leg.local_cseq);
        if wants_contact(&request.method) && !given(HeaderName::Contact) {
            // RFC 3261 §12.2.1.1: a target refresh names the target again.
            builder = match invite.header(HeaderName::Contact) {
                Some(contact) => builder.copy(contact),
                None => builder,
            };
        }
        if request.method == Method::Invite && !given(HeaderName::Allow) {
            builder = builder.header(HeaderName::Allow, ALLOW);
        }
        if request.method == Method::Invite && !given(HeaderName::Supported) {
            builder = builder.header(HeaderName::Supported, supported(sender.reliable));
        }
        for header in &request.headers {
            builder = builder.extension(header.name(), header.value());
        }
        builder.body(request.content_type.as_deref(), &request.body)
    }
}

/// The answer to the offer in a response to an INVITE that was sent without one: with what we have
/// described before, and none of the media where that is nothing (RFC 3264 §6: port zero).
fn late_answer(leg: &Leg, invite: &Message, response: &Message) -> Option<String> {
    if !invite.body().is_empty() {
        return None;
    }
    let offer = sdp::body(response)?;
    Some(match &leg.described {
        Some(described) => described.answer(&offer),
        None => sdp::Described::default().answer(&offer),
    })
}
