//! `Session-Expires` and `Min-SE` (RFC 4028 §4 and §5).

use crate::sip::{
    header::{HeaderError, HeaderProblem, digits, fail},
    name::HeaderName,
    params::Params,
    syntax,
};

/// Who refreshes the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresher {
    /// The side that sent the request.
    Uac,
    /// The side that answered it.
    Uas,
}

/// A Session-Expires or Min-SE value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionExpires<'a> {
    /// The interval in seconds.
    pub seconds: u32,
    /// Who refreshes, where it is said.
    pub refresher: Option<Refresher>,
    /// The parameters.
    pub params: Params<'a>,
}

impl<'a> SessionExpires<'a> {
    /// RFC 4028 §4: no interval is shorter than this, in seconds.
    pub const MIN: u32 = 90;

    /// Reads a value of `name`, which is Session-Expires or Min-SE.
    ///
    /// # Errors
    ///
    /// Where it is no number, or `refresher` neither `uac` nor `uas`.
    pub fn parse(name: HeaderName, value: &'a str) -> Result<SessionExpires<'a>, HeaderError> {
        let end = memchr::memchr(b';', value.as_bytes()).unwrap_or(value.len());
        let number = digits(syntax::trim(&value[..end]).as_bytes());
        let Some(seconds) = number.and_then(|number| u32::try_from(number).ok()) else {
            return fail(name, HeaderProblem::BadNumber { max: u32::MAX.into() }, 0);
        };
        let params = Params::new(&value[end..]);
        let refresher = match params.value("refresher") {
            None => None,
            Some(side) if side.eq_ignore_ascii_case("uac") => Some(Refresher::Uac),
            Some(side) if side.eq_ignore_ascii_case("uas") => Some(Refresher::Uas),
            Some(_) => return fail(name, HeaderProblem::BadParam("refresher"), end),
        };
        Ok(SessionExpires { seconds, refresher, params })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_and_a_refresher() {
        let parse = |value| SessionExpires::parse(HeaderName::SessionExpires, value);
        let value = parse(" 4000 ;Refresher=UAS").unwrap();
        assert_eq!((value.seconds, value.refresher), (4000, Some(Refresher::Uas)));
        assert_eq!(parse("90").unwrap().refresher, None);
        for bad in ["", "x", "90;refresher=me", "4294967296"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
