//! The opening handshake of a server (RFC 6455 §4.2). The library's own leaves without a word where a
//! client asks for anything else than it takes.

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::SUBPROTOCOL;
use crate::transport::stream::LINGER;

/// How many bytes of a request are read at most, and how many header fields.
const HEARD: usize = 16 << 10;
const FIELDS: usize = 128;

/// The version that is spoken (RFC 6455 §4.1).
const VERSION: &str = "13";

/// Answers a client's request; gives what came behind it where it is an upgrade, `None` where it was
/// refused or never came.
pub(super) async fn shake<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> Option<Vec<u8>> {
    let mut heard = Vec::new();
    let judged = loop {
        match judge(&heard) {
            Some(judged) => break judged,
            None if heard.len() >= HEARD => break Err(Refusal::bad("its header is too long")),
            None => {
                stream.read_buf(&mut heard).await.ok().filter(|length| *length > 0)?;
            }
        }
    };
    match judged {
        Ok(Upgrade { length, accept }) => {
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).await.ok()?;
            stream.flush().await.ok()?;
            Some(heard.split_off(length))
        }
        Err(refusal) => {
            stream.write_all(refusal.text().as_bytes()).await.ok()?;
            stream.shutdown().await.ok()?;
            // An ear that still listens keeps the answer from being lost with a reset.
            let mut rest = [0; 1024];
            let hear =
                async { while stream.read(&mut rest).await.is_ok_and(|length| length > 0) {} };
            let _ = timeout(LINGER, hear).await;
            None
        }
    }
}

/// A request that is taken.
#[derive(Debug, PartialEq, Eq)]
struct Upgrade {
    /// How many bytes it has.
    length: usize,
    /// What answers its key.
    accept: String,
}

/// An answer that is no upgrade.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    status: &'static str,
    /// Header fields, each with its line end.
    fields: &'static str,
    /// What is wrong with the request.
    why: String,
}

impl Refusal {
    fn bad(why: &str) -> Refusal {
        Refusal { status: "400 Bad Request", fields: "", why: why.to_owned() }
    }

    /// RFC 6455 §4.4: the client is told which version is spoken; RFC 9110 §15.5.22: and that it is
    /// to upgrade.
    fn upgrade(why: &str) -> Refusal {
        let fields = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
        Refusal { status: "426 Upgrade Required", fields, why: why.to_owned() }
    }

    fn text(&self) -> String {
        let Refusal { status, fields, why } = self;
        let body = format!("this server speaks SIP over WebSocket (RFC 7118): {why}\n");
        // RFC 9110 §7.8: who names Upgrade names it as an option of the connection.
        let connection = if fields.contains("Upgrade:") { "Upgrade, close" } else { "close" };
        format!(
            "HTTP/1.1 {status}\r\n{fields}Content-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: {connection}\r\n\r\n{body}",
            body.len()
        )
    }
}

/// What becomes of a request (RFC 6455 §4.2.1); `None` where its end is still to come.
fn judge(heard: &[u8]) -> Option<Result<Upgrade, Refusal>> {
    let mut slots = [httparse::EMPTY_HEADER; FIELDS];
    let mut request = httparse::Request::new(&mut slots);
    let length = match request.parse(heard) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return None,
        Err(_) => return Some(Err(Refusal::bad("what came is no request of HTTP"))),
    };
    Some(check(&request).map(|accept| Upgrade { length, accept }))
}

/// Gives what answers the key.
fn check(request: &httparse::Request<'_, '_>) -> Result<String, Refusal> {
    let values = |name: &'static str| {
        let named = request.headers.iter().filter(move |it| it.name.eq_ignore_ascii_case(name));
        named.filter_map(|field| std::str::from_utf8(field.value).ok())
    };
    let has_token = |name, token: &str| {
        values(name)
            .flat_map(|value| value.split(','))
            .any(|it| it.trim().eq_ignore_ascii_case(token))
    };
    if request.method != Some("GET") {
        let why = "a WebSocket begins with GET (RFC 6455 §4.1)".to_owned();
        return Err(Refusal { status: "405 Method Not Allowed", fields: "Allow: GET\r\n", why });
    }
    if request.version == Some(0) {
        return Err(Refusal::bad("a WebSocket begins with HTTP/1.1 (RFC 6455 §4.1)"));
    }
    if !has_token("Upgrade", "websocket") || !has_token("Connection", "upgrade") {
        return Err(Refusal::upgrade("ask for an upgrade to websocket (RFC 6455 §4.1)"));
    }
    let versions: Vec<_> = values("Sec-WebSocket-Version").map(str::trim).collect();
    if versions != [VERSION] {
        return Err(Refusal::upgrade("it speaks version 13 alone (RFC 6455 §4.4)"));
    }
    let mut keys = values("Sec-WebSocket-Key").map(str::trim);
    let (Some(key), None) = (keys.next().filter(|key| is_key(key)), keys.next()) else {
        return Err(Refusal::bad(
            "there must be one Sec-WebSocket-Key, of 16 bytes in base64 (RFC 6455 §4.1)",
        ));
    };
    // RFC 7118 §4: the client must offer `sip`, the server must select it.
    let offers_sip = values("Sec-WebSocket-Protocol")
        .flat_map(|value| value.split(','))
        .any(|it| it.trim() == SUBPROTOCOL);
    if !offers_sip {
        return Err(Refusal::bad("offer the WebSocket subprotocol sip (RFC 7118 §4)"));
    }
    Ok(derive_accept_key(key.as_bytes()))
}

/// Sixteen bytes in base64.
fn is_key(key: &str) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    key.len() == 24 && key.ends_with("==") && key.as_bytes()[..22].iter().all(is_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: chat, sip\r\n\r\n";

    fn status(request: &str) -> String {
        match judge(request.as_bytes()) {
            None => "more".to_owned(),
            Some(Ok(upgrade)) => upgrade.accept,
            Some(Err(refusal)) => refusal.status[..3].to_owned(),
        }
    }

    #[test]
    fn an_upgrade_is_answered_and_everything_else_is_told_what_is_missing() {
        // The key and its answer of RFC 6455 §1.3.
        assert_eq!(status(GOOD), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        for (from, to, expected) in [
            ("GET", "POST", "405"),
            ("HTTP/1.1", "HTTP/1.0", "400"),
            ("HTTP/1.1", "SIP/2.0", "400"),
            ("Upgrade: websocket\r\n", "", "426"),
            ("Connection: keep-alive, Upgrade\r\n", "", "426"),
            ("Version: 13", "Version: 8", "426"),
            ("Version: 13", "Version: 13, 8", "426"),
            ("Sec-WebSocket-Version: 13\r\n", "", "426"),
            ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", "400"),
            ("dGhlIHNhbXBsZSBub25jZQ==", "dGhl", "400"),
            ("chat, sip", "chat, SIP", "400"),
            ("\r\n\r\n", "\r\n", "more"),
        ] {
            assert!(GOOD.contains(from), "{from}");
            assert_eq!(status(&GOOD.replacen(from, to, 1)), expected, "{from} -> {to}");
        }
    }

    #[test]
    fn a_refusal_of_a_version_names_the_one_that_is_spoken() {
        let Some(Err(refusal)) = judge(GOOD.replace("n: 13", "n: 7").as_bytes()) else { panic!() };
        let text = refusal.text();
        assert!(text.starts_with("HTTP/1.1 426 Upgrade Required\r\n"), "{text}");
        for line in ["Sec-WebSocket-Version: 13\r\n", "Connection: Upgrade, close\r\n"] {
            assert!(text.contains(line), "{text}");
        }
        let (_, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(text.contains(&format!("Content-Length: {}\r\n", body.len())), "{text}");
    }
}
