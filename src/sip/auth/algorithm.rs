//! The digest algorithms of RFC 7616 §3.3 and RFC 8760 §2.2.

use std::fmt;

use md5::{Digest, Md5};
use sha2::{Sha256, Sha512_256};

/// A digest algorithm: a hash, and whether the session form is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// `MD5`, also what a challenge without an algorithm means.
    Md5,
    /// `MD5-sess`
    Md5Sess,
    /// `SHA-256`
    Sha256,
    /// `SHA-256-sess`
    Sha256Sess,
    /// `SHA-512-256`: SHA-512/256 of FIPS 180-4, which is no cut SHA-512.
    Sha512T256,
    /// `SHA-512-256-sess`
    Sha512T256Sess,
}

impl Algorithm {
    /// Every algorithm, the weakest first.
    pub const ALL: [Algorithm; 6] = [
        Algorithm::Md5Sess,
        Algorithm::Md5,
        Algorithm::Sha256Sess,
        Algorithm::Sha256,
        Algorithm::Sha512T256Sess,
        Algorithm::Sha512T256,
    ];

    /// The algorithm that `name` spells, in any case.
    pub fn from_name(name: &str) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(name))
    }

    /// The name as RFC 7616 §3.3 writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Md5Sess => "MD5-sess",
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Sha256Sess => "SHA-256-sess",
            Algorithm::Sha512T256 => "SHA-512-256",
            Algorithm::Sha512T256Sess => "SHA-512-256-sess",
        }
    }

    /// The name of the hash alone.
    pub const fn hash_name(self) -> &'static str {
        match self {
            Algorithm::Md5 | Algorithm::Md5Sess => "MD5",
            Algorithm::Sha256 | Algorithm::Sha256Sess => "SHA-256",
            Algorithm::Sha512T256 | Algorithm::Sha512T256Sess => "SHA-512-256",
        }
    }

    /// Whether A1 is made once a session, from its first nonce and cnonce (RFC 7616 §3.4.2).
    pub const fn is_session(self) -> bool {
        matches!(self, Algorithm::Md5Sess | Algorithm::Sha256Sess | Algorithm::Sha512T256Sess)
    }

    /// More is stronger. Of one hash the plain form goes first: more servers get it right.
    pub(super) fn strength(self) -> usize {
        Algorithm::ALL.iter().position(|other| *other == self).unwrap_or(0)
    }

    /// The hash of `parts` with a colon between each, in lowercase hex digits.
    pub(super) fn hash(self, parts: &[&[u8]]) -> String {
        match self {
            Algorithm::Md5 | Algorithm::Md5Sess => hash::<Md5>(parts),
            Algorithm::Sha256 | Algorithm::Sha256Sess => hash::<Sha256>(parts),
            Algorithm::Sha512T256 | Algorithm::Sha512T256Sess => hash::<Sha512_256>(parts),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

fn hash<D: Digest>(parts: &[&[u8]]) -> String {
    let mut digest = D::new();
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            digest.update(b":");
        }
        digest.update(part);
    }
    let mut hex = String::with_capacity(64);
    for byte in digest.finalize() {
        for nibble in [byte >> 4, byte & 15] {
            hex.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
        }
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case_and_written_as_the_rfc_does() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::from_name(&algorithm.as_str().to_lowercase()), Some(algorithm));
            assert_eq!(algorithm.as_str().ends_with("-sess"), algorithm.is_session());
            assert!(algorithm.as_str().starts_with(algorithm.hash_name()));
        }
        for unknown in ["", "AKAv1-MD5", "SHA-1", "SHA-512", "MD5 "] {
            assert_eq!(Algorithm::from_name(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn hashes_are_those_of_their_standards() {
        // RFC 1321 §A.5 and the examples of FIPS 180-4 for "abc".
        for (algorithm, hash) in [
            (Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (Algorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                Algorithm::Sha512T256,
                "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23",
            ),
        ] {
            assert_eq!(algorithm.hash(&[b"abc"]), hash);
        }
        assert_eq!(Algorithm::Md5.hash(&[b"a", b"", b"b"]), Algorithm::Md5.hash(&[b"a::b"]));
    }

    #[test]
    fn strength_grows_with_the_hash() {
        let order = Algorithm::ALL.map(Algorithm::strength);
        assert!(order.is_sorted());
        assert!(Algorithm::Sha256Sess.strength() > Algorithm::Md5.strength());
    }
}
