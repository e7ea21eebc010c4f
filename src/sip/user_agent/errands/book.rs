//! The book of errands: what is carried, and for whom.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    num::NonZeroU32,
};

use bytes::Bytes;

use crate::sip::{
    event::{ContextId, FlowId},
    method::Method,
    status::StatusCode,
    transaction::ServerTransactionId,
    user_agent::{Route, returning::Returning},
};

/// The id of the first errand; no context has one as high.
pub(super) const FIRST: u64 = 1 << 63;

/// The errands that are under way: for each leg the ACK of one INVITE and as many PRACKs as a context
/// may have transactions; for each server transaction one answer.
#[derive(Debug, Default)]
pub(in crate::sip::user_agent) struct Errands {
    pub(super) open: BTreeMap<ContextId, Errand>,
    /// The answers among them.
    pub(super) answers: HashMap<ServerTransactionId, ContextId>,
    /// Each behind the context whose leg it is for.
    pub(super) by_owner: BTreeSet<(ContextId, ContextId)>,
    pub(super) begun: u64,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Errand {
    pub(super) carries: Carries,
    pub(super) flow: FlowId,
    pub(super) route: Route,
    /// Whether it went before and was refused: what refused it is passed over.
    pub(super) again: bool,
    /// Where it goes if no way is found: it was too large for the datagrams of that flow, or waits no
    /// longer.
    pub(super) instead: Option<FlowId>,
}

/// Whose ACK or PRACK it is.
#[derive(Clone, Debug)]
pub(in crate::sip::user_agent) struct OfLeg {
    /// The context of the INVITE.
    pub(in crate::sip::user_agent) context: ContextId,
    /// The context that has the leg.
    pub(in crate::sip::user_agent) owner: ContextId,
    /// The leg.
    pub(in crate::sip::user_agent) tag: Box<str>,
}

/// What an errand is for; `response` is what it acknowledges.
#[derive(Clone, Debug)]
pub(in crate::sip::user_agent) enum Carries {
    Ack {
        of: OfLeg,
        status: StatusCode,
        response: Bytes,
    },
    Prack {
        of: OfLeg,
        rseq: NonZeroU32,
        response: Bytes,
    },
    /// A PRACK that was written before.
    PrackAgain {
        of: OfLeg,
        prack: Bytes,
    },
    Answer(Box<Returning>),
}

impl Carries {
    /// The method of what is sent, or of what is answered.
    pub(super) fn method(&self) -> Method {
        match self {
            Carries::Ack { .. } => Method::Ack,
            Carries::Prack { .. } | Carries::PrackAgain { .. } => Method::Prack,
            Carries::Answer(answer) => answer.request.method.clone(),
        }
    }

    pub(super) fn of(&self) -> Option<&OfLeg> {
        match self {
            Carries::Ack { of, .. }
            | Carries::Prack { of, .. }
            | Carries::PrackAgain { of, .. } => Some(of),
            Carries::Answer(_) => None,
        }
    }

    /// The context in whose timeline it stands; none for an answer outside every dialog.
    pub(super) fn context(&self) -> Option<ContextId> {
        match self {
            Carries::Answer(answer) => answer.request.dialog.as_ref().map(|(id, _)| *id),
            of_leg => of_leg.of().map(|of| of.context),
        }
    }
}

impl Errands {
    pub(in crate::sip::user_agent) fn len(&self) -> usize {
        self.open.len()
    }

    /// The answer to a request that is on its way already.
    pub(in crate::sip::user_agent) fn answer_mut(
        &mut self,
        to: ServerTransactionId,
    ) -> Option<&mut Returning> {
        match &mut self.open.get_mut(self.answers.get(&to)?)?.carries {
            Carries::Answer(answer) => Some(answer),
            _ => None,
        }
    }
}

/// Whether an id is an errand's.
pub(in crate::sip::user_agent) fn is_errand(id: ContextId) -> bool {
    id.0 >= FIRST
}
