//! What happened outside of any context: strays, flows that come and go, refusals.

use std::{collections::VecDeque, time::Instant};

use bytes::Bytes;

use crate::sip::FlowId;

/// How many entries are kept.
const LIMIT: usize = 1_000;

/// The last entries, oldest first.
#[derive(Debug, Default)]
pub struct Log {
    entries: VecDeque<LogEntry>,
    strays: u64,
    level: Level,
    /// Up to which level entries are to be written to a file; `None` where there is none.
    written: Option<Level>,
    unwritten: Vec<LogEntry>,
}

/// How much an entry matters, what matters most first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something broke.
    Error,
    /// Something that is hardly meant to be.
    #[default]
    Warning,
    /// What goes on.
    Info,
    /// Each single thing.
    Debug,
}

impl Level {
    /// Every level.
    pub const ALL: [Level; 4] = [Level::Error, Level::Warning, Level::Info, Level::Debug];

    /// In a word.
    pub const fn name(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Info => "info",
            Level::Debug => "debug",
        }
    }

    /// The next that shows more, or less; itself where there is none.
    pub fn step(self, more: bool) -> Level {
        let at = self as usize;
        let at = if more { at + 1 } else { at.saturating_sub(1) };
        Level::ALL.get(at).copied().unwrap_or(self)
    }
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// When.
    pub at: Instant,
    /// How much it matters.
    pub level: Level,
    /// The flow that it is about.
    pub flow: Option<FlowId>,
    /// What happened, as a sentence. May hold text from the network.
    pub sentence: String,
    /// The first bytes of the message that came, where it is about one.
    pub bytes: Option<Bytes>,
}

impl LogEntry {
    /// How many bytes of a message are kept.
    pub const BYTES: usize = 512;
}

impl Log {
    /// Adds an entry; the oldest goes where there are too many.
    pub fn push(&mut self, mut entry: LogEntry) {
        if let Some(bytes) = &mut entry.bytes {
            self.strays += 1;
            // A copy, so that a short excerpt does not keep a long datagram alive.
            *bytes = Bytes::copy_from_slice(&bytes[..bytes.len().min(LogEntry::BYTES)]);
        }
        if self.written.is_some_and(|level| entry.level <= level) {
            self.unwritten.push(entry.clone());
        }
        if self.entries.len() == LIMIT {
            // What matters least goes first: a flood of little things drowns nothing.
            let least = self.entries.iter().map(|entry| entry.level).max().unwrap_or_default();
            if entry.level > least {
                return;
            }
            let oldest = self.entries.iter().position(|entry| entry.level == least);
            self.entries.remove(oldest.unwrap_or_default());
        }
        self.entries.push_back(entry);
    }

    /// How many messages came that no context could claim, all told.
    pub fn strays(&self) -> u64 {
        self.strays
    }

    /// Up to which level entries are shown.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Shows entries up to a level.
    pub fn set_level(&mut self, level: Level) {
        self.level = level;
    }

    /// Keeps what comes from now on to be written, up to a level; `None` keeps nothing.
    pub fn write(&mut self, level: Option<Level>) {
        self.written = level;
    }

    /// What is to be written, oldest first; each once.
    pub fn take_unwritten(&mut self) -> Vec<LogEntry> {
        std::mem::take(&mut self.unwritten)
    }

    /// How many entries are shown.
    pub fn len(&self) -> usize {
        self.newest_first().count()
    }

    /// Whether none is shown.
    pub fn is_empty(&self) -> bool {
        self.newest_first().next().is_none()
    }

    /// The entries that are shown, newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &LogEntry> {
        self.entries.iter().rev().filter(|entry| entry.level <= self.level)
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
                level: Level::Warning,
                flow: Some(FlowId(1)),
                sentence: n.to_string(),
                bytes: Some(Bytes::from(vec![b'a'; 65_536])),
            });
        }
        assert_eq!((log.len(), log.strays()), (LIMIT, LIMIT as u64 + 10));
        let newest = log.newest_first().next().unwrap();
        assert_eq!(newest.sentence, (LIMIT + 9).to_string());
        assert_eq!(newest.bytes.as_ref().unwrap().len(), LogEntry::BYTES);
    }

    #[test]
    fn little_things_are_shown_on_request_and_drown_nothing() {
        let mut log = Log::default();
        let mut push = |level, count| {
            for n in 0..count {
                let sentence = format!("{} {n}", level as usize);
                log.push(LogEntry { at: Instant::now(), level, flow: None, sentence, bytes: None });
            }
        };
        push(Level::Error, 3);
        push(Level::Debug, 2 * LIMIT);
        push(Level::Info, 5);
        assert_eq!(log.len(), 3);
        log.set_level(log.level().step(true));
        assert_eq!(log.len(), 8);
        log.set_level(log.level().step(true).step(true));
        assert_eq!((log.level(), log.len()), (Level::Debug, LIMIT));
        log.set_level(Level::Error.step(false));
        assert_eq!(log.newest_first().next().unwrap().sentence, "0 2");
    }

    #[test]
    fn a_full_log_takes_nothing_in_that_matters_less_than_all_it_holds() {
        let entry = |level, sentence: &str| LogEntry {
            at: Instant::now(),
            level,
            flow: None,
            sentence: sentence.to_owned(),
            bytes: None,
        };
        let mut log = Log::default();
        log.set_level(Level::Debug);
        (0..LIMIT).for_each(|_| log.push(entry(Level::Error, "broken")));
        log.push(entry(Level::Debug, "trifle"));
        assert!(log.newest_first().all(|entry| entry.level == Level::Error));
        assert_eq!(log.len(), LIMIT);
        log.push(entry(Level::Error, "newest"));
        assert_eq!(log.newest_first().next().unwrap().sentence, "newest");
        assert_eq!(log.len(), LIMIT);
    }

    #[test]
    fn what_is_to_be_written_is_given_once_and_up_to_its_level() {
        let mut log = Log::default();
        let push = |log: &mut Log, level, sentence: &str| {
            let sentence = sentence.to_owned();
            log.push(LogEntry { at: Instant::now(), level, flow: None, sentence, bytes: None });
        };
        push(&mut log, Level::Error, "before");
        log.write(Some(Level::Info));
        push(&mut log, Level::Info, "up");
        push(&mut log, Level::Debug, "trifle");
        push(&mut log, Level::Error, "broken");
        let written: Vec<String> = log.take_unwritten().into_iter().map(|it| it.sentence).collect();
        assert_eq!(written, ["up", "broken"]);
        assert!(log.take_unwritten().is_empty());
    }
}
