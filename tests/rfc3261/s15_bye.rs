//! §15: ending a session.

use sipboard::sip::{
    CSeqNumber, Cause, DialogError, DialogRequest, HangUpError, HeaderName, Method, Settings,
    State, Transport,
};

use crate::{
    scripted::*,
    simulation::{FLOW, invite, ms, new_request},
};

pub(crate) fn hanging_up() -> Call {
    let mut call = Call::up();
    call.hang_up();
    call.looked()
}

#[test]
fn s15_1_1_a_bye_is_a_request_of_the_dialog() {
    let call = hanging_up();
    let (invite, bye) = (call.sent(Method::Invite), call.sent(Method::Bye));
    assert_eq!(bye.request_uri(), Some("sip:bob@192.0.2.2:5060"));
    assert_eq!(text(&bye, HeaderName::CallId), text(&invite, HeaderName::CallId));
    assert_eq!(bye.to().unwrap().tag(), Some("b"));
    assert_eq!(cseq(&bye), cseq(&invite) + 1);
}

#[test]
fn s15_1_1_a_2xx_to_the_bye_ends_the_dialog() {
    let mut call = hanging_up();
    let bye = call.sent(Method::Bye);
    call.reply_to(&bye, 200, "");
    assert_eq!(call.ended().unwrap().0, Cause::Bye);
    assert_eq!(call.state(), State::HungUp);
}

#[test]
fn s15_1_1_481_and_408_to_the_bye_end_the_dialog() {
    for status in [481, 408] {
        let mut call = hanging_up();
        let bye = call.sent(Method::Bye);
        call.reply_to(&bye, status, "");
        assert_eq!(call.ended().map(|(cause, _)| cause), Some(Cause::Bye), "{status}");
    }
}

#[test]
fn s15_1_1_no_answer_to_the_bye_ends_the_dialog() {
    let mut call = hanging_up();
    call.wait(PATIENCE);
    assert_eq!(call.ended().unwrap().0, Cause::Bye);
    call.wait(PATIENCE);
    assert_eq!((call.sim.ua.contexts(), call.sim.ua.poll_timeout()), (0, None));
}

#[test]
fn s15_no_bye_is_sent_before_the_dialog_is_confirmed() {
    let mut call = Call::ringing();
    let id = call.id;
    let refused = call.sim.with(|ua, now| ua.hang_up(now, id));
    assert_eq!(refused, Err(HangUpError::Pending));
    assert_eq!(call.wire(), [""; 0]);
}

#[test]
fn s15_a_bye_ends_one_early_dialog_and_the_invite_goes_on() {
    let mut call = Call::ringing();
    call.reply(183, "c");
    call.look();
    let id = call.id;
    call.sim.with(|ua, now| ua.hang_up_leg(now, id, "c")).unwrap();
    let bye = call.sent(Method::Bye);
    assert_eq!(bye.to().unwrap().tag(), Some("c"));
    call.reply_to(&bye, 200, "");
    assert!(call.news().contains(&"leg c Terminated { by: Local }".to_owned()));
    assert_eq!((call.state(), call.ended()), (State::Proceeding, None));
    call.reply(200, "b");
    assert_eq!(call.state(), State::Accepted);
    assert!(!call.wire()[1..].contains(&"BYE".to_owned()), "the other leg stays up");
}

#[test]
fn s15_an_early_dialog_that_was_hung_up_is_acked_and_hung_up_again_when_its_2xx_crosses() {
    let mut call = Call::ringing();
    call.reply(183, "c");
    call.look();
    call.in_dialog_with(Some("c"), DialogRequest::new(Method::Bye)).unwrap();
    call.look();
    call.reply(200, "c");
    let wire = call.wire();
    assert!(wire.contains(&"ACK".to_owned()) && wire.contains(&"BYE".to_owned()), "{wire:?}");
}

#[test]
fn s15_the_answer_to_the_bye_of_the_early_dialog_does_not_end_what_the_2xx_confirmed() {
    let mut call = Call::ringing();
    call.in_dialog_with(Some("b"), DialogRequest::new(Method::Bye)).unwrap();
    let first = call.sent(Method::Bye);
    call.reply(200, "b");
    let second = call.sent(Method::Bye);
    assert_ne!(branch(&first), branch(&second));
    assert_eq!(call.last_event().status.legs_up, 1);
    call.reply_to(&first, 481, "");
    assert_eq!((call.ended(), call.last_event().status.legs_up), (None, 1));
    call.reply_to(&second, 200, "");
    assert_eq!(call.ended().unwrap().0, Cause::Bye);
}

#[test]
fn s15_a_2xx_after_the_end_of_an_invite_whose_early_dialog_was_hung_up_is_no_acceptance() {
    // On TCP nothing is left of the INVITE's transaction once it is rejected.
    let mut call = Call::tcp(invite()).looked();
    call.reply(183, "b");
    call.in_dialog_with(Some("b"), DialogRequest::new(Method::Bye)).unwrap();
    call.reply(487, "b");
    let news = call.news();
    assert_eq!(news.last().unwrap(), "ended SIP Failure Code", "{news:?}");
    call.look();
    call.reply(200, "b");
    assert_eq!((call.news(), call.wire()), (vec![], vec![]));
    assert_eq!(call.sim.strays.len(), 1);
}

#[test]
fn s15_an_early_dialog_that_is_being_hung_up_is_no_leg_that_is_up() {
    let mut call = Call::ringing();
    call.reply(183, "c");
    call.in_dialog_with(Some("c"), DialogRequest::new(Method::Bye)).unwrap();
    assert_eq!(call.last_event().status.legs_up, 0);
    call.reply(200, "b");
    assert_eq!(call.last_event().status.legs_up, 1);
    call.look();
    call.wait(PATIENCE + ms(500));
    assert!(call.news().contains(&"leg c Terminated { by: Local }".to_owned()));
    assert_eq!((call.ended(), call.last_event().status.legs_up), (None, 1));
}

#[test]
fn s15_an_invite_that_is_refused_after_the_bye_of_its_early_dialog_ends() {
    let mut call = Call::ringing();
    call.reply(183, "c");
    call.look();
    call.in_dialog_with(Some("c"), DialogRequest::new(Method::Bye)).unwrap();
    let bye = call.sent(Method::Bye);
    call.reply(487, "c");
    assert!(call.ended().is_some());
    call.reply_to(&bye, 200, "");
    call.wait(PATIENCE * 2);
    assert_eq!(call.sim.ua.held(), Default::default());
}

#[test]
fn s14_1_an_invite_on_an_early_dialog_is_refused_as_one_too_many() {
    let mut call = Call::ringing();
    call.reply(183, "c");
    let invite = DialogRequest::new(Method::Invite);
    let refused = call.in_dialog_with(Some("c"), invite);
    assert_eq!(refused, Err(DialogError::InvitePending));
}

#[test]
fn s15_a_leg_is_hung_up_once() {
    let mut call = hanging_up();
    let id = call.id;
    let twice = call.sim.with(|ua, now| ua.hang_up(now, id));
    assert_eq!(twice, Err(HangUpError::HangingUp));
}

#[test]
fn s15_1_2_the_peers_bye_gets_200_and_ends_the_dialog() {
    let mut call = Call::up();
    let answer = call.peer(Method::Bye, 1, &[]);
    assert_eq!(code(&answer), 200);
    assert_eq!(
        call.news(),
        ["received BYE", "answered 200", "leg b Terminated { by: Peer }", "ended BYE"]
    );
}

#[test]
fn s15_1_2_a_bye_for_no_dialog_gets_481() {
    let mut call = Call::up();
    call.deliver(call.peer_request("stranger", Method::Bye, 1, &[]));
    assert_eq!(code(&call.last()), 481);
    assert_eq!(call.ended(), None);
}

#[test]
fn s15_1_2_a_second_bye_gets_481() {
    let mut call = Call::up();
    call.peer(Method::Bye, 1, &[]);
    assert_eq!(code(&call.peer(Method::Bye, 2, &[])), 481);
}

#[test]
fn s15_1_2_a_bye_ends_only_its_leg() {
    let mut call = Call::up();
    call.reply(200, "c");
    call.peer(Method::Bye, 1, &[]);
    assert_eq!((call.ended(), call.last_event().status.legs_up), (None, 1));
}

#[test]
fn s15_1_2_byes_that_cross_are_both_answered() {
    let mut call = hanging_up();
    assert_eq!(code(&call.peer(Method::Bye, 1, &[])), 200);
    assert_eq!(call.ended().unwrap().0, Cause::Bye);
    let bye = call.sent(Method::Bye);
    call.reply_to(&bye, 481, "");
    let ends = call.sim.story(call.id).iter().filter(|word| word.starts_with("ended")).count();
    assert_eq!(ends, 1);
}

#[test]
fn s18_1_1_a_bye_after_the_connection_broke_opens_another_at_once() {
    for transport in [Transport::Tcp, Transport::Ws] {
        let mut call = Call::up_with(Settings::default(), transport);
        call.sim.with(|ua, now| ua.flow_down(now, FLOW, "the connection broke"));
        call.sim.peer_comes_back = true;
        call.look();
        call.hang_up();
        assert_eq!(call.wire(), ["BYE"]);
        let bye = call.sent(Method::Bye);
        call.reply_to(&bye, 200, "");
        assert_eq!(call.ended().unwrap().0, Cause::Bye);
    }
}

#[test]
fn s15_a_bye_that_cannot_be_numbered_is_not_told_as_one() {
    let mut request = invite();
    request.cseq = CSeqNumber::new(2_147_483_647);
    let mut call = Call::udp(request);
    call.reply(200, "b");
    call.look();
    call.hang_up();
    assert!(call.all_sent(Method::Bye).is_empty());
    let news = call.news();
    assert!(news.contains(&"leg b Terminated { by: GivenUp }".to_owned()), "{news:?}");
    assert_eq!(call.ended().unwrap().0, Cause::InternalError);
}

#[test]
fn s15_a_dialog_that_the_peer_knows_no_more_did_not_end_with_a_bye() {
    let mut call = Call::up();
    call.in_dialog(Method::Info).unwrap();
    let info = call.sent(Method::Info);
    call.reply_to(&info, 481, "");
    assert_eq!(call.ended().unwrap().0, Cause::SipFailureCode);
    assert!(call.all_sent(Method::Bye).is_empty());
}

#[test]
fn s17_1_4_a_request_whose_connection_breaks_later_fails_and_its_retry_is_offered() {
    for method in [Method::Info, Method::Invite] {
        let mut call = Call::up_with(Settings::default(), Transport::Tcp);
        call.in_dialog(method.clone()).unwrap();
        call.sim.peer_comes_back = true;
        call.wait(ms(600));
        call.sim.with(|ua, now| ua.flow_down(now, FLOW, "the connection broke"));
        let sent = call.sent(method.clone());
        let news = call.news();
        assert!(news.contains(&"#2 failed Connection Error".to_owned()), "{news:?}");
        let (sentence, retry) = call.advice().unwrap();
        assert!(sentence.contains(&format!("had the {method} cannot be known")), "{sentence}");
        let retry = retry.unwrap();
        assert_eq!((&retry.method, retry.cseq.unwrap().number()), (&method, cseq(&sent) + 1));
        assert_eq!(
            call.all_sent(method).len(),
            1 + usize::from(sent.method() == Some(Method::Invite))
        );
    }
}

#[test]
fn s8_1_3_1_a_request_in_a_dialog_that_was_refused_leaves_the_dialog_as_it_is() {
    for method in [Method::Info, Method::Invite, Method::Update, Method::Options, Method::Message] {
        let mut call = Call::up();
        call.wire();
        call.in_dialog(method.clone()).unwrap();
        call.sim.with(|ua, now| ua.flow_error(now, FLOW, "connection refused"));
        let news = call.news();
        assert!(news.contains(&"#2 failed Connection Error".to_owned()), "{news:?}");
        assert_eq!((call.state(), call.ended()), (State::Accepted, None));
        assert_eq!(call.wire(), [method.as_str()], "no BYE");
        // The next one is sent as if that had not been.
        call.in_dialog(method.clone()).unwrap();
        assert_eq!(call.wire(), [method.as_str()]);
        if method == Method::Invite {
            let sent = call.last();
            call.reply_to(&sent, 200, "b");
            assert_eq!(call.wire(), ["ACK"]);
        }
        call.hang_up();
        let bye = call.sent(Method::Bye);
        call.reply_to(&bye, 200, "");
        call.wait(ms(33_000));
        assert_eq!(call.ended().unwrap().0, Cause::Bye);
    }
}

#[test]
fn s17_1_4_what_was_never_sent_or_has_no_connection_needs_no_such_retry() {
    let mut call = Call::udp(new_request(Method::Options, "sip:demo.test"));
    call.sim.with(|ua, now| ua.flow_down(now, FLOW, "unreachable"));
    assert_eq!(call.advice(), None);
    let mut call = Call::tcp(new_request(Method::Options, "sip:demo.test"));
    call.wait(ms(600));
    call.sim.with(|ua, now| ua.flow_down(now, FLOW, "the connection broke"));
    assert!(call.advice().is_some());
    let never = call.sim.request(new_request(Method::Options, "sip:demo.test"));
    assert_eq!(call.sim.story(never).last().unwrap(), "ended Connection Error");
    assert_eq!(call.advice(), None);
}

#[test]
fn s15_1_2_a_bye_that_waits_by_hand_gets_200_and_the_rest_487_when_the_user_hangs_up() {
    let settings = Settings { by_hand: vec![Method::Info, Method::Bye], ..Settings::default() };
    let mut call = Call::up_with(settings, Transport::Udp);
    call.deliver(call.peer_request("b", Method::Info, 1, &[]));
    call.deliver(call.peer_request("b", Method::Bye, 2, &[]));
    call.look();
    call.hang_up();
    let bye = call.sent(Method::Bye);
    call.reply_to(&bye, 200, "");
    let mut answers: Vec<String> = call.wire().into_iter().filter(|line| line != "BYE").collect();
    answers.sort();
    assert_eq!(answers, ["200", "487"]);
    let news = call.news();
    assert!(news.contains(&"answered 200".to_owned()));
    let over = news.iter().filter(|word| word.starts_with("leg b Terminated")).count();
    assert_eq!(over, 1, "{news:?}");
    assert_eq!(call.ended().unwrap().0, Cause::Bye);
    call.wait(PATIENCE * 2);
    assert_eq!(call.sim.ua.held(), Default::default());
}

/// The user leaves, and a fork accepts in the moment that is left.
#[test]
fn s13_2_2_4_a_fork_that_accepts_while_the_user_leaves_is_hung_up_whatever_ended_the_others() {
    for ends in ["its own BYE, unanswered", "its own BYE", "the peer's BYE"] {
        let mut call = Call::invited();
        let invite = call.sent(Method::Invite);
        call.reply(200, "a");
        match ends {
            "the peer's BYE" => {
                call.peer_request("a", Method::Bye, 1, &[]);
            }
            _ => {
                // The user hangs up that leg alone.
                let id = call.id;
                call.sim.with(|ua, now| ua.hang_up_leg(now, id, "a")).unwrap();
            }
        }
        if ends == "its own BYE" {
            let bye = call.sent(Method::Bye);
            call.reply_to(&bye, 200, "a");
        }
        call.sim.with(|ua, now| ua.shut_down(now));
        call.look();
        call.reply_to(&invite, 200, "b");
        assert_eq!(call.wire(), ["ACK", "BYE"], "{ends}");
        let bye = call.sent(Method::Bye);
        assert_eq!(bye.to().unwrap().tag(), Some("b"), "{ends}");
        call.reply_to(&bye, 200, "b");
        call.wait(PATIENCE * 2);
        assert!(call.sim.ua.is_idle(), "{ends}");
        assert_eq!(call.last_event().status.legs_up, 0, "{ends}");
    }
}
