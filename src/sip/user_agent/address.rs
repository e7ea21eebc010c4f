//! The address that a request goes to on UDP, where its URI says it without being looked up.

use std::net::{IpAddr, SocketAddr};

use crate::sip::{compose::InDialog, transport::Transport, uri::Uri};

/// Where a request in a dialog goes on UDP: to its first Route or else its Request-URI, where that
/// is an address (RFC 3261 §8.1.2). A request that goes anywhere else gets another flow.
pub(super) fn destination(transport: Transport, route: &InDialog) -> Option<SocketAddr> {
    uri_destination(transport, &route.routing.next_hop()?)
}

/// The address that a URI names by itself, on UDP.
pub(super) fn uri_destination(transport: Transport, uri: &Uri<'_>) -> Option<SocketAddr> {
    let named = uri.params().value("transport").map(str::parse);
    let is_datagram = matches!(named, None | Some(Ok(Transport::Udp))) && !uri.is_sips();
    if transport != Transport::Udp || !is_datagram {
        return None;
    }
    let host = uri.params().value("maddr").unwrap_or(uri.host());
    let address: IpAddr = host.trim_start_matches('[').trim_end_matches(']').parse().ok()?;
    Some(SocketAddr::new(address, uri.port().unwrap_or(transport.default_port())))
}
