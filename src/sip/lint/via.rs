//! Via (RFC 3261 §20.42): where the message came from, and where its answer goes.

use super::{Lint, Rule, values::members};
use crate::sip::{
    header::{Via, grammar},
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
                look_via(lint, header, via);
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
                lint.part(
                    Rule::BranchEmpty,
                    header,
                    branch,
                    "the branch is the cookie alone, which cannot be unique",
                );
            }
        }
        _ => lint.part(
            Rule::BranchCookie,
            header,
            branch,
            format_args!("the branch {branch} does not begin with z9hG4bK; it may not be unique"),
        ),
    }
}

/// The transports that have RFCs: RFC 3261, RFC 4168, RFC 7118 and RFC 4975's relatives.
const TRANSPORTS: [&str; 8] = ["UDP", "TCP", "TLS", "SCTP", "TLS-SCTP", "TLS-UDP", "WS", "WSS"];

fn look_via(lint: &mut Lint<'_>, header: Header<'_>, via: Via<'_>) {
    let (transport, host, params) = (via.transport(), via.host(), via.params());
    if !TRANSPORTS.iter().any(|known| known.eq_ignore_ascii_case(transport)) {
        let text = format_args!("{transport} is no transport of any RFC");
        lint.part(Rule::TransportUnknown, header, transport, text);
    }
    if host == "255.255.255.255" && !params.has("maddr") {
        let text = "an answer must not be sent to a broadcast address";
        lint.part(Rule::ViaBroadcast, header, host, text);
    }
    if host.contains(":::") {
        let text = "an IPv6 address has at most two colons in a row";
        lint.part(Rule::UriThreeColons, header, host, text);
    }
    if !grammar::is_host(host) && !host.contains(":::") {
        let text = format_args!("{host} is neither a host name nor an address");
        lint.part(Rule::SentBy, header, host, text);
    }
    if let Some(received) = params.value("received").filter(|received| received.starts_with('['))
        && via.received().is_some()
    {
        let text = "an IPv6 address in received is to stand without brackets; receivers take both";
        lint.part(Rule::ReceivedBrackets, header, received, text);
    }
}
