//! The dashboard's accounts: registered, switched, and read again from the config file.

#[cfg(unix)]
mod ui_terminal;

#[path = "ui_script/mod.rs"]
mod ui_script;

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use crossterm::event::{KeyCode, KeyModifiers};
use sipboard::{
    engine::{Account, Command, Event, FlowEvent, FlowState, Register},
    sip::{
        self, Binding, FlowId, Grant, RegistrationEvent, RegistrationId, RegistrationState,
        StatusCode,
    },
    ui::{Model, model::Mode, view::Colours},
};
use ui_script::Script;

fn account(name: &str) -> Account {
    Account {
        register: Register::First,
        ..Account::new(name, format!("sip:{name}@demo.test").parse().unwrap())
    }
}

/// A dashboard with accounts of these names.
fn script(names: &[&str]) -> Script {
    let mut script = Script::new(Colours::Many);
    let accounts = names.iter().map(|name| account(name)).collect();
    let time = script.model.time.clone();
    script.model = Model::new(accounts, 0, time, script.model.theme);
    script
}

fn tell(script: &mut Script, number: u32, name: &str, state: RegistrationState) {
    let ours = Binding {
        uri: format!("sip:{name}@192.0.2.1").into(),
        ours: true,
        until: state.until(),
        q: None,
        instance: None,
        reg_id: Some(1),
    };
    let desk = Binding { uri: "sip:alice@desk.test\u{1b}[2J".into(), ours: false, ..ours.clone() };
    let grant = state.until().map(|_| {
        Arc::new(Grant {
            bindings: vec![desk, ours],
            granted: 3600,
            service_route: vec!["sip:p1.test;lr".parse().unwrap()],
            path: Vec::new(),
            pub_gruu: Some("sip:alice@demo.test;gr=1".parse().unwrap()),
            temp_gruu: None,
            outbound: false,
        })
    });
    let event = RegistrationEvent {
        at: script.now,
        registration: RegistrationId(number),
        account: name.into(),
        reg_id: NonZeroU32::MIN,
        flow: Some(FlowId(1)),
        state,
        grant,
    };
    script.apply(Event::Sip(sip::Event::Registration(event)));
}

fn registered(script: &Script, seconds: u64) -> RegistrationState {
    let until = script.now + Duration::from_secs(seconds);
    RegistrationState::Registered { until, refresh_at: until - Duration::from_secs(64) }
}

fn header(script: &mut Script, width: u16) -> String {
    script.text(width, 24).lines().next().unwrap().to_owned()
}

fn press(script: &mut Script, key: char) -> Option<Command> {
    script.press(KeyCode::Char(key), KeyModifiers::NONE)
}

#[test]
fn the_header_says_how_the_account_is_registered_and_counts_down() {
    let mut script = script(&["alice"]);
    assert!(header(&mut script, 100).contains("reg –"));
    tell(&mut script, 1, "alice", RegistrationState::Trying);
    assert!(header(&mut script, 100).contains("reg … trying"));
    let state = registered(&script, 3571);
    tell(&mut script, 1, "alice", state);
    assert!(header(&mut script, 100).contains("reg ✔ 3571s"));
    script.wait(1_001);
    assert!(header(&mut script, 100).contains("reg ✔ 3570s"));
    // Narrow, only the shape.
    let narrow = header(&mut script, 60);
    assert!(narrow.contains("reg ✔") && !narrow.contains("3570s"), "{narrow}");
    let passing = RegistrationState::Failed {
        reason: "503 Service Unavailable".to_owned(),
        status: StatusCode::new(503),
        retry_at: Some(script.now + Duration::from_secs(30)),
        until: None,
    };
    tell(&mut script, 1, "alice", passing);
    script.wait(1_001);
    assert!(header(&mut script, 140).contains("reg ✖ 503 Service Unavailable, again in 29s"));
    assert!(header(&mut script, 100).contains("reg ✖ 503 Service Unavailable "));
    script.wait(30_000);
    assert!(header(&mut script, 140).contains("reg ✖ 503 Service Unavailable "));
    let failed = RegistrationState::Failed {
        reason: "403 Forbidden \u{1b}[2J".to_owned(),
        status: StatusCode::new(403),
        retry_at: None,
        until: None,
    };
    tell(&mut script, 1, "alice", failed);
    let line = header(&mut script, 120);
    assert!(line.contains("reg ✖ 403 Forbidden") && !line.contains('\u{1b}'), "{line}");
    let text = script.text(120, 24);
    assert!(text.contains("alice is not registered: 403 Forbidden"), "{text}");
}

#[test]
fn what_is_over_or_cannot_be_reached_has_no_tick() {
    let mut script = script(&["alice"]);
    let state = registered(&script, 30);
    tell(&mut script, 1, "alice", state);
    let flow = |script: &Script, state| {
        Event::Flow(FlowEvent {
            at: script.now,
            flow: FlowId(1),
            asked: Arc::new("sip:127.0.0.1:5060".parse().unwrap()),
            server: "sip:127.0.0.1:5060".parse().unwrap(),
            settings: Arc::default(),
            state,
        })
    };
    let down = FlowState::Down {
        reason: "nobody is there".to_owned(),
        retry_at: None,
        refused: Default::default(),
    };
    let event = flow(&script, down);
    script.apply(event);
    let line = header(&mut script, 120);
    assert!(line.contains("reg ✖ flow down, held 30s") && !line.contains('✔'), "{line}");
    press(&mut script, 'a');
    assert!(script.text(120, 24).contains("nobody reaches us by it"));
    let here = "127.0.0.1:5060".parse().unwrap();
    let up = FlowState::Up { local: here, peer: here, facts: Arc::default() };
    let event = flow(&script, up);
    script.apply(event);
    assert!(header(&mut script, 120).contains("reg ✔ 30s"));
    script.wait(31_000);
    let text = script.text(120, 24);
    assert!(
        text.contains("reg ✖ expired") && text.contains("sip:alice@192.0.2.1  expired"),
        "{text}"
    );
    let state = RegistrationState::Waiting { until: Some(script.now) };
    tell(&mut script, 1, "alice", state);
    let text = script.text(120, 24);
    assert!(text.contains("its flow is not up; the binding of before has expired"), "{text}");
}

#[test]
fn an_account_whose_connection_fails_says_why_in_full_and_when_it_is_tried_again() {
    let reason = "sips:edge.test:5061 cannot be reached: its certificate was issued by CN=somebody \
                  nobody knows, whom this system's store of certificates does not hold: to trust it, \
                  name the issuer's certificate with ca_file";
    let mut script = script(&["alice"]);
    tell(&mut script, 1, "alice", RegistrationState::Waiting { until: None });
    assert!(header(&mut script, 140).contains("reg … connecting"));
    let down = |script: &Script| FlowEvent {
        at: script.now,
        flow: FlowId(1),
        asked: Arc::new("sips:edge.test:5061".parse().unwrap()),
        server: "sips:edge.test:5061".parse().unwrap(),
        settings: Arc::default(),
        state: FlowState::Down {
            reason: reason.to_owned(),
            retry_at: Some(script.now + Duration::from_secs(9)),
            refused: Default::default(),
        },
    };
    let event = Event::Flow(down(&script));
    script.apply(event);
    let line = header(&mut script, 160);
    assert!(line.contains("reg ✖ sips:edge.test:5061") && line.contains("again in 9s"), "{line}");
    // As much of it as there is room for.
    assert!(line.contains("cannot be reached: its"), "{line}");
    press(&mut script, 'a');
    let shown = |script: &mut Script| {
        let text = script.text(100, 24);
        let rows = text.lines().map(|line| line.trim_matches(['│', ' ', '║'])).collect::<Vec<_>>();
        rows.join(" ")
    };
    let text = shown(&mut script);
    assert!(text.contains(&format!("not registered: {reason}; tried again in 9s")), "{text}");

    // One that is not to be registered says it too.
    script.model.accounts[0].register = Register::No;
    script.model.accounts[0].servers = vec!["sips:edge.test:5061".parse().unwrap()];
    tell(&mut script, 1, "alice", RegistrationState::Gone);
    let text = shown(&mut script);
    assert!(text.contains(&format!("{reason}; tried again in 9s")), "{text}");
}

#[test]
fn an_account_that_is_not_to_be_registered_says_nothing_of_it() {
    let mut script = Script::new(Colours::Many);
    assert!(!header(&mut script, 120).contains("reg "));
}

#[test]
fn another_account_is_used_by_a_key_and_the_header_names_it() {
    let mut script = script(&["alice", "bob"]);
    assert!(header(&mut script, 100).contains("alice@demo.test"));
    press(&mut script, 'A');
    assert!(header(&mut script, 100).contains("bob@demo.test"));
    assert!(script.text(100, 24).contains("bob is used from now on: sip:bob@demo.test"));
    press(&mut script, 'n');
    script.type_text("carol");
    let Some(Command::Send(submission)) = script.press(KeyCode::Enter, KeyModifiers::NONE) else {
        panic!("nothing was sent")
    };
    assert_eq!(submission.request.from.uri.as_str(), "sip:bob@demo.test");
    assert_eq!(&*submission.request.profile.unwrap().name, "bob");
}

#[test]
fn the_list_of_accounts_shows_the_bindings_and_its_keys_act_on_the_chosen_one() {
    let mut script = script(&["alice", "bob"]);
    let state = registered(&script, 3571);
    tell(&mut script, 1, "alice", state);
    press(&mut script, 'a');
    insta::assert_snapshot!("accounts_100x24", script.text(100, 24));
    assert!(
        matches!(press(&mut script, 'u'), Some(Command::Unregister { account }) if account == "alice")
    );
    press(&mut script, 'j');
    assert!(
        matches!(press(&mut script, 'r'), Some(Command::Register(account)) if account.name == "bob")
    );
    script.press(KeyCode::Enter, KeyModifiers::NONE);
    assert_eq!(script.model.mode, Mode::Browse);
    assert!(header(&mut script, 100).contains("bob@demo.test"));
}

#[test]
fn a_change_of_the_accounts_keeps_the_one_in_use_and_the_draft() {
    let mut script = script(&["alice", "bob"]);
    press(&mut script, 'A');
    press(&mut script, 'n');
    script.type_text("carol");
    let accounts = ["zoe", "bob"].map(account).to_vec();
    let said = script.model.reloaded(accounts, 0);
    assert_eq!(said.as_deref(), Some("zoe is new, alice is gone"));
    assert_eq!(script.model.account().unwrap().name, "bob");
    assert!(script.text(100, 24).contains("carol"));
    assert_eq!(script.model.reloaded(vec![account("zoe")], 0).as_deref(), Some("bob is gone"));
    assert_eq!(script.model.account().unwrap().name, "zoe");
}

#[test]
fn a_reload_that_failed_is_told_until_a_key_is_pressed_and_stands_in_the_log() {
    let mut script = script(&["alice"]);
    let mistakes = ["c.toml:4:1: first", "c.toml:9:2: second"].map(str::to_owned);
    script.model.reload_failed(script.now, &mistakes);
    let failed = RegistrationState::Failed {
        reason: "403 Forbidden".to_owned(),
        status: None,
        retry_at: None,
        until: None,
    };
    tell(&mut script, 1, "alice", failed);
    script.wait(60_000);
    let text = script.text(120, 24);
    assert!(
        text.contains("nothing is changed (2 mistakes, L shows them): c.toml:4:1: first"),
        "{text}"
    );
    press(&mut script, 'j');
    assert!(!script.text(120, 24).contains("nothing is changed"));
    press(&mut script, 'L');
    let text = script.text(120, 24);
    let lines = ["403 Forbidden", "c.toml:4:1: first", "c.toml:9:2: second"];
    let places = lines.map(|line| text.find(line).unwrap_or_else(|| panic!("{line}: {text}")));
    assert!(places.is_sorted(), "{text}");
}

#[cfg(unix)]
mod in_a_terminal {
    use std::fs;

    use super::ui_terminal::Dashboard;

    #[test]
    fn the_demo_account_is_registered_and_unregistered_by_a_key() {
        let mut dashboard = Dashboard::start(120, 30);
        dashboard.wait_for("reg ✔ 3");
        dashboard.wait_for("The demo server has users to try");
        dashboard.type_keys("a");
        dashboard.wait_for("● sip:alice@");
        dashboard.type_keys("u");
        dashboard.wait_for("not registered");
        dashboard.type_keys("r");
        dashboard.wait_for("registered for 3");
        dashboard.type_keys("qq");
        assert_eq!(dashboard.wait_for_end(), 0);
        dashboard.assert_restored();
    }

    #[test]
    fn the_config_file_is_read_again_by_a_key_and_a_broken_one_changes_nothing() {
        let account =
            |name: &str| format!("[[account]]\nname = \"{name}\"\nuri = \"sip:{name}@a.test\"\n");
        let (mut dashboard, file) = Dashboard::with_config(120, 30, &account("alice"));
        dashboard.wait_for("alice@a.test");
        fs::write(&file, format!("{}mouse = 1\n", account("bob"))).unwrap();
        dashboard.type_keys("R");
        dashboard.wait_for("nothing is changed: ");
        dashboard.wait_for("config.toml:4:1: ");
        dashboard.wait_for("alice@a.test");
        // It stays, and the log has it, and all the others.
        fs::write(&file, format!("{}mouse = 1\nmice = 2\n", account("bob"))).unwrap();
        dashboard.type_keys("R");
        dashboard.wait_for("2 mistakes, L shows them");
        dashboard.type_keys("L");
        dashboard.wait_for("config.toml:5:1: ");
        dashboard.type_keys("L");
        fs::write(&file, format!("[timers]\nt1_ms = 100\n{}", account("bob"))).unwrap();
        dashboard.type_keys("R");
        dashboard.wait_for("bob is new, alice is gone; the settings of new requests have changed");
        dashboard.wait_for("bob@a.test");
        dashboard.type_keys("R");
        dashboard.wait_for("config read again: nothing has changed");
        let text = "mouse = false\n[resolver]\nserver = \"127.0.0.1\"\n[table]\ncolumns = [\"call-id\"]\n[keys.browse]\nquit = \"Q\"\n";
        fs::write(&file, format!("{text}[timers]\nt1_ms = 100\n{}", account("bob"))).unwrap();
        dashboard.type_keys("R");
        dashboard.wait_for("the DNS servers have changed; the keys");
        dashboard.type_keys("R");
        dashboard.wait_for("config read again: nothing has changed");
        let limits = "[limits]\nmax_headers = 100\n";
        fs::write(&file, format!("{text}{limits}[timers]\nt1_ms = 100\n{}", account("bob")))
            .unwrap();
        dashboard.type_keys("R");
        dashboard.wait_for("read again: [limits] is not as it was at the start");
        dashboard.type_keys("Q");
        assert_eq!(dashboard.wait_for_end(), 0);
    }
}

#[test]
fn a_password_command_that_runs_is_said_to_be_waited_for() {
    use sipboard::engine::PasswordCommand;
    let command = Arc::new(PasswordCommand {
        username: "alice".to_owned(),
        arguments: vec!["pass".to_owned(), "show".to_owned(), "secret-place".to_owned()],
    });
    for register in [Register::First, Register::No] {
        let mut script = script(&["alice", "bob"]);
        let alice =
            Account { register, password_command: Some(Arc::clone(&command)), ..account("alice") };
        script.model = Model::new(
            vec![alice, account("bob")],
            0,
            script.model.time.clone(),
            script.model.theme,
        );
        let asks = "asking password_command";
        assert!(!script.text(120, 20).contains(asks));
        script.apply(Event::AsksPasswords(vec![Arc::clone(&command)]));
        let screen = script.text(120, 20);
        assert!(screen.lines().next().unwrap().contains(asks), "{screen}");
        press(&mut script, 'a');
        let screen = script.text(120, 20);
        assert!(screen.contains("asking password_command (pass):"), "{screen}");
        assert!(!screen.contains("secret-place"), "{screen}");
        script.apply(Event::AsksPasswords(Vec::new()));
        assert!(!script.text(120, 20).contains(asks));
    }
}

#[test]
fn the_account_list_says_a_reason_in_full_where_there_is_room() {
    let mut script = script(&["alice", "bob"]);
    let reason = "sips:registrar.demo.test cannot be reached: its certificate is self-signed";
    let failed = RegistrationState::Failed {
        status: None,
        reason: reason.to_owned(),
        retry_at: None,
        until: None,
    };
    tell(&mut script, 2, "bob", failed);
    press(&mut script, 'a');
    let screen = script.text(160, 20);
    let of_bob = screen.lines().find(|line| line.contains("sip:bob@demo.test")).unwrap();
    assert!(of_bob.contains(reason), "{screen}");
}
