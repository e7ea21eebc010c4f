//! Challenges as they come in a response, and which of them to answer.

use crate::sip::{
    auth::{
        AuthKind, Choice, Credentials, PassedOver,
        algorithm::Algorithm,
        digest::Qop,
        record::{ChallengeOutcome, ChallengeRecord},
    },
    header::{AuthParams, Challenge, HeaderError, challenges},
    message::Message,
    syntax,
};

/// More challenges than this in one response are counted, and not looked at.
pub(super) const MAX_CHALLENGES: usize = 16;

/// A parameter's text, and the same as it is sent back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Quoted {
    /// Without quotes and escapes: what is hashed and compared.
    pub text: Box<str>,
    /// As it came, always in quotes: a server may compare it byte for byte.
    pub wire: Box<str>,
}

impl Quoted {
    pub(super) fn read(params: AuthParams<'_>, name: &str) -> Option<Quoted> {
        let raw = params.value(name)?;
        let is_quoted = raw.starts_with('"') && syntax::quoted_end(raw, 0) == Some(raw.len());
        Some(if is_quoted {
            Quoted { text: syntax::unquote(raw).into(), wire: raw.into() }
        } else {
            Quoted { text: raw.into(), wire: syntax::quote(raw).into() }
        })
    }

    /// No header can hold a control character.
    pub(super) fn is_sendable(&self) -> bool {
        !self.wire.contains(|c: char| c.is_ascii_control() && c != '\t')
    }
}

/// A Digest challenge that can be answered.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub kind: AuthKind,
    pub realm: Quoted,
    pub nonce: Quoted,
    pub opaque: Option<Quoted>,
    pub algorithm: Algorithm,
    /// The algorithm as the challenge wrote it; it is sent back so, where it was there at all.
    pub algorithm_text: Option<Box<str>>,
    pub qop: Option<Qop>,
    pub userhash: bool,
    /// `charset=UTF-8`: the server knows RFC 7616 §4.
    pub utf8: bool,
    pub domain: Box<[Box<str>]>,
}

/// A challenge that is answered, or why it is not.
pub(super) type Candidate = (ChallengeRecord, Result<(Offer, Choice), PassedOver>);

/// What is read of a challenge, before one is chosen.
type Read = (ChallengeRecord, Result<Offer, PassedOver>);

/// The challenges of a response.
pub(super) struct Candidates {
    /// Those that are looked at, in order, each with the verdict on it.
    pub looked_at: Vec<Candidate>,
    /// How many more there are.
    pub left_out: usize,
}

/// The challenges of a response, judged.
pub(super) fn candidates(response: &Message, credentials: &[Credentials]) -> Candidates {
    let (mut read, mut left_out) = (Vec::new(), 0);
    let mut take = |challenge: &mut dyn FnMut() -> Read| match read.len() < MAX_CHALLENGES {
        true => read.push(challenge()),
        false => left_out += 1,
    };
    // RFC 3261 §16.7 (7): a forking proxy gathers challenges of both kinds in one response.
    for kind in [AuthKind::Server, AuthKind::Proxy] {
        for header in response.all(kind.challenge_header()) {
            match header.text() {
                // No loss here: it is UTF-8.
                Ok(_) => {
                    for challenge in challenges(kind.challenge_header(), &header.unfolded()) {
                        take(&mut || judge(kind, challenge));
                    }
                }
                Err(error) => take(&mut || unreadable(kind, error)),
            }
        }
    }
    Candidates { looked_at: choose(read, credentials), left_out }
}

fn judge(kind: AuthKind, challenge: Result<Challenge<'_>, HeaderError>) -> Read {
    match challenge {
        Err(error) => unreadable(kind, error),
        Ok(challenge) => (record(kind, challenge), Offer::read(kind, challenge)),
    }
}

/// The strongest of each realm; the others learn why they are not.
///
/// Deviation: RFC 8760 §2.4 takes the topmost that is supported, which trusts a server's order; the
/// strongest is never worse, and no order can talk us down to MD5.
fn choose(mut read: Vec<Read>, credentials: &[Credentials]) -> Vec<Candidate> {
    for (_, offer) in &mut read {
        if let Ok(Offer { realm, .. }) = offer
            && Credentials::find(credentials, &realm.text).is_none()
        {
            *offer = Err(PassedOver::NoCredentials);
        }
    }
    let answerable: Vec<Offer> =
        read.iter().filter_map(|(_, offer)| offer.as_ref().ok().cloned()).collect();
    let mut taken = Vec::new();
    read.into_iter()
        .map(|(record, offer)| {
            (record, offer.and_then(|offer| verdict(offer, &answerable, &mut taken)))
        })
        .collect()
}

fn verdict(
    offer: Offer,
    answerable: &[Offer],
    taken: &mut Vec<Offer>,
) -> Result<(Offer, Choice), PassedOver> {
    let rivals = answerable.iter().filter(|other| other.same_realm(&offer));
    let best = rivals.clone().map(|rival| rival.algorithm).max_by_key(|a| a.strength());
    if let Some(best) = best.filter(|best| *best != offer.algorithm) {
        return Err(PassedOver::Weaker(best));
    }
    // RFC 3261 §22.3: proxies of one realm behind a fork challenge with a nonce each.
    if taken.iter().any(|other| other.same_realm(&offer) && other.nonce.text == offer.nonce.text) {
        return Err(PassedOver::Repeated);
    }
    taken.push(offer.clone());
    let choice = match rivals.count() {
        1 => Choice::Only,
        of => Choice::Strongest { of },
    };
    Ok((offer, choice))
}

impl Offer {
    fn read(kind: AuthKind, challenge: Challenge<'_>) -> Result<Offer, PassedOver> {
        if !challenge.is_digest() {
            return Err(PassedOver::UnknownScheme(challenge.scheme().to_owned()));
        }
        let params = challenge.params();
        let quoted = |name: &'static str| match Quoted::read(params, name) {
            Some(value) if !value.is_sendable() => Err(PassedOver::ControlCharacter(name)),
            value => Ok(value),
        };
        let is_true =
            |name| params.unquoted(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let realm = quoted("realm")?.ok_or(PassedOver::Missing("realm"))?;
        let nonce = quoted("nonce")?.ok_or(PassedOver::Missing("nonce"))?;
        let (algorithm, algorithm_text) = algorithm(challenge)?;
        Ok(Offer {
            kind,
            realm,
            nonce,
            opaque: quoted("opaque")?,
            algorithm,
            algorithm_text,
            qop: qop(challenge, algorithm)?,
            userhash: is_true("userhash"),
            utf8: params.unquoted("charset").is_some_and(|c| c.eq_ignore_ascii_case("UTF-8")),
            domain: match kind {
                AuthKind::Server => {
                    let list = params.unquoted("domain").unwrap_or_default();
                    list.split_ascii_whitespace().map(Into::into).collect()
                }
                // RFC 7616 §3.3: a proxy's protection space is always the proxy.
                AuthKind::Proxy => Box::default(),
            },
        })
    }

    fn same_realm(&self, other: &Offer) -> bool {
        self.kind == other.kind && self.realm.text == other.realm.text
    }
}

fn algorithm(challenge: Challenge<'_>) -> Result<(Algorithm, Option<Box<str>>), PassedOver> {
    let Some(text) = challenge.algorithm() else {
        // RFC 7616 §3.3: without one it is MD5.
        return Ok((Algorithm::Md5, None));
    };
    match Algorithm::from_name(&text) {
        Some(algorithm) => Ok((algorithm, Some(text.into()))),
        None => Err(PassedOver::UnknownAlgorithm(text.into_owned())),
    }
}

/// `auth` goes before `auth-int`: a proxy or session border controller that may touch the body on
/// its way is common, and auth-int would then fail for no fault of the password.
fn qop(challenge: Challenge<'_>, algorithm: Algorithm) -> Result<Option<Qop>, PassedOver> {
    let offered = qop_list(challenge);
    match [Qop::Auth, Qop::AuthInt].into_iter().find(|qop| challenge.offers_qop(qop.as_str())) {
        Some(qop) => Ok(Some(qop)),
        None if !offered.is_empty() => Err(PassedOver::UnknownQop(offered.join(", "))),
        None if algorithm.is_session() => Err(PassedOver::SessionWithoutQop(algorithm)),
        None => Ok(None),
    }
}

fn qop_list(challenge: Challenge<'_>) -> Vec<String> {
    let list = challenge.params().unquoted("qop").unwrap_or_default();
    list.split(',').map(syntax::trim).filter(|qop| !qop.is_empty()).map(Into::into).collect()
}

fn record(kind: AuthKind, challenge: Challenge<'_>) -> ChallengeRecord {
    ChallengeRecord {
        kind,
        scheme: challenge.scheme().to_owned(),
        realm: challenge.realm().map(Into::into),
        algorithm: challenge.algorithm().map(Into::into),
        nonce: challenge.nonce().map(Into::into),
        qop: qop_list(challenge),
        stale: challenge.stale(),
        // Until something better happens to it.
        outcome: ChallengeOutcome::PassedOver(PassedOver::GaveUp),
    }
}

fn unreadable(kind: AuthKind, error: HeaderError) -> Read {
    let record = ChallengeRecord {
        kind,
        scheme: String::new(),
        realm: None,
        algorithm: None,
        nonce: None,
        qop: Vec::new(),
        stale: false,
        outcome: ChallengeOutcome::PassedOver(PassedOver::GaveUp),
    };
    (record, Err(PassedOver::Unreadable(error)))
}
