//! [`Settings`]: what a user agent can be told.

use crate::sip::{message::Limits, method::Method, transaction::Timing};

/// What a user agent can be told at its start.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// T1, T2 and T4.
    pub timing: Timing,
    /// The `User-Agent` and `Server` header.
    pub user_agent: String,
    /// Whether INVITEs say `Supported: 100rel` (RFC 3262), and what requires it of us is understood.
    pub reliable_provisionals: bool,
    /// Whether Contact says where the peer has seen us, where that is not our own address: behind a
    /// NAT, on UDP (RFC 3581 §4). What is registered by then is registered anew.
    pub contact_as_seen: bool,
    /// Which contacts of a 3xx are tried.
    pub redirects: Redirects,
    /// What becomes of the further legs of a forked INVITE.
    pub extra_legs: ExtraLegs,
    /// What becomes of a leg whose BYE has not ended it.
    pub failed_byes: FailedByes,
    /// The peer's methods that the user answers by hand; all others are answered at once.
    pub by_hand: Vec<Method>,
    /// The size from which on a request goes by TCP and not by UDP, in bytes (RFC 3261 §18.1.1 has
    /// 1300 where the path's MTU is unknown); `None` leaves it where it is.
    pub udp_max_bytes: Option<usize>,
    /// Bounds on what is read from the network.
    pub limits: Limits,
}

/// What becomes of further legs when several forks accept an INVITE (RFC 3261 §13.2.2.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExtraLegs {
    /// They stay up.
    #[default]
    Keep,
    /// Each but the first is hung up with BYE.
    HangUp,
}

/// What becomes of a leg whose BYE was refused, or could not be delivered. Its session is over either
/// way; its dialog ends with a 2xx, a 481, a 408 or no answer at all, and with nothing else (RFC 3261
/// §15.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailedByes {
    /// Its dialog is still there, and the user may send another BYE.
    #[default]
    KeepLeg,
    /// It is over for us: nobody would send another one.
    EndLeg,
}

/// Which contacts of a 3xx are tried (RFC 3261 §8.1.3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Redirects {
    /// None: a 3xx is a rejection.
    #[default]
    None,
    /// The one with the highest q.
    Best,
    /// One after the other, the highest q first, until one does not fail.
    All,
}

impl Settings {
    /// The `User-Agent` of requests: the account's own, else everybody's.
    pub(crate) fn user_agent_of<'a>(&'a self, profile: Option<&'a crate::sip::Profile>) -> &'a str {
        profile.and_then(|profile| profile.user_agent.as_deref()).unwrap_or(&self.user_agent)
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            timing: Timing::default(),
            user_agent: concat!("sipboard/", env!("CARGO_PKG_VERSION")).to_owned(),
            reliable_provisionals: true,
            contact_as_seen: true,
            redirects: Redirects::None,
            extra_legs: ExtraLegs::Keep,
            failed_byes: FailedByes::KeepLeg,
            by_hand: Vec::new(),
            udp_max_bytes: Some(1300),
            limits: Limits::default(),
        }
    }
}
