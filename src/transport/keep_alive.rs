//! Keep-alives: when a flow pings its peer, what its peer's pings are owed, and when a missing
//! answer means that the flow is dead (RFC 5626 §3.5.1 and §4.4.1, RFC 7118 §6).

use std::{
    io,
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};

use tokio::{sync::Notify, time::sleep_until};

use crate::{sip::Transport, transport::KeepAlive};

/// How long a peer has to answer a ping (RFC 5626 §4.4.1).
const PATIENCE: Duration = Duration::from_secs(10);

/// How many pings of the peer may wait for their answer; one that sends more gets no more.
const OWED: usize = 64;

/// The keep-alives of one flow, shared by the halves that read and that write it.
#[derive(Debug)]
pub(super) struct Pulse {
    /// How often the user wants it.
    chosen: Option<Duration>,
    state: Mutex<State>,
    news: Notify,
}

#[derive(Debug)]
struct State {
    /// How often; never where it is none.
    interval: Option<Duration>,
    /// When the next ping is due.
    next: Option<Instant>,
    /// When the ping was sent that has no answer yet.
    sent: Option<Instant>,
    /// Whether an answer that does not come says that the peer is dead: it has answered before, or
    /// the user knows that it does (RFC 5626 §4.4.1 has only outbound proxies answer).
    must_answer: bool,
    /// How many pings of the peer wait for their answer.
    owed: usize,
}

/// What is to be done on a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// Answer so many pings.
    Answer(usize),
    /// Send a ping.
    Ping,
    /// The peer did not answer one in time.
    Missing,
}

impl State {
    /// Whether the next ping waits for an answer: one at a time, where the peer answers at all.
    fn waits(&self) -> bool {
        self.must_answer && self.sent.is_some()
    }
}

impl Pulse {
    /// The keep-alives of a flow that we made.
    pub(super) fn of_client(settings: &KeepAlive, transport: Transport, now: Instant) -> Pulse {
        Pulse::new(settings.interval_on(transport), settings, now)
    }

    /// Those of a flow that the peer made: keeping it alive is up to the peer.
    pub(super) fn of_server() -> Pulse {
        Pulse::new(None, &KeepAlive::default(), Instant::now())
    }

    fn new(interval: Option<Duration>, settings: &KeepAlive, now: Instant) -> Pulse {
        let next = interval.map(|interval| now + jitter(interval));
        let must_answer = settings.must_answer;
        let state = State { interval, next, sent: None, must_answer, owed: 0 };
        Pulse { chosen: settings.interval, state: Mutex::new(state), news: Notify::new() }
    }

    /// The peer wants that interval (RFC 6223 §4.3): less often than the user wants, it never is.
    /// Gives what holds from now on; `None` where the flow is not kept alive.
    pub(super) fn ask(&self, interval: Duration, now: Instant) -> Option<Duration> {
        let mut state = self.state();
        state.interval?;
        let interval = self.chosen.map_or(interval, |chosen| interval.min(chosen));
        state.interval = Some(interval);
        let next = now + jitter(interval);
        // What was due sooner stays so.
        state.next = Some(state.next.map_or(next, |due| due.min(next)));
        drop(state);
        self.news.notify_one();
        Some(interval)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the lock")
    }

    /// Waits until something is to be done. Cancel-safe.
    pub(super) async fn beat(&self) -> Beat {
        loop {
            let at = match self.due(Instant::now()) {
                Ok(beat) => return beat,
                Err(at) => at,
            };
            let timer = async {
                match at {
                    Some(at) => sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.news.notified() => {}
                () = timer => {}
            }
        }
    }

    /// What is to be done now, or when to look again.
    fn due(&self, now: Instant) -> Result<Beat, Option<Instant>> {
        let mut state = self.state();
        if state.owed > 0 {
            return Ok(Beat::Answer(std::mem::take(&mut state.owed)));
        }
        if let Some(sent) = state.sent
            && now >= sent + PATIENCE
        {
            state.sent = None;
            if state.must_answer {
                return Ok(Beat::Missing);
            }
        }
        if let Some(next) = state.next
            && now >= next
            && !state.waits()
        {
            state.next = state.interval.map(|interval| now + jitter(interval));
            // Answers come in the order of the pings: the first one is that of the oldest.
            state.sent.get_or_insert(now);
            return Ok(Beat::Ping);
        }
        let missing = state.sent.map(|sent| sent + PATIENCE);
        let next = state.next.filter(|_| !state.waits());
        Err([missing, next].into_iter().flatten().min())
    }

    /// The peer has pinged us.
    pub(super) fn pinged(&self) {
        let mut state = self.state();
        state.owed = (state.owed + 1).min(OWED);
        drop(state);
        self.news.notify_one();
    }

    /// The peer has answered a ping; gives how long that took. `None` where none was under way.
    pub(super) fn answered(&self, now: Instant) -> Option<Duration> {
        let mut state = self.state();
        let sent = state.sent.take()?;
        state.must_answer = true;
        drop(state);
        self.news.notify_one();
        Some(now.saturating_duration_since(sent))
    }
}

/// Why a flow broke whose peer did not answer.
pub(super) fn missing() -> io::Error {
    io::Error::other(format!(
        "no answer to a keep-alive within {} s (RFC 5626 §4.4.1)",
        PATIENCE.as_secs()
    ))
}

/// RFC 5626 §4.4.1: from 80 to 100 % of the interval, so that not everybody pings at once.
pub(super) fn jitter(interval: Duration) -> Duration {
    interval.mul_f64(0.8 + 0.2 * rand::random::<f64>())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(20);

    /// A pulse and a clock that is turned by hand.
    struct Test {
        pulse: Pulse,
        now: Instant,
    }

    impl Test {
        fn new(must_answer: bool) -> Test {
            let settings = KeepAlive { interval: Some(EVERY), must_answer };
            let now = Instant::now();
            Test { pulse: Pulse::of_client(&settings, Transport::Udp, now), now }
        }

        /// The next beat, and how long it was waited for.
        fn beat(&mut self) -> (Beat, Duration) {
            let begin = self.now;
            loop {
                match self.pulse.due(self.now) {
                    Ok(beat) => return (beat, self.now - begin),
                    Err(at) => self.now = at.expect("there is a next beat"),
                }
            }
        }

        fn answer(&mut self, after: Duration) -> Option<Duration> {
            self.now += after;
            self.pulse.answered(self.now)
        }
    }

    #[test]
    fn pings_come_at_80_to_100_percent_of_the_interval() {
        let mut test = Test::new(false);
        let rtt = Duration::from_millis(3);
        for _ in 0..50 {
            let (beat, after) = test.beat();
            assert_eq!(beat, Beat::Ping);
            // The clock has gone on by both answers since the ping before.
            assert!(after + 2 * rtt >= EVERY.mul_f64(0.8) && after <= EVERY, "{after:?}");
            assert_eq!(test.answer(rtt), Some(rtt));
            assert_eq!(test.answer(rtt), None);
        }
    }

    #[test]
    fn a_missing_answer_counts_once_one_has_come_or_where_it_must() {
        let mut polite = Test::new(false);
        for _ in 0..3 {
            assert_eq!(polite.beat().0, Beat::Ping, "never answered, never missed");
        }
        polite.answer(Duration::ZERO).unwrap();
        assert_eq!(polite.beat().0, Beat::Ping);
        assert_eq!(polite.beat(), (Beat::Missing, PATIENCE));

        let mut strict = Test::new(true);
        assert_eq!(strict.beat().0, Beat::Ping);
        assert_eq!(strict.beat(), (Beat::Missing, PATIENCE));
    }

    #[test]
    fn the_peer_may_want_another_interval_and_the_user_has_the_last_word() {
        let now = Instant::now();
        let usual = Pulse::of_client(&KeepAlive::default(), Transport::Tcp, now);
        for seconds in [5, 300] {
            let asked = Duration::from_secs(seconds);
            assert_eq!(usual.ask(asked, now), Some(asked));
            // What was due before stays so.
            let first = usual.due(now).unwrap_err().unwrap();
            assert!(first <= now + Duration::from_secs(5));
        }
        let chosen = Test::new(false).pulse;
        assert_eq!(chosen.ask(EVERY * 2, now), Some(EVERY));
        assert_eq!(chosen.ask(EVERY / 2, now), Some(EVERY / 2));
        assert_eq!(Pulse::of_server().ask(EVERY, now), None);
    }

    #[test]
    fn zero_means_never() {
        let settings = KeepAlive { interval: Some(Duration::ZERO), must_answer: false };
        let now = Instant::now();
        assert_eq!(Pulse::of_client(&settings, Transport::Udp, now).due(now), Err(None));
    }

    #[test]
    fn the_peers_pings_are_answered_and_not_without_limit() {
        let pulse = Pulse::of_server();
        let now = Instant::now();
        assert_eq!(pulse.due(now), Err(None));
        pulse.pinged();
        assert_eq!(pulse.due(now), Ok(Beat::Answer(1)));
        (0..1000).for_each(|_| pulse.pinged());
        assert_eq!(pulse.due(now), Ok(Beat::Answer(OWED)));
    }

    #[test]
    fn a_peer_that_never_answers_is_pinged_at_every_interval() {
        let every = Duration::from_secs(2);
        let settings = KeepAlive { interval: Some(every), must_answer: false };
        let now = Instant::now();
        let mut test = Test { pulse: Pulse::of_client(&settings, Transport::Udp, now), now };
        for _ in 0..20 {
            let (beat, after) = test.beat();
            assert_eq!(beat, Beat::Ping);
            assert!(after >= every.mul_f64(0.8) && after <= every, "{after:?}");
        }
    }
}
