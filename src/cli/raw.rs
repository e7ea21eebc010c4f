//! `sipboard send --raw`: bytes from a file, and where they go.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use anyhow::Context as _;
use bytes::Bytes;

use crate::{
    engine::{Account, DraftError, Field, RawSubmission},
    sip::RawMessage,
};

/// Reads the bytes; with `crlf` each LF alone becomes CR LF.
pub(super) fn read(file: &Path, crlf: bool) -> anyhow::Result<RawMessage> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        io::stdin().read_to_end(&mut bytes).context("--raw -: standard input")?;
    } else {
        bytes = fs::read(file).with_context(|| format!("--raw {}", file.display()))?;
    }
    if bytes.is_empty() {
        anyhow::bail!("--raw {}: it is empty, there is nothing to send", file.display());
    }
    let bytes = if crlf { with_crlf(&bytes) } else { bytes };
    Ok(RawMessage::new(Bytes::from(bytes)))
}

fn with_crlf(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 16);
    let mut before = 0;
    for &byte in bytes {
        if byte == b'\n' && before != b'\r' {
            out.push(b'\r');
        }
        out.push(byte);
        before = byte;
    }
    out
}

/// The bytes with the server that is named, or else the account's first.
pub(super) fn submit(
    message: RawMessage,
    server: &str,
    account: &Account,
) -> Result<RawSubmission, Vec<DraftError>> {
    let named = match server.trim() {
        "" => None,
        text => Some(text.parse().map_err(|error: crate::transport::ServerUriError| {
            vec![DraftError { field: Field::Server, message: error.to_string() }]
        })?),
    };
    let server = named.or_else(|| account.servers.first().cloned());
    Ok(RawSubmission { message, server, flow: account.flow.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_line_feed_alone_gets_a_carriage_return() {
        for (bytes, wanted) in [
            (&b"a\nb\r\n\n\r"[..], &b"a\r\nb\r\n\r\n\r"[..]),
            (b"\n", b"\r\n"),
            (b"\xff\0", b"\xff\0"),
        ] {
            assert_eq!(with_crlf(bytes), wanted);
        }
    }
}
