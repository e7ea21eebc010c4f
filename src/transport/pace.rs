//! How fast a burst of datagrams goes out: no faster than the peer takes it from its socket, whose
//! buffer drops what is too much, and says nothing (RFC 8085 §3.1).
//!
//! What was sent and not heard of loads the peer. Anything that comes from it takes the oldest load
//! off, since it has read that much; so does time, since not everything is answered.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};

use tokio::{sync::Notify, time::sleep_until};

/// What a socket holds that nobody has set otherwise, by Linux's account, less a tenth.
const LOAD: usize = 212_992 / 10 * 9;

/// For how long a datagram loads a peer that says nothing.
const HELD: Duration = Duration::from_millis(30);

/// The load that a UDP flow puts on its peer.
#[derive(Debug, Default)]
pub(super) struct Pace {
    state: Mutex<State>,
    news: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// When each was sent, and what it takes of the peer's buffer; the oldest first.
    sent: VecDeque<(Instant, usize)>,
    load: usize,
}

impl State {
    fn take_off(&mut self) {
        if let Some((_, cost)) = self.sent.pop_front() {
            self.load -= cost;
        }
    }

    fn put_on(&mut self, now: Instant, size: usize) {
        self.sent.push_back((now, cost(size)));
        self.load += cost(size);
    }
}

impl Pace {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the lock")
    }

    /// Takes leave to send a datagram of that size now; else says when to ask again.
    pub(super) fn take(&self, now: Instant, size: usize) -> Result<(), Instant> {
        let mut state = self.state();
        while let Some((at, _)) = state.sent.front().copied() {
            if at + HELD <= now {
                state.take_off();
            } else if state.load + cost(size) <= LOAD {
                break;
            } else {
                return Err(at + HELD);
            }
        }
        state.put_on(now, size);
        Ok(())
    }

    /// Waits for that leave, as long as `waits` says that there is time to.
    pub(super) async fn wait(&self, size: usize, waits: impl Fn() -> bool) {
        while let Err(at) = self.take(Instant::now(), size) {
            if !waits() {
                return self.state().put_on(Instant::now(), size);
            }
            tokio::select! {
                () = self.news.notified() => {}
                () = sleep_until(at.into()) => {}
            }
        }
    }

    /// So many datagrams came.
    pub(super) fn heard(&self, count: usize) {
        let mut state = self.state();
        for _ in 0..count.min(state.sent.len()) {
            state.take_off();
        }
        drop(state);
        self.news.notify_one();
    }
}

/// What Linux takes for a datagram of that size: a power of two that holds it with its headers, and
/// what is written down of it.
fn cost(size: usize) -> usize {
    const HEADERS: usize = 42 + 320;
    const BOOKS: usize = 256;
    (size + HEADERS).next_power_of_two() + BOOKS
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many datagrams of that size may go now.
    fn burst(pace: &Pace, now: Instant, size: usize) -> usize {
        (0..10_000).take_while(|_| pace.take(now, size).is_ok()).count()
    }

    #[test]
    fn a_burst_is_what_a_socket_holds() {
        let now = Instant::now();
        assert_eq!(burst(&Pace::default(), now, 400), LOAD / (1024 + 256));
        assert_eq!(burst(&Pace::default(), now, 1200), LOAD / (2048 + 256));
        assert_eq!(burst(&Pace::default(), now, 65_000), 2);
    }

    #[test]
    fn what_comes_makes_room_and_so_does_time() {
        let (pace, now) = (Pace::default(), Instant::now());
        let most = burst(&pace, now, 400);
        pace.heard(7);
        assert_eq!(burst(&pace, now, 400), 7);
        assert_eq!(pace.take(now, 400), Err(now + HELD));
        assert_eq!(burst(&pace, now + HELD, 400), most);
        pace.heard(10_000);
        assert_eq!(burst(&pace, now + HELD, 400), most, "no more than a burst is ever saved up");
    }

    #[test]
    fn one_datagram_may_always_go_however_large() {
        assert_eq!(Pace::default().take(Instant::now(), LOAD * 2), Ok(()));
    }
}
