//! Processes that are watched while they run and are ended by their own id.

use std::{
    env, fs,
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

/// What a program left behind.
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The most memory that was resident, in KiB, as far as it was seen.
    pub(crate) peak_kib: u64,
}

/// Runs a program to its end, or ends it after the limit.
pub(crate) fn run(command: &mut Command, limit: Duration) -> io::Result<Finished> {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let program = child.get_program().to_owned();
    let child = child.spawn().map_err(|error| {
        io::Error::other(format!("{} cannot be started: {error}", program.to_string_lossy()))
    })?;
    let mut child = Running(child);
    let stdout = reader(child.0.stdout.take());
    let stderr = reader(child.0.stderr.take());
    let (deadline, mut peak_kib) = (Instant::now() + limit, 0);
    let status = loop {
        peak_kib = peak(child.0.id()).unwrap_or(0).max(peak_kib);
        if let Some(status) = child.0.try_wait()? {
            break status;
        }
        if Instant::now() > deadline {
            return Err(io::Error::other(format!("it did not end within {limit:?}")));
        }
        thread::sleep(LOOK);
    };
    let text = |thread: thread::JoinHandle<String>| thread.join().unwrap_or_default();
    Ok(Finished { status, stdout: text(stdout), stderr: text(stderr), peak_kib })
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What came before the pipe broke is all there is.
            let _ = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The high-water mark of resident memory, in KiB; none where the system does not say.
pub(crate) fn peak(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// A process that ends with this. It is asked first, since a server ends its workers itself.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(Some(_)) = self.0.try_wait() {
            return;
        }
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let deadline = Instant::now() + GOODBYE;
        while Instant::now() < deadline {
            if let Ok(Some(_)) = self.0.try_wait() {
                return;
            }
            thread::sleep(LOOK);
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder of this run, removed at its end.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> io::Result<Scratch> {
        let path = env::temp_dir().join(format!("sipboard-throughput-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Scratch(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// How often a process is looked at: seldom enough to take no time from it.
const LOOK: Duration = Duration::from_millis(20);

/// How long a process has to end by itself.
const GOODBYE: Duration = Duration::from_secs(5);
