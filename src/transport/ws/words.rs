//! What goes on in a WebSocket connection, as sentences and parts of them.

use std::io;

use tokio_tungstenite::tungstenite::{
    Error,
    error::{CapacityError, ProtocolError},
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use crate::{
    sip::{escape, secret::without_passwords},
    transport::reason,
};

/// The reason that the library gives a close frame instead of a code that must not be sent.
const MISUSED: &str = "Protocol violation";

/// How many characters of an HTTP answer are shown.
const SHOWN: usize = 160;

/// A close frame, as it stands in a sentence after `closed the connection`.
/// `code` is the one that came.
pub(super) fn close_words(frame: Option<&CloseFrame>, code: Option<u16>) -> String {
    match frame {
        None => " without a code".to_owned(),
        // What the library says for a code that stands for the lack of one.
        Some(CloseFrame { code: CloseCode::Protocol, reason }) if *reason == MISUSED => {
            match code {
                Some(code) => {
                    format!(" with code {code}, which must not be sent (RFC 6455 §7.4)")
                }
                None => " with a code that must not be sent (RFC 6455 §7.4)".to_owned(),
            }
        }
        Some(CloseFrame { code, reason }) if reason.is_empty() => format!(" with code {code}"),
        Some(CloseFrame { code, reason }) => {
            format!(" with code {code}: {}", escape(reason))
        }
    }
}

/// The first line with anything in it, escaped and not too long.
pub(super) fn first_line(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * SHOWN)]);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    // What is cut off may be what makes a password of its end.
    let line = without_passwords(line);
    let shown: String = line.chars().take(SHOWN).collect();
    let more = if shown.len() < line.len() { "…" } else { "" };
    format!("{}{more}", escape(&shown))
}

/// What went wrong on a connection, in a few words.
pub(super) fn error_words(error: &Error) -> String {
    match error {
        Error::Io(error) => reason::words(error),
        Error::ConnectionClosed | Error::AlreadyClosed => "the peer ended it".to_owned(),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            "the peer ended it without a close frame".to_owned()
        }
        Error::Capacity(CapacityError::MessageTooLong { size, max_size }) => {
            format!("the peer sent a message of {size} bytes; at most {max_size} are taken")
        }
        Error::Utf8(_) => "the peer sent a text frame that is not UTF-8".to_owned(),
        error => reason::words(&io::Error::other(error.to_string())),
    }
}

/// The close code for what a peer must not send (RFC 6455 §7.4.1); `None` where the connection itself
/// is lost.
pub(super) fn close_code(error: &Error) -> Option<CloseCode> {
    match error {
        Error::Capacity(CapacityError::MessageTooLong { .. }) => Some(CloseCode::Size),
        Error::Utf8(_) => Some(CloseCode::Invalid),
        Error::Protocol(
            ProtocolError::ResetWithoutClosingHandshake
            | ProtocolError::ReceivedAfterClosing
            | ProtocolError::SendAfterClosing,
        ) => None,
        Error::Protocol(_) => Some(CloseCode::Protocol),
        _ => None,
    }
}
