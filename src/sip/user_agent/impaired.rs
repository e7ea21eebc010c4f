//! Whose message it was that the driver dropped, doubled, held back or corrupted.

use std::time::Instant;

use bytes::Bytes;

use super::{DialogKey, UserAgent, transactions::Key};
use crate::sip::{
    event::{ContextId, Fact, FlowId},
    impaired::{Direction, Impaired},
    message::Message,
    method::Method,
    random::Branch,
};

impl UserAgent {
    /// Something was done to a message on purpose: the context that it belongs to tells it. Where
    /// none claims it, it is given back. `original` are its bytes as they were before.
    ///
    /// # Errors
    ///
    /// What was done, where it is nobody's.
    pub fn impaired(
        &mut self,
        now: Instant,
        flow: FlowId,
        original: &Bytes,
        impaired: Box<Impaired>,
    ) -> Result<(), Box<Impaired>> {
        match self.owner(flow, impaired.direction, original) {
            Some((id, method)) => self.tell(now, id, method, Fact::Impaired(impaired)),
            None => return Err(impaired),
        }
        Ok(())
    }

    /// The context that a message belongs to, and the method of its transaction.
    fn owner(
        &self,
        flow: FlowId,
        direction: Direction,
        bytes: &Bytes,
    ) -> Option<(ContextId, Method)> {
        if direction == Direction::Out
            && let Some(id) = self.find_unmatched(flow, bytes)
        {
            return Some((id, self.contexts.get(&id)?.method.clone()));
        }
        let message = Message::read(bytes.clone()).ok()?;
        let method = Method::from(message.cseq().ok()?.method);
        let is_request = message.is_request();
        let id = if is_request == (direction == Direction::Out) {
            self.owner_of_ours(flow, &message)
        } else {
            // From and To of a response are those of its request (RFC 3261 §8.2.6.2).
            self.find_dialog(&message).map(|(id, _)| id)
        };
        Some((id?, method))
    }

    /// The context of a request of ours, or of what answers it.
    fn owner_of_ours(&self, flow: FlowId, message: &Message) -> Option<ContextId> {
        let context = |key: Key| self.transactions.entry(key).map(|entry| entry.context);
        if let Ok(key) = self.find_transaction(flow, message) {
            return context(key);
        }
        if message.method() != Some(Method::Ack) {
            return None;
        }
        // RFC 3261 §17.1.1.3: the ACK of a rejection has the branch of its INVITE.
        let branch = message.via().ok()?.branch().and_then(Branch::parse);
        let invite = branch.map(|branch| Key { branch, is_cancel: false });
        // RFC 3261 §13.2.2.4: that of a 2xx belongs to a leg, and to no transaction.
        invite.and_then(context).or_else(|| {
            let to = message.to().ok()?;
            let key = DialogKey::of_ours(message)?;
            let has_leg = |id: &ContextId| {
                let legs = self.contexts.get(id).map(|context| &context.legs);
                legs.is_some_and(|legs| legs.iter().any(|leg| Some(&*leg.tag) == to.tag()))
            };
            self.dialogs.contexts(&key).find(has_leg)
        })
    }
}
