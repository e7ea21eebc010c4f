//! `Via` (RFC 3261 §20.42).

use std::net::{IpAddr, SocketAddr};

use crate::sip::{
    header::{HeaderError, HeaderProblem, fail},
    name::HeaderName,
    params::Params,
    syntax,
    uri::{self, UriError},
};

/// One Via value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Via<'a> {
    transport: &'a str,
    host: &'a str,
    port: Option<u16>,
    params: Params<'a>,
}

impl<'a> Via<'a> {
    /// RFC 3261 §8.1.1.7: every branch made by these rules begins so.
    pub const MAGIC_COOKIE: &'static str = "z9hG4bK";

    /// Reads one Via value (no comma list).
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with its offset.
    #[inline]
    pub fn parse(value: &'a str) -> Result<Via<'a>, HeaderError> {
        let bad = |problem, offset| fail(HeaderName::Via, problem, offset);
        let text = syntax::trim(value);
        if text.is_empty() {
            return bad(HeaderProblem::Empty, 0);
        }
        let Some((transport, rest)) = sent_protocol(text) else {
            return bad(HeaderProblem::BadProtocol, 0);
        };
        if !rest.as_bytes().first().is_some_and(|b| syntax::is_lws(*b)) {
            return bad(HeaderProblem::BadProtocol, 0);
        }
        let sent_by = syntax::trim_start(rest);
        let start = text.len() - sent_by.len();
        let host_end = uri::host_end(sent_by).or_else(|error: UriError| {
            fail(HeaderName::Via, HeaderProblem::BadUri(error), start + error.offset)
        })?;
        let (host, behind) = sent_by.split_at(host_end);
        let (port, tail) = port(behind).or_else(|digits| {
            let problem = HeaderProblem::BadNumber { max: u16::MAX.into() };
            fail(HeaderName::Via, problem, text.len() - digits.len())
        })?;
        if !tail.is_empty() && !tail.starts_with(';') {
            return bad(HeaderProblem::Trailing, text.len() - tail.len());
        }
        Ok(Via { transport, host, port, params: Params::new(tail) })
    }

    /// The transport, as written: `UDP`, `WS` …
    pub fn transport(&self) -> &'a str {
        self.transport
    }

    /// The sent-by host.
    pub fn host(&self) -> &'a str {
        self.host
    }

    /// The sent-by port, where one is written.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The parameters.
    pub fn params(&self) -> Params<'a> {
        self.params
    }

    /// Where the message came from, as the `received` parameter has it: an IPv6 address stands
    /// there with brackets or without (RFC 5118 §4.5).
    pub fn received(&self) -> Option<IpAddr> {
        let text = self.params.value("received")?;
        let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        inner.unwrap_or(text).parse().ok()
    }

    /// Who sent the request, as the one saw it that it came to: `received` and `rport`
    /// (RFC 3261 §18.2.1, RFC 3581 §4), or what the sent-by says where one of them is missing.
    /// `None` where neither is there, or where it is no address that anyone can be reached at.
    pub fn seen(&self) -> Option<SocketAddr> {
        let received = self.params.value("received").map(|_| self.received());
        let rport = self.params.value("rport").filter(|port| !port.is_empty());
        if received.is_none() && rport.is_none() {
            return None;
        }
        let inner = self.host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let host = || inner.unwrap_or(self.host).parse().ok();
        let address: IpAddr = received.unwrap_or_else(host)?;
        let port = rport.map_or(self.port, |port| port.parse().ok())?;
        let is_one = port != 0 && !address.is_unspecified() && !address.is_multicast();
        is_one.then(|| SocketAddr::new(address.to_canonical(), port))
    }

    /// The `branch` parameter.
    pub fn branch(&self) -> Option<&'a str> {
        self.params.value("branch")
    }
}

/// White space may stand around the colon (`bigcom.com : 5060`). What should begin with the port
/// and does not is given back.
#[inline]
fn port(behind: &str) -> Result<(Option<u16>, &str), &str> {
    let behind = syntax::trim_start(behind);
    let Some(digits) = behind.strip_prefix(':') else { return Ok((None, behind)) };
    let digits = syntax::trim_start(digits);
    match uri::port(digits.as_bytes()) {
        Some((port, count)) => Ok((Some(port), syntax::trim_start(&digits[count..]))),
        None => Err(digits),
    }
}

/// The transport of `SIP/2.0/UDP`, and what follows; white space may stand around the slashes.
#[inline]
fn sent_protocol(text: &str) -> Option<(&str, &str)> {
    if let Some(rest) = text.strip_prefix("SIP/2.0/") {
        return token(rest).filter(|(transport, _)| !transport.is_empty()).or_else(|| spaced(text));
    }
    spaced(text)
}

fn spaced(text: &str) -> Option<(&str, &str)> {
    let (protocol, rest) = token(text)?;
    let (version, rest) = token(syntax::trim_start(syntax::trim_start(rest).strip_prefix('/')?))?;
    let rest = syntax::trim_start(rest).strip_prefix('/')?;
    let (transport, rest) = token(syntax::trim_start(rest))?;
    let good = protocol.eq_ignore_ascii_case("SIP") && version == "2.0" && !transport.is_empty();
    good.then_some((transport, rest))
}

fn token(text: &str) -> Option<(&str, &str)> {
    text.split_at_checked(text.bytes().take_while(|b| syntax::is_token_byte(*b)).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_may_stand_around_everything() {
        let via = Via::parse(
            "SIP  / 2.0\r\n / UDP\r\n    first.example.com : 4000 ; received=192.0.2.1 ;branch=z9hG4bKa7c6",
        )
        .unwrap();
        assert_eq!(via.transport(), "UDP");
        assert_eq!((via.host(), via.port()), ("first.example.com", Some(4000)));
        assert_eq!(via.branch(), Some("z9hG4bKa7c6"));
        let v6 = Via::parse("SIP/2.0/TCP [2001:db8::9:1]:6050;branch=x;rport").unwrap();
        assert_eq!((v6.host(), v6.port()), ("[2001:db8::9:1]", Some(6050)));
        assert!(v6.params().has("rport"));
        let address = "2001:db8::9:ff".parse().ok();
        for received in ["2001:db8::9:ff", "[2001:db8::9:ff]"] {
            let text = format!("SIP/2.0/UDP h;received={received}");
            assert_eq!(Via::parse(&text).unwrap().received(), address);
        }
    }

    #[test]
    fn who_sent_it_is_seen_where_the_other_side_says_so() {
        for (params, seen) in [
            (";rport", None),
            (";branch=z9hG4bKa", None),
            (";received=203.0.113.9;rport=4242", Some("203.0.113.9:4242")),
            (";rport=4242", Some("192.0.2.1:4242")),
            (";received=203.0.113.9;rport", Some("203.0.113.9:5070")),
            (";received=[2001:db8::1];rport=9", Some("[2001:db8::1]:9")),
            (";received=::ffff:203.0.113.9;rport=9", Some("203.0.113.9:9")),
            (";received=0.0.0.0;rport=9", None),
            (";received=224.0.0.1;rport=9", None),
            (";received=203.0.113.9;rport=0", None),
            (";received=203.0.113.9;rport=70000", None),
            (";received=here;rport=9", None),
        ] {
            let text = format!("SIP/2.0/UDP 192.0.2.1:5070{params}");
            let seen: Option<SocketAddr> = seen.map(|seen| seen.parse().unwrap());
            assert_eq!(Via::parse(&text).unwrap().seen(), seen, "{params}");
        }
    }

    #[test]
    fn bad_ones_are_refused() {
        for bad in [
            "",
            "UDP host",
            "SIP/2.0/UDP",
            "SIP/3.0/UDP h",
            "SIP/2.0/UDP h:x",
            "SIP/2.0/UDP :5060",
            "SIP/2.0/UDP h:99999",
        ] {
            assert!(Via::parse(bad).is_err(), "{bad}");
        }
    }
}
