//! What a registrar's 2xx says: the bindings that it holds, and what later requests make of it.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    time::{Duration, Instant},
};

use crate::sip::{
    header::{self, Contact, NameAddr},
    message::Message,
    name::HeaderName,
    uri::{Uri, UriBuf},
};

/// What the last 2xx to a REGISTER said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Every binding of the address of record, in the registrar's order (RFC 3261 §10.2.4).
    pub bindings: Vec<Binding>,
    /// How many seconds our own binding was given; 0 where the registrar holds none.
    pub granted: u32,
    /// The preloaded route set of later requests (RFC 3608).
    pub service_route: Vec<UriBuf>,
    /// The proxies through which requests to us come, as they were written (RFC 3327).
    pub path: Vec<Box<str>>,
    /// The public GRUU (RFC 5627 §3.3).
    pub pub_gruu: Option<UriBuf>,
    /// The temporary GRUU; each registration gives a new one (RFC 5627 §3.4).
    pub temp_gruu: Option<UriBuf>,
    /// Whether the registrar keeps flows: the 2xx required `outbound` (RFC 5626 §6).
    pub outbound: bool,
}

/// One binding of an address of record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The Contact URI, as it was written.
    pub uri: Box<str>,
    /// Whether it is the one that this registration made.
    pub ours: bool,
    /// When it ends; `None` where nothing was said.
    pub until: Option<Instant>,
    /// Its preference in thousandths.
    pub q: Option<u16>,
    /// The instance that it belongs to (RFC 5626 §4.1).
    pub instance: Option<Box<str>>,
    /// Which of the instance's flows it is (RFC 5626 §4.2).
    pub reg_id: Option<u32>,
}

/// By what our own binding is found among others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ours<'a> {
    /// The Contact URI that we sent.
    pub(crate) contact: &'a str,
    /// Our instance.
    pub(crate) instance: Option<&'a str>,
    /// Our flow.
    pub(crate) reg_id: NonZeroU32,
    /// Where the peer sees us, where that is somewhere else than where we are (RFC 3581 §4).
    pub(crate) seen: Option<SocketAddr>,
    /// How many seconds we asked for.
    pub(crate) expires: u32,
}

impl Grant {
    /// Reads a 2xx to a REGISTER.
    pub(crate) fn read(now: Instant, message: &Message, ours: &Ours<'_>) -> Grant {
        // RFC 3261 §10.2.4: the time stands in each Contact, else in Expires, else it is what was
        // asked for.
        let expires = message
            .header(HeaderName::Expires)
            .and_then(|header| header::number(HeaderName::Expires, header.text().ok()?).ok())
            .and_then(|seconds| u32::try_from(seconds).ok());
        let contacts: Vec<NameAddr<'_>> = message
            .list(HeaderName::Contact)
            .filter_map(|value| Contact::parse(value).ok()?.address())
            .collect();
        let own = own(&contacts, ours);
        let until = |contact: &NameAddr<'_>| {
            let seconds = contact.expires().or(expires)?;
            now.checked_add(Duration::from_secs(seconds.into()))
        };
        let bindings = contacts.iter().enumerate().map(|(place, contact)| Binding {
            uri: contact.uri().as_str().into(),
            ours: own == Some(place),
            until: until(contact),
            q: contact.q(),
            instance: instance(contact),
            reg_id: reg_id(contact),
        });
        let own_contact = own.and_then(|place| contacts.get(place));
        let gruu = |name| {
            own_contact.and_then(|contact| contact.params().unquoted(name)?.parse::<UriBuf>().ok())
        };
        Grant {
            bindings: bindings.collect(),
            // RFC 3261 §10.2.4: who does not list our binding does not hold it.
            granted: own_contact
                .map_or(0, |contact| contact.expires().or(expires).unwrap_or(ours.expires)),
            service_route: routes(message, HeaderName::ServiceRoute),
            path: message.list(HeaderName::Path).map(Box::from).collect(),
            pub_gruu: gruu("pub-gruu"),
            temp_gruu: gruu("temp-gruu"),
            outbound: message
                .list(HeaderName::Require)
                .any(|option| option.eq_ignore_ascii_case("outbound")),
        }
    }
}

impl Grant {
    /// What is wrong with a 2xx that grants nothing.
    pub(crate) fn missing(&self, ours: &Ours<'_>) -> String {
        let others = self.bindings.len();
        let but = match self.bindings.iter().any(|binding| binding.ours) {
            true => "it granted 0 seconds".to_owned(),
            false if others == 0 => format!("it lists no Contact, and so not our {}", ours.contact),
            false => format!("our {} is not among the {others} that it lists", ours.contact),
        };
        format!(
            "the registrar accepted the REGISTER, but holds no binding of ours: {but} (RFC 3261 §10.2.4)"
        )
    }
}

/// Our binding: the one with our URI (RFC 3261 §10.2.4), else the one of our instance and flow,
/// whose URI a registrar or a proxy before it may have changed, else the one of our user where the
/// peer sees us, which is what such a change mostly makes of it.
fn own(contacts: &[NameAddr<'_>], ours: &Ours<'_>) -> Option<usize> {
    let sent = Uri::parse(ours.contact).ok();
    let is_sent =
        |contact: &NameAddr<'_>| sent.is_some_and(|sent| sent.is_equivalent(&contact.uri()));
    let is_instance = |contact: &NameAddr<'_>| {
        let same = ours.instance.is_some() && instance(contact).as_deref() == ours.instance;
        same && reg_id(contact).is_none_or(|number| number == ours.reg_id.get())
    };
    let is_seen = |contact: &NameAddr<'_>| {
        let uri = contact.uri();
        let at = uri.host().trim_matches(['[', ']']).parse::<IpAddr>().ok().zip(uri.port());
        let same_user = sent.is_some_and(|sent| sent.user() == uri.user());
        same_user && at.map(SocketAddr::from).is_some_and(|at| ours.seen == Some(at))
    };
    let find = |is: &dyn Fn(&NameAddr<'_>) -> bool| contacts.iter().position(is);
    find(&is_sent).or_else(|| find(&is_instance)).or_else(|| find(&is_seen))
}

fn instance(contact: &NameAddr<'_>) -> Option<Box<str>> {
    let text = contact.params().unquoted("+sip.instance")?;
    let urn = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(&text);
    Some(urn.into())
}

fn reg_id(contact: &NameAddr<'_>) -> Option<u32> {
    u32::try_from(header::digits(contact.params().value("reg-id")?.as_bytes())?).ok()
}

/// The URIs of a route header; what cannot be read is left out.
fn routes(message: &Message, name: HeaderName) -> Vec<UriBuf> {
    let uri = |value| Some(NameAddr::parse(name, value).ok()?.uri().to_owned());
    message.list(name).filter_map(uri).collect()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const OURS: Ours<'_> = Ours {
        contact: "sip:alice@192.0.2.1:5060",
        instance: Some("urn:uuid:0"),
        reg_id: NonZeroU32::MIN,
        seen: Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7)), 40_000)),
        expires: 600,
    };

    fn read(headers: &str) -> Grant {
        let text = format!("SIP/2.0 200 OK\r\n{headers}\r\n");
        Grant::read(Instant::now(), &Message::read(text.into()).unwrap(), &OURS)
    }

    #[test]
    fn the_time_is_that_of_our_contact_else_of_expires_else_what_was_asked_for() {
        for (headers, granted) in [
            ("m: <sip:x@h>;expires=1, <sip:alice@192.0.2.1:5060>;expires=70\r\nExpires: 9\r\n", 70),
            ("Contact: <sip:alice@192.0.2.1:5060>\r\nExpires: 9\r\n", 9),
            ("Contact: <sip:alice@192.0.2.1:5060>;expires=x\r\nExpires: 9\r\n", 9),
            ("Contact: <sip:alice@192.0.2.1:5060>\r\nExpires: 99999999999\r\n", 600),
            ("Contact: <sip:alice@192.0.2.1:5060>\r\n", 600),
        ] {
            assert_eq!(read(headers).granted, granted, "{headers}");
        }
    }

    #[test]
    fn what_does_not_list_our_binding_grants_nothing_and_says_what_is_missing() {
        for (headers, missing) in [
            ("", "lists no Contact, and so not our sip:alice@192.0.2.1:5060"),
            ("Expires: 600\r\n", "lists no Contact"),
            ("Contact: <sip:x@h>;expires=60\r\n", "5060 is not among the 1 that it lists"),
            ("Contact: <sip:alice@192.0.2.1:5060>;expires=0\r\n", "it granted 0 seconds"),
        ] {
            let grant = read(headers);
            assert_eq!(grant.granted, 0, "{headers}");
            let sentence = grant.missing(&OURS);
            assert!(sentence.contains(missing), "{sentence}");
        }
    }

    #[test]
    fn our_binding_is_found_by_its_uri_else_by_instance_and_flow_else_where_we_are_seen() {
        for (contacts, place) in [
            ("<sip:x@h>, <sip:alice@192.0.2.1:5061>", None),
            ("<sip:x@h>, <sip:%61lice@192.0.2.1:5060>", Some(1)),
            ("<sip:x@h>, <sip:alice@198.51.100.7:40000>", Some(1)),
            ("<sip:x@198.51.100.7:40000>", None),
            ("<sip:alice@198.51.100.7:40001>", None),
            ("<sip:x@h>;+sip.instance=\"<urn:uuid:0>\";reg-id=1", Some(0)),
            ("<sip:x@h>;+sip.instance=\"<urn:uuid:0>\"", Some(0)),
            ("<sip:x@h>;+sip.instance=\"<urn:uuid:0>\";reg-id=2", None),
            ("<sip:x@h>;+sip.instance=\"<urn:uuid:1>\";reg-id=1", None),
            (
                "<sip:x@h>;+sip.instance=\"<urn:uuid:0>\";reg-id=1, <sip:alice@192.0.2.1:5060>",
                Some(1),
            ),
        ] {
            let grant = read(&format!("Contact: {contacts}\r\n"));
            assert_eq!(grant.bindings.iter().position(|binding| binding.ours), place, "{contacts}");
        }
    }

    #[test]
    fn routes_and_gruus_are_kept_and_what_cannot_be_read_is_left_out() {
        let grant = read(
            "Contact: <sip:alice@192.0.2.1:5060>;pub-gruu=\"sip:alice@a.test;gr=1\"\
             ;temp-gruu=\"no uri\"\r\nService-Route: <sip:p1;lr>, no route, <sip:p2;lr>\r\n\
             Path: <sip:p3;lr>\r\nRequire: Outbound\r\n",
        );
        assert_eq!(grant.pub_gruu.unwrap().as_str(), "sip:alice@a.test;gr=1");
        assert_eq!(grant.temp_gruu, None);
        let routes: Vec<&str> = grant.service_route.iter().map(UriBuf::as_str).collect();
        assert_eq!(routes, ["sip:p1;lr", "sip:p2;lr"]);
        assert_eq!((grant.path.len(), grant.outbound), (1, true));
    }
}
