//! How an account's flows are made: its keys for the address, TLS and WebSocket.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

use crate::{
    config::table::{Problems, Table},
    transport::{ClientIdentity, FlowSettings, TlsSettings, Trust},
};

/// Reads them: bind, ca_file, cert_file, insecure, key_file and server_name.
pub(super) fn read(problems: &mut Problems<'_>, account: &Table<'_>) -> FlowSettings {
    FlowSettings { bind: read_bind(problems, account), tls: read_tls(problems, account) }
}

fn read_bind(problems: &mut Problems<'_>, account: &Table<'_>) -> Option<IpAddr> {
    let what = "an IP address of ours such as \"192.0.2.1\"";
    let (text, span) = account.string(problems, "bind", what)?;
    let address = text.parse().ok();
    if address.is_none() {
        problems.note(span.start, format!("bind must be {what}, not {text:?}"));
    }
    address
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
    let name = account.string(problems, "server_name", "a name such as \"sip.example.org\"");
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
