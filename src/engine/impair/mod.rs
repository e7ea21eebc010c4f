//! What is done to messages on purpose, between the engine and the network.
//!
//! [`Impairments`] is what the user wrote: rules and a seed, read by `language`. `Impairer`
//! carries them out, one message at a time: time comes in with each call, chance from the seed, and
//! what is held back waits in a heap of deadlines.

mod impairer;
mod language;
mod rule;

use std::fmt;

pub(super) use impairer::{Impairer, Mark, Packet, Step};
pub use language::ImpairError;
pub use rule::{Action, Rule};

/// What is to be done to messages on purpose: rules, the first of which that applies is carried
/// out. Without a rule nothing is done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Impairments {
    /// The rules, in the order in which they are tried.
    pub rules: Vec<Rule>,
    /// Where chance comes from; without one, the engine picks one and tells it.
    pub seed: Option<u64>,
}

impl Impairments {
    /// Whether nothing is done.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Adds the rules of another; its seed holds, where it has one.
    pub fn extend(&mut self, other: Impairments) {
        self.rules.extend(other.rules);
        self.seed = other.seed.or(self.seed);
    }

    /// The rules as they were written, without the seed.
    pub fn rules(&self) -> String {
        let rules: Vec<&str> = self.rules.iter().map(|rule| &*rule.text).collect();
        rules.join("; ")
    }
}

/// As it is read again: the rules, and the seed behind them.
impl fmt::Display for Impairments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rules())?;
        match self.seed {
            Some(seed) if self.is_empty() => write!(f, "seed={seed}"),
            Some(seed) => write!(f, "; seed={seed}"),
            None => Ok(()),
        }
    }
}
