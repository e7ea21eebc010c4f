//! Passwords that a command prints: each is run when a request of its account is sent for the
//! first time, beside everything else, and what waits for it waits here.

use std::{
    collections::HashMap,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::{Child, Command},
    sync::mpsc,
    task::AbortHandle,
    time::timeout,
};

use crate::{
    engine::PasswordCommand,
    sip::{Credentials, Password, escape},
};

/// How long a command may take: long enough for somebody to unlock a key ring.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many bytes it may print.
const PRINTED: u64 = 64 * 1024;

/// The passwords that are known, and what waits for others.
#[derive(Debug)]
pub(super) struct Passwords<W> {
    commands: HashMap<Arc<PasswordCommand>, Entry<W>>,
    /// The number of the latest run.
    last: u64,
    answers: (mpsc::UnboundedSender<Answer>, mpsc::UnboundedReceiver<Answer>),
    /// Whether others run than were told last.
    is_news: bool,
}

#[derive(Debug)]
enum Entry<W> {
    Known(Arc<[Credentials]>),
    Awaited { waiting: Vec<W>, run: Run },
}

/// A command that runs; dropping it ends the command.
#[derive(Debug)]
struct Run {
    number: u64,
    task: AbortHandle,
}

impl Drop for Run {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a command came to: a password, or a sentence that says why there is none.
#[derive(Debug)]
pub(super) struct Answer {
    command: Arc<PasswordCommand>,
    /// The number of its run.
    run: u64,
    password: Result<String, String>,
}

impl<W> Default for Passwords<W> {
    fn default() -> Passwords<W> {
        Passwords {
            commands: HashMap::new(),
            last: 0,
            answers: mpsc::unbounded_channel(),
            is_news: false,
        }
    }
}

impl<W> Passwords<W> {
    /// The credentials, where they are known. Else `wish` waits until the command has ended.
    pub(super) fn want(
        &mut self,
        command: &Arc<PasswordCommand>,
        wish: W,
    ) -> Option<(W, Arc<[Credentials]>)> {
        match self.commands.get_mut(command) {
            Some(Entry::Known(credentials)) => return Some((wish, Arc::clone(credentials))),
            Some(Entry::Awaited { waiting, .. }) => waiting.push(wish),
            None => {
                self.is_news = true;
                self.last += 1;
                let (number, answers) = (self.last, self.answers.0.clone());
                let asked = Arc::clone(command);
                let task = tokio::spawn(async move {
                    let password = run(&asked.arguments, PATIENCE).await;
                    // Nobody waits any more once the engine has ended.
                    let _ = answers.send(Answer { command: asked, run: number, password });
                });
                let run = Run { number, task: task.abort_handle() };
                let entry = Entry::Awaited { waiting: vec![wish], run };
                self.commands.insert(Arc::clone(command), entry);
            }
        }
        None
    }

    /// Those that run, where others were told last.
    pub(super) fn news(&mut self) -> Option<Vec<Arc<PasswordCommand>>> {
        if !std::mem::take(&mut self.is_news) {
            return None;
        }
        let runs = |entry: &Entry<W>| matches!(entry, Entry::Awaited { .. });
        let running = self.commands.iter().filter(|(_, entry)| runs(entry));
        Some(running.map(|(command, _)| Arc::clone(command)).collect())
    }

    /// Waits for the next command that ends.
    pub(super) async fn answer(&mut self) -> Answer {
        // The sender lives as long as the receiver: this channel never ends.
        match self.answers.1.recv().await {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }

    /// A command has ended: gives what waited for it, with the credentials; where there is no
    /// password they say why, to whoever asks for it. A command that failed is run again by the next
    /// wish. `None` where the run was forgotten meanwhile: its answer is nobody's.
    pub(super) fn take_in(&mut self, answer: Answer) -> Option<(Vec<W>, Arc<[Credentials]>)> {
        let Answer { command, run: number, password } = answer;
        let waiting = match self.commands.get_mut(&command)? {
            Entry::Awaited { waiting, run } if run.number == number => std::mem::take(waiting),
            Entry::Awaited { .. } | Entry::Known(_) => return None,
        };
        self.commands.remove(&command);
        self.is_news = true;
        let is_known = password.is_ok();
        let password = password.map_or_else(Password::missing, Password::from);
        let credentials: Arc<[Credentials]> =
            Arc::from([Credentials::new(command.username.as_str(), password)]);
        if is_known {
            self.commands.insert(command, Entry::Known(Arc::clone(&credentials)));
        }
        Some((waiting, credentials))
    }

    /// Forgets every password, and ends the commands that run; gives what waited for one.
    pub(super) fn forget(&mut self) -> Vec<W> {
        self.is_news = true;
        let waiting = self.commands.drain().filter_map(|(_, password)| match password {
            Entry::Awaited { waiting, .. } => Some(waiting),
            Entry::Known(_) => None,
        });
        waiting.flatten().collect()
    }
}

/// Runs a command and gives what it prints, without the line end. The sentence never holds
/// anything that it printed.
async fn run(arguments: &[String], patience: Duration) -> Result<String, String> {
    let [program, rest @ ..] = arguments else { return Err("it names no program".to_owned()) };
    let named = escape(program).into_owned();
    let fail = |why: String| format!("password_command ({named}) {why}");
    let mut command = Command::new(program);
    // A group of its own: what the command has started ends with it.
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command
        .args(rest)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| fail(format!("cannot be run: {error}")))?;
    let group = Group::of(&child);
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let ended = async {
        let (printed, complained) = tokio::join!(read(out), read(err));
        (child.wait().await, printed, complained)
    };
    let Ok((status, printed, complained)) = timeout(patience, ended).await else {
        return Err(fail(format!(
            "did not end within {} s: run it by hand to see what it waits for",
            patience.as_secs()
        )));
    };
    group.has_ended();
    let status = status.map_err(|error| fail(format!("cannot be waited for: {error}")))?;
    if !status.success() {
        return Err(fail(failure(status, &complained)));
    }
    if printed.len() as u64 > PRINTED {
        return Err(fail(format!(
            "printed more than {} KiB: it must print the password and nothing else",
            PRINTED / 1024
        )));
    }
    let text = String::from_utf8(printed)
        .map_err(|_| fail("printed what is not UTF-8 text".to_owned()))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    match line.strip_suffix('\r').unwrap_or(line) {
        "" => Err(fail("printed no password".to_owned())),
        password => Ok(password.to_owned()),
    }
}

/// The processes of a command that runs; dropping it ends all of them. Where there are no process
/// groups, dropping the child ends the command alone.
#[derive(Debug)]
struct Group(#[cfg(unix)] Option<nix::unistd::Pid>);

#[cfg(unix)]
impl Group {
    fn of(child: &Child) -> Group {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Group(id.map(nix::unistd::Pid::from_raw))
    }

    /// The command has been waited for: its id may be another's.
    fn has_ended(mut self) {
        self.0 = None;
    }
}

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.0 {
            // What cannot be ended has ended.
            let _ = nix::sys::signal::killpg(id, nix::sys::signal::Signal::SIGKILL);
        }
    }
}

#[cfg(not(unix))]
impl Group {
    fn of(_: &Child) -> Group {
        Group()
    }

    fn has_ended(self) {}
}

/// Its status, and where to look for the rest: what it complained of may hold the secret.
fn failure(status: ExitStatus, complained: &[u8]) -> String {
    let said = match complained.iter().any(|byte| !byte.is_ascii_whitespace()) {
        true => {
            ": run it by hand to see what it says; that is not shown here, because it may hold the secret"
        }
        false => ", and says nothing",
    };
    format!("failed with {status}{said}")
}

/// Everything up to one byte over the bound; what comes after it is read and dropped, so that the
/// command can end.
async fn read(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let Some(mut pipe) = pipe else { return bytes };
    // A pipe that cannot be read has said nothing.
    let _ = (&mut pipe).take(PRINTED + 1).read_to_end(&mut bytes).await;
    let _ = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
    bytes
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    async fn shell(script: &str) -> Result<String, String> {
        let arguments = ["sh", "-c", script].map(str::to_owned);
        run(&arguments, Duration::from_secs(30)).await
    }

    #[tokio::test]
    async fn what_it_prints_is_the_password_without_the_line_end() {
        for (script, password) in [
            ("printf secret", "secret"),
            ("echo secret", "secret"),
            ("printf 'secret\\r\\n'", "secret"),
            ("printf ' two words \\n\\n'", " two words \n"),
            ("echo secret; echo noise >&2", "secret"),
        ] {
            assert_eq!(shell(script).await.as_deref(), Ok(password), "{script}");
        }
    }

    #[tokio::test]
    async fn a_failure_says_how_it_failed_and_where_to_look_and_nothing_that_it_printed() {
        let why = shell("echo s3cret; echo 'the key is s4cret' >&2; exit 3").await.unwrap_err();
        assert!(why.contains("(sh)") && why.contains("exit status: 3: run it by hand"), "{why}");
        assert!(!why.contains("s3cret") && !why.contains("s4cret"), "{why}");
        let why = shell("exit 4").await.unwrap_err();
        assert!(why.ends_with("exit status: 4, and says nothing"), "{why}");
    }

    #[tokio::test]
    async fn what_is_no_password_is_refused() {
        assert!(shell("true").await.unwrap_err().contains("printed no password"));
        let many = shell("head -c 65537 /dev/zero | tr '\\0' x").await.unwrap_err();
        assert!(many.contains("printed more than 64 KiB") && !many.contains("xx"), "{many}");
        let most = shell("head -c 65536 /dev/zero | tr '\\0' x").await.unwrap();
        assert_eq!(most.len(), 65_536);
        assert!(shell("printf '\\377'").await.unwrap_err().contains("not UTF-8"));
        let missing = ["/nowhere/at/all".to_owned()];
        let why = run(&missing, PATIENCE).await.unwrap_err();
        assert!(why.contains("(/nowhere/at/all) cannot be run"), "{why}");
    }

    #[tokio::test]
    async fn a_command_that_never_ends_is_given_up() {
        let arguments = ["sleep".to_owned(), "3600".to_owned()];
        let why = run(&arguments, Duration::from_millis(50)).await.unwrap_err();
        assert!(why.contains("did not end within"), "{why}");
    }

    #[tokio::test]
    async fn what_was_forgotten_is_ended_and_answers_for_nobody() {
        let file = std::env::temp_dir().join(format!("sipboard-forgets-{}", std::process::id()));
        let script = format!(
            "test -e {0} || {{ sleep 3600 & echo $! > {0}; wait; }}; echo new",
            file.display()
        );
        let arguments = ["sh", "-c", script.as_str()].map(str::to_owned).to_vec();
        let command = Arc::new(PasswordCommand { username: "a".to_owned(), arguments });
        let mut passwords = Passwords::default();
        passwords.want(&command, 1);
        let process = timeout(PATIENCE, async {
            loop {
                match std::fs::read_to_string(&file) {
                    Ok(id) if id.ends_with('\n') => break id.trim().to_owned(),
                    _ => tokio::task::yield_now().await,
                }
            }
        });
        let process = process.await.expect("it starts in time");
        // An answer that was on its way already is nobody's.
        let late = Answer { command: Arc::clone(&command), run: 1, password: Ok("old".to_owned()) };
        assert_eq!(passwords.forget(), [1]);
        passwords.want(&command, 2);
        assert!(passwords.take_in(late).is_none());
        let answer = passwords.answer().await;
        assert_eq!(passwords.take_in(answer).unwrap().0, [2]);
        let is_gone = async {
            while std::path::Path::new("/proc").join(&process).exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, is_gone).await.expect("the command that was forgotten ends");
        std::fs::remove_file(file).unwrap();
    }

    #[tokio::test]
    async fn one_run_serves_all_that_wait_and_a_failure_is_tried_again() {
        let file = std::env::temp_dir().join(format!("sipboard-runs-{}", std::process::id()));
        let script =
            format!("echo x >> {0}; test $(wc -l < {0}) -gt 1 && echo secret", file.display());
        let arguments = ["sh", "-c", script.as_str()].map(str::to_owned).to_vec();
        let command = Arc::new(PasswordCommand { username: "a".to_owned(), arguments });
        let mut passwords = Passwords::default();
        for (wishes, works) in [([1, 2], false), ([3, 4], true)] {
            for wish in wishes {
                assert!(passwords.want(&command, wish).is_none());
            }
            let answer = passwords.answer().await;
            let (waited, credentials) = passwords.take_in(answer).unwrap();
            assert_eq!(
                (waited, Credentials::lack(&credentials).is_none()),
                (wishes.to_vec(), works)
            );
        }
        assert!(passwords.want(&command, 5).is_some());
        std::fs::remove_file(file).unwrap();
    }
}
