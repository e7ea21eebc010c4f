//! [`Model`]: the state behind the screen.
//!
//! Facts come in through [`Model::apply`] and nowhere else: what the user wishes changes the mode,
//! the selection and the composer, never a row. Every event costs the same, however many contexts
//! there are.

mod accounts;
mod apply;
mod book;
mod columns;
mod contexts;
mod groups;
mod lines;
mod list;
mod log;
mod order;
mod peer_flows;
mod prompt;
mod rtt;
mod sort_key;
mod statistics;
mod table;
mod tally;
mod written;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::tz::TimeZone;
use ratatui::layout::Size;

pub use accounts::{Registrations, difference};
pub use book::Book;
pub use columns::{Column, ColumnError, Columns, Shown, Sort};
pub use contexts::{Contexts, Entry, Last, LegRow, RoundTrip, Row, Timeline};
pub use lines::{Cursor, Line};
pub use list::{Fold, List};
pub use log::{Level, Log, LogEntry};
pub use peer_flows::PeerFlows;
pub use prompt::{Prompt, Purpose};
pub use rtt::Rtt;
pub use statistics::{Counted, Counts, Statistics};
pub use table::Table;
pub use tally::Tally;
pub use written::Written;

use crate::{
    engine::{
        Account, Clock, Command, FlowEvent, FlowState, Impairments, InDialog, PasswordCommand,
    },
    sip::{self, ContextId, DialogWriting, FlowId, KeepAliveBy, State, Writing},
    ui::{
        Look,
        bindings::Bindings,
        composer::{Composer, Drafts, Slot},
        detail::Detail,
        notify::{Alert, Notify},
        view::{Colours, Signs, Theme, Themes},
    },
};

/// How long the engine may take to end gracefully before the dashboard leaves anyway.
pub const GRACE: Duration = Duration::from_millis(2_500);
/// How long a notice stays.
const NOTICE: Duration = Duration::from_secs(8);

/// The state behind the screen.
#[derive(Debug)]
pub struct Model {
    /// The accounts.
    pub accounts: Vec<Account>,
    /// The one that the header names.
    pub account: usize,
    /// Instants as time of day.
    pub time: TimeOfDay,
    /// What everything looks like.
    pub theme: Theme,
    /// What it could look like.
    pub themes: Themes,
    /// What it is drawn with.
    pub signs: Signs,
    /// What the terminal is to tell who looks elsewhere.
    pub notify: Notify,
    /// What is still to be told so.
    pub alert: Alert,
    /// The keys.
    pub bindings: Bindings,
    /// The size of the screen.
    pub size: Size,
    /// What the keyboard means now.
    pub mode: Mode,
    /// What the help lies over, and goes back to.
    pub beneath: Mode,
    /// What is chosen and scrolled to.
    pub browse: Browse,
    /// How the contexts are looked at.
    pub table: Table,
    /// The line that is typed at the bottom.
    pub prompt: Prompt,
    /// What is opened and scrolled to in the detail.
    pub detail: Detail,
    /// What the terminal is to be given for its clipboard.
    pub clip: Option<Clip>,
    /// A text that an editor of the user's is to have, and the field that it is of.
    pub edits: Option<(Slot, String)>,
    /// The request that is being written, and others that were.
    pub drafts: Drafts,
    /// What the composer knows beside the accounts.
    pub book: Book,
    /// The rules by which messages were impaired last, to be switched on again.
    pub rules: String,
    /// Facts.
    pub facts: Facts,
    /// Whether the dashboard is to stop until the shell lets it go on.
    pub suspends: bool,
    /// Whether the config file is to be read again.
    pub reload: bool,
    /// A sentence for the user.
    pub notice: Option<Notice>,
    /// One that stands before any other, until a key is pressed.
    pub trouble: Option<Notice>,
    /// What there is to try, for who has sent nothing yet and who names no target.
    pub hint: Option<String>,
}

/// All that came from the engine.
#[derive(Debug, Default)]
pub struct Facts {
    /// The contexts.
    pub contexts: Contexts,
    /// The registrations.
    pub registrations: Registrations,
    /// The flows.
    pub flows: BTreeMap<FlowId, Flow>,
    /// Those that peers have opened.
    pub peer_flows: PeerFlows,
    /// What belongs to no context.
    pub log: Log,
    /// What is counted.
    pub statistics: Statistics,
    /// How requests of an account are written on a flow, or on one that is still to be made, where
    /// that was asked and still holds.
    pub writings: BTreeMap<(Option<FlowId>, Option<Arc<str>>), Writing>,
    /// How a request in a dialog is written, as it was asked last.
    pub dialog_writing: Option<InDialogAsked>,
    /// What is done to messages on purpose.
    pub impairments: Impairments,
    /// The password commands that run now.
    pub asks_passwords: Vec<Arc<PasswordCommand>>,
}

impl Facts {
    /// Whether a flow is up that was made without a look at the server's certificate.
    pub fn is_insecure(&self) -> bool {
        self.flows.values().any(|flow| match &flow.event.state {
            FlowState::Up { facts, .. } => facts.tls.as_ref().is_some_and(|tls| !tls.verified),
            FlowState::Connecting | FlowState::Down { .. } | FlowState::Ended => false,
        })
    }
}

/// A flow, as it stands.
#[derive(Clone, Debug)]
pub struct Flow {
    /// As the engine said last.
    pub event: FlowEvent,
    /// How long the peer took to answer the last keep-alive, where it has answered any.
    pub rtt: Option<Duration>,
    /// How often its peer has it kept alive, and how it said so.
    pub asked: Option<(Duration, KeepAliveBy)>,
    /// The failure that has been told since it was last up.
    told: Option<String>,
    /// When it ended and why, the last times: what rode on it then ended with that.
    ends: VecDeque<(Instant, String)>,
}

impl Flow {
    /// How many of its ends are kept.
    const ENDS: usize = 64;

    /// When it ended and why, the last time in the life of a row.
    pub fn ended_under(&self, row: &Row) -> Option<(Instant, &str)> {
        let lives = |at: Instant| at >= row.at && row.ended_at().is_none_or(|end| at <= end);
        let found = self.ends.iter().rev().find(|(at, _)| lives(*at))?;
        Some((found.0, &found.1))
    }
}

/// How a request in a dialog is written.
#[derive(Clone, Debug)]
pub struct InDialogAsked {
    /// What was asked.
    pub of: InDialog,
    /// How; or why it would be refused.
    pub writing: Result<Box<DialogWriting>, String>,
    /// Whether something has happened since that may have changed it.
    pub is_old: bool,
}

/// What the keyboard means now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The table and the detail.
    Browse,
    /// The text to search for in the detail is being typed.
    Find,
    /// The menu of what can be copied is open.
    Copy,
    /// The accounts.
    Accounts {
        /// The index of the chosen one.
        chosen: usize,
    },
    /// A request is being written.
    Compose,
    /// The columns of the table are being chosen.
    Columns {
        /// Which one, as the picker lists them.
        at: usize,
    },
    /// How to send the chosen request again is being chosen.
    Again {
        /// Whether it is edited first.
        edits: bool,
        /// The chosen way.
        at: usize,
    },
    /// A line is being typed at the bottom.
    Prompt,
    /// The log, scrolled to an entry.
    Log {
        /// The entry on top, counted from the newest.
        top: usize,
    },
    /// The statistics, scrolled to a line.
    Statistics {
        /// The line on top.
        top: usize,
    },
    /// The help, scrolled to a line.
    Help {
        /// The line on top.
        top: usize,
    },
    /// The engine is ending.
    Quitting {
        /// Since when.
        since: Instant,
    },
    /// Over: the dashboard leaves.
    Left,
}

/// A pane that can have the focus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    /// The table of contexts.
    #[default]
    Table,
    /// All about the chosen one.
    Detail,
}

/// What is chosen and scrolled to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Browse {
    /// The pane with the focus.
    pub pane: Pane,
    /// Whether it has the screen alone, though there is room for both.
    pub alone: bool,
    /// The chosen context.
    pub selected: Option<ContextId>,
    /// The chosen leg of it, where one is chosen.
    pub leg: Option<usize>,
    /// The line of the table on top.
    pub top: usize,
    /// How many requests were handed to the engine whose rows have not come yet.
    pub awaited: usize,
}

/// What is to be copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clip {
    /// What it is, in words.
    pub what: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Clip {
    /// Something to be copied.
    pub fn new(what: impl Into<String>, bytes: Vec<u8>) -> Clip {
        Clip { what: what.into(), bytes }
    }
}

/// A sentence for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The sentence. May hold text from the network.
    pub text: String,
    /// Whether something went wrong.
    pub severity: Severity,
    /// When it goes; `None` stays until another comes.
    pub until: Option<Instant>,
}

/// How a notice is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// For information.
    Info,
    /// Something went wrong or was refused.
    Error,
}

/// Instants as time of day.
#[derive(Clone, Debug)]
pub struct TimeOfDay {
    /// Ties the clocks.
    pub clock: Clock,
    /// Where.
    pub zone: TimeZone,
}

impl Model {
    /// A dashboard on which nothing happened yet. `account` is the index of the one to use.
    pub fn new(accounts: Vec<Account>, account: usize, time: TimeOfDay, theme: Theme) -> Model {
        let account = account.min(accounts.len().saturating_sub(1));
        let mut book = Book::default();
        book.learn_passwords(&accounts);
        Model {
            drafts: Drafts::new(Composer::new(&accounts, account, 0)),
            book,
            accounts,
            account,
            time,
            theme,
            themes: Themes::built_in(Colours::Many),
            signs: Signs::default(),
            notify: Notify::default(),
            alert: Alert::default(),
            bindings: Bindings::default(),
            size: Size::default(),
            mode: Mode::Browse,
            beneath: Mode::Browse,
            browse: Browse::default(),
            table: Table::default(),
            prompt: Prompt::new(),
            detail: Detail::default(),
            clip: None,
            edits: None,
            rules: String::new(),
            facts: Facts::default(),
            suspends: false,
            reload: false,
            notice: None,
            trouble: None,
            hint: None,
        }
    }

    /// A wish that never reached the engine is not waited for.
    pub fn take_back(&mut self, command: &Command) {
        match command {
            Command::Send(_) | Command::SendRaw(_) => {
                self.browse.awaited = self.browse.awaited.saturating_sub(1);
                self.drafts.take_back();
            }
            Command::SendInDialog { .. } | Command::Answer { .. } => self.drafts.take_back(),
            Command::Many(_) => self.table.tally = None,
            _ => {}
        }
    }

    /// Where the composer's randomness comes from. Called once, before anything is written.
    pub fn seed(&mut self, seed: u64) {
        self.book.seed = seed;
        let composer = self.new_composer();
        self.drafts = Drafts::new(composer);
    }

    /// An empty form of the chosen account.
    pub fn new_composer(&mut self) -> Composer {
        Composer::new(&self.accounts, self.account, self.book.next_seed())
    }

    /// Looks like that from now on.
    pub fn dress(&mut self, look: Look) {
        self.theme = look.themes.current();
        self.themes = look.themes;
        self.signs = look.signs;
        self.notify = look.notify;
    }

    /// The composer looks at its texts anew.
    pub fn look(&mut self) {
        let around = self.book.around(&self.accounts, &self.facts);
        self.drafts.open_mut().look(&around);
    }

    /// The same, where there is a form on the screen.
    pub fn look_if_composing(&mut self) {
        if self.mode == Mode::Compose {
            self.look();
        }
    }

    /// Takes over what a config file says now; gives a sentence that says what has changed.
    pub fn reloaded(&mut self, accounts: Vec<Account>, default: usize) -> Option<String> {
        let changed = difference(&self.accounts, &accounts);
        let used = self.account().map(|account| account.name.clone());
        let place = accounts.iter().position(|account| Some(&account.name) == used.as_ref());
        self.account = place.unwrap_or(default);
        self.accounts = accounts;
        self.book.learn_passwords(&self.accounts);
        // An account may go another way now.
        self.facts.writings.clear();
        self.drafts.use_account(&self.accounts, self.account);
        changed
    }

    /// The chosen row.
    pub fn selected(&self) -> Option<&Row> {
        self.facts.contexts.find(self.browse.selected?)
    }

    /// Whether keys go to a pane.
    pub fn has_focus(&self, pane: Pane) -> bool {
        self.browse.pane == pane && matches!(self.mode, Mode::Browse | Mode::Quitting { .. })
    }

    /// The account that the header names.
    pub fn account(&self) -> Option<&Account> {
        self.accounts.get(self.account)
    }

    /// The notice, while it is to be seen.
    pub fn notice(&self, now: Instant) -> Option<&Notice> {
        let notice = self.notice.as_ref();
        let notice = notice.filter(|notice| notice.until.is_none_or(|until| now < until));
        self.trouble.as_ref().or(notice)
    }

    /// Whether the chosen context can be cancelled, as far as its last status says.
    pub fn can_cancel(&self) -> bool {
        self.selected().is_some_and(|row| {
            row.method == sip::Method::Invite
                && row.status.state.is_pending()
                && row.status.state != State::Cancelling
        })
    }

    /// Whether the chosen context or leg can be hung up, as far as its last status says.
    pub fn can_hang_up(&self) -> bool {
        let Some(row) = self.selected() else { return false };
        // A subscription can be ended before its first NOTIFY.
        let announced = row.method != sip::Method::Invite && row.status.state == State::Accepted;
        let is_up = |leg: &contexts::LegRow| match leg.state {
            sip::LegState::Confirmed => true,
            sip::LegState::Early => announced,
            sip::LegState::HangingUp { .. } | sip::LegState::Terminated { .. } => false,
        };
        match self.browse.leg {
            Some(leg) => row.legs().get(leg).is_some_and(is_up),
            None => row.status.legs_up > 0 || (announced && row.legs().iter().any(is_up)),
        }
    }
}

impl Notice {
    /// Something went wrong or was refused.
    pub fn error(now: Instant, text: impl Into<String>) -> Notice {
        Notice { text: text.into(), severity: Severity::Error, until: Some(now + NOTICE) }
    }

    /// For information.
    pub fn info(now: Instant, text: impl Into<String>) -> Notice {
        Notice { text: text.into(), severity: Severity::Info, until: Some(now + NOTICE) }
    }

    /// For information, until another comes.
    pub fn lasting(text: impl Into<String>) -> Notice {
        Notice { text: text.into(), severity: Severity::Info, until: None }
    }
}

impl TimeOfDay {
    /// The clocks as they stand now, in the system's time zone.
    pub fn system() -> TimeOfDay {
        TimeOfDay { clock: Clock::now(), zone: TimeZone::system() }
    }

    /// The time of day of an instant: `15:04:05.123`.
    pub fn format(&self, at: Instant) -> String {
        let time = self.clock.wall(at).to_zoned(self.zone.clone());
        format!(
            "{:02}:{:02}:{:02}.{:03}",
            time.hour(),
            time.minute(),
            time.second(),
            time.millisecond()
        )
    }
}
