//! Variables in the composer: what is said of one that has no value.

mod ui_script;

use crossterm::event::{KeyCode, KeyModifiers};
use sipboard::{engine::Command, ui::view::Colours};
use ui_script::Script;

fn control(script: &mut Script, key: char) -> Option<Command> {
    script.press(KeyCode::Char(key), KeyModifiers::CONTROL)
}

fn composing(target: &str) -> Script {
    let mut script = Script::new(Colours::Many);
    script.type_text("n");
    script.type_text(target);
    script
}

#[test]
fn an_unknown_variable_is_named_at_its_field() {
    let mut script = composing("{{nobody}}");
    assert!(control(&mut script, 's').is_none());
    assert!(script.text(200, 60).contains("at 1: there is no variable \"nobody\""));
}

#[test]
fn a_variable_without_a_value_is_told_at_its_field_and_beside_it_before_anything_is_sent() {
    for (typed, why) in [
        ("X-V: {{nope}}", "there is no variable \"nope\""),
        ("X-V: {{random 0}}", "random needs a number from 1 to 256"),
        ("X-V: {{env SIPBOARD_IS_NOT_SET}}", "is not set"),
    ] {
        let mut script = composing("bob");
        script.press(KeyCode::Tab, KeyModifiers::NONE);
        script.press(KeyCode::Tab, KeyModifiers::NONE);
        // While it is being written, nothing is wrong with it.
        let (open, end) = typed.split_at(typed.len() - 2);
        script.type_text(open);
        assert!(!script.text(200, 60).contains("✖ X-V"), "{}", script.text(200, 60));
        script.type_text(end);
        let screen = script.text(200, 60);
        assert!(
            screen.contains("Headers     ✖ X-V") || screen.contains("Headers     ✖│X-V"),
            "{screen}"
        );
        assert!(screen.matches(why).count() >= 2, "{screen}");
        assert!(screen.contains("✖ this makes no request yet: Headers: at 6: "), "{screen}");
    }
}

#[test]
fn a_header_that_the_form_writes_itself_is_named_beside_it() {
    let mut script = composing("bob");
    script.press(KeyCode::Tab, KeyModifiers::NONE);
    script.press(KeyCode::Tab, KeyModifiers::NONE);
    script.type_text("V: SIP/2.0/UDP a");
    let screen = script.text(200, 60);
    assert!(screen.contains("✖ this makes no request yet: Headers: "), "{screen}");
}
