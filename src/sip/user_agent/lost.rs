//! Requests whose connection ends before they are answered. The peer may have had them or not, and
//! nothing tells which: the transport error goes to the user (RFC 3261 §17.1.4, §18.4), and the
//! decision with it. What goes out once more by itself stands in `crossed`.

use super::UserAgent;
use crate::sip::{
    advice,
    context::ClientContext,
    event::{Advice, ContextId},
    method::Method,
};

impl UserAgent {
    /// The retry of a request that went out on a connection and was not answered there; the user
    /// decides, because the peer may do twice what it has had twice.
    pub(super) fn retry_of_lost(&self, id: ContextId) -> Option<Box<Advice>> {
        let context = self.contexts.get(&id)?;
        let is_kept = self.registrations.is_served_by(id);
        if is_kept || context.is_cancelled() || context.method == Method::Bye {
            return None;
        }
        let request = context.message().filter(|_| self.was_lost(context))?;
        let advice = Advice {
            sentence: format!(
                "whether the peer has had the {} cannot be known: send it again where it does no harm twice (RFC 3261 §17.1.4)",
                context.method
            ),
            retry: Some(advice::again(&request)?),
        };
        Some(Box::new(self.for_account_of(id, advice)))
    }

    /// Whether a request went out on a connection that is gone.
    fn was_lost(&self, context: &ClientContext) -> bool {
        let flow = self.flows.flow(context.flow);
        context.sent().is_some()
            && flow.is_some_and(|flow| flow.transport.is_reliable())
            && !self.flows.is_up(context.flow)
    }
}
