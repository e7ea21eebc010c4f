//! Where a peer sees us: learned from the `received` and `rport` that it puts into our Via
//! (RFC 3261 §18.2.1, RFC 3581 §4), and said in Contact from then on.
//!
//! Only on UDP: a connection is answered on itself, and the port that it comes from takes no other.

use std::{net::SocketAddr, time::Instant};

use super::{UserAgent, flows::FlowState, transactions::Key};
use crate::sip::{
    event::{Fact, FlowId},
    message::Message,
    transport::Transport,
};

impl UserAgent {
    /// A response came to a request of ours. Gives whether the peer sees us elsewhere than before.
    pub(super) fn learn_address(&mut self, now: Instant, key: Key, message: &Message) -> bool {
        let Some(entry) = self.transactions.entry(key) else { return false };
        let (id, flow) = (entry.context, entry.flow);
        // Another host may see us elsewhere, and what the user wrote need not be our Via.
        if entry.to().is_some() || self.transactions.is_foreign(key.branch) {
            return false;
        }
        let Some(state) = self.flows.state_mut(flow, Transport::Udp) else { return false };
        let FlowState::Up { sent_by, seen, .. } = state else { return false };
        let Some(address) = message.via().ok().and_then(|via| via.seen()) else { return false };
        let now_seen = (sent_by.parse() != Ok(address)).then_some(address);
        if *seen == now_seen {
            return false;
        }
        *seen = now_seen;
        let local = sent_by.clone();
        let in_contact = self.settings.contact_as_seen;
        self.tell_own(now, id, Fact::SeenAs { local, seen: address, in_contact });
        in_contact
    }

    /// What Contact says on a flow in place of our own address.
    pub(super) fn seen(&self, flow: FlowId) -> Option<SocketAddr> {
        match self.flows.flow(flow)?.state {
            FlowState::Up { seen, .. } if self.settings.contact_as_seen => seen,
            _ => None,
        }
    }
}
