//! The one table of keys: what the keyboard does, what the footer and the help say.
//!
//! `table` is the table, `held` which scopes hold at once, `key` how a key is written, `rebind` how
//! the config file changes it.

pub mod held;
mod key;
mod rebind;
mod table;

pub use key::{Key, KeyError};
pub use rebind::{RebindError, Rebinding};

use crate::ui::detail::Tab;

/// A wish of the user that a key can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Show the accounts.
    Accounts,
    /// One pane alone, or both.
    Alone,
    /// Take what was typed.
    Accept,
    /// Write what the peer's advice says would help.
    Advice,
    /// Answer the peer's request that waits.
    Answer,
    /// Close what is open, or dismiss the notice.
    Back,
    /// To the last line.
    Bottom,
    /// Cancel the chosen INVITE.
    Cancel,
    /// Empty the field.
    ClearField,
    /// Unmark every context.
    ClearMarks,
    /// Close the chosen row, or the one that the chosen line belongs to.
    CloseRow,
    /// Choose the columns.
    Columns,
    /// Show what differs between the marked message and the chosen one.
    CompareMessages,
    /// Write a request.
    Compose,
    /// Choose what to copy.
    Copy,
    /// Copy the Call-ID.
    CopyCallId,
    /// Copy the command that sends the request again.
    CopyCommand,
    /// Copy the header of the chosen line.
    CopyHeader,
    /// Copy the ladder as text.
    CopyLadder,
    /// Copy the ladder in Mermaid's language.
    CopyMermaid,
    /// Copy the chosen message.
    CopyMessage,
    /// One line down.
    Down,
    /// Take the chosen or marked contexts out of the table, where they have ended.
    Drop,
    /// Take every context that has ended out of the table.
    DropEnded,
    /// Search no more.
    EndSearch,
    /// Write a filter.
    Filter,
    /// Fold registrations, dialogs too, or nothing.
    Fold,
    /// Let the cursor go to each new row.
    Follow,
    /// Write a request like the chosen one.
    EditAgain,
    /// Open the text in an editor of the user's.
    Editor,
    /// Show the advanced fields, or hide them.
    Advanced,
    /// Send it once more byte for byte.
    AgainBytes,
    /// Send it once more in its dialog.
    AgainInDialog,
    /// Send it once more as a new request.
    AgainNew,
    /// Write a request in the dialog of the chosen context or leg.
    InDialog,
    /// The next of the completions.
    NextCandidate,
    /// The next template for the body.
    NextTemplate,
    /// Show what will be sent, or the form.
    Preview,
    /// Write the whole message, or go back to the form.
    Raw,
    /// Switch the header under the cursor on or off.
    ToggleHeader,
    /// Send a BYE on the legs of the chosen INVITE.
    HangUp,
    /// Show the keys.
    Help,
    /// Hide the contexts that have ended, or show them.
    HideEnded,
    /// Impair messages, in another way or no more.
    Impair,
    /// Mark those shown that are not, and unmark those that are.
    InvertMarks,
    /// Look for a row to go to.
    Jump,
    /// Call the chosen or marked contexts something.
    Label,
    /// To the left in what is too wide.
    Left,
    /// Show line ends, or show them no more.
    LineEnds,
    /// Show the log.
    Log,
    /// Show less of the log.
    LogLess,
    /// Show more of the log.
    LogMore,
    /// Mark the chosen context, or unmark it.
    Mark,
    /// Mark every context that is shown.
    MarkAll,
    /// Mark the chosen message, to compare others with it.
    MarkMessage,
    /// Move a column to the left.
    MoveLeft,
    /// Move a column to the right.
    MoveRight,
    /// Make a column narrower.
    Narrower,
    /// To the next account.
    NextAccount,
    /// The next value of a field with a choice.
    NextChoice,
    /// To the next field.
    NextField,
    /// To the next line in which the searched text stands.
    NextMatch,
    /// To the next message.
    NextMessage,
    /// To the next pane.
    NextPane,
    /// Read the message in the next way.
    NextReading,
    /// To the next tab.
    NextTab,
    /// Open the message of the chosen line.
    Open,
    /// Open the chosen row: its legs, and what is folded into it.
    OpenRow,
    /// One page down.
    PageDown,
    /// One page up.
    PageUp,
    /// The previous value of a field with a choice.
    PreviousChoice,
    /// To the previous field.
    PreviousField,
    /// To the previous line in which the searched text stands.
    PreviousMatch,
    /// To the previous message.
    PreviousMessage,
    /// To the previous tab.
    PreviousTab,
    /// Leave.
    Quit,
    /// Send the chosen or marked requests once more, in a way that is chosen.
    Resend,
    /// To the right in what is too wide.
    Right,
    /// Scroll long texts back.
    ScrollLeft,
    /// Scroll long texts to their end.
    ScrollRight,
    /// Register the account, or refresh what is registered.
    Register,
    /// Read the config file again.
    Reload,
    /// Choose from all that can be done.
    Palette,
    /// Search in the tab.
    Search,
    /// The text to search for is complete.
    SearchDone,
    /// Send the request that is being written.
    Send,
    /// Open a tab of the detail.
    Show(Tab),
    /// Sort by a column; again, the other way.
    SortBy,
    /// Sort by the next column.
    SortNext,
    /// Sort the other way.
    SortReverse,
    /// Show the statistics.
    Statistics,
    /// Stop, until the shell lets the dashboard go on.
    Suspend,
    /// Take the next theme.
    Theme,
    /// Tell times in the next way.
    Times,
    /// Show a column, or hide it.
    Toggle,
    /// To the first line.
    Top,
    /// Remove what is registered of the account.
    Unregister,
    /// One line up.
    Up,
    /// Use the chosen account.
    UseAccount,
    /// Leave the width of a column to the table.
    UsualWidth,
    /// Make a column wider.
    Wider,
    /// Wrap long lines, or let them run on.
    Wrap,
}

/// Where a binding holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The accounts.
    Accounts,
    /// Everywhere but where the engine ends; any other scope's keys come before these.
    Everywhere,
    /// The table and the detail, whichever has the focus.
    Browse,
    /// The table, where it has the focus; its keys come before those of [`Scope::Browse`].
    Table,
    /// The detail, where it has the focus; its keys come before those of [`Scope::Browse`].
    Detail,
    /// The detail while a search is on; its keys come before those of [`Scope::Detail`].
    Found,
    /// While the text to search for is typed.
    Find,
    /// The menu of what can be copied.
    Copy,
    /// The composer.
    Compose,
    /// The choice of how to send a request again.
    Again,
    /// The choice of columns.
    Columns,
    /// The log; its keys come before those of [`Scope::Overlay`].
    Log,
    /// The log, the statistics and the help.
    Overlay,
    /// A line that is typed at the bottom.
    Prompt,
    /// While the engine ends.
    Quitting,
}

impl Action {
    /// As the config file and the palette name it: `hang-up`.
    pub fn name(self) -> String {
        rebind::kebab(&format!("{self:?}"))
    }
}

impl Scope {
    /// As the config file names it: `browse`.
    pub fn name(self) -> String {
        rebind::kebab(&format!("{self:?}"))
    }
}

/// What one or more keys do in a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Where it holds.
    pub scope: Scope,
    /// What it does.
    pub action: Action,
    /// The keys, the one to show first.
    pub keys: Vec<Key>,
    /// One or two words for the footer; empty where it stands in the help only.
    pub label: &'static str,
    /// A line for the help.
    pub help: &'static str,
}

/// Every binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bindings(Vec<Binding>);

impl Default for Bindings {
    fn default() -> Bindings {
        let binding = |&(scope, action, keys, label, help): &_| Binding {
            scope,
            action,
            keys: str::split(keys, ' ')
                .map(|key| key.parse().expect("the table holds keys only"))
                .collect(),
            label,
            help,
        };
        Bindings(table::DEFAULT.iter().map(binding).collect())
    }
}

impl Bindings {
    /// What a key does in scopes that hold at once, the first one first.
    pub fn action(&self, scopes: &[Scope], key: Key) -> Option<Action> {
        let of = |&scope| self.scope(scope).find(|binding| binding.keys.contains(&key));
        scopes.iter().find_map(of).map(|found| found.action)
    }

    /// Every binding, in the order of the table.
    pub fn all(&self) -> &[Binding] {
        &self.0
    }

    /// The bindings of a scope, in the order of the table.
    pub fn scope(&self, scope: Scope) -> impl Iterator<Item = &Binding> {
        self.0.iter().filter(move |binding| binding.scope == scope)
    }

    /// The key to show for an action.
    pub fn key(&self, scope: Scope, action: Action) -> Option<Key> {
        self.scope(scope).find(|binding| binding.action == action)?.keys.first().copied()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    use super::*;

    #[test]
    fn no_key_means_two_things_in_one_scope() {
        let bindings = Bindings::default();
        let mut seen = HashSet::new();
        for binding in &bindings.0 {
            assert!(!binding.keys.is_empty() && !binding.help.is_empty());
            for key in &binding.keys {
                assert!(seen.insert((binding.scope, *key)), "{key} twice in {:?}", binding.scope);
            }
        }
    }

    #[test]
    fn a_key_from_the_terminal_finds_its_action() {
        let bindings = Bindings::default();
        for (code, modifiers, action) in [
            (KeyCode::Char('G'), KeyModifiers::SHIFT, Some(Action::Bottom)),
            (KeyCode::Char('g'), KeyModifiers::NONE, Some(Action::Top)),
            (KeyCode::BackTab, KeyModifiers::SHIFT, Some(Action::NextPane)),
            (KeyCode::Char('c'), KeyModifiers::CONTROL, Some(Action::Quit)),
            (KeyCode::Char('c'), KeyModifiers::NONE, Some(Action::Cancel)),
            (KeyCode::Char('?'), KeyModifiers::SHIFT, Some(Action::Help)),
            (KeyCode::Char('z'), KeyModifiers::NONE, None),
        ] {
            let key = Key::from(KeyEvent::new(code, modifiers));
            assert_eq!(bindings.action(&[Scope::Browse], key), action, "{key}");
        }
    }
}
