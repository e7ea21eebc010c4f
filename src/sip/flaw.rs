//! [`Flaw`]: why a server refuses a request whatever it asks for, and with which words
//! (RFC 3261 §8.2, §21.4.1; RFC 4475 §3.1.2).

use crate::sip::{
    header::{self, HeaderProblem},
    message::{Limits, Message, ReadError, RequestLineProblem, StartLine},
    method::Method,
    name::HeaderName,
    status::StatusCode,
};

/// What is wrong with a request that can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// What it is answered with.
    pub status: StatusCode,
    /// The reason phrase, which names the flaw.
    pub reason: String,
}

/// The headers that stand in a request once at most, of those that any server looks at.
const SINGLE: [HeaderName; 7] = [
    HeaderName::From,
    HeaderName::To,
    HeaderName::CallId,
    HeaderName::CSeq,
    HeaderName::MaxForwards,
    HeaderName::ContentLength,
    HeaderName::ContentType,
];

impl Flaw {
    /// The first flaw of a request: its request line, its end, then its headers. `limits` say what
    /// is too much.
    pub fn of(request: &Message, limits: &Limits) -> Option<Flaw> {
        Flaw::check(request, limits).err()
    }

    /// Whether there is a Via to send a response by. What else a response copies may be missing: it
    /// is a 400 then that has no more of it than the request (RFC 4475 §3.3.1).
    pub fn is_answerable(request: &Message) -> bool {
        match request.via() {
            Ok(_) => true,
            // RFC 4475 §3.1.2.16: a request of another version has Vias of that version; the answer
            // goes where it came from.
            Err(error) => {
                let line = request.check_request_line();
                error.problem == HeaderProblem::BadProtocol
                    && line.is_err_and(|error| error.problem == RequestLineProblem::Version)
            }
        }
    }

    /// What a message over a limit is answered with: 513 for its size (RFC 3261 §21.5.7), 414 for
    /// its request line (§21.4.12), else 400.
    pub fn over(request: &Message, error: ReadError) -> Flaw {
        let status = match error {
            ReadError::TooLarge { .. } => StatusCode::MESSAGE_TOO_LARGE,
            ReadError::LineTooLong { offset, .. } if offset <= request.start_offset() => {
                StatusCode::URI_TOO_LONG
            }
            _ => StatusCode::BAD_REQUEST,
        };
        Flaw::new(status, error)
    }

    fn check(request: &Message, limits: &Limits) -> Result<(), Flaw> {
        request.check_request_line().map_err(|error| {
            let problem = error.problem;
            Flaw::new(problem.status(), problem)
        })?;
        let bad = |error| Flaw::new(StatusCode::BAD_REQUEST, error);
        if let Some(defect) = request.defect() {
            // RFC 3261 §21.5.7: the rest was not waited for; §18.3: or did not come.
            let is_too_large = match defect.problem {
                HeaderProblem::BodyTooShort { expected, found } => {
                    let head = request.bytes().len() - found;
                    expected.saturating_add(head as u64) > limits.message as u64
                }
                _ => false,
            };
            return Err(match is_too_large {
                true => Flaw::over(
                    request,
                    ReadError::TooLarge { size: request.bytes().len(), limit: limits.message },
                ),
                false => bad(defect),
            });
        }
        if let Some(name) = SINGLE.into_iter().find(|name| request.repeats(*name)) {
            let reason = format_args!("Several {name} headers");
            return Err(Flaw::new(StatusCode::BAD_REQUEST, reason));
        }
        if let Some(method) = request.method().filter(names_target)
            && request.list(HeaderName::Contact).nth(1).is_some()
        {
            let reason = format_args!("More than one Contact in the {method}");
            return Err(Flaw::new(StatusCode::BAD_REQUEST, reason));
        }
        let essentials = request.essentials().map_err(bad)?;
        request.check_vias().map_err(bad)?;
        if let StartLine::Request { method, .. } = request.start_line()
            && essentials.cseq.method != method
        {
            let reason = "The CSeq names another method";
            return Err(Flaw::new(StatusCode::BAD_REQUEST, reason));
        }
        // RFC 3261 §20.22: 0 to 255. A 0 stops proxies (§16.3), not the one that it was sent to.
        let Some(header) = request.header(HeaderName::MaxForwards) else { return Ok(()) };
        let number = header.text().and_then(|text| header::number(HeaderName::MaxForwards, text));
        number.map(drop).map_err(bad)
    }

    fn new(status: StatusCode, reason: impl std::fmt::Display) -> Flaw {
        Flaw { status, reason: phrase(&reason.to_string()) }
    }
}

/// Whether a request makes a dialog or refreshes its target, so that it has one Contact
/// (RFC 3261 §8.1.1.8, §12.2.1.1; RFC 3311 §5.1, RFC 6665 §4.4.1).
fn names_target(method: &Method) -> bool {
    matches!(
        method,
        Method::Invite | Method::Notify | Method::Refer | Method::Subscribe | Method::Update
    )
}

/// The text as a Reason-Phrase, which has no brackets and no quotes (RFC 3261 §25.1).
fn phrase(text: &str) -> String {
    let allowed = |c: char| {
        c == ' ' || c.is_ascii_alphanumeric() || ";/?:@&=+$,-_.!~*'()".contains(c) || !c.is_ascii()
    };
    let mut phrase = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' | '[' | '{' => phrase.push('('),
            '>' | ']' | '}' => phrase.push(')'),
            '"' | '`' => phrase.push('\''),
            '%' => phrase.push_str("%25"),
            c if allowed(c) => phrase.push(c),
            _ => phrase.push('.'),
        }
    }
    phrase
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_phrase_holds_what_it_may() {
        assert_eq!(phrase("a < b [c] \"d\" 5% é\r\n|"), "a ( b (c) 'd' 5%25 é...");
    }
}
