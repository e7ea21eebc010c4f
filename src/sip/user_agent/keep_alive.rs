//! How often a flow is kept alive: asked for with `keep` in our Via (RFC 6223), and answered with its
//! value there, or by the registrar's `Flow-Timer` (RFC 5626 §4.4).

use std::time::Duration;

use super::{Output, UserAgent, transactions::Key};
use crate::sip::{
    event::FlowId, header::number, message::Message, method::Method, name::HeaderName,
    status::StatusCode,
};

/// A peer wants a flow to be kept alive at this interval at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// The flow.
    pub flow: FlowId,
    /// How often.
    pub interval: Duration,
    /// How it said so.
    pub by: KeepAliveBy,
}

/// How a peer says how often a flow is to be kept alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepAliveBy {
    /// By the `Flow-Timer` of a 2xx to a REGISTER (RFC 5626 §4.4).
    FlowTimer,
    /// By the `keep` parameter of our Via (RFC 6223 §4).
    Keep,
}

impl std::fmt::Display for KeepAliveBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            KeepAliveBy::FlowTimer => "the registrar's Flow-Timer (RFC 5626 §4.4)",
            KeepAliveBy::Keep => "keep in the peer's Via (RFC 6223)",
        })
    }
}

impl UserAgent {
    /// Whether a flow is kept alive, so that requests on it say so.
    pub fn flow_keeps_alive(&mut self, flow: FlowId, keeps_alive: bool) {
        self.flows.keeps_alive(flow, keeps_alive);
    }

    /// A response came to a request of ours, which may say how often its flow is to be kept alive.
    pub(super) fn learn_keep_alive(&mut self, key: Key, status: StatusCode, message: &Message) {
        let Some(entry) = self.transactions.entry(key) else { return };
        // What comes from another address speaks of no flow; and 100 speaks for one hop alone.
        if entry.to().is_some() || !(101..=299).contains(&status.code()) {
            return;
        }
        let flow = entry.flow;
        let timer = message
            .header(HeaderName::FlowTimer)
            .filter(|_| entry.method == Method::Register && status.is_success())
            .and_then(|header| number(HeaderName::FlowTimer, header.text().ok()?).ok());
        let keep = || {
            let via = message.via().ok().filter(|_| asks_to_keep(&entry.method))?;
            via.params().value("keep")?.parse::<u64>().ok()
        };
        let asked = match timer {
            Some(seconds) => Some((seconds, KeepAliveBy::FlowTimer)),
            None => keep().map(|seconds| (seconds, KeepAliveBy::Keep)),
        };
        // RFC 6223 §4.3: 0 recommends nothing.
        let Some((seconds, by)) = asked.filter(|(seconds, _)| *seconds > 0) else { return };
        let interval = Duration::from_secs(seconds.min(u32::MAX.into()));
        if self.flows.learn_interval(flow, interval) {
            self.output.push_back(Output::KeepAlive(KeepAlive { flow, interval, by }));
        }
    }
}

/// The requests that negotiate keep-alives: those that make a binding or a dialog (RFC 6223 §4.2).
pub(crate) fn asks_to_keep(method: &Method) -> bool {
    matches!(method, Method::Invite | Method::Register | Method::Subscribe)
}
