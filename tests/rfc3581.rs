//! RFC 3581, `rport`: where a peer sees us, learned from its responses. One test a requirement.

#[path = "registering/mod.rs"]
mod registering;
#[path = "scripted/mod.rs"]
mod scripted;
#[path = "simulation/mod.rs"]
mod simulation;

use bytes::Bytes;
use sipboard::sip::{Credentials, Fact, HeaderName, Message, Method, Settings, Transport};

use crate::{
    registering::{HOUR, Registering, wanted},
    scripted::{lines, text},
    simulation::{FLOW, new_request, response_with},
};

/// Where a NAT has us seen.
const SEEN: &str = "203.0.113.9:4242";

/// A response from a server behind the NAT that sees us at `seen`.
fn seen_at(request: &Message, status: u16, seen: &str, headers: &[(HeaderName, &str)]) -> Bytes {
    let bytes = response_with(request, status, "r", |builder| {
        headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, value))
    });
    let (address, port) = seen.rsplit_once(':').expect("host:port");
    let text = String::from_utf8(bytes.to_vec()).expect("text");
    text.replacen(";rport", &format!(";received={address};rport={port}"), 1).into()
}

/// A registrar behind a NAT: it binds what it is asked for, and sees us at `seen`.
fn grant(it: &mut Registering, seen: &str) {
    let contact = lines(&it.last(), HeaderName::Contact).remove(0);
    let bound = format!("{contact};expires={HOUR}");
    let bytes = seen_at(&it.last(), 200, seen, &[(HeaderName::Contact, &bound)]);
    it.sim.peer_sends(bytes);
    it.wait(0.1);
}

/// The URIs in the Contacts of a REGISTER, each with what it asks for.
fn contacts(register: &Message) -> Vec<String> {
    let short = |contact: String| {
        let gone = contact.ends_with(";expires=0");
        let uri = contact.split('>').next().unwrap_or_default().trim_start_matches('<').to_owned();
        if gone { format!("{uri} gone") } else { uri }
    };
    lines(register, HeaderName::Contact).into_iter().map(short).collect()
}

fn told(it: &Registering) -> Vec<String> {
    it.sim.events.iter().filter_map(|event| event.fact.seen_as()).collect()
}

#[test]
fn s3_a_request_asks_for_its_port_on_udp_alone() {
    for (transport, asks) in [(Transport::Udp, true), (Transport::Tcp, false)] {
        let register = Registering::with(transport, wanted()).last();
        assert_eq!(text(&register, HeaderName::Via).ends_with(";rport"), asks, "{transport}");
    }
}

#[test]
fn s4_a_binding_moves_to_where_the_registrar_sees_us_and_the_old_one_goes() {
    let mut it = Registering::new();
    grant(&mut it, SEEN);
    assert_eq!(it.told().0, "refreshing");
    assert_eq!(
        contacts(&it.last()),
        ["sip:alice@203.0.113.9:4242", "sip:alice@192.0.2.1:5060 gone"]
    );
    grant(&mut it, SEEN);
    assert_eq!(it.told(), ("registered", Some(HOUR)));
    it.refresh();
    assert_eq!(contacts(&it.last()), ["sip:alice@203.0.113.9:4242"]);
    grant(&mut it, SEEN);
    it.unregister();
    assert_eq!(contacts(&it.last()), ["sip:alice@203.0.113.9:4242"]);
    assert_eq!(it.registers().len(), 4);
    assert_eq!(
        told(&it),
        [
            "192.0.2.1:5060 is 203.0.113.9:4242 to the peer (RFC 3581 §4), and Contact says so from now on"
        ]
    );
}

#[test]
fn s4_a_challenged_register_says_at_once_where_the_registrar_sees_us() {
    let credentials = Some([Credentials::new("alice", "secret")].into());
    let mut it = Registering::with(Transport::Udp, registering_with(credentials));
    let challenge = "Digest realm=\"demo.test\", nonce=\"n\", qop=\"auth\"";
    let bytes = seen_at(&it.last(), 401, SEEN, &[(HeaderName::WwwAuthenticate, challenge)]);
    it.sim.peer_sends(bytes);
    it.wait(0.1);
    assert_eq!(contacts(&it.last()), ["sip:alice@203.0.113.9:4242"]);
    assert!(text(&it.last(), HeaderName::Contact).contains(";reg-id=1"));
    grant(&mut it, SEEN);
    assert_eq!((it.registers().len(), it.told().0), (2, "registered"));
}

fn registering_with(
    credentials: Option<std::sync::Arc<[Credentials]>>,
) -> sipboard::sip::NewRegistration {
    sipboard::sip::NewRegistration { credentials, ..wanted() }
}

#[test]
fn s4_an_address_that_changes_with_every_answer_makes_no_loop() {
    let mut it = Registering::new();
    for port in 4000..4003 {
        grant(&mut it, &format!("203.0.113.9:{port}"));
    }
    assert_eq!(it.registers().len(), 2);
    assert_eq!(it.told().0, "registered");
    // The refresh follows.
    it.wait(3300.0);
    let expected = ["sip:alice@203.0.113.9:4002", "sip:alice@203.0.113.9:4000 gone"];
    assert_eq!(contacts(&it.last()), expected);
}

#[test]
fn s4_where_the_peer_sees_us_at_our_own_address_nothing_is_told_or_moved() {
    let mut it = Registering::new();
    grant(&mut it, "192.0.2.1:5060");
    assert_eq!(it.registers().len(), 1);
    assert_eq!(told(&it), [""; 0]);
}

#[test]
fn s4_any_response_teaches_it_and_an_invite_says_it() {
    let mut it = Registering::registered();
    it.sim.request(new_request(Method::Options, "sip:bob@demo.test"));
    let options = it.sim.sent.last().expect("an OPTIONS").1.clone();
    assert_eq!(options.method(), Some(Method::Options));
    it.sim.peer_sends(seen_at(&options, 200, SEEN, &[]));
    it.wait(0.1);
    assert_eq!(contacts(&it.last())[0], "sip:alice@203.0.113.9:4242");
    grant(&mut it, SEEN);
    it.sim.request(new_request(Method::Invite, "sip:bob@demo.test"));
    let invite = &it.sim.sent.last().expect("an INVITE").1;
    assert_eq!(text(invite, HeaderName::Contact), "<sip:alice@203.0.113.9:4242>");
    assert!(text(invite, HeaderName::Via).starts_with("SIP/2.0/UDP 192.0.2.1:5060;"));
    assert_eq!(told(&it).len(), 1);
}

#[test]
fn s4_it_is_forgotten_with_the_socket() {
    let mut it = Registering::registered();
    it.refresh();
    grant(&mut it, SEEN);
    grant(&mut it, SEEN);
    it.flow_down();
    it.flow_up(Transport::Udp);
    assert_eq!(contacts(&it.last())[0], "sip:alice@192.0.2.1:5060");
}

#[test]
fn s4_contact_keeps_our_own_address_where_the_user_wants_it() {
    let mut it = Registering::registered();
    let settings = Settings { contact_as_seen: false, ..Settings::default() };
    it.sim.with(|ua, _| ua.change_settings(settings));
    it.refresh();
    grant(&mut it, SEEN);
    it.sim.with(|ua, now| ua.request(now, FLOW, new_request(Method::Invite, "sip:bob@demo.test")));
    let invite = &it.sim.sent.last().expect("an INVITE").1;
    assert_eq!(text(invite, HeaderName::Contact), "<sip:alice@192.0.2.1:5060>");
    assert_eq!(it.registers().len(), 2);
    let seen = |fact: &Fact| matches!(fact, Fact::SeenAs { in_contact: false, .. });
    assert!(it.sim.events.iter().any(|event| seen(&event.fact)));
}
