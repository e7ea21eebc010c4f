//! Why a wish is refused: each a sentence for the user.

use super::InTheClear;
use crate::sip::{event::ContextId, method::Method, status::StatusCode};

/// Why a cancel is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CancelError {
    /// Only an INVITE can be cancelled.
    #[error("{0} cannot be cancelled (RFC 3261 §9.1)")]
    NotInvite(Method),
    /// A 2xx came already.
    #[error("already accepted: hang up with BYE instead (RFC 3261 §9.1)")]
    Accepted,
    /// A final response or a failure came already.
    #[error("already {0}: nothing is pending that could be cancelled (RFC 3261 §9.1)")]
    Over(&'static str),
    /// It was cancelled before.
    #[error("already cancelled: the CANCEL waits for a provisional response or is on its way")]
    Cancelled,
    /// Its connection ended while it rang, and what ends it is under way.
    #[error(
        "already failed with its connection: the CANCEL follows on a new one or has gone out already, and a 2xx that still comes is hung up (RFC 3261 §9.1, §13.2.2.4)"
    )]
    Forsaken,
    /// The status code is out of range.
    #[error("{0} is not a status code for Reason: write 200 to 699 (RFC 3326)")]
    BadStatus(u16),
    /// The reason phrase cannot stand in a header.
    #[error(
        "the reason phrase holds a line end or another control character, which a header cannot hold"
    )]
    BadReason,
    /// There is no such context, or it ended long ago.
    #[error("there is no context #{0}, or it ended long ago")]
    Unknown(ContextId),
}

/// Why hanging up is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HangUpError {
    /// Only an INVITE makes a dialog to hang up.
    #[error("{0} has no leg to hang up, only an accepted INVITE has (RFC 3261 §15)")]
    NotInvite(Method),
    /// Not accepted yet.
    #[error("not accepted yet: cancel it instead (RFC 3261 §15)")]
    Pending,
    /// No leg with that To tag is there.
    #[error("no leg has the tag {tag:?}, or it is over: there is {there}")]
    NoSuchLeg {
        /// The tag.
        tag: String,
        /// The legs that are there, and how each stands.
        there: String,
    },
    /// A BYE is on its way.
    #[error("already hanging up: the BYE is on its way")]
    HangingUp,
    /// It has failed with its connection, and may still be accepted.
    #[error(
        "already failed with its connection: no leg is up, and one that a late 2xx makes is hung up by itself (RFC 3261 §13.2.2.4)"
    )]
    Forsaken,
    /// No leg is up.
    #[error("already {0}: no leg is up that could be hung up (RFC 3261 §15)")]
    NoLeg(&'static str),
    /// There is no such context, or it ended long ago.
    #[error("there is no context #{0}, or it ended long ago")]
    Unknown(ContextId),
}

/// Why a request in a dialog is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DialogError {
    /// The leg is not there.
    #[error("{}", no_dialog(.0))]
    HangUp(#[from] HangUpError),
    /// Several legs are there.
    #[error("several legs are there: name one of the tags {0}")]
    WhichLeg(String),
    /// A request that follows from another.
    #[error("{0} is sent by itself where it is due")]
    Automatic(Method),
    /// A re-INVITE is under way.
    #[error("an INVITE is already in progress in this dialog (RFC 3261 §14.1)")]
    InvitePending,
    /// An UPDATE would make an offer across another one.
    #[error(
        "an offer in this dialog waits for its answer, and there is no other until it has it: send the UPDATE without a body, or later (RFC 3311 §5.1)"
    )]
    OfferPending,
    /// It would leave a secure dialog.
    #[error(transparent)]
    InTheClear(#[from] InTheClear),
    /// Only subscriptions live on in the dialog.
    #[error(
        "what made this dialog is over, and nothing lives on in it but {0}: a SUBSCRIBE with its Event refreshes that, or with Expires: 0 ends it (RFC 5057 §4.1, RFC 6665 §4.1.2.3)"
    )]
    OnlySubscriptions(String),
    /// The numbers of the dialog are used up.
    #[error("{}: hang up, or begin with a lower number", crate::sip::dialog::CSEQ_SPENT)]
    CSeqSpent,
}

/// The same reason, for a request that would not hang up.
fn no_dialog(reason: &HangUpError) -> String {
    match reason {
        HangUpError::NotInvite(method) => format!(
            "{method} has no dialog: an INVITE, SUBSCRIBE or REFER of ours makes one (RFC 3261 §12.1)"
        ),
        HangUpError::Pending => {
            "no dialog yet: a response with a To tag makes it (RFC 3261 §12.1.2)".to_owned()
        }
        HangUpError::HangingUp => "its dialog is being ended: the BYE is on its way".to_owned(),
        HangUpError::Forsaken => {
            "no dialog is up: its INVITE has failed, send it as a new request instead".to_owned()
        }
        HangUpError::NoLeg(state) => {
            format!("no dialog is up any more, it is {state}: send it as a new request instead")
        }
        HangUpError::NoSuchLeg { .. } | HangUpError::Unknown(_) => reason.to_string(),
    }
}

/// Why an answer by hand cannot be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Nothing waits.
    #[error(
        "no request of the peer waits for an answer there: it has one, or its transaction is over"
    )]
    Gone,
    /// A reliable provisional waits for its PRACK.
    #[error(
        "the {0} waits for its PRACK: until that comes no other provisional goes out that the peer requires to be reliable, nor a 2xx where the {0} describes the session (RFC 3262 §3)"
    )]
    Unacknowledged(StatusCode),
}
