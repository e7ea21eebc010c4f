//! Rows that hold others: legs, dialogs, registrations.

use super::*;

#[test]
fn a_forked_invite_opens_into_its_legs_and_one_leg_is_hung_up() {
    let mut script = Script::new(Colours::Many);
    script.answered(1);
    script.draw(120, 30);
    script.press(KeyCode::Right, NONE);
    assert!(script.text(120, 30).contains("#1 has no second leg"));
    let up = Status { legs_up: 2, ..status(State::Accepted, false) };
    let leg = Fact::Leg { tag: "b7c1".into(), state: LegState::Confirmed };
    script.fact(1, Method::Invite, leg, up);
    script.created(2, Method::Options, "sip:demo.test", true);
    script.type_text("G");
    assert!(script.text(120, 30).contains("▸ + 1"));
    script.press(KeyCode::Right, NONE);
    let screen = script.text(120, 30);
    assert!(screen.contains("▸ - 1 INVITE"), "{screen}");
    assert!(screen.contains("└ leg    a8f2") && screen.contains("└ leg    b7c1"), "{screen}");
    script.type_text("jj");
    match script.type_text("b") {
        Some(Command::HangUpLeg { context, tag }) => {
            assert_eq!((context, &*tag), (ContextId(1), "b7c1"));
        }
        other => panic!("{other:?}"),
    }
    script.press(KeyCode::Left, NONE);
    assert!(!script.text(120, 30).contains("└ leg"));
    assert!(script.text(120, 30).contains("▸ + 1"), "the cursor is on the row again");
}

#[test]
fn the_requests_of_a_dialog_fold_into_one_row() {
    let mut script = Script::new(Colours::Many);
    script.answered(1);
    script.hung_up(1, 2);
    script.created(3, Method::Options, "sip:demo.test", true);
    script.draw(120, 30);
    assert_eq!(shown(&mut script), [3, 2, 1]);
    script.type_text("z");
    assert_eq!(shown(&mut script), [3, 1]);
    assert!(script.text(120, 30).contains("2 of 3"));
    script.type_text("G");
    script.press(KeyCode::Right, NONE);
    assert!(script.text(120, 30).contains("└ BYE"));
    assert_eq!(
        filter(&mut script, "method:bye"),
        [1, 2],
        "the row stands for what is folded into it"
    );
    script.type_text("z");
    assert_eq!(shown(&mut script), [2]);
}

#[test]
fn the_refreshes_of_a_registration_are_one_row_its_last() {
    let mut script = Script::new(Colours::Many);
    for id in 1..=5 {
        script.registered(id);
    }
    script.created(6, Method::Options, "sip:demo.test", true);
    script.draw(120, 30);
    assert_eq!(shown(&mut script), [6, 5]);
    assert_eq!(selected(&script), Some(5), "the cursor stays on the registration");
    script.registered(7);
    script.draw(120, 30);
    assert_eq!((shown(&mut script), selected(&script)), (vec![7, 6], Some(7)));
    script.type_text("zz");
    assert_eq!(shown(&mut script), [7, 6, 5, 4, 3, 2, 1]);
}
