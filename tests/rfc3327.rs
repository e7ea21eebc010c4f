//! RFC 3327, Path. One test a requirement.

#[path = "registering/mod.rs"]
mod registering;
#[path = "scripted/mod.rs"]
mod scripted;
#[path = "simulation/mod.rs"]
mod simulation;

use sipboard::sip::{HeaderName, Transport};

use crate::{
    registering::{HOUR, Registering, wanted},
    scripted::{has, list},
};

#[test]
fn s5_1_a_register_says_that_path_is_supported() {
    assert!(list(&Registering::new().last(), HeaderName::Supported).contains(&"path".to_owned()));
}

#[test]
fn s5_1_the_path_of_the_200_is_kept_in_its_order_for_the_user() {
    let paths = [
        (HeaderName::Path, "<sip:p1.test;lr>, <sip:p2.test;lr;ob>"),
        (HeaderName::Path, "<sip:p3.test;lr>"),
    ];
    let it = Registering::registered_with(Transport::Udp, wanted(), &paths);
    let grant = it.granted();
    let path: Vec<&str> = grant.path.iter().map(AsRef::as_ref).collect();
    assert_eq!(path, ["<sip:p1.test;lr>", "<sip:p2.test;lr;ob>", "<sip:p3.test;lr>"]);
}

#[test]
fn s5_1_the_user_agent_writes_no_path_of_its_own() {
    let mut it = Registering::registered_with(
        Transport::Udp,
        wanted(),
        &[(HeaderName::Path, "<sip:p1.test;lr>")],
    );
    it.refresh();
    it.grant(HOUR, &[]);
    assert!(it.registers().iter().all(|register| !has(register, HeaderName::Path)));
}
