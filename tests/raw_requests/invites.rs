//! What a raw INVITE becomes: its ACK, its CANCEL, its legs.

use sipboard::sip::{Cause, ContextId, HeaderName, Method, State, Transport};

use crate::{
    accepted, by_hand,
    scripted::{text as text_of, *},
    simulation::{FLOW, ms, response},
};

/// RFC 3261 §17.1.1.3.
#[test]
fn a_rejected_invite_gets_its_ack_made_of_what_was_written() {
    let text = by_hand("INVITE", "x").replacen(
        "f:",
        "Route: <sip:p1.test;lr>\r\nRoute: <sip:p2.test;lr>\r\nf:",
        1,
    );
    let mut call = Call::raw(Transport::Udp, text).looked();
    call.reply(486, "b");
    assert_eq!(call.news(), ["rejected 486 Busy", "failed Busy", "acked 486", "ended Busy"]);
    let ack = call.sent(Method::Ack);
    assert_eq!(ack.request_uri(), Some("sip:bob@demo.test"));
    assert_eq!(lines(&ack, HeaderName::Via), ["SIP/2.0/UDP Elsewhere.test:5080;branch=x;rport"]);
    assert_eq!(list(&ack, HeaderName::Route), ["<sip:p1.test;lr>", "<sip:p2.test;lr>"]);
    assert_eq!(text_of(&ack, HeaderName::From), "Me <sip:me@here.test>;tag=mine");
    assert_eq!(text_of(&ack, HeaderName::To), "<sip:bob@demo.test>;tag=b");
    assert_eq!(text_of(&ack, HeaderName::CallId), "hand-made");
    assert_eq!(text_of(&ack, HeaderName::CSeq), "7 ACK");
    call.reply(486, "b");
    assert_eq!(call.wire().last().unwrap(), "ACK", "a repeated rejection is ACKed again");
}

/// RFC 3261 §9.1.
#[test]
fn a_pending_invite_is_cancelled_with_its_own_via() {
    let list = "SIP/2.0/UDP Elsewhere.test:5080;branch=x;rport, SIP/2.0/UDP below.test;branch=y";
    let text =
        by_hand("INVITE", "x").replace("SIP/2.0/UDP Elsewhere.test:5080;branch=x;rport", list);
    let mut call = Call::raw(Transport::Udp, text).looked();
    call.cancel().unwrap();
    assert_eq!(call.news(), ["cancel, waiting"]);
    call.reply(180, "b");
    let cancel = call.sent(Method::Cancel);
    assert_eq!(lines(&cancel, HeaderName::Via), ["SIP/2.0/UDP Elsewhere.test:5080;branch=x;rport"]);
    assert_eq!(text_of(&cancel, HeaderName::CSeq), "7 CANCEL");
    assert_eq!(text_of(&cancel, HeaderName::To), "<sip:bob@demo.test>");
    call.look();
    call.reply_to(&cancel, 200, "b");
    assert_eq!(call.news(), ["cancel answered 200"]);
    call.reply(487, "b");
    assert_eq!(call.state(), State::Canceled);
    assert_eq!(call.ended().unwrap().0, Cause::Canceled);
    call.wait(PATIENCE);
    assert_eq!(call.sim.ua.held(), Default::default());
}

/// RFC 3261 §9.1: the 487 may come first, and ends the INVITE's transaction on TCP.
#[test]
fn the_answer_to_the_cancel_is_matched_after_the_invite_is_over() {
    let mut call = Call::raw(Transport::Tcp, by_hand("INVITE", "x"));
    call.reply(180, "b");
    call.cancel().unwrap();
    let cancel = call.sent(Method::Cancel);
    call.look();
    call.reply(487, "b");
    call.reply_to(&cancel, 200, "b");
    assert!(call.news().contains(&"cancel answered 200".to_owned()));
    assert_eq!(call.sim.strays.len(), 0);
    assert_eq!(call.sim.ua.held(), Default::default());
}

/// RFC 3261 §13.2.2.4, §12.2.1.1.
#[test]
fn an_accepted_invite_makes_a_leg_that_is_acked_and_hung_up() {
    let mut call = Call::raw(Transport::Udp, by_hand("INVITE", "x")).looked();
    call.reply(200, "b");
    assert_eq!(call.news(), ["accepted 200", "leg b Confirmed", "acked 200"]);
    let ack = call.sent(Method::Ack);
    assert_eq!(ack.request_uri(), Some("sip:bob@192.0.2.2:5060"));
    assert_ne!(branch(&ack), "x");
    assert_eq!(ack.via().unwrap().host(), "192.0.2.1");
    assert_eq!((cseq(&ack), text_of(&ack, HeaderName::CallId)), (7, "hand-made".to_owned()));
    call.reply(200, "b");
    assert_eq!(call.news(), ["accepted again 200", "acked again 200"]);
    call.hang_up();
    let bye = call.sent(Method::Bye);
    assert_eq!((cseq(&bye), bye.to().unwrap().tag()), (8, Some("b")));
    call.reply_to(&bye, 200, "b");
    assert_eq!(call.state(), State::HungUp);
}

#[test]
fn the_peers_bye_finds_the_leg_of_a_raw_invite() {
    let mut call = Call::raw(Transport::Udp, by_hand("INVITE", "x"));
    call.reply(200, "b");
    assert_eq!(code(&call.peer(Method::Bye, 1, &[])), 200);
    assert_eq!(call.state(), State::HungUp);
}

/// RFC 3261 §9.1: a CANCEL shares its branch with the INVITE, and is a transaction of its own.
#[test]
fn a_cancel_by_hand_is_a_context_of_its_own_beside_its_invite() {
    for invite in [by_hand("INVITE", "x"), String::new()] {
        let mut call = match invite.as_str() {
            "" => Call::invited(),
            text => Call::raw(Transport::Udp, text),
        };
        let invite = call.last();
        let text = String::from_utf8(invite.bytes().to_vec()).unwrap();
        call.reply(180, "b");
        call.look();
        let cancel = call.send_raw(text.replace("INVITE", "CANCEL"));
        assert_eq!(call.wire(), ["CANCEL"]);
        let bytes = response(&call.sent(Method::Cancel), 200, "b");
        call.deliver(bytes);
        assert_eq!(call.sim.story(cancel)[2..], accepted());
        call.look();
        call.reply_to(&invite, 487, "b");
        // Nobody here cancelled it: that it was terminated is all that is known.
        assert_eq!(call.news()[0], "rejected 487 SIP Failure Code");
        call.wait(PATIENCE * 2);
        assert_eq!(call.sim.ua.held(), Default::default());
    }
}

#[test]
fn a_subscription_by_hand_gets_its_notifications() {
    let mut call = Call::raw(Transport::Udp, by_hand("SUBSCRIBE", "x"));
    call.reply_with(200, "b", |builder| {
        builder.header(HeaderName::Contact, "<sip:bob@192.0.2.2>").header(HeaderName::Expires, 60)
    });
    let notify = "NOTIFY sip:me@here.test SIP/2.0\r\n\
                  Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKn\r\nMax-Forwards: 70\r\n\
                  From: <sip:bob@demo.test>;tag=b\r\nTo: Me <sip:me@here.test>;tag=mine\r\n\
                  Call-ID: hand-made\r\nCSeq: 1 NOTIFY\r\nEvent: presence\r\n\
                  Subscription-State: active\r\nContent-Length: 0\r\n\r\n";
    call.deliver(notify.into());
    let story = call.sim.story(call.id);
    assert_eq!(story[3..], ["leg b Early", "received NOTIFY", "answered 200", "leg b Confirmed"]);
}

#[test]
fn a_raw_invite_that_rings_ends_with_its_flow_and_not_with_a_datagram_error() {
    let mut call = Call::raw(Transport::Udp, by_hand("INVITE", "x"));
    call.reply(180, "b");
    call.sim.with(|ua, now| ua.flow_error(now, FLOW, "port unreachable"));
    assert_eq!(call.ended(), None, "it waits for a peer that has it");
    call.sim.with(|ua, now| ua.flow_down(now, FLOW, "connection reset"));
    assert_eq!(call.news().last().unwrap(), "leg b Terminated { by: Transport }");
    assert_eq!((call.state(), call.ended()), (State::Failed, None));
    assert_eq!(call.id, ContextId(1));
    // A 2xx could still come another way.
    call.wait(PATIENCE);
    assert_eq!(call.ended().unwrap().0, Cause::ConnectionError);
    assert_eq!(call.sim.ua.held(), Default::default());
}

/// RFC 3261 §12: to the peer, an INVITE that comes again after its transaction is over is a new one;
/// both calls have the same Call-ID and local tag then.
#[test]
fn two_invites_by_hand_with_one_call_id_have_each_their_leg() {
    let mut call = Call::raw(Transport::Udp, by_hand("INVITE", "x"));
    call.reply(200, "b");
    call.wait(PATIENCE + ms(100));
    let second = call.send_raw(by_hand("INVITE", "x"));
    let invite = call.last();
    call.reply_to(&invite, 200, "c");
    assert!(call.sim.story(second).contains(&"leg c Confirmed".to_owned()));
    for (tag, id) in [("b", call.id), ("c", second)] {
        let bye = call.peer_request(tag, Method::Bye, 1, &[]);
        let bye = String::from_utf8(bye.to_vec()).unwrap().replace("1BYE", &format!("1BYE{tag}"));
        call.deliver(bye.into());
        assert_eq!(code(&call.last()), 200, "{tag}");
        assert!(call.sim.story(id).iter().any(|line| line == "received BYE"), "{tag}");
    }
    call.wait(PATIENCE * 2);
    assert_eq!(call.sim.ua.held(), Default::default());
}
