//! The loop: facts, keys and time come in, pictures and commands go out.
//!
//! `lend` gives the terminal away for a while, `reload` reads the config file again.

mod lend;
mod reload;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use crate::{
    engine::{self, Command, Engine, Event},
    ui::{
        Arrangement, Look, Options, Reload,
        model::{Columns, GRACE, Mode, Model, Notice, Table, TimeOfDay},
        terminal::{self, Disturbance, Disturbances, Farewell, Input, Screen},
        update,
    },
};

/// The time between two pictures under load.
const FRAME: Duration = Duration::from_millis(33);

/// So many pictures may be drawn ahead of their time after a quiet moment: what comes of a key, or
/// follows a countdown's step, does not wait.
const AHEAD: u32 = 3;

/// The least time between two notifications.
const ALERT: Duration = Duration::from_secs(1);

/// What is said where the engine's queue is full.
const BUSY: &str = "the engine is busy, nothing was done: try again in a moment";

/// Why there is no dashboard.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Standard output is a file or a pipe.
    #[error(
        "the dashboard needs a terminal, and standard output is none: use `sipboard send` to send requests without it"
    )]
    NoTerminal,
    /// A defect: the engine's task is gone.
    #[error("the engine ended by itself; this is a defect of sipboard")]
    EngineGone,
}

/// Runs the dashboard until the user leaves.
///
/// # Errors
///
/// Where there is no terminal, where it cannot be taken over, or where the engine breaks.
pub async fn run(options: Options) -> anyhow::Result<()> {
    if !terminal::is_present() {
        return Err(RunError::NoTerminal.into());
    }
    let Options {
        accounts,
        account,
        settings,
        columns,
        arranged,
        keep,
        bindings,
        look,
        mouse,
        notice,
        warnings,
        reload,
        hint,
        variables,
        targets,
    } = options;
    let mut model = Model::new(accounts, account, TimeOfDay::system(), look.themes.current());
    model.dress(look.clone());
    model.notice = notice.map(Notice::lasting);
    model.hint = hint;
    model.log_lines(Instant::now(), &warnings);
    model.table.columns = arranged.columns.clone();
    model.table.list.set_sort(&model.facts.contexts, arranged.sort);
    model.book.variables = variables;
    model.book.known = targets;
    model.book.settings = settings.sip.clone();
    model.seed(rand::random());
    model.bindings = bindings;
    let farewell = Farewell::new()?;
    let disturbances = Disturbances::new()?;
    let screen = Screen::take(mouse)?;
    model.size = screen.size()?;
    let engine = Engine::start(settings.clone());
    let registered = model.accounts.iter().cloned().map(Arc::new).collect();
    // A new engine's queue has room.
    let _ = engine.commands.try_send(Command::Accounts(registered));
    let app = App {
        model,
        screen: Some(screen),
        engine,
        reload,
        settings,
        columns,
        look,
        farewell,
        disturbances,
        mouse,
        quit: Quit::No,
        alert_due: None,
        paced_until: None,
        frame_due: None,
    };
    let left = app.run().await?;
    if left != arranged {
        (keep.0)(&left);
    }
    Ok(())
}

struct App {
    model: Model,
    /// Gone once the terminal is.
    screen: Option<Screen>,
    engine: Engine,
    reload: Reload,
    /// The engine's settings, as the config file says.
    settings: engine::Settings,
    /// The columns of the table, as the config file says.
    columns: Columns,
    /// The look, as the config file says.
    look: Look,
    farewell: Farewell,
    disturbances: Disturbances,
    /// Whether the mouse is listened to.
    mouse: bool,
    quit: Quit,
    /// When the terminal may be asked to tell something again.
    alert_due: Option<Instant>,
    /// Until when the pictures that were drawn would take, one after the other.
    paced_until: Option<Instant>,
    /// When the next picture may be drawn; `None` where it may at once.
    frame_due: Option<Instant>,
}

/// Whether the engine knows that it is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quit {
    No,
    /// Its queue was full; to be tried again.
    Unsent,
    Sent,
}

/// What woke the loop.
enum Woken {
    Facts(Option<Vec<Event>>),
    Input(Option<crossterm::event::Event>),
    Farewell,
    Disturbed(Disturbance),
    Time,
}

impl App {
    /// Gives, once the terminal is restored, how the table was left.
    async fn run(mut self) -> Result<Arrangement, RunError> {
        let mut input = Input::start();
        let mut changed = true;
        let mut next_change = None;
        while self.model.mode != Mode::Left {
            let now = Instant::now();
            let due = changed || next_change.is_some_and(|at| at <= now);
            if due && self.frame_due.is_none_or(|at| at <= now) {
                next_change = self.draw(now);
                changed = false;
            }
            self.alert(now);
            let next = if changed { Some(now) } else { next_change };
            let wake_at = next.map(|at| self.frame_due.map_or(at, |due| at.max(due)));
            match self.wait(&mut input.events, wake_at).await {
                Woken::Facts(Some(batch)) => {
                    batch.into_iter().for_each(|event| self.model.apply(event));
                    self.ask();
                    changed = true;
                }
                Woken::Input(Some(event)) => {
                    self.take_in(event);
                    // What was typed or pasted meanwhile belongs to the same picture.
                    while let Ok(event) = input.events.try_recv() {
                        self.take_in(event);
                    }
                    if let Some((slot, text)) = self.model.edits.take() {
                        self.edit(&input, slot, &text).await;
                    }
                    if std::mem::take(&mut self.model.suspends) {
                        self.suspend(&input);
                    }
                    changed = true;
                }
                Woken::Facts(None) if self.quit == Quit::Sent => self.model.mode = Mode::Left,
                Woken::Facts(None) => return Err(RunError::EngineGone),
                Woken::Input(None) | Woken::Farewell => {
                    self.leave();
                    changed = true;
                }
                Woken::Disturbed(disturbance) => {
                    self.mend(disturbance);
                    changed = true;
                }
                Woken::Time => self.keep_time(),
            }
        }
        let Table { list, columns, .. } = self.model.table;
        Ok(Arrangement { configured: self.columns, columns, sort: list.sort() })
    }

    /// What has happened may have changed how a request is written that is being composed.
    fn ask(&mut self) {
        self.model.look_if_composing();
        if let Some(command) = update::asks(&self.model) {
            // Where the queue is full, the next key asks again.
            let _ = self.engine.commands.try_send(command);
        }
    }

    /// Draws; gives when the picture changes by itself.
    fn draw(&mut self, now: Instant) -> Option<Instant> {
        let screen = self.screen.as_mut()?;
        let drawn = screen.size().and_then(|size| {
            self.model.size = size;
            update::settle(&mut self.model, now);
            screen.draw(&self.model, now)
        });
        let until = self.paced_until.map_or(now, |until| until.max(now));
        self.paced_until = Some(until + FRAME);
        self.frame_due = (until + FRAME).checked_sub(FRAME * AHEAD);
        match drawn {
            Ok(drawn) => drawn.changes_at,
            Err(_) => {
                // Nobody sees it any more. What is under way still ends gracefully.
                self.screen = None;
                self.leave();
                None
            }
        }
    }

    /// Waits for something to happen. Facts are fetched once a picture, however fast they come.
    async fn wait(
        &mut self,
        input: &mut mpsc::Receiver<crossterm::event::Event>,
        wake_at: Option<Instant>,
    ) -> Woken {
        let deadline = match self.model.mode {
            Mode::Quitting { since } => Some(since + GRACE),
            _ => None,
        };
        let retry = (self.quit == Quit::Unsent).then(|| Instant::now() + FRAME);
        let alert =
            self.alert_due.filter(|_| self.screen.is_some() && !self.model.alert.is_empty());
        let wake_at = [wake_at, deadline, retry, alert].into_iter().flatten().min();
        let frame_due = self.frame_due;
        let events = &mut self.engine.events;
        let facts = async {
            sleep_until(frame_due.unwrap_or_else(Instant::now)).await;
            events.recv().await
        };
        tokio::select! {
            event = input.recv(), if !input.is_closed() || !input.is_empty() => Woken::Input(event),
            () = self.farewell.wait(), if !matches!(self.model.mode, Mode::Quitting { .. }) => {
                Woken::Farewell
            }
            disturbance = self.disturbances.next() => Woken::Disturbed(disturbance),
            batch = facts => Woken::Facts(batch),
            () = async { sleep_until(wake_at.unwrap_or_else(Instant::now)).await }, if wake_at.is_some() => {
                Woken::Time
            }
        }
    }

    /// Has the terminal tell what there is to be told, at most once a second.
    fn alert(&mut self, now: Instant) {
        if self.alert_due.is_some_and(|due| now < due) {
            return;
        }
        let Some(screen) = &mut self.screen else { return };
        if let Some(text) = self.model.alert.take() {
            // Where the terminal is gone, the next picture says so.
            let _ = screen.notify(self.model.notify.how, &text);
            self.alert_due = Some(now + ALERT);
        }
    }

    fn take_in(&mut self, event: crossterm::event::Event) {
        if let crossterm::event::Event::Resize(..) = event {
            self.mend(Disturbance::Resized);
        }
        if let Some(command) = update::input(&mut self.model, event, Instant::now()) {
            self.send(command);
        }
        if let (Some(clip), Some(screen)) = (self.model.clip.take(), &mut self.screen) {
            let now = Instant::now();
            self.model.notice = Some(match screen.copy(&clip.bytes) {
                Ok(()) => Notice::info(
                    now,
                    format!(
                        "{} went to the terminal's clipboard, {} bytes",
                        clip.what,
                        clip.bytes.len()
                    ),
                ),
                Err(error) => Notice::error(now, format!("cannot copy {}: {error}", clip.what)),
            });
        }
        if std::mem::take(&mut self.model.reload) {
            self.read_again();
        }
    }

    fn send(&mut self, command: Command) {
        let quits = matches!(command, Command::Quit);
        match self.engine.commands.try_send(command) {
            Ok(()) if quits => self.quit = Quit::Sent,
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) if quits => self.quit = Quit::Unsent,
            Err(mpsc::error::TrySendError::Full(command)) => {
                self.model.take_back(&command);
                self.model.notice = Some(Notice::error(Instant::now(), BUSY));
            }
            // The closed channel of events says the same, and ends the loop.
            Err(mpsc::error::TrySendError::Closed(_)) => {}
        }
    }

    /// Ends gracefully, once.
    fn leave(&mut self) {
        if !matches!(self.model.mode, Mode::Quitting { .. } | Mode::Left) {
            self.model.mode = Mode::Quitting { since: Instant::now() };
            self.send(Command::Quit);
        }
    }

    /// Tries a quit again that found the queue full, and leaves when the grace is over.
    fn keep_time(&mut self) {
        if self.quit == Quit::Unsent {
            self.send(Command::Quit);
        }
        if let Mode::Quitting { since } = self.model.mode
            && since.elapsed() >= GRACE
        {
            self.model.mode = Mode::Left;
        }
    }
}

async fn sleep_until(at: Instant) {
    tokio::time::sleep_until(at.into()).await;
}
