//! Makes the pictures in `assets`: the demo server, the engine and the dashboard's own model, driven
//! by keys, and the screens that come of it.
//!
//! ```text
//! cargo run --release --example picture [FOLDER]
//! ```

mod svg;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer, layout::Size};
use sipboard::{
    demo,
    engine::{Account, Command, Engine, Register, Settings},
    sip::{ContextId, State, auth::Credentials},
    ui::{
        Model,
        model::{Row, TimeOfDay},
        update,
        view::{self, Colours, Theme},
    },
};

/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "assets".to_owned());
    let demo = start_demo().await?;
    let mut stage = Stage::new(Account {
        display_name: "Alice".to_owned(),
        servers: demo.addresses().servers(),
        credentials: Some(Arc::from([Credentials::new("demo", "demo")])),
        register: Register::First,
        ..Account::new("alice", "sip:alice@demo.test".parse()?)
    });
    stage.play().await?;
    let folder = Path::new(&folder);
    let write = |name: &str, screen: &Buffer| {
        let file = folder.join(format!("{name}.svg"));
        std::fs::write(&file, svg::render(screen, "sipboard"))
            .with_context(|| format!("{} cannot be written", file.display()))?;
        println!("{}: {} by {} cells", file.display(), screen.area.width, screen.area.height);
        anyhow::Ok(())
    };
    write("dashboard", &stage.screen(132, 24)?)?;
    write("medium", &stage.screen(80, 24)?)?;
    stage.call_with_password().await?;
    for view in VIEWS {
        if view.name == "light" {
            stage.wear("light")?;
        }
        stage.keys(view.keys).await.with_context(|| view.name)?;
        write(view.name, &stage.screen(view.columns, view.rows)?)?;
        stage.keys(view.back).await?;
        stage.wear("default")?;
    }
    demo.stop().await;
    Ok(())
}

/// A picture: the keys that lead there from the table, and back.
struct View {
    name: &'static str,
    columns: u16,
    rows: u16,
    /// As a user types them; `\t` is Tab, `\n` Enter, `\x1b` Esc, and a control character the letter
    /// with Ctrl.
    keys: &'static str,
    back: &'static str,
}

const VIEWS: [View; 14] = [
    View { name: "filter", columns: 100, rows: 24, keys: "/method:invite !busy", back: "\x1b" },
    View { name: "legs", columns: 132, rows: 26, keys: "ffork\n4", back: "1" },
    View { name: "ladder", columns: 132, rows: 24, keys: "flate inv\n2", back: "1" },
    View { name: "messages", columns: 120, rows: 34, keys: "fauth\n3\tvJJJ", back: "vvvg\t1" },
    View { name: "compared", columns: 120, rows: 26, keys: "fauth\n3\tgKKKKmJJJd", back: "d\t1" },
    View { name: "auth", columns: 120, rows: 30, keys: "fauth\n5", back: "1" },
    View { name: "flow", columns: 120, rows: 22, keys: "fauth\n6", back: "1" },
    View {
        name: "composer",
        columns: 132,
        rows: 40,
        keys: "n\x15bob\t\t\tSubject: about {{uuid}}\nX-Team: blue\nSupported: 100rel, ti",
        back: "\x1b",
    },
    View { name: "palette", columns: 100, rows: 24, keys: ":copy", back: "\x1b" },
    View { name: "help", columns: 100, rows: 40, keys: "?", back: "\x1b" },
    View { name: "accounts", columns: 100, rows: 16, keys: "a", back: "\x1b" },
    View { name: "statistics", columns: 120, rows: 30, keys: "#", back: "\x1b" },
    View { name: "light", columns: 120, rows: 24, keys: "g", back: "" },
    View { name: "log", columns: 100, rows: 16, keys: "L", back: "\x1b" },
];

/// On the ports that everyone knows where they are free, so that the picture stays the same.
async fn start_demo() -> anyhow::Result<demo::Demo> {
    let at = |port| Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let wanted = demo::Config { udp: at(5060), ws: at(5066), ..demo::Config::default() };
    match demo::start(wanted).await {
        Ok(demo) => Ok(demo),
        Err(_) => Ok(demo::start(demo::Config::default()).await?),
    }
}

/// The dashboard without its terminal.
struct Stage {
    model: Model,
    engine: Engine,
}

impl Stage {
    fn new(account: Account) -> Stage {
        let theme = Theme::new(Colours::Many);
        Stage {
            model: Model::new(vec![account], 0, TimeOfDay::system(), theme),
            engine: Engine::start(Settings::default()),
        }
    }

    /// What a user does in the first ten seconds. The copies of #4, which nobody answers, beat the
    /// time: they go out after 0.5, 1.5, 3.5 and 7.5 seconds.
    async fn play(&mut self) -> anyhow::Result<()> {
        self.model.size = Size { width: 132, height: 24 };
        let account = Arc::new(self.model.accounts[0].clone());
        self.engine.commands.send(Command::Accounts(vec![account])).await?;
        self.wait("the registration", 1, |row| row.status.ended).await?;
        self.send("OPTIONS", "demo.test").await?;
        self.send("INVITE", "answer").await?;
        self.wait("a leg", 3, |row| row.status.legs_up == 1).await?;
        // Over UDP, where a request is sent again; the next ones go there too.
        self.keys("nsilent\t").await?;
        self.key(KeyEvent::new(KeyCode::Right, KeyModifiers::NONE)).await?;
        self.keys("\n").await?;
        self.wait("the second copy", 4, |row| row.status.attempts == 2).await?;
        self.send("INVITE", "busy").await?;
        self.send("INVITE", "notfound").await?;
        self.wait("the third copy", 4, |row| row.status.attempts == 3).await?;
        self.send("INVITE", "hangup").await?;
        self.send("INVITE", "fork").await?;
        self.send("INVITE", "lossy").await?;
        self.send("INVITE", "late").await?;
        self.wait("the 180", 10, |row| row.status.state == State::Proceeding).await?;
        self.keys("c").await?;
        // The BYE is #11.
        self.wait("a cancel that a 200 crosses", 10, |row| row.status.ended).await?;
        self.wait("the fourth copy", 4, |row| row.status.attempts == 4).await?;
        self.send("MESSAGE", "bob").await?;
        self.send("INVITE", "ring").await?;
        self.wait("the BYE of the peer", 7, |row| row.status.ended).await?;
        self.send("INVITE", "slow").await?;
        self.wait("the fifth copy", 4, |row| row.status.attempts == 5).await?;
        self.send("INVITE", "ring").await?;
        self.wait("the 180", 15, |row| row.status.state == State::Proceeding).await?;
        self.keys("jjc").await?;
        self.wait("the 487", 13, |row| row.status.ended).await?;

        Ok(())
    }

    /// An INVITE that is challenged and answered.
    async fn call_with_password(&mut self) -> anyhow::Result<()> {
        self.send("INVITE", "auth").await?;
        self.wait("the call", 16, |row| row.status.legs_up == 1).await
    }

    /// Chooses a theme.
    fn wear(&mut self, theme: &str) -> anyhow::Result<()> {
        self.model.theme = self.model.themes.choose(theme)?;
        Ok(())
    }

    /// What the screen shows at a size.
    fn screen(&mut self, width: u16, height: u16) -> anyhow::Result<Buffer> {
        let now = Instant::now();
        self.model.size = Size { width, height };
        update::settle(&mut self.model, now);
        let mut terminal = Terminal::new(TestBackend::new(width, height))?;
        terminal.draw(|frame| {
            view::draw(frame, &self.model, now);
        })?;
        Ok(terminal.backend().buffer().clone())
    }

    /// Writes a request in the composer and sends it.
    async fn send(&mut self, method: &str, target: &str) -> anyhow::Result<()> {
        self.keys("n").await?;
        self.key(KeyEvent::new(KeyCode::BackTab, KeyModifiers::NONE)).await?;
        self.keys(&format!("\x15{method}\t{target}\n")).await
    }

    /// Types a text; see [`View::keys`].
    async fn keys(&mut self, text: &str) -> anyhow::Result<()> {
        for c in text.chars() {
            let (code, modifiers) = match c {
                '\t' => (KeyCode::Tab, KeyModifiers::NONE),
                '\n' => (KeyCode::Enter, KeyModifiers::NONE),
                '\x1b' => (KeyCode::Esc, KeyModifiers::NONE),
                c @ '\x01'..='\x1a' => {
                    (KeyCode::Char(char::from(c as u8 + b'a' - 1)), KeyModifiers::CONTROL)
                }
                c => (KeyCode::Char(c), KeyModifiers::NONE),
            };
            self.key(KeyEvent::new(code, modifiers)).await?;
        }
        // What was asked of the engine is answered before the next fact.
        while let Some(command) = update::asks(&self.model) {
            self.engine.commands.send(command).await?;
            let batch = self.engine.events.recv().await.context("the engine has ended")?;
            batch.into_iter().for_each(|event| self.model.apply(event));
        }
        Ok(())
    }

    async fn key(&mut self, key: KeyEvent) -> anyhow::Result<()> {
        if let Some(command) = update::input(&mut self.model, Input::Key(key), Instant::now()) {
            self.engine.commands.send(command).await?;
        }
        Ok(())
    }

    /// Takes in facts until a context is as wished.
    async fn wait(
        &mut self,
        what: &str,
        context: u64,
        wished: impl Fn(&Row) -> bool,
    ) -> anyhow::Result<()> {
        let is_it = |row: &Row| row.id == ContextId(context) && wished(row);
        let wait = async {
            loop {
                let contexts = &self.model.facts.contexts;
                if (0..contexts.len()).filter_map(|n| contexts.row(n)).any(is_it) {
                    return Ok(());
                }
                let batch = self.engine.events.recv().await.context("the engine has ended")?;
                batch.into_iter().for_each(|event| self.model.apply(event));
            }
        };
        tokio::time::timeout(DEADLINE, wait)
            .await
            .with_context(|| format!("{what} of #{context} did not come"))?
    }
}
