//! The timers at the foot of a timeline, and whose its lines are.

mod ui_script;

use std::time::Duration;

use bytes::Bytes;
use sipboard::{
    sip::{
        Absorbed, Cause, ContextId, Fact, Method, State, Status, StatusCode, Timer, TimerAt,
        TimerOf,
    },
    ui::{model::Cursor, view::Colours},
};
use ui_script::{Script, along, response, status};

fn of(method: Method, cseq: Option<u32>, of_peer: bool) -> Option<Box<TimerOf>> {
    Some(Box::new(TimerOf::Request { method, cseq, of_peer, leg: None }))
}

/// A call with one leg.
fn up() -> Script {
    let mut script = Script::new(Colours::None);
    script.flow(1, "ws://127.0.0.1:5066", ui_script::up("127.0.0.1:5066"));
    script.created(1, Method::Invite, "sip:answer@demo.test", true);
    script.sent(1, Method::Invite, status(State::Calling, true));
    let ok = Fact::Accepted { response: response(200, "OK", "INVITE"), again: false };
    script.fact(1, Method::Invite, ok, Status { legs_up: 1, ..status(State::Accepted, true) });
    script
}

fn choose(script: &mut Script, context: u64) {
    script.model.choose(Cursor { context: ContextId(context), leg: None });
}

/// The lines with that word, without the frame and the table beside it.
fn lines(text: &str, word: &str) -> Vec<String> {
    let own =
        |line: &str| line.rsplit("││").next().unwrap_or_default().trim_matches('│').to_owned();
    let words = |line: String| line.split_whitespace().collect::<Vec<_>>().join(" ");
    text.lines().map(own).map(words).filter(|line| line.contains(word)).collect()
}

#[test]
fn every_timer_is_counted_down_with_its_request() {
    let mut script = up();
    let at = |millis| script.now + Duration::from_millis(millis);
    let timers = [
        TimerAt { timer: Timer::E, at: at(500), of: of(Method::Prack, Some(2), false) },
        TimerAt { timer: Timer::J, at: at(9_000), of: of(Method::Info, Some(7), true) },
        TimerAt::own(Timer::M, at(30_000)),
    ];
    let state = Status { timers: timers.into(), more_timers: 0, ..status(State::Accepted, true) };
    script.fact(1, Method::Info, Fact::TimerFired { timer: Timer::J, of: None }, state);
    let text = script.text(140, 40);
    assert_eq!(
        lines(&text, "◌ Timer"),
        [
            "in 0.5s ◌ Timer E · PRACK 2 sends it again",
            "in 9.0s ◌ Timer J · INFO 7 of the peer waits for repeats",
            "in 30s ◌ Timer M waits for repeats",
        ],
        "{text}"
    );
}

#[test]
fn what_has_no_room_is_counted_and_what_only_waits_gives_way() {
    let mut script = up();
    let silent = |number: u64| TimerAt {
        timer: Timer::J,
        at: script.now + Duration::from_millis(1_000 + number),
        of: of(Method::Info, Some(number as u32), true),
    };
    let mut timers: Vec<TimerAt> = (1..12).map(silent).collect();
    timers.push(TimerAt::own(Timer::Expiry, script.now + Duration::from_secs(30)));
    let more_timers = 5;
    let state = Status { timers: timers.into(), more_timers, ..status(State::Accepted, true) };
    script.fact(1, Method::Info, Fact::TimerFired { timer: Timer::J, of: None }, state);
    let text = script.text(80, 24);
    let shown = lines(&text, "◌ Timer");
    assert_eq!(shown.len(), 3, "{text}");
    assert_eq!(shown[2], "in 30s ◌ Timer expiry subscription ends", "{text}");
    assert_eq!(lines(&text, "more timers"), ["… 14 more timers run"], "{text}");
}

#[test]
fn the_lines_and_timers_of_a_cancelled_reinvite_carry_its_number() {
    let mut script = up();
    script.created_by(26, Method::Invite, "sip:answer@demo.test", true, Some(1));
    script.sent(26, Method::Invite, status(State::Calling, true));
    let trying = Fact::Progress(response(100, "Trying", "INVITE"));
    script.fact(26, Method::Invite, trying, status(State::Proceeding, true));
    script.cancel(26, false);
    let at = script.now + Duration::from_millis(500);
    let timers = [TimerAt { timer: Timer::E, at, of: of(Method::Cancel, None, false) }];
    let cancelling = Status { timers: timers.into(), ..status(State::Cancelling, true) };
    let sent = Fact::CancelSent { message: Bytes::from_static(b"x"), destination: along() };
    script.fact(26, Method::Cancel, sent, cancelling);
    choose(&mut script, 1);
    let text = script.text(140, 40);
    assert_eq!(
        lines(&text, "◌ Timer"),
        ["in 0.5s ◌ Timer E · CANCEL #26 sends it again"],
        "{text}"
    );

    let over = status(State::Canceled, true);
    let cause = Cause::Canceled;
    let failed = Fact::Failed {
        response: Some(response(487, "Request Terminated", "INVITE").into()),
        cause,
        detail: Box::default(),
        advice: None,
    };
    script.fact(26, Method::Invite, failed, over.clone());
    let message = Bytes::from_static(b"x");
    let (status, destination) = (StatusCode::new(487).unwrap(), along());
    let ack = Fact::Acked { message, status, again: false, destination };
    script.fact(26, Method::Ack, ack, over.clone());
    let detail = "nobody answered".to_owned();
    script.fact(26, Method::Cancel, Fact::CancelFailed { detail }, over.clone());
    script.fact(26, Method::Invite, Fact::Ended { cause }, over);
    let text = script.text(140, 40);
    for line in [
        "⊘ cancel requested #26",
        "→ CANCEL #26",
        "✖ INVITE #26 failed Canceled",
        "→ ACK #26 for the 487",
        "✖ CANCEL failed #26",
        "■ INVITE #26 ended Canceled",
    ] {
        assert_eq!(lines(&text, line).len(), 1, "{line}: {text}");
    }
    // In its own timeline they need none.
    choose(&mut script, 26);
    let text = script.text(140, 40);
    assert!(lines(&text, "→ CANCEL").iter().all(|line| !line.contains("#26")), "{text}");
    assert_eq!(script.model.selected().unwrap().id, ContextId(26));
}

#[test]
fn a_fork_that_rings_after_another_has_accepted_is_not_the_last_word() {
    let mut script = up();
    let ringing = Fact::Progress(response(180, "Ringing", "INVITE"));
    script.fact(1, Method::Invite, ringing, status(State::Accepted, true));
    let text = script.text(140, 40);
    assert_eq!(lines(&text, "← 180 Ringing progress").len(), 1, "in the timeline: {text}");
    let row = text.lines().find(|line| line.contains("● accepted")).unwrap();
    assert!(row.contains("200 OK"), "{text}");
}

#[test]
fn a_response_to_the_try_before_says_so() {
    let mut script = up();
    let message = "INVITE sip:answer@demo.test SIP/2.0\r\nCSeq: 2 INVITE\r\n\r\n".into();
    let again = Fact::Sent { message, destination: along() };
    script.fact(1, Method::Invite, again, status(State::Calling, true));
    for (code, reason) in [(407, "Proxy Authentication Required"), (180, "Ringing")] {
        let response = response(code, reason, "INVITE");
        let absorbed = Fact::Absorbed { response, why: Absorbed::Repeated, count: 1 };
        script.fact(1, Method::Invite, absorbed, status(State::Calling, true));
    }
    let text = script.text(140, 40);
    assert_eq!(lines(&text, "Required to INVITE 1").len(), 1, "{text}");
    assert_eq!(lines(&text, "← 180 Ringing to INVITE 1").len(), 2, "{text}");
    assert_eq!(
        lines(&text, "200 OK accepted").len(),
        1,
        "what was answered then needs none: {text}"
    );
}

#[test]
fn a_timer_that_has_moved_counts_anew_and_adds_no_line() {
    let mut script = up();
    let ends = |script: &Script, seconds| Status {
        timers: [TimerAt {
            timer: Timer::Expiry,
            at: script.now + Duration::from_secs(seconds),
            of: Some(Box::new(TimerOf::Leg("a8\u{202e}".into()))),
        }]
        .into(),
        ..status(State::Accepted, true)
    };
    let before = ends(&script, 20);
    script.fact(1, Method::Subscribe, Fact::TimersChanged, before);
    let lines_before = script.text(80, 24).lines().filter(|line| line.contains('+')).count();
    let after = ends(&script, 600);
    script.fact(1, Method::Subscribe, Fact::TimersChanged, after);
    let text = script.text(80, 24);
    let shown = lines(&text, "◌ Timer");
    assert_eq!(shown, ["in 10m ◌ Timer expiry · leg a8\\u{202e} subscription ends"], "{text}");
    assert_eq!(text.lines().filter(|line| line.contains('+')).count(), lines_before);
}

#[test]
fn a_notify_tells_how_its_subscription_and_its_transfer_stand() {
    let mut script = up();
    let notify = "NOTIFY sip:a@b SIP/2.0\r\nSubscription-State: active;x=\u{202e}\r\n\
                  Content-Type: message/sipfrag\r\n\r\nSIP/2.0 180 Ring\x1bing\r\n";
    let message = Bytes::from(notify);
    let fact =
        Fact::Received { message, again: false, transaction: None, answer: None, session: None };
    script.fact(1, Method::Notify, fact, status(State::Accepted, true));
    let text = script.text(100, 30);
    let told = lines(&text, "from the peer");
    assert!(told[0].contains("active;x=\\u{202e} · SIP/2.0 180 Ring\\x1bing"), "{text}");
}

#[test]
fn a_call_that_is_over_says_in_its_row_what_it_still_waits_for() {
    let mut script = up();
    let expiry = TimerAt {
        timer: Timer::Expiry,
        at: script.now + Duration::from_secs(59),
        of: of(Method::Refer, Some(3), false),
    };
    let detail = "the subscription of REFER 3 outlives the call".to_owned();
    let waits = Status { timers: [expiry].into(), ..status(State::HungUp, true) };
    let waits = Status { ended: false, ..waits };
    script.fact(1, Method::Invite, Fact::Subscription { detail }, waits);
    let text = script.text(140, 40);
    let row = text.lines().find(|line| line.contains("hung up")).unwrap();
    assert!(row.contains("expiry in 59s"), "{text}");
    assert_eq!(lines(&text, "outlives").len(), 1, "{text}");
    let over = Fact::Ended { cause: Cause::Bye };
    script.fact(1, Method::Invite, over, Status { ended: true, ..status(State::HungUp, true) });
    let text = script.text(140, 40);
    assert!(text.lines().any(|line| line.contains("hung up") && line.contains("200 OK")), "{text}");
}

#[test]
fn an_invite_that_rang_when_its_connection_failed_says_that_it_waits_and_how_long() {
    let mut script = Script::new(Colours::None);
    script.flow(1, "sip:127.0.0.1:5066;transport=tcp", ui_script::up("127.0.0.1:5066"));
    script.created(1, Method::Invite, "sip:ring@demo.test", false);
    script.sent(1, Method::Invite, status(State::Calling, false));
    let ringing = Fact::Progress(response(180, "Ringing", "INVITE"));
    script.fact(1, Method::Invite, ringing, status(State::Proceeding, false));
    let wait = (Timer::CancelWait, script.now + Duration::from_secs(28));
    let waiting = ui_script::timers(status(State::Failed, false), &[wait]);
    let (cause, detail) = (Cause::ConnectionError, "the connection broke".into());
    let failed = Fact::Failed { response: None, cause, detail, advice: None };
    script.fact(1, Method::Invite, failed, waiting);
    for (width, height) in [(80, 24), (120, 30), (160, 45)] {
        let text = script.text(width, height);
        assert!(text.contains("✖ failed"), "{text}");
        assert!(text.contains("64·T1 in 28s"), "in the table: {text}");
        assert!(text.contains("it rang when it failed"), "{text}");
        assert!(text.contains("stops waiting for a final"), "in the timeline: {text}");
    }
    let text = script.text(160, 45);
    let row = text.lines().find(|line| line.contains("▸")).unwrap();
    assert!(row.contains("64·T1 in 28s, Con"), "why: {row}");
    script.wait(1_000);
    assert!(script.text(80, 24).contains("64·T1 in 27s"));

    let over = Status { ended: true, ..status(State::Failed, false) };
    script.fact(1, Method::Invite, Fact::Ended { cause }, over);
    let text = script.text(120, 30);
    assert!(!text.contains("64·T1") && !text.contains("it rang when it failed"), "{text}");
}
