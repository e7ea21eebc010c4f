//! §9.1, §13.2.2.4, §18: an INVITE whose connection ends while it rings. It has failed, but its peer has
//! it: a CANCEL follows on a new connection, and a 2xx that comes all the same is ACKed and hung up.

use sipboard::sip::{
    CancelError, Cause, Fact, FlowId, HangUpError, HeaderName, Held, Message, Method, Redirects,
    Settings, State, Timer, Transport,
};

use crate::{
    scripted::*,
    simulation::{FLOW, invite, ms, new_request},
};

/// A connection that the peer makes.
const OWN: FlowId = FlowId(1 << 31);
const GONE: &str = "192.0.2.2:5060 closed the connection";

/// An INVITE over a connection that ends after that provisional.
fn lost(transport: Transport, status: u16, comes_back: bool) -> Call {
    let mut call = Call::with(Settings::default(), transport, invite());
    call.reply(status, "b");
    call.look();
    call.wire();
    loses(&mut call, comes_back);
    call
}

fn loses(call: &mut Call, comes_back: bool) {
    call.sim.peer_comes_back = comes_back;
    call.sim.with(|ua, now| ua.flow_down(now, FLOW, GONE));
}

fn nothing_is_held(call: &mut Call) {
    call.sim.with(|ua, now| ua.flow_down(now, FLOW, GONE));
    call.wait(ms(100_000));
    assert_eq!(call.sim.ua.held(), Held::default());
    assert!(call.sim.ua.is_idle());
}

#[test]
fn s9_1_what_rings_when_its_connection_ends_is_cancelled_on_a_new_one() {
    for transport in [Transport::Tcp, Transport::Tls, Transport::Ws] {
        let mut call = lost(transport, 180, true);
        assert_eq!(call.wire(), ["CANCEL"]);
        let (invite, cancel) = (call.sent(Method::Invite), call.sent(Method::Cancel));
        assert_eq!(branch(&invite), branch(&cancel));
        assert_eq!(invite.request_uri(), cancel.request_uri());
        assert_eq!(
            call.news(),
            ["failed Connection Error", "leg b Terminated { by: Transport }", "cancel sent"]
        );
        // Both name the connection that is gone in their Via.
        call.reply_to(&cancel, 200, "b");
        call.reply_to(&invite, 487, "b");
        assert_eq!(call.wire(), ["ACK"]);
        assert_eq!(
            call.news(),
            ["cancel answered 200", "late 487", "acked 487", "ended Connection Error"]
        );
        assert_eq!(call.state(), State::Failed, "as before");
        assert_eq!(call.sim.strays.len(), 0);
        nothing_is_held(&mut call);
    }
}

#[test]
fn s9_1_a_connection_that_does_not_come_back_says_that_no_cancel_was_sent() {
    let mut call = lost(Transport::Tcp, 183, false);
    assert_eq!(call.wire(), [""; 0]);
    let news = call.news();
    assert_eq!(news.last().unwrap(), "cancel failed", "{news:?}");
    assert_eq!(news.iter().filter(|told| told.starts_with("cancel")).count(), 1, "{news:?}");
    nothing_is_held(&mut call);
}

#[test]
fn s9_1_a_cancel_that_was_on_the_connection_that_is_gone_goes_again() {
    let mut call = Call::with(Settings::default(), Transport::Tcp, invite());
    call.reply(180, "b");
    call.cancel().unwrap();
    assert_eq!(call.all_sent(Method::Cancel).len(), 1);
    call.look();
    loses(&mut call, true);
    let cancels = call.all_sent(Method::Cancel);
    assert_eq!(cancels.len(), 2);
    assert_eq!(cancels[0].bytes(), cancels[1].bytes());
    call.wait(ms(33_000));
    let news = call.news();
    assert!(news.contains(&"cancel failed".to_owned()), "nobody has answered it: {news:?}");
    assert_eq!(news.last().unwrap(), "ended Connection Error");
    nothing_is_held(&mut call);
}

#[test]
fn s13_2_2_4_a_2xx_that_comes_another_way_is_acked_and_its_call_hung_up() {
    for comes_back in [false, true] {
        let mut call = lost(Transport::Tcp, 180, comes_back);
        call.look();
        call.wire();
        call.sim.peer_comes_back = true;
        let invite = call.sent(Method::Invite);
        call.wait(ms(1500));
        accepts_on_its_own(&mut call, &invite);
        assert_eq!(call.wire(), ["ACK", "BYE"]);
        let told: Vec<String> = call.news();
        let told: Vec<&str> = told.iter().map(String::as_str).collect();
        assert!(told.contains(&"accepted 200"), "{told:?}");
        let told_why = call.sim.events.iter().any(|event| match &event.fact {
            Fact::Unwanted { detail, .. } => {
                detail.starts_with("the INVITE had failed with its conn")
            }
            _ => false,
        });
        assert!(told_why, "{told:?}");
        assert!(!told.contains(&"cancel crossed"), "{told:?}");
        assert!(!told.iter().any(|it| it.starts_with("ended")), "there is a call: {told:?}");
        let bye = call.sent(Method::Bye);
        call.reply_to(&bye, 200, "b");
        assert_eq!(call.news().last().unwrap(), "ended BYE");
        // A repeated 2xx is ACKed again.
        call.reply_to(&invite, 200, "b");
        assert_eq!(call.wire(), ["ACK"]);
        nothing_is_held(&mut call);
    }
}

#[test]
fn s8_1_3_4_what_rings_at_a_redirect_target_rings_at_no_other_beside_it() {
    let settings = Settings { redirects: Redirects::All, ..Settings::default() };
    let mut call = Call::with(settings, Transport::Tcp, invite());
    call.reply_with(302, "b", |builder| {
        builder.header(HeaderName::Contact, "<sip:a@demo.test>, <sip:c@demo.test>;q=0.5")
    });
    let invite = call.sent(Method::Invite);
    assert_eq!(invite.request_uri(), Some("sip:a@demo.test"));
    call.reply(180, "b");
    call.look();
    call.wire();
    loses(&mut call, true);
    assert_eq!(call.wire(), ["CANCEL"]);
    assert_eq!(call.news()[0], "failed Connection Error");
    call.reply_to(&invite, 200, "b");
    assert_eq!(call.wire(), ["ACK", "BYE"]);
    let ack = call.sent(Method::Ack);
    assert_eq!(ack.cseq().unwrap().number, invite.cseq().unwrap().number);
    let bye = call.sent(Method::Bye);
    call.reply_to(&bye, 200, "b");
    nothing_is_held(&mut call);
}

/// The 2xx comes on the peer's own connection.
fn accepts_on_its_own(call: &mut Call, invite: &Message) {
    call.sim.with(|ua, now| {
        ua.flow_connecting(OWN, Transport::Tcp);
        ua.flow_up(now, OWN, "192.0.2.1:5060".parse().unwrap());
        let ok = crate::simulation::response(invite, 200, "b");
        ua.handle_message(now, OWN, "192.0.2.2:40000".parse().unwrap(), ok);
    });
}

#[test]
fn s13_2_2_4_a_2xx_whose_ack_found_no_connection_is_acked_as_it_comes_again() {
    let mut call = lost(Transport::Tcp, 180, false);
    let invite = call.sent(Method::Invite);
    call.look();
    call.wire();
    call.wait(ms(100));
    accepts_on_its_own(&mut call, &invite);
    assert_eq!(call.wire(), [""; 0], "the server is away");
    let news = call.news();
    let place = |what: &str| news.iter().position(|told| told.starts_with(what)).expect(what);
    assert!(place("ack failed") < place("leg b not hung up"), "{news:?}");
    assert_eq!(news.iter().filter(|told| *told == "leg b not hung up").count(), 1, "{news:?}");
    call.sim.peer_comes_back = true;
    call.wait(ms(500));
    accepts_on_its_own(&mut call, &invite);
    assert_eq!(call.wire(), ["ACK", "BYE"]);
    let bye = call.sent(Method::Bye);
    call.reply_to(&bye, 200, "b");
    assert_eq!(call.news().last().unwrap(), "ended BYE");
    nothing_is_held(&mut call);
}

#[test]
#[ignore = "a re-INVITE that rings as its connection ends is given up: its late 2xx is told as a stray"]
fn s14_1_a_2xx_of_a_reinvite_that_rang_as_its_connection_ended_is_acked() {
    let mut call = Call::up_with(Settings::default(), Transport::Tcp);
    call.wait(ms(2000));
    call.in_dialog(Method::Invite).unwrap();
    let reinvite = call.sent(Method::Invite);
    call.reply_to(&reinvite, 180, "b");
    call.wire();
    loses(&mut call, true);
    call.wait(ms(400));
    accepts_on_its_own(&mut call, &reinvite);
    assert_eq!(call.wire(), ["ACK"]);
}

#[test]
fn s13_2_2_4_a_2xx_after_64_t1_is_nobodys() {
    let mut call = lost(Transport::Tcp, 180, false);
    call.wait(ms(31_900));
    assert!(call.sim.ua.holds(call.id));
    call.wait(ms(200));
    assert_eq!(call.sim.ua.held().contexts, 0);
    assert_eq!(call.news().last().unwrap(), "ended Connection Error");
    call.sim.peer_comes_back = true;
    call.sim.with(|ua, now| {
        ua.flow_connecting(FLOW, Transport::Tcp);
        ua.flow_up(now, FLOW, "192.0.2.1:5060".parse().unwrap());
    });
    call.reply(200, "b");
    assert_eq!(call.sim.strays.len(), 1);
}

/// The connection is made again, or is not.
fn comes_back(call: &mut Call, made: bool) {
    call.sim.with(|ua, now| {
        ua.flow_connecting(FLOW, Transport::Tcp);
        match made {
            true => ua.flow_up(now, FLOW, "192.0.2.1:5064".parse().unwrap()),
            false => ua.flow_down(now, FLOW, "192.0.2.2:5060 refuses connections"),
        }
    });
}

#[test]
fn s9_1_the_final_response_is_waited_for_64_t1_after_the_cancel() {
    let mut call = lost(Transport::Tcp, 180, false);
    let wait = |call: &Call| {
        assert_eq!(call.state(), State::Failed);
        assert!(!call.last_event().status.ended);
        call.timers().iter().find(|it| it.0 == Timer::CancelWait).map(|it| it.1)
    };
    assert_eq!(wait(&call), Some(32_000));
    call.wait(ms(5_000));
    call.sim.peer_comes_back = true;
    assert_eq!(call.cancel(), Ok(()), "the one before could not be sent");
    assert_eq!(call.wire(), ["CANCEL"]);
    assert_eq!(wait(&call), Some(32_000));
    call.wait(ms(31_900));
    assert_eq!(call.ended(), None);
    call.wait(ms(200));
    assert_eq!(call.ended().map(|it| it.0), Some(Cause::ConnectionError));
    let ends = call.news().iter().filter(|told| told.starts_with("ended")).count();
    assert_eq!(ends, 1);
    nothing_is_held(&mut call);
}

#[test]
fn s9_1_the_user_cancels_once_more_where_no_cancel_could_be_sent() {
    let mut call = lost(Transport::Tcp, 180, true);
    // It is on its way.
    assert_eq!(call.cancel(), Err(CancelError::Forsaken));
    comes_back(&mut call, false);
    assert_eq!(call.cancel(), Ok(()), "it was lost with its connection");
    assert_eq!(call.all_sent(Method::Cancel).len(), 2);
    let cancel = call.sent(Method::Cancel);
    call.reply_to(&cancel, 200, "b");
    assert_eq!(call.cancel(), Err(CancelError::Forsaken), "the peer has it");
    let id = call.id;
    let hung_up = call.sim.with(|ua, now| ua.hang_up(now, id));
    assert_eq!(hung_up, Err(HangUpError::Forsaken));
    call.reply(487, "b");
    assert_eq!(call.news().last().unwrap(), "ended Connection Error");
    assert_eq!(call.cancel(), Err(CancelError::Over("failed")));
    nothing_is_held(&mut call);
}

#[test]
fn s9_1_a_487_that_overtakes_the_answer_to_the_cancel_is_the_end_after_2_t1() {
    let mut call = lost(Transport::Tcp, 180, true);
    call.reply(487, "b");
    assert_eq!(call.wire(), ["CANCEL", "ACK"]);
    assert_eq!(call.ended(), None);
    call.wait(ms(1_001));
    assert_eq!(call.news().last().unwrap(), "ended Connection Error");
    nothing_is_held(&mut call);

    // No CANCEL is owed any more.
    let mut call = Call::with(Settings::default(), Transport::Tcp, invite());
    call.reply(180, "b");
    let invite = call.sent(Method::Invite);
    call.sim.with(|ua, now| {
        ua.flow_connecting(OWN, Transport::Tcp);
        ua.flow_up(now, OWN, "192.0.2.1:5060".parse().unwrap());
        // A new connection is being made.
        ua.flow_down(now, FLOW, GONE);
        ua.flow_connecting(FLOW, Transport::Tcp);
        let busy = crate::simulation::response(&invite, 486, "b");
        ua.handle_message(now, OWN, "192.0.2.2:40000".parse().unwrap(), busy);
    });
    assert_eq!(call.news().last().unwrap(), "ended Connection Error");
    call.sim.with(|ua, now| ua.flow_up(now, FLOW, "192.0.2.1:5064".parse().unwrap()));
    assert_eq!(call.all_sent(Method::Cancel).len(), 0);
    nothing_is_held(&mut call);
}

#[test]
fn s9_1_a_connection_that_takes_longer_than_64_t1_brings_no_cancel() {
    let mut call = Call::with(Settings::default(), Transport::Tcp, invite());
    call.reply(180, "b");
    let (id, start) = (call.id, call.sim.now);
    // It is not drained, so that nobody makes the connection.
    call.sim.ua.flow_down(start, FLOW, GONE);
    while call.sim.ua.poll_output().is_some() {}
    call.wait(ms(32_001));
    let told = call.sim.story(id);
    assert_eq!(told[told.len() - 2..], ["cancel failed", "ended Connection Error"], "{told:?}");
    nothing_is_held(&mut call);
}

/// RFC 3261 §17.1.4: the transaction of the CANCEL is over; whether the peer is, nobody knows.
#[test]
fn s18_4_an_icmp_error_for_the_cancel_fails_the_invite_which_waits_for_its_final_response() {
    for (status, ends) in [(487, 0), (200, 0), (0, 32_000)] {
        let mut call = Call::ringing();
        call.cancel().unwrap();
        call.look();
        call.sim.with(|ua, now| ua.flow_error(now, FLOW, "192.0.2.2:5060: connection refused"));
        assert_eq!(
            call.news(),
            ["cancel failed", "failed Connection Error", "leg b Terminated { by: Transport }"]
        );
        assert!(call.timers().contains(&(Timer::CancelWait, 32_000)), "{:?}", call.timers());
        let failed = call.sim.now;
        match status {
            487 => {
                // The ACK gets lost.
                call.reply(487, "b");
                call.reply(487, "b");
                assert_eq!(call.wire(), ["ACK", "ACK"]);
                assert_eq!(
                    call.news(),
                    [
                        "late 487",
                        "acked 487",
                        "ended Connection Error",
                        "absorbed 487",
                        "acked again 487"
                    ]
                );
            }
            200 => {
                call.reply(200, "b");
                assert_eq!(call.wire(), ["ACK", "BYE"]);
                let bye = call.sent(Method::Bye);
                call.reply_to(&bye, 200, "b");
                assert_eq!(call.news().last().unwrap(), "ended BYE");
            }
            _ => {
                // The user tries once more, and the peer is back.
                call.wait(ms(1_000));
                assert_eq!(call.cancel(), Ok(()));
                assert_eq!(call.wire(), ["CANCEL"]);
                call.wait(ms(40_000));
                let (cause, at) = call.ended().unwrap();
                assert_eq!(cause, Cause::ConnectionError);
                assert!(at >= ms(ends + 1_000) + (failed - call.sim.start), "{at:?}");
            }
        }
        assert_eq!(call.sim.strays.len(), 0);
        nothing_is_held(&mut call);
    }
}

/// An INVITE whose first datagram nobody takes has failed then: nothing is waited for.
#[test]
fn s18_4_an_icmp_error_for_an_unheard_invite_is_the_end_at_once() {
    let mut call = Call::invited();
    call.sim.with(|ua, now| ua.flow_error(now, FLOW, "192.0.2.2:5060: connection refused"));
    assert_eq!(call.news(), ["failed Connection Error", "ended Connection Error"]);
}

#[test]
fn s18_4_what_was_at_a_provisional_is_said_to_be_with_the_peer() {
    let sentence = |call: &Call| call.advice().expect("a sentence").0;
    let call = lost(Transport::Tcp, 180, true);
    let said = sentence(&call);
    assert!(said.starts_with("the peer has had the INVITE: it answered 180 Ringing, so a CANCEL"));
    assert!(!said.contains("cannot be known"), "{said}");

    let mut call = Call::tcp(new_request(Method::Message, "sip:bob@demo.test"));
    call.reply(100, "");
    loses(&mut call, true);
    let said = sentence(&call);
    assert!(
        said.starts_with("the peer has had the MESSAGE: it answered 100 Trying, and"),
        "{said}"
    );

    // A re-INVITE is its dialog's: nothing is cancelled, and the dialog goes on.
    let mut call = Call::up_with(Settings::default(), Transport::Tcp);
    call.in_dialog(Method::Invite).unwrap();
    let again = call.last();
    call.reply_to(&again, 100, "");
    call.wire();
    loses(&mut call, true);
    assert!(
        sentence(&call).starts_with("the peer has had the INVITE: it answered 100 Trying, and")
    );
    assert_eq!(call.all_sent(Method::Cancel).len(), 0);
}
