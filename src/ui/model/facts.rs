//! [`Facts`]: all that came from the engine.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Contexts, Log, PeerFlows, Registrations, Row, Statistics};
use crate::{
    engine::{FlowEvent, FlowState, Impairments, InDialog, PasswordCommand},
    sip::{DialogWriting, FlowId, KeepAliveBy, Writing},
};

/// All that came from the engine.
#[derive(Debug, Default)]
pub struct Facts {
    /// The contexts.
    pub contexts: Contexts,
    /// The registrations.
    pub registrations: Registrations,
    /// The flows.
    pub flows: BTreeMap<FlowId, Flow>,
    /// Those that peers have opened.
    pub peer_flows: PeerFlows,
    /// What belongs to no context.
    pub log: Log,
    /// What is counted.
    pub statistics: Statistics,
    /// How requests of an account are written on a flow, or on one that is still to be made, where
    /// that was asked and still holds.
    pub writings: BTreeMap<(Option<FlowId>, Option<Arc<str>>), Writing>,
    /// How a request in a dialog is written, as it was asked last.
    pub dialog_writing: Option<InDialogAsked>,
    /// What is done to messages on purpose.
    pub impairments: Impairments,
    /// The password commands that run now.
    pub asks_passwords: Vec<Arc<PasswordCommand>>,
}

impl Facts {
    /// Whether a flow is up that was made without a look at the server's certificate.
    pub fn is_insecure(&self) -> bool {
        self.flows.values().any(|flow| match &flow.event.state {
            FlowState::Up { facts, .. } => facts.tls.as_ref().is_some_and(|tls| !tls.verified),
            FlowState::Connecting | FlowState::Down { .. } | FlowState::Ended => false,
        })
    }
}

/// A flow, as it stands.
#[derive(Clone, Debug)]
pub struct Flow {
    /// As the engine said last.
    pub event: FlowEvent,
    /// How long the peer took to answer the last keep-alive, where it has answered any.
    pub rtt: Option<Duration>,
    /// How often its peer has it kept alive, and how it said so.
    pub asked: Option<(Duration, KeepAliveBy)>,
    /// The failure that has been told since it was last up.
    pub(super) told: Option<String>,
    /// When it ended and why, the last times: what rode on it then ended with that.
    pub(super) ends: VecDeque<(Instant, String)>,
}

impl Flow {
    /// How many of its ends are kept.
    pub(super) const ENDS: usize = 64;

    /// When it ended and why, the last time in the life of a row.
    pub fn ended_under(&self, row: &Row) -> Option<(Instant, &str)> {
        let lives = |at: Instant| at >= row.at && row.ended_at().is_none_or(|end| at <= end);
        let found = self.ends.iter().rev().find(|(at, _)| lives(*at))?;
        Some((found.0, &found.1))
    }
}

/// How a request in a dialog is written.
#[derive(Clone, Debug)]
pub struct InDialogAsked {
    /// What was asked.
    pub of: InDialog,
    /// How; or why it would be refused.
    pub writing: Result<Box<DialogWriting>, String>,
    /// Whether something has happened since that may have changed it.
    pub is_old: bool,
}
