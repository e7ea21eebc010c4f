//! Via (RFC 3261 §20.42): where the message came from, and where its answer goes.

use super::{Lint, Rule, values::members};
use crate::sip::{
    header::{Via, digits},
    message::Header,
    name::HeaderName,
};

pub(super) fn look(lint: &mut Lint<'_>) {
    let message = lint.message;
    let mut first = true;
    let mut count = 0;
    for header in message.all(HeaderName::Via) {
        let Ok(text) = header.text() else { continue };
        for member in members(HeaderName::Via, text) {
            let within = member.as_ptr() as usize - text.as_ptr() as usize;
            if let Ok(via) = Via::parse(member) {
                look_via(lint, header, within, via);
                if first {
                    look_branch(lint, header, within, via);
                }
            }
            first = false;
            count += 1;
            if count == 2 && message.status().is_some() {
                lint.header(
                    Rule::SeveralVias,
                    header,
                    within,
                    "a client drops a response with more than one Via: it is not for him",
                );
            }
        }
    }
}

fn look_branch(lint: &mut Lint<'_>, header: Header<'_>, within: usize, via: Via<'_>) {
    let Some(branch) = via.branch() else {
        lint.header(
            Rule::BranchMissing,
            header,
            within,
            "the top Via has no branch; it is matched as RFC 2543 had it",
        );
        return;
    };
    // RFC 3261 §8.1.1.7 has the cookie in one case only; §7.3.1 says that tokens compare without.
    match branch.get(..Via::MAGIC_COOKIE.len()) {
        Some(cookie) if cookie.eq_ignore_ascii_case(Via::MAGIC_COOKIE) => {
            if branch.len() == Via::MAGIC_COOKIE.len() {
                lint.header(
                    Rule::BranchEmpty,
                    header,
                    within,
                    "the branch is the cookie alone, which cannot be unique",
                );
            }
        }
        _ => lint.header(
            Rule::BranchCookie,
            header,
            within,
            format_args!("the branch {branch} does not begin with z9hG4bK; it may not be unique"),
        ),
    }
}

/// The transports that have RFCs: RFC 3261, RFC 4168, RFC 7118 and RFC 4975's relatives.
const TRANSPORTS: [&str; 8] = ["UDP", "TCP", "TLS", "SCTP", "TLS-SCTP", "TLS-UDP", "WS", "WSS"];

fn look_via(lint: &mut Lint<'_>, header: Header<'_>, within: usize, via: Via<'_>) {
    let transport = via.transport();
    if !TRANSPORTS.iter().any(|known| known.eq_ignore_ascii_case(transport)) {
        let text = format_args!("{transport} is no transport of any RFC");
        lint.header(Rule::TransportUnknown, header, within, text);
    }
    if via.host() == "255.255.255.255" && !via.params().has("maddr") {
        lint.header(
            Rule::ViaBroadcast,
            header,
            within,
            "an answer must not be sent to a broadcast address",
        );
    }
    if via.host().contains(":::") {
        lint.header(
            Rule::UriThreeColons,
            header,
            within,
            "an IPv6 address has at most two colons in a row",
        );
    }
    match via.params().value("received") {
        Some(_) if via.received().is_none() => {
            lint.header(Rule::ReceivedInvalid, header, within, "received is no IP address");
        }
        Some(text) if text.starts_with('[') => {
            lint.header(
                Rule::ReceivedBrackets,
                header,
                within,
                "an IPv6 address in received is to stand without brackets; receivers take both",
            );
        }
        _ => {}
    }
    let rport = via.params().value("rport").map(|port| digits(port.as_bytes()));
    if rport.is_some_and(|port| !port.is_some_and(|port| (1..=65535).contains(&port))) {
        lint.header(Rule::RportInvalid, header, within, "rport is no port from 1 to 65535");
    }
}
