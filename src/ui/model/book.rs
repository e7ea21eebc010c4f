//! [`Book`]: what the composer knows beside the accounts.

use super::{Contexts, Facts, Written};
use crate::{
    engine::{Account, Values, Variables},
    sip::{self, Credentials, KnownPasswords},
    ui::composer::Around,
};

/// How many of the rows that came last are looked at for their targets.
const ROWS: usize = 1_000;
/// How many targets of rows are kept.
const RECENT: usize = 50;

/// What the composer knows beside the accounts.
#[derive(Clone, Debug, Default)]
pub struct Book {
    /// The variables of the config file.
    pub variables: Variables,
    /// Targets that are worth trying, such as the users of the demo server.
    pub known: Vec<String>,
    /// The passwords of the accounts, those of before a reload too: what was sent is still shown.
    pub passwords: KnownPasswords,
    /// The settings of the user agent.
    pub settings: sip::Settings,
    /// Where the randomness of the next form comes from.
    pub(super) seed: u64,
    /// What can be sent to, the likeliest first.
    targets: Vec<String>,
    /// How many requests were written and sent.
    sent: u64,
    /// What they were written as.
    pub written: Written,
}

impl Book {
    /// What a composer must know.
    pub fn around<'a>(&'a self, accounts: &'a [Account], facts: &'a Facts) -> Around<'a> {
        Around {
            accounts,
            facts,
            passwords: &self.passwords,
            variables: &self.variables,
            targets: &self.targets,
            settings: &self.settings,
            number: self.sent + 1,
        }
    }

    /// Learns the passwords that these accounts say themselves.
    pub(super) fn learn_passwords(&mut self, accounts: &[Account]) {
        for account in accounts {
            account.keep_secret(
                account.credentials.as_deref().unwrap_or_default(),
                &mut self.passwords,
            );
        }
    }

    /// Learns a password that the command of some account has printed.
    pub(super) fn learn_printed(&mut self, accounts: &[Account], credentials: &[Credentials]) {
        let is_of = |account: &&Account| {
            let command = account.password_command.as_ref();
            command.is_some_and(|it| credentials.iter().any(|its| its.username == it.username))
        };
        for account in accounts.iter().filter(is_of) {
            account.keep_secret(credentials, &mut self.passwords);
        }
    }

    /// One more request was written and sent.
    pub(in crate::ui) fn count(&mut self) {
        self.sent += 1;
    }

    /// Values for the variables of the next request.
    pub(in crate::ui) fn values(&mut self) -> Values {
        let mut values = Values::new(self.next_seed());
        values.set_number(self.sent + 1);
        values
    }

    /// Another seed each time.
    pub(in crate::ui) fn next_seed(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.seed
    }

    /// Gathers what can be sent to: what was sent to last, then what is known, then the accounts.
    pub fn gather(&mut self, contexts: &Contexts, accounts: &[Account]) {
        let mut targets: Vec<String> = Vec::new();
        let own = contexts.iter().rev().filter(|row| row.created.parent.is_none());
        let sent = own.take(ROWS).map(|row| row.target().as_str().to_owned());
        for target in sent {
            if targets.len() < RECENT && !targets.contains(&target) {
                targets.push(target);
            }
        }
        let accounts = accounts.iter().map(|account| account.uri.as_str().to_owned());
        targets.extend(self.known.iter().cloned().chain(accounts));
        self.targets = targets;
    }
}
