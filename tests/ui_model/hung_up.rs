//! A call is said to be hung up where it is, and what its BYE has come to where it is not.

use sipboard::sip::TerminatedBy;

use super::*;

fn screen(script: &mut Script) -> String {
    script.text(160, 45)
}

fn leg(tag: &str, state: LegState) -> Fact {
    Fact::Leg { tag: tag.into(), state }
}

/// The table's first row, and what a filter by that state shows.
fn row_and_found(script: &mut Script, state: &str) -> (String, String) {
    let row = screen(script);
    let row = row.lines().filter(|line| line.contains("INVITE")).collect();
    script.type_text(&format!("/state:\"{state}\""));
    script.press(KeyCode::Enter, NONE);
    let found = screen(script);
    (row, found)
}

#[test]
fn a_call_whose_bye_could_not_be_sent_is_not_said_to_be_hung_up() {
    let mut script = Script::new(Colours::Many);
    script.answered(1);
    script.created_by(2, Method::Bye, "sip:answer@127.0.0.1:5066", false, Some(1));
    let up = Status { legs_up: 1, ..status(State::Accepted, false) };
    script.fact(1, Method::Invite, leg("a8f2", LegState::HangingUp { bye: ContextId(2) }), up);
    let (cause, detail) = (Cause::ConnectionError, "connection refused".into());
    let failed = Fact::Failed { response: None, cause, detail, advice: None };
    let over = Status { ended: true, ..status(State::Failed, false) };
    script.fact(2, Method::Bye, failed, over);
    let over = Status { ended: true, ..status(State::HungUp, false) };
    let by = LegState::Terminated { by: TerminatedBy::Transport };
    script.fact(1, Method::Invite, leg("a8f2", by), over.clone());
    script.fact(1, Method::Invite, Fact::Ended { cause }, over);
    let (row, found) = row_and_found(&mut script, "may be up");
    assert!(row.contains("○ may be up") && !row.contains("hung up"), "{row}");
    assert!(found.contains("the call may still be up at the peer"), "{found}");
    assert!(found.contains("1 of 2") && !found.contains("○ hung up"), "{found}");
}

#[test]
fn a_call_of_two_legs_is_not_said_to_be_hung_up_where_the_bye_of_the_first_was_lost() {
    let mut script = Script::new(Colours::Many);
    script.answered(1);
    let up = |legs_up| Status { legs_up, ..status(State::Accepted, false) };
    script.fact(1, Method::Invite, leg("c9d1", LegState::Confirmed), up(2));
    let lost = LegState::Terminated { by: TerminatedBy::Transport };
    script.fact(1, Method::Invite, leg("c9d1", lost), up(1));
    let over = Status { ended: true, ..status(State::HungUp, false) };
    let local = LegState::Terminated { by: TerminatedBy::Local };
    script.fact(1, Method::Invite, leg("a8f2", local), over.clone());
    script.fact(1, Method::Invite, Fact::Ended { cause: Cause::Bye }, over);
    let (row, found) = row_and_found(&mut script, "hung up");
    assert!(row.contains("○ may be up") && !row.contains("hung up"), "{row}");
    assert!(found.contains("0 of 1"), "{found}");
}

#[test]
fn a_call_whose_bye_was_refused_is_said_to_be_up_still_until_another_one_is_sent() {
    let mut script = Script::new(Colours::Many);
    script.answered(1);
    let up = Status { legs_up: 1, ..status(State::Accepted, false) };
    let going = || leg("a8f2", LegState::HangingUp { bye: ContextId(2) });
    script.fact(1, Method::Invite, going(), up.clone());
    let detail = "a 403 has refused its BYE: its dialog is still there".to_owned();
    let stays = Fact::StillUp { tag: "a8f2".into(), detail };
    script.fact(1, Method::Invite, stays, up.clone());
    script.fact(1, Method::Invite, leg("a8f2", LegState::Confirmed), up.clone());
    let (row, found) = row_and_found(&mut script, "still up");
    assert!(row.contains("● still up"), "{row}");
    assert!(found.contains("1 of 1") && found.contains("a BYE has failed"), "{found}");
    assert!(found.contains("leg a8f2 not hung up"), "{found}");
    assert!(found.contains("a 403 has refused its BYE"), "{found}");
    script.fact(1, Method::Invite, going(), up);
    let screen = screen(&mut script);
    assert!(screen.contains("0 of 1") && !screen.contains("still up ·"), "{screen}");
}
