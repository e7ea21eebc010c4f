//! Which scopes hold at once. In each list those whose keys come first stand first.

use super::Scope::{
    self, Accounts, Again, Browse, Columns, Compose, Copy, Detail, Everywhere, Find, Found, Log,
    Overlay, Prompt, Quitting, Table,
};

/// Where the accounts are open.
pub const ACCOUNTS: &[Scope] = &[Accounts, Everywhere];
/// Where a way to send again is chosen.
pub const AGAIN: &[Scope] = &[Again, Everywhere];
/// Where columns are chosen.
pub const COLUMNS: &[Scope] = &[Columns, Everywhere];
/// Where a request is written.
pub const COMPOSE: &[Scope] = &[Compose, Everywhere];
/// Where it is chosen what to copy.
pub const COPY: &[Scope] = &[Copy, Everywhere];
/// Where the detail has the focus.
pub const DETAIL: &[Scope] = &[Detail, Browse, Everywhere];
/// Where the text to search for is typed.
pub const FIND: &[Scope] = &[Find, Everywhere];
/// Where the detail has the focus and a search is on.
pub const FOUND: &[Scope] = &[Found, Detail, Browse, Everywhere];
/// Where the log is open.
pub const LOG: &[Scope] = &[Log, Overlay, Everywhere];
/// Where the statistics or the help are open.
pub const OVERLAY: &[Scope] = &[Overlay, Everywhere];
/// Where a line is typed.
pub const PROMPT: &[Scope] = &[Prompt, Everywhere];
/// Where the engine ends.
pub const QUITTING: &[Scope] = &[Quitting];
/// Where the table has the focus.
pub const TABLE: &[Scope] = &[Table, Browse, Everywhere];

/// Every list.
pub const ALL: [&[Scope]; 13] = [
    ACCOUNTS, AGAIN, COLUMNS, COMPOSE, COPY, DETAIL, FIND, FOUND, LOG, OVERLAY, PROMPT, QUITTING,
    TABLE,
];

/// Whether the keys of a scope come before those of another one that holds beside it.
pub(super) fn comes_before(first: Scope, then: Scope) -> bool {
    ALL.iter().any(|scopes| {
        let place = |scope| scopes.iter().position(|it| *it == scope);
        place(first).zip(place(then)).is_some_and(|(first, then)| first < then)
    })
}
