//! Bytes that nothing which comes back can be matched to.

use sipboard::sip::{Cause, Fact, RawMessage, State, Transmit, Transport};

use crate::{
    by_hand,
    scripted::*,
    simulation::{FLOW, ms, response},
};

#[test]
fn bytes_to_which_nothing_can_be_matched_are_sent_once_and_end() {
    let no_branch = by_hand("INVITE", "x").replace(";branch=x", "");
    for (bytes, method, why) in [
        (no_branch.as_str(), "INVITE", "no branch"),
        ("\u{1b}[31mhello", "raw", "no SIP message"),
        ("SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n\r\n", "raw", "response"),
        (&by_hand("ACK", "x"), "ACK", "ACK"),
        ("MESSAGE sip:b SIP/2.0\r\n\r\n", "MESSAGE", "Via"),
        ("SUBSCRIBE sip:b SIP/2.0\r\n\r\n", "SUBSCRIBE", "Via"),
    ] {
        let mut call = Call::raw(Transport::Udp, bytes);
        assert_eq!(
            call.news(),
            ["created".to_owned(), format!("sent {method}"), "unmatched".into()]
        );
        let told = call.sim.events.iter().find_map(|event| match &event.fact {
            Fact::Unmatched { detail } => Some(detail.clone()),
            _ => None,
        });
        assert!(told.as_ref().unwrap().contains(why), "{told:?}");
        assert_eq!(call.state(), State::Sent);
        let sent: Vec<_> = call.sim.sent.iter().map(|(_, message)| message.bytes()).collect();
        let sent: Vec<_> = sent.into_iter().chain(&call.sim.unreadable).collect();
        assert_eq!(sent, [bytes.as_bytes()]);
        call.wait(PATIENCE);
        assert_eq!(call.news(), ["ended Unmatched"]);
        let is_answered = !matches!(why, "ACK" | "response");
        let until = if is_answered { PATIENCE } else { ms(1000) };
        assert_eq!(call.ended().unwrap().1, until, "64·T1, or 2·T1 where nobody answers");
        assert_eq!(call.sim.ua.held(), Default::default());
        assert!(call.sim.ua.is_idle());
    }
}

#[test]
fn the_user_says_how_long_what_comes_for_unmatched_bytes_is_listened_for() {
    for wait in [ms(5), PATIENCE * 2] {
        let mut call = Call::raw(Transport::Udp, "hello");
        let raw = RawMessage::new("hello".into()).waiting(wait);
        let id = call.sim.with(|ua, now| ua.send_raw(now, FLOW, raw));
        call.wait(wait - ms(1));
        assert!(!call.sim.story(id).contains(&"ended Unmatched".to_owned()));
        call.wait(ms(1));
        assert_eq!(call.sim.story(id).last().unwrap(), "ended Unmatched");
    }
}

#[test]
fn what_answers_unmatched_bytes_is_told_beside_them_until_their_time_is_over() {
    let mut call = Call::raw(Transport::Udp, by_hand("OPTIONS", "x").replace(";branch=x", ""));
    call.look();
    let answer = response(&call.last(), 400, "b");
    call.deliver(answer.clone());
    assert_eq!(call.news(), ["beside"]);
    let Fact::Beside { message, detail } = &call.last_event().fact else { panic!() };
    assert_eq!(*message, answer);
    assert!(detail.starts_with("192.0.2.2:5060 sent a 400 response that is not ours"), "{detail}");
    assert_eq!(call.state(), State::Sent, "it is not acted on");
    call.deliver("garbage".into());
    assert_eq!(call.news(), ["beside"]);
    call.wait(PATIENCE);
    call.look();
    call.deliver(answer);
    assert_eq!((call.news(), call.sim.strays.len()), (Vec::new(), 1));
}

#[test]
fn of_several_unmatched_bytes_the_call_id_says_whose_an_answer_is() {
    let unmatched = |call_id: &str| {
        let bytes = by_hand("OPTIONS", "x").replace(";branch=x", "");
        bytes.replace("hand-made", call_id)
    };
    let mut call = Call::raw(Transport::Udp, unmatched("first-call"));
    let first = call.last();
    let other = call.send_raw(unmatched("second-call"));
    call.sim.run(ms(3));
    call.look();
    let second = call.last();
    call.deliver(response(&second, 400, "b"));
    assert_eq!(call.news(), [format!("#{other} beside")]);
    call.deliver(response(&first, 400, "b"));
    assert_eq!(call.news(), ["beside"]);
    // What names neither is nobody's.
    call.deliver("garbage".into());
    assert_eq!((call.news(), call.sim.strays.len()), (Vec::new(), 1));
}

#[test]
fn unmatched_bytes_cannot_be_cancelled_or_hung_up_and_that_is_said() {
    let mut call = Call::raw(Transport::Udp, by_hand("INVITE", "x").replace(";branch=x", ""));
    assert!(call.cancel().unwrap_err().to_string().contains("already sent"));
    let id = call.id;
    assert!(call.sim.with(|ua, now| ua.hang_up(now, id)).is_err());
    call.sim.with(|ua, now| ua.abandon(now));
    assert_eq!(call.ended().unwrap().0, Cause::Unmatched);
    assert_eq!(call.sim.ua.held(), Default::default());
}

#[test]
fn an_error_that_comes_for_unmatched_bytes_is_theirs() {
    let failing: [fn(&mut Call); 3] = [
        |call| call.sim.with(|ua, now| ua.flow_error(now, FLOW, "port unreachable")),
        |call| call.sim.with(|ua, now| ua.flow_down(now, FLOW, "connection reset")),
        |call| {
            let Some(Fact::Sent { message, .. }) = call
                .sim
                .events
                .iter()
                .map(|e| &e.fact)
                .find(|fact| matches!(fact, Fact::Sent { .. }))
            else {
                panic!()
            };
            let transmit = Transmit { flow: FLOW, to: None, bytes: message.clone() };
            call.sim.with(|ua, now| ua.transmit_failed(now, &transmit, "too large"));
        },
    ];
    for fail in failing {
        let mut call = Call::raw(Transport::Udp, "hello").looked();
        // The same bytes once more are another context's.
        let other = call.send_raw("hello");
        call.wait(ms(1));
        call.look();
        fail(&mut call);
        let news = call.news();
        assert_eq!(news[..2], ["failed Connection Error", "ended Connection Error"]);
        call.wait(PATIENCE);
        assert!(!call.sim.story(other).is_empty());
        assert_eq!(call.sim.ua.held(), Default::default());
    }
}

#[test]
fn only_the_unmatched_bytes_that_failed_fail() {
    let mut call = Call::raw(Transport::Udp, "hello");
    let other = call.send_raw("hello");
    let sent = call.sim.events.iter().rev().find_map(|event| match &event.fact {
        Fact::Sent { message, .. } => Some(message.clone()),
        _ => None,
    });
    let transmit = Transmit { flow: FLOW, to: None, bytes: sent.unwrap() };
    call.sim.with(|ua, now| ua.transmit_failed(now, &transmit, "too large"));
    call.wait(PATIENCE);
    assert_eq!(call.ended().unwrap().0, Cause::Unmatched);
    assert_eq!(call.sim.story(other).last().unwrap(), "ended Connection Error");
}
