//! [`Losses`]: what the user `lossy` pretends never came.

use std::collections::{HashMap, VecDeque};

use crate::sip::{Message, Method, ServerKey};

/// How often each request of `lossy` came, for the latest ones.
#[derive(Debug, Default)]
pub(super) struct Losses {
    counts: HashMap<(ServerKey, bool), u8>,
    order: VecDeque<(ServerKey, bool)>,
}

impl Losses {
    const IGNORED: u8 = 2;
    const REMEMBERED: usize = 65_536;

    /// Whether this copy of the request is one of those that are ignored.
    pub(super) fn swallow(&mut self, request: &Message) -> bool {
        let Some(key) = ServerKey::of(request) else { return true };
        // An ACK has the key of its INVITE, and is counted on its own.
        let key = (key, request.method() == Some(Method::Ack));
        if let Some(count) = self.counts.get_mut(&key) {
            *count = count.saturating_add(1);
            return *count <= Losses::IGNORED;
        }
        if self.order.len() == Losses::REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.counts.remove(&oldest);
        }
        self.counts.insert(key.clone(), 1);
        self.order.push_back(key);
        true
    }
}
