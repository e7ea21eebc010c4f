//! Where something went or came from, who ended it and why, in a few words.

use std::borrow::Cow;

use crate::{
    sip::{CancelOptions, Destination, FlowId, Resolution, TerminatedBy, Transport},
    ui::{
        model::{Model, Row},
        view::text::{address, flow_text},
    },
};

/// Who ended a leg.
pub(in crate::ui::view) fn by(by: TerminatedBy) -> Cow<'static, str> {
    Cow::Borrowed(match by {
        TerminatedBy::Local => "us",
        TerminatedBy::Peer => "the peer",
        TerminatedBy::Response(status) => return format!("a {status}").into(),
        TerminatedBy::Expiry => "its expiry",
        TerminatedBy::GivenUp => "giving up",
        TerminatedBy::Transport => "the flow's end",
    })
}

/// The transport of a context, and the address that its flow leads to.
pub(in crate::ui::view) fn flow(row: &Row, model: &Model) -> String {
    match row.created.flow {
        Some(id) => over(id, row.created.transport, model),
        None if row.status.state.is_pending() => "a server that is being looked up".to_owned(),
        None => "no server: none was found".to_owned(),
    }
}

fn over(id: FlowId, transport: Transport, model: &Model) -> String {
    match model.facts.flows.get(&id) {
        Some(flow) => format!("{transport} {}", address(&flow.event.server)),
        None => format!("{transport} flow {id}"),
    }
}

/// The transport, and the address that a message of ours went to.
pub(in crate::ui::view) fn went_to(destination: &Destination, model: &Model) -> String {
    let Destination { flow, transport, to } = destination;
    let peer = || Some(model.facts.peer_flows.find(*flow)?.0.peer);
    match to.as_deref().copied().or_else(peer) {
        Some(address) => format!("{transport} {address}"),
        None => over(*flow, *transport, model),
    }
}

/// A flow that something came over: one that a peer has opened, or another one of ours.
pub(in crate::ui::view) fn whence(id: FlowId, model: &Model) -> String {
    if let Some((open, _)) = model.facts.peer_flows.find(id) {
        return format!("{}, which {} has opened", open.transport, open.peer);
    }
    match model.facts.flows.get(&id) {
        Some(flow) => format!("flow {id}, {}", flow_text(&flow.event.server)),
        None => format!("flow {id}"),
    }
}

/// How many places a look-up found, and where it looked.
pub(super) fn found(resolution: &Resolution) -> String {
    let by = if resolution.lookups.is_empty() { "by the hosts file" } else { "by DNS" };
    match resolution.candidates.len() {
        0 => "nowhere to go".to_owned(),
        1 => format!("1 candidate {by}"),
        count => format!("{count} candidates {by}"),
    }
}

/// What stands in the Reason of a CANCEL.
pub(super) fn reason(options: &CancelOptions, model: &Model) -> String {
    match (options.status_code, options.reason_phrase.as_deref()) {
        (None, None) => String::new(),
        (code, phrase) => {
            let code = code.map(|code| format!(" {code}")).unwrap_or_default();
            let phrase =
                phrase.map(|phrase| format!(" {}", model.safe(phrase))).unwrap_or_default();
            format!("Reason{code}{phrase}")
        }
    }
}
