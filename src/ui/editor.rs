//! An editor of the user's: a text goes there in a file and comes back.

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
};

/// Why a text did not come back; it is as it was.
#[derive(Debug, thiserror::Error)]
pub enum EditorError {
    /// The file cannot be written or read.
    #[error("the text cannot be handed to an editor in {}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The editor could not be started.
    #[error("the editor {name:?} cannot be started: {error}; VISUAL and EDITOR name another")]
    Start {
        /// The command.
        name: String,
        /// Why.
        error: io::Error,
    },
    /// The editor failed.
    #[error(
        "the editor {name:?} failed ({status}), the text is as it was; VISUAL and EDITOR name another"
    )]
    Failed {
        /// The command.
        name: String,
        /// How.
        status: ExitStatus,
    },
    /// What came back is no text, and the field holds nothing else.
    #[error(
        "line {line} of what the editor {name:?} wrote is no UTF-8, which this field cannot hold: it stays in {}; write UTF-8, or a raw message, which takes any bytes",
        path.display()
    )]
    NoText {
        /// The command.
        name: String,
        /// The first line that is none, counted from 1.
        line: usize,
        /// Where it can still be found.
        path: PathBuf,
    },
}

/// An editor that has a text. Dropping it removes the file.
#[derive(Debug)]
pub struct Editor {
    name: String,
    child: Child,
    file: File,
    /// Whether the text ended in a line feed, which editors add by themselves.
    ended: bool,
}

/// A file that goes when nobody needs it any more.
#[derive(Debug)]
struct File(PathBuf);

impl File {
    /// Where it stays for the user.
    fn keep(self) -> PathBuf {
        // Nothing is dropped then, and so nothing removed.
        std::mem::ManuallyDrop::new(self).0.clone()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // There is nobody left to tell.
        let _ = fs::remove_file(&self.0);
    }
}

impl Editor {
    /// Starts the editor that `$VISUAL` or `$EDITOR` names, on the terminal that we have.
    ///
    /// # Errors
    ///
    /// Where the file cannot be written, or the editor cannot be started.
    pub fn start(text: &str) -> Result<Editor, EditorError> {
        let name = ["VISUAL", "EDITOR"]
            .iter()
            .filter_map(|name| env::var(name).ok())
            .find(|name| !name.trim().is_empty())
            .unwrap_or_else(|| USUAL.to_owned());
        let path = env::temp_dir().join(format!("sipboard-{:016x}.txt", rand::random::<u64>()));
        write(&path, text).map_err(|error| EditorError::File { path: path.clone(), error })?;
        let file = File(path);
        let child = command(&name, &file.0)
            .spawn()
            .map_err(|error| EditorError::Start { name: name.clone(), error })?;
        Ok(Editor { name, child, file, ended: text.ends_with('\n') })
    }

    /// Whether it has ended; never waits.
    ///
    /// # Errors
    ///
    /// Where that cannot be known.
    pub fn has_ended(&mut self) -> Result<Option<ExitStatus>, EditorError> {
        let name = self.name.clone();
        self.child.try_wait().map_err(|error| EditorError::Start { name, error })
    }

    /// Asks it to end: an editor puts what was not written where its user finds it again.
    pub fn end(&mut self) {
        ask_to_end(&mut self.child);
    }

    /// Ends it. That fails only where it has ended.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
    }

    /// The text as it was left, and what is to be known of it. `read` makes a text of any bytes;
    /// without it they must be one.
    ///
    /// # Errors
    ///
    /// Where the editor failed, or left no text.
    pub fn text(
        self,
        status: ExitStatus,
        read: Option<fn(&[u8]) -> String>,
    ) -> Result<Edited, EditorError> {
        let Editor { name, file, ended, .. } = self;
        if !status.success() {
            return Err(EditorError::Failed { name, status });
        }
        let mut bytes =
            fs::read(&file.0).map_err(|error| EditorError::File { path: file.0.clone(), error })?;
        if !ended && bytes.ends_with(b"\n") {
            let end = if bytes.ends_with(b"\r\n") { 2 } else { 1 };
            bytes.truncate(bytes.len() - end);
        }
        let remark = remark(&bytes, read.is_some());
        let text = match read {
            Some(read) => read(&bytes),
            None => match String::from_utf8(bytes) {
                Ok(text) => text.replace("\r\n", "\n"),
                Err(error) => {
                    let line = line_at(error.as_bytes(), error.utf8_error().valid_up_to());
                    return Err(EditorError::NoText { name, line, path: file.keep() });
                }
            },
        };
        Ok(Edited { text, remark })
    }
}

/// A text that came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// The text.
    pub text: String,
    /// What in it is unusual for a message, and what becomes of it, as a sentence.
    pub remark: Option<String>,
}

/// What is unusual in bytes that are to be a message, `raw` or a part of one.
fn remark(bytes: &[u8], raw: bool) -> Option<String> {
    let has_cr_lf = memchr::memmem::find(bytes, b"\r\n").is_some();
    let is_bare = |at: &usize| at.checked_sub(1).is_none_or(|before| bytes[before] != b'\r');
    // Editors end lines in LF alone; where there are both, each is meant.
    let bare = memchr::memchr_iter(b'\n', bytes).find(is_bare).filter(|_| has_cr_lf);
    let bare = bare.map(|at| match (line_at(bytes, at), raw) {
        (line, true) => format!(
            "line {line} ends in LF alone, which \\n\\ at its end stands for; CR LF ends a line of a message (RFC 3261 §7): take the \\n\\ away for that"
        ),
        (line, false) => format!(
            "line {line} came with LF alone: here each line ends in CR LF, a raw message can have both"
        ),
    });
    let bad = std::str::from_utf8(bytes).err().filter(|_| raw).map(|error| {
        let at = error.valid_up_to();
        let (line, byte) = (line_at(bytes, at), bytes[at]);
        format!(
            "line {line} is no UTF-8 (RFC 3261 §7): the byte \\x{byte:02x} is kept, and sent as it is"
        )
    });
    let told: Vec<String> = bare.into_iter().chain(bad).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// The line that a byte stands in, counted from 1.
fn line_at(bytes: &[u8], at: usize) -> usize {
    memchr::memchr_iter(b'\n', &bytes[..at]).count() + 1
}

/// Writes a file that is new and that nobody else can read.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

#[cfg(unix)]
fn ask_to_end(child: &mut Child) {
    // It is waited for, and so the number is still its own; it may have ended.
    let pid = nix::unistd::Pid::from_raw(child.id().cast_signed());
    let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
}

#[cfg(not(unix))]
fn ask_to_end(child: &mut Child) {
    let _ = child.kill();
}

#[cfg(unix)]
const USUAL: &str = "vi";
#[cfg(not(unix))]
const USUAL: &str = "notepad";

/// The editor may be a command with arguments, as a shell reads it.
#[cfg(unix)]
fn command(name: &str, file: &Path) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{name} \"$1\"")).arg("sh").arg(file);
    command
}

#[cfg(not(unix))]
fn command(name: &str, file: &Path) -> Command {
    let mut words = name.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or(USUAL));
    command.args(words).arg(file);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unusual_is_told_with_its_line() {
        let told = |bytes: &[u8], raw| remark(bytes, raw).unwrap_or_default();
        for usual in [&b"A\nB\n"[..], b"A\r\nB\r\n", b"", "ü\n".as_bytes()] {
            assert_eq!((remark(usual, true), remark(usual, false)), (None, None));
        }
        assert!(told(b"A\r\nB\nC\r\n", true).starts_with("line 2 ends in LF alone"));
        assert!(told(b"A\r\nB\nC\r\n", false).starts_with("line 2 came with LF alone"));
        let both = told(b"A\n\r\n\xff", true);
        assert!(both.starts_with("line 1 ends") && both.contains("line 3 is no UTF-8"), "{both}");
        assert!(both.contains("\\xff"), "{both}");
    }
}
