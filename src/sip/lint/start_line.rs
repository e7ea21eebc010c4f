//! The request line or status line (RFC 3261 §7.1 and §7.2).

use super::{Lint, Rule};
use crate::sip::{
    message::StartLine,
    method::Method,
    syntax,
    uri::{Scheme, Uri, UriProblem, escaped_byte},
};

pub(super) fn look(lint: &mut Lint<'_>) {
    let start = lint.message.start_offset();
    let line = lint.message.start_line_range();
    match lint.message.start_line() {
        StartLine::Request { method, uri, version } => {
            let uri_start = line.start + offset_in(lint, uri.as_bytes(), line.start);
            let version_start = line.start + offset_in(lint, version.as_bytes(), line.start);
            look_blanks(lint);
            look_method(lint, method);
            match uri {
                "" => lint.at(Rule::RequestUri, uri_start, "the Request-URI is missing"),
                uri => look_uri(lint, uri, uri_start),
            }
            look_version(lint, version, version_start);
        }
        StartLine::BadRequest { method, uri, version } => {
            look_blanks(lint);
            for (rule, what, part) in [
                (Rule::MethodToken, "method", method),
                (Rule::RequestUri, "Request-URI", uri),
                (Rule::Version, "version", version),
            ] {
                if let Err(error) = std::str::from_utf8(part) {
                    let offset = line.start + offset_in(lint, part, line.start);
                    let text = format_args!("the {what} is not UTF-8 from here on");
                    lint.at(rule, offset + error.valid_up_to(), text);
                }
            }
        }
        StartLine::BadStatus { version, code } => {
            look_version(lint, &String::from_utf8_lossy(version), start);
            let offset = code.as_ptr() as usize - lint.message.bytes().as_ptr() as usize;
            let text = "a status line is SIP/2.0, one space and a status code from 100 to 699";
            lint.at(Rule::StatusCode, offset, text);
        }
        StartLine::Status { version, status, reason } => {
            look_version(lint, version, start);
            let behind_code = start + version.len() + 4;
            if behind_code == line.end {
                lint.at(
                    Rule::ReasonPhraseSpace,
                    behind_code,
                    "a space must follow the status code, even where the reason phrase is empty",
                );
            }
            let text = std::str::from_utf8(reason);
            if let Some(at) = text.ok().and_then(unescaped) {
                lint.at(
                    Rule::ReasonPhraseCharacter,
                    behind_code + 1 + at,
                    format_args!(
                        "{} must be escaped in a reason phrase, as %{:02X}",
                        reason[at] as char, reason[at]
                    ),
                );
            }
            if !text.is_ok_and(|text| !text.contains(|c: char| c.is_control() && c != '\t')) {
                lint.at(
                    Rule::ReasonPhraseUtf8,
                    behind_code + 1,
                    "the reason phrase is not UTF-8, or holds control characters",
                );
            }
            if status.canonical_reason().is_empty() {
                lint.at(
                    Rule::StatusUnknown,
                    start + version.len() + 1,
                    format_args!("{status} is in no RFC; it counts as {}00", status.code() / 100),
                );
            }
        }
    }
}

/// The first character that a reason phrase cannot hold (RFC 3261 §25.1: reserved, unreserved,
/// escaped, UTF-8, SP and HTAB), control characters aside.
fn unescaped(reason: &str) -> Option<usize> {
    let bytes = reason.as_bytes();
    bytes.iter().enumerate().position(|(at, byte)| match byte {
        b'%' => escaped_byte(&bytes[at..]).is_none(),
        byte => b"\"#<>[\\]^`{|}".contains(byte),
    })
}

fn look_blanks(lint: &mut Lint<'_>) {
    if let Some(blank) = lint.message.surplus_blank() {
        lint.at(
            Rule::StartLineSpaces,
            blank,
            "a request line is METHOD URI SIP/2.0 with one space between, and none around",
        );
    }
}

/// Where a part of the start line begins, counted from the start of the line.
fn offset_in(lint: &Lint<'_>, part: &[u8], line: usize) -> usize {
    part.as_ptr() as usize - lint.message.bytes()[line..].as_ptr() as usize
}

fn look_method(lint: &mut Lint<'_>, text: &str) {
    let start = lint.message.start_offset();
    if !syntax::is_token(text) {
        lint.at(Rule::MethodToken, start, format_args!("the method {text} is no token"));
    } else if matches!(Method::from(text), Method::Extension(_)) {
        let same = Method::KNOWN.iter().find(|known| known.as_str().eq_ignore_ascii_case(text));
        match same {
            Some(known) => lint.at(
                Rule::MethodCase,
                start,
                format_args!("methods are case-sensitive: {text} is not {known}"),
            ),
            None => lint.at(
                Rule::MethodUnknown,
                start,
                format_args!("{text} is in no RFC; who does not know it answers 405 or 501"),
            ),
        }
    }
}

fn look_uri(lint: &mut Lint<'_>, text: &str, offset: usize) {
    match Uri::parse(text) {
        Err(error) => {
            let is_host = matches!(error.problem, UriProblem::BadPort | UriProblem::BadHost);
            match bare_ipv6(text).filter(|_| is_host) {
                Some(host) => {
                    let within = host.as_ptr() as usize - text.as_ptr() as usize;
                    let text = "an IPv6 address must stand in [ and ] in a URI";
                    lint.at(Rule::UriHost, offset + within, text);
                }
                None => lint.at(
                    Rule::RequestUri,
                    offset + error.offset,
                    format_args!("the Request-URI cannot be read: {error}"),
                ),
            }
        }
        Ok(uri) => {
            if !uri.headers().is_empty() {
                lint.at(
                    Rule::RequestUriHeaders,
                    offset + text.len() - uri.headers().len() - 1,
                    "a Request-URI must not hold headers (what stands behind the ?)",
                );
            }
            if let Scheme::Other(scheme) = uri.scheme()
                && uri.tel().is_none()
            {
                lint.at(
                    Rule::SchemeUnknown,
                    offset,
                    format_args!("who does not know the scheme {scheme} answers 416"),
                );
            }
            if lint.message.method() == Some(Method::Register)
                && let Some(user) = uri.user()
            {
                lint.at(
                    Rule::RegisterUri,
                    offset + (user.as_ptr() as usize - text.as_ptr() as usize),
                    "a REGISTER is sent to a domain: its Request-URI has no user and no @",
                );
            }
            super::uris::look_uri(lint, uri, offset, None);
            super::components::look(lint, uri, offset, None);
        }
    }
}

/// The host of `sip:2001:db8::10`, with a user or without, where it is an address of that kind.
pub(super) fn bare_ipv6(text: &str) -> Option<&str> {
    let rest = text.split_once(':').map_or("", |(_, rest)| rest);
    let host = rest.rsplit('@').next().unwrap_or("");
    let host = host.split([';', '?']).next().unwrap_or("");
    host.parse::<std::net::Ipv6Addr>().is_ok().then_some(host)
}

fn look_version(lint: &mut Lint<'_>, version: &str, offset: usize) {
    if version == "SIP/2.0" {
        return;
    }
    if version.is_empty() {
        lint.at(Rule::Version, offset, "the request line does not end in SIP/2.0");
    } else if version.eq_ignore_ascii_case("SIP/2.0") {
        lint.at(Rule::VersionCase, offset, "SIP/2.0 is to be sent in upper case");
    } else {
        lint.at(
            Rule::Version,
            offset,
            format_args!("{version} is not SIP/2.0; a server answers 505, a client drops it"),
        );
    }
}
