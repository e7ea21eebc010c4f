//! What nobody is to see: the passwords of accounts wherever they stand, and what protects a message.

mod ui_script;

use crossterm::event::{KeyCode, KeyModifiers};
use sipboard::{
    engine::{Command, Event, PasswordCommand, Submission},
    sip::{Credentials, Fact, Method},
    ui::{
        model::Shown,
        view::{self, Colours},
    },
};
use ui_script::Script;

const NONE: KeyModifiers = KeyModifiers::NONE;
const PASSWORD: &str = "hunter2";

fn control(script: &mut Script, key: char) -> Option<Command> {
    script.press(KeyCode::Char(key), KeyModifiers::CONTROL)
}

fn submission(command: Option<Command>) -> Submission {
    match command {
        Some(Command::Send(submission)) => *submission,
        other => panic!("nothing was sent: {other:?}"),
    }
}

/// The account has a password from now on.
fn with_password(mut script: Script, password: &str) -> Script {
    let mut accounts = script.model.accounts.clone();
    accounts[0].credentials = Some([Credentials::new("alice", password)].into());
    script.model.reloaded(accounts, 0);
    script
}

/// A form for a request to bob, of an account with a password.
fn composing(target: &str) -> Script {
    let mut script = with_password(Script::new(Colours::Many), PASSWORD);
    script.type_text("n");
    script.type_text(target);
    script
}

fn hides(script: &mut Script) -> String {
    for (width, height) in [(40, 10), (80, 24), (160, 60)] {
        let screen = script.text(width, height);
        assert!(!screen.contains(PASSWORD), "{screen}");
    }
    script.text(160, 60)
}

#[test]
fn a_secret_in_a_field_is_sent_and_not_seen() {
    let bytes = "MESSAGE sip:bob:hush@demo.test SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n\
        From: <sip:a@b>;tag=1\r\nTo: <sip:bob@demo.test>\r\nCall-ID: 1\r\nCSeq: 1 MESSAGE\r\n\
        Authorization: Basic c2VjcmV0\r\nContent-Length: 22\r\n\r\nv=0\r\na=ice-pwd:quiet9\r\n";
    let mut script = Script::having_sent(bytes);
    script.type_text("eb");
    let screen = script.text(160, 60);
    for secret in ["hush", "c2VjcmV0", "quiet9"] {
        assert!(!screen.contains(secret), "{secret}: {screen}");
    }
    assert!(screen.matches("Authorization: Basic ***").count() == 2, "{screen}");
    let Some(Command::SendRaw(raw)) = control(&mut script, 's') else { panic!() };
    assert_eq!(raw.message.bytes(), bytes.as_bytes());
    // Where one is writing, each sign has a mask of its own.
    let mut script = Script::new(Colours::Many);
    script.type_text("nsip:bob:hush@demo.test");
    assert!(script.text(160, 60).contains("sip:bob:***@demo.test"));
    for _ in 0.."@demo.test".len() {
        script.press(KeyCode::Left, NONE);
    }
    assert!(script.text(160, 60).contains("sip:bob:****@demo.test"));
    script.type_text("es");
    assert!(script.text(160, 60).contains("sip:bob:******@demo.test"));
    script.press(KeyCode::Home, NONE);
    let sent = submission(control(&mut script, 's')).request;
    assert_eq!(sent.request_uri.as_str(), "sip:bob:hushes@demo.test");
}

#[test]
fn the_password_of_a_target_is_masked_before_its_host_is_written() {
    let mut script = Script::new(Colours::Many);
    script.type_text("nsip:bob:");
    for (typed, shown) in [
        ("7", "sip:bob:7 "),
        ("7", "sip:bob:77 "),
        ("S", "sip:bob:***"),
        ("ECRET", "sip:bob:********"),
    ] {
        script.type_text(typed);
        for (width, height) in [(40, 10), (80, 24), (160, 60)] {
            let screen = script.text(width, height);
            assert!(screen.contains(shown), "{typed}: {screen}");
            assert!(!screen.contains("77S") && !screen.contains("ECRET"), "{screen}");
        }
    }
    // Nor is it told what is wrong with it.
    assert!(control(&mut script, 's').is_none());
    let screen = script.text(160, 60);
    assert!(screen.contains("is not a URI"), "{screen}");
    assert!(!screen.contains("77S") && !screen.contains("ECRET"), "{screen}");
    // A port is none.
    let mut script = Script::new(Colours::Many);
    script.type_text("nsip:demo.test:5060;transport=tcp");
    assert!(script.text(160, 60).contains("sip:demo.test:5060;transport=tcp"));
}

#[test]
fn the_password_of_a_target_without_its_scheme_is_masked_in_the_form_and_in_what_it_sends() {
    let mut script = Script::new(Colours::Many);
    script.type_text("nbob:");
    for (typed, shown) in [
        ("50", "bob:50 "),
        ("S", "bob:***"),
        ("ECRET", "bob:********"),
        ("@", "bob:***@"),
        ("demo.test", "bob:***@demo.test"),
    ] {
        script.type_text(typed);
        for (width, height) in [(40, 10), (80, 24), (160, 60)] {
            let screen = script.text(width, height);
            assert!(screen.contains(shown), "{typed}: {screen}");
            assert!(!screen.contains("50S") && !screen.contains("ECRET"), "{screen}");
        }
    }
    let screen = script.text(160, 60);
    assert!(screen.contains("INVITE sip:bob:***@demo.test SIP/2.0"), "{screen}");
    // No sentence that names it shows it: without a server, it would have to name one.
    let mut script = Script::new(Colours::Many);
    script.model.accounts[0].servers.clear();
    script.type_text("nbob:SECRET");
    let screen = script.text(160, 60);
    assert!(screen.contains("no server is named"), "{screen}");
    assert!(screen.contains("bob:***") && !screen.contains("SECRET"), "{screen}");
    // Until then it is a URI of another scheme: one may be meant.
    let mut script = Script::new(Colours::Many);
    script.type_text("nunknown:opaque");
    let screen = script.text(160, 60);
    assert!(screen.contains("INVITE unknown:*** SIP/2.0"), "{screen}");
    let sent = submission(control(&mut script, 's')).request;
    assert_eq!(sent.request_uri.as_str(), "unknown:opaque");
}

#[test]
fn the_cursor_stands_where_the_next_sign_goes_in_what_is_masked() {
    let mut script = Script::new(Colours::Many);
    script.type_text("nbob");
    script.press(KeyCode::Tab, NONE);
    script.press(KeyCode::Tab, NONE);
    script.type_text("Authorization: Basic c2VjcmV0");
    let (_, drawn) = script.draw(160, 60);
    let end = drawn.cursor.unwrap();
    for _ in 0..3 {
        script.press(KeyCode::Left, NONE);
    }
    let (_, drawn) = script.draw(160, 60);
    assert_eq!(drawn.cursor.unwrap().x, end.x - 3);
    script.press(KeyCode::Backspace, NONE);
    script.type_text("X");
    let headers = submission(control(&mut script, 's')).request.headers;
    assert_eq!(headers[0].value(), "Basic c2VjXmV0");
}

#[test]
fn what_protects_is_never_seen_in_the_headers() {
    let mut script = Script::new(Colours::Many);
    script.type_text("nbob");
    script.press(KeyCode::Tab, NONE);
    script.press(KeyCode::Tab, NONE);
    script.type_text("Authorization: Basic c2VjcmV0");
    assert!(script.text(160, 60).contains("│Authorization: Basic ********"));
    script.type_text("\nProxy-Authorization: Bearer aG9sYQ\nCookie: id=cm9zZQ\n");
    let shown = script.text(160, 60);
    for secret in ["c2VjcmV0", "aG9sYQ", "cm9zZQ"] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
    assert!(shown.contains("│Cookie: ***"), "{shown}");
    assert_eq!(submission(control(&mut script, 's')).request.headers.len(), 3);
}

#[test]
fn the_password_of_the_account_is_refused_in_every_field_which_is_named() {
    let tabs = |count| "\t".repeat(count);
    for (keys, field) in [
        ("ahunter2b".to_owned(), "in the target"),
        (format!("bob{}X-Key: xhunter2", tabs(2)), "in a header"),
        (format!("bob{}glued-hunter2-on", tabs(3)), "in the content type"),
        (format!("bob{}glued-hunter2-on", tabs(4)), "in the body"),
    ] {
        let mut script = composing("");
        script.type_text(&keys);
        hides(&mut script);
        assert!(control(&mut script, 's').is_none(), "{field}");
        let screen = hides(&mut script);
        // The form alone, so that its lines are not those of the preview too.
        let form = script.text(100, 60).replace('│', " ");
        let words = form.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("the password of the account \"alice\""), "{field}: {screen}");
        assert!(words.contains(field), "{field}: {screen}");
        // There is nothing in the preview, not even all of it but its last letter.
        assert!(!screen.contains("hunter"), "{screen}");
    }
}

#[test]
fn the_password_of_the_account_in_the_environment_is_refused_too() {
    // Cargo sets it for every test.
    let value = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    let mut script = with_password(Script::new(Colours::Many), &value);
    script.type_text("n{{env CARGO_MANIFEST_DIR}}");
    assert!(control(&mut script, 's').is_none());
    let screen = script.text(160, 60);
    assert!(screen.contains("the password of the account") && !screen.contains(&value), "{screen}");
}

#[test]
fn a_raw_message_with_the_password_is_held_back_once_and_masked_in_every_view() {
    let text = "MESSAGE sip:xhunter2@demo.test SIP/2.0\r\nVia: SIP/2.0/WS h.invalid;branch=z9hG4bKa\r\n\
        From: <sip:alice@demo.test>;tag=f\r\nTo: <sip:bob@demo.test>;x=hunter2\r\nCall-ID: hunter2\r\n\
        CSeq: 7 MESSAGE\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\n-hunter2-";
    let mut script = with_password(Script::having_sent(text), PASSWORD);
    for keys in ["1", "2", "3", "v", "v", "v", "m", "d", "4", "5", "6", "3v"] {
        script.type_text(keys);
        hides(&mut script);
    }
    for (keys, told) in [
        ("ym", "4 secrets are masked"),
        ("yl", ""),
        ("yM", ""),
        ("yc", ""),
        ("ys", "without its secrets (4)"),
    ] {
        script.type_text(keys);
        let clip = script.model.clip.take().unwrap();
        let bytes = String::from_utf8_lossy(&clip.bytes).into_owned();
        assert!(!bytes.contains(PASSWORD) && clip.what.contains(told), "{}: {bytes}", clip.what);
    }
    script.type_text("eb");
    let screen = hides(&mut script);
    assert!(screen.contains("sending it is refused once"), "{screen}");
    assert!(control(&mut script, 's').is_none());
    assert!(hides(&mut script).contains("held back"));
    let Some(Command::SendRaw(raw)) = control(&mut script, 's') else { panic!("not sent") };
    assert_eq!(raw.message.bytes(), text.as_bytes());
}

#[test]
fn a_raw_message_that_is_changed_is_held_back_anew() {
    let mut script = composing("bob");
    control(&mut script, 'r');
    control(&mut script, 'u');
    script.type_text("hunter2");
    assert!(control(&mut script, 's').is_none());
    script.type_text("!");
    assert!(control(&mut script, 's').is_none());
    let Some(Command::SendRaw(raw)) = control(&mut script, 's') else { panic!("not sent") };
    assert_eq!(&raw.message.bytes()[..], b"hunter2!");
}

#[test]
fn what_a_peer_echoes_is_masked_on_the_screen_and_in_the_log() {
    let mut script = with_password(Script::new(Colours::Many), PASSWORD);
    script.flow(2, "sip:127.0.0.1:5060;transport=udp", ui_script::up("127.0.0.1:5060"));
    script.stray(b"SIP/2.0 200 hunter2\r\n\r\n", "nobody asked for hunter2");
    script.created(1, Method::Message, "sip:hunter2@demo.test", true);
    hides(&mut script);
    script.type_text("L");
    assert!(hides(&mut script).contains("nobody asked for ***"));
    for entry in script.model.facts.log.newest_first() {
        let line = view::log_line(entry, &script.model);
        assert!(!line.contains(PASSWORD), "{line}");
    }
}

#[test]
fn a_password_that_a_command_printed_is_known_from_then_on() {
    let mut script = Script::new(Colours::Many);
    let mut accounts = script.model.accounts.clone();
    let command =
        PasswordCommand { username: "alice".to_owned(), arguments: vec!["pass".to_owned()] };
    accounts[0].password_command = Some(command.into());
    script.model.reloaded(accounts, 0);
    script.apply(Event::Password([Credentials::new("alice", PASSWORD)].into()));
    script.type_text("nhunter2");
    assert!(control(&mut script, 's').is_none());
    hides(&mut script);
    // One that is no longer in the config file may still be in what was sent.
    let accounts = vec![sipboard::engine::Account::new("b", "sip:b@demo.test".parse().unwrap())];
    script.model.reloaded(accounts, 0);
    hides(&mut script);
}

#[test]
fn a_user_name_that_is_the_password_is_no_secret() {
    let mut script = with_password(Script::new(Colours::Many), "demo.test");
    script.type_text("nbob@demo.test");
    submission(control(&mut script, 's'));
}

#[test]
fn a_password_that_is_a_plain_word_is_masked_in_every_text_that_is_not_ours() {
    const WORD: &str = "periwinkle";
    let text = "MESSAGE sip:periwinkle@demo.test SIP/2.0\r\nVia: SIP/2.0/WS h.invalid;branch=z9hG4bKa\r\n\
        From: \"periwinkle\" <sip:alice@demo.test>;tag=f\r\nTo: <sip:bob@demo.test>;x=periwinkle\r\n\
        Call-ID: periwinkle\r\nCSeq: 7 MESSAGE\r\nSubject: periwinkle\r\n\
        Content-Type: text/plain\r\nContent-Length: 12\r\n\r\n-periwinkle-";
    let script = || {
        let mut script = with_password(Script::having_sent(text), WORD);
        script.created(3, Method::Message, "sip:periwinkle@demo.test", false);
        let status = script.model.selected().unwrap().status.clone();
        let refused = Fact::Rejected {
            response: ui_script::response(486, WORD, "MESSAGE"),
            cause: sipboard::sip::Cause::Busy,
        };
        script.fact(3, Method::Message, refused, status.clone());
        let failed = Fact::ConnectionLost { detail: format!("because of {WORD}") };
        script.fact(3, Method::Message, failed, status);
        script.refuse(None, "periwinkle is not possible");
        script.stray(b"SIP/2.0 200 periwinkle\r\n\r\n", "nobody asked for periwinkle");
        script
    };
    for row in ["g", "G", "gj"] {
        for keys in [
            "",
            "\t1",
            "\t2",
            "\t3",
            "\t3v",
            "\t3vv",
            "\t3vvv",
            "\t4",
            "\t5",
            "\t6",
            "\t/periwinkle",
            "L",
            "a",
            "C",
            "y",
            "r",
            "e",
            "#",
            "?",
            ":peri",
            "/periwinkle",
            "/target:periwinkle\n",
            "fperiwinkle",
            "lperiwinkle",
            "lperiwinkle #periwinkle -- periwinkle\n",
            "Iperiwinkle",
            "nsip:periwinkle",
            "n{{periwinkle}}",
            "eb",
        ] {
            let mut script = script();
            script.type_text(row);
            script.type_text(keys);
            for (width, height) in [(40, 10), (80, 24), (160, 60), (300, 60)] {
                let screen = script.text(width, height);
                assert!(!screen.contains(WORD), "{row} {keys:?} at {width}x{height}: {screen}");
            }
        }
    }
    // The columns that are not there at first.
    let mut script = script();
    script.model.table.columns = sipboard::ui::model::Columns::new(
        sipboard::ui::model::Column::ALL.map(|column| Shown { column, width: None }),
    );
    let screen = script.text(300, 60);
    assert!(!screen.contains(WORD) && screen.contains("**********"), "{screen}");
}

#[test]
fn what_stands_in_place_of_a_port_is_seen_in_a_message() {
    let bytes = "MESSAGE sip:bob@demo.test SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n\
        From: <sip:a@b>;tag=1\r\nTo: <sip:bob@demo.test>\r\nCall-ID: 1\r\nCSeq: 1 MESSAGE\r\n\
        Route: <sip:10.0.0.1:$rp;lr>\r\nX-Quoted: 'sip:h:5060'\r\nContent-Length: 0\r\n\r\n";
    let mut script = Script::having_sent(bytes);
    script.press(KeyCode::Tab, NONE);
    script.type_text("3");
    let screen = script.text(160, 60);
    for part in ["<sip:10.0.0.1:$rp;lr>", "'sip:h:5060'"] {
        assert!(screen.contains(part), "{part}: {screen}");
    }
}
