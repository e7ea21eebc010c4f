//! The accounts: which one is used, how each is registered, and what a reload changes.

use std::collections::BTreeMap;

use crate::{
    engine::Account,
    sip::{RegistrationEvent, RegistrationId, RegistrationState},
};

/// Every registration, as the engine told it last.
#[derive(Debug, Default)]
pub struct Registrations(BTreeMap<RegistrationId, RegistrationEvent>);

impl Registrations {
    /// Takes in one fact.
    pub fn apply(&mut self, event: RegistrationEvent) {
        if event.state == RegistrationState::Gone {
            self.0.remove(&event.registration);
        } else {
            self.0.insert(event.registration, event);
        }
    }

    /// Those of an account, one for each of its flows, in their order.
    pub fn of(&self, account: &str) -> Vec<&RegistrationEvent> {
        let mut flows = BTreeMap::new();
        // Of two for one flow, the later one takes the place of one that is on its way out.
        for event in self.0.values().filter(|event| *event.account == *account) {
            flows.insert(event.reg_id, event);
        }
        flows.into_values().collect()
    }
}

/// What other accounts there are now, as a sentence; nothing where they are the same.
pub fn difference(old: &[Account], new: &[Account]) -> Option<String> {
    let named = |accounts: &[Account], name: &str| {
        accounts.iter().find(|account| account.name == name).cloned()
    };
    let mut parts = Vec::new();
    for account in new {
        match named(old, &account.name) {
            None => parts.push(format!("{} is new", account.name)),
            Some(before) if before != *account => {
                parts.push(format!("{} has changed", account.name))
            }
            Some(_) => {}
        }
    }
    let gone = old.iter().filter(|account| named(new, &account.name).is_none());
    parts.extend(gone.map(|account| format!("{} is gone", account.name)));
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_each_account_that_came_went_or_changed() {
        let account = |name: &str| Account::new(name, "sip:a@b.test".parse().unwrap());
        let old = [account("a"), account("b"), account("c")];
        let new = [account("b"), Account { expires: 1, ..account("c") }, account("d")];
        assert_eq!(difference(&old, &new).as_deref(), Some("c has changed, d is new, a is gone"));
        assert_eq!(difference(&old, &old), None);
    }
}
