//! Every timer of a context is told with the request that it belongs to, and every count is what has
//! been and what can still be.

mod scripted;
mod simulation;

use scripted::*;
use simulation::{FLOW, invite, ms};
use sipboard::sip::{Credentials, Fact, HeaderName, Method, Settings, State, Timer, Transport};

/// The timers that the last event told: `E PRACK 2`, `B`.
fn told(call: &Call) -> Vec<String> {
    let name = |timer: &sipboard::sip::TimerAt| match &timer.of {
        Some(of) => format!("{} {of}", timer.timer),
        None => timer.timer.to_string(),
    };
    call.last_event().status.timers.iter().map(name).collect()
}

/// How often requests of a method were sent again, and how often they would be yet.
fn repeats(call: &Call, method: Method) -> Vec<(u32, u32)> {
    let of = call.sim.events.iter().filter(|event| event.method == method);
    of.filter_map(|event| match event.fact {
        Fact::Retransmitted { attempt, left, .. } => Some((attempt, left)),
        _ => None,
    })
    .collect()
}

/// How often the first context's request was sent, and will have been.
fn attempts(call: &Call) -> (u32, u32) {
    let status = &call.last_event().status;
    (status.attempts, status.attempts_max)
}

#[test]
fn the_cancel_has_timers_of_its_own_until_the_last_of_them_is_out() {
    let mut call = Call::ringing();
    call.cancel().unwrap();
    assert_eq!(told(&call), ["E CANCEL", "F CANCEL", "64·T1"]);
    let cancel = call.sent(Method::Cancel);
    call.reply_to(&cancel, 200, "b");
    assert_eq!(told(&call), ["K CANCEL", "64·T1"]);
    call.reply(487, "b");
    assert_eq!(told(&call), ["K CANCEL", "D"]);
    call.wait(ms(6_000));
    assert_eq!(told(&call), ["D"]);
    let fired =
        |event: &&sipboard::sip::ContextEvent| matches!(event.fact, Fact::TimerFired { .. });
    let fired = call.sim.events.iter().find(fired).expect("Timer K is told");
    let Fact::TimerFired { timer: Timer::K, of: Some(of) } = &fired.fact else {
        panic!("{fired:?}")
    };
    assert_eq!(of.to_string(), "CANCEL");
}

#[test]
fn each_prack_has_its_timers_under_its_number() {
    let mut call = Call::ringing();
    let number = cseq(&call.sent(Method::Invite));
    call.reply_reliably(183, "b", 1);
    call.wait(ms(100));
    call.reply_reliably(183, "b", 2);
    let (first, second) = (number + 1, number + 2);
    assert_eq!(
        told(&call),
        [
            format!("E PRACK {first}"),
            format!("E PRACK {second}"),
            format!("F PRACK {first}"),
            format!("F PRACK {second}"),
        ]
    );
    let prack = call.all_sent(Method::Prack)[0].clone();
    call.reply_to(&prack, 200, "b");
    let left = format!("E PRACK {second}");
    assert!(told(&call).contains(&left) && told(&call).contains(&format!("K PRACK {first}")));
    call.wait(PATIENCE);
    let failed = call.sim.events.iter().find_map(|event| match &event.fact {
        Fact::PrackFailed { detail } => Some(detail.clone()),
        _ => None,
    });
    assert!(failed.unwrap().contains(&format!("nobody answered the PRACK {second} within 32 s")));
    assert_eq!(told(&call), [""; 0]);
}

#[test]
fn the_try_before_a_challenge_still_absorbs_under_its_number() {
    let mut request = invite();
    request.credentials = Some([Credentials::new("alice", "s3cret")].into());
    let mut call = Call::udp(request).looked();
    let number = cseq(&call.sent(Method::Invite));
    call.reply_with(407, "b", |builder| {
        builder.header(HeaderName::ProxyAuthenticate, r#"Digest realm="demo", nonce="n""#)
    });
    assert_eq!(told(&call), ["A".to_owned(), "B".to_owned(), format!("D INVITE {number}")]);
    call.reply(180, "b");
    assert_eq!(told(&call), [format!("D INVITE {number}")]);
}

#[test]
fn the_requests_of_the_peer_are_counted_down_beside_the_own_and_no_more_than_can_be_read() {
    let mut call = Call::up();
    call.peer(Method::Info, 1, &[]);
    call.wait(ms(10));
    call.peer(Method::Info, 2, &[]);
    assert_eq!(told(&call), ["M", "J INFO 1 of the peer", "J INFO 2 of the peer"]);
    for number in 3..30 {
        call.peer(Method::Info, number, &[]);
    }
    call.peer_body(Method::Invite, 30, &[(HeaderName::ContentType, "text/plain")], "hello");
    let status = call.last_event().status.clone();
    assert_eq!((status.timers.len(), status.more_timers), (16, 30 + 2 - 16));
    // What does something is never among what is left out.
    assert_eq!(told(&call)[0], "G INVITE 30 of the peer");
    assert!(told(&call).contains(&"H INVITE 30 of the peer".to_owned()), "{:?}", told(&call));
    call.wait(PATIENCE + ms(10_000));
    let status = call.last_event().status.clone();
    assert_eq!((&status.timers[..], status.more_timers), (&[][..], 0));
}

#[test]
fn a_timer_that_cannot_fire_any_more_is_none() {
    let mut call = Call::invited();
    call.wait(ms(31_600));
    assert_eq!((told(&call), attempts(&call)), (vec!["B".to_owned()], (7, 7)));
}

#[test]
fn a_cancel_and_a_prack_count_what_they_have_sent_and_will_send() {
    let all: Vec<(u32, u32)> = (2..=11).map(|attempt| (attempt, 11 - attempt)).collect();
    let mut call = Call::ringing();
    call.reply_reliably(183, "b", 1);
    call.cancel().unwrap();
    call.wait(PATIENCE);
    assert_eq!(repeats(&call, Method::Cancel), all);
    assert_eq!(repeats(&call, Method::Prack), all);
    let mut call = Call::with(Settings::default(), Transport::Tcp, invite());
    call.reply(180, "b");
    call.cancel().unwrap();
    call.wait(PATIENCE);
    assert_eq!(repeats(&call, Method::Cancel), []);
}

#[test]
fn after_a_provisional_the_count_is_what_can_still_be() {
    let mut call = Call::invited();
    assert_eq!(attempts(&call), (1, 7));
    call.wait(ms(2_000));
    assert_eq!(attempts(&call), (3, 7));
    call.reply(180, "b");
    assert_eq!(attempts(&call), (3, 3), "a provisional has stopped Timer A");

    let mut call = Call::options();
    assert_eq!(attempts(&call), (1, 11));
    call.reply(100, "");
    // Timer E fires at 500 ms, and then every T2 before Timer F: at 4.5 s … 28.5 s.
    assert_eq!(attempts(&call), (1, 9));
    call.wait(PATIENCE);
    let expected: Vec<_> = (2..=9).map(|attempt| (attempt, 9 - attempt)).collect();
    assert_eq!(repeats(&call, Method::Options), expected);
    assert_eq!((attempts(&call), call.state()), ((9, 9), State::Failed));
}

#[test]
fn a_cancel_that_waited_for_a_provisional_ends_with_a_word_whatever_comes_first() {
    let word = |call: &Call| {
        call.sim.events.iter().find_map(|event| match &event.fact {
            Fact::CancelFailed { detail } => Some(detail.clone()),
            _ => None,
        })
    };
    let mut call = Call::invited();
    call.cancel().unwrap();
    call.reply(486, "b");
    assert_eq!(
        word(&call).unwrap(),
        "a 486 came before any provisional response, so no CANCEL was sent (RFC 3261 §9.1)"
    );
    assert_eq!(
        call.news(),
        [
            "cancel, waiting",
            "rejected 486 Busy",
            "failed Busy",
            "cancel failed",
            "acked 486",
            "ended Busy"
        ]
    );
    let never = "no provisional response ever came, so no CANCEL was sent (RFC 3261 §9.1)";
    let mut call = Call::with(Settings::default(), Transport::Tcp, invite()).looked();
    call.cancel().unwrap();
    call.sim.with(|ua, now| ua.flow_down(now, FLOW, "it was closed"));
    call.wait(ms(1));
    assert_eq!(word(&call).unwrap(), never);
    assert_eq!(
        call.news(),
        ["cancel, waiting", "cancel failed", "failed Connection Error", "ended Connection Error"]
    );
    let mut call = Call::invited();
    call.cancel().unwrap();
    call.sim.with(|ua, now| ua.abandon(now));
    assert_eq!(word(&call).unwrap(), never);
    // One that was sent ends otherwise.
    let mut call = Call::ringing();
    call.cancel().unwrap();
    let cancel = call.sent(Method::Cancel);
    call.reply_to(&cancel, 200, "b");
    call.reply(487, "b");
    assert_eq!(word(&call), None);
}

#[test]
fn an_unanswered_cancel_ends_with_the_context_that_its_487_has_ended() {
    let mut call = Call::ringing();
    call.cancel().unwrap();
    call.reply(487, "b");
    call.wait(ms(2_000));
    assert!(call.ended().is_some());
    assert_eq!(told(&call), ["D"]);
    call.look();
    call.wait(PATIENCE);
    assert_eq!(call.wire(), [""; 0], "it is not sent again");
    assert_eq!(call.news(), ["timer D"]);
    assert_eq!(call.sim.ua.held(), Default::default());
}

#[test]
fn a_prack_that_ends_with_its_leg_says_so() {
    let mut call = Call::ringing();
    let number = cseq(&call.sent(Method::Invite)) + 1;
    call.reply_reliably(183, "b", 1);
    call.reply(486, "b");
    let failed = call.sim.events.iter().find_map(|event| match &event.fact {
        Fact::PrackFailed { detail } => Some(detail.clone()),
        _ => None,
    });
    let said =
        format!("its leg is over: the PRACK {number}, which nobody answered, is not sent again");
    assert_eq!(failed, Some(said));
    call.look();
    call.wait(PATIENCE);
    assert_eq!(call.wire(), [""; 0]);
}
