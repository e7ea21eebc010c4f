//! How a request ended, and the exit status that says so.

use crate::sip::{Cause, Fact};

/// How a request ended; of many, what went most wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
// In the order of precedence: of several outcomes, the last one counts.
pub enum Outcome {
    /// A 2xx came.
    Accepted,
    /// It was sent, and nothing that comes back can be matched to it.
    Unmatched,
    /// It was cancelled, and the cancel was successful.
    Cancelled,
    /// A 300–699 came.
    Rejected,
    /// Nobody answered in time.
    TimedOut,
    /// The connection could not be made or broke, or the program failed.
    Transport,
    /// It could not be sent at all: what was asked for makes no sense.
    Refused,
}

impl Outcome {
    /// The exit status.
    pub const fn code(self) -> u8 {
        match self {
            Outcome::Accepted | Outcome::Unmatched => 0,
            Outcome::Rejected => 1,
            Outcome::Refused => 2,
            Outcome::TimedOut => 3,
            Outcome::Transport => 4,
            Outcome::Cancelled => 5,
        }
    }

    /// What a fact decides about its context, if anything. A `Rejected` decides nothing yet: the
    /// `Failed` that follows it knows whether the user cancelled.
    pub(super) fn of(fact: &Fact) -> Option<Outcome> {
        match fact {
            Fact::Accepted { .. } => Some(Outcome::Accepted),
            Fact::Failed { response, cause, .. } => {
                Some(Outcome::of_failure(*cause, response.is_some()))
            }
            Fact::Ended { cause: Cause::Accepted | Cause::Bye } => Some(Outcome::Accepted),
            Fact::Ended { cause: Cause::Unmatched } => Some(Outcome::Unmatched),
            Fact::Ended { cause } => Some(Outcome::of_failure(*cause, true)),
            _ => None,
        }
    }

    fn of_failure(cause: Cause, responded: bool) -> Outcome {
        match cause {
            Cause::Canceled => Outcome::Cancelled,
            Cause::RequestTimeout => Outcome::TimedOut,
            Cause::ConnectionError | Cause::InternalError => Outcome::Transport,
            _ if responded => Outcome::Rejected,
            _ => Outcome::Transport,
        }
    }
}
