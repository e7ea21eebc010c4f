//! The legs: the dialogs that the answers made, as the messages in the timeline tell them
//! (RFC 3261 §12).

use std::{collections::HashSet, time::Instant};

use ratatui::style::{Modifier, Style};

use super::{
    Room,
    page::{Line, Page},
};
use crate::{
    sip::{Fact, HeaderName, LegState, Message, Method, TerminatedBy, header::NameAddr},
    ui::{
        model::{Entry, Row},
        view::time::delta,
    },
};

/// How many legs are shown; of more than a context keeps at once, those of a 2xx too many are hung
/// up and forgotten.
const MOST: usize = 128;

/// What is known of a leg.
struct Leg {
    tag: String,
    state: LegState,
    since: Instant,
    local_tag: String,
    local_uri: String,
    remote_uri: String,
    /// The highest CSeq that we sent in it, and that the peer sent.
    cseqs: (Option<u32>, Option<u32>),
    route_set: Vec<String>,
    target: Option<String>,
    /// The method that set the target last.
    target_from: String,
}

pub(super) fn page(room: &Room<'_>) -> Page {
    let (row, theme) = (room.row, &room.model.theme);
    let mut page = Page::default();
    let (legs, more) = legs(row);
    if legs.is_empty() {
        let sentence = match row.method {
            Method::Invite | Method::Subscribe | Method::Refer => {
                "No leg yet: a leg is made by the first answer with a To tag (RFC 3261 §12.1.2)."
                    .to_owned()
            }
            _ if row.created.parent.is_some() => {
                let parent = row.created.parent.map(|id| id.to_string()).unwrap_or_default();
                format!("This request was sent in a dialog of #{parent}: its legs stand there.")
            }
            _ => {
                format!("{} makes no dialog (RFC 3261 §12).", room.model.safe(row.method.as_str()))
            }
        };
        page.sentence(&sentence, 1, room.width, theme.dim);
        return page;
    }
    for (index, leg) in legs.iter().enumerate() {
        let (words, style) = state(&leg.state, room);
        let title = format!(" {} leg {}", index + 1, room.model.safe(&leg.tag));
        page.heading(title, theme.accent.add_modifier(Modifier::BOLD));
        let since = delta(leg.since.saturating_duration_since(row.at));
        let mut fact = |name, value: &str, style| {
            page.fact((name, theme.dim), &room.model.safe(value), room.width, style);
        };
        fact("state", &format!("{words}, since {since}"), style);
        let plain = Style::new();
        fact("local", &leg.local_uri, plain);
        fact("local tag", &leg.local_tag, plain);
        fact("remote", &leg.remote_uri, plain);
        fact("remote tag", &leg.tag, plain);
        let cseq = |number: Option<u32>| number.map_or("none yet".to_owned(), |n| n.to_string());
        fact("local CSeq", &cseq(leg.cseqs.0), plain);
        fact("remote CSeq", &cseq(leg.cseqs.1), plain);
        match &leg.target {
            Some(target) => {
                fact("target", &format!("{target} (from the {})", leg.target_from), plain)
            }
            None => fact("target", "unknown: no answer named a Contact", theme.pending),
        }
        if leg.route_set.is_empty() {
            fact("route set", "empty: requests go straight to the target", theme.dim);
        }
        for (number, route) in leg.route_set.iter().enumerate() {
            fact(if number == 0 { "route set" } else { "" }, route, plain);
        }
    }
    if more > 0 {
        let sentence = format!("{} legs in all: the first {MOST} are shown.", legs.len() + more);
        page.push(Line::new());
        page.sentence(&sentence, 1, room.width, theme.pending);
    }
    page
}

fn state<'a>(state: &LegState, room: &Room<'a>) -> (String, Style) {
    let theme = &room.model.theme;
    match state {
        LegState::Early => ("◐ early".to_owned(), theme.pending),
        LegState::Confirmed => ("● confirmed".to_owned(), theme.good),
        LegState::HangingUp { bye } => (format!("◑ hanging up with #{bye}"), theme.pending),
        LegState::Terminated { by } => {
            // RFC 6665 §4.4.1: a dialog that a subscription made ends with that.
            let is_call = room.row.method == Method::Invite;
            let by = match by {
                TerminatedBy::Local if is_call => "our BYE",
                TerminatedBy::Local => "our SUBSCRIBE",
                TerminatedBy::Peer if is_call => "the peer's BYE",
                TerminatedBy::Peer => "the peer's NOTIFY",
                TerminatedBy::Response(status) => &format!("a {status}"),
                TerminatedBy::Expiry => "the end of the subscription",
                TerminatedBy::GivenUp => "nobody: it was given up",
                TerminatedBy::Transport => "the connection, which broke",
            };
            (format!("○ terminated by {by}"), theme.dim)
        }
    }
}

/// The legs of a row, in the order in which they came, from what its timeline holds; and how many
/// more there are.
fn legs(row: &Row) -> (Vec<Leg>, usize) {
    let mut legs: Vec<Leg> = Vec::new();
    let mut more = HashSet::new();
    for entry in row.timeline.iter().filter(|entry| entry.context == row.id) {
        let Fact::Leg { tag, state } = &entry.fact else { continue };
        let known = legs.iter().position(|leg| *leg.tag == **tag);
        match known {
            Some(known) => (legs[known].state, legs[known].since) = (state.clone(), entry.at),
            None if legs.len() < MOST => legs.push(Leg {
                tag: tag.to_string(),
                state: state.clone(),
                since: entry.at,
                local_tag: String::new(),
                local_uri: String::new(),
                remote_uri: String::new(),
                cseqs: (None, None),
                route_set: Vec::new(),
                target: None,
                target_from: String::new(),
            }),
            None => _ = more.insert(tag),
        }
    }
    for entry in row.timeline.iter() {
        let Some(message) =
            entry.fact.message().and_then(|bytes| Message::read(bytes.clone()).ok())
        else {
            continue;
        };
        learn(&mut legs, row, entry, &message);
    }
    (legs, more.len())
}

/// What a message says of the legs.
fn learn(legs: &mut [Leg], row: &Row, entry: &Entry, message: &Message) {
    let response = entry.fact.response();
    // Who sent the request that this is, or answers.
    let ours = entry.fact.is_ours() == response.is_none();
    let (Ok(from), Ok(to), Ok(cseq)) = (message.from(), message.to(), message.cseq()) else {
        return;
    };
    let (local, remote) = if ours { (from, to) } else { (to, from) };
    let is_first = entry.context == row.id && cseq.method == row.method.as_str();
    for leg in legs {
        // The request that made the legs belongs to each of them, and has no To tag.
        if remote.tag().is_some_and(|tag| *tag != *leg.tag) || (remote.tag().is_none() && !is_first)
        {
            continue;
        }
        if !matches!(cseq.method, "ACK" | "CANCEL") {
            let highest = if ours { &mut leg.cseqs.0 } else { &mut leg.cseqs.1 };
            *highest = Some(highest.map_or(cseq.number, |known| known.max(cseq.number)));
        }
        leg.local_tag = local.tag().unwrap_or_default().to_owned();
        leg.local_uri = words(&local);
        leg.remote_uri = words(&remote);
        // RFC 3261 §12.2: the Contact of what refreshes the target becomes the target.
        let from_peer = ours != response.is_none();
        let refreshes =
            matches!(cseq.method, "INVITE" | "UPDATE" | "SUBSCRIBE" | "NOTIFY" | "REFER");
        let answers = response.is_none_or(|response| (101..300).contains(&response.status.code()));
        // What repeats an answer, or comes too late to be one, refreshes nothing.
        let repeats =
            matches!(entry.fact, Fact::Accepted { again: true, .. } | Fact::Absorbed { .. });
        if repeats && leg.target.is_some() {
            continue;
        }
        if from_peer
            && refreshes
            && answers
            && let Ok(contact) = message.contact()
        {
            leg.target = Some(contact.uri().for_request_line().into_owned());
            leg.target_from = match response {
                Some(response) => response.status.to_string(),
                None => cseq.method.to_owned(),
            };
        }
        // RFC 3261 §12.1.2: what answers the first request sets the route set, in reverse; what the
        // peer asks in the dialog, and what we answer, does not (§12.2).
        if response.is_some() && from_peer && answers && is_first {
            leg.route_set = message.list(HeaderName::RecordRoute).map(str::to_owned).collect();
            leg.route_set.reverse();
        }
    }
}

fn words(address: &NameAddr<'_>) -> String {
    let name = address.display_name();
    if name.is_empty() {
        address.uri().as_str().to_owned()
    } else {
        format!("{name} <{}>", address.uri().as_str())
    }
}
