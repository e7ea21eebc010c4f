//! The form: its drafts, its fields, and what Tab and arrows do there.

use super::*;

#[test]
fn the_draft_stays_and_a_sent_target_is_typed_over() {
    let mut script = Script::new(Colours::Many);
    script.type_text("nring");
    script.press(KeyCode::Esc, NONE);
    assert_eq!(script.model.mode, Mode::Browse);
    script.type_text("n@b.test");
    let sent = target(script.press(KeyCode::Char('s'), KeyModifiers::CONTROL));
    assert_eq!(sent, "sip:ring@b.test");
    script.type_text("nbusy");
    assert_eq!(target(script.press(KeyCode::Enter, NONE)), "sip:busy@demo.test");
    script.type_text("n");
    assert_eq!(target(script.press(KeyCode::Enter, NONE)), "sip:busy@demo.test", "sent once more");
    script.type_text("n");
    script.press(KeyCode::Left, NONE);
    script.type_text("x");
    assert_eq!(target(script.press(KeyCode::Enter, NONE)), "sip:busxy@demo.test");
}

#[test]
fn the_server_is_chosen_and_may_be_the_targets_own() {
    let mut script = Script::new(Colours::Many);
    let mut servers = Vec::new();
    for _ in 0..4 {
        script.type_text("nx@127.0.0.1:5099");
        script.press(KeyCode::Tab, NONE);
        let Some(Command::Send(submission)) = script.press(KeyCode::Enter, NONE) else {
            panic!("not sent")
        };
        servers.push(submission.server.map(|server| server.to_string()));
        script.type_text("n");
        script.press(KeyCode::Tab, NONE);
        script.press(KeyCode::Right, NONE);
        script.press(KeyCode::Esc, NONE);
    }
    let expected = [
        Some("ws://127.0.0.1:5066".to_owned()),
        Some("sip:127.0.0.1:5060;transport=udp".to_owned()),
        None,
        Some("ws://127.0.0.1:5066".to_owned()),
    ];
    assert_eq!(servers, expected);
}

#[test]
fn methods_are_cycled_and_completed() {
    let mut script = Script::new(Colours::Many);
    script.type_text("nring");
    script.press(KeyCode::BackTab, NONE);
    script.press(KeyCode::Char('u'), KeyModifiers::CONTROL);
    script.type_text("sub");
    script.press(KeyCode::Right, NONE);
    assert!(script.text(80, 24).contains("SUBSCRIBE"));
    script.press(KeyCode::Left, NONE);
    let Some(Command::Send(submission)) = script.press(KeyCode::Enter, NONE) else {
        panic!("not sent")
    };
    assert_eq!(submission.request.method, Method::Info);
}

#[test]
fn a_method_is_typed_over_the_one_that_was_given() {
    let mut script = Script::new(Colours::Many);
    let mut method = |keys: &[KeyCode]| {
        script.type_text("nring");
        script.press(KeyCode::BackTab, NONE);
        for key in keys {
            script.press(*key, NONE);
        }
        match script.press(KeyCode::Enter, NONE) {
            Some(Command::Send(submission)) => submission.request.method.to_string(),
            other => panic!("{other:?}"),
        }
    };
    let typed = |text: &str| -> Vec<KeyCode> { text.chars().map(KeyCode::Char).collect() };
    assert_eq!(method(&[]), "INVITE");
    assert_eq!(method(&typed("OPTIONS")), "OPTIONS");
    assert_eq!(method(&[typed("in"), vec![KeyCode::Right]].concat()), "INVITE", "completed");
    assert_eq!(method(&[vec![KeyCode::Right], typed("PING")].concat()), "PING", "chosen first");
    assert_eq!(method(&[vec![KeyCode::End], typed("ER")].concat()), "PINGER", "written on");
}

#[test]
fn the_footer_names_keys_that_act_in_the_field_with_the_cursor() {
    let mut script = Script::new(Colours::Many);
    script.type_text("nring");
    let mut footers = Vec::new();
    for _ in 0..6 {
        let screen = script.text(80, 24);
        footers.push(screen.lines().last().unwrap().trim().to_owned());
        script.press(KeyCode::Tab, NONE);
    }
    let line = "Enter send  Tab next  F2 more  F3 preview  F4 raw  Esc close  F1 help";
    let choice = line.replace("next", "next  Right choose").replace("  F2 more", "");
    let lines =
        |own: &str| format!("Ctrl-s send  Tab next  {own}  F3 preview  F4 raw  Esc close  F1 help");
    let headers = lines("Ctrl-x off/on");
    let body = lines("Ctrl-t template");
    let kind = line.replace("F3", "Ctrl-t template  F3").replace("  F2 more", "");
    // Target, server, headers, content type, body, method.
    assert_eq!(footers, [line, &choice, &headers, &kind, &body, &choice]);
}

#[test]
fn headers_and_body_are_written_in_lines_of_their_own() {
    let mut script = Script::new(Colours::Many);
    script.type_text("nring");
    script.press(KeyCode::Tab, NONE);
    script.press(KeyCode::Tab, NONE);
    script.type_text("Subject: a\nX-Test: jkqnL?");
    script.press(KeyCode::Tab, NONE);
    script.press(KeyCode::Tab, NONE);
    paste(&mut script, "one\r\ntwo\rthree");
    let command = script.press(KeyCode::Char('s'), KeyModifiers::CONTROL);
    let Some(Command::Send(submission)) = command else { panic!("{command:?}") };
    let headers: Vec<_> =
        submission.request.headers.iter().map(|h| (h.name(), h.value())).collect();
    assert_eq!(headers, [("Subject", "a"), ("X-Test", "jkqnL?")]);
    assert_eq!(&submission.request.body[..], b"one\r\ntwo\r\nthree");
}

#[test]
fn a_mistake_is_told_beside_its_field_once_it_was_left() {
    let mut script = Script::new(Colours::Many);
    script.type_text("na b@c");
    assert!(!script.text(80, 24).contains("is not a URI"), "not while it is being typed");
    script.press(KeyCode::Tab, NONE);
    assert!(script.text(80, 24).contains("is not a URI"));
    assert!(script.press(KeyCode::Enter, NONE).is_none());
    assert_eq!(script.model.mode, Mode::Compose);
}

#[test]
fn a_paste_takes_no_control_characters_into_a_line() {
    let mut script = Script::new(Colours::Many);
    script.type_text("n");
    paste(&mut script, "  sip:ring\x1b[2J@demo.test\r\n");
    assert_eq!(target(script.press(KeyCode::Enter, NONE)), "sip:ring[2J@demo.test");
    script.type_text("n");
    paste(&mut script, "ri@demo.test");
    for _ in 0..10 {
        script.press(KeyCode::Left, NONE);
    }
    paste(&mut script, "ng");
    assert_eq!(target(script.press(KeyCode::Enter, NONE)), "sip:ring@demo.test");
}

#[test]
fn a_form_that_makes_no_request_is_no_beginning_of_a_raw_message() {
    let mut script = Script::new(Colours::Many);
    script.type_text("nbob");
    script.press(KeyCode::Tab, NONE);
    script.press(KeyCode::Tab, NONE);
    script.type_text("sup");
    script.press(KeyCode::F(4), NONE);
    let screen = script.text(160, 45);
    assert!(
        screen.contains("raw mode begins with what the form would send: Headers: "),
        "{screen}"
    );
    assert!(screen.contains("╭ New request ─"), "the form stays: {screen}");
    script.type_text("ported: x");
    script.press(KeyCode::F(4), NONE);
    let sent = script.press(KeyCode::Char('s'), KeyModifiers::CONTROL);
    let Some(Command::SendRaw(raw)) = sent else { panic!("{sent:?}") };
    let bytes = String::from_utf8_lossy(raw.message.bytes()).into_owned();
    assert!(bytes.contains("supported: x"), "{bytes}");
    // Nothing that is wrong stands in an empty form: the message is written from its beginning, and
    // not from what was right last.
    let mut script = Script::new(Colours::Many);
    script.type_text("nbob");
    for _ in 0.."bob".len() {
        script.press(KeyCode::Backspace, NONE);
    }
    script.press(KeyCode::F(4), NONE);
    let screen = script.text(160, 45);
    assert!(screen.contains("Raw message") && !screen.contains("INVITE sip:bob"), "{screen}");
}
