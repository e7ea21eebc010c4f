//! §13: setting a session up.

use std::time::Duration;

use sipboard::sip::{Cause, ExtraLegs, Fact, HeaderName, Method, Settings, State, Transport};

use crate::{
    scripted::*,
    simulation::{invite, ms},
};

#[test]
fn s13_2_1_an_invite_says_what_is_allowed_and_supported() {
    let invite = Call::invited().last();
    assert!(has(&invite, HeaderName::Allow) && has(&invite, HeaderName::Supported));
}

#[test]
fn s13_2_1_an_invite_without_an_offer_has_no_body() {
    let invite = Call::invited().last();
    assert!(invite.body().is_empty() && !has(&invite, HeaderName::ContentType));
}

#[test]
fn s13_2_1_an_offer_is_sent_as_it_was_given() {
    let mut request = invite();
    request.content_type = Some("application/sdp".to_owned());
    request.body = SDP.into();
    let sent = Call::udp(request).last();
    assert_eq!(&*sent.body(), SDP.as_bytes());
    assert_eq!(text(&sent, HeaderName::ContentType), "application/sdp");
}

#[test]
fn s13_2_2_1_an_early_dialog_is_confirmed_by_its_2xx() {
    let mut call = Call::ringing();
    call.reply(200, "b");
    assert_eq!(call.news(), ["accepted 200", "leg b Confirmed", "acked 200"]);
}

#[test]
fn s13_2_2_3_a_rejection_is_acked_in_the_transaction() {
    let mut call = Call::invited();
    call.reply(603, "b");
    assert_eq!(branch(&call.sent(Method::Ack)), branch(&call.sent(Method::Invite)));
    assert_eq!(call.state(), State::Rejected);
}

#[test]
fn s13_2_2_4_a_2xx_is_acked_with_a_branch_of_its_own_and_the_cseq_of_the_invite() {
    let call = Call::up();
    let (invite, ack) = (call.sent(Method::Invite), call.sent(Method::Ack));
    assert_ne!(branch(&invite), branch(&ack));
    assert_eq!(cseq(&invite), cseq(&ack));
    assert_eq!(ack.cseq().unwrap().method, "ACK");
}

#[test]
fn s13_2_2_4_the_ack_is_a_request_of_the_dialog() {
    let call = Call::up();
    let (invite, ack) = (call.sent(Method::Invite), call.sent(Method::Ack));
    assert_eq!(ack.request_uri(), Some("sip:bob@192.0.2.2:5060"));
    assert_eq!(text(&ack, HeaderName::From), text(&invite, HeaderName::From));
    assert_eq!(ack.to().unwrap().tag(), Some("b"));
    assert_eq!(text(&ack, HeaderName::MaxForwards), "70");
}

#[test]
fn s13_2_2_4_every_retransmission_of_the_2xx_is_acked_with_the_same_ack() {
    let mut call = Call::up();
    for _ in 0..3 {
        call.wait(ms(500));
        call.reply(200, "b");
    }
    let acks = call.all_sent(Method::Ack);
    assert_eq!(acks.len(), 4);
    assert!(acks.windows(2).all(|pair| pair[0].bytes() == pair[1].bytes()));
    assert_eq!(call.news()[..2], ["accepted again 200", "acked again 200"]);
}

#[test]
fn s13_2_2_4_no_ack_is_sent_before_its_2xx_or_without_one() {
    let mut call = Call::ringing();
    call.wait(Duration::from_secs(10));
    assert!(call.all_sent(Method::Ack).is_empty());
}

#[test]
fn s13_2_2_4_each_fork_is_acked_on_its_own_leg() {
    let mut call = Call::up();
    call.reply_with(200, "c", |builder| {
        builder
            .header(HeaderName::Contact, "<sip:carol@c.test>")
            .header(HeaderName::RecordRoute, "<sip:p.test;lr>")
    });
    let ack = call.sent(Method::Ack);
    assert_eq!(ack.request_uri(), Some("sip:carol@c.test"));
    assert_eq!(list(&ack, HeaderName::Route), ["<sip:p.test;lr>"]);
    assert_eq!(ack.to().unwrap().tag(), Some("c"));
    assert_eq!(call.last_event().status.legs_up, 2);
}

#[test]
fn s13_2_2_4_the_route_set_is_computed_anew_from_the_2xx() {
    let mut call = Call::invited();
    call.reply_with(180, "b", |builder| {
        builder
            .header(HeaderName::Contact, "<sip:early@b.test>")
            .header(HeaderName::RecordRoute, "<sip:early.test;lr>")
    });
    call.reply_with(200, "b", |builder| {
        builder
            .header(HeaderName::Contact, "<sip:bob@b.test>")
            .header(HeaderName::RecordRoute, "<sip:p.test;lr>")
    });
    let ack = call.sent(Method::Ack);
    assert_eq!(ack.request_uri(), Some("sip:bob@b.test"));
    assert_eq!(list(&ack, HeaderName::Route), ["<sip:p.test;lr>"]);
}

#[test]
fn s13_2_2_4_64_t1_after_the_first_2xx_early_dialogs_are_over() {
    let mut call = Call::ringing();
    call.reply(200, "c");
    call.look();
    call.wait(PATIENCE - ms(10));
    assert_eq!(call.news(), [""; 0]);
    call.wait(ms(10));
    assert_eq!(call.news(), ["timer M", "leg b Terminated { by: GivenUp }"]);
    assert_eq!(call.last_event().status.legs_up, 1);
}

#[test]
fn s13_2_2_4_a_fork_that_answers_after_64_t1_is_a_stray() {
    let mut call = Call::up();
    call.wait(PATIENCE);
    call.look();
    call.reply(200, "c");
    assert_eq!(call.news(), [""; 0]);
    assert_eq!(call.sim.strays.len(), 1);
}

#[test]
fn s13_2_2_4_one_leg_is_kept_and_another_hung_up() {
    let mut call = Call::up();
    call.reply(200, "c");
    let id = call.id;
    call.sim.with(|ua, now| ua.hang_up_leg(now, id, "b")).unwrap();
    let bye = call.sent(Method::Bye);
    assert_eq!(bye.to().unwrap().tag(), Some("b"));
    call.reply_to(&bye, 200, "");
    assert_eq!((call.ended(), call.last_event().status.legs_up), (None, 1));
}

#[test]
fn s13_2_2_4_extra_legs_are_kept_or_hung_up_as_the_setting_says() {
    for (extra_legs, byes) in [(ExtraLegs::Keep, 0), (ExtraLegs::HangUp, 1)] {
        let settings = Settings { extra_legs, ..Settings::default() };
        let mut call = Call::up_with(settings, Transport::Udp);
        call.reply(200, "c");
        let sent = call.all_sent(Method::Bye);
        assert_eq!(sent.len(), byes);
        assert!(sent.iter().all(|bye| bye.to().unwrap().tag() == Some("c")));
        assert_eq!(call.all_sent(Method::Ack).len(), 2, "ACKed all the same");
    }
}

#[test]
fn s13_2_2_4_a_late_fork_is_acked_and_hung_up_after_the_first_leg_is_over() {
    let mut call = Call::up();
    call.hang_up();
    let bye = call.sent(Method::Bye);
    call.reply_to(&bye, 200, "");
    call.look();
    call.reply(200, "c");
    assert_eq!(call.news()[..3], ["accepted 200", "leg c Confirmed", "acked 200"]);
    assert_eq!(call.wire(), ["ACK", "BYE"]);
    assert_eq!(call.sent(Method::Bye).to().unwrap().tag(), Some("c"));
}

#[test]
fn s13_2_2_4_an_offer_in_the_2xx_is_answered_in_the_ack() {
    let mut call = Call::invited();
    call.reply_sdp(200, "b", &[]);
    let ack = call.sent(Method::Ack);
    assert_eq!(text(&ack, HeaderName::ContentType), "application/sdp");
    let body = String::from_utf8(ack.body().to_vec()).unwrap();
    assert!(body.starts_with("v=0\r\n") && body.ends_with("m=audio 0 RTP/AVP 0\r\n"), "{body}");
}

#[test]
fn s13_2_2_4_an_offer_in_a_part_of_the_2xx_is_answered_in_the_ack() {
    let mut call = Call::invited();
    let parts = format!(
        "--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b\r\nContent-Type: application/sdp\r\n\r\n{SDP}\r\n--b--\r\n"
    );
    call.reply_body(200, "b", "multipart/mixed;boundary=b", &parts, &[]);
    let ack = call.sent(Method::Ack);
    assert_eq!(text(&ack, HeaderName::ContentType), "application/sdp");
    assert!(ack.body().ends_with(b"m=audio 0 RTP/AVP 0\r\n"));
}

#[test]
fn s13_2_2_4_an_answer_in_the_2xx_is_acked_without_a_body() {
    let mut request = invite();
    request.content_type = Some("application/sdp".to_owned());
    request.body = SDP.into();
    let mut call = Call::udp(request);
    call.reply_sdp(200, "b", &[]);
    assert!(call.sent(Method::Ack).body().is_empty());
}

#[test]
fn s13_3_1_4_our_2xx_to_a_reinvite_is_repeated_until_its_ack() {
    let mut call = Call::up();
    call.peer(Method::Invite, 1, &[]);
    call.look();
    call.wait(Duration::from_millis(8000));
    // At 0.5, 1.5, 3.5 and 7.5 s.
    assert_eq!(call.wire(), ["200"; 4]);
    call.deliver(call.peer_request("b", Method::Ack, 1, &[]));
    call.wait(PATIENCE);
    assert_eq!(call.wire(), [""; 0]);
}

#[test]
fn s13_3_1_4_our_2xx_is_repeated_on_a_reliable_transport_too() {
    let mut call = Call::up_with(Settings::default(), Transport::Tcp);
    call.peer(Method::Invite, 1, &[]);
    call.look();
    call.wait(Duration::from_secs(2));
    assert_eq!(call.wire(), ["200"; 2]);
}

#[test]
fn s13_3_1_4_without_an_ack_the_dialog_is_ended_after_64_t1() {
    let mut call = Call::up();
    call.peer(Method::Invite, 1, &[]);
    call.wait(PATIENCE - ms(10));
    assert!(call.all_sent(Method::Bye).is_empty());
    call.wait(ms(10));
    assert_eq!(call.all_sent(Method::Bye).len(), 1);
}

#[test]
fn s13_1_a_pending_invite_waits_for_its_user_for_as_long_as_it_takes() {
    let mut call = Call::ringing();
    call.wait(Duration::from_secs(3600));
    assert_eq!((call.ended(), call.state()), (None, State::Proceeding));
}

#[test]
fn s13_2_2_4_a_ringing_fork_is_waited_for_after_the_hang_up_until_64_t1() {
    let mut call = Call::ringing();
    call.reply(180, "c");
    call.reply(200, "b");
    call.hang_up();
    let bye = call.sent(Method::Bye);
    call.reply_to(&bye, 200, "");
    assert_eq!(call.ended(), None);
    call.wait(PATIENCE / 2);
    assert_eq!(call.ended(), None);
    call.look();
    call.reply(200, "c");
    assert_eq!(call.wire(), ["ACK", "BYE"]);
    let bye = call.sent(Method::Bye);
    assert_eq!(bye.to().unwrap().tag(), Some("c"));
    call.reply_to(&bye, 200, "");
    assert!(call.ended().is_some(), "and nothing more is waited for");
}

#[test]
fn s13_2_2_4_a_fork_that_is_never_heard_of_again_is_given_up_after_64_t1() {
    let mut call = Call::ringing();
    call.reply(180, "c");
    call.reply(200, "b");
    call.hang_up();
    let bye = call.sent(Method::Bye);
    call.reply_to(&bye, 200, "");
    call.wait(PATIENCE);
    let (cause, at) = call.ended().expect("it ends with Timer M");
    assert_eq!((cause, at.as_secs()), (Cause::Bye, 32));
}

#[test]
fn s15_a_leg_that_the_peer_hung_up_while_it_rang_is_hung_up_when_it_accepts() {
    let mut call = Call::ringing();
    assert_eq!(code(&call.peer(Method::Bye, 1, &[])), 200);
    call.look();
    call.reply(200, "b");
    assert_eq!(call.wire(), ["ACK", "BYE"]);
    let bye = call.sent(Method::Bye);
    call.reply_to(&bye, 200, "");
    assert!(call.ended().is_some());
}

#[test]
fn s17_1_1_what_comes_after_the_final_is_late_and_only_the_same_again_is_repeated() {
    let mut call = Call::ringing();
    call.reply(486, "b");
    call.look();
    call.reply(486, "b");
    assert_eq!(call.news(), ["absorbed 486", "acked again 486"]);
    call.reply(180, "b");
    call.reply(200, "c");
    call.reply(603, "b");
    assert_eq!(call.news(), ["late 180", "late 200", "late 603", "acked 603"]);
}

#[test]
fn s13_2_2_4_a_fork_that_is_first_heard_of_after_the_2xx_is_waited_for_too() {
    let mut call = Call::up();
    call.reply(180, "c");
    assert_eq!(call.news(), ["progress 180", "leg c Early"]);
    assert_eq!((call.state(), call.last_event().status.legs_up), (State::Accepted, 1));
    call.reply(180, "c");
    assert_eq!(call.news(), ["progress 180"], "it goes on ringing");
    call.reply(100, "");
    call.reply(180, "b");
    assert_eq!(call.news(), ["late 100", "late 180"], "of no fork that still rings");
    call.hang_up();
    let bye = call.sent(Method::Bye);
    call.reply_to(&bye, 200, "");
    assert_eq!(call.ended(), None, "the fork c still rings");
    call.wait(PATIENCE / 2);
    call.look();
    call.reply(200, "c");
    assert_eq!(call.wire(), ["ACK", "BYE"]);
    let bye = call.sent(Method::Bye);
    assert_eq!(bye.to().unwrap().tag(), Some("c"));
    call.reply_to(&bye, 200, "");
    assert!(call.ended().is_some());
}

#[test]
fn s13_2_2_4_a_fork_that_rings_while_the_bye_of_the_first_is_under_way_is_waited_for() {
    let mut call = Call::up();
    call.hang_up();
    let bye = call.sent(Method::Bye);
    call.reply(180, "c");
    call.reply_to(&bye, 200, "");
    assert_eq!(call.ended(), None);
    call.wait(PATIENCE);
    assert_eq!(call.ended().unwrap().0, Cause::Bye, "Timer M ends the wait");
    call.wait(PATIENCE);
    assert_eq!(call.sim.ua.held(), Default::default());
}

#[test]
fn s13_2_2_4_a_fork_that_was_never_heard_of_is_not_waited_for_but_hung_up_while_a_bye_is_open() {
    let mut call = Call::up();
    call.hang_up();
    let bye = call.sent(Method::Bye);
    call.look();
    call.reply(200, "c");
    assert_eq!(call.wire(), ["ACK", "BYE"]);
    let second = call.sent(Method::Bye);
    assert_eq!(second.to().unwrap().tag(), Some("c"));
    call.reply_to(&bye, 200, "");
    assert_eq!(call.ended(), None);
    call.reply_to(&second, 200, "");
    assert!(call.ended().is_some(), "nobody else was heard of");
}

#[test]
fn s13_2_2_4_a_late_reliable_provisional_of_another_fork_gets_its_prack() {
    let mut call = Call::up();
    call.reply_reliably(183, "c", 7);
    assert_eq!(call.wire(), ["PRACK"]);
    let prack = call.sent(Method::Prack);
    assert_eq!(prack.to().unwrap().tag(), Some("c"));
    call.reply_reliably(183, "b", 1);
    assert_eq!(call.all_sent(Method::Prack).len(), 1, "the leg b is no early one any more");
}

#[test]
fn s13_2_2_4_a_late_provisional_after_a_rejection_makes_no_leg() {
    let mut call = Call::ringing();
    call.reply(486, "b");
    call.look();
    call.reply(180, "c");
    assert_eq!(call.news(), ["late 180"]);
}

#[test]
fn s12_3_every_early_leg_is_told_before_the_end_of_its_context() {
    let is_last = |news: &[String]| {
        let last = news.iter().rposition(|word| word.starts_with("leg")).unwrap();
        let end = news.iter().position(|word| word.starts_with("ended")).unwrap();
        assert!(last < end, "{news:?}");
        let is_over = |word: &&String| word.contains("Terminated") || word.contains("ended by");
        news.iter().filter(is_over).count()
    };
    let ringing = || {
        let mut call = Call::ringing();
        ["c", "d", "e"].iter().for_each(|tag| call.reply(180, tag));
        call.look();
        call
    };
    let mut call = ringing();
    call.reply(486, "c");
    assert_eq!(is_last(&call.news()), 4);
    // One accepts and is hung up; Timer M ends the others.
    let mut call = ringing();
    call.reply(200, "b");
    call.hang_up();
    let bye = call.sent(Method::Bye);
    call.reply_to(&bye, 200, "");
    call.wait(PATIENCE);
    assert_eq!(is_last(&call.news()), 4);
    // A CANCEL that nobody answers.
    let mut call = ringing();
    call.cancel().unwrap();
    call.wait(PATIENCE);
    assert_eq!(is_last(&call.news()), 4);
}

#[test]
fn s9_1_a_cancel_that_nobody_answers_is_not_waited_for_once_its_leg_is_over() {
    let mut call = Call::ringing();
    call.cancel().unwrap();
    call.reply(200, "b");
    let bye = call.sent(Method::Bye);
    call.reply_to(&bye, 200, "");
    let cancels = call.all_sent(Method::Cancel).len();
    call.wait(PATIENCE);
    let (cause, at) = call.ended().unwrap();
    assert_eq!(cause, Cause::Bye);
    assert!(at < PATIENCE / 8, "ended at {at:?}");
    assert!(call.all_sent(Method::Cancel).len() <= cancels + 1);
    assert_eq!(call.sim.ua.held(), Default::default());
}

/// An INVITE on UDP, and 64 forks that ring with the tags `f0` to `f63`.
fn full() -> Call {
    let mut call = Call::invited();
    (0..64).for_each(|fork| call.reply(180, &format!("f{fork}")));
    call.looked()
}

#[test]
fn s12_1_a_provisional_of_one_fork_too_many_is_told_and_makes_no_leg() {
    let mut call = full();
    call.reply(180, "x");
    assert_eq!(call.news(), ["progress 180", "no leg x"]);
    let Fact::NoLeg { detail, .. } = &call.last_event().fact else { panic!() };
    assert_eq!(detail, "64 legs are kept already: the 180 makes none");
    call.look();
    call.reply_reliably(183, "y", 1);
    assert_eq!(call.news(), ["progress 183", "no leg y"]);
    assert_eq!(call.wire(), [""; 0], "and no PRACK");
    call.reply(180, "f63");
    assert_eq!(call.news(), ["progress 180"], "those that are there go on");
}

#[test]
fn s13_2_2_4_a_2xx_of_one_fork_too_many_is_acked_and_hung_up_and_its_leg_forgotten() {
    let mut call = full();
    call.reply(200, "f0");
    call.look();
    call.reply(200, "x");
    assert_eq!(
        call.news()[..5],
        [
            "accepted 200",
            "leg x Confirmed",
            "acked 200",
            "leg x not wanted",
            "leg x HangingUp { bye: ContextId(2) }"
        ]
    );
    assert_eq!(call.wire(), ["ACK", "BYE"]);
    call.reply(200, "x");
    assert_eq!(call.news(), ["accepted again 200", "acked again 200"]);
    let bye = call.sent(Method::Bye);
    call.reply_to(&bye, 200, "");
    assert!(call.news().contains(&"leg x Terminated { by: Local }".to_owned()));
    assert_eq!((call.state(), call.last_event().status.legs_up), (State::Accepted, 1));
    // The first one is as it was.
    call.hang_up();
    assert_eq!(call.sent(Method::Bye).to().unwrap().tag(), Some("f0"));
}

#[test]
fn s13_2_2_4_a_2xx_that_finds_no_room_at_all_is_told_and_acked_when_there_is_some() {
    let mut call = full();
    (0..17).for_each(|fork| call.reply(200, &format!("x{fork}")));
    assert_eq!(call.all_sent(Method::Ack).len(), 16);
    assert_eq!(
        call.sim.strays.last().unwrap().problem,
        "a 200 to the INVITE of #1 from one fork more is not ACKed now: 64 legs are kept, and others are being hung up"
    );
    let bye = call.sent(Method::Bye);
    call.reply_to(&bye, 200, "");
    call.reply(200, "x16");
    assert_eq!(call.all_sent(Method::Ack).len(), 17);
}

#[test]
fn s12_3_all_legs_that_are_kept_end_with_the_invite() {
    let mut call = full();
    call.reply(486, "x");
    let ended = |word: &&String| word.ends_with("ended by a 486");
    assert_eq!(call.news().iter().filter(ended).count(), 64);
    call.wait(PATIENCE * 2);
    assert_eq!((call.sim.ua.contexts(), call.sim.ua.poll_timeout()), (0, None));
}

/// The late and repeated responses that were told: status, tag and count.
fn absorbed(call: &Call) -> Vec<(u16, Option<String>, u32)> {
    let absorbed = call.sim.events.iter().filter_map(|event| match &event.fact {
        Fact::Absorbed { response, count, .. } => {
            Some((response.status.code(), response.to_tag(), *count))
        }
        _ => None,
    });
    absorbed.collect()
}

#[test]
fn s17_1_1_what_comes_late_is_counted_by_its_status_and_tag() {
    let mut call = Call::ringing();
    call.reply(486, "b");
    for (status, tag) in [(180, "b"), (200, "c"), (200, "c"), (200, "d"), (486, "b"), (200, "c")] {
        call.reply(status, tag);
    }
    let told = |status, tag: &str, count| (status, Some(tag.to_owned()), count);
    assert_eq!(
        absorbed(&call),
        [
            told(180, "b", 1),
            told(200, "c", 1),
            told(200, "c", 2),
            told(200, "d", 1),
            told(486, "b", 1),
            told(200, "c", 3)
        ]
    );
}

#[test]
fn s13_2_2_4_a_repeated_2xx_changes_neither_the_remote_target_nor_the_ack() {
    let mut call = Call::up();
    let ack = call.sent(Method::Ack);
    call.reply_with(200, "b", |builder| {
        builder
            .header(HeaderName::Contact, "<sip:elsewhere@192.0.2.99:5060>")
            .header(HeaderName::RecordRoute, "<sip:192.0.2.98;lr>")
    });
    assert_eq!(call.last().bytes(), ack.bytes());
    call.hang_up();
    let bye = call.sent(Method::Bye);
    assert_eq!(bye.request_uri(), Some("sip:bob@192.0.2.2:5060"));
    assert!(!has(&bye, HeaderName::Route));
}

#[test]
#[ignore = "a context ends with its last leg, though a fork that nobody has heard of may accept until Timer M"]
fn s13_2_2_4_a_fork_that_accepts_after_the_last_leg_is_over_brings_no_second_end() {
    let mut call = Call::invited();
    call.reply(200, "a");
    call.hang_up();
    for after in [1500, 40_000] {
        let bye = call.sent(Method::Bye);
        call.reply_to(&bye, 200, "");
        call.wait(ms(after));
        call.reply(200, "c");
    }
    assert_eq!(call.all_sent(Method::Bye).len(), 2);
    let story = call.sim.story(call.id);
    let ends = story.iter().filter(|told| told.starts_with("ended"));
    assert_eq!(ends.count(), 1, "{story:?}");
}
