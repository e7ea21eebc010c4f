//! What went wrong outside of any context: strays, broken flows, refusals.

use std::{collections::VecDeque, time::Instant};

use bytes::Bytes;

use crate::sip::FlowId;

/// How many entries are kept.
const LIMIT: usize = 1_000;
/// How many bytes of a message are kept.
const BYTES: usize = 512;

/// The last entries, oldest first.
#[derive(Debug, Default)]
pub struct Log {
    entries: VecDeque<LogEntry>,
    strays: u64,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// When.
    pub at: Instant,
    /// The flow that it is about.
    pub flow: Option<FlowId>,
    /// What happened, as a sentence. May hold text from the network.
    pub sentence: String,
    /// The first bytes of the message that came, where it is about one.
    pub bytes: Option<Bytes>,
}

impl Log {
    /// Adds an entry; the oldest goes where there are too many.
    pub fn push(&mut self, mut entry: LogEntry) {
        if let Some(bytes) = &mut entry.bytes {
            self.strays += 1;
            // A copy, so that a short excerpt does not keep a long datagram alive.
            *bytes = Bytes::copy_from_slice(&bytes[..bytes.len().min(BYTES)]);
        }
        if self.entries.len() == LIMIT {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// How many messages came that no context could claim, all told.
    pub fn strays(&self) -> u64 {
        self.strays
    }

    /// How many entries are kept.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries, newest first.
    pub fn newest_first(&self) -> impl ExactSizeIterator<Item = &LogEntry> {
        self.entries.iter().rev()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_bounded_and_counts_what_it_forgot() {
        let mut log = Log::default();
        for n in 0..LIMIT + 10 {
            log.push(LogEntry {
                at: Instant::now(),
                flow: Some(FlowId(1)),
                sentence: n.to_string(),
                bytes: Some(Bytes::from(vec![b'a'; 65_536])),
            });
        }
        assert_eq!((log.len(), log.strays()), (LIMIT, LIMIT as u64 + 10));
        let newest = log.newest_first().next().unwrap();
        assert_eq!(newest.sentence, (LIMIT + 9).to_string());
        assert_eq!(newest.bytes.as_ref().unwrap().len(), BYTES);
    }
}
