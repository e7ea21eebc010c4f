//! Credentials: sent ahead where they are known to be wanted, in answer to a challenge, and judged
//! by what the responses say of them (RFC 3261 §22, RFC 7616). The digest itself is `auth`'s.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;

use super::{UserAgent, again::Next};
use crate::sip::{
    auth::{AuthRequest, AuthState, Credentials, Decision, RspAuth},
    compose,
    dialog::CSEQ_SPENT,
    event::{ContextId, Fact, FlowId},
    message::Message,
    method::Method,
    name::HeaderName,
    status::StatusCode,
};

impl UserAgent {
    /// Adds the credentials that the flow's servers are known to want.
    pub(super) fn authorize_ahead(&mut self, now: Instant, id: ContextId, bytes: Bytes) -> Bytes {
        let Some(context) = self.contexts.get_mut(&id) else { return bytes };
        let (method, mut state) = (context.method.clone(), std::mem::take(&mut context.auth));
        let flow = context.flow;
        let bytes = self.sign_ahead(now, (id, method), flow, &mut state, bytes);
        self.keep_auth(id, state);
        bytes
    }

    fn keep_auth(&mut self, id: ContextId, state: AuthState) {
        if let Some(context) = self.contexts.get_mut(&id) {
            context.auth = state;
        }
    }

    /// [`UserAgent::authorize_ahead`] for any request inside a context, with what was tried of it.
    pub(super) fn sign_ahead(
        &mut self,
        now: Instant,
        (id, own_method): (ContextId, Method),
        flow: FlowId,
        state: &mut AuthState,
        bytes: Bytes,
    ) -> Bytes {
        let Some((message, credentials)) = self.signable(id, bytes.clone()) else { return bytes };
        let method = message.method().map(|method| method.to_string()).unwrap_or_default();
        let body = message.body();
        let request = AuthRequest {
            flow,
            method: &method,
            uri: message.request_uri().unwrap_or_default(),
            body: &body,
            credentials: &credentials,
        };
        let identifiers = &mut self.identifiers;
        let mut cnonce = || identifiers.tag();
        let ahead = self.auth.ahead(&request, state, &mut cnonce);
        let Some(authorized) = ahead else { return bytes };
        let record = Box::new(authorized.record);
        self.tell(now, id, own_method, Fact::AuthAhead { record });
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
        let Some(sent) = context.message().filter(|_| context.credentials.is_some()) else {
            return Next::Stands(None);
        };
        let lack = context.credentials.as_deref().and_then(Credentials::lack).map(str::to_owned);
        let mut state = std::mem::take(&mut context.auth);
        let flow = context.flow;
        let decision = self.decide(id, flow, &sent, &mut state, message);
        self.keep_auth(id, state);
        match decision {
            None => Next::Stands(None),
            Some(Decision::Retry(_)) if !self.can_go_again(id) => {
                Next::Stands(Some(format!("not sent again with credentials: {CSEQ_SPENT}")))
            }
            Some(Decision::Retry(authorized)) => {
                let response = compose::response(message, status);
                let record = Box::new(authorized.record);
                self.tell_own(now, id, Fact::Challenged { response, record });
                self.ack_before_again(now, id, status, message);
                self.send_again(now, id, &authorized.headers);
                Next::Again
            }
            Some(Decision::GiveUp { record, reason }) => {
                self.tell_own(now, id, Fact::AuthGivenUp { record: Box::new(record) });
                let lack = lack.map(|why| format!("not sent again with credentials: {why}"));
                Next::Stands(Some(lack.unwrap_or_else(|| reason.to_string())))
            }
        }
    }

    /// What to do about a challenge of a request inside a context; `None` without credentials.
    pub(super) fn decide(
        &mut self,
        id: ContextId,
        flow: FlowId,
        sent: &Message,
        state: &mut AuthState,
        challenge: &Message,
    ) -> Option<Decision> {
        let context = self.contexts.get(&id)?;
        let credentials = context.credentials.clone()?;
        let (method, body) = (sent.method()?.to_string(), sent.body());
        let request = AuthRequest {
            flow,
            method: &method,
            uri: sent.request_uri().unwrap_or_default(),
            body: &body,
            credentials: &credentials,
        };
        let identifiers = &mut self.identifiers;
        let mut cnonce = || identifiers.tag();
        Some(self.auth.answer(&request, challenge, state, &mut cnonce))
    }

    /// Takes from a response what it says of the credentials that its request carried.
    pub(super) fn learn_credentials(&mut self, now: Instant, id: ContextId, message: &Message) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let (method, mut state) = (context.method.clone(), std::mem::take(&mut context.auth));
        let flow = context.flow;
        self.learn_from(now, (id, method), flow, &mut state, message);
        self.keep_auth(id, state);
    }

    /// [`UserAgent::learn_credentials`] for any request inside a context.
    pub(super) fn learn_from(
        &mut self,
        now: Instant,
        (id, method): (ContextId, Method),
        flow: FlowId,
        state: &mut AuthState,
        message: &Message,
    ) {
        let Some(context) = self.contexts.get(&id) else { return };
        let Some(credentials) = context.credentials.clone() else { return };
        let infos = self.auth.learn(flow, message, state, &credentials);
        for info in infos
            .into_iter()
            .filter(|info| info.rspauth != RspAuth::Absent || info.next_nonce.is_some())
        {
            self.tell(now, id, method.clone(), Fact::AuthInfo(Box::new(info)));
        }
    }
}
