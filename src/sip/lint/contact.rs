//! From, To, Contact and routes: who talks, and where the next request goes.

use super::{Lint, Rule, values::members};
use crate::sip::{
    header::{Contact, NameAddr, number},
    message::{Header, Message},
    method::Method,
    name::HeaderName,
    uri::{Scheme, Uri},
};

pub(super) fn look(lint: &mut Lint<'_>) {
    look_tags(lint);
    look_contacts(lint);
    look_routes(lint);
}

fn look_tags(lint: &mut Lint<'_>) {
    let message = lint.message;
    for name in [HeaderName::From, HeaderName::To] {
        let Some(header) = message.header(name) else { continue };
        let Some(address) = header.text().ok().and_then(|t| NameAddr::parse(name, t).ok()) else {
            continue;
        };
        match name {
            // One without a value has a finding of its own.
            _ if address.params().has("tag") => {}
            HeaderName::From => {
                let text = "From has no tag; only RFC 2543 allowed that";
                lint.header(Rule::FromTagMissing, header, 0, text);
            }
            _ => look_to_tag(lint, header),
        }
    }
}

fn look_to_tag(lint: &mut Lint<'_>, header: Header<'_>) {
    match (lint.message.status(), lint.message.method()) {
        (Some(status), _) if status.code() > 100 => lint.header(
            Rule::ToTagMissing,
            header,
            0,
            format_args!("To has no tag in a {status}: no dialog can be told from another"),
        ),
        (_, Some(method)) => {
            if let Some(section) = in_dialog(&method) {
                let what = match method {
                    Method::Ack => "has the To of the response that it acknowledges",
                    _ => "belongs into a dialog",
                };
                let article = if method.as_str().starts_with(VOWELS) { "an" } else { "a" };
                let text = format_args!("{article} {method} {what}, so To needs a tag");
                lint.header_by(section, Rule::DialogTagMissing, header, 0, text);
            }
        }
        _ => {}
    }
}

const VOWELS: [char; 5] = ['A', 'E', 'I', 'O', 'U'];

/// Where it stands that a request of that method goes to an end that has given its tag.
const fn in_dialog(method: &Method) -> Option<&'static str> {
    match method {
        Method::Ack => Some("RFC 3261 §17.1.1.3"),
        Method::Bye => Some("RFC 3261 §15.1.1"),
        Method::Info => Some("RFC 6086 §4"),
        Method::Notify => Some("RFC 6665 §4.4.1"),
        Method::Prack => Some("RFC 3262 §4"),
        Method::Update => Some("RFC 3311 §5.1"),
        _ => None,
    }
}

/// What the message says to all of its Contacts, read once however many they are.
struct Around {
    /// What is a sips URI, so that Contact must be one, and where that stands.
    is_sips: Option<(&'static str, &'static str)>,
    /// A REGISTER with `Expires: 0`, the only one in which `*` may stand.
    expires_all: bool,
    /// Where it stands that a message that makes a dialog has one Contact, which is sip or sips;
    /// none for one that makes none.
    makes_dialog: Option<&'static str>,
    /// It is a 2xx to an INVITE, without whose Contact nobody can send the ACK.
    accepts: bool,
}

impl Around {
    fn of(message: &Message) -> Around {
        let request_uri = message.request_uri().and_then(|text| Uri::parse(text).ok());
        let expires = message.header(HeaderName::Expires).and_then(|header| header.text().ok());
        let asks =
            matches!(message.method(), Some(Method::Invite | Method::Subscribe | Method::Refer));
        let accepts = message.status().is_some_and(|status| status.is_success())
            && message.cseq().is_ok_and(|cseq| cseq.method == "INVITE");
        Around {
            accepts,
            makes_dialog: match (asks, accepts) {
                (true, _) => Some("RFC 3261 §8.1.1.8"),
                (_, true) => Some("RFC 3261 §12.1.1"),
                _ => None,
            },
            is_sips: match request_uri.is_some_and(|uri| uri.is_sips()) {
                true => Some(("the Request-URI", "RFC 3261 §8.1.1.8")),
                false if accepts => secure_dialog(message).map(|what| (what, "RFC 3261 §12.1.1")),
                false => None,
            },
            expires_all: message.method() == Some(Method::Register)
                && expires.is_some_and(|text| number(HeaderName::Expires, text) == Ok(0)),
        }
    }
}

/// What says that the dialog of a 2xx is secure: its top Record-Route, which the request has had too,
/// or To, which most often is what the Request-URI was.
fn secure_dialog(message: &Message) -> Option<&'static str> {
    let first = |name| {
        let uri = NameAddr::parse(name, message.list(name).next()?).ok()?.uri();
        Some(uri.is_sips())
    };
    match first(HeaderName::RecordRoute) {
        Some(true) => Some("the top Record-Route"),
        _ => message.to().ok().filter(|to| to.uri().is_sips()).map(|_| "To"),
    }
}

fn look_contacts(lint: &mut Lint<'_>) {
    let message = lint.message;
    let around = Around::of(message);
    let mut count = 0;
    let mut surplus = None;
    let mut is_there = false;
    for header in message.all(HeaderName::Contact) {
        // One that is empty has a finding of its own.
        is_there = true;
        let Ok(text) = header.text() else { continue };
        for member in members(HeaderName::Contact, text) {
            let within = member.as_ptr() as usize - text.as_ptr() as usize;
            count += 1;
            if count == 2 {
                surplus = Some((header, within));
            }
            match Contact::parse(member) {
                Ok(Contact::Star) => look_star(lint, &around, header, within),
                Ok(Contact::Address(address)) => {
                    look_contact(lint, &around, header, within, address)
                }
                Err(_) => {}
            }
        }
    }
    let Some(section) = around.makes_dialog else { return };
    if !is_there {
        let (rule, next) = match around.accepts {
            true => (Rule::ContactMissingInAccept, "the ACK"),
            false => (Rule::ContactMissing, "the next request"),
        };
        let text =
            format_args!("Contact is missing: the other side does not know where to send {next}");
        lint.missing_by(section, rule, HeaderName::Contact, text);
    }
    if let Some((header, within)) = surplus {
        let text = format_args!("a message that makes a dialog has one Contact, not {count}");
        lint.header_by(section, Rule::ContactCount, header, within, text);
    }
}

fn look_star(lint: &mut Lint<'_>, around: &Around, header: Header<'_>, within: usize) {
    let alone = header.value == b"*" && !lint.message.repeats(HeaderName::Contact);
    if !around.expires_all || !alone {
        lint.header(
            Rule::ContactStar,
            header,
            within,
            "* stands alone in a REGISTER with Expires: 0, and nowhere else",
        );
    }
}

fn look_contact(
    lint: &mut Lint<'_>,
    around: &Around,
    header: Header<'_>,
    within: usize,
    contact: NameAddr<'_>,
) {
    if let (Some((what, section)), Scheme::Sip) = (around.is_sips, contact.uri().scheme()) {
        let text = format_args!("{what} is sips, so Contact must be sips as well");
        lint.header_by(section, Rule::ContactSips, header, within, text);
    }
    if let (Some(section), Scheme::Other(scheme)) = (around.makes_dialog, contact.uri().scheme()) {
        let text = format_args!("the Contact of a dialog is a sip or sips URI, not {scheme}");
        lint.header_by(section, Rule::ContactScheme, header, within, text);
    }
}

fn look_routes(lint: &mut Lint<'_>) {
    let message = lint.message;
    for name in
        [HeaderName::Route, HeaderName::RecordRoute, HeaderName::Path, HeaderName::ServiceRoute]
    {
        for header in message.all(name) {
            let Ok(text) = header.text() else { continue };
            for member in members(name, text) {
                let Ok(route) = NameAddr::parse(name, member) else { continue };
                let uri = route.uri();
                let within = member.as_ptr() as usize - text.as_ptr() as usize;
                let start = uri.as_str().as_ptr() as usize - member.as_ptr() as usize;
                if !member[..start].ends_with('<') {
                    let text = "a route must stand in < and >, its parameters with it";
                    lint.header(Rule::RouteBrackets, header, within, text);
                } else if matches!(uri.scheme(), Scheme::Sip | Scheme::Sips)
                    && !uri.params().has("lr")
                {
                    let text = "a route without ;lr inside its < and > is a strict router's";
                    lint.header(Rule::RouteStrict, header, within, text);
                }
            }
        }
    }
}
