//! The keys of the accounts: which one is used, and how it is registered.

use std::{sync::Arc, time::Instant};

use crate::{
    engine::Command,
    ui::{
        bindings::Action,
        model::{Mode, Model, Notice},
    },
};

/// To the next account.
pub(super) fn next(model: &mut Model, now: Instant) {
    let count = model.accounts.len();
    if count < 2 {
        let text = "there is one account only: add another [[account]] to the config file";
        model.notice = Some(Notice::info(now, text));
        return;
    }
    take(model, (model.account + 1) % count, now);
}

/// Uses an account from now on.
fn take(model: &mut Model, index: usize, now: Instant) {
    let Some(account) = model.accounts.get(index) else { return };
    let text = format!("{} is used from now on: {}", account.name, account.uri);
    model.account = index;
    model.drafts.use_account(&model.accounts, index);
    model.notice = Some(Notice::info(now, text));
}

/// A key on the list of accounts, with the chosen one.
pub(super) fn overlay(
    model: &mut Model,
    action: Action,
    chosen: usize,
    now: Instant,
) -> Option<Command> {
    let last = model.accounts.len().saturating_sub(1);
    let to = |chosen: usize| Mode::Accounts { chosen: chosen.min(last) };
    match action {
        Action::Back => model.mode = Mode::Browse,
        Action::Down => model.mode = to(chosen + 1),
        Action::Up => model.mode = to(chosen.saturating_sub(1)),
        Action::Top => model.mode = to(0),
        Action::Bottom => model.mode = to(last),
        Action::UseAccount => {
            take(model, chosen, now);
            model.mode = Mode::Browse;
        }
        Action::Reload => model.reload = true,
        Action::Register | Action::Unregister => return register(model, action, chosen),
        _ => {}
    }
    None
}

/// Registers an account or removes what is registered. What comes of it is told by the engine.
fn register(model: &mut Model, action: Action, account: usize) -> Option<Command> {
    let account = model.accounts.get(account)?;
    model.notice = None;
    Some(match action {
        Action::Register => Command::Register(Arc::new(account.clone())),
        _ => Command::Unregister { account: account.name.clone() },
    })
}
