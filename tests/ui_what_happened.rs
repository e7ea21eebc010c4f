//! The table and the detail say what happened as it was then, not as it stands by now.

mod ui_script;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use crossterm::event::{KeyCode, KeyModifiers};
use sipboard::{
    engine::FlowState,
    sip::{
        Absorbed, Cause, Created, Deed, Destination, Direction, Fact, FlowId, Impaired, Method,
        State, Status, StatusCode, Timer, Transport, Trial,
        resolution::{Candidate, Source},
    },
    transport::Certificate,
    ui::{model::Columns, view::Colours},
};
use ui_script::{Script, along, response, status, timers, up};

const WIDE: (u16, u16) = (160, 45);

fn screen(script: &mut Script) -> String {
    script.text(WIDE.0, WIDE.1)
}

/// The lines of the screen with that text.
fn lines(script: &mut Script, with: &str) -> Vec<String> {
    let screen = screen(script);
    screen.lines().filter(|line| line.contains(with)).map(str::to_owned).collect()
}

/// The chosen row of the table.
fn chosen(script: &mut Script) -> String {
    lines(script, "▸").remove(0)
}

fn by_name(script: &mut Script, context: u64, target: &str) {
    let created = Created {
        request_uri: target.parse().unwrap(),
        local_identity: "<sip:alice@demo.test>".into(),
        remote_identity: format!("<{target}>").into(),
        call_id: "1".into(),
        flow: None,
        transport: Transport::Udp,
        parent: None,
        account: None,
        registration: None,
    };
    let waiting = status(State::Waiting, true);
    script.fact(context, Method::Invite, Fact::Created(Box::new(created)), waiting.clone());
    let server = "sip:v6.test".into();
    script.fact(context, Method::Invite, Fact::Resolving { server }, waiting);
}

#[test]
fn a_request_that_failed_over_says_where_each_copy_went() {
    let mut script = Script::new(Colours::Many);
    script.flow(1, "sip:127.0.0.1:25699;transport=udp", up("127.0.0.1:25699"));
    script.flow(2, "sip:127.0.0.1:25601;transport=udp", up("127.0.0.1:25601"));
    by_name(&mut script, 1, "sip:bob@v6.test");
    let candidates: Arc<[Candidate]> = [25_699, 25_601]
        .map(|port| Candidate {
            transport: Transport::Udp,
            address: ([127, 0, 0, 1], port).into(),
            source: Source::Address,
        })
        .into();
    let calling = status(State::Calling, true);
    for (flow, failures) in [(1, vec![]), (2, vec![Arc::from("refused")])] {
        let trial =
            Trial { flow: FlowId(flow), candidates: candidates.clone(), failures: failures.into() };
        script.fact(1, Method::Invite, Fact::Trying(Box::new(trial)), calling.clone());
        script.sent(1, Method::Invite, calling.clone());
        script.wait(100);
    }
    let sent = lines(&mut script, "→  INVITE");
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(sent[0].contains("udp 127.0.0.1:25699"), "{sent:?}");
    assert!(sent[1].contains("udp 127.0.0.1:25601"), "{sent:?}");
}

#[test]
fn what_went_elsewhere_than_its_flow_leads_names_that_address_and_has_its_own_lifeline() {
    let mut script = Script::new(Colours::Many);
    script.flow(2, "sip:127.0.0.1:5060;transport=udp", up("127.0.0.1:5060"));
    script.created(1, Method::Invite, "sip:bob@demo.test", true);
    let up = status(State::Accepted, true);
    script.sent(1, Method::Invite, up.clone());
    let ok = Fact::Accepted { response: response(200, "OK", "INVITE"), again: false };
    script.fact(1, Method::Invite, ok, up.clone());
    let to = Some(Box::new(([127, 0, 0, 1], 5070).into()));
    let ack = Fact::Acked {
        message: "ACK".into(),
        status: StatusCode::OK,
        again: false,
        destination: Destination { to, ..along() },
    };
    script.fact(1, Method::Ack, ack, up);
    let told = [lines(&mut script, "→  INVITE"), lines(&mut script, "→  ACK")].concat();
    assert!(told[0].contains("udp 127.0.0.1:5060"), "{told:?}");
    assert!(told[1].contains("for the 200 · udp 127.0.0.1:5070"), "{told:?}");
    script.type_text("2");
    let ladder = screen(&mut script);
    assert!(ladder.contains("127.0.0.1:5060") && ladder.contains("127.0.0.1:5070"), "{ladder}");
    script.type_text("6");
    let flow = screen(&mut script);
    assert!(flow.contains("went to") && flow.contains("udp 127.0.0.1:5070: "), "{flow}");
}

#[test]
fn what_was_dropped_on_its_way_in_is_an_arrow_that_does_not_reach_us() {
    let mut script = Script::new(Colours::Many);
    script.flow(2, "sip:127.0.0.1:5060;transport=udp", up("127.0.0.1:5060"));
    script.created(1, Method::Invite, "sip:bob@demo.test", true);
    let calling = status(State::Calling, true);
    script.sent(1, Method::Invite, calling.clone());
    let impaired = Impaired {
        direction: Direction::In,
        deed: Deed::Dropped,
        rule: "in drop 30%".into(),
        message: response(180, "Ringing", "INVITE").message,
    };
    script.fact(1, Method::Invite, Fact::Impaired(Box::new(impaired)), calling);
    script.type_text("2");
    let arrow = lines(&mut script, "│  ✖─ 180 Ringing");
    let all = screen(&mut script);
    assert!(arrow.len() == 1, "{all}");
    assert!(arrow[0].contains("─│"), "it leaves the peer: {arrow:?}");
    script.type_text("yM");
    let mermaid = String::from_utf8(script.model.clip.take().unwrap().bytes).unwrap();
    assert!(mermaid.contains("p1--xp0: 180 Ringing"), "{mermaid}");
}

#[test]
fn a_look_up_that_found_nothing_is_not_said_to_go_on() {
    let mut script = Script::new(Colours::Many);
    by_name(&mut script, 1, "sip:bob@nowhere.test");
    assert!(screen(&mut script).contains("over a server that is being looked up"));
    let failed = Fact::Failed {
        response: None,
        cause: Cause::ConnectionError,
        detail: "nowhere.test has no address".into(),
        advice: None,
    };
    let over = Status { ended: true, ..status(State::Failed, true) };
    script.fact(1, Method::Invite, failed, over);
    let screen = screen(&mut script);
    assert!(!screen.contains("being looked up"), "{screen}");
    assert!(screen.contains("over no server: none was found"), "{screen}");
}

#[test]
fn why_a_flow_ended_stays_with_the_rows_that_it_ended() {
    let mut script = Script::new(Colours::Many);
    script.flow(1, "ws://127.0.0.1:5066", up("127.0.0.1:5066"));
    script.created(1, Method::Invite, "sip:drop@demo.test", false);
    script.sent(1, Method::Invite, status(State::Calling, false));
    script.wait(100);
    let why = "the WebSocket server closed: 1013 try again later";
    let down =
        FlowState::Down { reason: why.to_owned(), retry_at: None, refused: Default::default() };
    script.flow(1, "ws://127.0.0.1:5066", down);
    let failed = Fact::Failed {
        response: None,
        cause: Cause::ConnectionError,
        detail: why.into(),
        advice: None,
    };
    let over = Status { ended: true, ..status(State::Failed, false) };
    script.fact(1, Method::Invite, failed, over.clone());
    script.fact(1, Method::Invite, Fact::Ended { cause: Cause::ConnectionError }, over);
    script.press(KeyCode::Tab, KeyModifiers::NONE);
    script.type_text("6");
    assert_eq!(lines(&mut script, " why ").len(), 1);
    script.wait(500);
    script.flow(1, "ws://127.0.0.1:5066", up("127.0.0.1:5066"));
    script.wait(10_000);
    let told = screen(&mut script);
    assert!(told.contains("● up since 15:04:05.600"), "{told}");
    assert!(told.contains("ended") && told.contains("✖ 15:04:05.100: the WebSocket"), "{told}");
    assert!(told.contains("1013 try") && told.contains("again later"), "{told}");
    // What came after has nothing to do with it.
    script.created(2, Method::Options, "sip:demo.test", false);
    script.press(KeyCode::Tab, KeyModifiers::NONE);
    script.type_text("g");
    let told = screen(&mut script);
    assert!(told.contains("#2 OPTIONS") && !told.contains("1013"), "{told}");
}

#[test]
fn the_ladder_tells_what_is_repeated_and_what_was_dropped() {
    let mut script = Script::new(Colours::Many);
    script.flow(2, "sip:127.0.0.1:5060;transport=udp", up("127.0.0.1:5060"));
    script.created(1, Method::Invite, "sip:bob@demo.test", true);
    let (calling, accepted) = (status(State::Calling, true), status(State::Accepted, true));
    let message = Bytes::from_static(b"INVITE sip:bob@demo.test SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n");
    let mut fact = |method, fact, status| {
        script.fact(1, method, fact, status);
        script.wait(500);
    };
    fact(
        Method::Invite,
        Fact::Sent { message: message.clone(), destination: along() },
        calling.clone(),
    );
    let impaired = Impaired {
        direction: Direction::Out,
        deed: Deed::Dropped,
        rule: Arc::from("out drop"),
        message: message.clone(),
    };
    fact(Method::Invite, Fact::Impaired(Box::new(impaired)), calling.clone());
    fact(Method::Invite, Fact::Retransmitted { message, attempt: 2, left: 5 }, calling);
    let ack = |again| Fact::Acked {
        message: Bytes::from_static(b"ACK sip:bob@demo.test SIP/2.0\r\nCSeq: 1 ACK\r\n\r\n"),
        status: StatusCode::new(200).unwrap(),
        again,
        destination: along(),
    };
    for again in [false, true] {
        let ok = response(200, "OK", "INVITE");
        fact(Method::Invite, Fact::Accepted { response: ok, again }, accepted.clone());
        fact(Method::Ack, ack(again), accepted.clone());
    }
    let late = Fact::Absorbed {
        response: response(180, "Ringing", "INVITE"),
        why: Absorbed::Repeated,
        count: 1,
    };
    fact(Method::Invite, late, accepted.clone());
    let ours = |attempt| Fact::Answered {
        response: response(200, "Fine", "INVITE").into(),
        attempt,
        left: 3,
        destination: along(),
    };
    fact(Method::Invite, ours(1), accepted.clone());
    fact(
        Method::Update,
        Fact::Received {
            message: Bytes::from_static(b"x"),
            again: true,
            transaction: None,
            session: None,
            answer: None,
        },
        accepted.clone(),
    );
    fact(Method::Invite, ours(2), accepted);
    script.press(KeyCode::Tab, KeyModifiers::NONE);
    script.type_text("2");
    let told = screen(&mut script);
    for (words, count) in [
        ("─✖  │", 1),
        ("─ INVITE again", 1),
        ("─ 200 OK again", 1),
        ("─ ACK again", 1),
        ("─ 180 Ringing again", 1),
        ("─ 200 Fine again", 1),
        ("─ UPDATE again", 1),
    ] {
        assert_eq!(told.matches(words).count(), count, "{words}: {told}");
    }
    // Where there is little room the mark stays.
    script.type_text("------");
    let told = screen(&mut script);
    assert_eq!(told.matches('↻').count(), 6, "{told}");
    assert_eq!(told.matches("✖  │").count(), 1, "{told}");
    script.type_text("yM");
    let mermaid = String::from_utf8(script.model.clip.take().unwrap().bytes).unwrap();
    assert!(mermaid.contains("p0-xp1: INVITE, CSeq 1\n"), "{mermaid}");
    assert!(mermaid.contains("p0->>p1: INVITE again, CSeq 1\n"), "{mermaid}");
}

#[test]
fn a_timer_that_runs_on_after_the_end_stands_in_its_column_until_it_fires() {
    let mut script = Script::new(Colours::Many);
    script.flow(2, "sip:127.0.0.1:5060;transport=udp", up("127.0.0.1:5060"));
    script.created(1, Method::Invite, "sip:busy@demo.test", true);
    let end = script.now + Duration::from_secs(32);
    let over = Status { ended: true, ..timers(status(State::Rejected, true), &[(Timer::D, end)]) };
    script.fact(1, Method::Invite, Fact::Ended { cause: Cause::Busy }, over);
    let columns = ["timer", "target", "state"].map(|name| name.parse().unwrap());
    script.model.table.columns = Columns::new(columns);
    script.wait(2_000);
    let row = chosen(&mut script);
    assert!(row.contains("D in 30s"), "{row}");
    script.wait(30_000);
    let row = chosen(&mut script);
    assert!(!row.contains("D in"), "{row}");
}

#[test]
fn the_user_of_a_target_is_shown_and_its_password_is_not() {
    let mut script = Script::new(Colours::Many);
    script.created(1, Method::Options, "sip:bob:hush@lab.test;transport=udp", true);
    let row = chosen(&mut script);
    assert!(row.contains("bob@lab.test") && !row.contains("hush"), "{row}");
    script.type_text("/target:bob@lab\n");
    assert_eq!(script.model.table.list.rows(), 1, "it is found as it is shown");
    script.type_text("/");
    script.press(KeyCode::Char('u'), KeyModifiers::CONTROL);
    script.type_text("target:hush\n");
    assert_eq!(script.model.table.list.rows(), 0);
}

#[test]
fn how_a_flow_is_kept_alive_names_what_says_so() {
    for (server, words) in [
        (
            "sip:127.0.0.1:5060;transport=udp",
            "CRLF every 29s (a practice: RFC 5626 §4.4.2 has STUN",
        ),
        ("sip:127.0.0.1:5060;transport=tcp", "CRLF every 120s (RFC 5626 §4.4.1)"),
        ("ws://127.0.0.1:5066", "a ping every 120s (RFC 7118 §6)"),
    ] {
        let mut script = Script::new(Colours::Many);
        script.flow(1, server, up("127.0.0.1:5060"));
        script.created(1, Method::Options, "sip:demo.test", false);
        script.press(KeyCode::Tab, KeyModifiers::NONE);
        script.type_text("6");
        let text = script.text(240, 45);
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn a_certificate_that_was_refused_can_be_looked_at() {
    let mut script = Script::new(Colours::Many);
    let date = |text: &str| text.parse().unwrap();
    let certificate = Certificate {
        subject: "CN=sip.lab.test".to_owned(),
        issuer: "CN=Nobody's CA".to_owned(),
        not_before: date("2020-01-01T00:00:00Z"),
        not_after: date("2021-01-01T00:00:00Z"),
        names: Default::default(),
    };
    let reason = "tls 127.0.0.1:5061 cannot be reached: its certificate expired".to_owned();
    let refused = vec![certificate].into();
    script.flow(1, "sips:127.0.0.1:5061", FlowState::Down { reason, retry_at: None, refused });
    script.created(1, Method::Options, "sip:demo.test", false);
    script.press(KeyCode::Tab, KeyModifiers::NONE);
    script.type_text("6");
    let screen = screen(&mut script);
    for words in
        ["✖ this certificate was refused", "CN=sip.lab.test", "CN=Nobody's CA", "2020-01-01 to"]
    {
        assert!(screen.contains(words), "{words}: {screen}");
    }
}
