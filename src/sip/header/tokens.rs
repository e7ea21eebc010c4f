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

/// Whether `text` is a token with optional parameters, or a media range: what Accept and its kin
/// list.
pub fn is_entry(text: &str) -> bool {
    let end = memchr::memchr(b';', text.as_bytes()).unwrap_or(text.len());
    let mut parts = text[..end].splitn(2, '/');
    parts.all(|part| syntax::is_token(syntax::trim(part)))
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

    #[test]
    fn media_ranges_and_tokens_with_parameters() {
        for good in ["application/sdp", "*/*;q=0.1", "text / *", "gzip", "en;q=0.5"] {
            assert!(is_entry(good), "{good}");
        }
        for bad in ["", "a/b/c", "a b", "/x", "x/"] {
            assert!(!is_entry(bad), "{bad}");
        }
    }
}
