//! [`Rule`]: what is done, and to which messages.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use crate::sip::{Direction, FlowId, Message, Method, Transport};

/// What is done, and to which messages.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// As it was written.
    pub text: Arc<str>,
    /// What is done.
    pub action: Action,
    /// How often it is done, in percent: above 0, 100 at most.
    pub percent: f64,
    /// To the first so many messages that all else applies to; none for all of them.
    pub first: Option<u64>,
    /// To messages that go this way; none for both.
    pub direction: Option<Direction>,
    /// To requests of one of these methods, and to what answers them; empty for all.
    pub methods: Vec<Method>,
    /// To responses with one of these status codes; empty for requests too.
    pub statuses: Vec<RangeInclusive<u16>>,
    /// To messages on one of these flows; empty for all.
    pub flows: Vec<FlowId>,
    /// To messages on one of these transports; empty for all.
    pub transports: Vec<Transport>,
}

/// What can be done to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Throw it away.
    Drop,
    /// Let it go, or come, twice.
    Duplicate,
    /// Hold it back for a time within these bounds, by chance.
    Delay(RangeInclusive<Duration>),
    /// Hold it back until the next one of its flow and direction has overtaken it, or for so long
    /// at most.
    Reorder(Duration),
    /// Change one byte of it.
    Corrupt,
}

/// What rules ask of a message, read once for all of them.
#[derive(Debug)]
pub(super) struct Traits {
    pub(super) direction: Direction,
    pub(super) flow: FlowId,
    pub(super) transport: Transport,
    /// The method in CSeq, as far as it can be read.
    method: Option<Method>,
    /// The status of a response.
    status: Option<u16>,
}

impl Traits {
    pub(super) fn of(
        direction: Direction,
        flow: FlowId,
        transport: Transport,
        bytes: &bytes::Bytes,
    ) -> Traits {
        let message = Message::read(bytes.clone()).ok();
        let message = message.as_ref();
        let cseq = message.and_then(|message| Some(Method::from(message.cseq().ok()?.method)));
        Traits {
            direction,
            flow,
            transport,
            method: message.and_then(Message::method).or(cseq),
            status: message.and_then(Message::status).map(|status| status.code()),
        }
    }
}

impl Rule {
    /// Whether it is about a message, chance and number aside.
    pub(super) fn is_about(&self, message: &Traits) -> bool {
        fn among<T: PartialEq>(wanted: &[T], found: Option<&T>) -> bool {
            wanted.is_empty() || found.is_some_and(|found| wanted.contains(found))
        }
        let has_status = |status| self.statuses.iter().any(|wanted| wanted.contains(&status));
        self.direction.is_none_or(|direction| direction == message.direction)
            && among(&self.flows, Some(&message.flow))
            && among(&self.transports, Some(&message.transport))
            && among(&self.methods, message.method.as_ref())
            && (self.statuses.is_empty() || message.status.is_some_and(has_status))
    }
}
