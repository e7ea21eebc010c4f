//! The log's file: opened as the config file says, and given what is new.

use std::time::Instant;

use super::App;
use crate::ui::{LogFileError, LogSettings, log_file::LogFile, model::Model, view};

impl App {
    /// Gives what is new in the log to its file; whether that went wrong.
    pub(super) fn write_log(&mut self, now: Instant) -> bool {
        let Some(file) = &mut self.log_file else { return false };
        let entries = self.model.facts.log.take_unwritten();
        let mut failed = None;
        for entry in &entries {
            if let Err(error) = file.write(view::log_line(entry, &self.model)) {
                failed = Some(error);
            }
        }
        let Some(error) = failed else { return false };
        self.log_file = None;
        self.model.facts.log.write(None);
        self.model.log_broken(now, &error);
        true
    }
}

/// Opens the log's file, and shows and keeps what is meant to be.
pub(super) fn open_log(
    model: &mut Model,
    settings: &LogSettings,
) -> Result<Option<LogFile>, LogFileError> {
    let log = &mut model.facts.log;
    log.set_level(settings.level);
    log.write(None);
    let file = settings.file.as_deref().map(LogFile::open).transpose()?;
    log.write(file.as_ref().map(|_| settings.level));
    Ok(file)
}
