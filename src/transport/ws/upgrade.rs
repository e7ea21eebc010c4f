//! The opening handshake of a client (RFC 6455 §4.1). The library's own keeps of a refusal what came
//! with its head, and knows a `Connection` of one token only.

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};
use tokio_tungstenite::tungstenite::{
    handshake::{
        client::{Request, generate_request},
        derive_accept_key,
    },
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{
            CONNECTION, CONTENT_LENGTH, LOCATION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS,
            SEC_WEBSOCKET_PROTOCOL, TRANSFER_ENCODING, UPGRADE,
        },
    },
};

use super::{SUBPROTOCOL, words::first_line};
use crate::transport::reason;

/// How many bytes of an answer are read at most, and how many header fields.
const HEARD: usize = 16 << 10;
const FIELDS: usize = 128;

/// How long the body of a refusal is waited for.
const PATIENCE: Duration = Duration::from_millis(500);

/// Asks for an upgrade; gives what came behind the server's consent, or a sentence.
pub(super) async fn upgrade<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    request: Request,
) -> Result<Vec<u8>, String> {
    let (bytes, key) = generate_request(request).map_err(|error| error.to_string())?;
    let written = async {
        stream.write_all(&bytes).await?;
        stream.flush().await
    };
    written.await.map_err(|error| reason::words(&error))?;
    let mut heard = Vec::new();
    let head = loop {
        match Head::read(&heard)? {
            // RFC 9110 §15.2: a client takes 1xx before the answer that it waits for.
            Some(head) if head.is_interim() => drop(heard.drain(..head.length)),
            Some(head) => break head,
            None if heard.len() >= HEARD => return Err(too_long(&heard)),
            None => match stream.read_buf(&mut heard).await {
                Ok(0) => {
                    return Err("it ended the connection during the WebSocket handshake".to_owned());
                }
                Ok(_) => {}
                Err(error) => return Err(reason::words(&error)),
            },
        }
    };
    let mut rest = heard.split_off(head.length);
    if head.status != StatusCode::SWITCHING_PROTOCOLS || head.is_old {
        // What came until then is shown.
        let _ = timeout(PATIENCE, head.read_body(stream, &mut rest)).await;
        return Err(head.refusal(&heard, &rest));
    }
    head.check(&key)?;
    Ok(rest)
}

/// The head of an HTTP answer.
struct Head {
    length: usize,
    status: StatusCode,
    /// The reason phrase.
    reason: String,
    /// HTTP/1.0, which has no upgrade.
    is_old: bool,
    fields: HeaderMap,
}

impl Head {
    /// `None` where the end is still to come.
    fn read(heard: &[u8]) -> Result<Option<Head>, String> {
        let not_http =
            || "it answered the WebSocket handshake with something that is not HTTP".to_owned();
        let mut slots = [httparse::EMPTY_HEADER; FIELDS];
        let mut answer = httparse::Response::new(&mut slots);
        let length = match answer.parse(heard) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => return Err(too_long(heard)),
            Err(_) => return Err(not_http()),
        };
        let status = answer.code.and_then(|code| StatusCode::from_u16(code).ok());
        let mut fields = HeaderMap::new();
        for field in answer.headers.iter() {
            let name = HeaderName::from_bytes(field.name.as_bytes());
            let value = HeaderValue::from_bytes(field.value);
            let (Ok(name), Ok(value)) = (name, value) else { return Err(not_http()) };
            fields.append(name, value);
        }
        let status = status.ok_or_else(not_http)?;
        let reason = first_line(answer.reason.unwrap_or_default().as_bytes());
        let is_old = answer.version == Some(0);
        Ok(Some(Head { length, status, reason, is_old, fields }))
    }

    fn is_interim(&self) -> bool {
        self.status.is_informational() && self.status != StatusCode::SWITCHING_PROTOCOLS
    }

    /// The checks of RFC 6455 §4.1, in its order.
    fn check(&self, key: &str) -> Result<(), String> {
        let lacks = |field: &str| {
            format!("its 101 to the WebSocket handshake has no {field} (RFC 6455 §4.1)")
        };
        if !self.has_token(&UPGRADE, "websocket") {
            return Err(lacks("Upgrade: websocket"));
        }
        if !self.has_token(&CONNECTION, "upgrade") {
            return Err(lacks("Connection: Upgrade"));
        }
        let accept = self.fields.get(SEC_WEBSOCKET_ACCEPT);
        if accept.is_none_or(|accept| *accept != derive_accept_key(key.as_bytes())) {
            return Err(lacks("Sec-WebSocket-Accept for the key that was sent"));
        }
        if let Some(selected) = self.fields.get(SEC_WEBSOCKET_EXTENSIONS) {
            // What was not offered must not be selected, and we offer none.
            return Err(format!(
                "it selected the WebSocket extension {}, which was not offered (RFC 6455 §4.1)",
                first_line(selected.as_bytes())
            ));
        }
        // RFC 7118 §4: the one that was offered, once (RFC 6455 §11.3.4).
        let selected: Vec<_> = self.fields.get_all(SEC_WEBSOCKET_PROTOCOL).iter().collect();
        let but = match &*selected {
            [selected] if *selected == SUBPROTOCOL => return Ok(()),
            [] => String::new(),
            [selected] => format!(", but {}", first_line(selected.as_bytes())),
            several => format!(", but {} headers with one each", several.len()),
        };
        Err(format!("it did not select the WebSocket subprotocol sip (RFC 7118 §4){but}"))
    }

    fn has_token(&self, name: &HeaderName, token: &str) -> bool {
        let values = self.fields.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|t| t.trim().eq_ignore_ascii_case(token))
    }

    /// Reads on until the first line of the body is there, which may come later than the head.
    async fn read_body<S: AsyncRead + Unpin>(&self, stream: &mut S, body: &mut Vec<u8>) {
        let length = self.fields.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        let length = length.and_then(|length| length.parse().ok()).unwrap_or(HEARD).min(HEARD);
        let has_line = |body: &[u8]| self.text(body).trim_ascii_start().contains(&b'\n');
        while body.len() < length && !has_line(body) {
            if !matches!(stream.read_buf(body).await, Ok(1..)) {
                return;
            }
        }
    }

    /// The body from the first of its chunks on, where it comes in chunks (RFC 9112 §7.1).
    fn text<'a>(&self, body: &'a [u8]) -> &'a [u8] {
        if !self.has_token(&TRANSFER_ENCODING, "chunked") {
            return body;
        }
        let size = memchr::memchr(b'\n', body).map_or(body.len(), |end| end + 1);
        &body[size..]
    }

    /// An answer that is no upgrade: its status and what it says.
    fn refusal(&self, head: &[u8], body: &[u8]) -> String {
        let status = match self.is_old {
            true => first_line(head),
            false => format!("{} {}", self.status.as_str(), self.reason).trim_end().to_owned(),
        };
        let to = match self.fields.get(LOCATION).filter(|_| self.status.is_redirection()) {
            Some(to) => format!(" to {}, which is not followed", first_line(to.as_bytes())),
            None => String::new(),
        };
        let said = first_line(self.text(body));
        let colon = if said.is_empty() { "" } else { ": " };
        format!("it answered the WebSocket handshake with {status}{to}{colon}{said}")
    }
}

fn too_long(heard: &[u8]) -> String {
    let line = first_line(heard);
    format!("it answered the WebSocket handshake with more header than is taken: {line}")
}
