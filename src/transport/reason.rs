//! Failures as sentences that name the address and the reason.

use std::{fmt, io};

use crate::transport::{LocalAddress, tls};

/// What went wrong, in a few lowercase words without an error number.
pub(super) fn words(error: &io::Error) -> String {
    if let Some(error) = tls::inner(error) {
        return tls::words(error);
    }
    use io::ErrorKind::*;
    match error.kind() {
        ConnectionRefused => "connection refused".into(),
        ConnectionReset => "the peer reset the connection".into(),
        TimedOut => "the connection timed out".into(),
        UnexpectedEof => "the peer ended the connection".into(),
        BrokenPipe => "the peer has closed the connection".into(),
        NetworkUnreachable => "no route to that network".into(),
        HostUnreachable => "no route to that host".into(),
        AddrInUse => "the address is in use already".into(),
        AddrNotAvailable => "no network interface has that address".into(),
        PermissionDenied => "permission denied".into(),
        _ => without_number(&error.to_string()),
    }
}

/// The system adds ` (os error 111)`, which tells a user nothing.
fn without_number(text: &str) -> String {
    let text = text.find(" (os error").map_or(text, |end| &text[..end]);
    let first = text.split_whitespace().next().unwrap_or("");
    let mut chars = text.chars();
    match chars.next() {
        // An abbreviation such as UTF-8 or TLS is a name.
        Some(_) if first.chars().skip(1).any(char::is_uppercase) => text.to_owned(),
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => "unknown error".into(),
    }
}

/// The sentence for a message that the system refuses because of its size.
pub(super) fn too_large(peer: &impl fmt::Display, size: usize) -> String {
    format!(
        "{size} bytes are too large for one datagram to {peer}: send less, or use WebSocket (ws://host:port)"
    )
}

/// Whether the system refuses a datagram because of its size (`EMSGSIZE`), which has no
/// [`io::ErrorKind`] of its own.
pub(super) fn is_too_large(error: &io::Error) -> bool {
    let number = if cfg!(windows) {
        10_040
    } else if cfg!(any(target_os = "linux", target_os = "android")) {
        90
    } else {
        40
    };
    error.raw_os_error() == Some(number)
}

/// The words for an address of ours that cannot be used.
pub(super) fn unbound(address: &LocalAddress, error: &io::Error) -> String {
    format!("the address to bind, {address}, cannot be used: {}", words(error))
}

/// The sentence for a flow that could not be made.
pub(super) fn unreachable(server: &impl fmt::Display, why: impl fmt::Display) -> String {
    format!("{server} cannot be reached: {why}")
}

/// The sentence for a flow that broke.
pub(super) fn broke(server: &impl fmt::Display, why: impl fmt::Display) -> String {
    format!("the connection with {server} broke: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_errors_become_words_without_numbers() {
        for (number, text) in [
            (111, "connection refused"),
            (104, "the peer reset the connection"),
            (113, "no route to that host"),
            (90, "message too long"),
        ] {
            if cfg!(target_os = "linux") {
                assert_eq!(words(&io::Error::from_raw_os_error(number)), text);
            }
        }
        assert_eq!(words(&io::Error::other("Bad thing")), "bad thing");
        assert_eq!(words(&io::Error::other("UTF-8 encoding error")), "UTF-8 encoding error");
        assert_eq!(words(&io::Error::other("A thing")), "a thing");
        assert_eq!(words(&io::Error::other("")), "unknown error");
    }
}
