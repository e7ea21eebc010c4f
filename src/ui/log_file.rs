//! The log as a file: lines go to a thread of their own, so that a slow disk holds up nothing.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread::{self, JoinHandle},
};

use super::model::Level;

/// What becomes of the log beside what is on the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogSettings {
    /// Up to which level entries are shown at first, and written.
    pub level: Level,
    /// The file that they are written to.
    pub file: Option<PathBuf>,
}

/// How many lines can wait for the disk.
const WAITING: usize = 4_096;

/// Why the log is not written to its file.
#[derive(Debug, thiserror::Error)]
pub enum LogFileError {
    /// It is something else than a file.
    #[error("the log is not written to {}: it is no regular file", .0.display())]
    NoFile(PathBuf),
    /// It cannot be opened.
    #[error("the log is not written to {}: {error}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It could be written no further.
    #[error("the log is written to {} no more: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// A file that is written to. Once dropped, what was given to it is on the disk.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    lines: Option<SyncSender<String>>,
    writer: Option<JoinHandle<io::Result<()>>>,
    /// How many lines found no room.
    left_out: u64,
}

impl LogFile {
    /// Opens a file to write behind what it holds.
    ///
    /// # Errors
    ///
    /// Something that is no regular file, and one that cannot be opened.
    pub(super) fn open(path: &Path) -> Result<LogFile, LogFileError> {
        // A pipe would be waited for, and a terminal is the dashboard's.
        if fs::metadata(path).is_ok_and(|known| !known.is_file()) {
            return Err(LogFileError::NoFile(path.to_owned()));
        }
        let failed = |error| LogFileError::Open { path: path.to_owned(), error };
        let file = options().open(path).map_err(failed)?;
        let (lines, waiting) = sync_channel(WAITING);
        let writer = thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write(file, &waiting))
            .map_err(failed)?;
        let path = path.to_owned();
        Ok(LogFile { path, lines: Some(lines), writer: Some(writer), left_out: 0 })
    }

    /// Writes a line, as soon as the disk lets it. Where it cannot keep up the line is left out,
    /// and told of later.
    ///
    /// # Errors
    ///
    /// Once: where the file could not be written any further.
    pub(super) fn write(&mut self, mut line: String) -> Result<(), LogFileError> {
        let Some(lines) = &self.lines else { return Ok(()) };
        if self.left_out > 0 {
            line.insert_str(0, &format!("({} entries were left out here)\n", self.left_out));
        }
        line.push('\n');
        match lines.try_send(line) {
            Ok(()) => self.left_out = 0,
            Err(TrySendError::Full(_)) => self.left_out += 1,
            Err(TrySendError::Disconnected(_)) => {
                self.lines = None;
                let ended = self.writer.take().map(JoinHandle::join);
                if let Some(Ok(Err(error))) = ended {
                    return Err(LogFileError::Write { path: self.path.clone(), error });
                }
            }
        }
        Ok(())
    }
}

impl Drop for LogFile {
    fn drop(&mut self) {
        self.lines = None;
        if let Some(writer) = self.writer.take() {
            // What it met was told, or there is nobody left to tell.
            let _ = writer.join();
        }
    }
}

/// A new file is for nobody else: it tells who called whom.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn write(mut file: File, lines: &Receiver<String>) -> io::Result<()> {
    while let Ok(mut text) = lines.recv() {
        // What has come meanwhile goes with it.
        text.extend(lines.try_iter().take(WAITING));
        file.write_all(text.as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stand_in_the_file_behind_those_of_before() {
        let path = std::env::temp_dir().join(format!("sipboard-log-{}", std::process::id()));
        for line in ["first", "second"] {
            let mut file = LogFile::open(&path).unwrap();
            file.write(line.to_owned()).unwrap();
        }
        let text = fs::read_to_string(&path).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        fs::remove_file(&path).unwrap();
        assert_eq!(text, "first\nsecond\n");
    }

    #[test]
    fn what_is_no_file_is_refused_by_name() {
        let told = LogFile::open(Path::new("/")).unwrap_err().to_string();
        assert_eq!(told, "the log is not written to /: it is no regular file");
        let told = LogFile::open(Path::new("/nowhere/at/all")).unwrap_err().to_string();
        assert!(told.starts_with("the log is not written to /nowhere/at/all: "), "{told}");
    }
}
