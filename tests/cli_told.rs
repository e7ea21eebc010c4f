//! `sipboard send` against a scripted engine: what is told though nothing follows from it.

mod cli_script;

use cli_script::{JSON, READABLE, Ran, along, context_event, plan, rejected, response, run, sent};
use sipboard::{
    engine::Event,
    headless::{Plan, Style},
    sip::{self, Absorbed, Cause, ContextId, Fact, Method, Outside, OutsideFact, Response},
};

const TOTALS: Style = Style { totals: true, ..JSON };

/// A fact of a context that has ended.
fn after_the_end(id: ContextId, fact: Fact) -> Event {
    match context_event(id, Method::Invite, fact) {
        Event::Sip(sip::Event::Context(mut event)) => {
            event.status.ended = true;
            Event::Sip(sip::Event::Context(event))
        }
        other => other,
    }
}

fn late(status: u16, reason: &str, count: u32) -> Fact {
    Fact::Absorbed { response: response(status, reason), why: Absorbed::Late, count }
}

fn two() -> Plan {
    Plan { count: 2, concurrency: 2, ..plan(Method::Invite) }
}

/// The first of two INVITEs is rejected; a 200 and a 180 come for it while the second is under way.
async fn two_and_late_responses(style: Style) -> Ran {
    run(two(), style, async |script| {
        let (first, second) = (script.request().await, script.request().await);
        script.tell(first, Method::Invite, vec![sent()]).await;
        script.tell(first, Method::Invite, rejected(486, "Busy Here", Cause::Busy)).await;
        let late = [late(200, "OK", 1), late(180, "Ringing", 1), late(180, "Ringing", 2)];
        let late = late.into_iter().map(|fact| after_the_end(first, fact)).collect();
        script.events.send(late).await.unwrap();
        script.tell(second, Method::Invite, rejected(486, "Busy Here", Cause::Busy)).await;
        script.quit().await;
    })
    .await
}

#[tokio::test]
async fn what_comes_for_a_context_that_has_ended_stands_in_the_timeline() {
    let ran = two_and_late_responses(READABLE).await;
    let after = &ran.out[ran.out.find("ended").expect("the first has ended")..];
    let late: Vec<&str> = after.lines().filter(|line| line.contains("late")).collect();
    assert_eq!(late.len(), 3, "{}", ran.out);
    assert!(late[0].contains("#1 ← 200 OK"), "{}", late[0]);
    assert!(late[2].contains("180 Ringing") && late[2].contains("2 times"), "{}", late[2]);
    assert_eq!(ran.outcome.code(), 1, "nothing follows from it");
}

#[tokio::test]
async fn what_comes_for_a_context_that_has_ended_is_counted_and_told_beside_the_json() {
    let ran = two_and_late_responses(TOTALS).await;
    assert!(!ran.events().contains(&"accepted".to_owned()), "{}", ran.out);
    let summary = ran.json().pop().unwrap();
    assert_eq!((&summary["event"], &summary["late"]), (&"summary".into(), &3.into()));
    assert_eq!((&summary["accepted"], &summary["rejected"]), (&0.into(), &2.into()));
    let told: Vec<&str> = ran.err.lines().filter(|line| line.contains("late")).collect();
    assert_eq!(
        told,
        [
            "sipboard: #1: 200 OK to INVITE, late, changes nothing (1)",
            "sipboard: #1: 180 Ringing to INVITE, late, changes nothing (1)",
            "sipboard: #1: 180 Ringing to INVITE, late, changes nothing (2)",
        ]
    );
}

#[tokio::test]
async fn our_answers_that_go_out_again_are_retransmitted_events() {
    let again = || {
        let response = response(488, "Not Acceptable Here");
        Fact::Answered { response: response.into(), attempt: 2, left: 9, destination: along() }
    };
    let once = Fact::Answered {
        response: response(200, "OK").into(),
        attempt: 1,
        left: 0,
        destination: along(),
    };
    let unacked = Fact::NeverAcked { detail: "no ACK came".to_owned() };
    let outside = || {
        let response: Response = response(480, "Temporarily Unavailable");
        Event::Sip(sip::Event::Outside(Outside {
            at: std::time::Instant::now(),
            flow: sip::FlowId(7),
            source: "192.0.2.9:5060".parse().unwrap(),
            method: Method::Invite,
            fact: OutsideFact::Answered { response, attempt: 3, left: 8 },
        }))
    };
    let story = async |style| {
        run(plan(Method::Invite), style, async |script| {
            let id = script.request().await;
            let facts = vec![sent(), once.clone(), again(), unacked.clone()];
            script.tell(id, Method::Invite, facts).await;
            script.events.send(vec![outside()]).await.unwrap();
            script.tell(id, Method::Invite, rejected(486, "Busy Here", Cause::Busy)).await;
            script.quit().await;
        })
        .await
    };
    let ran = story(JSON).await;
    let lines = ran.json();
    assert_eq!(ran.events()[..3], ["sent", "retransmitted", "retransmitted"]);
    assert_eq!((&lines[1]["status"], &lines[1]["attempt"]), (&488.into(), &2.into()));
    assert_eq!((&lines[1]["context"], &lines[1]["leg"]), (&1.into(), &"1".into()), "their tag");
    assert_eq!((&lines[2]["status"], &lines[2]["flow"]), (&480.into(), &7.into()));
    assert_eq!(lines[2].get("context"), None);
    assert!(ran.err.contains("#1: no ACK came"), "{}", ran.err);
    let ran = story(READABLE).await;
    assert!(ran.out.contains("to INVITE, sent again (2 of 11)"), "{}", ran.out);
    assert!(ran.out.contains("sent again (3 of 11) from 192.0.2.9:5060"), "{}", ran.out);
    assert!(ran.out.contains("never ACKed"), "{}", ran.out);
}

#[tokio::test]
async fn what_comes_beside_unmatched_bytes_is_told_in_both_ways() {
    let beside = Fact::Beside {
        message: response(400, "Bad \x1b[31mRequest").message,
        detail: "192.0.2.9:5060 sent a 400 response that is not ours".into(),
    };
    for style in [JSON, READABLE] {
        let ran = run(plan(Method::Options), style, async |script| {
            let id = script.request().await;
            script.tell(id, Method::Options, vec![sent(), beside.clone()]).await;
            script.tell(id, Method::Options, rejected(486, "Busy Here", Cause::Busy)).await;
            script.quit().await;
        })
        .await;
        let told = if style.format == JSON.format { &ran.err } else { &ran.out };
        assert!(told.contains("400") && told.contains("is not ours"), "{told}");
        assert!(!told.contains('\x1b'), "{told:?}");
    }
}
