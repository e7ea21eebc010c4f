//! `Via` (RFC 3261 §20.42).

use crate::sip::{
    header::{HeaderError, HeaderProblem, fail},
    name::HeaderName,
    params::Params,
    syntax,
    uri::HostPort,
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
    pub fn parse(value: &'a str) -> Result<Via<'a>, HeaderError> {
        let bad = |problem, offset| fail(HeaderName::Via, problem, offset);
        let text = syntax::trim(value);
        if text.is_empty() {
            return bad(HeaderProblem::Empty, 0);
        }
        let mut rest = text;
        let mut part = |last: bool| -> Option<&'a str> {
            let trimmed = syntax::trim_start(rest);
            let end = trimmed.bytes().take_while(|b| syntax::is_token_byte(*b)).count();
            let (token, tail) = trimmed.split_at(end);
            rest = if last { tail } else { syntax::trim_start(tail).strip_prefix('/')? };
            (!token.is_empty()).then_some(token)
        };
        let (Some(protocol), Some(version), Some(transport)) =
            (part(false), part(false), part(true))
        else {
            return bad(HeaderProblem::BadProtocol, 0);
        };
        if !protocol.eq_ignore_ascii_case("SIP")
            || version != "2.0"
            || !rest.as_bytes().first().is_some_and(|b| syntax::is_lws(*b))
        {
            return bad(HeaderProblem::BadProtocol, 0);
        }
        let offset = text.len() - rest.len();
        let end = memchr::memchr(b';', rest.as_bytes()).unwrap_or(rest.len());
        let (host, port) = sent_by(syntax::trim(&rest[..end]), offset)?;
        Ok(Via { transport, host, port, params: Params::new(&rest[end..]) })
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
    pub fn received(&self) -> Option<std::net::IpAddr> {
        let text = self.params.value("received")?;
        let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        inner.unwrap_or(text).parse().ok()
    }

    /// The `branch` parameter.
    pub fn branch(&self) -> Option<&'a str> {
        self.params.value("branch")
    }
}

/// White space may stand around the colon (`bigcom.com : 5060`).
fn sent_by(text: &str, offset: usize) -> Result<(&str, Option<u16>), HeaderError> {
    let bad = |problem, at| fail(HeaderName::Via, problem, offset + at);
    let bytes = text.as_bytes();
    let behind_address = match bytes.first() {
        Some(b'[') => memchr::memchr(b']', bytes).unwrap_or(0),
        _ => 0,
    };
    let colon = memchr::memchr(b':', &bytes[behind_address..]).map(|at| behind_address + at);
    let (host, port) = match colon {
        Some(colon) => (syntax::trim(&text[..colon]), Some(syntax::trim(&text[colon + 1..]))),
        None => (text, None),
    };
    let host = match HostPort::split(host) {
        Ok((host, None)) => host,
        Ok((_, Some(_))) => return bad(HeaderProblem::Trailing, 0),
        Err(error) => return bad(HeaderProblem::BadUri(error), error.offset),
    };
    match port {
        None => Ok((host, None)),
        Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            match digits.parse() {
                Ok(port) => Ok((host, Some(port))),
                Err(_) => bad(HeaderProblem::BadNumber { max: u16::MAX.into() }, host.len()),
            }
        }
        Some(_) => bad(HeaderProblem::BadNumber { max: u16::MAX.into() }, host.len()),
    }
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
