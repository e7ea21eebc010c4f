//! The computation of RFC 7616 §3.4, and nothing else: texts in, hex digits out.

use std::fmt;

use crate::sip::auth::{
    algorithm::Algorithm,
    credentials::{MASK, Password},
};

/// The quality of protection that a request is sent with (RFC 7616 §3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Qop {
    /// The method and the URI are protected.
    Auth,
    /// The body as well.
    AuthInt,
}

impl Qop {
    /// The value as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Qop::Auth => "auth",
            Qop::AuthInt => "auth-int",
        }
    }

    /// The value that `text` spells, in any case.
    pub fn from_name(text: &str) -> Option<Qop> {
        [Qop::Auth, Qop::AuthInt].into_iter().find(|qop| qop.as_str().eq_ignore_ascii_case(text))
    }
}

impl fmt::Display for Qop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What A1 is made of (RFC 7616 §3.4.2).
#[derive(Clone, Copy)]
pub(super) struct Identity<'a> {
    pub algorithm: Algorithm,
    pub username: &'a str,
    pub realm: &'a str,
    pub password: &'a Password,
    /// The first nonce and cnonce of the session; used by the `-sess` forms alone.
    pub first: (&'a str, &'a str),
}

/// What is hashed with A1 and A2 (RFC 7616 §3.4.1).
#[derive(Clone, Copy)]
pub(super) struct Proof<'a> {
    pub nonce: &'a str,
    /// The qop, the nonce count in eight hex digits, and the cnonce.
    pub qop: Option<(Qop, &'a str, &'a str)>,
    /// Empty for the digest of a response (RFC 7616 §3.5).
    pub method: &'a str,
    /// The digest-uri.
    pub uri: &'a str,
    /// The body that is sent; hashed with auth-int alone.
    pub body: &'a [u8],
}

impl Identity<'_> {
    /// `H(A1)`. It is worth as much as the password: it must not be kept or shown.
    fn hash(&self) -> String {
        let parts = [self.username.as_bytes(), self.realm.as_bytes(), self.password.bytes()];
        let plain = self.algorithm.hash(&parts);
        if !self.algorithm.is_session() {
            return plain;
        }
        let (nonce, cnonce) = self.first;
        self.algorithm.hash(&[plain.as_bytes(), nonce.as_bytes(), cnonce.as_bytes()])
    }

    /// `H(A1)` in words, the password masked.
    pub(super) fn describe(&self) -> String {
        let Identity { algorithm, username, realm, first: (nonce, cnonce), .. } = *self;
        let hash = algorithm.hash_name();
        let plain = format!("{hash}({username}:{realm}:{MASK})");
        if algorithm.is_session() { format!("{hash}({plain}:{nonce}:{cnonce})") } else { plain }
    }
}

impl Proof<'_> {
    /// The response value (RFC 7616 §3.4.1), or what the server must answer with (§3.5).
    pub(super) fn response(&self, identity: &Identity<'_>) -> String {
        let algorithm = identity.algorithm;
        let (a1, a2) = (identity.hash(), self.a2(algorithm));
        match self.qop {
            Some((qop, count, cnonce)) => algorithm.hash(&[
                a1.as_bytes(),
                self.nonce.as_bytes(),
                count.as_bytes(),
                cnonce.as_bytes(),
                qop.as_str().as_bytes(),
                a2.as_bytes(),
            ]),
            // RFC 2069 §2.1.1, which RFC 3261 §22.4 (8) keeps alive.
            None => algorithm.hash(&[a1.as_bytes(), self.nonce.as_bytes(), a2.as_bytes()]),
        }
    }

    fn a2(&self, algorithm: Algorithm) -> String {
        let (method, uri) = (self.method.as_bytes(), self.uri.as_bytes());
        match self.qop {
            Some((Qop::AuthInt, ..)) => {
                let body = algorithm.hash(&[self.body]);
                algorithm.hash(&[method, uri, body.as_bytes()])
            }
            _ => algorithm.hash(&[method, uri]),
        }
    }

    /// `H(A2)` in words.
    pub(super) fn describe(&self, algorithm: Algorithm) -> String {
        let Proof { method, uri, .. } = self;
        let hash = algorithm.hash_name();
        match self.qop {
            Some((Qop::AuthInt, ..)) => {
                let bytes = self.body.len();
                format!("{hash}({method}:{uri}:{hash}(body of {bytes} bytes))")
            }
            _ => format!("{hash}({method}:{uri})"),
        }
    }
}
