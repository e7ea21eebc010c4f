//! What was challenged, chosen and computed, for the screen: no password, no whole response.
//!
//! Texts that came from the network are data: escape them before they reach a terminal.

use std::fmt;

use crate::sip::{
    auth::{algorithm::Algorithm, digest::Qop},
    header::HeaderError,
    name::HeaderName,
    status::StatusCode,
};

/// Who asks for credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuthKind {
    /// A user agent server or registrar: `WWW-Authenticate`, 401 (RFC 3261 §22.2).
    Server,
    /// A proxy: `Proxy-Authenticate`, 407 (RFC 3261 §22.3).
    Proxy,
}

impl AuthKind {
    /// The header that challenges.
    pub const fn challenge_header(self) -> HeaderName {
        match self {
            AuthKind::Server => HeaderName::WwwAuthenticate,
            AuthKind::Proxy => HeaderName::ProxyAuthenticate,
        }
    }

    /// The header that answers.
    pub const fn credentials_header(self) -> HeaderName {
        match self {
            AuthKind::Server => HeaderName::Authorization,
            AuthKind::Proxy => HeaderName::ProxyAuthorization,
        }
    }

    /// The header that confirms.
    pub const fn info_header(self) -> HeaderName {
        match self {
            AuthKind::Server => HeaderName::AuthenticationInfo,
            AuthKind::Proxy => HeaderName::ProxyAuthenticationInfo,
        }
    }

    /// The status that challenges.
    pub const fn status(self) -> u16 {
        match self {
            AuthKind::Server => 401,
            AuthKind::Proxy => 407,
        }
    }
}

/// One round of authentication: the challenges of a response, or the credentials that a request
/// carried unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthRecord {
    /// The status of the response that challenged; none where nobody asked.
    pub status: Option<StatusCode>,
    /// Every challenge that was looked at, in the order of the response.
    pub challenges: Vec<ChallengeRecord>,
    /// How many more challenges the response had: no more are looked at.
    pub left_out: usize,
    /// Credentials that the next request carries though this response did not ask for them:
    /// another proxy did before, or they are sent ahead.
    pub carried: Vec<AnswerRecord>,
    /// Why no request follows, where that is so.
    pub gave_up: Option<GiveUp>,
}

impl AuthRecord {
    pub(super) fn new(status: Option<StatusCode>) -> AuthRecord {
        AuthRecord {
            status,
            challenges: Vec::new(),
            left_out: 0,
            carried: Vec::new(),
            gave_up: None,
        }
    }

    /// What is to be said of the challenges that were not looked at.
    pub fn omission(&self) -> Option<String> {
        let looked_at = self.challenges.len();
        let left_out = match self.left_out {
            0 => return None,
            1 => "1 more challenge is".to_owned(),
            many => format!("{many} more challenges are"),
        };
        Some(format!("{left_out} left out: the first {looked_at} of a response are looked at"))
    }
}

/// One sentence: who is answered how, and why that one; or why nobody is.
impl fmt::Display for AuthRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if let Some(reason) = &self.gave_up {
            write!(f, "{reason}")?;
            separator = "; ";
        }
        for challenge in &self.challenges {
            if let ChallengeOutcome::Answered { answer, why } = &challenge.outcome {
                write!(f, "{separator}{answer}, {why}")?;
                separator = "; ";
            }
        }
        for answer in &self.carried {
            write!(f, "{separator}{answer}, unasked")?;
            separator = "; ";
        }
        match self.omission() {
            Some(omission) => write!(f, "{separator}{omission}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for AnswerRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {} with {}", self.username, self.realm, self.algorithm)?;
        match &self.qop {
            Some(QopRecord { qop, count, .. }) => write!(f, ", qop {qop}, nc {count}"),
            None => f.write_str(", no qop"),
        }
    }
}

/// One challenge and what became of it. Texts are as they came, without quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChallengeRecord {
    /// Who asks.
    pub kind: AuthKind,
    /// The scheme; empty where the challenge cannot be read.
    pub scheme: String,
    /// The realm.
    pub realm: Option<String>,
    /// The algorithm.
    pub algorithm: Option<String>,
    /// The nonce.
    pub nonce: Option<String>,
    /// The qop values offered, in order.
    pub qop: Vec<String>,
    /// Whether the last nonce was merely too old.
    pub stale: bool,
    /// What became of it.
    pub outcome: ChallengeOutcome,
}

/// What became of a challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChallengeOutcome {
    /// It is answered.
    Answered {
        /// With what.
        answer: AnswerRecord,
        /// Why this one.
        why: Choice,
    },
    /// It is not answered.
    PassedOver(PassedOver),
}

/// Why a challenge was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Its realm has no other that can be answered.
    Only,
    /// It is the strongest of several of its realm that can be answered.
    Strongest {
        /// How many can be answered.
        of: usize,
    },
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Choice::Only => f.write_str("the only one of its realm that can be answered"),
            Choice::Strongest { of } => {
                write!(f, "the strongest of {of} of its realm that can be answered")
            }
        }
    }
}

/// Why a challenge is not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PassedOver {
    /// The header is not readable.
    #[error("it cannot be read: {0}")]
    Unreadable(HeaderError),
    /// Not Digest.
    #[error("the scheme {0} is not supported; Digest is")]
    UnknownScheme(String),
    /// None of RFC 7616 §3.3.
    #[error("the algorithm {0} is not supported; SHA-512-256, SHA-256, MD5 and their -sess are")]
    UnknownAlgorithm(String),
    /// Neither auth nor auth-int.
    #[error("it offers no qop that is supported ({0}); auth and auth-int are")]
    UnknownQop(String),
    /// RFC 7616 §3.3 has no `-sess` without a qop: its A1 needs a cnonce.
    #[error("{0} needs a qop, and the challenge offers none (RFC 7616 §3.4.2)")]
    SessionWithoutQop(Algorithm),
    /// A parameter that every challenge must have.
    #[error("the parameter {0} is missing (RFC 7616 §3.3)")]
    Missing(&'static str),
    /// A control character would have to be sent back.
    #[error("the parameter {0} holds a control character")]
    ControlCharacter(&'static str),
    /// The strongest of a realm is chosen.
    #[error("{0} of the same realm is stronger")]
    Weaker(Algorithm),
    /// The same nonce and algorithm once more.
    #[error("it repeats another challenge")]
    Repeated,
    /// The user has no credentials for it.
    #[error("there are no credentials for its realm")]
    NoCredentials,
    /// [`AuthRecord::gave_up`] says why.
    #[error("the context gave up")]
    GaveUp,
}

/// Credentials that were computed. The password and the response are masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerRecord {
    /// For whom.
    pub kind: AuthKind,
    /// The realm.
    pub realm: String,
    /// The user name.
    pub username: String,
    /// How the user name is written.
    pub username_form: UsernameForm,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The nonce.
    pub nonce: String,
    /// The qop, the nonce count and the cnonce; none in the form of RFC 2069.
    pub qop: Option<QopRecord>,
    /// The digest-uri.
    pub uri: String,
    /// `H(A1)` in words, the password masked.
    pub a1: String,
    /// `H(A2)` in words.
    pub a2: String,
    /// The first hex digits of the response, and an ellipsis.
    pub response: String,
}

/// The part of an answer that only a qop has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QopRecord {
    /// The qop chosen.
    pub qop: Qop,
    /// How often the nonce has been used, this time included.
    pub count: u32,
    /// The cnonce.
    pub cnonce: String,
}

/// How a user name is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsernameForm {
    /// `username="…"`
    Plain,
    /// `username*=UTF-8''…` (RFC 7616 §3.4)
    Extended,
    /// Hashed (RFC 7616 §3.4.4).
    Hashed,
}

/// Why a challenge ends a context.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GiveUp {
    /// A 401 or 407 without any challenge.
    #[error("the {0} holds no challenge: it needs a WWW-Authenticate or Proxy-Authenticate header")]
    NoChallenge(StatusCode),
    /// There are no credentials at all, or none for the realms.
    #[error("credentials needed: {realm} asks for a user name and a password")]
    NoCredentials {
        /// The first realm.
        realm: String,
    },
    /// No challenge can be answered, each for a reason of its own.
    #[error("no challenge can be answered: {}", each(.0))]
    Unsupported(Vec<PassedOver>),
    /// The realm was answered and asks again (RFC 3261 §22.2, §22.3: do not try again).
    #[error("wrong password: {realm} challenged again with a {nonce} that is not stale")]
    WrongPassword {
        /// The realm.
        realm: String,
        /// `fresh nonce`, or `nonce` where it is the one that was answered.
        nonce: &'static str,
    },
    /// A nonce is called stale and handed out again.
    #[error("{realm} calls its nonce stale and hands out the same one again")]
    SameNonce {
        /// The realm.
        realm: String,
    },
    /// Every answer brought another challenge.
    #[error("gave up after {0} answers: each brought another challenge")]
    TooManyRounds(u8),
}

/// The reasons in order, each once, and numbered where there are several.
fn each(reasons: &[PassedOver]) -> String {
    let mut each: Vec<String> = Vec::new();
    for reason in reasons.iter().map(PassedOver::to_string) {
        if !each.contains(&reason) {
            each.push(reason);
        }
    }
    match &*each {
        [only] => only.clone(),
        each => {
            let numbered = each.iter().enumerate();
            let numbered: Vec<_> = numbered.map(|(n, why)| format!("({}) {why}", n + 1)).collect();
            numbered.join(", ")
        }
    }
}

/// What an Authentication-Info or Proxy-Authentication-Info said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InfoRecord {
    /// Who said it.
    pub kind: AuthKind,
    /// The realm, where the credentials that it is about are known.
    pub realm: Option<String>,
    /// The nonce to use from now on.
    pub next_nonce: Option<String>,
    /// Whether the server knows the password as well.
    pub rspauth: RspAuth,
}

/// What the server's own proof is worth (RFC 7616 §3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RspAuth {
    /// The server sent none.
    Absent,
    /// The server knows the password.
    Verified,
    /// The proof does not match: whoever answered does not know the password.
    Wrong,
    /// It cannot be checked.
    Unverifiable(&'static str),
}

impl fmt::Display for RspAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RspAuth::Absent => f.write_str("the server sent no proof that it knows the password"),
            RspAuth::Verified => f.write_str("the server proved that it knows the password"),
            RspAuth::Wrong => f.write_str(
                "wrong rspauth: whoever answered did not prove that it knows the password",
            ),
            RspAuth::Unverifiable(why) => write!(f, "rspauth cannot be checked: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_named_once() {
        let unknown = PassedOver::UnknownAlgorithm("AKAv1-MD5".to_owned());
        let reasons = vec![PassedOver::Missing("nonce"), unknown.clone(), unknown];
        assert_eq!(
            GiveUp::Unsupported(reasons).to_string(),
            "no challenge can be answered: (1) the parameter nonce is missing (RFC 7616 §3.3), (2) the algorithm AKAv1-MD5 is not supported; SHA-512-256, SHA-256, MD5 and their -sess are"
        );
    }
}
