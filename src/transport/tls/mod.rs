//! TLS (RFC 8446, RFC 5246) for `tls` and `wss`: how a handshake is made, and why it failed.
//!
//! `verifier` looks at a server's certificate, `identity` knows which names it may have,
//! `certificate` reads it for people, `weak` finds what makes it unfit.

mod certificate;
mod identity;
mod verifier;
mod weak;

use std::{
    fmt, fs, io,
    path::Path,
    sync::{Arc, OnceLock},
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::spawn_blocking,
};
use tokio_rustls::{
    TlsAcceptor, TlsConnector, client, rustls,
    rustls::{
        AlertDescription, ClientConfig, Error, KeyLogFile, RootCertStore, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem, pem::PemObject},
    },
    server,
};

use self::{
    identity::Rules,
    verifier::{Roots, Verifier},
};
use crate::{
    sip::escape,
    transport::{
        ClientIdentity, ServerUri, TlsFacts, TlsSettings, Trust, reason,
        stream::{Connection, Unmade},
    },
};

/// A server's certificate and key.
#[derive(Clone)]
pub struct ServerIdentity(pub(super) Arc<ServerConfig>);

impl fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerIdentity")
    }
}

impl ServerIdentity {
    /// An identity of a certificate with its intermediate ones, and its private key in PKCS #8; all
    /// DER.
    ///
    /// # Errors
    ///
    /// A key that does not belong to the certificate, or that cannot be used.
    pub fn new(chain: Vec<Vec<u8>>, key: Vec<u8>) -> io::Result<ServerIdentity> {
        let chain = chain.into_iter().map(CertificateDer::from).collect();
        let key = PrivateKeyDer::try_from(key).map_err(io::Error::other)?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring supports the default versions")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(io::Error::other)?;
        config.key_log = Arc::new(KeyLogFile::new());
        Ok(ServerIdentity(Arc::new(config)))
    }

    /// Shakes hands with a client.
    pub(super) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        connection: Connection<S>,
    ) -> io::Result<Connection<server::TlsStream<S>>> {
        let Connection { stream, local, peer, facts } = connection;
        let stream = TlsAcceptor::from(self.0.clone()).accept(stream).await?;
        Ok(Connection { stream, local, peer, facts })
    }
}

/// Shakes hands with a server; why not where that fails.
pub(super) async fn dial<S: AsyncRead + AsyncWrite + Unpin>(
    server: &ServerUri,
    settings: &TlsSettings,
    connection: Connection<S>,
) -> Result<Connection<client::TlsStream<S>>, Unmade> {
    let failed = |why: String| Unmade::from(reason::unreachable(server, why));
    let host = settings.server_name.as_deref().unwrap_or(&server.host);
    let name = ServerName::try_from(host.to_owned()).map_err(|_| {
        failed(format!("{} is no name that a certificate can be for", escape(host)))
    })?;
    let rules = if server.transport.is_websocket() { Rules::Https } else { Rules::Sip };
    let roots = match settings.insecure {
        true => None,
        false => Some(roots(&settings.trust).await.map_err(failed)?),
    };
    let verifier = Arc::new(Verifier::new(roots, host.to_owned(), rules));
    let config = config(&verifier, settings.identity.as_ref()).map_err(failed)?;
    let Connection { stream, local, peer, mut facts } = connection;
    match TlsConnector::from(Arc::new(config)).connect(name, stream).await {
        Ok(stream) => {
            facts.tls = Some(agreed(stream.get_ref().1, !settings.insecure));
            Ok(Connection { stream, local, peer, facts })
        }
        Err(error) => Err(Unmade {
            refused: verifier.refused(),
            ..failed(match (verifier.problem(), inner(&error)) {
                (Some(problem), _) => problem.to_owned(),
                (None, Some(Error::InvalidMessage(_))) => format!("{peer} does not speak TLS"),
                (None, Some(error)) => words(error),
                (None, None) if error.kind() == io::ErrorKind::UnexpectedEof => format!(
                    "{peer} ended the connection during the TLS handshake; perhaps it does not speak TLS"
                ),
                (None, None) => reason::words(&error),
            })
        }),
    }
}

/// The error of TLS in one of a stream.
pub(super) fn inner(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// What went wrong, in a few words.
pub(super) fn words(error: &Error) -> String {
    match error {
        Error::AlertReceived(alert) => {
            let hint = match alert {
                AlertDescription::CertificateRequired => {
                    ": it wants a client certificate, cert_file and key_file"
                }
                AlertDescription::BadCertificate
                | AlertDescription::UnknownCA
                | AlertDescription::CertificateUnknown
                | AlertDescription::CertificateExpired
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::AccessDenied => {
                    ": it does not take our client certificate, or wants one"
                }
                AlertDescription::ProtocolVersion => ": it speaks neither TLS 1.2 nor TLS 1.3",
                AlertDescription::HandshakeFailure => {
                    ": it has no cipher suite, group or signature in common with us (RFC 8446 §6.2)"
                }
                AlertDescription::UnrecognisedName => ": it does not know that server name",
                _ => "",
            };
            format!("the peer sent the TLS alert {alert:?}{hint}")
        }
        Error::InvalidMessage(_) => "the peer sent something that is not TLS".to_owned(),
        Error::PeerIncompatible(why) => {
            format!("the peer has no way of TLS in common with us: {why:?}")
        }
        error => format!("TLS failed: {}", escape(&error.to_string())),
    }
}

fn agreed(connection: &rustls::ClientConnection, verified: bool) -> TlsFacts {
    let version = match connection.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3".to_owned(),
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2".to_owned(),
        other => other.map_or_else(String::new, |version| format!("{version:?}")),
    };
    let suite = connection.negotiated_cipher_suite();
    let suite = suite.map_or_else(String::new, |suite| format!("{:?}", suite.suite()));
    TlsFacts {
        version,
        // The suites of TLS 1.3 have names without a version (RFC 8446 appendix B.4).
        cipher_suite: suite.replace("TLS13_", "TLS_"),
        chain: certificate::chain(connection.peer_certificates().unwrap_or_default()),
        verified,
    }
}

/// What is wrong with the files that the settings name, as a flow would find them, each sentence with
/// the key that names the file.
pub fn broken_files(settings: &TlsSettings) -> impl Iterator<Item = (&'static str, String)> {
    let trusted = match &settings.trust {
        Trust::File(path) => {
            read(path, "ca_file").and_then(|pem| certificates(&pem, "ca_file", path)).err()
        }
        Trust::System | Trust::Pem(_) => None,
    };
    let identity = settings.identity.as_ref().and_then(|identity| {
        let nobody = Arc::new(Verifier::new(None, String::new(), Rules::Sip));
        config(&nobody, Some(identity)).err()
    });
    let broken = [("ca_file", trusted), ("cert_file", identity)];
    broken.into_iter().filter_map(|(key, why)| Some((key, why?)))
}

/// Why the secrets of TLS connections are not written to the file that `SSLKEYLOGFILE` names, as
/// whoever set it expects; nothing where it is not set, or where they are.
pub fn key_log_problem() -> Option<String> {
    let path = std::env::var_os("SSLKEYLOGFILE")?;
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true);
    // As the library makes it: what stands there decrypts everything.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let error = options.open(&path).err()?;
    Some(format!(
        "SSLKEYLOGFILE {} cannot be written: {}; the secrets of TLS connections are kept nowhere",
        escape(&path.to_string_lossy()),
        reason::words(&error)
    ))
}

/// Whether a certificate can be for that name.
pub fn is_server_name(name: &str) -> bool {
    ServerName::try_from(name).is_ok()
}

fn config(
    verifier: &Arc<Verifier>,
    identity: Option<&ClientIdentity>,
) -> Result<ClientConfig, String> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring supports the default versions")
        .dangerous()
        .with_custom_certificate_verifier(verifier.clone());
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(ClientIdentity { cert_file, key_file }) => {
            let chain = certificates(&read(cert_file, "cert_file")?, "cert_file", cert_file)?;
            let key = private_key(key_file)?;
            builder.with_client_auth_cert(chain, key).map_err(|error| {
                format!(
                    "the key in {} does not go with the certificate in {}: {error}",
                    key_file.display(),
                    cert_file.display()
                )
            })?
        }
    };
    config.key_log = Arc::new(KeyLogFile::new());
    Ok(config)
}

/// Who is trusted; a few words where that cannot be known.
async fn roots(trust: &Trust) -> Result<Roots, String> {
    let (pinned, origin) = match trust {
        Trust::System => {
            let store = spawn_blocking(system_roots).await.expect("reading files does not panic");
            return Ok(Roots {
                store: store?,
                pinned: Vec::new(),
                origin: "this system's store of certificates".to_owned(),
            });
        }
        Trust::File(path) => {
            let pem = read(path, "ca_file")?;
            (certificates(&pem, "ca_file", path)?, format!("ca_file {}", path.display()))
        }
        Trust::Pem(pem) => {
            let place = Path::new("of the demo server");
            (certificates(pem.as_bytes(), "the certificate", place)?, "the demo server".to_owned())
        }
    };
    let mut store = RootCertStore::empty();
    // One that cannot vouch for others may still be the server's own.
    store.add_parsable_certificates(pinned.iter().cloned());
    Ok(Roots { store: Arc::new(store), pinned, origin })
}

/// Those whom this system trusts, read once.
fn system_roots() -> Result<Arc<RootCertStore>, String> {
    static ROOTS: OnceLock<Result<Arc<RootCertStore>, String>> = OnceLock::new();
    let load = || {
        let loaded = rustls_native_certs::load_native_certs();
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(loaded.certs);
        if !store.is_empty() {
            return Ok(Arc::new(store));
        }
        let why = loaded.errors.first().map(|error| format!(" ({error})")).unwrap_or_default();
        Err(format!("this system has no store of trusted certificates{why}: name one with ca_file"))
    };
    ROOTS.get_or_init(load).clone()
}

fn read(path: &Path, key: &str) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| {
        format!("{key} {} cannot be read: {}", path.display(), reason::words(&error))
    })
}

fn certificates(
    text: &[u8],
    key: &str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(text).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(format!("{key} {} holds no certificate in PEM", path.display())),
        Err(error) => Err(format!("{key} {} is no good PEM: {error}", path.display())),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let text = read(path, "key_file")?;
    // PKCS #8 (RFC 5958 §3), and the traditional form of OpenSSL.
    let marks = ["-----BEGIN ENCRYPTED PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED"];
    if marks.iter().any(|mark| memchr::memmem::find(&text, mark.as_bytes()).is_some()) {
        let path = path.display();
        return Err(format!(
            "key_file {path} is encrypted, and sipboard asks for no passphrase: write the key without one (openssl pkey -in {path} -out NEW, then chmod 600 NEW)"
        ));
    }
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
        pem::Error::NoItemsFound => {
            format!("key_file {} holds no private key in PEM", path.display())
        }
        // What the error says could be a part of the key.
        _ => format!("key_file {} is no good PEM", path.display()),
    })
}
