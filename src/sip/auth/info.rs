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
        let is_alone = !response.repeats(kind.info_header());
        for header in response.all(kind.info_header()).filter(|header| header.text().is_ok()) {
            let value = header.unfolded();
            let params = AuthParams::new(&value);
            let next_nonce = Quoted::read(params, "nextnonce").filter(Quoted::is_sendable);
            let sent = find(state.sent_mut(), kind, is_alone, params);
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

/// The credentials that an info is about.
///
/// Its cnonce decides, or its nonce where it hands out the same again, and not its kind: Kamailio
/// confirms to Authentication-Info what came in a Proxy-Authorization. Without either, the only
/// info of its kind is about the only credentials of its kind.
fn find<'a>(
    all: &'a mut [Sent],
    kind: AuthKind,
    is_alone: bool,
    params: AuthParams<'_>,
) -> Option<&'a mut Sent> {
    let given = |name: &str| params.unquoted(name).filter(|text| !text.is_empty());
    let (cnonce, nonce) = (given("cnonce"), given("nextnonce"));
    let has_cnonce =
        |sent: &Sent| sent.qop.as_ref().is_some_and(|(_, _, ours)| cnonce.as_deref() == Some(ours));
    let has_nonce = |sent: &Sent| nonce.as_deref() == Some(&*sent.nonce);
    let only = |is: &dyn Fn(&Sent) -> bool| {
        let mut matching = (0..all.len()).filter(|at| is(&all[*at]));
        matching.next().filter(|_| matching.next().is_none())
    };
    let at = only(&has_cnonce)
        .or_else(|| only(&has_nonce))
        .or_else(|| only(&|sent| sent.kind == kind).filter(|_| is_alone))?;
    Some(&mut all[at])
}

fn verify(
    given: &str,
    params: AuthParams<'_>,
    sent: &Sent,
    session: &Session,
    response: &Message,
    credentials: &[Credentials],
) -> RspAuth {
    let qop = match params.unquoted("qop").filter(|text| !text.is_empty()) {
        None => sent.qop.as_ref().map(|(ours, ..)| *ours),
        Some(text) => match Qop::from_name(&text) {
            Some(qop) => Some(qop),
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
    let qop = match (&sent.qop, qop) {
        (Some((_, count, cnonce)), Some(qop)) => {
            if !repeats("cnonce", cnonce) || !repeats("nc", count) {
                return RspAuth::Wrong;
            }
            Some((qop, &**count, &**cnonce))
        }
        _ => None,
    };
    let body = response.body();
    let proof = Proof { nonce: &sent.nonce, qop, method: "", uri: &sent.uri, body: &body };
    let expected = proof.response(&identity(&session.offer, user, (first_nonce, first_cnonce)));
    match expected.eq_ignore_ascii_case(given) {
        true => RspAuth::Verified,
        false if qop.is_some() => RspAuth::Wrong,
        // RFC 7616 §3.5 has no rspauth without a qop; some servers send one all the same.
        false => RspAuth::Unverifiable("the request was sent without a qop"),
    }
}
