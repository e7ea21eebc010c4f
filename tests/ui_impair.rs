//! Impairment in the dashboard: the line that edits it, the header that says it, the timeline that
//! marks it.

mod ui_script;

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyModifiers};
use sipboard::{
    engine::{Command, Event, Impairments},
    sip::{Deed, Direction, Fact, Impaired, Method, State},
    ui::view::Colours,
};
use ui_script::{Script, status};

fn impairing(script: &mut Script, rules: &str) {
    let (at, impairments) = (script.now, rules.parse().unwrap());
    script.apply(Event::Impairing { at, impairments });
}

fn press(script: &mut Script, key: char) -> Option<Command> {
    script.press(KeyCode::Char(key), KeyModifiers::NONE)
}

fn header(script: &mut Script, width: u16) -> String {
    script.text(width, 30).lines().next().unwrap().to_owned()
}

fn line(script: &mut Script) -> String {
    let screen = script.text(120, 30);
    screen.lines().find(|line| line.contains("impair:")).unwrap_or_default().to_owned()
}

#[test]
fn the_header_says_it_as_long_as_it_holds_and_only_what_the_engine_said() {
    let mut script = Script::new(Colours::Many);
    assert!(!header(&mut script, 120).contains("IMPAIR"));
    impairing(&mut script, "out drop 30%; seed=42");
    let wide = header(&mut script, 120);
    assert!(wide.contains("IMPAIR out drop 30%") && !wide.contains("seed"), "{wide}");
    assert!(header(&mut script, 60).contains("IMPAIR"));
    impairing(&mut script, "in delay 200ms..1s 50% method=INVITE,OPTIONS,BYE; out drop");
    let wide = header(&mut script, 80);
    assert!(wide.contains("IMPAIR in delay 200ms..…"), "{wide}");
    impairing(&mut script, "");
    assert!(!header(&mut script, 120).contains("IMPAIR"));
}

#[test]
fn a_line_edits_the_rules_and_a_mistake_cannot_be_taken() {
    let mut script = Script::new(Colours::Many);
    assert!(press(&mut script, 'I').is_none());
    assert!(line(&mut script).contains("impair:"));
    script.type_text("out drpo");
    assert!(script.press(KeyCode::Enter, KeyModifiers::NONE).is_none());
    let screen = script.text(120, 30);
    assert!(screen.contains("✖ column 5: \"drpo\" is no action"), "{screen}");
    script.press(KeyCode::Char('u'), KeyModifiers::CONTROL);
    script.type_text("out drop 30%");
    let command = script.press(KeyCode::Enter, KeyModifiers::NONE);
    let Some(Command::Impair(rules)) = command else { panic!("{command:?}") };
    assert_eq!(rules.to_string(), "out drop 30%");
    assert!(
        !header(&mut script, 120).contains("IMPAIR"),
        "nothing holds before the engine says so"
    );
}

#[test]
fn it_is_switched_off_by_an_empty_line_and_on_again_by_the_rules_that_held_last() {
    let mut script = Script::new(Colours::Many);
    impairing(&mut script, "out drop; seed=7");
    press(&mut script, 'I');
    assert!(line(&mut script).contains("impair: out drop; seed=7"), "{}", line(&mut script));
    script.press(KeyCode::Char('u'), KeyModifiers::CONTROL);
    assert!(script.text(120, 30).contains("nothing: off"));
    let command = script.press(KeyCode::Enter, KeyModifiers::NONE);
    let Some(Command::Impair(rules)) = command else { panic!("{command:?}") };
    assert_eq!(rules, Impairments::default());
    impairing(&mut script, "");
    assert!(script.text(120, 30).contains("messages are not impaired any more"));
    press(&mut script, 'I');
    assert!(line(&mut script).contains("impair: out drop; seed=7"), "{}", line(&mut script));
    assert!(script.press(KeyCode::Esc, KeyModifiers::NONE).is_none());
}

#[test]
fn the_timeline_the_ladder_and_the_messages_mark_what_was_done() {
    let mut script = Script::tour(Colours::Many);
    let context = script.model.browse.selected.unwrap();
    let message =
        bytes::Bytes::from_static(b"SIP/2.0 183 Session Progress\r\nCSeq: 1 INVITE\r\n\r\n");
    let impaired = Impaired {
        direction: Direction::In,
        deed: Deed::Dropped,
        rule: Arc::from("in drop status=183"),
        message,
    };
    let (method, status) = (Method::Invite, status(State::Proceeding, false));
    script.fact(context.0, method, Fact::Impaired(Box::new(impaired)), status);
    let timeline = script.text(160, 45);
    for words in
        ["≠  183 Session Progress dropped", "on its way in, by the rule «in drop status=183»"]
    {
        assert!(timeline.contains(words), "{words}: {timeline}");
    }
    press(&mut script, '2');
    let ladder = script.text(160, 45);
    assert!(ladder.contains("183 Session Progress dropped on its way in"), "{ladder}");
    press(&mut script, '3');
    let messages = script.text(160, 45);
    assert!(messages.contains("183 Session Progress dropped"), "{messages}");
}
