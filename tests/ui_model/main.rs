//! What keys, facts and the mouse do to the dashboard, and what never reaches a cell.

mod composer;
mod header;
mod hung_up;
mod in_dialog;
#[path = "../ui_script/mod.rs"]
mod ui_script;

use std::time::Duration;

use crossterm::event::{
    Event as Input, KeyCode, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use sipboard::{
    engine::{Command, Event, FlowState},
    sip::{Cause, ContextId, Fact, LegState, Method, State, Status, Timer, escape::is_unsafe},
    transport::{FlowFacts, FlowSettings, TlsFacts},
    ui::{
        model::{Mode, Pane},
        update,
        view::Colours,
    },
};
use ui_script::{Script, along, response, status, timers};

const NONE: KeyModifiers = KeyModifiers::NONE;

/// What no cell may ever hold.
const HOSTILE: &str = "\x1b]0;x\x07\u{9b}31m\u{202e}\u{2066}\u{200b}\u{feff}\x7f\0\r\n\t";

#[test]
fn a_row_appears_when_the_engine_says_so_and_not_before() {
    let mut script = Script::tour(Colours::Many);
    let before = script.model.facts.contexts.len();
    script.type_text("nbusy");
    let command = script.press(KeyCode::Enter, NONE);
    let Some(Command::Send(submission)) = command else { panic!("{command:?}") };
    assert_eq!(submission.request.request_uri.as_str(), "sip:busy@demo.test");
    assert_eq!(script.model.mode, Mode::Browse);
    assert_eq!(script.model.facts.contexts.len(), before);

    script.created(7, Method::Invite, "sip:busy@demo.test", false);
    assert_eq!(script.model.selected().map(|row| row.id), Some(ContextId(7)));
    script.created(8, Method::Invite, "sip:other@demo.test", false);
    assert_eq!(
        script.model.selected().map(|row| row.id),
        Some(ContextId(7)),
        "only what was sent from here is chosen"
    );
}

#[test]
fn the_selection_and_the_window_stay_while_rows_come() {
    let mut script = Script::new(Colours::Many);
    for id in 1..=200 {
        script.created(id, Method::Options, "sip:demo.test", true);
    }
    script.draw(80, 24);
    script.type_text("g");
    script.press(KeyCode::PageDown, NONE);
    script.press(KeyCode::PageDown, NONE);
    script.draw(80, 24);
    let (chosen, window) = (script.model.browse.selected, rows(&script.text(80, 24)));
    for id in 201..=300 {
        script.created(id, Method::Options, "sip:demo.test", true);
    }
    assert_eq!(script.model.browse.selected, chosen);
    assert_eq!(rows(&script.text(80, 24)), window);
}

#[test]
fn a_hundred_thousand_contexts_are_one_screen() {
    let mut script = Script::new(Colours::Many);
    for id in 1..=100_000 {
        script.created(id, Method::Options, "sip:demo.test", true);
    }
    script.draw(120, 40);
    script.type_text("g");
    assert!(script.text(120, 40).contains("▸  100000 OPTIONS"));
    script.type_text("G");
    assert!(script.text(120, 40).contains("▸       1 OPTIONS"));
    assert_eq!(script.model.facts.contexts.in_flight(), 100_000);
}

#[test]
fn the_totals_follow_every_change() {
    let mut script = Script::tour(Colours::Many);
    let contexts = &script.model.facts.contexts;
    let rows = || (0..contexts.len()).filter_map(|n| contexts.row(n));
    let pending = rows().filter(|row| row.status.state.is_pending()).count();
    let legs: u32 = rows().map(|row| row.status.legs_up).sum();
    assert_eq!((contexts.in_flight(), contexts.legs_up()), (pending, legs as usize));
    assert_eq!((pending, legs), (2, 1));
    script.hung_up(3, 7);
    assert_eq!(script.model.facts.contexts.legs_up(), 0);
}

#[test]
fn a_key_that_cannot_act_says_why() {
    let mut script = Script::new(Colours::Many);
    assert!(script.type_text("c").is_none());
    assert!(script.text(80, 24).contains("nothing to cancel yet: send an INVITE with n"));

    let mut script = Script::tour(Colours::Many);
    script.draw(80, 24);
    script.type_text("G");
    let command = script.type_text("c");
    let Some(Command::Cancel { context, .. }) = command else { panic!("{command:?}") };
    assert_eq!(context, ContextId(1), "the user agent decides, not the screen");
    script.refuse(Some(1), "OPTIONS cannot be cancelled, only an INVITE can (RFC 3261 §9.1)");
    assert!(script.text(80, 24).contains("✖ #1: OPTIONS cannot be cancelled"));
    script.press(KeyCode::Esc, NONE);
    assert!(!script.text(80, 24).contains("OPTIONS cannot be cancelled"));
    script.type_text("L");
    assert!(script.text(80, 24).contains("#1: OPTIONS cannot be cancelled"), "the log keeps it");
}

#[test]
fn quitting_waits_for_the_engine_and_a_second_time_does_not() {
    let mut script = Script::tour(Colours::Many);
    assert!(matches!(script.type_text("q"), Some(Command::Quit)));
    assert!(script.text(80, 24).contains("closing: 2 in flight, 1 leg up"));
    assert!(script.type_text("n").is_none());
    script.apply(Event::Stopped);
    assert_eq!(script.model.mode, Mode::Left);

    let mut script = Script::tour(Colours::Many);
    script.type_text("nq");
    assert_eq!(script.model.mode, Mode::Compose, "q is a letter there");
    let command = script.press(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert!(matches!(command, Some(Command::Quit)));
    assert!(script.press(KeyCode::Char('c'), KeyModifiers::CONTROL).is_none());
    assert_eq!(script.model.mode, Mode::Left);
}

#[test]
fn the_mouse_chooses_rows_and_panes() {
    let mut script = Script::tour(Colours::Many);
    script.draw(120, 30);
    mouse(&mut script, MouseEventKind::Down(MouseButton::Left), 10, 4);
    assert_eq!(script.model.selected().map(|row| row.id), Some(ContextId(5)));
    mouse(&mut script, MouseEventKind::Down(MouseButton::Left), 10, 20);
    assert_eq!(script.model.selected().map(|row| row.id), Some(ContextId(5)), "no row there");
    mouse(&mut script, MouseEventKind::ScrollDown, 10, 20);
    assert_eq!(script.model.selected().map(|row| row.id), Some(ContextId(2)));
    mouse(&mut script, MouseEventKind::Down(MouseButton::Left), 90, 8);
    assert_eq!(script.model.browse.pane, Pane::Detail);
    for (column, row) in [(0, 0), (119, 29), (500, 500), (65, 28)] {
        mouse(&mut script, MouseEventKind::Down(MouseButton::Left), column, row);
        mouse(&mut script, MouseEventKind::ScrollUp, column, row);
    }
}

#[test]
fn the_timeline_follows_its_end_until_it_is_scrolled() {
    let mut script = Script::new(Colours::Many);
    script.silent(1);
    for attempt in 4..40 {
        script.retransmit(1, attempt.min(7));
    }
    assert!(script.text(80, 24).contains("Timer B"));
    script.press(KeyCode::Tab, NONE);
    script.type_text("g");
    let top = script.text(80, 24);
    assert!(top.contains("→  INVITE  ") && !top.contains("Timer B"), "{top}");
    script.type_text("G");
    assert!(script.text(80, 24).contains("Timer B"));
}

#[test]
fn a_peer_that_repeats_itself_for_ever_does_not_fill_the_memory() {
    let mut script = Script::new(Colours::Many);
    script.answered(1);
    let up = Status { legs_up: 1, ..status(State::Accepted, false) };
    for _ in 0..5_000 {
        let again = Fact::Accepted { response: response(200, "OK", "INVITE"), again: true };
        script.fact(1, Method::Invite, again, up.clone());
    }
    let row = script.model.facts.contexts.row(0).unwrap();
    assert!(row.timeline.len() <= 1_000);
    let (_, left_out) = row.timeline.gap().unwrap();
    assert_eq!(row.timeline.len() + left_out, 5_000 + 7);
}

#[test]
fn nothing_from_the_network_steers_the_terminal() {
    let mut script = Script::new(Colours::Many);
    let nasty =
        FlowState::Down { reason: HOSTILE.into(), retry_at: None, refused: Default::default() };
    script.flow(1, "ws://127.0.0.1:5066", nasty);
    script.answered(1);
    let over = status(State::Failed, false);
    let method = Method::Extension(HOSTILE.into());
    let response = || response(600, HOSTILE, "INVITE");
    for fact in [
        Fact::Progress(response()),
        Fact::Rejected { response: response(), cause: Cause::Busy },
        Fact::Failed {
            response: None,
            cause: Cause::ConnectionError,
            detail: HOSTILE.into(),
            advice: None,
        },
        Fact::CancelFailed { detail: HOSTILE.into() },
        Fact::Challenged { response: response(), record: Box::new(hostile_record()) },
        Fact::AuthGivenUp { record: Box::new(hostile_record()) },
        Fact::Leg { tag: HOSTILE.into(), state: LegState::Early },
        Fact::Answered { response: response().into(), attempt: 2, left: 9, destination: along() },
        Fact::NeverAcked { detail: HOSTILE.into() },
        Fact::Beside { message: response().message, detail: HOSTILE.into() },
    ] {
        script.fact(1, method.clone(), fact.clone(), over.clone());
        script.fact(1, Method::Invite, fact, over.clone());
    }
    script.stray(b"\x1b]0;x\x07\xe2\x80\xae\xff\x00", HOSTILE);
    script.refuse(None, HOSTILE);
    script.type_text("n");
    for _ in 0..7 {
        paste(&mut script, HOSTILE);
        script.press(KeyCode::Tab, NONE);
    }
    for mode in [Mode::Browse, Mode::Compose, Mode::Log { top: 0 }, Mode::Help { top: 0 }] {
        script.model.mode = mode;
        for (width, height) in [(200, 60), (120, 30), (80, 24), (60, 20), (40, 8), (20, 3)] {
            for pane in [Pane::Table, Pane::Detail] {
                script.model.browse.pane = pane;
                let (picture, _) = script.draw(width, height);
                for cell in picture.content() {
                    assert!(!cell.symbol().chars().any(is_unsafe), "{:?}", cell.symbol());
                }
            }
        }
    }
    script.model.mode = Mode::Browse;
    script.model.browse.pane = Pane::Table;
    assert!(script.text(200, 60).contains(r"\x1b]0;x\x07\x9b31m\u{202e}"), "it is shown instead");
}

#[test]
fn the_picture_changes_when_it_said_and_not_before() {
    let mut script = Script::new(Colours::Many);
    assert_eq!(script.draw(120, 30).1.changes_at, None, "nothing moves on an empty dashboard");

    let mut script = Script::tour(Colours::Many);
    for _ in 0..100 {
        let (picture, drawn) = script.draw(120, 30);
        let at = drawn.changes_at.expect("countdowns and ages move");
        assert!(at > script.now);
        script.now = at - Duration::from_micros(1);
        assert_eq!(script.draw(120, 30).0, picture);
        script.now = at;
    }
}

fn target(command: Option<Command>) -> String {
    match command {
        Some(Command::Send(submission)) => submission.request.request_uri.to_string(),
        other => panic!("not sent: {other:?}"),
    }
}

fn paste(script: &mut Script, text: &str) {
    update::input(&mut script.model, Input::Paste(text.to_owned()), script.now);
}

fn mouse(script: &mut Script, kind: MouseEventKind, column: u16, row: u16) {
    let event = MouseEvent { kind, column, row, modifiers: NONE };
    update::input(&mut script.model, Input::Mouse(event), script.now);
}

/// The lines of the table, without its borders.
fn rows(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| line.contains("OPTIONS") && !line.contains('#'))
        .map(|line| line.trim_matches(['│', '┃']).to_owned())
        .collect()
}

fn hostile_record() -> sipboard::sip::auth::AuthRecord {
    use sipboard::sip::auth::{AuthRecord, GiveUp};
    AuthRecord {
        status: None,
        challenges: Vec::new(),
        left_out: 0,
        carried: Vec::new(),
        gave_up: Some(GiveUp::NoCredentials { realm: HOSTILE.into() }),
    }
}

#[test]
fn a_cancelling_row_counts_down_whatever_came_last() {
    let mut script = Script::new(Colours::Many);
    script.ringing(1);
    let wait = (Timer::CancelWait, script.now + Duration::from_secs(31));
    let cancelling = timers(status(State::Cancelling, true), &[wait]);
    script.fact(
        1,
        Method::Cancel,
        Fact::CancelSent { message: "x".into(), destination: along() },
        cancelling,
    );
    for (width, height) in [(80, 24), (120, 30), (160, 45)] {
        let screen = script.text(width, height);
        assert!(screen.contains("64·T1 in 31s"), "{screen}");
        assert!(screen.contains("Timer 64·T1"), "{screen}");
        assert!(screen.contains("counts as canc"), "{screen}");
    }
    let expiry = (Timer::Expiry, script.now + Duration::from_secs(3_600));
    let up = timers(Status { legs_up: 1, ..status(State::Accepted, true) }, &[expiry]);
    script.created(2, Method::Subscribe, "sip:bob@demo.test", true);
    let ok = Fact::Accepted { response: response(200, "OK", "SUBSCRIBE"), again: false };
    script.fact(2, Method::Subscribe, ok, up);
    script.draw(120, 30);
    script.type_text("g");
    let screen = script.text(160, 45);
    assert!(screen.contains("Timer expiry") && screen.contains("subscription ends"), "{screen}");
}

#[test]
fn every_shape_in_the_timeline_takes_one_column() {
    let mut script = Script::new(Colours::Many);
    script.rejected_by_cancel(1);
    let screen = script.text(120, 30);
    assert!(screen.contains("⊘  cancel requested"), "{screen}");
}

#[test]
fn the_palette_offers_what_can_act_first_and_does_what_is_chosen() {
    use sipboard::ui::{
        bindings::{Action, Scope},
        model::Purpose,
    };
    let found = |script: &Script| match &script.model.prompt.purpose {
        Purpose::Palette { found, .. } => found.clone(),
        other => panic!("no palette: {other:?}"),
    };
    let mut script = Script::new(Colours::None);
    script.type_text(":");
    let all = found(&script);
    let place = |action| all.iter().position(|it| it.1 == action).expect("it is offered");
    assert!(place(Action::Compose) < place(Action::Cancel), "nothing can be cancelled yet");
    assert!(all.contains(&(Scope::Compose, Action::Send)), "every scope's actions are there");
    assert!(!all.contains(&(Scope::Prompt, Action::Accept)));
    // By name, with gaps.
    script.type_text("srtrev");
    assert_eq!(found(&script)[0], (Scope::Table, Action::SortReverse));
    // What belongs to another place says where that is.
    script.press(KeyCode::Esc, NONE);
    script.type_text(":send");
    script.press(KeyCode::Enter, NONE);
    let notice = script.model.notice(script.now).expect("it says why not");
    assert!(
        notice.text.starts_with("send needs the form to be open: n opens it"),
        "{}",
        notice.text
    );
    // What can act acts.
    script.type_text(":write a request and");
    script.press(KeyCode::Enter, NONE);
    assert_eq!(script.model.mode, Mode::Compose);
}

#[test]
fn a_pane_has_the_screen_alone_and_gives_half_of_it_back() {
    let mut script = Script::tour(Colours::None);
    script.text(80, 24);
    script.type_text("Z");
    let alone = script.text(80, 24);
    assert!(alone.contains("Contexts") && !alone.contains("1 Timeline"), "{alone}");
    script.press(KeyCode::Tab, NONE);
    let detail = script.text(80, 24);
    assert!(!detail.contains("Contexts") && detail.contains("1 Timeline"), "{detail}");
    script.type_text("Z");
    let both = script.text(80, 24);
    assert!(both.contains("Contexts") && both.contains("1 Timeline"), "{both}");
}

#[test]
fn a_sentence_that_does_not_fit_its_line_is_told_to_its_end() {
    let mut script = Script::tour(Colours::None);
    script.refuse(Some(6), "it was accepted meanwhile, so that a BYE is what ends it by now");
    for (width, height) in [(40, 10), (40, 14), (80, 24)] {
        let screen = script.text(width, height);
        let told = screen.lines().map(str::trim).collect::<Vec<_>>().join(" ");
        assert!(told.contains("is what ends it by now"), "{screen}");
    }
}
