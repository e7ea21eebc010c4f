//! Where a request may go and which of these places is tried (RFC 3263).

use std::{fmt, sync::Arc};

use super::FlowId;
use crate::sip::resolution::{Candidate, Lookup};

/// What the look-up of a server found (RFC 3263).
#[derive(Clone, Debug, PartialEq)]
pub struct Resolution {
    /// What was asked and answered, in order; nothing where the hosts file knew the name.
    pub lookups: Arc<[Lookup]>,
    /// Where the request may go, in the order in which it is tried.
    pub candidates: Arc<[Candidate]>,
}

/// A candidate that is tried, beside all the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The flow to it.
    pub flow: FlowId,
    /// All candidates, in their order.
    pub candidates: Arc<[Candidate]>,
    /// Why each of those before it did not do.
    pub failures: Box<[Arc<str>]>,
}

/// How a candidate stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrialState<'t> {
    /// It was tried, and did not do.
    Failed(&'t str),
    /// The request goes to it.
    InUse,
    /// Not tried.
    Untried,
}

/// What was asked and answered, or where the name was found else.
impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.lookups.is_empty() {
            return f.write_str("by the hosts file");
        }
        for (n, lookup) in self.lookups.iter().enumerate() {
            let gap = if n == 0 { "" } else { "; " };
            write!(f, "{gap}{lookup}")?;
        }
        Ok(())
    }
}

/// `udp 127.0.0.2:5060 (SRV 20 0 b.example.org), 2 of 3`
impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.candidate().fmt(f)?;
        match self.candidates.len() {
            1 => Ok(()),
            all => write!(f, ", {} of {all}", self.failures.len() + 1),
        }
    }
}

impl Trial {
    /// What this is, in two words.
    pub fn label(&self) -> &'static str {
        if self.failures.is_empty() { "candidate" } else { "next candidate" }
    }

    /// The candidate that is tried.
    pub fn candidate(&self) -> &Candidate {
        &self.candidates[self.failures.len()]
    }

    /// Every candidate with its state.
    pub fn states(&self) -> impl ExactSizeIterator<Item = (&Candidate, TrialState<'_>)> {
        let tried = self.failures.len();
        self.candidates.iter().enumerate().map(move |(place, candidate)| {
            let state = match self.failures.get(place) {
                Some(why) => TrialState::Failed(why),
                None if place == tried => TrialState::InUse,
                None => TrialState::Untried,
            };
            (candidate, state)
        })
    }
}
