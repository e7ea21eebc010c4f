//! [`HttpHeader`]: a header that a user adds to the WebSocket handshake.

use std::{fmt, str::FromStr};

use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};

/// A header of the WebSocket handshake, such as Origin, Cookie or Authorization. Its value may be a
/// secret, so only [`HttpHeader::value`] gives it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct HttpHeader {
    name: HeaderName,
    value: HeaderValue,
}

/// Why a text is no [`HttpHeader`]. The text itself may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpHeaderError {
    /// There is no colon.
    #[error("a header is written Name: value, such as Origin: https://example.org")]
    NoColon,
    /// The name is not one.
    #[error("{0:?} is no header name")]
    Name(String),
    /// The value has a character that none can have.
    #[error("the value of {0} has a control character")]
    Value(String),
    /// The handshake itself needs it.
    #[error("{0} belongs to the WebSocket handshake: sipboard writes it")]
    Reserved(String),
}

impl HttpHeader {
    /// Its name, in lower case.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Its value.
    pub fn value(&self) -> &[u8] {
        self.value.as_bytes()
    }

    pub(super) fn parts(&self) -> (HeaderName, HeaderValue) {
        (self.name.clone(), self.value.clone())
    }
}

impl FromStr for HttpHeader {
    type Err = HttpHeaderError;

    fn from_str(text: &str) -> Result<HttpHeader, HttpHeaderError> {
        let (name, value) = text.split_once(':').ok_or(HttpHeaderError::NoColon)?;
        let name = name.trim();
        let parsed = HeaderName::from_bytes(name.as_bytes());
        let parsed = parsed.map_err(|_| HttpHeaderError::Name(name.to_owned()))?;
        if RESERVED.contains(&parsed.as_str()) || parsed.as_str().starts_with("sec-websocket-") {
            return Err(HttpHeaderError::Reserved(name.to_owned()));
        }
        let mut value = HeaderValue::from_str(value.trim())
            .map_err(|_| HttpHeaderError::Value(name.to_owned()))?;
        value.set_sensitive(true);
        Ok(HttpHeader { name: parsed, value })
    }
}

impl fmt::Debug for HttpHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ***", self.name)
    }
}

/// What the handshake needs, beside `Sec-WebSocket-…` (RFC 6455 §4.1).
const RESERVED: [&str; 3] = ["connection", "upgrade", "content-length"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_checked_and_their_values_are_not_shown() {
        let header: HttpHeader = "Authorization:  Bearer top ".parse().unwrap();
        assert_eq!((header.name(), header.value()), ("authorization", &b"Bearer top"[..]));
        assert_eq!(format!("{header:?}"), "authorization: ***");
        for wrong in
            ["", "Origin", "a b: c", "X: a\r\nY: b", "Sec-WebSocket-Protocol: x", "Upgrade: x"]
        {
            let error = wrong.parse::<HttpHeader>().unwrap_err();
            assert!(!error.to_string().contains("Y: b"), "{error}");
        }
    }
}
