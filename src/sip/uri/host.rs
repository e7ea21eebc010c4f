//! The host of URIs and of Via, and the port behind it.

use super::{UriError, UriProblem};

/// Where the host at the start of `text` ends.
#[inline]
pub(crate) fn host_end(text: &str) -> Result<usize, UriError> {
    let fail = |problem, offset| Err(UriError { problem, offset });
    let bytes = text.as_bytes();
    if let [b'[', ..] = bytes {
        let Some(close) = memchr::memchr(b']', bytes) else {
            return fail(UriProblem::BadIpv6, 0);
        };
        if !is_ipv6(&text[1..close]) {
            return match text[1..close].split_once('%') {
                Some((address, _)) if is_ipv6(address) => fail(UriProblem::Zone, 1 + address.len()),
                _ => fail(UriProblem::BadIpv6, 1),
            };
        }
        return Ok(close + 1);
    }
    match bytes.iter().position(|b| !HOST[*b as usize]).unwrap_or(bytes.len()) {
        0 if matches!(bytes.first(), None | Some(b':' | b';' | b'?')) => {
            fail(UriProblem::NoHost, 0)
        }
        0 => fail(UriProblem::BadHost, 0),
        end => Ok(end),
    }
}

/// The port that `bytes` begin with, and how many digits it has; `None` where it is no number from
/// 0 to 65535.
#[inline]
pub(crate) fn port(bytes: &[u8]) -> Option<(u16, usize)> {
    let mut number = 0u16;
    let mut count = 0;
    while let Some(digit @ b'0'..=b'9') = bytes.get(count) {
        number = number.checked_mul(10)?.checked_add(u16::from(digit - b'0'))?;
        count += 1;
    }
    (count > 0).then_some((number, count))
}

/// What stands in host names and IPv4 addresses.
///
/// Deviation: RFC 3261's hostname has no underscore; names in the field do.
static HOST: [bool; 256] = {
    let mut table = [false; 256];
    let mut i = 0;
    while i < 256 {
        let b = i as u8;
        table[i] = b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        i += 1;
    }
    table
};

/// RFC 5118 §4.10 has receivers tolerate three colons before an embedded IPv4 address.
fn is_ipv6(text: &str) -> bool {
    text.parse::<std::net::Ipv6Addr>().is_ok()
        || (text.contains(":::")
            && text.replacen(":::", "::", 1).parse::<std::net::Ipv6Addr>().is_ok())
}
