//! The table: what is shown of it in which order, and where the cursor stays meanwhile.

mod acts;
mod folds;
#[path = "../ui_script/mod.rs"]
mod ui_script;

use std::time::Duration;

use bytes::Bytes;
use crossterm::event::{
    Event as Input, KeyCode, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use proptest::prelude::*;
use sipboard::{
    engine::Command,
    sip::{Cause, ContextId, Fact, LegState, Method, State, Status, Timer},
    ui::{
        filter::Filter,
        model::{Columns, Mode},
        update,
        view::Colours,
    },
};
use ui_script::{Script, along, status, timers, up};

const NONE: KeyModifiers = KeyModifiers::NONE;
const NO_ROW: [u64; 0] = [];

/// The numbers of the rows that are on the screen, from the top.
fn shown(script: &mut Script) -> Vec<u64> {
    let text = script.text(160, 45);
    let rows = text.lines().skip(3).filter(|line| !line.contains("└ leg")).map_while(|line| {
        let line = line.strip_prefix('│')?.trim_start_matches(['▸', '*', '+', '-', ' ']);
        line.split(' ').next()?.parse().ok()
    });
    rows.collect()
}

fn filter(script: &mut Script, text: &str) -> Vec<u64> {
    script.type_text("/");
    script.press(KeyCode::Char('u'), KeyModifiers::CONTROL);
    script.type_text(text);
    script.press(KeyCode::Enter, NONE);
    shown(script)
}

fn selected(script: &Script) -> Option<u64> {
    script.model.selected().map(|row| row.id.0)
}

/// The line of the screen that the cursor is on.
fn cursor_line(script: &mut Script) -> Option<usize> {
    script.text(100, 30).lines().position(|line| line.contains('▸'))
}

fn ended(script: &mut Script, id: u64) {
    let over = Status { ended: true, ..status(State::Accepted, true) };
    script.fact(id, Method::Options, Fact::Ended { cause: Cause::Accepted }, over);
}

#[test]
fn the_filter_shows_what_it_says() {
    let mut script = Script::tour(Colours::Many);
    script.created(7, Method::Message, "sip:carol@other.test:5070", true);
    script.type_text("gl");
    script.type_text("Night shift\n");
    for (text, rows) in [
        ("", &[7, 6, 5, 4, 3, 2, 1][..]),
        ("ring", &[6, 5]),
        ("RING 180", &[6]),
        ("ring !180", &[5]),
        ("!ring !invite", &[7, 1]),
        ("method:inv", &[6, 5, 4, 3, 2]),
        ("state:proceeding", &[6]),
        ("state:calling", &[4]),
        ("code:4xx", &[5, 2]),
        ("code:486", &[2]),
        ("code>=200 code<400", &[3, 1]),
        ("target:bob", &[]),
        ("target:~^(ring|busy)@", &[6, 5, 2]),
        ("~^silent", &[4]),
        ("flow:udp", &[7, 5, 4]),
        ("flow:5066", &[6, 3, 2, 1]),
        ("label:night", &[7]),
        ("label:\"night s\"", &[7]),
        ("\"busy here\"", &[2]),
        ("last:\"486 busy\"", &[2]),
        ("cause:busy", &[2]),
        ("account:alice method:options", &[1]),
        ("attempts>3", &[4]),
        ("attempts<=1 method:message", &[7]),
        ("number<3", &[2, 1]),
        ("rtt<1500us", &[1]),
        ("age>10s", &[2, 1]),
        ("age<3s method:invite", &[6]),
        ("took>9s", &[3]),
        ("call-id:6c4d", &[6]),
        ("sip:ring", &[6, 5]),
        ("!!ring", &[6, 5]),
    ] {
        assert_eq!(filter(&mut script, text), rows, "{text}");
    }
    // Esc clears it, in the prompt and behind it.
    filter(&mut script, "nothing-is-like-this");
    assert!(script.text(100, 30).contains("Nothing passes the filter: Esc clears it."));
    script.press(KeyCode::Esc, NONE);
    assert_eq!(shown(&mut script).len(), 7);
    filter(&mut script, "ring");
    script.type_text("/");
    script.press(KeyCode::Esc, NONE);
    assert_eq!(shown(&mut script).len(), 7);
}

#[test]
fn a_mistake_in_the_filter_is_told_with_its_place_and_the_last_good_one_holds() {
    let mut script = Script::tour(Colours::Many);
    for (text, told) in [
        ("ring tagret:x", "at 6: \"tagret\" is no field: did you mean target?"),
        ("zzz:x", "at 1: \"zzz\" is no field: put it in quotes"),
        ("age>10", "at 5: age needs a time with its unit, such as 10s"),
        ("age:10s", "at 4: age is a time: write age>10s or age<10s"),
        ("code:4x", "at 6: code needs a code such as 486, or 4xx: code:486"),
        ("code:éx", "at 6: code needs a code"),
        ("attempts>x", "at 10: attempts needs a whole number"),
        ("number<0", "nothing is less than 0"),
        ("target:", "at 8: target: and what to look for is missing here"),
        ("ring !", "at 7: a word is missing here"),
        ("\"ring", "at 1: the quote that begins here does not end"),
        ("~", "at 1: ~ needs a regular expression"),
        ("target:~(", "at 9: not a regular expression: unclosed group"),
        ("method>5", "at 7: method is text: write method:"),
    ] {
        filter(&mut script, "ring");
        script.type_text("/");
        script.press(KeyCode::Char('u'), KeyModifiers::CONTROL);
        script.type_text("ring");
        let before = script.model.table.list.rows();
        script.press(KeyCode::Char('u'), KeyModifiers::CONTROL);
        let paste = Input::Paste(text.to_owned());
        update::input(&mut script.model, paste, script.now);
        let screen = script.text(120, 30);
        assert!(screen.lines().last().unwrap().contains(told), "{text}: {screen}");
        script.press(KeyCode::Enter, NONE);
        assert_eq!(script.model.mode, Mode::Prompt, "{text} cannot be taken");
        assert!(before > 0);
        script.press(KeyCode::Esc, NONE);
    }
    filter(&mut script, "ring");
    script.type_text("/");
    script.type_text(" age>1");
    assert_eq!(script.model.table.list.filter().text(), "ring", "age is no word there");
    assert_eq!(shown(&mut script), [6, 5]);
    update::input(&mut script.model, Input::Paste("x tagret:y".to_owned()), script.now);
    assert_eq!(script.model.table.list.filter().text(), "ring", "the last good one holds");
    assert_eq!(shown(&mut script), [6, 5]);
}

#[test]
fn a_filter_that_looks_at_the_time_shows_rows_as_soon_as_they_are_of_age() {
    let mut script = Script::new(Colours::Many);
    script.created(1, Method::Options, "sip:demo.test", true);
    script.wait(3_000);
    script.created(2, Method::Options, "sip:demo.test", true);
    assert_eq!(filter(&mut script, "age>10s"), NO_ROW);
    let mut seen = Vec::new();
    for _ in 0..100 {
        let drawn = script.draw(160, 45).1;
        let at = drawn.changes_at.expect("rows come by themselves");
        script.now = at;
        let rows = shown(&mut script);
        if seen.last() != Some(&rows) {
            seen.push(rows);
        }
    }
    assert_eq!(seen, [vec![1], vec![2, 1]]);
    assert_eq!(filter(&mut script, "age<1h"), [2, 1]);
    script.wait(3_600_000);
    assert_eq!(shown(&mut script), NO_ROW);
}

#[test]
fn a_row_goes_at_the_very_moment_it_is_too_old_for_the_filter() {
    let mut script = Script::new(Colours::Many);
    script.created(1, Method::Options, "sip:demo.test", true);
    assert_eq!(filter(&mut script, "took<20s"), [1]);
    script.wait(20_000);
    assert_eq!(shown(&mut script), NO_ROW);
}

#[test]
fn the_table_is_sorted_by_any_column_both_ways() {
    let mut script = Script::tour(Colours::Many);
    let columns = "number:4 method:9 target:20 state:12 last:12 cause:10 rtt:5 duration:5 timer:13";
    script.model.table.columns = Columns::new(columns.split(' ').map(|text| text.parse().unwrap()));
    let mut orders = Vec::new();
    for _ in 0..9 {
        script.type_text("s");
        orders.push(shown(&mut script));
    }
    let expected: [&[u64]; 9] = [
        &[6, 5, 4, 3, 2, 1], // method: INVITE, then OPTIONS
        &[3, 2, 1, 6, 5, 4], // target: answer, busy, demo.test, ring, silent
        &[4, 6, 3, 1, 5, 2], // state
        &[6, 3, 1, 2, 5, 4], // last: 180 200 200 486 487, nothing
        &[1, 2, 5, 6, 4, 3], // cause: Accepted Busy Canceled, nothing
        &[5, 6, 3, 2, 1, 4], // rtt
        &[3, 4, 6, 5, 2, 1], // duration: those that run, the longest first
        &[4, 6, 5, 3, 2, 1], // timer: A, then what ends later or has none
        &[6, 5, 4, 3, 2, 1], // number, descending
    ];
    for (n, (order, expected)) in orders.iter().zip(expected).enumerate() {
        assert_eq!(order, expected, "{n}: {:?}", orders);
    }
    script.type_text("S");
    assert_eq!(shown(&mut script), [1, 2, 3, 4, 5, 6]);
    assert!(script.text(160, 45).contains("#▲"));
}

#[test]
fn a_click_on_a_title_sorts_and_a_second_one_turns_it_round() {
    let mut script = Script::tour(Colours::Many);
    script.draw(120, 30);
    let text = script.text(120, 30);
    let at = text.lines().nth(2).unwrap().chars().position(|c| c == 'T').unwrap() as u16;
    let click = |script: &mut Script| {
        let kind = MouseEventKind::Down(MouseButton::Left);
        let event = MouseEvent { kind, column: at, row: 2, modifiers: NONE };
        update::input(&mut script.model, Input::Mouse(event), script.now);
        shown(script)
    };
    assert_eq!(click(&mut script), [3, 2, 1, 6, 5, 4]);
    assert!(script.text(120, 30).contains("Target▲"));
    assert_eq!(click(&mut script), [4, 6, 5, 1, 2, 3]);
    assert!(script.text(120, 30).contains("Target▼"));
}

#[test]
fn rows_move_as_what_they_are_sorted_by_changes() {
    let mut script = Script::new(Colours::Many);
    for id in 1..=3 {
        script.created(id, Method::Invite, "sip:x@demo.test", true);
    }
    script.model.table.columns = Columns::new(["timer".parse().unwrap()]);
    script.type_text("s");
    let arm = |script: &mut Script, id: u64, millis: u64| {
        let at = script.now + Duration::from_millis(millis);
        let status = timers(status(State::Calling, true), &[(Timer::A, at)]);
        script.sent(id, Method::Invite, status);
        script.model.table.list.iter().map(|place| place as u64 + 1).collect::<Vec<_>>()
    };
    assert_eq!(arm(&mut script, 2, 500), [2, 3, 1]);
    assert_eq!(arm(&mut script, 1, 100), [1, 2, 3]);
    assert_eq!(arm(&mut script, 1, 1_000), [2, 1, 3]);
    assert_eq!(arm(&mut script, 3, 700), [2, 3, 1]);
}

#[test]
fn nothing_moves_under_the_cursor_while_rows_come_and_are_sorted_anew() {
    let mut script = Script::new(Colours::Many);
    for id in 1..=60 {
        script.created(id, Method::Options, &format!("sip:u{:02}@demo.test", id * 7 % 60), true);
    }
    script.draw(100, 30);
    script.type_text("gjjjj");
    let (chosen, line) = (selected(&script), cursor_line(&mut script));
    for id in 61..=90 {
        script.created(id, Method::Invite, "sip:a@demo.test", true);
        assert_eq!((selected(&script), cursor_line(&mut script)), (chosen, line), "{id}");
    }
    // Sorted by something else there are rows enough above and below it.
    script.type_text("ss");
    assert_eq!((selected(&script), cursor_line(&mut script)), (chosen, line));
    script.type_text("S");
    assert_eq!((selected(&script), cursor_line(&mut script)), (chosen, line));
    for id in 1..=30 {
        if Some(id) != chosen {
            ended(&mut script, id);
        }
    }
    script.type_text("H");
    assert_eq!((selected(&script), cursor_line(&mut script)), (chosen, line), "thirty are hidden");
}

#[test]
fn the_cursor_comes_back_to_what_the_filter_hid() {
    let mut script = Script::tour(Colours::Many);
    script.draw(100, 30);
    script.type_text("gjjj");
    assert_eq!(selected(&script), Some(3));
    filter(&mut script, "busy");
    assert_eq!(selected(&script), Some(2), "no key acts on what is not shown");
    filter(&mut script, "zzz");
    assert_eq!(selected(&script), None);
    assert!(script.type_text("c").is_none());
    assert!(script.text(100, 30).contains("nothing to cancel is shown: Esc clears the filter"));
    filter(&mut script, "");
    assert_eq!(selected(&script), Some(3));
}

#[test]
fn follow_goes_to_each_new_row_until_one_moves() {
    let mut script = Script::tour(Colours::Many);
    script.draw(100, 30);
    script.type_text("F");
    assert_eq!(selected(&script), Some(6));
    script.created(7, Method::Options, "sip:demo.test", true);
    assert_eq!(selected(&script), Some(7));
    assert!(script.text(100, 30).contains("7 · follow"));
    script.type_text("j");
    script.created(8, Method::Options, "sip:demo.test", true);
    assert_eq!(selected(&script), Some(6));
    assert!(!script.text(100, 30).contains("follow"));
}

#[test]
fn a_row_is_found_by_a_part_of_what_it_shows() {
    let mut script = Script::tour(Colours::Many);
    script.draw(120, 30);
    script.type_text("f");
    script.type_text("slnt");
    assert!(script.text(120, 30).contains("▸    4 INVITE    silent@demo.test"));
    script.press(KeyCode::Enter, NONE);
    assert_eq!((selected(&script), script.model.mode), (Some(4), Mode::Browse));
    script.type_text("f");
    script.type_text("invring");
    script.press(KeyCode::Down, NONE);
    script.press(KeyCode::Enter, NONE);
    assert_eq!(selected(&script), Some(5));
    script.type_text("f");
    script.type_text("qqq\n");
    assert!(script.text(120, 30).contains("no row is like that"));
    script.press(KeyCode::Esc, NONE);
    assert_eq!(selected(&script), Some(5));
}

#[test]
fn columns_are_chosen_moved_and_sized() {
    let mut script = Script::tour(Colours::Many);
    script.draw(160, 45);
    script.type_text("C");
    assert!(script.text(160, 45).contains("▸ [x] number"));
    script.type_text("jj");
    script.type_text(" ");
    script.press(KeyCode::Esc, NONE);
    let heading = |script: &mut Script| script.text(160, 45).lines().nth(2).unwrap().to_owned();
    assert!(!heading(&mut script).contains("Target"));
    script.type_text("C");
    script.type_text("G");
    script.type_text(" ");
    script.type_text("KKKKKKKKKKKKKK");
    script.type_text("++");
    script.press(KeyCode::Enter, NONE);
    script.press(KeyCode::Esc, NONE);
    let line = heading(&mut script);
    let place = |text: &str| line.find(text).unwrap_or_else(|| panic!("no {text} in {line}"));
    assert!(place("Label") < place("#") || place("Target") < place("#"), "{line}");
    script.type_text("C");
    for _ in 0..20 {
        script.type_text("g");
        script.type_text(" ");
    }
    assert!(!script.model.table.columns.shown().is_empty());
}

#[test]
fn long_texts_are_scrolled_to_their_end() {
    let mut script = Script::new(Colours::Many);
    let long = "sip:a-user-part-that-is-rather-long@a-host-that-is-as-long.demo.test";
    script.created(1, Method::Options, long, true);
    assert!(script.text(80, 24).contains("a-user-part-th"));
    for _ in 0..20 {
        script.type_text(">");
    }
    assert!(script.text(80, 24).contains("demo.test "));
    for _ in 0..200 {
        script.type_text("<");
    }
    assert!(script.text(80, 24).contains("a-user-part-th"));
}

#[test]
fn every_prompt_and_choice_can_be_drawn_at_every_size() {
    for keys in ["/ring", "/ring tagret:x", "frin", "llabel", "C", "CGj", "Mzl"] {
        let mut script = Script::tour(Colours::Many);
        script.draw(100, 30);
        script.type_text(keys);
        for width in (1..230).step_by(13).chain([39, 40, 79, 80, 119, 120]) {
            for height in [1, 7, 8, 9, 11, 12, 13, 24, 60] {
                script.draw(width, height);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_makes_the_filter_panic(text in "\\PC{0,40}", more in "[a-z!~:<>=\"\\\\ 0-9.x|()é]{0,30}") {
        let mut script = Script::tour(Colours::Many);
        for text in [text.clone(), more.clone(), format!("target:{more}"), format!("~{more}"), format!("{text} {more}")] {
            if let Ok(filter) = Filter::parse(&text) {
                for row in script.model.facts.contexts.iter() {
                    filter.matches(row, "ws 127.0.0.1:5066", script.now);
                }
            }
            update::input(&mut script.model, Input::Paste(text), script.now);
        }
    }

    #[test]
    fn the_list_kept_is_the_list_made_anew(steps in prop::collection::vec((0..9_u8, 0..12_u64), 1..60), sorted in 0..8_usize, folded in 0..3_usize) {
        let mut script = Script::new(Colours::Many);
        let columns = ["number", "state", "timer", "attempts", "last", "duration", "label", "cause"];
        script.model.table.columns = Columns::new(columns.map(|text| text.parse().unwrap()));
        for _ in 0..sorted {
            script.type_text("s");
        }
        script.type_text(&"z".repeat(folded));
        filter(&mut script, "!target:busy !code:4xx took<20s");
        let mut next = 1;
        for (step, number) in steps {
            let id = 1 + number % next.max(1);
            match step {
                0 => script.ringing(next),
                1 => script.silent(next),
                2 => script.registered(next),
                3 => script.answered(next),
                4 => script.rejected_by_cancel(next),
                5 if next > 1 => script.retransmit(id, 4),
                6 if next > 1 => ended(&mut script, id),
                7 => script.wait(5_000),
                _ if next > 1 => script.cancel(id, true),
                _ => {}
            }
            next += u64::from(step < 5);
        }
        script.draw(120, 30);
        let kept: Vec<usize> = script.model.table.list.iter().collect();
        script.model.table.list.rebuild(&script.model.facts.contexts);
        let anew: Vec<usize> = script.model.table.list.iter().collect();
        prop_assert_eq!(kept, anew);
    }
}
