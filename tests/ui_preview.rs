//! What the form shows as what will be sent is what is sent, byte for byte: the dashboard's model on a
//! real engine and the demo server.

use std::time::{Duration, Instant};

use bytes::Bytes;
use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use sipboard::{
    demo,
    engine::{Account, Command, Draft, Engine, Event, Register, Settings},
    sip::{self, Fact, Method},
    transport::ServerUri,
    ui::{
        Model,
        model::TimeOfDay,
        update,
        view::{Colours, Theme},
    },
};

const DEADLINE: Duration = Duration::from_secs(30);

struct Dashboard {
    model: Model,
    engine: Engine,
}

impl Dashboard {
    async fn new(account: Account) -> Dashboard {
        let theme = Theme::new(Colours::None);
        let mut model = Model::new(vec![account.clone()], 0, TimeOfDay::system(), theme);
        model.seed(7);
        let engine = Engine::start(Settings::default());
        engine.commands.send(Command::Accounts(vec![account.into()])).await.unwrap();
        Dashboard { model, engine }
    }

    async fn press(&mut self, code: KeyCode) {
        self.press_with(code, KeyModifiers::NONE).await;
    }

    async fn press_with(&mut self, code: KeyCode, modifiers: KeyModifiers) {
        let key = Input::Key(KeyEvent::new(code, modifiers));
        if let Some(command) = update::input(&mut self.model, key, Instant::now()) {
            self.engine.commands.send(command).await.unwrap();
        }
    }

    async fn type_text(&mut self, text: &str) {
        for c in text.chars() {
            self.press(KeyCode::Char(c)).await;
        }
    }

    /// Takes in facts until one of them gives something.
    async fn wait<T>(&mut self, mut of: impl FnMut(&Model, &Event) -> Option<T>) -> T {
        let wait = async {
            loop {
                for event in self.engine.events.recv().await.expect("the engine runs") {
                    self.model.apply(event.clone());
                    if let Some(found) = of(&self.model, &event) {
                        return found;
                    }
                }
                // As the loop of the dashboard does.
                self.model.look_if_composing();
                if let Some(command) = update::asks(&self.model) {
                    self.engine.commands.send(command).await.unwrap();
                }
            }
        };
        tokio::time::timeout(DEADLINE, wait).await.expect("it happens in time")
    }

    /// Waits for the whole preview, then sends it; gives both.
    async fn shown_and_sent(&mut self, method: &Method) -> (Bytes, Bytes) {
        self.wait(|model, event| {
            let is_whole = model.drafts.open().preview().notes.is_empty();
            (matches!(event, Event::Writing { .. }) && is_whole).then_some(())
        })
        .await;
        let shown = self.model.drafts.open().preview().bytes.clone();
        self.press(KeyCode::Enter).await;
        (shown, self.sent(method).await)
    }

    async fn sent(&mut self, wanted: &Method) -> Bytes {
        self.wait(|_, event| match event {
            Event::Sip(sip::Event::Context(event)) if event.method == *wanted => {
                match &event.fact {
                    Fact::Sent { message, .. } => Some(message.clone()),
                    _ => None,
                }
            }
            _ => None,
        })
        .await
    }
}

async fn check(transport: &str) {
    let demo = demo::start(demo::Config::default()).await.unwrap();
    let servers = demo.addresses().servers();
    let server = servers.iter().find(|server| server.transport.to_string() == transport).unwrap();
    let account = Account {
        servers: vec![server.clone()],
        register: Register::First,
        ..Account::new("alice", "sip:alice@demo.test".parse().unwrap())
    };
    let mut dashboard = Dashboard::new(account).await;
    dashboard.sent(&Method::Register).await;
    dashboard.press(KeyCode::Char('n')).await;
    dashboard.type_text("ring").await;
    let (shown, sent) = dashboard.shown_and_sent(&Method::Invite).await;
    assert_eq!(text(&shown), text(&sent));

    // The next one is another request, and shown as such.
    dashboard.press(KeyCode::Char('n')).await;
    dashboard.type_text("bob").await;
    dashboard.press(KeyCode::BackTab).await;
    dashboard.type_text("OPTIONS").await;
    let (next, sent) = dashboard.shown_and_sent(&Method::Options).await;
    assert_eq!(text(&next), text(&sent));
    let branch = |bytes: &Bytes| {
        let text = text(bytes);
        text.split_once("branch=").map(|(_, rest)| rest[..23].to_owned())
    };
    assert_ne!(branch(&shown), branch(&next));
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_raw_message_gets_our_address_where_nobody_has_written_another() {
    let demo = demo::start(demo::Config::default()).await.unwrap();
    let servers = demo.addresses().servers();
    let udp = servers.iter().find(|server| server.transport == sip::Transport::Udp).unwrap();
    let account = Account {
        servers: vec![udp.clone()],
        ..Account::new("alice", "sip:alice@demo.test".parse().unwrap())
    };
    let mut dashboard = Dashboard::new(account.clone()).await;
    dashboard.press(KeyCode::Char('n')).await;
    dashboard.type_text("ring").await;
    dashboard.press(KeyCode::F(4)).await;
    // Another method, and nothing else.
    dashboard.type_text("X").await;
    let preview = |model: &Model| model.drafts.open().preview().clone();
    let told = &preview(&dashboard.model).notes[0];
    assert!(told.contains("takes the place of our-address.invalid (Via, Contact)"), "{told}");
    assert!(text(&preview(&dashboard.model).bytes).contains("our-address.invalid"));
    let draft = Draft { method: "OPTIONS".into(), target: "bob".into(), ..Draft::default() };
    let submission = draft.submit(&account).unwrap();
    dashboard.engine.commands.send(Command::Send(Box::new(submission))).await.unwrap();
    let filled = dashboard
        .wait(|model, event| {
            let filled = preview(model);
            let is_filled = !text(&filled.bytes).contains("invalid");
            (matches!(event, Event::Writing { .. }) && is_filled).then_some(filled)
        })
        .await;
    let filled = text(&filled.bytes);
    assert!(filled.starts_with("XINVITE sip:ring@demo.test SIP/2.0\r\n"), "{filled}");
    assert!(filled.contains("Via: SIP/2.0/UDP 127.0.0.1:"), "{filled}");
    assert!(filled.contains("Contact: <sip:alice@127.0.0.1:"), "{filled}");
    assert!(!filled.contains("invalid"), "{filled}");
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_raw_message_that_is_sent_before_the_connection_is_there_has_our_address() {
    let demo = demo::start(demo::Config::default()).await.unwrap();
    for transport in ["udp", "tcp", "ws"] {
        let servers = demo.addresses().servers();
        let is_it = |server: &&ServerUri| server.transport.to_string() == transport;
        let account = Account {
            servers: vec![servers.iter().find(is_it).unwrap().clone()],
            ..Account::new("alice", "sip:alice@demo.test".parse().unwrap())
        };
        let mut dashboard = Dashboard::new(account).await;
        dashboard.press(KeyCode::Char('n')).await;
        dashboard.type_text("ring").await;
        dashboard.press(KeyCode::F(4)).await;
        let shown = text(&dashboard.model.drafts.open().preview().bytes);
        dashboard.press_with(KeyCode::Char('s'), KeyModifiers::CONTROL).await;
        let sent = text(&dashboard.sent(&Method::Invite).await);
        let ours = sent.split_once("Via: SIP/2.0/").unwrap().1;
        let ours = ours.split_once(' ').unwrap().1.split_once(';').unwrap().0;
        assert!(shown.contains(sip::PREVIEW_HOST) && !ours.contains("our-address"), "{shown}");
        assert_eq!(shown.replace(sip::PREVIEW_HOST, ours), sent, "over {transport}");
    }
    demo.stop().await;
}

/// What the form shows while nothing leads to the server yet, and what went out then: our own address
/// is all that is added.
async fn check_cold(transport: &str, method: Method, target: &str) {
    let demo = demo::start(demo::Config::default()).await.unwrap();
    let servers = demo.addresses().servers();
    let server = servers.iter().find(|server| server.transport.to_string() == transport).unwrap();
    let account = Account {
        servers: vec![server.clone()],
        flow: demo.flow_settings().into(),
        ..Account::new("alice", "sip:alice@demo.test".parse().unwrap())
    };
    let mut dashboard = Dashboard::new(account).await;
    for is_up in [false, true] {
        dashboard.press(KeyCode::Char('n')).await;
        dashboard.type_text(target).await;
        dashboard.press(KeyCode::BackTab).await;
        dashboard.type_text(method.as_str()).await;
        let (shown, sent) = if is_up {
            dashboard.shown_and_sent(&method).await
        } else {
            let shown = dashboard.model.drafts.open().preview().bytes.clone();
            dashboard.press(KeyCode::Enter).await;
            (shown, dashboard.sent(&method).await)
        };
        let (shown, sent) = (text(&shown), text(&sent));
        assert!(shown.starts_with(&format!("{method} ")), "{shown}");
        let ours = sent.split_once("Via: SIP/2.0/").unwrap().1;
        let ours = ours.split_once(' ').unwrap().1.split_once(';').unwrap().0;
        assert_eq!(shown.contains(sip::PREVIEW_HOST), !is_up, "{shown}");
        let expected = shown.replace(sip::PREVIEW_HOST, ours);
        assert_eq!(expected, sent, "{method} over {transport}, up: {is_up}");
    }
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_form_shows_before_the_flow_is_up_lacks_our_address_alone() {
    for transport in ["udp", "tcp", "tls", "ws", "wss"] {
        for (method, target) in [
            (Method::Invite, "ring"),
            (Method::Register, "sip:demo.test"),
            (Method::Subscribe, "bob"),
            (Method::Message, "bob"),
        ] {
            check_cold(transport, method, target).await;
        }
    }
}

/// What the form of a request in a dialog shows, once the engine has said how it is written.
async fn whole_in_dialog(dashboard: &mut Dashboard) -> Bytes {
    dashboard
        .wait(|model, event| {
            let preview = model.drafts.open().preview();
            let is_whole = preview.notes.is_empty() && preview.asks.is_none();
            (matches!(event, Event::DialogWriting { .. }) && is_whole)
                .then(|| preview.bytes.clone())
        })
        .await
}

async fn check_in_dialog(transport: &str) {
    let demo = demo::start(demo::Config::default()).await.unwrap();
    let servers = demo.addresses().servers();
    let server = servers.iter().find(|server| server.transport.to_string() == transport).unwrap();
    let account = Account {
        servers: vec![server.clone()],
        ..Account::new("alice", "sip:alice@demo.test".parse().unwrap())
    };
    let mut dashboard = Dashboard::new(account).await;
    dashboard.press(KeyCode::Char('n')).await;
    dashboard.type_text("answer").await;
    dashboard.press(KeyCode::Enter).await;
    dashboard
        .wait(|_, event| match event {
            Event::Sip(sip::Event::Context(event)) => {
                matches!(event.fact, Fact::Acked { .. }).then_some(())
            }
            _ => None,
        })
        .await;
    // Twice: the second one counts on.
    let mut numbers = Vec::new();
    for method in [Method::Info, Method::Info, Method::Bye] {
        dashboard.press(KeyCode::Char('o')).await;
        for _ in 0..20 {
            dashboard.press(KeyCode::Backspace).await;
        }
        dashboard.type_text(method.as_str()).await;
        let shown = whole_in_dialog(&mut dashboard).await;
        dashboard.press(KeyCode::Enter).await;
        let sent = dashboard.sent(&method).await;
        assert_eq!(text(&shown), text(&sent));
        numbers.push(sip::Message::read(sent).unwrap().cseq().unwrap().number);
    }
    assert_eq!(numbers, [numbers[0], numbers[0] + 1, numbers[0] + 2]);
    demo.stop().await;
}

#[tokio::test]
async fn what_the_form_shows_of_a_request_in_a_dialog_is_what_goes_out() {
    for transport in ["udp", "tcp", "ws"] {
        check_in_dialog(transport).await;
    }
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn what_the_form_shows_is_what_goes_out_over_websocket() {
    check("ws").await;
}

#[tokio::test]
async fn what_the_form_shows_is_what_goes_out_over_udp() {
    check("udp").await;
}

#[tokio::test]
async fn what_the_form_shows_is_what_goes_out_over_tcp() {
    check("tcp").await;
}
