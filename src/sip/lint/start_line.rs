//! The request line or status line (RFC 3261 §7.1 and §7.2).

use super::{Lint, Rule};
use crate::sip::{
    message::StartLine,
    method::Method,
    syntax,
    uri::{Scheme, Uri, UriProblem},
};

pub(super) fn look(lint: &mut Lint<'_>) {
    let start = lint.message.start_offset();
    let line = lint.message.start_line_range();
    match lint.message.start_line() {
        StartLine::Request { method, uri, version } => {
            let uri_start = line.start + offset_in(lint, uri, line.start);
            let version_start = line.start + offset_in(lint, version, line.start);
            if method.len() + uri.len() + version.len() + 2 != line.len() {
                // The first blank that is one too many.
                let behind_uri = uri_start + uri.len() + 1;
                let blank = if uri_start > start + method.len() + 1 {
                    start + method.len() + 1
                } else if version_start > behind_uri {
                    behind_uri
                } else {
                    version_start + version.len()
                };
                lint.at(
                    Rule::StartLineSpaces,
                    blank,
                    "a request line is METHOD URI SIP/2.0 with one space between, and none behind",
                );
            }
            look_method(lint, method);
            look_uri(lint, uri, uri_start);
            look_version(lint, version, version_start);
        }
        StartLine::BadStatus { version, code } => {
            look_version(lint, version, start);
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

/// Where a part of the start line begins, counted from the start of the line.
fn offset_in(lint: &Lint<'_>, part: &str, line: usize) -> usize {
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
            let bare_ipv6 = matches!(error.problem, UriProblem::BadPort | UriProblem::BadHost)
                && is_bare_ipv6(text);
            let (rule, message) = if bare_ipv6 {
                (Rule::UriHost, "an IPv6 address must stand in [ and ] in a URI".to_owned())
            } else {
                (Rule::RequestUri, format!("the Request-URI cannot be read: {error}"))
            };
            lint.at(rule, offset + error.offset, message);
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
            super::uris::look_uri(lint, uri, offset, None);
        }
    }
}

/// `sip:2001:db8::10`, with a user or without.
pub(super) fn is_bare_ipv6(text: &str) -> bool {
    let rest = text.split_once(':').map_or("", |(_, rest)| rest);
    let host = rest.rsplit('@').next().unwrap_or("");
    let host = host.split([';', '?']).next().unwrap_or("");
    host.parse::<std::net::Ipv6Addr>().is_ok()
}

fn look_version(lint: &mut Lint<'_>, version: &str, offset: usize) {
    if version == "SIP/2.0" {
        return;
    }
    if version.eq_ignore_ascii_case("SIP/2.0") {
        lint.at(Rule::VersionCase, offset, "SIP/2.0 is to be sent in upper case");
    } else {
        lint.at(
            Rule::Version,
            offset,
            format_args!("{version} is not SIP/2.0; a server answers 505, a client drops it"),
        );
    }
}
