//! How a flow is made, as far as its server's address does not say it.

use std::net::IpAddr;

/// How a flow is made. Part of its identity: two accounts that want different things of one server
/// have two flows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FlowSettings {
    /// Our own address; the system picks one where it is not set.
    pub bind: Option<IpAddr>,
}
