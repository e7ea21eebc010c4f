//! The composer: what is typed, what is shown of it, and what is sent.

mod ui_script;

use bytes::Bytes;
use crossterm::event::{KeyCode, KeyModifiers};
use sipboard::{
    engine::{Command, Submission},
    sip::{Fact, Message, Method, RawMessage},
    ui::view::Colours,
};
use ui_script::Script;

const NONE: KeyModifiers = KeyModifiers::NONE;

fn control(script: &mut Script, key: char) -> Option<Command> {
    script.press(KeyCode::Char(key), KeyModifiers::CONTROL)
}

fn submission(command: Option<Command>) -> Submission {
    match command {
        Some(Command::Send(submission)) => *submission,
        other => panic!("nothing was sent: {other:?}"),
    }
}

/// A script with a form in which a target stands, and the size of a screen.
fn composing(target: &str) -> Script {
    let mut script = Script::new(Colours::Many);
    script.model.book.known = ["ring", "redirect", "answer"].map(str::to_owned).to_vec();
    script.type_text("n");
    script.type_text(target);
    script
}

#[test]
fn what_the_preview_shows_is_what_is_sent() {
    let mut script = composing("bob");
    script.press(KeyCode::Tab, NONE);
    script.press(KeyCode::Tab, NONE);
    script.type_text("X-Id: {{uuid}} {{random 8}} {{seq}}");
    let screen = script.text(200, 60);
    let sent = submission(control(&mut script, 's')).request;
    for value in [
        sent.call_id.unwrap().as_str(),
        sent.from_tag.unwrap().as_str(),
        &format!("CSeq: {} INVITE", sent.cseq.unwrap().number()),
        sent.headers[0].value(),
    ] {
        assert!(screen.contains(value), "{value}:\n{screen}");
    }
    assert!(sent.headers[0].value().ends_with(" 1"));
    // The next one has values of its own.
    script.type_text("n");
    let again = submission(control(&mut script, 's')).request;
    assert!(again.headers[0].value().ends_with(" 2"));
    assert!(!screen.contains(again.call_id.unwrap().as_str()));
}

#[test]
fn tab_completes_a_target_a_header_and_its_value() {
    let mut script = composing("re");
    assert!(script.text(120, 30).contains("⇥ redirect"));
    script.press(KeyCode::Tab, NONE);
    script.press(KeyCode::Tab, NONE);
    script.press(KeyCode::Tab, NONE);
    script.type_text("suppo");
    assert!(script.text(120, 30).contains("⇥ Supported:"));
    script.press(KeyCode::Tab, NONE);
    script.type_text("1");
    script.press(KeyCode::Tab, NONE);
    let sent = submission(control(&mut script, 's')).request;
    assert_eq!(sent.request_uri.as_str(), "sip:redirect@demo.test");
    assert_eq!((sent.headers[0].name(), sent.headers[0].value()), ("Supported", "100rel"));
}

#[test]
fn a_header_that_is_switched_off_stays_and_is_not_sent() {
    let mut script = composing("bob");
    script.press(KeyCode::Tab, NONE);
    script.press(KeyCode::Tab, NONE);
    script.type_text("X-A: 1\nX-B: 2");
    control(&mut script, 'x');
    assert!(script.text(120, 30).contains("# X-B: 2"));
    let sent = submission(control(&mut script, 's')).request;
    assert_eq!(sent.headers.len(), 1);
    script.type_text("n");
    script.press(KeyCode::Tab, NONE);
    script.press(KeyCode::Tab, NONE);
    control(&mut script, 'x');
    let sent = submission(control(&mut script, 's')).request;
    assert_eq!(sent.headers.len(), 2);
}

#[test]
fn a_template_is_a_body_that_takes_the_place_of_none_of_ones_own() {
    let mut script = composing("bob");
    control(&mut script, 't');
    control(&mut script, 't');
    assert!(script.text(120, 40).contains("the body is: hold"));
    let sent = submission(control(&mut script, 's')).request;
    assert_eq!(sent.content_type.as_deref(), Some("application/sdp"));
    assert!(String::from_utf8_lossy(&sent.body).contains("a=sendonly\r\n"));
    script.type_text("n");
    control(&mut script, 't');
    control(&mut script, 't');
    script.type_text("my own");
    control(&mut script, 't');
    assert!(script.text(120, 40).contains("the body is your own"));
}

#[test]
fn the_advanced_fields_are_what_they_say() {
    let mut script = composing("bob");
    script.press(KeyCode::F(2), NONE);
    // Server, headers, content type, body, and then nine more.
    for _ in 0..5 {
        script.press(KeyCode::Tab, NONE);
    }
    for text in ["sip:proxy.test;lr", "Bob", "sip:b@x.test", "t1", "A", "sip:a@y.test", "t2", "c@d"]
    {
        script.type_text(text);
        script.press(KeyCode::Tab, NONE);
    }
    script.type_text("77");
    let sent = submission(control(&mut script, 's')).request;
    assert_eq!(sent.route_set[0].as_str(), "sip:proxy.test;lr");
    assert_eq!(sent.to.to_string(), "\"Bob\" <sip:b@x.test>");
    assert_eq!(sent.from.to_string(), "\"A\" <sip:a@y.test>");
    assert_eq!(sent.to_tag.unwrap().as_str(), "t1");
    assert_eq!(sent.from_tag.unwrap().as_str(), "t2");
    assert_eq!(sent.call_id.unwrap().as_str(), "c@d");
    assert_eq!(sent.cseq.unwrap().number(), 77);
}

#[test]
fn raw_bytes_go_out_as_they_are() {
    let mut script = composing("bob");
    control(&mut script, 'r');
    control(&mut script, 'u');
    script.type_text("hello\\x00\n");
    let Some(Command::SendRaw(raw)) = control(&mut script, 's') else { panic!("not sent") };
    assert_eq!(&raw.message.bytes()[..], b"hello\0\r\n");
}

/// A script with a context that has sent this.
fn sent(bytes: &'static str) -> Script {
    Script::having_sent(bytes)
}

const SENT: &str = "MESSAGE sip:bob@demo.test SIP/2.0\r\nVia: SIP/2.0/WS h.invalid;branch=z9hG4bKa\r\n\
    Max-Forwards: 70\r\nFrom: \"Alice\" <sip:alice@demo.test>;tag=f\r\nTo: <sip:bob@demo.test>\r\n\
    Call-ID: old\r\nCSeq: 7 MESSAGE\r\nX-Own: {{x}}\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi";

#[test]
fn a_draft_is_kept_while_something_else_is_written() {
    let mut script = sent(SENT);
    script.type_text("nmy draft");
    script.press(KeyCode::Esc, NONE);
    script.type_text("en");
    assert!(script.text(120, 30).contains("New request like #2"));
    control(&mut script, 'u');
    script.type_text("carol");
    script.press(KeyCode::Esc, NONE);
    script.type_text("n");
    assert!(script.text(120, 30).contains("my draft"));
    script.press(KeyCode::Esc, NONE);
    script.type_text("en");
    let again = submission(control(&mut script, 's')).request;
    assert_eq!(again.request_uri.as_str(), "sip:carol@demo.test");
    assert_eq!(&again.body[..], b"hi");
    assert_eq!(again.headers[0].value(), "{{x}}", "braces that were sent are no variable");
    assert_ne!(again.call_id.unwrap().as_str(), "old");
}

#[test]
fn byte_for_byte_is_byte_for_byte() {
    let mut script = sent(SENT);
    let Some(Command::SendRaw(raw)) = script.type_text("rb") else { panic!("not sent") };
    assert_eq!(raw.message, RawMessage::new(Bytes::from_static(SENT.as_bytes())));
    script.type_text("eb");
    let Some(Command::SendRaw(raw)) = control(&mut script, 's') else { panic!("not sent") };
    assert_eq!(raw.message.bytes(), SENT.as_bytes());
}

#[test]
fn there_is_no_dialog_to_write_in_and_that_is_said() {
    let mut script = sent(SENT);
    script.type_text("o");
    assert!(script.text(120, 30).contains("#2: MESSAGE has no dialog that is up"));
    script.type_text("ed");
    assert!(script.text(120, 30).contains("#2: MESSAGE has no dialog that is up"));
}

#[test]
fn a_request_is_written_in_the_dialog_of_a_call() {
    let mut script = sent(SENT);
    script.type_text("jo");
    control(&mut script, 'u');
    script.type_text("REFER");
    script.press(KeyCode::Down, NONE);
    script.type_text("Refer-To: <sip:c@demo.test>");
    let Some(Command::SendInDialog { context, tag, request }) = control(&mut script, 's') else {
        panic!("not sent")
    };
    assert_eq!((context.0, tag), (1, None));
    assert_eq!(request.method, Method::Refer);
    assert_eq!(request.headers[0].name(), "Refer-To");
}

#[test]
fn what_the_peer_asks_for_is_one_key_away() {
    let mut script = sent(SENT);
    script.type_text("x");
    assert!(script.text(120, 30).contains("#2: no answer to it says what would help"));
    let request = Message::read(Bytes::from_static(SENT.as_bytes())).unwrap();
    let retry = sipboard::sip::NewRequest::from_message(&request);
    let sentence = "the peer knows better".to_owned();
    let advice = Some(Box::new(sipboard::sip::Advice { sentence, retry }));
    let status = script.model.selected().unwrap().status.clone();
    let cause = sipboard::sip::Cause::Rejected;
    let failed = Fact::Failed { response: None, cause, detail: Box::default(), advice };
    script.fact(2, Method::Message, failed, status);
    script.type_text("x");
    assert!(script.text(120, 30).contains("What would help #2"));
    script.press(KeyCode::Esc, NONE);
    script.type_text("en");
    let like = submission(control(&mut script, 's')).request;
    assert_ne!(like.call_id.unwrap().as_str(), "old", "that is another draft");
    script.type_text("x");
    let sent = submission(control(&mut script, 's')).request;
    assert_eq!(sent.call_id.unwrap().as_str(), "old");
    assert_eq!(sent.cseq.unwrap().number(), 7);
}

#[test]
fn the_screens_of_the_composer() {
    let mut script = composing("bob");
    script.press(KeyCode::Tab, NONE);
    script.press(KeyCode::Tab, NONE);
    script.type_text("X-Id: {{seq}}\nExpires: soon\nsup");
    for (width, height) in [(40, 10), (80, 24), (160, 45)] {
        insta::assert_snapshot!(format!("form_{width}x{height}"), script.text(width, height));
    }
    script.press(KeyCode::F(3), NONE);
    insta::assert_snapshot!("preview_80x24", script.text(80, 24));
    script.press(KeyCode::F(3), NONE);
    script.press(KeyCode::F(2), NONE);
    insta::assert_snapshot!("advanced_160x45", script.text(160, 45));
    let mut script = composing("bob");
    script.press(KeyCode::Tab, NONE);
    script.press(KeyCode::Tab, NONE);
    script.type_text("X-Id: {{seq}}\nExpires: soon\n");
    script.press(KeyCode::F(4), NONE);
    insta::assert_snapshot!("raw_120x30", script.text(120, 30));
    let mut script = sent(SENT);
    script.type_text("r");
    insta::assert_snapshot!("again_80x24", script.text(80, 24));
}

#[test]
fn the_composer_loses_nothing_in_monochrome() {
    let screens = [Colours::Many, Colours::None].map(|colours| {
        let mut script = Script::new(colours);
        script.type_text("nbob");
        script.press(KeyCode::Tab, NONE);
        script.press(KeyCode::Tab, NONE);
        script.type_text("Expires: soon");
        script.text(160, 45)
    });
    assert_eq!(screens[0], screens[1]);
}

#[test]
fn a_mistake_does_not_hide_the_completions_that_would_mend_it() {
    let mut script = composing("");
    script.type_text("sip:{{uu");
    assert!(control(&mut script, 's').is_none());
    let screen = script.text(120, 40);
    assert!(screen.contains("is never closed"), "{screen}");
    assert!(screen.contains("⇥ uuid}}"), "{screen}");
}

#[test]
fn variables_have_new_values_where_a_request_is_sent_again() {
    let mut script = composing("bob");
    script.press(KeyCode::Tab, NONE);
    script.press(KeyCode::Tab, NONE);
    script.type_text("X-Id: {{uuid}} {{seq}}\nAuthorization: Basic c2VjcmV0");
    let sent = submission(control(&mut script, 's')).request;
    goes_out(&mut script, 1, &sent);
    script.type_text("r");
    let again = submission(script.type_text("n")).request;
    assert_ne!(again.headers[0].value()[..36], sent.headers[0].value()[..36]);
    assert!(sent.headers[0].value().ends_with(" 1") && again.headers[0].value().ends_with(" 2"));
    assert_eq!(again.headers[1], sent.headers[1], "what was written by hand is sent again");
    assert!(again.call_id != sent.call_id && again.from_tag.is_none());
    // And so where that one is sent again.
    goes_out(&mut script, 2, &again);
    script.type_text("gr");
    let third = submission(script.type_text("n")).request;
    assert_ne!(third.headers[0].value()[..36], again.headers[0].value()[..36]);
    assert!(third.headers[0].value().ends_with(" 3"), "{:?}", third.headers);
    // The form has the variables, not their values.
    goes_out(&mut script, 3, &third);
    script.type_text("gen");
    let screen = script.text(160, 60);
    assert!(screen.contains("X-Id: {{uuid}} {{seq}}"), "{screen}");
    let edited = submission(control(&mut script, 's')).request;
    assert!(edited.headers[0].value().ends_with(" 4"));
    // The next new one is numbered after all of them.
    script.type_text("n");
    let next = submission(control(&mut script, 's')).request;
    assert!(next.headers[0].value().ends_with(" 5"), "{:?}", next.headers);
}

#[test]
fn the_preview_says_what_would_be_refused() {
    let mut script = composing("sips:bob:hush@demo.test");
    let screen = script.text(160, 45);
    assert!(screen.contains("▲ it would be refused: sips:bob:***@demo.test must go"), "{screen}");
    assert!(screen.contains("is not encrypted"), "{screen}");
    assert!(!composing("sip:bob@demo.test").text(160, 45).contains("would be refused"));
    script.press(KeyCode::Esc, NONE);
}

/// The engine sends a request that was written.
fn goes_out(script: &mut Script, context: u64, request: &sipboard::sip::NewRequest) {
    let created = sipboard::sip::Created {
        request_uri: request.request_uri.clone(),
        local_identity: "<sip:alice@demo.test>".into(),
        remote_identity: "<sip:bob@demo.test>".into(),
        call_id: request.call_id.as_ref().unwrap().as_str().into(),
        flow: None,
        transport: sipboard::sip::Transport::Udp,
        parent: None,
        account: Some("alice".into()),
        registration: None,
    };
    let calling = ui_script::status(sipboard::sip::State::Calling, true);
    script.fact(context, Method::Invite, Fact::Created(Box::new(created)), calling.clone());
    let message = Bytes::from_static(SENT.as_bytes());
    let went = Fact::Sent { message, destination: script.along(context) };
    script.fact(context, Method::Invite, went, calling);
}

#[test]
fn credentials_that_are_left_out_are_told() {
    let bytes = "MESSAGE sip:bob@demo.test SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n\
        From: <sip:a@b>;tag=1\r\nTo: <sip:bob@demo.test>\r\nCall-ID: 1\r\nCSeq: 1 MESSAGE\r\n\
        Authorization: Basic c2VjcmV0\r\nContent-Length: 0\r\n\r\n";
    let told = "#2: its Authorization, written by hand, is left out";
    let mut script = sent(bytes);
    script.type_text("rn");
    assert!(script.model.notice.as_ref().unwrap().text.starts_with(told));
    script.type_text("en");
    assert!(script.model.notice.as_ref().unwrap().text.starts_with(told));
    script.press(KeyCode::Esc, NONE);
    script.type_text("rb");
    assert!(script.model.notice.is_none_or(|notice| !notice.text.contains("left out")));
}

#[test]
fn a_raw_message_without_our_address_says_what_becomes_of_it() {
    let mut script = composing("bob");
    control(&mut script, 'r');
    let screen = script.text(160, 60);
    assert!(screen.contains("sent as it stands, but for our own address"), "{screen}");
    assert!(screen.contains("our-address.invalid (Via, Contact)"), "{screen}");
    assert!(screen.contains("each line of the text ends in CR LF"), "{screen}");
}

#[test]
fn the_palette_opens_over_the_form_and_does_what_only_the_form_can() {
    let mut script = composing("bob");
    control(&mut script, 'p');
    script.type_text("next template");
    let screen = script.text(120, 40);
    assert!(screen.contains("▸ next-template") && !screen.contains("needs the form"), "{screen}");
    assert!(script.press(KeyCode::Enter, NONE).is_none());
    let screen = script.text(120, 40);
    assert!(
        screen.contains("New request") && screen.contains("the body is: audio offer"),
        "{screen}"
    );
    control(&mut script, 'p');
    script.press(KeyCode::Esc, NONE);
    control(&mut script, 'p');
    script.type_text("send");
    let command = script.press(KeyCode::Enter, NONE);
    assert_eq!(submission(command).request.request_uri.as_str(), "sip:bob@demo.test");
    // Without the form it says what it lacks.
    script.type_text(":next template\n");
    let notice = script.model.notice.clone().unwrap().text;
    assert!(notice.contains("needs the form to be open"), "{notice}");
}
