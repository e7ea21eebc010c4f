//! How an account's flows are made: its keys for the address, TLS and WebSocket.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use toml::de::DeValue;

use crate::{
    config::table::{Problems, Table},
    transport::{
        ClientIdentity, FlowSettings, HttpHeaderError, KeepAlive, LocalAddress, TlsSettings, Trust,
        WebSocketSettings, is_server_name,
    },
};

/// Reads them: bind, ca_file, cert_file, insecure, keep_alive, keep_alive_answered, key_file,
/// server_name, ws_binary and ws_headers.
pub(super) fn read(problems: &mut Problems<'_>, account: &Table<'_>) -> FlowSettings {
    FlowSettings {
        bind: read_bind(problems, account),
        keep_alive: read_keep_alive(problems, account),
        tls: read_tls(problems, account),
        websocket: read_websocket(problems, account),
    }
}

fn read_keep_alive(problems: &mut Problems<'_>, account: &Table<'_>) -> KeepAlive {
    let interval = account.integer(problems, "keep_alive", 0..=MAX_KEEP_ALIVE, "seconds");
    let must_answer = account.boolean(problems, "keep_alive_answered");
    KeepAlive {
        interval: interval.map(|(seconds, _)| Duration::from_secs(seconds)),
        must_answer: must_answer.unwrap_or(false),
    }
}

fn read_websocket(problems: &mut Problems<'_>, account: &Table<'_>) -> WebSocketSettings {
    const WHAT: &str = "a list of headers such as [\"Origin: https://example.org\"]";
    let binary = account.boolean(problems, "ws_binary").unwrap_or(false);
    let mut headers = Vec::new();
    let Some(value) = account.value("ws_headers") else {
        return WebSocketSettings { headers, binary };
    };
    let DeValue::Array(list) = value.get_ref() else {
        problems.note(value.span().start, format!("ws_headers must be {WHAT}"));
        return WebSocketSettings { headers, binary };
    };
    for value in list.iter() {
        // The text may be a secret: a mistake does not repeat it.
        let header = match value.get_ref() {
            DeValue::String(text) => {
                text.parse().map_err(|error: HttpHeaderError| error.to_string())
            }
            _ => Err(format!("it must be {WHAT}")),
        };
        match header {
            Ok(header) => headers.push(header),
            Err(error) => problems.note(value.span().start, format!("ws_headers: {error}")),
        }
    }
    WebSocketSettings { headers, binary }
}

fn read_bind(problems: &mut Problems<'_>, account: &Table<'_>) -> Option<LocalAddress> {
    let what = "an IP address of ours such as \"192.0.2.1\"";
    let (text, span) = account.string(problems, "bind", what)?;
    let address = text.parse();
    address.map_err(|error| problems.note(span.start, format!("bind: {error}"))).ok()
}

fn read_tls(problems: &mut Problems<'_>, account: &Table<'_>) -> TlsSettings {
    let mut file = |key| {
        let (text, span) = account.string(problems, key, "the name of a PEM file")?;
        Some((PathBuf::from(text), span.start))
    };
    let (ca_file, cert, key) = (file("ca_file"), file("cert_file"), file("key_file"));
    let identity = match (cert, key) {
        (Some((cert_file, _)), Some((key_file, _))) => Some(ClientIdentity { cert_file, key_file }),
        (Some((_, offset)), None) => {
            problems.note(offset, "cert_file needs its private key: add key_file".to_owned());
            None
        }
        (None, Some((_, offset))) => {
            problems.note(offset, "key_file needs its certificate: add cert_file".to_owned());
            None
        }
        (None, None) => None,
    };
    const NAME: &str = "a name such as \"sip.example.org\", or an IP address";
    let name = account.string(problems, "server_name", NAME);
    if let Some((text, span)) = &name
        && !is_server_name(text)
    {
        let words = format!("server_name must be {NAME}, not {text:?}");
        problems.note(span.start, words);
    }
    let insecure = account.boolean(problems, "insecure").unwrap_or(false);
    if let (true, Some((_, offset))) = (insecure, &ca_file) {
        let words = "ca_file says whom to trust and insecure trusts anyone: keep one";
        problems.note(*offset, words.to_owned());
    }
    TlsSettings {
        trust: ca_file.map_or(Trust::System, |(path, _)| Trust::File(path)),
        identity,
        server_name: name.map(|(name, _)| name.to_owned()),
        insecure,
    }
}

/// Takes the files that are named without a folder from the root to be in that of the config file.
pub(super) fn relative_to(settings: &mut FlowSettings, folder: &Path) {
    let tls = &mut settings.tls;
    if let Trust::File(path) = &mut tls.trust {
        *path = folder.join(&path);
    }
    if let Some(ClientIdentity { cert_file, key_file }) = &mut tls.identity {
        *cert_file = folder.join(&cert_file);
        *key_file = folder.join(&key_file);
    }
}

/// A day, in seconds: whoever wants to ping less often wants 0.
const MAX_KEEP_ALIVE: u64 = 86_400;
