//! Every URI of a message: what must be escaped, and what must stand in brackets.

use super::{Lint, Rule, absolute, components, params};
use crate::sip::{
    header::{HeaderProblem, NameAddr, grammar},
    message::Header,
    name::HeaderName::{self, *},
    uri::{Scheme, Uri, escaped_byte},
};

pub(super) fn look(lint: &mut Lint<'_>) {
    let message = lint.message;
    for header in message.headers() {
        let Ok(text) = header.text() else { continue };
        if !holds_addresses(header.name) {
            continue;
        }
        for member in super::values::members(header.name, text) {
            match NameAddr::parse(header.name, member) {
                Ok(address) => {
                    let uri = address.uri();
                    let offset = uri.as_str().as_ptr() as usize - text.as_ptr() as usize;
                    look_uri(lint, uri, header.offset + offset, Some(header));
                    components::look(lint, uri, header.offset + offset, Some(header));
                    look_display_name(lint, header, address.display());
                }
                Err(error) => {
                    if let HeaderProblem::BadUri(_) = error.problem
                        && let Some(host) = bare_ipv6_in(member)
                    {
                        let text = "an IPv6 address must stand in [ and ] in a URI";
                        lint.part(Rule::UriHost, header, host, text);
                    }
                }
            }
        }
    }
}

fn holds_addresses(name: HeaderName) -> bool {
    matches!(
        name,
        AlertInfo
            | CallInfo
            | Contact
            | Diversion
            | ErrorInfo
            | From
            | HistoryInfo
            | PAssertedIdentity
            | PPreferredIdentity
            | Path
            | RecordRoute
            | ReferTo
            | ReferredBy
            | ReplyTo
            | Route
            | ServiceRoute
            | To
    )
}

fn bare_ipv6_in(member: &str) -> Option<&str> {
    let inner = member.split_once('<').map_or(member, |(_, rest)| rest);
    super::start_line::bare_ipv6(inner.split(['>', ';']).next().unwrap_or(""))
}

/// RFC 3261 §25.1: without quotes a display name is made of tokens; the reader takes UTF-8 as well.
fn look_display_name(lint: &mut Lint<'_>, header: Header<'_>, display: &str) {
    if display.starts_with('"') {
        return;
    }
    if let Some(at) = display.bytes().position(|b| !b.is_ascii()) {
        let text = "a display name with more than ASCII must stand in quotes";
        lint.part(Rule::DisplayName, header, &display[at..], text);
    }
}

/// Looks at one URI that stands at `offset` of the message.
pub(super) fn look_uri(
    lint: &mut Lint<'_>,
    uri: Uri<'_>,
    offset: usize,
    header: Option<Header<'_>>,
) {
    let text = uri.as_str();
    let mut fault = |rule: Rule, section, part: &str, message: String| {
        let within = part.as_ptr() as usize - text.as_ptr() as usize;
        lint.push(section, rule, header, offset + within, message);
    };
    if let Scheme::Other(_) = uri.scheme() {
        return look_other(uri, &mut fault);
    }
    let host = uri.host();
    if host.contains(":::") {
        let message = "an IPv6 address has at most two colons in a row".to_owned();
        fault(Rule::UriThreeColons, Rule::UriThreeColons.section(), host, message);
    } else if !grammar::is_host(host) {
        let message = format!("{host} is neither a host name nor an address");
        fault(Rule::HostName, Rule::HostName.section(), host, message);
    }
    if let Some(password) = uri.password() {
        let message = "a password in a URI is readable for everyone".to_owned();
        fault(Rule::UriPassword, Rule::UriPassword.section(), password, message);
    }
    look_characters(uri, &mut fault);
    params::look_uri_params(uri.params(), true, &mut fault);
    look_headers(uri, &mut fault);
}

/// RFC 3261 §25.1: what may stand unescaped differs from part to part.
fn look_characters(uri: Uri<'_>, fault: &mut impl FnMut(Rule, &'static str, &str, String)) {
    let parts = [
        (uri.user().unwrap_or(""), &b"&=+$,;?/"[..], "the user part"),
        (uri.password().unwrap_or(""), b"&=+$,", "the password"),
        (uri.params().as_str(), b"[]/:&+$;=", "the parameters"),
        (uri.headers(), b"[]/?:+$&=", "the headers"),
    ];
    for (part, reserved, what) in parts {
        let bytes = part.as_bytes();
        let bad_escape =
            memchr::memchr_iter(b'%', bytes).find(|&at| escaped_byte(&bytes[at..]).is_none());
        if let Some(at) = bad_escape {
            let message = format!("% in {what} must be followed by two hexadecimal digits");
            fault(Rule::UriEscape, Rule::UriEscape.section(), &part[at..], message);
        }
        let unescaped = part.char_indices().find(|&(_, c)| {
            !(c.is_ascii_alphanumeric()
                || "-_.!~*'()%".contains(c)
                || u8::try_from(c).is_ok_and(|byte| reserved.contains(&byte)))
        });
        if let Some((at, c)) = unescaped {
            let message = format!("{c} in {what} of a URI must be escaped");
            fault(Rule::UriReserved, Rule::UriReserved.section(), &part[at..], message);
        }
    }
}

/// `headers = "?" header *( "&" header )`, and `header = hname "=" hvalue`.
fn look_headers(uri: Uri<'_>, fault: &mut impl FnMut(Rule, &'static str, &str, String)) {
    let Some(headers) = uri.question() else { return };
    for header in headers[1..].split('&') {
        let message = match header.split_once('=') {
            None if header.is_empty() => "a header name=value should stand here",
            None => "a header in a URI is name=value, even where the value is empty",
            Some(("", _)) => "a header in a URI begins with its name",
            Some((_, value)) if value.contains('=') => "a second = in a header must be escaped",
            Some(_) => continue,
        };
        let part = if header.is_empty() && headers.len() == 1 { headers } else { header };
        fault(Rule::UriHeaders, Rule::UriHeaders.section(), part, message.to_owned());
    }
}

/// A URI of another scheme: `tel:`, or RFC 3261's absoluteURI.
fn look_other(uri: Uri<'_>, fault: &mut impl FnMut(Rule, &'static str, &str, String)) {
    let Some(tel) = uri.tel() else {
        if let Err((section, at, what)) = absolute::look(uri.as_str()) {
            fault(Rule::UriMalformed, section, &uri.as_str()[at..], what.to_owned());
        }
        return;
    };
    if !tel.is_valid() {
        let message = "a tel number is +digits, or local with a phone-context".to_owned();
        fault(Rule::TelInvalid, Rule::TelInvalid.section(), uri.as_str(), message);
    }
    params::look_uri_params(tel.params, false, fault);
}
