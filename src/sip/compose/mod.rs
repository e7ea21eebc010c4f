//! How requests are written: the first one of a context, and those that follow from it.

mod anew;
mod in_dialog;

use std::{borrow::Cow, net::SocketAddr};

use bytes::Bytes;

pub use self::in_dialog::{DialogWriting, preview_in_dialog};
pub(crate) use self::{
    anew::{Again, again, elsewhere, sent_by, with_credentials},
    in_dialog::InDialog,
};
use crate::sip::{
    builder::MessageBuilder,
    dialog::Routing,
    event::Response,
    header::Reason,
    message::{Header, Message},
    method::Method,
    name::HeaderName,
    random::{Branch, Identifiers},
    request::{CancelOptions, ExtraHeader, NewRequest},
    status::StatusCode,
    syntax,
    transport::Transport,
    uri::{Uri, UriBuf},
    user_agent::{Settings, asks_to_keep},
};

/// RFC 3261 §8.1.1.6.
const MAX_FORWARDS: u8 = 70;

/// The methods that this user agent takes in, all of them (RFC 3261 §20.5).
pub(crate) const ALLOW: &str =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, MESSAGE, NOTIFY";

/// What an INVITE says that is supported; RFC 6228 §4 has 199 said by who wants to hear it.
pub(crate) const fn supported(reliable: bool) -> &'static str {
    if reliable { "100rel, 199" } else { "199" }
}

/// How requests on one flow name the sender.
#[derive(Clone, Debug)]
pub(crate) struct Sender<'a> {
    /// The transport.
    pub(crate) transport: Transport,
    /// `host:port`, or a random `.invalid` name on WebSocket (RFC 7118 §5.2.1).
    pub(crate) sent_by: &'a str,
    /// Where the peer has seen us, where our Contact is to say so (RFC 3581 §4).
    pub(crate) seen: Option<SocketAddr>,
    /// Our Contact URI, where it is not the flow's address: a GRUU (RFC 5627 §4.4).
    pub(crate) contact: Option<&'a UriBuf>,
    /// Whether our Contact asks for the requests of its dialog to come on this flow (RFC 5626 §4.3).
    pub(crate) ob: bool,
    /// Whether the flow is kept alive (RFC 6223).
    pub(crate) keep: bool,
    /// The `User-Agent` header.
    pub(crate) user_agent: &'a str,
    /// Whether INVITEs offer reliable provisionals (RFC 3262).
    pub(crate) reliable: bool,
}

impl Sender<'_> {
    fn via(&self, branch: Branch, method: &Method) -> String {
        // RFC 3581 §3: rport only means something where the reply goes by address.
        let rport = if self.transport == Transport::Udp { ";rport" } else { "" };
        // RFC 6223 §4.2: without a value, it asks how often.
        let keep = if self.keep && asks_to_keep(method) { ";keep" } else { "" };
        format!("SIP/2.0/{} {};branch={branch}{rport}{keep}", self.transport.via(), self.sent_by)
    }

    /// `secure` is whether the Request-URI or the top Route is a SIPS URI: then the Contact must be
    /// one too (RFC 3261 §8.1.1.8).
    fn contact(&self, from: &Uri<'_>, secure: bool) -> String {
        let made;
        let uri = match self.contact {
            Some(contact) => contact.as_str(),
            None => {
                made = contact_uri(self.transport, &self.reached_at(), from, secure);
                &made
            }
        };
        let ob = if self.ob && self.contact.is_none() { ";ob" } else { "" };
        ["<", uri, ob, ">"].concat()
    }

    /// What our Contact says that we are reached at.
    fn reached_at(&self) -> Cow<'_, str> {
        reached_at(self.sent_by, self.seen)
    }
}

/// What a Contact says that we are reached at: where we were seen, or else what Via says.
pub(crate) fn reached_at(sent_by: &str, seen: Option<SocketAddr>) -> Cow<'_, str> {
    seen.map_or(Cow::Borrowed(sent_by), |seen| Cow::Owned(seen.to_string()))
}

/// Where a user can be reached on a flow.
pub(crate) fn contact_uri(
    transport: Transport,
    sent_by: &str,
    from: &Uri<'_>,
    secure: bool,
) -> String {
    let (user, at) = from.user().map_or(("", ""), |user| (user, "@"));
    // RFC 3261 §8.1.1.8: a sips Contact is for what goes to a sips URI; at the end of a flow that is not
    // encrypted nobody takes TLS.
    let secure = secure || (from.is_sips() && transport.is_secure());
    let scheme = if secure { "sips" } else { "sip" };
    [scheme, ":", user, at, sent_by, transport_param(transport, secure)].concat()
}

/// What a URI says of the transport that it is reached by.
pub(crate) fn transport_param(transport: Transport, secure: bool) -> &'static str {
    match transport {
        Transport::Udp => "",
        // RFC 3261 §26.2.2: what sips means already; as a transport tls is deprecated.
        Transport::Tcp | Transport::Tls if secure => "",
        Transport::Tcp => ";transport=tcp",
        // Deviation: in a sip URI nothing else says that this address is the end of a TLS connection.
        // Without it a peer would go there by UDP, in the clear, and find nobody; a sips URI would
        // ask more of every hop than the user did (RFC 5630 §3.1.3). Registrars find the connection
        // that is to be used again by it, and so do the servers that write it themselves.
        Transport::Tls => ";transport=tls",
        // RFC 7118 §5.2.2: over a secure WebSocket too.
        Transport::Ws | Transport::Wss => ";transport=ws",
    }
}

/// Writes the first request of a context as the user wants it.
pub(crate) fn first_request(
    request: &NewRequest,
    sender: &Sender<'_>,
    branch: Branch,
    identifiers: &mut Identifiers,
) -> Bytes {
    let routes: Vec<Box<str>> =
        request.route_set.iter().map(|uri| format!("<{uri}>").into()).collect();
    let Routing { request_uri, routes, .. } = Routing::new(request.request_uri.as_str(), &routes);
    let of_account = || request.profile.iter().flat_map(|profile| &profile.headers);
    let given =
        |name| given(&request.headers, name) || of_account().any(|header| header.is_named(name));

    let from_tag =
        request.from_tag.as_ref().map_or_else(|| identifiers.tag(), |tag| tag.as_str().to_owned());
    let call_id =
        request.call_id.as_ref().map_or_else(|| identifiers.call_id(), |id| id.as_str().to_owned());
    let cseq = request.cseq.map_or_else(|| identifiers.cseq(), |number| number.number());
    let to_tag = request.to_tag.as_ref().map(|tag| format!(";tag={}", tag.as_str()));

    let mut builder = MessageBuilder::request(&request.method, &request_uri)
        .header(HeaderName::Via, sender.via(branch, &request.method));
    if !given(HeaderName::MaxForwards) {
        builder = builder.header(HeaderName::MaxForwards, MAX_FORWARDS);
    }
    for route in routes {
        builder = builder.header(HeaderName::Route, route);
    }
    builder = builder
        .header(HeaderName::From, format_args!("{};tag={from_tag}", request.from))
        .header(HeaderName::To, format_args!("{}{}", request.to, to_tag.unwrap_or_default()))
        .header(HeaderName::CallId, call_id)
        .header(HeaderName::CSeq, format_args!("{cseq} {}", request.method));
    if wants_contact(&request.method) && !given(HeaderName::Contact) {
        let first_hop = request.route_set.first().unwrap_or(&request.request_uri);
        let secure = request.request_uri.as_uri().is_sips() || first_hop.as_uri().is_sips();
        let contact = sender.contact(&request.from.uri.as_uri(), secure);
        builder = builder.header(HeaderName::Contact, contact);
    }
    if request.method == Method::Invite && !given(HeaderName::Allow) {
        builder = builder.header(HeaderName::Allow, ALLOW);
    }
    if request.method == Method::Invite && !given(HeaderName::Supported) {
        builder = builder.header(HeaderName::Supported, supported(sender.reliable));
    }
    if !given(HeaderName::UserAgent) {
        builder = builder.header(HeaderName::UserAgent, sender.user_agent);
    }
    let further =
        of_account().filter(|header| !request.headers.iter().any(|own| own.has_name_of(header)));
    for header in request.headers.iter().chain(further) {
        builder = builder.extension(header.name(), header.value());
    }
    builder.body(request.content_type.as_deref(), &request.body)
}

/// How requests of an account are written on a flow at this moment: what a [`preview`] must know to
/// show what would go out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writing {
    /// What Via says that we are: `host:port`, or a name that nobody has (RFC 7118 §5.2.1).
    pub sent_by: Box<str>,
    /// Where the peer has seen us, where Contact says so (RFC 3581 §4).
    pub seen: Option<SocketAddr>,
    /// The GRUU that Contact has (RFC 5627 §4.4).
    pub contact: Option<UriBuf>,
    /// Whether Contact asks for this flow, where the request makes a dialog (RFC 5626 §4.3).
    pub ob: bool,
    /// Whether Via offers keep-alives (RFC 6223 §4.3).
    pub keep: bool,
    /// The route set of a request that has none of its own: the account's outbound proxies, and the
    /// way that its registrar gave (RFC 3608 §5).
    pub routes: Vec<UriBuf>,
    /// Whether this flow's servers have asked for credentials, so that they are sent unasked
    /// (RFC 3261 §22.2).
    pub is_challenged: bool,
}

impl Writing {
    /// Of a flow that is still to be made, and of which nothing is known.
    pub fn unknown() -> Writing {
        Writing {
            sent_by: PREVIEW_HOST.into(),
            seen: None,
            contact: None,
            ob: false,
            keep: false,
            routes: Vec::new(),
            is_challenged: false,
        }
    }
}

/// What stands in the place of our own address in a [`preview`] that does not know it.
pub const PREVIEW_HOST: &str = "our-address.invalid";

/// The first request of a context as it would be written on a flow of that transport, without
/// credentials. Without [`Writing`], as long as the flow is not up, our own address has a
/// placeholder ([`PREVIEW_HOST`]). A Call-ID, From tag, CSeq or branch that the request leaves open
/// is none that will be sent: give them.
pub fn preview(
    request: &NewRequest,
    transport: Transport,
    writing: Option<&Writing>,
    settings: &Settings,
) -> Bytes {
    let profile = request.profile.as_deref();
    let is_register = request.method == Method::Register;
    let proxies =
        || profile.and_then(|profile| profile.ways_out.first().cloned()).unwrap_or_default();
    let route_set = match writing {
        _ if !request.route_set.is_empty() => request.route_set.clone(),
        Some(writing) if !is_register => writing.routes.clone(),
        _ => proxies(),
    };
    let sender = Sender {
        transport,
        sent_by: writing.map_or(PREVIEW_HOST, |writing| &writing.sent_by),
        seen: writing.and_then(|writing| writing.seen),
        // RFC 5627 §4.1: a GRUU is never registered.
        contact: writing.and_then(|writing| writing.contact.as_ref()).filter(|_| !is_register),
        ob: writing.is_some_and(|writing| writing.ob) && forms_dialog(&request.method),
        keep: writing.is_some_and(|writing| writing.keep),
        user_agent: settings.user_agent_of(profile),
        reliable: settings.reliable_provisionals,
    };
    let branch = request.branch.unwrap_or(Branch::FIRST);
    let request = NewRequest { route_set, ..request.clone() };
    first_request(&request, &sender, branch, &mut Identifiers::new(0))
}

/// Requests whose success makes a dialog (RFC 3261 §12.1, RFC 6665 §4.1, RFC 3515 §2.4.4).
pub(crate) fn forms_dialog(method: &Method) -> bool {
    matches!(method, Method::Invite | Method::Subscribe | Method::Refer)
}

/// Requests that make or refresh a dialog, or a binding, name where we can be reached
/// (RFC 3261 §8.1.1.8, §10.2; RFC 6665 §4.1.2; RFC 3515 §2.2). MESSAGE must not (RFC 3428 §4).
fn wants_contact(method: &Method) -> bool {
    matches!(
        method,
        Method::Invite
            | Method::Options
            | Method::Register
            | Method::Subscribe
            | Method::Notify
            | Method::Refer
            | Method::Update
    )
}

/// The CANCEL of an INVITE (RFC 3261 §9.1): same Request-URI, top Via, Route, From, To, Call-ID and
/// CSeq number; no Require.
pub(crate) fn cancel(invite: &Message, options: &CancelOptions, user_agent: &str) -> Bytes {
    let mut builder = follow_up(invite, Method::Cancel, invite.header(HeaderName::To));
    if let Some(status) = options.status_code {
        let text = match (&options.reason_phrase, StatusCode::new(status)) {
            (Some(text), _) => text.clone(),
            (None, Some(status)) => status.canonical_reason().to_owned(),
            (None, None) => String::new(),
        };
        builder = builder.header(HeaderName::Reason, Reason { cause: status, text });
    } else if let Some(text) = &options.reason_phrase {
        // RFC 3326 §2: the cause is not mandatory.
        builder =
            builder.header(HeaderName::Reason, format_args!("SIP;text={}", syntax::quote(text)));
    }
    builder.header(HeaderName::UserAgent, user_agent).body(None, b"")
}

/// The ACK of a non-2xx (RFC 3261 §17.1.1.3): as the INVITE, with the To of the response.
pub(crate) fn ack_non_2xx(invite: &Message, response: &Message, user_agent: &str) -> Bytes {
    follow_up(invite, Method::Ack, response.header(HeaderName::To))
        .header(HeaderName::UserAgent, user_agent)
        .body(None, b"")
}

fn follow_up(invite: &Message, method: Method, to: Option<Header<'_>>) -> MessageBuilder {
    let cseq = invite.cseq().map_or(0, |cseq| cseq.number);
    let mut builder = MessageBuilder::request_like(&method, invite);
    if let Some(via) = invite.header(HeaderName::Via) {
        // RFC 3261 §9.1, §17.1.1.3: the top Via alone, though a raw request may have a list there.
        builder = match via.text() {
            Ok(text) => builder.copy_with(via, syntax::first_member(text).as_bytes()),
            Err(_) => builder.copy(via),
        };
    }
    builder = builder.header(HeaderName::MaxForwards, MAX_FORWARDS);
    for route in invite.all(HeaderName::Route) {
        builder = builder.copy(route);
    }
    let dialog = [invite.header(HeaderName::From), to, invite.header(HeaderName::CallId)];
    for header in dialog.into_iter().flatten() {
        builder = builder.copy(header);
    }
    builder.header(HeaderName::CSeq, format_args!("{cseq} {method}"))
}

fn given(headers: &[ExtraHeader], name: HeaderName) -> bool {
    headers.iter().any(|header| header.is_named(name))
}

/// A response as events carry it.
pub(crate) fn response(message: &Message, status: StatusCode) -> Response {
    Response { status, message: message.bytes().clone() }
}
