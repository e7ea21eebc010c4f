//! Digest authentication as the users `auth` and `md5` ask for it (RFC 3261 §22, RFC 7616, RFC 8760).
//!
//! Nonces are not kept: each is a time, a salt and a hash of both with a secret. Only the nonces
//! that somebody used are remembered, for their counts.

mod credentials;

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};

use self::credentials::{Credentials, hex};
use crate::sip::{HeaderName, Message};

const REALM: &str = "sipboard demo";
const USER: &str = "demo";
const PASSWORD: &str = "demo";

/// How many used nonces are remembered at most; the oldest is forgotten first, and so not
/// accepted again.
const REMEMBERED: usize = 65_536;

/// What a request's credentials are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    /// There are none.
    Missing,
    /// Wrong ones, and in what.
    Wrong(&'static str),
    /// The right password with a nonce that is too old or used up.
    Stale(&'static str),
}

impl Verdict {
    /// Why credentials are refused; nothing where there are none.
    pub(super) fn reason(self) -> Option<&'static str> {
        match self {
            Verdict::Good | Verdict::Missing => None,
            Verdict::Wrong(why) | Verdict::Stale(why) => Some(why),
        }
    }
}

/// An algorithm that is offered, by its name in a challenge.
pub(super) type Algorithm = &'static str;

/// What the user `auth` offers.
///
/// Deviation: RFC 8760 §2.4 has the one to prefer first, which is SHA-256. But sipsak and SIPp up to
/// 3.6 give up where the first is not MD5, and who knows both sees both.
pub(super) const BOTH: &[Algorithm] = &["MD5", "SHA-256"];

/// What the user `md5` offers, for clients that cannot pass over what they do not know.
pub(super) const MD5_ALONE: &[Algorithm] = &["MD5"];

#[derive(Debug)]
pub(super) struct Authenticator {
    secret: String,
    began: Instant,
    /// How long a nonce is good for.
    lifetime: Duration,
    /// The highest count seen with a nonce; `None` where it was used without one.
    counts: HashMap<Box<str>, Option<u32>>,
    order: VecDeque<Box<str>>,
    /// No nonce from before this is good any more.
    forgotten_until: Duration,
}

impl Authenticator {
    pub(super) fn new(now: Instant, secret: String, lifetime: Duration) -> Authenticator {
        Authenticator {
            secret,
            began: now,
            lifetime,
            counts: HashMap::new(),
            order: VecDeque::new(),
            forgotten_until: Duration::ZERO,
        }
    }

    /// The challenges to send, one for each algorithm. `salt` is 16 characters of a token, new each
    /// time.
    pub(super) fn challenges(
        &self,
        now: Instant,
        salt: &str,
        stale: bool,
        offered: &[Algorithm],
    ) -> Vec<String> {
        let millis = u64::try_from((now - self.began).as_millis()).unwrap_or(u64::MAX);
        let nonce = self.nonce(millis, salt);
        let stale = if stale { ", stale=true" } else { "" };
        let challenge = |algorithm| {
            format!(
                "Digest realm=\"{REALM}\", nonce=\"{nonce}\", algorithm={algorithm}, qop=\"auth\"{stale}"
            )
        };
        offered.iter().map(challenge).collect()
    }

    /// Looks at the Proxy-Authorization of a request.
    pub(super) fn verify(
        &mut self,
        now: Instant,
        request: &Message,
        offered: &[Algorithm],
    ) -> Verdict {
        let headers = || request.all(HeaderName::ProxyAuthorization);
        if headers().next().is_none() {
            return Verdict::Missing;
        }
        let ours = headers()
            .filter_map(|header| Credentials::parse(header.text().ok()?))
            .find(|credentials| credentials.realm == REALM);
        let (Some(given), Some(method)) = (ours, request.method()) else {
            return Verdict::Wrong("there are no Digest credentials for this realm");
        };
        let Some(issued) = self.issued(&given.nonce) else {
            return Verdict::Wrong("the nonce is none of this server");
        };
        if given.username != USER {
            return Verdict::Wrong("there is no such username here");
        }
        // RFC 3261 §22.4, rule 5: a digest-uri that is not the Request-URI is not necessarily wrong.
        if given.uri.is_empty() {
            return Verdict::Wrong("the credentials name no uri");
        }
        let Some(algorithm) = given.algorithm(offered) else {
            return Verdict::Wrong("the algorithm was not offered");
        };
        match given.expected(algorithm, method.as_str()) {
            None => return Verdict::Wrong("the qop was not offered"),
            Some(expected) if expected != given.response => {
                return Verdict::Wrong(
                    "the response is not that of the password, nonce, method and uri",
                );
            }
            Some(_) => {}
        }
        let age = (now - self.began).saturating_sub(issued);
        if age > self.lifetime || issued <= self.forgotten_until && issued > Duration::ZERO {
            return Verdict::Stale("the nonce is too old");
        }
        self.count(&given, issued)
    }

    /// RFC 7616 §3.4: a count that does not rise is a replay. Without qop there is no count, and
    /// a nonce is good once.
    fn count(&mut self, given: &Credentials, issued: Duration) -> Verdict {
        let count = match &given.qop {
            Some(qop) => match u32::from_str_radix(&qop.count, 16) {
                Ok(count) if count > 0 => Some(count),
                _ => return Verdict::Wrong("nc is no count"),
            },
            None => None,
        };
        match (self.counts.get_mut(&*given.nonce), count) {
            (Some(Some(last)), Some(count)) if count > *last => {
                *last = count;
                return Verdict::Good;
            }
            (Some(_), _) => {
                return Verdict::Stale("the nonce was used before, with that nc or more");
            }
            (None, _) => {}
        }
        if self.order.len() == REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.counts.remove(&oldest);
            let until = self.issued(&oldest).unwrap_or(issued);
            self.forgotten_until = self.forgotten_until.max(until);
        }
        let nonce: Box<str> = (&*given.nonce).into();
        self.counts.insert(nonce.clone(), count);
        self.order.push_back(nonce);
        Verdict::Good
    }

    fn nonce(&self, millis: u64, salt: &str) -> String {
        let seal = Sha256::digest(format!("{}:{millis:x}:{salt}", self.secret));
        format!("{millis:012x}{salt}{}", &hex(&seal)[..16])
    }

    /// When a nonce was made, where it is one of ours.
    fn issued(&self, nonce: &str) -> Option<Duration> {
        let millis = u64::from_str_radix(nonce.get(..12)?, 16).ok()?;
        let salt = nonce.get(12..28)?;
        (self.nonce(millis, salt) == nonce).then(|| Duration::from_millis(millis))
    }
}

#[cfg(test)]
mod tests {
    use super::{
        credentials::{md5, sha256},
        *,
    };

    struct Bench {
        now: Instant,
        authenticator: Authenticator,
    }

    impl Bench {
        fn new() -> Bench {
            let now = Instant::now();
            let authenticator = Authenticator::new(now, "secret".into(), Duration::from_secs(60));
            Bench { now: now + Duration::from_secs(1), authenticator }
        }

        fn nonce(&self, salt: u64) -> String {
            let salt = format!("{salt:016x}");
            let challenges = self.authenticator.challenges(self.now, &salt, false, BOTH);
            let [md5, sha] = &challenges[..] else { panic!("{challenges:?}") };
            assert!(sha.contains("algorithm=SHA-256") && md5.contains("algorithm=MD5"));
            let start = sha.find("nonce=\"").unwrap() + 7;
            sha[start..].split('"').next().unwrap().to_owned()
        }

        fn verify(&mut self, credentials: &str) -> Verdict {
            self.verify_of(credentials, BOTH)
        }

        fn verify_of(&mut self, credentials: &str, offered: &[Algorithm]) -> Verdict {
            let text = format!(
                "OPTIONS sip:auth@h SIP/2.0\r\nProxy-Authorization: Digest {credentials}\r\n\r\n"
            );
            self.authenticator.verify(self.now, &Message::read(text.into()).unwrap(), offered)
        }
    }

    /// Credentials as a client computes them.
    fn credentials(nonce: &str, algorithm: &str, count: Option<&str>, password: &str) -> String {
        let hash = if algorithm == "MD5" { md5 } else { sha256 };
        let a1 = hash(format!("demo:sipboard demo:{password}"));
        let a2 = hash("OPTIONS:sip:auth@h".to_owned());
        let (response, qop) = match count {
            Some(nc) => (
                hash(format!("{a1}:{nonce}:{nc}:xyz:auth:{a2}")),
                format!(", qop=auth, nc={nc}, cnonce=\"xyz\""),
            ),
            None => (hash(format!("{a1}:{nonce}:{a2}")), String::new()),
        };
        format!(
            "username=\"demo\", realm=\"sipboard demo\", nonce=\"{nonce}\", uri=\"sip:auth@h\", \
             response=\"{response}\", algorithm={algorithm}{qop}"
        )
    }

    #[test]
    fn the_hashes_are_those_of_the_rfcs() {
        // RFC 7616 §3.9.1.
        let a1 = "Mufasa:http-auth@example.org:Circle of Life".to_owned();
        assert_eq!(md5(a1.clone()), "3d78807defe7de2157e2b0b6573a855f");
        assert_eq!(
            sha256("abc".into()),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn the_right_password_is_good_with_either_algorithm_and_without_qop() {
        let mut bench = Bench::new();
        for (salt, algorithm, count) in
            [(1, "SHA-256", Some("00000001")), (2, "MD5", Some("00000001")), (3, "MD5", None)]
        {
            let given = credentials(&bench.nonce(salt), algorithm, count, "demo");
            assert_eq!(bench.verify(&given), Verdict::Good, "{algorithm} {count:?}");
            assert!(matches!(bench.verify(&given), Verdict::Stale(_)), "a replay");
        }
    }

    #[test]
    fn a_nonce_is_good_again_while_its_count_rises_and_until_it_is_old() {
        let mut bench = Bench::new();
        let nonce = bench.nonce(1);
        for (count, verdict) in [
            ("00000001", Verdict::Good),
            ("00000002", Verdict::Good),
            ("00000002", Verdict::Stale("the nonce was used before, with that nc or more")),
            ("0000000a", Verdict::Good),
            ("00000000", Verdict::Wrong("nc is no count")),
        ] {
            let given = credentials(&nonce, "SHA-256", Some(count), "demo");
            assert_eq!(bench.verify(&given), verdict, "{count}");
        }
        bench.now += Duration::from_secs(61);
        let late = credentials(&nonce, "SHA-256", Some("0000000b"), "demo");
        assert_eq!(bench.verify(&late), Verdict::Stale("the nonce is too old"));
        let late_and_wrong = credentials(&nonce, "SHA-256", Some("0000000c"), "guess");
        assert!(matches!(bench.verify(&late_and_wrong), Verdict::Wrong(_)));
    }

    #[test]
    fn what_is_computed_rightly_over_another_uri_is_good() {
        let mut bench = Bench::new();
        let nonce = bench.nonce(1);
        let given = credentials(&nonce, "MD5", Some("00000001"), "demo");
        let text = format!(
            "OPTIONS sip:auth@h:5070 SIP/2.0\r\nProxy-Authorization: Digest {given}\r\n\r\n"
        );
        let message = Message::read(text.into()).unwrap();
        assert_eq!(bench.authenticator.verify(bench.now, &message, BOTH), Verdict::Good);
    }

    #[test]
    fn an_algorithm_that_was_not_offered_is_not_taken() {
        let mut bench = Bench::new();
        let nonce = bench.nonce(1);
        let sha = credentials(&nonce, "SHA-256", Some("00000001"), "demo");
        let verdict = bench.verify_of(&sha, MD5_ALONE);
        assert_eq!(verdict.reason(), Some("the algorithm was not offered"));
        let md5 = credentials(&nonce, "MD5", Some("00000001"), "demo");
        assert_eq!(bench.verify_of(&md5, MD5_ALONE), Verdict::Good);
    }

    #[test]
    fn anything_else_is_wrong_and_says_in_what() {
        let mut bench = Bench::new();
        let nonce = bench.nonce(1);
        let good = credentials(&nonce, "SHA-256", Some("00000001"), "demo");
        for (wrong, why) in [
            (String::new(), "realm"),
            (credentials(&nonce, "SHA-256", Some("00000001"), "guess"), "password"),
            (good.replace("username=\"demo\"", "username=\"eve\""), "username"),
            (good.replace("sip:auth@h", "sip:other@h"), "uri"),
            (good.replace("sip:auth@h", ""), "no uri"),
            (good.replace("realm=\"sipboard demo\"", "realm=\"other\""), "realm"),
            (good.replace("algorithm=SHA-256", "algorithm=SHA-512-256"), "algorithm"),
            (good.replace("qop=auth", "qop=auth-int"), "qop"),
            (credentials("0".repeat(44).as_str(), "SHA-256", Some("00000001"), "demo"), "nonce"),
            (credentials("é", "SHA-256", Some("00000001"), "demo"), "nonce"),
        ] {
            let verdict = bench.verify(&wrong);
            assert!(matches!(verdict, Verdict::Wrong(told) if told.contains(why)), "{verdict:?}");
        }
        assert_eq!(bench.verify(&good), Verdict::Good);
        let request = Message::read("OPTIONS sip:auth@h SIP/2.0\r\n\r\n".into()).unwrap();
        let verdict = bench.authenticator.verify(bench.now, &request, BOTH);
        assert_eq!(verdict, Verdict::Missing);
    }
}
