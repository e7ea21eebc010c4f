//! The start line (RFC 3261 §7.1, §7.2): how it is read, and what is wrong with a request line.

use std::ops::Range;

use super::{Message, Span, Start, StartLine};
use crate::sip::{
    method::Method,
    status::StatusCode,
    syntax,
    uri::{Uri, UriError},
};

/// What makes a server refuse a request for its request line, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct RequestLineError {
    /// What is wrong.
    pub problem: RequestLineProblem,
    /// The byte offset in the message.
    pub offset: usize,
}

/// The ways in which a request line can be wrong. Each makes a reason phrase (RFC 3261 §21.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestLineProblem {
    /// Another version than SIP/2.0 (RFC 3261 §21.5.6).
    #[error("Version Not Supported: this server speaks SIP/2.0")]
    Version,
    /// No version at all.
    #[error("The request line does not end in SIP/2.0")]
    NoVersion,
    /// Bytes that are not UTF-8.
    #[error("The request line is not UTF-8")]
    NotUtf8,
    /// The method is no token.
    #[error("The method is no token")]
    Method,
    /// Nothing between method and version.
    #[error("The Request-URI is missing")]
    NoUri,
    /// Angle brackets around the Request-URI (RFC 4475 §3.1.2.7).
    #[error("The Request-URI stands in angle brackets")]
    UriBrackets,
    /// White space within the Request-URI (RFC 4475 §3.1.2.8).
    #[error("White space stands in the Request-URI")]
    UriSpaces,
    /// Headers in the Request-URI, behind a question mark (RFC 4475 §3.1.2.11).
    #[error("The Request-URI holds headers")]
    UriHeaders,
    /// A Request-URI that cannot be read.
    #[error("Request-URI: {0}")]
    Uri(UriError),
    /// More than one space between two parts, a tab, or white space around the line
    /// (RFC 4475 §3.1.2.9, §3.1.2.10).
    #[error("White space too much in the request line")]
    Spaces,
}

impl RequestLineProblem {
    /// What a server answers.
    pub fn status(self) -> StatusCode {
        match self {
            RequestLineProblem::Version => StatusCode::VERSION_NOT_SUPPORTED,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl Message {
    /// Whether the request line is as RFC 3261 §7.1 has it. A response has none, and is fine.
    ///
    /// # Errors
    ///
    /// What a server refuses the request for: another version first, then what stands first.
    pub fn check_request_line(&self) -> Result<(), RequestLineError> {
        let (Start::Request { method, uri, version } | Start::BadRequest { method, uri, version }) =
            self.start
        else {
            return Ok(());
        };
        let at = |span: Span| span.start as usize;
        let fail = |problem, offset| Err(RequestLineError { problem, offset });
        let bytes = |span: Span| &self.bytes[span.range()];
        let is_sip = is_version(bytes(version));
        if is_sip && !bytes(version).eq_ignore_ascii_case(b"SIP/2.0") {
            return fail(RequestLineProblem::Version, at(version));
        }
        let StartLine::Request { method: name, uri: text, .. } = self.start_line() else {
            let line = self.start_line_range();
            let valid = self.bytes[line.clone()].utf8_chunks().next();
            let valid = valid.map_or(0, |chunk| chunk.valid().len());
            return fail(RequestLineProblem::NotUtf8, line.start + valid);
        };
        if let Some(blank) = self.surplus_blank()
            && blank < at(method)
        {
            return fail(RequestLineProblem::Spaces, blank);
        }
        if !syntax::is_token(name) {
            return fail(RequestLineProblem::Method, at(method));
        }
        if text.is_empty() {
            return fail(RequestLineProblem::NoUri, at(uri));
        }
        match Uri::parse(text) {
            Err(_) if text.starts_with('<') => {
                return fail(RequestLineProblem::UriBrackets, at(uri));
            }
            Err(error) => {
                let offset = at(uri) + error.offset;
                let blank = matches!(self.bytes.get(offset), Some(b' ' | b'\t'));
                let problem = match blank && offset < uri.end as usize {
                    true => RequestLineProblem::UriSpaces,
                    false => RequestLineProblem::Uri(error),
                };
                return fail(problem, offset);
            }
            Ok(parsed) if !parsed.headers().is_empty() => {
                let question = text.len() - parsed.headers().len() - 1;
                return fail(RequestLineProblem::UriHeaders, at(uri) + question);
            }
            Ok(_) => {}
        }
        if !is_sip {
            return fail(RequestLineProblem::NoVersion, at(version));
        }
        self.surplus_blank().map_or(Ok(()), |blank| fail(RequestLineProblem::Spaces, blank))
    }

    /// The first white space of a request line that is none of the two spaces between its parts.
    pub(in crate::sip) fn surplus_blank(&self) -> Option<usize> {
        let (Start::Request { method, uri, version } | Start::BadRequest { method, uri, version }) =
            self.start
        else {
            return None;
        };
        let start = method.start as usize;
        let leading = self.bytes[..start].iter().rev().take_while(|b| is_blank(**b)).count();
        if leading > 0 {
            return Some(start - leading);
        }
        let end = self.start_line_range().end;
        let gaps = [(method.end, uri.start), (uri.end, version.start), (version.end, end as u32)];
        gaps.into_iter().enumerate().find_map(|(which, (from, to))| {
            let gap = &self.bytes[from as usize..to as usize];
            let allowed = usize::from(which < 2 && gap.first() == Some(&b' '));
            (gap.len() > allowed).then_some(from as usize + allowed)
        })
    }
}

/// Reads the first line; nothing where no message of SIP begins so.
pub(super) fn read(bytes: &[u8], line: Range<usize>) -> Option<Start> {
    usual(bytes, line.clone()).or_else(|| odd(bytes, line))
}

/// A start line as nearly all are: `METHOD URI SIP/2.0` or `SIP/2.0 200 OK`, spaces too much
/// excepted.
#[inline]
fn usual(bytes: &[u8], line: Range<usize>) -> Option<Start> {
    let text = &bytes[line.clone()];
    let first = syntax::find_near(b' ', text)?;
    if is_version(text) {
        let rest = &text[first + 1..];
        let digits = memchr::memchr(b' ', rest).unwrap_or(rest.len());
        let status = StatusCode::from_bytes(&rest[..digits])?;
        let reason = (first + 1 + digits + 1).min(text.len());
        std::str::from_utf8(&text[..first]).ok()?;
        return Some(Start::Status {
            version: Span::new(line.start, line.start + first),
            status,
            reason: Span::new(line.start + reason, line.end),
        });
    }
    // RFC 4475 §3.1.2.9 and §3.1.2.10: spaces around the parts may be passed over; the lint
    // reports them.
    let text = syntax::trim_end_bytes(text);
    let last = memchr::memrchr(b' ', text)?;
    if first == 0 || last <= first || !is_version(&text[last + 1..]) {
        return None;
    }
    std::str::from_utf8(text).ok()?;
    let uri = syntax::trim_bytes(&text[first..last]);
    if uri.is_empty() || text[..first].contains(&b'\t') {
        return None;
    }
    let uri_start = line.start + last - syntax::trim_start_bytes(&text[first..last]).len();
    Some(Start::Request {
        method: Span::new(line.start, line.start + first),
        uri: Span::new(uri_start, uri_start + uri.len()),
        version: Span::new(line.start + last + 1, line.start + text.len()),
    })
}

/// A start line with a part that is missing, broken or set apart by something else than a space.
/// What no sender of SIP can have meant as one is nothing.
#[cold]
fn odd(bytes: &[u8], line: Range<usize>) -> Option<Start> {
    let text = &bytes[line.clone()];
    let leading = text.iter().take_while(|b| is_blank(**b)).count();
    let text = trim_blanks(text);
    let start = line.start + leading;
    let end = start + text.len();
    let word = text.iter().position(|b| is_blank(*b)).unwrap_or(text.len());
    let rest = trim_blanks(&text[word..]);
    if is_version(text) {
        let code = rest.iter().position(|b| is_blank(*b)).unwrap_or(rest.len());
        // Where nothing follows, the code is missing behind the space that should be there.
        let code_start = match rest {
            [] => (start + word + 1).min(line.end),
            _ => end - rest.len(),
        };
        return Some(Start::BadStatus {
            version: Span::new(start, start + word),
            code: Span::new(code_start, code_start + code),
        });
    }
    let rest_start = end - rest.len();
    let last = rest.iter().rposition(|b| is_blank(*b)).map_or(0, |blank| blank + 1);
    let method = &text[..word];
    // `METHOD SIP/2.0` has no URI, `METHOD URI` no version; what stands behind a URI is meant as
    // one where it looks a bit like it.
    let has_version = is_version(&rest[last..]) || last > 0 && looks_like_version(&rest[last..]);
    let (uri_len, version) = match has_version {
        true => (trim_blanks(&rest[..last]).len(), rest_start + last),
        false => (rest.len(), end),
    };
    let uri = &rest[..uri_len];
    if !is_meant_as_request(method, uri, is_version(&rest[last..])) {
        return None;
    }
    let method = Span::new(start, start + word);
    let uri = Span::new(rest_start, rest_start + uri_len);
    let version = Span::new(version, end);
    Some(match std::str::from_utf8(text) {
        Ok(_) => Start::Request { method, uri, version },
        Err(_) => Start::BadRequest { method, uri, version },
    })
}

/// Whether a line that is no request line was meant as one: a version behind a method or a URI, a
/// method that SIP has, or a token before a URI.
fn is_meant_as_request(method: &[u8], uri: &[u8], has_version: bool) -> bool {
    let is_token = !method.is_empty() && method.iter().all(|b| syntax::is_token_byte(*b));
    let is_known = Method::KNOWN.iter().any(|known| known.as_str().as_bytes() == method);
    let scheme = uri.strip_prefix(b"<").unwrap_or(uri);
    let in_scheme = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    let colon = scheme.iter().position(|b| !in_scheme(b)).filter(|at| scheme[*at] == b':');
    let has_scheme = colon.is_some() && scheme[0].is_ascii_alphabetic();
    match has_version {
        true => is_token || !uri.is_empty(),
        false => is_known && !uri.is_empty() || is_token && has_scheme,
    }
}

/// `SIP2.0`, `HTTP/1.1`: no part of a URI.
fn looks_like_version(word: &[u8]) -> bool {
    let is_name = word.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(b"SIP"));
    (is_name || word.contains(&b'/')) && memchr::memchr2(b':', b'@', word).is_none()
}

fn is_version(text: &[u8]) -> bool {
    text.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"SIP/"))
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn trim_blanks(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    const HEAD: &[u8] = b"\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@a>;tag=1\r\n\
        To: <sip:b@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\nbody";

    fn with(line: &[u8]) -> Message {
        let text = String::from_utf8_lossy(line).into_owned();
        let bytes = Bytes::from([line, HEAD].concat());
        Message::read(bytes).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn a_request_line_with_a_flaw_is_read_and_the_flaw_has_a_place() {
        use RequestLineProblem::*;
        let cases: [(&[u8], RequestLineProblem, usize); 18] = [
            (b"OPTIONS sip:\xe9@b SIP/2.0", NotUtf8, 12),
            (b"OPT\xffIONS sip:b SIP/2.0", NotUtf8, 3),
            (b"OPTIONS\tsip:b SIP/2.0", Spaces, 7),
            (b"OPTIONS sip:b\tSIP/2.0", Spaces, 13),
            (b"OPTIONS  sip:b SIP/2.0", Spaces, 8),
            (b"OPTIONS sip:b   SIP/2.0", Spaces, 14),
            (b"OPTIONS sip:b SIP/2.0 ", Spaces, 21),
            (b"\t OPTIONS sip:b SIP/2.0", Spaces, 0),
            (b"OPTIONS sip:b; lr SIP/2.0", UriSpaces, 14),
            (b"OPTIONS <sip:b> SIP/2.0", UriBrackets, 8),
            (b"OPTIONS sip:b?a=b SIP/2.0", UriHeaders, 13),
            (b"OPTIONS SIP/2.0", NoUri, 8),
            (b"OPTIONS sip:b", NoVersion, 13),
            (b"OPTIONS sip:b SIP2.0", NoVersion, 14),
            (b"OPTIONS sip:b HTTP/1.1", NoVersion, 14),
            (b"OPTIONS sip:b SIP/7.0", Version, 14),
            (b"OPTIONS sip:\xe9 SIP/7.0", Version, 14),
            (b"OPT<IONS sip:b SIP/2.0", Method, 0),
        ];
        for (line, problem, offset) in cases {
            let message = with(line);
            let text = String::from_utf8_lossy(line);
            let error = message.check_request_line().unwrap_err();
            assert_eq!((error.problem, error.offset), (problem, offset), "{text}");
            assert_eq!(message.headers().len(), 5, "{text}");
            assert_eq!(&message.body()[..], b"body", "{text}");
            assert!(message.is_request() && message.essentials().is_ok(), "{text}");
        }
        assert_eq!(with(b"OPTIONS sip:b SIP/2.0").check_request_line(), Ok(()));
        assert_eq!(with(b"OPTIONS sip:b sip/2.0").check_request_line(), Ok(()));
    }

    #[test]
    fn the_parts_are_what_stands_there() {
        for (line, parts) in [
            ("\tOPTIONS \t sip:b ;x  SIP/2.0\t", ("OPTIONS", "sip:b ;x", "SIP/2.0")),
            ("OPTIONS\tsip:b", ("OPTIONS", "sip:b", "")),
            ("JUMP sip:b HTTP/1.1", ("JUMP", "sip:b", "HTTP/1.1")),
            ("OPTIONS SIP/2.0", ("OPTIONS", "", "SIP/2.0")),
            ("BYE sip:b; lr", ("BYE", "sip:b; lr", "")),
        ] {
            let message = with(line.as_bytes());
            let StartLine::Request { method, uri, version } = message.start_line() else {
                panic!("{line} is a request line")
            };
            assert_eq!((method, uri, version), parts, "{line}");
        }
        let message = with(b"OPTIONS sip:\xe9 SIP/2.0");
        assert_eq!(message.method(), Some(Method::Options));
        assert_eq!(message.request_uri(), None);
        assert_eq!(
            message.start_line(),
            StartLine::BadRequest { method: b"OPTIONS", uri: b"sip:\xe9", version: b"SIP/2.0" }
        );
    }

    #[test]
    fn a_status_line_without_a_status_is_a_response_that_nobody_acts_on() {
        for (line, code) in [
            (&b"SIP/2.0"[..], &b""[..]),
            (b"SIP/2.0\t200 OK", b"200"),
            (b"SIP/2.0  200 OK", b"200"),
            (b"SIP/2.0 4294967301 OK", b"4294967301"),
            (b"SIP/\xff 200 OK", b"200"),
        ] {
            let message = with(line);
            assert!(!message.is_request());
            assert_eq!((message.status(), message.method()), (None, None));
            assert!(message.essentials().is_err());
            let StartLine::BadStatus { code: found, .. } = message.start_line() else {
                panic!("no status line")
            };
            assert_eq!(found, code);
            assert_eq!(message.headers().len(), 5);
        }
    }

    #[test]
    fn what_is_no_sip_stays_unreadable() {
        for line in [
            "hello",
            "hello world",
            "Via: SIP/2.0/UDP h",
            "GET / HTTP/1.1",
            "HTTP/1.1 200 OK",
            "v=0",
            "o=- 1 1 IN IP4 h",
            "it is 12:30 now",
            "\0\u{1}\u{2}",
            "   ",
        ] {
            let bytes = Bytes::from([line.as_bytes(), HEAD].concat());
            assert!(Message::read(bytes).is_err(), "{line}");
        }
    }
}
