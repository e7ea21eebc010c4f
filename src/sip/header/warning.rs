//! `Warning` (RFC 3261 §20.43).

use std::borrow::Cow;

use crate::sip::{
    header::{HeaderError, HeaderProblem, fail},
    name::HeaderName,
    syntax,
};

/// One Warning value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warning<'a> {
    /// Three digits; SIP's own begin with 3.
    pub code: u16,
    /// Who warns: a host and port, or a pseudonym.
    pub agent: &'a str,
    quoted: &'a str,
}

impl<'a> Warning<'a> {
    /// Reads one Warning value (no comma list).
    ///
    /// # Errors
    ///
    /// Where it is not three digits, an agent and a quoted text.
    pub fn parse(value: &'a str) -> Result<Warning<'a>, HeaderError> {
        let bad = |problem, offset| fail(HeaderName::Warning, problem, offset);
        let text = syntax::trim(value);
        let end = text.bytes().position(syntax::is_lws).unwrap_or(text.len());
        let code = match text.as_bytes()[..end] {
            [a, b, c] if [a, b, c].iter().all(u8::is_ascii_digit) => {
                [a, b, c].iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'))
            }
            _ => return bad(HeaderProblem::BadNumber { max: 999 }, 0),
        };
        let rest = syntax::trim(&text[end..]);
        let end = rest.bytes().position(syntax::is_lws).unwrap_or(rest.len());
        let (agent, quoted) = (&rest[..end], syntax::trim(&rest[end..]));
        if agent.is_empty() || agent.contains('"') {
            return bad(HeaderProblem::BadToken, text.len() - rest.len());
        }
        let offset = text.len() - quoted.len();
        if !quoted.starts_with('"') {
            return bad(HeaderProblem::NoQuotedString, offset);
        }
        match syntax::quoted_end(quoted, 0) {
            None => bad(HeaderProblem::UnclosedQuote, offset),
            Some(end) if end < quoted.len() => bad(HeaderProblem::Trailing, offset + end),
            Some(_) => Ok(Warning { code, agent, quoted }),
        }
    }

    /// The text without quotes and escapes.
    pub fn text(&self) -> Cow<'a, str> {
        syntax::unquote(self.quoted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_an_agent_and_a_text() {
        let warning = Warning::parse(r#"307 isi.edu  "Session, \"foo\"""#).unwrap();
        assert_eq!((warning.code, warning.agent), (307, "isi.edu"));
        assert_eq!(warning.text(), "Session, \"foo\"");
        for bad in [
            "",
            "307",
            "307 isi.edu",
            "1812 overture \"In Progress\"",
            "307 \"x\"",
            "307 a \"x",
            "307 a \"x\" y",
        ] {
            assert!(Warning::parse(bad).is_err(), "{bad}");
        }
    }
}
