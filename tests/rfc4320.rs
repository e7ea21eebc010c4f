//! RFC 4320: what the non-INVITE transaction does about late answers.

mod scripted;
mod simulation;

use std::time::Duration;

use scripted::*;
use sipboard::sip::{Cause, Fact, Method, Settings, State, Transport};

#[test]
fn s4_2_a_response_after_timer_f_is_a_stray_and_no_answer() {
    for status in [100, 200, 404, 408, 500] {
        let mut call = Call::options();
        let options = call.last();
        call.wait(PATIENCE);
        call.look();
        call.reply_to(&options, status, "b");
        assert_eq!(call.news(), [""; 0], "{status}");
        assert_eq!(call.sim.strays.len(), 1);
        assert_eq!(call.ended().unwrap().0, Cause::RequestTimeout);
    }
}

#[test]
fn s4_2_a_final_response_just_before_timer_f_is_an_answer() {
    let mut call = Call::options();
    call.wait(PATIENCE - Duration::from_millis(10));
    call.reply(200, "b");
    assert_eq!(call.state(), State::Accepted);
}

#[test]
fn s4_2_a_timeout_is_told_without_a_response_and_not_as_a_408() {
    let mut call = Call::options();
    call.wait(PATIENCE);
    let failed = call.sim.events.iter().find_map(|event| match &event.fact {
        Fact::Failed { response, cause, .. } => Some((response.clone(), *cause)),
        _ => None,
    });
    assert_eq!(failed, Some((None, Cause::RequestTimeout)));
}

#[test]
fn s4_1_a_request_of_the_peer_that_waits_for_the_user_gets_no_provisional_and_no_408() {
    let settings = Settings { by_hand: vec![Method::Info], ..Settings::default() };
    let mut call = Call::up_with(settings, Transport::Udp);
    let info = call.peer_request("b", Method::Info, 1, &[]);
    for _ in 0..20 {
        call.deliver(info.clone());
        call.wait(Duration::from_secs(4));
    }
    assert_eq!(call.wire(), [""; 0]);
}

#[test]
fn s4_1_every_other_request_of_the_peer_gets_its_final_answer_at_once() {
    let mut call = Call::up();
    for (cseq, method) in (1..).zip([Method::Options, Method::Info, Method::Message]) {
        call.look();
        call.peer(method, cseq, &[]);
        assert_eq!(call.wire(), ["200"]);
    }
}

#[test]
fn s4_2_a_408_that_comes_in_time_is_the_peers_answer() {
    let mut call = Call::options();
    call.reply(408, "b");
    assert_eq!(call.ended().unwrap().0, Cause::Unavailable);
}
