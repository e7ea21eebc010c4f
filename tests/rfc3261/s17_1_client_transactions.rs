//! §17.1: client transactions, every timer on both kinds of transport.

use std::time::Duration;

use sipboard::sip::{
    Cause, Event, HeaderName, Method, Output, Settings, State, Timer, Timing, Transport,
};

use crate::{
    scripted::*,
    simulation::{self, FLOW, invite, ms, new_request, response},
};

fn options(transport: Transport) -> Call {
    let request = new_request(Method::Options, "sip:demo.test");
    Call::with(Settings::default(), transport, request).looked()
}

#[test]
fn s17_1_1_2_timer_a_starts_at_t1_and_doubles_without_a_cap() {
    let mut call = Call::invited();
    assert_eq!(call.timers()[0], (Timer::A, 500));
    call.wait(PATIENCE);
    assert_eq!(call.times(Method::Invite), [0, 500, 1500, 3500, 7500, 15_500, 31_500]);
}

#[test]
fn s17_1_1_2_timer_a_does_not_run_on_a_reliable_transport() {
    let mut call = Call::tcp(invite());
    call.wait(PATIENCE);
    assert_eq!(call.times(Method::Invite), [0]);
}

#[test]
fn s17_1_1_2_timer_b_fires_after_64_t1() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut call = Call::with(Settings::default(), transport, invite());
        assert!(call.timers().contains(&(Timer::B, 32_000)));
        call.wait(PATIENCE - ms(1));
        assert_eq!(call.ended(), None);
        call.wait(ms(1));
        assert_eq!(call.ended(), Some((Cause::RequestTimeout, PATIENCE)));
        assert_eq!(call.sim.ua.contexts(), 0, "the transaction is over too");
    }
}

#[test]
fn s17_1_1_2_timers_scale_with_t1() {
    let timing = Timing { t1: ms(100), ..Timing::default() };
    let settings = Settings { timing, ..Settings::default() };
    let mut call = Call::with(settings, Transport::Udp, invite());
    call.wait(PATIENCE);
    assert_eq!(call.times(Method::Invite)[..4], [0, 100, 300, 700]);
    assert_eq!(call.ended(), Some((Cause::RequestTimeout, ms(6400))));
}

#[test]
fn s17_1_1_2_a_provisional_stops_retransmissions_and_timer_b() {
    let mut call = Call::invited();
    call.reply(100, "");
    assert_eq!(call.timers(), []);
    call.wait(PATIENCE * 2);
    assert_eq!(call.times(Method::Invite), [0]);
    assert_eq!((call.state(), call.ended()), (State::Proceeding, None));
}

#[test]
fn s17_1_1_2_every_further_provisional_is_told() {
    let mut call = Call::invited();
    for status in [100, 180, 183, 180, 182] {
        call.reply(status, "b");
    }
    let progress = |word: &String| word.starts_with("progress");
    assert_eq!(call.news().into_iter().filter(progress).count(), 5);
}

#[test]
fn s17_1_1_2_timer_d_holds_the_transaction_32_s_on_udp() {
    let mut call = Call::invited();
    call.reply(486, "b");
    assert_eq!(call.timers(), [(Timer::D, 32_000)]);
    call.wait(PATIENCE - ms(10));
    assert_eq!(call.sim.ua.contexts(), 1);
    call.wait(ms(10));
    assert_eq!(call.sim.ua.contexts(), 0);
}

#[test]
fn s17_1_1_2_timer_d_is_at_least_32_s_whatever_t1_is() {
    let timing = Timing { t1: ms(10), ..Timing::default() };
    let settings = Settings { timing, ..Settings::default() };
    let mut call = Call::with(settings, Transport::Udp, invite());
    call.reply(486, "b");
    assert_eq!(call.timers(), [(Timer::D, 32_000)]);
}

#[test]
fn s17_1_1_2_timer_d_is_zero_on_a_reliable_transport() {
    let mut call = Call::tcp(invite());
    call.reply(486, "b");
    assert_eq!((call.ended().unwrap().0, call.sim.ua.contexts()), (Cause::Busy, 0));
}

#[test]
fn s17_1_1_3_the_ack_of_another_forks_rejection_is_its_first() {
    let mut call = Call::ringing();
    call.reply(486, "b");
    assert_eq!(call.news().last().unwrap(), "ended Busy");
    call.wire();
    for told in [["late 487", "acked 487"], ["late 487", "acked again 487"]] {
        call.reply(487, "c");
        assert_eq!(call.wire(), ["ACK"]);
        assert_eq!(call.news(), told);
    }
    let acks = call.all_sent(Method::Ack);
    assert_eq!(acks.last().unwrap().to().unwrap().tag(), Some("c"));
}

#[test]
fn s17_1_1_2_a_repeated_rejection_is_acked_again_and_not_told_again() {
    let mut call = Call::invited();
    call.reply(486, "b");
    call.look();
    call.reply(486, "b");
    call.reply(486, "b");
    assert_eq!(call.news(), ["absorbed 486", "acked again 486", "absorbed 486", "acked again 486"]);
    let acks = call.all_sent(Method::Ack);
    assert!(acks.windows(2).all(|pair| pair[0].bytes() == pair[1].bytes()));
}

#[test]
fn s17_1_1_2_after_a_rejection_nothing_else_changes_the_outcome() {
    let mut call = Call::invited();
    call.reply(486, "b");
    for status in [180, 200, 603] {
        call.reply(status, "b");
    }
    assert_eq!(call.state(), State::Rejected);
    assert_eq!(call.last_event().status.legs_up, 0);
}

#[test]
fn s17_1_1_3_the_ack_of_a_rejection_is_made_of_the_invite() {
    let mut request = invite();
    request.route_set = vec![uri("sip:p1.test;lr"), uri("sip:p2.test;lr")];
    let mut call = Call::udp(request);
    call.reply(404, "b");
    let (invite, ack) = (call.sent(Method::Invite), call.sent(Method::Ack));
    assert_eq!(ack.request_uri(), invite.request_uri());
    for name in [HeaderName::CallId, HeaderName::From, HeaderName::Via] {
        assert_eq!(lines(&ack, name), lines(&invite, name), "{name}");
    }
    assert_eq!(lines(&ack, HeaderName::Via).len(), 1);
    assert_eq!(list(&ack, HeaderName::Route), list(&invite, HeaderName::Route));
    assert_eq!(ack.to().unwrap().tag(), Some("b"), "To is the response's");
    let cseq = ack.cseq().unwrap();
    assert_eq!((cseq.number, cseq.method), (invite.cseq().unwrap().number, "ACK"));
    assert!(ack.body().is_empty());
}

#[test]
fn s17_1_2_2_timer_e_doubles_up_to_t2() {
    let mut call = options(Transport::Udp);
    assert_eq!(call.timers()[0], (Timer::E, 500));
    call.wait(PATIENCE);
    assert_eq!(
        call.times(Method::Options),
        [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]
    );
}

#[test]
fn s17_1_2_2_timer_e_does_not_run_on_a_reliable_transport() {
    let mut call = options(Transport::Tcp);
    call.wait(PATIENCE);
    assert_eq!(call.times(Method::Options), [0]);
}

#[test]
fn s17_1_2_2_timer_f_fires_after_64_t1() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut call = options(transport);
        assert!(call.timers().contains(&(Timer::F, 32_000)));
        call.wait(PATIENCE - ms(1));
        assert_eq!(call.ended(), None);
        call.wait(ms(1));
        assert_eq!(call.ended(), Some((Cause::RequestTimeout, PATIENCE)));
    }
}

#[test]
fn s17_1_2_2_timer_f_goes_on_after_a_provisional() {
    let mut call = options(Transport::Udp);
    call.reply(100, "");
    call.wait(PATIENCE);
    assert_eq!(call.ended(), Some((Cause::RequestTimeout, PATIENCE)));
}

#[test]
fn s17_1_2_2_after_a_provisional_timer_e_is_t2() {
    let mut call = options(Transport::Udp);
    call.reply(100, "");
    call.wait(Duration::from_secs(13));
    assert_eq!(call.times(Method::Options), [0, 500, 4500, 8500, 12_500]);
}

#[test]
fn s17_1_2_2_timer_k_holds_the_transaction_t4_on_udp() {
    let mut call = options(Transport::Udp);
    call.reply(200, "b");
    assert_eq!(call.timers(), [(Timer::K, 5000)]);
    call.reply(200, "b");
    assert_eq!(call.news().last().unwrap(), "absorbed 200");
    call.wait(Duration::from_secs(5));
    assert_eq!(call.sim.ua.contexts(), 0);
}

#[test]
fn s17_1_2_2_timer_k_is_zero_on_a_reliable_transport() {
    let mut call = options(Transport::Tcp);
    call.reply(200, "b");
    assert_eq!(call.sim.ua.contexts(), 0);
}

#[test]
fn s17_1_2_2_a_final_response_of_any_class_completes_it() {
    for status in [200, 302, 404, 503, 606] {
        let mut call = options(Transport::Udp);
        call.reply(status, "b");
        assert_eq!(call.timers(), [(Timer::K, 5000)], "{status}");
        assert!(call.all_sent(Method::Ack).is_empty());
    }
}

#[test]
fn s17_1_3_a_response_is_matched_by_branch_and_cseq_method_alone() {
    let mut call = Call::invited();
    let right = String::from_utf8(response(&call.last(), 200, "b").to_vec()).unwrap();
    for (wrong, replaced) in [("INVITE", "OPTIONS"), ("INVITE", "CANCEL")] {
        let number = cseq(&call.last());
        let changed = right.replace(&format!("{number} {wrong}"), &format!("{number} {replaced}"));
        call.deliver(changed.into());
    }
    assert_eq!((call.news(), call.sim.strays.len()), (vec![], 2));
}

#[test]
fn s17_1_3_a_branch_is_compared_byte_for_byte() {
    let mut call = Call::invited();
    let right = String::from_utf8(response(&call.last(), 200, "b").to_vec()).unwrap();
    let branch = branch(&call.last());
    call.deliver(right.replace(&branch, &branch.to_uppercase()).into());
    assert_eq!(call.sim.strays.len(), 1);
}

#[test]
fn s17_1_3_the_200_of_a_cancel_is_not_taken_for_that_of_its_invite() {
    let mut call = Call::ringing();
    call.cancel().unwrap();
    let cancel = call.sent(Method::Cancel);
    call.reply_to(&cancel, 200, "x");
    assert_eq!(call.state(), State::Cancelling);
    assert_eq!(call.last_event().status.legs_up, 0);
}

#[test]
fn s17_1_4_a_transport_error_ends_the_transaction_and_is_told() {
    for request in [invite(), new_request(Method::Options, "sip:demo.test")] {
        let mut call = Call::udp(request).looked();
        call.sim.with(|ua, now| ua.flow_error(now, FLOW, "192.0.2.2: unreachable"));
        assert_eq!(call.news(), ["failed Connection Error", "ended Connection Error"]);
        assert_eq!((call.sim.ua.contexts(), call.sim.ua.poll_timeout()), (0, None));
    }
}

#[test]
fn s17_1_4_only_the_bytes_that_failed_fail() {
    let mut call = Call::options();
    let other = call.sim.request(invite());
    let bytes = call.sent(Method::Invite).bytes().clone();
    let transmit = sipboard::sip::Transmit { flow: FLOW, to: None, bytes };
    call.sim.with(|ua, now| ua.transmit_failed(now, &transmit, "too large for a datagram"));
    assert_eq!(call.sim.story(other).last().unwrap(), "ended Connection Error");
    assert_eq!(call.ended(), None);
}

#[test]
fn s17_1_the_attempts_made_and_still_to_make_can_be_read() {
    for (mut call, most) in [(Call::invited(), 7), (Call::options(), 11)] {
        call.wait(ms(1500));
        let status = call.last_event().status.clone();
        assert_eq!((status.attempts, status.attempts_max), (3, most));
        call.wait(PATIENCE);
        assert_eq!(call.last_event().status.attempts, most);
    }
}

#[test]
fn s17_1_3_a_response_with_our_branch_but_not_our_call_from_tag_or_number_is_a_stray() {
    let mut call = Call::options();
    let sent = call.last();
    let right = String::from_utf8(response(&sent, 200, "b").to_vec()).unwrap();
    let (call_id, from) = (text(&sent, HeaderName::CallId), text(&sent, HeaderName::From));
    let tag = sent.from().unwrap().tag().unwrap().to_owned();
    let number = cseq(&sent);
    for (ours, theirs, named) in [
        (call_id, "another".to_owned(), "Call-ID"),
        (from.clone(), from.replace(&tag, "another"), "From"),
        (from.clone(), from.replace(&format!(";tag={tag}"), ""), "From"),
        (format!("CSeq: {number} "), format!("CSeq: {} ", number + 1), "CSeq"),
    ] {
        assert!(right.contains(&ours), "{ours:?} in {right}");
        call.sim.strays.clear();
        call.deliver(right.replace(&ours, &theirs).into());
        assert_eq!((call.news(), call.state()), (vec![], State::Trying), "{theirs:?}");
        let told = &call.sim.strays[0].problem;
        assert!(told.contains(&format!("its {named} has another")), "{told}");
    }
    call.deliver(right.into());
    assert_eq!(call.state(), State::Accepted);
}

#[test]
fn s18_4_what_never_left_is_not_told_as_sent() {
    let mut call = Call::options();
    let events = call.sim.with(|ua, now| {
        let id = ua.request(now, FLOW, invite());
        let mut events = Vec::new();
        while let Some(output) = ua.poll_output() {
            match output {
                Output::Transmit(transmit) => {
                    ua.transmit_failed(now, &transmit, "too large for a datagram");
                }
                Output::Event(Event::Context(event)) if event.context == id => events.push(event),
                _ => {}
            }
        }
        events
    });
    let told: Vec<_> = events.iter().map(simulation::word).collect();
    assert_eq!(told, ["created", "failed Connection Error", "ended Connection Error"]);
    let status = &events.last().unwrap().status;
    assert_eq!((status.attempts, status.attempts_max), (0, 0));
}
