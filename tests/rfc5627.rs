//! RFC 5627, GRUUs: obtained by registering and used as Contact. One test a requirement.

#[path = "registering/mod.rs"]
mod registering;
#[path = "scripted/mod.rs"]
mod scripted;
#[path = "simulation/mod.rs"]
mod simulation;

use std::sync::Arc;

use sipboard::sip::{Gruu, HeaderName, Message, Method, NewRegistration, Profile, Transport};

use crate::{
    registering::{HOUR, INSTANCE, Registering, contact, wanted},
    scripted::{list, text},
    simulation::{FLOW, new_request},
};

const PUBLIC: &str = "sip:alice@demo.test;gr=urn:uuid:1";
const TEMPORARY: &str = "sip:tgruu.7@demo.test;gr";

/// Registered with an account that wants that GRUU, and granted both.
fn granted(gruu: Gruu) -> Registering {
    let profile = Arc::new(Profile { gruu, ..Profile::new("alice") });
    let mut it = Registering::with(Transport::Udp, NewRegistration { profile, ..wanted() });
    grant(&mut it, TEMPORARY);
    it
}

fn grant(it: &mut Registering, temporary: &str) {
    let own = contact(&it.last());
    let value = format!("{own};pub-gruu=\"{PUBLIC}\";temp-gruu=\"{temporary}\";expires={HOUR}");
    it.answer(200, &[(HeaderName::Contact, &value)]);
}

/// A request of the account.
fn sent(it: &mut Registering, gruu: Gruu, method: Method) -> Message {
    let mut request = new_request(method, "sip:bob@demo.test");
    request.profile = Some(Arc::new(Profile { gruu, ..Profile::new("alice") }));
    it.sim.with(|ua, now| ua.request(now, FLOW, request));
    it.sim.sent.last().unwrap().1.clone()
}

#[test]
fn s4_1_a_register_with_an_instance_supports_gruu() {
    let register = Registering::new().last();
    assert!(contact(&register).contains(INSTANCE));
    assert!(list(&register, HeaderName::Supported).contains(&"gruu".to_owned()));
}

#[test]
fn s4_1_a_gruu_is_never_registered() {
    let mut it = granted(Gruu::Public);
    it.refresh();
    assert!(contact(&it.last()).starts_with("<sip:alice@192.0.2.1:5060>"));
    let by_hand = sent(&mut it, Gruu::Public, Method::Register);
    assert!(contact(&by_hand).starts_with("<sip:alice@192.0.2.1:5060>"));
}

#[test]
fn s4_2_both_gruus_of_our_contact_are_kept() {
    let it = granted(Gruu::Public);
    let grant = it.granted();
    assert_eq!(grant.pub_gruu.as_ref().unwrap().as_str(), PUBLIC);
    assert_eq!(grant.temp_gruu.as_ref().unwrap().as_str(), TEMPORARY);
}

#[test]
fn s4_2_a_refresh_brings_another_temporary_gruu() {
    let mut it = granted(Gruu::Temporary);
    it.refresh();
    grant(&mut it, "sip:tgruu.8@demo.test;gr");
    let invite = sent(&mut it, Gruu::Temporary, Method::Invite);
    assert_eq!(text(&invite, HeaderName::Contact), "<sip:tgruu.8@demo.test;gr>");
}

#[test]
fn s4_4_the_gruu_is_the_contact_of_requests_as_the_account_wants_it() {
    for (gruu, expected) in [
        (Gruu::Public, PUBLIC),
        (Gruu::Temporary, TEMPORARY),
        (Gruu::Off, "sip:alice@192.0.2.1:5060"),
    ] {
        let mut it = granted(gruu);
        for method in [Method::Invite, Method::Subscribe, Method::Refer] {
            let request = sent(&mut it, gruu, method);
            assert_eq!(text(&request, HeaderName::Contact), format!("<{expected}>"));
        }
    }
}

#[test]
fn s4_4_without_a_grant_the_contact_is_the_address() {
    let mut it = Registering::registered();
    let invite = sent(&mut it, Gruu::Public, Method::Invite);
    assert_eq!(text(&invite, HeaderName::Contact), "<sip:alice@192.0.2.1:5060>");
}

#[test]
fn s4_4_once_unregistered_the_gruu_is_used_no_more() {
    let mut it = granted(Gruu::Public);
    it.unregister();
    it.answer(200, &[]);
    let invite = sent(&mut it, Gruu::Public, Method::Invite);
    assert_eq!(text(&invite, HeaderName::Contact), "<sip:alice@192.0.2.1:5060>");
}
