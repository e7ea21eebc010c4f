//! [`Mode`]: what the keyboard means now, and what is chosen where.

use std::time::Instant;

use crate::sip::ContextId;

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
