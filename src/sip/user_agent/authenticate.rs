//! Credentials: sent ahead where they are known to be wanted, in answer to a challenge, and judged
//! by what the responses say of them (RFC 3261 §22, RFC 7616). The digest itself is `auth`'s.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;

use super::{UserAgent, again::Next};
use crate::sip::{
    auth::{AuthRequest, Credentials, Decision, RspAuth},
    compose,
    event::{ContextId, Fact},
    message::Message,
    name::HeaderName,
    status::StatusCode,
};

impl UserAgent {
    /// Adds the credentials that the flow's servers are known to want.
    pub(super) fn authorize_ahead(&mut self, now: Instant, id: ContextId, bytes: Bytes) -> Bytes {
        let Some((message, credentials)) = self.signable(id, bytes.clone()) else { return bytes };
        let Some(context) = self.contexts.get_mut(&id) else { return bytes };
        let method = message.method().map(|method| method.to_string()).unwrap_or_default();
        let body = message.body();
        let request = AuthRequest {
            flow: context.flow,
            method: &method,
            uri: message.request_uri().unwrap_or_default(),
            body: &body,
            credentials: &credentials,
        };
        let identifiers = &mut self.identifiers;
        let mut cnonce = || identifiers.tag();
        let ahead = self.auth.ahead(&request, &mut context.auth, &mut cnonce);
        let Some(authorized) = ahead else { return bytes };
        let record = Box::new(authorized.record);
        self.tell_own(now, id, Fact::AuthAhead { record });
        compose::with_credentials(&message, &authorized.headers)
    }

    /// A request that the user has credentials for and gave none by hand.
    fn signable(&self, id: ContextId, bytes: Bytes) -> Option<(Message, Arc<[Credentials]>)> {
        let credentials = self.contexts.get(&id)?.credentials.clone()?;
        let message = Message::read(bytes).ok()?;
        let by_hand = [HeaderName::Authorization, HeaderName::ProxyAuthorization];
        let is_fresh = by_hand.iter().all(|name| message.header(*name).is_none());
        is_fresh.then_some((message, credentials))
    }

    /// Sends the request once more with credentials; not where there are none, no challenge can be
    /// answered, or it was answered before.
    pub(super) fn answer_challenge(
        &mut self,
        now: Instant,
        id: ContextId,
        status: StatusCode,
        message: &Message,
    ) -> Next {
        let Some(context) = self.contexts.get_mut(&id) else { return Next::Stands(None) };
        let (Some(credentials), Some(sent)) = (context.credentials.clone(), context.message())
        else {
            return Next::Stands(None);
        };
        let method = context.method.to_string();
        let body = sent.body();
        let request = AuthRequest {
            flow: context.flow,
            method: &method,
            uri: sent.request_uri().unwrap_or_default(),
            body: &body,
            credentials: &credentials,
        };
        let identifiers = &mut self.identifiers;
        let mut cnonce = || identifiers.tag();
        match self.auth.answer(&request, message, &mut context.auth, &mut cnonce) {
            Decision::Retry(authorized) => {
                let response = compose::response(message, status);
                let record = Box::new(authorized.record);
                self.tell_own(now, id, Fact::Challenged { response, record });
                self.ack_before_again(now, id, status, message);
                self.send_again(now, id, None, &authorized.headers);
                Next::Again
            }
            Decision::GiveUp { record, reason } => {
                self.tell_own(now, id, Fact::AuthGivenUp { record: Box::new(record) });
                Next::Stands(Some(reason.to_string()))
            }
        }
    }

    /// Takes from a response what it says of the credentials that its request carried.
    pub(super) fn learn_credentials(&mut self, now: Instant, id: ContextId, message: &Message) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let Some(credentials) = context.credentials.clone() else { return };
        let infos = self.auth.learn(context.flow, message, &mut context.auth, &credentials);
        for info in infos
            .into_iter()
            .filter(|info| info.rspauth != RspAuth::Absent || info.next_nonce.is_some())
        {
            self.tell_own(now, id, Fact::AuthInfo(Box::new(info)));
        }
    }
}
