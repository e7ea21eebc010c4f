//! How requests are written: the first one of a context, and those that follow from it.

use std::{borrow::Cow, net::SocketAddr};

use bytes::Bytes;

use crate::sip::{
    builder::MessageBuilder,
    dialog::{Leg, Routing},
    event::Response,
    header::Reason,
    message::{Header, Message},
    method::Method,
    name::HeaderName,
    random::{Branch, Identifiers},
    request::{CancelOptions, DialogRequest, ExtraHeader, NewRequest},
    sdp,
    status::StatusCode,
    syntax,
    transport::Transport,
    uri::{Uri, UriBuf},
    user_agent::Settings,
};

/// RFC 3261 §8.1.1.6.
const MAX_FORWARDS: u8 = 70;

/// The methods that this user agent takes in, all of them (RFC 3261 §20.5).
pub(crate) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, MESSAGE, NOTIFY";

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
    /// The `User-Agent` header.
    pub(crate) user_agent: &'a str,
    /// Whether INVITEs offer reliable provisionals (RFC 3262).
    pub(crate) reliable: bool,
}

impl Sender<'_> {
    fn via(&self, branch: Branch) -> String {
        // RFC 3581 §3: rport only means something where the reply goes by address.
        let rport = if self.transport == Transport::Udp { ";rport" } else { "" };
        format!("SIP/2.0/{} {};branch={branch}{rport}", self.transport.via(), self.sent_by)
    }

    /// `secure` is whether the Request-URI or the top Route is a SIPS URI: then the Contact must be
    /// one too (RFC 3261 §8.1.1.8).
    fn contact(&self, from: &Uri<'_>, secure: bool) -> String {
        match self.contact {
            Some(contact) => format!("<{contact}>"),
            None => format!("<{}>", contact_uri(self.transport, &self.reached_at(), from, secure)),
        }
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
    let user = from.user().map(|user| format!("{user}@")).unwrap_or_default();
    let transport = match transport {
        Transport::Udp => "",
        Transport::Tcp => ";transport=tcp",
        Transport::Tls => ";transport=tls",
        // RFC 7118 §5.2.2: over a secure WebSocket too.
        Transport::Ws | Transport::Wss => ";transport=ws",
    };
    let scheme = if secure || from.is_sips() { "sips" } else { "sip" };
    format!("{scheme}:{user}{sent_by}{transport}")
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
        .header(HeaderName::Via, sender.via(branch));
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

/// What stands in the place of the branch in a [`preview`].
pub const PREVIEW_BRANCH: &str = "z9hG4bK-made-when-sent";
/// What stands in the place of our own address in a [`preview`].
pub const PREVIEW_HOST: &str = "our-address.invalid";

/// The first request of a context as it would be written on a flow of that transport. What only the
/// moment of sending makes has a placeholder: the branch ([`PREVIEW_BRANCH`]) and our own address
/// ([`PREVIEW_HOST`]). A Call-ID, From tag or CSeq that the request leaves open is none that will
/// be sent: give them.
pub fn preview(request: &NewRequest, transport: Transport, settings: &Settings) -> Bytes {
    let sender = Sender {
        transport,
        sent_by: PREVIEW_HOST,
        seen: None,
        contact: None,
        user_agent: settings.user_agent_of(request.profile.as_deref()),
        reliable: settings.reliable_provisionals,
    };
    let bytes = first_request(request, &sender, Branch::FIRST, &mut Identifiers::new(0));
    let branch = Branch::FIRST.to_string();
    // The Via is the first header, so that this finds no other place.
    let Some(at) = memchr::memmem::find(&bytes, branch.as_bytes()) else { return bytes };
    let end = at + branch.len();
    [&bytes[..at], PREVIEW_BRANCH.as_bytes(), &bytes[end..]].concat().into()
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
    let mut builder = MessageBuilder::request(&method, invite.request_uri().unwrap_or_default());
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
            .header(HeaderName::Via, sender.via(branch))
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

fn given(headers: &[ExtraHeader], name: HeaderName) -> bool {
    headers.iter().any(|header| header.is_named(name))
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

/// A request of ours with credentials, in place of any that it has.
pub(crate) fn with_credentials(request: &Message, headers: &[(HeaderName, String)]) -> Bytes {
    let method = request.method().unwrap_or(Method::Options);
    let mut builder = MessageBuilder::request(&method, request.request_uri().unwrap_or_default());
    for header in request.headers() {
        if !is_replaced(header.name) {
            builder = builder.copy(header);
        }
    }
    for (name, value) in headers {
        builder = builder.header(*name, value);
    }
    builder.body(None, &request.body())
}

/// What each try has of its own, or what the builder writes.
fn is_replaced(name: HeaderName) -> bool {
    matches!(
        name,
        HeaderName::Authorization
            | HeaderName::ProxyAuthorization
            | HeaderName::ContentLength
            | HeaderName::Malformed
    )
}

/// What a request has of its own when it goes out once more.
pub(crate) struct Again<'a> {
    pub(crate) request_uri: &'a str,
    pub(crate) cseq: u32,
    /// In place of those of the try before.
    pub(crate) credentials: &'a [(HeaderName, String)],
    /// In place of those of the same name (RFC 3261 §8.1.3.4).
    pub(crate) wanted: &'a [ExtraHeader],
}

/// A request once more in the same context: a new branch, the next CSeq number, and what else is
/// to be changed (RFC 3261 §8.1.3.4, §22.2). All other headers stay, and so does the body.
pub(crate) fn again(
    old: &Message,
    sender: &Sender<'_>,
    branch: Branch,
    again: &Again<'_>,
) -> Bytes {
    let method = old.method().unwrap_or(Method::Options);
    let mut builder = MessageBuilder::request(&method, again.request_uri)
        .header(HeaderName::Via, sender.via(branch));
    let is_overwritten = |header: &Header<'_>| {
        let name = |wanted: &ExtraHeader| HeaderName::from_bytes(wanted.name().as_bytes());
        again.wanted.iter().any(|wanted| match name(wanted) {
            HeaderName::Extension => {
                header.name_text.eq_ignore_ascii_case(wanted.name().as_bytes())
            }
            known => known == header.name,
        })
    };
    let mut contact = renamed_contact(old, None, sender);
    for header in old.headers() {
        match header.name {
            HeaderName::Via => {}
            name if is_replaced(name) || is_overwritten(&header) => {}
            HeaderName::Contact if contact.is_some() => {
                builder = builder.header(HeaderName::Contact, contact.take().unwrap_or_default());
            }
            HeaderName::CSeq => {
                let cseq = again.cseq;
                builder = builder.header(HeaderName::CSeq, format_args!("{cseq} {method}"));
            }
            _ => builder = builder.copy(header),
        }
    }
    for header in again.wanted {
        builder = builder.extension(header.name(), header.value());
    }
    for (name, value) in again.credentials {
        builder = builder.header(*name, value);
    }
    builder.body(None, &old.body())
}

/// A request of ours for another server of the same name: the same but for its branch and what names
/// us (RFC 3263 §4.3). Credentials that the user wrote stay; where they are `signed` by us, they were
/// for the other server. `seen` is where the other server had seen us.
pub(crate) fn elsewhere(
    old: &Message,
    sender: &Sender<'_>,
    branch: Branch,
    signed: bool,
    seen: Option<SocketAddr>,
) -> Bytes {
    let method = old.method().unwrap_or(Method::Options);
    let mut builder = MessageBuilder::request(&method, old.request_uri().unwrap_or_default())
        .header(HeaderName::Via, sender.via(branch));
    let mut contact = renamed_contact(old, seen, sender);
    for header in old.headers() {
        match header.name {
            HeaderName::Via => {}
            HeaderName::Authorization | HeaderName::ProxyAuthorization if !signed => {
                builder = builder.copy(header);
            }
            name if is_replaced(name) => {}
            HeaderName::Contact if contact.is_some() => {
                builder = builder.header(HeaderName::Contact, contact.take().unwrap_or_default());
            }
            _ => builder = builder.copy(header),
        }
    }
    builder.body(None, &old.body())
}

/// The first Contact of a request that goes out anew, maybe on another flow, where the old one named
/// us by its flow and not in the user's own words. `seen` is where we had been seen then.
fn renamed_contact(old: &Message, seen: Option<SocketAddr>, sender: &Sender<'_>) -> Option<String> {
    // RFC 3261 §10.2.2: what removes a binding names the one that was made.
    let expires = old.header(HeaderName::Expires).and_then(|header| header.text().ok());
    if old.method() == Some(Method::Register) && expires == Some("0") {
        return None;
    }
    let via = old.essentials().ok()?.via;
    let transport = Transport::ALL.into_iter().find(|known| known.via() == via.transport())?;
    let port = via.port().map(|port| format!(":{port}")).unwrap_or_default();
    let sent_by = format!("{}{port}", via.host());
    let before = Sender { transport, sent_by: &sent_by, seen, ..sender.clone() };
    let written = old.header(HeaderName::Contact)?.text().ok()?;
    let from = old.from().ok()?;
    let from = from.uri();
    // Parameters behind it, as those of a binding, stay.
    let (secure, params) = [false, true].into_iter().find_map(|secure| {
        let params = written.strip_prefix(&*before.contact(&from, secure))?;
        (params.is_empty() || params.starts_with(';')).then_some((secure, params))
    })?;
    Some(format!("{}{params}", sender.contact(&from, secure)))
}

/// A response as events carry it.
pub(crate) fn response(message: &Message, status: StatusCode) -> Response {
    Response { status, message: message.bytes().clone() }
}
