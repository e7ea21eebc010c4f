//! The flow: the connection that the context rides on.

use ratatui::style::{Modifier, Style};

use super::{Room, page::Page, story::whence};
use crate::{
    engine::FlowState,
    sip::{Fact, Message, Transport, TrialState},
    transport::{Certificate, TlsFacts},
    ui::{
        detail,
        model::Flow,
        view::time::{Moment, short},
    },
};

pub(super) fn page(room: &Room<'_>, moment: &Moment) -> Page {
    let (row, theme) = (room.row, &room.model.theme);
    let mut page = Page::default();
    let heading = row.created.flow.map_or(" no flow yet".to_owned(), |id| format!(" flow {id}"));
    page.heading(heading, theme.accent.add_modifier(Modifier::BOLD));
    candidates(&mut page, room);
    let mut fact = |name, value: &str, style| {
        page.fact((name, theme.dim), &room.model.safe(value), room.width, style);
    };
    let plain = Style::new();
    let flow = row.created.flow.and_then(|id| room.model.facts.flows.get(&id));
    let Some(flow) = flow else {
        fact("transport", &row.created.transport.to_string(), plain);
        fact("state", "nothing is known of it", theme.dim);
        others(&mut page, room);
        return page;
    };
    let event = &flow.event;
    fact("server", &event.server.to_string(), plain);
    fact("transport", transport(event.server.transport), plain);
    match &event.state {
        FlowState::Connecting => fact("state", "◌ connecting", theme.pending),
        FlowState::Up { local, peer, .. } => {
            fact("state", &format!("● up since {}", room.model.time.format(event.at)), theme.good);
            fact("local", &local.to_string(), plain);
            fact("peer", &peer.to_string(), plain);
        }
        FlowState::Down { reason, retry_at, .. } => {
            fact("state", &format!("✖ down since {}", room.model.time.format(event.at)), theme.bad);
            fact("why", reason, theme.bad);
            let again = match retry_at {
                Some(at) if *at <= moment.now() => {
                    "tried since, and nothing has come yet".to_owned()
                }
                Some(at) => format!("tried again in {}", moment.until(*at).trim_end()),
                None => "the next request tries it again".to_owned(),
            };
            fact("again", &again, theme.dim);
        }
        FlowState::Ended => {
            let since = room.model.time.format(event.at);
            let state = format!("○ ended at {since}: no account leads there any more");
            fact("state", &state, theme.dim);
        }
    }
    // What it ended with is not over because it was made again.
    let is_down = |at| at == event.at && matches!(event.state, FlowState::Down { .. });
    if let Some((at, why)) = flow.ended_under(row).filter(|(at, _)| !is_down(*at)) {
        fact("ended", &format!("✖ {}: {why}", room.model.time.format(at)), theme.bad);
    }
    if let Some(seen) = seen_as(room) {
        fact("seen as", &seen, plain);
    }
    if let FlowState::Up { .. } = &event.state {
        fact("keep-alive", &kept_alive(flow), plain);
    }
    for (n, place) in elsewhere(room).iter().enumerate() {
        let why = "a route set or Contact leads there, not where the flow does";
        let name = if n == 0 { "went to" } else { "" };
        fact(name, &format!("{place}: {why} (RFC 3261 §12.2.1.1)"), plain);
    }
    let (sent, came) = traffic(room);
    fact("messages", &format!("{sent} sent, {came} came for this context"), plain);
    match &event.state {
        FlowState::Up { facts, .. } => {
            if let Some(subprotocol) = &facts.subprotocol {
                fact("subprotocol", &format!("{subprotocol} (RFC 7118 §5.1)"), plain);
            }
            if let Some(tls) = &facts.tls {
                secured(&mut page, room, tls);
            }
        }
        FlowState::Down { refused, .. } if !refused.is_empty() => {
            fact("TLS", "✖ this certificate was refused, before TLS was agreed on", theme.bad);
            certificates(&mut page, room, refused);
        }
        _ => {}
    }
    others(&mut page, room);
    page
}

/// The other flows that something of the context came over: mostly a connection that the peer has
/// opened to the address in our Via or Contact.
fn others(page: &mut Page, room: &Room<'_>) {
    let (model, theme) = (room.model, &room.model.theme);
    let mut told = Vec::new();
    for entry in room.row.timeline.iter().filter(|entry| entry.context == room.row.id) {
        if let Fact::CameOver { flow } = entry.fact
            && !told.contains(&flow)
        {
            told.push(flow);
        }
    }
    for id in told {
        let Some((open, ended)) = model.facts.peer_flows.find(id) else {
            page.fact(("came over", theme.dim), &whence(id, model), room.width, Style::new());
            continue;
        };
        let mut fact = |name, value: &str, style| {
            page.fact((name, theme.dim), &room.model.safe(value), room.width, style);
        };
        fact("came over", "a connection that the peer has opened to us", Style::new());
        fact("  transport", transport(open.transport), Style::new());
        fact("  local", &open.local.to_string(), Style::new());
        fact("  peer", &open.peer.to_string(), Style::new());
        let since = format!("● up since {}", model.time.format(open.at));
        match ended.and_then(|over| over.ended.as_deref().map(|why| (over.at, why))) {
            None => fact("  state", &since, theme.good),
            Some((at, why)) => {
                fact("  state", &format!("✖ down since {}", model.time.format(at)), theme.dim);
                fact("  why", why, theme.dim);
            }
        }
    }
}

/// The addresses that requests of the context went to although its flow leads elsewhere: datagrams
/// do.
fn elsewhere(room: &Room<'_>) -> Vec<String> {
    let own = room.row.timeline.iter().filter(|entry| entry.context == room.row.id);
    let requests = own.filter(|entry| entry.fact.response().is_none());
    let mut places = Vec::new();
    for destination in requests.filter_map(|entry| entry.fact.destination()) {
        let place = destination.to.as_deref().map(|to| format!("{} {to}", destination.transport));
        if let Some(place) = place
            && !places.contains(&place)
        {
            places.push(place);
        }
    }
    places
}

/// What the look-up of the server found, and how each candidate stands (RFC 3263).
fn candidates(page: &mut Page, room: &Room<'_>) {
    let theme = &room.model.theme;
    let own = || room.row.timeline.iter().filter(|entry| entry.context == room.row.id);
    let mut fact = |name, value: &str, style| {
        page.fact((name, theme.dim), &room.model.safe(value), room.width, style);
    };
    let lookups = own().filter_map(|entry| match &entry.fact {
        Fact::Resolved(resolution) => Some(&resolution.lookups),
        _ => None,
    });
    for (n, lookup) in lookups.flat_map(|lookups| lookups.iter()).enumerate() {
        fact(if n == 0 { "DNS" } else { "" }, &lookup.to_string(), Style::new());
    }
    let last = own().filter_map(|entry| match &entry.fact {
        // An ACK or PRACK may have gone elsewhere.
        Fact::Trying(trial) if entry.method == room.row.method => Some(trial),
        _ => None,
    });
    for (n, (candidate, state)) in last.last().iter().flat_map(|trial| trial.states()).enumerate() {
        let (text, style) = match state {
            TrialState::Failed(why) => (format!("✖ {candidate}: {why}"), theme.bad),
            TrialState::InUse => (format!("▷ {candidate}"), theme.accent),
            TrialState::Untried => (format!("○ {candidate}"), theme.dim),
        };
        fact(if n == 0 { "candidates" } else { "" }, &text, style);
    }
}

/// What TLS agreed on, and whom it trusts.
fn secured(page: &mut Page, room: &Room<'_>, tls: &TlsFacts) {
    let theme = &room.model.theme;
    let mut fact = |name, value: &str, style| {
        page.fact((name, theme.dim), &room.model.safe(value), room.width, style);
    };
    let plain = Style::new();
    fact("TLS", &format!("{}, {}", tls.version, tls.cipher_suite), plain);
    if tls.verified {
        fact("verified", "● the chain and the name", theme.good);
    } else {
        fact("verified", "✖ nothing was looked at: insecure, as asked for", theme.bad);
    }
    certificates(page, room, &tls.chain);
}

/// The server's certificates, its own first.
fn certificates(page: &mut Page, room: &Room<'_>, chain: &[Certificate]) {
    let theme = &room.model.theme;
    let mut fact = |name, value: &str, style| {
        page.fact((name, theme.dim), &room.model.safe(value), room.width, style);
    };
    let plain = Style::new();
    for (number, certificate) in chain.iter().enumerate() {
        fact(if number == 0 { "certificate" } else { "signed by" }, &certificate.subject, plain);
        fact("  issuer", &certificate.issuer, plain);
        let date = |at: jiff::Timestamp| at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string();
        let validity =
            format!("{} to {}", date(certificate.not_before), date(certificate.not_after));
        fact("  valid", &validity, plain);
        let names = &certificate.names;
        let addresses = names.addresses.iter().map(ToString::to_string);
        let all: Vec<String> =
            names.uris.iter().chain(&names.dns).cloned().chain(addresses).collect();
        if !all.is_empty() {
            fact("  names", &all.join(", "), plain);
        }
    }
}

const fn transport(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp => "UDP: datagrams, sent again until somebody answers",
        Transport::Tcp => "TCP: one stream, not encrypted",
        Transport::Tls => "TLS over TCP",
        Transport::Ws => "WebSocket (RFC 7118), not encrypted",
        Transport::Wss => "WebSocket over TLS (RFC 7118)",
    }
}

/// How often the flow is kept alive, why, and how fast its peer answers.
fn kept_alive(flow: &Flow) -> String {
    let server = &flow.event.server;
    let Some(usual) = flow.event.settings.keep_alive.interval_on(server.transport) else {
        return "never, as set".to_owned();
    };
    let (interval, who) = match flow.asked {
        Some((interval, by)) => (interval, format!(", by {by}")),
        None if flow.event.settings.keep_alive.interval.is_some() => (usual, ", as set".to_owned()),
        None => (usual, String::new()),
    };
    let (what, why) = match server.transport {
        // Where nobody may answer, only the NAT on the way is to see something.
        Transport::Udp => ("CRLF", "a practice: RFC 5626 §4.4.2 has STUN on UDP"),
        Transport::Tcp | Transport::Tls => ("CRLF", "RFC 5626 §4.4.1"),
        Transport::Ws | Transport::Wss => ("a ping", "RFC 7118 §6"),
    };
    let how = match (server.transport, flow.rtt) {
        (Transport::Udp, _) => "nobody answers it".to_owned(),
        (_, Some(rtt)) => format!("answered after {}", short(rtt)),
        (_, None) => "not answered so far".to_owned(),
    };
    format!("{what} every {interval:?}{who} ({why}), {how}")
}

/// Our address as the peer sees it: `received` and `rport` of our Via (RFC 3581 §4).
fn seen_as(room: &Room<'_>) -> Option<String> {
    detail::messages(room.row).filter(|message| !message.ours).find_map(|message| {
        let message = Message::read(message.bytes.clone()).ok()?;
        message.status()?;
        let via = message.via().ok()?;
        let received = via.received();
        let rport = via.params().value("rport").filter(|port| !port.is_empty());
        match (received, rport) {
            (None, None) => None,
            (address, port) => {
                let address = address.map_or_else(|| via.host().to_owned(), |ip| ip.to_string());
                let port = port.map(|port| format!(", port {port}")).unwrap_or_default();
                Some(format!("{address}{port} (RFC 3581)"))
            }
        }
    })
}

fn traffic(room: &Room<'_>) -> (usize, usize) {
    detail::messages(room.row).fold((0, 0), |(sent, came), message| {
        if message.ours { (sent + 1, came) } else { (sent, came + 1) }
    })
}
