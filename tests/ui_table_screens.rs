//! The table at work, at every size that matters, with a fixed clock.

mod ui_script;

use crossterm::event::{KeyCode, KeyModifiers};
use sipboard::{
    sip::{Fact, LegState, Method, State, Status},
    ui::view::Colours,
};
use ui_script::{Script, status};

/// A tour with a forked INVITE that is open, marks, a label and another order.
fn at_work(colours: Colours) -> Script {
    let mut script = Script::tour(colours);
    let up = Status { legs_up: 2, ..status(State::Accepted, false) };
    let leg = Fact::Leg { tag: "b7c1".into(), state: LegState::Confirmed };
    script.fact(3, Method::Invite, leg, up);
    script.created(7, Method::Message, "sip:電話電話電話@demo.test", true);
    script.draw(120, 30);
    script.type_text("gmjm");
    script.type_text("j");
    script.press(KeyCode::Right, KeyModifiers::NONE);
    script.type_text("jsss");
    script
}

#[test]
fn marks_legs_and_another_order() {
    let mut script = at_work(Colours::Many);
    insta::assert_snapshot!("table_120x30", script.text(120, 30));
    insta::assert_snapshot!("table_80x24", script.text(80, 24));
    insta::assert_snapshot!("table_40x10", script.text(40, 10));
}

#[test]
fn a_filter_with_a_mistake() {
    let mut script = at_work(Colours::Many);
    script.type_text("/invite !busy age<1x");
    insta::assert_snapshot!("filter_120x30", script.text(120, 30));
    insta::assert_snapshot!("filter_80x24", script.text(80, 24));
    insta::assert_snapshot!("filter_40x10", script.text(40, 10));
}

#[test]
fn a_jump_and_the_choice_of_columns() {
    let mut script = at_work(Colours::Many);
    script.type_text("fdemo");
    insta::assert_snapshot!("jump_80x24", script.text(80, 24));
    script.press(KeyCode::Esc, KeyModifiers::NONE);
    script.type_text("Cjjj");
    insta::assert_snapshot!("columns_120x30", script.text(120, 30));
    insta::assert_snapshot!("columns_40x10", script.text(40, 10));
}

#[test]
fn monochrome_loses_nothing_of_it() {
    for keys in ["", "/invite !busy age<1x", "fdemo", "C"] {
        let mut coloured = at_work(Colours::Many);
        let mut monochrome = at_work(Colours::None);
        coloured.type_text(keys);
        monochrome.type_text(keys);
        assert_eq!(monochrome.text(120, 30), coloured.text(120, 30));
        let (picture, _) = monochrome.draw(120, 30);
        for cell in picture.content() {
            assert_eq!(cell.fg, ratatui::style::Color::Reset);
            assert_eq!(cell.bg, ratatui::style::Color::Reset);
        }
    }
}
