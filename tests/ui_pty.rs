//! The real binary in a real pseudo-terminal, read through a screen emulator.
#![cfg(unix)]

mod ui_pty_compose;
mod ui_pty_hostile;
mod ui_terminal;

use std::{
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use ui_terminal::Dashboard;

#[test]
fn an_invite_rings_is_cancelled_and_the_terminal_comes_back() {
    let mut dashboard = Dashboard::start(100, 30);
    dashboard.wait_for("n new");
    dashboard.send("sip:ring@demo.test");
    dashboard.wait_for("180 Ringing");
    dashboard.wait_for("c cancel");
    dashboard.type_keys("c");
    dashboard.wait_for("cancel requested");
    dashboard.wait_for("200 OK to CANCEL");
    dashboard.wait_for("487");
    dashboard.wait_for("Canceled");
    dashboard.type_keys("q");
    assert_eq!(dashboard.wait_for_end(), 0);
    dashboard.assert_restored();
}

#[test]
fn an_answered_invite_is_hung_up() {
    let mut dashboard = Dashboard::start(140, 40);
    dashboard.wait_for("n new");
    dashboard.send("answer");
    dashboard.wait_for("b bye");
    dashboard.wait_for("1 leg up");
    dashboard.type_keys("b");
    dashboard.wait_for("200 OK to BYE #3");
    dashboard.wait_for("hung up");
    dashboard.wait_for("0 legs up");
}

#[test]
fn a_refused_cancel_says_why() {
    let mut dashboard = Dashboard::start(80, 24);
    dashboard.wait_for("n new");
    dashboard.type_keys("c");
    dashboard.wait_for("REGISTER cannot be cancelled");
    dashboard.send("busy");
    dashboard.wait_for("486 Busy Here");
    dashboard.type_keys("c");
    dashboard.wait_for("✖ #2: already");
}

#[test]
fn the_palette_finds_an_action_by_name_and_says_what_it_needs() {
    let mut dashboard = Dashboard::start(100, 30);
    dashboard.wait_for("n new");
    dashboard.type_keys(":hang");
    dashboard.wait_for("needs a chosen INVITE with a leg that is up");
    dashboard.type_keys("\r");
    dashboard.wait_for("hang-up needs a chosen INVITE with a leg that is up");
    // Ctrl-p opens it too; the log is the palette's to open.
    dashboard.type_keys("\x10log");
    dashboard.wait_for("the log: strays, broken flows, refusals");
    dashboard.type_keys("\r");
    dashboard.wait_for("Messages that no context can claim");
}

#[test]
fn keys_of_the_config_file_hold_and_are_what_the_screen_says() {
    let text = "[keys.browse]\ncompose = [\"W\", \"f5\"]\nquit = \"ctrl-q\"\n";
    let (mut dashboard, _) = Dashboard::with_config(100, 30, text);
    dashboard.wait_for("W new");
    dashboard.wait_for("Ctrl-q quit");
    dashboard.type_keys("W");
    dashboard.wait_for("New request");
    dashboard.type_keys("\x1b");
    dashboard.wait_until("the form has closed", |screen| !screen.contains("New request"));
    dashboard.type_keys("q\x11");
    assert_eq!(dashboard.wait_for_end(), 0);
    dashboard.assert_restored();
}

#[test]
fn quitting_with_work_in_flight_is_graceful_and_bounded() {
    let mut dashboard = Dashboard::start(100, 30);
    dashboard.wait_for("n new");
    dashboard.send("silent");
    dashboard.wait_for("1 in flight");
    dashboard.send("answer");
    dashboard.wait_for("1 leg up");
    dashboard.type_keys("q");
    assert_eq!(dashboard.wait_for_end(), 0);
    dashboard.assert_restored();
}

#[test]
fn a_storm_of_sizes_leaves_the_screen_whole() {
    let mut dashboard = Dashboard::start(100, 30);
    dashboard.wait_for("n new");
    dashboard.send("ring");
    dashboard.wait_for("180 Ringing");
    let mut state = 7_u32;
    for _ in 0..120 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let columns = 1 + (state >> 24) as u16;
        let rows = 1 + (state >> 16 & 63) as u16;
        dashboard.resize(columns, rows);
        thread::sleep(Duration::from_millis(2));
    }
    dashboard.resize(20, 5);
    dashboard.wait_for("sipboard needs");
    dashboard.resize(100, 30);
    dashboard.wait_for("q quit");
    dashboard.wait_until("both panes", |screen| {
        screen.contains("╭ Contexts ") && screen.contains("╭ #2 INVITE sip:ring@demo.test ")
    });
    // Too fast to be noticed but by the signal: what the terminal lost is drawn again.
    dashboard.resize(30, 6);
    dashboard.resize(100, 30);
    dashboard.wait_until("both panes again", |screen| {
        screen.contains("╭ Contexts ") && screen.contains("╭ #2 INVITE sip:ring@demo.test ")
    });
    dashboard.type_keys("q");
    assert_eq!(dashboard.wait_for_end(), 0);
    dashboard.assert_restored();
}

#[test]
fn signals_end_it_and_the_terminal_comes_back() {
    for name in ["TERM", "HUP", "INT"] {
        let mut dashboard = Dashboard::start(80, 24);
        dashboard.wait_for("n new");
        dashboard.signal(name);
        assert_eq!(dashboard.wait_for_end(), 0, "{name}");
        dashboard.assert_restored();
    }
}

#[test]
fn ctrl_z_goes_back_to_the_shell_and_fg_to_the_dashboard() {
    let mut dashboard = Dashboard::start_in_shell(100, 30);
    dashboard.send("ring");
    dashboard.wait_for("180 Ringing");
    dashboard.type_keys("\x1a");
    dashboard.wait_for("back in the shell");
    dashboard.assert_given_back();
    dashboard.resize(120, 40);
    dashboard.type_keys("\r");
    dashboard.wait_for("180 Ringing");
    dashboard.wait_for("q quit");
    // It goes on: the row's age, and what is typed.
    dashboard.type_keys("c");
    dashboard.wait_for("487");
    dashboard.type_keys("q");
    assert_eq!(dashboard.wait_for_end(), 0);
    dashboard.assert_restored();
}

#[test]
fn whoever_stops_it_from_outside_gets_the_terminal_too() {
    let mut dashboard = Dashboard::start_in_shell(100, 30);
    dashboard.wait_for("n new");
    dashboard.signal_job("TSTP");
    dashboard.wait_for("back in the shell");
    dashboard.assert_given_back();
    dashboard.type_keys("\r");
    dashboard.wait_for("q quit");
    dashboard.type_keys("q");
    assert_eq!(dashboard.wait_for_end(), 0);
    dashboard.assert_restored();
}

#[test]
fn without_a_shell_nothing_stops_it() {
    let mut dashboard = Dashboard::start(120, 30);
    dashboard.wait_for("n new");
    dashboard.type_keys("\x1a");
    dashboard.wait_for("cannot be stopped: no shell started it");
    dashboard.type_keys("q");
    assert_eq!(dashboard.wait_for_end(), 0);
}

#[test]
fn a_terminal_that_goes_away_ends_it() {
    let mut dashboard = Dashboard::start(80, 24);
    dashboard.wait_for("n new");
    dashboard.hang_up();
    dashboard.wait_for_end();
}

#[test]
fn an_idle_dashboard_writes_nothing() {
    // One that is registered counts down in its header line, and counts the age of its rows.
    let account = "[[account]]\nname = \"a\"\nuri = \"sip:a@a.test\"\n";
    let (mut dashboard, _) = Dashboard::with_config(80, 24, account);
    dashboard.wait_for("q quit");
    // A key that changes nothing wakes it, and still writes nothing: the frames of what follows are
    // all that there are.
    let begin = b"\x1b[?2026h";
    let mut rounds = Vec::new();
    for keys in ["", "", "XXX"] {
        let before = dashboard.bytes().len();
        dashboard.type_keys(keys);
        dashboard.type_keys("?");
        dashboard.wait_for("Esc closes");
        dashboard.type_keys("?");
        dashboard.wait_until("the help gone", |screen| !screen.contains("Esc closes"));
        let written = dashboard.bytes().split_off(before);
        rounds.push(written.windows(begin.len()).filter(|window| window == begin).count());
    }
    // What belongs to the start may still be in the first round.
    assert_eq!(rounds[1..], [2, 2]);
}

#[test]
fn what_is_copied_goes_to_the_terminal() {
    let mut dashboard = Dashboard::start(140, 40);
    dashboard.wait_for("n new");
    dashboard.send("ring");
    dashboard.wait_for("180 Ringing");
    dashboard.type_keys("3");
    dashboard.wait_for("highlighted");
    dashboard.type_keys("y");
    dashboard.wait_for("the ladder as Mermaid");
    dashboard.type_keys("M");
    dashboard.wait_for("the ladder as Mermaid went to the terminal's clipboard");
    // «sequenceDiagram» in base64.
    let sequence = b"\x1b]52;c;c2VxdWVuY2VEaWFncmFt";
    assert!(dashboard.bytes().windows(sequence.len()).any(|window| window == sequence));
}

#[test]
fn without_a_terminal_it_names_another_way() {
    let output = Command::new(env!("CARGO_BIN_EXE_sipboard"))
        .arg("--demo")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).contains("sipboard send"));
}

#[test]
fn the_columns_and_the_order_are_there_again_the_next_time() {
    let state = std::env::temp_dir().join(format!("sipboard-left-{}", std::process::id()));
    let environment = [("XDG_STATE_HOME", state.to_str().expect("a path of ours"))];
    let mut dashboard = Dashboard::start_with(120, 30, &environment);
    // The methods go, and the table is sorted by the target.
    dashboard.type_keys("Cj ");
    dashboard.wait_for("▸ [ ] method");
    dashboard.type_keys("gj\r\x1b");
    dashboard.wait_for("sorted by target");
    dashboard.wait_until("no methods", |screen| !screen.contains("Method"));
    dashboard.type_keys("q");
    dashboard.wait_for_end();
    let mut dashboard = Dashboard::start_with(120, 30, &environment);
    dashboard.wait_until("the same table", |screen| {
        screen.contains("Target▲") && !screen.contains("Method")
    });
    dashboard.type_keys("q");
    dashboard.wait_for_end();
    std::fs::remove_dir_all(state).unwrap();
}

#[test]
fn rows_are_filtered_sorted_marked_and_all_marked_are_cancelled() {
    let mut dashboard = Dashboard::start(120, 40);
    dashboard.wait_for("n new");
    for target in ["ring", "busy", "slow"] {
        dashboard.send(target);
    }
    dashboard.send("ring");
    dashboard.wait_for("486 Busy Here");
    dashboard.wait_until("both ring", |screen| screen.matches("180 Ringing").count() >= 2);
    dashboard.wait_until("slow is trying", |screen| screen.contains("100 Trying"));
    // Filtered while it is typed; a mistake is told where it stands.
    dashboard.type_keys("/target:ring");
    dashboard.wait_for("2 of 5 · /target:ring");
    dashboard.type_keys(" code:9xx");
    dashboard.wait_for("at 18: code needs a code such as 486, or 4xx");
    dashboard.type_keys("\x1b");
    dashboard.wait_until("all rows again", |screen| !screen.contains("/target"));
    // Sorted by the method, the target, and that the other way.
    dashboard.type_keys("ss");
    dashboard.wait_for("Target▲");
    dashboard.type_keys("S");
    dashboard.wait_for("Target▼");
    // All but the one that has ended, and that one too.
    dashboard.type_keys("M");
    dashboard.wait_for("5 · 5 marked");
    dashboard.type_keys("c");
    dashboard.wait_for("cancelled 3 of 5: 1×");
    dashboard.wait_for("0 in flight");
    dashboard.type_keys("u");
    dashboard.type_keys("D");
    dashboard.wait_for("dropped 5 rows");
    dashboard.wait_for("to write a request");
    dashboard.type_keys("q");
    assert_eq!(dashboard.wait_for_end(), 0);
    dashboard.assert_restored();
}

#[test]
fn a_forked_invite_is_opened_and_one_of_its_legs_hung_up() {
    let mut dashboard = Dashboard::start(140, 40);
    dashboard.wait_for("n new");
    dashboard.send("fork");
    dashboard.wait_for("2 legs up");
    dashboard.type_keys("\x1b[C");
    dashboard.wait_until("both legs", |screen| screen.matches("└ leg").count() == 2);
    dashboard.type_keys("jb");
    dashboard.wait_for("1 leg up");
    dashboard.type_keys("krr");
    dashboard.wait_for("3 legs up");
    dashboard.type_keys("Mb");
    dashboard.wait_for("0 legs up");
    dashboard.type_keys("q");
    assert_eq!(dashboard.wait_for_end(), 0);
}

#[test]
fn messages_are_impaired_by_a_key_and_no_more_by_another_line() {
    let mut dashboard = Dashboard::start(140, 40);
    dashboard.wait_for("n new");
    dashboard.type_keys("I");
    dashboard.wait_for("impair: ");
    dashboard.type_keys("in drop status=180\r");
    dashboard.wait_for("IMPAIR in drop status=180");
    dashboard.send("ring");
    dashboard.wait_for("180 Ringing dropped");
    dashboard.type_keys("I");
    dashboard.wait_for("impair: in drop status=180; seed=");
    dashboard.type_keys("\x15\r");
    dashboard.wait_for("messages are not impaired any more");
    dashboard.wait_until("a header without it", |screen| !screen.contains("IMPAIR"));
    dashboard.send("ring");
    dashboard.wait_for("◐ proceeding");
}
