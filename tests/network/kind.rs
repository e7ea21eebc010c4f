//! What the facts are called that are counted.

use sipboard::sip::Fact;

/// The name of a fact; what cannot happen in this network is a defect.
pub fn kind(fact: &Fact) -> &'static str {
    match fact {
        Fact::Created(_) => "created",
        Fact::Resolved(_) | Fact::Trying(_) => panic!("nothing is found here: {fact:?}"),
        Fact::Resolving { .. } => "resolving",
        Fact::PassedOver { .. } => "passed over",
        Fact::SeenAs { .. } => panic!("nobody says where we are seen: {fact:?}"),
        Fact::CameOver { .. } => "comes over",
        Fact::Sent { .. } => "sent",
        Fact::Retransmitted { .. } => "retransmitted",
        Fact::Progress(_) => "progress",
        Fact::Accepted { again: false, .. } => "accepted",
        Fact::Accepted { again: true, .. } => "accepted again",
        Fact::Rejected { .. } => "rejected",
        Fact::Failed { .. } => "failed",
        Fact::Cancel { .. } => "cancel",
        Fact::CancelSent { .. } => "cancel sent",
        Fact::Challenged { .. } => "challenged",
        Fact::AuthGivenUp { .. } => "auth given up",
        Fact::AuthAhead { .. } => "auth ahead",
        Fact::Impaired(_) => "impaired",
        Fact::AuthInfo(_) => "auth info",
        Fact::Redirected { .. } => "redirected",
        Fact::PrackAnswered(_) => "prack answered",
        Fact::PrackFailed { .. } => "prack failed",
        Fact::AckFailed { .. } => "ack failed",
        Fact::NotSecure { .. } => panic!("nothing is secure here: {fact:?}"),
        Fact::CancelAnswered(_) => "cancel answered",
        Fact::CancelCrossed { .. } => "cancel crossed",
        Fact::CancelFailed { .. } => "cancel failed",
        Fact::Acked { .. } => "acked",
        Fact::Absorbed { .. } => "absorbed",
        Fact::Leg { .. } => "leg",
        Fact::StillUp { .. } => "still up",
        // A fork that notifies after Timer N.
        Fact::NoLeg { detail, .. } if detail.contains("Timer N") => "no leg",
        Fact::Unwanted { detail, .. } if detail.contains("had failed with its connection") => {
            "accepted after its connection"
        }
        Fact::Unwanted { .. } | Fact::NoLeg { .. } => {
            panic!("no proxy forks so often here: {fact:?}")
        }
        Fact::Subscription { .. } => "subscription",
        Fact::Received { .. } => "received",
        Fact::Answered { attempt: 1, .. } => "answered",
        Fact::Answered { .. } => "answered again",
        Fact::NeverAcked { .. } => "never acked",
        Fact::TimerFired { .. } => "timer",
        Fact::TimersChanged => "timers changed",
        Fact::ConnectionLost { .. } => "connection lost",
        Fact::AnswerFailed { .. } => "answer failed",
        Fact::Beside { .. } => panic!("nothing raw is sent here: {fact:?}"),
        Fact::Unmatched { .. } => "unmatched",
        Fact::Ended { .. } => "ended",
    }
}
