//! RFC 6026: what a 2xx to an INVITE makes of its transactions.

mod scripted;
mod simulation;

use std::{net::SocketAddr, time::Instant};

use bytes::Bytes;
use scripted::*;
use simulation::{FLOW, invite, ms};
use sipboard::sip::{
    Incoming, Message, ServerTransactionId, ServerTransactions, Settings, State, StatusCode,
    TimedOut, Timer, Timing, Transport,
};

#[test]
fn s8_4_a_2xx_leads_to_accepted_with_timer_m_on_every_transport() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut call = Call::with(Settings::default(), transport, invite());
        call.reply(200, "b");
        assert_eq!(call.timers(), [(Timer::M, 32_000)]);
    }
}

#[test]
fn s8_4_in_accepted_every_2xx_goes_up_on_every_transport() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut call = Call::with(Settings::default(), transport, invite());
        for tag in ["b", "b", "c", "b", "c"] {
            call.reply(200, tag);
        }
        let story = call.sim.story(call.id);
        let accepted = story.iter().filter(|word| word.starts_with("accepted")).count();
        let acked = story.iter().filter(|word| word.starts_with("acked")).count();
        assert_eq!((accepted, acked), (5, 5));
    }
}

#[test]
fn s7_2_in_accepted_any_other_response_changes_nothing() {
    let mut call = Call::up();
    call.reply(180, "b");
    for status in [302, 486, 603] {
        call.reply(status, "c");
    }
    assert_eq!(call.news(), ["late 180", "late 302", "late 486", "late 603"]);
    assert_eq!(call.wire(), [""; 0], "and no ACK");
    assert_eq!(call.state(), State::Accepted);
}

#[test]
fn s7_2_after_timer_m_a_2xx_is_acked_as_long_as_its_leg_is_up_and_then_a_stray() {
    let mut call = Call::up();
    call.wait(PATIENCE - ms(10));
    call.reply(200, "b");
    assert_eq!(call.news(), ["accepted again 200", "acked again 200"]);
    call.wait(ms(10));
    assert_eq!(call.news(), ["timer M"]);
    assert_eq!(call.last_event().status.timers[..], []);
    let strays = call.sim.strays.len();
    call.reply(200, "b");
    assert_eq!(call.news(), ["accepted again 200", "acked again 200"]);
    // Another fork's comes too late.
    call.reply(200, "c");
    assert_eq!((call.news(), call.sim.strays.len()), (vec![], strays + 1));
    call.hang_up();
    let bye = call.sent(sipboard::sip::Method::Bye);
    call.reply_to(&bye, 200, "");
    call.look();
    call.reply(200, "b");
    assert_eq!((call.wire(), call.sim.strays.len()), (vec![], strays + 2));
}

#[test]
fn s7_2_after_timer_m_the_2xx_of_a_reinvite_is_acked_as_long_as_its_leg_is_up() {
    let mut call = Call::up();
    let reinvite = |call: &mut Call| {
        call.in_dialog(sipboard::sip::Method::Invite).unwrap();
        let invite = call.sent(sipboard::sip::Method::Invite);
        call.reply_to(&invite, 200, "");
        call.wait(PATIENCE);
        call.look();
        invite
    };
    let first = reinvite(&mut call);
    let ack = call.sent(sipboard::sip::Method::Ack);
    call.reply_to(&first, 200, "");
    assert_eq!(call.news(), ["#2 accepted again 200", "#2 acked again 200"]);
    assert_eq!(call.last().bytes(), ack.bytes());
    // The INVITE that made the leg too; but where a later one was accepted, the peer has no reason
    // to go on with the one before.
    call.reply(200, "b");
    assert_eq!(call.news(), ["accepted again 200", "acked again 200"]);
    let second = reinvite(&mut call);
    let strays = call.sim.strays.len();
    call.reply_to(&first, 200, "");
    assert_eq!((call.news(), call.sim.strays.len()), (vec![], strays + 1));
    call.reply_to(&second, 200, "");
    assert_eq!(call.news(), ["#3 accepted again 200", "#3 acked again 200"]);
    assert_eq!(call.sim.ua.contexts(), 2, "no more is kept");
    call.hang_up();
    let bye = call.sent(sipboard::sip::Method::Bye);
    call.reply_to(&bye, 200, "");
    call.wait(PATIENCE);
    assert_eq!((call.sim.ua.contexts(), call.sim.ua.poll_timeout()), (0, None));
    call.look();
    call.reply_to(&second, 200, "");
    assert_eq!(call.wire(), [""; 0]);
}

#[test]
fn s7_2_a_context_whose_legs_are_over_stays_for_timer_m() {
    let mut call = Call::up();
    call.hang_up();
    let bye = call.sent(sipboard::sip::Method::Bye);
    call.reply_to(&bye, 200, "");
    assert!(call.ended().is_some());
    call.reply(200, "b");
    assert_eq!(call.news().last().unwrap(), "acked again 200");
    call.wait(PATIENCE);
    assert_eq!((call.sim.ua.contexts(), call.sim.ua.poll_timeout()), (0, None));
}

#[test]
fn s8_7_a_transport_error_in_accepted_is_no_failure_of_the_invite() {
    let mut call = Call::up();
    call.sim.with(|ua, now| ua.flow_error(now, FLOW, "unreachable"));
    assert_eq!((call.ended(), call.state()), (None, State::Accepted));
    call.reply(200, "b");
    assert_eq!(call.news(), ["accepted again 200", "acked again 200"]);
}

/// An INVITE of the peer that was accepted.
fn accepted(transport: Transport) -> (ServerTransactions, ServerTransactionId, Instant) {
    let now = Instant::now();
    let mut set = ServerTransactions::new(Timing::default(), 10);
    let Incoming::New(id) = receive(&mut set, now, transport, "INVITE", "1") else { panic!() };
    let ok = Bytes::from_static(b"200");
    assert!(set.respond(now, id, StatusCode::OK, ok).is_some());
    (set, id, now)
}

fn receive(
    set: &mut ServerTransactions,
    now: Instant,
    transport: Transport,
    method: &str,
    branch: &str,
) -> Incoming {
    let text = format!(
        "{method} sip:b@b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK{branch}\r\n\
         From: <sip:a@a>;tag=f\r\nTo: <sip:b@b>\r\nCall-ID: c\r\nCSeq: 1 {method}\r\n\r\n"
    );
    let source: SocketAddr = "192.0.2.2:5060".parse().unwrap();
    set.receive(now, FLOW, transport, source, &Message::read(Bytes::from(text)).unwrap())
}

#[test]
fn s7_1_a_2xx_of_the_server_leads_to_accepted_with_timer_l_on_every_transport() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let (mut set, id, now) = accepted(transport);
        let timers = set.transaction(id).unwrap().timers();
        assert_eq!(timers[0].map(|(timer, _)| timer), Some(Timer::L));
        assert_eq!(set.next_timeout(), Some(now + PATIENCE));
        assert_eq!(set.handle_timeout(now + PATIENCE), Some(TimedOut::Terminated(id, Timer::L)));
        assert!(set.is_empty());
    }
}

#[test]
fn s7_1_in_accepted_a_retransmitted_invite_is_absorbed_without_an_answer() {
    let (mut set, id, now) = accepted(Transport::Udp);
    assert_eq!(receive(&mut set, now, Transport::Udp, "INVITE", "1"), Incoming::Absorbed(id));
}

#[test]
fn s7_1_in_accepted_the_server_does_not_repeat_its_2xx_by_itself() {
    let (mut set, _, now) = accepted(Transport::Udp);
    assert_eq!(set.handle_timeout(now + PATIENCE - ms(1)), None);
}

#[test]
fn s7_1_in_accepted_further_2xx_of_the_user_go_out_and_nothing_else_does() {
    let (mut set, id, now) = accepted(Transport::Udp);
    let mut respond = |code| {
        let status = StatusCode::new(code).unwrap();
        set.respond(now, id, status, Bytes::new()).is_some()
    };
    assert!(respond(200));
    assert!(!respond(180) && !respond(486));
}

#[test]
fn s7_1_in_accepted_an_ack_is_passed_to_the_user() {
    let (mut set, _, now) = accepted(Transport::Udp);
    assert_eq!(receive(&mut set, now, Transport::Udp, "ACK", "1"), Incoming::Ack);
    assert_eq!(receive(&mut set, now, Transport::Udp, "ACK", "2"), Incoming::Ack);
}
