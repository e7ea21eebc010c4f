//! What a request proves itself with, and what the right password would have given.

use md5::Md5;
use sha2::{Digest, Sha256};

use super::{Algorithm, PASSWORD, REALM, USER};
use crate::sip::syntax;

/// What a Proxy-Authorization holds.
#[derive(Debug, Default)]
pub(super) struct Credentials {
    pub(super) username: String,
    pub(super) realm: String,
    pub(super) nonce: String,
    pub(super) uri: String,
    pub(super) response: String,
    algorithm: Option<String>,
    pub(super) qop: Option<Qop>,
}

#[derive(Debug)]
pub(super) struct Qop {
    pub(super) name: String,
    pub(super) count: String,
    pub(super) client_nonce: String,
}

impl Credentials {
    pub(super) fn parse(value: &str) -> Option<Credentials> {
        let (scheme, rest) = syntax::trim(value).split_once([' ', '\t', '\r', '\n'])?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let mut credentials = Credentials::default();
        let (mut qop, mut count, mut client_nonce) = (None, String::new(), String::new());
        for member in syntax::comma_list(rest) {
            let Some((name, value)) = member.split_once('=') else { continue };
            let value = syntax::unquote(syntax::trim(value)).into_owned();
            match &*syntax::trim(name).to_ascii_lowercase() {
                "username" => credentials.username = value,
                "realm" => credentials.realm = value,
                "nonce" => credentials.nonce = value,
                "uri" => credentials.uri = value,
                "response" => credentials.response = value.to_ascii_lowercase(),
                "algorithm" => credentials.algorithm = Some(value),
                "qop" => qop = Some(value),
                "nc" => count = value,
                "cnonce" => client_nonce = value,
                _ => {}
            }
        }
        credentials.qop = qop.map(|name| Qop { name, count, client_nonce });
        Some(credentials)
    }

    /// The algorithm that was chosen, where it was offered; MD5 where none is named.
    pub(super) fn algorithm(&self, offered: &[Algorithm]) -> Option<Algorithm> {
        let named = self.algorithm.as_deref().unwrap_or("MD5");
        offered.iter().find(|offered| offered.eq_ignore_ascii_case(named)).copied()
    }

    /// The response that the right password gives; `None` for a qop that is not offered.
    pub(super) fn expected(&self, algorithm: Algorithm, method: &str) -> Option<String> {
        let hash: fn(String) -> String = if algorithm == "MD5" { md5 } else { sha256 };
        let a1 = hash(format!("{USER}:{REALM}:{PASSWORD}"));
        let a2 = hash(format!("{method}:{}", self.uri));
        let nonce = &self.nonce;
        Some(match &self.qop {
            Some(Qop { name, count, client_nonce }) if name.eq_ignore_ascii_case("auth") => {
                hash(format!("{a1}:{nonce}:{count}:{client_nonce}:{name}:{a2}"))
            }
            Some(_) => return None,
            // RFC 3261 §22.4, rule 8: an old client may leave qop out.
            None => hash(format!("{a1}:{nonce}:{a2}")),
        })
    }
}

pub(super) fn md5(text: String) -> String {
    hex(&Md5::digest(text))
}

pub(super) fn sha256(text: String) -> String {
    hex(&Sha256::digest(text))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
