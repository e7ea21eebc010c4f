//! [`Instance`]: what the instance of every account is made from (RFC 5626 §4.1).

use std::{fmt, str::FromStr};

use sha2::{Digest, Sha256};

use crate::engine::Account;

/// A random number that stays the same for as long as the installation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instance(u128);

impl Instance {
    /// Another number each time.
    pub fn random() -> Instance {
        Instance(rand::random())
    }

    /// The instance of an account: a UUID of its own (RFC 9562 §5.8), as a URN. It says nothing of
    /// the account to who does not know the number.
    pub(super) fn urn(&self, account: &Account) -> Box<str> {
        let mut hash = Sha256::new();
        hash.update(self.0.to_be_bytes());
        for text in [account.name.as_str(), account.uri.as_str()] {
            hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(text);
        }
        let digest = hash.finalize();
        let bytes = digest.iter().take(16);
        let number = bytes.fold(0u128, |number, byte| number << 8 | u128::from(*byte));
        // The version 8 and the variant of RFC 9562 §4.
        let number = number & !(0xf << 76) | 0x8 << 76;
        let number = number & !(0x3 << 62) | 0x2 << 62;
        let hex = format!("{number:032x}");
        let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
        format!("urn:uuid:{}", parts.join("-")).into()
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for Instance {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Instance, Self::Err> {
        u128::from_str_radix(text, 16).map(Instance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_account_has_a_uuid_that_stays() {
        let instance: Instance = "7".parse().unwrap();
        let account = |name: &str| Account::new(name, "sip:a@b.test".parse().unwrap());
        let one = instance.urn(&account("a"));
        assert_eq!(one, instance.to_string().parse::<Instance>().unwrap().urn(&account("a")));
        assert_ne!(one, instance.urn(&account("b")));
        assert_ne!(one, Instance::random().urn(&account("a")));
        let uuid = one.strip_prefix("urn:uuid:").unwrap();
        let lengths: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(uuid.as_bytes()[14], b'8');
        assert!(b"89ab".contains(&uuid.as_bytes()[19]), "{uuid}");
    }
}
