//! A request that crossed the end of its connection: it was sent on one that had served before, and
//! its peer had closed that already, or was about to. Nothing says that the peer is gone, so a
//! request that may be served twice goes once more, on a new connection to the same server.

use std::time::Instant;

use super::{Output, UserAgent, flows::Stood, transactions::Key};
use crate::sip::{
    context::{Elsewhere, Request, Waiting},
    event::{ContextId, Fact, FlowId, State},
    method::Method,
};

impl UserAgent {
    /// Sends a request of a flow that has just gone down on a new connection, where both have
    /// crossed. It waits for that as long as it takes to be made, and is sent as it comes up: so a
    /// connection that ends again fails it.
    pub(super) fn send_over(
        &mut self,
        now: Instant,
        flow: FlowId,
        stood: &Stood,
        id: ContextId,
        reason: &str,
    ) -> bool {
        let Some(key) = self.crossed(now, flow, stood, id) else { return false };
        self.end_transaction(key);
        self.leave_dialogs(id);
        let Some(context) = self.contexts.get_mut(&id) else { return false };
        let Request::Sent { bytes, .. } = std::mem::replace(&mut context.request, Request::Never)
        else {
            return false;
        };
        // The same branch: a server that has it already takes it for a retransmission
        // (RFC 3261 §17.2.3).
        let branch = Some(key.branch);
        let elsewhere = Elsewhere { bytes, signed: false, seen: stood.seen, to: None, branch };
        context.request = Request::Waiting(Waiting::Elsewhere(Box::new(elsewhere)));
        context.state = State::Waiting;
        let why = format!(
            "{reason} as the request went out: it is sent again on a new connection (RFC 3261 §18.1.1)"
        );
        self.tell_own(now, id, Fact::PassedOver { response: None, why: why.into() });
        self.output.push_back(Output::Reconnect(flow));
        true
    }

    /// The transaction of a request that nobody has answered, sent on a connection that had been up
    /// before, within the time that the peer's goodbye may have been on its way: T1, the estimate of
    /// the round trip (RFC 3261 §17.1.1.1).
    fn crossed(&self, now: Instant, flow: FlowId, stood: &Stood, id: ContextId) -> Option<Key> {
        let context = self.contexts.get(&id)?;
        let is_unheard = matches!(context.state, State::Calling | State::Trying);
        let is_reliable = self.flows.flow(flow)?.transport.is_reliable();
        // A server on a reliable transport forgets a non-INVITE transaction with its answer (Timer J
        // is zero, RFC 3261 §17.2.2), so the same branch may be served twice. These bring the server
        // to the same state twice or leave it as it is; an INVITE that is unanswered still has its
        // transaction (§17.2.1). INFO, MESSAGE, REFER, a SUBSCRIBE (a second dialog) and the like
        // would do twice what they ask for: they fail instead (§17.1.4, §18.4), and the retry is the
        // user's.
        let is_safe = matches!(
            context.method,
            Method::Invite | Method::Options | Method::Register | Method::Bye
        );
        if !is_safe
            || !is_unheard
            || !is_reliable
            || context.ended.is_some()
            || context.is_cancelled()
        {
            return None;
        }
        // What the user wrote byte for byte goes out once.
        let branch = context.branch().filter(|branch| !self.transactions.is_foreign(*branch))?;
        let key = Key { branch, is_cancel: false };
        let entry = self.transactions.entry(key).filter(|entry| entry.flow == flow)?;
        let sent = entry.transaction.unanswered_since()?;
        let crosses =
            sent > stood.since && now.saturating_duration_since(sent) <= self.settings.timing.t1;
        crosses.then_some(key)
    }
}
