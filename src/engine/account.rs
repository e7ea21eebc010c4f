//! A user agent's identity, where its requests go, and whether it is registered.

use std::{fmt, sync::Arc};

use crate::{
    sip::{Credentials, Identity, Profile, UriBuf},
    transport::{FlowSettings, ServerUri},
};

/// One local identity (an account) with its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The name by which the user picks it.
    pub name: String,
    /// The address of record: the From URI.
    pub uri: UriBuf,
    /// The display name; empty for none.
    pub display_name: String,
    /// Where requests go, the preferred one first. Empty: the outbound proxy or the Request-URI
    /// decides.
    pub servers: Vec<ServerUri>,
    /// How its flows are made.
    pub flow: Arc<FlowSettings>,
    /// What answers a challenge; none where the user has no password, or a command for it.
    pub credentials: Option<Arc<[Credentials]>>,
    /// What prints the password, where it is needed for the first time.
    pub password_command: Option<Arc<PasswordCommand>>,
    /// What its requests have in common.
    pub profile: Arc<Profile>,
    /// Whether it is registered from the start.
    pub register: Register,
    /// For how many seconds a registration is asked for.
    pub expires: u32,
}

/// Whether, and over how many flows, an account is registered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Register {
    /// Only when the user asks for it.
    #[default]
    No,
    /// With its first server.
    First,
    /// With each of its servers, as a flow of its own (RFC 5626 §4.2).
    All,
}

/// A command that prints a password, and whose password it is.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PasswordCommand {
    /// The user name.
    pub username: String,
    /// The program and its arguments; at least the program.
    pub arguments: Vec<String>,
}

impl fmt::Debug for PasswordCommand {
    /// Names the program only: its arguments may hold what should not be shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PasswordCommand").field(&self.arguments.first()).finish()
    }
}

/// For how many seconds a registration is asked for, where the account does not say.
pub const DEFAULT_EXPIRES: u32 = 3600;

/// The server that a request goes to of those to choose from: the preferred one, and for a `sips`
/// target the preferred one that is encrypted (RFC 3261 §26.2.2).
pub fn server_for<'s>(servers: &'s [ServerUri], target: &UriBuf) -> Option<&'s ServerUri> {
    let is_sips = target.as_uri().is_sips();
    let secure = servers.iter().find(|server| is_sips && server.transport.is_secure());
    secure.or(servers.first())
}

impl Account {
    /// An account with nothing but a name and an address of record.
    pub fn new(name: impl Into<String>, uri: UriBuf) -> Account {
        let name = name.into();
        Account {
            profile: Arc::new(Profile::new(&name)),
            name,
            uri,
            display_name: String::new(),
            servers: Vec::new(),
            flow: Arc::default(),
            credentials: None,
            password_command: None,
            register: Register::No,
            expires: DEFAULT_EXPIRES,
        }
    }

    /// From, as requests of this account carry it.
    pub fn identity(&self) -> Identity {
        Identity { display_name: self.display_name.clone(), uri: self.uri.to_identity() }
    }
}
