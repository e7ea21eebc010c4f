//! §13.2.2.4, §12.2.1.1 and RFC 3262 §4: the ACK of a 2xx and the PRACK go to the next hop of their
//! dialog, though that is on another flow than the INVITE's.

use sipboard::sip::{ContextEvent, FlowId, Method, Transport, UserAgent};

use crate::{
    s18_4_refused::two_addresses,
    scripted::*,
    simulation::{FLOW, invite},
};

pub const CONTACT: sipboard::sip::HeaderName = sipboard::sip::HeaderName::Contact;

/// Where the peer's Contact leads.
const OTHER: FlowId = FlowId(7);

/// An INVITE over UDP to an address, which nobody has answered.
pub fn invited() -> Call {
    let mut call = Call::udp(invite());
    let peer = "192.0.2.2:5060".parse().unwrap();
    call.sim.ua.flow_leads_to(FLOW, "192.0.2.2", 5060, peer);
    call.looked()
}

fn accept(call: &mut Call) {
    call.reply_with(200, "b", |builder| {
        builder.header(CONTACT, "<sip:bob@192.0.2.9:5070;transport=tcp>")
    });
}

fn provisional(call: &mut Call, rseq: u32) {
    call.reply_with(183, "b", |builder| {
        builder
            .header(CONTACT, "<sip:bob@192.0.2.9:5070;transport=tcp>")
            .header(sipboard::sip::HeaderName::Require, "100rel")
            .header(sipboard::sip::HeaderName::RSeq, rseq.to_string())
    });
}

/// The flow to the Contact is being made for what waits for it.
fn connecting(call: &mut Call, nth: usize) {
    let errand = call.sim.follows[nth].context;
    call.sim.with(|ua, now| {
        ua.flow_connecting(OTHER, Transport::Tcp);
        ua.ride(now, errand, OTHER);
    });
}

fn up(ua: &mut UserAgent, now: std::time::Instant) {
    ua.flow_up(now, OTHER, "192.0.2.1:5070".parse().unwrap());
    ua.flow_leads_to(OTHER, "192.0.2.9", 5070, "192.0.2.9:5070".parse().unwrap());
}

#[test]
fn s13_2_2_4_the_ack_waits_for_the_flow_of_its_hop_and_goes_when_that_is_up() {
    let mut call = invited();
    accept(&mut call);
    assert_eq!(call.news(), ["accepted 200", "leg b Confirmed"]);
    assert_eq!(call.wire(), [""; 0], "nothing goes the way of the INVITE");
    let follow = call.sim.follows[0].clone();
    assert_eq!(follow.next_hop.as_str(), "sip:bob@192.0.2.9:5070;transport=tcp");
    assert_eq!(follow.from, FLOW);
    connecting(&mut call, 0);
    assert_eq!(call.wire(), [""; 0]);
    call.sim.with(up);
    assert_eq!(call.wire(), ["ACK"]);
    let via = call.last();
    assert_eq!(via.essentials().unwrap().via.transport(), "TCP");
    assert_eq!(call.sim.settled, [follow.context]);
}

#[test]
fn s13_2_2_4_a_2xx_that_comes_again_while_its_ack_waits_makes_no_second() {
    let mut call = invited();
    accept(&mut call);
    accept(&mut call);
    accept(&mut call);
    assert_eq!(call.sim.follows.len(), 1);
    connecting(&mut call, 0);
    call.sim.with(up);
    assert_eq!(call.wire(), ["ACK"]);
    accept(&mut call);
    assert_eq!(call.wire(), ["ACK"], "it goes again where it went");
    assert_eq!(call.last().essentials().unwrap().via.transport(), "TCP");
    assert_eq!(call.sim.follows.len(), 1);
}

#[test]
fn s13_2_2_4_an_ack_whose_flow_is_gone_is_carried_by_another() {
    let mut call = invited();
    accept(&mut call);
    connecting(&mut call, 0);
    call.sim.with(up);
    call.sim.with(|ua, now| ua.flow_down(now, OTHER, "tcp 192.0.2.9:5070: closed"));
    call.look();
    accept(&mut call);
    accept(&mut call);
    assert_eq!(call.sim.follows.len(), 2);
    connecting(&mut call, 1);
    call.sim.with(up);
    assert_eq!(call.wire(), ["ACK"]);
}

#[test]
fn s13_2_2_4_an_ack_whose_hop_takes_no_connection_goes_the_way_of_the_invite_and_so_does_the_bye() {
    let mut call = invited();
    accept(&mut call);
    connecting(&mut call, 0);
    call.look();
    call.sim.with(|ua, now| ua.flow_down(now, OTHER, "connection refused"));
    assert_eq!(call.wire(), ["ACK"]);
    assert_eq!(call.last().essentials().unwrap().via.transport(), "UDP");
    let news = call.news();
    assert!(
        news[0].ends_with("connection refused; the ACK goes the way of the INVITE"),
        "{news:?}"
    );
    call.hang_up();
    connecting(&mut call, 1);
    call.sim.with(|ua, now| ua.flow_down(now, OTHER, "connection refused"));
    assert_eq!(call.wire(), ["BYE"]);
    assert_eq!(call.last().essentials().unwrap().via.transport(), "UDP");
}

#[test]
fn s13_2_2_4_an_ack_that_no_flow_takes_is_told_and_its_leg_hung_up() {
    let mut call = invited();
    accept(&mut call);
    connecting(&mut call, 0);
    call.sim.with(|ua, now| ua.flow_down(now, FLOW, "no way out"));
    call.look();
    call.sim.with(|ua, now| ua.flow_down(now, OTHER, "connection refused"));
    let news = call.news();
    assert_eq!(news[0], "ack failed: the ACK could not be sent: connection refused");
    assert_eq!(call.sim.follows.len(), 2, "the BYE looks for the way too: {news:?}");
    accept(&mut call);
    assert_eq!(call.sim.follows.len(), 2, "no ACK is tried for a leg that is given up");
    connecting(&mut call, 1);
    call.sim.with(|ua, now| ua.flow_down(now, OTHER, "connection refused"));
    assert_eq!(call.news().last().unwrap(), "leg b Confirmed", "its BYE has not gone either");
    call.hang_up();
    assert_eq!(call.sim.follows.len(), 3, "another one looks for the way again");
    call.sim.with(|ua, now| ua.shut_down(now));
    connecting(&mut call, 2);
    call.sim.with(|ua, now| ua.flow_down(now, OTHER, "connection refused"));
    assert_eq!(call.news().last().unwrap(), "ended Connection Error");
    call.sim.run(PATIENCE * 2);
    assert_eq!((call.wire(), call.sim.ua.contexts()), (vec![], 0));
}

#[test]
fn s18_1_1_what_was_sent_before_goes_no_other_way_with_the_same_branch() {
    let mut call = invited();
    accept(&mut call);
    connecting(&mut call, 0);
    call.sim.with(up);
    call.in_dialog(Method::Info).unwrap();
    connecting(&mut call, 1);
    call.sim.with(up);
    call.look();
    call.sim.with(|ua, now| ua.flow_down(now, OTHER, "tcp 192.0.2.9:5070: closed"));
    call.sim.with(|ua, now| ua.flow_down(now, OTHER, "connection refused"));
    assert_eq!(call.wire(), [""; 0], "the peer may have it already");
}

#[test]
fn s13_2_2_4_who_leaves_waits_for_no_name_server_with_ack_and_bye() {
    let mut call = invited();
    accept(&mut call);
    assert_eq!(call.wire(), [""; 0]);
    call.sim.with(|ua, now| ua.shut_down(now));
    assert_eq!(call.wire(), ["ACK", "BYE"]);
    assert_eq!(call.last().essentials().unwrap().via.transport(), "UDP");
}

#[test]
fn s15_a_bye_that_looks_for_its_way_when_the_user_leaves_goes_that_of_the_invite() {
    for at_the_end in [false, true] {
        let mut call = invited();
        accept(&mut call);
        connecting(&mut call, 0);
        call.sim.with(up);
        call.sim.with(|ua, now| ua.flow_down(now, OTHER, "tcp 192.0.2.9:5070: closed"));
        call.hang_up();
        call.look();
        call.sim.with(|ua, now| match at_the_end {
            false => ua.shut_down(now),
            true => ua.abandon(now),
        });
        assert_eq!(call.wire(), ["BYE"]);
        let given_up = call.news().contains(&"leg b Terminated { by: GivenUp }".to_owned());
        assert!(!given_up, "it was sent");
    }
}

#[test]
fn s12_2_1_1_where_the_hop_names_nobody_the_ack_goes_the_way_of_the_invite() {
    let mut call = invited();
    accept(&mut call);
    let errand = call.sim.follows[0].context;
    call.sim.with(|ua, now| ua.unreachable(now, errand, "no such host"));
    assert_eq!(call.wire(), ["ACK"]);
    assert_eq!(call.last().essentials().unwrap().via.transport(), "UDP");
}

#[test]
fn s12_2_1_1_the_look_up_of_a_hop_is_told_as_that_of_a_first_request_is() {
    let mut call = invited();
    call.reply_with(200, "b", |builder| builder.header(CONTACT, "<sip:bob@b.test:5070>"));
    let news = call.news();
    assert_eq!(news[2..], ["resolving sip:bob@b.test:5070"]);
    let resolved = two_addresses();
    let errand = call.sim.follows[0].context;
    call.sim.with(|ua, now| {
        ua.resolved(now, errand, &resolved);
        ua.flow_connecting(OTHER, Transport::Udp);
        ua.ride(now, errand, OTHER);
        ua.flow_down(now, OTHER, "no way there");
        ua.flow_connecting(OTHER, Transport::Udp);
        ua.ride(now, errand, OTHER);
    });
    call.sim.with(up);
    let news = call.news();
    let words: Vec<&str> = news.iter().map(|told| told.split(' ').next().unwrap()).collect();
    assert_eq!(words, ["resolved", "trying", "passed", "trying", "acked"], "{news:?}");
    let of_ack = |event: &&ContextEvent| event.method == Method::Ack;
    assert_eq!(call.sim.events.iter().filter(of_ack).count(), 6);
}

#[test]
fn s15_1_1_what_waits_for_a_leg_that_is_over_is_not_sent() {
    let mut call = invited();
    accept(&mut call);
    connecting(&mut call, 0);
    call.look();
    call.peer(Method::Bye, 1, &[]);
    let news = call.news();
    let lost = "ack failed: the ACK could not be sent: its leg is over".to_owned();
    assert!(news.contains(&lost), "{news:?}");
    call.look();
    call.sim.with(up);
    assert_eq!(call.wire(), [""; 0]);
    call.sim.run(PATIENCE * 2);
    assert_eq!(call.sim.ua.contexts(), 0);
}

#[test]
fn rfc3262_s4_pracks_wait_for_the_flow_of_their_hop_and_go_in_order() {
    let mut call = invited();
    provisional(&mut call, 1);
    provisional(&mut call, 1);
    provisional(&mut call, 2);
    assert_eq!((call.wire(), call.sim.follows.len()), (vec![], 2));
    for at in [0, 1] {
        connecting(&mut call, at);
    }
    call.sim.with(up);
    assert_eq!(call.wire(), ["PRACK", "PRACK"]);
    let racks: Vec<String> = call.sim.sent[call.sim.sent.len() - 2..]
        .iter()
        .map(|(_, prack)| text(prack, sipboard::sip::HeaderName::RAck))
        .collect();
    let cseq = call.sent(Method::Invite).cseq().unwrap().number;
    assert_eq!(racks, [format!("1 {cseq} INVITE"), format!("2 {cseq} INVITE")]);
    assert_eq!(call.last().essentials().unwrap().via.transport(), "TCP");
}

#[test]
fn rfc3262_s4_a_prack_whose_hop_takes_no_connection_goes_the_way_of_the_invite() {
    let mut call = invited();
    provisional(&mut call, 1);
    connecting(&mut call, 0);
    call.look();
    call.sim.with(|ua, now| ua.flow_down(now, OTHER, "connection refused"));
    assert_eq!(call.wire(), ["PRACK"]);
    assert_eq!(call.last().essentials().unwrap().via.transport(), "UDP");
}
