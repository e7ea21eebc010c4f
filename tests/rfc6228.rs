//! RFC 6228: 199, by which one early dialog of a forked INVITE ends.

mod scripted;
mod simulation;

use scripted::*;
use sipboard::sip::{HeaderName, Method, Settings, State, Transport};

#[test]
fn s4_an_invite_says_that_199_is_supported() {
    for reliable_provisionals in [true, false] {
        let settings = Settings { reliable_provisionals, ..Settings::default() };
        let call = Call::with(settings, Transport::Udp, simulation::invite());
        assert!(list(&call.last(), HeaderName::Supported).contains(&"199".to_owned()));
    }
}

#[test]
fn s4_a_199_ends_its_leg_and_not_the_invite() {
    let mut call = Call::ringing();
    call.reply(199, "b");
    assert_eq!(call.news(), ["progress 199", "leg b ended by a 199"]);
    assert_eq!((call.ended(), call.state()), (None, State::Proceeding));
}

#[test]
fn s4_the_other_legs_go_on() {
    let mut call = Call::ringing();
    call.reply(180, "c");
    call.reply(199, "b");
    call.look();
    call.reply(200, "c");
    assert_eq!(call.news(), ["accepted 200", "leg c Confirmed", "acked 200"]);
    assert_eq!(call.last_event().status.legs_up, 1);
}

#[test]
fn s4_a_199_of_an_unknown_leg_makes_none() {
    let mut call = Call::ringing();
    call.reply(199, "c");
    assert_eq!(call.news(), ["progress 199"]);
}

#[test]
fn s4_a_199_without_a_tag_ends_nothing() {
    let mut call = Call::ringing();
    call.reply(199, "");
    assert_eq!(call.news(), ["progress 199"]);
}

#[test]
fn s4_a_repeated_199_ends_its_leg_once() {
    let mut call = Call::ringing();
    call.reply(199, "b");
    call.look();
    call.reply(199, "b");
    assert_eq!(call.news(), ["progress 199"]);
}

#[test]
fn s4_a_late_provisional_of_an_ended_leg_does_not_bring_it_back() {
    let mut call = Call::ringing();
    call.reply(199, "b");
    call.look();
    call.reply(180, "b");
    assert_eq!(call.news(), ["progress 180"]);
}

#[test]
fn s4_a_2xx_of_an_ended_leg_is_accepted_and_acked_all_the_same() {
    let mut call = Call::ringing();
    call.reply(199, "b");
    call.look();
    call.reply(200, "b");
    assert_eq!(call.news(), ["accepted 200", "leg b Confirmed", "acked 200"]);
}

#[test]
fn s4_a_reliable_199_gets_its_prack_and_ends_its_leg() {
    let mut call = Call::invited();
    call.reply_reliably(183, "b", 1);
    call.look();
    call.reply_reliably(199, "b", 2);
    // The PRACK of the 183 is unanswered, and ends with its leg.
    assert_eq!(call.news(), ["progress 199", "prack failed", "leg b ended by a 199", "sent PRACK"]);
}

#[test]
fn s4_a_reliable_199_of_an_unknown_leg_gets_its_prack_too() {
    let mut call = Call::ringing();
    call.reply_reliably(199, "c", 1);
    assert_eq!(call.sent(Method::Prack).to().unwrap().tag(), Some("c"));
    assert_eq!(call.news()[2..], ["leg c ended by a 199", "sent PRACK"]);
}

#[test]
fn s4_after_every_leg_has_ended_the_invite_waits_for_its_final_response() {
    let mut call = Call::ringing();
    call.reply(199, "b");
    call.wait(PATIENCE * 4);
    assert_eq!(call.ended(), None);
    call.reply(486, "b");
    assert!(call.ended().is_some());
}

#[test]
fn s5_a_199_of_another_fork_ends_its_early_dialog_after_a_2xx_too() {
    let mut call = Call::ringing();
    call.reply(180, "c");
    call.reply(200, "b");
    call.look();
    call.reply(199, "c");
    assert_eq!(call.news(), ["progress 199", "leg c ended by a 199"]);
    call.reply(199, "d");
    call.reply(180, "c");
    assert_eq!(call.news(), ["late 199", "late 180"]);
    call.hang_up();
    let bye = call.sent(Method::Bye);
    call.reply_to(&bye, 200, "");
    assert!(call.ended().is_some(), "no fork is left to wait for");
}
