//! What our own answers do on the wire, and the timers behind them, are told as our requests are.

mod scripted;
mod simulation;

use sipboard::sip::{Fact, HeaderName, Method, OutsideFact, Settings, Timer, Transport};

use crate::{scripted::*, simulation::ms};

const NOT_SDP: &[(HeaderName, &str)] = &[(HeaderName::ContentType, "text/plain")];

/// Each answer as it was told: status, how often it was sent, and how often it will be again.
fn answers(call: &Call) -> Vec<(u16, u32, u32)> {
    let told = call.sim.events.iter().filter_map(|event| match &event.fact {
        Fact::Answered { response, attempt, left, .. } => {
            Some((response.status.code(), *attempt, *left))
        }
        _ => None,
    });
    told.collect()
}

/// A call whose peer has sent a re-INVITE with a body that is no SDP, so that it gets a 415.
fn refused() -> Call {
    let mut call = Call::up();
    call.peer_body(Method::Invite, 1, NOT_SDP, "hello");
    call
}

#[test]
fn every_copy_of_a_rejection_that_timer_g_sends_is_told_and_counted() {
    let mut call = refused();
    let letters: Vec<Timer> = call.timers().into_iter().map(|(timer, _)| timer).collect();
    assert_eq!(letters, [Timer::G, Timer::M, Timer::H]);
    assert!(
        call.timers().contains(&(Timer::G, 500)) && call.timers().contains(&(Timer::H, 32_000))
    );
    assert_eq!(answers(&call), [(415, 1, 10)]);
    call.wait(PATIENCE);
    let all: Vec<_> = (1..=11).map(|attempt| (415, attempt, 11 - attempt)).collect();
    assert_eq!(answers(&call), all);
    let on_the_wire = call.wire().iter().filter(|sent| *sent == "415").count();
    assert_eq!(on_the_wire, all.len());
    let news = call.news();
    assert_eq!(news.iter().filter(|told| *told == "answered again 415").count(), 10);
    assert_eq!(news.last().unwrap(), "never acked", "Timer H is told: {news:?}");
    assert_eq!(call.sim.ua.held().served, 0);
}

#[test]
fn the_ack_of_a_rejection_stops_timer_g_and_timer_i_counts_down() {
    let mut call = refused();
    let invite = call.last();
    let ack = call.peer_request("b", Method::Ack, 1, &[]);
    // The ACK of a rejection has the branch of its INVITE.
    let ack = String::from_utf8_lossy(&ack).into_owned();
    let theirs = ack.lines().find(|line| line.starts_with("Via:")).unwrap();
    let ack = ack.replace(theirs, &format!("Via: {}", text(&invite, HeaderName::Via)));
    call.deliver(ack.into());
    assert_eq!(call.news().last().unwrap(), "received ACK");
    assert!(call.timers().contains(&(Timer::I, 5000)), "{:?}", call.timers());
    call.wait(PATIENCE);
    assert_eq!(answers(&call), [(415, 1, 10)]);
}

#[test]
fn a_2xx_without_its_ack_is_told_each_time_with_its_timers() {
    let mut call = Call::up();
    call.peer(Method::Invite, 1, &[]);
    assert_eq!(answers(&call), [(200, 1, 10)]);
    assert_eq!(call.timers()[0], (Timer::SuccessAgain, 500));
    call.wait(ms(40_000));
    let told = answers(&call);
    assert_eq!(told[..11], (1..=11).map(|n| (200, n, 11 - n)).collect::<Vec<_>>()[..]);
    let news = call.news();
    let at = news.iter().position(|told| told == "never acked").expect("it is told");
    assert!(news[at..].contains(&"#2 sent BYE".to_owned()), "{news:?}");
}

#[test]
fn the_wait_for_the_ack_of_a_2xx_is_readable_on_its_own() {
    let mut call = Call::up_with(Settings::default(), Transport::Tcp);
    call.wait(ms(33_000));
    call.peer(Method::Invite, 1, &[]);
    call.wait(ms(31_600));
    // After the last copy nothing but the wait for the ACK is left, beside Timer L.
    let timers: Vec<Timer> = call.timers().into_iter().map(|(timer, _)| timer).collect();
    assert!(timers.contains(&Timer::AckWait), "{timers:?}");
    assert_eq!(answers(&call).last(), Some(&(200, 11, 0)));
}

#[test]
fn a_request_that_the_peer_repeats_is_told_as_answered_again() {
    let mut call = Call::up();
    let options = call.peer_request("b", Method::Options, 1, &[]);
    call.deliver(options.clone());
    assert_eq!(call.news(), ["received OPTIONS", "answered 200"]);
    assert!(call.timers().contains(&(Timer::J, 32_000)), "{:?}", call.timers());
    call.deliver(options);
    assert_eq!(call.news(), ["received again OPTIONS", "answered again 200"]);
    assert_eq!(answers(&call), [(200, 1, 0), (200, 2, 0)]);
}

#[test]
fn the_bye_that_the_peer_repeats_after_the_end_is_still_told_to_its_context() {
    let mut call = Call::up();
    call.wait(ms(32_500));
    call.look();
    let bye = call.peer_request("b", Method::Bye, 1, &[]);
    call.deliver(bye.clone());
    assert_eq!(call.news().last().unwrap(), "ended BYE");
    call.deliver(bye);
    assert_eq!(call.news(), ["received again BYE", "answered again 200"]);
    call.wait(PATIENCE);
    assert!(!call.sim.ua.holds(call.id), "Timer J is over");
}

#[test]
fn an_answer_outside_every_dialog_is_told_each_time_that_it_goes_out() {
    let mut call = Call::up();
    let invite = call.peer_request("stranger", Method::Invite, 1, &[]);
    let text = String::from_utf8_lossy(&invite).into_owned();
    let to = text.lines().find(|line| line.starts_with("To:")).unwrap().to_owned();
    let invite = text.replace(&to, "To: <sip:alice@demo.test>");
    call.deliver(invite.clone().into());
    call.deliver(invite.into());
    call.wait(PATIENCE);
    let told = call.sim.outside.iter().map(|outside| match &outside.fact {
        OutsideFact::Answered { response, attempt, left } => {
            format!("{} {attempt} {left}", response.status)
        }
        OutsideFact::NeverAcked { .. } => "never acked".to_owned(),
        OutsideFact::AnswerFailed { detail } => detail.clone(),
    });
    let outside: Vec<String> = told.collect();
    assert_eq!(outside[..2], ["480 2 10", "480 3 9"], "{outside:?}");
    assert_eq!(outside[10..], ["480 12 0", "never acked"], "{outside:?}");
}
