//! Where a message of ours went.

use std::net::SocketAddr;

use super::FlowId;
use crate::sip::transport::Transport;

/// Where a message of ours went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The flow that it rode on.
    pub flow: FlowId,
    /// That flow's transport.
    pub transport: Transport,
    /// The address, where it is not the one that the flow leads to: on UDP a request in a dialog
    /// goes to its route set or Contact (RFC 3261 §12.2.1.1), and a response where its request came
    /// from (§18.2.2). Boxed: most go along their flow, and many are kept.
    pub to: Option<Box<SocketAddr>>,
}

impl Destination {
    /// Where a flow leads.
    pub const fn along(flow: FlowId, transport: Transport) -> Destination {
        Destination { flow, transport, to: None }
    }
}
