//! The dashboard.
//!
//! ```text
//!  engine::Event ──► Model::apply ──► Model ──► view::draw ──► the terminal
//!  a key ──► Bindings ──► Action ──► update ──► Model, or a Command to the engine
//! ```
//!
//! A row of the table comes from an event and from nothing else: what the user wishes is shown when
//! it has happened. [`run`] is the loop around it; [`view`] is a pure function of [`Model`] and the
//! moment; [`bindings`] is the one table of keys.

mod app;
pub mod bindings;
mod composer;
pub mod detail;
mod editor;
pub mod filter;
mod log_file;
pub mod model;
pub mod notify;
mod terminal;
pub mod update;
pub mod view;

pub use app::{RunError, run};
pub use log_file::{LogFileError, LogSettings};
pub use model::Model;

use std::{fmt, sync::Arc};

use crate::engine::{Account, Settings, Variables};

/// What a config file says, read again.
#[derive(Clone, Debug)]
pub struct Reloaded {
    /// The accounts.
    pub accounts: Vec<Account>,
    /// The index of the one to use where the one that was used is gone.
    pub account: usize,
    /// The engine's settings.
    pub settings: Settings,
    /// The columns of the table.
    pub columns: model::Columns,
    /// The keys.
    pub bindings: bindings::Bindings,
    /// The look.
    pub look: Look,
    /// What becomes of the log.
    pub log: LogSettings,
    /// Whether the mouse is listened to.
    pub mouse: bool,
    /// The variables.
    pub variables: Variables,
    /// What is allowed, but hardly meant: sentences for the user.
    pub warnings: Vec<String>,
}

/// How the config file is read again; every mistake, a sentence each, where it cannot be or says
/// something wrong.
#[derive(Clone)]
pub struct Reload(pub Arc<dyn Fn() -> Result<Reloaded, Vec<String>> + Send + Sync>);

impl fmt::Debug for Reload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reload")
    }
}

/// How a dashboard looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The themes, and which one holds.
    pub themes: view::Themes,
    /// What it is drawn with.
    pub signs: view::Signs,
    /// What the terminal tells who looks elsewhere.
    pub notify: notify::Notify,
}

/// How the table is looked at, from one run to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrangement {
    /// The columns that the config file names.
    pub configured: model::Columns,
    /// The columns.
    pub columns: model::Columns,
    /// Their order.
    pub sort: model::Sort,
}

/// How it is kept. Called once the terminal is restored.
#[derive(Clone)]
pub struct Keep(pub Arc<dyn Fn(&Arrangement) + Send + Sync>);

impl fmt::Debug for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keep")
    }
}

/// What a dashboard starts with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The accounts.
    pub accounts: Vec<Account>,
    /// The index of the one to start with.
    pub account: usize,
    /// The engine's settings.
    pub settings: Settings,
    /// The columns of the table, as the config file says.
    pub columns: model::Columns,
    /// How the table was left.
    pub arranged: Arrangement,
    /// Keeps how it is left now.
    pub keep: Keep,
    /// The keys.
    pub bindings: bindings::Bindings,
    /// The look.
    pub look: Look,
    /// What becomes of the log.
    pub log: LogSettings,
    /// Whether the mouse is listened to.
    pub mouse: bool,
    /// A sentence to begin with.
    pub notice: Option<String>,
    /// What the config file says that is allowed, but hardly meant: sentences for the log.
    pub warnings: Vec<String>,
    /// Reads the config file again, where there is one.
    pub reload: Reload,
    /// What there is to try, for who has sent nothing yet and who names no target.
    pub hint: Option<String>,
    /// The variables of the config file.
    pub variables: Variables,
    /// Targets that are worth trying.
    pub targets: Vec<String>,
}
