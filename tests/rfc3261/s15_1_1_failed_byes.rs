//! §15.1.1: a BYE that is refused, or that cannot be delivered, ends the session and no dialog.

use sipboard::sip::{
    Cause, DialogRequest, Fact, FailedByes, Method, Settings, State, Transmit, Transport,
};

use crate::{
    s15_bye::hanging_up,
    scripted::*,
    simulation::{FLOW, ms},
};

#[test]
fn s15_1_1_a_bye_that_is_refused_leaves_the_dialog_up_and_another_one_ends_it() {
    for status in [403, 500, 503, 603] {
        let mut call = hanging_up();
        let refused = call.sent(Method::Bye);
        call.reply_to(&refused, status, "");
        let news = call.news();
        let stays = ["leg b not hung up".to_owned(), "leg b Confirmed".to_owned()];
        assert!(news.ends_with(&stays), "{status}: {news:?}");
        assert_eq!((call.state(), call.ended()), (State::Accepted, None));
        assert_eq!(call.last_event().status.legs_up, 1);
        // The session is over either way.
        let why = call.sim.events.iter().find_map(|event| match &event.fact {
            Fact::StillUp { detail, .. } => Some(&**detail),
            _ => None,
        });
        let left = "its dialog is still there, until another BYE ends it";
        assert!(why.is_some_and(|why| why.ends_with(left)), "{why:?}");
        call.hang_up();
        let bye = call.sent(Method::Bye);
        assert_ne!(branch(&refused), branch(&bye));
        assert_eq!(cseq(&bye), cseq(&refused) + 1);
        call.reply_to(&bye, 200, "");
        assert_eq!(call.ended().map(|(cause, _)| cause), Some(Cause::Bye), "{status}");
        call.wait(PATIENCE * 2);
        assert_eq!(call.sim.ua.held(), Default::default());
    }
}

#[test]
fn s15_1_1_the_peer_that_has_refused_a_bye_may_send_its_own() {
    let mut call = hanging_up();
    let bye = call.sent(Method::Bye);
    call.reply_to(&bye, 403, "");
    assert_eq!(code(&call.peer(Method::Bye, 1, &[])), 200);
    assert_eq!(call.ended().unwrap().0, Cause::Bye);
}

#[test]
fn s15_1_1_a_refused_bye_of_an_early_dialog_leaves_it_to_another_one_or_to_its_2xx() {
    let mut call = Call::ringing();
    for _ in 0..2 {
        call.in_dialog_with(Some("b"), DialogRequest::new(Method::Bye)).unwrap();
        let bye = call.sent(Method::Bye);
        call.reply_to(&bye, 403, "");
    }
    assert!(call.news().contains(&"leg b Early".to_owned()));
    call.reply(200, "b");
    assert_eq!((call.state(), call.last_event().status.legs_up), (State::Accepted, 1));
    call.hang_up();
}

#[test]
fn s15_1_1_a_refused_bye_ends_the_leg_where_nobody_would_send_another_one() {
    let settings = Settings { failed_byes: FailedByes::EndLeg, ..Settings::default() };
    let mut call = Call::up_with(settings, Transport::Udp);
    call.hang_up();
    let bye = call.sent(Method::Bye);
    call.reply_to(&bye, 403, "");
    assert_eq!(call.ended().unwrap().0, Cause::Bye);
    // The user leaves: what was refused before is tried once more.
    let mut call = hanging_up();
    let refused = call.sent(Method::Bye);
    call.reply_to(&refused, 403, "");
    call.look();
    call.sim.with(|ua, now| ua.shut_down(now));
    call.wait(ms(3));
    assert_eq!(call.wire(), ["BYE"]);
    let bye = call.sent(Method::Bye);
    call.reply_to(&bye, 403, "");
    assert_eq!(call.ended().unwrap().0, Cause::Bye);
    assert!(call.sim.ua.is_idle());
}

#[test]
fn s15_1_1_a_bye_on_a_broken_flow_can_be_sent_again() {
    let mut call = hanging_up();
    call.sim.with(|ua, now| ua.flow_error(now, FLOW, "connection refused"));
    assert_eq!((call.state(), call.ended()), (State::Accepted, None));
    call.hang_up();
    let bye = call.sent(Method::Bye);
    call.reply_to(&bye, 200, "");
    assert_eq!(call.ended().unwrap().0, Cause::Bye);
    // Where the user leaves, nobody sends another.
    let mut call = hanging_up();
    call.sim.with(|ua, now| ua.shut_down(now));
    call.sim.with(|ua, now| ua.flow_down(now, FLOW, "broken"));
    assert_eq!(call.ended().unwrap().0, Cause::ConnectionError);
}

#[test]
fn s15_a_call_of_two_legs_is_not_hung_up_where_one_bye_was_lost() {
    let mut call = Call::up();
    call.reply(200, "c");
    let id = call.id;
    call.sim.with(|ua, now| ua.hang_up_leg(now, id, "c")).unwrap();
    call.sim.with(|ua, now| ua.shut_down(now));
    let byes = call.all_sent(Method::Bye);
    call.sim.with(|ua, now| {
        let lost = Transmit { flow: FLOW, to: None, bytes: byes[0].bytes().clone() };
        ua.transmit_failed(now, &lost, "connection refused");
    });
    call.reply_to(&byes[1], 200, "");
    let news = call.news();
    assert!(news.contains(&"leg c Terminated { by: Transport }".to_owned()), "{news:?}");
    assert!(news.contains(&"leg b Terminated { by: Local }".to_owned()), "{news:?}");
    assert_eq!(call.ended().unwrap().0, Cause::ConnectionError);
}

#[test]
fn s15_a_bye_that_was_never_sent_is_not_told_as_one_and_the_leg_stays() {
    // The flow is down, so that the BYE cannot go anywhere.
    let mut call = Call::up();
    call.sim.with(|ua, now| ua.flow_down(now, FLOW, "the connection broke"));
    call.look();
    call.hang_up();
    assert!(call.all_sent(Method::Bye).is_empty());
    let news = call.news();
    assert!(news.contains(&"leg b not hung up".to_owned()), "{news:?}");
    assert_eq!((call.state(), call.ended()), (State::Accepted, None));
    // The next one finds a connection.
    call.sim.peer_comes_back = true;
    call.hang_up();
    let bye = call.sent(Method::Bye);
    call.reply_to(&bye, 200, "");
    assert_eq!(call.ended().unwrap().0, Cause::Bye);
}

#[test]
fn s15_a_bye_whose_flow_breaks_is_not_told_as_the_end_of_the_leg() {
    let mut call = Call::up_with(Settings::default(), Transport::Tcp);
    call.hang_up();
    call.look();
    call.sim.with(|ua, now| ua.flow_down(now, FLOW, "the connection broke"));
    let news = call.news();
    assert!(news.contains(&"leg b not hung up".to_owned()), "{news:?}");
    assert_eq!((call.state(), call.ended()), (State::Accepted, None));
}
