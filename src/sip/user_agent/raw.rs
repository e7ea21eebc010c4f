//! Bytes that the user wrote: sent unchanged, in a context of their own.
//!
//! Where a transaction can carry them it does, and everything that follows from it follows: they
//! are sent again as they are, an INVITE gets its ACK, its CANCEL and its legs. What is written
//! anew here is never they themselves: no credentials are added, no redirect is followed.
//!
//! Two requests that are under way cannot share a branch (RFC 3261 §8.1.1.7). So bytes with the
//! branch, sent-by and CSeq method of a request that is under way on the same flow are a
//! retransmission of it by hand: they go out once, and its context hears what answers them, as it
//! would after a retransmission by timer. Once its transaction is over they begin one of their own.

use std::time::Instant;

use bytes::Bytes;

use super::{
    UserAgent,
    foreign::Foreign,
    sending::{For, as_uri},
    transactions::Key,
};
use crate::sip::{
    cause::Cause,
    context::{Request, Waiting},
    event::{ContextId, Created, Fact, FlowId, State},
    header::HeaderError,
    message::Message,
    name::HeaderName,
    random::Branch,
    raw::{RawMessage, Unmatched, cseq_method},
    transport::Transport,
};

impl UserAgent {
    /// Sends bytes on a flow as they are and makes their client context, as
    /// [`UserAgent::request`] does.
    ///
    /// Where nothing can be matched to them [`Fact::Unmatched`] says why, in [`State::Sent`]; the
    /// context ends 64·T1 later ([`RawMessage::waiting`] has it otherwise), or after 2·T1 where
    /// nobody answers them, so that an error that comes for them is told in it. What comes on
    /// the flow by then and belongs to nothing is told beside them ([`Fact::Beside`]).
    pub fn send_raw(&mut self, now: Instant, flow: FlowId, raw: RawMessage) -> ContextId {
        let transport = self.flows.flow(flow).map_or(Transport::Udp, |flow| flow.transport);
        self.create_raw(now, Some(flow), transport, raw)
    }

    /// The same where the server is still being looked up, as [`UserAgent::request_by_name`] does.
    /// They go to one candidate that can be reached, and to no other after that: another would need
    /// another branch.
    pub fn send_raw_by_name(
        &mut self,
        now: Instant,
        server: &str,
        transport: Transport,
        raw: RawMessage,
    ) -> ContextId {
        let id = self.create_raw(now, None, transport, raw);
        self.tell_own(now, id, Fact::Resolving { server: server.into() });
        id
    }

    fn create_raw(
        &mut self,
        now: Instant,
        flow: Option<FlowId>,
        transport: Transport,
        raw: RawMessage,
    ) -> ContextId {
        let created = Created {
            request_uri: raw.request_uri().unwrap_or_else(|| as_uri("")),
            local_identity: raw.value(HeaderName::From),
            remote_identity: raw.value(HeaderName::To),
            call_id: raw.value(HeaderName::CallId),
            flow,
            transport,
            parent: None,
            account: None,
            registration: None,
        };
        let method = raw.method();
        let sender = For { method, credentials: None, profile: None };
        self.create(now, created, sender, None, Waiting::Raw(Box::new(raw)))
    }

    /// Sends raw bytes for the first time. `branch` stands for theirs.
    pub(super) fn start_raw(
        &mut self,
        now: Instant,
        id: ContextId,
        branch: Branch,
        raw: &RawMessage,
    ) {
        let Some(flow) = self.contexts.get(&id).map(|context| context.flow) else { return };
        match self.foreign_of(flow, raw) {
            Ok(foreign) => {
                self.transactions.stand_for(branch, foreign);
                self.start(now, id, branch, None, raw.bytes().clone());
            }
            Err(why) => self.send_unmatched(now, id, branch, raw, &why),
        }
    }

    fn foreign_of(&self, flow: FlowId, raw: &RawMessage) -> Result<Foreign, Unmatched> {
        let message = raw.matchable()?;
        let under_way = self.find_transaction(flow, message).ok();
        if let Some(entry) = under_way.and_then(|key| self.transactions.entry(key)) {
            return Err(Unmatched::Repeats(entry.context));
        }
        foreign(flow, message).map_err(Unmatched::Header)?.ok_or(Unmatched::NoBranch)
    }

    fn send_unmatched(
        &mut self,
        now: Instant,
        id: ContextId,
        branch: Branch,
        raw: &RawMessage,
        why: &Unmatched,
    ) {
        let timing = self.settings.timing;
        let wait = raw.wait().unwrap_or_else(|| match why.is_answerable() {
            true => timing.patience(),
            false => timing.t1.saturating_mul(2),
        });
        let until = now + wait;
        // A copy of its own: if it cannot be sent it is known by its place.
        let bytes = Bytes::copy_from_slice(raw.bytes());
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let flow = context.flow;
        context.state = State::Sent;
        context.cause = Some(Cause::Unmatched);
        context.request = Request::Sent { branch, bytes: bytes.clone(), to: None, attempts: 1 };
        let before = context.deadline.replace(until);
        self.transactions.arm_context(id, before, Some(until));
        self.unmatched.insert((flow, id));
        self.transmit(flow, None, bytes.clone());
        let destination = self.destination(flow, None);
        self.tell_own(now, id, Fact::Sent { message: bytes, destination });
        let listens = match why.is_answerable() {
            true => format!("; what comes within {} s is told beside it", wait.as_secs_f64()),
            false => String::new(),
        };
        self.tell_own(now, id, Fact::Unmatched { detail: format!("{why}{listens}") });
    }

    /// The transaction of a raw request that a response answers, or that these bytes begin.
    pub(super) fn find_raw(&self, flow: FlowId, message: &Message) -> Option<Key> {
        self.transactions.find_foreign(|| foreign(flow, message).ok().flatten())
    }

    /// The context that sent these very bytes, which nothing can be matched to.
    pub(super) fn find_unmatched(&self, flow: FlowId, bytes: &Bytes) -> Option<ContextId> {
        let is_it = |id: &ContextId| {
            let sent = self.contexts.get(id).and_then(|context| context.sent());
            sent.is_some_and(|sent| sent.as_ptr() == bytes.as_ptr() && sent.len() == bytes.len())
        };
        self.unmatched_on(flow).into_iter().find(is_it)
    }

    /// The context beside which something is told that came on its flow and belongs to nothing: the
    /// only one that waits there, or the only one whose bytes have that Call-ID.
    pub(super) fn find_beside(&self, flow: FlowId, bytes: &Bytes) -> Option<ContextId> {
        let waiting = self.unmatched_on(flow);
        let message = Message::read(bytes.clone()).ok();
        if waiting.is_empty() || message.as_ref().is_some_and(Message::is_request) {
            return None;
        }
        if let [only] = *waiting {
            return Some(only);
        }
        let message = message?;
        let call_id = message.call_id().ok().filter(|call_id| !call_id.is_empty())?;
        let mut named = waiting.into_iter().filter(|id| {
            let sent = self.contexts.get(id).and_then(|context| context.sent());
            sent.is_some_and(|sent| memchr::memmem::find(sent, call_id.as_bytes()).is_some())
        });
        named.next().filter(|_| named.next().is_none())
    }

    /// The contexts on a flow that nothing can be matched to, and that have not ended yet.
    pub(super) fn unmatched_on(&self, flow: FlowId) -> Vec<ContextId> {
        let of_flow = self.unmatched.range((flow, ContextId(0))..);
        of_flow.take_while(|(of, _)| *of == flow).map(|(_, id)| *id).collect()
    }
}

fn foreign(flow: FlowId, message: &Message) -> Result<Option<Foreign>, HeaderError> {
    Ok(Foreign::new(flow, &message.via()?, cseq_method(message)?))
}
