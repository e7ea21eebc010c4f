//! The loop: facts, keys and time come in, pictures and commands go out.
//!
//! `pace` says when a picture is drawn, `beside` hands the terminal what is no picture, `lend` gives it
//! away for a while, `leave` ends everything, `log` writes the log's file, `reload` reads the config file
//! again.

mod beside;
mod leave;
mod lend;
mod log;
mod pace;
mod reload;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use log::open_log;
use pace::Pace;
use tokio::sync::mpsc;

use crate::{
    engine::{self, Command, Engine, Event},
    ui::{
        Arrangement, LogSettings, Look, Options, Reload,
        log_file::LogFile,
        model::{Columns, Mode, Model, Notice, Table, TimeOfDay},
        terminal::{self, Disturbance, Disturbances, Farewell, Input, Screen},
        update,
    },
};

/// How often what found the engine's queue full is tried again.
const RETRY: Duration = Duration::from_millis(33);

/// So long keys, or facts, are taken in before the others have their turn.
const TURN: Duration = Duration::from_millis(4);

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
        log,
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
    let log_file = open_log(&mut model, &log).unwrap_or_else(|error| {
        model.log_broken(Instant::now(), &error);
        None
    });
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
        facts: Vec::new().into_iter(),
        reload,
        settings,
        columns,
        look,
        log,
        log_file,
        farewell,
        disturbances,
        mouse,
        quit: Quit::No,
        has_ended: false,
        alert_due: None,
        pace: Pace::default(),
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
    /// What the engine told and the model has not taken in.
    facts: std::vec::IntoIter<Event>,
    reload: Reload,
    /// The engine's settings, as the config file says.
    settings: engine::Settings,
    /// The columns of the table, as the config file says.
    columns: Columns,
    /// The look, as the config file says.
    look: Look,
    /// What becomes of the log, as the config file says.
    log: LogSettings,
    /// Where it is written, where it is.
    log_file: Option<LogFile>,
    farewell: Farewell,
    disturbances: Disturbances,
    /// Whether the mouse is listened to.
    mouse: bool,
    quit: Quit,
    /// Whether the engine has ended, as it was told to.
    has_ended: bool,
    /// When the terminal may be asked to tell something again.
    alert_due: Option<Instant>,
    pace: Pace,
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
    MoreFacts,
    Input(Option<crossterm::event::Event>),
    Farewell,
    /// The terminal has taken what was for it.
    Written,
    Disturbed(Disturbance),
    Time,
}

impl App {
    /// Gives, once the terminal is restored, how the table was left.
    async fn run(mut self) -> Result<Arrangement, RunError> {
        let mut input = Input::start();
        self.pace.changed();
        while self.model.mode != Mode::Left {
            let now = Instant::now();
            if terminal::is_idle() && self.pace.next(now).is_some_and(|at| at <= now) {
                self.draw();
            }
            self.alert(now);
            if self.write_log(now) {
                self.pace.changed();
            }
            match self.wait(&mut input.events).await {
                Woken::Facts(Some(batch)) => {
                    self.facts = batch.into_iter();
                    self.take_facts();
                }
                Woken::MoreFacts => self.take_facts(),
                Woken::Input(Some(event)) => {
                    self.take_in(event);
                    // What was typed or pasted meanwhile belongs to the same picture.
                    let until = Instant::now() + TURN;
                    while Instant::now() < until
                        && let Ok(event) = input.events.try_recv()
                    {
                        self.take_in(event);
                    }
                    self.pace.changed();
                }
                Woken::Facts(None) if self.quit == Quit::Sent => self.has_ended = true,
                Woken::Facts(None) => return Err(RunError::EngineGone),
                Woken::Input(None) | Woken::Farewell => {
                    self.farewell();
                    self.pace.changed();
                }
                Woken::Disturbed(disturbance) => {
                    self.mend(disturbance);
                    self.pace.changed();
                }
                Woken::Written | Woken::Time => {}
            }
            self.keep_time();
            if self.lend(&input).await {
                self.pace.changed();
            }
        }
        self.give_back();
        self.write_log(Instant::now());
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

    /// Draws, with what the engine has told by now.
    fn draw(&mut self) {
        if self.facts.len() == 0
            && let Ok(batch) = self.engine.events.try_recv()
        {
            self.facts = batch.into_iter();
            self.take_facts();
        }
        let now = Instant::now();
        let drawn = self.screen.as_mut().map(|screen| {
            self.model.size = screen.size()?;
            let settled = update::settle(&mut self.model, now);
            screen.draw(&self.model, now, settled)
        });
        let due_at = match drawn {
            Some(Ok(drawn)) => drawn.due_at,
            Some(Err(_)) => {
                // Nobody sees it any more. What is under way still ends gracefully.
                self.screen = None;
                self.leave();
                None
            }
            None => None,
        };
        self.pace.drawn(now, Instant::now(), due_at);
    }

    /// Takes in what was fetched and all that waits behind it, for a while: keys and pictures have
    /// their turn in between, however much there is.
    fn take_facts(&mut self) {
        let until = Instant::now() + TURN;
        while Instant::now() < until {
            if let Some(event) = self.facts.next() {
                match event {
                    // What is still for the terminal is waited for.
                    Event::Stopped => self.has_ended = true,
                    event => self.model.apply(event),
                }
            } else if let Ok(batch) = self.engine.events.try_recv() {
                self.facts = batch.into_iter();
            } else {
                break;
            }
        }
        self.ask();
        self.pace.changed();
    }

    /// Waits for something to happen. Facts are fetched once a picture, however fast they come.
    async fn wait(&mut self, input: &mut mpsc::Receiver<crossterm::event::Event>) -> Woken {
        let now = Instant::now();
        let is_idle = terminal::is_idle();
        let is_quitting = matches!(self.model.mode, Mode::Quitting { .. });
        let retry = (self.quit == Quit::Unsent).then(|| now + RETRY);
        let alert =
            self.alert_due.filter(|_| self.screen.is_some() && !self.model.alert.is_empty());
        // What is for the terminal waits for it.
        let [picture, alert] = [self.pace.next(now), alert].map(|at| at.filter(|_| is_idle));
        let wake_at = [picture, self.leaves_at(), retry, alert].into_iter().flatten().min();
        let has_more = self.facts.len() > 0;
        let rests_until = self.pace.rests_until(now);
        let farewell = &mut self.farewell;
        let farewell = async {
            match is_quitting {
                true => farewell.wait_again().await,
                false => farewell.wait().await,
            }
        };
        let events = &mut self.engine.events;
        let facts = async {
            if let Some(until) = rests_until {
                sleep_until(until).await;
            }
            events.recv().await
        };
        tokio::select! {
            // What is typed while an editor waits for the terminal does not change its text.
            event = input.recv(), if self.model.edits.is_none()
                && (!input.is_closed() || !input.is_empty()) => Woken::Input(event),
            () = farewell => Woken::Farewell,
            () = terminal::written(), if !is_idle => Woken::Written,
            disturbance = self.disturbances.next() => Woken::Disturbed(disturbance),
            () = std::future::ready(()), if has_more => Woken::MoreFacts,
            batch = facts, if !has_more && !self.has_ended => Woken::Facts(batch),
            () = async { sleep_until(wake_at.unwrap_or(now)).await }, if wake_at.is_some() => {
                Woken::Time
            }
        }
    }

    fn take_in(&mut self, event: crossterm::event::Event) {
        if let crossterm::event::Event::Resize(..) = event {
            self.mend(Disturbance::Resized);
        }
        if let Some(command) = update::input(&mut self.model, event, Instant::now()) {
            self.send(command);
        }
        self.copy();
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
}

async fn sleep_until(at: Instant) {
    tokio::time::sleep_until(at.into()).await;
}
