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
    let size = Size { width: number(144)?, height: number(30)? };

    let demo = start_demo().await?;
    let mut stage = Stage::new(Account {
        name: "alice".to_owned(),
        uri: "sip:alice@demo.test".parse()?,
        display_name: "Alice".to_owned(),
        servers: demo.addresses().servers(),
        credentials: None,
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

    /// What a user does in the first ten seconds.
    async fn play(&mut self, size: Size) -> anyhow::Result<Buffer> {
        self.model.size = size;
        // OPTIONS is two steps from INVITE.
        self.keys(&[KeyCode::Char('n'), KeyCode::BackTab, KeyCode::Right, KeyCode::Right]).await?;
        self.keys(&[KeyCode::Tab]).await?;
        self.type_text("demo.test\n").await?;
        self.wait("the OPTIONS", |row| row.id == ContextId(1) && row.status.ended).await?;
        self.keys(&[KeyCode::Char('n'), KeyCode::BackTab, KeyCode::Left, KeyCode::Left]).await?;
        self.keys(&[KeyCode::Tab]).await?;
        self.type_text("answer\n").await?;
        self.wait("the answer", |row| row.status.legs_up == 1).await?;
        self.type_text("nbusy\n").await?;
        self.wait("the 486", |row| row.status.state == State::Rejected).await?;
        // Over UDP from here, where a request is sent again.
        self.type_text("nlossy").await?;
        self.keys(&[KeyCode::Tab, KeyCode::Right, KeyCode::Enter]).await?;
        self.type_text("nsilent\n").await?;
        self.wait("the third copy", |row| row.id == ContextId(5) && row.status.attempts == 3)
            .await?;
        self.type_text("nslow\n").await?;
        self.type_text("nring\n").await?;
        self.wait("the 180", |row| row.id == ContextId(7) && row.status.state == State::Proceeding)
            .await?;
        self.wait("the fourth copy", |row| row.id == ContextId(5) && row.status.attempts == 4)
            .await?;
        self.type_text("c").await?;
        self.wait("the 487", |row| row.status.state == State::Canceled && row.status.ended).await?;
        self.wait("the answer after all", |row| row.id == ContextId(4) && row.status.legs_up == 1)
            .await?;

        let now = Instant::now();
        update::settle(&mut self.model, now);
        let mut terminal = Terminal::new(TestBackend::new(size.width, size.height))?;
        terminal.draw(|frame| {
            view::draw(frame, &self.model, now);
        })?;
        Ok(terminal.backend().buffer().clone())
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
            let key = Input::Key(KeyEvent::new(*code, KeyModifiers::NONE));
            if let Some(command) = update::input(&mut self.model, key, Instant::now()) {
                self.engine.commands.send(command).await?;
            }
        }
        Ok(())
    }

    /// Takes in facts until a row is as wished.
    async fn wait(&mut self, what: &str, wished: impl Fn(&Row) -> bool) -> anyhow::Result<()> {
        let wait = async {
            loop {
                let contexts = &self.model.facts.contexts;
                if (0..contexts.len()).filter_map(|n| contexts.row(n)).any(&wished) {
                    return Ok(());
                }
                let batch = self.engine.events.recv().await.context("the engine has ended")?;
                batch.into_iter().for_each(|event| self.model.apply(event));
            }
        };
        tokio::time::timeout(DEADLINE, wait)
            .await
            .with_context(|| format!("{what} did not come"))?
    }
}
