//! The screens, at every size that matters, with a fixed clock.

mod ui_script;

use crossterm::event::{KeyCode, KeyModifiers};
use sipboard::{
    engine::{Event, FlowState, PeerFlow},
    sip::{Fact, FlowId, Method, State, Transport},
    ui::{
        notify::{How, Notify, Occasion},
        view::Colours,
    },
};
use ui_script::Script;

#[test]
fn the_dashboard_at_every_size() {
    let mut script = Script::tour(Colours::Many);
    insta::assert_snapshot!("tour_80x24", script.text(80, 24));
    insta::assert_snapshot!("tour_120x30", script.text(120, 30));
    insta::assert_snapshot!("tour_200x60", script.text(200, 60));
    insta::assert_snapshot!("tour_60x20", script.text(60, 20));
    insta::assert_snapshot!("tour_40x8", script.text(40, 8));
    insta::assert_snapshot!("tour_too_small", script.text(39, 8));
    script.press(KeyCode::Tab, KeyModifiers::NONE);
    insta::assert_snapshot!("timeline_60x20", script.text(60, 20));
}

#[test]
fn monochrome_loses_nothing() {
    let coloured = Script::tour(Colours::Many).text(120, 30);
    let mut script = Script::tour(Colours::None);
    assert_eq!(script.text(120, 30), coloured);
    let (picture, _) = script.draw(120, 30);
    for cell in picture.content() {
        assert_eq!(cell.fg, ratatui::style::Color::Reset);
        assert_eq!(cell.bg, ratatui::style::Color::Reset);
    }
}

#[test]
fn an_empty_dashboard_says_what_to_press() {
    let mut script = Script::new(Colours::Many);
    script.flow(1, "ws://127.0.0.1:5066", FlowState::Connecting);
    insta::assert_snapshot!("empty_80x24", script.text(80, 24));
    script.model.hint = Some("The demo server has users to try: ring, answer, late".to_owned());
    insta::assert_snapshot!("hint_80x24", script.text(80, 24));
    // Below an empty target, until something is typed; behind the form nothing peeks out.
    script.type_text("n");
    insta::assert_snapshot!("hint_composer_120x30", script.text(120, 30));
    insta::assert_snapshot!("hint_composer_40x12", script.text(40, 12));
    script.type_text("r");
    assert!(!script.text(120, 30).contains("users to try"));
}

#[test]
fn the_whole_life_of_a_cancel() {
    let mut script = Script::new(Colours::Many);
    script.flow(2, "sip:127.0.0.1:5060;transport=udp", ui_script::up("127.0.0.1:5060"));
    script.rejected_by_cancel(1);
    insta::assert_snapshot!("cancel_120x30", script.text(120, 30));
}

#[test]
fn a_hung_up_call_shows_the_bye_in_its_timeline() {
    let mut script = Script::new(Colours::Many);
    script.flow(1, "ws://127.0.0.1:5066", ui_script::up("127.0.0.1:5066"));
    script.answered(1);
    script.wait(900);
    script.hung_up(1, 2);
    insta::assert_snapshot!("hung_up_120x30", script.text(120, 30));
}

#[test]
fn the_composer_shows_a_message_below_its_field() {
    let mut script = Script::new(Colours::Many);
    script.type_text("n");
    insta::assert_snapshot!("composer_80x24", script.text(80, 24));
    script.press(KeyCode::Char('s'), KeyModifiers::CONTROL);
    insta::assert_snapshot!("composer_error_80x24", script.text(80, 24));
    insta::assert_snapshot!("composer_error_40x8", script.text(40, 8));
    insta::assert_snapshot!("composer_error_160x45", script.text(160, 45));
}

#[test]
fn help_and_log() {
    let mut script = Script::tour(Colours::Many);
    script.stray(
        b"SIP/2.0 200 \x1b]0;x\x07\r\n\xff",
        "no Via: nobody can claim it (RFC 3261 §18.1.2)",
    );
    script.refuse(Some(1), "OPTIONS cannot be cancelled, only an INVITE can (RFC 3261 §9.1)");
    insta::assert_snapshot!("refused_80x24", script.text(80, 24));
    script.type_text("?");
    insta::assert_snapshot!("help_80x24", script.text(80, 24));
    insta::assert_snapshot!("help_120x50", script.text(120, 50));
    script.type_text("qL");
    insta::assert_snapshot!("log_80x24", script.text(80, 24));
    script.type_text("+");
    insta::assert_snapshot!("log_info_80x24", script.text(80, 24));
}

#[test]
fn statistics_count_what_went_to_and_fro() {
    let mut script = Script::new(Colours::Many);
    script.type_text("#");
    assert!(script.text(80, 24).contains("Nothing was sent yet. Send a request with n"));
    let mut script = Script::tour(Colours::Many);
    script.stray(b"x", "no SIP");
    script.wait(1_000);
    script.type_text("#");
    insta::assert_snapshot!("statistics_80x24", script.text(80, 24));
    insta::assert_snapshot!("statistics_40x10", script.text(40, 10));
    insta::assert_snapshot!("statistics_120x50", script.text(120, 50));
    // Scrolled to its end and no further.
    script.text(80, 24);
    script.type_text("G");
    let text = script.text(80, 24);
    assert!(text.contains("udp 127.0.0.1:5060"), "{text}");
}

#[test]
fn what_happened_is_told_to_who_looks_elsewhere_as_settings_say() {
    let mut script = Script::tour(Colours::Many);
    assert!(script.model.alert.is_empty(), "nothing is told where nobody wished for it");
    let on = vec![Occasion::Accepted, Occasion::Failed];
    script.model.notify = Notify { how: How::Osc9, on };
    script.answered(7);
    let told = script.model.alert.take().unwrap();
    assert_eq!(told, "#7 INVITE answer@demo.test: accepted");
    script.hung_up(7, 8);
    assert!(script.model.alert.is_empty(), "the BYE belongs to #7");
    script.rejected_by_cancel(9);
    assert_eq!(script.model.alert.take().unwrap(), "#9 INVITE ring@demo.test: failed, Canceled");
}

/// Views over the table that have no test of their own: the keys that lead there.
const OVERLAYS: [(&str, &str); 6] = [
    ("palette", ":re"),
    ("help", "?"),
    ("log", "L"),
    ("accounts", "a"),
    ("again", "r"),
    ("copy", "y"),
];

fn over_the_tour(keys: &str, colours: Colours) -> Script {
    let mut script = Script::tour(colours);
    script.stray(b"SIP/2.0 200 OK\r\n\r\n", "no Via: nobody can claim it (RFC 3261 §18.1.2)");
    script.type_text(keys);
    script
}

#[test]
fn what_lies_over_the_table_at_three_sizes() {
    for (name, keys) in OVERLAYS {
        let mut script = over_the_tour(keys, Colours::Many);
        for (width, height) in [(40, 10), (80, 24), (160, 45)] {
            let picture = format!("over_{name}_{width}x{height}");
            insta::assert_snapshot!(picture, script.text(width, height));
        }
    }
}

#[test]
fn what_lies_over_the_table_loses_nothing_in_monochrome() {
    for (name, keys) in OVERLAYS {
        let coloured = over_the_tour(keys, Colours::Many).text(100, 30);
        assert_eq!(over_the_tour(keys, Colours::None).text(100, 30), coloured, "{name}");
    }
}

#[test]
fn a_broken_flow_says_why_and_when_it_is_tried_again() {
    let mut script = Script::tour(Colours::Many);
    let state = FlowState::Down {
        reason: "ws://127.0.0.1:5066: connection refused: is the server running?".into(),
        retry_at: Some(script.now + std::time::Duration::from_millis(1_500)),
        refused: Default::default(),
    };
    script.flow(1, "ws://127.0.0.1:5066", state);
    insta::assert_snapshot!("flow_down_120x30", script.text(120, 30));
}

#[test]
fn a_connection_that_a_peer_opened_stands_in_the_header_and_with_what_came_over_it() {
    let mut script = Script::new(Colours::Many);
    script.flow(1, "sip:127.0.0.1:5060;transport=tcp", ui_script::up("127.0.0.1:5060"));
    script.created(1, Method::Invite, "sip:ring@demo.test", false);
    let peer_flow = |script: &Script, ended: Option<&str>| {
        Event::PeerFlow(PeerFlow {
            at: script.now,
            flow: FlowId(1 << 31),
            transport: Transport::Tcp,
            local: "127.0.0.1:40001".parse().unwrap(),
            peer: "127.0.0.1:50002".parse().unwrap(),
            ended: ended.map(str::to_owned),
        })
    };
    assert!(!script.text(120, 30).contains("from peers"));
    let opened = peer_flow(&script, None);
    script.apply(opened);
    let came = Fact::CameOver { flow: FlowId(1 << 31) };
    let state = ui_script::status(State::Proceeding, false);
    script.fact(1, Method::Invite, came, state);
    let header = script.text(120, 30).lines().next().unwrap().to_owned();
    assert!(header.contains("1 from peers · 1 in flight"), "{header}");
    script.press(KeyCode::Tab, KeyModifiers::NONE);
    assert!(script.text(200, 40).contains("comes over"));
    script.type_text("6");
    let page = script.text(200, 40);
    for fact in ["came over", "that the peer has opened to us", "127.0.0.1:50002", "● up since"] {
        assert!(page.contains(fact), "{fact}:\n{page}");
    }
    let ended = peer_flow(&script, Some("127.0.0.1:50002 has closed the connection"));
    script.apply(ended);
    let page = script.text(200, 40);
    assert!(page.contains("✖ down since") && page.contains("has closed the conn"), "{page}");
    assert!(!page.contains("from peers"), "{page}");
}

#[test]
fn every_size_can_be_drawn_in_every_mode() {
    for keys in ["", "\t", "n", "?", "L", "q"] {
        let mut script = Script::tour(Colours::Many);
        script.stray(b"", "empty");
        script.type_text(keys);
        for width in (1..230).step_by(9).chain([39, 40, 79, 80, 119, 120]) {
            for height in [1, 2, 7, 8, 9, 11, 12, 13, 16, 17, 18, 24, 60] {
                script.draw(width, height);
            }
        }
    }
}

#[test]
fn the_statistics_take_their_keys_on_a_screen_of_any_size() {
    let mut script = Script::tour(Colours::Many);
    for size in (1..12).chain([200]) {
        script.draw(size, size);
        for keys in ["#", "j", "G", "k", "\u{4}"] {
            script.type_text(keys);
            script.draw(size, size);
        }
        script.press(KeyCode::Esc, KeyModifiers::NONE);
    }
}
