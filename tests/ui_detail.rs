//! The tabs of the detail: what they show, how one moves in them, and that no bytes break them.

mod ui_peer;
mod ui_script;

use bytes::Bytes;
use crossterm::event::{KeyCode, KeyModifiers};
use proptest::prelude::*;
use sipboard::{
    sip::{Cause, Fact, LegState, Method, Response, State, StatusCode},
    ui::{
        model::{Pane, Severity},
        view::Colours,
    },
};
use ui_script::{Script, along, status};

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n";

fn invite(cseq: u32, branch: &str, more: &str) -> Bytes {
    format!(
        "INVITE sip:auth@demo.test SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:40000;branch={branch};rport\r\n\
         Max-Forwards: 70\r\nFrom: \"Alice\" <sip:alice@demo.test>;tag=1928301774\r\n\
         To: <sip:auth@demo.test>\r\nCall-ID: a84b4c76e66710\r\nCSeq: {cseq} INVITE\r\n\
         Contact: <sip:alice@127.0.0.1:40000>\r\n{more}Content-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{SDP}",
        SDP.len()
    )
    .into()
}

fn answer(code: u16, reason: &str, cseq: u32, tag: &str, more: &str) -> Response {
    let message = format!(
        "SIP/2.0 {code} {reason}\r\nVia: SIP/2.0/UDP 127.0.0.1:40000;branch=z9hG4bK{cseq};received=127.0.0.1;rport=40000\r\n\
         From: \"Alice\" <sip:alice@demo.test>;tag=1928301774\r\nTo: <sip:auth@demo.test>;tag={tag}\r\n\
         Call-ID: a84b4c76e66710\r\nCSeq: {cseq} INVITE\r\nRecord-Route: <sip:p.demo.test;lr>\r\n\
         Contact: <sip:auth@127.0.0.1:5060>\r\n{more}Content-Length: 0\r\n\r\n"
    );
    Response { status: StatusCode::new(code).unwrap(), message: message.into() }
}

/// A call that is challenged once, rings on one leg and is answered.
fn call(colours: Colours) -> Script {
    let mut script = Script::new(colours);
    script.flow(2, "sip:127.0.0.1:5060;transport=udp", ui_script::up("127.0.0.1:5060"));
    script.created(1, Method::Invite, "sip:auth@demo.test", true);
    let calling = status(State::Calling, true);
    let fact = |script: &mut Script, millis, fact, state| {
        script.wait(millis);
        script.fact(1, Method::Invite, fact, state);
    };
    let sent = Fact::Sent { message: invite(1, "z9hG4bK1", ""), destination: along() };
    fact(&mut script, 0, sent, calling.clone());
    for attempt in 2..4 {
        let message = invite(1, "z9hG4bK1", "");
        fact(
            &mut script,
            500,
            Fact::Retransmitted { message, attempt, left: 7 - attempt },
            calling.clone(),
        );
    }
    let credentials = "Proxy-Authorization: Digest username=\"demo\", realm=\"demo\", nonce=\"n\", uri=\"sip:auth@demo.test\", response=\"0123\"\r\n";
    let again = Fact::Sent { message: invite(2, "z9hG4bK2", credentials), destination: along() };
    fact(&mut script, 2, again, calling);
    let proceeding = status(State::Proceeding, true);
    let ringing = Fact::Progress(answer(180, "Ringing", 2, "a8f2", ""));
    fact(&mut script, 3, ringing, proceeding.clone());
    let early = Fact::Leg { tag: "a8f2".into(), state: LegState::Early };
    fact(&mut script, 0, early, proceeding);
    let up = sipboard::sip::Status { legs_up: 1, ..status(State::Accepted, true) };
    let ok = Fact::Accepted { response: answer(200, "OK", 2, "a8f2", ""), again: false };
    fact(&mut script, 900, ok, up.clone());
    let leg = Fact::Leg { tag: "a8f2".into(), state: LegState::Confirmed };
    fact(&mut script, 0, leg, up);
    script.press(KeyCode::Tab, KeyModifiers::NONE);
    script
}

#[test]
fn each_tab_at_three_sizes() {
    let mut script = call(Colours::Many);
    for (key, name) in [
        ("1", "timeline"),
        ("2", "ladder"),
        ("3", "messages"),
        ("4", "legs"),
        ("5", "auth"),
        ("6", "flow"),
    ] {
        script.type_text(key);
        for (width, height) in [(40, 10), (80, 24), (140, 40)] {
            insta::assert_snapshot!(
                format!("detail_{name}_{width}x{height}"),
                script.text(width, height)
            );
        }
    }
}

#[test]
fn every_leg_is_shown_and_of_too_many_their_number() {
    let mut script = call(Colours::Many);
    let early = status(State::Proceeding, true);
    let fork = |script: &mut Script, numbers: std::ops::Range<u32>| {
        for number in numbers {
            let tag = format!("fork{number}").into();
            script.fact(
                1,
                Method::Invite,
                Fact::Leg { tag, state: LegState::Early },
                early.clone(),
            );
        }
    };
    fork(&mut script, 2..65);
    script.type_text("4");
    script.draw(140, 40);
    script.type_text("G");
    let screen = script.text(140, 40);
    assert!(screen.contains("64 leg fork64") && !screen.contains("legs in all"), "{screen}");
    fork(&mut script, 65..201);
    script.draw(140, 40);
    script.type_text("G");
    let screen = script.text(140, 40);
    assert!(screen.contains("200 legs in all: the first 128 are shown."), "{screen}");
}

#[test]
fn monochrome_loses_nothing_of_any_tab() {
    let (mut coloured, mut plain) = (call(Colours::Many), call(Colours::None));
    for key in ["1", "2", "3", "4", "5", "6"] {
        coloured.type_text(key);
        plain.type_text(key);
        assert_eq!(coloured.text(140, 40), plain.text(140, 40));
        for cell in plain.draw(140, 40).0.content() {
            assert_eq!(cell.fg, ratatui::style::Color::Reset);
        }
    }
}

#[test]
fn a_message_is_opened_read_and_compared() {
    let mut script = call(Colours::Many);
    script.text(140, 40);
    script.type_text("g\n");
    assert!(script.text(140, 40).contains("INVITE sip:auth@demo.test SIP/2.0"));
    script.type_text("v");
    insta::assert_snapshot!("detail_explained_140x60", script.text(140, 60));
    script.type_text("mJJJd");
    insta::assert_snapshot!("detail_compared_140x40", script.text(140, 40));
    script.type_text("K");
    assert!(script.text(140, 40).contains("The same, byte for byte"));
    // The message itself is no other one.
    script.type_text("KKK");
    let screen = script.text(140, 40);
    assert!(screen.contains("This is A itself: J and K go to another message"), "{screen}");
    assert!(!screen.contains("byte for byte"), "{screen}");
    script.type_text("dvv");
    assert!(script.text(140, 40).contains("00000"), "the bytes as numbers");
}

#[test]
fn a_search_goes_from_line_to_line_and_ends() {
    let mut script = call(Colours::Many);
    script.text(140, 40);
    script.type_text("3g/content\n");
    assert!(script.text(140, 40).contains("/content · 1 of 2"));
    script.type_text("n");
    assert!(script.text(140, 40).contains("/content · 2 of 2"));
    script.type_text("nN");
    assert!(script.text(140, 40).contains("/content · 2 of 2"));
    script.press(KeyCode::Esc, KeyModifiers::NONE);
    assert!(!script.text(140, 40).contains("/content"));
}

#[test]
fn what_is_copied_is_what_was_said() {
    let mut script = call(Colours::Many);
    script.text(140, 40);
    let mut copied = |keys: &str| {
        script.type_text(keys);
        script.model.clip.take().map(|clip| (clip.what, String::from_utf8(clip.bytes).unwrap()))
    };
    assert_eq!(copied("yc").unwrap().1, "1c4d8e1f2a7@sipboard");
    let (what, command) = copied("ys").unwrap();
    assert_eq!(what, "the sipboard send command");
    assert!(command.starts_with("sipboard send INVITE sip:auth@demo.test --server "), "{command}");
    assert!(copied("yl").unwrap().1.contains("INVITE ×3"));
    assert!(copied("yM").unwrap().1.starts_with("sequenceDiagram\n"));
    assert_eq!(copied("3gjjjym").unwrap().0, "#1 INVITE");
    assert_eq!(copied("yh").unwrap().1, "Max-Forwards: 70");
}

#[test]
fn a_key_that_cannot_act_says_what_it_would_need() {
    let mut script = call(Colours::Many);
    for (keys, needs) in [
        ("1gd", "marks a message first"),
        ("G\n", "no message to open"),
        ("v", "open the messages with 3"),
        ("3KKKKKKKK", "this is the first message"),
        ("l", "w lets them run on"),
        ("1yh", "the chosen line is no header"),
    ] {
        script.text(140, 40);
        script.type_text(keys);
        let notice = script.model.notice.clone().expect(keys);
        assert_eq!(notice.severity, Severity::Error, "{keys}");
        assert!(notice.text.contains(needs), "{keys}: {}", notice.text);
    }
}

#[test]
fn a_key_of_the_other_pane_says_where_it_acts() {
    let mut script = call(Colours::Many);
    script.text(140, 40);
    for (pane, keys, told) in [
        (Pane::Detail, "CszFHDMiuf<>", "is for the table ("),
        (Pane::Table, "vwtJKh$", "is for the detail ("),
    ] {
        for key in keys.chars() {
            script.model.browse.pane = pane;
            script.model.notice = None;
            script.type_text(&key.to_string());
            let notice = script.model.notice.clone().unwrap_or_else(|| panic!("{key} is silent"));
            assert!(notice.text.starts_with(&format!("{key} {told}")), "{}", notice.text);
            assert!(notice.text.ends_with("): Tab goes there"), "{}", notice.text);
        }
    }
    script.model.browse.pane = Pane::Detail;
    script.type_text("s");
    let said = script.model.notice.clone().unwrap().text;
    assert_eq!(said, "s is for the table (sort by the next column): Tab goes there");
    script.type_text("N");
    let said = script.model.notice.clone().unwrap().text;
    assert_eq!(said, "N (to the previous line that was found) needs a search in the detail: /");
    script.type_text("W");
    assert_eq!(script.model.notice.clone().unwrap().text, "W does nothing here: ? for help");
}

#[test]
fn each_tab_remembers_its_place_and_another_context_begins_anew() {
    let mut script = call(Colours::Many);
    script.text(80, 24);
    script.type_text("3jjjj4");
    script.text(80, 24);
    script.type_text("3");
    script.text(80, 24);
    assert_eq!(script.model.detail.spot().line, Some(4));
}

#[test]
fn no_password_is_shown_in_any_tab() {
    let mut script = call(Colours::Many);
    let basic = "Authorization: Basic YWxpY2U6c2VjcmV0\r\nX: <sip:bob:secret@h>\r\n";
    let message = invite(3, "z9hG4bK3", basic);
    script.fact(
        1,
        Method::Invite,
        Fact::Sent { message, destination: along() },
        status(State::Calling, true),
    );
    script.text(140, 60);
    script.type_text("3JJJJJJ");
    for _ in 0..4 {
        let text = script.text(140, 60);
        assert!(!text.contains("YWxpY2U6") && !text.contains("secret"), "{text}");
        script.type_text("v");
    }
    script.type_text("ym");
    let clip = script.model.clip.take().unwrap();
    assert!(clip.what.contains("2 secrets are masked"), "{}", clip.what);
    assert!(!String::from_utf8_lossy(&clip.bytes).contains("YWxpY2U6"));
    script.type_text("ys");
    let clip = script.model.clip.take().unwrap();
    assert_eq!(clip.what, "the sipboard send command, without its secrets (2)");
    assert!(!String::from_utf8_lossy(&clip.bytes).contains("YWxpY2U6"));
}

/// Every tab and reading at some sizes, with every message marked and compared.
fn walk(script: &mut Script) {
    for (width, height) in [(40, 8), (81, 25), (150, 50)] {
        for keys in [
            "1", "2", "3g", "v", "v$", "v", "vw", "m", "Jd", "d", "llh", "4", "5", "6", "/a", "\n",
            "nN",
        ] {
            script.type_text(keys);
            script.draw(width, height);
        }
        script.press(KeyCode::Esc, KeyModifiers::NONE);
        for copy in ["ym", "yh", "yc", "yl", "yM", "ys"] {
            script.type_text(copy);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_bytes_break_a_view(
        raw in prop::collection::vec(any::<u8>(), 0..400),
        body in prop::collection::vec(any::<u8>(), 0..300),
        header in "\\PC{0,60}",
        line in "[a-zA-Z-]{1,20}: ?[\\x00-\\x7f]{0,40}",
        kind in prop_oneof![
            Just("application/sdp"),
            Just("multipart/mixed;boundary=b"),
            Just("text/plain"),
            Just("x"),
        ],
    ) {
        let mut script = call(Colours::Many);
        let head = format!(
            "SIP/2.0 200 OK\r\nVia: {header}\r\nFrom: {header};tag=1\r\nTo: {header};tag=2\r\nCSeq: 1 {header}\r\n\
             {line}\r\nContent-Type: {kind}\r\n\r\n"
        );
        let parts = [b"--b\r\nContent-Type: application/sdp\r\n\r\nm=", &body[..], b"\r\n--b--"].concat();
        let messages =
            [raw.clone(), [head.as_bytes(), &body].concat(), [head.as_bytes(), &parts].concat()];
        let accepted = status(State::Accepted, true);
        for message in messages {
            let message = Bytes::from(message);
            let sent = Fact::Sent { message: message.clone(), destination: along() };
            script.fact(1, Method::Invite, sent, accepted.clone());
            let response = Response { status: StatusCode::new(200).unwrap(), message };
            script.fact(1, Method::Invite, Fact::Accepted { response, again: false }, accepted.clone());
        }
        let leg = Fact::Leg { tag: header.as_str().into(), state: LegState::Early };
        script.fact(1, Method::Invite, leg, accepted.clone());
        script.fact(1, Method::Invite, Fact::Ended { cause: Cause::Bye }, accepted);
        walk(&mut script);
        for cell in script.draw(150, 50).0.content() {
            let steers = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
            prop_assert!(!cell.symbol().contains(steers), "{:?}", cell.symbol());
        }
    }
}
