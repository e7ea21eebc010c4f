//! A user agent's identity and where its requests go.

use std::sync::Arc;

use crate::{
    sip::{Credentials, Identity, UriBuf},
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
    /// Where requests go, the preferred one first. Empty: the Request-URI decides.
    pub servers: Vec<ServerUri>,
    /// How its flows are made.
    pub flow: Arc<FlowSettings>,
    /// What answers a challenge; none where the user has no password.
    pub credentials: Option<Arc<[Credentials]>>,
}

impl Account {
    /// From, as requests of this account carry it.
    pub fn identity(&self) -> Identity {
        Identity { display_name: self.display_name.clone(), uri: self.uri.clone() }
    }
}
