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
    request::{DialogRequest, ExtraHeader},
    sdp,
    transport::Transport,
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

    /// All up to what the user adds: `own`, which may give what would stand here otherwise.
    fn start(
        &self,
        (to, cseq): (&str, u32),
        invite: &Message,
        sender: &Sender<'_>,
        branch: Branch,
        method: &Method,
        own: &[ExtraHeader],
    ) -> MessageBuilder {
        let mut builder = MessageBuilder::request(method, &self.routing.request_uri)
            .header(HeaderName::Via, sender.via(branch, method));
        if !given(own, HeaderName::MaxForwards) {
            builder = builder.header(HeaderName::MaxForwards, MAX_FORWARDS);
        }
        for route in &self.routing.routes {
            builder = builder.header(HeaderName::Route, route);
        }
        if let Some(from) = invite.header(HeaderName::From) {
            builder = builder.copy(from);
        }
        builder = builder.header(HeaderName::To, to);
        if let Some(call_id) = invite.header(HeaderName::CallId) {
            builder = builder.copy(call_id);
        }
        builder = builder.header(HeaderName::CSeq, format_args!("{cseq} {method}"));
        if given(own, HeaderName::UserAgent) {
            return builder;
        }
        builder.header(HeaderName::UserAgent, sender.user_agent)
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
        let place = (&*leg.remote_identity, cseq);
        let mut builder = self.start(place, invite, sender, branch, &Method::Ack, &[]);
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
        let place = (&*leg.remote_identity, leg.local_cseq);
        let builder = self
            .start(place, invite, sender, branch, &Method::Prack, &[])
            .header(HeaderName::RAck, rack);
        match late_answer(leg, invite, response).filter(|_| !leg.offer_answered) {
            Some(answer) => (builder.body(Some("application/sdp"), answer.as_bytes()), true),
            None => {
                let answers = !invite.body().is_empty() && !response.body().is_empty();
                (builder.body(None, b""), answers)
            }
        }
    }

    /// Any other request (RFC 3261 §12.2.1.1), with the leg's To and that CSeq number.
    pub(crate) fn request(
        &self,
        place: (&str, u32),
        invite: &Message,
        sender: &Sender<'_>,
        branch: Branch,
        request: &DialogRequest,
    ) -> Bytes {
        let given = |name| given(&request.headers, name);
        let mut builder =
            self.start(place, invite, sender, branch, &request.method, &request.headers);
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

/// How a request in the dialog of a leg is written at this moment: what [`preview_in_dialog`] must
/// know to show what would go out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialogWriting {
    /// Which leg: its To tag.
    pub tag: Box<str>,
    /// The transport that it goes by, unless DNS names another.
    pub transport: Transport,
    /// What Via says that we are; `None` where the flow is not up, or where it goes elsewhere than
    /// the request that made the dialog.
    pub sent_by: Option<Box<str>>,
    /// The session description that the peer has of us, where it has one.
    pub session: Option<Box<str>>,
    /// Whether the flow's servers have asked for credentials, so that they are sent unasked
    /// (RFC 3261 §22.2).
    pub is_challenged: bool,
    /// What goes instead of a BYE where no INVITE has made the dialog (RFC 6665 §4.1.2.3).
    pub(crate) ending: Option<DialogRequest>,
    pub(crate) target: Box<str>,
    pub(crate) route_set: Vec<Box<str>>,
    pub(crate) remote_identity: Box<str>,
    pub(crate) cseq: u32,
    pub(crate) invite: Bytes,
    pub(crate) keep: bool,
    pub(crate) user_agent: Box<str>,
    pub(crate) reliable: bool,
}

/// A request in a dialog as it would be written, without credentials. Where its way is not known
/// yet, our own address has a placeholder ([`PREVIEW_HOST`](super::PREVIEW_HOST)). A branch that it
/// leaves open is none that will be sent: give it.
pub fn preview_in_dialog(request: &DialogRequest, writing: &DialogWriting) -> Bytes {
    let Ok(invite) = Message::read(writing.invite.clone()) else { return Bytes::new() };
    let ending = writing.ending.as_ref().filter(|_| request.method == Method::Bye);
    let sender = Sender {
        transport: writing.transport,
        sent_by: writing.sent_by.as_deref().unwrap_or(super::PREVIEW_HOST),
        seen: None,
        contact: None,
        ob: false,
        keep: writing.keep,
        user_agent: &writing.user_agent,
        reliable: writing.reliable,
    };
    let routing = Routing::new(&writing.target, &writing.route_set);
    let branch = request.branch.unwrap_or(Branch::FIRST);
    let place = (&*writing.remote_identity, writing.cseq);
    InDialog { routing }.request(place, &invite, &sender, branch, ending.unwrap_or(request))
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
