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
mod facts;
mod folding;
mod groups;
mod lines;
mod list;
mod log;
mod mode;
mod notice;
mod order;
mod peer_flows;
mod prompt;
mod row;
mod rtt;
mod sort_key;
mod statistics;
mod table;
mod tally;
mod time_of_day;
mod timeline;
mod written;

use std::time::{Duration, Instant};

use ratatui::layout::Size;

pub use accounts::{Registrations, difference};
pub use book::Book;
pub use columns::{Column, ColumnError, Columns, Shown, Sort};
pub use contexts::Contexts;
pub use facts::{Facts, Flow, InDialogAsked};
pub use folding::Fold;
pub use lines::{Cursor, Line};
pub use list::List;
pub use log::{Level, Log, LogEntry};
pub use mode::{Browse, Mode, Pane};
pub use notice::{Clip, Notice, Severity};
pub use peer_flows::PeerFlows;
pub use prompt::{Prompt, Purpose};
pub use row::{Last, LegRow, RoundTrip, Row, Standing};
pub use rtt::Rtt;
pub use statistics::{Counted, Counts, Statistics};
pub use table::Table;
pub use tally::Tally;
pub use time_of_day::TimeOfDay;
pub use timeline::{Entry, Timeline};
pub use written::Written;

use crate::{
    engine::{Account, Command},
    sip::{self, State},
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
        let is_up = |leg: &LegRow| match leg.state {
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
