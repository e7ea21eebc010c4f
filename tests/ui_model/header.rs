//! The lines above and below: flows, what was said last, what is insecure.

use super::*;

#[test]
fn what_was_said_gives_way_to_what_is_done_next() {
    let mut script = Script::new(Colours::Many);
    script.answered(1);
    script.type_text("c");
    script.refuse(Some(1), "already accepted: hang up with BYE instead");
    assert!(script.text(80, 24).contains("✖ #1: already accepted"));
    assert!(matches!(script.type_text("b"), Some(Command::HangUp { .. })));
    script.hung_up(1, 2);
    let screen = script.text(80, 24);
    assert!(!screen.contains("already accepted"), "{screen}");

    script.refuse(Some(1), "over already");
    script.type_text("nbusy");
    script.press(KeyCode::Enter, NONE);
    assert!(!script.text(80, 24).contains("over already"), "a request was sent since");

    script.refuse(Some(1), "over already");
    script.wait(8_000);
    assert!(!script.text(80, 24).contains("over already"), "it is old");
}

#[test]
fn a_flow_that_fails_in_another_way_says_so_and_is_silent_once_it_is_up() {
    let mut script = Script::new(Colours::Many);
    let down = |reason: &str| FlowState::Down {
        reason: reason.into(),
        retry_at: None,
        refused: Default::default(),
    };
    let (broke, refused) =
        ("ws://127.0.0.1:5066 broke", "ws://127.0.0.1:5066 cannot be reached: connection refused");
    script.flow(1, "ws://127.0.0.1:5066", down(broke));
    assert!(script.text(80, 24).contains(&format!("✖ {broke}")));
    script.flow(1, "ws://127.0.0.1:5066", down(refused));
    assert!(script.text(80, 24).contains(&format!("✖ {refused}")));
    script.press(KeyCode::Esc, NONE);
    script.flow(1, "ws://127.0.0.1:5066", down(refused));
    assert!(!script.text(80, 24).contains("✖ ws://"), "told once");

    script.created(1, Method::Invite, "sip:x@demo.test", false);
    let failed = Fact::Failed {
        response: None,
        cause: Cause::ConnectionError,
        detail: refused.into(),
        advice: None,
    };
    script.fact(1, Method::Invite, failed, status(State::Failed, false));
    assert!(script.text(80, 24).contains(&format!("✖ {refused}")), "a request of the user failed");

    script.flow(1, "ws://127.0.0.1:5066", ui_script::up("127.0.0.1:5066"));
    assert!(!script.text(80, 24).contains("✖ ws://"), "it is up");
}

#[test]
fn the_header_names_each_server_with_its_address_before_and_after_it_is_connected() {
    let header =
        |script: &mut Script, width| script.text(width, 24).lines().next().unwrap().to_owned();
    let mut script = Script::new(Colours::Many);
    for width in [100, 120, 200] {
        let line = header(&mut script, width);
        assert!(line.contains("ws ○ 127.0.0.1:5066  udp ○ 127.0.0.1:5060"), "{width}: {line}");
    }
    let line = header(&mut script, 80);
    assert!(line.contains("ws ○ :5066  udp ○ :5060"), "{line}");

    // The account's order holds, whichever is connected first.
    script.flow(1, "sip:127.0.0.1:5060;transport=udp", ui_script::up("127.0.0.1:5060"));
    let line = header(&mut script, 120);
    assert!(line.contains("ws ○ 127.0.0.1:5066  udp ● 127.0.0.1:5060"), "{line}");

    // One server's address stands at 80 columns too, whatever there is to say of times.
    script.model.accounts[0].servers.truncate(1);
    script.model.facts.flows.clear();
    script.answered(1);
    let retry_at = Some(script.now + Duration::from_secs(5));
    script.flow(
        2,
        "ws://127.0.0.1:5066",
        FlowState::Down { reason: "gone".into(), retry_at, refused: Default::default() },
    );
    let line = header(&mut script, 80);
    assert!(line.contains("ws ✖ 127.0.0.1:5066"), "{line}");
    assert!(line.contains("1 leg up"), "{line}");
}

#[test]
fn the_header_says_insecure_as_long_as_such_a_flow_is_up() {
    let tls = |verified| {
        let tls = TlsFacts {
            version: "TLS 1.3".to_owned(),
            cipher_suite: String::new(),
            chain: Vec::new(),
            verified,
        };
        let address = "127.0.0.1:5061".parse().unwrap();
        let facts = FlowFacts { tls: Some(tls), subprotocol: None }.into();
        FlowState::Up { local: address, peer: address, facts }
    };
    let down =
        FlowState::Down { reason: "gone".to_owned(), retry_at: None, refused: Default::default() };
    let mut script = Script::new(Colours::Many);
    for (state, expected) in [(tls(true), false), (tls(false), true), (down, false)] {
        script.flow(1, "sips:127.0.0.1:5061", state);
        let screen = script.text(120, 30);
        let header = screen.lines().next().unwrap();
        assert_eq!(header.contains("INSECURE"), expected, "{header}");
    }
}

#[test]
fn what_is_switched_on_stays_in_the_header_however_narrow_it_is_and_nothing_connected() {
    let mut script = Script::new(Colours::Many);
    let long = format!("sip:{}@{}.example.org", "a".repeat(60), "b".repeat(40));
    script.model.accounts[0].uri = long.parse().unwrap();
    let header =
        |script: &mut Script, width| script.text(width, 24).lines().next().unwrap().to_owned();
    assert!(!header(&mut script, 80).contains("INSECURE"));
    let mut flow = FlowSettings::default();
    flow.tls.insecure = true;
    script.model.accounts[0].flow = flow.into();
    let impairments = "out drop 30%".parse().unwrap();
    for width in [160, 120, 80, 60, 50, 40] {
        let line = header(&mut script, width);
        assert!(line.contains("INSECURE"), "{width}: {line}");
        assert!(line.contains("aaa"), "{width}: {line}");
    }
    script.apply(Event::Impairing { at: script.now, impairments });
    let down =
        FlowState::Down { reason: "gone".to_owned(), retry_at: None, refused: Default::default() };
    script.flow(1, "sips:127.0.0.1:5061", down);
    for width in [160, 120, 80, 60, 50, 40] {
        let line = header(&mut script, width);
        assert!(line.contains("INSECURE  IMPAIR"), "{width}: {line}");
    }
}

#[test]
fn a_port_that_dns_names_is_not_shown_before_it_is_known() {
    let mut script = Script::new(Colours::Many);
    script.model.accounts[0].servers = vec!["sips:edge.test".parse().unwrap()];
    for width in [80, 160] {
        let screen = script.text(width, 24);
        let line = screen.lines().next().unwrap();
        assert!(line.contains("tls ○ edge") && !line.contains("5061"), "{width}: {line}");
    }
    script.model.accounts[0].servers = vec!["sips:edge.test:5062".parse().unwrap()];
    assert!(script.text(160, 24).contains("tls ○ edge.test:5062"));
}
