//! `sipboard send` against a scripted engine: outcomes, totals, and the words on standard output.

mod cli_script;

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use cli_script::{
    JSON, Kept, READABLE, Script, accepted, along, created, failed, plan, rejected, response, run,
    run_interrupted, sent,
};
use sipboard::{
    engine::{Command, Event, Refusal},
    headless::{self, Outcome, Style},
    outlet::Outlet,
    sip::{self, CancelOptions, Cause, ContextId, Fact, LegState, Method, TerminatedBy},
};
use tokio::sync::mpsc;

#[tokio::test]
async fn the_outcome_is_what_the_facts_say() {
    let cases = [
        (vec![sent(), accepted(), Fact::Ended { cause: Cause::Accepted }], 0),
        (rejected(486, "Busy Here", Cause::Busy), 1),
        (rejected(408, "Request Timeout", Cause::Unavailable), 1),
        (failed(Cause::RequestTimeout, "Timer F"), 3),
        (failed(Cause::ConnectionError, "127.0.0.1:9: refused"), 4),
        (failed(Cause::InternalError, "a defect"), 4),
        (rejected(487, "Request Terminated", Cause::Canceled), 5),
        (failed(Cause::Canceled, ""), 5),
        (rejected(487, "Request Terminated", Cause::SipFailureCode), 1),
    ];
    for (facts, code) in cases {
        let name = format!("{facts:?}");
        let ran = run(plan(Method::Options), JSON, async |script| {
            let id = script.request().await;
            script.tell(id, Method::Options, facts).await;
            script.quit().await;
        })
        .await;
        assert_eq!(ran.outcome.code(), code, "{name}");
        assert_eq!(ran.events().last().unwrap(), "ended", "{name}");
    }
}

#[tokio::test]
async fn a_json_line_has_the_fields_of_the_interface_and_no_empty_ones() {
    let ran = run(plan(Method::Invite), JSON, async |script| {
        let id = script.request().await;
        let progress = Fact::Progress(response(180, "Ringing"));
        script.tell(id, Method::Invite, vec![sent(), progress]).await;
        script.tell(id, Method::Invite, rejected(486, "Busy \x1b]0;x\x07", Cause::Busy)).await;
        script.quit().await;
    })
    .await;
    assert_eq!(ran.events(), ["sent", "progress", "rejected", "failed", "ended"]);
    assert!(!ran.out.trim_end_matches('\n').contains(|c: char| c.is_control() && c != '\n'));
    let lines = ran.json();
    let sent = lines[0].as_object().unwrap();
    assert!(!sent.contains_key("status") && !sent.contains_key("cause"), "{sent:?}");
    let progress = &lines[1];
    for (field, value) in [
        ("context", serde_json::json!(1)),
        ("method", "INVITE".into()),
        ("status", 180.into()),
        ("reason", "Ringing".into()),
        ("cause", "Ringing".into()),
        ("leg", "a8f2".into()),
    ] {
        assert_eq!(progress[field], value, "{field}");
    }
    let microseconds = progress["t"].as_f64().unwrap() * 1e6;
    assert!((microseconds - microseconds.round()).abs() < 1e-3, "{}", progress["t"]);
    let time = progress["time"].as_str().unwrap();
    let fraction = time.strip_suffix('Z').unwrap().split_once('.').unwrap().1;
    assert_eq!((time.len(), fraction.len()), ("2026-11-22T15:04:05.123456Z".len(), 6), "{time}");
    assert_eq!(lines[2]["reason"], "Busy \x1b]0;x\x07", "the text itself is kept");
    assert_eq!((&lines[2]["cause"], &lines[3]["cause"]), (&"Busy".into(), &"Busy".into()));
}

#[tokio::test]
async fn a_100_is_of_no_leg_whatever_tag_it_has() {
    let ran = run(plan(Method::Invite), JSON, async |script| {
        let id = script.request().await;
        let progress = |status| Fact::Progress(response(status, "Going on"));
        script.tell(id, Method::Invite, vec![sent(), progress(100), progress(180)]).await;
        script.tell(id, Method::Invite, rejected(486, "Busy", Cause::Busy)).await;
        script.quit().await;
    })
    .await;
    let lines = ran.json();
    assert_eq!((lines[1]["status"].as_u64(), lines[1].get("leg")), (Some(100), None));
    assert_eq!((lines[2]["status"].as_u64(), lines[2]["leg"].as_str()), (Some(180), Some("a8f2")));
}

#[tokio::test]
async fn a_status_has_a_reason_even_where_its_phrase_is_empty() {
    let ran = run(plan(Method::Invite), JSON, async |script| {
        let id = script.request().await;
        let options = CancelOptions { status_code: Some(480), reason_phrase: None };
        let acked = Fact::Acked {
            message: Default::default(),
            status: response(486, "").status,
            again: false,
            destination: along(),
        };
        let facts = vec![sent(), Fact::Cancel { options, waiting: false }, acked];
        script.tell(id, Method::Invite, facts).await;
        script.tell(id, Method::Invite, rejected(486, "", Cause::Busy)).await;
        script.quit().await;
    })
    .await;
    for line in ran.json() {
        assert_eq!(line.get("reason").is_some(), line.get("status").is_some(), "{line}");
        assert!(line.get("reason").is_none_or(|reason| reason == ""), "{line}");
    }
    assert_eq!(ran.events(), ["sent", "cancel", "acked", "rejected", "failed", "ended"]);
}

#[tokio::test]
async fn the_timeline_shows_what_would_steer_a_terminal_as_escapes() {
    let ran = run(plan(Method::Options), READABLE, async |script| {
        let id = script.request().await;
        script.tell(id, Method::Options, vec![sent()]).await;
        let bad = "No \x1b]0;x\x07\u{202e}";
        script.tell(id, Method::Options, rejected(404, bad, Cause::NotFound)).await;
        script.quit().await;
    })
    .await;
    assert!(ran.out.contains("→ OPTIONS sip:bob@demo.test"), "{}", ran.out);
    assert!(ran.out.contains(r"← 404 No \x1b]0;x\x07\u{202e}"), "{}", ran.out);
    assert!(!ran.out.contains(|c: char| c != '\n' && sip::escape::is_unsafe(c)), "{:?}", ran.out);
    assert!(ran.out.lines().all(|line| !line.ends_with(' ')), "{:?}", ran.out);
}

#[tokio::test]
async fn cancel_after_cancels_what_is_pending_with_its_reason() {
    let mut plan = plan(Method::Invite);
    plan.cancel_after = Some(Duration::from_millis(20));
    plan.cancel = CancelOptions { status_code: Some(480), reason_phrase: Some("gone".into()) };
    let wanted = plan.cancel.clone();
    let ran = run(plan, JSON, async |script| {
        let id = script.request().await;
        script.tell(id, Method::Invite, vec![sent()]).await;
        let command = script.command().await;
        let Command::Cancel { context, options } = command else { panic!("{command:?}") };
        assert_eq!((context, &options), (id, &wanted));
        script.tell(id, Method::Invite, vec![Fact::Cancel { options, waiting: true }]).await;
        let end = rejected(487, "Request Terminated", Cause::Canceled);
        script.tell(id, Method::Invite, end).await;
        script.quit().await;
    })
    .await;
    assert_eq!(ran.outcome, Outcome::Cancelled);
    let cancel = &ran.json()[1];
    assert_eq!((&cancel["status"], &cancel["reason"]), (&480.into(), &"gone".into()));
    assert_eq!(cancel["waiting"], true);
}

#[tokio::test]
async fn a_refused_cancel_is_a_sentence_and_not_the_end() {
    let mut plan = plan(Method::Options);
    plan.cancel_after = Some(Duration::ZERO);
    let ran = run(plan, JSON, async |script| {
        let id = script.request().await;
        script.tell(id, Method::Options, vec![sent()]).await;
        assert!(matches!(script.command().await, Command::Cancel { .. }));
        let reason = "OPTIONS cannot be cancelled, only an INVITE can (RFC 3261 §9.1)".to_owned();
        let refusal = Refusal { at: Instant::now(), context: Some(id), is_request: true, reason };
        script.events.send(vec![Event::Refused(refusal)]).await.unwrap();
        let end = vec![accepted(), Fact::Ended { cause: Cause::Accepted }];
        script.tell(id, Method::Options, end).await;
        script.quit().await;
    })
    .await;
    assert_eq!(ran.outcome, Outcome::Accepted);
    assert!(ran.err.contains("OPTIONS cannot be cancelled"), "{}", ran.err);
    assert!(!ran.out.contains("cannot"), "standard output is for events: {}", ran.out);
}

#[tokio::test]
async fn a_cancel_that_is_refused_while_the_invite_rings_ends_the_run() {
    let mut plan = plan(Method::Invite);
    plan.cancel_after = Some(Duration::ZERO);
    let ran = run(plan, JSON, async |script| {
        let id = script.request().await;
        script.tell(id, Method::Invite, vec![sent()]).await;
        assert!(matches!(script.command().await, Command::Cancel { .. }));
        let reason = "the reason phrase holds a line end".to_owned();
        let refusal = Refusal { at: Instant::now(), context: Some(id), is_request: true, reason };
        script.events.send(vec![Event::Refused(refusal)]).await.unwrap();
        let command = script.command().await;
        assert!(matches!(command, Command::Quit), "{command:?}");
        script.tell(id, Method::Invite, rejected(487, "", Cause::Canceled)).await;
        script.events.send(vec![Event::Stopped]).await.unwrap();
    })
    .await;
    assert_eq!(ran.outcome.code(), 2);
    assert_eq!(ran.err, "sipboard: #1: the reason phrase holds a line end\n");
    assert_eq!(ran.events().last().unwrap(), "ended");
}

#[tokio::test]
async fn an_accepted_invite_is_hung_up_when_it_is_time() {
    let mut plan = plan(Method::Invite);
    plan.hangup_after = Some(Duration::from_millis(20));
    let ran = run(plan, JSON, async |script| {
        let id = script.request().await;
        script.tell(id, Method::Invite, vec![sent(), accepted()]).await;
        let command = script.command().await;
        assert!(matches!(command, Command::HangUp { context } if context == id), "{command:?}");
        let bye = ContextId(99);
        script.tell(bye, Method::Bye, vec![created(Some(id)), sent(), accepted()]).await;
        script.tell(bye, Method::Bye, vec![Fact::Ended { cause: Cause::Accepted }]).await;
        script.tell(id, Method::Invite, vec![Fact::Ended { cause: Cause::Bye }]).await;
        script.quit().await;
    })
    .await;
    assert_eq!(ran.outcome, Outcome::Accepted);
    let lines = ran.json();
    let bye = lines.iter().find(|line| line["method"] == "BYE").unwrap();
    assert_eq!((&bye["context"], &bye["parent"]), (&99.into(), &1.into()));
}

#[tokio::test]
async fn the_legs_of_a_forked_invite_are_hung_up_together_and_a_late_one_is_not_asked_for() {
    let mut plan = plan(Method::Invite);
    plan.hangup_after = Some(Duration::from_millis(20));
    let ran = run(plan, JSON, async |script| {
        let id = script.request().await;
        script.tell(id, Method::Invite, vec![sent(), accepted()]).await;
        script.tell(id, Method::Invite, vec![accepted()]).await;
        let is_hang_up =
            |command: &Command| matches!(command, Command::HangUp { context } if *context == id);
        let command = script.command().await;
        assert!(is_hang_up(&command), "{command:?}");
        let more = tokio::time::timeout(Duration::from_millis(100), script.commands.recv()).await;
        assert!(more.is_err(), "both legs are hung up by the first: {more:?}");
        let state = LegState::HangingUp { bye: ContextId(99) };
        let hanging_up = Fact::Leg { tag: "a8f2".into(), state };
        // The user agent hangs up what accepts from now on.
        script.tell(id, Method::Invite, vec![hanging_up, accepted()]).await;
        let more = tokio::time::timeout(Duration::from_millis(100), script.commands.recv()).await;
        assert!(more.is_err(), "{more:?}");
        script.tell(id, Method::Invite, vec![Fact::Ended { cause: Cause::Bye }]).await;
        script.quit().await;
    })
    .await;
    assert_eq!((ran.outcome, &*ran.err), (Outcome::Accepted, ""));
}

#[tokio::test]
async fn an_accepted_invite_without_hangup_after_is_hung_up_at_once_and_its_end_waited_for() {
    let ran = run(plan(Method::Invite), JSON, async |script| {
        let id = script.request().await;
        script.tell(id, Method::Invite, vec![sent(), accepted()]).await;
        let command = script.command().await;
        assert!(matches!(command, Command::HangUp { context } if context == id), "{command:?}");
        script.tell(id, Method::Invite, vec![Fact::Ended { cause: Cause::Bye }]).await;
        script.quit().await;
    })
    .await;
    assert_eq!(ran.outcome, Outcome::Accepted);
}

#[tokio::test]
async fn timeout_gives_up_and_leaves() {
    let mut plan = plan(Method::Invite);
    plan.timeout = Some(Duration::from_millis(20));
    let ran = run(plan, JSON, async |script| {
        let id = script.request().await;
        script.tell(id, Method::Invite, vec![sent()]).await;
        assert!(matches!(script.command().await, Command::GiveUp { .. }));
        assert!(matches!(script.command().await, Command::Quit));
        let end = rejected(487, "Request Terminated", Cause::Canceled);
        script.tell(id, Method::Invite, end).await;
        script.events.send(vec![Event::Stopped]).await.unwrap();
    })
    .await;
    assert_eq!(ran.outcome, Outcome::TimedOut);
    assert!(ran.err.contains("given up after 20ms"), "{}", ran.err);
    assert_eq!(ran.events().last().unwrap(), "ended");
}

#[tokio::test]
async fn of_many_only_root_contexts_count_and_never_more_than_may_be_under_way() {
    let mut plan = plan(Method::Invite);
    (plan.count, plan.concurrency) = (5, 2);
    let totals = Style { events: false, totals: true, ..JSON };
    let ran = run(plan, totals, async |script| {
        let first = script.request().await;
        let second = script.request().await;
        script.tell(first, Method::Invite, vec![sent(), accepted()]).await;
        // The next command is the hang-up and not a third request.
        let command = script.command().await;
        assert!(matches!(command, Command::HangUp { context } if context == first), "{command:?}");
        let bye =
            vec![created(Some(first)), sent(), accepted(), Fact::Ended { cause: Cause::Accepted }];
        script.tell(ContextId(99), Method::Bye, bye).await;
        script.tell(first, Method::Invite, vec![Fact::Ended { cause: Cause::Bye }]).await;
        let third = script.request().await;
        script.tell(second, Method::Invite, vec![sent()]).await;
        script.tell(second, Method::Invite, rejected(486, "Busy", Cause::Busy)).await;
        let fourth = script.request().await;
        script.tell(third, Method::Invite, failed(Cause::RequestTimeout, "Timer B")).await;
        let fifth = script.request().await;
        script.tell(fourth, Method::Invite, vec![sent()]).await;
        script.tell(fourth, Method::Invite, rejected(487, "", Cause::Canceled)).await;
        script.tell(fifth, Method::Invite, failed(Cause::ConnectionError, "refused")).await;
        script.quit().await;
    })
    .await;
    assert_eq!(ran.outcome, Outcome::Transport, "the most fundamental failure counts");
    let lines = ran.json();
    assert_eq!(lines.len(), 1, "{}", ran.out);
    let summary = &lines[0];
    assert_eq!(summary["event"], "summary");
    for (field, count) in
        [("sent", 3), ("accepted", 1), ("rejected", 1), ("failed", 2), ("cancelled", 1)]
    {
        assert_eq!(summary[field], count, "{field}: {summary}");
    }
    assert!(summary["seconds"].as_f64().unwrap() > 0.0);
    assert!(summary["per_second"].as_f64().unwrap() > 0.0);
    let rtt = &summary["rtt_ms"];
    let ms = |name: &str| rtt[name].as_f64().unwrap();
    assert!(ms("p50") <= ms("p90") && ms("p90") <= ms("p99") && ms("p99") <= ms("max"));
}

#[tokio::test]
async fn a_rate_spreads_requests_over_time() {
    let mut plan = plan(Method::Options);
    (plan.count, plan.concurrency, plan.rate) = (5, usize::MAX, Some(100.0));
    let started = Instant::now();
    let ran = run(plan, Style { totals: true, ..JSON }, async |script| {
        for _ in 0..5 {
            let id = script.request().await;
            let end = vec![sent(), accepted(), Fact::Ended { cause: Cause::Accepted }];
            script.tell(id, Method::Options, end).await;
        }
        script.quit().await;
    })
    .await;
    assert_eq!(ran.outcome, Outcome::Accepted);
    assert!(started.elapsed() >= Duration::from_millis(40), "{:?}", started.elapsed());
    assert_eq!(ran.json().last().unwrap()["accepted"], 5);
}

#[tokio::test]
async fn a_request_that_cannot_be_sent_ends_the_run_with_a_sentence() {
    let mut plan = plan(Method::Options);
    plan.count = 1000;
    let ran = run(plan, JSON, async |script| {
        assert!(matches!(script.command().await, Command::Send(_)));
        let reason = "tel:1 names no server".to_owned();
        let refusal = Refusal { at: Instant::now(), context: None, is_request: true, reason };
        script.events.send(vec![Event::Refused(refusal)]).await.unwrap();
        script.quit().await;
    })
    .await;
    assert_eq!(ran.outcome.code(), 2);
    assert_eq!(ran.err, "sipboard: not sent: tel:1 names no server\n");
}

#[tokio::test]
async fn an_interrupt_leaves_gracefully_and_a_second_one_at_once() {
    for interrupts in [1, 2] {
        let (sender, receiver) = mpsc::channel(1);
        let ran = run_interrupted(plan(Method::Invite), JSON, receiver, async |script| {
            let id = script.request().await;
            script.tell(id, Method::Invite, vec![sent()]).await;
            sender.send(()).await.unwrap();
            assert!(matches!(script.command().await, Command::Quit));
            if interrupts == 2 {
                return sender.send(()).await.unwrap();
            }
            let end = rejected(487, "Request Terminated", Cause::Canceled);
            script.tell(id, Method::Invite, end).await;
            script.events.send(vec![Event::Stopped]).await.unwrap();
        })
        .await;
        assert_eq!(ran.outcome, Outcome::Cancelled);
        assert_eq!(ran.events().last().unwrap() == "ended", interrupts == 1);
    }
}

#[tokio::test]
async fn a_reader_that_goes_away_ends_the_run_quietly() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (engine, mut script) = Script::start(1);
    let (_sender, interrupts) = mpsc::channel(1);
    let err = Kept::default();
    let outlet = Outlet::new(Closed, err.clone());
    let plan = plan(Method::Invite);
    let (outcome, ()) =
        tokio::join!(headless::run(engine, plan, JSON, &outlet, interrupts), async {
            let id = script.request().await;
            script.tell(id, Method::Invite, vec![sent()]).await;
            script.quit().await;
        });
    assert_eq!(outcome, Outcome::Cancelled);
    assert_eq!(err.text(), "");
}

#[tokio::test]
async fn a_fork_that_still_rings_is_waited_for_and_that_is_said() {
    let ran = run(plan(Method::Invite), JSON, async |script| {
        let id = script.request().await;
        let fork = Fact::Leg { tag: "c".into(), state: LegState::Early };
        script.tell(id, Method::Invite, vec![sent(), fork, accepted()]).await;
        assert!(matches!(script.command().await, Command::HangUp { .. }));
        let by = TerminatedBy::Local;
        let over = Fact::Leg { tag: "a8f2".into(), state: LegState::Terminated { by } };
        script.tell(id, Method::Invite, vec![over]).await;
        let more = tokio::time::timeout(Duration::from_millis(100), script.commands.recv()).await;
        assert!(more.is_err(), "it does not leave: {more:?}");
        script.tell(id, Method::Invite, vec![Fact::Ended { cause: Cause::Bye }]).await;
        script.quit().await;
    })
    .await;
    assert_eq!(ran.outcome, Outcome::Accepted);
    assert!(ran.err.contains("waiting for forks that still ring"), "{}", ran.err);
}

#[tokio::test]
async fn an_interrupt_that_only_ends_the_wait_for_forks_changes_no_outcome() {
    let (sender, receiver) = mpsc::channel(1);
    let ran = run_interrupted(plan(Method::Invite), JSON, receiver, async |script| {
        let id = script.request().await;
        let fork = Fact::Leg { tag: "c".into(), state: LegState::Early };
        script.tell(id, Method::Invite, vec![sent(), fork, accepted()]).await;
        assert!(matches!(script.command().await, Command::HangUp { .. }));
        let by = TerminatedBy::Local;
        let over = Fact::Leg { tag: "a8f2".into(), state: LegState::Terminated { by } };
        script.tell(id, Method::Invite, vec![over]).await;
        let more = tokio::time::timeout(Duration::from_millis(100), script.commands.recv()).await;
        assert!(more.is_err(), "it does not leave: {more:?}");
        sender.send(()).await.unwrap();
        assert!(matches!(script.command().await, Command::Quit));
        script.tell(id, Method::Invite, vec![Fact::Ended { cause: Cause::Bye }]).await;
        script.events.send(vec![Event::Stopped]).await.unwrap();
    })
    .await;
    assert_eq!(ran.outcome, Outcome::Accepted);
}
