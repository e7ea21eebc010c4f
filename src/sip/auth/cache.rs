//! The sessions of each flow, bounded whatever the peers send.

use crate::sip::{
    IdMap,
    auth::{offer::Offer, session::Session},
    event::FlowId,
};

/// Sessions of one realm and user that are kept on a flow: contexts that run side by side are
/// often challenged with a nonce each.
const PER_REALM: usize = 8;
/// Sessions that are kept on a flow.
const PER_FLOW: usize = 64;

/// The oldest batch stands first.
#[derive(Clone, Debug, Default)]
pub(super) struct Cache {
    flows: IdMap<FlowId, Vec<Session>>,
    next_id: u64,
}

impl Cache {
    pub(super) fn number(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    pub(super) fn flow(&mut self, flow: FlowId) -> &mut [Session] {
        self.flows.get_mut(&flow).map_or(&mut [], Vec::as_mut_slice)
    }

    pub(super) fn find(&mut self, flow: FlowId, id: u64) -> Option<&mut Session> {
        self.flow(flow).iter_mut().find(|session| session.id == id)
    }

    pub(super) fn retain(&mut self, flow: FlowId, keep: impl FnMut(&Session) -> bool) {
        if let Some(sessions) = self.flows.get_mut(&flow) {
            sessions.retain(keep);
        }
    }

    pub(super) fn knows(&self, flow: FlowId) -> bool {
        self.flows.get(&flow).is_some_and(|sessions| !sessions.is_empty())
    }

    pub(super) fn len(&self) -> usize {
        self.flows.values().map(Vec::len).sum()
    }

    pub(super) fn forget(&mut self, flow: FlowId) {
        self.flows.remove(&flow);
    }

    /// The session of a challenge, made where its nonce is new.
    pub(super) fn challenge(
        &mut self,
        flow: FlowId,
        batch: u64,
        offer: Offer,
        username: &str,
        uri: &str,
    ) -> &mut Session {
        let id = self.number();
        let sessions = self.flows.entry(flow).or_default();
        let known = sessions.iter().position(|session| {
            session.is_of(offer.kind, &offer.realm.text, username)
                && session.offer.nonce.text == offer.nonce.text
                && session.offer.algorithm == offer.algorithm
        });
        let session = match known {
            Some(at) => {
                let mut session = sessions.remove(at);
                session.challenged_again(batch, offer, uri);
                session
            }
            None => {
                make_room(sessions, &offer, username);
                Session::new(id, batch, offer, username, uri)
            }
        };
        sessions.push(session);
        sessions.last_mut().expect("a session was pushed just now")
    }
}

fn make_room(sessions: &mut Vec<Session>, offer: &Offer, username: &str) {
    let is_rival = |session: &Session| session.is_of(offer.kind, &offer.realm.text, username);
    if sessions.iter().filter(|session| is_rival(session)).count() >= PER_REALM
        && let Some(oldest) = sessions.iter().position(is_rival)
    {
        sessions.remove(oldest);
    }
    if sessions.len() >= PER_FLOW {
        sessions.remove(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::auth::{Algorithm, AuthKind, offer::Quoted};

    fn offer(realm: &str, nonce: &str) -> Offer {
        let quoted = |text: &str| Quoted { text: text.into(), wire: text.into() };
        Offer {
            kind: AuthKind::Proxy,
            realm: quoted(realm),
            nonce: quoted(nonce),
            opaque: None,
            algorithm: Algorithm::Md5,
            algorithm_text: None,
            qop: None,
            userhash: false,
            utf8: false,
            domain: Box::default(),
        }
    }

    #[test]
    fn no_peer_can_fill_it() {
        let mut cache = Cache::default();
        let flow = FlowId(1);
        for n in 0..1000u32 {
            cache.challenge(flow, 1, offer("one realm", &n.to_string()), "alice", "sip:a");
        }
        assert_eq!(cache.flow(flow).len(), PER_REALM);
        assert_eq!(&*cache.flow(flow)[PER_REALM - 1].offer.nonce.text, "999");
        for n in 0..1000u32 {
            cache.challenge(flow, 1, offer(&n.to_string(), "n"), "alice", "sip:a");
        }
        assert_eq!(cache.flow(flow).len(), PER_FLOW);
        cache.forget(flow);
        assert!(cache.flow(flow).is_empty() && cache.flows.is_empty());
    }
}
