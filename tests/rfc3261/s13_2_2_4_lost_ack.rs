//! §13.2.2.4: the ACK of a 2xx whose connection ends as it goes out. Nothing says whether the peer has
//! had it; where it has not, and its 2xx finds no way to come again, it ends the call.

use sipboard::sip::{Fact, FlowId, HeaderName, Method, Settings, Transport};

use crate::{
    scripted::*,
    simulation::{FLOW, ms, response},
};

const GONE: &str = "192.0.2.2:5060 closed the connection";

/// A call whose connection ends so many milliseconds after its ACK.
fn lost(transport: Transport, after: u64, comes_back: bool) -> Call {
    let mut call = Call::up_with(Settings::default(), transport);
    call.wait(ms(after));
    loses(&mut call, comes_back);
    call
}

fn loses(call: &mut Call, comes_back: bool) {
    call.sim.peer_comes_back = comes_back;
    call.sim.with(|ua, now| ua.flow_down(now, FLOW, GONE));
}

fn is_up(call: &Call) -> bool {
    call.last_event().status.legs_up == 1
}

#[test]
fn s13_2_2_4_an_ack_that_crossed_the_end_of_its_connection_goes_again_on_the_next() {
    for transport in [Transport::Tcp, Transport::Tls, Transport::Ws] {
        let mut call = lost(transport, 100, true);
        assert_eq!(call.wire(), ["ACK"]);
        let acks = call.all_sent(Method::Ack);
        assert_eq!((acks.len(), cseq(&acks[0])), (2, cseq(&acks[1])));
        assert_eq!(text(&acks[0], HeaderName::To), text(&acks[1], HeaderName::To));
        let told = call.news();
        assert_eq!(told.last().unwrap(), "acked again 200", "{told:?}");
        let why = call.sim.events.iter().find_map(|event| match &event.fact {
            Fact::PassedOver { why, .. } if event.method == Method::Ack => Some(why.clone()),
            _ => None,
        });
        assert!(why.unwrap().starts_with(&format!("{GONE} as the ACK went out")));
        assert!(is_up(&call));
        // A connection that ends again is no reason to go on for ever.
        loses(&mut call, true);
        assert_eq!(call.wire(), [""; 0]);
        assert!(is_up(&call));
    }
}

#[test]
fn s13_2_2_4_after_t1_the_peer_has_the_ack() {
    let mut call = lost(Transport::Tcp, 600, true);
    assert_eq!(call.wire(), [""; 0]);
    assert!(is_up(&call));
}

#[test]
fn s13_2_2_4_an_ack_that_finds_no_connection_leaves_the_call_to_its_peer() {
    let mut call = lost(Transport::Tcp, 100, false);
    assert_eq!(call.wire(), [""; 0]);
    let told = call.news();
    assert!(told.last().unwrap().starts_with("ack failed: the ACK could not be sent"), "{told:?}");
    assert!(is_up(&call), "{told:?}");
    // The peer repeats its 2xx on a connection of its own: it has not had the ACK.
    let invite = call.sent(Method::Invite);
    call.sim.peer_comes_back = true;
    call.sim.with(|ua, now| {
        let own = FlowId(1 << 31);
        ua.flow_connecting(own, Transport::Tcp);
        ua.flow_up(now, own, "192.0.2.1:5060".parse().unwrap());
        let again = response(&invite, 200, "b");
        ua.handle_message(now, own, "192.0.2.2:40000".parse().unwrap(), again);
    });
    assert_eq!(call.wire(), ["ACK"]);
    assert!(is_up(&call));
}

#[test]
fn s13_2_2_4_the_ack_of_a_call_that_is_over_does_not_go_again() {
    let mut call = Call::up_with(Settings::default(), Transport::Tcp);
    call.peer(Method::Bye, 1, &[]);
    call.look();
    loses(&mut call, true);
    assert_eq!(call.wire(), [""; 0]);
}

/// The BYE crosses the end of the connection too.
#[test]
fn s13_2_2_4_the_ack_goes_again_before_the_bye() {
    let mut call = Call::up_with(Settings::default(), Transport::Tcp);
    call.hang_up();
    call.look();
    loses(&mut call, true);
    assert_eq!(call.wire(), ["ACK", "BYE"]);
    let bye = call.sent(Method::Bye);
    call.reply_to(&bye, 200, "b");
    call.wait(PATIENCE * 2);
    assert_eq!(call.ended().map(|it| it.0.to_string()), Some("BYE".to_owned()));
    assert!(call.sim.ua.is_idle());
}

#[test]
fn s13_2_2_4_the_ack_of_a_reinvite_goes_again_too() {
    let mut call = Call::up_with(Settings::default(), Transport::Tcp);
    call.wait(ms(2_000));
    call.in_dialog(Method::Invite).unwrap();
    let again = call.sent(Method::Invite);
    call.reply_to(&again, 200, "b");
    call.look();
    loses(&mut call, true);
    assert_eq!(call.wire(), ["ACK"], "that of the first was long ago");
    assert_eq!(cseq(&call.sent(Method::Ack)), cseq(&again));
    assert!(is_up(&call));
}
