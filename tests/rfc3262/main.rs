//! RFC 3262: reliable provisional responses, each acknowledged by a PRACK.

#[path = "../scripted/mod.rs"]
mod scripted;
#[path = "../simulation/mod.rs"]
mod simulation;

mod authentication;
mod by_hand;
mod ends;
mod offers;
mod provisionals;
mod switched_off;
mod tries;

use std::sync::Arc;

use scripted::*;
use simulation::{FLOW, invite, ms};
use sipboard::sip::{
    Credentials, DialogRequest, Fact, HeaderName, Message, Method, NewRequest, Settings, State,
    Transport,
};

const CONTACT: HeaderName = HeaderName::Contact;
const REQUIRE: HeaderName = HeaderName::Require;
const RSEQ: HeaderName = HeaderName::RSeq;

/// An INVITE whose 183 was reliable, with RSeq 10.
fn reliable() -> Call {
    let mut call = Call::invited();
    call.reply_reliably(183, "b", 10);
    call
}

/// The RAck of every PRACK that was sent for the first time.
fn racks(call: &Call) -> Vec<String> {
    let mut racks: Vec<String> =
        call.all_sent(Method::Prack).iter().map(|prack| text(prack, HeaderName::RAck)).collect();
    racks.dedup();
    racks
}
