//! [`WayBack`]: where an answer goes whose connection is gone (RFC 3261 §18.2.2).

use std::net::{IpAddr, SocketAddr};

use crate::sip::{message::Message, transport::Transport, uri::UriBuf};

/// Where a new connection for an answer leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WayBack {
    /// The transport that the request came by: TCP or TLS.
    pub transport: Transport,
    /// Where it came from, and the port at which its sender takes connections.
    pub address: SocketAddr,
    /// Where to look, should nobody take a connection there (RFC 3263 §5).
    pub then: Option<UriBuf>,
}

/// Why no new connection can carry an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoWayBack {
    /// A client of a WebSocket takes no connections.
    #[error("nobody can connect to the client of a WebSocket (RFC 7118 §5)")]
    WebSocket,
    /// The request came in a datagram, or says nothing of who sent it.
    #[error("nothing says where to make another")]
    Nowhere,
}

impl WayBack {
    /// The way of an answer as it was written: `received` and the sent-by of its top Via say it.
    ///
    /// # Errors
    ///
    /// Where there is none.
    pub fn of(answer: &Message) -> Result<WayBack, NoWayBack> {
        let via = answer.via().map_err(|_| NoWayBack::Nowhere)?;
        let transport: Transport = via.transport().parse().map_err(|()| NoWayBack::Nowhere)?;
        match transport {
            Transport::Tcp | Transport::Tls => {}
            Transport::Ws | Transport::Wss => return Err(NoWayBack::WebSocket),
            Transport::Udp => return Err(NoWayBack::Nowhere),
        }
        let bare = via.host().trim_start_matches('[').trim_end_matches(']');
        let named = bare.parse::<IpAddr>().ok();
        let from = via.received().or(named).ok_or(NoWayBack::Nowhere)?;
        let port = via.port().filter(|port| *port != 0);
        let address = SocketAddr::new(from, port.unwrap_or(transport.default_port()));
        let scheme = if transport.is_secure() { "sips" } else { "sip" };
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let then = (named != Some(from)).then(|| {
            // RFC 3263 §5: by the name of the sent-by; its transport is not asked for.
            format!("{scheme}:{}{port};transport=tcp", via.host()).parse().ok()
        });
        Ok(WayBack { transport, address, then: then.flatten() })
    }

    /// The URI of the address.
    pub fn uri(&self) -> Option<UriBuf> {
        let scheme = if self.transport.is_secure() { "sips" } else { "sip" };
        format!("{scheme}:{};transport=tcp", self.address).parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(via: &str) -> Result<(String, Option<String>), NoWayBack> {
        let text = format!("SIP/2.0 200 OK\r\nVia: SIP/2.0/{via}\r\n\r\n");
        let way = WayBack::of(&Message::read(text.into()).unwrap())?;
        Ok((way.uri().unwrap().to_string(), way.then.map(|uri| uri.to_string())))
    }

    #[test]
    fn received_goes_first_with_the_port_of_the_sent_by_and_its_name_after_that() {
        let tcp = |address: &str| format!("sip:{address};transport=tcp");
        for (via, first, then) in [
            ("TCP 192.0.2.1:5070", tcp("192.0.2.1:5070"), None),
            ("TCP 192.0.2.1", tcp("192.0.2.1:5060"), None),
            ("tcp 192.0.2.1:0", tcp("192.0.2.1:5060"), None),
            (
                "TCP a.test;received=192.0.2.1",
                tcp("192.0.2.1:5060"),
                Some("sip:a.test;transport=tcp".to_owned()),
            ),
            (
                "TCP 10.0.0.1:5070;received=192.0.2.1;rport=4242",
                tcp("192.0.2.1:5070"),
                Some(tcp("10.0.0.1:5070")),
            ),
            ("TLS [2001:db8::1]", "sips:[2001:db8::1]:5061;transport=tcp".to_owned(), None),
        ] {
            assert_eq!(way(via), Ok((first, then)), "{via}");
        }
        assert_eq!(way("WS x.invalid;received=192.0.2.1"), Err(NoWayBack::WebSocket));
        assert_eq!(way("UDP 192.0.2.1"), Err(NoWayBack::Nowhere));
        assert_eq!(way("TCP a.test"), Err(NoWayBack::Nowhere));
    }
}
