//! Every URI of a message: what must be escaped, and what must stand in brackets.

use super::{Lint, Rule};
use crate::sip::{
    header::{HeaderProblem, NameAddr},
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
            let within = member.as_ptr() as usize - text.as_ptr() as usize;
            match NameAddr::parse(header.name, member) {
                Ok(address) => {
                    let uri = address.uri();
                    let offset = uri.as_str().as_ptr() as usize - text.as_ptr() as usize;
                    look_uri(lint, uri, header.offset + offset, Some(header));
                }
                Err(error) => {
                    if let HeaderProblem::BadUri(_) = error.problem
                        && bare_ipv6_in(member)
                    {
                        lint.header(
                            Rule::UriHost,
                            header,
                            within + error.offset,
                            "an IPv6 address must stand in [ and ] in a URI",
                        );
                    }
                }
            }
        }
    }
}

fn holds_addresses(name: HeaderName) -> bool {
    matches!(
        name,
        Contact
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

fn bare_ipv6_in(member: &str) -> bool {
    let inner = member.split_once('<').map_or(member, |(_, rest)| rest);
    super::start_line::is_bare_ipv6(inner.split(['>', ';']).next().unwrap_or(""))
}

/// Looks at one URI that stands at `offset` of the message.
pub(super) fn look_uri(
    lint: &mut Lint<'_>,
    uri: Uri<'_>,
    offset: usize,
    header: Option<Header<'_>>,
) {
    let text = uri.as_str();
    let within = |part: &str| part.as_ptr() as usize - text.as_ptr() as usize;
    let name = header.map(super::name_of);
    if let Some(tel) = uri.tel()
        && !tel.is_valid()
    {
        let message = "a tel number is +digits, or local with a phone-context";
        lint.push(Rule::TelInvalid, name.clone(), offset, message);
    }
    if matches!(uri.scheme(), Scheme::Other(_)) {
        return;
    }
    if uri.host().contains(":::") {
        let message = "an IPv6 address has at most two colons in a row";
        lint.push(Rule::UriThreeColons, name.clone(), offset + within(uri.host()), message);
    }
    if !is_host(uri.host()) {
        let message = format_args!("{} is neither a host name nor an address", uri.host());
        lint.push(Rule::HostName, name.clone(), offset + within(uri.host()), message);
    }
    if let Some(password) = uri.password() {
        let message = "a password in a URI is readable for everyone";
        lint.push(Rule::UriPassword, name.clone(), offset + within(password), message);
    }
    // RFC 3261 §25.1: what may stand unescaped differs from part to part.
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
            let message = format_args!("% in {what} must be followed by two hexadecimal digits");
            lint.push(Rule::UriEscape, name.clone(), offset + within(part) + at, message);
        }
        let unescaped = part.char_indices().find(|&(_, c)| {
            !(c.is_ascii_alphanumeric()
                || "-_.!~*'()%".contains(c)
                || u8::try_from(c).is_ok_and(|byte| reserved.contains(&byte)))
        });
        if let Some((at, c)) = unescaped {
            let message = format_args!("{c} in {what} of a URI must be escaped");
            lint.push(Rule::UriReserved, name.clone(), offset + within(part) + at, message);
        }
    }
}

/// RFC 3261 §25.1: labels are not empty, and the last of a name does not look like an address's.
/// One dot may end a name.
fn is_host(host: &str) -> bool {
    if host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok() {
        return true;
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let last = name.rsplit('.').next().unwrap_or("");
    name.split('.').all(|label| !label.is_empty()) && !last.bytes().all(|b| b.is_ascii_digit())
}
