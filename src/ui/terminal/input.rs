//! The keys, the mouse and what is pasted, read by a thread that can be told to pause.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crossterm::event::Event;
use tokio::sync::mpsc::{self, error::TrySendError};

/// What the terminal says, read by a thread of its own: crossterm's reader spins where a terminal
/// has gone, and must not take the dashboard's task with it.
#[derive(Debug)]
pub struct Input {
    /// The events; closed when there are no more.
    pub events: mpsc::Receiver<Event>,
    gate: Arc<Gate>,
}

/// Whether the thread may read: while an editor has the terminal, its keys are the editor's.
#[derive(Debug, Default)]
struct Gate {
    reading: Mutex<Reading>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reading {
    #[default]
    Reads,
    /// It is to stop.
    Stops,
    /// It has stopped.
    Stopped,
    /// The thread is gone.
    Gone,
}

/// How often the thread looks whether it may still read.
const LOOK: Duration = Duration::from_millis(100);
/// How often it looks whether there is room for another event.
const ROOM: Duration = Duration::from_millis(5);
/// How long it may take to stop.
const STOP: Duration = Duration::from_secs(2);

impl Input {
    /// Begins to read.
    pub fn start() -> Input {
        let (sender, events) = mpsc::channel(256);
        let gate = Arc::new(Gate::default());
        let thread = Arc::clone(&gate);
        std::thread::spawn(move || {
            while thread.may_read() {
                let event = match crossterm::event::poll(LOOK) {
                    Ok(true) => crossterm::event::read(),
                    Ok(false) => continue,
                    Err(error) => Err(error),
                };
                let Ok(event) = event else { break };
                if !thread.hand_on(&sender, event) {
                    break;
                }
            }
            thread.set(Reading::Gone);
        });
        Input { events, gate }
    }

    /// Leaves the terminal's keys to somebody else; whether that could be done.
    pub fn pause(&self) -> bool {
        let mut reading = self.gate.lock();
        if *reading == Reading::Gone {
            return false;
        }
        *reading = Reading::Stops;
        let waits = |reading: &mut Reading| *reading == Reading::Stops;
        let (mut reading, _) = self
            .gate
            .changed
            .wait_timeout_while(reading, STOP, waits)
            .unwrap_or_else(PoisonError::into_inner);
        if *reading == Reading::Stops {
            *reading = Reading::Reads;
        }
        *reading == Reading::Stopped
    }

    /// Reads again.
    pub fn resume(&self) {
        let mut reading = self.gate.lock();
        if *reading != Reading::Gone {
            *reading = Reading::Reads;
        }
        self.gate.changed.notify_all();
    }
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, Reading> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, now: Reading) {
        *self.lock() = now;
        self.changed.notify_all();
    }

    /// Hands an event on, once there is room, and leaves the terminal meanwhile where it is to: who
    /// makes the room may be waiting for that. Whether anybody still wants it.
    fn hand_on(&self, events: &mpsc::Sender<Event>, mut event: Event) -> bool {
        loop {
            event = match events.try_send(event) {
                Ok(()) => return true,
                Err(TrySendError::Closed(_)) => return false,
                Err(TrySendError::Full(event)) => event,
            };
            if !self.may_read() {
                return false;
            }
            std::thread::sleep(ROOM);
        }
    }

    /// Waits where it must not be read; whether anybody still wants to read at all.
    fn may_read(&self) -> bool {
        let mut reading = self.lock();
        if *reading == Reading::Stops {
            *reading = Reading::Stopped;
            self.changed.notify_all();
        }
        let waits = |reading: &mut Reading| *reading == Reading::Stopped;
        let reading =
            self.changed.wait_while(reading, waits).unwrap_or_else(PoisonError::into_inner);
        *reading != Reading::Gone
    }
}
