//! `Authentication-Info` and `Proxy-Authentication-Info` (RFC 7616 §3.5, RFC 3261 §20.6): the
//! server's own proof, and the nonce to use next.

use crate::sip::{
    auth::{
        AuthKind, AuthState, Credentials, InfoRecord, Qop, RspAuth,
        cache::Cache,
        digest::Proof,
        offer::Quoted,
        session::{Sent, Session, identity},
    },
    event::FlowId,
    header::AuthParams,
    message::Message,
};

pub(super) fn learn(
    cache: &mut Cache,
    flow: FlowId,
    response: &Message,
    state: &mut AuthState,
    credentials: &[Credentials],
) -> Vec<InfoRecord> {
    let mut records = Vec::new();
    for kind in [AuthKind::Server, AuthKind::Proxy] {
        for header in response.all(kind.info_header()).filter(|header| header.text().is_ok()) {
            let value = header.unfolded();
            let params = AuthParams::new(&value);
            let next_nonce = Quoted::read(params, "nextnonce").filter(Quoted::is_sendable);
            let sent = find(state.sent_mut(), kind, params);
            let session = sent.as_ref().and_then(|sent| cache.find(flow, sent.session));
            let rspauth = match params.unquoted("rspauth") {
                None => RspAuth::Absent,
                Some(given) => match (&sent, &session) {
                    (None, _) => RspAuth::Unverifiable("the request carried no credentials for it"),
                    (Some(_), None) => RspAuth::Unverifiable("its challenge has been forgotten"),
                    (Some(sent), Some(session)) => {
                        verify(&given, params, sent, session, response, credentials)
                    }
                },
            };
            records.push(InfoRecord {
                kind,
                realm: sent.as_ref().map(|sent| sent.realm.to_string()),
                next_nonce: next_nonce.as_ref().map(|nonce| nonce.text.to_string()),
                rspauth,
            });
            // A server that cannot prove itself hands out nothing; a response that comes again
            // hands out nothing new.
            if let (Some(sent), Some(session), Some(nonce)) = (sent, session, next_nonce)
                && rspauth != RspAuth::Wrong
                && sent.learned.as_ref() != Some(&nonce.text)
            {
                sent.learned = Some(nonce.text.clone());
                session.renew(nonce);
            }
        }
    }
    records
}

/// The credentials that an info is about: those with its cnonce, or the only ones of its kind.
fn find<'a>(all: &'a mut [Sent], kind: AuthKind, params: AuthParams<'_>) -> Option<&'a mut Sent> {
    let cnonce = params.unquoted("cnonce");
    let has_cnonce = |sent: &Sent| match (&sent.qop, &cnonce) {
        (Some((_, _, ours)), Some(theirs)) => **ours == **theirs,
        _ => false,
    };
    let mut of_kind: Vec<_> = all.iter_mut().filter(|sent| sent.kind == kind).collect();
    let at = match of_kind.iter().position(|sent| has_cnonce(sent)) {
        Some(at) => at,
        None if of_kind.len() == 1 => 0,
        None => return None,
    };
    Some(of_kind.swap_remove(at))
}

fn verify(
    given: &str,
    params: AuthParams<'_>,
    sent: &Sent,
    session: &Session,
    response: &Message,
    credentials: &[Credentials],
) -> RspAuth {
    let Some((ours, count, cnonce)) = &sent.qop else {
        return RspAuth::Unverifiable("the request was sent without a qop");
    };
    let qop = match params.unquoted("qop") {
        None => *ours,
        Some(text) => match Qop::from_name(&text) {
            Some(qop) => qop,
            None => return RspAuth::Unverifiable("its qop is neither auth nor auth-int"),
        },
    };
    let (Some(user), Some((first_nonce, first_cnonce))) =
        (session.user(credentials), &session.first)
    else {
        return RspAuth::Unverifiable("the credentials have changed since the request was sent");
    };
    // RFC 7616 §3.5: cnonce and nc are those of the request.
    let repeats = |name: &str, ours: &str| {
        params.unquoted(name).is_none_or(|theirs| theirs.eq_ignore_ascii_case(ours))
    };
    if !repeats("cnonce", cnonce) || !repeats("nc", count) {
        return RspAuth::Wrong;
    }
    let proof = Proof {
        nonce: &sent.nonce,
        qop: Some((qop, count, cnonce)),
        method: "",
        uri: &sent.uri,
        body: &response.body(),
    };
    let expected = proof.response(&identity(&session.offer, user, (first_nonce, first_cnonce)));
    if expected.eq_ignore_ascii_case(given) { RspAuth::Verified } else { RspAuth::Wrong }
}
