//! [`Outlet`]: standard output and standard error, written by a thread of their own.
//!
//! ```text
//!  whoever has something to say ──hand──► queue ──► one thread ──► the terminal, a pipe, a file
//!                                  never waits       may wait for as long as nobody reads
//! ```
//!
//! A terminal that is held (XOFF, a stalled ssh) or a pipe that nobody reads takes no bytes, and a
//! write to it has no end. Here it holds up nobody but that thread: signals are heard, timers fire,
//! calls are hung up. Who cares whether something has been written asks ([`Outlet::is_idle`]) or
//! waits as long as it likes ([`Outlet::written`], [`Outlet::wait`]), and who says much asks how much
//! still waits ([`Outlet::waiting`]). What is handed over is written in that order, on both streams.

use std::{
    collections::VecDeque,
    io::{self, Write},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::sync::Notify;

/// Where bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Two streams and the thread that writes to them. Where one takes no more for good, what is handed
/// over for it is dropped; [`Outlet::error`] says why.
#[derive(Debug)]
pub struct Outlet {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// There is something to write, or nothing will come any more.
    work: Condvar,
    /// All is written.
    done: Condvar,
    /// The same, for who waits without a thread.
    drained: Notify,
    /// A stream takes no more for good.
    broke: Notify,
    /// Whether nobody is to wait any more for what is left.
    is_abandoned: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<(Stream, Vec<u8>)>,
    /// How many bytes wait, those that are being written among them.
    waiting: usize,
    /// Since when something is being written.
    writes_since: Option<Instant>,
    /// Why a stream takes no more.
    broken: [Option<Broken>; 2],
    /// Whether nothing will come any more.
    is_closed: bool,
}

/// Why a stream takes no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The kind.
    pub kind: io::ErrorKind,
    /// The system's sentence.
    pub reason: String,
}

/// How often a stream is tried again that somebody has set to not waiting.
const RETRY: Duration = Duration::from_millis(5);

impl Outlet {
    /// An outlet over two streams of the caller's.
    pub fn new(
        mut out: impl Write + Send + 'static,
        mut err: impl Write + Send + 'static,
    ) -> Outlet {
        let shared = Arc::new(Shared::default());
        let thread = Arc::clone(&shared);
        thread::spawn(move || {
            while let Some((stream, bytes)) = thread.next() {
                let result = match stream {
                    Stream::Out => write(&mut out, &bytes),
                    Stream::Err => write(&mut err, &bytes),
                };
                thread.wrote(stream, bytes.len(), result);
            }
        });
        Outlet { shared }
    }

    /// That of the process.
    pub fn standard() -> &'static Outlet {
        STANDARD.get_or_init(|| Outlet::new(io::stdout(), io::stderr()))
    }

    /// Hands bytes over. Never waits.
    pub fn hand(&self, stream: Stream, bytes: &[u8]) {
        let mut state = self.shared.lock();
        if bytes.is_empty() || state.broken[stream as usize].is_some() {
            return;
        }
        state.waiting += bytes.len();
        match state.queue.back_mut() {
            Some((last, waiting)) if *last == stream => waiting.extend_from_slice(bytes),
            _ => state.queue.push_back((stream, bytes.to_vec())),
        }
        drop(state);
        self.shared.work.notify_one();
    }

    /// How many bytes wait to be written.
    pub fn waiting(&self) -> usize {
        self.shared.lock().waiting
    }

    /// Whether all is written, or can never be.
    pub fn is_idle(&self) -> bool {
        self.waiting() == 0
    }

    /// Since when a stream has not taken what it was given: for long where nobody reads it.
    pub fn held_since(&self) -> Option<Instant> {
        self.shared.lock().writes_since
    }

    /// Why a stream takes no more, where it does not.
    pub fn error(&self, stream: Stream) -> Option<Broken> {
        self.shared.lock().broken[stream as usize].clone()
    }

    /// Waits until all is written, or can never be. For one at a time; cancel-safe.
    pub async fn written(&self) {
        while !self.is_idle() {
            self.shared.drained.notified().await;
        }
    }

    /// Waits until a stream takes no more. For one at a time; cancel-safe.
    pub async fn broke(&self) {
        self.shared.broke.notified().await;
    }

    /// Waits, this thread with it, until all is written or the time has come; whether it is.
    pub fn wait(&self, until: Instant) -> bool {
        let mut state = self.shared.lock();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if state.waiting == 0 || left.is_zero() {
                return state.waiting == 0;
            }
            let waited = self.shared.done.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Nobody is to wait any more for what is left: the process ends without it.
    pub fn abandon(&self) {
        self.shared.is_abandoned.store(true, Ordering::Relaxed);
    }

    /// Waits for what was said in this process to be written, however long that takes, unless it was
    /// abandoned.
    pub fn finish() {
        let Some(outlet) = STANDARD.get() else { return };
        let waits = |state: &mut State| state.waiting > 0;
        if !outlet.shared.is_abandoned.load(Ordering::Relaxed) {
            drop(outlet.shared.done.wait_while(outlet.shared.lock(), waits));
        }
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.work.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for what is to be written next; `None` where nothing will come any more.
    fn next(&self) -> Option<(Stream, Vec<u8>)> {
        let waits = |state: &mut State| state.queue.is_empty() && !state.is_closed;
        let state = self.work.wait_while(self.lock(), waits);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        let next = state.queue.pop_front()?;
        state.writes_since = Some(Instant::now());
        Some(next)
    }

    /// So many bytes were written, or cannot be.
    fn wrote(&self, stream: Stream, count: usize, result: io::Result<()>) {
        let mut state = self.lock();
        state.writes_since = None;
        state.waiting -= count;
        if let Err(error) = result {
            let broken = Broken { kind: error.kind(), reason: error.to_string() };
            state.broken[stream as usize] = Some(broken);
            state.queue.retain(|(of, _)| *of != stream);
            state.waiting = state.queue.iter().map(|(_, bytes)| bytes.len()).sum();
            self.broke.notify_one();
        }
        let is_idle = state.waiting == 0;
        drop(state);
        if is_idle {
            self.done.notify_all();
            self.drained.notify_one();
        }
    }
}

/// Writes all of it, whether the stream waits or somebody has set it to not waiting.
fn write(out: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    loop {
        let result = match bytes {
            [] => out.flush().map(|()| 0),
            _ => out.write(bytes),
        };
        match result {
            Ok(_) if bytes.is_empty() => return Ok(()),
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(RETRY),
            Err(error) => return Err(error),
        }
    }
}

static STANDARD: OnceLock<Outlet> = OnceLock::new();

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// How long anything may take on a busy machine.
    const DEADLINE: Duration = Duration::from_secs(30);

    /// A stream that takes bytes when the test does, and none once the test has gone.
    struct Held(mpsc::SyncSender<Vec<u8>>);

    impl Write for Held {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let sent = self.0.send(bytes.to_vec());
            sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn held() -> (Outlet, mpsc::Receiver<Vec<u8>>, mpsc::Receiver<Vec<u8>>) {
        let ((out, of_out), (err, of_err)) = (mpsc::sync_channel(0), mpsc::sync_channel(0));
        (Outlet::new(Held(out), Held(err)), of_out, of_err)
    }

    #[test]
    fn nobody_waits_for_a_stream_that_takes_nothing() {
        let (outlet, out, _err) = held();
        for _ in 0..100 {
            outlet.hand(Stream::Out, &[b'x'; 1_000]);
        }
        assert_eq!(outlet.waiting(), 100_000);
        assert!(!outlet.wait(Instant::now() + Duration::from_millis(5)));
        let deadline = Instant::now() + DEADLINE;
        while outlet.held_since().is_none() {
            assert!(Instant::now() < deadline, "nothing is being written");
            thread::yield_now();
        }
        let mut came = 0;
        while came < 100_000 {
            came += out.recv_timeout(DEADLINE).unwrap().len();
        }
        assert!(outlet.wait(Instant::now() + DEADLINE));
        assert!(outlet.is_idle() && outlet.held_since().is_none());
    }

    #[test]
    fn both_streams_are_written_in_the_order_of_what_was_said() {
        let (outlet, out, err) = held();
        outlet.hand(Stream::Out, b"first");
        outlet.hand(Stream::Err, b"second");
        outlet.hand(Stream::Out, b"third");
        assert!(err.recv_timeout(Duration::from_millis(20)).is_err(), "the first has not gone");
        assert_eq!(out.recv_timeout(DEADLINE).unwrap(), b"first");
        assert!(out.recv_timeout(Duration::from_millis(20)).is_err(), "the second has not gone");
        assert_eq!(err.recv_timeout(DEADLINE).unwrap(), b"second");
        assert_eq!(out.recv_timeout(DEADLINE).unwrap(), b"third");
    }

    #[tokio::test]
    async fn a_stream_whose_reader_has_gone_holds_up_nothing() {
        let (outlet, out, err) = held();
        drop(out);
        outlet.hand(Stream::Out, b"for nobody");
        tokio::time::timeout(DEADLINE, outlet.broke()).await.unwrap();
        tokio::time::timeout(DEADLINE, outlet.written()).await.unwrap();
        let kind = outlet.error(Stream::Out).map(|broken| broken.kind);
        assert_eq!(kind, Some(io::ErrorKind::BrokenPipe));
        outlet.hand(Stream::Out, b"for nobody either");
        assert!(outlet.is_idle());
        outlet.hand(Stream::Err, b"for somebody");
        assert_eq!(err.recv_timeout(DEADLINE).unwrap(), b"for somebody");
        assert_eq!(outlet.error(Stream::Err), None);
    }

    #[test]
    fn a_stream_that_somebody_has_set_to_not_waiting_is_tried_again() {
        struct Moody(u32, Vec<u8>);
        impl Write for Moody {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0 += 1;
                match self.0 % 3 {
                    0 => self.1.write(&bytes[..1]),
                    1 => Err(io::ErrorKind::WouldBlock.into()),
                    _ => Err(io::ErrorKind::Interrupted.into()),
                }
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut moody = Moody(0, Vec::new());
        write(&mut moody, b"all of it").unwrap();
        assert_eq!(moody.1, b"all of it");
    }
}
