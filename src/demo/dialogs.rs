//! Dialogs as the side that was called sees them (RFC 3261 §12), and all of them together.

use std::{
    collections::{BTreeMap, HashMap},
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use bytes::Bytes;

use crate::sip::{
    Branch, HeaderName, Message, MessageBuilder, Method, Routing, ServerTransactionId, Transmit,
    Transport,
};

use super::{
    request::{FlowInfo, Request, SERVER},
    schedule::Scheduled,
    subscriptions::Subscription,
};

/// Names one dialog; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct DialogId(u64);

/// RFC 3261 §12: what a dialog is known by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct DialogKey {
    call_id: Box<str>,
    local_tag: Box<str>,
    remote_tag: Box<str>,
}

impl DialogKey {
    /// The dialog that a request with a To tag speaks of.
    pub(super) fn of(request: &Message) -> Option<DialogKey> {
        let essentials = request.essentials().ok()?;
        Some(DialogKey {
            call_id: essentials.call_id.into(),
            local_tag: essentials.to.tag()?.into(),
            // RFC 3261 §12.1.1: a peer that speaks RFC 2543 may have no tag.
            remote_tag: essentials.from.tag().unwrap_or("").into(),
        })
    }
}

/// One dialog, and what it is used for.
#[derive(Debug)]
pub(super) struct Dialog {
    pub(super) key: DialogKey,
    pub(super) flow: FlowInfo,
    peer: SocketAddr,
    local: String,
    remote: String,
    target: String,
    route_set: Vec<Box<str>>,
    pub(super) contact: String,
    pub(super) media_address: IpAddr,
    local_cseq: u32,
    remote_cseq: u32,
    /// The version of our session description.
    pub(super) descriptions: u32,
    pub(super) call: CallUsage,
    pub(super) subscriptions: Vec<Subscription>,
}

/// The INVITE's share in a dialog.
#[derive(Debug)]
pub(super) enum CallUsage {
    /// The dialog was made by another request, or the call is over.
    None,
    /// The INVITE is not answered yet.
    Early { call: ServerTransactionId, rseq: u32, reliable: Option<Repeat> },
    /// The INVITE was answered.
    Confirmed { success: Option<Repeat>, hang_up: HangUp },
}

/// A response that is repeated until the peer says that it came: a reliable provisional until its
/// PRACK (RFC 3262 §3), a 2xx until its ACK (RFC 3261 §13.3.1.4).
#[derive(Debug)]
pub(super) struct Repeat {
    /// The CSeq number of the INVITE.
    pub(super) cseq: u32,
    pub(super) transmit: Transmit,
    pub(super) interval: Duration,
    pub(super) give_up: Instant,
    pub(super) timer: Scheduled,
}

/// Whether we end the call ourselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HangUp {
    Never,
    /// Some time after the ACK (RFC 3261 §15: not before it).
    AfterAck,
    At(Scheduled),
}

impl Dialog {
    /// The dialog that our response with `tag` to this request makes (RFC 3261 §12.1.1).
    pub(super) fn new(request: &Request, tag: &str, call: CallUsage) -> Option<Dialog> {
        let message = &request.message;
        let essentials = message.essentials().ok()?;
        let text = |name| Some(message.header(name)?.text().ok()?.to_owned());
        Some(Dialog {
            key: DialogKey {
                call_id: essentials.call_id.into(),
                local_tag: tag.into(),
                remote_tag: essentials.from.tag().unwrap_or("").into(),
            },
            flow: request.flow,
            peer: request.source,
            local: format!("{};tag={tag}", text(HeaderName::To)?),
            remote: text(HeaderName::From)?,
            target: match message.header(HeaderName::Contact) {
                Some(_) => message.contact().ok()?.uri().as_str().to_owned(),
                // As peers that speak RFC 2543 leave it.
                None => essentials.from.uri().as_str().to_owned(),
            },
            route_set: message.list(HeaderName::RecordRoute).map(Box::from).collect(),
            contact: request.contact(),
            media_address: request.media_address(),
            local_cseq: 0,
            remote_cseq: essentials.cseq.number,
            descriptions: 1,
            call,
            subscriptions: Vec::new(),
        })
    }

    /// Takes in a request's CSeq number; `false` where it is out of order (RFC 3261 §12.2.2).
    pub(super) fn advance(&mut self, cseq: u32) -> bool {
        let good = cseq > self.remote_cseq;
        if good {
            self.remote_cseq = cseq;
        }
        good
    }

    /// Takes in the Contact of a target refresh request (RFC 3261 §12.2.2).
    pub(super) fn refresh(&mut self, request: &Request) {
        if let Ok(contact) = request.message.contact() {
            self.target = contact.uri().as_str().to_owned();
        }
        self.peer = request.source;
    }

    /// Writes a request of our own, and says where it goes.
    pub(super) fn request(
        &mut self,
        method: &Method,
        branch: Branch,
        headers: &[(HeaderName, &str)],
        body: Option<(&str, &[u8])>,
    ) -> (Bytes, Option<SocketAddr>) {
        self.local_cseq += 1;
        let routing = Routing::new(&self.target, &self.route_set);
        let transport = self.flow.transport;
        // RFC 3581 §3: rport only means something where the reply goes by address.
        let rport = if transport == Transport::Udp { ";rport" } else { "" };
        let sent_by = self.sent_by();
        let mut builder = MessageBuilder::request(method, &routing.request_uri).header(
            HeaderName::Via,
            format_args!("SIP/2.0/{} {sent_by};branch={branch}{rport}", transport.via()),
        );
        if !routing.routes.is_empty() {
            builder = builder.header(HeaderName::Route, routing.routes.join(", "));
        }
        builder = builder
            .header(HeaderName::MaxForwards, 70)
            .header(HeaderName::From, &self.local)
            .header(HeaderName::To, &self.remote)
            .header(HeaderName::CallId, &self.key.call_id)
            .header(HeaderName::CSeq, format_args!("{} {method}", self.local_cseq));
        // RFC 3261 table 2: a BYE has no Contact.
        if *method != Method::Bye {
            builder = builder.header(HeaderName::Contact, &self.contact);
        }
        for (name, value) in headers {
            builder = builder.header(*name, value);
        }
        let builder = builder.header(HeaderName::UserAgent, SERVER);
        let bytes = match body {
            Some((content_type, body)) => builder.body(Some(content_type), body),
            None => builder.body(None, b""),
        };
        (bytes, self.destination(&routing))
    }

    /// From as we write it, with our tag.
    pub(super) fn local_identity(&self) -> &str {
        &self.local
    }

    /// One number for all session descriptions of the dialog: the first digits of our tag.
    pub(super) fn session_id(&self) -> u32 {
        let digits = self.key.local_tag.get(..8).unwrap_or("");
        u32::from_str_radix(digits, 16).unwrap_or(1)
    }

    /// Host and port of our Contact.
    fn sent_by(&self) -> &str {
        let start = self.contact.find('@').map_or(0, |at| at + 1);
        let rest = &self.contact[start..];
        &rest[..rest.find([';', '>']).unwrap_or(rest.len())]
    }

    /// On UDP the address of the next hop; where that is a name, the address that its request
    /// came from, which needs no resolver.
    fn destination(&self, routing: &Routing) -> Option<SocketAddr> {
        if self.flow.transport.is_reliable() {
            return None;
        }
        let address = routing.next_hop().and_then(|next| {
            let host = next.host().trim_start_matches('[').trim_end_matches(']');
            let ip: IpAddr = host.parse().ok()?;
            let port = next.port().unwrap_or(self.flow.transport.default_port());
            (port != 0).then(|| SocketAddr::new(ip, port))
        });
        Some(address.unwrap_or(self.peer))
    }

    /// Everything that is scheduled for it.
    pub(super) fn scheduled(&self) -> Vec<Scheduled> {
        let mut all: Vec<Scheduled> =
            self.subscriptions.iter().map(|subscription| subscription.timer).collect();
        match &self.call {
            CallUsage::None => {}
            CallUsage::Early { reliable, .. } => {
                all.extend(reliable.as_ref().map(|repeat| repeat.timer));
            }
            CallUsage::Confirmed { success, hang_up } => {
                all.extend(success.as_ref().map(|repeat| repeat.timer));
                if let HangUp::At(timer) = hang_up {
                    all.push(*timer);
                }
            }
        }
        all
    }

    /// Whether nothing uses it any more.
    pub(super) fn is_unused(&self) -> bool {
        matches!(self.call, CallUsage::None) && self.subscriptions.is_empty()
    }
}

/// Every dialog.
#[derive(Debug)]
pub(super) struct Dialogs {
    limit: usize,
    count: u64,
    by_id: BTreeMap<DialogId, Dialog>,
    by_key: HashMap<DialogKey, DialogId>,
}

impl Dialogs {
    pub(super) fn new(limit: usize) -> Dialogs {
        Dialogs { limit, count: 0, by_id: BTreeMap::new(), by_key: HashMap::new() }
    }

    /// Adds one.
    pub(super) fn add(&mut self, dialog: Dialog) -> DialogId {
        self.count += 1;
        let id = DialogId(self.count);
        self.by_key.insert(dialog.key.clone(), id);
        self.by_id.insert(id, dialog);
        id
    }

    /// The one to give up before another is added, where there are too many: the oldest.
    pub(super) fn surplus(&self) -> Option<DialogId> {
        let oldest = self.by_id.first_key_value()?;
        (self.by_id.len() >= self.limit).then_some(*oldest.0)
    }

    pub(super) fn remove(&mut self, id: DialogId) -> Option<Dialog> {
        let dialog = self.by_id.remove(&id)?;
        self.by_key.remove(&dialog.key);
        Some(dialog)
    }

    pub(super) fn find(&self, key: &DialogKey) -> Option<DialogId> {
        self.by_key.get(key).copied()
    }

    pub(super) fn by_id(&mut self, id: DialogId) -> Option<&mut Dialog> {
        self.by_id.get_mut(&id)
    }

    pub(super) fn ids(&self) -> Vec<DialogId> {
        self.by_id.keys().copied().collect()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }
}
