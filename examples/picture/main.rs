//! Makes `assets/dashboard.svg`: the demo server, the engine and the dashboard's own model, driven
//! by keys, and the screen that comes of it.
//!
//! ```text
//! cargo run --release --example picture [FILE] [COLUMNS ROWS]
//! ```

mod svg;

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer, layout::Size};
use sipboard::{
    demo,
    engine::{Account, Engine, Settings},
    sip::{ContextId, State},
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
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().unwrap_or_else(|| "assets/dashboard.svg".to_owned());
    let mut number = |default| arguments.next().map_or(Ok(default), |text| text.parse::<u16>());
    let size = Size { width: number(132)?, height: number(24)? };

    let demo = start_demo().await?;
    let mut stage = Stage::new(Account {
        display_name: "Alice".to_owned(),
        servers: demo.addresses().servers(),
        ..Account::new("alice", "sip:alice@demo.test".parse()?)
    });
    let screen = stage.play(size).await?;
    std::fs::write(&file, svg::render(&screen, "sipboard"))
        .with_context(|| format!("{file} cannot be written"))?;
    println!("{file}: {} by {} cells", size.width, size.height);
    demo.stop().await;
    Ok(())
}

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

    /// What a user does in the first ten seconds. The copies of #3, which nobody answers, beat the
    /// time: they go out after 0.5, 1.5, 3.5 and 7.5 seconds.
    async fn play(&mut self, size: Size) -> anyhow::Result<Buffer> {
        self.model.size = size;
        self.send("OPTIONS", "demo.test").await?;
        self.send("INVITE", "answer").await?;
        self.wait("a leg", 2, |row| row.status.legs_up == 1).await?;
        // Over UDP, where a request is sent again; the next ones go there too.
        self.keys(&[KeyCode::Char('n')]).await?;
        self.type_text("silent").await?;
        self.keys(&[KeyCode::Tab, KeyCode::Right, KeyCode::Enter]).await?;
        self.wait("the second copy", 3, |row| row.status.attempts == 2).await?;
        self.send("INVITE", "busy").await?;
        self.send("INVITE", "notfound").await?;
        self.wait("the third copy", 3, |row| row.status.attempts == 3).await?;
        self.send("INVITE", "hangup").await?;
        self.send("INVITE", "fork").await?;
        self.send("INVITE", "lossy").await?;
        self.send("INVITE", "late").await?;
        self.wait("the 180", 9, |row| row.status.state == State::Proceeding).await?;
        self.type_text("c").await?;
        // The BYE is #10.
        self.wait("a cancel that a 200 crosses", 9, |row| row.status.ended).await?;
        self.wait("the fourth copy", 3, |row| row.status.attempts == 4).await?;
        self.send("MESSAGE", "bob").await?;
        self.send("INVITE", "ring").await?;
        self.wait("the BYE of the peer", 6, |row| row.status.ended).await?;
        self.send("INVITE", "slow").await?;
        self.wait("the fifth copy", 3, |row| row.status.attempts == 5).await?;
        self.send("INVITE", "ring").await?;
        self.wait("the 180", 14, |row| row.status.state == State::Proceeding).await?;
        self.type_text("jjc").await?;
        self.wait("the 487", 12, |row| row.status.ended).await?;

        let now = Instant::now();
        update::settle(&mut self.model, now);
        let mut terminal = Terminal::new(TestBackend::new(size.width, size.height))?;
        terminal.draw(|frame| {
            view::draw(frame, &self.model, now);
        })?;
        Ok(terminal.backend().buffer().clone())
    }

    /// Writes a request in the composer and sends it.
    async fn send(&mut self, method: &str, target: &str) -> anyhow::Result<()> {
        self.keys(&[KeyCode::Char('n'), KeyCode::BackTab]).await?;
        let clear = KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL);
        self.key(clear).await?;
        self.type_text(method).await?;
        self.keys(&[KeyCode::Tab]).await?;
        self.type_text(target).await?;
        self.keys(&[KeyCode::Enter]).await
    }

    async fn type_text(&mut self, text: &str) -> anyhow::Result<()> {
        for c in text.chars() {
            let code = if c == '\n' { KeyCode::Enter } else { KeyCode::Char(c) };
            self.keys(&[code]).await?;
        }
        Ok(())
    }

    async fn keys(&mut self, codes: &[KeyCode]) -> anyhow::Result<()> {
        for code in codes {
            self.key(KeyEvent::new(*code, KeyModifiers::NONE)).await?;
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
