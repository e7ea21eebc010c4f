//! The queue of what is to be written on a connection, bounded in messages and in bytes.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use tokio::sync::mpsc;

/// How many messages may wait to be written.
const MESSAGES: usize = 8 << 10;

/// How many bytes of them may wait; the message that passes it is the last one.
const BYTES: usize = 8 << 20;

/// The end where messages go in.
#[derive(Debug)]
pub(super) struct In {
    messages: mpsc::Sender<Bytes>,
    bytes: Arc<AtomicUsize>,
}

/// The end where they come out.
#[derive(Debug)]
pub(super) struct Out {
    messages: mpsc::Receiver<Bytes>,
    bytes: Arc<AtomicUsize>,
}

/// An empty queue.
pub(super) fn queue() -> (In, Out) {
    let (sender, receiver) = mpsc::channel(MESSAGES);
    let bytes = Arc::new(AtomicUsize::new(0));
    (In { messages: sender, bytes: bytes.clone() }, Out { messages: receiver, bytes })
}

impl In {
    /// Whether as much waits as may.
    pub(super) fn is_full(&self) -> bool {
        self.messages.capacity() == 0 || self.bytes.load(Ordering::Relaxed) >= BYTES
    }

    /// Puts a message in; where there is no room, how much waits already.
    pub(super) fn put(&self, message: Bytes) -> Result<(), String> {
        let waiting = self.bytes.load(Ordering::Relaxed);
        let count = self.messages.max_capacity() - self.messages.capacity();
        if waiting >= BYTES {
            return Err(format!("{count} messages with {waiting} bytes"));
        }
        let size = message.len();
        self.bytes.fetch_add(size, Ordering::Relaxed);
        if let Err(error) = self.messages.try_send(message) {
            self.bytes.fetch_sub(size, Ordering::Relaxed);
            if let mpsc::error::TrySendError::Full(_) = error {
                return Err(count.to_string());
            }
            // Closed: its end is on its way here, and says why it ended.
        }
        Ok(())
    }
}

impl Out {
    /// Takes what waits, at most so many; none once the other end is dropped. Cancel-safe.
    pub(super) async fn take(&mut self, batch: &mut Vec<Bytes>, most: usize) -> usize {
        let before = batch.len();
        let count = self.messages.recv_many(batch, most).await;
        let size: usize = batch[before..].iter().map(Bytes::len).sum();
        self.taken(size);
        count
    }

    /// Takes the next, where one waits.
    pub(super) fn take_now(&mut self) -> Option<Bytes> {
        let message = self.messages.try_recv().ok()?;
        self.taken(message.len());
        Some(message)
    }

    fn taken(&self, size: usize) {
        self.bytes.fetch_sub(size, Ordering::Relaxed);
    }
}
