//! RFC 3608, Service-Route. One test a requirement.

#[path = "registering/mod.rs"]
mod registering;
#[path = "scripted/mod.rs"]
mod scripted;
#[path = "simulation/mod.rs"]
mod simulation;

use std::sync::Arc;

use sipboard::sip::{HeaderName, Message, Method, Profile, Transport};

use crate::{
    registering::{HOUR, Registering, wanted},
    scripted::{has, list},
    simulation::{FLOW, new_request},
};

const ROUTE: [(HeaderName, &str); 2] = [
    (HeaderName::ServiceRoute, "<sip:p1.test;lr>, <sip:p2.test;lr>"),
    (HeaderName::ServiceRoute, "<sip:p3.test;lr>"),
];

fn with_route() -> Registering {
    Registering::registered_with(Transport::Udp, wanted(), &ROUTE)
}

/// A request of an account.
fn sent(it: &mut Registering, profile: Profile) -> Message {
    let mut request = new_request(Method::Invite, "sip:bob@demo.test");
    request.profile = Some(Arc::new(profile));
    it.sim.with(|ua, now| ua.request(now, FLOW, request));
    it.sim.sent.last().unwrap().1.clone()
}

#[test]
fn s5_the_service_route_is_the_route_of_later_requests_of_that_account_in_its_order() {
    let mut it = with_route();
    let invite = sent(&mut it, Profile::new("alice"));
    assert_eq!(
        list(&invite, HeaderName::Route),
        ["<sip:p1.test;lr>", "<sip:p2.test;lr>", "<sip:p3.test;lr>"]
    );
}

#[test]
fn s5_other_accounts_have_routes_of_their_own() {
    let mut it = with_route();
    assert!(!has(&sent(&mut it, Profile::new("bob")), HeaderName::Route));
}

#[test]
fn s5_a_register_does_not_take_the_service_route() {
    let mut it = with_route();
    it.refresh();
    assert!(!has(&it.last(), HeaderName::Route));
}

#[test]
fn s5_an_outbound_proxy_comes_first_and_once() {
    let mut it = with_route();
    let proxies = ["sip:edge.test;lr", "sip:p1.test;lr"].map(|text| text.parse().unwrap());
    let profile = Profile { ways_out: vec![proxies.to_vec()], ..Profile::new("alice") };
    assert_eq!(
        list(&sent(&mut it, profile), HeaderName::Route),
        ["<sip:edge.test;lr>", "<sip:p1.test;lr>", "<sip:p2.test;lr>", "<sip:p3.test;lr>"]
    );
}

#[test]
fn s5_a_refresh_replaces_the_route_and_one_without_it_ends_it() {
    let mut it = with_route();
    it.refresh();
    it.grant(HOUR, &[(HeaderName::ServiceRoute, "<sip:p9.test;lr>")]);
    let invite = sent(&mut it, Profile::new("alice"));
    assert_eq!(list(&invite, HeaderName::Route), ["<sip:p9.test;lr>"]);
    it.refresh();
    it.grant(HOUR, &[]);
    assert!(!has(&sent(&mut it, Profile::new("alice")), HeaderName::Route));
}

#[test]
fn s5_the_route_ends_with_the_registration() {
    let mut it = with_route();
    it.unregister();
    it.answer(200, &ROUTE);
    assert!(!has(&sent(&mut it, Profile::new("alice")), HeaderName::Route));
}
