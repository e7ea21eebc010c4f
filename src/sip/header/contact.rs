//! `Contact` (RFC 3261 §20.10): an address, or the `*` that removes every binding.

use crate::sip::{
    header::{HeaderError, NameAddr, digits, grammar},
    name::HeaderName,
    syntax,
};

/// One Contact value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contact<'a> {
    /// `*`, only in a REGISTER that expires everything (RFC 3261 §10.2.2).
    Star,
    /// An address.
    Address(NameAddr<'a>),
}

impl<'a> Contact<'a> {
    /// Reads one Contact value (no comma list).
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with its offset.
    pub fn parse(value: &'a str) -> Result<Contact<'a>, HeaderError> {
        match syntax::trim(value) {
            "*" => Ok(Contact::Star),
            _ => NameAddr::parse(HeaderName::Contact, value).map(Contact::Address),
        }
    }

    /// The address, where it is one.
    pub fn address(&self) -> Option<NameAddr<'a>> {
        match self {
            Contact::Star => None,
            Contact::Address(address) => Some(*address),
        }
    }
}

impl<'a> NameAddr<'a> {
    /// The `expires` parameter of a Contact, in seconds; `None` where it is missing or, as
    /// RFC 3261 §10.2.1.1 has it, malformed.
    pub fn expires(&self) -> Option<u32> {
        let digits = digits(self.params().value("expires")?.as_bytes())?;
        u32::try_from(digits).ok()
    }

    /// The `q` parameter of a Contact in thousandths, 0 to 1000 (RFC 3261 §25.1, `qvalue`).
    pub fn q(&self) -> Option<u16> {
        grammar::qvalue(self.params().value("q")?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_addresses() {
        assert_eq!(Contact::parse(" * "), Ok(Contact::Star));
        let contact = Contact::parse("<sip:a@b>;q = 0.33;expires=60").unwrap().address().unwrap();
        assert_eq!((contact.q(), contact.expires()), (Some(330), Some(60)));
        assert!(Contact::parse("**").is_err());
    }

    #[test]
    fn malformed_q_and_expires_count_for_nothing() {
        for (q, value) in
            [("1", Some(1000)), ("1.000", Some(1000)), ("0", Some(0)), ("0.5", Some(500))]
        {
            let text = format!("<sip:a@b>;q={q}");
            assert_eq!(NameAddr::parse(HeaderName::Contact, &text).unwrap().q(), value, "{q}");
        }
        for q in ["", "1.1", "2", "0.1234", "-0", "0.x", ".5"] {
            let text = format!("<sip:a@b>;q={q};expires=280297596632815");
            let contact = NameAddr::parse(HeaderName::Contact, &text).unwrap();
            assert_eq!((contact.q(), contact.expires()), (None, None), "{q}");
        }
    }
}
