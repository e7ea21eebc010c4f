//! Registrations (RFC 3261 §10): what one is, where it stands, and what a registrar granted.
//!
//! The mechanism that keeps one, refreshes it and removes it, is the user agent's
//! (`user_agent/registrations.rs`); [`schedule`] says when, [`grant`] reads the registrar's answer.

mod grant;
pub(crate) mod schedule;

use std::{fmt, num::NonZeroU32, sync::Arc, time::Instant};

pub(crate) use self::grant::Ours;
pub use self::grant::{Binding, Grant};
use crate::sip::{
    auth::Credentials,
    event::FlowId,
    request::{ExtraHeader, Identity},
    status::StatusCode,
    uri::{Uri, UriBuf},
};

/// Names one registration for as long as the program runs; counts from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegistrationId(pub u32);

impl fmt::Display for RegistrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What all requests of one account have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The account's name.
    pub name: Arc<str>,
    /// The `User-Agent` header, where the user agent's own is not wanted.
    pub user_agent: Option<Box<str>>,
    /// The ways out, the preferred one first. Each is the proxies that requests pass, the first part
    /// of their preloaded route set (RFC 3261 §8.1.2). Several are flows of their own, of which the
    /// first one that is registered is used (RFC 5626 §4.2.1, §4.3).
    pub ways_out: Vec<Vec<UriBuf>>,
    /// Headers of every request outside a dialog, where it has none of that name.
    pub headers: Vec<ExtraHeader>,
    /// Which GRUU stands in Contact once a registrar has granted some.
    pub gruu: Gruu,
}

impl Profile {
    /// A profile that changes nothing.
    pub fn new(name: &str) -> Profile {
        Profile {
            name: name.into(),
            user_agent: None,
            ways_out: Vec::new(),
            headers: Vec::new(),
            gruu: Gruu::default(),
        }
    }
}

/// Which GRUU stands in the Contact of requests (RFC 5627 §4.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gruu {
    /// None: the address of the flow.
    Off,
    /// The public one, which shows the address of record.
    #[default]
    Public,
    /// The temporary one, which hides it.
    Temporary,
}

/// A registration that is to be made and kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRegistration {
    /// The account.
    pub profile: Arc<Profile>,
    /// The address of record, with the display name: From and To (RFC 3261 §10.2).
    pub identity: Identity,
    /// How many seconds are asked for; what a 423 asks for may be more.
    pub expires: u32,
    /// The instance, a URN such as `urn:uuid:…` (RFC 5626 §4.1).
    pub instance: Option<Box<str>>,
    /// Which of the instance's flows it is (RFC 5626 §4.2).
    pub reg_id: NonZeroU32,
    /// What answers a challenge.
    pub credentials: Option<Arc<[Credentials]>>,
}

/// Something that happened to a registration.
#[derive(Clone, Debug, PartialEq)]
pub struct RegistrationEvent {
    /// When.
    pub at: Instant,
    /// To which registration.
    pub registration: RegistrationId,
    /// The account's name.
    pub account: Arc<str>,
    /// Which of the account's flows it is (RFC 5626 §4.2).
    pub reg_id: NonZeroU32,
    /// The flow of its last REGISTER; none before the first, and while its name is looked up.
    pub flow: Option<FlowId>,
    /// Where it stands now.
    pub state: RegistrationState,
    /// What the registrar's last 2xx said; none before the first.
    pub grant: Option<Arc<Grant>>,
}

/// Where a registration stands.
///
/// ```text
///  Off ─► Waiting (for its flow) ─► Trying ─► Registered ◄─► Refreshing
///   ▲         ▲                       │  ▲        │               │
///   │         └── the flow broke ─────┤  └─ Failed ◄──────────────┘
///   └──────── Removing ◄──────────────┴──────────┘
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrationState {
    /// Nothing is registered, and nothing is to be.
    Off,
    /// The flow is not up, or has failed; once it is made or tried again, a REGISTER goes out.
    Waiting {
        /// Until when the registrar still holds the binding of before.
        until: Option<Instant>,
    },
    /// A REGISTER is under way, and nothing is registered, or nobody knows whether what was still
    /// leads to us.
    Trying,
    /// The registrar holds our binding.
    Registered {
        /// Until when.
        until: Instant,
        /// When it is refreshed.
        refresh_at: Instant,
    },
    /// The registrar holds our binding, and a REGISTER is under way.
    Refreshing {
        /// Until when it holds it, if that REGISTER should fail.
        until: Instant,
    },
    /// A REGISTER that removes our binding is under way.
    Removing,
    /// A REGISTER failed.
    Failed {
        /// Why. May hold text from the network.
        reason: String,
        /// The status, where a response said so.
        status: Option<StatusCode>,
        /// When it is tried again; `None` where only the user can help.
        retry_at: Option<Instant>,
        /// Until when the registrar still holds the binding of before.
        until: Option<Instant>,
    },
    /// The registration is forgotten: its account is gone, or has changed.
    Gone,
}

impl RegistrationState {
    /// Until when the registrar holds our binding, as far as is known.
    pub fn until(&self) -> Option<Instant> {
        match self {
            RegistrationState::Registered { until, .. }
            | RegistrationState::Refreshing { until } => Some(*until),
            RegistrationState::Failed { until, .. } | RegistrationState::Waiting { until } => {
                *until
            }
            _ => None,
        }
    }
}

/// The Request-URI of a REGISTER: the domain of the address of record, without a user part
/// (RFC 3261 §10.2).
pub(crate) fn registrar(address: &Uri<'_>) -> UriBuf {
    let scheme = if address.is_sips() { "sips" } else { "sip" };
    let port = address.port().map(|port| format!(":{port}")).unwrap_or_default();
    let text = format!("{scheme}:{}{port}", address.host());
    text.parse().unwrap_or_else(|_| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registrar_is_the_domain_of_the_address_of_record() {
        for (address, expected) in [
            ("sip:alice@example.org", "sip:example.org"),
            ("sips:alice:pw@example.org;user=phone", "sips:example.org"),
            ("sip:alice@[::1]:5070", "sip:[::1]:5070"),
        ] {
            let address: UriBuf = address.parse().unwrap();
            assert_eq!(registrar(&address.as_uri()).as_str(), expected);
        }
    }
}
