//! Writing and sending again, with the real binary in a real pseudo-terminal.

use super::ui_terminal::Dashboard;

#[test]
fn a_request_is_sent_again_as_new() {
    let mut dashboard = Dashboard::start(120, 40);
    dashboard.wait_for("n new");
    dashboard.send("busy");
    dashboard.wait_for("486 Busy Here");
    dashboard.type_keys("r");
    dashboard.wait_for("Send #2 again");
    dashboard.type_keys("n");
    dashboard.wait_until("a second row", |screen| screen.matches("486 Busy Here").count() >= 3);
    dashboard.wait_for("#3 INVITE");
}

#[test]
fn a_request_is_sent_again_in_its_dialog_where_there_is_one() {
    let mut dashboard = Dashboard::start(140, 40);
    dashboard.wait_for("n new");
    dashboard.send("busy");
    dashboard.wait_for("486 Busy Here");
    dashboard.type_keys("rd");
    dashboard.wait_for("no dialog is up any more, it is rejected");
    dashboard.send("answer");
    dashboard.wait_for("1 leg up");
    dashboard.type_keys("rd");
    dashboard.wait_for("200 OK to INVITE #4");
}

#[test]
fn a_request_is_sent_again_byte_for_byte() {
    let mut dashboard = Dashboard::start(140, 40);
    dashboard.wait_for("n new");
    dashboard.send("ring");
    dashboard.wait_for("180 Ringing");
    dashboard.type_keys("rb");
    dashboard.wait_for("its branch is that of #2");
}

#[test]
fn a_request_is_edited_and_sent_and_the_old_one_stays() {
    let mut dashboard = Dashboard::start(140, 40);
    dashboard.wait_for("n new");
    dashboard.send("busy");
    dashboard.wait_for("486 Busy Here");
    dashboard.type_keys("e");
    dashboard.wait_for("Edit and send #2 again");
    dashboard.type_keys("n");
    dashboard.wait_for("New request like #2");
    // Behind the target, back over `busy@demo.test`.
    dashboard.type_keys("\x15sip:decline@demo.test");
    dashboard.wait_for("INVITE sip:decline@demo.test SIP/2.0");
    dashboard.type_keys("\r");
    dashboard.wait_for("603 Decline");
    dashboard.wait_for("486 Busy Here");
}

#[test]
fn a_request_is_edited_in_its_dialog() {
    let mut dashboard = Dashboard::start(140, 40);
    dashboard.wait_for("n new");
    dashboard.send("answer");
    dashboard.wait_for("1 leg up");
    dashboard.type_keys("ed");
    dashboard.wait_for("In the dialog of #2");
    dashboard.type_keys("\x13");
    dashboard.wait_for("200 OK to INVITE #3");
    dashboard.type_keys("o");
    dashboard.wait_for("INFO sip:answer@127.0.0.1");
    dashboard.type_keys("\r");
    dashboard.wait_for("200 OK to INFO #4");
}

#[test]
fn raw_bytes_are_edited_and_sent_as_they_are() {
    let mut dashboard = Dashboard::start(140, 40);
    dashboard.wait_for("n new");
    dashboard.type_keys("n");
    dashboard.wait_for("New request");
    dashboard.type_keys("sip:nobody@demo.test");
    dashboard.wait_for("INVITE sip:nobody@demo.test SIP/2.0");
    dashboard.type_keys("\x12");
    dashboard.wait_for("New request, raw");
    // No INVITE any more, and no method that anybody knows.
    dashboard.type_keys("X");
    dashboard.wait_for("bytes, sent as they are");
    dashboard.wait_for("XINVITE sip:nobody@demo.test SIP/2.0");
    dashboard.type_keys("\x13");
    dashboard.wait_for("#2 XINVITE");
}

#[test]
fn the_body_goes_to_an_editor_and_comes_back() {
    let environment = [("EDITOR", "sed -i s/old/new/")];
    let mut dashboard = Dashboard::start_with(140, 40, &environment);
    dashboard.wait_for("n new");
    dashboard.type_keys("n");
    dashboard.wait_for("New request");
    dashboard.type_keys("nobody\t\t\t\told words");
    dashboard.wait_for("Content-Length: 9");
    dashboard.type_keys("\x05");
    dashboard.wait_for("new words");
    dashboard.type_keys("er");
    dashboard.wait_for("new wordser");
    dashboard.type_keys("\x1b");
    dashboard.wait_until("the form has closed", |screen| !screen.contains("New request"));
    dashboard.type_keys("q");
    assert_eq!(dashboard.wait_for_end(), 0);
    dashboard.assert_restored();
}

#[test]
fn an_editor_can_write_any_bytes_into_a_raw_message() {
    let environment = [("EDITOR", "printf 'OPTIONS sip:a@h SIP/2.0\\r\\nX: \\377\\nY: z\\r\\n' >")];
    let mut dashboard = Dashboard::start_with(140, 40, &environment);
    dashboard.wait_for("n new");
    dashboard.type_keys("n");
    dashboard.wait_for("New request");
    dashboard.type_keys("nobody\x12");
    dashboard.wait_for("New request, raw");
    dashboard.type_keys("\x05");
    dashboard.wait_for("X: \\xff\\n\\");
    dashboard.wait_for("36 bytes, sent as they are");
    dashboard.type_keys("\x1b");
    dashboard.wait_until("the form has closed", |screen| !screen.contains("New request"));
    dashboard.type_keys("q");
    assert_eq!(dashboard.wait_for_end(), 0);
    dashboard.assert_restored();
}

#[test]
fn an_editor_that_fails_loses_nothing() {
    let environment = [("VISUAL", "exit 3;"), ("EDITOR", "not this one")];
    let mut dashboard = Dashboard::start_with(140, 40, &environment);
    dashboard.wait_for("n new");
    dashboard.type_keys("n");
    dashboard.wait_for("New request");
    dashboard.type_keys("nobody\t\t\t\told words");
    dashboard.wait_for("Content-Length: 9");
    dashboard.type_keys("\x05");
    dashboard.wait_for("the text is as it was");
    dashboard.wait_for("old words");
    dashboard.type_keys("\x1b");
    dashboard.wait_until("the form has closed", |screen| !screen.contains("New request"));
    dashboard.type_keys("q");
    assert_eq!(dashboard.wait_for_end(), 0);
    dashboard.assert_restored();
}

#[test]
fn an_editor_that_is_open_does_not_hold_up_a_signal() {
    // The first asks for its end in vain.
    for editor in ["trap '' TERM; echo it waits; while sleep 1; do :; done;", "sleep 600;"] {
        let mut dashboard = Dashboard::start_with(140, 40, &[("EDITOR", editor)]);
        dashboard.wait_for("n new");
        dashboard.type_keys("n");
        dashboard.wait_for("New request");
        dashboard.type_keys("\x05");
        dashboard.assert_given_back();
        dashboard.signal("TERM");
        assert_eq!(dashboard.wait_for_end(), 0, "{editor}");
        dashboard.assert_restored();
    }
}

#[test]
fn what_was_typed_for_an_editor_is_not_typed_into_the_form() {
    // In the editor's terminal a paste loses its last byte: as keys it would never end.
    let editor = "echo it waits; until [ -e go ]; do sleep 0.01; done;";
    let mut dashboard = Dashboard::start_with(140, 40, &[("EDITOR", editor)]);
    dashboard.wait_for("n new");
    dashboard.type_keys("n");
    dashboard.wait_for("New request");
    dashboard.type_keys("nobody");
    dashboard.wait_for("INVITE sip:nobody@demo.test SIP/2.0");
    dashboard.type_keys("\x05");
    dashboard.wait_for("it waits");
    dashboard.type_keys("\x1b[200~ring\x1b[201~\x7f");
    dashboard.wait_for("[201");
    std::fs::write(dashboard.home().join("go"), "").unwrap();
    dashboard.wait_for("New request");
    dashboard.type_keys("\x1b");
    dashboard.wait_until("the form has closed", |screen| !screen.contains("New request"));
    dashboard.type_keys("q");
    assert_eq!(dashboard.wait_for_end(), 0);
    dashboard.assert_restored();
}

#[test]
fn the_peers_bye_waits_for_an_answer_by_hand() {
    let config = "answer_by_hand = [\"BYE\"]\n";
    let (mut dashboard, _) = Dashboard::with_config(140, 40, config);
    dashboard.wait_for("reg ✔");
    dashboard.type_keys("p");
    dashboard.wait_for("no request of the peer waits for an answer");
    dashboard.send("hangup");
    dashboard.wait_for("p answer");
    dashboard.type_keys("p");
    dashboard.wait_for("Answer to BYE in #2");
    dashboard.type_keys("\x15200 So long");
    dashboard.wait_for("SIP/2.0 200 So long");
    dashboard.type_keys("\r");
    dashboard.wait_for("200 So long to BYE");
    dashboard.wait_for("0 legs up");
}
