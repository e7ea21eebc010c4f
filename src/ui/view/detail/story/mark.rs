//! Whose a line of the timeline is: each that belongs to another transaction than the first of its
//! context says so.

use bytes::Bytes;

use super::Teller;
use crate::sip::{Fact, Message, Method};

impl Teller<'_> {
    /// The method, with what tells it from others: the number of a PRACK, and the context where that
    /// is not the timeline's own.
    pub(super) fn name(&self) -> String {
        let method = self.entry.method.as_str();
        let message = self.entry.fact.message().filter(|_| self.entry.method == Method::Prack);
        let message = message.and_then(|message| Message::read(message.clone()).ok());
        match message.as_ref().and_then(|message| message.cseq().ok()) {
            Some(cseq) => self.numbered(&format!("{method} {}", cseq.number)),
            None => self.numbered(method),
        }
    }

    /// What came of a request: `BYE #9 ended`; just `ended` for the timeline's own.
    pub(super) fn came_to(&self, end: &str) -> String {
        match self.is_child() {
            true => format!("{} {end}", self.name()),
            false => end.to_owned(),
        }
    }

    pub(super) fn numbered(&self, what: &str) -> String {
        let what = self.model.safe(what);
        match self.is_child() {
            true => format!("{what} #{}", self.entry.context),
            false => what.into_owned(),
        }
    }

    /// Whose a line is that does not name its request itself, where that is not the timeline's own.
    pub(super) fn mark(&self) -> String {
        match &self.entry.fact {
            Fact::Sent { .. }
            | Fact::Retransmitted { .. }
            | Fact::Received { .. }
            | Fact::Answered { .. }
            | Fact::NeverAcked { .. }
            | Fact::TimerFired { .. }
            | Fact::Failed { .. }
            | Fact::Ended { .. } => String::new(),
            fact if fact.response().is_some() => String::new(),
            // The words say which request.
            Fact::Cancel { .. }
            | Fact::CancelSent { .. }
            | Fact::CancelCrossed { .. }
            | Fact::CancelFailed { .. }
            | Fact::Acked { .. }
            | Fact::AckFailed { .. }
            | Fact::PrackFailed { .. }
            | Fact::Leg { .. }
            | Fact::Subscription { .. }
            | Fact::StillUp { .. }
            | Fact::Unwanted { .. }
            | Fact::NoLeg { .. } => self.numbered(""),
            _ if self.is_child() || self.entry.method != self.row.method => {
                format!(" · {}", self.name())
            }
            _ => String::new(),
        }
    }

    pub(super) fn is_child(&self) -> bool {
        self.entry.context != self.row.id
    }

    /// The try that a response which changes nothing belongs to, where the request has gone out
    /// under another number since: `INVITE 1`.
    pub(super) fn other_try(&self, message: &Bytes) -> Option<String> {
        let number =
            |message: &Bytes| Some(Message::read(message.clone()).ok()?.cseq().ok()?.number);
        let Fact::Absorbed { .. } = &self.entry.fact else { return None };
        let before = self.row.timeline.iter().take(self.place).rev();
        let sent =
            before.filter(|before| before.context == self.entry.context).find_map(|before| {
                match &before.fact {
                    Fact::Sent { message, .. } if before.method == self.entry.method => {
                        Some(message)
                    }
                    _ => None,
                }
            });
        let of = number(message)?;
        (number(sent?)? != of)
            .then(|| self.numbered(&format!("{} {of}", self.entry.method.as_str())))
    }
}
