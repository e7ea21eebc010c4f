//! [`Timeline`]: what happened to a context. Memory is bounded, whatever a peer does.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::sip::{ContextId, Fact, Method};

/// What happened to a context, in its true order.
#[derive(Debug, Default)]
pub struct Timeline {
    entries: VecDeque<Entry>,
    left_out: usize,
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When.
    pub at: Instant,
    /// To which context: the timeline's own, or one in its dialog.
    pub context: ContextId,
    /// The method of the transaction.
    pub method: Method,
    /// What.
    pub fact: Fact,
}

impl Timeline {
    /// How many entries are kept from the beginning, whatever comes.
    const HEAD: usize = 100;
    /// How many entries are kept at most.
    const LIMIT: usize = 1_000;

    pub(super) fn push(&mut self, entry: Entry) {
        // A peer can repeat itself for ever; memory cannot. The beginning and the end stay.
        if self.entries.len() == Self::LIMIT {
            let middle = Self::HEAD..Self::LIMIT / 2;
            self.left_out += middle.len();
            self.entries.drain(middle);
        }
        self.entries.push_back(entry);
    }

    /// How many entries are kept.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing happened yet.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries, each with its place.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Entry> + ExactSizeIterator {
        self.entries.iter()
    }

    /// The entry in a place.
    pub fn entry(&self, index: usize) -> Option<&Entry> {
        self.entries.get(index)
    }

    /// Before which place entries were left out, and how many.
    pub fn gap(&self) -> Option<(usize, usize)> {
        (self.left_out > 0).then_some((Self::HEAD, self.left_out))
    }

    /// How long before an entry the same request, or answer, was sent last.
    pub fn since_last_sent(&self, index: usize) -> Option<Duration> {
        let entry = self.entries.get(index)?;
        let is_answer = matches!(entry.fact, Fact::Answered { .. });
        let before = self.entries.iter().take(index).rev().find(|before| {
            before.context == entry.context
                && before.method == entry.method
                && match before.fact {
                    Fact::Answered { .. } => is_answer,
                    Fact::Sent { .. } | Fact::Retransmitted { .. } | Fact::CancelSent { .. } => {
                        !is_answer
                    }
                    _ => false,
                }
        })?;
        Some(entry.at.saturating_duration_since(before.at))
    }
}
