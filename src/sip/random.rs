//! Identifiers that never collide (RFC 3261 §8.1.1.4, §8.1.1.7, §19.3), from one seeded generator.

use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::sip::header::Via;

/// Makes branches, tags, Call-IDs and the rest.
#[derive(Debug)]
pub(crate) struct Identifiers {
    rng: StdRng,
}

/// The random part of a branch of ours: 64 bits. Written out, it is the whole branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Branch(u64);

impl Branch {
    /// No branch sorts before it.
    pub(crate) const FIRST: Branch = Branch(0);

    /// The branch that `text` spells, where it is one of ours; compared byte for byte.
    pub(crate) fn parse(text: &str) -> Option<Branch> {
        let digits = text.strip_prefix(Via::MAGIC_COOKIE)?;
        let ours = digits.len() == 16
            && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        ours.then(|| u64::from_str_radix(digits, 16).ok()).flatten().map(Branch)
    }
}

impl std::fmt::Display for Branch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{:016x}", Via::MAGIC_COOKIE, self.0)
    }
}

impl Identifiers {
    pub(crate) fn new(seed: u64) -> Identifiers {
        Identifiers { rng: StdRng::seed_from_u64(seed) }
    }

    /// Where another generator begins.
    pub(crate) fn seed(&mut self) -> u64 {
        self.rng.next_u64()
    }

    pub(crate) fn branch(&mut self) -> Branch {
        Branch(self.rng.next_u64())
    }

    /// A From or To tag: 64 random bits.
    pub(crate) fn tag(&mut self) -> String {
        format!("{:016x}", self.rng.next_u64())
    }

    /// A Call-ID without a host, which would tell where we are: 128 random bits.
    pub(crate) fn call_id(&mut self) -> String {
        let (high, low) = (self.rng.next_u64(), self.rng.next_u64());
        format!("{:032x}", u128::from(high) << 64 | u128::from(low))
    }

    /// From 0 to 2³¹ − 2: one less than a first RSeq (RFC 3262 §3).
    pub(crate) fn rseq(&mut self) -> u32 {
        self.rng.next_u32() % 0x7fff_ffff
    }

    /// A first CSeq number that leaves room to count on (RFC 3261 §8.1.1.5).
    pub(crate) fn cseq(&mut self) -> u32 {
        self.rng.next_u32() % 10_000 + 1
    }

    /// From 0 up to 1.
    pub(crate) fn jitter(&mut self) -> f64 {
        f64::from(self.rng.next_u32()) / (f64::from(u32::MAX) + 1.0)
    }

    /// A sent-by for a transport whose address means nothing to the peer (RFC 7118 §5.2.1).
    pub(crate) fn invalid_host(&mut self) -> String {
        format!("{:012x}.invalid", self.rng.next_u64() >> 16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_is_found_again_and_only_byte_for_byte() {
        let branch = Identifiers::new(7).branch();
        let text = branch.to_string();
        assert_eq!(Branch::parse(&text), Some(branch));
        assert_eq!(Branch::parse(&text.to_uppercase()), None);
        assert_eq!(Branch::parse(&text[..text.len() - 1]), None);
        assert_eq!(Branch::parse("z9hG4bK+000000000000001"), None);
    }
}
