//! What a [`Fact`] says of itself: its name, its message, where that went.

use bytes::Bytes;

use super::{
    super::{Destination, Response},
    Fact,
};
use crate::sip::{message::Message, name::HeaderName};

impl Fact {
    /// `192.0.2.1:5060 is 203.0.113.9:4242 to the peer, and Contact says so from now on`
    pub fn seen_as(&self) -> Option<String> {
        let Fact::SeenAs { local, seen, in_contact } = self else { return None };
        let says = if *in_contact { ", and Contact says so from now on" } else { "" };
        Some(format!("{local} is {seen} to the peer (RFC 3581 §4){says}"))
    }

    /// The event's name where it is part of the JSON interface.
    pub fn name(&self) -> Option<&'static str> {
        Some(match self {
            Fact::Sent { .. } => "sent",
            Fact::Retransmitted { .. } | Fact::Answered { attempt: 2.., .. } => "retransmitted",
            Fact::Progress(_) => "progress",
            Fact::Accepted { .. } => "accepted",
            Fact::Rejected { .. } => "rejected",
            Fact::Failed { .. } => "failed",
            Fact::Cancel { .. } => "cancel",
            Fact::CancelSent { .. } => "cancel_sent",
            Fact::Challenged { .. } => "challenged",
            Fact::Acked { .. } => "acked",
            Fact::Leg { .. } => "leg",
            Fact::Received { .. } => "received",
            Fact::Ended { .. } => "ended",
            Fact::Created(_)
            | Fact::Resolving { .. }
            | Fact::Resolved(_)
            | Fact::Trying(_)
            | Fact::PassedOver { .. }
            | Fact::SeenAs { .. }
            | Fact::CameOver { .. }
            | Fact::AuthGivenUp { .. }
            | Fact::AuthAhead { .. }
            | Fact::AuthInfo(_)
            | Fact::Impaired(_)
            | Fact::Redirected { .. }
            | Fact::CancelAnswered(_)
            | Fact::CancelFailed { .. }
            | Fact::CancelCrossed { .. }
            | Fact::StillUp { .. }
            | Fact::Unwanted { .. }
            | Fact::NoLeg { .. }
            | Fact::Subscription { .. }
            | Fact::Unmatched { .. }
            | Fact::Beside { .. }
            | Fact::ConnectionLost { .. }
            | Fact::AnswerFailed { .. }
            | Fact::PrackAnswered(_)
            | Fact::PrackFailed { .. }
            | Fact::AckFailed { .. }
            | Fact::NotSecure { .. }
            | Fact::Absorbed { .. }
            | Fact::Answered { .. }
            | Fact::TimerFired { .. }
            | Fact::TimersChanged
            | Fact::NeverAcked { .. } => return None,
        })
    }

    /// The response that came (or, for `Answered`, went), where the fact is about one.
    pub fn response(&self) -> Option<&Response> {
        match self {
            Fact::Progress(response)
            | Fact::Accepted { response, .. }
            | Fact::Rejected { response, .. }
            | Fact::Challenged { response, .. }
            | Fact::Redirected { response, .. }
            | Fact::CancelAnswered(response)
            | Fact::PrackAnswered(response)
            | Fact::Absorbed { response, .. } => Some(response),
            Fact::Answered { response, .. } => Some(response),
            Fact::Failed { response, .. } | Fact::PassedOver { response, .. } => {
                response.as_deref()
            }
            _ => None,
        }
    }

    /// Whether its message went from us to the peer.
    pub fn is_ours(&self) -> bool {
        matches!(
            self,
            Fact::Sent { .. }
                | Fact::Retransmitted { .. }
                | Fact::CancelSent { .. }
                | Fact::Acked { .. }
                | Fact::Answered { .. }
        )
    }

    /// Where its message went, where that is told: what goes again goes where it went before.
    pub fn destination(&self) -> Option<&Destination> {
        match self {
            Fact::Sent { destination, .. }
            | Fact::CancelSent { destination, .. }
            | Fact::Acked { destination, .. }
            | Fact::Answered { destination, .. } => Some(destination),
            _ => None,
        }
    }

    /// The bytes that went or came, where the fact is about a message.
    pub fn message(&self) -> Option<&Bytes> {
        match self {
            Fact::Sent { message, .. }
            | Fact::Retransmitted { message, .. }
            | Fact::CancelSent { message, .. }
            | Fact::Acked { message, .. }
            | Fact::Received { message, .. }
            | Fact::Beside { message, .. } => Some(message),
            // A failure repeats the response of the rejection before it.
            Fact::Failed { .. } => None,
            other => other.response().map(|response| &response.message),
        }
    }
}

/// How often an answer was sent: `2 of 11`, or `no. 2` where only the peer's repeated request sends
/// it again.
pub fn answer_attempts(response: &Response, attempt: u32, left: u32) -> String {
    let message = Message::read(response.message.clone()).ok();
    let repeats = message.as_ref().is_some_and(|message| {
        let is_final = response.status.is_final() || message.header(HeaderName::RSeq).is_some();
        is_final && message.cseq().is_ok_and(|cseq| cseq.method == "INVITE")
    });
    match repeats {
        true => format!("{attempt} of {}", attempt.saturating_add(left)),
        false => format!("no. {attempt}"),
    }
}
