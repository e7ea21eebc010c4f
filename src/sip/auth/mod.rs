//! The client's side of digest authentication (RFC 3261 §22, RFC 7616, RFC 8760).
//!
//! [`AuthSessions`] keeps, for each flow, the nonces that servers handed out and how often they
//! were used; [`AuthState`] keeps what one client context tried. Neither holds a password:
//! [`Credentials`] are handed in whenever something is computed. No randomness of its own either:
//! a cnonce is drawn by the caller.
//!
//! A context goes through here three times:
//!
//! ```text
//!  before the first request   AuthSessions::ahead    credentials that a server is known to want
//!  every response             AuthSessions::learn    what was sent is good; the server's own proof
//!  a 401 or 407, after that   AuthSessions::answer   the headers of the retry, or why there is none
//! ```
//!
//! What no request may do: answer the same nonce twice after it was refused, or go on for ever.
//! An ACK carries a copy of its INVITE's credentials, and a CANCEL none (RFC 3261 §22.1).
//!
//! Deviation: RFC 7616 §4 wants user names and passwords in NFC where a server says
//! `charset=UTF-8`; they are used as they were typed, which keyboards do in NFC.

mod algorithm;
mod cache;
mod credentials;
mod digest;
mod info;
mod known;
mod offer;
mod record;
mod session;
mod state;

use crate::sip::{event::FlowId, message::Message, name::HeaderName, status::StatusCode};

pub use algorithm::Algorithm;
pub use credentials::{Credentials, Password};
pub use digest::Qop;
pub use known::KnownPasswords;
pub use record::{
    AnswerRecord, AuthKind, AuthRecord, ChallengeOutcome, ChallengeRecord, Choice, GiveUp,
    InfoRecord, PassedOver, QopRecord, RspAuth, UsernameForm,
};
pub use state::AuthState;

use cache::Cache;
use offer::{Candidate, Candidates, Offer};
use session::{Sent, Session, Signed};

/// The request that credentials are for.
#[derive(Clone, Copy, Debug)]
pub struct AuthRequest<'a> {
    /// The flow that it rides on: sessions belong to it.
    pub flow: FlowId,
    /// The method, as it goes on the wire.
    pub method: &'a str,
    /// The Request-URI, as it goes on the wire.
    pub uri: &'a str,
    /// The body, as it goes on the wire; `auth-int` hashes it.
    pub body: &'a [u8],
    /// What the user has: for each realm those made for it, else those for any.
    pub credentials: &'a [Credentials],
}

/// Headers that prove who the user is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorized {
    /// Every Authorization and Proxy-Authorization header of the request, in place of any that
    /// came from here before.
    pub headers: Vec<(HeaderName, String)>,
    /// How they came about.
    pub record: AuthRecord,
}

/// What to do about a 401 or 407.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Send the request again: the same Call-ID, From and To, a higher CSeq, a new branch
    /// (RFC 3261 §8.1.3.5), and these headers.
    Retry(Authorized),
    /// The response stands.
    GiveUp {
        /// Why, as a sentence.
        reason: GiveUp,
        /// What was challenged.
        record: AuthRecord,
    },
}

/// The nonces of every flow, their counts, and where they are good.
///
/// Bounded on each flow; [`AuthSessions::forget`] ends what belongs to a flow that is gone.
#[derive(Clone, Debug, Default)]
pub struct AuthSessions {
    cache: Cache,
}

impl AuthSessions {
    /// No sessions yet.
    pub fn new() -> AuthSessions {
        AuthSessions::default()
    }

    /// The flow is gone, and so is what was agreed on it.
    pub fn forget(&mut self, flow: FlowId) {
        self.cache.forget(flow);
    }

    /// Whether anybody on that flow has asked for credentials.
    pub(crate) fn knows(&self, flow: FlowId) -> bool {
        self.cache.knows(flow)
    }

    /// How many sessions are kept.
    pub(crate) fn len(&self) -> usize {
        self.cache.len()
    }

    /// Credentials to send unasked with a context's first request (RFC 3261 §22.2, §22.3): those
    /// that this flow's proxies accepted before, and its servers for this URI's protection space.
    pub fn ahead(
        &mut self,
        request: &AuthRequest<'_>,
        state: &mut AuthState,
        cnonce: &mut dyn FnMut() -> String,
    ) -> Option<Authorized> {
        // RFC 3261 §22.1: an ACK repeats what its INVITE carried, a CANCEL is never challenged.
        if matches!(request.method, "ACK" | "CANCEL") {
            return None;
        }
        let mut draft = Draft::new(None);
        for id in self.reusable(request) {
            if let Some(signed) = self.sign(id, request, true, cnonce) {
                draft.carry(signed);
            }
        }
        state.start(draft.sent);
        (!draft.headers.is_empty())
            .then_some(Authorized { headers: draft.headers, record: draft.record })
    }

    /// What to do about a response that challenges.
    pub fn answer(
        &mut self,
        request: &AuthRequest<'_>,
        response: &Message,
        state: &mut AuthState,
        cnonce: &mut dyn FnMut() -> String,
    ) -> Decision {
        let Candidates { looked_at: candidates, left_out } =
            offer::candidates(response, request.credentials);
        let refused =
            nothing_to_answer(response, &candidates).or_else(|| state.refuse(&candidates));
        if let Some(reason) = refused {
            if let GiveUp::WrongPassword { realm, .. } = &reason {
                self.cache.retain(request.flow, |session| &*session.offer.realm.text != realm);
            }
            let record = AuthRecord {
                challenges: candidates.into_iter().map(unanswered).collect(),
                left_out,
                gave_up: Some(reason.clone()),
                ..AuthRecord::new(response.status())
            };
            return Decision::GiveUp { reason, record };
        }
        self.settle(request.flow, state, &candidates);
        let draft = self.retry(request, response.status(), state, candidates, cnonce);
        state.answer(draft.sent);
        let record = AuthRecord { left_out, ..draft.record };
        Decision::Retry(Authorized { headers: draft.headers, record })
    }

    /// What a response says of the credentials that its request carried: it may confirm them, and
    /// hand out the next nonce (RFC 7616 §3.5). A proxy does so in a 401 from behind it as well.
    ///
    /// One record for each Authentication-Info and Proxy-Authentication-Info.
    pub fn learn(
        &mut self,
        flow: FlowId,
        response: &Message,
        state: &mut AuthState,
        credentials: &[Credentials],
    ) -> Vec<InfoRecord> {
        if response.status().is_some_and(confirms) {
            for sent in state.sent() {
                self.prove(flow, sent);
            }
        }
        info::learn(&mut self.cache, flow, response, state, credentials)
    }

    /// What the request carried and nobody asked for again was let through; the rest is used up.
    fn settle(&mut self, flow: FlowId, state: &AuthState, candidates: &[Candidate]) {
        for sent in state.sent() {
            if asks_again(candidates, sent) {
                self.cache.retain(flow, |session| session.id != sent.session);
            } else {
                self.prove(flow, sent);
            }
        }
    }

    fn prove(&mut self, flow: FlowId, sent: &Sent) {
        if let Some(session) = self.cache.find(flow, sent.session) {
            session.proven = true;
        }
    }

    fn retry(
        &mut self,
        request: &AuthRequest<'_>,
        status: Option<StatusCode>,
        state: &AuthState,
        candidates: Vec<Candidate>,
        cnonce: &mut dyn FnMut() -> String,
    ) -> Draft {
        let mut draft = Draft::new(status);
        // Every proxy on the way sees the whole request again, and wants its own credentials in it.
        for sent in state.sent().iter().filter(|sent| !asks_again(&candidates, sent)) {
            if let Some(id) = self.same_or_newest(request.flow, sent)
                && let Some(signed) = self.sign(id, request, sent.ahead, cnonce)
            {
                draft.carry(signed);
            }
        }
        let batch = self.cache.number();
        for (challenge, verdict) in candidates {
            match verdict {
                Err(passed_over) => draft.pass_over(challenge, passed_over),
                Ok((offer, why)) => match self.begin(request, batch, offer, cnonce) {
                    Some(signed) => draft.answer(challenge, signed, why),
                    None => draft.pass_over(challenge, PassedOver::NoCredentials),
                },
            }
        }
        draft
    }

    fn begin(
        &mut self,
        request: &AuthRequest<'_>,
        batch: u64,
        offer: Offer,
        cnonce: &mut dyn FnMut() -> String,
    ) -> Option<Signed> {
        let user = Credentials::find(request.credentials, &offer.realm.text)?;
        let session = self.cache.challenge(request.flow, batch, offer, &user.username, request.uri);
        Some(session.sign(user, request, false, cnonce))
    }

    fn sign(
        &mut self,
        id: u64,
        request: &AuthRequest<'_>,
        ahead: bool,
        cnonce: &mut dyn FnMut() -> String,
    ) -> Option<Signed> {
        let session = self.cache.find(request.flow, id)?;
        let user = session.user(request.credentials).filter(|_| session.is_usable())?;
        Some(session.sign(user, request, ahead, cnonce))
    }

    /// The sessions of the newest batch of each realm that may be used ahead.
    fn reusable(&mut self, request: &AuthRequest<'_>) -> Vec<u64> {
        let sessions = &*self.cache.flow(request.flow);
        let usable: Vec<_> = sessions
            .iter()
            .filter(|session| session.proven && session.is_usable() && session.covers(request.uri))
            .filter(|session| session.user(request.credentials).is_some())
            .collect();
        let is_newest = |session: &&&Session| {
            let Offer { kind, realm, .. } = &session.offer;
            let mut rivals =
                usable.iter().filter(|s| s.is_of(*kind, &realm.text, &session.username));
            rivals.all(|rival| rival.batch <= session.batch)
        };
        usable.iter().filter(is_newest).map(|session| session.id).collect()
    }

    /// The session of `sent`, or the newest of its realm where it had to make room.
    fn same_or_newest(&mut self, flow: FlowId, sent: &Sent) -> Option<u64> {
        let sessions = &*self.cache.flow(flow);
        let same = sessions.iter().find(|session| session.id == sent.session);
        same.or_else(|| {
            let mut newest_first = sessions.iter().rev();
            newest_first.find(|session| session.is_of(sent.kind, &sent.realm, &sent.username))
        })
        .map(|session| session.id)
    }
}

/// A request's credentials while they are gathered.
struct Draft {
    headers: Vec<(HeaderName, String)>,
    record: AuthRecord,
    sent: Vec<Sent>,
}

impl Draft {
    fn new(status: Option<StatusCode>) -> Draft {
        Draft { headers: Vec::new(), record: AuthRecord::new(status), sent: Vec::new() }
    }

    /// Takes the header; what is left is for the record.
    fn add(&mut self, Signed { header, answer, sent }: Signed) -> AnswerRecord {
        self.headers.push(header);
        self.sent.push(sent);
        answer
    }

    fn carry(&mut self, signed: Signed) {
        let answer = self.add(signed);
        self.record.carried.push(answer);
    }

    fn answer(&mut self, challenge: ChallengeRecord, signed: Signed, why: Choice) {
        let answer = self.add(signed);
        let outcome = ChallengeOutcome::Answered { answer, why };
        self.record.challenges.push(ChallengeRecord { outcome, ..challenge });
    }

    fn pass_over(&mut self, challenge: ChallengeRecord, why: PassedOver) {
        let outcome = ChallengeOutcome::PassedOver(why);
        self.record.challenges.push(ChallengeRecord { outcome, ..challenge });
    }
}

/// Whether a response comes from behind the check of credentials. A 403, 400 or 5xx may be the
/// check itself.
fn confirms(status: StatusCode) -> bool {
    matches!(status.code(), 101..=399 | 404 | 480..=489 | 600..=699)
}

fn asks_again(candidates: &[Candidate], sent: &Sent) -> bool {
    candidates.iter().any(|(record, _)| {
        record.kind == sent.kind && record.realm.as_deref() == Some(&*sent.realm)
    })
}

fn nothing_to_answer(response: &Message, candidates: &[Candidate]) -> Option<GiveUp> {
    if candidates.iter().any(|(_, verdict)| verdict.is_ok()) {
        return None;
    }
    let passed_over = || {
        candidates.iter().filter_map(|(record, verdict)| Some((record, verdict.as_ref().err()?)))
    };
    let no_credentials = passed_over().find(|(_, why)| **why == PassedOver::NoCredentials);
    if let Some((record, _)) = no_credentials {
        return Some(GiveUp::NoCredentials { realm: record.realm.clone().unwrap_or_default() });
    }
    let reasons: Vec<PassedOver> = passed_over().map(|(_, why)| why.clone()).collect();
    match reasons.is_empty() {
        false => Some(GiveUp::Unsupported(reasons)),
        true => Some(GiveUp::NoChallenge(response.status()?)),
    }
}

fn unanswered((mut record, verdict): Candidate) -> ChallengeRecord {
    record.outcome = ChallengeOutcome::PassedOver(verdict.err().unwrap_or(PassedOver::GaveUp));
    record
}
