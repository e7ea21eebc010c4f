//! `WWW-Authenticate`, `Proxy-Authenticate`, `Authorization` and `Proxy-Authorization`
//! (RFC 3261 §20.7, §20.27, §20.28, §20.44 and RFC 8760).
//!
//! One field may hold several challenges with commas between them, and commas stand between the
//! parameters of each as well: a member that begins with a scheme begins the next challenge.

use std::borrow::Cow;

use crate::sip::{
    header::{HeaderError, HeaderProblem, fail},
    name::HeaderName,
    syntax,
};

/// One challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge<'a> {
    scheme: &'a str,
    params: AuthParams<'a>,
}

/// The credentials of an Authorization or Proxy-Authorization header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials<'a> {
    scheme: &'a str,
    params: AuthParams<'a>,
}

/// The comma-separated `name=value` parameters of a challenge or of credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuthParams<'a> {
    text: &'a str,
}

/// The challenges of one WWW-Authenticate or Proxy-Authenticate value, in order. One that cannot
/// be read costs itself only.
pub fn challenges(
    name: HeaderName,
    value: &str,
) -> impl Iterator<Item = Result<Challenge<'_>, HeaderError>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        // Commas and white space between two challenges.
        at += value.as_bytes()[at..]
            .iter()
            .take_while(|b| syntax::is_lws(**b) || **b == b',')
            .count();
        if at == value.len() {
            return None;
        }
        let start = at;
        at = end_of_challenge(value, start);
        Some(
            scheme_and_params(name, &value[start..at])
                .map(|(scheme, params)| Challenge { scheme, params })
                .map_err(|error| HeaderError { offset: start + error.offset, ..error }),
        )
    })
}

impl<'a> Challenge<'a> {
    /// The scheme, as written: `Digest`.
    pub fn scheme(&self) -> &'a str {
        self.scheme
    }

    /// Whether the scheme is Digest.
    pub fn is_digest(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("Digest")
    }

    /// All parameters.
    pub fn params(&self) -> AuthParams<'a> {
        self.params
    }

    /// The realm.
    pub fn realm(&self) -> Option<Cow<'a, str>> {
        self.params.unquoted("realm")
    }

    /// The nonce.
    pub fn nonce(&self) -> Option<Cow<'a, str>> {
        self.params.unquoted("nonce")
    }

    /// The opaque value, to be given back.
    pub fn opaque(&self) -> Option<Cow<'a, str>> {
        self.params.unquoted("opaque")
    }

    /// The algorithm, in any case; quoted or not, both are in the field.
    pub fn algorithm(&self) -> Option<Cow<'a, str>> {
        self.params.unquoted("algorithm")
    }

    /// Whether the last nonce was merely too old.
    pub fn stale(&self) -> bool {
        self.params.unquoted("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true"))
    }

    /// Whether `qop` (a list, RFC 3261 §25.1) offers this one.
    pub fn offers_qop(&self, qop: &str) -> bool {
        self.params.unquoted("qop").is_some_and(|list| {
            list.split(',').any(|offer| syntax::trim(offer).eq_ignore_ascii_case(qop))
        })
    }
}

impl<'a> Credentials<'a> {
    /// Reads an Authorization or Proxy-Authorization value.
    ///
    /// # Errors
    ///
    /// Where it does not begin with a scheme, or a quote never closes.
    pub fn parse(name: HeaderName, value: &'a str) -> Result<Credentials<'a>, HeaderError> {
        let (scheme, params) = scheme_and_params(name, syntax::trim(value))?;
        Ok(Credentials { scheme, params })
    }

    /// The scheme, as written.
    pub fn scheme(&self) -> &'a str {
        self.scheme
    }

    /// Whether the scheme is Digest.
    pub fn is_digest(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("Digest")
    }

    /// All parameters.
    pub fn params(&self) -> AuthParams<'a> {
        self.params
    }
}

impl<'a> AuthParams<'a> {
    /// `name=value, name="value"`, as Authentication-Info has it alone.
    pub fn new(text: &'a str) -> AuthParams<'a> {
        AuthParams { text: syntax::trim(text) }
    }

    /// The text as written.
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// What stands between the commas, empty members too.
    pub(crate) fn members(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let mut rest = Some(self.text);
        std::iter::from_fn(move || {
            let text = rest?;
            let end = end_of_member(text, 0);
            rest = text.get(end + 1..);
            Some(syntax::trim(&text[..end]))
        })
    }

    /// Each parameter in order, the value as written (quotes included).
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        self.members().filter(|member| !member.is_empty()).map(|member| {
            match member.split_once('=') {
                Some((name, value)) => (syntax::trim(name), Some(syntax::trim(value))),
                None => (member, None),
            }
        })
    }

    /// The value of the first parameter of that name, in any case, as written.
    pub fn value(&self, name: &str) -> Option<&'a str> {
        self.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).and_then(|(_, value)| value)
    }

    /// The value of the first parameter of that name, without quotes and escapes.
    pub fn unquoted(&self, name: &str) -> Option<Cow<'a, str>> {
        self.value(name).map(syntax::unquote)
    }
}

fn scheme_and_params(name: HeaderName, text: &str) -> Result<(&str, AuthParams<'_>), HeaderError> {
    let end = text.bytes().take_while(|b| syntax::is_token_byte(*b)).count();
    let params = AuthParams::new(&text[end..]);
    // `realm="x"` without a scheme begins with a token too.
    if end == 0 || params.text.starts_with('=') {
        return fail(name, HeaderProblem::BadToken, 0);
    }
    if text.len() > end && !text[end..].starts_with(|c: char| c.is_ascii_whitespace()) {
        return fail(name, HeaderProblem::BadToken, end);
    }
    let mut quotes = 0;
    while let Some(open) = memchr::memchr(b'"', &params.text.as_bytes()[quotes..]) {
        quotes = match syntax::quoted_end(params.text, quotes + open) {
            Some(end) => end,
            None => {
                let offset = text.len() - params.text.len() + quotes + open;
                return fail(name, HeaderProblem::UnclosedQuote, offset);
            }
        };
    }
    Ok((&text[..end], params))
}

/// The comma that ends the member at `start`, or the end of the text.
fn end_of_member(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = start;
    while let Some(found) = memchr::memchr2(b',', b'"', &bytes[at..]) {
        at += found;
        if bytes[at] == b',' {
            return at;
        }
        match syntax::quoted_end(text, at) {
            Some(end) => at = end,
            None => break,
        }
    }
    text.len()
}

/// The comma before the next member that begins with a scheme, or the end of the text.
fn end_of_challenge(text: &str, start: usize) -> usize {
    let mut end = end_of_member(text, start);
    while end < text.len() {
        if begins_challenge(&text[end + 1..]) {
            return end;
        }
        end = end_of_member(text, end + 1);
    }
    end
}

/// Whether a member is a scheme, and not `name = value`: its first token is followed by white
/// space and something else than `=`, or by nothing at all.
fn begins_challenge(text: &str) -> bool {
    let text = syntax::trim_start(text);
    let token = text.bytes().take_while(|b| syntax::is_token_byte(*b)).count();
    let rest = &text[token..];
    let after = rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
    token > 0
        && match after.bytes().next() {
            None | Some(b',') => true,
            Some(b'=') => false,
            Some(_) => after.len() < rest.len(),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Vec<Result<Challenge<'_>, HeaderError>> {
        challenges(HeaderName::WwwAuthenticate, value).collect()
    }

    #[test]
    fn several_challenges_stand_in_one_line() {
        let value = r#"Digest realm="a, \"b\"", nonce="n", qop="auth,auth-int", algorithm=SHA-256 , , Basic realm="x",
 Negotiate, DIGEST realm = "日本語" , nonce="m" ,algorithm="md5", stale=TRUE, opaque="#;
        let all: Vec<_> = read(value).into_iter().map(Result::unwrap).collect();
        let schemes: Vec<_> = all.iter().map(Challenge::scheme).collect();
        assert_eq!(schemes, ["Digest", "Basic", "Negotiate", "DIGEST"]);
        assert_eq!(all[0].realm().unwrap(), r#"a, "b""#);
        assert!(all[0].offers_qop("auth") && all[0].offers_qop("AUTH-INT"));
        assert!(!all[0].offers_qop("au") && !all[0].stale());
        assert_eq!(all[0].algorithm().unwrap(), "SHA-256");
        assert!(all[3].is_digest() && all[3].stale());
        assert_eq!(all[3].realm().unwrap(), "日本語");
        assert_eq!(all[3].algorithm().unwrap(), "md5");
        assert_eq!(all[3].opaque().unwrap(), "");
        assert_eq!(all[1].nonce(), None);
    }

    #[test]
    fn a_bad_challenge_costs_itself_only() {
        let all = read(r#"realm="no scheme", Digest realm="good""#);
        assert_eq!(all.len(), 2);
        assert!(all[0].is_err());
        assert_eq!(all[1].unwrap().realm().unwrap(), "good");
        assert_eq!(
            read("Digest realm=\"open").pop().unwrap().unwrap_err().problem,
            HeaderProblem::UnclosedQuote
        );
        assert!(read("").is_empty());
        assert!(read(" , ,").is_empty());
    }

    #[test]
    fn credentials_are_one() {
        let credentials = Credentials::parse(
            HeaderName::Authorization,
            r#"Digest username="demo",realm="r",nc=00000001,uri="sip:a@b""#,
        )
        .unwrap();
        assert!(credentials.is_digest());
        assert_eq!(credentials.params().value("nc"), Some("00000001"));
        assert_eq!(credentials.params().unquoted("URI").unwrap(), "sip:a@b");
        let odd =
            Credentials::parse(HeaderName::Authorization, "NoOneKnowsThisScheme opaque-data=here");
        assert_eq!(odd.unwrap().scheme(), "NoOneKnowsThisScheme");
        assert!(Credentials::parse(HeaderName::Authorization, "").is_err());
        assert!(Credentials::parse(HeaderName::Authorization, "realm=x").is_err());
    }
}
