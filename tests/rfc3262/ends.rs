//! PRACKs that fail, and those that end with what they belong to.

use super::*;

#[test]
fn s4_a_prack_whose_datagram_fails_is_told_and_the_invite_goes_on() {
    let mut call = reliable();
    let transmit = sipboard::sip::Transmit {
        flow: FLOW,
        to: None,
        bytes: call.sent(Method::Prack).bytes().clone(),
    };
    call.sim.with(|ua, now| ua.transmit_failed(now, &transmit, "unreachable"));
    assert_eq!(call.news().last().unwrap(), "prack failed");
    call.wait(ms(100));
    assert_eq!(call.state(), State::Proceeding);
}

#[test]
fn s4_a_prack_that_is_being_sent_fails_with_an_error_of_its_flow_and_the_invite_goes_on() {
    let mut call = reliable();
    let peer = "192.0.2.2:5060".parse().unwrap();
    call.sim.ua.flow_leads_to(FLOW, "192.0.2.2", 5060, peer);
    call.sim.with(|ua, now| ua.flow_error(now, FLOW, "port unreachable"));
    assert_eq!(call.news().last().unwrap(), "prack failed");
    call.wait(ms(100));
    assert_eq!(call.state(), State::Proceeding);
    call.sim.with(|ua, now| ua.flow_error(now, FLOW, "port unreachable"));
    assert_eq!(call.news(), [""; 0], "nothing is being sent any more");
}

/// What went out and was told later than a moment after now.
fn later(call: &mut Call) -> (Vec<String>, Vec<String>) {
    call.wait(ms(10));
    call.look();
    call.wait(PATIENCE * 2);
    let news = call.news();
    (call.wire(), news.into_iter().filter(|word| !word.contains("timer")).collect())
}

#[test]
fn s4_a_prack_that_nobody_has_answered_ends_with_its_invite() {
    for status in [486, 487] {
        let mut call = reliable();
        call.reply(status, "b");
        assert!(call.news().last().unwrap().starts_with("ended"), "{status}");
        assert_eq!(later(&mut call), (vec![], vec![]), "{status}");
        assert_eq!(call.sim.ua.held(), Default::default());
    }
}

#[test]
fn s4_nothing_keeps_an_invite_that_has_ended_on_a_connection() {
    // On TCP a rejected INVITE has no Timer D.
    let mut call = Call::tcp(simulation::invite());
    call.reply_reliably(183, "b", 1);
    call.reply(486, "b");
    assert_eq!(call.sim.ua.held(), Default::default());
}

#[test]
fn s4_a_prack_ends_with_its_leg_and_those_of_other_legs_go_on() {
    let mut call = reliable();
    call.reply_reliably(183, "c", 1);
    call.reply(199, "b");
    call.look();
    call.wait(ms(1600));
    let to = |(_, m): &(std::time::Duration, Message)| m.to().unwrap().tag().unwrap().to_owned();
    let sent: Vec<String> = call.sim.sent.iter().filter(|(at, _)| *at > ms(400)).map(to).collect();
    assert_eq!(sent, ["c", "c"], "sent again after 0.5 and 1.5 s");
}

#[test]
fn s4_a_prack_ends_with_the_leg_that_the_user_hangs_up() {
    let mut call = reliable();
    call.in_dialog_with(Some("b"), DialogRequest::new(Method::Bye)).unwrap();
    let bye = call.sent(Method::Bye);
    call.reply_to(&bye, 200, "");
    call.look();
    call.wait(ms(5000));
    assert_eq!(call.wire(), [""; 0]);
    assert_eq!(call.state(), State::Proceeding);
}

#[test]
fn s4_a_prack_that_was_answered_absorbs_what_is_repeated_after_the_end() {
    let mut call = reliable();
    let prack = call.sent(Method::Prack);
    call.reply_to(&prack, 200, "");
    call.reply(486, "b");
    call.reply_to(&prack, 200, "");
    assert!(call.sim.strays.is_empty());
}

#[test]
fn s4_a_reliable_provisional_of_a_leg_that_is_over_gets_no_prack() {
    let mut call = reliable();
    call.reply(199, "b");
    call.look();
    call.reply_reliably(183, "b", 11);
    assert_eq!((call.wire(), call.news()), (vec![], vec!["progress 183".to_owned()]));
}

#[test]
fn s4_the_prack_of_a_reinvite_ends_with_it() {
    let mut call = Call::up();
    call.in_dialog(Method::Invite).unwrap();
    let reinvite = call.sent(Method::Invite);
    call.reply_to_with(&reinvite, 183, "", |builder| {
        builder.header(REQUIRE, "100rel").header(RSEQ, 7).header(CONTACT, "<sip:bob@192.0.2.2>")
    });
    assert_eq!(call.sent(Method::Prack).to().unwrap().tag(), Some("b"));
    call.reply_to(&reinvite, 488, "");
    assert_eq!(later(&mut call), (vec![], vec![]));
    assert_eq!(call.ended(), None, "the dialog goes on");
}
