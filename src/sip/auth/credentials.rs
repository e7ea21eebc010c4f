//! Who the user is, and the password, which nothing prints.

use std::{fmt, sync::Arc};

use sha2::{Digest, Sha256};

/// A password. It has no `Display`, and its `Debug` is a mask of fixed width.
#[derive(Clone)]
pub struct Password(Result<Box<str>, Arc<str>>);

impl Password {
    /// Keeps a password. It may be empty and may hold any characters.
    pub fn new(text: impl Into<Box<str>>) -> Password {
        Password(Ok(text.into()))
    }

    /// One that could not be had, and the sentence that says why: it answers no challenge.
    pub fn missing(why: impl Into<Arc<str>>) -> Password {
        Password(Err(why.into()))
    }

    /// Why there is none.
    fn lack(&self) -> Option<&str> {
        self.0.as_ref().err().map(AsRef::as_ref)
    }

    /// For [`KnownPasswords`](super::KnownPasswords), which gives none out.
    pub(super) fn text(&self) -> Option<&str> {
        self.0.as_deref().ok()
    }

    /// For the hash alone; nothing where there is none.
    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_ref().map(|text| text.as_bytes()).unwrap_or_default()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Takes the same time wherever the two differ, and whatever their lengths.
impl PartialEq for Password {
    fn eq(&self, other: &Password) -> bool {
        if self.lack() != other.lack() {
            return false;
        }
        let (a, b) = (Sha256::digest(self.bytes()), Sha256::digest(other.bytes()));
        a.iter().zip(b.iter()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
    }
}

impl Eq for Password {}

impl From<String> for Password {
    fn from(text: String) -> Password {
        Password::new(text)
    }
}

impl From<&str> for Password {
    fn from(text: &str) -> Password {
        Password::new(text)
    }
}

/// What stands for a password wherever something is shown.
pub(super) const MASK: &str = "••••";

/// A user name and a password, for one realm or for any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The user name, as the server knows it: UTF-8, in the normalization that it was typed in.
    pub username: String,
    /// The password.
    pub password: Password,
    /// The only realm that they are for; without one, for every realm that has no credentials of
    /// its own. Realms compare byte for byte.
    pub realm: Option<String>,
}

impl Credentials {
    /// Credentials for every realm.
    pub fn new(username: impl Into<String>, password: impl Into<Password>) -> Credentials {
        Credentials { username: username.into(), password: password.into(), realm: None }
    }

    /// The same for one realm only.
    #[must_use]
    pub fn for_realm(self, realm: impl Into<String>) -> Credentials {
        Credentials { realm: Some(realm.into()), ..self }
    }

    /// The credentials to use with a realm: those made for it, else those for any. What has no
    /// password is of no use.
    pub(super) fn find<'a>(all: &'a [Credentials], realm: &str) -> Option<&'a Credentials> {
        let of = |realm: Option<&str>| all.iter().find(|it| it.realm.as_deref() == realm);
        of(Some(realm)).or_else(|| of(None)).filter(|found| found.password.lack().is_none())
    }

    /// Why one of them has no password: a sentence.
    pub fn lack(all: &[Credentials]) -> Option<&str> {
        all.iter().find_map(|credentials| credentials.password.lack())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_printed() {
        let credentials = Credentials::new("alice", "open sesame").for_realm("r");
        let text = format!("{credentials:?} {credentials:#?} {:?}", credentials.password);
        assert!(!text.contains("sesame") && text.contains("alice"), "{text}");
        assert_eq!(
            format!("{:?}", Password::from("")),
            format!("{:?}", Password::from("a long one"))
        );
    }

    #[test]
    fn passwords_compare_by_their_text() {
        assert_eq!(Password::from("a"), Password::from("a".to_owned()));
        assert_ne!(Password::from("a"), Password::from("b"));
        assert_ne!(Password::from("a"), Password::from("aa"));
    }

    #[test]
    fn a_password_that_could_not_be_had_is_not_the_empty_one_and_answers_nothing() {
        let missing = Credentials::new("alice", Password::missing("it is not set"));
        assert_ne!(missing.password, Password::from(""));
        assert_eq!(missing, missing.clone());
        assert_eq!(Credentials::find(std::slice::from_ref(&missing), "any"), None);
        assert_eq!(Credentials::lack(&[missing]), Some("it is not set"));
        assert_eq!(Credentials::lack(&[Credentials::new("alice", "")]), None);
    }

    #[test]
    fn the_realm_decides_which_credentials_are_used() {
        let all = [
            Credentials::new("any", "1"),
            Credentials::new("one", "2").for_realm("one"),
            Credentials::new("other", "3"),
        ];
        assert_eq!(Credentials::find(&all, "one").unwrap().username, "one");
        assert_eq!(Credentials::find(&all, "One").unwrap().username, "any");
        assert_eq!(Credentials::find(&all[1..2], "two"), None);
    }
}
