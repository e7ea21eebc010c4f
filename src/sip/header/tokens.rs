//! Lists of tokens: `Require`, `Supported`, `Allow`, `Unsupported` and their kin.

use crate::sip::{
    header::{HeaderError, HeaderProblem, fail},
    name::HeaderName,
    syntax,
};

/// The tokens of a comma-separated value, in order. An empty value has none (RFC 3261 §20.5 and
/// §20.37 allow that); an empty member among others is an error.
pub fn tokens(name: HeaderName, value: &str) -> impl Iterator<Item = Result<&str, HeaderError>> {
    let empty = syntax::trim(value).is_empty();
    syntax::comma_list(value).filter(move |_| !empty).map(move |member| {
        let offset = member.as_ptr() as usize - value.as_ptr() as usize;
        if member.is_empty() {
            fail(name, HeaderProblem::EmptyMember, offset.min(value.len()))
        } else if syntax::is_token(member) {
            Ok(member)
        } else {
            fail(name, HeaderProblem::BadToken, offset)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_tokens() {
        let good: Result<Vec<_>, _> = tokens(HeaderName::Allow, " INVITE,ACK ,\r\n BYE").collect();
        assert_eq!(good.unwrap(), ["INVITE", "ACK", "BYE"]);
        assert_eq!(tokens(HeaderName::Supported, " ").count(), 0);
        let error = tokens(HeaderName::Allow, "INVITE, A B").find_map(Result::err).unwrap();
        assert_eq!((error.problem, error.offset), (HeaderProblem::BadToken, 8));
        assert!(tokens(HeaderName::Allow, "INVITE,,ACK").any(|token| token.is_err()));
    }
}
