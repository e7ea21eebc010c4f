//! The config file, read again while the dashboard runs.

use std::{sync::Arc, time::Instant};

use super::{App, BUSY, log::open_log};
use crate::{
    engine::{self, Command},
    ui::{Reloaded, model::Notice},
};

impl App {
    /// Reads the config file again and says what has changed. A file that is wrong changes nothing.
    pub(super) fn read_again(&mut self) {
        let now = Instant::now();
        match (self.reload.0)() {
            Ok(reloaded) => self.take_over(now, reloaded),
            Err(mistakes) => self.model.reload_failed(now, &mistakes),
        }
    }

    fn take_over(&mut self, now: Instant, reloaded: Reloaded) {
        // All or none: half of a config file is none.
        let commands = self.commands_of(&reloaded);
        let Ok(mut room) = self.engine.commands.try_reserve_many(commands.len()) else {
            self.model.notice = Some(Notice::error(now, BUSY));
            return;
        };
        for (room, command) in room.by_ref().zip(commands) {
            room.send(command);
        }
        drop(room);
        let Reloaded {
            accounts,
            account,
            mut settings,
            columns,
            bindings,
            look,
            log,
            mouse,
            variables,
            mut warnings,
            ..
        } = reloaded;
        let mut said = Vec::new();
        said.extend(self.model.reloaded(accounts, account));
        // They hold for a whole run, so that one message is judged like the next.
        let limits = std::mem::replace(&mut settings.sip.limits, self.settings.sip.limits);
        for (what, has_changed) in [
            ("the settings of new requests have changed", settings.sip != self.settings.sip),
            (
                "[limits] is not as it was at the start: it holds from the next start",
                limits != settings.sip.limits,
            ),
            ("the impairments have changed", settings.impair != self.settings.impair),
            ("the DNS servers have changed", settings.resolver != self.settings.resolver),
            ("the keys have changed", bindings != self.model.bindings),
            ("the look has changed", look != self.look),
            ("the log has changed", log != self.log),
            ("the columns have changed", columns != self.columns),
            ("the mouse is used from now on", mouse && !self.mouse),
            ("the mouse is not used any more", !mouse && self.mouse),
            ("the variables have changed", variables != self.model.book.variables),
        ] {
            if has_changed {
                said.push(what.to_owned());
            }
        }
        // What was chosen meanwhile stays, unless the file says something new.
        if columns != self.columns {
            self.model.table.columns = columns.clone();
        }
        if look != self.look {
            self.model.dress(look.clone());
        }
        if log != self.log {
            // What was to be written where it was is there before anything goes elsewhere.
            self.write_log(now);
            self.log_file = open_log(&mut self.model, &log).unwrap_or_else(|error| {
                warnings.push(error.to_string());
                None
            });
            self.log = log;
        }
        if mouse != self.mouse
            && let Some(screen) = &mut self.screen
            && screen.listen_to_mouse(mouse).is_err()
        {
            // Nobody sees it any more.
            self.leave();
        }
        (self.mouse, self.columns, self.look) = (mouse, columns, look);
        self.model.bindings = bindings;
        self.model.book.variables = variables;
        self.model.book.settings = settings.sip.clone();
        self.settings = settings;
        if said.is_empty() {
            said.push("nothing has changed".to_owned());
        }
        let said = format!("config read again: {}", said.join("; "));
        self.model.log_lines(now, &warnings);
        self.model.notice = Some(match warnings.first() {
            Some(warning) => Notice::error(now, format!("{said}; {warning}")),
            None => Notice::info(now, said),
        });
    }

    /// What the engine has to do about it.
    fn commands_of(&self, reloaded: &Reloaded) -> Vec<Command> {
        // Every setting is named, so that none is forgotten. An instance is for a whole run.
        let engine::Settings { sip, resolver, impair, instance: _ } = &reloaded.settings;
        let accounts = reloaded.accounts.iter().cloned().map(Arc::new).collect();
        let mut commands = vec![Command::Settings(Box::new(sip.clone()))];
        // Before the accounts, whose servers may be looked up.
        if *resolver != self.settings.resolver {
            commands.push(Command::Resolver(resolver.clone()));
        }
        commands.push(Command::Accounts(accounts));
        // What was typed meanwhile stays, unless the file says something new.
        if *impair != self.settings.impair {
            commands.push(Command::Impair(impair.clone()));
        }
        commands
    }
}
